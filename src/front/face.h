/* SPDX-License-Identifier: Apache-2.0 */
/* front/face.h - the MCP face: an authenticated HTTP request in, CALL or TOOLS to the governor, the
 * reply as MCP of the client's era out.
 *
 * It keeps no authority and no policy. Legacy sessions are sealed tokens (mcp/token.h) bound to the
 * agent and the task of the URL; a modern client that closes its request's connection withdraws the
 * call, a legacy one does so by notifications/cancelled.
 *
 *	/mcp		bound to no task; modern requests may name one in _meta["io.remit/task"]
 *	/mcp/t/<task>	bound to that task
 */
#pragma once

#include "core/bundle.h"
#include "mcp/token.h"
#include "net/http_server.h"
#include "net/message.h"

enum {
	FACE_SESSION_S = 24 * 3600,  /* a legacy session's life */
	FACE_ENDED_MAX = 8192,	     /* ended sessions remembered */
	FACE_EXCHANGES_MAX = 8192,   /* requests that wait for the governor */
	FACE_HOLD_MS = 20 * 1000,    /* for an agent that is not registered */
	FACE_PROGRESS_MS = 5 * 1000, /* between progress notifications */
	/* A modern client asks again by itself while a person decides, ten times at most in the
	 * SDKs; the round after these says "pending" as a result. */
	FACE_ROUNDS = 8,
	FACE_ROUND_S = 3600,
};

/* Who speaks on a connection. Borrowed for the request. */
struct face_agent {
	struct str id;	       /* SPIFFE ID */
	struct str key_sha256; /* 32 bytes */
};

struct face_conf {
	const struct bundle *bundle; /* borrowed: for hold times */
	/* Plain listeners answer to these Host values only ("localhost:8080"); empty = any. */
	struct str_list hosts;
	bool is_plain;	     /* for the scheme of an Origin */
	uint64_t generation; /* of this process */
	/* To the governor. Anything but RC_OK: it cannot be asked now. */
	enum rc (*say)(void *ctx, const struct message *m);
	void *say_ctx;
};

struct face;

enum rc face_new(struct loop *l, const struct face_conf *conf, struct face **ret, struct err *e);
/* Requests that still wait are aborted. NULL is fine. */
void face_free(struct face *f);
/* From the keeper. Until it is there, legacy clients are told to try again. */
void face_set_token_key(struct face *f, struct str key);
/* As struct http_server_handlers has them; the data pointer of the request is the face's. */
void face_request(struct face *f, struct http_request *r, const struct face_agent *agent);
void face_gone(struct face *f, struct http_request *r);
/* CALL_REPLY, TOOLS_REPLY; true when it was one of them. */
bool face_hear(struct face *f, const struct message *m);
/* The governor ended: what waits for it is answered. Until there is another one, what is asked is
 * told that nothing can be recorded now. */
void face_governor_lost(struct face *f);
/* The governor is there and does not answer: the same, but what waits is withdrawn too. */
void face_governor_silent(struct face *f);
/* The agent was killed (or, with an empty id, everything was): what waits is aborted. */
void face_cut(struct face *f, struct str agent);
size_t face_waiting(const struct face *f);
