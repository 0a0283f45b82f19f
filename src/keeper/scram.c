/* SPDX-License-Identifier: Apache-2.0 */
/* keeper/scram.c - one PBKDF2, two HMACs, one hash. */
#include "keeper/scram.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "codec/base64.h"

enum { HASH_BYTES = 32 };

static bool hmac(const uint8_t *key, const char *text, uint8_t ret[HASH_BYTES])
{
	struct str s = str_from(text);

	return HMAC(EVP_sha256(), key, HASH_BYTES, (const uint8_t *)s.p, s.n, ret, NULL) != NULL;
}

/* SPEC rfc5802 3: "SaltedPassword := Hi(Normalize(password), salt, i); ClientKey :=
 * HMAC(SaltedPassword, "Client Key"); StoredKey := H(ClientKey); ServerKey :=
 * HMAC(SaltedPassword, "Server Key")" */
static bool derive(struct str password, const uint8_t *salt, unsigned iterations,
		   uint8_t stored[HASH_BYTES], uint8_t server[HASH_BYTES])
{
	uint8_t salted[HASH_BYTES];
	uint8_t client[HASH_BYTES];
	bool ok;

	ok = password.n <= INT_MAX &&
	     PKCS5_PBKDF2_HMAC(password.p, (int)password.n, salt, SCRAM_SALT_BYTES, (int)iterations,
			       EVP_sha256(), HASH_BYTES, salted) == 1 &&
	     hmac(salted, "Client Key", client) && hmac(salted, "Server Key", server) &&
	     EVP_Digest(client, HASH_BYTES, stored, NULL, EVP_sha256(), NULL) == 1;
	secret_wipe(salted, sizeof(salted));
	secret_wipe(client, sizeof(client));
	return ok;
}

enum rc scram_verifier(const struct secret *password, const uint8_t salt[SCRAM_SALT_BYTES],
		       unsigned iterations, struct buf *b, struct err *e)
{
	uint8_t stored[HASH_BYTES];
	uint8_t server[HASH_BYTES];

	if (iterations == 0 || iterations > 1000000) {
		FAIL(e, RC_INPUT, "%u iterations are out of range", iterations);
	}
	if (!derive(secret_view(password), salt, iterations, stored, server)) {
		FAIL(e, RC_BROKEN, "cannot derive a SCRAM verifier");
	}
	if (buf_addf(b, "SCRAM-SHA-256$%u:", iterations) != RC_OK ||
	    base64_encode(b, str_of(salt, SCRAM_SALT_BYTES)) != RC_OK ||
	    buf_add_char(b, '$') != RC_OK ||
	    base64_encode(b, str_of(stored, sizeof(stored))) != RC_OK ||
	    buf_add_char(b, ':') != RC_OK ||
	    base64_encode(b, str_of(server, sizeof(server))) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a SCRAM verifier");
	}
	return RC_OK;
}
