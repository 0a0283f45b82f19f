/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/types.c - comparing, joining and printing types.
 *
 * Trust:  declared types are bounded in weight; joined ones are no heavier than their parts.
 * Holds:  (1) every node visited costs a step.
 *         (2) recursion follows depth, which is bounded.
 */
#include "cedar/types.h"

#include <string.h>

#include "cedar/ext.h"

const struct cedar_ty cedar_ty_never = {.kind = CEDAR_TY_NEVER, .weight = 1};
const struct cedar_ty cedar_ty_true = {.kind = CEDAR_TY_TRUE, .weight = 1};
const struct cedar_ty cedar_ty_false = {.kind = CEDAR_TY_FALSE, .weight = 1};
const struct cedar_ty cedar_ty_bool = {.kind = CEDAR_TY_BOOL, .weight = 1};
const struct cedar_ty cedar_ty_long = {.kind = CEDAR_TY_LONG, .weight = 1};
const struct cedar_ty cedar_ty_string = {.kind = CEDAR_TY_STRING, .weight = 1};
const struct cedar_ty cedar_ty_any_set = {.kind = CEDAR_TY_SET, .weight = 1};
const struct cedar_ty cedar_ty_any_record = {.kind = CEDAR_TY_RECORD, .is_open = true, .weight = 1};
const struct cedar_ty cedar_ty_any_entity = {.kind = CEDAR_TY_ANY_ENTITY, .weight = 1};
const struct cedar_ty cedar_ty_entity_set = {
    .kind = CEDAR_TY_SET,
    .depth = 1,
    .weight = 2,
    .elem = &cedar_ty_any_entity,
};
const struct cedar_ty cedar_ty_empty_record = {.kind = CEDAR_TY_RECORD, .depth = 1, .weight = 1};

static const struct cedar_ty ext_types[] = {
    [CEDAR_IPADDR] = {.kind = CEDAR_TY_EXT, .ext = CEDAR_IPADDR, .weight = 1},
    [CEDAR_DECIMAL] = {.kind = CEDAR_TY_EXT, .ext = CEDAR_DECIMAL, .weight = 1},
    [CEDAR_DATETIME] = {.kind = CEDAR_TY_EXT, .ext = CEDAR_DATETIME, .weight = 1},
    [CEDAR_DURATION] = {.kind = CEDAR_TY_EXT, .ext = CEDAR_DURATION, .weight = 1},
};

const struct cedar_ty *cedar_ty_ext(enum cedar_type t)
{
	MUST(t >= CEDAR_IPADDR && t <= CEDAR_DURATION);
	return &ext_types[t];
}

/* ---- making ---- */

const struct cedar_ty *cedar_ty_set(struct arena *arena, const struct cedar_ty *elem,
				    bool *ret_limit)
{
	struct cedar_ty *t;

	*ret_limit = elem->depth >= CEDAR_TY_DEPTH_MAX || elem->weight >= CEDAR_TY_WEIGHT_MAX;
	t = *ret_limit ? NULL : arena_alloc(arena, sizeof(*t));
	if (t) {
		t->kind = CEDAR_TY_SET;
		t->elem = elem;
		t->depth = (uint8_t)(elem->depth + 1);
		t->weight = elem->weight + 1;
	}
	return t;
}

static int by_name(const void *a, const void *b, void *context)
{
	(void)context; /* none needed */
	return str_cmp(((const struct cedar_ty_attr *)a)->name,
		       ((const struct cedar_ty_attr *)b)->name);
}

const struct cedar_ty *cedar_ty_record(struct arena *arena, struct cedar_ty_attr *attrs, size_t n,
				       bool *ret_limit)
{
	unsigned deepest = 0;
	uint64_t weight = 1;
	struct cedar_ty *t;

	for (size_t i = 0; i < n; i++) {
		deepest = attrs[i].type->depth > deepest ? attrs[i].type->depth : deepest;
		weight += attrs[i].type->weight;
	}
	*ret_limit = deepest >= CEDAR_TY_DEPTH_MAX || weight > CEDAR_TY_WEIGHT_MAX;
	t = *ret_limit ? NULL : arena_alloc(arena, sizeof(*t));
	if (t) {
		cedar_sort(attrs, n, sizeof(*attrs), by_name, NULL);
		t->kind = CEDAR_TY_RECORD;
		t->attrs = attrs;
		t->n = (uint32_t)n;
		t->depth = (uint8_t)(deepest + 1);
		t->weight = (uint32_t)weight;
	}
	return t;
}

