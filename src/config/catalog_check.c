/* SPDX-License-Identifier: Apache-2.0 */
/* config/catalog_check.c - what must hold of a tool before anybody may call it.
 *
 * Holds:  (1) the effect is never lower than what the tool's own entry proves: a tool that changes
 *             access, deletes data or touches secrets, or whose undoing was not rehearsed within
 *             defaults.rehearsal, is destroy; the last is decided again at each call
 *             (core/rehearsal.c), which is destroy whatever it declares. `not_needed_by` stands for
 * the rehearsed inverse only, never against the three flags. (2) a tool that changes something can
 * be undone (or somebody signed that it need not), can be verified, and says what is preserved
 * before it.
 */
#include "config/catalog.h"
#include "core/schema.h"

static const uint64_t DAY_MS = 86400000;

/* ---- Effects ---- */

static bool is_rehearsed(const struct load *l, const struct tool *t)
{
	return t->rehearsal_targets.n > 0 || /* the log may know: decided at each call */
	       (t->rehearsed_unix_ms > 0 &&
		t->rehearsed_unix_ms + l->b->rehearsal_ms >= l->now_unix_ms);
}

/* NULL when the declared effect stands. */
static const char *why_destroy(const struct load *l, const struct tool *t, enum effect declared)
{
	if (t->changes_access) {
		return "it changes access";
	}
	if (t->deletes_data) {
		return "it deletes data";
	}
	if (t->touches_secrets) {
		return "it touches secrets";
	}
	if (declared != EFFECT_CONTAIN || t->inverse_not_needed) {
		return NULL;
	}
	return is_rehearsed(l, t) ? NULL : "its inverse was not rehearsed lately";
}

/* Would it be contain, if access were not what it changes? */
static bool only_changes_access(const struct load *l, const struct draft *d)
{
	struct tool as_tool = d->tool;

	as_tool.changes_access = false;
	return d->tool.changes_access && d->tool.n_cases == 0 && !d->is_unclassified &&
	       d->declared == EFFECT_CONTAIN && why_destroy(l, &as_tool, d->declared) == NULL;
}

/* A case is judged as a tool of its own would be. */
static void fix_case(struct load *l, struct draft *d, size_t i)
{
	struct effect_case *c = &d->cases[i];
	struct tool as_tool = d->tool;
	const char *why;

	as_tool.changes_access |= c->changes_access;
	as_tool.deletes_data |= c->deletes_data;
	as_tool.touches_secrets |= c->touches_secrets;
	why = why_destroy(l, &as_tool, c->effect);
	if (why && c->effect != EFFECT_DESTROY) {
		load_warn(l, json_at(json_get(d->effect_node, STR("cases")), i),
			  "this case of '" STR_FMT "' counts as destroy: %s", STR_ARG(d->tool.name),
			  why);
		c->effect = EFFECT_DESTROY;
	}
	if (c->effect < d->tool.effect) {
		d->tool.effect = c->effect;
	}
}

static void fix_effect(struct load *l, struct draft *d)
{
	const char *why =
	    d->is_unclassified ? "it declares no effect" : why_destroy(l, &d->tool, d->declared);

	d->tool.default_effect = why ? EFFECT_DESTROY : d->declared;
	if (why && (d->is_unclassified || d->declared != EFFECT_DESTROY)) {
		load_warn(l, d->effect_node ? d->effect_node : d->node,
			  "'" STR_FMT "' counts as destroy: %s", STR_ARG(d->tool.name), why);
	}
	d->tool.effect = d->tool.default_effect;
	d->tool.only_changes_access = only_changes_access(l, d);
	for (size_t i = 0; i < d->tool.n_cases; i++) {
		fix_case(l, d, i);
	}
	if (d->tool.rehearsed_unix_ms > 0 && d->tool.upstream->is_unverified) {
		load_error(l, json_get(d->node, STR("rehearsed")),
			   "'rehearsed' in a catalog with 'verified: false'");
	}
	if (d->tool.rehearsed_unix_ms > l->now_unix_ms + DAY_MS) {
		load_error(l, json_get(d->node, STR("rehearsed")), "'rehearsed' is in the future");
	}
}

/* ---- Derived calls ---- */

static const struct draft *find(const struct draft *drafts, size_t n, const struct draft *from,
				struct str name)
{
	for (size_t i = 0; i < n; i++) {
		if (drafts[i].tool.upstream == from->tool.upstream &&
		    str_eq(drafts[i].tool.name, name)) {
			return &drafts[i];
		}
	}
	return NULL;
}

/* Does the schema say that there is, or may be, a value at this pointer? Looks at the first part
 * only, where nearly all mistakes are. */
