/* SPDX-License-Identifier: Apache-2.0 */
/* governor/crypt.h - HMAC-SHA256 and AES-256-GCM with contexts that are made once.
 *
 * OpenSSL 3 looks an algorithm up anew for every one-shot call, which costs more than sealing an
 * ordinary value. The governor seals three values per call, so it keeps the contexts. One thread
 * uses them: the one that decides.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

enum { CRYPT_KEY_BYTES = 32, CRYPT_NONCE_BYTES = 12, CRYPT_TAG_BYTES = 16 };

/* HMAC-SHA256 (RFC 2104) over the parts, one after another. False when OpenSSL has no memory. */
bool crypt_hmac(struct str key, const struct str *parts, size_t n_parts, uint8_t ret[32]) MUST_USE;
/* The log's own digest of a call of that tool, under its key of tags; of a word, a captured state.
 * RC_NOMEM. */
enum rc crypt_tag(const uint8_t key[CRYPT_KEY_BYTES], struct str tool, struct str text,
		  uint8_t ret[32], struct err *e);
/* Encrypts head and body into out (head.n + body.n bytes, then the tag). */
bool crypt_seal(const uint8_t key[CRYPT_KEY_BYTES], const uint8_t nonce[CRYPT_NONCE_BYTES],
		struct str associated, struct str head, struct str body, uint8_t *out) MUST_USE;
