/* SPDX-License-Identifier: Apache-2.0 */
/* governor/vault.h - the data keys under which sealed values are encrypted.
 *
 * A key belongs to one incident or task (or to one life of the governor, for what belongs to
 * neither). The keeper makes and wraps keys; wrapped ones lie as files (key_files.h); erasing
 * what a task sealed is deleting them. The vault keeps a few fresh keys ready so that opening
 * a task never waits for the keeper.
 *
 * Open in memory are the keys that the life was said to need, those of objects of the store while
 * something is done with them, and what somebody wants to read for as long as it takes. So neither
 * a start nor the memory grows with what is over.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct channel;
struct log_io;
struct msg_key_ready;
struct vault;

enum { VAULT_LIFE_KEY = 0 };
#define VAULT_NO_KEY UINT64_MAX /* no key has this serial */

/* Which of the stored keys a life must have open. */
struct vault_needs {
	const uint64_t *objects; /* their keys; ascending, borrowed for the call */
	size_t n_objects;
	uint64_t oldest; /* keys of the lives in which this leaf and later ones were written */
	uint64_t next;	 /* the leaf that this life begins with */
};

/* io is of the directory of keys, emergency (NULL: none) of where the key of a life is kept while
 * that directory takes nothing (life_keys.h); copied, and what their ctx point at must outlive the
 * vault. */
enum rc vault_open(const struct log_io *io, const struct log_io *emergency,
		   const struct vault_needs *needs, struct vault **ret, struct err *e);
void vault_free(struct vault *v);
/* Asks the keeper for the tag key, this life's key, fresh ones, and the stored ones that are
 * needed. */
void vault_start(struct vault *v, struct channel *keeper);
/* Asks a new keeper for what the last one was asked for and did not answer. */
void vault_ask_again(struct vault *v, struct channel *keeper);
void vault_on_key(struct vault *v, struct channel *keeper, const struct msg_key_ready *m);
/* Takes home what is in the emergency place, and asks for what could not be stored. Nothing to do:
 * no file is touched. Call it now and then. */
void vault_mend(struct vault *v, struct channel *keeper);
/* Are there keys in the emergency place, which keys/ does not take? */
bool vault_is_away(const struct vault *v);
/* Wipes the keys of objects that are needed no more; their files stay. */
void vault_forget(struct vault *v, const struct vault_needs *needs);
/* Could this life's key be stored nowhere, or one that it needs not be read? why: borrowed. Nothing
 * can begin then. */
bool vault_has_failed(const struct vault *v, const char **ret_why);
/* Is everything asked for by vault_start there? Keys that the keeper could not open are not waited
 * for: vault_key_of says VAULT_NO_KEY. */
bool vault_is_ready(const struct vault *v);
/* A fresh key for an object about to be created: its serial. RC_AGAIN when none is ready. */
enum rc vault_take(struct vault *v, struct channel *keeper, uint64_t *ret_serial, struct err *e);
/* Gives a key that was taken to an object, durably; before the object's leaf, so that there is no
 * object without. After an error the key is nobody's, and forgotten. */
enum rc vault_bind(struct vault *v, uint64_t serial, uint64_t object_ix, struct err *e);
/* Which key seals for this object: the last one given to it, this life's for 0. VAULT_NO_KEY when
 * it has none or it is not open. */
uint64_t vault_key_of(const struct vault *v, uint64_t object_ix);
/* The serial of the last key that was given to the object, open or not. RC_ABSENT when there is
 * none. Looks through all names: not for what is done often. */
enum rc vault_bound(const struct vault *v, uint64_t object_ix, uint64_t *ret_serial, struct err *e);
/* The key's 32 bytes, borrowed; NULL when it is not open, or destroyed: vault_miss notes that. */
const uint8_t *vault_key(const struct vault *v, uint64_t serial);
/* The serial that VAULT_LIFE_KEY stands for; any other as it is. */
uint64_t vault_serial(const struct vault *v, uint64_t serial);

/* ---- keys that are open for a while ---- */

/* Somebody could not read something for want of this key. */
void vault_miss(struct vault *v, uint64_t serial);
/* Forgets what was missed. */
void vault_begin_reading(struct vault *v);
/* Asks for the missed keys that are stored, some at a time: are any on their way? Then read again
 * when vault_is_fetching says no. */
bool vault_fetch_missed(struct vault *v, struct channel *keeper);
bool vault_is_fetching(const struct vault *v);
/* Wipes what vault_fetch_missed has brought. */
void vault_end_reading(struct vault *v);

/* A key that was taken seals one object of the store and no more: durably, under its other name. It
 * stays open until vault_close. */
enum rc vault_set_aside(struct vault *v, uint64_t serial, struct err *e);
/* Makes such a key open: RC_OK when it is; RC_AGAIN when the keeper was asked, and KEY_READY will
 * come; RC_ABSENT when there is none. */
enum rc vault_fetch(struct vault *v, struct channel *keeper, uint64_t serial, struct err *e);
/* Wipes it from memory. */
void vault_close(struct vault *v, uint64_t serial);
/* Calls fn for each key that was set aside, in no order; fn must not change the vault. */
enum rc vault_each_aside(const struct vault *v, void (*fn)(void *ctx, uint64_t serial), void *ctx,
			 struct err *e);

/* ---- the end of keys ---- */

/* Removes a key that was taken or set aside durably, looks for it, wipes it from memory. RC_OK when
 * there was none. RC_AGAIN while no later key is stored, so that its serial cannot be given out
 * again. */
enum rc vault_destroy(struct vault *v, uint64_t serial, struct err *e);
/* The same for all keys that were given to an object. */
enum rc vault_destroy_of(struct vault *v, uint64_t object_ix, struct err *e);

/* Keyed digest of tool and canonical arguments: the same call has the same tag. */
enum rc vault_tag(const struct vault *v, struct str tool, struct str args, uint8_t ret[32],
		  struct err *e);
