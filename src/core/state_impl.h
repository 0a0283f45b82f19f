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

#include "base/vec.h"
#include "core/evidence.h"
#include "core/state.h"

enum object_kind {
	OBJECT_INCIDENT = 0,
	OBJECT_INTENT,
	OBJECT_TASK,
	OBJECT_CALL,
	OBJECT_APPROVAL,
	OBJECT_PREAPPROVAL,
	OBJECT_LEASE,
	OBJECT_TERM,
	OBJECT_KILL,
	OBJECT_EVIDENCE,
	OBJECT_HOLD,
	OBJECT_WAIVER,
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

struct incident_object {
	struct object o;
	struct incident pub;
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
	struct owned_strings touched;
	struct owned_strings labels;
	struct read_totals reads;
	struct owned_strings completed;
	VEC(uint32_t) touched_in;
	VEC(struct phase_use) phases; /* names are blocks of their own */
};

struct call_object {
	struct object o;
	struct call pub;
	uint64_t terms;	   /* not over: they need the call to be undone, however old it is */
	bool is_accounted; /* what it read */
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

/* A tool's definition as last seen. */
struct observed {
	struct str name; /* a block of its own */
	struct digest digest;
};

/* What the next state_apply takes over. At most one leaf is reserved at a time. */
struct pending {
	enum leaf_kind kind; /* LEAF_NONE = nothing */
	struct object *fresh;
	struct leaf own; /* the leaf with its strings in text */
	char *text;
	struct owned_strings touched; /* new ones, to be moved */
	struct owned_strings labels;
	struct owned_strings task_classes; /* of reads */
	struct owned_strings incident_classes;
	struct owned_strings completed;
	struct str name; /* a block */
};

/* An asset's health where it is not what the inventory says. */
struct health {
	struct str target; /* a block of its own */
	bool is_up;
};

struct state {
	uint64_t size;
	uint64_t generation;
	uint64_t last_unix_ms;
	uint64_t now_unix_ms;	/* the largest time of any leaf */
	uint64_t swept_unix_ms; /* when forgetting last went round */
	struct digest bundle;
	VEC(struct object *) tables[OBJECT_KINDS];
	VEC(struct call_object *) unfinished; /* allowed, no outcome yet; borrowed from the table */
	VEC(struct observed) tools;	      /* by name */
	VEC(struct health) health;	      /* by target */
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
/* RC_BROKEN when there is none: a leaf cites what the state does not know. */
enum rc state_need(const struct state *s, enum object_kind kind, uint64_t ix, struct object **ret,
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
enum rc state_reserve_progress(struct state *s, struct task_object *t, struct err *e);
void state_apply_progress(struct state *s, struct task_object *t, const struct str_list *changed);
void state_free_progress(struct task_object *t);

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
