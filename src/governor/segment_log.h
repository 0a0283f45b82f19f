/* SPDX-License-Identifier: Apache-2.0 */
/* governor/segment_log.h - inside of struct segment_log, for segment*.c only. */
#pragma once

#include "base/vec.h"
#include "governor/batch.h"
#include "governor/segment.h"

enum { SEGMENT_PLACE_EVERY = 64 }; /* leaves between places remembered; see place_of() */

struct segment_file {
	uint64_t first_index;
	uint64_t capacity;
	uint64_t mark;
};

/* Where a batch begins. Remembered for one in so many leaves: finding any other leaf means
 * stepping over a few batches. */
struct segment_place {
	uint64_t first_index;
	uint64_t offset;
	size_t file;
};

struct segment_log {
	struct log_io io;
	const struct rand *rand;
	char origin[256];
	uint64_t segment_bytes; /* capacity of new segments */
	struct tlog_hasher *hasher;
	int lock_fd;
	bool is_broken;

	VEC(struct segment_file) files;
	VEC(struct segment_place) places;
	int fd;		   /* the last segment, open for writing; -1 none */
	uint64_t offset;   /* where the next batch begins */
	uint64_t sequence; /* of the next batch */
	uint32_t checksum_before;
	uint64_t number; /* of the last segment */

	struct tlog_frontier frontier; /* durable */
	struct tlog_hash last_leaf;    /* durable */

	struct buf batch; /* header's room, then records */
	uint32_t n_records;
	VEC(struct tlog_hash) pending; /* hashes of the batch's leaves */

	int read_fd; /* for segment_read(); -1 none */
	size_t read_file;
	/* The root of the frontier at root_size, so that a snapshot costs nothing twice. */
	uint64_t root_size;
	struct tlog_hash root;
};

enum { LOG_NO_FD = -1 };

/* Ends in the broken state; returns rc. */
enum rc segment_break(struct segment_log *l, enum rc rc);
/* Makes the next segment the one that is written. The present one is synced and complete. */
enum rc segment_roll(struct segment_log *l, struct err *e);
/* Remembers that a batch of the last file begins at offset, if the last place is far enough. */
enum rc segment_note_place(struct segment_log *l, uint64_t first_index, uint64_t offset);
enum rc segment_check_origin(struct str origin, struct err *e);
