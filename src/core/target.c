/* SPDX-License-Identifier: Apache-2.0 */
/* core/target.c - the assets that a call acts on.
 *
 * Trust:  arguments are hostile; rules come from the catalog.
 * Holds:  (1) what is not certainly some assets is an error, never an empty list.
 *         (2) each half of a name is a name itself, and says nothing about the other half.
 */
#include "core/target.h"

#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "core/argument.h"
#include "core/selector.h"

/* The targets found so far; the first reason sticks. */
struct finding {
	const struct target_rule *rule;
	const struct inventory *inventory;
	struct arena *arena;
	struct str items[LIMIT_TARGETS]; /* sorted, distinct */
	size_t n;
	enum reason reason;
};

static bool keep(struct finding *f, struct str target)
{
	size_t at = 0;

	while (at < f->n && str_cmp(f->items[at], target) < 0) {
		at++;
	}
	if (at < f->n && str_eq(f->items[at], target)) {
		return true;
	}
	if (f->n == ARRAY_LEN(f->items)) {
		f->reason = REASON_TARGET_LIMIT;
		return false;
	}
	memmove(&f->items[at + 1], &f->items[at], (f->n - at) * sizeof(target));
	f->items[at] = target;
	f->n++;
	return true;
}

static bool add(struct finding *f, struct str value)
{
	struct str target;

	f->reason = target_canonical(f->rule->kind, value, f->arena, &target);
	/* The id of a site where one of an app belongs is a text like any other: only the inventory
	 * knows that it is no app. */
	if (f->reason == REASON_NONE && f->rule->must_be_listed &&
	    (!f->inventory || !inventory_find(f->inventory, target))) {
		f->reason = REASON_TARGET_TYPE_MISMATCH;
	}
	return f->reason == REASON_NONE && keep(f, target);
}

/* ---- a text, or a list of texts ---- */

static bool add_texts(void *ctx, const struct json *value)
{
	struct finding *f = ctx;
	struct str text;

	if (json_str(value, &text)) {
		return add(f, text);
	}
	if (value->type != JSON_ARRAY) {
		f->reason = REASON_TARGET_TYPE_MISMATCH;
	} else if (value->count == 0) {
		f->reason = REASON_SELECTOR_EMPTY_OR_WILDCARD;
	} else if (value->count > LIMIT_TARGETS) {
		f->reason = REASON_TARGET_LIMIT;
	}
	for (const struct json *item = value->child; item && f->reason == REASON_NONE;
	     item = item->next) {
		if (json_str(item, &text)) {
			(void)add(f, text); /* the reason ends the loop */
		} else {
			f->reason = REASON_TARGET_TYPE_MISMATCH;
		}
	}
	return f->reason == REASON_NONE;
}

/* ---- names in one text ---- */

/* Separated by commas or ends of lines; the text may end in an end of line. */
static bool add_split(void *ctx, const struct json *value)
{
	struct finding *f = ctx;
	struct str rest;

	if (!json_str(value, &rest)) {
		f->reason = REASON_TARGET_TYPE_MISMATCH;
		return false;
	}
	if (str_has_suffix(rest, STR("\n"))) {
		rest.n--;
	}
	do {
		size_t comma = str_find(rest, ',');
		size_t line = str_find(rest, '\n');
		struct str item = str_cut(&rest, comma < line ? ',' : '\n');

		if (str_has_suffix(item, STR("\r"))) {
			item.n--;
		}
		if (!add(f, str_trim(item))) {
			return false;
		}
	} while (rest.p);
	return true;
}

/* ---- a selector of labels ---- */

static bool add_selected(void *ctx, const struct json *value)
{
	struct finding *f = ctx;
	struct selector s;
	struct str text;
	bool some = false;

	if (!json_str(value, &text) || selector_parse(text, f->arena, &s, NULL) != RC_OK) {
		f->reason = json_str(value, &text) && str_trim(text).n == 0
				? REASON_SELECTOR_EMPTY_OR_WILDCARD
				: REASON_TARGET_TYPE_MISMATCH;
		return false;
	}
	if (!selector_is_narrow(&s)) {
		f->reason = REASON_SELECTOR_EMPTY_OR_WILDCARD;
		return false;
	}
	for (size_t i = 0; f->inventory && i < f->inventory->n_assets; i++) {
		const struct asset *a = &f->inventory->assets[i];

		if (!str_eq(str_slice(a->target, 0, str_find(a->target, ':')), f->rule->kind) ||
		    !selector_matches(&s, &a->labels)) {
			continue;
		}
		if (!keep(f, a->target)) {
			return false;
		}
		some = true;
	}
	if (!some) { /* nobody knows what the tool would find */
		f->reason = REASON_SELECTOR_EMPTY_OR_WILDCARD;
	}
	return some;
}

/* ---- a name of several parts ---- */

/* (2): the characters between the parts of a template stand in none of them. */
static enum reason part_is_name(struct str template, struct str part)
{
	if (str_trim(part).n == 0) {
		return REASON_SELECTOR_EMPTY_OR_WILDCARD;
	}
	if (!target_text_is_plain(part)) {
		return REASON_TARGET_TYPE_MISMATCH;
	}
	/* "default" is the name of a namespace; alone it would name nothing. */
	if (target_is_wildcard(part) && !str_eq(part, STR("default"))) {
		return REASON_SELECTOR_EMPTY_OR_WILDCARD;
	}
	while (template.n > 0) {
		struct str literal = str_cut(&template, '{');

		for (size_t i = 0; i < literal.n; i++) {
			if (str_find(part, literal.p[i]) < part.n) {
				return REASON_TARGET_TYPE_MISMATCH;
			}
		}
		if (template.p) {
			(void)str_cut(&template, '}'); /* the place of a part */
		}
	}
	return REASON_NONE;
}

