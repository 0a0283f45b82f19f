/* SPDX-License-Identifier: Apache-2.0 */
/* cli/log_files.c - opening and walking the published log. */
#include "cli/log_files.h"

#include <stdio.h>

#include "base/file.h"
#include "base/limits.h"
#include "governor/prune.h"

enum { BUNDLE_LEAVES = 256, BUNDLE_BYTES = BUNDLE_LEAVES * (LIMIT_LEAF_BYTES + 2) };

enum rc log_read_key(const char *log, const char *key, struct tlog_vkey *ret, struct err *e)
{
	AUTO_BUF text = BUF_INIT(1024);
	char beside[4096];
	int n;

	if (!key) {
		n = snprintf(beside, sizeof(beside), "%s/../log.vkey", log);
		if (n < 0 || (size_t)n >= sizeof(beside)) {
			FAIL(e, RC_INPUT, "the log's path is too long");
		}
	}
	TRY(file_read(key ? key : beside, &text, e));
	while (text.n && text.p[text.n - 1] == '\n') {
		text.n--;
	}
	return tlog_vkey_parse(buf_view(&text), ret, e);
}

enum rc log_open(const char *log, const char *key, struct tlog_dir **ret,
		 struct tlog_checkpoint *ret_checkpoint, struct buf *note, struct err *e)
{
	AUTO_TLOG_DIR d = NULL;
	struct tlog_vkey vkey;

	TRY(log_read_key(log, key, &vkey, e));
	TRY(tlog_dir_open(log, &d, e));
	TRY(tlog_dir_read_checkpoint(d, note, e));
	TRY(tlog_checkpoint_open(buf_view(note), &vkey, ret_checkpoint, e));
	tlog_dir_set_size(d, ret_checkpoint->size);
	*ret = TAKE(d);
	return RC_OK;
}

enum rc log_is_there(const char *log, struct tlog_dir *d, const struct tlog_checkpoint *c,
		     uint64_t ix, struct err *e)
{
	struct pruned p;

	TRY(prune_read(log, d, c, &p, e));
	if (ix < p.first) {
		FAIL(e, RC_ABSENT,
		     "leaf %llu was pruned: leaves before %llu are gone, as leaf %llu says",
		     (unsigned long long)ix, (unsigned long long)p.first,
		     (unsigned long long)p.leaf);
	}
	return RC_OK;
}

struct walking {
	struct pruned pruned;
	log_leaf_fn *fn;
	void *ctx;
};

static enum rc walk_bundle(const struct walking *w, struct str bundle, uint64_t from,
			   unsigned width, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(16 * LIMIT_LEAF_BYTES);
	struct reader r = reader_of(bundle);

	for (unsigned i = 0; i < width; i++) {
		struct str text;
		struct leaf leaf;

		arena_reset(&arena);
		if (!tlog_bundle_next(&r, &text)) {
			FAIL(e, RC_BROKEN, "the bundle of leaf %llu ends early",
			     (unsigned long long)(from + i));
		}
		if (leaf_decode(&arena, text, &leaf, e) != RC_OK) {
			return err_wrap(e, RC_BROKEN, "leaf %llu", (unsigned long long)(from + i));
		}
		if (from + i >= w->pruned.first) {
			TRY(w->fn(w->ctx, from + i, &leaf, text, e));
		}
	}
	return RC_OK;
}

enum rc log_walk(const char *log, const char *key, log_leaf_fn *fn, void *ctx, uint64_t *ret_size,
		 struct err *e)
{
	AUTO_TLOG_DIR d = NULL;
	AUTO_BUF note = BUF_INIT(LOG_NOTE_BYTES);
	AUTO_BUF bundle = BUF_INIT(BUNDLE_BYTES);
	struct tlog_checkpoint checkpoint;
	struct walking w = {.fn = fn, .ctx = ctx};

	TRY(log_open(log, key, &d, &checkpoint, &note, e));
	TRY(prune_read(log, d, &checkpoint, &w.pruned, e));
	for (uint64_t n = w.pruned.first / BUNDLE_LEAVES; n * BUNDLE_LEAVES < checkpoint.size;
	     n++) {
		unsigned width = tlog_tile_width(checkpoint.size, 0, n);

		buf_reset(&bundle);
		TRY(tlog_dir_read_bundle(d, n, width, &bundle, e));
		TRY(walk_bundle(&w, buf_view(&bundle), n * BUNDLE_LEAVES, width, e));
	}
	*ret_size = checkpoint.size;
	return RC_OK;
}
