/* SPDX-License-Identifier: Apache-2.0 */
/* core/recompute.c - the decision once more, from the record.
 *
 * Trust:  leaves were written by a governor that may have been wrong, or taken over.
 * Holds:  (1) nothing is decided here: decide_*() does, and what follows from a decision is
 *             compared field by field.
 *         (2) whatever of the leaf was not compared cannot make an allowed call of a denied one.
 */
#include "core/recompute.h"

#include <string.h>

#include "base/limits.h"
#include "core/rehearsal.h"

enum { DIFFERENCE_BYTES = 2048, SHOWN_BYTES = 200 };

#define NUMBER_MAX ((UINT64_C(1) << 53) - 1) /* of a leaf's number: RFC 8785, appendix D */

uint64_t recompute_number(uint64_t n)
{
	return n < NUMBER_MAX ? n : NUMBER_MAX;
}

uint64_t recompute_cited(struct str id)
{
	uint64_t ix;

	if (id.n == 0) {
		return 0;
	}
	return id_parse(id, 'a', &ix) && ix > 0 ? recompute_number(ix) : NUMBER_MAX;
}

/* ---- what a leaf says of its decision ---- */

static bool is_agents(const struct leaf *l)
{
	return l->kind == LEAF_CALL_DECIDED && str_eq(l->call_decided.purpose, STR("agent"));
}

static bool is_question(const struct leaf *l)
{
	return l->kind == LEAF_APPROVAL_OPENED && str_eq(l->approval_opened.kind, STR("call"));
}

bool recompute_is_decision(const struct leaf *l)
{
	return l->kind == LEAF_CALL_DECIDED || l->kind == LEAF_INTENT_DECIDED ||
	       l->kind == LEAF_PROPOSAL_MADE || is_question(l);
}

uint64_t recompute_basis(const struct leaf *l, uint64_t ix)
{
	uint64_t basis = l->kind == LEAF_CALL_DECIDED ? l->call_decided.basis : 0;

	if (basis == 0) {
		return ix;
	}
	return basis < ix && ix - basis <= RECOMPUTE_REACH ? basis : UINT64_MAX;
}

const struct digest *recompute_bundle(const struct leaf *l)
{
	switch ((int)l->kind) {
	case LEAF_CALL_DECIDED:
		return &l->call_decided.bundle;
	case LEAF_APPROVAL_OPENED:
		return &l->approval_opened.bundle;
	case LEAF_PROPOSAL_MADE:
		return &l->proposal_made.bundle;
	default:
		return &l->intent_decided.bundle;
	}
}

struct recompute_wanted recompute_wants(const struct leaf *l)
{
	if (l->kind == LEAF_CALL_DECIDED) {
		return (struct recompute_wanted){
		    .wants_args = !digest_is_zero(&l->call_decided.args),
		    .wants_pre = !digest_is_zero(&l->call_decided.pre),
		    .pre_slot = 1,
		    .use = l->call_decided.use,
		    .undo = str_eq(l->call_decided.purpose, STR("rollback"))
				? l->call_decided.parent
				: 0,
		};
	}
	if (l->kind == LEAF_PROPOSAL_MADE) {
		return (struct recompute_wanted){
		    .wants_args = !digest_is_zero(&l->proposal_made.args),
		    .wants_pre = !digest_is_zero(&l->proposal_made.pre),
		    .pre_slot = 1,
		    .use = l->proposal_made.use,
		};
	}
	if (is_question(l)) {
		return (struct recompute_wanted){
		    .wants_args = !digest_is_zero(&l->approval_opened.args),
		    .wants_pre = !digest_is_zero(&l->approval_opened.pre),
		    .pre_slot = 2,
		    .use = l->approval_opened.use,
		};
	}
	return (struct recompute_wanted){0};
}

static enum rc read_marks(struct str text, bool is_over, struct arena *arena, struct marks *ret,
			  struct err *e)
{
	size_t n = 0;
	uint64_t *p;
	uint64_t mark;

	while (marks_at(text, n, &mark)) {
		n++;
	}
	p = arena_alloc_n(arena, n + 1, sizeof(*p));
	if (!p) {
		FAIL(e, RC_NOMEM, "no memory for marks");
	}
	for (size_t i = 0; i < n; i++) {
		if (!marks_at(text, i, &p[i])) {
			FAIL(e, RC_INPUT, "marks that are none");
		}
	}
	*ret = (struct marks){.p = p, .n = n, .is_over = is_over};
	return RC_OK;
}

