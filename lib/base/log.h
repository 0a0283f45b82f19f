/* SPDX-License-Identifier: Apache-2.0 */
/* base/log.h - what operators read (the audit log is something else: lib/tlog).
 *
 * One line per message on stderr: time, level, role, text. Control bytes in arguments are shown
 * as \xNN. Secrets, tokens and bodies are never arguments. Only roles and commands log; library
 * code returns errors.
 */
#pragma once

#include "base/base.h"

enum log_level { LOG_LEVEL_NONE = -1, LOG_LEVEL_ERR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* The role's name in front of every line; borrowed, normally a literal. */
void log_set_role(const char *role);
/* Lines above this level are dropped. Default: info. */
void log_set_level(enum log_level max);
void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_err(...)   log_line(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)
