/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "codec/http.h"

#define HOST "Host: a.example\r\n"

static struct http_head head;

/* The parser's word on the bytes, the same whether they come at once or one by one. */
static enum rc parse(struct str bytes, bool is_response, struct str method, struct err *e)
{
	size_t scanned = 0;
	enum rc slow = RC_AGAIN;
	enum rc fast;

	for (size_t n = 0; n <= bytes.n && slow == RC_AGAIN; n++) {
		struct str part = str_slice(bytes, 0, n);

		slow = is_response ? http_parse_response(part, &scanned, method, &head, e)
				   : http_parse_request(part, &scanned, &head, e);
	}
	scanned = 0;
	fast = is_response ? http_parse_response(bytes, &scanned, method, &head, e)
			   : http_parse_request(bytes, &scanned, &head, e);
	assert_int_equal(slow, fast);
	return fast;
}

static enum rc request(struct str bytes, struct err *e)
{
	return parse(bytes, false, STR_NULL, e);
}

static enum rc response(struct str bytes, struct err *e)
{
	return parse(bytes, true, STR("POST"), e);
}

static void a_plain_request_is_understood(void **state)
{
	(void)state;
	struct str text = STR("POST /mcp/t/7?x=1&y=%20 HTTP/1.1\r\n"
			      "host: gateway.example:8443\r\n"
			      "Content-Type: application/json; charset=utf-8\r\n"
			      "X-Empty:\r\n"
			      "x-Blanks: \t a b \t\r\n"
			      "Accept: application/json\r\n"
			      "accept: text/event-stream\r\n"
			      "CONTENT-LENGTH: 12\r\n"
			      "\r\n"
			      "{\"body\":true}");
	struct err e = ERR_INIT;
	struct str value;
	size_t i = 0;

	assert_ok(request(text, &e));
	assert_str(head.method, "POST");
	assert_str(head.target, "/mcp/t/7?x=1&y=%20");
	assert_str(head.path, "/mcp/t/7");
	assert_str(head.query, "x=1&y=%20");
	assert_int_equal(head.n_fields, 7);
	assert_int_equal(head.head_bytes, text.n - 13);
	assert_int_equal(head.framing, HTTP_BODY_LENGTH);
	assert_int_equal(head.content_length, 12);
	assert_true(head.keeps_alive);
	assert_false(head.expects_continue);
	assert_str(http_header_get(&head, STR("Host")), "gateway.example:8443");
	assert_str(http_header_get(&head, STR("x-empty")), "");
	assert_str(http_header_get(&head, STR("X-BLANKS")), "a b");
	assert_null(http_header_get(&head, STR("X-Nothing")).p);
	assert_str(http_media_type(http_header_get(&head, STR("content-type"))),
		   "application/json");
	assert_true(http_header_next(&head, STR("Accept"), &i, &value));
	assert_str(value, "application/json");
	assert_true(http_header_next(&head, STR("Accept"), &i, &value));
	assert_str(value, "text/event-stream");
	assert_false(http_header_next(&head, STR("Accept"), &i, &value));
}

