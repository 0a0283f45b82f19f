/* SPDX-License-Identifier: Apache-2.0 */
/* core/cap.c - the texts of takings. */
#include "core/cap.h"

#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "base/num.h"

enum { KEY_BYTES = 800 }; /* the longest target and a name */

static const struct str measures[CAP_MEASURES] = {
    [CAP_CALLS] = {"calls", 5},
    [CAP_TARGETS] = {"targets", 7},
    [CAP_TOOLS] = {"tools", 5},
    [CAP_HOPS] = {"hops", 4},
};

struct str cap_measure_name(enum cap_measure m)
{
	MUST(m < CAP_MEASURES);
	return measures[m];
}

bool cap_measure_is_set(enum cap_measure m)
{
	return m != CAP_CALLS;
}

static bool parse_measure(struct str text, enum cap_measure *ret)
{
	for (unsigned i = 0; i < CAP_MEASURES; i++) {
		if (str_eq(text, measures[i])) {
			*ret = (enum cap_measure)i;
			return true;
		}
	}
	return false;
}

static bool parse_nibble(char c, uint8_t *ret)
{
	if (c >= '0' && c <= '9') {
		*ret = (uint8_t)(c - '0');
		return true;
	}
	*ret = (uint8_t)(c - 'a' + 10);
	return c >= 'a' && c <= 'f';
}

/* Most significant digit first. */
static bool parse_targets(struct str digits, struct taking *t)
{
	if (digits.n == 0 || digits.n > 2 * sizeof(t->targets)) {
		return false;
	}
	for (size_t i = 0; i < digits.n; i++) {
		uint8_t nibble;

		if (!parse_nibble(digits.p[digits.n - 1 - i], &nibble)) {
			return false;
		}
		t->targets[i / 2] = (uint8_t)(t->targets[i / 2] | nibble << 4 * (i % 2));
	}
	return true;
}

static bool parse_amount(struct str text, struct taking *t)
{
	if (t->measure != CAP_TARGETS) {
		return num_u64(text, UINT64_MAX, &t->amount);
	}
	t->is_all = str_eq(text, STR("*"));
	return t->is_all ||
	       (str_has_prefix(text, STR("x")) && parse_targets(str_slice(text, 1, text.n), t));
}

enum rc taking_parse(struct str text, struct taking *ret, struct err *e)
{
	struct taking t = {0};
	struct str rest = text;
	struct str amount = str_cut(&rest, ':');
	struct str measure;
	struct str window;
	struct str cap;

	t.key = rest;
	measure = str_cut(&rest, ':');
	window = str_cut(&rest, ':');
	cap = str_cut(&rest, ':');
	if (cap.n == 0 || rest.n == 0 || t.key.n > KEY_BYTES ||
	    !parse_measure(measure, &t.measure) || !num_u64(window, UINT64_MAX, &t.window_ms) ||
	    !parse_amount(amount, &t)) {
		FAIL(e, RC_BROKEN, "'" STR_FMT "' takes nothing from no cap", STR_ARG(text));
	}
	*ret = t;
	return RC_OK;
}

bool taking_has_target(const struct taking *t, size_t target)
{
	return t->is_all ||
	       (target < LIMIT_TARGETS && (t->targets[target / 8] >> target % 8 & 1) != 0);
}

struct str cap_key(struct arena *arena, enum cap_measure m, uint64_t window_ms, struct str cap,
		   struct str whom)
{
	return arena_strf(arena, STR_FMT ":%" PRIu64 ":" STR_FMT ":" STR_FMT,
			  STR_ARG(cap_measure_name(m)), window_ms, STR_ARG(cap), STR_ARG(whom));
}

struct str taking_text(struct arena *arena, uint64_t amount, const uint8_t targets[32],
		       enum cap_measure m, struct str key)
{
	char digits[65];
	size_t n = 64;
	size_t from = 0;

	if (m != CAP_TARGETS) {
		return arena_strf(arena, "%" PRIu64 ":" STR_FMT, amount, STR_ARG(key));
	}
	if (!targets) {
		return arena_strf(arena, "*:" STR_FMT, STR_ARG(key));
	}
	for (size_t i = 0; i < n; i++) {
		size_t bit = (n - 1 - i) * 4;

		digits[i] = "0123456789abcdef"[targets[bit / 8] >> bit % 8 & 15];
	}
	while (from < n - 1 && digits[from] == '0') {
		from++;
	}
	return arena_strf(arena, "x%.*s:" STR_FMT, (int)(n - from), digits + from, STR_ARG(key));
}
