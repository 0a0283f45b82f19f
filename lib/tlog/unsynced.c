/* SPDX-License-Identifier: Apache-2.0 */
/* tlog/unsynced.c - bytes, then names, then directories. */
#include "tlog/unsynced.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

static enum rc copy_path(const char *path, char **ret, struct err *e)
{
	size_t n = strlen(path);

	*ret = mem_calloc(1, n + 1);
	if (!*ret) {
		FAIL(e, RC_NOMEM, "no memory for a path");
	}
	memcpy(*ret, path, n);
	return RC_OK;
}

static enum rc name_beside(const char *path, char ret[PATH_MAX], struct err *e)
{
	int n = snprintf(ret, PATH_MAX, "%s.new", path);

	if (n < 0 || n >= PATH_MAX) {
		FAIL(e, RC_LIMIT, "path is too long: '%s'", path);
	}
	return RC_OK;
}

static void forget_files(struct unsynced *u)
{
	for (size_t i = 0; i < u->files.n; i++) {
		if (u->files.p[i].fd >= 0) {
			(void)close(u->files.p[i].fd); /* synced, or given up */
		}
		mem_free(u->files.p[i].path);
	}
	u->files.n = 0;
}

static void forget_dirs(struct unsynced *u)
{
	for (size_t i = 0; i < u->dirs.n; i++) {
		mem_free(u->dirs.p[i]);
	}
	u->dirs.n = 0;
}

void unsynced_fini(struct unsynced *u)
{
	forget_files(u);
	forget_dirs(u);
	vec_fini(&u->files);
	vec_fini(&u->dirs);
}

enum rc unsynced_dir(struct unsynced *u, const char *path, struct err *e)
{
	char *copy;

	for (size_t i = 0; i < u->dirs.n; i++) {
		if (strcmp(u->dirs.p[i], path) == 0) {
			return RC_OK;
		}
	}
	TRY(vec_reserve(&u->dirs, 1));
	TRY(copy_path(path, &copy, e));
	return vec_push(&u->dirs, copy);
}

static enum rc write_beside(struct unsynced_file *f, struct str bytes, unsigned mode, struct err *e)
{
	char beside[PATH_MAX];

	TRY(name_beside(f->path, beside, e));
	f->fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, (mode_t)mode);
	if (f->fd < 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot create '%s'", beside);
	}
	if (file_write_all(f->fd, bytes, e) != RC_OK) {
		return err_wrap(e, RC_IO, "'%s'", beside);
	}
	/* The bytes begin to go; what fails shows when they are waited for. */
	(void)sync_file_range(f->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return RC_OK;
}

enum rc unsynced_put(struct unsynced *u, const char *path, struct str bytes, unsigned mode,
		     struct err *e)
{
	struct unsynced_file *f;

	if (u->files.n >= UNSYNCED_FILES) {
		TRY(unsynced_settle(u, e));
	}
	TRY(vec_reserve(&u->files, 1));
	f = &u->files.p[u->files.n];
	*f = (struct unsynced_file){.fd = -1};
	TRY(copy_path(path, &f->path, e));
	u->files.n++;
	return write_beside(f, bytes, mode, e);
}

/* Its bytes are durable: it gets its name. */
static enum rc give_name(struct unsynced *u, const char *path, struct err *e)
{
	char beside[PATH_MAX];
	char dir[PATH_MAX];
	size_t n = (size_t)(strrchr(path, '/') - path);

	TRY(name_beside(path, beside, e));
	if (rename(beside, path) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot rename '%s'", beside);
	}
	memcpy(dir, path, n);
	dir[n] = '\0';
	return unsynced_dir(u, dir, e);
}

enum rc unsynced_settle(struct unsynced *u, struct err *e)
{
	for (size_t i = 0; i < u->files.n; i++) {
		if (fsync(u->files.p[i].fd) != 0) {
			return err_set_sys(e, RC_IO, __func__, "cannot sync '%s'",
					   u->files.p[i].path);
		}
	}
	for (size_t i = 0; i < u->files.n; i++) {
		TRY(give_name(u, u->files.p[i].path, e));
	}
	for (size_t i = 0; i < u->dirs.n; i++) {
		TRY(file_sync_dir(u->dirs.p[i], e));
	}
	forget_files(u);
	forget_dirs(u);
	return RC_OK;
}
