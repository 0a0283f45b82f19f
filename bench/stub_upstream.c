/* SPDX-License-Identifier: Apache-2.0 */
/* bench/stub_upstream.c - the least MCP server over HTTP that a call can be sent to.
 *
 *	bench-stub-upstream PORT
 *
 * Answers initialize, ping, tools/list (one tool, `load`) and tools/call at once, on 127.0.0.1,
 * until it is killed. What it costs is printed beside what Remit costs, so it does next to nothing.
 */
#include <stdio.h>

#include "base/num.h"
#include "codec/json.h"
#include "net/http_server.h"

static const struct {
	const char *method;
	const char *result;
} answers[] = {
    {"tools/call", "{\"content\":[{\"type\":\"text\",\"text\":\"{\\\"load\\\":0.42}\"}],"
		   "\"isError\":false}"},
    {"tools/list", "{\"tools\":[{\"name\":\"load\",\"description\":\"How busy is this host?\","
		   "\"inputSchema\":{\"type\":\"object\",\"additionalProperties\":false,"
		   "\"required\":[\"host\"],\"properties\":{\"host\":{\"type\":\"string\"}}}}]}"},
    {"initialize", "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},"
		   "\"serverInfo\":{\"name\":\"stub\",\"version\":\"1\"}}"},
    {"ping", "{}"},
};

static void answer(struct http_request *r, struct str id, struct str result)
{
	AUTO_BUF out = BUF_INIT(4096);

	MUST(buf_addf(&out, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":%.*s}", STR_ARG(id),
		      STR_ARG(result)) == RC_OK);
	http_answer(r, 200, STR("application/json"), buf_view(&out));
}

static void on_request(void *ctx, struct http_request *r)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	const struct json *j;
	const struct json *id;
	struct str method = STR("");

	(void)ctx; /* stateless */
	if (json_parse(&arena, http_request_body(r), &limits, &j, NULL) != RC_OK ||
	    !json_str(json_get(j, STR("method")), &method)) {
		http_answer_problem(r, 400, STR("no JSON-RPC request"));
		return;
	}
	id = json_get(j, STR("id"));
	for (size_t i = 0; id && i < ARRAY_LEN(answers); i++) {
		if (str_eq(method, str_from(answers[i].method))) {
			answer(r, id->raw, str_from(answers[i].result));
			return;
		}
	}
	http_answer(r, id ? 404 : 202, STR(""), STR(""));
}

static enum rc run(uint16_t port, struct err *e)
{
	static const struct http_server_handlers handlers = {.request = on_request};
	struct http_server_conf conf = http_server_conf_default();
	struct clock clock = clock_system();
	struct http_server *server = NULL;
	struct loop *loop = NULL;
	char text[32];
	int fd;

	(void)snprintf(text, sizeof(text), "127.0.0.1:%u", (unsigned)port); /* fits */
	TRY(listen_open(str_from(text), 0, &fd, e));
	TRY(loop_new(&clock, &loop, e));
	TRY(http_server_new(loop, fd, &conf, &handlers, NULL, &server, e));
	return loop_run(loop, e);
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	uint64_t port;

	if (argc != 2 || !num_u64(str_from(argv[1]), 65535, &port)) {
		fprintf(stderr, "usage: bench-stub-upstream PORT\n");
		return 2;
	}
	if (run((uint16_t)port, &e) != RC_OK) {
		fprintf(stderr, "bench-stub-upstream: %s\n", e.msg);
		return 1;
	}
	return 0;
}
