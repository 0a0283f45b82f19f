/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence through the governor: captured by reads, wanted before calls, kept, held, destroyed. The
 * store is played by the test (gov_scene.h). */
#include "gov_scene.h"

#include <dirent.h>

#include "core/evidence_audit.h"

static struct scene s;
static struct scene_log disk;

enum { DAY_MS = 24 * 3600 * 1000 };

/* ---- what there is on the disk ---- */

static size_t count_keys(const char *suffix)
{
	char path[256];
	struct dirent *entry;
	size_t n = 0;
	DIR *d;

	scene_path(path, "state/keys");
	d = opendir(path);
	assert_non_null(d);
	while ((entry = readdir(d))) {
		n += str_has_suffix(str_from(entry->d_name), str_from(suffix));
	}
	(void)closedir(d);
	return n;
}

static bool has_key(uint64_t serial, const char *suffix)
{
	char name[64];
	char path[256];

	(void)snprintf(name, sizeof(name), "state/keys/%llu%s", (unsigned long long)serial, suffix);
	scene_path(path, name);
	return access(path, F_OK) == 0;
}

static size_t count_objects(void)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n_objects; i++) {
		n += s.objects[i].is_there;
	}
	return n;
}

/* The log with the governor gone. */
static void read_log(void)
{
	scene_close(&s);
	scene_read_log(&disk);
}

static size_t place_of(enum leaf_kind kind)
{
	for (size_t i = 0; i < disk.n; i++) {
		if (disk.leaves[i].kind == kind) {
			return i;
		}
	}
	fail_msg("no such leaf");
	return 0;
}

/* Every rule of evidence, over what is on the disk. */
static void audit_log(void)
{
	struct evidence_audit *a;
	const struct evidence_fault *faults;
	size_t n;

	assert_ok(evidence_audit_new(&a, NULL));
	for (size_t i = 0; i < disk.n; i++) {
		assert_ok(evidence_audit_take(a, i, &disk.leaves[i], NULL));
	}
	faults = evidence_audit_faults(a, &n);
	if (n) {
		fail_msg("leaf %llu: %.*s", (unsigned long long)faults[0].leaf,
			 STR_ARG(faults[0].what));
	}
	evidence_audit_free(a);
}

static size_t count_events(const char *event)
{
	size_t n = 0;

	for (size_t i = 0; i < disk.n; i++) {
		n += disk.leaves[i].kind == LEAF_EVIDENCE_CUSTODY &&
		     str_eq(disk.leaves[i].evidence_custody.event, str_from(event));
	}
	return n;
}

static uint64_t the_item(void)
{
	return scene_id(scene_command(&s, ALICE, COMMAND_EVIDENCE_LIST, "{}")->text, "id", 'e');
}

static void dump(void)
{
	assert_says(scene_call(&s, "db___dump", LOGIN, 0), "can_login");
	scene_settle(&s);
}

static const struct heard_reply *about(uint32_t uid, enum command_verb verb, uint64_t item,
				       const char *more)
{
	char body[256];

	(void)snprintf(body, sizeof(body), "{\"id\":\"e%llu\"%s}", (unsigned long long)item, more);
	return scene_command(&s, uid, verb, body);
}

/* ---- before remediation ---- */

static void a_call_that_needs_evidence_runs_once_a_read_has_given_it(void **state)
{
	const struct leaf *captured;
	const struct leaf *decided;
	char id[24];

	(void)state;
	scene_open(&s);
	assert_says(scene_call(&s, "db___scrub", LOGIN, 0), "evidence_required");
	assert_int_equal(scene_admitted(&s, "scrub"), 0);
	assert_says(scene_call(&s, "db___dump", LOGIN, 0), "can_login");
	assert_says(scene_call(&s, "db___scrub", LOGIN, 0), "can_login");
	assert_int_equal(scene_admitted(&s, "scrub"), 1);
	scene_settle(&s);
	assert_int_equal(count_objects(), 1);
	read_log();
	captured = scene_last(&disk, LEAF_EVIDENCE_CAPTURED);
	assert_str(captured->evidence_captured.kind, "memory");
	assert_true(captured->evidence_captured.incident == s.incident);
	assert_true(captured->evidence_captured.keep_until > captured->t + UINT64_C(89) * DAY_MS);
	assert_true(has_key(captured->evidence_captured.key, ".evidence"));
	assert_false(has_key(captured->evidence_captured.key, ".key"));
	assert_memory_equal(captured->evidence_captured.object.bytes, s.objects[0].name, 32);
	assert_false(digest_is_zero(&captured->evidence_captured.plain));
	decided = &disk.leaves[disk.n - 1];
	while (decided->kind != LEAF_CALL_DECIDED ||
	       !str_eq(decided->call_decided.tool, STR("db___scrub"))) {
		decided--;
	}
	assert_true(decided > captured);
	assert_int_equal(decided->call_decided.preserved.n, 1);
	assert_true(str_eq(decided->call_decided.preserved.p[0],
			   id_text('e', place_of(LEAF_EVIDENCE_CAPTURED), id)));
	scene_free_log(&disk);
}

