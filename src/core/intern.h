/* SPDX-License-Identifier: Apache-2.0 */
/* core/intern.h - texts that stand in many places, each kept once.
 *
 * The state counts targets for tasks, caps and fences at the same time; a million of them fit
 * because each text is here once and everybody else holds its number. A text lives as long as
 * somebody holds it. Numbers mean nothing outside one process: they are never written down, and
 * nothing that is may depend on their order.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

enum { INTERN_NONE = 0 };

struct interned {
	char *p; /* NULL: not in use */
	uint32_t n;
	uint32_t held; /* by so many; when not in use: the next number not in use */
};

struct intern {
	struct interned *texts; /* by number; 0 is no text */
	size_t n;
	size_t cap;
	uint32_t *slots; /* numbers by hash, 0 = free */
	size_t n_slots;
	size_t n_live;
	uint32_t unused; /* first number not in use, 0 = none */
};

void intern_fini(struct intern *t);
/* The text's number, held once more. RC_NOMEM, RC_LIMIT (beyond LIMIT_INTERNED texts). */
enum rc intern_add(struct intern *t, struct str text, uint32_t *ret, struct err *e);
/* INTERN_NONE when nobody holds it. */
uint32_t intern_find(const struct intern *t, struct str text);
/* Valid while somebody holds it; the bytes do not move. */
struct str intern_text(const struct intern *t, uint32_t id);
void intern_hold(struct intern *t, uint32_t id);
void intern_drop(struct intern *t, uint32_t id);
