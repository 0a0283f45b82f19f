/* SPDX-License-Identifier: Apache-2.0 */
/* governor/segment_open.c - recovery: read everything, believe nothing that does not check.
 *
 * Trust:  files were ours and may be torn or damaged.
 * Holds:  (1) a log opens only with a sequence of batches each of which is whole, in order and
 *             chained to the one before.
 *         (2) only the last segment is ever changed, and only behind its last whole batch. The one
 *             before an emergency segment ends where that one begins (segment_emergency.c).
 *         (3) what was read is on the medium before the log is usable. The last whole batch may be
 *             one whose sync failed: the kernel then shows it but counts it as clean, and would
 *             never write it. So it is written again, byte for byte, and synced.
 */
#include "governor/segment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "governor/segment_log.h"

enum { CHUNK_BYTES = 64 * 1024 };

/* First indexes. */
struct firsts {
	VEC(uint64_t) at;
};

struct opening {
	struct segment_log *l;
	segment_leaf_fn on_leaf;
	void *ctx;
	struct buf batch;
	struct firsts firsts; /* of the segments at home */
	struct firsts away;   /* and in the emergency place; one, in the end, that counts */
	struct segment_leaf leaf;
	const struct segment_base *base;
	uint64_t next;	     /* index of the leaf that is read next */
	bool is_within;	     /* a segment was read, which the next one must continue */
	uint64_t last_batch; /* its offset in the last segment; 0 = none there */
};

static int collect_name(void *arg, const char *name)
{
	struct firsts *firsts = arg;
	uint64_t first;

	if (!segment_name_parse(name, &first)) {
		return 0;
	}
	return vec_push(&firsts->at, first) == RC_OK ? 0 : -ENOMEM;
}

static enum rc list_segments(const struct log_io *io, struct firsts *ret, struct err *e)
{
	int result = io->list(io->ctx, collect_name, ret);

	if (result != 0) {
		return batch_io_error(e, __func__, result, "list", "the log's directory");
	}
	if (ret->at.n > 1) {
		qsort(ret->at.p, ret->at.n, sizeof(ret->at.p[0]), num_order_u64);
	}
	return RC_OK;
}

static size_t find_first(const struct firsts *firsts, uint64_t first)
{
	size_t i = 0;

	while (i < firsts->at.n && firsts->at.p[i] != first) {
		i++;
	}
	return i;
}

/* Leaves in o->away what counts, and in o->firsts what is not replaced by it. */
static enum rc look_away(struct opening *o, struct err *e)
{
	size_t kept = 0;

	if (!o->l->emergency.open) {
		return RC_OK;
	}
	TRY(list_segments(&o->l->emergency, &o->away, e));
	for (size_t i = 0; i < o->away.at.n; i++) {
		uint64_t first = o->away.at.p[i];
		size_t at = find_first(&o->firsts, first);
		bool counts;

		TRY(segment_emergency_counts(o->l, first, at < o->firsts.at.n, &counts, e));
		if (counts) {
			if (at < o->firsts.at.n) {
				vec_remove(&o->firsts.at, at);
			}
			o->away.at.p[kept++] = first;
		}
	}
	o->away.at.n = kept;
	if (kept > 1 || (kept == 1 && o->firsts.at.n > 0 &&
			 o->firsts.at.p[o->firsts.at.n - 1] > o->away.at.p[0])) {
		FAIL(e, RC_BROKEN, "a segment in the emergency place is not the last of the log");
	}
	return RC_OK;
}

/* The leaves that the base covers lead to the one that it names last. */
static enum rc check_base(const struct opening *o, struct err *e)
{
	if (o->base && o->next == o->base->size &&
	    !tlog_hash_eq(&o->l->last_leaf, &o->base->last_leaf)) {
		FAIL(e, RC_BROKEN,
		     "leaf %ju is not the one that the snapshot of %ju leaves ends with",
		     (uintmax_t)(o->next - 1), (uintmax_t)o->next);
	}
	return RC_OK;
}

