/* SPDX-License-Identifier: Apache-2.0 */
/* governor/decided.c - call.decided: what was decided, and everything that it was decided by.
 *
 * Holds: (1) whoever has the leaf, the sealed values that it commits to, the bundle and the leaves
 *            before can decide again (core/recompute.h): the time, the state and each thing that
 *            the governor knew of the request is in them.
 */
#include <string.h>

#include "governor/gov.h"

uint64_t decided_begin(const struct governor *g, struct request *r)
{
	r->judged_unix_ms = gov_now_ms(g);
	r->judged_on = book_next_ix(g->book);
	return r->judged_unix_ms;
}

/* While its outcome is unknown nobody else may act on the targets of a call. */
static uint64_t held_until(const struct governor *g, const struct request *r,
			   const struct decision *d)
{
	return d->verdict == VERDICT_ALLOW && d->effect != EFFECT_READ
		   ? r->judged_unix_ms + g->bundle->target_hold_ms
		   : 0;
}

/* (1) */
static void add_inputs(const struct governor *g, const struct request *r,
		       struct leaf_call_decided *c)
{
	uint64_t ix = book_next_ix(g->book);

	c->at = r->judged_unix_ms;
	c->basis = r->judged_on == ix ? 0 : r->judged_on;
	c->named = c->task ? 0 : recompute_number(r->task);
	c->person = r->person;
	c->cited = recompute_cited(r->cited);
	c->use = r->use_call;
	c->preserved_first = r->is_preserved;
}

enum rc decided_record(struct governor *g, struct request *r, const struct decision *d,
		       uint64_t lease, uint64_t *ret_ix, struct err *e)
{
	struct leaf l = {
	    .kind = LEAF_CALL_DECIDED,
	    .call_decided =
		{
		    .task = state_task(g->state, r->task) ? r->task : 0,
		    .purpose = STR("agent"),
		    .agent = r->agent,
		    .key = r->key,
		    .tool = own_tool_is(r->tool) ? r->tool : known_tool(g->bundle, r->tool),
		    .effect = effect_name(d->effect),
		    .targets = d->targets,
		    .tag = r->tag,
		    .evidence = r->evidence,
		    .verdict = verdict_name(d->verdict),
		    .reason = reason_code(d->reason),
		    .deviation = d->deviation,
		    .attempt = d->attempt,
		    .policies = d->policies,
		    .gates = d->gates,
		    .takings = d->takings,
		    .held_until = held_until(g, r, d),
		    .approval = d->approval,
		    .preapproval = d->preapproval,
		    .lease = lease,
		    .requires = d->requires,
		    .max_age_ms = d->requires.n ? d->tool->requires_max_age_ms : 0,
		    .preserved = d->preserved,
		    .waiver = d->waiver,
		    .bundle = *state_bundle(g->state),
		    .trace = known_trace_id(r->trace),
		    .source = r->source,
		    .marks = marks_print(&g->round, &d->marks),
		    .marks_over = d->marks.is_over,
		},
	};
	struct book_value values[] = {
	    {.bytes = r->args_text, .commit = &l.call_decided.args, .slot = 0},
	    {.bytes = r->pre_text, .commit = &l.call_decided.pre, .slot = 1},
	    {.bytes = str_eq(l.call_decided.tool, r->tool) ? STR_NULL : r->tool,
	     .commit = &l.call_decided.unknown,
	     .slot = 2},
	};

	if (!l.call_decided.marks.p) {
		FAIL(e, RC_NOMEM, "no memory for marks");
	}
	if (d->tool) {
		l.call_decided.data = d->tool->data;
		memcpy(l.call_decided.definition.bytes, d->tool->digest, 32);
	}
	add_inputs(g, r, &l.call_decided);
	TRY(book_record(g->book, &l, gov_key_of(g, l.call_decided.task), values, ARRAY_LEN(values),
			&r->leaf, e));
	memcpy(r->leaf_hash.bytes, book_last_hash(g->book), sizeof(r->leaf_hash.bytes));
	if (ret_ix) {
		*ret_ix = r->leaf;
	}
	return RC_OK;
}
