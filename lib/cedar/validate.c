/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/validate.c - policies against a schema.
 *
 * Trust:  policies were accepted by the parser, the schema was resolved; both may be large.
 * Holds:  (1) a policy is valid only when it is for every environment, and names nothing unknown.
 *         (2) steps are counted per policy; running out of them is no verdict.
 */
#include <stdarg.h>
#include <stdio.h>

#include "cedar/check_level.h"
#include "cedar/policies.h"

enum { MESSAGE_BYTES = 1024 };

/* ---- findings ---- */

static const char *const class_names[] = {
    [CEDAR_FINDING_NONE] = "none",
    [CEDAR_FINDING_UNKNOWN_TYPE] = "unknown_type",
    [CEDAR_FINDING_UNKNOWN_ACTION] = "unknown_action",
    [CEDAR_FINDING_UNKNOWN_ID] = "unknown_id",
    [CEDAR_FINDING_NO_ACTION] = "no_action",
    [CEDAR_FINDING_TYPE] = "type",
    [CEDAR_FINDING_INCOMPATIBLE] = "incompatible",
    [CEDAR_FINDING_NO_ATTR] = "no_attr",
    [CEDAR_FINDING_UNSAFE_ATTR] = "unsafe_attr",
    [CEDAR_FINDING_UNSAFE_TAG] = "unsafe_tag",
    [CEDAR_FINDING_NO_TAGS] = "no_tags",
    [CEDAR_FINDING_EMPTY_SET] = "empty_set",
    [CEDAR_FINDING_NOT_LITERAL] = "not_literal",
    [CEDAR_FINDING_ARGUMENT] = "argument",
    [CEDAR_FINDING_ARITY] = "arity",
    [CEDAR_FINDING_LEVEL] = "level",
    [CEDAR_FINDING_LEVEL_LITERAL] = "level_literal",
    [CEDAR_FINDING_IMPOSSIBLE] = "impossible",
    [CEDAR_FINDING_ABSENT] = "absent",
};

const char *cedar_finding_class_name(enum cedar_finding_class c)
{
	return (size_t)c < ARRAY_LEN(class_names) ? class_names[c] : "none";
}

enum rc cedar_finding_print(struct buf *b, const struct cedar_policies *set,
			    const struct cedar_finding *finding)
{
	return buf_addf(b, STR_FMT ":%u:%u: %spolicy '" STR_FMT "': " STR_FMT,
			STR_ARG(finding->source), finding->pos.line, finding->pos.column,
			finding->is_warning ? "warning: " : "",
			STR_ARG(cedar_policy_id(cedar_policies_at(set, finding->policy))),
			STR_ARG(finding->message));
}

static bool is_there(const struct cedar_findings *f, const struct cedar_finding *one)
{
	for (size_t i = f->from; i < f->list.n; i++) {
		const struct cedar_finding *other = &f->list.p[i];

		if (other->class == one->class && other->pos.line == one->pos.line &&
		    other->pos.column == one->pos.column && str_eq(other->message, one->message)) {
			return true;
		}
	}
	return false;
}

enum rc cedar_find(struct cedar_findings *f, enum cedar_finding_class class, struct cedar_pos pos,
		   const char *fmt, ...)
{
	char message[MESSAGE_BYTES];
	struct cedar_finding one = {
	    .class = class,
	    .is_warning = class == CEDAR_FINDING_IMPOSSIBLE || class == CEDAR_FINDING_ABSENT,
	    .policy = f->policy,
	    .pos = pos,
	    .source = f->source,
	    .action = f->action,
	};
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap); /* a cut message is still a message */
	va_end(ap);
	one.message = str_from(message);
	if (is_there(f, &one)) {
		return RC_OK;
	}
	if (f->list.n - f->from >= CEDAR_LIMIT_FINDINGS) {
		return RC_LIMIT;
	}
	one.message = arena_str(f->arena, one.message);
	return one.message.p ? vec_push(&f->list, one) : RC_NOMEM;
}

/* ---- scope ---- */

