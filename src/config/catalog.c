/* SPDX-License-Identifier: Apache-2.0 */
/* config/catalog.c - reading one tool of the catalog.
 *
 * Trust:  the catalog is what a person reviewed; the hints in a definition are an upstream's own
 *         words and never lower an effect.
 */
#include "config/catalog.h"

#include "base/limits.h"
#include "core/target.h"

enum {
	TERM_MAX_MS = 30u * 24 * 3600 * 1000,
	WITHIN_MAX_MS = 15 * 60 * 1000, /* an effect that takes longer needs a tool that waits */
	REASK_MAX_MS = 24 * 3600 * 1000,
	REASK_MS = 3600 * 1000,
};

static bool tool_name_is_valid(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '_' && c != '.' && c != '-') {
			return false;
		}
	}
	return name.n > 0;
}

static void read_names(struct load *l, const struct json *node, struct tool *t)
{
	t->name = node->key;
	t->public_name = arena_strf(l->arena, STR_FMT "___" STR_FMT, STR_ARG(t->upstream->name),
				    STR_ARG(t->name));
	l->is_out_of_memory |= !t->public_name.p;
	if (!tool_name_is_valid(t->name)) {
		load_error(l, node,
			   "'" STR_FMT "': a tool's name is letters, digits, '_', '.', '-'",
			   STR_ARG(t->name));
	} else if (t->public_name.n > PUBLIC_NAME_BYTES) {
		load_error(l, node,
			   "agents would see '" STR_FMT "', %zu characters; model APIs take %d",
			   STR_ARG(t->public_name), t->public_name.n, PUBLIC_NAME_BYTES);
	}
}

static bool effect_named(struct load *l, const struct json *at, struct str name, enum effect *ret)
{
	if (name.n > 0 && !effect_from_name(name, ret)) {
		load_error(l, at,
			   "'effect': expected read, contain or destroy, found '" STR_FMT "'",
			   STR_ARG(name));
		return false;
	}
	return name.n > 0;
}

static void read_cases(struct load *l, const struct json *node, struct draft *d)
{
	const struct json *list = load_array(l, node, "cases", REQUIRED);
	struct effect_case *cases = list ? load_alloc(l, list->count, sizeof(*cases)) : NULL;

	d->cases = cases;
	d->tool.cases = cases;
	for (const struct json *one = cases ? list->child : NULL; one; one = one->next) {
		struct effect_case *c = &cases[d->tool.n_cases++];

		if (!load_keys(l, one, "a case",
			       "when effect changes_access deletes_data touches_secrets")) {
			continue;
		}
		load_argument_conditions(l, load_get(l, one, "when", REQUIRED), &c->when);
		(void)effect_named(l, json_get(one, STR("effect")),
				   load_text(l, one, "effect", REQUIRED), &c->effect); /* reports */
		c->changes_access = load_flag(l, one, "changes_access");
		c->deletes_data = load_flag(l, one, "deletes_data");
		c->touches_secrets = load_flag(l, one, "touches_secrets");
	}
}

/* A word, or {default, cases}. */
static void read_effect(struct load *l, const struct json *node, struct draft *d)
{
	const struct json *effect = json_get(node, STR("effect"));

	d->effect_node = effect;
	d->declared = EFFECT_DESTROY;
	if (json_type(effect) == JSON_OBJECT) {
		if (load_keys(l, effect, "effect", "default cases")) {
			(void)effect_named(l, json_get(effect, STR("default")),
					   load_text(l, effect, "default", REQUIRED),
					   &d->declared); /* it reports */
			read_cases(l, effect, d);
		}
	} else {
		(void)effect_named(l, effect, load_text(l, node, "effect", OPTIONAL),
				   &d->declared); /* it reports */
	}
	d->is_unclassified = !effect;
	d->tool.changes_access = load_flag(l, node, "changes_access");
	d->tool.deletes_data = load_flag(l, node, "deletes_data");
	d->tool.touches_secrets = load_flag(l, node, "touches_secrets");
	d->tool.is_owned = load_flag(l, node, "owned");
	d->tool.requires_witness = load_flag(l, node, "requires_witness");
}

