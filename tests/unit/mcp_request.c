/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "mcp/request.h"

#define ENVELOPE                                                                                   \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                   \
	"\"io.modelcontextprotocol/clientCapabilities\":{}}"
#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

struct fixture {
	struct arena arena;
	struct mcp_headers h;
	struct mcp_request r;
	struct mcp_refusal why;
};

static struct fixture f;

static int set_up(void **state)
{
	(void)state;
	f = (struct fixture){.arena = ARENA_INIT(1 << 20)};
	f.h.content_type = STR("application/json");
	f.h.accept = STR("application/json, text/event-stream");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_fini(&f.arena);
	return 0;
}

static void modern_headers(const char *method, const char *name)
{
	f.h.protocol_version = STR("2026-07-28");
	f.h.method = str_from(method);
	f.h.name = name ? str_from(name) : STR_NULL;
}

static bool read_in(const char *body, bool in_batch)
{
	const struct json *j;

	if (!mcp_parse_body(&f.arena, str_from(body), &j, &f.why)) {
		return false;
	}
	return mcp_read_request(j, &f.h, in_batch, &f.r, &f.why);
}

static bool reads(const char *body)
{
	return read_in(body, false);
}

static void refused(const char *body, unsigned http, enum mcp_code code)
{
	if (reads(body)) {
		fail_msg("accepted: %s", body);
	}
	if (f.why.http_status != http || f.why.code != code) {
		fail_msg("%s: got %u/%d '%s'", body, f.why.http_status, f.why.code, f.why.text);
	}
}

static void initialize_is_legacy(void **state)
{
	(void)state;
	assert_true(
	    reads("{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{}}"));
	assert_int_equal(f.r.era, MCP_LEGACY);
	assert_int_equal(f.r.method, MCP_INITIALIZE);
	assert_str(f.r.id, "0");
}

static void a_modern_initialize_is_an_unknown_method(void **state)
{
	(void)state;
	modern_headers("initialize", NULL);
	assert_true(reads(
	    "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{" ENVELOPE "}}"));
	assert_int_equal(f.r.era, MCP_MODERN);
	assert_int_equal(f.r.method, MCP_OTHER);
}

static void a_request_without_claim_or_header_is_legacy_of_the_oldest_http(void **state)
{
	(void)state;
	assert_true(reads("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"tools/list\"}"));
	assert_int_equal(f.r.era, MCP_LEGACY);
	assert_int_equal(f.r.version, MCP_2025_03_26);
	assert_str(f.r.id, "\"a\"");
}

static void a_legacy_call_is_read_whole(void **state)
{
	(void)state;
	f.h.protocol_version = STR("2025-11-25");
	f.h.traceparent = STR("not one");
	assert_true(reads("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{"
			  "\"name\":\"pg___disable\",\"arguments\":{\"role\":\"x\"},"
			  "\"_meta\":{\"progressToken\":\"p\",\"traceparent\":\"" TRACE "\"}}}"));
	assert_int_equal(f.r.method, MCP_TOOLS_CALL);
	assert_int_equal(f.r.version, MCP_2025_11_25);
	assert_str(f.r.tool, "pg___disable");
	assert_str(f.r.args->raw, "{\"role\":\"x\"}");
	assert_str(f.r.progress_token, "\"p\"");
	assert_str(f.r.trace, TRACE);
}

static void a_modern_call_is_read_whole(void **state)
{
	(void)state;
	modern_headers("tools/call", "pg___disable");
	assert_true(reads("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{"
			  "\"name\":\"pg___disable\",\"requestState\":\"s\",\"_meta\":{"
			  "\"io.remit/task\":\"t1\","
			  "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
			  "\"io.modelcontextprotocol/clientCapabilities\":{\"extensions\":{"
			  "\"io.modelcontextprotocol/tasks\":{}}}}}}"));
	assert_int_equal(f.r.era, MCP_MODERN);
	assert_str(f.r.task, "t1");
	assert_str(f.r.request_state, "s");
	assert_true(f.r.has_tasks_extension);
	assert_null(f.r.args);
}

static void a_name_may_travel_as_base64(void **state)
{
	(void)state;
	modern_headers("tools/call", "=?base64?w6k=?=");
	assert_true(reads("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{"
			  "\"name\":\"\xc3\xa9\"," ENVELOPE "}}"));
	modern_headers("tools/call", "=?base64?w6k=");
	refused("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{"
		"\"name\":\"\xc3\xa9\"," ENVELOPE "}}",
		400, MCP_HEADER_MISMATCH);
}

