/* SPDX-License-Identifier: Apache-2.0 */
/* evidence.c - evidence before remediation, custody, retention and legal holds. */
#include "scene.h"

#include "core/evidence.h"

enum { HOUR_MS = 3600 * 1000, DAY_MS = 24 * HOUR_MS };

static const struct str memory_only[] = {{"memory", 6}};
static const struct str memory_and_disk[] = {{"memory", 6}, {"disk", 4}};

/* A read of the task that gave something. */
static uint64_t add_read(struct scene *w, struct str target)
{
	struct leaf l = fold_call(w->task, STR("read"), 77);
	uint64_t c;

	l.call_decided.tool = STR("db___sessions");
	l.call_decided.targets = (struct str_list){&target, 1};
	c = fold_add(&w->f, l);
	fold_add(&w->f, LEAF_OF(CALL_COMPLETED, call_completed, .call = c, .kind = STR("ok")));
	return c;
}

static struct leaf captured(struct scene *w, struct str kind, const struct str *target)
{
	return LEAF_OF(EVIDENCE_CAPTURED, evidence_captured, .incident = w->incident,
		       .task = w->task, .call = add_read(w, *target), .kind = kind,
		       .targets = {target, 1}, .object = {{1}}, .size = 10, .stored_size = 58,
		       .key = 4, .mode = STR("governance"), .keep_until = w->f.t + DAY_MS);
}

static const struct str app = {"pg-role:app", 11};
static const struct str batch = {"pg-role:batch", 13};

static uint64_t add_evidence(struct scene *w, struct str kind, struct str mode)
{
	struct leaf l = captured(w, kind, &app);

	l.evidence_captured.mode = mode;
	return fold_add(&w->f, l);
}

static const struct evidence *item(struct scene *w, uint64_t ix)
{
	const struct evidence *ev = state_evidence(w->f.s, ix);

	assert_non_null(ev);
	return ev;
}

static struct leaf custody(struct scene *w, uint64_t ix, struct str event)
{
	const struct evidence *ev = item(w, ix);

	return LEAF_OF(EVIDENCE_CUSTODY, evidence_custody, .evidence = ix, .prior = ev->last,
		       .nth = ev->nth + 1, .event = event, .by = STR("alice"));
}

static struct leaf destroyed(struct scene *w, uint64_t ix, struct str authority, uint64_t proposal,
			     struct str by)
{
	const struct evidence *ev = item(w, ix);

	return LEAF_OF(EVIDENCE_DESTROYED, evidence_destroyed, .evidence = ix, .prior = ev->last,
		       .nth = ev->nth + 1, .authority = authority, .proposal = proposal, .by = by);
}

static struct leaf proposed(struct scene *w, uint64_t ix, struct str what, uint64_t until)
{
	const struct evidence *ev = item(w, ix);

	return LEAF_OF(EVIDENCE_PROPOSED, evidence_proposed, .evidence = ix, .prior = ev->last,
		       .nth = ev->nth + 1, .what = what, .keep_until = until,
		       .not_after = w->f.t + HOUR_MS, .by = STR("alice"));
}

static struct leaf keep(struct scene *w, uint64_t ix, uint64_t until, uint64_t proposal,
			struct str by)
{
	const struct evidence *ev = item(w, ix);

	return LEAF_OF(EVIDENCE_KEEP, evidence_keep, .evidence = ix, .prior = ev->last,
		       .nth = ev->nth + 1, .keep_until = until, .proposal = proposal, .by = by);
}

static uint64_t place_hold(struct scene *w, struct str name, struct str scope, struct str subject)
{
	return fold_add(&w->f, LEAF_OF(HOLD_PLACED, hold_placed, .name = name, .scope = scope,
				       .subject = subject, .by = STR("alice")));
}

static void release_hold(struct scene *w, uint64_t hold)
{
	fold_add(&w->f, LEAF_OF(HOLD_RELEASED, hold_released, .hold = hold, .by = STR("bob")));
}

/* db___end requires these kinds. */
static void require(struct scene *w, const struct str *kinds, size_t n)
{
	w->tools[TOOL_END].requires = (struct str_list){kinds, n};
}

