/* SPDX-License-Identifier: Apache-2.0 */
/* config/load_agents.c - agents/ and playbooks/: who may act, and by which allowlist.
 *
 * Holds:  every agent has an owner and a deputy, who are two persons, and an end.
 */
#include "base/limits.h"
#include "config/load.h"

enum { DURATION_MAX_MS = 7 * 24 * 3600 * 1000, HOLD_MAX_MS = 600 * 1000 };

/* ---- playbooks/ ---- */

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
	(void)load_keys(l, doc, "a playbook", "classes accountable phases limits data");
	pb->classes = load_list(l, doc, "classes", REQUIRED);
	pb->accountable = load_group(l, doc, "accountable", REQUIRED);
	load_phases(l, doc, pb);
	pb->data = load_list(l, doc, "data", OPTIONAL);
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

static size_t count_files(const struct load *l, const char *dir)
{
	size_t i = 0;
	size_t n = 0;

	while (load_next_file(l, dir, &i)) {
		n++;
	}
	return n;
}

void load_playbooks(struct load *l)
{
	size_t n = count_files(l, "playbooks");
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

/* ---- agents/ ---- */

/* SPIFFE-ID section 2: scheme, our trust domain, a path of segments [A-Za-z0-9._-]+. */
static bool spiffe_path_is_valid(struct str path)
{
	if (path.n < 2 || path.p[0] != '/') {
		return false;
	}
	path = str_slice(path, 1, path.n);
	do {
		struct str segment = str_cut(&path, '/');

		if (segment.n == 0 || str_eq(segment, STR(".")) || str_eq(segment, STR(".."))) {
			return false;
		}
		for (size_t i = 0; i < segment.n; i++) {
			char c = segment.p[i];

			if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && !(c >= '0' && c <= '9') &&
			    c != '.' && c != '-' && c != '_') {
				return false;
			}
		}
	} while (path.p);
	return true;
}

static void load_agent_id(struct load *l, const struct json *doc, struct agent *a)
{
	const struct json *at = json_get(doc, STR("id"));
	struct str rest;

	a->id = load_text(l, doc, "id", REQUIRED);
	if (a->id.n == 0) {
		return;
	}
	rest = a->id;
	if (!str_has_prefix(rest, STR("spiffe://")) || rest.n > LIMIT_SPIFFE_ID_BYTES) {
		load_error(l, at, "'id': expected spiffe://" STR_FMT "/path",
			   STR_ARG(l->b->trust_domain));
		return;
	}
	rest = str_slice(rest, 9, rest.n);
	if (!str_eq(str_slice(rest, 0, str_find(rest, '/')), l->b->trust_domain)) {
		load_error(l, at,
			   "'id': expected an identity of trust domain '" STR_FMT
			   "', found '" STR_FMT "'",
			   STR_ARG(l->b->trust_domain), STR_ARG(a->id));
		return;
	}
	if (!spiffe_path_is_valid(str_slice(rest, str_find(rest, '/'), rest.n))) {
		load_error(l, at, "'id': '" STR_FMT "' has no valid path", STR_ARG(a->id));
	}
	for (const struct agent *other = l->b->agents; other < a; other++) {
		if (str_eq(other->id, a->id)) {
			load_error(l, at, "'id': agent '" STR_FMT "' has this identity already",
				   STR_ARG(other->name));
		}
	}
}

static void load_autonomy(struct load *l, const struct json *doc, struct agent *a)
{
	const struct json *map = load_map(l, doc, "autonomy", REQUIRED);

	if (!map || !load_keys(l, map, "autonomy", "read contain destroy")) {
		return;
	}
	for (const struct json *one = map->child; one; one = one->next) {
		struct str level = STR_NULL;
		enum effect effect;

		if (!effect_from_name(one->key, &effect)) {
			continue; /* reported as an unknown key */
		}
		if (!json_str(one, &level) || !autonomy_from_name(level, &a->autonomy[effect])) {
			load_error(l, one,
				   "'" STR_FMT "': expected observe, propose, approve, "
				   "notify or act",
				   STR_ARG(one->key));
		}
	}
	if (a->autonomy[EFFECT_DESTROY] > AUTONOMY_APPROVE) {
		load_warn(
		    l, json_get(map, STR("destroy")),
		    "'destroy': a person still approves every destroy call; 'approve' says so");
	}
}

static void load_severity(struct load *l, const struct json *doc, struct agent *a)
{
	const struct json *severity = load_map(l, doc, "severity", OPTIONAL);

	if (severity) {
		(void)load_keys(l, severity, "severity", "from to"); /* it reports */
	}
	a->severity_from = (uint8_t)load_number(l, severity, "from", 1, 5, 1);
	a->severity_to = (uint8_t)load_number(l, severity, "to", 1, 5, 5);
	if (a->severity_from > a->severity_to) {
		load_error(l, severity, "'severity': from 1 (worst) to 5; %u is above %u",
			   a->severity_from, a->severity_to);
	}
}

static void load_agent_classes(struct load *l, const struct json *doc, struct agent *a)
{
	a->classes = load_list(l, doc, "classes", REQUIRED);
	for (size_t i = 0; i < a->classes.n; i++) {
		bool is_handled = false;

		for (size_t k = 0; k < l->b->n_playbooks; k++) {
			is_handled |= str_list_has(&l->b->playbooks[k].classes, a->classes.p[i]);
		}
		if (!is_handled) {
			load_warn(l, json_at(json_get(doc, STR("classes")), i),
				  "no playbook is for class '" STR_FMT "'",
				  STR_ARG(a->classes.p[i]));
		}
	}
}

static void load_agent(struct load *l, struct str path, struct agent *a)
{
	const struct json *doc = load_document(l, path);

	a->name = load_name_of_file(l, path);
	(void)load_keys(l, doc, "an agent",
			"id owner deputy purpose team environment review_by autonomy classes "
			"severity hold"); /* it reports */
	load_agent_id(l, doc, a);
	a->owner = load_person(l, doc, "owner", REQUIRED);
	a->deputy = load_person(l, doc, "deputy", REQUIRED);
	if (a->owner.n > 0 && str_eq(a->owner, a->deputy)) {
		load_error(l, json_get(doc, STR("deputy")),
			   "'deputy': '" STR_FMT "' is the owner; expected somebody else",
			   STR_ARG(a->deputy));
	}
	a->purpose = load_text(l, doc, "purpose", REQUIRED);
	a->team = load_text(l, doc, "team", OPTIONAL);
	a->environment = load_text(l, doc, "environment", REQUIRED);
	a->review_by_unix_ms = load_date(l, doc, "review_by", REQUIRED);
	if (a->review_by_unix_ms > 0 && a->review_by_unix_ms < l->now_unix_ms) {
		load_warn(l, json_get(doc, STR("review_by")),
			  "the review is overdue: all its calls are denied until somebody has "
			  "reviewed it");
	}
	load_autonomy(l, doc, a);
	load_agent_classes(l, doc, a);
	load_severity(l, doc, a);
	a->hold_ms = (uint32_t)load_duration(l, doc, "hold", HOLD_MAX_MS, l->hold_ms);
}

void load_agents(struct load *l)
{
	size_t n = count_files(l, "agents");
	struct agent *list = load_alloc(l, n, sizeof(*list));
	const struct tree_file *file;
	size_t i = 0;

	l->b->agents = list;
	while (list && (file = load_next_file(l, "agents", &i))) {
		load_agent(l, file->path, &list[l->b->n_agents]);
		l->b->n_agents++;
	}
	if (n == 0) {
		l->file = STR("agents");
		load_warn(l, NULL, "no agent is registered");
	}
}
