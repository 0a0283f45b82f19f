/* SPDX-License-Identifier: Apache-2.0 */
/* core/signal.c - reading reports of signals, and judging whether they corroborate.
 *
 * Trust:  a report's texts are its source's; they decide only where a tool's entry names them.
 * Holds:  (1) one source counts once, however often and about however much it speaks.
 *         (2) a contradiction is never outvoted.
 */
#include "core/signal.h"

#include "base/num.h"
#include "core/state.h"
#include "core/target.h"

/* ---- reading ---- */

bool signal_name_is_valid(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_') {
			return false;
		}
	}
	return name.n > 0 && name.n <= SIGNAL_NAME_BYTES && name.p[0] >= 'a';
}

bool signal_value(const struct json *j, struct str *ret)
{
	if (!json_str(j, ret)) {
		switch (json_type(j)) {
		case JSON_NUMBER:
			*ret = j->text;
			break;
		case JSON_TRUE:
			*ret = STR("true");
			break;
		case JSON_FALSE:
			*ret = STR("false");
			break;
		case JSON_NONE:
		case JSON_NULL:
		case JSON_STRING:
		case JSON_ARRAY:
		case JSON_OBJECT:
			return false;
		}
	}
	return ret->n > 0 && ret->n <= SIGNAL_VALUE_BYTES;
}

static enum rc read_member(const struct json *m, struct arena *arena, struct signal_report *ret,
			   struct err *e)
{
	struct str text = STR("");
	enum reason bad;

	if (str_eq(m->key, STR("name"))) {
		if (!json_str(m, &ret->name) || !signal_name_is_valid(ret->name)) {
			FAIL(e, RC_INPUT,
			     "'name' must be lower case letters, digits and '_', at most %d",
			     SIGNAL_NAME_BYTES);
		}
		return RC_OK;
	}
	if (str_eq(m->key, STR("value"))) {
		if (!signal_value(m, &ret->value)) {
			FAIL(e, RC_INPUT, "'value' must be a text, number or flag of 1 to %d bytes",
			     SIGNAL_VALUE_BYTES);
		}
		return RC_OK;
	}
	if (str_eq(m->key, STR("asset"))) {
		bad = json_str(m, &text) ? target_parse(text, arena, &ret->asset)
					 : REASON_TARGET_TYPE_MISMATCH;
		if (bad == REASON_LIMIT) {
			FAIL(e, RC_NOMEM, "no memory for a signal");
		}
		if (bad != REASON_NONE) {
			FAIL(e, RC_INPUT, "'asset' must be of the form \"kind:value\"");
		}
		return RC_OK;
	}
	if (str_eq(m->key, STR("observed_at"))) {
		if (!json_str(m, &text) || !num_time_unix_ms(text, &ret->observed_unix_ms)) {
			FAIL(e, RC_INPUT,
			     "'observed_at' must be a time such as "
			     "2026-11-22T08:15:30Z");
		}
		return RC_OK;
	}
	FAIL(e, RC_INPUT, "a signal has no member '" STR_FMT "'",
	     STR_ARG(str_slice(m->key, 0, SIGNAL_NAME_BYTES)));
}

enum rc signal_report_read(const struct json *j, bool needs_asset, struct arena *arena,
			   struct signal_report *ret, struct err *e)
{
	struct signal_report r = {0};

	if (json_type(j) != JSON_OBJECT) {
		FAIL(e, RC_INPUT, "a signal is an object, not %s", json_type_name(json_type(j)));
	}
	for (const struct json *m = j->child; m; m = m->next) {
		TRY(read_member(m, arena, &r, e));
	}
	if (!r.name.n || !r.value.n || (needs_asset && !r.asset.n)) {
		FAIL(e, RC_INPUT, "a signal needs 'name', 'asset' and 'value'");
	}
	*ret = r;
	return RC_OK;
}

enum rc signal_reports_read(const struct json *j, struct arena *arena,
			    const struct signal_report **ret, size_t *ret_n, struct err *e)
{
	const struct json *list = json_get(j, STR("signals"));
	struct signal_report *reports;
	size_t n = list ? list->count : 1;

	if (list &&
	    (json_type(list) != JSON_ARRAY || j->count != 1 || n == 0 || n > SIGNALS_PER_REPORT)) {
		FAIL(e, RC_INPUT, "'signals' must be a list of 1 to %d, and nothing beside it",
		     SIGNALS_PER_REPORT);
	}
	reports = arena_alloc_n(arena, n, sizeof(*reports));
	if (!reports) {
		FAIL(e, RC_NOMEM, "no memory for signals");
	}
	*ret_n = 0;
	for (const struct json *one = list ? list->child : j; one; one = list ? one->next : NULL) {
		TRY(signal_report_read(one, true, arena, &reports[(*ret_n)++], e));
	}
	*ret = reports;
	return RC_OK;
}

