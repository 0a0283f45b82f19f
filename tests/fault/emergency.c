/* SPDX-License-Identifier: Apache-2.0 */
/* The log on two disks: the one at home fails at the n-th operation, for every n, for once or from
 * then on; the log goes on in the other place, and comes home when it can. The other disk fails
 * too, in some of the runs. Then the process dies, with or without the machine, and the log is
 * opened again. Always: every acknowledged leaf is there, in place; and as long as one of the two
 * disks does its work nothing is refused.
 */
#include "test.h"

#include "drill/disk.h"
#include "governor/segment.h"
#include "leaves.h"

#ifdef __SANITIZE_ADDRESS__
enum { SEEDS = 1, AWAY_STEP = 23 }; /* a sanitizer makes each run take ten times as long */
#else
enum { SEEDS = 2, AWAY_STEP = 7 };
#endif

enum { COMMITS = 30, MORE_COMMITS = 3, FOLD_EVERY = 6, ONE_COMMIT_BYTES = 8192 };

struct disks {
	struct disk *home;
	struct disk *away;
	struct log_io home_io;
	struct log_io away_io;
};

static struct disks disks_new(uint64_t seed)
{
	struct disks d = {.home = disk_new(seed), .away = disk_new(seed + 77)};

	assert_true(d.home && d.away);
	d.home_io = disk_io(d.home);
	d.away_io = disk_io(d.away);
	return d;
}

static void disks_free(struct disks *d)
{
	disk_free(d->home);
	disk_free(d->away);
}

static enum rc open_log(struct disks *d, uint64_t min_size, uint64_t *n, struct segment_log **ret,
			struct err *e)
{
	struct segment_options both = options;

	both.emergency = &d->away_io;
	both.min_size = min_size;
	*n = 0;
	return segment_open(&d->home_io, &both, count_leaf, n, ret, e);
}

/* What a run came to. */
struct ran {
	uint64_t appended;
	uint64_t acknowledged;
	size_t n_folds;
	bool was_away;
};

/* One batch; false when it was refused. */
static bool commit_some(struct segment_log *l, unsigned n, struct ran *r)
{
	struct err e = ERR_INIT;

	for (unsigned k = 0; k < n; k++) {
		assert_ok(append(l, &e));
	}
	r->appended = segment_next_index(l);
	if (segment_commit(l, &e) != RC_OK) {
		assert_true(segment_is_broken(l));
		assert_int_equal(segment_durable_size(l), r->acknowledged);
		return false;
	}
	r->acknowledged = segment_durable_size(l);
	assert_int_equal(r->acknowledged, r->appended);
	return true;
}

/* The home disk works again, and the log goes back to it; or it does not, and stays away. */
static void mend(struct disks *d, struct segment_log *l, struct ran *r)
{
	struct err e = ERR_INIT;

	disk_fail_at(d->home, DISK_FAULT_NONE, 0);
	if (segment_fold(l, &e) == RC_OK) {
		assert_false(segment_is_emergency(l));
		r->n_folds++;
	} else {
		assert_true(segment_is_emergency(l));
		assert_true(disk_has_failed(d->away));
	}
}

/* Until all is done or both disks have failed. */
static struct ran run(struct disks *d, unsigned commits, bool mends)
{
	AUTO_SEGMENT_LOG l = NULL;
	struct err e = ERR_INIT;
	struct ran r = {0};
	uint64_t n;

	if (open_log(d, 0, &n, &l, &e) != RC_OK) {
		r.appended = r.acknowledged = 0;
		return r;
	}
	r.appended = r.acknowledged = n;
	for (unsigned c = 0; c < commits; c++) {
		bool had_other = segment_has_emergency(l) && segment_room(l) > ONE_COMMIT_BYTES;

		if (c % 8 == 5 && !segment_is_emergency(l)) {
			(void)segment_prepare_spare(&d->home_io, SEGMENT_MIN_BYTES, &e);
		}
		if (!commit_some(l, 1 + c % 4, &r)) {
			assert_true(!had_other || disk_has_failed(d->away));
			return r;
		}
		r.was_away |= segment_is_emergency(l);
		if (mends && segment_is_emergency(l) && c % FOLD_EVERY == FOLD_EVERY - 1) {
			mend(d, l, &r);
		}
	}
	return r;
}