/* Does the header say what the segments before it lead to? */
static enum rc check_header(struct opening *o, const struct segment_header *h, uint64_t first,
			    uint64_t size, const char *name, struct err *e)
{
	struct segment_log *l = o->l;

	if (strcmp(h->origin, l->origin) != 0) {
		FAIL(e, RC_BROKEN, "'%s' belongs to log '%s', not to '%s'", name, h->origin,
		     l->origin);
	}
	if (h->capacity != size) {
		FAIL(e, RC_BROKEN, "'%s' has %ju bytes, its header says %ju", name, (uintmax_t)size,
		     (uintmax_t)h->capacity);
	}
	if (h->first_index != first || h->first_index != o->next) {
		FAIL(e, RC_BROKEN, "'%s' begins at leaf %ju, the segments before it end at %ju",
		     name, (uintmax_t)h->first_index, (uintmax_t)o->next);
	}
	if (o->base && !o->is_within) {
		/* The first that is read: what is before it is not looked at. */
		l->sequence = h->first_sequence;
		l->last_leaf = h->leaf_before;
		return check_base(o, e);
	}
	if (h->number != l->next_number || h->first_sequence != l->sequence ||
	    !tlog_hash_eq(&h->leaf_before, &l->last_leaf)) {
		FAIL(e, RC_BROKEN, "'%s' does not continue the segment before it", name);
	}
	return RC_OK;
}

static enum rc open_segment(struct opening *o, const struct log_io *io, uint64_t first,
			    const char *name, struct err *e)
{
	struct segment_log *l = o->l;
	uint8_t bytes[SEGMENT_HEADER_BYTES];
	struct segment_header h;
	struct segment_file file = {.first_index = first, .is_emergency = io == &l->emergency};
	uint64_t size;
	int result;

	segment_close_last(l);
	if (vec_push(&l->files, file) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for another segment");
	}
	result = io->open(io->ctx, name, LOG_IO_WRITE);
	if (result < 0) {
		return batch_io_error(e, __func__, result, "open", name);
	}
	l->fd = result;
	result = io->size(io->ctx, l->fd, &size);
	if (result != 0) {
		return batch_io_error(e, __func__, result, "look at", name);
	}
	if (size < SEGMENT_HEADER_BYTES) {
		FAIL(e, RC_BROKEN, "'%s' is too short for a segment", name);
	}
	TRY(batch_read_at(io, l->fd, bytes, sizeof(bytes), 0, e));
	TRY(segment_header_parse(bytes, name, &h, e));
	TRY(check_header(o, &h, first, size, name, e));
	o->is_within = true;
	l->files.p[l->files.n - 1].capacity = h.capacity;
	l->files.p[l->files.n - 1].mark = h.mark;
	l->offset = SEGMENT_HEADER_BYTES;
	l->checksum_before = 0;
	l->next_number = h.number + 1;
	o->last_batch = 0;
	return RC_OK;
}

/* The leaves of a whole batch, into the frontier and to whoever listens. */
static enum rc take_leaves(struct opening *o, const struct batch_header *h, struct err *e)
{
	struct segment_log *l = o->l;
	struct reader r = reader_of(str_slice(buf_view(&o->batch), BATCH_HEADER_BYTES, SIZE_MAX));
	uint64_t n_records = 0;

	for (uint32_t i = 0; i < h->n_leaves; i++) {
		bool is_new = o->next == l->frontier.size; /* not covered by the base */

		TRY(batch_next_leaf(&r, o->next, &o->leaf, e));
		n_records += 1 + o->leaf.n_values;
		o->leaf.hash = tlog_leaf_hash(l->hasher, o->leaf.bytes);
		l->last_leaf = o->leaf.hash;
		o->next++;
		if (!is_new) {
			TRY(check_base(o, e));
			continue;
		}
		tlog_frontier_append(&l->frontier, l->hasher, &o->leaf.hash);
		if (o->on_leaf) {
			TRY(o->on_leaf(o->ctx, &o->leaf, e));
		}
	}
	if (r.n != 0 || n_records != h->n_records) {
		FAIL(e, RC_BROKEN, "a batch holds other records than its header says");
	}
	return RC_OK;
}

