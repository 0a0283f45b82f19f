/* SPDX-License-Identifier: Apache-2.0 */
/* checker.c - see its header. */
#include "checker.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "audit/files.h"
#include "base/mem.h"
#include "core/state.h"
#include "drill/play_impl.h"
#include "governor/sealed.h"

#include "excess.h"
#include "refold.h"
#include "story.h"

enum {
	FLEET_TARGETS = 3,
	FLEET_WINDOW_MS = 600000,
	EVIDENCE_AGE_MS = 600000,
	TERM_SLACK_MS = 60000,
	/* An upstream's slow answer, with the looks before and after it, and what waits for one of
	 * these. */
	ANSWER_MS = 180000,
	SEND_BY_MS = 2000,
	EXCESS_EVERY = 60, /* steps */
	PUBLISHED_WITHIN_S = 5
};

/* ---- what is known of a story so far ---- */

struct seen_call {
	uint64_t ix;
	uint64_t task;
	uint64_t parent;
	uint64_t evidence;
	uint64_t approval;
	struct digest args; /* commitment */
	struct str sent;    /* what arrived */
	struct str tool;
	struct str agent;
	struct str purpose;
	struct str_list targets;
	bool is_change;
	bool is_ok; /* completed so */
	bool is_not_sent;
	struct str outcome; /* as the log has it last; "" = none */
	size_t n_outcomes;
	size_t acts;
	int was;	  /* the field that it set, as captured: 0, 1; -1 = not known */
	int saw_isolated; /* of its target, at the moment it acted */
	int saw_blocked;
	uint64_t at; /* the time that it was decided by */
	uint64_t t;
};

struct seen_stop {
	uint64_t ix;
	uint64_t acknowledged; /* leaf, 0 = not yet */
	uint64_t cleared;
	struct str scope;
	struct str name;
};

struct seen_task {
	uint64_t ix;
	uint64_t incident;
	struct str agent;
	struct digest key; /* of whoever used it first, or declared it; zero = nobody yet */
	uint64_t max_calls;
	uint64_t max_targets;
};

struct checker {
	struct arena arena;
	struct play_watch watch;
	struct checker_counts counts;
	const struct sim *sim;
	struct publisher *publisher; /* borrowed */
	uint64_t seed;
	struct str broken; /* "" = all holds */
	uint64_t n_leaves;
	size_t n_effects;
	bool is_up;
	VEC(struct digest) hashes;     /* of all leaves */
	VEC(struct seen_call *) calls; /* by index of the leaf */
	VEC(struct seen_stop) stops;
	VEC(struct seen_task) tasks;
	VEC(struct seen_lease {
		uint64_t ix;
		uint64_t task;
		bool is_created;
		bool is_gone;
	})
	leases;
	VEC(struct {
		uint64_t ix;
		uint64_t task;
		struct str agent;
		struct str tool;
		struct digest tag;
		struct digest args;
	})
	questions;
	VEC(uint64_t) granted; /* approvals, by leaf that opened them */
	VEC(uint64_t) used;
	VEC(struct {
		uint64_t ix;
		uint64_t call;
		uint64_t overdue_ms; /* boot time when first seen so in this life; 0 = not */
	})
	terms;
	VEC(struct {
		uint64_t t;
		struct str target;
	})
	evidence;
	int isolated[TARGETS];
	int blocked[TARGETS];
};

PRINTF_LIKE(2, 3) static void breaks(struct checker *c, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut when longer */
	va_end(ap);
	if (!c->broken.n) {
		c->broken = arena_str(&c->arena, str_from(text));
	}
}

static struct seen_call *call_of(const struct checker *c, uint64_t ix)
{
	return ix < c->calls.n ? c->calls.p[ix] : NULL;
}

static void must_keep(enum rc rc)
{
	MUST(rc == RC_OK);
}

/* ---- leaves ---- */

static struct str_list keep_list(struct checker *c, const struct str_list *l)
{
	struct str_list copy = str_list_copy(&c->arena, l);

	for (size_t i = 0; i < copy.n; i++) {
		((struct str *)(uintptr_t)copy.p)[i] = arena_str(&c->arena, l->p[i]);
	}
	return copy;
}

