/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/explain.c - why each policy said what it said.
 *
 * Trust:  as authorize.c, whose parts it uses: the two cannot say different things of a policy.
 * Holds:  (1) what cannot be noted (a path that is too long, more looks than LOOKS_MAX) is left
 * out, never cut.
 */
#include "base/buf.h"
#include "cedar/authorize.h"
#include "cedar/policies.h"

enum { LOOKS_MAX = 256, PATH_BYTES = 256 };

struct explaining {
	struct arena *arena;
	struct cedar_look *looks;
	size_t n;
	bool is_out_of_memory;
};

const char *cedar_stance_name(enum cedar_stance s)
{
	switch (s) {
	case CEDAR_STANCE_NOT_SATISFIED:
		return "not satisfied";
	case CEDAR_STANCE_SATISFIED:
		return "satisfied";
	case CEDAR_STANCE_FAILED:
		return "failed";
	case CEDAR_STANCE_OUT_OF_SCOPE:
		break;
	}
	return "out of scope";
}

/* "context.task.phase". RC_LIMIT: longer than anybody reads. */
static enum rc write_path(struct buf *b, const struct cedar_expr *x)
{
	static const char *const variables[] = {"principal", "action", "resource", "context"};

	switch ((int)x->kind) {
	case CEDAR_EXPR_VARIABLE:
		return buf_add(b, str_from(variables[x->variable]));
	case CEDAR_EXPR_LITERAL:
		return x->constant->type == CEDAR_ENTITY ? cedar_uid_print(b, x->constant->uid)
							 : cedar_value_print(b, x->constant);
	case CEDAR_EXPR_ATTR:
	case CEDAR_EXPR_HAS:
		TRY(write_path(b, x->args[0]));
		for (uint32_t i = 0; i < x->n_names; i++) {
			TRY(buf_addf(b, "." STR_FMT, STR_ARG(x->names[i])));
		}
		return RC_OK;
	case CEDAR_EXPR_GET_TAG:
	case CEDAR_EXPR_HAS_TAG:
		TRY(write_path(b, x->args[0]));
		TRY(buf_add(b, STR(".tag(")));
		TRY(write_path(b, x->args[1]));
		return buf_add_char(b, ')');
	default:
		return buf_add(b, STR("(...)"));
	}
}

/* A record that is only gone through is what the next look replaces. */
static struct cedar_look *place_for(struct explaining *x, struct str path, struct str parent)
{
	if (x->n > 0 && parent.n && str_eq(x->looks[x->n - 1].path, parent)) {
		x->n--;
	}
	for (size_t i = 0; i < x->n; i++) {
		if (str_eq(x->looks[i].path, path)) {
			return &x->looks[i];
		}
	}
	return x->n < LOOKS_MAX ? &x->looks[x->n++] : NULL;
}

static void note(void *ctx, const struct cedar_expr *expr, enum rc rc,
		 const struct cedar_value *value)
{
	struct explaining *x = ctx;
	AUTO_BUF path = BUF_INIT(PATH_BYTES);
	AUTO_BUF parent = BUF_INIT(PATH_BYTES);
	bool only_asks = expr->kind == CEDAR_EXPR_HAS || expr->kind == CEDAR_EXPR_HAS_TAG;
	struct cedar_value *copy = NULL;
	struct cedar_look *look;
	struct str text;

	if (write_path(&path, expr) != RC_OK || write_path(&parent, expr->args[0]) != RC_OK) {
		return; /* (1) */
	}
	text = arena_str(x->arena, buf_view(&path));
	if (rc == RC_OK && !only_asks) {
		copy = arena_alloc(x->arena, sizeof(*copy));
	}
	if (!text.p || (rc == RC_OK && !only_asks && !copy)) {
		x->is_out_of_memory = true;
		return;
	}
	look = place_for(x, text, buf_view(&parent));
	if (!look || (only_asks && look->value && str_eq(look->path, text))) {
		return; /* its value is known already */
	}
	if (copy) {
		*copy = *value;
	}
	*look = (struct cedar_look){
	    .path = text, .is_there = rc == RC_OK && (!only_asks || value->b), .value = copy};
}

static enum rc explain_one(struct cedar_eval *v, const struct cedar_policy *p,
			   struct cedar_explanation *ret, struct err *e)
{
	struct explaining x = {.arena = v->arena};
	bool holds;
	enum rc rc;

	*ret = (struct cedar_explanation){.policy = p};
	if (!cedar_in_scope(v, p)) {
		return RC_OK;
	}
	x.looks = arena_alloc_n(v->arena, LOOKS_MAX, sizeof(*x.looks));
	if (!x.looks) {
		return cedar_arena_rc(v->arena, LOOKS_MAX * sizeof(*x.looks), e);
	}
	v->look = note;
	v->look_ctx = &x;
	rc = cedar_conditions_hold(v, p, &holds);
	v->look = NULL;
	if ((rc != RC_OK && rc != RC_INPUT) || x.is_out_of_memory) {
		return cedar_arena_rc(v->arena, sizeof(*x.looks), e);
	}
	ret->stance = rc == RC_INPUT ? CEDAR_STANCE_FAILED
		      : holds	     ? CEDAR_STANCE_SATISFIED
				     : CEDAR_STANCE_NOT_SATISFIED;
	if (rc == RC_INPUT) {
		ret->error = v->error;
		ret->error.source = p->source;
	}
	ret->looks = x.looks;
	ret->n_looks = x.n;
	return RC_OK;
}

enum rc cedar_explain(const struct cedar_policies *set, const struct cedar_entities *entities,
		      const struct cedar_request *request, struct arena *arena,
		      const struct cedar_explanation **ret, size_t *ret_n, struct err *e)
{
	struct cedar_eval v = {.request = request, .entities = entities, .arena = arena};
	size_t n = cedar_policies_count(set);
	struct cedar_explanation *all;

	TRY(cedar_eval_begin(&v, e));
	all = arena_alloc_n(arena, n + 1, sizeof(*all));
	if (!all) {
		return cedar_arena_rc(arena, (n + 1) * sizeof(*all), e);
	}
	for (size_t i = 0; i < n; i++) {
		TRY(explain_one(&v, cedar_policies_at(set, i), &all[i], e));
	}
	*ret = all;
	*ret_n = n;
	return RC_OK;
}
