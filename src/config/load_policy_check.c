/* SPDX-License-Identifier: Apache-2.0 */
/* config/load_policy_check.c - policies speak only of what there is.
 *
 * Every policy is validated against the schema of the deployment (config/policy_schema.h),
 * strictly. What is a text to Cedar but a name to Remit (a class of data, a playbook) is looked up
 * besides.
 *
 * Holds:  (1) a policy that names what does not exist is an error, never a rule that is silently
 *             dead; one that can never hold for other reasons is reported.
 */
#include <cedar.h>

#include "config/catalog.h"
#include "config/policy_schema.h"

enum { VALIDATION_BYTES = 512 << 20 }; /* of all policies together, while loading */

static const struct json *at_pos(struct json *node, struct cedar_pos pos)
{
	*node = (struct json){.line = pos.line, .column = pos.column};
	return node;
}

/* ---- names that are texts to Cedar ---- */

/* Classes of data and kinds of assets that rules for everybody may name, whether or not a catalog
 * has them already. */
static const char *const common_data[] = {
    "public",	  "internal",	 "confidential", "restricted", "secret", "secrets",
    "credential", "credentials", "personal",	 "pii",	       "phi",	 "pci",
    "financial",  "unverified",	 "customers",	 "unknown",    NULL};
static const char *const common_kinds[] = {"ip",      "host",		"user",	  "file",
					   "service", "workstation",	"backup", "snapshot",
					   "volume",  "recovery-point", "agent",  NULL};

static const char *const effects[] = {"read", "contain", "destroy", NULL};
static const char *const egresses[] = {"none", "external", "public", NULL};
static const char *const statuses[] = {"open", "closed", NULL};
static const char *const criticalities[] = {"standard", "crown-jewel", NULL};
static const char *const nothing[] = {NULL};

enum list {
	LIST_NONE = 0,
	LIST_TOOLS,
	LIST_DATA,
	LIST_LABELS,
	LIST_CLASSES,
	LIST_PLAYBOOKS,
	LIST_GOALS,
	LIST_PHASES,
	LIST_KINDS,
	LIST_GATINGS,
};

/* Which texts an attribute may be compared with: of the deployment, and fixed ones. */
struct vocabulary {
	enum cedar_variable variable;
	const char *path;
	const char *what; /* for "no <what> 'x'" */
	enum list list;
	const char *const *words;
	bool may_be_empty;
};

static const struct vocabulary vocabularies[] = {
    {CEDAR_CONTEXT, "effect", "effect is called", LIST_NONE, effects, false},
    {CEDAR_CONTEXT, "egress", "egress is called", LIST_NONE, egresses, false},
    {CEDAR_CONTEXT, "gating", "gating is called", LIST_GATINGS, nothing, true},
    {CEDAR_CONTEXT, "data", "tool's results are of class", LIST_DATA, common_data, false},
    {CEDAR_CONTEXT, "intent.data", "tool's results are of class", LIST_DATA, common_data, false},
    {CEDAR_CONTEXT, "task.labels", "tool's results are of class", LIST_LABELS, common_data, false},
    {CEDAR_CONTEXT, "intent.tools", "tool", LIST_TOOLS, nothing, false},
    {CEDAR_CONTEXT, "task.tools", "tool", LIST_TOOLS, nothing, false},
    {CEDAR_CONTEXT, "intent.playbook", "playbook", LIST_PLAYBOOKS, nothing, false},
    {CEDAR_CONTEXT, "intent.goal", "playbook has the goal", LIST_GOALS, nothing, true},
    {CEDAR_CONTEXT, "task.phase", "playbook has the phase", LIST_PHASES, nothing, false},
    {CEDAR_CONTEXT, "incident.class", "playbook, agent or source is for incidents of class",
     LIST_CLASSES, nothing, false},
    {CEDAR_CONTEXT, "incident.status", "incident is ever", LIST_NONE, statuses, false},
    {CEDAR_RESOURCE, "class", "playbook, agent or source is for incidents of class", LIST_CLASSES,
     nothing, false},
    {CEDAR_RESOURCE, "kind", "target is of kind", LIST_KINDS, common_kinds, false},
    {CEDAR_RESOURCE, "criticality", "asset's criticality is", LIST_NONE, criticalities, false},
};

struct checking {
	struct load *l;
	const struct policy_names *names;
	struct arena *arena;
	struct err *e;
};

static bool is_at(const struct cedar_mention *m, const struct vocabulary *v)
{
	struct str path = str_from(v->path);

	for (size_t i = 0; i < m->n_path; i++) {
		if (!path.p || !str_eq(str_cut(&path, '.'), m->path[i])) {
			return false;
		}
	}
	return !path.p && m->variable == v->variable;
}

static const struct str_list *list_of(const struct policy_names *n, enum list list)
{
	switch (list) {
	case LIST_TOOLS:
		return &n->tools;
	case LIST_DATA:
		return &n->data;
	case LIST_LABELS:
		return &n->labels;
	case LIST_CLASSES:
		return &n->classes;
	case LIST_PLAYBOOKS:
		return &n->playbooks;
	case LIST_GOALS:
		return &n->goals;
	case LIST_PHASES:
		return &n->phases;
	case LIST_KINDS:
		return &n->kinds;
	case LIST_GATINGS:
	case LIST_NONE:
		break;
	}
	return NULL;
}

