/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "codec/base64.h"

static void the_vectors_of_rfc_4648_section_10_hold(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		const char *padded;
		const char *bare;
	} cases[] = {
	    {"", "", ""},
	    {"f", "Zg==", "Zg"},
	    {"fo", "Zm8=", "Zm8"},
	    {"foo", "Zm9v", "Zm9v"},
	    {"foob", "Zm9vYg==", "Zm9vYg"},
	    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
	    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
	    {"\xfb\xff\xbf", "+/+/", "-_-_"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_BUF a = BUF_INIT(100);
		AUTO_BUF b = BUF_INIT(100);
		AUTO_BUF c = BUF_INIT(100);
		AUTO_BUF d = BUF_INIT(100);

		assert_ok(base64_encode(&a, str_from(cases[i].bytes)));
		assert_str(buf_view(&a), cases[i].padded);
		assert_ok(base64_decode(&b, str_from(cases[i].padded)));
		assert_str(buf_view(&b), cases[i].bytes);
		assert_ok(base64url_encode(&c, str_from(cases[i].bytes)));
		assert_str(buf_view(&c), cases[i].bare);
		assert_ok(base64url_decode(&d, str_from(cases[i].bare)));
		assert_str(buf_view(&d), cases[i].bytes);
	}
}

static void every_byte_survives(void **state)
{
	(void)state;
	unsigned char bytes[256];
	AUTO_BUF text = BUF_INIT(1000);
	AUTO_BUF back = BUF_INIT(1000);

	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (unsigned char)(255 - i);
	}
	assert_ok(base64url_encode(&text, str_of(bytes, sizeof(bytes))));
	assert_ok(base64url_decode(&back, buf_view(&text)));
	assert_int_equal(back.n, sizeof(bytes));
	assert_memory_equal(back.p, bytes, sizeof(bytes));
}

static void second_spellings_are_refused(void **state)
{
	(void)state;
	static const struct str padded[] = {
	    {"Zg", 2},	   {"Zg=", 3},	 {"Zh==", 4},	  {"Zm9=", 4}, {"Zg===", 5},
	    {"=", 1},	   {"==", 2},	 {"====", 4},	  {"Z===", 4}, {"Zg==Zg==", 8},
	    {"Zm9v\n", 5}, {"Zm 9v", 5}, {"Zm9v====", 8}, {"-_-_", 4}, {"Zm9\0", 4},
	    {" Zm9v", 5},  {"Zm=v", 4},	 {"Zm8\xc3", 4},
	};
	static const struct str bare[] = {
	    {"Zg==", 4},  {"Zh", 2}, {"Zm9", 3},  {"Z", 1},   {"Zm9vY", 5},
	    {"Zm9vA", 5}, {"A", 1},  {"+/+/", 4}, {"Zg ", 3},
	};

	for (size_t i = 0; i < ARRAY_LEN(padded); i++) {
		AUTO_BUF b = BUF_INIT(100);

		assert_rc(base64_decode(&b, padded[i]), RC_INPUT);
		assert_int_equal(b.n, 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(bare); i++) {
		AUTO_BUF b = BUF_INIT(100);

		assert_rc(base64url_decode(&b, bare[i]), RC_INPUT);
		assert_int_equal(b.n, 0);
	}
}

static void a_full_buffer_is_a_limit(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(4);

	assert_rc(base64_encode(&b, STR("four")), RC_LIMIT);
	assert_ok(base64_encode(&b, STR("fou")));
	assert_rc(base64_decode(&b, STR("Zg==")), RC_LIMIT);
	assert_str(buf_view(&b), "Zm91");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_vectors_of_rfc_4648_section_10_hold),
	    cmocka_unit_test(every_byte_survives),
	    cmocka_unit_test(second_spellings_are_refused),
	    cmocka_unit_test(a_full_buffer_is_a_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
