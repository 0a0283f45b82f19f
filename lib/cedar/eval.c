/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/eval.c - evaluating expressions.
 *
 * Trust:  values of the request and of entities are hostile in size and shape.
 * Holds:  (1) recursion follows the tree of the expression, whose depth the parser bounds.
 *         (2) every node, and every element and block of bytes that an operator looks at, costs a
 *             step; without steps left the evaluation fails.
 *         (3) operands are evaluated left to right, all of them before their types are looked at,
 *             as in the reference; only && || and if leave some out.
 */
#include "cedar/eval.h"

#include <string.h>

#include "cedar/like.h"

enum { ARGS_FEW = 4 };

/* ---- failing ---- */

static enum rc fail(struct cedar_eval *v, const struct cedar_expr *x, enum cedar_error_class class,
		    struct str subject)
{
	v->error = (struct cedar_error){.class = class, .pos = x->pos, .subject = subject};
	return RC_INPUT;
}

static enum rc fail_type(struct cedar_eval *v, const struct cedar_expr *x, uint32_t expected,
			 const struct cedar_value *got)
{
	v->error = (struct cedar_error){
	    .class = CEDAR_ERROR_TYPE,
	    .pos = x->pos,
	    .expected = expected,
	    .got = (enum cedar_type)got->type,
	};
	return RC_INPUT;
}

static enum rc fail_entity(struct cedar_eval *v, const struct cedar_expr *x,
			   enum cedar_error_class class, struct str subject,
			   const struct cedar_uid *uid)
{
	(void)fail(v, x, class, subject); /* returned below */
	v->error.uid = uid;
	return RC_INPUT;
}

static enum rc fail_steps(struct cedar_eval *v, const struct cedar_expr *x)
{
	return fail(v, x, CEDAR_ERROR_LIMIT, STR("the evaluation takes too many steps"));
}

#define TYPE_BIT(t) (1u << (t))

static enum rc want(struct cedar_eval *v, const struct cedar_expr *x, const struct cedar_value *got,
		    enum cedar_type type)
{
	return got->type == type ? RC_OK : fail_type(v, x, TYPE_BIT(type), got);
}

static enum rc check_steps(struct cedar_eval *v, const struct cedar_expr *x)
{
	return v->steps.left < 0 ? fail_steps(v, x) : RC_OK;
}

/* ---- operands ---- */

static enum rc eval_two(struct cedar_eval *v, const struct cedar_expr *x, struct cedar_value two[2])
{
	TRY(cedar_eval(v, x->args[0], &two[0]));
	return cedar_eval(v, x->args[1], &two[1]);
}

enum rc cedar_eval_bool(struct cedar_eval *v, const struct cedar_expr *x, bool *ret)
{
	struct cedar_value got;

	TRY(cedar_eval(v, x, &got));
	TRY(want(v, x, &got, CEDAR_BOOL));
	*ret = got.b;
	return RC_OK;
}

const struct cedar_node *cedar_eval_node(const struct cedar_eval *v, const struct cedar_uid *uid)
{
	const struct cedar_request *r = v->request;

	/* Most lookups are of the request's own, by the very pointer. */
	if (uid == r->principal) {
		return v->nodes[CEDAR_PRINCIPAL];
	}
	if (uid == r->resource) {
		return v->nodes[CEDAR_RESOURCE];
	}
	if (uid == r->action) {
		return v->nodes[CEDAR_ACTION];
	}
	return cedar_entities_find(v->entities, uid);
}

/* ---- logic ---- */

static enum rc eval_variable(struct cedar_eval *v, const struct cedar_expr *x,
			     struct cedar_value *ret)
{
	switch ((enum cedar_variable)x->variable) {
	case CEDAR_PRINCIPAL:
		*ret = cedar_make_uid(v->request->principal);
		break;
	case CEDAR_ACTION:
		*ret = cedar_make_uid(v->request->action);
		break;
	case CEDAR_RESOURCE:
		*ret = cedar_make_uid(v->request->resource);
		break;
	case CEDAR_CONTEXT:
		*ret = v->context;
		break;
	}
	return RC_OK;
}

/* `until` is the operand that settles it: false for &&, true for ||. */
static enum rc eval_chain(struct cedar_eval *v, const struct cedar_expr *x, bool until,
			  struct cedar_value *ret)
{
	bool b = !until;

	for (uint32_t i = 0; i < x->n_args && b != until; i++) {
		TRY(cedar_eval_bool(v, x->args[i], &b));
	}
	*ret = cedar_make_bool(b);
	return RC_OK;
}

