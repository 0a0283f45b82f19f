/* SPDX-License-Identifier: Apache-2.0 */
/* cli/identity.h - remit ca and remit agent add: identities for trying things out. */
#pragma once

#include "cli/cli.h"

int cli_ca_create(const struct cli_command *c, int argc, char **argv);
int cli_ca_server(const struct cli_command *c, int argc, char **argv);
int cli_ca_issue(const struct cli_command *c, int argc, char **argv);
int cli_agent_add(const struct cli_command *c, int argc, char **argv);
