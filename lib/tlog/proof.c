/* SPDX-License-Identifier: Apache-2.0 */
/* tlog/proof.c - make and check inclusion and consistency proofs (RFC 6962 section 2.1.1-2.1.2).
 *
 * Trust:  proofs and sizes are hostile in the two _holds functions; nodes are ours.
 * Holds:  (1) ranges handed to range_hash() begin at a multiple of the smallest power of two that
 *             is not less than their length, so each one-bit of the length is a perfect subtree.
 */
#include <tlog.h>

#include <string.h>

/* The largest power of two strictly less than n; n > 1. */
static uint64_t split_of(uint64_t n)
{
	return 1ULL << (63 - __builtin_clzll(n - 1));
}

/* MTH(D[lo:hi]), lo < hi: fold the perfect subtrees from the smallest (rightmost) on. */
static enum rc range_hash(struct tlog_hasher *h, const struct tlog_nodes *nodes, uint64_t lo,
			  uint64_t hi, struct tlog_hash *ret, struct err *e)
{
	uint64_t left = hi - lo;
	bool has = false;

	while (left > 0) {
		unsigned level = (unsigned)__builtin_ctzll(left);
		struct tlog_hash node;

		left &= left - 1;
		TRY(nodes->node(nodes->ctx, level, (lo + left) >> level, &node, e));
		*ret = has ? tlog_node_hash(h, &node, ret) : node;
		has = true;
	}
	return RC_OK;
}

enum rc tlog_root_at(struct tlog_hasher *h, const struct tlog_nodes *nodes, uint64_t size,
		     struct tlog_hash *ret, struct err *e)
{
	if (size == 0) {
		*ret = tlog_empty_root(h);
		return RC_OK;
	}
	return range_hash(h, nodes, 0, size, ret, e);
}

static void reverse(struct tlog_proof *p)
{
	for (uint32_t i = 0; i < p->n / 2; i++) {
		struct tlog_hash swap = p->hashes[i];

		p->hashes[i] = p->hashes[p->n - 1 - i];
		p->hashes[p->n - 1 - i] = swap;
	}
}

static enum rc push_range(struct tlog_hasher *h, const struct tlog_nodes *nodes, uint64_t lo,
			  uint64_t hi, struct tlog_proof *p, struct err *e)
{
	MUST(p->n < TLOG_PROOF_MAX_HASHES); /* the tree has at most 64 levels */
	TRY(range_hash(h, nodes, lo, hi, &p->hashes[p->n], e));
	p->n++;
	return RC_OK;
}

enum rc tlog_prove_inclusion(struct tlog_hasher *h, const struct tlog_nodes *nodes, uint64_t index,
			     uint64_t size, struct tlog_proof *ret, struct err *e)
{
	struct tlog_proof p = {0};
	uint64_t lo = 0;
	uint64_t hi = size;

	if (index >= size) {
		FAIL(e, RC_INPUT, "leaf %ju is not in a tree of %ju leaves", (uintmax_t)index,
		     (uintmax_t)size);
	}
	while (hi - lo > 1) {
		uint64_t middle = lo + split_of(hi - lo);

		if (index < middle) {
			TRY(push_range(h, nodes, middle, hi, &p, e));
			hi = middle;
		} else {
			TRY(push_range(h, nodes, lo, middle, &p, e));
			lo = middle;
		}
	}
	reverse(&p);
	*ret = p;
	return RC_OK;
}

enum rc tlog_prove_consistency(struct tlog_hasher *h, const struct tlog_nodes *nodes,
			       uint64_t old_size, uint64_t size, struct tlog_proof *ret,
			       struct err *e)
{
	struct tlog_proof p = {0};
	uint64_t lo = 0;
	uint64_t hi = size;

	if (old_size > size) {
		FAIL(e, RC_INPUT, "a tree of %ju leaves is not the beginning of one of %ju",
		     (uintmax_t)old_size, (uintmax_t)size);
	}
	if (old_size == 0 || old_size == size) {
		*ret = p;
		return RC_OK;
	}
	while (old_size != hi) {
		uint64_t middle = lo + split_of(hi - lo);

		if (old_size <= middle) {
			TRY(push_range(h, nodes, middle, hi, &p, e));
			hi = middle;
		} else {
			TRY(push_range(h, nodes, lo, middle, &p, e));
			lo = middle;
		}
	}
	if (lo > 0) {
		TRY(push_range(h, nodes, lo, hi, &p, e));
	}
	reverse(&p);
	*ret = p;
	return RC_OK;
}

/* SPEC rfc9162 2.1.3.2: verifying an inclusion proof. */
bool tlog_inclusion_holds(struct tlog_hasher *h, const struct tlog_proof *proof, uint64_t index,
			  uint64_t size, const struct tlog_hash *leaf_hash,
			  const struct tlog_hash *root)
{
	struct tlog_hash r = *leaf_hash;
	uint64_t fn = index;
	uint64_t sn = size - 1;

	if (index >= size || proof->n > TLOG_PROOF_MAX_HASHES) {
		return false;
	}
	for (uint32_t i = 0; i < proof->n; i++) {
		if (sn == 0) {
			return false;
		}
		if ((fn & 1) || fn == sn) {
			r = tlog_node_hash(h, &proof->hashes[i], &r);
			while (!(fn & 1) && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			r = tlog_node_hash(h, &r, &proof->hashes[i]);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && tlog_hash_eq(&r, root);
}

/* SPEC rfc9162 2.1.4.2: verifying consistency between two tree heads; 0 < old_size < size. */
static bool consistency_path_holds(struct tlog_hasher *h, const struct tlog_proof *proof,
				   uint64_t old_size, const struct tlog_hash *old_root,
				   uint64_t size, const struct tlog_hash *root)
{
	/* A perfect old tree is its own first node and is left out of the proof. */
	bool is_perfect = (old_size & (old_size - 1)) == 0;
	uint32_t next = is_perfect ? 0 : 1;
	uint64_t fn = old_size - 1;
	uint64_t sn = size - 1;
	struct tlog_hash fr;
	struct tlog_hash sr;

	if (proof->n == 0) {
		return false;
	}
	fr = is_perfect ? *old_root : proof->hashes[0];
	sr = fr;
	while (fn & 1) {
		fn >>= 1;
		sn >>= 1;
	}
	for (uint32_t i = next; i < proof->n; i++) {
		const struct tlog_hash *c = &proof->hashes[i];

		if (sn == 0) {
			return false;
		}
		if ((fn & 1) || fn == sn) {
			fr = tlog_node_hash(h, c, &fr);
			sr = tlog_node_hash(h, c, &sr);
			while (!(fn & 1) && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			sr = tlog_node_hash(h, &sr, c);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && tlog_hash_eq(&fr, old_root) && tlog_hash_eq(&sr, root);
}

bool tlog_consistency_holds(struct tlog_hasher *h, const struct tlog_proof *proof,
			    uint64_t old_size, const struct tlog_hash *old_root, uint64_t size,
			    const struct tlog_hash *root)
{
	if (old_size > size || proof->n > TLOG_PROOF_MAX_HASHES) {
		return false;
	}
	if (old_size == 0) {
		return proof->n == 0;
	}
	if (old_size == size) {
		return proof->n == 0 && tlog_hash_eq(old_root, root);
	}
	return consistency_path_holds(h, proof, old_size, old_root, size, root);
}
