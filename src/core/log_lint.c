/* SPDX-License-Identifier: Apache-2.0 */
/* core/log_lint.c - what is cited is there, and what was begun has an end.
 *
 * Trust:  the leaves are what somebody published; one that does not fit is a fault, never a reason
 *         to stop.
 * Holds:  rules (1) to (13) of the header are looked for at the leaf that would break them.
 */
#include "core/log_lint.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/vec.h"

/* What is known of an object, at the leaf that created it. */
enum {
	MARK_OPEN = 1,	  /* a call is allowed, an incident, task, lease, term, question is open */
	MARK_UNKNOWN = 2, /* a call's outcome is unknown */
	MARK_GRANTED = 4, /* an approval */
	MARK_USED = 8,	  /* an approval */
	MARK_DELIVERED = 4, /* a lease */
	MARK_REVOKING = 8,  /* a lease */
	MARK_ENDED = 4,	    /* a task, not closed yet */
};

struct seen {
	uint8_t kind; /* enum leaf_kind */
	uint8_t marks;
};

struct log_lint {
	struct arena arena; /* faults' texts */
	uint64_t first;	    /* leaf that seen begins with; what was before is pruned */
	VEC(struct seen) seen;
	VEC(struct log_lint_fault) faults;
	VEC(struct open_lease {
		uint64_t ix;
		uint64_t task;
	})
	leases; /* not gone */
	struct log_lint_counts counts;
	uint64_t last_t;
	uint64_t generation;
	uint64_t started;   /* the last start's leaf */
	uint64_t open_then; /* calls that were open at it and still are */
	uint64_t activated; /* the last bundle's leaf; 0 = none was seen */
	uint64_t started_t;
	uint64_t before_t; /* of the leaf before this one */
	bool has_jumped;   /* the clock, in this life: how long that was is not known */
	struct {
		enum leaf_kind kind; /* LEAF_NONE: any */
		uint64_t task;
	} next; /* what the next leaf must be, and of which task */
	struct {
		uint64_t call; /* 0 = none was seen */
		uint64_t bytes;
		bool is_ok; /* its labels say what was taken out */
		bool is_answer;
		bool has_secret;
	} answered; /* the last outcome of a call */
};

/* Far longer than a governor waits for its senders, or is left alone without answering. */
enum { LIFE_MS = 60 * 1000 };

_Static_assert(LEAF_KINDS < 256, "a kind fits struct seen");

static const size_t ARENA_MAX = (size_t)64 << 20;

enum rc log_lint_new(struct log_lint **ret, struct err *e)
{
	struct log_lint *l = mem_calloc(1, sizeof(*l));

	if (!l) {
		FAIL(e, RC_NOMEM, "no memory to look at a log");
	}
	l->arena = (struct arena)ARENA_INIT(ARENA_MAX);
	*ret = l;
	return RC_OK;
}

void log_lint_begin(struct log_lint *l, uint64_t first)
{
	MUST(l->seen.n == 0);
	l->first = first;
}

void log_lint_free(struct log_lint *l)
{
	if (!l) {
		return;
	}
	vec_fini(&l->seen);
	vec_fini(&l->faults);
	vec_fini(&l->leases);
	arena_fini(&l->arena);
	mem_free(l);
}

/* The leaf that is being taken. */
static uint64_t here(const struct log_lint *l)
{
	return l->first + l->seen.n - 1;
}

PRINTF_LIKE(3, 4)
static enum rc fault(struct log_lint *l, struct err *e, const char *fmt, ...)
{
	struct log_lint_fault f = {.leaf = here(l)};
	char text[300];
	va_list ap;

	l->counts.faults++;
	if (l->faults.n >= LOG_LINT_FAULTS) {
		return RC_OK;
	}
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* our own texts: they fit */
	va_end(ap);
	f.what = arena_str(&l->arena, str_from(text));
	if (!f.what.p || vec_push(&l->faults, f) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a fault of the log");
	}
	return RC_OK;
}

/* The object that leaf ix created, if it is of that kind. */
static struct seen *object(struct log_lint *l, uint64_t ix, enum leaf_kind kind)
{
	uint64_t at = ix - l->first;

	return ix > 0 && ix >= l->first && at < l->seen.n && l->seen.p[at].kind == kind
		   ? &l->seen.p[at]
		   : NULL;
}

static struct seen *own(struct log_lint *l)
{
	return &l->seen.p[l->seen.n - 1];
}

/* ---- (1), (2) ---- */

