/* SPDX-License-Identifier: Apache-2.0 */
/* bench/state.c - how much memory it takes to govern much at a time.
 *
 * 10,000 open tasks on 100 incidents, each granted 100 targets of its own and having acted on all
 * of them in four calls of 25 targets: 1,000,000 different targets, all counted by their task
 * (touched), by a cap per task and by a cap over the fleet, all standing. Resident memory of the
 * process before and after, as the kernel has it, and time per leaf.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "test.h"

#include "fold.h"

enum { TASKS = 10000, INCIDENTS = 100, CALLS = 4, PER_CALL = 25 };

static struct str names[CALLS * PER_CALL];
static char texts[CALLS * PER_CALL][32];

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

static double now_s(void)
{
	struct timespec t;

	MUST(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void name_targets(unsigned task)
{
	for (unsigned i = 0; i < CALLS * PER_CALL; i++) {
		int n =
		    snprintf(texts[i], sizeof(texts[i]), "host:t%05u-%02u.example.org", task, i);

		names[i] = str_of(texts[i], (size_t)n);
	}
}

static void act(struct fold *f, uint64_t task, unsigned call)
{
	struct leaf l = fold_call(task, STR("contain"), (uint8_t)call);
	uint64_t ix;

	l.call_decided.targets = (struct str_list){&names[(size_t)call * PER_CALL], PER_CALL};
	l.call_decided.takings = LIST(STR("*:targets:86400000:per-day:fleet"));
	ix = fold_add(f, l);
	fold_add(f, LEAF_OF(CALL_COMPLETED, call_completed, .call = ix, .kind = STR("ok"),
			    .labels = LIST(STR("operational"))));
}

int main(void)
{
	struct fold f = fold_new();
	uint64_t incidents[INCIDENTS];
	long before = resident_kib();
	double from = now_s();
	double took;

	for (unsigned i = 0; i < INCIDENTS; i++) {
		incidents[i] = fold_incident(&f);
	}
	for (unsigned t = 0; t < TASKS; t++) {
		struct leaf l =
		    LEAF_OF(TASK_OPENED, task_opened, .incident = incidents[t % INCIDENTS],
			    .agent = FOLD_AGENT, .playbook = STR("db-saturation"),
			    .tools = LIST(STR("db___sessions"), STR("db___end")),
			    .targets = {names, CALLS * PER_CALL}, .phase = STR("contain"),
			    .not_after = f.t + 3600 * 1000, .max_calls = 100, .max_targets = 100,
			    .max_deviations = 3, .accountable = STR("alice"));
		uint64_t task;

		name_targets(t);
		task = fold_add(&f, l);
		for (unsigned c = 0; c < CALLS; c++) {
			act(&f, task, c);
		}
		f.t += 100;
	}
	took = now_s() - from;
	MUST(state_counted(f.s, STR("targets:86400000:per-day:fleet"), f.t) ==
	     (uint64_t)TASKS * CALLS * PER_CALL);
	printf("%d open tasks, %d counted targets\n", TASKS, TASKS * CALLS * PER_CALL);
	printf("resident before                  %8ld MiB\n", before / 1024);
	printf("resident after                   %8ld MiB\n", resident_kib() / 1024);
	printf("folded in                        %8.2f s, %.2f us per leaf\n", took,
	       took * 1e6 / (double)state_size(f.s));
	state_free(f.s);
	return 0;
}