/* Opened from a snapshot's base, wherever that lies, it is the same log. */
static void check_from_base(struct disks *d, const struct segment_base *base, uint64_t size,
			    const struct tlog_hash *root)
{
	struct segment_options from = options;
	AUTO_BUF b = BUF_INIT(LIMIT_BATCH_BYTES);
	AUTO_SEGMENT_LOG l = NULL;
	struct segment_snapshot again;
	struct segment_leaf leaf;
	struct err e = ERR_INIT;
	uint64_t n = base->size;

	from.emergency = &d->away_io;
	from.base = base;
	if (segment_open(&d->home_io, &from, count_leaf, &n, &l, &e) != RC_OK) {
		fail_msg("from %llu of %llu leaves: %s", (unsigned long long)base->size,
			 (unsigned long long)size, e.msg);
	}
	assert_int_equal(n, size);
	again = segment_snapshot(l);
	assert_true(tlog_hash_eq(&again.root, root));
	assert_ok(segment_read(l, 0, &b, &leaf, &e));
	check_leaf(&leaf, 0);
}

static void check_bases(struct disks *d)
{
	AUTO_TLOG_HASHER h = tlog_hasher_new();
	AUTO_BUF b = BUF_INIT(LIMIT_BATCH_BYTES);
	struct segment_base bases[4];
	struct segment_base base = {0};
	struct segment_leaf leaf;
	struct err e = ERR_INIT;
	struct tlog_hash root;
	size_t n_bases = 0;
	uint64_t size;

	{
		AUTO_SEGMENT_LOG l = NULL;

		assert_ok(open_log(d, 0, &size, &l, &e));
		root = segment_snapshot(l).root;
		while (base.size < size) {
			assert_ok(segment_read(l, base.size++, &b, &leaf, &e));
			base.last_leaf = leaf.hash;
			tlog_frontier_append(&base.frontier, h, &leaf.hash);
			if (base.size == 1 || base.size == size / 2 || base.size == size - 1 ||
			    base.size == size) {
				bases[n_bases++] = base;
			}
		}
	}
	for (size_t i = 0; i < n_bases; i++) {
		check_from_base(d, &bases[i], size, &root);
	}
}

static unsigned n_checked;

