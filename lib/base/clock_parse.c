/* SPDX-License-Identifier: Apache-2.0 */
/* base/clock_parse.c - RFC 3339 times from strangers, strictly. */
#include "base/clock.h"
#include "base/num.h"

enum { YEAR_LEAST = 1970, MS_PER_MINUTE = 60 * 1000 };

/* Exactly n digits, at most max. */
static bool take_digits(struct str *s, size_t n, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (s->n < n) {
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (s->p[i] < '0' || s->p[i] > '9') {
			return false;
		}
		v = v * 10 + (uint64_t)(s->p[i] - '0');
	}
	*s = str_slice(*s, n, s->n);
	*ret = v;
	return v <= max;
}

static bool take_char(struct str *s, char c)
{
	if (s->n == 0 || s->p[0] != c) {
		return false;
	}
	*s = str_slice(*s, 1, s->n);
	return true;
}

static bool is_leap(uint64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01. */
static uint64_t days_to(uint64_t year, uint64_t month, uint64_t day)
{
	static const uint16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	uint64_t y = year - 1;
	uint64_t leaps = y / 4 - y / 100 + y / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);

	return (year - YEAR_LEAST) * 365 + leaps + before[month - 1] +
	       (month > 2 && is_leap(year)) + day - 1;
}

static uint64_t days_of(uint64_t year, uint64_t month)
{
	return month == 2					       ? 28 + is_leap(year)
	       : month == 4 || month == 6 || month == 9 || month == 11 ? 30
								       : 31;
}

static bool take_date(struct str *s, uint64_t *ret_ms)
{
	uint64_t year;
	uint64_t month;
	uint64_t day;

	if (!take_digits(s, 4, 9999, &year) || year < YEAR_LEAST || !take_char(s, '-') ||
	    !take_digits(s, 2, 12, &month) || month == 0 || !take_char(s, '-') ||
	    !take_digits(s, 2, 31, &day) || day == 0 || day > days_of(year, month)) {
		return false;
	}
	*ret_ms = days_to(year, month, day) * 24 * 60 * MS_PER_MINUTE;
	return true;
}

/* ".123456": to milliseconds, cut. */
static bool take_fraction(struct str *s, uint64_t *ret_ms)
{
	uint64_t digit;
	uint64_t weight = 100;

	*ret_ms = 0;
	if (s->n == 0 || s->p[0] != '.') {
		return true;
	}
	*s = str_slice(*s, 1, s->n);
	if (s->n == 0 || s->p[0] < '0' || s->p[0] > '9') {
		return false;
	}
	while (s->n && take_digits(s, 1, 9, &digit)) {
		*ret_ms += digit * weight;
		weight /= 10;
	}
	return true;
}

static bool take_time(struct str *s, uint64_t *ret_ms)
{
	uint64_t hour;
	uint64_t minute;
	uint64_t second;
	uint64_t ms;

	if (!take_digits(s, 2, 23, &hour) || !take_char(s, ':') ||
	    !take_digits(s, 2, 59, &minute) || !take_char(s, ':') ||
	    !take_digits(s, 2, 60, &second) || !take_fraction(s, &ms)) {
		return false;
	}
	second -= second == 60;
	*ret_ms = (hour * 60 + minute) * MS_PER_MINUTE + second * 1000 + ms;
	return true;
}

/* "Z", "+02:00", "-05:30": how much later than UTC its clock is. */
static bool take_zone(struct str *s, int64_t *ret_ms)
{
	uint64_t hour;
	uint64_t minute;
	bool is_west;

	*ret_ms = 0;
	if (take_char(s, 'Z') || take_char(s, 'z')) {
		return true;
	}
	is_west = s->n && s->p[0] == '-';
	if (s->n == 0 || (s->p[0] != '+' && !is_west)) {
		return false;
	}
	*s = str_slice(*s, 1, s->n);
	if (!take_digits(s, 2, 23, &hour) || !take_char(s, ':') ||
	    !take_digits(s, 2, 59, &minute)) {
		return false;
	}
	*ret_ms = (int64_t)((hour * 60 + minute) * MS_PER_MINUTE) * (is_west ? -1 : 1);
	return true;
}

bool clock_parse_rfc3339(struct str s, uint64_t *ret_unix_ms)
{
	uint64_t date_ms;
	uint64_t time_ms = 0;
	int64_t zone_ms = 0;
	int64_t at;

	if (!take_date(&s, &date_ms)) {
		return false;
	}
	if (s.n && ((!take_char(&s, 'T') && !take_char(&s, 't') && !take_char(&s, ' ')) ||
		    !take_time(&s, &time_ms) || !take_zone(&s, &zone_ms))) {
		return false;
	}
	at = (int64_t)(date_ms + time_ms) - zone_ms;
	if (s.n || at < 0) {
		return false;
	}
	*ret_unix_ms = (uint64_t)at;
	return true;
}