bool signal_is_newer(const struct signal *have, uint64_t observed_unix_ms, uint64_t now_unix_ms)
{
	return observed_unix_ms >= have->observed_unix_ms ||
	       (have->observed_unix_ms > now_unix_ms &&
		have->observed_unix_ms - now_unix_ms > SIGNAL_SKEW_MS);
}

/* ---- judging ---- */

struct tally {
	struct str sources[SIGNALS_PER_ASSET]; /* distinct ones that agree */
	size_t n_sources;
	const struct signal *contrary; /* the newest */
	size_t n_stale;
};

static bool is_fresh(const struct corroboration *k, const struct signal *x, uint64_t now)
{
	return x->observed_unix_ms <= now ? now - x->observed_unix_ms <= k->max_age_ms
					  : x->observed_unix_ms - now <= SIGNAL_SKEW_MS;
}

/* (1) */
static void add_source(struct tally *t, struct str source)
{
	for (size_t i = 0; i < t->n_sources; i++) {
		if (str_eq(t->sources[i], source)) {
			return;
		}
	}
	if (t->n_sources < SIGNALS_PER_ASSET) {
		t->sources[t->n_sources++] = source;
	}
}

/* How many agree about this one; the tally goes over all wanted signals. */
static size_t count(const struct state *s, const struct corroboration *k,
		    const struct signal_wanted *want, struct str target, uint64_t now,
		    struct tally *t)
{
	const struct signal *x;
	size_t agree = 0;
	size_t i = 0;

	while ((x = state_next_signal(s, target, &i))) {
		if (!str_eq(x->name, want->name)) {
			continue;
		}
		if (!is_fresh(k, x, now)) {
			t->n_stale++;
		} else if (str_eq(x->value, want->equals)) {
			agree++;
			add_source(t, x->source);
		} else if (!t->contrary || x->ix > t->contrary->ix) {
			t->contrary = x;
		}
	}
	return agree;
}

static enum rc check_detail(const struct signal_verdict *v, struct err *e)
{
	if (!v->detail.p) {
		FAIL(e, RC_NOMEM, "no memory for a decision");
	}
	return RC_OK;
}

static enum rc judge_target(const struct state *s, const struct corroboration *k, struct str target,
			    uint64_t now, struct arena *arena, struct signal_verdict *v,
			    struct err *e)
{
	const struct signal_wanted *missing = NULL;
	struct tally t = {0};

	for (size_t i = 0; i < k->n; i++) {
		if (count(s, k, &k->signals[i], target, now, &t) == 0 && !missing) {
			missing = &k->signals[i];
		}
	}
	/* (2) */
	if (t.contrary) {
		v->reason = REASON_SIGNALS_CONFLICT;
		v->newest_ix = t.contrary->ix > v->newest_ix ? t.contrary->ix : v->newest_ix;
		v->detail = arena_strf(
		    arena, "'" STR_FMT "' of " STR_FMT " is '" STR_FMT "', says " STR_FMT,
		    STR_ARG(t.contrary->name), STR_ARG(target), STR_ARG(t.contrary->value),
		    STR_ARG(t.contrary->source));
		return check_detail(v, e);
	}
	if (v->reason != REASON_NONE || (!missing && t.n_sources >= k->sources)) {
		return RC_OK; /* of several targets the first that fails is told, or a conflict */
	}
	v->reason = REASON_SIGNALS_INSUFFICIENT;
	v->detail = missing ? arena_strf(arena,
					 "nobody says lately that '" STR_FMT "' of " STR_FMT
					 " is '" STR_FMT "'; %zu too old or from the future",
					 STR_ARG(missing->name), STR_ARG(target),
					 STR_ARG(missing->equals), t.n_stale)
			    : arena_strf(arena,
					 "%zu of %u independent sources agree about " STR_FMT
					 "; %zu too old or from the future",
					 t.n_sources, k->sources, STR_ARG(target), t.n_stale);
	return check_detail(v, e);
}

enum rc signals_judge(const struct state *s, const struct corroboration *k,
		      const struct str_list *targets, uint64_t now_unix_ms, struct arena *arena,
		      struct signal_verdict *ret, struct err *e)
{
	struct signal_verdict v = {.reason = REASON_NONE};

	for (size_t i = 0; k->n && i < targets->n; i++) {
		TRY(judge_target(s, k, targets->p[i], now_unix_ms, arena, &v, e));
	}
	*ret = v;
	return RC_OK;
}
