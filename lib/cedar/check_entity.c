/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/check_entity.c - checking attributes, tags, `in` and `is`.
 *
 * Trust:  as check_expr.c.
 * Holds:  an attribute that may be missing, and any tag, is read only where `has` or `hasTag` on
 *         the same expression was true.
 */
#include "cedar/check.h"
#include "cedar/entities.h"

enum { HINT_BYTES = 256, PATH_MAX_PARTS = 200 };

/* ---- attributes ---- */

/* What is known of one attribute of a type. */
struct attr_facts {
	const struct cedar_ty *type; /* NULL: none that could be relied on */
	bool is_required;
	bool may_be_there;
};

/* Of several entity types, an attribute is known when all have it and the types have one above. */
static enum rc look_up_entities(struct cedar_checker *c, const struct cedar_ty *of, struct str name,
				struct attr_facts *ret)
{
	bool is_common = true;

	for (uint32_t i = 0; i < of->n; i++) {
		const struct cedar_ty_attr *a = cedar_ty_find(of->entities[i]->attrs, name);

		if (!a) {
			is_common = false;
			continue;
		}
		ret->may_be_there = true;
		ret->is_required = (i == 0 || ret->is_required) && a->is_required;
		if (is_common && i > 0) {
			bool was_strict = c->tys.is_strict;

			c->tys.is_strict = false;
			ret->type = ret->type ? cedar_ty_join(&c->tys, ret->type, a->type) : NULL;
			c->tys.is_strict = was_strict;
			is_common = ret->type != NULL;
		} else if (is_common) {
			ret->type = a->type;
		}
	}
	if (!is_common) {
		ret->type = NULL;
	}
	return cedar_check_means(c);
}

static enum rc look_up(struct cedar_checker *c, const struct cedar_ty *of, struct str name,
		       struct attr_facts *ret)
{
	const struct cedar_ty_attr *a;

	*ret = (struct attr_facts){0};
	if (of->kind == CEDAR_TY_ENTITY) {
		return look_up_entities(c, of, name, ret);
	}
	if (of->kind != CEDAR_TY_RECORD) {
		ret->may_be_there = true; /* nothing is of type never */
		return RC_OK;
	}
	a = cedar_ty_find(of, name);
	ret->may_be_there = a || of->is_open;
	if (a) {
		ret->type = a->type;
		ret->is_required = a->is_required;
	}
	return RC_OK;
}

static void offer_attrs(struct cedar_nearest *near, const struct cedar_ty *of)
{
	const struct cedar_ty *record = of->kind == CEDAR_TY_ENTITY ? of->entities[0]->attrs : of;

	for (uint32_t i = 0; record->kind == CEDAR_TY_RECORD && i < record->n; i++) {
		cedar_nearest_offer(near, record->attrs[i].name);
	}
}

static enum rc find_no_attr(struct cedar_checker *c, const struct cedar_expr *x,
			    const struct cedar_ty *of, struct str name)
{
	struct cedar_nearest near = cedar_nearest_to(name);
	AUTO_BUF hint = BUF_INIT(HINT_BYTES);

	offer_attrs(&near, of);
	(void)cedar_nearest_say(&near, &hint); /* the message stands without it */
	return cedar_find(c->findings, CEDAR_FINDING_NO_ATTR, x->pos,
			  STR_FMT " has no attribute '" STR_FMT "'" STR_FMT,
			  STR_ARG(cedar_check_show(c, of)), STR_ARG(name),
			  STR_ARG(buf_view(&hint)));
}

enum rc cedar_check_attr(struct cedar_checker *c, const struct cedar_caps *prior,
			 const struct cedar_expr *x, struct cedar_answer *ret)
{
	const struct cedar_expr *on = x->args[0];
	struct str name = x->names[0];
	struct attr_facts facts;
	struct cedar_answer of;

	TRY(cedar_check_as(c, prior, on, &cedar_ty_any_entity, &cedar_ty_any_record, &of));
	if (!of.type) {
		return RC_OK;
	}
	TRY(look_up(c, of.type, name, &facts));
	ret->type = facts.type;
	if (!facts.type) {
		return find_no_attr(c, x, of.type, name);
	}
	if (facts.is_required || cedar_caps_has(c, prior, on, name, NULL)) {
		ret->is_ok = of.is_ok;
		return cedar_check_means(c);
	}
	TRY(cedar_check_means(c));
	return cedar_find(c->findings, CEDAR_FINDING_UNSAFE_ATTR, x->pos,
			  "attribute '" STR_FMT "' of " STR_FMT
			  " is optional: expected a test with has before it, found none",
			  STR_ARG(name), STR_ARG(cedar_check_show(c, of.type)));
}

