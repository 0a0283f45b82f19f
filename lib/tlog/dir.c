/* SPDX-License-Identifier: Apache-2.0 */
/* tlog/dir.c - read tiles and bundles of a log from its directory.
 *
 * Trust:  files are hostile: lengths are checked, contents are the caller's question.
 * Holds:  (1) a held tile is what tile n of its level has in a tree of d->size.
 */
#include "tlog/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "tlog/fold.h"

struct held_tile {
	unsigned width; /* 0 = none */
	uint64_t n;
	uint8_t bytes[TLOG_TILE_BYTES];
};

struct tlog_dir {
	int fd;
	uint64_t size;
	struct tlog_hasher *hasher;
	struct held_tile held[TLOG_LEVELS];
};

enum rc tlog_dir_open(const char *path, struct tlog_dir **ret, struct err *e)
{
	AUTO_TLOG_DIR d = mem_calloc(1, sizeof(*d));

	if (!d) {
		FAIL(e, RC_NOMEM, "no memory to read a log");
	}
	d->hasher = tlog_hasher_new();
	d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd < 0) {
		return err_set_sys(e, errno == ENOENT ? RC_ABSENT : RC_IO, __func__,
				   "cannot open directory '%s'", path);
	}
	if (!d->hasher) {
		FAIL(e, RC_NOMEM, "no memory to read a log");
	}
	*ret = TAKE(d);
	return RC_OK;
}

void tlog_dir_free(struct tlog_dir *d)
{
	if (d) {
		file_close(d->fd);
		tlog_hasher_free(d->hasher);
		mem_free(d);
	}
}

struct tlog_hasher *dir_hasher(struct tlog_dir *d)
{
	return d->hasher;
}

uint64_t dir_size(const struct tlog_dir *d)
{
	return d->size;
}

void tlog_dir_set_size(struct tlog_dir *d, uint64_t size)
{
	d->size = size;
	for (unsigned v = 0; v < TLOG_LEVELS; v++) {
		d->held[v].width = 0;
	}
}

/* Appends a whole file. */
static enum rc read_file(struct tlog_dir *d, const char *name, struct buf *b, struct err *e)
{
	AUTO_FD fd = openat(d->fd, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		return err_set_sys(e, errno == ENOENT || errno == ENOTDIR ? RC_ABSENT : RC_IO,
				   __func__, "cannot open '%s'", name);
	}
	for (;;) {
		char extra;
		size_t room = b->max - b->n < 65536 ? b->max - b->n : 65536;
		ssize_t got;

		if (buf_reserve(b, room) != RC_OK) {
			FAIL(e, RC_NOMEM, "no memory to read '%s'", name);
		}
		got = room ? read(fd, b->p + b->n, room) : read(fd, &extra, 1);
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0) {
			return err_set_sys(e, RC_IO, __func__, "cannot read '%s'", name);
		}
		if (got == 0) {
			return RC_OK;
		}
		if (room == 0) {
			FAIL(e, RC_LIMIT, "'%s' is longer than it can be", name);
		}
		b->n += (size_t)got;
	}
}

static void path_of(const struct tlog_resource *r, unsigned width, char ret[TLOG_PATH_BYTES])
{
	if (r->is_bundle) {
		tlog_bundle_path(r->n, width, ret);
	} else {
		tlog_tile_path(r->level, r->n, width, ret);
	}
}

enum rc dir_read(struct tlog_dir *d, const struct tlog_resource *r, struct buf *b,
		 char used[TLOG_PATH_BYTES], struct err *e)
{
	char partial[TLOG_PATH_BYTES];
	size_t before = b->n;
	enum rc rc;

	path_of(r, r->width, used);
	rc = read_file(d, used, b, e);
	if (rc != RC_ABSENT || r->width == TLOG_TILE_WIDTH) {
		return rc;
	}
	memcpy(partial, used, sizeof(partial));
	b->n = before;
	path_of(r, TLOG_TILE_WIDTH, used);
	rc = read_file(d, used, b, e);
	if (rc == RC_ABSENT) {
		memcpy(used, partial, sizeof(partial)); /* that is the one that is missing */
		FAIL(e, RC_ABSENT, "'%s' is missing", used);
	}
	return rc;
}

