/* SPDX-License-Identifier: Apache-2.0 */
/* upstream/mcp_fields.h - the HTTP fields of a request to an MCP upstream. */
#pragma once

#include "base/arena.h"
#include "codec/http.h"
#include "mcp/version.h"
#include "sender/desk.h"

enum { MCP_FIELDS_MAX = 12, MCP_FIELDS_ARENA_BYTES = 64 * 1024 };

struct mcp_fields {
	struct http_field f[MCP_FIELDS_MAX];
	size_t n;
};

/* What the request is; empty and NULL parts are left out. */
struct mcp_request_line {
	enum mcp_version version; /* MCP_VERSION_NONE: an initialize, which has none yet */
	struct str session_id;
	struct str method;
	const struct desk_call *call; /* tools/call: its id, trace and, modern, its name */
	struct str secret; /* JSON object: {"header", "value"} or {"token"} (bearer), or "" */
};

/* Values live in the arena (AUTO_ARENA_SECRET: it holds the credential) or are borrowed. RC_INPUT:
 * the credential is of no kind that can be sent. */
enum rc mcp_fields_of(const struct mcp_request_line *line, struct arena *arena,
		      struct mcp_fields *ret, struct err *e);
