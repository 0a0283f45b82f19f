/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/policies.c - policy sets: built from texts, then only read.
 *
 * Trust:  texts are hostile; source names and ids come from the caller.
 * Holds:  (1) ids are different within a set, templates and policies together.
 *         (2) a failed addition leaves list, templates and by_id as they were.
 *         (3) a set holds no template: every policy in it can be evaluated.
 */
#include "cedar/policies.h"

#include <string.h>

#include "cedar/index.h"
#include "cedar/parse.h"
#include "cedar/text.h"

struct cedar_builder {
	struct cedar_policies *set; /* the only reference; NULL once finished */
	VEC(struct cedar_policy *) list;
	VEC(struct cedar_policy *) templates;
	size_t n_numbered; /* static policies without an id of their own */
	struct cedar_error error;
};

/* ---- life ---- */

static void set_free(struct cedar_policies *set)
{
	map_fini(&set->by_id);
	arena_fini(&set->arena);
	mem_free(set);
}

struct cedar_policies *cedar_policies_ref(struct cedar_policies *set)
{
	(void)__atomic_add_fetch(&set->refs, 1,
				 __ATOMIC_RELAXED); /* the count itself is not asked */
	return set;
}

void cedar_policies_unref(struct cedar_policies *set)
{
	if (set && __atomic_sub_fetch(&set->refs, 1, __ATOMIC_ACQ_REL) == 0) {
		set_free(set);
	}
}

enum rc cedar_builder_new(struct cedar_builder **ret, struct err *e)
{
	struct cedar_builder *b = mem_calloc(1, sizeof(*b));
	struct cedar_policies *set = mem_calloc(1, sizeof(*set));

	if (!b || !set) {
		mem_free(b);
		mem_free(set);
		FAIL(e, RC_NOMEM, "no memory for a policy set");
	}
	set->arena = (struct arena)ARENA_INIT(CEDAR_LIMIT_SET_BYTES);
	set->refs = 1;
	b->set = set;
	*ret = b;
	return RC_OK;
}

void cedar_builder_free(struct cedar_builder *b)
{
	if (b) {
		cedar_policies_unref(b->set);
		vec_fini(&b->list);
		vec_fini(&b->templates);
		mem_free(b);
	}
}

const struct cedar_error *cedar_builder_error(const struct cedar_builder *b)
{
	return &b->error;
}

/* ---- adding ---- */

enum { REPORT_BYTES = 8192 }; /* a path, a place and a sentence */

/* Turns the typed error into the message, or explains a want of memory. */
static enum rc report(struct cedar_builder *b, enum rc rc, struct err *e)
{
	AUTO_BUF text = BUF_INIT(REPORT_BYTES);

	if (b->error.class == CEDAR_ERROR_NONE) {
		return cedar_arena_rc(&b->set->arena, CEDAR_LIMIT_TEXT_BYTES, e);
	}
	if (cedar_error_print(&text, &b->error) != RC_OK) {
		FAIL(e, rc, "a policy text is refused");
	}
	FAIL(e, rc, STR_FMT, STR_ARG(buf_view(&text)));
}

static enum rc refuse(struct cedar_builder *b, const struct cedar_policy *policy,
		      const char *message)
{
	b->error = (struct cedar_error){
	    .class = CEDAR_ERROR_PARSE,
	    .pos = policy->pos,
	    .source = policy->source,
	    .subject = str_from(message),
	};
	return RC_INPUT;
}

/* What one call adds. */
struct addition {
	struct str id; /* p == NULL: numbered */
	bool is_template;
};

static enum rc register_id(struct cedar_builder *b, struct cedar_policy *policy)
{
	if (map_get(&b->set->by_id, policy->id)) {
		return refuse(b, policy, "a policy with this id is there already");
	}
	return map_put(&b->set->by_id, policy->id, policy);
}

static enum rc add_policy(struct cedar_builder *b, const struct addition *how,
			  struct cedar_policy *policy)
{
	if (policy->slots && !how->is_template) {
		return refuse(b, policy,
			      "expected a policy, found a template: its scope has a slot");
	}
	if (!policy->slots && how->is_template) {
		return refuse(b, policy,
			      "expected a template, found a policy: its scope has no slot");
	}
	if (b->list.n + b->templates.n >= CEDAR_LIMIT_POLICIES) {
		b->error = (struct cedar_error){
		    .class = CEDAR_ERROR_LIMIT,
		    .pos = policy->pos,
		    .source = policy->source,
		    .subject = STR("too many policies in one set"),
		};
		return RC_LIMIT;
	}
	policy->id = how->id.p ? arena_str(&b->set->arena, how->id)
			       : arena_strf(&b->set->arena, "policy%zu", b->n_numbered);
	if (!policy->id.p) {
		return RC_NOMEM;
	}
	TRY(how->is_template ? vec_reserve(&b->templates, 1) : vec_reserve(&b->list, 1));
	TRY(register_id(b, policy));
	if (how->is_template) {
		b->templates.p[b->templates.n++] = policy;
	} else {
		b->list.p[b->list.n++] = policy;
	}
	b->n_numbered += how->id.p ? 0 : 1;
	return RC_OK;
}

