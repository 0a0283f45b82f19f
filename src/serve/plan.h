/* SPDX-License-Identifier: Apache-2.0 */
/* serve/plan.h - what the supervisor takes from a deployment, and what must be there before roles
 * start: the state directory in the roles' hands, and the log's keys. */
#pragma once

#include "serve/serve.h"

/* Loads and validates the deployment; every finding is logged. Makes the state directory and, for
 * a log that does not exist yet, its keys. RC_BROKEN when there is a log and no keys. */
/* The digest of the bundle, as roles that are started now would find it. */
enum rc plan_digest(const char *deployment, uint8_t ret[32], struct err *e);
enum rc plan_load(const char *deployment, struct serve_plan *ret, struct err *e);
