/* SPDX-License-Identifier: Apache-2.0 */
/* However much is refused, the log and the memory stay small, and nothing that was refused is in no
 * leaf. */
#include "test.h"

#include "base/limits.h"
#include "base/mem.h"
#include "governor/refusal_pace.h"

static const uint64_t MS = 1'000'000;
static const uint64_t HOUR_MS = 3600 * 1000;
static const uint64_t STEP_MS = 10; /* between refusals */

/* What was written. */
struct written {
	uint64_t own;
	uint64_t counting;
	uint64_t counted;
};

static void tick(struct refusal_pace *p, uint64_t now_ns, struct written *w)
{
	struct refusal_count c;

	while (refusal_pace_next(p, now_ns, &c)) {
		w->counting++;
		w->counted += c.count;
	}
}

static void the_first_refusals_get_leaves_of_their_own(void **state)
{
	struct refusal_pace p = {0};
	struct refusal_count c;

	(void)state;
	for (int i = 0; i < LIMIT_REFUSALS_OF_AGENT; i++) {
		assert_true(refusal_pace_agent(&p, STR("red"), 5));
	}
	assert_false(refusal_pace_agent(&p, STR("red"), 5));
	assert_true(refusal_pace_agent(&p, STR("blue"), 5)); /* another one is not concerned */
	assert_true(refusal_pace_agent(&p, STR(""), 5));
	assert_false(refusal_pace_next(&p, 5 + 999 * MS, &c));
	assert_true(refusal_pace_next(&p, 5 + 1000 * MS, &c));
	assert_str(c.who, "red");
	assert_int_equal(c.count, 1);
	assert_false(refusal_pace_next(&p, 5 + 1000 * MS, &c));
	/* And after a while again. */
	assert_true(refusal_pace_agent(&p, STR("red"), 5 + LIMIT_REFUSAL_EVERY_S * 1000 * MS));
	assert_false(refusal_pace_agent(&p, STR("red"), 5 + LIMIT_REFUSAL_EVERY_S * 1000 * MS));
	refusal_pace_fini(&p);
}

/* An agent that is refused a hundred times a second for ten hours. */
static void a_hostile_agent_does_not_fill_the_log(void **state)
{
	struct refusal_pace p = {0};
	struct written w = {0};
	uint64_t refused = 0;
	uint64_t ms;
	size_t blocks = mem_blocks();

	(void)state;
	for (ms = STEP_MS; ms < 10 * HOUR_MS; ms += STEP_MS) {
		w.own += refusal_pace_agent(&p, STR("red"), ms * MS);
		refused++;
		if (ms % 50 == 0) {
			tick(&p, ms * MS, &w);
		}
	}
	tick(&p, (ms + 2000) * MS, &w);
	assert_int_equal(w.own + w.counted, refused);
	assert_in_range(w.own, LIMIT_REFUSALS_OF_AGENT,
			LIMIT_REFUSALS_OF_AGENT + 36000 / LIMIT_REFUSAL_EVERY_S + 1);
	assert_in_range(w.counting, 30000, 36001);
	assert_true(mem_blocks() - blocks <= 2); /* the list and its name */
	refusal_pace_fini(&p);
}

/* A network that sends from another address each time. */
static void hostile_addresses_do_not_fill_the_log_or_the_memory(void **state)
{
	struct refusal_pace p = {0};
	struct written w = {0};
	uint64_t refused = 0;
	uint64_t ms;
	size_t blocks = mem_blocks();
	char who[32];

	(void)state;
	for (ms = STEP_MS; ms < HOUR_MS; ms += STEP_MS) {
		int n = snprintf(who, sizeof(who), "10.%u.%u.%u", (unsigned)(ms >> 16 & 255),
				 (unsigned)(ms >> 8 & 255), (unsigned)(ms & 255));

		w.own += refusal_pace_address(&p, str_of(who, (size_t)n), ms * MS);
		refused++;
		if (ms % 50 == 0) {
			tick(&p, ms * MS, &w);
		}
	}
	tick(&p, (ms + 2000) * MS, &w);
	assert_int_equal(w.own + w.counted, refused);
	assert_in_range(w.own, LIMIT_REFUSALS_OF_ADDRESSES,
			LIMIT_REFUSALS_OF_ADDRESSES + 3600 / LIMIT_REFUSAL_EVERY_S + 1);
	assert_in_range(w.counting, 3000, 3601);
	assert_true(mem_blocks() - blocks <= LIMIT_REFUSED_ADDRESSES + 1);
	refusal_pace_fini(&p);
	assert_int_equal(mem_blocks(), blocks);
}

static void one_address_leaves_room_for_others(void **state)
{
	struct refusal_pace p = {0};

	(void)state;
	for (int i = 0; i < 1000; i++) {
		(void)refusal_pace_address(&p, STR("10.0.0.1"), MS);
	}
	assert_true(refusal_pace_address(&p, STR("10.0.0.2"), MS));
	refusal_pace_fini(&p);
}

static void without_memory_it_is_counted(void **state)
{
	struct refusal_pace p = {0};
	struct refusal_count c;

	(void)state;
	mem_fail_after(1);
	assert_false(refusal_pace_agent(&p, STR("red"), MS));
	assert_false(refusal_pace_address(&p, STR("10.0.0.1"), MS));
	mem_fail_after(0);
	assert_true(refusal_pace_next(&p, 2000 * MS, &c));
	assert_int_equal(c.count, 2);
	refusal_pace_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_first_refusals_get_leaves_of_their_own),
	    cmocka_unit_test(a_hostile_agent_does_not_fill_the_log),
	    cmocka_unit_test(hostile_addresses_do_not_fill_the_log_or_the_memory),
	    cmocka_unit_test(one_address_leaves_room_for_others),
	    cmocka_unit_test(without_memory_it_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
