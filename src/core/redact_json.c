/* SPDX-License-Identifier: Apache-2.0 */
/* core/redact_json.c - secrets in JSON: by what they look like, by their name, by a pointer.
 *
 * Trust:  a tool's result is hostile. Depth, size and number of values are the parser's bounds.
 * Holds:  (1) a result without a secret is handed on byte for byte.
 *         (2) a result that cannot be looked through is refused, never handed on.
 */
#include "core/redact.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/vec.h"
#include "core/redact_impl.h"

enum { HIDDEN_MAX = 4096 }; /* values that pointers of one tool may hide in one result */

struct redacting {
	struct arena *arena;
	const struct str_list *pointers;
	VEC(const struct json *) hidden;
	size_t n; /* replaced so far */
	enum rc rc;
};

static void write_value(struct redacting *r, struct json_out *w, const struct json *j,
			bool is_named_secret);

/* ---- what pointers hide ---- */

/* Adds what `pointer` finds below j; the step "*" is every element or member. */
static void hide(struct redacting *r, const struct json *j, struct str pointer)
{
	struct str rest = pointer;
	struct str step;

	if (!j) {
		return;
	}
	if (pointer.n == 0) {
		if (r->hidden.n >= HIDDEN_MAX || vec_push(&r->hidden, j) != RC_OK) {
			r->rc = RC_LIMIT; /* (2) */
		}
		return;
	}
	rest = str_slice(rest, 1, rest.n);
	step = str_slice(rest, 0, str_find(rest, '/'));
	rest = str_slice(rest, step.n, rest.n);
	if (!str_eq(step, STR("*"))) {
		hide(r, json_pointer(j, str_slice(pointer, 0, step.n + 1)), rest);
		return;
	}
	for (const struct json *c = j->child; c; c = c->next) {
		hide(r, c, rest);
	}
}

static int by_address(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t) * (const struct json *const *)a;
	uintptr_t y = (uintptr_t) * (const struct json *const *)b;

	return (x > y) - (x < y);
}

static void hide_all(struct redacting *r, const struct json *j)
{
	for (size_t i = 0; i < r->pointers->n; i++) {
		hide(r, j, r->pointers->p[i]);
	}
	if (r->hidden.n > 1) {
		qsort(r->hidden.p, r->hidden.n, sizeof(r->hidden.p[0]), by_address);
	}
}

static bool is_hidden(const struct redacting *r, const struct json *j)
{
	return r->hidden.n && bsearch(&j, r->hidden.p, r->hidden.n, sizeof(j), by_address);
}

/* ---- values ---- */

static void write_replacement(struct redacting *r, struct json_out *w, const char *kind)
{
	json_out_strf(w, "[redacted: %s]", kind);
	r->n++;
}

/* Text that is itself JSON, as most tools answer: looked into. p == NULL when it is none, or holds
 * no secret. */
static struct str redact_inner(struct redacting *r, struct str text, bool is_result)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *inner;
	size_t before = r->n;
	struct buf out = BUF_INIT(LIMIT_RESULT_BYTES);
	struct json_out w = json_out_to(&out);
	struct str ret = STR_NULL;

	if (!(str_has_prefix(text, STR("{")) || str_has_prefix(text, STR("["))) ||
	    json_parse(r->arena, text, &limits, &inner, NULL) != RC_OK) {
		return STR_NULL;
	}
	if (is_result) {
		hide_all(r, inner);
	}
	write_value(r, &w, inner, false);
	if (json_out_end(&w, NULL) != RC_OK) {
		r->rc = RC_LIMIT;
	} else if (r->n > before) {
		ret = arena_str(r->arena, buf_view(&out));
		r->rc = ret.p ? r->rc : RC_NOMEM;
	}
	buf_fini(&out);
	return ret;
}

static void write_text(struct redacting *r, struct json_out *w, struct str text, bool is_result)
{
	struct str inner = redact_inner(r, text, is_result);
	struct buf out = BUF_INIT(LIMIT_RESULT_BYTES);
	size_t n = 0;

	if (!inner.p && redact_text(text, &out, &n, NULL) != RC_OK) {
		r->rc = RC_LIMIT;
	}
	r->n += n;
	json_out_str(w, inner.p ? inner : buf_view(&out));
	buf_fini(&out);
}

/* A Kubernetes Secret has its values under names of its owner's choice. */
static bool is_secret_object(const struct json *object)
{
	struct str kind;

	return json_str(json_get(object, STR("kind")), &kind) && str_eq(kind, STR("Secret"));
}

