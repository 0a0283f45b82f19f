/* SPDX-License-Identifier: Apache-2.0 */
/* governor/batch.c - the bytes of segments and batches.
 *
 * Trust:  leaf and value bytes are hostile; files were ours and may be damaged.
 * Holds:  (1) what is decoded was covered by a checksum that was right.
 */
#include "governor/batch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "governor/crc32c.h"

static const char MAGIC[8] = {'R', 'M', 'T', 'S', 'E', 'G', '0', '1'};

enum {
	HEADER_CHECKSUM_AT = SEGMENT_HEADER_BYTES - 4,
	BATCH_CHECKSUM_AT = 40,
	FIRST_READ_BYTES = 4096, /* most batches are smaller; larger ones take a second read */
};

enum rc batch_io_error(struct err *e, const char *where, int result, const char *what,
		       const char *name)
{
	errno = -result;
	return err_set_sys(e, RC_IO, where, "cannot %s '%s'", what, name);
}

void segment_name(uint64_t first_index, char ret[SEGMENT_NAME_BYTES])
{
	(void)snprintf(ret, SEGMENT_NAME_BYTES, "%020ju.seg", (uintmax_t)first_index); /* 24 */
}

bool segment_name_parse(const char *name, uint64_t *ret_first_index)
{
	struct str s = str_from(name);
	struct str digits = str_slice(s, 0, 20);

	if (s.n != 24 || !str_has_suffix(s, STR(".seg"))) {
		return false;
	}
	while (digits.n > 1 && digits.p[0] == '0') {
		digits = str_slice(digits, 1, digits.n);
	}
	return num_u64(digits, UINT64_MAX, ret_first_index);
}

static void put(uint8_t *p, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++) {
		p[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
	}
}

static uint64_t get(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++) {
		v = v << 8 | p[i];
	}
	return v;
}

