/* SPDX-License-Identifier: Apache-2.0 */
/* config/findings.h - what is wrong with a deployment directory, all of it, with positions.
 *
 * Loading goes on after an error, so that one run shows everything; more than FINDINGS_MAX are
 * counted but not kept. Texts live in the findings' own arena.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/vec.h"

enum { FINDINGS_MAX = 200 };

enum finding_level { FINDING_ERROR = 0, FINDING_WARNING };

struct finding {
	enum finding_level level;
	struct str file; /* relative to the deployment directory; "" = the directory itself */
	uint32_t line;	 /* 1-based; 0 = the whole file */
	uint32_t column; /* 1-based, in bytes */
	struct str text; /* what was expected, what was found, the nearest known name */
};

struct findings {
	struct arena arena;
	VEC(struct finding) items;
	size_t n_errors; /* of all, also of those not kept */
	size_t n_warnings;
};

#define FINDINGS_INIT                                                                              \
	{                                                                                          \
		.arena = ARENA_INIT(1 << 20)                                                       \
	}
#define AUTO_FINDINGS CLEANUP(findings_fini) struct findings

void findings_fini(struct findings *f);
/* Never fails: what cannot be kept is still counted. */
void findings_add(struct findings *f, enum finding_level level, struct str file, uint32_t line,
		  uint32_t column, const char *fmt, ...) PRINTF_LIKE(6, 7);
/* "file:line:column: error: text\n" each, errors and warnings in the order found, then a summary.
 */
enum rc findings_print(const struct findings *f, struct buf *b);
/* {"errors": n, "warnings": n, "findings": [{"level", "file", "line", "column", "text"}]} */
enum rc findings_print_json(const struct findings *f, struct buf *b, struct err *e);
