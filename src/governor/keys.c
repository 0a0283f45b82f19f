/* SPDX-License-Identifier: Apache-2.0 */
/* governor/keys.c - which data keys are open, and that no task goes on without one.
 *
 * Open from the start on are the keys of what the state has: its open incidents, its tasks, those
 * of its calls, approvals and terms, and of the lives that all these were written in. The rest
 * stays on the disk. What a person wants to read from there is read again once its keys have come.
 *
 * Holds:  (1) nothing is sealed for a task that runs, or for an incident, but under a key of its
 *             own: where that cannot be opened any more another one is given to it, before
 *             anything else is done.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "governor/people.h"

enum { FORGET_EVERY_MS = 10 * 60 * 1000, READINGS_MAX = 16 };

struct numbers {
	VEC(uint64_t) all;
};

static enum rc note(struct numbers *n, uint64_t object, struct err *e)
{
	if (object && vec_push(&n->all, object) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory to look for keys");
	}
	return RC_OK;
}

static enum rc collect(const struct state *s, struct numbers *n, struct err *e)
{
	const struct incident *i;
	const struct task *t;
	const struct call *c;
	const struct approval *a;
	const struct term *m;

	for (uint64_t at = 0; (i = state_next_incident(s, at)); at = i->ix + 1) {
		TRY(note(n, i->status == INCIDENT_OPEN ? i->ix : 0, e));
	}
	for (uint64_t at = 0; (t = state_next_task(s, at)); at = t->ix + 1) {
		TRY(note(n, t->ix, e));
	}
	for (uint64_t at = 0; (c = state_next_call(s, at)); at = c->ix + 1) {
		if (!state_task(s, c->task)) {
			TRY(note(n, c->task, e));
		}
	}
	for (uint64_t at = 0; (a = state_next_approval(s, at)); at = a->ix + 1) {
		TRY(note(n, a->task, e));
		TRY(note(n, a->incident, e));
	}
	for (uint64_t at = 0; (m = state_next_term(s, at)); at = m->ix + 1) {
		TRY(note(n, m->task, e));
	}
	return RC_OK;
}

/* n: to be given to vec_fini once ret is not used any more. */
static enum rc look(const struct governor *g, struct numbers *n, struct vault_needs *ret,
		    struct err *e)
{
	const char *what;

	TRY(collect(g->state, n, e));
	if (n->all.n) {
		qsort(n->all.p, n->all.n, sizeof(n->all.p[0]), num_order_u64);
	}
	*ret = (struct vault_needs){.objects = n->all.p,
				    .n_objects = n->all.n,
				    .oldest = state_oldest(g->state, &what),
				    .next = book_next_ix(g->book)};
	return RC_OK;
}

enum rc keys_open(struct governor *g, struct err *e)
{
	struct numbers n = {0};
	struct vault_needs needs;
	enum rc rc = look(g, &n, &needs, e);

	if (rc == RC_OK) {
		rc = vault_open(g->world.keys, g->world.emergency, &needs, &g->vault, e);
	}
	vec_fini(&n.all);
	TRY(rc);
	book_use_vault(g->book, g->vault);
	return RC_OK;
}

static void forget(struct governor *g)
{
	struct numbers n = {0};
	struct vault_needs needs;
	struct err e = ERR_INIT;

	if (look(g, &n, &needs, &e) == RC_OK) {
		vault_forget(g->vault, &needs);
	} else {
		log_warn("keys that are needed no more stay open: %s", e.msg);
	}
	vec_fini(&n.all);
}

void keys_tick(struct governor *g)
{
	if (gov_now_ns(g) >= g->forget_keys_ns) {
		g->forget_keys_ns = gov_now_ns(g) + (uint64_t)FORGET_EVERY_MS * 1000000;
		forget(g);
	}
}

/* ---- one for each (1) ---- */

static bool must_have(const struct governor *g, uint64_t object)
{
	const struct task *t = state_task(g->state, object);
	const struct incident *i = state_incident(g->state, object);

	return t ? t->state != TASK_CLOSED : i && i->status == INCIDENT_OPEN;
}

uint64_t gov_key_of(const struct governor *g, uint64_t object)
{
	uint64_t key = vault_key_of(g->vault, object);

	/* What is still said of a task that was erased, or of an incident that is over. */
	return key == VAULT_NO_KEY && !must_have(g, object) ? VAULT_LIFE_KEY : key;
}

static bool complete(struct governor *g, uint64_t object)
{
	struct err e = ERR_INIT;
	uint64_t serial;

	if (vault_key_of(g->vault, object) != VAULT_NO_KEY) {
		return true;
	}
	log_warn("what is sealed for leaf %ju cannot be opened; from here on another key seals it",
		 (uintmax_t)object);
	if (vault_take(g->vault, g->keeper, &serial, &e) != RC_OK ||
	    vault_bind(g->vault, serial, object, &e) != RC_OK) {
		log_warn("leaf %ju has no key yet: %s", (uintmax_t)object, e.msg);
		return false;
	}
	return true;
}

bool keys_are_there(struct governor *g)
{
	const struct incident *i;
	const struct task *t;

	if (!vault_is_ready(g->vault)) {
		return false;
	}
	for (uint64_t at = 0; (i = state_next_incident(g->state, at)); at = i->ix + 1) {
		if (i->status == INCIDENT_OPEN && !complete(g, i->ix)) {
			return false;
		}
	}
	for (uint64_t at = 0; (t = state_next_task(g->state, at)); at = t->ix + 1) {
		if (vault_key_of(g->vault, t->ix) == VAULT_NO_KEY &&
		    state_needs_values(g->state, t->ix) && !complete(g, t->ix)) {
			return false;
		}
	}
	return vault_is_ready(g->vault);
}

/* ---- readings that wait for keys ---- */

struct reading {
	struct msg_command m;
	char *body; /* owned */
};

struct readings {
	struct reading all[READINGS_MAX];
	size_t n;
};

bool keys_park(struct governor *g, const struct msg_command *m)
{
	struct reading *r;

	if (!vault_fetch_missed(g->vault, g->keeper)) {
		return false;
	}
	if (!g->readings) {
		g->readings = mem_calloc(1, sizeof(*g->readings));
	}
	if (!g->readings || g->readings->n == READINGS_MAX) {
		return false;
	}
	r = &g->readings->all[g->readings->n];
	r->body = mem_calloc(1, m->body.n + 1);
	if (!r->body) {
		return false;
	}
	memcpy(r->body, m->body.p, m->body.n);
	r->m = *m;
	r->m.body = str_of(r->body, m->body.n);
	g->readings->n++;
	return true;
}

void keys_on_key(struct governor *g)
{
	struct readings now;

	if (!g->readings || g->readings->n == 0 || vault_is_fetching(g->vault)) {
		return;
	}
	now = *g->readings;
	g->readings->n = 0;
	for (size_t i = 0; i < now.n; i++) {
		people_on_command(g, &now.all[i].m); /* may wait once more */
		mem_free(now.all[i].body);
	}
	if (g->readings->n == 0) {
		vault_end_reading(g->vault);
	}
}

void keys_drop_readings(struct governor *g)
{
	for (size_t i = 0; g->readings && i < g->readings->n; i++) {
		mem_free(g->readings->all[i].body);
	}
	if (g->readings) {
		g->readings->n = 0;
		vault_end_reading(g->vault);
	}
}
