/* SPDX-License-Identifier: Apache-2.0 */
/* core/bundle.c - looking things up in a bundle.
 *
 * Lists other than the tools are short (tens, rarely hundreds) and compared by length first, so
 * they are walked; tools are sorted and searched by halves.
 */
#include "core/bundle.h"

#include <cedar.h>

#include "base/mem.h"

void bundle_free(struct bundle *b)
{
	if (!b) {
		return;
	}
	cedar_policies_unref(b->policies);
	arena_fini(&b->arena);
	mem_free(b);
}

/* Defines the look-up of one kind of object by one of its texts. */
#define LOOKUP(function, type, array, count, field)                                                \
	const struct type *function(const struct bundle *b, struct str wanted)                     \
	{                                                                                          \
		for (size_t i = 0; i < b->count; i++) {                                            \
			if (str_eq(b->array[i].field, wanted)) {                                   \
				return &b->array[i];                                               \
			}                                                                          \
		}                                                                                  \
		return NULL;                                                                       \
	}

LOOKUP(bundle_agent, agent, agents, n_agents, id)
LOOKUP(bundle_agent_named, agent, agents, n_agents, name)
LOOKUP(bundle_person, person, people, n_people, name)
LOOKUP(bundle_group, group, groups, n_groups, name)
LOOKUP(bundle_upstream, upstream, upstreams, n_upstreams, name)
LOOKUP(bundle_playbook, playbook, playbooks, n_playbooks, name)
LOOKUP(bundle_gate, gate, gates, n_gates, name)

static bool has_uid(const struct person *p, uint32_t uid)
{
	for (size_t i = 0; i < p->n_more_uids; i++) {
		if (p->more_uids[i] == uid) {
			return true;
		}
	}
	return p->uid == uid;
}

const struct person *bundle_person_with_uid(const struct bundle *b, uint32_t uid)
{
	for (size_t i = 0; uid != PERSON_NO_UID && i < b->n_people; i++) {
		if (has_uid(&b->people[i], uid)) {
			return &b->people[i];
		}
	}
	return NULL;
}

const struct tool *bundle_tool(const struct bundle *b, struct str public_name)
{
	size_t from = 0;
	size_t to = b->n_tools;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = str_cmp(public_name, b->tools[middle].public_name);

		if (order == 0) {
			return &b->tools[middle];
		}
		if (order < 0) {
			to = middle;
		} else {
			from = middle + 1;
		}
	}
	return NULL;
}

const struct tool *bundle_tool_of(const struct bundle *b, const struct upstream *u, struct str name)
{
	for (size_t i = 0; i < b->n_tools; i++) {
		if (b->tools[i].upstream == u && str_eq(b->tools[i].name, name)) {
			return &b->tools[i];
		}
	}
	return NULL;
}

bool bundle_is_policy_of(const struct bundle *b, struct str policy, struct str person)
{
	for (size_t i = 0; i < b->n_authored; i++) {
		if (str_eq(b->authored[i].rule, policy) && str_eq(b->authored[i].person, person)) {
			return true;
		}
	}
	return false;
}

bool bundle_is_gate_of(const struct bundle *b, struct str gate, struct str person)
{
	for (size_t i = 0; i < b->n_authored; i++) {
		struct str rule = b->authored[i].rule;

		if (str_has_prefix(rule, STR("gate:")) &&
		    str_eq(str_slice(rule, 5, rule.n), gate) &&
		    str_eq(b->authored[i].person, person)) {
			return true;
		}
	}
	return false;
}

uint64_t gate_decide_by_ms(const struct gate *g, unsigned severity)
{
	uint64_t own = severity >= 1 && severity <= SEVERITIES ? g->severity_ms[severity - 1] : 0;

	return own ? own : g->decide_by_ms;
}
