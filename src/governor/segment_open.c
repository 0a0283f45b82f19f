/* SPDX-License-Identifier: Apache-2.0 */
/* governor/segment_open.c - recovery: read everything, believe nothing that does not check.
 *
 * Trust:  files were ours and may be torn or damaged.
 * Holds:  (1) a log opens only with a sequence of batches each of which is whole, in order and
 *             chained to the one before.
 *         (2) only the last segment is ever changed, and only behind its last whole batch.
 *         (3) what was read is on the medium before the log is usable. The last whole batch may be
 *             one whose sync failed: the kernel then shows it but counts it as clean, and would
 *             never write it. So it is written again, byte for byte, and synced.
 */
#include "governor/segment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "governor/segment_log.h"

enum { CHUNK_BYTES = 64 * 1024 };

struct opening {
	struct segment_log *l;
	segment_leaf_fn on_leaf;
	void *ctx;
	struct buf batch;
	VEC(uint64_t) firsts; /* first indexes of the segments found */
	struct segment_leaf leaf;
	uint64_t last_batch; /* its offset in the last segment; 0 = none there */
};

static int collect_name(void *arg, const char *name)
{
	struct opening *o = arg;
	uint64_t first;

	if (!segment_name_parse(name, &first)) {
		return 0;
	}
	return vec_push(&o->firsts, first) == RC_OK ? 0 : -ENOMEM;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static enum rc list_segments(struct opening *o, struct err *e)
{
	const struct log_io *io = &o->l->io;
	int result = io->list(io->ctx, collect_name, o);

	if (result != 0) {
		return batch_io_error(e, __func__, result, "list", "the log's directory");
	}
	if (o->firsts.n > 1) {
		qsort(o->firsts.p, o->firsts.n, sizeof(o->firsts.p[0]), compare_u64);
	}
	return RC_OK;
}

/* Does the header say what the segments before it lead to? */
static enum rc check_header(const struct segment_log *l, const struct segment_header *h,
			    uint64_t first, uint64_t size, const char *name, struct err *e)
{
	if (strcmp(h->origin, l->origin) != 0) {
		FAIL(e, RC_BROKEN, "'%s' belongs to log '%s', not to '%s'", name, h->origin,
		     l->origin);
	}
	if (h->capacity != size) {
		FAIL(e, RC_BROKEN, "'%s' has %ju bytes, its header says %ju", name, (uintmax_t)size,
		     (uintmax_t)h->capacity);
	}
	if (h->first_index != first || h->first_index != l->frontier.size) {
		FAIL(e, RC_BROKEN, "'%s' begins at leaf %ju, the segments before it end at %ju",
		     name, (uintmax_t)h->first_index, (uintmax_t)l->frontier.size);
	}
	if (h->number != l->files.n || h->first_sequence != l->sequence ||
	    !tlog_hash_eq(&h->leaf_before, &l->last_leaf)) {
		FAIL(e, RC_BROKEN, "'%s' does not continue the segment before it", name);
	}
	return RC_OK;
}

static enum rc open_segment(struct opening *o, uint64_t first, const char *name, struct err *e)
{
	struct segment_log *l = o->l;
	uint8_t bytes[SEGMENT_HEADER_BYTES];
	struct segment_header h;
	struct segment_file file;
	uint64_t size;
	int result;

	if (l->fd >= 0) {
		l->io.close(l->io.ctx, l->fd);
		l->fd = LOG_NO_FD;
	}
	result = l->io.open(l->io.ctx, name, LOG_IO_WRITE);
	if (result < 0) {
		return batch_io_error(e, __func__, result, "open", name);
	}
	l->fd = result;
	result = l->io.size(l->io.ctx, l->fd, &size);
	if (result != 0) {
		return batch_io_error(e, __func__, result, "look at", name);
	}
	if (size < SEGMENT_HEADER_BYTES) {
		FAIL(e, RC_BROKEN, "'%s' is too short for a segment", name);
	}
	TRY(batch_read_at(&l->io, l->fd, bytes, sizeof(bytes), 0, e));
	TRY(segment_header_parse(bytes, name, &h, e));
	TRY(check_header(l, &h, first, size, name, e));
	file = (struct segment_file){.first_index = first, .capacity = h.capacity, .mark = h.mark};
	if (vec_push(&l->files, file) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for another segment");
	}
	l->offset = SEGMENT_HEADER_BYTES;
	l->checksum_before = 0;
	l->number = h.number;
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
		TRY(batch_next_leaf(&r, l->frontier.size, &o->leaf, e));
		n_records += 1 + o->leaf.n_values;
		o->leaf.hash = tlog_leaf_hash(l->hasher, o->leaf.bytes);
		tlog_frontier_append(&l->frontier, l->hasher, &o->leaf.hash);
		l->last_leaf = o->leaf.hash;
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

	if (h->sequence != l->sequence || h->first_index != l->frontier.size ||
	    h->checksum_before != l->checksum_before) {
		FAIL(e, RC_BROKEN,
		     "'%s' byte %ju: batch %ju of leaf %ju does not continue the "
		     "one before it",
		     name, (uintmax_t)l->offset, (uintmax_t)h->sequence, (uintmax_t)h->first_index);
	}
	if (segment_note_place(l, h->first_index, l->offset) != RC_OK) {
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

/* What lies from the place where no batch begins to the end of the file. */
struct rest {
	bool has_mark; /* a batch was begun there, so the one before it was synced */
	uint64_t mark_at;
	uint64_t zeros_from; /* everything from here on is zero */
};

static enum rc look_at_rest(const struct segment_log *l, struct rest *ret, struct err *e)
{
	const struct segment_file *file = &l->files.p[l->files.n - 1];
	AUTO_MEM uint8_t *chunk = mem_calloc(1, CHUNK_BYTES);
	uint8_t mark[8];

	if (!chunk) {
		FAIL(e, RC_NOMEM, "no memory to read a segment");
	}
	for (unsigned i = 0; i < 8; i++) {
		mark[i] = (uint8_t)(file->mark >> (8 * (7 - i)));
	}
	*ret = (struct rest){.zeros_from = l->offset};
	for (uint64_t at = l->offset; at < file->capacity;) {
		size_t n =
		    file->capacity - at < CHUNK_BYTES ? (size_t)(file->capacity - at) : CHUNK_BYTES;

		TRY(batch_read_at(&l->io, l->fd, chunk, n, at, e));
		/* Offset and chunk are multiples of the alignment, so no mark lies across. */
		for (size_t i = 0; i + 8 <= n; i += BATCH_ALIGN_BYTES) {
			if (at + i > l->offset && !ret->has_mark &&
			    memcmp(chunk + i, mark, 8) == 0) {
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

static enum rc write_zeros(const struct segment_log *l, uint64_t from, uint64_t to,
			   const char *name, struct err *e)
{
	AUTO_MEM uint8_t *zeros = mem_calloc(1, CHUNK_BYTES);

	if (!zeros) {
		FAIL(e, RC_NOMEM, "no memory to clear a torn batch");
	}
	while (from < to) {
		size_t n = to - from < CHUNK_BYTES ? (size_t)(to - from) : CHUNK_BYTES;

		TRY(batch_write_at(&l->io, l->fd, zeros, n, from, name, e));
		from += n;
	}
	return RC_OK;
}

/* l->offset is where no batch begins: the end, a torn batch, or damage. */
static enum rc judge_rest(struct opening *o, bool is_last, const char *name, struct err *e)
{
	struct segment_log *l = o->l;
	struct rest rest = {0};

	TRY(look_at_rest(l, &rest, e));
	if (rest.zeros_from == l->offset) {
		return RC_OK;
	}
	if (!is_last) {
		FAIL(e, RC_BROKEN, "'%s' is damaged at byte %ju, and a later segment exists", name,
		     (uintmax_t)l->offset);
	}
	if (rest.has_mark) {
		FAIL(e, RC_BROKEN, "'%s' is damaged at byte %ju: a later batch begins at byte %ju",
		     name, (uintmax_t)l->offset, (uintmax_t)rest.mark_at);
	}
	return write_zeros(l, l->offset, rest.zeros_from, name, e); /* synced by the caller, (3) */
}

static enum rc read_segment(struct opening *o, uint64_t first, bool is_last, struct err *e)
{
	struct segment_log *l = o->l;
	char name[SEGMENT_NAME_BYTES];

	segment_name(first, name);
	TRY(open_segment(o, first, name, e));
	for (;;) {
		const struct segment_file *file = &l->files.p[l->files.n - 1];
		struct batch_header h;
		bool is_batch;

		TRY(batch_load(&l->io, l->fd, file->capacity, l->offset, file->mark, &o->batch, &h,
			       &is_batch, e));
		if (!is_batch) {
			return judge_rest(o, is_last, name, e);
		}
		TRY(take_batch(o, &h, name, e));
	}
}

/* (3) */
static enum rc rewrite_last_batch(struct opening *o, struct err *e)
{
	struct segment_log *l = o->l;
	const struct segment_file *file = &l->files.p[l->files.n - 1];
	struct batch_header h;
	bool is_batch;

	if (o->last_batch == 0) {
		return RC_OK;
	}
	TRY(batch_load(&l->io, l->fd, file->capacity, o->last_batch, file->mark, &o->batch, &h,
		       &is_batch, e));
	if (!is_batch) {
		FAIL(e, RC_BROKEN, "the last segment changed while it was read");
	}
	return batch_write_at(&l->io, l->fd, o->batch.p, o->batch.n, o->last_batch,
			      "the last segment", e);
}

static enum rc sync_last(struct opening *o, struct err *e)
{
	struct segment_log *l = o->l;
	int result;

	TRY(rewrite_last_batch(o, e));
	result = l->io.fdatasync(l->io.ctx, l->fd);
	if (result != 0) {
		return batch_io_error(e, __func__, result, "sync", "the last segment");
	}
	result = l->io.sync_dir(l->io.ctx);
	if (result != 0) {
		return batch_io_error(e, __func__, result, "sync", "the log's directory");
	}
	return RC_OK;
}

static enum rc recover(struct opening *o, const struct segment_options *options, struct err *e)
{
	struct segment_log *l = o->l;

	(void)l->io.unlink(l->io.ctx, "spare.new"); /* half-made files; usually there are none */
	(void)l->io.unlink(l->io.ctx, "next.new");
	TRY(list_segments(o, e));
	if (o->firsts.n == 0) {
		if (!options->may_create || options->min_size > 0) {
			FAIL(e, RC_ABSENT, "there is no log in this directory");
		}
		return segment_roll(l, e);
	}
	for (size_t i = 0; i < o->firsts.n; i++) {
		TRY(read_segment(o, o->firsts.p[i], i + 1 == o->firsts.n, e));
	}
	TRY(sync_last(o, e));
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
	struct opening o = {.on_leaf = on_leaf, .ctx = ctx, .batch = BUF_INIT(LIMIT_BATCH_BYTES)};
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
	vec_fini(&o.firsts);
	TRY(rc);
	*ret = TAKE(l);
	return RC_OK;
}
