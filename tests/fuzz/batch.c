/* SPDX-License-Identifier: Apache-2.0 */
/* batch.c - records and segment headers: what is read back can be written again to the same
 * bytes. The checksums in the input are put right first, or nothing would get past them. */
#include "governor/batch.h"

#include <string.h>

#include "fuzz.h"
#include "governor/crc32c.h"

static void put_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static void check_records(struct buf *b)
{
	AUTO_BUF again = BUF_INIT(2 * LIMIT_BATCH_BYTES);
	struct reader r = reader_of(buf_view(b));
	struct segment_leaf leaf;
	size_t at = 0;

	while (at + RECORD_HEADER_BYTES <= b->n) {
		uint8_t *p = (uint8_t *)b->p + at;
		size_t n = (size_t)p[2] << 8 | p[3];

		if (p[0] || p[1] || n > b->n - at - RECORD_HEADER_BYTES) {
			break;
		}
		put_u32(p + 16, crc32c(crc32c(0, p, 16), p + RECORD_HEADER_BYTES, n));
		at += RECORD_HEADER_BYTES + n;
	}
	for (uint64_t i = 0; r.n > 0 && batch_next_leaf(&r, i, &leaf, NULL) == RC_OK; i++) {
		MUST(batch_add(&again, RECORD_LEAF, 0, i, leaf.bytes) == RC_OK);
		for (size_t k = 0; k < leaf.n_values; k++) {
			MUST(batch_add(&again, RECORD_VALUE, leaf.values[k].slot, i,
				       leaf.values[k].bytes) == RC_OK);
		}
	}
	MUST(again.n <= b->n && (again.n == 0 || memcmp(again.p, b->p, again.n) == 0));
}

static void check_header(const uint8_t *bytes, size_t n)
{
	uint8_t page[SEGMENT_HEADER_BYTES] = {0};
	uint8_t again[SEGMENT_HEADER_BYTES];
	struct segment_header h;

	memcpy(page, bytes, n < sizeof(page) - 4 ? n : sizeof(page) - 4);
	put_u32(page + sizeof(page) - 4, crc32c(0, page, sizeof(page) - 4));
	if (segment_header_parse(page, "fuzz", &h, NULL) == RC_OK) {
		segment_header_print(&h, again);
		MUST(memcmp(page, again, sizeof(page)) == 0);
	}
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
	AUTO_BUF b = BUF_INIT(LIMIT_BATCH_BYTES);

	check_header(bytes, n);
	if (buf_add(&b, str_of(bytes, n)) == RC_OK) {
		check_records(&b);
	}
	return 0;
}