static bool changes(struct str tool)
{
	static const char *const names[] = {"edr___isolate", "edr___release", "edr___wipe",
					    "web___block", "web___unblock"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_eq(tool, str_from(names[i]))) {
			return true;
		}
	}
	return false;
}

/* (3), by counting everything again. */
static void recount(struct checker *c, const struct seen_call *last)
{
	const struct seen_task *task = NULL;
	uint64_t n = 0;
	uint64_t touched = 0; /* bits */
	uint64_t isolated = 0;

	for (size_t i = 0; i < c->tasks.n; i++) {
		task = c->tasks.p[i].ix == last->task ? &c->tasks.p[i] : task;
	}
	for (size_t i = 0; i < c->calls.n; i++) {
		const struct seen_call *x = c->calls.p[i];
		uint64_t bit;

		if (!x || x->is_not_sent || !str_eq(x->purpose, STR("agent"))) {
			continue;
		}
		bit = x->targets.n ? 1ull << (x->targets.p[0].p[x->targets.p[0].n - 1] - '0') : 0;
		if (x->task == last->task) {
			n++;
			touched |= x->is_change ? bit : 0;
		}
		if (str_eq(x->tool, STR("edr___isolate")) && x->t + FLEET_WINDOW_MS > last->t) {
			isolated |= bit;
		}
	}
	if (!task) {
		breaks(c, "c%" PRIu64 " was allowed without a task", last->ix);
	} else if (n > task->max_calls) {
		breaks(c, "(3) task t%" PRIu64 " has %" PRIu64 " calls", task->ix, n);
	} else if ((uint64_t)__builtin_popcountll(touched) > task->max_targets) {
		breaks(c, "(3) task t%" PRIu64 " touches %d targets", task->ix,
		       __builtin_popcountll(touched));
	}
	if (str_eq(last->tool, STR("edr___isolate")) &&
	    __builtin_popcountll(isolated) > FLEET_TARGETS) {
		breaks(c, "(3) %d hosts were isolated within the window",
		       __builtin_popcountll(isolated));
	}
}

static bool has(const uint64_t *p, size_t n, uint64_t x)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == x) {
			return true;
		}
	}
	return false;
}

/* Of its target, not older than ten minutes; by the clock, which somebody may have set back a
 * little and confirmed, while leaves do not go back in time. */
static bool has_evidence(const struct checker *c, const struct seen_call *x)
{
	for (size_t i = 0; i < c->evidence.n; i++) {
		if (str_eq(c->evidence.p[i].target, x->targets.p[0]) &&
		    c->evidence.p[i].t + EVIDENCE_AGE_MS >= x->at) {
			return true;
		}
	}
	return false;
}

/* (15), and of (12): an approval is of that tool and those arguments. */
static void check_whose(struct checker *c, uint64_t ix, const struct leaf_call_decided *d)
{
	for (size_t i = 0; i < c->tasks.n; i++) {
		struct seen_task *t = &c->tasks.p[i];

		if (t->ix != d->task) {
			continue;
		}
		if (!str_eq(t->agent, d->agent)) {
			breaks(c, "(15) c%" PRIu64 " is allowed under another agent's task", ix);
		}
		if (digest_is_zero(&t->key)) {
			t->key = d->key;
		}
		if (!digest_eq(&t->key, &d->key)) {
			breaks(c, "(15) c%" PRIu64 " is allowed with another key", ix);
		}
	}
	for (size_t i = 0; d->lease && i < c->leases.n; i++) {
		if (c->leases.p[i].ix == d->lease && c->leases.p[i].task != d->task) {
			breaks(c, "(15) c%" PRIu64 " is allowed with another task's lease", ix);
		}
	}
	for (size_t i = 0; d->approval && i < c->questions.n; i++) {
		__typeof__(c->questions.p[0]) *q = &c->questions.p[i];

		if (q->ix == d->approval &&
		    (q->task != d->task || !str_eq(q->agent, d->agent) ||
		     !str_eq(q->tool, d->tool) || !digest_eq(&q->tag, &d->tag))) {
			breaks(c, "(12) c%" PRIu64 " is allowed by an answer to another question",
			       ix);
		}
	}
}

