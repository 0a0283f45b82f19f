/* SPDX-License-Identifier: Apache-2.0 */
/* mcp/outgoing.c - requests to upstreams and what they answer.
 *
 * Trust:  an upstream's bytes are hostile.
 * Holds:  (1) arguments leave byte for byte as the governor admitted them.
 *         (2) no upstream can speak under the prefix io.remit/ or a reserved one.
 */
#include "mcp/outgoing.h"

#include "base/limits.h"
#include "mcp/request.h"

static struct json_out begin_request(struct buf *b, uint64_t id, struct str method)
{
	struct json_out w = json_out_to(b);

	json_out_object(&w);
	json_out_key_str(&w, "jsonrpc", STR("2.0"));
	json_out_key_u64(&w, "id", id);
	json_out_key_str(&w, "method", method);
	json_out_key(&w, STR("params"));
	json_out_object(&w);
	return w;
}

static enum rc end_request(struct json_out *w, struct err *e)
{
	json_out_close(w); /* params */
	json_out_close(w);
	return json_out_end(w, e);
}

static void out_client_info(struct json_out *w)
{
	json_out_object(w);
	json_out_key_str(w, "name", STR("remit"));
	json_out_key_str(w, "version", STR(REMIT_VERSION));
	json_out_close(w);
}

/* What every modern request must say about itself. */
static void out_envelope(struct json_out *w, enum mcp_version version)
{
	if (mcp_version_era(version) != MCP_MODERN) {
		return;
	}
	json_out_key_str(w, "io.modelcontextprotocol/protocolVersion", mcp_version_name(version));
	json_out_key(w, STR("io.modelcontextprotocol/clientCapabilities"));
	json_out_object(w);
	json_out_close(w);
	json_out_key(w, STR("io.modelcontextprotocol/clientInfo"));
	out_client_info(w);
}

enum rc mcp_ask_initialize(struct buf *b, uint64_t id, enum mcp_version version, struct err *e)
{
	struct json_out w = begin_request(b, id, STR("initialize"));

	json_out_key_str(&w, "protocolVersion", mcp_version_name(version));
	json_out_key(&w, STR("capabilities"));
	json_out_object(&w);
	json_out_close(&w);
	json_out_key(&w, STR("clientInfo"));
	out_client_info(&w);
	return end_request(&w, e);
}

enum rc mcp_tell_initialized(struct buf *b, struct err *e)
{
	struct json_out w = json_out_to(b);

	json_out_object(&w);
	json_out_key_str(&w, "jsonrpc", STR("2.0"));
	json_out_key_str(&w, "method", STR("notifications/initialized"));
	json_out_close(&w);
	return json_out_end(&w, e);
}

enum rc mcp_ask_tools(struct buf *b, uint64_t id, enum mcp_version version, struct str cursor,
		      struct err *e)
{
	struct json_out w = begin_request(b, id, STR("tools/list"));

	if (cursor.n > 0) {
		json_out_key_str(&w, "cursor", cursor);
	}
	if (mcp_version_era(version) == MCP_MODERN) {
		json_out_key(&w, STR("_meta"));
		json_out_object(&w);
		out_envelope(&w, version);
		json_out_close(&w);
	}
	return end_request(&w, e);
}

enum rc mcp_ask_call(struct buf *b, uint64_t id, enum mcp_version version,
		     const struct mcp_call_out *call, struct err *e)
{
	struct json_out w = begin_request(b, id, STR("tools/call"));

	json_out_key_str(&w, "name", call->tool);
	json_out_key(&w, STR("arguments"));
	json_out_raw(&w, call->args);
	json_out_key(&w, STR("_meta"));
	json_out_object(&w);
	out_envelope(&w, version);
	json_out_key(&w, STR("io.remit/call"));
	json_out_strf(&w, "c%llu", (unsigned long long)call->call);
	if (call->trace.n > 0) {
		json_out_key_str(&w, "traceparent", call->trace);
	}
	if (call->trace_state.n > 0) {
		json_out_key_str(&w, "tracestate", call->trace_state);
	}
	json_out_close(&w);
	return end_request(&w, e);
}

enum rc mcp_answer_upstream(struct buf *b, struct str raw_id, struct str method, struct err *e)
{
	struct json_out w = json_out_to(b);

	json_out_object(&w);
	json_out_key_str(&w, "jsonrpc", STR("2.0"));
	json_out_key(&w, STR("id"));
	json_out_raw(&w, raw_id);
	if (str_eq(method, STR("ping"))) {
		json_out_key(&w, STR("result"));
		json_out_object(&w);
		json_out_close(&w);
	} else {
		json_out_key(&w, STR("error"));
		json_out_object(&w);
		json_out_key(&w, STR("code"));
		json_out_i64(&w, MCP_METHOD_NOT_FOUND);
		json_out_key_str(&w, "message", STR("not relayed through this gateway"));
		json_out_close(&w);
	}
	json_out_close(&w);
	return json_out_end(&w, e);
}

/* ---- hearing ---- */

