/* SPDX-License-Identifier: Apache-2.0 */
/* drill/disk.c - files as two copies, names as a table with a journal.
 *
 * Holds: (1) medium is what a reader would find after a power cut that loses all that may be lost.
 *        (2) a file lives while a name in now, medium or journal, or a descriptor, means it.
 *        (3) nothing here depends on anything but the calls made and the seed.
 */
#include "drill/disk.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/vec.h"

enum { SECTOR = 512, NAME = 96, FDS = 64 };

/* Sectors [from, to) that were written and not synced. */
struct range {
	uint64_t from;
	uint64_t to;
};

struct file {
	uint8_t *now;
	uint8_t *medium;
	size_t room; /* of both */
	uint64_t size;
	uint64_t medium_size;
	VEC(struct range) dirty;
	bool is_meant; /* while collecting */
};

struct name {
	char text[NAME];
	struct file *file;
};

struct names {
	VEC(struct name) at;
};

/* One step of the journal: text means file now (NULL: nothing), and gone, if not "", nothing. */
struct change {
	char text[NAME];
	char gone[NAME];
	struct file *file;
};

struct disk {
	VEC(struct file *) files;
	struct names now;
	struct names medium;
	VEC(struct change) journal; /* since the directory was synced */
	uint64_t n_syncs;
	struct file *fds[FDS];
	bool is_lock[FDS];
	bool is_locked;
	enum disk_mood mood;
	enum disk_fault fault;
	uint64_t countdown; /* 0 = off */
	bool has_failed;
	bool is_off; /* the power */
	uint64_t random;
};

static uint64_t draw(struct disk *d)
{
	d->random ^= d->random << 13;
	d->random ^= d->random >> 7;
	d->random ^= d->random << 17;
	return d->random;
}

static bool coin(struct disk *d)
{
	return draw(d) >> 33 & 1;
}

struct disk *disk_new(uint64_t seed)
{
	struct disk *d = mem_calloc(1, sizeof(*d));

	if (d) {
		d->random = seed * 2654435761u + 88172645463325252u;
	}
	return d;
}

static void file_free(struct file *f)
{
	mem_free(f->now);
	mem_free(f->medium);
	vec_fini(&f->dirty);
	mem_free(f);
}

uint64_t disk_n_syncs(const struct disk *d)
{
	return d->n_syncs;
}

void disk_free(struct disk *d)
{
	if (!d) {
		return;
	}
	for (size_t i = 0; i < d->files.n; i++) {
		file_free(d->files.p[i]);
	}
	vec_fini(&d->files);
	vec_fini(&d->now.at);
	vec_fini(&d->medium.at);
	vec_fini(&d->journal);
	mem_free(d);
}

void disk_set_mood(struct disk *d, enum disk_mood mood)
{
	d->mood = mood;
}

bool disk_is_good(const struct disk *d)
{
	return d->mood == DISK_GOOD;
}

void disk_fail_at(struct disk *d, enum disk_fault fault, uint64_t nth)
{
	d->fault = fault;
	d->countdown = nth;
	d->has_failed = false;
	d->is_off = false;
}

bool disk_has_failed(const struct disk *d)
{
	return d->has_failed;
}

/* Counts an operation. 0 = it may be done; else the error, of which -EIO is for the operation
 * itself to be done in part. */
static int fault_of(struct disk *d, bool takes_space)
{
	if (d->is_off) {
		return -EIO;
	}
	if (d->fault == DISK_FAULT_NONE || (d->fault == DISK_FAULT_ENOSPC && !takes_space) ||
	    d->countdown == 0 || --d->countdown > 0) {
		return 0;
	}
	d->has_failed = true;
	d->is_off = d->fault == DISK_FAULT_POWER;
	return d->fault == DISK_FAULT_ENOSPC ? -ENOSPC : -EIO;
}

/* The same for what changes something. takes_space: it is a write or allocation;
 * takes_new_space: of blocks that the file has not got yet. */
static int change_error(struct disk *d, bool takes_space, bool takes_new_space)
{
	int error = fault_of(d, takes_space);

	if (error != 0) {
		return error;
	}
	switch (d->mood) {
	case DISK_GOOD:
		return 0;
	case DISK_FULL:
		return takes_new_space ? -ENOSPC : 0;
	case DISK_FAILING:
		return -EIO;
	case DISK_READ_ONLY:
		return -EROFS;
	}
	return -EIO;
}

