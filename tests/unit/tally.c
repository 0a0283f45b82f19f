/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "core/tally.h"

enum { VALUES = 40, TAKINGS = 4000 };

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 33;
}

static uint32_t value_of(struct intern *t, unsigned i)
{
	struct err e = ERR_INIT;
	char text[16];
	uint32_t id;
	int n = snprintf(text, sizeof(text), "host:%u", i);

	assert_ok(intern_add(t, str_of(text, (size_t)n), &id, &e));
	return id;
}

static void a_taking_counts_for_its_window_and_at_most_a_256th_longer(void **state)
{
	(void)state;
	struct tally_sum sum = {0};
	uint64_t until = tally_until(3600000, 1000);

	assert_true(until >= 3601000 && until < 3601000 + 3600000 / 256 + 1);
	assert_true(tally_until(0, 1000) == UINT64_MAX);
	assert_true(tally_until(UINT64_MAX, 1000) == UINT64_MAX);
	assert_true(tally_until(10, 1000) == 1010);
	assert_ok(tally_sum_reserve(&sum));
	tally_sum_add(&sum, until, 3);
	assert_true(tally_sum_at(&sum, until - 1) == 3);
	assert_true(tally_sum_at(&sum, until) == 0);
	tally_sum_fini(&sum);
}

static void a_sum_stays_small_however_many_takings_there_are(void **state)
{
	(void)state;
	struct tally_sum sum = {0};

	for (uint64_t t = 0; t < 200000; t++) {
		assert_ok(tally_sum_reserve(&sum));
		tally_sum_prune(&sum, t);
		tally_sum_add(&sum, tally_until(60000, t), 1);
	}
	assert_true(sum.n <= TALLY_SLOTS + 2);
	assert_true(tally_sum_at(&sum, 199999) >= 60000);
	assert_true(tally_sum_at(&sum, 199999) <= 60000 + 60000 / TALLY_SLOTS + 1);
	tally_sum_fini(&sum);
}

static void an_amount_that_overflows_stays_the_largest(void **state)
{
	(void)state;
	struct tally_sum sum = {0};

	assert_ok(tally_sum_reserve(&sum));
	tally_sum_add(&sum, 10, UINT64_MAX);
	tally_sum_add(&sum, 10, 5);
	assert_true(tally_sum_at(&sum, 0) == UINT64_MAX);
	assert_ok(tally_sum_reserve(&sum));
	tally_sum_add(&sum, 11, 5);
	assert_true(tally_sum_at(&sum, 0) == UINT64_MAX);
	tally_sum_fini(&sum);
}

static void a_value_taken_twice_counts_once_and_until_both_are_given_back(void **state)
{
	(void)state;
	struct intern words = {0};
	struct tally_set set = {0};
	uint32_t a = value_of(&words, 1);

	assert_ok(tally_set_reserve(&set, 2));
	tally_set_add(&set, &words, a, 100);
	tally_set_add(&set, &words, a, 200);
	assert_int_equal(tally_set_at(&set, 150), 1);
	tally_set_remove(&set, &words, a, 100, 0);
	assert_true(tally_set_has(&set, a, 150));
	tally_set_remove(&set, &words, a, 200, 0);
	assert_int_equal(tally_set_at(&set, 0), 0);
	intern_drop(&words, a);
	assert_int_equal(words.n_live, 0);
	tally_set_fini(&set, &words);
	intern_fini(&words);
}

/* The same with a list of takings, recounted each time. */
struct naive {
	struct {
		unsigned value;
		uint64_t until;
		bool is_back;
		bool is_forgotten; /* it was over when the value was taken the next time */
	} takings[TAKINGS];
	size_t n;
};

static bool naive_has(const struct naive *m, unsigned value, uint64_t now)
{
	bool is_live = false;
	bool is_taken = false;

	for (size_t i = 0; i < m->n; i++) {
		if (m->takings[i].value == value && !m->takings[i].is_forgotten) {
			is_live |= m->takings[i].until > now;
			is_taken |= !m->takings[i].is_back;
		}
	}
	return is_live && is_taken;
}

static void naive_forget(struct naive *m, unsigned value)
{
	for (size_t i = 0; i < m->n; i++) {
		m->takings[i].is_forgotten |= m->takings[i].value == value;
	}
}