static void a_request_without_a_body_has_none(void **state)
{
	(void)state;
	struct err e = ERR_INIT;

	assert_ok(request(STR("GET / HTTP/1.1\r\n" HOST "\r\nGET /next"), &e));
	assert_int_equal(head.framing, HTTP_BODY_NONE);
	assert_null(head.query.p);
	assert_ok(request(STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"), &e));
	assert_int_equal(head.framing, HTTP_BODY_NONE);
	assert_ok(request(STR("GET /? HTTP/1.1\r\n" HOST "\r\n"), &e));
	assert_non_null(head.query.p);
	assert_int_equal(head.query.n, 0);
}

static void the_smuggling_table_is_refused_row_by_row(void **state)
{
	(void)state;
#define POST "POST / HTTP/1.1\r\n"
	static const struct {
		const char *row;
		struct str text;
		unsigned status;
	} rows[] = {
#define ROW(row, text, status) {row, {text, sizeof(text) - 1}, status}
	    ROW("TE and CL",
		POST HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
	    ROW("TE and CL, other order",
		POST HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
	    ROW("two different CL", POST HOST "Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
		400),
	    ROW("two equal CL", POST HOST "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", 400),
	    ROW("CL list", POST HOST "Content-Length: 2, 2\r\n\r\nab", 400),
	    ROW("CL +2", POST HOST "Content-Length: +2\r\n\r\nab", 400),
	    ROW("CL -2", POST HOST "Content-Length: -2\r\n\r\nab", 400),
	    ROW("CL 0x2", POST HOST "Content-Length: 0x2\r\n\r\nab", 400),
	    ROW("CL 02", POST HOST "Content-Length: 02\r\n\r\nab", 400),
	    ROW("CL 2.0", POST HOST "Content-Length: 2.0\r\n\r\nab", 400),
	    ROW("CL empty", POST HOST "Content-Length:\r\n\r\nab", 400),
	    ROW("CL 2 2", POST HOST "Content-Length: 2 2\r\n\r\nab", 400),
	    ROW("CL above 64 bits", POST HOST "Content-Length: 18446744073709551618\r\n\r\nab",
		400),
	    ROW("TE xchunked", POST HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
	    ROW("TE gzip, chunked", POST HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		501),
	    ROW("TE chunked, chunked",
		POST HOST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 501),
	    ROW("TE identity", POST HOST "Transfer-Encoding: identity\r\n\r\n", 501),
	    ROW("TE empty", POST HOST "Transfer-Encoding:\r\n\r\n", 501),
	    ROW("TE quoted", POST HOST "Transfer-Encoding: \"chunked\"\r\n\r\n", 501),
	    ROW("TE with a vertical tab", POST HOST "Transfer-Encoding: \vchunked\r\n\r\n", 400),
	    ROW("TE twice", POST HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
		400),
	    ROW("CL :", POST HOST "Content-Length : 2\r\n\r\nab", 400),
	    ROW("tab before colon", POST HOST "Content-Length\t: 2\r\n\r\nab", 400),
	    ROW("empty name", POST HOST ": x\r\n\r\n", 400),
	    ROW("no colon", POST HOST "Content-Length 2\r\n\r\n", 400),
	    ROW("bare LF in the head", "POST / HTTP/1.1\nHost: a\n\n", 400),
	    ROW("bare LF after a field", POST "Host: a.example\nX: y\r\n\r\n", 400),
	    ROW("bare LF as the empty line", POST "Host: a.example\r\n\n", 400),
	    ROW("bare CR in a value", POST HOST "X: a\rb\r\n\r\n", 400),
	    ROW("bare CR as a line end", POST HOST "X: a\rY: b\r\n\r\n", 400),
	    ROW("only bare CRs", "POST / HTTP/1.1\rHost: a\r\r", 400),
	    ROW("two CRs", POST HOST "X: a\r\r\n\r\n", 400),
	    ROW("obs-fold", POST HOST "X: a\r\n b\r\n\r\n", 400),
	    ROW("obs-fold with a tab", POST HOST "X: a\r\n\tb\r\n\r\n", 400),
	    ROW("blank before the first field", POST " Host: a.example\r\n\r\n", 400),
	    ROW("no Host", "POST / HTTP/1.1\r\nX: y\r\n\r\n", 400),
	    ROW("no fields", "POST / HTTP/1.1\r\n\r\n", 400),
	    ROW("two Hosts", POST HOST "Host: b.example\r\n\r\n", 400),
	    ROW("two equal Hosts", POST HOST HOST "\r\n", 400),
	    ROW("NUL in a value", POST HOST "X: a\0b\r\n\r\n", 400),
	    ROW("NUL in a name", POST HOST "X\0: a\r\n\r\n", 400),
	    ROW("DEL in a value", POST HOST "X: a\x7f\r\n\r\n", 400),
#undef ROW
	};
#undef POST

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;

		if (request(rows[i].text, &e) != RC_INPUT) {
			fail_msg("%s was not refused", rows[i].row);
		}
		if (head.refuse_status != rows[i].status) {
			fail_msg("%s: %u, not %u", rows[i].row, head.refuse_status, rows[i].status);
		}
	}
}

static void request_lines_have_one_form(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		unsigned status;
	} cases[] = {
	    {"GET / HTTP/1.0", 505},
	    {"GET / HTTP/2.0", 505},
	    {"GET / HTTP/1.2", 505},
	    {"GET / HTTP/0.9", 505},
	    {"GET / http/1.1", 400},
	    {"GET / HTTP/1.1 ", 400},
	    {"GET / HTTP/11", 400},
	    {"GET / HTTP/1.10", 400},
	    {"GET /", 400},
	    {"GET", 400},
	    {"GET  / HTTP/1.1", 400},
	    {"GET /  HTTP/1.1", 400},
	    {" GET / HTTP/1.1", 400},
	    {"GET\t/ HTTP/1.1", 400},
	    {"G(T / HTTP/1.1", 400},
	    {"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1", 400},
	    {"OPTIONS * HTTP/1.1", 400},
	    {"GET http://a.example/ HTTP/1.1", 400},
	    {"CONNECT a.example:443 HTTP/1.1", 400},
	    {"GET a HTTP/1.1", 400},
	    {"GET /a#b HTTP/1.1", 400},
	    {"GET /a\\b HTTP/1.1", 400},
	    {"GET /a%2 HTTP/1.1", 400},
	    {"GET /a%zz HTTP/1.1", 400},
	    {"GET /\xc3\xa9 HTTP/1.1", 400},
	    {"GET /a\x01 HTTP/1.1", 400},
	    {"PRI * HTTP/2.0", 505},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;
		char text[256];

		(void)snprintf(text, sizeof(text), "%s\r\n" HOST "\r\n", cases[i].line);
		if (request(str_from(text), &e) != RC_INPUT ||
		    head.refuse_status != cases[i].status) {
			fail_msg("'%s': %u", cases[i].line, head.refuse_status);
		}
	}
	for (int i = 0; i < 2; i++) {
		struct err e = ERR_INIT;

		assert_rc(request(i ? STR("\r\nGET / HTTP/1.1\r\n" HOST "\r\n")
				    : STR("\nGET / HTTP/1.1\r\n" HOST "\r\n"),
				  &e),
			  RC_INPUT);
	}
}

static void hosts_have_one_form(void **state)
{
	(void)state;
	static const char *const good[] = {
	    "a",     "a.example",	    "a.example:1",	     "10.0.0.1:8443",
	    "[::1]", "[2001:db8::1]:65535", "a_b.svc.cluster.local", "a.example."};
	static const char *const bad[] = {
	    "",	    "a b",   "a/b",    "a@b", "a:",  "a:0",	   "a:65536", "a:+1",
	    "a:01", "[::1",  "[::1]x", "[]",  "[a]", "a..b",	   ".a",      "-a",
	    "a-",   "a:b:1", "::1",    "a,b", "a?b", "[::1%eth0]", "[1:2]"};

	for (size_t i = 0; i < ARRAY_LEN(good) + ARRAY_LEN(bad); i++) {
		bool is_good = i < ARRAY_LEN(good);
		const char *host = is_good ? good[i] : bad[i - ARRAY_LEN(good)];
		struct err e = ERR_INIT;
		char text[256];

		(void)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host);
		if ((request(str_from(text), &e) == RC_OK) != is_good) {
			fail_msg("Host '%s'", host);
		}
	}
}

static void fields_with_one_value_appear_once(void **state)
{
	(void)state;
	static const char *const names[] = {
	    "Authorization",	    "content-type",	"Origin",	 "DPoP",  "Mcp-Session-Id",
	    "MCP-Protocol-Version", "mcp-param-region", "Last-Event-ID", "Cookie"};
	struct err e = ERR_INIT;
	char text[256];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n" HOST "%s: a\r\n\r\n",
			       names[i]);
		assert_ok(request(str_from(text), &e));
		(void)snprintf(text, sizeof(text),
			       "GET / HTTP/1.1\r\n" HOST "%s: a\r\nX: y\r\n%s: a\r\n\r\n", names[i],
			       names[i]);
		assert_rc(request(str_from(text), &e), RC_INPUT);
		assert_int_equal(head.refuse_status, 400);
	}
}