static void read_gate_rules(struct load *l, const struct json *node, struct tool *t)
{
	const struct json *list = load_array(l, node, "gate_when", OPTIONAL);
	struct gate_rule *rules = list ? load_alloc(l, list->count, sizeof(*rules)) : NULL;

	t->gate_rules = rules;
	for (const struct json *one = rules ? list->child : NULL; one; one = one->next) {
		struct gate_rule *r = &rules[t->n_gate_rules++];
		struct condition *when = load_alloc(l, 1, sizeof(*when));

		if (!when) {
			return;
		}
		load_argument_condition(l, one, CONDITION_KEYS " gate reason", when);
		r->when = (struct conditions){.p = when, .n = 1};
		r->gate = load_text(l, one, "gate", OPTIONAL);
		r->reason = load_text(l, one, "reason", REQUIRED);
		if (r->gate.n > 0) {
			(void)load_check_gate(l, json_get(one, STR("gate")),
					      r->gate); /* it reports */
		}
	}
}

/* What a tool does, where the gating matrix says more about it than its effect. The flag that such
 * a deed has must be set. */
static const struct {
	const char *name;
	const char *flag;
} gating_rows[] = {{"isolate", NULL},
		   {"end-sessions", NULL},
		   {"disable-account", "changes_access"},
		   {"change-access", "changes_access"},
		   {"change-secret", "touches_secrets"},
		   {"read-secret", "touches_secrets"},
		   {"send-outside", NULL},
		   {"delete", "deletes_data"},
		   {"suppress", NULL}};

struct str catalog_gating(size_t i)
{
	return i < ARRAY_LEN(gating_rows) ? str_from(gating_rows[i].name) : STR_NULL;
}

static void read_gating(struct load *l, const struct json *node, struct tool *t)
{
	const struct json *at = json_get(node, STR("gating"));
	struct nearest near;

	t->gating = load_text(l, node, "gating", OPTIONAL);
	near = nearest_to(t->gating);
	for (size_t i = 0; i < ARRAY_LEN(gating_rows); i++) {
		bool has_flag = false;

		nearest_try(&near, str_from(gating_rows[i].name));
		if (!str_eq(t->gating, str_from(gating_rows[i].name))) {
			continue;
		}
		if (gating_rows[i].flag &&
		    (!json_bool(json_get(node, str_from(gating_rows[i].flag)), &has_flag) ||
		     !has_flag)) {
			load_error(l, at, "'gating: %s' goes with '%s: true'", gating_rows[i].name,
				   gating_rows[i].flag);
		}
		return;
	}
	if (t->gating.n > 0) {
		load_unknown(l, at, "gating is called", &near);
	}
}

static void read_credential_arguments(struct load *l, const struct json *node, struct tool *t)
{
	t->credential_arguments = load_list(l, node, "credential_arguments", OPTIONAL);
	for (size_t i = 0; i < t->credential_arguments.n; i++) {
		struct str pointer = t->credential_arguments.p[i];

		if (pointer.n < 2 || pointer.p[0] != '/') {
			load_error(
			    l, json_at(json_get(node, STR("credential_arguments")), i),
			    "'credential_arguments': expected a JSON pointer such as /token");
		}
	}
}

/* The one key of a target that says where it is. */
static const struct json *place_of_target(struct load *l, const struct json *one,
					  struct target_rule *rule)
{
	static const struct {
		const char *key;
		enum target_form form;
	} places[] = {{"pointer", TARGET_TEXT},
		      {"list", TARGET_LIST},
		      {"selector", TARGET_SELECTOR},
		      {"template", TARGET_TEMPLATE},
		      {"constant", TARGET_TEXT}};
	const struct json *place = NULL;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		const struct json *at = json_get(one, str_from(places[i].key));

		if (at) {
			place = at;
			rule->form = places[i].form;
			n++;
		}
	}
	if (n != 1) {
		load_error(l, one,
			   "a target has one of pointer, list, selector, template, constant");
		return NULL;
	}
	return place;
}

static void check_pointer(struct load *l, const struct json *at, struct str pointer)
{
	if (pointer.n > 0 && pointer.p[0] != '/') {
		load_error(l, at, "'" STR_FMT "': expected a JSON pointer such as /ip",
			   STR_ARG(at->key));
	}
}

