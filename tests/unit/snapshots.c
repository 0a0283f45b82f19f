/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots: a life that begins with one is as one that read every leaf; nothing is loaded that is
 * not under a signed checkpoint; and whatever happens to the files, the log alone is enough. */
#include "test.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "drill/disk.h"
#include "fold.h"
#include "governor/book.h"
#include "governor/snapshots.h"
#include "governor/tiles.h"

#define ORIGIN "test.example/log"

enum { EVERY = 40 };

/* One log on two disks in memory, published in a real directory. */
struct town {
	char dir[64];
	struct disk *segments_disk;
	struct disk *snapshots_disk;
	struct log_io segments;
	struct log_io io;
	struct snapshots_world world;
	struct book *book;
	struct state *state;
	struct tiles *tiles;
	struct snapshots *snapshots;
	uint64_t loaded;
	uint64_t incident;
	uint64_t task;
};

static struct town town;
static struct tlog_vkey key;
static struct buf vkey = BUF_INIT(1024);
static const uint8_t seed[32] = {3};
static uint64_t now_ms;

static uint64_t read_clock(void *ctx)
{
	(void)ctx;
	return now_ms;
}

static const struct clock test_clock = {.unix_ms = read_clock, .boot_ns = read_clock};

static int make(void **unused)
{
	struct town *t = &town;

	(void)unused;
	log_set_level(
	    LOG_LEVEL_ERR); /* what is not used is told, and tested here by what is loaded */
	*t = (struct town){0};
	now_ms = FOLD_START_MS;
	(void)snprintf(t->dir, sizeof(t->dir), "%s/remit-snapshots-XXXXXX",
		       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(t->dir));
	t->segments_disk = disk_new(1);
	t->snapshots_disk = disk_new(2);
	t->segments = disk_io(t->segments_disk);
	t->io = disk_io(t->snapshots_disk);
	assert_ok(tlog_vkey_from_seed(&key, STR(ORIGIN), TLOG_KEY_ED25519, seed, NULL));
	buf_reset(&vkey);
	assert_ok(tlog_vkey_print(&key, &vkey));
	t->world = (struct snapshots_world){
	    .io = &t->io,
	    .segments = &t->segments,
	    .publish_dir = t->dir,
	    .vkey = buf_view(&vkey),
	    .origin = STR(ORIGIN),
	    .every = EVERY,
	};
	return 0;
}

