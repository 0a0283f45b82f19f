/* SPDX-License-Identifier: Apache-2.0 */
/* mcp/outgoing.h - MCP as Remit speaks it towards upstreams: requests out, answers in.
 *
 * Shared by the HTTP client (src/upstream) and the stdio children (src/runner). Nothing here
 * declares a client capability, so an upstream has nothing to ask of us; what it asks anyway is
 * refused. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "codec/json.h"
#include "mcp/version.h"

/* Pages of tools/list that are walked before an upstream counts as broken. */
#define MCP_PAGES_MAX 64

/* A call as it goes out. */
struct mcp_call_out {
	struct str tool;	/* the upstream's own name */
	struct str args;	/* canonical JSON object, sent byte for byte */
	uint64_t call;		/* Remit's call id: travels as _meta["io.remit/call"] = "c<call>" */
	struct str trace;	/* W3C traceparent, or "" */
	struct str trace_state; /* and tracestate */
};

/* Each appends one JSON-RPC message without a newline. */
enum rc mcp_ask_initialize(struct buf *b, uint64_t id, enum mcp_version version, struct err *e);
enum rc mcp_tell_initialized(struct buf *b, struct err *e);
enum rc mcp_ask_tools(struct buf *b, uint64_t id, enum mcp_version version, struct str cursor,
		      struct err *e);
enum rc mcp_ask_call(struct buf *b, uint64_t id, enum mcp_version version,
		     const struct mcp_call_out *call, struct err *e);
/* The answer to a request of the upstream: {} to ping, else "not supported". */
enum rc mcp_answer_upstream(struct buf *b, struct str raw_id, struct str method, struct err *e);

enum mcp_heard {
	MCP_HEARD_OTHER = 0, /* a notification, or an answer to nothing we asked */
	MCP_HEARD_REQUEST,   /* the upstream asks something of us */
	MCP_HEARD_RESULT,
	MCP_HEARD_ERROR,
};

struct mcp_heard_message {
	enum mcp_heard kind;
	uint64_t id;		   /* RESULT, ERROR: of our request */
	struct str raw_id;	   /* REQUEST: to echo */
	struct str method;	   /* REQUEST */
	const struct json *result; /* RESULT: an object */
	int64_t code;		   /* ERROR */
	struct str text;	   /* ERROR: its message */
};

/* Reads one message. RC_INPUT when it is not JSON-RPC; everything in *ret lives in the arena or in
 * bytes. */
enum rc mcp_read_heard(struct arena *arena, struct str bytes, struct mcp_heard_message *ret,
		       struct err *e);

/* The version an initialize result settles on; RC_INPUT when it is none of legacy. */
enum rc mcp_read_initialized(const struct json *result, enum mcp_version *ret, struct err *e);
/* Appends the page's tools to `tools`, elements separated by commas; the brackets are the caller's.
 * *ret_cursor is "" on the last page. */
enum rc mcp_read_tools(const struct json *result, struct buf *tools, struct str *ret_cursor,
		       struct err *e);
/* Appends a CallToolResult fit for the record: without resultType, and without keys in _meta that
 * are reserved to MCP or to Remit. RC_INPUT when the upstream's answer is none, or asks for input
 * (which is not relayed). */
enum rc mcp_clean_result(const struct json *result, struct buf *b, bool *ret_is_error,
			 struct err *e);
/* A CallToolResult with one text, made here; for the answers of commands and refusals. */
enum rc mcp_text_result(struct buf *b, struct str text, bool is_error, struct err *e);
