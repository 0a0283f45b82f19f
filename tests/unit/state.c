/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/limits.h"

#include "fold.h"

static void counters_follow_the_calls_of_the_agent_only(void **state)
{
	(void)state;
	struct fold f = fold_new();
	uint64_t t = fold_task(&f, fold_incident(&f));
	struct leaf l = fold_call(t, STR("contain"), 1);
	uint64_t c = fold_add(&f, l);
	size_t i = 0;

	assert_true(state_task(f.s, t)->calls == 1);
	assert_int_equal(state_task(f.s, t)->n_touched, 1);
	assert_str(state_next_touched(f.s, state_task(f.s, t), &i), "pg-role:app");
	assert_null(state_next_touched(f.s, state_task(f.s, t), &i).p);
	fold_add(&f, fold_call(t, STR("contain"), 2));
	assert_true(state_task(f.s, t)->calls == 2);
	assert_int_equal(state_task(f.s, t)->n_touched, 1);
	l = fold_call(t, STR("read"), 3);
	l.call_decided.targets = LIST(STR("host:db1"));
	fold_add(&f, l);
	assert_int_equal(state_task(f.s, t)->n_touched, 1);
	l.call_decided.purpose = STR("capture");
	fold_add(&f, l);
	assert_true(state_task(f.s, t)->calls == 3);

	l = fold_call(t, STR("contain"), 4);
	l.call_decided.verdict = STR("deny");
	l.call_decided.reason = STR("target_not_in_incident");
	l.call_decided.deviation = 1;
	fold_add(&f, l);
	l.call_decided.reason = STR("no_rule"); /* no deviation */
	l.call_decided.deviation = 0;
	fold_add(&f, l);
	assert_true(state_task(f.s, t)->deviations == 1);
	assert_true(state_task(f.s, t)->calls == 3);
	assert_null(state_call(f.s, state_size(f.s) - 1));

	fold_add(&f, LEAF_OF(CALL_COMPLETED, call_completed, .call = c, .kind = STR("ok"),
			     .labels = LIST(STR("untrusted"), STR("operational"))));
	fold_add(&f, LEAF_OF(CALL_COMPLETED, call_completed, .call = c + 1, .kind = STR("ok"),
			     .labels = LIST(STR("untrusted"))));
	assert_int_equal(state_task(f.s, t)->labels.n, 2);
	assert_int_equal(state_call(f.s, c)->state, CALL_SETTLED);
	assert_str(state_call(f.s, c)->outcome, "ok");
	assert_true(state_next_unfinished_call(f.s, 0)->ix == c + 2);
	state_free(f.s);
}

static void a_call_has_one_outcome_but_an_unknown_one_may_become_known(void **state)
{
	(void)state;
	struct fold f = fold_new();
	uint64_t t = fold_task(&f, fold_incident(&f));
	uint64_t c = fold_add(&f, fold_call(t, STR("read"), 1));
	struct leaf done =
	    LEAF_OF(CALL_COMPLETED, call_completed, .call = c, .kind = STR("unknown"));
	struct leaf verified = LEAF_OF(CALL_VERIFIED, call_verified, .call = c, .holds = true);

	fold_refuse(&f, verified);
	fold_add(&f, done);
	fold_refuse(&f, done);
	done.call_completed.kind = STR("lost");
	fold_refuse(&f, done);
	done.call_completed.kind = STR("ok");
	fold_add(&f, done);
	fold_refuse(&f, done);
	fold_add(&f, verified);
	assert_true(state_call(f.s, c)->verified_holds);
	assert_null(state_next_unfinished_call(f.s, 0));
	state_free(f.s);
}

static void a_destroy_call_is_never_allowed_without_somebodys_word(void **state)
{
	(void)state;
	struct fold f = fold_new();
	uint64_t t = fold_task(&f, fold_incident(&f));
	struct leaf l = fold_call(t, STR("destroy"), 1);
	uint64_t a;

	fold_refuse(&f, l);
	a = fold_granted(&f, t, 1);
	l.call_decided.approval = a;
	l.call_decided.tag = fold_tag(2);
	fold_refuse(&f, l); /* for another call */
	l.call_decided.tag = fold_tag(1);
	l.call_decided.tool = STR("db___drop");
	fold_refuse(&f, l);
	l.call_decided.tool = STR("db___end");
	l.t = f.t + 300 * 1000 + 1;
	fold_refuse(&f, l); /* too late */
	l.t = f.t + 300 * 1000;
	fold_add(&f, l);
	assert_int_equal(state_approval(f.s, a)->state, APPROVAL_USED);
	assert_true(state_approval(f.s, a)->used_by == state_size(f.s) - 1);
	fold_refuse(&f, l); /* a second time */
	state_free(f.s);
}

/* Brings a new approval into the state. */
static uint64_t approval_in(struct fold *f, uint64_t t, enum approval_state st, uint8_t tag)
{
	uint64_t a;
	struct leaf l;

	switch (st) {
	case APPROVAL_OPEN:
		return fold_approval(f, t, tag);
	case APPROVAL_GRANTED:
		return fold_granted(f, t, tag);
	case APPROVAL_USED:
		a = fold_granted(f, t, tag);
		l = fold_call(t, STR("destroy"), tag);
		l.call_decided.approval = a;
		fold_add(f, l);
		return a;
	case APPROVAL_DENIED:
	case APPROVAL_EXPIRED:
	case APPROVAL_VOID:
		a = fold_approval(f, t, tag);
		fold_add(f, fold_settled(a, approval_state_name(st), 0));
		return a;
	}
	return 0;
}

static void an_approval_takes_the_steps_of_its_table_and_no_other(void **state)
{
	(void)state;
	/* [from][to] */
	static const bool may[6][6] = {
	    [APPROVAL_OPEN] = {[APPROVAL_GRANTED] = true,
			       [APPROVAL_DENIED] = true,
			       [APPROVAL_EXPIRED] = true,
			       [APPROVAL_VOID] = true},
	    [APPROVAL_GRANTED] =
		{[APPROVAL_EXPIRED] = true, [APPROVAL_VOID] = true, [APPROVAL_USED] = true},
	};
	struct fold f = fold_new();
	uint64_t t = fold_task(&f, fold_incident(&f));
	uint8_t tag = 0;

	for (unsigned from = 0; from < 6; from++) {
		for (unsigned to = 0; to < 6; to++) {
			enum approval_state st = (enum approval_state)to;
			uint64_t a = approval_in(&f, t, (enum approval_state)from, ++tag);
			struct leaf l = fold_settled(a, approval_state_name(st), f.t + 1000);

			if (st == APPROVAL_USED) {
				fold_refuse(&f, l); /* only a call uses it */
				l = fold_call(t, STR("destroy"), tag);
				l.call_decided.approval = a;
			}
			if (st == APPROVAL_GRANTED && from == APPROVAL_OPEN) {
				fold_refuse(&f, l); /* without a vote */
				fold_vote(&f, a, STR("eve"), false);
				fold_refuse(&f, l);
				fold_vote(&f, a, STR("bob"), true);
			}
			if (may[from][to]) {
				fold_add(&f, l);
				assert_int_equal(state_approval(f.s, a)->state, st);
			} else {
				fold_refuse(&f, l);
				assert_int_equal(state_approval(f.s, a)->state, from);
			}
		}
	}
	state_free(f.s);
}

