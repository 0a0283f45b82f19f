/* SPDX-License-Identifier: Apache-2.0 */
/* keeper/signer.c - the check that keeps a governor honest about the past.
 *
 * Trust:  the governor, who asks, may have been taken over and may want to rewrite history.
 * Holds:  (1) of two trees that were ever signed, one is the beginning of the other.
 *         (2) the record of a tree is durable before its signature exists.
 *         (3) one process at a time signs with one anchor.
 *         (4) after a failure to record, the tree in memory is still the one on disk or its
 *             extension that was checked: the record is read anew before the next signature.
 */
#include "keeper/signer.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

struct signer {
	char dir[PATH_MAX]; /* the anchor */
	int lock_fd;
	const struct keeper_keys *keys;
	struct tlog_hasher *hasher;
	struct record last;
	bool must_reload; /* invariant (4) */
};

static struct str origin_of(const struct signer *s)
{
	return str_from(s->keys->vkey.name);
}

enum rc signer_new(const char *anchor, const struct keeper_keys *keys, struct signer **ret,
		   struct err *e)
{
	struct signer *s = mem_calloc(1, sizeof(*s));
	enum rc rc;

	if (!s) {
		FAIL(e, RC_NOMEM, "no memory for the signer");
	}
	s->keys = keys;
	s->lock_fd = -1;
	s->hasher = tlog_hasher_new();
	rc = s->hasher ? RC_OK : err_set(e, RC_NOMEM, __func__, "no memory for the signer");
	if (rc == RC_OK && snprintf(s->dir, sizeof(s->dir), "%s", anchor) >= (int)sizeof(s->dir)) {
		rc = err_set(e, RC_LIMIT, __func__, "the keeper's path is too long");
	}
	if (rc == RC_OK) {
		rc = record_lock(s->dir, &s->lock_fd, e);
	}
	if (rc == RC_OK) {
		rc = record_load(s->dir, origin_of(s), &s->last, e);
	}
	if (rc != RC_OK) {
		signer_free(s);
		return rc;
	}
	*ret = s;
	return RC_OK;
}

void signer_free(struct signer *s)
{
	if (s) {
		file_close(s->lock_fd);
		tlog_hasher_free(s->hasher);
		mem_free(s);
	}
}

uint64_t signer_size(const struct signer *s)
{
	return s->last.size;
}

const struct tlog_hash *signer_root(const struct signer *s)
{
	return &s->last.root;
}

static enum rc take_proof(struct str bytes, struct tlog_proof *ret, struct err *e)
{
	if (bytes.n % TLOG_HASH_BYTES != 0 || bytes.n / TLOG_HASH_BYTES > TLOG_PROOF_MAX_HASHES) {
		FAIL(e, RC_INPUT, "a consistency proof cannot have %zu bytes", bytes.n);
	}
	memset(ret, 0, sizeof(*ret));
	ret->n = (uint32_t)(bytes.n / TLOG_HASH_BYTES);
	if (bytes.n) {
		memcpy(ret->hashes, bytes.p, bytes.n);
	}
	return RC_OK;
}

/* Invariant (1). */
static enum rc check_extension(struct signer *s, const struct record *next, uint64_t old_size,
			       const struct tlog_proof *proof, struct err *e)
{
	struct tlog_hash empty = tlog_empty_root(s->hasher);

	if (next->size == 0 && !tlog_hash_eq(&next->root, &empty)) {
		FAIL(e, RC_DENIED, "fork: a root for a tree without leaves");
	}
	if (next->size < s->last.size) {
		FAIL(e, RC_DENIED, "rollback: a tree of %llu leaves after one of %llu was signed",
		     (unsigned long long)next->size, (unsigned long long)s->last.size);
	}
	if (old_size != s->last.size) {
		FAIL(e, RC_AGAIN,
		     "the proof starts at %llu, but the tree last signed has %llu leaves",
		     (unsigned long long)old_size, (unsigned long long)s->last.size);
	}
	if (next->size == s->last.size && next->size > 0 &&
	    !tlog_hash_eq(&next->root, &s->last.root)) {
		FAIL(e, RC_DENIED, "fork: another root for the %llu leaves that were signed",
		     (unsigned long long)next->size);
	}
	if (!tlog_consistency_holds(s->hasher, proof, old_size, &s->last.root, next->size,
				    &next->root)) {
		FAIL(e, RC_DENIED,
		     "fork: the tree of %llu leaves does not begin with the %llu signed",
		     (unsigned long long)next->size, (unsigned long long)s->last.size);
	}
	return RC_OK;
}

static enum rc store(struct signer *s, const struct record *next, struct err *e)
{
	s->must_reload = true; /* until it is known what the disk holds */
	TRY(record_store(s->dir, origin_of(s), next, e));
	s->last = *next;
	s->must_reload = false;
	return RC_OK;
}

enum rc signer_probe(struct signer *s, struct err *e)
{
	struct record same = s->last;

	return store(s, &same, e);
}

enum rc signer_sign(struct signer *s, uint64_t size, struct str root, uint64_t old_size,
		    struct str proof_bytes, struct buf *b, struct err *e)
{
	struct record next = {.size = size};
	struct tlog_proof proof;
	struct tlog_checkpoint checkpoint;
	AUTO_BUF text = BUF_INIT(1024);

	if (root.n != TLOG_HASH_BYTES) {
		FAIL(e, RC_INPUT, "a root has %d bytes, not %zu", TLOG_HASH_BYTES, root.n);
	}
	memcpy(next.root.bytes, root.p, TLOG_HASH_BYTES);
	TRY(take_proof(proof_bytes, &proof, e));
	if (s->must_reload) {
		TRY(record_load(s->dir, origin_of(s), &s->last, e));
		s->must_reload = false;
	}
	TRY(check_extension(s, &next, old_size, &proof, e));
	if (next.size != s->last.size) {
		TRY(store(s, &next, e)); /* invariant (2) */
	}
	checkpoint =
	    (struct tlog_checkpoint){.origin = origin_of(s), .size = next.size, .root = next.root};
	TRY(tlog_checkpoint_print(&checkpoint, &text, e));
	return tlog_note_sign(b, buf_view(&text), &s->keys->vkey, secret_bytes(s->keys->log_seed),
			      e);
}
