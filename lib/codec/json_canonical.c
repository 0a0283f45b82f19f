/* SPDX-License-Identifier: Apache-2.0 */
/* codec/json_canonical.c - RFC 8785, the JSON Canonicalization Scheme.
 *
 * Trust:  the tree was made by our parsers; its strings and number texts are hostile.
 * Holds:  (1) two documents have one canonical form only if every reader of doubles reads the same
 *             values from both.
 *         (2) a number is printed only if its double, printed with as many digits as were written
 *             (at most 17) or with the fewest that read back as it, gives those digits again.
 */
#include "codec/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "codec/json_tree.h"

enum { MAX_DIGITS = 17 }; /* enough for every double */

/* Written exponents stop counting here: far beyond what a document's zeros can make up for. */
static const int64_t EXPONENT_CAP = INT64_C(1000000000000);

/* 0.d1d2d3... times ten to the point; no leading or trailing zeros; n == 0 is zero. */
struct decimal {
	char digits[MAX_DIGITS + 1];
	size_t n;
	int64_t point;
	bool is_negative;
};

/* One more significant digit, behind the zeros that turned out to be significant; false beyond 17.
 */
static bool decimal_add_digit(struct decimal *d, int64_t zeros, char digit)
{
	if (zeros >= MAX_DIGITS || d->n + (size_t)zeros >= MAX_DIGITS) {
		return false;
	}
	for (; zeros > 0; zeros--) {
		d->digits[d->n++] = '0';
	}
	d->digits[d->n++] = digit;
	return true;
}

/* The digits before the exponent; false when more than 17 are significant. */
static bool decimal_of_mantissa(struct str text, struct decimal *d)
{
	int64_t zeros = 0; /* seen since the last significant digit */
	bool after_point = false;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '.') {
			after_point = true;
		} else if (c == '0' && d->n == 0) {
			d->point -= after_point ? 1 : 0;
		} else {
			d->point += after_point ? 0 : 1;
			if (c == '0') {
				zeros++;
				continue;
			}
			if (!decimal_add_digit(d, zeros, c)) {
				return false;
			}
			zeros = 0;
		}
	}
	return true;
}

/* "+5", "-07" or "12"; at most EXPONENT_CAP in size. */
static int64_t exponent_of(struct str text)
{
	bool is_negative = text.n && text.p[0] == '-';
	int64_t v = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] >= '0' && text.p[i] <= '9') {
			v = v * 10 + (text.p[i] - '0');
			v = v > EXPONENT_CAP ? EXPONENT_CAP : v;
		}
	}
	return is_negative ? -v : v;
}

/* What a JSON number says, or false when it has more than 17 significant digits. */
static bool decimal_of_text(struct str text, struct decimal *ret)
{
	struct decimal d = {.is_negative = text.n && text.p[0] == '-'};
	size_t begin = d.is_negative ? 1 : 0;
	size_t e = begin;

	while (e < text.n && (text.p[e] | 0x20) != 'e') {
		e++;
	}
	if (!decimal_of_mantissa(str_slice(text, begin, e), &d)) {
		return false;
	}
	d.point = d.n ? d.point + exponent_of(str_slice(text, e + 1, text.n)) : 0;
	*ret = d;
	return true;
}

static double decimal_value(const struct decimal *d)
{
	char text[MAX_DIGITS + 32];
	double v;

	/* Both ends of the exponent's range are far beyond what a double holds. */
	(void)snprintf(text, sizeof(text), "0.%se%lld", d->n ? d->digits : "0",
		       (long long)d->point);
	v = strtod(text, NULL); /* the process never leaves the C locale */
	return d->is_negative ? -v : v;
}

/* v >= 0 rounded to so many significant digits; trailing zeros are dropped. */
static struct decimal decimal_of_double(double v, size_t precision)
{
	struct decimal d = {0};
	char text[64];
	const char *exponent;
	int64_t magnitude = 0;

	(void)snprintf(text, sizeof(text), "%.*e", (int)precision - 1, v);
	exponent = strchr(text, 'e');
	MUST(exponent);
	for (const char *p = text; p < exponent && d.n < MAX_DIGITS; p++) {
		if (*p != '.') {
			d.digits[d.n++] = *p;
		}
	}
	while (d.n > 0 && d.digits[d.n - 1] == '0') {
		d.digits[--d.n] = '\0';
	}
	for (const char *p = exponent + 2; *p; p++) { /* "e+05" */
		magnitude = magnitude * 10 + (*p - '0');
	}
	d.point = d.n ? (exponent[1] == '-' ? -magnitude : magnitude) + 1 : 0;
	return d;
}

