/* SPDX-License-Identifier: Apache-2.0 */
/* governor/key_files.c - names, and what must be durable when. */
#include "governor/key_files.h"

#include <errno.h>
#include <stdio.h>

#include "base/num.h"

enum { NAME_BYTES = 64 };

/* ---- names ---- */

static void text_of(const struct key_name *name, char out[NAME_BYTES])
{
	unsigned long long serial = name->serial;
	unsigned long long leaf = name->leaf;

	switch (name->kind) {
	case KEY_TAGS:
		(void)snprintf(out, NAME_BYTES, "tags.key");
		break;
	case KEY_FREE:
		(void)snprintf(out, NAME_BYTES, "%llu.key", serial);
		break;
	case KEY_LIFE:
		(void)snprintf(out, NAME_BYTES, "%llu-%llu.life", serial, leaf);
		break;
	case KEY_BOUND:
		(void)snprintf(out, NAME_BYTES, "%llu-%llu.key", serial, leaf);
		break;
	case KEY_ASIDE:
		(void)snprintf(out, NAME_BYTES, "%llu.evidence", serial);
		break;
	}
}

static bool parse(struct str text, struct key_name *ret)
{
	static const struct {
		struct str suffix;
		enum key_kind plain;	 /* <serial> */
		enum key_kind with_leaf; /* <serial>-<leaf> */
	} forms[] = {
	    {{".key", 4}, KEY_FREE, KEY_BOUND},
	    {{".life", 5}, KEY_TAGS, KEY_LIFE},
	    {{".evidence", 9}, KEY_ASIDE, KEY_TAGS},
	};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct str rest = text;
		struct str serial;

		if (!str_has_suffix(text, forms[i].suffix)) {
			continue;
		}
		rest = str_slice(text, 0, text.n - forms[i].suffix.n);
		serial = str_cut(&rest, '-');
		*ret = (struct key_name){.kind = rest.p ? forms[i].with_leaf : forms[i].plain};
		return ret->kind != KEY_TAGS && num_u64(serial, UINT64_MAX - 1, &ret->serial) &&
		       ret->serial > 0 && (!rest.p || num_u64(rest, UINT64_MAX - 1, &ret->leaf));
	}
	return false;
}

struct visit {
	key_files_fn *fn;
	void *ctx;
	struct err *e;
	enum rc rc;
};

static int visit_name(void *arg, const char *text)
{
	struct visit *v = arg;
	struct key_name name;

	if (parse(str_from(text), &name)) {
		v->rc = v->fn(v->ctx, &name, v->e);
	}
	return v->rc == RC_OK ? 0 : -ECANCELED;
}

enum rc key_files_each(const struct key_dir *d, key_files_fn *fn, void *ctx, struct err *e)
{
	struct visit v = {.fn = fn, .ctx = ctx, .e = e, .rc = RC_OK};
	int result = d->io.list(d->io.ctx, visit_name, &v);

	TRY(v.rc);
	if (result != 0) {
		errno = -result;
		return err_set_sys(e, result == -ENOMEM ? RC_NOMEM : RC_IO, __func__,
				   "cannot list the keys");
	}
	return RC_OK;
}

/* ---- bytes ---- */

enum rc key_file_read(const struct key_dir *d, const struct key_name *name, struct buf *b,
		      struct err *e)
{
	char file[NAME_BYTES];

	text_of(name, file);
	return log_io_read_file(&d->io, file, b, e);
}

static enum rc sync_names(struct key_dir *d, struct err *e)
{
	int result = d->has_unsynced ? d->io.sync_dir(d->io.ctx) : 0;

	if (result != 0) {
		errno = -result;
		return err_set_sys(e, RC_IO, __func__, "cannot sync the keys");
	}
	d->has_unsynced = false;
	return RC_OK;
}

enum rc key_file_store(struct key_dir *d, const struct key_name *name, struct str wrapped,
		       struct err *e)
{
	AUTO_BUF there = BUF_INIT(KEY_WRAPPED_MAX_BYTES);
	char file[NAME_BYTES];
	enum rc rc = key_file_read(d, name, &there, e);

	text_of(name, file);
	if (rc == RC_ABSENT) {
		rc = log_io_replace_file(&d->io, file, wrapped, e);
		d->has_unsynced |= rc != RC_OK;
		return rc;
	}
	TRY(rc);
	if (!str_eq(buf_view(&there), wrapped)) {
		FAIL(e, RC_BROKEN, "'%s' holds another key", file);
	}
	return sync_names(d, e);
}

enum rc key_file_rename(struct key_dir *d, const struct key_name *from, const struct key_name *to,
			struct err *e)
{
	char old[NAME_BYTES];
	char new[NAME_BYTES];
	int result;

	text_of(from, old);
	text_of(to, new);
	result = d->io.rename(d->io.ctx, old, new);
	if (result == 0) {
		result = d->io.sync_dir(d->io.ctx);
	}
	if (result != 0) {
		d->has_unsynced = true;
		errno = -result;
		return err_set_sys(e, RC_IO, __func__, "cannot rename '%s'", old);
	}
	return RC_OK;
}

enum rc key_file_remove(const struct key_dir *d, const struct key_name *name, struct err *e)
{
	char file[NAME_BYTES];
	int result;
	int fd;

	text_of(name, file);
	result = d->io.unlink(d->io.ctx, file);
	if (result == 0 || result == -ENOENT) {
		result = d->io.sync_dir(d->io.ctx);
	}
	if (result != 0) {
		errno = -result;
		return err_set_sys(e, RC_IO, __func__, "cannot remove key '%s'", file);
	}
	fd = d->io.open(d->io.ctx, file, LOG_IO_READ);
	if (fd >= 0) {
		d->io.close(d->io.ctx, fd);
		FAIL(e, RC_IO, "key '%s' is still there", file);
	}
	if (fd != -ENOENT) {
		errno = -fd;
		return err_set_sys(e, RC_IO, __func__, "cannot look for key '%s'", file);
	}
	return RC_OK;
}
