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
#include "codec/http.h"
#include "config/deployment.h"
#include "core/command.h"

/* The verb for a method and a path under /v1, and the command's body: the request's JSON object (or
 * {} when there is none) with {id} and {name} of the path added. RC_ABSENT: no such path;
 * RC_DENIED: another method; RC_INPUT: the body is no object, or names what the path names. */
enum rc api_route(struct str method, struct str path, struct str body, struct arena *arena,
		  enum command_verb *ret_verb, struct buf *ret_body, struct err *e);

/* Did the source send this? By its bearer token, or by the signature over the raw body that its
 * type has. To be asked before anything in the body is looked at. */
bool api_is_authentic(const struct source *s, const struct http_head *head, struct str body,
		      struct str secret);
/* What an authentic webhook says, as one incident event in the normal form of core/incident.h.
 * RC_ABSENT: nothing about an incident (to be acknowledged all the same); RC_INPUT names what is
 * missing; RC_DENIED: a class that this source may not open. */
enum rc api_event(const struct source *s, const struct http_head *head, struct str body,
		  struct arena *arena, struct buf *ret_event, struct err *e);

/* A report of signals (core/signal.h) by a source that may speak of them, in canonical form.
 * RC_DENIED: a name that is not its. */
enum rc api_signals(const struct source *s, struct str body, struct arena *arena, struct buf *ret,
		    struct err *e);

/* Is this the "Authorization: Bearer ..." that the secret demands? Constant time. */
bool api_bearer_is(struct str authorization, struct str secret);
