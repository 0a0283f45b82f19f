/* SPDX-License-Identifier: Apache-2.0 */
/* mcp/reply.h - the messages that Remit sends as an MCP server, in the words of the client's era.
 *
 * Every function appends one whole JSON-RPC message to b. `id` is raw JSON, as it came. Modern
 * results carry resultType and say who the server is; legacy results carry neither.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "mcp/request.h"

/* How long a modern client may keep a tool list. It depends on the task's state, so: not long. */
#define MCP_TOOLS_TTL_MS 2000
/* server/discover says the same to everyone until the next release. */
#define MCP_DISCOVER_TTL_MS 3600000

enum rc mcp_reply_initialize(struct buf *b, struct str id, enum mcp_version version, struct err *e);
enum rc mcp_reply_discover(struct buf *b, struct str id, struct err *e);
enum rc mcp_reply_empty(struct buf *b, enum mcp_era era, struct str id, struct err *e);
/* `tools`: a JSON array of tool definitions, passed through byte for byte. */
enum rc mcp_reply_tools(struct buf *b, enum mcp_era era, struct str id, struct str tools,
			struct err *e);
/* `result`: a CallToolResult object; what the other era calls for is added or left out. RC_INPUT
 * when it is not an object. */
enum rc mcp_reply_call(struct buf *b, struct arena *arena, enum mcp_era era, struct str id,
		       struct str result, struct err *e);
/* Modern: the call waits for a person; the client asks again by itself with this state. */
enum rc mcp_reply_wait(struct buf *b, struct str id, struct str request_state, struct err *e);
/* A tool result made here: isError, one text for the model, reason code in
 * _meta["io.remit/decision"], as the governor's own refusals have it. */
enum rc mcp_reply_denial(struct buf *b, enum mcp_era era, struct str id, struct str reason,
			 struct str text, struct err *e);
enum rc mcp_reply_error(struct buf *b, const struct mcp_refusal *why, struct err *e);
/* progress: raw JSON token, and how far (strictly increasing is the caller's). */
enum rc mcp_notify_progress(struct buf *b, struct str token, uint64_t progress, struct str message,
			    struct err *e);
