/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide.h - may this call be made, at this moment?
 *
 * Pure: state, bundle, request and time in, decision out; the caller turns it into a leaf. The
 * checks run in the order of DESIGN section 5, cheap and absolute first; the first that does not
 * pass gives the reason. What cannot be evaluated is a denial.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "codec/json.h"
#include "core/bundle.h"
#include "core/classify.h"
#include "core/state.h"

enum verdict { VERDICT_DENY = 0, VERDICT_ASK, VERDICT_ALLOW };
struct str verdict_name(enum verdict v); /* "deny", "ask", "allow" */

struct call_request {
	struct str agent; /* SPIFFE ID */
	uint64_t task;	  /* 0 = none */
	struct str tool;  /* public name */
	const struct json *args;
	struct digest
	    key; /* SHA-256 of the agent's public key; zero = not known, for a dry decision */
	struct digest tag;
	const struct json *pre; /* state captured before; NULL = not yet */
	uint64_t evidence;	/* the capture call, 0 = none */
	bool is_preserved;	/* Remit has tried to preserve what was missing */
	struct marks marks;	/* of words of args that nobody vouches for (core/taint.h) */
	const struct json *use; /* what in_use read; NULL = not yet */
	uint64_t now_unix_ms;
	struct str cited; /* id of the approval that the agent says it has, "" = none */

	bool is_dry;	  /* remit try: autonomy `propose` is enough, nothing is taken */
	bool is_narrower; /* of a question that waits already: it takes its place */
};

/* Who may answer a question. */
struct approvers {
	struct str_list eligible;  /* persons, in the order of the bundle */
	struct str_list conflicts; /* of the gates' groups, but not allowed: "carol: owner" */
	struct str missing;	   /* which gate can never open, for people; p == NULL = none */
};

/* A breaker that this call trips; becomes breaker.tripped. */
struct breaker_trip {
	bool is_tripped;
	enum breaker_kind kind;
	struct str whom;
	struct str key;
	uint64_t count;
	uint64_t open_ms;
};

struct decision {
	enum verdict verdict;
	enum reason reason;
	struct str detail; /* for people; arena */
	const struct tool *tool;
	enum effect effect;
	struct classification what; /* effect, and what the call touches */
	struct str_list targets;    /* canonical, sorted; arena */
	uint32_t deviation;	    /* when deny: what it weighs against the task */
	uint32_t attempt;	    /* and against the agent */
	bool is_proposal;  /* denied, and to be recorded as a proposal: autonomy `propose` */
	bool tells_person; /* when allow: a person is told: autonomy `notify` */
	bool
	    needs_capture; /* verdict is not deny, the tool wants its state captured, pre is NULL */
	/* Evidence (core/evidence.h): required kinds, those that are missing, items that count. */
	struct str_list requires;
	struct str_list missing;
	struct str_list preserved;
	uint64_t waiver;     /* cited for what is missing */
	bool needs_evidence; /* verdict is not deny: the tool's `preserve` reads come first */
	bool needs_use; /* verdict is not deny, and whether the target is in use was not read yet */
	bool policies_were_asked; /* nothing before them has refused */
	struct str_list policies; /* ids of the determining policies */
	struct str_list shadow;	  /* ids of @shadow policies that would have forbidden */
	struct str_list gates;	  /* asked, or lifted by the approval */
	struct breaker_trip trip;
	struct marks marks;	    /* as asked */
	struct str_list takings;    /* what it takes from caps, when not denied (core/cap.h) */
	uint64_t approval;	    /* granted and cited, when verdict is allow */
	uint64_t preapproval;	    /* cited, when verdict is allow */
	struct str phase;	    /* the task moves on to it; p == NULL = stays */
	struct approvers approvers; /* when ask */
	uint64_t group;	      /* when ask: the open questions people see this one with, or 0 */
	uint64_t narrowed_to; /* denied because a person has allowed that instead */
	bool wants_pause;     /* denied because the agent has asked more than people can answer */
	struct safe_alternative instead; /* of the tool or a gate, when ask or a person said no */
	uint64_t quorum;		 /* when ask: the largest of the gates */
	uint64_t decide_by_ms;		 /* when ask: the shortest of the gates */
	uint64_t execute_by_ms;
};

