/* SPDX-License-Identifier: Apache-2.0 */
/* governor/book.c - facts become leaves, leaves become durable together.
 *
 * Holds: (1) a leaf is applied to the state exactly when it was appended to the batch.
 *        (2) after any failure past reserving, the book is broken and stays so.
 *        (3) a value's associated data is its place, so nothing can be moved to another leaf.
 */
#include "governor/book.h"

#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/reader.h"
#include "governor/sealed.h"
#include "governor/segment.h"
#include "governor/vault.h"

enum { KEY_SERIAL_BYTES = 8 };

struct book {
	struct segment_log *log;
	struct log_io io;
	const struct rand *rand;
	struct state *state;
	struct vault *vault; /* borrowed */
	const struct clock *clock;
	struct str origin; /* owned */
	struct buf leaf;
	struct buf sealed;
	struct buf batch;
	struct tlog_hash last_hash;
	bool is_broken;
};

static enum rc replay(void *ctx, const struct segment_leaf *leaf, struct err *e)
{
	struct book *b = ctx;
	AUTO_ARENA arena = ARENA_INIT(16 * LIMIT_LEAF_BYTES);
	struct leaf l;

	if (leaf_decode(&arena, leaf->bytes, &l, e) != RC_OK ||
	    state_reserve(b->state, &l, e) != RC_OK) {
		return err_wrap(e, RC_BROKEN, "leaf %llu", (unsigned long long)leaf->index);
	}
	state_apply(b->state, leaf->index, &l);
	return RC_OK;
}

static enum rc open_log(struct book *b, const struct log_io *emergency, uint64_t segment_bytes,
			struct book_start *start, struct err *e)
{
	struct segment_options options = {.origin = b->origin,
					  .segment_bytes = segment_bytes,
					  .may_create = true,
					  .base = start ? &start->base : NULL,
					  .rand = b->rand,
					  .emergency = emergency};

	if (start) {
		b->state = TAKE(start->take_state);
	} else {
		TRY(state_new(&b->state, e));
	}
	TRY(segment_open(&b->io, &options, replay, b, &b->log, e));
	if (segment_is_emergency(b->log)) {
		(void)segment_fold(b->log, NULL); /* the governor tries again */
	}
	return RC_OK;
}

enum rc book_open(const struct log_io *io, const struct log_io *emergency, uint64_t segment_bytes,
		  struct str origin, const struct clock *clock, const struct rand *rand,
		  struct book_start *start, struct book **ret, struct state **ret_state,
		  bool *ret_is_new, struct err *e)
{
	struct book *b = mem_calloc(1, sizeof(*b));
	struct leaf first = {
	    .kind = LEAF_LOG_OPENED,
	    .log_opened = {.origin = origin, .software = STR("remit " REMIT_VERSION)},
	};
	enum rc rc;

	if (!b) {
		state_free(start ? TAKE(start->take_state) : NULL);
		FAIL(e, RC_NOMEM, "no memory for the log");
	}
	b->io = *io;
	b->clock = clock;
	b->rand = rand;
	b->leaf = (struct buf)BUF_INIT(LIMIT_LEAF_BYTES);
	b->sealed = (struct buf)BUF_INIT(16 * LIMIT_VALUE_BYTES + 4096);
	b->batch = (struct buf)BUF_INIT(LIMIT_BATCH_BYTES);
	b->origin.p = mem_calloc(origin.n + 1, 1);
	if (b->origin.p) {
		memcpy((char *)(uintptr_t)b->origin.p, origin.p, origin.n);
		b->origin.n = origin.n;
	}
	rc = b->origin.p ? open_log(b, emergency, segment_bytes, start, e)
			 : err_set(e, RC_NOMEM, __func__, "no memory for the log");
	if (rc == RC_OK && segment_next_index(b->log) == 0) {
		*ret_is_new = true;
		rc = book_record(b, &first, VAULT_LIFE_KEY, NULL, 0, NULL, e);
	}
	if (rc != RC_OK) {
		state_free(start ? TAKE(start->take_state) : NULL);
		state_free(b->state);
		book_free(b);
		return rc;
	}
	*ret_state = b->state;
	*ret = b;
	return RC_OK;
}

void book_free(struct book *b)
{
	if (!b) {
		return;
	}
	segment_free(b->log);
	buf_fini(&b->leaf);
	buf_fini(&b->sealed);
	buf_fini(&b->batch);
	mem_free((void *)(uintptr_t)b->origin.p);
	mem_free(b);
}

