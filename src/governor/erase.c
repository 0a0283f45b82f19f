/* SPDX-License-Identifier: Apache-2.0 */
/* governor/erase.c - what is sealed for a task goes: its key is destroyed.
 *
 *	erase.proposed	one person wants it
 *	erase.decided	another confirms it, within 15 minutes; durable, then
 *	the key's file	is removed, its bytes in memory are wiped
 *	task.erased	says so. A life that ends before it is finished by the next one.
 *
 * Arguments, results and captured states of the task are then nobody's to read; the commitments in
 * its leaves stay, and say nothing. Evidence has keys of its own.
 * Holds:  (1) nothing under a legal hold is erased: of the task's incident, or of any target.
 */
#include "governor/people.h"

#include "base/log.h"
#include "core/evidence.h"

static void erase_one(struct governor *g, const struct erasing *x)
{
	struct err e = ERR_INIT;
	struct leaf l = {.kind = LEAF_TASK_ERASED,
			 .task_erased = {.decided = x->ix, .task = x->task}};

	if (vault_destroy_of(g->vault, x->task, &e) != RC_OK) {
		if (!g->erase_fails) {
			log_warn("what is sealed for t%ju cannot be erased now: %s",
				 (uintmax_t)x->task, e.msg);
		}
		g->erase_fails = true;
		return;
	}
	g->erase_fails = false;
	if (book_record(g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, &e) != RC_OK) {
		log_err("an erasure cannot be recorded: %s", e.msg);
	}
}

void erase_tick(struct governor *g)
{
	const struct erasing *x = state_erasing(g->state, 0);

	/* Not before the decision is on the disk, which every earlier round's is. */
	if (x && x->ix < book_durable_size(g->book)) {
		erase_one(g, x);
	}
}

/* The task's incident, also when the state has forgotten the task. */
static enum rc incident_of(struct asked *a, uint64_t task, uint64_t *ret, struct err *e)
{
	const struct task *t = state_task(a->g->state, task);
	struct leaf l;

	if (t) {
		*ret = t->incident;
		return RC_OK;
	}
	if (task >= book_durable_size(a->g->book) ||
	    book_leaf_of(a->g->book, task, &a->g->round, &l, NULL) != RC_OK ||
	    l.kind != LEAF_TASK_OPENED) {
		FAIL(e, RC_ABSENT, "no task t%ju", (uintmax_t)task);
	}
	*ret = l.task_opened.incident;
	return RC_OK;
}

/* (1) */
static const struct hold *held_by(const struct state *s, uint64_t incident)
{
	for (const struct hold *h = state_next_hold(s, 0); h; h = state_next_hold(s, h->ix + 1)) {
		uint64_t of = 0;

		if (h->scope == HOLD_TARGET || (h->scope == HOLD_INCIDENT &&
						id_parse(h->subject, 'i', &of) && of == incident)) {
			return h;
		}
	}
	return NULL;
}

enum rc people_erase(struct asked *a, struct err *e)
{
	const struct motion *p = state_erase_motion(a->g->state);
	struct leaf l = {.kind = LEAF_ERASE_PROPOSED, .erase_proposed = {.by = a->person->name}};
	const struct hold *h;
	const char *why;
	uint64_t incident;
	uint64_t task;
	uint64_t key;
	enum rc rc;

	TRY(people_id(a, 't', &task, e));
	TRY(incident_of(a, task, &incident, e));
	why = state_needs_values(a->g->state, task);
	if (why) {
		FAIL(e, RC_DENIED, "t%ju is not erased: %s", (uintmax_t)task, why);
	}
	rc = vault_bound(a->g->vault, task, &key, e);
	if (rc == RC_ABSENT) {
		FAIL(e, rc, "t%ju has no key: what was sealed for it can be read by nobody",
		     (uintmax_t)task);
	}
	TRY(rc);
	h = held_by(a->g->state, incident);
	if (h) {
		FAIL(e, RC_DENIED, "t%ju is not erased: legal hold '" STR_FMT "' is on it",
		     (uintmax_t)task, STR_ARG(h->name));
	}
	if (motion_may_confirm(p, task, a->person->name, gov_now_ms(a->g))) {
		l = (struct leaf){.kind = LEAF_ERASE_DECIDED,
				  .erase_decided = {.task = task,
						    .by = a->person->name,
						    .proposed_by = arena_str(&a->g->round, p->by),
						    .key = key}};
		TRY(book_record(a->g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e));
		people_answer_id(a, "task", 't', task, STR("erasing"));
		return RC_OK;
	}
	l.erase_proposed.task = task;
	TRY(book_record(a->g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e));
	people_answer_id(a, "task", 't', task, STR("proposed"));
	return RC_OK;
}
