/* SPDX-License-Identifier: Apache-2.0 */
/* The state machine of approvals beside a naive twin: random leaves, fitting or not, and after each
 * both agree on what it may do and on what it did. */
#include "fold.h"

enum { QUESTIONS = 12, PEOPLE = 4, STEPS = 6000, ROUNDS = 8 };

enum twin_state { T_NONE, T_OPEN, T_GRANTED, T_DENIED, T_EXPIRED, T_VOID, T_USED };

/* What a reader of the specification would write down about one question. */
struct twin {
	uint64_t ix;
	enum twin_state state;
	uint8_t tag;
	unsigned quorum;
	bool has_voted[PEOPLE];
	unsigned yes;
	uint64_t use_by;
};

static struct fold f;
static uint64_t task;
static struct twin twins[QUESTIONS];
static uint64_t dice_state;

static uint64_t roll(uint64_t n)
{
	dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
	return (dice_state >> 33) % n;
}

static bool try_leaf(struct leaf l)
{
	uint64_t ix = state_size(f.s);
	struct err e = ERR_INIT;
	enum rc rc;

	l.t = f.t;
	rc = state_reserve(f.s, &l, &e);
	if (rc == RC_OK) {
		state_apply(f.s, ix, &l);
	} else if (rc != RC_BROKEN) {
		fail_msg("%s", e.msg);
	}
	return rc == RC_OK;
}

static bool is_alive(enum twin_state s)
{
	return s == T_OPEN || s == T_GRANTED;
}

static bool tag_is_taken(uint8_t tag)
{
	for (size_t i = 0; i < QUESTIONS; i++) {
		if (is_alive(twins[i].state) && twins[i].tag == tag) {
			return true;
		}
	}
	return false;
}

static void step_open(struct twin *t)
{
	struct twin fresh = {.ix = state_size(f.s),
			     .state = T_OPEN,
			     .tag = (uint8_t)(1 + roll(3)),
			     .quorum = (unsigned)roll(3)};
	struct leaf l =
	    LEAF_OF(APPROVAL_OPENED, approval_opened, .kind = STR("call"), .task = task,
		    .incident = state_task(f.s, task)->incident, .agent = FOLD_AGENT,
		    .tool = STR("db___end"), .effect = STR("destroy"),
		    .targets = LIST(STR("pg-role:app")), .tag = fold_tag(fresh.tag),
		    .gates = LIST(STR("secops")), .quorum = fresh.quorum, .decide_by = f.t + 1000);
	bool may = fresh.quorum > 0 && !tag_is_taken(fresh.tag);

	assert_int_equal(try_leaf(l), may);
	if (may) {
		*t = fresh;
	}
}

static void step_vote(struct twin *t)
{
	static const struct str names[PEOPLE] = {{"ann", 3}, {"ben", 3}, {"cy", 2}, {"dan", 3}};
	size_t who = roll(PEOPLE);
	bool grants = roll(4) != 0;
	bool may = t->state == T_OPEN && !t->has_voted[who];

	assert_int_equal(try_leaf(LEAF_OF(APPROVAL_VOTED, approval_voted, .approval = t->ix,
					  .person = names[who], .grants = grants)),
			 may);
	if (may) {
		t->has_voted[who] = true;
		t->yes += grants;
	}
}

static void step_settle(struct twin *t)
{
	static const struct {
		struct str name;
		enum twin_state to;
	} ends[] = {{{"granted", 7}, T_GRANTED}, {{"denied", 6}, T_DENIED},
		    {{"expired", 7}, T_EXPIRED}, {{"void", 4}, T_VOID},
		    {{"used", 4}, T_USED},	 {{"open", 4}, T_OPEN}};
	size_t i = roll(ARRAY_LEN(ends));
	uint64_t use_by = roll(4) ? f.t + roll(300) : 0;
	bool may = false;

	switch (ends[i].to) {
	case T_GRANTED:
		may = t->state == T_OPEN && t->yes >= t->quorum && use_by;
		break;
	case T_DENIED:
		may = t->state == T_OPEN;
		break;
	case T_EXPIRED:
	case T_VOID:
		may = is_alive(t->state);
		break;
	case T_USED:
	case T_OPEN:
	case T_NONE:
		break;
	}
	assert_int_equal(try_leaf(fold_settled(t->ix, ends[i].name, use_by)), may);
	if (may) {
		t->state = ends[i].to;
		t->use_by = use_by;
	}
}

static void step_use(struct twin *t)
{
	uint8_t tag = roll(5) ? t->tag : (uint8_t)(1 + roll(3));
	struct leaf l = fold_call(task, STR("destroy"), tag);
	bool may = t->state == T_GRANTED && tag == t->tag && f.t <= t->use_by;

	l.call_decided.approval = t->ix;
	assert_int_equal(try_leaf(l), may);
	if (may) {
		t->state = T_USED;
		assert_true(state_approval(f.s, t->ix)->used_by == state_size(f.s) - 1);
	}
}

static enum twin_state seen(const struct approval *a)
{
	switch (a->state) {
	case APPROVAL_OPEN:
		return T_OPEN;
	case APPROVAL_GRANTED:
		return T_GRANTED;
	case APPROVAL_DENIED:
		return T_DENIED;
	case APPROVAL_EXPIRED:
		return T_EXPIRED;
	case APPROVAL_USED:
		return T_USED;
	case APPROVAL_VOID:
		break;
	}
	return T_VOID;
}

static void they_agree(void)
{
	for (size_t i = 0; i < QUESTIONS; i++) {
		const struct approval *a =
		    twins[i].state == T_NONE ? NULL : state_approval(f.s, twins[i].ix);

		if (twins[i].state != T_NONE) {
			assert_non_null(a);
			assert_int_equal(seen(a), twins[i].state);
		}
	}
}

static void random_leaves_do_what_the_naive_twin_says(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		size_t used = 0;

		print_message("seed %u\n", (unsigned)seed);
		dice_state = seed;
		f = fold_new();
		task = fold_task(&f, fold_incident(&f));
		memset(twins, 0, sizeof(twins));
		for (int step = 0; step < STEPS; step++) {
			struct twin *t = &twins[roll(QUESTIONS)];

			f.t += roll(20);
			if (t->state == T_NONE || (!is_alive(t->state) && roll(3) == 0)) {
				used += t->state == T_USED;
				step_open(t);
			} else if (roll(3) == 0) {
				step_vote(t);
			} else if (roll(3) == 0) {
				step_settle(t);
			} else {
				step_use(t);
			}
			they_agree();
		}
		assert_true(used > 10); /* it was no idle walk */
		state_free(f.s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(random_leaves_do_what_the_naive_twin_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