static bool decimal_is(const struct decimal *a, const struct decimal *b)
{
	return a->n == b->n && memcmp(a->digits, b->digits, a->n) == 0 && a->point == b->point;
}

/* The next decimal of the same precision. */
static struct decimal decimal_up(struct decimal d, size_t precision)
{
	while (d.n < precision) {
		d.digits[d.n++] = '0';
	}
	while (d.n > 0 && d.digits[d.n - 1] == '9') {
		d.digits[--d.n] = '\0';
	}
	if (d.n == 0) {
		d.digits[d.n++] = '1';
		d.point++;
	} else {
		d.digits[d.n - 1]++;
	}
	return d;
}

static bool is_power_of_two(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return (bits & ((UINT64_C(1) << 52) - 1)) == 0;
}

/* The fewest digits that read back as v > 0 (ECMAScript, Number::toString). Rounding to the
 * nearest finds them but at a power of two, below which doubles lie closer: there a decimal
 * slightly above v may read back although the nearest one, below v, does not. */
static struct decimal decimal_shortest(double v)
{
	for (size_t precision = 1; precision < MAX_DIGITS; precision++) {
		struct decimal d = decimal_of_double(v, precision);
		struct decimal up;

		if (decimal_value(&d) == v) {
			return d;
		}
		if (is_power_of_two(v)) {
			up = decimal_up(d, precision);
			if (decimal_value(&up) == v) {
				return up;
			}
		}
	}
	return decimal_of_double(v, MAX_DIGITS);
}

static enum rc add_zeros(struct buf *b, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		TRY(buf_add_char(b, '0'));
	}
	return RC_OK;
}

/* The layout rules of ECMAScript's Number::toString; n and k are its names. */
static enum rc add_decimal(struct buf *b, const struct decimal *d)
{
	struct str digits = {.p = d->digits, .n = d->n};
	int64_t n = d->point;
	int64_t k = (int64_t)d->n;

	if (n >= k && n <= 21) {
		TRY(buf_add(b, digits));
		return add_zeros(b, n - k);
	}
	if (n > 0 && n <= 21) {
		TRY(buf_add(b, str_slice(digits, 0, (size_t)n)));
		TRY(buf_add_char(b, '.'));
		return buf_add(b, str_slice(digits, (size_t)n, digits.n));
	}
	if (n > -6 && n <= 0) {
		TRY(buf_add(b, STR("0.")));
		TRY(add_zeros(b, -n));
		return buf_add(b, digits);
	}
	TRY(buf_add_char(b, d->digits[0]));
	if (k > 1) {
		TRY(buf_add_char(b, '.'));
		TRY(buf_add(b, str_slice(digits, 1, digits.n)));
	}
	return buf_addf(b, "e%c%lld", n > 0 ? '+' : '-', (long long)(n > 0 ? n - 1 : 1 - n));
}

enum rc json_canonical_double(struct buf *b, double v)
{
	struct decimal d;

	if (v == 0) {
		return buf_add_char(b, '0'); /* of either sign */
	}
	if (v != v || v - v != 0) {
		return RC_INPUT; /* NaN and the infinities are no JSON */
	}
	if (v < 0) {
		TRY(buf_add_char(b, '-'));
	}
	d = decimal_shortest(__builtin_fabs(v));
	return add_decimal(b, &d);
}

/* Small integers are their own canonical form. */
static bool is_plain_integer(struct str text)
{
	struct str digits = text.n && text.p[0] == '-' ? str_slice(text, 1, text.n) : text;

	if (digits.n == 0 || digits.n > 15 || digits.p[0] == '0') {
		return false;
	}
	for (size_t i = 0; i < digits.n; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9') {
			return false;
		}
	}
	return true;
}

/* Up to 15 digits survive the way through a double (C's DBL_DIG), so no two such decimals share
 * one, and the shortest that reads back as this one's double is this one. Only for normal doubles,
 * and worth having since formatting and reading back costs microseconds. */
