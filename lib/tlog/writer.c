/* SPDX-License-Identifier: Apache-2.0 */
/* tlog/writer.c - append leaves to bundles and tiles, publish checkpoints.
 *
 * Trust:  leaf bytes are hostile in content; files in the directory were ours.
 * Holds:  (1) files are immutable: one that exists is what we would write, or we stop.
 *         (2) every file of a size is synced, and so is the way to it, before that size is
 *             published.
 *         (3) partials are removed only when their full tile is published.
 * States: OPEN -append-> OPEN -flush-> FLUSHED -publish-> OPEN;  any error -> BROKEN (refuse).
 */
#include <tlog.h>

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/vec.h"
#include "tlog/fold.h"
#include "tlog/unsynced.h"

enum {
	DIR_MODE = 0755, /* the log is public to whoever may enter its directory */
	FILE_MODE = 0644,
	WAYS = 32, /* directories remembered as synced into their parents */
};

/* The rightmost tile of a level. */
struct edge {
	uint64_t n;
	unsigned width;
	uint8_t bytes[TLOG_TILE_BYTES];
};

struct tlog_writer {
	char path[PATH_MAX - TLOG_PATH_BYTES - 8];
	struct tlog_hasher *hasher;
	uint64_t size;
	struct edge edges[TLOG_LEVELS];
	struct buf bundle; /* entries of the rightmost bundle */
	bool is_broken;
	bool is_flushed;   /* size and root below are on disk */
	bool is_published; /* and their checkpoint */
	struct tlog_hash root;
	VEC(struct tlog_resource) partials; /* directories of partials that may exist */
	struct tlog_hash ways[WAYS];	    /* hashes of their paths */
	size_t next_way;
	struct unsynced unsynced; /* what was written for leaves that are not flushed */
};

void tlog_writer_free(struct tlog_writer *w)
{
	if (w) {
		tlog_hasher_free(w->hasher);
		buf_fini(&w->bundle);
		vec_fini(&w->partials);
		unsynced_fini(&w->unsynced);
		mem_free(w);
	}
}

uint64_t tlog_writer_size(const struct tlog_writer *w)
{
	return w->size;
}

static enum rc full_path(const struct tlog_writer *w, const char *name, char ret[PATH_MAX],
			 struct err *e)
{
	int n = snprintf(ret, PATH_MAX, "%s/%s", w->path, name);

	if (n < 0 || n >= PATH_MAX) {
		FAIL(e, RC_LIMIT, "path is too long: '%s'", w->path);
	}
	return RC_OK;
}

/* Was this directory's entry in its parent synced by us? Remembers that it soon will be. */
static bool is_known_way(struct tlog_writer *w, const char *path)
{
	struct tlog_hash hash = tlog_leaf_hash(w->hasher, str_from(path));

	for (size_t i = 0; i < WAYS; i++) {
		if (tlog_hash_eq(&w->ways[i], &hash)) {
			return true;
		}
	}
	w->ways[w->next_way++ % WAYS] = hash;
	return false;
}

/* Makes the directories on the way to path (which has the writer's path in front). The parent of
 * each is to be synced, (2): of old ones too, since a run before may have died in between. */
static enum rc make_way(struct tlog_writer *w, const char *path, struct err *e)
{
	char at[PATH_MAX];
	size_t n = strlen(path);

	memcpy(at, path, n + 1);
	for (size_t i = strlen(w->path) + 1; i < n; i++) {
		char *slash;

		if (at[i] != '/') {
			continue;
		}
		at[i] = '\0';
		if (mkdir(at, DIR_MODE) != 0 && errno != EEXIST) {
			return err_set_sys(e, RC_IO, __func__, "cannot create directory '%s'", at);
		}
		if (!is_known_way(w, at)) {
			slash = strrchr(at, '/');
			*slash = '\0';
			TRY(unsynced_dir(&w->unsynced, at, e));
			*slash = '/';
		}
		at[i] = '/';
	}
	return RC_OK;
}

