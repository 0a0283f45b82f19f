/* SPDX-License-Identifier: Apache-2.0 */
/* A log that was made by a governor, and then altered: what was decided wrongly is found, at its
 * leaf; what cannot be opened is said to be so. */
#include "test.h"

#include "audit/files.h"
#include "drill/play.h"
#include "core/recompute_people.h"
#include "core/recompute_result.h"
#include "drill/sim.h"

static const char story[] =
    "scenario: T\ntitle: a test\n"
    "fixture:\n"
    "  upstreams:\n"
    "    edr:\n"
    "      tools:\n"
    "        isolate: {effect: contain, on: host, sets: {isolated: true}, undo: release}\n"
    "        release: {effect: contain, on: host, sets: {isolated: false}, undo: isolate}\n"
    "        look: {effect: read, on: host}\n"
    "        wipe: {effect: destroy, on: host, deletes_data: true}\n"
    "incident: {assets: [\"host:a\", \"host:b\"]}\n"
    "steps:\n"
    "  - {call: {edr.look: {host: a}}, expect: allow}\n"
    "  - {call: {edr.isolate: {host: a}}, expect: allow}\n"
    "  - {call: {edr.isolate: {host: c}}, expect: deny target_not_in_incident}\n"
    "  - {call: {edr.wipe: {host: b}}, expect: ask}\n"
    "  - {approve: alice, expect: ok}\n"
    "  - {again: true, expect: allow}\n";

/* What people do, and may do. */
static const char peoples[] = "scenario: T\ntitle: a test\n"
			      "fixture:\n"
			      "  upstreams:\n"
			      "    edr:\n"
			      "      tools:\n"
			      "        look: {effect: read, on: host}\n"
			      "        wipe: {effect: destroy, on: host, deletes_data: true}\n"
			      "incident: {assets: [\"host:a\", \"host:b\"]}\n"
			      "steps:\n"
			      "  - {call: {edr.wipe: {host: a}}, expect: ask}\n"
			      "  - {deny: bob, expect: ok}\n"
			      "  - {call: {edr.wipe: {host: b}}, expect: ask}\n"
			      "  - {approve: alice, expect: ok}\n"
			      "  - {do: demote, with: {name: agent, effect: contain, level: "
			      "propose}, by: alice, expect: ok}\n"
			      "  - {kill: agent agent, by: olga, expect: ok}\n"
			      "  - {resume: agent agent, by: olga, expect: ok}\n"
			      "  - {resume: agent agent, by: bob, expect: ok}\n"
			      "  - {call: {edr.look: {host: a}}, expect: deny}\n";

/* What is only proposed. */
static const char proposes[] =
    "scenario: T\ntitle: a test\n"
    "fixture:\n"
    "  agents:\n"
    "    agent: {autonomy: {read: act, contain: propose, destroy: propose}}\n"
    "  upstreams:\n"
    "    edr:\n"
    "      tools:\n"
    "        isolate: {effect: contain, on: host, sets: {isolated: true}, undo: release}\n"
    "        release: {effect: contain, on: host, sets: {isolated: false}, undo: isolate}\n"
    "        wipe: {effect: destroy, on: host, deletes_data: true}\n"
    "incident: {assets: [\"host:a\", \"host:b\"]}\n"
    "steps:\n"
    "  - {call: {edr.isolate: {host: a}}, expect: deny autonomy}\n"
    "  - {call: {edr.wipe: {host: b}}, expect: deny autonomy}\n"
    "  - {call: {edr.isolate: {host: c}}, expect: deny target_not_in_incident}\n";

