/* SPDX-License-Identifier: Apache-2.0 */
/* base/str.h - borrowed bytes.
 *
 * A struct str points at bytes that somebody else owns; it is not NUL-terminated and may contain
 * any byte. Functions never keep one beyond the call unless their comment says so.
 */
#pragma once

#include "base/base.h"

struct str {
	const char *p;
	size_t n;
};

#define STR(literal) ((struct str){.p = "" literal "", .n = sizeof(literal) - 1})
#define STR_NULL     ((struct str){.p = NULL, .n = 0})
/* printf("%" STR_FMT, STR_ARG(s)) is spelled STR_FMT with its own percent sign. */
#define STR_FMT	   "%.*s"
#define STR_ARG(s) (int)(s).n, (s).p

struct str str_from(const char *cstr); /* NULL gives an empty str */
struct str str_of(const void *p, size_t n);
/* Here, since most differ in length and need no call. */
static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || __builtin_memcmp(a.p, b.p, a.n) == 0);
}
int str_cmp(struct str a, struct str b);	/* bytewise, shorter first */
bool str_eq_nocase(struct str a, struct str b); /* ASCII only */
bool str_has_prefix(struct str s, struct str prefix);
bool str_has_suffix(struct str s, struct str suffix);
struct str str_slice(struct str s, size_t from, size_t to); /* clamped to s */
struct str str_trim(struct str s);			    /* ASCII space and tab, both ends */
/* Offset of the first c in s, or s.n. */
size_t str_find(struct str s, char c);
/* True and the rest when s contains needle. */
bool str_contains(struct str s, struct str needle);
/* Cuts s at the first sep: returns the part before, sets *s to the part after; when sep is absent
 * the whole is returned and *s becomes empty with p == NULL. */
struct str str_cut(struct str *s, char sep);
/* Is s well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF)? */
bool str_is_utf8(struct str s);
/* Takes the first code point off *s, which is well-formed UTF-8 and not empty. */
uint32_t str_take_code_point(struct str *s);
/* Constant time in the bytes (not in the length). For secrets, digests and tokens. */
bool secret_eq(struct str a, struct str b);
