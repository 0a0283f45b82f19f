/* SPDX-License-Identifier: Apache-2.0 */
/* audit/tags.c - keyed digests of calls and words.
 *
 * Trust:  leaves and values are what is examined.
 * Holds:  (1) what denies a call for want of something else has no marks of its own (a look that
 *             failed, a question that nobody answered), and lets nothing pass: those of calls that
 *             were let through, asked about or proposed are compared.
 */
#include "audit/tags.h"

#include <string.h>

#include "base/limits.h"
#include "core/taint.h"

/* What of a decision is of its request. */
struct tagged {
	struct str tool;
	uint64_t task;
	const struct digest *tag;
	const struct digest *pre_tag; /* NULL: it has none */
	struct str marks;
	bool marks_over;
	bool has_marks; /* (1) */
};

static struct tagged of_call(const struct leaf_call_decided *c)
{
	return (struct tagged){
	    .tool =
		digest_is_zero(&c->unknown) ? c->tool : STR(""), /* it was called something else */
	    .task = c->task,
	    .tag = &c->tag,
	    .marks = c->marks,
	    .marks_over = c->marks_over,
	    .has_marks = str_eq(c->purpose, STR("agent")) && str_eq(c->verdict, STR("allow")),
	};
}

static struct tagged tagged_of(const struct leaf *l)
{
	const struct leaf_approval_opened *o = &l->approval_opened;
	const struct leaf_proposal_made *p = &l->proposal_made;

	if (l->kind == LEAF_CALL_DECIDED) {
		return of_call(&l->call_decided);
	}
	if (l->kind == LEAF_PROPOSAL_MADE) {
		return (struct tagged){.tool = p->tool,
				       .task = p->task,
				       .tag = &p->tag,
				       .marks = p->marks,
				       .marks_over = p->marks_over,
				       .has_marks = true};
	}
	return (struct tagged){.tool = o->tool,
			       .task = o->task,
			       .tag = &o->tag,
			       .pre_tag = &o->pre_tag,
			       .marks = o->marks,
			       .marks_over = o->marks_over,
			       .has_marks = true};
}

static enum rc is_tag(const struct tagging *t, struct str of, struct str text,
		      const struct digest *was, bool *ret, struct err *e)
{
	struct digest now;

	TRY(t->source->tag(t->source->ctx, of, text, now.bytes, e));
	*ret = digest_eq(was, &now);
	return RC_OK;
}

static enum rc tag_of_word(void *ctx, struct str word, uint8_t ret[32], struct err *e)
{
	const struct tagging *t = ctx;

	return t->source->tag(t->source->ctx, TAINT_TAG, word, ret, e);
}

static enum rc compare_marks(const struct tagging *t, const struct tagged *x,
			     const struct json *args, const char **ret, struct err *e)
{
	struct tagging own = *t;
	struct taint_words words;
	struct marks now;
	struct str text;

	TRY(taint_words_of_call(t->s, t->b, x->task, x->tool, args, t->arena, &words, e));
	TRY(taint_mark(&words, tag_of_word, &own, t->arena, &now, e));
	text = marks_print(t->arena, &now);
	if (!text.p) {
		FAIL(e, RC_NOMEM, "no memory for marks");
	}
	if (!str_eq(text, x->marks) || x->marks_over != now.is_over) {
		*ret = "marks: the arguments have others";
	}
	return RC_OK;
}

enum rc tags_of_decision(const struct tagging *t, const struct leaf *l,
			 const struct recompute_values *v, const char **ret, struct err *e)
{
	struct tagged x;
	bool is_same = true;

	*ret = NULL;
	if (l->kind == LEAF_INTENT_DECIDED || !v->args || !t->source->tag) {
		return RC_OK; /* nothing of it is sealed */
	}
	x = tagged_of(l);
	if (x.tool.n) {
		TRY(is_tag(t, x.tool, v->args->raw, x.tag, &is_same, e));
	}
	if (!is_same) {
		*ret = "tag: it is of another call than its arguments make";
		return RC_OK;
	}
	if (x.pre_tag && v->pre) {
		TRY(is_tag(t, STR("captured state"), v->pre->raw, x.pre_tag, &is_same, e));
	}
	if (!is_same) {
		*ret = "pre_tag: it is of another state than was captured";
		return RC_OK;
	}
	return x.has_marks ? compare_marks(t, &x, v->args, ret, e) : RC_OK;
}

bool tags_are_of_result(const struct tagging *t, const struct leaf *l)
{
	const struct call *c =
	    l->kind == LEAF_CALL_COMPLETED ? state_call(t->s, l->call_completed.call) : NULL;
	const struct tool *tool = c ? bundle_tool(t->b, c->tool) : NULL;

	return tool && tool->is_untrusted && l->call_completed.result_bytes;
}

enum rc tags_of_result(const struct tagging *t, const struct leaf *l, struct str result,
		       const char **ret, struct err *e)
{
	const struct leaf_call_completed *x = &l->call_completed;
	struct tagging own = *t;
	struct str marks;
	bool is_over;

	*ret = NULL;
	if (x->result_bytes != result.n) {
		*ret = "result_bytes: the result has others";
		return RC_OK;
	}
	if (!t->source->tag) {
		return RC_OK;
	}
	TRY(taint_mark_result(result, tag_of_word, &own, t->arena, &marks, &is_over, e));
	if (!str_eq(marks, x->marks) || is_over != x->marks_over) {
		*ret = "marks: the result has others";
	}
	return RC_OK;
}