/* "{namespace}/{name}": at least one part, and something between two of them. */
static bool template_is_valid(struct str template)
{
	size_t parts = 0;

	while (template.n > 0) {
		struct str literal = str_cut(&template, '{');
		struct str part;

		if (str_find(literal, '}') < literal.n) {
			return false;
		}
		if (!template.p) {
			break;
		}
		part = str_cut(&template, '}');
		if (!template.p || part.n == 0 || str_find(part, '{') < part.n ||
		    (parts > 0 && literal.n == 0)) {
			return false;
		}
		parts++;
	}
	return parts > 0;
}

static void read_place(struct load *l, const struct json *one, const struct json *place,
		       struct target_rule *rule)
{
	const struct json *each = json_get(one, STR("each"));
	struct str canonical = STR_NULL;
	struct str text;

	if (!json_str(place, &text) || str_trim(text).n == 0) {
		load_error(l, place, "'" STR_FMT "': expected text, found %s", STR_ARG(place->key),
			   json_type_name(place->type));
		return;
	}

	rule->pointer = load_text(l, one, "each", OPTIONAL);
	if (each) {
		check_pointer(l, each, rule->pointer);
		if (rule->form != TARGET_TEMPLATE) {
			load_error(l, each, "'each' goes with template");
		}
	}
	if (rule->form == TARGET_TEMPLATE) {
		rule->template = text;
		if (!template_is_valid(text)) {
			load_error(l, place,
				   "'template': expected names of arguments with something between "
				   "them, such as {namespace}/{name}");
		}
	} else if (!str_eq(place->key, STR("constant"))) {
		rule->pointer = text;
		check_pointer(l, place, text);
	} else if (target_canonical(rule->kind, text, l->arena, &canonical) != REASON_NONE) {
		load_error(l, place, "'" STR_FMT "' is no single target of kind '" STR_FMT "'",
			   STR_ARG(text), STR_ARG(rule->kind));
	} else {
		rule->constant = text;
	}
}

static void read_target(struct load *l, const struct json *one, struct target_rule *rule)
{
	const struct json *place;

	if (!load_keys(l, one, "a target",
		       "kind pointer list selector template each constant listed")) {
		return;
	}
	rule->must_be_listed = load_flag(l, one, "listed");
	rule->kind = load_text(l, one, "kind", REQUIRED);
	if (rule->kind.n > 0 && !target_kind_is_valid(rule->kind)) {
		load_error(l, json_get(one, STR("kind")),
			   "'kind': expected lower case letters, digits and '-', found '" STR_FMT
			   "'",
			   STR_ARG(rule->kind));
		return;
	}
	place = place_of_target(l, one, rule);
	if (place) {
		read_place(l, one, place, rule);
	}
}

static void read_targets(struct load *l, const struct json *node, struct tool *t)
{
	const struct json *list = load_array(l, node, "targets", OPTIONAL);
	struct target_rule *rules = list ? load_alloc(l, list->count, sizeof(*rules)) : NULL;

	t->targets = rules;
	for (const struct json *one = rules ? list->child : NULL; one; one = one->next) {
		read_target(l, one, &rules[t->n_targets++]);
	}
}

/* keys: what the mapping may hold beside tool and arguments */
void catalog_read_derived(struct load *l, const struct json *node, const char *what,
			  const char *keys, struct derived_call *ret)
{
	static const struct json no_arguments = {.type = JSON_OBJECT};
	const struct json *args;

	if (!node || !load_keys(l, node, what, keys)) {
		return;
	}
	ret->tool = load_text(l, node, "tool", REQUIRED);
	args = load_map(l, node, "arguments", OPTIONAL);
	ret->args = args ? args : &no_arguments;
}

static void read_condition(struct load *l, const struct json *node, struct derived_call *ret)
{
	ret->pointer = load_text(l, node, "pointer", REQUIRED);
	ret->equals = load_get(l, node, "equals", REQUIRED);
	if (ret->pointer.n > 0 && ret->pointer.p[0] != '/') {
		load_error(l, json_get(node, STR("pointer")),
			   "'pointer': expected a JSON pointer such as /is_blocked");
	}
}

