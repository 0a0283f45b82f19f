/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/policy_json_print.c - policies in their JSON form.
 *
 * Holds:  (1) recursion is bounded by CEDAR_LIMIT_EXPR_DEPTH and CEDAR_LIMIT_VALUE_DEPTH.
 *         (2) a chain of && or || becomes pairs, leftmost innermost, as it was read.
 */
#include <inttypes.h>

#include "cedar/policies.h"
#include "cedar/policy_json.h"
#include "codec/json_tree.h"

/* Bytes and the first failure, so that writing reads straight down. */
struct out {
	struct buf *b;
	enum rc rc;
	enum cedar_release release;
};

static void put(struct out *o, const char *text)
{
	if (o->rc == RC_OK) {
		o->rc = buf_add(o->b, str_from(text));
	}
}

static void put_quoted(struct out *o, struct str s)
{
	if (o->rc == RC_OK) {
		o->rc = json_quote(o->b, s);
	}
}

/* "name": */
static void put_name(struct out *o, struct str name)
{
	put_quoted(o, name);
	put(o, ":");
}

static void put_uid(struct out *o, const struct cedar_uid *u)
{
	put(o, "{\"type\":");
	put_quoted(o, cedar_uid_type(u));
	put(o, ",\"id\":");
	put_quoted(o, cedar_uid_id(u));
	put(o, "}");
}

/* ---- expressions ---- */

static void put_expr(struct out *o, const struct cedar_expr *x);

/* {"<name>":{"left":...,"right":...}} */
static void put_pair(struct out *o, const char *name, const struct cedar_expr *left,
		     const struct cedar_expr *right)
{
	put(o, "{");
	put_name(o, str_from(name));
	put(o, "{\"left\":");
	put_expr(o, left);
	put(o, ",\"right\":");
	put_expr(o, right);
	put(o, "}}");
}

/* (2) */
static void put_chain(struct out *o, const char *name, const struct cedar_expr *x)
{
	for (uint32_t i = 1; i < x->n_args; i++) {
		put(o, "{");
		put_name(o, str_from(name));
		put(o, "{\"left\":");
	}
	put_expr(o, x->args[0]);
	for (uint32_t i = 1; i < x->n_args; i++) {
		put(o, ",\"right\":");
		put_expr(o, x->args[i]);
		put(o, "}}");
	}
}

static void put_arg(struct out *o, const char *name, const struct cedar_expr *arg)
{
	put(o, "{");
	put_name(o, str_from(name));
	put(o, "{\"arg\":");
	put_expr(o, arg);
	put(o, "}}");
}

/* receiver, then .name for the first n names. */
static void put_path(struct out *o, const struct cedar_expr *x, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		put(o, "{\".\":{\"left\":");
	}
	put_expr(o, x->args[0]);
	for (uint32_t i = 0; i < n; i++) {
		put(o, ",\"attr\":");
		put_quoted(o, x->names[i]);
		put(o, "}}");
	}
}

static void put_has_list(struct out *o, const struct cedar_expr *x)
{
	put(o, "{\"has\":{\"left\":");
	put_expr(o, x->args[0]);
	put(o, ",\"attr\":[");
	for (uint32_t i = 0; i < x->n_names; i++) {
		put(o, i > 0 ? "," : "");
		put_quoted(o, x->names[i]);
	}
	put(o, "]}}");
}

/* `x has a.b` is x has a && x.a has b. */
static void put_has(struct out *o, const struct cedar_expr *x)
{
	if (x->n_names > 1 && o->release != CEDAR_RELEASE_4_12) {
		put_has_list(o, x);
		return;
	}
	for (uint32_t i = 1; i < x->n_names; i++) {
		put(o, "{\"&&\":{\"left\":");
	}
	for (uint32_t i = 0; i < x->n_names; i++) {
		put(o, i > 0 ? ",\"right\":" : "");
		put(o, "{\"has\":{\"left\":");
		put_path(o, x, i);
		put(o, ",\"attr\":");
		put_quoted(o, x->names[i]);
		put(o, i > 0 ? "}}}}" : "}}");
	}
}

