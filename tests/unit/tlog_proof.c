/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes, the frontier and proofs against published vectors and a naive twin. */
#include "test.h"

#include <tlog.h>

#include "base/num.h"

enum { LEAVES = 300, PAIRS = 70 };

/* A tree in memory: level 0 are the leaf hashes. */
static struct tlog_hasher *hasher;
static struct tlog_hash levels[10][LEAVES];

static enum rc node_of(void *ctx, unsigned level, uint64_t index, struct tlog_hash *ret,
		       struct err *e)
{
	(void)ctx;
	if (level >= ARRAY_LEN(levels) || index >= (uint64_t)LEAVES >> level) {
		FAIL(e, RC_ABSENT, "no such node");
	}
	*ret = levels[level][index];
	return RC_OK;
}

static const struct tlog_nodes nodes = {.node = node_of};

/* RFC 6962 section 2.1, word for word. */
static struct tlog_hash naive_root(uint64_t from, uint64_t n)
{
	struct tlog_hash left;
	struct tlog_hash right;
	uint64_t k = 1;

	if (n == 0) {
		return tlog_empty_root(hasher);
	}
	if (n == 1) {
		return levels[0][from];
	}
	while (k * 2 < n) {
		k *= 2;
	}
	left = naive_root(from, k);
	right = naive_root(from + k, n - k);
	return tlog_node_hash(hasher, &left, &right);
}

static int make_tree(void **state)
{
	(void)state;
	hasher = tlog_hasher_new();
	assert_non_null(hasher);
	for (unsigned i = 0; i < LEAVES; i++) {
		char text[16];
		int n = snprintf(text, sizeof(text), "leaf %u", i);

		levels[0][i] = tlog_leaf_hash(hasher, str_of(text, (size_t)n));
	}
	for (unsigned v = 1; v < ARRAY_LEN(levels); v++) {
		for (unsigned i = 0; i < (unsigned)LEAVES >> v; i++) {
			levels[v][i] = tlog_node_hash(hasher, &levels[v - 1][2 * i],
						      &levels[v - 1][2 * i + 1]);
		}
	}
	return 0;
}

static int free_tree(void **state)
{
	(void)state;
	tlog_hasher_free(hasher);
	return 0;
}

static void assert_hash(const struct tlog_hash *got, const char *hex)
{
	uint8_t want[TLOG_HASH_BYTES];

	assert_true(num_hex(str_from(hex), want, sizeof(want)));
	assert_memory_equal(got->bytes, want, sizeof(want));
}

