/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_call.c - may an agent make this call?
 *
 * Trust:  the request is an agent's; nothing in it but its identity has been checked.
 * Holds:  (1) the checks run in the order of DESIGN section 5, and the first that fails decides.
 *         (2) a destroy call is allowed only by an approval or a pre-approval.
 */
#include "base/limits.h"
#include "core/decide_impl.h"
#include "core/policy.h"

enum rc deciding_deny(struct deciding *c, enum reason reason, struct err *e, const char *text,
		      struct str subject)
{
	return decision_deny(&c->d, reason, c->arena, e, "%s '" STR_FMT "'", text,
			     STR_ARG(str_slice(subject, 0, LIMIT_ID_BYTES)));
}

void deciding_hold(struct deciding *c, enum reason reason, struct str detail)
{
	c->wants_default_gate = true;
	if (c->hold_reason == REASON_NONE) {
		c->hold_reason = reason;
		c->hold_detail = detail;
	}
}

/* ---- 1 to 3 ---- */

enum rc check_stops(struct deciding *c, struct err *e)
{
	(void)e;
	c->d.reason = check_kill(c->s, c->b, c->r->agent, c->r->task, c->r->tool);
	return RC_OK;
}

enum rc check_identity(struct deciding *c, struct err *e)
{
	(void)e;
	c->d.reason = check_agent(c->b, c->r->agent, c->r->now_unix_ms, &c->agent);
	return RC_OK;
}

enum rc check_ground(struct deciding *c, struct err *e)
{
	(void)e;
	if (c->r->task == 0) {
		c->d.reason = REASON_TASK_REQUIRED;
		return RC_OK;
	}
	c->d.reason = check_task(c->s, c->r->agent, c->r->task, c->r->now_unix_ms, &c->task);
	if (c->d.reason == REASON_NONE) {
		c->incident = state_incident(c->s, c->task->incident);
		c->d.reason = check_incident(c->incident, c->agent);
	}
	if (c->d.reason == REASON_NONE) {
		c->d.reason = check_playbook(c->b, c->task->playbook, c->incident, &c->playbook);
	}
	return RC_OK;
}

/* ---- 4 and 5 ---- */

static enum rc check_catalog(struct deciding *c, struct err *e)
{
	TRY(check_tool(c->s, c->b, bundle_tool(c->b, c->r->tool), c->r->args, c->arena, &c->d, e));
	return c->d.reason == REASON_NONE ? check_no_secrets(c->r->args, c->arena, &c->d, e)
					  : RC_OK;
}

static enum rc check_ownership(struct deciding *c, struct err *e)
{
	return check_assets(c->b, c->agent, c->arena, &c->d, e);
}

/* ---- 6 ---- */

static enum rc check_grant(struct deciding *c, struct err *e)
{
	const struct tool *t = c->d.tool;

	if (!str_list_has(&c->task->tools, t->public_name)) {
		return deciding_deny(c, REASON_INTENT_MISMATCH, e, "the task has no tool",
				     t->public_name);
	}
	for (size_t i = 0; i < c->d.targets.n; i++) {
		struct str target = c->d.targets.p[i];

		/* Its source may have withdrawn it since the task was approved. */
		if (!str_list_has(&c->incident->assets, target)) {
			return deciding_deny(c, REASON_TARGET_NOT_IN_INCIDENT, e,
					     "the incident does not concern", target);
		}
		if (!str_list_has(&c->task->targets, target)) {
			return deciding_deny(c, REASON_INTENT_MISMATCH, e, "the task has no target",
					     target);
		}
	}
	for (size_t i = 0; i < t->data.n; i++) {
		if (!str_list_has(&c->task->data, t->data.p[i])) {
			return deciding_deny(c, REASON_DATA_SCOPE, e,
					     "the task does not read data of class", t->data.p[i]);
		}
	}
	return RC_OK;
}

/* ---- 7 ---- */

static enum rc check_reads(struct deciding *c, struct err *e)
{
	return check_read_budget(c->s, c->playbook, c->task, c->arena, &c->d, e);
}

/* ---- 8 ---- */

