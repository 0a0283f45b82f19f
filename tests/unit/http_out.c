/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "codec/http.h"

static void a_response_head_reads_straight_down(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(1000);
	struct http_out w;

	assert_ok(buf_add(&b, STR("earlier")));
	w = http_out_response(&b, 404);
	http_out_field(&w, STR("Content-Type"), STR("application/json"));
	http_out_field_u64(&w, STR("Retry-After"), 0);
	http_out_field_u64(&w, STR("X-Big"), UINT64_MAX);
	http_out_field(&w, STR("X-Empty"), STR(""));
	http_out_length(&w, 12);
	assert_ok(http_out_end(&w, NULL));
	assert_str(buf_view(&b), "earlierHTTP/1.1 404 Not Found\r\n"
				 "Content-Type: application/json\r\n"
				 "Retry-After: 0\r\n"
				 "X-Big: 18446744073709551615\r\n"
				 "X-Empty: \r\n"
				 "Content-Length: 12\r\n\r\n");
}

static void a_request_head_reads_straight_down(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(1000);
	struct http_out w = http_out_request(&b, STR("POST"), STR("/mcp?x=1"), STR("[::1]:80"));

	http_out_chunked(&w);
	assert_ok(http_out_end(&w, NULL));
	assert_ok(http_out_chunk(&b, STR("hello, chunked world")));
	assert_ok(http_out_chunk(&b, STR("")));
	assert_ok(http_out_last_chunk(&b));
	assert_str(buf_view(&b), "POST /mcp?x=1 HTTP/1.1\r\nHost: [::1]:80\r\n"
				 "Transfer-Encoding: chunked\r\n\r\n"
				 "14\r\nhello, chunked world\r\n0\r\n\r\n");
}

static void headers_cannot_be_injected(void **state)
{
	(void)state;
	static const struct {
		struct str name;
		struct str value;
	} cases[] = {
	    {{"X", 1}, {"a\r\nY: b", 7}}, {{"X", 1}, {"a\nb", 3}},	{{"X", 1}, {"a\rb", 3}},
	    {{"X", 1}, {"a\0b", 3}},	  {{"X", 1}, {"a\x7f", 2}},	{{"X", 1}, {" a", 2}},
	    {{"X", 1}, {"a\t", 2}},	  {{"X: y\r\nZ", 7}, {"a", 1}}, {{"", 0}, {"a", 1}},
	    {{"X Y", 3}, {"a", 1}},	  {{"X:", 2}, {"a", 1}},	{{"X\0", 2}, {"a", 1}},
	    {{"X\xc3\xa9", 3}, {"a", 1}},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_BUF b = BUF_INIT(1000);
		struct http_out w = http_out_response(&b, 200);

		http_out_length(&w, 0);
		http_out_field(&w, cases[i].name, cases[i].value);
		assert_rc(http_out_end(&w, NULL), RC_INPUT);
		assert_int_equal(b.n, 0);
	}
}

static void request_lines_cannot_be_injected(void **state)
{
	(void)state;
	static const char *const targets[] = {"",     "a",    "*",	   "/ HTTP/1.1\r\nX: y",
					      "/a b", "/a#b", "http://a/", "/\xc3\xa9"};
	static const char *const hosts[] = {"", "a\r\nX: y", "a b", "a/b"};
	static const char *const methods[] = {"", "GET /x", "G\r\n"};

	for (size_t i = 0; i < ARRAY_LEN(targets) + ARRAY_LEN(hosts) + ARRAY_LEN(methods); i++) {
		AUTO_BUF b = BUF_INIT(1000);
		size_t host = i - ARRAY_LEN(targets);
		size_t method = host - ARRAY_LEN(hosts);
		struct http_out w = http_out_request(
		    &b, str_from(method < ARRAY_LEN(methods) ? methods[method] : "GET"),
		    str_from(i < ARRAY_LEN(targets) ? targets[i] : "/"),
		    str_from(host < ARRAY_LEN(hosts) ? hosts[host] : "a"));

		assert_rc(http_out_end(&w, NULL), RC_INPUT);
		assert_int_equal(b.n, 0);
	}
}

static void the_framing_is_the_writers(void **state)
{
	(void)state;
	static const char *const names[] = {"host", "Content-length", "TRANSFER-ENCODING"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO_BUF b = BUF_INIT(1000);
		struct http_out w = http_out_response(&b, 200);

		http_out_length(&w, 0);
		http_out_field(&w, str_from(names[i]), STR("1"));
		assert_rc(http_out_end(&w, NULL), RC_BROKEN);
	}
	for (int i = 0; i < 6; i++) {
		static const unsigned statuses[] = {200, 200, 204, 100, 304, 99};
		AUTO_BUF b = BUF_INIT(1000);
		struct http_out w = http_out_response(&b, statuses[i]);

		if (i == 1) { /* both */
			http_out_length(&w, 3);
			http_out_chunked(&w);
		} else if (i > 1) { /* on a status without a body */
			http_out_length(&w, 0);
		}
		assert_rc(http_out_end(&w, NULL), RC_BROKEN);
		assert_int_equal(b.n, 0);
	}
	for (int i = 0; i < 2; i++) {
		AUTO_BUF b = BUF_INIT(1000);
		struct http_out w = i ? http_out_response(&b, 204)
				      : http_out_request(&b, STR("GET"), STR("/"), STR("a"));

		assert_ok(http_out_end(&w, NULL));
	}
}

static void a_head_that_no_reader_would_take_is_not_written(void **state)
{
	(void)state;
	static char large[LIMIT_HTTP_HEAD_BYTES];
	AUTO_BUF small = BUF_INIT(30);
	AUTO_BUF b = BUF_INIT(1 << 20);
	struct http_out w = http_out_response(&b, 200);
	struct http_out w2 = http_out_response(&small, 200);

	memset(large, 'a', sizeof(large));
	http_out_field(&w, STR("X"), str_of(large, sizeof(large)));
	http_out_length(&w, 0);
	assert_rc(http_out_end(&w, NULL), RC_LIMIT);
	http_out_length(&w2, 0);
	assert_rc(http_out_end(&w2, NULL), RC_LIMIT);
	assert_int_equal(small.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_response_head_reads_straight_down),
	    cmocka_unit_test(a_request_head_reads_straight_down),
	    cmocka_unit_test(headers_cannot_be_injected),
	    cmocka_unit_test(request_lines_cannot_be_injected),
	    cmocka_unit_test(the_framing_is_the_writers),
	    cmocka_unit_test(a_head_that_no_reader_would_take_is_not_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
