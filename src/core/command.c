/* SPDX-License-Identifier: Apache-2.0 */
/* core/command.c - the columns of core/command.def. */
#include "core/command.h"

static const struct command_info commands[COMMANDS] = {
#define COMMAND(NAME, method, path, changes, text)                                                 \
	[COMMAND_##NAME] = {{"" method "", sizeof(method) - 1},                                    \
			    {"" path "", sizeof(path) - 1},                                        \
			    changes,                                                               \
			    {"" text "", sizeof(text) - 1}},
#include "core/command.def"
#undef COMMAND
};

const struct command_info *command_info(unsigned verb)
{
	return verb > COMMAND_NONE && verb < COMMANDS ? &commands[verb] : NULL;
}
