/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/entities.h - how an entity looks inside the library. */
#pragma once

#include "cedar/value.h"

struct cedar_node {
	const struct cedar_uid *uid;
	struct cedar_value attrs; /* a record */
	struct cedar_value tags;  /* a record */
	const struct cedar_uid *const *parents;
	const struct cedar_uid *const *ancestors; /* sorted by hash; without the entity itself */
	uint32_t n_parents;
	uint32_t n_ancestors;
	/* While sealing: */
	uint32_t next_parent;
	uint8_t mark;
};

/* The entity in s or below; NULL when there is none, and for s == NULL. */
const struct cedar_node *cedar_entities_find(const struct cedar_entities *s,
					     const struct cedar_uid *uid);
/* Is uid among the node's ancestors? */
bool cedar_node_has_ancestor(const struct cedar_node *node, const struct cedar_uid *uid);
/* The i-th entity, without the base; i < cedar_entities_count(). */
const struct cedar_node *cedar_entities_node(const struct cedar_entities *s, size_t i);
/* Where the store lives. */
struct arena *cedar_entities_arena(const struct cedar_entities *s);
