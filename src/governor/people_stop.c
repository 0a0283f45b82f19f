/* SPDX-License-Identifier: Apache-2.0 */
/* governor/people_stop.c - people stop, and let go on.
 *
 * Holds: (1) anybody who is a person stops, at once; two distinct persons let go on.
 */
#include "base/limits.h"
#include "governor/people.h"

/* The name as the state keys it: an agent's SPIFFE ID, "" for all. */
static enum rc scope_of(const struct asked *a, struct str *scope, struct str *name, struct err *e)
{
	const struct bundle *b = a->g->bundle;
	const struct agent *agent;
	uint64_t ix;

	*scope = people_text(a, "scope");
	*name = people_text(a, "name");
	if (str_eq(*scope, STR("all"))) {
		*name = STR("");
		return RC_OK;
	}
	if (str_eq(*scope, STR("agent"))) {
		agent = bundle_agent_named(b, *name);
		if (!agent) {
			FAIL(e, RC_ABSENT, "no agent '" STR_FMT "'", STR_ARG(*name));
		}
		*name = agent->id;
		return RC_OK;
	}
	if (str_eq(*scope, STR("task")) && id_parse(*name, 't', &ix) &&
	    state_task(a->g->state, ix)) {
		return RC_OK;
	}
	if ((str_eq(*scope, STR("tool")) && bundle_tool(b, *name)) ||
	    (str_eq(*scope, STR("upstream")) && bundle_upstream(b, *name))) {
		return RC_OK;
	}
	FAIL(e, RC_INPUT,
	     "'scope' must be all, agent, task, tool or upstream, and 'name' one that exists");
}

enum rc people_kill(struct asked *a, struct err *e)
{
	struct str scope;
	struct str name;
	const struct json *flag = json_get(a->body, STR("rollbacks"));
	bool rollbacks = false;

	TRY(scope_of(a, &scope, &name, e));
	if (flag && !json_bool(flag, &rollbacks)) {
		FAIL(e, RC_INPUT, "'rollbacks' must be true or false");
	}
	if (rollbacks && !str_eq(scope, STR("all"))) {
		FAIL(e, RC_INPUT, "only a stop of everything can hold Remit's own rollbacks");
	}
	stop_kill(a->g, a->req, scope, name, a->person->name,
		  str_slice(people_text(a, "why"), 0, 256), rollbacks);
	return RC_OK;
}

static enum rc propose(struct asked *a, const struct kill *k, struct err *e)
{
	struct leaf l = {
	    .kind = LEAF_KILL_LIFT_PROPOSED,
	    .kill_lift_proposed = {.kill = k->ix, .by = a->person->name},
	};
	uint64_t ix = k->ix;

	TRY(book_record(a->g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e));
	k = state_next_kill(a->g->state, ix);
	if (k && k->ix == ix) {
		notify_person(a->g, k->by, ix, "kill.lift_proposed",
			      arena_strf(&a->g->round,
					 STR_FMT " proposes to lift k%llu; another person must "
						 "confirm it within 15 minutes",
					 STR_ARG(a->person->name), (unsigned long long)ix));
	}
	people_answer_id(a, "kill", 'k', ix, STR("proposed"));
	return RC_OK;
}

enum rc people_resume(struct asked *a, struct err *e)
{
	const struct kill *k;
	struct str scope;
	struct str name;
	uint64_t ix;
	struct leaf l = {.kind = LEAF_KILL_CLEARED, .kill_cleared = {.by = a->person->name}};

	TRY(scope_of(a, &scope, &name, e));
	k = state_newest_kill(a->g->state, scope, name);
	if (!k) {
		FAIL(e, RC_ABSENT, "no stop is in force for this");
	}
	switch (decide_lift(a->g->state, a->g->bundle, k, a->person->name, gov_now_ms(a->g))) {
	case LIFT_REFUSED:
		people_reply_reason(
		    a->g, a->req, REASON_APPROVER_CONFLICT,
		    STR("owner and deputy of the agent cannot lift its stop without "
			"somebody else"));
		return RC_OK;
	case LIFT_PROPOSES:
		return propose(a, k, e);
	case LIFT_CONFIRMS:
		break;
	}
	ix = k->ix;
	l.kill_cleared.scope = scope;
	l.kill_cleared.name = name;
	l.kill_cleared.proposed_by = k->lift_by;
	TRY(book_record(a->g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e));
	people_answer_id(a, "kill", 'k', ix, STR("lifted"));
	return RC_OK;
}
