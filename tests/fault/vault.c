/* SPDX-License-Identifier: Apache-2.0 */
/* Data keys on a disk that fails at the n-th operation, for every n.
 *
 * A life takes keys, binds one to a task, sets one aside, destroys one and seals with all that it
 * may; what failed is mended, as the governor does. Then the process dies, with or without the
 * machine, and the next life opens the keys. Always: a key that sealed is there, and is the same;
 * one that is bound is found by its task; one that was destroyed is gone, and its serial is not
 * given out again. The keeper here makes a key only once: what is lost is lost.
 */
#include "test.h"

#include "drill/disk.h"
#include "governor/vault.h"
#include "net/channel.h"

enum { SEEDS = 8, SERIALS = 64, KEY_BYTES = 32, TASK = 17, GONE = 18 };

/* What a life sealed with, or was told. */
struct told {
	uint8_t keys[SERIALS][KEY_BYTES];
	bool has[SERIALS];
	uint8_t tag[32];
	bool has_tag;
	uint64_t of_task, destroyed; /* 0 = it did not come so far */
};

struct world {
	struct loop *l;
	struct channel *governor;
	struct channel *keeper;
	struct vault *v;
	uint8_t next_key;
	uint64_t lives;
};

static void keeper_hears(void *ctx, struct channel *c, const struct message *m)
{
	struct world *w = ctx;
	uint8_t made[KEY_BYTES];
	struct message r = {.kind = MESSAGE_KEY_READY, .key_ready = {.ok = 1}};

	if (m->kind == MESSAGE_KEY_NEW) {
		memset(made, ++w->next_key, sizeof(made));
		r.key_ready.task = m->key_new.task;
		r.key_ready.wrapped = str_of(made, sizeof(made));
	} else {
		r.key_ready.task = m->key_open.task;
		r.key_ready.wrapped = m->key_open.wrapped;
		r.key_ready.ok = m->key_open.wrapped.n == KEY_BYTES;
	}
	r.key_ready.key = r.key_ready.wrapped;
	assert_ok(channel_send(c, &r));
}

static void governor_hears(void *ctx, struct channel *c, const struct message *m)
{
	struct world *w = ctx;

	vault_on_key(w->v, c, &m->key_ready);
}

static void nobody_goes(void *ctx, struct channel *c, const char *why)
{
	(void)ctx;
	(void)c;
	fail_msg("a channel ended: %s", why);
}

static void open_world(struct world *w)
{
	struct clock clock = clock_system();
	struct err e = ERR_INIT;
	int fds[2];

	assert_ok(loop_new(&clock, &w->l, &e));
	assert_ok(channel_pair(fds, &e));
	assert_ok(channel_new(w->l, fds[0], R_GOVERNOR, R_KEEPER, governor_hears, nobody_goes, w,
			      &w->governor, &e));
	assert_ok(channel_new(w->l, fds[1], R_KEEPER, R_GOVERNOR, keeper_hears, nobody_goes, w,
			      &w->keeper, &e));
}

/* Every life begins with other leaves, and needs the key of the task. */
static enum rc open_vault(struct world *w, const struct log_io *io)
{
	static const uint64_t task = TASK;
	const struct vault_needs needs = {
	    .objects = &task, .n_objects = 1, .oldest = UINT64_MAX, .next = ++w->lives * 100};

	return vault_open(io, NULL, &needs, &w->v, NULL);
}

static void close_world(struct world *w)
{
	vault_free(TAKE(w->v));
	channel_free(TAKE(w->governor));
	channel_free(TAKE(w->keeper));
	loop_free(TAKE(w->l));
}

/* Questions and answers go to and fro until there are no more. */
static void settle(struct world *w)
{
	struct err e = ERR_INIT;

	for (int i = 0; i < 6; i++) {
		assert_ok(loop_step(w->l, 0, &e));
	}
}

static void seal(const struct world *w, struct told *told, uint64_t serial)
{
	const uint8_t *key = vault_key(w->v, serial);

	serial = vault_serial(w->v, serial);
	if (!key) {
		return; /* nothing can be sealed with it */
	}
	assert_in_range(serial, 1, SERIALS - 1);
	if (told->has[serial]) {
		assert_memory_equal(key, told->keys[serial], KEY_BYTES);
	}
	memcpy(told->keys[serial], key, KEY_BYTES);
	told->has[serial] = true;
}

static void tag(const struct world *w, struct told *told)
{
	uint8_t now[32];

	if (vault_tag(w->v, STR("a"), STR("{}"), now, NULL) != RC_OK) {
		return;
	}
	if (told->has_tag) {
		assert_memory_equal(now, told->tag, sizeof(now));
	}
	memcpy(told->tag, now, sizeof(now));
	told->has_tag = true;
}

static enum rc take(struct world *w, uint64_t *ret)
{
	enum rc rc = vault_take(w->v, w->governor, ret, NULL);

	settle(w);
	return rc;
}

/* What a governor does once it has its keys; it may refuse what fails, and goes on. */
static void use(struct world *w, struct told *told)
{
	uint64_t serial;

	seal(w, told, VAULT_LIFE_KEY);
	tag(w, told);
	if (take(w, &serial) == RC_OK && vault_bind(w->v, serial, TASK, NULL) == RC_OK) {
		told->of_task = serial;
		seal(w, told, vault_key_of(w->v, TASK));
	}
	if (take(w, &serial) == RC_OK) {
		seal(w, told, serial);
		if (vault_set_aside(w->v, serial, NULL) != RC_OK) {
			told->has[serial] = false; /* its object is swept */
		}
	}
	if (take(w, &serial) == RC_OK && vault_bind(w->v, serial, GONE, NULL) == RC_OK &&
	    vault_destroy(w->v, serial, NULL) == RC_OK) {
		told->destroyed = serial;
	}
}

