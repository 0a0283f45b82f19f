/* SPDX-License-Identifier: Apache-2.0 */
/* The durable log in a real directory: values, rolling, damage, locks. */
#include "test.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "governor/segment.h"

enum { LEAVES = 400 };

static char dir[64];
static struct log_io_system *system_io;
static struct log_io io;
static struct segment_options options;

static int make_dir(void **state)
{
	(void)state;
	memcpy(dir, "/tmp/remit-segment-XXXXXX", 26);
	if (!mkdtemp(dir) || log_io_system_new(dir, &system_io, NULL) != RC_OK) {
		return -1;
	}
	io = log_io_system_table(system_io);
	options = (struct segment_options){
	    .origin = STR("test.example/log"),
	    .segment_bytes = SEGMENT_MIN_BYTES,
	    .may_create = true,
	};
	return 0;
}

static int remove_dir(void **state)
{
	char command[128];

	(void)state;
	log_io_system_free(system_io);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static struct str text_of(uint64_t i, char out[1024])
{
	int n = snprintf(out, 1024, "{\"n\":%ju}%*s", (uintmax_t)i, (int)(i % 700), "");

	return str_of(out, (size_t)n);
}

static void fill(struct segment_log *l, uint64_t until, unsigned per_batch)
{
	char text[1024];

	while (segment_next_index(l) < until) {
		uint64_t i = segment_next_index(l);
		struct segment_value v = {.slot = 7, .bytes = STR("sealed bytes")};

		assert_ok(segment_append(l, text_of(i, text), &v, i % 2, NULL, NULL, NULL));
		if (i % per_batch == per_batch - 1) {
			assert_ok(segment_commit(l, NULL));
		}
	}
	assert_ok(segment_commit(l, NULL));
}

static enum rc check(void *ctx, const struct segment_leaf *leaf, struct err *e)
{
	uint64_t *n = ctx;
	char text[1024];

	(void)e;
	assert_int_equal(leaf->index, *n);
	assert_true(str_eq(leaf->bytes, text_of(*n, text)));
	assert_int_equal(leaf->n_values, *n % 2);
	if (leaf->n_values) {
		assert_int_equal(leaf->values[0].slot, 7);
		assert_str(leaf->values[0].bytes, "sealed bytes");
	}
	(*n)++;
	return RC_OK;
}

static void what_was_committed_is_there_after_reopening(void **state)
{
	(void)state;
	struct segment_snapshot before;
	uint64_t n = 0;

	{
		AUTO_SEGMENT_LOG l = NULL;

		assert_ok(segment_open(&io, &options, NULL, NULL, &l, NULL));
		assert_int_equal(segment_durable_size(l), 0);
		fill(l, LEAVES, 3);
		before = segment_snapshot(l);
		assert_int_equal(before.size, LEAVES);
		/* Never committed: never there. */
		assert_ok(segment_append(l, STR("lost"), NULL, 0, NULL, NULL, NULL));
	}
	{
		AUTO_SEGMENT_LOG l = NULL;
		struct segment_snapshot after;

		assert_ok(segment_open(&io, &options, check, &n, &l, NULL));
		assert_int_equal(n, LEAVES);
		after = segment_snapshot(l);
		assert_int_equal(after.size, before.size);
		assert_true(tlog_hash_eq(&after.root, &before.root));
	}
}

static void any_leaf_is_read_back_by_its_index(void **state)
{
	(void)state;
	AUTO_SEGMENT_LOG l = NULL;
	AUTO_BUF b = BUF_INIT(LIMIT_BATCH_BYTES);
	struct segment_leaf leaf;

	assert_ok(segment_open(&io, &options, NULL, NULL, &l, NULL));
	fill(l, LEAVES, 5);
	for (uint64_t i = 0; i < LEAVES; i++) {
		uint64_t at = i * 7919 % LEAVES;
		uint64_t n = at;

		assert_ok(segment_read(l, at, &b, &leaf, NULL));
		assert_ok(check(&n, &leaf, NULL));
	}
	assert_rc(segment_read(l, LEAVES, &b, &leaf, NULL), RC_ABSENT);
}

static struct segment_base base_of(uint64_t size)
{
	AUTO_TLOG_HASHER h = tlog_hasher_new();
	struct segment_base base = {.size = size};
	char text[1024];

	for (uint64_t i = 0; i < size; i++) {
		base.last_leaf = tlog_leaf_hash(h, text_of(i, text));
		tlog_frontier_append(&base.frontier, h, &base.last_leaf);
	}
	return base;
}

/* From the first to the last leaf, within batches, at their ends and at those of segments. */
static void a_log_goes_on_from_any_base_as_from_its_beginning(void **state)
{
	AUTO_BUF b = BUF_INIT(LIMIT_BATCH_BYTES);
	struct segment_snapshot whole;

	(void)state;
	{
		AUTO_SEGMENT_LOG l = NULL;

		assert_ok(segment_open(&io, &options, NULL, NULL, &l, NULL));
		fill(l, LEAVES, 5);
		whole = segment_snapshot(l);
	}
	for (uint64_t size = 1; size <= LEAVES; size += size % 37 ? 1 : 11) {
		struct segment_base base = base_of(size);
		struct segment_options from = options;
		AUTO_SEGMENT_LOG l = NULL;
		struct segment_snapshot again;
		struct segment_leaf leaf;
		uint64_t n = size;

		from.base = &base;
		assert_ok(segment_open(&io, &from, check, &n, &l, NULL));
		assert_int_equal(n, LEAVES);
		again = segment_snapshot(l);
		assert_int_equal(again.size, whole.size);
		assert_true(tlog_hash_eq(&again.root, &whole.root));
		n = size * 7919 % LEAVES; /* also one that was not read */
		assert_ok(segment_read(l, n, &b, &leaf, NULL));
		assert_ok(check(&n, &leaf, NULL));
		n = 0;
		assert_ok(segment_read(l, 0, &b, &leaf, NULL));
		assert_ok(check(&n, &leaf, NULL));
	}
}

static void what_follows_a_base_is_what_a_whole_log_goes_on_with(void **state)
{
	struct segment_base base;
	struct segment_options from = options;
	struct segment_leaf leaf;
	AUTO_BUF b = BUF_INIT(LIMIT_BATCH_BYTES);
	uint64_t n = 0;

	(void)state;
	{
		AUTO_SEGMENT_LOG l = NULL;

		assert_ok(segment_open(&io, &options, NULL, NULL, &l, NULL));
		fill(l, LEAVES / 2, 5);
	}
	base = base_of(LEAVES / 2 - 3);
	from.base = &base;
	{
		AUTO_SEGMENT_LOG l = NULL;

		assert_ok(segment_open(&io, &from, NULL, NULL, &l, NULL));
		fill(l, LEAVES, 5); /* over several segments */
		assert_ok(segment_read(l, 1, &b, &leaf, NULL));
	}
	{
		AUTO_SEGMENT_LOG l = NULL;

		assert_ok(segment_open(&io, &options, check, &n, &l, NULL));
		assert_int_equal(n, LEAVES);
	}
}

static void a_base_of_another_history_is_refused(void **state)
{
	struct segment_options from = options;
	struct segment_base base;
	AUTO_SEGMENT_LOG l = NULL;

	(void)state;
	{
		AUTO_SEGMENT_LOG whole = NULL;

		assert_ok(segment_open(&io, &options, NULL, NULL, &whole, NULL));
		fill(whole, LEAVES, 5);
	}
	from.base = &base;
	base = base_of(LEAVES / 2);
	base.last_leaf.bytes[0] ^= 1;
	assert_rc(segment_open(&io, &from, NULL, NULL, &l, NULL), RC_BROKEN);
	base = base_of(LEAVES + 1); /* of leaves that are not there */
	assert_rc(segment_open(&io, &from, NULL, NULL, &l, NULL), RC_BROKEN);
	base = base_of(LEAVES);
	assert_ok(segment_open(&io, &from, NULL, NULL, &l, NULL));
}

static void a_reader_follows_the_durable_size(void **state)
{
	(void)state;
	AUTO_SEGMENT_LOG l = NULL;
	AUTO_SEGMENT_READER r = NULL;
	struct segment_leaf leaf;
	uint64_t n = 100;

	assert_ok(segment_open(&io, &options, NULL, NULL, &l, NULL));
	fill(l, 150, 4);
	assert_ok(segment_reader_open(&io, options.origin, n, &r, NULL));
	while (n < LEAVES) {
		enum rc rc = segment_reader_next(r, segment_durable_size(l), &leaf, NULL);

		if (rc == RC_ABSENT) {
			assert_int_equal(n, segment_durable_size(l));
			fill(l, segment_durable_size(l) + 50, 6);
			continue;
		}
		assert_ok(rc);
		assert_ok(check(&n, &leaf, NULL)); /* counts n */
	}
}

static void an_empty_directory_is_a_new_log_only_when_allowed(void **state)
{
	(void)state;
	struct segment_log *l = NULL;

	options.may_create = false;
	assert_rc(segment_open(&io, &options, NULL, NULL, &l, NULL), RC_ABSENT);
	options.may_create = true;
	options.min_size = 1;
	assert_rc(segment_open(&io, &options, NULL, NULL, &l, NULL), RC_ABSENT);
	assert_null(l);
}

static void a_log_with_fewer_leaves_than_were_seen_is_refused(void **state)
{
	(void)state;
	struct segment_log *l = NULL;

	{
		AUTO_SEGMENT_LOG first = NULL;

		assert_ok(segment_open(&io, &options, NULL, NULL, &first, NULL));
		fill(first, 10, 1);
	}
	options.min_size = 11;
	assert_rc(segment_open(&io, &options, NULL, NULL, &l, NULL), RC_BROKEN);
	options.min_size = 10;
	assert_ok(segment_open(&io, &options, NULL, NULL, &l, NULL));
	segment_free(l);
}

static void two_writers_cannot_have_one_log(void **state)
{
	(void)state;
	AUTO_SEGMENT_LOG l = NULL;
	struct segment_log *other = NULL;

	assert_ok(segment_open(&io, &options, NULL, NULL, &l, NULL));
	assert_rc(segment_open(&io, &options, NULL, NULL, &other, NULL), RC_AGAIN);
}

static void a_segment_of_another_log_is_refused(void **state)
{
	(void)state;
	struct segment_log *l = NULL;

	assert_ok(segment_open(&io, &options, NULL, NULL, &l, NULL));
	segment_free(l);
	options.origin = STR("other.example/log");
	l = NULL;
	assert_rc(segment_open(&io, &options, NULL, NULL, &l, NULL), RC_BROKEN);
}

static void limits_are_refused_and_break_nothing(void **state)
{
	(void)state;
	AUTO_SEGMENT_LOG l = NULL;
	AUTO_MEM char *big = mem_calloc(1, LIMIT_LEAF_BYTES + 1);
	struct segment_value values[SEGMENT_VALUES_MAX + 1];
	enum rc rc = RC_OK;

	memset(big, 'x', LIMIT_LEAF_BYTES + 1);
	assert_ok(segment_open(&io, &options, NULL, NULL, &l, NULL));
	assert_rc(segment_append(l, STR(""), NULL, 0, NULL, NULL, NULL), RC_LIMIT);
	assert_rc(segment_append(l, str_of(big, LIMIT_LEAF_BYTES + 1), NULL, 0, NULL, NULL, NULL),
		  RC_LIMIT);
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		values[i] = (struct segment_value){.slot = (uint8_t)i, .bytes = STR("v")};
	}
	assert_rc(segment_append(l, STR("l"), values, ARRAY_LEN(values), NULL, NULL, NULL),
		  RC_LIMIT);
	values[1].slot = 0;
	assert_rc(segment_append(l, STR("l"), values, 2, NULL, NULL, NULL), RC_INPUT);
	values[0].bytes = str_of(big, LIMIT_VALUE_BYTES + 1);
	assert_rc(segment_append(l, STR("l"), values, 1, NULL, NULL, NULL), RC_LIMIT);
	/* The batch fills up, is committed, and takes the leaf that did not fit. */
	for (int i = 0; i < 100 && rc == RC_OK; i++) {
		rc = segment_append(l, str_of(big, 9000), NULL, 0, NULL, NULL, NULL);
	}
	assert_rc(rc, RC_AGAIN);
	assert_ok(segment_commit(l, NULL));
	assert_ok(segment_append(l, str_of(big, 9000), NULL, 0, NULL, NULL, NULL));
	assert_ok(segment_commit(l, NULL));
	assert_int_equal(segment_durable_size(l), 7);
}

