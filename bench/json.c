/* SPDX-License-Identifier: Apache-2.0 */
/* bench/json.c - nanoseconds to parse and look into a tools/call, and to canonicalise it.
 *
 * CPU time of this thread, so that a busy machine disturbs little; the median of nine rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "codec/json.h"

enum { ROUNDS = 9, PER_ROUND = 20000, LARGE_BYTES = 20000 };

static const char call[] =
    "{\"jsonrpc\":\"2.0\",\"id\":4711,\"method\":\"tools/call\",\"params\":{\"name\":"
    "\"edr___isolate_host\",\"arguments\":{\"host\":\"web-eu-17.prod.example.net\",\"reason\":"
    "\"beaconing to 203.0.113.7 every 60 s, confirmed by two sensors\",\"duration_minutes\":240,"
    "\"allow_list\":[\"10.20.0.5\",\"10.20.0.6\",\"vpn.example.net\"],\"notify\":true,\"severity\":"
    "2,\"region\":\"eu-central-1a\",\"confidence\":0.97,\"ticket\":null},\"_meta\":{"
    "\"progressToken\":\"p-81723\","
    "\"traceparent\":"
    "\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\",\"io.example/task\":"
    "\"tsk_01J9ZK3W5V8Q2\"}}}";

static uint64_t now_ns(void)
{
	struct timespec t;

	MUST(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void parse(struct arena *arena, struct str text)
{
	const struct json *j;
	struct str name;
	uint64_t minutes;

	arena_reset(arena);
	MUST(json_parse(arena, text, NULL, &j, NULL) == RC_OK);
	if (j->type == JSON_OBJECT) {
		const struct json *params = json_get(j, STR("params"));

		MUST(json_str(json_get(params, STR("name")), &name));
		MUST(json_u64(json_get(json_get(params, STR("arguments")), STR("duration_minutes")),
			      &minutes));
	}
}

static void parse_and_canonicalise(struct arena *arena, struct str text, struct buf *b)
{
	const struct json *j;

	arena_reset(arena);
	buf_reset(b);
	MUST(json_parse(arena, text, NULL, &j, NULL) == RC_OK);
	MUST(json_canonical(b, j, NULL) == RC_OK);
}

static void measure(const char *what, struct str text, int per_round, bool with_canonical)
{
	AUTO_ARENA arena = ARENA_INIT(1 << 24);
	AUTO_BUF b = BUF_INIT(1 << 20);
	uint64_t ns[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t begin = now_ns();

		for (int i = 0; i < per_round; i++) {
			if (with_canonical) {
				parse_and_canonicalise(&arena, text, &b);
			} else {
				parse(&arena, text);
			}
		}
		ns[round] = (now_ns() - begin) / (uint64_t)per_round;
	}
	qsort(ns, ROUNDS, sizeof(ns[0]), compare);
	printf("%-28s %6zu bytes %8llu ns (best %llu)\n", what, text.n,
	       (unsigned long long)ns[ROUNDS / 2], (unsigned long long)ns[0]);
}

int main(void)
{
	AUTO_BUF large = BUF_INIT(1 << 20);

	MUST(buf_add_char(&large, '[') == RC_OK);
	while (large.n < LARGE_BYTES) {
		MUST(buf_addf(&large, "%s%s", large.n > 1 ? "," : "", call) == RC_OK);
	}
	MUST(buf_add_char(&large, ']') == RC_OK);
	measure("parse and access", str_from(call), PER_ROUND, false);
	measure("parse and canonicalise", str_from(call), PER_ROUND, true);
	measure("parse", buf_view(&large), PER_ROUND / 40, false);
	return 0;
}