static void headers_that_disagree_with_the_body_are_refused(void **state)
{
	(void)state;
	static const char call[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\","
				   "\"params\":{\"name\":\"a\"," ENVELOPE "}}";

	modern_headers("tools/call", "b");
	refused(call, 400, MCP_HEADER_MISMATCH);
	assert_str(f.why.id, "7");
	modern_headers("tools/call", NULL);
	refused(call, 400, MCP_HEADER_MISMATCH);
	modern_headers("Tools/Call", "a");
	refused(call, 400, MCP_HEADER_MISMATCH);
	modern_headers("tools/call", "a");
	f.h.protocol_version = STR_NULL;
	refused(call, 400, MCP_HEADER_MISMATCH);
	f.h.protocol_version = STR("2025-11-25");
	refused(call, 400, MCP_HEADER_MISMATCH);
	modern_headers("tools/call", "a");
	assert_true(reads(call));
}

static void a_broken_claim_is_never_read_as_legacy(void **state)
{
	(void)state;
	refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"_meta\":{"
		"\"io.modelcontextprotocol/protocolVersion\":null}}}",
		400, MCP_INVALID_PARAMS);
	refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"_meta\":{"
		"\"io.modelcontextprotocol/protocolVersion\":\"2099-01-01\"}}}",
		400, MCP_VERSION_UNSUPPORTED);
	assert_str(f.why.requested, "2099-01-01");
	refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"_meta\":{"
		"\"io.modelcontextprotocol/protocolVersion\":\"2025-11-25\"}}}",
		400, MCP_VERSION_UNSUPPORTED);
	modern_headers("tools/list", NULL);
	refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}", 400,
		MCP_INVALID_PARAMS);
	refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"_meta\":{"
		"\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}}}",
		400, MCP_INVALID_PARAMS);
}

static void a_notification_goes_by_its_header(void **state)
{
	(void)state;
	static const char body[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
				   "\"params\":{\"requestId\":1}}";

	assert_true(reads(body));
	assert_int_equal(f.r.era, MCP_LEGACY);
	modern_headers("notifications/cancelled", NULL);
	assert_true(reads(body));
	assert_int_equal(f.r.era, MCP_MODERN);
	f.h.protocol_version = STR("2099-01-01");
	refused(body, 400, MCP_VERSION_UNSUPPORTED);
}

static void what_is_not_json_rpc_is_refused(void **state)
{
	(void)state;
	refused("{", 400, MCP_PARSE_ERROR);
	refused("{\"a\":1,\"a\":2}", 400, MCP_PARSE_ERROR);
	refused("[]", 400, MCP_INVALID_REQUEST);
	refused("1", 400, MCP_INVALID_REQUEST);
	refused("{\"id\":1,\"method\":\"ping\"}", 400, MCP_INVALID_REQUEST);
	refused("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", 400, MCP_INVALID_REQUEST);
	refused("{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"ping\"}", 400, MCP_INVALID_REQUEST);
	refused("{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}", 400, MCP_INVALID_REQUEST);
	refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":1}", 400, MCP_INVALID_REQUEST);
	refused("{\"jsonrpc\":\"2.0\",\"id\":1}", 400, MCP_INVALID_REQUEST);
	refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":[]}", 400,
		MCP_INVALID_REQUEST);
	refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{}}", 200,
		MCP_INVALID_PARAMS);
	refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\","
		"\"params\":{\"name\":\"a\",\"arguments\":[]}}",
		200, MCP_INVALID_PARAMS);
}

static void an_answer_is_known_as_one(void **state)
{
	(void)state;
	assert_true(reads("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"));
	assert_int_equal(f.r.method, MCP_RESPONSE);
	refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":{}}", 400,
		MCP_INVALID_REQUEST);
	f.h.protocol_version = STR("2026-07-28");
	refused("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", 400, MCP_INVALID_REQUEST);
}

static void a_call_without_id_is_no_call(void **state)
{
	(void)state;
	assert_true(reads("{\"jsonrpc\":\"2.0\",\"method\":\"tools/call\","
			  "\"params\":{\"name\":\"a\"}}"));
	assert_int_equal(f.r.method, MCP_OTHER);
	assert_true(f.r.is_notification);
}

