/* SPDX-License-Identifier: Apache-2.0 */
/* upstream/mcp_client.h - calls to MCP servers over Streamable HTTP, for the agents' front.
 *
 * One mcp_client per HTTP upstream of the catalog. A legacy upstream (the default) gets one session
 * per task: initialize, notifications/initialized, then calls; a session that the upstream has
 * forgotten (404, or 400 that speaks of the session) is made anew and the call that was refused
 * with it is asked once more, since it was refused before it was executed. Nothing else is ever
 * sent twice. A modern upstream needs no session.
 *
 * The call id travels as header Remit-Call-Id: c<call> and as _meta["io.remit/call"]. The
 * credential of a call is {"header": name, "value": text} or {"token": text} (bearer), and is in
 * requests to this upstream only.
 *
 * What an outcome means: not one byte left: not sent. A tool result or a JSON-RPC error, or a
 * refusal by HTTP 3xx/4xx: the tool's answer. Everything else, 5xx included: unknown.
 */
#pragma once

#include "core/tool.h"
#include "sender/desk.h"
#include "upstream/client.h"

enum { MCP_SESSIONS_MAX = 1024 }; /* per upstream; the one idle longest makes room */

struct mcp_client;

/* u must outlive the client. conf is where it is and how to reach it. */
enum rc mcp_client_new(struct loop *l, struct desk *desk, const struct upstream *u,
		       struct str target, const struct client_conf *conf, struct mcp_client **ret,
		       struct err *e);
/* Forgets its calls without a word; for the end of the role. */
void mcp_client_free(struct mcp_client *m);

/* As struct desk_carrier has them. */
void mcp_client_start(struct mcp_client *m, struct desk_call *c);
void mcp_client_drop(struct mcp_client *m, struct desk_call *c);
bool mcp_client_recall(struct mcp_client *m, struct desk_call *c);
/* Ends idle sessions in scope. A call that was sent is waited for: leaving it would not undo it. */
void mcp_client_fence(struct mcp_client *m, enum fence_scope scope, struct str name);
void mcp_client_list(struct mcp_client *m);
