/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_count.c - counters: what calls took from caps (core/cap.h).
 *
 * Holds:  (1) a counter is what the takings of the leaves say, nothing else changes it but time:
 *             what was not sent is given back, what a result settles is corrected.
 *         (2) an empty counter is as good as none: it is in no digest, and the sweep removes it.
 *         (3) counters of a task or incident go when it is over; others when all of it is over.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "core/cap.h"
#include "core/state_impl.h"

static struct counter *counter_of(const struct state *s, struct str key)
{
	return map_get(&s->counters, key);
}

static void counter_free(struct state *s, struct counter *c)
{
	tally_sum_fini(&c->sum);
	tally_set_fini(&c->set, &s->words);
	mem_free(c);
}

void state_free_counters(struct state *s)
{
	const struct map_entry *entry;
	size_t i = 0;

	while ((entry = map_next(&s->counters, &i))) {
		counter_free(s, entry->value);
	}
	map_fini(&s->counters);
}

/* "t12", "i3", "i3/responder": whose end is the counter's. */
static void read_whom(struct str whom, struct counter *c)
{
	struct str number = str_slice(whom, 1, str_find(whom, '/'));

	if (whom.n > 1 && (whom.p[0] == 't' || whom.p[0] == 'i') &&
	    num_u64(number, UINT64_MAX, &c->whom)) {
		c->is_of_task = whom.p[0] == 't';
		c->is_of_incident = whom.p[0] == 'i';
	}
}

static enum rc add_counter(struct state *s, struct str key, bool is_set, struct counter **ret,
			   struct err *e)
{
	struct str whom = key;

	if (s->counters.n >= LIMIT_COUNTERS) {
		FAIL(e, RC_LIMIT, "more than %d counters in use", LIMIT_COUNTERS);
	}
	*ret = mem_calloc(1, sizeof(**ret));
	if (!*ret || map_put(&s->counters, key, *ret) != RC_OK) {
		mem_free(*ret);
		FAIL(e, RC_NOMEM, "no memory for a counter");
	}
	(*ret)->is_set = is_set;
	for (unsigned i = 0; i < 3; i++) {
		(void)str_cut(&whom, ':'); /* measure, window, cap: what is left is whose */
	}
	read_whom(whom, *ret);
	return RC_OK;
}

static enum rc need_counter(struct state *s, const struct taking *t, struct counter **ret,
			    struct err *e)
{
	*ret = counter_of(s, t->key);
	return *ret ? RC_OK : add_counter(s, t->key, cap_measure_is_set(t->measure), ret, e);
}

enum rc state_restore_counter(struct state *s, struct str key, bool is_set, struct counter **ret,
			      struct err *e)
{
	if (counter_of(s, key)) {
		FAIL(e, RC_BROKEN, "a counter that is there twice");
	}
	return add_counter(s, key, is_set, ret, e);
}

enum rc state_reserve_takings(struct state *s, const struct str_list *takings, size_t n_targets,
			      struct err *e)
{
	for (size_t i = 0; i < takings->n; i++) {
		struct taking t;
		struct counter *c;
		enum rc rc;

		TRY(taking_parse(takings->p[i], &t, e));
		TRY(need_counter(s, &t, &c, e));
		rc = c->is_set ? tally_set_reserve(&c->set, n_targets + 1)
			       : tally_sum_reserve(&c->sum);
		if (rc != RC_OK) {
			FAIL(e, RC_NOMEM, "no memory for a counter");
		}
	}
	return RC_OK;
}

struct counting {
	struct state *s;
	struct counter *c;
	const struct call_object *call;
	uint64_t until;
	uint64_t now; /* of the leaf */
	bool is_given_back;
};

static void count_value(const struct counting *k, uint32_t value)
{
	if (k->is_given_back) {
		tally_set_remove(&k->c->set, &k->s->words, value, k->until, k->now);
	} else {
		tally_set_add(&k->c->set, &k->s->words, value, k->until);
	}
}

static void count_set(const struct counting *k, const struct taking *t)
{
	if (t->measure == CAP_TARGETS) {
		for (size_t i = 0; i < k->call->pub.targets.n; i++) {
			if (taking_has_target(t, i)) {
				count_value(k, k->call->targets[i]);
			}
		}
	} else {
		count_value(k, t->measure == CAP_TOOLS ? k->call->tool : k->call->hop);
	}
}

static void count(struct state *s, const struct call_object *call, struct str text, uint64_t now,
		  bool is_given_back)
{
	struct counting k = {.s = s, .call = call, .now = now, .is_given_back = is_given_back};
	struct taking t;

	if (taking_parse(text, &t, NULL) != RC_OK) {
		return; /* never: it was reserved */
	}
	k.c = counter_of(s, t.key);
	k.until = tally_until(t.window_ms, call->taken_unix_ms);
	if (!k.c) {
		MUST(is_given_back); /* (3): over meanwhile */
	} else if (k.c->is_set) {
		tally_set_prune(&k.c->set, &s->words, now);
		count_set(&k, &t);
	} else if (is_given_back) {
		tally_sum_remove(&k.c->sum, k.until, t.amount);
	} else {
		tally_sum_prune(&k.c->sum, now);
		tally_sum_add(&k.c->sum, k.until, t.amount);
	}
}

