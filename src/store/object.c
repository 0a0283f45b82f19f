/* SPDX-License-Identifier: Apache-2.0 */
/* store/object.c - STREAM over AES-256-GCM.
 *
 * Trust:  bytes of a file are hostile until their tags are right; keys are the caller's.
 * Holds:  (1) a chunk opens only under the key, header and number it was sealed for.
 */
#include "store/object.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/reader.h"

enum { NONCE_BYTES = 12 };

static const struct str magic = {"remit object v1\n", 16};

_Static_assert(LIMIT_OBJECT_BYTES / OBJECT_CHUNK_BYTES < UINT32_MAX, "a chunk's number fits");

static void put_u64(uint8_t *p, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++) {
		p[i] = (uint8_t)(v >> (56 - 8 * i));
	}
}

void object_header_print(const struct object_header *h, uint8_t ret[OBJECT_HEADER_BYTES])
{
	memset(ret, 0, OBJECT_HEADER_BYTES);
	memcpy(ret, magic.p, magic.n);
	put_u64(ret + magic.n, h->size);
	memcpy(ret + magic.n + 8, h->prefix, sizeof(h->prefix));
}

enum rc object_header_parse(struct str bytes, struct object_header *ret, struct err *e)
{
	struct object_header h;
	struct reader r = reader_of(str_slice(bytes, magic.n, bytes.n));

	if (bytes.n != OBJECT_HEADER_BYTES || !str_has_prefix(bytes, magic) ||
	    !rd_u64(&r, &h.size) || bytes.p[OBJECT_HEADER_BYTES - 1] != 0) {
		FAIL(e, RC_BROKEN, "not an object");
	}
	if (h.size > LIMIT_OBJECT_BYTES) {
		FAIL(e, RC_LIMIT, "an object of more than %d bytes", LIMIT_OBJECT_BYTES);
	}
	memcpy(h.prefix, r.p, sizeof(h.prefix));
	*ret = h;
	return RC_OK;
}

uint64_t object_chunks(uint64_t size)
{
	return size ? (size + OBJECT_CHUNK_BYTES - 1) / OBJECT_CHUNK_BYTES : 1;
}

size_t object_chunk_bytes(uint64_t size, uint64_t chunk)
{
	uint64_t at = chunk * OBJECT_CHUNK_BYTES;

	if (at >= size) {
		return 0;
	}
	return size - at < OBJECT_CHUNK_BYTES ? (size_t)(size - at) : OBJECT_CHUNK_BYTES;
}

uint64_t object_chunk_offset(uint64_t chunk)
{
	return OBJECT_HEADER_BYTES + chunk * (OBJECT_CHUNK_BYTES + OBJECT_TAG_BYTES);
}

uint64_t object_file_bytes(uint64_t size)
{
	return OBJECT_HEADER_BYTES + size + object_chunks(size) * OBJECT_TAG_BYTES;
}

static void free_cipher(EVP_CIPHER_CTX **p)
{
	EVP_CIPHER_CTX_free(*p);
}

/* What both directions begin with: cipher, nonce, and the header as associated data. */
static bool begin(EVP_CIPHER_CTX *c, bool encrypts, const uint8_t key[OBJECT_KEY_BYTES],
		  const struct object_header *h, uint64_t chunk)
{
	uint8_t header[OBJECT_HEADER_BYTES];
	uint8_t nonce[NONCE_BYTES];
	int done;

	object_header_print(h, header);
	memcpy(nonce, h->prefix, OBJECT_PREFIX_BYTES);
	for (unsigned i = 0; i < 4; i++) {
		nonce[OBJECT_PREFIX_BYTES + i] = (uint8_t)(chunk >> (24 - 8 * i));
	}
	nonce[NONCE_BYTES - 1] = chunk + 1 == object_chunks(h->size);
	return c && EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL, key, nonce, encrypts) == 1 &&
	       EVP_CipherUpdate(c, NULL, &done, header, sizeof(header)) == 1;
}

enum rc object_seal(const uint8_t key[OBJECT_KEY_BYTES], const struct object_header *h,
		    uint64_t chunk, struct str plain, uint8_t *out, struct err *e)
{
	CLEANUP(free_cipher) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int done;

	MUST(chunk < object_chunks(h->size) && plain.n == object_chunk_bytes(h->size, chunk));
	if (!begin(c, true, key, h, chunk) ||
	    EVP_CipherUpdate(c, out, &done, (const uint8_t *)plain.p, (int)plain.n) != 1 ||
	    EVP_CipherFinal_ex(c, out + plain.n, &done) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, OBJECT_TAG_BYTES, out + plain.n) != 1) {
		FAIL(e, RC_NOMEM, "cannot encrypt an object");
	}
	return RC_OK;
}

enum rc object_open(const uint8_t key[OBJECT_KEY_BYTES], const struct object_header *h,
		    uint64_t chunk, struct str sealed, uint8_t *out, struct err *e)
{
	CLEANUP(free_cipher) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t tag[OBJECT_TAG_BYTES];
	size_t n = object_chunk_bytes(h->size, chunk);
	int done;

	if (chunk >= object_chunks(h->size) || sealed.n != n + OBJECT_TAG_BYTES) {
		FAIL(e, RC_DENIED, "an object has no such chunk");
	}
	memcpy(tag, sealed.p + n, sizeof(tag));
	if (!begin(c, false, key, h, chunk) ||
	    EVP_CipherUpdate(c, out, &done, (const uint8_t *)sealed.p, (int)n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, OBJECT_TAG_BYTES, tag) != 1 ||
	    EVP_CipherFinal_ex(c, out + n, &done) != 1) {
		OPENSSL_cleanse(out, n);
		FAIL(e, RC_DENIED, "chunk %llu does not open: wrong key, wrong place or changed",
		     (unsigned long long)chunk);
	}
	return RC_OK;
}
