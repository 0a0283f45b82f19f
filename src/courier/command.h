/* SPDX-License-Identifier: Apache-2.0 */
/* courier/command.h - a notifier that is a program: the message is its standard input.
 *
 * The program is started directly, never through a shell, with a small environment, no descriptor
 * but the standard three, and its output thrown away. It has COMMAND_MS to exit with status 0,
 * then its whole process group is killed.
 */
#pragma once

#include "config/deployment.h"
#include "net/loop.h"

enum { COMMAND_MS = 10000 };

struct command;

/* Called once, from the loop; the command is freed when it returns. */
typedef void command_fn(void *ctx, bool ok, struct str detail);

/* timeout_ms 0 = COMMAND_MS. body is copied. */
enum rc command_start(struct loop *l, const struct notifier *n, struct str body,
		      uint64_t timeout_ms, command_fn *done, void *ctx, struct command **ret,
		      struct err *e);
/* Kills it without a word. */
void command_free(struct command *c);