static void a_batch_holds_neither_initialize_nor_modern_requests(void **state)
{
	(void)state;
	assert_true(read_in("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", true));
	assert_false(read_in("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}", true));
	modern_headers("tools/list", NULL);
	assert_false(read_in("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\","
			     "\"params\":{" ENVELOPE "}}",
			     true));
}

static void the_head_must_name_json_and_accept_both_forms(void **state)
{
	(void)state;
	static const struct {
		const char *type;
		const char *accept;
		unsigned status; /* 0: fine */
	} cases[] = {
	    {"application/json", "application/json, text/event-stream", 0},
	    {"Application/JSON; charset=utf-8", "text/event-stream;q=1,application/json", 0},
	    {"application/json", "*/*", 0},
	    {"application/json", "application/json", 406},
	    {"application/json", "text/event-stream", 406},
	    {"application/json", "", 406},
	    {"text/plain", "*/*", 415},
	    {"", "*/*", 415},
	    {"application/jsonp", "*/*", 415},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		f.h.content_type = str_from(cases[i].type);
		f.h.accept = str_from(cases[i].accept);
		f.why.http_status = 0;
		assert_int_equal(mcp_check_post_head(&f.h, &f.why), cases[i].status == 0);
		assert_int_equal(f.why.http_status, cases[i].status);
	}
}

/* In _meta and in the header at once: what belongs together comes from one of them. */
static void a_trace_and_its_state_come_from_one_place(void **state)
{
	(void)state;
	static const char with_meta[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/list\","
					"\"params\":{\"_meta\":{\"traceparent\":\"" TRACE "\"%s}}}";
	static const struct {
		const char *meta;
		const char *header_parent;
		const char *header_state;
		const char *want;
	} cases[] = {
	    {",\"tracestate\":\"a=1\"", TRACE, "b=2", "a=1"},
	    {"", TRACE, "b=2", ""},
	    {",\"tracestate\":7", TRACE, "b=2", ""},
	    {",\"tracestate\":\"A=1\"", TRACE, "b=2", ""},
	    {NULL, TRACE, "b=2", "b=2"},
	    {NULL, "", "b=2", ""},
	    {NULL, "not one", "b=2", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char message[512];

		(void)snprintf(message, sizeof(message), with_meta,
			       cases[i].meta ? cases[i].meta : "");
		f.h.traceparent = str_from(cases[i].header_parent);
		f.h.tracestate = str_from(cases[i].header_state);
		assert_true(reads(
		    cases[i].meta ? message
				  : "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/list\"}"));
		assert_str(f.r.trace_state, cases[i].want);
	}
}

static void reserved_meta_keys_are_known_by_their_second_label(void **state)
{
	(void)state;
	assert_true(mcp_meta_is_reserved(STR("io.modelcontextprotocol/serverInfo")));
	assert_true(mcp_meta_is_reserved(STR("dev.mcp/")));
	assert_true(mcp_meta_is_reserved(STR("com.mcp.tools/x")));
	assert_false(mcp_meta_is_reserved(STR("com.example.mcp/x")));
	assert_false(mcp_meta_is_reserved(STR("io.remit/call")));
	assert_false(mcp_meta_is_reserved(STR("progressToken")));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(initialize_is_legacy),
	    CASE(a_modern_initialize_is_an_unknown_method),
	    CASE(a_request_without_claim_or_header_is_legacy_of_the_oldest_http),
	    CASE(a_legacy_call_is_read_whole),
	    CASE(a_modern_call_is_read_whole),
	    CASE(a_name_may_travel_as_base64),
	    CASE(headers_that_disagree_with_the_body_are_refused),
	    CASE(a_broken_claim_is_never_read_as_legacy),
	    CASE(a_notification_goes_by_its_header),
	    CASE(what_is_not_json_rpc_is_refused),
	    CASE(an_answer_is_known_as_one),
	    CASE(a_call_without_id_is_no_call),
	    CASE(a_batch_holds_neither_initialize_nor_modern_requests),
	    CASE(the_head_must_name_json_and_accept_both_forms),
	    CASE(a_trace_and_its_state_come_from_one_place),
	    CASE(reserved_meta_keys_are_known_by_their_second_label),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
