/* SPDX-License-Identifier: Apache-2.0 */
/* index/index.h - the role that folds the log into SQLite for search.
 *
 * A projection: it may be thrown away and is built again from the published tiles. It reads only
 * what a signed checkpoint covers, so it never shows more than an auditor can check.
 */
#pragma once

#include "net/role.h"

/* Reads the log, writes its database. */
extern const struct sandbox_policy index_sandbox;

enum rc role_index_main(const struct role_env *env, struct err *e);