static void a_call_waits_while_its_evidence_is_being_stored(void **state)
{
	uint64_t req;

	(void)state;
	scene_open(&s);
	s.holds_stored = true;
	dump();
	req = scene_ask(&s, RESPONDER, s.task, "db___scrub", LOGIN, 0);
	scene_settle(&s);
	assert_null(scene_reply(&s, req)); /* neither denied nor sent */
	assert_int_equal(scene_admitted(&s, "scrub"), 0);
	scene_release_stored(&s);
	assert_says(scene_wait(&s, req), "can_login");
	assert_int_equal(scene_admitted(&s, "scrub"), 1);
	scene_close(&s);
}

static void remit_itself_preserves_what_is_missing(void **state)
{
	(void)state;
	scene_open(&s);
	assert_says(scene_call(&s, "db___purge", LOGIN, 0), "can_login");
	assert_int_equal(scene_admitted(&s, "dump"), 1);
	assert_int_equal(scene_admitted(&s, "purge"), 1);
	/* what is there is not read again */
	assert_says(scene_call(&s, "db___purge", LOGIN, 0), "can_login");
	assert_int_equal(scene_admitted(&s, "dump"), 1);
	/* but what has become old is */
	scene_pass(3600 * 1000 + 1);
	assert_says(scene_call(&s, "db___purge", LOGIN, 0), "can_login");
	assert_int_equal(scene_admitted(&s, "dump"), 2);
	read_log();
	assert_true(place_of(LEAF_EVIDENCE_CAPTURED) > 0);
	assert_int_equal(scene_count(&disk, LEAF_EVIDENCE_CAPTURED), 2);
	scene_free_log(&disk);
}

static void what_cannot_be_preserved_is_not_remedied(void **state)
{
	(void)state;
	scene_open(&s);
	s.broken_tool = "dump";
	s.broken_kind = OUTCOME_NOT_SENT;
	assert_says(scene_call(&s, "db___purge", LOGIN, 0), "evidence_required");
	s.broken_kind = OUTCOME_TOOL_ERROR;
	assert_says(scene_call(&s, "db___purge", LOGIN, 0), "evidence_required");
	s.broken_tool = NULL;
	s.refuses_puts = true;
	assert_says(scene_call(&s, "db___purge", LOGIN, 0), "evidence_required");
	assert_int_equal(scene_admitted(&s, "purge"), 0);
	scene_settle(&s);
	assert_int_equal(count_keys(".evidence"), 0);
	s.refuses_puts = false; /* the control */
	assert_says(scene_call(&s, "db___purge", LOGIN, 0), "can_login");
	read_log();
	assert_str(scene_last(&disk, LEAF_EVIDENCE_FAILED)->evidence_failed.why,
		   "the disk is full");
	assert_int_equal(scene_count(&disk, LEAF_EVIDENCE_FAILED), 1);
	assert_int_equal(scene_count(&disk, LEAF_EVIDENCE_CAPTURED), 1);
	scene_free_log(&disk);
}

