/* SPDX-License-Identifier: Apache-2.0 */
/* cli/log.h - remit log ...: reading and checking the log's files. */
#pragma once

#include "cli/cli.h"

int cli_log_verify(const struct cli_command *c, int argc, char **argv);
int cli_log_show(const struct cli_command *c, int argc, char **argv);
int cli_log_grep(const struct cli_command *c, int argc, char **argv);
int cli_log_tail(const struct cli_command *c, int argc, char **argv);
int cli_log_prove(const struct cli_command *c, int argc, char **argv);