/* Is the key's value the word none: it is known that there is nothing? */
static bool says_none(const struct json *node, const char *key)
{
	struct str word = STR_NULL;

	return json_str(json_get(node, str_from(key)), &word) && str_eq(word, STR("none"));
}

static void read_inverse(struct load *l, const struct json *node, struct draft *d)
{
	struct tool *t = &d->tool;
	const struct json *inverse;
	const struct json *when;

	d->has_no_inverse = says_none(node, "inverse");
	inverse = d->has_no_inverse ? NULL : load_map(l, node, "inverse", OPTIONAL);

	if (!inverse) {
		return;
	}
	if (json_get(inverse, STR("not_needed_by")) || json_get(inverse, STR("reason"))) {
		if (load_keys(l, inverse, "a tool without inverse", "not_needed_by reason")) {
			t->not_needed_by = load_person(l, inverse, "not_needed_by", REQUIRED);
			t->inverse_not_needed = t->not_needed_by.n > 0;
			(void)load_text(l, inverse, "reason", REQUIRED); /* it reports */
		}
		return;
	}
	catalog_read_derived(l, inverse, "inverse", "tool arguments when", &t->inverse);
	when = load_map(l, inverse, "when", OPTIONAL);
	if (when && load_keys(l, when, "when", "pointer equals")) {
		read_condition(l, when, &t->inverse);
	}
}

static void read_verify(struct load *l, const struct json *node, struct draft *d)
{
	struct tool *t = &d->tool;
	const struct json *verify;

	d->has_no_verify = says_none(node, "verify");
	verify = d->has_no_verify ? NULL : load_map(l, node, "verify", OPTIONAL);

	if (verify) {
		catalog_read_derived(l, verify, "verify", "tool arguments pointer equals within",
				     &t->verify);
		read_condition(l, verify, &t->verify);
		t->verify.within_ms = load_duration(l, verify, "within", WITHIN_MAX_MS, 0);
	}
}

static void read_term(struct load *l, const struct json *node, struct tool *t)
{
	const struct json *term = load_map(l, node, "term", OPTIONAL);
	struct str end;

	t->reask_ms = REASK_MS;
	if (!term || !load_keys(l, term, "term", "length end reask")) {
		return;
	}
	(void)load_get(l, term, "length", REQUIRED); /* it reports */
	t->term_ms = load_duration(l, term, "length", TERM_MAX_MS, 0);
	t->reask_ms = load_duration(l, term, "reask", REASK_MAX_MS, REASK_MS);
	end = load_text(l, term, "end", REQUIRED);
	if (str_eq(end, STR("revert"))) {
		t->term_end = TERM_REVERT;
	} else if (end.n > 0 && !str_eq(end, STR("reask"))) {
		load_error(l, json_get(term, STR("end")),
			   "'end': expected revert or reask, found '" STR_FMT "'", STR_ARG(end));
	}
}

static void read_command(struct load *l, const struct json *node, struct tool *t)
{
	static const char *const keys[] = {"command", "input", "variables", "output"};
	struct str output;

	if (t->upstream->transport != TRANSPORT_COMMAND) {
		for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
			const struct json *at = json_get(node, str_from(keys[i]));

			if (at) {
				load_error(l, at, "'%s' of a tool goes with transport command",
					   keys[i]);
			}
		}
		return;
	}
	t->command = load_command(l, node, "command", REQUIRED);
	t->input = load_text(l, node, "input", OPTIONAL);
	t->variables = load_pairs(l, node, "variables", '=');
	output = load_text(l, node, "output", OPTIONAL);
	t->output_is_json = str_eq(output, STR("json"));
	if (output.n > 0 && !t->output_is_json && !str_eq(output, STR("text"))) {
		load_error(l, json_get(node, STR("output")),
			   "'output': expected json or text, found '" STR_FMT "'", STR_ARG(output));
	}
}

/* What policies see of its arguments. */
static void read_input(struct load *l, const struct json *definition, struct tool *t)
{
	struct err e = ERR_INIT;
	enum rc rc;

	if (!t->input_schema || !t->public_name.p) {
		return;
	}
	rc = input_of_schema(t->public_name, t->input_schema, l->arena, &t->arguments, &e);
	if (rc != RC_OK) {
		l->is_out_of_memory |= rc == RC_NOMEM;
		load_error(l, json_get(definition, STR("inputSchema")), "%s", e.msg);
	}
}

