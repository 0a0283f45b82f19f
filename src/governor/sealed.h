/* SPDX-License-Identifier: Apache-2.0 */
/* governor/sealed.h - values that a leaf commits to, encrypted beside it.
 *
 * Arguments, results and other content that may have to be forgotten stay out of leaves. The leaf
 * holds a commitment, HMAC-SHA256(salt, bytes) with a random salt of its own; salt and bytes lie
 * beside it, encrypted with the task's data key. Whoever is given (salt, bytes) can check them
 * against the leaf with openssl alone; once the data key is destroyed the commitment is noise.
 *
 * Cipher: AES-256-GCM, random 96-bit nonce, associated data = origin, leaf index, slot, so that
 * a value cannot be moved to another leaf. Format: docs/formats/segment.md section 5.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"

struct rand;

enum {
	SEALED_KEY_BYTES = 32,
	SEALED_SALT_BYTES = 32,
	SEALED_COMMITMENT_BYTES = 32,
	SEALED_OVERHEAD_BYTES = 1 + 12 + 32 + 16, /* version, nonce, salt, tag */
	SEALED_PLAIN_MAX_BYTES = LIMIT_VALUE_BYTES - SEALED_OVERHEAD_BYTES,
};

/* Where a value belongs. */
struct sealed_place {
	struct str origin; /* at most 255 bytes */
	uint64_t leaf_index;
	uint8_t slot;
};

/* HMAC-SHA256(salt, bytes). bytes are canonical JSON wherever they are JSON. */
enum rc sealed_commit(const uint8_t salt[SEALED_SALT_BYTES], struct str bytes,
		      uint8_t ret_commitment[SEALED_COMMITMENT_BYTES], struct err *e);
/* A fresh salt (rand NULL: the kernel's), the commitment for the leaf, and the sealed value
 * appended to b. The leaf's index is segment_next_index() at that moment. RC_LIMIT past
 * SEALED_PLAIN_MAX_BYTES. */
enum rc sealed_seal(const uint8_t key[SEALED_KEY_BYTES], const struct sealed_place *place,
		    const struct rand *rand, struct str bytes, struct buf *b,
		    uint8_t ret_commitment[SEALED_COMMITMENT_BYTES], struct err *e);
/* Appends the bytes to b; ret_salt may be NULL. RC_DENIED: wrong key, wrong place, changed, or not
 * what the commitment says (commitment NULL: not compared). */
enum rc sealed_open(const uint8_t key[SEALED_KEY_BYTES], const struct sealed_place *place,
		    struct str sealed, const uint8_t *commitment, struct buf *b, uint8_t *ret_salt,
		    struct err *e);
