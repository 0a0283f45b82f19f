/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper as the process it is: in its sandbox, spoken to through its channels. */
#include "test.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "keeper/keeper.h"
#include "keeper/wrap.h"

#define ORIGIN STR("audit.example/remit")

static char place[64];
static char dir[96];

enum { GOVERNOR, AGENTS, PEOPLE, RUNNER, BACKEND, N_PARTIES };
static const enum role roles[N_PARTIES] = {R_GOVERNOR, R_AGENTS, R_PEOPLE, R_RUNNER, R_BACKEND};

struct scene {
	pid_t pid;
	struct loop *l;
	struct channel *c[N_PARTIES];
	size_t heard[N_PARTIES];
	struct message last[N_PARTIES]; /* its strings point into text */
	char text[N_PARTIES][8192];
	uint64_t anchor_size;
	size_t anchors;
	bool is_gone;
};

static struct str keep(char **at, struct str s)
{
	struct str kept = str_of(*at, s.n);

	if (s.n) {
		memcpy(*at, s.p, s.n);
	}
	*at += s.n;
	return kept;
}

static void heard(void *ctx, struct channel *c, const struct message *m)
{
	struct scene *s = ctx;
	size_t i = 0;
	char *at;

	while (s->c[i] != c) {
		i++;
	}
	if (m->kind == MESSAGE_ANCHOR) {
		assert_int_equal(s->heard[i], 0); /* before anything else */
		s->anchor_size = m->anchor.size;
		s->anchors++;
		return;
	}
	at = s->text[i];
	s->heard[i]++;
	s->last[i] = *m;
	if (m->kind == MESSAGE_SIGNATURE) {
		s->last[i].signature.note = keep(&at, m->signature.note);
		s->last[i].signature.detail = keep(&at, m->signature.detail);
	} else if (m->kind == MESSAGE_KEY_READY) {
		s->last[i].key_ready.key = keep(&at, m->key_ready.key);
		s->last[i].key_ready.wrapped = keep(&at, m->key_ready.wrapped);
	} else if (m->kind == MESSAGE_TOKEN_KEY) {
		s->last[i].token_key.key = keep(&at, m->token_key.key);
	} else if (m->kind == MESSAGE_SECRET) {
		s->last[i].secret.fields = keep(&at, m->secret.fields);
	}
}

static void gone(void *ctx, struct channel *c, const char *why)
{
	struct scene *s = ctx;

	(void)c;
	(void)why;
	s->is_gone = true;
}

static int run_keeper(int fds[N_PARTIES])
{
	struct role_peer peers[N_PARTIES] = {0};
	static struct role_plug plugs[N_PARTIES]; /* of this process only */
	struct role_env env = {.role = R_KEEPER,
			       .clock = clock_system(),
			       .peers = peers,
			       .plugs = plugs,
			       .n_peers = N_PARTIES};
	struct err e = ERR_INIT;
	enum rc rc;

	(void)alarm(60);
	if (geteuid() == 0) {
		env.ids = (struct sandbox_ids){.is_set = true, .uid = 65534, .gid = 65534};
	}
	for (size_t i = 0; i < N_PARTIES; i++) {
		peers[i] = (struct role_peer){.role = roles[i], .fd = fds[i]};
		if (roles[i] == R_BACKEND) {
			memcpy(peers[i].name, "orders", 7);
		}
	}
	if (loop_new(&env.clock, &env.loop, &e) != RC_OK) {
		return 3;
	}
	rc = keeper_run(&env, dir, dir, ORIGIN, &e);
	if (rc != RC_OK) {
		(void)dprintf(STDERR_FILENO, "keeper: %s\n", e.msg);
	}
	return rc == RC_OK ? 0 : 1;
}

static void open_scene(struct scene *s)
{
	int fds[N_PARTIES][2];
	int theirs[N_PARTIES];
	struct clock clock = clock_system();

	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < N_PARTIES; i++) {
		assert_ok(channel_pair(fds[i], NULL));
		theirs[i] = fds[i][1];
	}
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0) {
		for (size_t i = 0; i < N_PARTIES; i++) {
			(void)close(fds[i][0]);
		}
		_exit(run_keeper(theirs));
	}
	assert_ok(loop_new(&clock, &s->l, NULL));
	for (size_t i = 0; i < N_PARTIES; i++) {
		(void)close(fds[i][1]);
		assert_ok(channel_new(s->l, fds[i][0], roles[i], R_KEEPER, heard, gone, s, &s->c[i],
				      NULL));
	}
}

