/* SPDX-License-Identifier: Apache-2.0 */
/* The durable log on a disk that fails at the n-th operation, for every n.
 *
 * A run appends and commits leaves until something fails or all is done. Then the process dies,
 * with or without the machine, and the log is opened again. Always: every acknowledged leaf is
 * there with its values, in place; what else is there was appended by us, in order; and the log
 * goes on from there.
 */
#include "test.h"

#include <stdlib.h>

#include "drill/disk.h"
#include "governor/sealed.h"
#include "governor/segment.h"
#include "leaves.h"

#ifdef __SANITIZE_ADDRESS__
enum { SEEDS = 1 }; /* a sanitizer makes each run take ten times as long */
#else
enum { SEEDS = 3 };
#endif

enum {
	COMMITS = 40,
	MORE_COMMITS = 3,
};

/* Appends and commits; returns how many leaves were acknowledged. *ret_appended counts those that
 * were handed to a commit. */
static uint64_t run(struct disk *d, unsigned commits, uint64_t *ret_appended)
{
	AUTO_SEGMENT_LOG l = NULL;
	struct log_io io = disk_io(d);
	struct err e = ERR_INIT;
	uint64_t read_back = 0;
	uint64_t acknowledged = 0;

	if (segment_open(&io, &options, count_leaf, &read_back, &l, &e) != RC_OK) {
		*ret_appended = 0;
		return 0;
	}
	assert_int_equal(read_back, segment_durable_size(l));
	acknowledged = read_back;
	*ret_appended = read_back;
	for (unsigned c = 0; c < commits; c++) {
		if (c % 8 == 5) {
			/* A spare that cannot be made is no reason to stop. */
			(void)segment_prepare_spare(&io, SEGMENT_MIN_BYTES, &e);
		}
		for (unsigned k = 0; k <= c % 7; k++) {
			if (append(l, &e) != RC_OK) {
				assert_true(disk_has_failed(d) || mem_blocks() > 0);
				return acknowledged;
			}
		}
		*ret_appended = segment_next_index(l);
		if (segment_commit(l, &e) != RC_OK) {
			assert_true(segment_is_broken(l));
			assert_rc(append(l, &e), RC_BROKEN);
			assert_rc(segment_commit(l, &e), RC_BROKEN);
			assert_int_equal(segment_durable_size(l), acknowledged);
			return acknowledged;
		}
		acknowledged = segment_durable_size(l);
		assert_int_equal(acknowledged, *ret_appended);
	}
	return acknowledged;
}

/* Opens, checks everything, reads some by index and all in order. */
static void check_log(struct disk *d, uint64_t acknowledged, uint64_t appended)
{
	AUTO_SEGMENT_LOG l = NULL;
	AUTO_SEGMENT_READER r = NULL;
	AUTO_BUF b = BUF_INIT(LIMIT_BATCH_BYTES);
	struct log_io io = disk_io(d);
	struct err e = ERR_INIT;
	struct segment_leaf leaf;
	uint64_t n = 0;
	struct segment_options strict = options;

	strict.min_size = acknowledged;
	if (segment_open(&io, &strict, count_leaf, &n, &l, &e) != RC_OK) {
		/* A log that never acknowledged anything may not have come into being. */
		fail_msg("%s", e.msg);
	}
	assert_int_equal(n, segment_durable_size(l));
	assert_true(n >= acknowledged);
	assert_true(n <= appended);
	for (uint64_t i = 0; i < n; i += 37) {
		assert_ok(segment_read(l, i, &b, &leaf, &e));
		check_leaf(&leaf, i);
	}
	assert_ok(segment_reader_open(&io, options.origin, n / 2, &r, &e));
	for (uint64_t i = n / 2; i < n; i++) {
		assert_ok(segment_reader_next(r, n, &leaf, &e));
		check_leaf(&leaf, i);
	}
	assert_rc(segment_reader_next(r, n, &leaf, &e), RC_ABSENT);
}

/* One run with a fault at operation n. False: the run ended before it. */
static bool survive(enum disk_fault fault, uint64_t n, uint64_t seed, bool with_crash)
{
	struct disk *d = disk_new(seed * 1000003 + n);
	uint64_t appended;
	uint64_t acknowledged;
	bool has_failed;

	disk_fail_at(d, fault, n);
	acknowledged = run(d, COMMITS, &appended);
	has_failed = disk_has_failed(d);
	for (int twice = 0; twice < 2; twice++) {
		if (with_crash) {
			disk_power_cut(d);
		} else {
			disk_kill(d);
		}
		check_log(d, acknowledged, appended);
	}
	disk_kill(d);
	acknowledged = run(d, MORE_COMMITS, &appended); /* goes on, in place of what was torn */
	assert_int_equal(acknowledged, appended);
	disk_power_cut(d);
	check_log(d, acknowledged, appended);
	disk_free(d);
	return has_failed;
}

