/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/ext.h - the extension types ipaddr, decimal, datetime and duration.
 *
 * One table of functions serves the parser (is this a function or a method?), the evaluator and
 * the JSON reader.
 */
#pragma once

#include "cedar/value.h"

/* FN(id, name, is method, arguments with the receiver) */
#define CEDAR_FUNCTIONS(FN)                                                                        \
	FN(IP, "ip", false, 1)                                                                     \
	FN(DECIMAL, "decimal", false, 1)                                                           \
	FN(DATETIME, "datetime", false, 1)                                                         \
	FN(DURATION, "duration", false, 1)                                                         \
	FN(IS_IPV4, "isIpv4", true, 1)                                                             \
	FN(IS_IPV6, "isIpv6", true, 1)                                                             \
	FN(IS_LOOPBACK, "isLoopback", true, 1)                                                     \
	FN(IS_MULTICAST, "isMulticast", true, 1)                                                   \
	FN(IS_IN_RANGE, "isInRange", true, 2)                                                      \
	FN(LESS_THAN, "lessThan", true, 2)                                                         \
	FN(LESS_THAN_OR_EQUAL, "lessThanOrEqual", true, 2)                                         \
	FN(GREATER_THAN, "greaterThan", true, 2)                                                   \
	FN(GREATER_THAN_OR_EQUAL, "greaterThanOrEqual", true, 2)                                   \
	FN(OFFSET, "offset", true, 2)                                                              \
	FN(DURATION_SINCE, "durationSince", true, 2)                                               \
	FN(TO_DATE, "toDate", true, 1)                                                             \
	FN(TO_TIME, "toTime", true, 1)                                                             \
	FN(TO_MILLISECONDS, "toMilliseconds", true, 1)                                             \
	FN(TO_SECONDS, "toSeconds", true, 1)                                                       \
	FN(TO_MINUTES, "toMinutes", true, 1)                                                       \
	FN(TO_HOURS, "toHours", true, 1)                                                           \
	FN(TO_DAYS, "toDays", true, 1)

enum cedar_fn {
	CEDAR_FN_NONE = 0,
#define FN(id, name, is_method, arity) CEDAR_FN_##id,
	CEDAR_FUNCTIONS(FN)
#undef FN
};

enum cedar_fn cedar_fn_find(struct str name); /* CEDAR_FN_NONE when there is none */
struct str cedar_fn_name(enum cedar_fn fn);
bool cedar_fn_is_method(enum cedar_fn fn);
bool cedar_fn_is_constructor(enum cedar_fn fn); /* ip, decimal, datetime, duration */

/* Calls fn. RC_INPUT: *why says it (class, expected, got, subject, detail; not where), its strings
 * live in arena or for ever. RC_NOMEM: cedar_arena_rc() explains. */
enum rc cedar_fn_call(struct arena *arena, enum cedar_fn fn, const struct cedar_value *args,
		      size_t n, struct cedar_value *ret, struct cedar_error *why);

/* The readers behind the constructors. NULL, or what is wrong with s. */
const char *cedar_ip_parse(struct str s, struct cedar_ip *ret);
const char *cedar_decimal_parse(struct str s, int64_t *ret);
const char *cedar_datetime_parse(struct str s, int64_t *ret);
const char *cedar_duration_parse(struct str s, int64_t *ret);

bool cedar_ip_in_range(const struct cedar_ip *ip, const struct cedar_ip *range);
bool cedar_ip_is_loopback(const struct cedar_ip *ip);
bool cedar_ip_is_multicast(const struct cedar_ip *ip);
/* Midnight before, and the time since; false on overflow. */
bool cedar_datetime_date(int64_t ms, int64_t *ret);
int64_t cedar_datetime_time(int64_t ms);

/* Append the argument that a constructor would read back. */
enum rc cedar_ip_print(struct buf *b, const struct cedar_ip *ip);
enum rc cedar_decimal_print(struct buf *b, int64_t v);
