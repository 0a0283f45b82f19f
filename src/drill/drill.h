/* SPDX-License-Identifier: Apache-2.0 */
/* drill/drill.h - scenario files in, a report out. */
#pragma once

#include "drill/ablate.h"

enum drill_state { DRILL_GREEN = 0, DRILL_NOT_DUE, DRILL_FAILED, DRILL_INVALID, DRILL_STATES };
const char *drill_state_name(enum drill_state s);

struct drill_options {
	const char *dir; /* a deployment whose own files are drilled; NULL = the fixture alone */
	uint64_t seed;
	bool ablates; /* removes each defence in turn */
};

struct drill {
	struct str file;
	enum drill_state state;
	struct findings findings; /* INVALID: why */
	struct err err;		  /* INVALID: why, when there are no findings */
	struct scenario *scenario;
	struct play_report steps;
	struct play_report twin;
	struct ablation ablation;
};

#define AUTO_DRILL CLEANUP(drill_fini) struct drill
/* Reads and plays one file. Never fails: what goes wrong is the result. path must outlive d. */
void drill_run(struct drill *d, const char *path, const struct drill_options *o);
void drill_fini(struct drill *d);
/* For people: a line per step, expected beside got where they differ. */
enum rc drill_print(const struct drill *d, struct buf *b);
/* One object: {"file","scenario","title","state","controls","steps":[...],"twin":[...],
 * "single_points":[...],"findings":[...]} */
void drill_print_json(const struct drill *d, struct json_out *w);