const struct cedar_ty_attr *cedar_ty_find(const struct cedar_ty *record, struct str name)
{
	size_t from = 0;
	size_t to = record->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;
		int c = str_cmp(record->attrs[mid].name, name);

		if (c == 0) {
			return &record->attrs[mid];
		}
		if (c < 0) {
			from = mid + 1;
		} else {
			to = mid;
		}
	}
	return NULL;
}

/* ---- comparing ---- */

static bool same_entities(const struct cedar_ty *a, const struct cedar_ty *b)
{
	return a->n == b->n && memcmp(a->entities, b->entities, a->n * sizeof(*a->entities)) == 0;
}

static bool is_among(const struct cedar_ty *of, const struct cedar_etype *t)
{
	for (uint32_t i = 0; i < of->n; i++) {
		if (of->entities[i] == t) {
			return true;
		}
	}
	return false;
}

static bool entities_sub(const struct cedar_tys *t, const struct cedar_ty *a,
			 const struct cedar_ty *b)
{
	if (t->is_strict) {
		return same_entities(a, b);
	}
	for (uint32_t i = 0; i < a->n; i++) {
		if (!is_among(b, a->entities[i])) {
			return false;
		}
	}
	return true;
}

bool cedar_ty_equal(struct cedar_tys *t, const struct cedar_ty *a, const struct cedar_ty *b)
{
	if (a == b) {
		return true;
	}
	if (!cedar_step(&t->steps, 1) || a->kind != b->kind || a->n != b->n ||
	    a->is_open != b->is_open) {
		return false;
	}
	switch ((enum cedar_ty_kind)a->kind) {
	case CEDAR_TY_NEVER:
	case CEDAR_TY_TRUE:
	case CEDAR_TY_FALSE:
	case CEDAR_TY_BOOL:
	case CEDAR_TY_LONG:
	case CEDAR_TY_STRING:
	case CEDAR_TY_ANY_ENTITY:
		return true;
	case CEDAR_TY_EXT:
		return a->ext == b->ext;
	case CEDAR_TY_ENTITY:
		return same_entities(a, b);
	case CEDAR_TY_SET:
		return a->elem && b->elem && cedar_ty_equal(t, a->elem, b->elem);
	case CEDAR_TY_RECORD:
		for (uint32_t i = 0; i < a->n; i++) {
			if (!str_eq(a->attrs[i].name, b->attrs[i].name) ||
			    a->attrs[i].is_required != b->attrs[i].is_required ||
			    !cedar_ty_equal(t, a->attrs[i].type, b->attrs[i].type)) {
				return false;
			}
		}
		return true;
	}
	return false;
}

/* An open record may leave attributes of the other out; strictly, only the open record that says
 * nothing is above others, which is what the checker compares with in permissive mode. */
static bool record_sub(struct cedar_tys *t, const struct cedar_ty *a, const struct cedar_ty *b)
{
	if ((a->is_open && !b->is_open) || (a->n != b->n && (t->is_strict || !b->is_open))) {
		return false;
	}
	for (uint32_t i = 0; i < b->n; i++) {
		const struct cedar_ty_attr *theirs = &b->attrs[i];
		const struct cedar_ty_attr *ours = cedar_ty_find(a, theirs->name);

		if (!ours || (t->is_strict ? ours->is_required != theirs->is_required
					   : theirs->is_required && !ours->is_required)) {
			return false;
		}
		if (!cedar_ty_is_sub(t, ours->type, theirs->type)) {
			return false;
		}
	}
	return true;
}

