/* SPDX-License-Identifier: Apache-2.0 */
/* bench/log.c - what durability costs, beside what the disk itself takes in the same minute.
 *
 *	bench-log DIRECTORY [COMMITS]
 *
 * Raw fdatasyncs of as many preallocated bytes and commits of the log take turns, so that a noisy
 * neighbour disturbs both. Then 64 callers, a thread and a socket each, send a leaf and wait
 * for its index; one sequencer, as the governor's, appends what came while it synced, commits it
 * and answers. Then the same leaves are recovered, published as tiles and verified, and a receipt
 * is made and checked. Where the disk is not waited for, the thread's CPU time counts: that is what
 * a core of its own would take. Run it with ten times the COMMITS to see that what is resident does
 * not grow with the log. The directory is made and left to the caller.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "governor/tiles.h"

enum { LEAF_BYTES = 600, RAW_BYTES = 64 << 20, LARGEST_BATCH = 64 * 1024, CALLERS = 64 };

static const char origin[] = "bench.example/log";
static const uint8_t seed[32] = {7};

struct run {
	struct segment_log *log;
	int raw_fd;
	uint64_t raw_at;
	char *bytes;
	uint64_t *raw_ns;
	uint64_t *commit_ns;
};

static uint64_t ns_of(clockid_t clock)
{
	struct timespec t;

	MUST(clock_gettime(clock, &t) == 0);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static uint64_t now_ns(void)
{
	return ns_of(CLOCK_MONOTONIC);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void print_times(const char *what, uint64_t *ns, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		sum += ns[i];
	}
	qsort(ns, n, sizeof(*ns), compare);
	printf("%-26s p50 %7.0f us  p99 %7.0f us  mean %7.0f us\n", what, (double)ns[n / 2] / 1e3,
	       (double)ns[n * 99 / 100] / 1e3, (double)sum / 1e3 / (double)n);
}

static void must_ok(enum rc rc, const struct err *e)
{
	if (rc != RC_OK) {
		fprintf(stderr, "bench-log: %s\n", e->msg);
		exit(1);
	}
}

static int open_raw(const char *dir)
{
	char path[512];
	char *zeros = mem_calloc(1, 1 << 20);
	struct err e = ERR_INIT;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/raw", dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	MUST(fd >= 0 && zeros);
	for (int i = 0; i < RAW_BYTES >> 20; i++) {
		must_ok(file_write_all(fd, str_of(zeros, 1 << 20), &e), &e);
	}
	MUST(fsync(fd) == 0);
	mem_free(zeros);
	return fd;
}

static uint64_t time_raw(struct run *r, size_t n)
{
	uint64_t start;

	if (r->raw_at + n > RAW_BYTES) {
		r->raw_at = 0;
	}
	start = now_ns();
	MUST(pwrite(r->raw_fd, r->bytes, n, (off_t)r->raw_at) == (ssize_t)n);
	MUST(fdatasync(r->raw_fd) == 0);
	r->raw_at += (n + 511) / 512 * 512;
	return now_ns() - start;
}

/* Appending is part of it: that is what a leaf costs. */
static uint64_t time_commit(struct run *r, unsigned leaves)
{
	struct err e = ERR_INIT;
	uint64_t start = now_ns();

	for (unsigned k = 0; k < leaves; k++) {
		must_ok(
		    segment_append(r->log, str_of(r->bytes, LEAF_BYTES), NULL, 0, NULL, NULL, &e),
		    &e);
	}
	must_ok(segment_commit(r->log, &e), &e);
	return now_ns() - start;
}

