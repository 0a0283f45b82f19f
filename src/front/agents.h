/* SPDX-License-Identifier: Apache-2.0 */
/* front/agents.h - the front for agents, as a role: one listener, TLS with client certificates.
 *
 * Every request is made in the name of the X.509-SVID of its connection, which is looked at again
 * each time (expiry, trust). Two halves that share nothing but the process: the MCP face
 * (front/face.h) and the sender for HTTP upstreams (front/sender.h).
 *
 * A plain listener, on loopback only, takes everyone for the one agent that the deployment names:
 * for benchmarks and tests.
 */
#pragma once

#include "net/role.h"

extern const struct sandbox_policy agents_sandbox;

enum rc role_agents_main(const struct role_env *env, struct err *e);
