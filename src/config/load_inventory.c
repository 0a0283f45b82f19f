/* SPDX-License-Identifier: Apache-2.0 */
/* config/load_inventory.c - inventory/: assets, their groups, and what is known of whole kinds.
 *
 * Holds:  (1) an asset stands in one place only, under its canonical name, so that no second
 *             entry can say something else about it.
 *         (2) a group has members: one that is always empty would make every share of it 0.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"
#include "config/load.h"
#include "core/selector.h"
#include "core/target.h"

/* An asset while its file is being read. */
struct entry {
	struct asset asset;
	struct str file;
	const struct json *node;
	VEC(struct str) groups;
};

struct reading {
	struct load *l;
	struct entry *entries;
	size_t n;
	struct asset_group *groups;
	size_t n_groups;
	struct asset_kind *kinds;
	size_t n_kinds;
};

/* ---- assets ---- */

static void read_labels(struct load *l, const struct json *node, struct asset *a)
{
	const struct json *map = json_get(node, STR("labels"));

	a->labels = load_pairs(l, node, "labels", '=');
	for (const struct json *m = json_type(map) == JSON_OBJECT ? map->child : NULL; m;
	     m = m->next) {
		struct str value = STR_NULL;

		if (json_str(m, &value) &&
		    (!selector_key_is_valid(m->key) || !selector_value_is_valid(value))) {
			load_error(l, m,
				   "a label's name and value are letters, digits, '-', '_', '.' "
				   "(the name also '/')");
		}
	}
}

static struct str read_environment(struct load *l, const struct json *node, struct str otherwise)
{
	struct str environment = load_text(l, node, "environment", OPTIONAL);

	return environment.n > 0 ? environment : otherwise;
}

static void read_asset(struct load *l, const struct json *node, struct str environment,
		       struct entry *entry)
{
	struct asset *a = &entry->asset;
	struct str word;

	entry->file = l->file;
	entry->node = node;
	a->is_listed = true;
	a->target = node->key;
	if (target_parse(node->key, l->arena, &a->target) != REASON_NONE) {
		load_error(l, node, "'" STR_FMT "' is no single target kind:value",
			   STR_ARG(node->key));
		a->target = node->key;
	}
	if (!load_keys(l, node, "an asset",
		       "environment service owner team criticality labels health control_plane")) {
		return;
	}
	a->environment = read_environment(l, node, environment);
	a->service = load_text(l, node, "service", OPTIONAL);
	a->owner = load_person(l, node, "owner", OPTIONAL);
	a->team = load_text(l, node, "team", OPTIONAL);
	a->is_control_plane = load_flag(l, node, "control_plane");
	read_labels(l, node, a);
	word = load_text(l, node, "criticality", OPTIONAL);
	a->is_crown_jewel = str_eq(word, STR("crown-jewel"));
	if (word.n > 0 && !a->is_crown_jewel && !str_eq(word, STR("standard"))) {
		load_error(l, json_get(node, STR("criticality")),
			   "'criticality': expected standard or crown-jewel, found '" STR_FMT "'",
			   STR_ARG(word));
	}
	word = load_text(l, node, "health", OPTIONAL);
	a->is_down = str_eq(word, STR("down"));
	if (word.n > 0 && !a->is_down && !str_eq(word, STR("up"))) {
		load_error(l, json_get(node, STR("health")),
			   "'health': expected up or down, found '" STR_FMT "'", STR_ARG(word));
	}
}

static int order_entries(const void *a, const void *b)
{
	return str_cmp(((const struct entry *)a)->asset.target,
		       ((const struct entry *)b)->asset.target);
}

/* (1) */
static void check_once(const struct reading *r)
{
	for (size_t i = 1; i < r->n; i++) {
		const struct entry *first = &r->entries[i - 1];
		const struct entry *second = &r->entries[i];

		if (str_eq(first->asset.target, second->asset.target)) {
			r->l->file = second->file;
			load_error(r->l, second->node,
				   "'" STR_FMT "' is asset '" STR_FMT "' again, from " STR_FMT
				   ":%u",
				   STR_ARG(second->node->key), STR_ARG(second->asset.target),
				   STR_ARG(first->file), first->node->line);
		}
	}
}

/* ---- groups ---- */

static void unknown_member(const struct reading *r, const struct json *at, struct str target)
{
	struct nearest near = nearest_to(target);

	for (size_t i = 0; i < r->n; i++) {
		nearest_try(&near, r->entries[i].asset.target);
	}
	load_unknown(r->l, at, "asset of an inventory is called", &near);
}

