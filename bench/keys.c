/* SPDX-License-Identifier: Apache-2.0 */
/* bench/keys.c - what data keys cost a start.
 *
 *	bench-keys DIRECTORY make [STORED]		so many keys, each given to an object
 *	bench-keys DIRECTORY start [NEEDED [OF]]	a vault that needs so many of them, the
 *keeper's part of the work in the same process
 *
 * Keys that are stored and not needed are looked at by name only; those that are needed are read
 * and unwrapped. Nothing is synced while keys are made.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "governor/log_io.h"
#include "governor/vault.h"
#include "keeper/wrap.h"
#include "net/channel.h"

enum { STORED = 450'000, NEEDED = 1'000, PATH_BYTES = 512 };

struct bench {
	struct loop *loop;
	struct channel *governor;
	struct channel *keeper;
	struct secret *wrapping;
	struct vault *vault;
};

static void must_ok(enum rc rc, const struct err *e)
{
	if (rc != RC_OK) {
		fprintf(stderr, "bench-keys: %s\n", e->msg);
		exit(1);
	}
}

static struct secret *new_secret(uint8_t fill)
{
	struct err e = ERR_INIT;
	struct secret *s;

	must_ok(secret_new(WRAP_KEY_BYTES, &s, &e), &e);
	memset(secret_bytes(s), fill, WRAP_KEY_BYTES);
	return s;
}

static void make(const char *dir, const struct secret *wrapping, uint64_t n)
{
	struct secret *key = new_secret(2);
	struct err e = ERR_INIT;

	for (uint64_t serial = 1; serial <= n; serial++) {
		uint8_t wrapped[WRAP_BYTES];
		char path[PATH_BYTES];
		char name[32];
		FILE *f;

		(void)snprintf(name, sizeof(name), "k%" PRIu64, serial);
		must_ok(wrap_seal(wrapping, str_from(name), key, wrapped, &e), &e);
		(void)snprintf(path, sizeof(path), "%s/%" PRIu64 "-%" PRIu64 ".key", dir, serial,
			       serial * 20);
		f = fopen(path, "we");
		if (!f || fwrite(wrapped, 1, sizeof(wrapped), f) != sizeof(wrapped) ||
		    fclose(f) != 0) {
			perror(path);
			exit(1);
		}
	}
	secret_free(key);
}

static void keeper_hears(void *ctx, struct channel *c, const struct message *m)
{
	struct bench *b = ctx;
	struct message r = {.kind = MESSAGE_KEY_READY, .key_ready = {.ok = 1}};
	uint8_t wrapped[WRAP_BYTES];
	struct secret *key;
	struct err e = ERR_INIT;

	if (m->kind == MESSAGE_KEY_NEW) {
		key = new_secret(3);
		must_ok(wrap_seal(b->wrapping, m->key_new.task, key, wrapped, &e), &e);
		r.key_ready.task = m->key_new.task;
		r.key_ready.wrapped = str_of(wrapped, sizeof(wrapped));
	} else {
		must_ok(wrap_open(b->wrapping, m->key_open.task, m->key_open.wrapped, &key, &e),
			&e);
		r.key_ready.task = m->key_open.task;
		r.key_ready.wrapped = m->key_open.wrapped;
	}
	r.key_ready.key = str_of(secret_bytes(key), WRAP_KEY_BYTES);
	must_ok(channel_send(c, &r), &e);
	secret_free(key);
}

static void governor_hears(void *ctx, struct channel *c, const struct message *m)
{
	struct bench *b = ctx;

	vault_on_key(b->vault, c, &m->key_ready);
}

static void gone(void *ctx, struct channel *c, const char *why)
{
	(void)ctx;
	(void)c;
	fprintf(stderr, "bench-keys: a channel ended: %s\n", why);
	exit(1);
}

static double now_s(const struct clock *clock)
{
	return (double)clock_boot_ns(clock) / 1e9;
}

static void start(const char *dir, struct bench *b, uint64_t needed, uint64_t of)
{
	struct clock clock = clock_system();
	uint64_t *objects = mem_calloc(needed + 1, sizeof(*objects));
	struct vault_needs needs = {.objects = objects, .n_objects = needed, .next = of * 20 + 20};
	struct log_io_system *system;
	struct log_io io;
	struct err e = ERR_INIT;
	struct rusage usage;
	double from;
	double opened;
	int fds[2];

	for (uint64_t i = 0; i < needed; i++) {
		objects[i] = (of - needed + i + 1) * 20; /* the newest */
	}
	must_ok(loop_new(&clock, &b->loop, &e), &e);
	must_ok(channel_pair(fds, &e), &e);
	must_ok(channel_new(b->loop, fds[0], R_GOVERNOR, R_KEEPER, governor_hears, gone, b,
			    &b->governor, &e),
		&e);
	must_ok(channel_new(b->loop, fds[1], R_KEEPER, R_GOVERNOR, keeper_hears, gone, b,
			    &b->keeper, &e),
		&e);
	must_ok(log_io_system_new(dir, &system, &e), &e);
	io = log_io_system_table(system);
	from = now_s(&clock);
	must_ok(vault_open(&io, NULL, &needs, &b->vault, &e), &e);
	opened = now_s(&clock);
	vault_start(b->vault, b->governor);
	while (!vault_is_ready(b->vault)) {
		must_ok(loop_step(b->loop, 1000, &e), &e);
	}
	(void)getrusage(RUSAGE_SELF, &usage);
	printf("stored %" PRIu64 ", needed %" PRIu64 ": looked through in %.3f s, open after "
	       "%.3f s, %ld MB\n",
	       of, needed, opened - from, now_s(&clock) - from, usage.ru_maxrss / 1024);
	vault_free(b->vault);
	channel_free(b->governor);
	channel_free(b->keeper);
	loop_free(b->loop);
	log_io_system_free(system);
	mem_free(objects);
}

int main(int argc, char **argv)
{
	struct bench b = {.wrapping = new_secret(1)};
	uint64_t first = 0;
	uint64_t second = STORED;

	if (argc < 3 || (argc > 3 && !num_u64(str_from(argv[3]), UINT32_MAX, &first)) ||
	    (argc > 4 && !num_u64(str_from(argv[4]), UINT32_MAX, &second)) || first > second) {
		fprintf(stderr, "usage: bench-keys DIRECTORY make [STORED]\n"
				"       bench-keys DIRECTORY start [NEEDED [OF]]\n");
		return 1;
	}
	if (strcmp(argv[2], "make") == 0) {
		make(argv[1], b.wrapping, argc > 3 ? first : STORED);
	} else {
		start(argv[1], &b, argc > 3 ? first : NEEDED, second);
	}
	secret_free(b.wrapping);
	return 0;
}
