/* SPDX-License-Identifier: Apache-2.0 */
/* governor/vault_impl.h - what the files of the vault share (governor/vault*.c); for nobody else.
 */
#pragma once

#include "base/map.h"
#include "base/vec.h"
#include "governor/key_files.h"
#include "governor/life_keys.h"
#include "governor/vault.h"

enum {
	KEY_BYTES = 32,
	SPARE_KEYS = 4,
	MISSED_AT_ONCE = 64, /* of one reading; it is done again while it misses some */
};

struct data_key {
	struct key_name name;
	uint8_t bytes[KEY_BYTES];
	bool is_new;	 /* the keeper has not made it yet, as far as we know */
	bool was_asked;	 /* once, of this keeper or another */
	bool is_asked;	 /* of this one, who has not answered */
	bool is_open;	 /* stored, and in bytes */
	bool is_lost;	 /* the keeper could not open it, or its file is gone */
	bool is_away;	 /* in the emergency place only */
	bool is_fetched; /* for a reading */
};

struct vault {
	struct key_dir dir;
	struct log_io emergency;	 /* open NULL: none */
	struct life_key away[LIFE_KEYS]; /* what is there */
	size_t n_away;
	bool misses_some;	      /* keys could not be stored, or not be read */
	struct err why;		      /* the last one that could not */
	struct map by_serial;	      /* all but tags; owned */
	struct map by_object;	      /* the last one given to an object */
	VEC(struct data_key *) fresh; /* to be taken, open or not */
	VEC(uint64_t) to_ask;
	uint64_t missed[MISSED_AT_ONCE];
	size_t n_missed;
	struct data_key tags;
	struct data_key *life; /* this one's; NULL before vault_start */
	uint64_t first;	       /* leaf of this life */
	uint64_t next_serial;
	size_t n_asked;
};

/* ---- vault.c ---- */
struct data_key *vault_find(const struct vault *v, uint64_t serial);
/* name->serial must not be there yet. */
enum rc vault_add(struct vault *v, const struct key_name *name, struct data_key **ret,
		  struct err *e);
/* Wipes it. An answer that is on its way finds nobody. */
void vault_drop(struct vault *v, struct data_key *k);
/* Gives its file another name, durably. */
enum rc vault_rename(struct vault *v, struct data_key *k, enum key_kind kind, uint64_t leaf,
		     struct err *e);

/* ---- vault_keeper.c ---- */
/* It is to be opened; vault_go_on asks the keeper. */
void vault_want(struct vault *v, const struct data_key *k);
/* As many fresh ones as there should be. */
void vault_want_fresh(struct vault *v);
/* Asks for what is wanted, as far as the keeper is not asked for much already. */
void vault_go_on(struct vault *v, struct channel *keeper);
