/* SPDX-License-Identifier: Apache-2.0 */
/* front/published.c - names to files, files to answers.
 *
 * Trust:  requests are anybody's; the files are the governor's.
 * Holds:  (1) a file name is printed from what was parsed, never copied from a request.
 *         (2) what is queued for readers is bounded, however many they are.
 */
#include "front/published.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <tlog.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"

_Static_assert(sizeof(((struct published_file *)0)->path) >= TLOG_PATH_BYTES, "a path must fit");

struct published {
	struct loop *loop;
	int dir_fd;
	uint64_t budget_bytes; /* may be answered now */
	uint64_t filled_ns;
};

static const struct str TEXT = {"text/plain; charset=utf-8", 25};
static const struct str OCTETS = {"application/octet-stream", 24};
static const struct str NEVER = {"no-cache", 8};
static const struct str AN_HOUR = {"public, max-age=3600", 20};
static const struct str FOR_EVER = {"public, max-age=31536000, immutable", 35};

enum rc published_new(struct loop *l, const char *dir, struct published **ret, struct err *e)
{
	struct published *p = mem_calloc(1, sizeof(*p));

	if (!p) {
		FAIL(e, RC_NOMEM, "no memory to serve the log");
	}
	p->loop = l;
	p->budget_bytes = LIMIT_PUBLISHED_BURST;
	p->filled_ns = loop_now_ns(l);
	p->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->dir_fd < 0) {
		enum rc rc = err_set_sys(e, RC_IO, __func__, "cannot open '%s'", dir);

		mem_free(p);
		return rc;
	}
	*ret = p;
	return RC_OK;
}

void published_free(struct published *p)
{
	if (p) {
		file_close(p->dir_fd);
		mem_free(p);
	}
}

/* (1) */
bool published_find(struct str name, struct published_file *ret)
{
	static const char *const notes[] = {"checkpoint", "checkpoint.witnessed"};
	struct tlog_resource r;

	for (size_t i = 0; i < ARRAY_LEN(notes); i++) {
		if (str_eq(name, str_from(notes[i]))) {
			(void)snprintf(ret->path, sizeof(ret->path), "%s", notes[i]); /* fits */
			ret->type = TEXT;
			ret->keep = NEVER;
			return true;
		}
	}
	if (!tlog_path_parse(name, &r)) {
		return false;
	}
	if (r.is_bundle) {
		tlog_bundle_path(r.n, r.width, ret->path);
	} else {
		tlog_tile_path(r.level, r.n, r.width, ret->path);
	}
	ret->type = OCTETS;
	/* A partial never changes either, but goes when the tile is full. */
	ret->keep = r.width == TLOG_TILE_WIDTH ? FOR_EVER : AN_HOUR;
	return true;
}

/* (2) */
static bool may_answer(struct published *p, uint64_t size_bytes)
{
	uint64_t now_ns = loop_now_ns(p->loop);
	uint64_t passed_ms = (now_ns - p->filled_ns) / 1000000;
	uint64_t room = LIMIT_PUBLISHED_BURST - p->budget_bytes;
	uint64_t more = passed_ms < 60000 ? passed_ms * (LIMIT_PUBLISHED_PER_S / 1000) : room;

	p->budget_bytes += more < room ? more : room;
	p->filled_ns += passed_ms * 1000000;
	if (size_bytes > p->budget_bytes) {
		return false;
	}
	p->budget_bytes -= size_bytes;
	return true;
}

static enum rc read_all(int fd, size_t size, struct buf *b, struct err *e)
{
	if (buf_reserve(b, size) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a file of %zu bytes", size);
	}
	while (b->n < size) {
		ssize_t got = read(fd, b->p + b->n, size - b->n);

		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got <= 0) {
			return err_set_sys(e, RC_IO, __func__, "cannot read");
		}
		b->n += (size_t)got;
	}
	return RC_OK;
}

static void answer_file(struct published *p, struct http_request *r,
			const struct published_file *file)
{
	const struct http_field fields[] = {
	    {.name = STR("cache-control"), .value = file->keep},
	    /* Browsers of others may read it: it is public, and nobody's cookies are looked at. */
	    {.name = STR("access-control-allow-origin"), .value = STR("*")},
	    {.name = STR("x-content-type-options"), .value = STR("nosniff")},
	};
	AUTO_BUF body = BUF_INIT(LIMIT_PUBLISHED_FILE_BYTES);
	AUTO_FD fd = openat(p->dir_fd, file->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		http_answer_problem(r, 404, STR("no such part of the log"));
	} else if (st.st_size > LIMIT_PUBLISHED_FILE_BYTES ||
		   !may_answer(p, (uint64_t)st.st_size)) {
		http_answer_problem(r, 503, STR("too much is being read; try again"));
	} else if (read_all(fd, (size_t)st.st_size, &body, NULL) != RC_OK) {
		http_answer_problem(r, 503, STR("the log cannot be read now"));
	} else {
		http_answer_with(r, 200, file->type, fields, ARRAY_LEN(fields), buf_view(&body));
	}
}

void published_answer(struct published *p, struct http_request *r, struct str name)
{
	struct published_file file;

	if (!str_eq(http_request_head(r)->method, STR("GET"))) {
		http_answer_problem(r, 405, STR("the log is read with GET"));
	} else if (!published_find(name, &file)) {
		http_answer_problem(r, 404, STR("no such part of the log"));
	} else {
		answer_file(p, r, &file);
	}
}
