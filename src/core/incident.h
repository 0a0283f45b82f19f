/* SPDX-License-Identifier: Apache-2.0 */
/* core/incident.h - the normal form of an incident event, from a source or by hand.
 *
 * One JSON object; its members are in docs/formats/incident.md. Written by src/api from webhooks
 * and by the CLI, read by the governor. title, description and labels are free text: sealed, never
 * used to decide. What an event does not mention stays as it was.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "codec/json.h"
#include "core/list.h"
#include "core/signal.h"
#include "core/state.h"

struct incident_event {
	struct str source_id;
	struct str class; /* "" only when is_closed */
	uint8_t severity; /* 0 only when is_closed */
	bool is_closed;
	struct str service; /* p == NULL = not mentioned */
	struct str environment;
	struct str_list assets;
	bool has_assets; /* mentioned; may be none */
	bool is_regulated;
	bool has_regulated;		     /* mentioned */
	struct str event;		     /* the source's word for what happened, "" = none */
	struct str event_id;		     /* of this delivery's event, "" = none */
	uint64_t occurred_unix_ms;	     /* 0 = not said */
	uint64_t began_unix_ms;		     /* of what is wrong, 0 = not said */
	const struct signal_report *signals; /* their names are still to be checked */
	size_t n_signals;
	const struct json *title;	/* NULL = none */
	const struct json *description; /* NULL = none */
	const struct json *labels;	/* NULL = none */
};

/* Strict: unknown members, bad severity, malformed assets and times are RC_INPUT naming the member.
 * An event that opens needs class and severity. */
/* Does it concern this agent itself (asset agent:<name>)? */
bool incident_is_about(const struct incident *i, struct str agent_name);

enum rc incident_event_read(const struct json *j, struct arena *arena, struct incident_event *ret,
			    struct err *e);
