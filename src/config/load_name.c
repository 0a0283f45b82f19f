/* SPDX-License-Identifier: Apache-2.0 */
/* config/load_name.c - names of one file that another refers to. */
#include "config/load.h"

enum { NAME_BYTES = 64 };

bool name_is_valid(struct str name)
{
	if (name.n == 0 || name.n > NAME_BYTES) {
		return false;
	}
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool is_alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (!is_alnum && (i == 0 || (c != '.' && c != '-' && c != '_'))) {
			return false;
		}
	}
	return true;
}

/* Defines load_check_<what>(): is there one of this name? Else says so, with the nearest. */
#define CHECK(function, what, array, count, field)                                                 \
	bool function(struct load *l, const struct json *at, struct str name)                      \
	{                                                                                          \
		struct nearest near = nearest_to(name);                                            \
                                                                                                   \
		for (size_t i = 0; i < (count); i++) {                                             \
			if (str_eq((array)[i].field, name)) {                                      \
				return true;                                                       \
			}                                                                          \
			nearest_try(&near, (array)[i].field);                                      \
		}                                                                                  \
		load_unknown(l, at, what, &near);                                                  \
		return false;                                                                      \
	}

CHECK(load_check_person, "person", l->b->people, l->b->n_people, name)
CHECK(load_check_group, "group", l->b->groups, l->b->n_groups, name)
CHECK(load_check_gate, "gate", l->b->gates, l->b->n_gates, name)
CHECK(load_check_tool, "tool", l->b->tools, l->b->n_tools, public_name)
CHECK(load_check_backend, "backend", l->d->backends, l->d->n_backends, name)
CHECK(load_check_notifier, "notifier", l->d->notifiers, l->d->n_notifiers, name)

struct str load_person(struct load *l, const struct json *obj, const char *key, enum presence p)
{
	struct str name = load_text(l, obj, key, p);

	if (name.n > 0) {
		(void)load_check_person(l, json_get(obj, str_from(key)), name); /* it reports */
	}
	return name;
}

struct str load_group(struct load *l, const struct json *obj, const char *key, enum presence p)
{
	struct str name = load_text(l, obj, key, p);

	if (name.n > 0) {
		(void)load_check_group(l, json_get(obj, str_from(key)), name); /* it reports */
	}
	return name;
}

void load_check_tools(struct load *l, const struct json *list)
{
	if (json_type(list) != JSON_ARRAY) {
		return;
	}
	for (const struct json *item = list->child; item; item = item->next) {
		struct str name = STR_NULL;

		if (json_str(item, &name)) {
			(void)load_check_tool(l, item, name); /* it reports */
		}
	}
}

void load_check_name(struct load *l, const struct json *named)
{
	if (!name_is_valid(named->key)) {
		load_error(l, named,
			   "'" STR_FMT "': a name is lower case letters, digits, '.', '-', '_'",
			   STR_ARG(named->key));
	}
}

void load_check_signal(struct load *l, const struct json *at, struct str name)
{
	if (name.n && !signal_name_is_valid(name)) {
		load_error(l, at,
			   "'" STR_FMT "': a signal's name is lower case letters, digits and '_'",
			   STR_ARG(name));
	}
}
