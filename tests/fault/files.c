/* SPDX-License-Identifier: Apache-2.0 */
/* What the keeper and the publisher write, on a disk that fails at the n-th operation or forgets
 * what was not synced, for every n: the published log, the keeper's keys, its record of what it
 * signed. What writes through struct log_io is tested on the simulated disk (docs/simulation.md).
 */
#include "test.h"

#include "forgetful.h"

#include "keeper/keys.h"
#include "keeper/record.h"

static char top[64];
static char root[128];

static const enum forget faults[] = {FORGET_ERROR, FORGET_POWER};

/* ---- the published log ---- */

static const uint8_t seed[32] = {3};
static struct tlog_vkey key;

static enum rc sign(uint64_t size, const struct tlog_hash *at, struct buf *note, struct err *e)
{
	AUTO_BUF text = BUF_INIT(1024);
	struct tlog_checkpoint c = {.origin = str_from(key.name), .size = size, .root = *at};

	TRY(tlog_checkpoint_print(&c, &text, e));
	return tlog_note_sign(note, buf_view(&text), &key, seed, e);
}

static enum rc publish_to(struct tlog_writer *w, uint64_t size, struct err *e)
{
	AUTO_BUF note = BUF_INIT(4096);
	struct tlog_hash at;

	while (tlog_writer_size(w) < size) {
		char text[32];
		int n = snprintf(text, sizeof(text), "leaf %ju", (uintmax_t)tlog_writer_size(w));

		TRY(tlog_writer_append(w, str_of(text, (size_t)n), e));
	}
	TRY(tlog_writer_flush(w, &at, e));
	TRY(sign(size, &at, &note, e));
	return tlog_writer_publish(w, buf_view(&note), &key, e);
}

static uint64_t published(void)
{
	AUTO_TLOG_DIR d = NULL;
	AUTO_BUF note = BUF_INIT(TLOG_NOTE_MAX_BYTES);
	struct tlog_checkpoint c;
	struct err e = ERR_INIT;

	if (tlog_dir_open(root, &d, &e) != RC_OK ||
	    tlog_dir_read_checkpoint(d, &note, &e) != RC_OK) {
		return 0;
	}
	assert_ok(tlog_checkpoint_open(buf_view(&note), &key, &c, &e));
	return c.size;
}

static const uint64_t sizes[] = {3, 200, 256, 300, 520, 777};

/* Publishes as far as it gets. Returns the size that was acknowledged last. */
static uint64_t publish_all(void)
{
	AUTO_TLOG_WRITER w = NULL;
	uint64_t done = published();
	struct err e = ERR_INIT;

	if (tlog_writer_open(root, done, &w, &e) != RC_OK) {
		return done;
	}
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		if (sizes[i] > done) {
			if (publish_to(w, sizes[i], &e) != RC_OK) {
				return done;
			}
			done = sizes[i];
		}
	}
	return done;
}

static bool survive_publishing(enum forget fault, uint64_t n)
{
	struct tlog_report report;
	struct err e = ERR_INIT;
	uint64_t done;
	bool has_failed;

	forget_begin(root, fault, n);
	done = publish_all();
	has_failed = forget_end();
	/* What was acknowledged is there and whole; what was begun is not in the way. */
	assert_true(published() >= done);
	if (published() > 0 && tlog_verify_dir(root, &key, NULL, NULL, &report, &e) != RC_OK) {
		fail_msg("operation %ju: %s", (uintmax_t)n, e.msg);
	}
	assert_int_equal(publish_all(), sizes[ARRAY_LEN(sizes) - 1]);
	assert_ok(tlog_verify_dir(root, &key, NULL, NULL, &report, &e));
	forget_remove(root);
	return has_failed;
}

static void a_published_log_is_whole_whatever_fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		uint64_t n = 1;

		while (survive_publishing(faults[i], n)) {
			n++;
		}
		assert_true(n > 100);
	}
}

/* ---- the keeper's record ---- */

static const struct str origin = {"test.example/log", 16};

static struct record record_of(uint64_t size)
{
	return (struct record){.size = size, .root = {.bytes = {(uint8_t)size, 1}}};
}

static bool survive_signing(enum forget fault, uint64_t n)
{
	struct record r;
	struct err e = ERR_INIT;
	uint64_t stored = 0;
	bool has_failed;

	(void)mkdir(root, 0700);
	assert_ok(record_create(root, origin, &e)); /* before anything fails */
	forget_begin(root, fault, n);
	for (uint64_t size = 1; size <= 6; size++) {
		r = record_of(size);
		if (record_store(root, origin, &r, &e) != RC_OK) {
			break;
		}
		stored = size;
	}
	has_failed = forget_end();
	/* Never older than what was acknowledged: a rollback would not be noticed. */
	assert_ok(record_load(root, origin, &r, &e));
	assert_true(r.size >= stored && r.size <= stored + 1);
	assert_int_equal(r.root.bytes[0], r.size ? (uint8_t)r.size : 0);
	forget_remove(root);
	return has_failed;
}

static void what_was_signed_is_remembered_whatever_fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		uint64_t n = 1;

		while (survive_signing(faults[i], n)) {
			n++;
		}
		assert_true(n > 4 * 6);
	}
}

/* ---- the keeper's keys ---- */

static bool survive_creation(enum forget fault, uint64_t n, const char *anchor)
{
	char dir[160];
	char vkey[160];
	struct keeper_keys keys = {0};
	struct keeper_keys again = {0};
	struct err e = ERR_INIT;
	enum rc rc;
	bool has_failed;

	(void)snprintf(dir, sizeof(dir), "%s/keeper", root);
	(void)snprintf(vkey, sizeof(vkey), "%s/log.vkey", root);
	forget_begin(root, fault, n);
	if (anchor) {
		(void)__real_mkdir(anchor, 0700);
	}
	rc = keeper_keys_create(dir, anchor, origin, vkey, &e);
	has_failed = forget_end();
	assert_true(rc == RC_OK || has_failed);
	/* All of them or none; and none are made again. */
	if (keeper_keys_load(dir, origin, &keys, &e) != RC_OK) {
		assert_true(rc != RC_OK);
		assert_ok(keeper_keys_create(dir, anchor, origin, vkey, &e));
		assert_ok(keeper_keys_load(dir, origin, &keys, &e));
	}
	assert_ok(keeper_keys_load(dir, origin, &again, &e));
	assert_memory_equal(keys.vkey.key, again.vkey.key, sizeof(keys.vkey.key));
	keeper_keys_fini(&keys);
	keeper_keys_fini(&again);
	forget_remove(root);
	return has_failed;
}

static void keys_are_made_whole_or_not_at_all(void **state)
{
	(void)state;
	char anchor[160];

	(void)snprintf(anchor, sizeof(anchor), "%s/anchor", root);
	for (size_t i = 0; i < 2 * ARRAY_LEN(faults); i++) {
		uint64_t n = 1;

		while (survive_creation(faults[i / 2], n, i % 2 ? anchor : NULL)) {
			n++;
		}
		assert_true(n > 15);
	}
}

static int set_up(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	memcpy(top, "/tmp/remit-forget-XXXXXX", 25);
	assert_ok(tlog_vkey_from_seed(&key, STR("test.example/log"), TLOG_KEY_ED25519, seed, &e));
	return mkdtemp(top) && snprintf(root, sizeof(root), "%s/root", top) > 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	forget_remove(top);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_published_log_is_whole_whatever_fails),
	    cmocka_unit_test(what_was_signed_is_remembered_whatever_fails),
	    cmocka_unit_test(keys_are_made_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
