/* SPDX-License-Identifier: Apache-2.0 */
/* disk.c - a directory in memory. */
#include "disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES = 64, FDS = 64, CHANGES = 256, NAME = 72, SECTOR = 512 };

/* The heap here is the test's, not the product's: memory faults are for the code under test. */
struct file {
	uint8_t *now;
	uint8_t *medium;
	bool *dirty; /* per sector */
	size_t n;    /* rounded up to sectors in memory */
	size_t size;
	size_t medium_size;
};

struct name {
	char text[NAME];
	int file;
};

struct names {
	struct name at[FILES];
	int n;
};

struct disk {
	struct file files[FILES];
	int n_files;
	struct names now;
	struct names history[CHANGES]; /* after each change since the directory was synced */
	int n_history;
	struct names medium;
	int fds[FDS]; /* file + 1; 0 = free; -1 = the lock */
	bool is_locked;
	enum disk_fault fault;
	uint64_t countdown;
	bool has_failed;
	bool is_off;
	uint64_t random;
	uint64_t syncs;
};

static uint64_t next_random(struct disk *d)
{
	d->random ^= d->random << 13;
	d->random ^= d->random >> 7;
	d->random ^= d->random << 17;
	return d->random;
}

static bool coin(struct disk *d)
{
	return next_random(d) >> 33 & 1;
}

static void must(bool x)
{
	if (!x) {
		fprintf(stderr, "the disk in memory is too small or misused\n");
		abort();
	}
}

struct disk *disk_new(uint64_t seed)
{
	struct disk *d = calloc(1, sizeof(*d));

	must(d != NULL);
	d->random = seed * 2654435761u + 88172645463325252u;
	return d;
}

void disk_free(struct disk *d)
{
	for (int i = 0; i < d->n_files; i++) {
		free(d->files[i].now);
		free(d->files[i].medium);
		free(d->files[i].dirty);
	}
	free(d);
}

void disk_fail_at(struct disk *d, enum disk_fault fault, uint64_t nth)
{
	d->fault = fault;
	d->countdown = nth;
	d->has_failed = false;
}

bool disk_has_failed(const struct disk *d)
{
	return d->has_failed;
}

/* Counts an operation. True when it is the one to fail, or the power is off. */
static bool fails(struct disk *d, bool takes_space)
{
	if (d->is_off) {
		return true;
	}
	if (d->fault == DISK_FAULT_NONE || (d->fault == DISK_FAULT_ENOSPC && !takes_space) ||
	    d->countdown == 0 || --d->countdown > 0) {
		return false;
	}
	d->has_failed = true;
	d->is_off = d->fault == DISK_FAULT_POWER;
	return true;
}

static int error_of(const struct disk *d)
{
	return d->fault == DISK_FAULT_ENOSPC ? -ENOSPC : -EIO;
}

static int find(const struct names *names, const char *text)
{
	for (int i = 0; i < names->n; i++) {
		if (strcmp(names->at[i].text, text) == 0) {
			return i;
		}
	}
	return -1;
}

static void forget_name(struct names *names, const char *text)
{
	int i = find(names, text);

	if (i >= 0) {
		names->at[i] = names->at[--names->n];
	}
}

static void add_name(struct names *names, const char *text, int file)
{
	forget_name(names, text);
	must(names->n < FILES && strlen(text) < NAME);
	memcpy(names->at[names->n].text, text, strlen(text) + 1);
	names->at[names->n++].file = file;
}

static void note_change(struct disk *d)
{
	must(d->n_history < CHANGES);
	d->history[d->n_history++] = d->now;
}

static void resize(struct file *f, size_t size)
{
	size_t n = (size + SECTOR - 1) / SECTOR * SECTOR;

	if (n > f->n) {
		f->now = realloc(f->now, n);
		f->medium = realloc(f->medium, n);
		f->dirty = realloc(f->dirty, n / SECTOR * sizeof(bool));
		must(f->now && f->medium && f->dirty);
		memset(f->now + f->n, 0, n - f->n);
		memset(f->medium + f->n, 0, n - f->n);
		memset(f->dirty + f->n / SECTOR, 0, (n - f->n) / SECTOR);
		f->n = n;
	}
	f->size = size;
}