static void a_store_that_keeps_something_else_is_not_believed(void **state)
{
	(void)state;
	scene_open(&s);
	s.holds_stored = true;
	dump();
	s.held_stored.stored.plain_sha256 = s.held_stored.stored.object;
	scene_release_stored(&s);
	scene_settle(&s);
	assert_says(scene_call(&s, "db___scrub", LOGIN, 0), "evidence_required");
	assert_int_equal(count_objects(), 0); /* removed again */
	read_log();
	assert_int_equal(scene_count(&disk, LEAF_EVIDENCE_CAPTURED), 0);
	assert_int_equal(scene_count(&disk, LEAF_EVIDENCE_FAILED), 1);
	scene_free_log(&disk);
}

static void nobody_waits_for_a_store_that_does_not_answer(void **state)
{
	uint64_t req;

	(void)state;
	scene_open(&s);
	s.holds_stored = true;
	dump();
	req = scene_ask(&s, RESPONDER, s.task, "db___scrub", LOGIN, 0);
	scene_settle(&s);
	assert_null(scene_reply(&s, req));
	scene_pass(30001);
	assert_says(scene_wait(&s, req), "evidence_required");
	assert_int_equal(count_objects(), 1);
	scene_release_stored(&s); /* too late: it is removed */
	scene_settle(&s);
	assert_int_equal(count_objects(), 0);
	dump(); /* and the next one is kept */
	assert_says(scene_call(&s, "db___scrub", LOGIN, 0), "can_login");
	read_log();
	assert_int_equal(scene_count(&disk, LEAF_EVIDENCE_FAILED), 1);
	assert_int_equal(scene_count(&disk, LEAF_EVIDENCE_CAPTURED), 1);
	scene_free_log(&disk);
}

static void the_end_of_a_task_ends_the_waiting_too(void **state)
{
	uint64_t req;
	char body[64];

	(void)state;
	scene_open(&s);
	s.holds_stored = true;
	dump();
	req = scene_ask(&s, RESPONDER, s.task, "db___scrub", LOGIN, 0);
	scene_settle(&s);
	(void)snprintf(body, sizeof(body), "{\"id\":\"t%llu\"}", (unsigned long long)s.task);
	(void)scene_command(&s, ALICE, COMMAND_TASK_STOP, body);
	assert_says(scene_wait(&s, req), "task_ended");
	scene_close(&s);
}

/* ---- after an end in the middle ---- */

static void an_object_without_its_leaf_is_swept(void **state)
{
	(void)state;
	scene_open(&s);
	dump();
	s.holds_stored = true;
	dump(); /* stored, and the governor never hears of it */
	assert_int_equal(count_objects(), 2);
	scene_kill(&s);
	s.holds_stored = false;
	scene_start(&s);
	scene_settle(&s);
	assert_int_equal(count_objects(), 1);
	assert_true(s.objects[0].is_there);
	assert_int_equal(count_keys(".evidence"), 1);
	read_log();
	assert_int_equal(scene_count(&disk, LEAF_EVIDENCE_CAPTURED), 1);
	assert_int_equal(count_events("damaged"), 0);
	scene_free_log(&disk);
}

static void an_object_that_is_not_there_any_more_counts_for_nothing(void **state)
{
	(void)state;
	scene_open(&s);
	dump();
	scene_kill(&s);
	s.objects[0].is_there = false;
	scene_start(&s);
	scene_settle(&s);
	assert_says(scene_call(&s, "db___scrub", LOGIN, 0), "evidence_required");
	dump();
	assert_says(scene_call(&s, "db___scrub", LOGIN, 0), "can_login");
	read_log();
	assert_int_equal(count_events("damaged"), 1);
	scene_free_log(&disk);
}

/* ---- custody ---- */

