/* SPDX-License-Identifier: Apache-2.0 */
/* base/num.c - strict numbers. */
#include "base/num.h"

bool num_u64(struct str s, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (s.n == 0 || (s.n > 1 && s.p[0] == '0')) {
		return false;
	}
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9') {
			return false;
		}
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v)) {
			return false;
		}
	}
	if (v > max) {
		return false;
	}
	*ret = v;
	return true;
}

bool num_i64(struct str s, int64_t *ret)
{
	bool negative = s.n > 0 && s.p[0] == '-';
	uint64_t v;

	if (!num_u64(negative ? str_slice(s, 1, s.n) : s,
		     negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX, &v)) {
		return false;
	}
	if (negative && v == 0) {
		return false;
	}
	*ret = negative ? (int64_t)(~v + 1) : (int64_t)v;
	return true;
}

bool num_duration_ms(struct str s, uint64_t *ret_ms)
{
	static const struct {
		struct str unit;
		uint64_t ms;
	} units[] = {
	    {{"ms", 2}, 1},	 {{"s", 1}, 1000},     {{"m", 1}, 60000},
	    {{"h", 1}, 3600000}, {{"d", 1}, 86400000},
	};
	size_t digits = 0;
	struct str unit;
	uint64_t v;

	while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9') {
		digits++;
	}
	unit = str_slice(s, digits, s.n);
	if (!num_u64(str_slice(s, 0, digits), UINT64_MAX, &v)) {
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (str_eq(unit, units[i].unit)) {
			return !__builtin_mul_overflow(v, units[i].ms, ret_ms);
		}
	}
	return false;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool num_hex(struct str s, uint8_t *ret, size_t n)
{
	if (s.n != 2 * n) {
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		int high = hex_digit(s.p[2 * i]);
		int low = hex_digit(s.p[2 * i + 1]);

		if (high < 0 || low < 0) {
			return false;
		}
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}
