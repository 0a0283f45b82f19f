/* SPDX-License-Identifier: Apache-2.0 */
/* tests/cli/make_log.c - a small log for scripts: make-log [--witnessed N:M] DIR SIZE INDEX...
 *
 * Writes DIR/log (tiles, bundles, checkpoint), DIR/log.vkey and DIR/receipt.INDEX for each INDEX;
 * with --witnessed also a checkpoint of the first N leaves that M witnesses cosigned, and
 * DIR/policy, which wants two of three. A log that is there grows. With --other before DIR the
 * leaves are others.
 */
#include <stdio.h>
#include <string.h>
#include <tlog.h>

#include "base/file.h"
#include "base/num.h"

static const uint8_t seed[32] = {7};

static const char *type = "leaf";

static enum rc write_leaves(struct tlog_writer *w, uint64_t size, struct err *e)
{
	for (uint64_t i = tlog_writer_size(w); i < size; i++) {
		AUTO_BUF leaf = BUF_INIT(256);

		TRY(buf_addf(&leaf, "{\"i\":%ju,\"type\":\"%s\"}", (uintmax_t)i, type));
		TRY(tlog_writer_append(w, buf_view(&leaf), e));
	}
	return RC_OK;
}

static enum rc write_log(const char *dir, uint64_t size, const struct tlog_vkey *key,
			 struct buf *note, struct err *e)
{
	AUTO_TLOG_WRITER w = NULL;
	AUTO_BUF text = BUF_INIT(1024);
	struct tlog_checkpoint c = {.origin = str_from(key->name), .size = size};

	TRY(tlog_writer_open(dir, 0, &w, e));
	TRY(write_leaves(w, size, e));
	TRY(tlog_writer_flush(w, &c.root, e));
	TRY(tlog_checkpoint_print(&c, &text, e));
	TRY(tlog_note_sign(note, buf_view(&text), key, seed, e));
	return tlog_writer_publish(w, buf_view(note), key, e);
}

static enum rc write_receipt(const char *dir, const char *log, const char *index, uint64_t size,
			     struct str note, struct err *e)
{
	AUTO_TLOG_DIR d = NULL;
	AUTO_TLOG_HASHER h = tlog_hasher_new();
	AUTO_BUF text = BUF_INIT(65536);
	struct tlog_receipt r = {.checkpoint = note};
	struct tlog_nodes nodes;
	char path[4096];

	if (!h || !num_u64(str_from(index), size, &r.index)) {
		FAIL(e, RC_INPUT, "'%s' is no index", index);
	}
	TRY(tlog_dir_open(log, &d, e));
	tlog_dir_set_size(d, size);
	nodes = tlog_dir_nodes(d);
	TRY(tlog_prove_inclusion(h, &nodes, r.index, size, &r.path, e));
	TRY(tlog_receipt_print(&r, &text, e));
	(void)snprintf(path, sizeof(path), "%s/receipt.%s", dir,
		       index); /* a cut path fails below */
	return file_replace(path, buf_view(&text), 0644, e);
}

enum { WITNESSES = 3, COSIGNED_AT = 1700000000 };

static enum rc witness_key(unsigned i, uint8_t ret_seed[32], struct tlog_vkey *ret, struct err *e)
{
	char name[32];

	memset(ret_seed, (int)(100 + i), 32);
	(void)snprintf(name, sizeof(name), "witness%u.example", i); /* fits */
	return tlog_vkey_from_seed(ret, str_from(name), TLOG_KEY_COSIGNATURE, ret_seed, e);
}

static enum rc write_policy(const char *dir, const struct tlog_vkey *key, struct err *e)
{
	AUTO_BUF b = BUF_INIT(65536);
	char path[4096];

	TRY(buf_add(&b, STR("log ")));
	TRY(tlog_vkey_print(key, &b));
	for (unsigned i = 0; i < WITNESSES; i++) {
		struct tlog_vkey witness;
		uint8_t unused[32];

		TRY(witness_key(i, unused, &witness, e));
		TRY(buf_addf(&b, "\nwitness w%u ", i));
		TRY(tlog_vkey_print(&witness, &b));
	}
	TRY(buf_add(&b, STR("\ngroup all 2 w0 w1 w2\nquorum all\n")));
	(void)snprintf(path, sizeof(path), "%s/policy", dir); /* a cut path fails below */
	return file_replace(path, buf_view(&b), 0644, e);
}

