/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_impl.h - what the files of the state share (core/state*.c); for nobody else.
 *
 * For every kind of leaf there are two functions, declared below from the table:
 *
 *	state_reserve_<name>	refuses what the state forbids (RC_BROKEN), and puts everything
 *				that applying needs into s->pending or into room of its vectors
 *	state_apply_<name>	changes the state; cannot fail, allocates nothing
 *
 * Objects stand in one table per kind, in order of creation, which is the order of their index.
 */
#pragma once

#include "base/map.h"
#include "base/vec.h"
#include "core/evidence.h"
#include "core/signal.h"
#include "core/state.h"
#include "core/tally.h"

enum object_kind {
	OBJECT_INCIDENT = 0,
	OBJECT_INTENT,
	OBJECT_TASK,
	OBJECT_CALL,
	OBJECT_APPROVAL,
	OBJECT_PREAPPROVAL,
	OBJECT_LEASE,
	OBJECT_TERM,
	OBJECT_ROLLBACK,
	OBJECT_REHEARSAL,
	OBJECT_KILL,
	OBJECT_EVIDENCE,
	OBJECT_BREAKER,
	OBJECT_HOLD,
	OBJECT_WAIVER,
	OBJECT_PAUSE,
	OBJECT_DUTY,
	OBJECT_ESCALATION,
	OBJECT_BREAK_GLASS,
	OBJECT_PROPOSAL,
	OBJECT_KINDS
};

/* The beginning of every object. */
struct object {
	enum object_kind kind;
	uint64_t ix;
	uint64_t over_unix_ms; /* forgotten STATE_HORIZON_MS after this; 0 = not known yet */
	char *text;	       /* strings of the leaf that created it */
	char *changed;	       /* strings of the leaf that changed it last */
};

/* A vector (base/vec.h) whose elements are blocks of their own. */
struct owned_strings {
	struct str *p;
	size_t n;
	size_t cap;
};

/* What was read, by class: two vectors of one order. */
struct read_totals {
	struct owned_strings classes;
	VEC(struct read_total) totals;
};

/* A word that nobody vouches for, and, of arguments, the task that used it first. */
struct mark_by {
	uint64_t mark;
	uint64_t by;
};

struct mark_set {
	struct mark_by *p; /* ascending */
	size_t n;
	size_t cap;
	bool is_full;
};

struct incident_object {
	struct object o;
	struct incident pub;
	struct mark_set marks;	     /* of arguments */
	struct owned_strings routed; /* keys of routes that were followed */
	struct read_totals reads;
	VEC(uint64_t) evidence; /* captured in it, oldest first */
};

/* An allowed intent, until a task is opened for it. */
struct intent_object {
	struct object o;
	struct str agent;
	uint64_t incident;
	uint64_t task;
};

struct task_object {
	struct object o;
	struct task pub;
	/* Targets acted on (with so many takings) or only looked at (none). until: the leaf by
	 * which it last did. */
	struct tally_set touched;
	uint32_t *granted; /* numbers of pub.targets */
	struct owned_strings labels;
	struct read_totals reads;
	struct owned_strings completed;
	VEC(struct phase_use) phases;	  /* names are blocks of their own */
	struct mark_set marks;		  /* of untrusted results */
	uint64_t last_call;		  /* of the agent, allowed */
	VEC(struct tool_use) uses;	  /* each holds its tool's name in words */
	VEC(struct label_use) label_uses; /* in the order of labels, whose texts they borrow */
	struct str accountable;		  /* a block, once it is another than at the begin */
	struct deviation tried[TASK_TRIED];
	char *tried_text[TASK_TRIED];
	VEC(struct task_note) notes;
};

struct call_object {
	struct object o;
	struct call pub;
	uint64_t terms;	   /* not over: they need the call to be undone, however old it is */
	bool is_accounted; /* what it read */
	uint64_t previous; /* call of the agent in the same task; 0 = none */
	bool is_agents;
	bool stands;	   /* on its targets: what it did, or may have done, was not undone */
	uint32_t standing; /* first of its places in state.standing, 0 = none */
	uint32_t tool;
	uint32_t hop;	   /* its upstream */
	uint32_t *targets; /* numbers of pub.targets, each held once */
	struct str_list takings;
	uint64_t taken_unix_ms;
	uint64_t held_until_unix_ms;
};

struct breaker_object {
	struct object o;
	struct breaker pub;
};

/* What calls took from a cap for one task, incident, agent or all (state_count.c). */
struct counter {
	bool is_set;
	bool is_of_task;
	bool is_of_incident;
	uint64_t whom; /* the task or incident */
	struct tally_sum sum;
	struct tally_set set;
};

