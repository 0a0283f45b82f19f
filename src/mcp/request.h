/* SPDX-License-Identifier: Apache-2.0 */
/* mcp/request.h - one JSON-RPC message of an agent: shape, era, method and what Remit needs of it.
 *
 * The body decides; headers are only compared with it. The order of the checks is the one of the
 * specification's transports page: JSON-RPC shape, era, envelope, standard headers, method,
 * parameters. Whatever fails gives a refusal that says with which HTTP status and JSON-RPC code to
 * answer. Pure: bytes in, struct out; everything in the result points into the body or its tree.
 *
 * Specification: MCP 2025-11-25 basic/transports, MCP 2026-07-28 basic/transports.
 */
#pragma once

#include "codec/json.h"
#include "mcp/version.h"

/* JSON-RPC 2.0 section 5.1, and what MCP adds. */
enum mcp_code {
	MCP_CODE_NONE = 0,
	MCP_PARSE_ERROR = -32700,
	MCP_INVALID_REQUEST = -32600,
	MCP_METHOD_NOT_FOUND = -32601,
	MCP_INVALID_PARAMS = -32602,
	MCP_INTERNAL_ERROR = -32603,
	MCP_SERVER_ERROR = -32000,	/* legacy: any refusal with a 4xx */
	MCP_SESSION_NOT_FOUND = -32001, /* legacy: what clients know for 404 */
	MCP_HEADER_MISMATCH = -32020,
	MCP_CAPABILITY_MISSING = -32021,
	MCP_VERSION_UNSUPPORTED = -32022,
};

/* Messages in one batch (2025-03-26 only). */
#define MCP_BATCH_MAX 16
/* Bytes of a JSON-RPC id or progress token; it is echoed and kept while a call is parked. */
#define MCP_ID_BYTES 256

/* The fields of the request's head that MCP gives a meaning. p == NULL: absent. */
struct mcp_headers {
	struct str content_type;
	struct str accept;
	struct str protocol_version;
	struct str session_id;
	struct str method;
	struct str name;
	struct str traceparent;
	struct str tracestate;
	struct str origin;
	struct str host;
};

enum mcp_method {
	MCP_OTHER = 0, /* not one of ours: refused if a request, ignored if a notification */
	MCP_INITIALIZE,
	MCP_INITIALIZED,
	MCP_PING,
	MCP_TOOLS_LIST,
	MCP_TOOLS_CALL,
	MCP_CANCELLED,
	MCP_SET_LEVEL,
	MCP_DISCOVER,
	MCP_RESPONSE, /* not a method: the client answers a request that we never sent */
};

struct mcp_request {
	enum mcp_era era;
	enum mcp_version version; /* modern: of the body; legacy: of the header or assumed */
	enum mcp_method method;
	struct str method_name;
	bool is_notification;
	struct str id; /* raw JSON: a string or a number; "" for a notification */
	const struct json *params;
	struct str tool;	   /* tools/call */
	const struct json *args;   /* tools/call: an object, or NULL when absent */
	struct str progress_token; /* raw JSON, or "" */
	struct str task;	   /* _meta["io.remit/task"], or "" */
	struct str approval;	   /* _meta["io.remit/approval"], or "" */
	struct str trace;	   /* a valid W3C traceparent, or "" */
	struct str trace_state;	   /* the tracestate that came with it, or "" */
	struct str request_state;  /* modern: what the client hands back, or "" */
	bool has_tasks_extension;  /* modern: declared on this request */
};

struct mcp_refusal {
	unsigned http_status;
	enum mcp_code code;
	struct str id;	      /* raw JSON to echo, or "" for null */
	struct str requested; /* MCP_VERSION_UNSUPPORTED: what was asked for */
	char text[160];
};

/* The head of a POST: media type and what the client accepts. */
bool mcp_check_post_head(const struct mcp_headers *h, struct mcp_refusal *ret_why) MUST_USE;

/* The body as a tree in the arena, which must outlive it, as must body. */
bool mcp_parse_body(struct arena *arena, struct str body, const struct json **ret,
		    struct mcp_refusal *ret_why) MUST_USE;

/* One message. For an element of a batch, in_batch is true: then only legacy is allowed, and no
 * initialize. */
bool mcp_read_request(const struct json *message, const struct mcp_headers *h, bool in_batch,
		      struct mcp_request *ret, struct mcp_refusal *ret_why) MUST_USE;

/* Fills a refusal; returns false, so that `return mcp_refuse(...)` reads as one. */
bool mcp_refuse(struct mcp_refusal *why, unsigned http_status, enum mcp_code code, const char *fmt,
		...) PRINTF_LIKE(4, 5);

/* Is the prefix of this _meta key reserved to MCP (second label `modelcontextprotocol` or `mcp`)?
 */
bool mcp_meta_is_reserved(struct str key);
