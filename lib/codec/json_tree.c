/* SPDX-License-Identifier: Apache-2.0 */
/* codec/json_tree.c - building a tree of nodes, and looking around in one.
 *
 * Trust:  names and values are hostile; the shape was made by our own parsers.
 * Holds:  (1) an object that json_find_duplicate passed has no two members of one decoded name.
 *         (2) no operation is quadratic in what a stranger sent.
 */
#include "codec/json_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/num.h"

enum { FIRST_SLAB = 8, MAX_SLAB = 64 };

struct json_builder json_builder_of(struct arena *arena, const struct json_limits *limits)
{
	struct json_limits l = limits ? *limits : JSON_LIMITS_DEFAULT;
	unsigned most = l.is_deep ? LIMIT_JSON_DEEP : LIMIT_JSON_DEPTH;

	return (struct json_builder){
	    .arena = arena,
	    .slab_next = FIRST_SLAB,
	    .nodes_left = l.max_nodes,
	    .max_depth = l.max_depth < most ? l.max_depth : most,
	    .want_positions = l.want_positions,
	};
}

enum rc json_builder_node(struct json_builder *b, struct json **ret)
{
	if (b->nodes_left == 0) {
		return RC_LIMIT;
	}
	if (b->slab_left == 0) {
		b->slab = arena_alloc_n(b->arena, b->slab_next, sizeof(*b->slab));
		if (!b->slab) {
			return RC_NOMEM;
		}
		b->slab_left = b->slab_next;
		if (b->slab_next < MAX_SLAB) {
			b->slab_next *= 2;
		}
	}
	b->nodes_left--;
	b->slab_left--;
	*ret = b->slab++;
	return RC_OK;
}

void json_tail_add(struct json_tail *t, struct json *node)
{
	if (t->last) {
		t->last->next = node;
	} else {
		t->parent->child = node;
	}
	t->last = node;
	t->parent->count++;
}

/* A cheap fingerprint: most objects have no two names that share it, and need no comparison. */
static uint64_t name_bit(struct str name)
{
	unsigned mix = (unsigned)name.n * 7;

	if (name.n) {
		mix += (unsigned char)name.p[0] + 31u * (unsigned char)name.p[name.n - 1] +
		       5u * (unsigned char)name.p[name.n / 2];
	}
	return UINT64_C(1) << (mix & 63);
}

static const struct json *find_duplicate_small(const struct json *object)
{
	uint64_t seen = 0;

	for (const struct json *m = object->child; m; m = m->next) {
		uint64_t bit = name_bit(m->key);

		for (const struct json *p = object->child; (seen & bit) && p != m; p = p->next) {
			if (str_eq(p->key, m->key)) {
				return m;
			}
		}
		seen |= bit;
	}
	return NULL;
}

enum rc json_find_duplicate(const struct json *object, const struct json **ret)
{
	AUTO_MEM void *memory = NULL;
	const struct json **slots;
	size_t n_slots = 4 * JSON_SMALL_OBJECT;

	*ret = NULL;
	if (object->count <= JSON_SMALL_OBJECT) {
		*ret = find_duplicate_small(object);
		return RC_OK;
	}
	while (n_slots < (size_t)object->count * 2) {
		n_slots *= 2;
	}
	memory = mem_calloc(n_slots, sizeof(*slots));
	if (!memory) {
		return RC_NOMEM;
	}
	slots = memory;
	for (const struct json *m = object->child; m; m = m->next) {
		size_t at = (size_t)map_hash(m->key) & (n_slots - 1);

		while (slots[at]) {
			if (str_eq(slots[at]->key, m->key)) {
				*ret = m;
				return RC_OK;
			}
			at = (at + 1) & (n_slots - 1);
		}
		slots[at] = m;
	}
	return RC_OK;
}

/* Code units of UTF-16 order like the bytes of UTF-8, but for one thing: a surrogate (a four-byte
 * sequence, lead F0..F4) comes before U+E000..U+FFFF (leads EE and EF). */
static unsigned utf16_rank(char c)
{
	unsigned u = (unsigned char)c;

	if (u >= 0xF0) {
		return u - 2;
	}
	return u >= 0xEE ? u + 0x10 : u;
}

static int compare_utf16(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;

	for (size_t i = 0; i < n; i++) {
		if (a.p[i] != b.p[i]) {
			return utf16_rank(a.p[i]) < utf16_rank(b.p[i]) ? -1 : 1;
		}
	}
	return (a.n > b.n) - (a.n < b.n);
}

static int compare_members(const void *a, const void *b)
{
	const struct json *const *x = a;
	const struct json *const *y = b;

	return compare_utf16((*x)->key, (*y)->key);
}

void json_sort_members(const struct json *object, const struct json **out)
{
	size_t n = 0;

	for (const struct json *m = object->child; m; m = m->next) {
		size_t at = n++;

		if (object->count > JSON_SMALL_OBJECT) {
			out[at] = m;
			continue;
		}
		while (at > 0 && compare_utf16(out[at - 1]->key, m->key) > 0) {
			out[at] = out[at - 1];
			at--;
		}
		out[at] = m;
	}
	if (n > JSON_SMALL_OBJECT) {
		qsort(out, n, sizeof(*out), compare_members);
	}
}

