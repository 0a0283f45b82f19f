/* SPDX-License-Identifier: Apache-2.0 */
/* codec/sse.h - server-sent events (WHATWG HTML, section 9.2), both ways.
 *
 * The reader takes the decoded body of a response in any pieces and gives events; the writer
 * appends them to a buffer. Every event, line and id is bounded. Text that is not UTF-8 is refused
 * instead of being replaced, since the next reader would replace it otherwise.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct sse_event {
	struct str
	    event; /* type; read: "message" when the stream names none; written: may be empty */
	struct str data; /* lines joined by LF; written: p == NULL writes no data, so no event */
	struct str id;	 /* read: the last id of the stream; written: only with has_id */
	bool has_id;	 /* this block carried an id */
	bool has_retry;	 /* a retry came since the event before */
	uint64_t retry_ms;
};

/* Owns buffers: sse_reader_fini. Its fields are its own, but for the two at the end. */
struct sse_reader {
	struct buf line; /* begun in an earlier piece */
	struct buf event;
	struct buf data;
	bool is_started;
	bool skips_lf; /* the last byte was a CR: an LF is part of it */
	bool has_data;
	bool has_id;
	bool has_retry;
	bool is_dispatched; /* the buffers hold an event that was given out */
	bool is_broken;
	struct buf last_id; /* to resume with */
	uint64_t retry_ms;  /* 0 until the stream names one */
};

/* max_event_bytes bounds a line and the data of one event. */
struct sse_reader sse_reader_of(size_t max_event_bytes);
void sse_reader_fini(struct sse_reader *r);
#define AUTO_SSE_READER CLEANUP(sse_reader_fini) struct sse_reader

/* Takes bytes from the front of *input, which is moved on. RC_OK: one event, borrowed from r until
 * the next call; call again for more. RC_AGAIN: all of *input was taken. RC_INPUT: not UTF-8, or a
 * NUL in a type. RC_LIMIT, RC_NOMEM. After an error the reader answers RC_INPUT for ever. An event
 * that is unfinished when the stream ends was never there. */
enum rc sse_read(struct sse_reader *r, struct str *input, struct sse_event *ret, struct err *e);

/* One block. Data is split at CR, LF and CRLF, so a reader sees every line end as LF. RC_INPUT for
 * a line end or NUL in event or id, or text that is not UTF-8; RC_LIMIT, RC_NOMEM; b is then
 * unchanged. */
enum rc sse_write(struct buf *b, const struct sse_event *event);
/* A comment that readers ignore: keeps connections open. */
enum rc sse_write_keepalive(struct buf *b);
