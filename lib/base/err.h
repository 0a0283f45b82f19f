/* SPDX-License-Identifier: Apache-2.0 */
/* base/err.h - one result type, one explicit error context.
 *
 * Every fallible function returns enum rc, which the compiler insists on, and takes a struct err
 * (on the caller's stack, never allocating) as its last parameter. NULL is allowed for it.
 * Messages: lower case, no full stop, say what failed and quote the subject. A function that adds
 * context on the way up uses err_wrap() and never replaces the lower message.
 */
#pragma once

#include "base/base.h"

enum [[nodiscard]] rc{
#define ERR(name, exit_status, http, text) RC_##name,
#include "base/err.def"
#undef ERR
};

struct err {
	enum rc code;
	int sys;	   /* errno, or 0 */
	const char *where; /* function that failed first */
	char msg[400];
};

#define ERR_INIT                                                                                   \
	{                                                                                          \
		.code = RC_OK                                                                      \
	}

/* Fills e (when not NULL) and returns code. */
enum rc err_set(struct err *e, enum rc code, const char *where, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* As err_set, with ": <strerror(errno)>" appended and errno kept in e->sys. */
enum rc err_set_sys(struct err *e, enum rc code, const char *where, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* Puts "fmt: " in front of the message that is already there; returns e->code (or code when e is
 * NULL). */
enum rc err_wrap(struct err *e, enum rc code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The columns of base/err.def. */
const char *rc_text(enum rc code);
int rc_exit_status(enum rc code);
int rc_http_status(enum rc code);

/* The only two control-flow macros of the code base. Early return is safe because every resource
 * has a cleanup attribute. */
#define FAIL(e, code, ...) return err_set((e), (code), __func__, __VA_ARGS__)
#define TRY(call)                                                                                  \
	do {                                                                                       \
		enum rc try_rc_ = (call);                                                          \
		if (__builtin_expect(try_rc_ != RC_OK, 0)) {                                       \
			return try_rc_;                                                            \
		}                                                                                  \
	} while (0)