static void check_log(struct disks *d, const struct ran *r)
{
	AUTO_SEGMENT_LOG l = NULL;
	AUTO_BUF b = BUF_INIT(LIMIT_BATCH_BYTES);
	struct err e = ERR_INIT;
	struct segment_leaf leaf;
	uint64_t n;

	if (open_log(d, r->acknowledged, &n, &l, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	assert_true(n >= r->acknowledged && n <= r->appended);
	for (uint64_t i = 0; i < n; i++) {
		assert_ok(segment_read(l, i, &b, &leaf, &e));
		check_leaf(&leaf, i);
	}
	segment_free(TAKE(l));
	if (n_checked++ % 6 == 0) {
		check_bases(d); /* now and then: it opens the log five times */
	}
}

/* A reader that knows nothing of emergencies finds all leaves at home. */
static void check_home(struct disks *d, uint64_t n)
{
	AUTO_SEGMENT_READER r = NULL;
	struct err e = ERR_INIT;
	struct segment_leaf leaf;

	assert_ok(segment_reader_open(&d->home_io, options.origin, 0, &r, &e));
	for (uint64_t i = 0; i < n; i++) {
		if (segment_reader_next(r, n, &leaf, &e) != RC_OK) {
			fail_msg("%s", e.msg);
		}
		check_leaf(&leaf, i);
	}
}

static void end(struct disks *d, bool is_machine)
{
	if (is_machine) {
		disk_power_cut(d->home);
		disk_power_cut(d->away);
	} else {
		disk_kill(d->home);
		disk_kill(d->away);
	}
}

/* After everything: both disks work, the log goes on where it is, comes home and goes on there. */
static void go_on(struct disks *d, struct ran *r)
{
	AUTO_SEGMENT_LOG l = NULL;
	struct err e = ERR_INIT;
	uint64_t n;

	assert_ok(open_log(d, r->acknowledged, &n, &l, &e));
	r->appended = r->acknowledged = n;
	if (segment_room(l) > ONE_COMMIT_BYTES) {
		assert_true(commit_some(l, 2, r));
	}
	if (segment_is_emergency(l)) {
		if (segment_fold(l, &e) != RC_OK) {
			fail_msg("%s", e.msg);
		}
	}
	for (int c = 0; c < MORE_COMMITS; c++) {
		assert_true(commit_some(l, 3, r));
	}
	assert_false(segment_is_emergency(l));
	assert_true(segment_has_emergency(l));
}

struct fault {
	enum disk_fault kind;
	uint64_t nth; /* 0 = never */
};

/* False: the home disk's fault was never reached. */
static bool survive(struct fault home, struct fault away, uint64_t seed, bool mends,
		    bool is_machine, size_t *n_folds, size_t *n_away)
{
	struct disks d = disks_new(seed * 1000003 + home.nth * 131 + away.nth);
	struct ran r;
	bool has_failed;

	disk_fail_at(d.home, home.kind, home.nth);
	if (away.nth) {
		disk_fail_at(d.away, away.kind, away.nth);
	}
	r = run(&d, COMMITS, mends);
	has_failed = disk_has_failed(d.home) || r.was_away;
	*n_folds += r.n_folds;
	*n_away += r.was_away;
	for (int twice = 0; twice < 2; twice++) {
		end(&d, is_machine);
		check_log(&d, &r);
	}
	end(&d, false);
	go_on(&d, &r);
	end(&d, is_machine);
	check_log(&d, &r);
	end(&d, false);
	check_home(&d, r.acknowledged);
	disks_free(&d);
	return has_failed;
}

static void fail_everywhere(enum disk_fault kind, bool mends, bool is_machine)
{
	size_t before = mem_blocks();
	size_t n_folds = 0;
	size_t n_away = 0;

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct fault home = {.kind = kind, .nth = 1};

		while (
		    survive(home, (struct fault){0}, seed, mends, is_machine, &n_folds, &n_away)) {
			home.nth++;
		}
		assert_true(home.nth > COMMITS);
	}
	assert_true(n_away > COMMITS);
	assert_true(mends ? n_folds > COMMITS : n_folds == 0);
	assert_int_equal(mem_blocks(), before);
}

static void an_error_of_any_operation_is_survived_in_the_other_place(void **state)
{
	(void)state;
	fail_everywhere(DISK_FAULT_EIO, true, false);
	fail_everywhere(DISK_FAULT_EIO, false, true);
}

static void a_disk_that_dies_at_any_operation_is_left(void **state)
{
	(void)state;
	fail_everywhere(DISK_FAULT_POWER, false, true);
	fail_everywhere(DISK_FAULT_POWER, true, true);
	fail_everywhere(DISK_FAULT_POWER, true, false);
}

static void a_full_disk_is_left_and_returned_to(void **state)
{
	(void)state;
	fail_everywhere(DISK_FAULT_ENOSPC, true, true);
}

static void faults_of_both_disks_lose_no_acknowledged_leaf(void **state)
{
	size_t n_folds = 0;
	size_t n_away = 0;

	(void)state;
	for (uint64_t away = 1; away < 220; away += AWAY_STEP) {
		for (uint64_t home = 1; home < 140; home += 3) {
			struct fault h = {home % 2 ? DISK_FAULT_POWER : DISK_FAULT_EIO, home};
			struct fault a = {away % 2 ? DISK_FAULT_POWER : DISK_FAULT_EIO, away};

			(void)survive(h, a, 5, true, home % 4 < 2, &n_folds, &n_away);
		}
	}
	assert_true(n_folds > 0 && n_away > 0);
}

/* Brings the log away, with the first leaves at home. */
static void go_away(struct disks *d, struct segment_log **ret, struct ran *r)
{
	struct err e = ERR_INIT;
	uint64_t n;

	assert_ok(open_log(d, 0, &n, ret, &e));
	*r = (struct ran){0};
	assert_true(commit_some(*ret, 3, r));
	assert_false(segment_is_emergency(*ret));
	disk_set_mood(d->home, DISK_FAILING);
	assert_true(commit_some(*ret, 2, r));
	assert_true(segment_is_emergency(*ret));
	assert_non_null(strstr(segment_emergency_why(*ret), "Input/output error"));
}

/* The way home fails at the n-th operation of either disk, for every n; then the log goes on where
 * it is, and the process dies. Of the two copies the one counts that went on. */
static void a_way_home_that_fails_anywhere_loses_no_acknowledged_leaf(void **state)
{
	size_t n_home = 0;
	size_t n_away = 0;

	(void)state;
	for (int round = 0; round < 4; round++) {
		bool has_failed = true;

		for (uint64_t nth = 1; has_failed; nth++) {
			struct disks d = disks_new(nth * 4 + (uint64_t)round);
			struct disk *bad = round % 2 ? d.away : d.home;
			struct segment_log *l = NULL;
			struct ran r;

			go_away(&d, &l, &r);
			disk_set_mood(d.home, DISK_GOOD);
			disk_fail_at(bad, DISK_FAULT_EIO, nth);
			(void)segment_fold(l, NULL);
			has_failed = disk_has_failed(bad);
			disk_fail_at(bad, DISK_FAULT_NONE, 0);
			n_home += has_failed && !segment_is_emergency(l);
			n_away += has_failed && segment_is_emergency(l);
			assert_true(commit_some(l, 2, &r));
			segment_free(TAKE(l));
			for (int twice = 0; twice < 2; twice++) {
				end(&d, round / 2);
				check_log(&d, &r);
			}
			end(&d, false);
			go_on(&d, &r);
			end(&d, false);
			check_home(&d, r.acknowledged);
			disks_free(&d);
		}
	}
	assert_true(n_home > 0 && n_away > 0);
}

static void without_another_place_the_same_error_breaks_the_log(void **state)
{
	struct disks d = disks_new(1);
	AUTO_SEGMENT_LOG l = NULL;
	struct err e = ERR_INIT;
	uint64_t n = 0;

	(void)state;
	assert_ok(segment_open(&d.home_io, &options, count_leaf, &n, &l, &e));
	assert_false(segment_has_emergency(l));
	assert_ok(append(l, &e));
	disk_set_mood(d.home, DISK_FAILING);
	assert_rc(segment_commit(l, &e), RC_IO);
	assert_true(segment_is_broken(l));
	segment_free(TAKE(l));
	disks_free(&d);
}

static void a_full_emergency_segment_breaks_the_log_and_loses_nothing(void **state)
{
	struct disks d = disks_new(2);
	struct segment_log *l = NULL;
	struct ran r;
	size_t n = 0;

	(void)state;
	go_away(&d, &l, &r);
	while (commit_some(l, 3, &r)) {
		n++;
	}
	assert_true(n > 10 && n < 100);
	segment_free(l);
	end(&d, true);
	disk_set_mood(d.home, DISK_GOOD);
	check_log(&d, &r);
	end(&d, false);
	disks_free(&d);
}

static void a_segment_that_was_removed_or_replaced_is_left(void **state)
{
	static const char name[] = "00000000000000000000.seg";

	(void)state;
	for (int replaced = 0; replaced < 2; replaced++) {
		struct disks d = disks_new(3);
		struct segment_log *l = NULL;
		struct err e = ERR_INIT;
		struct ran r = {0};
		uint64_t n;

		assert_ok(open_log(&d, 0, &n, &l, &e));
		assert_true(commit_some(l, 3, &r));
		disk_remove(d.home, name);
		if (replaced) {
			assert_ok(log_io_replace_file(&d.home_io, name, STR("nothing"), &e));
		}
		assert_true(commit_some(l, 2, &r));
		assert_true(segment_is_emergency(l));
		/* What is not there cannot be gone on from. */
		assert_true(segment_fold(l, &e) != RC_OK);
		assert_true(segment_is_emergency(l));
		assert_true(commit_some(l, 2, &r));
		segment_free(TAKE(l));
		end(&d, false);
		assert_rc(open_log(&d, 0, &n, &l, &e), RC_BROKEN);
		end(&d, false);
		disks_free(&d);
	}
}

/* As an editor or a copying tool leaves it: the same bytes, another file. */
static void replace_by(struct disks *d, const char *name, const uint8_t *bytes)
{
	struct err e = ERR_INIT;

	disk_remove(d->home, name);
	assert_ok(log_io_replace_file(&d->home_io, name, str_of(bytes, SEGMENT_MIN_BYTES), &e));
}

static void read_all(struct segment_reader *r, uint64_t *n, const struct segment_log *l)
{
	struct segment_leaf leaf;
	struct err e = ERR_INIT;

	while (*n < segment_durable_size(l)) {
		enum rc rc = segment_reader_next(r, segment_durable_size(l), &leaf, &e);

		if (rc != RC_OK) {
			fail_msg("leaf %llu: %s", (unsigned long long)*n, e.msg);
		}
		check_leaf(&leaf, (*n)++);
	}
}

static void the_log_comes_home_behind_a_copy_but_not_behind_an_older_one(void **state)
{
	static const char name[] = "00000000000000000000.seg";
	static uint8_t then[SEGMENT_MIN_BYTES];
	static uint8_t whole[SEGMENT_MIN_BYTES];

	(void)state;
	for (int is_older = 0; is_older < 2; is_older++) {
		AUTO_SEGMENT_READER reader = NULL;
		AUTO_SEGMENT_LOG l = NULL;
		struct disks d = disks_new(5);
		struct err e = ERR_INIT;
		struct ran r = {0};
		uint64_t n_read = 0;
		uint64_t n;

		assert_ok(open_log(&d, 0, &n, &l, &e));
		assert_true(commit_some(l, 3, &r));
		assert_ok(segment_reader_open(&d.home_io, options.origin, 0, &reader, &e));
		segment_reader_use_emergency(reader, &d.away_io);
		read_all(reader, &n_read, l);
		assert_true(disk_peek(d.home, name, 0, then, sizeof(then)));
		assert_true(!is_older || commit_some(l, 2, &r));
		assert_true(disk_peek(d.home, name, 0, whole, sizeof(whole)));
		replace_by(&d, name, then);
		assert_true(commit_some(l, 2, &r)); /* into a file that is nowhere; then away */
		assert_true(segment_is_emergency(l));
		if (is_older) {
			assert_rc(segment_fold(l, &e), RC_BROKEN);
			assert_non_null(strstr(e.msg, "lacks leaves"));
			assert_true(segment_is_emergency(l));
			assert_true(commit_some(l, 1, &r));
			replace_by(&d, name, whole);
		}
		assert_ok(segment_fold(l, &e));
		assert_true(commit_some(l, 2, &r));
		read_all(reader, &n_read, l); /* from where it really is */
		assert_true(commit_some(l, 2, &r));
		read_all(reader, &n_read, l);
		segment_free(TAKE(l));
		end(&d, false);
		check_log(&d, &r);
		end(&d, false);
		segment_reader_free(TAKE(reader));
		disks_free(&d);
	}
}

static void a_change_of_any_byte_in_the_emergency_segment_is_noticed(void **state)
{
	struct disks d = disks_new(4);
	struct segment_log *l = NULL;
	struct ran r;
	uint64_t n;

	(void)state;
	go_away(&d, &l, &r);
	assert_true(commit_some(l, 2, &r)); /* what would tell that the first one was whole */
	segment_free(TAKE(l));
	end(&d, false);
	disk_set_mood(d.home, DISK_GOOD);
	for (uint64_t at = 0; at < 4096 + 6000; at += at >= 120 && at < 4080 ? 97 : 7) {
		static const char name[] = "00000000000000000003.seg";
		uint8_t was;
		enum rc rc;

		assert_true(disk_peek(d.away, name, at, &was, 1));
		assert_true(disk_flip(d.away, name, at, 0x20));
		rc = open_log(&d, r.acknowledged, &n, &l, NULL);
		if (rc == RC_OK ? at < 4096 || was != 0 : rc != RC_BROKEN) {
			fail_msg("byte %ju was not noticed", (uintmax_t)at);
		}
		if (rc == RC_OK) {
			segment_free(TAKE(l));
		}
		end(&d, false);
		assert_true(disk_overwrite(d.away, name, at, &was, 1));
	}
	disks_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(without_another_place_the_same_error_breaks_the_log),
	    cmocka_unit_test(an_error_of_any_operation_is_survived_in_the_other_place),
	    cmocka_unit_test(a_disk_that_dies_at_any_operation_is_left),
	    cmocka_unit_test(a_full_disk_is_left_and_returned_to),
	    cmocka_unit_test(faults_of_both_disks_lose_no_acknowledged_leaf),
	    cmocka_unit_test(a_way_home_that_fails_anywhere_loses_no_acknowledged_leaf),
	    cmocka_unit_test(a_full_emergency_segment_breaks_the_log_and_loses_nothing),
	    cmocka_unit_test(a_segment_that_was_removed_or_replaced_is_left),
	    cmocka_unit_test(the_log_comes_home_behind_a_copy_but_not_behind_an_older_one),
	    cmocka_unit_test(a_change_of_any_byte_in_the_emergency_segment_is_noticed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
