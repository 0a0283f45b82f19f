/* SPDX-License-Identifier: Apache-2.0 */
/* governor/kept.c - results of approved calls that ran while nobody was waiting.
 *
 * The agent was told to make the identical call again; when it does, it gets the result instead of
 * "approval_used".
 * Holds: (1) only the agent whose task it is gets a result, and once.
 */
#include "governor/gov.h"

#include <string.h>

enum { KEPT_MS = 300000, KEPT_MAX = 1024 };

bool kept_answer(struct governor *g, struct request *r)
{
	const struct task *t = state_task(g->state, r->task);

	if (!t || !str_eq(t->agent, r->agent)) {
		return false;
	}
	for (size_t i = 0; i < g->kept.n; i++) {
		struct kept_result *k = &g->kept.p[i];

		if (k->task == r->task && digest_eq(&k->tag, &r->tag)) {
			const struct approval *a = state_approval_of(g->state, r->task, &r->tag);
			struct str result = k->result;

			vec_remove(&g->kept, i);
			reply_result(g, r, a ? a->used_by : 0, result);
			mem_free((void *)(uintptr_t)result.p);
			return true;
		}
	}
	return false;
}

void kept_add(struct governor *g, const struct flight *f, struct str result)
{
	const struct call *c = state_call(g->state, f->call);
	struct kept_result k = {.task = f->task, .until_unix_ms = gov_now_ms(g) + KEPT_MS};
	char *copy;

	if (!c || !c->approval || g->kept.n >= KEPT_MAX) {
		return;
	}
	copy = mem_calloc(result.n + 1, 1);
	if (!copy) {
		return;
	}
	memcpy(copy, result.p, result.n);
	k.tag = c->tag;
	k.result = str_of(copy, result.n);
	if (vec_push(&g->kept, k) != RC_OK) {
		mem_free(copy);
	}
}

void kept_tick(struct governor *g)
{
	for (size_t i = 0; i < g->kept.n;) {
		if (g->kept.p[i].until_unix_ms > gov_now_ms(g)) {
			i++;
			continue;
		}
		mem_free((void *)(uintptr_t)g->kept.p[i].result.p);
		vec_remove(&g->kept, i);
	}
}

void kept_free_all(struct governor *g)
{
	for (size_t i = 0; i < g->kept.n; i++) {
		mem_free((void *)(uintptr_t)g->kept.p[i].result.p);
	}
	vec_fini(&g->kept);
}
