/* SPDX-License-Identifier: Apache-2.0 */
/* core/input_name.c - where the types of a schema are declared, and under which names.
 *
 * Trust:  names are an upstream's; whatever is no identifier is escaped.
 * Holds:  (1) different texts have different identifiers, and an identifier that looks like none of
 *             ours is left as it is.
 *         (2) no two declarations have one name in one namespace.
 *         (3) a record never holds itself: a reference that would close a circle is unknown.
 * Through an entity it may, since entities refer to each other by name.
 */
#include <string.h>

#include "core/input_impl.h"

/* ---- (1) identifiers ---- */

static const struct str reserved[] = {
    {"true", 4}, {"false", 5},	{"if", 2},  {"then", 4},    {"else", 4},   {"in", 2},
    {"like", 4}, {"has", 3},	{"is", 2},  {"__cedar", 7}, {"Bool", 4},   {"Boolean", 7},
    {"Long", 4}, {"String", 6}, {"Set", 3}, {"Record", 6},  {"Entity", 6}, {"Extension", 9},
};

static bool is_reserved(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
		if (str_eq(name, reserved[i])) {
			return true;
		}
	}
	return false;
}

static bool is_upper_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Does an escape begin here, or what would be read as one? */
static bool begins_escape(struct str s)
{
	return s.n >= 6 && s.p[0] == '_' && s.p[1] == 'u' && is_upper_hex(s.p[2]) &&
	       is_upper_hex(s.p[3]) && is_upper_hex(s.p[4]) && is_upper_hex(s.p[5]);
}

static bool stands(struct str rest, bool is_first)
{
	char c = rest.p[0];

	return !begins_escape(rest) && (is_letter(c) || (!is_first && c >= '0' && c <= '9'));
}

static bool is_identifier(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!stands(str_slice(s, i, s.n), i == 0)) {
			return false;
		}
	}
	return s.n > 0 && !is_reserved(s);
}

enum rc input_identifier(struct str text, struct arena *arena, struct str *ret, struct err *e)
{
	AUTO_BUF b = BUF_INIT((size_t)INPUT_NAME_BYTES * 8);
	bool escapes_first = is_reserved(text);
	struct str rest = text;

	if (text.n > INPUT_NAME_BYTES) {
		FAIL(e, RC_LIMIT, "a name of more than %d bytes", INPUT_NAME_BYTES);
	}
	if (is_identifier(text)) {
		*ret = text;
		return RC_OK;
	}
	if (text.n == 0) {
		TRY(buf_add(&b, STR("_u110000_"))); /* no code point: of no other text */
	}
	while (rest.n > 0) {
		bool is_first = rest.n == text.n;

		if (stands(rest, is_first) && !(is_first && escapes_first)) {
			TRY(buf_add_char(&b, rest.p[0]));
			rest = str_slice(rest, 1, rest.n);
		} else {
			TRY(buf_addf(&b, "_u%04X_", (unsigned)str_take_code_point(&rest)));
		}
	}
	*ret = arena_str(arena, buf_view(&b));
	if (!ret->p) {
		FAIL(e, RC_NOMEM, "no memory for a name");
	}
	return RC_OK;
}

/* ---- (2) declarations ---- */

static bool is_taken(const struct input *in, struct str path)
{
	for (const struct input_type *t = in->declared; t; t = t->next) {
		if (str_eq(t->path, path)) {
			return true;
		}
	}
	for (size_t i = 0; i < in->n_defs; i++) {
		if (str_eq(in->defs[i].path, path)) {
			return true;
		}
	}
	return false;
}

static enum rc join(struct making *m, struct str space, struct str name, struct str *ret)
{
	*ret = arena_strf(m->arena, STR_FMT "::" STR_FMT, STR_ARG(space), STR_ARG(name));
	if (!ret->p) {
		FAIL(m->e, RC_NOMEM, "no memory for a schema's names");
	}
	if (ret->n > INPUT_PATH_BYTES) {
		FAIL(m->e, RC_LIMIT, "a type's name has more than %d bytes", INPUT_PATH_BYTES);
	}
	return RC_OK;
}