static void one_question_is_asked_once_and_one_person_votes_once(void **state)
{
	(void)state;
	struct fold f = fold_new();
	uint64_t t = fold_task(&f, fold_incident(&f));
	uint64_t a = fold_approval(&f, t, 1);
	struct leaf again =
	    LEAF_OF(APPROVAL_OPENED, approval_opened, .kind = STR("call"), .task = t,
		    .agent = FOLD_AGENT, .incident = state_task(f.s, t)->incident,
		    .tool = STR("db___end"), .effect = STR("destroy"), .tag = fold_tag(1),
		    .gates = LIST(STR("secops")), .quorum = 2, .decide_by = f.t + 1);
	struct leaf vote = LEAF_OF(APPROVAL_VOTED, approval_voted, .approval = a,
				   .person = STR("bob"), .grants = true);
	struct digest tag = fold_tag(1);

	fold_refuse(&f, again);
	fold_add(&f, vote);
	fold_refuse(&f, vote);
	vote.approval_voted.grants = false;
	fold_refuse(&f, vote);
	assert_int_equal(state_approval(f.s, a)->n_votes, 1);
	assert_str(state_approval(f.s, a)->votes[0].person, "bob");
	fold_add(&f, fold_settled(a, STR("expired"), 0));
	vote.approval_voted.person = STR("carol");
	fold_refuse(&f, vote);
	again.t = 0;
	assert_true(state_approval_of(f.s, t, &tag)->ix == a);
	a = fold_add(&f, again);
	assert_true(state_approval_of(f.s, t, &tag)->ix == a);
	fold_vote(&f, a, STR("bob"), true);
	fold_refuse(&f, fold_settled(a, STR("granted"), f.t + 5)); /* quorum is two */
	fold_vote(&f, a, STR("carol"), true);
	fold_refuse(&f, fold_settled(a, STR("granted"), 0));
	fold_add(&f, fold_settled(a, STR("granted"), f.t + 5));
	state_free(f.s);
}

static void a_pre_approval_is_bounded_in_any_window(void **state)
{
	(void)state;
	struct fold f = fold_new();
	uint64_t t = fold_task(&f, fold_incident(&f));
	uint64_t p =
	    fold_add(&f, LEAF_OF(PREAPPROVAL_OPENED, preapproval_opened, .person = STR("bob"),
				 .tool = STR("db___end"), .targets = LIST(STR("pg-role:app")),
				 .max_uses = 2, .window_ms = 1000, .not_after = f.t + 3000));
	struct leaf l = fold_call(t, STR("destroy"), 1);

	l.call_decided.preapproval = p;
	fold_add(&f, l);
	f.t += 600;
	fold_add(&f, l);
	f.t += 399;
	fold_refuse(&f, l);
	f.t += 1; /* the first use leaves the window */
	fold_add(&f, l);
	fold_refuse(&f, l);
	f.t += 1500;
	l.call_decided.targets = LIST(STR("host:db1"));
	fold_refuse(&f, l);
	l.call_decided.targets = LIST(STR("pg-role:app"));
	l.call_decided.tool = STR("db___drop");
	fold_refuse(&f, l);
	l.call_decided.tool = STR("db___end");
	fold_add(&f, l);
	f.t += 501;
	fold_refuse(&f, l); /* past its end */
	fold_add(&f, LEAF_OF(PREAPPROVAL_ENDED, preapproval_ended, .preapproval = p));
	fold_refuse(&f, LEAF_OF(PREAPPROVAL_ENDED, preapproval_ended, .preapproval = p));
	f.t -= 501;
	fold_refuse(&f, l);
	fold_refuse(&f, LEAF_OF(PREAPPROVAL_OPENED, preapproval_opened, .person = STR("bob"),
				.tool = STR("db___end"), .max_uses = 2, .window_ms = 1000));
	state_free(f.s);
}

static void tasks_take_the_steps_of_their_life(void **state)
{
	(void)state;
	struct fold f = fold_new();
	uint64_t i = fold_incident(&f);
	uint64_t t = fold_task(&f, i);
	struct leaf suspend = LEAF_OF(TASK_SUSPENDED, task_suspended, .task = t);
	struct leaf resume = LEAF_OF(TASK_RESUMED, task_resumed, .task = t);
	struct leaf end = LEAF_OF(TASK_ENDED, task_ended, .task = t, .why = STR("done"));
	struct leaf closed = LEAF_OF(TASK_CLOSED, task_closed, .task = t, .closure = STR("closed"));
	struct leaf deviation = fold_call(t, STR("read"), 1);

	deviation.call_decided.verdict = STR("deny");
	deviation.call_decided.reason = STR("phase");
	fold_add(&f, deviation);
	fold_refuse(&f, resume);
	fold_refuse(&f, closed);
	fold_add(&f, suspend);
	fold_refuse(&f, suspend);
	fold_refuse(&f, fold_call(t, STR("read"), 1)); /* no call under a suspended task */
	fold_add(&f, resume);
	assert_true(state_task(f.s, t)->deviations == 0);
	fold_add(&f, fold_call(t, STR("read"), 1));
	fold_add(&f, LEAF_OF(TASK_PHASE, task_phase, .task = t, .phase = STR("contain")));
	assert_str(state_task(f.s, t)->phase, "contain");
	end.task_ended.why = STR("bored");
	fold_refuse(&f, end);
	end.task_ended.why = STR("stopped");
	fold_add(&f, end);
	assert_str(state_task(f.s, t)->ended_why, "stopped");
	fold_refuse(&f, end);
	fold_refuse(&f, fold_call(t, STR("read"), 1));
	fold_add(&f, closed);
	fold_refuse(&f, closed);
	fold_add(&f, LEAF_OF(INCIDENT_CLOSED, incident_closed, .incident = i));
	fold_refuse(&f, LEAF_OF(INCIDENT_CLOSED, incident_closed, .incident = i));
	fold_refuse(&f, LEAF_OF(INCIDENT_UPDATED, incident_updated, .incident = i, .severity = 1));
	fold_refuse(&f, LEAF_OF(TASK_OPENED, task_opened, .incident = i, .agent = FOLD_AGENT));
	state_free(f.s);
}

