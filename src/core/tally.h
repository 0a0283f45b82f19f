/* SPDX-License-Identifier: Apache-2.0 */
/* core/tally.h - how much of something within a sliding window.
 *
 * Two forms: a sum of amounts, and a set of distinct values (numbers of core/intern.h). What is
 * taken at a time counts until tally_until(): a window later, rounded up to a 256th of the window,
 * which bounds a sum to some 257 slots whatever happens, and errs on the side of counting. A window
 * of 0 never ends.
 *
 * Times come in from the leaves and never run backwards for one tally. Adding cannot fail once room
 * was made. A value that is taken again counts until its last taking is over, and leaves early only
 * when every taking was given back. Reading takes the time of the question and changes nothing.
 */
#pragma once

#include "base/err.h"
#include "core/intern.h"

enum { TALLY_SLOTS = 256 };

/* The first moment at which a taking at `at` counts no more. UINT64_MAX for a window of 0. */
uint64_t tally_until(uint64_t window_ms, uint64_t at_unix_ms);

struct tally_slot {
	uint64_t until_unix_ms;
	uint64_t amount;
};

struct tally_sum {
	struct tally_slot *p; /* by until */
	size_t n;
	size_t cap;
};

void tally_sum_fini(struct tally_sum *t);
/* Room for one more taking. */
enum rc tally_sum_reserve(struct tally_sum *t);
void tally_sum_add(struct tally_sum *t, uint64_t until_unix_ms, uint64_t amount);
/* Gives back part of a taking; what is not there any more is over. */
void tally_sum_remove(struct tally_sum *t, uint64_t until_unix_ms, uint64_t amount);
uint64_t tally_sum_at(const struct tally_sum *t, uint64_t now_unix_ms);
/* Forgets what is over. */
void tally_sum_prune(struct tally_sum *t, uint64_t now_unix_ms);

struct tally_node {
	uint64_t until_unix_ms;
	uint32_t value; /* 0: not in use */
	uint32_t takings;
	uint32_t older; /* by until; 0 = none */
	uint32_t newer; /* when not in use: the next one not in use */
};

struct tally_set {
	struct tally_node *nodes; /* by number; 0 is none */
	size_t n_nodes;
	size_t cap;
	uint32_t *slots; /* nodes by value, 0 = free */
	size_t n_slots;
	bool has_marks;	 /* set by the owner before the first value */
	uint32_t *marks; /* of each node, the owner's; 0 when it comes in */
	uint32_t unused;
	uint32_t oldest;
	uint32_t newest;
	size_t n;
};

/* Every value in a set is held once in `values`. */
void tally_set_fini(struct tally_set *t, struct intern *values);
enum rc tally_set_reserve(struct tally_set *t, size_t more);
void tally_set_add(struct tally_set *t, struct intern *values, uint32_t value,
		   uint64_t until_unix_ms);
/* Sets these marks of a value that is there; which it had before. */
uint32_t tally_set_mark(struct tally_set *t, uint32_t value, uint32_t marks);
uint32_t tally_set_marks(const struct tally_set *t, uint32_t value);
/* As adding, but no taking: the value is there, with none to give back. */
void tally_set_note(struct tally_set *t, struct intern *values, uint32_t value,
		    uint64_t until_unix_ms);
uint32_t tally_set_takings(const struct tally_set *t, uint32_t value);
/* Gives one taking back that would count until then. */
void tally_set_remove(struct tally_set *t, struct intern *values, uint32_t value,
		      uint64_t until_unix_ms, uint64_t now_unix_ms);
bool tally_set_has(const struct tally_set *t, uint32_t value, uint64_t now_unix_ms);
/* Until when the value counts, 0 when it is not there. */
uint64_t tally_set_until(const struct tally_set *t, uint32_t value);
size_t tally_set_at(const struct tally_set *t, uint64_t now_unix_ms);
void tally_set_prune(struct tally_set *t, struct intern *values, uint64_t now_unix_ms);
/* The values, oldest first: 0 starts, 0 ends. */
const struct tally_node *tally_set_next(const struct tally_set *t, const struct tally_node *n);

/* A value as it was, for a set that is read back: in the order of tally_set_next. */
struct tally_restored {
	uint64_t until_unix_ms;
	uint32_t value;
	uint32_t takings;
	uint32_t marks;
};
/* RC_NOMEM; RC_BROKEN: it is there already, or not after the last one. */
enum rc tally_set_restore(struct tally_set *t, struct intern *values,
			  const struct tally_restored *x, struct err *e);
