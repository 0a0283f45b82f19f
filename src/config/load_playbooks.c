/* SPDX-License-Identifier: Apache-2.0 */
/* config/load_playbooks.c - playbooks/: by which allowlist agents act.
 *
 * Holds: (1) every phase can be come to from the first, and grants a tool.
 *        (2) no condition waits for a tool that no phase grants.
 */
#include "base/limits.h"
#include "config/load.h"

enum { DURATION_MAX_MS = 7 * 24 * 3600 * 1000 };

static void load_condition(struct load *l, const struct json *phase, const char *key,
			   struct phase_condition *c)
{
	const struct json *map = load_map(l, phase, key, OPTIONAL);

	if (!map || !load_keys(l, map, key, "tools verified evidence")) {
		return;
	}
	c->tools = load_list(l, map, "tools", OPTIONAL);
	c->is_verified = load_flag(l, map, "verified");
	c->evidence = load_list(l, map, "evidence", OPTIONAL);
}

static void load_phase_limits(struct load *l, const struct json *phase, struct phase *p)
{
	const struct json *limits = load_map(l, phase, "limits", OPTIONAL);

	if (limits && load_keys(l, limits, "limits of a phase", "calls targets duration")) {
		p->max_calls = (uint32_t)load_number(l, limits, "calls", 1, 1000000, 0);
		p->max_targets = (uint32_t)load_number(l, limits, "targets", 1, LIMIT_TARGETS, 0);
		p->max_duration_ms = load_duration(l, limits, "duration", DURATION_MAX_MS, 0);
	}
}

static void load_phase_effect(struct load *l, const struct json *phase, struct phase *p)
{
	struct str name = load_text(l, phase, "effect", OPTIONAL);

	if (name.n && !effect_from_name(name, &p->effect)) {
		load_error(l, json_get(phase, STR("effect")),
			   "'effect': expected read, contain or destroy, found '" STR_FMT "'",
			   STR_ARG(name));
	}
	for (size_t i = 0; i < p->tools.n; i++) {
		const struct tool *t = bundle_tool(l->b, p->tools.p[i]);

		if (t && t->effect < p->effect) {
			load_warn(l, json_at(json_get(phase, STR("tools")), i),
				  "'" STR_FMT "' is %.*s, which goes further than this phase",
				  STR_ARG(p->tools.p[i]), STR_ARG(effect_name(t->effect)));
		}
	}
}

static void load_phase(struct load *l, const struct json *phase, struct phase *p)
{
	struct str advance;

	if (!load_keys(l, phase, "a phase",
		       "name tools next effect advance limits requires exit")) {
		return;
	}
	p->name = load_text(l, phase, "name", REQUIRED);
	p->tools = load_list(l, phase, "tools", REQUIRED);
	p->next = load_list(l, phase, "next", OPTIONAL);
	load_check_tools(l, json_get(phase, STR("tools")));
	load_phase_effect(l, phase, p);
	advance = load_text(l, phase, "advance", OPTIONAL);
	p->is_explicit = str_eq(advance, STR("explicit"));
	if (advance.n && !p->is_explicit && !str_eq(advance, STR("use"))) {
		load_error(l, json_get(phase, STR("advance")),
			   "'advance': expected use or explicit, found '" STR_FMT "'",
			   STR_ARG(advance));
	}
	load_phase_limits(l, phase, p);
	load_condition(l, phase, "requires", &p->entry);
	load_condition(l, phase, "exit", &p->exit);
}

static bool some_phase_grants(const struct playbook *pb, struct str tool)
{
	for (size_t i = 0; i < pb->n_phases; i++) {
		if (str_list_has(&pb->phases[i].tools, tool)) {
			return true;
		}
	}
	return false;
}

/* A condition that can never hold is a phase that can never be entered or left. */
static void check_condition(struct load *l, const struct json *phase, const char *key,
			    const struct playbook *pb)
{
	const struct json *list = json_get(json_get(phase, str_from(key)), STR("tools"));

	for (const struct json *item = json_type(list) == JSON_ARRAY ? list->child : NULL; item;
	     item = item->next) {
		struct str name = STR_NULL;

		if (json_str(item, &name) && !some_phase_grants(pb, name)) {
			load_error(l, item, "'%s': no phase grants '" STR_FMT "'", key,
				   STR_ARG(name));
		}
	}
}

