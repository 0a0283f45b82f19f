/* SPDX-License-Identifier: Apache-2.0 */
/* core/inventory.c - looking up assets, their kinds and groups.
 *
 * Holds:  (1) what is not listed is production, and a listed asset of a control-plane kind is
 *             control plane too.
 */
#include "core/inventory.h"

/* Kinds of things that decide, record, restore or wake people: agents never act on them. */
static const struct str control_kinds[] = {
    {"remit", 5},  {"policy", 6},      {"audit", 5},	    {"logging", 7}, {"log", 3},
    {"backup", 6}, {"monitoring", 10}, {"break-glass", 11}, {"pager", 5},
};

bool inventory_kind_is_control_plane(struct str kind)
{
	for (size_t i = 0; i < ARRAY_LEN(control_kinds); i++) {
		if (str_eq(kind, control_kinds[i])) {
			return true;
		}
	}
	return false;
}

const struct asset *inventory_find(const struct inventory *i, struct str target)
{
	size_t from = 0;
	size_t to = i->n_assets;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = str_cmp(target, i->assets[middle].target);

		if (order == 0) {
			return &i->assets[middle];
		}
		if (order < 0) {
			to = middle;
		} else {
			from = middle + 1;
		}
	}
	return NULL;
}

/* (1) */
struct asset inventory_asset(const struct inventory *i, struct str target)
{
	const struct asset *listed = inventory_find(i, target);
	struct str kind = str_slice(target, 0, str_find(target, ':'));
	struct asset a = {
	    .target = target,
	    .environment = INVENTORY_UNKNOWN_ENVIRONMENT,
	    .service = STR(""),
	    .owner = STR(""),
	    .team = STR(""),
	};

	if (listed) {
		a = *listed;
	}
	a.is_control_plane |= inventory_kind_is_control_plane(kind);
	for (size_t k = 0; k < i->n_kinds; k++) {
		if (str_eq(i->kinds[k].kind, kind)) {
			a.is_control_plane |= i->kinds[k].is_control_plane;
			if (!listed) {
				a.environment = i->kinds[k].environment;
			}
		}
	}
	return a;
}

const struct asset_group *inventory_group(const struct inventory *i, struct str name)
{
	for (size_t k = 0; k < i->n_groups; k++) {
		if (str_eq(i->groups[k].name, name)) {
			return &i->groups[k];
		}
	}
	return NULL;
}

bool asset_group_has(const struct asset_group *g, struct str target)
{
	size_t from = 0;
	size_t to = g->n_members;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = str_cmp(target, g->members[middle]->target);

		if (order == 0) {
			return true;
		}
		if (order < 0) {
			to = middle;
		} else {
			from = middle + 1;
		}
	}
	return false;
}