/* Is this one of the words? They are offered as the nearest otherwise. */
static bool offer(struct nearest *near, struct str word)
{
	nearest_try(near, word);
	return str_eq(near->word, word);
}

static bool is_known(const struct checking *c, const struct vocabulary *v, struct nearest *near)
{
	const struct str_list *list = list_of(c->names, v->list);
	bool is = v->may_be_empty && near->word.n == 0;

	for (size_t i = 0; list && i < list->n; i++) {
		is |= offer(near, list->p[i]);
	}
	for (size_t i = 0; v->list == LIST_GATINGS && catalog_gating(i).p; i++) {
		is |= offer(near, catalog_gating(i));
	}
	for (size_t i = 0; v->words[i]; i++) {
		is |= offer(near, str_from(v->words[i]));
	}
	return is;
}

static void check_text(const struct checking *c, const struct cedar_mention *m)
{
	struct json node;

	for (size_t i = 0; i < ARRAY_LEN(vocabularies); i++) {
		const struct vocabulary *v = &vocabularies[i];
		struct nearest near = nearest_to(m->text);

		if (is_at(m, v) && !is_known(c, v, &near)) {
			load_unknown(c->l, at_pos(&node, m->pos), v->what, &near);
		}
	}
}

static enum rc check_mentions(const struct checking *c, const struct cedar_policy *p)
{
	const struct cedar_mention *mentions;
	struct json node;
	size_t n;

	TRY(cedar_policy_mentions(p, c->arena, &mentions, &n, c->e));
	for (size_t i = 0; i < n; i++) {
		if (mentions[i].uid) {
			load_check_entity(c->l, at_pos(&node, mentions[i].pos), mentions[i].uid);
		} else {
			check_text(c, &mentions[i]);
		}
	}
	return RC_OK;
}

/* ---- the type checker ---- */

/* What follows from a mistake that was told already, and better. */
static bool follows(enum cedar_finding_class class)
{
	return class == CEDAR_FINDING_UNKNOWN_ACTION || class == CEDAR_FINDING_UNKNOWN_TYPE ||
	       class == CEDAR_FINDING_NO_ACTION || class == CEDAR_FINDING_IMPOSSIBLE;
}

/* What is wrong in some requests only is told with one of them. */
static void report_one(struct load *l, const struct cedar_policy *p, const struct cedar_finding *f,
		       bool is_error)
{
	bool has_one = cedar_policy_scope(p, CEDAR_ACTION)->op == CEDAR_SCOPE_EQ;
	struct str action = f->action && !has_one ? cedar_uid_id(f->action) : STR_NULL;
	struct json node;

	l->file = f->source;
	at_pos(&node, f->pos);
	(is_error ? load_error : load_warn)(l, &node, STR_FMT "%s" STR_FMT "%s",
					    STR_ARG(f->message), action.n ? " (in '" : "",
					    STR_ARG(action), action.n ? "')" : "");
}

static void report(struct load *l, const struct cedar_validation *v, struct policy_fact *facts)
{
	for (size_t i = 0; i < v->n_findings; i++) {
		const struct cedar_finding *f = &v->findings[i];
		struct policy_fact *fact = &facts[f->policy];
		bool is_error = !f->is_warning || f->class == CEDAR_FINDING_ABSENT;

		fact->is_dead |=
		    f->class == CEDAR_FINDING_IMPOSSIBLE || f->class == CEDAR_FINDING_NO_ACTION;
		if (fact->n_errors == 0 || !follows(f->class)) {
			report_one(l, fact->policy, f, is_error);
			fact->n_errors += is_error;
		}
	}
}

static void schema_cleanup(struct cedar_schema **s)
{
	cedar_schema_unref(*s);
}

static enum rc make_schema(struct load *l, const struct policy_names *names,
			   struct cedar_schema **ret, struct err *e)
{
	AUTO_BUF text = BUF_INIT(POLICY_SCHEMA_BYTES);

	TRY(policy_schema_print(&text, l->b, names, e));
	l->d->policy_schema = arena_str(&l->d->arena, buf_view(&text));
	if (!l->d->policy_schema.p) {
		FAIL(e, RC_NOMEM, "no memory for the schema for policies");
	}
	return cedar_schema_parse(STR("the schema for policies"), l->d->policy_schema, ret, e);
}

enum rc load_check_policies(struct load *l, struct policy_fact *facts, struct err *e)
{
	CLEANUP(schema_cleanup) struct cedar_schema *schema = NULL;
	AUTO_ARENA arena = ARENA_INIT(VALIDATION_BYTES);
	/* A rule for all may be about what this deployment has none of. */
	const struct cedar_validate_options options = {.no_action_is_warning = true,
						       .finds_absent = l->b->n_tools > 0};
	const struct cedar_policies *set = l->b->policies;
	struct policy_names names;
	const struct checking c = {.l = l, .names = &names, .arena = &arena, .e = e};
	struct cedar_validation v;

	TRY(policy_names_of(l->b, l->d->sources, l->d->n_sources, &arena, &names, e));
	TRY(make_schema(l, &names, &schema, e));
	for (size_t i = 0; i < cedar_policies_count(set); i++) {
		size_t before = l->f->n_errors;

		l->file = cedar_policy_source(facts[i].policy);
		TRY(check_mentions(&c, facts[i].policy));
		facts[i].n_errors += l->f->n_errors - before;
	}
	TRY(cedar_validate(set, schema, &options, &arena, &v, e));
	report(l, &v, facts);
	return RC_OK;
}