static void on_allowed(struct checker *c, uint64_t ix, const struct leaf *l)
{
	const struct leaf_call_decided *d = &l->call_decided;
	struct seen_call *x = arena_alloc(&c->arena, sizeof(*x));
	const struct seen_call *before = call_of(c, d->evidence);

	MUST(x != NULL);
	*x = (struct seen_call){.ix = ix,
				.task = d->task,
				.parent = d->parent,
				.evidence = d->evidence,
				.approval = d->approval,
				.args = d->args,
				.tool = arena_str(&c->arena, d->tool),
				.agent = arena_str(&c->arena, d->agent),
				.purpose = arena_str(&c->arena, d->purpose),
				.targets = keep_list(c, &d->targets),
				.is_change = changes(d->tool),
				.outcome = STR(""),
				.was = -1,
				.at = d->at,
				.t = l->t};
	c->calls.p[ix] = x;
	if (!str_eq(x->purpose, STR("agent"))) {
		return;
	}
	check_whose(c, ix, d);
	recount(c, x);
	if (x->is_change && !str_has_suffix(x->tool, STR("wipe")) && (!before || !before->is_ok)) {
		breaks(c, "(5) c%" PRIu64 " was allowed before its state was captured", ix);
	}
	if (str_has_suffix(x->tool, STR("wipe"))) {
		if (!has_evidence(c, x)) {
			breaks(c, "(5) c%" PRIu64 " was allowed before its evidence", ix);
		}
		if (!has(c->granted.p, c->granted.n, d->approval) ||
		    has(c->used.p, c->used.n, d->approval)) {
			breaks(c, "(11) c%" PRIu64 " has no approval of its own", ix);
		}
		must_keep(vec_push(&c->used, d->approval));
	}
}

static void on_stop(struct checker *c, uint64_t ix, const struct leaf *l)
{
	struct seen_stop s = {.ix = ix,
			      .scope = arena_str(&c->arena, l->kill_set.scope),
			      .name = arena_str(&c->arena, l->kill_set.name)};

	must_keep(vec_push(&c->stops, s));
}

static struct str said_of(const struct sim_effect *f)
{
	static const struct str names[] = {[OUTCOME_NOT_SENT] = {"not_sent", 8},
					   [OUTCOME_OK] = {"ok", 2},
					   [OUTCOME_TOOL_ERROR] = {"tool_error", 10},
					   [OUTCOME_UNKNOWN] = {"unknown", 7}};

	return f->is_said ? names[f->outcome] : STR("unknown");
}

/* What was done by this call; NULL = nothing. */
static const struct sim_effect *effect_of(const struct checker *c, uint64_t call)
{
	for (size_t i = sim_n_effects(c->sim); i > 0; i--) {
		if (sim_effect_at(c->sim, i - 1)->call == call) {
			return sim_effect_at(c->sim, i - 1);
		}
	}
	return NULL;
}

/* (17): nothing is on record that was not so, and said. */
static void on_outcome(struct checker *c, struct seen_call *x, struct str kind)
{
	const struct sim_effect *f = effect_of(c, x->ix);
	bool is_known = str_eq(kind, STR("ok")) || str_eq(kind, STR("tool_error"));

	if (x->n_outcomes++ > 0) {
		c->counts.late++;
		if (!str_eq(x->outcome, STR("unknown")) || str_eq(kind, STR("unknown")) ||
		    !str_eq(x->purpose, STR("agent"))) {
			breaks(c, "(17) c%" PRIu64 " was " STR_FMT " and is " STR_FMT " now", x->ix,
			       STR_ARG(x->outcome), STR_ARG(kind));
		}
	}
	if (is_known && (!f || !f->is_said || !str_eq(kind, said_of(f)) ||
			 f->was_done != str_eq(kind, STR("ok")))) {
		breaks(c, "(17) c%" PRIu64 " is called " STR_FMT ", which nobody said", x->ix,
		       STR_ARG(kind));
	}
	x->outcome = arena_str(&c->arena, kind);
	x->is_ok = str_eq(kind, STR("ok"));
	x->is_not_sent = str_eq(kind, STR("not_sent"));
}

static struct seen_lease *lease_of(struct checker *c, uint64_t ix)
{
	for (size_t i = c->leases.n; i > 0; i--) {
		if (c->leases.p[i - 1].ix == ix) {
			return &c->leases.p[i - 1];
		}
	}
	MUST(!"a lease that was intended");
	return NULL;
}

