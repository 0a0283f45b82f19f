/* SPDX-License-Identifier: Apache-2.0 */
/* governor/crypt.c - kept contexts.
 *
 * Holds: (1) a context that failed is thrown away; the next call makes a new one.
 *        (2) keys are set anew for every use, and no result depends on an earlier one.
 */
#include "governor/crypt.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

/* The process's, like the algorithms they stand for. */
static EVP_MAC_CTX *mac;
static EVP_CIPHER *cipher;
static EVP_CIPHER_CTX *sealer;

static bool make_mac(void)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
	    OSSL_PARAM_construct_end(),
	};
	EVP_MAC *hmac;

	if (mac) {
		return true;
	}
	hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	mac = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
	EVP_MAC_free(hmac);
	if (mac && EVP_MAC_CTX_set_params(mac, params) != 1) {
		EVP_MAC_CTX_free(mac);
		mac = NULL;
	}
	return mac != NULL;
}

static bool run_mac(struct str key, const struct str *parts, size_t n_parts, uint8_t ret[32])
{
	size_t n = 0;

	if (EVP_MAC_init(mac, (const unsigned char *)key.p, key.n, NULL) != 1) {
		return false;
	}
	for (size_t i = 0; i < n_parts; i++) {
		if (EVP_MAC_update(mac, (const unsigned char *)parts[i].p, parts[i].n) != 1) {
			return false;
		}
	}
	return EVP_MAC_final(mac, ret, &n, 32) == 1 && n == 32;
}

bool crypt_hmac(struct str key, const struct str *parts, size_t n_parts, uint8_t ret[32])
{
	if (!make_mac()) {
		return false;
	}
	if (!run_mac(key, parts, n_parts, ret)) {
		EVP_MAC_CTX_free(mac);
		mac = NULL;
		return false;
	}
	return true;
}

enum rc crypt_tag(const uint8_t key[CRYPT_KEY_BYTES], struct str tool, struct str text,
		  uint8_t ret[32], struct err *e)
{
	const struct str parts[] = {tool, str_of("", 1), text};

	if (!crypt_hmac(str_of(key, CRYPT_KEY_BYTES), parts, ARRAY_LEN(parts), ret)) {
		FAIL(e, RC_NOMEM, "cannot compute a tag");
	}
	return RC_OK;
}

static bool run_seal(const uint8_t *key, const uint8_t *nonce, struct str associated,
		     struct str head, struct str body, uint8_t *out)
{
	int n;

	return EVP_EncryptInit_ex2(sealer, cipher, key, nonce, NULL) == 1 &&
	       EVP_EncryptUpdate(sealer, NULL, &n, (const unsigned char *)associated.p,
				 (int)associated.n) == 1 &&
	       EVP_EncryptUpdate(sealer, out, &n, (const unsigned char *)head.p, (int)head.n) ==
		   1 &&
	       (body.n == 0 ||
		EVP_EncryptUpdate(sealer, out + head.n, &n, (const unsigned char *)body.p,
				  (int)body.n) == 1) &&
	       EVP_EncryptFinal_ex(sealer, out + head.n + body.n, &n) == 1 &&
	       EVP_CIPHER_CTX_ctrl(sealer, EVP_CTRL_GCM_GET_TAG, CRYPT_TAG_BYTES,
				   out + head.n + body.n) == 1;
}

bool crypt_seal(const uint8_t key[CRYPT_KEY_BYTES], const uint8_t nonce[CRYPT_NONCE_BYTES],
		struct str associated, struct str head, struct str body, uint8_t *out)
{
	if (!cipher) {
		cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	}
	if (!sealer) {
		sealer = EVP_CIPHER_CTX_new();
	}
	if (!cipher || !sealer) {
		return false;
	}
	if (!run_seal(key, nonce, associated, head, body, out)) {
		EVP_CIPHER_CTX_free(sealer);
		sealer = NULL;
		return false;
	}
	return true;
}
