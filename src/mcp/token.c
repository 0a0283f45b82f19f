/* SPDX-License-Identifier: Apache-2.0 */
/* mcp/token.c - sealed tokens and the sessions that ended.
 *
 * Trust:  a token comes from a client and may be anything.
 * Holds:  (1) nothing of a token is read before its tag was verified.
 *         (2) nonces are random: 2^32 tokens under one key are safe (SP 800-38D 8.3), and the key
 *             lives no longer than the deployment's run.
 */
#include "mcp/token.h"

#include <string.h>

#include <openssl/evp.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/reader.h"
#include "codec/base64.h"

enum { NONCE_BYTES = 12, TAG_BYTES = 16, BODY_BYTES = 64 };

static const char purpose_session[] = "remit/mcp-session/1";
static const char purpose_round[] = "remit/mcp-round/1";

static void cipher_fini(EVP_CIPHER_CTX **c)
{
	EVP_CIPHER_CTX_free(*c);
}
#define AUTO_CIPHER CLEANUP(cipher_fini) EVP_CIPHER_CTX *

/* purpose, agent and task, each with its length in front, so that no two owners look the same. */
static enum rc bound_data(struct buf *b, const char *purpose, const struct mcp_owner *owner)
{
	const struct str parts[] = {str_from(purpose), owner->agent, owner->task};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		TRY(buf_add_u32(b, (uint32_t)parts[i].n));
		TRY(buf_add(b, parts[i]));
	}
	return RC_OK;
}

static enum rc seal(const uint8_t *key, struct str bound, struct str body, struct buf *out,
		    struct err *e)
{
	AUTO_CIPHER c = EVP_CIPHER_CTX_new();
	AUTO_BUF raw = BUF_INIT(MCP_TOKEN_MAX_BYTES);
	uint8_t *nonce;
	uint8_t *sealed;
	int n = 0;
	int tail = 0;

	TRY(buf_reserve(&raw, NONCE_BYTES + body.n + TAG_BYTES));
	nonce = (uint8_t *)raw.p;
	sealed = nonce + NONCE_BYTES;
	rand_bytes(nonce, NONCE_BYTES);
	if (!c || EVP_EncryptInit_ex2(c, EVP_aes_256_gcm(), key, nonce, NULL) != 1 ||
	    EVP_EncryptUpdate(c, NULL, &n, (const uint8_t *)bound.p, (int)bound.n) != 1 ||
	    EVP_EncryptUpdate(c, sealed, &n, (const uint8_t *)body.p, (int)body.n) != 1 ||
	    EVP_EncryptFinal_ex(c, sealed + n, &tail) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, sealed + body.n) != 1) {
		FAIL(e, RC_BROKEN, "cannot seal a token");
	}
	raw.n = NONCE_BYTES + body.n + TAG_BYTES;
	return base64url_encode(out, buf_view(&raw));
}

static enum rc unseal(const uint8_t *key, struct str bound, struct str token, struct buf *ret_body,
		      struct err *e)
{
	AUTO_CIPHER c = EVP_CIPHER_CTX_new();
	AUTO_BUF raw = BUF_INIT(MCP_TOKEN_MAX_BYTES);
	uint8_t tag[TAG_BYTES];
	const uint8_t *p;
	size_t body_bytes;
	int n = 0;
	int tail = 0;

	if (token.n == 0 || token.n > MCP_TOKEN_MAX_BYTES ||
	    base64url_decode(&raw, token) != RC_OK || raw.n < NONCE_BYTES + TAG_BYTES) {
		FAIL(e, RC_ABSENT, "not one of our tokens");
	}
	p = (const uint8_t *)raw.p;
	body_bytes = raw.n - NONCE_BYTES - TAG_BYTES;
	memcpy(tag, p + NONCE_BYTES + body_bytes, TAG_BYTES);
	TRY(buf_reserve(ret_body, body_bytes + TAG_BYTES));
	if (!c || EVP_DecryptInit_ex2(c, EVP_aes_256_gcm(), key, p, NULL) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) != 1) {
		FAIL(e, RC_BROKEN, "cannot open a token");
	}
	if (EVP_DecryptUpdate(c, NULL, &n, (const uint8_t *)bound.p, (int)bound.n) != 1 ||
	    EVP_DecryptUpdate(c, (uint8_t *)ret_body->p, &n, p + NONCE_BYTES, (int)body_bytes) !=
		1 ||
	    EVP_DecryptFinal_ex(c, (uint8_t *)ret_body->p + n, &tail) != 1) {
		FAIL(e, RC_ABSENT, "not one of our tokens");
	}
	ret_body->n = body_bytes;
	return RC_OK;
}

static enum rc seal_for(const uint8_t *key, const char *purpose, const struct mcp_owner *owner,
			const struct buf *body, struct buf *out, struct err *e)
{
	AUTO_BUF bound = BUF_INIT(LIMIT_SPIFFE_ID_BYTES + LIMIT_ID_BYTES + 64);

	TRY(bound_data(&bound, purpose, owner));
	return seal(key, buf_view(&bound), buf_view(body), out, e);
}