/* Ends the keeper by closing our ends; its exit status. */
static int close_scene(struct scene *s)
{
	int status;

	for (size_t i = 0; i < N_PARTIES; i++) {
		channel_free(s->c[i]);
	}
	loop_free(s->l);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Runs until that party has heard n messages. */
static const struct message *wait_for(struct scene *s, size_t party, size_t n)
{
	for (int i = 0; i < 500 && s->heard[party] < n && !s->is_gone; i++) {
		assert_ok(loop_step(s->l, 20, NULL));
	}
	assert_int_equal(s->heard[party], n);
	return &s->last[party];
}

/* As root, the role becomes nobody, who then must own what it replaces. */
static int give_away(void)
{
	static const char *const names[] = {"log.key", "wrap.key", "token.key", "last-signed", "."};
	char path[160];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (chown(path, 65534, 65534) != 0) {
			return -1;
		}
	}
	return 0;
}

static int make_place(void **state)
{
	(void)state;
	char vkey[96];

	memcpy(place, "/tmp/remit-keeper-XXXXXX", 25);
	if (!mkdtemp(place) || chmod(place, 0755) != 0) {
		return -1;
	}
	(void)snprintf(dir, sizeof(dir), "%s/keeper", place);
	(void)snprintf(vkey, sizeof(vkey), "%s/log.vkey", place);
	if (keeper_keys_create(dir, NULL, ORIGIN, vkey, NULL) != RC_OK) {
		return -1;
	}
	return geteuid() == 0 ? give_away() : 0;
}

static void empty(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *entry;
	char file[512];

	while (d && (entry = readdir(d))) {
		(void)snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		(void)unlink(file);
	}
	(void)closedir(d);
	(void)rmdir(path);
}

static int remove_place(void **state)
{
	(void)state;
	empty(dir);
	empty(place);
	return 0;
}

static void the_fronts_get_the_token_key_and_nobody_else(void **state)
{
	(void)state;
	struct scene s;

	open_scene(&s);
	assert_int_equal(wait_for(&s, AGENTS, 1)->kind, MESSAGE_TOKEN_KEY);
	assert_int_equal(wait_for(&s, PEOPLE, 1)->kind, MESSAGE_TOKEN_KEY);
	assert_int_equal(s.last[AGENTS].token_key.key.n, 32);
	assert_true(str_eq(s.last[AGENTS].token_key.key, s.last[PEOPLE].token_key.key));
	assert_int_equal(s.heard[RUNNER] + s.heard[GOVERNOR] + s.heard[BACKEND], 0);
	assert_int_equal(close_scene(&s), 0); /* nobody is there any more */
}

static void it_signs_and_refuses_in_its_sandbox(void **state)
{
	(void)state;
	struct scene s;
	struct keeper_keys keys;
	struct tlog_hasher *h = tlog_hasher_new();
	struct tlog_hash leaf = tlog_leaf_hash(h, STR("a leaf"));
	struct tlog_checkpoint checkpoint;
	struct message sign = {
	    .kind = MESSAGE_SIGN,
	    .sign = {.size = 1, .root = str_of(leaf.bytes, 32)}}; /* the root of one leaf */
	const struct message *m;

	assert_ok(keeper_keys_load(dir, ORIGIN, &keys, NULL));
	open_scene(&s);
	assert_ok(channel_send(s.c[GOVERNOR], &sign));
	m = wait_for(&s, GOVERNOR, 1);
	assert_int_equal(m->kind, MESSAGE_SIGNATURE);
	assert_true(m->signature.ok);
	assert_ok(tlog_checkpoint_open(m->signature.note, &keys.vkey, &checkpoint, NULL));
	assert_int_equal(checkpoint.size, 1);
	leaf.bytes[0] ^= 1;
	sign.sign.old_size = 1;
	assert_ok(channel_send(s.c[GOVERNOR], &sign));
	m = wait_for(&s, GOVERNOR, 2);
	assert_false(m->signature.ok);
	assert_int_equal(m->signature.size, 1);
	assert_int_equal(m->signature.note.n, 0);
	assert_true(str_has_prefix(m->signature.detail, STR("fork")));
	assert_int_equal(s.anchors, 1);
	assert_int_equal(s.anchor_size, 0);
	assert_int_equal(close_scene(&s), 0);
	open_scene(&s); /* the next life says where the last one ended */
	(void)wait_for(&s, PEOPLE, 1);
	for (int i = 0; i < 500 && s.anchors == 0; i++) {
		assert_ok(loop_step(s.l, 20, NULL));
	}
	assert_int_equal(s.anchor_size, 1);
	tlog_hasher_free(h);
	keeper_keys_fini(&keys);
	assert_int_equal(close_scene(&s), 0);
}

