/* SPDX-License-Identifier: Apache-2.0 */
/* audit/files.c - a state directory as the source of an audit.
 *
 * Trust:  the files may have been touched: segments check themselves, a bundle has its digest, a
 *         value its key and its place.
 * Holds:  (1) open keys are wiped when the files are freed.
 */
#include "audit/files.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tlog.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/reader.h"
#include "base/secret.h"
#include "base/vec.h"
#include "config/stored.h"
#include "governor/crypt.h"
#include "governor/key_files.h"
#include "governor/sealed.h"
#include "governor/segment.h"
#include "governor/snapshot.h"

enum {
	RECENT = 2 * (RECOMPUTE_REACH + 1), /* leaves whose values are at hand */
	BUNDLE_LEAVES = 256,
	BUNDLE_BYTES = BUNDLE_LEAVES * (LIMIT_LEAF_BYTES + 2),
	KEYS_OPEN = 64, /* data keys at a time: one task's calls come together */
};

struct recent {
	uint64_t ix;
	bool is_there;
	struct arena arena;
	size_t n;
	struct segment_value values[SEGMENT_VALUES_MAX];
};

struct open_key {
	uint64_t serial; /* 0 = none */
	uint8_t bytes[32];
};

struct audit_files {
	char origin[256];
	struct audit_files_options o;
	struct log_io segments;
	struct key_dir keys;
	struct log_io bundles;
	struct log_io snapshots;
	VEC(struct key_name) names; /* by serial */
	struct segment_reader *reader;
	struct buf bundle;	      /* of published leaves */
	struct reader rest;	      /* of it */
	struct recent recent[RECENT]; /* leaf ix at ix % RECENT */
	struct open_key open[KEYS_OPEN];
	bool has_tags;
	uint8_t tags[CRYPT_KEY_BYTES];
	struct deployment *deployment; /* read last */
	struct digest digest;
	uint64_t read_unix_ms;
};

/* ---- leaves ---- */

static enum rc keep_values(struct recent *r, const struct segment_leaf *leaf, struct err *e)
{
	arena_reset(&r->arena);
	r->ix = leaf->index;
	r->is_there = true;
	r->n = leaf->n_values;
	for (size_t i = 0; i < leaf->n_values; i++) {
		r->values[i].slot = leaf->values[i].slot;
		r->values[i].bytes = arena_str(&r->arena, leaf->values[i].bytes);
		if (!r->values[i].bytes.p) {
			FAIL(e, RC_NOMEM, "no memory for sealed values");
		}
	}
	return RC_OK;
}

static enum rc next_published(struct audit_files *f, uint64_t ix, struct str *ret, struct err *e)
{
	uint64_t n = ix / BUNDLE_LEAVES;

	if (ix % BUNDLE_LEAVES == 0 || f->bundle.n == 0) {
		buf_reset(&f->bundle);
		TRY(tlog_dir_read_bundle(f->o.published, n, tlog_tile_width(f->o.size, 0, n),
					 &f->bundle, e));
		f->rest = reader_of(buf_view(&f->bundle));
		for (uint64_t i = 0; i < ix % BUNDLE_LEAVES; i++) {
			if (!tlog_bundle_next(&f->rest, ret)) { /* before what is wanted first */
				FAIL(e, RC_BROKEN, "the bundle of leaf %" PRIu64 " ends early", ix);
			}
		}
	}
	if (!tlog_bundle_next(&f->rest, ret)) {
		FAIL(e, RC_BROKEN, "the bundle of leaf %" PRIu64 " ends early", ix);
	}
	return RC_OK;
}

static enum rc next_of_segments(struct audit_files *f, uint64_t ix, struct str *ret, struct err *e)
{
	struct segment_leaf leaf;

	if (!f->reader) {
		TRY(segment_reader_open(&f->segments, f->o.origin, ix, &f->reader, e));
	}
	if (segment_reader_next(f->reader, f->o.size, &leaf, e) != RC_OK) {
		return err_wrap(e, RC_BROKEN, "leaf %" PRIu64 " is not in the segments", ix);
	}
	*ret = leaf.bytes;
	return keep_values(&f->recent[ix % RECENT], &leaf, e);
}

