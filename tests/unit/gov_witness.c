/* SPDX-License-Identifier: Apache-2.0 */
/* The governor and the witnesses of its log, which are played here. */
#include "shard_scene.h"

#include <tlog.h>

static struct scene s;
static struct scene_log disk;

/* ---- Witnesses w0, w1, w2: two of them are a quorum ---- */

enum { WITNESSES = 3 };

static struct played {
	bool is_silent;
	bool is_forged;	 /* it signs with another key */
	uint64_t claims; /* it says it holds so many, whatever it is shown; 0 = it is honest */
	bool disputes;	 /* it finds that what it is shown is no extension */
	uint64_t size;	 /* what it holds */
	struct tlog_hash root;
	size_t n_asked;
} played[WITNESSES];

static void seed_of(size_t i, uint8_t seed[32])
{
	memset(seed, (int)(40 + i), 32);
}

static void key_of(size_t i, struct tlog_vkey *ret)
{
	uint8_t seed[32];
	char name[32];

	seed_of(i, seed);
	(void)snprintf(name, sizeof(name), "w%zu.example", i);
	assert_ok(tlog_vkey_from_seed(ret, str_from(name), TLOG_KEY_COSIGNATURE, seed, NULL));
}

/* What a witness must do (tlog-witness), with the proof checked for itself. */
static void judge(struct played *w, size_t i, const struct msg_witness_ask *m,
		  struct msg_witness_answer *ret, uint8_t signature[64])
{
	AUTO_TLOG_HASHER h = tlog_hasher_new();
	AUTO_BUF line = BUF_INIT(1024);
	struct tlog_cosignature c;
	struct tlog_proof proof = {.n = (uint32_t)(m->proof.n / 32)};
	struct tlog_vkey log_key;
	struct tlog_vkey key;
	struct tlog_checkpoint cp;
	struct tlog_note note;
	uint8_t seed[32];

	scene_key(&log_key);
	assert_ok(tlog_checkpoint_open(m->note, &log_key, &cp, NULL));
	assert_ok(tlog_note_parse(m->note, &note, NULL));
	if (w->claims || m->old_size != w->size) {
		ret->said = WITNESS_HOLDS;
		ret->size = w->claims ? w->claims : w->size;
		return;
	}
	if (m->proof.n) {
		memcpy(proof.hashes, m->proof.p, m->proof.n);
	}
	assert_true(tlog_consistency_holds(h, &proof, w->size, &w->root, cp.size, &cp.root));
	if (w->disputes) {
		ret->said = WITNESS_DISPUTES;
		return;
	}
	w->size = cp.size;
	w->root = cp.root;
	key_of(i, &key);
	seed_of(w->is_forged ? 99 : i, seed);
	assert_ok(tlog_note_cosign(&line, note.text, &key, seed, 1800000000, NULL));
	if (w->is_forged) {
		memset(signature, 7, 64);
	} else {
		assert_ok(tlog_cosignature_find(buf_view(&line), note.text, &key, &c, NULL));
		memcpy(signature, c.signature, 64);
	}
	ret->said = WITNESS_COSIGNED;
	ret->unix_s = 1800000000;
	ret->signature = str_of(signature, 64);
}

static void as_witness(struct scene *scene, const struct msg_witness_ask *m)
{
	struct message r = {.kind = MESSAGE_WITNESS_ANSWER, .witness_answer = {.id = m->id}};
	uint8_t signature[64];
	size_t i = (size_t)(m->witness.p[1] - '0');

	assert_true(m->witness.n == 2 && i < WITNESSES);
	played[i].n_asked++;
	if (played[i].is_silent) {
		r.witness_answer.detail = STR("connection refused");
	} else {
		judge(&played[i], i, m, &r.witness_answer, signature);
	}
	scene_send(scene, COURIER, &r);
}

