/* SPDX-License-Identifier: Apache-2.0 */
/* keeper/signer.h - signs checkpoints, but only of a log that grows.
 *
 * A request names the tree to be signed and brings the proof that the tree last signed is its
 * beginning. What is smaller, forked or unproven is refused; what is signed is on record, durably,
 * before the signature exists. The same tree may be signed again: the bytes are the same.
 */
#pragma once

#include "keeper/keys.h"
#include "keeper/record.h"

struct signer;

/* keys are borrowed and outlive the signer; anchor is the directory of the record, which is locked
 * as long as the signer lives. RC_BROKEN as record_load, RC_DENIED as record_lock. */
enum rc signer_new(const char *anchor, const struct keeper_keys *keys, struct signer **ret,
		   struct err *e);
void signer_free(struct signer *s);
/* The size last signed: where the next proof starts. */
uint64_t signer_size(const struct signer *s);
/* Its root, borrowed; all zero while the size is 0. */
const struct tlog_hash *signer_root(const struct signer *s);
/* Appends the signed note to b. proof: 32 bytes per hash, from old_size, which must be
 * signer_size(). RC_INPUT malformed; RC_AGAIN old_size is not what was last signed; RC_DENIED the
 * tree is smaller than the last, or not an extension of it; RC_IO not on record, so not signed. */
enum rc signer_sign(struct signer *s, uint64_t size, struct str root, uint64_t old_size,
		    struct str proof, struct buf *b, struct err *e);
/* Writes the record as it is: can we, where and who we are now? */
enum rc signer_probe(struct signer *s, struct err *e);