/* (19); that a credential which exists is of such a lease is (16). */
static void on_closed(struct checker *c, const struct leaf_task_closed *t)
{
	for (size_t i = 0; i < c->leases.n; i++) {
		const struct seen_lease *l = &c->leases.p[i];
		char name[24];
		bool is_named = false;

		if (l->task != t->task || !l->is_created || l->is_gone) {
			continue;
		}
		for (size_t k = 0; k < t->left.n; k++) {
			struct str rest = t->left.p[k];

			is_named |= str_eq(str_cut(&rest, ' '), id_text('l', l->ix, name));
		}
		c->counts.left += is_named;
		if (!is_named || str_eq(t->closure, STR("closed"))) {
			breaks(c,
			       "(19) t%" PRIu64 " is closed, and its credential of l%" PRIu64
			       " is not named",
			       t->task, l->ix);
		}
	}
}

static enum rc on_leaf(void *ctx, uint64_t ix, struct str bytes, struct err *e)
{
	struct checker *c = ctx;
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	struct digest hash;
	struct leaf l;
	struct seen_call *x;

	TRY(leaf_decode(&arena, bytes, &l, e));
	SHA256((const unsigned char *)bytes.p, bytes.n, hash.bytes);
	must_keep(vec_push(&c->hashes, hash));
	must_keep(vec_push(&c->calls, NULL));
	c->n_leaves = ix + 1;
	publisher_leaf(c->publisher, ix, bytes, &l);
	if (bytes.n > LIMIT_LEAF_BYTES) {
		breaks(c, "(20) leaf %" PRIu64 " has %zu bytes", ix, bytes.n);
	}
	switch ((int)l.kind) {
	case LEAF_TASK_OPENED:
		must_keep(
		    vec_push(&c->tasks,
			     ((struct seen_task){.ix = ix,
						 .incident = l.task_opened.incident,
						 .key = l.task_opened.key,
						 .agent = arena_str(&c->arena, l.task_opened.agent),
						 .max_calls = l.task_opened.max_calls,
						 .max_targets = l.task_opened.max_targets})));
		break;
	case LEAF_CALL_DECIDED:
		if (str_eq(l.call_decided.verdict, STR("allow"))) {
			on_allowed(c, ix, &l);
		} else {
			c->counts.thefts +=
			    str_eq(l.call_decided.reason, reason_code(REASON_TASK_UNKNOWN)) ||
			    str_eq(l.call_decided.reason, reason_code(REASON_CREDENTIAL_FOREIGN));
		}
		break;
	case LEAF_LEASE_INTENDED:
		must_keep(vec_push(&c->leases, ((__typeof__(c->leases.p[0])){
						   .ix = ix, .task = l.lease_intended.task})));
		break;
	case LEAF_LEASE_CREATED:
		lease_of(c, l.lease_created.lease)->is_created = true;
		break;
	case LEAF_LEASE_GONE:
		lease_of(c, l.lease_gone.lease)->is_gone = true;
		break;
	case LEAF_TASK_CLOSED:
		on_closed(c, &l.task_closed);
		break;
	case LEAF_APPROVAL_OPENED:
		must_keep(vec_push(&c->questions,
				   ((__typeof__(c->questions.p[0])){
				       .ix = ix,
				       .task = l.approval_opened.task,
				       .agent = arena_str(&c->arena, l.approval_opened.agent),
				       .tool = arena_str(&c->arena, l.approval_opened.tool),
				       .tag = l.approval_opened.tag,
				       .args = l.approval_opened.args})));
		break;
	case LEAF_CALL_COMPLETED:
		x = call_of(c, l.call_completed.call);
		if (!x) {
			breaks(c, "an outcome of c%" PRIu64 ", which was not allowed",
			       l.call_completed.call);
			break;
		}
		on_outcome(c, x, l.call_completed.kind);
		if (x->is_not_sent && x->acts > 0) {
			breaks(c, "c%" PRIu64 " acted and is called not sent", x->ix);
		}
		break;
	case LEAF_EVIDENCE_CAPTURED:
		must_keep(vec_push(
		    &c->evidence,
		    ((__typeof__(c->evidence.p[0])){
			.t = l.t,
			.target = arena_str(&c->arena, l.evidence_captured.targets.p[0])})));
		break;
	case LEAF_APPROVAL_SETTLED:
		if (str_eq(l.approval_settled.state, STR("granted"))) {
			must_keep(vec_push(&c->granted, l.approval_settled.approval));
		}
		break;
	case LEAF_TERM_STARTED:
		must_keep(vec_push(&c->terms, ((__typeof__(c->terms.p[0])){
						  .ix = ix, .call = l.term_started.call})));
		break;
	case LEAF_KILL_SET:
		on_stop(c, ix, &l);
		break;
	case LEAF_KILL_ACKNOWLEDGED:
		for (size_t i = 0; i < c->stops.n; i++) {
			if (c->stops.p[i].ix == l.kill_acknowledged.kill) {
				c->stops.p[i].acknowledged = ix;
			}
		}
		break;
	case LEAF_KILL_CLEARED:
		for (size_t i = 0; i < c->stops.n; i++) {
			struct seen_stop *s = &c->stops.p[i];

			if (!s->cleared && str_eq(s->scope, l.kill_cleared.scope) &&
			    str_eq(s->name, l.kill_cleared.name)) {
				s->cleared = ix;
			}
		}
		break;
	default:
		break;
	}
	return RC_OK;
}

