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

/* ---- dates ---- */

/* Days from 1970-01-01 of a date of the proleptic Gregorian calendar. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t shifted = month > 2 ? year : year - 1;
	int64_t era = shifted / 400;
	int64_t year_of_era = shifted - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

/* Exactly n digits. */
static bool parse_digits(struct str text, size_t n, int64_t *ret)
{
	*ret = 0;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9') {
			return false;
		}
		*ret = *ret * 10 + (text.p[i] - '0');
	}
	return text.n == n;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
	static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return lengths[month - 1] + (month == 2 && is_leap ? 1 : 0);
}

bool num_date_days(struct str s, uint64_t *ret_days)
{
	struct str year_text = str_cut(&s, '-');
	struct str month_text = str_cut(&s, '-');
	int64_t year;
	int64_t month;
	int64_t day;

	if (!parse_digits(year_text, 4, &year) || !parse_digits(month_text, 2, &month) ||
	    !parse_digits(s, 2, &day)) {
		return false;
	}
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) {
		return false;
	}
	*ret_days = (uint64_t)days_of(year, month, day);
	return true;
}

/* "Z", "+01:00", "-08:00": seconds east of Greenwich. */
static bool parse_zone(struct str s, int64_t *ret_seconds)
{
	int64_t hours;
	int64_t minutes;

	*ret_seconds = 0;
	if (str_eq_nocase(s, STR("Z"))) {
		return true;
	}
	if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-') || s.p[3] != ':' ||
	    !parse_digits(str_slice(s, 1, 3), 2, &hours) ||
	    !parse_digits(str_slice(s, 4, 6), 2, &minutes) || hours > 23 || minutes > 59) {
		return false;
	}
	*ret_seconds = (hours * 60 + minutes) * 60 * (s.p[0] == '-' ? -1 : 1);
	return true;
}

/* ".123456" at the front of *s, which is moved on; nothing is 0 ms. */
static bool parse_fraction(struct str *s, uint64_t *ret_ms)
{
	uint64_t weight = 100;
	size_t i = 1;

	*ret_ms = 0;
	if (s->n == 0 || s->p[0] != '.') {
		return true;
	}
	for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
		*ret_ms += (uint64_t)(s->p[i] - '0') * weight;
		weight /= 10;
	}
	*s = str_slice(*s, i, s->n);
	return i > 1;
}

bool num_time_unix_ms(struct str s, uint64_t *ret_ms)
{
	struct str date = str_slice(s, 0, 10);
	struct str clock = str_slice(s, 11, 19);
	struct str rest = str_slice(s, 19, s.n);
	uint64_t days;
	uint64_t ms;
	int64_t hour;
	int64_t minute;
	int64_t second;
	int64_t zone;
	int64_t unix_s;

	if (s.n < 20 || (s.p[10] != 'T' && s.p[10] != 't') || clock.p[2] != ':' ||
	    clock.p[5] != ':' || !num_date_days(date, &days) ||
	    !parse_digits(str_slice(clock, 0, 2), 2, &hour) ||
	    !parse_digits(str_slice(clock, 3, 5), 2, &minute) ||
	    !parse_digits(str_slice(clock, 6, 8), 2, &second) || hour > 23 || minute > 59 ||
	    second > 60 || !parse_fraction(&rest, &ms) || !parse_zone(rest, &zone)) {
		return false;
	}
	second = second == 60 ? 59 : second;
	unix_s = (int64_t)days * 86400 + (hour * 60 + minute) * 60 + second - zone;
	if (unix_s < 0) {
		return false;
	}
	*ret_ms = (uint64_t)unix_s * 1000 + ms;
	return true;
}

int num_order_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}