static enum rc eval_if(struct cedar_eval *v, const struct cedar_expr *x, struct cedar_value *ret)
{
	bool b;

	TRY(cedar_eval_bool(v, x->args[0], &b));
	return cedar_eval(v, x->args[b ? 1 : 2], ret);
}

static enum rc eval_not(struct cedar_eval *v, const struct cedar_expr *x, struct cedar_value *ret)
{
	bool b;

	TRY(cedar_eval_bool(v, x->args[0], &b));
	*ret = cedar_make_bool(!b);
	return RC_OK;
}

/* ---- numbers and order ---- */

static enum rc eval_negate(struct cedar_eval *v, const struct cedar_expr *x,
			   struct cedar_value *ret)
{
	struct cedar_value a;
	int64_t i;

	TRY(cedar_eval(v, x->args[0], &a));
	TRY(want(v, x->args[0], &a, CEDAR_LONG));
	if (__builtin_sub_overflow((int64_t)0, a.i, &i)) {
		return fail(v, x, CEDAR_ERROR_OVERFLOW, STR("-"));
	}
	*ret = cedar_make_int(CEDAR_LONG, i);
	return RC_OK;
}

static enum rc eval_arithmetic(struct cedar_eval *v, const struct cedar_expr *x,
			       struct cedar_value *ret)
{
	struct cedar_value two[2];
	int64_t i;
	bool is_over;
	struct str op;

	TRY(eval_two(v, x, two));
	TRY(want(v, x->args[0], &two[0], CEDAR_LONG));
	TRY(want(v, x->args[1], &two[1], CEDAR_LONG));
	if (x->kind == CEDAR_EXPR_ADD) {
		is_over = __builtin_add_overflow(two[0].i, two[1].i, &i);
		op = STR("+");
	} else if (x->kind == CEDAR_EXPR_SUB) {
		is_over = __builtin_sub_overflow(two[0].i, two[1].i, &i);
		op = STR("-");
	} else {
		is_over = __builtin_mul_overflow(two[0].i, two[1].i, &i);
		op = STR("*");
	}
	if (is_over) {
		return fail(v, x, CEDAR_ERROR_OVERFLOW, op);
	}
	*ret = cedar_make_int(CEDAR_LONG, i);
	return RC_OK;
}

static enum rc eval_order(struct cedar_eval *v, const struct cedar_expr *x, struct cedar_value *ret)
{
	const uint32_t ordered =
	    TYPE_BIT(CEDAR_LONG) | TYPE_BIT(CEDAR_DATETIME) | TYPE_BIT(CEDAR_DURATION);
	struct cedar_value two[2];
	bool b;

	TRY(eval_two(v, x, two));
	if (!(ordered & TYPE_BIT(two[0].type))) {
		return fail_type(v, x->args[0], ordered, &two[0]);
	}
	TRY(want(v, x->args[1], &two[1], (enum cedar_type)two[0].type));
	if (x->kind == CEDAR_EXPR_LT) {
		b = two[0].i < two[1].i;
	} else if (x->kind == CEDAR_EXPR_LE) {
		b = two[0].i <= two[1].i;
	} else if (x->kind == CEDAR_EXPR_GT) {
		b = two[0].i > two[1].i;
	} else {
		b = two[0].i >= two[1].i;
	}
	*ret = cedar_make_bool(b);
	return RC_OK;
}

static enum rc eval_equal(struct cedar_eval *v, const struct cedar_expr *x, struct cedar_value *ret)
{
	struct cedar_value two[2];
	bool is_equal;

	TRY(eval_two(v, x, two));
	if (two[0].type == CEDAR_ENTITY && two[1].type == CEDAR_ENTITY) {
		is_equal = cedar_same_uid(two[0].uid, two[1].uid);
	} else {
		is_equal = cedar_value_cmp(&two[0], &two[1], &v->steps) == 0;
		TRY(check_steps(v, x));
	}
	*ret = cedar_make_bool(is_equal == (x->kind == CEDAR_EXPR_EQ));
	return RC_OK;
}

/* ---- hierarchy ---- */

static bool is_in(const struct cedar_uid *uid, const struct cedar_node *node,
		  const struct cedar_uid *group)
{
	return cedar_same_uid(uid, group) || (node && cedar_node_has_ancestor(node, group));
}

