/* SPDX-License-Identifier: Apache-2.0 */
/* core/route.h - which agents begin on an incident by themselves, and by which playbook.
 *
 * Part of a bundle (routing.yaml). A rule opens a task for each of its entries when an incident
 * opens that it matches, or comes to match; each is an intent like any other, decided like any
 * other, declared by Remit. Once per incident and entry, whatever came of it.
 */
#pragma once

#include "core/list.h"

struct incident;

enum {
	ROUTES = 64,	      /* entries of all rules together: so many tasks of one incident */
	ROUTE_KEY_BYTES = 256 /* three names and two slashes */
};

struct route_task {
	struct str agent; /* name */
	struct str playbook;
	struct str_list tools; /* public names; empty = all of the playbook */
	struct str_list data;  /* empty = what the tools return, as far as the playbook allows */
	uint64_t duration_ms;  /* 0 = the playbook's */
};

/* An empty list is any. */
struct route {
	struct str name;
	struct str_list classes;
	struct str_list environments;
	struct str_list services;
	uint8_t severity_from; /* 1 (worst) .. 5 */
	uint8_t severity_to;
	const struct route_task *tasks;
	size_t n_tasks;
};

bool route_matches(const struct route *r, const struct incident *i);
/* "<rule>/<agent>/<playbook>": what stands in the log. Names of a bundle have at most 64 bytes. */
struct str route_key(struct str rule, struct str agent, struct str playbook,
		     char out[ROUTE_KEY_BYTES]);
