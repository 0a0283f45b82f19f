/* SPDX-License-Identifier: Apache-2.0 */
/* config/load_agents.c - agents/: who may act.
 *
 * Holds:  every agent has an owner and a deputy, who are two persons, and an end.
 */
#include "base/limits.h"
#include "config/load.h"

enum { HOLD_MAX_MS = 600 * 1000 };

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
	load_severity_band(l, doc, &a->severity_from, &a->severity_to);
	a->hold_ms = (uint32_t)load_duration(l, doc, "hold", HOLD_MAX_MS, l->hold_ms);
}

void load_agents(struct load *l)
{
	size_t n = load_count_files(l, "agents");
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