/* Can an entity of this type meet the head of the policy? */
static bool scope_allows(const struct cedar_schema *schema, const struct cedar_scope *s,
			 const struct cedar_etype *t)
{
	const struct cedar_etype *group;

	switch (s->op) {
	case CEDAR_SCOPE_ANY:
		return true;
	case CEDAR_SCOPE_EQ:
		return str_eq(t->name, s->uids[0]->type);
	case CEDAR_SCOPE_IS:
		return str_eq(t->name, s->type);
	case CEDAR_SCOPE_IS_IN:
		if (!str_eq(t->name, s->type)) {
			return false;
		}
		break;
	case CEDAR_SCOPE_IN:
	case CEDAR_SCOPE_IN_LIST:
		break;
	}
	group = s->n_uids ? cedar_schema_type(schema, s->uids[0]->type) : NULL;
	return group && cedar_schema_may_be_in(t, group);
}

static bool scope_allows_action(const struct cedar_schema *schema, const struct cedar_scope *s,
				const struct cedar_action *a)
{
	if (s->op == CEDAR_SCOPE_ANY) {
		return true;
	}
	/* A group that is unknown makes the whole list unusable, as in the reference. */
	for (size_t i = 0; i < s->n_uids; i++) {
		if (!cedar_schema_action(schema, s->uids[i])) {
			return false;
		}
	}
	for (size_t i = 0; i < s->n_uids; i++) {
		if (s->op == CEDAR_SCOPE_EQ
			? cedar_uid_equal(a->uid, s->uids[i])
			: cedar_entities_in(schema->hierarchy, a->uid, s->uids[i])) {
			return true;
		}
	}
	return false;
}

static bool any_allowed(const struct cedar_schema *schema, const struct cedar_scope *s,
			const struct cedar_etype *const *types, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (scope_allows(schema, s, types[i])) {
			return true;
		}
	}
	return false;
}

static bool has_action(const struct cedar_schema *schema, const struct cedar_policy *p)
{
	for (size_t i = 0; i < schema->n_actions; i++) {
		const struct cedar_action *a = schema->actions[i];

		if (scope_allows_action(schema, &p->scope[CEDAR_ACTION], a) &&
		    any_allowed(schema, &p->scope[CEDAR_PRINCIPAL], a->principals,
				a->n_principals) &&
		    any_allowed(schema, &p->scope[CEDAR_RESOURCE], a->resources, a->n_resources)) {
			return true;
		}
	}
	return false;
}

/* ---- the policy as one conjunction ---- */

/* Its parts, in the order in which they are evaluated: the scope, then the clauses. */
struct parts {
	struct arena *arena;
	const struct cedar_expr **list;
	struct cedar_answer *answers; /* room for one of each part */
	size_t n;
	size_t n_scope;
};

static struct cedar_expr *new_node(struct parts *p, enum cedar_kind kind, struct cedar_pos pos,
				   size_t n_args)
{
	struct cedar_expr *x = arena_alloc(p->arena, sizeof(*x));
	const struct cedar_expr **args =
	    arena_alloc_n(p->arena, n_args, sizeof(struct cedar_expr *));

	if (!x || !args) {
		return NULL;
	}
	*x = (struct cedar_expr){
	    .kind = (uint8_t)kind,
	    .depth = 1,
	    .n_args = (uint32_t)n_args,
	    .pos = pos,
	    .args = args,
	};
	return x;
}

/* args of a node of our own are not const yet. */
static void set_arg(struct cedar_expr *x, size_t i, const struct cedar_expr *arg)
{
	((const struct cedar_expr **)(uintptr_t)x->args)[i] = arg;
	x->depth = arg->depth >= x->depth ? (uint16_t)(arg->depth + 1) : x->depth;
}

static struct cedar_expr *uid_node(struct parts *p, struct cedar_pos pos,
				   const struct cedar_uid *uid)
{
	struct cedar_expr *x = new_node(p, CEDAR_EXPR_LITERAL, pos, 0);

	if (x && cedar_value_box(p->arena, cedar_make_uid(uid), &x->constant, NULL) != RC_OK) {
		return NULL;
	}
	return x;
}