/* Pieces between wildcards. */
static void put_like(struct out *o, const struct cedar_expr *x)
{
	const char *between = "";

	put(o, "{\"like\":{\"left\":");
	put_expr(o, x->args[0]);
	put(o, ",\"pattern\":[");
	for (uint32_t i = 0; i < x->n_names; i++) {
		if (i > 0) {
			put(o, between);
			put(o, "\"Wildcard\"");
			between = ",";
		}
		if (x->names[i].n) {
			put(o, between);
			put(o, "{\"Literal\":");
			put_quoted(o, x->names[i]);
			put(o, "}");
			between = ",";
		}
	}
	put(o, "]}}");
}

static void put_is(struct out *o, const struct cedar_expr *x)
{
	put(o, "{\"is\":{\"left\":");
	put_expr(o, x->args[0]);
	put(o, ",\"entity_type\":");
	put_quoted(o, x->names[0]);
	if (x->n_args > 1) {
		put(o, ",\"in\":");
		put_expr(o, x->args[1]);
	}
	put(o, "}}");
}

static void put_list(struct out *o, const struct cedar_expr *x)
{
	put(o, "[");
	for (uint32_t i = 0; i < x->n_args; i++) {
		put(o, i > 0 ? "," : "");
		put_expr(o, x->args[i]);
	}
	put(o, "]");
}

static void put_record(struct out *o, const struct cedar_expr *x)
{
	put(o, "{\"Record\":{");
	for (uint32_t i = 0; i < x->n_args; i++) {
		put(o, i > 0 ? "," : "");
		put_name(o, x->names[i]);
		put_expr(o, x->args[i]);
	}
	put(o, "}}");
}

static void put_value(struct out *o, const struct cedar_value *v);

static void put_parts(struct out *o, const struct cedar_value *v)
{
	bool is_set = v->type == CEDAR_SET;

	put(o, is_set ? "{\"Set\":[" : "{\"Record\":{");
	for (uint32_t i = 0; i < v->n; i++) {
		put(o, i > 0 ? "," : "");
		if (!is_set) {
			put_name(o, v->fields[i].name);
		}
		put_value(o, is_set ? &v->items[i] : &v->fields[i].value);
	}
	put(o, is_set ? "]}" : "}}");
}

/* {"<constructor>":[{"Value":"<argument>"}]} */
static void put_constructed(struct out *o, const struct cedar_value *v)
{
	struct buf argument = BUF_INIT(256);
	const char *name = v->type == CEDAR_IPADDR    ? "ip"
			   : v->type == CEDAR_DECIMAL ? "decimal"
						      : "duration";
	enum rc rc = v->type == CEDAR_IPADDR	? cedar_ip_print(&argument, v->ip)
		     : v->type == CEDAR_DECIMAL ? cedar_decimal_print(&argument, v->i)
						: buf_addf(&argument, "%" PRId64 "ms", v->i);

	o->rc = o->rc == RC_OK ? rc : o->rc;
	put(o, "{");
	put_name(o, str_from(name));
	put(o, "[{\"Value\":");
	put_quoted(o, buf_view(&argument));
	put(o, "}]}");
	buf_fini(&argument);
}

/* The form that has a writing for every moment: an offset from 1970. */
static void put_datetime(struct out *o, const struct cedar_value *v)
{
	const struct cedar_value since = {.type = CEDAR_DURATION, .i = v->i};

	put(o, "{\"offset\":[{\"datetime\":[{\"Value\":\"1970-01-01\"}]},");
	put_constructed(o, &since);
	put(o, "]}");
}

