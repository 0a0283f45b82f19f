/* SPDX-License-Identifier: Apache-2.0 */
/* tlog/verify.c - check leaves, tiles and root against each other.
 *
 * Trust:  every file is hostile; only the root that is given is believed.
 * Holds:  (1) with no fault, each leaf hash is in its level-0 tile, each full tile's root is in the
 *             tile above, and the rightmost tiles give the root: so all of it is what was signed.
 *         (2) a fault names the file that is wrong when bundle, tile and what is above them (two
 *             of three) say which it is.
 */
#include "tlog/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tlog/dir.h"
#include "tlog/fold.h"

void verify_fault(struct tlog_report *report, const char *file, uint64_t offset, uint64_t index,
		  const char *fmt, ...)
{
	struct tlog_fault *f;
	va_list ap;

	if (report->n_faults++ >= TLOG_FAULTS) {
		return;
	}
	f = &report->faults[report->n_faults - 1];
	*f = (struct tlog_fault){.offset = offset, .index = index};
	(void)snprintf(f->file, sizeof(f->file), "%s", file); /* names of ours fit */
	va_start(ap, fmt);
	(void)vsnprintf(f->what, sizeof(f->what), fmt, ap); /* a cut text is still a fault */
	va_end(ap);
}

enum rc verify_result(const struct tlog_report *report, struct err *e)
{
	const struct tlog_fault *f = &report->faults[0];

	if (report->n_faults == 0) {
		return RC_OK;
	}
	FAIL(e, RC_BROKEN, "'%s' byte %ju: %s", f->file, (uintmax_t)f->offset, f->what);
}

/* One tile and, at level 0, its bundle. */
struct checking {
	struct tlog_dir *d;
	const struct tlog_hash *root;
	struct tlog_report *report;
	unsigned level;
	uint64_t n;
	unsigned width;
	bool has_tile;
	char tile_file[TLOG_PATH_BYTES];
	uint8_t tile[TLOG_TILE_BYTES];
	/* Level 0: what the bundle's entries hash to. */
	char bundle_file[TLOG_PATH_BYTES];
	unsigned n_entries; /* well-formed ones */
	bool is_malformed;  /* what follows them */
	size_t malformed_at;
	uint32_t entry_at[TLOG_TILE_WIDTH];
	uint8_t hashes[TLOG_TILE_BYTES];
	/* The tile above, as last read. */
	bool has_above;
	unsigned above_level;
	uint64_t above_n;
	char above_file[TLOG_PATH_BYTES];
	uint8_t above[TLOG_TILE_BYTES];
};

static void load_tile(struct checking *c)
{
	struct err e = ERR_INIT;

	c->report->tiles++;
	c->has_tile =
	    dir_read_tile(c->d, c->level, c->n, c->width, c->tile, c->tile_file, &e) == RC_OK;
	if (!c->has_tile) {
		verify_fault(c->report, c->tile_file, 0, (c->n << 8) << (8 * c->level), "%s",
			     e.msg);
	}
}

/* The entry for this tile in the tile above; NULL when there is none to be had. */
static const uint8_t *entry_above(struct checking *c)
{
	unsigned level = c->level + 1;
	uint64_t n = c->n / TLOG_TILE_WIDTH;
	unsigned width = tlog_tile_width(dir_size(c->d), level, n);

	if (c->width < TLOG_TILE_WIDTH || width == 0) {
		return NULL;
	}
	if (!c->has_above || c->above_level != level || c->above_n != n) {
		/* A tile that cannot be read is reported when it is its own turn. */
		c->has_above =
		    dir_read_tile(c->d, level, n, width, c->above, c->above_file, NULL) == RC_OK;
		c->above_level = level;
		c->above_n = n;
	}
	return c->has_above ? c->above + c->n % TLOG_TILE_WIDTH * TLOG_HASH_BYTES : NULL;
}

/* Would the log be what was signed with these hashes in place of the tile? Asks what is above:
 * the entry there, or the root when this is the rightmost tile. */
static bool fits_above(struct checking *c, const uint8_t hashes[TLOG_TILE_BYTES])
{
	const uint8_t *entry = entry_above(c);
	struct tlog_nodes nodes = tlog_dir_nodes(c->d);
	struct tlog_hash got;

	if (entry) {
		got = fold_hashes(dir_hasher(c->d), hashes, 8);
		return memcmp(got.bytes, entry, TLOG_HASH_BYTES) == 0;
	}
	if (c->width == TLOG_TILE_WIDTH || c->level > 0) {
		return false;
	}
	dir_pretend(c->d, c->n, c->width, hashes);
	return tlog_root_at(dir_hasher(c->d), &nodes, dir_size(c->d), &got, NULL) == RC_OK &&
	       tlog_hash_eq(&got, c->root);
}

static void check_against_above(struct checking *c)
{
	const uint8_t *entry = entry_above(c);
	struct tlog_hash got;

	if (!entry) {
		return; /* the root decides */
	}
	got = fold_hashes(dir_hasher(c->d), c->tile, 8);
	if (memcmp(got.bytes, entry, TLOG_HASH_BYTES) != 0) {
		verify_fault(c->report, c->above_file, c->n % TLOG_TILE_WIDTH * TLOG_HASH_BYTES,
			     (c->n << 8) << (8 * c->level), "is not the hash of '%s'",
			     c->tile_file);
	}
}