/* A life: from the newest snapshot that may be used, or from the first leaf. */
static void begin(struct town *t)
{
	struct book_start start = {0};
	struct err e = ERR_INIT;
	bool is_new = false;
	enum rc rc = snapshots_load(&t->world, &start.take_state, &start.base, &e);

	t->loaded = start.base.size;
	if (rc != RC_OK && rc != RC_ABSENT) {
		fail_msg("%s", e.msg);
	}
	if (book_open(&t->segments, NULL, SEGMENT_MIN_BYTES, STR(ORIGIN), &test_clock, NULL,
		      rc == RC_OK ? &start : NULL, &t->book, &t->state, &is_new, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	assert_ok(tiles_open(t->dir, &key, &t->segments, &t->tiles, &e));
	assert_ok(snapshots_new(&t->world, t->loaded, &(struct snapshots_kept){0}, &t->snapshots, &e));
}

static void end(struct town *t)
{
	snapshots_free(TAKE(t->snapshots));
	tiles_free(TAKE(t->tiles));
	book_free(TAKE(t->book));
	state_free(TAKE(t->state));
	disk_kill(t->segments_disk);
	disk_kill(t->snapshots_disk);
}

static int unmake(void **unused)
{
	char command[128];

	(void)unused;
	end(&town);
	disk_free(town.segments_disk);
	disk_free(town.snapshots_disk);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", town.dir);
	return system(command);
}

static uint64_t record(struct town *t, struct leaf l)
{
	struct err e = ERR_INIT;
	uint64_t ix;

	if (book_record(t->book, &l, 0, NULL, 0, &ix, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	return ix;
}

static void publish(struct town *t)
{
	AUTO_BUF text = BUF_INIT(1024);
	AUTO_BUF note = BUF_INIT(4096);
	struct tlog_checkpoint c = {.origin = STR(ORIGIN)};
	struct segment_snapshot durable;
	struct tiles_to_sign s;
	struct err e = ERR_INIT;

	assert_ok(book_commit(t->book, &e));
	durable = segment_snapshot(book_log(t->book));
	if (durable.size == tiles_published_size(t->tiles)) {
		return;
	}
	assert_ok(tiles_prepare(t->tiles, &durable, &s, &e));
	c.size = s.size;
	c.root = s.root;
	assert_ok(tlog_checkpoint_print(&c, &text, NULL));
	assert_ok(tlog_note_sign(&note, buf_view(&text), &key, seed, NULL));
	assert_ok(tiles_publish(t->tiles, buf_view(&note), &e));
}

/* What the governor does in its ticks. */
static void look(struct town *t)
{
	struct snapshot made;

	if (snapshots_tick(t->snapshots, tiles_published_size(t->tiles), &made)) {
		snapshots_noted(t->snapshots,
				record(t, LEAF_OF(SNAPSHOT_TAKEN, snapshot_taken,
						  .size = made.base.size, .digest = made.digest,
						  .state = made.state, .bytes = made.state_bytes)));
	}
	snapshots_step(t->snapshots);
}

/* A call, with all that goes with it: six or seven leaves. */
static void act(struct town *t)
{
	uint64_t ix = book_next_ix(t->book);
	struct leaf call;
	uint64_t c;

	now_ms += 60 * 1000;
	if (t->task == 0 || ix % 5 == 0) {
		t->incident =
		    record(t, LEAF_OF(INCIDENT_OPENED, incident_opened, .source = STR("pager"),
				      .class = STR("db-saturation"), .severity = 2,
				      .service = STR("shop"), .assets = LIST(STR("pg-role:app"))));
		t->task = record(
		    t, LEAF_OF(TASK_OPENED, task_opened, .incident = t->incident,
			       .agent = FOLD_AGENT, .playbook = STR("db"),
			       .tools = LIST(STR("db___end")), .targets = LIST(STR("pg-role:app")),
			       .phase = STR("diagnose"), .not_after = now_ms + 3600000,
			       .max_calls = 1000, .max_targets = 100, .accountable = STR("alice")));
	}
	call = fold_call(t->task, ix % 2 ? STR("read") : STR("contain"), (uint8_t)ix);
	call.call_decided.held_until = now_ms + 60000;
	c = record(t, call);
	if (ix % 3) {
		record(t, LEAF_OF(CALL_COMPLETED, call_completed, .call = c, .kind = STR("ok"),
				  .labels = LIST(STR("untrusted"))));
	}
}

/* So many calls, with commits, checkpoints and snapshots between them. */
static void live(struct town *t, unsigned calls)
{
	for (unsigned i = 0; i < calls; i++) {
		act(t);
		if (i % 4 == 3) {
			publish(t);
			look(t);
		}
	}
	publish(t);
	look(t);
}

/* What every leaf of the log gives, read from the first. */
static enum rc apply_leaf(void *ctx, const struct segment_leaf *leaf, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	struct leaf l;

	TRY(leaf_decode(&arena, leaf->bytes, &l, e));
	TRY(state_reserve(ctx, &l, e));
	state_apply(ctx, leaf->index, &l);
	return RC_OK;
}

static void check_against_all_leaves(struct town *t)
{
	struct segment_reader *r;
	struct segment_leaf leaf;
	struct digest mine;
	struct digest other;
	struct state *s;
	struct err e = ERR_INIT;

	assert_ok(book_commit(t->book, &e));
	assert_ok(state_new(&s, &e));
	assert_ok(segment_reader_open(&t->segments, STR(ORIGIN), 0, &r, &e));
	while (segment_reader_next(r, book_durable_size(t->book), &leaf, NULL) == RC_OK) {
		assert_ok(apply_leaf(s, &leaf, &e));
	}
	assert_int_equal(state_size(s), book_durable_size(t->book));
	assert_ok(state_digest(s, &mine, &e));
	assert_ok(state_digest(t->state, &other, &e));
	assert_true(digest_eq(&mine, &other));
	segment_reader_free(r);
	state_free(s);
}

struct names {
	char newest[SNAPSHOT_NAME_BYTES];
	uint64_t size; /* of it */
	size_t n_covered;
	size_t n_other;
};

static int note_name(void *arg, const char *name)
{
	struct names *x = arg;
	uint64_t size;
	uint64_t leaf;

	if (!snapshot_name_parse(name, &size, &leaf) || leaf == 0) {
		x->n_other += strcmp(name, "lock") != 0;
		return 0;
	}
	x->n_covered++;
	if (size >= x->size) {
		x->size = size;
		(void)snprintf(x->newest, sizeof(x->newest), "%s", name);
	}
	return 0;
}

static struct names names_of(const struct town *t)
{
	struct names x = {0};

	assert_int_equal(t->io.list(t->io.ctx, note_name, &x), 0);
	return x;
}

static void flip(const struct town *t, const char *name, uint64_t offset)
{
	int fd = t->io.open(t->io.ctx, name, LOG_IO_WRITE);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(t->io.pread(t->io.ctx, fd, &byte, 1, offset), 1);
	byte ^= 1;
	assert_int_equal(t->io.pwrite(t->io.ctx, fd, &byte, 1, offset), 1);
	assert_int_equal(t->io.fdatasync(t->io.ctx, fd), 0);
	t->io.close(t->io.ctx, fd);
}

static void a_life_from_a_snapshot_is_as_one_from_all_leaves(void **unused)
{
	struct town *t = &town;
	uint64_t last = 0;

	(void)unused;
	begin(t);
	for (unsigned calls = 1; calls < 60; calls += calls % 7 + 1) {
		live(t, calls);
		end(t);
		begin(t);
		assert_true(t->loaded >= last);
		last = t->loaded;
		check_against_all_leaves(t);
	}
	assert_true(last > 0); /* so it was from a snapshot */
}

static void only_the_newest_two_stay(void **unused)
{
	struct town *t = &town;
	struct names x;

	(void)unused;
	begin(t);
	live(t, 200);
	x = names_of(t);
	assert_int_equal(x.n_covered, 2);
	assert_true(x.size > book_durable_size(t->book) - 3 * EVERY);
	end(t);
	begin(t);
	assert_int_equal(t->loaded, x.size);
	assert_int_equal(names_of(t).n_other, 0);
}

static void a_snapshot_is_not_loaded_before_a_checkpoint_covers_its_leaf(void **unused)
{
	struct town *t = &town;
	uint64_t published;

	(void)unused;
	begin(t);
	for (int i = 0; i < 20; i++) {
		act(t);
	}
	publish(t);
	published = tiles_published_size(t->tiles);
	look(t); /* begins and folds */
	look(t); /* says so in the log */
	assert_ok(book_commit(t->book, NULL));
	look(t);
	assert_int_equal(names_of(t).n_covered, 0);
	end(t);
	begin(t);
	assert_int_equal(t->loaded, 0);
	assert_int_equal(names_of(t).n_other, 0); /* nobody will ever load it */
	check_against_all_leaves(t);
	/* The same, and the checkpoint comes. */
	publish(t);
	look(t);
	look(t);
	publish(t);
	look(t);
	look(t);
	assert_int_equal(names_of(t).n_covered, 1);
	end(t);
	begin(t);
	assert_true(t->loaded >= published);
	check_against_all_leaves(t);
}

static void a_file_under_a_covered_name_is_not_believed_for_it(void **unused)
{
	struct town *t = &town;
	char taken[SNAPSHOT_NAME_BYTES];
	char covered[SNAPSHOT_NAME_BYTES];

	(void)unused;
	begin(t);
	for (int i = 0; i < 20; i++) {
		act(t);
	}
	publish(t);
	look(t); /* written, and in no leaf */
	snapshot_name(tiles_published_size(t->tiles), 0, taken);
	snapshot_name(tiles_published_size(t->tiles), book_durable_size(t->book), covered);
	for (int i = 0; i < 20; i++) {
		act(t); /* that leaf is another one */
	}
	publish(t);
	assert_int_equal(t->io.rename(t->io.ctx, taken, covered), 0);
	end(t);
	begin(t);
	assert_int_equal(t->loaded, 0);
	check_against_all_leaves(t);
}

static void a_damaged_snapshot_is_not_loaded_and_the_one_before_it_is(void **unused)
{
	static const uint64_t offsets[] = {0, 8, 30, 60, 100, 400, 2500, 4095, 4104, 4200, 6000};
	struct town *t = &town;

	(void)unused;
	begin(t);
	live(t, 200);
	for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
		struct names x = names_of(t);

		assert_int_equal(x.n_covered, 2);
		flip(t, x.newest, offsets[i]);
		end(t);
		begin(t);
		assert_true(t->loaded > 0 && t->loaded < x.size);
		assert_int_equal(names_of(t).n_covered, 1);
		check_against_all_leaves(t);
		live(t, 60);
	}
}

static void a_snapshot_of_another_log_or_key_is_not_loaded(void **unused)
{
	struct town *t = &town;
	struct state *s = NULL;
	struct segment_base base;
	struct snapshots_world other;
	uint8_t other_seed[32] = {4};
	struct tlog_vkey other_key;
	AUTO_BUF other_vkey = BUF_INIT(1024);

	(void)unused;
	begin(t);
	live(t, 100);
	other = t->world;
	other.origin = STR("test.example/other");
	assert_rc(snapshots_load(&other, &s, &base, NULL), RC_ABSENT);
	other = t->world;
	assert_ok(tlog_vkey_from_seed(&other_key, STR(ORIGIN), TLOG_KEY_ED25519, other_seed, NULL));
	assert_ok(tlog_vkey_print(&other_key, &other_vkey));
	other.vkey = buf_view(&other_vkey);
	assert_rc(snapshots_load(&other, &s, &base, NULL), RC_ABSENT);
	assert_ok(snapshots_load(&t->world, &s, &base, NULL));
	state_free(s);
}

/* Each operation of the disk fails, once or with the power; then a part of what was not synced is
 * gone. */
static void fail_everywhere(enum disk_fault fault)
{
	struct town *t = &town;
	bool has_failed = true;

	begin(t);
	live(t, 30);
	for (uint64_t nth = 1; has_failed; nth++) {
		disk_fail_at(t->snapshots_disk, fault, nth);
		live(t, 16); /* one is taken, covered, and an older one goes */
		has_failed = disk_has_failed(t->snapshots_disk);
		snapshots_free(TAKE(t->snapshots));
		disk_power_cut(t->snapshots_disk);
		end(t);
		begin(t);
		check_against_all_leaves(t);
		assert_true(nth < 400);
	}
	live(t, 60);
	end(t);
	begin(t);
	assert_true(t->loaded > 0);
}

static void whatever_the_disk_does_the_next_life_is_the_same(void **unused)
{
	(void)unused;
	fail_everywhere(DISK_FAULT_EIO);
}

static void wherever_the_power_goes_the_next_life_is_the_same(void **unused)
{
	(void)unused;
	fail_everywhere(DISK_FAULT_POWER);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)
	const struct CMUnitTest tests[] = {
	    TEST(a_life_from_a_snapshot_is_as_one_from_all_leaves),
	    TEST(only_the_newest_two_stay),
	    TEST(a_snapshot_is_not_loaded_before_a_checkpoint_covers_its_leaf),
	    TEST(a_file_under_a_covered_name_is_not_believed_for_it),
	    TEST(a_damaged_snapshot_is_not_loaded_and_the_one_before_it_is),
	    TEST(a_snapshot_of_another_log_or_key_is_not_loaded),
	    TEST(whatever_the_disk_does_the_next_life_is_the_same),
	    TEST(wherever_the_power_goes_the_next_life_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
