/* SPDX-License-Identifier: Apache-2.0 */
/* checker_leaves.c - what must hold of each leaf and each effect as it comes. */
#include "checker_impl.h"

#include <inttypes.h>
#include <openssl/sha.h>

#include "base/limits.h"
#include "core/state.h"

#include "publisher.h"

enum { FLEET_TARGETS = 3, FLEET_WINDOW_MS = 600000, EVIDENCE_AGE_MS = 600000, SEND_BY_MS = 2000 };

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
		checker_breaks(c, "c%" PRIu64 " was allowed without a task", last->ix);
	} else if (n > task->max_calls) {
		checker_breaks(c, "(3) task t%" PRIu64 " has %" PRIu64 " calls", task->ix, n);
	} else if ((uint64_t)__builtin_popcountll(touched) > task->max_targets) {
		checker_breaks(c, "(3) task t%" PRIu64 " touches %d targets", task->ix,
			       __builtin_popcountll(touched));
	}
	if (str_eq(last->tool, STR("edr___isolate")) &&
	    __builtin_popcountll(isolated) > FLEET_TARGETS) {
		checker_breaks(c, "(3) %d hosts were isolated within the window",
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
			checker_breaks(c, "(15) c%" PRIu64 " is allowed under another agent's task",
				       ix);
		}
		if (digest_is_zero(&t->key)) {
			t->key = d->key;
		}
		if (!digest_eq(&t->key, &d->key)) {
			checker_breaks(c, "(15) c%" PRIu64 " is allowed with another key", ix);
		}
	}
	for (size_t i = 0; d->lease && i < c->leases.n; i++) {
		if (c->leases.p[i].ix == d->lease && c->leases.p[i].task != d->task) {
			checker_breaks(c, "(15) c%" PRIu64 " is allowed with another task's lease",
				       ix);
		}
	}
	for (size_t i = 0; d->approval && i < c->questions.n; i++) {
		__typeof__(c->questions.p[0]) *q = &c->questions.p[i];

		if (q->ix == d->approval &&
		    (q->task != d->task || !str_eq(q->agent, d->agent) ||
		     !str_eq(q->tool, d->tool) || !digest_eq(&q->tag, &d->tag))) {
			checker_breaks(
			    c, "(12) c%" PRIu64 " is allowed by an answer to another question", ix);
		}
	}
}

static void on_allowed(struct checker *c, uint64_t ix, const struct leaf *l)
{
	const struct leaf_call_decided *d = &l->call_decided;
	struct seen_call *x = arena_alloc(&c->arena, sizeof(*x));
	const struct seen_call *before = checker_call(c, d->evidence);

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
		checker_breaks(c, "(5) c%" PRIu64 " was allowed before its state was captured", ix);
	}
	if (str_has_suffix(x->tool, STR("wipe"))) {
		if (!has_evidence(c, x)) {
			checker_breaks(c, "(5) c%" PRIu64 " was allowed before its evidence", ix);
		}
		if (!has(c->granted.p, c->granted.n, d->approval) ||
		    has(c->used.p, c->used.n, d->approval)) {
			checker_breaks(c, "(11) c%" PRIu64 " has no approval of its own", ix);
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

struct str checker_said(const struct sim_effect *f)
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
			checker_breaks(c,
				       "(17) c%" PRIu64 " was " STR_FMT " and is " STR_FMT " now",
				       x->ix, STR_ARG(x->outcome), STR_ARG(kind));
		}
	}
	if (is_known && (!f || !f->is_said || !str_eq(kind, checker_said(f)) ||
			 f->was_done != str_eq(kind, STR("ok")))) {
		checker_breaks(c, "(17) c%" PRIu64 " is called " STR_FMT ", which nobody said",
			       x->ix, STR_ARG(kind));
	}
	x->outcome = arena_str(&c->arena, kind);
	x->is_ok = str_eq(kind, STR("ok"));
	x->is_not_sent = str_eq(kind, STR("not_sent"));
}

/* That was intended: the leaf says so, and the log is linted. */
static struct seen_lease *lease_of(struct checker *c, uint64_t ix)
{
	size_t i = c->leases.n;

	while (i > 0 && c->leases.p[i - 1].ix != ix) {
		i--;
	}
	MUST(i > 0);
	return &c->leases.p[i - 1];
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
			checker_breaks(c,
				       "(19) t%" PRIu64
				       " is closed, and its credential of l%" PRIu64
				       " is not named",
				       t->task, l->ix);
		}
	}
}

enum rc checker_leaf(void *ctx, uint64_t ix, struct str bytes, struct err *e)
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
		checker_breaks(c, "(20) leaf %" PRIu64 " has %zu bytes", ix, bytes.n);
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
		x = checker_call(c, l.call_completed.call);
		if (!x) {
			checker_breaks(c, "an outcome of c%" PRIu64 ", which was not allowed",
				       l.call_completed.call);
			break;
		}
		on_outcome(c, x, l.call_completed.kind);
		if (x->is_not_sent && x->acts > 0) {
			checker_breaks(c, "c%" PRIu64 " acted and is called not sent", x->ix);
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
	case LEAF_CLOCK_JUMPED:
		c->has_jumped = true;
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
			checker_breaks(
			    c, "(4) c%" PRIu64 " acted after stop k%" PRIu64 " was acknowledged",
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
		undone = checker_call(c, c->terms.p[i].call);
		if (undone && undone->was >= 0 && undone->was != value) {
			checker_breaks(
			    c, "(7) c%" PRIu64 " sets %d, but for c%" PRIu64 " %d was captured",
			    x->ix, value, undone->ix, undone->was);
		}
	}
}

void checker_effect(struct checker *c, const struct sim_effect *f)
{
	struct seen_call *x = checker_call(c, f->call);
	int *field = NULL;
	int value = 0;

	if (!x || f->call >= f->durable_size || !str_eq(x->tool, f->tool)) {
		checker_breaks(c, "(1) " STR_FMT " acted without a durable leaf that allowed it",
			       STR_ARG(f->tool));
		return;
	}
	if (++x->acts > 1) {
		checker_breaks(c, "(2) c%" PRIu64 " acted twice", x->ix);
	}
	if (x->is_not_sent) {
		checker_breaks(c, "c%" PRIu64 " is called not sent and acted", x->ix);
	}
	if (f->is_late || f->waited_ms > SEND_BY_MS) {
		checker_breaks(c, "(13) c%" PRIu64 " was sent after its send-by", x->ix);
	}
	if (!str_eq(f->agent, x->agent)) {
		checker_breaks(c, "(15) c%" PRIu64 " is another agent's at the upstream", x->ix);
	}
	x->sent = arena_str(&c->arena, f->args);
	check_stops_of(c, x, f);
	if (x->targets.n == 1) {
		int target = x->targets.p[0].p[x->targets.p[0].n - 1] - '0';
		const struct seen_call *before = checker_call(c, x->evidence);
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
