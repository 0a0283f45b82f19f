/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/limits.h"
#include "codec/uri.h"

static void addresses_come_apart(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum uri_scheme scheme;
		const char *host;
		unsigned port;
		const char *authority;
		const char *target;
		const char *path;
	} cases[] = {
	    {"http://a.example", URI_HTTP, "a.example", 80, "a.example", "/", "/"},
	    {"https://a.example/", URI_HTTPS, "a.example", 443, "a.example", "/", "/"},
	    {"https://a:8443/mcp?x=1", URI_HTTPS, "a", 8443, "a:8443", "/mcp?x=1", "/mcp"},
	    {"http://10.1.2.3:1/%20", URI_HTTP, "10.1.2.3", 1, "10.1.2.3:1", "/%20", "/%20"},
	    {"http://[::1]", URI_HTTP, "::1", 80, "[::1]", "/", "/"},
	    {"http://[2001:db8::7]:8080/a/", URI_HTTP, "2001:db8::7", 8080, "[2001:db8::7]:8080",
	     "/a/", "/a/"},
	    {"unix:/run/remit/x.sock", URI_UNIX, "", 0, "", "", "/run/remit/x.sock"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;
		struct uri u;

		if (uri_parse(str_from(cases[i].text), &u, &e) != RC_OK) {
			fail_msg("'%s': %s", cases[i].text, e.msg);
		}
		assert_int_equal(u.scheme, cases[i].scheme);
		assert_str(u.host, cases[i].host);
		assert_int_equal(u.port, cases[i].port);
		assert_str(u.authority, cases[i].authority);
		assert_str(u.target, cases[i].target);
		assert_str(u.path, cases[i].path);
	}
}

static void other_addresses_are_refused(void **state)
{
	(void)state;
	static const char *const cases[] = {
	    "",
	    "a.example",
	    "//a",
	    "ftp://a",
	    "HTTP://a",
	    "http:/a",
	    "http://",
	    "http:///x",
	    "http://user@a",
	    "http://user:pw@a",
	    "http://a#f",
	    "http://a/#f",
	    "http://a/x y",
	    "http://a/\\",
	    "http://a/%",
	    "http://a/%g0",
	    "http://a:/",
	    "http://a:0",
	    "http://a:65536",
	    "http://a:080",
	    "http://a:x",
	    "http://[::1",
	    "http://[::1]x",
	    "http://[]/",
	    "http://a?x=1",
	    "http://a/\x01",
	    "http://\xc3\xa9",
	    "http://a\n",
	    "unix:",
	    "unix:x",
	    "unix:/",
	    "unix://x y",
	    "https://a..b",
	    "http://-a",
	    "http://[fe80::1%25eth0]/",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;
		struct uri u;

		if (uri_parse(str_from(cases[i]), &u, &e) != RC_INPUT) {
			fail_msg("'%s' was not refused", cases[i]);
		}
	}
	for (int i = 0; i < 2; i++) {
		static char text[LIMIT_TEXT_BYTES + 1];
		struct err e = ERR_INIT;
		struct uri u;

		memset(text, 'a', sizeof(text));
		memcpy(text, i ? "unix:/" : "http:/", 6);
		assert_rc(uri_parse(str_of(text, i ? 200 : sizeof(text)), &u, &e), RC_LIMIT);
	}
}

static void segments_are_decoded_once_and_keep_the_paths_shape(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		const char *out; /* NULL: refused */
	} cases[] = {
	    {"", ""},	    {"abc", "abc"},   {"a%20b", "a b"},
	    {"a+b", "a+b"}, {"%25%34", "%4"}, {"%c3%A9", "\xc3\xa9"},
	    {"...", "..."}, {"%00", NULL},    {"a%2Fb", NULL},
	    {"%2e", NULL},  {"%2E.", NULL},   {"..", NULL},
	    {".", NULL},    {"%", NULL},      {"%2", NULL},
	    {"%zz", NULL},  {"%+1", NULL},    {"a/b", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_BUF b = BUF_INIT(100);
		enum rc rc;

		assert_ok(buf_add(&b, STR("x/")));
		rc = uri_decode_segment(&b, str_from(cases[i].in));
		if ((rc == RC_OK) != (cases[i].out != NULL)) {
			fail_msg("'%s'", cases[i].in);
		}
		assert_str(str_slice(buf_view(&b), 2, b.n), cases[i].out ? cases[i].out : "");
	}
}

static void query_parameters_are_found_by_decoded_name(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(100);
	struct err e = ERR_INIT;
	struct str query = STR("a=1&&b=x+y%26z&c&d%20e=%3d=&f=1&f=2&g=%00");

	assert_ok(uri_query_get(query, STR("a"), &b, &e));
	assert_ok(uri_query_get(query, STR("b"), &b, &e));
	assert_ok(uri_query_get(query, STR("c"), &b, &e));
	assert_ok(uri_query_get(query, STR("d e"), &b, &e));
	assert_str(buf_view(&b), "1x y&z==");
	assert_rc(uri_query_get(query, STR("f"), &b, &e), RC_INPUT);
	assert_rc(uri_query_get(query, STR("g"), &b, &e), RC_INPUT);
	assert_rc(uri_query_get(query, STR("h"), &b, &e), RC_ABSENT);
	assert_rc(uri_query_get(STR_NULL, STR("a"), &b, &e), RC_ABSENT);
	assert_rc(uri_query_get(STR(""), STR("a"), &b, &e), RC_ABSENT);
	assert_str(buf_view(&b), "1x y&z==");
}

static void what_is_encoded_decodes_to_itself(void **state)
{
	(void)state;
	AUTO_BUF encoded = BUF_INIT(1000);
	AUTO_BUF decoded = BUF_INIT(1000);

	assert_ok(uri_encode(&encoded, STR("a b/c?d=e&f+\xc3\xa9~%-_.")));
	assert_str(buf_view(&encoded), "a%20b%2Fc%3Fd%3De%26f%2B%C3%A9~%25-_.");
	assert_ok(uri_decode_query(&decoded, buf_view(&encoded)));
	assert_str(buf_view(&decoded), "a b/c?d=e&f+\xc3\xa9~%-_.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(addresses_come_apart),
	    cmocka_unit_test(other_addresses_are_refused),
	    cmocka_unit_test(segments_are_decoded_once_and_keep_the_paths_shape),
	    cmocka_unit_test(query_parameters_are_found_by_decoded_name),
	    cmocka_unit_test(what_is_encoded_decodes_to_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
