/* SPDX-License-Identifier: Apache-2.0 */
/* cli/log_lint.h - remit log lint: is the log whole, and was every decision as it had to be? */
#pragma once

#include "cli/cli.h"

int cli_log_lint(const struct cli_command *c, int argc, char **argv);
