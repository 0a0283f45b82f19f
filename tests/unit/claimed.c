/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "audit/claimed.h"
#include "fold.h"

static void take(struct claimed *c, uint64_t leaf, uint64_t size, struct digest state)
{
	struct leaf l = LEAF_OF(SNAPSHOT_TAKEN, snapshot_taken, .size = size, .digest = fold_tag(9),
				.state = state);
	struct leaf other = LEAF_OF(KILL_SET, kill_set, .scope = STR("all"));
	struct err e = ERR_INIT;

	assert_ok(claimed_take(c, leaf, &l, &e));
	assert_ok(claimed_take(c, leaf + 1, &other, &e)); /* claims nothing */
}

static void a_state_is_what_its_leaves_make_it(void **state)
{
	(void)state;
	struct fold f = fold_new();
	struct claimed *c = NULL;
	struct digest small;
	struct digest large;
	struct err e = ERR_INIT;
	uint64_t leaf;

	(void)fold_incident(&f);
	small = fold_digest(&f);
	for (int wrong = 0; wrong < 3; wrong++) {
		uint64_t size = state_size(f.s);

		assert_ok(claimed_new(&c, &e));
		take(c, 900, size, wrong == 1 ? fold_tag(1) : small);
		take(c, 800, 1, fold_tag(1)); /* pruned */
		assert_ok(claimed_check(c, f.s, &leaf, &e));
		assert_int_equal(leaf, wrong == 1 ? 900 : 0);
		assert_ok(claimed_check(c, f.s, &leaf, &e));
		assert_int_equal(leaf, 0); /* it is said once */
		assert_int_equal(claimed_checked(c), 1);
		claimed_free(c);
		(void)fold_incident(&f);
		large = fold_digest(&f);
		small = large;
	}
	state_free(f.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_state_is_what_its_leaves_make_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
