/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/entities.c - the entity store: filled, sealed, read.
 *
 * Trust:  entities are the caller's data, which may come from anywhere; numbers and shapes are
 *         hostile, pointers are not.
 * Holds:  (1) slots has more than twice as many places as there are nodes, a power of two.
 *         (2) once sealed, ancestors is the transitive closure of parents, through the base's
 *             closure where a parent is there, sorted by hash.
 *         (3) no entity of a sealed store is its own ancestor.
 * States: FILLING -seal-> SEALED;  a failed seal leaves a store that only may be dropped.
 */
#include "cedar/entities.h"

#include <string.h>

enum state { FILLING = 0, SEALED, BROKEN };
enum mark { WHITE = 0, GREY, BLACK }; /* not seen, being visited, done */

struct cedar_entities {
	struct arena *arena;
	const struct cedar_entities *base;
	struct cedar_node **nodes;
	uint32_t *slots; /* index into nodes plus one; 0 = free */
	size_t n;
	size_t cap;
	size_t n_slots;
	enum state state;
	/* While sealing: uids of one entity's ancestors are gathered here; merged is where the next
	 * merge goes to. */
	const struct cedar_uid **gathered;
	size_t n_gathered;
	size_t cap_gathered;
	const struct cedar_uid **merged;
	size_t cap_merged;
};

enum rc cedar_entities_new(struct arena *arena, const struct cedar_entities *base,
			   struct cedar_entities **ret, struct err *e)
{
	struct cedar_entities *s;

	MUST(!base || base->state == SEALED);
	s = arena_alloc(arena, sizeof(*s));
	if (!s) {
		return cedar_arena_rc(arena, sizeof(*s), e);
	}
	s->arena = arena;
	s->base = base;
	*ret = s;
	return RC_OK;
}

/* ---- looking up ---- */

static struct cedar_node *find_here(const struct cedar_entities *s, const struct cedar_uid *uid)
{
	if (s->n == 0) {
		return NULL;
	}
	for (size_t at = (size_t)uid->hash & (s->n_slots - 1);; at = (at + 1) & (s->n_slots - 1)) {
		uint32_t i = s->slots[at];

		if (i == 0) {
			return NULL;
		}
		if (cedar_same_uid(s->nodes[i - 1]->uid, uid)) {
			return s->nodes[i - 1];
		}
	}
}

const struct cedar_node *cedar_entities_find(const struct cedar_entities *s,
					     const struct cedar_uid *uid)
{
	for (; s; s = s->base) {
		const struct cedar_node *node = find_here(s, uid);

		if (node) {
			return node;
		}
	}
	return NULL;
}

bool cedar_node_has_ancestor(const struct cedar_node *node, const struct cedar_uid *uid)
{
	size_t from = 0;
	size_t to = node->n_ancestors;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (node->ancestors[mid]->hash < uid->hash) {
			from = mid + 1;
		} else {
			to = mid;
		}
	}
	for (; from < node->n_ancestors && node->ancestors[from]->hash == uid->hash; from++) {
		if (cedar_same_uid(node->ancestors[from], uid)) {
			return true;
		}
	}
	return false;
}

/* ---- filling ---- */

static void place(struct cedar_entities *s, size_t i)
{
	size_t at = (size_t)s->nodes[i]->uid->hash & (s->n_slots - 1);

	while (s->slots[at]) {
		at = (at + 1) & (s->n_slots - 1);
	}
	s->slots[at] = (uint32_t)i + 1;
}

static enum rc make_room(struct cedar_entities *s, struct err *e)
{
	size_t cap = s->cap ? s->cap * 2 : 8;
	struct cedar_node **nodes;
	uint32_t *slots;

	if (s->n < s->cap) {
		return RC_OK;
	}
	if (s->n >= CEDAR_LIMIT_ENTITIES) {
		FAIL(e, RC_LIMIT, "more than %d entities", (int)CEDAR_LIMIT_ENTITIES);
	}
	nodes = arena_alloc_n(s->arena, cap, sizeof(struct cedar_node *));
	slots = arena_alloc_n(s->arena, cap * 4, sizeof(*slots));
	if (!nodes || !slots) {
		return cedar_arena_rc(s->arena, cap * (sizeof(*nodes) + 4 * sizeof(*slots)), e);
	}
	if (s->n) {
		memcpy(nodes, s->nodes, s->n * sizeof(*nodes));
	}
	s->nodes = nodes;
	s->slots = slots;
	s->cap = cap;
	s->n_slots = cap * 4;
	for (size_t i = 0; i < s->n; i++) {
		place(s, i);
	}
	return RC_OK;
}

static bool has_parent(const struct cedar_uid *const *list, size_t n, const struct cedar_uid *uid)
{
	for (size_t i = 0; i < n; i++) {
		if (cedar_same_uid(list[i], uid)) {
			return true;
		}
	}
	return false;
}

