/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/value.c - making, comparing and looking into values.
 *
 * Trust:  strings and numbers are hostile; pointers are the caller's.
 * Holds:  the invariants of cedar/value.h.
 */
#include "cedar/value.h"

#include <string.h>

#include "cedar/ext.h"

const char *cedar_type_name(enum cedar_type t)
{
	static const char *const names[] = {
	    [CEDAR_NONE] = "nothing",	   [CEDAR_BOOL] = "bool",
	    [CEDAR_LONG] = "long",	   [CEDAR_STRING] = "string",
	    [CEDAR_ENTITY] = "entity",	   [CEDAR_SET] = "set",
	    [CEDAR_RECORD] = "record",	   [CEDAR_IPADDR] = "ipaddr",
	    [CEDAR_DECIMAL] = "decimal",   [CEDAR_DATETIME] = "datetime",
	    [CEDAR_DURATION] = "duration",
	};

	return (size_t)t < ARRAY_LEN(names) ? names[t] : "nothing";
}

enum rc cedar_arena_rc(const struct arena *a, size_t size, struct err *e)
{
	if (size > a->max_bytes || a->used_bytes > a->max_bytes - size) {
		FAIL(e, RC_LIMIT, "the arena's %zu bytes are used up", a->max_bytes);
	}
	FAIL(e, RC_NOMEM, "no memory");
}

/* ---- comparing ---- */

static int cmp_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int cmp_i64(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int cmp_text(struct str a, struct str b)
{
	if (a.n != b.n) {
		return a.n < b.n ? -1 : 1;
	}
	return a.n ? memcmp(a.p, b.p, a.n) : 0;
}

static int cmp_ip(const struct cedar_ip *a, const struct cedar_ip *b)
{
	if (a->is_v6 != b->is_v6) {
		return a->is_v6 ? 1 : -1;
	}
	if (a->prefix != b->prefix) {
		return a->prefix < b->prefix ? -1 : 1;
	}
	return memcmp(a->addr, b->addr, sizeof(a->addr));
}

static int cmp_uid(const struct cedar_uid *a, const struct cedar_uid *b)
{
	int c;

	if (a == b) {
		return 0;
	}
	c = cmp_text(a->type, b->type);
	return c ? c : cmp_text(a->id, b->id);
}

bool cedar_uid_equal(const struct cedar_uid *a, const struct cedar_uid *b)
{
	return cedar_same_uid(a, b);
}

static int cmp_parts(const struct cedar_value *a, const struct cedar_value *b,
		     struct cedar_steps *steps)
{
	for (uint32_t i = 0; i < a->n; i++) {
		const struct cedar_value *x = &a->items[i];
		const struct cedar_value *y = &b->items[i];
		int c = 0;

		if (a->type == CEDAR_RECORD) {
			c = cmp_text(a->fields[i].name, b->fields[i].name);
			x = &a->fields[i].value;
			y = &b->fields[i].value;
		}
		if (c == 0) {
			c = cedar_value_cmp(x, y, steps);
		}
		if (c || (steps && steps->left < 0)) {
			return c;
		}
	}
	return 0;
}

int cedar_value_cmp(const struct cedar_value *a, const struct cedar_value *b,
		    struct cedar_steps *steps)
{
	if (!cedar_step(steps, 1)) {
		return 0;
	}
	if (a->type != b->type) {
		return a->type < b->type ? -1 : 1;
	}
	switch ((enum cedar_type)a->type) {
	case CEDAR_NONE:
		return 0;
	case CEDAR_BOOL:
		return cmp_u64(a->b, b->b);
	case CEDAR_LONG:
	case CEDAR_DECIMAL:
	case CEDAR_DATETIME:
	case CEDAR_DURATION:
		return cmp_i64(a->i, b->i);
	case CEDAR_STRING:
		return cedar_step(steps, a->n / CEDAR_STEP_BYTES)
			   ? cmp_text(cedar_value_text(a), cedar_value_text(b))
			   : 0;
	case CEDAR_ENTITY:
		return cmp_uid(a->uid, b->uid);
	case CEDAR_IPADDR:
		return cmp_ip(a->ip, b->ip);
	case CEDAR_SET:
	case CEDAR_RECORD:
		if (a->n != b->n) {
			return a->n < b->n ? -1 : 1;
		}
		return a->items == b->items ? 0 : cmp_parts(a, b, steps);
	}
	return 0;
}

bool cedar_set_has(const struct cedar_value *set, const struct cedar_value *needle,
		   struct cedar_steps *steps)
{
	size_t from = 0;
	size_t to = set->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;
		int c = cedar_value_cmp(&set->items[mid], needle, steps);

		if (steps && steps->left < 0) {
			return false;
		}
		if (c == 0) {
			return true;
		}
		if (c < 0) {
			from = mid + 1;
		} else {
			to = mid;
		}
	}
	return false;
}

