/* SPDX-License-Identifier: Apache-2.0 */
/* governor/segment.c - append, commit, go on to the next segment.
 *
 * Trust:  leaf and value bytes are hostile in content, bounded here.
 * Holds:  (1) frontier, last_leaf, offset and sequence describe what is synced, never more.
 *         (2) batch N+1 is written only after batch N is synced.
 *         (3) once is_broken, no file is touched again.
 *         (4) a file with a segment's name has a synced header and a synced directory entry before
 *             the first batch goes into it.
 *         (5) what was synced into a file that nobody can find any more is not durable.
 * States: EMPTY -append-> FILLING -commit-> EMPTY;  any write error -> the same in the emergency
 *         segment (segment_emergency.c), a second one or none set aside -> BROKEN (refuse).
 */
#include "governor/segment.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "governor/segment_log.h"

enum { ZERO_BYTES = 64 * 1024 };

static const char SPARE[] = SEGMENT_SPARE;
static const char SPARE_NEW[] = "spare.new";
static const char NEXT_NEW[] = "next.new";

enum rc segment_break(struct segment_log *l, enum rc rc)
{
	l->is_broken = true;
	return rc;
}

static enum rc refuse_if_broken(const struct segment_log *l, struct err *e)
{
	if (l->is_broken) {
		FAIL(e, RC_BROKEN, "the log failed earlier and refuses everything");
	}
	return RC_OK;
}

enum rc segment_check_origin(struct str origin, struct err *e)
{
	if (!tlog_name_is_valid(origin) || memchr(origin.p, '\0', origin.n)) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is not an origin", STR_ARG(origin));
	}
	return RC_OK;
}

void segment_free(struct segment_log *l)
{
	if (!l) {
		return;
	}
	segment_close_read(l);
	segment_close_last(l);
	if (l->lock_fd >= 0) {
		l->io.close(l->io.ctx, l->lock_fd);
	}
	for (size_t i = 0; i < l->files.n; i++) {
		vec_fini(&l->files.p[i].places);
	}
	vec_fini(&l->files);
	vec_fini(&l->pending);
	buf_fini(&l->batch);
	tlog_hasher_free(l->hasher);
	mem_free(l);
}

const struct log_io *segment_io(const struct segment_log *l, size_t file)
{
	return file < l->files.n && l->files.p[file].is_emergency ? &l->emergency : &l->io;
}

void segment_close_last(struct segment_log *l)
{
	const struct log_io *io = segment_io(l, l->files.n - 1);

	if (l->fd >= 0) {
		io->close(io->ctx, l->fd);
		l->fd = LOG_NO_FD;
	}
}

/* ---- Going on to the next segment ---- */

enum rc segment_write_zeros(const struct log_io *io, int fd, uint64_t from, uint64_t to,
			    const char *name, struct err *e)
{
	AUTO_MEM void *zeros = mem_calloc(1, ZERO_BYTES);

	if (!zeros) {
		FAIL(e, RC_NOMEM, "no memory to clear '%s'", name);
	}
	while (from < to) {
		size_t step = to - from < ZERO_BYTES ? (size_t)(to - from) : ZERO_BYTES;

		TRY(batch_write_at(io, fd, zeros, step, from, name, e));
		from += step;
	}
	return RC_OK;
}

enum rc segment_sync(const struct log_io *io, int fd, const char *name, struct err *e)
{
	int result = io->fdatasync(io->ctx, fd);

	return result == 0 ? RC_OK : batch_io_error(e, __func__, result, "sync", name);
}

/* Zeros all over, really written: later writes then change no metadata. */
static enum rc fill_with_zeros(const struct log_io *io, int fd, uint64_t n, const char *name,
			       struct err *e)
{
	int result = io->fallocate(io->ctx, fd, n);

	if (result != 0) {
		return batch_io_error(e, __func__, result, "allocate blocks of", name);
	}
	TRY(segment_write_zeros(io, fd, 0, n, name, e));
	return segment_sync(io, fd, name, e);
}

