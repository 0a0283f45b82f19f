/* SPDX-License-Identifier: Apache-2.0 */
/* core/command.h - verbs of the people's side (core/command.def). */
#pragma once

#include "base/str.h"

enum command_verb {
	COMMAND_NONE = 0,
#define COMMAND(NAME, method, path, changes, text) COMMAND_##NAME,
#include "core/command.def"
#undef COMMAND
	COMMANDS
};

struct command_info {
	struct str method;
	struct str path; /* under /v1 */
	bool changes;
	struct str text;
};

/* NULL for a number that is no verb. */
const struct command_info *command_info(unsigned verb);
