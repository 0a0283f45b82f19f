/* SPDX-License-Identifier: Apache-2.0 */
/* base/secret.c - locked pages for secrets.
 *
 * Trust:  the kernel; contents are opaque.
 * Holds:  (1) no secret exists in pages that are not locked, excluded from dumps and wiped on fork.
 *         (2) the pages are wiped before they are given back.
 */
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rand.h"

struct secret {
	uint8_t *bytes; /* n bytes that end at the guard page behind them */
	size_t n;
	uint8_t *map; /* guard page, data pages, guard page */
	size_t map_bytes;
	uint8_t *pages; /* the data pages */
	size_t pages_bytes;
};

static size_t page_bytes(void)
{
	long n = sysconf(_SC_PAGESIZE);

	MUST(n > 0);
	return (size_t)n;
}

/* Invariant (1). */
static enum rc lock_pages(struct secret *s, struct err *e)
{
	if (mprotect(s->pages, s->pages_bytes, PROT_READ | PROT_WRITE) != 0) {
		return err_set_sys(e, RC_NOMEM, __func__, "cannot open the pages of a secret");
	}
	/* The bare call: sanitizers replace mlock() by nothing. */
	if (syscall(SYS_mlock, s->pages, s->pages_bytes) != 0) {
		return err_set_sys(e, RC_NOMEM, __func__, "cannot lock a secret in memory");
	}
	if (madvise(s->pages, s->pages_bytes, MADV_DONTDUMP) != 0 ||
	    madvise(s->pages, s->pages_bytes, MADV_WIPEONFORK) != 0) {
		return err_set_sys(e, RC_NOMEM, __func__, "cannot keep a secret out of dumps");
	}
	return RC_OK;
}

enum rc secret_new(size_t n, struct secret **ret, struct err *e)
{
	size_t page = page_bytes();
	AUTO_SECRET s = NULL;

	if (n == 0 || n > LIMIT_SECRET_BYTES) {
		FAIL(e, RC_LIMIT, "a secret has 1 to %d bytes, not %zu", LIMIT_SECRET_BYTES, n);
	}
	s = mem_calloc(1, sizeof(*s));
	if (!s) {
		FAIL(e, RC_NOMEM, "no memory for a secret");
	}
	s->pages_bytes = (n + page - 1) / page * page;
	s->map_bytes = s->pages_bytes + 2 * page;
	s->map = mmap(NULL, s->map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->map == MAP_FAILED) {
		s->map = NULL;
		return err_set_sys(e, RC_NOMEM, __func__, "no memory for a secret");
	}
	s->pages = s->map + page;
	TRY(lock_pages(s, e));
	s->bytes = s->pages + s->pages_bytes - n;
	s->n = n;
	*ret = TAKE(s);
	return RC_OK;
}

enum rc secret_of(struct str bytes, struct secret **ret, struct err *e)
{
	struct secret *s;

	TRY(secret_new(bytes.n, &s, e));
	memcpy(s->bytes, bytes.p, bytes.n);
	*ret = s;
	return RC_OK;
}

enum rc secret_random(size_t n, struct secret **ret, struct err *e)
{
	struct secret *s;

	TRY(secret_new(n, &s, e));
	rand_bytes(s->bytes, n);
	*ret = s;
	return RC_OK;
}

static enum rc fill_from(int fd, const char *path, struct secret *s, size_t *ret_n, struct err *e)
{
	size_t n = 0;

	while (n < s->n) {
		ssize_t got = read(fd, s->bytes + n, s->n - n);

		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0) {
			return err_set_sys(e, RC_IO, __func__, "cannot read '%s'", path);
		}
		if (got == 0) {
			break;
		}
		n += (size_t)got;
	}
	if (n == s->n) {
		FAIL(e, RC_LIMIT, "'%s' is too large for a secret", path);
	}
	if (n > 0 && s->bytes[n - 1] == '\n') {
		n--;
	}
	*ret_n = n;
	return RC_OK;
}

enum rc secret_read(const char *path, struct secret **ret, struct err *e)
{
	AUTO_SECRET all = NULL;
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t n = 0;

	if (fd < 0 || fstat(fd, &st) != 0) {
		return err_set_sys(e, errno == ENOENT ? RC_ABSENT : RC_IO, __func__,
				   "cannot open secret '%s'", path);
	}
	if (!S_ISREG(st.st_mode) || (st.st_mode & 07)) {
		FAIL(e, RC_DENIED, "secret '%s' must be a file that not everybody may open", path);
	}
	TRY(secret_new(LIMIT_SECRET_BYTES, &all, e));
	TRY(fill_from(fd, path, all, &n, e));
	if (n == 0) {
		FAIL(e, RC_LIMIT, "secret '%s' is empty", path);
	}
	return secret_of(str_of(all->bytes, n), ret, e);
}

void secret_free(struct secret *s)
{
	if (!s) {
		return;
	}
	if (s->map) {
		if (s->bytes) {
			explicit_bzero(s->pages, s->pages_bytes); /* invariant (2) */
		}
		(void)munmap(s->map, s->map_bytes); /* unlocks too; cannot fail on our mapping */
	}
	mem_free_secret(s, sizeof(*s));
}

size_t secret_size(const struct secret *s)
{
	return s->n;
}

uint8_t *secret_bytes(struct secret *s)
{
	return s->bytes;
}

struct str secret_view(const struct secret *s)
{
	return str_of(s->bytes, s->n);
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
	return secret_eq(secret_view(a), secret_view(b));
}

void secret_wipe(void *p, size_t n)
{
	if (p) {
		explicit_bzero(p, n);
	}
}
