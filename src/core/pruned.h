/* SPDX-License-Identifier: Apache-2.0 */
/* core/pruned.h - the file `pruned` in a log's directory: what was given up, and which leaf says
 * so.
 *
 * Two lines: the first leaf that is there (entries below it may be gone, their hashes are not), and
 * the log.pruned that says so. The file is a hint: whoever relies on it looks at that leaf.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct leaf;

enum { PRUNED_TEXT_BYTES = 64 };

struct pruned {
	uint64_t first;
	uint64_t leaf;
};

/* Returns how many bytes were written. */
size_t pruned_print(const struct pruned *p, char ret[PRUNED_TEXT_BYTES]);
/* RC_INPUT: it is something else. */
enum rc pruned_parse(struct str text, struct pruned *ret, struct err *e);
/* Does the leaf say so? RC_BROKEN: another thing. */
enum rc pruned_check(const struct pruned *p, const struct leaf *leaf, struct err *e);
