/* SPDX-License-Identifier: Apache-2.0 */
/* base/base.h - what every file of Remit may assume.
 *
 * The short names of compiler attributes, the assertion that stays on in release builds, and (in
 * base/poison.h, included last by every .c file through the build) the functions nobody may call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define CLEANUP(fn)	       __attribute__((cleanup(fn)))
#define COLD		       __attribute__((cold))
#define MUST_USE	       __attribute__((warn_unused_result))
#define NORETURN	       __attribute__((noreturn))
#define NONNULL		       __attribute__((nonnull))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Hands a resource over and leaves nothing behind for the cleanup attribute. */
#define TAKE(p)                                                                                    \
	({                                                                                         \
		__typeof__(p) take_ = (p);                                                         \
		(p) = NULL;                                                                        \
		take_;                                                                             \
	})

/* MUST(x): our own invariant, on in every build. A broken one aborts the role; the supervisor
 * logs it and restarts. Input is never asserted. */
#define MUST(x)                                                                                    \
	do {                                                                                       \
		if (__builtin_expect(!(x), 0)) {                                                   \
			must_failed(#x, __FILE__, __LINE__);                                       \
		}                                                                                  \
	} while (0)

#ifdef REMIT_DEBUG
#define DEBUG_MUST(x) MUST(x)
#else
#define DEBUG_MUST(x)                                                                              \
	do {                                                                                       \
	} while (0)
#endif

NORETURN COLD void must_failed(const char *what, const char *file, int line);