/* The group of `in`, or the list of groups. */
static const struct cedar_expr *group_node(struct parts *p, const struct cedar_scope *s)
{
	struct cedar_expr *set;

	if (s->op != CEDAR_SCOPE_IN_LIST) {
		return uid_node(p, s->pos, s->uids[0]);
	}
	set = new_node(p, CEDAR_EXPR_SET, s->pos, s->n_uids);
	for (size_t i = 0; set && i < s->n_uids; i++) {
		const struct cedar_expr *uid = uid_node(p, s->pos, s->uids[i]);

		if (!uid) {
			return NULL;
		}
		set_arg(set, i, uid);
	}
	return set;
}

static enum rc add_scope(struct parts *p, const struct cedar_scope *s, enum cedar_variable v)
{
	struct cedar_expr *variable = new_node(p, CEDAR_EXPR_VARIABLE, s->pos, 0);
	bool has_group = s->op != CEDAR_SCOPE_IS;
	enum cedar_kind kind = CEDAR_EXPR_IS;
	const struct cedar_expr *group = NULL;
	struct cedar_expr *x;

	if (s->op == CEDAR_SCOPE_ANY) {
		return RC_OK;
	}
	if (s->op == CEDAR_SCOPE_EQ) {
		kind = CEDAR_EXPR_EQ;
	} else if (s->op == CEDAR_SCOPE_IN || s->op == CEDAR_SCOPE_IN_LIST) {
		kind = CEDAR_EXPR_IN;
	}
	x = new_node(p, kind, s->pos, has_group ? 2 : 1);
	group = has_group ? group_node(p, s) : NULL;
	if (!x || !variable || (has_group && !group)) {
		return RC_NOMEM;
	}
	variable->variable = (uint8_t)v;
	set_arg(x, 0, variable);
	if (group) {
		set_arg(x, 1, group);
	}
	if (kind == CEDAR_EXPR_IS) {
		x->names = &s->type;
		x->n_names = 1;
	}
	p->list[p->n++] = x;
	return RC_OK;
}

static enum rc take_apart(struct parts *p, const struct cedar_policy *policy)
{
	p->list = arena_alloc_n(p->arena, policy->n_conditions + 3, sizeof(struct cedar_expr *));
	p->answers = arena_alloc_n(p->arena, policy->n_conditions + 3, sizeof(*p->answers));
	if (!p->list || !p->answers) {
		return RC_NOMEM;
	}
	for (enum cedar_variable v = CEDAR_PRINCIPAL; v <= CEDAR_RESOURCE; v++) {
		TRY(add_scope(p, &policy->scope[v], v));
	}
	for (size_t i = 0; i < policy->n_conditions; i++) {
		const struct cedar_condition *c = &policy->conditions[i];
		struct cedar_expr * not ;

		p->list[p->n] = c->body;
		if (c->is_unless) {
			not = new_node(p, CEDAR_EXPR_NOT, c->pos, 1);
			if (!not ) {
				return RC_NOMEM;
			}
			set_arg(not, 0, c->body);
			p->list[p->n] = not ;
		}
		p->n++;
	}
	return RC_OK;
}

/* ---- environments ---- */

/* What all environments together say. */
struct verdict {
	bool is_valid;
	bool is_impossible;
	uint32_t max_level; /* while levels are checked */
};

static bool is_false(const struct cedar_answer *a)
{
	return a->type && a->type->kind == CEDAR_TY_FALSE;
}

/* Scopes group to the left, clauses to the right; only where one is refused does it matter. */
static enum rc check_parts(struct cedar_checker *c, const struct parts *p, struct cedar_answer *ret)
{
	const struct cedar_caps *prior = NULL;
	size_t n = 0;

	*ret = (struct cedar_answer){.is_ok = true, .type = &cedar_ty_true};
	for (size_t i = 0; i < p->n_scope; i++) {
		TRY(cedar_check_and(c, NULL, ret, p->list[i], ret));
	}
	for (size_t i = p->n_scope; i < p->n && !is_false(n ? &p->answers[n - 1] : ret); i++) {
		prior = cedar_caps_both(c, prior, n ? p->answers[n - 1].caps : ret->caps);
		TRY(cedar_check_as(c, prior, p->list[i], &cedar_ty_bool, NULL, &p->answers[n++]));
	}
	for (size_t i = n; i > 1; i--) {
		TRY(cedar_check_both(c, &p->answers[i - 2], &p->answers[i - 1],
				     &p->answers[i - 2]));
	}
	return n ? cedar_check_both(c, ret, &p->answers[0], ret) : RC_OK;
}

