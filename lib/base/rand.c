/* SPDX-License-Identifier: Apache-2.0 */
/* base/rand.c - getrandom(2). */
#include "base/rand.h"

#include <errno.h>
#include <sys/random.h>

void rand_bytes(void *p, size_t n)
{
	char *at = p;

	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);

		if (got < 0) {
			MUST(errno == EINTR);
			continue;
		}
		at += got;
		n -= (size_t)got;
	}
}
