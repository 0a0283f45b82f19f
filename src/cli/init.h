/* SPDX-License-Identifier: Apache-2.0 */
/* cli/init.h - remit init: a deployment directory that works. */
#pragma once

#include "cli/cli.h"

int cli_init(const struct cli_command *c, int argc, char **argv);
