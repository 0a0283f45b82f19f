/* SPDX-License-Identifier: Apache-2.0 */
/* sse.c - the first byte is the size of the pieces in which the rest arrives: the events are those
 * of the whole; and each event, written, is read as itself. */
#include "codec/sse.h"

#include "fuzz.h"

enum { MAX_EVENT = 4096 };

static void check_writing(const struct sse_event *ev)
{
	AUTO_SSE_READER r = sse_reader_of(MAX_EVENT + 16);
	AUTO_BUF b = BUF_INIT(1 << 20);
	struct sse_event back;
	struct str input;

	MUST(sse_write(&b, ev) == RC_OK);
	input = buf_view(&b);
	MUST(sse_read(&r, &input, &back, NULL) == RC_OK);
	MUST(input.n == 0);
	MUST(str_eq(ev->event, back.event));
	MUST(str_eq(ev->data, back.data));
	MUST(ev->has_id == back.has_id && (!ev->has_id || str_eq(ev->id, back.id)));
	MUST(ev->has_retry == back.has_retry);
	MUST(!ev->has_retry || ev->retry_ms == back.retry_ms);
}

/* All events as one text that tells them apart. */
static enum rc read_all(struct str text, size_t piece, struct buf *out, bool with_writing)
{
	AUTO_SSE_READER r = sse_reader_of(MAX_EVENT);
	enum rc rc = RC_AGAIN;

	for (size_t at = 0; at < text.n && rc == RC_AGAIN; at += piece) {
		struct str part = str_slice(text, at, at + piece);
		struct sse_event ev;

		while ((rc = sse_read(&r, &part, &ev, NULL)) == RC_OK) {
			MUST(buf_addf(out, "%zu %zu %zu %d %d %llu ", ev.event.n, ev.data.n,
				      ev.id.n, ev.has_id, ev.has_retry,
				      (unsigned long long)ev.retry_ms) == RC_OK);
			MUST(buf_add(out, ev.event) == RC_OK);
			MUST(buf_add(out, ev.data) == RC_OK);
			MUST(buf_add(out, ev.id) == RC_OK);
			if (with_writing) {
				check_writing(&ev);
			}
		}
	}
	return rc;
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
	size_t piece = n && bytes[0] ? bytes[0] : 1;
	struct str text = n ? str_of(bytes + 1, n - 1) : STR("");
	AUTO_BUF a = BUF_INIT(1 << 26);
	AUTO_BUF b = BUF_INIT(1 << 26);

	if (n > 16384) {
		return 0;
	}
	MUST(read_all(text, n, &a, true) == read_all(text, piece, &b, false));
	MUST(str_eq(buf_view(&a), buf_view(&b)));
	return 0;
}