static enum rc request_of_question(const struct leaf_approval_opened *o, struct arena *arena,
				   struct call_request *ret, struct err *e)
{
	ret->agent = o->agent;
	ret->task = o->task;
	ret->tool = o->tool;
	ret->tag = o->tag;
	ret->evidence = o->evidence;
	ret->is_preserved = o->preserved_first;
	ret->is_narrower = o->narrows != 0;
	ret->now_unix_ms = o->at;
	return read_marks(o->marks, o->marks_over, arena, &ret->marks, e);
}

static enum rc cite(uint64_t approval, struct arena *arena, struct str *ret, struct err *e)
{
	char id[24];

	*ret = approval ? arena_str(arena, id_text('a', approval, id)) : STR_NULL;
	if (approval && !ret->p) {
		FAIL(e, RC_NOMEM, "no memory for a request");
	}
	return RC_OK;
}

static enum rc request_of_proposal(const struct leaf_proposal_made *p, struct arena *arena,
				   struct call_request *ret, struct err *e)
{
	ret->agent = p->agent;
	ret->task = p->task;
	ret->tool = p->tool;
	ret->key = p->key;
	ret->tag = p->tag;
	ret->evidence = p->evidence;
	ret->is_preserved = p->preserved_first;
	ret->now_unix_ms = p->at;
	TRY(cite(p->cited, arena, &ret->cited, e));
	return read_marks(p->marks, p->marks_over, arena, &ret->marks, e);
}

enum rc recompute_request(const struct leaf *l, const struct recompute_values *v,
			  struct arena *arena, struct call_request *ret, struct err *e)
{
	const struct leaf_call_decided *c = &l->call_decided;

	*ret = (struct call_request){.args = v->args, .pre = v->pre, .use = v->use};
	if (l->kind == LEAF_APPROVAL_OPENED) {
		return request_of_question(&l->approval_opened, arena, ret, e);
	}
	if (l->kind == LEAF_PROPOSAL_MADE) {
		return request_of_proposal(&l->proposal_made, arena, ret, e);
	}
	ret->agent = c->agent;
	ret->task = c->task ? c->task : c->named;
	ret->tool = c->tool;
	ret->key = c->key;
	ret->tag = c->tag;
	ret->evidence = c->evidence;
	ret->is_preserved = c->preserved_first;
	ret->now_unix_ms = c->at;
	TRY(cite(c->cited, arena, &ret->cited, e));
	return read_marks(c->marks, c->marks_over, arena, &ret->marks, e);
}

/* ---- comparing ---- */

struct comparing {
	struct buf text; /* what fits; more differences say no more */
	bool differs;
};

static void differ(struct comparing *c, const char *field, struct str was, struct str now)
{
	enum rc rc = c->text.n ? buf_add(&c->text, STR("; ")) : RC_OK;

	c->differs = true;
	if (rc == RC_OK) {
		(void)buf_addf(&c->text, "%s: " STR_FMT " in the log, " STR_FMT " now", field,
			       STR_ARG(str_slice(was, 0, SHOWN_BYTES)),
			       STR_ARG(str_slice(now, 0, SHOWN_BYTES))); /* see struct comparing */
	}
}

static void same_text(struct comparing *c, const char *field, struct str was, struct str now)
{
	if (!str_eq(was, now)) {
		differ(c, field, was.n ? was : STR("nothing"), now.n ? now : STR("nothing"));
	}
}

static void same_number(struct comparing *c, const char *field, uint64_t was, uint64_t now)
{
	char a[24];
	char b[24];

	if (was != now) {
		/* without a letter */
		differ(c, field, str_slice(id_text('#', was, a), 1, 24),
		       str_slice(id_text('#', now, b), 1, 24));
	}
}

static struct str list_text(const struct str_list *l, struct buf *b)
{
	for (size_t i = 0; i < l->n; i++) {
		if (buf_addf(b, "%s" STR_FMT, i ? ", " : "", STR_ARG(l->p[i])) != RC_OK) {
			break; /* only for people */
		}
	}
	return b->n ? buf_view(b) : STR("nothing");
}