static void heads_are_bounded(void **state)
{
	(void)state;
	static char text[2 * LIMIT_HTTP_HEAD_BYTES];
	struct err e = ERR_INIT;
	size_t scanned = 0;
	int n;

	memset(text, 'a', sizeof(text));
	memcpy(text, "GET /", 5);
	assert_rc(http_parse_request(str_of(text, sizeof(text)), &scanned, &head, &e), RC_LIMIT);
	assert_int_equal(head.refuse_status, 414);
	n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nX: ");
	text[n] = 'a';
	scanned = 0;
	assert_rc(http_parse_request(str_of(text, LIMIT_HTTP_HEAD_BYTES - 1), &scanned, &head, &e),
		  RC_AGAIN);
	assert_rc(http_parse_request(str_of(text, LIMIT_HTTP_HEAD_BYTES), &scanned, &head, &e),
		  RC_LIMIT);
	assert_int_equal(head.refuse_status, 431);
	/* The end just within the limit, and just beyond. */
	for (int beyond = 0; beyond < 2; beyond++) {
		size_t size = LIMIT_HTTP_HEAD_BYTES + (size_t)beyond;

		memset(text, 'a', sizeof(text));
		memcpy(text, "GET / HTTP/1.1\r\n" HOST "X: ", 36);
		memcpy(text + size - 4, "\r\n\r\n", 4);
		scanned = 0;
		assert_rc(http_parse_request(str_of(text, sizeof(text)), &scanned, &head, &e),
			  beyond ? RC_LIMIT : RC_OK);
	}
}

