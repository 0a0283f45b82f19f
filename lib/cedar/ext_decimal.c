/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/ext_decimal.c - decimal numbers with one to four places, in 64 bits of ten-thousandths.
 *
 * Trust:  the text is hostile.
 */
#include <inttypes.h>

#include "cedar/ext.h"
#include "cedar/text.h"

enum { PLACES = 4 };

static bool is_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!cedar_is_digit(s.p[i])) {
			return false;
		}
	}
	return s.n > 0;
}

const char *cedar_decimal_parse(struct str s, int64_t *ret)
{
	bool is_negative = s.n && s.p[0] == '-';
	struct str whole = str_slice(s, is_negative ? 1 : 0, s.n);
	size_t dot = str_find(whole, '.');
	struct str places = str_slice(whole, dot + 1, whole.n);
	int64_t sum = 0;

	if (dot == whole.n || !is_digits(places)) {
		return "not a well-formed decimal value";
	}
	whole = str_slice(whole, 0, dot);
	if (!is_digits(whole)) {
		return "not a well-formed decimal value";
	}
	if (places.n > PLACES) {
		return "more than four digits after the point";
	}
	for (size_t i = 0; i < whole.n + PLACES; i++) {
		int64_t d = 0;

		if (i < whole.n) {
			d = whole.p[i] - '0';
		} else if (i - whole.n < places.n) {
			d = places.p[i - whole.n] - '0';
		}
		/* The sign goes into every digit, so that the least value is reachable and
		 * -0.0001 is not 0.0001. */
		if (__builtin_mul_overflow(sum, (int64_t)10, &sum) ||
		    __builtin_add_overflow(sum, is_negative ? -d : d, &sum)) {
			return "overflow";
		}
	}
	*ret = sum;
	return NULL;
}

enum rc cedar_decimal_print(struct buf *b, int64_t v)
{
	uint64_t size = v < 0 ? -(uint64_t)v : (uint64_t)v;

	return buf_addf(b, "%s%" PRIu64 ".%04" PRIu64, v < 0 ? "-" : "", size / 10000,
			size % 10000);
}