static bool has_phase(const struct playbook *pb, struct str name, struct nearest *near)
{
	for (size_t i = 0; i < pb->n_phases; i++) {
		nearest_try(near, pb->phases[i].name);
		if (str_eq(pb->phases[i].name, name)) {
			return true;
		}
	}
	return false;
}

static void check_next(struct load *l, const struct json *phase, const struct playbook *pb)
{
	const struct json *list = json_get(phase, STR("next"));

	for (const struct json *item = json_type(list) == JSON_ARRAY ? list->child : NULL; item;
	     item = item->next) {
		struct str name = STR_NULL;
		struct nearest near;

		if (!json_str(item, &name)) {
			continue;
		}
		near = nearest_to(name);
		if (!has_phase(pb, name, &near)) {
			load_unknown(l, item, "phase", &near);
		}
	}
}

/* Phases that a task can come to, from the first. */
static void reach(const struct playbook *pb, size_t at, bool seen[LIMIT_PHASES])
{
	bool has_grown = true;

	seen[at] = true;
	while (has_grown) {
		has_grown = false;
		for (size_t i = 0; i < pb->n_phases; i++) {
			for (size_t k = 0; seen[i] && k < pb->n_phases; k++) {
				if (!seen[k] &&
				    str_list_has(&pb->phases[i].next, pb->phases[k].name)) {
					seen[k] = true;
					has_grown = true;
				}
			}
		}
	}
}

static void check_reached(struct load *l, const struct json *phases, const struct playbook *pb)
{
	const struct json *at = phases->child;
	bool seen[LIMIT_PHASES] = {0};

	reach(pb, 0, seen);
	for (size_t i = 0; i < pb->n_phases; i++, at = at->next) {
		for (size_t k = 0; k < i; k++) {
			if (str_eq(pb->phases[k].name, pb->phases[i].name)) {
				load_error(l, at, "phase '" STR_FMT "' is there twice",
					   STR_ARG(pb->phases[i].name));
			}
		}
		if (!seen[i]) {
			load_error(l, at, "no phase leads to '" STR_FMT "'",
				   STR_ARG(pb->phases[i].name));
		}
	}
}

static void load_phases(struct load *l, const struct json *doc, struct playbook *pb)
{
	const struct json *list = load_array(l, doc, "phases", REQUIRED);
	struct phase *phases;

	if (!list) {
		return;
	}
	if (list->count == 0) {
		load_error(l, list, "'phases' is empty");
		return;
	}
	if (list->count > LIMIT_PHASES) {
		load_error(l, list, "'phases': at most %d", LIMIT_PHASES);
		return;
	}
	phases = load_alloc(l, list->count, sizeof(*phases));
	if (!phases) {
		return;
	}
	pb->phases = phases;
	for (const struct json *one = list->child; one; one = one->next) {
		load_phase(l, one, &phases[pb->n_phases++]);
	}
	for (const struct json *one = list->child; one; one = one->next) {
		check_next(l, one, pb);
		check_condition(l, one, "requires", pb);
		check_condition(l, one, "exit", pb);
	}
	check_reached(l, list, pb);
}

static void load_weights(struct load *l, const struct json *map, struct playbook *pb)
{
	const struct json *severity = load_map(l, map, "severity", OPTIONAL);
	struct deviation_weight *weights =
	    severity ? load_alloc(l, severity->count, sizeof(*weights)) : NULL;

	pb->weights = weights;
	for (const struct json *one = weights ? severity->child : NULL; one; one = one->next) {
		struct deviation_weight *w = &weights[pb->n_weights];
		struct str word = STR_NULL;
		uint64_t number = 0;

		if (!reason_from_code(one->key, &w->reason) ||
		    attempt_of(w->reason) == ATTEMPT_NONE) {
			load_error(l, one,
				   "'" STR_FMT "' is no reason that says something about an agent",
				   STR_ARG(one->key));
			continue;
		}
		if (json_str(one, &word) && str_eq(word, STR("severe"))) {
			number = DEVIATION_SEVERE;
		} else if (!json_u64(one, &number) || number > DEVIATION_SEVERE) {
			load_error(l, one, "'" STR_FMT "': expected severe, or from 0 to %d",
				   STR_ARG(one->key), DEVIATION_SEVERE);
			continue;
		}
		w->weight = (uint32_t)number;
		pb->n_weights++;
	}
}