static void measure(struct run *r, unsigned leaves, size_t commits)
{
	size_t bytes = (size_t)leaves * (LEAF_BYTES + 20) + 48;
	uint64_t total = 0;
	uint64_t cpu = 0;

	for (size_t i = 0; i < commits; i++) {
		uint64_t start;

		r->raw_ns[i] = time_raw(r, bytes);
		start = ns_of(CLOCK_THREAD_CPUTIME_ID);
		r->commit_ns[i] = time_commit(r, leaves);
		cpu += ns_of(CLOCK_THREAD_CPUTIME_ID) - start;
		total += r->commit_ns[i];
	}
	printf("%u leaves of %d bytes per batch, %zu batches\n", leaves, LEAF_BYTES, commits);
	print_times("  write and fdatasync", r->raw_ns, commits);
	print_times("  append and commit", r->commit_ns, commits);
	printf("  %.0f durable leaves/s; %.1f us of cpu a batch, the kernel's part of the sync "
	       "included\n",
	       (double)leaves * (double)commits * 1e9 / (double)total,
	       (double)cpu / 1e3 / (double)commits);
}

struct caller {
	pthread_t thread;
	int fd;	     /* its own end */
	int far_end; /* the sequencer's */
	size_t leaves;
	const char *bytes;
	uint64_t *waited_ns; /* one for each of its leaves */
};

/* One leaf at a time; the next when this one is acknowledged. */
static void *call(void *arg)
{
	struct caller *c = arg;

	for (size_t i = 0; i < c->leaves; i++) {
		uint64_t start = now_ns();
		uint64_t ix;

		MUST(send(c->fd, c->bytes, LEAF_BYTES, 0) == LEAF_BYTES);
		MUST(recv(c->fd, &ix, sizeof(ix), 0) == (ssize_t)sizeof(ix));
		c->waited_ns[i] = now_ns() - start;
	}
	file_close(c->fd);
	return NULL;
}

/* Appends what the caller sent. False = it has gone. */
static bool take_leaf(struct run *r, const struct caller *c, uint64_t *ret_ix)
{
	char leaf[LEAF_BYTES];
	struct err e = ERR_INIT;
	ssize_t n = recv(c->far_end, leaf, sizeof(leaf), 0);

	if (n == 0) {
		return false;
	}
	MUST(n == LEAF_BYTES);
	must_ok(segment_append(r->log, str_of(leaf, LEAF_BYTES), NULL, 0, ret_ix, NULL, &e), &e);
	return true;
}

/* Until no caller is left: who has sent something is a batch, answered when it is durable. Returns
 * how many there were. */
static uint64_t sequence(struct run *r, const struct caller *callers)
{
	struct pollfd fds[CALLERS];
	uint64_t batches = 0;

	for (unsigned i = 0; i < CALLERS; i++) {
		fds[i] = (struct pollfd){.fd = callers[i].far_end, .events = POLLIN};
	}
	for (unsigned left = CALLERS; left > 0;) {
		unsigned waiting[CALLERS];
		uint64_t ix[CALLERS];
		struct err e = ERR_INIT;
		unsigned n = 0;

		MUST(poll(fds, CALLERS, -1) > 0);
		for (unsigned i = 0; i < CALLERS; i++) {
			if (fds[i].fd < 0 || fds[i].revents == 0) {
				continue;
			}
			if (take_leaf(r, &callers[i], &ix[n])) {
				waiting[n++] = i;
			} else {
				fds[i].fd = -1;
				left--;
			}
		}
		if (n == 0) {
			continue;
		}
		must_ok(segment_commit(r->log, &e), &e);
		batches++;
		for (unsigned k = 0; k < n; k++) {
			MUST(send(callers[waiting[k]].far_end, &ix[k], sizeof(ix[k]), 0) ==
			     (ssize_t)sizeof(ix[k]));
		}
	}
	return batches;
}