enum rc dir_read_tile(struct tlog_dir *d, unsigned level, uint64_t n, unsigned width,
		      uint8_t ret[TLOG_TILE_BYTES], char used[TLOG_PATH_BYTES], struct err *e)
{
	struct tlog_resource r = {.level = level, .n = n, .width = width};
	struct tlog_resource got;
	struct buf b = {.p = (char *)ret, .n = 0, .cap = TLOG_TILE_BYTES, .max = TLOG_TILE_BYTES};
	size_t want;

	MUST(width >= 1 && width <= TLOG_TILE_WIDTH);
	TRY(dir_read(d, &r, &b, used, e));
	MUST(tlog_path_parse(str_from(used), &got));
	want = (size_t)got.width * TLOG_HASH_BYTES;
	if (b.n != want) {
		FAIL(e, RC_BROKEN, "'%s' has %zu bytes instead of %zu", used, b.n, want);
	}
	return RC_OK;
}

enum rc tlog_dir_read_tile(struct tlog_dir *d, unsigned level, uint64_t n, unsigned width,
			   uint8_t ret[TLOG_TILE_BYTES], struct err *e)
{
	char used[TLOG_PATH_BYTES];

	return dir_read_tile(d, level, n, width, ret, used, e);
}

void dir_pretend(struct tlog_dir *d, uint64_t n, unsigned width,
		 const uint8_t bytes[TLOG_TILE_BYTES])
{
	d->held[0].width = width;
	d->held[0].n = n;
	memcpy(d->held[0].bytes, bytes, TLOG_TILE_BYTES);
}

static enum rc node_from_tiles(void *ctx, unsigned level, uint64_t index, struct tlog_hash *ret,
			       struct err *e)
{
	struct tlog_dir *d = ctx;
	unsigned tile_level = level / 8;
	unsigned log2 = level % 8;
	uint64_t first = index << log2;
	uint64_t n = first / TLOG_TILE_WIDTH;
	unsigned offset = (unsigned)(first % TLOG_TILE_WIDTH);
	unsigned width = tlog_tile_width(d->size, tile_level, n);
	struct held_tile *held;

	if (offset + (1u << log2) > width) {
		FAIL(e, RC_INPUT, "node %u/%ju is not in a tree of %ju leaves", level,
		     (uintmax_t)index, (uintmax_t)d->size);
	}
	held = &d->held[tile_level];
	if (held->width != width || held->n != n) {
		held->width = 0;
		TRY(tlog_dir_read_tile(d, tile_level, n, width, held->bytes, e));
		held->n = n;
		held->width = width;
	}
	*ret = fold_hashes(d->hasher, held->bytes + (size_t)offset * TLOG_HASH_BYTES, log2);
	return RC_OK;
}

struct tlog_nodes tlog_dir_nodes(struct tlog_dir *d)
{
	return (struct tlog_nodes){.node = node_from_tiles, .ctx = d};
}

enum rc tlog_dir_read_bundle(struct tlog_dir *d, uint64_t n, unsigned width, struct buf *b,
			     struct err *e)
{
	struct tlog_resource r = {.is_bundle = true, .n = n, .width = width};
	char used[TLOG_PATH_BYTES];

	return dir_read(d, &r, b, used, e);
}

enum rc tlog_dir_read_leaf(struct tlog_dir *d, uint64_t index, struct buf *b, struct err *e)
{
	AUTO_BUF bundle = BUF_INIT(TLOG_BUNDLE_MAX_BYTES);
	uint64_t n = index / TLOG_TILE_WIDTH;
	struct reader r;
	struct str leaf;

	if (index >= d->size) {
		FAIL(e, RC_ABSENT, "leaf %ju is not in a tree of %ju leaves", (uintmax_t)index,
		     (uintmax_t)d->size);
	}
	TRY(tlog_dir_read_bundle(d, n, tlog_tile_width(d->size, 0, n), &bundle, e));
	r = reader_of(buf_view(&bundle));
	for (uint64_t i = n * TLOG_TILE_WIDTH; i <= index; i++) {
		if (!tlog_bundle_next(&r, &leaf)) {
			FAIL(e, RC_BROKEN, "the bundle of leaf %ju is malformed", (uintmax_t)index);
		}
	}
	if (buf_add(b, leaf) != RC_OK) {
		FAIL(e, RC_LIMIT, "no room for leaf %ju", (uintmax_t)index);
	}
	return RC_OK;
}

enum rc tlog_dir_read_checkpoint(struct tlog_dir *d, struct buf *b, struct err *e)
{
	return read_file(d, "checkpoint", b, e);
}
