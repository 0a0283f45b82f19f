/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/arena.h"
#include "config/stored.h"
#include "config/tree.h"

static const uint64_t NOW = 1795392000000; /* 2026-11-23 */

static struct deployment *original(void)
{
	AUTO_TREE tree = TREE_INIT;
	AUTO_FINDINGS f = FINDINGS_INIT;
	struct deployment *d = NULL;

	assert_ok(tree_read(&tree, TEST_DATA "/deployment", &f, NULL));
	assert_ok(deployment_build(&tree, NULL, NOW, &d, &f, NULL));
	return d;
}

static enum rc load(struct str bytes, const struct deployment *of, struct err *e)
{
	AUTO_DEPLOYMENT d = NULL;

	return stored_load(bytes, of->bundle->digest, of->read_unix_ms, &d, e);
}

static void what_governed_governs_again(void **state)
{
	AUTO_DEPLOYMENT d = original();
	AUTO_DEPLOYMENT again = NULL;

	(void)state;
	assert_ok(stored_load(d->canonical, d->bundle->digest, d->read_unix_ms, &again, NULL));
	assert_memory_equal(again->bundle->digest, d->bundle->digest, 32);
	assert_int_equal(again->bundle->n_agents, d->bundle->n_agents);
	assert_int_equal(again->bundle->n_tools, d->bundle->n_tools);
	for (size_t i = 0; i < d->bundle->n_tools; i++) {
		const struct tool *was = &d->bundle->tools[i];
		const struct tool *is = &again->bundle->tools[i];

		assert_true(str_eq(was->public_name, is->public_name));
		assert_memory_equal(was->digest, is->digest, sizeof(was->digest));
		assert_int_equal(was->effect, is->effect);
	}
	assert_true(str_eq(again->canonical, d->canonical));
}

static void what_it_does_not_say_stays_unsaid(void **state)
{
	AUTO_DEPLOYMENT d = original();
	AUTO_DEPLOYMENT again = NULL;

	(void)state;
	assert_ok(stored_load(d->canonical, d->bundle->digest, d->read_unix_ms, &again, NULL));
	assert_true(d->state_dir.n > 0);
	assert_int_equal(again->state_dir.n, 0);
	assert_int_equal(again->people.socket.n, 0);
}

static void a_byte_that_changed_is_noticed(void **state)
{
	AUTO_DEPLOYMENT d = original();
	AUTO_ARENA arena = ARENA_INIT(64 << 20);
	struct str copy = arena_str(&arena, d->canonical);
	char *p = (char *)(uintptr_t)copy.p;
	struct err e = ERR_INIT;

	(void)state;
	assert_ok(load(copy, d, &e));
	p[copy.n / 2] ^= 1;
	assert_rc(load(copy, d, &e), RC_BROKEN);
	p[copy.n / 2] ^= 1;
	assert_rc(load(str_slice(copy, 0, copy.n - 1), d, &e), RC_BROKEN);
	assert_rc(load(STR(""), d, &e), RC_BROKEN);
}

static void the_name_is_the_digest(void **state)
{
	const uint8_t digest[32] = {0x01, 0xab, [31] = 0xf0};
	char name[STORED_NAME_BYTES];

	(void)state;
	stored_name(digest, name);
	assert_string_equal(name,
			    "01ab0000000000000000000000000000000000000000000000000000000000f0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_governed_governs_again),
	    cmocka_unit_test(what_it_does_not_say_stays_unsaid),
	    cmocka_unit_test(a_byte_that_changed_is_noticed),
	    cmocka_unit_test(the_name_is_the_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