static void read_answer(const struct json *m, struct mcp_heard_message *ret)
{
	const struct json *result = json_get(m, STR("result"));
	const struct json *error = json_get(m, STR("error"));

	if (!json_u64(json_get(m, STR("id")), &ret->id)) {
		return; /* ours are small integers: not an answer to us */
	}
	if (json_type(result) == JSON_OBJECT && !error) {
		ret->kind = MCP_HEARD_RESULT;
		ret->result = result;
	} else if (json_type(error) == JSON_OBJECT && !result &&
		   json_i64(json_get(error, STR("code")), &ret->code)) {
		ret->kind = MCP_HEARD_ERROR;
		if (!json_str(json_get(error, STR("message")), &ret->text)) {
			ret->text = STR("");
		}
	}
}

enum rc mcp_read_heard(struct arena *arena, struct str bytes, struct mcp_heard_message *ret,
		       struct err *e)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *m;
	const struct json *id;
	struct str version;

	limits.max_bytes = 2 * LIMIT_RESULT_BYTES; /* the result's own limit is checked later */
	*ret = (struct mcp_heard_message){0};
	TRY(json_parse(arena, bytes, &limits, &m, e));
	if (!json_str(json_get(m, STR("jsonrpc")), &version) || !str_eq(version, STR("2.0"))) {
		FAIL(e, RC_INPUT, "not a JSON-RPC 2.0 message");
	}
	id = json_get(m, STR("id"));
	if (!json_str(json_get(m, STR("method")), &ret->method)) {
		read_answer(m, ret);
	} else if (id && id->raw.n <= MCP_ID_BYTES) {
		ret->kind = MCP_HEARD_REQUEST;
		ret->raw_id = id->raw;
	}
	return RC_OK;
}

enum rc mcp_read_initialized(const struct json *result, enum mcp_version *ret, struct err *e)
{
	struct str name;

	if (!json_str(json_get(result, STR("protocolVersion")), &name) ||
	    !mcp_version_from_name(name, ret) || mcp_version_era(*ret) != MCP_LEGACY) {
		FAIL(e, RC_INPUT, "the upstream answers initialize with no version that we speak");
	}
	return RC_OK;
}

enum rc mcp_read_tools(const struct json *result, struct buf *tools, struct str *ret_cursor,
		       struct err *e)
{
	const struct json *list = json_get(result, STR("tools"));
	const struct json *cursor = json_get(result, STR("nextCursor"));

	if (json_type(list) != JSON_ARRAY) {
		FAIL(e, RC_INPUT, "the upstream answers tools/list without a list of tools");
	}
	for (const struct json *t = list->child; t; t = t->next) {
		if (tools->n > 0 && tools->p[tools->n - 1] != '[') {
			TRY(buf_add_char(tools, ','));
		}
		TRY(buf_add(tools, t->raw));
	}
	if (!json_str(cursor, ret_cursor)) {
		*ret_cursor = STR("");
	}
	return RC_OK;
}

static bool is_ours_or_reserved(struct str key)
{
	return mcp_meta_is_reserved(key) || str_has_prefix(key, STR("io.remit/"));
}

static void out_clean_meta(struct json_out *w, const struct json *meta)
{
	json_out_key(w, STR("_meta"));
	json_out_object(w);
	for (const struct json *m = meta->child; m; m = m->next) {
		if (!is_ours_or_reserved(m->key)) {
			json_out_key(w, m->key);
			json_out_raw(w, m->raw);
		}
	}
	json_out_close(w);
}

enum rc mcp_clean_result(const struct json *result, struct buf *b, bool *ret_is_error,
			 struct err *e)
{
	struct json_out w = json_out_to(b);
	struct str type;
	bool is_error = false;

	if (json_type(json_get(result, STR("content"))) != JSON_ARRAY ||
	    (json_str(json_get(result, STR("resultType")), &type) &&
	     !str_eq(type, STR("complete")))) {
		FAIL(e, RC_INPUT, "the upstream's answer is not a complete tool result");
	}
	json_out_object(&w);
	for (const struct json *m = result->child; m; m = m->next) {
		if (str_eq(m->key, STR("resultType"))) {
			continue;
		}
		if (str_eq(m->key, STR("_meta"))) {
			if (json_type(m) == JSON_OBJECT) {
				out_clean_meta(&w, m);
			}
			continue;
		}
		if (str_eq(m->key, STR("isError")) && !json_bool(m, &is_error)) {
			FAIL(e, RC_INPUT, "isError must be true or false");
		}
		json_out_key(&w, m->key);
		json_out_raw(&w, m->raw);
	}
	json_out_close(&w);
	TRY(json_out_end(&w, e));
	*ret_is_error = is_error;
	return RC_OK;
}

enum rc mcp_text_result(struct buf *b, struct str text, bool is_error, struct err *e)
{
	struct json_out w = json_out_to(b);

	json_out_object(&w);
	json_out_key(&w, STR("content"));
	json_out_array(&w);
	json_out_object(&w);
	json_out_key_str(&w, "type", STR("text"));
	json_out_key_str(&w, "text", text);
	json_out_close(&w);
	json_out_close(&w);
	if (is_error) {
		json_out_key_bool(&w, "isError", true);
	}
	json_out_close(&w);
	return json_out_end(&w, e);
}