/* `left in right`, both evaluated. */
static enum rc in_value(struct cedar_eval *v, const struct cedar_expr *x,
			const struct cedar_expr *right_expr, const struct cedar_uid *uid,
			const struct cedar_value *right, bool *ret)
{
	const struct cedar_node *node = cedar_eval_node(v, uid);
	bool is_found = false;

	if (right->type == CEDAR_ENTITY) {
		*ret = is_in(uid, node, right->uid);
		return RC_OK;
	}
	if (right->type != CEDAR_SET) {
		return fail_type(v, right_expr, TYPE_BIT(CEDAR_SET) | TYPE_BIT(CEDAR_ENTITY),
				 right);
	}
	if (!cedar_step(&v->steps, right->n)) {
		return fail_steps(v, x);
	}
	/* All must be entities, also those behind the one that matches. */
	for (uint32_t i = 0; i < right->n; i++) {
		TRY(want(v, right_expr, &right->items[i], CEDAR_ENTITY));
		is_found = is_found || is_in(uid, node, right->items[i].uid);
	}
	*ret = is_found;
	return RC_OK;
}

enum rc cedar_eval_in(struct cedar_eval *v, const struct cedar_uid *uid,
		      const struct cedar_value *right, bool *ret)
{
	static const struct cedar_expr nowhere;

	return in_value(v, &nowhere, &nowhere, uid, right, ret);
}

static enum rc eval_in(struct cedar_eval *v, const struct cedar_expr *x, struct cedar_value *ret)
{
	struct cedar_value two[2];
	bool b;

	TRY(eval_two(v, x, two));
	TRY(want(v, x->args[0], &two[0], CEDAR_ENTITY));
	TRY(in_value(v, x, x->args[1], two[0].uid, &two[1], &b));
	*ret = cedar_make_bool(b);
	return RC_OK;
}

static enum rc eval_is(struct cedar_eval *v, const struct cedar_expr *x, struct cedar_value *ret)
{
	struct cedar_value a;
	struct cedar_value group;
	bool b;

	TRY(cedar_eval(v, x->args[0], &a));
	TRY(want(v, x->args[0], &a, CEDAR_ENTITY));
	b = str_eq(a.uid->type, x->names[0]);
	/* `x is T in g` means `x is T && x in g`. */
	if (b && x->n_args == 2) {
		TRY(cedar_eval(v, x->args[1], &group));
		TRY(in_value(v, x, x->args[1], a.uid, &group, &b));
	}
	*ret = cedar_make_bool(b);
	return RC_OK;
}

/* ---- attributes and tags ---- */

static const uint32_t has_attrs = TYPE_BIT(CEDAR_RECORD) | TYPE_BIT(CEDAR_ENTITY);

/* The attribute, or NULL. An entity that does not exist has none. */
static enum rc find_attr(struct cedar_eval *v, const struct cedar_expr *x,
			 const struct cedar_value *of, struct str name,
			 const struct cedar_value **ret, const struct cedar_node **ret_node)
{
	*ret_node = NULL;
	*ret = NULL;
	if (of->type == CEDAR_RECORD) {
		*ret = cedar_record_get(of, name);
		return RC_OK;
	}
	if (of->type != CEDAR_ENTITY) {
		return fail_type(v, x, has_attrs, of);
	}
	*ret_node = cedar_eval_node(v, of->uid);
	if (*ret_node) {
		*ret = cedar_record_get(&(*ret_node)->attrs, name);
	}
	return RC_OK;
}

static enum rc eval_attr(struct cedar_eval *v, const struct cedar_expr *x, struct cedar_value *ret)
{
	const struct cedar_value *found;
	const struct cedar_node *node;
	struct cedar_value of;

	TRY(cedar_eval(v, x->args[0], &of));
	TRY(find_attr(v, x->args[0], &of, x->names[0], &found, &node));
	if (found) {
		*ret = *found;
		return RC_OK;
	}
	if (of.type == CEDAR_RECORD) {
		return fail(v, x, CEDAR_ERROR_ATTR, x->names[0]);
	}
	return fail_entity(v, x, node ? CEDAR_ERROR_ATTR : CEDAR_ERROR_ENTITY, x->names[0], of.uid);
}

/* `x has a.b.c` means `x has a && x.a has b && x.a.b has c`. */
static enum rc eval_has(struct cedar_eval *v, const struct cedar_expr *x, struct cedar_value *ret)
{
	const struct cedar_value *found;
	const struct cedar_node *node;
	struct cedar_value of;

	TRY(cedar_eval(v, x->args[0], &of));
	if (!cedar_step(&v->steps, x->n_names)) {
		return fail_steps(v, x);
	}
	for (uint32_t i = 0; i < x->n_names; i++) {
		TRY(find_attr(v, x, &of, x->names[i], &found, &node));
		if (!found) {
			*ret = cedar_make_bool(false);
			return RC_OK;
		}
		of = *found;
	}
	*ret = cedar_make_bool(true);
	return RC_OK;
}