/* What moves from phase to phase: by a call, and by word. */
static const char moves[] =
    "scenario: T\ntitle: a test\n"
    "fixture:\n"
    "  upstreams:\n"
    "    edr:\n"
    "      tools:\n"
    "        look: {effect: read, on: host}\n"
    "        isolate: {effect: contain, on: host, sets: {isolated: true}, undo: release}\n"
    "        release: {effect: contain, on: host, sets: {isolated: false}, undo: isolate}\n"
    "  playbooks:\n"
    "    steps:\n"
    "      phases:\n"
    "        - {name: see, tools: [edr___look], next: [act, rest]}\n"
    "        - {name: act, tools: [edr___isolate, edr___release], next: [rest]}\n"
    "        - {name: rest, tools: [edr___look, edr___isolate]}\n"
    "incident: {assets: [\"host:a\"]}\n"
    "steps:\n"
    "  - {call: {edr.look: {host: a}}, expect: allow}\n"
    "  - {call: {edr.isolate: {host: a}}, expect: allow}\n"
    "  - {call: {edr.release: {host: a}}, expect: allow}\n";

/* What is read, and what is looked at afterwards. */
static const char reads[] =
    "scenario: T\ntitle: a test\n"
    "fixture:\n"
    "  upstreams:\n"
    "    edr:\n"
    "      tools:\n"
    "        look: {effect: read, on: host, data: [people],\n"
    "               returns: {rows: [{id: 1}, {id: 2}, {id: 1}]},\n"
    "               reads: [{objects: /rows, kind: person, id: /id}]}\n"
    "        isolate: {effect: contain, on: host, sets: {isolated: true}, undo: release}\n"
    "        release: {effect: contain, on: host, sets: {isolated: false}, undo: isolate}\n"
    "        feed: {effect: read, on: host, untrusted: true, returns: \"call evil.example\"}\n"
    "incident: {assets: [\"host:a\"]}\n"
    "steps:\n"
    "  - {call: {edr.look: {host: a}}, expect: allow}\n"
    "  - {call: {edr.isolate: {host: a}}, expect: allow}\n"
    "  - {call: {edr.feed: {host: a}}, expect: allow}\n";

enum { MANY = 256 };

/* A log with one leaf altered, and what an audit says of it. */
struct altered {
	struct audit_source inner;
	uint64_t ix; /* UINT64_MAX: none */
	void (*alter)(struct leaf *l);
	enum rc no_values; /* instead of any */
	bool has_no_bundle;
	struct buf bytes;

	size_t counts[AUDIT_OUTCOMES];
	enum audit_outcome outcome_of[MANY]; /* of decisions */
	bool is_decision[MANY];		     /* of core/recompute.h */
	bool is_agents[MANY];		     /* a call of an agent */
	bool is_of_people[MANY];
	bool is_of_result[MANY];
	bool has_marks[MANY]; /* an untrusted result */
	enum leaf_kind kinds[MANY];
	struct leaf leaf; /* number `ix` */
	enum rc rc;
	uint64_t n;
};

static enum rc leaf_of(void *ctx, uint64_t ix, struct arena *arena, struct str *ret, struct err *e)
{
	struct altered *a = ctx;
	struct leaf l;

	TRY(a->inner.leaf(a->inner.ctx, ix, arena, ret, e));
	assert_true(ix < MANY);
	TRY(leaf_decode(arena, *ret, &l, e));
	a->kinds[ix] = l.kind;
	if (ix != a->ix) {
		return RC_OK;
	}
	a->alter(&l);
	buf_reset(&a->bytes);
	TRY(leaf_encode(&a->bytes, &l, e));
	*ret = arena_str(arena, buf_view(&a->bytes));
	return RC_OK;
}

static enum rc value_of(void *ctx, uint64_t ix, uint8_t slot, struct arena *arena,
			uint8_t ret_salt[32], struct str *ret, struct err *e)
{
	struct altered *a = ctx;

	if (a->no_values != RC_OK) {
		FAIL(e, a->no_values, "not for the test");
	}
	return a->inner.value(a->inner.ctx, ix, slot, arena, ret_salt, ret, e);
}

static enum rc tag_of(void *ctx, struct str tool, struct str args, uint8_t ret[32], struct err *e)
{
	struct altered *a = ctx;

	return a->inner.tag(a->inner.ctx, tool, args, ret, e);
}

static enum rc bundle_of(void *ctx, const struct digest *digest, uint64_t read_unix_ms,
			 const struct bundle **ret, struct err *e)
{
	struct altered *a = ctx;

	if (a->has_no_bundle) {
		FAIL(e, RC_ABSENT, "not for the test");
	}
	return a->inner.bundle(a->inner.ctx, digest, read_unix_ms, ret, e);
}

