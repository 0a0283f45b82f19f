/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "net/message.h"

static void a_message_survives_the_wire(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(LIMIT_MESSAGE_BYTES);
	struct message m = {
	    .kind = MESSAGE_OUTCOME,
	    .outcome =
		{
		    .call = 0x0102030405060708,
		    .kind = 3,
		    .result = STR("{\"content\":[]}"),
		    .detail = STR(""),
		},
	};
	struct message got;
	struct err e = ERR_INIT;

	assert_ok(message_encode(&b, &m));
	assert_ok(message_decode(buf_view(&b), &got, &e));
	assert_int_equal(got.kind, MESSAGE_OUTCOME);
	assert_true(got.outcome.call == 0x0102030405060708);
	assert_int_equal(got.outcome.kind, 3);
	assert_str(got.outcome.result, "{\"content\":[]}");
	assert_str(got.outcome.detail, "");
}

static void the_example_of_the_format_page_holds(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(LIMIT_MESSAGE_BYTES);
	struct message m = {.kind = MESSAGE_WITHDRAW, .withdraw = {.req = 7}};

	assert_ok(message_encode(&b, &m));
	assert_int_equal(b.n, 10);
	assert_memory_equal(b.p, "\0\2\0\0\0\0\0\0\0\7", 10);
}

static void a_field_over_its_limit_is_not_encoded(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(LIMIT_MESSAGE_BYTES);
	static char key[33];
	struct message m = {.kind = MESSAGE_TOKEN_KEY};

	assert_ok(buf_add(&b, STR("before")));
	m.token_key.key = str_of(key, 33);
	assert_rc(message_encode(&b, &m), RC_LIMIT);
	assert_str(buf_view(&b), "before");
	m.token_key.key = str_of(key, 32);
	assert_ok(message_encode(&b, &m));
}

static void a_field_over_its_limit_is_not_decoded(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(1024);
	static char key[33];
	struct message m;
	struct err e = ERR_INIT;

	for (uint32_t n = 32; n <= 33; n++) {
		buf_reset(&b);
		assert_ok(buf_add_u16(&b, MESSAGE_TOKEN_KEY));
		assert_ok(buf_add_u32(&b, n));
		assert_ok(buf_add(&b, str_of(key, n)));
		assert_rc(message_decode(buf_view(&b), &m, &e), n == 32 ? RC_OK : RC_INPUT);
	}
	assert_non_null(strstr(e.msg, "'key'"));
}

static void missing_and_left_over_bytes_are_refused(void **state)
{
	(void)state;
	static const char withdraw[11] = "\0\2\0\0\0\0\0\0\0\7x";
	struct message m;

	for (size_t n = 0; n <= 11; n++) {
		assert_rc(message_decode(str_of(withdraw, n), &m, NULL),
			  n == 10 ? RC_OK : RC_INPUT);
	}
}

static void an_unknown_kind_is_refused(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(64);
	static const unsigned kinds[] = {0, MESSAGE_KINDS, 0xffff};
	struct message m;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		buf_reset(&b);
		assert_ok(buf_add_u16(&b, (uint16_t)kinds[i]));
		assert_rc(message_decode(buf_view(&b), &m, NULL), RC_INPUT);
	}
}

static void only_the_table_says_who_may_speak_to_whom(void **state)
{
	(void)state;

	assert_true(message_is_allowed(MESSAGE_CALL, R_AGENTS, R_GOVERNOR));
	assert_false(message_is_allowed(MESSAGE_CALL, R_GOVERNOR, R_AGENTS));
	assert_false(message_is_allowed(MESSAGE_CALL, R_PEOPLE, R_GOVERNOR));
	assert_true(message_is_allowed(MESSAGE_COMMAND, R_PEOPLE, R_GOVERNOR));
	assert_false(message_is_allowed(MESSAGE_COMMAND, R_AGENTS, R_GOVERNOR));
	assert_false(message_is_allowed(MESSAGE_SECRET, R_KEEPER, R_GOVERNOR));
	assert_true(message_is_allowed(MESSAGE_SECRET, R_KEEPER, R_RUNNER));
	assert_false(message_is_allowed(MESSAGE_NONE, R_ANY, R_ANY));
	assert_false(message_is_allowed(MESSAGE_KINDS, R_ANY, R_ANY));
}

static void kinds_and_roles_have_names(void **state)
{
	(void)state;

	for (int k = 1; k < MESSAGE_KINDS; k++) {
		assert_string_not_equal(message_name((enum message_kind)k), "?");
	}
	assert_string_equal(message_name(MESSAGE_ADMISSION), "admission");
	assert_string_equal(message_name(MESSAGE_NONE), "?");
	assert_string_equal(role_name(R_GOVERNOR), "governor");
	assert_string_equal(role_name(R_INDEX), "index");
	assert_string_equal(role_name(R_ANY), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_message_survives_the_wire),
	    cmocka_unit_test(the_example_of_the_format_page_holds),
	    cmocka_unit_test(a_field_over_its_limit_is_not_encoded),
	    cmocka_unit_test(a_field_over_its_limit_is_not_decoded),
	    cmocka_unit_test(missing_and_left_over_bytes_are_refused),
	    cmocka_unit_test(an_unknown_kind_is_refused),
	    cmocka_unit_test(only_the_table_says_who_may_speak_to_whom),
	    cmocka_unit_test(kinds_and_roles_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