static void what_cannot_be_recorded_is_not_signed_until_it_can_be(void **state)
{
	(void)state;
	struct scene s;
	struct tlog_hasher *h = tlog_hasher_new();
	struct tlog_hash leaf = tlog_leaf_hash(h, STR("a leaf"));
	struct message sign = {.kind = MESSAGE_SIGN,
			       .sign = {.size = 1, .root = str_of(leaf.bytes, 32)}};
	char in_the_way[512];
	const struct message *m;

	open_scene(&s);
	(void)wait_for(&s, PEOPLE, 1); /* it has begun */
	(void)snprintf(in_the_way, sizeof(in_the_way), "%s/last-signed.new", dir);
	assert_int_equal(mkdir(in_the_way, 0700), 0);
	assert_ok(channel_send(s.c[GOVERNOR], &sign));
	m = wait_for(&s, GOVERNOR, 1);
	assert_false(m->signature.ok);
	assert_true(m->signature.is_later);
	assert_int_equal(rmdir(in_the_way), 0);
	assert_ok(channel_send(s.c[GOVERNOR], &sign));
	m = wait_for(&s, GOVERNOR, 2);
	assert_true(m->signature.ok);
	assert_int_equal(m->signature.size, 1);
	leaf.bytes[0] ^= 1; /* what is refused for good says so */
	sign.sign.old_size = 1;
	assert_ok(channel_send(s.c[GOVERNOR], &sign));
	m = wait_for(&s, GOVERNOR, 3);
	assert_false(m->signature.ok || m->signature.is_later);
	tlog_hasher_free(h);
	assert_int_equal(close_scene(&s), 0);
}

static void data_keys_come_and_come_back(void **state)
{
	(void)state;
	struct scene s;
	uint8_t key[32];
	uint8_t wrapped[WRAP_BYTES];
	struct message m = {.kind = MESSAGE_KEY_NEW, .key_new = {.task = STR("t1")}};
	const struct message *got;

	open_scene(&s);
	assert_ok(channel_send(s.c[GOVERNOR], &m));
	got = wait_for(&s, GOVERNOR, 1);
	assert_int_equal(got->kind, MESSAGE_KEY_READY);
	assert_true(got->key_ready.ok);
	assert_int_equal(got->key_ready.key.n, sizeof(key));
	assert_int_equal(got->key_ready.wrapped.n, sizeof(wrapped));
	memcpy(key, got->key_ready.key.p, sizeof(key));
	memcpy(wrapped, got->key_ready.wrapped.p, sizeof(wrapped));
	m = (struct message){
	    .kind = MESSAGE_KEY_OPEN,
	    .key_open = {.task = STR("t1"), .wrapped = str_of(wrapped, sizeof(wrapped))}};
	assert_ok(channel_send(s.c[GOVERNOR], &m));
	got = wait_for(&s, GOVERNOR, 2);
	assert_true(got->key_ready.ok);
	assert_memory_equal(got->key_ready.key.p, key, sizeof(key));
	m.key_open.task = STR("t2");
	assert_ok(channel_send(s.c[GOVERNOR], &m));
	got = wait_for(&s, GOVERNOR, 3);
	assert_false(got->key_ready.ok);
	assert_int_equal(got->key_ready.key.n, 0);
	assert_int_equal(close_scene(&s), 0);
}

