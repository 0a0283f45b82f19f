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

static void system_bytes(void *ctx, void *p, size_t n)
{
	(void)ctx; /* the system has one source */
	rand_bytes(p, n);
}

struct rand rand_system(void)
{
	return (struct rand){.bytes = system_bytes};
}

void rand_from(const struct rand *r, void *p, size_t n)
{
	if (r) {
		r->bytes(r->ctx, p, n);
	} else {
		rand_bytes(p, n);
	}
}