static enum rc add_all(struct cedar_builder *b, const struct addition *how, struct str source,
		       struct str text)
{
	AUTO_CEDAR_PARSER p = cedar_parser_of(&b->set->arena, source, text, &b->error);
	struct cedar_policy *policy;
	size_t n = 0;

	for (;;) {
		TRY(cedar_parse_policy(&p, &policy));
		if (!policy) {
			break;
		}
		if (how->id.p && n > 0) {
			return refuse(b, policy, "expected one policy, found a second");
		}
		TRY(add_policy(b, how, policy));
		n++;
	}
	if (how->id.p && n == 0) {
		return cedar_parser_expected(&p, "a policy");
	}
	return RC_OK;
}

/* The place of the first line that is not UTF-8. */
static struct cedar_pos bad_utf8_pos(struct str text)
{
	struct cedar_pos pos = {.line = 1, .column = 1};
	struct str line = str_cut(&text, '\n');

	while (str_is_utf8(line) && text.p) {
		line = str_cut(&text, '\n');
		pos.line++;
	}
	return pos;
}

static enum rc check_text(struct cedar_builder *b, struct str source, struct str text)
{
	if (text.n > CEDAR_LIMIT_TEXT_BYTES) {
		b->error = (struct cedar_error){
		    .class = CEDAR_ERROR_LIMIT,
		    .pos = {.line = 1, .column = 1},
		    .source = source,
		    .subject = STR("the text is too long"),
		};
		return RC_LIMIT;
	}
	if (!str_is_utf8(text)) {
		b->error = (struct cedar_error){
		    .class = CEDAR_ERROR_PARSE,
		    .pos = bad_utf8_pos(text),
		    .source = source,
		    .subject = STR("expected UTF-8, found other bytes in this line"),
		};
		return RC_INPUT;
	}
	return RC_OK;
}

static enum rc add(struct cedar_builder *b, const struct addition *how, struct str source_name,
		   struct str text, struct err *e)
{
	size_t was_list = b->list.n;
	size_t was_templates = b->templates.n;
	size_t was_numbered = b->n_numbered;
	struct str source;
	struct str copy;
	enum rc rc;

	MUST(b->set);
	b->error = (struct cedar_error){0};
	source = arena_str(&b->set->arena, source_name);
	if (!source.p) {
		return cedar_arena_rc(&b->set->arena, source_name.n, e);
	}
	rc = check_text(b, source, text);
	if (rc != RC_OK) {
		return report(b, rc, e);
	}
	copy = arena_str(&b->set->arena, text);
	if (!copy.p) {
		return cedar_arena_rc(&b->set->arena, text.n, e);
	}
	rc = add_all(b, how, source, copy);
	if (rc == RC_OK) {
		return RC_OK;
	}
	for (size_t i = was_list; i < b->list.n; i++) {
		(void)map_remove(&b->set->by_id, b->list.p[i]->id); /* put there by this call */
	}
	for (size_t i = was_templates; i < b->templates.n; i++) {
		(void)map_remove(&b->set->by_id, b->templates.p[i]->id); /* as above */
	}
	b->list.n = was_list;
	b->templates.n = was_templates;
	b->n_numbered = was_numbered;
	return report(b, rc, e);
}

enum rc cedar_builder_add(struct cedar_builder *b, struct str source_name, struct str text,
			  struct err *e)
{
	return add(b, &(struct addition){0}, source_name, text, e);
}

enum rc cedar_builder_add_as(struct cedar_builder *b, struct str id, struct str source_name,
			     struct str text, struct err *e)
{
	return add(b, &(struct addition){.id = id}, source_name, text, e);
}

enum rc cedar_builder_add_template(struct cedar_builder *b, struct str id, struct str source_name,
				   struct str text, struct err *e)
{
	return add(b, &(struct addition){.id = id, .is_template = true}, source_name, text, e);
}

/* ---- linking ---- */

/* Fills one slot of link; the uid becomes the set's own. */
static enum rc fill_slot(struct cedar_builder *b, struct cedar_policy *link,
			 enum cedar_variable variable, const struct cedar_uid *uid, struct err *e)
{
	bool is_open = link->slots & 1u << variable;
	const char *slot = variable == CEDAR_PRINCIPAL ? "?principal" : "?resource";
	const struct cedar_uid **one;

