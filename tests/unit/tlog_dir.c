/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a log into a directory and checking it from there with the public key alone. */
#include "test.h"

#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tlog.h>

#include "base/file.h"

/* Thousands of whole verifications; a sanitizer makes each take ten times as long. */
#ifdef __SANITIZE_ADDRESS__
enum { FLIP_EVERY = 13 };
#else
enum { FLIP_EVERY = 1 };
#endif

static char dir[64];
static struct tlog_vkey key;
static const uint8_t seed[32] = {1};
static struct tlog_hasher *hasher;
static struct tlog_frontier frontier; /* the twin of what was written */
static bool stop_at_once;

static int make_dir(void **state)
{
	(void)state;
	/* Thousands of syncs: in memory where there is such a place. */
	(void)snprintf(dir, sizeof(dir), "%s/remit-tlog-XXXXXX",
		       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	hasher = tlog_hasher_new();
	frontier = (struct tlog_frontier){0};
	stop_at_once = false;
	return mkdtemp(dir) && hasher &&
		       tlog_vkey_from_seed(&key, STR("test.example/log"), TLOG_KEY_ED25519, seed,
					   NULL) == RC_OK
		   ? 0
		   : -1;
}

static int remove_dir(void **state)
{
	char command[128];

	(void)state;
	tlog_hasher_free(hasher);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static void grow(struct tlog_writer *w, uint64_t until)
{
	while (tlog_writer_size(w) < until) {
		uint64_t i = tlog_writer_size(w);
		struct tlog_hash hash;
		char text[32];
		struct str leaf =
		    str_of(text, (size_t)snprintf(text, sizeof(text), "leaf %ju", (uintmax_t)i));

		assert_ok(tlog_writer_append(w, leaf, NULL));
		if (frontier.size == i) {
			hash = tlog_leaf_hash(hasher, leaf);
			tlog_frontier_append(&frontier, hasher, &hash);
		}
	}
}

static void sign(uint64_t size, const struct tlog_hash *root, struct buf *note)
{
	AUTO_BUF text = BUF_INIT(1024);
	struct tlog_checkpoint c = {.origin = str_from(key.name), .size = size, .root = *root};

	assert_ok(tlog_checkpoint_print(&c, &text, NULL));
	assert_ok(tlog_note_sign(note, buf_view(&text), &key, seed, NULL));
}

static void publish(struct tlog_writer *w)
{
	AUTO_BUF note = BUF_INIT(4096);
	struct tlog_hash root;
	struct tlog_hash want = tlog_frontier_root(&frontier, hasher);

	assert_ok(tlog_writer_flush(w, &root, NULL));
	assert_int_equal(frontier.size, tlog_writer_size(w));
	assert_true(tlog_hash_eq(&root, &want));
	sign(tlog_writer_size(w), &root, &note);
	assert_ok(tlog_writer_publish(w, buf_view(&note), &key, NULL));
}

static void write_log(uint64_t size)
{
	AUTO_TLOG_WRITER w = NULL;

	assert_ok(tlog_writer_open(dir, 0, &w, NULL));
	grow(w, size);
	publish(w);
}

static void verify(void)
{
	struct tlog_report report;
	struct err e = ERR_INIT;

	if (tlog_verify_dir(dir, &key, NULL, NULL, &report, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	assert_int_equal(report.n_faults, 0);
	assert_int_equal(report.size, frontier.size);
	assert_int_equal(report.leaves, frontier.size);
}

static bool exists(const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

static void an_empty_log_is_published_and_verifies(void **state)
{
	(void)state;
	write_log(0);
	verify();
	assert_false(exists("tile"));
}

static void a_log_has_the_files_of_the_specification(void **state)
{
	(void)state;
	write_log(600);
	verify();
	assert_true(exists("tile/0/000"));
	assert_true(exists("tile/0/001"));
	assert_true(exists("tile/0/002.p/88"));
	assert_true(exists("tile/1/000.p/2"));
	assert_true(exists("tile/entries/000"));
	assert_true(exists("tile/entries/002.p/88"));
	assert_false(exists("tile/2"));
}

static void a_writer_goes_on_from_every_published_size(void **state)
{
	(void)state;
	static const uint64_t sizes[] = {1, 2, 3, 255, 256, 257, 511, 512, 513, 700};

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		AUTO_TLOG_WRITER w = NULL;

		assert_ok(tlog_writer_open(dir, i ? sizes[i - 1] : 0, &w, NULL));
		grow(w, sizes[i]);
		publish(w);
		verify();
	}
	/* Partials are there for what was published, until the full tile is. */
	assert_false(exists("tile/0/000.p"));
	assert_false(exists("tile/entries/000.p"));
}

static void one_writer_publishes_many_sizes(void **state)
{
	(void)state;
	AUTO_TLOG_WRITER w = NULL;

	assert_ok(tlog_writer_open(dir, 0, &w, NULL));
	for (uint64_t size = 7; size < 1000; size += 61) {
		grow(w, size);
		publish(w);
	}
	verify();
	assert_true(exists("tile/1/000.p/1"));
	assert_false(exists("tile/0/002.p"));
}

static void an_interrupted_run_is_repeated_and_gives_the_same_bytes(void **state)
{
	(void)state;
	{
		AUTO_TLOG_WRITER w = NULL;
		struct tlog_hash root;

		write_log(300);
		assert_ok(tlog_writer_open(dir, 300, &w, NULL));
		grow(w, 900);
		assert_ok(tlog_writer_flush(w, &root, NULL)); /* and dies before publishing */
	}
	{
		AUTO_TLOG_WRITER w = NULL;

		assert_ok(tlog_writer_open(dir, 300, &w, NULL));
		grow(w, 950);
		frontier.size = 950; /* grow() counted it once already */
		assert_int_equal(tlog_writer_size(w), 950);
	}
	assert_true(exists("tile/0/002"));
}

static void a_file_with_other_content_is_not_written_over(void **state)
{
	(void)state;
	AUTO_TLOG_WRITER w = NULL;
	struct tlog_hash root;

	{
		AUTO_TLOG_WRITER other = NULL;

		assert_ok(tlog_writer_open(dir, 0, &other, NULL));
		assert_ok(tlog_writer_append(other, STR("something else"), NULL));
		assert_ok(tlog_writer_flush(other, &root, NULL));
	}
	assert_ok(tlog_writer_open(dir, 0, &w, NULL));
	grow(w, 1);
	assert_rc(tlog_writer_flush(w, &root, NULL), RC_BROKEN);
	assert_rc(tlog_writer_append(w, STR("more"), NULL), RC_BROKEN);
}

static void only_the_checkpoint_that_was_flushed_is_published(void **state)
{
	(void)state;
	AUTO_TLOG_WRITER w = NULL;
	AUTO_BUF wrong_root = BUF_INIT(4096);
	AUTO_BUF note = BUF_INIT(4096);
	struct tlog_vkey other;
	struct tlog_hash root;

	assert_ok(tlog_writer_open(dir, 0, &w, NULL));
	grow(w, 10);
	assert_ok(tlog_writer_flush(w, &root, NULL));
	sign(10, &root, &note);
	assert_ok(tlog_vkey_from_seed(&other, STR("test.example/log"), TLOG_KEY_ED25519,
				      (const uint8_t[32]){9}, NULL));
	assert_rc(tlog_writer_publish(w, buf_view(&note), &other, NULL), RC_DENIED);
	root.bytes[0] ^= 1;
	sign(10, &root, &wrong_root);
	assert_rc(tlog_writer_publish(w, buf_view(&wrong_root), &key, NULL), RC_INPUT);
	grow(w, 11);
	assert_rc(tlog_writer_publish(w, buf_view(&note), &key, NULL), RC_INPUT);
	assert_false(exists("checkpoint"));
}

static void proofs_from_tiles_hold(void **state)
{
	(void)state;
	AUTO_TLOG_DIR d = NULL;
	struct tlog_hash root;
	struct tlog_hash old_root;
	struct tlog_nodes nodes;
	struct tlog_proof p;

	write_log(70000);
	assert_ok(tlog_dir_open(dir, &d, NULL));
	tlog_dir_set_size(d, 70000);
	nodes = tlog_dir_nodes(d);
	root = tlog_frontier_root(&frontier, hasher);
	for (uint64_t i = 0; i < 70000; i += 6999) {
		AUTO_BUF leaf = BUF_INIT(64);
		struct tlog_hash hash;

		assert_ok(tlog_dir_read_leaf(d, i, &leaf, NULL));
		hash = tlog_leaf_hash(hasher, buf_view(&leaf));
		assert_ok(tlog_prove_inclusion(hasher, &nodes, i, 70000, &p, NULL));
		assert_true(tlog_inclusion_holds(hasher, &p, i, 70000, &hash, &root));
		assert_ok(tlog_root_at(hasher, &nodes, i, &old_root, NULL));
		assert_ok(tlog_prove_consistency(hasher, &nodes, i, 70000, &p, NULL));
		assert_true(tlog_consistency_holds(hasher, &p, i, &old_root, 70000, &root));
	}
	assert_true(exists("tile/0/273.p/112"));
	assert_true(exists("tile/1/000"));
	assert_true(exists("tile/1/001.p/17"));
	assert_true(exists("tile/2/000.p/1"));
	verify();
}

static void flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x20;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	(void)close(fd);
}

/* Flips each byte of one file; the first fault must name it. */
static size_t flip_all(const char *path, off_t size)
{
	const char *name = path + strlen(dir) + 1;
	bool is_tile = str_has_prefix(str_from(name), STR("tile/")) &&
		       !str_has_prefix(str_from(name), STR("tile/entries"));

	for (off_t at = 0; at < size; at += FLIP_EVERY) {
		struct tlog_report report;
		struct err e = ERR_INIT;

		flip(path, at);
		if (tlog_verify_dir(dir, &key, NULL, NULL, &report, &e) != RC_BROKEN) {
			fail_msg("byte %jd of '%s' was not noticed", (intmax_t)at, name);
		}
		flip(path, at);
		if (strcmp(report.faults[0].file, name) != 0) {
			fail_msg("byte %jd of '%s' was blamed on '%s': %s", (intmax_t)at, name,
				 report.faults[0].file, report.faults[0].what);
		}
		assert_true(report.faults[0].offset <= (uint64_t)at);
		if (is_tile && !strstr(name, "001.p/1")) { /* an old partial is compared by bytes */
			assert_int_equal(report.faults[0].offset, at / 32 * 32);
		}
	}
	return (size_t)size;
}

static void every_changed_byte_of_a_log_is_found_and_blamed_on_its_file(void **state)
{
	(void)state;
	char *paths[] = {dir, NULL};
	size_t bytes = 0;
	FTSENT *entry;
	FTS *fts;

	{
		AUTO_TLOG_WRITER w = NULL;

		assert_ok(tlog_writer_open(dir, 0, &w, NULL));
		grow(w, 257); /* an old partial stays beside the new one */
		publish(w);
		grow(w, 262);
		publish(w);
	}
	verify();
	assert_true(exists("tile/entries/001.p/1"));
	fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	assert_non_null(fts);
	while ((entry = fts_read(fts))) {
		if (entry->fts_info == FTS_F) {
			bytes += flip_all(entry->fts_path, entry->fts_statp->st_size);
		}
	}
	(void)fts_close(fts);
	assert_true(bytes > 10000);
	verify();
}

static void missing_cut_and_foreign_files_are_found(void **state)
{
	(void)state;
	static const char *const names[] = {"tile/0/000", "tile/entries/000", "tile/1/000.p/1",
					    "tile/0/001.p/4", "checkpoint"};
	struct tlog_report report;
	char path[256];
	char away[256];

	write_log(260);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)snprintf(away, sizeof(away), "%s/away", dir);
		assert_int_equal(rename(path, away), 0);
		assert_rc(tlog_verify_dir(dir, &key, NULL, NULL, &report, NULL), RC_BROKEN);
		assert_string_equal(report.faults[0].file, names[i]);
		assert_int_equal(rename(away, path), 0);
	}
	verify();
	(void)snprintf(path, sizeof(path), "%s/tile/0/000", dir);
	assert_int_equal(truncate(path, 8191), 0);
	assert_rc(tlog_verify_dir(dir, &key, NULL, NULL, &report, NULL), RC_BROKEN);
	assert_string_equal(report.faults[0].file, "tile/0/000");
	assert_int_equal(truncate(path, 8192), 0); /* a zero where the last byte was */
	assert_rc(tlog_verify_dir(dir, &key, NULL, NULL, &report, NULL), RC_BROKEN);
	assert_int_equal(report.faults[0].index, 255);
	assert_int_equal(report.faults[0].offset, 8160);
}

static void a_foreign_file_is_reported(void **state)
{
	(void)state;
	struct tlog_report report;
	char path[256];

	write_log(3);
	(void)snprintf(path, sizeof(path), "%s/tile/0/notes.txt", dir);
	assert_ok(file_replace(path, STR("x"), 0600, NULL));
	assert_rc(tlog_verify_dir(dir, &key, NULL, NULL, &report, NULL), RC_BROKEN);
	assert_string_equal(report.faults[0].file, "tile/0/notes.txt");
}

static void a_checkpoint_of_another_root_is_found(void **state)
{
	(void)state;
	AUTO_BUF note = BUF_INIT(4096);
	struct tlog_hash root;
	struct tlog_report report;
	char path[256];

	write_log(5);
	root = tlog_frontier_root(&frontier, hasher);
	root.bytes[31] ^= 1;
	sign(5, &root, &note);
	(void)snprintf(path, sizeof(path), "%s/checkpoint", dir);
	assert_ok(file_replace(path, buf_view(&note), 0600, NULL));
	assert_rc(tlog_verify_dir(dir, &key, NULL, NULL, &report, NULL), RC_BROKEN);
	assert_string_equal(report.faults[0].file, "checkpoint");
}

static bool on_progress(void *ctx, uint64_t done, uint64_t size)
{
	uint64_t *last = ctx;

	assert_true(done > *last && done <= size);
	*last = done;
	return !stop_at_once;
}

static void progress_is_told_and_can_stop(void **state)
{
	(void)state;
	struct tlog_report report;
	uint64_t last = 0;

	write_log(600);
	assert_ok(tlog_verify_dir(dir, &key, on_progress, &last, &report, NULL));
	assert_int_equal(last, 600);
	stop_at_once = true;
	last = 0;
	assert_rc(tlog_verify_dir(dir, &key, on_progress, &last, &report, NULL), RC_AGAIN);
	assert_int_equal(last, 256);
}

/* ---- The published vectors, as files ---- */

static void assert_file(const char *name, struct str want)
{
	AUTO_BUF got = BUF_INIT(65536);
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_ok(file_read(path, &got, NULL));
	if (!str_eq(buf_view(&got), want)) {
		fail_msg("'%s' has other bytes", name);
	}
}

#define VECTOR_TEXT "audit.example/gw1\n3\nWqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=\n"
#define VECTOR_LOG                                                                                 \
	"\xE2\x80\x94 audit.example/gw1 "                                                          \
	"qdfT7cscp8USUpy65HFpxhMgXzT4wttv6iO2meEnpDc6HiEMuLK54duCXbH"                              \
	"s/ZXboVeYGXPQz8uH03Vj2gqCCFvWFwo=\n"
#define VECTOR_WITNESS                                                                             \
	"\xE2\x80\x94 witness.example/w1 "                                                         \
	"IDJKvgAAAABlU/EAhIYkqakWwe22L7AD+siuTVajFl60qtJ1dlJ2LLHjU9"                               \
	"QlmNFtuKPpVKxUnDVKtkbML9bub6/kMSInmKVloLi/Dw==\n"

static void the_log_of_the_vectors_has_their_bytes(void **state)
{
	(void)state;
	static const char *const entries[] = {"one", "two", "three"};
	AUTO_TLOG_WRITER w = NULL;
	AUTO_TLOG_DIR d = NULL;
	AUTO_BUF note = BUF_INIT(4096);
	AUTO_BUF tile = BUF_INIT(4096);
	AUTO_BUF receipt = BUF_INIT(8192);
	struct tlog_checkpoint c = {.origin = STR("audit.example/gw1"), .size = 3};
	struct tlog_receipt r = {.index = 1};
	struct tlog_vkey log_key;
	struct tlog_vkey witness_key;
	struct tlog_nodes nodes;
	uint8_t log_seed[32];
	uint8_t witness_seed[32];

	for (unsigned i = 0; i < 32; i++) {
		log_seed[i] = (uint8_t)i;
		witness_seed[i] = (uint8_t)(32 + i);
	}
	assert_ok(tlog_vkey_from_seed(&log_key, c.origin, TLOG_KEY_ED25519, log_seed, NULL));
	assert_ok(tlog_vkey_from_seed(&witness_key, STR("witness.example/w1"), TLOG_KEY_COSIGNATURE,
				      witness_seed, NULL));
	assert_ok(tlog_writer_open(dir, 0, &w, NULL));
	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		struct tlog_hash hash = tlog_leaf_hash(hasher, str_from(entries[i]));

		assert_ok(tlog_writer_append(w, str_from(entries[i]), NULL));
		assert_ok(buf_add(&tile, str_of(hash.bytes, sizeof(hash.bytes))));
	}
	assert_ok(tlog_writer_flush(w, &c.root, NULL));
	assert_file("tile/entries/000.p/3", str_of("\0\3one\0\3two\0\5three", 17));
	assert_file("tile/0/000.p/3", buf_view(&tile)); /* hashes of the vectors: tlog_proof.c */
	assert_ok(tlog_note_sign(&note, STR(VECTOR_TEXT), &log_key, log_seed, NULL));
	assert_ok(tlog_writer_publish(w, buf_view(&note), &log_key, NULL));
	assert_file("checkpoint", STR(VECTOR_TEXT "\n" VECTOR_LOG));
	assert_ok(tlog_note_cosign(&note, STR(VECTOR_TEXT), &witness_key, witness_seed, 1700000000,
				   NULL));
	assert_ok(tlog_writer_publish_witnessed(w, buf_view(&note), &log_key, NULL));
	assert_file("checkpoint", STR(VECTOR_TEXT "\n" VECTOR_LOG VECTOR_WITNESS));
	assert_file("checkpoint.witnessed", STR(VECTOR_TEXT "\n" VECTOR_LOG VECTOR_WITNESS));
	assert_ok(tlog_dir_open(dir, &d, NULL));
	tlog_dir_set_size(d, 3);
	nodes = tlog_dir_nodes(d);
	assert_ok(tlog_prove_inclusion(hasher, &nodes, r.index, 3, &r.path, NULL));
	r.checkpoint = buf_view(&note);
	assert_ok(tlog_receipt_print(&r, &receipt, NULL));
	assert_str(buf_view(&receipt), "c2sp.org/tlog-proof@v1\n"
				       "index 1\n"
				       "0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek=\n"
				       "Zx8UbF5HHooag6PCFM5LqQe486WIjRTMjNPOdbsS75Q=\n"
				       "\n" VECTOR_TEXT "\n" VECTOR_LOG VECTOR_WITNESS);
}

