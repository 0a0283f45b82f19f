/* SPDX-License-Identifier: Apache-2.0 */
/* tlog/hash.c - RFC 6962 hashing with one prefetched digest, and the frontier.
 *
 * Holds: (1) a frontier's hashes are the roots of the perfect subtrees of its size's one-bits,
 *            largest first; n is the number of one-bits.
 */
#include <tlog.h>

#include <openssl/evp.h>
#include <string.h>

#include "base/mem.h"

struct tlog_hasher {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};

struct tlog_hasher *tlog_hasher_new(void)
{
	struct tlog_hasher *h = mem_calloc(1, sizeof(*h));

	if (!h) {
		return NULL;
	}
	/* Fetching once and keeping the context makes a small hash five times cheaper. */
	h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	h->ctx = EVP_MD_CTX_new();
	if (!h->md || !h->ctx || EVP_DigestInit_ex(h->ctx, h->md, NULL) != 1) {
		tlog_hasher_free(h);
		return NULL;
	}
	return h;
}

void tlog_hasher_free(struct tlog_hasher *h)
{
	if (h) {
		EVP_MD_CTX_free(h->ctx);
		EVP_MD_free(h->md);
		mem_free(h);
	}
}

/* SHA-256(prefix || a || b). After tlog_hasher_new() the digest allocates nothing and cannot fail
 * on any input; if it ever does, going on would write a wrong tree. */
static struct tlog_hash digest(struct tlog_hasher *h, uint8_t prefix, struct str a, struct str b)
{
	struct tlog_hash ret;

	MUST(EVP_DigestInit_ex(h->ctx, NULL, NULL) == 1);
	MUST(EVP_DigestUpdate(h->ctx, &prefix, 1) == 1);
	MUST(a.n == 0 || EVP_DigestUpdate(h->ctx, a.p, a.n) == 1);
	MUST(b.n == 0 || EVP_DigestUpdate(h->ctx, b.p, b.n) == 1);
	MUST(EVP_DigestFinal_ex(h->ctx, ret.bytes, NULL) == 1);
	return ret;
}

struct tlog_hash tlog_leaf_hash(struct tlog_hasher *h, struct str leaf)
{
	return digest(h, 0x00, leaf, STR_NULL);
}

struct tlog_hash tlog_node_hash(struct tlog_hasher *h, const struct tlog_hash *left,
				const struct tlog_hash *right)
{
	return digest(h, 0x01, str_of(left->bytes, TLOG_HASH_BYTES),
		      str_of(right->bytes, TLOG_HASH_BYTES));
}

struct tlog_hash tlog_empty_root(struct tlog_hasher *h)
{
	struct tlog_hash ret;

	MUST(EVP_DigestInit_ex(h->ctx, NULL, NULL) == 1);
	MUST(EVP_DigestFinal_ex(h->ctx, ret.bytes, NULL) == 1);
	return ret;
}

bool tlog_hash_eq(const struct tlog_hash *a, const struct tlog_hash *b)
{
	return memcmp(a->bytes, b->bytes, TLOG_HASH_BYTES) == 0;
}

void tlog_frontier_append(struct tlog_frontier *f, struct tlog_hasher *h,
			  const struct tlog_hash *leaf_hash)
{
	struct tlog_hash top = *leaf_hash;

	MUST(f->size < UINT64_MAX);
	DEBUG_MUST((int)f->n == __builtin_popcountll(f->size)); /* (1) */
	for (uint64_t i = f->size; i & 1; i >>= 1) {
		top = tlog_node_hash(h, &f->hashes[f->n - 1], &top);
		f->n--;
	}
	f->hashes[f->n++] = top;
	f->size++;
}

struct tlog_hash tlog_frontier_root(const struct tlog_frontier *f, struct tlog_hasher *h)
{
	struct tlog_hash root;

	if (f->n == 0) {
		return tlog_empty_root(h);
	}
	root = f->hashes[f->n - 1];
	for (uint32_t i = f->n - 1; i > 0; i--) {
		root = tlog_node_hash(h, &f->hashes[i - 1], &root);
	}
	return root;
}