static enum rc eval_tag(struct cedar_eval *v, const struct cedar_expr *x, struct cedar_value *ret)
{
	const struct cedar_value *found = NULL;
	const struct cedar_node *node;
	struct cedar_value two[2];
	struct str name;

	TRY(eval_two(v, x, two));
	TRY(want(v, x->args[0], &two[0], CEDAR_ENTITY));
	TRY(want(v, x->args[1], &two[1], CEDAR_STRING));
	name = cedar_value_text(&two[1]);
	node = cedar_eval_node(v, two[0].uid);
	if (node) {
		found = cedar_record_get(&node->tags, name);
	}
	if (x->kind == CEDAR_EXPR_HAS_TAG) {
		*ret = cedar_make_bool(found != NULL);
		return RC_OK;
	}
	if (!found) {
		return fail_entity(v, x, node ? CEDAR_ERROR_TAG : CEDAR_ERROR_ENTITY, name,
				   two[0].uid);
	}
	*ret = *found;
	return RC_OK;
}

/* ---- sets, records, strings ---- */

static enum rc eval_contains(struct cedar_eval *v, const struct cedar_expr *x,
			     struct cedar_value *ret)
{
	struct cedar_value two[2];
	bool b;

	TRY(eval_two(v, x, two));
	TRY(want(v, x->args[0], &two[0], CEDAR_SET));
	b = cedar_set_has(&two[0], &two[1], &v->steps);
	TRY(check_steps(v, x));
	*ret = cedar_make_bool(b);
	return RC_OK;
}

/* containsAll and containsAny: the first element of the second set that settles it. */
static enum rc eval_contains_some(struct cedar_eval *v, const struct cedar_expr *x,
				  struct cedar_value *ret)
{
	const bool is_any = x->kind == CEDAR_EXPR_CONTAINS_ANY;
	struct cedar_value two[2];
	bool b = !is_any;

	TRY(eval_two(v, x, two));
	TRY(want(v, x->args[0], &two[0], CEDAR_SET));
	TRY(want(v, x->args[1], &two[1], CEDAR_SET));
	for (uint32_t i = 0; i < two[1].n && b != is_any; i++) {
		b = cedar_set_has(&two[0], &two[1].items[i], &v->steps);
		TRY(check_steps(v, x));
	}
	*ret = cedar_make_bool(b);
	return RC_OK;
}

static enum rc eval_is_empty(struct cedar_eval *v, const struct cedar_expr *x,
			     struct cedar_value *ret)
{
	struct cedar_value a;

	TRY(cedar_eval(v, x->args[0], &a));
	TRY(want(v, x->args[0], &a, CEDAR_SET));
	*ret = cedar_make_bool(a.n == 0);
	return RC_OK;
}

static enum rc eval_like(struct cedar_eval *v, const struct cedar_expr *x, struct cedar_value *ret)
{
	struct cedar_value a;

	TRY(cedar_eval(v, x->args[0], &a));
	TRY(want(v, x->args[0], &a, CEDAR_STRING));
	if (!cedar_step(&v->steps, x->n_names + a.n / CEDAR_STEP_BYTES)) {
		return fail_steps(v, x);
	}
	*ret = cedar_make_bool(cedar_like(cedar_value_text(&a), x->names, x->n_names));
	return RC_OK;
}

static enum rc eval_set(struct cedar_eval *v, const struct cedar_expr *x, struct cedar_value *ret)
{
	struct cedar_value *items = arena_alloc_n(v->arena, x->n_args, sizeof(*items));

	if (!items) {
		return RC_NOMEM;
	}
	for (uint32_t i = 0; i < x->n_args; i++) {
		TRY(cedar_eval(v, x->args[i], &items[i]));
	}
	if (cedar_make_set(items, x->n_args, &v->steps, ret) != RC_OK) {
		TRY(check_steps(v, x));
		return fail(v, x, CEDAR_ERROR_LIMIT, STR("a set is nested too deeply"));
	}
	return RC_OK;
}

static enum rc eval_record(struct cedar_eval *v, const struct cedar_expr *x,
			   struct cedar_value *ret)
{
	struct cedar_slot *fields = arena_alloc_n(v->arena, x->n_args, sizeof(*fields));
	struct str twice;