enum json_type json_type(const struct json *j)
{
	return j ? j->type : JSON_NONE;
}

const struct json *json_get(const struct json *object, struct str name)
{
	if (json_type(object) != JSON_OBJECT) {
		return NULL;
	}
	for (const struct json *m = object->child; m; m = m->next) {
		if (str_eq(m->key, name)) {
			return m;
		}
	}
	return NULL;
}

const struct json *json_at(const struct json *array, size_t i)
{
	const struct json *element;

	if (json_type(array) != JSON_ARRAY || i >= array->count) {
		return NULL;
	}
	element = array->child;
	while (i-- > 0) {
		element = element->next;
	}
	return element;
}

/* Is the reference token (with ~0 and ~1 in it, already checked) this name? */
static bool token_is(struct str token, struct str name)
{
	size_t at = 0;

	for (size_t i = 0; i < token.n; i++) {
		char c = token.p[i];

		if (c == '~') {
			i++;
			c = token.p[i] == '0' ? '~' : '/';
		}
		if (at == name.n || name.p[at] != c) {
			return false;
		}
		at++;
	}
	return at == name.n;
}

static bool token_is_valid(struct str token)
{
	for (size_t i = 0; i < token.n; i++) {
		if (token.p[i] == '~') {
			i++;
			if (i == token.n || (token.p[i] != '0' && token.p[i] != '1')) {
				return false;
			}
		}
	}
	return true;
}

static const struct json *pointer_step(const struct json *j, struct str token)
{
	uint64_t index;

	if (j->type == JSON_ARRAY) {
		return num_u64(token, UINT32_MAX, &index) ? json_at(j, index) : NULL;
	}
	if (j->type != JSON_OBJECT) {
		return NULL;
	}
	for (const struct json *m = j->child; m; m = m->next) {
		if (token_is(token, m->key)) {
			return m;
		}
	}
	return NULL;
}

const struct json *json_pointer(const struct json *j, struct str pointer)
{
	struct str rest = pointer;

	if (!j || pointer.n == 0) {
		return j;
	}
	if (pointer.p[0] != '/') {
		return NULL;
	}
	(void)str_cut(&rest, '/'); /* the empty part before the first slash */
	while (j && rest.p) {
		struct str token = str_cut(&rest, '/');

		if (!token_is_valid(token)) {
			return NULL;
		}
		j = pointer_step(j, token);
	}
	return j;
}

bool json_str(const struct json *j, struct str *ret)
{
	if (json_type(j) != JSON_STRING) {
		return false;
	}
	*ret = j->text;
	return true;
}

bool json_i64(const struct json *j, int64_t *ret)
{
	return json_type(j) == JSON_NUMBER && num_i64(j->text, ret);
}

bool json_u64(const struct json *j, uint64_t *ret)
{
	return json_type(j) == JSON_NUMBER && num_u64(j->text, UINT64_MAX, ret);
}

bool json_bool(const struct json *j, bool *ret)
{
	enum json_type t = json_type(j);

	if (t != JSON_TRUE && t != JSON_FALSE) {
		return false;
	}
	*ret = t == JSON_TRUE;
	return true;
}

const char *json_type_name(enum json_type t)
{
	switch (t) {
	case JSON_NONE:
		return "nothing";
	case JSON_NULL:
		return "null";
	case JSON_FALSE:
	case JSON_TRUE:
		return "boolean";
	case JSON_NUMBER:
		return "number";
	case JSON_STRING:
		return "string";
	case JSON_ARRAY:
		return "array";
	case JSON_OBJECT:
		return "object";
	}
	return "nothing";
}

static bool equal_objects(const struct json *a, const struct json *b)
{
	const struct json *small[2 * JSON_SMALL_OBJECT];
	AUTO_MEM void *memory = NULL;
	const struct json **members = small;
	size_t n = a->count;

	if (n > JSON_SMALL_OBJECT) {
		memory = mem_calloc(2 * n, sizeof(*members));
		if (!memory) {
			return false;
		}
		members = memory;
	}
	json_sort_members(a, members);
	json_sort_members(b, members + n);
	for (size_t i = 0; i < n; i++) {
		if (!str_eq(members[i]->key, members[n + i]->key) ||
		    !json_equal(members[i], members[n + i])) {
			return false;
		}
	}
	return true;
}

bool json_equal(const struct json *a, const struct json *b)
{
	if (json_type(a) != json_type(b)) {
		return false;
	}
	if (!a || !b) {
		return true;
	}
	if (a->count != b->count || !str_eq(a->text, b->text)) {
		return false;
	}
	if (a->type == JSON_OBJECT) {
		return equal_objects(a, b);
	}
	for (a = a->child, b = b->child; a && b; a = a->next, b = b->next) {
		if (!json_equal(a, b)) {
			return false;
		}
	}
	return true;
}
