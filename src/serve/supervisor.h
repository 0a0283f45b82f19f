/* SPDX-License-Identifier: Apache-2.0 */
/* serve/supervisor.h - starts all roles, watches them, stops them. */
#pragma once

#include "serve/args.h"
#include "serve/serve.h"

/* Runs until SIGTERM or SIGINT. An error when the roles cannot be started at all: once all of
 * them have been ready, failures are followed by a restart instead. */
enum rc supervisor_run(const struct serve_table *table, const struct serve_args *args,
		       struct err *e);
