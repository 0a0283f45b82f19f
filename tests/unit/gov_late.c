/* SPDX-License-Identifier: Apache-2.0 */
/* What a sender says of a call after it was called unknown: believed of a sender that may have had
 * it in hand all along, once, for as long as it can have had it; nothing follows twice. */
#include "gov_scene.h"

static struct scene s;
static struct scene_log disk;

enum { HANDOVER_MS = 2001, UPSTREAM_MS = 30000, TERM_MS = 600001 };

static void read_log(void)
{
	scene_close(&s);
	scene_read_log(&disk);
}

/* How that call ended, by the log: "unknown", "unknown ok" and the like. */
static const char *outcomes_of(uint64_t call)
{
	static char text[200];

	text[0] = '\0';
	for (size_t i = 0; i < disk.n; i++) {
		const struct leaf_call_completed *f = &disk.leaves[i].call_completed;
		size_t n = strlen(text);

		if (disk.leaves[i].kind == LEAF_CALL_COMPLETED && f->call == call) {
			(void)snprintf(text + n, sizeof(text) - n, "%s" STR_FMT, n ? " " : "",
				       STR_ARG(f->kind));
		}
	}
	return text;
}

/* That term's changes, as above. */
static const char *changes_of(uint64_t term)
{
	static char text[200];

	text[0] = '\0';
	for (size_t i = 0; i < disk.n; i++) {
		const struct leaf_term_changed *f = &disk.leaves[i].term_changed;
		size_t n = strlen(text);

		if (disk.leaves[i].kind == LEAF_TERM_CHANGED && f->term == term) {
			(void)snprintf(text + n, sizeof(text) - n, "%s" STR_FMT, n ? " " : "",
				       STR_ARG(f->how));
		}
	}
	return text;
}

static uint64_t last_term(void)
{
	for (size_t i = disk.n; i > 0; i--) {
		if (disk.leaves[i - 1].kind == LEAF_TERM_STARTED) {
			return i - 1;
		}
	}
	fail_msg("no term");
	return 0;
}

/* The tool is called and held; the governor is started again under senders that live on and do not
 * say in time what they have. */
static struct heard_admission *strand(const char *tool, const char *name)
{
	struct heard_admission *a;

	scene_open(&s);
	s.held_tool = tool;
	(void)scene_ask(&s, RESPONDER, s.task, name, LOGIN, 0);
	a = scene_wait_admission(&s, tool, 1);
	scene_kill(&s);
	s.held_tool = NULL;
	scene_start_alone(&s);
	scene_settle(&s);
	scene_pass(HANDOVER_MS);
	scene_settle(&s);
	return a;
}

static void end_of_term(void)
{
	scene_pass(TERM_MS);
	scene_settle(&s);
	scene_settle(&s); /* the look, the undoing and the look behind it */
}

static void a_change_that_is_known_late_has_one_term_and_one_verification(void **state)
{
	struct heard_admission *a;
	uint64_t call;

	(void)state;
	a = strand("mute", "db___mute");
	call = a->call;
	s.is_muted = true; /* it did its work long ago; its answer takes its time */
	scene_pass(2000);
	scene_settle(&s); /* that it did is read back */
	scene_outcome(&s, a, OUTCOME_OK, "{}");
	scene_settle(&s);
	scene_outcome(&s, a, OUTCOME_OK, "{}"); /* once is enough */
	scene_settle(&s);
	end_of_term();
	assert_int_equal(scene_admitted(&s, "unmute"), 1);
	assert_false(s.is_muted);
	read_log();
	assert_string_equal(outcomes_of(call), "unknown ok");
	assert_int_equal(scene_count(&disk, LEAF_TERM_STARTED), 1);
	assert_int_equal(scene_last(&disk, LEAF_TERM_STARTED)->term_started.call, call);
	assert_string_equal(changes_of(last_term()), "rolling_back reverted");
	assert_true(scene_last(&disk, LEAF_CALL_VERIFIED)->call_verified.holds);
	assert_int_equal(scene_count(&disk, LEAF_CALL_VERIFIED), 1);
	assert_int_equal(scene_count(&disk, LEAF_AGENT_BREACHED), 0);
	scene_free_log(&disk);
}

static void a_change_that_was_not_sent_after_all_costs_its_agent_nothing(void **state)
{
	struct heard_admission *a;
	uint64_t call;

	(void)state;
	a = strand("mute", "db___mute");
	call = a->call;
	scene_outcome(&s, a, OUTCOME_NOT_SENT, "");
	scene_settle(&s);
	scene_pass(UPSTREAM_MS + 1000); /* as long as it could have shown */
	scene_settle(&s);
	end_of_term();
	assert_int_equal(s.n_changes, 0);
	assert_int_equal(scene_admitted(&s, "unmute"), 0); /* there is nothing to undo */
	read_log();
	assert_string_equal(outcomes_of(call), "unknown not_sent");
	assert_false(scene_last(&disk, LEAF_CALL_VERIFIED)->call_verified.holds);
	assert_int_equal(scene_count(&disk, LEAF_AGENT_BREACHED), 0);
	scene_free_log(&disk);
}

