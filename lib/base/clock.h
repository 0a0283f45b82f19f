/* SPDX-License-Identifier: Apache-2.0 */
/* base/clock.h - the only reader of time.
 *
 * Modules that need time take a struct clock, so that tests and the simulator can hand them one
 * of their own. Wall time is for stamps that people read; durations use the boot clock, which
 * does not jump and counts sleep.
 */
#pragma once

#include "base/str.h"

struct clock {
	uint64_t (*unix_ms)(void *ctx);
	uint64_t (*boot_ns)(void *ctx);
	void *ctx;
};

struct clock clock_system(void);
uint64_t clock_unix_ms(const struct clock *c);
uint64_t clock_boot_ns(const struct clock *c);
/* "2026-11-22T21:08:26.123Z" into 25 bytes (RFC 3339, always UTC, always milliseconds). */
void clock_format_unix_ms(uint64_t unix_ms, char out[25]);
/* RFC 3339 section 5.6: date and time with "Z" or an offset, and any fraction of a second (cut to
 * milliseconds); a date alone is its first moment in UTC. 1970 to 9999; a leap second is the second
 * before it. False for anything else, *ret untouched. */
bool clock_parse_rfc3339(struct str s, uint64_t *ret_unix_ms) MUST_USE;
