/* SPDX-License-Identifier: Apache-2.0 */
/* bench/cedar_peers.h - the same workload through other implementations. */
#pragma once

#include "cedar.h"

/* Prints what the Rust engine, cedar-go and cedar-wasm take for one decision and how many times our
 * p50 (ns, for each size) that is, or one line that says why not. */
void peers_run(const unsigned *sizes, const uint64_t *p50, size_t n_sizes,
	       const struct cedar_entities *world);
