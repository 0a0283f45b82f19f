/* SPDX-License-Identifier: Apache-2.0 */
/* base64.c - any bytes survive; any text that is accepted is the only text of its bytes. */
#include "codec/base64.h"

#include "fuzz.h"

enum { ROOM = 1 << 24 };

typedef enum rc coder(struct buf *b, struct str s);

static void check(struct str s, coder *encode, coder *decode)
{
	AUTO_BUF text = BUF_INIT(ROOM);
	AUTO_BUF bytes = BUF_INIT(ROOM);
	AUTO_BUF back = BUF_INIT(ROOM);

	MUST(encode(&text, s) == RC_OK);
	MUST(decode(&bytes, buf_view(&text)) == RC_OK);
	MUST(str_eq(buf_view(&bytes), s));
	buf_reset(&bytes);
	if (decode(&bytes, s) == RC_OK) {
		MUST(encode(&back, buf_view(&bytes)) == RC_OK);
		MUST(str_eq(buf_view(&back), s));
	} else {
		MUST(bytes.n == 0);
	}
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
	struct str s = str_of(bytes, n);

	check(s, base64_encode, base64_decode);
	check(s, base64url_encode, base64url_decode);
	return 0;
}
