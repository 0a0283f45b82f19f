/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/limits.h"
#include "core/redact.h"

/* Made up, in the shape of real ones; split so that no scanner takes this file for a leak. */
#define GH                                                                                         \
	"ghp"                                                                                      \
	"_0123456789abcdefghijABCDEFGHIJ012345"
#define AWS                                                                                        \
	"AKIA"                                                                                     \
	"ABCDEFGHIJKLMNOP"
#define JWT                                                                                        \
	"eyJ"                                                                                      \
	"hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlc2lnbmF0dXJl"
#define PEM "-----BEGIN RSA PRIVATE KEY-----\nMIIB\nAAAA\n-----END RSA PRIVATE KEY-----"

static void expect_text(const char *in, const char *want, size_t want_n)
{
	AUTO_BUF out = BUF_INIT(65536);
	size_t n = 99;

	assert_int_equal(redact_text(str_from(in), &out, &n, NULL), RC_OK);
	assert_int_equal(buf_add_char(&out, '\0'), RC_OK);
	assert_string_equal(out.p, want);
	assert_int_equal(n, want_n);
	assert_int_equal(redact_has_secret(str_from(in), NULL), want_n > 0);
}

static void secrets_that_say_what_they_are_are_replaced(void **state)
{
	(void)state;
	expect_text("key " AWS " end", "key [redacted: access key] end", 1);
	expect_text("a\n" GH "\nb", "a\n[redacted: token]\nb", 1);
	expect_text("(" JWT ")", "([redacted: JWT])", 1);
	expect_text("x " PEM " y", "x [redacted: private key] y", 1);
	expect_text("x -----BEGIN PRIVATE KEY-----\nMIIB", "x [redacted: private key]", 1);
	expect_text("postgres://app:hunter2@db/app", "postgres://app:[redacted: password]@db/app",
		    1);
	expect_text(GH " and " AWS, "[redacted: token] and [redacted: access key]", 2);
}

static void values_that_are_called_a_secret_are_replaced(void **state)
{
	(void)state;
	expect_text("password=hunter2", "password=[redacted: secret]", 1);
	expect_text("DB_PASSWORD=hunter2 next", "DB_PASSWORD=[redacted: secret] next", 1);
	expect_text("api-key: 'abc def'", "api-key: '[redacted: secret]'", 1);
	expect_text("\"client_secret\" : \"s3cr\\\"et\",",
		    "\"client_secret\" : \"[redacted: secret]\",", 1);
	expect_text("{\\\"token\\\":\\\"abcdef\\\"}", "{\\\"token\\\":\\\"[redacted: secret]\\\"}",
		    1);
	expect_text("Authorization: Bearer abc.def-ghi", "Authorization: Bearer [redacted: secret]",
		    1);
	expect_text("ALTER ROLE app PASSWORD 'hunter2'",
		    "ALTER ROLE app PASSWORD '[redacted: secret]'", 1);
	expect_text("password: Hunter2", "password: [redacted: secret]", 1);
}

static void what_is_no_secret_stays_as_it_is(void **state)
{
	static const char *const texts[] = {
	    "",
	    "Failed password for root from 192.0.2.7 port 22",
	    "password: required",
	    "password=",
	    "password=****",
	    "password=null",
	    "token_count: 12345",
	    "next_page_token=CAUQAA12345",
	    "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
	    "eyJub3QiOiJhIGp3dCJ9 is base64 of JSON",
	    "AKIA is how they begin",
	    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
	    "https://example.org/a:b@c",
	    "http://user@example.org/",
	    "the secret is out",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		expect_text(texts[i], texts[i], 0);
	}
}

static void a_long_hostile_text_takes_linear_time(void **state)
{
	static const char *const pieces[] = {"password=", "password:'*", "eyJ.", "-----BEGIN ",
					     "://a:",	  "\\\"",	 "ghp_"};
	AUTO_BUF in = BUF_INIT(8 << 20);
	AUTO_BUF out = BUF_INIT(64 << 20);
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		buf_reset(&in);
		buf_reset(&out);
		while (in.n < 400000) {
			assert_int_equal(buf_add(&in, str_from(pieces[i])), RC_OK);
		}
		assert_int_equal(redact_text(buf_view(&in), &out, &n, NULL), RC_OK);
	}
}