static void an_intent_is_used_once_by_its_own_agent(void **state)
{
	(void)state;
	struct fold f = fold_new();
	uint64_t i = fold_incident(&f);
	uint64_t intent = fold_add(&f, LEAF_OF(INTENT_DECIDED, intent_decided, .agent = FOLD_AGENT,
					       .incident = i, .verdict = STR("allow")));
	uint64_t denied = fold_add(&f, LEAF_OF(INTENT_DECIDED, intent_decided, .agent = FOLD_AGENT,
					       .incident = i, .verdict = STR("deny")));
	struct leaf l = LEAF_OF(TASK_OPENED, task_opened, .intent = intent, .incident = i,
				.agent = STR("spiffe://example.org/other"));

	fold_refuse(&f, l);
	l.task_opened.agent = FOLD_AGENT;
	l.task_opened.intent = denied;
	fold_refuse(&f, l);
	l.task_opened.intent = intent;
	fold_add(&f, l);
	fold_refuse(&f, l);
	state_free(f.s);
}

static void an_incident_is_what_its_last_leaf_says(void **state)
{
	(void)state;
	struct fold f = fold_new();
	struct leaf l =
	    LEAF_OF(INCIDENT_OPENED, incident_opened, .source = STR("s"), .source_id = STR("77"),
		    .severity = 3, .assets = LIST(STR("host:a")));
	uint64_t i = fold_add(&f, l);

	fold_refuse(&f, l); /* open already */
	fold_add(&f, LEAF_OF(INCIDENT_UPDATED, incident_updated, .incident = i, .severity = 1,
			     .class = STR("c"), .assets = LIST(STR("host:a"))));
	assert_int_equal(state_incident(f.s, i)->severity, 1);
	assert_str(state_incident(f.s, i)->assets.p[0], "host:a");
	fold_add(&f, LEAF_OF(INCIDENT_UPDATED, incident_updated, .incident = i, .severity = 5,
			     .class = STR("d"), .service = STR("shop"), .regulated = true,
			     .assets = LIST(STR("host:b"), STR("host:c"))));
	fold_refuse(&f, LEAF_OF(INCIDENT_UPDATED, incident_updated, .incident = i));
	assert_int_equal(state_incident(f.s, i)->severity, 5);
	assert_str(state_incident(f.s, i)->class, "d");
	assert_str(state_incident(f.s, i)->service, "shop");
	assert_true(state_incident(f.s, i)->is_regulated);
	assert_int_equal(state_incident(f.s, i)->assets.n, 2);
	assert_str(state_incident(f.s, i)->assets.p[1], "host:c");
	assert_true(state_incident_of_source(f.s, STR("s"), STR("77"))->ix == i);
	fold_add(&f, LEAF_OF(INCIDENT_CLOSED, incident_closed, .incident = i));
	assert_null(state_incident_of_source(f.s, STR("s"), STR("77")));
	fold_add(&f, l); /* the source opens it again: another incident */
	l.incident_opened.source_id = STR("78");
	l.incident_opened.severity = 6;
	fold_refuse(&f, l);
	state_free(f.s);
}

static void an_incident_remembers_its_last_deliveries(void **state)
{
	(void)state;
	struct fold f = fold_new();
	struct digest first = fold_tag(1);
	uint64_t i = fold_add(&f, LEAF_OF(INCIDENT_OPENED, incident_opened, .source = STR("s"),
					  .source_id = STR("77"), .severity = 3, .delivery = first,
					  .occurred_at = 1000));
	struct digest before;

	assert_true(state_incident_had_delivery(state_incident(f.s, i), &first));
	assert_int_equal(state_incident(f.s, i)->occurred_unix_ms, 1000);
	for (uint8_t n = 2; n < 2 + INCIDENT_DELIVERIES; n++) {
		struct digest d = fold_tag(n);

		before = fold_digest(&f);
		assert_false(state_incident_had_delivery(state_incident(f.s, i), &d));
		fold_add(&f, LEAF_OF(INCIDENT_UPDATED, incident_updated, .incident = i,
				     .severity = 3, .delivery = d, .occurred_at = 1000u + n));
		assert_true(state_incident_had_delivery(state_incident(f.s, i), &d));
	}
	assert_false(state_incident_had_delivery(state_incident(f.s, i), &first));
	fold_add(&f, LEAF_OF(INCIDENT_CLOSED, incident_closed, .incident = i, .occurred_at = 9));
	assert_int_equal(state_incident(f.s, i)->occurred_unix_ms, 1009); /* never back */
	assert_true(state_last_incident_of_source(f.s, STR("s"), STR("77"))->ix == i);
	assert_null(state_last_incident_of_source(f.s, STR("t"), STR("77")));
	first = fold_digest(&f);
	assert_false(digest_eq(&before, &first));
	state_free(f.s);
}

static void a_route_is_followed_once_and_free_text_marks_its_own_task(void **state)
{
	(void)state;
	struct fold f = fold_new();
	uint64_t i = fold_incident(&f);
	uint64_t other = fold_incident(&f);
	uint64_t t = fold_task(&f, i);
	struct leaf routed = LEAF_OF(INCIDENT_ROUTED, incident_routed, .incident = i,
				     .route = STR("a/b/c"), .task = t, .reason = STR("allowed"));
	struct leaf shown = LEAF_OF(INCIDENT_SHOWN, incident_shown, .incident = other, .task = t);
	struct digest before = fold_digest(&f);
	struct digest after;

	assert_false(state_incident_was_routed(f.s, i, STR("a/b/c")));
	fold_add(&f, routed);
	assert_true(state_incident_was_routed(f.s, i, STR("a/b/c")));
	assert_false(state_incident_was_routed(f.s, other, STR("a/b/c")));
	after = fold_digest(&f);
	assert_false(digest_eq(&before, &after));
	fold_refuse(&f, routed);
	fold_refuse(&f, shown);
	shown.incident_shown.incident = i;
	assert_int_equal(state_task(f.s, t)->labels.n, 0);
	fold_add(&f, shown);
	fold_add(&f, shown);
	assert_int_equal(state_task(f.s, t)->labels.n, 1);
	assert_str(state_task(f.s, t)->labels.p[0], "untrusted");
	assert_int_equal(state_incident(f.s, i)->n_steps, 4);
	fold_add(&f, LEAF_OF(INCIDENT_CLOSED, incident_closed, .incident = other));
	routed.incident_routed.incident = other;
	fold_refuse(&f, routed);
	state_free(f.s);
}