enum { FEW_FIELDS = 8 };

const struct cedar_value *cedar_record_get(const struct cedar_value *record, struct str name)
{
	size_t from = 0;
	size_t to = record->n;

	if (to <= FEW_FIELDS) {
		for (; from < to; from++) {
			if (record->fields[from].name.n == name.n &&
			    cedar_same_bytes(record->fields[from].name.p, name.p, name.n)) {
				return &record->fields[from].value;
			}
		}
		return NULL;
	}

	while (from < to) {
		size_t mid = from + (to - from) / 2;
		int c = cmp_text(record->fields[mid].name, name);

		if (c == 0) {
			return &record->fields[mid].value;
		}
		if (c < 0) {
			from = mid + 1;
		} else {
			to = mid;
		}
	}
	return NULL;
}

/* ---- making ---- */

static int by_value(const void *a, const void *b, void *context)
{
	return cedar_value_cmp(a, b, context);
}

static int by_name(const void *a, const void *b, void *context)
{
	const struct cedar_slot *x = a;
	const struct cedar_slot *y = b;

	(void)context; /* names need none */
	return cmp_text(x->name, y->name);
}

enum rc cedar_make_set(struct cedar_value *items, size_t n, struct cedar_steps *steps,
		       struct cedar_value *ret)
{
	size_t kept = 0;
	unsigned deepest = 0;

	if (n > UINT32_MAX) {
		return RC_LIMIT;
	}
	cedar_sort(items, n, sizeof(*items), by_value, steps);
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || cedar_value_cmp(&items[kept - 1], &items[i], steps) != 0) {
			items[kept++] = items[i];
		}
		deepest = items[i].depth > deepest ? items[i].depth : deepest;
	}
	if (deepest >= CEDAR_LIMIT_VALUE_DEPTH || (steps && steps->left < 0)) {
		return RC_LIMIT;
	}
	*ret = (struct cedar_value){
	    .type = CEDAR_SET,
	    .depth = (uint8_t)(deepest + 1),
	    .n = (uint32_t)kept,
	    .items = items,
	};
	return RC_OK;
}

/* As cedar_sort() does for few, without calls: nearly all records are small. */
static void sort_fields(struct cedar_slot *fields, size_t n)
{
	if (n > 2 * FEW_FIELDS) {
		cedar_sort(fields, n, sizeof(*fields), by_name, NULL);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		struct cedar_slot held = fields[i];
		size_t j = i;

		for (; j > 0 && cmp_text(fields[j - 1].name, held.name) > 0; j--) {
			fields[j] = fields[j - 1];
		}
		fields[j] = held;
	}
}

enum rc cedar_make_record(struct cedar_slot *fields, size_t n, struct cedar_value *ret,
			  struct str *ret_twice)
{
	unsigned deepest = 0;

	if (n > UINT32_MAX) {
		return RC_LIMIT;
	}
	sort_fields(fields, n);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && cmp_text(fields[i - 1].name, fields[i].name) == 0) {
			*ret_twice = fields[i].name;
			return RC_INPUT;
		}
		deepest = fields[i].value.depth > deepest ? fields[i].value.depth : deepest;
	}
	if (deepest >= CEDAR_LIMIT_VALUE_DEPTH) {
		return RC_LIMIT;
	}
	*ret = (struct cedar_value){
	    .type = CEDAR_RECORD,
	    .depth = (uint8_t)(deepest + 1),
	    .n = (uint32_t)n,
	    .fields = fields,
	};
	return RC_OK;
}

