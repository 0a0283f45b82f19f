/* SPDX-License-Identifier: Apache-2.0 */
/* core/derive.c - arguments of a call that follows from another call.
 *
 * Trust:  the template is the catalog's, arguments are an agent's, the captured state is an
 *         upstream's. Values are put in as they are, whole: nothing of them is read as template.
 */
#include <string.h>

#include "base/limits.h"
#include "core/decide.h"

struct deriving {
	const struct json *args;
	const struct json *pre;
	struct arena *arena;
};

static enum rc derive_node(const struct deriving *d, const struct json *template, unsigned depth,
			   struct json **ret, struct err *e);

static enum rc copy_node(const struct deriving *d, const struct json *j, struct json **ret,
			 struct err *e)
{
	struct json *copy = arena_alloc(d->arena, sizeof(*copy));

	if (!copy) {
		FAIL(e, RC_NOMEM, "no memory for derived arguments");
	}
	*copy = *j;
	copy->next = NULL;
	*ret = copy;
	return RC_OK;
}

/* {"$args": "/pointer"} or {"$pre": "/pointer"}: the value there, under the place's own key. */
static enum rc derive_reference(const struct deriving *d, const struct json *template,
				struct json **ret, struct err *e)
{
	const struct json *member = template->child;
	bool is_args = str_eq(member->key, STR("$args"));
	const struct json *found;
	struct str pointer;

	if (template->count != 1 || !json_str(member, &pointer)) {
		FAIL(e, RC_INPUT, "a reference is an object with one pointer");
	}
	found = json_pointer(is_args ? d->args : d->pre, pointer);
	if (!found) {
		FAIL(e, RC_INPUT, "there is no '" STR_FMT "' in the %s",
		     STR_ARG(str_slice(pointer, 0, LIMIT_ID_BYTES)),
		     is_args ? "arguments" : "captured state");
	}
	TRY(copy_node(d, found, ret, e));
	(*ret)->key = template->key;
	return RC_OK;
}

static bool is_reference(const struct json *j)
{
	return j->type == JSON_OBJECT &&
	       (json_get(j, STR("$args")) != NULL || json_get(j, STR("$pre")) != NULL);
}

static enum rc derive_children(const struct deriving *d, const struct json *template,
			       unsigned depth, struct json *into, struct err *e)
{
	const struct json **at = &into->child;

	into->child = NULL;
	into->raw = STR_NULL;
	for (const struct json *c = template->child; c; c = c->next) {
		struct json *node;

		TRY(derive_node(d, c, depth + 1, &node, e));
		*at = node;
		at = &node->next;
	}
	return RC_OK;
}

static enum rc derive_node(const struct deriving *d, const struct json *template, unsigned depth,
			   struct json **ret, struct err *e)
{
	if (depth >= LIMIT_JSON_DEPTH) {
		FAIL(e, RC_LIMIT, "a template nested deeper than %d", LIMIT_JSON_DEPTH);
	}
	if (is_reference(template)) {
		return derive_reference(d, template, ret, e);
	}
	TRY(copy_node(d, template, ret, e));
	if (template->type == JSON_OBJECT || template->type == JSON_ARRAY) {
		TRY(derive_children(d, template, depth, *ret, e));
	}
	return RC_OK;
}

enum rc derive_args(const struct json *template, const struct json *args, const struct json *pre,
		    struct arena *arena, const struct json **ret, struct err *e)
{
	static const struct json no_arguments = {.type = JSON_OBJECT};
	const struct deriving d = {.args = args, .pre = pre, .arena = arena};
	struct json *root;

	TRY(derive_node(&d, template ? template : &no_arguments, 0, &root, e));
	root->key = STR_NULL;
	*ret = root;
	return RC_OK;
}
