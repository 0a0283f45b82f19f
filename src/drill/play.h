/* SPDX-License-Identifier: Apache-2.0 */
/* drill/play.h - playing a scenario in the simulator, and what came of each step. */
#pragma once

#include "core/leaf.h"
#include "drill/scenario.h"

struct step_result {
	const struct step *step;
	struct str what;	  /* "coder db.exec" */
	enum answer answer;	  /* got */
	struct str reason;	  /* got; "" = none */
	struct str problem;	  /* what is not as expected; "" = it is */
	struct str_list policies; /* that determined it, and gates */
	bool is_due;
};

struct play_report {
	struct arena arena;
	VEC(struct step_result) steps;
	struct str problem; /* at the end; "" = none */
	size_t n_failed;    /* steps, and 1 for the end */
	size_t n_not_due;
	uint64_t n_leaves;
	uint64_t n_decisions; /* in the log, each made again with the same result */
	struct digest log; /* SHA-256 over the bytes of all leaves: the same run has the same */
};

#define PLAY_REPORT_INIT                                                                           \
	{                                                                                          \
		.arena = ARENA_INIT(64 << 20)                                                      \
	}
#define AUTO_PLAY_REPORT CLEANUP(play_report_fini) struct play_report
void play_report_fini(struct play_report *r);

struct sim;
struct sim_publishing;
/* Somebody who looks on: after each step, before it is compared with what is expected, and at the
 * end. For tests of what must hold in every story. */
struct play_watch {
	void (*step)(void *ctx, struct sim *sim, const struct step *st);
	void (*end)(void *ctx, struct sim *sim);
	void *ctx;
	const struct sim_publishing *publishing; /* NULL: nothing is published */
};

/* Plays these steps of s under the deployment that tree is. A deployment that does not load is an
 * error (found in f); whatever happens in the story is a result. The same seed gives the same.
 * watch may be NULL. */
enum rc play_run(const struct scenario *s, const struct tree *tree, const struct steps *steps,
		 uint64_t seed, const struct play_watch *watch, struct play_report *ret,
		 struct findings *f, struct err *e);
