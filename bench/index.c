/* SPDX-License-Identifier: Apache-2.0 */
/* bench/index.c - how long the search index takes: to be made again, and to answer.
 *
 *	bench-index DIRECTORY [LEAVES]
 *
 * Leaves as a log has them: each call is decided, completed and, being a read, accounted for; every
 * eighth is refused; 50 agents on 200 incidents with 1,000 tasks. They are made first, then folded,
 *a bundle's worth per transaction of the kind the index role makes. Then pages of what people ask
 *for, each the median of 21. Times are of the thread's CPU as well, since a machine may have other
 *work. The directory is made and left to the caller.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "core/leaf.h"
#include "index/fold.h"

enum {
	AGENTS = 50,
	INCIDENTS = 200,
	TASKS = 1000,
	TOOLS = 12,
	ASKED = 21,
	PAGE = 50,
	BATCH = 4096,
	MAX_LEAVES = 20000000,
};

static const uint64_t start_ms = UINT64_C(1795000000000);

struct world {
	struct fold *fold;
	struct buf text; /* leaves of one batch, one after another */
	size_t ends[BATCH];
	size_t n;
	uint64_t ix; /* of the next leaf made */
	uint64_t calls;
	uint64_t tasks[TASKS];
	uint64_t bytes;
	uint64_t wall_ns;
	uint64_t cpu_ns;
};

static void must_ok(enum rc rc, const struct err *e)
{
	if (rc != RC_OK) {
		fprintf(stderr, "bench-index: %s\n", e->msg);
		exit(1);
	}
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	MUST(clock_gettime(clock, &t) == 0);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static void add_batch(struct world *w)
{
	struct err e = ERR_INIT;
	uint64_t first = w->ix - w->n;
	uint64_t wall = clock_ns(CLOCK_MONOTONIC);
	uint64_t cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	size_t at = 0;

	must_ok(fold_begin(w->fold, &e), &e);
	for (size_t i = 0; i < w->n; i++) {
		must_ok(fold_add(w->fold, first + i, str_of(w->text.p + at, w->ends[i] - at), &e),
			&e);
		at = w->ends[i];
	}
	must_ok(fold_commit(w->fold, &e), &e);
	w->wall_ns += clock_ns(CLOCK_MONOTONIC) - wall;
	w->cpu_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
	w->bytes += w->text.n;
	buf_reset(&w->text);
	w->n = 0;
}

/* The end of a rebuild is part of it. */
static void sort(struct world *w)
{
	struct err e = ERR_INIT;
	uint64_t wall = clock_ns(CLOCK_MONOTONIC);
	uint64_t cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);

	must_ok(fold_expect(w->fold, w->ix, &e), &e);
	w->wall_ns += clock_ns(CLOCK_MONOTONIC) - wall;
	w->cpu_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
}

static void add_leaf(struct world *w, struct leaf *l)
{
	struct err e = ERR_INIT;

	l->t = start_ms + w->ix;
	must_ok(leaf_encode(&w->text, l, &e), &e);
	w->ends[w->n++] = w->text.n;
	w->ix++;
	if (w->n == BATCH) {
		add_batch(w);
	}
}

static struct str agent_name(uint64_t i, char text[64])
{
	int n = snprintf(text, 64, "spiffe://bench.example/agent/responder-%02ju",
			 (uintmax_t)(i % AGENTS));

	return str_of(text, (size_t)n);
}

static void add_ground(struct world *w)
{
	struct leaf opened = {.kind = LEAF_LOG_OPENED,
			      .log_opened = {.origin = STR("bench.example/log")}};
	char agent[64];

	add_leaf(w, &opened);
	for (uint64_t i = 0; i < INCIDENTS; i++) {
		struct leaf l = {.kind = LEAF_INCIDENT_OPENED,
				 .incident_opened = {.source = STR("alerts"),
						     .class = STR("host-alert"),
						     .severity = 2,
						     .environment = STR("production")}};

		add_leaf(w, &l);
	}
	for (uint64_t i = 0; i < TASKS; i++) {
		struct leaf l = {.kind = LEAF_TASK_OPENED,
				 .task_opened = {.incident = 1 + i % INCIDENTS,
						 .agent = agent_name(i, agent),
						 .playbook = STR("host-alert"),
						 .by = STR("policy")}};

		w->tasks[i] = w->ix;
		add_leaf(w, &l);
	}
}