static bool is_zero(const uint8_t *p, size_t n)
{
	return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

void segment_header_print(const struct segment_header *h, uint8_t ret[SEGMENT_HEADER_BYTES])
{
	size_t n = strlen(h->origin);

	MUST(n >= 1 && n <= 255 && h->mark != 0);
	memset(ret, 0, SEGMENT_HEADER_BYTES);
	memcpy(ret, MAGIC, sizeof(MAGIC));
	put(ret + 8, SEGMENT_HEADER_BYTES, 4);
	put(ret + 16, h->capacity, 8);
	put(ret + 24, h->number, 8);
	put(ret + 32, h->first_index, 8);
	put(ret + 40, h->first_sequence, 8);
	memcpy(ret + 48, h->leaf_before.bytes, TLOG_HASH_BYTES);
	put(ret + 80, h->mark, 8);
	put(ret + 88, n, 2);
	memcpy(ret + 90, h->origin, n);
	put(ret + HEADER_CHECKSUM_AT, crc32c(0, ret, HEADER_CHECKSUM_AT), 4);
}

enum rc segment_header_parse(const uint8_t bytes[SEGMENT_HEADER_BYTES], const char *name,
			     struct segment_header *ret, struct err *e)
{
	struct segment_header h = {0};
	size_t n = (size_t)get(bytes + 88, 2);

	if (memcmp(bytes, MAGIC, sizeof(MAGIC)) != 0) {
		FAIL(e, RC_BROKEN, "'%s' is not a segment", name);
	}
	if (get(bytes + HEADER_CHECKSUM_AT, 4) != crc32c(0, bytes, HEADER_CHECKSUM_AT)) {
		FAIL(e, RC_BROKEN, "header of '%s' is damaged", name);
	}
	h.capacity = get(bytes + 16, 8);
	h.number = get(bytes + 24, 8);
	h.first_index = get(bytes + 32, 8);
	h.first_sequence = get(bytes + 40, 8);
	memcpy(h.leaf_before.bytes, bytes + 48, TLOG_HASH_BYTES);
	h.mark = get(bytes + 80, 8);
	if (get(bytes + 8, 4) != SEGMENT_HEADER_BYTES || get(bytes + 12, 4) != 0 || h.mark == 0 ||
	    n < 1 || n > 255 || h.capacity < SEGMENT_MIN_BYTES || h.capacity % 4096 != 0 ||
	    !is_zero(bytes + 90 + n, HEADER_CHECKSUM_AT - 90 - n) ||
	    memchr(bytes + 90, '\0', n) != NULL) {
		FAIL(e, RC_BROKEN, "header of '%s' has fields that no segment has", name);
	}
	memcpy(h.origin, bytes + 90, n);
	*ret = h;
	return RC_OK;
}

uint64_t batch_end(uint64_t offset, uint64_t bytes)
{
	return (offset + bytes + BATCH_ALIGN_BYTES - 1) / BATCH_ALIGN_BYTES * BATCH_ALIGN_BYTES;
}

enum rc batch_add(struct buf *b, uint8_t type, uint8_t slot, uint64_t index, struct str bytes)
{
	uint8_t *p;

	TRY(buf_reserve(b, RECORD_HEADER_BYTES + bytes.n));
	p = (uint8_t *)b->p + b->n;
	memset(p, 0, RECORD_HEADER_BYTES);
	put(p, bytes.n, 4);
	p[4] = type;
	p[5] = slot;
	put(p + 8, index, 8);
	put(p + 16, crc32c(crc32c(0, p, 16), bytes.p, bytes.n), 4);
	memcpy(p + RECORD_HEADER_BYTES, bytes.p, bytes.n);
	b->n += RECORD_HEADER_BYTES + bytes.n;
	return RC_OK;
}

void batch_finish(struct buf *b, struct batch_header *h)
{
	uint8_t *p = (uint8_t *)b->p;

	MUST(b->n > BATCH_HEADER_BYTES && b->n <= LIMIT_BATCH_BYTES);
	h->n_bytes = (uint32_t)(b->n - BATCH_HEADER_BYTES);
	memset(p, 0, BATCH_HEADER_BYTES);
	put(p, h->mark, 8);
	put(p + 8, h->sequence, 8);
	put(p + 16, h->first_index, 8);
	put(p + 24, h->n_leaves, 4);
	put(p + 28, h->n_records, 4);
	put(p + 32, h->n_bytes, 4);
	put(p + 36, h->checksum_before, 4);
	h->checksum = crc32c(crc32c(0, p, BATCH_CHECKSUM_AT), p + BATCH_HEADER_BYTES, h->n_bytes);
	put(p + BATCH_CHECKSUM_AT, h->checksum, 4);
}

enum rc batch_read_at(const struct log_io *io, int fd, void *p, size_t n, uint64_t offset,
		      struct err *e)
{
	uint8_t *at = p;

	while (n > 0) {
		ssize_t got = io->pread(io->ctx, fd, at, n, offset);

		if (got == -EINTR) {
			continue;
		}
		if (got < 0) {
			return batch_io_error(e, __func__, (int)got, "read", "segment");
		}
		if (got == 0) {
			FAIL(e, RC_BROKEN, "a segment ends at byte %ju, before its capacity",
			     (uintmax_t)offset);
		}
		at += got;
		n -= (size_t)got;
		offset += (uint64_t)got;
	}
	return RC_OK;
}

enum rc batch_write_at(const struct log_io *io, int fd, const void *p, size_t n, uint64_t offset,
		       const char *name, struct err *e)
{
	const uint8_t *at = p;

	while (n > 0) {
		ssize_t put = io->pwrite(io->ctx, fd, at, n, offset);

		if (put == -EINTR) {
			continue;
		}
		if (put <= 0) {
			return batch_io_error(e, __func__, put < 0 ? (int)put : -EIO, "write",
					      name);
		}
		at += put;
		n -= (size_t)put;
		offset += (uint64_t)put;
	}
	return RC_OK;
}

/* The header alone; false when no batch of this segment can begin like that. */
static bool parse_header(const uint8_t *p, uint64_t mark, uint64_t room, struct batch_header *ret)
{
	*ret = (struct batch_header){
	    .mark = get(p, 8),
	    .sequence = get(p + 8, 8),
	    .first_index = get(p + 16, 8),
	    .n_leaves = (uint32_t)get(p + 24, 4),
	    .n_records = (uint32_t)get(p + 28, 4),
	    .n_bytes = (uint32_t)get(p + 32, 4),
	    .checksum_before = (uint32_t)get(p + 36, 4),
	    .checksum = (uint32_t)get(p + BATCH_CHECKSUM_AT, 4),
	};
	return ret->mark == mark && ret->n_leaves >= 1 && ret->n_records >= ret->n_leaves &&
	       ret->n_bytes >= RECORD_HEADER_BYTES && ret->n_bytes <= RECORDS_MAX_BYTES &&
	       BATCH_HEADER_BYTES + ret->n_bytes <= room && get(p + 44, 4) == 0;
}

enum rc batch_load(const struct log_io *io, int fd, uint64_t capacity, uint64_t offset,
		   uint64_t mark, struct buf *b, struct batch_header *ret, bool *ret_is_batch,
		   struct err *e)
{
	uint64_t room = offset < capacity ? capacity - offset : 0;
	size_t first = room < FIRST_READ_BYTES ? (size_t)room : FIRST_READ_BYTES;
	const uint8_t *p;
	size_t total;

	*ret_is_batch = false;
	buf_reset(b);
	if (first < BATCH_HEADER_BYTES) {
		return RC_OK;
	}
	if (buf_reserve(b, first) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory to read a batch");
	}
	TRY(batch_read_at(io, fd, b->p, first, offset, e));
	if (!parse_header((const uint8_t *)b->p, mark, room, ret)) {
		return RC_OK;
	}
	total = BATCH_HEADER_BYTES + ret->n_bytes;
	b->n = total < first ? total : first;
	if (total > first) {
		if (buf_reserve(b, total - first) != RC_OK) {
			FAIL(e, RC_NOMEM, "no memory to read a batch");
		}
		TRY(batch_read_at(io, fd, b->p + first, total - first, offset + first, e));
		b->n = total;
	}
	p = (const uint8_t *)b->p;
	*ret_is_batch = crc32c(crc32c(0, p, BATCH_CHECKSUM_AT), p + BATCH_HEADER_BYTES,
			       ret->n_bytes) == ret->checksum;
	return RC_OK;
}

struct record {
	uint8_t type;
	uint8_t slot;
	uint64_t index;
	struct str bytes;
};

static bool take_record(struct reader *r, struct record *ret)
{
	struct reader at = *r;
	const uint8_t *p = r->p;
	struct str head;

	if (!rd_take(&at, RECORD_HEADER_BYTES, &head) ||
	    !rd_take(&at, (size_t)get(p, 4), &ret->bytes) || get(p + 6, 2) != 0 ||
	    get(p + 16, 4) != crc32c(crc32c(0, p, 16), ret->bytes.p, ret->bytes.n)) {
		return false;
	}
	ret->type = p[4];
	ret->slot = p[5];
	ret->index = get(p + 8, 8);
	*r = at;
	return true;
}

/* May this record follow what the leaf has so far? */
static bool is_next_value(const struct record *record, const struct segment_leaf *leaf)
{
	return record->type == RECORD_VALUE && record->index == leaf->index &&
	       record->bytes.n > 0 && record->bytes.n <= LIMIT_VALUE_BYTES &&
	       leaf->n_values < SEGMENT_VALUES_MAX &&
	       (leaf->n_values == 0 || record->slot > leaf->values[leaf->n_values - 1].slot);
}

enum rc batch_next_leaf(struct reader *r, uint64_t index, struct segment_leaf *ret, struct err *e)
{
	struct record record;

	if (!take_record(r, &record) || record.type != RECORD_LEAF || record.slot != 0 ||
	    record.index != index || record.bytes.n == 0 || record.bytes.n > LIMIT_LEAF_BYTES) {
		FAIL(e, RC_BROKEN, "there is no record of leaf %ju where it belongs",
		     (uintmax_t)index);
	}
	ret->index = index;
	ret->bytes = record.bytes;
	ret->n_values = 0;
	while (r->n > 0) {
		struct reader at = *r;

		if (!take_record(&at, &record)) {
			FAIL(e, RC_BROKEN, "a record after leaf %ju is malformed",
			     (uintmax_t)index);
		}
		if (record.type == RECORD_LEAF) {
			return RC_OK;
		}
		if (!is_next_value(&record, ret)) {
			FAIL(e, RC_BROKEN, "a value of leaf %ju is not where it belongs",
			     (uintmax_t)index);
		}
		ret->values[ret->n_values++] =
		    (struct segment_value){.slot = record.slot, .bytes = record.bytes};
		*r = at;
	}
	return RC_OK;
}
