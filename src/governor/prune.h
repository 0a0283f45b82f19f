/* SPDX-License-Identifier: Apache-2.0 */
/* governor/prune.h - leaves that were pruned go from the disk, in an order that may end anywhere.
 *
 *	<log>/pruned	says so to whoever reads the directory
 *	segments	all of whose leaves are below, with the sealed values in them
 *	bundles		that end at or below; the hashes in tiles stay
 *
 * A step is a part of it that is quick enough for between two calls. What was removed before, in
 * this life or an earlier one, is found to be gone, which does no harm.
 */
#pragma once

#include "core/pruned.h"
#include "governor/segment.h"

struct prune {
	const char *dir; /* of the published log; outlives it */
	struct pruned what;
	uint64_t bundle; /* the next to go; no leaf before it is there */
	/* steps that are done */
	bool is_said;
	bool has_segments_gone;
};

/* RC_OK: all of it is gone, and stays so whatever happens. RC_AGAIN: step again; nothing is wrong,
 * or the log is in its emergency segment, and nothing can go now. Anything else: what is there
 * stays, and may be tried again. */
enum rc prune_step(struct prune *p, struct segment_log *l, struct err *e);

/* ---- for whoever reads the directory ---- */

/* What its file `pruned` says; first 0 = there is none. Not more than a hint. */
enum rc prune_hint(const char *dir, struct pruned *ret, struct err *e);
/* What is pruned: what the hint says, if the leaf it names says the same and is in the tree of that
 * checkpoint, whose signature the caller has checked; d was opened at dir, its size set. RC_BROKEN:
 * the log does not say so. RC_AGAIN: a later checkpoint may; open that. */
enum rc prune_read(const char *dir, struct tlog_dir *d, const struct tlog_checkpoint *c,
		   struct pruned *ret, struct err *e);