/* ---- before remediation ---- */

static void nothing_is_altered_before_its_evidence_is_there(void **state)
{
	struct scene *w = scene_new();

	(void)state;
	expect_allow(w); /* the control: nothing is required */
	require(w, memory_and_disk, 2);
	expect_deny(w, EVIDENCE_REQUIRED);
	assert_true(str_contains(w->d.detail, STR("memory disk of pg-role:app")));
	add_evidence(w, STR("memory"), STR("governance"));
	expect_deny(w, EVIDENCE_REQUIRED);
	assert_int_equal(w->d.missing.n, 1);
	assert_str(w->d.missing.p[0], "disk");
	add_evidence(w, STR("disk"), STR("governance"));
	expect_allow(w);
	assert_int_equal(w->d.preserved.n, 2);
	assert_int_equal(w->d.requires.n, 2);
	scene_free(w);
}

static void what_is_of_another_target_incident_or_time_does_not_count(void **state)
{
	struct scene *w = scene_new();
	uint64_t other;
	uint64_t ix;

	(void)state;
	require(w, memory_only, 1);
	fold_add(&w->f, captured(w, STR("memory"), &batch));
	expect_deny(w, EVIDENCE_REQUIRED);
	/* of a task of another incident */
	other = w->incident;
	w->incident = fold_incident(&w->f);
	{
		uint64_t task = w->task;

		w->task = fold_task(&w->f, w->incident);
		add_evidence(w, STR("memory"), STR("governance"));
		w->task = task;
	}
	w->incident = other;
	expect_deny(w, EVIDENCE_REQUIRED);
	/* too old, from the next millisecond on */
	ix = add_evidence(w, STR("memory"), STR("governance"));
	w->tools[TOOL_END].requires_max_age_ms = 600000;
	w->f.t += 600000;
	expect_allow(w);
	w->f.t += 1;
	expect_deny(w, EVIDENCE_REQUIRED);
	w->tools[TOOL_END].requires_max_age_ms = 0;
	expect_allow(w);
	/* found damaged, and later found whole again */
	fold_add(&w->f, custody(w, ix, STR("damaged")));
	expect_deny(w, EVIDENCE_REQUIRED);
	fold_add(&w->f, custody(w, ix, STR("verified")));
	expect_allow(w);
	scene_free(w);
}

static void remit_preserves_what_is_missing_when_the_catalog_says_how(void **state)
{
	struct scene *w = scene_new();
	struct derived_call preserve = {.tool = STR("sessions"),
					.args = scene_json(w, "{\"role\":{\"$args\":\"/role\"}}")};

	(void)state;
	require(w, memory_and_disk, 2);
	w->tools[TOOL_SESSIONS].captures.kind = STR("memory");
	w->tools[TOOL_END].preserve = &preserve;
	w->tools[TOOL_END].n_preserve = 1;
	expect_deny(w, EVIDENCE_REQUIRED); /* disk cannot be got */
	require(w, memory_only, 1);
	expect_allow(w);
	assert_true(w->d.needs_evidence);
	w->r.is_preserved = true; /* it was tried, and is still not there */
	expect_deny(w, EVIDENCE_REQUIRED);
	assert_false(w->d.needs_evidence);
	w->r.is_preserved = false;
	add_evidence(w, STR("memory"), STR("governance"));
	expect_allow(w);
	assert_false(w->d.needs_evidence);
	scene_free(w);
}

static struct leaf end_call(struct scene *w)
{
	struct leaf l = fold_call(w->task, STR("contain"), 9);

	l.call_decided.requires = (struct str_list){memory_only, 1};
	return l;
}

