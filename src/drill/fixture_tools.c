/* SPDX-License-Identifier: Apache-2.0 */
/* drill/fixture_tools.c - tools in the short form: what they act on, what they set, what undoes it.
 *
 *	isolate: {effect: contain, on: host, sets: {isolated: true}, undo: release}
 *
 * becomes an entry with schema, target, capture, inverse, verification, evidence and a rehearsal
 * last week, and beside it a read look_isolate that shows the target's state. Only what is not
 * written is made up.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "drill/fixture_impl.h"

static const char *const short_keys[] = {"on", "arguments", "sets", "undo", "returns"};

struct str fixture_tool_name(struct making *m, const struct json *name)
{
	struct str text = STR("");
	struct str rest;
	struct str upstream;

	if (!json_str(name, &text)) {
		load_error(m->l, name, "expected the name of a tool, as upstream.tool");
		return STR("");
	}
	rest = text;
	upstream = str_cut(&rest, '.');
	return rest.p ? arena_strf(m->a, STR_FMT "___" STR_FMT, STR_ARG(upstream), STR_ARG(rest))
		      : text;
}

struct json *fixture_tool_names(struct making *m, const struct json *list)
{
	struct json *names = node_array(m->a, list);

	if (json_type(list) != JSON_ARRAY) {
		load_error(m->l, list, "expected a list of tools");
		return names;
	}
	for (const struct json *n = list->child; n; n = n->next) {
		node_push(names, node_text(m->a, n, fixture_tool_name(m, n)));
	}
	return names;
}

/* ---- arguments ---- */

/* "string", "integer?", [string] -> a schema. */
static struct json *schema_of(struct making *m, const struct json *type)
{
	struct json *schema = node_object(m->a, type);
	struct str word = STR("");

	if (json_type(type) == JSON_OBJECT) {
		return node_copy(m->a, type); /* a schema already */
	}
	if (json_type(type) == JSON_ARRAY) {
		node_put(m->a, schema, STR("type"), node_text(m->a, type, STR("array")));
		if (type->child) {
			node_put(m->a, schema, STR("items"), schema_of(m, type->child));
		}
		return schema;
	}
	if (!json_str(type, &word)) {
		load_error(m->l, type, "expected a type, such as string or [string]");
	}
	if (str_has_suffix(word, STR("?"))) {
		word.n--;
	}
	if (!str_eq(word, STR("any"))) {
		node_put(m->a, schema, STR("type"), node_text(m->a, type, word));
	}
	return schema;
}

static bool is_optional(const struct json *type)
{
	struct str word = STR("");

	if (json_type(type) == JSON_ARRAY && type->child) {
		return is_optional(type->child);
	}
	return json_str(type, &word) && str_has_suffix(word, STR("?"));
}

static struct json *input_schema(struct making *m, const struct json *arguments,
				 const struct json *at)
{
	struct json *schema = node_object(m->a, at);
	struct json *properties = node_object(m->a, at);
	struct json *required = node_array(m->a, at);

	for (const struct json *a = arguments ? arguments->child : NULL; a; a = a->next) {
		node_put(m->a, properties, a->key, schema_of(m, a));
		if (!is_optional(a)) {
			node_push(required, node_text(m->a, a, a->key));
		}
	}
	node_put(m->a, schema, STR("type"), node_text(m->a, at, STR("object")));
	node_put(m->a, schema, STR("properties"), properties);
	node_put(m->a, schema, STR("required"), required);
	node_put(m->a, schema, STR("additionalProperties"), node_bool(m->a, at, false));
	return schema;
}

/* ---- one tool ---- */

struct draft {
	struct json *tool; /* being made */
	const struct json *given;
	struct str name;
	struct json *arguments; /* name -> type */
	struct json *targets;	/* argument names that hold targets -> true */
};

