/* SPDX-License-Identifier: Apache-2.0 */
/* governor/reads.c - what comes back from a tool: secrets taken out, objects counted, budgets kept.
 *
 * Trust:  outcomes are a sender's word about a hostile upstream.
 * Holds:  (1) an agent's result goes nowhere (log, agent, kept results) before its secrets are out.
 *         (2) an agent is given a result only if its account is on record and within the budgets.
 */
#include "base/limits.h"
#include "base/log.h"
#include "base/num.h"
#include "core/redact.h"
#include "governor/people.h"

_Static_assert((int)READ_ITEMS_BYTES <= (int)BOOK_PIECES * (int)BOOK_PIECE_BYTES,
	       "the names of a result's objects fit beside a leaf");

/* Stands for a result that could not be looked through. */
static const struct str withheld_result = {
    "{\"content\":[{\"type\":\"text\",\"text\":\"the result was withheld: it could not be looked "
    "through for secrets\"}],\"isError\":true}",
    121};

const struct json *reads_value(struct governor *g, struct arena *arena, struct str result)
{
	return reads_value_of(result, &g->round, arena);
}

void reads_clean(struct governor *g, struct flight *f, const struct msg_outcome *m,
		 struct msg_outcome *ret)
{
	const struct tool *t = bundle_tool(g->bundle, f->tool);
	const struct str_list none = {0};
	AUTO_BUF detail = BUF_INIT(LIMIT_RESULT_BYTES);
	struct err e = ERR_INIT;
	size_t in_detail = 0;
	size_t n = 0;

	*ret = *m;
	if (f->purpose != PURPOSE_AGENT) {
		return; /* nobody but Remit reads it, and it may have to put it back */
	}
	if (redact_text(m->detail, &detail, &in_detail, &e) != RC_OK) {
		ret->detail = STR("the upstream's words could not be looked through for secrets");
	} else if (in_detail > 0) {
		ret->detail = arena_str(&g->round, buf_view(&detail));
	}
	if (m->result.n > 0 && redact_result(m->result, t ? &t->redact : &none, &g->round,
					     &ret->result, &n, &e) != RC_OK) {
		log_warn("a result of c%llu is withheld: %s", (unsigned long long)f->call, e.msg);
		ret->result = withheld_result;
		ret->kind = OUTCOME_TOOL_ERROR;
		n = 1;
	}
	f->redacted = n + in_detail;
}

bool reads_account_for(struct governor *g, const struct flight *f, const struct msg_outcome *clean)
{
	const struct tool *t = bundle_tool(g->bundle, f->tool);
	const struct call *c = state_call(g->state, f->call);
	const struct task *task = state_task(g->state, f->task);
	const struct playbook *p = task ? bundle_playbook(g->bundle, task->playbook) : NULL;
	struct read_account a = {.items = STR("")};
	struct leaf l = {.kind = LEAF_READ_ACCOUNTED};
	struct book_value values[BOOK_PIECES];
	struct digest unused;
	size_t n;
	struct err e = ERR_INIT;
	bool may_give = true;

	if (!t || !c || c->effect != EFFECT_READ) {
		return true; /* what it did is on record as such */
	}
	if (reads_account(t->reads, t->n_reads, reads_value(g, &g->round, clean->result), &g->round,
			  &a, &e) != RC_OK) {
		log_err("a result of c%llu is withheld: %s", (unsigned long long)f->call, e.msg);
		return false;
	}
	if (task && (!p || !decide_may_give(g->state, p, task, &a, clean->result.n))) {
		may_give = false;
	}
	l.read_accounted = (struct leaf_read_accounted){
	    .call = f->call,
	    .described = a.is_described,
	    .counts = a.counts,
	    .bytes = clean->result.n,
	    .redacted = f->redacted,
	    .withheld = !may_give,
	};
	n = book_split(a.items, &l.read_accounted.objects, &unused, values);
	if (book_record(g->book, &l, gov_key_of(g, f->task), values, n, NULL, &e) !=
	    RC_OK) {
		log_err("what c%llu read cannot be recorded: %s", (unsigned long long)f->call,
			e.msg);
		g->is_broken = true;
		return false; /* (2) */
	}
	return may_give;
}

enum rc reads_show(struct asked *a, struct json_out *w, struct err *e)
{
	struct governor *g = a->g;
	struct str id = STR("");
	struct str objects;
	uint64_t ix;
	enum rc rc;

	if (!json_str(json_get(a->body, STR("id")), &id) ||
	    !num_u64(id, book_durable_size(g->book) - 1, &ix)) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is no leaf of this log", STR_ARG(id));
	}
	if (book_kind_of(g->book, ix) != LEAF_READ_ACCOUNTED) {
		FAIL(e, RC_ABSENT, "leaf %llu does not account for a read; see remit touched",
		     (unsigned long long)ix);
	}
	rc = book_whole_value_of(g->book, ix, &g->round, &objects, e);
	if (rc == RC_ABSENT) { /* none were found, nobody described them, or they were erased */
		objects = STR("{}");
	} else {
		TRY(rc);
	}
	json_out_object(w);
	json_out_key_u64(w, "account", ix);
	json_out_key(w, STR("objects"));
	json_out_raw(w, objects);
	json_out_close(w);
	return RC_OK;
}
