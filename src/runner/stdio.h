/* SPDX-License-Identifier: Apache-2.0 */
/* runner/stdio.h - MCP servers on standard input and output: one child per upstream and task.
 *
 * A child is started by the first call of its task, initialized once, kept for the task's further
 * calls, and killed by a fence over it or after STDIO_IDLE_MS without a call. It gets the
 * credential of the call that started it. Nothing it asks for is relayed.
 */
#pragma once

#include "core/tool.h"
#include "runner/start.h"

enum {
	STDIO_IDLE_MS = 10 * 60 * 1000,
	STDIO_CHILDREN_MAX = 64, /* beyond it, calls that would need one more are not sent */
};

struct stdio_pool;

enum rc stdio_pool_new(const struct start_host *host, struct stdio_pool **ret);
/* Kills all. */
void stdio_pool_free(struct stdio_pool *x);
void stdio_start(struct stdio_pool *x, const struct upstream *u, struct desk_call *c);
void stdio_drop(struct stdio_pool *x, struct desk_call *c);
void stdio_fence(struct stdio_pool *x, enum fence_scope scope, struct str name);
/* Starts a child of its own to ask for the tools; ends with desk_definitions. */
void stdio_list(struct stdio_pool *x, const struct upstream *u);