static void a_lease_passes_through(void **state)
{
	(void)state;
	struct scene s;
	static const uint8_t hash[32];
	struct clock clock = clock_system();
	struct message m = {.kind = MESSAGE_LEASE_ISSUE,
			    .lease_issue = {.lease = 3,
					    .backend = STR("orders"),
					    .name = STR("remit_3"),
					    .task = STR("t1"),
					    .leaf_hash = str_of(hash, 32)}};

	m.lease_issue.create_by_unix_ms = clock_unix_ms(&clock) + 5000;
	open_scene(&s);
	assert_ok(channel_send(s.c[GOVERNOR], &m));
	assert_int_equal(wait_for(&s, BACKEND, 1)->kind, MESSAGE_LEASE_ISSUE);
	m = (struct message){.kind = MESSAGE_LEASE_ISSUED,
			     .lease_issued = {.lease = 3, .ok = 1, .fields = STR("{}")}};
	assert_ok(channel_send(s.c[BACKEND], &m));
	assert_true(wait_for(&s, GOVERNOR, 1)->lease_issued.ok);
	m = (struct message){.kind = MESSAGE_LEASE_DELIVER, .lease_deliver = {.lease = 3, .to = 2}};
	assert_ok(channel_send(s.c[GOVERNOR], &m));
	assert_str(wait_for(&s, RUNNER, 1)->secret.fields, "{}");
	assert_int_equal(close_scene(&s), 0);
}

/* Issues lease `id` for the only leaf of a log of one; answers whether it was. */
static bool is_issued(struct scene *s, uint64_t id, const struct tlog_hash *leaf)
{
	struct clock clock = clock_system();
	size_t answers = s->heard[GOVERNOR];
	size_t orders = s->heard[BACKEND];
	struct message m = {.kind = MESSAGE_LEASE_ISSUE,
			    .lease_issue = {.lease = id,
					    .backend = STR("orders"),
					    .name = STR("remit_1"),
					    .leaf_hash = str_of(leaf->bytes, 32)}};

	m.lease_issue.create_by_unix_ms = clock_unix_ms(&clock) + 5000;
	assert_ok(channel_send(s->c[GOVERNOR], &m));
	for (int i = 0; i < 500 && s->heard[GOVERNOR] == answers && s->heard[BACKEND] == orders;
	     i++) {
		assert_ok(loop_step(s->l, 20, NULL));
	}
	if (s->heard[BACKEND] > orders) {
		m = (struct message){.kind = MESSAGE_LEASE_ISSUED,
				     .lease_issued = {.lease = id, .ok = 1, .fields = STR("{}")}};
		assert_ok(channel_send(s->c[BACKEND], &m));
	}
	return wait_for(s, GOVERNOR, answers + 1)->lease_issued.ok;
}

static void send_receipt(struct scene *s, uint64_t lease, struct str note)
{
	struct tlog_receipt r = {.checkpoint = note};
	AUTO_BUF text = BUF_INIT(16384);
	struct message m = {.kind = MESSAGE_LEASE_PROOF, .lease_proof = {.lease = lease}};

	assert_ok(tlog_receipt_print(&r, &text, NULL));
	m.lease_proof.receipt = buf_view(&text);
	assert_ok(channel_send(s->c[GOVERNOR], &m));
}

static void a_lease_must_turn_up_in_the_log(void **state)
{
	(void)state;
	struct scene s;
	struct tlog_hasher *h = tlog_hasher_new();
	struct tlog_hash leaf = tlog_leaf_hash(h, STR("lease.intended"));
	struct tlog_hash other = tlog_leaf_hash(h, STR("nothing of the kind"));
	struct message sign = {.kind = MESSAGE_SIGN,
			       .sign = {.size = 1, .root = str_of(leaf.bytes, 32)}};
	char note[4096];
	struct str signed_note;

	open_scene(&s);
	assert_true(is_issued(&s, 1, &leaf));
	assert_ok(channel_send(s.c[GOVERNOR], &sign));
	signed_note = wait_for(&s, GOVERNOR, 2)->signature.note;
	memcpy(note, signed_note.p, signed_note.n);
	signed_note.p = note;
	send_receipt(&s, 1, signed_note);
	assert_true(is_issued(&s, 2, &other)); /* of a leaf that is not there */
	send_receipt(&s, 2, signed_note);
	assert_false(is_issued(&s, 3, &leaf));
	tlog_hasher_free(h);
	assert_int_equal(close_scene(&s), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_fronts_get_the_token_key_and_nobody_else),
	    TEST(it_signs_and_refuses_in_its_sandbox),
	    TEST(what_cannot_be_recorded_is_not_signed_until_it_can_be),
	    TEST(data_keys_come_and_come_back),
	    TEST(a_lease_passes_through),
	    TEST(a_lease_must_turn_up_in_the_log),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
