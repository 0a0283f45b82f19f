/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/buf.h"

static void the_maximum_refuses_and_keeps_the_content(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(10);

	assert_ok(buf_add(&b, STR("12345678")));
	assert_rc(buf_add(&b, STR("abc")), RC_LIMIT);
	assert_rc(buf_addf(&b, "%d", 123), RC_LIMIT);
	assert_str(buf_view(&b), "12345678");
	assert_ok(buf_addf(&b, "%d", 90));
	assert_str(buf_view(&b), "1234567890");
	assert_rc(buf_add_char(&b, 'x'), RC_LIMIT);
}

static void numbers_are_big_endian(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(64);

	assert_ok(buf_add_u16(&b, 0x0102));
	assert_ok(buf_add_u32(&b, 0x03040506));
	assert_ok(buf_add_u64(&b, 0x0708090a0b0c0d0eULL));
	for (size_t i = 0; i < b.n; i++) {
		assert_int_equal(b.p[i], i + 1);
	}
}

static void consume_keeps_the_rest(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(64);

	assert_ok(buf_add(&b, STR("head tail")));
	buf_consume(&b, 5);
	assert_str(buf_view(&b), "tail");
	buf_consume(&b, 4);
	assert_int_equal(b.n, 0);
}

static void no_memory_is_reported(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(1 << 20);

	mem_fail_after(1);
	assert_rc(buf_add(&b, STR("x")), RC_NOMEM);
	assert_rc(buf_addf(&b, "%d", 1), RC_NOMEM);
	mem_fail_after(0);
	assert_ok(buf_add(&b, STR("x")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_maximum_refuses_and_keeps_the_content),
	    cmocka_unit_test(numbers_are_big_endian),
	    cmocka_unit_test(consume_keeps_the_rest),
	    cmocka_unit_test(no_memory_is_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
