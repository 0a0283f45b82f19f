/* SPDX-License-Identifier: Apache-2.0 */
/* base/file.h - whole files and durable replacement. */
#pragma once

#include "base/buf.h"

/* A descriptor that closes itself; -1 = none. */
#define AUTO_FD CLEANUP(file_close_cleanup) int
void file_close(int fd);
static inline void file_close_cleanup(int *fd)
{
	file_close(*fd);
}

/* Appends the whole file to b; RC_ABSENT when it is not there, RC_LIMIT when it is larger than
 * b's maximum. */
enum rc file_read(const char *path, struct buf *b, struct err *e);
/* Writes bytes to path durably: temporary file beside it, fsync, rename, fsync of the
 * directory. Readers see the old or the new content, never a part. */
enum rc file_replace(const char *path, struct str bytes, unsigned mode, struct err *e);
/* Creates the directory and its missing parents; an existing directory is fine. */
enum rc file_mkdirs(const char *path, unsigned mode, struct err *e);
enum rc file_sync_dir(const char *path, struct err *e);
/* All of s or an error; short writes are continued, EINTR retried. For blocking descriptors. */
enum rc file_write_all(int fd, struct str s, struct err *e);