static enum rc check_order(struct log_lint *l, const struct leaf *leaf, struct err *e)
{
	if ((here(l) == 0) != (leaf->kind == LEAF_LOG_OPENED)) {
		TRY(fault(l, e, "leaf 0, and no other, is log.opened"));
	}
	if (leaf->t < l->last_t) {
		TRY(fault(l, e, "it is earlier than the leaf before it"));
	}
	l->before_t = l->last_t;
	l->last_t = leaf->t;
	return RC_OK;
}

static bool may_be(const struct leaf_field *f, uint8_t kind)
{
	if (f->causes[0] == LEAF_KINDS) {
		return true;
	}
	for (size_t i = 0; i < LEAF_CAUSE_KINDS && f->causes[i] != LEAF_NONE; i++) {
		if (f->causes[i] == kind) {
			return true;
		}
	}
	return false;
}

static enum rc check_causes(struct log_lint *l, const struct leaf *leaf, struct err *e)
{
	size_t n;
	const struct leaf_field *f = leaf_fields(leaf->kind, &n);
	uint64_t ix;

	for (size_t i = 0; i < n; i++) {
		if (f[i].type != LEAF_TYPE_IX) {
			continue;
		}
		memcpy(&ix, (const char *)leaf_body(leaf) + f[i].offset, sizeof(ix));
		if (ix >= here(l)) {
			TRY(fault(l, e, STR_FMT " cites leaf %" PRIu64 ", which is not earlier",
				  STR_ARG(f[i].name), ix));
		} else if (ix > 0 && ix >= l->first &&
			   !may_be(&f[i], l->seen.p[ix - l->first].kind)) {
			TRY(fault(l, e,
				  STR_FMT " cites leaf %" PRIu64 ", which is " STR_FMT
					  " and may not be",
				  STR_ARG(f[i].name), ix,
				  STR_ARG(leaf_kind_name(
				      (enum leaf_kind)l->seen.p[ix - l->first].kind))));
		}
	}
	return RC_OK;
}

/* ---- what begins and ends ---- */

static void begin(struct log_lint *l, struct log_lint_count *c)
{
	own(l)->marks = MARK_OPEN;
	c->all++;
	c->open++;
}

/* Once only. */
static enum rc end(struct log_lint *l, uint64_t ix, enum leaf_kind kind, struct log_lint_count *c,
		   const char *what, struct err *e)
{
	struct seen *o = object(l, ix, kind);

	if (!o) {
		return RC_OK; /* (2) has said it */
	}
	if (!(o->marks & MARK_OPEN)) {
		return fault(l, e, "%s %" PRIu64 " is over already", what, ix);
	}
	o->marks = (uint8_t)(o->marks & ~MARK_OPEN);
	c->open--;
	return RC_OK;
}

static enum rc take_started(struct log_lint *l, const struct leaf_started *s, struct err *e)
{
	if (s->generation != l->generation + 1 && (l->generation || !l->first)) {
		TRY(fault(l, e, "start %" PRIu64 " follows start %" PRIu64, s->generation,
			  l->generation));
	}
	if (l->open_then > 0 && !l->has_jumped && l->before_t >= l->started_t + LIFE_MS) { /* (3) */
		TRY(fault(l, e, "%" PRIu64 " calls of the life before the last one have no outcome",
			  l->open_then));
	}
	l->generation = s->generation;
	l->started = here(l);
	l->started_t = l->last_t;
	l->has_jumped = false;
	l->open_then = l->counts.calls.open;
	return RC_OK;
}

/* ---- calls ---- */

/* (5); by a call or an intent. */
static enum rc use_approval(struct log_lint *l, uint64_t ix, struct err *e)
{
	struct seen *o = object(l, ix, LEAF_APPROVAL_OPENED);

	if (!o) {
		return RC_OK; /* none, or (2) has said it */
	}
	if (o->marks & MARK_USED) {
		return fault(l, e, "approval %" PRIu64 " is used a second time", ix);
	}
	if (!(o->marks & MARK_GRANTED) || !(o->marks & MARK_OPEN)) {
		return fault(l, e, "approval %" PRIu64 " is used, and is not granted", ix);
	}
	if (ix < l->activated) { /* (10) */
		TRY(fault(l, e, "approval %" PRIu64 " is used, and was asked under another bundle",
			  ix));
	}
	o->marks = MARK_USED;
	l->counts.approvals.open--;
	return RC_OK;
}

