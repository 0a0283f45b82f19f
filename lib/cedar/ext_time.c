/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/ext_time.c - datetime and duration, both milliseconds in 64 bits.
 *
 * Trust:  the text is hostile.
 * Holds:  exactly the shapes of the reference: YYYY-MM-DD, and that with Thh:mm:ss, optionally
 *         .SSS, and Z or +hhmm or -hhmm; durations are units in the order d h m s ms.
 */
#include "base/num.h"
#include "cedar/ext.h"
#include "cedar/text.h"

static const int64_t MS_OF_SECOND = 1000;
static const int64_t MS_OF_MINUTE = 60 * 1000;
static const int64_t MS_OF_HOUR = 60 * 60 * 1000;
static const int64_t MS_OF_DAY = 24 * 60 * 60 * 1000;

/* Exactly `digits` digits at the front of *s, then the character `then` (0 = nothing). */
static bool take_number(struct str *s, size_t digits, char then, unsigned *ret)
{
	size_t n = digits + (then ? 1 : 0);

	if (s->n < n || (then && s->p[digits] != then)) {
		return false;
	}
	*ret = 0;
	for (size_t i = 0; i < digits; i++) {
		if (!cedar_is_digit(s->p[i])) {
			return false;
		}
		*ret = *ret * 10 + (unsigned)(s->p[i] - '0');
	}
	*s = str_slice(*s, n, s->n);
	return true;
}

static bool take_char(struct str *s, char c)
{
	if (s->n == 0 || s->p[0] != c) {
		return false;
	}
	*s = str_slice(*s, 1, s->n);
	return true;
}

static bool is_leap(unsigned year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool is_date(unsigned year, unsigned month, unsigned day)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month >= 1 && month <= 12 && day >= 1 &&
	       day <= days[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
}

/* Days from 1970-01-01, proleptic Gregorian. Counted in years that begin in March, so that the
 * leap day is the last. */
static int64_t days_from_epoch(unsigned year, unsigned month, unsigned day)
{
	int64_t y = (int64_t)year - (month <= 2 ? 1 : 0);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year =
	    (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

struct clock_time {
	unsigned hour;
	unsigned minute;
	unsigned second;
	unsigned ms;
	int64_t offset_ms;
};

static const char *parse_zone(struct str *s, struct clock_time *t)
{
	static const char shape[] = "invalid millisecond or offset pattern";
	bool is_negative;
	unsigned hours;
	unsigned minutes;

	if (take_char(s, 'Z')) {
		return s->n ? shape : NULL;
	}
	is_negative = s->n && s->p[0] == '-';
	if (!take_char(s, '+') && !take_char(s, '-')) {
		return shape;
	}
	if (!take_number(s, 2, 0, &hours) || !take_number(s, 2, 0, &minutes) || s->n) {
		return shape;
	}
	if (hours > 23 || minutes > 59) {
		return "invalid offset range";
	}
	t->offset_ms = (int64_t)hours * MS_OF_HOUR + (int64_t)minutes * MS_OF_MINUTE;
	t->offset_ms = is_negative ? -t->offset_ms : t->offset_ms;
	return NULL;
}

static const char *parse_time(struct str *s, struct clock_time *t)
{
	const char *wrong;

	if (!take_char(s, 'T') || !take_number(s, 2, ':', &t->hour) ||
	    !take_number(s, 2, ':', &t->minute) || !take_number(s, 2, 0, &t->second)) {
		return "invalid hour, minute or second pattern";
	}
	if (take_char(s, '.') && !take_number(s, 3, 0, &t->ms)) {
		return "invalid millisecond or offset pattern";
	}
	wrong = parse_zone(s, t);
	if (wrong) {
		return wrong;
	}
	if (t->hour > 23 || t->minute > 59 || t->second > 59) {
		return "invalid hour, minute or second";
	}
	return NULL;
}

const char *cedar_datetime_parse(struct str s, int64_t *ret)
{
	struct clock_time t = {0};
	unsigned year;
	unsigned month;
	unsigned day;

	if (!take_number(&s, 4, '-', &year) || !take_number(&s, 2, '-', &month) ||
	    !take_number(&s, 2, 0, &day)) {
		return "invalid date pattern";
	}
	if (s.n) {
		const char *wrong = parse_time(&s, &t);

		if (wrong) {
			return wrong;
		}
	}
	if (!is_date(year, month, day)) {
		return "invalid date";
	}
	/* Four digits of year: nothing here comes near 64 bits. */
	*ret = days_from_epoch(year, month, day) * MS_OF_DAY + t.hour * MS_OF_HOUR +
	       t.minute * MS_OF_MINUTE + t.second * MS_OF_SECOND + t.ms - t.offset_ms;
	return NULL;
}

bool cedar_datetime_date(int64_t ms, int64_t *ret)
{
	return !__builtin_sub_overflow(ms, cedar_datetime_time(ms), ret);
}

int64_t cedar_datetime_time(int64_t ms)
{
	int64_t rest = ms % MS_OF_DAY;

	return rest < 0 ? rest + MS_OF_DAY : rest;
}

/* All digits at the front of *s as a number; a leading zero is fine. */
static bool take_digits(struct str *s, struct str *ret)
{
	size_t n = 0;

	while (n < s->n && cedar_is_digit(s->p[n])) {
		n++;
	}
	*ret = str_slice(*s, 0, n);
	*s = str_slice(*s, n, s->n);
	return n > 0;
}

/* total += sign * digits * scale; false on overflow. */
static bool add_scaled(int64_t *total, struct str digits, int64_t scale, bool is_negative)
{
	int64_t sum = 0;

	for (size_t i = 0; i < digits.n; i++) {
		int64_t d = digits.p[i] - '0';

		if (__builtin_mul_overflow(sum, (int64_t)10, &sum) ||
		    (is_negative ? __builtin_sub_overflow(sum, d, &sum)
				 : __builtin_add_overflow(sum, d, &sum))) {
			return false;
		}
	}
	return !__builtin_mul_overflow(sum, scale, &sum) &&
	       !__builtin_add_overflow(*total, sum, total);
}

const char *cedar_duration_parse(struct str s, int64_t *ret)
{
	const struct {
		struct str unit;
		int64_t scale;
	} units[] = {
	    {STR("d"), MS_OF_DAY},    {STR("h"), MS_OF_HOUR}, {STR("m"), MS_OF_MINUTE},
	    {STR("s"), MS_OF_SECOND}, {STR("ms"), 1},
	};
	static const char shape[] = "invalid duration pattern";
	bool is_negative = take_char(&s, '-');
	struct str digits[ARRAY_LEN(units)] = {0};
	int64_t total = 0;
	size_t u = 0;

	if (s.n == 0) {
		return shape;
	}
	while (s.n) {
		struct str number;
		struct str unit;
		size_t n = 0;

		if (!take_digits(&s, &number)) {
			return shape;
		}
		while (n < s.n && !cedar_is_digit(s.p[n])) {
			n++;
		}
		unit = str_slice(s, 0, n);
		s = str_slice(s, n, s.n);
		while (u < ARRAY_LEN(units) && !str_eq(units[u].unit, unit)) {
			u++;
		}
		if (u == ARRAY_LEN(units)) {
			return shape;
		}
		digits[u++] = number;
	}
	/* Smallest unit first, as the reference adds them up: the sign is in every term, so only
	 * the total can overflow. */
	for (size_t i = ARRAY_LEN(units); i-- > 0;) {
		if (!add_scaled(&total, digits[i], units[i].scale, is_negative)) {
			return "overflow";
		}
	}
	*ret = total;
	return NULL;
}