/* Never RC_DENIED: a denial is a decision. Errors are of memory and of broken bundles, and the
 * caller denies. Results live in arena. */
enum rc decide_call(const struct state *s, const struct bundle *b, const struct call_request *r,
		    struct arena *arena, struct decision *ret, struct err *e);

struct policy_case;
/* The requests that the policies were asked about a call, as decide_call has just decided it: for
 * explaining. RC_ABSENT when they were not asked. */
enum rc decide_case(const struct state *s, const struct bundle *b, const struct call_request *r,
		    const struct decision *d, struct arena *arena, struct policy_case *ret,
		    struct err *e);

/* A call of Remit itself that undoes: the registered inverse, tool pinned, never-list. Kill,
 * incident, grant, caps and gates of the agent do not apply. */
enum rc decide_rollback(const struct state *s, const struct bundle *b, const struct term *term,
			const struct json *args, uint64_t now_unix_ms, struct arena *arena,
			struct decision *ret, struct err *e);
/* A read of Remit itself for capture or verification of `parent`'s tool. */
enum rc decide_derived(const struct state *s, const struct bundle *b, const struct tool *of,
		       const struct derived_call *what, const struct json *args,
		       uint64_t now_unix_ms, struct arena *arena, struct decision *ret,
		       struct err *e);

/* May a result that was accounted so be given to the agent, by the budgets of its playbook? */
bool decide_may_give(const struct state *s, const struct playbook *p, const struct task *task,
		     const struct read_account *a, uint64_t bytes);

struct intent_request {
	struct str agent;
	uint64_t incident;
	struct str playbook;
	struct str goal;
	struct str_list tools; /* public names; empty = all of the playbook */
	struct str_list targets;
	struct str_list data;
	uint64_t duration_ms; /* 0 = the playbook's maximum */
	uint64_t now_unix_ms;
	struct str goal_class; /* of the playbook's goals, "" when it has none */
	struct digest key;     /* the task will belong to it; decides nothing */
};

struct intent_decision {
	enum verdict verdict;
	enum reason reason;
	uint32_t attempt; /* when deny: what it weighs against the agent */
	struct str detail;
	struct str_list policies;
	/* The grant, when allowed. */
	struct str_list tools;
	struct str_list targets;
	struct str_list data;
	struct str phase;
	uint64_t not_after_unix_ms;
	uint64_t max_calls;
	uint64_t max_targets;
	uint64_t max_deviations;
	struct str accountable;
	/* When asked: */
	struct str_list gates;
	struct approvers approvers;
	uint64_t quorum;
	uint64_t decide_by_ms;
	uint64_t execute_by_ms;
	uint64_t approval;
	struct digest tag; /* the caller's, of the whole grant */
};

/* What people have said of an intent that decide_intent would ask about: d becomes allow with the
 * approval to cite, deny, or stays ask with whom to ask; approval is then the open question, 0 =
 * not asked yet. tag: of the whole grant. */
enum rc decide_intent_gate(const struct state *s, const struct bundle *b,
			   const struct intent_request *r, const struct digest *tag,
			   struct arena *arena, struct intent_decision *d, struct err *e);

/* Is the incident one that this agent may work on at all? */
bool decide_may_work_on(const struct incident *i, const struct agent *a);

/* verdict ask, with the grant: policy lets it through these gates only. */
enum rc decide_intent(const struct state *s, const struct bundle *b, const struct intent_request *r,
		      struct arena *arena, struct intent_decision *ret, struct err *e);

/* Why somebody may not answer a question, in the order in which it is looked for: owner or deputy
 * of the agent; accountable for the task; requester, who opened the incident by hand; author of a
 * policy that the decision rests on, or of the gate. */
enum conflict {
	CONFLICT_NONE = 0,
	CONFLICT_OWNER,
	CONFLICT_DEPUTY,
	CONFLICT_ACCOUNTABLE,
	CONFLICT_REQUESTER,
	CONFLICT_AUTHOR,
};
struct str conflict_name(enum conflict c);

