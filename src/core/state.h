/* SPDX-License-Identifier: Apache-2.0 */
/* core/state.h - everything that governs at this moment: a fold over the log.
 *
 * state_apply(state, leaf) never evaluates policy, reads a clock, draws randomness or fails; all it
 * needs is in the leaf, and the memory it needs was reserved before the leaf was appended
 * (state_reserve). The same leaves give the same state, always. Objects are found by the index of
 * the leaf that created them; pointers are valid until the next state_apply.
 *
 * Strings in objects are owned by the object. Closed objects leave the state STATE_HORIZON_MS after
 * they closed, reads of a task that is over already after STATE_READ_HORIZON_MS (driven by the
 * leaves' own times), calls not before the terms that would undo them are over; an unknown id is
 * refused by whoever asks, so forgetting is safe.
 */
#pragma once

#include "base/err.h"
#include "core/breaker.h"
#include "core/agent_record.h"
#include "core/effect.h"
#include "core/inventory.h"
#include "core/leaf.h"
#include "core/motion.h"
#include "core/reads.h"
#include "core/reason.h"
#include "core/taint.h"

enum { STATE_HORIZON_MS = 24 * 3600 * 1000, STATE_READ_HORIZON_MS = 10 * 60 * 1000 };

/* A delivery is recognised among this many later ones of its incident; beyond them by its time. */
enum { INCIDENT_DELIVERIES = 8, INCIDENT_STEPS = 64 };

enum incident_status { INCIDENT_CLOSED = 0, INCIDENT_OPEN };

struct incident {
	uint64_t ix;
	enum incident_status status;
	struct str source;
	struct str source_id;
	struct str class;
	uint8_t severity;
	struct str service;
	struct str environment;
	struct str_list assets;
	bool is_regulated;
	struct str opened_by; /* a person, when it was opened by hand */
	uint64_t opened_unix_ms;
	uint64_t closed_unix_ms;
	struct str_list read_classes; /* of all its tasks */
	const struct read_total *read_totals;
	uint64_t occurred_unix_ms; /* latest event of its source, in the source's time; 0 = none */
	struct digest deliveries[INCIDENT_DELIVERIES]; /* the last events, in turn */
	size_t n_deliveries;			       /* ever */
	uint64_t text_ix;			       /* leaf with its free text, 0 = none */
	uint64_t steps[INCIDENT_STEPS]; /* leaves that are its history, the last ones in turn */
	size_t n_steps;			/* ever */
};

/* What a task did in one phase, all visits together. */
struct phase_use {
	struct str phase;
	uint64_t calls;
	uint64_t targets;  /* distinct ones of contain and destroy calls */
	uint64_t spent_ms; /* of visits that are over */
};

/* What a task did with one of its tools. */
struct tool_use {
	struct str tool; /* public name */
	uint32_t tool_number;
	uint64_t allowed;	      /* not those never sent */
	uint64_t ok;		      /* with a good outcome */
	uint64_t allowed_as[EFFECTS]; /* of them: a tool's effect may depend on its arguments */
	uint64_t last_ok_unix_ms[EFFECTS];
};

struct label_use {
	struct str label;
	uint64_t results; /* that carried it */
	uint64_t last_unix_ms;
};

enum task_state { TASK_CLOSED = 0, TASK_ENDED, TASK_SUSPENDED, TASK_RUNNING };

struct task {
	uint64_t ix;
	enum task_state state;
	uint64_t intent;
	uint64_t incident;
	struct str agent; /* SPIFFE ID */
	struct str playbook;
	struct str goal_class;
	struct str_list tools; /* the grant: public names */
	struct str_list targets;
	struct str_list data;
	struct str phase;
	uint64_t phase_since_unix_ms;
	uint64_t opened_unix_ms;
	uint64_t not_after_unix_ms;
	uint64_t max_calls;
	uint64_t max_targets;
	uint64_t max_deviations;
	struct digest key;	/* SHA-256 of the public key it belongs to; zero = not used yet */
	struct str by;		/* who or what opened it */
	struct str accountable; /* person */
	uint64_t calls;		/* allowed so far, of the agent's own; not those never sent */
	uint64_t deviations;
	uint64_t deviation_weight; /* of them together */
	const struct task_note *notes;
	size_t n_notes;
	const struct deviation *tried; /* the newest, oldest first */
	size_t n_tried;
	struct str_list read_classes;	      /* of results it was given, and "any" */
	const struct read_total *read_totals; /* in the same order */
	const struct phase_use *phases;
	size_t n_phases;
	struct str_list completed;	    /* tools with a call that ended without an error */
	uint64_t n_touched;		    /* distinct targets of contain and destroy calls */
	struct str_list labels;		    /* data classes and "untrusted" */
	const struct label_use *label_uses; /* of labels that results carried, in their order */
	size_t n_label_uses;
	const struct tool_use *uses;
	size_t n_uses;
	struct str ended_why;
	uint64_t ended_by_leaf;
	uint64_t ended_unix_ms;
	uint64_t closed_unix_ms;
};