/* What is being done to a target (state_target.c), by its number in words. */
struct target_fact {
	uint64_t token;	 /* of who acted last */
	uint64_t holder; /* the task; 0 = Remit */
	uint64_t held_until_unix_ms;
	uint32_t unfinished; /* calls that act on it and have no outcome */
	uint32_t calls;	     /* in the state that name it */
	uint32_t standing;   /* first place in state.standing, 0 = none */
	uint32_t last_tool;  /* held */
};

/* A call on one of its targets. Places count from 1, 0 = none. */
struct standing {
	struct call_object *call;
	uint32_t target;
	uint32_t next; /* older, on the same target; when not in use: the next one not in use */
	uint32_t previous;
	uint32_t also; /* of the same call, on another target */
};

struct approval_object {
	struct object o;
	struct approval pub;
	VEC(struct vote) votes; /* persons are blocks of their own */
};

struct preapproval_object {
	struct object o;
	struct preapproval pub;
	VEC(uint64_t) uses;
};

struct lease_object {
	struct object o;
	struct lease pub;
};

struct term_object {
	struct object o;
	struct term pub;
};

struct rollback_object {
	struct object o;
	struct rollback pub;
};

struct proposal_object {
	struct object o;
	struct proposal pub;
};

struct rehearsal_object {
	struct object o;
	struct rehearsal pub;
};

struct kill_object {
	struct object o;
	struct kill pub;
	bool is_cleared;
};

struct evidence_object {
	struct object o;
	struct evidence pub;
};

struct hold_object {
	struct object o;
	struct hold pub;
};

struct waiver_object {
	struct object o;
	struct waiver pub;
};

struct duty_object {
	struct object o;
	struct duty pub;
};

struct escalation_object {
	struct object o;
	struct escalation pub;
};

struct break_glass_object {
	struct object o;
	struct break_glass pub;
};

struct pause_object {
	struct object o;
	struct pause pub;
};

/* A tool's definition as last seen. */
struct observed {
	struct str name; /* a block of its own */
	struct digest digest;
	struct digest rehearsed; /* the form in which it was rehearsed last with success */
	uint64_t rehearsed_unix_ms;
};

struct signal_object {
	struct signal pub;
	char *text; /* strings of the leaf */
};

/* What the next state_apply takes over. At most one leaf is reserved at a time. */
struct pending {
	enum leaf_kind kind; /* LEAF_NONE = nothing */
	struct object *fresh;
	struct leaf own; /* the leaf with its strings in text */
	char *text;
	struct owned_strings labels;	   /* new ones, to be moved */
	struct owned_strings task_classes; /* of reads */
	struct owned_strings incident_classes;
	struct owned_strings completed;
	uint32_t *targets;	  /* of the call, each held */
	struct str *target_texts; /* the same as texts in words */
	size_t n_targets;
	uint32_t tool;
	uint32_t hop;
	struct str name; /* a block */
	struct signal_object *signal;
	struct agent_record *record; /* a new one */
};

/* An asset's health where it is not what the inventory says. */
struct health {
	struct str target; /* a block of its own */
	bool is_up;
};

struct state {
	uint64_t size;
	uint64_t generation;
	uint64_t clock_jump;
	uint64_t booted_unix_ms;
	uint64_t loaded_unix_ms; /* when this life read its deployment */
	struct digest boot;
	uint64_t last_unix_ms;
	uint64_t now_unix_ms;	/* the largest time of any leaf */
	uint64_t swept_unix_ms; /* when forgetting last went round */
	struct digest bundle;
	uint64_t degraded_since;  /* log.degraded that stands, 0 = none */
	uint64_t witness_away;	  /* witness.away that stands, 0 = none */
	bool is_disputed;	  /* and it is a witness that holds another log */
	enum degraded degraded;	  /* and what it says */
	uint64_t shard_number;	  /* of the newest one */
	uint64_t shard_unix_ms;	  /* when it began, or the log */
	VEC(struct shard) shards; /* that are not pruned, in order, without the first of all */
	uint64_t pruned;	  /* leaves before it may be gone; */
	uint64_t pruned_from;	  /* before it they were already, */
	uint64_t pruned_ix;	  /* and the log.pruned that says so */
	struct motion prune;
	struct motion erase;
	VEC(struct erasing) erasing;
	VEC(struct object *) tables[OBJECT_KINDS];
	VEC(struct call_object *) unfinished; /* allowed, no outcome yet; borrowed from the table */
	VEC(struct observed) tools;	      /* by name */
	VEC(struct health) health;	      /* by target */
	struct intern words;		      /* targets, tools and upstreams that are counted */
	struct map counters;		      /* key of core/cap.h -> struct counter */
	VEC(struct target_fact) facts;	      /* by number in words */
	VEC(struct standing) standing;
	size_t n_open_breakers;
	uint32_t unused_standing;
	VEC(struct signal_object *) signals; /* by asset, name, source */
	VEC(struct agent_record *) records;  /* by agent */
	struct pending pending;
};

