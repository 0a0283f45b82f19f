/* SPDX-License-Identifier: Apache-2.0 */
/* config/load_freezes.c - freezes.yaml, if there is one: when nothing is changed. */
#include "config/load.h"

#include "core/calendar.h"

enum { MAX_WINDOWS = 64 };

const struct week_window *load_windows(struct load *l, const struct json *obj, const char *key,
				       enum presence p, size_t *ret_n)
{
	const struct json *node = load_get(l, obj, key, p);
	const struct json *item = json_type(node) == JSON_ARRAY ? node->child : node;
	struct week_window *windows;

	*ret_n = 0;
	if (!node) {
		return NULL;
	}
	windows = load_alloc(l, MAX_WINDOWS, sizeof(*windows));
	for (; windows && item; item = json_type(node) == JSON_ARRAY ? item->next : NULL) {
		struct str text = STR_NULL;

		if (*ret_n == MAX_WINDOWS) {
			load_error(l, item, "more than %d windows", MAX_WINDOWS);
			break;
		}
		if (!json_str(item, &text) || !week_window_parse(text, &windows[*ret_n])) {
			load_error(l, item,
				   "'%s': expected hours of the week in UTC, such as 'mon-fri "
				   "08:00-20:00', 'daily 22:00-06:00', 'fri 16:00-mon 08:00' or "
				   "'always'",
				   key);
			continue;
		}
		++*ret_n;
	}
	return windows;
}

static void load_effects(struct load *l, const struct json *one, struct freeze *f)
{
	struct str_list names = load_list(l, one, "effects", OPTIONAL);

	f->effects[EFFECT_CONTAIN] = names.n == 0;
	f->effects[EFFECT_DESTROY] = names.n == 0;
	for (size_t i = 0; i < names.n; i++) {
		enum effect effect;

		if (!effect_from_name(names.p[i], &effect)) {
			load_error(l, json_get(one, STR("effects")),
				   "'effects': expected read, contain or destroy, found '" STR_FMT
				   "'",
				   STR_ARG(names.p[i]));
			continue;
		}
		f->effects[effect] = true;
	}
}

static void check_tools(struct load *l, const struct json *list)
{
	for (const struct json *item = json_type(list) == JSON_ARRAY ? list->child : NULL; item;
	     item = item->next) {
		struct str name = STR_NULL;

		if (json_str(item, &name) && !bundle_upstream(l->b, name)) {
			(void)load_check_tool(l, item, name); /* it reports */
		}
	}
}

static void load_freeze(struct load *l, const struct json *one, struct freeze *f)
{
	f->name = one->key;
	if (!name_is_valid(one->key)) {
		load_error(l, one, "'" STR_FMT "' is no name", STR_ARG(one->key));
	}
	if (!load_keys(l, one, "a freeze",
		       "from to weekly environments services tools effects gate reason")) {
		return;
	}
	f->from_unix_ms = load_moment(l, one, "from", false);
	f->to_unix_ms = load_moment(l, one, "to", true);
	f->windows = load_windows(l, one, "weekly", OPTIONAL, &f->n_windows);
	f->environments = load_list(l, one, "environments", OPTIONAL);
	f->services = load_list(l, one, "services", OPTIONAL);
	f->tools = load_list(l, one, "tools", OPTIONAL);
	check_tools(l, json_get(one, STR("tools")));
	load_effects(l, one, f);
	f->gate = load_text(l, one, "gate", OPTIONAL);
	if (f->gate.n) {
		(void)load_check_gate(l, json_get(one, STR("gate")), f->gate); /* it reports */
	}
	f->reason = load_text(l, one, "reason", OPTIONAL);
	if (!f->from_unix_ms && !f->to_unix_ms && !f->n_windows) {
		load_error(l, one,
			   "a freeze says 'from', 'to' or 'weekly': this one would never end");
	}
	if (f->to_unix_ms && f->to_unix_ms <= f->from_unix_ms) {
		load_error(l, json_get(one, STR("to")), "'to' is not after 'from'");
	} else if (f->to_unix_ms && f->to_unix_ms <= l->now_unix_ms) {
		load_warn(l, one, "freeze '" STR_FMT "' is over", STR_ARG(f->name));
	}
}

void load_freezes(struct load *l)
{
	const struct json *doc;
	const struct json *map;
	struct freeze *freezes;

	if (!tree_find(l->tree, STR("freezes.yaml"))) {
		return;
	}
	doc = load_document(l, STR("freezes.yaml"));
	(void)load_keys(l, doc, "freezes.yaml", "freezes"); /* it reports */
	map = load_map(l, doc, "freezes", REQUIRED);
	freezes = map ? load_alloc(l, map->count, sizeof(*freezes)) : NULL;
	l->b->freezes = freezes;
	for (const struct json *one = freezes ? map->child : NULL; one; one = one->next) {
		load_freeze(l, one, &freezes[l->b->n_freezes++]);
	}
}