/* (1): writes the file, or finds it there as it should be. */
static enum rc put_file(struct tlog_writer *w, const char *name, struct str bytes, struct err *e)
{
	AUTO_BUF there = BUF_INIT(TLOG_BUNDLE_MAX_BYTES);
	struct err absent = ERR_INIT;
	char path[PATH_MAX];
	enum rc rc;

	TRY(full_path(w, name, path, e));
	rc = file_read(path, &there, &absent);
	if (rc == RC_OK) {
		if (!str_eq(buf_view(&there), bytes)) {
			FAIL(e, RC_BROKEN, "'%s' exists with other content", path);
		}
		/* Renamed by a run that may have died before it synced the directory. */
		TRY(make_way(w, path, e));
		*strrchr(path, '/') = '\0';
		return unsynced_dir(&w->unsynced, path, e);
	}
	if (rc != RC_ABSENT) {
		FAIL(e, rc, "%s", absent.msg);
	}
	TRY(make_way(w, path, e));
	return unsynced_put(&w->unsynced, path, bytes, FILE_MODE, e);
}

static enum rc put_tile(struct tlog_writer *w, unsigned level, struct err *e)
{
	const struct edge *edge = &w->edges[level];
	char name[TLOG_PATH_BYTES];

	tlog_tile_path(level, edge->n, edge->width, name);
	return put_file(w, name, str_of(edge->bytes, (size_t)edge->width * TLOG_HASH_BYTES), e);
}

static enum rc put_bundle(struct tlog_writer *w, struct err *e)
{
	char name[TLOG_PATH_BYTES];

	tlog_bundle_path(w->edges[0].n, w->edges[0].width, name);
	return put_file(w, name, buf_view(&w->bundle), e);
}

static enum rc note_partial(struct tlog_writer *w, bool is_bundle, unsigned level, struct err *e)
{
	struct tlog_resource r = {
	    .is_bundle = is_bundle, .level = level, .n = w->edges[level].n, .width = 1};

	for (size_t i = 0; i < w->partials.n; i++) {
		const struct tlog_resource *p = &w->partials.p[i];

		if (p->is_bundle == is_bundle && p->level == level && p->n == r.n) {
			return RC_OK;
		}
	}
	if (vec_push(&w->partials, r) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory to remember a partial tile");
	}
	return RC_OK;
}

/* ---- Open ---- */

static enum rc load_edges(struct tlog_writer *w, struct err *e)
{
	AUTO_TLOG_DIR d = NULL;

	TRY(tlog_dir_open(w->path, &d, e));
	tlog_dir_set_size(d, w->size);
	for (unsigned level = 0; level < TLOG_LEVELS; level++) {
		uint64_t hashes = w->size >> (8 * level);
		struct edge *edge = &w->edges[level];

		edge->n = hashes / TLOG_TILE_WIDTH;
		edge->width = (unsigned)(hashes % TLOG_TILE_WIDTH);
		if (edge->width == 0) {
			continue;
		}
		TRY(tlog_dir_read_tile(d, level, edge->n, edge->width, edge->bytes, e));
		TRY(note_partial(w, false, level, e));
	}
	if (w->edges[0].width > 0) {
		AUTO_BUF b = BUF_INIT(TLOG_BUNDLE_MAX_BYTES);
		struct reader r;
		struct str leaf;

		TRY(tlog_dir_read_bundle(d, w->edges[0].n, w->edges[0].width, &b, e));
		TRY(note_partial(w, true, 0, e));
		r = reader_of(buf_view(&b));
		/* What was read may be the full bundle of a later, unpublished size. */
		for (unsigned i = 0; i < w->edges[0].width; i++) {
			if (!tlog_bundle_next(&r, &leaf)) {
				FAIL(e, RC_BROKEN, "the last bundle of '%s' is malformed", w->path);
			}
			if (tlog_bundle_add(&w->bundle, leaf) != RC_OK) {
				FAIL(e, RC_NOMEM, "no memory for a bundle");
			}
		}
	}
	return RC_OK;
}

