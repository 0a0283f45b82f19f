/* SPDX-License-Identifier: Apache-2.0 */
/* governor/segment_log.h - inside of struct segment_log, for segment*.c only. */
#pragma once

#include "base/vec.h"
#include "governor/batch.h"
#include "governor/segment.h"

enum { SEGMENT_PLACE_EVERY = 64 }; /* leaves between places remembered; see place_of() */

/* Where a batch begins. Remembered for one in so many leaves: finding any other leaf means
 * stepping over a few batches. */
struct segment_place {
	uint64_t first_index;
	uint64_t offset;
};

struct segment_file {
	uint64_t first_index;
	uint64_t capacity;
	uint64_t mark;	   /* 0: it was not opened, and has no places yet */
	bool is_emergency; /* it lies in the emergency place; the last one only */
	VEC(struct segment_place) places;
};

struct segment_log {
	struct log_io io;
	struct log_io emergency;
	bool has_emergency; /* its spare is ready */
	struct err emergency_why;
	/* While in an emergency: the part of the segment before that a failed commit may have left
	 * behind. Its leaves are in the emergency segment. */
	uint64_t void_from;
	uint64_t void_to;
	/* And what the batches of it that count lead to; 0: it is not known which do. */
	uint64_t home_end;
	uint32_t home_checksum;
	const struct rand *rand;
	char origin[256];
	uint64_t segment_bytes; /* capacity of new segments */
	struct tlog_hasher *hasher;
	int lock_fd;
	bool is_broken;

	VEC(struct segment_file) files;
	int fd;		   /* the last segment, open for writing; -1 none */
	uint64_t offset;   /* where the next batch begins */
	uint64_t sequence; /* of the next batch */
	uint32_t checksum_before;
	uint64_t next_number; /* of the next segment */

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

/* A zero-filled file that waits to become a segment. */
#define SEGMENT_SPARE "spare"

/* Where a segment of the log lies. */
const struct log_io *segment_io(const struct segment_log *l, size_t file);
/* Closes the segment that is written, if one is open. */
void segment_close_last(struct segment_log *l);
/* The same for the one that segment_read() has open. */
void segment_close_read(struct segment_log *l);
bool segment_has_spare(const struct log_io *io, uint64_t capacity);
/* Writes n zeros from there, without a sync. */
enum rc segment_write_zeros(const struct log_io *io, int fd, uint64_t from, uint64_t to,
			    const char *name, struct err *e);
enum rc segment_sync(const struct log_io *io, int fd, const char *name, struct err *e);
enum rc segment_rename(const struct log_io *io, const char *from, const char *to, struct err *e);
/* Gives the blank file that is open as fd a header and its name, and lists it as the last. */
enum rc segment_start(struct segment_log *l, const struct log_io *io, int fd,
		      const char *blank_name, uint64_t capacity, struct err *e);

/* What lies from the place where no batch begins to the end of the file. */
struct segment_rest {
	bool has_mark; /* a batch was begun there, so the one before it was synced */
	uint64_t mark_at;
	uint64_t zeros_from; /* everything from here on is zero */
};
enum rc segment_look_at_rest(const struct log_io *io, int fd, const struct segment_file *file,
			     uint64_t offset, struct segment_rest *ret, struct err *e);

/* ---- segment_emergency.c ---- */

/* Sets the file aside that an emergency will need. An error is kept in emergency_why: the log can
 * do without. */
void segment_emergency_prepare(struct segment_log *l);
/* Goes on in the emergency segment, because of why. Nothing of the batch in memory is lost. */
enum rc segment_take_over(struct segment_log *l, const struct err *why, struct err *e);
/* At a start: does the file of that first index in the emergency place hold a part of the log that
 * is not at home? One that does not is removed. */
enum rc segment_emergency_counts(struct segment_log *l, uint64_t first, bool is_at_home_too,
				 bool *ret, struct err *e);

/* Ends in the broken state; returns rc. */
enum rc segment_break(struct segment_log *l, enum rc rc);
/* Makes the next segment the one that is written. The present one is synced and complete. */
enum rc segment_roll(struct segment_log *l, struct err *e);
/* Remembers that a batch of the file begins at offset, if its last place is far enough. */
enum rc segment_note_place(struct segment_file *file, uint64_t first_index, uint64_t offset);
enum rc segment_check_origin(struct str origin, struct err *e);