static void a_witnessed_checkpoint_never_takes_the_place_of_a_newer_one(void **state)
{
	(void)state;
	AUTO_TLOG_WRITER w = NULL;
	AUTO_BUF old = BUF_INIT(4096);
	AUTO_BUF newer = BUF_INIT(4096);
	AUTO_BUF beyond = BUF_INIT(4096);
	struct tlog_hash root;

	assert_ok(tlog_writer_open(dir, 0, &w, NULL));
	grow(w, 3);
	publish(w);
	root = tlog_frontier_root(&frontier, hasher);
	sign(3, &root, &old);
	grow(w, 5);
	/* Between two checkpoints: the last one stays what is published. */
	assert_ok(tlog_writer_publish_witnessed(w, buf_view(&old), &key, NULL));
	assert_file("checkpoint.witnessed", buf_view(&old));
	publish(w);
	root = tlog_frontier_root(&frontier, hasher);
	sign(5, &root, &newer);
	assert_ok(tlog_writer_publish_witnessed(w, buf_view(&old), &key, NULL));
	assert_file("checkpoint", buf_view(&newer));
	sign(6, &root, &beyond);
	assert_rc(tlog_writer_publish_witnessed(w, buf_view(&beyond), &key, NULL), RC_INPUT);
	assert_file("checkpoint.witnessed", buf_view(&old));
	verify();
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_DIR(the_log_of_the_vectors_has_their_bytes),
	    IN_DIR(a_witnessed_checkpoint_never_takes_the_place_of_a_newer_one),
	    IN_DIR(an_empty_log_is_published_and_verifies),
	    IN_DIR(a_log_has_the_files_of_the_specification),
	    IN_DIR(a_writer_goes_on_from_every_published_size),
	    IN_DIR(one_writer_publishes_many_sizes),
	    IN_DIR(an_interrupted_run_is_repeated_and_gives_the_same_bytes),
	    IN_DIR(a_file_with_other_content_is_not_written_over),
	    IN_DIR(only_the_checkpoint_that_was_flushed_is_published),
	    IN_DIR(proofs_from_tiles_hold),
	    IN_DIR(every_changed_byte_of_a_log_is_found_and_blamed_on_its_file),
	    IN_DIR(missing_cut_and_foreign_files_are_found),
	    IN_DIR(a_foreign_file_is_reported),
	    IN_DIR(a_checkpoint_of_another_root_is_found),
	    IN_DIR(progress_is_told_and_can_stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