static bool may_have(const struct json *schema, struct str pointer, struct nearest *near)
{
	const struct json *properties = json_get(schema, STR("properties"));
	struct str first = str_slice(pointer, 1, pointer.n);

	first = str_slice(first, 0, str_find(first, '/'));
	*near = nearest_to(first);
	if (json_type(properties) != JSON_OBJECT || str_find(first, '~') < first.n) {
		return true;
	}
	for (const struct json *p = properties->child; p; p = p->next) {
		if (str_eq(p->key, first)) {
			return true;
		}
		nearest_try(near, p->key);
	}
	return false;
}

struct template_use {
	bool uses_pre;
};

/* {"$args": "/pointer"} and {"$pre": "/pointer"} anywhere in a template. */
static void check_template(struct load *l, const struct draft *d, const struct json *node,
			   struct template_use *use)
{
	const struct json *args = json_get(node, STR("$args"));
	const struct json *pre = json_get(node, STR("$pre"));
	struct str pointer = STR_NULL;
	struct nearest near;

	if (!args && !pre) {
		for (const struct json *c = node->child; c; c = c->next) {
			check_template(l, d, c, use);
		}
		return;
	}
	use->uses_pre |= pre != NULL;
	if (node->count != 1 || !json_str(args ? args : pre, &pointer) ||
	    (pointer.n > 0 && pointer.p[0] != '/')) {
		load_error(l, node, "expected {$args: /pointer} or {$pre: /pointer}");
		return;
	}
	if (args && pointer.n > 0 && !may_have(d->tool.input_schema, pointer, &near)) {
		load_unknown(l, args, "argument of this tool is called", &near);
	}
}

/* The callee must know these arguments and get those it requires. */
static void check_arguments(struct load *l, const struct json *at, const struct json *args,
			    const struct draft *callee)
{
	const struct json *required = json_get(callee->tool.input_schema, STR("required"));

	for (const struct json *a = args->child; a; a = a->next) {
		const struct json *properties =
		    json_get(callee->tool.input_schema, STR("properties"));
		struct nearest near = nearest_to(a->key);

		if (json_type(properties) != JSON_OBJECT || json_get(properties, a->key)) {
			continue;
		}
		for (const struct json *p = properties->child; p; p = p->next) {
			nearest_try(&near, p->key);
		}
		load_unknown(l, a, "argument of that tool is called", &near);
	}
	for (const struct json *r = json_type(required) == JSON_ARRAY ? required->child : NULL; r;
	     r = r->next) {
		struct str name = STR_NULL;

		if (json_str(r, &name) && !json_get(args, name)) {
			load_error(l, at, "'" STR_FMT "' requires the argument '" STR_FMT "'",
				   STR_ARG(callee->tool.name), STR_ARG(name));
		}
	}
}

const struct draft *catalog_check_call(struct load *l, const struct draft *drafts, size_t n,
				       const struct draft *d, const struct json *at,
				       const char *key, const struct derived_call *call,
				       bool must_read)
{
	const struct draft *callee = find(drafts, n, d, call->tool);
	struct template_use use = {0};

	if (!callee) {
		struct nearest near = nearest_to(call->tool);

		for (size_t i = 0; i < n; i++) {
			if (drafts[i].tool.upstream == d->tool.upstream) {
				nearest_try(&near, drafts[i].tool.name);
			}
		}
		load_unknown(l, json_get(at, STR("tool")), "tool of this upstream is called",
			     &near);
		return NULL;
	}
	/* Whether this very call only reads is seen when it is made. */
	if (must_read && callee->tool.default_effect != EFFECT_READ) {
		load_error(l, json_get(at, STR("tool")),
			   "'%s' must be a read tool; '" STR_FMT "' is " STR_FMT, key,
			   STR_ARG(call->tool), STR_ARG(effect_name(callee->tool.default_effect)));
	}
	check_arguments(l, at, call->args, callee);
	check_template(l, d, call->args, &use);
	if (call->equals) {
		check_template(l, d, call->equals, &use);
	}
	if (use.uses_pre && d->tool.capture.tool.n == 0) {
		load_error(l, at, "'%s' uses $pre, but no 'capture' says what the state before was",
			   key);
	}
	if (use.uses_pre && call == &d->tool.capture) {
		load_error(l, at, "'capture' cannot use $pre: it is what finds it");
	}
	return callee;
}

static void check_derived(struct load *l, const struct draft *drafts, size_t n,
			  const struct draft *d, const char *key, const struct derived_call *call,
			  bool must_read)
{
	if (call->tool.n > 0) {
		(void)catalog_check_call(l, drafts, n, d, json_get(d->node, str_from(key)), key,
					 call, must_read); /* it reports */
	}
}

/* ---- The rules ---- */

/* Does the template put in what was captured? */
static bool uses_pre(const struct json *template)
{
	if (json_get(template, STR("$pre"))) {
		return true;
	}
	for (const struct json *c = template ? template->child : NULL; c; c = c->next) {
		if (uses_pre(c)) {
			return true;
		}
	}
	return false;
}