/* ---- effects ---- */

static bool covers(const struct seen_stop *s, const struct seen_call *x)
{
	struct str upstream = x->tool;
	char id[24];

	if (str_eq(s->scope, STR("all"))) {
		return true;
	}
	if (str_eq(s->scope, STR("agent"))) {
		return str_eq(s->name, x->agent);
	}
	if (str_eq(s->scope, STR("tool"))) {
		return str_eq(s->name, x->tool);
	}
	if (str_eq(s->scope, STR("task"))) {
		return str_eq(s->name, id_text('t', x->task, id));
	}
	upstream = str_slice(upstream, 0, s->name.n);
	return str_eq(s->name, upstream) && x->tool.n > upstream.n && x->tool.p[upstream.n] == '_';
}

/* (4) */
static void check_stops_of(struct checker *c, const struct seen_call *x, const struct sim_effect *f)
{
	for (size_t i = 0; i < c->stops.n; i++) {
		const struct seen_stop *s = &c->stops.p[i];

		if (str_eq(x->purpose, STR("agent")) && s->acknowledged && covers(s, x) &&
		    s->acknowledged < f->durable_size &&
		    !(s->cleared && s->cleared < f->durable_size)) {
			breaks(c, "(4) c%" PRIu64 " acted after stop k%" PRIu64 " was acknowledged",
			       x->ix, s->ix);
		}
	}
}

/* (7): what a rollback sets is what was captured for the call that it undoes. */
static void check_undo(struct checker *c, const struct seen_call *x, int value)
{
	for (size_t i = 0; i < c->terms.n; i++) {
		const struct seen_call *undone;

		if (c->terms.p[i].ix != x->parent) {
			continue;
		}
		undone = call_of(c, c->terms.p[i].call);
		if (undone && undone->was >= 0 && undone->was != value) {
			breaks(c, "(7) c%" PRIu64 " sets %d, but for c%" PRIu64 " %d was captured",
			       x->ix, value, undone->ix, undone->was);
		}
	}
}

static void on_effect(struct checker *c, const struct sim_effect *f)
{
	struct seen_call *x = call_of(c, f->call);
	int *field = NULL;
	int value = 0;

	if (!x || f->call >= f->durable_size || !str_eq(x->tool, f->tool)) {
		breaks(c, "(1) " STR_FMT " acted without a durable leaf that allowed it",
		       STR_ARG(f->tool));
		return;
	}
	if (++x->acts > 1) {
		breaks(c, "(2) c%" PRIu64 " acted twice", x->ix);
	}
	if (x->is_not_sent) {
		breaks(c, "c%" PRIu64 " is called not sent and acted", x->ix);
	}
	if (f->is_late || f->waited_ms > SEND_BY_MS) {
		breaks(c, "(13) c%" PRIu64 " was sent after its send-by", x->ix);
	}
	if (!str_eq(f->agent, x->agent)) {
		breaks(c, "(15) c%" PRIu64 " is another agent's at the upstream", x->ix);
	}
	x->sent = arena_str(&c->arena, f->args);
	check_stops_of(c, x, f);
	if (x->targets.n == 1) {
		int target = x->targets.p[0].p[x->targets.p[0].n - 1] - '0';
		const struct seen_call *before = call_of(c, x->evidence);
		bool is_web = str_has_prefix(x->tool, STR("web___"));

		x->saw_isolated = c->isolated[target];
		x->saw_blocked = c->blocked[target];
		if (x->is_change && !str_eq(x->tool, STR("edr___wipe"))) {
			field = is_web ? &c->blocked[target] : &c->isolated[target];
			value = str_eq(x->tool, STR("web___block")) ||
				str_eq(x->tool, STR("edr___isolate"));
		}
		if (before) {
			x->was = is_web ? before->saw_blocked : before->saw_isolated;
		}
	}
	if (field && f->was_done) {
		if (str_eq(x->purpose, STR("rollback"))) {
			check_undo(c, x, value);
		}
		*field = value;
	}
}