enum rc segment_rename(const struct log_io *io, const char *from, const char *to, struct err *e)
{
	int result = io->rename(io->ctx, from, to);

	if (result != 0) {
		return batch_io_error(e, __func__, result, "rename", from);
	}
	result = io->sync_dir(io->ctx);
	if (result != 0) {
		return batch_io_error(e, __func__, result, "sync the directory of", to);
	}
	return RC_OK;
}

static uint64_t capacity_or_default(uint64_t bytes)
{
	return bytes ? bytes : LIMIT_SEGMENT_BYTES;
}

/* Is there a spare of that size? */
bool segment_has_spare(const struct log_io *io, uint64_t capacity)
{
	int fd = io->open(io->ctx, SPARE, LOG_IO_READ);
	uint64_t size = 0;
	bool has;

	if (fd < 0) {
		return false;
	}
	has = io->size(io->ctx, fd, &size) == 0 && size == capacity;
	io->close(io->ctx, fd);
	return has;
}

enum rc segment_prepare_spare(const struct log_io *io, uint64_t segment_bytes, struct err *e)
{
	uint64_t capacity = capacity_or_default(segment_bytes);
	enum rc rc;
	int fd;

	if (segment_has_spare(io, capacity)) {
		return RC_OK;
	}
	fd = io->open(io->ctx, SPARE_NEW, LOG_IO_CREATE);
	if (fd < 0) {
		return batch_io_error(e, __func__, fd, "create", SPARE_NEW);
	}
	rc = fill_with_zeros(io, fd, capacity, SPARE_NEW, e);
	io->close(io->ctx, fd);
	if (rc != RC_OK) {
		(void)io->unlink(io->ctx, SPARE_NEW); /* gives the blocks back; the error is told */
		return rc;
	}
	return segment_rename(io, SPARE_NEW, SPARE, e);
}

/* A zero-filled file open for writing, under the name it is to be renamed from. The helper thread
 * may be making a spare meanwhile, so without one we use a name of our own. */
static enum rc open_blank(const struct segment_log *l, const char **ret_name, int *ret_fd,
			  struct err *e)
{
	bool is_spare = segment_has_spare(&l->io, l->segment_bytes);
	const char *name = is_spare ? SPARE : NEXT_NEW;
	int fd = l->io.open(l->io.ctx, name, is_spare ? LOG_IO_WRITE : LOG_IO_CREATE);

	if (fd < 0) {
		return batch_io_error(e, __func__, fd, "open", name);
	}
	if (!is_spare) {
		enum rc rc = fill_with_zeros(&l->io, fd, l->segment_bytes, name, e);

		if (rc != RC_OK) {
			l->io.close(l->io.ctx, fd);
			return rc;
		}
	}
	*ret_name = name;
	*ret_fd = fd;
	return RC_OK;
}

static enum rc write_header(const struct log_io *io, int fd, const struct segment_header *h,
			    const char *name, struct err *e)
{
	uint8_t bytes[SEGMENT_HEADER_BYTES];

	segment_header_print(h, bytes);
	TRY(batch_write_at(io, fd, bytes, sizeof(bytes), 0, name, e));
	return segment_sync(io, fd, name, e);
}

enum rc segment_start(struct segment_log *l, const struct log_io *io, int fd,
		      const char *blank_name, uint64_t capacity, struct err *e)
{
	struct segment_header h = {
	    .capacity = capacity,
	    .number = l->next_number,
	    .first_index = l->frontier.size,
	    .first_sequence = l->sequence,
	    .leaf_before = l->last_leaf,
	};
	struct segment_file file = {.first_index = h.first_index,
				    .capacity = h.capacity,
				    .is_emergency = io == &l->emergency};
	char name[SEGMENT_NAME_BYTES];

	while (h.mark == 0) {
		rand_from(l->rand, &h.mark, sizeof(h.mark));
	}
	memcpy(h.origin, l->origin, sizeof(h.origin));
	file.mark = h.mark;
	segment_name(h.first_index, name);
	TRY(write_header(io, fd, &h, blank_name, e));
	TRY(segment_rename(io, blank_name, name, e)); /* (4) */
	if (vec_push(&l->files, file) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for another segment");
	}
	l->next_number = h.number + 1;
	l->offset = SEGMENT_HEADER_BYTES;
	l->checksum_before = 0;
	return RC_OK;
}

