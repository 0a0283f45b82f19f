/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - the closed lists of src/core: effects, autonomy, reasons, commands, lists of names. */
#include "test.h"

#include "core/agent.h"
#include "core/command.h"
#include "core/effect.h"
#include "core/list.h"
#include "core/reason.h"

static void every_effect_and_level_is_found_again_by_its_name(void **state)
{
	(void)state;
	for (unsigned i = 0; i < EFFECTS; i++) {
		enum effect e = EFFECTS;

		assert_true(effect_from_name(effect_name((enum effect)i), &e));
		assert_int_equal(e, i);
	}
	for (unsigned i = 0; i <= AUTONOMY_ACT; i++) {
		enum autonomy a = AUTONOMY_ACT;

		assert_true(autonomy_from_name(autonomy_name((enum autonomy)i), &a));
		assert_int_equal(a, i);
	}
}

static void unknown_words_are_refused_and_numbers_outside_mean_the_worst(void **state)
{
	(void)state;
	enum effect e = EFFECT_READ;
	enum autonomy a = AUTONOMY_NOTIFY;

	assert_false(effect_from_name(STR("Read"), &e));
	assert_false(effect_from_name(STR(""), &e));
	assert_false(autonomy_from_name(STR("ACT"), &a));
	assert_int_equal(e, EFFECT_READ);
	assert_int_equal(a, AUTONOMY_NOTIFY);
	assert_str(effect_name((enum effect)99), "destroy");
	assert_str(autonomy_name((enum autonomy)99), "observe");
	assert_str(reason_code((enum reason)9999), "");
}

static void every_reason_has_its_own_code_and_a_text(void **state)
{
	(void)state;
	for (unsigned i = 0; i < REASONS; i++) {
		enum reason r = REASONS;

		assert_true(reason_from_code(reason_code((enum reason)i), &r));
		assert_int_equal(r, i);
		assert_true(reason_text((enum reason)i).n > 0);
	}
	assert_true(reason_is_deviation(REASON_PHASE));
	assert_false(reason_is_deviation(REASON_NEEDS_APPROVAL));
	assert_false(reason_from_code(STR("made_up"), &(enum reason){0}));
}

static void a_verb_that_changes_something_is_a_post(void **state)
{
	(void)state;
	assert_null(command_info(COMMAND_NONE));
	assert_null(command_info(COMMANDS));
	for (unsigned i = 1; i < COMMANDS; i++) {
		const struct command_info *info = command_info(i);

		assert_non_null(info);
		assert_true(info->path.n > 1 && info->path.p[0] == '/');
		if (info->changes) {
			assert_str(info->method, "POST");
		}
	}
}

static void a_copied_list_does_not_share_memory_with_its_source(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(4096);
	char text[] = "alpha";
	struct str items[] = {{text, 5}, {"", 0}};
	struct str_list list = {.p = items, .n = 2};
	struct str_list copy = str_list_copy(&arena, &list);

	text[0] = 'X';
	assert_int_equal(copy.n, 2);
	assert_str(copy.p[0], "alpha");
	assert_true(str_list_has(&copy, STR("")));
	assert_false(str_list_has(&copy, STR("alph")));
	assert_false(str_list_within(&list, &copy));
	assert_true(str_list_within(&(struct str_list){0}, &copy));
}

static void a_copy_that_finds_no_memory_says_so(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(16);
	struct str items[] = {STR("alpha"), STR("beta")};
	struct str_list copy = str_list_copy(&arena, &(struct str_list){.p = items, .n = 2});

	assert_null(copy.p);
	assert_int_equal(copy.n, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_effect_and_level_is_found_again_by_its_name),
	    cmocka_unit_test(unknown_words_are_refused_and_numbers_outside_mean_the_worst),
	    cmocka_unit_test(every_reason_has_its_own_code_and_a_text),
	    cmocka_unit_test(a_verb_that_changes_something_is_a_post),
	    cmocka_unit_test(a_copied_list_does_not_share_memory_with_its_source),
	    cmocka_unit_test(a_copy_that_finds_no_memory_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
