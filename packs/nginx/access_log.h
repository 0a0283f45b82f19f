/* SPDX-License-Identifier: Apache-2.0 */
/* access_log.h - the newest lines of an access log that contain a text.
 *
 * Only the end of the file is read (ACCESS_LOG_BYTES), from its first whole line on. Lines are what
 * clients made them: text for people, never to be believed.
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "base/str.h"

enum { ACCESS_LOG_BYTES = 8 * 1024 * 1024, ACCESS_LINE_BYTES = 2048 };

struct access_query {
	struct str pattern;    /* a literal text */
	uint64_t since_unix_s; /* 0 = no bound; lines without a time that we read are left out */
	size_t limit;
};

/* Newest first; each is cut to ACCESS_LINE_BYTES. log: the bytes of the file's end. */
struct access_lines {
	struct str *p;
	size_t n;
	size_t cap;
	size_t matched; /* in all, also beyond the limit */
};

enum rc access_log_find(struct str log, const struct access_query *q, struct access_lines *ret);
/* "[22/Nov/2026:21:08:26 +0000]" anywhere in a line, as nginx's combined format has it. */
bool access_log_time(struct str line, uint64_t *ret_unix_s) MUST_USE;
/* "2026-11-22T21:08:26Z", seconds, UTC. */
bool access_since(struct str text, uint64_t *ret_unix_s) MUST_USE;
