/* SPDX-License-Identifier: Apache-2.0 */
/* core/taint.c - words of results and arguments, and who vouches for them.
 *
 * Trust:  results and arguments are hostile; only their bytes are looked at, within bounds.
 * Holds:  (1) two texts that differ in case only are one word.
 *         (2) what is cut off makes more tainted, never less.
 */
#include "core/taint.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "base/num.h"
#include "core/bundle.h"
#include "core/state.h"

enum { HEX = 16 };

struct cutting {
	struct arena *arena;
	size_t max;
	struct taint_words words;
	uint64_t *seen; /* hashes, open addressing; 0 = free */
	size_t n_seen;
	bool is_out_of_memory;
};

static bool is_of_word(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c >= 0x80 || strchr("._:/@%+~-\\#", c);
}

static bool is_edge(char c)
{
	return strchr("._:-/", c) != NULL;
}

/* (1) */
static struct str lower(struct arena *arena, struct str text)
{
	char *p = arena_alloc(arena, text.n + 1);

	for (size_t i = 0; p && i < text.n; i++) {
		char c = text.p[i];

		p[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
	}
	return p ? str_of(p, text.n) : STR_NULL;
}

static void add_word(struct cutting *c, struct str word)
{
	struct str own;
	uint64_t hash;
	size_t at;

	if (word.n < TAINT_WORD_MIN || word.n > TAINT_WORD_MAX || c->is_out_of_memory) {
		return;
	}
	own = lower(c->arena, word);
	if (!own.p) {
		c->is_out_of_memory = true;
		return;
	}
	hash = map_hash(own) | 1;
	at = (size_t)hash & (c->n_seen - 1);
	while (c->seen[at] && c->seen[at] != hash) {
		at = (at + 1) & (c->n_seen - 1);
	}
	if (c->seen[at]) {
		return;
	}
	if (c->words.n == c->max) {
		c->words.is_over = true; /* (2) */
		return;
	}
	c->seen[at] = hash;
	c->words.p[c->words.n++] = own;
}

static struct str without_edges(struct str word)
{
	while (word.n && is_edge(word.p[0])) {
		word = str_slice(word, 1, word.n);
	}
	while (word.n && is_edge(word.p[word.n - 1])) {
		word.n--;
	}
	return word;
}

static void cut(struct cutting *c, struct str text)
{
	size_t from = 0;

	add_word(c, str_trim(text));
	for (size_t i = 0; i <= text.n && !c->words.is_over; i++) {
		if (i < text.n && is_of_word((unsigned char)text.p[i])) {
			continue;
		}
		add_word(c, without_edges(str_slice(text, from, i)));
		from = i + 1;
	}
}

static void cut_value(struct cutting *c, const struct json *v, unsigned depth)
{
	if (!v || depth > LIMIT_JSON_DEPTH || c->words.is_over) {
		return;
	}
	if (v->type == JSON_STRING) {
		cut(c, v->text);
	} else if (v->type == JSON_NUMBER) {
		add_word(c, v->text);
	} else if (v->type == JSON_ARRAY || v->type == JSON_OBJECT) {
		for (const struct json *m = v->child; m; m = m->next) {
			if (v->type == JSON_OBJECT) {
				cut(c, m->key);
			}
			cut_value(c, m, depth + 1);
		}
	}
}

static enum rc words_of(const struct json *value, bool is_arguments, size_t max,
			struct arena *arena, struct taint_words *ret, struct err *e)
{
	struct cutting c = {.arena = arena, .max = max, .n_seen = 64};

	while (c.n_seen < 2 * max) {
		c.n_seen *= 2;
	}
	c.words.p = arena_alloc_n(arena, max, sizeof(*c.words.p));
	c.seen = arena_alloc_n(arena, c.n_seen, sizeof(*c.seen));
	if (!c.words.p || !c.seen) {
		FAIL(e, RC_NOMEM, "no memory for words");
	}
	memset(c.seen, 0, c.n_seen * sizeof(*c.seen));
	if (is_arguments && json_type(value) == JSON_OBJECT) {
		/* Names of arguments are the tool's. */
		for (const struct json *m = value->child; m; m = m->next) {
			cut_value(&c, m, 1);
		}
	} else {
		cut_value(&c, value, 0);
	}
	if (c.is_out_of_memory) {
		FAIL(e, RC_NOMEM, "no memory for words");
	}
	*ret = c.words;
	return RC_OK;
}

enum rc taint_words(const struct json *value, size_t max, struct arena *arena,
		    struct taint_words *ret, struct err *e)
{
	return words_of(value, false, max, arena, ret, e);
}

/* ---- who vouches ---- */

static bool says(struct str text, struct str word)
{
	return str_eq_nocase(text, word);
}

static bool target_says(const struct str_list *targets, struct str word)
{
	for (size_t i = 0; i < targets->n; i++) {
		struct str t = targets->p[i];

		if (says(t, word) || says(str_slice(t, str_find(t, ':') + 1, t.n), word)) {
			return true;
		}
	}
	return false;
}

static bool list_says(const struct str_list *l, struct str word)
{
	for (size_t i = 0; i < l->n; i++) {
		if (says(l->p[i], word)) {
			return true;
		}
	}
	return false;
}

/* A value that the tool's schema lists is the catalog's. */
static bool schema_says(const struct json *schema, struct str word)
{
	const struct json *properties = json_get(schema, STR("properties"));

	for (const struct json *p = json_type(properties) == JSON_OBJECT ? properties->child : NULL;
	     p; p = p->next) {
		const struct json *values = json_get(p, STR("enum"));

		if (says(p->key, word)) {
			return true;
		}
		for (const struct json *v = json_type(values) == JSON_ARRAY ? values->child : NULL;
		     v; v = v->next) {
			if (v->type == JSON_STRING && says(v->text, word)) {
				return true;
			}
		}
	}
	return false;
}

static bool is_vouched_for(const struct task *t, const struct incident *i, const struct playbook *p,
			   const struct tool *tool, struct str word)
{
	return target_says(&t->targets, word) || list_says(&t->tools, word) ||
	       list_says(&t->data, word) || says(t->playbook, word) ||
	       (i && (target_says(&i->assets, word) || says(i->class, word) ||
		      says(i->service, word) || says(i->environment, word))) ||
	       (p && list_says(&p->values, word)) || schema_says(tool->input_schema, word);
}

enum rc taint_words_of_call(const struct state *s, const struct bundle *b, uint64_t task,
			    struct str tool, const struct json *args, struct arena *arena,
			    struct taint_words *ret, struct err *e)
{
	const struct task *t = state_task(s, task);
	const struct tool *of = bundle_tool(b, tool);
	struct taint_words all;
	size_t n = 0;

