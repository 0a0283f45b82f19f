/* SPDX-License-Identifier: Apache-2.0 */
/* front/exchange.h - HTTP requests of agents that wait for the governor.
 *
 * An exchange is one POST; its parts are the JSON-RPC requests in it that the governor must answer
 * (one, or several in a batch). It is answered when its last part is: as one JSON document, or,
 * when the client asked for progress and had to wait, as the end of an event stream.
 *
 * Life: exchange_begin, exchange_wait and exchange_say for each message, exchange_sealed; then it
 * belongs to itself and is freed with its answer, with the peer (exchange_gone), or by a cut.
 */
#pragma once

#include "base/map.h"
#include "mcp/reply.h"
#include "net/http_server.h"

struct exchanges;
struct exchange;

struct part {
	struct exchange *of;
	uint64_t req; /* the front's number for it, in CALL and TOOLS */
	struct str id;
	struct str progress_token; /* "" = none */
	bool is_call;
	bool is_open;
	/* Modern calls: what a requestState for it would be bound to. */
	struct str task;
	uint8_t call_sha256[32];
	uint8_t round;
};

struct exchange_conf {
	struct http_request *http;
	enum mcp_era era;
	bool is_batch;
	struct str agent;   /* copied, as all below */
	struct str session; /* 16 bytes, or "" */
};

/* generation: of this process, so that no number is one of an earlier front's. */
enum rc exchanges_new(struct loop *l, size_t max, uint32_t progress_ms, uint64_t generation,
		      struct exchanges **ret);
/* Aborts what waits. */
void exchanges_free(struct exchanges *xs);
size_t exchanges_count(const struct exchanges *xs);

/* NULL: no room or no memory. Sets the request's data pointer. */
struct exchange *exchange_begin(struct exchanges *xs, const struct exchange_conf *conf);
/* One more request to wait for. NULL: no memory, or more than MCP_BATCH_MAX. */
struct part *exchange_wait(struct exchange *x, const struct mcp_request *r);
/* A whole message that is known already. */
enum rc exchange_say(struct exchange *x, struct str message);
/* The task a part was asked in; false without memory. */
bool part_set_task(struct part *p, struct str task);
struct str part_agent(const struct part *p);
/* No more parts will come: answers, if nothing is open. x may be gone after it. */
void exchange_sealed(struct exchange *x);
/* Gives up before it was sealed, leaving the HTTP request to the caller. */
void exchange_discard(struct exchange *x);

enum mcp_era exchange_era(const struct exchange *x);
/* The open part with this number, or NULL. */
struct part *exchanges_find(struct exchanges *xs, uint64_t req);
/* The open part with this JSON-RPC id in this session of this agent, or NULL. */
struct part *exchanges_find_id(struct exchanges *xs, struct str agent, struct str session,
			       struct str id);
/* Any open part; NULL: there is none. */
struct part *exchanges_any(struct exchanges *xs);
/* Closes p with its message ("" = none is wanted: it was cancelled). Its exchange may be gone. */
void part_answer(struct part *p, struct str message);

/* The peer went away: open parts are given to `left` one by one, then all is forgotten. */
void exchange_gone(struct exchanges *xs, struct http_request *http,
		   void (*left)(void *ctx, const struct part *p), void *ctx);
/* Closes the connections of what waits for this agent ("" = everybody), the same way. */
void exchanges_cut(struct exchanges *xs, struct str agent,
		   void (*left)(void *ctx, const struct part *p), void *ctx);
