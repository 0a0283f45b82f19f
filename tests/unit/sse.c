/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "codec/sse.h"

/* All events of a stream that comes in pieces, as text, one line each. */
static enum rc events(struct str stream, size_t piece, struct buf *out)
{
	AUTO_SSE_READER r = sse_reader_of(64);
	enum rc rc = RC_AGAIN;

	for (size_t at = 0; at < stream.n && rc == RC_AGAIN; at += piece) {
		struct str part = str_slice(stream, at, at + piece);
		struct sse_event ev;
		struct err e = ERR_INIT;

		while ((rc = sse_read(&r, &part, &ev, &e)) == RC_OK) {
			assert_ok(buf_addf(out, "[" STR_FMT "|" STR_FMT "|" STR_FMT "|%d|%llu]",
					   STR_ARG(ev.event), STR_ARG(ev.data), STR_ARG(ev.id),
					   ev.has_id,
					   (unsigned long long)(ev.has_retry ? ev.retry_ms : 0)));
		}
	}
	return rc;
}

static void streams_read_the_same_in_any_pieces(void **state)
{
	(void)state;
	static const struct {
		const char *stream;
		const char *events;
	} cases[] = {
	    /* The examples of the standard, section 9.2.6. */
	    {"data: YHOO\ndata: +2\ndata: 10\n\n", "[message|YHOO\n+2\n10||0|0]"},
	    {": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third "
	     "event\n\n",
	     "[message|first event|1|1|0][message|second event||1|0][message| third event||0|0]"},
	    {"data\n\ndata\ndata\n\ndata:", "[message|||0|0][message|\n||0|0]"},
	    {"data:test\n\ndata: test\n\n", "[message|test||0|0][message|test||0|0]"},
	    /* Line ends, mixed. */
	    {"data: a\r\n\r\ndata: b\r\rdata: c\n\ndata: d\r\n\ndata: e\n\r\n",
	     "[message|a||0|0][message|b||0|0][message|c||0|0][message|d||0|0][message|e||0|0]"},
	    {"data: a\r\ndata: b\r\n\r\ndata: c\rdata: d\r\r",
	     "[message|a\nb||0|0][message|c\nd||0|0]"},
	    {"event: x\ndata: 1\n\ndata: 2\n\n", "[x|1||0|0][message|2||0|0]"},
	    {"event: x\n\ndata: 2\n\n", "[message|2||0|0]"},
	    {"id: 7\n\ndata: 1\n\ndata: 2\n\n", "[message|1|7|1|0][message|2|7|0|0]"},
	    {"retry: 1500\n\ndata: 1\n\ndata: 2\n\n", "[message|1||0|1500][message|2||0|0]"},
	    {"retry: +5\nretry: 5s\nretry:\nretry: 99999999999\ndata: 1\n\n", "[message|1||0|0]"},
	    {"id: 9\ndata:\n\n", "[message||9|1|0]"},
	    {"Data: 1\n data: 2\ndata : 3\nother: x\n\n", ""},
	    {"\xef\xbb\xbf"
	     "data: 1\n\n\xef\xbb\xbf"
	     "data: 2\n\n",
	     "[message|1||0|0]"},
	    {"data: a:b: c\n\n", "[message|a:b: c||0|0]"},
	    {"data: unfinished\n", ""},
	    {"data: \xc3\xa9\n\n", "[message|\xc3\xa9||0|0]"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str stream = str_from(cases[i].stream);

		for (size_t piece = 1; piece <= stream.n; piece++) {
			AUTO_BUF out = BUF_INIT(1000);

			assert_rc(events(stream, piece, &out), RC_AGAIN);
			assert_str(buf_view(&out), cases[i].events);
		}
	}
}

static void an_id_with_a_nul_is_ignored(void **state)
{
	(void)state;
	AUTO_BUF out = BUF_INIT(1000);

	assert_rc(events(STR("id: 1\nid: a\0b\ndata: x\n\n"), 100, &out), RC_AGAIN);
	assert_str(buf_view(&out), "[message|x|1|1|0]");
}

static void lines_and_events_are_bounded(void **state)
{
	(void)state;
	static const char long_comment[] =
	    ":234567890123456789012345678901234567890123456789012345678901234567890";
	static const char many_lines[] = "data: 45678901234567890\ndata: 45678901234567890\n"
					 "data: 45678901234567890\ndata: 45678901234567890\n\n";
	char long_type[200];

	(void)snprintf(long_type, sizeof(long_type), "event: %0150d\n", 0);
	for (size_t piece = 1; piece < 200; piece += 7) {
		AUTO_BUF out = BUF_INIT(1000);

		assert_rc(events(str_from(long_comment), piece, &out), RC_LIMIT);
		assert_rc(events(str_from(many_lines), piece, &out), RC_LIMIT);
		assert_rc(events(str_from(long_type), piece, &out), RC_LIMIT);
	}
}

static void text_that_is_not_utf8_breaks_the_stream(void **state)
{
	(void)state;
	AUTO_SSE_READER r = sse_reader_of(100);
	struct str input = STR("data: \xff\n\ndata: x\n\n");
	struct sse_event ev;
	struct err e = ERR_INIT;

	assert_rc(sse_read(&r, &input, &ev, &e), RC_INPUT);
	input = STR("data: x\n\n");
	assert_rc(sse_read(&r, &input, &ev, &e), RC_INPUT);
}

static void blocks_are_written_line_by_line(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(1000);
	struct sse_event ev = {
	    .event = STR("progress"),
	    .data = STR("a\nb\r\nc\rd\n"),
	    .id = STR("17"),
	    .has_id = true,
	    .has_retry = true,
	    .retry_ms = 2000,
	};
	struct sse_event plain = {.data = STR("")};
	struct sse_event retry_only = {.has_retry = true, .retry_ms = 5};

	assert_ok(sse_write(&b, &ev));
	assert_ok(sse_write_keepalive(&b));
	assert_ok(sse_write(&b, &plain));
	assert_ok(sse_write(&b, &retry_only));
	assert_str(buf_view(&b), "event: progress\nid: 17\nretry: 2000\ndata: a\ndata: b\ndata: c\n"
				 "data: d\ndata: \n\n:\n\ndata: \n\nretry: 5\n\n");
}

static void nothing_can_be_injected_into_a_block(void **state)
{
	(void)state;
	static const struct str bad[] = {{"a\nb", 3}, {"a\rb", 3}, {"a\0b", 3}, {"\xff", 1}};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO_BUF b = BUF_INIT(1000);
		struct sse_event type = {.event = bad[i], .data = STR("x")};
		struct sse_event id = {.id = bad[i], .has_id = true, .data = STR("x")};

		assert_rc(sse_write(&b, &type), RC_INPUT);
		assert_rc(sse_write(&b, &id), RC_INPUT);
		assert_int_equal(b.n, 0);
	}
}

static void a_full_buffer_is_a_limit_and_stays_as_it_was(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(20);
	struct sse_event ev = {.event = STR("x"), .data = STR("0123456789")};

	assert_rc(sse_write(&b, &ev), RC_LIMIT);
	assert_int_equal(b.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(streams_read_the_same_in_any_pieces),
	    cmocka_unit_test(an_id_with_a_nul_is_ignored),
	    cmocka_unit_test(lines_and_events_are_bounded),
	    cmocka_unit_test(text_that_is_not_utf8_breaks_the_stream),
	    cmocka_unit_test(blocks_are_written_line_by_line),
	    cmocka_unit_test(nothing_can_be_injected_into_a_block),
	    cmocka_unit_test(a_full_buffer_is_a_limit_and_stays_as_it_was),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
