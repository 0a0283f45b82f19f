/* SPDX-License-Identifier: Apache-2.0 */
/* governor/tiles.h - from durable leaves to a published checkpoint.
 *
 * Off the hot path, normally on the governor's helper thread, with descriptors of its own:
 *
 *	tiles_prepare	reads committed leaves back from the segments, writes bundles and tiles,
 *			reads those back too, recomputes the root and compares it with the
 *			frontier's; gives what the keeper is to sign
 *	(keeper signs)
 *	tiles_publish	checks the note and makes it the log's checkpoint
 *
 * Nothing is offered for signing that cannot be derived from the medium again. Any RC_BROKEN means
 * that memory and disk disagree: the log must stop.
 */
#pragma once

#include <tlog.h>

#include "governor/segment.h"

struct tiles;

struct tiles_to_sign {
	uint64_t size;
	struct tlog_hash root;
	uint64_t old_size; /* what the proof begins at */
	struct tlog_proof consistency;
};

/* path is the directory of checkpoint and tile/ (made if absent); key is the log's and its name
 * the origin. A published checkpoint must be signed by it. io reads the segments. */
enum rc tiles_open(const char *path, const struct tlog_vkey *key, const struct log_io *io,
		   struct tiles **ret, struct err *e);
void tiles_free(struct tiles *t);
#define AUTO_TILES CLEANUP(tiles_cleanup) struct tiles *
static inline void tiles_cleanup(struct tiles **t)
{
	tiles_free(*t);
}
/* Size of the published checkpoint, 0 before the first. */
uint64_t tiles_published_size(const struct tiles *t);
/* durable comes from segment_snapshot(). The consistency proof begins at tiles_published_size(). */
enum rc tiles_prepare(struct tiles *t, const struct segment_snapshot *durable,
		      struct tiles_to_sign *ret, struct err *e);
/* The proof from another old size: for a keeper that signed a checkpoint which then was not
 * published. old_size is at most the size prepared. */
enum rc tiles_prove(struct tiles *t, uint64_t old_size, struct tlog_proof *ret, struct err *e);
/* The root of a tree not larger than the published one. */
enum rc tiles_root_at(struct tiles *t, uint64_t size, struct tlog_hash *ret, struct err *e);
/* note is the signed checkpoint of the size and root prepared last. */
enum rc tiles_publish(struct tiles *t, struct str note, struct err *e);
/* The proof between two trees of at most the published size. */
enum rc tiles_prove_published(struct tiles *t, uint64_t old_size, uint64_t size,
			      struct tlog_proof *ret, struct err *e);
/* note is a checkpoint published before, with cosignatures of a quorum. */
enum rc tiles_publish_witnessed(struct tiles *t, struct str note, struct err *e);
/* The receipt of a leaf below the published size, appended to b: exact tlog-proof text. */
enum rc tiles_receipt(struct tiles *t, uint64_t index, struct buf *b, struct err *e);
