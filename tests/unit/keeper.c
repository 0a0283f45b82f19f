/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, the signer and wrapped data keys. */
#include "test.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "keeper/keys.h"
#include "keeper/signer.h"
#include "keeper/wrap.h"

#define ORIGIN STR("audit.example/remit")

static char place[64];
static char dir[96];
static char vkey_path[96];

static int make_place(void **state)
{
	(void)state;
	memcpy(place, "/tmp/remit-keeper-XXXXXX", 25);
	if (!mkdtemp(place)) {
		return -1;
	}
	(void)snprintf(dir, sizeof(dir), "%s/keeper", place);
	(void)snprintf(vkey_path, sizeof(vkey_path), "%s/log.vkey", place);
	return 0;
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
	if (access(dir, F_OK) == 0) {
		empty(dir);
	}
	empty(place);
	return 0;
}

static void in_dir(const char *name, char out[160])
{
	(void)snprintf(out, 160, "%s/%s", dir, name);
}

/* ---- Trees: leaf i of tree `fork` ---- */

struct tree {
	struct tlog_hasher *h;
	uint64_t forked_at; /* leaves from here on differ */
};

static struct tlog_hash node_of(const struct tree *t, unsigned level, uint64_t index)
{
	struct tlog_hash left;
	struct tlog_hash right;

	if (level == 0) {
		char leaf[64];

		(void)snprintf(leaf, sizeof(leaf), "leaf %d of %s", (int)index,
			       index >= t->forked_at ? "the fork" : "the log");
		return tlog_leaf_hash(t->h, str_from(leaf));
	}
	left = node_of(t, level - 1, index * 2);
	right = node_of(t, level - 1, index * 2 + 1);
	return tlog_node_hash(t->h, &left, &right);
}

static enum rc node(void *ctx, unsigned level, uint64_t index, struct tlog_hash *ret, struct err *e)
{
	(void)e;
	*ret = node_of(ctx, level, index);
	return RC_OK;
}

/* Asks for the tree of that size, with the proof from old_size. */
static enum rc sign(struct signer *s, struct tree *t, uint64_t old_size, uint64_t size,
		    struct buf *note, struct err *e)
{
	struct tlog_nodes nodes = {.node = node, .ctx = t};
	struct tlog_hash root;
	struct tlog_proof proof;

	assert_ok(tlog_root_at(t->h, &nodes, size, &root, e));
	assert_ok(tlog_prove_consistency(t->h, &nodes, old_size, size, &proof, e));
	return signer_sign(s, size, str_of(root.bytes, 32), old_size,
			   str_of(proof.hashes, proof.n * 32), note, e);
}

struct fixture {
	struct keeper_keys keys;
	struct signer *signer;
	struct tree tree;
};

static void open_fixture(struct fixture *f)
{
	f->tree = (struct tree){.h = tlog_hasher_new(), .forked_at = UINT64_MAX};
	assert_non_null(f->tree.h);
	assert_ok(keeper_keys_load(dir, ORIGIN, &f->keys, NULL));
	assert_ok(signer_new(dir, &f->keys, &f->signer, NULL));
}

static void close_fixture(struct fixture *f)
{
	tlog_hasher_free(f->tree.h);
	signer_free(f->signer);
	keeper_keys_fini(&f->keys);
}

static void create(void)
{
	struct err e = ERR_INIT;

	if (keeper_keys_create(dir, NULL, ORIGIN, vkey_path, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
}

/* ---- Keys ---- */

static void keys_are_made_once_and_for_their_owner_only(void **state)
{
	(void)state;
	static const char *const names[] = {"log.key", "wrap.key", "token.key", "last-signed"};
	struct keeper_keys keys;
	struct keeper_keys again;
	struct stat st;
	char path[160];
	AUTO_BUF vkey = BUF_INIT(1000);
	AUTO_BUF published = BUF_INIT(1000);

	assert_rc(keeper_keys_load(dir, ORIGIN, &keys, NULL), RC_ABSENT);
	create();
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		in_dir(names[i], path);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	assert_ok(keeper_keys_load(dir, ORIGIN, &keys, NULL));
	assert_ok(tlog_vkey_print(&keys.vkey, &vkey));
	assert_ok(buf_add_char(&vkey, '\n'));
	assert_ok(file_read(vkey_path, &published, NULL));
	assert_true(str_eq(buf_view(&vkey), buf_view(&published)));
	assert_false(secret_equal(keys.log_seed, keys.wrap_key));

	assert_rc(keeper_keys_create(dir, NULL, ORIGIN, vkey_path, NULL), RC_DENIED);
	assert_ok(keeper_keys_load(dir, ORIGIN, &again, NULL));
	assert_true(secret_equal(keys.log_seed, again.log_seed));
	keeper_keys_fini(&keys);
	keeper_keys_fini(&again);
}

static void a_key_that_others_may_read_is_refused(void **state)
{
	(void)state;
	struct keeper_keys keys;
	char path[160];

	create();
	in_dir("wrap.key", path);
	assert_int_equal(chmod(path, 0640), 0);
	assert_rc(keeper_keys_load(dir, ORIGIN, &keys, NULL), RC_DENIED);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 31), 0);
	assert_rc(keeper_keys_load(dir, ORIGIN, &keys, NULL), RC_BROKEN);
	assert_int_equal(unlink(path), 0);
	assert_rc(keeper_keys_load(dir, ORIGIN, &keys, NULL), RC_BROKEN);
}