bool cedar_ty_is_sub(struct cedar_tys *t, const struct cedar_ty *a, const struct cedar_ty *b)
{
	if (a == b || a->kind == CEDAR_TY_NEVER) {
		return true;
	}
	if (!cedar_step(&t->steps, 1)) {
		return false;
	}
	if (b->kind == CEDAR_TY_BOOL) {
		return cedar_ty_is_bool(a);
	}
	if (b->kind == CEDAR_TY_ANY_ENTITY) {
		return a->kind == CEDAR_TY_ENTITY && !t->is_strict;
	}
	if (a->kind != b->kind) {
		return false;
	}
	if (a->kind == CEDAR_TY_SET) {
		return !b->elem || (a->elem && cedar_ty_is_sub(t, a->elem, b->elem));
	}
	if (a->kind == CEDAR_TY_RECORD) {
		return record_sub(t, a, b);
	}
	return a->kind == CEDAR_TY_ENTITY ? entities_sub(t, a, b) : cedar_ty_equal(t, a, b);
}

bool cedar_ty_is_disjoint(const struct cedar_ty *a, const struct cedar_ty *b)
{
	if (a->kind != CEDAR_TY_ENTITY || b->kind != CEDAR_TY_ENTITY) {
		return false;
	}
	for (uint32_t i = 0; i < a->n; i++) {
		if (is_among(b, a->entities[i])) {
			return false;
		}
	}
	return true;
}

/* ---- joining ---- */

static const struct cedar_ty *keep(struct cedar_tys *t, struct cedar_ty v)
{
	struct cedar_ty *p = arena_alloc(t->arena, sizeof(*p));

	if (!p) {
		t->is_out = true;
		return NULL;
	}
	*p = v;
	return p;
}

static const struct cedar_ty *join_entities(struct cedar_tys *t, const struct cedar_ty *a,
					    const struct cedar_ty *b)
{
	const struct cedar_etype **list;
	uint32_t i = 0;
	uint32_t k = 0;
	uint32_t n = 0;

	if (t->is_strict) {
		return NULL; /* equal ones are each other's subtypes */
	}
	list = arena_alloc_n(t->arena, (size_t)a->n + b->n, sizeof(struct cedar_etype *));
	if (!list) {
		t->is_out = true;
		return NULL;
	}
	while (i < a->n || k < b->n) {
		if (k == b->n || (i < a->n && a->entities[i]->index < b->entities[k]->index)) {
			list[n++] = a->entities[i++];
		} else {
			i += i < a->n && a->entities[i] == b->entities[k] ? 1 : 0;
			list[n++] = b->entities[k++];
		}
	}
	return keep(t, (struct cedar_ty){
			   .kind = CEDAR_TY_ENTITY,
			   .n = n,
			   .weight = 1,
			   .entities = list,
		       });
}

static const struct cedar_ty *join_records(struct cedar_tys *t, const struct cedar_ty *a,
					   const struct cedar_ty *b)
{
	struct cedar_ty_attr *attrs = arena_alloc_n(t->arena, a->n, sizeof(*attrs));
	uint32_t weight = 1;
	uint32_t n = 0;

	if (!attrs) {
		t->is_out = true;
		return NULL;
	}
	if (t->is_strict && a->n != b->n) {
		return NULL;
	}
	for (uint32_t i = 0; i < a->n; i++) {
		const struct cedar_ty_attr *other = cedar_ty_find(b, a->attrs[i].name);
		const struct cedar_ty *both;

		both = other ? cedar_ty_join(t, a->attrs[i].type, other->type) : NULL;
		if (!both || (t->is_strict && a->attrs[i].is_required != other->is_required)) {
			if (t->is_strict || t->is_out) {
				return NULL;
			}
			continue;
		}
		attrs[n].name = a->attrs[i].name;
		attrs[n].type = both;
		attrs[n].is_required = a->attrs[i].is_required && other->is_required;
		weight += both->weight;
		n++;
	}
	return keep(t, (struct cedar_ty){
			   .kind = CEDAR_TY_RECORD,
			   .is_open = a->is_open || b->is_open || n != a->n || n != b->n,
			   .depth = a->depth > b->depth ? a->depth : b->depth,
			   .n = n,
			   .weight = weight,
			   .attrs = attrs,
		       });
}

