/* SPDX-License-Identifier: Apache-2.0 */
/* What people give in advance, waive, keep, destroy, try and let stand: the true leaf passes, each
 * false one beside it is found. */
#include "look.h"

#include "core/evidence.h"

static void what_is_given_in_advance_is_theirs_to_give(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct leaf l = LEAF_OF(PREAPPROVAL_OPENED, preapproval_opened, .person = STR("alice"),
				.agent = FOLD_AGENT, .tool = STR("db___lock"), .max_uses = 3,
				.window_ms = 3600000, .not_after = w->f.t + 86400000);

	EXPECT_TRUE(w, l);
	l.preapproval_opened.person = STR("olga"); /* owns the agent */
	EXPECT_FALSE(w, l, "approver_conflict");
	l.preapproval_opened.person = STR("dave");
	EXPECT_FALSE(w, l, "approver_auth");
	l.preapproval_opened.person = STR("mallory");
	EXPECT_FALSE(w, l, "no person");
	l.preapproval_opened.person = STR("alice");
	l.preapproval_opened.agent = STR(""); /* any */
	EXPECT_FALSE(w, l, "no person, agent or tool");
	l.preapproval_opened.agent = FOLD_AGENT;
	l.preapproval_opened.tool = STR("db___drop");
	EXPECT_FALSE(w, l, "wants an approval for each call");
	l.preapproval_opened.tool = STR("db___lock");
	l.preapproval_opened.max_uses = PREAPPROVAL_MAX_USES + 1;
	EXPECT_FALSE(w, l, "more uses");
	l.preapproval_opened.max_uses = 3;
	l.preapproval_opened.not_after += UINT64_C(86400000) * PREAPPROVAL_MAX_DAYS;
	EXPECT_FALSE(w, l, "for longer");
	scene_free(w);
}

/* Each kind with somebody in it, as whom; a custodian is needed or any person will do. */
static struct leaf act_of(unsigned kind, struct str by)
{
	struct leaf l = {.kind = (enum leaf_kind)kind};

	switch (kind) {
	case LEAF_PREAPPROVAL_ENDED:
		l.preapproval_ended.by = by;
		break;
	case LEAF_EVIDENCE_CUSTODY:
		l.evidence_custody.by = by;
		l.evidence_custody.event = STR("exported");
		break;
	case LEAF_EVIDENCE_PROPOSED:
		l.evidence_proposed.by = by;
		break;
	case LEAF_EVIDENCE_KEEP:
		l.evidence_keep.by = by;
		break;
	case LEAF_EVIDENCE_DESTROYED:
		l.evidence_destroyed.by = by;
		break;
	case LEAF_HOLD_PLACED:
		l.hold_placed.by = by;
		break;
	case LEAF_HOLD_RELEASED:
		l.hold_released.by = by;
		break;
	case LEAF_ERASE_PROPOSED:
		l.erase_proposed.by = by;
		break;
	case LEAF_ERASE_DECIDED:
		l.erase_decided.by = by;
		l.erase_decided.proposed_by = STR("alice");
		break;
	case LEAF_PRUNE_PROPOSED:
		l.prune_proposed.by = by;
		break;
	case LEAF_LOG_PRUNED:
		l.log_pruned.by = STR("alice");
		l.log_pruned.proposed_by = by;
		break;
	case LEAF_BREAKER_RESET:
		l.breaker_reset.by = by;
		break;
	case LEAF_TERM_CHANGED:
		l.term_changed.by = by;
		l.term_changed.how = STR("kept");
		break;
	case LEAF_CLOCK_CONFIRMED:
		l.clock_confirmed.by = by;
		break;
	default:
		fail_msg("kind %u", kind);
	}
	return l;
}

static void what_only_custodians_do_is_found_of_others(void **state)
{
	static const unsigned kinds[] = {LEAF_EVIDENCE_CUSTODY, LEAF_EVIDENCE_PROPOSED,
					 LEAF_EVIDENCE_KEEP, LEAF_EVIDENCE_DESTROYED,
					 LEAF_HOLD_RELEASED};
	struct scene *w = scene_new();

	(void)state;
	w->b.custodians = STR("dba");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		EXPECT_TRUE(w, act_of(kinds[i], STR("dave")));
		EXPECT_FALSE(w, act_of(kinds[i], STR("bob")), "no custodian");
		EXPECT_FALSE(w, act_of(kinds[i], STR("remit")), "no custodian");
	}
	scene_free(w);
}

static void what_persons_do_is_found_of_nobody(void **state)
{
	static const unsigned kinds[] = {
	    LEAF_PREAPPROVAL_ENDED, LEAF_HOLD_PLACED,	 LEAF_ERASE_PROPOSED,
	    LEAF_ERASE_DECIDED,	    LEAF_PRUNE_PROPOSED, LEAF_LOG_PRUNED,
	    LEAF_BREAKER_RESET,	    LEAF_TERM_CHANGED,	 LEAF_CLOCK_CONFIRMED};
	struct scene *w = scene_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		EXPECT_TRUE(w, act_of(kinds[i], STR("bob")));
		EXPECT_FALSE(w, act_of(kinds[i], STR("mallory")), "no person of the deployment");
		EXPECT_FALSE(w, act_of(kinds[i], FOLD_AGENT), "no person of the deployment");
	}
	scene_free(w);
}

