/* SPDX-License-Identifier: Apache-2.0 */
/* core/inventory.h - what the deployment knows about assets: where they are, whose, in which
 * groups.
 *
 * Part of a bundle: immutable, owned by the bundle's arena. Assets are named by their canonical
 * target (core/target.h). Whatever is not listed is still something: it counts as a standard asset
 * of the production environment that belongs to nobody, so that forgetting to list an asset never
 * makes it easier to touch. Health is the one thing that changes between activations: the bundle
 * has what the files say, state_asset_is_up() what is in force.
 */
#pragma once

#include "core/list.h"

struct asset {
	struct str target;	/* canonical "kind:value" */
	struct str environment; /* "any": of its nature in none, such as an attacker's address */
	struct str service;	/* "" = none */
	struct str owner;	/* a person; "" = nobody */
	struct str team;	/* "" = none */
	bool is_crown_jewel;
	bool is_control_plane;	/* no agent may touch it, whoever approves */
	bool is_listed;		/* false: what inventory_asset() makes up for the unknown */
	bool is_down;		/* as the file says */
	struct str_list labels; /* "key=value", one per key */
	struct str_list groups; /* names of those that it is in */
};

struct asset_group {
	struct str name;
	const struct asset *const *members; /* sorted by target */
	size_t n_members;
};

/* Of all assets of a kind that are not listed one by one. */
struct asset_kind {
	struct str kind;
	struct str environment;
	bool is_control_plane;
};

struct inventory {
	const struct asset *assets; /* sorted by target */
	size_t n_assets;
	const struct asset_group *groups;
	size_t n_groups;
	const struct asset_kind *kinds;
	size_t n_kinds;
};

#define INVENTORY_UNKNOWN_ENVIRONMENT STR("production")
#define INVENTORY_ANY_ENVIRONMENT     STR("any")

/* The asset, NULL when it is not listed. */
const struct asset *inventory_find(const struct inventory *i, struct str target);
/* The asset, or what is known of its kind. target must outlive the result. */
struct asset inventory_asset(const struct inventory *i, struct str target);
const struct asset_group *inventory_group(const struct inventory *i, struct str name);
bool asset_group_has(const struct asset_group *g, struct str target);
/* Is this one of the kinds that are control plane everywhere, whatever an inventory says? */
bool inventory_kind_is_control_plane(struct str kind);