/* `on has name`, of being on's answer. */
static enum rc check_has_one(struct cedar_checker *c, const struct cedar_caps *prior,
			     const struct cedar_expr *on, struct str name,
			     const struct cedar_answer *of, struct cedar_answer *ret)
{
	struct attr_facts facts;
	bool is_known;

	*ret = (struct cedar_answer){.type = &cedar_ty_bool};
	if (!of->type) {
		return RC_OK;
	}
	ret->is_ok = of->is_ok;
	TRY(look_up(c, of->type, name, &facts));
	if (!facts.type) {
		ret->type = facts.may_be_there ? &cedar_ty_bool : &cedar_ty_false;
		return RC_OK;
	}
	/* An entity need not exist, so even what its type requires may be missing. */
	is_known = (facts.is_required && of->type->kind == CEDAR_TY_RECORD) ||
		   cedar_caps_has(c, prior, on, name, NULL);
	ret->type = is_known ? &cedar_ty_true : &cedar_ty_bool;
	ret->caps = ret->is_ok ? cedar_caps_one(c, on, name, NULL) : NULL;
	return cedar_check_means(c);
}

/* Remembers what this environment says about the attribute. */
static enum rc note_asked(struct cedar_checker *c, const struct cedar_expr *x,
			  const struct cedar_answer *of, const struct cedar_answer *has)
{
	struct cedar_asked one = {
	    .name = &x->names[0], .pos = x->pos, .near = cedar_nearest_to(x->names[0])};
	struct cedar_asked *found = NULL;

	for (size_t i = 0; i < c->asking->list.n; i++) {
		found = c->asking->list.p[i].name == one.name ? &c->asking->list.p[i] : found;
	}
	if (!found) {
		TRY(vec_push(&c->asking->list, one));
		found = &c->asking->list.p[c->asking->list.n - 1];
	}
	found->may_be_there |= !of->type || !has->type || has->type->kind != CEDAR_TY_FALSE;
	if (!found->may_be_there) {
		offer_attrs(&found->near, of->type);
	}
	return RC_OK;
}

static enum rc check_plain_has(struct cedar_checker *c, const struct cedar_caps *prior,
			       const struct cedar_expr *x, struct cedar_answer *ret)
{
	const struct cedar_expr *on = x->args[0];
	struct cedar_answer of;

	TRY(cedar_check_as(c, prior, on, &cedar_ty_any_entity, &cedar_ty_any_record, &of));
	TRY(check_has_one(c, prior, on, x->names[0], &of, ret));
	return c->asking ? note_asked(c, x, &of, ret) : RC_OK;
}

static enum rc new_node(struct cedar_checker *c, enum cedar_kind kind, const struct cedar_expr *at,
			const struct cedar_expr *on, const struct str *name,
			const struct cedar_expr **ret)
{
	struct cedar_expr *x = arena_alloc(c->arena, sizeof(*x));
	const struct cedar_expr **arg = arena_alloc(c->arena, sizeof(struct cedar_expr *));

	if (!x || !arg) {
		return RC_NOMEM;
	}
	*arg = on;
	*x = (struct cedar_expr){
	    .kind = (uint8_t)kind,
	    .depth = (uint16_t)(on->depth + 1),
	    .n_args = 1,
	    .n_names = 1,
	    .pos = at->pos,
	    .args = arg,
	    .names = name,
	};
	*ret = x;
	return RC_OK;
}

