/* SPDX-License-Identifier: Apache-2.0 */
/* http_response.c - the first byte chooses the method that is answered; the verdict does not depend
 * on how the rest arrives, and a head that is accepted has the framing its fields say. */
#include "codec/http.h"

#include "fuzz.h"

static struct http_head whole;
static struct http_head pieces;

static enum rc parse_in_pieces(struct str bytes, struct str method)
{
	size_t step = bytes.n < 600 ? 1 : 97;
	size_t scanned = 0;
	enum rc rc = RC_AGAIN;

	for (size_t n = 0; rc == RC_AGAIN; n += step) {
		rc = http_parse_response(str_slice(bytes, 0, n), &scanned, method, &pieces, NULL);
		if (n >= bytes.n) {
			return rc;
		}
	}
	return rc;
}

static void check_framing(const struct http_head *h)
{
	bool has_length = http_header_get(h, STR("content-length")).p != NULL;
	bool has_coding = http_header_get(h, STR("transfer-encoding")).p != NULL;

	MUST(!(has_length && has_coding));
	MUST(h->status >= 100 && h->status <= 599);
	switch (h->framing) {
	case HTTP_BODY_NONE:
		break;
	case HTTP_BODY_LENGTH:
		MUST(has_length && h->content_length > 0);
		break;
	case HTTP_BODY_CHUNKED:
		MUST(has_coding);
		break;
	case HTTP_BODY_UNTIL_CLOSE:
		MUST(!has_length && !has_coding && !h->keeps_alive);
		break;
	}
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
	struct str method = n && bytes[0] == 'H' ? STR("HEAD") : STR("POST");
	struct str text = n ? str_of(bytes + 1, n - 1) : STR("");
	size_t scanned = 0;
	enum rc rc = http_parse_response(text, &scanned, method, &whole, NULL);

	MUST(parse_in_pieces(text, method) == rc);
	if (rc == RC_OK) {
		MUST(whole.head_bytes == pieces.head_bytes && whole.head_bytes <= n);
		check_framing(&whole);
	}
	return 0;
}
