/* SPDX-License-Identifier: Apache-2.0 */
/* governor/state_at_start.c - the state that a life begins with: a snapshot and what followed it,
 * or all leaves. And taking snapshots for the lives to come. */
#include "governor/checkpoint.h"
#include "governor/gov.h"
#include "governor/snapshots.h"

#include "base/log.h"

static struct snapshots_world world_of(const struct governor *g)
{
	return (struct snapshots_world){
	    .io = g->world.snapshots,
	    .segments = g->world.segments,
	    .publish_dir = g->world.publish_dir,
	    .vkey = g->world.vkey,
	    .origin = g->bundle->origin,
	    .every = g->world.snapshot_every,
	    .has_thread = g->world.has_thread,
	};
}

static bool has_snapshots(const struct governor *g)
{
	return g->world.snapshots && g->world.publish_dir;
}

enum rc state_at_start(struct governor *g, struct err *e)
{
	const struct governor_world *w = &g->world;
	const struct snapshots_world snapshots = world_of(g);
	struct book_start start = {0};
	bool is_new = false;
	enum rc rc = RC_ABSENT;

	if (has_snapshots(g)) {
		rc = snapshots_load(&snapshots, &start.take_state, &start.base, e);
	}
	if (rc != RC_OK && rc != RC_ABSENT) {
		return rc;
	}
	g->loaded = start.base.size;
	TRY(book_open(w->segments, w->emergency, w->segment_bytes, g->bundle->origin, g->clock,
		      w->rand, rc == RC_OK ? &start : NULL, &g->book, &g->state, &is_new, e));
	if (g->loaded) {
		log_info("%ju leaves, the first %ju of them from a snapshot",
			 (uintmax_t)state_size(g->state), (uintmax_t)g->loaded);
	}
	return RC_OK;
}

enum rc snapshots_begin(struct governor *g, struct err *e)
{
	const struct snapshots_world w = world_of(g);
	const struct snapshots_kept kept = shards_kept(g);

	if (!has_snapshots(g)) {
		return RC_OK;
	}
	if (!kept.sizes) {
		FAIL(e, RC_NOMEM, "no memory to keep what shards begin with");
	}
	g->kept_for = state_pruned(g->state, NULL, NULL);
	return snapshots_new(&w, g->loaded, &kept, &g->snapshots, e);
}

void snapshots_look(struct governor *g)
{
	struct leaf l = {.kind = LEAF_SNAPSHOT_TAKEN};
	struct err e = ERR_INIT;
	struct snapshot made;
	uint64_t ix = 0;

	if (!g->snapshots || g->has_no_room ||
	    !snapshots_tick(g->snapshots, checkpointer_published_size(g->checkpointer), &made)) {
		return;
	}
	l.snapshot_taken.size = made.base.size;
	l.snapshot_taken.digest = made.digest;
	l.snapshot_taken.state = made.state;
	l.snapshot_taken.bytes = made.state_bytes;
	if (book_record(g->book, &l, VAULT_LIFE_KEY, NULL, 0, &ix, &e) != RC_OK) {
		log_err("a snapshot cannot be recorded: %s", e.msg);
	}
	snapshots_noted(g->snapshots, ix);
}