static enum rc write_witnessed(const char *log, uint64_t size, uint64_t witnessed,
			       uint64_t cosigners, const struct tlog_vkey *key, struct err *e)
{
	AUTO_TLOG_DIR d = NULL;
	AUTO_TLOG_HASHER h = tlog_hasher_new();
	AUTO_BUF text = BUF_INIT(1024);
	AUTO_BUF note = BUF_INIT(4096);
	struct tlog_checkpoint c = {.origin = str_from(key->name), .size = witnessed};
	struct tlog_nodes nodes;
	char path[4200];

	if (!h) {
		FAIL(e, RC_NOMEM, "no memory");
	}
	TRY(tlog_dir_open(log, &d, e));
	tlog_dir_set_size(d, size);
	nodes = tlog_dir_nodes(d);
	TRY(tlog_root_at(h, &nodes, witnessed, &c.root, e));
	TRY(tlog_checkpoint_print(&c, &text, e));
	TRY(tlog_note_sign(&note, buf_view(&text), key, seed, e));
	for (unsigned i = 0; i < cosigners && i < WITNESSES; i++) {
		struct tlog_vkey witness;
		uint8_t its_seed[32];

		TRY(witness_key(i, its_seed, &witness, e));
		TRY(tlog_note_cosign(&note, buf_view(&text), &witness, its_seed, COSIGNED_AT, e));
	}
	(void)snprintf(path, sizeof(path), "%s/checkpoint.witnessed", log); /* the same */
	return file_replace(path, buf_view(&note), 0644, e);
}

static enum rc run(int argc, char **argv, struct err *e)
{
	uint64_t witnessed = 0;
	uint64_t cosigners = 0;
	AUTO_BUF vkey = BUF_INIT(1024);
	AUTO_BUF note = BUF_INIT(4096);
	struct tlog_vkey key;
	char path[4096];
	char log[4096];
	uint64_t size;

	if (argc > 2 && !strcmp(argv[1], "--witnessed")) {
		struct str rest = str_from(argv[2]);

		if (!num_u64(str_cut(&rest, ':'), 1000000, &witnessed) ||
		    !num_u64(rest, WITNESSES, &cosigners)) {
			FAIL(e, RC_INPUT, "--witnessed N:M");
		}
		argc -= 2;
		argv += 2;
	}
	if (argc < 3 || !num_u64(str_from(argv[2]), 1000000, &size)) {
		FAIL(e, RC_INPUT, "usage: make-log [--witnessed N:M] DIR SIZE INDEX...");
	}
	(void)snprintf(path, sizeof(path), "%s/log.vkey", argv[1]); /* a cut path fails below */
	(void)snprintf(log, sizeof(log), "%s/log", argv[1]);	    /* the same */
	TRY(tlog_vkey_from_seed(&key, STR("test.example/by-hand"), TLOG_KEY_ED25519, seed, e));
	TRY(tlog_vkey_print(&key, &vkey));
	TRY(buf_add_char(&vkey, '\n'));
	TRY(file_mkdirs(log, 0755, e));
	TRY(file_replace(path, buf_view(&vkey), 0644, e));
	TRY(write_log(log, size, &key, &note, e));
	if (witnessed) {
		TRY(write_policy(argv[1], &key, e));
		TRY(write_witnessed(log, size, witnessed, cosigners, &key, e));
	}
	for (int i = 3; i < argc; i++) {
		TRY(write_receipt(argv[1], log, argv[i], size, buf_view(&note), e));
	}
	return RC_OK;
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;

	if (argc > 1 && !strcmp(argv[1], "--other")) {
		type = "other";
		argc--;
		argv++;
	}
	if (run(argc, argv, &e) != RC_OK) {
		fprintf(stderr, "make-log: %s\n", e.msg);
		return 99;
	}
	return 0;
}
