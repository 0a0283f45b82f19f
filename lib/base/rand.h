/* SPDX-License-Identifier: Apache-2.0 */
/* base/rand.h - random bytes from the kernel. */
#pragma once

#include "base/base.h"

/* n bytes that nobody can guess. Aborts the role if the kernel has none to give. */
void rand_bytes(void *p, size_t n);