/* A containment needs a way back that can be written down now, or once the state is captured. */
static enum rc check_way_back(struct deciding *c, struct err *e)
{
	const struct tool *t = c->d.tool;
	const struct json *inverse_args;
	struct err why = ERR_INIT;
	enum rc rc;

	if (c->d.effect != EFFECT_CONTAIN || t->inverse_not_needed) {
		return RC_OK;
	}
	if (t->inverse.tool.n == 0 || !bundle_tool_of(c->b, t->upstream, t->inverse.tool)) {
		c->d.reason = REASON_NO_ROLLBACK;
		return RC_OK;
	}
	if (c->d.needs_capture) {
		return RC_OK;
	}
	rc = derive_args(t->inverse.args, c->r->args, c->r->pre, c->arena, &inverse_args, &why);
	if (rc == RC_NOMEM) {
		FAIL(e, rc, "no memory for a way back");
	}
	return rc == RC_OK ? RC_OK
			   : decision_deny(&c->d, REASON_NO_ROLLBACK, c->arena, e, "%s", why.msg);
}

static enum rc check_prerequisites(struct deciding *c, struct err *e)
{
	c->d.needs_capture = c->d.tool->capture.tool.n > 0 && !c->r->pre;
	return check_way_back(c, e);
}

/* ---- 9 ---- */

static enum rc case_of(const struct deciding *c, struct policy_case *ret, struct err *e)
{
	const struct policy_call call = {
	    .agent = c->agent,
	    .incident = c->incident,
	    .task = c->task,
	    .state = c->s,
	    .tool = c->d.tool,
	    .args = c->r->args,
	    .targets = &c->d.targets,
	    .inventory = &c->b->inventory,
	    .what = &c->d.what,
	    .is_tainted = state_taints_arguments(c->s, c->task, &c->r->marks),
	    .is_from_other = state_taints_from_other(c->s, c->task, &c->r->marks),
	    /* What is captured first has been captured when the call is made. */
	    .has_evidence = c->r->pre != NULL || c->d.tool->capture.tool.n > 0,
	    .now_unix_ms = c->r->now_unix_ms,
	};

	return policy_case_of_call(&call, c->arena, ret, e);
}

enum rc decide_case(const struct state *s, const struct bundle *b, const struct call_request *r,
		    const struct decision *d, struct arena *arena, struct policy_case *ret,
		    struct err *e)
{
	struct deciding c = {.s = s, .b = b, .r = r, .arena = arena, .d = *d};

	c.agent = bundle_agent(b, r->agent);
	c.task = state_task(s, r->task);
	c.incident = c.task ? state_incident(s, c.task->incident) : NULL;
	if (!d->policies_were_asked || !c.agent || !c.incident) {
		FAIL(e, RC_ABSENT, "the policies were not asked");
	}
	return case_of(&c, ret, e);
}

static enum rc check_policy(struct deciding *c, struct err *e)
{
	struct policy_case asked = {0};
	struct policy_answer answer;

	c->d.policies_were_asked = true;
	TRY(case_of(c, &asked, e));
	TRY(policy_ask(c->b->policies, &asked, c->arena, &answer, e));
	c->d.reason = answer.reason;
	c->d.detail = answer.detail;
	c->d.policies = answer.policies;
	c->d.shadow = answer.shadow;
	c->d.gates = answer.gates;
	if (answer.gate_reason != REASON_NONE && c->hold_reason == REASON_NONE) {
		c->hold_reason = answer.gate_reason;
		c->hold_detail = answer.gate_detail;
	}
	return RC_OK;
}

/* ---- all of them ---- */

/* A denial takes nothing with it that only an admission may use. */
static void settle(struct deciding *c)
{
	struct decision *d = &c->d;

	if (d->verdict == VERDICT_ASK) {
		return;
	}
	if (d->reason == REASON_NONE) {
		/* (2), once more at the end of everything. */
		MUST(d->effect != EFFECT_DESTROY || d->approval || d->preapproval);
		d->verdict = VERDICT_ALLOW;
		d->reason = REASON_ALLOWED;
		return;
	}
	d->verdict = VERDICT_DENY;
	d->needs_capture = false;
	d->needs_use = false;
	d->needs_evidence = false;
	d->waiver = 0;
	d->approval = 0;
	d->preapproval = 0;
	d->takings = (struct str_list){0};
	d->phase = STR_NULL;
	weigh_denial(c);
}

