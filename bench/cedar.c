/* SPDX-License-Identifier: Apache-2.0 */
/* bench/cedar.c - what a decision costs: by the index, and policy by policy.
 *
 * usage: bench-cedar [--peers]
 *
 * Per size of set: nanoseconds per decision over requests that are there (p50 and p99 of single
 * decisions, 64 different requests in turn, the cost of reading the clock taken off), the same with
 * the request read from JSON and the answer written as JSON, bytes of the loaded set, milliseconds
 * to load it from text. Wall clock of one thread. --peers adds other implementations where
 * REMIT_CEDAR_WASM names it. See docs/benchmarks-cedar.md.
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cedar/authorize.h"
#include "cedar_load.h"
#include "cedar_peers.h"

enum { SAMPLES = 20000, TEXT_BYTES = 4 << 20, ARENA_BYTES = 1 << 24, BUDGET_NS = 400000000 };

typedef enum rc decide_fn(const struct cedar_policies *set, const struct cedar_entities *entities,
			  const struct cedar_request *request, struct arena *arena,
			  struct cedar_response *ret, struct err *e);

struct bench {
	struct arena arena; /* entities and requests */
	struct cedar_entities *world;
	struct load_request requests[LOAD_REQUESTS];
	uint64_t clock_ns; /* of asking what time it is */
	uint64_t samples[SAMPLES];
};

