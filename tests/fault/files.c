/* SPDX-License-Identifier: Apache-2.0 */
/* What the keeper and the publisher write and remove, on a disk that fails at the n-th operation or
 * forgets what was not synced, for every n: the published log, with what witnesses say and without
 * what was pruned, the keeper's keys, its record of what it signed. What writes through struct
 * log_io is tested on the simulated disk (docs/simulation.md).
 */
#include "test.h"

#include "forgetful.h"

#include "base/file.h"
#include "drill/disk.h"
#include "governor/prune.h"
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
	forget_begin(root, FORGET_NOTHING, 0); /* quick: nothing is really synced */
	assert_int_equal(publish_all(), sizes[ARRAY_LEN(sizes) - 1]);
	(void)forget_end(); /* nothing failed */
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

/* ---- what witnesses say of it ---- */

static const uint8_t witness_seed[32] = {4};
static struct tlog_vkey witness;

/* A note of the size that is published, with the witness's line. */
static enum rc cosign(struct buf *note, struct err *e)
{
	AUTO_TLOG_DIR d = NULL;
	struct tlog_note n;

	TRY(tlog_dir_open(root, &d, e));
	TRY(tlog_dir_read_checkpoint(d, note, e));
	TRY(tlog_note_parse(buf_view(note), &n, e));
	return tlog_note_cosign(note, n.text, &witness, witness_seed, 1800000000, e);
}

/* How many leaves a checkpoint file says there are; 0 = it is not there. It is the log's, and
 * cosigned if it must be. */
static uint64_t size_in(const char *name, bool must_be_cosigned)
{
	AUTO_BUF text = BUF_INIT(TLOG_NOTE_MAX_BYTES);
	struct tlog_checkpoint c;
	struct tlog_note n;
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	if (file_read(path, &text, NULL) != RC_OK) {
		return 0;
	}
	assert_ok(tlog_checkpoint_open(buf_view(&text), &key, &c, NULL));
	assert_ok(tlog_note_parse(buf_view(&text), &n, NULL));
	assert_true(!must_be_cosigned || strstr(text.p, witness.name));
	return c.size;
}

/* What was acknowledged. */
struct witnessing {
	uint64_t published;
	uint64_t witnessed;
};

/* Each size is published and cosigned, but the fourth, whose witness answers when the next is out.
 */
static enum rc witness_all(struct witnessing *w, struct err *e)
{
	AUTO_TLOG_WRITER writer = NULL;
	AUTO_BUF late = BUF_INIT(TLOG_NOTE_MAX_BYTES);

	TRY(tlog_writer_open(root, w->published, &writer, e));
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		AUTO_BUF note = BUF_INIT(TLOG_NOTE_MAX_BYTES);

		if (sizes[i] <= w->published) {
			continue;
		}
		TRY(publish_to(writer, sizes[i], e));
		w->published = sizes[i];
		TRY(cosign(i == 3 ? &late : &note, e));
		if (i == 3) {
			continue;
		}
		if (late.n) {
			TRY(tlog_writer_publish_witnessed(writer, buf_view(&late), &key, e));
			w->witnessed = sizes[3];
		}
		TRY(tlog_writer_publish_witnessed(writer, buf_view(&note), &key, e));
		w->witnessed = sizes[i];
		buf_reset(&late);
	}
	return RC_OK;
}

static bool survive_witnessing(enum forget fault, uint64_t n)
{
	struct witnessing w = {0};
	struct tlog_report report;
	struct err e = ERR_INIT;
	enum rc rc;
	bool has_failed;

	forget_begin(root, fault, n);
	rc = witness_all(&w, &e);
	has_failed = forget_end();
	assert_true(rc == RC_OK || has_failed);
	/* Neither file is ever less than was acknowledged, or half of it; and a cosigned one takes
	 * the place of no newer checkpoint. */
	assert_true(size_in("checkpoint", false) >= w.published);
	assert_true(size_in("checkpoint.witnessed", true) >= w.witnessed);
	assert_true(size_in("checkpoint.witnessed", true) <= size_in("checkpoint", false));
	if (published() > 0 && tlog_verify_dir(root, &key, NULL, NULL, &report, &e) != RC_OK) {
		fail_msg("operation %ju: %s", (uintmax_t)n, e.msg);
	}
	w.published = published();
	forget_begin(root, FORGET_NOTHING, 0);
	assert_ok(witness_all(&w, &e));
	(void)forget_end(); /* nothing failed */
	assert_int_equal(size_in("checkpoint", false), sizes[ARRAY_LEN(sizes) - 1]);
	forget_remove(root);
	return has_failed;
}

static void what_witnesses_say_is_there_whole_whatever_fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		uint64_t n = 1;

		while (survive_witnessing(faults[i], n)) {
			n++;
		}
		assert_true(n > 120);
	}
}

/* ---- pruning ---- */

/* Bundles 0 and 1 end below; leaf 600 is in the middle of the next. */
static const struct pruned pruned = {.first = 600, .leaf = 700};

static bool is_file(const char *name)
{
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	return access(path, F_OK) == 0;
}