static void the_log_takes_no_call_that_lacks_its_evidence(void **state)
{
	struct scene *w = scene_new();
	struct leaf l = end_call(w);
	char id[24];
	struct str cited;
	uint64_t ix;
	uint64_t disk;

	(void)state;
	fold_refuse(&w->f, l);
	ix = add_evidence(w, STR("memory"), STR("governance"));
	disk = add_evidence(w, STR("disk"), STR("governance"));
	fold_refuse(&w->f, l); /* it must cite it */
	cited = id_text('e', disk, id);
	l.call_decided.preserved = (struct str_list){&cited, 1};
	fold_refuse(&w->f, l); /* not that one */
	cited = STR("e1");
	fold_refuse(&w->f, l);
	cited = id_text('e', ix, id);
	l.call_decided.targets = (struct str_list){&batch, 1};
	fold_refuse(&w->f, l);
	l.call_decided.targets = (struct str_list){&app, 1};
	fold_add(&w->f, custody(w, ix, STR("damaged")));
	fold_refuse(&w->f, l);
	fold_add(&w->f, custody(w, ix, STR("verified")));
	fold_add(&w->f, l);
	l.call_decided.requires = (struct str_list){0};
	fold_refuse(&w->f, l); /* cited for nothing */
	scene_free(w);
}

static void a_waiver_needs_two_persons_and_is_used_once(void **state)
{
	struct scene *w = scene_new();
	struct leaf proposal =
	    LEAF_OF(WAIVER_PROPOSED, waiver_proposed, .task = w->task, .tool = STR("db___end"),
		    .targets = {&app, 1}, .kinds = {memory_only, 1}, .not_after = w->f.t + HOUR_MS,
		    .by = STR("alice"));
	struct leaf granted;
	struct leaf l = end_call(w);
	uint64_t ix;

	(void)state;
	require(w, memory_only, 1);
	ix = fold_add(&w->f, proposal);
	expect_deny(w, EVIDENCE_REQUIRED);
	l.call_decided.waiver = ix;
	fold_refuse(&w->f, l);
	granted = LEAF_OF(WAIVER_GRANTED, waiver_granted, .waiver = ix, .by = STR("alice"));
	fold_refuse(&w->f, granted);
	granted.waiver_granted.by = STR("bob");
	fold_add(&w->f, granted);
	fold_refuse(&w->f, granted);
	expect_allow(w);
	assert_true(w->d.waiver == ix);
	/* of another kind, tool or target it says nothing */
	require(w, memory_and_disk, 2);
	expect_deny(w, EVIDENCE_REQUIRED);
	require(w, memory_only, 1);
	w->tools[TOOL_DROP].requires = w->tools[TOOL_END].requires;
	w->f.t += HOUR_MS + 1;
	{
		const struct str_list missing = {memory_only, 1};
		const struct str_list targets = {&app, 1};
		const struct str_list others = {&batch, 1};

		assert_true(evidence_waiver(w->f.s, w->task, STR("db___end"), &targets, &missing,
					    w->f.t) == 0); /* its time is over */
		w->f.t -= HOUR_MS + 1;
		assert_true(evidence_waiver(w->f.s, w->task, STR("db___drop"), &targets, &missing,
					    w->f.t) == 0);
		assert_true(evidence_waiver(w->f.s, w->task, STR("db___end"), &others, &missing,
					    w->f.t) == 0);
	}
	expect_allow(w);
	fold_add(&w->f, l);
	assert_int_equal(state_waiver(w->f.s, ix)->state, WAIVER_USED);
	expect_deny(w, EVIDENCE_REQUIRED);
	fold_refuse(&w->f, l);
	scene_free(w);
}

/* ---- legal holds ---- */

static void nothing_under_a_legal_hold_is_altered(void **state)
{
	struct scene *w = scene_new();
	char id[24];
	uint64_t a;
	uint64_t b;

	(void)state;
	expect_allow(w);
	a = place_hold(w, STR("case-1"), STR("target"), app);
	expect_deny(w, LEGAL_HOLD);
	assert_true(str_contains(w->d.detail, STR("case-1")));
	w->tools[TOOL_END].does_not_alter = true; /* isolating it is fine */
	expect_allow(w);
	w->tools[TOOL_END].does_not_alter = false;
	w->r.tool = STR("db___sessions"); /* and so is looking */
	expect_allow(w);
	w->r.tool = STR("db___end");
	b = place_hold(w, STR("case-2"), STR("incident"), id_text('i', w->incident, id));
	release_hold(w, a);
	expect_deny(w, LEGAL_HOLD); /* two holds need two releases */
	release_hold(w, b);
	expect_allow(w);
	place_hold(w, STR("case-3"), STR("target"), batch);
	expect_allow(w);
	scene_free(w);
}