/* ---- names ---- */

static size_t find(const struct names *names, const char *text)
{
	size_t i = 0;

	while (i < names->at.n && strcmp(names->at.p[i].text, text) != 0) {
		i++;
	}
	return i;
}

static struct file *named(const struct names *names, const char *text)
{
	size_t i = find(names, text);

	return i < names->at.n ? names->at.p[i].file : NULL;
}

static void copy_text(char out[NAME], const char *text)
{
	memcpy(out, text, strlen(text) + 1); /* its length was checked when it was opened */
}

/* file NULL removes the name. */
static int put_name(struct names *names, const char *text, struct file *file)
{
	size_t i = find(names, text);
	struct name name = {.file = file};

	if (!file) {
		if (i < names->at.n) {
			vec_remove(&names->at, i);
		}
		return 0;
	}
	if (i < names->at.n) {
		names->at.p[i].file = file;
		return 0;
	}
	copy_text(name.text, text);
	return vec_push(&names->at, name) == RC_OK ? 0 : -ENOMEM;
}

static int apply_change(struct names *names, const struct change *c)
{
	int error = put_name(names, c->text, c->file);

	return error != 0 || !c->gone[0] ? error : put_name(names, c->gone, NULL);
}

static int change_name(struct disk *d, const char *text, struct file *file, const char *gone)
{
	struct change c = {.file = file};

	copy_text(c.text, text);
	copy_text(c.gone, gone);
	return vec_push(&d->journal, c) == RC_OK ? apply_change(&d->now, &c) : -ENOMEM;
}

/* (2) */
static void collect(struct disk *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->now.at.n; i++) {
		d->now.at.p[i].file->is_meant = true;
	}
	for (size_t i = 0; i < d->medium.at.n; i++) {
		d->medium.at.p[i].file->is_meant = true;
	}
	for (size_t i = 0; i < d->journal.n; i++) {
		if (d->journal.p[i].file) {
			d->journal.p[i].file->is_meant = true;
		}
	}
	for (int i = 0; i < FDS; i++) {
		if (d->fds[i]) {
			d->fds[i]->is_meant = true;
		}
	}
	for (size_t i = 0; i < d->files.n; i++) {
		struct file *f = d->files.p[i];

		if (f->is_meant) {
			f->is_meant = false;
			d->files.p[kept++] = f;
		} else {
			file_free(f);
		}
	}
	d->files.n = kept;
}

/* ---- contents ---- */

static int resize(struct file *f, uint64_t size)
{
	size_t room = f->room ? f->room : SECTOR;
	uint8_t *now;
	uint8_t *medium;

	while (room < size) {
		room *= 2;
	}
	if (room > f->room) {
		now = mem_realloc(f->now, room, 1);
		f->now = now ? now : f->now;
		medium = mem_realloc(f->medium, room, 1);
		f->medium = medium ? medium : f->medium;
		if (!now || !medium) {
			return -ENOMEM;
		}
		memset(now + f->room, 0, room - f->room);
		memset(medium + f->room, 0, room - f->room);
		f->room = room;
	}
	if (size > f->size) {
		f->size = size;
	}
	return 0;
}

static int mark_dirty(struct file *f, uint64_t from, uint64_t to)
{
	struct range r = {.from = from / SECTOR, .to = (to + SECTOR - 1) / SECTOR};
	struct range *last = f->dirty.n ? &f->dirty.p[f->dirty.n - 1] : NULL;

	if (last && r.from >= last->from && r.from <= last->to) {
		last->to = r.to > last->to ? r.to : last->to;
		return 0;
	}
	return vec_push(&f->dirty, r) == RC_OK ? 0 : -ENOMEM;
}

static void to_medium(struct file *f, uint64_t from, uint64_t to)
{
	uint64_t first = from * SECTOR;
	uint64_t end = to * SECTOR < f->room ? to * SECTOR : f->room;

	if (first < end) {
		memcpy(f->medium + first, f->now + first, (size_t)(end - first));
	}
}