static void measure_callers(struct run *r, size_t each)
{
	struct caller callers[CALLERS];
	uint64_t *waited_ns = mem_calloc(CALLERS * each, sizeof(uint64_t));
	uint64_t start = now_ns();
	uint64_t batches;
	uint64_t total;

	MUST(waited_ns != NULL);
	for (unsigned i = 0; i < CALLERS; i++) {
		int ends[2];

		MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
		callers[i] = (struct caller){.fd = ends[0],
					     .far_end = ends[1],
					     .leaves = each,
					     .bytes = r->bytes,
					     .waited_ns = waited_ns + i * each};
		MUST(pthread_create(&callers[i].thread, NULL, call, &callers[i]) == 0);
	}
	batches = sequence(r, callers);
	total = now_ns() - start;
	for (unsigned i = 0; i < CALLERS; i++) {
		MUST(pthread_join(callers[i].thread, NULL) == 0);
		file_close(callers[i].far_end);
	}
	printf("%d callers that each wait for their leaf of %d bytes, %zu leaves each\n", CALLERS,
	       LEAF_BYTES, each);
	print_times("  sent until acknowledged", waited_ns, CALLERS * each);
	printf("  %.0f durable leaves/s; %.1f leaves a batch\n",
	       (double)CALLERS * (double)each * 1e9 / (double)total,
	       (double)CALLERS * (double)each / (double)batches);
	mem_free(waited_ns);
}

/* Both clocks, as one starts. */
struct since {
	uint64_t wall_ns;
	uint64_t cpu_ns;
};

static struct since start_now(void)
{
	return (struct since){now_ns(), ns_of(CLOCK_THREAD_CPUTIME_ID)};
}

static void print_rate(const char *what, uint64_t leaves, struct since start)
{
	uint64_t wall_ns = now_ns() - start.wall_ns;
	uint64_t cpu_ns = ns_of(CLOCK_THREAD_CPUTIME_ID) - start.cpu_ns;

	printf("%-26s %9.0f leaves/s, %9.0f per second of cpu (%ju leaves)\n", what,
	       (double)leaves * 1e9 / (double)wall_ns, (double)leaves * 1e9 / (double)cpu_ns,
	       (uintmax_t)leaves);
}

static void print_resident(const char *when)
{
	AUTO_BUF status = BUF_INIT(65536);
	struct err e = ERR_INIT;
	const char *at;

	must_ok(file_read("/proc/self/status", &status, &e), &e);
	must_ok(buf_add_char(&status, '\0'), &e);
	at = strstr(status.p, "VmRSS:");
	printf("%-26s %9ld KiB\n", when, at ? strtol(at + 6, NULL, 10) : 0);
}

/* Of leaves all over the log, each from a directory opened anew, as a stranger's would be. */
static void measure_receipts(const char *dir, uint64_t size, const struct tlog_vkey *key)
{
	enum { RECEIPTS = 301 };
	AUTO_TLOG_HASHER h = tlog_hasher_new();
	AUTO_BUF note = BUF_INIT(4096);
	AUTO_BUF leaf = BUF_INIT(LEAF_BYTES);
	uint64_t made_ns[RECEIPTS];
	uint64_t checked_ns[RECEIPTS];
	struct err e = ERR_INIT;
	size_t longest = 0;

	MUST(h != NULL);
	for (size_t i = 0; i < RECEIPTS; i++) {
		AUTO_TLOG_DIR d = NULL;
		AUTO_BUF text = BUF_INIT(65536);
		struct tlog_receipt r = {.index = size / RECEIPTS * i};
		struct tlog_receipt again;
		struct tlog_nodes nodes;
		uint64_t start = now_ns();

		buf_reset(&note);
		buf_reset(&leaf);
		must_ok(tlog_dir_open(dir, &d, &e), &e);
		must_ok(tlog_dir_read_checkpoint(d, &note, &e), &e);
		tlog_dir_set_size(d, size);
		nodes = tlog_dir_nodes(d);
		r.checkpoint = buf_view(&note);
		must_ok(tlog_prove_inclusion(h, &nodes, r.index, size, &r.path, &e), &e);
		must_ok(tlog_receipt_print(&r, &text, &e), &e);
		made_ns[i] = now_ns() - start;
		longest = text.n > longest ? text.n : longest;
		must_ok(tlog_dir_read_leaf(d, r.index, &leaf, &e), &e);
		start = now_ns();
		must_ok(tlog_receipt_parse(buf_view(&text), &again, &e), &e);
		must_ok(tlog_receipt_check(&again, buf_view(&leaf), key, NULL, &e), &e);
		checked_ns[i] = now_ns() - start;
	}
	printf("a receipt has at most %zu bytes; at 2^30 leaves it has %zu\n", longest,
	       /* one line of base64 for each hash of the path that it lacks */
	       longest + (30 - (64 - (size_t)__builtin_clzll(size - 1))) * 45);
	print_times("  made", made_ns, RECEIPTS);
	print_times("  checked", checked_ns, RECEIPTS);
}