#define LEAF(NAME, name, wire, version, fields)                                                    \
	enum rc state_reserve_##name(struct state *s, const struct leaf *l, struct err *e);        \
	void state_apply_##name(struct state *s, const struct leaf *l);
#include "core/leaf.def"
#undef LEAF

/* NULL when there is none. */
struct object *state_find(const struct state *s, enum object_kind kind, uint64_t ix);
/* The first whose index is at least from; NULL at the end. */
struct object *state_find_next(const struct state *s, enum object_kind kind, uint64_t from);
/* Takes the person's name that was reserved in pending.name. */
void state_take_motion(struct state *s, struct motion *p, uint64_t of, uint64_t unix_ms);
void state_drop_motion(struct motion *p);
/* RC_BROKEN when there is none: a leaf cites what the state does not know. */
enum rc state_need(const struct state *s, enum object_kind kind, uint64_t ix, struct object **ret,
		   struct err *e);
enum rc state_need_open_incident(const struct state *s, uint64_t ix, struct incident_object **ret,
				 struct err *e);

/* For reserve: memory for a new object, room in its table, and the leaf's own strings. */
enum rc state_reserve_object(struct state *s, enum object_kind kind, size_t size,
			     const struct leaf *l, struct err *e);
/* For apply: the reserved object, in its table, owning the reserved strings. */
void *state_take_object(struct state *s);
/* For reserve: the leaf's own strings alone. */
enum rc state_reserve_text(struct state *s, const struct leaf *l, struct err *e);
/* For apply: the reserved strings replace those of the last change. */
void state_take_changed(struct state *s, struct object *o);

/* For reserve: copies of those elements of `more` that `have` lacks go to `pending`, and `have`
 * gets room for them. RC_LIMIT beyond max. */
enum rc state_reserve_strings(struct owned_strings *pending, struct owned_strings *have,
			      const struct str_list *more, size_t max, struct err *e);
/* For apply: moves them over. */
void state_take_strings(struct owned_strings *pending, struct owned_strings *have);
void state_free_reads(struct read_totals *r);
/* A block with a copy of s. */
enum rc state_copy_string(struct str s, struct str *ret, struct err *e);
void state_free_string(struct str s);
void state_free_strings(struct owned_strings *v);

/* state_progress.c: what a task does in its phases. Reserving for a call of the agent comes after
 * the reservation of its targets, applying after they were taken over. */
enum rc state_reserve_phase_use(struct state *s, struct task_object *t, struct err *e);
void state_leave_phase(struct state *s, struct task_object *t, uint64_t unix_ms);
void state_apply_progress(struct state *s, struct task_object *t, const struct call_object *call);
void state_free_progress(struct task_object *t);
/* The leaf that is being applied is a step of the incident. */
void state_note_step(struct state *s, struct incident *i);
void state_free_signal(struct signal_object *o);
/* Drops those that are too old. */
void state_forget_signals(struct state *s);

/* state_agent.c: what a refusal, a decision of a person adds to an agent's record. */
enum rc state_reserve_attempt(struct state *s, const struct leaf *l, struct err *e);
void state_apply_attempt(struct state *s, const struct leaf *l, struct task_object *t,
			 enum reason reason);
enum rc state_reserve_intent_attempt(struct state *s, const struct leaf *l, struct err *e);
void state_apply_intent_attempt(struct state *s, const struct leaf *l);
enum rc state_reserve_tally(struct state *s, struct str agent, struct err *e);
void state_apply_tally(struct state *s, struct str agent, enum effect effect, bool agreed);
void state_free_record(struct agent_record *r);

/* The end of an object: never 0, so that it is known to be over. */
void state_set_over(struct object *o, uint64_t unix_ms);

/* Used by call.decided: may this approval, pre-approval or evidence be cited by this leaf, and what
 * follows.
 */
enum rc state_check_approval_use(const struct state *s, const struct leaf *l, struct err *e);
enum rc state_check_evidence_use(const struct state *s, const struct leaf *l, struct err *e);
enum rc state_reserve_preapproval_use(struct state *s, const struct leaf *l, struct err *e);
void state_apply_waiver_use(struct state *s, const struct leaf *l);
void state_apply_approval_use(struct state *s, const struct leaf *l);
/* The same for intent.decided. */
enum rc state_check_intent_approval(const struct state *s, const struct leaf *l, struct err *e);
void state_apply_intent_approval(struct state *s, const struct leaf *l);
void state_apply_preapproval_use(struct state *s, const struct leaf *l);

