/* SPDX-License-Identifier: Apache-2.0 */
/* governor/autonomy.c - levels that fall, proposals, and persons who are told.
 *
 * Holds: (1) a breach is recorded in the round of what showed it, with the levels it leaves.
 *        (2) what an agent at level `propose` asks for is decided without doing it, recorded with
 *            sealed arguments, and refused.
 */
#include "governor/gov.h"

#include "base/limits.h"
#include "base/log.h"

enum { OPEN_PROPOSALS = 64 }; /* of one agent, that nobody has judged */

/* The owner, and whoever answers what no gate names. */
void autonomy_tell_owner(struct governor *g, const struct agent *a, uint64_t about,
			 const char *what, struct str text)
{
	const struct gate *gate = bundle_gate(g->bundle, g->bundle->default_gate);
	const struct person *owner = bundle_person(g->bundle, a->owner);
	AUTO_BUF out = BUF_INIT(65536);
	struct json_out w = json_out_to(&out);

	notify_person(g, a->owner, about, what, text);
	if (!gate || (owner && str_list_has(&owner->groups, gate->group))) {
		return; /* told already, by the same notifiers */
	}
	json_out_object(&w);
	json_out_key_str(&w, "type", str_from(what));
	json_out_key_u64(&w, "leaf", about);
	json_out_key_str(&w, "text", text);
	json_out_close(&w);
	if (json_out_end(&w, NULL) == RC_OK) {
		notify_group(g, gate->group, about, buf_view(&out));
	}
}

/* ---- breaches ---- */

/* The level it leaves, "" when that changes nothing. */
static struct str fallen(const struct governor *g, const struct agent *a, enum effect e,
			 enum breach why)
{
	enum autonomy after = autonomy_after(g->state, g->bundle, a, e, why);

	return after == autonomy_in_force(g->state, g->bundle, a, e) ? STR("")
								     : autonomy_name(after);
}

void autonomy_breach(struct governor *g, const struct agent *a, enum breach why, uint64_t task,
		     uint64_t cause)
{
	struct leaf l = {
	    .kind = LEAF_AGENT_BREACHED,
	    .agent_breached =
		{
		    .agent = a->id,
		    .why = breach_name(why),
		    .cause = cause,
		    .task =
			state_task(g->state, task) ? task : 0, /* an agent may name any number */
		    .contain = fallen(g, a, EFFECT_CONTAIN, why),
		    .destroy = fallen(g, a, EFFECT_DESTROY, why),
		},
	};
	uint64_t ix = book_next_ix(g->book);

	if (!gov_record(g, &l)) { /* (1) the round cannot be committed then: nothing is said */
		return;
	}
	if (l.agent_breached.contain.n || l.agent_breached.destroy.n) {
		autonomy_tell_owner(
		    g, a, ix, "autonomy.lowered",
		    arena_strf(&g->round,
			       "agent " STR_FMT " lost autonomy (%.*s): contain %.*s, destroy "
			       "%.*s; remit agent show " STR_FMT,
			       STR_ARG(a->name), STR_ARG(breach_name(why)),
			       STR_ARG(autonomy_name(
				   autonomy_in_force(g->state, g->bundle, a, EFFECT_CONTAIN))),
			       STR_ARG(autonomy_name(
				   autonomy_in_force(g->state, g->bundle, a, EFFECT_DESTROY))),
			       STR_ARG(a->name)));
	}
}

/* ---- notify ---- */