static void the_number_of_fields_is_bounded(void **state)
{
	(void)state;
	for (size_t fields = LIMIT_HTTP_HEADERS; fields <= LIMIT_HTTP_HEADERS + 1; fields++) {
		AUTO_BUF b = BUF_INIT(4096);
		struct err e = ERR_INIT;
		size_t scanned = 0;

		assert_ok(buf_add(&b, STR("GET / HTTP/1.1\r\n" HOST)));
		for (size_t i = 1; i < fields; i++) {
			assert_ok(buf_addf(&b, "X-%zu: y\r\n", i));
		}
		assert_ok(buf_add(&b, STR("\r\n")));
		assert_rc(http_parse_request(buf_view(&b), &scanned, &head, &e),
			  fields == LIMIT_HTTP_HEADERS ? RC_OK : RC_LIMIT);
		assert_int_equal(head.refuse_status, fields == LIMIT_HTTP_HEADERS ? 0 : 431);
	}
}

static void a_body_too_large_is_refused_before_it_is_read(void **state)
{
	(void)state;
	struct err e = ERR_INIT;

	assert_ok(request(STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 1048576\r\n\r\n"), &e));
	assert_rc(request(STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 1048577\r\n\r\n"), &e),
		  RC_LIMIT);
	assert_int_equal(head.refuse_status, 413);
}

static void connections_close_when_told(void **state)
{
	(void)state;
	static const struct {
		const char *fields;
		bool keeps_alive;
	} cases[] = {
	    {"", true},
	    {"Connection: keep-alive\r\n", true},
	    {"Connection: close\r\n", false},
	    {"connection: foo, Close ,bar\r\n", false},
	    {"Connection: foo\r\nConnection: close\r\n", false},
	    {"Connection: closed\r\n", true},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;
		char text[256];

		(void)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n" HOST "%s\r\n",
			       cases[i].fields);
		assert_ok(request(str_from(text), &e));
		assert_int_equal(head.keeps_alive, cases[i].keeps_alive);
	}
}

static void only_100_continue_can_be_expected(void **state)
{
	(void)state;
	struct err e = ERR_INIT;

	assert_ok(request(STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n"
			      "Expect: 100-Continue\r\n\r\n"),
			  &e));
	assert_true(head.expects_continue);
	assert_ok(request(STR("GET / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n\r\n"), &e));
	assert_false(head.expects_continue);
	assert_rc(request(STR("POST / HTTP/1.1\r\n" HOST "Expect: magic\r\n\r\n"), &e), RC_INPUT);
	assert_int_equal(head.refuse_status, 417);
}

static void accept_is_read_by_the_closest_range(void **state)
{
	(void)state;
	static const struct {
		const char *fields;
		bool json;
		bool stream;
	} cases[] = {
	    {"", true, true},
	    {"Accept: application/json, text/event-stream\r\n", true, true},
	    {"Accept: application/json\r\nAccept: TEXT/Event-Stream;q=0.5\r\n", true, true},
	    {"Accept: application/json\r\n", true, false},
	    {"Accept: */*\r\n", true, true},
	    {"Accept: application/*\r\n", true, false},
	    {"Accept: text/event-stream;q=0, */*;q=0.1\r\n", true, false},
	    {"Accept: */*, text/event-stream; q=0.000\r\n", true, false},
	    {"Accept: */*;q=0\r\n", false, false},
	    {"Accept:\r\n", false, false},
	    {"Accept: text/html;level=1, application/json;q=0.001\r\n", true, false},
	    {"Accept: applicationx/*\r\n", false, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;
		char text[256];

		(void)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n" HOST "%s\r\n",
			       cases[i].fields);
		assert_ok(request(str_from(text), &e));
		if (http_accepts(&head, STR("application/json")) != cases[i].json ||
		    http_accepts(&head, STR("text/event-stream")) != cases[i].stream) {
			fail_msg("'%s'", cases[i].fields);
		}
	}
}

static void responses_are_framed_by_status_method_and_fields(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *method;
		enum http_framing framing;
		bool keeps_alive;
	} cases[] = {
	    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "POST", HTTP_BODY_LENGTH, true},
	    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", "POST", HTTP_BODY_CHUNKED,
	     true},
	    {"HTTP/1.1 200 \r\n\r\n", "POST", HTTP_BODY_UNTIL_CLOSE, false},
	    {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\n", "POST",
	     HTTP_BODY_LENGTH, false},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "HEAD", HTTP_BODY_NONE, true},
	    {"HTTP/1.1 200 OK\r\n\r\n", "HEAD", HTTP_BODY_NONE, true},
	    {"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", "POST", HTTP_BODY_NONE, true},
	    {"HTTP/1.1 204 No Content\r\n\r\n", "POST", HTTP_BODY_NONE, true},
	    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", "GET", HTTP_BODY_NONE, true},
	    {"HTTP/1.1 100 Continue\r\n\r\n", "POST", HTTP_BODY_NONE, true},
	    {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", "POST", HTTP_BODY_NONE, true},
	    {"HTTP/1.1 404 \xc3\xa9 anything\t\r\nContent-Length: 3\r\n\r\n", "GET",
	     HTTP_BODY_LENGTH, true},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;

		if (parse(str_from(cases[i].text), true, str_from(cases[i].method), &e) != RC_OK) {
			fail_msg("'%s': %s", cases[i].text, e.msg);
		}
		if (head.framing != cases[i].framing || head.keeps_alive != cases[i].keeps_alive) {
			fail_msg("'%s'", cases[i].text);
		}
	}
	assert_int_equal(head.status, 404);
}