static void a_check_compares_the_object_with_the_log(void **state)
{
	uint64_t item;
	const char *shown;

	(void)state;
	scene_open(&s);
	dump();
	item = the_item();
	assert_says(about(BOB, COMMAND_EVIDENCE_VERIFY, item, "")->text, "\"holds\":true");
	s.refuses_checks = true;
	assert_says(about(BOB, COMMAND_EVIDENCE_VERIFY, item, "")->text, "\"holds\":false");
	assert_says(scene_call(&s, "db___scrub", LOGIN, 0), "evidence_required");
	s.refuses_checks = false;
	s.objects[0].plain[5] ^= 1; /* whole, but not what the leaf commits to */
	assert_says(about(BOB, COMMAND_EVIDENCE_VERIFY, item, "")->text, "\"holds\":false");
	s.objects[0].plain[5] ^= 1;
	assert_says(about(BOB, COMMAND_EVIDENCE_VERIFY, item, "")->text, "\"holds\":true");
	assert_says(scene_call(&s, "db___scrub", LOGIN, 0), "can_login");
	shown = about(ERIN, COMMAND_EVIDENCE_SHOW, item, "")->text;
	assert_says(shown, "\"events\":5");
	assert_says(shown, "\"event\":\"damaged\",\"by\":\"bob\"");
	assert_says(shown, "\"event\":\"captured\"");
	read_log();
	assert_int_equal(count_events("verified"), 2);
	assert_int_equal(count_events("damaged"), 2);
	scene_free_log(&disk);
}

static void who_reads_evidence_is_on_the_record_before_a_byte_is_given(void **state)
{
	uint64_t item;
	const struct heard_reply *r;

	(void)state;
	scene_open(&s);
	dump();
	item = the_item();
	assert_int_equal(about(ERIN, COMMAND_EVIDENCE_READ, item, ",\"purpose\":\"curious\"")->code,
			 403);
	assert_int_equal(about(BOB, COMMAND_EVIDENCE_READ, item, "")->code, 400);
	assert_int_equal(about(BOB, COMMAND_EVIDENCE_READ, item, ",\"piece\":1")->code, 403);
	r = about(BOB, COMMAND_EVIDENCE_READ, item, ",\"purpose\":\"case 7\"");
	assert_int_equal(r->code, 200);
	assert_says(r->text, "\"bytes\":\"eyJ"); /* {" */
	assert_says(r->text, "\"more\":false");
	assert_says(r->text, "\"salt\":\"");
	/* the same person may go on; another one begins at the beginning */
	assert_int_not_equal(about(BOB, COMMAND_EVIDENCE_READ, item, ",\"piece\":1")->code, 403);
	assert_int_equal(about(CAROL, COMMAND_EVIDENCE_READ, item, ",\"piece\":1")->code, 403);
	scene_pass(11 * 60 * 1000);
	assert_int_equal(about(BOB, COMMAND_EVIDENCE_READ, item, ",\"piece\":1")->code, 403);
	read_log();
	assert_int_equal(count_events("read"), 1);
	assert_str(scene_last(&disk, LEAF_EVIDENCE_CUSTODY)->evidence_custody.by, "bob");
	scene_free_log(&disk);
}

/* ---- retention, destruction ---- */

static void two_persons_destroy_and_nothing_is_left_of_it(void **state)
{
	const struct leaf *captured;
	uint64_t item;

	(void)state;
	scene_open(&s);
	dump();
	item = the_item();
	assert_int_equal(about(ERIN, COMMAND_EVIDENCE_DESTROY, item, "")->code, 403);
	assert_says(about(BOB, COMMAND_EVIDENCE_DESTROY, item, "")->text, "proposed");
	assert_says(about(BOB, COMMAND_EVIDENCE_DESTROY, item, "")->text, "proposed");
	scene_settle(&s);
	assert_int_equal(count_objects(), 1);
	assert_says(about(CAROL, COMMAND_EVIDENCE_DESTROY, item, "")->text, "\"destroyed\"");
	scene_settle(&s);
	scene_settle(&s);
	assert_int_equal(count_objects(), 0);
	assert_int_equal(count_keys(".evidence"), 0);
	assert_int_equal(about(BOB, COMMAND_EVIDENCE_VERIFY, item, "")->code, 404);
	assert_says(scene_call(&s, "db___scrub", LOGIN, 0), "evidence_required");
	read_log();
	captured = scene_last(&disk, LEAF_EVIDENCE_CAPTURED);
	assert_false(has_key(captured->evidence_captured.key, ".key"));
	assert_true(place_of(LEAF_EVIDENCE_DESTROYED) < place_of(LEAF_EVIDENCE_KEY_GONE));
	assert_str(scene_last(&disk, LEAF_EVIDENCE_DESTROYED)->evidence_destroyed.authority,
		   "people");
	assert_int_equal(count_events("removed"), 1);
	assert_true(scene_last(&disk, LEAF_EVIDENCE_KEY_GONE)->evidence_key_gone.key ==
		    captured->evidence_captured.key);
	scene_free_log(&disk);
}