/* (4), (5), (7) */
static enum rc check_agents(struct log_lint *l, const struct leaf_call_decided *c, struct err *e)
{
	const struct seen *task = object(l, c->task, LEAF_TASK_OPENED);

	if (!task && (!c->task || c->task >= l->first)) {
		TRY(fault(l, e, "an agent's call is allowed without a task"));
	} else if (task && (!(task->marks & MARK_OPEN) || (task->marks & MARK_ENDED))) {
		TRY(fault(l, e, "task %" PRIu64 " has ended", c->task));
	}
	if (str_eq(c->effect, STR("destroy")) && !c->approval && !c->preapproval && !c->person.n) {
		TRY(fault(l, e, "a destroy call rests on no approval"));
	}
	return use_approval(l, c->approval, e);
}

/* (6) */
static enum rc check_lease(struct log_lint *l, uint64_t ix, struct err *e)
{
	const struct seen *o = object(l, ix, LEAF_LEASE_INTENDED);

	if (o && (!(o->marks & MARK_OPEN) || !(o->marks & MARK_DELIVERED) ||
		  (o->marks & MARK_REVOKING))) {
		return fault(l, e, "lease %" PRIu64 " was not delivered, or is over", ix);
	}
	return RC_OK;
}

static enum rc take_decided(struct log_lint *l, const struct leaf_call_decided *c, struct err *e)
{
	if (!str_eq(c->verdict, STR("allow"))) {
		l->counts.denials++;
		return RC_OK;
	}
	begin(l, &l->counts.calls);
	if (str_eq(c->purpose, STR("agent"))) {
		TRY(check_agents(l, c, e));
	}
	return check_lease(l, c->lease, e);
}

/* (3) */
static enum rc take_completed(struct log_lint *l, const struct leaf_call_completed *c,
			      struct err *e)
{
	struct seen *o = object(l, c->call, LEAF_CALL_DECIDED);
	bool is_unknown = str_eq(c->kind, STR("unknown"));

	if (!o) {
		return RC_OK;
	}
	if (o->marks & MARK_OPEN) {
		l->counts.calls.open--;
		l->open_then -= c->call < l->started && l->open_then > 0;
		o->marks = is_unknown ? MARK_UNKNOWN : 0;
		return RC_OK;
	}
	if (!(o->marks & MARK_UNKNOWN) || is_unknown) {
		return fault(l, e, "call %" PRIu64 " has an outcome already, or was never allowed",
			     c->call);
	}
	o->marks = 0;
	return RC_OK;
}

static void note_answer(struct log_lint *l, const struct leaf_call_completed *c)
{
	l->answered.call = c->call;
	l->answered.bytes = c->result_bytes;
	l->answered.is_ok = str_eq(c->kind, STR("ok"));
	l->answered.is_answer = l->answered.is_ok || str_eq(c->kind, STR("tool_error"));
	l->answered.has_secret = str_list_has(&c->labels, STR("secret"));
}

/* (11) */
static enum rc take_account(struct log_lint *l, const struct leaf_read_accounted *r, struct err *e)
{
	if (l->answered.call == 0 && l->first > 0) {
		return RC_OK; /* its answer may be before what is left of the log */
	}
	if (r->call != l->answered.call || !l->answered.is_answer) {
		return fault(l, e, "it accounts for call %" PRIu64 ", which has not just answered",
			     r->call);
	}
	if (r->bytes != l->answered.bytes ||
	    (l->answered.is_ok && (r->redacted > 0) != l->answered.has_secret)) {
		return fault(l, e, "it accounts for another answer than call %" PRIu64 " gave",
			     r->call);
	}
	return RC_OK;
}

/* ---- approvals, leases, tasks, terms ---- */

static enum rc take_settled(struct log_lint *l, const struct leaf_approval_settled *s,
			    struct err *e)
{
	struct seen *o = object(l, s->approval, LEAF_APPROVAL_OPENED);

	if (o && str_eq(s->reason, STR("approval_void")) && s->approval > l->activated) { /* (10) */
		TRY(fault(l, e, "approval %" PRIu64 " is void, and no bundle came after it",
			  s->approval));
	}
	if (!o || !str_eq(s->state, STR("granted"))) {
		return end(l, s->approval, LEAF_APPROVAL_OPENED, &l->counts.approvals, "approval",
			   e);
	}
	if (!(o->marks & MARK_OPEN) || (o->marks & MARK_GRANTED)) {
		return fault(l, e, "approval %" PRIu64 " is settled already", s->approval);
	}
	o->marks |= MARK_GRANTED;
	return RC_OK;
}