void book_use_vault(struct book *b, struct vault *v)
{
	b->vault = v;
}

struct segment_log *book_log(const struct book *b)
{
	return b->log;
}

const struct log_io *book_io(const struct book *b)
{
	return &b->io;
}

const uint8_t *book_last_hash(const struct book *b)
{
	return b->last_hash.bytes;
}

/* Seals the values into b->sealed and describes them in out. */
static enum rc seal(struct book *b, uint64_t key, const struct book_value *values, size_t n,
		    struct segment_value *out, size_t *ret_n, struct err *e)
{
	const uint8_t *key_bytes;
	size_t starts[SEGMENT_VALUES_MAX + 1];
	size_t count = 0;

	buf_reset(&b->sealed);
	for (size_t i = 0; i < n; i++) {
		struct sealed_place place = {
		    .origin = b->origin,
		    .leaf_index = segment_next_index(b->log),
		    .slot = values[i].slot,
		};

		if (values[i].bytes.n == 0) {
			continue;
		}
		if (count >= SEGMENT_VALUES_MAX) {
			FAIL(e, RC_LIMIT, "more than %d values beside a leaf", SEGMENT_VALUES_MAX);
		}
		key_bytes = b->vault ? vault_key(b->vault, key) : NULL;
		if (!key_bytes) {
			FAIL(e, RC_AGAIN, "no key to seal a value with");
		}
		starts[count] = b->sealed.n;
		TRY(buf_add_u64(&b->sealed, vault_serial(b->vault, key)));
		TRY(sealed_seal(key_bytes, &place, b->rand, values[i].bytes, &b->sealed,
				values[i].commit->bytes, e));
		out[count].slot = values[i].slot;
		count++;
	}
	starts[count] = b->sealed.n;
	for (size_t i = 0; i < count; i++) {
		out[i].bytes = str_slice(buf_view(&b->sealed), starts[i], starts[i + 1]);
	}
	*ret_n = count;
	return RC_OK;
}

enum rc book_record(struct book *b, struct leaf *l, uint64_t key, const struct book_value *values,
		    size_t n_values, uint64_t *ret_ix, struct err *e)
{
	struct segment_value sealed[SEGMENT_VALUES_MAX];
	size_t n_sealed = 0;
	uint64_t ix;
	enum rc rc;

	if (b->is_broken) {
		FAIL(e, RC_BROKEN, "the log is broken");
	}
	l->t = clock_unix_ms(b->clock);
	if (l->t < state_last_unix_ms(b->state)) {
		l->t = state_last_unix_ms(b->state); /* time in the log never runs backwards */
	}
	TRY(seal(b, key, values, n_values, sealed, &n_sealed, e));
	buf_reset(&b->leaf);
	TRY(leaf_encode(&b->leaf, l, e));
	TRY(state_reserve(b->state, l, e));
	rc = segment_append(b->log, buf_view(&b->leaf), sealed, n_sealed, &ix, &b->last_hash, e);
	if (rc == RC_AGAIN) {
		/* The batch is full: commit it now. Nothing was said about it yet. */
		TRY(book_commit(b, e));
		rc = segment_append(b->log, buf_view(&b->leaf), sealed, n_sealed, &ix,
				    &b->last_hash, e);
	}
	if (rc != RC_OK) {
		b->is_broken = true;
		return rc;
	}
	state_apply(b->state, ix, l);
	if (ret_ix) {
		*ret_ix = ix;
	}
	return RC_OK;
}

bool book_has_pending(const struct book *b)
{
	return segment_batch_bytes(b->log) > 0;
}

enum rc book_commit(struct book *b, struct err *e)
{
	if (b->is_broken) {
		FAIL(e, RC_BROKEN, "the log is broken");
	}
	if (segment_commit(b->log, e) != RC_OK) {
		b->is_broken = true;
		return e ? e->code : RC_BROKEN;
	}
	return RC_OK;
}

uint64_t book_next_ix(const struct book *b)
{
	return segment_next_index(b->log);
}

uint64_t book_durable_size(const struct book *b)
{
	return segment_durable_size(b->log);
}

enum rc book_leaf_of(struct book *b, uint64_t ix, struct arena *arena, struct leaf *ret,
		     struct err *e)
{
	struct segment_leaf leaf;
	struct str bytes;

