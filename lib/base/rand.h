/* SPDX-License-Identifier: Apache-2.0 */
/* base/rand.h - random bytes from the kernel.
 *
 * What must run the same way twice (the governor in the simulator) takes a struct rand, as it takes
 * a struct clock, and nothing else.
 */
#pragma once

#include "base/base.h"

/* n bytes that nobody can guess. Aborts the role if the kernel has none to give. */
void rand_bytes(void *p, size_t n);

struct rand {
	void (*bytes)(void *ctx, void *p, size_t n);
	void *ctx;
};

struct rand rand_system(void); /* rand_bytes */
/* From r; NULL means rand_system. */
void rand_from(const struct rand *r, void *p, size_t n);
