/* SPDX-License-Identifier: Apache-2.0 */
#include "mcp/trace.h"

#include "base/buf.h"
#include "test.h"

#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void only_a_well_formed_parent_is_taken(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "",
	    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
	    "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	    "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	    "00-00000000000000000000000000000000-b7ad6b7169203331-01",
	    "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
	    "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",
	    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x",
	    TRACE "-00",
	};

	assert_str(mcp_trace_parent(STR(TRACE)), TRACE);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_str(mcp_trace_parent(str_from(bad[i])), "");
	}
}

static void a_state_is_a_list_of_keys_and_values(void **state)
{
	(void)state;
	static const char *const good[] = {
	    "congo=t61rcWkgMzE",
	    "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
	    "a=1, b=2\t,\tc=3",
	    "a=1,,b=2,",
	    "fw529a3039@dt=FfABpAA:;!~ x",
	    "0tenant@sys-1_2*3/4=v",
	    "a= leading blank",
	};
	static const char *const bad[] = {
	    "",
	    ",",
	    "a",
	    "=1",
	    "a=",
	    "A=1",
	    "0a=1",
	    "a b=1",
	    "a=1,a=2",
	    "a=b=c",
	    "a=caf\xc3\xa9",
	    "a=1\r\nx: y",
	    "a@=1",
	    "@b=1",
	    "a@b@c=1",
	    "a@0b=1",
	    "a=\x7f",
	    "a@waytoolongsystem=1",
	};

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_str(mcp_trace_state(str_from(good[i])), good[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (mcp_trace_state(str_from(bad[i])).n != 0) {
			fail_msg("taken: %s", bad[i]);
		}
	}
}

static void a_state_has_bounds(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(1024);

	for (int i = 0; i < MCP_TRACE_STATE_MEMBERS; i++) {
		assert_ok(buf_addf(&b, "%sk%d=v", i ? "," : "", i));
	}
	assert_int_equal(mcp_trace_state(buf_view(&b)).n, b.n);
	assert_ok(buf_add(&b, STR(",more=v")));
	assert_int_equal(mcp_trace_state(buf_view(&b)).n, 0);

	buf_reset(&b);
	assert_ok(buf_add(&b, STR("a=")));
	while (b.n < 258) {
		assert_ok(buf_add_char(&b, 'x'));
	}
	assert_int_equal(mcp_trace_state(buf_view(&b)).n, 258);
	assert_ok(buf_add_char(&b, 'x')); /* 257 in one value */
	assert_int_equal(mcp_trace_state(buf_view(&b)).n, 0);
	b.n = 258;
	assert_ok(buf_add(&b, STR(",b=")));
	while (b.n < MCP_TRACE_STATE_BYTES) {
		assert_ok(buf_add_char(&b, 'y'));
	}
	assert_int_equal(mcp_trace_state(buf_view(&b)).n, MCP_TRACE_STATE_BYTES);
	assert_ok(buf_add_char(&b, 'y'));
	assert_int_equal(mcp_trace_state(buf_view(&b)).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_a_well_formed_parent_is_taken),
	    cmocka_unit_test(a_state_is_a_list_of_keys_and_values),
	    cmocka_unit_test(a_state_has_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
