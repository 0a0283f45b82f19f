/* SPDX-License-Identifier: Apache-2.0 */
/* governor/segment_emergency.c - the log goes on in another place, and comes home.
 *
 * The emergency segment is a segment like any other, with the next number and the next batch; only
 * its place is another directory. It begins with the batch whose commit failed.
 * Trust:  files in both places were ours and may be torn or damaged.
 * Holds:  (1) at most one segment is away from home, and it is the last.
 *         (2) what the segment before holds from its first index on does not count: nothing of it
 *             was acknowledged, and the same leaves are in the emergency segment.
 *         (3) of two files that begin with the same leaf the one counts that nothing acknowledged
 *             can be missing from: with the same mark one is a copy of the other, and the longer
 *             one counts; with another mark the one at home never held an acknowledged batch.
 *         (4) the file is removed from the emergency place only when the one at home is durable.
 *         (5) it comes home only behind every leaf that was acknowledged before it: the segment
 *             there may be another file by now, an older copy of what it was.
 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "governor/segment_log.h"

enum { COPY_BYTES = 64 * 1024 };

static const char FOLD_NEW[] = "fold.new";

static uint64_t emergency_bytes(const struct segment_log *l)
{
	return l->segment_bytes < LIMIT_EMERGENCY_BYTES ? l->segment_bytes : LIMIT_EMERGENCY_BYTES;
}

void segment_emergency_prepare(struct segment_log *l)
{
	l->has_emergency =
	    l->emergency.open &&
	    segment_prepare_spare(&l->emergency, emergency_bytes(l), &l->emergency_why) == RC_OK;
}

bool segment_has_emergency(const struct segment_log *l)
{
	return l->has_emergency;
}

bool segment_is_emergency(const struct segment_log *l)
{
	return l->files.n > 0 && l->files.p[l->files.n - 1].is_emergency;
}

const char *segment_emergency_why(const struct segment_log *l)
{
	return l->emergency_why.msg;
}

/* ---- away ---- */

/* The last file, or what of it a failed commit may have touched, does not count any more. */
static void leave_home(struct segment_log *l)
{
	struct segment_file *last = &l->files.p[l->files.n - 1];
	bool is_empty = last->first_index == l->frontier.size;

	while (last->places.n > 0 &&
	       last->places.p[last->places.n - 1].first_index >= l->frontier.size) {
		last->places.n--;
	}
	l->void_from = is_empty ? 0 : l->offset;
	l->void_to = is_empty ? 0 : batch_end(l->offset, l->batch.n);
	l->void_to = l->void_to < last->capacity ? l->void_to : last->capacity;
	l->home_end = is_empty ? 0 : l->offset;
	l->home_checksum = l->checksum_before;
	segment_close_last(l);
	if (is_empty) {
		if (l->read_fd >= 0 && l->read_file == l->files.n - 1) {
			segment_close_read(l);
		}
		vec_fini(&last->places);
		l->files.n--; /* its number and its first index are those of the one to come */
		l->next_number--;
	}
}

enum rc segment_take_over(struct segment_log *l, const struct err *why, struct err *e)
{
	const struct log_io *io = &l->emergency;
	int fd = io->open(io->ctx, SEGMENT_SPARE, LOG_IO_WRITE);
	enum rc rc;

	l->emergency_why = *why;
	if (fd < 0) {
		return batch_io_error(e, __func__, fd, "open the emergency segment", SEGMENT_SPARE);
	}
	leave_home(l);
	rc = segment_start(l, io, fd, SEGMENT_SPARE, emergency_bytes(l), e);
	if (rc != RC_OK) {
		io->close(io->ctx, fd);
		return rc;
	}
	l->fd = fd;
	return RC_OK;
}

/* ---- home ---- */

struct chain {
	uint64_t mark;
	uint64_t end; /* offset behind the last whole batch */
	uint32_t checksum;
};