static bool is_surely_shortest(const struct decimal *d)
{
	return d->n > 0 && d->n <= 15 && d->point > -290 && d->point < 290;
}

/* (2). The shortest counts too: at a power of two it may not be the nearest of its length. */
static bool double_holds(const struct decimal *written, double v)
{
	struct decimal d;

	if (v == 0) {
		return written->n == 0;
	}
	d = decimal_of_double(v, written->n);
	if (decimal_is(written, &d)) {
		return true;
	}
	d = decimal_shortest(v);
	return decimal_is(written, &d);
}

static enum rc canonical_number(struct buf *b, const struct json *j, struct err *e)
{
	struct str shown = str_slice(j->text, 0, 40);
	struct decimal written;
	double v;

	if (is_plain_integer(j->text)) {
		return buf_add(b, j->text);
	}
	if (!decimal_of_text(j->text, &written)) {
		FAIL(e, RC_INPUT, "number '" STR_FMT "' has more digits than a double holds",
		     STR_ARG(shown));
	}
	if (is_surely_shortest(&written)) {
		if (written.is_negative) {
			TRY(buf_add_char(b, '-'));
		}
		return add_decimal(b, &written);
	}
	v = decimal_value(&written);
	if (v - v != 0) {
		FAIL(e, RC_INPUT, "number '" STR_FMT "' is larger than a double", STR_ARG(shown));
	}
	if (!double_holds(&written, __builtin_fabs(v))) {
		FAIL(e, RC_INPUT, "number '" STR_FMT "' is not what a double holds",
		     STR_ARG(shown));
	}
	return json_canonical_double(b, v);
}

static enum rc canonical_value(struct buf *b, const struct json *j, struct err *e);

static enum rc canonical_object(struct buf *b, const struct json *j, struct err *e)
{
	const struct json *small[JSON_SMALL_OBJECT];
	AUTO_MEM void *memory = NULL;
	const struct json **members = small;

	if (j->count > JSON_SMALL_OBJECT) {
		memory = mem_calloc(j->count, sizeof(*members));
		if (!memory) {
			return RC_NOMEM;
		}
		members = memory;
	}
	json_sort_members(j, members);
	TRY(buf_add_char(b, '{'));
	for (size_t i = 0; i < j->count; i++) {
		if (i > 0) {
			TRY(buf_add_char(b, ','));
		}
		TRY(json_quote(b, members[i]->key));
		TRY(buf_add_char(b, ':'));
		TRY(canonical_value(b, members[i], e));
	}
	return buf_add_char(b, '}');
}

static enum rc canonical_array(struct buf *b, const struct json *j, struct err *e)
{
	TRY(buf_add_char(b, '['));
	for (const struct json *c = j->child; c; c = c->next) {
		if (c != j->child) {
			TRY(buf_add_char(b, ','));
		}
		TRY(canonical_value(b, c, e));
	}
	return buf_add_char(b, ']');
}

static enum rc canonical_value(struct buf *b, const struct json *j, struct err *e)
{
	switch (json_type(j)) {
	case JSON_NULL:
		return buf_add(b, STR("null"));
	case JSON_FALSE:
		return buf_add(b, STR("false"));
	case JSON_TRUE:
		return buf_add(b, STR("true"));
	case JSON_NUMBER:
		return canonical_number(b, j, e);
	case JSON_STRING:
		return json_quote(b, j->text);
	case JSON_ARRAY:
		return canonical_array(b, j, e);
	case JSON_OBJECT:
		return canonical_object(b, j, e);
	case JSON_NONE:
		break;
	}
	FAIL(e, RC_INPUT, "no value to write in canonical form");
}

enum rc json_canonical(struct buf *b, const struct json *j, struct err *e)
{
	size_t before = b->n;
	struct err inner = ERR_INIT;
	enum rc rc = canonical_value(b, j, &inner);

	if (rc == RC_OK) {
		return RC_OK;
	}
	b->n = before;
	if (inner.code != RC_OK) {
		FAIL(e, rc, "%s", inner.msg);
	}
	FAIL(e, rc,
	     rc == RC_LIMIT ? "canonical form larger than %zu bytes"
			    : "no memory for a canonical form of %zu bytes at most",
	     b->max);
}
