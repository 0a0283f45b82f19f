/* SPDX-License-Identifier: Apache-2.0 */
/* tlog/key.c - verifier keys, their ids and names (C2SP signed-note), and Ed25519.
 *
 * Trust:  names, vkeys and signatures are hostile; seeds are the caller's secret and are not kept.
 */
#include "tlog/key.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/num.h"
#include "codec/base64.h"
#include "tlog/exact.h"

/* Is the sequence at p one of the characters that Unicode calls white space? Those of three bytes
 * are U+1680, U+2000..200A, 2028, 2029, 202F, 205F and 3000. */
static bool is_space_at(struct str s, size_t i)
{
	const unsigned char *p = (const unsigned char *)s.p + i;
	size_t left = s.n - i;

	if (left >= 2 && p[0] == 0xC2) {
		return p[1] == 0x85 || p[1] == 0xA0;
	}
	if (left < 3) {
		return false;
	}
	if (p[0] == 0xE1) {
		return p[1] == 0x9A && p[2] == 0x80;
	}
	if (p[0] == 0xE3) {
		return p[1] == 0x80 && p[2] == 0x80;
	}
	if (p[0] != 0xE2) {
		return false;
	}
	if (p[1] == 0x80) {
		return p[2] <= 0x8A || p[2] == 0xA8 || p[2] == 0xA9 || p[2] == 0xAF;
	}
	return p[1] == 0x81 && p[2] == 0x9F;
}

bool tlog_name_is_valid(struct str name)
{
	if (name.n == 0 || name.n > TLOG_NAME_MAX_BYTES || !str_is_utf8(name)) {
		return false;
	}
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];

		if (c <= 0x20 || c == 0x7f || c == '+' || is_space_at(name, i)) {
			return false;
		}
	}
	return true;
}

/* SPEC signed-note: "key ID = SHA-256(name || 0x0A || type || public key)[:4]". */
static enum rc key_id(const struct tlog_vkey *key, uint32_t *ret, struct err *e)
{
	uint8_t text[TLOG_NAME_MAX_BYTES + 2 + 32];
	uint8_t digest[EVP_MAX_MD_SIZE];
	size_t n = strlen(key->name);

	memcpy(text, key->name, n);
	text[n] = '\n';
	text[n + 1] = (uint8_t)key->type;
	memcpy(text + n + 2, key->key, 32);
	if (EVP_Digest(text, n + 34, digest, NULL, EVP_sha256(), NULL) != 1) {
		FAIL(e, RC_NOMEM, "cannot compute the id of key '%s'", key->name);
	}
	*ret = (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 |
	       digest[3];
	return RC_OK;
}

enum rc tlog_vkey_init(struct tlog_vkey *ret, struct str name, enum tlog_key_type type,
		       const uint8_t key[32], struct err *e)
{
	struct tlog_vkey made = {.type = type};

	if (!tlog_name_is_valid(name)) {
		FAIL(e, RC_INPUT, "not a key name: '" STR_FMT "'", (int)(name.n < 64 ? name.n : 64),
		     name.p);
	}
	if (type != TLOG_KEY_ED25519 && type != TLOG_KEY_COSIGNATURE) {
		FAIL(e, RC_INPUT, "key '" STR_FMT "' has unknown type %d", STR_ARG(name),
		     (int)type);
	}
	memcpy(made.name, name.p, name.n);
	memcpy(made.key, key, 32);
	TRY(key_id(&made, &made.id, e));
	*ret = made;
	return RC_OK;
}

static void free_pkey(EVP_PKEY **p)
{
	EVP_PKEY_free(*p);
}

static void free_md_ctx(EVP_MD_CTX **p)
{
	EVP_MD_CTX_free(*p);
}

#define AUTO_PKEY   CLEANUP(free_pkey) EVP_PKEY *
#define AUTO_MD_CTX CLEANUP(free_md_ctx) EVP_MD_CTX *

enum rc tlog_vkey_from_seed(struct tlog_vkey *ret, struct str name, enum tlog_key_type type,
			    const uint8_t seed[32], struct err *e)
{
	AUTO_PKEY pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
	uint8_t key[32];
	size_t n = sizeof(key);

	if (!pkey || EVP_PKEY_get_raw_public_key(pkey, key, &n) != 1 || n != sizeof(key)) {
		FAIL(e, RC_NOMEM, "cannot derive a public key");
	}
	return tlog_vkey_init(ret, name, type, key, e);
}

/* Lower case only: one spelling. */
static bool parse_id(struct str hex, uint32_t *ret)
{
	uint8_t id[4];

	for (size_t i = 0; i < hex.n; i++) {
		if (hex.p[i] >= 'A' && hex.p[i] <= 'F') {
			return false;
		}
	}
	if (!num_hex(hex, id, sizeof(id))) {
		return false;
	}
	*ret = (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
	return true;
}

enum rc tlog_vkey_parse(struct str text, struct tlog_vkey *ret, struct err *e)
{
	struct str rest = text;
	struct str name = str_cut(&rest, '+');
	struct str hex = str_cut(&rest, '+'); /* base64 may hold a '+', name and id may not */
	uint8_t blob[33];
	struct tlog_vkey key;
	uint32_t id;

	if (!parse_id(hex, &id)) {
		FAIL(e, RC_INPUT, "verifier key has no id of 8 lower-case hexadecimal digits");
	}
	if (!exact_base64(rest, blob, sizeof(blob))) {
		FAIL(e, RC_INPUT, "verifier key does not end in base64 of type and 32 bytes");
	}
	if (blob[0] != TLOG_KEY_ED25519 && blob[0] != TLOG_KEY_COSIGNATURE) {
		FAIL(e, RC_INPUT, "verifier key has unknown type %u", blob[0]);
	}
	TRY(tlog_vkey_init(&key, name, (enum tlog_key_type)blob[0], blob + 1, e));
	if (key.id != id) {
		FAIL(e, RC_INPUT, "verifier key '%s' has id %08x but says %08x", key.name, key.id,
		     id);
	}
	*ret = key;
	return RC_OK;
}

enum rc tlog_vkey_print(const struct tlog_vkey *key, struct buf *b)
{
	uint8_t blob[33];

	blob[0] = (uint8_t)key->type;
	memcpy(blob + 1, key->key, 32);
	TRY(buf_addf(b, "%s+%08x+", key->name, key->id));
	return base64_encode(b, str_of(blob, sizeof(blob)));
}

enum rc tlog_sign(struct str text, const uint8_t seed[32], uint8_t ret_signature[64], struct err *e)
{
	AUTO_PKEY pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
	AUTO_MD_CTX ctx = EVP_MD_CTX_new();
	size_t n = 64;

	if (!pkey || !ctx || EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) != 1 ||
	    EVP_DigestSign(ctx, ret_signature, &n, (const unsigned char *)text.p, text.n) != 1 ||
	    n != 64) {
		FAIL(e, RC_NOMEM, "cannot sign");
	}
	return RC_OK;
}

bool key_verifies(const struct tlog_vkey *key, struct str text, const uint8_t signature[64])
{
	AUTO_PKEY pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->key, 32);
	AUTO_MD_CTX ctx = EVP_MD_CTX_new();

	return pkey && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
	       EVP_DigestVerify(ctx, signature, 64, (const unsigned char *)text.p, text.n) == 1;
}
