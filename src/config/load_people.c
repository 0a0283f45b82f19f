/* SPDX-License-Identifier: Apache-2.0 */
/* config/load_people.c - people.yaml: who decides. */
#include "config/load.h"

/* ---- people.yaml ---- */

static void load_uid(struct load *l, const struct json *person, struct person *p)
{
	p->uid = PERSON_NO_UID;
	if (json_get(person, STR("uid"))) {
		p->uid =
		    (uint32_t)load_number(l, person, "uid", 0, PERSON_NO_UID - 1, PERSON_NO_UID);
	}
	for (size_t i = 0; i < l->b->n_people; i++) {
		const struct person *other = &l->b->people[i];

		if (other != p && p->uid != PERSON_NO_UID && other->uid == p->uid) {
			load_error(l, json_get(person, STR("uid")),
				   "'uid': %u is '" STR_FMT "' already", p->uid,
				   STR_ARG(other->name));
		}
	}
}

static void check_notifiers(struct load *l, const struct json *group)
{
	const struct json *list = json_get(group, STR("notifiers"));

	for (const struct json *item = json_type(list) == JSON_ARRAY ? list->child : NULL; item;
	     item = item->next) {
		struct str name = STR_NULL;

		if (json_str(item, &name)) {
			(void)load_check_notifier(l, item, name); /* it reports */
		}
	}
}

static void load_persons(struct load *l, const struct json *doc)
{
	const struct json *map = load_map(l, doc, "people", REQUIRED);
	struct person *people;

	if (!map) {
		return;
	}
	people = load_alloc(l, map->count, sizeof(*people));
	if (!people) {
		return;
	}
	l->b->people = people;
	for (const struct json *one = map->child; one; one = one->next) {
		struct person *p = &people[l->b->n_people];

		if (!name_is_valid(one->key)) {
			load_error(l, one, "'" STR_FMT "' is no name", STR_ARG(one->key));
		}
		p->name = one->key;
		p->uid = PERSON_NO_UID;
		l->b->n_people++;
		if (!load_keys(l, one, "a person", "full_name uid groups notifiers")) {
			continue;
		}
		p->full_name = load_text(l, one, "full_name", OPTIONAL);
		load_uid(l, one, p);
		p->groups = load_list(l, one, "groups", OPTIONAL);
		p->notifiers = load_list(l, one, "notifiers", OPTIONAL);
		check_notifiers(l, one);
	}
}

static void check_rota(struct load *l, const struct json *group, const struct group *g)
{
	const struct json *rota = json_get(group, STR("rota"));
	const struct json *item = json_type(rota) == JSON_ARRAY ? rota->child : NULL;

	for (; item; item = item->next) {
		const struct json *who =
		    json_type(item) == JSON_OBJECT ? json_get(item, STR("who")) : item;
		struct str name = STR_NULL;
		const struct person *p = json_str(who, &name) ? bundle_person(l->b, name) : NULL;

		if (p && !str_list_has(&p->groups, g->name)) {
			load_error(l, item,
				   "'" STR_FMT "' is on the rota of group '" STR_FMT
				   "' but no member of it",
				   STR_ARG(name), STR_ARG(g->name));
		}
	}
	if (g->deputy.n && bundle_person(l->b, g->deputy) &&
	    !str_list_has(&bundle_person(l->b, g->deputy)->groups, g->name)) {
		load_error(l, json_get(group, STR("deputy")),
			   "'" STR_FMT "' is no member of group '" STR_FMT "'", STR_ARG(g->deputy),
			   STR_ARG(g->name));
	}
}

static void load_all_groups(struct load *l, const struct json *doc)
{
	const struct json *map = load_map(l, doc, "groups", REQUIRED);
	struct group *groups = map ? load_alloc(l, map->count, sizeof(*groups)) : NULL;

	if (!groups) {
		return;
	}
	l->b->groups = groups;
	for (const struct json *one = map->child; one; one = one->next) {
		struct group *g = &groups[l->b->n_groups++];

		if (!name_is_valid(one->key)) {
			load_error(l, one, "'" STR_FMT "' is no name", STR_ARG(one->key));
		}
		g->name = one->key;
		if (!load_keys(l, one, "a group", "rota deputy ladder notifiers")) {
			continue;
		}
		load_rota(l, one, g);
		load_ladder(l, one, g);
		g->notifiers = load_list(l, one, "notifiers", OPTIONAL);
		check_rota(l, one, g);
		check_notifiers(l, one);
	}
}

/* Every group that a person says to be in must be there. */
static void check_memberships(struct load *l, const struct json *doc)
{
	const struct json *people = json_get(doc, STR("people"));

	for (const struct json *one = json_type(people) == JSON_OBJECT ? people->child : NULL; one;
	     one = one->next) {
		const struct json *list = json_get(one, STR("groups"));

		for (const struct json *item = json_type(list) == JSON_ARRAY ? list->child : NULL;
		     item; item = item->next) {
			struct str name = STR_NULL;

			if (json_str(item, &name)) {
				(void)load_check_group(l, item, name); /* it reports */
			}
		}
	}
}

void load_people(struct load *l)
{
	const struct json *doc = load_document(l, STR("people.yaml"));

	(void)load_keys(l, doc, "people.yaml", "people groups authors custodians"); /* it reports */
	l->people = doc;
	load_persons(l, doc);
	load_all_groups(l, doc);
	check_memberships(l, doc);
	l->b->custodians = load_group(l, doc, "custodians", OPTIONAL);
}
