/* SPDX-License-Identifier: Apache-2.0 */
/* config/load_playbooks.c - playbooks/: by which allowlist agents act.
 */
#include "base/limits.h"
#include "config/load.h"

enum { DURATION_MAX_MS = 7 * 24 * 3600 * 1000 };

static void load_phase(struct load *l, const struct json *phase, struct phase *p)
{
	if (!load_keys(l, phase, "a phase", "name tools next")) {
		return;
	}
	p->name = load_text(l, phase, "name", REQUIRED);
	p->tools = load_list(l, phase, "tools", OPTIONAL);
	p->next = load_list(l, phase, "next", OPTIONAL);
	load_check_tools(l, json_get(phase, STR("tools")));
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

/* A phase that no other leads to is allowed, but probably not meant. */
static void check_reached(struct load *l, const struct json *phases, const struct playbook *pb)
{
	const struct json *at = phases->child;

	for (size_t i = 0; i < pb->n_phases; i++, at = at->next) {
		bool is_reached = i == 0;

		for (size_t k = 0; k < pb->n_phases; k++) {
			is_reached |=
			    k != i && str_list_has(&pb->phases[k].next, pb->phases[i].name);
			if (k < i && str_eq(pb->phases[k].name, pb->phases[i].name)) {
				load_error(l, at, "phase '" STR_FMT "' is there twice",
					   STR_ARG(pb->phases[i].name));
			}
		}
		if (!is_reached) {
			load_warn(l, at, "no phase leads to '" STR_FMT "'",
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
	}
	check_reached(l, list, pb);
}

static void load_playbook(struct load *l, struct str path, struct playbook *pb)
{
	const struct json *doc = load_document(l, path);
	const struct json *limits;

	pb->name = load_name_of_file(l, path);
	(void)load_keys(l, doc, "a playbook", "classes severity accountable phases limits data reads");
	pb->classes = load_list(l, doc, "classes", REQUIRED);
	load_severity_band(l, doc, &pb->severity_from, &pb->severity_to);
	pb->accountable = load_group(l, doc, "accountable", REQUIRED);
	load_phases(l, doc, pb);
	pb->data = load_list(l, doc, "data", OPTIONAL);
	load_read_budgets(l, doc, pb);
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
	pb->max_deviations = (uint32_t)load_number(l, limits, "deviations", 1, 1000, l->deviations);
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
