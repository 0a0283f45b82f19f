/* SPDX-License-Identifier: Apache-2.0 */
/* governor/log_io.c - the durable log's file operations on a real directory. */
#include "governor/log_io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

struct log_io_system {
	int dir; /* every name is relative to it, so a renamed directory is followed */
};

enum { FILE_MODE = 0600 };

static int dir_of(void *ctx)
{
	return ((struct log_io_system *)ctx)->dir;
}

static int do_open(void *ctx, const char *name, enum log_io_mode mode)
{
	int flags = O_CLOEXEC | O_NOFOLLOW;
	int fd;

	switch (mode) {
	case LOG_IO_READ:
		flags |= O_RDONLY;
		break;
	case LOG_IO_WRITE:
		flags |= O_RDWR;
		break;
	case LOG_IO_CREATE:
		flags |= O_RDWR | O_CREAT | O_TRUNC;
		break;
	}
	fd = openat(dir_of(ctx), name, flags, FILE_MODE);
	return fd < 0 ? -errno : fd;
}

static void do_close(void *ctx, int fd)
{
	(void)ctx;
	file_close(fd);
}

static ssize_t do_pread(void *ctx, int fd, void *p, size_t n, uint64_t offset)
{
	ssize_t got = pread(fd, p, n, (off_t)offset);

	(void)ctx;
	return got < 0 ? -errno : got;
}

static ssize_t do_pwrite(void *ctx, int fd, const void *p, size_t n, uint64_t offset)
{
	ssize_t put = pwrite(fd, p, n, (off_t)offset);

	(void)ctx;
	return put < 0 ? -errno : put;
}

static int do_fdatasync(void *ctx, int fd)
{
	(void)ctx;
	return fdatasync(fd) == 0 ? 0 : -errno;
}

static int do_fallocate(void *ctx, int fd, uint64_t n)
{
	(void)ctx;
	/* posix_fallocate returns the error; it also works where the file system cannot. */
	return -posix_fallocate(fd, 0, (off_t)n);
}

static int do_size(void *ctx, int fd, uint64_t *ret)
{
	struct stat st;

	(void)ctx;
	if (fstat(fd, &st) != 0) {
		return -errno;
	}
	*ret = (uint64_t)st.st_size;
	return 0;
}

static int do_rename(void *ctx, const char *from, const char *to)
{
	return renameat(dir_of(ctx), from, dir_of(ctx), to) == 0 ? 0 : -errno;
}

static int do_unlink(void *ctx, const char *name)
{
	return unlinkat(dir_of(ctx), name, 0) == 0 ? 0 : -errno;
}

static int do_sync_dir(void *ctx)
{
	return fsync(dir_of(ctx)) == 0 ? 0 : -errno;
}