/* ---- after each step ---- */

/* (8): what was durable is there again, byte for byte. */
struct reread {
	struct checker *c;
	uint64_t n;
};

static enum rc same_leaf(void *ctx, uint64_t ix, struct str bytes, struct err *e)
{
	struct reread *r = ctx;
	struct digest hash;

	(void)e;
	SHA256((const unsigned char *)bytes.p, bytes.n, hash.bytes);
	if (ix < r->c->hashes.n && !digest_eq(&hash, &r->c->hashes.p[ix])) {
		breaks(r->c, "(8) leaf %" PRIu64 " is another one than before", ix);
	}
	r->n = ix + 1;
	return RC_OK;
}

static void check_lost(struct checker *c, struct sim *sim)
{
	struct reread r = {.c = c};
	struct err e = ERR_INIT;

	if (sim_reread(sim, same_leaf, &r, &e) != RC_OK) {
		breaks(c, "(8) the log cannot be read: %s", e.msg);
	} else if (r.n < c->hashes.n) {
		breaks(c, "(8) %zu leaves were acknowledged, %" PRIu64 " are there", c->hashes.n,
		       r.n);
	}
}

/* (6): time that the governor had, by the clock that does not jump. */
static void check_terms(struct checker *c, struct sim *sim)
{
	const struct state *s = sim_state(sim);

	for (size_t i = 0; i < c->terms.n; i++) {
		const struct term *t = state_term(s, c->terms.p[i].ix);
		uint64_t *since = &c->terms.p[i].overdue_ms;

		/* A clock that jumped and nobody confirmed suspends the ends of terms; while the
		 * log goes on in its emergency place nothing is sent at all. */
		if (state_clock_jump(s) || state_sends_nothing(s) || !t ||
		    t->state != TERM_STANDING || !t->reverts || !t->ends_at_unix_ms ||
		    t->ends_at_unix_ms > sim_unix_ms(sim)) {
			*since = 0;
		} else if (!*since) {
			*since = sim_boot_ms(sim);
		} else if (*since + TERM_SLACK_MS < sim_boot_ms(sim)) {
			breaks(c, "(6) m%" PRIu64 " stands past its end, %" PRIu64 " s now", t->ix,
			       (sim_boot_ms(sim) - *since) / 1000);
		}
	}
}

/* (16) */
static void check_credentials(struct checker *c, struct sim *sim)
{
	for (size_t i = 0; i < sim_n_credentials(sim); i++) {
		uint64_t ix = sim_credential_lease(sim, i);
		const struct lease *l = state_lease(sim_state(sim), ix);

		if (!l || l->state == LEASE_STATE_GONE) {
			breaks(c, "(16) a credential of l%" PRIu64 " exists, which is no lease",
			       ix);
		}
	}
}

static void note_change(struct checker *c, const struct step *st)
{
	const struct json *target = st->value ? st->value->child : NULL;
	bool is_set = false;

	if (st->kind == STEP_CHANGE && target &&
	    json_bool(json_get(target, STR("isolated")), &is_set)) {
		c->isolated[target->key.p[target->key.n - 1] - '0'] = is_set;
	}
}

/* (18) */
static void take_publisher(struct checker *c)
{
	if (publisher_broken(c->publisher)[0]) {
		breaks(c, "%s", publisher_broken(c->publisher));
	}
}

