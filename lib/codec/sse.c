/* SPDX-License-Identifier: Apache-2.0 */
/* codec/sse.c - WHATWG HTML 9.2.5 and 9.2.6, incrementally.
 *
 * Trust:  the stream is an upstream's, hence hostile.
 * Holds:  (1) events do not depend on how the stream was cut into pieces.
 *         (2) memory is at most two times the maximum of an event, plus its type and id.
 */
#include "codec/sse.h"

#include <string.h>

#include "base/limits.h"
#include "base/num.h"

struct sse_reader sse_reader_of(size_t max_event_bytes)
{
	return (struct sse_reader){
	    .line = BUF_INIT(max_event_bytes),
	    .event = BUF_INIT(LIMIT_ID_BYTES),
	    .data = BUF_INIT(max_event_bytes),
	    .last_id = BUF_INIT(LIMIT_TEXT_BYTES),
	};
}

void sse_reader_fini(struct sse_reader *r)
{
	if (r) {
		buf_fini(&r->line);
		buf_fini(&r->event);
		buf_fini(&r->data);
		buf_fini(&r->last_id);
	}
}

static enum rc replace(struct buf *b, struct str s)
{
	buf_reset(b);
	return buf_add(b, s);
}

/* Data is kept with an LF between lines, not behind the last. */
static enum rc add_data(struct sse_reader *r, struct str value)
{
	if (r->has_data) {
		TRY(buf_add_char(&r->data, '\n'));
	}
	r->has_data = true;
	return buf_add(&r->data, value);
}

static enum rc take_line(struct sse_reader *r, struct str line)
{
	struct str value = line;
	struct str name = str_cut(&value, ':');
	uint64_t ms;

	if (!str_is_utf8(line)) {
		return RC_INPUT;
	}
	if (value.n && value.p[0] == ' ') {
		value = str_slice(value, 1, value.n);
	}
	if (str_eq(name, STR("data"))) {
		return add_data(r, value);
	}
	if (str_eq(name, STR("event"))) {
		return str_find(value, '\0') == value.n ? replace(&r->event, value) : RC_INPUT;
	}
	if (str_eq(name, STR("id"))) {
		if (str_find(value, '\0') == value.n) {
			r->has_id = true;
			return replace(&r->last_id, value);
		}
		return RC_OK;
	}
	if (str_eq(name, STR("retry")) && num_u64(value, UINT32_MAX, &ms)) {
		r->retry_ms = ms;
		r->has_retry = true;
	}
	return RC_OK; /* a comment, or a field of another standard */
}

/* The empty line: an event, unless there was no data. */
static bool dispatch(struct sse_reader *r, struct sse_event *ret)
{
	if (!r->has_data) {
		buf_reset(&r->event);
		return false;
	}
	*ret = (struct sse_event){
	    .event = r->event.n ? buf_view(&r->event) : STR("message"),
	    .data = r->data.n ? buf_view(&r->data) : STR(""),
	    .id = buf_view(&r->last_id),
	    .has_id = r->has_id,
	    .has_retry = r->has_retry,
	    .retry_ms = r->retry_ms,
	};
	r->is_dispatched = true;
	return true;
}

static void forget_dispatched(struct sse_reader *r)
{
	if (r->is_dispatched) {
		r->is_dispatched = false;
		r->has_data = false;
		r->has_id = false;
		r->has_retry = false;
		buf_reset(&r->event);
		buf_reset(&r->data);
	}
}

/* Offset of the first CR or LF, or s.n. */
static size_t find_line_end(struct str s)
{
	size_t lf = str_find(s, '\n');

	return str_find(str_slice(s, 0, lf), '\r');
}

/* A whole line is in *ret, which borrows from the input or from r->line; or RC_AGAIN. */
static enum rc next_line(struct sse_reader *r, struct str *input, struct str *ret)
{
	size_t end;

