/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/like.c - matching a string with a pattern.
 *
 * The first and the last piece are anchored; each between them is taken at its first place, which
 * is never worse than a later one. No backtracking: time is linear in the string per piece.
 */
#include "cedar/like.h"

#include <string.h>

static bool same(const char *at, struct str piece)
{
	return piece.n == 0 || memcmp(at, piece.p, piece.n) == 0;
}

bool cedar_like(struct str s, const struct str *pieces, size_t n)
{
	struct str first = pieces[0];
	struct str last = pieces[n - 1];

	if (n == 1) {
		return str_eq(s, first);
	}
	if (s.n < first.n + last.n || !same(s.p, first) || !same(s.p + (s.n - last.n), last)) {
		return false;
	}
	s = str_slice(s, first.n, s.n - last.n);
	for (size_t i = 1; i + 1 < n; i++) {
		const char *at;

		if (pieces[i].n == 0) {
			continue;
		}
		at = s.n ? memmem(s.p, s.n, pieces[i].p, pieces[i].n) : NULL;
		if (!at) {
			return false;
		}
		s = str_slice(s, (size_t)(at - s.p) + pieces[i].n, s.n);
	}
	return true;
}
