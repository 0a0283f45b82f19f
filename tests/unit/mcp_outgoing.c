/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "mcp/outgoing.h"

static struct buf out;
static struct arena arena;
static struct mcp_heard_message heard;

static int set_up(void **state)
{
	(void)state;
	out = (struct buf)BUF_INIT(1 << 20);
	arena = (struct arena)ARENA_INIT(1 << 20);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	buf_fini(&out);
	arena_fini(&arena);
	return 0;
}

static const struct mcp_call_out call = {
    .tool = {"block", 5},
    .args = {"{\"address\":\"192.0.2.1\"}", 23},
    .call = 42,
    .trace = {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", 55},
    .trace_state = {"congo=t61rcWkgMzE", 17},
};

static void a_legacy_call_carries_the_call_id_and_no_envelope(void **state)
{
	(void)state;
	assert_ok(mcp_ask_call(&out, 3, MCP_2025_11_25, &call, NULL));
	assert_str(buf_view(&out),
		   "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/call\",\"params\":{"
		   "\"name\":\"block\",\"arguments\":{\"address\":\"192.0.2.1\"},\"_meta\":{"
		   "\"io.remit/call\":\"c42\",\"traceparent\":"
		   "\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\",\"tracestate\":"
		   "\"congo=t61rcWkgMzE\"}}}");
}

static void a_modern_call_declares_no_capability(void **state)
{
	(void)state;
	assert_ok(mcp_ask_call(&out, 3, MCP_2026_07_28, &call, NULL));
	assert_true(str_contains(
	    buf_view(&out), STR("\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"")));
	assert_true(
	    str_contains(buf_view(&out), STR("\"io.modelcontextprotocol/clientCapabilities\":{}")));
}

static void answers_are_told_from_requests_and_noise(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		enum mcp_heard kind;
	} cases[] = {
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", MCP_HEARD_RESULT},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-1,\"message\":\"m\"}}",
	     MCP_HEARD_ERROR},
	    {"{\"jsonrpc\":\"2.0\",\"id\":\"s\",\"method\":\"ping\"}", MCP_HEARD_REQUEST},
	    {"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}", MCP_HEARD_OTHER},
	    {"{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"result\":{}}", MCP_HEARD_OTHER},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[]}", MCP_HEARD_OTHER},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":{\"code\":1}}",
	     MCP_HEARD_OTHER},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_ok(mcp_read_heard(&arena, str_from(cases[i].bytes), &heard, NULL));
		assert_int_equal(heard.kind, cases[i].kind);
	}
	assert_rc(mcp_read_heard(&arena, STR("{}"), &heard, NULL), RC_INPUT);
	assert_rc(mcp_read_heard(&arena, STR("nonsense"), &heard, NULL), RC_INPUT);
}

static bool cleans(const char *result, bool *ret_is_error)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *j;

	buf_reset(&out);
	assert_ok(json_parse(&arena, str_from(result), &limits, &j, NULL));
	return mcp_clean_result(j, &out, ret_is_error, NULL) == RC_OK;
}

static void an_upstream_cannot_speak_as_us(void **state)
{
	(void)state;
	bool is_error = true;

	assert_true(cleans("{\"content\":[],\"_meta\":{\"io.remit/reason\":\"ok\","
			   "\"io.modelcontextprotocol/serverInfo\":{},\"own/x\":1},"
			   "\"resultType\":\"complete\"}",
			   &is_error));
	assert_str(buf_view(&out), "{\"content\":[],\"_meta\":{\"own/x\":1}}");
	assert_false(is_error);
	assert_true(cleans("{\"content\":[],\"isError\":true}", &is_error));
	assert_true(is_error);
}

static void an_answer_that_asks_for_input_is_no_result(void **state)
{
	(void)state;
	bool is_error;

	assert_false(
	    cleans("{\"resultType\":\"input_required\",\"requestState\":\"x\"}", &is_error));
	assert_false(cleans("{\"content\":[],\"resultType\":\"task\"}", &is_error));
	assert_false(cleans("{\"content\":{}}", &is_error));
	assert_false(cleans("{}", &is_error));
	assert_false(cleans("{\"content\":[],\"isError\":1}", &is_error));
}

static void pages_of_tools_become_one_list(void **state)
{
	(void)state;
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *j;
	struct str cursor;

	assert_ok(json_parse(&arena, STR("{\"tools\":[{\"name\":\"a\"}],\"nextCursor\":\"n\"}"),
			     &limits, &j, NULL));
	assert_ok(mcp_read_tools(j, &out, &cursor, NULL));
	assert_str(cursor, "n");
	assert_ok(json_parse(&arena, STR("{\"tools\":[{\"name\":\"b\"},{\"name\":\"c\"}]}"),
			     &limits, &j, NULL));
	assert_ok(mcp_read_tools(j, &out, &cursor, NULL));
	assert_str(cursor, "");
	assert_str(buf_view(&out), "{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"}");
}

static void an_upstream_may_ping_and_nothing_else(void **state)
{
	(void)state;
	assert_ok(mcp_answer_upstream(&out, STR("\"p\""), STR("ping"), NULL));
	assert_str(buf_view(&out), "{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"result\":{}}");
	buf_reset(&out);
	assert_ok(mcp_answer_upstream(&out, STR("1"), STR("sampling/createMessage"), NULL));
	assert_true(str_contains(buf_view(&out), STR("-32601")));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_legacy_call_carries_the_call_id_and_no_envelope),
	    CASE(a_modern_call_declares_no_capability),
	    CASE(answers_are_told_from_requests_and_noise),
	    CASE(an_upstream_cannot_speak_as_us),
	    CASE(an_answer_that_asks_for_input_is_no_result),
	    CASE(pages_of_tools_become_one_list),
	    CASE(an_upstream_may_ping_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