static void sync_all(struct file *f)
{
	for (size_t i = 0; i < f->dirty.n; i++) {
		to_medium(f, f->dirty.p[i].from, f->dirty.p[i].to);
	}
	f->dirty.n = 0;
	f->medium_size = f->size;
}

/* Some sectors arrive, some are forgotten. */
static void sync_some(struct disk *d, struct file *f)
{
	for (size_t i = 0; i < f->dirty.n; i++) {
		for (uint64_t s = f->dirty.p[i].from; s < f->dirty.p[i].to; s++) {
			if (coin(d)) {
				to_medium(f, s, s + 1);
			}
		}
	}
	f->dirty.n = 0;
}

/* ---- the table ---- */

static int take_fd(struct disk *d, struct file *f, bool is_lock)
{
	for (int i = 0; i < FDS; i++) {
		if (!d->fds[i] && !d->is_lock[i]) {
			d->fds[i] = f;
			d->is_lock[i] = is_lock;
			return i;
		}
	}
	return -EMFILE;
}

static int do_open(void *ctx, const char *name, enum log_io_mode mode)
{
	struct disk *d = ctx;
	struct file *f = named(&d->now, name);
	int result;

	if (strlen(name) >= NAME) {
		return -ENAMETOOLONG;
	}
	if (mode != LOG_IO_CREATE) {
		result = fault_of(d, false);
		return result != 0 ? result : f ? take_fd(d, f, false) : -ENOENT;
	}
	result = change_error(d, true, true);
	if (result != 0) {
		return result;
	}
	/* A file made new is a new file; that an emptied one keeps its old blocks on the medium
	 * makes no difference to a writer who syncs it before renaming it. */
	f = mem_calloc(1, sizeof(*f));
	if (!f || vec_push(&d->files, f) != RC_OK) {
		mem_free(f);
		return -ENOMEM;
	}
	result = change_name(d, name, f, "");
	return result == 0 ? take_fd(d, f, false) : result;
}

static void do_close(void *ctx, int fd)
{
	struct disk *d = ctx;

	if (d->is_lock[fd]) {
		d->is_locked = false;
	}
	d->is_lock[fd] = false;
	d->fds[fd] = NULL;
}

static ssize_t do_pread(void *ctx, int fd, void *p, size_t n, uint64_t offset)
{
	struct disk *d = ctx;
	const struct file *f = d->fds[fd];
	int error = fault_of(d, false);

	if (error != 0) {
		return error;
	}
	if (offset >= f->size) {
		return 0;
	}
	if (n > f->size - offset) {
		n = (size_t)(f->size - offset);
	}
	memcpy(p, f->now + offset, n);
	return (ssize_t)n;
}

static ssize_t do_pwrite(void *ctx, int fd, const void *p, size_t n, uint64_t offset)
{
	struct disk *d = ctx;
	struct file *f = d->fds[fd];
	int error = change_error(d, true, offset + n > f->size);
	int result;

	if (error == -EIO && n > 0) {
		n = (size_t)(draw(d) % n); /* a part of it arrived */
	} else if (error != 0) {
		return error;
	}
	result = resize(f, offset + n);
	if (result == 0 && n > 0) {
		memcpy(f->now + offset, p, n);
		result = mark_dirty(f, offset, offset + n);
	}
	return result != 0 ? result : error != 0 ? error : (ssize_t)n;
}

static int do_fdatasync(void *ctx, int fd)
{
	struct disk *d = ctx;
	int error = change_error(d, false, false);

	if (error != 0) {
		sync_some(d, d->fds[fd]); /* what did not arrive counts as clean, as kernels do */
		return error;
	}
	sync_all(d->fds[fd]);
	d->n_syncs++;
	return 0;
}

static int do_fallocate(void *ctx, int fd, uint64_t n)
{
	struct disk *d = ctx;
	int error = change_error(d, true, n > d->fds[fd]->size);

	return error != 0 ? error : resize(d->fds[fd], n);
}

static int do_size(void *ctx, int fd, uint64_t *ret)
{
	struct disk *d = ctx;
	int error = fault_of(d, false);

	*ret = d->fds[fd]->size;
	return error;
}

