/* SPDX-License-Identifier: Apache-2.0 */
/* core/reason.c - the columns of core/reason.def. */
#include "core/reason.h"

struct row {
	struct str code;
	struct str text;
	bool is_deviation;
};

static const struct row rows[REASONS] = {
#define REASON(NAME, code, is_deviation, text)                                                     \
	[REASON_##NAME] = {                                                                        \
	    {"" code "", sizeof(code) - 1}, {"" text "", sizeof(text) - 1}, is_deviation},
#include "core/reason.def"
#undef REASON
};

/* A number from outside the list is no reason at all. */
static const struct row *row_of(enum reason r)
{
	return &rows[(unsigned)r < REASONS ? r : REASON_NONE];
}

struct str reason_code(enum reason r)
{
	return row_of(r)->code;
}

struct str reason_text(enum reason r)
{
	return row_of(r)->text;
}

bool reason_is_deviation(enum reason r)
{
	return row_of(r)->is_deviation;
}

bool reason_from_code(struct str code, enum reason *ret)
{
	for (unsigned i = 0; i < REASONS; i++) {
		if (str_eq(rows[i].code, code)) {
			*ret = (enum reason)i;
			return true;
		}
	}
	return false;
}