static void write_policy(struct buf *b)
{
	for (size_t i = 0; i < WITNESSES; i++) {
		struct tlog_vkey key;

		key_of(i, &key);
		assert_ok(buf_addf(b, "witness w%zu ", i));
		assert_ok(tlog_vkey_print(&key, b));
		assert_ok(buf_addf(b, " https://w%zu.example/\n", i));
	}
	assert_ok(buf_add(b, STR("group two 2 w0 w1 w2\nquorum two\n")));
}

/* The deployment with that policy, and with that required. */
static void set_up_patient(const char *required_for, const char *away_after)
{
	AUTO_BUF policy = BUF_INIT(65536);
	AUTO_BUF remit = BUF_INIT(65536);
	char path[256];

	memset(played, 0, sizeof(played));
	write_policy(&policy);
	scene_write("deployment/witnesses.policy", buf_view(&policy));
	scene_path(path, "deployment/remit.yaml");
	assert_ok(file_read(path, &remit, NULL));
	assert_ok(buf_addf(&remit,
			   "witnesses: {every: 100ms, away_after: %s, required_for: [%s]}\n",
			   away_after, required_for));
	scene_write("deployment/remit.yaml", buf_view(&remit));
}

static void set_up(const char *required_for)
{
	set_up_patient(required_for, "200ms");
}

/* As scene_open, which forgets how the others behave. */
static void open_scene(void)
{
	memset(&s, 0, sizeof(s));
	s.can_login = true;
	s.as_witness = as_witness;
	scene_start(&s);
	s.incident = scene_id(scene_command(&s, ERIN, COMMAND_INCIDENT_OPEN,
					    "{\"class\":\"abuse\",\"severity\":3,\"service\":"
					    "\"shop\",\"environment\":\"production\",\"assets\":"
					    "[\"pg-role:app\",\"pg-role:root\"]}")
				  ->text,
			      "incident", 'i');
	scene_open_task(&s);
}

/* Until that call is answered so. Every call is a leaf, so there is always something to show. */
static void wait_until(const char *tool, const char *says)
{
	const char *text = "";

	for (int i = 0; i < 50; i++) { /* the playbook allows 60 calls */
		text = scene_call(&s, tool, LOGIN, 0);
		if (strstr(text, says)) {
			return;
		}
		for (int k = 0; k < 5; k++) {
			scene_step(&s, 20);
		}
	}
	fail_msg("never '%s': %s", says, text);
}

static void wait_for_status(const char *says)
{
	const char *text = "";

	for (int i = 0; i < SCENE_PATIENCE / 10; i++) {
		s.n_answers = 0;
		text = scene_command(&s, ALICE, COMMAND_STATUS, "{}")->text;
		if (strstr(text, says)) {
			return;
		}
		scene_step(&s, 20);
	}
	fail_msg("never '%s': %s", says, text);
}

/* How many leaves the policy accepts in that file of the published log; 0 = none. */
static uint64_t accepted(const char *name, size_t *ret_by)
{
	AUTO_BUF text = BUF_INIT(65536);
	AUTO_BUF note = BUF_INIT(65536);
	AUTO_TLOG_POLICY p = NULL;
	struct tlog_witnessed by = {0};
	struct tlog_checkpoint c = {0};
	struct tlog_vkey key;
	char path[256];

	write_policy(&text);
	assert_ok(tlog_policy_parse(buf_view(&text), &p, NULL));
	scene_key(&key);
	scene_path(path, name);
	if (file_read(path, &note, NULL) != RC_OK ||
	    tlog_policy_check(p, buf_view(&note), &key, &c, &by, NULL) != RC_OK) {
		return 0;
	}
	*ret_by = by.n;
	return c.size;
}

/* ---- Tests ---- */

