/* SPDX-License-Identifier: Apache-2.0 */
/* properties - random stories in the simulator, and what must hold in all of them.
 *
 *	properties [--steps N] [--seed S] [--write FILE]
 *
 * Each episode is a scenario that is drawn from its seed (story.h): calls, votes, stops, crashes,
 * clock jumps, upstreams that fail, disks that fill. The first thing that does not hold (checker.h)
 * ends the run; the episode's seed is printed, and --write leaves the story as a scenario that
 * `remit drill` can play. A run that is interrupted ends with its story, and says how far it came.
 */
#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/num.h"

#include "checker.h"
#include "publisher.h"
#include "story.h"

enum { EPISODE_STEPS = 120, TEXT_BYTES = 1 << 20 };

struct totals {
	uint64_t episodes;
	uint64_t signed_trees;
	uint64_t proven;
	struct checker_counts n;
};

static void count(const struct checker *c, const struct publisher *p, struct totals *t)
{
	struct checker_counts n = checker_counts(c);

	t->episodes++;
	t->signed_trees += publisher_signed(p);
	t->proven += publisher_proven(p);
	t->n.steps += n.steps;
	t->n.leaves += n.leaves;
	t->n.effects += n.effects;
	t->n.wiped += n.wiped;
	t->n.undone += n.undone;
	t->n.stopped += n.stopped;
	t->n.thefts += n.thefts;
	t->n.late += n.late;
	t->n.left += n.left;
	t->n.lies += n.lies;
	t->n.excess += n.excess;
	t->n.compared += n.compared;
	t->n.longest_ms = n.longest_ms > t->n.longest_ms ? n.longest_ms : t->n.longest_ms;
}

/* False: something does not hold; it is printed. */
static bool play_episode(uint64_t seed, uint64_t steps, const char *write_to,
			 struct publisher *publisher, struct totals *t)
{
	AUTO_BUF text = BUF_INIT(TEXT_BYTES);
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_SCENARIO s = NULL;
	AUTO_PLAY_REPORT r = PLAY_REPORT_INIT;
	struct checker *c = checker_new(seed, publisher);
	struct err e = ERR_INIT;
	bool holds = false;

	if (!c || publisher_begin(publisher, &e) != RC_OK ||
	    story_draw(&text, seed, steps) != RC_OK ||
	    scenario_read(STR("random.yaml"), buf_view(&text), NULL, &s, &f, &e) != RC_OK ||
	    play_run(s, &s->tree, &s->steps, seed, checker_watch(c), &r, &f, &e) != RC_OK) {
		printf("seed %" PRIu64 ": the story cannot be played: %s\n", seed, e.msg);
	} else if (checker_broken(c).n > 0) {
		printf("seed %" PRIu64 ", step %" PRIu64 ": " STR_FMT "\n", seed,
		       checker_counts(c).steps, STR_ARG(checker_broken(c)));
	} else {
		holds = true;
		count(c, publisher, t);
	}
	if (write_to && !holds && file_replace(write_to, buf_view(&text), 0644, &e) != RC_OK) {
		printf("%s\n", e.msg);
	}
	checker_free(c);
	return holds;
}

static volatile sig_atomic_t is_interrupted;

static void interrupt(int signal)
{
	(void)signal;
	is_interrupted = 1;
}

static bool number(const char *text, uint64_t *ret)
{
	return text && num_u64(str_from(text), UINT64_MAX, ret);
}

int main(int argc, char **argv)
{
	struct publisher *publisher;
	struct totals t = {0};
	struct err e = ERR_INIT;
	uint64_t steps = 2500;
	uint64_t seed = 1;
	const char *write_to = NULL;
	bool holds = true;

	for (int i = 1; i < argc; i += 2) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (!strcmp(argv[i], "--write") && value) {
			write_to = value;
		} else if (!(!strcmp(argv[i], "--steps") && number(value, &steps)) &&
			   !(!strcmp(argv[i], "--seed") && number(value, &seed))) {
			fprintf(stderr,
				"usage: properties [--steps N] [--seed S] [--write FILE]\n");
			return 2;
		}
	}
	(void)signal(SIGINT, interrupt); /* neither can fail: they are there */
	(void)signal(SIGTERM, interrupt);
	log_set_level(LOG_LEVEL_NONE);
	/* A story's memory is kept for the next: giving it back took a third of the time. */
	(void)mallopt(M_MMAP_THRESHOLD, 1 << 30);
	(void)mallopt(M_TRIM_THRESHOLD, INT_MAX);
	if (publisher_new(&publisher, &e) != RC_OK) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	for (uint64_t i = 0; t.n.steps < steps && holds && !is_interrupted; i++) {
		holds = play_episode(seed + i, EPISODE_STEPS, write_to, publisher, &t);
	}
	publisher_free(publisher);
	if (!holds) {
		return 1;
	}
	printf("%" PRIu64 " steps in %" PRIu64 " stories from seed %" PRIu64 ": %" PRIu64
	       " leaves, %" PRIu64 " calls reached an upstream, %" PRIu64
	       " of them destroyed, %" PRIu64 " undid; %" PRIu64 " stops acknowledged; %" PRIu64
	       " of another's refused; %" PRIu64 " outcomes came late, %" PRIu64
	       " were lies; %" PRIu64 " credentials named as left; %" PRIu64
	       " inputs too large; %" PRIu64 " checkpoints signed, %" PRIu64
	       " leases proven; %" PRIu64
	       " times bytes compared; nobody waited longer than %" PRIu64 " s; everything holds\n",
	       t.n.steps, t.episodes, seed, t.n.leaves, t.n.effects, t.n.wiped, t.n.undone,
	       t.n.stopped, t.n.thefts, t.n.late, t.n.lies, t.n.left, t.n.excess, t.signed_trees,
	       t.proven, t.n.compared, t.n.longest_ms / 1000);
	return 0;
}