/* on: kind | {kind: pointer}. A kind alone is an argument of its name. */
static void read_on(struct making *m, struct draft *d)
{
	const struct json *on = json_get(d->given, STR("on"));
	struct json *targets = node_array(m->a, on);
	struct json *map = node_object(m->a, on);
	struct str kind = STR("");

	if (!on) {
		return;
	}
	if (json_str(on, &kind)) {
		node_put(m->a, map, kind, node_textf(m->a, on, "/%.*s", STR_ARG(kind)));
	} else if (json_type(on) == JSON_OBJECT) {
		map = node_copy(m->a, on);
	} else {
		load_error(m->l, on, "'on': expected a kind of target, or {kind: /argument}");
	}
	for (const struct json *k = map->child; k; k = k->next) {
		struct json *rule = node_object(m->a, k);
		struct str pointer = STR("");
		struct str first;

		if (!json_str(k, &pointer) || pointer.n < 2 || pointer.p[0] != '/') {
			load_error(m->l, k, "expected a JSON pointer, such as /host");
			continue;
		}
		first = str_slice(pointer, 1, pointer.n);
		first = str_cut(&first, '/');
		node_put(m->a, rule, STR("kind"), node_text(m->a, k, k->key));
		node_put(m->a, rule, STR("pointer"), node_text(m->a, k, pointer));
		node_push(targets, rule);
		node_default(m->a, d->arguments, first, node_text(m->a, k, STR("string")));
		node_put(m->a, d->targets, first, node_bool(m->a, k, true));
	}
	node_default(m->a, d->tool, STR("targets"), targets);
}

static void make_definition(struct making *m, struct draft *d)
{
	struct json *definition;

	node_default(m->a, d->tool, STR("definition"), node_object(m->a, d->given));
	definition = node_mutable(json_get(d->tool, STR("definition")));
	if (json_type(definition) == JSON_OBJECT) {
		node_default(m->a, definition, STR("description"),
			     node_text(m->a, d->given, d->name));
		node_default(m->a, definition, STR("inputSchema"),
			     input_schema(m, d->arguments, d->given));
	}
}

/* {host: {$args: /host}} for the arguments that hold targets. */
static struct json *same_targets(struct making *m, const struct draft *d)
{
	struct json *args = node_object(m->a, d->given);

	for (const struct json *t = d->targets->child; t; t = t->next) {
		struct json *ref = node_object(m->a, t);

		node_put(m->a, ref, STR("$args"), node_textf(m->a, t, "/%.*s", STR_ARG(t->key)));
		node_put(m->a, args, t->key, ref);
	}
	return args;
}

static struct str last_week(struct making *m)
{
	time_t at = (time_t)(m->l->now_unix_ms / 1000 - 7 * 86400);
	struct tm tm;
	char date[32];

	MUST(gmtime_r(&at, &tm) != NULL);
	MUST(strftime(date, sizeof(date), "%Y-%m-%d", &tm) > 0);
	return arena_str(m->a, str_from(date));
}

/* The first field that a tool sets: what tells whether it did its work. */
static const struct json *first_set(const struct json *tool)
{
	const struct json *sets = json_get(tool, STR("sets"));

	return json_type(sets) == JSON_OBJECT ? sets->child : NULL;
}

static struct json *look_at(struct making *m, const struct draft *d)
{
	struct json *call = node_object(m->a, d->given);

	node_put(m->a, call, STR("tool"),
		 node_textf(m->a, d->given, "look_%.*s", STR_ARG(d->name)));
	node_put(m->a, call, STR("arguments"), same_targets(m, d));
	return call;
}

