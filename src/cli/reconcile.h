/* SPDX-License-Identifier: Apache-2.0 */
/* cli/reconcile.h - remit reconcile: what a target saw beside what Remit let through. */
#pragma once

#include "cli/cli.h"

int cli_reconcile(const struct cli_command *c, int argc, char **argv);
