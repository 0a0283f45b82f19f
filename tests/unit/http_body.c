/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "codec/http.h"

static struct http_body body_with(enum http_framing framing, uint64_t length, uint64_t max)
{
	struct http_head h = {.framing = framing, .content_length = length};

	return http_body_of(&h, max);
}

/* Feeds text in pieces; the pieces must not matter. Returns what the last call said. */
static enum rc feed(struct http_body *body, struct str text, size_t piece, struct buf *out,
		    struct str *ret_rest)
{
	struct err e = ERR_INIT;
	size_t at = 0;

	for (;;) {
		struct str part = str_slice(text, at, at + piece);
		size_t before = part.n;
		enum rc rc = http_body_read(body, &part, out, &e);

		at += before - part.n;
		*ret_rest = str_slice(text, at, text.n);
		if (rc != RC_AGAIN || at == text.n) {
			return rc;
		}
		assert_int_equal(part.n, 0);
	}
}

static void chunks_are_joined_however_they_arrive(void **state)
{
	(void)state;
	struct str text =
	    STR("4\r\nWiki\r\n5\r\npedia\r\n00e\r\n in\r\n\r\nchunks.\r\n0\r\n\r\nGET /");

	for (size_t piece = 1; piece <= text.n; piece++) {
		struct http_body body = body_with(HTTP_BODY_CHUNKED, 0, 1000);
		AUTO_BUF out = BUF_INIT(1000);
		struct str rest;

		assert_ok(feed(&body, text, piece, &out, &rest));
		assert_str(buf_view(&out), "Wikipedia in\r\n\r\nchunks.");
		assert_str(rest, "GET /");
		assert_ok(http_body_end(&body, NULL));
		/* Complete stays complete, and takes nothing more. */
		assert_ok(http_body_read(&body, &rest, &out, NULL));
		assert_str(rest, "GET /");
	}
}

static void every_other_form_of_a_chunk_is_refused(void **state)
{
	(void)state;
	static const struct str cases[] = {
#define CASE(text) {text, sizeof(text) - 1}
	    CASE("0x2\r\nab\r\n0\r\n\r\n"),
	    CASE("+2\r\nab\r\n0\r\n\r\n"),
	    CASE("-2\r\nab\r\n0\r\n\r\n"),
	    CASE(" 2\r\nab\r\n0\r\n\r\n"),
	    CASE("2 \r\nab\r\n0\r\n\r\n"),
	    CASE("2;a=b\r\nab\r\n0\r\n\r\n"),
	    CASE("2\nab\r\n0\r\n\r\n"),
	    CASE("2\r\nab\n0\r\n\r\n"),
	    CASE("2\r\nabc\r\n0\r\n\r\n"),
	    CASE("2\r\nab0\r\n\r\n"),
	    CASE("\r\nab\r\n0\r\n\r\n"),
	    CASE("g\r\n\r\n"),
	    CASE("2\r\rab\r\n0\r\n\r\n"),
	    CASE("0\r\nTrailer: x\r\n\r\n"),
	    CASE("0\r\n\n"),
	    CASE("0\r\n\rx"),
	    CASE("0\n\n"),
	    CASE("0000000002\r\nab\r\n0\r\n\r\n"),
	    CASE("2\r\nab\r\n\r\n0\r\n\r\n"),
	    CASE("\r\n\r\n"),
	    CASE("2\r\nab\r\n\r\n\r\n"),
	    CASE("\0\r\n\r\n"),
#undef CASE
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t piece = 1; piece < 20; piece += 18) {
			struct http_body body = body_with(HTTP_BODY_CHUNKED, 0, 1000);
			AUTO_BUF out = BUF_INIT(1000);
			struct str rest;

			if (feed(&body, cases[i], piece, &out, &rest) != RC_INPUT) {
				fail_msg("'" STR_FMT "'", STR_ARG(cases[i]));
			}
			/* Broken stays broken. */
			rest = STR("0\r\n\r\n");
			assert_rc(http_body_read(&body, &rest, &out, NULL), RC_INPUT);
			assert_rc(http_body_end(&body, NULL), RC_INPUT);
		}
	}
}

static void a_chunk_over_the_limit_is_refused_when_announced(void **state)
{
	(void)state;
	struct http_body body = body_with(HTTP_BODY_CHUNKED, 0, 10);
	struct http_body stream = body_with(HTTP_BODY_CHUNKED, 0, UINT64_MAX);
	AUTO_BUF out = BUF_INIT(8);
	struct str rest;

	assert_rc(feed(&body, STR("6\r\nabcdef\r\n5"), 3, &out, &rest), RC_LIMIT);
	assert_str(buf_view(&out), "abcdef");
	assert_rc(feed(&stream, STR("ffffffff\r\nabc"), 100, &out, &rest), RC_LIMIT);
}

static void a_length_is_counted_to_the_byte(void **state)
{
	(void)state;
	for (size_t piece = 1; piece < 8; piece++) {
		struct http_body body = body_with(HTTP_BODY_LENGTH, 5, 5);
		AUTO_BUF out = BUF_INIT(100);
		struct str rest;

		assert_rc(feed(&body, STR("hel"), piece, &out, &rest), RC_AGAIN);
		assert_rc(http_body_end(&body, NULL), RC_INPUT);
		assert_ok(feed(&body, STR("loGET"), piece, &out, &rest));
		assert_str(rest, "GET");
		assert_str(buf_view(&out), "hello");
		assert_ok(http_body_end(&body, NULL));
	}
}

static void a_length_over_the_limit_is_refused_at_once(void **state)
{
	(void)state;
	struct http_body body = body_with(HTTP_BODY_LENGTH, 6, 5);
	AUTO_BUF out = BUF_INIT(100);
	struct str input = STR("");

	assert_rc(http_body_read(&body, &input, &out, NULL), RC_LIMIT);
}

static void without_a_framing_the_close_is_the_end(void **state)
{
	(void)state;
	struct http_body body = body_with(HTTP_BODY_UNTIL_CLOSE, 0, 5);
	struct http_body over = body_with(HTTP_BODY_UNTIL_CLOSE, 0, 4);
	AUTO_BUF out = BUF_INIT(100);
	struct str rest;

	assert_rc(feed(&body, STR("hello"), 2, &out, &rest), RC_AGAIN);
	assert_ok(http_body_end(&body, NULL));
	assert_str(buf_view(&out), "hello");
	assert_rc(feed(&over, STR("hello"), 2, &out, &rest), RC_LIMIT);
	assert_rc(http_body_end(&over, NULL), RC_INPUT);
}

static void no_body_is_complete_at_once(void **state)
{
	(void)state;
	struct http_body body = body_with(HTTP_BODY_NONE, 0, 5);
	AUTO_BUF out = BUF_INIT(100);
	struct str input = STR("GET");

	assert_ok(http_body_read(&body, &input, &out, NULL));
	assert_str(input, "GET");
	assert_ok(http_body_end(&body, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(chunks_are_joined_however_they_arrive),
	    cmocka_unit_test(every_other_form_of_a_chunk_is_refused),
	    cmocka_unit_test(a_chunk_over_the_limit_is_refused_when_announced),
	    cmocka_unit_test(a_length_is_counted_to_the_byte),
	    cmocka_unit_test(a_length_over_the_limit_is_refused_at_once),
	    cmocka_unit_test(without_a_framing_the_close_is_the_end),
	    cmocka_unit_test(no_body_is_complete_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