static void mark(struct log_lint *l, uint64_t ix, enum leaf_kind kind, uint8_t m)
{
	struct seen *o = object(l, ix, kind);

	if (o) {
		o->marks |= m;
	}
}

/* (12) */
static enum rc check_intent(struct log_lint *l, const struct leaf_task_opened *t, struct err *e)
{
	const struct seen *o = object(l, t->intent, LEAF_INTENT_DECIDED);

	if (t->intent == 0) {
		l->next.kind = LEAF_BREAK_GLASS_OPENED;
		l->next.task = here(l);
		return RC_OK;
	}
	return (o && !(o->marks & MARK_OPEN)) || t->intent + 1 != here(l)
		   ? fault(l, e, "its intent %" PRIu64 " is not allowed right before it", t->intent)
		   : RC_OK;
}

/* (12), (13) */
static enum rc check_next(struct log_lint *l, const struct leaf *leaf, struct err *e)
{
	enum leaf_kind kind = l->next.kind;
	bool fits = kind == LEAF_BREAK_GLASS_OPENED
			? leaf->break_glass_opened.task == l->next.task
			: leaf->call_decided.task == l->next.task &&
			      str_eq(leaf->call_decided.verdict, STR("allow"));

	l->next.kind = LEAF_NONE;
	if (kind == LEAF_NONE || (leaf->kind == kind && fits)) {
		return RC_OK;
	}
	return kind == LEAF_BREAK_GLASS_OPENED
		   ? fault(l, e, "task %" PRIu64 " was opened, and nobody broke glass",
			   l->next.task)
		   : fault(l, e, "task %" PRIu64 " moved on, and no call used that", l->next.task);
}

static enum rc take_task(struct log_lint *l, const struct leaf_task_opened *t, struct err *e)
{
	const struct seen *i = object(l, t->incident, LEAF_INCIDENT_OPENED);

	begin(l, &l->counts.tasks);
	TRY(check_intent(l, t, e));
	return i && !(i->marks & MARK_OPEN)
		   ? fault(l, e, "incident %" PRIu64 " is closed", t->incident)
		   : RC_OK;
}

/* (7) */
static enum rc take_ended(struct log_lint *l, uint64_t ix, struct err *e)
{
	struct seen *o = object(l, ix, LEAF_TASK_OPENED);

	if (o && (o->marks & MARK_ENDED)) {
		return fault(l, e, "task %" PRIu64 " has ended already", ix);
	}
	mark(l, ix, LEAF_TASK_OPENED, MARK_ENDED);
	return RC_OK;
}

static enum rc take_lease(struct log_lint *l, uint64_t task, struct err *e)
{
	begin(l, &l->counts.leases);
	if (vec_push(&l->leases, ((struct open_lease){.ix = here(l), .task = task})) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory to look at a log");
	}
	return RC_OK;
}

static enum rc take_gone(struct log_lint *l, uint64_t ix, struct err *e)
{
	for (size_t i = 0; i < l->leases.n; i++) {
		if (l->leases.p[i].ix == ix) {
			vec_remove(&l->leases, i);
			break;
		}
	}
	return end(l, ix, LEAF_LEASE_INTENDED, &l->counts.leases, "lease", e);
}

/* (9) */
static enum rc check_left(struct log_lint *l, const struct leaf_task_closed *t, struct err *e)
{
	for (size_t i = 0; str_eq(t->closure, STR("closed")) && i < l->leases.n; i++) {
		if (l->leases.p[i].task == t->task) {
			return fault(l, e,
				     "task %" PRIu64 " is closed, and its lease %" PRIu64
				     " is not gone",
				     t->task, l->leases.p[i].ix);
		}
	}
	return RC_OK;
}

static enum rc take_closed(struct log_lint *l, uint64_t ix, struct err *e)
{
	struct seen *o = object(l, ix, LEAF_TASK_OPENED);

	if (o && !(o->marks & MARK_ENDED)) {
		TRY(fault(l, e, "task %" PRIu64 " is closed before it ended", ix));
	}
	return end(l, ix, LEAF_TASK_OPENED, &l->counts.tasks, "task", e);
}

/* (8) */
static enum rc take_term(struct log_lint *l, const struct leaf_term_changed *t, struct err *e)
{
	const struct seen *o = object(l, t->term, LEAF_TERM_STARTED);

