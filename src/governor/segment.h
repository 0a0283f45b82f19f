/* SPDX-License-Identifier: Apache-2.0 */
/* governor/segment.h - the durable log: preallocated segment files, one fdatasync per batch.
 *
 * This is where a leaf becomes a fact. Everything else (tiles, checkpoints, the index) is made
 * from what is here. Format: docs/formats/segment.md.
 *
 * Leaves are appended to a batch in memory and become durable together in segment_commit(). A leaf
 * may carry sealed values, which lie beside it in the same batch, outside the tree. After any
 * error while writing nobody knows what is on the disk, so nothing is written there again. The log
 * goes on in its emergency segment, which was set aside in another place (segment_fold() brings it
 * home); without one it is broken and refuses everything: the role ends, and the next start finds
 * out by reading.
 *
 * One thread owns a struct segment_log. Other threads and processes read with a struct
 * segment_reader of their own, up to a size that the owner told them is durable.
 */
#pragma once

#include <tlog.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/rand.h"
#include "governor/log_io.h"

enum {
	SEGMENT_VALUES_MAX = 16,       /* values of one leaf */
	SEGMENT_MIN_BYTES = 64 * 1024, /* smallest capacity, for tests */
	SEGMENT_NAME_BYTES = 32,
};

/* A sealed value of a leaf. slot says which of the leaf's commitments it opens. */
struct segment_value {
	uint8_t slot;
	struct str bytes;
};

/* A leaf as it comes back; everything is borrowed until the callback returns or the next read. */
struct segment_leaf {
	uint64_t index;
	struct str bytes;
	struct tlog_hash hash;
	size_t n_values;
	struct segment_value values[SEGMENT_VALUES_MAX];
};

typedef enum rc (*segment_leaf_fn)(void *ctx, const struct segment_leaf *leaf, struct err *e);

/* What a helper thread gets to work on. */
struct segment_snapshot {
	uint64_t size; /* durable leaves */
	struct tlog_hash root;
};

/* Where a log that is not read from its first leaf goes on: what a snapshot of that size says. */
struct segment_base {
	uint64_t size; /* at least 1 */
	struct tlog_frontier frontier;
	struct tlog_hash last_leaf; /* of leaf size - 1 */
};

struct segment_options {
	struct str origin;	/* of the log; every segment is bound to it */
	uint64_t segment_bytes; /* capacity of new segments; 0 = LIMIT_SEGMENT_BYTES */
	/* May an empty directory become a new log? Otherwise it is RC_ABSENT, so that a lost
	 * directory or a wrong path is never taken for a fresh start. */
	bool may_create;
	/* The log has been seen with this many leaves (a signed checkpoint, a witness, a receipt);
	 * fewer on disk is RC_BROKEN. */
	uint64_t min_size;
	/* NULL: everything is read. Else on_leaf is called for the leaves from base->size on, and
	 * segments that lie before the one that holds it are not even opened. Damage in what is
	 * not read is found by whoever reads it. */
	const struct segment_base *base;
	const struct rand *rand; /* must outlive the log; NULL = rand_system */
	/* Where the log goes on when it cannot be written behind io: a directory of its own, best
	 * on another disk. Copied, as io; NULL = nowhere. */
	const struct log_io *emergency;
};

struct segment_log;

/* Locks the directory behind io, reads and checks all segments (or those from the base on), calls
 * on_leaf (may be NULL) for each leaf in order, zeroes a torn last batch, syncs, and is ready to
 * append. io is copied; what its ctx points at must outlive the log. RC_BROKEN: damage anywhere but
 * in a last, never acknowledged batch; or another log's segment. RC_AGAIN: another process has the
 * lock. An error of on_leaf ends it and is returned. */
enum rc segment_open(const struct log_io *io, const struct segment_options *options,
		     segment_leaf_fn on_leaf, void *ctx, struct segment_log **ret, struct err *e);
/* Also closes the files. An uncommitted batch is forgotten: nothing in it was acknowledged. */
void segment_free(struct segment_log *l);
#define AUTO_SEGMENT_LOG CLEANUP(segment_cleanup) struct segment_log *
static inline void segment_cleanup(struct segment_log **l)
{
	segment_free(*l);
}