static void publish(const char *dir, const struct log_io *io, struct segment_log *log,
		    const struct tlog_vkey *key)
{
	AUTO_TILES t = NULL;
	AUTO_BUF text = BUF_INIT(1024);
	AUTO_BUF note = BUF_INIT(4096);
	struct segment_snapshot durable = segment_snapshot(log);
	struct tiles_to_sign s;
	struct tlog_checkpoint c;
	struct err e = ERR_INIT;

	must_ok(tiles_open(dir, key, io, &t, &e), &e);
	must_ok(tiles_prepare(t, &durable, &s, &e), &e);
	c = (struct tlog_checkpoint){.origin = str_from(origin), .size = s.size, .root = s.root};
	must_ok(tlog_checkpoint_print(&c, &text, &e), &e);
	must_ok(tlog_note_sign(&note, buf_view(&text), key, seed, &e), &e);
	must_ok(tiles_publish(t, buf_view(&note), &e), &e);
}

static void measure_the_rest(const char *dir, const struct log_io *io,
			     const struct segment_options *options, struct run *r)
{
	struct tlog_report report;
	struct tlog_vkey key;
	struct err e = ERR_INIT;
	struct since start = start_now();
	uint64_t size;

	must_ok(segment_open(io, options, NULL, NULL, &r->log, &e), &e);
	size = segment_durable_size(r->log);
	print_rate("recovery", size, start);
	print_resident("resident, recovered");
	must_ok(tlog_vkey_from_seed(&key, str_from(origin), TLOG_KEY_ED25519, seed, &e), &e);
	start = start_now();
	publish(dir, io, r->log, &key);
	print_rate("tiles and checkpoint", size, start);
	print_resident("resident, published");
	start = start_now();
	must_ok(tlog_verify_dir(dir, &key, NULL, NULL, &report, &e), &e);
	print_rate("verification", report.leaves, start);
	print_resident("resident, verified");
	measure_receipts(dir, size, &key);
}

int main(int argc, char **argv)
{
	struct segment_options options = {.origin = str_from(origin), .may_create = true};
	struct log_io_system *system_io = NULL;
	struct log_io io;
	struct run r = {0};
	struct err e = ERR_INIT;
	uint64_t commits = 1000;
	char path[512];

	if (argc < 2 || argc > 3 || strlen(argv[1]) > 400 ||
	    (argc == 3 && (!num_u64(str_from(argv[2]), 1000000, &commits) || commits == 0))) {
		fprintf(stderr, "usage: bench-log DIRECTORY [COMMITS]\n");
		return 2;
	}
	(void)snprintf(path, sizeof(path), "%s/segments", argv[1]); /* measured above */
	must_ok(file_mkdirs(path, 0700, &e), &e);
	must_ok(log_io_system_new(path, &system_io, &e), &e);
	io = log_io_system_table(system_io);
	must_ok(segment_open(&io, &options, NULL, NULL, &r.log, &e), &e);
	r.raw_fd = open_raw(argv[1]);
	r.bytes = mem_calloc(1, LARGEST_BATCH);
	r.raw_ns = mem_calloc(commits, sizeof(uint64_t));
	r.commit_ns = mem_calloc(commits, sizeof(uint64_t));
	MUST(r.bytes && r.raw_ns && r.commit_ns);
	memset(r.bytes, 'x', LARGEST_BATCH);
	measure(&r, 1, (size_t)commits);
	measure(&r, 64, (size_t)commits);
	measure_callers(&r, (size_t)commits);
	segment_free(r.log);
	measure_the_rest(argv[1], &io, &options, &r);
	segment_free(r.log);
	log_io_system_free(system_io);
	file_close(r.raw_fd);
	mem_free(r.bytes);
	mem_free(r.raw_ns);
	mem_free(r.commit_ns);
	return 0;
}
