/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence on a disk that fails at the n-th operation, for every n.
 *
 * A run puts artefacts and removes one, until something fails or all is done. Then the process
 * dies, with or without the machine, and the store is opened again. Always: what was announced is
 * there, whole, and opens; what was said to be removed is not; whatever else is there is a whole
 * object that nobody was told of, and can be removed.
 */
#include "test.h"

#include "drill/disk.h"
#include "store/depot.h"

#ifdef __SANITIZE_ADDRESS__
enum { SEEDS = 1 };
#else
enum { SEEDS = 4 };
#endif

enum { PUTS = 4, BYTES_MAX = OBJECT_CHUNK_BYTES + 3000 };

static const uint8_t key[OBJECT_KEY_BYTES] = {5};
static uint8_t artefact[BYTES_MAX];

struct told {
	struct depot_object kept[PUTS];
	size_t n;
	struct depot_object removed;
	bool has_removed;
};

static size_t bytes_of(size_t i)
{
	return i == 2 ? BYTES_MAX : i * 700;
}

static enum rc put(struct depot *d, size_t i, struct depot_object *ret)
{
	size_t n = bytes_of(i);
	struct err e = ERR_INIT;

	TRY(depot_begin(d, key, n, &e));
	for (size_t at = 0; at < n; at += 30000) {
		TRY(depot_add(d, str_of(artefact + at, n - at < 30000 ? n - at : 30000), &e));
	}
	return depot_finish(d, ret, &e);
}

/* Until something fails. */
static void run(struct disk *disk, struct told *told)
{
	struct log_io io = disk_io(disk);
	struct depot *d;

	if (depot_open(&io, &d, NULL) != RC_OK) {
		return;
	}
	for (size_t i = 0; i < PUTS; i++) {
		struct depot_object o;

		if (put(d, i, &o) != RC_OK) {
			assert_false(depot_is_putting(d));
			break;
		}
		told->kept[told->n++] = o;
		if (i == 1) {
			/* From here on nobody counts on it, whether it works or not. */
			struct depot_object first = told->kept[0];

			told->kept[0] = told->kept[--told->n];
			if (depot_remove(d, first.name, NULL) != RC_OK) {
				break;
			}
			told->removed = first;
			told->has_removed = true;
		}
	}
	depot_free(d);
}

static bool is_told(const struct told *told, const uint8_t *name)
{
	for (size_t i = 0; i < told->n; i++) {
		if (memcmp(told->kept[i].name, name, DEPOT_NAME_BYTES) == 0) {
			return true;
		}
	}
	return false;
}

static void check(struct disk *disk, const struct told *told)
{
	AUTO_BUF names = BUF_INIT(LIMIT_OBJECT_NAMES_BYTES);
	struct log_io io = disk_io(disk);
	struct depot_object found;
	struct depot *d;
	size_t n_told = 0;
	bool more;

	assert_ok(depot_open(&io, &d, NULL));
	assert_false(disk_has(disk, "new"));
	for (size_t i = 0; i < told->n; i++) {
		assert_ok(depot_check(d, told->kept[i].name, key, &found, NULL));
		assert_memory_equal(&found, &told->kept[i], sizeof(found));
	}
	if (told->has_removed) {
		assert_rc(depot_check(d, told->removed.name, key, &found, NULL), RC_ABSENT);
	}
	assert_ok(depot_list(d, NULL, &names, &more, NULL));
	for (size_t i = 0; i < names.n / DEPOT_NAME_BYTES; i++) {
		const uint8_t *name = (const uint8_t *)names.p + i * DEPOT_NAME_BYTES;

		if (is_told(told, name)) {
			n_told++;
		} else {
			assert_ok(depot_remove(d, name, NULL)); /* an orphan */
		}
	}
	assert_int_equal(n_told, told->n);
	depot_free(d);
}

static void fail_each(enum disk_fault fault, bool is_machine)
{
	size_t most = 0;

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		bool has_failed = true;

		for (uint64_t nth = 1; has_failed; nth++) {
			size_t blocks = mem_blocks();
			struct disk *disk = disk_new(seed * 1000 + nth);
			struct told told = {0};

			disk_fail_at(disk, fault, nth);
			run(disk, &told);
			has_failed = disk_has_failed(disk);
			if (is_machine) {
				disk_power_cut(disk);
			} else {
				disk_kill(disk);
			}
			disk_fail_at(disk, DISK_FAULT_NONE, 0);
			check(disk, &told);
			disk_free(disk);
			assert_int_equal(mem_blocks(), blocks);
			most = told.n > most ? told.n : most;
			if (!has_failed) {
				assert_int_equal(told.n, PUTS - 1);
				assert_true(nth > 8); /* it did not end early */
			}
		}
	}
	assert_int_equal(most, PUTS - 1);
}

static void an_io_error_leaves_nothing_that_was_not_whole(void **state)
{
	(void)state;
	fail_each(DISK_FAULT_EIO, false);
}

static void an_io_error_and_then_a_power_cut(void **state)
{
	(void)state;
	fail_each(DISK_FAULT_EIO, true);
}

static void a_full_disk(void **state)
{
	(void)state;
	fail_each(DISK_FAULT_ENOSPC, false);
}

static void a_power_cut_at_any_operation(void **state)
{
	(void)state;
	fail_each(DISK_FAULT_POWER, true);
}

static void memory_that_runs_out_anywhere(void **state)
{
	bool has_failed = true;

	(void)state;
	for (size_t nth = 1; has_failed; nth++) {
		size_t blocks = mem_blocks();
		struct disk *disk = disk_new(nth);
		struct told told = {0};

		mem_fail_after(nth);
		run(disk, &told);
		mem_fail_after(0);
		has_failed = told.n < PUTS - 1;
		disk_kill(disk);
		check(disk, &told);
		disk_free(disk);
		assert_int_equal(mem_blocks(), blocks);
		assert_true(nth < 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_io_error_leaves_nothing_that_was_not_whole),
	    cmocka_unit_test(an_io_error_and_then_a_power_cut),
	    cmocka_unit_test(a_full_disk),
	    cmocka_unit_test(a_power_cut_at_any_operation),
	    cmocka_unit_test(memory_that_runs_out_anywhere),
	};

	for (size_t i = 0; i < sizeof(artefact); i++) {
		artefact[i] = (uint8_t)(i * 31 + i / 97);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