static void a_change_that_stays_unknown_and_is_not_there_costs_its_agent(void **state)
{
	uint64_t call;

	(void)state;
	call = strand("mute", "db___mute")->call;
	scene_pass(UPSTREAM_MS + 1000);
	scene_settle(&s);
	read_log();
	assert_string_equal(outcomes_of(call), "unknown");
	assert_false(scene_last(&disk, LEAF_CALL_VERIFIED)->call_verified.holds);
	assert_int_equal(scene_count(&disk, LEAF_AGENT_BREACHED), 1);
	scene_free_log(&disk);
}

/* A change that stands and whose time is over: the undoing of it is under way when the governor
 * ends. */
static struct heard_admission *strand_the_undoing(void)
{
	struct heard_admission *a;

	scene_open(&s);
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "can_login");
	scene_settle(&s);
	s.held_tool = "unmute";
	scene_pass(TERM_MS);
	a = scene_wait_admission(&s, "unmute", 1);
	scene_kill(&s);
	s.held_tool = NULL;
	scene_start_alone(&s);
	scene_settle(&s);
	return a;
}

static void what_a_terms_own_call_did_is_read_back_and_not_taken_from_a_sender(void **state)
{
	struct heard_admission *a;
	uint64_t call;

	(void)state;
	a = strand_the_undoing();
	call = a->call;
	scene_settle(&s);
	scene_do(&s, a); /* only now; what it says is not heard, what it did is seen */
	scene_settle(&s);
	scene_pass(2000);
	scene_settle(&s);
	assert_int_equal(scene_admitted(&s, "unmute"), 1);
	assert_false(s.is_muted);
	read_log();
	assert_string_equal(outcomes_of(call), "unknown");
	assert_string_equal(changes_of(last_term()), "rolling_back reverted");
	scene_free_log(&disk);
}

static void a_terms_own_call_that_did_nothing_fails_its_term(void **state)
{
	struct heard_admission *a;
	uint64_t call;

	(void)state;
	a = strand_the_undoing();
	call = a->call;
	scene_outcome(&s, a, OUTCOME_OK, "{}"); /* a lie */
	scene_settle(&s);
	scene_pass(UPSTREAM_MS + 1000);
	scene_settle(&s);
	assert_int_equal(scene_admitted(&s, "unmute"), 1); /* never sent again */
	read_log();
	assert_string_equal(outcomes_of(call), "unknown");
	assert_string_equal(changes_of(last_term()), "rolling_back failed");
	scene_free_log(&disk);
}

/* ---- what is not believed; that what is believed is, is above ---- */

static void too_late_is_too_late(void **state)
{
	struct heard_admission *a;
	uint64_t call;

	(void)state;
	a = strand("look", "db___look");
	call = a->call;
	scene_pass(UPSTREAM_MS);
	scene_outcome(&s, a, OUTCOME_OK, "{}");
	scene_settle(&s);
	read_log();
	assert_string_equal(outcomes_of(call), "unknown");
	scene_free_log(&disk);
}

static void just_in_time_is_in_time(void **state)
{
	struct heard_admission *a;
	uint64_t call;

	(void)state;
	a = strand("look", "db___look");
	call = a->call;
	scene_pass(UPSTREAM_MS / 3);
	scene_outcome(&s, a, OUTCOME_OK, "{}");
	scene_settle(&s);
	read_log();
	assert_string_equal(outcomes_of(call), "unknown ok");
	scene_free_log(&disk);
}

static void another_sender_or_another_process_of_it_knows_nothing(void **state)
{
	struct heard_admission *a;
	struct heard_admission forged;
	uint64_t call;

	(void)state;
	a = strand("look", "db___look");
	call = a->call;
	forged = *a;
	forged.party = AGENTS;
	scene_outcome(&s, &forged, OUTCOME_OK, "{}");
	scene_settle(&s);
	scene_lose(&s, RUNNER);
	scene_settle(&s);
	scene_replug(&s, RUNNER);
	scene_settle(&s);
	scene_outcome(&s, a, OUTCOME_OK, "{}");
	scene_settle(&s);
	read_log();
	assert_string_equal(outcomes_of(call), "unknown");
	scene_free_log(&disk);
}

static void what_a_sender_itself_called_unknown_stays_so(void **state)
{
	struct heard_admission *own;

	(void)state;
	(void)strand("look", "db___look");
	/* Admitted by this governor, and answered. */
	s.held_tool = "peek";
	(void)scene_ask(&s, RESPONDER, s.task, "db___peek", LOGIN, 0);
	own = scene_wait_admission(&s, "peek", 1);
	scene_outcome(&s, own, OUTCOME_UNKNOWN, "");
	scene_settle(&s);
	scene_outcome(&s, own, OUTCOME_OK, "{}");
	scene_settle(&s);
	read_log();
	assert_string_equal(outcomes_of(own->call), "unknown");
	scene_free_log(&disk);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_make_place, scene_remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_change_that_is_known_late_has_one_term_and_one_verification),
	    TEST(a_change_that_was_not_sent_after_all_costs_its_agent_nothing),
	    TEST(a_change_that_stays_unknown_and_is_not_there_costs_its_agent),
	    TEST(what_a_terms_own_call_did_is_read_back_and_not_taken_from_a_sender),
	    TEST(a_terms_own_call_that_did_nothing_fails_its_term),
	    TEST(too_late_is_too_late),
	    TEST(just_in_time_is_in_time),
	    TEST(another_sender_or_another_process_of_it_knows_nothing),
	    TEST(what_a_sender_itself_called_unknown_stays_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
