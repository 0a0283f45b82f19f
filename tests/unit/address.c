/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "net/address.h"

static void good_addresses_parse_and_print(void **state)
{
	(void)state;
	static const char *const good[] = {"127.0.0.1:8443", "0.0.0.0:0", "[::1]:443",
					   "[2001:db8::1]:65535"};

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct address a;
		char text[ADDRESS_TEXT_BYTES];
		struct err e = ERR_INIT;

		assert_ok(address_parse(str_from(good[i]), &a, &e));
		address_format(&a, text);
		assert_string_equal(text, good[i]);
	}
}

static void bad_addresses_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "",
	    "127.0.0.1",
	    "127.0.0.1:",
	    "127.0.0.1:65536",
	    "127.0.0.1:-1",
	    ":8443",
	    "::1:443",
	    "[::1]443",
	    "[::1",
	    "[127.0.0.1]:80",
	    "1.2.3:80",
	    "host:80",
	    "127.0.0.1: 80",
	    "unix:",
	    "unix:relative",
	    "127.0.0.1:0080",
	};
	struct address a;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (address_parse(str_from(bad[i]), &a, NULL) == RC_OK) {
			fail_msg("'%s' was accepted", bad[i]);
		}
	}
	assert_rc(address_parse(STR("unix:/a\0b"), &a, NULL), RC_INPUT);
}

static void a_socket_path_has_a_limit(void **state)
{
	(void)state;
	char path[6 + 120] = "unix:/";
	struct address a;

	memset(path + 6, 'x', sizeof(path) - 6);
	assert_ok(address_parse(str_of(path, 5 + 107), &a, NULL));
	assert_rc(address_parse(str_of(path, 5 + 108), &a, NULL), RC_LIMIT);
}

static void a_name_is_looked_up_and_a_number_is_not(void **state)
{
	(void)state;
	struct address a[4];
	char text[ADDRESS_TEXT_BYTES];
	size_t n = 0;
	struct err e = ERR_INIT;

	assert_ok(address_look_up(STR("127.0.0.1:80"), a, 4, &n, &e));
	assert_int_equal(n, 1);
	assert_ok(address_look_up(STR("localhost:81"), a, 4, &n, &e));
	assert_true(n >= 1);
	assert_int_equal(address_port(&a[0]), 81);
	address_format(&a[0], text);
	assert_true(strcmp(text, "127.0.0.1:81") == 0 || strcmp(text, "[::1]:81") == 0);
	assert_rc(address_look_up(STR("localhost"), a, 4, &n, &e), RC_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_addresses_parse_and_print),
	    cmocka_unit_test(bad_addresses_are_refused),
	    cmocka_unit_test(a_socket_path_has_a_limit),
	    cmocka_unit_test(a_name_is_looked_up_and_a_number_is_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
