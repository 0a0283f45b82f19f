/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide.c - the checks that decisions share, and calls of Remit itself. */
#include "core/decide.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/decide_impl.h"
#include "core/incident.h"
#include "core/never.h"
#include "core/schema.h"
#include "core/target.h"

enum { DETAIL_BYTES = 512 };

struct str verdict_name(enum verdict v)
{
	switch (v) {
	case VERDICT_ASK:
		return STR("ask");
	case VERDICT_ALLOW:
		return STR("allow");
	case VERDICT_DENY:
		break;
	}
	return STR("deny");
}

enum rc decision_deny(struct decision *d, enum reason reason, struct arena *arena, struct err *e,
		      const char *fmt, ...)
{
	char text[DETAIL_BYTES];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap); /* a long one ends early: it is for people */
	va_end(ap);
	MUST(n >= 0);
	d->reason = reason;
	d->detail = arena_str(arena, str_from(text));
	if (!d->detail.p) {
		FAIL(e, RC_NOMEM, "no memory for a decision");
	}
	/* What was cut within a character is worth less than valid text. */
	if (!str_is_utf8(d->detail)) {
		d->detail = STR_NULL;
	}
	return RC_OK;
}

void weigh_denial(struct deciding *c)
{
	const struct playbook *p = c->playbook;

	if (!bundle_agent(c->b, c->r->agent)) {
		return; /* a stranger is no agent that could be suspended or lowered */
	}
	c->d.deviation =
	    !c->task ? 0
		     : deviation_weight(p ? p->weights : NULL, p ? p->n_weights : 0, c->d.reason);
	c->d.attempt = attempt_weight(c->d.reason, c->d.deviation);
}

/* ---- checks ---- */

enum reason check_kill(const struct state *s, const struct bundle *b, struct str agent,
		       uint64_t task, struct str tool)
{
	const struct agent *a = bundle_agent(b, agent);
	const struct tool *t = bundle_tool(b, tool);
	char id[24];

	if (!state_next_kill(s, 0)) {
		return REASON_NONE; /* nearly always */
	}
	if (state_kill(s, STR("all"), STR("")) || state_kill(s, STR("agent"), agent) ||
	    (a && state_kill(s, STR("agent"), a->name)) ||
	    (task && state_kill(s, STR("task"), id_text('t', task, id))) ||
	    (tool.n && state_kill(s, STR("tool"), tool)) ||
	    (t && state_kill(s, STR("upstream"), t->upstream->name))) {
		return REASON_KILL_ACTIVE;
	}
	return REASON_NONE;
}

enum reason check_agent(const struct bundle *b, struct str id, uint64_t now_unix_ms,
			const struct agent **ret)
{
	*ret = bundle_agent(b, id);
	if (!*ret) {
		return REASON_AGENT_UNREGISTERED;
	}
	return now_unix_ms >= (*ret)->review_by_unix_ms ? REASON_AGENT_EXPIRED : REASON_NONE;
}

enum reason check_incident(const struct incident *incident, const struct agent *agent)
{
	if (!incident || incident->status != INCIDENT_OPEN) {
		return REASON_INCIDENT_NOT_OPEN;
	}
	if (!str_eq(incident->environment, agent->environment)) {
		return REASON_ENV_MISMATCH;
	}
	if (incident_is_about(incident, agent->name)) {
		return REASON_INCIDENT_CLASS_NOT_ALLOWED; /* nobody looks into their own case */
	}
	if (!str_list_has(&agent->classes, incident->class) ||
	    incident->severity < agent->severity_from || incident->severity > agent->severity_to) {
		return REASON_INCIDENT_CLASS_NOT_ALLOWED;
	}
	return REASON_NONE;
}

bool decide_may_work_on(const struct incident *i, const struct agent *a)
{
	return check_incident(i, a) == REASON_NONE;
}

enum reason check_playbook(const struct bundle *b, struct str name, const struct incident *incident,
			   const struct playbook **ret)
{
	*ret = bundle_playbook(b, name);
	if (!*ret) {
		return REASON_PLAYBOOK_UNKNOWN;
	}
	if (!str_list_has(&(*ret)->classes, incident->class) ||
	    incident->severity < (*ret)->severity_from ||
	    incident->severity > (*ret)->severity_to) {
		return REASON_INCIDENT_CLASS_NOT_ALLOWED;
	}
	return REASON_NONE;
}

enum reason check_task(const struct state *s, struct str agent, uint64_t task, uint64_t now_unix_ms,
		       const struct task **ret)
{
	*ret = state_task(s, task);
	if (!*ret || !str_eq((*ret)->agent, agent)) {
		return REASON_TASK_UNKNOWN; /* another agent's task is nobody's business */
	}
	switch ((*ret)->state) {
	case TASK_RUNNING:
		return now_unix_ms >= (*ret)->not_after_unix_ms ? REASON_GRANT_EXPIRED
								: REASON_NONE;
	case TASK_SUSPENDED:
		return REASON_TASK_SUSPENDED;
	case TASK_CLOSED:
	case TASK_ENDED:
		break;
	}
	return str_eq((*ret)->ended_why, STR("expired")) ? REASON_GRANT_EXPIRED : REASON_TASK_ENDED;
}

bool tool_is_pinned(const struct state *s, const struct tool *t)
{
	switch (t->upstream->transport) {
	case TRANSPORT_COMMAND:
		return true;
	case TRANSPORT_STDIO:
	case TRANSPORT_HTTP:
		return state_tool_is_pinned(s, t->public_name, t->digest);
	case TRANSPORT_NONE:
		break;
	}
	return false;
}