static void a_lease_ends_once_and_never_comes_back(void **state)
{
	(void)state;
	struct fold f = fold_new();
	uint64_t t = fold_task(&f, fold_incident(&f));
	uint64_t l = fold_add(&f, LEAF_OF(LEASE_INTENDED, lease_intended, .task = t,
					  .backend = STR("pg"), .scope = STR("ops")));
	struct leaf created = LEAF_OF(LEASE_CREATED, lease_created, .lease = l);
	struct leaf delivered = LEAF_OF(LEASE_DELIVERED, lease_delivered, .lease = l);
	struct leaf revoking = LEAF_OF(LEASE_REVOKING, lease_revoking, .lease = l);
	struct leaf gone = LEAF_OF(LEASE_GONE, lease_gone, .lease = l, .read_back = STR("absent"));
	struct leaf call = fold_call(t, STR("read"), 1);

	assert_true(state_lease_of(f.s, t, STR("pg"), STR("ops"))->ix == l);
	assert_null(state_lease_of(f.s, t, STR("pg"), STR("other")));
	fold_refuse(&f, delivered);
	fold_add(&f, created);
	fold_refuse(&f, created);
	fold_add(&f, delivered);
	fold_add(&f, delivered); /* to a second sender */
	call.call_decided.lease = l;
	fold_add(&f, call);
	fold_add(&f, revoking);
	fold_refuse(&f, call);
	fold_refuse(&f, revoking);
	assert_null(state_lease_of(f.s, t, STR("pg"), STR("ops")));
	fold_add(&f, delivered); /* it was on its way */
	assert_int_equal(state_lease(f.s, l)->state, LEASE_STATE_REVOKING);
	fold_add(&f, gone);
	assert_str(state_lease(f.s, l)->read_back, "absent");
	fold_refuse(&f, gone);
	fold_refuse(&f, created);
	fold_refuse(&f, revoking);
	state_free(f.s);
}

static uint64_t new_term(struct fold *f, uint64_t call)
{
	return fold_add(f,
			LEAF_OF(TERM_STARTED, term_started, .call = call, .tool = STR("db___undo"),
				.targets = LIST(STR("pg-role:app")), .ends_at = f->t + 1000,
				.end = STR("revert"), .owner = STR("alice")));
}

static void terms_take_the_steps_of_their_table(void **state)
{
	(void)state;
	struct fold f = fold_new();
	uint64_t t = fold_task(&f, fold_incident(&f));
	uint64_t c = fold_add(&f, fold_call(t, STR("contain"), 1));
	uint64_t m = new_term(&f, c);
	struct leaf l = LEAF_OF(TERM_CHANGED, term_changed, .term = m);
#define HOW(text)                                                                                  \
	({                                                                                         \
		l.term_changed.how = STR(text);                                                    \
		l;                                                                                 \
	})

	fold_refuse(&f, HOW("gone"));
	fold_add(&f, HOW("due"));
	assert_int_equal(state_term(f.s, m)->state, TERM_STANDING);
	assert_str(state_term(f.s, m)->how, "due");
	fold_add(&f, HOW("rolling_back"));
	fold_refuse(&f, HOW("rolling_back"));
	fold_refuse(&f, HOW("kept"));
	fold_refuse(&f, HOW("asked"));
	fold_add(&f, HOW("failed"));
	fold_add(&f, LEAF_OF(TERM_OWNER, term_owner, .term = m, .owner = STR("carol")));
	assert_str(state_term(f.s, m)->owner, "carol");
	l.term_changed.ends_at = f.t + 5000;
	fold_add(&f, HOW("asked"));
	assert_int_equal(state_term(f.s, m)->state, TERM_ASKED);
	fold_add(&f, HOW("kept"));
	assert_int_equal(state_term(f.s, m)->state, TERM_STANDING);
	assert_true(state_term(f.s, m)->ends_at_unix_ms == f.t + 5000);
	fold_add(&f, HOW("rolling_back"));
	fold_add(&f, HOW("reverted"));
	assert_int_equal(state_term(f.s, m)->state, TERM_OVER);
	fold_refuse(&f, HOW("due"));
	fold_refuse(&f, LEAF_OF(TERM_OWNER, term_owner, .term = m, .owner = STR("carol")));
	m = new_term(&f, c);
	l = LEAF_OF(TERM_CHANGED, term_changed, .term = m);
	fold_add(&f, HOW("kept")); /* for good */
	assert_int_equal(state_term(f.s, m)->state, TERM_OVER);
	state_free(f.s);
}

static void a_stop_stands_until_two_persons_lift_it(void **state)
{
	(void)state;
	struct fold f = fold_new();
	struct leaf set =
	    LEAF_OF(KILL_SET, kill_set, .scope = STR("tool"), .name = STR("db___end"));
	struct leaf clear =
	    LEAF_OF(KILL_CLEARED, kill_cleared, .scope = STR("tool"), .name = STR("db___end"),
		    .by = STR("bob"), .proposed_by = STR("alice"));
	struct leaf propose = LEAF_OF(KILL_LIFT_PROPOSED, kill_lift_proposed, .by = STR("alice"));
	struct leaf alone = clear;
	uint64_t k;

	fold_refuse(&f, clear);
	k = fold_add(&f, set);
	fold_add(&f, set);
	assert_true(state_kill(f.s, STR("tool"), STR("db___end"))->ix == k);
	assert_null(state_kill(f.s, STR("agent"), STR("db___end")));
	fold_refuse(&f, clear); /* nobody proposed it */
	propose.kill_lift_proposed.kill = k;
	fold_add(&f, propose);
	fold_refuse(&f, clear); /* there is a newer one */
	propose.kill_lift_proposed.kill = state_newest_kill(f.s, STR("tool"), STR("db___end"))->ix;
	fold_add(&f, propose);
	alone.kill_cleared.by = STR("alice");
	fold_refuse(&f, alone);
	f.t += KILL_LIFT_MS + 1000;
	fold_refuse(&f, clear); /* too long ago */
	fold_add(&f, propose);
	fold_add(&f, clear);
	assert_null(state_kill(f.s, STR("tool"), STR("db___end")));
	assert_null(state_next_kill(f.s, 0));
	fold_refuse(&f, clear);
	fold_add(&f, LEAF_OF(KILL_ACKNOWLEDGED, kill_acknowledged, .kill = k));
	fold_refuse(&f, LEAF_OF(KILL_ACKNOWLEDGED, kill_acknowledged, .kill = 0));
	fold_refuse(&f, LEAF_OF(KILL_SET, kill_set, .scope = STR("all"), .name = STR("x")));
	fold_refuse(&f, LEAF_OF(KILL_SET, kill_set, .scope = STR("world")));
	fold_add(&f, LEAF_OF(KILL_SET, kill_set, .scope = STR("all")));
	assert_non_null(state_kill(f.s, STR("all"), STR("")));
	state_free(f.s);
}

static uint64_t fold_change(struct fold *f, uint64_t task, const struct str_list *targets)
{
	struct leaf l = fold_call(task, STR("contain"), 0);

	l.call_decided.targets = *targets;
	return fold_add(f, l);
}

static void assert_stands(const struct fold *f, struct str target, const uint64_t *calls, size_t n)
{
	const struct call *at = NULL;

	for (size_t i = 0; i < n; i++) {
		at = state_next_standing(f->s, target, at);
		assert_non_null(at);
		assert_true(at->ix == calls[i]);
	}
	assert_null(state_next_standing(f->s, target, at));
}