static enum rc next_leaf(void *ctx, uint64_t ix, struct arena *arena, struct str *ret,
			 struct err *e)
{
	struct audit_files *f = ctx;
	struct str published = STR_NULL;
	struct str bytes = STR_NULL;

	if (ix >= f->o.size) {
		FAIL(e, RC_ABSENT, "the log has %" PRIu64 " leaves", f->o.size);
	}
	if (f->o.published) {
		TRY(next_published(f, ix, &published, e));
	}
	if (f->o.segments) {
		TRY(next_of_segments(f, ix, &bytes, e));
	}
	if (published.p && bytes.p && !str_eq(published, bytes)) {
		FAIL(e, RC_BROKEN, "leaf %" PRIu64 " is published as another than it is", ix);
	}
	*ret = arena_str(arena, published.p ? published : bytes);
	if (!ret->p) {
		FAIL(e, RC_NOMEM, "no memory for a leaf");
	}
	return RC_OK;
}

/* ---- keys ---- */

static enum rc note_name(void *ctx, const struct key_name *name, struct err *e)
{
	struct audit_files *f = ctx;

	if (vec_push(&f->names, *name) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for the names of keys");
	}
	return RC_OK;
}

static int compare_serials(const void *a, const void *b)
{
	uint64_t x = ((const struct key_name *)a)->serial;
	uint64_t y = ((const struct key_name *)b)->serial;

	return x < y ? -1 : x > y;
}

static enum rc list_keys(struct audit_files *f, struct err *e)
{
	TRY(key_files_each(&f->keys, note_name, f, e));
	if (f->names.n) {
		qsort(f->names.p, f->names.n, sizeof(f->names.p[0]), compare_serials);
	}
	return RC_OK;
}

static const struct key_name *find_name(const struct audit_files *f, uint64_t serial)
{
	const struct key_name wanted = {.serial = serial};

	return f->names.n
		   ? bsearch(&wanted, f->names.p, f->names.n, sizeof(wanted), compare_serials)
		   : NULL;
}

static enum rc open_key(struct audit_files *f, uint64_t serial, const uint8_t **ret, struct err *e)
{
	struct open_key *k = &f->open[serial % KEYS_OPEN];
	AUTO_BUF wrapped = BUF_INIT(KEY_WRAPPED_MAX_BYTES);
	const struct key_name *n;
	char name[24];

	if (!f->o.keys) {
		FAIL(e, RC_DENIED, "it is sealed, and there are no keys here");
	}
	if (k->serial == serial) {
		*ret = k->bytes;
		return RC_OK;
	}
	n = find_name(f, serial);
	if (!n) {
		FAIL(e, RC_ABSENT, "it was erased: key %" PRIu64 " is destroyed", serial);
	}
	if (key_file_read(&f->keys, n, &wrapped, e) != RC_OK) {
		return err_wrap(e, RC_ABSENT, "it was erased");
	}
	k->serial = 0;
	TRY(f->o.unwrap(f->o.unwrap_ctx, id_text('k', serial, name), buf_view(&wrapped), k->bytes,
			e));
	k->serial = serial;
	*ret = k->bytes;
	return RC_OK;
}

static enum rc tag_of(void *ctx, struct str tool, struct str args, uint8_t ret[32], struct err *e)
{
	static const struct key_name tags = {.kind = KEY_TAGS};
	struct audit_files *f = ctx;
	AUTO_BUF wrapped = BUF_INIT(KEY_WRAPPED_MAX_BYTES);

	if (!f->o.keys) {
		FAIL(e, RC_DENIED, "there are no keys here");
	}
	if (!f->has_tags) {
		if (key_file_read(&f->keys, &tags, &wrapped, e) != RC_OK) {
			return err_wrap(e, RC_ABSENT, "the key of tags");
		}
		TRY(f->o.unwrap(f->o.unwrap_ctx, STR("tags"), buf_view(&wrapped), f->tags, e));
		f->has_tags = true;
	}
	return crypt_tag(f->tags, tool, args, ret, e);
}

/* ---- values ---- */

