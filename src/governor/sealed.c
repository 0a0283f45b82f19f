/* SPDX-License-Identifier: Apache-2.0 */
/* governor/sealed.c - AES-256-GCM around salt and content, HMAC-SHA256 as the commitment.
 *
 * Trust:  sealed bytes are hostile until the tag is right; keys are the caller's and not kept.
 * Holds:  (1) a value opens only under the key, origin, leaf and slot it was sealed for.
 */
#include "governor/sealed.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/rand.h"
#include "governor/crypt.h"

enum { VERSION = 1, NONCE_BYTES = 12, TAG_BYTES = 16, ORIGIN_MAX_BYTES = 255 };

static const struct str LABEL = {"remit/sealed/1", 15}; /* its NUL is part of it */

static void free_cipher(EVP_CIPHER_CTX **p)
{
	EVP_CIPHER_CTX_free(*p);
}

#define AUTO_CIPHER CLEANUP(free_cipher) EVP_CIPHER_CTX *

enum rc sealed_commit(const uint8_t salt[SEALED_SALT_BYTES], struct str bytes,
		      uint8_t ret_commitment[SEALED_COMMITMENT_BYTES], struct err *e)
{
	if (!crypt_hmac(str_of(salt, SEALED_SALT_BYTES), &bytes, 1, ret_commitment)) {
		FAIL(e, RC_NOMEM, "cannot compute a commitment");
	}
	return RC_OK;
}

static enum rc associated(const struct sealed_place *place, struct buf *b, struct err *e)
{
	if (place->origin.n == 0 || place->origin.n > ORIGIN_MAX_BYTES) {
		FAIL(e, RC_INPUT, "a sealed value needs an origin of 1 to %d bytes",
		     (int)ORIGIN_MAX_BYTES);
	}
	if (buf_add(b, LABEL) != RC_OK || buf_add_char(b, (char)place->origin.n) != RC_OK ||
	    buf_add(b, place->origin) != RC_OK || buf_add_u64(b, place->leaf_index) != RC_OK ||
	    buf_add_char(b, (char)place->slot) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a sealed value");
	}
	return RC_OK;
}

enum rc sealed_seal(const uint8_t key[SEALED_KEY_BYTES], const struct sealed_place *place,
		    const struct rand *rand, struct str bytes, struct buf *b,
		    uint8_t ret_commitment[SEALED_COMMITMENT_BYTES], struct err *e)
{
	AUTO_BUF aad = BUF_INIT(512);
	uint8_t random[SEALED_SALT_BYTES + NONCE_BYTES];
	uint8_t *out;

	if (bytes.n > SEALED_PLAIN_MAX_BYTES) {
		FAIL(e, RC_LIMIT, "a sealed value of %zu bytes; %d are allowed", bytes.n,
		     (int)SEALED_PLAIN_MAX_BYTES);
	}
	TRY(associated(place, &aad, e));
	if (buf_reserve(b, SEALED_OVERHEAD_BYTES + bytes.n) != RC_OK) {
		FAIL(e, RC_LIMIT, "no room for a sealed value of %zu bytes", bytes.n);
	}
	rand_from(rand, random, sizeof(random));
	TRY(sealed_commit(random, bytes, ret_commitment, e));
	out = (uint8_t *)b->p + b->n;
	out[0] = VERSION;
	memcpy(out + 1, random + SEALED_SALT_BYTES, NONCE_BYTES);
	if (!crypt_seal(key, out + 1, buf_view(&aad), str_of(random, SEALED_SALT_BYTES), bytes,
			out + 1 + NONCE_BYTES)) {
		FAIL(e, RC_NOMEM, "cannot encrypt a value");
	}
	b->n += SEALED_OVERHEAD_BYTES + bytes.n;
	return RC_OK;
}

/* in (n bytes) to out; the tag decides whether anything of it may be used. */
static bool decrypt(const uint8_t key[SEALED_KEY_BYTES], const uint8_t nonce[NONCE_BYTES],
		    struct str aad, const uint8_t *in, size_t n, const uint8_t *tag, uint8_t *out)
{
	AUTO_CIPHER c = EVP_CIPHER_CTX_new();
	uint8_t expected[TAG_BYTES];
	int done;

	memcpy(expected, tag, TAG_BYTES);
	return c && EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
	       EVP_DecryptUpdate(c, NULL, &done, (const unsigned char *)aad.p, (int)aad.n) == 1 &&
	       EVP_DecryptUpdate(c, out, &done, in, (int)n) == 1 &&
	       EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, expected) == 1 &&
	       EVP_DecryptFinal_ex(c, out + n, &done) == 1;
}

enum rc sealed_open(const uint8_t key[SEALED_KEY_BYTES], const struct sealed_place *place,
		    struct str sealed, const uint8_t *commitment, struct buf *b, uint8_t *ret_salt,
		    struct err *e)
{
	AUTO_BUF aad = BUF_INIT(512);
	AUTO_BUF plain = BUF_INIT(LIMIT_VALUE_BYTES);
	const uint8_t *p = (const uint8_t *)sealed.p;
	uint8_t computed[SEALED_COMMITMENT_BYTES];
	struct str content;
	size_t n;

	if (sealed.n < SEALED_OVERHEAD_BYTES || sealed.n > LIMIT_VALUE_BYTES || p[0] != VERSION) {
		FAIL(e, RC_DENIED, "not a sealed value");
	}
	n = sealed.n - 1 - NONCE_BYTES - TAG_BYTES;
	TRY(associated(place, &aad, e));
	if (buf_reserve(&plain, n) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory to open a sealed value");
	}
	if (!decrypt(key, p + 1, buf_view(&aad), p + 1 + NONCE_BYTES, n, p + sealed.n - TAG_BYTES,
		     (uint8_t *)plain.p)) {
		FAIL(e, RC_DENIED,
		     "value %u of leaf %ju does not open: wrong key, wrong place or "
		     "changed",
		     place->slot, (uintmax_t)place->leaf_index);
	}
	content = str_of(plain.p + SEALED_SALT_BYTES, n - SEALED_SALT_BYTES);
	TRY(sealed_commit((const uint8_t *)plain.p, content, computed, e));
	if (commitment && !secret_eq(str_of(commitment, SEALED_COMMITMENT_BYTES),
				     str_of(computed, SEALED_COMMITMENT_BYTES))) {
		FAIL(e, RC_DENIED, "value %u of leaf %ju is not what the leaf commits to",
		     place->slot, (uintmax_t)place->leaf_index);
	}
	if (buf_add(b, content) != RC_OK) {
		FAIL(e, RC_LIMIT, "no room for an opened value of %zu bytes", content.n);
	}
	if (ret_salt) {
		memcpy(ret_salt, plain.p, SEALED_SALT_BYTES);
	}
	return RC_OK;
}
