/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_intent.c - may this agent open a task, and with what grant?
 *
 * Trust:  the request is an agent's.
 * Holds:  (1) the grant is within the playbook, the incident's assets and the request.
 *         (2) no target of it is on the never-list.
 *         (3) a person answers for the task: who is on duty in the playbook's group.
 */
#include "base/limits.h"
#include "core/accountable.h"
#include "core/decide_impl.h"
#include "core/never.h"
#include "core/policy.h"
#include "core/target.h"

enum { MAX_TOOLS = 128, MAX_DATA = 64 }; /* as in leaf.def */

struct granting {
	const struct state *s;
	const struct bundle *b;
	const struct intent_request *r;
	struct arena *arena;
	const struct agent *agent;
	const struct incident *incident;
	const struct playbook *playbook;
	uint64_t duration_ms;
	struct intent_decision d;
};

static enum rc refuse(struct granting *g, enum reason reason, struct err *e, const char *text,
		      struct str subject)
{
	g->d.reason = reason;
	g->d.detail = arena_strf(g->arena, "%s '" STR_FMT "'", text,
				 STR_ARG(str_slice(subject, 0, LIMIT_ID_BYTES)));
	if (!g->d.detail.p) {
		FAIL(e, RC_NOMEM, "no memory for a decision");
	}
	if (!str_is_utf8(g->d.detail)) {
		g->d.detail = str_from(text); /* the subject was cut within a character */
	}
	return RC_OK;
}

/* Adds s to a list in the making, once. */
static enum rc add(struct str *items, struct str_list *l, size_t max, struct str s, struct err *e)
{
	if (str_list_has(l, s)) {
		return RC_OK;
	}
	if (l->n == max) {
		FAIL(e, RC_LIMIT, "more than %zu in a grant", max);
	}
	items[l->n++] = s;
	return RC_OK;
}

static enum rc new_list(struct granting *g, size_t max, struct str **ret, struct str_list *l,
			struct err *e)
{
	*ret = arena_alloc_n(g->arena, max, sizeof(**ret));
	if (!*ret) {
		FAIL(e, RC_NOMEM, "no memory for a grant");
	}
	*l = (struct str_list){.p = *ret};
	return RC_OK;
}

static enum rc grant_ground(struct granting *g, struct err *e)
{
	const struct intent_request *r = g->r;

	(void)e;
	g->incident = state_incident(g->s, r->incident);
	g->d.reason = check_kill(g->s, g->b, r->agent, 0, STR(""));
	if (g->d.reason == REASON_NONE && state_sends_nothing(g->s)) {
		g->d.reason = REASON_AUDIT_UNAVAILABLE;
	}
	if (g->d.reason == REASON_NONE) {
		g->d.reason = check_agent(g->b, r->agent, r->now_unix_ms, &g->agent);
	}
	if (g->d.reason == REASON_NONE) {
		g->d.reason = check_incident(g->incident, g->agent);
	}
	if (g->d.reason == REASON_NONE) {
		g->d.reason = check_playbook(g->b, r->playbook, g->incident, &g->playbook);
	}
	return RC_OK;
}

/* All tools of the playbook, or those asked for. */
static enum rc grant_tools(struct granting *g, struct err *e)
{
	const struct playbook *p = g->playbook;
	struct str_list all;
	struct str *items;

	TRY(new_list(g, MAX_TOOLS, &items, &all, e));
	for (size_t i = 0; i < p->n_phases; i++) {
		for (size_t j = 0; j < p->phases[i].tools.n; j++) {
			TRY(add(items, &all, MAX_TOOLS, p->phases[i].tools.p[j], e));
		}
	}
	if (g->r->tools.n == 0) {
		g->d.tools = all;
		return RC_OK;
	}
	TRY(new_list(g, MAX_TOOLS, &items, &g->d.tools, e));
	for (size_t i = 0; i < g->r->tools.n; i++) {
		if (!str_list_has(&all, g->r->tools.p[i])) {
			return refuse(g, REASON_INTENT_MISMATCH, e, "the playbook has no tool",
				      g->r->tools.p[i]);
		}
		TRY(add(items, &g->d.tools, MAX_TOOLS, g->r->tools.p[i], e));
	}
	return RC_OK;
}

static bool some_tool_needs_targets(const struct granting *g)
{
	for (size_t i = 0; i < g->d.tools.n; i++) {
		const struct tool *t = bundle_tool(g->b, g->d.tools.p[i]);

		if (t && t->n_targets > 0) {
			return true;
		}
	}
	return false;
}

/* (1), (2) */
static enum rc grant_targets(struct granting *g, struct err *e)
{
	struct str *items;

	TRY(new_list(g, LIMIT_TARGETS, &items, &g->d.targets, e));
	for (size_t i = 0; i < g->r->targets.n; i++) {
		struct str target;
		enum reason reason = target_parse(g->r->targets.p[i], g->arena, &target);

		if (reason == REASON_LIMIT) {
			FAIL(e, RC_NOMEM, "no memory for a grant");
		}
		if (reason == REASON_NONE) {
			reason = never_reason(g->b, target, true);
		}
		if (reason == REASON_NONE && !str_list_has(&g->incident->assets, target)) {
			reason = REASON_TARGET_NOT_IN_INCIDENT;
		}
		if (reason != REASON_NONE) {
			return refuse(g, reason, e, "target", g->r->targets.p[i]);
		}
		TRY(add(items, &g->d.targets, LIMIT_TARGETS, target, e));
	}
	if (g->d.targets.n == 0 && some_tool_needs_targets(g)) {
		g->d.reason = REASON_SELECTOR_EMPTY_OR_WILDCARD;
		g->d.detail = STR("name the assets of the incident that the task will act on");
	}
	return RC_OK;
}

