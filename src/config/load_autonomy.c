/* SPDX-License-Identifier: Apache-2.0 */
/* config/load_autonomy.c - autonomy.yaml, if there is one: what raises and lowers agents' levels.
 */
#include "base/limits.h"
#include "config/load.h"

enum { DAY_MS = 24 * 3600 * 1000 };

static void load_level(struct load *l, const struct json *map, const char *key, enum autonomy *ret)
{
	struct str name = load_text(l, map, key, OPTIONAL);

	if (name.n && !autonomy_from_name(name, ret)) {
		load_error(
		    l, json_get(map, str_from(key)),
		    "'%s': expected observe, propose, approve, notify or act, found '" STR_FMT "'",
		    key, STR_ARG(name));
	}
}

static void load_initial(struct load *l, const struct json *doc, struct autonomy_rules *r)
{
	const struct json *map = load_map(l, doc, "initial", OPTIONAL);

	if (map && load_keys(l, map, "initial", "read contain destroy")) {
		load_level(l, map, "read", &r->initial[EFFECT_READ]);
		load_level(l, map, "contain", &r->initial[EFFECT_CONTAIN]);
		load_level(l, map, "destroy", &r->initial[EFFECT_DESTROY]);
	}
}

static void load_promotion(struct load *l, const struct json *doc, struct autonomy_rules *r)
{
	const struct json *map = load_map(l, doc, "promotion", OPTIONAL);

	if (map && load_keys(l, map, "promotion", "decisions agreement quiet")) {
		r->decisions = load_number(l, map, "decisions", 1, 1000000, r->decisions);
		r->agreement = load_number(l, map, "agreement", 1, 100, r->agreement);
		r->quiet_ms = load_duration(l, map, "quiet", UINT64_C(3650) * DAY_MS, r->quiet_ms);
	}
}

static void load_demotion(struct load *l, const struct json *doc, struct autonomy_rules *r)
{
	const struct json *map = load_map(l, doc, "demotion", OPTIONAL);

	if (map && load_keys(l, map, "demotion", "attempts severe suspended unverified")) {
		load_level(l, map, "attempts", &r->after[BREACH_ATTEMPTS]);
		load_level(l, map, "severe", &r->after[BREACH_SEVERE]);
		load_level(l, map, "suspended", &r->after[BREACH_SUSPENDED]);
		load_level(l, map, "unverified", &r->after[BREACH_UNVERIFIED]);
	}
}

static void load_attempts(struct load *l, const struct json *doc, struct autonomy_rules *r)
{
	const struct json *map = load_map(l, doc, "attempts", OPTIONAL);

	if (map && load_keys(l, map, "attempts", "count window severity")) {
		r->attempts_count =
		    load_number(l, map, "count", 1, ATTEMPTS_KEPT, r->attempts_count);
		r->attempts_window_ms =
		    load_duration(l, map, "window", DAY_MS, r->attempts_window_ms);
		r->attempts_severity =
		    (uint8_t)load_number(l, map, "severity", 1, 5, r->attempts_severity);
	}
}

void load_autonomy_rules(struct load *l)
{
	struct autonomy_rules *r = &l->b->autonomy;
	const struct json *doc;

	*r = autonomy_rules_default();
	if (!tree_find(l->tree, STR("autonomy.yaml"))) {
		return;
	}
	doc = load_document(l, STR("autonomy.yaml"));
	(void)load_keys(l, doc, "autonomy.yaml",
			"initial promotion demotion attempts"); /* it reports */
	load_initial(l, doc, r);
	load_promotion(l, doc, r);
	load_demotion(l, doc, r);
	load_attempts(l, doc, r);
}