static void a_removed_file_is_noticed_and_breaks_the_log(void **state)
{
	(void)state;
	AUTO_SEGMENT_LOG l = NULL;
	char path[128];

	assert_ok(segment_open(&io, &options, NULL, NULL, &l, NULL));
	assert_ok(segment_check_in_place(l, NULL));
	(void)snprintf(path, sizeof(path), "%s/00000000000000000000.seg", dir);
	assert_int_equal(unlink(path), 0);
	assert_rc(segment_check_in_place(l, NULL), RC_BROKEN);
	assert_rc(segment_append(l, STR("x"), NULL, 0, NULL, NULL, NULL), RC_BROKEN);
}

static void a_spare_is_used_for_the_next_segment(void **state)
{
	(void)state;
	AUTO_SEGMENT_LOG l = NULL;
	uint64_t room;

	assert_ok(segment_open(&io, &options, NULL, NULL, &l, NULL));
	room = segment_room(l);
	assert_int_equal(room, SEGMENT_MIN_BYTES - 4096);
	assert_ok(segment_prepare_spare(&io, options.segment_bytes, NULL));
	assert_int_equal(segment_room(l), 2 * room);
	fill(l, LEAVES, 10);
	assert_true(segment_room(l) < room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_was_committed_is_there_after_reopening, make_dir,
					    remove_dir),
	    cmocka_unit_test_setup_teardown(any_leaf_is_read_back_by_its_index, make_dir,
					    remove_dir),
	    cmocka_unit_test_setup_teardown(a_log_goes_on_from_any_base_as_from_its_beginning,
					    make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(what_follows_a_base_is_what_a_whole_log_goes_on_with,
					    make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(a_base_of_another_history_is_refused, make_dir,
					    remove_dir),
	    cmocka_unit_test_setup_teardown(a_reader_follows_the_durable_size, make_dir,
					    remove_dir),
	    cmocka_unit_test_setup_teardown(an_empty_directory_is_a_new_log_only_when_allowed,
					    make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(a_log_with_fewer_leaves_than_were_seen_is_refused,
					    make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(two_writers_cannot_have_one_log, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(a_segment_of_another_log_is_refused, make_dir,
					    remove_dir),
	    cmocka_unit_test_setup_teardown(limits_are_refused_and_break_nothing, make_dir,
					    remove_dir),
	    cmocka_unit_test_setup_teardown(a_removed_file_is_noticed_and_breaks_the_log, make_dir,
					    remove_dir),
	    cmocka_unit_test_setup_teardown(a_spare_is_used_for_the_next_segment, make_dir,
					    remove_dir),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
