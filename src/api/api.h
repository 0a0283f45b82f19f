/* SPDX-License-Identifier: Apache-2.0 */
/* api/api.h - REST paths to commands, webhooks to incident events. Pure: bytes in, structs out.
 *
 * The table of paths is core/command.def; what a webhook may say is the source's configuration
 * (config/deployment.h): only authenticated fields bind class, severity, service and assets.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "config/deployment.h"
#include "core/command.h"

/* The verb for a method and a path under /v1, and the command's body: the request's JSON object (or
 * {} when there is none) with {id} and {name} of the path added. RC_ABSENT: no such path;
 * RC_DENIED: another method; RC_INPUT: the body is no object, or names what the path names. */
enum rc api_route(struct str method, struct str path, struct str body, struct arena *arena,
		  enum command_verb *ret_verb, struct buf *ret_body, struct err *e);

/* An Alertmanager webhook (version "4") as one incident event in the normal form of
 * core/incident.h: the group is the incident, its common labels say what it is. RC_INPUT names what
 * is missing; RC_DENIED: a class that this source may not open. */
enum rc api_alertmanager(const struct source *s, struct str body, struct arena *arena,
			 struct buf *ret_event, struct err *e);
/* A body that is in the normal form already; environment is the source's, class one of its. */
enum rc api_generic(const struct source *s, struct str body, struct arena *arena,
		    struct buf *ret_event, struct err *e);

/* Is this the "Authorization: Bearer ..." that the secret demands? Constant time. */
bool api_bearer_is(struct str authorization, struct str secret);