enum call_state {
	CALL_SETTLED = 0, /* denied, or completed in whatever way */
	CALL_ALLOWED,	  /* decided, no outcome yet */
};

/* A decided call. Denied ones are kept only as counters. */
struct call {
	uint64_t ix;
	enum call_state state;
	uint64_t task;
	uint64_t parent;
	struct str purpose;
	struct str tool;
	enum effect effect;
	struct str_list targets;
	struct digest tag;
	uint64_t evidence;
	uint64_t approval;
	uint64_t preapproval;
	uint64_t lease;
	uint64_t decided_unix_ms;
	struct str outcome; /* kind of call.completed, "" before */
	uint64_t completed_ix;
	bool is_verified;
	bool verified_holds;
	uint64_t verified_ix;
	uint64_t term; /* the last that started for it, 0 = none */
};

enum approval_state {
	APPROVAL_VOID = 0,
	APPROVAL_DENIED,
	APPROVAL_EXPIRED,
	APPROVAL_USED,
	APPROVAL_GRANTED,
	APPROVAL_OPEN,
};
struct str approval_state_name(enum approval_state s);

struct vote {
	struct str person;
	bool grants;
	uint64_t at_unix_ms;
};

/* What a person is asked about: one exact call, or a whole intent before there is a task. */
enum approval_kind { APPROVAL_CALL = 0, APPROVAL_INTENT };

struct approval {
	uint64_t ix;
	enum approval_kind kind;
	enum approval_state state;
	enum reason reason; /* why it is denied, expired or void */
	uint64_t task;	    /* 0 for an intent */
	uint64_t incident;
	uint64_t group;	  /* the first of the similar questions; its own index when it is that */
	uint64_t narrows; /* the question that it is less than, 0 = none */
	uint64_t narrowed_to; /* what was granted instead, 0 = nothing */
	struct str agent;
	struct str tool;
	enum effect effect;
	struct str_list targets;
	struct digest tag;
	struct str_list policies; /* that the decision to ask rests on */
	struct str_list gates;
	struct str accountable;	  /* when it was asked */
	struct str_list eligible; /* who was asked */
	struct digest shown;	  /* commitment to the question's text */
	struct str safe_tool;	  /* what may be done instead, "" = nothing was declared */
	uint64_t quorum;
	uint64_t opened_unix_ms;
	uint64_t decide_by_unix_ms;
	uint64_t execute_by_ms;
	uint64_t execute_by_unix_ms; /* once granted */
	uint64_t evidence;
	const struct vote *votes;
	size_t n_votes;
	uint64_t used_by; /* call.decided, or intent.decided */
};

/* Somebody was set on duty. */
struct duty {
	uint64_t ix;
	struct str group;
	struct str person;
	struct str by;
	uint64_t until_unix_ms;
};

/* Something waits for people, and they are told one after the other. */
struct escalation {
	uint64_t ix;
	bool is_open;
	uint64_t about;
	struct str what; /* approval, task, term */
	struct str group;
	uint64_t level; /* rungs reached */
	uint64_t since_unix_ms;
	uint64_t moved_unix_ms;
};

/* A named person acted in an emergency. */
struct break_glass {
	uint64_t ix;
	uint64_t task;
	uint64_t incident;
	struct str person;
	uint64_t opened_unix_ms;
	uint64_t not_after_unix_ms;
	uint64_t review_by_unix_ms;
	uint64_t reminders;
	uint64_t reminded_unix_ms;
	struct str reviewed_by; /* "" = not yet */
	bool is_justified;
};

/* An agent that has asked too much. */
struct pause {
	uint64_t ix;
	struct str agent;
	uint64_t until_unix_ms;
};

