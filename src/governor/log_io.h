/* SPDX-License-Identifier: Apache-2.0 */
/* governor/log_io.h - the file operations of the durable log, as a table.
 *
 * The log does nothing to a disk but through these, so that a test can fail the n-th operation,
 * pull the plug and drop what was not synced. Functions return 0 (or a count, or a descriptor) or
 * -errno. Paths are relative to the log's directory, which ctx knows.
 */
#pragma once

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

enum log_io_mode {
	LOG_IO_READ = 0, /* must exist */
	LOG_IO_WRITE,	 /* must exist */
	LOG_IO_CREATE,	 /* made new or emptied, for writing */
};

struct log_io {
	int (*open)(void *ctx, const char *name, enum log_io_mode mode);
	void (*close)(void *ctx, int fd);
	/* Both may do less than asked; 0 from pread is the end of the file. */
	ssize_t (*pread)(void *ctx, int fd, void *p, size_t n, uint64_t offset);
	ssize_t (*pwrite)(void *ctx, int fd, const void *p, size_t n, uint64_t offset);
	int (*fdatasync)(void *ctx, int fd);
	/* Blocks for the first n bytes, so that writing them cannot find the disk full. */
	int (*fallocate)(void *ctx, int fd, uint64_t n);
	int (*size)(void *ctx, int fd, uint64_t *ret);
	int (*rename)(void *ctx, const char *from, const char *to);
	int (*unlink)(void *ctx, const char *name);
	int (*sync_dir)(void *ctx);
	/* Calls name() for each entry, in no order; a result other than 0 ends it and is returned.
	 */
	int (*list)(void *ctx, int (*name)(void *arg, const char *name), void *arg);
	/* Takes the lock file for this process until close; -EAGAIN when another has it. Returns a
	 * descriptor. */
	int (*lock)(void *ctx, const char *name);
	/* 0 when the open file is what that name means and has a link; else -ESTALE. */
	int (*is_in_place)(void *ctx, int fd, const char *name);
	void *ctx;
};

/* Whole small files through a table. Appends name's bytes to b; RC_ABSENT, RC_LIMIT past b's
 * maximum. */
enum rc log_io_read_file(const struct log_io *io, const char *name, struct buf *b, struct err *e);
/* Durably: beside it as "<name>.new", sync, rename, sync of the directory. */
enum rc log_io_replace_file(const struct log_io *io, const char *name, struct str bytes,
			    struct err *e);
bool log_io_has_file(const struct log_io *io, const char *name);

/* The real thing. path must be an existing directory; it is held open until free. */
struct log_io_system;
enum rc log_io_system_new(const char *path, struct log_io_system **ret, struct err *e);
void log_io_system_free(struct log_io_system *s);
/* Lives as long as s. */
struct log_io log_io_system_table(struct log_io_system *s);