/* `x has a.b.c` is `x has a && x.a has b && x.a.b has c`. */
enum rc cedar_check_has(struct cedar_checker *c, const struct cedar_caps *prior,
			const struct cedar_expr *x, struct cedar_answer *ret)
{
	const struct cedar_expr *on = x->args[0];

	TRY(check_plain_has(c, prior, x, ret));
	for (uint32_t i = 1; i < x->n_names; i++) {
		const struct cedar_expr *next;

		/* Names of entities may go on for ever; recursion may not. */
		if (i >= PATH_MAX_PARTS) {
			ret->is_ok = false;
			ret->caps = NULL;
			return cedar_find(c->findings, CEDAR_FINDING_TYPE, x->pos,
					  "expected a path of at most %d names after has, found %u",
					  (int)PATH_MAX_PARTS, x->n_names);
		}
		TRY(new_node(c, CEDAR_EXPR_ATTR, x, on, &x->names[i - 1], &on));
		TRY(new_node(c, CEDAR_EXPR_HAS, x, on, &x->names[i], &next));
		TRY(cedar_check_and(c, prior, ret, next, ret));
		if (ret->type && ret->type->kind == CEDAR_TY_FALSE) {
			return RC_OK;
		}
	}
	return RC_OK;
}

/* ---- tags ---- */

/* The type above those of all tags that entities of this type have; NULL: they have none. */
static enum rc tags_of(struct cedar_checker *c, const struct cedar_expr *x,
		       const struct cedar_ty *of, const struct cedar_ty **ret, bool *ret_any)
{
	*ret = NULL;
	*ret_any = false;
	for (uint32_t i = 0; i < of->n; i++) {
		const struct cedar_ty *tags = of->entities[i]->tags;

		if (tags && *ret_any && *ret) {
			TRY(cedar_check_join(c, x, "getTag", *ret, tags, ret));
		} else if (tags && !*ret_any) {
			*ret = tags;
		}
		*ret_any = *ret_any || tags;
	}
	return RC_OK;
}

static bool has_tags(const struct cedar_ty *of)
{
	for (uint32_t i = 0; i < of->n; i++) {
		if (of->entities[i]->tags) {
			return true;
		}
	}
	return false;
}

static enum rc check_get_tag(struct cedar_checker *c, const struct cedar_caps *prior,
			     const struct cedar_expr *x, const struct cedar_answer *of,
			     struct cedar_answer *ret)
{
	bool is_any;

	if (!cedar_caps_has(c, prior, x->args[0], STR_NULL, x->args[1])) {
		TRY(cedar_check_means(c));
		return cedar_find(c->findings, CEDAR_FINDING_UNSAFE_TAG, x->pos,
				  "a tag of " STR_FMT
				  " may be missing: expected a test with hasTag before it, "
				  "found none",
				  STR_ARG(cedar_check_show(c, of->type)));
	}
	TRY(tags_of(c, x, of->type, &ret->type, &is_any));
	if (!is_any) {
		return cedar_find(c->findings, CEDAR_FINDING_NO_TAGS, x->pos,
				  STR_FMT " has no tags", STR_ARG(cedar_check_show(c, of->type)));
	}
	ret->is_ok = ret->type != NULL;
	return RC_OK;
}

enum rc cedar_check_tag(struct cedar_checker *c, const struct cedar_caps *prior,
			const struct cedar_expr *x, struct cedar_answer *ret)
{
	struct cedar_answer of;
	struct cedar_answer name;

	TRY(cedar_check_as(c, prior, x->args[0], &cedar_ty_any_entity, NULL, &of));
	TRY(cedar_check_as(c, prior, x->args[1], &cedar_ty_string, NULL, &name));
	if (!of.type || of.type->kind != CEDAR_TY_ENTITY) {
		return RC_OK;
	}
	if (x->kind == CEDAR_EXPR_GET_TAG) {
		TRY(check_get_tag(c, prior, x, &of, ret));
		ret->is_ok = ret->is_ok && of.is_ok && name.is_ok;
		return RC_OK;
	}
	ret->is_ok = of.is_ok && name.is_ok;
	ret->type = &cedar_ty_bool;
	if (!has_tags(of.type)) {
		ret->type = &cedar_ty_false;
	} else if (cedar_caps_has(c, prior, x->args[0], STR_NULL, x->args[1])) {
		ret->type = &cedar_ty_true;
	}
	ret->caps = ret->is_ok ? cedar_caps_one(c, x->args[0], STR_NULL, x->args[1]) : NULL;
	return cedar_check_means(c);
}

/* ---- hierarchy ---- */