/* A value: literals of the grammar as such, others as what makes them. */
static void put_value(struct out *o, const struct cedar_value *v)
{
	switch ((enum cedar_type)v->type) {
	case CEDAR_BOOL:
		put(o, v->b ? "{\"Value\":true}" : "{\"Value\":false}");
		return;
	case CEDAR_LONG:
		o->rc = o->rc == RC_OK ? buf_addf(o->b, "{\"Value\":%" PRId64 "}", v->i) : o->rc;
		return;
	case CEDAR_STRING:
		put(o, "{\"Value\":");
		put_quoted(o, cedar_value_text(v));
		put(o, "}");
		return;
	case CEDAR_ENTITY:
		put(o, "{\"Value\":{\"__entity\":");
		put_uid(o, v->uid);
		put(o, "}}");
		return;
	case CEDAR_SET:
	case CEDAR_RECORD:
		put_parts(o, v);
		return;
	case CEDAR_DATETIME:
		put_datetime(o, v);
		return;
	case CEDAR_IPADDR:
	case CEDAR_DECIMAL:
	case CEDAR_DURATION:
		put_constructed(o, v);
		return;
	case CEDAR_NONE:
		break;
	}
	MUST(false);
}

static void put_variable(struct out *o, const struct cedar_expr *x)
{
	static const char *const names[] = {"principal", "action", "resource", "context"};

	put(o, "{\"Var\":\"");
	put(o, names[x->variable]);
	put(o, "\"}");
}

static void put_if(struct out *o, const struct cedar_expr *x)
{
	put(o, "{\"if-then-else\":{\"if\":");
	put_expr(o, x->args[0]);
	put(o, ",\"then\":");
	put_expr(o, x->args[1]);
	put(o, ",\"else\":");
	put_expr(o, x->args[2]);
	put(o, "}}");
}

static const char *binary_name(enum cedar_kind kind)
{
	static const char *const names[] = {
#define OP(id, name) [CEDAR_EXPR_##id] = name,
	    CEDAR_JSON_BINARY(OP)
#undef OP
	};

	return (size_t)kind < ARRAY_LEN(names) ? names[kind] : NULL;
}

static void put_expr(struct out *o, const struct cedar_expr *x)
{
	enum cedar_kind kind = (enum cedar_kind)x->kind;

	switch (kind) {
	case CEDAR_EXPR_LITERAL:
		put_value(o, x->constant);
		return;
	case CEDAR_EXPR_VARIABLE:
		put_variable(o, x);
		return;
	case CEDAR_EXPR_AND:
		put_chain(o, "&&", x);
		return;
	case CEDAR_EXPR_OR:
		put_chain(o, "||", x);
		return;
	case CEDAR_EXPR_NOT:
		put_arg(o, "!", x->args[0]);
		return;
	case CEDAR_EXPR_NEGATE:
		put_arg(o, "neg", x->args[0]);
		return;
	case CEDAR_EXPR_IS_EMPTY:
		put_arg(o, "isEmpty", x->args[0]);
		return;
	case CEDAR_EXPR_IF:
		put_if(o, x);
		return;
	case CEDAR_EXPR_ATTR:
		put_path(o, x, 1);
		return;
	case CEDAR_EXPR_HAS:
		put_has(o, x);
		return;
	case CEDAR_EXPR_LIKE:
		put_like(o, x);
		return;
	case CEDAR_EXPR_IS:
		put_is(o, x);
		return;
	case CEDAR_EXPR_SET:
		put(o, "{\"Set\":");
		put_list(o, x);
		put(o, "}");
		return;
	case CEDAR_EXPR_RECORD:
		put_record(o, x);
		return;
	case CEDAR_EXPR_CALL:
		put(o, "{");
		put_name(o, cedar_fn_name((enum cedar_fn)x->fn));
		put_list(o, x);
		put(o, "}");
		return;
	case CEDAR_EXPR_EQ:
	case CEDAR_EXPR_NE:
	case CEDAR_EXPR_LT:
	case CEDAR_EXPR_LE:
	case CEDAR_EXPR_GT:
	case CEDAR_EXPR_GE:
	case CEDAR_EXPR_ADD:
	case CEDAR_EXPR_SUB:
	case CEDAR_EXPR_MUL:
	case CEDAR_EXPR_IN:
	case CEDAR_EXPR_CONTAINS:
	case CEDAR_EXPR_CONTAINS_ALL:
	case CEDAR_EXPR_CONTAINS_ANY:
	case CEDAR_EXPR_GET_TAG:
	case CEDAR_EXPR_HAS_TAG:
		put_pair(o, binary_name(kind), x->args[0], x->args[1]);
		return;
	}
}