static struct file *file_of(struct disk *d, int fd)
{
	must(fd >= 0 && fd < FDS && d->fds[fd] > 0);
	return &d->files[d->fds[fd] - 1];
}

static int take_fd(struct disk *d, int value)
{
	for (int i = 0; i < FDS; i++) {
		if (d->fds[i] == 0) {
			d->fds[i] = value;
			return i;
		}
	}
	must(false);
	return -1;
}

static int do_open(void *ctx, const char *name, enum log_io_mode mode)
{
	struct disk *d = ctx;
	int at = find(&d->now, name);

	if (fails(d, mode == LOG_IO_CREATE)) {
		return error_of(d);
	}
	if (mode != LOG_IO_CREATE) {
		return at < 0 ? -ENOENT : take_fd(d, d->now.at[at].file + 1);
	}
	/* A file made new is a new file here; that an emptied one keeps its old blocks on the
	 * medium makes no difference to a writer who fills and syncs it before renaming it. */
	must(d->n_files < FILES);
	add_name(&d->now, name, d->n_files);
	note_change(d);
	return take_fd(d, ++d->n_files);
}

static void do_close(void *ctx, int fd)
{
	struct disk *d = ctx;

	if (d->fds[fd] == -1) {
		d->is_locked = false;
	}
	d->fds[fd] = 0;
}

static ssize_t do_pread(void *ctx, int fd, void *p, size_t n, uint64_t offset)
{
	struct disk *d = ctx;
	const struct file *f = file_of(d, fd);

	if (fails(d, false)) {
		return -EIO;
	}
	if (offset >= f->size) {
		return 0;
	}
	if (n > f->size - offset) {
		n = f->size - (size_t)offset;
	}
	memcpy(p, f->now + offset, n);
	return (ssize_t)n;
}

static ssize_t do_pwrite(void *ctx, int fd, const void *p, size_t n, uint64_t offset)
{
	struct disk *d = ctx;
	struct file *f = file_of(d, fd);
	bool has_failed = fails(d, true);

	if (has_failed) {
		if (d->fault != DISK_FAULT_POWER || d->countdown > 0 || n == 0) {
			return error_of(d);
		}
		n = (size_t)(next_random(d) % n); /* a part of it arrived */
	}
	if (offset + n > f->size) {
		resize(f, (size_t)offset + n);
	}
	memcpy(f->now + offset, p, n);
	for (uint64_t s = offset / SECTOR; n > 0 && s <= (offset + n - 1) / SECTOR; s++) {
		f->dirty[s] = true;
	}
	return has_failed ? -EIO : (ssize_t)n;
}

static void sync_file(struct disk *d, struct file *f, bool is_whole, bool is_copied)
{
	for (size_t s = 0; s < f->n / SECTOR; s++) {
		if (f->dirty[s] && (is_whole || coin(d))) {
			if (is_copied) {
				memcpy(f->medium + s * SECTOR, f->now + s * SECTOR, SECTOR);
			}
			f->dirty[s] = false;
		}
	}
	if (is_whole) {
		f->medium_size = f->size;
	}
}

static int do_fdatasync(void *ctx, int fd)
{
	struct disk *d = ctx;
	struct file *f = file_of(d, fd);

	if (fails(d, false)) {
		sync_file(d, f, false, true);
		sync_file(d, f, false, false); /* clean, and not on the medium */
		return -EIO;
	}
	sync_file(d, f, true, true);
	d->syncs++;
	return 0;
}

static int do_fallocate(void *ctx, int fd, uint64_t n)
{
	struct disk *d = ctx;
	struct file *f = file_of(d, fd);

	if (fails(d, true)) {
		return error_of(d);
	}
	if (n > f->size) {
		resize(f, (size_t)n);
	}
	return 0;
}

static int do_size(void *ctx, int fd, uint64_t *ret)
{
	struct disk *d = ctx;

	if (fails(d, false)) {
		return -EIO;
	}
	*ret = file_of(d, fd)->size;
	return 0;
}

