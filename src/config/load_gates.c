/* SPDX-License-Identifier: Apache-2.0 */
/* config/load_gates.c - gates.yaml: who must be asked, how many of them, and for how long.
 *
 * Holds:  (1) a gate can be opened: as many persons of its group as its quorum neither own nor
 *             deputise the agent that asks, nor wrote the gate. One more may answer for the task.
 */
#include "base/limits.h"
#include "config/load.h"
#include "core/target.h"

enum {
	DECIDE_MAX_MS = 24 * 3600 * 1000,
	/* By severity, when a gate does not say: the worst is decided while everybody looks. */
	DECIDE_SEVERITY_1_MS = 60 * 1000,
	DECIDE_SEVERITY_2_MS = 180 * 1000,
	DECIDE_MS = 15 * 60 * 1000,
	EXECUTE_MS = 5 * 60 * 1000,
	MAX_MEMBERS = 64, /* of a gate's group: as many as a question's leaf names */
};

static size_t members_of(const struct bundle *b, struct str group)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_people; i++) {
		n += str_list_has(&b->people[i].groups, group);
	}
	return n;
}

/* decide_by: 10m, or {sev1: 60s, sev2: 3m, other: 15m} by the incident's severity. */
static void load_decide_by(struct load *l, const struct json *gate, struct gate *g)
{
	const struct json *node = json_get(gate, STR("decide_by"));
	static const char *const keys[SEVERITIES] = {"sev1", "sev2", "sev3", "sev4", "sev5"};

	g->decide_by_ms = DECIDE_MS;
	if (node && json_type(node) != JSON_OBJECT) {
		g->decide_by_ms = load_duration(l, gate, "decide_by", DECIDE_MAX_MS, DECIDE_MS);
		return;
	}
	g->severity_ms[0] = DECIDE_SEVERITY_1_MS;
	g->severity_ms[1] = DECIDE_SEVERITY_2_MS;
	if (!node || !load_keys(l, node, "decide_by", "sev1 sev2 sev3 sev4 sev5 other")) {
		return;
	}
	g->decide_by_ms = load_duration(l, node, "other", DECIDE_MAX_MS, DECIDE_MS);
	for (size_t i = 0; i < SEVERITIES; i++) {
		g->severity_ms[i] =
		    load_duration(l, node, keys[i], DECIDE_MAX_MS, g->severity_ms[i]);
	}
}

void load_instead(struct load *l, const struct json *obj, struct safe_alternative *ret)
{
	const struct json *node = load_map(l, obj, "safe_alternative", OPTIONAL);

	if (!node || !load_keys(l, node, "a safe alternative", "tool text")) {
		return;
	}
	ret->tool = load_text(l, node, "tool", OPTIONAL);
	ret->text = load_text(l, node, "text", OPTIONAL);
	if (!ret->tool.n && !ret->text.n) {
		load_error(l, node, "a safe alternative says 'tool' or 'text', or both");
	}
	if (ret->text.n > LIMIT_TEXT_BYTES / 4) {
		load_error(l, json_get(node, STR("text")), "more than %d bytes",
			   LIMIT_TEXT_BYTES / 4);
	}
}

static void load_gate(struct load *l, const struct json *gate, struct gate *g)
{
	size_t members;

	g->name = gate->key;
	if (!name_is_valid(gate->key)) {
		load_error(l, gate, "'" STR_FMT "' is no name", STR_ARG(gate->key));
	}
	if (!load_keys(l, gate, "a gate", "group quorum decide_by execute_by safe_alternative")) {
		return;
	}
	g->group = load_group(l, gate, "group", REQUIRED);
	g->quorum = (uint32_t)load_number(l, gate, "quorum", 1, 16, 1);
	load_decide_by(l, gate, g);
	g->execute_by_ms = load_duration(l, gate, "execute_by", DECIDE_MAX_MS, EXECUTE_MS);
	load_instead(l, gate, &g->instead);
	members = members_of(l->b, g->group);
	if (bundle_group(l->b, g->group) && members < g->quorum) {
		load_error(l, gate,
			   "the gate can never open: it wants %u persons of group '" STR_FMT
			   "', which has %zu",
			   g->quorum, STR_ARG(g->group), members);
	}
	if (members > MAX_MEMBERS) {
		load_error(l, gate, "group '" STR_FMT "' has more than %d members",
			   STR_ARG(g->group), MAX_MEMBERS);
	}
}

enum {
	BREAK_GLASS_MS = 30 * 60 * 1000,
	BREAK_GLASS_MAX_MS = 60 * 60 * 1000,
	REVIEW_MS = 72 * 3600 * 1000,
};

