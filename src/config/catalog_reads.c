/* SPDX-License-Identifier: Apache-2.0 */
/* config/catalog_reads.c - what a tool's results are, and what of them nobody is shown.
 *
 *	reads:                      # how the result becomes objects
 *	  - {objects: /rows, kind: customer, id: /id, class: pii}
 *	at_most: {objects: 100, bytes: 200000}
 *	redact: [/rows/0/iban] (a star for every element)
 *	accepts_secrets: false
 */
#include "base/limits.h"
#include "config/catalog.h"

static void check_pointer(struct load *l, const struct json *at, struct str pointer)
{
	if (pointer.n > 0 && pointer.p[0] != '/') {
		load_error(l, at, "'" STR_FMT "': expected a JSON pointer such as /rows",
			   STR_ARG(pointer));
	}
}

static struct str load_pointer(struct load *l, const struct json *obj, const char *key)
{
	struct str pointer = load_text(l, obj, key, REQUIRED);

	check_pointer(l, json_get(obj, str_from(key)), pointer);
	return pointer;
}

bool load_read_class(struct load *l, const struct json *at, struct str class)
{
	if (class.n == 0 ||
	    (!str_eq(class, READ_CLASS_ANY) && !str_eq(class, READ_CLASS_UNKNOWN))) {
		return true;
	}
	load_error(l, at, "'" STR_FMT "' is no class of data: it stands for %s", STR_ARG(class),
		   str_eq(class, READ_CLASS_ANY) ? "all results" : "results that nobody described");
	return false;
}

/* One object in a tool's result. A tool with one class of data need not repeat it. */
static void read_rule(struct load *l, const struct json *node, const struct tool *t,
		      struct read_rule *ret)
{
	const struct json *class = json_get(node, STR("class"));

	if (!load_keys(l, node, "an entry of reads", "objects kind id class")) {
		return;
	}
	ret->objects = load_pointer(l, node, "objects");
	ret->id = load_pointer(l, node, "id");
	ret->kind = load_text(l, node, "kind", REQUIRED);
	ret->class = load_text(l, node, "class", OPTIONAL);
	if (ret->class.n == 0 && t->data.n == 1) {
		ret->class = t->data.p[0];
	}
	if (ret->class.n == 0) {
		load_error(l, node, "'class' is missing: the tool has several classes of data");
	} else if (load_read_class(l, class ? class : node, ret->class) &&
		   !str_list_has(&t->data, ret->class)) {
		load_error(l, class ? class : node,
			   "'" STR_FMT "' is no class of the tool's 'data'", STR_ARG(ret->class));
	}
}

static void read_rules(struct load *l, const struct json *node, struct tool *t)
{
	const struct json *list = load_array(l, node, "reads", OPTIONAL);
	struct read_rule *rules;

	if (!list) {
		return;
	}
	if (list->count > READ_RULES) {
		load_error(l, list, "'reads': more than %d entries", READ_RULES);
		return;
	}
	rules = load_alloc(l, list->count, sizeof(*rules));
	t->reads = rules;
	for (const struct json *one = rules ? list->child : NULL; one; one = one->next) {
		read_rule(l, one, t, &rules[t->n_reads++]);
	}
}

void catalog_read_reads(struct load *l, const struct json *node, struct tool *t)
{
	const struct json *most = load_map(l, node, "at_most", OPTIONAL);
	const struct json *list = json_get(node, STR("redact"));

	if (str_list_has(&t->data, READ_CLASS_ANY)) {
		(void)load_read_class(l, json_get(node, STR("data")), READ_CLASS_ANY);
	}
	read_rules(l, node, t);
	if (most) {
		(void)load_keys(l, most, "at_most", "objects bytes"); /* it reports */
	}
	t->reads_objects = load_number(l, most, "objects", 1, 1000000, 0);
	t->reads_bytes = load_number(l, most, "bytes", 1, LIMIT_RESULT_BYTES, 0);
	t->redact = load_list(l, node, "redact", OPTIONAL);
	for (size_t i = 0; i < t->redact.n; i++) {
		check_pointer(l, json_at(list, i), t->redact.p[i]);
	}
	t->accepts_secrets = load_flag(l, node, "accepts_secrets");
}

void catalog_check_classes(struct load *l)
{
	struct str classes[READ_CLASSES];
	struct str_list all = {.p = classes};

	for (size_t i = 0; i < l->b->n_tools; i++) {
		const struct tool *t = &l->b->tools[i];

		for (size_t k = 0; k < t->data.n; k++) {
			if (str_list_has(&all, t->data.p[k])) {
				continue;
			}
			if (all.n + 2 >= READ_CLASSES) { /* with "any" and "unknown" */
				load_error(l, NULL, "more than %d classes of data in the catalog",
					   READ_CLASSES - 2);
				return;
			}
			classes[all.n++] = t->data.p[k];
		}
	}
}

/* ---- playbooks ---- */

static void read_budget(struct load *l, const struct json *node, struct read_budget *ret)
{
	struct str per;

	if (!load_keys(l, node, "a read budget", "class per objects bytes results")) {
		return;
	}
	ret->class = load_text(l, node, "class", REQUIRED);
	per = load_text(l, node, "per", OPTIONAL);
	ret->is_of_incident = str_eq(per, STR("incident"));
	if (per.n > 0 && !ret->is_of_incident && !str_eq(per, STR("task"))) {
		load_error(l, json_get(node, STR("per")), "'per': expected task or incident");
	}
	ret->most = (struct read_total){
	    .results = load_number(l, node, "results", 0, UINT32_MAX, UINT64_MAX),
	    .objects = load_number(l, node, "objects", 0, UINT32_MAX, UINT64_MAX),
	    .bytes = load_number(l, node, "bytes", 0, UINT64_MAX >> 1, UINT64_MAX),
	};
	if (ret->most.results == UINT64_MAX && ret->most.objects == UINT64_MAX &&
	    ret->most.bytes == UINT64_MAX) {
		load_error(l, node, "expected one of objects, bytes and results");
	}
}

void load_read_budgets(struct load *l, const struct json *playbook, struct playbook *pb)
{
	const struct json *list = load_array(l, playbook, "reads", OPTIONAL);
	struct read_budget *budgets = list ? load_alloc(l, list->count, sizeof(*budgets)) : NULL;

	pb->budgets = budgets;
	for (const struct json *one = budgets ? list->child : NULL; one; one = one->next) {
		read_budget(l, one, &budgets[pb->n_budgets++]);
	}
}