static void same_list(struct comparing *c, const char *field, const struct str_list *was,
		      const struct str_list *now)
{
	AUTO_BUF a = BUF_INIT(SHOWN_BYTES);
	AUTO_BUF b = BUF_INIT(SHOWN_BYTES);

	if (!str_list_eq(was, now)) {
		differ(c, field, list_text(was, &a), list_text(now, &b));
	}
}

/* What was decided, and why. */
static void same_verdict(struct comparing *c, struct str verdict, struct str reason,
			 const struct recomputed *now)
{
	same_text(c, "verdict", verdict, verdict_name(now->verdict));
	same_text(c, "reason", reason, reason_code(now->reason));
}

static void same_tool(struct comparing *c, const struct digest *definition,
		      const struct str_list *data, const struct tool *t)
{
	static const struct digest none;
	static const struct str_list nothing;
	struct digest now = none;

	if (t) {
		memcpy(now.bytes, t->digest, sizeof(now.bytes));
	}
	if (!digest_eq(definition, &now)) {
		differ(c, "definition", STR("another"), STR("the catalog's"));
	}
	same_list(c, "data", data, t ? &t->data : &nothing);
}

static bool needs_lease(const struct tool *t)
{
	return t && (t->credential.backend.n || t->upstream->credential.backend.n);
}

/* The tool's own credential, lent to this task; or to none, where Remit itself looks or undoes. */
static void same_lease(struct comparing *c, const struct state *s, const struct tool *t,
		       const struct leaf_call_decided *was, bool is_own)
{
	const struct credential *want = t && t->credential.backend.n ? &t->credential
					: t			     ? &t->upstream->credential
								     : NULL;
	const struct lease *l = was->lease ? state_lease(s, was->lease) : NULL;

	if (was->lease &&
	    !(l && want && str_eq(l->backend, want->backend) && str_eq(l->scope, want->scope) &&
	      (l->task == was->task || (is_own && l->task == 0)))) {
		differ(c, "lease", STR("another"), STR("its task's, of its tool's credential"));
	}
}

/* ---- calls of agents and persons ---- */

/* Denials that are no result of deciding (see the header). */
static bool is_for_want_of(const struct state *s, const struct leaf_call_decided *c,
			   const struct decision *now)
{
	uint64_t look = str_eq(c->reason, STR("target_in_use")) ? c->use : c->evidence;
	const struct approval *a = c->approval ? state_approval(s, c->approval) : NULL;
	const struct call *k = look ? state_call(s, look) : NULL;

	if (!str_eq(c->verdict, STR("deny"))) {
		return false;
	}
	if (str_eq(c->reason, STR("approval_expired"))) {
		return a && a->state == APPROVAL_EXPIRED && a->task == c->task &&
		       digest_eq(&a->tag, &c->tag);
	}
	if (!str_eq(c->reason, STR("evidence_required")) &&
	    !str_eq(c->reason, STR("target_in_use"))) {
		return false;
	}
	return (now->verdict != VERDICT_DENY &&
		(now->needs_capture || now->needs_use || now->needs_evidence)) ||
	       (k && k->state == CALL_SETTLED && k->task == c->task &&
		str_eq(k->purpose, STR("capture")));
}

static void compare_call(struct comparing *c, const struct bundle *b,
			 const struct leaf_call_decided *was, const struct recomputed *r)
{
	const struct decision *d = &r->d;
	bool is_allowed = d->verdict == VERDICT_ALLOW;

	same_verdict(c, was->verdict, was->reason, r);
	same_text(c, "effect", was->effect, effect_name(d->effect));
	same_list(c, "targets", &was->targets, &d->targets);
	same_list(c, "policies", &was->policies, &d->policies);
	same_list(c, "gates", &was->gates, &d->gates);
	same_list(c, "takings", &was->takings, &d->takings);
	same_list(c, "requires", &was->requires, &d->requires);
	same_list(c, "preserved", &was->preserved, &d->preserved);
	same_number(c, "max_age_ms", was->max_age_ms,
		    d->requires.n ? d->tool->requires_max_age_ms : 0);
	same_number(c, "approval", was->approval, d->approval);
	same_number(c, "preapproval", was->preapproval, d->preapproval);
	same_number(c, "waiver", was->waiver, d->waiver);
	same_number(c, "deviation", was->deviation, d->deviation);
	same_number(c, "attempt", was->attempt, d->attempt);
	same_number(c, "held_until", was->held_until,
		    is_allowed && d->effect != EFFECT_READ ? was->at + b->target_hold_ms : 0);
	same_tool(c, &was->definition, &was->data, d->tool);
	if (is_allowed && str_eq(was->verdict, STR("allow"))) {
		if (needs_lease(d->tool) != (was->lease != 0)) {
			differ(c, "lease", was->lease ? STR("one") : STR("nothing"),
			       was->lease ? STR("nothing") : STR("one"));
		}
		if (d->needs_capture || d->needs_use || d->needs_evidence) {
			differ(c, "before the call", STR("nothing"), STR("a look"));
		}
	}
}

