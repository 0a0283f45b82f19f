/* SPDX-License-Identifier: Apache-2.0 */
/* mcp/token.h - what a client carries for us: sealed, bound to its owner, with an end.
 *
 * A token is AES-256-GCM under the key that all fronts get from the keeper, so any front opens
 * what another sealed and nobody keeps a table. The owner (the agent's SPIFFE ID and the task of
 * the URL) and the purpose are authenticated with it: a token of one agent, task or purpose is
 * noise for every other. It is never authority: the certificate is, on every request.
 *
 * Wire form: base64url of nonce (12) | sealed body | tag (16). docs/formats/tokens.md.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "mcp/version.h"

#define MCP_TOKEN_KEY_BYTES 32
#define MCP_TOKEN_MAX_BYTES 256 /* of the text; anything longer is not ours */

struct mcp_owner {
	struct str agent; /* SPIFFE ID */
	struct str task;  /* of the URL, or "" */
};

/* A legacy session. */
struct mcp_session {
	uint8_t id[16]; /* random; what is remembered when it ends */
	enum mcp_version version;
	uint64_t expires_unix_s;
};

/* Appends the text of the token. */
enum rc mcp_session_seal(const uint8_t key[MCP_TOKEN_KEY_BYTES], const struct mcp_owner *owner,
			 const struct mcp_session *s, struct buf *out, struct err *e);
/* RC_ABSENT: not ours, not this owner's, or past its end. */
enum rc mcp_session_open(const uint8_t key[MCP_TOKEN_KEY_BYTES], const struct mcp_owner *owner,
			 struct str token, uint64_t now_unix_s, struct mcp_session *ret,
			 struct err *e);

/* The requestState of a modern call that waits for a person: the same call comes again with it, by
 * itself, a bounded number of times. Counting is all it is for. */
struct mcp_round {
	uint8_t call_sha256[32]; /* of tool and arguments: a state of another call is none */
	uint8_t number;		 /* of rounds so far */
	uint64_t expires_unix_s;
};
enum rc mcp_round_seal(const uint8_t key[MCP_TOKEN_KEY_BYTES], const struct mcp_owner *owner,
		       const struct mcp_round *r, struct buf *out, struct err *e);
/* RC_ABSENT: not ours, not this owner's, or past its end. The caller compares call_sha256. */
enum rc mcp_round_open(const uint8_t key[MCP_TOKEN_KEY_BYTES], const struct mcp_owner *owner,
		       struct str token, uint64_t now_unix_s, struct mcp_round *ret, struct err *e);

/* Sessions that were ended by their client, so that they stay ended. Bounded: the oldest makes
 * room, and then that session could be used again, by its own agent only. A session carries no
 * authority, so that is a nuisance to nobody else. */
struct mcp_ended;
enum rc mcp_ended_new(size_t max, struct mcp_ended **ret);
void mcp_ended_free(struct mcp_ended *x);
void mcp_ended_add(struct mcp_ended *x, const uint8_t id[16]);
bool mcp_ended_has(const struct mcp_ended *x, const uint8_t id[16]);
