/* SPDX-License-Identifier: Apache-2.0 */
/* runner/template.c - fill placeholders.
 *
 * Trust:  templates are the catalog's; the values of variables are the agent's.
 * Holds:  (1) a value is copied as bytes, never looked at for placeholders again.
 *         (2) no value ends a string early: NUL is refused.
 */
#include "runner/template.h"

#include <string.h>

#include "base/limits.h"
#include "runner/child.h"

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.';
}

/* The name when s begins with "{name}", else an empty str. */
static struct str placeholder_at(struct str s)
{
	size_t n = 1;

	if (s.n < 3 || s.p[0] != '{') {
		return STR("");
	}
	while (n < s.n && is_name_char(s.p[n])) {
		n++;
	}
	return n > 1 && n < s.n && s.p[n] == '}' ? str_slice(s, 1, n) : STR("");
}

enum rc template_fill(struct str template, template_fn *look_up, const void *ctx, struct buf *b,
		      struct err *e)
{
	while (template.n > 0) {
		struct str name = placeholder_at(template);

		if (name.n > 0) {
			TRY(look_up(ctx, name, b, e));
			template = str_slice(template, name.n + 2, template.n);
		} else {
			TRY(buf_add_char(b, template.p[0]));
			template = str_slice(template, 1, template.n);
		}
	}
	return RC_OK;
}

/* A JSON scalar as text; an object or array as canonical JSON. */
static enum rc add_value(const struct json *j, struct str name, struct buf *b, struct err *e)
{
	struct str text;

	switch (json_type(j)) {
	case JSON_NONE:
	case JSON_NULL:
		FAIL(e, RC_INPUT, "no value for '{" STR_FMT "}'", STR_ARG(name));
	case JSON_STRING:
	case JSON_NUMBER:
		text = j->text;
		break;
	case JSON_FALSE:
		text = STR("false");
		break;
	case JSON_TRUE:
		text = STR("true");
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		return json_canonical(b, j, e);
	}
	if (text.n > 0 && memchr(text.p, '\0', text.n)) {
		FAIL(e, RC_INPUT, "a NUL in the value of '{" STR_FMT "}'", STR_ARG(name));
	}
	return buf_add(b, text);
}

/* ---- commands and environments ---- */

static enum rc look_up_word(const void *ctx, struct str name, struct buf *b, struct err *e)
{
	const struct template_call *c = ctx;

	if (str_eq(name, STR("call")) && c->call > 0) {
		return buf_addf(b, "c%llu", (unsigned long long)c->call);
	}
	if (str_eq(name, STR("secret"))) {
		if (!c->has_secret) {
			FAIL(e, RC_INPUT, "{secret} is used, but there is no secret file");
		}
		return buf_add(b, STR(CHILD_SECRET_PATH));
	}
	for (size_t i = 0; c->variables && i < c->variables->n; i++) {
		struct str pointer = c->variables->p[i];

		if (str_eq(str_cut(&pointer, '='), name)) {
			return add_value(json_pointer(c->args, pointer), name, b, e);
		}
	}
	FAIL(e, RC_INPUT, "no variable '{" STR_FMT "}'", STR_ARG(name));
}

enum rc template_words(const struct str_list *words, const struct template_call *call,
		       bool is_command, struct arena *arena, char ***ret, struct err *e)
{
	char **out = arena_alloc_n(arena, words->n + 1, sizeof(*out));

	if (!out) {
		FAIL(e, RC_NOMEM, "no memory for a command");
	}
	for (size_t i = 0; i < words->n; i++) {
		AUTO_BUF b = BUF_INIT(2 * LIMIT_ARGS_BYTES);
		struct str word = words->p[i];
		struct str whole = placeholder_at(word);

		TRY(template_fill(word, look_up_word, call, &b, e));
		if (is_command && i > 0 && whole.n > 0 && whole.n + 2 == word.n && b.n > 0 &&
		    b.p[0] == '-') {
			FAIL(e, RC_INPUT, "the value of '" STR_FMT "' looks like an option",
			     STR_ARG(word));
		}
		out[i] = arena_cstr(arena, buf_view(&b));
		if (!out[i]) {
			FAIL(e, RC_NOMEM, "no memory for a command");
		}
	}
	*ret = out;
	return RC_OK;
}

/* ---- the secret file ---- */

static enum rc look_up_field(const void *ctx, struct str name, struct buf *b, struct err *e)
{
	return add_value(json_get(ctx, name), name, b, e);
}

enum rc template_secret(struct str template, struct str fields, struct buf *b, struct err *e)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	AUTO_ARENA_SECRET arena = ARENA_INIT(64 * 1024);
	const struct json *j;

	TRY(json_parse(&arena, fields, &limits, &j, e));
	return template_fill(template, look_up_field, j, b, e);
}
