/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/schema_print.c - a schema in Cedar's syntax, canonically.
 *
 * What was written comes back: names unresolved, order kept, one declaration for each name. Reading
 * the result gives the same schema. JSON can say more: a reference that is an entity type though a
 * common type of the name exists, or the other way round; where the syntax would take it for the
 * other, printing fails.
 *
 * Trust:  a schema that exists was accepted; its nesting is bounded.
 */
#include "cedar/schema.h"
#include "cedar/text.h"

static enum rc print_type(struct buf *b, const struct cedar_schema *s,
			  const struct cedar_snamespace *space, const struct cedar_stype *t,
			  unsigned depth, struct err *e);

static enum rc indent(struct buf *b, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++) {
		TRY(buf_add(b, STR("  ")));
	}
	return RC_OK;
}

/* A name of an attribute or action: bare when it can be. */
static enum rc print_name(struct buf *b, struct str name)
{
	return cedar_is_ident(name) ? buf_add(b, name) : cedar_print_quoted(b, name);
}

static enum rc print_notes(struct buf *b, const struct cedar_notes *notes, unsigned depth)
{
	for (size_t i = 0; i < notes->n; i++) {
		TRY(indent(b, depth));
		TRY(buf_addf(b, "@" STR_FMT, STR_ARG(notes->list[i].name)));
		if (notes->list[i].value.n) {
			TRY(buf_add_char(b, '('));
			TRY(cedar_print_quoted(b, notes->list[i].value));
			TRY(buf_add_char(b, ')'));
		}
		TRY(buf_add_char(b, '\n'));
	}
	return RC_OK;
}

/* ---- types ---- */

/* Would the bare name be read as what it is? Common types go before entity types, the namespace
 * before the empty one. */
static enum rc check_name(const struct cedar_schema *s, const struct cedar_snamespace *space,
			  const struct cedar_stype *t, struct err *e)
{
	AUTO_BUF near = BUF_INIT(CEDAR_LIMIT_TEXT_BYTES);
	bool is_near = space->name.n && !str_contains(t->name, STR("::"));
	bool want_common = t->ref == CEDAR_SREF_COMMON;
	bool is_common;

	if (t->ref == CEDAR_SREF_ANY) {
		return RC_OK;
	}
	TRY(buf_addf(&near, STR_FMT "::" STR_FMT, STR_ARG(space->name), STR_ARG(t->name)));
	is_near = is_near && (map_get(&s->commons, buf_view(&near)) ||
			      map_get(&s->types_by_name, buf_view(&near)));
	is_common = map_get(&s->commons, is_near ? buf_view(&near) : t->name) != NULL;
	if (is_common != want_common) {
		FAIL(e, RC_INPUT,
		     "'" STR_FMT "' is both an entity type and another type; the syntax cannot say "
		     "which is meant",
		     STR_ARG(t->name));
	}
	return RC_OK;
}

static enum rc print_record(struct buf *b, const struct cedar_schema *s,
			    const struct cedar_snamespace *space, const struct cedar_stype *t,
			    unsigned depth, struct err *e)
{
	if (t->n_attrs == 0) {
		return buf_add(b, STR("{}"));
	}
	TRY(buf_add(b, STR("{\n")));
	for (size_t i = 0; i < t->n_attrs; i++) {
		const struct cedar_sattr *a = &t->attrs[i];

		TRY(print_notes(b, &a->notes, depth + 1));
		TRY(indent(b, depth + 1));
		TRY(print_name(b, a->name));
		TRY(buf_add(b, a->is_optional ? STR("?: ") : STR(": ")));
		TRY(print_type(b, s, space, a->type, depth + 1, e));
		TRY(buf_add(b, i + 1 < t->n_attrs ? STR(",\n") : STR("\n")));
	}
	TRY(indent(b, depth));
	return buf_add_char(b, '}');
}

static enum rc print_type(struct buf *b, const struct cedar_schema *s,
			  const struct cedar_snamespace *space, const struct cedar_stype *t,
			  unsigned depth, struct err *e)
{
	switch (t->kind) {
	case CEDAR_STYPE_NAME:
		TRY(check_name(s, space, t, e));
		return buf_add(b, t->name);
	case CEDAR_STYPE_RECORD:
		return print_record(b, s, space, t, depth, e);
	case CEDAR_STYPE_SET:
		TRY(buf_add(b, STR("Set<")));
		TRY(print_type(b, s, space, t->elem, depth, e));
		return buf_add_char(b, '>');
	}
	return RC_OK;
}

/* ---- declarations ---- */

static enum rc print_names(struct buf *b, const struct cedar_sname *names)
{
	TRY(buf_add_char(b, '['));
	for (const struct cedar_sname *n = names; n; n = n->next) {
		TRY(buf_add(b, n->text));
		TRY(buf_add(b, n->next ? STR(", ") : STR("")));
	}
	return buf_add_char(b, ']');
}

static enum rc print_ids(struct buf *b, const struct cedar_sname *ids)
{
	TRY(buf_add(b, STR(" enum [")));
	for (const struct cedar_sname *n = ids; n; n = n->next) {
		TRY(cedar_print_quoted(b, n->text));
		TRY(buf_add(b, n->next ? STR(", ") : STR("")));
	}
	return buf_add_char(b, ']');
}

