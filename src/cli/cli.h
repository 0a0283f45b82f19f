/* SPDX-License-Identifier: Apache-2.0 */
/* cli/cli.h - what the commands share. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* A command of one or two words. run gets what follows them and returns an exit status. */
struct cli_command {
	const char *words;
	int (*run)(const struct cli_command *c, int argc, char **argv);
	const char *usage; /* after "remit <words> " */
	const char *text;  /* one line */
	const char *help;  /* further lines, or NULL */
};

extern const struct cli_command cli_rest_commands[];
extern const size_t cli_n_rest_commands;
extern const struct cli_command cli_local_commands[];
extern const size_t cli_n_local_commands;

/* "remit <words>: <message>" on standard error; the class's exit status. */
int cli_fail(const struct cli_command *c, const struct err *e);
/* The same for a mistake in the arguments, with a hint to --help. */
int cli_misuse(const struct cli_command *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* All of s on standard output; 0, or the status of an output error. */
int cli_print(struct str s);
/* Prints the help of one command. */
void cli_help(const struct cli_command *c);