	if (r->skips_lf && input->n) {
		r->skips_lf = false;
		if (input->p[0] == '\n') {
			*input = str_slice(*input, 1, input->n);
		}
	}
	end = find_line_end(*input);
	*ret = str_slice(*input, 0, end);
	if (end == input->n || r->line.n) {
		TRY(buf_add(&r->line, *ret));
		*ret = buf_view(&r->line);
	}
	if (ret->n > r->line.max) {
		return RC_LIMIT;
	}
	if (end == input->n) {
		*input = str_slice(*input, end, end);
		return RC_AGAIN;
	}
	r->skips_lf = input->p[end] == '\r';
	*input = str_slice(*input, end + 1, input->n);
	return RC_OK;
}

/* One byte-order mark at the very start is not part of the stream. */
static struct str without_mark(struct sse_reader *r, struct str line)
{
	bool is_first = !r->is_started;

	r->is_started = true;
	return is_first && str_has_prefix(line, STR("\xef\xbb\xbf")) ? str_slice(line, 3, line.n)
								     : line;
}

static enum rc read_event(struct sse_reader *r, struct str *input, struct sse_event *ret)
{
	forget_dispatched(r);
	for (;;) {
		struct str line;

		TRY(next_line(r, input, &line));
		line = without_mark(r, line);
		if (line.n == 0) {
			buf_reset(&r->line);
			if (dispatch(r, ret)) {
				return RC_OK;
			}
			continue;
		}
		TRY(take_line(r, line));
		buf_reset(&r->line);
	}
}

enum rc sse_read(struct sse_reader *r, struct str *input, struct sse_event *ret, struct err *e)
{
	enum rc rc;

	if (r->is_broken) {
		FAIL(e, RC_INPUT, "event stream was broken before");
	}
	rc = read_event(r, input, ret);
	if (rc == RC_OK || rc == RC_AGAIN) {
		return rc;
	}
	r->is_broken = true;
	switch (rc) {
	case RC_LIMIT:
		FAIL(e, rc, "event larger than %zu bytes, or its type or id too long", r->data.max);
	case RC_NOMEM:
		FAIL(e, rc, "no memory for an event");
	case RC_OK:
	case RC_INPUT:
	case RC_DENIED:
	case RC_AGAIN:
	case RC_IO:
	case RC_BROKEN:
	case RC_ABSENT:
		break;
	}
	FAIL(e, RC_INPUT, "event stream that is not UTF-8, or a type with a NUL");
}

static bool is_one_line(struct str s)
{
	return find_line_end(s) == s.n && str_find(s, '\0') == s.n && str_is_utf8(s);
}

static enum rc write_field(struct buf *b, struct str name, struct str value)
{
	TRY(buf_add(b, name));
	TRY(buf_add(b, value));
	return buf_add_char(b, '\n');
}

static enum rc write_data(struct buf *b, struct str data)
{
	for (;;) {
		size_t end = find_line_end(data);

		TRY(write_field(b, STR("data: "), str_slice(data, 0, end)));
		if (end == data.n) {
			return RC_OK;
		}
		if (data.p[end] == '\r' && end + 1 < data.n && data.p[end + 1] == '\n') {
			end++;
		}
		data = str_slice(data, end + 1, data.n);
	}
}

static enum rc write_block(struct buf *b, const struct sse_event *event)
{
	if (event->event.n) {
		TRY(write_field(b, STR("event: "), event->event));
	}
	if (event->has_id) {
		TRY(write_field(b, STR("id: "), event->id));
	}
	if (event->has_retry) {
		TRY(buf_addf(b, "retry: %llu\n", (unsigned long long)event->retry_ms));
	}
	if (event->data.p) {
		TRY(write_data(b, event->data));
	}
	return buf_add_char(b, '\n');
}

enum rc sse_write(struct buf *b, const struct sse_event *event)
{
	size_t before = b->n;
	enum rc rc;

	if (!is_one_line(event->event) || (event->has_id && !is_one_line(event->id)) ||
	    !str_is_utf8(event->data)) {
		return RC_INPUT;
	}
	rc = write_block(b, event);
	if (rc != RC_OK) {
		b->n = before;
	}
	return rc;
}

enum rc sse_write_keepalive(struct buf *b)
{
	return buf_add(b, STR(":\n\n"));
}
