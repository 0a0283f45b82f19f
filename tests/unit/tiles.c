/* SPDX-License-Identifier: Apache-2.0 */
/* From the durable log to a checkpoint that a stranger verifies. */
#include "test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "governor/tiles.h"

static char dir[64];
static char segments[96];
static char out[96];
static struct tlog_vkey key;
static const uint8_t seed[32] = {3};
static struct log_io_system *system_io;
static struct log_io io;
static struct segment_log *l;

static int make(void **state)
{
	struct segment_options options = {
	    .origin = STR("test.example/log"),
	    .segment_bytes = SEGMENT_MIN_BYTES,
	    .may_create = true,
	};

	(void)state;
	(void)snprintf(dir, sizeof(dir), "%s/remit-tiles-XXXXXX",
		       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(segments, sizeof(segments), "%s/segments", dir);
	(void)snprintf(out, sizeof(out), "%s/log", dir);
	assert_ok(file_mkdirs(segments, 0700, NULL));
	assert_ok(log_io_system_new(segments, &system_io, NULL));
	io = log_io_system_table(system_io);
	l = NULL;
	assert_ok(segment_open(&io, &options, NULL, NULL, &l, NULL));
	assert_ok(tlog_vkey_from_seed(&key, STR("test.example/log"), TLOG_KEY_ED25519, seed, NULL));
	return 0;
}

static int unmake(void **state)
{
	char command[128];

	(void)state;
	segment_free(l);
	log_io_system_free(system_io);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static void grow(uint64_t until)
{
	while (segment_next_index(l) < until) {
		char text[64];
		int n =
		    snprintf(text, sizeof(text), "{\"n\":%ju}", (uintmax_t)segment_next_index(l));
		struct segment_value v = {.bytes = STR("beside the tree")};

		assert_ok(segment_append(l, str_of(text, (size_t)n), &v, 1, NULL, NULL, NULL));
		if (segment_next_index(l) % 11 == 0) {
			assert_ok(segment_commit(l, NULL));
		}
	}
	assert_ok(segment_commit(l, NULL));
}

/* What a keeper does: it signs only a consistent extension of what it signed last. */
static struct tlog_hash last_root;

static void keeper_sign(const struct tiles_to_sign *s, struct buf *note)
{
	AUTO_TLOG_HASHER h = tlog_hasher_new();
	AUTO_BUF text = BUF_INIT(1024);
	struct tlog_checkpoint c = {.origin = str_from(key.name), .size = s->size, .root = s->root};

	assert_true(
	    tlog_consistency_holds(h, &s->consistency, s->old_size, &last_root, s->size, &s->root));
	last_root = s->root;
	assert_ok(tlog_checkpoint_print(&c, &text, NULL));
	assert_ok(tlog_note_sign(note, buf_view(&text), &key, seed, NULL));
}

static void prepare_and_publish(struct tiles *t)
{
	AUTO_BUF note = BUF_INIT(4096);
	struct segment_snapshot durable = segment_snapshot(l);
	struct tiles_to_sign s;
	struct err e = ERR_INIT;

	if (tiles_prepare(t, &durable, &s, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	assert_int_equal(s.size, durable.size);
	keeper_sign(&s, &note);
	assert_ok(tiles_publish(t, buf_view(&note), NULL));
	assert_int_equal(tiles_published_size(t), durable.size);
}

static void verify(uint64_t size)
{
	struct tlog_report report;
	struct err e = ERR_INIT;

	if (tlog_verify_dir(out, &key, NULL, NULL, &report, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	assert_int_equal(report.size, size);
}

static void a_growing_log_is_published_and_verifies(void **state)
{
	(void)state;
	static const uint64_t sizes[] = {1, 2, 30, 256, 300, 900, 2000};
	AUTO_TILES t = NULL;

	assert_ok(tiles_open(out, &key, &io, &t, NULL));
	assert_int_equal(tiles_published_size(t), 0);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		grow(sizes[i]);
		prepare_and_publish(t);
		verify(sizes[i]);
	}
}

static void publishing_goes_on_after_a_restart(void **state)
{
	(void)state;
	for (uint64_t size = 100; size <= 1500; size += 350) {
		AUTO_TILES t = NULL;

		grow(size);
		assert_ok(tiles_open(out, &key, &io, &t, NULL));
		prepare_and_publish(t);
		verify(size);
	}
}

static void what_was_prepared_and_never_signed_is_prepared_again(void **state)
{
	(void)state;
	struct segment_snapshot durable;
	struct tiles_to_sign s;

	grow(400);
	{
		AUTO_TILES t = NULL;

		assert_ok(tiles_open(out, &key, &io, &t, NULL));
		prepare_and_publish(t);
		grow(700);
		durable = segment_snapshot(l);
		assert_ok(tiles_prepare(t, &durable, &s, NULL));
		grow(800);
		prepare_and_publish(t); /* from 400, though 700 was prepared */
		verify(800);
		grow(1000);
		durable = segment_snapshot(l);
		assert_ok(tiles_prepare(t, &durable, &s, NULL)); /* and the process dies */
	}
	{
		AUTO_TILES t = NULL;

		assert_ok(tiles_open(out, &key, &io, &t, NULL));
		assert_int_equal(tiles_published_size(t), 800);
		prepare_and_publish(t);
		verify(1000);
	}
}

static void a_keeper_that_is_ahead_gets_its_proof(void **state)
{
	(void)state;
	AUTO_TILES t = NULL;
	AUTO_TLOG_HASHER h = tlog_hasher_new();
	struct segment_snapshot at_50;
	struct segment_snapshot durable;
	struct tiles_to_sign s;
	struct tlog_proof p;

	grow(50);
	at_50 = segment_snapshot(l);
	assert_ok(tiles_open(out, &key, &io, &t, NULL));
	grow(90);
	durable = segment_snapshot(l);
	assert_ok(tiles_prepare(t, &durable, &s, NULL));
	assert_ok(tiles_prove(t, 50, &p, NULL));
	assert_true(tlog_consistency_holds(h, &p, 50, &at_50.root, 90, &durable.root));
	assert_rc(tiles_prove(t, 91, &p, NULL), RC_INPUT);
}

static void receipts_check_with_the_public_key(void **state)
{
	(void)state;
	AUTO_TILES t = NULL;
	AUTO_BUF text = BUF_INIT(TLOG_RECEIPT_MAX_BYTES);
	struct tlog_receipt r;

	grow(777);
	assert_ok(tiles_open(out, &key, &io, &t, NULL));
	prepare_and_publish(t);
	assert_ok(tiles_receipt(t, 600, &text, NULL));
	assert_ok(tlog_receipt_parse(buf_view(&text), &r, NULL));
	assert_ok(tlog_receipt_check(&r, STR("{\"n\":600}"), &key, NULL, NULL));
	assert_rc(tlog_receipt_check(&r, STR("{\"n\":601}"), &key, NULL, NULL), RC_DENIED);
	assert_rc(tiles_receipt(t, 777, &text, NULL), RC_ABSENT);
}

static void a_root_that_memory_does_not_confirm_is_not_offered(void **state)
{
	(void)state;
	AUTO_TILES t = NULL;
	struct segment_snapshot durable;
	struct tiles_to_sign s;

	grow(40);
	assert_ok(tiles_open(out, &key, &io, &t, NULL));
	durable = segment_snapshot(l);
	durable.root.bytes[7] ^= 1;
	assert_rc(tiles_prepare(t, &durable, &s, NULL), RC_BROKEN);
}

static void damaged_segments_and_tiles_are_not_offered(void **state)
{
	(void)state;
	AUTO_TILES t = NULL;
	struct segment_snapshot durable;
	struct tiles_to_sign s;
	char path[160];
	uint8_t byte = 0;
	int fd;

	grow(300);
	assert_ok(tiles_open(out, &key, &io, &t, NULL));
	prepare_and_publish(t);
	grow(310);
	(void)snprintf(path, sizeof(path), "%s/tile/1/000.p/1", out);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, 0), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, 0), 1);
	(void)close(fd);
	durable = segment_snapshot(l);
	assert_rc(tiles_prepare(t, &durable, &s, NULL), RC_BROKEN);
}

static void a_published_checkpoint_of_another_key_is_refused(void **state)
{
	(void)state;
	struct tiles *other = NULL;
	struct tlog_vkey wrong;

	grow(5);
	{
		AUTO_TILES t = NULL;

		assert_ok(tiles_open(out, &key, &io, &t, NULL));
		prepare_and_publish(t);
	}
	assert_ok(tlog_vkey_from_seed(&wrong, STR("test.example/log"), TLOG_KEY_ED25519,
				      (const uint8_t[32]){8}, NULL));
	assert_rc(tiles_open(out, &wrong, &io, &other, NULL), RC_DENIED);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_DIR(a_growing_log_is_published_and_verifies),
	    IN_DIR(publishing_goes_on_after_a_restart),
	    IN_DIR(what_was_prepared_and_never_signed_is_prepared_again),
	    IN_DIR(a_keeper_that_is_ahead_gets_its_proof),
	    IN_DIR(receipts_check_with_the_public_key),
	    IN_DIR(a_root_that_memory_does_not_confirm_is_not_offered),
	    IN_DIR(damaged_segments_and_tiles_are_not_offered),
	    IN_DIR(a_published_checkpoint_of_another_key_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
