/* SPDX-License-Identifier: Apache-2.0 */
/* core/recompute_result.c - what was read, and whether an effect is there, from the sealed result.
 *
 * Trust:  the leaf is what somebody recorded; results are an upstream's words.
 * Holds:  (1) the very functions that account and verify say what had to be.
 *         (2) how many secrets were taken out of a result nobody can say again: no value has them.
 */
#include "core/recompute_result.h"

#include "base/limits.h"
#include "core/decide.h"
#include "core/recompute_impl.h"
#include "core/rehearsal.h"
#include "core/verify.h"

bool recompute_is_of_result(const struct leaf *l)
{
	return l->kind == LEAF_READ_ACCOUNTED || l->kind == LEAF_CALL_VERIFIED ||
	       l->kind == LEAF_TERM_STARTED;
}

static const struct digest *commitment(const struct digest *d)
{
	return digest_is_zero(d) ? NULL : d;
}

/* The leaf with the result of a call that answered. */
static uint64_t answer_of(const struct state *s, uint64_t call)
{
	const struct call *c = call ? state_call(s, call) : NULL;

	return c && str_eq(c->outcome, STR("ok")) ? c->completed_ix : 0;
}

struct result_wanted recompute_result_wants(const struct state *s, const struct leaf *l)
{
	const struct call *c;

	if (l->kind == LEAF_READ_ACCOUNTED) {
		c = state_call(s, l->read_accounted.call);
		return (struct result_wanted){
		    .result = c && l->read_accounted.bytes ? c->completed_ix : 0,
		    .own = commitment(&l->read_accounted.objects),
		};
	}
	if (l->kind == LEAF_TERM_STARTED) {
		c = state_call(s, l->term_started.call);
		return (struct result_wanted){
		    .call = c ? c->ix : 0,
		    .own = commitment(&l->term_started.args),
		};
	}
	c = l->call_verified.by ? state_call(s, l->call_verified.call) : NULL;
	return (struct result_wanted){
	    .result = answer_of(s, l->call_verified.by),
	    .call = c ? c->ix : 0,
	    .own = commitment(&l->call_verified.found),
	};
}

/* ---- what was read ---- */

static enum rc compare_account(struct look *k, const struct result_values *v,
			       const struct read_account *a, struct err *e)
{
	const struct leaf_read_accounted *x = &k->l->read_accounted;

	if (x->bytes != v->result.n) {
		return look_differs(k, e, "bytes: %ju in the log, %zu now", (uintmax_t)x->bytes,
				    v->result.n);
	}
	if (x->described != a->is_described) {
		return look_differs(k, e, "described: %s",
				    x->described ? "it is not" : "it is, and counted as unknown");
	}
	if (!str_list_eq(&x->counts, &a->counts)) {
		return look_differs(k, e, "counts: the result has others");
	}
	return str_eq(v->own, a->items) ? RC_OK
					: look_differs(k, e, "objects: the result has others");
}

static enum rc look_at_account(struct look *k, const struct result_values *v, struct err *e)
{
	const struct leaf_read_accounted *x = &k->l->read_accounted;
	const struct call *c = state_call(k->s, x->call);
	const struct tool *t = c ? bundle_tool(k->b, c->tool) : NULL;
	const struct task *task = c ? state_task(k->s, c->task) : NULL;
	const struct playbook *p = task ? bundle_playbook(k->b, task->playbook) : NULL;
	struct read_account a;
	bool may_give;

	if (!t || c->effect != EFFECT_READ ||
	    (!str_eq(c->outcome, STR("ok")) && !str_eq(c->outcome, STR("tool_error")))) {
		return look_differs(k, e, "of no read that gave anything");
	}
	TRY(reads_account(t->reads, t->n_reads, v->value, k->arena, &a, e)); /* (1) */
	TRY(compare_account(k, v, &a, e));
	may_give = !task || (p && decide_may_give(k->s, p, task, &a, v->result.n));
	return k->difference.p || x->withheld == !may_give
		   ? RC_OK
		   : look_differs(k, e, "withheld: %s in the log, %s now",
				  x->withheld ? "yes" : "no", may_give ? "no" : "yes");
}

/* ---- whether an effect is there ---- */

static enum rc compare_readback(struct look *k, const struct result_values *v,
				const struct readback *r, struct err *e)
{
	const struct leaf_call_verified *x = &k->l->call_verified;

	if (x->holds != (r->verdict == READBACK_HOLDS)) {
		return look_differs(k, e, "holds: %s in the log, %s now", x->holds ? "yes" : "no",
				    x->holds ? "no" : "yes");
	}
	if (!str_eq(x->detail, r->detail)) {
		return look_differs(k, e, "detail: '" STR_FMT "' in the log, '" STR_FMT "' now",
				    STR_ARG(x->detail), STR_ARG(r->detail));
	}
	return str_eq(v->own, r->difference)
		   ? RC_OK
		   : look_differs(k, e, "found: something else was read than is kept");
}