const struct cedar_ty *cedar_ty_join(struct cedar_tys *t, const struct cedar_ty *a,
				     const struct cedar_ty *b)
{
	const struct cedar_ty *elem;
	bool is_limit = false;

	if (cedar_ty_is_sub(t, a, b)) {
		return b;
	}
	if (cedar_ty_is_sub(t, b, a)) {
		return a;
	}
	if (!cedar_step(&t->steps, 1)) {
		return NULL;
	}
	if (cedar_ty_is_bool(a) && cedar_ty_is_bool(b)) {
		return &cedar_ty_bool;
	}
	if (a->kind != b->kind) {
		return NULL;
	}
	if (a->kind == CEDAR_TY_SET && a->elem && b->elem) {
		elem = cedar_ty_join(t, a->elem, b->elem);
		if (!elem) {
			return NULL;
		}
		elem = cedar_ty_set(t->arena, elem, &is_limit);
		t->is_out = t->is_out || !elem;
		return elem;
	}
	if (a->kind == CEDAR_TY_ENTITY) {
		return join_entities(t, a, b);
	}
	return a->kind == CEDAR_TY_RECORD ? join_records(t, a, b) : NULL;
}

/* ---- printing ---- */

enum { SHOWN_PARTS = 4, SHOWN_DEPTH = 3 };

static enum rc print_type(struct buf *b, const struct cedar_ty *t, unsigned depth);

static enum rc print_record(struct buf *b, const struct cedar_ty *t, unsigned depth)
{
	TRY(buf_add_char(b, '{'));
	for (uint32_t i = 0; i < t->n && i < SHOWN_PARTS && depth < SHOWN_DEPTH; i++) {
		TRY(buf_addf(b, "%s" STR_FMT "%s: ", i ? ", " : "", STR_ARG(t->attrs[i].name),
			     t->attrs[i].is_required ? "" : "?"));
		TRY(print_type(b, t->attrs[i].type, depth + 1));
	}
	if (t->is_open || (t->n && (t->n > SHOWN_PARTS || depth >= SHOWN_DEPTH))) {
		TRY(buf_addf(b, "%s...", t->n && depth < SHOWN_DEPTH ? ", " : ""));
	}
	return buf_add_char(b, '}');
}

static enum rc print_entities(struct buf *b, const struct cedar_ty *t)
{
	for (uint32_t i = 0; i < t->n && i < SHOWN_PARTS; i++) {
		TRY(buf_addf(b, "%s" STR_FMT, i ? " or " : "", STR_ARG(t->entities[i]->name)));
	}
	return t->n > SHOWN_PARTS ? buf_add(b, STR(" or ...")) : RC_OK;
}

static enum rc print_type(struct buf *b, const struct cedar_ty *t, unsigned depth)
{
	switch ((enum cedar_ty_kind)t->kind) {
	case CEDAR_TY_NEVER:
		return buf_add(b, STR("nothing"));
	case CEDAR_TY_TRUE:
		return buf_add(b, STR("Bool (true)"));
	case CEDAR_TY_FALSE:
		return buf_add(b, STR("Bool (false)"));
	case CEDAR_TY_BOOL:
		return buf_add(b, STR("Bool"));
	case CEDAR_TY_LONG:
		return buf_add(b, STR("Long"));
	case CEDAR_TY_STRING:
		return buf_add(b, STR("String"));
	case CEDAR_TY_EXT:
		return buf_add(b, str_from(cedar_type_name((enum cedar_type)t->ext)));
	case CEDAR_TY_ANY_ENTITY:
		return buf_add(b, STR("an entity"));
	case CEDAR_TY_ENTITY:
		return print_entities(b, t);
	case CEDAR_TY_RECORD:
		return print_record(b, t, depth);
	case CEDAR_TY_SET:
		if (!t->elem || depth >= SHOWN_DEPTH) {
			return buf_add(b, STR("a set"));
		}
		TRY(buf_add(b, STR("Set<")));
		TRY(print_type(b, t->elem, depth + 1));
		return buf_add_char(b, '>');
	}
	return RC_OK;
}

enum rc cedar_ty_print(struct buf *b, const struct cedar_ty *t)
{
	return print_type(b, t, 0);
}