struct figures {
	uint64_t p50;
	uint64_t p99;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	MUST(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static struct figures figures_of(struct bench *b, size_t n)
{
	qsort(b->samples, n, sizeof(b->samples[0]), compare);
	return (struct figures){.p50 = b->samples[n / 2], .p99 = b->samples[n * 99 / 100]};
}

static uint64_t elapsed(const struct bench *b, uint64_t since)
{
	uint64_t ns = now_ns() - since;

	return ns > b->clock_ns ? ns - b->clock_ns : 0;
}

static void measure_clock(struct bench *b)
{
	for (size_t i = 0; i < SAMPLES; i++) {
		uint64_t start = now_ns();

		b->samples[i] = now_ns() - start;
	}
	b->clock_ns = figures_of(b, SAMPLES).p50;
}

static size_t heap_bytes(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* ---- what is measured ---- */

static struct figures decisions(struct bench *b, const struct cedar_policies *set,
				decide_fn *decide)
{
	AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
	uint64_t until = now_ns() + BUDGET_NS;
	struct cedar_response response;
	size_t n = 0;

	for (size_t i = 0; i < 2 * LOAD_REQUESTS; i++) {
		const struct cedar_request *r = &b->requests[i % LOAD_REQUESTS].request;

		arena_reset(&arena);
		MUST(decide(set, b->world, r, &arena, &response, NULL) == RC_OK);
	}
	while (n < SAMPLES && (n < 100 || now_ns() < until)) {
		uint64_t start = now_ns();

		arena_reset(&arena);
		MUST(decide(set, b->world, &b->requests[n % LOAD_REQUESTS].request, &arena,
			    &response, NULL) == RC_OK);
		b->samples[n++] = elapsed(b, start);
	}
	return figures_of(b, n);
}

static struct figures from_json(struct bench *b, const struct cedar_policies *set)
{
	AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
	AUTO_BUF out = BUF_INIT(TEXT_BYTES);
	uint64_t until = now_ns() + BUDGET_NS;
	size_t n = 0;

	while (n < SAMPLES && now_ns() < until) {
		uint64_t start = now_ns();
		struct cedar_response response;
		struct cedar_request r;

		arena_reset(&arena);
		buf_reset(&out);
		MUST(load_read_request(&arena, b->requests[n % LOAD_REQUESTS].json, &r) == RC_OK);
		MUST(cedar_authorize(set, b->world, &r, &arena, &response, NULL) == RC_OK);
		MUST(load_write_response(&out, set, &response) == RC_OK);
		b->samples[n++] = elapsed(b, start);
	}
	return figures_of(b, n);
}

static struct cedar_policies *load(struct str text, double *ret_ms, size_t *ret_bytes)
{
	size_t before = heap_bytes();
	uint64_t start = now_ns();
	struct cedar_policies *set = load_set(text);

	*ret_ms = (double)(now_ns() - start) / 1e6;
	*ret_bytes = heap_bytes() - before;
	return set;
}

/* Returns the p50 of one decision in ns. */
static uint64_t run(struct bench *b, enum load_kind kind, unsigned n)
{
	AUTO_BUF text = BUF_INIT(TEXT_BYTES);
	struct cedar_policies *set;
	struct figures compiled;
	struct figures linear;
	struct figures json;
	size_t bytes;
	double ms;

	MUST(load_policies(&text, kind, n) == RC_OK);
	set = load(buf_view(&text), &ms, &bytes);
	compiled = decisions(b, set, cedar_authorize);
	linear = decisions(b, set, cedar_authorize_linear);
	json = from_json(b, set);
	printf("%8u %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %6.1fx %9" PRIu64
	       " %9" PRIu64 " %8zu %9zu %8.1f\n",
	       n, compiled.p50, compiled.p99, linear.p50, linear.p99,
	       (double)linear.p50 / (double)(compiled.p50 ? compiled.p50 : 1), json.p50, json.p99,
	       buf_view(&text).n / 1000, bytes / 1000, ms);
	cedar_policies_unref(set);
	return compiled.p50;
}

static const unsigned sizes[] = {10, 100, 1000, 10000};

static void run_all(struct bench *b, enum load_kind kind, const char *title, uint64_t *p50)
{
	printf("\n%s\n%8s %19s %19s %7s %19s %8s %9s %8s\n", title, "", "compiled ns", "linear ns",
	       "", "JSON to JSON ns", "text", "set", "load");
	printf("%8s %9s %9s %9s %9s %7s %9s %9s %8s %9s %8s\n", "policies", "p50", "p99", "p50",
	       "p99", "ratio", "p50", "p99", "kB", "kB", "ms");
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		p50[i] = run(b, kind, sizes[i]);
	}
}

static void set_up(struct bench *b)
{
	AUTO_BUF world = BUF_INIT(TEXT_BYTES);

	b->arena = (struct arena)ARENA_INIT(ARENA_BYTES);
	MUST(load_world(&world) == RC_OK);
	MUST(cedar_entities_new(&b->arena, NULL, &b->world, NULL) == RC_OK);
	MUST(cedar_entities_add_text(b->world, buf_view(&world), NULL) == RC_OK);
	MUST(cedar_entities_seal(b->world, NULL) == RC_OK);
	for (unsigned i = 0; i < LOAD_REQUESTS; i++) {
		MUST(load_request(&b->arena, i, &b->requests[i]) == RC_OK);
	}
	measure_clock(b);
}

int main(int argc, char **argv)
{
	static struct bench b;
	uint64_t p50[ARRAY_LEN(sizes)];
	uint64_t worst[ARRAY_LEN(sizes)];

	set_up(&b);
	printf("a request has %zu bytes of JSON; reading the clock takes %" PRIu64
	       " ns, which are taken off\n",
	       b.requests[0].json.n, b.clock_ns);
	run_all(&b, LOAD_AGENTS_MIX, "agent governance: see bench/cedar_load.h", p50);
	run_all(&b, LOAD_ALL_DIFFERENT, "worst case: all unscoped, all conditions different",
		worst);
	run_all(&b, LOAD_ALL_FAILING, "every policy unscoped and failing, each failure reported",
		worst);
	if (argc > 1 && strcmp(argv[1], "--peers") == 0) {
		peers_run(sizes, p50, ARRAY_LEN(sizes), b.world);
	}
	arena_fini(&b.arena);
	return 0;
}
