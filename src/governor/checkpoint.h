/* SPDX-License-Identifier: Apache-2.0 */
/* governor/checkpoint.h - durable leaves become a signed checkpoint, off the hot path.
 *
 * A helper thread reads leaves back from the segments and writes tiles; the governor's own thread
 * carries what is to be signed to the keeper and the signature back.
 */
#pragma once

#include <tlog.h>

#include "base/err.h"
#include "net/channel.h"
#include "net/loop.h"

struct book;
struct checkpointer;

/* dir: of checkpoint and tile/; it outlives the checkpointer. vkey_text: the log's public key
 * (log.vkey). Starts the thread, unless has_thread is false: then whoever steps the loop also calls
 * checkpointer_step. */
enum rc checkpointer_new(struct loop *l, struct book *b, const char *dir, struct str vkey_text,
			 struct channel *const *keeper, bool has_thread, struct checkpointer **ret,
			 struct err *e);
/* Waits for the thread. */
void checkpointer_free(struct checkpointer *c);
/* Does what the thread would do next, here and now. */
void checkpointer_step(struct checkpointer *c);
void checkpointer_on_signature(struct checkpointer *c, const struct msg_signature *m);
/* Another keeper took the place of the last one: what was asked of that is asked again. */
void checkpointer_keeper_found(struct checkpointer *c);
/* Once a checkpoint covers it, the receipt of this leaf goes to the keeper, which gave a lease for
 * it. RC_NOMEM: it cannot be remembered. */
enum rc checkpointer_prove_lease(struct checkpointer *c, uint64_t lease, uint64_t leaf_index);
/* Before the first turn: is the tree of that size and root, which was signed, the beginning of what
 * is published? RC_BROKEN when it is not. What was signed and not published any more is for the
 * keeper to check, with the next signature. */
enum rc checkpointer_holds(struct checkpointer *c, uint64_t size, const struct tlog_hash *root,
			   struct err *e);
/* For witnesses (witness.c), from the loop's thread. Is the helper doing nothing? Only then
 * checkpointer_prove and checkpointer_note may be called. */
bool checkpointer_is_idle(const struct checkpointer *c);
/* The note that the keeper signed last; empty before the first of this life. It is the published
 * one unless publishing it has failed. */
struct str checkpointer_note(const struct checkpointer *c);
/* The proof between two trees that are not larger than the published one. */
enum rc checkpointer_prove(struct checkpointer *c, uint64_t old_size, uint64_t size,
			   struct tlog_proof *ret, struct err *e);
/* A published note with cosignatures of a quorum: it becomes checkpoint.witnessed, and checkpoint
 * if nothing newer is published by then. RC_LIMIT, RC_NOMEM: it does not. */
enum rc checkpointer_witnessed(struct checkpointer *c, struct str note);
uint64_t checkpointer_published_size(const struct checkpointer *c);
/* Has writing what is published failed for some seconds? It is tried again and again. */
bool checkpointer_is_failing(const struct checkpointer *c);
/* At a start, where there are signs that it would fail: it counts as failing until it has not. */
void checkpointer_doubt(struct checkpointer *c);
/* Once a tick: has the keeper not answered for five seconds, and for so many ticks that it
 * is not our clock that was set? It is listened to as before. */
bool checkpointer_keeper_is_silent(struct checkpointer *c);
/* Set when memory and disk disagree: the governor must end. */
bool checkpointer_is_broken(const struct checkpointer *c);