static void a_quorum_cosigns_what_is_published(void **state)
{
	(void)state;
	uint64_t size = 0;
	size_t by = 0;

	set_up("");
	played[2].is_silent = true;
	open_scene();
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	for (int i = 0; i < SCENE_PATIENCE && !(size = accepted("state/log/checkpoint", &by));
	     i++) {
		scene_step(&s, 20);
	}
	assert_true(size > 0); /* an idle log is seen to its end */
	assert_int_equal(by, 2);
	assert_int_equal(accepted("state/log/checkpoint.witnessed", &by), size);
	wait_for_status("\"quorum\":\"ok\"");
	wait_for_status("{\"name\":\"w2\",\"state\":\"away\",\"holds\":0}");
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_WITNESS_AWAY), 0);
	assert_true(disk.n >= size);
	scene_free_log(&disk);
}

static void what_requires_witnesses_waits_for_them_and_nothing_else_does(void **state)
{
	(void)state;
	set_up("read");
	played[0].is_silent = true;
	played[1].is_silent = true;
	open_scene();
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "not_witnessed");
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "\\\"muted\\\":true"); /* control */
	played[1].is_silent = false;
	wait_until("db___look", "can_login");
	/* Two of three are there; with one of them away a quorum is not. */
	played[2].is_silent = true;
	wait_until("db___look", "not_witnessed");
	wait_for_status("\"quorum\":\"away\"");
	/* It stays so over a restart, until a quorum of the new life has seen the log. */
	scene_kill(&s);
	scene_start(&s);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "not_witnessed");
	played[0].is_silent = false;
	wait_until("db___look", "can_login");
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_WITNESS_AWAY), 2);
	assert_int_equal(scene_count(&disk, LEAF_WITNESS_BACK), 2);
	assert_str(scene_last(&disk, LEAF_WITNESS_AWAY)->witness_away.why, "silent");
	scene_free_log(&disk);
}

static void a_cosignature_that_does_not_verify_counts_for_nothing(void **state)
{
	(void)state;
	set_up("read");
	played[0].is_silent = true;
	played[1].is_forged = true;
	open_scene();
	for (int i = 0; i < SCENE_PATIENCE && played[1].n_asked < 3; i++) {
		scene_step(&s, 20);
	}
	assert_true(played[1].n_asked >= 3);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "not_witnessed");
	played[1].is_forged = false;
	wait_until("db___look", "can_login");
	scene_close(&s);
}

static void a_witness_that_has_seen_more_than_there_is_stops_all_changes(void **state)
{
	(void)state;
	set_up("");
	open_scene();
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	played[2].claims = 1000000;
	for (int i = 0; i < 40; i++) { /* something new to be shown */
		(void)scene_call(&s, "db___look", LOGIN, 0);
		scene_step(&s, 20);
		if (strstr(scene_command(&s, ALICE, COMMAND_STATUS, "{}")->text, "\"disputed\"")) {
			break;
		}
	}
	wait_for_status("\"quorum\":\"disputed\"");
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "not_witnessed");
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "holds another log");
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	scene_close(&s);
	scene_read_log(&disk);
	assert_str(scene_last(&disk, LEAF_WITNESS_AWAY)->witness_away.why, "disputed");
	assert_str(scene_last(&disk, LEAF_WITNESS_AWAY)->witness_away.witness, "w2");
	assert_int_equal(scene_last(&disk, LEAF_WITNESS_AWAY)->witness_away.theirs, 1000000);
	scene_free_log(&disk);
}

static void another_history_stops_all_changes_until_it_is_settled(void **state)
{
	(void)state;
	set_up("");
	played[1].disputes = true;
	open_scene();
	wait_for_status("\"quorum\":\"disputed\"");
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "not_witnessed");
	scene_kill(&s);
	played[1].disputes = false; /* it was told which log is right */
	scene_start(&s);
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "not_witnessed"); /* the fact stands */
	wait_for_status("\"quorum\":\"ok\"");
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "\\\"muted\\\":true");
	scene_close(&s);
}

static void a_witness_says_where_it_stands_after_a_restart(void **state)
{
	(void)state;
	uint64_t before;

	set_up("read");
	open_scene();
	wait_until("db___look", "can_login");
	before = played[0].size;
	assert_true(before > 0);
	scene_kill(&s);
	scene_start(&s); /* which believes that they hold nothing, and is corrected */
	wait_until("db___look", "can_login");
	assert_true(played[0].size > before);
	scene_close(&s);
}