static void a_hold_has_a_name_of_its_own_and_ends_by_it(void **state)
{
	struct scene *w = scene_new();
	uint64_t h = place_hold(w, STR("case"), STR("target"), app);
	struct leaf again = LEAF_OF(HOLD_PLACED, hold_placed, .name = STR("case"),
				    .scope = STR("incident"), .subject = STR("i3"));

	(void)state;
	fold_refuse(&w->f, again);
	again.hold_placed.name = STR("");
	fold_refuse(&w->f, again);
	again.hold_placed.name = STR("other");
	again.hold_placed.scope = STR("everything");
	fold_refuse(&w->f, again);
	release_hold(w, h);
	fold_refuse(&w->f, LEAF_OF(HOLD_RELEASED, hold_released, .hold = h));
	place_hold(w, STR("case"), STR("target"), app); /* the name is free again */
	scene_free(w);
}

/* ---- custody and retention ---- */

static void custody_is_a_chain_without_a_gap(void **state)
{
	struct scene *w = scene_new();
	uint64_t ix = add_evidence(w, STR("memory"), STR("governance"));
	struct leaf l = custody(w, ix, STR("read"));
	struct leaf second;

	(void)state;
	fold_add(&w->f, l);
	fold_refuse(&w->f, l); /* a fork */
	second = custody(w, ix, STR("exported"));
	second.evidence_custody.nth++;
	fold_refuse(&w->f, second);
	second.evidence_custody.nth--;
	second.evidence_custody.prior = ix;
	fold_refuse(&w->f, second);
	second = custody(w, ix, STR("lost"));
	fold_refuse(&w->f, second);
	fold_add(&w->f, custody(w, ix, STR("exported")));
	assert_true(item(w, ix)->nth == 3);
	scene_free(w);
}

static void evidence_comes_from_a_read_of_its_task_that_gave_something(void **state)
{
	struct scene *w = scene_new();
	struct leaf good = captured(w, STR("memory"), &app);
	struct leaf bad;
	uint64_t c;

	(void)state;
	bad = good;
	bad.evidence_captured.targets = (struct str_list){&batch, 1};
	fold_refuse(&w->f, bad);
	bad = good;
	bad.evidence_captured.incident = fold_incident(&w->f);
	fold_refuse(&w->f, bad);
	bad = good;
	bad.evidence_captured.key = 0;
	fold_refuse(&w->f, bad);
	bad = good;
	bad.evidence_captured.mode = STR("forever");
	fold_refuse(&w->f, bad);
	c = fold_add(&w->f, fold_call(w->task, STR("read"), 5)); /* no outcome yet */
	bad = good;
	bad.evidence_captured.call = c;
	fold_refuse(&w->f, bad);
	fold_add(&w->f, LEAF_OF(CALL_COMPLETED, call_completed, .call = c, .kind = STR("unknown")));
	fold_refuse(&w->f, bad);
	c = fold_add(&w->f, fold_call(w->task, STR("contain"), 6));
	fold_add(&w->f, LEAF_OF(CALL_COMPLETED, call_completed, .call = c, .kind = STR("ok")));
	bad.evidence_captured.call = c;
	fold_refuse(&w->f, bad); /* no read */
	fold_add(&w->f, good);
	scene_free(w);
}