static void the_empty_tree_has_the_hash_of_nothing(void **state)
{
	(void)state;
	struct tlog_hash root = tlog_empty_root(hasher);
	struct tlog_frontier f = {0};

	assert_hash(&root, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	root = tlog_frontier_root(&f, hasher);
	assert_hash(&root, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void the_eight_leaves_of_the_reference_give_its_root(void **state)
{
	(void)state;
	static const char *const leaves[] = {
	    "",
	    "00",
	    "10",
	    "2021",
	    "3031",
	    "40414243",
	    "5051525354555657",
	    "606162636465666768696a6b6c6d6e6f",
	};
	struct tlog_frontier f = {0};
	struct tlog_hash root;

	for (size_t i = 0; i < ARRAY_LEN(leaves); i++) {
		uint8_t bytes[16];
		size_t n = strlen(leaves[i]) / 2;
		struct tlog_hash leaf;

		assert_true(num_hex(str_from(leaves[i]), bytes, n));
		leaf = tlog_leaf_hash(hasher, str_of(bytes, n));
		tlog_frontier_append(&f, hasher, &leaf);
	}
	root = tlog_frontier_root(&f, hasher);
	assert_hash(&root, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
}

static void the_three_entries_of_the_vectors_hash_as_written(void **state)
{
	(void)state;
	struct tlog_hash one = tlog_leaf_hash(hasher, STR("one"));
	struct tlog_hash two = tlog_leaf_hash(hasher, STR("two"));
	struct tlog_hash three = tlog_leaf_hash(hasher, STR("three"));

	assert_hash(&one, "d0d7360ab79f58ab1e1e3fe64ad77e2ea0bc07e36b5f46ed2223edd9298df9e9");
	assert_hash(&two, "ab1ab7f07c7c8fe0eff4ba6faa53c7e4412e91a599153e8aa4e01beece5b7825");
	assert_hash(&three, "671f146c5e471e8a1a83a3c214ce4ba907b8f3a5888d14cc8cd3ce75bb12ef94");
}

static void frontier_and_nodes_agree_with_the_definition(void **state)
{
	(void)state;
	struct tlog_frontier f = {0};

	for (uint64_t n = 1; n <= LEAVES; n++) {
		struct tlog_hash want = naive_root(0, n);
		struct tlog_hash got;

		tlog_frontier_append(&f, hasher, &levels[0][n - 1]);
		got = tlog_frontier_root(&f, hasher);
		assert_true(tlog_hash_eq(&got, &want));
		assert_ok(tlog_root_at(hasher, &nodes, n, &got, NULL));
		assert_true(tlog_hash_eq(&got, &want));
	}
}

static void every_leaf_is_proven_included_and_nothing_else(void **state)
{
	(void)state;
	for (uint64_t size = 1; size <= PAIRS; size++) {
		struct tlog_hash root = naive_root(0, size);

		for (uint64_t i = 0; i < size; i++) {
			struct tlog_proof p;

			assert_ok(tlog_prove_inclusion(hasher, &nodes, i, size, &p, NULL));
			assert_true(
			    tlog_inclusion_holds(hasher, &p, i, size, &levels[0][i], &root));
			assert_false(
			    tlog_inclusion_holds(hasher, &p, i, size, &levels[0][i + 1], &root));
			assert_false(
			    tlog_inclusion_holds(hasher, &p, size, size, &levels[0][i], &root));
			if (size > 1) {
				assert_false(tlog_inclusion_holds(hasher, &p, (i + 1) % size, size,
								  &levels[0][i], &root));
			}
			for (uint32_t k = 0; k < p.n; k++) {
				p.hashes[k].bytes[i % 32] ^= 1;
				assert_false(tlog_inclusion_holds(hasher, &p, i, size,
								  &levels[0][i], &root));
				p.hashes[k].bytes[i % 32] ^= 1;
			}
			p.n++;
			assert_false(
			    tlog_inclusion_holds(hasher, &p, i, size, &levels[0][i], &root));
		}
	}
}

/* Every way to spoil the proof from m to n must be seen. */
static size_t refuse_alterations(struct tlog_proof *p, uint64_t m, const struct tlog_hash *old,
				 uint64_t n, const struct tlog_hash *root)
{
	size_t refused = 0;

	for (uint32_t k = 0; k < p->n; k++) {
		struct tlog_hash was = p->hashes[k];

		p->hashes[k].bytes[(m + n) % 32] ^= (uint8_t)(1u << (m % 8));
		assert_false(tlog_consistency_holds(hasher, p, m, old, n, root));
		p->hashes[k] = was;
	}
	if (m < n) {
		p->n--;
		assert_false(tlog_consistency_holds(hasher, p, m, old, n, root));
		p->n += 2;
		assert_false(tlog_consistency_holds(hasher, p, m, old, n, root));
		p->n--;
		assert_false(tlog_consistency_holds(hasher, p, m, root, n, root));
		assert_false(tlog_consistency_holds(hasher, p, m, old, n, old));
		refused++;
	}
	return refused;
}

static void all_2415_consistency_pairs_hold_and_altered_ones_do_not(void **state)
{
	(void)state;
	size_t pairs = 0;
	size_t altered = 0;

	for (uint64_t n = 1; n < PAIRS; n++) {
		struct tlog_hash root = naive_root(0, n);

		for (uint64_t m = 1; m <= n; m++) {
			struct tlog_hash old = naive_root(0, m);
			struct tlog_proof p;

			assert_ok(tlog_prove_consistency(hasher, &nodes, m, n, &p, NULL));
			assert_true(tlog_consistency_holds(hasher, &p, m, &old, n, &root));
			altered += refuse_alterations(&p, m, &old, n, &root);
			pairs++;
		}
	}
	assert_int_equal(pairs, 2415);
	assert_int_equal(altered, 2346);
}

static void proofs_beyond_the_tree_are_refused(void **state)
{
	(void)state;
	struct tlog_proof p = {0};
	struct tlog_hash root = naive_root(0, 5);
	struct err e = ERR_INIT;

	assert_rc(tlog_prove_inclusion(hasher, &nodes, 5, 5, &p, &e), RC_INPUT);
	assert_rc(tlog_prove_consistency(hasher, &nodes, 6, 5, &p, &e), RC_INPUT);
	assert_false(tlog_consistency_holds(hasher, &p, 6, &root, 5, &root));
	assert_false(tlog_inclusion_holds(hasher, &p, 0, 0, &root, &root));
	assert_true(tlog_consistency_holds(hasher, &p, 0, &root, 5, &root));
	assert_true(tlog_consistency_holds(hasher, &p, 5, &root, 5, &root));
	p.n = TLOG_PROOF_MAX_HASHES + 1;
	assert_false(tlog_inclusion_holds(hasher, &p, 0, UINT64_MAX, &root, &root));
	assert_false(tlog_consistency_holds(hasher, &p, 1, &root, UINT64_MAX, &root));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_empty_tree_has_the_hash_of_nothing),
	    cmocka_unit_test(the_eight_leaves_of_the_reference_give_its_root),
	    cmocka_unit_test(the_three_entries_of_the_vectors_hash_as_written),
	    cmocka_unit_test(frontier_and_nodes_agree_with_the_definition),
	    cmocka_unit_test(every_leaf_is_proven_included_and_nothing_else),
	    cmocka_unit_test(all_2415_consistency_pairs_hold_and_altered_ones_do_not),
	    cmocka_unit_test(proofs_beyond_the_tree_are_refused),
	};
	return cmocka_run_group_tests(tests, make_tree, free_tree);
}
