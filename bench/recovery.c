/* SPDX-License-Identifier: Apache-2.0 */
/* bench/recovery.c - how long a start takes, from a snapshot and from the first leaf.
 *
 *	bench-recovery DIRECTORY make [LEAVES]	a log of so many leaves (10,000,000), published and
 *						signed with a key of its own, with one snapshot
 *						100,000 leaves before its end
 *	bench-recovery DIRECTORY load		a start from the snapshot
 *	bench-recovery DIRECTORY all		a start from the first leaf
 *
 * The leaves are those of incidents with a task of eight calls each, ten leaves a second by the
 * log's own clock, all through the book as the governor writes them; every eighth call changes
 * something and stays in the state for a day. Nothing is synced while the log is made.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/num.h"
#include "governor/book.h"
#include "governor/log_io.h"
#include "governor/snapshots.h"
#include "governor/tiles.h"

#define ORIGIN "bench.example/log"

enum { TAIL = 100'000, PUBLISH_EVERY = 50'000, LEAF_MS = 100, CALLS = 8, PATH_BYTES = 512 };

struct bench {
	char segments_dir[PATH_BYTES];
	char snapshots_dir[PATH_BYTES];
	char publish_dir[PATH_BYTES];
	struct log_io_system *segments_system;
	struct log_io_system *snapshots_system;
	struct log_io segments;
	struct log_io io;
	struct tlog_vkey key;
	struct buf vkey;
	struct snapshots_world world;
	struct book *book;
	struct state *state;
	struct tiles *tiles;
	uint64_t now_ms;
};

static const uint8_t seed[32] = {7};

static void must_ok(enum rc rc, const struct err *e)
{
	if (rc != RC_OK) {
		fprintf(stderr, "bench-recovery: %s\n", e->msg);
		exit(1);
	}
}

static double now_s(void)
{
	struct timespec t;

	MUST(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_s(void)
{
	struct timespec t;

	MUST(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long resident_kib(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long kib = -1;

	MUST(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "VmRSS:", 6) == 0) {
			kib = strtol(line + 6, NULL, 10);
		}
	}
	(void)fclose(f);
	return kib;
}

static uint64_t read_clock(void *ctx)
{
	return ((const struct bench *)ctx)->now_ms;
}

/* Instead of the C library's: what is made here may be lost. */
static bool is_making;

int fsync(int fd);
int fsync(int fd)
{
	return is_making ? 0 : fdatasync(fd);
}

static int no_sync(void *ctx, int fd)
{
	(void)ctx;
	(void)fd;
	return 0;
}

static void open_dirs(struct bench *b, const char *dir)
{
	struct err e = ERR_INIT;

	(void)snprintf(b->segments_dir, PATH_BYTES, "%s/segments", dir);
	(void)snprintf(b->snapshots_dir, PATH_BYTES, "%s/snapshots", dir);
	(void)snprintf(b->publish_dir, PATH_BYTES, "%s/log", dir);
	must_ok(file_mkdirs(b->segments_dir, 0700, &e), &e);
	must_ok(file_mkdirs(b->snapshots_dir, 0700, &e), &e);
	must_ok(file_mkdirs(b->publish_dir, 0700, &e), &e);
	must_ok(log_io_system_new(b->segments_dir, &b->segments_system, &e), &e);
	must_ok(log_io_system_new(b->snapshots_dir, &b->snapshots_system, &e), &e);
	b->segments = log_io_system_table(b->segments_system);
	b->io = log_io_system_table(b->snapshots_system);
	b->vkey = (struct buf)BUF_INIT(1024);
	must_ok(tlog_vkey_from_seed(&b->key, STR(ORIGIN), TLOG_KEY_ED25519, seed, &e), &e);
	must_ok(tlog_vkey_print(&b->key, &b->vkey), &e);
	b->world = (struct snapshots_world){
	    .io = &b->io,
	    .segments = &b->segments,
	    .publish_dir = b->publish_dir,
	    .vkey = buf_view(&b->vkey),
	    .origin = STR(ORIGIN),
	};
	b->now_ms = UINT64_C(1764000000000);
}

static uint64_t record(struct bench *b, struct leaf l)
{
	struct err e = ERR_INIT;
	uint64_t ix;

	must_ok(book_record(b->book, &l, 0, NULL, 0, &ix, &e), &e);
	b->now_ms += LEAF_MS;
	return ix;
}