static void write_members(struct redacting *r, struct json_out *w, const struct json *object,
			  bool all_secret)
{
	bool is_secret = is_secret_object(object);

	json_out_object(w);
	for (const struct json *m = object->child; m; m = m->next) {
		bool is_data =
		    is_secret && (str_eq(m->key, STR("data")) || str_eq(m->key, STR("stringData")));

		json_out_key(w, m->key);
		if (is_data && m->type == JSON_OBJECT) {
			write_members(r, w, m, true);
		} else {
			write_value(r, w, m, all_secret || redact_is_secret_name(m->key));
		}
	}
	json_out_close(w);
}

static void write_value(struct redacting *r, struct json_out *w, const struct json *j,
			bool is_named_secret)
{
	if (is_hidden(r, j)) {
		write_replacement(r, w, "hidden by the catalog");
		return;
	}
	switch (j->type) {
	case JSON_STRING:
		if (is_named_secret && j->text.n && !redact_is_placeholder(j->text)) {
			write_replacement(r, w, "secret");
		} else {
			write_text(r, w, j->text, false);
		}
		return;
	case JSON_NUMBER:
		if (is_named_secret) {
			write_replacement(r, w, "secret");
			return;
		}
		break;
	case JSON_ARRAY:
		json_out_array(w);
		for (const struct json *c = j->child; c; c = c->next) {
			write_value(r, w, c, is_named_secret);
		}
		json_out_close(w);
		return;
	case JSON_OBJECT:
		write_members(r, w, j, false);
		return;
	case JSON_NONE:
	case JSON_NULL:
	case JSON_TRUE:
	case JSON_FALSE:
		break;
	}
	json_out_node(w, j);
}

bool redact_json_has_secret(const struct json *j, struct str *ret_kind)
{
	if (!j) {
		return false;
	}
	if (j->type == JSON_STRING) {
		if (j->key.n && redact_is_secret_name(j->key) && j->text.n &&
		    !redact_is_placeholder(j->text)) {
			if (ret_kind) {
				*ret_kind = STR("secret");
			}
			return true;
		}
		return redact_has_secret(j->text, ret_kind);
	}
	for (const struct json *c = j->child; c; c = c->next) {
		if (redact_json_has_secret(c, ret_kind)) {
			return true;
		}
	}
	return false;
}

/* ---- results ---- */

/* The members of a result; in its content, pointers apply to the first text. */
static void write_content(struct redacting *r, struct json_out *w, const struct json *content)
{
	json_out_array(w);
	for (const struct json *block = content->child; block; block = block->next) {
		bool is_first = block == content->child;

		if (block->type != JSON_OBJECT) {
			write_value(r, w, block, false);
			continue;
		}
		json_out_object(w);
		for (const struct json *m = block->child; m; m = m->next) {
			json_out_key(w, m->key);
			if (m->type == JSON_STRING && str_eq(m->key, STR("text"))) {
				write_text(r, w, m->text, is_first);
			} else {
				write_value(r, w, m, false);
			}
		}
		json_out_close(w);
	}
	json_out_close(w);
}

static void write_result(struct redacting *r, struct json_out *w, const struct json *result)
{
	hide_all(r, json_get(result, STR("structuredContent")));
	json_out_object(w);
	for (const struct json *m = result->child; m; m = m->next) {
		json_out_key(w, m->key);
		if (m->type == JSON_ARRAY && str_eq(m->key, STR("content"))) {
			write_content(r, w, m);
		} else {
			write_value(r, w, m, false);
		}
	}
	json_out_close(w);
}

enum rc redact_result(struct str result, const struct str_list *pointers, struct arena *arena,
		      struct str *ret, size_t *ret_n, struct err *e)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct redacting r = {.arena = arena, .pointers = pointers};
	AUTO_BUF out = BUF_INIT(LIMIT_RESULT_BYTES);
	struct json_out w = json_out_to(&out);
	const struct json *j;
	struct str text = STR_NULL;

	if (json_parse(arena, result, &limits, &j, NULL) != RC_OK || j->type != JSON_OBJECT) {
		if (redact_has_secret(result, NULL)) {
			FAIL(e, RC_INPUT, "the result is no JSON and holds a secret");
		}
		*ret = result;
		*ret_n = 0;
		return RC_OK;
	}
	write_result(&r, &w, j);
	vec_fini(&r.hidden);
	if (r.rc != RC_OK) {
		FAIL(e, r.rc, "the result is too large to be looked through for secrets");
	}
	if (r.n > 0) {
		TRY(json_out_end(&w, e));
		text = arena_str(arena, buf_view(&out));
		if (!text.p) {
			FAIL(e, RC_NOMEM, "no memory for the redacted result");
		}
	}
	*ret = r.n > 0 ? text : result;
	*ret_n = r.n;
	return RC_OK;
}