static enum rc check_one(struct cedar_checker *c, const struct parts *p, struct verdict *v)
{
	struct cedar_answer all;
	size_t was = c->findings->list.n;

	TRY(check_parts(c, p, &all));
	if (is_false(&all)) {
		/* Never satisfied here; what was refused on the way still counts. */
		v->is_valid = v->is_valid && c->findings->list.n == was;
		return RC_OK;
	}
	v->is_impossible = false;
	v->is_valid = v->is_valid && all.is_ok;
	return RC_OK;
}

/* Once more, for a valid policy, with the types kept: how far does it read? */
static enum rc check_level_of_one(struct cedar_checker *c, const struct parts *p, struct verdict *v)
{
	AUTO_MAP types = MAP_INIT;
	struct cedar_leveler l = {.c = c, .max = v->max_level};
	size_t was = c->findings->list.n;
	enum rc rc;

	c->types = &types;
	rc = check_one(c, p, v);
	for (size_t i = 0; rc == RC_OK && i < p->n; i++) {
		rc = cedar_check_level(&l, p->list[i]);
	}
	c->types = NULL;
	v->is_valid = v->is_valid && c->findings->list.n == was;
	return rc;
}

/* Calls check for every environment. */
static enum rc for_all(struct cedar_checker *c, const struct parts *p, struct verdict *v,
		       enum rc (*check)(struct cedar_checker *c, const struct parts *p,
					struct verdict *v))
{
	for (size_t n = 0; n < c->schema->n_actions; n++) {
		c->action = c->schema->actions[n];
		c->findings->action = c->action->uid;
		for (size_t i = 0; i < c->action->n_principals; i++) {
			c->principal = c->action->principals[i];
			for (size_t k = 0; k < c->action->n_resources; k++) {
				c->resource = c->action->resources[k];
				TRY(check(c, p, v));
				arena_reset(c->arena);
			}
		}
	}
	c->findings->action = NULL;
	return RC_OK;
}

/* What `has` asked for in vain. */
static enum rc find_absent(struct cedar_findings *f, const struct cedar_asking *asking)
{
	for (size_t i = 0; i < asking->list.n; i++) {
		const struct cedar_asked *a = &asking->list.p[i];
		AUTO_BUF hint = BUF_INIT(MESSAGE_BYTES / 4);

		if (!a->may_be_there) {
			(void)cedar_nearest_say(&a->near,
						&hint); /* the message stands without it */
			TRY(cedar_find(f, CEDAR_FINDING_ABSENT, a->pos,
				       "no request that comes here has an attribute '" STR_FMT
				       "'" STR_FMT,
				       STR_ARG(*a->name), STR_ARG(buf_view(&hint))));
		}
	}
	return RC_OK;
}

static enum rc check_policy(struct cedar_checker *c, const struct parts *p,
			    const struct cedar_policy *policy,
			    const struct cedar_validate_options *options, struct verdict *v)
{
	struct cedar_findings *f = c->findings;

	TRY(cedar_validate_names(f, c->schema, policy));
	v->is_valid = f->list.n == f->from;
	v->is_impossible = true;
	if (!has_action(c->schema, policy)) {
		TRY(cedar_find(f, CEDAR_FINDING_NO_ACTION, policy->pos,
			       "expected a scope that some action applies to, found one that none "
			       "does"));
		f->list.p[f->list.n - 1].is_warning = options->no_action_is_warning;
		v->is_valid = v->is_valid && options->no_action_is_warning;
	}
	TRY(for_all(c, p, v, check_one));
	TRY(c->asking ? find_absent(f, c->asking) : RC_OK);
	if (v->is_valid && options->has_max_level) {
		v->max_level = options->max_level;
		TRY(for_all(c, p, v, check_level_of_one));
	}
	if (v->is_impossible) {
		return cedar_find(
		    f, CEDAR_FINDING_IMPOSSIBLE, policy->pos,
		    "the policy is impossible: no request of the schema satisfies it");
	}
	return RC_OK;
}

