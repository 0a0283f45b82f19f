/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "codec/base64.h"
#include "keeper/scram.h"

/* RFC 7677 section 3: user "user", password "pencil". */
#define SALT	     "W22ZaJ0SNY7soEsUEjb6gQ=="
#define NONCE	     "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define AUTH_MESSAGE "n=user,r=rOprNGfwEbeRWgbNEkqO,r=" NONCE ",s=" SALT ",i=4096,c=biws,r=" NONCE
#define PROOF	     "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define SIGNATURE    "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static void decode(struct str text, uint8_t *ret, size_t n)
{
	AUTO_BUF b = BUF_INIT(64);

	assert_ok(base64_decode(&b, text));
	assert_int_equal(b.n, n);
	memcpy(ret, b.p, n);
}

/* The RFC gives no verifier, but what a server does with one: check the client's proof with
 * StoredKey, and sign with ServerKey. */
static void a_verifier_accepts_the_proof_of_rfc_7677(void **state)
{
	(void)state;
	struct secret *password = NULL;
	AUTO_BUF b = BUF_INIT(SCRAM_VERIFIER_BYTES);
	uint8_t salt[SCRAM_SALT_BYTES];
	uint8_t stored[32];
	uint8_t server[32];
	uint8_t proof[32];
	uint8_t want[32];
	uint8_t got[32];
	struct str rest;

	decode(STR(SALT), salt, sizeof(salt));
	assert_ok(secret_of(STR("pencil"), &password, NULL));
	assert_ok(scram_verifier(password, salt, 4096, &b, NULL));
	secret_free(password);
	rest = buf_view(&b);
	assert_str(str_cut(&rest, '$'), "SCRAM-SHA-256");
	assert_str(str_cut(&rest, '$'), "4096:" SALT);
	decode(str_cut(&rest, ':'), stored, sizeof(stored));
	decode(rest, server, sizeof(server));

	decode(STR(PROOF), proof, sizeof(proof));
	assert_non_null(HMAC(EVP_sha256(), stored, 32, (const uint8_t *)AUTH_MESSAGE,
			     strlen(AUTH_MESSAGE), got, NULL));
	for (size_t i = 0; i < sizeof(proof); i++) {
		proof[i] ^= got[i]; /* ClientKey = ClientProof XOR ClientSignature */
	}
	assert_int_equal(EVP_Digest(proof, 32, got, NULL, EVP_sha256(), NULL), 1);
	assert_memory_equal(got, stored, sizeof(stored));

	decode(STR(SIGNATURE), want, sizeof(want));
	assert_non_null(HMAC(EVP_sha256(), server, 32, (const uint8_t *)AUTH_MESSAGE,
			     strlen(AUTH_MESSAGE), got, NULL));
	assert_memory_equal(got, want, sizeof(want));
}

static void out_of_range_is_refused(void **state)
{
	(void)state;
	struct secret *password = NULL;
	uint8_t salt[SCRAM_SALT_BYTES] = {0};
	AUTO_BUF b = BUF_INIT(SCRAM_VERIFIER_BYTES);
	AUTO_BUF small = BUF_INIT(20);

	assert_ok(secret_of(STR("pencil"), &password, NULL));
	assert_rc(scram_verifier(password, salt, 0, &b, NULL), RC_INPUT);
	assert_rc(scram_verifier(password, salt, 4096, &small, NULL), RC_NOMEM);
	secret_free(password);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_verifier_accepts_the_proof_of_rfc_7677),
	    cmocka_unit_test(out_of_range_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
