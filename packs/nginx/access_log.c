/* SPDX-License-Identifier: Apache-2.0 */
/* access_log.c - search from the end.
 *
 * Trust:  every line was written by whoever sent a request.
 */
#include "access_log.h"

#include "base/num.h"

/* Days since 1970-01-01 of a date of the Gregorian calendar (years counted from March). */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t m = month <= 2 ? month + 9 : month - 3;
	int64_t century = y / 400;
	int64_t rest = y - century * 400;

	return century * 146097 + rest * 365 + rest / 4 - rest / 100 + (m * 153 + 2) / 5 + day - 1 -
	       719468;
}

static bool two(struct str s, size_t at, uint64_t max, uint64_t *ret)
{
	struct str digits = str_slice(s, at, at + 2);

	if (digits.n == 2 && digits.p[0] == '0') {
		digits = str_slice(digits, 1, 2);
	}
	return digits.n > 0 && s.n >= at + 2 && num_u64(digits, max, ret);
}

struct moment {
	uint64_t year;
	uint64_t month;
	uint64_t day;
	uint64_t hour;
	uint64_t minute;
	uint64_t second;
};

static uint64_t unix_of(const struct moment *t)
{
	int64_t days = days_of((int64_t)t->year, (int64_t)t->month, (int64_t)t->day);

	return (uint64_t)days * 86400 + t->hour * 3600 + t->minute * 60 + t->second;
}

static bool is_real(const struct moment *t)
{
	return t->year >= 1970 && t->month >= 1 && t->month <= 12 && t->day >= 1 && t->day <= 31;
}

static bool month_of(struct str name, uint64_t *ret)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (size_t i = 0; i < 12; i++) {
		if (str_eq(name, str_of(names + 3 * i, 3))) {
			*ret = i + 1;
			return true;
		}
	}
	return false;
}

bool access_log_time(struct str line, uint64_t *ret_unix_s)
{
	size_t open = str_find(line, '[');
	struct str t = str_slice(line, open + 1, open + 27);
	struct moment m;
	uint64_t zone_h;
	uint64_t zone_m;
	uint64_t zone;

	if (t.n != 26 || !two(t, 0, 31, &m.day) || !month_of(str_slice(t, 3, 6), &m.month) ||
	    !num_u64(str_slice(t, 7, 11), 9999, &m.year) || !two(t, 12, 23, &m.hour) ||
	    !two(t, 15, 59, &m.minute) || !two(t, 18, 60, &m.second) || !two(t, 22, 14, &zone_h) ||
	    !two(t, 24, 59, &zone_m) || !is_real(&m)) {
		return false;
	}
	zone = zone_h * 3600 + zone_m * 60;
	*ret_unix_s = t.p[21] == '-' ? unix_of(&m) + zone : unix_of(&m) - zone;
	return t.p[21] == '-' || t.p[21] == '+';
}

bool access_since(struct str t, uint64_t *ret_unix_s)
{
	struct moment m;

	if (t.n != 20 || t.p[4] != '-' || t.p[7] != '-' || t.p[10] != 'T' || t.p[13] != ':' ||
	    t.p[16] != ':' || t.p[19] != 'Z' || !num_u64(str_slice(t, 0, 4), 9999, &m.year) ||
	    !two(t, 5, 12, &m.month) || !two(t, 8, 31, &m.day) || !two(t, 11, 23, &m.hour) ||
	    !two(t, 14, 59, &m.minute) || !two(t, 17, 60, &m.second) || !is_real(&m)) {
		return false;
	}
	*ret_unix_s = unix_of(&m);
	return true;
}

static bool matches(struct str line, const struct access_query *q)
{
	uint64_t at;

	if (!str_contains(line, q->pattern)) {
		return false;
	}
	return q->since_unix_s == 0 || (access_log_time(line, &at) && at >= q->since_unix_s);
}

enum rc access_log_find(struct str log, const struct access_query *q, struct access_lines *ret)
{
	size_t end = log.n;

	while (end > 0) {
		size_t from = end - 1;
		struct str line;

		while (from > 0 && log.p[from - 1] != '\n') {
			from--;
		}
		line = str_slice(log, from, log.p[end - 1] == '\n' ? end - 1 : end);
		end = from;
		if (line.n == 0 || !matches(line, q)) {
			continue;
		}
		ret->matched++;
		if (ret->n < q->limit) {
			TRY(vec_push(ret, str_slice(line, 0, ACCESS_LINE_BYTES)));
		}
	}
	return RC_OK;
}