/* Marks the members that are named; each must be an asset. */
static void mark_members(const struct reading *r, const struct json *node, bool *marks)
{
	const struct json *list = load_array(r->l, node, "members", OPTIONAL);
	const struct inventory *inventory = &r->l->b->inventory;

	for (const struct json *one = list ? list->child : NULL; one; one = one->next) {
		const struct asset *a;
		struct str text = STR_NULL;
		struct str target = STR_NULL;

		if (!json_str(one, &text) ||
		    target_parse(text, r->l->arena, &target) != REASON_NONE) {
			load_error(r->l, one, "'members': expected kind:value");
			continue;
		}
		a = inventory_find(inventory, target);
		if (a) {
			marks[a - inventory->assets] = true;
			continue;
		}
		unknown_member(r, one, target);
	}
}

static void mark_prefixes(const struct reading *r, const struct json *node, bool *marks)
{
	const struct str_list prefixes = load_list(r->l, node, "prefix", OPTIONAL);

	for (size_t i = 0; i < r->n; i++) {
		for (size_t k = 0; k < prefixes.n; k++) {
			marks[i] |= str_has_prefix(r->entries[i].asset.target, prefixes.p[k]);
		}
	}
}

static void mark_labels(const struct reading *r, const struct json *node, bool *marks)
{
	struct str text = load_text(r->l, node, "labels", OPTIONAL);
	struct selector selector = {0};
	struct err e = ERR_INIT;

	if (text.n > 0 && selector_parse(text, r->l->arena, &selector, &e) != RC_OK) {
		load_error(r->l, json_get(node, STR("labels")), "'labels': %s", e.msg);
		return;
	}
	for (size_t i = 0; i < r->n; i++) {
		marks[i] |= selector_matches(&selector, &r->entries[i].asset.labels);
	}
}

static void take_members(struct reading *r, const bool *marks, struct asset_group *g)
{
	const struct asset **list;
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		n += marks[i];
	}
	list = load_alloc(r->l, n, sizeof(const struct asset *));
	g->members = list;
	for (size_t i = 0; list && i < r->n; i++) {
		struct entry *entry = &r->entries[i];

		if (!marks[i]) {
			continue;
		}
		list[g->n_members++] = &r->l->b->inventory.assets[i];
		if (vec_reserve(&entry->groups, 1) != RC_OK) {
			r->l->is_out_of_memory = true;
			return;
		}
		entry->groups.p[entry->groups.n++] = g->name;
	}
}

static void read_group(struct reading *r, const struct json *node, struct asset_group *g)
{
	struct load *l = r->l;
	bool *marks;

	g->name = node->key;
	if (!name_is_valid(g->name)) {
		load_error(l, node, "'" STR_FMT "' is no name", STR_ARG(g->name));
	}
	for (const struct asset_group *other = r->groups; other < g; other++) {
		if (str_eq(other->name, g->name)) {
			load_error(l, node, "group '" STR_FMT "' is there twice", STR_ARG(g->name));
		}
	}
	marks = mem_calloc(r->n + 1, sizeof(*marks));
	if (!marks) {
		l->is_out_of_memory = true;
		return;
	}
	if (load_keys(l, node, "a group of assets", "members prefix labels")) {
		mark_members(r, node, marks);
		mark_prefixes(r, node, marks);
		mark_labels(r, node, marks);
		take_members(r, marks, g);
		if (g->n_members == 0) { /* (2) */
			load_error(l, node, "group '" STR_FMT "' has no member", STR_ARG(g->name));
		}
	}
	mem_free(marks);
}

/* ---- kinds ---- */

static void read_kind(struct reading *r, const struct json *node, struct str environment)
{
	struct load *l = r->l;
	struct asset_kind *k = &r->kinds[r->n_kinds++];

	k->kind = node->key;
	k->environment = environment;
	if (!target_kind_is_valid(node->key)) {
		load_error(l, node, "'" STR_FMT "' is no kind: lower case letters, digits and '-'",
			   STR_ARG(node->key));
	}
	for (const struct asset_kind *other = r->kinds; other < k; other++) {
		if (str_eq(other->kind, k->kind)) {
			load_error(l, node, "kind '" STR_FMT "' is there twice", STR_ARG(k->kind));
		}
	}
	if (load_keys(l, node, "a kind", "environment control_plane")) {
		k->environment = read_environment(l, node, environment);
		k->is_control_plane = load_flag(l, node, "control_plane");
	}
}

/* ---- the whole ---- */

static size_t count_members(const struct json *doc, struct str key)
{
	const struct json *map = json_get(doc, key);

	return json_type(map) == JSON_OBJECT ? map->count : 0;
}

