/* SPDX-License-Identifier: Apache-2.0 */
/* The store as the process it is: in its sandbox, spoken to through its channel. */
#include "test.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "store/depot.h"
#include "store/store.h"

static char dir[64];
static const uint8_t key[OBJECT_KEY_BYTES] = {3};
static char artefact[300000];

struct scene {
	pid_t pid;
	struct loop *l;
	struct channel *c;
	size_t heard;
	struct message last; /* its strings point into text */
	char text[LIMIT_OBJECT_PIECE_BYTES + 1024];
	bool is_gone;
};

static struct str keep(struct scene *s, size_t *at, struct str bytes)
{
	struct str kept = str_of(s->text + *at, bytes.n);

	if (bytes.n) {
		memcpy(s->text + *at, bytes.p, bytes.n);
	}
	*at += bytes.n;
	return kept;
}

static void heard(void *ctx, struct channel *c, const struct message *m)
{
	struct scene *s = ctx;
	size_t at = 0;

	(void)c;
	s->heard++;
	s->last = *m;
	if (m->kind == MESSAGE_STORED) {
		s->last.stored.object = keep(s, &at, m->stored.object);
		s->last.stored.plain_sha256 = keep(s, &at, m->stored.plain_sha256);
	} else if (m->kind == MESSAGE_STORE_GOT) {
		s->last.store_got.bytes = keep(s, &at, m->store_got.bytes);
	} else if (m->kind == MESSAGE_STORE_NAMES) {
		s->last.store_names.names = keep(s, &at, m->store_names.names);
	}
}

static void gone(void *ctx, struct channel *c, const char *why)
{
	struct scene *s = ctx;

	(void)c;
	(void)why;
	s->is_gone = true;
}

static int run_store(int fd)
{
	struct role_peer peer = {.role = R_GOVERNOR, .fd = fd};
	static struct role_plug plug; /* of this process only */
	struct role_env env = {.role = R_STORE,
			       .name = "",
			       .clock = clock_system(),
			       .peers = &peer,
			       .plugs = &plug,
			       .n_peers = 1};
	struct err e = ERR_INIT;
	enum rc rc;

	(void)alarm(60);
	if (geteuid() == 0) {
		env.ids = (struct sandbox_ids){.is_set = true, .uid = 65534, .gid = 65534};
	}
	if (loop_new(&env.clock, &env.loop, &e) != RC_OK) {
		return 3;
	}
	rc = store_run(&env, dir, &e);
	return rc == RC_OK ? 0 : 1;
}

static void open_scene(struct scene *s)
{
	struct clock clock = clock_system();
	int fds[2];

	memset(s, 0, sizeof(*s));
	assert_ok(channel_pair(fds, NULL));
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0) {
		(void)close(fds[0]);
		_exit(run_store(fds[1]));
	}
	(void)close(fds[1]);
	assert_ok(loop_new(&clock, &s->l, NULL));
	assert_ok(channel_new(s->l, fds[0], R_GOVERNOR, R_STORE, heard, gone, s, &s->c, NULL));
}