static void load_break_glass(struct load *l, const struct json *doc)
{
	const struct json *node = load_map(l, doc, "break_glass", OPTIONAL);
	struct break_glass_rules *r = &l->b->break_glass;
	const struct json *people = json_get(node, STR("people"));

	if (!node || !load_keys(l, node, "break_glass", "people duration max review")) {
		return;
	}
	r->people = load_list(l, node, "people", REQUIRED);
	for (const struct json *item = json_type(people) == JSON_ARRAY ? people->child : NULL; item;
	     item = item->next) {
		struct str name = STR_NULL;

		if (json_str(item, &name)) {
			(void)load_check_person(l, item, name); /* it reports */
		}
	}
	r->max_ms = load_duration(l, node, "max", BREAK_GLASS_MAX_MS, BREAK_GLASS_MAX_MS);
	r->duration_ms = load_duration(l, node, "duration", r->max_ms,
				       r->max_ms < BREAK_GLASS_MS ? r->max_ms : BREAK_GLASS_MS);
	r->review_ms = load_duration(l, node, "review", REVIEW_MS, REVIEW_MS);
}

static void load_questions(struct load *l, const struct json *doc)
{
	const struct json *node = load_map(l, doc, "questions", OPTIONAL);
	struct question_limits *q = &l->b->questions;

	*q = (struct question_limits){QUESTIONS_PENDING, QUESTIONS_PER_HOUR, QUESTIONS_PAUSE_MS};
	if (!node || !load_keys(l, node, "questions", "pending per_hour pause")) {
		return;
	}
	q->pending = (uint32_t)load_number(l, node, "pending", 1, 1000, QUESTIONS_PENDING);
	q->per_hour = (uint32_t)load_number(l, node, "per_hour", 1, 1000, QUESTIONS_PER_HOUR);
	q->pause_ms = load_duration(l, node, "pause", DECIDE_MAX_MS, QUESTIONS_PAUSE_MS);
}

void load_gates(struct load *l)
{
	const struct json *doc = load_document(l, STR("gates.yaml"));
	const struct json *map = load_map(l, doc, "gates", REQUIRED);
	struct gate *gates = map ? load_alloc(l, map->count, sizeof(*gates)) : NULL;

	(void)load_keys(
	    l, doc, "gates.yaml",
	    "gates default_gate never control_plane questions break_glass"); /* it reports */
	load_questions(l, doc);
	load_break_glass(l, doc);
	l->gates = doc;
	l->b->gates = gates;
	for (const struct json *one = gates ? map->child : NULL; one; one = one->next) {
		load_gate(l, one, &gates[l->b->n_gates++]);
	}
	l->b->default_gate = load_text(l, doc, "default_gate", REQUIRED);
	if (l->b->default_gate.n > 0) {
		(void)load_check_gate(l, json_get(doc, STR("default_gate")),
				      l->b->default_gate); /* it reports */
	}
	load_never(l, doc);
	if (l->b->custodians.n == 0 && bundle_gate(l->b, l->b->default_gate)) {
		l->b->custodians = bundle_gate(l->b, l->b->default_gate)->group;
	}
}

/* ---- when all is known ---- */

/* Those of the gate's group who could answer a question of this agent. */
static size_t pool_of(const struct bundle *b, const struct gate *g, const struct agent *a)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_people; i++) {
		const struct person *p = &b->people[i];

		n += str_list_has(&p->groups, g->group) && !str_eq(p->name, a->owner) &&
		     !str_eq(p->name, a->deputy) && !bundle_is_gate_of(b, g->name, p->name);
	}
	return n;
}

/* (1) */
static void check_pool(struct load *l, const struct json *node, const struct gate *g)
{
	size_t members = members_of(l->b, g->group);

	for (size_t i = 0; i < l->b->n_agents && members >= g->quorum; i++) {
		const struct agent *a = &l->b->agents[i];
		size_t pool = pool_of(l->b, g, a);

		if (pool < g->quorum) {
			load_error(l, node,
				   "the gate can never open for agent '" STR_FMT
				   "': it wants %u of group '" STR_FMT
				   "', and %zu are not the agent's owner or deputy or the gate's "
				   "author",
				   STR_ARG(a->name), g->quorum, STR_ARG(g->group), pool);
		} else if (pool == g->quorum) {
			load_warn(l, node,
				  "the gate does not open for agent '" STR_FMT
				  "' while one of the %zu who may answer is accountable for its "
				  "task: group '" STR_FMT "' wants one more",
				  STR_ARG(a->name), pool, STR_ARG(g->group));
		}
	}
}

void load_gates_ends(struct load *l)
{
	const struct json *map = json_get(l->gates, STR("gates"));

	l->file = STR("gates.yaml");
	for (size_t i = 0; i < l->b->n_gates; i++) {
		const struct gate *g = &l->b->gates[i];
		const struct json *node = json_get(map, g->name);
		const struct json *instead = json_get(node, STR("safe_alternative"));

		check_pool(l, node, g);
		if (g->instead.tool.n) {
			(void)load_check_tool(l, json_get(instead, STR("tool")),
					      g->instead.tool); /* it reports */
		}
	}
	for (size_t i = 0; i < l->b->n_tools; i++) {
		const struct tool *t = &l->b->tools[i];

		l->file =
		    arena_strf(l->arena, "upstreams/" STR_FMT ".yaml", STR_ARG(t->upstream->name));
		if (t->instead.tool.n) {
			(void)load_check_tool(l, NULL, t->instead.tool); /* it reports */
		}
	}
}