/* Used by call.decided and call.completed: the inverse of a term is sent once. */
enum rc state_check_undo(const struct state *s, const struct leaf_call_decided *c, struct err *e);
void state_apply_undo(struct state *s, const struct leaf_call_decided *c, uint64_t call);
void state_apply_undo_outcome(struct state *s, const struct call *c);
/* ---- state_count.c ---- */
enum rc state_reserve_takings(struct state *s, const struct str_list *takings, size_t n_targets,
			      struct err *e);
void state_apply_takings(struct state *s, const struct call_object *call);
/* Nothing of the call was sent. */
void state_return_takings(struct state *s, const struct call_object *call, uint64_t unix_ms);
enum rc state_reserve_used(struct state *s, const struct call_object *call,
			   const struct str_list *used, struct err *e);
void state_apply_used(struct state *s, const struct call_object *call, const struct str_list *used);
void state_forget_counters(struct state *s);
void state_free_counters(struct state *s);
/* What is counted is forgotten. */
void state_clear_counter(struct state *s, struct str key);
/* For a state that is read back: an empty one. RC_BROKEN when it is there. */
enum rc state_restore_counter(struct state *s, struct str key, bool is_set, struct counter **ret,
			      struct err *e);
/* Those that count something, by key; the list is the caller's. */
enum rc state_list_counters(const struct state *s, const struct map_entry ***ret, size_t *ret_n,
			    struct err *e);

/* ---- state_taint.c ---- */
enum rc state_reserve_result_marks(struct task_object *t, struct str marks, struct err *e);
void state_apply_result_marks(struct task_object *t, struct str marks, bool is_over);
enum rc state_reserve_call_marks(struct incident_object *i, struct str marks, struct err *e);
void state_apply_call_marks(struct incident_object *i, struct str marks, uint64_t task);

/* ---- state_breaker.c ---- */
void state_probe_breakers(struct state *s, const struct call_object *call);
void state_settle_probes(struct state *s, const struct call_object *call, uint64_t unix_ms);

/* ---- state_target.c ---- */
/* For reserve and apply: texts whose bytes are in words, as a list that borrows them; both blocks
 * are then the taker's, and each number is held once. */
enum rc state_reserve_words(struct state *s, const struct str_list *texts, struct err *e);
struct str_list state_take_words(struct state *s, uint32_t **ret_ids);
enum rc state_reserve_targets(struct state *s, const struct leaf_call_decided *c, struct err *e);
void state_drop_pending_targets(struct state *s);
void state_apply_targets(struct state *s, struct call_object *o);
/* For a state that is read back: the call, read but for its targets, acts on these. Texts and ids
 * are its own afterwards. Of which of them it is the first call known: the rest of their facts is
 * the caller's to fill in. */
enum rc state_restore_targets(struct state *s, struct call_object *o, const struct str_list *texts,
			      uint32_t *take_ids, uint8_t *ret_is_first, struct err *e);
/* The call has an outcome. */
void state_settle_targets(struct state *s, struct call_object *o, bool is_known);
/* What was unknown is known now. */
void state_free_targets(struct state *s, struct call_object *o);
/* Undone, or never done. */
void state_stop_standing(struct state *s, struct call_object *o);
void state_forget_targets(struct state *s, struct call_object *o);

/* ---- state_use.c: what a task has done ---- */
enum rc state_reserve_use(struct state *s, struct task_object *t, const struct leaf_call_decided *c,
			  struct err *e);
void state_apply_use(struct state *s, struct task_object *t, struct call_object *o);
/* Its outcome. */
void state_settle_use(struct state *s, struct task_object *t, const struct call_object *o,
		      const struct leaf *l);
void state_free_use(struct state *s, struct task_object *t);

/* The first surprise ends it: what it let through did not hold, or was undone. 0 = none. */
void state_surprise_preapproval(struct state *s, uint64_t preapproval, uint64_t unix_ms);

/* Of tools that were seen or rehearsed: room for one more name, and its place. */
enum rc state_reserve_tool(struct state *s, struct str tool, struct err *e);
struct observed *state_take_tool(struct state *s, struct str tool);
const struct observed *state_find_tool(const struct state *s, struct str tool);
/* Used by call.decided: a rehearsal acts once. */
enum rc state_check_rehearsal(const struct state *s, const struct leaf_call_decided *c,
			      struct err *e);
void state_apply_rehearsal_act(struct state *s, const struct leaf_call_decided *c, uint64_t call);
