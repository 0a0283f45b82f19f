/* SPDX-License-Identifier: Apache-2.0 */
/* bench/cedar_load.h - the agent-governance workload, the same each time.
 *
 * Sixty tools of six upstreams, forty agents in four roles, forty assets of five services; ten
 * entities of agents, roles, assets and services are in the store, and every tool's action with its
 * upstream. Per ten policies: one unscoped forbid on the risk of the call, two permits by role for
 * three tools, four permits for one tool with a pattern and a number, two fully scoped permits, one
 * permit by type of agent, upstream, zone and address.
 */
#pragma once

#include "cedar.h"

enum {
	LOAD_TOOLS = 60,
	LOAD_UPSTREAMS = 6,
	LOAD_AGENTS = 40,
	LOAD_ASSETS = 40,
	LOAD_REQUESTS = 64
};

struct load_request {
	struct str json; /* {"principal", "action", "resource", "context"} */
	struct cedar_request request;
};

enum load_kind {
	LOAD_AGENTS_MIX = 0, /* as above */
	LOAD_ALL_DIFFERENT,  /* the worst: every policy unscoped, no two conditions alike */
	LOAD_ALL_FAILING,    /* and worse: every one of them fails and is reported */
};

/* Appends n policies. */
enum rc load_policies(struct buf *text, enum load_kind kind, unsigned n);
/* Appends the entities as JSON. */
enum rc load_world(struct buf *json);
/* Request number i, in arena. */
enum rc load_request(struct arena *arena, unsigned i, struct load_request *ret);
/* The set of a text. */
struct cedar_policies *load_set(struct str text);
/* Appends {"decision": "allow", "policies": ["policy0", ...]}. */
enum rc load_write_response(struct buf *b, const struct cedar_policies *set,
			    const struct cedar_response *r);
/* The request that a JSON text holds, in arena. */
enum rc load_read_request(struct arena *arena, struct str json, struct cedar_request *ret);
