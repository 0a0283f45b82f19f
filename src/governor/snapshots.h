/* SPDX-License-Identifier: Apache-2.0 */
/* governor/snapshots.h - when snapshots are taken, which are believed, when they go.
 *
 * A snapshot is made from the log, not from the state that governs: a thread takes the newest
 * snapshot, applies the leaves that follow it up to the published checkpoint, as they read back
 * from the segments, finds the checkpoint's root, and writes what came out. So the sequencer never
 * waits, nothing is shared, and what was wrong in memory is in no snapshot.
 *
 *	taken	 written; the leaf snapshot.taken commits to it
 *	covered	 that leaf is under a signed checkpoint: only now it may be loaded. The two newest
 *		 stay, so that one that is damaged is not the only one.
 *
 * At a start the newest covered one is loaded whose leaf is where its name says, under the
 * published checkpoint, proven from the tiles. Any that is not says why in the log of the process,
 * and the next older one is tried, at last the first leaf.
 */
#pragma once

#include <tlog.h>

#include "governor/snapshot.h"

struct snapshots;

/* All borrowed; they outlive what is made with them. */
struct snapshots_world {
	const struct log_io *io;       /* the directory of snapshots */
	const struct log_io *segments; /* the log's own */
	const char *publish_dir;       /* of checkpoint and tile/ */
	struct str vkey;
	struct str origin;
	uint64_t every;	 /* leaves between two; 0 = LIMIT_SNAPSHOT_EVERY */
	bool has_thread; /* else snapshots_step does what the thread would */
};

/* What a shard begins with, and so stays: the sizes of which they are. */
struct snapshots_kept {
	size_t n;
	const uint64_t *sizes;
};

/* One that is covered. */
struct snapshots_ref {
	uint64_t size;
	uint64_t leaf;
};

/* Loads the newest that may be. RC_ABSENT: there is none, which is no error. Damaged ones are
 * removed. */
enum rc snapshots_load(const struct snapshots_world *w, struct state **ret,
		       struct segment_base *ret_base, struct err *e);

/* last: size of the one that was loaded, 0 = none. What is half written or not covered is removed.
 * kept: as in snapshots_keep. */
enum rc snapshots_new(const struct snapshots_world *w, uint64_t last,
		      const struct snapshots_kept *kept, struct snapshots **ret, struct err *e);
/* Waits for the thread, which hurries. */
void snapshots_free(struct snapshots *x);

/* From the sequencer, now and then; published is the size of the published checkpoint. True: one
 * was taken, and a leaf is to say so (*ret), which snapshots_noted is told of (0: it could not be
 * written). */
bool snapshots_tick(struct snapshots *x, uint64_t published, struct snapshot *ret);
void snapshots_noted(struct snapshots *x, uint64_t leaf);
void snapshots_step(struct snapshots *x);
/* What the older of the two that stay is of; 0 = there are not two. What is before it is needed by
 * no start. */
uint64_t snapshots_oldest(struct snapshots *x);
/* No work is under way: only then may the next three be called. */
bool snapshots_is_idle(const struct snapshots *x);
/* The newest covered one; size 0 = there is none. */
struct snapshots_ref snapshots_newest(const struct snapshots *x);
/* The next one is taken without waiting for `every` leaves. */
void snapshots_want(struct snapshots *x);
/* These stay, however many newer ones there are. Copied. */
enum rc snapshots_keep(struct snapshots *x, const struct snapshots_kept *kept);
