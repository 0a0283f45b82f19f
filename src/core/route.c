/* SPDX-License-Identifier: Apache-2.0 */
/* core/route.c - does a routing rule match an incident? */
#include "core/route.h"

#include <stdio.h>

#include "core/state.h"

static bool is_any_or_has(const struct str_list *l, struct str s)
{
	return l->n == 0 || str_list_has(l, s);
}

bool route_matches(const struct route *r, const struct incident *i)
{
	return i->status == INCIDENT_OPEN && is_any_or_has(&r->classes, i->class) &&
	       is_any_or_has(&r->environments, i->environment) &&
	       is_any_or_has(&r->services, i->service) && i->severity >= r->severity_from &&
	       i->severity <= r->severity_to;
}

struct str route_key(struct str rule, struct str agent, struct str playbook,
		     char out[ROUTE_KEY_BYTES])
{
	int n = snprintf(out, ROUTE_KEY_BYTES, STR_FMT "/" STR_FMT "/" STR_FMT, STR_ARG(rule),
			 STR_ARG(agent), STR_ARG(playbook));

	MUST(n > 0 && n < ROUTE_KEY_BYTES); /* names have at most 64 bytes */
	return str_of(out, (size_t)n);
}