static void compare(const struct tally_set *set, const struct intern *words, const struct naive *m,
		    uint64_t now)
{
	size_t n = 0;

	for (unsigned i = 0; i < VALUES; i++) {
		char text[16];
		int len = snprintf(text, sizeof(text), "host:%u", i);
		bool has = naive_has(m, i, now);

		n += has;
		assert_true(has ==
			    tally_set_has(set, intern_find(words, str_of(text, (size_t)len)), now));
	}
	assert_int_equal(tally_set_at(set, now), n);
}

static void a_set_is_what_a_recount_says(void **state)
{
	(void)state;
	static struct naive m;
	struct intern words = {0};
	struct tally_set set = {0};
	uint64_t seed = 20261127;
	uint64_t now = 1000;

	while (m.n < TAKINGS) {
		now += next_random(&seed) % 40;
		tally_set_prune(&set, &words, now);
		if (next_random(&seed) % 4 || m.n == 0) {
			unsigned v = (unsigned)(next_random(&seed) % VALUES);
			uint32_t id = value_of(&words, v);
			uint64_t until = tally_until(600, now);

			if (!naive_has(&m, v, now)) {
				naive_forget(&m, v);
			}
			assert_ok(tally_set_reserve(&set, 1));
			tally_set_add(&set, &words, id, until);
			intern_drop(&words, id);
			m.takings[m.n].value = v;
			m.takings[m.n++].until = until;
		} else {
			size_t i = m.n - 1 - next_random(&seed) % (m.n < 30 ? m.n : 30);
			uint32_t id;

			if (m.takings[i].is_back || m.takings[i].until <= now) {
				continue;
			}
			id = value_of(&words, m.takings[i].value);
			tally_set_remove(&set, &words, id, m.takings[i].until, now);
			intern_drop(&words, id);
			m.takings[i].is_back = true;
		}
		if (m.n % 7 == 0) {
			compare(&set, &words, &m, now);
		}
	}
	tally_set_prune(&set, &words, UINT64_MAX);
	assert_int_equal(words.n_live, 0);
	tally_set_fini(&set, &words);
	intern_fini(&words);
}

static void texts_are_found_again_whatever_came_and_went(void **state)
{
	(void)state;
	struct intern t = {0};
	uint32_t held[VALUES] = {0};
	uint64_t seed = 7;

	for (unsigned round = 0; round < 20000; round++) {
		unsigned i = (unsigned)(next_random(&seed) % VALUES);

		if (held[i]) {
			intern_drop(&t, held[i]);
			held[i] = 0;
		} else {
			held[i] = value_of(&t, i);
		}
		for (unsigned k = 0; k < VALUES && round % 100 == 0; k++) {
			char text[16];
			int n = snprintf(text, sizeof(text), "host:%u", k);

			assert_int_equal(intern_find(&t, str_of(text, (size_t)n)), held[k]);
		}
	}
	intern_fini(&t);
}

static void without_memory_nothing_changes(void **state)
{
	(void)state;
	struct intern t = {0};
	struct err e = ERR_INIT;
	size_t before = mem_blocks();
	uint32_t id = 99;

	for (size_t nth = 1; nth < 4; nth++) {
		mem_fail_after(nth);
		assert_int_equal(intern_add(&t, STR("host:a"), &id, &e), RC_NOMEM);
		mem_fail_after(0);
		assert_int_equal(intern_find(&t, STR("host:a")), INTERN_NONE);
	}
	assert_ok(intern_add(&t, STR("host:a"), &id, &e));
	assert_int_equal(intern_find(&t, STR("host:a")), id);
	intern_fini(&t);
	assert_int_equal(mem_blocks(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_taking_counts_for_its_window_and_at_most_a_256th_longer),
	    cmocka_unit_test(a_sum_stays_small_however_many_takings_there_are),
	    cmocka_unit_test(an_amount_that_overflows_stays_the_largest),
	    cmocka_unit_test(a_value_taken_twice_counts_once_and_until_both_are_given_back),
	    cmocka_unit_test(a_set_is_what_a_recount_says),
	    cmocka_unit_test(texts_are_found_again_whatever_came_and_went),
	    cmocka_unit_test(without_memory_nothing_changes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
