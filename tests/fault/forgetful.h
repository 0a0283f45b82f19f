/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fault/forgetful.h - a directory on a disk that fails and forgets.
 *
 * What the code under test asks of the system (write, fsync, rename, mkdir, rmdir, unlink, open
 * that makes a file) goes through here, by the linker's --wrap. The n-th of these operations fails,
 * or the machine ends with it; a power cut then forgets what was not synced: of written files a
 * part, of changed names any number of the last ones.
 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum forget { FORGET_NOTHING = 0, FORGET_ERROR, FORGET_POWER };

enum { FORGET_MOST = 4096 };

enum name_op { NAME_MADE, NAME_RENAMED, NAME_REMOVED, NAME_DIR_REMOVED };

/* A name that was changed in a directory that was not synced since. */
struct name_change {
	enum name_op op;
	char from[512];
	char to[512];	  /* renamed */
	char backup[512]; /* what was there; "" = nothing */
};

static struct {
	char root[256];
	char backups[300];
	enum forget fault;
	uint64_t n;	/* operations so far */
	uint64_t fails; /* at that one */
	bool has_failed;
	bool is_off; /* the machine has ended */
	uint64_t random;
	size_t n_dirty;
	ino_t dirty[FORGET_MOST];
	size_t n_changes;
	struct name_change changes[FORGET_MOST];
	unsigned n_backups;
} disk;

static uint64_t forget_draw(uint64_t n)
{
	disk.random = disk.random * 6364136223846793005u + 1442695040888963407u;
	return (disk.random >> 33) % n;
}

/* True: this operation fails. */
static bool forget_step(void)
{
	if (!disk.fault || !disk.root[0]) {
		return false;
	}
	if (disk.is_off || (++disk.n == disk.fails)) {
		disk.has_failed = true;
		disk.is_off = disk.fault == FORGET_POWER;
		errno = EIO;
		return true;
	}
	return false;
}

static bool forget_is_ours(const char *path)
{
	return disk.root[0] && strncmp(path, disk.root, strlen(disk.root)) == 0;
}

static bool forget_path(int fd, char out[512])
{
	char link[64];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, out, 511);
	out[n < 0 ? 0 : n] = '\0';
	return n > 0 && forget_is_ours(out);
}

static void forget_change(enum name_op op, const char *from, const char *to, const char *over)
{
	struct name_change *c = &disk.changes[disk.n_changes++];
	struct stat st;

	assert_true(disk.n_changes < FORGET_MOST);
	*c = (struct name_change){.op = op};
	(void)snprintf(c->from, sizeof(c->from), "%s", from);
	(void)snprintf(c->to, sizeof(c->to), "%s", to);
	if (over && lstat(over, &st) == 0 && S_ISREG(st.st_mode)) {
		(void)snprintf(c->backup, sizeof(c->backup), "%s/%u", disk.backups,
			       disk.n_backups++);
		assert_int_equal(link(over, c->backup), 0);
	}
}

static bool forget_is_in(const char *path, const char *dir)
{
	const char *slash = strrchr(path, '/');

	return slash && (size_t)(slash - path) == strlen(dir) &&
	       strncmp(path, dir, strlen(dir)) == 0;
}

/* The directory was synced: what was changed in it stays, and with a directory that was removed
 * from it all that was in that. */
static void forget_settle(const char *dir)
{
	size_t kept = 0;

	for (size_t i = 0; i < disk.n_changes; i++) {
		char gone[512];

		if (disk.changes[i].op == NAME_DIR_REMOVED &&
		    forget_is_in(disk.changes[i].from, dir)) {
			memcpy(gone, disk.changes[i].from, sizeof(gone));
			disk.changes[i].from[0] = '\0'; /* is in none */
			forget_settle(gone);
			i = SIZE_MAX; /* from the first again: they have moved */
		}
	}
	for (size_t i = 0; i < disk.n_changes; i++) {
		if (disk.changes[i].from[0] && !forget_is_in(disk.changes[i].from, dir)) {
			disk.changes[kept++] = disk.changes[i];
		}
	}
	disk.n_changes = kept;
}

/* ---- the system ---- */

int __real_fsync(int fd);
ssize_t __real_write(int fd, const void *p, size_t n);
int __real_rename(const char *from, const char *to);
int __real_mkdir(const char *path, mode_t mode);
int __real_rmdir(const char *path);
int __real_unlink(const char *path);
int __real_open64(const char *path, int flags, ...);
int __wrap_fsync(int fd);
ssize_t __wrap_write(int fd, const void *p, size_t n);
int __wrap_rename(const char *from, const char *to);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_rmdir(const char *path);
int __wrap_unlink(const char *path);
int __wrap_open64(const char *path, int flags, ...);