static void add_call(struct world *w)
{
	static const struct digest any = {{1, 2, 3}};
	static const char *const tools[TOOLS] = {"host___load",	 "host___memory", "db___sessions",
						 "db___locks",	 "web___status",  "web___blocked",
						 "dns___look",	 "mail___search", "files___list",
						 "files___read", "users___show",  "users___groups"};
	uint64_t task = (w->calls * 7919) % TASKS;
	bool is_allowed = w->calls * 2654435761u >> 8 & 7;
	uint64_t ix = w->ix;
	char agent[64];
	char host[64];
	int n =
	    snprintf(host, sizeof(host), "host:web%ju.bench.example", (uintmax_t)(w->calls % 5000));
	const struct str targets[] = {str_of(host, (size_t)n)};
	const struct str data[] = {STR("metrics")};
	const struct str policies[] = {STR("responder-reads")};
	const struct str counts[] = {STR("metrics=12")};
	struct leaf decided = {
	    .kind = LEAF_CALL_DECIDED,
	    .call_decided = {.task = w->tasks[task],
			     .purpose = STR("agent"),
			     .agent = agent_name(task, agent),
			     .tool = str_from(tools[w->calls / 7 % TOOLS]),
			     .effect = STR("read"),
			     .targets = {targets, 1},
			     .data = {data, 1},
			     .tag = any,
			     .args = any,
			     .verdict = is_allowed ? STR("allow") : STR("deny"),
			     .reason = is_allowed ? STR("allowed") : STR("cap_exceeded"),
			     .policies = {policies, 1},
			     .definition = any,
			     .bundle = any,
			     .source = STR("127.0.0.1")}};
	struct leaf completed = {
	    .kind = LEAF_CALL_COMPLETED,
	    .call_completed = {.call = ix, .kind = STR("ok"), .result = any, .result_bytes = 812}};
	struct leaf accounted = {.kind = LEAF_READ_ACCOUNTED,
				 .read_accounted = {.call = ix,
						    .described = true,
						    .counts = {counts, 1},
						    .bytes = 812,
						    .objects = any}};

	w->calls++;
	add_leaf(w, &decided);
	if (is_allowed) {
		add_leaf(w, &completed);
		add_leaf(w, &accounted);
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void ask(struct world *w, const char *what, const struct fold_filter *filter)
{
	AUTO_BUF out = BUF_INIT(8 << 20);
	uint64_t wall[ASKED];
	uint64_t cpu[ASKED];
	struct err e = ERR_INIT;
	size_t rows = 0;

	for (size_t i = 0; i < ASKED; i++) {
		uint64_t wall_from = clock_ns(CLOCK_MONOTONIC);
		uint64_t cpu_from = clock_ns(CLOCK_THREAD_CPUTIME_ID);

		buf_reset(&out);
		must_ok(fold_calls(w->fold, filter, &out, &e), &e);
		wall[i] = clock_ns(CLOCK_MONOTONIC) - wall_from;
		cpu[i] = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_from;
	}
	for (const char *p = out.p; (p = memmem(p, out.n - (size_t)(p - out.p), "\"id\":", 5));
	     p++) {
		rows++;
	}
	qsort(wall, ASKED, sizeof(*wall), compare);
	qsort(cpu, ASKED, sizeof(*cpu), compare);
	printf("  %-44s %4zu rows  %8.2f ms  cpu %8.2f ms\n", what, rows,
	       (double)wall[ASKED / 2] / 1e6, (double)cpu[ASKED / 2] / 1e6);
}

static void ask_all(struct world *w)
{
	uint64_t last_ms = start_ms + w->ix;
	const struct fold_filter pages[] = {
	    {.limit = PAGE},
	    {.limit = PAGE, .agent = STR("responder-07")},
	    {.limit = PAGE, .incident = 7},
	    {.limit = PAGE, .verdict = STR("deny")},
	    {.limit = PAGE, .agent = STR("responder-07"), .verdict = STR("deny")},
	    {.limit = PAGE, .tool = STR("db___locks"), .verdict = STR("deny")},
	    {.limit = PAGE, .reason = STR("cap_exceeded"), .incident = 7},
	    {.limit = PAGE, .reason = STR("policy_forbids")},
	    {.limit = PAGE, .agent = STR("nobody"), .since_unix_ms = start_ms},
	    {.limit = PAGE, .since_unix_ms = last_ms - 3600000, .until_unix_ms = last_ms},
	    {.limit = PAGE,
	     .agent = STR("responder-07"),
	     .since_unix_ms = start_ms,
	     .until_unix_ms = start_ms + 100000},
	    {.limit = PAGE,
	     .verdict = STR("deny"),
	     .since_unix_ms = start_ms,
	     .until_unix_ms = start_ms + 10000},
	    {.limit = PAGE, .before = w->ix / 2, .agent = STR("responder-07")},
	    {.limit = PAGE, .class = STR("metrics")},
	    {.limit = PAGE, .class = STR("pii")},
	    {.limit = 1000, .agent = STR("responder-07")},
	};
	static const char *const names[ARRAY_LEN(pages)] = {
	    "the newest",
	    "--agent",
	    "--incident",
	    "--decision deny",
	    "--agent --decision deny",
	    "--tool --decision deny",
	    "--incident --reason",
	    "--reason (there is none)",
	    "--agent (there is none) --since the beginning",
	    "--since the last hour --until now",
	    "--agent --since --until, the first minutes",
	    "--decision --since --until, the first seconds",
	    "--agent --before the middle",
	    "touched class",
	    "touched class (there is none)",
	    "--agent --limit 1000",
	};

	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		ask(w, names[i], &pages[i]);
	}
}

int main(int argc, char **argv)
{
	static struct world w;
	struct err e = ERR_INIT;
	uint64_t leaves = 1000000;
	char path[512];

	if (argc < 2 || argc > 3 || strlen(argv[1]) > 400 ||
	    (argc == 3 && !num_u64(str_from(argv[2]), MAX_LEAVES, &leaves))) {
		fprintf(stderr, "usage: bench-index DIRECTORY [LEAVES]\n");
		return 2;
	}
	must_ok(file_mkdirs(argv[1], 0700, &e), &e);
	(void)snprintf(path, sizeof(path), "%s/index.db", argv[1]); /* measured above */
	(void)unlink(path);					    /* absent is fine */
	w.text = (struct buf)BUF_INIT(256 << 20);
	must_ok(fold_open(path, STR("bench.example/log"), &w.fold, &e), &e);
	must_ok(fold_expect(w.fold, leaves, &e), &e);
	add_ground(&w);
	while (w.ix < leaves) {
		add_call(&w);
	}
	if (w.n) {
		add_batch(&w);
	}
	sort(&w);
	printf(
	    "rebuild    %9.0f leaves/s, %9.0f per second of cpu (%ju leaves, %ju calls, %.1f MB)\n",
	    (double)w.ix * 1e9 / (double)w.wall_ns, (double)w.ix * 1e9 / (double)w.cpu_ns,
	    (uintmax_t)w.ix, (uintmax_t)w.calls, (double)w.bytes / 1e6);
	printf("pages of remit calls, %d rows at most unless it says so; median of %d\n", PAGE,
	       ASKED);
	ask_all(&w);
	fold_free(w.fold);
	buf_fini(&w.text);
	return 0;
}
