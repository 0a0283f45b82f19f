/* SPDX-License-Identifier: Apache-2.0 */
/* core/reach.c - the smallest arguments that name a target. */
#include "core/reach.h"

#include "base/limits.h"
#include "core/schema.h"

enum { EXAMPLE_STRING = 64 }; /* longest minLength that is filled */

/* "/name" -> "name"; p == NULL for what is deeper. */
static struct str member_of(struct str pointer)
{
	struct str name = str_slice(pointer, 1, pointer.n);

	if (pointer.n < 2 || pointer.p[0] != '/' || str_find(name, '/') < name.n ||
	    str_find(name, '*') < name.n || str_find(name, '~') < name.n) {
		return STR_NULL;
	}
	return name;
}

/* The target of this tool that this argument holds, without its kind; p == NULL = none. */
static struct str value_for(const struct tool *t, struct str name, struct str target)
{
	size_t colon = str_find(target, ':');

	for (size_t i = 0; i < t->n_targets; i++) {
		const struct target_rule *rule = &t->targets[i];

		if (str_eq(member_of(rule->pointer), name) && name.n &&
		    str_eq(rule->kind, str_slice(target, 0, colon))) {
			return str_slice(target, colon + 1, target.n);
		}
	}
	return STR_NULL;
}

static bool is_of_type(const struct json *schema, const char *type)
{
	struct str name;

	return json_str(json_get(schema, STR("type")), &name) && str_eq(name, str_from(type));
}

static void write_string(struct json_out *w, const struct json *schema)
{
	char text[EXAMPLE_STRING];
	uint64_t n = 1;

	if (!json_u64(json_get(schema, STR("minLength")), &n) || n < 1 || n > EXAMPLE_STRING) {
		n = 1;
	}
	for (size_t i = 0; i < n; i++) {
		text[i] = 'x';
	}
	json_out_str(w, str_of(text, n));
}

/* Something the schema may take; whether it does is seen when the call is decided. */
static void write_any(struct json_out *w, const struct json *schema)
{
	static const char *const says[] = {"const", "default"};
	const struct json *options = json_get(schema, STR("enum"));

	for (size_t i = 0; i < ARRAY_LEN(says); i++) {
		if (json_get(schema, str_from(says[i]))) {
			json_out_node(w, json_get(schema, str_from(says[i])));
			return;
		}
	}
	if (json_type(options) == JSON_ARRAY && options->child) {
		json_out_node(w, options->child);
	} else if (is_of_type(schema, "integer") || is_of_type(schema, "number")) {
		if (json_get(schema, STR("minimum"))) {
			json_out_node(w, json_get(schema, STR("minimum")));
		} else {
			json_out_u64(w, 1);
		}
	} else if (is_of_type(schema, "boolean")) {
		json_out_bool(w, false);
	} else if (is_of_type(schema, "array")) {
		json_out_array(w);
		json_out_close(w);
	} else if (is_of_type(schema, "object")) {
		json_out_object(w);
		json_out_close(w);
	} else {
		write_string(w, schema);
	}
}

static bool is_required(const struct json *schema, struct str name)
{
	const struct json *list = json_get(schema, STR("required"));

	for (const struct json *c = json_type(list) == JSON_ARRAY ? list->child : NULL; c;
	     c = c->next) {
		struct str one;

		if (json_str(c, &one) && str_eq(one, name)) {
			return true;
		}
	}
	return false;
}

/* Is the target said without any argument? */
static bool is_constant(const struct tool *t, struct str target)
{
	size_t colon = str_find(target, ':');

	for (size_t i = 0; i < t->n_targets; i++) {
		if (t->targets[i].constant.n &&
		    str_eq(t->targets[i].kind, str_slice(target, 0, colon)) &&
		    str_eq(t->targets[i].constant, str_slice(target, colon + 1, target.n))) {
			return true;
		}
	}
	return false;
}

enum rc reach_example(const struct tool *t, struct str target, struct arena *arena,
		      const struct json **ret, bool *ret_is_whole, struct err *e)
{
	const struct json *properties = json_get(t->input_schema, STR("properties"));
	AUTO_BUF text = BUF_INIT(LIMIT_ARGS_BYTES);
	struct json_out w = json_out_to(&text);
	bool is_named = target.n == 0 || is_constant(t, target);
	struct str own;

	*ret = NULL;
	*ret_is_whole = true;
	json_out_object(&w);
	for (const struct json *p = json_type(properties) == JSON_OBJECT ? properties->child : NULL;
	     p; p = p->next) {
		struct str value = value_for(t, p->key, target);

		*ret_is_whole &= value.p != NULL;
		if (value.p) {
			is_named = true;
			json_out_key(&w, p->key);
			if (is_of_type(p, "array")) {
				json_out_array(&w);
				json_out_str(&w, value);
				json_out_close(&w);
			} else {
				json_out_str(&w, value);
			}
		} else if (is_required(t->input_schema, p->key)) {
			json_out_key(&w, p->key);
			write_any(&w, p);
		}
	}
	json_out_close(&w);
	if (!is_named) {
		return RC_OK;
	}
	TRY(json_out_end(&w, e));
	own = arena_str(arena, buf_view(&text));
	if (!own.p) {
		FAIL(e, RC_NOMEM, "no memory for an example");
	}
	return json_parse(arena, own, NULL, ret, e);
}