static enum rc open_sealed(struct audit_files *f, uint64_t ix, uint8_t slot, struct str sealed,
			   struct arena *arena, uint8_t ret_salt[32], struct str *ret,
			   struct err *e)
{
	const struct sealed_place place = {.origin = f->o.origin, .leaf_index = ix, .slot = slot};
	AUTO_BUF plain = BUF_INIT(LIMIT_VALUE_BYTES);
	struct reader r = reader_of(sealed);
	const uint8_t *key;
	uint64_t serial;

	if (!rd_u64(&r, &serial)) {
		FAIL(e, RC_BROKEN, "value %u of leaf %" PRIu64 " is cut short", slot, ix);
	}
	TRY(open_key(f, serial, &key, e));
	if (sealed_open(key, &place, str_of(r.p, r.n), NULL, &plain, ret_salt, e) != RC_OK) {
		return err_wrap(e, RC_BROKEN, "value %u of leaf %" PRIu64, slot, ix);
	}
	*ret = arena_str(arena, buf_view(&plain));
	if (!ret->p) {
		FAIL(e, RC_NOMEM, "no memory for a value");
	}
	return RC_OK;
}

/* Of a leaf that was passed long ago. */
static enum rc look_back(struct audit_files *f, uint64_t ix, struct recent *ret, struct err *e)
{
	AUTO_SEGMENT_READER r = NULL;
	struct segment_leaf leaf;

	TRY(segment_reader_open(&f->segments, f->o.origin, ix, &r, e));
	TRY(segment_reader_next(r, f->o.size, &leaf, e));
	return keep_values(ret, &leaf, e);
}

static enum rc value_of(void *ctx, uint64_t ix, uint8_t slot, struct arena *arena,
			uint8_t ret_salt[32], struct str *ret, struct err *e)
{
	struct audit_files *f = ctx;
	struct recent *r = &f->recent[ix % RECENT];
	struct recent back = {.arena = ARENA_INIT(SEGMENT_VALUES_MAX * 2 * LIMIT_VALUE_BYTES)};
	enum rc rc = RC_OK;

	if (!f->o.segments) {
		FAIL(e, RC_DENIED, "it is sealed, and the segments are not here");
	}
	if (!r->is_there || r->ix != ix) {
		r = &back;
		rc = look_back(f, ix, r, e);
	}
	for (size_t i = 0; rc == RC_OK && i < r->n; i++) {
		if (r->values[i].slot == slot) {
			rc = open_sealed(f, ix, slot, r->values[i].bytes, arena, ret_salt, ret, e);
			arena_fini(&back.arena);
			return rc;
		}
	}
	arena_fini(&back.arena);
	if (rc == RC_OK) {
		FAIL(e, RC_ABSENT, "leaf %" PRIu64 " has no value %u", ix, slot);
	}
	return rc;
}

/* ---- bundles ---- */

static enum rc bundle_of(void *ctx, const struct digest *digest, uint64_t read_unix_ms,
			 const struct bundle **ret, struct err *e)
{
	struct audit_files *f = ctx;
	AUTO_BUF bytes = BUF_INIT(STORED_BYTES);
	char name[STORED_NAME_BYTES];

	if (f->deployment && digest_eq(&f->digest, digest) && f->read_unix_ms == read_unix_ms) {
		*ret = f->deployment->bundle;
		return RC_OK;
	}
	deployment_free(TAKE(f->deployment));
	stored_name(digest->bytes, name);
	if (!f->o.bundles || log_io_read_file(&f->bundles, name, &bytes, e) != RC_OK) {
		FAIL(e, RC_ABSENT, "bundle %s is not stored", name);
	}
	if (stored_load(buf_view(&bytes), digest->bytes, read_unix_ms, &f->deployment, e) !=
	    RC_OK) {
		return err_wrap(e, e->code, "bundle %s", name);
	}
	f->digest = *digest;
	f->read_unix_ms = read_unix_ms;
	*ret = f->deployment->bundle;
	return RC_OK;
}

/* ---- a pruned log ---- */

static enum rc one_leaf(struct audit_files *f, uint64_t ix, struct arena *arena, struct leaf *ret,
			struct err *e)
{
	AUTO_BUF bytes = BUF_INIT(LIMIT_LEAF_BYTES);
	struct str kept;