/* A free name like this one: with a number that is no code point behind it, if need be. */
static enum rc find_name(struct making *m, struct str space, struct str wanted,
			 struct str *ret_name, struct str *ret_path)
{
	*ret_name = wanted;
	TRY(join(m, space, wanted, ret_path));
	for (unsigned i = 0; is_taken(m->in, *ret_path); i++) {
		*ret_name = arena_strf(m->arena, STR_FMT "_u%06X_", STR_ARG(wanted), 0x110000 + i);
		if (!ret_name->p) {
			FAIL(m->e, RC_NOMEM, "no memory for a schema's names");
		}
		TRY(join(m, space, *ret_name, ret_path));
	}
	return RC_OK;
}

static enum rc declare(struct making *m, struct str space, struct str name, struct input_type *t)
{
	static const struct str extensions[] = {
	    {"ipaddr", 6}, {"decimal", 7}, {"datetime", 8}, {"duration", 8}};

	t->space = space;
	TRY(find_name(m, space, name, &t->name, &t->path));
	for (size_t i = 0; i < ARRAY_LEN(extensions); i++) {
		m->in->is_shadowing |= str_eq(t->name, extensions[i]);
	}
	t->next = m->in->declared;
	m->in->declared = t;
	m->in->n_declared++;
	return RC_OK;
}

static enum rc name_type(struct making *m, struct str space, struct str name, struct input_type *t);

static enum rc name_parts(struct making *m, struct str space, const char *word,
			  struct input_type *t)
{
	for (size_t i = 0; i < t->n_fields; i++) {
		struct str name = arena_strf(m->arena, "%s%zu", word, i);

		if (!name.p) {
			FAIL(m->e, RC_NOMEM, "no memory for a schema's names");
		}
		TRY(name_type(m, space, name, t->fields[i].type));
	}
	return RC_OK;
}

static enum rc name_fields(struct making *m, struct str space, struct input_type *t)
{
	for (size_t i = 0; i < t->n_fields; i++) {
		struct str name;

		TRY(input_identifier(t->fields[i].name, m->arena, &name, m->e));
		TRY(name_type(m, space, name, t->fields[i].type));
	}
	return RC_OK;
}

static enum rc name_object(struct making *m, struct str space, struct str name,
			   struct input_type *t)
{
	struct str inner;

	TRY(declare(m, space, name, t));
	TRY(join(m, space, name, &inner));
	if (t->item) {
		struct str tag = arena_strf(m->arena, STR_FMT "Tag", STR_ARG(name));

		if (!tag.p) {
			FAIL(m->e, RC_NOMEM, "no memory for a schema's names");
		}
		TRY(name_type(m, inner, tag, t->item));
	}
	return name_fields(m, inner, t);
}

static enum rc name_type(struct making *m, struct str space, struct str name, struct input_type *t)
{
	struct str inner;

	switch (t->kind) {
	case INPUT_ENUM:
		return declare(m, space, name, t);
	case INPUT_SET:
		return name_type(m, space, name, t->item);
	case INPUT_RECORD:
	case INPUT_TAGGED:
		return name_object(m, space, name, t);
	case INPUT_TUPLE:
		TRY(join(m, space, name, &inner));
		return name_parts(m, inner, "Proj", t);
	case INPUT_UNION:
		TRY(join(m, space, name, &inner));
		return name_parts(m, inner, "TypeChoice", t);
	case INPUT_NULL:
		m->in->has_null = true;
		break;
	case INPUT_UNKNOWN:
		m->in->has_unknown = true;
		break;
	case INPUT_REF: /* resolve() */
	case INPUT_BOOL:
	case INPUT_LONG:
	case INPUT_DECIMAL:
	case INPUT_DECIMAL_TEXT:
	case INPUT_STRING:
	case INPUT_DATETIME:
	case INPUT_DURATION:
	case INPUT_IPADDR:
		break;
	}
	return RC_OK;
}

/* Definitions come first: what properties say about themselves makes way. A definition that is no
 * declaration itself is an alias, which has the name. */
static enum rc name_defs(struct making *m)
{
	struct input *in = m->in;