/* The whole batches of an open segment, in order, up to that offset. */
static enum rc walk(const struct log_io *io, int fd, uint64_t capacity, uint64_t up_to,
		    struct chain *chain, struct err *e)
{
	AUTO_BUF batch = BUF_INIT(LIMIT_BATCH_BYTES);
	struct batch_header b;
	bool is_batch = true;

	chain->end = SEGMENT_HEADER_BYTES;
	chain->checksum = 0;
	while (is_batch && chain->end < up_to) {
		TRY(batch_load(io, fd, capacity, chain->end, chain->mark, &batch, &b, &is_batch,
			       e));
		is_batch = is_batch && b.checksum_before == chain->checksum;
		if (is_batch) {
			chain->checksum = b.checksum;
			chain->end = batch_end(chain->end, batch.n);
		}
	}
	return RC_OK;
}

static enum rc open_at_home(struct segment_log *l, const struct segment_file *file, int *ret,
			    char name[SEGMENT_NAME_BYTES], struct err *e)
{
	uint8_t bytes[SEGMENT_HEADER_BYTES];
	struct segment_header h;
	enum rc rc;
	int fd;

	segment_name(file->first_index, name);
	fd = l->io.open(l->io.ctx, name, LOG_IO_WRITE);
	if (fd < 0) {
		return batch_io_error(e, __func__, fd, "open", name);
	}
	rc = batch_read_at(&l->io, fd, bytes, sizeof(bytes), 0, e);
	rc = rc == RC_OK ? segment_header_parse(bytes, name, &h, e) : rc;
	if (rc == RC_OK && h.mark != file->mark) {
		rc = err_set(e, RC_BROKEN, __func__, "'%s' was replaced", name);
	}
	if (rc != RC_OK) {
		l->io.close(l->io.ctx, fd);
		return rc;
	}
	*ret = fd;
	return RC_OK;
}

/* (5) */
static enum rc check_home(const struct segment_log *l, int fd, const struct segment_file *file,
			  const char *name, struct err *e)
{
	struct chain chain = {.mark = file->mark};

	if (l->home_end == 0) {
		return RC_OK;
	}
	TRY(walk(&l->io, fd, file->capacity, l->home_end, &chain, e));
	if (chain.end != l->home_end || chain.checksum != l->home_checksum) {
		FAIL(e, RC_BROKEN, "'%s' was replaced by one that lacks leaves", name);
	}
	return RC_OK;
}

/* (2): so that the segment before ends where the one that comes home begins. */
static enum rc clear_void(struct segment_log *l, struct err *e)
{
	const struct segment_file *file;
	char name[SEGMENT_NAME_BYTES];
	enum rc rc;
	int fd;

	if (l->files.n < 2) {
		return RC_OK;
	}
	file = &l->files.p[l->files.n - 2];
	TRY(open_at_home(l, file, &fd, name, e));
	rc = check_home(l, fd, file, name, e);
	rc = rc != RC_OK ? rc : segment_write_zeros(&l->io, fd, l->void_from, l->void_to, name, e);
	rc = rc == RC_OK ? segment_sync(&l->io, fd, name, e) : rc;
	l->io.close(l->io.ctx, fd);
	return rc;
}

static enum rc copy_batches(struct segment_log *l, int to, struct err *e)
{
	const struct segment_file *file = &l->files.p[l->files.n - 1];
	AUTO_MEM void *chunk = mem_calloc(1, COPY_BYTES);
	int result = l->io.fallocate(l->io.ctx, to, file->capacity);

	if (!chunk) {
		FAIL(e, RC_NOMEM, "no memory to copy a segment");
	}
	if (result != 0) {
		return batch_io_error(e, __func__, result, "allocate blocks of", FOLD_NEW);
	}
	for (uint64_t at = 0; at < l->offset;) {
		size_t n = l->offset - at < COPY_BYTES ? (size_t)(l->offset - at) : COPY_BYTES;

		TRY(batch_read_at(&l->emergency, l->fd, chunk, n, at, e));
		TRY(batch_write_at(&l->io, to, chunk, n, at, FOLD_NEW, e));
		at += n;
	}
	TRY(segment_write_zeros(&l->io, to, l->offset, file->capacity, FOLD_NEW, e));
	return segment_sync(&l->io, to, FOLD_NEW, e);
}