static const struct str targets[] = {{"pg-role:app", 11}, {"host:db1.example.org", 20}};
static const struct str tools[] = {{"db___sessions", 13}, {"db___end", 8}};

static void call(struct bench *b, uint64_t task, unsigned i)
{
	struct leaf decided = {
	    .kind = LEAF_CALL_DECIDED,
	    .call_decided =
		{
		    .task = task,
		    .purpose = STR("agent"),
		    .agent = STR("spiffe://example.org/responder"),
		    .tool = i == 0 ? STR("db___end") : STR("db___sessions"),
		    .effect = i == 0 ? STR("contain") : STR("read"),
		    .targets = {targets, 2},
		    .tag = {.bytes = {(uint8_t)i, (uint8_t)task, (uint8_t)(task >> 8)}},
		    .args = {.bytes = {1, (uint8_t)i}},
		    .verdict = STR("allow"),
		    .reason = STR("allowed"),
		    .held_until = b->now_ms + 60000,
		},
	};
	struct leaf completed = {
	    .kind = LEAF_CALL_COMPLETED,
	    .call_completed = {.kind = STR("ok"), .result = {.bytes = {2}}, .result_bytes = 800},
	};

	completed.call_completed.call = record(b, decided);
	(void)record(b, completed);
}

static void incident(struct bench *b)
{
	struct leaf opened = {
	    .kind = LEAF_INCIDENT_OPENED,
	    .incident_opened =
		{
		    .source = STR("pager"),
		    .class = STR("db-saturation"),
		    .severity = 2,
		    .service = STR("shop"),
		    .environment = STR("production"),
		    .assets = {targets, 2},
		},
	};
	uint64_t i = record(b, opened);
	struct leaf task = {
	    .kind = LEAF_TASK_OPENED,
	    .task_opened =
		{
		    .incident = i,
		    .agent = STR("spiffe://example.org/responder"),
		    .playbook = STR("db-saturation"),
		    .tools = {tools, 2},
		    .targets = {targets, 2},
		    .phase = STR("diagnose"),
		    .not_after = b->now_ms + 3600000,
		    .max_calls = 100,
		    .max_targets = 10,
		    .max_deviations = 3,
		    .accountable = STR("alice"),
		},
	};
	uint64_t t = record(b, task);

	for (unsigned n = 0; n < CALLS; n++) {
		call(b, t, n);
	}
	(void)record(b, (struct leaf){.kind = LEAF_TASK_ENDED,
				      .task_ended = {.task = t, .why = STR("done")}});
	(void)record(b, (struct leaf){.kind = LEAF_TASK_CLOSED,
				      .task_closed = {.task = t, .closure = STR("closed")}});
	(void)record(b, (struct leaf){.kind = LEAF_INCIDENT_CLOSED,
				      .incident_closed = {.incident = i, .by = STR("alice")}});
}

static void publish(struct bench *b)
{
	AUTO_BUF text = BUF_INIT(1024);
	AUTO_BUF note = BUF_INIT(4096);
	struct tlog_checkpoint c = {.origin = STR(ORIGIN)};
	struct segment_snapshot durable;
	struct tiles_to_sign s;
	struct err e = ERR_INIT;

	must_ok(book_commit(b->book, &e), &e);
	durable = segment_snapshot(book_log(b->book));
	must_ok(tiles_prepare(b->tiles, &durable, &s, &e), &e);
	c.size = s.size;
	c.root = s.root;
	must_ok(tlog_checkpoint_print(&c, &text, &e), &e);
	must_ok(tlog_note_sign(&note, buf_view(&text), &b->key, seed, &e), &e);
	must_ok(tiles_publish(b->tiles, buf_view(&note), &e), &e);
}

static void fill(struct bench *b, uint64_t until)
{
	while (book_next_ix(b->book) < until) {
		uint64_t before = book_next_ix(b->book) / PUBLISH_EVERY;

		incident(b);
		if (book_next_ix(b->book) / PUBLISH_EVERY != before) {
			publish(b);
		}
	}
	publish(b);
}