static void deleting_the_token_key_makes_a_new_one_and_no_other(void **state)
{
	(void)state;
	struct keeper_keys a;
	struct keeper_keys b;
	char path[160];

	create();
	assert_ok(keeper_keys_load(dir, ORIGIN, &a, NULL));
	in_dir("token.key", path);
	assert_int_equal(unlink(path), 0);
	assert_ok(keeper_keys_load(dir, ORIGIN, &b, NULL));
	assert_false(secret_equal(a.token_key, b.token_key));
	assert_true(secret_equal(a.log_seed, b.log_seed));
	keeper_keys_fini(&a);
	keeper_keys_fini(&b);
}

static void a_failed_creation_leaves_no_keys(void **state)
{
	(void)state;
	struct keeper_keys keys;

	assert_int_not_equal(keeper_keys_create(dir, NULL, ORIGIN, "/nonexistent/log.vkey", NULL),
			     RC_OK);
	assert_rc(keeper_keys_load(dir, ORIGIN, &keys, NULL), RC_ABSENT);
	create(); /* and is no obstacle */
}

/* ---- Signing ---- */

static void a_growing_log_is_signed_and_verifies(void **state)
{
	(void)state;
	static const uint64_t sizes[] = {1, 2, 7, 7, 8, 300};
	struct fixture f;
	struct err e = ERR_INIT;

	create();
	open_fixture(&f);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		AUTO_BUF note = BUF_INIT(4096);
		struct tlog_checkpoint c;

		if (sign(f.signer, &f.tree, i ? sizes[i - 1] : 0, sizes[i], &note, &e) != RC_OK) {
			fail_msg("size %d: %s", (int)sizes[i], e.msg);
		}
		assert_ok(tlog_checkpoint_open(buf_view(&note), &f.keys.vkey, &c, &e));
		assert_int_equal(c.size, sizes[i]);
		assert_true(str_eq(c.origin, ORIGIN));
		assert_int_equal(signer_size(f.signer), sizes[i]);
	}
	close_fixture(&f);
}

static void a_rollback_is_refused_even_after_a_restart(void **state)
{
	(void)state;
	struct fixture f;
	AUTO_BUF note = BUF_INIT(4096);
	struct err e = ERR_INIT;

	create();
	open_fixture(&f);
	assert_ok(sign(f.signer, &f.tree, 0, 100, &note, &e));
	close_fixture(&f);
	buf_reset(&note);
	open_fixture(&f);
	assert_rc(sign(f.signer, &f.tree, 99, 99, &note, &e), RC_DENIED);
	assert_non_null(strstr(e.msg, "rollback"));
	assert_rc(sign(f.signer, &f.tree, 0, 99, &note, &e), RC_DENIED);
	/* A proof that starts elsewhere, however good, proves nothing about what was signed. */
	assert_rc(sign(f.signer, &f.tree, 0, 200, &note, &e), RC_AGAIN);
	assert_rc(sign(f.signer, &f.tree, 99, 200, &note, &e), RC_AGAIN);
	assert_int_equal(note.n, 0);
	assert_int_equal(signer_size(f.signer), 100);
	assert_ok(sign(f.signer, &f.tree, 100, 200, &note, &e)); /* control */
	close_fixture(&f);
}

static void a_fork_is_refused(void **state)
{
	(void)state;
	struct fixture f;
	AUTO_BUF note = BUF_INIT(4096);
	struct err e = ERR_INIT;

	create();
	open_fixture(&f);
	assert_ok(sign(f.signer, &f.tree, 0, 100, &note, &e));
	buf_reset(&note);
	f.tree.forked_at = 50;
	assert_rc(sign(f.signer, &f.tree, 100, 100, &note, &e), RC_DENIED);
	assert_non_null(strstr(e.msg, "fork"));
	assert_rc(sign(f.signer, &f.tree, 100, 150, &note, &e), RC_DENIED);
	assert_non_null(strstr(e.msg, "fork"));
	assert_int_equal(note.n, 0);
	f.tree.forked_at = 100; /* what was signed is untouched: no fork */
	assert_ok(sign(f.signer, &f.tree, 100, 150, &note, &e));
	close_fixture(&f);
}