static void make_undo(struct making *m, struct draft *d, const struct json *tools)
{
	const struct json *undo = json_get(d->given, STR("undo"));
	struct str name = node_word(undo, STR("none"));
	struct json *inverse = node_object(m->a, undo ? undo : d->given);
	const struct json *set;

	if (json_get(d->tool, STR("inverse"))) {
		return;
	}
	if (str_eq(name, STR("none"))) {
		node_put(m->a, inverse, STR("not_needed_by"), node_text(m->a, undo, STR("olga")));
		node_put(m->a, inverse, STR("reason"),
			 node_text(m->a, undo, STR("there is no way back")));
		node_put(m->a, d->tool, STR("inverse"), inverse);
		return;
	}
	set = first_set(json_get(tools, name));
	node_put(m->a, inverse, STR("tool"), node_text(m->a, undo, name));
	node_put(m->a, inverse, STR("arguments"), same_targets(m, d));
	if (set) {
		struct json *when = node_object(m->a, undo);

		node_put(m->a, when, STR("pointer"),
			 node_textf(m->a, undo, "/%.*s", STR_ARG(set->key)));
		node_put(m->a, when, STR("equals"), node_copy(m->a, set));
		node_put(m->a, inverse, STR("when"), when);
	}
	node_put(m->a, d->tool, STR("inverse"), inverse);
	node_default(m->a, d->tool, STR("capture"), look_at(m, d));
}

static void make_change(struct making *m, struct draft *d, const struct json *tools)
{
	const struct json *set = first_set(d->given);
	struct json *verify = look_at(m, d);
	struct json *evidence = node_object(m->a, d->given);

	node_put(m->a, verify, STR("pointer"),
		 node_textf(m->a, d->given, "/%.*s", STR_ARG(set ? set->key : d->name)));
	node_put(m->a, verify, STR("equals"),
		 set ? node_copy(m->a, set) : node_bool(m->a, d->given, true));
	node_put(m->a, evidence, STR("what"), node_text(m->a, d->given, STR("the state before")));
	node_put(m->a, evidence, STR("keep"), node_text(m->a, d->given, STR("90d")));
	make_undo(m, d, tools);
	node_default(m->a, d->tool, STR("verify"), verify);
	node_default(m->a, d->tool, STR("evidence"), evidence);
	node_default(m->a, d->tool, STR("rehearsed"), node_text(m->a, d->given, last_week(m)));
}

/* The read that shows what the tool changes. */
static struct json *make_look(struct making *m, const struct draft *d, bool is_command)
{
	struct json *look = node_object(m->a, d->given);
	struct json *arguments = node_object(m->a, d->given);
	struct json *definition = node_object(m->a, d->given);

	for (const struct json *t = d->targets->child; t; t = t->next) {
		node_put(m->a, arguments, t->key, node_copy(m->a, json_get(d->arguments, t->key)));
	}
	node_put(m->a, look, STR("effect"), node_text(m->a, d->given, STR("read")));
	if (json_get(d->tool, STR("targets"))) {
		node_put(m->a, look, STR("targets"),
			 node_copy(m->a, json_get(d->tool, STR("targets"))));
	}
	node_put(m->a, look, STR("data"), node_copy(m->a, json_get(d->tool, STR("data"))));
	node_put(m->a, definition, STR("description"),
		 node_textf(m->a, d->given, "what %.*s changes", STR_ARG(d->name)));
	node_put(m->a, definition, STR("inputSchema"), input_schema(m, arguments, d->given));
	node_put(m->a, look, STR("definition"), definition);
	if (is_command) {
		struct json *command = node_array(m->a, d->given);

		node_push(command, node_text(m->a, d->given, STR("/bin/true")));
		node_put(m->a, look, STR("command"), command);
		node_put(m->a, look, STR("output"), node_text(m->a, d->given, STR("json")));
	}
	return look;
}

static void note_data(struct making *m, const struct json *tool)
{
	const struct json *list = json_get(tool, STR("data"));

	for (const struct json *c = json_type(list) == JSON_ARRAY ? list->child : NULL; c;
	     c = c->next) {
		bool is_known = false;

		for (const struct json *k = m->data->child; k; k = k->next) {
			is_known |= str_eq(k->text, c->text);
		}
		if (!is_known) {
			node_push(m->data, node_text(m->a, c, c->text));
		}
	}
}

