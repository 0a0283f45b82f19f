/* SPDX-License-Identifier: Apache-2.0 */
/* tlog/fold.c - hashes of what lies inside a tile. */
#include "tlog/fold.h"

#include <string.h>

struct tlog_hash fold_hashes(struct tlog_hasher *h, const uint8_t *p, unsigned log2)
{
	struct tlog_hash row[TLOG_TILE_WIDTH];

	MUST(log2 <= 8);
	memcpy(row, p, (size_t)TLOG_HASH_BYTES << log2);
	for (unsigned n = 1u << log2; n > 1; n /= 2) {
		for (unsigned i = 0; i < n / 2; i++) {
			row[i] = tlog_node_hash(h, &row[2 * i], &row[2 * i + 1]);
		}
	}
	return row[0];
}