/* `action in groups`, all of them named: the schema knows. Groups that are no actions hold none. */
static enum rc check_action_in(struct cedar_checker *c, const struct cedar_uid *uid,
			       const struct cedar_expr *const *groups, uint32_t n,
			       struct cedar_answer *ret)
{
	ret->is_ok = true;
	ret->type = &cedar_ty_false;
	for (uint32_t i = 0; i < n; i++) {
		const struct cedar_uid *group = cedar_check_uid(c, groups[i]);

		if (cedar_is_action_type(group->type) &&
		    cedar_entities_in(c->schema->hierarchy, uid, group)) {
			ret->type = &cedar_ty_true;
		}
	}
	return RC_OK;
}

/* Are all of them named entities? */
static bool are_named(const struct cedar_checker *c, const struct cedar_expr *const *list,
		      uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!cedar_check_uid(c, list[i])) {
			return false;
		}
	}
	return true;
}

static bool may_be_in(const struct cedar_ty *left, const struct cedar_ty *right)
{
	for (uint32_t i = 0; i < left->n; i++) {
		for (uint32_t k = 0; k < right->n; k++) {
			if (cedar_schema_may_be_in(left->entities[i], right->entities[k])) {
				return true;
			}
		}
	}
	return false;
}

enum rc cedar_check_in(struct cedar_checker *c, const struct cedar_caps *prior,
		       const struct cedar_expr *x, const struct cedar_expr *left,
		       const struct cedar_expr *right, struct cedar_answer *ret)
{
	bool is_set = right->kind == CEDAR_EXPR_SET;
	const struct cedar_expr *const *groups = is_set ? right->args : &right;
	uint32_t n = is_set ? right->n_args : 1;
	const struct cedar_uid *uid = cedar_check_uid(c, left);
	const struct cedar_ty *of;
	struct cedar_answer a;
	struct cedar_answer b;

	(void)x; /* its operands say where */
	TRY(cedar_check_as(c, prior, left, &cedar_ty_any_entity, NULL, &a));
	TRY(cedar_check_as(c, prior, right, &cedar_ty_entity_set, &cedar_ty_any_entity, &b));
	ret->type = &cedar_ty_bool;
	if (!a.is_ok || !b.is_ok) {
		return RC_OK;
	}
	ret->is_ok = true;
	if (uid && cedar_is_action_type(uid->type) && are_named(c, groups, n)) {
		return check_action_in(c, uid, groups, n, ret);
	}
	of = b.type->kind == CEDAR_TY_SET ? b.type->elem : b.type;
	if (a.type->kind == CEDAR_TY_ENTITY && of && of->kind == CEDAR_TY_ENTITY &&
	    !may_be_in(a.type, of)) {
		ret->type = &cedar_ty_false;
	}
	return RC_OK;
}

static enum rc check_plain_is(struct cedar_checker *c, const struct cedar_caps *prior,
			      const struct cedar_expr *x, struct cedar_answer *ret)
{
	struct cedar_answer a;
	bool is_among = false;

	TRY(cedar_check_as(c, prior, x->args[0], &cedar_ty_any_entity, NULL, &a));
	ret->type = &cedar_ty_bool;
	if (!a.type || a.type->kind != CEDAR_TY_ENTITY) {
		return RC_OK;
	}
	ret->is_ok = a.is_ok;
	for (uint32_t i = 0; i < a.type->n; i++) {
		is_among = is_among || str_eq(a.type->entities[i]->name, x->names[0]);
	}
	if (!is_among) {
		ret->type = &cedar_ty_false;
	} else if (a.type->n == 1) {
		ret->type = &cedar_ty_true;
	}
	return RC_OK;
}

/* `x is T in g` is `x is T && x in g`. */
enum rc cedar_check_is(struct cedar_checker *c, const struct cedar_caps *prior,
		       const struct cedar_expr *x, struct cedar_answer *ret)
{
	struct cedar_expr *in;

	TRY(check_plain_is(c, prior, x, ret));
	if (x->n_args == 1) {
		return RC_OK;
	}
	in = arena_alloc(c->arena, sizeof(*in));
	if (!in) {
		return RC_NOMEM;
	}
	*in = *x;
	in->kind = CEDAR_EXPR_IN;
	in->n_names = 0;
	return cedar_check_and(c, prior, ret, in, ret);
}