/* Was this call a look at what that one did, and is it over? */
static bool is_look_at(const struct state *s, uint64_t look, const struct call *c)
{
	const struct call *by = state_call(s, look);

	return by && by->parent == c->ix && by->completed_ix && str_eq(by->purpose, STR("verify"));
}

static enum rc look_at_verified(struct look *k, const struct result_values *v, struct err *e)
{
	const struct leaf_call_verified *x = &k->l->call_verified;
	const struct call *c = state_call(k->s, x->call);
	const struct tool *t = c ? bundle_tool(k->b, c->tool) : NULL;
	struct readback r;

	if (!c || (x->by && !is_look_at(k->s, x->by, c))) {
		return look_differs(k, e, "by: no look at what that call did");
	}
	if (!x->by || !t || !t->verify.tool.n) { /* nobody could look */
		return x->holds || v->own.n
			   ? look_differs(k, e, "holds: and nobody could look at it")
			   : RC_OK;
	}
	r = verify_judge(t, v->args, v->pre, answer_of(k->s, x->by) != 0, v->value, k->arena);
	return compare_readback(k, v, &r, e);
}

/* ---- what undoes it ---- */

/* How long it stands, what happens then, and whose it is. */
static bool is_of_rehearsal(const struct look *k, const struct call *c)
{
	const struct leaf_term_started *x = &k->l->term_started;
	const struct rehearsal *r = state_rehearsal(k->s, c->parent);

	return r && str_eq(c->purpose, STR("rehearse")) && str_eq(x->end, STR("revert")) &&
	       str_eq(x->owner, r->by) && x->ends_at &&
	       !look_is_early(k, x->ends_at - REHEARSAL_STANDS_MS);
}

static bool is_of_task(const struct look *k, const struct task *task, const struct tool *t)
{
	const struct leaf_term_started *x = &k->l->term_started;
	struct str end = t->term_end == TERM_REVERT ? STR("revert") : STR("reask");

	return x->task == task->ix && str_eq(x->end, end) && str_eq(x->owner, task->accountable) &&
	       (t->term_ms ? look_is_at(k, x->ends_at - t->term_ms) : x->ends_at == 0);
}

static enum rc compare_undo(struct look *k, const struct result_values *v, const struct tool *t,
			    struct err *e)
{
	AUTO_BUF text = BUF_INIT(LIMIT_ARGS_BYTES);
	const struct json *args;
	enum rc rc;

	if (!inverse_is_wanted(&t->inverse, v->args, v->pre, k->arena)) {
		return look_differs(k, e, "a term of what there is nothing to undo of");
	}
	rc = derive_args(t->inverse.args, v->args, v->pre, k->arena, &args, e);
	rc = rc == RC_OK ? json_canonical(&text, args, e) : rc;
	if (rc == RC_NOMEM) {
		return rc;
	}
	if (rc != RC_OK) {
		return look_differs(k, e, "args: its inverse has none");
	}
	return str_eq(buf_view(&text), v->own)
		   ? RC_OK
		   : look_differs(k, e, "args: others than undo this call");
}

static enum rc look_at_term_started(struct look *k, const struct result_values *v, struct err *e)
{
	const struct leaf_term_started *x = &k->l->term_started;
	const struct call *c = state_call(k->s, x->call);
	const struct tool *t = c ? bundle_tool(k->b, c->tool) : NULL;
	const struct task *task = c ? state_task(k->s, c->task) : NULL;
	const struct tool *undo =
	    t && t->inverse.tool.n ? bundle_tool_of(k->b, t->upstream, t->inverse.tool) : NULL;

	if (!undo || !str_eq(x->tool, undo->public_name)) {
		return look_differs(k, e, "tool: not the inverse of that call's");
	}
	if (!str_list_eq(&x->targets, &c->targets)) {
		return look_differs(k, e, "targets: others than that call's");
	}
	if (!(task ? is_of_task(k, task, t) : is_of_rehearsal(k, c))) {
		return look_differs(k, e, "ends_at, end or owner: not as the catalog has them");
	}
	return compare_undo(k, v, t, e);
}

enum rc recompute_result(const struct state *s, const struct bundle *b, const struct leaf *l,
			 const struct result_values *v, struct arena *arena,
			 struct str *ret_difference, struct err *e)
{
	struct look k = {.s = s, .b = b, .l = l, .arena = arena, .difference = STR_NULL};

	if (l->kind == LEAF_TERM_STARTED) {
		TRY(look_at_term_started(&k, v, e));
	} else {
		TRY(l->kind == LEAF_READ_ACCOUNTED ? look_at_account(&k, v, e)
						   : look_at_verified(&k, v, e));
	}
	*ret_difference = k.difference;
	return RC_OK;
}