/* (20) */
static void say_too_much(struct checker *c, struct sim *sim)
{
	const struct seen_task *t = NULL;
	const struct agent *agent;
	struct excess_agent who = {0};
	char broken[300];
	bool is_said;
	char id[24];
	char incident[24];

	for (size_t i = 0; i < c->tasks.n; i++) {
		t = digest_is_zero(&c->tasks.p[i].key) ? t : &c->tasks.p[i];
	}
	agent = t ? bundle_agent(sim_bundle(sim), t->agent) : NULL;
	if (!agent) {
		return;
	}
	who = (struct excess_agent){.id = agent->id,
				    .task = id_text('t', t->ix, id),
				    .incident = id_text('i', t->incident, incident),
				    .key_sha256 = t->key.bytes};
	if (!excess_say(sim, c->seed + c->counts.steps / EXCESS_EVERY, &who, &is_said, broken)) {
		breaks(c, "%s", broken);
	}
	c->counts.excess += is_said;
}

static void after_step(void *ctx, struct sim *sim, const struct step *st)
{
	struct checker *c = ctx;
	struct err e = ERR_INIT;
	bool is_up = sim_is_up(sim);

	if (c->broken.n) {
		return;
	}
	c->sim = sim;
	c->counts.steps++;
	if (is_up && sim_leaves(sim, c->n_leaves, on_leaf, c, &e) != RC_OK) {
		breaks(c, "the log cannot be read: %s", e.msg);
	}
	/* What was done before a crash is in the record too; its leaves are read by now, or the
	 * governor is down and they will be. */
	while (is_up && c->n_effects < sim_n_effects(sim)) {
		on_effect(c, sim_effect_at(sim, c->n_effects++));
	}
	note_change(c, st);
	if (is_up) {
		publisher_step(c->publisher);
	}
	take_publisher(c);
	if (sim_longest_wait_ms(sim) > c->counts.longest_ms) {
		c->counts.longest_ms = sim_longest_wait_ms(sim);
	}
	if (c->counts.longest_ms > ANSWER_MS) { /* (14) */
		breaks(c, "(14) somebody waits for an answer for %" PRIu64 " s",
		       c->counts.longest_ms / 1000);
	}
	if (is_up && (!c->is_up || st->kind == STEP_CRASH)) {
		for (size_t i = 0; i < c->terms.n; i++) {
			c->terms.p[i].overdue_ms = 0;
		}
		check_lost(c, sim);
	}
	if (is_up && c->counts.steps % EXCESS_EVERY == 0) {
		say_too_much(c, sim);
	}
	c->is_up = is_up;
	if (is_up) {
		check_credentials(c, sim);
		check_terms(c, sim);
	}
}

/* ---- at the end ---- */

/* (10): also as from a snapshot and what follows it, many times over. */
static void check_replay(struct checker *c, struct sim *sim)
{
	static const uint64_t every[] = {0, 17};
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(every); i++) {
		if (refold_is_same(sim, every[i], &e) != RC_OK) {
			breaks(c, "(10) %s", e.msg);
		}
	}
}

/* The value beside leaf ix is these bytes, and the leaf commits to it. */
static void check_value(struct checker *c, const struct audit_source *source, uint64_t ix,
			const struct digest *commit, struct str bytes)
{
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	uint8_t salt[SEALED_SALT_BYTES];
	uint8_t is[SEALED_COMMITMENT_BYTES];
	struct err e = ERR_INIT;
	struct str value;

	if (source->value(source->ctx, ix, 0, &arena, salt, &value, &e) != RC_OK ||
	    sealed_commit(salt, value, is, &e) != RC_OK) {
		breaks(c, "(12) what leaf %" PRIu64 " commits to cannot be opened: %s", ix, e.msg);
	} else if (memcmp(is, commit->bytes, sizeof(is)) != 0 || !str_eq(value, bytes)) {
		breaks(c, "(12) leaf %" PRIu64 " commits to other bytes than arrived", ix);
	}
	c->counts.compared++;
}

/* (12) */
static void check_bytes(struct checker *c, struct sim *sim)
{
	AUTO_AUDIT_FILES files = NULL;
	struct audit_source source;
	struct err e = ERR_INIT;

	if (sim_files(sim, &files, &e) != RC_OK) {
		breaks(c, "(12) the log's values cannot be read: %s", e.msg);
		return;
	}
	source = audit_files_source(files);
	for (size_t i = 0; i < c->calls.n; i++) {
		const struct seen_call *x = c->calls.p[i];

		if (!x || !x->sent.p) {
			continue;
		}
		check_value(c, &source, x->ix, &x->args, x->sent);
		for (size_t k = 0; x->approval && k < c->questions.n; k++) {
			if (c->questions.p[k].ix == x->approval) {
				check_value(c, &source, x->approval, &c->questions.p[k].args,
					    x->sent);
			}
		}
	}
}