static const struct str own_advance = {"remit___advance", 15};
static const struct str own_break_glass = {"remit___break_glass", 19};

/* Tools of Remit itself whose refusal is on the record as a call's. */
static enum rc decide_own_tool(const struct state *s, const struct bundle *b,
			       const struct call_request *q, struct arena *arena,
			       struct decision *ret, struct err *e)
{
	struct str phase;

	*ret = (struct decision){.reason = REASON_BREAK_GLASS_AGENT};
	if (str_eq(q->tool, own_break_glass)) {
		return RC_OK;
	}
	ret->reason = REASON_ARG_SCHEMA; /* it would not be on the record */
	return json_str(json_get(q->args, STR("phase")), &phase)
		   ? decide_advance(s, b, q, phase, arena, ret, e)
		   : RC_OK;
}

static enum rc decide_again(const struct state *s, const struct bundle *b,
			    const struct call_request *q, struct str person, struct arena *arena,
			    struct decision *ret, struct err *e)
{
	struct call_request dry = *q;
	struct decision would;

	if (person.n) {
		return decide_break_glass(s, b, q, person, arena, ret, e);
	}
	if (str_eq(q->tool, own_advance) || str_eq(q->tool, own_break_glass)) {
		return decide_own_tool(s, b, q, arena, ret, e);
	}
	TRY(decide_call(s, b, q, arena, ret, e));
	if (!ret->is_proposal) {
		return RC_OK;
	}
	/* What would be refused at every level is refused for that reason. */
	dry.is_dry = true;
	if (decide_call(s, b, &dry, arena, &would, e) == RC_OK && would.verdict == VERDICT_DENY) {
		*ret = would;
	}
	return RC_OK;
}

/* What cannot be decided is denied (governor/calls.c). */
static enum rc or_deny(enum rc rc, struct decision *d)
{
	if (rc != RC_OK && rc != RC_NOMEM) {
		*d = (struct decision){.reason = REASON_POLICY_ERROR};
		return RC_OK;
	}
	return rc;
}

static void note(struct recomputed *r)
{
	r->verdict = r->d.verdict;
	r->reason = r->d.reason;
	r->detail = r->d.detail;
}

static enum rc recompute_agents(const struct state *s, const struct bundle *b, const struct leaf *l,
				const struct recompute_values *v, struct arena *arena,
				struct comparing *c, struct recomputed *r, struct err *e)
{
	struct call_request q;

	TRY(recompute_request(l, v, arena, &q, e));
	TRY(or_deny(decide_again(s, b, &q, l->call_decided.person, arena, &r->d, e), &r->d));
	note(r);
	compare_call(c, b, &l->call_decided, r);
	same_lease(c, s, r->d.tool, &l->call_decided, false);
	if (c->differs && is_for_want_of(s, &l->call_decided, &r->d)) {
		c->differs = false;
	}
	return RC_OK;
}

static enum rc recompute_question(const struct state *s, const struct bundle *b,
				  const struct leaf *l, const struct recompute_values *v,
				  struct arena *arena, struct comparing *c, struct recomputed *r,
				  struct err *e)
{
	const struct leaf_approval_opened *was = &l->approval_opened;
	struct call_request q;

	TRY(recompute_request(l, v, arena, &q, e));
	TRY(or_deny(decide_again(s, b, &q, STR_NULL, arena, &r->d, e), &r->d));
	note(r);
	same_text(c, "verdict", STR("ask"), verdict_name(r->verdict));
	if (r->verdict != VERDICT_ASK) {
		same_text(c, "reason", STR("needs_approval"), reason_code(r->reason));
		return RC_OK;
	}
	same_text(c, "effect", was->effect, effect_name(r->d.effect));
	same_list(c, "targets", &was->targets, &r->d.targets);
	same_list(c, "policies", &was->policies, &r->d.policies);
	same_list(c, "gates", &was->gates, &r->d.gates);
	same_list(c, "eligible", &was->eligible, &r->d.approvers.eligible);
	same_list(c, "conflicts", &was->conflicts, &r->d.approvers.conflicts);
	same_number(c, "quorum", was->quorum, r->d.quorum);
	same_number(c, "decide_by", was->decide_by, was->at + r->d.decide_by_ms);
	same_number(c, "execute_by_ms", was->execute_by_ms, r->d.execute_by_ms);
	return RC_OK;
}

