/* SPDX-License-Identifier: Apache-2.0 */
/* checker_impl.h - what a checker knows of its story so far, for checker*.c only. */
#pragma once

#include "base/arena.h"
#include "base/vec.h"
#include "core/leaf.h"
#include "drill/sim.h"

#include "checker.h"
#include "story.h"

struct seen_call {
	uint64_t ix;
	uint64_t task;
	uint64_t parent;
	uint64_t evidence;
	uint64_t approval;
	struct digest args; /* commitment */
	struct str sent;    /* what arrived */
	struct str tool;
	struct str agent;
	struct str purpose;
	struct str_list targets;
	bool is_change;
	bool is_ok; /* completed so */
	bool is_not_sent;
	struct str outcome; /* as the log has it last; "" = none */
	size_t n_outcomes;
	size_t acts;
	int was;	  /* the field that it set, as captured: 0, 1; -1 = not known */
	int saw_isolated; /* of its target, at the moment it acted */
	int saw_blocked;
	uint64_t at; /* the time that it was decided by */
	uint64_t t;
};

struct seen_stop {
	uint64_t ix;
	uint64_t acknowledged; /* leaf, 0 = not yet */
	uint64_t cleared;
	struct str scope;
	struct str name;
};

struct seen_task {
	uint64_t ix;
	uint64_t incident;
	struct str agent;
	struct digest key; /* of whoever used it first, or declared it; zero = nobody yet */
	uint64_t max_calls;
	uint64_t max_targets;
};

struct checker {
	struct arena arena;
	struct play_watch watch;
	struct checker_counts counts;
	const struct sim *sim;
	struct publisher *publisher; /* borrowed */
	uint64_t seed;
	struct str broken; /* "" = all holds */
	uint64_t n_leaves;
	size_t n_effects;
	bool is_up;
	bool has_jumped;	       /* the clock */
	VEC(struct digest) hashes;     /* of all leaves */
	VEC(struct seen_call *) calls; /* by index of the leaf */
	VEC(struct seen_stop) stops;
	VEC(struct seen_task) tasks;
	VEC(struct seen_lease {
		uint64_t ix;
		uint64_t task;
		bool is_created;
		bool is_gone;
	})
	leases;
	VEC(struct {
		uint64_t ix;
		uint64_t task;
		struct str agent;
		struct str tool;
		struct digest tag;
		struct digest args;
	})
	questions;
	VEC(uint64_t) granted; /* approvals, by leaf that opened them */
	VEC(uint64_t) used;
	VEC(struct {
		uint64_t ix;
		uint64_t call;
		uint64_t overdue_ms; /* boot time when first seen so in this life; 0 = not */
	})
	terms;
	VEC(struct {
		uint64_t t;
		struct str target;
	})
	evidence;
	int isolated[TARGETS];
	int blocked[TARGETS];
};

/* Only the first is kept. */
PRINTF_LIKE(2, 3) void checker_breaks(struct checker *c, const char *fmt, ...);
/* That was allowed; NULL = leaf ix is none. */
static inline struct seen_call *checker_call(const struct checker *c, uint64_t ix)
{
	return ix < c->calls.n ? c->calls.p[ix] : NULL;
}

/* ---- checker_leaves.c ---- */
/* A durable leaf, each once, in order; a sim_leaf_fn. */
enum rc checker_leaf(void *ctx, uint64_t ix, struct str bytes, struct err *e);
/* What was done at an upstream; its leaves were shown. */
void checker_effect(struct checker *c, const struct sim_effect *f);
/* The outcome, as its sender said it; "unknown" when it said nothing. */
struct str checker_said(const struct sim_effect *f);
