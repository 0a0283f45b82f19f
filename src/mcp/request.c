/* SPDX-License-Identifier: Apache-2.0 */
/* mcp/request.c - classify one JSON-RPC message.
 *
 * Trust:  headers and body are hostile; the sender is authenticated but may be taken over.
 * Holds:  (1) what is accepted as modern has a body whose version, method and name equal the
 *             headers, so that an intermediary that decided on headers saw the same request.
 *         (2) a malformed claim of the modern era is refused, never read as legacy.
 *         (3) strings in the result are bounded: id and tokens MCP_ID_BYTES, names
 *             LIMIT_ID_BYTES.
 */
#include "mcp/request.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "codec/base64.h"
#include "mcp/trace.h"

#define KEY_VERSION	 STR("io.modelcontextprotocol/protocolVersion")
#define KEY_CAPABILITIES STR("io.modelcontextprotocol/clientCapabilities")
#define KEY_TASKS	 STR("io.modelcontextprotocol/tasks")
#define KEY_TASK	 STR("io.remit/task")
#define KEY_APPROVAL	 STR("io.remit/approval")

static const struct method {
	const char *name;
	enum mcp_method method;
	enum mcp_era era; /* MCP_ERA_NONE: both */
	bool is_notification;
} methods[] = {
    {"initialize", MCP_INITIALIZE, MCP_LEGACY, false},
    {"notifications/initialized", MCP_INITIALIZED, MCP_LEGACY, true},
    {"ping", MCP_PING, MCP_LEGACY, false},
    {"tools/list", MCP_TOOLS_LIST, MCP_ERA_NONE, false},
    {"tools/call", MCP_TOOLS_CALL, MCP_ERA_NONE, false},
    {"notifications/cancelled", MCP_CANCELLED, MCP_ERA_NONE, true},
    {"logging/setLevel", MCP_SET_LEVEL, MCP_LEGACY, false},
    {"server/discover", MCP_DISCOVER, MCP_MODERN, false},
};

/* Modern: methods whose Mcp-Name header repeats a parameter, and which. */
static const struct named_method {
	const char *method;
	const char *param;
} named_methods[] = {
    {"tools/call", "name"},  {"prompts/get", "name"},	 {"resources/read", "uri"},
    {"tasks/get", "taskId"}, {"tasks/update", "taskId"}, {"tasks/cancel", "taskId"},
};

bool mcp_refuse(struct mcp_refusal *why, unsigned http_status, enum mcp_code code, const char *fmt,
		...)
{
	va_list ap;

	why->http_status = http_status;
	why->code = code;
	va_start(ap, fmt);
	/* A longer text is cut: it is for people, and echoes input. */
	(void)vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	/* ... and a cut may fall into a character, which JSON could not carry. */
	for (char *c = why->text; *c; c++) {
		if ((unsigned char)*c >= 0x80) {
			*c = '?';
		}
	}
	return false;
}

/* ---- head ---- */

/* "type/subtype" of one element of Accept or of Content-Type, without its parameters. */
static struct str media_type(struct str element)
{
	return str_trim(str_cut(&element, ';'));
}

static bool accepts(struct str accept, struct str type, struct str family)
{
	while (accept.n > 0) {
		struct str got = media_type(str_cut(&accept, ','));

		if (str_eq_nocase(got, type) || str_eq_nocase(got, family) ||
		    str_eq(got, STR("*/*"))) {
			return true;
		}
	}
	return false;
}

bool mcp_check_post_head(const struct mcp_headers *h, struct mcp_refusal *ret_why)
{
	if (!str_eq_nocase(media_type(h->content_type), STR("application/json"))) {
		return mcp_refuse(ret_why, 415, MCP_SERVER_ERROR,
				  "the content type must be application/json");
	}
	if (!accepts(h->accept, STR("application/json"), STR("application/*")) ||
	    !accepts(h->accept, STR("text/event-stream"), STR("text/*"))) {
		return mcp_refuse(
		    ret_why, 406, MCP_SERVER_ERROR,
		    "the client must accept both application/json and text/event-stream");
	}
	return true;
}

bool mcp_parse_body(struct arena *arena, struct str body, const struct json **ret,
		    struct mcp_refusal *ret_why)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct err e = ERR_INIT;
	enum rc rc = json_parse(arena, body, &limits, ret, &e);

	if (rc == RC_OK) {
		return true;
	}
	if (rc == RC_LIMIT) {
		return mcp_refuse(ret_why, 413, MCP_INVALID_REQUEST, "%s", e.msg);
	}
	if (rc == RC_NOMEM) {
		return mcp_refuse(ret_why, 503, MCP_INTERNAL_ERROR, "out of memory");
	}
	return mcp_refuse(ret_why, 400, MCP_PARSE_ERROR, "the body is not JSON: %s", e.msg);
}