enum rc segment_roll(struct segment_log *l, struct err *e)
{
	const char *blank_name;
	enum rc rc;
	int fd;

	if (segment_is_emergency(l)) {
		FAIL(e, RC_IO, "the emergency segment is full");
	}
	TRY(open_blank(l, &blank_name, &fd, e));
	rc = segment_start(l, &l->io, fd, blank_name, l->segment_bytes, e);
	if (rc != RC_OK) {
		l->io.close(l->io.ctx, fd);
		return rc;
	}
	if (l->fd >= 0) {
		l->io.close(l->io.ctx, l->fd); /* it lies in the same place */
	}
	l->fd = fd;
	return RC_OK;
}

/* ---- Append and commit ---- */

static uint64_t max_records_bytes(const struct segment_log *l)
{
	uint64_t room = l->segment_bytes - SEGMENT_HEADER_BYTES - BATCH_HEADER_BYTES;

	return room < RECORDS_MAX_BYTES ? room : RECORDS_MAX_BYTES;
}

/* How many bytes the records take; RC_LIMIT or RC_INPUT for what can never be appended. */
static enum rc measure(const struct segment_log *l, struct str leaf,
		       const struct segment_value *values, size_t n_values, size_t *ret,
		       struct err *e)
{
	size_t total = RECORD_HEADER_BYTES + leaf.n;

	if (leaf.n == 0 || leaf.n > LIMIT_LEAF_BYTES) {
		FAIL(e, RC_LIMIT, "a leaf of %zu bytes; 1 to %d are allowed", leaf.n,
		     (int)LIMIT_LEAF_BYTES);
	}
	if (n_values > SEGMENT_VALUES_MAX) {
		FAIL(e, RC_LIMIT, "a leaf with %zu values; %d are allowed", n_values,
		     (int)SEGMENT_VALUES_MAX);
	}
	for (size_t i = 0; i < n_values; i++) {
		if (values[i].bytes.n == 0 || values[i].bytes.n > LIMIT_VALUE_BYTES) {
			FAIL(e, RC_LIMIT, "a value of %zu bytes; 1 to %d are allowed",
			     values[i].bytes.n, (int)LIMIT_VALUE_BYTES);
		}
		if (i > 0 && values[i].slot <= values[i - 1].slot) {
			FAIL(e, RC_INPUT, "values of a leaf are not in order of their slots");
		}
		total += RECORD_HEADER_BYTES + values[i].bytes.n;
	}
	if (total > max_records_bytes(l)) {
		FAIL(e, RC_LIMIT, "a leaf and its values take %zu bytes; a batch holds %ju", total,
		     (uintmax_t)max_records_bytes(l));
	}
	*ret = total;
	return RC_OK;
}

/* Everything that can run out is reserved here, so that the rest of appending cannot fail. */
static enum rc reserve(struct segment_log *l, size_t total, struct err *e)
{
	size_t head = l->batch.n == 0 ? BATCH_HEADER_BYTES : 0;

	if (l->batch.n > 0 && l->batch.n - BATCH_HEADER_BYTES + total > max_records_bytes(l)) {
		FAIL(e, RC_AGAIN, "the batch is full");
	}
	if (vec_reserve(&l->pending, 1) != RC_OK || buf_reserve(&l->batch, head + total) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a leaf");
	}
	l->batch.n += head;
	return RC_OK;
}