static int do_rename(void *ctx, const char *from, const char *to)
{
	struct disk *d = ctx;
	int at = find(&d->now, from);
	int file;

	if (fails(d, false)) {
		return -EIO;
	}
	if (at < 0) {
		return -ENOENT;
	}
	file = d->now.at[at].file;
	forget_name(&d->now, from);
	add_name(&d->now, to, file);
	note_change(d);
	return 0;
}

static int do_unlink(void *ctx, const char *name)
{
	struct disk *d = ctx;

	if (fails(d, false)) {
		return -EIO;
	}
	if (find(&d->now, name) < 0) {
		return -ENOENT;
	}
	forget_name(&d->now, name);
	note_change(d);
	return 0;
}

static int do_sync_dir(void *ctx)
{
	struct disk *d = ctx;

	if (fails(d, false)) {
		return -EIO;
	}
	d->medium = d->now;
	d->n_history = 0;
	return 0;
}

static int do_list(void *ctx, int (*name)(void *arg, const char *name), void *arg)
{
	struct disk *d = ctx;

	if (fails(d, false)) {
		return -EIO;
	}
	for (int i = d->now.n - 1; i >= 0; i--) {
		int result = name(arg, d->now.at[i].text);

		if (result != 0) {
			return result;
		}
	}
	return 0;
}

static int do_lock(void *ctx, const char *name)
{
	struct disk *d = ctx;

	(void)name;
	if (fails(d, false)) {
		return -EIO;
	}
	if (d->is_locked) {
		return -EAGAIN;
	}
	d->is_locked = true;
	return take_fd(d, -1);
}

static int do_is_in_place(void *ctx, int fd, const char *name)
{
	struct disk *d = ctx;
	int at = find(&d->now, name);

	return at >= 0 && d->now.at[at].file + 1 == d->fds[fd] ? 0 : -ESTALE;
}

struct log_io disk_io(struct disk *d)
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
	    .ctx = d,
	};
}

void disk_kill(struct disk *d)
{
	memset(d->fds, 0, sizeof(d->fds));
	d->is_locked = false;
	d->fault = DISK_FAULT_NONE;
	d->is_off = false;
}

void disk_crash(struct disk *d)
{
	disk_kill(d);
	for (int i = 0; i < d->n_files; i++) {
		struct file *f = &d->files[i];

		sync_file(d, f, false, true);
		if (f->size != f->medium_size && coin(d)) {
			f->medium_size = f->size;
		}
		if (f->n > 0) {
			memcpy(f->now, f->medium, f->n);
			memset(f->dirty, 0, f->n / SECTOR);
		}
		f->size = f->medium_size;
	}
	/* Names are journalled: a beginning of the changes survives. */
	if (d->n_history > 0) {
		int keep = (int)(next_random(d) % (uint64_t)(d->n_history + 1));

		if (keep > 0) {
			d->medium = d->history[keep - 1];
		}
	}
	d->now = d->medium;
	d->n_history = 0;
}

static struct file *named(struct disk *d, const char *name)
{
	int at = find(&d->now, name);

	return at < 0 ? NULL : &d->files[d->now.at[at].file];
}

bool disk_flip(struct disk *d, const char *name, uint64_t offset, uint8_t mask)
{
	struct file *f = named(d, name);

	if (!f || offset >= f->size) {
		return false;
	}
	f->now[offset] ^= mask;
	f->medium[offset] ^= mask;
	return true;
}

void disk_overwrite(struct disk *d, const char *name, uint64_t offset, const void *p, size_t n)
{
	struct file *f = named(d, name);

	must(f && offset + n <= f->size);
	memcpy(f->now + offset, p, n);
	memcpy(f->medium + offset, p, n);
}

bool disk_peek(struct disk *d, const char *name, uint64_t offset, void *p, size_t n)
{
	const struct file *f = named(d, name);

	if (!f || offset + n > f->size) {
		return false;
	}
	memcpy(p, f->now + offset, n);
	return true;
}

bool disk_has(const struct disk *d, const char *name)
{
	return find(&d->now, name) >= 0;
}

void disk_remove(struct disk *d, const char *name)
{
	forget_name(&d->now, name);
	forget_name(&d->medium, name);
}

uint64_t disk_syncs(const struct disk *d)
{
	return d->syncs;
}