static void a_destruction_goes_on_after_an_end_in_the_middle(void **state)
{
	uint64_t item;

	(void)state;
	scene_open(&s);
	dump();
	item = the_item();
	s.ignores_removals = true;
	(void)about(BOB, COMMAND_EVIDENCE_DESTROY, item, "");
	(void)about(CAROL, COMMAND_EVIDENCE_DESTROY, item, "");
	scene_settle(&s);
	assert_int_equal(count_objects(), 1);
	scene_kill(&s);
	s.ignores_removals = false;
	scene_start(&s);
	scene_settle(&s);
	scene_settle(&s);
	assert_int_equal(count_objects(), 0);
	assert_int_equal(count_keys(".evidence"), 0);
	read_log();
	assert_int_equal(count_events("removed"), 1);
	assert_int_equal(scene_count(&disk, LEAF_EVIDENCE_KEY_GONE), 1);
	scene_free_log(&disk);
}

static void time_and_holds_keep_what_one_person_would_destroy(void **state)
{
	uint64_t item;
	char on[64];

	(void)state;
	scene_open(&s);
	dump();
	item = the_item();
	(void)snprintf(on, sizeof(on), "{\"name\":\"case-1\",\"on\":\"e%llu\",\"matter\":\"x\"}",
		       (unsigned long long)item);
	assert_int_equal(scene_command(&s, ERIN, COMMAND_HOLD_PLACE, on)->code, 200);
	assert_int_equal(scene_command(&s, ERIN, COMMAND_HOLD_PLACE,
				       "{\"name\":\"case-2\",\"on\":\"pg-role:app\"}")
			     ->code,
			 200);
	assert_int_equal(scene_command(&s, ERIN, COMMAND_HOLD_PLACE,
				       "{\"name\":\"case-2\",\"on\":\"pg-role:app\"}")
			     ->code,
			 403);
	assert_says(about(BOB, COMMAND_EVIDENCE_DESTROY, item, "")->text, "legal_hold");
	assert_says(scene_call(&s, "db___scrub", LOGIN, 0), "legal_hold");
	scene_pass(UINT64_C(91) * DAY_MS); /* its time is over, and it is held all the same */
	assert_says(about(BOB, COMMAND_EVIDENCE_DESTROY, item, "")->text, "legal_hold");
	assert_int_equal(
	    scene_command(&s, ERIN, COMMAND_HOLD_RELEASE, "{\"name\":\"case-1\"}")->code, 403);
	assert_int_equal(
	    scene_command(&s, BOB, COMMAND_HOLD_RELEASE, "{\"name\":\"case-1\"}")->code, 200);
	assert_says(about(BOB, COMMAND_EVIDENCE_DESTROY, item, "")->text, "legal_hold");
	assert_says(scene_command(&s, ERIN, COMMAND_HOLD_LIST, "{}")->text, "case-2");
	assert_int_equal(
	    scene_command(&s, BOB, COMMAND_HOLD_RELEASE, "{\"name\":\"case-2\"}")->code, 200);
	assert_says(about(BOB, COMMAND_EVIDENCE_DESTROY, item, "")->text, "\"destroyed\"");
	scene_settle(&s);
	read_log();
	assert_int_equal(count_events("held"), 2);
	assert_int_equal(count_events("released"), 2);
	assert_str(scene_last(&disk, LEAF_EVIDENCE_DESTROYED)->evidence_destroyed.authority,
		   "expired");
	scene_free_log(&disk);
}

