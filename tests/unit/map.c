/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdlib.h>

#include "base/map.h"

/* A naive twin: arrays of keys and values. */
enum { KEYS = 300, STEPS = 20000 };

static void behaves_like_a_naive_twin(void **state)
{
	(void)state;
	AUTO_MAP m = MAP_INIT;
	int values[KEYS];
	bool present[KEYS] = {false};
	unsigned seed = 20261122;

	print_message("seed %u\n", seed);
	for (int step = 0; step < STEPS; step++) {
		int k = rand_r(&seed) % KEYS;
		char name[16];
		struct str key;

		(void)snprintf(name, sizeof(name), "key%d", k);
		key = str_from(name);
		if (rand_r(&seed) % 3 == 0) {
			assert_int_equal(map_remove(&m, key) != NULL, present[k]);
			present[k] = false;
		} else {
			assert_ok(map_put(&m, key, &values[k]));
			present[k] = true;
		}
		assert_ptr_equal(map_get(&m, key), present[k] ? &values[k] : NULL);
	}
	size_t live = 0;
	size_t seen = 0;
	size_t i = 0;

	for (int k = 0; k < KEYS; k++) {
		live += present[k];
	}
	while (map_next(&m, &i)) {
		seen++;
	}
	assert_int_equal(m.n, live);
	assert_int_equal(seen, live);
}

static void iteration_follows_insertion(void **state)
{
	(void)state;
	AUTO_MAP m = MAP_INIT;
	static const char *const names[] = {"zeta", "alpha", "mid", "beta"};
	int v = 0;
	size_t i = 0;
	size_t k = 0;
	const struct map_entry *e;

	for (size_t n = 0; n < ARRAY_LEN(names); n++) {
		assert_ok(map_put(&m, str_from(names[n]), &v));
	}
	while ((e = map_next(&m, &i))) {
		assert_str(e->key, names[k++]);
	}
	assert_int_equal(k, 4);
}

static void keys_with_nul_bytes_differ(void **state)
{
	(void)state;
	AUTO_MAP m = MAP_INIT;
	int v = 0;

	assert_ok(map_put(&m, STR("a\0b"), &v));
	assert_null(map_get(&m, STR("a\0c")));
	assert_null(map_get(&m, STR("a")));
	assert_non_null(map_get(&m, STR("a\0b")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(behaves_like_a_naive_twin),
	    cmocka_unit_test(iteration_follows_insertion),
	    cmocka_unit_test(keys_with_nul_bytes_differ),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
