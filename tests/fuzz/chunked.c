/* SPDX-License-Identifier: Apache-2.0 */
/* chunked.c - the first byte is the size of the pieces in which the rest arrives: verdict, body and
 * what is left are those of the whole; and what was decoded, written as chunks, decodes to itself.
 */
#include "codec/http.h"

#include "fuzz.h"

enum { ROOM = 1 << 16 };

static struct http_body new_body(void)
{
	struct http_head h = {.framing = HTTP_BODY_CHUNKED};

	return http_body_of(&h, ROOM);
}

static enum rc read_in_pieces(struct str text, size_t piece, struct buf *out, size_t *ret_used)
{
	struct http_body body = new_body();
	enum rc rc = RC_AGAIN;
	size_t used = 0;

	while (used < text.n && rc == RC_AGAIN) {
		struct str part = str_slice(text, used, used + piece);
		size_t before = part.n;

		rc = http_body_read(&body, &part, out, NULL);
		MUST(rc != RC_AGAIN || part.n == 0);
		used += before - part.n;
	}
	MUST((http_body_end(&body, NULL) == RC_OK) == (rc == RC_OK));
	*ret_used = used;
	return rc;
}

static void check_writing(struct str data, size_t piece)
{
	AUTO_BUF chunks = BUF_INIT(16 * ROOM);
	AUTO_BUF back = BUF_INIT(ROOM);
	size_t used;

	for (size_t at = 0; at < data.n; at += piece) {
		MUST(http_out_chunk(&chunks, str_slice(data, at, at + piece)) == RC_OK);
	}
	MUST(http_out_last_chunk(&chunks) == RC_OK);
	MUST(read_in_pieces(buf_view(&chunks), SIZE_MAX / 2, &back, &used) == RC_OK);
	MUST(used == chunks.n);
	MUST(str_eq(buf_view(&back), data));
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
	size_t piece = n && bytes[0] ? bytes[0] : 1;
	struct str text = n ? str_of(bytes + 1, n - 1) : STR("");
	AUTO_BUF a = BUF_INIT(ROOM);
	AUTO_BUF b = BUF_INIT(ROOM);
	size_t used_whole;
	size_t used_pieces;
	enum rc rc = read_in_pieces(text, SIZE_MAX / 2, &a, &used_whole);

	MUST(read_in_pieces(text, piece, &b, &used_pieces) == rc);
	if (rc == RC_OK || rc == RC_AGAIN) {
		MUST(used_whole == used_pieces);
		MUST(str_eq(buf_view(&a), buf_view(&b)));
		check_writing(buf_view(&a), piece);
	}
	return 0;
}
