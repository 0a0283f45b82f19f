/* SPDX-License-Identifier: Apache-2.0 */
/* governor/snapshot.c - the bytes of a snapshot's file.
 *
 * Trust:  files were ours, and may be damaged, cut short, of another log or of another format.
 * Holds:  (1) a file with a snapshot's name was written whole and synced before it got that name.
 *         (2) a state comes out only when its bytes have the digest that the header says.
 */
#include "governor/snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <openssl/sha.h>

#include "base/num.h"
#include "base/reader.h"
#include "governor/batch.h"

static const char MAGIC[8] = {'R', 'M', 'T', 'S', 'N', 'P', '0', '1'};

enum { ORIGIN_BYTES = 256, NUMBER_DIGITS = 20 };

void snapshot_name(uint64_t size, uint64_t leaf, char ret[SNAPSHOT_NAME_BYTES])
{
	if (leaf) {
		(void)snprintf(ret, SNAPSHOT_NAME_BYTES, "%020ju-%020ju.snapshot", (uintmax_t)size,
			       (uintmax_t)leaf); /* 50 */
	} else {
		(void)snprintf(ret, SNAPSHOT_NAME_BYTES, "%020ju.taken", (uintmax_t)size); /* 26 */
	}
}

static bool parse_number(struct str *s, uint64_t *ret)
{
	struct str digits = str_slice(*s, 0, NUMBER_DIGITS);

	*s = str_slice(*s, NUMBER_DIGITS, s->n);
	while (digits.n > 1 && digits.p[0] == '0') {
		digits = str_slice(digits, 1, digits.n);
	}
	return num_u64(digits, UINT64_MAX, ret);
}

bool snapshot_name_parse(const char *name, uint64_t *ret_size, uint64_t *ret_leaf)
{
	struct str rest = str_from(name);
	char again[SNAPSHOT_NAME_BYTES];

	*ret_leaf = 0;
	if (rest.n < NUMBER_DIGITS || !parse_number(&rest, ret_size) || *ret_size == 0) {
		return false;
	}
	if (rest.n > NUMBER_DIGITS && rest.p[0] == '-') {
		rest = str_slice(rest, 1, rest.n);
		if (!parse_number(&rest, ret_leaf) || *ret_leaf == 0) {
			return false;
		}
	}
	snapshot_name(*ret_size, *ret_leaf, again);
	return str_eq(str_from(again), str_from(name));
}

/* ---- the header ---- */

static void put(uint8_t **at, const void *p, size_t n)
{
	memcpy(*at, p, n);
	*at += n;
}

static void put_u64(uint8_t **at, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++) {
		*(*at)++ = (uint8_t)(v >> (56 - 8 * i));
	}
}

static void print_header(const struct snapshot *x, struct str origin,
			 uint8_t ret[SNAPSHOT_HEADER_BYTES])
{
	const struct tlog_frontier *f = &x->base.frontier;
	uint8_t *at = ret;

	memset(ret, 0, SNAPSHOT_HEADER_BYTES);
	put(&at, MAGIC, sizeof(MAGIC));
	put_u64(&at, x->base.size);
	put_u64(&at, x->state_bytes);
	put(&at, x->state.bytes, sizeof(x->state.bytes));
	put(&at, x->base.last_leaf.bytes, sizeof(x->base.last_leaf.bytes));
	put_u64(&at, origin.n);
	put(&at, origin.p, origin.n);
	at += ORIGIN_BYTES - origin.n;
	put_u64(&at, f->n);
	put(&at, f->hashes, f->n * sizeof(f->hashes[0]));
}

static bool take_hash(struct reader *r, uint8_t ret[32])
{
	struct str bytes;

	if (!rd_take(r, 32, &bytes)) {
		return false;
	}
	memcpy(ret, bytes.p, 32);
	return true;
}

static bool parse_frontier(struct reader *r, uint64_t size, struct tlog_frontier *f)
{
	uint64_t n;

	if (!rd_u64(r, &n) || n != (uint64_t)__builtin_popcountll(size)) {
		return false;
	}
	f->size = size;
	f->n = (uint32_t)n;
	for (uint32_t i = 0; i < f->n; i++) {
		if (!take_hash(r, f->hashes[i].bytes)) {
			return false;
		}
	}
	return true;
}

static enum rc parse_header(const uint8_t bytes[SNAPSHOT_HEADER_BYTES], const char *name,
			    struct str origin, struct snapshot *x, struct err *e)
{
	struct reader r = {.p = bytes, .n = SNAPSHOT_HEADER_BYTES};
	uint8_t again[SNAPSHOT_HEADER_BYTES];
	struct str magic;
	struct str own;
	uint64_t n;

	*x = (struct snapshot){0};
	if (!rd_take(&r, sizeof(MAGIC), &magic) || memcmp(magic.p, MAGIC, sizeof(MAGIC)) != 0) {
		FAIL(e, RC_BROKEN, "'%s' is no snapshot, or one of another format", name);
	}
	if (!rd_u64(&r, &x->base.size) || !rd_u64(&r, &x->state_bytes) ||
	    !take_hash(&r, x->state.bytes) || !take_hash(&r, x->base.last_leaf.bytes) ||
	    !rd_u64(&r, &n) || n > ORIGIN_BYTES || !rd_take(&r, ORIGIN_BYTES, &own) ||
	    x->base.size == 0 || !parse_frontier(&r, x->base.size, &x->base.frontier)) {
		FAIL(e, RC_BROKEN, "the header of '%s' is damaged", name);
	}
	own.n = (size_t)n;
	if (!str_eq(own, origin)) {
		FAIL(e, RC_BROKEN, "'%s' is of another log", name);
	}
	print_header(x, origin, again);
	if (memcmp(again, bytes, sizeof(again)) != 0) {
		FAIL(e, RC_BROKEN, "the header of '%s' is damaged", name);
	}
	SHA256(bytes, SNAPSHOT_HEADER_BYTES, x->digest.bytes);
	return RC_OK;
}

