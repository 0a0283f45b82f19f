/* SPDX-License-Identifier: Apache-2.0 */
/* upstream/mcp_post.h - one JSON-RPC message to an upstream by HTTP POST, and its answer.
 *
 * The answer may be the body or an event of a stream; both come out as one message, as soon as it
 * is there. Never sends twice (upstream/client.h).
 */
#pragma once

#include "mcp/outgoing.h"
#include "upstream/client.h"

struct mcp_post;

struct mcp_post_spec {
	struct client *client;
	struct str target;		 /* "/mcp" */
	const struct http_field *fields; /* beyond Content-Type and Accept */
	size_t n_fields;
	struct str body;
	uint64_t id;		  /* the request's; 0: a notification, no answer is wanted */
	uint64_t send_by_boot_ns; /* 0 = none */
	uint32_t timeout_ms;
};

/* What came of it; everything is borrowed for the call. */
struct mcp_post_result {
	enum client_fate fate;
	unsigned status;       /* CLIENT_ANSWERED */
	struct str session_id; /* of the response, or "" */
	struct str body;       /* when it was no stream: for messages about refusals */
	const struct mcp_heard_message *answer; /* NULL: none that answers */
	const char *detail;
};

struct mcp_post_handlers {
	/* Exactly once, unless cancelled; the post is over after it. */
	void (*done)(void *ctx, struct mcp_post *p, const struct mcp_post_result *r);
	/* The upstream asks something on the stream. The post goes on. */
	void (*asked)(void *ctx, struct mcp_post *p, struct str raw_id, struct str method);
};

enum rc mcp_post_start(const struct mcp_post_spec *spec, const struct mcp_post_handlers *handlers,
		       void *ctx, struct mcp_post **ret, struct err *e);
/* Without `done`. */
enum client_fate mcp_post_cancel(struct mcp_post *p);
bool mcp_post_is_sent(const struct mcp_post *p);
