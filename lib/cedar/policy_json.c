/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/policy_json.c - policy sets in JSON: into a builder, from text and to text. */
#include "cedar/policy_json.h"

#include "cedar/parse.h"
#include "cedar/policies.h"
#include "codec/json.h"

/* The three members of a set, NULL when absent; false when j is one policy. */
struct set_members {
	const struct json *policies;
	const struct json *templates;
	const struct json *links;
};

static enum rc read_set(struct str source, const struct json *j, struct set_members *ret,
			bool *ret_is_set, struct err *e)
{
	*ret = (struct set_members){0};
	*ret_is_set = json_type(j) == JSON_OBJECT && !json_get(j, STR("effect"));
	if (json_type(j) != JSON_OBJECT) {
		FAIL(e, RC_INPUT, STR_FMT ":1:1: expected a policy set or a policy",
		     STR_ARG(source));
	}
	for (const struct json *m = *ret_is_set ? j->child : NULL; m; m = m->next) {
		const struct json **at = str_eq(m->key, STR("staticPolicies"))	? &ret->policies
					 : str_eq(m->key, STR("templates"))	? &ret->templates
					 : str_eq(m->key, STR("templateLinks")) ? &ret->links
										: NULL;

		if (!at || m->type != (at == &ret->links ? JSON_ARRAY : JSON_OBJECT)) {
			FAIL(e, RC_INPUT,
			     STR_FMT ":%u:%u: expected staticPolicies, templates (objects) and "
				     "templateLinks (a list), found '" STR_FMT "'",
			     STR_ARG(source), m->line, m->column,
			     STR_ARG(str_slice(m->key, 0, 40)));
		}
		*at = m;
	}
	return RC_OK;
}

/* ---- into a builder ---- */

static enum rc add_one(struct cedar_builder *b, struct str source, const struct json *j,
		       bool is_template, struct err *e)
{
	AUTO_BUF text = BUF_INIT(CEDAR_LIMIT_TEXT_BYTES);
	enum rc rc;

	TRY(cedar_policy_text_from_json(&text, source, j, e));
	if (is_template) {
		rc = cedar_builder_add_template(b, j->key, source, buf_view(&text), e);
	} else if (j->key.p) {
		rc = cedar_builder_add_as(b, j->key, source, buf_view(&text), e);
	} else {
		rc = cedar_builder_add(b, source, buf_view(&text), e);
	}
	return rc == RC_OK ? rc
			   : err_wrap(e, rc, "policy '" STR_FMT "' of line %u, as text",
				      STR_ARG(str_slice(j->key, 0, 64)), j->line);
}

static enum rc slot_of(struct arena *arena, const struct json *values, const char *slot,
		       const struct cedar_uid **ret, size_t *known, struct err *e)
{
	const struct json *v = json_get(values, str_from(slot));

	*ret = NULL;
	*known += v != NULL;
	return v ? cedar_uid_from_json(arena, v, ret, e) : RC_OK;
}

static enum rc link_one(struct cedar_builder *b, struct str source, const struct json *j,
			struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	const struct json *values = json_get(j, STR("values"));
	const struct cedar_uid *principal;
	const struct cedar_uid *resource;
	struct str template_id;
	struct str id;
	size_t known = 0;

	if (json_type(j) != JSON_OBJECT || j->count != 3 ||
	    !json_str(json_get(j, STR("templateId")), &template_id) ||
	    !json_str(json_get(j, STR("newId")), &id) || json_type(values) != JSON_OBJECT) {
		FAIL(e, RC_INPUT, STR_FMT ":%u:%u: expected {templateId, newId, values}",
		     STR_ARG(source), j->line, j->column);
	}
	TRY(slot_of(&arena, values, "?principal", &principal, &known, e));
	TRY(slot_of(&arena, values, "?resource", &resource, &known, e));
	if (known != values->count) {
		FAIL(e, RC_INPUT, STR_FMT ":%u:%u: the slots are ?principal and ?resource",
		     STR_ARG(source), values->line, values->column);
	}
	return cedar_builder_link(b, template_id, id, principal, resource, e);
}

