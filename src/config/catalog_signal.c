/* SPDX-License-Identifier: Apache-2.0 */
/* config/catalog_signal.c - what a tool demands to be known of its targets, and what a read tells.
 */
#include "base/limits.h"
#include "config/catalog.h"

enum { MAX_WANTED = 16, DEFAULT_AGE_MS = 5 * 60 * 1000, DEFAULT_SOURCES = 2 };

static void read_wanted(struct load *l, const struct json *list, struct corroboration *k)
{
	struct signal_wanted *wanted = load_alloc(l, list->count, sizeof(*wanted));

	if (list->count == 0 || list->count > MAX_WANTED) {
		load_error(l, list, "'signals': expected 1 to %d", MAX_WANTED);
		return;
	}
	k->signals = wanted;
	for (const struct json *one = wanted ? list->child : NULL; one; one = one->next) {
		struct signal_wanted *w = &wanted[k->n++];

		if (!load_keys(l, one, "a signal", "name equals")) {
			continue;
		}
		w->name = load_text(l, one, "name", REQUIRED);
		load_check_signal(l, json_get(one, STR("name")), w->name);
		if (load_get(l, one, "equals", REQUIRED)) {
			w->equals = load_scalar(l, json_get(one, STR("equals")));
		}
		if (w->equals.n > SIGNAL_VALUE_BYTES) {
			load_error(l, json_get(one, STR("equals")), "a signal has at most %d bytes",
				   SIGNAL_VALUE_BYTES);
		}
	}
}

static void read_corroboration(struct load *l, const struct json *node, struct tool *t)
{
	const struct json *map = load_map(l, node, "corroboration", OPTIONAL);
	struct corroboration *k = &t->corroboration;
	const struct json *list;
	struct str otherwise;

	if (!map || !load_keys(l, map, "corroboration", "signals sources max_age otherwise")) {
		return;
	}
	list = load_array(l, map, "signals", REQUIRED);
	if (list) {
		read_wanted(l, list, k);
	}
	k->sources =
	    (uint32_t)load_number(l, map, "sources", 1, SIGNALS_PER_ASSET, DEFAULT_SOURCES);
	k->max_age_ms = load_duration(l, map, "max_age", SIGNAL_HORIZON_MS, DEFAULT_AGE_MS);
	otherwise = load_text(l, map, "otherwise", OPTIONAL);
	k->denies = str_eq(otherwise, STR("deny"));
	if (otherwise.n && !k->denies && !str_eq(otherwise, STR("ask"))) {
		load_error(l, json_get(map, STR("otherwise")),
			   "'otherwise': expected ask or deny, found '" STR_FMT "'",
			   STR_ARG(otherwise));
	}
}

static void read_signal(struct load *l, const struct json *node, struct tool *t)
{
	const struct json *map = load_map(l, node, "signal", OPTIONAL);

	if (!map || !load_keys(l, map, "signal", "name value")) {
		return;
	}
	t->signal_name = load_text(l, map, "name", REQUIRED);
	load_check_signal(l, json_get(map, STR("name")), t->signal_name);
	t->signal_pointer = load_text(l, map, "value", REQUIRED);
	if (t->signal_pointer.n && t->signal_pointer.p[0] != '/') {
		load_error(l, json_get(map, STR("value")),
			   "'value': expected a JSON pointer such as /health");
	}
}

void catalog_read_signals(struct load *l, const struct json *node, struct tool *t)
{
	read_corroboration(l, node, t);
	read_signal(l, node, t);
}

/* Can anybody say it? A source is known by now, and so is every tool of this upstream. */
static bool is_told(const struct load *l, struct str name)
{
	for (size_t i = 0; i < l->d->n_sources; i++) {
		if (source_may_signal(&l->d->sources[i], name)) {
			return true;
		}
	}
	return false;
}

void catalog_check_signals(struct load *l, const struct draft *d)
{
	const struct tool *t = &d->tool;
	const struct json *at = json_get(d->node, STR("corroboration"));

	if (t->signal_name.n) {
		const struct json *signal = json_get(d->node, STR("signal"));

		if (t->effect != EFFECT_READ || t->is_untrusted) {
			load_error(l, signal,
				   "a 'signal' comes from a read whose result is not 'untrusted'");
		}
		if (t->n_targets != 1) {
			load_error(l, signal,
				   "a 'signal' is about one asset: name it in 'targets'");
		}
	}
	if (t->corroboration.n && t->effect == EFFECT_READ) {
		load_error(l, at, "'corroboration' is for contain and destroy");
	}
	for (size_t i = 0; i < t->corroboration.n; i++) {
		struct str name = t->corroboration.signals[i].name;

		if (name.n && !is_told(l, name)) {
			load_warn(l, at,
				  "no source in remit.yaml reports '" STR_FMT
				  "': only reads of the catalog may",
				  STR_ARG(name));
		}
	}
}