	if (!f->o.published) {
		FAIL(e, RC_ABSENT, "the log is pruned, and is not published here");
	}
	TRY(tlog_dir_read_leaf(f->o.published, ix, &bytes, e));
	kept = arena_str(arena, buf_view(&bytes));
	if (!kept.p) {
		FAIL(e, RC_NOMEM, "no memory for a leaf");
	}
	return leaf_decode(arena, kept, ret, e);
}

/* The snapshot that the log's own leaves name. */
static enum rc start_pruned(void *ctx, struct state **ret, struct err *e)
{
	struct audit_files *f = ctx;
	AUTO_ARENA arena = ARENA_INIT(16 * LIMIT_LEAF_BYTES);
	char name[SNAPSHOT_NAME_BYTES];
	struct snapshot x;
	struct leaf l;

	TRY(one_leaf(f, f->o.pruned.leaf, &arena, &l, e));
	TRY(pruned_check(&f->o.pruned, &l, e));
	TRY(one_leaf(f, l.log_pruned.shard, &arena, &l, e));
	if (l.kind != LEAF_SHARD_BEGAN || l.shard_began.first != f->o.pruned.first) {
		FAIL(e, RC_BROKEN, "no shard begins with leaf %" PRIu64, f->o.pruned.first);
	}
	if (!f->o.snapshots) {
		FAIL(e, RC_ABSENT,
		     "the log is pruned, and the snapshot of its beginning is not here");
	}
	snapshot_name(l.shard_began.first, l.shard_began.snapshot, name);
	TRY(snapshot_read(&f->snapshots, name, f->o.origin, &x, e));
	if (!digest_eq(&x.digest, &l.shard_began.digest)) {
		FAIL(e, RC_BROKEN, "'%s' is not the snapshot that the shard began with", name);
	}
	return snapshot_read_state(&f->snapshots, name, &x, ret, e);
}

/* ---- life ---- */

enum rc audit_files_new(const struct audit_files_options *o, struct audit_files **ret,
			struct err *e)
{
	AUTO_AUDIT_FILES f = mem_calloc(1, sizeof(*f));

	if (!f) {
		FAIL(e, RC_NOMEM, "no memory to read a log");
	}
	f->o = *o;
	if (o->segments) {
		f->segments = *o->segments;
	}
	f->bundle = (struct buf)BUF_INIT(BUNDLE_BYTES);
	for (size_t i = 0; i < RECENT; i++) {
		f->recent[i].arena =
		    (struct arena)ARENA_INIT(SEGMENT_VALUES_MAX * 2 * LIMIT_VALUE_BYTES);
	}
	if (o->origin.n >= sizeof(f->origin)) {
		FAIL(e, RC_LIMIT, "the log's name is too long");
	}
	memcpy(f->origin, o->origin.p, o->origin.n);
	f->o.origin = str_of(f->origin, o->origin.n);
	if (o->bundles) {
		f->bundles = *o->bundles;
	}
	if (o->snapshots) {
		f->snapshots = *o->snapshots;
	}
	if (o->keys) {
		f->keys.io = *o->keys;
		TRY(list_keys(f, e));
	}
	*ret = TAKE(f);
	return RC_OK;
}

void audit_files_free(struct audit_files *f)
{
	if (!f) {
		return;
	}
	secret_wipe(f->open, sizeof(f->open)); /* (1) */
	secret_wipe(f->tags, sizeof(f->tags));
	segment_reader_free(f->reader);
	buf_fini(&f->bundle);
	deployment_free(f->deployment);
	for (size_t i = 0; i < RECENT; i++) {
		arena_fini(&f->recent[i].arena);
	}
	vec_fini(&f->names);
	mem_free(f);
}

struct audit_source audit_files_source(struct audit_files *f)
{
	return (struct audit_source){.ctx = f,
				     .start = f->o.pruned.first ? start_pruned : NULL,
				     .leaf = next_leaf,
				     .value = value_of,
				     .tag = tag_of,
				     .bundle = bundle_of};
}