static void load_deviations(struct load *l, const struct json *doc, const struct json *limits,
			    struct playbook *pb)
{
	const struct json *map = load_map(l, doc, "deviations", OPTIONAL);
	uint64_t count = load_number(l, limits, "deviations", 1, DEVIATION_SEVERE, l->deviations);

	if (map && load_keys(l, map, "deviations", "count severity")) {
		if (json_get(limits, STR("deviations")) && json_get(map, STR("count"))) {
			load_error(l, json_get(map, STR("count")),
				   "'count': 'limits' says it already");
		}
		count = load_number(l, map, "count", 1, DEVIATION_SEVERE, count);
		load_weights(l, map, pb);
	}
	pb->max_deviations = (uint32_t)count;
}

static void load_at_end(struct load *l, const struct json *doc, struct playbook *pb)
{
	struct str at_end = load_text(l, doc, "at_end", OPTIONAL);

	pb->rolls_back = str_eq(at_end, STR("rollback"));
	if (at_end.n > 0 && !pb->rolls_back && !str_eq(at_end, STR("hand_over"))) {
		load_error(l, json_get(doc, STR("at_end")),
			   "'at_end': expected hand_over or rollback, found '" STR_FMT "'",
			   STR_ARG(at_end));
	}
}

static void load_playbook(struct load *l, struct str path, struct playbook *pb)
{
	const struct json *doc = load_document(l, path);
	const struct json *limits;

	pb->name = load_name_of_file(l, path);
	(void)load_keys(
	    l, doc, "a playbook",
	    "classes goals severity accountable phases limits deviations data reads caps "
	    "at_end values");
	pb->classes = load_list(l, doc, "classes", REQUIRED);
	pb->goals = load_list(l, doc, "goals", OPTIONAL);
	for (size_t i = 0; i < pb->goals.n; i++) {
		if (!name_is_valid(pb->goals.p[i])) {
			load_error(l, json_at(json_get(doc, STR("goals")), i),
				   "'goals': '" STR_FMT "' is no name", STR_ARG(pb->goals.p[i]));
		}
	}
	load_severity_band(l, doc, &pb->severity_from, &pb->severity_to);
	pb->accountable = load_group(l, doc, "accountable", REQUIRED);
	load_phases(l, doc, pb);
	pb->data = load_list(l, doc, "data", OPTIONAL);
	load_read_budgets(l, doc, pb);
	load_caps(l, doc, pb->name);
	load_at_end(l, doc, pb);
	pb->values = load_list(l, doc, "values", OPTIONAL);
	limits = load_map(l, doc, "limits", REQUIRED);
	if (limits) {
		(void)load_keys(l, limits, "limits", "calls targets duration deviations");
		(void)load_get(l, limits, "calls", REQUIRED); /* they report */
		(void)load_get(l, limits, "targets", REQUIRED);
		(void)load_get(l, limits, "duration", REQUIRED);
	}
	pb->max_calls = (uint32_t)load_number(l, limits, "calls", 1, 1000000, 1);
	pb->max_targets = (uint32_t)load_number(l, limits, "targets", 1, LIMIT_TARGETS, 1);
	pb->max_duration_ms = load_duration(l, limits, "duration", DURATION_MAX_MS, 1000);
	load_deviations(l, doc, limits, pb);
}

void load_playbooks(struct load *l)
{
	size_t n = load_count_files(l, "playbooks");
	struct playbook *list = load_alloc(l, n, sizeof(*list));
	const struct tree_file *file;
	size_t i = 0;

	l->b->playbooks = list;
	while (list && (file = load_next_file(l, "playbooks", &i))) {
		load_playbook(l, file->path, &list[l->b->n_playbooks++]);
	}
	if (n == 0) {
		l->file = STR("playbooks");
		load_warn(l, NULL, "no playbook: no intent can be approved");
	}
}