	for (size_t i = 0; i < in->n_defs; i++) {
		struct input_def *d = &in->defs[i];
		enum input_kind kind = d->type->kind;
		struct str name;

		d->is_alias = kind != INPUT_ENUM && kind != INPUT_RECORD && kind != INPUT_TAGGED;
		TRY(input_identifier(d->key, m->arena, &name, m->e));
		TRY(find_name(m, in->space, name, &d->name, &name));
		d->path = name;
	}
	for (size_t i = 0; i < in->n_defs; i++) {
		struct input_def *d = &in->defs[i];

		if (!d->is_alias) {
			d->path = STR_NULL; /* its declaration takes it */
		}
		TRY(name_type(m, in->space, d->name, d->type));
		if (!d->is_alias) {
			d->name = d->type->name;
			d->path = d->type->path;
		}
	}
	return RC_OK;
}

/* ---- (3) references ---- */

enum { REACHED = 1 };

struct search {
	struct making *m;
	const struct input_def *from; /* NULL = the arguments themselves */
	uint8_t *seen;		      /* per definition */
};

static struct input_def *find_def(struct input *in, struct str ref)
{
	for (size_t i = 0; i < in->n_defs; i++) {
		if (str_eq(in->defs[i].ref, ref)) {
			return &in->defs[i];
		}
	}
	return NULL;
}

/* Does a value of this type hold one of the definition `wanted`, other than through an entity? */
static bool holds(struct search *s, const struct input_type *t, const struct input_def *wanted)
{
	struct input_def *d;

	if (t->kind == INPUT_TAGGED) {
		return false;
	}
	if (t->kind == INPUT_REF) {
		d = find_def(s->m->in, t->ref);
		if (!d || s->seen[d - s->m->in->defs] == REACHED) {
			return false;
		}
		s->seen[d - s->m->in->defs] = REACHED;
		return d == wanted || holds(s, d->type, wanted);
	}
	if (t->item && holds(s, t->item, wanted)) {
		return true;
	}
	for (size_t i = 0; i < t->n_fields; i++) {
		if (holds(s, t->fields[i].type, wanted)) {
			return true;
		}
	}
	return false;
}

static void become_unknown(struct making *m, struct input_type *t)
{
	*t = (struct input_type){.kind = INPUT_UNKNOWN};
	m->in->has_unknown = true;
}

static void resolve_ref(struct search *s, struct input_type *t, bool is_in_entity)
{
	struct input_def *d = find_def(s->m->in, t->ref);

	if (!d) {
		become_unknown(s->m, t);
		return;
	}
	if (s->from && !is_in_entity) {
		memset(s->seen, 0, s->m->in->n_defs);
		if (d == s->from || holds(s, d->type, s->from)) {
			become_unknown(s->m, t);
			return;
		}
	}
	t->item = d->type;
	t->space = s->m->in->space;
	t->name = d->name;
	t->path = d->path;
}

static void resolve(struct search *s, struct input_type *t, bool is_in_entity)
{
	is_in_entity |= t->kind == INPUT_TAGGED;
	if (t->kind == INPUT_REF) {
		resolve_ref(s, t, is_in_entity);
		return;
	}
	if (t->item) {
		resolve(s, t->item, is_in_entity);
	}
	for (size_t i = 0; i < t->n_fields; i++) {
		resolve(s, t->fields[i].type, is_in_entity);
	}
}

static enum rc resolve_all(struct making *m)
{
	struct search s = {.m = m, .seen = arena_alloc(m->arena, m->in->n_defs + 1)};

	if (!s.seen) {
		FAIL(m->e, RC_NOMEM, "no memory for a schema's names");
	}
	for (size_t i = 0; i < m->in->n_defs; i++) {
		s.from = &m->in->defs[i];
		resolve(&s, m->in->defs[i].type, false);
	}
	s.from = NULL;
	resolve(&s, m->in->root, false);
	return RC_OK;
}

enum rc input_name(struct making *m)
{
	TRY(name_defs(m));
	TRY(name_fields(m, m->in->space, m->in->root));
	return resolve_all(m);
}
