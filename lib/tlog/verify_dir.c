/* SPDX-License-Identifier: Apache-2.0 */
/* tlog/verify_dir.c - check a whole log from its directory with the public key alone.
 *
 * Trust:  the directory is hostile; only the key is believed.
 */
#include "tlog/verify.h"

#include <errno.h>
#include <fts.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "tlog/dir.h"

static void close_fts(FTS **p)
{
	if (*p) {
		(void)fts_close(*p); /* only read */
	}
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* How many bytes the first `width` entries of a bundle take; 0 when there are fewer. */
static size_t entries_bytes(struct str bundle, unsigned width)
{
	struct reader r = reader_of(bundle);
	struct str leaf;

	for (unsigned i = 0; i < width; i++) {
		if (!tlog_bundle_next(&r, &leaf)) {
			return 0;
		}
	}
	return bundle.n - r.n;
}

/* A partial left from an earlier checkpoint must be the beginning of what is there now. */
static enum rc check_old_partial(struct tlog_dir *d, const struct tlog_resource *r,
				 unsigned width_now, const char *name, const char *path,
				 struct tlog_report *report, struct err *e)
{
	AUTO_BUF old = BUF_INIT(TLOG_BUNDLE_MAX_BYTES);
	AUTO_BUF now = BUF_INIT(TLOG_BUNDLE_MAX_BYTES);
	struct tlog_resource present = *r;
	char used[TLOG_PATH_BYTES];
	struct err why = ERR_INIT;
	size_t want;
	size_t same = 0;
	enum rc rc = file_read(path, &old, &why);

	report->partials++;
	if (rc == RC_NOMEM) {
		FAIL(e, rc, "%s", why.msg);
	}
	if (rc != RC_OK) {
		verify_fault(report, name, 0, UINT64_MAX, "cannot be read");
		return RC_OK;
	}
	present.width = width_now;
	if (dir_read(d, &present, &now, used, &why) != RC_OK) {
		return RC_OK; /* reported already, as a tile or bundle of its own */
	}
	want = r->is_bundle ? entries_bytes(buf_view(&now), r->width)
			    : (size_t)r->width * TLOG_HASH_BYTES;
	while (same < old.n && same < now.n && same < want && old.p[same] == now.p[same]) {
		same++;
	}
	if (same < want || old.n != want) {
		verify_fault(report, name, same, UINT64_MAX, "is not the beginning of '%s'", used);
	}
	return RC_OK;
}

static enum rc check_file(struct tlog_dir *d, const char *name, const char *path,
			  struct tlog_report *report, struct err *e)
{
	struct tlog_resource r;
	unsigned width_now;

	if (str_has_suffix(str_from(name), STR(".new"))) {
		report->uncovered++; /* of a write that was interrupted */
		return RC_OK;
	}
	if (!tlog_path_parse(str_from(name), &r)) {
		verify_fault(report, name, 0, UINT64_MAX, "does not belong into a log");
		return RC_OK;
	}
	width_now = tlog_tile_width(dir_size(d), r.is_bundle ? 0 : r.level, r.n);
	if (r.width > width_now) {
		report->uncovered++;
		return RC_OK;
	}
	if (r.width == width_now) {
		return RC_OK; /* checked as part of the tree */
	}
	return check_old_partial(d, &r, width_now, name, path, report, e);
}

/* Looks at everything below tile/. */
static enum rc check_files(struct tlog_dir *d, const char *path, struct tlog_report *report,
			   struct err *e)
{
	AUTO_BUF top = BUF_INIT(4096);
	char *paths[2] = {NULL, NULL};
	CLEANUP(close_fts) FTS *fts = NULL;
	size_t skip = strlen(path) + 1;
	FTSENT *entry;

	if (buf_addf(&top, "%s/tile", path) != RC_OK || buf_add_char(&top, '\0') != RC_OK) {
		FAIL(e, RC_LIMIT, "path is too long: '%s'", path);
	}
	paths[0] = top.p;
	fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	if (!fts) {
		return err_set_sys(e, RC_IO, __func__, "cannot look into '%s'", top.p);
	}
	for (errno = 0; (entry = fts_read(fts)); errno = 0) {
		switch (entry->fts_info) {
		case FTS_D:
		case FTS_DP:
			break;
		case FTS_ERR:
		case FTS_DNR:
		case FTS_NS:
			if (entry->fts_level > 0) {
				errno = entry->fts_errno;
				return err_set_sys(e, RC_IO, __func__, "cannot look at '%s'",
						   entry->fts_path);
			}
			break; /* a log without leaves has no tile/ */
		default:
			TRY(check_file(d, entry->fts_path + skip, entry->fts_path, report, e));
		}
	}
	if (errno != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot look into '%s'", top.p);
	}
	return RC_OK;
}

static enum rc open_checkpoint(struct tlog_dir *d, const struct tlog_vkey *key,
			       struct tlog_report *report, struct err *e)
{
	AUTO_BUF note = BUF_INIT(TLOG_NOTE_MAX_BYTES);
	struct err why = ERR_INIT;
	struct tlog_checkpoint c;

	if (tlog_dir_read_checkpoint(d, &note, &why) != RC_OK ||
	    tlog_checkpoint_open(buf_view(&note), key, &c, &why) != RC_OK) {
		if (why.code == RC_NOMEM) {
			FAIL(e, RC_NOMEM, "%s", why.msg);
		}
		verify_fault(report, "checkpoint", 0, UINT64_MAX, "%s", why.msg);
		return verify_result(report, e);
	}
	report->size = c.size;
	report->root = c.root;
	return RC_OK;
}

enum rc tlog_verify_dir(const char *path, const struct tlog_vkey *key, tlog_progress progress,
			void *ctx, struct tlog_report *ret, struct err *e)
{
	return tlog_verify_pruned(path, key, 0, progress, ctx, ret, e);
}

enum rc tlog_verify_pruned(const char *path, const struct tlog_vkey *key, uint64_t minimum,
			   tlog_progress progress, void *ctx, struct tlog_report *ret,
			   struct err *e)
{
	AUTO_TLOG_DIR d = NULL;
	enum rc rc;

	*ret = (struct tlog_report){.minimum = minimum};
	TRY(tlog_dir_open(path, &d, e));
	TRY(open_checkpoint(d, key, ret, e));
	rc = tlog_verify_range(d, 0, ret->size, &ret->root, progress, ctx, ret, e);
	if (rc != RC_OK && rc != RC_BROKEN) {
		return rc;
	}
	TRY(check_files(d, path, ret, e));
	return verify_result(ret, e);
}
