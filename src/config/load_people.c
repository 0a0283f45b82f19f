/* SPDX-License-Identifier: Apache-2.0 */
/* config/load_people.c - people.yaml: who decides. */
#include "config/load.h"

/* ---- people.yaml ---- */

/* One user id of a person; each belongs to one. */
static bool read_uid(struct load *l, const struct json *node, struct person *p, uint32_t *ret)
{
	const struct person *other;
	uint64_t uid;

	if (!json_u64(node, &uid) || uid >= PERSON_NO_UID) {
		load_error(l, node, "'uid': expected a number from 0 to %u, or a list of them",
			   PERSON_NO_UID - 1);
		return false;
	}
	other = bundle_person_with_uid(l->b, (uint32_t)uid);
	if (other) {
		load_error(l, node, "'uid': %u is '" STR_FMT "' already", (uint32_t)uid,
			   STR_ARG(other == p ? p->name : other->name));
		return false;
	}
	*ret = (uint32_t)uid;
	return true;
}

/* uid: 1000, or [1000, 1001]: several accounts of one person, who is one voter. */
static void load_uid(struct load *l, const struct json *person, struct person *p)
{
	const struct json *node = json_get(person, STR("uid"));
	const struct json *item = json_type(node) == JSON_ARRAY ? node->child : node;
	uint32_t *more =
	    load_alloc(l, json_type(node) == JSON_ARRAY ? node->count : 1, sizeof(*more));

	p->uid = PERSON_NO_UID;
	p->more_uids = more;
	for (; more && item; item = json_type(node) == JSON_ARRAY ? item->next : NULL) {
		uint32_t uid;

		if (!read_uid(l, item, p, &uid)) {
			continue;
		}
		if (p->uid == PERSON_NO_UID) {
			p->uid = uid;
		} else {
			more[p->n_more_uids++] = uid;
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
