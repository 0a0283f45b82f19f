/* SPDX-License-Identifier: Apache-2.0 */
/* object.c - objects as somebody may have put them on the disk: a header that parses prints back
 * to its bytes, and no chunk opens that was not sealed for its place. */
#include "store/object.h"

#include <string.h>

#include "fuzz.h"

int fuzz_one(const uint8_t *bytes, size_t n)
{
	static const uint8_t key[OBJECT_KEY_BYTES] = {7};
	static uint8_t plain[OBJECT_CHUNK_BYTES];
	static uint8_t sealed[OBJECT_CHUNK_BYTES + OBJECT_TAG_BYTES];
	static uint8_t opened[OBJECT_CHUNK_BYTES];
	uint8_t again[OBJECT_HEADER_BYTES];
	struct object_header h;
	struct str head = str_of(bytes, n < OBJECT_HEADER_BYTES ? n : OBJECT_HEADER_BYTES);
	struct str body = str_of(bytes + head.n, n - head.n);
	uint64_t last;
	size_t want;

	if (object_header_parse(head, &h, NULL) != RC_OK) {
		return 0;
	}
	object_header_print(&h, again);
	MUST(memcmp(again, bytes, sizeof(again)) == 0);
	MUST(object_file_bytes(h.size) >= OBJECT_HEADER_BYTES + OBJECT_TAG_BYTES);
	last = object_chunks(h.size) - 1;
	want = object_chunk_bytes(h.size, last);
	MUST(object_chunk_offset(last) + want + OBJECT_TAG_BYTES == object_file_bytes(h.size));
	/* what somebody wrote there */
	MUST(object_open(key, &h, last, body, opened, NULL) == RC_DENIED);
	/* what we write there, and then with one bit of it changed */
	memset(plain, body.n ? body.p[0] : 0, want);
	MUST(object_seal(key, &h, last, str_of(plain, want), sealed, NULL) == RC_OK);
	MUST(object_open(key, &h, last, str_of(sealed, want + OBJECT_TAG_BYTES), opened, NULL) ==
	     RC_OK);
	MUST(memcmp(opened, plain, want) == 0);
	sealed[body.n % (want + OBJECT_TAG_BYTES)] ^= 1;
	MUST(object_open(key, &h, last, str_of(sealed, want + OBJECT_TAG_BYTES), opened, NULL) ==
	     RC_DENIED);
	return 0;
}