/* What the thread would do, but from the state that is there. */
static void take_snapshot(struct bench *b)
{
	struct segment_base base = {.size = book_durable_size(b->book)};
	struct leaf l = {.kind = LEAF_SNAPSHOT_TAKEN};
	struct snapshot x;
	struct err e = ERR_INIT;
	char from[SNAPSHOT_NAME_BYTES];
	char to[SNAPSHOT_NAME_BYTES];
	double began;

	base.frontier = *segment_frontier(book_log(b->book));
	memcpy(base.last_leaf.bytes, book_last_hash(b->book), sizeof(base.last_leaf.bytes));
	began = now_s();
	must_ok(snapshot_write(&b->io, STR(ORIGIN), b->state, &base, &x, &e), &e);
	printf("snapshot            %" PRIu64 " bytes of %" PRIu64 " leaves, written in %.2f s\n",
	       x.state_bytes, base.size, now_s() - began);
	l.snapshot_taken.size = base.size;
	l.snapshot_taken.digest = x.digest;
	l.snapshot_taken.state = x.state;
	l.snapshot_taken.bytes = x.state_bytes;
	snapshot_name(base.size, 0, from);
	snapshot_name(base.size, record(b, l), to);
	MUST(b->io.rename(b->io.ctx, from, to) == 0);
	publish(b);
}

static void make(struct bench *b, uint64_t leaves)
{
	const struct clock clock = {.unix_ms = read_clock, .boot_ns = read_clock, .ctx = b};
	struct err e = ERR_INIT;
	double began = now_s();
	bool is_new;

	is_making = true;
	b->segments.fdatasync = no_sync;
	must_ok(book_open(&b->segments, NULL, 0, STR(ORIGIN), &clock, NULL, NULL, &b->book,
			  &b->state, &is_new, &e),
		&e);
	must_ok(tiles_open(b->publish_dir, &b->key, &b->segments, &b->tiles, &e), &e);
	fill(b, leaves - TAIL);
	take_snapshot(b);
	fill(b, leaves);
	printf("made                %" PRIu64 " leaves in %.0f s\n", book_durable_size(b->book),
	       now_s() - began);
}

static void start(struct bench *b, bool from_snapshot)
{
	const struct clock clock = {.unix_ms = read_clock, .boot_ns = read_clock, .ctx = b};
	struct book_start begin = {0};
	struct err e = ERR_INIT;
	struct digest d;
	double began = now_s();
	double cpu = cpu_s();
	double loaded;
	bool is_new;
	enum rc rc = RC_ABSENT;

	if (from_snapshot) {
		rc = snapshots_load(&b->world, &begin.take_state, &begin.base, &e);
		must_ok(rc, &e);
	}
	loaded = now_s() - began;
	must_ok(book_open(&b->segments, NULL, 0, STR(ORIGIN), &clock, NULL,
			  rc == RC_OK ? &begin : NULL, &b->book, &b->state, &is_new, &e),
		&e);
	printf("start               %" PRIu64 " leaves, %" PRIu64 " of them from the snapshot\n",
	       state_size(b->state), begin.base.size);
	printf("  time              %.2f s (%.2f s of it the snapshot), %.2f s of CPU\n",
	       now_s() - began, loaded, cpu_s() - cpu);
	printf("  memory            %ld MiB\n", resident_kib() / 1024);
	began = now_s();
	must_ok(state_digest(b->state, &d, &e), &e);
	printf("  state             %02x%02x%02x%02x..., digest in %.2f s\n", d.bytes[0],
	       d.bytes[1], d.bytes[2], d.bytes[3], now_s() - began);
}

int main(int argc, char **argv)
{
	static struct bench b;
	uint64_t leaves = 10'000'000;

	if (argc < 3 || argc > 4 ||
	    (argc == 4 && !num_u64(str_from(argv[3]), UINT64_MAX, &leaves)) || leaves < 2 * TAIL) {
		fprintf(stderr, "usage: bench-recovery DIRECTORY make [LEAVES] | load | all\n");
		return 2;
	}
	open_dirs(&b, argv[1]);
	if (strcmp(argv[2], "make") == 0) {
		make(&b, leaves);
	} else {
		start(&b, strcmp(argv[2], "load") == 0);
	}
	tiles_free(b.tiles);
	book_free(b.book);
	state_free(b.state);
	log_io_system_free(b.segments_system);
	log_io_system_free(b.snapshots_system);
	buf_fini(&b.vkey);
	return 0;
}