/* ---- writing ---- */

struct writing {
	const struct log_io *io;
	const char *name;
	int fd;
	uint64_t at;
};

static enum rc put_piece(void *ctx, const void *p, size_t n, struct err *e)
{
	struct writing *w = ctx;

	TRY(batch_write_at(w->io, w->fd, p, n, w->at, w->name, e));
	w->at += n;
	return RC_OK;
}

static enum rc write_all(struct writing *w, struct str origin, const struct state *s,
			 struct snapshot *x, struct err *e)
{
	uint8_t header[SNAPSHOT_HEADER_BYTES];
	int result;

	w->at = SNAPSHOT_HEADER_BYTES;
	TRY(state_write(s, put_piece, w, &x->state, e));
	x->state_bytes = w->at - SNAPSHOT_HEADER_BYTES;
	print_header(x, origin, header);
	SHA256(header, sizeof(header), x->digest.bytes);
	TRY(batch_write_at(w->io, w->fd, header, sizeof(header), 0, w->name, e));
	result = w->io->fdatasync(w->io->ctx, w->fd);
	return result == 0 ? RC_OK : batch_io_error(e, __func__, result, "sync", w->name);
}

enum rc snapshot_write(const struct log_io *io, struct str origin, const struct state *s,
		       const struct segment_base *base, struct snapshot *ret, struct err *e)
{
	struct snapshot x = {.base = *base};
	const char *fresh = SNAPSHOT_FRESH;
	char name[SNAPSHOT_NAME_BYTES];
	struct writing w = {.io = io, .name = fresh};
	int result;
	enum rc rc;

	MUST(base->size == state_size(s) && base->size > 0 && origin.n <= ORIGIN_BYTES);
	snapshot_name(base->size, 0, name);
	w.fd = io->open(io->ctx, fresh, LOG_IO_CREATE);
	if (w.fd < 0) {
		return batch_io_error(e, __func__, w.fd, "create", fresh);
	}
	rc = write_all(&w, origin, s, &x, e);
	io->close(io->ctx, w.fd);
	if (rc != RC_OK) {
		(void)io->unlink(io->ctx, fresh); /* gives the blocks back; the error is told */
		return rc;
	}
	result = io->rename(io->ctx, fresh, name); /* (1) */
	if (result == 0) {
		result = io->sync_dir(io->ctx);
	}
	if (result != 0) {
		return batch_io_error(e, __func__, result, "put in place", name);
	}
	*ret = x;
	return RC_OK;
}

/* ---- reading ---- */

enum rc snapshot_read(const struct log_io *io, const char *name, struct str origin,
		      struct snapshot *ret, struct err *e)
{
	uint8_t header[SNAPSHOT_HEADER_BYTES];
	struct snapshot x;
	uint64_t size;
	int result = -EIO;
	enum rc rc;
	int fd = io->open(io->ctx, name, LOG_IO_READ);

	if (fd < 0) {
		return batch_io_error(e, __func__, fd, "open", name);
	}
	rc = batch_read_at(io, fd, header, sizeof(header), 0, e);
	if (rc == RC_OK) {
		result = io->size(io->ctx, fd, &size);
		rc = result == 0 ? parse_header(header, name, origin, &x, e)
				 : batch_io_error(e, __func__, result, "look at", name);
	}
	io->close(io->ctx, fd);
	TRY(rc);
	if (size < SNAPSHOT_HEADER_BYTES || x.state_bytes != size - SNAPSHOT_HEADER_BYTES) {
		FAIL(e, RC_BROKEN, "'%s' has another size than its header says", name);
	}
	*ret = x;
	return RC_OK;
}

struct reading {
	const struct log_io *io;
	const char *name;
	int fd;
	uint64_t at;
	uint64_t end;
};

static enum rc get_piece(void *ctx, void *p, size_t most, size_t *ret_n, struct err *e)
{
	struct reading *r = ctx;
	uint64_t left = r->end - r->at;
	size_t n = left < most ? (size_t)left : most;

	TRY(batch_read_at(r->io, r->fd, p, n, r->at, e));
	r->at += n;
	*ret_n = n;
	return RC_OK;
}

enum rc snapshot_read_state(const struct log_io *io, const char *name, const struct snapshot *x,
			    struct state **ret, struct err *e)
{
	struct reading r = {.io = io,
			    .name = name,
			    .at = SNAPSHOT_HEADER_BYTES,
			    .end = SNAPSHOT_HEADER_BYTES + x->state_bytes};
	struct state *s;
	struct digest d;
	enum rc rc;

	r.fd = io->open(io->ctx, name, LOG_IO_READ);
	if (r.fd < 0) {
		return batch_io_error(e, __func__, r.fd, "open", name);
	}
	rc = state_read(get_piece, &r, &s, &d, e);
	io->close(io->ctx, r.fd);
	if (rc != RC_OK) {
		return err_wrap(e, rc, "'%s'", name);
	}
	if (!digest_eq(&d, &x->state) || state_size(s) != x->base.size) { /* (2) */
		state_free(s);
		FAIL(e, RC_BROKEN, "'%s' is damaged: its bytes have another digest", name);
	}
	*ret = s;
	return RC_OK;
}