/* Hashes the entries of the bundle; a malformed one ends it. */
static void hash_bundle(struct checking *c, struct str bundle, unsigned width_in_file)
{
	struct reader r = reader_of(bundle);

	for (unsigned i = 0; i < width_in_file; i++) {
		size_t at = bundle.n - r.n;
		struct tlog_hash hash;
		struct str leaf;

		if (!tlog_bundle_next(&r, &leaf)) {
			break;
		}
		if (i < c->width) {
			hash = tlog_leaf_hash(dir_hasher(c->d), leaf);
			memcpy(c->hashes + (size_t)i * TLOG_HASH_BYTES, hash.bytes,
			       TLOG_HASH_BYTES);
			c->entry_at[i] = (uint32_t)at;
			c->n_entries++;
			c->report->leaves++;
		}
		if (i + 1 == width_in_file && r.n == 0) {
			return;
		}
	}
	c->is_malformed = true;
	c->malformed_at = bundle.n - r.n;
}

static enum rc load_bundle(struct checking *c, struct err *e)
{
	AUTO_BUF b = BUF_INIT(TLOG_BUNDLE_MAX_BYTES);
	struct tlog_resource r = {.is_bundle = true, .n = c->n, .width = c->width};
	struct tlog_resource used;
	struct err why = ERR_INIT;
	enum rc rc = dir_read(c->d, &r, &b, c->bundle_file, &why);

	c->n_entries = 0;
	c->is_malformed = false;
	c->report->bundles++;
	if (rc == RC_NOMEM) {
		FAIL(e, rc, "%s", why.msg);
	}
	if (rc != RC_OK) {
		verify_fault(c->report, c->bundle_file, 0, c->n * TLOG_TILE_WIDTH, "%s", why.msg);
		return RC_OK;
	}
	MUST(tlog_path_parse(str_from(c->bundle_file), &used));
	hash_bundle(c, buf_view(&b), used.width);
	return RC_OK;
}

/* Bundle and tile side by side; says which of them is wrong, (2). */
static void compare_bundle(struct checking *c)
{
	unsigned i = 0;
	uint64_t index;

	while (i < c->n_entries &&
	       memcmp(c->hashes + (size_t)i * TLOG_HASH_BYTES,
		      c->tile + (size_t)i * TLOG_HASH_BYTES, TLOG_HASH_BYTES) == 0) {
		i++;
	}
	if (i == c->n_entries) {
		return;
	}
	index = c->n * TLOG_TILE_WIDTH + i;
	if (fits_above(c, c->tile)) {
		verify_fault(c->report, c->bundle_file, c->entry_at[i], index,
			     "entry %u is not the leaf that was signed", i);
	} else if (c->n_entries == c->width && fits_above(c, c->hashes)) {
		verify_fault(c->report, c->tile_file, (uint64_t)i * TLOG_HASH_BYTES, index,
			     "hash %u is not that of the leaf in '%s'", i, c->bundle_file);
	} else {
		verify_fault(c->report, c->bundle_file, c->entry_at[i], index,
			     "entry %u does not have the hash in '%s' byte %u, and neither leads "
			     "to what was signed",
			     i, c->tile_file, i * TLOG_HASH_BYTES);
	}
}

static enum rc check_tile(struct checking *c, struct err *e)
{
	size_t faults = c->report->n_faults;

	c->width = tlog_tile_width(dir_size(c->d), c->level, c->n);
	load_tile(c);
	if (c->level == 0 && (c->n + 1) * TLOG_TILE_WIDTH > c->report->minimum) {
		TRY(load_bundle(c, e));
		if (c->has_tile) {
			compare_bundle(c);
		}
		if (c->is_malformed && c->report->n_faults == faults) {
			verify_fault(c->report, c->bundle_file, c->malformed_at,
				     c->n * TLOG_TILE_WIDTH + c->n_entries,
				     "after %u entries comes something else", c->n_entries);
		}
	}
	/* A tile that is known to be wrong says nothing about the one above. */
	if (c->has_tile && c->report->n_faults == faults) {
		check_against_above(c);
	}
	return RC_OK;
}

static void check_root(struct tlog_dir *d, uint64_t size, const struct tlog_hash *root,
		       struct tlog_report *report)
{
	struct tlog_nodes nodes = tlog_dir_nodes(d);
	struct err e = ERR_INIT;
	struct tlog_hash got;

	tlog_dir_set_size(d, size); /* forgets what was pretended */
	if (tlog_root_at(dir_hasher(d), &nodes, size, &got, &e) != RC_OK) {
		if (report->n_faults == 0) {
			verify_fault(report, "tile", 0, UINT64_MAX, "%s", e.msg);
		}
		return;
	}
	if (!tlog_hash_eq(&got, root) && report->n_faults == 0) {
		verify_fault(report, "checkpoint", 0, UINT64_MAX,
			     "the tiles of %ju leaves do not give the signed root",
			     (uintmax_t)size);
	}
}

static enum rc check_levels(struct checking *c, uint64_t from, tlog_progress progress, void *ctx,
			    struct err *e)
{
	uint64_t size = dir_size(c->d);

	for (c->level = 0; c->level < TLOG_LEVELS; c->level++) {
		c->n = from >> (8 * c->level) >> 8;
		while (tlog_tile_width(size, c->level, c->n) > 0) {
			TRY(check_tile(c, e));
			c->n++;
			if (c->level == 0 && progress) {
				uint64_t done = c->n * TLOG_TILE_WIDTH;

				if (!progress(ctx, done < size ? done : size, size)) {
					FAIL(e, RC_AGAIN, "stopped");
				}
			}
		}
	}
	return RC_OK;
}

enum rc tlog_verify_range(struct tlog_dir *d, uint64_t from, uint64_t size,
			  const struct tlog_hash *root, tlog_progress progress, void *ctx,
			  struct tlog_report *ret, struct err *e)
{
	struct checking c = {.d = d, .root = root, .report = ret};

	tlog_dir_set_size(d, size);
	TRY(check_levels(&c, from, progress, ctx, e));
	check_root(d, size, root, ret);
	return verify_result(ret, e);
}
