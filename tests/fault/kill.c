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
#include "governor/prune.h"
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

/* ---- Pruning ---- */

/* Where a log that begins with that leaf goes on: as a snapshot would say. */
static void base_at(uint64_t first, struct segment_base *ret)
{
	AUTO_TLOG_HASHER h = tlog_hasher_new();
	char text[1024];

	*ret = (struct segment_base){.size = first};
	for (uint64_t i = 0; i < first; i++) {
		ret->last_leaf = tlog_leaf_hash(h, leaf_text(i, text));
		tlog_frontier_append(&ret->frontier, h, &ret->last_leaf);
	}
}

/* What is there of the log, each leaf looked at. ret_first: the first. */
static enum rc open_pruned(const struct log_io *io, const char *out, uint64_t *ret_first,
			   struct segment_log **ret, struct err *e)
{
	struct segment_options o = options;
	struct segment_base base;
	struct pruned said;
	uint64_t n;

	TRY(prune_hint(out, &said, e));
	if (said.first) {
		base_at(said.first, &base);
		o.base = &base;
	}
	n = said.first;
	*ret_first = said.first;
	return segment_open(io, &o, check_leaf, &n, ret, e);
}

static enum rc prune_to_the_end(struct prune *p, struct segment_log *l, struct err *e)
{
	enum rc rc = RC_AGAIN;

	while (rc == RC_AGAIN) {
		rc = prune_step(p, l, e);
	}
	return rc;
}

/* A life that finishes what the last one pruned, then works and prunes until it is killed; or ends
 * once there is nothing left to finish, when it is not to be. */
static enum rc live_and_prune(const char *dir, const char *out, const struct tlog_vkey *key,
			      int pipe_fd, uint64_t random, struct err *e)
{
	AUTO_SEGMENT_LOG l = NULL;
	AUTO_TILES t = NULL;
	struct log_io_system *s = NULL;
	struct prune p = {.dir = out};
	struct log_io io;
	char text[1024];

	TRY(log_io_system_new(dir, &s, e));
	io = log_io_system_table(s);
	TRY(open_pruned(&io, out, &p.what.first, &l, e));
	TRY(tiles_open(out, key, &io, &t, e));
	TRY(prune_hint(out, &p.what, e));
	if (p.what.first) {
		TRY(prune_to_the_end(&p, l, e));
	}
	while (pipe_fd >= 0) {
		uint64_t size;

		for (unsigned k = 0; k < 23; k++) {
			TRY(segment_append(l, leaf_text(segment_next_index(l), text), NULL, 0, NULL,
					   NULL, e));
		}
		TRY(segment_commit(l, e));
		TRY(publish(t, l, key, e));
		size = tiles_published_size(t);
		if (write(pipe_fd, &size, sizeof(size)) != sizeof(size)) {
			FAIL(e, RC_IO, "the parent is gone");
		}
		random = random * 6364136223846793005u + 1442695040888963407u;
		if (size > p.what.first + 300 && (random >> 33) % 8 == 0) {
			uint64_t from = p.what.first;
			uint64_t first = from + 1 + (random >> 40) % (size - from - 1);

			p = (struct prune){.dir = out,
					   .what = {.first = first, .leaf = size - 1},
					   .bundle = from / TLOG_TILE_WIDTH};
			if ((random >> 50) % 2) {
				/* it ends in the middle, as by SIGKILL */
				(void)ualarm(1 + (unsigned)(random >> 45) % 300, 0);
			}
			TRY(prune_to_the_end(&p, l, e));
		}
	}
	segment_free(TAKE(l));
	tiles_free(TAKE(t));
	log_io_system_free(s);
	return RC_OK;
}

/* Every leaf, the ones that are gone too, is proven by the checkpoint that is published. */
static void check_receipts(const char *out, const struct tlog_report *report)
{
	AUTO_TLOG_HASHER h = tlog_hasher_new();
	AUTO_TLOG_DIR d = NULL;
	struct tlog_nodes nodes;
	char text[1024];

	assert_ok(tlog_dir_open(out, &d, NULL));
	tlog_dir_set_size(d, report->size);
	nodes = tlog_dir_nodes(d);
	for (uint64_t i = 0; i < report->size; i += 1 + report->size / 50) {
		struct tlog_hash hash = tlog_leaf_hash(h, leaf_text(i, text));
		struct tlog_proof proof;

		assert_ok(tlog_prove_inclusion(h, &nodes, i, report->size, &proof, NULL));
		assert_true(tlog_inclusion_holds(h, &proof, i, report->size, &hash, &report->root));
	}
}