enum rc tlog_writer_open(const char *path, uint64_t published_size, struct tlog_writer **ret,
			 struct err *e)
{
	AUTO_TLOG_WRITER w = mem_calloc(1, sizeof(*w));
	size_t n = strlen(path);

	if (!w) {
		FAIL(e, RC_NOMEM, "no memory to write a log");
	}
	if (n == 0 || n >= sizeof(w->path)) {
		FAIL(e, RC_LIMIT, "path is empty or too long: '%s'", path);
	}
	memcpy(w->path, path, n + 1);
	w->bundle.max = TLOG_BUNDLE_MAX_BYTES;
	w->size = published_size;
	w->hasher = tlog_hasher_new();
	if (!w->hasher) {
		FAIL(e, RC_NOMEM, "no memory to write a log");
	}
	TRY(file_mkdirs(path, DIR_MODE, e));
	if (published_size > 0) {
		TRY(load_edges(w, e));
	}
	*ret = TAKE(w);
	return RC_OK;
}

/* ---- Append and flush ---- */

static enum rc append(struct tlog_writer *w, struct str leaf, struct err *e)
{
	struct tlog_hash hash = tlog_leaf_hash(w->hasher, leaf);

	if (leaf.n > TLOG_LEAF_MAX_BYTES) {
		FAIL(e, RC_LIMIT, "a leaf of %zu bytes; the format allows %d", leaf.n,
		     (int)TLOG_LEAF_MAX_BYTES);
	}
	if (tlog_bundle_add(&w->bundle, leaf) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a bundle");
	}
	w->is_flushed = false;
	w->is_published = false;
	w->size++;
	for (unsigned level = 0; level < TLOG_LEVELS; level++) {
		struct edge *edge = &w->edges[level];

		memcpy(edge->bytes + (size_t)edge->width * TLOG_HASH_BYTES, hash.bytes,
		       TLOG_HASH_BYTES);
		edge->width++;
		if (edge->width < TLOG_TILE_WIDTH) {
			return RC_OK;
		}
		if (level == 0) {
			TRY(put_bundle(w, e));
			buf_reset(&w->bundle);
		}
		TRY(put_tile(w, level, e));
		hash = fold_hashes(w->hasher, edge->bytes, 8);
		edge->width = 0;
		edge->n++;
	}
	return RC_OK;
}

/* Everything goes through here: one failure and the writer is done. */
static enum rc keep_or_break(struct tlog_writer *w, enum rc rc)
{
	if (rc != RC_OK) {
		w->is_broken = true;
	}
	return rc;
}

static enum rc refuse_if_broken(const struct tlog_writer *w, struct err *e)
{
	if (w->is_broken) {
		FAIL(e, RC_BROKEN, "writing the log failed earlier");
	}
	return RC_OK;
}

enum rc tlog_writer_append(struct tlog_writer *w, struct str leaf, struct err *e)
{
	TRY(refuse_if_broken(w, e));
	return keep_or_break(w, append(w, leaf, e));
}

/* From the edges alone: what lies left of them is folded into the levels above. */
static struct tlog_hash root_of_edges(const struct tlog_writer *w)
{
	struct tlog_hash root = {0};
	bool has = false;

	for (unsigned level = 0; level < TLOG_LEVELS; level++) {
		unsigned left = w->edges[level].width;

		while (left > 0) {
			unsigned log2 = (unsigned)__builtin_ctz(left);
			struct tlog_hash node;

			left &= left - 1;
			node = fold_hashes(w->hasher,
					   w->edges[level].bytes + (size_t)left * TLOG_HASH_BYTES,
					   log2);
			root = has ? tlog_node_hash(w->hasher, &node, &root) : node;
			has = true;
		}
	}
	return has ? root : tlog_empty_root(w->hasher);
}

