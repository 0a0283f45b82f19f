/* SPDX-License-Identifier: Apache-2.0 */
/* governor/tiles.c - from durable leaves to a published checkpoint.
 *
 * Trust:  segments and tiles were ours and may be damaged; the note comes from the keeper.
 * Holds:  (1) a root is offered for signing only when three ways agree on it: the frontier that
 *             the sequencer kept, the writer's edges, and the files as they read back.
 *         (2) leaves come from the segments, never from memory.
 */
#include "governor/tiles.h"

#include <string.h>

#include "base/mem.h"

struct tiles {
	struct log_io io; /* of the segments */
	struct tlog_vkey key;
	struct tlog_dir *dir;
	struct tlog_hasher *hasher;
	struct tlog_writer *writer;
	struct segment_reader *reader; /* NULL until the first leaf is there */
	uint64_t published;
	uint64_t prepared; /* what was offered last; published at first */
};

void tiles_free(struct tiles *t)
{
	if (t) {
		tlog_dir_free(t->dir);
		tlog_hasher_free(t->hasher);
		tlog_writer_free(t->writer);
		segment_reader_free(t->reader);
		mem_free(t);
	}
}

/* The published checkpoint, and that the tiles still give its root. */
static enum rc read_published(struct tiles *t, struct err *e)
{
	AUTO_BUF note = BUF_INIT(TLOG_NOTE_MAX_BYTES);
	struct tlog_nodes nodes = tlog_dir_nodes(t->dir);
	struct tlog_checkpoint c;
	struct tlog_hash root;
	struct err why = ERR_INIT;
	enum rc rc = tlog_dir_read_checkpoint(t->dir, &note, &why);

	if (rc == RC_ABSENT) {
		return RC_OK; /* before the first */
	}
	if (rc != RC_OK) {
		FAIL(e, rc, "%s", why.msg);
	}
	rc = tlog_checkpoint_open(buf_view(&note), &t->key, &c, e);
	if (rc != RC_OK) {
		return err_wrap(e, rc, "published checkpoint");
	}
	tlog_dir_set_size(t->dir, c.size);
	TRY(tlog_root_at(t->hasher, &nodes, c.size, &root, e));
	if (!tlog_hash_eq(&root, &c.root)) {
		FAIL(e, RC_BROKEN, "the tiles do not give the root of the published checkpoint");
	}
	t->published = c.size;
	t->prepared = c.size;
	return RC_OK;
}

enum rc tiles_open(const char *path, const struct tlog_vkey *key, const struct log_io *io,
		   struct tiles **ret, struct err *e)
{
	AUTO_TILES t = mem_calloc(1, sizeof(*t));

	if (!t) {
		FAIL(e, RC_NOMEM, "no memory to publish tiles");
	}
	t->io = *io;
	t->key = *key;
	t->hasher = tlog_hasher_new();
	if (!t->hasher) {
		FAIL(e, RC_NOMEM, "no memory to publish tiles");
	}
	/* Makes the directory; opened again once it is known where to go on. */
	TRY(tlog_writer_open(path, 0, &t->writer, e));
	TRY(tlog_dir_open(path, &t->dir, e));
	TRY(read_published(t, e));
	if (t->published > 0) {
		tlog_writer_free(TAKE(t->writer));
		TRY(tlog_writer_open(path, t->published, &t->writer, e));
	}
	*ret = TAKE(t);
	return RC_OK;
}

uint64_t tiles_published_size(const struct tiles *t)
{
	return t->published;
}

static enum rc copy_leaves(struct tiles *t, uint64_t until, struct err *e)
{
	struct segment_leaf leaf;

	if (!t->reader) {
		TRY(segment_reader_open(&t->io, str_from(t->key.name), tlog_writer_size(t->writer),
					&t->reader, e));
	}
	while (tlog_writer_size(t->writer) < until) {
		uint64_t index = tlog_writer_size(t->writer);

		TRY(segment_reader_next(t->reader, until, &leaf, e));
		if (leaf.index != index) {
			FAIL(e, RC_BROKEN, "leaf %ju was read where leaf %ju belongs",
			     (uintmax_t)leaf.index, (uintmax_t)index);
		}
		TRY(tlog_writer_append(t->writer, leaf.bytes, e));
	}
	return RC_OK;
}

/* (1) */
static enum rc check_root(struct tiles *t, const struct segment_snapshot *durable, struct err *e)
{
	struct tlog_report report = {0};
	struct tlog_hash root;

	TRY(tlog_writer_flush(t->writer, &root, e));
	if (!tlog_hash_eq(&root, &durable->root)) {
		FAIL(e, RC_BROKEN,
		     "leaves read back give another root for size %ju than was kept in memory",
		     (uintmax_t)durable->size);
	}
	return tlog_verify_range(t->dir, t->published, durable->size, &durable->root, NULL, NULL,
				 &report, e);
}

