/* SPDX-License-Identifier: Apache-2.0 */
/* tool_server.c - MCP by lines.
 *
 * Trust:  requests come from Remit, arguments from an agent.
 */
#include "tool_server.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/num.h"

enum { LINE_BYTES = 256 * 1024, OUT_BYTES = 1024 * 1024 };

static struct json_out begin(struct buf *b, const struct json *id)
{
	struct json_out w = json_out_to(b);

	json_out_object(&w);
	json_out_key_str(&w, "jsonrpc", STR("2.0"));
	json_out_key(&w, STR("id"));
	json_out_raw(&w, id->raw);
	return w;
}

static enum rc answer_error(struct buf *b, const struct json *id, int code, const char *text)
{
	struct json_out w = begin(b, id);

	json_out_key(&w, STR("error"));
	json_out_object(&w);
	json_out_key(&w, STR("code"));
	json_out_i64(&w, code);
	json_out_key_str(&w, "message", str_from(text));
	json_out_close(&w);
	json_out_close(&w);
	return json_out_end(&w, NULL);
}

static enum rc answer_initialize(struct buf *b, const struct json *id, const struct json *params,
				 const char *name)
{
	struct json_out w = begin(b, id);
	struct str version = STR("2025-11-25");
	struct str asked;

	/* Nothing here differs between the versions with a handshake. */
	if (json_str(json_get(params, STR("protocolVersion")), &asked) &&
	    (str_eq(asked, STR("2024-11-05")) || str_eq(asked, STR("2025-03-26")) ||
	     str_eq(asked, STR("2025-06-18")))) {
		version = asked;
	}
	json_out_key(&w, STR("result"));
	json_out_object(&w);
	json_out_key_str(&w, "protocolVersion", version);
	json_out_key(&w, STR("capabilities"));
	json_out_raw(&w, STR("{\"tools\":{}}"));
	json_out_key(&w, STR("serverInfo"));
	json_out_object(&w);
	json_out_key_str(&w, "name", str_from(name));
	json_out_key_str(&w, "version", STR(REMIT_VERSION));
	json_out_close(&w);
	json_out_close(&w);
	json_out_close(&w);
	return json_out_end(&w, NULL);
}

static void out_text_content(struct json_out *w, struct str text)
{
	json_out_key(w, STR("content"));
	json_out_array(w);
	json_out_object(w);
	json_out_key_str(w, "type", STR("text"));
	json_out_key_str(w, "text", text);
	json_out_close(w);
	json_out_close(w);
}

/* Remit's id of the call, when it looks like one. */
static const char *call_of(const struct json *params, char to[32])
{
	const struct json *meta = json_get(params, STR("_meta"));
	struct str id;
	uint64_t number;

	if (!json_str(json_get(meta, STR("io.remit/call")), &id) || !str_has_prefix(id, STR("c")) ||
	    !num_u64(str_slice(id, 1, id.n), UINT64_MAX, &number)) {
		return "-";
	}
	(void)snprintf(to, 32, "c%llu", (unsigned long long)number); /* it fits */
	return to;
}

static enum rc answer_tool(struct buf *b, const struct json *id, const struct server_tool *tool,
			   const struct tool_call *a)
{
	AUTO_BUF content = BUF_INIT(OUT_BYTES);
	struct json_out inner = json_out_to(&content);
	struct json_out w;
	struct err e = ERR_INIT;
	enum rc rc;

	json_out_object(&inner);
	rc = tool->run(a, &inner, &e);
	json_out_close(&inner);
	if (rc == RC_OK) {
		rc = json_out_end(&inner, &e);
	}
	w = begin(b, id);
	json_out_key(&w, STR("result"));
	json_out_object(&w);
	if (rc == RC_OK) {
		out_text_content(&w, buf_view(&content));
		json_out_key(&w, STR("structuredContent"));
		json_out_raw(&w, buf_view(&content));
	} else {
		out_text_content(&w, str_from(str_is_utf8(str_from(e.msg)) ? e.msg : "refused"));
		json_out_key_bool(&w, "isError", true);
	}
	json_out_close(&w);
	json_out_close(&w);
	return json_out_end(&w, NULL);
}

static enum rc answer_call(struct buf *b, const struct json *id, const struct json *params,
			   const struct tool_server *s)
{
	char call[32];
	struct tool_call a = {.ctx = s->ctx,
			      .args = json_get(params, STR("arguments")),
			      .call = call_of(params, call)};
	struct str name = STR("");

	if (json_str(json_get(params, STR("name")), &name)) {
		for (size_t i = 0; i < s->n_tools; i++) {
			if (str_eq(name, str_from(s->tools[i].name))) {
				return answer_tool(b, id, &s->tools[i], &a);
			}
		}
	}
	return answer_error(b, id, -32602, "unknown tool");
}

static enum rc answer(struct buf *b, const struct json *m, const struct tool_server *s)
{
	const struct json *id = json_get(m, STR("id"));
	const struct json *params = json_get(m, STR("params"));
	struct json_out w;
	struct str method;

	if (!id || !json_str(json_get(m, STR("method")), &method)) {
		return RC_OK; /* a notification, or an answer to what was never asked */
	}
	if (str_eq(method, STR("initialize"))) {
		return answer_initialize(b, id, params, s->name);
	}
	if (str_eq(method, STR("tools/call"))) {
		return answer_call(b, id, params, s);
	}
	if (!str_eq(method, STR("tools/list")) && !str_eq(method, STR("ping"))) {
		return answer_error(b, id, -32601, "method not found");
	}
	w = begin(b, id);
	json_out_key(&w, STR("result"));
	json_out_object(&w);
	if (str_eq(method, STR("tools/list"))) {
		json_out_key(&w, STR("tools"));
		json_out_raw(&w, str_from(s->definitions));
	}
	json_out_close(&w);
	json_out_close(&w);
	return json_out_end(&w, NULL);
}

static enum rc serve_line(struct str line, const struct tool_server *s, int out_fd, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(16 * 1024 * 1024);
	AUTO_BUF out = BUF_INIT(2 * OUT_BYTES);
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *m;

	TRY(json_parse(&arena, line, &limits, &m, e));
	TRY(answer(&out, m, s));
	if (out.n == 0) {
		return RC_OK;
	}
	TRY(buf_add_char(&out, '\n'));
	return file_write_all(out_fd, buf_view(&out), e);
}

enum rc tool_server_run(const struct tool_server *s, int in_fd, int out_fd, struct err *e)
{
	AUTO_BUF in = BUF_INIT(LINE_BYTES);

	for (;;) {
		struct str bytes = buf_view(&in);
		size_t end = str_find(bytes, '\n');
		ssize_t n;

		if (end < bytes.n) {
			TRY(serve_line(str_slice(bytes, 0, end), s, out_fd, e));
			buf_consume(&in, end + 1);
			continue;
		}
		TRY(buf_reserve(&in, 4096));
		n = read(in_fd, in.p + in.n, 4096);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return RC_OK;
		}
		in.n += (size_t)n;
	}
}