	if (!fields) {
		return RC_NOMEM;
	}
	for (uint32_t i = 0; i < x->n_args; i++) {
		fields[i].name = x->names[i];
		TRY(cedar_eval(v, x->args[i], &fields[i].value));
	}
	/* The parser has refused duplicates. */
	if (cedar_make_record(fields, x->n_args, ret, &twice) != RC_OK) {
		return fail(v, x, CEDAR_ERROR_LIMIT, STR("a record is nested too deeply"));
	}
	return RC_OK;
}

static enum rc eval_call(struct cedar_eval *v, const struct cedar_expr *x, struct cedar_value *ret)
{
	struct cedar_value few[ARGS_FEW];
	struct cedar_value *args = few;
	struct cedar_error why = {0};
	uint64_t bytes = 0;
	enum rc rc;

	if (x->n_args > ARGS_FEW) {
		args = arena_alloc_n(v->arena, x->n_args, sizeof(*args));
		if (!args) {
			return RC_NOMEM;
		}
	}
	for (uint32_t i = 0; i < x->n_args; i++) {
		TRY(cedar_eval(v, x->args[i], &args[i]));
		bytes += args[i].type == CEDAR_STRING ? args[i].n : 0;
	}
	if (!cedar_step(&v->steps, bytes / CEDAR_STEP_BYTES)) {
		return fail_steps(v, x);
	}
	rc = cedar_fn_call(v->arena, (enum cedar_fn)x->fn, args, x->n_args, ret, &why);
	if (rc == RC_INPUT) {
		v->error = why;
		v->error.pos = x->pos;
	}
	return rc;
}

/* ---- the whole ---- */

static enum rc looked(const struct cedar_eval *v, const struct cedar_expr *x, enum rc rc,
		      const struct cedar_value *value)
{
	if (v->look) {
		v->look(v->look_ctx, x, rc, value);
	}
	return rc;
}

enum rc cedar_eval(struct cedar_eval *v, const struct cedar_expr *x, struct cedar_value *ret)
{
	if (x->constant) {
		*ret = *x->constant;
		return RC_OK;
	}
	if (__builtin_expect(--v->steps.left < 0, 0)) {
		return fail_steps(v, x);
	}
	switch ((enum cedar_kind)x->kind) {
	case CEDAR_EXPR_LITERAL:
		break; /* has a constant */
	case CEDAR_EXPR_VARIABLE:
		return eval_variable(v, x, ret);
	case CEDAR_EXPR_AND:
		return eval_chain(v, x, false, ret);
	case CEDAR_EXPR_OR:
		return eval_chain(v, x, true, ret);
	case CEDAR_EXPR_NOT:
		return eval_not(v, x, ret);
	case CEDAR_EXPR_NEGATE:
		return eval_negate(v, x, ret);
	case CEDAR_EXPR_IF:
		return eval_if(v, x, ret);
	case CEDAR_EXPR_EQ:
	case CEDAR_EXPR_NE:
		return eval_equal(v, x, ret);
	case CEDAR_EXPR_LT:
	case CEDAR_EXPR_LE:
	case CEDAR_EXPR_GT:
	case CEDAR_EXPR_GE:
		return eval_order(v, x, ret);
	case CEDAR_EXPR_ADD:
	case CEDAR_EXPR_SUB:
	case CEDAR_EXPR_MUL:
		return eval_arithmetic(v, x, ret);
	case CEDAR_EXPR_IN:
		return eval_in(v, x, ret);
	case CEDAR_EXPR_CONTAINS:
		return eval_contains(v, x, ret);
	case CEDAR_EXPR_CONTAINS_ALL:
	case CEDAR_EXPR_CONTAINS_ANY:
		return eval_contains_some(v, x, ret);
	case CEDAR_EXPR_IS_EMPTY:
		return eval_is_empty(v, x, ret);
	case CEDAR_EXPR_GET_TAG:
	case CEDAR_EXPR_HAS_TAG:
		return looked(v, x, eval_tag(v, x, ret), ret);
	case CEDAR_EXPR_ATTR:
		return looked(v, x, eval_attr(v, x, ret), ret);
	case CEDAR_EXPR_HAS:
		return looked(v, x, eval_has(v, x, ret), ret);
	case CEDAR_EXPR_LIKE:
		return eval_like(v, x, ret);
	case CEDAR_EXPR_IS:
		return eval_is(v, x, ret);
	case CEDAR_EXPR_SET:
		return eval_set(v, x, ret);
	case CEDAR_EXPR_RECORD:
		return eval_record(v, x, ret);
	case CEDAR_EXPR_CALL:
		return eval_call(v, x, ret);
	}
	MUST(false);
}