static int close_scene(struct scene *s)
{
	int status;

	channel_free(s->c);
	loop_free(s->l);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void say(struct scene *s, const struct message *m)
{
	assert_ok(channel_send(s->c, m));
}

static const struct message *wait_for(struct scene *s, size_t n)
{
	for (int i = 0; i < 500 && s->heard < n && !s->is_gone; i++) {
		assert_ok(loop_step(s->l, 20, NULL));
	}
	assert_int_equal(s->heard, n);
	return &s->last;
}

static void send_put(struct scene *s, uint64_t req, size_t n)
{
	struct message begin = {
	    .kind = MESSAGE_STORE_PUT,
	    .store_put = {.req = req, .key = str_of(key, sizeof(key)), .size = n}};

	say(s, &begin);
	for (size_t at = 0; at < n; at += LIMIT_OBJECT_PIECE_BYTES) {
		size_t step = n - at < LIMIT_OBJECT_PIECE_BYTES ? n - at : LIMIT_OBJECT_PIECE_BYTES;
		struct message piece = {
		    .kind = MESSAGE_STORE_PIECE,
		    .store_piece = {.req = req, .bytes = str_of(artefact + at, step)}};

		say(s, &piece);
	}
}

static void what_is_put_can_be_checked_read_listed_and_removed(void **state)
{
	struct scene s;
	uint8_t object[32];
	const struct message *m;

	(void)state;
	open_scene(&s);
	send_put(&s, 7, sizeof(artefact));
	m = wait_for(&s, 1);
	assert_int_equal(m->kind, MESSAGE_STORED);
	assert_true(m->stored.ok && m->stored.req == 7 && m->stored.size == sizeof(artefact));
	assert_int_equal(m->stored.object.n, 32);
	memcpy(object, m->stored.object.p, 32);
	say(&s,
	    &(struct message){
		.kind = MESSAGE_STORE_CHECK,
		.store_check = {.req = 8, .object = str_of(object, 32), .key = str_of(key, 32)}});
	assert_true(wait_for(&s, 2)->stored.ok);
	say(&s, &(struct message){.kind = MESSAGE_STORE_GET,
				  .store_get = {.req = 9,
						.object = str_of(object, 32),
						.key = str_of(key, 32),
						.chunk = 1}});
	m = wait_for(&s, 3);
	assert_true(m->store_got.ok && m->store_got.bytes.n == OBJECT_CHUNK_BYTES);
	assert_memory_equal(m->store_got.bytes.p, artefact + OBJECT_CHUNK_BYTES,
			    OBJECT_CHUNK_BYTES);
	say(&s, &(struct message){.kind = MESSAGE_STORE_LIST});
	m = wait_for(&s, 4);
	assert_true(m->store_names.ok && m->store_names.names.n == 32 && !m->store_names.more);
	assert_memory_equal(m->store_names.names.p, object, 32);
	say(&s, &(struct message){.kind = MESSAGE_STORE_REMOVE,
				  .store_remove = {.req = 10, .object = str_of(object, 32)}});
	assert_true(wait_for(&s, 5)->store_removed.gone);
	say(&s,
	    &(struct message){
		.kind = MESSAGE_STORE_GET,
		.store_get = {.req = 11, .object = str_of(object, 32), .key = str_of(key, 32)}});
	assert_false(wait_for(&s, 6)->store_got.ok);
	(void)close_scene(&s);
}

static void a_put_that_fails_is_answered_and_the_next_one_works(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s);
	(void)chmod(dir, 0500); /* as root this changes nothing for us, but it does for nobody */
	send_put(&s, 1, sizeof(artefact));
	assert_false(wait_for(&s, 1)->stored.ok);
	(void)chmod(dir, 0700);
	send_put(&s, 2, 10);
	assert_true(wait_for(&s, 2)->stored.ok && s.last.stored.req == 2);
	send_put(&s, 3, 0);
	assert_true(wait_for(&s, 3)->stored.ok && s.last.stored.size == 0);
	(void)close_scene(&s);
}

static void pieces_out_of_order_end_the_role(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s);
	say(&s, &(struct message){.kind = MESSAGE_STORE_PUT,
				  .store_put = {.req = 1, .key = str_of(key, 32), .size = 10}});
	say(&s, &(struct message){.kind = MESSAGE_STORE_LIST});
	for (int i = 0; i < 500 && !s.is_gone; i++) {
		assert_ok(loop_step(s.l, 20, NULL));
	}
	assert_true(s.is_gone);
	assert_int_equal(s.heard, 0);
	assert_int_equal(close_scene(&s), 1);
}

static int make_place(void **state)
{
	(void)state;
	memcpy(dir, "/tmp/remit-store-XXXXXX", 24);
	for (size_t i = 0; i < sizeof(artefact); i++) {
		artefact[i] = (char)(i * 13 + i / 1000);
	}
	return !mkdtemp(dir) || (geteuid() == 0 && chown(dir, 65534, 65534) != 0) ? -1 : 0;
}

static int remove_place(void **state)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	char file[400];

	(void)state;
	while (d && (entry = readdir(d))) {
		(void)snprintf(file, sizeof(file), "%s/%s", dir, entry->d_name);
		(void)unlink(file);
	}
	(void)closedir(d);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_is_put_can_be_checked_read_listed_and_removed,
					    make_place, remove_place),
	    cmocka_unit_test_setup_teardown(a_put_that_fails_is_answered_and_the_next_one_works,
					    make_place, remove_place),
	    cmocka_unit_test_setup_teardown(pieces_out_of_order_end_the_role, make_place,
					    remove_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
