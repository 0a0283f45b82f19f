/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/arena.h"
#include "base/limits.h"
#include "codec/json.h"

static void messages_read_straight_down(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(1000);
	struct json_out w = json_out_to(&b);

	json_out_object(&w);
	json_out_key_str(&w, "s", STR("a\"b\\c\n\x01\x7f\xc3\xa9/"));
	json_out_key_u64(&w, "u", UINT64_MAX);
	json_out_key_bool(&w, "t", true);
	json_out_key(&w, STR("list"));
	json_out_array(&w);
	json_out_i64(&w, INT64_MIN);
	json_out_null(&w);
	json_out_strf(&w, "%s-%d", "\"x\"", 7);
	json_out_object(&w);
	json_out_close(&w);
	json_out_array(&w);
	json_out_close(&w);
	json_out_raw(&w, STR("{\"raw\":1}"));
	json_out_close(&w);
	json_out_key(&w, STR("e"));
	json_out_bool(&w, false);
	json_out_close(&w);
	assert_ok(json_out_end(&w, NULL));
	assert_str(buf_view(&b),
		   "{\"s\":\"a\\\"b\\\\c\\n\\u0001\x7f\xc3\xa9/\",\"u\":18446744073709551615,"
		   "\"t\":true,\"list\":[-9223372036854775808,null,\"\\\"x\\\"-7\",{},[],"
		   "{\"raw\":1}],\"e\":false}");
}

static void a_string_with_a_nul_survives(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(100);
	struct json_out w = json_out_to(&b);

	json_out_str(&w, STR("a\0b"));
	assert_ok(json_out_end(&w, NULL));
	assert_str(buf_view(&b), "\"a\\u0000b\"");
}

static void calls_out_of_order_are_broken(void **state)
{
	(void)state;
	for (int i = 0; i < 9; i++) {
		AUTO_BUF b = BUF_INIT(100);
		struct json_out w = json_out_to(&b);

		if (i == 0) {	     /* nothing at all */
		} else if (i == 1) { /* still open */
			json_out_object(&w);
		} else if (i == 2) { /* two values */
			json_out_null(&w);
			json_out_null(&w);
		} else if (i == 3) { /* value without a key */
			json_out_object(&w);
			json_out_null(&w);
			json_out_close(&w);
		} else if (i == 4) { /* key in an array */
			json_out_array(&w);
			json_out_key(&w, STR("a"));
			json_out_close(&w);
		} else if (i == 5) { /* key without a value */
			json_out_object(&w);
			json_out_key(&w, STR("a"));
			json_out_close(&w);
		} else if (i == 6) { /* two keys */
			json_out_object(&w);
			json_out_key(&w, STR("a"));
			json_out_key(&w, STR("b"));
			json_out_null(&w);
			json_out_close(&w);
		} else if (i == 7) { /* closed too often */
			json_out_array(&w);
			json_out_close(&w);
			json_out_close(&w);
		} else { /* empty raw value */
			json_out_raw(&w, STR(""));
		}
		assert_rc(json_out_end(&w, NULL), RC_BROKEN);
	}
}

static void the_first_failure_sticks(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(10);
	struct json_out w = json_out_to(&b);
	struct err e = ERR_INIT;

	json_out_array(&w);
	json_out_str(&w, STR("too long for ten bytes"));
	json_out_null(&w);
	json_out_close(&w);
	json_out_close(&w);
	assert_rc(json_out_end(&w, &e), RC_LIMIT);
	assert_non_null(strstr(e.msg, "10 bytes"));
}

static void text_that_is_not_utf8_is_refused(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(100);
	struct json_out w = json_out_to(&b);

	json_out_str(&w, STR("\xff"));
	assert_rc(json_out_end(&w, NULL), RC_INPUT);
}

static void messages_for_people_are_repaired(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(100);
	struct json_out w = json_out_to(&b);

	json_out_array(&w);
	json_out_text(&w, STR("cut \xe2\x82"));
	json_out_text(&w, STR("\xff\xc3\xa9\xc0\xaf\""));
	json_out_text(&w, STR("\xf0\x9f\x98\x80"));
	json_out_close(&w);
	assert_ok(json_out_end(&w, NULL));
	assert_str(
	    buf_view(&b),
	    "[\"cut "
	    "\xef\xbf\xbd\xef\xbf\xbd\",\"\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\\\"\","
	    "\"\xf0\x9f\x98\x80\"]");
}

static void depth_is_bounded(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(1000);
	struct json_out w = json_out_to(&b);

	for (unsigned i = 0; i < LIMIT_JSON_DEPTH; i++) {
		json_out_array(&w);
	}
	for (unsigned i = 0; i < LIMIT_JSON_DEPTH; i++) {
		json_out_close(&w);
	}
	assert_ok(json_out_end(&w, NULL));
	buf_reset(&b);
	w = json_out_to(&b);
	for (unsigned i = 0; i <= LIMIT_JSON_DEPTH; i++) {
		json_out_array(&w);
	}
	assert_rc(json_out_end(&w, NULL), RC_LIMIT);
}

static void a_node_is_written_as_it_is(void **state)
{
	(void)state;
	static const char text[] = "{\"b\":[1.50,\"x\",null,true,false,{}],\"a\":{\"c\":[]}}";
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	AUTO_BUF b = BUF_INIT(1000);
	struct json_out w = json_out_to(&b);
	const struct json *j;

	assert_ok(json_parse(&arena, str_from(text), NULL, &j, NULL));
	json_out_node(&w, j);
	assert_ok(json_out_end(&w, NULL));
	assert_str(buf_view(&b), text);
	buf_reset(&b);
	w = json_out_to(&b);
	json_out_node(&w, NULL);
	assert_rc(json_out_end(&w, NULL), RC_BROKEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(messages_read_straight_down),
	    cmocka_unit_test(a_string_with_a_nul_survives),
	    cmocka_unit_test(calls_out_of_order_are_broken),
	    cmocka_unit_test(the_first_failure_sticks),
	    cmocka_unit_test(text_that_is_not_utf8_is_refused),
	    cmocka_unit_test(messages_for_people_are_repaired),
	    cmocka_unit_test(depth_is_bounded),
	    cmocka_unit_test(a_node_is_written_as_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
