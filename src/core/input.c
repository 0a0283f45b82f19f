/* SPDX-License-Identifier: Apache-2.0 */
/* core/input.c - a tool's input, from its schema to Cedar's syntax.
 *
 * Holds:  (1) what is printed here and what input_value() builds are of the same types.
 */
#include "core/input.h"

#include "core/input_impl.h"

enum rc input_of_schema(struct str tool, const struct json *schema, struct arena *arena,
			const struct input **ret, struct err *e)
{
	struct making m = {.arena = arena, .schema = schema, .e = e};
	struct str name;

	m.in = arena_alloc(arena, sizeof(*m.in));
	if (!m.in) {
		FAIL(e, RC_NOMEM, "no memory for a tool's input");
	}
	TRY(input_identifier(tool, arena, &name, e));
	m.in->name = arena_strf(arena, STR_FMT "Input", STR_ARG(name));
	m.in->space = arena_strf(arena, "Remit::" STR_FMT "::Input", STR_ARG(name));
	if (!m.in->name.p || !m.in->space.p) {
		FAIL(e, RC_NOMEM, "no memory for a tool's input");
	}
	TRY(input_read(&m));
	TRY(input_name(&m));
	*ret = m.in;
	return RC_OK;
}

/* ---- Cedar's syntax ---- */

struct print {
	struct buf *b;
	const struct input *in;
	unsigned depth;
};

static enum rc print_type(struct print *p, const struct input_type *t);

/* A name of Cedar's own, which a type of the tool may bear too. */
static enum rc print_builtin(struct print *p, const char *name)
{
	return buf_addf(p->b, "%s%s", p->in->is_shadowing ? "__cedar::" : "", name);
}

enum rc input_print_text(struct buf *b, struct str s)
{
	TRY(buf_add_char(b, '"'));
	while (s.n > 0) {
		uint32_t c = str_take_code_point(&s);

		if (c == '"' || c == '\\') {
			TRY(buf_addf(b, "\\%c", (int)c));
		} else if (c >= 0x20 && c < 0x7f) {
			TRY(buf_add_char(b, (char)c));
		} else {
			TRY(buf_addf(b, "\\u{%x}", (unsigned)c));
		}
	}
	return buf_add_char(b, '"');
}

static enum rc print_indent(struct print *p)
{
	TRY(buf_add_char(p->b, '\n'));
	for (unsigned i = 0; i < p->depth; i++) {
		TRY(buf_add(p->b, STR("  ")));
	}
	return RC_OK;
}

static enum rc print_fields(struct print *p, const struct input_type *t)
{
	TRY(buf_add_char(p->b, '{'));
	p->depth++;
	for (size_t i = 0; i < t->n_fields; i++) {
		TRY(print_indent(p));
		TRY(input_print_text(p->b, t->fields[i].name));
		TRY(buf_add(p->b, t->fields[i].is_required ? STR(": ") : STR("?: ")));
		TRY(print_type(p, t->fields[i].type));
		TRY(buf_add_char(p->b, ','));
	}
	p->depth--;
	if (t->n_fields > 0) {
		TRY(print_indent(p));
	}
	return buf_add_char(p->b, '}');
}

static enum rc print_type(struct print *p, const struct input_type *t)
{
	switch (t->kind) {
	case INPUT_UNKNOWN:
		return buf_add(p->b, STR("Remit::Unknown"));
	case INPUT_NULL:
		return buf_add(p->b, STR("Remit::Null"));
	case INPUT_BOOL:
		return print_builtin(p, "Bool");
	case INPUT_LONG:
		return print_builtin(p, "Long");
	case INPUT_STRING:
		return print_builtin(p, "String");
	case INPUT_DECIMAL:
	case INPUT_DECIMAL_TEXT:
		return print_builtin(p, "decimal");
	case INPUT_DATETIME:
		return print_builtin(p, "datetime");
	case INPUT_DURATION:
		return print_builtin(p, "duration");
	case INPUT_IPADDR:
		return print_builtin(p, "ipaddr");
	case INPUT_SET:
		TRY(buf_add(p->b, STR("Set<")));
		TRY(print_type(p, t->item));
		return buf_add_char(p->b, '>');
	case INPUT_TUPLE:
	case INPUT_UNION:
		return print_fields(p, t);
	case INPUT_RECORD:
		if (t->path.n == 0) {
			return print_fields(p, t);
		}
		break;
	case INPUT_ENUM:
	case INPUT_TAGGED:
	case INPUT_REF:
		break;
	}
	return buf_add(p->b, t->path);
}