/* What changes something: its effect, or one of its effects by arguments, is not a read. */
static bool is_read(const struct json *given)
{
	return str_eq(node_word(json_get(given, STR("effect")), STR("")), STR("read"));
}

static enum rc make_tool(struct making *m, const struct json *given, const struct json *tools,
			 struct str upstream, bool is_command, struct json *into)
{
	struct draft d = {.given = given,
			  .name = given->key,
			  .tool = node_copy(m->a, given),
			  .targets = node_object(m->a, given)};
	const struct json *arguments = json_get(given, STR("arguments"));
	struct fixture_tool simulated = {.upstream = upstream,
					 .tool = given->key,
					 .sets = json_get(given, STR("sets")),
					 .returns = json_get(given, STR("returns"))};
	struct json *data = node_array(m->a, given);
	struct json *command = node_array(m->a, given);

	if (json_type(given) != JSON_OBJECT) {
		load_error(m->l, given, "a tool: expected keys and values");
		return RC_OK;
	}
	d.arguments = arguments ? node_copy(m->a, arguments) : node_object(m->a, given);
	for (size_t i = 0; i < ARRAY_LEN(short_keys); i++) {
		(void)node_remove(d.tool, json_get(d.tool, str_from(short_keys[i])));
	}
	node_push(data, node_text(m->a, given, STR("ops")));
	node_default(m->a, d.tool, STR("data"), data);
	note_data(m, d.tool);
	read_on(m, &d);
	make_definition(m, &d);
	if (is_command) {
		node_push(command, node_text(m->a, given, STR("/bin/true")));
		node_default(m->a, d.tool, STR("command"), command);
		node_default(m->a, d.tool, STR("output"), node_text(m->a, given, STR("json")));
	}
	if (!is_read(given)) {
		make_change(m, &d, tools);
		node_put(m->a, into, arena_strf(m->a, "look_" STR_FMT, STR_ARG(d.name)),
			 make_look(m, &d, is_command));
	}
	node_put(m->a, into, d.name, d.tool);
	TRY(vec_push(&m->granted,
		     arena_strf(m->a, STR_FMT "___" STR_FMT, STR_ARG(upstream), STR_ARG(d.name))));
	return vec_push(&m->f->tools, simulated);
}

/* ---- upstreams ---- */

static enum rc make_upstream(struct making *m, const struct json *given, struct err *e)
{
	struct json *u = node_copy(m->a, given);
	const struct json *tools = load_map(m->l, given, "tools", REQUIRED);
	struct json *all = node_object(m->a, given);
	struct str path = arena_strf(m->a, "upstreams/" STR_FMT ".yaml", STR_ARG(given->key));
	struct str transport = node_word(json_get(given, STR("transport")), STR("command"));

	if (!tools || json_type(given) != JSON_OBJECT) {
		return RC_OK;
	}
	node_default(m->a, u, STR("transport"), node_text(m->a, given, STR("command")));
	if (str_eq(transport, STR("http"))) {
		node_default(m->a, u, STR("url"),
			     node_text(m->a, given, STR("http://127.0.0.1:9/mcp")));
	} else if (str_eq(transport, STR("stdio"))) {
		struct json *command = node_array(m->a, given);

		node_push(command, node_text(m->a, given, STR("/bin/true")));
		node_default(m->a, u, STR("command"), command);
	}
	for (const struct json *t = tools->child; t; t = t->next) {
		TRY(make_tool(m, t, tools, given->key, str_eq(transport, STR("command")), all));
	}
	node_put(m->a, u, STR("tools"), all);
	return tree_find(m->tree, path) ? RC_OK : tree_put_document(m->tree, path, u, e);
}

enum rc fixture_make_upstreams(struct making *m, struct err *e)
{
	const struct json *given = load_map(m->l, m->fixture, "upstreams", OPTIONAL);

	m->data = node_array(m->a, m->fixture);
	for (const struct json *u = given ? given->child : NULL; u; u = u->next) {
		TRY(make_upstream(m, u, e));
	}
	return RC_OK;
}
