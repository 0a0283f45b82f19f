/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/arena.h"

static void pieces_are_zero_and_aligned(void **state)
{
	(void)state;
	AUTO_ARENA a = ARENA_INIT(1 << 20);

	for (size_t i = 1; i < 500; i++) {
		char *p = arena_alloc(&a, i);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t k = 0; k < i; k++) {
			assert_int_equal(p[k], 0);
		}
		memset(p, 0xAA, i);
	}
	arena_reset(&a);
	for (size_t i = 1; i < 200; i++) {
		char *p = arena_alloc(&a, i);

		for (size_t k = 0; k < i; k++) {
			assert_int_equal(p[k], 0);
		}
	}
}

static void the_maximum_is_a_refusal(void **state)
{
	(void)state;
	AUTO_ARENA a = ARENA_INIT(64);

	assert_non_null(arena_alloc(&a, 48));
	assert_null(arena_alloc(&a, 17));
	assert_non_null(arena_alloc(&a, 16));
	assert_null(arena_alloc(&a, 1));
}

static void an_overflowing_size_is_refused(void **state)
{
	(void)state;
	AUTO_ARENA a = ARENA_INIT(SIZE_MAX);

	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc_n(&a, SIZE_MAX / 2, 3));
}

static void nothing_is_left_behind(void **state)
{
	(void)state;
	size_t before = mem_blocks();
	{
		AUTO_ARENA a = ARENA_INIT(1 << 20);

		assert_non_null(arena_alloc(&a, 10000));
		assert_non_null(arena_strf(&a, "%d-%s", 7, "x").p);
	}
	assert_int_equal(mem_blocks(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pieces_are_zero_and_aligned),
	    cmocka_unit_test(the_maximum_is_a_refusal),
	    cmocka_unit_test(an_overflowing_size_is_refused),
	    cmocka_unit_test(nothing_is_left_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
