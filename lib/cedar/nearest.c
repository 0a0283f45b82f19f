/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/nearest.c - the edit distance between names, for suggestions.
 *
 * Trust:  names are hostile; the work for a pair is bounded by LENGTH_MAX squared.
 */
#include "cedar/nearest.h"

enum { LENGTH_MAX = 64 };

/* Changes that people make by mistake: a third of the name, and never more than three. */
static size_t allowed(size_t length)
{
	size_t third = (length + 2) / 3;

	return third < 3 ? third : 3;
}

struct cedar_nearest cedar_nearest_to(struct str wanted)
{
	return (struct cedar_nearest){
	    .wanted = wanted,
	    .best = STR_NULL,
	    .distance = allowed(wanted.n) + 1,
	};
}

/* Insertions, deletions and replacements from a to b. */
static size_t distance(struct str a, struct str b)
{
	size_t row[LENGTH_MAX + 1];

	for (size_t k = 0; k <= b.n; k++) {
		row[k] = k;
	}
	for (size_t i = 1; i <= a.n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t k = 1; k <= b.n; k++) {
			size_t change = diagonal + (a.p[i - 1] == b.p[k - 1] ? 0 : 1);

			diagonal = row[k];
			row[k] = (row[k] < row[k - 1] ? row[k] : row[k - 1]) + 1;
			row[k] = change < row[k] ? change : row[k];
		}
	}
	return row[b.n];
}

static struct str last_part(struct str name)
{
	for (size_t i = name.n; i > 0; i--) {
		if (name.p[i - 1] == ':') {
			return str_slice(name, i, name.n);
		}
	}
	return name;
}

void cedar_nearest_offer(struct cedar_nearest *n, struct str candidate)
{
	size_t d;

	if (candidate.n == 0 || n->wanted.n == 0 || str_eq(candidate, n->wanted)) {
		return;
	}
	if (str_eq(last_part(candidate), last_part(n->wanted))) {
		d = 0;
	} else if (candidate.n > LENGTH_MAX || n->wanted.n > LENGTH_MAX) {
		return;
	} else {
		d = distance(n->wanted, candidate);
	}
	/* What has nothing in common is no suggestion, however short. */
	if (d < n->distance && (d == 0 || d < n->wanted.n)) {
		n->distance = d;
		n->best = candidate;
	}
}

enum rc cedar_nearest_say(const struct cedar_nearest *n, struct buf *b)
{
	return n->best.n ? buf_addf(b, "; did you mean '" STR_FMT "'?", STR_ARG(n->best)) : RC_OK;
}