static enum rc unseal_for(const uint8_t *key, const char *purpose, const struct mcp_owner *owner,
			  struct str token, struct buf *ret_body, struct err *e)
{
	AUTO_BUF bound = BUF_INIT(LIMIT_SPIFFE_ID_BYTES + LIMIT_ID_BYTES + 64);

	TRY(bound_data(&bound, purpose, owner));
	return unseal(key, buf_view(&bound), token, ret_body, e);
}

enum rc mcp_session_seal(const uint8_t key[MCP_TOKEN_KEY_BYTES], const struct mcp_owner *owner,
			 const struct mcp_session *s, struct buf *out, struct err *e)
{
	AUTO_BUF body = BUF_INIT(BODY_BYTES);

	TRY(buf_add(&body, str_of(s->id, sizeof(s->id))));
	TRY(buf_add_char(&body, (char)s->version));
	TRY(buf_add_u64(&body, s->expires_unix_s));
	return seal_for(key, purpose_session, owner, &body, out, e);
}

enum rc mcp_session_open(const uint8_t key[MCP_TOKEN_KEY_BYTES], const struct mcp_owner *owner,
			 struct str token, uint64_t now_unix_s, struct mcp_session *ret,
			 struct err *e)
{
	AUTO_BUF body = BUF_INIT(MCP_TOKEN_MAX_BYTES);
	struct reader r;
	struct str id;
	struct mcp_session s = {0};
	uint8_t version;

	TRY(unseal_for(key, purpose_session, owner, token, &body, e));
	r = reader_of(buf_view(&body));
	if (!rd_take(&r, sizeof(s.id), &id) || !rd_u8(&r, &version) ||
	    !rd_u64(&r, &s.expires_unix_s) || r.n != 0 || version < MCP_2024_11_05 ||
	    version > MCP_LATEST_LEGACY) {
		FAIL(e, RC_ABSENT, "a token of another kind");
	}
	if (now_unix_s >= s.expires_unix_s) {
		FAIL(e, RC_ABSENT, "the session is past its end");
	}
	memcpy(s.id, id.p, sizeof(s.id));
	s.version = (enum mcp_version)version;
	*ret = s;
	return RC_OK;
}

enum rc mcp_round_seal(const uint8_t key[MCP_TOKEN_KEY_BYTES], const struct mcp_owner *owner,
		       const struct mcp_round *r, struct buf *out, struct err *e)
{
	AUTO_BUF body = BUF_INIT(BODY_BYTES);

	TRY(buf_add(&body, str_of(r->call_sha256, sizeof(r->call_sha256))));
	TRY(buf_add_char(&body, (char)r->number));
	TRY(buf_add_u64(&body, r->expires_unix_s));
	return seal_for(key, purpose_round, owner, &body, out, e);
}

enum rc mcp_round_open(const uint8_t key[MCP_TOKEN_KEY_BYTES], const struct mcp_owner *owner,
		       struct str token, uint64_t now_unix_s, struct mcp_round *ret, struct err *e)
{
	AUTO_BUF body = BUF_INIT(MCP_TOKEN_MAX_BYTES);
	struct mcp_round got;
	struct reader r;
	struct str digest;

	TRY(unseal_for(key, purpose_round, owner, token, &body, e));
	r = reader_of(buf_view(&body));
	if (!rd_take(&r, sizeof(got.call_sha256), &digest) || !rd_u8(&r, &got.number) ||
	    !rd_u64(&r, &got.expires_unix_s) || r.n != 0) {
		FAIL(e, RC_ABSENT, "a token of another kind");
	}
	if (now_unix_s >= got.expires_unix_s) {
		FAIL(e, RC_ABSENT, "the request's state is past its end");
	}
	memcpy(got.call_sha256, digest.p, sizeof(got.call_sha256));
	*ret = got;
	return RC_OK;
}

/* ---- ended sessions: a ring ---- */

struct mcp_ended {
	uint8_t (*ids)[16];
	size_t max;
	size_t n;
	size_t at; /* where the next one goes */
};

enum rc mcp_ended_new(size_t max, struct mcp_ended **ret)
{
	struct mcp_ended *x = mem_calloc(1, sizeof(*x));

	if (!x) {
		return RC_NOMEM;
	}
	x->ids = mem_calloc(max, sizeof(*x->ids));
	if (!x->ids) {
		mem_free(x);
		return RC_NOMEM;
	}
	x->max = max;
	*ret = x;
	return RC_OK;
}

void mcp_ended_free(struct mcp_ended *x)
{
	if (x) {
		mem_free(x->ids);
		mem_free(x);
	}
}

void mcp_ended_add(struct mcp_ended *x, const uint8_t id[16])
{
	memcpy(x->ids[x->at], id, 16);
	x->at = (x->at + 1) % x->max;
	if (x->n < x->max) {
		x->n++;
	}
}

bool mcp_ended_has(const struct mcp_ended *x, const uint8_t id[16])
{
	for (size_t i = 0; i < x->n; i++) {
		if (memcmp(x->ids[i], id, 16) == 0) {
			return true;
		}
	}
	return false;
}
