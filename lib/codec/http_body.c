/* SPDX-License-Identifier: Apache-2.0 */
/* codec/http_body.c - the bytes behind a head (RFC 9112 sections 6.3 and 7.1).
 *
 * Trust:  hostile.
 * Holds:  (1) never takes a byte that belongs to the next message.
 *         (2) what is appended is at most max_bytes, decided when a size is announced.
 * States: SIZE -CR-> SIZE_LF -LF-> DATA -last byte-> DATA_CR -CR-> DATA_LF -LF-> SIZE;
 *         SIZE_LF of an empty chunk -LF-> END_CR -CR-> END_LF -LF-> done; any error -> BROKEN.
 */
#include "codec/http.h"

enum chunk_state {
	CHUNK_BROKEN = 0,
	CHUNK_SIZE,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_END_CR,
	CHUNK_END_LF,
};

enum { MAX_SIZE_DIGITS = 8 };

struct http_body http_body_of(const struct http_head *h, uint64_t max_bytes)
{
	return (struct http_body){
	    .framing = h->framing,
	    .chunk_state = CHUNK_SIZE,
	    .left = h->framing == HTTP_BODY_LENGTH ? h->content_length : 0,
	    .room = max_bytes,
	    .is_done = h->framing == HTTP_BODY_NONE,
	};
}

static enum rc fail(struct http_body *body, enum rc rc, const char *what, struct err *e)
{
	body->chunk_state = CHUNK_BROKEN;
	FAIL(e, rc, "%s", what);
}

/* Moves up to max bytes from the input to out. */
static enum rc move(struct http_body *body, struct str *input, uint64_t max, struct buf *out,
		    struct err *e)
{
	size_t n = input->n < max ? input->n : (size_t)max;
	enum rc rc;

	if (n > body->room) {
		return fail(body, RC_LIMIT, "body too large", e);
	}
	rc = buf_add(out, str_slice(*input, 0, n));
	if (rc != RC_OK) {
		return fail(body, rc, rc == RC_LIMIT ? "body too large" : "no memory for a body",
			    e);
	}
	*input = str_slice(*input, n, input->n);
	body->room -= n;
	return RC_OK;
}

static int hex_value(char c)
{
	char letter = (char)(c | 0x20);

	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

static enum rc size_byte(struct http_body *body, char c, struct err *e)
{
	int digit = hex_value(c);

	if (digit < 0) {
		if (c != '\r' || body->chunk_digits == 0) {
			return fail(body, RC_INPUT,
				    c == ';' ? "chunk extension" : "malformed chunk size", e);
		}
		body->chunk_state = CHUNK_SIZE_LF;
		return RC_OK;
	}
	if (body->chunk_digits == MAX_SIZE_DIGITS) {
		return fail(body, RC_INPUT, "chunk size with too many digits", e);
	}
	body->chunk_digits++;
	body->left = body->left << 4 | (unsigned)digit;
	if (body->left > body->room) {
		return fail(body, RC_LIMIT, "body too large", e);
	}
	return RC_OK;
}

/* One byte that must be `want`, and the state behind it. */
static enum rc fixed_byte(struct http_body *body, char c, char want, enum chunk_state next,
			  struct err *e)
{
	if (c != want) {
		return fail(body, RC_INPUT,
			    body->chunk_state == CHUNK_END_CR ? "trailer behind the chunks"
							      : "malformed end of a chunk line",
			    e);
	}
	body->chunk_state = next;
	return RC_OK;
}

static enum rc framing_byte(struct http_body *body, char c, struct err *e)
{
	switch ((enum chunk_state)body->chunk_state) {
	case CHUNK_SIZE:
		return size_byte(body, c, e);
	case CHUNK_SIZE_LF:
		body->chunk_digits = 0;
		return fixed_byte(body, c, '\n', body->left ? CHUNK_DATA : CHUNK_END_CR, e);
	case CHUNK_DATA_CR:
		return fixed_byte(body, c, '\r', CHUNK_DATA_LF, e);
	case CHUNK_DATA_LF:
		return fixed_byte(body, c, '\n', CHUNK_SIZE, e);
	case CHUNK_END_CR:
		return fixed_byte(body, c, '\r', CHUNK_END_LF, e);
	case CHUNK_END_LF:
		body->is_done = c == '\n';
		return fixed_byte(body, c, '\n', CHUNK_END_LF, e);
	case CHUNK_DATA:
	case CHUNK_BROKEN:
		break;
	}
	return fail(body, RC_INPUT, "body was broken before", e);
}

static enum rc read_chunks(struct http_body *body, struct str *input, struct buf *out,
			   struct err *e)
{
	while (input->n > 0 && !body->is_done) {
		size_t before = input->n;

		if (body->chunk_state == CHUNK_DATA) {
			TRY(move(body, input, body->left, out, e));
			body->left -= before - input->n;
			if (body->left == 0) {
				body->chunk_state = CHUNK_DATA_CR;
			}
			continue;
		}
		TRY(framing_byte(body, input->p[0], e));
		*input = str_slice(*input, 1, input->n);
	}
	return body->is_done ? RC_OK : RC_AGAIN;
}

enum rc http_body_read(struct http_body *body, struct str *input, struct buf *out, struct err *e)
{
	size_t before = input->n;

	if (body->is_done) {
		return RC_OK;
	}
	if (body->chunk_state == CHUNK_BROKEN) {
		FAIL(e, RC_INPUT, "body was broken before");
	}
	switch (body->framing) {
	case HTTP_BODY_LENGTH:
		if (body->left > body->room) {
			return fail(body, RC_LIMIT, "body too large", e);
		}
		TRY(move(body, input, body->left, out, e));
		body->left -= before - input->n;
		body->is_done = body->left == 0;
		return body->is_done ? RC_OK : RC_AGAIN;
	case HTTP_BODY_CHUNKED:
		return read_chunks(body, input, out, e);
	case HTTP_BODY_UNTIL_CLOSE:
		TRY(move(body, input, UINT64_MAX, out, e));
		return RC_AGAIN;
	case HTTP_BODY_NONE:
		break;
	}
	return RC_OK;
}

enum rc http_body_end(struct http_body *body, struct err *e)
{
	if (body->framing == HTTP_BODY_UNTIL_CLOSE && body->chunk_state != CHUNK_BROKEN) {
		body->is_done = true;
	}
	if (!body->is_done) {
		FAIL(e, RC_INPUT, "connection closed in the middle of a body");
	}
	return RC_OK;
}