static int do_rename(void *ctx, const char *from, const char *to)
{
	struct disk *d = ctx;
	struct file *f = named(&d->now, from);
	int error = change_error(d, false, false);

	if (error != 0 || !f || strlen(to) >= NAME) {
		return error != 0 ? error : -ENOENT;
	}
	return change_name(d, to, f, from);
}

static int do_unlink(void *ctx, const char *name)
{
	struct disk *d = ctx;
	int error = change_error(d, false, false);

	if (error != 0 || !named(&d->now, name)) {
		return error != 0 ? error : -ENOENT;
	}
	return change_name(d, name, NULL, "");
}

static int replay(struct disk *d, size_t n)
{
	int error = 0;

	for (size_t i = 0; i < n && error == 0; i++) {
		error = apply_change(&d->medium, &d->journal.p[i]);
	}
	d->journal.n = 0;
	return error;
}

static int do_sync_dir(void *ctx)
{
	struct disk *d = ctx;
	int error = change_error(d, false, false);

	if (error == 0) {
		error = replay(d, d->journal.n);
		collect(d);
	}
	return error;
}

static int do_list(void *ctx, int (*name)(void *arg, const char *name), void *arg)
{
	struct disk *d = ctx;
	int result = fault_of(d, false);

	for (size_t i = 0; i < d->now.at.n && result == 0; i++) {
		result = name(arg, d->now.at.p[i].text);
	}
	return result;
}

static int do_lock(void *ctx, const char *name)
{
	struct disk *d = ctx;
	int error = fault_of(d, false);

	(void)name; /* there is one lock in the directory */
	if (error != 0 || d->is_locked) {
		return error != 0 ? error : -EAGAIN;
	}
	d->is_locked = true;
	return take_fd(d, NULL, true);
}

static int do_is_in_place(void *ctx, int fd, const char *name)
{
	struct disk *d = ctx;

	return named(&d->now, name) == d->fds[fd] ? 0 : -ESTALE;
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

/* ---- the end ---- */

void disk_kill(struct disk *d)
{
	memset(d->fds, 0, sizeof(d->fds));
	memset(d->is_lock, 0, sizeof(d->is_lock));
	d->is_locked = false;
	d->fault = DISK_FAULT_NONE;
	d->is_off = false;
}

void disk_power_cut(struct disk *d)
{
	disk_kill(d);
	for (size_t i = 0; i < d->files.n; i++) {
		struct file *f = d->files.p[i];

		sync_some(d, f);
		if (f->size != f->medium_size && coin(d)) {
			f->medium_size = f->size;
		}
		if (f->room) {
			memcpy(f->now, f->medium, f->room);
		}
		f->size = f->medium_size;
	}
	MUST(replay(d, (size_t)(draw(d) % (d->journal.n + 1))) == 0);
	d->now.at.n = 0;
	for (size_t i = 0; i < d->medium.at.n; i++) {
		MUST(vec_push(&d->now.at, d->medium.at.p[i]) == RC_OK);
	}
	collect(d);
}

/* ---- behind everybody's back ---- */

bool disk_has(const struct disk *d, const char *name)
{
	return named(&d->now, name) != NULL;
}

bool disk_peek(const struct disk *d, const char *name, uint64_t offset, void *p, size_t n)
{
	const struct file *f = named(&d->now, name);

	if (!f || offset + n > f->size) {
		return false;
	}
	memcpy(p, f->now + offset, n);
	return true;
}

bool disk_overwrite(struct disk *d, const char *name, uint64_t offset, const void *p, size_t n)
{
	struct file *f = named(&d->now, name);

	if (!f || offset + n > f->size) {
		return false;
	}
	memcpy(f->now + offset, p, n);
	memcpy(f->medium + offset, p, n);
	return true;
}

bool disk_flip(struct disk *d, const char *name, uint64_t offset, uint8_t mask)
{
	uint8_t byte;

	if (!disk_peek(d, name, offset, &byte, 1)) {
		return false;
	}
	byte ^= mask;
	return disk_overwrite(d, name, offset, &byte, 1);
}

void disk_remove(struct disk *d, const char *name)
{
	(void)put_name(&d->now, name, NULL); /* taking away needs no memory */
	(void)put_name(&d->medium, name, NULL);
}