	if (is_open != (uid != NULL)) {
		FAIL(e, RC_INPUT, "template '" STR_FMT "' %s slot %s, and a value was %sgiven",
		     STR_ARG(link->template->id), is_open ? "has" : "has no", slot,
		     uid ? "" : "not ");
	}
	if (!is_open) {
		return RC_OK;
	}
	one = arena_alloc(&b->set->arena, sizeof(*one));
	if (!one) {
		return cedar_arena_rc(&b->set->arena, sizeof(*one), e);
	}
	TRY(cedar_uid_new(&b->set->arena, cedar_uid_type(uid), cedar_uid_id(uid), one, e));
	link->scope[variable].uids = one;
	return RC_OK;
}

static struct cedar_policy *find_template(const struct cedar_builder *b, struct str id)
{
	for (size_t i = 0; i < b->templates.n; i++) {
		if (str_eq(b->templates.p[i]->id, id)) {
			return b->templates.p[i];
		}
	}
	return NULL;
}

enum rc cedar_builder_link(struct cedar_builder *b, struct str template_id, struct str id,
			   const struct cedar_uid *principal, const struct cedar_uid *resource,
			   struct err *e)
{
	const struct cedar_policy *template = find_template(b, template_id);
	struct cedar_policy *link = arena_alloc(&b->set->arena, sizeof(*link));
	enum rc rc;

	b->error = (struct cedar_error){0};
	if (!template) {
		FAIL(e, RC_INPUT, "there is no template '" STR_FMT "'", STR_ARG(template_id));
	}
	if (!link) {
		return cedar_arena_rc(&b->set->arena, sizeof(*link), e);
	}
	*link = *template;
	link->template = template;
	TRY(fill_slot(b, link, CEDAR_PRINCIPAL, principal, e));
	TRY(fill_slot(b, link, CEDAR_RESOURCE, resource, e));
	link->slots = 0;
	rc = add_policy(b, &(struct addition){.id = id}, link);
	return rc == RC_OK ? RC_OK : report(b, rc, e);
}

/* ---- finishing and reading ---- */

enum rc cedar_builder_finish(struct cedar_builder *b, struct cedar_policies **ret, struct err *e)
{
	const struct cedar_policy **list;

	MUST(b->set);
	list = arena_alloc_n(&b->set->arena, b->list.n, sizeof(struct cedar_policy *));
	if (!list) {
		return cedar_arena_rc(&b->set->arena, b->list.n * sizeof(*list), e);
	}
	for (size_t i = 0; i < b->list.n; i++) {
		list[i] = b->list.p[i];
	}
	for (size_t i = 0; i < b->templates.n; i++) {
		(void)map_remove(&b->set->by_id, b->templates.p[i]->id); /* there by invariant 1 */
	}
	if (cedar_index_new(&b->set->arena, list, b->list.n, &b->set->index) != RC_OK) {
		return cedar_arena_rc(&b->set->arena, CEDAR_LIMIT_TEXT_BYTES, e);
	}
	b->set->list = list;
	b->set->n = b->list.n;
	b->error = (struct cedar_error){0};
	*ret = TAKE(b->set);
	return RC_OK;
}

size_t cedar_policies_count(const struct cedar_policies *set)
{
	return set->n;
}

const struct cedar_policy *cedar_policies_at(const struct cedar_policies *set, size_t i)
{
	MUST(i < set->n);
	return set->list[i];
}

const struct cedar_policy *cedar_policies_find(const struct cedar_policies *set, struct str id)
{
	return map_get(&set->by_id, id);
}

struct str cedar_policy_id(const struct cedar_policy *p)
{
	return p->id;
}

enum cedar_effect cedar_policy_effect(const struct cedar_policy *p)
{
	return p->effect;
}

struct str cedar_policy_source(const struct cedar_policy *p)
{
	return p->source;
}

struct cedar_pos cedar_policy_pos(const struct cedar_policy *p)
{
	return p->pos;
}

struct str cedar_policy_text(const struct cedar_policy *p)
{
	return p->text;
}

struct str cedar_policy_annotation(const struct cedar_policy *p, const char *name)
{
	for (size_t i = 0; i < p->n_annotations; i++) {
		if (str_eq(p->annotations[i].name, str_from(name))) {
			return p->annotations[i].value;
		}
	}
	return STR_NULL;
}

const struct cedar_annotation *cedar_policy_annotations(const struct cedar_policy *p, size_t *ret_n)
{
	*ret_n = p->n_annotations;
	return p->annotations;
}

const struct cedar_scope *cedar_policy_scope(const struct cedar_policy *p,
					     enum cedar_variable variable)
{
	MUST(variable <= CEDAR_RESOURCE);
	return &p->scope[variable];
}

bool cedar_policy_has_conditions(const struct cedar_policy *p)
{
	return p->n_conditions > 0;
}
