/* SPDX-License-Identifier: Apache-2.0 */
/* leaves.h - leaves that are a function of their index, for tests of what becomes of them on disks.
 *
 * Any leaf can be checked without a record of it. Lengths vary so that batches end in all places of
 * a sector.
 */
#pragma once

#include "test.h"

#include <stdio.h>

#include "governor/segment.h"

enum { TEXT_MAX = 4096 };

static const struct segment_options options = {
    .origin = {"test.example/log", 16},
    .segment_bytes = SEGMENT_MIN_BYTES,
    .may_create = true,
};

static inline struct str leaf_text(uint64_t i, char out[TEXT_MAX])
{
	int head = snprintf(out, TEXT_MAX, "leaf %ju ", (uintmax_t)i);
	size_t n = (size_t)head + (size_t)(i * 131 % 1400);

	memset(out + head, 'a' + (int)(i % 26), n - (size_t)head);
	return str_of(out, n);
}

static inline size_t values_of(uint64_t i)
{
	return i % 3;
}

static inline struct segment_value value_of(uint64_t i, uint8_t slot, char out[TEXT_MAX])
{
	int n = snprintf(out, TEXT_MAX, "value %u of %ju", slot, (uintmax_t)i);

	memset(out + n, 'z', (size_t)(i % 100));
	return (struct segment_value){.slot = slot, .bytes = str_of(out, (size_t)n + i % 100)};
}

static inline enum rc append(struct segment_log *l, struct err *e)
{
	char text[TEXT_MAX];
	char texts[2][TEXT_MAX];
	struct segment_value values[2];
	uint64_t i = segment_next_index(l);

	for (uint8_t k = 0; k < values_of(i); k++) {
		values[k] = value_of(i, k, texts[k]);
	}
	return segment_append(l, leaf_text(i, text), values, values_of(i), NULL, NULL, e);
}

static inline void check_leaf(const struct segment_leaf *leaf, uint64_t i)
{
	char text[TEXT_MAX];

	assert_int_equal(leaf->index, i);
	assert_true(str_eq(leaf->bytes, leaf_text(i, text)));
	assert_int_equal(leaf->n_values, values_of(i));
	for (uint8_t k = 0; k < leaf->n_values; k++) {
		struct segment_value want = value_of(i, k, text);

		assert_int_equal(leaf->values[k].slot, k);
		assert_true(str_eq(leaf->values[k].bytes, want.bytes));
	}
}

static inline enum rc count_leaf(void *ctx, const struct segment_leaf *leaf, struct err *e)
{
	uint64_t *n = ctx;

	(void)e;
	check_leaf(leaf, *n);
	(*n)++;
	return RC_OK;
}