void autonomy_tell(struct governor *g, const struct decision *d, struct str agent, uint64_t task,
		   uint64_t call)
{
	const struct agent *a = bundle_agent(g->bundle, agent);
	const struct task *t = state_task(g->state, task);
	AUTO_BUF targets = BUF_INIT(8192);
	struct str text;

	for (size_t i = 0; i < d->targets.n; i++) {
		if (buf_addf(&targets, " " STR_FMT, STR_ARG(d->targets.p[i])) != RC_OK) {
			break; /* the call's own page has them all */
		}
	}
	text = arena_strf(&g->round,
			  STR_FMT " does " STR_FMT " (%.*s) on%.*s by itself, as c%llu in t%llu",
			  STR_ARG(a ? a->name : agent), STR_ARG(d->tool->public_name),
			  STR_ARG(effect_name(d->effect)), STR_ARG(buf_view(&targets)),
			  (unsigned long long)call, (unsigned long long)task);
	if (a) {
		notify_person(g, a->owner, call, "call.allowed", text);
	}
	if (t && a && !str_eq(t->accountable, a->owner)) {
		notify_person(g, t->accountable, call, "call.allowed", text);
	}
}

/* ---- proposals ---- */

static size_t open_proposals(const struct governor *g, struct str agent)
{
	const struct proposal *p;
	uint64_t from = 0;
	size_t n = 0;

	while ((p = state_next_proposal(g->state, from))) {
		from = p->ix + 1;
		n += p->is_open && str_eq(p->agent, agent);
	}
	return n;
}

/* With all that it was decided by (core/recompute.h). */
static uint64_t record_proposal(struct governor *g, const struct request *r,
				const struct decision *dry, struct err *e)
{
	uint64_t ix = 0;
	struct leaf l = {
	    .kind = LEAF_PROPOSAL_MADE,
	    .proposal_made =
		{
		    .task = r->task,
		    .agent = r->agent,
		    .tool = r->tool,
		    .effect = effect_name(dry->effect),
		    .targets = dry->targets,
		    .tag = r->tag,
		    .would = verdict_name(dry->verdict),
		    .reason = reason_code(dry->reason),
		    .bundle = *state_bundle(g->state),
		    .key = r->key,
		    .at = r->judged_unix_ms,
		    .cited = recompute_cited(r->cited),
		    .evidence = r->evidence,
		    .use = r->use_call,
		    .marks = marks_print(&g->round, &dry->marks),
		    .marks_over = dry->marks.is_over,
		    .preserved_first = r->is_preserved,
		},
	};
	struct book_value values[] = {
	    {.bytes = r->args_text, .commit = &l.proposal_made.args, .slot = 0},
	    {.bytes = r->pre_text, .commit = &l.proposal_made.pre, .slot = 1},
	};

	if (!l.proposal_made.marks.p) {
		(void)err_set(e, RC_NOMEM, __func__, "no memory for marks"); /* 0 says it failed */
		return 0;
	}
	return book_record(g->book, &l, gov_key_of(g, r->task), values, ARRAY_LEN(values), &ix,
			   e) == RC_OK
		   ? ix
		   : 0;
}

/* (2) */
void proposals_make(struct governor *g, const struct request *r, const struct call_request *asked,
		    struct decision *d)
{
	const struct proposal *have = state_proposal_of(g->state, r->task, &r->tag);
	struct call_request q = *asked;
	struct decision dry = {0};
	struct err e = ERR_INIT;
	uint64_t ix = have ? have->ix : 0;

	q.is_dry = true;
	if (decide_call(g->state, g->bundle, &q, &g->round, &dry, &e) != RC_OK) {
		log_err("cannot decide a proposal: %s", e.msg);
		return; /* it is refused all the same */
	}
	if (dry.verdict == VERDICT_DENY) {
		*d = dry; /* it would be refused at every level: that is the better reason */
		return;
	}
	if (!ix && open_proposals(g, r->agent) >= OPEN_PROPOSALS) {
		d->detail = STR("too many of its proposals wait to be judged");
		return;
	}
	ix = ix ? ix : record_proposal(g, r, &dry, &e);
	if (!ix) {
		log_err("a proposal could not be recorded: %s", e.msg);
		return;
	}
	d->detail = arena_strf(
	    &g->round, "recorded as proposal d%llu; it would be %.*s", (unsigned long long)ix,
	    STR_ARG(dry.verdict == VERDICT_ASK ? STR("asked about") : STR("allowed")));
}
