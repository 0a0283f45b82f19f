/* SPDX-License-Identifier: Apache-2.0 */
/* refold.c - see its header. */
#include "refold.h"

#include "core/state.h"

#include "state_bytes.h"

struct refold {
	struct state *s;
	uint64_t every;
};

static enum rc apply_leaf(void *ctx, uint64_t ix, struct str bytes, struct err *e)
{
	struct refold *f = ctx;
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	struct state *again;
	struct leaf l;

	TRY(leaf_decode(&arena, bytes, &l, e));
	TRY(state_reserve(f->s, &l, e));
	state_apply(f->s, ix, &l);
	if (f->every && ix % f->every == f->every - 1) {
		TRY(state_again(f->s, &again, e));
		state_free(f->s);
		f->s = again;
	}
	return RC_OK;
}

static enum rc compare(struct sim *sim, const struct state *s, struct err *e)
{
	struct digest mine;
	struct digest other;

	TRY(state_digest(sim_state(sim), &mine, e));
	TRY(state_digest(s, &other, e));
	if (!digest_eq(&mine, &other)) {
		FAIL(e, RC_BROKEN, "replay gives another state");
	}
	return RC_OK;
}

enum rc refold_is_same(struct sim *sim, uint64_t every, struct err *e)
{
	struct refold f = {.every = every};
	enum rc rc;

	TRY(state_new(&f.s, e));
	rc = sim_reread(sim, apply_leaf, &f, e);
	if (rc == RC_OK) {
		rc = compare(sim, f.s, e);
	}
	state_free(f.s);
	return rc;
}
