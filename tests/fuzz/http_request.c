/* SPDX-License-Identifier: Apache-2.0 */
/* http_request.c - the verdict does not depend on how the bytes arrive, and an accepted head,
 * written again, is read as the same head. */
#include "codec/http.h"

#include "fuzz.h"

static struct http_head whole;
static struct http_head pieces;
static struct http_head again;

static enum rc parse_in_pieces(struct str bytes)
{
	size_t step = bytes.n < 600 ? 1 : 97;
	size_t scanned = 0;
	enum rc rc = RC_AGAIN;

	for (size_t n = 0; rc == RC_AGAIN; n += step) {
		rc = http_parse_request(str_slice(bytes, 0, n), &scanned, &pieces, NULL);
		if (n >= bytes.n) {
			return rc;
		}
	}
	return rc;
}

static bool is_writers(struct str name)
{
	return str_eq_nocase(name, STR("Host")) || str_eq_nocase(name, STR("Content-Length")) ||
	       str_eq_nocase(name, STR("Transfer-Encoding"));
}

/* The fields in order, without those that the writer puts in its own place. */
static void check_fields(const struct http_head *a, const struct http_head *b)
{
	size_t j = 0;

	for (size_t i = 0; i < a->n_fields; i++) {
		if (is_writers(a->fields[i].name)) {
			continue;
		}
		while (j < b->n_fields && is_writers(b->fields[j].name)) {
			j++;
		}
		MUST(j < b->n_fields);
		MUST(str_eq(a->fields[i].name, b->fields[j].name));
		MUST(str_eq(a->fields[i].value, b->fields[j].value));
		j++;
	}
}

static void check_writing(const struct http_head *h)
{
	AUTO_BUF b = BUF_INIT(1 << 16);
	size_t scanned = 0;
	struct http_out w =
	    http_out_request(&b, h->method, h->target, http_header_get(h, STR("host")));

	for (size_t i = 0; i < h->n_fields; i++) {
		if (!is_writers(h->fields[i].name)) {
			http_out_field(&w, h->fields[i].name, h->fields[i].value);
		}
	}
	if (h->framing == HTTP_BODY_LENGTH) {
		http_out_length(&w, h->content_length);
	} else if (h->framing == HTTP_BODY_CHUNKED) {
		http_out_chunked(&w);
	}
	if (http_out_end(&w, NULL) == RC_LIMIT) {
		return; /* blanks that were saved elsewhere */
	}
	MUST(w.rc == RC_OK);
	MUST(http_parse_request(buf_view(&b), &scanned, &again, NULL) == RC_OK);
	MUST(again.head_bytes == b.n);
	MUST(str_eq(h->method, again.method) && str_eq(h->target, again.target));
	MUST(str_eq(h->path, again.path) && str_eq(h->query, again.query));
	MUST(h->framing == again.framing && h->content_length == again.content_length);
	MUST(h->keeps_alive == again.keeps_alive && h->expects_continue == again.expects_continue);
	check_fields(h, &again);
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
	struct str text = str_of(bytes, n);
	size_t scanned = 0;
	enum rc rc = http_parse_request(text, &scanned, &whole, NULL);

	MUST(parse_in_pieces(text) == rc);
	MUST(scanned <= n);
	if (rc == RC_AGAIN) {
		return 0;
	}
	MUST(whole.refuse_status == pieces.refuse_status);
	MUST((rc == RC_OK) == (whole.refuse_status == 0));
	if (rc != RC_OK) {
		return 0;
	}
	MUST(whole.head_bytes == pieces.head_bytes && whole.head_bytes <= n);
	check_writing(&whole);
	return 0;
}
