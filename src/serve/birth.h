/* SPDX-License-Identifier: Apache-2.0 */
/* serve/birth.h - from a role's command line to its main. */
#pragma once

#include "serve/args.h"
#include "serve/serve.h"

/* Runs the role to its end. Returns the exit status. a must outlive the role. */
int birth_run(const struct serve_table *table, struct serve_args *a);
