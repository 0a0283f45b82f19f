/* SPDX-License-Identifier: Apache-2.0 */
/* governor/inventory.c - what people see of the inventory, and the health that they set. */
#include "governor/people.h"

#include "base/limits.h"
#include "core/target.h"

enum { LISTED_ASSETS = 500 }; /* in one answer; a group or kind narrows it */

static struct str text_of(const struct asked *a, const char *name)
{
	struct str s;

	return json_str(json_get(a->body, str_from(name)), &s) ? s : STR("");
}

static void view_asset(const struct governor *g, const struct asset *a, struct json_out *w)
{
	json_out_object(w);
	json_out_key_str(w, "asset", a->target);
	json_out_key_str(w, "health", state_asset_is_up(g->state, a) ? STR("up") : STR("down"));
	json_out_key_str(w, "environment", a->environment);
	json_out_key_str(w, "service", a->service);
	json_out_key_str(w, "owner", a->owner);
	json_out_key_str(w, "team", a->team);
	json_out_key_str(w, "criticality",
			 a->is_crown_jewel ? STR("crown-jewel") : STR("standard"));
	json_out_key_bool(w, "control_plane",
			  inventory_asset(&g->bundle->inventory, a->target).is_control_plane);
	view_list(w, "groups", &a->groups);
	view_list(w, "labels", &a->labels);
	json_out_close(w);
}

static void view_groups(const struct governor *g, struct json_out *w)
{
	const struct inventory *i = &g->bundle->inventory;

	json_out_key(w, STR("groups"));
	json_out_array(w);
	for (size_t k = 0; k < i->n_groups; k++) {
		json_out_object(w);
		json_out_key_str(w, "group", i->groups[k].name);
		json_out_key_u64(w, "members", i->groups[k].n_members);
		json_out_key_u64(w, "up", state_group_up(g->state, &i->groups[k]));
		json_out_close(w);
	}
	json_out_close(w);
}

enum rc inventory_list(struct asked *a, struct json_out *w, struct err *e)
{
	const struct inventory *i = &a->g->bundle->inventory;
	struct str group = text_of(a, "group");
	const struct asset_group *only = inventory_group(i, group);
	struct str kind = text_of(a, "kind");
	size_t n = 0;

	if (group.n > 0 && !only) {
		FAIL(e, RC_ABSENT, "no group of assets '" STR_FMT "'", STR_ARG(group));
	}
	json_out_object(w);
	view_groups(a->g, w);
	json_out_key(w, STR("assets"));
	json_out_array(w);
	for (size_t k = 0; k < i->n_assets; k++) {
		const struct asset *asset = &i->assets[k];
		struct str own = str_slice(asset->target, 0, str_find(asset->target, ':'));

		if ((only && !asset_group_has(only, asset->target)) ||
		    (kind.n > 0 && !str_eq(kind, own))) {
			continue;
		}
		if (n < LISTED_ASSETS) {
			view_asset(a->g, asset, w);
		}
		n++;
	}
	json_out_close(w);
	json_out_key_u64(w, "not_shown", n > LISTED_ASSETS ? n - LISTED_ASSETS : 0);
	json_out_close(w);
	return RC_OK;
}

enum rc inventory_set(struct asked *a, struct json_out *w, struct err *e)
{
	struct str text = text_of(a, "asset");
	struct str health = text_of(a, "health");
	struct leaf l = {.kind = LEAF_INVENTORY_CHANGED,
			 .inventory_changed = {.health = health, .by = a->person->name}};
	const struct asset *asset;
	struct str target;

	if (target_parse(text, &a->g->round, &target) != REASON_NONE) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is no single target kind:value", STR_ARG(text));
	}
	asset = inventory_find(&a->g->bundle->inventory, target);
	if (!asset) {
		FAIL(e, RC_ABSENT, "no asset '" STR_FMT "' in an inventory", STR_ARG(target));
	}
	if (!str_eq(health, STR("up")) && !str_eq(health, STR("down")) &&
	    !str_eq(health, STR("file"))) {
		FAIL(e, RC_INPUT, "'health' is up, down or file (as the inventory says)");
	}
	l.inventory_changed.target = asset->target;
	TRY(book_record(a->g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e));
	view_asset(a->g, asset, w);
	return RC_OK;
}

/* What was said about an asset that is no longer listed would come back to life with it. */
enum rc inventory_start(struct governor *g, struct err *e)
{
	struct str target;
	bool is_up;
	size_t i = 0;

	while ((target = state_next_health(g->state, i, &is_up)).p) {
		struct leaf l = {.kind = LEAF_INVENTORY_CHANGED,
				 .inventory_changed = {.health = STR("file"), .by = STR("remit")}};

		if (inventory_find(&g->bundle->inventory, target)) {
			i++;
			continue;
		}
		l.inventory_changed.target = arena_str(&g->round, target);
		if (!l.inventory_changed.target.p) {
			FAIL(e, RC_NOMEM, "no memory for an asset's name");
		}
		TRY(book_record(g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e));
	}
	return RC_OK;
}
