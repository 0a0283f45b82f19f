/* SPDX-License-Identifier: Apache-2.0 */
/* core/reads.c - from a result to the objects in it.
 *
 * Trust:  a result is hostile; the parser has bounded it.
 * Holds:  (1) a result of which one part cannot be accounted for is unknown as a whole.
 *         (2) an object counts once per result, however often it stands there.
 */
#include "core/reads.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/num.h"

struct item {
	struct str class;
	struct str name; /* "kind:id" */
};

struct items {
	struct item *p;
	size_t n;
	size_t cap;
};

static int by_class_and_name(const void *a, const void *b)
{
	const struct item *x = a;
	const struct item *y = b;
	int order = str_cmp(x->class, y->class);

	return order ? order : str_cmp(x->name, y->name);
}

/* How many objects a rule finds; 0 when what it points to is neither array nor object. */
static size_t most_of(const struct read_rule *rule, const struct json *value)
{
	const struct json *at = json_pointer(value, rule->objects);

	return json_type(at) == JSON_ARRAY ? at->count : json_type(at) == JSON_OBJECT;
}

static bool id_of(const struct json *object, struct str pointer, struct str *ret)
{
	const struct json *id = json_pointer(object, pointer);

	if (json_type(id) != JSON_STRING && json_type(id) != JSON_NUMBER) {
		return false;
	}
	*ret = id->text;
	return ret->n > 0;
}

/* False: the result is not as the rule says, or memory ran out (then *ret is full). */
static bool take(const struct read_rule *rule, const struct json *object, struct arena *arena,
		 struct items *ret)
{
	struct str id;
	struct str name;

	if (!id_of(object, rule->id, &id)) {
		return false;
	}
	name = arena_strf(arena, STR_FMT ":" STR_FMT, STR_ARG(rule->kind), STR_ARG(id));
	if (!name.p || ret->n == ret->cap) {
		return false;
	}
	ret->p[ret->n++] = (struct item){.class = rule->class, .name = name};
	return true;
}

/* (1) */
static bool take_all(const struct read_rule *rule, const struct json *value, struct arena *arena,
		     struct items *ret)
{
	const struct json *at = json_pointer(value, rule->objects);

	if (json_type(at) == JSON_OBJECT) {
		return take(rule, at, arena, ret);
	}
	if (json_type(at) != JSON_ARRAY) {
		return false;
	}
	for (const struct json *c = at->child; c; c = c->next) {
		if (!take(rule, c, arena, ret)) {
			return false;
		}
	}
	return true;
}

/* (2) */
static void drop_doubles(struct items *all)
{
	size_t n = 0;

	if (all->n == 0) {
		return;
	}
	qsort(all->p, all->n, sizeof(all->p[0]), by_class_and_name);
	for (size_t i = 0; i < all->n; i++) {
		if (n == 0 || by_class_and_name(&all->p[n - 1], &all->p[i]) != 0) {
			all->p[n++] = all->p[i];
		}
	}
	all->n = n;
}

/* From one class to the next: writes its names, and its count. */
static size_t write_class(const struct items *all, size_t from, struct json_out *w,
			  struct arena *arena, struct str *ret_count)
{
	struct str class = all->p[from].class;
	size_t i = from;

	json_out_key(w, class);
	json_out_array(w);
	for (; i < all->n && str_eq(all->p[i].class, class); i++) {
		json_out_str(w, all->p[i].name);
	}
	json_out_close(w);
	*ret_count = arena_strf(arena, STR_FMT "=%zu", STR_ARG(class), i - from);
	return i;
}

static enum rc write_all(const struct items *all, size_t n_rules, struct arena *arena,
			 struct read_account *ret, struct err *e)
{
	struct str *counts = arena_alloc_n(arena, n_rules + 1, sizeof(*counts));
	AUTO_BUF out = BUF_INIT(READ_ITEMS_BYTES);
	struct json_out w = json_out_to(&out);
	size_t n = 0;

	if (!counts) {
		FAIL(e, RC_NOMEM, "no memory to account for a result");
	}
	json_out_object(&w);
	for (size_t i = 0; i < all->n; n++) {
		i = write_class(all, i, &w, arena, &counts[n]);
		if (!counts[n].p) {
			FAIL(e, RC_NOMEM, "no memory to account for a result");
		}
	}
	json_out_close(&w);
	TRY(json_out_end(&w, e));
	ret->items = all->n ? arena_str(arena, buf_view(&out)) : STR("");
	if (!ret->items.p) {
		FAIL(e, RC_NOMEM, "no memory to account for a result");
	}
	ret->counts = (struct str_list){.p = counts, .n = n};
	ret->is_described = true;
	return RC_OK;
}

const struct json *reads_value_of(struct str result, struct arena *scratch, struct arena *arena)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *whole;
	const struct json *value;
	struct str text;

	if (json_parse(scratch, result, &limits, &whole, NULL) != RC_OK) {
		return NULL;
	}
	if (json_get(whole, STR("structuredContent"))) {
		value = json_get(whole, STR("structuredContent"));
		text = value->raw;
	} else if (!json_str(json_pointer(whole, STR("/content/0/text")), &text)) {
		return NULL;
	}
	text = arena_str(arena, text);
	if (!text.p || json_parse(arena, text, &limits, &value, NULL) != RC_OK) {
		return NULL;
	}
	return value;
}

enum rc reads_account(const struct read_rule *rules, size_t n_rules, const struct json *value,
		      struct arena *arena, struct read_account *ret, struct err *e)
{
	struct items all = {0};
	enum rc rc;

	*ret = (struct read_account){.items = STR("")};
	for (size_t i = 0; i < n_rules; i++) {
		all.cap += most_of(&rules[i], value);
	}
	if (n_rules == 0 || !value) {
		return RC_OK;
	}
	all.p = arena_alloc_n(arena, all.cap + 1, sizeof(*all.p));
	if (!all.p) {
		FAIL(e, RC_NOMEM, "no memory to account for a result");
	}
	for (size_t i = 0; i < n_rules; i++) {
		if (!take_all(&rules[i], value, arena, &all)) {
			return RC_OK;
		}
	}
	drop_doubles(&all);
	rc = write_all(&all, n_rules, arena, ret, e);
	if (rc == RC_LIMIT) { /* too long a list to keep: unknown */
		*ret = (struct read_account){.items = STR("")};
		return RC_OK;
	}
	return rc;
}

uint64_t reads_count_of(const struct str_list *counts, struct str class)
{
	for (size_t i = 0; i < counts->n; i++) {
		struct str rest = counts->p[i];
		struct str name = str_cut(&rest, '=');
		uint64_t n;

		if (str_eq(name, class) && num_u64(rest, UINT64_MAX, &n)) {
			return n;
		}
	}
	return 0;
}
