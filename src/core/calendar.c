/* SPDX-License-Identifier: Apache-2.0 */
/* core/calendar.c - hours of the week. */
#include "core/calendar.h"

enum { DAY_MINUTES = 24 * 60, THURSDAY = 3, ALL_DAYS = 0x7f };

static bool parse_day(struct str text, unsigned *ret)
{
	static const struct str names[] = {{"mon", 3}, {"tue", 3}, {"wed", 3}, {"thu", 3},
					   {"fri", 3}, {"sat", 3}, {"sun", 3}};

	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		if (str_eq(names[i], text)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static bool two_digits(struct str text, unsigned *ret)
{
	if (text.n != 2 || text.p[0] < '0' || text.p[0] > '9' || text.p[1] < '0' ||
	    text.p[1] > '9') {
		return false;
	}
	*ret = (unsigned)(text.p[0] - '0') * 10 + (unsigned)(text.p[1] - '0');
	return true;
}

/* "08:00"; 24:00 is the end of the day. */
static bool parse_time(struct str text, uint16_t *ret)
{
	struct str rest = text;
	struct str hours = str_cut(&rest, ':');
	unsigned h;
	unsigned m;

	if (!two_digits(hours, &h) || !two_digits(rest, &m) || m > 59 || h * 60 + m > DAY_MINUTES) {
		return false;
	}
	*ret = (uint16_t)(h * 60 + m);
	return true;
}

/* "mon", "mon-fri", "sat-mon", "daily" */
static bool parse_days(struct str text, uint8_t *ret)
{
	struct str rest = text;
	struct str first = str_cut(&rest, '-');
	unsigned from;
	unsigned to;

	if (str_eq(text, STR("daily"))) {
		*ret = ALL_DAYS;
		return true;
	}
	if (!parse_day(first, &from) || !parse_day(rest.p ? rest : first, &to)) {
		return false;
	}
	*ret = 0;
	for (unsigned day = from;; day = (day + 1) % 7) {
		*ret |= (uint8_t)(1u << day);
		if (day == to) {
			return true;
		}
	}
}

/* "fri 16:00-mon 08:00", split at its blanks: "fri", "16:00-mon", "08:00" */
static bool parse_span(struct str first, struct str middle, struct str last,
		       struct week_window *ret)
{
	struct str second = middle;
	struct str begin = str_cut(&second, '-');
	unsigned from_day;
	unsigned to_day;
	uint16_t to_min;
	unsigned from;
	unsigned to;

	if (!second.p || !parse_day(first, &from_day) || !parse_day(second, &to_day) ||
	    !parse_time(begin, &ret->from_min) || !parse_time(last, &to_min) ||
	    ret->from_min == DAY_MINUTES) {
		return false;
	}
	from = from_day * DAY_MINUTES + ret->from_min;
	to = to_day * DAY_MINUTES + to_min;
	ret->days = (uint8_t)(1u << from_day);
	ret->length_min = (uint16_t)(to > from ? to - from : to + WEEK_MINUTES - from);
	return true;
}

bool week_window_parse(struct str text, struct week_window *ret)
{
	struct week_window w = {0};
	struct str rest = text;
	struct str first = str_cut(&rest, ' ');
	struct str middle;
	struct str end;
	uint16_t to;

	if (str_eq(text, STR("always"))) {
		*ret = (struct week_window){.days = 1, .length_min = WEEK_MINUTES};
		return true;
	}
	if (!rest.p) {
		return false;
	}
	middle = str_cut(&rest, ' ');
	if (rest.p) {
		if (!parse_span(first, middle, rest, &w)) {
			return false;
		}
		*ret = w;
		return true;
	}
	end = middle;
	middle = str_cut(&end, '-');
	if (!end.p || !parse_days(first, &w.days) || !parse_time(middle, &w.from_min) ||
	    !parse_time(end, &to) || w.from_min == DAY_MINUTES) {
		return false;
	}
	w.length_min =
	    (uint16_t)(to > w.from_min ? to - w.from_min : to + DAY_MINUTES - w.from_min);
	*ret = w;
	return true;
}

unsigned week_minute(uint64_t unix_ms)
{
	uint64_t minutes = unix_ms / 60000 + (uint64_t)THURSDAY * DAY_MINUTES; /* 1970-01-01 */

	return (unsigned)(minutes % WEEK_MINUTES);
}

bool week_window_has(const struct week_window *w, unsigned minute)
{
	for (unsigned day = 0; day < 7; day++) {
		unsigned begin = day * DAY_MINUTES + w->from_min;
		unsigned since = (minute + 2 * WEEK_MINUTES - begin) % WEEK_MINUTES;

		if ((w->days >> day & 1) && since < w->length_min) {
			return true;
		}
	}
	return false;
}

bool week_windows_have(const struct week_window *w, size_t n, uint64_t unix_ms)
{
	for (size_t i = 0; i < n; i++) {
		if (week_window_has(&w[i], week_minute(unix_ms))) {
			return true;
		}
	}
	return false;
}
