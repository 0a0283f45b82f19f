/* SPDX-License-Identifier: Apache-2.0 */
/* keeper/wrap.c - AES-256-GCM with random nonces.
 *
 * Holds:  (1) a nonce is random and 96 bits: one wrapping key may wrap 2^32 data keys (NIST SP
 *             800-38D, 8.3), which is one task per second for 136 years.
 */
#include "keeper/wrap.h"

#include <limits.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/rand.h"

enum { VERSION = 1, NONCE_BYTES = 12, TAG_BYTES = 16 };

static const char context[] = "remit data key v1\n"; /* before the task in the associated data */

static void cipher_cleanup(EVP_CIPHER_CTX **c)
{
	EVP_CIPHER_CTX_free(*c); /* cleanses */
}

/* Key, nonce and associated data; direction 1 = seal. */
static bool begin(EVP_CIPHER_CTX *c, const struct secret *wrapping, const uint8_t *nonce,
		  struct str task, int direction)
{
	const uint8_t *task_bytes = (const uint8_t *)task.p;
	int n;

	return task.n <= INT_MAX &&
	       EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL,
				 (const uint8_t *)secret_view(wrapping).p, nonce, direction) == 1 &&
	       EVP_CipherUpdate(c, NULL, &n, (const uint8_t *)context, sizeof(context) - 1) == 1 &&
	       (task.n == 0 || EVP_CipherUpdate(c, NULL, &n, task_bytes, (int)task.n) == 1);
}

enum rc wrap_seal(const struct secret *wrapping, struct str task, const struct secret *key,
		  uint8_t ret[WRAP_BYTES], struct err *e)
{
	CLEANUP(cipher_cleanup) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t *nonce = ret + 1;
	uint8_t *sealed = nonce + NONCE_BYTES;
	int n = 0;
	int last = 0;

	MUST(secret_size(wrapping) == WRAP_KEY_BYTES && secret_size(key) == WRAP_KEY_BYTES);
	ret[0] = VERSION;
	rand_bytes(nonce, NONCE_BYTES); /* invariant (1) */
	if (!c || !begin(c, wrapping, nonce, task, 1) ||
	    EVP_CipherUpdate(c, sealed, &n, (const uint8_t *)secret_view(key).p, WRAP_KEY_BYTES) !=
		1 ||
	    n != WRAP_KEY_BYTES || EVP_CipherFinal_ex(c, sealed + n, &last) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, sealed + WRAP_KEY_BYTES) != 1) {
		FAIL(e, RC_BROKEN, "cannot wrap a data key");
	}
	return RC_OK;
}

enum rc wrap_open(const struct secret *wrapping, struct str task, struct str wrapped,
		  struct secret **ret, struct err *e)
{
	CLEANUP(cipher_cleanup) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	AUTO_SECRET key = NULL;
	uint8_t bytes[WRAP_BYTES];
	const uint8_t *sealed = bytes + 1 + NONCE_BYTES;
	int n = 0;
	int last = 0;

	MUST(secret_size(wrapping) == WRAP_KEY_BYTES);
	if (wrapped.n != WRAP_BYTES || wrapped.p[0] != VERSION) {
		FAIL(e, RC_INPUT, "this is no wrapped data key");
	}
	memcpy(bytes, wrapped.p, sizeof(bytes));
	TRY(secret_new(WRAP_KEY_BYTES, &key, e));
	if (!c || !begin(c, wrapping, bytes + 1, task, 0) ||
	    EVP_CipherUpdate(c, secret_bytes(key), &n, sealed, WRAP_KEY_BYTES) != 1 ||
	    n != WRAP_KEY_BYTES ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_BYTES,
				bytes + 1 + NONCE_BYTES + WRAP_KEY_BYTES) != 1) {
		FAIL(e, RC_BROKEN, "cannot open a data key");
	}
	if (EVP_CipherFinal_ex(c, secret_bytes(key) + n, &last) != 1) {
		FAIL(e, RC_DENIED,
		     "the data key was not wrapped by this keeper for task '" STR_FMT "'",
		     STR_ARG(task));
	}
	*ret = TAKE(key);
	return RC_OK;
}