enum rc cedar_value_box(struct arena *arena, struct cedar_value v, const struct cedar_value **ret,
			struct err *e)
{
	struct cedar_value *p = arena_alloc(arena, sizeof(*p));

	if (!p) {
		return cedar_arena_rc(arena, sizeof(*p), e);
	}
	*p = v;
	*ret = p;
	return RC_OK;
}

enum rc cedar_value_bool(struct arena *arena, bool v, const struct cedar_value **ret, struct err *e)
{
	return cedar_value_box(arena, cedar_make_bool(v), ret, e);
}

enum rc cedar_value_long(struct arena *arena, int64_t v, const struct cedar_value **ret,
			 struct err *e)
{
	return cedar_value_box(arena, cedar_make_int(CEDAR_LONG, v), ret, e);
}

enum rc cedar_value_datetime_ms(struct arena *arena, int64_t unix_ms,
				const struct cedar_value **ret, struct err *e)
{
	return cedar_value_box(arena, cedar_make_int(CEDAR_DATETIME, unix_ms), ret, e);
}

enum rc cedar_value_duration_ms(struct arena *arena, int64_t ms, const struct cedar_value **ret,
				struct err *e)
{
	return cedar_value_box(arena, cedar_make_int(CEDAR_DURATION, ms), ret, e);
}

enum rc cedar_value_string(struct arena *arena, struct str v, const struct cedar_value **ret,
			   struct err *e)
{
	struct str copy;

	if (v.n > CEDAR_LIMIT_TEXT_BYTES) {
		FAIL(e, RC_LIMIT, "a string of %zu bytes is longer than %d", v.n,
		     (int)CEDAR_LIMIT_TEXT_BYTES);
	}
	if (!str_is_utf8(v)) {
		FAIL(e, RC_INPUT, "a string is not UTF-8");
	}
	copy = arena_str(arena, v);
	if (!copy.p) {
		return cedar_arena_rc(arena, v.n, e);
	}
	return cedar_value_box(arena, cedar_make_string(copy), ret, e);
}

enum rc cedar_value_entity(struct arena *arena, const struct cedar_uid *u,
			   const struct cedar_value **ret, struct err *e)
{
	return cedar_value_box(arena, cedar_make_uid(u), ret, e);
}

enum rc cedar_value_set(struct arena *arena, const struct cedar_value *const *items, size_t n,
			const struct cedar_value **ret, struct err *e)
{
	struct cedar_value *copy = arena_alloc_n(arena, n, sizeof(*copy));
	struct cedar_value v;

	if (!copy) {
		return cedar_arena_rc(arena, n * sizeof(*copy), e);
	}
	for (size_t i = 0; i < n; i++) {
		copy[i] = *items[i];
	}
	if (cedar_make_set(copy, n, NULL, &v) != RC_OK) {
		FAIL(e, RC_LIMIT, "a set is nested deeper than %d", (int)CEDAR_LIMIT_VALUE_DEPTH);
	}
	return cedar_value_box(arena, v, ret, e);
}

enum rc cedar_value_record(struct arena *arena, const struct cedar_field *fields, size_t n,
			   const struct cedar_value **ret, struct err *e)
{
	struct cedar_slot *copy = arena_alloc_n(arena, n, sizeof(*copy));
	struct cedar_value v;
	struct str twice;
	enum rc rc;

	if (!copy) {
		return cedar_arena_rc(arena, n * sizeof(*copy), e);
	}
	for (size_t i = 0; i < n; i++) {
		if (!str_is_utf8(fields[i].name)) {
			FAIL(e, RC_INPUT, "the name of a field is not UTF-8");
		}
		copy[i].name = arena_str(arena, fields[i].name);
		if (!copy[i].name.p) {
			return cedar_arena_rc(arena, fields[i].name.n, e);
		}
		copy[i].value = *fields[i].value;
	}
	rc = cedar_make_record(copy, n, &v, &twice);
	if (rc == RC_INPUT) {
		FAIL(e, RC_INPUT, "a record has the field '" STR_FMT "' twice", STR_ARG(twice));
	}
	if (rc != RC_OK) {
		FAIL(e, RC_LIMIT, "a record is nested deeper than %d",
		     (int)CEDAR_LIMIT_VALUE_DEPTH);
	}
	return cedar_value_box(arena, v, ret, e);
}