static enum rc decided(void *ctx, const struct audit_decision *d, struct err *e)
{
	struct altered *a = ctx;

	(void)e;
	a->counts[d->outcome]++;
	a->outcome_of[d->ix] = d->outcome;
	a->is_decision[d->ix] = recompute_is_decision(d->leaf);
	a->is_agents[d->ix] = d->leaf->kind == LEAF_CALL_DECIDED &&
			      str_eq(d->leaf->call_decided.purpose, STR("agent"));
	a->is_of_people[d->ix] = recompute_is_of_people(d->leaf);
	a->has_marks[d->ix] =
	    d->leaf->kind == LEAF_CALL_COMPLETED && d->leaf->call_completed.marks.n > 0;
	a->is_of_result[d->ix] = recompute_is_of_result(d->leaf);
	assert_true(d->outcome == AUDIT_EQUAL || d->why.n > 0);
	return RC_OK;
}

static void walk(struct sim *sim, struct altered *a)
{
	AUTO_AUDIT_FILES files = NULL;
	const struct audit_watch watch = {.ctx = a, .decision = decided};
	const struct audit_source source = {
	    .ctx = a, .leaf = leaf_of, .value = value_of, .tag = tag_of, .bundle = bundle_of};
	struct err e = ERR_INIT;

	a->bytes = (struct buf)BUF_INIT(65536);
	assert_ok(sim_files(sim, &files, &e));
	a->inner = audit_files_source(files);
	a->rc = audit_walk(&source, UINT64_MAX, &watch, &a->n, &e);
	buf_fini(&a->bytes);
}

static void audit_of(struct sim *sim, struct altered *ret)
{
	*ret = (struct altered){.ix = UINT64_MAX};
	walk(sim, ret);
	assert_int_equal(ret->rc, RC_OK);
}

static void look_on(void *ctx, struct sim *sim, const struct step *st)
{
	(void)ctx;
	(void)sim;
	(void)st; /* only the end matters */
}

