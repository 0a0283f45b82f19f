/* SPDX-License-Identifier: Apache-2.0 */
/* core/classify.h - what this call would do: final before anything else is decided about it.
 *
 * A tool's effect may depend on its arguments (scale to 3, or to 0). The first case whose
 * conditions hold decides, else the default; a case that cannot be told before one that holds makes
 * the call destroy, for whatever it does, nobody has shown that it does less.
 */
#pragma once

#include "core/tool.h"

struct classification {
	enum effect effect;
	bool changes_access;
	bool deletes_data;
	bool touches_secrets;
};

/* args may be NULL. */
struct classification classify_call(const struct tool *t, const struct json *args);
/* The least that a call of this tool can do: for what an agent is shown. */
enum effect classify_mildest(const struct tool *t);