static void calls_stand_on_each_of_their_targets_until_they_were_not_sent(void **state)
{
	(void)state;
	struct fold f = fold_new();
	uint64_t t = fold_task(&f, fold_incident(&f));
	const struct str_list a = LIST(STR("host:a"));
	const struct str_list both = LIST(STR("host:a"), STR("host:b"));
	uint64_t first = fold_change(&f, t, &a);
	uint64_t second = fold_change(&f, t, &both);
	uint64_t third = fold_change(&f, t, &both);
	struct leaf out =
	    LEAF_OF(CALL_COMPLETED, call_completed, .call = second, .kind = STR("not_sent"));

	assert_stands(&f, STR("host:a"), (uint64_t[]){third, second, first}, 3);
	assert_stands(&f, STR("host:b"), (uint64_t[]){third, second}, 2);
	fold_add(&f, out);
	assert_stands(&f, STR("host:a"), (uint64_t[]){third, first}, 2);
	assert_stands(&f, STR("host:b"), (uint64_t[]){third}, 1);
	out.call_completed.call = third;
	fold_add(&f, out);
	second = fold_change(&f, t, &both);
	assert_stands(&f, STR("host:a"), (uint64_t[]){second, first}, 2);
	assert_stands(&f, STR("host:b"), (uint64_t[]){second}, 1);
	assert_stands(&f, STR("host:c"), NULL, 0);
	state_free(f.s);
}

/* A snapshot of all leaves there are, and the shard that begins with it. */
static uint64_t fold_shard(struct fold *f, uint64_t number)
{
	uint64_t first = state_size(f->s);
	uint64_t snap = fold_add(f, LEAF_OF(SNAPSHOT_TAKEN, snapshot_taken, .size = first,
					    .digest = fold_tag(1), .state = fold_tag(2)));

	return fold_add(f, LEAF_OF(SHARD_BEGAN, shard_began, .number = number, .snapshot = snap,
				   .first = first, .digest = fold_tag(1), .size = snap + 1,
				   .root = fold_tag(3)));
}

static void shards_follow_each_other_and_go_by_the_word_of_two(void **state)
{
	(void)state;
	struct fold f = fold_new();
	struct leaf early = LEAF_OF(SHARD_BEGAN, shard_began, .number = 2, .digest = fold_tag(1));
	struct leaf propose = LEAF_OF(PRUNE_PROPOSED, prune_proposed, .by = STR("alice"));
	struct leaf prune =
	    LEAF_OF(LOG_PRUNED, log_pruned, .by = STR("bob"), .proposed_by = STR("alice"));
	uint64_t from;
	uint64_t ix;
	uint64_t one;
	uint64_t two;

	one = fold_shard(&f, 1);
	assert_true(state_shard(f.s, 0)->ix == one && state_shard(f.s, 0)->number == 1);
	assert_null(state_shard(f.s, 1));
	early.shard_began.snapshot = state_shard(f.s, 0)->snapshot;
	early.shard_began.first = state_shard(f.s, 0)->first;
	fold_refuse(&f, early); /* it would be empty */
	two = fold_shard(&f, 2);
	propose.prune_proposed.shard = 1;
	fold_refuse(&f, propose); /* leaf 1 began no shard */
	prune.log_pruned.shard = two;
	prune.log_pruned.first = state_shard(f.s, 1)->first;
	fold_refuse(&f, prune); /* nobody proposed it */
	propose.prune_proposed.shard = one;
	fold_add(&f, propose);
	fold_refuse(&f, prune); /* but another shard */
	propose.prune_proposed.shard = two;
	fold_add(&f, propose);
	prune.log_pruned.by = STR("alice");
	fold_refuse(&f, prune);
	prune.log_pruned.by = STR("bob");
	prune.log_pruned.first++;
	fold_refuse(&f, prune);
	prune.log_pruned.first--;
	f.t += MOTION_MS + 1000;
	fold_refuse(&f, prune); /* too long ago */
	fold_add(&f, propose);
	ix = fold_add(&f, prune);
	assert_true(state_pruned(f.s, &from, &two) == prune.log_pruned.first);
	assert_true(from == 0 && two == ix);
	assert_null(state_shard(f.s, 0));
	assert_true(state_shard_number(f.s) == 2);
	fold_refuse(&f, prune);
	fold_refuse(&f, propose); /* they are gone */
	assert_true(fold_shard(&f, 3) > ix);
	state_free(f.s);
}

static void leaves_that_are_needed_are_not_pruned(void **state)
{
	(void)state;
	static const struct {
		struct str scope;
		struct str subject;
		bool holds;
	} holds[] = {{{"target", 6}, {"host:a", 6}, true},
		     {{"incident", 8}, {"i0", 2}, true},
		     {{"incident", 8}, {"i9999", 5}, false}};
	struct leaf propose = LEAF_OF(PRUNE_PROPOSED, prune_proposed, .by = STR("alice"));
	struct leaf prune =
	    LEAF_OF(LOG_PRUNED, log_pruned, .by = STR("bob"), .proposed_by = STR("alice"));
	struct fold f;
	const char *what;
	uint64_t incident;

	for (size_t i = 0; i < ARRAY_LEN(holds); i++) {
		uint64_t hold;

		f = fold_new();
		propose.prune_proposed.shard = fold_shard(&f, 1);
		prune.log_pruned.shard = propose.prune_proposed.shard;
		prune.log_pruned.first = state_shard(f.s, 0)->first;
		hold = fold_add(&f, LEAF_OF(HOLD_PLACED, hold_placed, .name = STR("case"),
					    .scope = holds[i].scope, .subject = holds[i].subject,
					    .by = STR("alice")));
		fold_add(&f, propose);
		if (holds[i].holds) {
			fold_refuse(&f, prune);
			fold_add(&f, LEAF_OF(HOLD_RELEASED, hold_released, .hold = hold,
					     .by = STR("alice")));
		}
		fold_add(&f, prune);
		state_free(f.s);
	}
	/* And what the state has: here an incident. */
	f = fold_new();
	incident = fold_incident(&f);
	propose.prune_proposed.shard = fold_shard(&f, 1);
	prune.log_pruned.shard = propose.prune_proposed.shard;
	prune.log_pruned.first = state_shard(f.s, 0)->first;
	fold_add(&f, propose);
	fold_refuse(&f, prune);
	assert_true(state_oldest(f.s, &what) == incident);
	assert_string_equal(what, "an incident");
	state_free(f.s);
}

static void a_tool_is_pinned_by_what_was_seen_last(void **state)
{
	(void)state;
	struct fold f = fold_new();
	struct digest one = fold_tag(1);
	struct digest two = fold_tag(2);

	assert_false(state_tool_is_pinned(f.s, STR("db___b"), one.bytes));
	fold_add(&f, LEAF_OF(TOOL_OBSERVED, tool_observed, .tool = STR("db___b"), .digest = one));
	fold_add(&f, LEAF_OF(TOOL_OBSERVED, tool_observed, .tool = STR("db___a"), .digest = two));
	fold_add(&f, LEAF_OF(TOOL_OBSERVED, tool_observed, .tool = STR("db___c"), .digest = two));
	assert_true(state_tool_is_pinned(f.s, STR("db___b"), one.bytes));
	assert_true(state_tool_is_pinned(f.s, STR("db___a"), two.bytes));
	assert_false(state_tool_is_pinned(f.s, STR("db___a"), one.bytes));
	fold_add(&f, LEAF_OF(TOOL_OBSERVED, tool_observed, .tool = STR("db___b"), .digest = two));
	assert_false(state_tool_is_pinned(f.s, STR("db___b"), one.bytes));
	state_free(f.s);
}

