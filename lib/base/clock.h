/* SPDX-License-Identifier: Apache-2.0 */
/* base/clock.h - the only reader of time.
 *
 * Modules that need time take a struct clock, so that tests and the simulator can hand them one
 * of their own. Wall time is for stamps that people read; durations use the boot clock, which
 * does not jump and counts sleep.
 */
#pragma once

#include "base/base.h"

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
