/* SPDX-License-Identifier: Apache-2.0 */
/* config/catalog_flow.c - a tool's `egress`, `requires`, `invariant`, `in_use` and `fence`.
 *
 * Holds:  (1) a condition names something that can come about: a tool of the catalog, a class that
 *             some tool returns, an argument of the schema.
 */
#include "config/catalog.h"

static void read_egress(struct load *l, const struct json *node, struct tool *t)
{
	t->egress = load_text(l, node, "egress", OPTIONAL);
	if (t->egress.n == 0) {
		t->egress = STR("none");
	} else if (!str_eq(t->egress, STR("none")) && !str_eq(t->egress, STR("external")) &&
		   !str_eq(t->egress, STR("public"))) {
		load_error(l, json_get(node, STR("egress")),
			   "'egress': expected none, external or public, found '" STR_FMT "'",
			   STR_ARG(t->egress));
	}
}

static void read_prerequisite(struct load *l, const struct json *one, const struct tool *t,
			      struct prerequisite *p)
{
	struct str about;
	struct str tool;

	if (!load_keys(l, one, "a requirement", "tool label for")) {
		return;
	}
	tool = load_text(l, one, "tool", OPTIONAL);
	p->label = load_text(l, one, "label", OPTIONAL);
	about = load_text(l, one, "for", OPTIONAL);
	p->is_for_target = str_eq(about, STR("target"));
	if (about.n && !p->is_for_target && !str_eq(about, STR("task"))) {
		load_error(l, json_get(one, STR("for")),
			   "'for': expected target or task, found '" STR_FMT "'", STR_ARG(about));
	}
	if ((tool.n > 0) == (p->label.n > 0)) {
		load_error(l, one, "a requirement is a tool or a label");
		return;
	}
	if (p->label.n && p->is_for_target) {
		load_error(l, one, "'for': a label is of the task");
	}
	if (str_contains(tool, STR("___")) || tool.n == 0) {
		p->tool = tool;
		return;
	}
	p->tool =
	    arena_strf(l->arena, STR_FMT "___" STR_FMT, STR_ARG(t->upstream->name), STR_ARG(tool));
	l->is_out_of_memory |= !p->tool.p;
}

static void read_prerequisites(struct load *l, const struct json *node, struct tool *t)
{
	const struct json *list = load_array(l, node, "requires", OPTIONAL);
	struct prerequisite *p = list ? load_alloc(l, list->count, sizeof(*p)) : NULL;

	t->prerequisites = p;
	for (const struct json *one = p ? list->child : NULL; one; one = one->next) {
		read_prerequisite(l, one, t, &p[t->n_prerequisites++]);
	}
}

static bool read_bound(struct load *l, const struct json *one, const char *key, int64_t *ret)
{
	const struct json *v = json_get(one, str_from(key));

	if (v && !json_i64(v, ret)) {
		load_error(l, v, "'%s': expected a whole number", key);
	}
	return v != NULL;
}

static void read_invariants(struct load *l, const struct json *node, struct tool *t)
{
	const struct json *list = load_array(l, node, "invariant", OPTIONAL);
	struct invariant *all = list ? load_alloc(l, list->count, sizeof(*all)) : NULL;

	t->invariants = all;
	for (const struct json *one = all ? list->child : NULL; one; one = one->next) {
		struct invariant *i = &all[t->n_invariants++];

		if (!load_keys(l, one, "an invariant", "pointer not_empty max min equals")) {
			continue;
		}
		i->pointer = load_text(l, one, "pointer", REQUIRED);
		i->not_empty = load_flag(l, one, "not_empty");
		i->has_max = read_bound(l, one, "max", &i->max);
		i->has_min = read_bound(l, one, "min", &i->min);
		i->equals = json_get(one, STR("equals"));
		if (!i->not_empty && !i->has_max && !i->has_min && !i->equals) {
			load_error(l, one,
				   "the invariant asks nothing: expected not_empty, max, min or "
				   "equals");
		}
	}
}

/* A member of the arguments themselves, which the schema knows and does not demand. */
static void check_fence(struct load *l, const struct json *node, const struct tool *t)
{
	const struct json *at = json_get(node, STR("fence"));
	struct str name = str_slice(t->fence, 1, t->fence.n);
	const struct json *required = json_get(t->input_schema, STR("required"));

	if (!str_has_prefix(t->fence, STR("/")) || name.n == 0 || str_find(name, '/') < name.n ||
	    str_find(name, '~') < name.n || str_find(name, '"') < name.n ||
	    str_find(name, '\\') < name.n) {
		load_error(l, at, "'fence': expected the pointer of one argument, such as /token");
		return;
	}
	if (!json_get(json_get(t->input_schema, STR("properties")), name)) {
		load_error(l, at, "'fence': the schema has no property '" STR_FMT "'",
			   STR_ARG(name));
	}
	for (const struct json *r = json_type(required) == JSON_ARRAY ? required->child : NULL; r;
	     r = r->next) {
		if (str_eq(r->text, name)) {
			load_error(l, at,
				   "'fence': '" STR_FMT
				   "' is required, but the agent does not know it: Remit fills it "
				   "in",
				   STR_ARG(name));
		}
	}
}

void catalog_read_flow(struct load *l, const struct json *node, struct tool *t)
{
	read_egress(l, node, t);
	read_prerequisites(l, node, t);
	read_invariants(l, node, t);
	t->fence = load_text(l, node, "fence", OPTIONAL);
	if (t->fence.n) {
		check_fence(l, node, t);
	}
	if (json_get(node, STR("in_use"))) {
		const struct json *in_use = load_map(l, node, "in_use", OPTIONAL);

		catalog_read_derived(l, in_use, "in_use", "tool arguments pointer equals",
				     &t->in_use);
		t->in_use.pointer = load_text(l, in_use, "pointer", REQUIRED);
		t->in_use.equals = load_get(l, in_use, "equals", REQUIRED);
	}
}

static bool some_tool_returns(const struct load *l, struct str class)
{
	for (size_t i = 0; i < l->b->n_tools; i++) {
		if (str_list_has(&l->b->tools[i].data, class) ||
		    (l->b->tools[i].is_untrusted && str_eq(class, STR("untrusted")))) {
			return true;
		}
	}
	return false;
}

/* (1) */
void catalog_check_flow(struct load *l)
{
	for (size_t i = 0; i < l->b->n_tools; i++) {
		const struct tool *t = &l->b->tools[i];

		for (size_t k = 0; k < t->n_prerequisites; k++) {
			const struct prerequisite *p = &t->prerequisites[k];

			if (p->tool.n && !bundle_tool(l->b, p->tool)) {
				load_error(l, NULL,
					   "tool '" STR_FMT "' requires '" STR_FMT
					   "', which is no tool",
					   STR_ARG(t->public_name), STR_ARG(p->tool));
			}
			if (p->label.n && !some_tool_returns(l, p->label)) {
				load_error(l, NULL,
					   "tool '" STR_FMT "' requires label '" STR_FMT
					   "', which no tool's results carry",
					   STR_ARG(t->public_name), STR_ARG(p->label));
			}
		}
	}
}
