/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/text.h - identifiers, names and string escapes. */
#pragma once

#include "cedar.h"

static inline bool cedar_is_ident_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static inline bool cedar_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool cedar_is_ident_part(char c)
{
	return cedar_is_ident_start(c) || cedar_is_digit(c);
}

/* true false if then else in like has is __cedar: never an identifier. */
bool cedar_is_reserved(struct str ident);
/* Is s one identifier that is not reserved? */
bool cedar_is_ident(struct str s);
/* Is s a path of such identifiers, joined by "::" without blanks? */
bool cedar_is_name(struct str s);

/* How a string is to be read. */
enum cedar_quoted {
	CEDAR_QUOTED_STRING,
	CEDAR_QUOTED_PATTERN, /* `\*` is a star; a bare star is a wildcard */
};

/* Decodes what stood between the quotes. A pattern comes back as the pieces between its wildcards,
 * one more than there are wildcards; a string as one piece. Pieces live in arena. RC_INPUT:
 * *ret_bad is the escape that is none, a slice of raw. */
enum rc cedar_unescape(struct arena *arena, struct str raw, enum cedar_quoted how,
		       const struct str **ret, uint32_t *ret_n, struct str *ret_bad);
/* Appends s with quotes, escaped. */
enum rc cedar_print_quoted(struct buf *b, struct str s);
/* Appends the pattern with quotes. */
enum rc cedar_print_pattern(struct buf *b, const struct str *pieces, uint32_t n);
