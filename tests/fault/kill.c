/* SPDX-License-Identifier: Apache-2.0 */
/* kill.c - the durable log, a real directory, and a writer that is killed without warning.
 *
 * The child commits and then tells the parent the durable size through a pipe; the parent kills
 * it at some moment, opens the log and compares. The same directory goes through all rounds.
 */
#include "test.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "governor/tiles.h"

enum { ROUNDS = 12, SEED = 20261122 };

static const struct segment_options options = {
    .origin = {"test.example/log", 16},
    .segment_bytes = 2 * SEGMENT_MIN_BYTES,
    .may_create = true,
};

static struct str leaf_text(uint64_t i, char out[1024])
{
	int n = snprintf(out, 1024, "leaf %ju %*s", (uintmax_t)i, (int)(i * 37 % 900), "x");

	return str_of(out, (size_t)n);
}

static enum rc check_leaf(void *ctx, const struct segment_leaf *leaf, struct err *e)
{
	uint64_t *n = ctx;
	char text[1024];

	if (leaf->index != *n || !str_eq(leaf->bytes, leaf_text(*n, text))) {
		FAIL(e, RC_INPUT, "leaf %ju is not what was appended", (uintmax_t)*n);
	}
	(*n)++;
	return RC_OK;
}

/* Never returns; exit statuses other than by signal fail the test. */
static void write_for_ever(const char *dir, int pipe_fd)
{
	struct log_io_system *s = NULL;
	struct segment_log *l = NULL;
	struct log_io io;
	char text[1024];

	if (log_io_system_new(dir, &s, NULL) != RC_OK) {
		_exit(2);
	}
	io = log_io_system_table(s);
	if (segment_open(&io, &options, NULL, NULL, &l, NULL) != RC_OK) {
		_exit(3);
	}
	for (;;) {
		uint64_t size;

		for (uint64_t k = segment_next_index(l) % 5; k < 5; k++) {
			if (segment_append(l, leaf_text(segment_next_index(l), text), NULL, 0, NULL,
					   NULL, NULL) != RC_OK) {
				_exit(4);
			}
		}
		if (segment_commit(l, NULL) != RC_OK) {
			_exit(5);
		}
		size = segment_durable_size(l);
		if (write(pipe_fd, &size, sizeof(size)) != sizeof(size)) {
			_exit(6);
		}
	}
}

/* The largest size that the child told, which it did only after the commit returned. */
static uint64_t kill_after(const char *dir, unsigned delay_us)
{
	uint64_t told = 0;
	uint64_t size;
	int ends[2];
	int status;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)close(ends[0]);
		write_for_ever(dir, ends[1]);
	}
	(void)close(ends[1]);
	/* The delay begins when the first commit is through: opening may take long. */
	assert_int_equal(read(ends[0], &told, sizeof(told)), sizeof(told));
	usleep(delay_us);
	assert_int_equal(kill(child, SIGKILL), 0);
	while (read(ends[0], &size, sizeof(size)) == (ssize_t)sizeof(size)) {
		told = size;
	}
	(void)close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	return told;
}

static void a_killed_writer_loses_no_acknowledged_leaf(void **state)
{
	(void)state;
	char dir[] = "/tmp/remit-kill-XXXXXX";
	char command[128];
	uint32_t random = SEED;

	assert_non_null(mkdtemp(dir));
	print_message("seed %d\n", SEED);
	for (int round = 0; round < ROUNDS; round++) {
		struct log_io_system *s = NULL;
		struct segment_log *l = NULL;
		struct err e = ERR_INIT;
		struct log_io io;
		uint64_t told;
		uint64_t n = 0;

		random = random * 1664525 + 1013904223;
		told = kill_after(dir, (random >> 16) % 40000);
		assert_ok(log_io_system_new(dir, &s, &e));
		io = log_io_system_table(s);
		if (segment_open(&io, &options, check_leaf, &n, &l, &e) != RC_OK) {
			fail_msg("round %d: %s", round, e.msg);
		}
		assert_true(n >= told);
		segment_free(l);
		log_io_system_free(s);
	}
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	assert_int_equal(system(command), 0);
}