/* The printer of shapes knows records only; a shape that is a name has no form in the syntax. */
static enum rc print_shape(struct buf *b, const struct cedar_schema *s,
			   const struct cedar_snamespace *space, const struct cedar_sentity *en,
			   unsigned depth, struct err *e)
{
	if (en->shape->kind != CEDAR_STYPE_RECORD) {
		FAIL(e, RC_INPUT,
		     "the attributes of '" STR_FMT
		     "' are a type's name, which the syntax cannot say",
		     STR_ARG(en->name));
	}
	TRY(buf_add(b, STR(" = ")));
	return print_type(b, s, space, en->shape, depth, e);
}

static enum rc print_entity(struct buf *b, const struct cedar_schema *s,
			    const struct cedar_snamespace *space, const struct cedar_sentity *en,
			    unsigned depth, struct err *e)
{
	TRY(print_notes(b, &en->notes, depth));
	TRY(indent(b, depth));
	TRY(buf_addf(b, "entity " STR_FMT, STR_ARG(en->name)));
	if (en->ids) {
		TRY(print_ids(b, en->ids));
	}
	if (en->parents) {
		TRY(buf_add(b, STR(" in ")));
		TRY(print_names(b, en->parents));
	}
	if (en->shape) {
		TRY(print_shape(b, s, space, en, depth, e));
	}
	if (en->tags) {
		TRY(buf_add(b, STR(" tags ")));
		TRY(print_type(b, s, space, en->tags, depth, e));
	}
	return buf_add(b, STR(";\n"));
}

static enum rc print_common(struct buf *b, const struct cedar_schema *s,
			    const struct cedar_snamespace *space, const struct cedar_scommon *c,
			    unsigned depth, struct err *e)
{
	TRY(print_notes(b, &c->notes, depth));
	TRY(indent(b, depth));
	TRY(buf_addf(b, "type " STR_FMT " = ", STR_ARG(c->name)));
	TRY(print_type(b, s, space, c->type, depth, e));
	return buf_add(b, STR(";\n"));
}

static enum rc print_parents(struct buf *b, const struct cedar_sparent *parents)
{
	TRY(buf_add(b, STR(" in [")));
	for (const struct cedar_sparent *p = parents; p; p = p->next) {
		if (p->type.p) {
			TRY(buf_addf(b, STR_FMT "::", STR_ARG(p->type)));
		}
		TRY(p->type.p ? cedar_print_quoted(b, p->id) : print_name(b, p->id));
		TRY(buf_add(b, p->next ? STR(", ") : STR("")));
	}
	return buf_add_char(b, ']');
}

static enum rc print_applies(struct buf *b, const struct cedar_schema *s,
			     const struct cedar_snamespace *space, const struct cedar_saction *a,
			     unsigned depth, struct err *e)
{
	/* One without the other applies to nothing, which the syntax says by leaving out both. */
	if (!a->principals || !a->resources) {
		return RC_OK;
	}
	TRY(buf_add(b, STR(" appliesTo {\n")));
	TRY(indent(b, depth + 1));
	TRY(buf_add(b, STR("principal: ")));
	TRY(print_names(b, a->principals));
	TRY(buf_add(b, STR(",\n")));
	TRY(indent(b, depth + 1));
	TRY(buf_add(b, STR("resource: ")));
	TRY(print_names(b, a->resources));
	if (a->context) {
		TRY(buf_add(b, STR(",\n")));
		TRY(indent(b, depth + 1));
		TRY(buf_add(b, STR("context: ")));
		TRY(print_type(b, s, space, a->context, depth + 1, e));
	}
	TRY(buf_add_char(b, '\n'));
	TRY(indent(b, depth));
	return buf_add_char(b, '}');
}

static enum rc print_action(struct buf *b, const struct cedar_schema *s,
			    const struct cedar_snamespace *space, const struct cedar_saction *a,
			    unsigned depth, struct err *e)
{
	TRY(print_notes(b, &a->notes, depth));
	TRY(indent(b, depth));
	TRY(buf_add(b, STR("action ")));
	TRY(print_name(b, a->id));
	if (a->parents) {
		TRY(print_parents(b, a->parents));
	}
	TRY(print_applies(b, s, space, a, depth, e));
	return buf_add(b, STR(";\n"));
}

/* ---- the whole ---- */

static enum rc print_space(struct buf *b, const struct cedar_schema *s,
			   const struct cedar_snamespace *space, struct err *e)
{
	unsigned depth = space->name.n ? 1 : 0;

	if (depth) {
		TRY(print_notes(b, &space->notes, 0));
		TRY(buf_addf(b, "namespace " STR_FMT " {\n", STR_ARG(space->name)));
	}
	for (const struct cedar_scommon *c = space->commons; c; c = c->next) {
		TRY(print_common(b, s, space, c, depth, e));
	}
	for (const struct cedar_sentity *en = space->entities; en; en = en->next) {
		TRY(print_entity(b, s, space, en, depth, e));
	}
	for (const struct cedar_saction *a = space->actions; a; a = a->next) {
		TRY(print_action(b, s, space, a, depth, e));
	}
	return depth ? buf_add(b, STR("}\n")) : RC_OK;
}

enum rc cedar_schema_print(struct buf *b, const struct cedar_schema *s, struct err *e)
{
	size_t was = b->n;
	struct err why = ERR_INIT;
	enum rc rc = RC_OK;

	for (const struct cedar_snamespace *n = s->spaces; rc == RC_OK && n; n = n->next) {
		rc = print_space(b, s, n, &why);
	}
	if (rc == RC_OK) {
		return RC_OK;
	}
	b->n = was;
	FAIL(e, rc, "schema '" STR_FMT "' cannot be printed: %s", STR_ARG(s->source),
	     why.msg[0] ? why.msg : rc_text(rc));
}