static void what_is_unknown_or_not_earlier_is_no_cause(void **state)
{
	(void)state;
	struct fold f = fold_new();
	uint64_t i = fold_incident(&f);

	fold_refuse(&f, LEAF_OF(LOG_OPENED, log_opened, .origin = STR("x")));
	fold_refuse(&f, LEAF_OF(TASK_OPENED, task_opened, .incident = i + 1));
	fold_refuse(&f, LEAF_OF(NOTIFIED, notified, .about = i + 1));
	fold_add(&f, LEAF_OF(NOTIFIED, notified, .about = i));
	fold_refuse(&f, LEAF_OF(LEASE_GONE, lease_gone, .lease = i));
	fold_refuse(&f, fold_call(i, STR("read"), 1));
	fold_refuse(&f, (struct leaf){.kind = LEAF_NONE});
	fold_add(&f, LEAF_OF(STARTED, started, .generation = 2));
	fold_refuse(&f, LEAF_OF(STARTED, started, .generation = 2));
	assert_true(state_generation(f.s) == 2);
	state_free(f.s);
}

static void what_is_over_is_forgotten_at_the_horizon_and_what_lives_is_not(void **state)
{
	(void)state;
	struct fold f = fold_new();
	uint64_t i = fold_incident(&f);
	uint64_t t = fold_task(&f, i);
	uint64_t done = fold_add(&f, fold_call(t, STR("read"), 1));
	uint64_t running = fold_add(&f, fold_call(t, STR("read"), 2));
	uint64_t denied = fold_approval(&f, t, 3);
	uint64_t open = fold_approval(&f, t, 4);
	uint64_t contained = fold_add(&f, fold_call(t, STR("contain"), 5));
	uint64_t m = new_term(&f, contained);

	fold_add(&f, LEAF_OF(CALL_COMPLETED, call_completed, .call = done, .kind = STR("ok")));
	fold_add(&f, LEAF_OF(CALL_COMPLETED, call_completed, .call = contained, .kind = STR("ok")));
	fold_add(&f, fold_settled(denied, STR("denied"), 0));
	f.t += STATE_HORIZON_MS - 1;
	fold_add(&f, LEAF_OF(NOTIFIED, notified, .about = i));
	assert_non_null(state_call(f.s, done));
	f.t += 120 * 1000;
	fold_add(&f, LEAF_OF(NOTIFIED, notified, .about = i));
	assert_null(state_call(f.s, done));
	assert_null(state_approval(f.s, denied));
	assert_non_null(state_call(f.s, running));
	assert_non_null(state_approval(f.s, open));
	assert_non_null(state_task(f.s, t));
	assert_non_null(state_incident(f.s, i));
	fold_refuse(&f, LEAF_OF(CALL_VERIFIED, call_verified, .call = done));
	assert_non_null(state_call(f.s, contained)); /* its term stands */
	fold_add(&f, LEAF_OF(TERM_CHANGED, term_changed, .term = m, .how = STR("kept")));
	f.t += 120 * 1000;
	fold_add(&f, LEAF_OF(NOTIFIED, notified, .about = i));
	assert_null(state_call(f.s, contained));
	state_free(f.s);
}

static void reads_of_a_task_that_is_over_are_forgotten_soon(void **state)
{
	(void)state;
	struct fold f = fold_new();
	uint64_t i = fold_incident(&f);
	uint64_t t = fold_task(&f, i);
	uint64_t done = fold_add(&f, fold_call(t, STR("read"), 1));

	fold_add(&f, LEAF_OF(CALL_COMPLETED, call_completed, .call = done, .kind = STR("ok")));
	f.t += STATE_READ_HORIZON_MS + 120 * 1000;
	fold_add(&f, LEAF_OF(NOTIFIED, notified, .about = i));
	assert_non_null(state_call(f.s, done)); /* it counts as long as the task runs */
	fold_add(&f, LEAF_OF(TASK_ENDED, task_ended, .task = t, .why = STR("done")));
	f.t += 120 * 1000;
	fold_add(&f, LEAF_OF(NOTIFIED, notified, .about = i));
	assert_null(state_call(f.s, done));
	state_free(f.s);
}

/* ---- random histories ---- */

struct dice {
	uint64_t seed;
};

static uint64_t roll(struct dice *d, uint64_t sides)
{
	d->seed = d->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (d->seed >> 33) % sides;
}

