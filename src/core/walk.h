/* SPDX-License-Identifier: Apache-2.0 */
/* core/walk.h - the state as bytes: one description of each object, read in three directions.
 *
 * A walker (core/state_walk.c) names the fields of an object in order. What that does depends on
 * the direction: WALK_COUNT adds up the strings that the object's own block must hold, WALK_PUT
 * gives the bytes to a function and to SHA-256, WALK_GET takes them back and fills the object. So
 * a field that is named is written, read and in the digest, and one that is not is in none.
 *
 * Numbers are 8 bytes big endian, strings have their length in front. The first failure sticks:
 * what comes after it does nothing, and reads as zero.
 *
 * Strings of an object lie in one block (struct object.text), lists of them at its front. Own
 * strings are blocks by themselves.
 */
#pragma once

#include <openssl/evp.h>

#include "core/state_impl.h"

enum walk_direction { WALK_COUNT = 0, WALK_PUT, WALK_GET };

enum { WALK_ROOM_BYTES = 64 * 1024 };

struct walk {
	enum walk_direction direction;
	struct state *s;
	state_put_fn *put; /* may be NULL: the digest alone */
	state_get_fn *get;
	void *ctx;
	EVP_MD_CTX *hash;
	uint8_t *room; /* put: not given yet; get: taken and not used yet */
	size_t at;
	size_t n;
	uint64_t bytes;	   /* that went through */
	struct str *lists; /* get: what is left of the object's block */
	uint64_t n_lists;  /* count: so many elements; get: left */
	char *text;
	uint64_t n_text;
	uint8_t *seen; /* put: targets whose fact was written, by number */
	enum rc rc;
	struct err *e;
};

/* put and get may be NULL. RC_NOMEM. */
enum rc walk_init(struct walk *w, enum walk_direction d, struct state *s, struct err *e);
void walk_fini(struct walk *w);
/* Put: gives the rest. Get: nothing may be left. Then the digest of all bytes. */
enum rc walk_end(struct walk *w, struct digest *ret);

bool walk_is_ok(const struct walk *w);
void walk_fail(struct walk *w, enum rc rc, const char *why);

void walk_u64(struct walk *w, uint64_t *v);
void walk_u32(struct walk *w, uint32_t *v);
void walk_bool(struct walk *w, bool *v);
void walk_digest(struct walk *w, struct digest *d);
/* In the object's block. */
void walk_str(struct walk *w, struct str *s);
void walk_list(struct walk *w, struct str_list *l);
/* A block of its own. */
void walk_own(struct walk *w, struct str *s);
void walk_own_list(struct walk *w, struct owned_strings *v);
/* A number of s->words, held once more after reading; INTERN_NONE stays that. */
void walk_word(struct walk *w, uint32_t *id);
/* The same for a list whose texts borrow the words; both blocks are the caller's. */
void walk_words(struct walk *w, struct str_list *texts, uint32_t **ids);
/* A set, oldest first. has_marks was set. */
void walk_set(struct walk *w, struct tally_set *t);
/* In front of an object's fields: what its block holds, which *text becomes when it is read. From
 * one WALK_COUNT of the same fields. */
void walk_block(struct walk *w, const struct walk *counted, char **text);
/* After them: the block was used up. */
void walk_block_end(struct walk *w);

/* How many elements follow. */
uint64_t walk_n(struct walk *w, uint64_t n);
bool walk_make_room(struct walk *w, void **p, size_t *n, size_t *cap, uint64_t i, size_t size);
/* For element i of a vector: there is one, zeroed when it is read. False ends the loop. */
#define walk_room(w, v, i)                                                                         \
	walk_make_room((w), (void **)&(v)->p, &(v)->n, &(v)->cap, (i), sizeof(*(v)->p))

/* A field of an enum or a small number, below `limit`. */
#define walk_enum(w, field, limit)                                                                 \
	do {                                                                                       \
		uint64_t walk_v_ = (uint64_t)(field);                                              \
		walk_below((w), &walk_v_, (limit));                                                \
		if ((w)->direction == WALK_GET) {                                                  \
			(field) = (__typeof__(field))walk_v_;                                      \
		}                                                                                  \
	} while (0)
void walk_below(struct walk *w, uint64_t *v, uint64_t limit);