/* All files' documents; counts what they hold. */
static const struct json **open_files(struct load *l, size_t *ret_n, size_t *assets, size_t *groups,
				      size_t *kinds)
{
	const struct json **docs;
	const struct tree_file *file;
	size_t n = 0;
	size_t i = 0;

	while (load_next_file(l, "inventory", &i)) {
		n++;
	}
	docs = load_alloc(l, n, sizeof(*docs));
	i = 0;
	for (size_t k = 0; docs && (file = load_next_file(l, "inventory", &i)); k++) {
		docs[k] = load_document(l, file->path);
		(void)load_keys(l, docs[k], "an inventory",
				"environment assets groups kinds"); /* it reports */
		(void)load_map(l, docs[k], "assets", OPTIONAL);	    /* these too */
		(void)load_map(l, docs[k], "groups", OPTIONAL);
		(void)load_map(l, docs[k], "kinds", OPTIONAL);
		*assets += count_members(docs[k], STR("assets"));
		*groups += count_members(docs[k], STR("groups"));
		*kinds += count_members(docs[k], STR("kinds"));
	}
	*ret_n = n;
	return docs;
}

static void read_files(struct reading *r, const struct json *const *docs)
{
	const struct tree_file *file;
	size_t i = 0;

	for (size_t k = 0; (file = load_next_file(r->l, "inventory", &i)); k++) {
		struct str environment;
		const struct json *map;

		r->l->file = file->path;
		environment = docs[k]
				  ? read_environment(r->l, docs[k], INVENTORY_UNKNOWN_ENVIRONMENT)
				  : STR("");
		map = json_get(docs[k], STR("assets"));
		for (const struct json *m = json_type(map) == JSON_OBJECT ? map->child : NULL; m;
		     m = m->next) {
			read_asset(r->l, m, environment, &r->entries[r->n++]);
		}
		map = json_get(docs[k], STR("kinds"));
		for (const struct json *m = json_type(map) == JSON_OBJECT ? map->child : NULL; m;
		     m = m->next) {
			read_kind(r, m, environment);
		}
	}
}

static void read_groups(struct reading *r, const struct json *const *docs)
{
	const struct tree_file *file;
	size_t i = 0;

	for (size_t k = 0; (file = load_next_file(r->l, "inventory", &i)); k++) {
		const struct json *map = json_get(docs[k], STR("groups"));

		r->l->file = file->path;
		for (const struct json *m = json_type(map) == JSON_OBJECT ? map->child : NULL; m;
		     m = m->next) {
			read_group(r, m, &r->groups[r->n_groups]);
			r->n_groups++;
		}
	}
}

/* Entries in order become the bundle's assets; their groups are filled in afterwards. */
static void settle(struct reading *r, struct asset *assets)
{
	for (size_t i = 0; i < r->n; i++) {
		struct entry *entry = &r->entries[i];
		struct str *names = load_alloc(r->l, entry->groups.n, sizeof(*names));

		for (size_t k = 0; names && k < entry->groups.n; k++) {
			names[k] = entry->groups.p[k];
		}
		assets[i].groups = (struct str_list){.p = names, .n = names ? entry->groups.n : 0};
		vec_fini(&entry->groups);
	}
}

void load_inventory(struct load *l)
{
	struct reading r = {.l = l};
	const struct json **docs;
	struct asset *assets;
	size_t n_assets = 0;
	size_t n_groups = 0;
	size_t n_kinds = 0;
	size_t n;

	docs = open_files(l, &n, &n_assets, &n_groups, &n_kinds);
	if (n_assets > LIMIT_ASSETS || n_groups > LIMIT_ASSET_GROUPS) {
		l->file = STR("inventory");
		load_error(l, NULL, "%zu assets and %zu groups; at most %d and %d", n_assets,
			   n_groups, LIMIT_ASSETS, LIMIT_ASSET_GROUPS);
		return;
	}
	r.entries = load_alloc(l, n_assets, sizeof(*r.entries));
	assets = load_alloc(l, n_assets, sizeof(*assets));
	r.groups = load_alloc(l, n_groups, sizeof(*r.groups));
	r.kinds = load_alloc(l, n_kinds, sizeof(*r.kinds));
	if (!docs || !r.entries || !assets || !r.groups || !r.kinds) {
		return;
	}
	read_files(&r, docs);
	qsort(r.entries, r.n, sizeof(*r.entries), order_entries);
	check_once(&r);
	for (size_t i = 0; i < r.n; i++) {
		assets[i] = r.entries[i].asset;
	}
	l->b->inventory = (struct inventory){.assets = assets,
					     .n_assets = r.n,
					     .groups = r.groups,
					     .kinds = r.kinds,
					     .n_kinds = r.n_kinds};
	read_groups(&r, docs);
	l->b->inventory.n_groups = r.n_groups;
	settle(&r, assets);
}