/* Any leaf at all, fitting or not; mostly about objects of the right kind so that some fit. */
static struct leaf any_leaf(struct dice *d, const struct state *s)
{
#define PICK(name)                                                                                 \
	({                                                                                         \
		const struct name *picked_ = state_next_##name(s, roll(d, state_size(s)));         \
		picked_ = picked_ ? picked_ : state_next_##name(s, 0);                             \
		picked_ &&roll(d, 8) ? picked_->ix : roll(d, state_size(s));                       \
	})
#define ANY(...)                                                                                   \
	((const struct str[]){                                                                     \
	    __VA_ARGS__})[roll(d, sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str))]
	static const struct str targets[] = {
	    {"pg-role:app", 11}, {"host:db1", 8}, {"ip:10.0.0.1", 11}};
	uint64_t other = roll(d, state_size(s));
	struct str_list list = {targets, roll(d, 4)};
	struct digest tag = {.bytes = {(uint8_t)roll(d, 4)}};

	switch (roll(d, 33)) {
	case 0:
		return LEAF_OF(INCIDENT_OPENED, incident_opened, .source = STR("s"),
			       .source_id = ANY(STR("1"), STR("2"), STR("")),
			       .severity = roll(d, 6), .assets = list);
	case 1:
		return LEAF_OF(INCIDENT_UPDATED, incident_updated, .incident = PICK(incident),
			       .severity = roll(d, 6), .assets = list);
	case 2:
		return LEAF_OF(INCIDENT_CLOSED, incident_closed, .incident = PICK(incident));
	case 3:
		return LEAF_OF(INTENT_DECIDED, intent_decided, .incident = PICK(incident),
			       .agent = FOLD_AGENT, .verdict = ANY(STR("allow"), STR("deny")));
	case 4:
	case 5:
		return LEAF_OF(TASK_OPENED, task_opened, .incident = PICK(incident),
			       .intent = roll(d, 2) ? other : 0, .agent = FOLD_AGENT,
			       .targets = list);
	case 6:
		return LEAF_OF(TASK_PHASE, task_phase, .task = PICK(task),
			       .phase = ANY(STR("a"), STR("b")));
	case 7:
		return roll(d, 2) ? LEAF_OF(TASK_SUSPENDED, task_suspended, .task = PICK(task))
				  : LEAF_OF(TASK_RESUMED, task_resumed, .task = PICK(task));
	case 8:
		return roll(d, 2) ? LEAF_OF(TASK_ENDED, task_ended, .task = PICK(task),
					    .why = ANY(STR("done"), STR("x")))
				  : LEAF_OF(TASK_CLOSED, task_closed, .task = PICK(task));
	case 9:
	case 10:
	case 11:
	case 12:
		return LEAF_OF(
		    CALL_DECIDED, call_decided, .task = PICK(task), .agent = FOLD_AGENT,
		    .purpose = ANY(STR("agent"), STR("agent"), STR("capture"), STR("rollback")),
		    .tool = STR("db___end"),
		    .effect = ANY(STR("read"), STR("contain"), STR("destroy")), .targets = list,
		    .tag = tag, .verdict = ANY(STR("allow"), STR("allow"), STR("deny"), STR("ask")),
		    .reason = ANY(STR("allowed"), STR("phase"), STR("no_rule")),
		    .deviation = roll(d, 3), .attempt = roll(d, 2),
		    .approval = roll(d, 2) ? PICK(approval) : 0,
		    .preapproval = roll(d, 4) ? 0 : PICK(preapproval));
	case 13:
	case 14:
		return LEAF_OF(CALL_COMPLETED, call_completed, .call = PICK(call),
			       .kind = ANY(STR("ok"), STR("unknown"), STR("not_sent")),
			       .labels = list);
	case 15:
		return LEAF_OF(CALL_VERIFIED, call_verified, .call = PICK(call), .holds = true);
	case 16:
		return LEAF_OF(TOOL_OBSERVED, tool_observed,
			       .tool = ANY(STR("a"), STR("b"), STR("c")), .digest = tag);
	case 17:
		other = PICK(task);
		return LEAF_OF(APPROVAL_OPENED, approval_opened,
			       .kind = ANY(STR("call"), STR("call"), STR("call"), STR("intent")),
			       .task = roll(d, 8) ? other : 0,
			       .incident = roll(d, 8) && state_task(s, other)
					       ? state_task(s, other)->incident
					       : PICK(incident),
			       .narrows = roll(d, 4) ? 0 : PICK(approval),
			       .group = roll(d, 4) ? 0 : PICK(approval), .agent = FOLD_AGENT,
			       .tool = STR("db___end"), .effect = STR("destroy"), .targets = list,
			       .tag = tag, .gates = {targets, 1}, .quorum = roll(d, 3));
	case 18:
	case 19:
		return LEAF_OF(APPROVAL_VOTED, approval_voted, .approval = PICK(approval),
			       .person = ANY(STR("a"), STR("b")), .grants = roll(d, 4) != 0);
	case 20:
		return LEAF_OF(APPROVAL_SETTLED, approval_settled, .approval = PICK(approval),
			       .state = ANY(STR("granted"), STR("denied"), STR("expired"),
					    STR("void"), STR("used")),
			       .execute_by = FOLD_START_MS * 2);
	case 21:
		return LEAF_OF(PREAPPROVAL_OPENED, preapproval_opened, .person = STR("bob"),
			       .tool = STR("db___end"), .max_uses = 2, .window_ms = 5000,
			       .not_after = FOLD_START_MS * 2);
	case 22:
		return LEAF_OF(LEASE_INTENDED, lease_intended, .task = PICK(task),
			       .backend = STR("b"));
	case 23:
		return roll(d, 3) == 0 ? LEAF_OF(LEASE_CREATED, lease_created, .lease = PICK(lease))
		       : roll(d, 2) == 0
			   ? LEAF_OF(LEASE_REVOKING, lease_revoking, .lease = PICK(lease))
			   : LEAF_OF(LEASE_GONE, lease_gone, .lease = PICK(lease));
	case 24:
		return roll(d, 2)
			   ? LEAF_OF(TERM_STARTED, term_started, .call = PICK(call),
				     .end = STR("reask"), .targets = list)
			   : LEAF_OF(TERM_CHANGED, term_changed, .term = PICK(term),
				     .how = ANY(STR("due"), STR("rolling_back"), STR("reverted"),
						STR("kept"), STR("failed")));
	case 26:
		return LEAF_OF(INCIDENT_ROUTED, incident_routed, .incident = PICK(incident),
			       .route = ANY(STR("a/b/c"), STR("a/d/c"), STR("")));
	case 27:
		return LEAF_OF(INCIDENT_SHOWN, incident_shown, .incident = PICK(incident),
			       .task = PICK(task));
	case 28:
		return LEAF_OF(SIGNAL_OBSERVED, signal_observed, .asset = targets[roll(d, 3)],
			       .name = ANY(STR("health"), STR("traffic")),
			       .value = ANY(STR("up"), STR("down")),
			       .source = ANY(STR("lb"), STR("probe")),
			       .observed_at = FOLD_START_MS + roll(d, 1000));
	case 29:
		return roll(d, 2)
			   ? LEAF_OF(AGENT_BREACHED, agent_breached, .agent = FOLD_AGENT,
				     .why = ANY(STR("attempts"), STR("suspended"), STR("x")),
				     .contain = ANY(STR(""), STR("observe"), STR("act"), STR("x")))
			   : LEAF_OF(AUTONOMY_CHANGED, autonomy_changed, .agent = FOLD_AGENT,
				     .effect = ANY(STR("contain"), STR("read"), STR("x")),
				     .level = ANY(STR("observe"), STR("act")),
				     .base = ANY(STR("approve"), STR("act")),
				     .why = ANY(STR("promoted"), STR("demoted"), STR("x")),
				     .by = list);
	case 30:
		return LEAF_OF(AUTONOMY_ENDORSED, autonomy_endorsed, .agent = FOLD_AGENT,
			       .effect = STR("contain"), .level = ANY(STR("act"), STR("notify")),
			       .person = ANY(STR("a"), STR("b"), STR("")));
	case 31:
		return LEAF_OF(PROPOSAL_MADE, proposal_made, .task = PICK(task),
			       .agent = FOLD_AGENT, .effect = ANY(STR("contain"), STR("x")),
			       .tag = tag, .would = STR("allow"), .targets = list);
	case 32:
		return LEAF_OF(PROPOSAL_JUDGED, proposal_judged, .proposal = PICK(proposal),
			       .person = STR("a"), .agrees = roll(d, 2));
	default:
		return roll(d, 2)   ? LEAF_OF(KILL_SET, kill_set, .scope = STR("tool"),
					      .name = ANY(STR("a"), STR("b")))
		       : roll(d, 2) ? LEAF_OF(KILL_LIFT_PROPOSED, kill_lift_proposed,
					      .kill = PICK(kill), .by = ANY(STR("x"), STR("y")))
				    : LEAF_OF(KILL_CLEARED, kill_cleared, .scope = STR("tool"),
					      .name = ANY(STR("a"), STR("b")), .by = STR("y"),
					      .proposed_by = STR("x"));
	}
}