static void time_is_changed_by_custodians_and_shortened_by_two(void **state)
{
	uint64_t item;

	(void)state;
	scene_open(&s);
	dump();
	item = the_item();
	assert_int_equal(about(ERIN, COMMAND_EVIDENCE_KEEP, item, ",\"keep_s\":99999999")->code,
			 403);
	assert_says(about(BOB, COMMAND_EVIDENCE_KEEP, item, ",\"keep_s\":99999999")->text,
		    "\"kept\"");
	assert_says(about(BOB, COMMAND_EVIDENCE_KEEP, item, ",\"keep_s\":60")->text, "proposed");
	assert_says(about(CAROL, COMMAND_EVIDENCE_KEEP, item, ",\"keep_s\":120")->text, "proposed");
	assert_says(about(BOB, COMMAND_EVIDENCE_KEEP, item, ",\"keep_s\":120")->text, "\"kept\"");
	read_log();
	assert_true(scene_last(&disk, LEAF_EVIDENCE_KEEP)->evidence_keep.keep_until ==
		    scene_last(&disk, LEAF_EVIDENCE_CAPTURED)->t + 120 * 1000);
	scene_free_log(&disk);
}

static void a_hold_reaches_what_is_captured_after_it(void **state)
{
	(void)state;
	scene_open(&s);
	assert_int_equal(scene_command(&s, BOB, COMMAND_HOLD_PLACE,
				       "{\"name\":\"case-1\",\"on\":\"pg-role:app\"}")
			     ->code,
			 200);
	dump();
	assert_says(about(BOB, COMMAND_EVIDENCE_DESTROY, the_item(), "")->text, "legal_hold");
	read_log();
	assert_int_equal(count_events("held"), 1);
	scene_free_log(&disk);
}

/* ---- waivers ---- */

static const struct heard_reply *waive(uint32_t uid)
{
	char body[256];

	(void)snprintf(body, sizeof(body),
		       "{\"task\":\"t%llu\",\"tool\":\"db___scrub\",\"targets\":[\"pg-role:app\"],"
		       "\"why\":\"people are in danger\"}",
		       (unsigned long long)s.task);
	return scene_command(&s, uid, COMMAND_WAIVE, body);
}

static void two_persons_waive_evidence_for_one_call(void **state)
{
	(void)state;
	scene_open(&s);
	assert_int_equal(waive(ERIN)->code, 403);
	assert_says(waive(BOB)->text, "proposed");
	assert_says(scene_call(&s, "db___scrub", LOGIN, 0), "evidence_required");
	/* not its owner, nor its deputy, nor who answers for the task */
	assert_says(waive(CAROL)->text, "approver_conflict");
	assert_says(waive(DAVE)->text, "approver_conflict");
	assert_says(waive(ALICE)->text, "approver_conflict");
	assert_says(scene_call(&s, "db___scrub", LOGIN, 0), "evidence_required");
	scene_close(&s);

	/* the other way round: anybody may propose */
	scene_open(&s);
	assert_says(waive(CAROL)->text, "proposed");
	assert_says(waive(BOB)->text, "granted");
	assert_says(scene_call(&s, "db___scrub", LOGIN, 0), "can_login");
	assert_says(scene_call(&s, "db___scrub", LOGIN, 0), "evidence_required");
	assert_int_equal(scene_admitted(&s, "scrub"), 1);
	scene_close(&s);
}

/* ---- any schedule ---- */

static uint64_t random_state;

static uint64_t next_random(uint64_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 20) % below;
}

static void run_for_a_while(void)
{
	for (uint64_t i = next_random(4); i > 0; i--) {
		scene_step(&s, 2);
	}
}

static void release_stored(void)
{
	if (s.held_stored.kind == MESSAGE_STORED) {
		scene_release_stored(&s);
	}
	s.holds_stored = false;
}

static void restart(void)
{
	scene_kill(&s);
	s.held_stored.kind = MESSAGE_NONE;
	s.holds_stored = false;
	scene_start(&s);
}

/* Two persons, and whatever there is. */
static void destroy_newest(void)
{
	const char *list = scene_command(&s, ALICE, COMMAND_EVIDENCE_LIST, "{}")->text;

	if (strstr(list, "\"id\":\"e")) {
		uint64_t item = scene_id(list, "id", 'e');

		(void)about(BOB, COMMAND_EVIDENCE_DESTROY, item, "");
		(void)about(CAROL, COMMAND_EVIDENCE_DESTROY, item, "");
	}
}