/* Parents as sets are the same: their order and repetitions say nothing. */
static bool same_parents(const struct cedar_node *a, const struct cedar_entity *b)
{
	for (size_t i = 0; i < a->n_parents; i++) {
		if (!has_parent(b->parents, b->n_parents, a->parents[i])) {
			return false;
		}
	}
	for (size_t i = 0; i < b->n_parents; i++) {
		if (!has_parent(a->parents, a->n_parents, b->parents[i])) {
			return false;
		}
	}
	return true;
}

static enum rc name_uid(const struct cedar_uid *uid, const char *what, struct err *e)
{
	FAIL(e, RC_INPUT, "entity " STR_FMT "::\"" STR_FMT "\" %s", STR_ARG(uid->type),
	     STR_ARG(uid->id), what);
}

static const struct cedar_value no_fields = {.type = CEDAR_RECORD, .depth = 1};

static enum rc add_node(struct cedar_entities *s, const struct cedar_entity *entity,
			const struct cedar_value *attrs, const struct cedar_value *tags,
			struct err *e)
{
	struct cedar_node *node = arena_alloc(s->arena, sizeof(*node));
	const struct cedar_uid **parents =
	    arena_alloc_n(s->arena, entity->n_parents, sizeof(struct cedar_uid *));

	if (!node || !parents) {
		return cedar_arena_rc(s->arena,
				      sizeof(*node) + entity->n_parents * sizeof(*parents), e);
	}
	if (entity->n_parents) {
		memcpy(parents, entity->parents, entity->n_parents * sizeof(*parents));
	}
	*node = (struct cedar_node){
	    .uid = entity->uid,
	    .attrs = *attrs,
	    .tags = *tags,
	    .parents = parents,
	    .n_parents = (uint32_t)entity->n_parents,
	};
	TRY(make_room(s, e));
	s->nodes[s->n] = node;
	place(s, s->n);
	s->n++;
	return RC_OK;
}

enum rc cedar_entities_add(struct cedar_entities *s, const struct cedar_entity *entity,
			   struct err *e)
{
	const struct cedar_value *attrs = entity->attrs ? entity->attrs : &no_fields;
	const struct cedar_value *tags = entity->tags ? entity->tags : &no_fields;
	const struct cedar_node *was;

	MUST(s->state == FILLING);
	if (!entity->uid) {
		FAIL(e, RC_INPUT, "an entity has no uid");
	}
	if (attrs->type != CEDAR_RECORD || tags->type != CEDAR_RECORD) {
		return name_uid(entity->uid, "has attributes or tags that are no record", e);
	}
	if (entity->n_parents > CEDAR_LIMIT_ANCESTORS) {
		FAIL(e, RC_LIMIT, "entity " STR_FMT "::\"" STR_FMT "\" has more than %d parents",
		     STR_ARG(entity->uid->type), STR_ARG(entity->uid->id),
		     (int)CEDAR_LIMIT_ANCESTORS);
	}
	was = find_here(s, entity->uid);
	if (!was) {
		return add_node(s, entity, attrs, tags, e);
	}
	if (!cedar_value_equal(&was->attrs, attrs) || !cedar_value_equal(&was->tags, tags) ||
	    !same_parents(was, entity)) {
		return name_uid(entity->uid, "is there twice, with different content", e);
	}
	return RC_OK;
}

/* ---- sealing ---- */

/* Room for n uids in the list that the next merge goes to. */
static enum rc reserve_merged(struct cedar_entities *s, size_t n, struct err *e)
{
	if (n > s->cap_merged) {
		size_t cap = n * 2;

		s->merged = arena_alloc_n(s->arena, cap, sizeof(struct cedar_uid *));
		if (!s->merged) {
			s->cap_merged = 0;
			return cedar_arena_rc(s->arena, cap * sizeof(*s->merged), e);
		}
		s->cap_merged = cap;
	}
	return RC_OK;
}

/* Adds uids, sorted by hash, to those gathered so far, which are too. Two uids with the same hash
 * may leave one of them twice, which does no harm. */
static enum rc gather(struct cedar_entities *s, const struct cedar_uid *const *uids, size_t n,
		      struct err *e)
{
	const struct cedar_uid **old = s->gathered;
	size_t n_old = s->n_gathered;
	size_t cap_old = s->cap_gathered;
	size_t i = 0;
	size_t k = 0;
	size_t out = 0;