static enum rc check_args(const struct tool *t, const struct json *args, struct arena *arena,
			  struct decision *ret, struct err *e)
{
	struct err why = ERR_INIT;
	enum rc rc;

	if (json_type(args) != JSON_OBJECT) {
		return decision_deny(ret, REASON_ARG_SCHEMA, arena, e,
				     "the arguments are an object, not %s",
				     json_type_name(json_type(args)));
	}
	if (!t->input_schema) {
		return RC_OK;
	}
	rc = schema_validate(t->input_schema, args, &why);
	if (rc == RC_OK && t->arguments) {
		rc = input_check(t->arguments, args, arena, &why);
	}
	if (rc == RC_NOMEM) {
		FAIL(e, rc, "no memory to validate arguments");
	}
	return rc == RC_OK ? RC_OK : decision_deny(ret, REASON_ARG_SCHEMA, arena, e, "%s", why.msg);
}

static enum rc check_targets(const struct bundle *b, const struct tool *t, const struct json *args,
			     struct arena *arena, struct decision *ret, struct err *e)
{
	enum reason reason = target_resolve(t, args, &b->inventory, arena, &ret->targets);

	if (reason == REASON_LIMIT) {
		FAIL(e, RC_NOMEM, "no memory for targets");
	}
	if (reason == REASON_NONE && ret->effect != EFFECT_READ && ret->targets.n == 0) {
		reason = REASON_SELECTOR_EMPTY_OR_WILDCARD;
	}
	if (reason != REASON_NONE) {
		ret->targets = (struct str_list){0};
		ret->reason = reason;
		return RC_OK;
	}
	for (size_t i = 0; i < ret->targets.n; i++) {
		reason = never_reason(b, ret->targets.p[i], ret->effect == EFFECT_READ);
		if (reason != REASON_NONE) {
			return decision_deny(ret, reason, arena, e, "'" STR_FMT "' is %s",
					     STR_ARG(ret->targets.p[i]),
					     reason == REASON_NEVER_LIST
						 ? "on the never-list"
						 : "part of the control plane");
		}
	}
	return RC_OK;
}

enum rc check_tool(const struct state *s, const struct bundle *b, const struct tool *t,
		   const struct json *args, struct arena *arena, struct decision *ret,
		   struct err *e)
{
	enum reason target_reason;

	ret->reason = REASON_NONE;
	if (!t) {
		ret->reason = REASON_TOOL_UNKNOWN;
		return RC_OK;
	}
	ret->tool = t;
	ret->what = classify_call(t, args);
	ret->effect = ret->what.effect;
	if (!tool_is_pinned(s, t)) {
		ret->reason = REASON_TOOL_UNPINNED;
		return RC_OK;
	}
	/* Nobody, everybody, too many, never: said as such, also when the schema forbids it too. A
	 * forgotten argument is not a deviation. */
	TRY(check_targets(b, t, args, arena, ret, e));
	if (ret->reason != REASON_NONE && ret->reason != REASON_TARGET_TYPE_MISMATCH &&
	    target_is_named(t, args)) {
		return RC_OK;
	}
	target_reason = ret->reason;
	ret->reason = REASON_NONE;
	TRY(check_args(t, args, arena, ret, e));
	ret->reason = ret->reason == REASON_NONE ? target_reason : ret->reason;
	return RC_OK;
}

/* ---- calls of Remit itself ---- */

static void settle_own(struct decision *d)
{
	d->verdict = d->reason == REASON_NONE ? VERDICT_ALLOW : VERDICT_DENY;
	d->reason = d->reason == REASON_NONE ? REASON_ALLOWED : d->reason;
}

enum rc decide_rollback(const struct state *s, const struct bundle *b, const struct term *term,
			const struct json *args, uint64_t now_unix_ms, struct arena *arena,
			struct decision *ret, struct err *e)
{
	struct decision d = {0};

	(void)now_unix_ms; /* what ends in time is the term, which the caller watches */
	if (decide_holds_rollback(s, b, term->tool)) {
		d.reason = REASON_KILL_ACTIVE;
		settle_own(&d);
		*ret = d;
		return RC_OK;
	}
	TRY(check_tool(s, b, bundle_tool(b, term->tool), args, arena, &d, e));
	if (d.reason == REASON_NONE && !str_list_within(&d.targets, &term->targets)) {
		TRY(decision_deny(&d, REASON_INTENT_MISMATCH, arena, e,
				  "the rollback would reach more than the call did"));
	}
	if (d.reason == REASON_NONE && term->state == TERM_OVER) {
		TRY(decision_deny(&d, REASON_INTENT_MISMATCH, arena, e, "the term is over"));
	}
	settle_own(&d);
	*ret = d;
	return RC_OK;
}

enum rc decide_derived(const struct state *s, const struct bundle *b, const struct tool *of,
		       const struct derived_call *what, const struct json *args,
		       uint64_t now_unix_ms, struct arena *arena, struct decision *ret,
		       struct err *e)
{
	const struct tool *t = bundle_tool_of(b, of->upstream, what->tool);
	struct decision d = {0};

	(void)now_unix_ms; /* nothing about such a read depends on time yet */
	TRY(check_tool(s, b, t, args, arena, &d, e));
	if (d.reason == REASON_NONE && decide_holds_rollback(s, b, t->public_name)) {
		d.reason = REASON_KILL_ACTIVE;
	}
	if (d.reason == REASON_NONE && d.effect != EFFECT_READ) {
		TRY(decision_deny(&d, REASON_INTENT_MISMATCH, arena, e,
				  "'" STR_FMT "' does not only read", STR_ARG(t->public_name)));
	}
	settle_own(&d);
	*ret = d;
	return RC_OK;
}