static void malformed_requests_are_refused(void **state)
{
	(void)state;
	struct fixture f;
	AUTO_BUF note = BUF_INIT(4096);
	uint8_t bytes[32 * 65] = {0};

	create();
	open_fixture(&f);
	assert_rc(signer_sign(f.signer, 1, str_of(bytes, 31), 0, STR_NULL, &note, NULL), RC_INPUT);
	assert_rc(signer_sign(f.signer, 1, str_of(bytes, 32), 0, str_of(bytes, 33), &note, NULL),
		  RC_INPUT);
	assert_rc(signer_sign(f.signer, 1, str_of(bytes, 32), 0, str_of(bytes, sizeof(bytes)),
			      &note, NULL),
		  RC_INPUT);
	assert_rc(signer_sign(f.signer, 1, str_of(bytes, 32), 0, str_of(bytes, 32), &note, NULL),
		  RC_DENIED);
	assert_rc(signer_sign(f.signer, 0, str_of(bytes, 32), 0, STR_NULL, &note, NULL), RC_DENIED);
	assert_ok(sign(f.signer, &f.tree, 0, 0, &note, NULL)); /* a log may begin with a note */
	close_fixture(&f);
}

static void without_its_record_the_keeper_does_not_sign(void **state)
{
	(void)state;
	struct fixture f;
	struct signer *s = NULL;
	struct keeper_keys keys;
	char path[160];
	struct err e = ERR_INIT;

	create();
	open_fixture(&f);
	close_fixture(&f);
	in_dir("last-signed", path);
	assert_ok(keeper_keys_load(dir, ORIGIN, &keys, &e));
	assert_ok(
	    file_replace(path, STR("remit last signed v1\naudit.example/remit\n7\n"), 0600, NULL));
	assert_rc(signer_new(dir, &keys, &s, &e), RC_BROKEN);
	assert_int_equal(unlink(path), 0);
	assert_rc(signer_new(dir, &keys, &s, &e), RC_BROKEN);
	assert_non_null(strstr(e.msg, "rolled back"));
	assert_null(s);
	keeper_keys_fini(&keys);
}

static void what_cannot_be_recorded_is_not_signed(void **state)
{
	(void)state;
	struct fixture f;
	AUTO_BUF note = BUF_INIT(4096);
	struct err e = ERR_INIT;
	char path[160];

	create();
	open_fixture(&f);
	in_dir("last-signed.new", path); /* where the replacement is written first */
	assert_int_equal(mkdir(path, 0700), 0);
	assert_rc(sign(f.signer, &f.tree, 0, 5, &note, &e), RC_IO);
	assert_int_equal(note.n, 0);
	assert_rc(signer_probe(f.signer, &e), RC_IO);
	assert_int_equal(rmdir(path), 0);
	assert_ok(sign(f.signer, &f.tree, 0, 5, &note, &e));
	close_fixture(&f);
}

/* ---- The anchor: the record, kept apart ---- */

/* A second directory beside the first, as on another disk. */
static void make_anchor(char out[96])
{
	(void)snprintf(out, 96, "%s/anchor", place);
	assert_int_equal(mkdir(out, 0700), 0);
	assert_ok(keeper_keys_create(dir, out, ORIGIN, vkey_path, NULL));
}

static void a_second_instance_is_refused_before_it_can_sign(void **state)
{
	(void)state;
	struct fixture f;
	struct signer *second = NULL;
	struct err e = ERR_INIT;

	create();
	open_fixture(&f);
	assert_rc(signer_new(dir, &f.keys, &second, &e), RC_DENIED);
	assert_non_null(strstr(e.msg, "another instance"));
	close_fixture(&f);
	open_fixture(&f); /* control: the first is gone */
	close_fixture(&f);
}

static void an_anchor_elsewhere_outlives_an_old_copy_of_the_keys(void **state)
{
	(void)state;
	struct fixture f;
	char anchor[96];
	char path[160];
	AUTO_BUF note = BUF_INIT(4096);
	struct err e = ERR_INIT;

	make_anchor(anchor);
	in_dir("last-signed", path);
	assert_int_not_equal(access(path, F_OK), 0); /* it is not beside the keys */
	f.tree = (struct tree){.h = tlog_hasher_new(), .forked_at = UINT64_MAX};
	assert_ok(keeper_keys_load(dir, ORIGIN, &f.keys, NULL));
	assert_ok(signer_new(anchor, &f.keys, &f.signer, NULL));
	assert_ok(sign(f.signer, &f.tree, 0, 100, &note, &e));
	signer_free(f.signer);
	/* The keys' directory has not changed since: whatever copy of it starts next, the anchor
	 * knows. */
	assert_ok(signer_new(anchor, &f.keys, &f.signer, NULL));
	buf_reset(&note);
	assert_int_equal(signer_size(f.signer), 100);
	assert_rc(sign(f.signer, &f.tree, 0, 99, &note, &e), RC_DENIED);
	assert_non_null(strstr(e.msg, "rollback"));
	assert_int_equal(note.n, 0);
	close_fixture(&f);
	empty(anchor);
}