static struct str redacted(struct arena *a, const char *result, struct str pointer, size_t *n)
{
	struct str_list pointers = {.p = &pointer, .n = pointer.n ? 1 : 0};
	struct str ret = STR_NULL;
	struct err e = ERR_INIT;

	assert_int_equal(redact_result(str_from(result), &pointers, a, &ret, n, &e), RC_OK);
	return ret;
}

static void expect_result(const char *in, const char *pointer, const char *want, size_t want_n)
{
	AUTO_ARENA a = ARENA_INIT(1 << 20);
	size_t n = 99;
	struct str got = redacted(&a, in, str_from(pointer), &n);

	assert_int_equal(got.n, strlen(want));
	assert_memory_equal(got.p, want, got.n);
	assert_int_equal(n, want_n);
}

static void results_are_looked_through_in_text_and_structure(void **state)
{
	(void)state;
	expect_result(
	    "{\"content\":[{\"type\":\"text\",\"text\":\"{\\\"login\\\":\\\"app\\\","
	    "\\\"password\\\":\\\"hunter2\\\"}\"}],\"structuredContent\":{\"token\":\"abcdef\"}}",
	    "",
	    "{\"content\":[{\"type\":\"text\",\"text\":\"{\\\"login\\\":\\\"app\\\","
	    "\\\"password\\\":\\\"[redacted: secret]\\\"}\"}],\"structuredContent\":{"
	    "\"token\":\"[redacted: secret]\"}}",
	    2);
	expect_result(
	    "{\"structuredContent\":{\"kind\":\"Secret\",\"data\":{\"x\":\"aGk=\"}}}", "",
	    "{\"structuredContent\":{\"kind\":\"Secret\",\"data\":{\"x\":\"[redacted: secret]\"}}}",
	    1);
}

static void what_the_catalog_names_is_hidden(void **state)
{
	const char *in = "{\"structuredContent\":{\"rows\":[{\"id\":1,\"iban\":\"x\"},"
			 "{\"id\":2,\"iban\":\"y\"}]}}";

	(void)state;
	expect_result(
	    in, "/rows/*/iban",
	    "{\"structuredContent\":{\"rows\":[{\"id\":1,\"iban\":\"[redacted: hidden by "
	    "the catalog]\"},{\"id\":2,\"iban\":\"[redacted: hidden by the catalog]\"}]}}",
	    2);
	expect_result(in, "/columns/*/iban", in, 0);
}

static void a_result_without_secret_is_the_same_bytes(void **state)
{
	const char *in = "{ \"content\" : [ { \"text\":\"\\u0061\" , \"n\": 1.50 } ] }";

	(void)state;
	expect_result(in, "", in, 0);
	expect_result("no JSON", "", "no JSON", 0);
}

static void a_result_that_is_no_json_and_holds_a_secret_is_refused(void **state)
{
	AUTO_ARENA a = ARENA_INIT(1 << 20);
	struct str_list none = {0};
	struct str ret;
	size_t n;

	(void)state;
	assert_int_equal(redact_result(STR("{password=hunter2"), &none, &a, &ret, &n, NULL),
			 RC_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(secrets_that_say_what_they_are_are_replaced),
	    cmocka_unit_test(values_that_are_called_a_secret_are_replaced),
	    cmocka_unit_test(what_is_no_secret_stays_as_it_is),
	    cmocka_unit_test(a_long_hostile_text_takes_linear_time),
	    cmocka_unit_test(results_are_looked_through_in_text_and_structure),
	    cmocka_unit_test(what_the_catalog_names_is_hidden),
	    cmocka_unit_test(a_result_without_secret_is_the_same_bytes),
	    cmocka_unit_test(a_result_that_is_no_json_and_holds_a_secret_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
