/* SPDX-License-Identifier: Apache-2.0 */
/* cedarc/check.c - is it well formed, is it valid? */
#include <string.h>

#include "cedarc/cedarc.h"
#include "codec/json.h"

/* ---- validate ---- */

struct validated {
	struct cedar_policies *set;
	struct cedar_schema *schema;
	struct arena arena;
	struct cedar_validation v;
};

static enum rc validate(struct validated *x, const struct options *o, struct err *e)
{
	const struct cedar_validate_options options = {
	    .mode = o->mode && !strcmp(o->mode, "permissive") ? CEDAR_PERMISSIVE : CEDAR_STRICT,
	    .no_action_is_warning = o->is_4_13,
	    .has_max_level = o->has_level,
	    .max_level = (uint32_t)o->level,
	};

	if (o->mode && strcmp(o->mode, "permissive") != 0 && strcmp(o->mode, "strict") != 0) {
		FAIL(e, RC_INPUT, "--mode is strict or permissive, not '%s'", o->mode);
	}
	if (!o->schema) {
		FAIL(e, RC_INPUT, "--schema is missing");
	}
	TRY(cedarc_load_schema(o->schema, &x->schema, e));
	TRY(cedarc_load_policies(o->policies, &x->set, e));
	return cedar_validate(x->set, x->schema, &options, &x->arena, &x->v, e);
}

static enum rc show_finding_json(const struct validated *x, const struct cedar_finding *f,
				 struct json_out *w)
{
	json_out_object(w);
	json_out_key_str(w, "policy", cedar_policy_id(cedar_policies_at(x->set, f->policy)));
	json_out_key_str(w, "class", str_from(cedar_finding_class_name(f->class)));
	json_out_key_bool(w, "warning", f->is_warning);
	json_out_key_str(w, "source", f->source);
	json_out_key_u64(w, "line", f->pos.line);
	json_out_key_u64(w, "column", f->pos.column);
	json_out_key(w, STR("message"));
	json_out_text(w, f->message);
	json_out_close(w);
	return RC_OK;
}

static enum rc show(const struct validated *x, bool as_json, struct buf *out, struct err *e)
{
	struct json_out w = json_out_to(out);

	if (!as_json) {
		for (size_t i = 0; i < x->v.n_findings; i++) {
			TRY(cedar_finding_print(out, x->set, &x->v.findings[i]));
			TRY(buf_add_char(out, '\n'));
		}
		return buf_add(out, x->v.is_valid ? STR("valid\n") : STR("not valid\n"));
	}
	json_out_object(&w);
	json_out_key_bool(&w, "valid", x->v.is_valid);
	json_out_key(&w, STR("findings"));
	json_out_array(&w);
	for (size_t i = 0; i < x->v.n_findings; i++) {
		TRY(show_finding_json(x, &x->v.findings[i], &w));
	}
	json_out_close(&w);
	json_out_close(&w);
	TRY(json_out_end(&w, e));
	return buf_add_char(out, '\n');
}

static bool has_warning(const struct validated *x)
{
	for (size_t i = 0; i < x->v.n_findings; i++) {
		if (x->v.findings[i].is_warning) {
			return true;
		}
	}
	return false;
}

int cedarc_validate(const struct options *o)
{
	struct validated x = {.arena = ARENA_INIT(CEDAR_LIMIT_SET_BYTES)};
	AUTO_BUF out = BUF_INIT(CEDARC_FILE_BYTES);
	struct err e = ERR_INIT;
	enum rc rc = validate(&x, o, &e);
	int status;

	rc = rc == RC_OK ? show(&x, o->as_json, &out, &e) : rc;
	if (rc != RC_OK) {
		status = cedarc_fail(&e);
	} else {
		status = !x.v.is_valid || (o->deny_warnings && has_warning(&x)) ? STATUS_INVALID
										: STATUS_YES;
		status = cedarc_print(buf_view(&out)) == STATUS_YES ? status : STATUS_ERROR;
	}
	cedar_policies_unref(x.set);
	cedar_schema_unref(x.schema);
	arena_fini(&x.arena);
	return status;
}

/* ---- check-parse ---- */

static enum rc check_parse(const struct options *o, struct arena *arena, struct err *e)
{
	struct cedar_policies *set = NULL;
	struct cedar_schema *schema = NULL;
	struct cedar_entities *entities;
	enum rc rc = RC_OK;

	if (o->schema) {
		rc = cedarc_load_schema(o->schema, &schema, e);
	}
	if (rc == RC_OK && o->entities) {
		rc = cedarc_load_entities(o->entities, schema, arena, &entities, e);
	}
	if (rc == RC_OK && (o->policies || (!o->schema && !o->entities))) {
		rc = cedarc_load_policies(o->policies, &set, e);
	}
	cedar_policies_unref(set);
	cedar_schema_unref(schema);
	return rc;
}

int cedarc_check_parse(const struct options *o)
{
	AUTO_ARENA arena = ARENA_INIT(CEDAR_LIMIT_SET_BYTES);
	struct err e = ERR_INIT;

	return check_parse(o, &arena, &e) == RC_OK ? STATUS_YES : cedarc_fail(&e);
}