/* (17): what was heard is on record. */
static void check_outcomes(struct checker *c, struct sim *sim)
{
	for (size_t i = 0; i < sim_n_effects(sim); i++) {
		const struct sim_effect *f = sim_effect_at(sim, i);
		const struct seen_call *x = call_of(c, f->call);
		/* A call of Remit's own that outlived its governor is read back instead. */
		bool may_be_unknown = !f->is_heard || (x && !str_eq(x->purpose, STR("agent")));

		if (x && !str_eq(x->outcome, said_of(f)) &&
		    !(may_be_unknown && str_eq(x->outcome, STR("unknown")))) {
			breaks(c,
			       "(17) c%" PRIu64 " was " STR_FMT " to its sender, not '" STR_FMT "'",
			       x->ix, STR_ARG(said_of(f)), STR_ARG(x->outcome));
		}
	}
}

/* (18): the last leaves may be of the last moment. */
static void check_published(struct checker *c, struct sim *sim)
{
	struct err e = ERR_INIT;

	for (int i = 0; i < PUBLISHED_WITHIN_S && publisher_given(c->publisher) < sim_log_size(sim);
	     i++) {
		sim_pass(sim, 1000);
	}
	if (sim_leaves(sim, c->n_leaves, on_leaf, c, &e) != RC_OK) {
		breaks(c, "the log cannot be read: %s", e.msg);
		return;
	}
	publisher_end(c->publisher);
	take_publisher(c);
}

static void at_end(void *ctx, struct sim *sim)
{
	struct checker *c = ctx;

	if (c->broken.n) {
		return;
	}
	if (!sim_is_up(sim)) {
		breaks(c, "the governor did not come back");
		return;
	}
	if (sim_n_credentials(sim) != 0) {
		breaks(c, "(9) %zu credentials are left", sim_n_credentials(sim));
	}
	if (sim_longest_wait_ms(sim) > 0) {
		breaks(c, "(14) somebody was never answered");
	}
	check_bytes(c, sim);
	check_outcomes(c, sim);
	check_lost(c, sim);
	check_published(c, sim);
	check_replay(c, sim);
}

/* ---- life ---- */

struct checker *checker_new(uint64_t seed, struct publisher *p)
{
	struct checker *c = mem_calloc(1, sizeof(*c));

	if (!c) {
		return NULL;
	}
	c->arena = (struct arena)ARENA_INIT(1 << 30);
	c->seed = seed;
	c->publisher = p;
	c->broken = STR("");
	c->watch = (struct play_watch){
	    .step = after_step, .end = at_end, .ctx = c, .publishing = publisher_face(p)};
	return c;
}

void checker_free(struct checker *c)
{
	if (!c) {
		return;
	}
	vec_fini(&c->hashes);
	vec_fini(&c->calls);
	vec_fini(&c->stops);
	vec_fini(&c->tasks);
	vec_fini(&c->leases);
	vec_fini(&c->questions);
	vec_fini(&c->granted);
	vec_fini(&c->used);
	vec_fini(&c->terms);
	vec_fini(&c->evidence);
	arena_fini(&c->arena);
	mem_free(c);
}

const struct play_watch *checker_watch(const struct checker *c)
{
	return &c->watch;
}

struct str checker_broken(const struct checker *c)
{
	return c->broken;
}

struct checker_counts checker_counts(const struct checker *c)
{
	struct checker_counts n = c->counts;

	n.leaves = c->n_leaves;
	n.effects = c->n_effects;
	for (size_t i = 0; i < c->calls.n; i++) {
		const struct seen_call *x = c->calls.p[i];

		n.wiped += x && x->acts && str_eq(x->tool, STR("edr___wipe"));
		n.undone += x && x->acts && x->is_change && str_eq(x->purpose, STR("rollback"));
	}
	for (size_t i = 0; i < c->stops.n; i++) {
		n.stopped += c->stops.p[i].acknowledged != 0;
	}
	return n;
}
