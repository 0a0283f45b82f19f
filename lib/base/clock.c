/* SPDX-License-Identifier: Apache-2.0 */
/* base/clock.c - the system's clocks. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t system_unix_ms(void *ctx)
{
	struct timespec ts;

	(void)ctx; /* the system has one clock */
	MUST(clock_gettime(CLOCK_REALTIME, &ts) == 0);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static uint64_t system_boot_ns(void *ctx)
{
	struct timespec ts;

	(void)ctx; /* the system has one clock */
	MUST(clock_gettime(CLOCK_BOOTTIME, &ts) == 0);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

struct clock clock_system(void)
{
	return (struct clock){.unix_ms = system_unix_ms, .boot_ns = system_boot_ns, .ctx = NULL};
}

uint64_t clock_unix_ms(const struct clock *c)
{
	return c->unix_ms(c->ctx);
}

uint64_t clock_boot_ns(const struct clock *c)
{
	return c->boot_ns(c->ctx);
}

void clock_format_unix_ms(uint64_t unix_ms, char out[25])
{
	time_t seconds = (time_t)(unix_ms / 1000);
	struct tm tm;
	char text[64];

	MUST(gmtime_r(&seconds, &tm) != NULL);
	(void)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", tm.tm_year + 1900,
		       tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		       (unsigned)(unix_ms % 1000)); /* fits for the years 0 to 9999 */
	for (size_t i = 0; i < 24; i++) {
		out[i] = text[i];
	}
	out[24] = '\0';
}