enum rc segment_append(struct segment_log *l, struct str leaf, const struct segment_value *values,
		       size_t n_values, uint64_t *ret_index, struct tlog_hash *ret_hash,
		       struct err *e)
{
	uint64_t index = segment_next_index(l);
	struct tlog_hash hash;
	size_t total;

	TRY(refuse_if_broken(l, e));
	TRY(measure(l, leaf, values, n_values, &total, e));
	TRY(reserve(l, total, e));
	hash = tlog_leaf_hash(l->hasher, leaf);
	MUST(batch_add(&l->batch, RECORD_LEAF, 0, index, leaf) == RC_OK);
	for (size_t i = 0; i < n_values; i++) {
		MUST(batch_add(&l->batch, RECORD_VALUE, values[i].slot, index, values[i].bytes) ==
		     RC_OK);
	}
	MUST(vec_push(&l->pending, hash) == RC_OK);
	l->n_records += 1 + (uint32_t)n_values;
	if (ret_index) {
		*ret_index = index;
	}
	if (ret_hash) {
		*ret_hash = hash;
	}
	return RC_OK;
}

enum rc segment_note_place(struct segment_file *file, uint64_t first_index, uint64_t offset)
{
	struct segment_place place = {.first_index = first_index, .offset = offset};
	const struct segment_place *last =
	    file->places.n ? &file->places.p[file->places.n - 1] : NULL;

	if (last && first_index - last->first_index < SEGMENT_PLACE_EVERY) {
		return RC_OK;
	}
	return vec_push(&file->places, place);
}

static enum rc write_batch(struct segment_log *l, struct err *e)
{
	struct batch_header h = {
	    .sequence = l->sequence,
	    .first_index = l->frontier.size,
	    .n_leaves = (uint32_t)l->pending.n,
	    .n_records = l->n_records,
	};
	const struct log_io *io;
	char name[SEGMENT_NAME_BYTES];
	int result;

	if (l->offset + l->batch.n > l->files.p[l->files.n - 1].capacity) {
		TRY(segment_roll(l, e));
	}
	io = segment_io(l, l->files.n - 1);
	h.mark = l->files.p[l->files.n - 1].mark;
	h.checksum_before = l->checksum_before;
	segment_name(l->files.p[l->files.n - 1].first_index, name);
	batch_finish(&l->batch, &h);
	/* Noted before it is true: nobody asks for leaves beyond the durable size. */
	if (segment_note_place(&l->files.p[l->files.n - 1], h.first_index, l->offset) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory to remember where a batch is");
	}
	TRY(batch_write_at(io, l->fd, l->batch.p, l->batch.n, l->offset, name, e));
	TRY(segment_sync(io, l->fd, name, e));
	result = io->is_in_place(io->ctx, l->fd, name); /* (5) */
	if (result != 0) {
		return batch_io_error(e, __func__, result, "find in its place", name);
	}
	l->checksum_before = h.checksum;
	return RC_OK;
}

/* Dirty pages may be marked clean after a failed sync: trying again in the same place proves
 * nothing. The same batch goes to the other place, whole. */
static enum rc write_batch_somewhere(struct segment_log *l, struct err *e)
{
	struct err why = ERR_INIT;
	enum rc rc = write_batch(l, &why);

	if (rc != RC_OK && l->has_emergency && !segment_is_emergency(l)) {
		TRY(segment_take_over(l, &why, e));
		return write_batch(l, e);
	}
	if (rc != RC_OK && e) {
		*e = why;
	}
	return rc;
}

enum rc segment_commit(struct segment_log *l, struct err *e)
{
	enum rc rc;

	TRY(refuse_if_broken(l, e));
	if (l->pending.n == 0) {
		return RC_OK;
	}
	rc = write_batch_somewhere(l, e);
	if (rc != RC_OK) {
		return segment_break(l, rc);
	}
	for (size_t i = 0; i < l->pending.n; i++) {
		tlog_frontier_append(&l->frontier, l->hasher, &l->pending.p[i]);
	}
	l->last_leaf = l->pending.p[l->pending.n - 1];
	l->offset = batch_end(l->offset, l->batch.n);
	l->sequence++;
	l->pending.n = 0;
	l->n_records = 0;
	buf_reset(&l->batch);
	return RC_OK;
}

