/* SPDX-License-Identifier: Apache-2.0 */
/* core/policy_signal.c - what is known about a call's targets, as policies see it.
 *
 * context.signals has a record per name that is known of every target: {agree, value, sources,
 * age_s}. Over several targets it says the least: the fewest sources, the greatest age.
 */
#include <cedar.h>

#include "core/policy.h"
#include "core/signal.h"

/* One name, over the targets looked at so far. */
struct known {
	struct str name;
	struct str value;
	bool agree;
	size_t sources;
	uint64_t age_ms;
	size_t targets; /* that know it */
};

static bool is_from_the_future(const struct signal *x, uint64_t now)
{
	return x->observed_unix_ms > now && x->observed_unix_ms - now > SIGNAL_SKEW_MS;
}

static struct known *find(struct known *list, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(list[i].name, name)) {
			return &list[i];
		}
	}
	return NULL;
}

static void merge(struct known *into, const struct known *one)
{
	into->agree &= one->agree && str_eq(into->value, one->value);
	into->sources = one->sources < into->sources ? one->sources : into->sources;
	into->age_ms = one->age_ms > into->age_ms ? one->age_ms : into->age_ms;
	into->targets++;
}

/* Signals of an asset come by name, then by source. */
static void look_at(const struct state *s, struct str target, uint64_t now, bool is_first,
		    struct known list[SIGNALS_PER_ASSET], size_t *n)
{
	const struct signal *x;
	struct known one = {0};
	size_t i = 0;

	do {
		x = state_next_signal(s, target, &i);
		if (x && is_from_the_future(x, now)) {
			continue;
		}
		if (one.name.n && (!x || !str_eq(x->name, one.name))) {
			struct known *have = find(list, *n, one.name);

			if (have) {
				merge(have, &one);
			} else if (is_first && *n < SIGNALS_PER_ASSET) {
				one.targets = 1;
				list[(*n)++] = one;
			}
			one = (struct known){0};
		}
		if (x) {
			uint64_t age = now > x->observed_unix_ms ? now - x->observed_unix_ms : 0;

			one.agree = one.name.n ? one.agree && str_eq(one.value, x->value) : true;
			one.name = x->name;
			one.value = x->value;
			one.sources++;
			one.age_ms = age > one.age_ms ? age : one.age_ms;
		}
	} while (x);
}

static enum rc value_of(const struct known *k, struct arena *arena, const struct cedar_value **ret,
			struct err *e)
{
	struct cedar_field fields[4] = {{.name = STR("age_s")},
					{.name = STR("agree")},
					{.name = STR("sources")},
					{.name = STR("value")}};

	TRY(cedar_value_long(arena, (int64_t)(k->age_ms / 1000), &fields[0].value, e));
	TRY(cedar_value_bool(arena, k->agree, &fields[1].value, e));
	TRY(cedar_value_long(arena, (int64_t)k->sources, &fields[2].value, e));
	TRY(cedar_value_string(arena, k->value, &fields[3].value, e));
	/* What they do not agree about has no value. */
	return cedar_value_record(arena, fields, k->agree ? 4 : 3, ret, e);
}

enum rc policy_signals(const struct state *s, const struct str_list *targets, uint64_t now_unix_ms,
		       struct arena *arena, const struct cedar_value **ret, struct err *e)
{
	struct known list[SIGNALS_PER_ASSET];
	struct cedar_field fields[SIGNALS_PER_ASSET];
	size_t n_list = 0;
	size_t n = 0;

	for (size_t i = 0; s && i < targets->n; i++) {
		look_at(s, targets->p[i], now_unix_ms, i == 0, list, &n_list);
	}
	for (size_t i = 0; i < n_list; i++) {
		if (list[i].targets == targets->n) {
			fields[n].name = list[i].name;
			TRY(value_of(&list[i], arena, &fields[n++].value, e));
		}
	}
	return cedar_value_record(arena, fields, n, ret, e);
}