enum rc cedar_value_ext(struct arena *arena, struct str fn, struct str arg,
			const struct cedar_value **ret, struct err *e)
{
	enum cedar_fn which = cedar_fn_find(fn);
	struct cedar_error why = {0};
	struct cedar_value text = cedar_make_string(arg);
	struct cedar_value v;
	enum rc rc;

	if (which == CEDAR_FN_NONE || !cedar_fn_is_constructor(which)) {
		FAIL(e, RC_INPUT, "there is no extension type '" STR_FMT "'", STR_ARG(fn));
	}
	if (arg.n > CEDAR_LIMIT_TEXT_BYTES) {
		FAIL(e, RC_LIMIT, "the argument of '" STR_FMT "' is too long", STR_ARG(fn));
	}
	rc = cedar_fn_call(arena, which, &text, 1, &v, &why);
	if (rc == RC_INPUT) {
		FAIL(e, RC_INPUT, STR_FMT "(\"" STR_FMT "\"): " STR_FMT, STR_ARG(fn), STR_ARG(arg),
		     STR_ARG(why.detail));
	}
	if (rc != RC_OK) {
		FAIL(e, rc, "no memory for a value");
	}
	return cedar_value_box(arena, v, ret, e);
}

/* ---- looking into ---- */

enum cedar_type cedar_value_type(const struct cedar_value *v)
{
	return v ? (enum cedar_type)v->type : CEDAR_NONE;
}

bool cedar_value_get_bool(const struct cedar_value *v, bool *ret)
{
	if (cedar_value_type(v) != CEDAR_BOOL) {
		return false;
	}
	*ret = v->b;
	return true;
}

bool cedar_value_get_long(const struct cedar_value *v, int64_t *ret)
{
	if (cedar_value_type(v) != CEDAR_LONG) {
		return false;
	}
	*ret = v->i;
	return true;
}

bool cedar_value_get_string(const struct cedar_value *v, struct str *ret)
{
	if (cedar_value_type(v) != CEDAR_STRING) {
		return false;
	}
	*ret = cedar_value_text(v);
	return true;
}

bool cedar_value_get_entity(const struct cedar_value *v, const struct cedar_uid **ret)
{
	if (cedar_value_type(v) != CEDAR_ENTITY) {
		return false;
	}
	*ret = v->uid;
	return true;
}

size_t cedar_value_count(const struct cedar_value *v)
{
	enum cedar_type t = cedar_value_type(v);

	return t == CEDAR_SET || t == CEDAR_RECORD ? v->n : 0;
}

const struct cedar_value *cedar_value_at(const struct cedar_value *set, size_t i)
{
	MUST(cedar_value_type(set) == CEDAR_SET && i < set->n);
	return &set->items[i];
}

struct cedar_field cedar_value_field(const struct cedar_value *record, size_t i)
{
	MUST(cedar_value_type(record) == CEDAR_RECORD && i < record->n);
	return (struct cedar_field){
	    .name = record->fields[i].name,
	    .value = &record->fields[i].value,
	};
}

const struct cedar_value *cedar_value_get(const struct cedar_value *record, struct str name)
{
	return cedar_value_type(record) == CEDAR_RECORD ? cedar_record_get(record, name) : NULL;
}

bool cedar_value_equal(const struct cedar_value *a, const struct cedar_value *b)
{
	return cedar_value_cmp(a, b, NULL) == 0;
}
