/* SPDX-License-Identifier: Apache-2.0 */
/* core/leaf.c - one encoder and one decoder over the table of leaves.
 *
 * Trust:  decoded bytes come from the log's files, which somebody may have touched.
 * Holds:  (1) encode(decode(b)) == b for every b that decodes: there is one form per fact.
 *         (2) members are written in RFC 8785 order: every name is lower-case ASCII, so bytes
 *             decide, and the order is computed once, before main.
 *         (3) a member is absent exactly when its value is zero, false or empty.
 */
#include "core/leaf.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "codec/json.h"

enum { MAX_FIELDS = 48 };

static const uint64_t MAX_SAFE = (UINT64_C(1) << 53) - 1; /* RFC 8785 appendix D */

/* "t", "type" and "v" stand among the fields, told apart by their type. */
enum { TYPE_TIME = LEAF_TYPE_DIGEST + 1, TYPE_KIND, TYPE_VERSION };

_Static_assert(LEAF_KINDS < 256, "a kind fits the byte in struct leaf_field");

/* The kinds as IX() in the table has them. */
enum {
	ANY = LEAF_KINDS,
#define LEAF(NAME, name_, wire, version, fields) NAME = LEAF_##NAME,
#include LEAF_TABLE
#undef LEAF
};

#pragma push_macro("STR")
#undef STR
#define FIELD(type_, field, max_, ...)                                                             \
	{.type = (type_),                                                                          \
	 .name = {#field, sizeof(#field) - 1},                                                     \
	 .causes = {__VA_ARGS__},                                                                  \
	 .offset = offsetof(this_leaf, field),                                                     \
	 .max = (max_)},
#define U64(field)	 FIELD(LEAF_TYPE_U64, field, 0)
#define IX(field, ...)	 FIELD(LEAF_TYPE_IX, field, 0, __VA_ARGS__)
#define BOOL(field)	 FIELD(LEAF_TYPE_BOOL, field, 0)
#define STR(field, max)	 FIELD(LEAF_TYPE_STR, field, max)
#define STRS(field, max) FIELD(LEAF_TYPE_STRS, field, max)
#define COMMIT(field)	 FIELD(LEAF_TYPE_COMMIT, field, 0)
#define DIGEST(field)	 FIELD(LEAF_TYPE_DIGEST, field, 0)
#define LEAF(NAME, name_, wire, version, fields_)                                                  \
	static const struct leaf_field *fields_of_##name_(size_t *ret_n)                           \
	{                                                                                          \
		typedef struct leaf_##name_ this_leaf;                                             \
		static const struct leaf_field fields[] = {fields_};                               \
		*ret_n = ARRAY_LEN(fields);                                                        \
		return fields;                                                                     \
	}
#include LEAF_TABLE
#undef LEAF
#undef U64
#undef IX
#undef BOOL
#undef STR
#undef STRS
#undef COMMIT
#undef DIGEST
#undef FIELD
#pragma pop_macro("STR")

static const struct kind {
	struct str wire;
	unsigned version;
	const struct leaf_field *(*fields)(size_t *ret_n);
} kinds[LEAF_KINDS] = {
#define LEAF(NAME, name_, wire_, version_, fields_)                                                \
	[LEAF_##NAME] = {                                                                          \
	    .wire = {wire_, sizeof(wire_) - 1},                                                    \
	    .version = (version_),                                                                 \
	    .fields = fields_of_##name_,                                                           \
	},
#include LEAF_TABLE
#undef LEAF
};

/* The members of each kind in the order they are written: set before main, then constant. */
struct member {
	unsigned type; /* enum leaf_type or TYPE_... */
	struct str name;
	size_t offset;
	size_t max;
	char key[72]; /* ,"name": */
	size_t key_n;
};
static struct {
	struct member members[MAX_FIELDS];
	size_t n;
} layouts[LEAF_KINDS];

static void add_member(unsigned kind, struct member m)
{
	size_t n = layouts[kind].n;
	size_t at = n;

	MUST(n < MAX_FIELDS && m.name.n + 4 < sizeof(m.key));
	m.key[0] = ',';
	m.key[1] = '"';
	memcpy(m.key + 2, m.name.p, m.name.n);
	m.key[m.name.n + 2] = '"';
	m.key[m.name.n + 3] = ':';
	m.key_n = m.name.n + 4;
	while (at > 0 && str_cmp(layouts[kind].members[at - 1].name, m.name) > 0) {
		layouts[kind].members[at] = layouts[kind].members[at - 1];
		at--;
	}
	layouts[kind].members[at] = m;
	layouts[kind].n = n + 1;
}

__attribute__((constructor)) static void lay_out(void)
{
	for (unsigned k = LEAF_NONE + 1; k < LEAF_KINDS; k++) {
		size_t n;
		const struct leaf_field *f = kinds[k].fields(&n);

		add_member(k, (struct member){.type = TYPE_TIME, .name = STR("t")});
		add_member(k, (struct member){.type = TYPE_KIND, .name = STR("type")});
		add_member(k, (struct member){.type = TYPE_VERSION, .name = STR("v")});
		for (size_t i = 0; i < n; i++) {
			add_member(k, (struct member){
					  .type = (unsigned)f[i].type,
					  .name = f[i].name,
					  .offset = f[i].offset,
					  .max = f[i].max,
				      });
		}
	}
}

static bool is_kind(enum leaf_kind k)
{
	return k > LEAF_NONE && k < LEAF_KINDS;
}

bool digest_is_zero(const struct digest *d)
{
	static const struct digest zero;

	return digest_eq(d, &zero);
}

bool digest_eq(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

struct str leaf_kind_name(enum leaf_kind k)
{
	return is_kind(k) ? kinds[k].wire : STR("none");
}

unsigned leaf_kind_version(enum leaf_kind k)
{
	return is_kind(k) ? kinds[k].version : 0;
}

const struct leaf_field *leaf_fields(enum leaf_kind k, size_t *ret_n)
{
	*ret_n = 0;
	return is_kind(k) ? kinds[k].fields(ret_n) : NULL;
}

const void *leaf_body(const struct leaf *l)
{
	return &l->log_opened; /* all members of the union begin at one address */
}

/* ---- encoding ---- */

static enum rc add_u64(struct buf *b, uint64_t v)
{
	char digits[20];
	size_t n = sizeof(digits);

	if (v > MAX_SAFE) {
		return RC_LIMIT;
	}
	do {
		digits[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	return buf_add(b, str_of(digits + n, sizeof(digits) - n));
}

static enum rc add_str(struct buf *b, struct str s)
{
	struct json_out w = json_out_to(b);

	json_out_str(&w, s);
	return w.rc;
}

static enum rc add_list(struct buf *b, const struct str_list *l)
{
	TRY(buf_add_char(b, '['));
	for (size_t i = 0; i < l->n; i++) {
		if (i) {
			TRY(buf_add_char(b, ','));
		}
		TRY(add_str(b, l->p[i]));
	}
	return buf_add_char(b, ']');
}

static bool is_absent(const struct member *m, const char *at)
{
	switch (m->type) {
	case LEAF_TYPE_U64:
	case LEAF_TYPE_IX:
		return *(const uint64_t *)(const void *)at == 0;
	case LEAF_TYPE_BOOL:
		return !*(const bool *)(const void *)at;
	case LEAF_TYPE_STR:
		return ((const struct str *)(const void *)at)->n == 0;
	case LEAF_TYPE_STRS:
		return ((const struct str_list *)(const void *)at)->n == 0;
	case LEAF_TYPE_COMMIT:
	case LEAF_TYPE_DIGEST:
		return digest_is_zero((const struct digest *)(const void *)at);
	}
	return false;
}

static enum rc add_value(struct buf *b, const struct leaf *l, const struct member *m)
{
	const char *at = (const char *)leaf_body(l) + m->offset;
	const struct str *s;
	const struct str_list *list;

	switch (m->type) {
	case LEAF_TYPE_U64:
	case LEAF_TYPE_IX:
		return add_u64(b, *(const uint64_t *)(const void *)at);
	case LEAF_TYPE_BOOL:
		return buf_add(b, STR("true"));
	case LEAF_TYPE_STR:
		s = (const void *)at;
		return s->n > m->max ? RC_LIMIT : add_str(b, *s);
	case LEAF_TYPE_STRS:
		list = (const void *)at;
		return list->n > m->max ? RC_LIMIT : add_list(b, list);
	case LEAF_TYPE_COMMIT:
	case LEAF_TYPE_DIGEST:
		TRY(buf_add_char(b, '"'));
		TRY(buf_add_hex(b, (const uint8_t *)at, sizeof(struct digest)));
		return buf_add_char(b, '"');
	case TYPE_TIME:
		return add_u64(b, l->t);
	case TYPE_KIND:
		return add_str(b, kinds[l->kind].wire);
	case TYPE_VERSION:
		return add_u64(b, kinds[l->kind].version);
	}
	return RC_BROKEN;
}

static enum rc add_member_of(struct buf *b, const struct leaf *l, const struct member *m,
			     bool is_first)
{
	TRY(buf_add(b, str_of(m->key + is_first, m->key_n - is_first)));
	return add_value(b, l, m);
}

enum rc leaf_encode(struct buf *b, const struct leaf *l, struct err *e)
{
	size_t before = b->n;
	const char *body = leaf_body(l);
	bool is_first = true;
	enum rc rc;

	if (!is_kind(l->kind)) {
		FAIL(e, RC_BROKEN, "a leaf without a kind");
	}
	rc = buf_add_char(b, '{');
	for (size_t i = 0; rc == RC_OK && i < layouts[l->kind].n; i++) {
		const struct member *m = &layouts[l->kind].members[i];

		if (is_absent(m, body + m->offset)) {
			continue;
		}
		rc = add_member_of(b, l, m, is_first);
		is_first = false;
		if (rc != RC_OK) {
			b->n = before;
			FAIL(e, rc, "leaf '" STR_FMT "': field '" STR_FMT "': %s",
			     STR_ARG(kinds[l->kind].wire), STR_ARG(m->name), rc_text(rc));
		}
	}
	rc = rc == RC_OK ? buf_add_char(b, '}') : rc;
	if (rc == RC_OK && b->n - before > LIMIT_LEAF_BYTES) {
		rc = RC_LIMIT;
	}
	if (rc != RC_OK) {
		b->n = before;
		FAIL(e, rc, "leaf '" STR_FMT "' of more than %d bytes",
		     STR_ARG(kinds[l->kind].wire), LIMIT_LEAF_BYTES);
	}
	return RC_OK;
}

/* ---- decoding ---- */

static enum leaf_kind kind_of(struct str wire, uint64_t version)
{
	for (unsigned k = LEAF_NONE + 1; k < LEAF_KINDS; k++) {
		if (kinds[k].version == version && str_eq(kinds[k].wire, wire)) {
			return (enum leaf_kind)k;
		}
	}
	return LEAF_NONE;
}

static const struct member *member_named(enum leaf_kind k, struct str name)
{
	for (size_t i = 0; i < layouts[k].n; i++) {
		if (str_eq(layouts[k].members[i].name, name)) {
			return &layouts[k].members[i];
		}
	}
	return NULL;
}

static bool read_list(struct arena *arena, const struct json *j, struct str_list *ret)
{
	struct str *p;
	size_t n = 0;

	if (json_type(j) != JSON_ARRAY) {
		return false;
	}
	p = arena_alloc_n(arena, j->count, sizeof(*p));
	if (!p) {
		return false;
	}
	for (const struct json *c = j->child; c; c = c->next) {
		if (!json_str(c, &p[n++])) {
			return false;
		}
	}
	*ret = (struct str_list){.p = p, .n = n};
	return true;
}

static bool read_value(struct arena *arena, const struct member *m, const struct json *j,
		       struct leaf *ret)
{
	char *at = (char *)&ret->log_opened + m->offset;
	struct str text;

	switch (m->type) {
	case LEAF_TYPE_U64:
	case LEAF_TYPE_IX:
		return json_u64(j, (uint64_t *)(void *)at);
	case LEAF_TYPE_BOOL:
		return json_bool(j, (bool *)(void *)at);
	case LEAF_TYPE_STR:
		return json_str(j, (struct str *)(void *)at);
	case LEAF_TYPE_STRS:
		return read_list(arena, j, (struct str_list *)(void *)at);
	case LEAF_TYPE_COMMIT:
	case LEAF_TYPE_DIGEST:
		return json_str(j, &text) && num_hex(text, (uint8_t *)at, sizeof(struct digest));
	case TYPE_TIME:
		return json_u64(j, &ret->t);
	case TYPE_KIND:
	case TYPE_VERSION:
		return true; /* what they say is compared in the end */
	}
	return false;
}

static enum rc read_members(struct arena *arena, const struct json *j, struct leaf *ret,
			    struct err *e)
{
	struct str wire;
	uint64_t version;

	if (!json_str(json_get(j, STR("type")), &wire)) {
		FAIL(e, RC_INPUT, "a leaf without a type");
	}
	if (!json_u64(json_get(j, STR("v")), &version)) {
		FAIL(e, RC_INPUT, "leaf '" STR_FMT "' without a version",
		     STR_ARG(str_slice(wire, 0, 64)));
	}
	ret->kind = kind_of(wire, version);
	if (ret->kind == LEAF_NONE) {
		FAIL(e, RC_INPUT, "unknown leaf type '" STR_FMT "' of version %llu",
		     STR_ARG(str_slice(wire, 0, 64)), (unsigned long long)version);
	}
	for (const struct json *c = j->child; c; c = c->next) {
		const struct member *m = member_named(ret->kind, c->key);

		if (!m) {
			FAIL(e, RC_INPUT, "leaf '" STR_FMT "' has no field '" STR_FMT "'",
			     STR_ARG(wire), STR_ARG(str_slice(c->key, 0, 64)));
		}
		if (!read_value(arena, m, c, ret)) {
			FAIL(e, RC_INPUT, "leaf '" STR_FMT "': bad value of field '" STR_FMT "'",
			     STR_ARG(wire), STR_ARG(m->name));
		}
	}
	return RC_OK;
}

enum rc leaf_decode(struct arena *arena, struct str bytes, struct leaf *ret, struct err *e)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	AUTO_BUF again = BUF_INIT(LIMIT_LEAF_BYTES);
	struct leaf l = {0};
	const struct json *j;
	struct str copy;
	enum rc rc;

	if (bytes.n > LIMIT_LEAF_BYTES) {
		FAIL(e, RC_INPUT, "a leaf of more than %d bytes", LIMIT_LEAF_BYTES);
	}
	copy = arena_str(arena, bytes);
	if (!copy.p) {
		FAIL(e, RC_NOMEM, "no memory for a leaf");
	}
	limits.max_bytes = LIMIT_LEAF_BYTES;
	limits.max_depth = 2;
	rc = json_parse(arena, copy, &limits, &j, e);
	if (rc == RC_NOMEM) {
		return rc;
	}
	if (rc != RC_OK) {
		FAIL(e, RC_INPUT, "a leaf that is not JSON, or nested deeper than a leaf is");
	}
	TRY(read_members(arena, j, &l, e));
	/* (1): whatever differs from the one form, in order, escapes, zeros or bounds, is refused.
	 */
	rc = leaf_encode(&again, &l, e);
	if (rc == RC_NOMEM) {
		return rc;
	}
	if (rc != RC_OK || !str_eq(buf_view(&again), bytes)) {
		FAIL(e, RC_INPUT, "leaf '" STR_FMT "' is not in its canonical form",
		     STR_ARG(kinds[l.kind].wire));
	}
	*ret = l;
	return RC_OK;
}

/* ---- causes and ids ---- */

size_t leaf_causes(const struct leaf *l, uint64_t *ret, size_t max)
{
	const char *body = leaf_body(l);
	size_t n_fields;
	const struct leaf_field *f = leaf_fields(l->kind, &n_fields);
	size_t n = 0;

	for (size_t i = 0; i < n_fields; i++) {
		uint64_t ix;

		if (f[i].type != LEAF_TYPE_IX) {
			continue;
		}
		memcpy(&ix, body + f[i].offset, sizeof(ix));
		if (ix == 0) {
			continue;
		}
		if (n < max) {
			ret[n] = ix;
		}
		n++;
	}
	return n;
}

struct str id_text(char letter, uint64_t index, char id[24])
{
	char digits[20];
	size_t n = sizeof(digits);

	do {
		digits[--n] = (char)('0' + index % 10);
		index /= 10;
	} while (index);
	id[0] = letter;
	memcpy(id + 1, digits + n, sizeof(digits) - n);
	id[1 + sizeof(digits) - n] = '\0';
	return str_of(id, 1 + sizeof(digits) - n);
}

bool id_parse(struct str text, char letter, uint64_t *ret_index)
{
	return text.n > 1 && text.p[0] == letter &&
	       num_u64(str_slice(text, 1, text.n), UINT64_MAX, ret_index);
}
