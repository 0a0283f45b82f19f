/* SPDX-License-Identifier: Apache-2.0 */
/* tool_server.h - an MCP server of a few tools, one JSON-RPC message a line: what the programs of
 * the packs share. It knows the revisions with a handshake, and answers one request after the
 * other.
 */
#pragma once

#include "base/err.h"
#include "codec/json.h"

struct tool_call {
	void *ctx; /* the server's */
	const struct json *args;
	const char *call; /* Remit's id, "c42", or "-" */
};

/* Writes members of structuredContent into an open object. An error becomes the tool's error, with
 * its message. */
typedef enum rc tool_fn(const struct tool_call *a, struct json_out *w, struct err *e);

struct server_tool {
	const char *name;
	tool_fn *run;
};

struct tool_server {
	const char *name;
	const char *definitions; /* a JSON array, byte for byte what the catalog pins by digest */
	const struct server_tool *tools;
	size_t n_tools;
	void *ctx;
};

/* Until the input ends. An error is of the connection, or a line that is no JSON. */
enum rc tool_server_run(const struct tool_server *s, int in_fd, int out_fd, struct err *e);
