/* SPDX-License-Identifier: Apache-2.0 */
/* governor/book.h - from facts to durable leaves.
 *
 * book_record() is the only way anything becomes true: it seals the values a leaf commits to,
 * reserves state, encodes, appends to the round's batch and applies. book_commit() makes the
 * batch durable with one fdatasync. After any failure the book is broken and refuses everything:
 * the state may then be ahead of the disk, so nothing may be said any more.
 */
#pragma once

#include "core/leaf.h"
#include "core/state.h"
#include "governor/segment.h"

struct clock;
struct rand;
struct vault;
struct book;

/* A value that goes beside the leaf; its commitment is written to *commit before encoding. Slots
 * are the order of the array, as core/leaf.def gives them; an empty value is skipped. */
struct book_value {
	struct str bytes;
	struct digest *commit;
	uint8_t slot;
};

enum { BOOK_PIECE_BYTES = 32000, BOOK_PIECES = 16 };
/* bytes longer than a value, as values of slots 0, 1, ...: *commit is of the first, which names the
 * rest by their order and the leaf's count of bytes. Returns how many; what is beyond BOOK_PIECES
 * is left out, so callers bound bytes by BOOK_PIECES * BOOK_PIECE_BYTES. */
size_t book_split(struct str bytes, struct digest *commit, struct digest *unused,
		  struct book_value ret[BOOK_PIECES]);

/* What a snapshot gives: the state, which is the book's from here on, and where it goes on. */
struct book_start {
	struct state *take_state;
	struct segment_base base;
};

/* Opens the log behind io, replays it into a new state, or what follows start (NULL = none) into
 * that. emergency: as in segment.h, may be NULL. A log that is found away comes home, if it can. io
 * is copied; what its ctx points at, the clock and rand (NULL = rand_system) must outlive the book.
 * segment_bytes: as in segment.h, 0 = LIMIT_SEGMENT_BYTES. ret_is_new: it was empty (log.opened has
 * then been recorded). */
enum rc book_open(const struct log_io *io, const struct log_io *emergency, uint64_t segment_bytes,
		  struct str origin, const struct clock *clock, const struct rand *rand,
		  struct book_start *start, struct book **ret, struct state **ret_state,
		  bool *ret_is_new, struct err *e);
void book_free(struct book *b);
void book_use_vault(struct book *b, struct vault *v);

/* l->t is set here. key: which vault key seals the values (vault.h); ret_ix may be NULL. */
enum rc book_record(struct book *b, struct leaf *l, uint64_t key, const struct book_value *values,
		    size_t n_values, uint64_t *ret_ix, struct err *e);
bool book_has_pending(const struct book *b);
enum rc book_commit(struct book *b, struct err *e);
/* The index the next book_record will get. */
uint64_t book_next_ix(const struct book *b);
uint64_t book_durable_size(const struct book *b);
/* RFC 6962 leaf hash of the leaf recorded last. */
const uint8_t *book_last_hash(const struct book *b);
/* For the checkpointer. */
struct segment_log *book_log(const struct book *b);
const struct log_io *book_io(const struct book *b);
/* A durable leaf, read back; it lives in arena. RC_ABSENT when it is not durable yet. */
enum rc book_leaf_of(struct book *b, uint64_t ix, struct arena *arena, struct leaf *ret,
		     struct err *e);
/* As book_value_of, with the salt (32 bytes): what a person is given who shall check the content
 * against the leaf's commitment. */
enum rc book_disclose(struct book *b, uint64_t ix, uint8_t slot, struct arena *arena,
		      uint8_t ret_salt[32], struct str *ret, struct err *e);
/* The sealed value of a leaf, opened; bytes live in arena. RC_ABSENT when there is none or its key
 * was destroyed. */
/* What a leaf is; LEAF_NONE when it cannot be read. */
enum leaf_kind book_kind_of(struct book *b, uint64_t ix);
/* All pieces of a value that book_split() cut; errors as book_value_of(). */
enum rc book_whole_value_of(struct book *b, uint64_t ix, struct arena *arena, struct str *ret,
			    struct err *e);
enum rc book_value_of(struct book *b, uint64_t ix, uint8_t slot, struct arena *arena,
		      struct str *ret, struct err *e);