/* ---- shape ---- */

static bool is_id(const struct json *j)
{
	int64_t number;

	if (j->raw.n > MCP_ID_BYTES) {
		return false;
	}
	return json_type(j) == JSON_STRING || json_i64(j, &number);
}

/* JSON-RPC 2.0 section 4: the version, the id, the method, an object of parameters. */
static bool read_shape(const struct json *m, struct mcp_request *r, struct mcp_refusal *why)
{
	const struct json *id = json_get(m, STR("id"));
	const struct json *method = json_get(m, STR("method"));
	struct str version;

	if (json_type(m) != JSON_OBJECT) {
		return mcp_refuse(why, 400, MCP_INVALID_REQUEST, "a message must be an object");
	}
	if (id) {
		if (!is_id(id)) {
			return mcp_refuse(
			    why, 400, MCP_INVALID_REQUEST,
			    "an id must be a string or an integer of at most %d bytes",
			    MCP_ID_BYTES);
		}
		r->id = id->raw;
		why->id = id->raw;
	}
	r->is_notification = !id;
	if (!json_str(json_get(m, STR("jsonrpc")), &version) || !str_eq(version, STR("2.0"))) {
		return mcp_refuse(why, 400, MCP_INVALID_REQUEST, "jsonrpc must be \"2.0\"");
	}
	if (!method) {
		bool result = json_get(m, STR("result")) != NULL;
		bool error = json_get(m, STR("error")) != NULL;

		if (result == error) {
			return mcp_refuse(why, 400, MCP_INVALID_REQUEST,
					  "a request needs a method");
		}
		r->method = MCP_RESPONSE;
		return true;
	}
	if (!json_str(method, &r->method_name)) {
		return mcp_refuse(why, 400, MCP_INVALID_REQUEST, "the method must be a string");
	}
	r->params = json_get(m, STR("params"));
	if (r->params && json_type(r->params) != JSON_OBJECT) {
		return mcp_refuse(why, 400, MCP_INVALID_REQUEST, "params must be an object");
	}
	return true;
}

/* ---- era ---- */

static bool read_modern_claim(const struct json *claim, struct mcp_request *r,
			      struct mcp_refusal *why)
{
	struct str name;

	if (!json_str(claim, &name)) {
		return mcp_refuse(why, 400, MCP_INVALID_PARAMS,
				  "_meta protocolVersion must be a string");
	}
	if (!mcp_version_from_name(name, &r->version) ||
	    mcp_version_era(r->version) != MCP_MODERN) {
		why->requested = name;
		return mcp_refuse(why, 400, MCP_VERSION_UNSUPPORTED,
				  "unsupported protocol version");
	}
	r->era = MCP_MODERN;
	return true;
}

static bool read_legacy_version(const struct mcp_headers *h, struct mcp_request *r,
				struct mcp_refusal *why)
{
	r->era = MCP_LEGACY;
	if (!h->protocol_version.p || str_eq(r->method_name, STR("initialize"))) {
		r->version = MCP_2025_03_26;
		return true;
	}
	if (!mcp_version_from_name(h->protocol_version, &r->version) ||
	    mcp_version_era(r->version) != MCP_LEGACY) {
		return mcp_refuse(why, 400, MCP_SERVER_ERROR,
				  "unsupported protocol version in MCP-Protocol-Version");
	}
	return true;
}

/* Holds (2). A request is of the era that its body claims; without a claim it is legacy, unless
 * the header says otherwise, which then is an error. A notification may go by its header. */
static bool read_era(const struct mcp_headers *h, struct mcp_request *r, struct mcp_refusal *why)
{
	const struct json *meta = json_get(r->params, STR("_meta"));
	const struct json *claim;
	bool is_message = r->is_notification || r->method == MCP_RESPONSE;

	if (meta && json_type(meta) != JSON_OBJECT) {
		return mcp_refuse(why, 400, MCP_INVALID_PARAMS, "_meta must be an object");
	}
	claim = json_get(meta, KEY_VERSION);
	if (claim) {
		return read_modern_claim(claim, r, why);
	}
	if (str_eq(r->method_name, STR("initialize")) ||
	    !mcp_version_claims_modern(h->protocol_version)) {
		return read_legacy_version(h, r, why);
	}
	if (!is_message) {
		return mcp_refuse(why, 400, MCP_INVALID_PARAMS,
				  "_meta must carry io.modelcontextprotocol/protocolVersion");
	}
	if (!mcp_version_from_name(h->protocol_version, &r->version)) {
		why->requested = h->protocol_version;
		return mcp_refuse(why, 400, MCP_VERSION_UNSUPPORTED,
				  "unsupported protocol version");
	}
	r->era = MCP_MODERN;
	return true;
}