/* The definition as an upstream would list it: with its name in front. */
static void read_definition(struct load *l, const struct json *node, struct tool *t)
{
	const struct json *given = load_map(l, node, "definition", REQUIRED);
	struct json *whole;
	struct json *name;
	struct err e = ERR_INIT;

	if (!given || !load_keys(l, given, "a definition",
				 "title description inputSchema outputSchema annotations icons "
				 "execution")) {
		return;
	}
	whole = load_alloc(l, 1, sizeof(*whole));
	name = load_alloc(l, 1, sizeof(*name));
	if (!whole || !name) {
		return;
	}
	*name = (struct json){.type = JSON_STRING,
			      .key = STR("name"),
			      .text = t->name,
			      .line = node->line,
			      .column = node->column,
			      .next = given->child};
	*whole = *given;
	whole->child = name;
	whole->count++;
	t->definition = whole;
	t->input_schema = load_map(l, given, "inputSchema", REQUIRED);
	read_input(l, given, t);
	if (load_text(l, given, "description", REQUIRED).n > LIMIT_TEXT_BYTES) {
		load_error(l, json_get(given, STR("description")), "more than %d bytes",
			   LIMIT_TEXT_BYTES);
	}
	if (tool_definition_digest(whole, t->digest, &e) != RC_OK) {
		load_error_of(l, given, &e);
	}
}

static void read_credential(struct load *l, const struct json *node, struct tool *t)
{
	const struct json *credential = load_map(l, node, "credential", OPTIONAL);

	if (!credential || !load_keys(l, credential, "credential", "backend scope")) {
		return;
	}
	t->credential.backend = load_text(l, credential, "backend", REQUIRED);
	t->credential.scope = load_text(l, credential, "scope", REQUIRED);
	if (t->credential.backend.n > 0) {
		(void)load_check_backend(l, json_get(credential, STR("backend")),
					 t->credential.backend); /* it reports */
	}
}

void catalog_read_tool(struct load *l, const struct upstream *upstream, const struct json *node,
		       struct draft *ret)
{
	struct tool *t = &ret->tool;
	const struct json *capture;

	ret->node = node;
	t->upstream = upstream;
	read_names(l, node, t);
	if (!load_keys(
		l, node, "a tool",
		"effect changes_access deletes_data touches_secrets owned requires_witness targets "
		"data "
		"untrusted "
		"capture inverse verify rehearsed term evidence captures altering credential "
		"safe_alternative max_calls_per_task definition command input variables output "
		"reads at_most redact accepts_secrets "
		"gate_when credential_arguments gating corroboration signal egress requires "
		"invariant "
		"in_use fence rehearsal")) {
		return;
	}
	read_effect(l, node, ret);
	read_gate_rules(l, node, t);
	read_credential_arguments(l, node, t);
	read_gating(l, node, t);
	read_targets(l, node, t);
	t->data = load_list(l, node, "data", OPTIONAL);
	if (t->data.n == 0) {
		static const struct str unknown[] = {{"unknown", 7}};

		t->data = (struct str_list){.p = unknown, .n = 1};
	}
	t->is_untrusted = load_flag(l, node, "untrusted");
	catalog_read_reads(l, node, t);
	capture = load_map(l, node, "capture", OPTIONAL);
	catalog_read_derived(l, capture, "capture", "tool arguments", &t->capture);
	read_inverse(l, node, ret);
	read_verify(l, node, ret);
	t->rehearsed_unix_ms = load_date(l, node, "rehearsed", OPTIONAL);
	catalog_read_rehearsal(l, node, t);
	read_term(l, node, t);
	catalog_read_evidence(l, node, ret);
	read_credential(l, node, t);
	load_instead(l, node, &t->instead);
	catalog_read_signals(l, node, t);
	t->max_calls_per_task = (uint32_t)load_number(l, node, "max_calls_per_task", 1, 1000000, 0);
	read_definition(l, node, t);
	read_command(l, node, t);
	catalog_read_flow(l, node, t);
}
