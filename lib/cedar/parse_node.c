/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/parse_node.c - making the nodes of expressions.
 *
 * Holds:  (1) a tree is no deeper than CEDAR_LIMIT_EXPR_DEPTH.
 *         (2) constant is set only where evaluation would give just that.
 */
#include "cedar/parse.h"

/* What the node is worth when its arguments are known: sets, records and extension calls. A call
 * that would fail stays a call, and fails when evaluated. */
enum rc cedar_expr_fold(struct cedar_parser *p, struct cedar_expr *x)
{
	size_t n = x->n_args;
	struct cedar_value *args;
	struct cedar_value v = {0};
	struct cedar_error why = {0};
	struct str twice;
	enum rc rc = RC_INPUT;

	for (size_t i = 0; i < n; i++) {
		if (!x->args[i]->constant) {
			return RC_OK;
		}
	}
	if (x->kind == CEDAR_EXPR_RECORD) {
		struct cedar_slot *fields = arena_alloc_n(p->arena, n, sizeof(*fields));

		for (size_t i = 0; fields && i < n; i++) {
			fields[i].name = x->names[i];
			fields[i].value = *x->args[i]->constant;
		}
		rc = fields ? cedar_make_record(fields, n, &v, &twice) : RC_NOMEM;
	} else {
		args = arena_alloc_n(p->arena, n, sizeof(*args));
		for (size_t i = 0; args && i < n; i++) {
			args[i] = *x->args[i]->constant;
		}
		if (!args) {
			rc = RC_NOMEM;
		} else if (x->kind == CEDAR_EXPR_SET) {
			rc = cedar_make_set(args, n, NULL, &v);
		} else {
			rc = cedar_fn_call(p->arena, (enum cedar_fn)x->fn, args, n, &v, &why);
		}
	}
	if (rc == RC_OK) {
		return cedar_value_box(p->arena, v, &x->constant, NULL);
	}
	return rc == RC_NOMEM ? rc : RC_OK;
}

/* A node whose arguments and names are the parts and names pushed since the given marks. */
enum rc cedar_expr_new(struct cedar_parser *p, enum cedar_kind kind, struct cedar_pos pos,
		       size_t from_part, size_t from_name, struct cedar_expr **ret)
{
	size_t n_args = p->parts.n - from_part;
	size_t n_names = p->names.n - from_name;
	struct cedar_expr *x = arena_alloc(p->arena, sizeof(*x));
	const struct cedar_expr **args = arena_alloc_n(p->arena, n_args, sizeof(*args));
	struct str *names = arena_alloc_n(p->arena, n_names, sizeof(*names));
	unsigned deepest = 0;

	if (!x || !args || !names) {
		return RC_NOMEM;
	}
	for (size_t i = 0; i < n_args; i++) {
		args[i] = p->parts.p[from_part + i];
		deepest = args[i]->depth > deepest ? args[i]->depth : deepest;
	}
	for (size_t i = 0; i < n_names; i++) {
		names[i] = p->names.p[from_name + i];
	}
	p->parts.n = from_part;
	p->names.n = from_name;
	if (deepest >= CEDAR_LIMIT_EXPR_DEPTH) {
		return cedar_parser_limit(p, "an expression is too deep");
	}
	*x = (struct cedar_expr){
	    .kind = (uint8_t)kind,
	    .depth = (uint16_t)(deepest + 1),
	    .n_args = (uint32_t)n_args,
	    .n_names = (uint32_t)n_names,
	    .pos = pos,
	    .args = args,
	    .names = names,
	};
	*ret = x;
	return RC_OK;
}

enum rc cedar_expr_push(struct cedar_parser *p, const struct cedar_expr *x)
{
	return vec_push(&p->parts, x);
}

/* kind with one or two arguments (b may be NULL) and perhaps a name. */
enum rc cedar_expr_op(struct cedar_parser *p, enum cedar_kind kind, struct cedar_pos pos,
		      const struct cedar_expr *a, const struct cedar_expr *b, struct str name,
		      const struct cedar_expr **ret)
{
	size_t from_part = p->parts.n;
	size_t from_name = p->names.n;
	struct cedar_expr *x;

	TRY(cedar_expr_push(p, a));
	if (b) {
		TRY(cedar_expr_push(p, b));
	}
	if (name.p) {
		TRY(vec_push(&p->names, name));
	}
	TRY(cedar_expr_new(p, kind, pos, from_part, from_name, &x));
	*ret = x;
	return RC_OK;
}

enum rc cedar_expr_literal(struct cedar_parser *p, struct cedar_pos pos, struct cedar_value v,
			   const struct cedar_expr **ret)
{
	struct cedar_expr *x;

	TRY(cedar_expr_new(p, CEDAR_EXPR_LITERAL, pos, p->parts.n, p->names.n, &x));
	TRY(cedar_value_box(p->arena, v, &x->constant, NULL));
	*ret = x;
	return RC_OK;
}
