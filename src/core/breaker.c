/* SPDX-License-Identifier: Apache-2.0 */
/* core/breaker.c - the kinds of breakers and what outcomes count in them. */
#include "core/breaker.h"

#include <inttypes.h>

#include "core/bundle.h"
#include "core/cap.h"
#include "core/state.h"

static const struct str names[BREAKER_KINDS] = {
    [BREAKER_LOOP] = {"loop", 4},	  [BREAKER_BURST] = {"burst", 5},
    [BREAKER_ERRORS] = {"errors", 6},	  [BREAKER_OSCILLATION] = {"oscillation", 11},
    [BREAKER_UPSTREAM] = {"upstream", 8},
};

struct str breaker_kind_name(enum breaker_kind k)
{
	MUST(k < BREAKER_KINDS);
	return names[k];
}

bool breaker_kind_from_name(struct str name, enum breaker_kind *ret)
{
	for (unsigned i = 0; i < BREAKER_KINDS; i++) {
		if (str_eq(name, names[i])) {
			*ret = (enum breaker_kind)i;
			return true;
		}
	}
	return false;
}

bool breaker_stops_reads(enum breaker_kind k)
{
	return k == BREAKER_BURST || k == BREAKER_UPSTREAM;
}

struct str breaker_key(const struct breaker_rule *r, enum breaker_kind k, struct str whom,
		       struct arena *arena)
{
	struct str cap = arena_strf(arena, "~" STR_FMT, STR_ARG(names[k]));

	return cap.p ? cap_key(arena, CAP_CALLS, r->window_ms, cap, whom) : STR_NULL;
}

static enum rc add(const struct bundle *b, enum breaker_kind k, struct str whom,
		   struct arena *arena, struct str *texts, size_t *n, struct err *e)
{
	struct str key = whom.p ? breaker_key(&b->breakers[k], k, whom, arena) : STR_NULL;

	texts[*n] = key.p ? taking_text(arena, 1, NULL, CAP_CALLS, key) : STR_NULL;
	if (!texts[*n].p) {
		FAIL(e, RC_NOMEM, "no memory for a breaker");
	}
	(*n)++;
	return RC_OK;
}

enum rc breaker_counts(const struct bundle *b, const struct call *c, struct str kind,
		       struct arena *arena, struct str_list *ret, struct err *e)
{
	const struct tool *t = bundle_tool(b, c->tool);
	bool is_unknown = str_eq(kind, STR("unknown"));
	struct str *texts = arena_alloc_n(arena, 2, sizeof(*texts));
	size_t n = 0;

	*ret = (struct str_list){0};
	if (!texts) {
		FAIL(e, RC_NOMEM, "no memory for a breaker");
	}
	if (b->breakers[BREAKER_ERRORS].most && c->task &&
	    (is_unknown || str_eq(kind, STR("tool_error")))) {
		TRY(add(b, BREAKER_ERRORS, arena_strf(arena, "t%" PRIu64, c->task), arena, texts,
			&n, e));
	}
	if (b->breakers[BREAKER_UPSTREAM].most && t &&
	    (is_unknown || str_eq(kind, STR("not_sent")))) {
		TRY(add(b, BREAKER_UPSTREAM,
			arena_strf(arena, "up/" STR_FMT, STR_ARG(t->upstream->name)), arena, texts,
			&n, e));
	}
	*ret = (struct str_list){texts, n};
	return RC_OK;
}