/* What would have been decided, if its agent's level were not to propose only. */
static enum rc recompute_proposal(const struct state *s, const struct bundle *b,
				  const struct leaf *l, const struct recompute_values *v,
				  struct arena *arena, struct comparing *c, struct recomputed *r,
				  struct err *e)
{
	const struct leaf_proposal_made *was = &l->proposal_made;
	struct call_request q;

	TRY(recompute_request(l, v, arena, &q, e));
	TRY(or_deny(decide_call(s, b, &q, arena, &r->d, e), &r->d));
	if (!r->d.is_proposal) {
		differ(c, "level", STR("to propose"), verdict_name(r->d.verdict));
	}
	q.is_dry = true;
	TRY(or_deny(decide_call(s, b, &q, arena, &r->d, e), &r->d));
	note(r);
	same_verdict(c, was->would, was->reason, r);
	same_text(c, "effect", was->effect, effect_name(r->d.effect));
	same_list(c, "targets", &was->targets, &r->d.targets);
	return RC_OK;
}

/* ---- calls of Remit itself ---- */

static enum rc decide_own(const struct state *s, const struct bundle *b,
			  const struct leaf_call_decided *c, const struct json *args,
			  struct arena *arena, struct decision *ret, struct err *e)
{
	const struct tool *t = bundle_tool(b, c->tool);
	const struct derived_call look = {.tool = t ? t->name : STR("")};
	const struct term *term = state_term(s, c->parent);
	const struct rehearsal *tried = state_rehearsal(s, c->parent);

	if (!t) {
		*ret = (struct decision){.reason = REASON_TOOL_UNKNOWN};
		return RC_OK;
	}
	if (term && str_eq(c->purpose, STR("rollback")) && str_eq(term->tool, c->tool)) {
		return decide_rollback(s, b, term, args, c->at, arena, ret, e);
	}
	if (tried && str_eq(c->purpose, STR("rehearse")) && str_eq(tried->tool, c->tool)) {
		return decide_rehearsal(s, b, t, args, arena, ret, e);
	}
	return decide_derived(s, b, t, &look, args, c->at, arena, ret, e);
}

static enum rc recompute_own(const struct state *s, const struct bundle *b, const struct leaf *l,
			     const struct recompute_values *v, struct arena *arena,
			     struct comparing *c, struct recomputed *r, struct err *e)
{
	const struct leaf_call_decided *was = &l->call_decided;

	TRY(or_deny(decide_own(s, b, was, v->args, arena, &r->d, e), &r->d));
	note(r);
	same_verdict(c, was->verdict, was->reason, r);
	same_text(c, "effect", was->effect, effect_name(r->d.effect));
	same_list(c, "targets", &was->targets, &r->d.targets);
	same_tool(c, &was->definition, &was->data, r->d.tool);
	if (v->undo && !json_equal(v->undo, v->args)) {
		differ(c, "arguments", STR("others"), STR("those of its term"));
	}
	same_lease(c, s, r->d.tool, was, true);
	if (needs_lease(r->d.tool) && !was->lease) {
		differ(c, "lease", STR("nothing"), STR("one"));
	}
	return RC_OK;
}

/* ---- intents ---- */

static enum rc recompute_intent(const struct state *s, const struct bundle *b,
				const struct leaf_intent_decided *was, struct arena *arena,
				struct comparing *c, struct recomputed *r, struct err *e)
{
	const struct intent_request q = {
	    .agent = was->agent,
	    .incident = was->incident ? was->incident : was->named,
	    .playbook = was->playbook,
	    .tools = was->tools,
	    .targets = was->targets,
	    .data = was->data,
	    .duration_ms = was->duration_ms,
	    .now_unix_ms = was->at,
	    .goal_class = was->goal_class,
	};
	struct intent_decision d = {0};
	enum rc rc = decide_intent(s, b, &q, arena, &d, e);

