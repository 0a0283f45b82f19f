/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/validate_names.c - what policies name, against what a schema declares.
 *
 * A walk over the whole policy, also over what would never be evaluated.
 *
 * Trust:  recursion is bounded by the depth of expressions.
 */
#include "cedar/check.h"
#include "cedar/nearest.h"

enum { HINT_BYTES = 1024 };

struct walk {
	struct cedar_findings *findings;
	const struct cedar_schema *schema;
};

static enum rc find_type(struct walk *w, struct cedar_pos pos, struct str name)
{
	struct cedar_nearest near = cedar_nearest_to(name);
	AUTO_BUF hint = BUF_INIT(HINT_BYTES);

	for (size_t i = 0; i < w->schema->n_types; i++) {
		cedar_nearest_offer(&near, w->schema->types[i]->name);
	}
	(void)cedar_nearest_say(&near, &hint); /* the message stands without it */
	return cedar_find(w->findings, CEDAR_FINDING_UNKNOWN_TYPE, pos,
			  "expected an entity type of the schema, found '" STR_FMT "'" STR_FMT,
			  STR_ARG(name), STR_ARG(buf_view(&hint)));
}

static enum rc find_action(struct walk *w, struct cedar_pos pos, const struct cedar_uid *uid)
{
	struct cedar_nearest near = cedar_nearest_to(uid->id);
	AUTO_BUF hint = BUF_INIT(HINT_BYTES);

	for (size_t i = 0; i < w->schema->n_actions; i++) {
		cedar_nearest_offer(&near, w->schema->actions[i]->uid->id);
	}
	(void)cedar_nearest_say(&near, &hint); /* as above */
	return cedar_find(w->findings, CEDAR_FINDING_UNKNOWN_ACTION, pos,
			  "expected an action of the schema, found " STR_FMT "::\"" STR_FMT
			  "\"" STR_FMT,
			  STR_ARG(uid->type), STR_ARG(uid->id), STR_ARG(buf_view(&hint)));
}

static enum rc find_id(struct walk *w, struct cedar_pos pos, const struct cedar_etype *t,
		       const struct cedar_uid *uid)
{
	struct cedar_nearest near = cedar_nearest_to(uid->id);
	AUTO_BUF hint = BUF_INIT(HINT_BYTES);

	for (size_t i = 0; i < t->n_ids; i++) {
		cedar_nearest_offer(&near, t->ids[i]);
	}
	(void)cedar_nearest_say(&near, &hint); /* as above */
	return cedar_find(w->findings, CEDAR_FINDING_UNKNOWN_ID, pos,
			  "expected an id of the enumerated type '" STR_FMT "', found \"" STR_FMT
			  "\"" STR_FMT,
			  STR_ARG(uid->type), STR_ARG(uid->id), STR_ARG(buf_view(&hint)));
}

static enum rc check_type(struct walk *w, struct cedar_pos pos, struct str name)
{
	if (cedar_is_action_type(name) || cedar_schema_type(w->schema, name)) {
		return RC_OK;
	}
	return find_type(w, pos, name);
}

static enum rc check_uid(struct walk *w, struct cedar_pos pos, const struct cedar_uid *uid)
{
	const struct cedar_etype *t = cedar_schema_type(w->schema, uid->type);

	if (cedar_is_action_type(uid->type)) {
		return cedar_schema_action(w->schema, uid) ? RC_OK : find_action(w, pos, uid);
	}
	if (!t) {
		return find_type(w, pos, uid->type);
	}
	return cedar_etype_has_id(t, uid->id) ? RC_OK : find_id(w, pos, t, uid);
}

static enum rc walk_expr(struct walk *w, const struct cedar_expr *x)
{
	if (x->kind == CEDAR_EXPR_IS) {
		TRY(check_type(w, x->pos, x->names[0]));
	}
	if (x->kind == CEDAR_EXPR_LITERAL && x->constant->type == CEDAR_ENTITY) {
		TRY(check_uid(w, x->pos, x->constant->uid));
	}
	for (uint32_t i = 0; i < x->n_args; i++) {
		TRY(walk_expr(w, x->args[i]));
	}
	return RC_OK;
}

enum rc cedar_validate_names(struct cedar_findings *f, const struct cedar_schema *schema,
			     const struct cedar_policy *policy)
{
	struct walk w = {.findings = f, .schema = schema};

	for (enum cedar_variable v = CEDAR_PRINCIPAL; v <= CEDAR_RESOURCE; v++) {
		const struct cedar_scope *s = &policy->scope[v];

		if (s->op == CEDAR_SCOPE_IS || s->op == CEDAR_SCOPE_IS_IN) {
			TRY(check_type(&w, s->pos, s->type));
		}
		for (size_t i = 0; i < s->n_uids; i++) {
			TRY(check_uid(&w, s->pos, s->uids[i]));
		}
	}
	for (size_t i = 0; i < policy->n_conditions; i++) {
		TRY(walk_expr(&w, policy->conditions[i].body));
	}
	return RC_OK;
}
