/* SPDX-License-Identifier: Apache-2.0 */
/* mcp/reply.c - write what an MCP server says.
 *
 * Trust:  results and definitions come from upstreams by way of the governor: JSON, checked there,
 *         but with any content.
 * Holds:  (1) content, structuredContent and schemas pass byte for byte.
 *         (2) reserved keys of an upstream's _meta do not reach the client as ours.
 */
#include "mcp/reply.h"

#include "base/limits.h"

#define KEY_SERVER_INFO STR("io.modelcontextprotocol/serverInfo")

static void out_server_info(struct json_out *w)
{
	json_out_object(w);
	json_out_key_str(w, "name", STR("remit"));
	json_out_key_str(w, "title", STR("Remit"));
	json_out_key_str(w, "version", STR(REMIT_VERSION));
	json_out_close(w);
}

static void out_instructions(struct json_out *w)
{
	json_out_key_str(
	    w, "instructions",
	    STR("Every call is decided when it is made, for the incident that your task is "
		"about. A denied call says why; do not look for another way to the same "
		"end. A call that awaits approval says so: make the same call again, with "
		"the same arguments, not before the time it names."));
}

static void out_capabilities(struct json_out *w, enum mcp_era era)
{
	json_out_key(w, STR("capabilities"));
	json_out_object(w);
	json_out_key(w, STR("tools"));
	json_out_object(w);
	json_out_key_bool(w, "listChanged", false);
	json_out_close(w);
	if (era == MCP_LEGACY) {
		json_out_key(w, STR("logging"));
		json_out_object(w);
		json_out_close(w);
	}
	json_out_close(w);
}

static struct json_out begin(struct buf *b, struct str id)
{
	struct json_out w = json_out_to(b);

	json_out_object(&w);
	json_out_key_str(&w, "jsonrpc", STR("2.0"));
	json_out_key(&w, STR("id"));
	if (id.n > 0) {
		json_out_raw(&w, id);
	} else {
		json_out_null(&w);
	}
	return w;
}

/* Opens `result`; modern results say what they are. */
static struct json_out begin_result(struct buf *b, enum mcp_era era, struct str id)
{
	struct json_out w = begin(b, id);

	json_out_key(&w, STR("result"));
	json_out_object(&w);
	if (era == MCP_MODERN) {
		json_out_key_str(&w, "resultType", STR("complete"));
	}
	return w;
}

static void out_modern_meta(struct json_out *w, enum mcp_era era)
{
	if (era == MCP_MODERN) {
		json_out_key(w, STR("_meta"));
		json_out_object(w);
		json_out_key(w, KEY_SERVER_INFO);
		out_server_info(w);
		json_out_close(w);
	}
}

static enum rc end_result(struct json_out *w, struct err *e)
{
	json_out_close(w); /* result */
	json_out_close(w); /* message */
	return json_out_end(w, e);
}

enum rc mcp_reply_initialize(struct buf *b, struct str id, enum mcp_version version, struct err *e)
{
	struct json_out w = begin_result(b, MCP_LEGACY, id);

	json_out_key_str(&w, "protocolVersion", mcp_version_name(version));
	out_capabilities(&w, MCP_LEGACY);
	json_out_key(&w, STR("serverInfo"));
	out_server_info(&w);
	out_instructions(&w);
	return end_result(&w, e);
}

enum rc mcp_reply_discover(struct buf *b, struct str id, struct err *e)
{
	struct json_out w = begin_result(b, MCP_MODERN, id);

	json_out_key(&w, STR("supportedVersions"));
	json_out_array(&w);
	json_out_str(&w, mcp_version_name(MCP_LATEST));
	json_out_close(&w);
	out_capabilities(&w, MCP_MODERN);
	out_instructions(&w);
	json_out_key_u64(&w, "ttlMs", MCP_DISCOVER_TTL_MS);
	json_out_key_str(&w, "cacheScope", STR("private"));
	out_modern_meta(&w, MCP_MODERN);
	return end_result(&w, e);
}

enum rc mcp_reply_empty(struct buf *b, enum mcp_era era, struct str id, struct err *e)
{
	struct json_out w = begin_result(b, era, id);

	out_modern_meta(&w, era);
	return end_result(&w, e);
}

enum rc mcp_reply_tools(struct buf *b, enum mcp_era era, struct str id, struct str tools,
			struct err *e)
{
	struct json_out w = begin_result(b, era, id);

	json_out_key(&w, STR("tools"));
	json_out_raw(&w, tools);
	if (era == MCP_MODERN) {
		json_out_key_u64(&w, "ttlMs", MCP_TOOLS_TTL_MS);
		json_out_key_str(&w, "cacheScope", STR("private"));
	}
	out_modern_meta(&w, era);
	return end_result(&w, e);
}