struct preapproval {
	uint64_t ix;
	bool is_open;
	struct str person;
	struct str agent;	 /* SPIFFE ID, "" = any */
	struct str tool;	 /* public name */
	struct str_list targets; /* empty = any target of the task */
	struct str class;	 /* incident class, "" = any */
	uint64_t max_uses;
	uint64_t window_ms;
	uint64_t not_after_unix_ms;
	const uint64_t *uses_unix_ms; /* within the last window, oldest first */
	size_t n_uses;
};

enum lease_state {
	LEASE_STATE_GONE = 0,
	LEASE_STATE_REVOKING,
	LEASE_STATE_INTENDED,
	LEASE_STATE_CREATED,
	LEASE_STATE_DELIVERED,
};
struct str lease_state_name(enum lease_state s);
enum { LEASE_LOOK_MS = 5 * 60 * 1000 }; /* one that is only to look at, or undo, a target */

struct lease {
	uint64_t ix;
	enum lease_state state;
	uint64_t task;
	struct str backend;
	struct str scope;
	uint64_t not_after_unix_ms;
	uint64_t create_by_unix_ms;
	struct str read_back;
};

enum term_state {
	TERM_OVER = 0,	   /* reverted, or kept for good */
	TERM_ROLLING_BACK, /* the inverse is on its way */
	TERM_ASKED,	   /* its time came, a person was asked */
	TERM_FAILED,	   /* the inverse did not work: escalated */
	TERM_STANDING,
};
struct str term_state_name(enum term_state s);
enum { TERM_KEEP_MAX_S = 30 * 24 * 3600 }; /* by a person's word; as long as a catalog may say */

struct term {
	uint64_t ix;
	enum term_state state;
	uint64_t call;
	uint64_t task;
	uint64_t incident; /* of the task */
	struct str tool;   /* the inverse's public name */
	struct str_list targets;
	uint64_t ends_at_unix_ms;
	bool reverts; /* at its end; else asks */
	struct str owner;
	struct str how; /* last term.changed */
	uint64_t changed_ix;
	uint64_t started_unix_ms;
	uint64_t rolling_since_unix_ms; /* of the rollback under way */
	uint64_t undo;			/* the inverse's call of this rollback; 0 = not sent yet */
	uint64_t asked;			/* so often, since it was last kept */
};

/* All of a task or an incident being undone. */
struct rollback {
	uint64_t ix;
	bool is_over;
	uint64_t task;	   /* 0 = of the incident */
	uint64_t incident; /* 0 = of the task */
	struct str by;
	uint64_t planned_unix_ms;
	bool is_partial;
	struct str_list left; /* once over */
};

/* A tool and its inverse being tried. */
struct rehearsal {
	uint64_t ix;
	bool is_over;
	struct str tool;
	struct digest entry;
	struct str_list targets;
	struct str by;
	uint64_t started_unix_ms;
	uint64_t act; /* the call, 0 = not yet */
};

struct kill {
	uint64_t ix;
	struct str scope; /* all, agent, task, tool, upstream */
	struct str name;
	struct str by;
	bool stops_rollbacks; /* of everything only: Remit's own too */
	bool is_acknowledged;
	struct str lift_by; /* who proposed to lift it, "" = nobody */
	uint64_t lift_unix_ms;
};

/* Who acts on a target. */
struct fence {
	uint64_t token;	 /* of who acted last: index of the leaf that admitted it; 0 = nobody */
	uint64_t holder; /* that task; 0 = Remit itself */
	uint64_t held_until_unix_ms; /* nobody else may act on it before */
	struct str last_tool;	     /* of that call; "" = none */
};

/* A proposal to lift a stop that nobody confirmed by then is void. */
enum { KILL_LIFT_MS = 15 * 60 * 1000 };

/* What one source said last about one thing of an asset (core/signal.h). */
struct signal {
	uint64_t ix; /* of the leaf that says so */
	struct str asset;
	struct str name;
	struct str value;
	struct str source;
	uint64_t observed_unix_ms; /* by the source's clock */
	uint64_t noted_unix_ms;	   /* by ours */
	uint64_t cause;
};