/* ---- policies ---- */

static const char *const variables[] = {"principal", "action", "resource"};

/* "entity":{...} or "slot":"?principal". */
static void put_operand(struct out *o, const struct cedar_policy *p, unsigned variable)
{
	const struct cedar_scope *s = &p->scope[variable];

	if (p->slots & 1u << variable) {
		put(o, "\"slot\":\"?");
		put(o, variables[variable]);
		put(o, "\"");
		return;
	}
	put(o, "\"entity\":");
	put_uid(o, s->uids[0]);
}

static void put_actions(struct out *o, const struct cedar_scope *s)
{
	if (s->n_uids == 1) { /* as the reference prints it */
		put(o, "\"in\",\"entity\":");
		put_uid(o, s->uids[0]);
		return;
	}
	put(o, "\"in\",\"entities\":[");
	for (size_t i = 0; i < s->n_uids; i++) {
		put(o, i > 0 ? "," : "");
		put_uid(o, s->uids[i]);
	}
	put(o, "]");
}

static void put_scope(struct out *o, const struct cedar_policy *p, unsigned variable)
{
	const struct cedar_scope *s = &p->scope[variable];

	put_name(o, str_from(variables[variable]));
	put(o, "{\"op\":");
	switch (s->op) {
	case CEDAR_SCOPE_ANY:
		put(o, "\"All\"");
		break;
	case CEDAR_SCOPE_EQ:
	case CEDAR_SCOPE_IN:
		put(o, s->op == CEDAR_SCOPE_EQ ? "\"==\"," : "\"in\",");
		put_operand(o, p, variable);
		break;
	case CEDAR_SCOPE_IN_LIST:
		put_actions(o, s);
		break;
	case CEDAR_SCOPE_IS:
	case CEDAR_SCOPE_IS_IN:
		put(o, "\"is\",\"entity_type\":");
		put_quoted(o, s->type);
		if (s->op == CEDAR_SCOPE_IS_IN) {
			put(o, ",\"in\":{");
			put_operand(o, p, variable);
			put(o, "}");
		}
		break;
	}
	put(o, "}");
}

static void put_annotations(struct out *o, const struct cedar_policy *p)
{
	put(o, ",\"annotations\":{");
	for (size_t i = 0; i < p->n_annotations; i++) {
		put(o, i > 0 ? "," : "");
		put_name(o, p->annotations[i].name);
		if (p->annotations[i].has_value) {
			put_quoted(o, p->annotations[i].value);
		} else {
			put(o, "null");
		}
	}
	put(o, "}");
}

static void put_policy_with(struct out *o, const struct cedar_policy *p,
			    const struct cedar_condition *conditions, size_t n)
{
	put(o, p->effect == CEDAR_PERMIT ? "{\"effect\":\"permit\"," : "{\"effect\":\"forbid\",");
	for (unsigned v = CEDAR_PRINCIPAL; v <= CEDAR_RESOURCE; v++) {
		put_scope(o, p, v);
		put(o, ",");
	}
	put(o, "\"conditions\":[");
	for (size_t i = 0; i < n; i++) {
		put(o, i > 0 ? "," : "");
		put(o, conditions[i].is_unless ? "{\"kind\":\"unless\",\"body\":"
					       : "{\"kind\":\"when\",\"body\":");
		put_expr(o, conditions[i].body);
		put(o, "}");
	}
	put(o, "]");
	if (p->n_annotations) {
		put_annotations(o, p);
	}
	put(o, "}");
}

