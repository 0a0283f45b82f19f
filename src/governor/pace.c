/* SPDX-License-Identifier: Apache-2.0 */
/* governor/pace.c - how much a source may say, so that one that runs wild fills no log.
 *
 * A bucket per source: so many events or signals at once, so many a second after that. What is over
 * is answered "again later" and not recorded; sources send again. In memory only: a restart fills
 * the buckets, which costs nothing.
 */
#include "governor/gov.h"

#include "base/limits.h"

static struct pace *of(struct governor *g, size_t at)
{
	while (g->paces.n <= at) {
		struct pace full = {.tokens = LIMIT_SOURCE_BURST, .last_ns = gov_now_ns(g)};

		if (vec_push(&g->paces, full) != RC_OK) {
			return NULL;
		}
	}
	return &g->paces.p[at];
}

enum rc pace_take(struct governor *g, const struct source *s, size_t n, struct err *e)
{
	struct pace *p = of(g, (size_t)(s - g->deployment->sources));
	const uint64_t each_ns = 1000000000 / LIMIT_SOURCE_PER_S;
	uint64_t more;

	if (!p) {
		FAIL(e, RC_NOMEM, "no memory to count what sources say");
	}
	more = (gov_now_ns(g) - p->last_ns) / each_ns;
	p->last_ns += more * each_ns;
	p->tokens = p->tokens + more < LIMIT_SOURCE_BURST ? p->tokens + more : LIMIT_SOURCE_BURST;
	if (p->tokens < n) {
		FAIL(e, RC_AGAIN,
		     "source '" STR_FMT "' says more than %d at once and %d a second; again later",
		     STR_ARG(s->name), LIMIT_SOURCE_BURST, LIMIT_SOURCE_PER_S);
	}
	p->tokens -= n;
	return RC_OK;
}
