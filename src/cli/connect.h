/* SPDX-License-Identifier: Apache-2.0 */
/* cli/connect.h - remit connect: a stdio MCP server for clients that cannot do mTLS. */
#pragma once

#include "cli/cli.h"

int cli_connect(const struct cli_command *c, int argc, char **argv);