static enum rc take_batch(struct opening *o, const struct batch_header *h, const char *name,
			  struct err *e)
{
	struct segment_log *l = o->l;
	enum rc rc;

	if (h->sequence != l->sequence || h->first_index != o->next ||
	    h->checksum_before != l->checksum_before) {
		FAIL(e, RC_BROKEN,
		     "'%s' byte %ju: batch %ju of leaf %ju does not continue the "
		     "one before it",
		     name, (uintmax_t)l->offset, (uintmax_t)h->sequence, (uintmax_t)h->first_index);
	}
	if (segment_note_place(&l->files.p[l->files.n - 1], h->first_index, l->offset) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory to remember where a batch is");
	}
	rc = take_leaves(o, h, e);
	if (rc == RC_BROKEN) {
		return err_wrap(e, rc, "'%s' byte %ju", name, (uintmax_t)l->offset);
	}
	TRY(rc);
	o->last_batch = l->offset;
	l->offset = batch_end(l->offset, o->batch.n);
	l->checksum_before = h->checksum;
	l->sequence++;
	return RC_OK;
}

enum rc segment_look_at_rest(const struct log_io *io, int fd, const struct segment_file *file,
			     uint64_t offset, struct segment_rest *ret, struct err *e)
{
	AUTO_MEM uint8_t *chunk = mem_calloc(1, CHUNK_BYTES);
	uint8_t mark[8];

	if (!chunk) {
		FAIL(e, RC_NOMEM, "no memory to read a segment");
	}
	for (unsigned i = 0; i < 8; i++) {
		mark[i] = (uint8_t)(file->mark >> (8 * (7 - i)));
	}
	*ret = (struct segment_rest){.zeros_from = offset};
	for (uint64_t at = offset; at < file->capacity;) {
		size_t n =
		    file->capacity - at < CHUNK_BYTES ? (size_t)(file->capacity - at) : CHUNK_BYTES;

		TRY(batch_read_at(io, fd, chunk, n, at, e));
		/* Offset and chunk are multiples of the alignment, so no mark lies across. */
		for (size_t i = 0; i + 8 <= n; i += BATCH_ALIGN_BYTES) {
			if (at + i > offset && !ret->has_mark && memcmp(chunk + i, mark, 8) == 0) {
				ret->has_mark = true;
				ret->mark_at = at + i;
			}
		}
		for (size_t i = n; i > 0; i--) {
			if (chunk[i - 1] != 0) {
				ret->zeros_from = at + i;
				break;
			}
		}
		at += n;
	}
	return RC_OK;
}

/* What follows a segment. */
enum next { NEXT_NONE = 0, NEXT_SEGMENT, NEXT_EMERGENCY };

/* l->offset is where no batch begins that counts: the end, a torn batch, or damage; before an
 * emergency segment also a whole one that its writer could not be sure of. */
static enum rc judge_rest(struct opening *o, enum next next, const char *name, struct err *e)
{
	struct segment_log *l = o->l;
	struct segment_rest rest;

	TRY(segment_look_at_rest(segment_io(l, l->files.n - 1), l->fd, &l->files.p[l->files.n - 1],
				 l->offset, &rest, e));
	if (rest.zeros_from == l->offset) {
		return RC_OK;
	}
	if (next == NEXT_SEGMENT) {
		FAIL(e, RC_BROKEN, "'%s' is damaged at byte %ju, and a later segment exists", name,
		     (uintmax_t)l->offset);
	}
	if (rest.has_mark) {
		FAIL(e, RC_BROKEN, "'%s' is damaged at byte %ju: a later batch begins at byte %ju",
		     name, (uintmax_t)l->offset, (uintmax_t)rest.mark_at);
	}
	if (next == NEXT_EMERGENCY) {
		l->void_from = l->offset; /* cleared when the other one comes home */
		l->void_to = rest.zeros_from;
		return RC_OK;
	}
	return segment_write_zeros(segment_io(l, l->files.n - 1), l->fd, l->offset, rest.zeros_from,
				   name, e); /* synced by the caller, (3) */
}