static void ambiguous_responses_are_refused(void **state)
{
	(void)state;
	static const struct str cases[] = {
#define CASE(text) {text, sizeof(text) - 1}
	    CASE("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"),
	    CASE("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n"),
	    CASE("HTTP/1.1 200 OK\r\nContent-Length: 0x3\r\n\r\n"),
	    CASE("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
	    CASE("HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\n"),
	    CASE("HTTP/1.1 200 OK\nContent-Length: 3\n\n"),
	    CASE("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n"),
	    CASE("HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n"),
	    CASE("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"),
	    CASE("HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\n"),
	    CASE("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
	    CASE("HTTP/1.0 200 OK\r\n\r\n"),
	    CASE("HTTP/1.1 200\r\n\r\n"),
	    CASE("HTTP/1.1  200 OK\r\n\r\n"),
	    CASE("HTTP/1.1 20 OK\r\n\r\n"),
	    CASE("HTTP/1.1 2000 OK\r\n\r\n"),
	    CASE("HTTP/1.1 099 OK\r\n\r\n"),
	    CASE("HTTP/1.1 600 OK\r\n\r\n"),
	    CASE("HTTP/1.1 +20 OK\r\n\r\n"),
	    CASE("HTTP/1.1 200 O\0K\r\n\r\n"),
	    CASE("HTTP/1.1 200 OK\r\nContent-Type: a\r\nContent-Type: b\r\n\r\n"),
	    CASE("ICY 200 OK\r\n\r\n"),
	    CASE("\r\nHTTP/1.1 200 OK\r\n\r\n"),
#undef CASE
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;

		if (response(cases[i], &e) != RC_INPUT) {
			fail_msg("'" STR_FMT "'", STR_ARG(cases[i]));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_plain_request_is_understood),
	    cmocka_unit_test(a_request_without_a_body_has_none),
	    cmocka_unit_test(the_smuggling_table_is_refused_row_by_row),
	    cmocka_unit_test(request_lines_have_one_form),
	    cmocka_unit_test(hosts_have_one_form),
	    cmocka_unit_test(fields_with_one_value_appear_once),
	    cmocka_unit_test(heads_are_bounded),
	    cmocka_unit_test(the_number_of_fields_is_bounded),
	    cmocka_unit_test(a_body_too_large_is_refused_before_it_is_read),
	    cmocka_unit_test(connections_close_when_told),
	    cmocka_unit_test(only_100_continue_can_be_expected),
	    cmocka_unit_test(accept_is_read_by_the_closest_range),
	    cmocka_unit_test(responses_are_framed_by_status_method_and_fields),
	    cmocka_unit_test(ambiguous_responses_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
