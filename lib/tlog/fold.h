/* SPDX-License-Identifier: Apache-2.0 */
/* tlog/fold.h - hashes of what lies inside a tile. */
#pragma once

#include <tlog.h>

/* The root of the perfect subtree over 2^log2 hashes at p; log2 is at most 8. */
struct tlog_hash fold_hashes(struct tlog_hasher *h, const uint8_t *p, unsigned log2);