/* ends_at: the first index of what follows, where it is an emergency segment. */
static enum rc read_segment(struct opening *o, const struct log_io *io, uint64_t first,
			    enum next next, uint64_t ends_at, struct err *e)
{
	struct segment_log *l = o->l;
	char name[SEGMENT_NAME_BYTES];

	segment_name(first, name);
	TRY(open_segment(o, io, first, name, e));
	for (;;) {
		const struct segment_file *file = &l->files.p[l->files.n - 1];
		struct batch_header h;
		bool is_batch;

		TRY(batch_load(io, l->fd, file->capacity, l->offset, file->mark, &o->batch, &h,
			       &is_batch, e));
		if (!is_batch || (next == NEXT_EMERGENCY && h.first_index >= ends_at)) {
			return judge_rest(o, next, name, e);
		}
		TRY(take_batch(o, &h, name, e));
	}
}

/* (3) */
static enum rc rewrite_last_batch(struct opening *o, struct err *e)
{
	struct segment_log *l = o->l;
	const struct segment_file *file = &l->files.p[l->files.n - 1];
	const struct log_io *io = segment_io(l, l->files.n - 1);
	struct batch_header h;
	bool is_batch;

	if (o->last_batch == 0) {
		return RC_OK;
	}
	TRY(batch_load(io, l->fd, file->capacity, o->last_batch, file->mark, &o->batch, &h,
		       &is_batch, e));
	if (!is_batch) {
		FAIL(e, RC_BROKEN, "the last segment changed while it was read");
	}
	return batch_write_at(io, l->fd, o->batch.p, o->batch.n, o->last_batch, "the last segment",
			      e);
}

static enum rc sync_last(struct opening *o, struct err *e)
{
	struct segment_log *l = o->l;
	const struct log_io *io = segment_io(l, l->files.n - 1);
	int result;

	TRY(rewrite_last_batch(o, e));
	TRY(segment_sync(io, l->fd, "the last segment", e));
	result = io->sync_dir(io->ctx);
	if (result != 0) {
		return batch_io_error(e, __func__, result, "sync", "the log's directory");
	}
	return RC_OK;
}

/* Names those that the base covers wholly, and begins with the one that holds its end. The one
 * before an emergency segment is always read: what of it does not count must be known. */
static enum rc skip_segments(struct opening *o, size_t *ret_from, struct err *e)
{
	const struct firsts *firsts = o->firsts.at.n ? &o->firsts : &o->away;
	size_t from = 0;

	*ret_from = 0;
	if (!o->base) {
		return RC_OK;
	}
	o->l->frontier = o->base->frontier;
	while (from + 1 < firsts->at.n && firsts->at.p[from + 1] <= o->base->size) {
		struct segment_file file = {.first_index = firsts->at.p[from++]};

		if (vec_push(&o->l->files, file) != RC_OK) {
			FAIL(e, RC_NOMEM, "no memory for another segment");
		}
	}
	o->next = firsts->at.p[from];
	if (o->next > o->base->size) {
		FAIL(e, RC_BROKEN, "the first segment begins at leaf %ju, the snapshot is of %ju",
		     (uintmax_t)o->next, (uintmax_t)o->base->size);
	}
	*ret_from = from;
	return RC_OK;
}

static enum rc recover(struct opening *o, const struct segment_options *options, struct err *e)
{
	struct segment_log *l = o->l;
	size_t from = 0;