static int do_list(void *ctx, int (*name)(void *arg, const char *name), void *arg)
{
	int fd = openat(dir_of(ctx), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int result = 0;

	if (!dir) {
		result = -errno;
		file_close(fd);
		return result;
	}
	for (;;) {
		errno = 0;
		entry = readdir(dir);
		if (!entry) {
			result = -errno;
			break;
		}
		result = name(arg, entry->d_name);
		if (result != 0) {
			break;
		}
	}
	(void)closedir(dir); /* only read */
	return result;
}

static int do_lock(void *ctx, const char *name)
{
	int fd = openat(dir_of(ctx), name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	int result;

	if (fd < 0) {
		return -errno;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		return fd;
	}
	result = errno == EWOULDBLOCK ? -EAGAIN : -errno;
	file_close(fd);
	return result;
}

static int do_is_in_place(void *ctx, int fd, const char *name)
{
	struct stat open_file;
	struct stat named;

	if (fstat(fd, &open_file) != 0) {
		return -errno;
	}
	if (fstatat(dir_of(ctx), name, &named, AT_SYMLINK_NOFOLLOW) != 0) {
		return errno == ENOENT ? -ESTALE : -errno;
	}
	return open_file.st_nlink >= 1 && open_file.st_ino == named.st_ino &&
		       open_file.st_dev == named.st_dev
		   ? 0
		   : -ESTALE;
}

/* ---- Whole files ---- */

static enum rc file_error(struct err *e, int result, const char *what, const char *name)
{
	errno = -result;
	return err_set_sys(e, result == -ENOENT ? RC_ABSENT : RC_IO, __func__, "cannot %s '%s'",
			   what, name);
}

bool log_io_has_file(const struct log_io *io, const char *name)
{
	int fd = io->open(io->ctx, name, LOG_IO_READ);

	if (fd < 0) {
		return false;
	}
	io->close(io->ctx, fd);
	return true;
}

static enum rc read_open_file(const struct log_io *io, int fd, const char *name, struct buf *b,
			      struct err *e)
{
	uint64_t size = 0;
	int result = io->size(io->ctx, fd, &size);

	if (result != 0) {
		return file_error(e, result, "look at", name);
	}
	if (size > b->max - b->n || buf_reserve(b, (size_t)size) != RC_OK) {
		FAIL(e, RC_LIMIT, "'%s' is larger than it may be", name);
	}
	for (uint64_t at = 0; at < size;) {
		ssize_t got = io->pread(io->ctx, fd, b->p + b->n, (size_t)(size - at), at);

		if (got == -EINTR) {
			continue;
		}
		if (got <= 0) {
			return file_error(e, got < 0 ? (int)got : -EIO, "read", name);
		}
		at += (uint64_t)got;
		b->n += (size_t)got;
	}
	return RC_OK;
}

enum rc log_io_read_file(const struct log_io *io, const char *name, struct buf *b, struct err *e)
{
	int fd = io->open(io->ctx, name, LOG_IO_READ);
	enum rc rc;

	if (fd < 0) {
		return file_error(e, fd, "open", name);
	}
	rc = read_open_file(io, fd, name, b, e);
	io->close(io->ctx, fd);
	return rc;
}

static enum rc write_open_file(const struct log_io *io, int fd, const char *name, struct str bytes,
			       struct err *e)
{
	int result;

	for (size_t at = 0; at < bytes.n;) {
		ssize_t put = io->pwrite(io->ctx, fd, bytes.p + at, bytes.n - at, at);

		if (put == -EINTR) {
			continue;
		}
		if (put <= 0) {
			return file_error(e, put < 0 ? (int)put : -EIO, "write", name);
		}
		at += (size_t)put;
	}
	result = io->fdatasync(io->ctx, fd);
	return result == 0 ? RC_OK : file_error(e, result, "sync", name);
}

enum rc log_io_replace_file(const struct log_io *io, const char *name, struct str bytes,
			    struct err *e)
{
	char fresh[256];
	int n = snprintf(fresh, sizeof(fresh), "%s.new", name);
	int result;
	enum rc rc;
	int fd;

	if (n < 0 || (size_t)n >= sizeof(fresh)) {
		FAIL(e, RC_LIMIT, "the name '%s' is too long", name);
	}
	fd = io->open(io->ctx, fresh, LOG_IO_CREATE);
	if (fd < 0) {
		return file_error(e, fd, "create", fresh);
	}
	rc = write_open_file(io, fd, fresh, bytes, e);
	io->close(io->ctx, fd);
	TRY(rc);
	result = io->rename(io->ctx, fresh, name);
	if (result == 0) {
		result = io->sync_dir(io->ctx);
	}
	return result == 0 ? RC_OK : file_error(e, result, "put in place", name);
}

enum rc log_io_system_new(const char *path, struct log_io_system **ret, struct err *e)
{
	struct log_io_system *s = mem_calloc(1, sizeof(*s));

	if (!s) {
		FAIL(e, RC_NOMEM, "no memory for the log's directory");
	}
	s->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir < 0) {
		enum rc rc = errno == ENOENT ? RC_ABSENT : RC_IO;

		rc = err_set_sys(e, rc, __func__, "cannot open directory '%s'", path);
		mem_free(s);
		return rc;
	}
	*ret = s;
	return RC_OK;
}

void log_io_system_free(struct log_io_system *s)
{
	if (s) {
		file_close(s->dir);
		mem_free(s);
	}
}

struct log_io log_io_system_table(struct log_io_system *s)
{
	return (struct log_io){
	    .open = do_open,
	    .close = do_close,
	    .pread = do_pread,
	    .pwrite = do_pwrite,
	    .fdatasync = do_fdatasync,
	    .fallocate = do_fallocate,
	    .size = do_size,
	    .rename = do_rename,
	    .unlink = do_unlink,
	    .sync_dir = do_sync_dir,
	    .list = do_list,
	    .lock = do_lock,
	    .is_in_place = do_is_in_place,
	    .ctx = s,
	};
}
