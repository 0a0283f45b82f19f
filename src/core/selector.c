/* SPDX-License-Identifier: Apache-2.0 */
/* core/selector.c - label selectors.
 *
 * Trust:  selectors come in arguments and are hostile; labels are the inventory's.
 * Holds:  (1) a selector without a requirement matches nothing.
 */
#include "core/selector.h"

#include <string.h>

/* What is left of the text. */
struct reading {
	struct str rest;
	struct arena *arena;
	struct err *e;
};

static bool is_word_char(char c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_' || c == '.' || c == '/';
}

static bool is_made_of_words(struct str s, size_t most, bool may_have_slash)
{
	if (s.n == 0 || s.n > most) {
		return false;
	}
	for (size_t i = 0; i < s.n; i++) {
		if (!is_word_char(s.p[i]) || (s.p[i] == '/' && !may_have_slash)) {
			return false;
		}
	}
	return true;
}

bool selector_key_is_valid(struct str key)
{
	return is_made_of_words(key, SELECTOR_KEY_BYTES, true);
}

bool selector_value_is_valid(struct str value)
{
	return is_made_of_words(value, SELECTOR_VALUE_BYTES, false);
}

static void skip_blanks(struct reading *r)
{
	while (r->rest.n > 0 && (r->rest.p[0] == ' ' || r->rest.p[0] == '\t')) {
		r->rest = str_slice(r->rest, 1, r->rest.n);
	}
}

static bool take(struct reading *r, const char *token)
{
	skip_blanks(r);
	if (!str_has_prefix(r->rest, str_from(token))) {
		return false;
	}
	r->rest = str_slice(r->rest, strlen(token), r->rest.n);
	return true;
}

static struct str take_word(struct reading *r)
{
	struct str word;
	size_t n = 0;

	skip_blanks(r);
	while (n < r->rest.n && is_word_char(r->rest.p[n])) {
		n++;
	}
	word = str_slice(r->rest, 0, n);
	r->rest = str_slice(r->rest, n, r->rest.n);
	return word;
}

static enum rc read_values(struct reading *r, bool is_list, struct str_list *ret)
{
	struct str *items = arena_alloc_n(r->arena, is_list ? SELECTOR_VALUES : 1, sizeof(*items));
	size_t n = 0;

	if (!items) {
		FAIL(r->e, RC_NOMEM, "no memory for a selector");
	}
	do {
		struct str value = take_word(r);

		if (!selector_value_is_valid(value)) {
			FAIL(r->e, RC_INPUT, "a selector wants a value here: '" STR_FMT "'",
			     STR_ARG(str_slice(r->rest, 0, 40)));
		}
		if (n == SELECTOR_VALUES) {
			FAIL(r->e, RC_LIMIT, "a selector with more than %d values",
			     SELECTOR_VALUES);
		}
		items[n++] = value;
	} while (is_list && take(r, ","));
	if (is_list && !take(r, ")")) {
		FAIL(r->e, RC_INPUT, "a selector's list of values does not end in ')'");
	}
	*ret = (struct str_list){.p = items, .n = n};
	return RC_OK;
}

/* "in" and "notin" are words, so they are looked for as such: "app interesting" has none. */
static enum rc read_set(struct reading *r, struct selector_requirement *q)
{
	struct str word = take_word(r);

	if (str_eq(word, STR("in"))) {
		q->op = SELECTOR_IN;
	} else if (str_eq(word, STR("notin"))) {
		q->op = SELECTOR_NOT_IN;
	} else {
		FAIL(r->e, RC_INPUT, "'" STR_FMT "' is no selector: expected =, !=, in or notin",
		     STR_ARG(str_slice(word, 0, 40)));
	}
	if (!take(r, "(")) {
		FAIL(r->e, RC_INPUT, "a selector's list of values begins with '('");
	}
	return read_values(r, true, &q->values);
}

static enum rc read_requirement(struct reading *r, struct selector_requirement *q)
{
	bool is_absent = take(r, "!");

	q->key = take_word(r);
	if (!selector_key_is_valid(q->key)) {
		FAIL(r->e, RC_INPUT, "a selector wants a label's name here: '" STR_FMT "'",
		     STR_ARG(str_slice(r->rest, 0, 40)));
	}
	if (is_absent) {
		q->op = SELECTOR_ABSENT;
		return RC_OK;
	}
	if (take(r, "==") || take(r, "=")) {
		q->op = SELECTOR_IN;
		return read_values(r, false, &q->values);
	}
	if (take(r, "!=")) {
		q->op = SELECTOR_NOT_IN;
		return read_values(r, false, &q->values);
	}
	skip_blanks(r);
	if (r->rest.n == 0 || r->rest.p[0] == ',') {
		q->op = SELECTOR_EXISTS;
		return RC_OK;
	}
	return read_set(r, q);
}

enum rc selector_parse(struct str text, struct arena *arena, struct selector *ret, struct err *e)
{
	struct reading r = {.rest = text, .arena = arena, .e = e};
	struct selector_requirement *list =
	    arena_alloc_n(arena, SELECTOR_REQUIREMENTS, sizeof(*list));
	size_t n = 0;

	if (!list) {
		FAIL(e, RC_NOMEM, "no memory for a selector");
	}
	do {
		if (n == SELECTOR_REQUIREMENTS) {
			FAIL(e, RC_LIMIT, "a selector with more than %d requirements",
			     SELECTOR_REQUIREMENTS);
		}
		TRY(read_requirement(&r, &list[n]));
		n++;
	} while (take(&r, ","));
	skip_blanks(&r);
	if (r.rest.n > 0) {
		FAIL(e, RC_INPUT, "a selector ends before '" STR_FMT "'",
		     STR_ARG(str_slice(r.rest, 0, 40)));
	}
	*ret = (struct selector){.p = list, .n = n};
	return RC_OK;
}

/* The label's value; p == NULL when it is not there. */
static struct str label_named(const struct str_list *labels, struct str key)
{
	for (size_t i = 0; i < labels->n; i++) {
		struct str value = labels->p[i];

		if (str_eq(str_cut(&value, '='), key)) {
			return value;
		}
	}
	return STR_NULL;
}

static bool holds(const struct selector_requirement *q, const struct str_list *labels)
{
	struct str value = label_named(labels, q->key);

	switch (q->op) {
	case SELECTOR_IN:
		return value.p && str_list_has(&q->values, value);
	case SELECTOR_NOT_IN:
		return !value.p || !str_list_has(&q->values, value);
	case SELECTOR_EXISTS:
		return value.p != NULL;
	case SELECTOR_ABSENT:
		return value.p == NULL;
	case SELECTOR_NONE:
		break;
	}
	return false;
}

bool selector_matches(const struct selector *s, const struct str_list *labels)
{
	for (size_t i = 0; i < s->n; i++) {
		if (!holds(&s->p[i], labels)) {
			return false;
		}
	}
	return s->n > 0; /* (1) */
}

bool selector_is_narrow(const struct selector *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->p[i].op == SELECTOR_IN) {
			return true;
		}
	}
	return false;
}