	(void)l->io.unlink(l->io.ctx, "spare.new"); /* half-made files; usually there are none */
	(void)l->io.unlink(l->io.ctx, "next.new");
	(void)l->io.unlink(l->io.ctx, "fold.new");
	TRY(list_segments(&l->io, &o->firsts, e));
	TRY(look_away(o, e));
	if (o->firsts.at.n == 0 && o->away.at.n == 0) {
		if (!options->may_create || options->min_size > 0) {
			FAIL(e, RC_ABSENT, "there is no log in this directory");
		}
		return segment_roll(l, e);
	}
	TRY(skip_segments(o, &from, e));
	for (size_t i = from; i < o->firsts.at.n; i++) {
		enum next next = i + 1 < o->firsts.at.n ? NEXT_SEGMENT
				 : o->away.at.n > 0	? NEXT_EMERGENCY
							: NEXT_NONE;

		TRY(read_segment(o, &l->io, o->firsts.at.p[i], next,
				 next == NEXT_EMERGENCY ? o->away.at.p[0] : 0, e));
	}
	if (o->away.at.n > 0) {
		l->home_end = l->offset;
		l->home_checksum = l->checksum_before;
		TRY(read_segment(o, &l->emergency, o->away.at.p[0], NEXT_NONE, 0, e));
	}
	TRY(sync_last(o, e));
	if (o->next < l->frontier.size) {
		FAIL(e, RC_BROKEN, "the log has %ju leaves on disk, the snapshot is of %ju",
		     (uintmax_t)o->next, (uintmax_t)l->frontier.size);
	}
	if (l->frontier.size < options->min_size) {
		FAIL(e, RC_BROKEN, "the log has %ju leaves on disk and was seen with %ju",
		     (uintmax_t)l->frontier.size, (uintmax_t)options->min_size);
	}
	return RC_OK;
}

static enum rc lock(struct segment_log *l, struct err *e)
{
	int result = l->io.lock(l->io.ctx, "lock");

	if (result == -EAGAIN) {
		FAIL(e, RC_AGAIN, "another process has the log");
	}
	if (result < 0) {
		return batch_io_error(e, __func__, result, "lock", "lock");
	}
	l->lock_fd = result;
	return RC_OK;
}

static struct segment_log *make_log(const struct log_io *io, const struct segment_options *options)
{
	struct segment_log *l = mem_calloc(1, sizeof(*l));

	if (!l) {
		return NULL;
	}
	*l = (struct segment_log){
	    .io = *io,
	    .rand = options->rand,
	    .segment_bytes = options->segment_bytes ? options->segment_bytes : LIMIT_SEGMENT_BYTES,
	    .hasher = tlog_hasher_new(),
	    .lock_fd = LOG_NO_FD,
	    .fd = LOG_NO_FD,
	    .read_fd = LOG_NO_FD,
	    .batch = BUF_INIT(LIMIT_BATCH_BYTES),
	};
	memcpy(l->origin, options->origin.p, options->origin.n);
	if (options->emergency) {
		l->emergency = *options->emergency;
	}
	if (!l->hasher) {
		segment_free(l);
		return NULL;
	}
	return l;
}

enum rc segment_open(const struct log_io *io, const struct segment_options *options,
		     segment_leaf_fn on_leaf, void *ctx, struct segment_log **ret, struct err *e)
{
	AUTO_SEGMENT_LOG l = NULL;
	struct opening o = {.on_leaf = on_leaf,
			    .ctx = ctx,
			    .base = options->base,
			    .batch = BUF_INIT(LIMIT_BATCH_BYTES)};
	enum rc rc;

	TRY(segment_check_origin(options->origin, e));
	if (options->segment_bytes != 0 &&
	    (options->segment_bytes < SEGMENT_MIN_BYTES || options->segment_bytes % 4096 != 0)) {
		FAIL(e, RC_INPUT, "a segment cannot have %ju bytes",
		     (uintmax_t)options->segment_bytes);
	}
	l = make_log(io, options);
	if (!l) {
		FAIL(e, RC_NOMEM, "no memory to open the log");
	}
	TRY(lock(l, e));
	o.l = l;
	rc = recover(&o, options, e);
	buf_fini(&o.batch);
	vec_fini(&o.firsts.at);
	vec_fini(&o.away.at);
	TRY(rc);
	if (!segment_is_emergency(l)) {
		segment_emergency_prepare(l);
	}
	*ret = TAKE(l);
	return RC_OK;
}