static void fail_everywhere(enum disk_fault fault, bool with_crash)
{
	size_t before = mem_blocks();

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		uint64_t n = 1;

		while (survive(fault, n, seed, with_crash)) {
			n++;
		}
		assert_true(n > COMMITS); /* at least a write each */
	}
	assert_int_equal(mem_blocks(), before);
}

static void a_power_cut_at_any_operation_loses_no_acknowledged_leaf(void **state)
{
	(void)state;
	fail_everywhere(DISK_FAULT_POWER, true);
}

static void an_error_of_any_operation_then_a_crash_loses_no_acknowledged_leaf(void **state)
{
	(void)state;
	fail_everywhere(DISK_FAULT_EIO, true);
}

static void an_error_of_any_operation_then_a_restart_loses_no_acknowledged_leaf(void **state)
{
	(void)state;
	fail_everywhere(DISK_FAULT_EIO, false);
}

static void a_full_disk_at_any_write_loses_no_acknowledged_leaf(void **state)
{
	(void)state;
	fail_everywhere(DISK_FAULT_ENOSPC, true);
}

static void faults_during_recovery_are_recovered_from(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		bool has_failed = true;

		for (uint64_t n = 1; has_failed; n++) {
			struct disk *d = disk_new(seed);
			uint64_t appended;
			uint64_t ignored;
			uint64_t acknowledged;

			disk_fail_at(d, DISK_FAULT_POWER, 120 + seed * 7); /* leaves a torn batch */
			acknowledged = run(d, COMMITS, &appended);
			disk_power_cut(d);
			disk_fail_at(d, DISK_FAULT_POWER, n);
			(void)run(d, 0, &ignored); /* opens only */
			has_failed = disk_has_failed(d);
			disk_power_cut(d);
			check_log(d, acknowledged, appended);
			disk_free(d);
		}
	}
}

static void no_memory_at_any_point_breaks_nothing(void **state)
{
	(void)state;
	size_t before = mem_blocks();

	for (size_t n = 1; n < 400; n++) {
		struct disk *d = disk_new(n);
		uint64_t appended = 0;
		uint64_t acknowledged;

		mem_fail_after(n);
		acknowledged = run(d, COMMITS, &appended);
		mem_fail_after(0);
		disk_power_cut(d);
		check_log(d, acknowledged, appended);
		disk_free(d);
	}
	assert_int_equal(mem_blocks(), before);
}

/* Opens with the size that was acknowledged, so that damage of the last batch is no torn batch
 * either. */
static enum rc open_seen(struct disk *d, uint64_t min_size)
{
	AUTO_SEGMENT_LOG l = NULL;
	struct log_io io = disk_io(d);
	struct segment_options strict = options;
	uint64_t n = 0;

	strict.min_size = min_size;
	return segment_open(&io, &strict, count_leaf, &n, &l, NULL);
}

static const char FIRST[] = "00000000000000000000.seg";

static void every_changed_byte_of_a_batch_is_noticed(void **state)
{
	(void)state;
	struct disk *d = disk_new(1);
	uint64_t appended;
	uint64_t n = run(d, 4, &appended);
	uint8_t was;

	disk_kill(d);
	assert_int_equal(n, 10);
	/* The padding of the header is sampled. */
	for (uint64_t i = 0; i < 4096 + 12 * 1024; i += i >= 200 && i < 4080 ? 97 : 1) {
		enum rc rc;

		assert_true(disk_peek(d, FIRST, i, &was, 1));
		assert_true(disk_flip(d, FIRST, i, 0x10));
		rc = open_seen(d, n);
		assert_true(disk_overwrite(d, FIRST, i, &was, 1));
		/* Gaps between batches and the rest of the file mean nothing. */
		if (rc == RC_OK ? i < 4096 || was != 0 : rc != RC_BROKEN) {
			fail_msg("byte %ju was not noticed", (uintmax_t)i);
		}
		disk_kill(d);
	}
	disk_free(d);
}

/* A batch that was acknowledged and is damaged must not be taken for a torn one while anything
 * says that a later one was begun. */
static void damage_before_a_later_batch_is_never_cut_away(void **state)
{
	(void)state;
	struct disk *d = disk_new(2);
	uint64_t appended;
	uint64_t n = run(d, 3, &appended);

	disk_kill(d);
	assert_int_equal(n, 6);
	assert_true(disk_flip(d, FIRST, 4096 + 60, 1)); /* in the first batch */
	assert_rc(open_seen(d, 0), RC_BROKEN);
	disk_kill(d);
	assert_rc(open_seen(d, 0), RC_BROKEN); /* still: nothing was changed */
	disk_kill(d);
	assert_true(disk_flip(d, FIRST, 4096 + 60, 1));
	assert_ok(open_seen(d, n));
	disk_free(d);
}