/* ---- Publishing ---- */

static const uint8_t seed[32] = {4};

static enum rc publish(struct tiles *t, struct segment_log *l, const struct tlog_vkey *key,
		       struct err *e)
{
	AUTO_BUF text = BUF_INIT(1024);
	AUTO_BUF note = BUF_INIT(4096);
	struct segment_snapshot durable = segment_snapshot(l);
	struct tiles_to_sign s;
	struct tlog_checkpoint c;

	TRY(tiles_prepare(t, &durable, &s, e));
	c = (struct tlog_checkpoint){.origin = str_from(key->name), .size = s.size, .root = s.root};
	TRY(tlog_checkpoint_print(&c, &text, e));
	TRY(tlog_note_sign(&note, buf_view(&text), key, seed, e));
	return tiles_publish(t, buf_view(&note), e);
}

/* One life of a governor, as far as the log goes: opens, then appends and publishes until it is
 * killed, or once when it is not to be. */
static enum rc live(const char *dir, const char *out, const struct tlog_vkey *key, int pipe_fd,
		    struct err *e)
{
	AUTO_SEGMENT_LOG l = NULL;
	AUTO_TILES t = NULL;
	struct log_io_system *s = NULL;
	struct log_io io;
	enum rc rc = RC_OK;
	char text[1024];

	TRY(log_io_system_new(dir, &s, e));
	io = log_io_system_table(s);
	TRY(segment_open(&io, &options, NULL, NULL, &l, e));
	TRY(tiles_open(out, key, &io, &t, e));
	do {
		uint64_t size;

		for (unsigned k = 0; k < 23; k++) {
			TRY(segment_append(l, leaf_text(segment_next_index(l), text), NULL, 0, NULL,
					   NULL, e));
		}
		TRY(segment_commit(l, e));
		TRY(publish(t, l, key, e));
		size = tiles_published_size(t);
		if (pipe_fd >= 0 && write(pipe_fd, &size, sizeof(size)) != sizeof(size)) {
			FAIL(e, RC_IO, "the parent is gone");
		}
	} while (pipe_fd >= 0);
	segment_free(TAKE(l));
	tiles_free(TAKE(t));
	log_io_system_free(s);
	return rc;
}

static void a_killed_publisher_leaves_a_log_that_verifies(void **state)
{
	(void)state;
	char dir[64];
	char out[80];
	char command[128];
	struct tlog_vkey key;
	uint32_t random = SEED;

	(void)snprintf(dir, sizeof(dir), "%s/remit-kill-XXXXXX",
		       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(out, sizeof(out), "%s/log", dir);
	assert_ok(tlog_vkey_from_seed(&key, options.origin, TLOG_KEY_ED25519, seed, NULL));
	for (int round = 0; round < ROUNDS; round++) {
		struct tlog_report report;
		struct err e = ERR_INIT;
		uint64_t told = 0;
		uint64_t size;
		int ends[2];
		int status;
		pid_t child;

		random = random * 1664525 + 1013904223;
		assert_int_equal(pipe(ends), 0);
		child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			(void)close(ends[0]);
			_exit(1 + (int)live(dir, out, &key, ends[1], &e));
		}
		(void)close(ends[1]);
		assert_int_equal(read(ends[0], &told, sizeof(told)), sizeof(told));
		usleep((random >> 16) % 20000);
		assert_int_equal(kill(child, SIGKILL), 0);
		while (read(ends[0], &size, sizeof(size)) == (ssize_t)sizeof(size)) {
			told = size;
		}
		(void)close(ends[0]);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		if (tlog_verify_dir(out, &key, NULL, NULL, &report, &e) != RC_OK) {
			fail_msg("round %d: %s", round, e.msg);
		}
		assert_true(report.size >= told);
		if (live(dir, out, &key, -1, &e) != RC_OK) {
			fail_msg("round %d: %s", round, e.msg);
		}
		assert_ok(tlog_verify_dir(out, &key, NULL, NULL, &report, &e));
	}
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_killed_writer_loses_no_acknowledged_leaf),
	    cmocka_unit_test(a_killed_publisher_leaves_a_log_that_verifies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