static void put_policy(struct out *o, const struct cedar_policy *p)
{
	put_policy_with(o, p, p->conditions, p->n_conditions);
}

/* b as it was when something failed. */
static enum rc done(struct out *o, size_t was, struct err *e)
{
	if (o->rc != RC_OK) {
		o->b->n = was;
		FAIL(e, o->rc, "no room for policies as JSON");
	}
	return RC_OK;
}

enum rc cedar_policy_print_json(struct buf *b, const struct cedar_policy *p,
				enum cedar_release release, struct err *e)
{
	struct out o = {.b = b, .release = release};
	size_t was = b->n;

	put_policy(&o, p);
	return done(&o, was, e);
}

/* The uid that a link gave to a slot of its template. */
static void put_slot_value(struct out *o, const struct cedar_policy *p, unsigned variable,
			   const char **between)
{
	if (!(p->template->slots & 1u << variable)) {
		return;
	}
	put(o, *between);
	put(o, "\"?");
	put(o, variables[variable]);
	put(o, "\":");
	put_uid(o, p->scope[variable].uids[0]);
	*between = ",";
}

static void put_link(struct out *o, const struct cedar_policy *p)
{
	const char *between = "";

	put(o, "{\"templateId\":");
	put_quoted(o, p->template->id);
	put(o, ",\"newId\":");
	put_quoted(o, p->id);
	put(o, ",\"values\":{");
	put_slot_value(o, p, CEDAR_PRINCIPAL, &between);
	put_slot_value(o, p, CEDAR_RESOURCE, &between);
	put(o, "}}");
}

/* Is p the first policy of the set that was linked from its template? */
static bool is_first_link(const struct cedar_policies *set, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (set->list[i]->template == set->list[at]->template) {
			return false;
		}
	}
	return true;
}

enum rc cedar_policies_print_json(struct buf *b, const struct cedar_policies *set,
				  enum cedar_release release, struct err *e)
{
	struct out o = {.b = b, .release = release};
	size_t was = b->n;
	const char *between = "";

	put(&o, "{\"staticPolicies\":{");
	for (size_t i = 0; i < set->n; i++) {
		if (!set->list[i]->template) {
			put(&o, between);
			put_name(&o, set->list[i]->id);
			put_policy(&o, set->list[i]);
			between = ",";
		}
	}
	put(&o, "},\"templates\":{");
	between = "";
	for (size_t i = 0; i < set->n; i++) {
		if (set->list[i]->template && is_first_link(set, i)) {
			put(&o, between);
			put_name(&o, set->list[i]->template->id);
			put_policy(&o, set->list[i]->template);
			between = ",";
		}
	}
	put(&o, "},\"templateLinks\":[");
	between = "";
	for (size_t i = 0; i < set->n; i++) {
		if (set->list[i]->template) {
			put(&o, between);
			put_link(&o, set->list[i]);
			between = ",";
		}
	}
	put(&o, "]}");
	return done(&o, was, e);
}

enum rc cedar_residual_print(struct buf *b, const struct cedar_residual *r, struct err *e)
{
	AUTO_BUF json = BUF_INIT(CEDAR_LIMIT_JSON_BYTES);
	AUTO_BUF text = BUF_INIT(CEDAR_LIMIT_TEXT_BYTES);
	struct out o = {.b = &json};

	put_policy_with(&o, r->policy, r->conditions, r->n_conditions);
	TRY(done(&o, 0, e));
	TRY(cedar_json_to_text(&text, STR(""), buf_view(&json), e));
	return cedar_format(b, STR(""), buf_view(&text), NULL, e);
}
