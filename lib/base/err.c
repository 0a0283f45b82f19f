/* SPDX-License-Identifier: Apache-2.0 */
/* base/err.c - error classes and messages. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *text;
	int exit_status;
	int http;
} classes[] = {
#define ERR(name, exit_status_, http_, text_)                                                      \
	[RC_##name] = {.text = (text_), .exit_status = (exit_status_), .http = (http_)},
#include "base/err.def"
#undef ERR
};

void must_failed(const char *what, const char *file, int line)
{
	fprintf(stderr, "remit: invariant broken: %s (%s:%d)\n", what, file, line);
	abort();
}

PRINTF_LIKE(4, 0)
static void vformat(struct err *e, enum rc code, const char *where, const char *fmt, va_list ap)
{
	e->code = code;
	e->where = where;
	(void)vsnprintf(e->msg, sizeof(e->msg), fmt, ap); /* a cut message is still a message */
}

enum rc err_set(struct err *e, enum rc code, const char *where, const char *fmt, ...)
{
	if (e) {
		va_list ap;

		e->sys = 0;
		va_start(ap, fmt);
		vformat(e, code, where, fmt, ap);
		va_end(ap);
	}
	return code;
}

enum rc err_set_sys(struct err *e, enum rc code, const char *where, const char *fmt, ...)
{
	int sys = errno;

	if (e) {
		va_list ap;
		size_t n;

		va_start(ap, fmt);
		vformat(e, code, where, fmt, ap);
		va_end(ap);
		e->sys = sys;
		n = strlen(e->msg);
		(void)snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", strerror(sys));
	}
	return code;
}

enum rc err_wrap(struct err *e, enum rc code, const char *fmt, ...)
{
	char lower[sizeof(e->msg)];
	va_list ap;
	size_t n;

	if (!e) {
		return code;
	}
	memcpy(lower, e->msg, sizeof(lower));
	va_start(ap, fmt);
	(void)vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	(void)snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", lower);
	return e->code;
}

const char *rc_text(enum rc code)
{
	MUST((size_t)code < ARRAY_LEN(classes));
	return classes[code].text;
}

int rc_exit_status(enum rc code)
{
	MUST((size_t)code < ARRAY_LEN(classes));
	return classes[code].exit_status;
}

int rc_http_status(enum rc code)
{
	MUST((size_t)code < ARRAY_LEN(classes));
	return classes[code].http;
}
