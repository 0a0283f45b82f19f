/* SPDX-License-Identifier: Apache-2.0 */
/* governor/segment_read.c - leaves back from the files: one by index, or all in order.
 *
 * Trust:  files were ours and may be damaged; a reader may see a batch that is being written,
 *         but is told up to which leaf everything is durable.
 */
#include "governor/segment.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "governor/segment_log.h"

/* ---- By the log's owner, by index ---- */

/* The file that holds the index; RC_ABSENT when it is not there any more. */
static enum rc file_of(const struct segment_log *l, uint64_t index, size_t *ret, struct err *e)
{
	size_t lo = 0;
	size_t hi = l->files.n;

	while (hi - lo > 1) {
		size_t middle = lo + (hi - lo) / 2;

		if (l->files.p[middle].first_index <= index) {
			lo = middle;
		} else {
			hi = middle;
		}
	}
	if (l->files.p[lo].first_index > index) {
		FAIL(e, RC_ABSENT, "leaf %ju was pruned", (uintmax_t)index);
	}
	*ret = lo;
	return RC_OK;
}

/* The last place at or before index; there is one for every durable leaf of the file. */
static const struct segment_place *place_of(const struct segment_file *file, uint64_t index)
{
	size_t lo = 0;
	size_t hi = file->places.n;

	while (hi - lo > 1) {
		size_t middle = lo + (hi - lo) / 2;

		if (file->places.p[middle].first_index <= index) {
			lo = middle;
		} else {
			hi = middle;
		}
	}
	MUST(lo < file->places.n && file->places.p[lo].first_index <= index);
	return &file->places.p[lo];
}

void segment_close_read(struct segment_log *l)
{
	const struct log_io *io = segment_io(l, l->read_file);

	if (l->read_fd >= 0) {
		io->close(io->ctx, l->read_fd);
		l->read_fd = LOG_NO_FD;
	}
}

static enum rc open_for_reading(struct segment_log *l, size_t file, struct err *e)
{
	const struct log_io *io = segment_io(l, file);
	char name[SEGMENT_NAME_BYTES];
	int fd;

	if (l->read_fd >= 0 && l->read_file == file) {
		return RC_OK;
	}
	segment_close_read(l);
	segment_name(l->files.p[file].first_index, name);
	fd = io->open(io->ctx, name, LOG_IO_READ);
	if (fd < 0) {
		return batch_io_error(e, __func__, fd, "open", name);
	}
	l->read_fd = fd;
	l->read_file = file;
	return RC_OK;
}

static enum rc read_header(struct segment_log *l, const struct segment_file *file,
			   struct segment_header *ret, struct err *e)
{
	uint8_t bytes[SEGMENT_HEADER_BYTES];
	char name[SEGMENT_NAME_BYTES];

	segment_name(file->first_index, name);
	TRY(batch_read_at(&l->io, l->read_fd, bytes, sizeof(bytes), 0, e));
	TRY(segment_header_parse(bytes, name, ret, e));
	if (strcmp(ret->origin, l->origin) != 0 || ret->first_index != file->first_index) {
		FAIL(e, RC_BROKEN, "'%s' is of log '%s' and begins at leaf %ju", name, ret->origin,
		     (uintmax_t)ret->first_index);
	}
	return RC_OK;
}

/* A file before the base, from which nobody has read yet: where are its batches? */
static enum rc find_places(struct segment_log *l, size_t at, struct buf *b, struct err *e)
{
	struct segment_file *file = &l->files.p[at];
	struct segment_header header;
	uint64_t offset = SEGMENT_HEADER_BYTES;
	uint64_t next = file->first_index;
	uint32_t checksum_before = 0;
	struct batch_header h;
	bool is_batch;

	if (file->mark) {
		return RC_OK;
	}
	TRY(read_header(l, file, &header, e));
	file->places.n = 0;
	while (next < l->files.p[at + 1].first_index) { /* it is not the last one */
		TRY(batch_load(&l->io, l->read_fd, header.capacity, offset, header.mark, b, &h,
			       &is_batch, e));
		if (!is_batch || h.first_index != next || h.checksum_before != checksum_before) {
			FAIL(e, RC_BROKEN, "segment of leaf %ju is damaged at byte %ju",
			     (uintmax_t)file->first_index, (uintmax_t)offset);
		}
		if (segment_note_place(file, next, offset) != RC_OK) {
			FAIL(e, RC_NOMEM, "no memory to remember where a batch is");
		}
		next += h.n_leaves;
		checksum_before = h.checksum;
		offset = batch_end(offset, b->n);
	}
	file->capacity = header.capacity;
	file->mark = header.mark;
	return RC_OK;
}

enum rc segment_read(struct segment_log *l, uint64_t index, struct buf *b, struct segment_leaf *ret,
		     struct err *e)
{
	const struct segment_file *file;
	struct batch_header h;
	struct reader r;
	uint64_t offset;
	size_t at = 0;
	bool is_batch;