	TRY(reserve_merged(s, n_old + n, e));
	while (i < n_old || k < n) {
		if (k == n || (i < n_old && old[i]->hash < uids[k]->hash)) {
			s->merged[out++] = old[i++];
		} else if (i < n_old && cedar_same_uid(old[i], uids[k])) {
			s->merged[out++] = old[i++];
			k++;
		} else {
			s->merged[out++] = uids[k++];
		}
	}
	s->gathered = s->merged;
	s->n_gathered = out;
	s->cap_gathered = s->cap_merged;
	s->merged = old;
	s->cap_merged = cap_old;
	return RC_OK;
}

/* All parents of node are done: its ancestors are theirs and they. */
static enum rc close_node(struct cedar_entities *s, struct cedar_node *node, struct err *e)
{
	const struct cedar_uid **kept;

	node->mark = BLACK;
	s->n_gathered = 0;
	for (uint32_t i = 0; i < node->n_parents; i++) {
		const struct cedar_node *parent = cedar_entities_find(s, node->parents[i]);

		TRY(gather(s, &node->parents[i], 1, e));
		if (parent) {
			TRY(gather(s, parent->ancestors, parent->n_ancestors, e));
		}
		if (s->n_gathered > CEDAR_LIMIT_ANCESTORS) {
			FAIL(e, RC_LIMIT,
			     "entity " STR_FMT "::\"" STR_FMT "\" has more than %d ancestors",
			     STR_ARG(node->uid->type), STR_ARG(node->uid->id),
			     (int)CEDAR_LIMIT_ANCESTORS);
		}
	}
	if (s->n_gathered == 0) {
		return RC_OK;
	}
	kept = arena_alloc_n(s->arena, s->n_gathered, sizeof(struct cedar_uid *));
	if (!kept) {
		return cedar_arena_rc(s->arena, s->n_gathered * sizeof(*kept), e);
	}
	memcpy(kept, s->gathered, s->n_gathered * sizeof(*kept));
	node->ancestors = kept;
	node->n_ancestors = (uint32_t)s->n_gathered;
	/* Through the base, whose closure may name an entity of this layer. */
	if (cedar_node_has_ancestor(node, node->uid)) {
		return name_uid(node->uid, "is its own ancestor", e);
	}
	return RC_OK;
}

/* Depth first from one node, with a stack of our own: chains may be long. */
static enum rc close_from(struct cedar_entities *s, struct cedar_node *node,
			  struct cedar_node **stack, struct err *e)
{
	size_t depth = 0;

	node->mark = GREY;
	stack[depth++] = node;
	while (depth > 0) {
		struct cedar_node *top = stack[depth - 1];
		struct cedar_node *parent;

		if (top->next_parent == top->n_parents) {
			TRY(close_node(s, top, e));
			depth--;
			continue;
		}
		parent = find_here(s, top->parents[top->next_parent++]);
		if (parent && parent->mark == GREY) {
			return name_uid(parent->uid, "is its own ancestor", e);
		}
		if (parent && parent->mark == WHITE) {
			parent->mark = GREY;
			stack[depth++] = parent;
		}
	}
	return RC_OK;
}

enum rc cedar_entities_seal(struct cedar_entities *s, struct err *e)
{
	struct cedar_node **stack;

	MUST(s->state == FILLING);
	s->state = BROKEN;
	/* Most layers have nobody's parent to follow. */
	stack = arena_alloc_n(s->arena, s->n, sizeof(struct cedar_node *));
	if (!stack) {
		return cedar_arena_rc(s->arena, s->n * sizeof(*stack), e);
	}
	for (size_t i = 0; i < s->n; i++) {
		if (s->nodes[i]->mark == WHITE) {
			TRY(close_from(s, s->nodes[i], stack, e));
		}
	}
	s->state = SEALED;
	return RC_OK;
}

/* ---- reading ---- */

struct arena *cedar_entities_arena(const struct cedar_entities *s)
{
	return s->arena;
}

const struct cedar_node *cedar_entities_node(const struct cedar_entities *s, size_t i)
{
	MUST(i < s->n);
	return s->nodes[i];
}

size_t cedar_entities_count(const struct cedar_entities *s)
{
	return s->n;
}

bool cedar_entities_get(const struct cedar_entities *s, const struct cedar_uid *uid,
			struct cedar_entity *ret)
{
	const struct cedar_node *node = cedar_entities_find(s, uid);

	if (!node) {
		return false;
	}
	*ret = (struct cedar_entity){
	    .uid = node->uid,
	    .attrs = &node->attrs,
	    .tags = &node->tags,
	    .parents = node->parents,
	    .n_parents = node->n_parents,
	};
	return true;
}

bool cedar_entities_in(const struct cedar_entities *s, const struct cedar_uid *descendant,
		       const struct cedar_uid *ancestor)
{
	const struct cedar_node *node;

	if (cedar_same_uid(descendant, ancestor)) {
		return true;
	}
	node = cedar_entities_find(s, descendant);
	return node && cedar_node_has_ancestor(node, ancestor);
}
