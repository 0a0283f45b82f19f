/* SPDX-License-Identifier: Apache-2.0 */
/* base/num.h - text to numbers, strictly; the order of numbers. */
#pragma once

#include "base/str.h"

/* Decimal digits only, no sign, no leading zero except "0" itself, at most max. */
bool num_u64(struct str s, uint64_t max, uint64_t *ret) MUST_USE;
/* As num_u64 with an optional leading '-'; "-0" is refused. */
bool num_i64(struct str s, int64_t *ret) MUST_USE;
/* "90s", "15m", "4h", "7d", "250ms" to milliseconds; one unit, no blanks. */
bool num_duration_ms(struct str s, uint64_t *ret_ms) MUST_USE;
/* 2 * n hexadecimal digits of either case into n bytes. */
bool num_hex(struct str s, uint8_t *ret, size_t n) MUST_USE;
/* "2026-11-22": days since 1970-01-01 of a date from then on. */
bool num_date_days(struct str s, uint64_t *ret_days) MUST_USE;
/* RFC 3339 date-time ("2026-11-22T08:15:30.123Z", "...+01:00") from 1970 on, as Unix milliseconds;
 * finer fractions are cut, a leap second is the second before it. */
bool num_time_unix_ms(struct str s, uint64_t *ret_ms) MUST_USE;
/* For qsort and bsearch of uint64_t, ascending. */
int num_order_u64(const void *a, const void *b);