static enum rc flush(struct tlog_writer *w, struct err *e)
{
	for (unsigned level = 0; level < TLOG_LEVELS; level++) {
		if (w->edges[level].width == 0) {
			continue;
		}
		if (level == 0) {
			TRY(note_partial(w, true, 0, e));
			TRY(put_bundle(w, e));
		}
		TRY(note_partial(w, false, level, e));
		TRY(put_tile(w, level, e));
	}
	TRY(unsynced_settle(&w->unsynced, e)); /* (2) */
	w->root = root_of_edges(w);
	w->is_flushed = true;
	return RC_OK;
}

enum rc tlog_writer_flush(struct tlog_writer *w, struct tlog_hash *ret_root, struct err *e)
{
	TRY(refuse_if_broken(w, e));
	if (!w->is_flushed) {
		TRY(keep_or_break(w, flush(w, e)));
	}
	*ret_root = w->root;
	return RC_OK;
}

/* ---- Publish ---- */

/* Best effort: a partial that stays is allowed, and is checked by the verifier like any other. */
static void remove_partials(const struct tlog_writer *w, const struct tlog_resource *r)
{
	char name[TLOG_PATH_BYTES];
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;
	char *slash;

	if (r->is_bundle) {
		tlog_bundle_path(r->n, 1, name);
	} else {
		tlog_tile_path(r->level, r->n, 1, name);
	}
	if (full_path(w, name, path, NULL) != RC_OK) {
		return;
	}
	slash = strrchr(path, '/');
	*slash = '\0'; /* "....p" */
	dir = opendir(path);
	if (!dir) {
		return;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.') {
			(void)unlinkat(dirfd(dir), entry->d_name, 0); /* see above */
		}
	}
	(void)closedir(dir); /* only read */
	(void)rmdir(path);   /* see above */
}

static void remove_old_partials(struct tlog_writer *w)
{
	size_t keep = 0;

	for (size_t i = 0; i < w->partials.n; i++) {
		struct tlog_resource r = w->partials.p[i];

		if (r.n < w->edges[r.level].n) {
			remove_partials(w, &r);
		} else {
			w->partials.p[keep++] = r;
		}
	}
	w->partials.n = keep;
}

enum rc tlog_writer_publish(struct tlog_writer *w, struct str note, const struct tlog_vkey *key,
			    struct err *e)
{
	struct tlog_checkpoint c;
	char path[PATH_MAX];

	TRY(refuse_if_broken(w, e));
	TRY(tlog_checkpoint_open(note, key, &c, e));
	if (!w->is_flushed || c.size != w->size || !tlog_hash_eq(&c.root, &w->root)) {
		FAIL(e, RC_INPUT,
		     "the checkpoint is of %ju leaves and not of the %ju that were flushed",
		     (uintmax_t)c.size, (uintmax_t)w->size);
	}
	TRY(full_path(w, "checkpoint", path, e));
	TRY(keep_or_break(w, file_replace(path, note, FILE_MODE, e)));
	w->is_published = true;
	remove_old_partials(w);
	return RC_OK;
}

enum rc tlog_writer_publish_witnessed(struct tlog_writer *w, struct str note,
				      const struct tlog_vkey *key, struct err *e)
{
	struct tlog_checkpoint c;
	char path[PATH_MAX];

	TRY(refuse_if_broken(w, e));
	TRY(tlog_checkpoint_open(note, key, &c, e));
	if (c.size > w->size) {
		FAIL(e, RC_INPUT, "a witnessed checkpoint of %ju leaves, which are not there",
		     (uintmax_t)c.size);
	}
	TRY(full_path(w, "checkpoint.witnessed", path, e));
	TRY(keep_or_break(w, file_replace(path, note, FILE_MODE, e)));
	if (!w->is_published || c.size != w->size || !tlog_hash_eq(&c.root, &w->root)) {
		return RC_OK;
	}
	TRY(full_path(w, "checkpoint", path, e));
	return keep_or_break(w, file_replace(path, note, FILE_MODE, e));
}