/* Asks, and mostly waits for the answer: it may never come. */
static void ask_something(void)
{
	static const char *const tools[] = {"db___dump", "db___scrub", "db___purge"};
	uint64_t req = scene_ask(&s, RESPONDER, s.task, tools[next_random(3)], LOGIN, 0);

	for (uint64_t i = next_random(3) * 10; i > 0 && !scene_reply(&s, req); i--) {
		scene_step(&s, 5);
	}
}

static void do_something(void)
{
	switch (next_random(12)) {
	case 0:
		restart();
		break;
	case 1:
		s.refuses_puts = !s.refuses_puts;
		break;
	case 2:
		s.holds_stored = true;
		break;
	case 3:
		release_stored();
		break;
	case 4:
		destroy_newest();
		break;
	default:
		ask_something();
		break;
	}
	run_for_a_while();
}

/* No captured leaf without its object, no object and no key without their leaf. */
static void what_is_there_is_what_the_log_says(void)
{
	size_t n_items = 0;

	for (size_t i = 0; i < disk.n; i++) {
		const struct leaf_evidence_captured *c = &disk.leaves[i].evidence_captured;
		bool is_destroyed = false;

		if (disk.leaves[i].kind != LEAF_EVIDENCE_CAPTURED) {
			continue;
		}
		for (size_t k = i; k < disk.n; k++) {
			is_destroyed |= disk.leaves[k].kind == LEAF_EVIDENCE_DESTROYED &&
					disk.leaves[k].evidence_destroyed.evidence == i;
		}
		n_items += !is_destroyed;
		assert_int_equal(scene_object(&s, str_of(c->object.bytes, 32)) != NULL,
				 !is_destroyed);
		assert_int_equal(has_key(c->key, ".evidence"), !is_destroyed);
	}
	assert_int_equal(count_objects(), n_items);
	assert_int_equal(count_keys(".evidence"), n_items);
}

static void no_schedule_of_calls_crashes_and_faults_breaks_a_rule(void **state)
{
	static size_t ran; /* over all seeds: a test in which nothing runs says nothing */

	(void)state;
	for (uint64_t seed = 1; seed <= 2; seed++) {
		random_state = seed * 2654435761u + 88172645463325252u;
		if (seed > 1) {
			assert_int_equal(scene_remove_place(state), 0);
			assert_int_equal(scene_make_place(state), 0);
		}
		scene_open(&s);
		for (int step = 0; step < 50; step++) {
			do_something();
		}
		release_stored();
		restart();
		scene_settle(&s);
		scene_settle(&s);
		ran += scene_admitted(&s, "scrub") + scene_admitted(&s, "purge");
		read_log();
		audit_log();
		what_is_there_is_what_the_log_says();
		scene_free_log(&disk);
	}
	assert_true(ran > 5);
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, scene_make_place, scene_remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    SCENE_TEST(a_call_that_needs_evidence_runs_once_a_read_has_given_it),
	    SCENE_TEST(a_call_waits_while_its_evidence_is_being_stored),
	    SCENE_TEST(remit_itself_preserves_what_is_missing),
	    SCENE_TEST(what_cannot_be_preserved_is_not_remedied),
	    SCENE_TEST(a_store_that_keeps_something_else_is_not_believed),
	    SCENE_TEST(nobody_waits_for_a_store_that_does_not_answer),
	    SCENE_TEST(the_end_of_a_task_ends_the_waiting_too),
	    SCENE_TEST(an_object_without_its_leaf_is_swept),
	    SCENE_TEST(an_object_that_is_not_there_any_more_counts_for_nothing),
	    SCENE_TEST(a_check_compares_the_object_with_the_log),
	    SCENE_TEST(who_reads_evidence_is_on_the_record_before_a_byte_is_given),
	    SCENE_TEST(two_persons_destroy_and_nothing_is_left_of_it),
	    SCENE_TEST(a_destruction_goes_on_after_an_end_in_the_middle),
	    SCENE_TEST(time_and_holds_keep_what_one_person_would_destroy),
	    SCENE_TEST(time_is_changed_by_custodians_and_shortened_by_two),
	    SCENE_TEST(a_hold_reaches_what_is_captured_after_it),
	    SCENE_TEST(two_persons_waive_evidence_for_one_call),
	    SCENE_TEST(no_schedule_of_calls_crashes_and_faults_breaks_a_rule),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
