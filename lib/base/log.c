/* SPDX-License-Identifier: Apache-2.0 */
/* base/log.c - one escaped line per message, one write per line. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

static const char *role_name = "remit";
static enum log_level max_level = LOG_LEVEL_INFO;

void log_set_role(const char *role)
{
	role_name = role;
}

void log_set_level(enum log_level max)
{
	max_level = max;
}

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_NONE: /* the level of no line */
	case LOG_LEVEL_ERR:
		return "error";
	case LOG_LEVEL_WARN:
		return "warn";
	case LOG_LEVEL_INFO:
		return "info";
	case LOG_LEVEL_DEBUG:
		return "debug";
	}
	return "?";
}

void log_line(enum log_level level, const char *fmt, ...)
{
	static const char digits[] = "0123456789abcdef";
	struct clock clock = clock_system();
	char stamp[25];
	char text[1024];
	char line[4400];
	size_t n;
	int head;
	va_list ap;

	if (level > max_level) {
		return;
	}
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* a cut line is still a line */
	va_end(ap);
	clock_format_unix_ms(clock_unix_ms(&clock), stamp);
	head = snprintf(line, 256, "%s %-5s %s: ", stamp, level_name(level), role_name);
	n = head > 0 && head < 256 ? (size_t)head : 0;
	for (const char *p = text; *p && n < sizeof(line) - 8; p++) {
		unsigned char c = (unsigned char)*p;

		if (c < 0x20 || c == 0x7f) {
			line[n++] = '\\';
			line[n++] = 'x';
			line[n++] = digits[c >> 4];
			line[n++] = digits[c & 15];
		} else {
			line[n++] = (char)c;
		}
	}
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0) {
		return; /* nowhere left to complain */
	}
}