/* A question, as far as it matters for who may answer it. */
struct question {
	struct str agent;
	uint64_t task; /* 0 = an intent */
	uint64_t incident;
	struct str accountable; /* an intent: who would answer for the task */
	const struct str_list *policies;
	const struct str_list *gates;
};

enum conflict decide_conflict(const struct state *s, const struct bundle *b,
			      const struct question *q, struct str person);

/* RC_LIMIT when there are more of them than a leaf holds. */
enum rc decide_approvers(const struct state *s, const struct bundle *b, const struct question *q,
			 struct arena *arena, struct approvers *ret, struct err *e);

/* May this person vote on this approval? REASON_NONE = yes; else approver_auth (unknown user, not
 * in a gate's group) or approver_conflict (as above, or voted already); *ret_why says which, for
 * people. */
enum reason decide_vote(const struct state *s, const struct bundle *b, const struct approval *a,
			const struct person *p, struct str *ret_why);
/* What a person may say in advance at most. */
enum { PREAPPROVAL_MAX_DAYS = 30, PREAPPROVAL_MAX_USES = 100, PREAPPROVAL_MAX_WINDOW_S = 86400 };
/* May calls of this tool be approved in advance? Not those that destroy, but for access alone. */
bool decide_is_preapprovable(const struct tool *t);
/* May this person approve calls of that agent in advance? Never of one of their own. */
enum reason decide_may_preapprove(const struct bundle *b, const struct person *p,
				  const struct agent *agent);
/* Has every gate its quorum of distinct persons who may still vote? */
bool decide_is_granted(const struct state *s, const struct bundle *b, const struct approval *a);

/* What of a phase's condition is not so yet, as texts for people in arena; none = it holds. */
enum rc phase_unmet(const struct state *s, const struct task *t,
		    const struct phase_condition *wanted, struct arena *arena, struct str_list *ret,
		    struct err *e);
/* May the task of r move on to that phase, as remit___advance asks? When allowed, phase is its
 * name. r->tool and r->args do not matter. */
enum rc decide_advance(const struct state *s, const struct bundle *b, const struct call_request *r,
		       struct str phase, struct arena *arena, struct decision *ret, struct err *e);

/* What a person's wish to lift a stop does: it is proposed, or it confirms another person's
 * proposal, or both own the agent that was stopped, which is refused. k is the newest of its scope
 * and name. */
enum lift { LIFT_REFUSED = 0, LIFT_PROPOSES, LIFT_CONFIRMS };
enum lift decide_lift(const struct state *s, const struct bundle *b, const struct kill *k,
		      struct str person, uint64_t now_unix_ms);
/* Does a stop hold Remit's own rollback with this tool? A stop of everything that says so, and one
 * of the very tool or its upstream, which nobody is to call; not one of an agent or a task. */
bool decide_holds_rollback(const struct state *s, const struct bundle *b, struct str tool);

/* What may be done instead of a call of this tool (NULL = unknown): its own word, or the first
 * gate's that has one. */
struct safe_alternative decide_instead(const struct bundle *b, const struct tool *t,
				       const struct str_list *gates);
/* "instead: <tool> (<text>)"; p == NULL when there is nothing, or no memory. */
struct str instead_text(const struct safe_alternative *s, struct arena *arena);

/* A call that a named person makes in an emergency, under the task of their break-glass. Allow or
 * deny; r->agent is the task's own. */
enum rc decide_break_glass(const struct state *s, const struct bundle *b,
			   const struct call_request *r, struct str person, struct arena *arena,
			   struct decision *ret, struct err *e);

/* The tools this agent may see in this task (or without one): indexes into b->tools. */
enum rc decide_visible_tools(const struct state *s, const struct bundle *b, struct str agent,
			     uint64_t task, uint64_t now_unix_ms, struct arena *arena,
			     const size_t **ret, size_t *ret_n, struct err *e);

/* Fills a template of core/tool.h's derived_call. RC_INPUT when a pointer finds nothing. The result
 * lives in arena. */
enum rc derive_args(const struct json *template, const struct json *args, const struct json *pre,
		    struct arena *arena, const struct json **ret, struct err *e);
