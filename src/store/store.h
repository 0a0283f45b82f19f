/* SPDX-License-Identifier: Apache-2.0 */
/* store/store.h - the role that keeps evidence: large objects, encrypted, each under its digest.
 *
 * It sees artefacts and their keys while it works on them, and writes nothing but its directory.
 * What may be kept, read or destroyed, and by whom, is the governor's to decide and on the record
 * before the store hears of it.
 */
#pragma once

#include "net/role.h"

/* Reads and writes the objects. */
extern const struct sandbox_policy store_sandbox;

enum rc role_store_main(const struct role_env *env, struct err *e);
/* The same without a deployment: objects lie in dir, which exists. */
enum rc store_run(const struct role_env *env, const char *dir, struct err *e);