static void a_log_that_was_signed_does_not_begin_again(void **state)
{
	(void)state;
	static const struct record signed_once = {.size = 7};
	char anchor[96];
	struct err e = ERR_INIT;

	make_anchor(anchor);
	empty(dir); /* the state is lost, or was never here */
	assert_ok(
	    keeper_keys_create(dir, anchor, ORIGIN, vkey_path, NULL)); /* nothing was signed */
	empty(dir);
	assert_ok(record_store(anchor, ORIGIN, &signed_once, NULL));
	assert_rc(keeper_keys_create(dir, anchor, ORIGIN, vkey_path, &e), RC_DENIED);
	assert_non_null(strstr(e.msg, "7 leaves"));
	assert_int_not_equal(access(dir, F_OK), 0);
	assert_rc(keeper_keys_create(dir, anchor, STR("audit.example/other"), vkey_path, &e),
		  RC_BROKEN);
	empty(anchor);
}

static void another_logs_record_is_refused(void **state)
{
	(void)state;
	struct keeper_keys keys;
	struct signer *s = NULL;

	create();
	assert_ok(keeper_keys_load(dir, STR("audit.example/other"), &keys, NULL));
	assert_rc(signer_new(dir, &keys, &s, NULL), RC_BROKEN);
	keeper_keys_fini(&keys);
}

/* ---- Data keys ---- */

static void a_data_key_opens_for_its_task_only(void **state)
{
	(void)state;
	struct secret *wrapping = NULL;
	struct secret *other = NULL;
	struct secret *key = NULL;
	struct secret *opened = NULL;
	uint8_t w[WRAP_BYTES] = {0};
	uint8_t again[WRAP_BYTES];
	struct str wrapped = str_of(w, sizeof(w));

	assert_ok(secret_random(32, &wrapping, NULL));
	assert_ok(secret_random(32, &other, NULL));
	assert_ok(secret_random(32, &key, NULL));
	assert_ok(wrap_seal(wrapping, STR("t17"), key, w, NULL));
	assert_ok(wrap_seal(wrapping, STR("t17"), key, again, NULL));
	assert_memory_not_equal(w, again, sizeof(w)); /* a nonce is used once */
	assert_ok(wrap_open(wrapping, STR("t17"), wrapped, &opened, NULL));
	assert_true(secret_equal(key, opened));
	secret_free(opened);
	opened = NULL;
	assert_rc(wrap_open(wrapping, STR("t18"), wrapped, &opened, NULL), RC_DENIED);
	assert_rc(wrap_open(other, STR("t17"), wrapped, &opened, NULL), RC_DENIED);
	assert_rc(wrap_open(wrapping, STR("t17"), str_slice(wrapped, 0, 60), &opened, NULL),
		  RC_INPUT);
	for (size_t i = 0; i < sizeof(w) * 8; i++) {
		w[i / 8] ^= (uint8_t)(1u << (i % 8));
		assert_int_not_equal(wrap_open(wrapping, STR("t17"), wrapped, &opened, NULL),
				     RC_OK);
		w[i / 8] ^= (uint8_t)(1u << (i % 8));
	}
	assert_null(opened);
	secret_free(wrapping);
	secret_free(other);
	secret_free(key);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(keys_are_made_once_and_for_their_owner_only),
	    TEST(a_key_that_others_may_read_is_refused),
	    TEST(deleting_the_token_key_makes_a_new_one_and_no_other),
	    TEST(a_failed_creation_leaves_no_keys),
	    TEST(a_growing_log_is_signed_and_verifies),
	    TEST(a_rollback_is_refused_even_after_a_restart),
	    TEST(a_fork_is_refused),
	    TEST(malformed_requests_are_refused),
	    TEST(without_its_record_the_keeper_does_not_sign),
	    TEST(what_cannot_be_recorded_is_not_signed),
	    TEST(a_second_instance_is_refused_before_it_can_sign),
	    TEST(an_anchor_elsewhere_outlives_an_old_copy_of_the_keys),
	    TEST(a_log_that_was_signed_does_not_begin_again),
	    TEST(another_logs_record_is_refused),
	    TEST(a_data_key_opens_for_its_task_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