enum rc cedar_builder_add_json(struct cedar_builder *b, struct str source_name, struct str text,
			       struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(CEDAR_LIMIT_SET_BYTES);
	struct set_members m;
	const struct json *j;
	bool is_set;

	TRY(cedar_policy_json_parse(&arena, source_name, text, &j, e));
	TRY(read_set(source_name, j, &m, &is_set, e));
	if (!is_set) {
		return add_one(b, source_name, j, false, e);
	}
	for (const struct json *p = m.policies ? m.policies->child : NULL; p; p = p->next) {
		TRY(add_one(b, source_name, p, false, e));
	}
	for (const struct json *p = m.templates ? m.templates->child : NULL; p; p = p->next) {
		TRY(add_one(b, source_name, p, true, e));
	}
	for (const struct json *p = m.links ? m.links->child : NULL; p; p = p->next) {
		TRY(link_one(b, source_name, p, e));
	}
	return RC_OK;
}

/* ---- to text ---- */

static enum rc add_texts(struct buf *b, struct str source, const struct json *policies,
			 struct err *e)
{
	for (const struct json *p = policies ? policies->child : NULL; p; p = p->next) {
		TRY(cedar_policy_text_from_json(b, source, p, e));
	}
	return RC_OK;
}

enum rc cedar_json_to_text(struct buf *b, struct str source_name, struct str json, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(CEDAR_LIMIT_SET_BYTES);
	struct set_members m;
	const struct json *j;
	bool is_set;

	TRY(cedar_policy_json_parse(&arena, source_name, json, &j, e));
	TRY(read_set(source_name, j, &m, &is_set, e));
	if (!is_set) {
		return cedar_policy_text_from_json(b, source_name, j, e);
	}
	if (m.links && m.links->count) {
		FAIL(e, RC_INPUT, STR_FMT ":%u:%u: links of templates cannot be written as text",
		     STR_ARG(source_name), m.links->line, m.links->column);
	}
	TRY(add_texts(b, source_name, m.policies, e));
	return add_texts(b, source_name, m.templates, e);
}

/* ---- from text ---- */

/* One of the two objects: static policies, or templates. */
static enum rc add_jsons(struct buf *b, struct str source, struct str text, bool templates,
			 enum cedar_release release, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(CEDAR_LIMIT_SET_BYTES);
	struct cedar_error error = {0};
	AUTO_CEDAR_PARSER p = cedar_parser_of(&arena, source, text, &error);
	const char *between = "";
	uint32_t n = 0;

	for (;; n++) {
		struct cedar_policy *policy;
		enum rc rc = cedar_parse_policy(&p, &policy);

		if (rc != RC_OK) {
			AUTO_BUF message = BUF_INIT(4096);

			if (rc == RC_NOMEM || cedar_error_print(&message, &error) != RC_OK) {
				FAIL(e, rc, "no memory to read policies");
			}
			FAIL(e, rc, STR_FMT, STR_ARG(buf_view(&message)));
		}
		if (!policy) {
			return RC_OK;
		}
		if ((policy->slots != 0) == templates) {
			if (buf_addf(b, "%s\"policy%u\":", between, n) != RC_OK) {
				FAIL(e, RC_LIMIT, "no room for policies as JSON");
			}
			TRY(cedar_policy_print_json(b, policy, release, e));
			between = ",";
		}
	}
}

enum rc cedar_text_to_json(struct buf *b, struct str source_name, struct str text,
			   enum cedar_release release, struct err *e)
{
	if (!str_is_utf8(text) || text.n > CEDAR_LIMIT_TEXT_BYTES) {
		FAIL(e, str_is_utf8(text) ? RC_LIMIT : RC_INPUT,
		     "policies are UTF-8 of at most %d bytes", CEDAR_LIMIT_TEXT_BYTES);
	}
	if (buf_add(b, STR("{\"staticPolicies\":{")) != RC_OK) {
		FAIL(e, RC_LIMIT, "no room for policies as JSON");
	}
	TRY(add_jsons(b, source_name, text, false, release, e));
	if (buf_add(b, STR("},\"templates\":{")) != RC_OK) {
		FAIL(e, RC_LIMIT, "no room for policies as JSON");
	}
	TRY(add_jsons(b, source_name, text, true, release, e));
	if (buf_add(b, STR("},\"templateLinks\":[]}")) != RC_OK) {
		FAIL(e, RC_LIMIT, "no room for policies as JSON");
	}
	return RC_OK;
}
