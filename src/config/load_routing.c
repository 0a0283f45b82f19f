/* SPDX-License-Identifier: Apache-2.0 */
/* config/load_routing.c - routing.yaml, if there is one: who begins on an incident by themselves.
 *
 * Holds:  an entry that could never be allowed, whatever the policies say, is an error.
 */
#include "base/limits.h"
#include "config/load.h"

enum { DURATION_MAX_MS = 7 * 24 * 3600 * 1000 };

static const struct agent *load_agent_of(struct load *l, const struct json *one,
					 struct route_task *t)
{
	const struct agent *agent;
	struct nearest near;

	t->agent = load_text(l, one, "agent", REQUIRED);
	agent = t->agent.n ? bundle_agent_named(l->b, t->agent) : NULL;
	if (t->agent.n && !agent) {
		near = nearest_to(t->agent);
		for (size_t i = 0; i < l->b->n_agents; i++) {
			nearest_try(&near, l->b->agents[i].name);
		}
		load_unknown(l, json_get(one, STR("agent")), "agent", &near);
	}
	return agent;
}

static const struct playbook *load_playbook_of(struct load *l, const struct json *one,
					       struct route_task *t)
{
	const struct playbook *p;
	struct nearest near;

	t->playbook = load_text(l, one, "playbook", REQUIRED);
	p = t->playbook.n ? bundle_playbook(l->b, t->playbook) : NULL;
	if (t->playbook.n && !p) {
		near = nearest_to(t->playbook);
		for (size_t i = 0; i < l->b->n_playbooks; i++) {
			nearest_try(&near, l->b->playbooks[i].name);
		}
		load_unknown(l, json_get(one, STR("playbook")), "playbook", &near);
	}
	return p;
}

static bool grants(const struct playbook *p, struct str tool)
{
	for (size_t i = 0; i < p->n_phases; i++) {
		if (str_list_has(&p->phases[i].tools, tool)) {
			return true;
		}
	}
	return false;
}

static bool overlaps(uint8_t from, uint8_t to, const struct route *r)
{
	return from <= r->severity_to && r->severity_from <= to;
}

/* Of the classes and severities that the rule matches, is there one that both are meant for? */
static void check_entry(struct load *l, const struct json *at, const struct route *r,
			const struct route_task *t, const struct agent *a, const struct playbook *p)
{
	for (size_t i = 0; i < r->classes.n; i++) {
		if (!str_list_has(&a->classes, r->classes.p[i])) {
			load_error(l, at,
				   "agent '" STR_FMT "' is not meant for class '" STR_FMT "'",
				   STR_ARG(t->agent), STR_ARG(r->classes.p[i]));
		}
		if (!str_list_has(&p->classes, r->classes.p[i])) {
			load_error(l, at,
				   "playbook '" STR_FMT "' is not meant for class '" STR_FMT "'",
				   STR_ARG(t->playbook), STR_ARG(r->classes.p[i]));
		}
	}
	if (!overlaps(a->severity_from, a->severity_to, r) ||
	    !overlaps(p->severity_from, p->severity_to, r)) {
		load_error(l, at,
			   "no severity of this rule is one that agent and playbook are for");
	}
	if (r->environments.n && !str_list_has(&r->environments, a->environment)) {
		load_error(l, at, "agent '" STR_FMT "' acts in environment '" STR_FMT "' only",
			   STR_ARG(t->agent), STR_ARG(a->environment));
	}
	for (size_t i = 0; i < t->tools.n; i++) {
		if (!grants(p, t->tools.p[i])) {
			load_error(l, json_at(json_get(at, STR("tools")), i),
				   "playbook '" STR_FMT "' has no tool '" STR_FMT "'",
				   STR_ARG(t->playbook), STR_ARG(t->tools.p[i]));
		}
	}
	for (size_t i = 0; i < t->data.n; i++) {
		if (!str_list_has(&p->data, t->data.p[i])) {
			load_error(l, json_at(json_get(at, STR("data")), i),
				   "playbook '" STR_FMT "' reads no data of class '" STR_FMT "'",
				   STR_ARG(t->playbook), STR_ARG(t->data.p[i]));
		}
	}
	if (t->duration_ms > p->max_duration_ms) {
		load_error(l, json_get(at, STR("duration")),
			   "'duration': longer than playbook '" STR_FMT "' allows",
			   STR_ARG(t->playbook));
	}
}

static void load_entry(struct load *l, const struct json *one, const struct route *r,
		       struct route_task *t)
{
	const struct playbook *p;
	const struct agent *a;

	if (!load_keys(l, one, "an entry", "agent playbook tools data duration")) {
		return;
	}
	a = load_agent_of(l, one, t);
	p = load_playbook_of(l, one, t);
	t->tools = load_list(l, one, "tools", OPTIONAL);
	t->data = load_list(l, one, "data", OPTIONAL);
	t->duration_ms = load_duration(l, one, "duration", DURATION_MAX_MS, 0);
	if (a && p) {
		check_entry(l, one, r, t, a, p);
	}
}

static void load_rule(struct load *l, const struct json *rule, struct route *r, size_t *n_entries)
{
	const struct json *list;
	struct route_task *tasks;

	r->name = rule->key;
	load_check_name(l, rule);
	if (!load_keys(l, rule, "a rule", "classes severity environments services open")) {
		return;
	}
	r->classes = load_list(l, rule, "classes", REQUIRED);
	load_severity_band(l, rule, &r->severity_from, &r->severity_to);
	r->environments = load_list(l, rule, "environments", OPTIONAL);
	r->services = load_list(l, rule, "services", OPTIONAL);
	list = load_array(l, rule, "open", REQUIRED);
	tasks = list ? load_alloc(l, list->count, sizeof(*tasks)) : NULL;
	r->tasks = tasks;
	if (list && list->count == 0) {
		load_error(l, list, "'open' is empty");
	}
	for (const struct json *one = tasks ? list->child : NULL; one; one = one->next) {
		struct route_task *t = &tasks[r->n_tasks];

		load_entry(l, one, r, t);
		for (size_t i = 0; i < r->n_tasks; i++) {
			if (str_eq(tasks[i].agent, t->agent) &&
			    str_eq(tasks[i].playbook, t->playbook)) {
				load_error(l, one, "this agent and playbook are there twice");
			}
		}
		r->n_tasks++;
		if (++*n_entries == ROUTES + 1) {
			load_error(l, one, "more than %d entries in all rules", ROUTES);
		}
	}
}

void load_routing(struct load *l)
{
	const struct json *doc;
	const struct json *map;
	struct route *routes;
	size_t n_entries = 0;

	if (!tree_find(l->tree, STR("routing.yaml"))) {
		return;
	}
	doc = load_document(l, STR("routing.yaml"));
	(void)load_keys(l, doc, "routing.yaml", "rules"); /* it reports */
	map = load_map(l, doc, "rules", REQUIRED);
	routes = map ? load_alloc(l, map->count, sizeof(*routes)) : NULL;
	l->b->routes = routes;
	for (const struct json *one = routes ? map->child : NULL; one; one = one->next) {
		load_rule(l, one, &routes[l->b->n_routes++], &n_entries);
	}
}