/* ---- Looking ---- */

bool segment_is_broken(const struct segment_log *l)
{
	return l->is_broken;
}

uint64_t segment_next_index(const struct segment_log *l)
{
	return l->frontier.size + l->pending.n;
}

uint64_t segment_durable_size(const struct segment_log *l)
{
	return l->frontier.size;
}

size_t segment_batch_bytes(const struct segment_log *l)
{
	return l->batch.n;
}

const struct tlog_frontier *segment_frontier(const struct segment_log *l)
{
	return &l->frontier;
}

struct segment_snapshot segment_snapshot(struct segment_log *l)
{
	if (l->root_size != l->frontier.size || l->frontier.size == 0) {
		l->root = tlog_frontier_root(&l->frontier, l->hasher);
		l->root_size = l->frontier.size;
	}
	return (struct segment_snapshot){.size = l->frontier.size, .root = l->root};
}

uint64_t segment_room(const struct segment_log *l)
{
	uint64_t room;

	if (l->is_broken) {
		return 0;
	}
	room = l->files.p[l->files.n - 1].capacity - l->offset;
	if (!segment_is_emergency(l) && segment_has_spare(&l->io, l->segment_bytes)) {
		room += l->segment_bytes - SEGMENT_HEADER_BYTES;
	}
	return room;
}

enum rc segment_check_in_place(struct segment_log *l, struct err *e)
{
	const struct log_io *io = segment_io(l, l->files.n - 1);
	char name[SEGMENT_NAME_BYTES];
	struct err why = ERR_INIT;
	enum rc rc = RC_BROKEN;
	int result;

	TRY(refuse_if_broken(l, e));
	segment_name(l->files.p[l->files.n - 1].first_index, name);
	result = io->is_in_place(io->ctx, l->fd, name);
	if (result == 0) {
		return RC_OK;
	}
	if (result == -ESTALE) {
		(void)err_set(&why, rc, __func__, "'%s' was removed or replaced", name);
	} else {
		rc = batch_io_error(&why, __func__, result, "look at", name);
	}
	if (l->has_emergency && !segment_is_emergency(l)) {
		rc = segment_take_over(l, &why, e);
	} else if (e) {
		*e = why;
	}
	return rc == RC_OK ? RC_OK : segment_break(l, rc);
}

static void forget_files(struct segment_log *l, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		vec_fini(&l->files.p[i].places);
	}
	for (size_t i = n; i < l->files.n; i++) {
		l->files.p[i - n] = l->files.p[i];
	}
	l->files.n -= n;
}

/* The oldest goes first: whatever is left has no gap. */
enum rc segment_prune(struct segment_log *l, uint64_t before, struct err *e)
{
	size_t gone = 0;
	int result = 0;
	char name[SEGMENT_NAME_BYTES];

	TRY(refuse_if_broken(l, e));
	if (segment_is_emergency(l)) {
		return RC_AGAIN; /* its disk fails; later */
	}
	while (gone + 1 < l->files.n && l->files.p[gone + 1].first_index <= before) {
		segment_name(l->files.p[gone].first_index, name);
		result = l->io.unlink(l->io.ctx, name);
		if (result != 0 && result != -ENOENT) {
			break;
		}
		gone++;
	}
	if (gone == 0 && result == 0) {
		return RC_OK;
	}
	segment_close_read(l);
	forget_files(l, gone);
	if (result != 0 && result != -ENOENT) {
		return batch_io_error(e, __func__, result, "remove", name);
	}
	result = l->io.sync_dir(l->io.ctx);
	return result == 0 ? RC_OK
			   : batch_io_error(e, __func__, result, "sync", "the log's directory");
}