	if (str_eq(t->how, STR("reverted")) || (str_eq(t->how, STR("kept")) && t->ends_at == 0)) {
		return end(l, t->term, LEAF_TERM_STARTED, &l->counts.terms, "term", e);
	}
	return o && !(o->marks & MARK_OPEN)
		   ? fault(l, e, "term %" PRIu64 " is over already", t->term)
		   : RC_OK;
}

static enum rc take(struct log_lint *l, const struct leaf *leaf, struct err *e)
{
	switch ((int)leaf->kind) {
	case LEAF_CLOCK_JUMPED:
		l->has_jumped = true;
		return RC_OK;
	case LEAF_STARTED:
		return take_started(l, &leaf->started, e);
	case LEAF_BUNDLE_ACTIVATED:
		l->activated = here(l);
		return RC_OK;
	case LEAF_INCIDENT_OPENED:
		begin(l, &l->counts.incidents);
		return RC_OK;
	case LEAF_INCIDENT_CLOSED:
		return end(l, leaf->incident_closed.incident, LEAF_INCIDENT_OPENED,
			   &l->counts.incidents, "incident", e);
	case LEAF_INTENT_DECIDED:
		if (!str_eq(leaf->intent_decided.verdict, STR("allow"))) {
			return RC_OK;
		}
		own(l)->marks = MARK_OPEN;
		return use_approval(l, leaf->intent_decided.approval, e);
	case LEAF_TASK_PHASE:
		if (str_eq(leaf->task_phase.how, STR("used"))) {
			l->next.kind = LEAF_CALL_DECIDED;
			l->next.task = leaf->task_phase.task;
		}
		return RC_OK;
	case LEAF_TASK_OPENED:
		return take_task(l, &leaf->task_opened, e);
	case LEAF_TASK_ENDED:
		return take_ended(l, leaf->task_ended.task, e);
	case LEAF_TASK_CLOSED:
		TRY(check_left(l, &leaf->task_closed, e));
		return take_closed(l, leaf->task_closed.task, e);
	case LEAF_CALL_DECIDED:
		return take_decided(l, &leaf->call_decided, e);
	case LEAF_READ_ACCOUNTED:
		return take_account(l, &leaf->read_accounted, e);
	case LEAF_CALL_COMPLETED:
		note_answer(l, &leaf->call_completed);
		return take_completed(l, &leaf->call_completed, e);
	case LEAF_APPROVAL_OPENED:
		begin(l, &l->counts.approvals);
		return RC_OK;
	case LEAF_APPROVAL_SETTLED:
		return take_settled(l, &leaf->approval_settled, e);
	case LEAF_LEASE_INTENDED:
		return take_lease(l, leaf->lease_intended.task, e);
	case LEAF_LEASE_DELIVERED:
		mark(l, leaf->lease_delivered.lease, LEAF_LEASE_INTENDED, MARK_DELIVERED);
		return RC_OK;
	case LEAF_LEASE_REVOKING:
		mark(l, leaf->lease_revoking.lease, LEAF_LEASE_INTENDED, MARK_REVOKING);
		return RC_OK;
	case LEAF_LEASE_GONE:
		return take_gone(l, leaf->lease_gone.lease, e);
	case LEAF_TERM_STARTED:
		begin(l, &l->counts.terms);
		return RC_OK;
	case LEAF_TERM_CHANGED:
		return take_term(l, &leaf->term_changed, e);
	case LEAF_KILL_SET:
		begin(l, &l->counts.stops);
		return RC_OK;
	case LEAF_KILL_ACKNOWLEDGED:
		return end(l, leaf->kill_acknowledged.kill, LEAF_KILL_SET, &l->counts.stops, "stop",
			   e);
	default:
		return RC_OK;
	}
}

enum rc log_lint_take(struct log_lint *l, uint64_t ix, const struct leaf *leaf, struct err *e)
{
	const struct seen seen = {.kind = (uint8_t)leaf->kind};

	MUST(ix == l->first + l->seen.n);
	if (vec_push(&l->seen, seen) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory to look at a log");
	}
	l->counts.leaves++;
	TRY(check_order(l, leaf, e));
	TRY(check_causes(l, leaf, e));
	TRY(check_next(l, leaf, e));
	return take(l, leaf, e);
}

struct log_lint_counts log_lint_counts(const struct log_lint *l)
{
	return l->counts;
}

const struct log_lint_fault *log_lint_faults(const struct log_lint *l, size_t *ret_n)
{
	*ret_n = l->faults.n;
	return l->faults.p;
}