static void a_term_is_kept_for_as_long_as_it_may_be(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct leaf l = act_of(LEAF_TERM_CHANGED, STR("bob"));

	l.term_changed.ends_at = w->f.t + UINT64_C(1000) * TERM_KEEP_MAX_S;
	EXPECT_TRUE(w, l);
	l.term_changed.ends_at += 86400000;
	EXPECT_FALSE(w, l, "kept for longer");
	l.term_changed.ends_at = 0;
	l.term_changed.by = STR("remit"); /* keeps nothing by itself */
	EXPECT_FALSE(w, l, "no person");
	l.term_changed.how = STR("due");
	EXPECT_TRUE(w, l);
	scene_free(w);
}

static void evidence_is_waived_by_custodians_without_conflict(void **state)
{
	static const struct str kinds[] = {{"memory", 6}};
	struct scene *w = scene_new();
	struct leaf l =
	    LEAF_OF(WAIVER_PROPOSED, waiver_proposed, .task = w->task, .tool = STR("db___lock"),
		    .targets = LIST(STR("pg-role:app")), .kinds = {kinds, 1},
		    .not_after = w->f.t + 900000, .by = STR("dave"));
	struct leaf g = LEAF_OF(WAIVER_GRANTED, waiver_granted, .by = STR("carol"));

	(void)state;
	w->b.custodians = STR("dba");
	EXPECT_FALSE(w, l, "kinds"); /* the tool requires none */
	w->tools[TOOL_LOCK].requires = (struct str_list){kinds, 1};
	EXPECT_TRUE(w, l);
	l.waiver_proposed.by = STR("bob");
	EXPECT_FALSE(w, l, "no custodian");
	l.waiver_proposed.by = STR("dave");
	l.waiver_proposed.not_after += UINT64_C(1000) * WAIVER_MAX_S;
	EXPECT_FALSE(w, l, "longer than a waiver lives");
	l.waiver_proposed.not_after = w->f.t + 900000;
	g.waiver_granted.waiver = fold_add(&w->f, l);
	EXPECT_TRUE(w, g);
	g.waiver_granted.by = STR("olga"); /* a custodian who owns the agent */
	EXPECT_FALSE(w, g, "may not waive it");
	g.waiver_granted.by = STR("bob");
	EXPECT_FALSE(w, g, "no custodian");
	scene_free(w);
}

static void a_tool_is_rehearsed_where_the_catalog_lets_it(void **state)
{
	static const struct str there[] = {{"pg-role:canary", 14}};
	struct scene *w = scene_new();
	struct leaf l = LEAF_OF(REHEARSAL_STARTED, rehearsal_started, .tool = STR("db___lock"),
				.targets = {there, 1}, .by = STR("bob"));

	(void)state;
	EXPECT_FALSE(w, l, "targets");
	w->tools[TOOL_LOCK].rehearsal_targets = (struct str_list){there, 1};
	EXPECT_TRUE(w, l);
	l.rehearsal_started.targets = LIST(STR("pg-role:app"));
	EXPECT_FALSE(w, l, "targets");
	l.rehearsal_started.targets = (struct str_list){there, 1};
	l.rehearsal_started.entry = fold_tag(9);
	EXPECT_FALSE(w, l, "entry");
	l.rehearsal_started.entry = (struct digest){0};
	l.rehearsal_started.by = STR("mallory");
	EXPECT_FALSE(w, l, "no person");
	scene_free(w);
}

static void what_is_lent_is_a_credential_of_the_catalog(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct leaf l =
	    LEAF_OF(LEASE_INTENDED, lease_intended, .task = w->task, .backend = STR("pg"),
		    .scope = STR("responder"), .not_after = w->f.t + 3600 * 1000);

	EXPECT_FALSE(w, l, "no tool of the catalog");
	w->tools[TOOL_LOCK].credential = (struct credential){STR("pg"), STR("responder")};
	EXPECT_TRUE(w, l);
	l.lease_intended.scope = STR("superuser");
	EXPECT_FALSE(w, l, "no tool of the catalog wants 'superuser'");
	l.lease_intended.scope = STR("responder");
	l.lease_intended.not_after += 1;
	EXPECT_FALSE(w, l, "longer than its task");
	l.lease_intended.task = 0; /* Remit's own */
	EXPECT_FALSE(w, l, "longer than its task");
	l.lease_intended.not_after = w->f.t + LEASE_LOOK_MS;
	EXPECT_TRUE(w, l);
	l.lease_intended.task = w->incident;
	EXPECT_FALSE(w, l, "lent to none");
	scene_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_given_in_advance_is_theirs_to_give),
	    cmocka_unit_test(what_only_custodians_do_is_found_of_others),
	    cmocka_unit_test(what_persons_do_is_found_of_nobody),
	    cmocka_unit_test(a_term_is_kept_for_as_long_as_it_may_be),
	    cmocka_unit_test(evidence_is_waived_by_custodians_without_conflict),
	    cmocka_unit_test(what_is_lent_is_a_credential_of_the_catalog),
	    cmocka_unit_test(a_tool_is_rehearsed_where_the_catalog_lets_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