/* Nothing is there that is below: no bundle, no whole segment. */
static void check_gone(const char *out, struct segment_log *l, uint64_t first)
{
	AUTO_BUF b = BUF_INIT(LIMIT_BATCH_BYTES);
	struct segment_leaf leaf;
	char name[TLOG_PATH_BYTES];
	char path[160];

	for (uint64_t n = 0; n < first / TLOG_TILE_WIDTH; n++) {
		tlog_bundle_path(n, TLOG_TILE_WIDTH, name);
		(void)snprintf(path, sizeof(path), "%s/%s", out, name);
		assert_int_not_equal(access(path, F_OK), 0);
	}
	/* A segment holds about 250 of these leaves; the file that leaf `first` is in stays. */
	if (first > 600) {
		assert_rc(segment_read(l, first - 600, &b, &leaf, NULL), RC_ABSENT);
	}
}

/* Kills it somewhere; what it told last. */
static uint64_t kill_pruner(const char *dir, const char *out, const struct tlog_vkey *key,
			    uint64_t random)
{
	struct err e = ERR_INIT;
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
		_exit(1 + (int)live_and_prune(dir, out, key, ends[1], random, &e));
	}
	(void)close(ends[1]);
	assert_int_equal(read(ends[0], &told, sizeof(told)), sizeof(told));
	usleep((unsigned)((random >> 20) % 40000));
	assert_int_equal(kill(child, SIGKILL), 0);
	while (read(ends[0], &size, sizeof(size)) == (ssize_t)sizeof(size)) {
		told = size;
	}
	(void)close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	return told;
}

/* The log as a killed life left it, or as one left it that ended well. */
static uint64_t check_pruned(const char *dir, const char *out, const struct tlog_vkey *key,
			     uint64_t told, bool is_finished)
{
	AUTO_SEGMENT_LOG l = NULL;
	struct log_io_system *s = NULL;
	struct tlog_report report;
	struct err e = ERR_INIT;
	struct log_io io;
	uint64_t first;

	assert_ok(log_io_system_new(dir, &s, &e));
	io = log_io_system_table(s);
	if (open_pruned(&io, out, &first, &l, &e) != RC_OK ||
	    tlog_verify_pruned(out, key, first, NULL, NULL, &report, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	assert_true(segment_durable_size(l) >= told && report.size >= told);
	check_receipts(out, &report);
	if (is_finished) {
		check_gone(out, l, first);
	}
	segment_free(TAKE(l));
	log_io_system_free(s);
	return first;
}

/* KILL_ROUNDS and KILL_SEED in the environment make a long run of it. */
static void a_killed_pruner_leaves_all_that_was_not_pruned(void **state)
{
	(void)state;
	const char *rounds = getenv("KILL_ROUNDS");
	const char *from = getenv("KILL_SEED");
	uint64_t random = from ? strtoull(from, NULL, 10) : SEED;
	int n = rounds ? atoi(rounds) : 4 * ROUNDS;
	uint64_t pruned = 0;
	uint64_t told = 0;
	unsigned times = 0;
	char dir[64];
	char out[80];
	char command[128];
	struct tlog_vkey key;

	(void)snprintf(dir, sizeof(dir), "%s/remit-kill-XXXXXX",
		       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(out, sizeof(out), "%s/log", dir);
	assert_ok(tlog_vkey_from_seed(&key, options.origin, TLOG_KEY_ED25519, seed, NULL));
	print_message("seed %ju\n", (uintmax_t)random);
	for (int round = 0; round < n; round++) {
		struct err e = ERR_INIT;
		uint64_t first;

		random = random * 6364136223846793005u + 1442695040888963407u;
		told = kill_pruner(dir, out, &key, random);
		first = check_pruned(dir, out, &key, told, false);
		times += first != pruned;
		pruned = first;
		if (live_and_prune(dir, out, &key, -1, 0, &e) != RC_OK) {
			fail_msg("round %d: %s", round, e.msg);
		}
		(void)check_pruned(dir, out, &key, told, true);
	}
	print_message("%d kills, %ju leaves, %ju of them pruned; between %u kills something was\n",
		      n, (uintmax_t)told, (uintmax_t)pruned, times);
	assert_true(pruned > 600);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_killed_writer_loses_no_acknowledged_leaf),
	    cmocka_unit_test(a_killed_publisher_leaves_a_log_that_verifies),
	    cmocka_unit_test(a_killed_pruner_leaves_all_that_was_not_pruned),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