static enum rc print_declared(struct print *p, const struct input_type *t)
{
	TRY(print_indent(p));
	if (t->kind == INPUT_RECORD) {
		TRY(buf_addf(p->b, "type " STR_FMT " = ", STR_ARG(t->name)));
		TRY(print_fields(p, t));
		return buf_add_char(p->b, ';');
	}
	TRY(buf_addf(p->b, "entity " STR_FMT " ", STR_ARG(t->name)));
	if (t->kind == INPUT_TAGGED) {
		TRY(print_fields(p, t));
		TRY(buf_add(p->b, STR(" tags ")));
		TRY(print_type(p, t->item));
		return buf_add_char(p->b, ';');
	}
	TRY(buf_add(p->b, STR("enum [")));
	for (size_t i = 0; i < t->words.n; i++) {
		TRY(buf_add(p->b, i ? STR(", ") : STR("")));
		TRY(input_print_text(p->b, t->words.p[i]));
	}
	return buf_add(p->b, STR("];"));
}

/* All that is declared in one namespace. */
static enum rc print_space(struct print *p, struct str space)
{
	TRY(buf_addf(p->b, "\nnamespace " STR_FMT " {", STR_ARG(space)));
	p->depth++;
	for (const struct input_type *t = p->in->declared; t; t = t->next) {
		if (str_eq(t->space, space)) {
			TRY(print_declared(p, t));
		}
	}
	for (size_t i = 0; str_eq(space, p->in->space) && i < p->in->n_defs; i++) {
		if (p->in->defs[i].is_alias) {
			TRY(print_indent(p));
			TRY(buf_addf(p->b, "type " STR_FMT " = ", STR_ARG(p->in->defs[i].name)));
			TRY(print_type(p, p->in->defs[i].type));
			TRY(buf_add_char(p->b, ';'));
		}
	}
	p->depth--;
	return buf_add(p->b, STR("\n}\n"));
}

/* Was another type before this one declared in its namespace? */
static bool is_printed(const struct input *in, const struct input_type *one)
{
	for (const struct input_type *t = in->declared; t != one; t = t->next) {
		if (str_eq(t->space, one->space)) {
			return true;
		}
	}
	return false;
}

static bool has_own_space(const struct input *in)
{
	bool has = false;

	for (size_t i = 0; i < in->n_defs; i++) {
		has |= in->defs[i].is_alias;
	}
	for (const struct input_type *t = in->declared; t; t = t->next) {
		has |= str_eq(t->space, in->space);
	}
	return has;
}

enum rc input_print(struct buf *b, const struct input *in)
{
	struct print p = {.b = b, .in = in, .depth = 1};

	TRY(buf_addf(b, "\n  type " STR_FMT " = ", STR_ARG(in->name)));
	TRY(print_fields(&p, in->root));
	return buf_add(b, STR(";"));
}

enum rc input_print_spaces(struct buf *b, const struct input *in)
{
	struct print p = {.b = b, .in = in};

	if (has_own_space(in)) {
		TRY(print_space(&p, in->space));
	}
	for (const struct input_type *t = in->declared; t; t = t->next) {
		if (!str_eq(t->space, in->space) && !is_printed(in, t)) {
			TRY(print_space(&p, t->space));
		}
	}
	return RC_OK;
}
