/* SPDX-License-Identifier: Apache-2.0 */
/* governor/governor.h - the role that decides and records. */
#pragma once

#include "net/role.h"

/* Its own directory and a helper thread; no sockets, no programs. */
extern const struct sandbox_policy governor_sandbox;

/* Loads the deployment, opens and replays the log, takes its keys from the keeper, and then judges
 * until it is told to stop. Any failure of the log ends it with an error. */
enum rc role_governor_main(const struct role_env *env, struct err *e);