/* What a snapshot would give. */
static void base_at(struct disk *d, uint64_t size, struct segment_base *ret)
{
	AUTO_SEGMENT_READER r = NULL;
	AUTO_TLOG_HASHER h = tlog_hasher_new();
	struct log_io io = disk_io(d);
	struct segment_leaf leaf;
	struct err e = ERR_INIT;

	*ret = (struct segment_base){0};
	assert_ok(segment_reader_open(&io, options.origin, 0, &r, &e));
	for (; ret->size < size; ret->size++) {
		assert_ok(segment_reader_next(r, size, &leaf, &e));
		tlog_frontier_append(&ret->frontier, h, &leaf.hash);
		ret->last_leaf = leaf.hash;
	}
}

static struct segment_log *open_from(struct disk *d, const struct segment_base *base)
{
	struct log_io io = disk_io(d);
	struct segment_options from = options;
	struct segment_log *l = NULL;
	uint64_t count = base->size;
	struct err e = ERR_INIT;

	from.base = base;
	assert_ok(segment_open(&io, &from, count_leaf, &count, &l, &e));
	return l;
}

static bool is_there(struct segment_log *l, uint64_t index)
{
	AUTO_BUF b = BUF_INIT(LIMIT_BATCH_BYTES);
	struct segment_leaf leaf;
	struct err e = ERR_INIT;

	return segment_read(l, index, &b, &leaf, &e) == RC_OK;
}

/* Prunes, with a fault at operation n; false: nothing failed. Then a life that prunes again. */
static bool survive_pruning(enum disk_fault fault, uint64_t n)
{
	struct disk *d = disk_new(17 + n);
	struct segment_base base;
	struct segment_log *l;
	struct err e = ERR_INIT;
	uint64_t appended;
	uint64_t size = run(d, COMMITS, &appended);
	bool has_failed;

	disk_kill(d);
	base_at(d, size * 2 / 3, &base);
	l = open_from(d, &base);
	assert_true(is_there(l, 0)); /* and its file is open now */
	disk_fail_at(d, fault, n);
	(void)segment_prune(l, base.size, &e);
	has_failed = disk_has_failed(d);
	if (!has_failed) {
		disk_fail_at(d, DISK_FAULT_NONE, 0);
		assert_false(is_there(l, 0));
		assert_ok(append(l, &e));
		assert_ok(segment_commit(l, &e)); /* it goes on */
	}
	segment_free(l);
	if (fault == DISK_FAULT_POWER) {
		disk_power_cut(d);
	} else {
		disk_kill(d);
	}
	l = open_from(d, &base);
	assert_ok(segment_prune(l, base.size, &e));
	assert_true(segment_durable_size(l) >= size);
	assert_false(is_there(l, 0));
	for (uint64_t i = base.size; i < size; i++) {
		assert_true(is_there(l, i));
	}
	segment_free(l);
	disk_free(d);
	return has_failed;
}

static void pruning_that_stops_anywhere_is_finished_later(void **state)
{
	(void)state;
	static const enum disk_fault faults[] = {DISK_FAULT_EIO, DISK_FAULT_POWER};

	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		uint64_t n = 1;

		while (survive_pruning(faults[i], n)) {
			n++;
		}
		assert_true(n > 2);
	}
}

static void a_missing_segment_is_noticed(void **state)
{
	(void)state;
	struct disk *d = disk_new(3);
	uint64_t appended;
	uint64_t n = run(d, COMMITS, &appended);
	char name[32] = "";
	uint64_t first;

	disk_kill(d);
	for (first = 1; first < n; first++) {
		(void)snprintf(name, sizeof(name), "%020ju.seg", (uintmax_t)first);
		if (disk_has(d, name)) {
			break;
		}
	}
	assert_true(first < n);
	disk_remove(d, name); /* a later one exists: a gap */
	assert_rc(open_seen(d, 0), RC_BROKEN);
	disk_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_power_cut_at_any_operation_loses_no_acknowledged_leaf),
	    cmocka_unit_test(an_error_of_any_operation_then_a_crash_loses_no_acknowledged_leaf),
	    cmocka_unit_test(an_error_of_any_operation_then_a_restart_loses_no_acknowledged_leaf),
	    cmocka_unit_test(a_full_disk_at_any_write_loses_no_acknowledged_leaf),
	    cmocka_unit_test(faults_during_recovery_are_recovered_from),
	    cmocka_unit_test(every_changed_byte_of_a_batch_is_noticed),
	    cmocka_unit_test(damage_before_a_later_batch_is_never_cut_away),
	    cmocka_unit_test(a_missing_segment_is_noticed),
	    cmocka_unit_test(pruning_that_stops_anywhere_is_finished_later),
	    cmocka_unit_test(no_memory_at_any_point_breaks_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
