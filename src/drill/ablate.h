/* SPDX-License-Identifier: Apache-2.0 */
/* drill/ablate.h - which one thing, taken away, lets an attack through?
 *
 * A defence is a forbid of the policies, an entry of the never-list, a freeze, a cap, a level of
 * autonomy, or a demand of the catalog. Each is removed alone, and the story is played again. A
 * step that was stopped and now is not has a single point of failure: that defence.
 */
#pragma once

#include "drill/play.h"

enum { ABLATE_DEFENCES_MAX = 512 };

struct single_point {
	uint64_t step;	    /* 1-based */
	struct str defence; /* "policy no-drop", "never_list of gates.yaml: ..." */
	enum answer becomes;
};

struct ablation {
	struct arena arena;
	VEC(struct single_point) points;
	size_t n_tried;
};

#define ABLATION_INIT                                                                              \
	{                                                                                          \
		.arena = ARENA_INIT(64 << 20)                                                      \
	}
#define AUTO_ABLATION CLEANUP(ablation_fini) struct ablation
void ablation_fini(struct ablation *a);

/* base: what came of the steps with all defences in place. */
enum rc ablate(const struct scenario *s, const struct play_report *base, uint64_t seed,
	       struct ablation *ret, struct err *e);