void state_apply_takings(struct state *s, const struct call_object *call)
{
	for (size_t i = 0; i < call->takings.n; i++) {
		count(s, call, call->takings.p[i], call->taken_unix_ms, false);
	}
}

void state_return_takings(struct state *s, const struct call_object *call, uint64_t unix_ms)
{
	uint64_t now = unix_ms > s->now_unix_ms ? unix_ms : s->now_unix_ms;

	for (size_t i = 0; i < call->takings.n; i++) {
		count(s, call, call->takings.p[i], now, true);
	}
}

/* What the call took from the counter with this key; false when nothing. */
static bool taken_from(const struct call_object *call, struct str key, struct taking *ret)
{
	for (size_t i = 0; i < call->takings.n; i++) {
		if (taking_parse(call->takings.p[i], ret, NULL) == RC_OK && str_eq(ret->key, key)) {
			return true;
		}
	}
	return false;
}

enum rc state_reserve_used(struct state *s, const struct call_object *call,
			   const struct str_list *used, struct err *e)
{
	for (size_t i = 0; i < used->n; i++) {
		struct taking now;
		struct taking before;
		struct counter *c;

		TRY(taking_parse(used->p[i], &now, e));
		if (cap_measure_is_set(now.measure)) {
			FAIL(e, RC_BROKEN, "'" STR_FMT "' is no amount", STR_ARG(used->p[i]));
		}
		if (taken_from(call, now.key, &before)) {
			c = counter_of(s, now.key);
		} else {
			TRY(need_counter(s, &now, &c, e));
		}
		if (c && tally_sum_reserve(&c->sum) != RC_OK) {
			FAIL(e, RC_NOMEM, "no memory for a counter");
		}
	}
	return RC_OK;
}

void state_apply_used(struct state *s, const struct call_object *call, const struct str_list *used)
{
	for (size_t i = 0; i < used->n; i++) {
		struct taking now;
		struct taking before = {0};
		struct counter *c;
		uint64_t until;

		if (taking_parse(used->p[i], &now, NULL) != RC_OK) {
			continue; /* never: it was reserved */
		}
		c = counter_of(s, now.key);
		if (!c) {
			continue; /* (3) */
		}
		until = tally_until(now.window_ms, call->taken_unix_ms);
		if (taken_from(call, now.key, &before)) {
			tally_sum_remove(&c->sum, until, before.amount);
		}
		tally_sum_prune(&c->sum, s->now_unix_ms);
		if (until > s->now_unix_ms && now.amount > 0) {
			tally_sum_add(&c->sum, until, now.amount);
		}
	}
}

void state_clear_counter(struct state *s, struct str key)
{
	struct counter *c = counter_of(s, key);

	if (c) {
		tally_sum_prune(&c->sum, UINT64_MAX);
		tally_set_prune(&c->set, &s->words, UINT64_MAX);
	}
}

/* ---- reading ---- */

uint64_t state_counted(const struct state *s, struct str key, uint64_t now_unix_ms)
{
	const struct counter *c = counter_of(s, key);

	if (!c) {
		return 0;
	}
	return c->is_set ? tally_set_at(&c->set, now_unix_ms) : tally_sum_at(&c->sum, now_unix_ms);
}

bool state_counted_has(const struct state *s, struct str key, struct str value,
		       uint64_t now_unix_ms)
{
	const struct counter *c = counter_of(s, key);

	return c && c->is_set && tally_set_has(&c->set, intern_find(&s->words, value), now_unix_ms);
}

/* ---- forgetting ---- */

static bool is_over(const struct state *s, const struct counter *c)
{
	const struct task *task = c->is_of_task ? state_task(s, c->whom) : NULL;
	const struct incident *incident = c->is_of_incident ? state_incident(s, c->whom) : NULL;

	if (c->sum.n == 0 && c->set.n == 0) {
		return true; /* (2) */
	}
	return (c->is_of_task && (!task || task->state == TASK_CLOSED)) ||
	       (c->is_of_incident && (!incident || incident->status != INCIDENT_OPEN));
}

void state_forget_counters(struct state *s)
{
	const struct map_entry *entry;
	size_t i = 0;

	while ((entry = map_next(&s->counters, &i))) {
		struct counter *c = entry->value;

		tally_sum_prune(&c->sum, s->now_unix_ms);
		tally_set_prune(&c->set, &s->words, s->now_unix_ms);
		if (is_over(s, c)) {
			(void)map_remove(&s->counters, entry->key); /* it is c */
			counter_free(s, c);
		}
	}
}

/* ---- in order ---- */

static int compare_keys(const void *a, const void *b)
{
	const struct map_entry *const *x = a;
	const struct map_entry *const *y = b;

	return str_cmp((*x)->key, (*y)->key);
}

enum rc state_list_counters(const struct state *s, const struct map_entry ***ret, size_t *ret_n,
			    struct err *e)
{
	const struct map_entry **list = mem_calloc(s->counters.n + 1, sizeof(*list));
	const struct map_entry *entry;
	size_t i = 0;

	if (!list) {
		FAIL(e, RC_NOMEM, "no memory to list counters");
	}
	*ret_n = 0;
	while ((entry = map_next(&s->counters, &i))) {
		const struct counter *c = entry->value;

		if (c->sum.n || c->set.n) {
			list[(*ret_n)++] = entry; /* (2) */
		}
	}
	qsort(list, *ret_n, sizeof(*list), compare_keys);
	*ret = list;
	return RC_OK;
}