/* ---- envelope and headers of the modern era ---- */

static bool read_envelope(struct mcp_request *r, struct mcp_refusal *why)
{
	const struct json *meta = json_get(r->params, STR("_meta"));
	const struct json *capabilities = json_get(meta, KEY_CAPABILITIES);
	const struct json *extensions = json_get(capabilities, STR("extensions"));

	if (r->is_notification) {
		return true;
	}
	if (json_type(capabilities) != JSON_OBJECT) {
		return mcp_refuse(why, 400, MCP_INVALID_PARAMS,
				  "_meta must carry io.modelcontextprotocol/clientCapabilities");
	}
	r->has_tasks_extension = json_type(json_get(extensions, KEY_TASKS)) == JSON_OBJECT;
	return true;
}

/* Does the header carry exactly this value, plain or as "=?base64?...?="? The value is encoded
 * and compared, so that one value has one spelling. */
static bool header_carries(struct str header, struct str value)
{
	struct str prefix = STR("=?base64?");
	struct str suffix = STR("?=");
	AUTO_BUF encoded = BUF_INIT(2 * LIMIT_HTTP_HEAD_BYTES);

	if (!str_has_prefix(header, prefix) || !str_has_suffix(header, suffix) ||
	    header.n < prefix.n + suffix.n) {
		return str_eq(header, value);
	}
	if (value.n > LIMIT_HTTP_HEAD_BYTES || base64_encode(&encoded, value) != RC_OK) {
		return false;
	}
	return str_eq(str_slice(header, prefix.n, header.n - suffix.n), buf_view(&encoded));
}

static bool check_name_header(const struct mcp_headers *h, const struct mcp_request *r,
			      struct mcp_refusal *why)
{
	for (size_t i = 0; i < ARRAY_LEN(named_methods); i++) {
		struct str value;

		if (!str_eq(r->method_name, str_from(named_methods[i].method))) {
			continue;
		}
		if (!h->name.p) {
			return mcp_refuse(why, 400, MCP_HEADER_MISMATCH,
					  "the Mcp-Name header is missing");
		}
		if (json_str(json_get(r->params, str_from(named_methods[i].param)), &value) &&
		    !header_carries(h->name, value)) {
			return mcp_refuse(why, 400, MCP_HEADER_MISMATCH,
					  "Mcp-Name is not the body's %s", named_methods[i].param);
		}
	}
	return true;
}

/* Holds (1). */
static bool check_modern_headers(const struct mcp_headers *h, const struct mcp_request *r,
				 struct mcp_refusal *why)
{
	bool must = !r->is_notification;

	if ((must || h->protocol_version.p) &&
	    !str_eq(h->protocol_version, mcp_version_name(r->version))) {
		return mcp_refuse(why, 400, MCP_HEADER_MISMATCH,
				  "MCP-Protocol-Version is missing or not the body's");
	}
	if ((must || h->method.p) && !str_eq(h->method, r->method_name)) {
		return mcp_refuse(why, 400, MCP_HEADER_MISMATCH,
				  "Mcp-Method is missing or not the body's");
	}
	return r->is_notification || check_name_header(h, r, why);
}

/* ---- method and parameters ---- */

static enum mcp_method find_method(const struct mcp_request *r)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		const struct method *m = &methods[i];

		if (str_eq(r->method_name, str_from(m->name)) &&
		    (m->era == MCP_ERA_NONE || m->era == r->era) &&
		    m->is_notification == r->is_notification) {
			return m->method;
		}
	}
	return MCP_OTHER;
}

/* Bad parameters are a plain answer to legacy clients and a 400 to modern ones. */
static unsigned params_status(const struct mcp_request *r)
{
	return r->era == MCP_MODERN ? 400 : 200;
}