/* What a writer left that was killed while it removed partials whose bundle was full. */
static void leave_partial(void)
{
	AUTO_BUF bundle = BUF_INIT(TLOG_BUNDLE_MAX_BYTES);
	char path[160];

	for (unsigned i = 0; i < 40; i++) {
		char text[32];
		int n = snprintf(text, sizeof(text), "leaf %u", 256 + i);

		assert_ok(tlog_bundle_add(&bundle, str_of(text, (size_t)n)));
	}
	(void)snprintf(path, sizeof(path), "%s/tile/entries/001.p", root);
	assert_ok(file_mkdirs(path, 0755, NULL));
	(void)snprintf(path, sizeof(path), "%s/tile/entries/001.p/40", root);
	assert_ok(file_replace(path, buf_view(&bundle), 0644, NULL));
}

/* The same leaves, where they are durable: on a disk that does not fail. */
static void fill(struct segment_log *l)
{
	struct err e = ERR_INIT;

	for (uint64_t i = 0; i < sizes[ARRAY_LEN(sizes) - 1]; i++) {
		char text[1024];
		int n = snprintf(text, sizeof(text), "leaf %ju %900s", (uintmax_t)i, "x");

		assert_ok(segment_append(l, str_of(text, (size_t)n), NULL, 0, NULL, NULL, &e));
		assert_ok(segment_commit(l, &e));
	}
}

static bool has_first_leaf(struct segment_log *l)
{
	AUTO_BUF b = BUF_INIT(LIMIT_BATCH_BYTES);
	struct segment_leaf leaf;

	return segment_read(l, 0, &b, &leaf, NULL) == RC_OK;
}

static bool has_bundles(void)
{
	return is_file("tile/entries/000") || is_file("tile/entries/001") ||
	       is_file("tile/entries/001.p");
}

/* A life that prunes as far as it gets. True: it says that all is gone. */
static bool prune_all(struct segment_log *l)
{
	struct prune p = {.dir = root, .what = pruned};
	enum rc rc = RC_AGAIN;

	while (rc == RC_AGAIN) {
		rc = prune_step(&p, l, NULL);
	}
	return rc == RC_OK;
}

/* A log of which all or the allowed part is there. */
static void check_pruned(struct segment_log *l, uint64_t n)
{
	AUTO_BUF text = BUF_INIT(PRUNED_TEXT_BYTES);
	struct pruned said = {0};
	struct tlog_report report;
	struct err e = ERR_INIT;
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/pruned", root);
	if (file_read(path, &text, NULL) == RC_OK) {
		assert_ok(pruned_parse(buf_view(&text), &said, NULL));
		assert_int_equal(said.first, pruned.first);
		assert_int_equal(said.leaf, pruned.leaf);
	}
	assert_true(said.first > 0 || has_first_leaf(l));
	if (tlog_verify_pruned(root, &key, said.first, NULL, NULL, &report, &e) != RC_OK) {
		fail_msg("operation %ju: %s", (uintmax_t)n, e.msg);
	}
}

static bool survive_pruning(enum forget fault, uint64_t n)
{
	static const struct segment_options options = {.origin = {"test.example/log", 16},
						       .segment_bytes = SEGMENT_MIN_BYTES,
						       .may_create = true};
	struct disk *d = disk_new(1);
	struct log_io io = disk_io(d);
	struct segment_log *l = NULL;
	bool is_done;
	bool has_failed;

	assert_ok(segment_open(&io, &options, NULL, NULL, &l, NULL));
	fill(l);
	forget_begin(root, FORGET_NOTHING, 0);
	assert_int_equal(publish_all(), sizes[ARRAY_LEN(sizes) - 1]);
	leave_partial();
	(void)forget_end(); /* nothing failed */
	forget_begin(root, fault, n);
	is_done = prune_all(l);
	if (is_done) {
		assert_false(has_bundles() || has_first_leaf(l));
		assert_int_equal(disk.n_changes, 0); /* nothing of it could be forgotten */
	}
	has_failed = forget_end();
	assert_true(is_done != has_failed);
	check_pruned(l, n);
	assert_true(prune_all(l)); /* a later life, or a later step */
	assert_false(has_bundles() || has_first_leaf(l));
	assert_true(is_file("tile/entries/002") && is_file("pruned"));
	check_pruned(l, n);
	segment_free(l);
	disk_free(d);
	forget_remove(root);
	return has_failed;
}

static void pruned_leaves_go_after_it_is_said_whatever_fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		uint64_t n = 1;

		while (survive_pruning(faults[i], n)) {
			n++;
		}
		assert_true(n > 8);
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
	/* What a disk forgets is simulated: a real one need not be waited for. */
	(void)snprintf(top, sizeof(top), "%s/remit-forget-XXXXXX",
		       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_ok(tlog_vkey_from_seed(&key, STR("test.example/log"), TLOG_KEY_ED25519, seed, &e));
	assert_ok(tlog_vkey_from_seed(&witness, STR("witness.example"), TLOG_KEY_COSIGNATURE,
				      witness_seed, &e));
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
	    cmocka_unit_test(what_witnesses_say_is_there_whole_whatever_fails),
	    cmocka_unit_test(pruned_leaves_go_after_it_is_said_whatever_fails),
	    cmocka_unit_test(what_was_signed_is_remembered_whatever_fails),
	    cmocka_unit_test(keys_are_made_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