	if (rc == RC_OK && d.verdict == VERDICT_ASK) {
		rc = decide_intent_gate(s, b, &q, &was->tag, arena, &d, e);
	}
	if (rc == RC_NOMEM) {
		return rc;
	}
	if (rc != RC_OK) {
		d = (struct intent_decision){.reason = REASON_POLICY_ERROR};
	}
	r->verdict = d.verdict;
	r->reason = d.reason;
	r->detail = d.detail;
	r->d.policies = d.policies;
	r->d.gates = d.gates;
	r->i = d;
	same_verdict(c, was->verdict, was->reason, r);
	same_list(c, "policies", &was->policies, &d.policies);
	same_number(c, "approval", was->approval, d.verdict == VERDICT_ALLOW ? d.approval : 0);
	same_number(c, "attempt", was->attempt, d.attempt);
	return RC_OK;
}

bool recompute_is_grant(const struct leaf *l, uint64_t intent)
{
	return l->kind == LEAF_TASK_OPENED && intent && l->task_opened.intent == intent;
}

enum rc recompute_grant(const struct recomputed *now, const struct leaf *intent,
			const struct leaf *task, struct arena *arena, struct str *ret_difference,
			struct err *e)
{
	struct comparing c = {.text = BUF_INIT(DIFFERENCE_BYTES)};
	const struct leaf_intent_decided *q = &intent->intent_decided;
	const struct leaf_task_opened *was = &task->task_opened;
	const struct intent_decision *d = &now->i;

	*ret_difference = STR_NULL;
	same_text(&c, "verdict of its intent", STR("allow"), verdict_name(now->verdict));
	same_number(&c, "incident", was->incident, q->incident);
	same_text(&c, "agent", was->agent, q->agent);
	same_text(&c, "playbook", was->playbook, q->playbook);
	same_text(&c, "goal_class", was->goal_class, q->goal_class);
	same_list(&c, "tools", &was->tools, &d->tools);
	same_list(&c, "targets", &was->targets, &d->targets);
	same_list(&c, "data", &was->data, &d->data);
	same_text(&c, "phase", was->phase, d->phase);
	same_number(&c, "not_after", was->not_after, d->not_after_unix_ms);
	same_number(&c, "max_calls", was->max_calls, d->max_calls);
	same_number(&c, "max_targets", was->max_targets, d->max_targets);
	same_number(&c, "max_deviations", was->max_deviations, d->max_deviations);
	same_text(&c, "accountable", was->accountable, d->accountable);
	if (c.differs) {
		*ret_difference = arena_str(arena, buf_view(&c.text));
	}
	buf_fini(&c.text);
	if (c.differs && !ret_difference->p) {
		FAIL(e, RC_NOMEM, "no memory for a difference");
	}
	return RC_OK;
}

enum rc recompute_leaf(const struct state *s, const struct bundle *b, const struct leaf *l,
		       const struct recompute_values *v, struct arena *arena,
		       struct recomputed *ret, struct err *e)
{
	struct comparing c = {.text = BUF_INIT(DIFFERENCE_BYTES)};
	struct recomputed r = {0};
	enum rc rc;

	if (l->kind == LEAF_INTENT_DECIDED) {
		rc = recompute_intent(s, b, &l->intent_decided, arena, &c, &r, e);
	} else if (is_question(l)) {
		rc = recompute_question(s, b, l, v, arena, &c, &r, e);
	} else if (is_agents(l)) {
		rc = recompute_agents(s, b, l, v, arena, &c, &r, e);
	} else if (l->kind == LEAF_PROPOSAL_MADE) {
		rc = recompute_proposal(s, b, l, v, arena, &c, &r, e);
	} else {
		rc = recompute_own(s, b, l, v, arena, &c, &r, e);
	}
	if (rc == RC_INPUT) { /* marks that are none: nothing decides on those */
		differ(&c, "marks", STR("no marks"), STR("none"));
		rc = RC_OK;
	}
	r.is_equal = !c.differs;
	if (rc == RC_OK && c.differs) {
		r.difference = arena_str(arena, buf_view(&c.text));
		rc = r.difference.p ? RC_OK : RC_NOMEM;
	}
	buf_fini(&c.text);
	if (rc != RC_OK) {
		FAIL(e, rc, "no memory to decide again");
	}
	*ret = r;
	return RC_OK;
}
