/* SPDX-License-Identifier: Apache-2.0 */
/* fake_clock.h - time that only the test moves, so that no test depends on the machine's speed. */
#pragma once

#include "base/clock.h"

static uint64_t fake_now_ns = 1000000000000;

static inline uint64_t fake_unix_ms(void *ctx)
{
	(void)ctx;
	return fake_now_ns / 1000000;
}

static inline uint64_t fake_boot_ns(void *ctx)
{
	(void)ctx;
	return fake_now_ns;
}

static const struct clock fake_clock = {.unix_ms = fake_unix_ms, .boot_ns = fake_boot_ns};

static inline void fake_clock_advance_ms(uint64_t ms)
{
	fake_now_ns += ms * 1000000;
}