static void nothing_is_destroyed_before_its_time_but_by_two_persons(void **state)
{
	struct scene *w = scene_new();
	uint64_t ix = add_evidence(w, STR("memory"), STR("governance"));
	uint64_t p;

	(void)state;
	fold_refuse(&w->f, destroyed(w, ix, STR("expired"), 0, STR("alice")));
	fold_refuse(&w->f, destroyed(w, ix, STR("people"), 0, STR("alice")));
	p = fold_add(&w->f, proposed(w, ix, STR("destroy"), 0));
	fold_refuse(&w->f, destroyed(w, ix, STR("people"), p, STR("alice"))); /* the same person */
	fold_refuse(&w->f, destroyed(w, ix, STR("people"), p, STR("")));
	fold_refuse(&w->f, destroyed(w, ix, STR("people"), p + 1, STR("bob")));
	w->f.t += HOUR_MS + 1;
	fold_refuse(&w->f, destroyed(w, ix, STR("people"), p, STR("bob"))); /* too late */
	w->f.t -= 1;
	fold_add(&w->f, destroyed(w, ix, STR("people"), p, STR("bob")));
	assert_int_equal(item(w, ix)->state, EVIDENCE_DESTROYED);
	fold_refuse(&w->f, custody(w, ix, STR("read")));
	fold_refuse(&w->f, custody(w, ix, STR("removed"))); /* its key first */
	{
		struct leaf gone =
		    LEAF_OF(EVIDENCE_KEY_GONE, evidence_key_gone, .evidence = ix,
			    .prior = item(w, ix)->last, .nth = item(w, ix)->nth + 1, .key = 4);

		fold_refuse(&w->f, gone); /* without a proof */
		gone.evidence_key_gone.read_back = STR("no such file");
		gone.evidence_key_gone.key = 5;
		fold_refuse(&w->f, gone);
		gone.evidence_key_gone.key = 4;
		fold_add(&w->f, gone);
	}
	fold_add(&w->f, custody(w, ix, STR("removed")));
	assert_int_equal(item(w, ix)->state, EVIDENCE_REMOVED);
	/* and is forgotten at last */
	w->f.t += STATE_HORIZON_MS + 120 * 1000;
	fold_incident(&w->f);
	assert_null(state_evidence(w->f.s, ix));
	assert_null(state_evidence_of(w->f.s, w->incident, 0));
	scene_free(w);
}

static void when_its_time_is_over_one_person_is_enough_unless_it_is_held(void **state)
{
	struct scene *w = scene_new();
	char id[24];
	uint64_t ix = add_evidence(w, STR("memory"), STR("compliance"));
	uint64_t holds[3];

	(void)state;
	w->f.t += DAY_MS;
	holds[0] = place_hold(w, STR("a"), STR("evidence"), id_text('e', ix, id));
	holds[1] = place_hold(w, STR("b"), STR("incident"), id_text('i', w->incident, id));
	holds[2] = place_hold(w, STR("c"), STR("target"), app);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(evidence_may_expire(w->f.s, item(w, ix), w->f.t),
				 REASON_LEGAL_HOLD);
		fold_refuse(&w->f, destroyed(w, ix, STR("expired"), 0, STR("alice")));
		release_hold(w, holds[i]);
	}
	w->f.t -= 1;
	fold_refuse(&w->f, destroyed(w, ix, STR("expired"), 0, STR("alice")));
	w->f.t += 1;
	fold_add(&w->f, destroyed(w, ix, STR("expired"), 0, STR("alice")));
	scene_free(w);
}

static void time_is_lengthened_by_one_and_shortened_by_two_in_governance_only(void **state)
{
	struct scene *w = scene_new();
	uint64_t g = add_evidence(w, STR("memory"), STR("governance"));
	uint64_t c = add_evidence(w, STR("disk"), STR("compliance"));
	uint64_t until = w->f.t + 2 * DAY_MS;
	uint64_t p;

	(void)state;
	fold_add(&w->f, keep(w, g, until, 0, STR("alice")));
	fold_add(&w->f, keep(w, c, until, 0, STR("alice")));
	fold_refuse(&w->f, keep(w, g, until - 1, 0, STR("alice")));
	fold_refuse(&w->f, keep(w, c, until - 1, 0, STR("alice")));
	fold_refuse(&w->f, proposed(w, c, STR("shorten"), until - 1));
	fold_refuse(&w->f, proposed(w, c, STR("destroy"), 0));
	p = fold_add(&w->f, proposed(w, g, STR("shorten"), until - DAY_MS));
	fold_refuse(&w->f, keep(w, g, until - DAY_MS, p, STR("alice")));
	fold_refuse(&w->f, keep(w, g, until - DAY_MS - 1, p, STR("bob"))); /* not what was meant */
	fold_refuse(&w->f, destroyed(w, g, STR("people"), p, STR("bob")));
	fold_add(&w->f, keep(w, g, until - DAY_MS, p, STR("bob")));
	assert_true(item(w, g)->keep_until_unix_ms == until - DAY_MS);
	fold_refuse(&w->f, keep(w, g, until - 2 * DAY_MS, p, STR("bob"))); /* used up */
	scene_free(w);
}

