/* SPDX-License-Identifier: Apache-2.0 */
/* bench/cedar_peers.h - the same workload through other implementations. */
#pragma once

#include "cedar.h"

/* Prints what npm @cedar-policy/cedar-wasm takes, or one line that says why not. */
void peers_run(const unsigned *sizes, size_t n_sizes, const struct cedar_entities *world);
