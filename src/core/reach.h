/* SPDX-License-Identifier: Apache-2.0 */
/* core/reach.h - an example of a call, for the question what an agent could do now.
 *
 * The answer itself is decide_call's: whoever asks makes the smallest arguments that a tool's
 * schema takes, with the target in them, and decides that call. What the tool's other arguments
 * would change it cannot know, and says so.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "codec/json.h"
#include "core/tool.h"

/* *ret is NULL when no example can be made: the target is not of the tool's kinds, stands where no
 * plain member of the arguments says it, or the schema wants what cannot be guessed. target: "" for
 * a tool that names none. *ret_is_whole: the schema has no argument but the targets. Results live
 * in arena. */
enum rc reach_example(const struct tool *t, struct str target, struct arena *arena,
		      const struct json **ret, bool *ret_is_whole, struct err *e);