/* Random operations against a reference of a few lines: nothing is destroyed too early, nothing in
 * compliance is shortened, n holds need n releases, whatever the clock does. */
static void the_rules_hold_for_any_order_of_events(void **state)
{
	uint64_t random = 88172645463325252u;

	(void)state;
	for (int round = 0; round < 40; round++) {
		struct scene *w = scene_new();
		bool is_compliance = round % 2;
		uint64_t ix = add_evidence(w, STR("memory"),
					   is_compliance ? STR("compliance") : STR("governance"));
		uint64_t until = w->f.t + DAY_MS;
		uint64_t holds[3] = {0};
		bool is_gone = false;

		for (int step = 0; step < 120 && !is_gone; step++) {
			static const struct str names[] = {{"a", 1}, {"b", 1}, {"c", 1}};
			struct err e = ERR_INIT;
			struct leaf l;
			bool is_held = holds[0] || holds[1] || holds[2];
			bool fits;
			size_t h;

			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			h = random >> 20 & 1 ? 1 : random >> 21 & 1 ? 2 : 0;
			w->f.t += (random >> 30 & 3) == 0 ? DAY_MS / 3 : 1;
			switch (random >> 40 & 7) {
			case 0:
				if (holds[h]) {
					release_hold(w, holds[h]);
					holds[h] = 0;
				} else {
					holds[h] = place_hold(w, names[h], STR("target"), app);
				}
				break;
			case 1:
			case 2:
				l = keep(w, ix, w->f.t + (random >> 50 & 3) * DAY_MS / 2, 0,
					 STR("alice"));
				l.t = w->f.t;
				fits = l.evidence_keep.keep_until >= until;
				assert_int_equal(state_reserve(w->f.s, &l, &e) == RC_OK, fits);
				if (fits) {
					until = l.evidence_keep.keep_until;
					fold_add(&w->f, l);
				}
				break;
			case 3:
				l = proposed(w, ix, STR("destroy"), 0);
				l.t = w->f.t;
				fits = !is_compliance && !is_held;
				assert_int_equal(state_reserve(w->f.s, &l, &e) == RC_OK, fits);
				if (fits) {
					uint64_t p = fold_add(&w->f, l);

					l = destroyed(w, ix, STR("people"), p, STR("bob"));
					is_gone = (random >> 55 & 3) == 0;
					if (is_gone) {
						fold_add(&w->f, l);
					}
				}
				break;
			default:
				l = destroyed(w, ix, STR("expired"), 0, STR("alice"));
				l.t = w->f.t;
				fits = !is_held && w->f.t >= until;
				assert_int_equal(state_reserve(w->f.s, &l, &e) == RC_OK, fits);
				if (fits) {
					fold_add(&w->f, l);
					is_gone = true;
				}
				break;
			}
		}
		scene_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_altered_before_its_evidence_is_there),
	    cmocka_unit_test(what_is_of_another_target_incident_or_time_does_not_count),
	    cmocka_unit_test(remit_preserves_what_is_missing_when_the_catalog_says_how),
	    cmocka_unit_test(the_log_takes_no_call_that_lacks_its_evidence),
	    cmocka_unit_test(a_waiver_needs_two_persons_and_is_used_once),
	    cmocka_unit_test(nothing_under_a_legal_hold_is_altered),
	    cmocka_unit_test(a_hold_has_a_name_of_its_own_and_ends_by_it),
	    cmocka_unit_test(custody_is_a_chain_without_a_gap),
	    cmocka_unit_test(evidence_comes_from_a_read_of_its_task_that_gave_something),
	    cmocka_unit_test(nothing_is_destroyed_before_its_time_but_by_two_persons),
	    cmocka_unit_test(when_its_time_is_over_one_person_is_enough_unless_it_is_held),
	    cmocka_unit_test(time_is_lengthened_by_one_and_shortened_by_two_in_governance_only),
	    cmocka_unit_test(the_rules_hold_for_any_order_of_events),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