int __wrap_fsync(int fd)
{
	char path[512];
	struct stat st;

	if (!forget_path(fd, path)) {
		return __real_fsync(fd);
	}
	if (forget_step()) {
		return -1;
	}
	assert_int_equal(fstat(fd, &st), 0);
	if (S_ISDIR(st.st_mode)) {
		forget_settle(path);
		return 0;
	}
	for (size_t i = 0; i < disk.n_dirty; i++) {
		if (disk.dirty[i] == st.st_ino) {
			disk.dirty[i] = disk.dirty[--disk.n_dirty];
			break;
		}
	}
	return 0; /* a power cut here is ours alone */
}

ssize_t __wrap_write(int fd, const void *p, size_t n)
{
	char path[512];
	struct stat st;

	if (!forget_path(fd, path)) {
		return __real_write(fd, p, n);
	}
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(disk.n_dirty < FORGET_MOST);
	disk.dirty[disk.n_dirty++] = st.st_ino;
	if (forget_step()) {
		(void)__real_write(fd, p, n / 2);
		errno = ENOSPC;
		return -1;
	}
	return __real_write(fd, p, n);
}

int __wrap_rename(const char *from, const char *to)
{
	if (!forget_is_ours(to)) {
		return __real_rename(from, to);
	}
	if (forget_step()) {
		return -1;
	}
	forget_change(NAME_RENAMED, from, to, to);
	return __real_rename(from, to);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
	int result;

	if (!forget_is_ours(path)) {
		return __real_mkdir(path, mode);
	}
	if (forget_step()) {
		return -1;
	}
	result = __real_mkdir(path, mode);
	if (result == 0) {
		forget_change(NAME_MADE, path, "", NULL);
	}
	return result;
}

int __wrap_rmdir(const char *path)
{
	int result;

	if (!forget_is_ours(path)) {
		return __real_rmdir(path);
	}
	if (forget_step()) {
		return -1;
	}
	result = __real_rmdir(path);
	if (result == 0) {
		forget_change(NAME_DIR_REMOVED, path, "", NULL);
	}
	return result;
}

int __wrap_unlink(const char *path)
{
	if (!forget_is_ours(path)) {
		return __real_unlink(path);
	}
	if (forget_step()) {
		return -1;
	}
	forget_change(NAME_REMOVED, path, "", path);
	return __real_unlink(path);
}

int __wrap_open64(const char *path, int flags, ...)
{
	struct stat st;
	bool is_new;
	va_list ap;
	mode_t mode = 0;
	int fd;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (!(flags & O_CREAT) || !forget_is_ours(path)) {
		return __real_open64(path, flags, mode);
	}
	if (forget_step()) {
		return -1;
	}
	is_new = lstat(path, &st) != 0;
	fd = __real_open64(path, flags, mode);
	if (fd >= 0 && is_new) {
		forget_change(NAME_MADE, path, "", NULL);
	}
	return fd;
}

/* ---- ends ---- */

static int forget_remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void forget_remove(const char *path)
{
	(void)nftw(path, forget_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int forget_tear_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)type;
	(void)at;
	for (size_t i = 0; i < disk.n_dirty; i++) {
		if (S_ISREG(st->st_mode) && disk.dirty[i] == st->st_ino) {
			off_t keep = (off_t)forget_draw((uint64_t)st->st_size + 1);

			return truncate(path, keep);
		}
	}
	return 0;
}

static void forget_undo(const struct name_change *c)
{
	switch (c->op) {
	case NAME_MADE:
		forget_remove(c->from);
		break;
	case NAME_RENAMED:
		(void)__real_rename(c->to, c->from); /* it may have gone itself */
		break;
	case NAME_DIR_REMOVED:
		(void)__real_mkdir(c->from, 0755);
		break;
	case NAME_REMOVED:
		break;
	}
	if (c->backup[0]) {
		assert_int_equal(link(c->backup, c->op == NAME_RENAMED ? c->to : c->from), 0);
	}
}

/* From here on operations count, and the n-th fails as said. */
static void forget_begin(const char *root, enum forget fault, uint64_t n)
{
	memset(&disk, 0, sizeof(disk));
	(void)snprintf(disk.root, sizeof(disk.root), "%s", root);
	(void)snprintf(disk.backups, sizeof(disk.backups), "%s.backups", root);
	disk.random = n * 2654435761u + 1;
	(void)__real_mkdir(root, 0700);
	(void)__real_mkdir(disk.backups, 0700);
	disk.fault = fault;
	disk.fails = n;
}

/* The process ends; with FORGET_POWER the machine too. True: something had failed. */
static bool forget_end(void)
{
	bool has_failed = disk.has_failed;

	if (disk.fault == FORGET_POWER) {
		size_t stay = (size_t)forget_draw(disk.n_changes + 1);

		(void)nftw(disk.root, forget_tear_one, 16, FTW_PHYS);
		while (disk.n_changes > stay) {
			forget_undo(&disk.changes[--disk.n_changes]);
		}
	}
	forget_remove(disk.backups);
	disk.root[0] = '\0';
	return has_failed;
}