static void out_result_meta(struct json_out *w, enum mcp_era era, const struct json *meta)
{
	if (!meta && era == MCP_LEGACY) {
		return;
	}
	json_out_key(w, STR("_meta"));
	json_out_object(w);
	for (const struct json *m = meta ? meta->child : NULL; m; m = m->next) {
		if (!mcp_meta_is_reserved(m->key)) {
			json_out_key(w, m->key);
			json_out_raw(w, m->raw);
		}
	}
	if (era == MCP_MODERN) {
		json_out_key(w, KEY_SERVER_INFO);
		out_server_info(w);
	}
	json_out_close(w);
}

enum rc mcp_reply_call(struct buf *b, struct arena *arena, enum mcp_era era, struct str id,
		       struct str result, struct err *e)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *r;
	const struct json *meta;
	struct json_out w;

	limits.max_bytes = LIMIT_RESULT_BYTES + 4096; /* as in CALL_REPLY */
	TRY(json_parse(arena, result, &limits, &r, e));
	if (json_type(r) != JSON_OBJECT) {
		FAIL(e, RC_INPUT, "a tool result must be an object");
	}
	meta = json_get(r, STR("_meta"));
	w = begin_result(b, era, id);
	for (const struct json *m = r->child; m; m = m->next) {
		if (m != meta && !str_eq(m->key, STR("resultType"))) {
			json_out_key(&w, m->key);
			json_out_raw(&w, m->raw);
		}
	}
	out_result_meta(&w, era, json_type(meta) == JSON_OBJECT ? meta : NULL);
	return end_result(&w, e);
}

enum rc mcp_reply_wait(struct buf *b, struct str id, struct str request_state, struct err *e)
{
	struct json_out w = begin(b, id);

	json_out_key(&w, STR("result"));
	json_out_object(&w);
	json_out_key_str(&w, "resultType", STR("input_required"));
	json_out_key_str(&w, "requestState", request_state);
	out_modern_meta(&w, MCP_MODERN);
	return end_result(&w, e);
}

enum rc mcp_reply_denial(struct buf *b, enum mcp_era era, struct str id, struct str reason,
			 struct str text, struct err *e)
{
	struct json_out w = begin_result(b, era, id);

	json_out_key(&w, STR("content"));
	json_out_array(&w);
	json_out_object(&w);
	json_out_key_str(&w, "type", STR("text"));
	json_out_key_str(&w, "text", text);
	json_out_close(&w);
	json_out_close(&w);
	json_out_key_bool(&w, "isError", true);
	json_out_key(&w, STR("_meta"));
	json_out_object(&w);
	json_out_key(&w, STR("io.remit/decision"));
	json_out_object(&w);
	json_out_key_str(&w, "verdict", STR("deny"));
	json_out_key_str(&w, "reason", reason);
	json_out_close(&w);
	if (era == MCP_MODERN) {
		json_out_key(&w, KEY_SERVER_INFO);
		out_server_info(&w);
	}
	json_out_close(&w);
	return end_result(&w, e);
}

enum rc mcp_reply_error(struct buf *b, const struct mcp_refusal *why, struct err *e)
{
	struct json_out w = begin(b, why->id);

	json_out_key(&w, STR("error"));
	json_out_object(&w);
	json_out_key(&w, STR("code"));
	json_out_i64(&w, why->code);
	json_out_key_str(&w, "message", str_from(why->text));
	if (why->code == MCP_VERSION_UNSUPPORTED) {
		json_out_key(&w, STR("data"));
		json_out_object(&w);
		json_out_key(&w, STR("supported"));
		json_out_array(&w);
		json_out_str(&w, mcp_version_name(MCP_LATEST));
		json_out_close(&w);
		json_out_key_str(&w, "requested", why->requested);
		json_out_close(&w);
	}
	json_out_close(&w);
	json_out_close(&w);
	return json_out_end(&w, e);
}

enum rc mcp_notify_progress(struct buf *b, struct str token, uint64_t progress, struct str message,
			    struct err *e)
{
	struct json_out w = json_out_to(b);

	json_out_object(&w);
	json_out_key_str(&w, "jsonrpc", STR("2.0"));
	json_out_key_str(&w, "method", STR("notifications/progress"));
	json_out_key(&w, STR("params"));
	json_out_object(&w);
	json_out_key(&w, STR("progressToken"));
	json_out_raw(&w, token);
	json_out_key_u64(&w, "progress", progress);
	json_out_key_str(&w, "message", message);
	json_out_close(&w);
	json_out_close(&w);
	return json_out_end(&w, e);
}