/* ---- the whole ---- */

static enum rc explain(const struct cedar_checker *c, const struct cedar_policy *policy, enum rc rc,
		       struct err *e)
{
	if (rc == RC_LIMIT && c->tys.steps.left < 0) {
		FAIL(e, rc, "policy '" STR_FMT "': validation takes more than %d steps",
		     STR_ARG(policy->id), (int)CEDAR_LIMIT_CHECK_STEPS);
	}
	if (rc == RC_LIMIT) {
		FAIL(e, rc, "policy '" STR_FMT "': more than %d findings", STR_ARG(policy->id),
		     (int)CEDAR_LIMIT_FINDINGS);
	}
	FAIL(e, rc, "policy '" STR_FMT "': no memory to validate it", STR_ARG(policy->id));
}

static void asking_cleanup(struct cedar_asking *a)
{
	vec_fini(&a->list);
}

static enum rc validate_one(const struct cedar_policy *policy, const struct cedar_schema *schema,
			    const struct cedar_validate_options *options,
			    struct cedar_findings *findings, bool *ret, struct err *e)
{
	AUTO_ARENA kept = ARENA_INIT(CEDAR_LIMIT_SCHEMA_BYTES);
	AUTO_ARENA scratch = ARENA_INIT(CEDAR_LIMIT_SCHEMA_BYTES);
	struct parts parts = {.arena = &kept};
	struct verdict v = {0};
	CLEANUP(asking_cleanup) struct cedar_asking asking = {0};
	struct cedar_checker c = {
	    .asking = options->finds_absent ? &asking : NULL,
	    .schema = schema,
	    .findings = findings,
	    .arena = &scratch,
	    .is_strict = options->mode == CEDAR_STRICT,
	    .tys =
		{
		    .arena = &scratch,
		    .is_strict = options->mode == CEDAR_STRICT,
		    .steps = {CEDAR_LIMIT_CHECK_STEPS},
		},
	};
	enum rc rc = take_apart(&parts, policy);

	rc = rc == RC_OK ? check_policy(&c, &parts, policy, options, &v) : rc;
	*ret = rc == RC_OK && v.is_valid;
	return rc == RC_OK ? RC_OK : explain(&c, policy, rc, e);
}

static enum rc keep_findings(struct cedar_findings *f, struct cedar_validation *ret, struct err *e)
{
	struct cedar_finding *list = arena_alloc_n(f->arena, f->list.n, sizeof(*list));

	if (!list) {
		return cedar_arena_rc(f->arena, f->list.n * sizeof(*list), e);
	}
	for (size_t i = 0; i < f->list.n; i++) {
		list[i] = f->list.p[i];
	}
	ret->findings = list;
	ret->n_findings = f->list.n;
	return RC_OK;
}

enum rc cedar_validate(const struct cedar_policies *set, const struct cedar_schema *schema,
		       const struct cedar_validate_options *options, struct arena *arena,
		       struct cedar_validation *ret, struct err *e)
{
	static const struct cedar_validate_options strict = {.mode = CEDAR_STRICT};
	struct cedar_findings f = {.arena = arena};
	bool *verdicts = arena_alloc_n(arena, set->n, sizeof(*verdicts));
	bool is_valid = true;
	enum rc rc = RC_OK;

	*ret = (struct cedar_validation){0};
	if (!verdicts) {
		return cedar_arena_rc(arena, set->n * sizeof(*verdicts), e);
	}
	for (size_t i = 0; rc == RC_OK && i < set->n; i++) {
		f.from = f.list.n;
		f.policy = (uint32_t)i;
		f.source = set->list[i]->source;
		rc = validate_one(set->list[i], schema, options ? options : &strict, &f,
				  &verdicts[i], e);
		is_valid = is_valid && verdicts[i];
	}
	rc = rc == RC_OK ? keep_findings(&f, ret, e) : rc;
	vec_fini(&f.list);
	if (rc == RC_OK) {
		ret->policies = verdicts;
		ret->is_valid = is_valid;
	}
	return rc;
}