/* One life of the governor, until it has its keys and has used them, or cannot begin. A short one
 * only seals: nothing that it does later makes the names durable. */
static void live(struct world *w, struct disk *disk, bool is_short, struct told *told)
{
	struct log_io io = disk_io(disk);
	uint64_t serial;

	open_world(w);
	if (open_vault(w, &io) != RC_OK) {
		close_world(w);
		return;
	}
	vault_start(w->v, w->governor);
	settle(w);
	for (int i = 0; i < 3; i++) {
		vault_mend(w->v, w->governor);
		settle(w);
	}
	if (vault_is_ready(w->v)) {
		if (!is_short) {
			use(w, told);
			vault_mend(w->v, w->governor);
			settle(w);
		}
		seal(w, told, vault_key_of(w->v, TASK));
		/* Whatever is said to be ready may be the last thing that is used. One that was
		 * only taken is nobody's, and the next life may take it. */
		while (vault_take(w->v, w->governor, &serial, NULL) == RC_OK) {
			if (vault_set_aside(w->v, serial, NULL) == RC_OK) {
				seal(w, told, serial);
			}
		}
	}
	close_world(w);
}

/* A life on a disk that is well. */
static void check(struct world *w, struct disk *disk, struct told *told)
{
	struct log_io io = disk_io(disk);
	uint64_t serial;

	open_world(w);
	assert_ok(open_vault(w, &io));
	vault_start(w->v, w->governor);
	settle(w);
	assert_true(vault_is_ready(w->v));
	tag(w, told);
	for (serial = 1; serial < SERIALS; serial++) {
		if (told->has[serial]) {
			const uint8_t *key = vault_key(w->v, serial);

			if (!key) { /* of what is over: opened when it is wanted */
				vault_begin_reading(w->v);
				vault_miss(w->v, serial);
				assert_true(vault_fetch_missed(w->v, w->governor));
				settle(w);
				assert_false(vault_is_fetching(w->v));
				key = vault_key(w->v, serial);
			}
			assert_non_null(key);
			assert_memory_equal(key, told->keys[serial], KEY_BYTES);
		}
	}
	if (told->of_task) {
		assert_ok(vault_bound(w->v, TASK, &serial, NULL));
		assert_int_equal(serial, told->of_task);
		assert_int_equal(vault_key_of(w->v, TASK), serial);
	}
	if (told->destroyed) {
		assert_null(vault_key(w->v, told->destroyed));
	}
	assert_true(vault_serial(w->v, VAULT_LIFE_KEY) > told->destroyed);
	assert_ok(take(w, &serial));
	assert_false(told->has[serial]);
	close_world(w);
}

/* lives: one that fails, or one before it that does not, so that its keys are there to be lost. */
static void fail_each(enum disk_fault fault, bool is_machine, int lives, bool is_short)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		bool has_failed = true;

		for (uint64_t nth = 1; has_failed; nth++) {
			size_t blocks = mem_blocks();
			struct disk *disk = disk_new(seed * 1000 + nth);
			struct world w = {0};
			struct told told = {0};

			if (lives > 1) {
				live(&w, disk, false, &told);
				assert_int_not_equal(told.destroyed, 0);
				told.of_task = 0; /* the next life has a later one */
				disk_kill(disk);
			}
			disk_fail_at(disk, fault, nth);
			live(&w, disk, is_short, &told);
			has_failed = disk_has_failed(disk);
			if (is_machine) {
				disk_power_cut(disk);
			} else {
				disk_kill(disk);
			}
			disk_fail_at(disk, DISK_FAULT_NONE, 0);
			check(&w, disk, &told);
			disk_free(disk);
			assert_int_equal(mem_blocks(), blocks);
			if (!has_failed) {
				assert_true(is_short || told.destroyed != 0);
				assert_true(nth > 10); /* it did not end early */
			}
		}
	}
}

static void fail_each_way(enum disk_fault fault, bool is_machine)
{
	for (int lives = 1; lives <= 2; lives++) {
		fail_each(fault, is_machine, lives, false);
		fail_each(fault, is_machine, lives, true);
	}
}

static void an_io_error_loses_no_key_that_sealed(void **state)
{
	(void)state;
	fail_each_way(DISK_FAULT_EIO, false);
}

static void an_io_error_and_then_a_power_cut(void **state)
{
	(void)state;
	fail_each_way(DISK_FAULT_EIO, true);
}

static void a_full_disk_loses_no_key_that_sealed(void **state)
{
	(void)state;
	fail_each_way(DISK_FAULT_ENOSPC, true);
}

static void a_power_cut_at_any_operation(void **state)
{
	(void)state;
	fail_each_way(DISK_FAULT_POWER, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_io_error_loses_no_key_that_sealed),
	    cmocka_unit_test(an_io_error_and_then_a_power_cut),
	    cmocka_unit_test(a_full_disk_loses_no_key_that_sealed),
	    cmocka_unit_test(a_power_cut_at_any_operation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