/* Appends a leaf and its values to the batch in memory. RC_AGAIN: the batch is full, commit it and
 * append again (the batch is as it was). RC_LIMIT: a leaf or value is too large. Neither breaks
 * the log. ret_index and ret_hash may be NULL. */
enum rc segment_append(struct segment_log *l, struct str leaf, const struct segment_value *values,
		       size_t n_values, uint64_t *ret_index, struct tlog_hash *ret_hash,
		       struct err *e);
/* One pwrite, one fdatasync, one look whether the file is still the one its name means; after RC_OK
 * every leaf of the batch is durable, here or in the emergency segment. Without a batch it does
 * nothing. Any error that it returns breaks the log. */
enum rc segment_commit(struct segment_log *l, struct err *e);

/* ---- emergency ---- */

/* Is there a place to go on when a commit fails? */
bool segment_has_emergency(const struct segment_log *l);
/* Is the log written there now? segment_emergency_why() says what had failed; "" before. */
bool segment_is_emergency(const struct segment_log *l);
const char *segment_emergency_why(const struct segment_log *l);
/* Brings the emergency segment home: clears what a failed commit left in the segment before,
 * copies the file to its place in the sequence, and goes on there. An error leaves everything as it
 * is: the log stays where it is and this may be tried again. Only while segment_is_emergency(). */
enum rc segment_fold(struct segment_log *l, struct err *e);

bool segment_is_broken(const struct segment_log *l);
uint64_t segment_next_index(const struct segment_log *l);   /* of the next leaf appended */
uint64_t segment_durable_size(const struct segment_log *l); /* committed leaves */
size_t segment_batch_bytes(const struct segment_log *l);    /* waiting for the commit */
/* Durable tree: its frontier, and size with root. */
const struct tlog_frontier *segment_frontier(const struct segment_log *l);
struct segment_snapshot segment_snapshot(struct segment_log *l);
/* Bytes that are still certain to fit: the rest of the segment and the spare one, if there is; in
 * an emergency only the rest. Below its reserve a governor refuses ordinary calls and keeps the
 * room for revocations and the record that the log is failing. */
uint64_t segment_room(const struct segment_log *l);
/* Removes the files all of whose leaves are below `before`; never the last one. What is stopped in
 * the middle, or fails (RC_IO), is done by the next call. RC_AGAIN: not while the log is in its
 * emergency segment. */
enum rc segment_prune(struct segment_log *l, uint64_t before, struct err *e);
/* Is the file being written still the one its name means? When somebody removed or replaced it, the
 * log goes on in the emergency segment; RC_BROKEN (and broken) when there is none. */
enum rc segment_check_in_place(struct segment_log *l, struct err *e);

/* Reads one durable leaf back from the file, with its values, into b (emptied first), which
 * *ret borrows from; b's maximum must be LIMIT_BATCH_BYTES. RC_ABSENT beyond the durable size. */
enum rc segment_read(struct segment_log *l, uint64_t index, struct buf *b, struct segment_leaf *ret,
		     struct err *e);

/* Makes the zero-filled spare file for the next segment, if there is none: the slow part of going
 * on to a next segment, best done by a helper thread while the present one fills. Safe beside the
 * owner of the log, but only once at a time. */
enum rc segment_prepare_spare(const struct log_io *io, uint64_t segment_bytes, struct err *e);

/* Sequential reading by somebody who does not own the log. */
struct segment_reader;
/* Begins at leaf from_index. RC_ABSENT when no segment can hold it. */
enum rc segment_reader_open(const struct log_io *io, struct str origin, uint64_t from_index,
			    struct segment_reader **ret, struct err *e);
/* It also looks for segments in the emergency place, while the log is there (segment_fold()).
 * Copied. */
void segment_reader_use_emergency(struct segment_reader *r, const struct log_io *emergency);
void segment_reader_free(struct segment_reader *r);
#define AUTO_SEGMENT_READER CLEANUP(segment_reader_cleanup) struct segment_reader *
static inline void segment_reader_cleanup(struct segment_reader **r)
{
	segment_reader_free(*r);
}
/* The next leaf, if its index is below durable_size; RC_ABSENT otherwise (and again later).
 * Everything read is checked; what does not check is RC_BROKEN. Borrowed until the next call. */
enum rc segment_reader_next(struct segment_reader *r, uint64_t durable_size,
			    struct segment_leaf *ret, struct err *e);
