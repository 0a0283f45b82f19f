/* SPDX-License-Identifier: Apache-2.0 */
/* cli/policy_explain.h - remit policy explain: what each policy said of a past call, and why. */
#pragma once

#include "cli/cli.h"

int cli_policy_explain(const struct cli_command *c, int argc, char **argv);
