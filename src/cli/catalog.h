/* SPDX-License-Identifier: Apache-2.0 */
/* cli/catalog.h - what upstreams say about themselves, beside the catalog. */
#pragma once

#include "cli/cli.h"

int cli_catalog_import(const struct cli_command *c, int argc, char **argv);
int cli_catalog_diff(const struct cli_command *c, int argc, char **argv);