	TRY(segment_read(b->log, ix, &b->batch, &leaf, e));
	bytes = arena_str(arena, leaf.bytes);
	if (!bytes.p) {
		FAIL(e, RC_NOMEM, "no memory for a leaf");
	}
	return leaf_decode(arena, bytes, ret, e);
}

enum rc book_value_of(struct book *b, uint64_t ix, uint8_t slot, struct arena *arena,
		      struct str *ret, struct err *e)
{
	return book_disclose(b, ix, slot, arena, NULL, ret, e);
}

enum rc book_disclose(struct book *b, uint64_t ix, uint8_t slot, struct arena *arena,
		      uint8_t ret_salt[32], struct str *ret, struct err *e)
{
	AUTO_BUF plain = BUF_INIT(LIMIT_VALUE_BYTES);
	struct segment_leaf leaf;

	TRY(segment_read(b->log, ix, &b->batch, &leaf, e));
	for (size_t i = 0; i < leaf.n_values; i++) {
		struct reader r = reader_of(leaf.values[i].bytes);
		struct sealed_place place = {.origin = b->origin, .leaf_index = ix, .slot = slot};
		const uint8_t *key;
		uint64_t serial;

		if (leaf.values[i].slot != slot) {
			continue;
		}
		if (!rd_u64(&r, &serial)) {
			FAIL(e, RC_BROKEN, "value %u of leaf %llu is cut short", slot,
			     (unsigned long long)ix);
		}
		key = b->vault ? vault_key(b->vault, serial) : NULL;
		if (!key && b->vault) {
			vault_miss(b->vault, serial);
		}
		if (!key) {
			FAIL(e, RC_ABSENT, "the key of value %u of leaf %llu is gone", slot,
			     (unsigned long long)ix);
		}
		TRY(sealed_open(key, &place, str_of(r.p, r.n), NULL, &plain, ret_salt, e));
		*ret = arena_str(arena, buf_view(&plain));
		if (!ret->p) {
			FAIL(e, RC_NOMEM, "no memory for a value");
		}
		return RC_OK;
	}
	FAIL(e, RC_ABSENT, "leaf %llu has no value %u", (unsigned long long)ix, slot);
}

/* ---- long values ---- */

size_t book_split(struct str bytes, struct digest *commit, struct digest *unused,
		  struct book_value ret[BOOK_PIECES])
{
	size_t n = 0;

	for (size_t at = 0; at < bytes.n && n < BOOK_PIECES; at += BOOK_PIECE_BYTES, n++) {
		ret[n] = (struct book_value){
		    .bytes = str_slice(bytes, at, at + BOOK_PIECE_BYTES),
		    .commit = n == 0 ? commit : unused,
		    .slot = (uint8_t)n,
		};
	}
	return n;
}

enum rc book_whole_value_of(struct book *b, uint64_t ix, struct arena *arena, struct str *ret,
			    struct err *e)
{
	AUTO_BUF whole = BUF_INIT(BOOK_PIECES * BOOK_PIECE_BYTES);
	struct str piece;
	enum rc rc = RC_OK;

	for (uint8_t slot = 0; slot < BOOK_PIECES && rc == RC_OK; slot++) {
		rc = book_value_of(b, ix, slot, arena, &piece, e);
		if (rc == RC_ABSENT && slot > 0) {
			break;
		}
		rc = rc == RC_OK ? buf_add(&whole, piece) : rc;
	}
	if (rc != RC_OK && rc != RC_ABSENT) {
		return rc;
	}
	if (whole.n == 0) {
		return RC_ABSENT; /* e is filled */
	}
	*ret = arena_str(arena, buf_view(&whole));
	if (!ret->p) {
		FAIL(e, RC_NOMEM, "no memory for a value");
	}
	return RC_OK;
}

enum leaf_kind book_kind_of(struct book *b, uint64_t ix)
{
	AUTO_ARENA arena = ARENA_INIT(16 * LIMIT_LEAF_BYTES);
	struct segment_leaf read;
	struct leaf leaf;

	if (segment_read(b->log, ix, &b->batch, &read, NULL) != RC_OK ||
	    leaf_decode(&arena, read.bytes, &leaf, NULL) != RC_OK) {
		return LEAF_NONE;
	}
	return leaf.kind;
}
