/* SPDX-License-Identifier: Apache-2.0 */
/* front/people.h - the front for people: the local socket, and the listener for webhooks.
 *
 * Two doors. The Unix socket speaks REST under /v1; who asks is the peer's uid, taken from the
 * kernel. The HTTP listener takes webhooks of configured sources (POST /v1/webhooks/<source>,
 * bearer token) and answers /healthz, /readyz (503 with names while a role is being restarted or
 * something is wrong with the log) and /metrics; it knows no person and carries no command.
 */
#pragma once

#include "net/role.h"

/* Accepts on what was opened before; no files, no outgoing connections. */
extern const struct sandbox_policy people_sandbox;

enum rc role_people_main(const struct role_env *env, struct err *e);