/* Tells the story, then end() looks at its log. */
static void tell_of(const char *text, void (*end)(void *ctx, struct sim *sim), void *ctx)
{
	AUTO_PLAY_REPORT r = PLAY_REPORT_INIT;
	AUTO_SCENARIO s = NULL;
	AUTO_FINDINGS f = FINDINGS_INIT;
	const struct play_watch watch = {.step = look_on, .end = end, .ctx = ctx};
	struct err e = ERR_INIT;

	if (scenario_read(STR("test.yaml"), str_from(text), NULL, &s, &f, &e) != RC_OK ||
	    play_run(s, &s->tree, &s->steps, 1, &watch, &r, &f, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	for (size_t i = 0; i < r.steps.n; i++) {
		if (r.steps.p[i].problem.n) {
			fail_msg("step %zu: " STR_FMT, i + 1, STR_ARG(r.steps.p[i].problem));
		}
	}
}

static void tell(void (*end)(void *ctx, struct sim *sim))
{
	tell_of(story, end, NULL);
}

/* ---- what is altered ---- */

static void other_verdict(struct leaf *l)
{
	if (l->kind == LEAF_CALL_DECIDED) {
		l->call_decided.verdict =
		    str_eq(l->call_decided.verdict, STR("allow")) ? STR("deny") : STR("allow");
	} else if (l->kind == LEAF_INTENT_DECIDED) {
		l->intent_decided.verdict = STR("deny");
	} else if (l->kind == LEAF_PROPOSAL_MADE) {
		l->proposal_made.would =
		    str_eq(l->proposal_made.would, STR("allow")) ? STR("ask") : STR("allow");
	} else {
		l->approval_opened.quorum++;
	}
}

static void other_policies(struct leaf *l)
{
	static const struct str made_up[] = {{"made-up", 7}};
	const struct str_list list = {.p = made_up, .n = 1};

	if (l->kind == LEAF_CALL_DECIDED && str_eq(l->call_decided.purpose, STR("agent"))) {
		l->call_decided.policies = list;
	} else if (l->kind == LEAF_CALL_DECIDED) {
		l->call_decided.targets = list;
	} else if (l->kind == LEAF_PROPOSAL_MADE) {
		l->proposal_made.targets = list;
	} else if (l->kind == LEAF_INTENT_DECIDED) {
		l->intent_decided.policies = list;
	} else {
		l->approval_opened.gates = list;
	}
}

static void other_bundle(struct leaf *l)
{
	struct digest *d = l->kind == LEAF_CALL_DECIDED	    ? &l->call_decided.bundle
			   : l->kind == LEAF_INTENT_DECIDED ? &l->intent_decided.bundle
			   : l->kind == LEAF_PROPOSAL_MADE  ? &l->proposal_made.bundle
							    : &l->approval_opened.bundle;

	d->bytes[0] ^= 1;
}

static void other_basis(struct leaf *l)
{
	if (l->kind == LEAF_CALL_DECIDED) {
		l->call_decided.basis = 1;
	} else {
		other_bundle(l);
	}
}

static void other_arguments(struct leaf *l)
{
	if (l->kind == LEAF_CALL_DECIDED) {
		l->call_decided.args.bytes[0] ^= 1;
	} else if (l->kind == LEAF_APPROVAL_OPENED) {
		l->approval_opened.args.bytes[0] ^= 1;
	} else if (l->kind == LEAF_PROPOSAL_MADE) {
		l->proposal_made.args.bytes[0] ^= 1;
	} else {
		other_bundle(l);
	}
}

/* As if it were the same as another call. */
static void other_tag(struct leaf *l)
{
	if (l->kind == LEAF_CALL_DECIDED) {
		l->call_decided.tag.bytes[0] ^= 1;
	} else if (l->kind == LEAF_APPROVAL_OPENED) {
		l->approval_opened.tag.bytes[0] ^= 1;
	} else if (l->kind == LEAF_PROPOSAL_MADE) {
		l->proposal_made.tag.bytes[0] ^= 1;
	} else {
		other_bundle(l);
	}
}

/* As if it had been made of other words. */
static void other_marks(struct leaf *l)
{
	const struct str made_up = STR("0123456789abcdef");

	if (l->kind == LEAF_CALL_DECIDED && str_eq(l->call_decided.purpose, STR("agent")) &&
	    str_eq(l->call_decided.verdict, STR("allow"))) {
		l->call_decided.marks = made_up;
	} else if (l->kind == LEAF_APPROVAL_OPENED) {
		l->approval_opened.marks = made_up;
	} else if (l->kind == LEAF_PROPOSAL_MADE) {
		l->proposal_made.marks = made_up;
	} else {
		other_bundle(l);
	}
}

static void find_all(void *ctx, struct sim *sim)
{
	static void (*const alterations[])(struct leaf *) = {
	    other_verdict,   other_policies, other_bundle, other_basis,
	    other_arguments, other_tag,	     other_marks,
	};
	struct altered whole;

	audit_of(sim, &whole);
	assert_int_equal(whole.counts[AUDIT_DIFFERS], 0);
	assert_true(whole.counts[AUDIT_EQUAL] >= *(const size_t *)ctx);
	for (uint64_t ix = 0; ix < whole.n; ix++) {
		for (size_t k = 0; whole.is_decision[ix] && k < ARRAY_LEN(alterations); k++) {
			struct altered a = {.ix = ix, .alter = alterations[k]};

			walk(sim, &a);
			if (!a.is_decision[ix] || a.outcome_of[ix] != AUDIT_DIFFERS) {
				fail_msg("leaf %llu: alteration %zu is not found",
					 (unsigned long long)ix, k);
			}
		}
	}
}

static void a_wrong_decision_is_found_wherever_it_is(void **state)
{
	(void)state;
	size_t least = 9;

	tell_of(story, find_all, &least);
}

static void a_wrong_proposal_is_found(void **state)
{
	(void)state;
	size_t least = 6; /* the intent, two proposals, three refusals */

	tell_of(proposes, find_all, &least);
}

/* ---- what a task may do ---- */

static void one_tool_more(struct leaf *l)
{
	static struct str tools[8];

	assert_true(l->task_opened.tools.n < ARRAY_LEN(tools));
	for (size_t i = 0; i < l->task_opened.tools.n; i++) {
		tools[i] = l->task_opened.tools.p[i];
	}
	tools[l->task_opened.tools.n] = STR("edr___wipe_all");
	l->task_opened.tools = (struct str_list){tools, l->task_opened.tools.n + 1};
}
static void other_targets(struct leaf *l)
{
	l->task_opened.targets.n--;
}
static void longer(struct leaf *l)
{
	l->task_opened.not_after += 1;
}
static void more_calls(struct leaf *l)
{
	l->task_opened.max_calls++;
}
static void more_deviations(struct leaf *l)
{
	l->task_opened.max_deviations++;
}
static void other_phase(struct leaf *l)
{
	l->task_opened.phase = STR("later");
}
static void other_accountable(struct leaf *l)
{
	l->task_opened.accountable = STR("mallory");
}
static void other_agent(struct leaf *l)
{
	l->task_opened.agent = STR("spiffe://drill.example/agent/other");
}

static void find_grant(void *ctx, struct sim *sim)
{
	static void (*const alterations[])(struct leaf *) = {
	    one_tool_more, other_targets,     longer,	   more_calls, more_deviations,
	    other_phase,   other_accountable, other_agent,
	};
	struct altered whole;
	size_t n = 0;

	(void)ctx;
	audit_of(sim, &whole);
	for (uint64_t ix = 0; ix < whole.n; ix++) {
		n += whole.kinds[ix] == LEAF_TASK_OPENED;
		for (size_t k = 0;
		     whole.kinds[ix] == LEAF_TASK_OPENED && k < ARRAY_LEN(alterations); k++) {
			struct altered a = {.ix = ix, .alter = alterations[k]};

			assert_int_equal(whole.outcome_of[ix], AUDIT_EQUAL);
			walk(sim, &a);
			if (a.outcome_of[ix] != AUDIT_DIFFERS) {
				fail_msg("alteration %zu of the grant is not found", k);
			}
		}
	}
	assert_int_equal(n, 1);
}

static void a_task_that_may_more_than_its_intent_is_found(void **state)
{
	(void)state;
	tell_of(story, find_grant, NULL);
}

/* ---- phases and times ---- */

static void moves_elsewhere(struct leaf *l)
{
	l->task_phase.phase = STR("rest"); /* which is there, and has the tool */
}

static void decided_later(struct leaf *l)
{
	l->call_decided.at += 3600000;
}

/* The call behind it would not have moved on so. */
static void find_moves(void *ctx, struct sim *sim)
{
	struct altered whole;
	size_t n = 0;

	(void)ctx;
	audit_of(sim, &whole);
	assert_int_equal(whole.counts[AUDIT_DIFFERS], 0);
	for (uint64_t ix = 0; ix < whole.n; ix++) {
		struct altered a = {.ix = ix, .alter = moves_elsewhere};

		if (whole.kinds[ix] != LEAF_TASK_PHASE) {
			continue;
		}
		n++;
		walk(sim, &a);
		assert_int_equal(a.outcome_of[ix + 1], AUDIT_DIFFERS);
	}
	assert_int_equal(n, 1);
	for (uint64_t ix = 0; ix < whole.n; ix++) {
		struct altered a = {.ix = ix, .alter = decided_later};

		if (whole.kinds[ix] != LEAF_CALL_DECIDED || !whole.is_agents[ix]) {
			continue;
		}
		walk(sim, &a);
		assert_int_equal(a.outcome_of[ix], AUDIT_DIFFERS);
	}
}

static void a_task_that_moves_otherwise_than_its_call_does_is_found(void **state)
{
	(void)state;
	tell_of(moves, find_moves, NULL);
}

/* ---- what people did ---- */

/* Whoever did it becomes another, who may not. */
static void by_a_stranger(struct leaf *l)
{
	switch ((int)l->kind) {
	case LEAF_APPROVAL_VOTED:
		l->approval_voted.person = STR("olga"); /* owns the agent */
		break;
	case LEAF_APPROVAL_SETTLED:
		l->approval_settled.execute_by += 86400000;
		if (str_eq(l->approval_settled.state, STR("denied"))) {
			l->approval_settled.reason = STR("approval_narrowed");
		}
		break;
	case LEAF_KILL_LIFT_PROPOSED:
		l->kill_lift_proposed.by = STR("mallory");
		break;
	case LEAF_KILL_CLEARED:
		l->kill_cleared.by = STR("dan"); /* deputy, where the owner proposed */
		break;
	case LEAF_AUTONOMY_CHANGED:
		l->autonomy_changed.judged++;
		break;
	case LEAF_TASK_ENDED:
		l->task_ended.why = STR("expired");
		break;
	case LEAF_CALL_COMPLETED:
		l->call_completed.labels.n = 0;
		break;
	case LEAF_TASK_PHASE:
		l->task_phase.how = STR("advanced");
		break;
	default:
		fail_msg("no alteration of '" STR_FMT "'", STR_ARG(leaf_kind_name(l->kind)));
	}
}

static void find_people(void *ctx, struct sim *sim)
{
	struct altered whole;
	size_t n = 0;

	(void)ctx;
	audit_of(sim, &whole);
	assert_int_equal(whole.counts[AUDIT_DIFFERS], 0);
	for (uint64_t ix = 0; ix < whole.n; ix++) {
		struct altered a = {.ix = ix, .alter = by_a_stranger};

		if (!whole.is_of_people[ix]) {
			continue;
		}
		n++;
		assert_int_equal(whole.outcome_of[ix], AUDIT_EQUAL);
		walk(sim, &a);
		if (a.outcome_of[ix] != AUDIT_DIFFERS) {
			fail_msg("leaf %llu (" STR_FMT ") is altered, and not found",
				 (unsigned long long)ix, STR_ARG(leaf_kind_name(whole.kinds[ix])));
		}
	}
	/* two votes and what they settled, a demotion, what the stop made void and ended, a lift
	 * by two */
	assert_int_equal(n, 9);
}

static void what_people_might_not_do_is_found(void **state)
{
	(void)state;
	tell_of(peoples, find_people, NULL);
}

/* ---- what results were ---- */

static void counts_less(struct leaf *l)
{
	if (l->kind == LEAF_READ_ACCOUNTED) {
		l->read_accounted.described = !l->read_accounted.described;
		l->read_accounted.counts.n = 0;
	} else if (l->kind == LEAF_TERM_STARTED) {
		l->term_started.owner = STR("mallory");
	} else {
		l->call_verified.holds = !l->call_verified.holds;
	}
}

static void is_another(struct leaf *l)
{
	if (l->kind == LEAF_READ_ACCOUNTED) {
		l->read_accounted.bytes++;
	} else if (l->kind == LEAF_TERM_STARTED) {
		l->term_started.tool = STR("edr___look");
	} else {
		l->call_verified.by = 0;
	}
}

static void other_value(struct leaf *l)
{
	struct digest *d =
	    l->kind == LEAF_READ_ACCOUNTED ? &l->read_accounted.objects : &l->call_verified.found;

	d->bytes[0] ^= 1;
}

static void fewer_marks(struct leaf *l)
{
	l->call_completed.marks.n -= 16;
}

static void marked_over(struct leaf *l)
{
	l->call_completed.marks_over = true;
}

/* A task that has seen less that nobody vouches for than it has. */
static void find_marks(struct sim *sim, const struct altered *whole)
{
	static void (*const alterations[])(struct leaf *) = {fewer_marks, marked_over};
	size_t n = 0;

	for (uint64_t ix = 0; ix < whole->n; ix++) {
		n += whole->has_marks[ix];
		for (size_t k = 0; whole->has_marks[ix] && k < ARRAY_LEN(alterations); k++) {
			struct altered a = {.ix = ix, .alter = alterations[k]};

			assert_int_equal(whole->outcome_of[ix], AUDIT_EQUAL);
			walk(sim, &a);
			assert_int_equal(a.outcome_of[ix], AUDIT_DIFFERS);
		}
	}
	assert_int_equal(n, 1);
}

static void find_results(void *ctx, struct sim *sim)
{
	static void (*const alterations[])(struct leaf *) = {counts_less, is_another, other_value};
	struct altered whole;
	size_t n = 0;

	(void)ctx;
	audit_of(sim, &whole);
	assert_int_equal(whole.counts[AUDIT_DIFFERS], 0);
	for (uint64_t ix = 0; ix < whole.n; ix++) {
		n += whole.is_of_result[ix];
		for (size_t k = 0; whole.is_of_result[ix] && k < ARRAY_LEN(alterations); k++) {
			struct altered a = {.ix = ix, .alter = alterations[k]};

			assert_int_equal(whole.outcome_of[ix], AUDIT_EQUAL);
			walk(sim, &a);
			/* a value that is not there is one that was erased */
			if (a.outcome_of[ix] != AUDIT_DIFFERS &&
			    (k != 2 || a.outcome_of[ix] != AUDIT_ERASED)) {
				fail_msg("leaf %llu: alteration %zu is not found",
					 (unsigned long long)ix, k);
			}
		}
	}
	assert_int_equal(n, 4);
	find_marks(sim, &whole);
}

static void a_result_that_was_another_is_found(void **state)
{
	(void)state;
	tell_of(reads, find_results, NULL);
}

/* ---- what is missing ---- */

static void miss(void *ctx, struct sim *sim)
{
	struct altered whole;
	struct altered erased = {.ix = UINT64_MAX, .no_values = RC_ABSENT};
	struct altered sealed = {.ix = UINT64_MAX, .no_values = RC_DENIED};
	struct altered no_bundle = {.ix = UINT64_MAX, .has_no_bundle = true};
	size_t open = 2; /* the intent and its grant: nothing of them is sealed, nor of people */
	size_t all;

	(void)ctx;
	audit_of(sim, &whole);
	all = whole.counts[AUDIT_EQUAL];
	for (uint64_t ix = 0; ix < whole.n; ix++) {
		open += whole.is_of_people[ix];
	}
	walk(sim, &erased);
	assert_int_equal(erased.rc, RC_OK);
	assert_int_equal(erased.counts[AUDIT_DIFFERS], 0);
	assert_int_equal(erased.counts[AUDIT_EQUAL], open);
	assert_int_equal(erased.counts[AUDIT_ERASED], all - open);
	walk(sim, &sealed);
	assert_int_equal(sealed.counts[AUDIT_NO_KEYS], all - open);
	walk(sim, &no_bundle);
	assert_int_equal(no_bundle.counts[AUDIT_NO_BUNDLE], all - 1); /* the grant: its intent */
}

static void what_cannot_be_opened_is_not_guessed_at(void **state)
{
	(void)state;
	tell(miss);
}

static void no_story(struct leaf *l)
{
	l->kind = LEAF_LEASE_GONE;
	l->lease_gone = (struct leaf_lease_gone){.lease = 1};
}

static void stop_at(void *ctx, struct sim *sim)
{
	struct altered whole;
	struct altered a = {.alter = no_story};

	(void)ctx;
	audit_of(sim, &whole);
	a.ix = whole.n - 3;
	walk(sim, &a);
	assert_int_equal(a.rc, RC_BROKEN);
	assert_int_equal(a.n, whole.n - 3);
}

static void a_leaf_that_does_not_fit_ends_the_walk_there(void **state)
{
	(void)state;
	tell(stop_at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_wrong_decision_is_found_wherever_it_is),
	    cmocka_unit_test(a_wrong_proposal_is_found),
	    cmocka_unit_test(a_task_that_may_more_than_its_intent_is_found),
	    cmocka_unit_test(a_task_that_moves_otherwise_than_its_call_does_is_found),
	    cmocka_unit_test(what_people_might_not_do_is_found),
	    cmocka_unit_test(a_result_that_was_another_is_found),
	    cmocka_unit_test(what_cannot_be_opened_is_not_guessed_at),
	    cmocka_unit_test(a_leaf_that_does_not_fit_ends_the_walk_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
