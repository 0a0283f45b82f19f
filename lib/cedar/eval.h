/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/eval.h - the worth of one expression for one request. */
#pragma once

#include "cedar/ast.h"
#include "cedar/entities.h"

struct cedar_eval {
	const struct cedar_request *request;
	const struct cedar_entities *entities;
	struct cedar_value context; /* a record */
	/* The three entities of the request, looked up once; NULL when absent. */
	const struct cedar_node *nodes[3];
	struct arena *arena;
	struct cedar_steps steps;
	struct cedar_error error; /* why the last evaluation failed */
	/* Hears of each attribute and tag that is asked for, once x is evaluated; NULL = nobody
	 * (explain.c). value is only good when rc is RC_OK. */
	void (*look)(void *ctx, const struct cedar_expr *x, enum rc rc,
		     const struct cedar_value *value);
	void *look_ctx;
};

/* RC_INPUT: the expression fails, v->error says why (without the name of the text). RC_NOMEM: the
 * arena is exhausted, cedar_arena_rc() explains. Recursion is bounded by the depth of x. */
enum rc cedar_eval(struct cedar_eval *v, const struct cedar_expr *x, struct cedar_value *ret);
/* The same where a bool is needed. */
enum rc cedar_eval_bool(struct cedar_eval *v, const struct cedar_expr *x, bool *ret);
/* `uid in right`, without a place for the failure. */
enum rc cedar_eval_in(struct cedar_eval *v, const struct cedar_uid *uid,
		      const struct cedar_value *right, bool *ret);
/* The entity, or NULL. */
const struct cedar_node *cedar_eval_node(const struct cedar_eval *v, const struct cedar_uid *uid);