/* ---- Pruning ---- */

static const char *const unseen = "no quorum of witnesses has seen that the shard began";

/* Two shards, of which the first may go as far as its age is concerned. */
static void open_shards(const char *away_after)
{
	set_up_patient("", away_after);
	shard_set_up();
	memset(&s, 0, sizeof(s));
	s.as_witness = as_witness;
	scene_start(&s);
	shard_begin(&s, 1);
	shard_begin(&s, 2);
}

static void nothing_is_pruned_that_a_quorum_has_not_seen(void **state)
{
	(void)state;

	open_shards("200ms");
	shard_wait(&s, 1, "\"prunable\":true"); /* control: they have seen it */
	played[0].is_silent = true;
	played[1].is_silent = true;
	shard_leaf(&s);
	wait_for_status("\"quorum\":\"away\"");
	shard_wait(&s, 1, unseen); /* although they had seen it: what follows may be made up */
	assert_int_equal(shard_prune(&s, ALICE, 1)->code, 403);
	assert_says(shard_prune(&s, ALICE, 1)->text, unseen);
	played[1].is_silent = false;
	shard_wait(&s, 1, "\"prunable\":true"); /* control: two of three are back */
	assert_says(shard_prune(&s, ALICE, 1)->text, "proposed");
	played[1].is_silent = true;
	shard_leaf(&s);
	wait_for_status("\"quorum\":\"away\"");
	assert_int_equal(shard_prune(&s, BOB, 1)->code, 403); /* between two persons too */
	played[1].is_silent = false;
	shard_wait(&s, 1, "\"prunable\":true");
	assert_says(shard_prune(&s, BOB, 1)->text, "\"pruned\"");
	scene_close(&s);
}

/* Each life asks anew: the log could have been put back while nobody ran. */
static void what_an_earlier_life_was_told_prunes_nothing(void **state)
{
	(void)state;

	open_shards("24h"); /* so long nothing is said of those who do not answer */
	shard_wait(&s, 1, "\"prunable\":true"); /* control */
	scene_kill(&s);
	s.as_witness = NULL; /* nobody answers */
	scene_start(&s);
	shard_wait(&s, 1, unseen);
	assert_int_equal(shard_prune(&s, ALICE, 1)->code, 403);
	scene_kill(&s);
	s.as_witness = as_witness;
	scene_start(&s);
	shard_wait(&s, 1, "\"prunable\":true");
	scene_close(&s);
}

static void a_log_that_a_witness_disputes_is_not_pruned(void **state)
{
	(void)state;

	open_shards("200ms");
	shard_wait(&s, 1, "\"prunable\":true"); /* control */
	played[2].claims = 1000000;
	shard_leaf(&s);
	wait_for_status("\"quorum\":\"disputed\"");
	shard_wait(&s, 1, unseen);
	assert_int_equal(shard_prune(&s, ALICE, 1)->code, 403);
	scene_close(&s);
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, scene_make_place, scene_remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    SCENE_TEST(a_quorum_cosigns_what_is_published),
	    SCENE_TEST(what_requires_witnesses_waits_for_them_and_nothing_else_does),
	    SCENE_TEST(a_cosignature_that_does_not_verify_counts_for_nothing),
	    SCENE_TEST(a_witness_that_has_seen_more_than_there_is_stops_all_changes),
	    SCENE_TEST(another_history_stops_all_changes_until_it_is_settled),
	    SCENE_TEST(a_witness_says_where_it_stands_after_a_restart),
	    SCENE_TEST(nothing_is_pruned_that_a_quorum_has_not_seen),
	    SCENE_TEST(what_an_earlier_life_was_told_prunes_nothing),
	    SCENE_TEST(a_log_that_a_witness_disputes_is_not_pruned),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