static bool read_call(struct mcp_request *r, struct mcp_refusal *why)
{
	const struct json *args = json_get(r->params, STR("arguments"));
	const struct json *state = json_get(r->params, STR("requestState"));

	if (!json_str(json_get(r->params, STR("name")), &r->tool) || r->tool.n == 0) {
		return mcp_refuse(why, params_status(r), MCP_INVALID_PARAMS,
				  "tools/call needs the name of a tool");
	}
	if (r->tool.n > LIMIT_ID_BYTES) {
		return mcp_refuse(why, params_status(r), MCP_INVALID_PARAMS,
				  "a tool's name has at most %d bytes", (int)LIMIT_ID_BYTES);
	}
	if (args && json_type(args) != JSON_OBJECT) {
		return mcp_refuse(why, params_status(r), MCP_INVALID_PARAMS,
				  "arguments must be an object");
	}
	r->args = args;
	if (state && r->era == MCP_MODERN && !json_str(state, &r->request_state)) {
		return mcp_refuse(why, params_status(r), MCP_INVALID_PARAMS,
				  "requestState must be a string");
	}
	return true;
}

/* What may stand in _meta of any request. */
static bool read_meta(const struct mcp_headers *h, struct mcp_request *r, struct mcp_refusal *why)
{
	const struct json *meta = json_get(r->params, STR("_meta"));
	const struct json *token = json_get(meta, STR("progressToken"));
	const struct json *task = json_get(meta, KEY_TASK);
	struct str trace = STR_NULL;
	struct str state = STR_NULL;

	if (token) {
		if (!is_id(token)) {
			return mcp_refuse(why, params_status(r), MCP_INVALID_PARAMS,
					  "progressToken must be a string or an integer");
		}
		r->progress_token = token->raw;
	}
	if (task && r->era == MCP_MODERN &&
	    (!json_str(task, &r->task) || r->task.n == 0 || r->task.n > LIMIT_ID_BYTES)) {
		return mcp_refuse(why, params_status(r), MCP_INVALID_PARAMS,
				  "_meta io.remit/task must be the id of a task");
	}
	if (json_get(meta, KEY_APPROVAL) &&
	    (!json_str(json_get(meta, KEY_APPROVAL), &r->approval) || r->approval.n == 0 ||
	     r->approval.n > LIMIT_ID_BYTES)) {
		return mcp_refuse(why, params_status(r), MCP_INVALID_PARAMS,
				  "_meta io.remit/approval must be the id of an approval");
	}
	if (json_str(json_get(meta, STR("traceparent")), &trace)) {
		r->trace = mcp_trace_parent(trace);
	}
	if (r->trace.n == 0) {
		r->trace = mcp_trace_parent(h->traceparent);
		state = h->tracestate;
	} else if (!json_str(json_get(meta, STR("tracestate")), &state)) {
		state = STR("");
	}
	/* SPEC trace-context 3.5: without a traceparent a tracestate means nothing. */
	r->trace_state = r->trace.n ? mcp_trace_state(state) : STR("");
	return true;
}

bool mcp_read_request(const struct json *message, const struct mcp_headers *h, bool in_batch,
		      struct mcp_request *ret, struct mcp_refusal *ret_why)
{
	*ret = (struct mcp_request){0};
	*ret_why = (struct mcp_refusal){0};
	if (!read_shape(message, ret, ret_why) || !read_era(h, ret, ret_why)) {
		return false;
	}
	if (ret->method == MCP_RESPONSE) {
		return ret->era == MCP_LEGACY || mcp_refuse(ret_why, 400, MCP_INVALID_REQUEST,
							    "a client sends requests only");
	}
	if (ret->era == MCP_MODERN &&
	    (!read_envelope(ret, ret_why) || !check_modern_headers(h, ret, ret_why))) {
		return false;
	}
	if (in_batch && (ret->era == MCP_MODERN || str_eq(ret->method_name, STR("initialize")))) {
		return mcp_refuse(ret_why, 400, MCP_INVALID_REQUEST,
				  "this message cannot be part of a batch");
	}
	ret->method = find_method(ret);
	/* SPEC mcp-2026-07-28 versioning: a modern initialize is an unknown method, and falls
	 * out of the table as one. */
	if (ret->method == MCP_TOOLS_CALL && !read_call(ret, ret_why)) {
		return false;
	}
	return read_meta(h, ret, ret_why);
}

/* ---- small grammar ---- */

bool mcp_meta_is_reserved(struct str key)
{
	struct str rest = key;
	struct str prefix = str_cut(&rest, '/');
	struct str second;

	if (!rest.p) {
		return false; /* no prefix */
	}
	(void)str_cut(&prefix, '.'); /* the first label does not matter */
	second = str_cut(&prefix, '.');
	return str_eq(second, STR("modelcontextprotocol")) || str_eq(second, STR("mcp"));
}
