/* SPDX-License-Identifier: Apache-2.0 */
/* core/input_text.c - texts of JSON's formats as values that Cedar compares by what they mean.
 *
 * Trust:  texts are an agent's.
 * Holds:  (1) two spellings of one moment, length of time or address are one value. What is no such
 *             thing is refused: a policy would take it for another one than the tool does.
 */
#include <cedar.h>

#include "base/num.h"
#include "core/input_impl.h"
#include "core/target.h"

/* ---- RFC 3339, a date, or both without a zone (then UTC) ---- */

static bool is_shaped(struct str s, const char *shape)
{
	size_t i = 0;

	for (; shape[i]; i++) {
		bool is_digit = i < s.n && s.p[i] >= '0' && s.p[i] <= '9';

		if (i >= s.n || (shape[i] == '0' ? !is_digit : s.p[i] != shape[i])) {
			return false;
		}
	}
	return i == s.n;
}

/* ".5", ".123456" -> milliseconds; without a fraction 0. Sets *s to what is behind it. */
static bool take_millis(struct str *s, unsigned *ret)
{
	unsigned scale = 100;
	size_t i = 1;

	*ret = 0;
	if (s->n == 0 || s->p[0] != '.') {
		return true;
	}
	for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
		*ret += (unsigned)(s->p[i] - '0') * scale;
		scale /= 10;
	}
	*s = str_slice(*s, i, s->n);
	return i > 1;
}

static enum rc moment(struct str s, struct arena *arena, const struct cedar_value **ret)
{
	struct str date = str_slice(s, 0, 10);
	struct str time = str_slice(s, 11, 19);
	struct str zone = str_slice(s, 19, s.n);
	struct str text;
	unsigned ms;

	if (s.n == 10) {
		return is_shaped(s, "0000-00-00")
			   ? cedar_value_ext(arena, STR("datetime"), s, ret, NULL)
			   : RC_INPUT;
	}
	if (!is_shaped(date, "0000-00-00") || !is_shaped(time, "00:00:00") ||
	    (s.p[10] != 'T' && s.p[10] != 't' && s.p[10] != ' ') || !take_millis(&zone, &ms)) {
		return RC_INPUT;
	}
	if (zone.n == 0 || str_eq(zone, STR("Z")) || str_eq(zone, STR("z"))) {
		text = arena_strf(arena, STR_FMT "T" STR_FMT ".%03uZ", STR_ARG(date), STR_ARG(time),
				  ms);
	} else if (is_shaped(str_slice(zone, 1, zone.n), "00:00") &&
		   (zone.p[0] == '+' || zone.p[0] == '-')) {
		text = arena_strf(arena, STR_FMT "T" STR_FMT ".%03u" STR_FMT STR_FMT, STR_ARG(date),
				  STR_ARG(time), ms, STR_ARG(str_slice(zone, 0, 3)),
				  STR_ARG(str_slice(zone, 4, 6)));
	} else {
		return RC_INPUT;
	}
	return text.p ? cedar_value_ext(arena, STR("datetime"), text, ret, NULL) : RC_NOMEM;
}

/* ---- ISO 8601: a year is 365 days, a month 30, as the public generator has it ---- */

#define DAY_MS INT64_C(86400000)

static bool add_ms(int64_t *sum, uint64_t n, int64_t unit_ms)
{
	int64_t ms;

	return !__builtin_mul_overflow((int64_t)n, unit_ms, &ms) &&
	       !__builtin_add_overflow(*sum, ms, sum);
}

/* One number with its unit off the front of *s; units stand in the order of `units`. */
static bool take_part(struct str *s, const char **units, const int64_t *unit_ms, int64_t *sum)
{
	size_t digits = 0;
	unsigned millis = 0;
	struct str rest;
	struct str number;
	uint64_t n;
	size_t i = 0;

	while (digits < s->n && s->p[digits] >= '0' && s->p[digits] <= '9') {
		digits++;
	}
	number = str_slice(*s, 0, digits);
	while (number.n > 1 && number.p[0] == '0') {
		number = str_slice(number, 1, number.n);
	}
	rest = str_slice(*s, digits, s->n);
	if (!num_u64(number, INT64_MAX, &n) || !take_millis(&rest, &millis) || rest.n == 0) {
		return false;
	}
	while ((*units)[i] && (*units)[i] != rest.p[0]) {
		i++;
	}
	if (!(*units)[i] || (millis && rest.p[0] != 'S')) {
		return false;
	}
	*units += i + 1;
	*s = str_slice(rest, 1, rest.n);
	return add_ms(sum, n, unit_ms[i]) && add_ms(sum, millis, 1);
}