static enum rc copy_home(struct segment_log *l, int *ret, const char *name, struct err *e)
{
	int fd = l->io.open(l->io.ctx, FOLD_NEW, LOG_IO_CREATE);
	enum rc rc;

	if (fd < 0) {
		return batch_io_error(e, __func__, fd, "create", FOLD_NEW);
	}
	rc = copy_batches(l, fd, e);
	rc = rc == RC_OK ? segment_rename(&l->io, FOLD_NEW, name, e) : rc;
	if (rc != RC_OK) {
		l->io.close(l->io.ctx, fd);
		(void)l->io.unlink(l->io.ctx, FOLD_NEW); /* gives the blocks back */
		return rc;
	}
	*ret = fd;
	return RC_OK;
}

/* (4); a file that cannot be removed is a copy that does not count, by (3). */
static void remove_away(struct segment_log *l, const char *name)
{
	(void)l->emergency.unlink(l->emergency.ctx, name);
	(void)l->emergency.sync_dir(l->emergency.ctx);
}

enum rc segment_fold(struct segment_log *l, struct err *e)
{
	struct segment_file *file = &l->files.p[l->files.n - 1];
	char name[SEGMENT_NAME_BYTES];
	int fd;

	MUST(segment_is_emergency(l));
	if (l->is_broken) {
		FAIL(e, RC_BROKEN, "the log failed earlier and refuses everything");
	}
	segment_name(file->first_index, name);
	TRY(clear_void(l, e));
	TRY(copy_home(l, &fd, name, e));
	if (l->read_file == l->files.n - 1) {
		segment_close_read(l);
	}
	segment_close_last(l);
	file->is_emergency = false;
	l->fd = fd;
	l->void_from = 0;
	l->void_to = 0;
	remove_away(l, name);
	segment_emergency_prepare(l);
	return RC_OK;
}

/* ---- at a start ---- */

static enum rc measure_open(const struct log_io *io, int fd, const char *name, struct chain *ret,
			    struct err *e)
{
	uint8_t bytes[SEGMENT_HEADER_BYTES];
	struct segment_header h;
	struct segment_file file;
	struct segment_rest rest;

	TRY(batch_read_at(io, fd, bytes, sizeof(bytes), 0, e));
	TRY(segment_header_parse(bytes, name, &h, e));
	file = (struct segment_file){.capacity = h.capacity, .mark = h.mark};
	ret->mark = h.mark;
	TRY(walk(io, fd, h.capacity, h.capacity, ret, e));
	TRY(segment_look_at_rest(io, fd, &file, ret->end, &rest, e));
	if (rest.has_mark) {
		FAIL(e, RC_BROKEN, "'%s' is damaged at byte %ju: a later batch begins at byte %ju",
		     name, (uintmax_t)ret->end, (uintmax_t)rest.mark_at);
	}
	return RC_OK;
}

static enum rc measure_chain(const struct log_io *io, const char *name, struct chain *ret,
			     struct err *e)
{
	int fd = io->open(io->ctx, name, LOG_IO_READ);
	enum rc rc;

	if (fd < 0) {
		return batch_io_error(e, __func__, fd, "open", name);
	}
	rc = measure_open(io, fd, name, ret, e);
	io->close(io->ctx, fd);
	return rc;
}

enum rc segment_emergency_counts(struct segment_log *l, uint64_t first, bool is_at_home_too,
				 bool *ret, struct err *e)
{
	struct chain home = {0};
	struct chain away;
	char name[SEGMENT_NAME_BYTES];

	segment_name(first, name);
	TRY(measure_chain(&l->emergency, name, &away, e));
	if (is_at_home_too) {
		TRY(measure_chain(&l->io, name, &home, e));
	}
	*ret = away.end > SEGMENT_HEADER_BYTES &&
	       (home.mark != away.mark || home.end < away.end); /* (3) */
	if (!*ret) {
		remove_away(l, name);
	}
	return RC_OK;
}