/* What was asked for, or what the granted tools return as far as the playbook allows it. */
static enum rc grant_data(struct granting *g, struct err *e)
{
	struct str *items;

	TRY(new_list(g, MAX_DATA, &items, &g->d.data, e));
	for (size_t i = 0; i < g->r->data.n; i++) {
		if (!str_list_has(&g->playbook->data, g->r->data.p[i])) {
			return refuse(g, REASON_DATA_SCOPE, e,
				      "the playbook does not read data of class", g->r->data.p[i]);
		}
		TRY(add(items, &g->d.data, MAX_DATA, g->r->data.p[i], e));
	}
	for (size_t i = 0; g->r->data.n == 0 && i < g->d.tools.n; i++) {
		const struct tool *t = bundle_tool(g->b, g->d.tools.p[i]);

		for (size_t j = 0; t && j < t->data.n; j++) {
			if (str_list_has(&g->playbook->data, t->data.p[j])) {
				TRY(add(items, &g->d.data, MAX_DATA, t->data.p[j], e));
			}
		}
	}
	return RC_OK;
}

/* What for, in the playbook's own words: free text decides nothing. */
static enum rc grant_goal(struct granting *g, struct err *e)
{
	if (g->playbook->goals.n == 0 && g->r->goal_class.n == 0) {
		return RC_OK;
	}
	return str_list_has(&g->playbook->goals, g->r->goal_class)
		   ? RC_OK
		   : refuse(g, REASON_INTENT_MISMATCH, e, "the playbook has no goal_class",
			    g->r->goal_class);
}

static enum rc grant_time(struct granting *g, struct err *e)
{
	uint64_t max_ms = g->playbook->max_duration_ms;
	uint64_t duration_ms = g->r->duration_ms ? g->r->duration_ms : max_ms;

	(void)e;
	if (duration_ms > max_ms || max_ms == 0) {
		g->d.reason = REASON_LIMIT;
		g->d.detail = STR("the playbook does not allow a task to take so long");
		return RC_OK;
	}
	g->duration_ms = duration_ms;
	g->d.not_after_unix_ms = g->r->now_unix_ms + duration_ms;
	g->d.max_calls = g->playbook->max_calls;
	g->d.max_targets = g->playbook->max_targets;
	g->d.max_deviations = g->playbook->max_deviations;
	return RC_OK;
}

static enum rc check_policy(struct granting *g, struct err *e)
{
	const struct policy_intent intent = {
	    .agent = g->agent,
	    .incident = g->incident,
	    .playbook = g->playbook->name,
	    .tools = &g->d.tools,
	    .targets = &g->d.targets,
	    .goal = g->r->goal_class,
	    .data = &g->d.data,
	    .duration_ms = g->duration_ms,
	    .now_unix_ms = g->r->now_unix_ms,
	};
	struct policy_case c = {0};
	struct policy_answer answer;

	TRY(policy_case_of_intent(&intent, g->arena, &c, e));
	TRY(policy_ask(g->b->policies, &c, g->arena, &answer, e));
	g->d.reason = answer.reason;
	g->d.detail = answer.detail;
	g->d.policies = answer.policies;
	g->d.gates = answer.gates;
	return RC_OK;
}

/* (3) */
static enum rc find_accountable(struct granting *g, struct err *e)
{
	const struct group *group = bundle_group(g->b, g->playbook->accountable);

	if (!group || group->rota.n == 0 || g->playbook->n_phases == 0) {
		FAIL(e, RC_BROKEN, "playbook '" STR_FMT "' has no phase, or nobody answers for it",
		     STR_ARG(g->playbook->name));
	}
	g->d.accountable = accountable_now(g->s, g->b, g->playbook->accountable, g->r->now_unix_ms);
	g->d.phase = g->playbook->phases[0].name;
	return RC_OK;
}

enum rc decide_intent(const struct state *s, const struct bundle *b, const struct intent_request *r,
		      struct arena *arena, struct intent_decision *ret, struct err *e)
{
	static enum rc (*const steps[])(struct granting *, struct err *) = {
	    grant_ground, grant_goal, grant_tools,  grant_targets,
	    grant_data,	  grant_time, check_policy, find_accountable,
	};
	struct granting g = {.s = s, .b = b, .r = r, .arena = arena};

	for (size_t i = 0; i < ARRAY_LEN(steps) && g.d.reason == REASON_NONE; i++) {
		enum rc rc = steps[i](&g, e);

		if (rc == RC_LIMIT) {
			g.d.reason = REASON_LIMIT;
		} else if (rc != RC_OK) {
			return rc;
		}
	}
	if (g.d.reason == REASON_NONE) {
		bool is_gated = g.d.gates.n > 0;

		g.d.verdict = is_gated ? VERDICT_ASK : VERDICT_ALLOW;
		g.d.reason = is_gated ? REASON_NEEDS_APPROVAL : REASON_ALLOWED;
		*ret = g.d;
		return RC_OK;
	}
	/* Nothing of a half-made grant leaves. */
	*ret = (struct intent_decision){
	    .verdict = VERDICT_DENY,
	    .reason = g.d.reason,
	    .detail = g.d.detail,
	    .policies = g.d.policies,
	    .attempt = bundle_agent(b, r->agent) ? attempt_weight(g.d.reason, 0) : 0,
	};
	return RC_OK;
}