static bool take_parts(struct str s, const char *units, const int64_t *unit_ms, int64_t *sum)
{
	const char *first = units;

	if (s.n == 0) {
		return false;
	}
	while (s.n > 0) {
		if (!take_part(&s, &units, unit_ms + (units - first), sum)) {
			return false;
		}
	}
	return true;
}

static enum rc stretch(struct str s, struct arena *arena, const struct cedar_value **ret)
{
	static const int64_t weeks[] = {7 * DAY_MS};
	static const int64_t dates[] = {365 * DAY_MS, 30 * DAY_MS, DAY_MS};
	static const int64_t times[] = {3600000, 60000, 1000};
	struct str rest = str_slice(s, 1, s.n);
	bool has_time = str_find(rest, 'T') < rest.n;
	struct str date = str_cut(&rest, 'T');
	int64_t ms = 0;

	if (s.n < 3 || s.p[0] != 'P') {
		return RC_INPUT;
	}
	if (!has_time && str_has_suffix(date, STR("W"))) {
		return take_parts(date, "W", weeks, &ms)
			   ? cedar_value_duration_ms(arena, ms, ret, NULL)
			   : RC_INPUT;
	}
	if ((date.n > 0 && !take_parts(date, "YMD", dates, &ms)) ||
	    (has_time && !take_parts(rest, "HMS", times, &ms)) || (date.n == 0 && !has_time)) {
		return RC_INPUT;
	}
	return cedar_value_duration_ms(arena, ms, ret, NULL);
}

/* ---- addresses ---- */

/* As resolvers read it, so that no spelling hides an address; else what Cedar reads. */
static enum rc address(struct str s, struct arena *arena, const struct cedar_value **ret)
{
	struct str target;
	enum reason reason = target_canonical(STR("ip"), s, arena, &target);

	if (reason == REASON_LIMIT) {
		return RC_NOMEM;
	}
	if (reason == REASON_NONE) {
		s = str_slice(target, str_find(target, ':') + 1, target.n);
	}
	return cedar_value_ext(arena, STR("ip"), s, ret, NULL);
}

enum rc input_text_value(enum input_kind kind, struct str text, struct arena *arena,
			 const struct cedar_value **ret)
{
	switch (kind) {
	case INPUT_DATETIME:
		return moment(text, arena, ret);
	case INPUT_DURATION:
		return stretch(text, arena, ret);
	case INPUT_IPADDR:
		return address(text, arena, ret);
	case INPUT_DECIMAL_TEXT:
		return cedar_value_ext(arena, STR("decimal"), text, ret, NULL);
	case INPUT_STRING:
		return cedar_value_string(arena, text, ret, NULL);
	case INPUT_UNKNOWN:
	case INPUT_BOOL:
	case INPUT_LONG:
	case INPUT_DECIMAL:
	case INPUT_NULL:
	case INPUT_ENUM:
	case INPUT_SET:
	case INPUT_TUPLE:
	case INPUT_UNION:
	case INPUT_RECORD:
	case INPUT_TAGGED:
	case INPUT_REF:
		break;
	}
	return RC_INPUT;
}

enum rc input_decimal_value(struct str number, struct arena *arena, const struct cedar_value **ret)
{
	bool is_whole = str_find(number, '.') == number.n;
	struct str text = is_whole ? arena_strf(arena, STR_FMT ".0", STR_ARG(number)) : number;

	/* Zeros at its end change nothing. */
	while (!is_whole && text.n - str_find(text, '.') > 5 && text.p[text.n - 1] == '0') {
		text.n--;
	}
	return text.p ? cedar_value_ext(arena, STR("decimal"), text, ret, NULL) : RC_NOMEM;
}
