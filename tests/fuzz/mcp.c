/* SPDX-License-Identifier: Apache-2.0 */
/* Classification of one MCP request. Input: header lines "v:", "m:", "n:", "t:", an empty line, the
 * body. Properties: an accepted modern request agrees with its headers; a refusal says how to
 * answer, and its answer is JSON. */
#include <stdlib.h>

#include "fuzz.h"

#include "mcp/reply.h"
#include "mcp/request.h"

static void must(bool claim)
{
	if (!claim) {
		abort();
	}
}

static struct mcp_headers headers_of(struct str *input)
{
	struct mcp_headers h = {0};

	while (input->n > 0) {
		struct str line = str_cut(input, '\n');
		struct str value = str_slice(line, 2, line.n);

		if (line.n < 2) {
			break;
		}
		if (str_has_prefix(line, STR("v:"))) {
			h.protocol_version = value;
		} else if (str_has_prefix(line, STR("m:"))) {
			h.method = value;
		} else if (str_has_prefix(line, STR("n:"))) {
			h.name = value;
		} else if (str_has_prefix(line, STR("t:"))) {
			h.traceparent = value;
		}
	}
	return h;
}

static void check_accepted(const struct mcp_request *r, const struct mcp_headers *h)
{
	must(r->era != MCP_ERA_NONE);
	must(r->id.n <= MCP_ID_BYTES && r->progress_token.n <= MCP_ID_BYTES);
	must(r->trace.n == 0 || r->trace.n == 55);
	if (r->era == MCP_MODERN && !r->is_notification) {
		must(str_eq(h->protocol_version, mcp_version_name(r->version)));
		must(str_eq(h->method, r->method_name));
		must(r->method != MCP_INITIALIZE);
	}
	if (r->method == MCP_TOOLS_CALL) {
		must(r->tool.n > 0 && r->tool.n <= LIMIT_ID_BYTES && !r->is_notification);
		must(!r->args || json_type(r->args) == JSON_OBJECT);
	}
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
	struct str input = str_of(bytes, n);
	AUTO_ARENA arena = ARENA_INIT(32 << 20);
	AUTO_BUF out = BUF_INIT(1 << 20);
	struct mcp_headers h = headers_of(&input);
	struct mcp_refusal why = {0};
	struct mcp_request r;
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *j;

	if (mcp_parse_body(&arena, input, &j, &why) && mcp_read_request(j, &h, false, &r, &why)) {
		check_accepted(&r, &h);
		return 0;
	}
	must(why.http_status >= 200 && why.http_status < 600 && why.code != MCP_CODE_NONE);
	must(mcp_reply_error(&out, &why, NULL) == RC_OK);
	must(json_parse(&arena, buf_view(&out), &limits, &j, NULL) == RC_OK);
	return 0;
}
