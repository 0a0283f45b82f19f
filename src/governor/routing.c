/* SPDX-License-Identifier: Apache-2.0 */
/* governor/routing.c - tasks that begin by themselves when an incident opens.
 *
 * A rule's entry is declared by Remit as an intent of its agent and decided like any other, so that
 * stops, registration, playbook and policies hold. What came of it is a leaf, and that leaf is what
 * keeps it from happening twice: over updates, deliveries and restarts.
 * Holds: (1) once per incident and entry; what was refused is not tried again.
 *        (2) an entry whose agent has a task by that playbook on the incident already opens none:
 *            after a crash between a task and the leaf that says so there is one task.
 *        (3) targets are the incident's assets, but for what nobody may touch.
 *        (4) Remit asks nobody about an intent of its own making: behind a gate the agent declares
 *            it, and is held to what was approved.
 */
#include "governor/gov.h"

#include "base/limits.h"
#include "base/log.h"
#include "core/never.h"
#include "core/route.h"

enum { AGAIN_MS = 1000 }; /* after a stop, or when there was no key */

/* (3) */
static enum rc targets_of(struct governor *g, const struct incident *i, struct str_list *ret,
			  struct err *e)
{
	struct str *items = arena_alloc_n(&g->round, i->assets.n, sizeof(*items));
	size_t n = 0;

	if (!items) {
		FAIL(e, RC_NOMEM, "no memory to route an incident");
	}
	for (size_t k = 0; k < i->assets.n; k++) {
		if (never_reason(g->bundle, i->assets.p[k], true) == REASON_NONE) {
			items[n++] = i->assets.p[k];
		}
	}
	*ret = (struct str_list){items, n};
	return RC_OK;
}

/* (2) */
static uint64_t running_task(const struct governor *g, uint64_t incident, struct str agent,
			     struct str playbook)
{
	const struct task *t;
	uint64_t from = 0;

	while ((t = state_next_task(g->state, from))) {
		from = t->ix + 1;
		if (t->incident == incident && str_eq(t->agent, agent) &&
		    str_eq(t->playbook, playbook) &&
		    (t->state == TASK_RUNNING || t->state == TASK_SUSPENDED)) {
			return t->ix;
		}
	}
	return 0;
}

static enum rc record(struct governor *g, uint64_t incident, struct str key, uint64_t task,
		      enum reason reason, struct err *e)
{
	struct leaf l = {
	    .kind = LEAF_INCIDENT_ROUTED,
	    .incident_routed =
		{
		    .incident = incident,
		    .route = key,
		    .task = task,
		    .reason = reason_code(reason),
		},
	};

	return book_record(g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e);
}

static void tell_owner(struct governor *g, const struct agent *a, uint64_t incident, struct str key,
		       const struct intent_decision *d)
{
	notify_person(g, a->owner, incident, "incident.routed",
		      arena_strf(&g->round, "no task was opened on i%llu by %.*s: %.*s%s%.*s",
				 (unsigned long long)incident, STR_ARG(key),
				 STR_ARG(reason_text(d->reason)), d->detail.n ? ": " : "",
				 STR_ARG(d->detail)));
}

/* RC_AGAIN: not now. */
static enum rc route_one(struct governor *g, const struct route *r, const struct route_task *t,
			 const struct incident *i, struct str key, struct err *e)
{
	const struct agent *a = bundle_agent_named(g->bundle, t->agent);
	uint64_t incident = i->ix;
	struct intent_request q = {.incident = incident,
				   .playbook = t->playbook,
				   .tools = t->tools,
				   .data = t->data,
				   .duration_ms = t->duration_ms,
				   .now_unix_ms = gov_now_ms(g)};
	struct intent_decision d = {0};
	struct str by;
	uint64_t task;

	MUST(a != NULL); /* the loader knew it */
	q.agent = a->id;
	q.goal = arena_strf(&g->round, "routed by rule " STR_FMT, STR_ARG(r->name));
	task = running_task(g, incident, a->id, t->playbook);
	if (task) {
		return record(g, incident, key, task, REASON_ALLOWED, e);
	}
	TRY(targets_of(g, i, &q.targets, e));
	if (!q.goal.p) {
		FAIL(e, RC_NOMEM, "no memory to route an incident");
	}
	if (decide_intent(g->state, g->bundle, &q, &g->round, &d, e) != RC_OK) {
		log_err("cannot decide a routed intent: %s", e->msg);
		d = (struct intent_decision){.reason = REASON_POLICY_ERROR};
	}
	if (d.reason == REASON_KILL_ACTIVE) {
		FAIL(e, RC_AGAIN, "a stop is in force");
	}
	if (d.verdict == VERDICT_ALLOW) {
		by = arena_strf(&g->round, "rule " STR_FMT, STR_ARG(r->name));
		if (!by.p) {
			FAIL(e, RC_NOMEM, "no memory to route an incident");
		}
		TRY(intents_open_task(g, &q, STR_NULL, &d, by, &task, e));
		return record(g, incident, key, task, REASON_ALLOWED, e);
	}
	if (d.verdict == VERDICT_ASK) { /* (4) */
		d.reason = REASON_NEEDS_APPROVAL;
		d.detail = STR("the agent must declare this intent itself");
	}
	TRY(record(g, incident, key, 0, d.reason, e));
	tell_owner(g, a, incident, key, &d);
	return RC_OK;
}

static void later(struct governor *g, uint64_t incident, struct str key, const struct err *e)
{
	if (!g->is_routing_late) {
		log_warn("i%llu is not routed by '%.*s' yet: %s", (unsigned long long)incident,
			 STR_ARG(key), e->msg); /* once, until all are */
	}
	g->is_routing_late = true;
	g->route_again_ns = gov_now_ns(g) + (uint64_t)AGAIN_MS * 1000000;
}

void routing_follow(struct governor *g, uint64_t incident)
{
	for (size_t n = 0; n < g->bundle->n_routes; n++) {
		const struct route *r = &g->bundle->routes[n];

		for (size_t k = 0; k < r->n_tasks; k++) {
			/* Pointers into the state are good until the next leaf. */
			const struct incident *i = state_incident(g->state, incident);
			const struct route_task *t = &r->tasks[k];
			char text[ROUTE_KEY_BYTES];
			struct str key = route_key(r->name, t->agent, t->playbook, text);
			struct err e = ERR_INIT;

			if (!i || !route_matches(r, i) ||
			    state_incident_was_routed(g->state, incident, key)) {
				continue; /* (1) */
			}
			if (route_one(g, r, t, i, key, &e) != RC_OK) {
				later(g, incident, key, &e);
			}
		}
	}
}

void routing_follow_all(struct governor *g)
{
	const struct incident *i;
	uint64_t from = 0;

	while (g->bundle->n_routes > 0 && (i = state_next_incident(g->state, from))) {
		from = i->ix + 1;
		if (i->status == INCIDENT_OPEN) {
			routing_follow(g, i->ix);
		}
	}
}

void routing_tick(struct governor *g)
{
	if (g->route_again_ns && gov_now_ns(g) >= g->route_again_ns) {
		g->route_again_ns = 0;
		routing_follow_all(g);
		g->is_routing_late = g->route_again_ns != 0;
	}
}
