/* SPDX-License-Identifier: Apache-2.0 */
/* cli/evidence.h - remit evidence ...: what needs more than one request. */
#pragma once

#include "cli/cli.h"

int cli_evidence_verify(const struct cli_command *c, int argc, char **argv);
int cli_evidence_export(const struct cli_command *c, int argc, char **argv);
int cli_evidence_audit(const struct cli_command *c, int argc, char **argv);
