/* SPDX-License-Identifier: Apache-2.0 */
/* keeper/keeper.h - the role that holds the keys.
 *
 * It signs checkpoints that extend what it signed before (keeper/signer.h), makes and opens data
 * keys (keeper/wrap.h), gives fronts the key of their sessions, and carries leased credentials
 * from a backend's process to who uses them (keeper/lease.h). It opens no socket and, once it is
 * confined, no file but its record. It takes orders from the governor only. The answer to SIGN
 * always carries a size: of the tree signed, or, on refusal, of the tree last signed, so that the
 * governor knows where the next proof must start.
 */
#pragma once

#include "keeper/keys.h"
#include "net/role.h"

/* Nothing but its own directory, no sockets, no threads, no programs. */
extern const struct sandbox_policy keeper_sandbox;

/* Loads the deployment and runs on <state>/keeper. */
enum rc role_keeper_main(const struct role_env *env, struct err *e);
/* Runs the role on the keys in dir and the record in anchor (both belong to the user that env
 * names). The first thing the governor hears is what was signed last (ANCHOR). */
enum rc keeper_run(const struct role_env *env, const char *dir, const char *anchor,
		   struct str origin, struct err *e);