enum rc decide_call(const struct state *s, const struct bundle *b, const struct call_request *r,
		    struct arena *arena, struct decision *ret, struct err *e)
{
	/* (1) */
	static enum rc (*const steps[])(struct deciding *, struct err *) = {
	    check_stops,	 /* 1 */
	    check_identity,	 /* 2 */
	    check_ground,	 /* 3 */
	    check_key,		 /* 2, of the task */
	    check_credentials,	 /* 4 */
	    check_catalog,	 /* 4, 5 */
	    check_rehearsed,	 /* 4 */
	    check_clock,	 /* 4 */
	    check_ownership,	 /* 4 */
	    check_room,		 /* DESIGN 9: no log, no effect */
	    check_witness,	 /* DESIGN 9: no log that others have seen, where that is asked */
	    check_grant,	 /* 6 */
	    check_phase,	 /* 6 */
	    check_breakers,	 /* 7 */
	    check_caps,		 /* 7 */
	    check_phase_bounds,	 /* 7 */
	    check_reads,	 /* 7 */
	    check_flow,		 /* 8 */
	    check_prerequisites, /* 8 */
	    check_evidence,	 /* 8 */
	    check_signals,	 /* 8 */
	    check_policy,	 /* 9 */
	    check_autonomy,	 /* 10 */
	    check_cited,	 /* 11 */
	    check_freeze,	 /* 11 */
	    check_gate_rules,	 /* 11 */
	    check_pause,	 /* 11 */
	    check_in_use,	 /* 8, asked of the target when nothing else denies */
	    check_gates,	 /* 11 */
	};
	struct deciding c = {.s = s, .b = b, .r = r, .arena = arena};

	for (size_t i = 0; i < ARRAY_LEN(steps) && c.d.reason == REASON_NONE; i++) {
		TRY(steps[i](&c, e));
	}
	settle(&c);
	c.d.marks = r->marks;
	*ret = c.d;
	return RC_OK;
}

/* ---- what an agent sees ---- */

enum rc decide_visible_tools(const struct state *s, const struct bundle *b, struct str agent,
			     uint64_t task, uint64_t now_unix_ms, struct arena *arena,
			     const size_t **ret, size_t *ret_n, struct err *e)
{
	const struct call_request r = {.agent = agent, .task = task, .now_unix_ms = now_unix_ms};
	struct deciding c = {.s = s, .b = b, .r = &r, .arena = arena};
	size_t *visible = arena_alloc_n(arena, b->n_tools, sizeof(*visible));
	size_t n = 0;
	bool may_see;

	if (!visible) {
		FAIL(e, RC_NOMEM, "no memory for a list of tools");
	}
	TRY(check_stops(&c, e));
	if (c.d.reason == REASON_NONE) {
		TRY(check_identity(&c, e));
	}
	if (c.d.reason == REASON_NONE) {
		TRY(check_ground(&c, e));
	}
	may_see = c.d.reason == REASON_NONE;
	for (size_t i = 0; may_see && i < b->n_tools; i++) {
		const struct tool *t = &b->tools[i];
		const struct phase *phase = NULL;

		if (str_list_has(&c.task->tools, t->public_name) && tool_is_pinned(s, t) &&
		    check_kill(s, b, agent, task, t->public_name) == REASON_NONE) {
			TRY(find_phase(&c, t, classify_mildest(t), &phase, e));
		}
		if (phase) {
			const struct policy_call call = {.agent = c.agent,
							 .incident = c.incident,
							 .task = c.task,
							 .tool = t,
							 .now_unix_ms = now_unix_ms};
			bool could;

			TRY(policy_could_permit(b->policies, &call, arena, &could, e));
			visible[n] = i;
			n += could;
		}
	}
	*ret = visible;
	*ret_n = n;
	return RC_OK;
}
