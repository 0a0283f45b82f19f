/* SPDX-License-Identifier: Apache-2.0 */
/* core/calendar.h - hours of the week, for rotas and freezes. All times are UTC.
 *
 * A window is a stretch that begins at the same time of day on one or several days of the week:
 *
 *	mon-fri 08:00-20:00	five of twelve hours
 *	daily 20:00-08:00	seven nights; an end that is not later than its begin is the next
 *day's fri 16:00-mon 08:00	one weekend always			every minute
 */
#pragma once

#include "base/str.h"

enum { WEEK_MINUTES = 7 * 24 * 60 };

struct week_window {
	uint8_t days;	     /* bit 0 = Monday: on which it begins; 0 = never */
	uint16_t from_min;   /* of the day */
	uint16_t length_min; /* 1 .. WEEK_MINUTES */
};

/* False for anything else than the forms above. */
bool week_window_parse(struct str text, struct week_window *ret) MUST_USE;
/* Minute of the week, Monday 00:00 UTC = 0. */
unsigned week_minute(uint64_t unix_ms);
bool week_window_has(const struct week_window *w, unsigned minute);
/* Does one of them hold at this time? */
bool week_windows_have(const struct week_window *w, size_t n, uint64_t unix_ms);
