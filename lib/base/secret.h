/* SPDX-License-Identifier: Apache-2.0 */
/* base/secret.h - bytes that must not end up in swap, a core dump, a child or a message.
 *
 * Every secret has its own pages, locked in memory, left out of core dumps and wiped in children,
 * with an inaccessible page on either side. There is no function that prints one, and none that
 * compares two but secret_equal(). Sizes are public; contents are not.
 *
 * Ownership: the creator frees. secret_view() borrows and is meant for one call, never to be kept.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct secret;

enum { LIMIT_SECRET_BYTES = 4096 }; /* the largest is a lease's fields, as in net/message.def */

/* n zero bytes. RC_LIMIT beyond LIMIT_SECRET_BYTES; RC_NOMEM when memory cannot be had or cannot
 * be locked: an unlocked secret is not handed out. */
enum rc secret_new(size_t n, struct secret **ret, struct err *e);
/* A copy of bytes; wiping the source is the caller's, who knows whose it is. */
enum rc secret_of(struct str bytes, struct secret **ret, struct err *e);
/* n bytes that nobody can guess. */
enum rc secret_random(size_t n, struct secret **ret, struct err *e);
/* The contents of a file, without one newline at its end. Only the owner and the group may have
 * rights to it (RC_DENIED). RC_ABSENT, RC_IO, RC_LIMIT (empty, or too large). */
enum rc secret_read(const char *path, struct secret **ret, struct err *e);
/* Wipes and unmaps. NULL is fine. */
void secret_free(struct secret *s);

size_t secret_size(const struct secret *s);
uint8_t *secret_bytes(struct secret *s);	/* to fill it in */
struct str secret_view(const struct secret *s); /* borrowed */
/* Constant time in the contents. */
bool secret_equal(const struct secret *a, const struct secret *b);

/* Overwrites bytes in a way that the compiler may not leave out. For buffers that a library or a
 * message queue filled with a secret. */
void secret_wipe(void *p, size_t n);

#define AUTO_SECRET CLEANUP(secret_free_cleanup) struct secret *
static inline void secret_free_cleanup(struct secret **s)
{
	secret_free(*s);
}
