/* SPDX-License-Identifier: Apache-2.0 */
/* governor/batch.h - the bytes of segments and batches (docs/formats/segment.md sections 2-4).
 *
 * Encodes and decodes; knows files only through batch_load(). For segment.c and its reader.
 */
#pragma once

#include "governor/segment.h"

enum {
	SEGMENT_HEADER_BYTES = 4096,
	BATCH_HEADER_BYTES = 48,
	BATCH_ALIGN_BYTES = 512,
	RECORD_HEADER_BYTES = 20,
	RECORDS_MAX_BYTES = LIMIT_BATCH_BYTES - BATCH_HEADER_BYTES,
};

struct segment_header {
	uint64_t capacity;
	uint64_t number;
	uint64_t first_index;
	uint64_t first_sequence;
	struct tlog_hash leaf_before; /* zeros when first_index is 0 */
	uint64_t mark;
	char origin[256];
};

/* "00000000000000000000.seg" */
void segment_name(uint64_t first_index, char ret[SEGMENT_NAME_BYTES]);
bool segment_name_parse(const char *name, uint64_t *ret_first_index) MUST_USE;
void segment_header_print(const struct segment_header *h, uint8_t ret[SEGMENT_HEADER_BYTES]);
/* RC_BROKEN says what is wrong; name is for the message. */
enum rc segment_header_parse(const uint8_t bytes[SEGMENT_HEADER_BYTES], const char *name,
			     struct segment_header *ret, struct err *e);

struct batch_header {
	uint64_t mark;
	uint64_t sequence;
	uint64_t first_index;
	uint32_t n_leaves;
	uint32_t n_records;
	uint32_t n_bytes; /* of the records */
	uint32_t checksum_before;
	uint32_t checksum;
};

/* Where the next batch begins when one of that many bytes (header included) is at offset. */
uint64_t batch_end(uint64_t offset, uint64_t bytes);
/* Appends a record; b's maximum was reserved by the caller, so that only memory can fail. */
enum rc batch_add(struct buf *b, uint8_t type, uint8_t slot, uint64_t index, struct str bytes);
enum { RECORD_LEAF = 1, RECORD_VALUE = 2 };
/* Fills in the first BATCH_HEADER_BYTES of a batch whose records follow them, and h->checksum. */
void batch_finish(struct buf *b, struct batch_header *h);

/* Reads into b (emptied) the batch that should begin at offset. *ret_is_batch: it has the mark,
 * stays within capacity and its checksum is right; whether it is the expected one is the
 * caller's question. RC_IO, RC_NOMEM. */
enum rc batch_load(const struct log_io *io, int fd, uint64_t capacity, uint64_t offset,
		   uint64_t mark, struct buf *b, struct batch_header *ret, bool *ret_is_batch,
		   struct err *e);
/* Takes the next leaf and its values from the records; its index must be the one given. Leaves
 * ret->hash alone. RC_BROKEN. */
enum rc batch_next_leaf(struct reader *r, uint64_t index, struct segment_leaf *ret, struct err *e);
/* All of n bytes at offset; RC_BROKEN when the file ends before. */
enum rc batch_read_at(const struct log_io *io, int fd, void *p, size_t n, uint64_t offset,
		      struct err *e);
enum rc batch_write_at(const struct log_io *io, int fd, const void *p, size_t n, uint64_t offset,
		       const char *name, struct err *e);
/* errno-style result of a log_io function to an error: "cannot <what> '<name>': ...". */
enum rc batch_io_error(struct err *e, const char *where, int result, const char *what,
		       const char *name);
