/* SPDX-License-Identifier: Apache-2.0 */
/* core/evidence.h - what is preserved, what keeps it from being destroyed, and what needs it.
 *
 * An item is an artefact that a governed read gave: of one kind, about one or more targets, in one
 * incident. Its bytes lie in the store (docs/formats/store.md); here is what governs them. Each
 * leaf about an item cites the one before (`prior`, `nth`), so its custody is a chain inside the
 * log whose completeness can be checked.
 *
 * An item can be destroyed when no legal hold covers it and either its time is over (and a person
 * says so) or two persons do (mode governance only). Time in mode compliance is lengthened only.
 *
 * Ids: item e, legal hold h, waiver w. Pointers are valid until the next state_apply.
 */
#pragma once

#include "base/arena.h"
#include "core/bundle.h"
#include "core/state.h"

enum evidence_state {
	EVIDENCE_REMOVED = 0, /* destroyed, and nothing of it is stored */
	EVIDENCE_KEY_GONE,    /* nobody can open it; what is stored is noise */
	EVIDENCE_DESTROYED,   /* by authority; its key is about to go */
	EVIDENCE_DAMAGED,     /* a check found it missing or changed */
	EVIDENCE_KEPT,
};
struct str evidence_state_name(enum evidence_state s);

struct evidence {
	uint64_t ix;
	enum evidence_state state;
	uint64_t incident;
	uint64_t task;
	uint64_t call; /* the read that gave it */
	struct str kind;
	struct str_list targets;
	struct digest object;
	uint64_t size;
	uint64_t stored_size;
	uint64_t key; /* serial */
	bool is_compliance;
	uint64_t captured_unix_ms;
	uint64_t keep_until_unix_ms;
	uint64_t checked_unix_ms; /* last read whole and found right */
	uint64_t last;		  /* its last leaf */
	uint64_t nth;		  /* leaves about it, its first included */
	/* What one person has proposed and another may confirm; ix 0 = nothing. */
	struct evidence_proposal {
		uint64_t ix;
		bool destroys; /* else shortens */
		uint64_t keep_until_unix_ms;
		uint64_t not_after_unix_ms;
		struct str by;
	} proposal;
};

enum hold_scope { HOLD_NONE = 0, HOLD_EVIDENCE, HOLD_INCIDENT, HOLD_TARGET };
struct str hold_scope_name(enum hold_scope s);

/* A legal hold. Released ones are kept for the horizon only. */
struct hold {
	uint64_t ix;
	bool is_released;
	struct str name; /* of one hold that is not released */
	enum hold_scope scope;
	struct str subject; /* "e12", "i3" or a target */
	struct str by;
	uint64_t placed_unix_ms;
};

enum waiver_state { WAIVER_USED = 0, WAIVER_GRANTED, WAIVER_PROPOSED };

/* Two persons say that a call may go without evidence; once. */
enum { WAIVER_MAX_S = 3600 }; /* how long a waiver may live, proposal included */

struct waiver {
	uint64_t ix;
	enum waiver_state state;
	uint64_t task;
	struct str tool; /* public name */
	struct str_list targets;
	struct str_list kinds;
	uint64_t not_after_unix_ms;
	struct str by;
	struct str second;
	uint64_t used_by; /* call */
};

/* ---- look-ups; NULL when unknown ---- */
const struct evidence *state_evidence(const struct state *s, uint64_t ix);
const struct evidence *state_next_evidence(const struct state *s, uint64_t from);
/* Of that incident, newest first: at 0, 1, ...; NULL at the end. */
const struct evidence *state_evidence_of(const struct state *s, uint64_t incident, size_t at);
const struct hold *state_hold(const struct state *s, uint64_t ix);
const struct hold *state_next_hold(const struct state *s, uint64_t from); /* not released */
const struct hold *state_hold_named(const struct state *s, struct str name);
const struct waiver *state_waiver(const struct state *s, uint64_t ix);
const struct waiver *state_next_waiver(const struct state *s, uint64_t from);

/* ---- legal holds ---- */
bool hold_covers(const struct hold *h, const struct evidence *ev);
/* The first that covers it; NULL when none does. */
const struct hold *hold_on_evidence(const struct state *s, const struct evidence *ev);
/* The first on the incident or one of these targets. */
const struct hold *hold_on_targets(const struct state *s, uint64_t incident,
				   const struct str_list *targets);

/* ---- evidence before remediation ---- */

/* What a call that needs evidence has. */
struct evidence_found {
	struct str_list missing;   /* kinds that are not there for every target */
	struct str_list preserved; /* ids of the items that count */
	uint64_t waiver;	   /* that covers what is missing */
};

/* Are there, in this incident, items of all these kinds for all these targets, kept, and not older
 * than max_age_ms (0 = of any age)? What is found lives in arena. Only memory is an error. */
enum rc evidence_look(const struct state *s, uint64_t incident, const struct str_list *kinds,
		      const struct str_list *targets, uint64_t max_age_ms, uint64_t now_unix_ms,
		      struct arena *arena, struct evidence_found *ret, struct err *e);
/* A waiver for this call, granted, unused and in time, that covers the missing kinds; 0 = none. */
uint64_t evidence_waiver(const struct state *s, uint64_t task, struct str tool,
			 const struct str_list *targets, const struct str_list *missing,
			 uint64_t now_unix_ms);

/* ---- what people may do; REASON_NONE = yes ---- */

/* May this person read, export, lengthen, release, propose? Members of the custodians' group. */
bool evidence_is_custodian(const struct bundle *b, const struct person *p);
/* Who owns or deputises the agent, or answers for the task, does not waive its evidence. */
bool waiver_has_conflict(const struct bundle *b, const struct task *t, const struct person *p);
/* May this item be destroyed now by one person's word (its time is over)? legal_hold, retention. */
enum reason evidence_may_expire(const struct state *s, const struct evidence *ev,
				uint64_t now_unix_ms);
/* May two persons destroy it, or shorten its time? legal_hold (destroying only), retention
 * (compliance). */
enum reason evidence_may_override(const struct state *s, const struct evidence *ev, bool destroys);
