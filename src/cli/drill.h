/* SPDX-License-Identifier: Apache-2.0 */
/* cli/drill.h - remit drill. */
#pragma once

#include "cli/cli.h"

int cli_drill(const struct cli_command *c, int argc, char **argv);
