/* SPDX-License-Identifier: Apache-2.0 */
/* store/object.h - the form of an encrypted artefact: a header and chunks of AES-256-GCM.
 *
 * Pure: bytes in, bytes out. Format: docs/formats/store.md. A key encrypts one object only; the
 * nonces of its chunks are the header's prefix, the chunk's number and whether it is the last.
 */
#pragma once

#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"

enum {
	OBJECT_KEY_BYTES = 32,
	OBJECT_HEADER_BYTES = 32,
	OBJECT_PREFIX_BYTES = 7,
	OBJECT_CHUNK_BYTES = 65536,
	OBJECT_TAG_BYTES = 16,
};

struct object_header {
	uint64_t size; /* of the artefact, in bytes */
	uint8_t prefix[OBJECT_PREFIX_BYTES];
};

void object_header_print(const struct object_header *h, uint8_t ret[OBJECT_HEADER_BYTES]);
/* RC_BROKEN when it is no header, RC_LIMIT past LIMIT_OBJECT_BYTES. */
enum rc object_header_parse(struct str bytes, struct object_header *ret, struct err *e);

uint64_t object_chunks(uint64_t size); /* at least 1 */
/* Bytes of the artefact in that chunk. */
size_t object_chunk_bytes(uint64_t size, uint64_t chunk);
uint64_t object_chunk_offset(uint64_t chunk); /* in the file */
uint64_t object_file_bytes(uint64_t size);

/* Encrypts that chunk, which must have its object_chunk_bytes, into out (OBJECT_TAG_BYTES more). */
enum rc object_seal(const uint8_t key[OBJECT_KEY_BYTES], const struct object_header *h,
		    uint64_t chunk, struct str plain, uint8_t *out, struct err *e);
/* The reverse. RC_DENIED: another key, another place or header, or changed; out is then wiped. */
enum rc object_open(const uint8_t key[OBJECT_KEY_BYTES], const struct object_header *h,
		    uint64_t chunk, struct str sealed, uint8_t *out, struct err *e);
