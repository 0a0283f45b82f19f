/* SPDX-License-Identifier: Apache-2.0 */
/* config/nearest.c - edit distance between short names. */
#include "config/nearest.h"

enum { LONGEST = 64 };

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Insertions, deletions, replacements and swaps of neighbours from a to b; both at most LONGEST. */
static size_t distance(struct str a, struct str b)
{
	size_t rows[3][LONGEST + 1];
	size_t *before = rows[0]; /* row i - 2 */
	size_t *above = rows[1];  /* row i - 1 */
	size_t *row = rows[2];

	for (size_t k = 0; k <= b.n; k++) {
		above[k] = k;
	}
	for (size_t i = 1; i <= a.n; i++) {
		size_t *swap = before;

		row[0] = i;
		for (size_t k = 1; k <= b.n; k++) {
			row[k] = min3(above[k] + 1, row[k - 1] + 1,
				      above[k - 1] + (a.p[i - 1] != b.p[k - 1]));
			if (i > 1 && k > 1 && a.p[i - 1] == b.p[k - 2] &&
			    a.p[i - 2] == b.p[k - 1] && before[k - 2] + 1 < row[k]) {
				row[k] = before[k - 2] + 1;
			}
		}
		before = above;
		above = row;
		row = swap;
	}
	return above[b.n];
}

struct nearest nearest_to(struct str word)
{
	return (struct nearest){.word = word, .distance = SIZE_MAX};
}

void nearest_try(struct nearest *n, struct str candidate)
{
	size_t d;

	if (n->word.n > LONGEST || candidate.n > LONGEST) {
		return;
	}
	d = distance(n->word, candidate);
	if (d < n->distance) {
		n->distance = d;
		n->best = candidate;
	}
}

struct str nearest_best(const struct nearest *n)
{
	size_t letters = n->word.n > n->best.n ? n->word.n : n->best.n;

	return n->best.p && n->distance * 3 <= letters + 1 ? n->best : STR_NULL;
}
