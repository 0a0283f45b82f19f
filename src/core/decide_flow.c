/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_flow.c - what must have happened before a call, and what must hold of it.
 *
 * Rules over the sequence of calls are policies (context.task); these are the conditions that a
 * tool itself has, whoever calls it: the catalog's `requires`, `invariant` and `in_use`.
 *
 * Holds:  (1) what cannot be shown to have happened has not happened: a call that the state has
 *             forgotten counts for nothing.
 */
#include "core/decide_impl.h"

static bool has_succeeded(const struct deciding *c, struct str tool)
{
	for (size_t i = 0; i < c->task->n_uses; i++) {
		if (str_eq(c->task->uses[i].tool, tool)) {
			return c->task->uses[i].ok > 0;
		}
	}
	return false;
}

/* (1) */
static bool has_succeeded_on(const struct deciding *c, struct str tool, struct str target)
{
	for (const struct call *call = state_previous_call(c->s, c->task, NULL); call;
	     call = state_previous_call(c->s, c->task, call)) {
		if (str_eq(call->tool, tool) && str_eq(call->outcome, STR("ok")) &&
		    str_list_has(&call->targets, target)) {
			return true;
		}
	}
	return false;
}

static enum rc check_required(struct deciding *c, const struct prerequisite *p, struct err *e)
{
	if (p->label.n) {
		return str_list_has(&c->task->labels, p->label)
			   ? RC_OK
			   : deciding_deny(c, REASON_CHAIN_FORBIDDEN, e,
					   "the task has read nothing of class", p->label);
	}
	if (!has_succeeded(c, p->tool)) {
		return deciding_deny(c, REASON_CHAIN_FORBIDDEN, e,
				     "this must have succeeded first in the task:", p->tool);
	}
	for (size_t i = 0; i < c->d.targets.n && p->is_for_target; i++) {
		if (!has_succeeded_on(c, p->tool, c->d.targets.p[i])) {
			return decision_deny(&c->d, REASON_CHAIN_FORBIDDEN, c->arena, e,
					     "'" STR_FMT "' must have succeeded first on '" STR_FMT
					     "'",
					     STR_ARG(p->tool), STR_ARG(c->d.targets.p[i]));
		}
	}
	return RC_OK;
}

/* Is there something in it? */
static bool is_empty(const struct json *v)
{
	switch (json_type(v)) {
	case JSON_STRING:
		return str_trim(v->text).n == 0;
	case JSON_ARRAY:
	case JSON_OBJECT:
		return v->count == 0;
	case JSON_FALSE:
	case JSON_TRUE:
	case JSON_NUMBER:
		return false;
	case JSON_NONE:
	case JSON_NULL:
		break;
	}
	return true;
}

/* "" when it holds. */
static const char *broken(const struct invariant *i, const struct json *args)
{
	const struct json *v = json_pointer(args, i->pointer);
	int64_t n = 0;

	if (i->not_empty && is_empty(v)) {
		return "must not be empty";
	}
	if (i->equals && !json_equal(v, i->equals)) {
		return "is not what it must be";
	}
	if (!i->has_max && !i->has_min) {
		return "";
	}
	if (json_type(v) == JSON_ARRAY) {
		n = (int64_t)v->count; /* so many elements */
	} else if (!json_i64(v, &n)) {
		return "must be a whole number or a list";
	}
	if (i->has_max && n > i->max) {
		return "is too large";
	}
	return i->has_min && n < i->min ? "is too small" : "";
}

enum rc check_flow(struct deciding *c, struct err *e)
{
	const struct tool *t = c->d.tool;

	if (t->fence.n && json_pointer(c->r->args, t->fence)) {
		return deciding_deny(c, REASON_ARG_SCHEMA, e, "Remit fills in the argument",
				     t->fence);
	}
	for (size_t i = 0; i < t->n_invariants; i++) {
		const char *why = broken(&t->invariants[i], c->r->args);

		if (*why) {
			return decision_deny(&c->d, REASON_INVARIANT_VIOLATED, c->arena, e,
					     "argument '" STR_FMT "' %s",
					     STR_ARG(t->invariants[i].pointer), why);
		}
	}
	for (size_t i = 0; i < t->n_prerequisites && c->d.reason == REASON_NONE; i++) {
		TRY(check_required(c, &t->prerequisites[i], e));
	}
	return RC_OK;
}

/* Is the target in use? Asked of the target last of all, when nothing else denies. */
enum rc check_in_use(struct deciding *c, struct err *e)
{
	const struct derived_call *q = &c->d.tool->in_use;
	const struct json *used;
	struct err why = ERR_INIT;
	enum rc rc;

	if (q->tool.n == 0) {
		return RC_OK;
	}
	if (!c->r->use) {
		c->d.needs_use = true;
		return RC_OK;
	}
	rc = derive_args(q->equals, c->r->args, NULL, c->arena, &used, &why);
	if (rc == RC_NOMEM) {
		FAIL(e, rc, "no memory to compare what a target is used for");
	}
	if (rc != RC_OK || !json_pointer(c->r->use, q->pointer)) {
		return decision_deny(&c->d, REASON_TARGET_IN_USE, c->arena, e,
				     "'" STR_FMT "' does not say whether the target is in use",
				     STR_ARG(q->tool));
	}
	if (json_equal(json_pointer(c->r->use, q->pointer), used)) {
		return decision_deny(&c->d, REASON_TARGET_IN_USE, c->arena, e,
				     "'" STR_FMT "' says that the target is in use",
				     STR_ARG(q->tool));
	}
	return RC_OK;
}