/* A breaker that tripped (core/breaker.h). */
struct breaker {
	uint64_t ix;
	bool is_closed;
	enum breaker_kind kind;
	struct str whom;
	struct str key; /* its counter */
	uint64_t task;	/* whose call tripped it */
	uint64_t count;
	uint64_t open_ms;
	uint64_t tripped_unix_ms;
	uint64_t open_until_unix_ms; /* after it, half open */
	uint64_t probe;		     /* the call that was let through; 0 = none */
};
/* Is it about calls of this task, to this upstream, on these targets? */
bool breaker_concerns(const struct breaker *b, uint64_t task, struct str upstream,
		      const struct str_list *targets);

struct state;

enum rc state_new(struct state **ret, struct err *e);
void state_free(struct state *s);
/* Makes sure the next state_apply, which must be of this leaf, cannot fail. RC_BROKEN when the leaf
 * does not fit the state: a cause that is unknown or not earlier, a step that an object's state
 * does not allow (an approval settled twice, a lease gone twice), a destroy call of an agent
 * allowed without an approval or pre-approval. Then, and on RC_NOMEM and RC_LIMIT, nothing has
 * changed. One reservation at a time: another drops it. */
enum rc state_reserve(struct state *s, const struct leaf *l, struct err *e);
/* index must be the number of leaves applied so far. */
void state_apply(struct state *s, uint64_t index, const struct leaf *l);

uint64_t state_size(const struct state *s); /* leaves applied */
uint64_t state_generation(const struct state *s);
/* What is wrong with the log (core/leaf.def, log.degraded), the mildest first. */
enum degraded {
	DEGRADED_NOT = 0,
	DEGRADED_ROOM,
	DEGRADED_PUBLISHING,
	DEGRADED_KEEPER,
	DEGRADED_EMERGENCY,
	DEGRADED_KINDS
};
struct str degraded_name(enum degraded d); /* "" for none */
enum degraded state_degraded(const struct state *s);
/* The log.degraded leaf that stands, 0 = none. */
uint64_t state_degraded_since(const struct state *s);

/* ---- shards (core/state_shard.c) ---- */

/* A run of leaves that is pruned as a whole. */
struct shard {
	uint64_t ix; /* shard.began */
	uint64_t number;
	uint64_t first;	   /* its first leaf; a snapshot is of those before */
	uint64_t snapshot; /* that snapshot's leaf */
	uint64_t began_unix_ms;
};

/* By place; NULL past the end. Only those that are not pruned, without the first of all, number 0.
 */
const struct shard *state_shard(const struct state *s, size_t at);
/* Of the newest one; 0 = none but the first. */
uint64_t state_shard_number(const struct state *s);
/* When the newest one began, or the log did. */
uint64_t state_shard_unix_ms(const struct state *s);
/* Leaves before it may be gone; ret_from (may be NULL): before it they were before that, ret_ix
 * (the same): the leaf that says so. */
uint64_t state_pruned(const struct state *s, uint64_t *ret_from, uint64_t *ret_ix);
/* Of a shard. */
const struct motion *state_prune_motion(const struct state *s);
/* The oldest leaf that is still needed: of an object that the state has, or of what a legal hold is
 * on. UINT64_MAX = none is. ret_what is a word for it. */
uint64_t state_oldest(const struct state *s, const char **ret_what);

/* ---- erasing what is sealed for a task (core/state_erase.c) ---- */

/* Decided; its key may be there still. */
struct erasing {
	uint64_t ix;
	uint64_t task;
	uint64_t key; /* its serial; 0 = none */
};
/* Of a task. */
const struct motion *state_erase_motion(const struct state *s);
/* By place; NULL past the end. */
const struct erasing *state_erasing(const struct state *s, size_t at);
/* Why what is sealed for the task is still needed; NULL = it is not. */
const char *state_needs_values(const struct state *s, uint64_t task);

/* ---- the log and its ground ---- */

/* The witness.away leaf that stands, 0 = a quorum has seen the log, or nobody asks for one. */
uint64_t state_witness_away(const struct state *s);
/* Does a witness hold another log than this one? */
bool state_log_disputed(const struct state *s);
/* Is it so bad that nothing may be sent to anybody, not even to look? */
bool state_sends_nothing(const struct state *s);
/* The clock.jumped that nobody has confirmed; 0 = the clock is believed. */
uint64_t state_clock_jump(const struct state *s);
/* When the machine was started, by the wall clock as last believed, and which start that was (zero
 * = not known). */