static enum reason fill(struct finding *f, const struct json *value, struct buf *name)
{
	struct str rest = f->rule->template;

	while (rest.n > 0) {
		struct str literal = str_cut(&rest, '{');
		struct str pointer;
		struct str part;
		enum reason reason;
		const struct json *found;

		if (buf_add(name, literal) != RC_OK) {
			return REASON_TARGET_LIMIT;
		}
		if (!rest.p) {
			break;
		}
		pointer = str_cut(&rest, '}');
		found = str_has_prefix(pointer, STR("/")) ? json_pointer(value, pointer)
							  : json_get(value, pointer);
		if (json_type(found) == JSON_NONE || json_type(found) == JSON_NULL) {
			return REASON_SELECTOR_EMPTY_OR_WILDCARD; /* half a name is not a name */
		}
		if (!json_str(found, &part)) {
			return REASON_TARGET_TYPE_MISMATCH;
		}
		reason = part_is_name(f->rule->template, part);
		if (reason != REASON_NONE) {
			return reason;
		}
		if (buf_add(name, part) != RC_OK) {
			return REASON_TARGET_LIMIT;
		}
	}
	return REASON_NONE;
}

static bool add_filled(void *ctx, const struct json *value)
{
	struct finding *f = ctx;
	AUTO_BUF name = BUF_INIT(TARGET_VALUE_BYTES);

	f->reason = fill(f, value, &name);
	return f->reason == REASON_NONE && add(f, buf_view(&name));
}

/* ---- all of them ---- */

static argument_fn *reader_of(enum target_form form)
{
	switch (form) {
	case TARGET_LIST:
		return add_split;
	case TARGET_SELECTOR:
		return add_selected;
	case TARGET_TEMPLATE:
		return add_filled;
	case TARGET_TEXT:
		break;
	}
	return add_texts;
}

static void follow(struct finding *f, const struct json *args)
{
	struct argument_walk walk;
	struct str target;

	if (f->rule->constant.n > 0) {
		f->reason = target_canonical(f->rule->kind, f->rule->constant, f->arena, &target);
		if (f->reason == REASON_NONE) {
			(void)keep(f, target); /* the reason says it */
		}
		return;
	}
	walk = argument_each(args, f->rule->pointer, reader_of(f->rule->form), f);
	if (f->reason == REASON_NONE && walk.is_confused) {
		f->reason = REASON_TARGET_TYPE_MISMATCH;
	}
}

enum reason target_resolve(const struct tool *tool, const struct json *args,
			   const struct inventory *inventory, struct arena *arena,
			   struct str_list *ret)
{
	struct finding f = {.inventory = inventory, .arena = arena};

	for (size_t i = 0; i < tool->n_targets; i++) {
		f.rule = &tool->targets[i];
		follow(&f, args);
		if (f.reason != REASON_NONE) {
			return f.reason;
		}
	}
	if (tool->n_targets > 0 && f.n == 0) {
		return REASON_SELECTOR_EMPTY_OR_WILDCARD; /* (1) */
	}
	/* The texts are in the arena; only the list moves there. */
	*ret = (struct str_list){0};
	if (f.n > 0) {
		struct str *items = arena_alloc_n(arena, f.n, sizeof(*items));

		if (!items) {
			return REASON_LIMIT;
		}
		memcpy(items, f.items, f.n * sizeof(*items));
		*ret = (struct str_list){.p = items, .n = f.n};
	}
	return REASON_NONE;
}

static bool template_is_begun(const struct target_rule *rule, const struct json *args)
{
	struct str rest = rule->template;

	while (rest.n > 0) {
		struct str part;

		(void)str_cut(&rest, '{'); /* what stands between the parts */
		part = rest.p ? str_cut(&rest, '}') : STR_NULL;
		if (part.n > 0 && (str_has_prefix(part, STR("/")) ? json_pointer(args, part)
								  : json_get(args, part))) {
			return true;
		}
	}
	return false;
}

bool target_is_named(const struct tool *tool, const struct json *args)
{
	for (size_t i = 0; i < tool->n_targets; i++) {
		const struct target_rule *rule = &tool->targets[i];
		struct argument_walk walk = argument_each(args, rule->pointer, NULL, NULL);

		if (rule->constant.n > 0) {
			continue;
		}
		if (rule->form == TARGET_TEMPLATE && rule->pointer.n == 0
			? template_is_begun(rule, args)
			: walk.n > 0 || walk.is_confused) {
			return true;
		}
	}
	return false;
}

bool target_in_list(const struct str_list *list, struct str target)
{
	struct str kind = str_slice(target, 0, str_find(target, ':') + 1);

	for (size_t i = 0; i < list->n; i++) {
		struct str entry = list->p[i];

		if (str_eq(entry, target)) {
			return true;
		}
		if (str_has_suffix(entry, STR(":*")) && kind.n > 0 &&
		    str_eq(str_slice(entry, 0, entry.n - 1), kind)) {
			return true;
		}
	}
	return false;
}
