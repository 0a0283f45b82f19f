/* SPDX-License-Identifier: Apache-2.0 */
/* config/load_never.c - the never-list and the control plane of gates.yaml.
 *
 * Holds:  Remit's own addresses and directories are control plane without anybody saying so.
 */
#include "config/load.h"
#include "core/never.h"

enum { OWN_ENTRIES = 12 };

static void check_group(struct load *l, const struct json *at, struct str name)
{
	struct nearest near = nearest_to(name);

	if (inventory_group(&l->b->inventory, name)) {
		return;
	}
	for (size_t i = 0; i < l->b->inventory.n_groups; i++) {
		nearest_try(&near, l->b->inventory.groups[i].name);
	}
	load_unknown(l, at, "group of assets is called", &near);
}

/* One entry; p == NULL when it is none, which is reported. */
static struct str read_entry(struct load *l, const struct json *item, const char *key)
{
	struct str text = STR_NULL;
	struct str entry = STR_NULL;
	bool is_group = item->type == JSON_OBJECT;

	if (is_group) {
		if (!load_keys(l, item, "an entry", "group")) {
			return entry;
		}
		text = load_text(l, item, "group", REQUIRED);
		if (text.n == 0) {
			return entry;
		}
		check_group(l, item, text);
	} else if (!json_str(item, &text)) {
		text = STR("");
	}
	if (!never_parse(text, is_group, l->arena, &entry)) {
		load_error(l, item,
			   "'%s': expected kind:value, kind:*, a pattern such as host:db*.example, "
			   "a range such as ip:10.0.0.0/8, or {group: NAME}",
			   key);
		return STR_NULL;
	}
	return entry;
}

static void read_list(struct load *l, const struct json *doc, const char *key, size_t spare,
		      struct str **ret_items, struct str_list *ret)
{
	const struct json *list = load_array(l, doc, key, OPTIONAL);
	struct str *items = load_alloc(l, (list ? list->count : 0) + spare, sizeof(*items));

	*ret_items = items;
	for (const struct json *item = items && list ? list->child : NULL; item;
	     item = item->next) {
		struct str entry = read_entry(l, item, key);

		if (entry.p) {
			items[ret->n++] = entry;
		}
	}
	ret->p = items;
}

static void add_own(struct load *l, struct str *items, const char *kind, struct str value,
		    const char *below)
{
	struct str text;
	struct str entry;

	if (value.n == 0) {
		return;
	}
	text = arena_strf(l->arena, "%s:" STR_FMT "%s", kind, STR_ARG(value), below);
	/* A listener on every address has none of its own. */
	if (text.p && never_parse(text, false, l->arena, &entry)) {
		items[l->b->control_plane.n++] = entry;
	}
}

void load_never(struct load *l, const struct json *doc)
{
	struct str *items;

	read_list(l, doc, "never", 0, &items, &l->b->never);
	read_list(l, doc, "control_plane", OWN_ENTRIES, &items, &l->b->control_plane);
	if (!items) {
		return;
	}
	add_own(l, items, "host", STR("localhost"), "");
	add_own(l, items, "ip", STR("127.0.0.1"), "");
	add_own(l, items, "ip", STR("::1"), "");
	add_own(l, items, "host", l->d->agents.address.host, "");
	add_own(l, items, "host", l->d->people.http.host, "");
	add_own(l, items, "file", l->d->state_dir, "");
	add_own(l, items, "file", l->d->state_dir, "/*");
	add_own(l, items, "file", l->d->dir, "");
	add_own(l, items, "file", l->d->dir, "/*");
}