	if (l->is_broken) {
		FAIL(e, RC_BROKEN, "the log failed earlier and refuses everything");
	}
	if (index >= l->frontier.size) {
		FAIL(e, RC_ABSENT, "there is no durable leaf %ju", (uintmax_t)index);
	}
	TRY(file_of(l, index, &at, e));
	TRY(open_for_reading(l, at, e));
	TRY(find_places(l, at, b, e));
	file = &l->files.p[at];
	offset = place_of(file, index)->offset;
	for (;;) {
		TRY(batch_load(segment_io(l, at), l->read_fd, file->capacity, offset, file->mark, b,
			       &h, &is_batch, e));
		if (!is_batch || h.first_index > index) {
			FAIL(e, RC_BROKEN, "segment of leaf %ju is damaged at byte %ju",
			     (uintmax_t)file->first_index, (uintmax_t)offset);
		}
		if (index - h.first_index < h.n_leaves) {
			break;
		}
		offset = batch_end(offset, b->n);
	}
	r = reader_of(str_slice(buf_view(b), BATCH_HEADER_BYTES, SIZE_MAX));
	for (uint64_t i = h.first_index; i <= index; i++) {
		TRY(batch_next_leaf(&r, i, ret, e));
	}
	ret->hash = tlog_leaf_hash(l->hasher, ret->bytes);
	return RC_OK;
}

/* ---- By anybody, in order ---- */

struct segment_reader {
	struct log_io io;
	struct log_io emergency; /* open NULL: none */
	bool is_away;		 /* the segment that is open lies there */
	char origin[256];
	struct tlog_hasher *hasher;
	int fd;
	char name[SEGMENT_NAME_BYTES];
	struct segment_header header;
	uint64_t offset;     /* of the next batch to load */
	uint64_t next_index; /* first leaf of it */
	uint32_t checksum_before;
	struct tlog_hash last_leaf;
	bool knows_last_leaf; /* false after batches were stepped over */
	struct buf batch;
	struct reader records; /* left of the loaded batch */
	uint64_t record_index; /* of the next leaf in it */
	uint32_t n_left;
	uint64_t want; /* next leaf to give */
};

static const struct log_io *io_of(const struct segment_reader *r)
{
	return r->is_away ? &r->emergency : &r->io;
}

static void close_segment(struct segment_reader *r)
{
	if (r->fd >= 0) {
		io_of(r)->close(io_of(r)->ctx, r->fd);
		r->fd = LOG_NO_FD;
	}
}

void segment_reader_use_emergency(struct segment_reader *r, const struct log_io *emergency)
{
	r->emergency = *emergency;
}

void segment_reader_free(struct segment_reader *r)
{
	if (!r) {
		return;
	}
	close_segment(r);
	buf_fini(&r->batch);
	tlog_hasher_free(r->hasher);
	mem_free(r);
}

static enum rc enter_segment(struct segment_reader *r, uint64_t first, struct err *e)
{
	uint8_t bytes[SEGMENT_HEADER_BYTES];
	int fd;

	close_segment(r);
	segment_name(first, r->name);
	/* Of two the one at home is a copy, or could not be written. */
	r->is_away = r->emergency.open != NULL;
	fd = r->is_away ? r->emergency.open(r->emergency.ctx, r->name, LOG_IO_READ) : -ENOENT;
	if (fd == -ENOENT) {
		r->is_away = false;
		fd = r->io.open(r->io.ctx, r->name, LOG_IO_READ);
	}
	if (fd < 0) {
		(void)batch_io_error(e, __func__, fd, "open", r->name);
		return fd == -ENOENT ? RC_ABSENT : RC_IO;
	}
	r->fd = fd;
	TRY(batch_read_at(io_of(r), r->fd, bytes, sizeof(bytes), 0, e));
	TRY(segment_header_parse(bytes, r->name, &r->header, e));
	if (strcmp(r->header.origin, r->origin) != 0 || r->header.first_index != first) {
		FAIL(e, RC_BROKEN, "'%s' is of log '%s' and begins at leaf %ju", r->name,
		     r->header.origin, (uintmax_t)r->header.first_index);
	}
	if (r->knows_last_leaf && !tlog_hash_eq(&r->header.leaf_before, &r->last_leaf)) {
		FAIL(e, RC_BROKEN, "'%s' does not continue the segment before it", r->name);
	}
	r->offset = SEGMENT_HEADER_BYTES;
	r->next_index = first;
	r->checksum_before = 0;
	return RC_OK;
}

struct search {
	uint64_t index;
	uint64_t best;
	bool has_best;
};

static int consider_name(void *arg, const char *name)
{
	struct search *s = arg;
	uint64_t first;

	if (segment_name_parse(name, &first) && first <= s->index &&
	    (!s->has_best || first > s->best)) {
		s->best = first;
		s->has_best = true;
	}
	return 0;
}

static struct segment_reader *make_reader(const struct log_io *io, struct str origin)
{
	struct segment_reader *r = mem_calloc(1, sizeof(*r));

	if (!r) {
		return NULL;
	}
	*r = (struct segment_reader){
	    .io = *io,
	    .hasher = tlog_hasher_new(),
	    .fd = LOG_NO_FD,
	    .batch = BUF_INIT(LIMIT_BATCH_BYTES),
	};
	memcpy(r->origin, origin.p, origin.n);
	if (!r->hasher) {
		segment_reader_free(r);
		return NULL;
	}
	return r;
}

