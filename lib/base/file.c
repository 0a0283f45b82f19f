/* SPDX-License-Identifier: Apache-2.0 */
/* base/file.c - whole files and durable replacement. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void file_close(int fd)
{
	if (fd >= 0) {
		(void)close(fd); /* Linux frees the descriptor whatever it returns */
	}
}

enum rc file_read(const char *path, struct buf *b, struct err *e)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		return err_set_sys(e, errno == ENOENT ? RC_ABSENT : RC_IO, __func__,
				   "cannot open '%s'", path);
	}
	for (;;) {
		size_t want = b->max - b->n < 65536 ? b->max - b->n : 65536;
		char probe;
		ssize_t got;

		if (want == 0) {
			got = read(fd, &probe, 1);
			if (got == 0) {
				return RC_OK;
			}
			FAIL(e, RC_LIMIT, "'%s' is larger than %zu bytes", path, b->max);
		}
		if (buf_reserve(b, want) != RC_OK) {
			FAIL(e, RC_NOMEM, "no memory to read '%s'", path);
		}
		got = read(fd, b->p + b->n, want);
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0) {
			return err_set_sys(e, RC_IO, __func__, "cannot read '%s'", path);
		}
		if (got == 0) {
			return RC_OK;
		}
		b->n += (size_t)got;
	}
}

enum rc file_write_all(int fd, struct str s, struct err *e)
{
	while (s.n > 0) {
		ssize_t put = write(fd, s.p, s.n);

		if (put < 0 && errno == EINTR) {
			continue;
		}
		if (put < 0) {
			return err_set_sys(e, RC_IO, __func__, "cannot write");
		}
		s = str_slice(s, (size_t)put, s.n);
	}
	return RC_OK;
}

enum rc file_sync_dir(const char *path, struct err *e)
{
	AUTO_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot open directory '%s'", path);
	}
	if (fsync(fd) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot sync directory '%s'", path);
	}
	return RC_OK;
}

/* The directory part of path into out. */
static enum rc parent_of(const char *path, char out[PATH_MAX], struct err *e)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	if (n >= PATH_MAX - 1) {
		FAIL(e, RC_LIMIT, "path is too long: '%s'", path);
	}
	if (!slash) {
		memcpy(out, ".", 2);
		return RC_OK;
	}
	memcpy(out, path, n);
	out[n] = '\0';
	if (n == 0) {
		memcpy(out, "/", 2);
	}
	return RC_OK;
}

static enum rc write_and_sync(const char *path, struct str bytes, unsigned mode, struct err *e)
{
	AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, (mode_t)mode);

	if (fd < 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot create '%s'", path);
	}
	if (file_write_all(fd, bytes, e) != RC_OK) {
		return err_wrap(e, RC_IO, "'%s'", path);
	}
	if (fsync(fd) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot sync '%s'", path);
	}
	return RC_OK;
}

enum rc file_replace(const char *path, struct str bytes, unsigned mode, struct err *e)
{
	char dir[PATH_MAX];
	char tmp[PATH_MAX];
	int n = snprintf(tmp, sizeof(tmp), "%s.new", path);

	if (n < 0 || (size_t)n >= sizeof(tmp)) {
		FAIL(e, RC_LIMIT, "path is too long: '%s'", path);
	}
	TRY(parent_of(path, dir, e));
	TRY(write_and_sync(tmp, bytes, mode, e));
	if (rename(tmp, path) != 0) {
		enum rc rc = err_set_sys(e, RC_IO, __func__, "cannot rename '%s'", tmp);

		(void)unlink(tmp); /* best effort: the error is already on its way */
		return rc;
	}
	return file_sync_dir(dir, e);
}

enum rc file_mkdirs(const char *path, unsigned mode, struct err *e)
{
	char at[PATH_MAX];
	size_t n = strlen(path);

	if (n == 0 || n >= sizeof(at)) {
		FAIL(e, RC_LIMIT, "path is empty or too long: '%s'", path);
	}
	memcpy(at, path, n + 1);
	for (size_t i = 1; i <= n; i++) {
		if (at[i] != '/' && at[i] != '\0') {
			continue;
		}
		at[i] = '\0';
		if (mkdir(at, (mode_t)mode) != 0 && errno != EEXIST) {
			return err_set_sys(e, RC_IO, __func__, "cannot create directory '%s'", at);
		}
		if (i < n) {
			at[i] = '/';
		}
	}
	return RC_OK;
}
