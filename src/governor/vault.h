/* SPDX-License-Identifier: Apache-2.0 */
/* governor/vault.h - the data keys under which sealed values are encrypted.
 *
 * A key belongs to one incident or task (or to one life of the governor, for what belongs to
 * neither). The keeper makes and wraps keys; wrapped ones lie in <state>/keys/<serial>.key; erasing
 * what a task sealed is deleting that file. The vault keeps a few fresh keys ready so that opening
 * a task never waits for the keeper.
 *
 * Keys of evidence are set aside: there are many and they are rarely needed, so they lie as
 * <state>/keys/<serial>.evidence and are open only while something is done with their object.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct channel;
struct log_io;
struct msg_key_ready;
struct vault;

enum { VAULT_LIFE_KEY = 0 };

/* io is of the directory of keys, emergency (NULL: none) of where the key of a life is kept while
 * that directory takes nothing (life_keys.h); copied, and what their ctx point at must outlive the
 * vault. */
enum rc vault_open(const struct log_io *io, const struct log_io *emergency, struct vault **ret,
		   struct err *e);
void vault_free(struct vault *v);
/* Asks the keeper for what is missing: the tag key, this life's key, fresh ones, and the stored
 * ones that are not open yet. */
void vault_start(struct vault *v, struct channel *keeper);
/* Asks a new keeper for what the last one was asked for and did not answer. */
void vault_ask_again(struct vault *v, struct channel *keeper);
void vault_on_key(struct vault *v, struct channel *keeper, const struct msg_key_ready *m);
/* Takes home what is in the emergency place, and asks for what could not be stored. Nothing to do:
 * no file is touched. Call it now and then. */
void vault_mend(struct vault *v, struct channel *keeper);
/* Could this life's key be stored nowhere? why: borrowed. Nothing can begin then. */
bool vault_has_failed(const struct vault *v, const char **ret_why);
/* Is everything asked for by vault_start there? */
bool vault_is_ready(const struct vault *v);
/* A fresh key for an object about to be created: its serial. RC_AGAIN when none is ready. */
enum rc vault_take(struct vault *v, struct channel *keeper, uint64_t *ret_serial, struct err *e);
/* Which key seals for this object: the one given to it by vault_bind, else this life's. */
uint64_t vault_key_of(const struct vault *v, uint64_t object_ix);
enum rc vault_bind(struct vault *v, uint64_t serial, uint64_t object_ix, struct err *e);
/* The serial of the key that vault_bind gave to the object, open or not; 0 = there is none. */
uint64_t vault_bound(const struct vault *v, uint64_t object_ix);
/* The key's 32 bytes, borrowed; NULL when unknown or destroyed. */
const uint8_t *vault_key(const struct vault *v, uint64_t serial);
/* The serial that VAULT_LIFE_KEY stands for; any other as it is. */
uint64_t vault_serial(const struct vault *v, uint64_t serial);
/* A key that was taken seals one object of the store and no more: durably, under its other name. It
 * stays open until vault_close. */
enum rc vault_set_aside(struct vault *v, uint64_t serial, struct err *e);
/* Makes such a key open: RC_OK when it is; RC_AGAIN when the keeper was asked, and KEY_READY will
 * come; RC_ABSENT when there is none. */
enum rc vault_fetch(struct vault *v, struct channel *keeper, uint64_t serial, struct err *e);
/* Wipes it from memory. */
void vault_close(struct vault *v, uint64_t serial);
/* Removes its file durably, looks for it, wipes it from memory. RC_OK when there was none. RC_AGAIN
 * while no later key is stored, so that its serial cannot be given out again. */
enum rc vault_destroy(struct vault *v, uint64_t serial, struct err *e);
/* Calls fn for each key that was set aside, in no order; fn must not change the vault. */
enum rc vault_each_aside(const struct vault *v, void (*fn)(void *ctx, uint64_t serial), void *ctx,
			 struct err *e);
/* Keyed digest of tool and canonical arguments: the same call has the same tag. */
enum rc vault_tag(const struct vault *v, struct str tool, struct str args, uint8_t ret[32],
		  struct err *e);
