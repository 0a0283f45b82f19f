/* SPDX-License-Identifier: Apache-2.0 */
/* core/incident.h - the normal form of an incident event, from a source or by hand.
 *
 * JSON object: {"source_id", "class", "severity" (1 worst .. 5), "status" ("open" | "closed"),
 * "service", "environment", "assets" (["kind:value", ...]), "regulated", "title", "labels" {}}.
 * Written by src/api from webhooks and by the CLI, read by the governor. title and labels are
 * free text: sealed, never used to decide.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "codec/json.h"
#include "core/list.h"

struct incident_event {
	struct str source_id;
	struct str class;
	uint8_t severity;
	bool is_closed;
	struct str service;
	struct str environment;
	struct str_list assets;
	bool is_regulated;
	const struct json *title;  /* NULL = none */
	const struct json *labels; /* NULL = none */
};

/* Strict: unknown members, bad severity, malformed assets are RC_INPUT naming the member. */
enum rc incident_event_read(const struct json *j, struct arena *arena, struct incident_event *ret,
			    struct err *e);
