/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/schema.c - schemas: read from text, then only looked at.
 *
 * Trust:  texts are hostile.
 * Holds:  a schema that exists is resolved as a whole and never changes.
 */
#include "cedar/schema.h"

#include "base/limits.h"
#include "codec/json.h"

enum { REPORT_BYTES = 8192, JSON_NODES_MAX = 1024 * 1024, WORD_BITS = 64 };

/* ---- life ---- */

static void schema_free(struct cedar_schema *s)
{
	map_fini(&s->types_by_name);
	map_fini(&s->actions_by_key);
	map_fini(&s->commons);
	arena_fini(&s->arena);
	mem_free(s);
}

struct cedar_schema *cedar_schema_ref(struct cedar_schema *s)
{
	(void)__atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED); /* the count is not asked */
	return s;
}

void cedar_schema_unref(struct cedar_schema *s)
{
	if (s && __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) == 0) {
		schema_free(s);
	}
}

static void schema_cleanup(struct cedar_schema **s)
{
	cedar_schema_unref(*s);
}

static enum rc schema_new(struct str source_name, struct cedar_schema **ret, struct err *e)
{
	struct cedar_schema *s = mem_calloc(1, sizeof(*s));

	if (!s) {
		FAIL(e, RC_NOMEM, "no memory for a schema");
	}
	s->arena = (struct arena)ARENA_INIT(CEDAR_LIMIT_SCHEMA_BYTES);
	s->refs = 1;
	s->source = arena_str(&s->arena, source_name);
	*ret = s;
	return RC_OK;
}

/* ---- reading ---- */

/* Turns the typed error into the message, or explains a want of memory. */
static enum rc report(const struct cedar_schema *s, const struct cedar_error *error, enum rc rc,
		      struct err *e)
{
	AUTO_BUF text = BUF_INIT(REPORT_BYTES);

	if (error->class == CEDAR_ERROR_NONE) {
		return cedar_arena_rc(&s->arena, CEDAR_LIMIT_TEXT_BYTES, e);
	}
	if (cedar_error_print(&text, error) != RC_OK) {
		FAIL(e, rc, "a schema is refused");
	}
	FAIL(e, rc, STR_FMT, STR_ARG(buf_view(&text)));
}

static enum rc check_text(struct str source_name, struct str text, struct err *e)
{
	if (text.n > CEDAR_LIMIT_TEXT_BYTES) {
		FAIL(e, RC_LIMIT, STR_FMT ": the text is longer than %d bytes",
		     STR_ARG(source_name), (int)CEDAR_LIMIT_TEXT_BYTES);
	}
	if (!str_is_utf8(text)) {
		FAIL(e, RC_INPUT, STR_FMT ": expected UTF-8, found other bytes",
		     STR_ARG(source_name));
	}
	return RC_OK;
}

enum rc cedar_schema_parse(struct str source_name, struct str text, struct cedar_schema **ret,
			   struct err *e)
{
	CLEANUP(schema_cleanup) struct cedar_schema *s = NULL;
	struct cedar_error error = {0};
	struct str copy;
	enum rc rc;

	TRY(check_text(source_name, text, e));
	TRY(schema_new(source_name, &s, e));
	copy = arena_str(&s->arena, text);
	if (!copy.p || !s->source.p) {
		return cedar_arena_rc(&s->arena, text.n, e);
	}
	{
		AUTO_CEDAR_PARSER p = cedar_parser_of(&s->arena, s->source, copy, &error);

		rc = cedar_schema_read(&p, s);
		rc = rc == RC_OK ? cedar_schema_resolve(&p, s) : rc;
	}
	if (rc != RC_OK) {
		return report(s, &error, rc, e);
	}
	*ret = TAKE(s);
	return RC_OK;
}

enum rc cedar_schema_parse_json(struct str source_name, struct str text, struct cedar_schema **ret,
				struct err *e)
{
	const struct json_limits limits = {
	    .max_bytes = CEDAR_LIMIT_TEXT_BYTES,
	    .max_depth = LIMIT_JSON_DEPTH,
	    .max_nodes = JSON_NODES_MAX,
	    .want_positions = true,
	};
	AUTO_ARENA scratch = ARENA_INIT(CEDAR_LIMIT_SCHEMA_BYTES);
	CLEANUP(schema_cleanup) struct cedar_schema *s = NULL;
	struct cedar_error error = {0};
	const struct json *j;
	enum rc rc;

	rc = json_parse(&scratch, text, &limits, &j, e);
	if (rc != RC_OK) {
		return err_wrap(e, rc, STR_FMT, STR_ARG(source_name));
	}
	TRY(schema_new(source_name, &s, e));
	if (!s->source.p) {
		return cedar_arena_rc(&s->arena, source_name.n, e);
	}
	{
		AUTO_CEDAR_PARSER p = cedar_parser_of(&s->arena, s->source, STR(""), &error);

		rc = cedar_schema_read_json(&p, j, s);
		rc = rc == RC_OK ? cedar_schema_resolve(&p, s) : rc;
	}
	if (rc != RC_OK) {
		return report(s, &error, rc, e);
	}
	*ret = TAKE(s);
	return RC_OK;
}

/* ---- looking ---- */

const struct cedar_etype *cedar_schema_type(const struct cedar_schema *s, struct str name)
{
	return map_get(&s->types_by_name, name);
}

const struct cedar_action *cedar_schema_action(const struct cedar_schema *s,
					       const struct cedar_uid *uid)
{
	/* As uids are laid out, see cedar/value.h. */
	return map_get(&s->actions_by_key, str_of(uid->type.p, uid->type.n + 1 + uid->id.n));
}

bool cedar_etype_is_below(const struct cedar_etype *child, const struct cedar_etype *parent)
{
	return child->ancestors[parent->index / WORD_BITS] >> parent->index % WORD_BITS & 1;
}

bool cedar_schema_may_be_in(const struct cedar_etype *child, const struct cedar_etype *parent)
{
	return child == parent || cedar_etype_is_below(child, parent);
}

bool cedar_is_action_type(struct str type)
{
	return str_eq(type, STR("Action")) || str_has_suffix(type, STR("::Action"));
}

bool cedar_etype_has_id(const struct cedar_etype *t, struct str id)
{
	for (size_t i = 0; i < t->n_ids; i++) {
		if (str_eq(t->ids[i], id)) {
			return true;
		}
	}
	return !t->is_enum;
}

const struct cedar_entities *cedar_schema_actions(const struct cedar_schema *s)
{
	return s->hierarchy;
}
