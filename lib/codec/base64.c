/* SPDX-License-Identifier: Apache-2.0 */
/* codec/base64.c - RFC 4648 sections 4 and 5.
 *
 * Trust:  text to decode is hostile.
 * Holds:  decode(text) succeeds only if encode(decode(text)) is text.
 */
#include "codec/base64.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static enum rc encode(struct buf *b, struct str bytes, const char *alphabet, bool with_padding)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	size_t n = bytes.n;
	size_t room;

	if (__builtin_mul_overflow(n / 3 + 1, (size_t)4, &room)) {
		return RC_LIMIT;
	}
	room = n / 3 * 4 + (n % 3 == 0 ? 0 : with_padding ? 4 : n % 3 + 1);
	TRY(buf_reserve(b, room));
	for (; n >= 3; n -= 3, p += 3) {
		b->p[b->n++] = alphabet[p[0] >> 2];
		b->p[b->n++] = alphabet[(p[0] & 3) << 4 | p[1] >> 4];
		b->p[b->n++] = alphabet[(p[1] & 15) << 2 | p[2] >> 6];
		b->p[b->n++] = alphabet[p[2] & 63];
	}
	if (n == 0) {
		return RC_OK;
	}
	b->p[b->n++] = alphabet[p[0] >> 2];
	if (n == 1) {
		b->p[b->n++] = alphabet[(p[0] & 3) << 4];
	} else {
		b->p[b->n++] = alphabet[(p[0] & 3) << 4 | p[1] >> 4];
		b->p[b->n++] = alphabet[(p[1] & 15) << 2];
	}
	for (; with_padding && n < 3; n++) {
		b->p[b->n++] = '=';
	}
	return RC_OK;
}

/* The value of a letter, or 64. No table lookup by what may be a secret. */
static unsigned letter_value(char c, const char *alphabet)
{
	if (c >= 'A' && c <= 'Z') {
		return (unsigned)(c - 'A');
	}
	if (c >= 'a' && c <= 'z') {
		return (unsigned)(c - 'a') + 26;
	}
	if (c >= '0' && c <= '9') {
		return (unsigned)(c - '0') + 52;
	}
	if (c == alphabet[62]) {
		return 62;
	}
	return c == alphabet[63] ? 63 : 64;
}

static enum rc decode_letters(struct buf *b, struct str letters, const char *alphabet)
{
	uint32_t bits = 0;
	unsigned n_bits = 0;

	for (size_t i = 0; i < letters.n; i++) {
		unsigned v = letter_value(letters.p[i], alphabet);

		if (v == 64) {
			return RC_INPUT;
		}
		bits = (bits << 6 | v) & 0xFFFF;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			b->p[b->n++] = (char)(unsigned char)(bits >> n_bits);
		}
	}
	/* RFC 4648 3.5: bits that encode nothing must be zero, or one value has several texts. */
	return (bits & ((1u << n_bits) - 1)) == 0 ? RC_OK : RC_INPUT;
}

static enum rc decode(struct buf *b, struct str text, const char *alphabet, bool with_padding)
{
	size_t before = b->n;
	enum rc rc;

	if (with_padding) {
		if (text.n % 4 != 0) {
			return RC_INPUT;
		}
		for (int i = 0; i < 2 && text.n > 0 && text.p[text.n - 1] == '='; i++) {
			text.n--;
		}
	}
	if (text.n % 4 == 1) {
		return RC_INPUT;
	}
	TRY(buf_reserve(b, text.n / 4 * 3 + (text.n % 4 ? text.n % 4 - 1 : 0)));
	rc = decode_letters(b, text, alphabet);
	if (rc != RC_OK) {
		b->n = before;
	}
	return rc;
}

enum rc base64_encode(struct buf *b, struct str bytes)
{
	return encode(b, bytes, standard, true);
}

enum rc base64_decode(struct buf *b, struct str text)
{
	return decode(b, text, standard, true);
}

enum rc base64url_encode(struct buf *b, struct str bytes)
{
	return encode(b, bytes, url_safe, false);
}

enum rc base64url_decode(struct buf *b, struct str text)
{
	return decode(b, text, url_safe, false);
}