	*ret = (struct taint_words){0};
	if (!t || !of) {
		return RC_OK;
	}
	TRY(words_of(args, true, LIMIT_MARKS_PER_CALL, arena, &all, e));
	for (size_t i = 0; i < all.n; i++) {
		if (!is_vouched_for(t, state_incident(s, t->incident),
				    bundle_playbook(b, t->playbook), of, all.p[i])) {
			all.p[n++] = all.p[i];
		}
	}
	*ret = (struct taint_words){.p = all.p, .n = n, .is_over = all.is_over};
	return RC_OK;
}

/* ---- marks ---- */

size_t marks_sort(uint64_t *m, size_t n)
{
	size_t kept = 0;

	if (n) {
		qsort(m, n, sizeof(*m), num_order_u64);
	}
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || m[kept - 1] != m[i]) {
			m[kept++] = m[i];
		}
	}
	return kept;
}

struct str marks_print(struct arena *arena, const struct marks *m)
{
	char *text = arena_alloc(arena, m->n * HEX + 1);

	for (size_t i = 0; text && i < m->n; i++) {
		for (unsigned k = 0; k < HEX; k++) {
			text[i * HEX + k] = "0123456789abcdef"[m->p[i] >> (60 - 4 * k) & 15];
		}
	}
	return text ? str_of(text, m->n * HEX) : STR_NULL;
}

bool marks_at(struct str text, size_t i, uint64_t *ret)
{
	uint8_t bytes[8];

	if ((i + 1) * HEX > text.n || !num_hex(str_slice(text, i * HEX, (i + 1) * HEX), bytes, 8)) {
		return false;
	}
	*ret = 0;
	for (unsigned k = 0; k < 8; k++) {
		*ret = *ret << 8 | bytes[k];
	}
	return true;
}

bool marks_are_valid(struct str text)
{
	uint64_t before = 0;
	uint64_t mark;

	for (size_t i = 0; i < text.n / HEX; i++) {
		if (!marks_at(text, i, &mark) || (i > 0 && mark <= before)) {
			return false;
		}
		before = mark;
	}
	return text.n % HEX == 0;
}

enum rc taint_mark(const struct taint_words *words, taint_tag_fn *tag, void *ctx,
		   struct arena *arena, struct marks *ret, struct err *e)
{
	uint64_t *m = arena_alloc_n(arena, words->n + 1, sizeof(*m));

	if (!m) {
		FAIL(e, RC_NOMEM, "no memory for marks");
	}
	for (size_t i = 0; i < words->n; i++) {
		uint8_t digest[32];

		TRY(tag(ctx, words->p[i], digest, e));
		memcpy(&m[i], digest, sizeof(m[i]));
	}
	*ret = (struct marks){.p = m, .n = marks_sort(m, words->n), .is_over = words->is_over};
	return RC_OK;
}

enum rc taint_mark_result(struct str result, taint_tag_fn *tag, void *ctx, struct arena *arena,
			  struct str *ret, bool *ret_over, struct err *e)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct taint_words words;
	const struct json *value;
	struct marks m;

	*ret = STR_NULL;
	*ret_over = true; /* what cannot be read taints everything */
	if (json_parse(arena, result, &limits, &value, NULL) != RC_OK) {
		return RC_OK;
	}
	TRY(taint_words(value, LIMIT_MARKS_PER_RESULT, arena, &words, e));
	TRY(taint_mark(&words, tag, ctx, arena, &m, e));
	*ret = marks_print(arena, &m);
	*ret_over = m.is_over;
	if (!ret->p) {
		FAIL(e, RC_NOMEM, "no memory for marks");
	}
	return RC_OK;
}
