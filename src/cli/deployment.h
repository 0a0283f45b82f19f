/* SPDX-License-Identifier: Apache-2.0 */
/* cli/deployment.h - remit check, policy schema, keys and serve. */
#pragma once

#include "cli/cli.h"

int cli_check(const struct cli_command *c, int argc, char **argv);
int cli_policy_schema(const struct cli_command *c, int argc, char **argv);
int cli_keys_create(const struct cli_command *c, int argc, char **argv);
int cli_serve(const struct cli_command *c, int argc, char **argv);