uint64_t state_booted_unix_ms(const struct state *s);
const struct digest *state_boot(const struct state *s);
uint64_t state_loaded_unix_ms(const struct state *s); /* when this life read its deployment */
uint64_t state_last_unix_ms(const struct state *s);   /* time of the last leaf */
const struct digest *state_bundle(const struct state *s);

/* Look-ups; NULL when unknown. */
const struct incident *state_incident(const struct state *s, uint64_t ix);
const struct incident *state_incident_of_source(const struct state *s, struct str source,
						struct str source_id); /* the open one */
/* The newest of that name, open or closed. */
const struct incident *state_last_incident_of_source(const struct state *s, struct str source,
						     struct str source_id);
/* Was this route (core/route.h) followed for that incident, whatever came of it? */
bool state_incident_was_routed(const struct state *s, uint64_t ix, struct str key);
/* Has this event been taken already? */
bool state_incident_had_delivery(const struct incident *i, const struct digest *delivery);
const struct task *state_task(const struct state *s, uint64_t ix);
/* NULL when it has done nothing in this phase. */
const struct phase_use *task_phase_use(const struct task *t, struct str phase);
bool state_task_has_touched_in(const struct state *s, const struct task *t, struct str phase,
			       struct str target);
const struct call *state_call(const struct state *s, uint64_t ix);
const struct approval *state_approval(const struct state *s, uint64_t ix);
/* The newest approval of this task for this exact call, whatever its state. */
const struct approval *state_approval_of(const struct state *s, uint64_t task,
					 const struct digest *tag);
/* The newest approval of this intent. */
const struct approval *state_approval_of_intent(const struct state *s, uint64_t incident,
						struct str agent, const struct digest *tag);
/* How many groups of questions this person was asked to answer since then. */
size_t state_questions_to(const struct state *s, struct str person, uint64_t since_unix_ms);
/* Who was set on duty for this group, if that still lasts. */
const struct duty *state_duty_of(const struct state *s, struct str group, uint64_t now_unix_ms);
const struct escalation *state_escalation(const struct state *s, uint64_t ix);
const struct escalation *state_next_escalation(const struct state *s, uint64_t from);
/* The open one about this; NULL = none. */
const struct escalation *state_escalation_of(const struct state *s, uint64_t about);
const struct break_glass *state_break_glass(const struct state *s, uint64_t ix);
const struct break_glass *state_next_break_glass(const struct state *s, uint64_t from);
/* By the task that it acts under. */
const struct break_glass *state_break_glass_of(const struct state *s, uint64_t task);
/* The pause of this agent that is on; NULL = none. */
const struct pause *state_pause_of(const struct state *s, struct str agent, uint64_t now_unix_ms);
const struct preapproval *state_preapproval(const struct state *s, uint64_t ix);
/* How many of its uses lie within the window that ends now. */
uint64_t state_preapproval_uses(const struct preapproval *p, uint64_t now_unix_ms);
const struct lease *state_lease(const struct state *s, uint64_t ix);
const struct lease *state_lease_of(const struct state *s, uint64_t task, struct str backend,
				   struct str scope); /* not gone, not revoking */
const struct term *state_term(const struct state *s, uint64_t ix);
const struct rollback *state_rollback(const struct state *s, uint64_t ix);
const struct rehearsal *state_rehearsal(const struct state *s, uint64_t ix);
/* When the tool was last rehearsed with success, in this form; 0 = never. */
uint64_t state_rehearsed_unix_ms(const struct state *s, struct str tool,
				 const struct digest *entry);
const struct kill *state_kill(const struct state *s, struct str scope, struct str name);
/* The call's target as the state knows it; zeros when nobody acts on it. */
struct fence state_fence(const struct state *s, struct str target);
/* Calls of agents that changed the target and were not rolled back, newest first: NULL starts and
 * ends. */
const struct call *state_next_standing(const struct state *s, struct str target,
				       const struct call *after);
const struct breaker *state_breaker(const struct state *s, uint64_t ix);
const struct breaker *state_next_breaker(const struct state *s, uint64_t from);
/* Those that are not closed. */
const struct breaker *state_next_open_breaker(const struct state *s, uint64_t from);
/* Has the task seen one of these words in an untrusted result? */
bool state_taints_arguments(const struct state *s, const struct task *t, const struct marks *marks);
/* Was another agent of the incident the first to use one of them in a call? */
bool state_taints_from_other(const struct state *s, const struct task *t,
			     const struct marks *marks);