enum rc tiles_prepare(struct tiles *t, const struct segment_snapshot *durable,
		      struct tiles_to_sign *ret, struct err *e)
{
	struct tiles_to_sign made = {
	    .size = durable->size, .root = durable->root, .old_size = t->published};

	if (durable->size < tlog_writer_size(t->writer)) {
		FAIL(e, RC_BROKEN, "%ju leaves are durable, and tiles of %ju exist",
		     (uintmax_t)durable->size, (uintmax_t)tlog_writer_size(t->writer));
	}
	if (durable->size > tlog_writer_size(t->writer)) {
		TRY(copy_leaves(t, durable->size, e));
	}
	TRY(check_root(t, durable, e));
	t->prepared = durable->size;
	TRY(tiles_prove(t, t->published, &made.consistency, e));
	*ret = made;
	return RC_OK;
}

enum rc tiles_prove(struct tiles *t, uint64_t old_size, struct tlog_proof *ret, struct err *e)
{
	struct tlog_nodes nodes = tlog_dir_nodes(t->dir);

	tlog_dir_set_size(t->dir, t->prepared);
	return tlog_prove_consistency(t->hasher, &nodes, old_size, t->prepared, ret, e);
}

enum rc tiles_root_at(struct tiles *t, uint64_t size, struct tlog_hash *ret, struct err *e)
{
	struct tlog_nodes nodes = tlog_dir_nodes(t->dir);

	if (size > t->published) {
		FAIL(e, RC_INPUT, "%ju leaves are not published", (uintmax_t)size);
	}
	tlog_dir_set_size(t->dir, t->published);
	return tlog_root_at(t->hasher, &nodes, size, ret, e);
}

enum rc tiles_publish(struct tiles *t, struct str note, struct err *e)
{
	TRY(tlog_writer_publish(t->writer, note, &t->key, e));
	t->published = tlog_writer_size(t->writer);
	return RC_OK;
}

enum rc tiles_prove_published(struct tiles *t, uint64_t old_size, uint64_t size,
			      struct tlog_proof *ret, struct err *e)
{
	struct tlog_nodes nodes = tlog_dir_nodes(t->dir);

	if (size > t->published) {
		FAIL(e, RC_INPUT, "%ju leaves are not published", (uintmax_t)size);
	}
	tlog_dir_set_size(t->dir, t->published);
	return tlog_prove_consistency(t->hasher, &nodes, old_size, size, ret, e);
}

enum rc tiles_publish_witnessed(struct tiles *t, struct str note, struct err *e)
{
	return tlog_writer_publish_witnessed(t->writer, note, &t->key, e);
}

/* The log's own signature is all that a receipt of ours needs: cosignatures come later, and may be
 * many. */
static enum rc add_plain(struct buf *b, struct str note, const struct tlog_vkey *key, struct err *e)
{
	struct tlog_note parsed;
	enum rc rc;

	TRY(tlog_note_parse(note, &parsed, e));
	rc = buf_addf(b, STR_FMT "\n", STR_ARG(parsed.text));
	for (size_t i = 0; i < parsed.n_signatures && rc == RC_OK; i++) {
		if (parsed.signatures[i].id == key->id &&
		    str_eq(parsed.signatures[i].name, str_from(key->name))) {
			rc = buf_addf(b, "\xE2\x80\x94 " STR_FMT " " STR_FMT "\n",
				      STR_ARG(parsed.signatures[i].name),
				      STR_ARG(parsed.signatures[i].base64));
		}
	}
	if (rc != RC_OK) {
		FAIL(e, RC_LIMIT, "no room for a checkpoint");
	}
	return RC_OK;
}

enum rc tiles_receipt(struct tiles *t, uint64_t index, struct buf *b, struct err *e)
{
	AUTO_BUF note = BUF_INIT(TLOG_NOTE_MAX_BYTES);
	AUTO_BUF plain = BUF_INIT(TLOG_NOTE_MAX_BYTES);
	struct tlog_nodes nodes = tlog_dir_nodes(t->dir);
	struct tlog_receipt r = {.index = index};

	if (index >= t->published) {
		FAIL(e, RC_ABSENT, "leaf %ju is under no published checkpoint yet",
		     (uintmax_t)index);
	}
	TRY(tlog_dir_read_checkpoint(t->dir, &note, e));
	TRY(add_plain(&plain, buf_view(&note), &t->key, e));
	tlog_dir_set_size(t->dir, t->published);
	TRY(tlog_prove_inclusion(t->hasher, &nodes, index, t->published, &r.path, e));
	r.checkpoint = buf_view(&plain);
	return tlog_receipt_print(&r, b, e);
}