static void check_change(struct load *l, const struct draft *d)
{
	const struct tool *t = &d->tool;

	if (t->n_targets == 0) {
		load_error(l, d->node, "'" STR_FMT "' changes something: 'targets' must say what",
			   STR_ARG(t->name));
	}
	if (t->inverse.tool.n == 0 && !t->inverse_not_needed && !d->has_no_inverse) {
		load_error(l, d->node,
			   "'" STR_FMT "' changes something: expected 'inverse', 'inverse' with "
			   "'not_needed_by' and 'reason', or 'inverse: none'",
			   STR_ARG(t->name));
	}
	if (t->verify.tool.n == 0 && !d->has_no_verify) {
		load_error(l, d->node, "'" STR_FMT "' changes something: 'verify' is missing",
			   STR_ARG(t->name));
	}
	if (t->evidence.n == 0) {
		load_error(l, d->node,
			   "'" STR_FMT
			   "' changes something: 'evidence' (what is preserved first, and "
			   "how long it is kept) is missing",
			   STR_ARG(t->name));
	}
	if (d->has_no_verify && t->effect != EFFECT_DESTROY) {
		load_error(l, json_get(d->node, STR("verify")),
			   "'verify: none' is for destroy: a containment is read back");
	}
	if (str_eq(t->inverse.tool, t->name) && !uses_pre(t->inverse.args)) {
		load_error(l, json_get(d->node, STR("inverse")),
			   "a tool does not undo itself, unless with the state that was captured");
	}
}

/* What can be undone stands for a time only, also when its entry does not say how long. */
static void check_term(struct load *l, struct draft *d)
{
	const struct json *term = json_get(d->node, STR("term"));

	if (!term) {
		d->tool.term_ms = d->tool.inverse.tool.n > 0 ? l->term_ms : 0;
		return;
	}
	if (d->tool.effect == EFFECT_READ) {
		load_error(l, term, "'term': a read has none");
	} else if (d->tool.inverse.tool.n == 0) {
		load_error(l, term, "'term': without an inverse there is nothing to end");
	} else if (d->tool.term_end == TERM_REVERT && d->tool.changes_access) {
		load_warn(l, term, "'end: revert' gives access back without asking anybody");
	}
}

static void check_schema(struct load *l, const struct draft *d)
{
	const struct tool *t = &d->tool;
	const struct json *at = t->input_schema;
	struct str type = STR_NULL;
	struct err e = ERR_INIT;

	if (!t->input_schema) {
		return;
	}
	if (schema_check(t->input_schema, t->effect != EFFECT_READ, &at, &e) != RC_OK) {
		load_error(l, at, "inputSchema: %s", e.msg);
		return;
	}
	if (!json_str(json_get(t->input_schema, STR("type")), &type) ||
	    !str_eq(type, STR("object"))) {
		load_error(l, t->input_schema, "'inputSchema': expected type: object");
	}
}

static void check_targets(struct load *l, const struct draft *d)
{
	const struct json *list = json_get(d->node, STR("targets"));

	for (size_t i = 0; i < d->tool.n_targets; i++) {
		const struct target_rule *rule = &d->tool.targets[i];
		struct nearest near;

		if (rule->pointer.n > 1 && !may_have(d->tool.input_schema, rule->pointer, &near)) {
			load_unknown(l, json_at(list, i), "argument of this tool is called", &near);
		}
	}
}

static void check_variables(struct load *l, const struct draft *d)
{
	const struct json *map = json_get(d->node, STR("variables"));

	if (json_type(map) != JSON_OBJECT) {
		return;
	}
	for (const struct json *v = map->child; v; v = v->next) {
		struct str pointer = STR_NULL;
		struct nearest near;

		if (json_str(v, &pointer) && (pointer.n < 2 || pointer.p[0] != '/')) {
			load_error(l, v, "expected a JSON pointer such as /login");
		} else if (pointer.n > 1 && !may_have(d->tool.input_schema, pointer, &near)) {
			load_unknown(l, v, "argument of this tool is called", &near);
		}
	}
}

void catalog_check(struct load *l, struct draft *drafts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		l->file = drafts[i].file;
		fix_effect(l, &drafts[i]);
	}
	for (size_t i = 0; i < n; i++) {
		struct draft *d = &drafts[i];

		l->file = d->file;
		if (d->tool.effect != EFFECT_READ) {
			check_change(l, d);
		}
		check_derived(l, drafts, n, d, "capture", &d->tool.capture, true);
		check_derived(l, drafts, n, d, "verify", &d->tool.verify, true);
		check_derived(l, drafts, n, d, "in_use", &d->tool.in_use, true);
		check_derived(l, drafts, n, d, "inverse", &d->tool.inverse, false);
		catalog_check_rehearsal(l, drafts, n, d);
		check_term(l, d);
		catalog_check_signals(l, d);
		check_schema(l, d);
		check_targets(l, d);
		check_variables(l, d);
		catalog_check_evidence(l, drafts, n, d);
	}
}