/* The agent's allowed calls in the task, newest first: NULL starts; ends at one that is forgotten.
 */
const struct call *state_previous_call(const struct state *s, const struct task *t,
				       const struct call *after);
/* Did a contain or destroy call of the task act on the target? */
bool state_task_has_touched(const struct state *s, const struct task *t, struct str target);
/* The leaf by which the task last acted on the target or read it: what it does now is planned on
 * what was there then. 0 = it did neither. */
uint64_t state_task_token(const struct state *s, const struct task *t, struct str target);
/* The touched targets in the order of their tokens: *i from 0; p == NULL at the end. */
struct str state_next_touched(const struct state *s, const struct task *t, size_t *i);
/* The counter with this key (core/cap.h) at that time: its sum, or how many values. */
uint64_t state_counted(const struct state *s, struct str key, uint64_t now_unix_ms);
bool state_counted_has(const struct state *s, struct str key, struct str value,
		       uint64_t now_unix_ms);
/* The newest of those in force: the one that a proposal to lift must be about. */
const struct kill *state_newest_kill(const struct state *s, struct str scope, struct str name);
/* Was the tool's definition last seen with this digest? False when never seen. */
bool state_tool_is_pinned(const struct state *s, struct str tool, const uint8_t digest[32]);

/* Is this asset healthy: by what was last seen, else by its inventory? */
bool state_asset_is_up(const struct state *s, const struct asset *a);
/* How many members of a group are. */
size_t state_group_up(const struct state *s, const struct asset_group *g);
/* Targets whose health is not the files' word, in order: i from 0; p == NULL at the end. */
struct str state_next_health(const struct state *s, size_t i, bool *ret_is_up);

/* NULL when that source has said nothing of it within SIGNAL_HORIZON_MS. */
const struct signal *state_signal(const struct state *s, struct str asset, struct str name,
				  struct str source);
/* Those of an asset, or all with "", by asset, name and source; *i is 0 at the beginning. */
const struct signal *state_next_signal(const struct state *s, struct str asset, size_t *i);

/* In order of creation; start with 0 and pass the last ix + 1. NULL at the end. */
const struct incident *state_next_incident(const struct state *s, uint64_t from);
const struct task *state_next_task(const struct state *s, uint64_t from);
const struct call *state_next_call(const struct state *s, uint64_t from);
/* Those in CALL_ALLOWED only. */
const struct call *state_next_unfinished_call(const struct state *s, uint64_t from);
const struct approval *state_next_approval(const struct state *s, uint64_t from);
const struct preapproval *state_next_preapproval(const struct state *s, uint64_t from);
const struct lease *state_next_lease(const struct state *s, uint64_t from);
const struct term *state_next_term(const struct state *s, uint64_t from);
const struct rollback *state_next_rollback(const struct state *s, uint64_t from);
const struct rehearsal *state_next_rehearsal(const struct state *s, uint64_t from);
const struct kill *state_next_kill(const struct state *s, uint64_t from);

/* A digest over the whole state in canonical order: replaying the same leaves gives the same. */
enum rc state_digest(const struct state *s, struct digest *ret, struct err *e);

/* ---- as bytes (docs/formats/snapshot.md) ---- */

/* Of the bytes: another order or meaning of fields is another number. */
enum { STATE_FORMAT = 4 };

typedef enum rc state_put_fn(void *ctx, const void *p, size_t n, struct err *e);
/* Up to `most` bytes; none at the end. */
typedef enum rc state_get_fn(void *ctx, void *p, size_t most, size_t *ret_n, struct err *e);

/* Gives all of the state to put, in pieces; *ret is its digest, which is SHA-256 over these bytes.
 * Nothing in them is secret, sealed or what a sealed value says. An error of put ends it. */
enum rc state_write(const struct state *s, state_put_fn *put, void *ctx, struct digest *ret,
		    struct err *e);
/* The state that such bytes describe, and the digest of the bytes. Safe for any bytes, but only
 * those of a known digest are a state that leaves can be applied to. RC_BROKEN: they are none;
 * RC_ABSENT: of another format; RC_LIMIT, RC_NOMEM, or the error of get. */
enum rc state_read(state_get_fn *get, void *ctx, struct state **ret, struct digest *ret_digest,
		   struct err *e);