/* What must hold at every moment, however it came about. */
static void check_invariants(const struct state *s)
{
	for (const struct approval *a = state_next_approval(s, 0); a;
	     a = state_next_approval(s, a->ix + 1)) {
		uint64_t grants = 0;

		for (size_t i = 0; i < a->n_votes; i++) {
			grants += a->votes[i].grants;
			for (size_t j = 0; j < i; j++) {
				assert_false(str_eq(a->votes[i].person, a->votes[j].person));
			}
		}
		if (a->state == APPROVAL_GRANTED || a->state == APPROVAL_USED) {
			assert_true(grants >= a->quorum);
		}
		assert_true((a->state == APPROVAL_USED) == (a->used_by != 0));
	}
	for (const struct call *c = state_next_call(s, 0); c; c = state_next_call(s, c->ix + 1)) {
		assert_true((c->state == CALL_ALLOWED) == (c->outcome.n == 0));
		if (c->approval) {
			const struct approval *a = state_approval(s, c->approval);

			assert_true(!a || a->used_by == c->ix);
		}
	}
	for (const struct preapproval *p = state_next_preapproval(s, 0); p;
	     p = state_next_preapproval(s, p->ix + 1)) {
		assert_true(p->n_uses <= p->max_uses);
	}
}

/* Runs a history; every leaf that fits goes to kept. */
static size_t run_history(uint64_t seed, size_t steps, struct digest *ret, uint64_t nth_failure)
{
	struct dice d = {seed};
	struct fold f = fold_new();
	size_t fitting = 0;

	for (size_t i = 0; i < steps; i++) {
		struct leaf l = any_leaf(&d, f.s);
		struct err e = ERR_INIT;
		enum rc rc;

		l.t = f.t;
		if (nth_failure) {
			struct digest before = fold_digest(&f);
			struct digest after;

			mem_fail_after(1 + i % nth_failure);
			rc = state_reserve(f.s, &l, &e);
			mem_fail_after(0);
			after = fold_digest(&f);
			assert_true(digest_eq(&before, &after));
			if (rc == RC_NOMEM) {
				e = (struct err)ERR_INIT;
				rc = state_reserve(f.s, &l, &e);
			}
		} else {
			rc = state_reserve(f.s, &l, &e);
		}
		if (rc == RC_OK) {
			state_apply(f.s, state_size(f.s), &l);
			fitting++;
		} else {
			assert_true(rc == RC_BROKEN || rc == RC_LIMIT);
		}
		f.t += roll(&d, 100) == 0 ? STATE_HORIZON_MS / 8 : roll(&d, 2000);
		if (i % 64 == 0) {
			check_invariants(f.s);
		}
	}
	*ret = fold_digest(&f);
	state_free(f.s);
	return fitting;
}

static void the_same_leaves_give_the_same_state(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct digest one;
		struct digest two;

		size_t n = run_history(seed, 3000, &one, 0);

		if (n < 500) {
			fail_msg("a history of %zu leaves", n);
		}
		(void)run_history(seed, 3000, &two, 0); /* as many as before */
		assert_true(digest_eq(&one, &two));
	}
}

/* What a restart does: the bytes of the log, decoded and folded. */
static void the_bytes_of_the_log_give_the_state_again(void **state)
{
	(void)state;
	for (uint64_t seed = 50; seed < 55; seed++) {
		struct dice d = {seed};
		struct fold f = fold_new();
		struct fold again = fold_new();
		struct digest one;
		struct digest two;

		for (size_t i = 0; i < 2000; i++) {
			AUTO_ARENA arena = ARENA_INIT(1 << 20);
			AUTO_BUF bytes = BUF_INIT(LIMIT_LEAF_BYTES);
			struct leaf l = any_leaf(&d, f.s);
			struct leaf back;
			struct err e = ERR_INIT;

			l.t = f.t;
			f.t += roll(&d, 2000);
			if (state_reserve(f.s, &l, &e) != RC_OK) {
				continue;
			}
			assert_ok(leaf_encode(&bytes, &l, &e));
			state_apply(f.s, state_size(f.s), &l);
			assert_ok(leaf_decode(&arena, buf_view(&bytes), &back, &e));
			fold_add(&again, back);
		}
		one = fold_digest(&f);
		two = fold_digest(&again);
		assert_true(digest_eq(&one, &two));
		state_free(f.s);
		state_free(again.s);
	}
}

static void a_failed_allocation_changes_nothing(void **state)
{
	(void)state;
	size_t blocks = mem_blocks();

	for (uint64_t nth = 1; nth <= 6; nth++) {
		struct digest with;
		struct digest without;

		(void)run_history(100 + nth, 1500, &with, nth);
		(void)run_history(100 + nth, 1500, &without, 0);
		assert_true(digest_eq(&with, &without));
	}
	assert_int_equal(mem_blocks(), blocks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(counters_follow_the_calls_of_the_agent_only),
	    cmocka_unit_test(a_call_has_one_outcome_but_an_unknown_one_may_become_known),
	    cmocka_unit_test(a_destroy_call_is_never_allowed_without_somebodys_word),
	    cmocka_unit_test(an_approval_takes_the_steps_of_its_table_and_no_other),
	    cmocka_unit_test(one_question_is_asked_once_and_one_person_votes_once),
	    cmocka_unit_test(a_pre_approval_is_bounded_in_any_window),
	    cmocka_unit_test(tasks_take_the_steps_of_their_life),
	    cmocka_unit_test(an_intent_is_used_once_by_its_own_agent),
	    cmocka_unit_test(an_incident_is_what_its_last_leaf_says),
	    cmocka_unit_test(an_incident_remembers_its_last_deliveries),
	    cmocka_unit_test(a_route_is_followed_once_and_free_text_marks_its_own_task),
	    cmocka_unit_test(a_lease_ends_once_and_never_comes_back),
	    cmocka_unit_test(terms_take_the_steps_of_their_table),
	    cmocka_unit_test(a_stop_stands_until_two_persons_lift_it),
	    cmocka_unit_test(calls_stand_on_each_of_their_targets_until_they_were_not_sent),
	    cmocka_unit_test(shards_follow_each_other_and_go_by_the_word_of_two),
	    cmocka_unit_test(leaves_that_are_needed_are_not_pruned),
	    cmocka_unit_test(a_tool_is_pinned_by_what_was_seen_last),
	    cmocka_unit_test(what_is_unknown_or_not_earlier_is_no_cause),
	    cmocka_unit_test(what_is_over_is_forgotten_at_the_horizon_and_what_lives_is_not),
	    cmocka_unit_test(reads_of_a_task_that_is_over_are_forgotten_soon),
	    cmocka_unit_test(the_same_leaves_give_the_same_state),
	    cmocka_unit_test(the_bytes_of_the_log_give_the_state_again),
	    cmocka_unit_test(a_failed_allocation_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
