/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "mcp/reply.h"

static struct buf out;
static struct arena arena;

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

/* What was written, as a tree. */
static const struct json *written(void)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *j = NULL;

	assert_ok(json_parse(&arena, buf_view(&out), &limits, &j, NULL));
	return j;
}

static struct str text_at(const char *pointer)
{
	struct str s = STR("(absent)");

	if (!json_str(json_pointer(written(), str_from(pointer)), &s)) {
		return STR("(absent)");
	}
	return s;
}

static void initialize_answers_with_the_version(void **state)
{
	(void)state;
	assert_ok(mcp_reply_initialize(&out, STR("\"x\""), MCP_2025_06_18, NULL));
	assert_str(text_at("/id"), "x");
	assert_str(text_at("/result/protocolVersion"), "2025-06-18");
	assert_str(text_at("/result/serverInfo/name"), "remit");
	assert_str(text_at("/result/resultType"), "(absent)");
}

static void discover_names_the_modern_version_only(void **state)
{
	(void)state;
	assert_ok(mcp_reply_discover(&out, STR("1"), NULL));
	assert_str(text_at("/result/supportedVersions/0"), "2026-07-28");
	assert_null(json_pointer(written(), STR("/result/supportedVersions/1")));
	assert_str(text_at("/result/resultType"), "complete");
	assert_str(text_at("/result/cacheScope"), "private");
	assert_str(text_at("/result/_meta/io.modelcontextprotocol~1serverInfo/name"), "remit");
}

static const char upstream_result[] =
    "{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":\"1\\u0031\"}],"
    "\"structuredContent\":{\"n\":1.50},\"_meta\":{\"io.modelcontextprotocol/serverInfo\":"
    "{\"name\":\"evil\"},\"io.remit/leaf\":\"7\",\"x\":1}}";

static void a_result_passes_to_legacy_clients_without_modern_words(void **state)
{
	(void)state;
	assert_ok(
	    mcp_reply_call(&out, &arena, MCP_LEGACY, STR("1"), str_from(upstream_result), NULL));
	assert_str(buf_view(&out),
		   "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"text\","
		   "\"text\":\"1\\u0031\"}],\"structuredContent\":{\"n\":1.50},"
		   "\"_meta\":{\"io.remit/leaf\":\"7\",\"x\":1}}}");
}

static void a_result_passes_to_modern_clients_with_them(void **state)
{
	(void)state;
	assert_ok(
	    mcp_reply_call(&out, &arena, MCP_MODERN, STR("1"), STR("{\"content\":[]}"), NULL));
	assert_str(text_at("/result/resultType"), "complete");
	assert_str(text_at("/result/_meta/io.modelcontextprotocol~1serverInfo/name"), "remit");
	buf_reset(&out);
	assert_ok(
	    mcp_reply_call(&out, &arena, MCP_MODERN, STR("1"), str_from(upstream_result), NULL));
	assert_str(text_at("/result/_meta/io.modelcontextprotocol~1serverInfo/name"), "remit");
	assert_str(text_at("/result/_meta/io.remit~1leaf"), "7");
}

static void a_result_that_is_no_object_is_refused(void **state)
{
	(void)state;
	assert_rc(mcp_reply_call(&out, &arena, MCP_LEGACY, STR("1"), STR("[]"), NULL), RC_INPUT);
	assert_rc(mcp_reply_call(&out, &arena, MCP_LEGACY, STR("1"), STR(""), NULL), RC_INPUT);
}

static void tools_carry_how_long_they_are_good_only_for_modern_clients(void **state)
{
	(void)state;
	assert_ok(mcp_reply_tools(&out, MCP_LEGACY, STR("1"), STR("[{\"name\":\"a\"}]"), NULL));
	assert_str(buf_view(&out), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":"
				   "[{\"name\":\"a\"}]}}");
	buf_reset(&out);
	assert_ok(mcp_reply_tools(&out, MCP_MODERN, STR("1"), STR("[]"), NULL));
	assert_str(text_at("/result/cacheScope"), "private");
	assert_non_null(json_pointer(written(), STR("/result/ttlMs")));
}

static void an_unsupported_version_is_told_which_are(void **state)
{
	(void)state;
	struct mcp_refusal why = {.id = STR("5"), .requested = STR("2099-01-01")};

	(void)mcp_refuse(&why, 400, MCP_VERSION_UNSUPPORTED, "no \xc3\xa9");
	assert_ok(mcp_reply_error(&out, &why, NULL));
	assert_str(text_at("/error/data/supported/0"), "2026-07-28");
	assert_str(text_at("/error/data/requested"), "2099-01-01");
	assert_str(text_at("/error/message"), "no ??");
}

static void a_denial_is_a_tool_result(void **state)
{
	(void)state;
	bool is_error = false;

	assert_ok(mcp_reply_denial(&out, MCP_LEGACY, STR("1"), STR("audit_unavailable"),
				   STR("not now"), NULL));
	assert_true(json_bool(json_pointer(written(), STR("/result/isError")), &is_error));
	assert_true(is_error);
	assert_str(text_at("/result/content/0/text"), "not now");
	assert_str(text_at("/result/_meta/io.remit~1decision/reason"), "audit_unavailable");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(initialize_answers_with_the_version),
	    CASE(discover_names_the_modern_version_only),
	    CASE(a_result_passes_to_legacy_clients_without_modern_words),
	    CASE(a_result_passes_to_modern_clients_with_them),
	    CASE(a_result_that_is_no_object_is_refused),
	    CASE(tools_carry_how_long_they_are_good_only_for_modern_clients),
	    CASE(an_unsupported_version_is_told_which_are),
	    CASE(a_denial_is_a_tool_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