enum rc segment_reader_open(const struct log_io *io, struct str origin, uint64_t from_index,
			    struct segment_reader **ret, struct err *e)
{
	AUTO_SEGMENT_READER r = NULL;
	struct search s = {.index = from_index};
	int result;

	TRY(segment_check_origin(origin, e));
	r = make_reader(io, origin);
	if (!r) {
		FAIL(e, RC_NOMEM, "no memory to read the log");
	}
	result = io->list(io->ctx, consider_name, &s);
	if (result != 0) {
		return batch_io_error(e, __func__, result, "list", "the log's directory");
	}
	if (!s.has_best) {
		FAIL(e, RC_ABSENT, "no segment holds leaf %ju", (uintmax_t)from_index);
	}
	TRY(enter_segment(r, s.best, e));
	r->want = from_index;
	*ret = TAKE(r);
	return RC_OK;
}

static enum rc load_here(struct segment_reader *r, struct batch_header *h, bool *is_batch,
			 struct err *e)
{
	return batch_load(io_of(r), r->fd, r->header.capacity, r->offset, r->header.mark, &r->batch,
			  h, is_batch, e);
}

/* What was away has come home since, and went on there: the same bytes and then more. */
static enum rc follow_home(struct segment_reader *r, struct err *e)
{
	int fd = r->io.open(r->io.ctx, r->name, LOG_IO_READ);

	if (fd < 0) {
		return batch_io_error(e, __func__, fd, "open", r->name);
	}
	close_segment(r);
	r->is_away = false;
	r->fd = fd;
	return RC_OK;
}

/* The segment that is open was replaced behind our back, and what was read last from it did not
 * count: the log went on away from it, in one that begins earlier than where we are. */
static enum rc search_again(struct segment_reader *r, struct err *e)
{
	struct search s = {.index = r->next_index};
	char name[SEGMENT_NAME_BYTES];

	segment_name(r->header.first_index, name);
	(void)r->io.list(r->io.ctx, consider_name, &s); /* then there is none */
	if (r->emergency.open) {
		(void)r->emergency.list(r->emergency.ctx, consider_name, &s);
	}
	if (!s.has_best || s.best <= r->header.first_index) {
		FAIL(e, RC_BROKEN, "'%s' is damaged at byte %ju: leaf %ju is not there", name,
		     (uintmax_t)r->offset, (uintmax_t)r->next_index);
	}
	r->knows_last_leaf = false; /* of another place in the log */
	return enter_segment(r, s.best, e);
}

/* Loads the batch that begins with leaf next_index, which is durable, so it must be there: here
 * or at the beginning of the next segment. */
static enum rc load_next(struct segment_reader *r, struct err *e)
{
	struct batch_header h;
	bool is_batch;

	TRY(load_here(r, &h, &is_batch, e));
	if (!is_batch && r->is_away) {
		TRY(follow_home(r, e));
		TRY(load_here(r, &h, &is_batch, e));
	}
	if (!is_batch && r->next_index != r->header.first_index) {
		enum rc rc = enter_segment(r, r->next_index, e);

		TRY(rc == RC_ABSENT ? search_again(r, e) : rc);
		TRY(load_here(r, &h, &is_batch, e));
	}
	if (!is_batch || h.first_index != r->next_index ||
	    h.checksum_before != r->checksum_before) {
		FAIL(e, RC_BROKEN, "'%s' is damaged at byte %ju: no batch of leaf %ju", r->name,
		     (uintmax_t)r->offset, (uintmax_t)r->next_index);
	}
	r->records = reader_of(str_slice(buf_view(&r->batch), BATCH_HEADER_BYTES, SIZE_MAX));
	r->record_index = h.first_index;
	r->n_left = h.n_leaves;
	r->offset = batch_end(r->offset, r->batch.n);
	r->next_index += h.n_leaves;
	r->checksum_before = h.checksum;
	return RC_OK;
}

enum rc segment_reader_next(struct segment_reader *r, uint64_t durable_size,
			    struct segment_leaf *ret, struct err *e)
{
	if (r->want >= durable_size) {
		FAIL(e, RC_ABSENT, "leaf %ju is not durable yet", (uintmax_t)r->want);
	}
	for (;;) {
		while (r->n_left > 0 && r->record_index <= r->want) {
			TRY(batch_next_leaf(&r->records, r->record_index, ret, e));
			r->n_left--;
			r->record_index++;
			if (ret->index == r->want) {
				ret->hash = tlog_leaf_hash(r->hasher, ret->bytes);
				r->last_leaf = ret->hash;
				r->knows_last_leaf = r->n_left == 0;
				r->want++;
				return RC_OK;
			}
		}
		r->n_left = 0;
		TRY(load_next(r, e));
		if (r->next_index <= r->want) {
			r->n_left = 0; /* all of it lies before what is wanted */
			r->knows_last_leaf = false;
		}
	}
}
