/* SPDX-License-Identifier: Apache-2.0 */
/* cedarc/authorize.c - one request, decided. */
#include "base/file.h"
#include "cedarc/cedarc.h"
#include "codec/json.h"

struct question {
	struct arena arena;
	struct cedar_policies *set;
	struct cedar_schema *schema;
	struct cedar_entities *entities;
	struct cedar_request request;
	struct cedar_response response;
};

static enum rc read_json(struct question *q, const char *path, const struct json **ret,
			 struct err *e)
{
	AUTO_BUF text = BUF_INIT(CEDARC_FILE_BYTES);
	struct str copy;

	TRY(cedarc_read(path, &text, e));
	copy = arena_str(&q->arena, buf_view(&text));
	if (!copy.p) {
		FAIL(e, RC_NOMEM, "no memory for '%s'", path);
	}
	return json_parse(&q->arena, copy, NULL, ret, e) == RC_OK
		   ? RC_OK
		   : err_wrap(e, e->code, "%s", path);
}

/* An entity of the request: from its option, or from the request's JSON as text or as an object. */
static enum rc read_uid(struct question *q, const char *option, const struct json *request,
			const char *name, const struct cedar_uid **ret, struct err *e)
{
	const struct json *j = json_get(request, str_from(name));
	struct str text = str_from(option);
	enum rc rc;

	if (!option && !j) {
		FAIL(e, RC_INPUT, "the request has no %s", name);
	}
	if (!option && !json_str(j, &text)) {
		rc = cedar_uid_from_json(&q->arena, j, ret, e);
	} else {
		rc = cedar_uid_parse(&q->arena, text, ret, e);
	}
	return rc == RC_OK ? rc : err_wrap(e, rc, "%s", name);
}

static enum rc read_context(struct question *q, const struct json *j, struct err *e)
{
	enum rc rc = RC_OK;

	if (j) {
		rc = q->schema ? cedar_context_from_json(&q->arena, q->schema, q->request.action, j,
							 &q->request.context, e)
			       : cedar_value_from_json(&q->arena, j, &q->request.context, e);
	}
	return rc == RC_OK ? rc : err_wrap(e, rc, "context");
}

static enum rc read_request(struct question *q, const struct options *o, struct err *e)
{
	const struct json *request = NULL;
	const struct json *context;

	if (o->request) {
		TRY(read_json(q, o->request, &request, e));
	}
	TRY(read_uid(q, o->principal, request, "principal", &q->request.principal, e));
	TRY(read_uid(q, o->action, request, "action", &q->request.action, e));
	TRY(read_uid(q, o->resource, request, "resource", &q->request.resource, e));
	context = json_get(request, STR("context"));
	if (o->context) {
		TRY(read_json(q, o->context, &context, e));
	}
	TRY(read_context(q, context, e));
	return q->schema ? cedar_request_check(&q->request, q->schema, e) : RC_OK;
}

static enum rc decide(struct question *q, const struct options *o, struct err *e)
{
	TRY(cedarc_load_policies(o->policies, &q->set, e));
	if (o->schema) {
		TRY(cedarc_load_schema(o->schema, &q->schema, e));
	}
	if (o->entities) {
		TRY(cedarc_load_entities(o->entities, q->schema, &q->arena, &q->entities, e));
	}
	TRY(read_request(q, o, e));
	return cedar_authorize(q->set, q->entities, &q->request, &q->arena, &q->response, e);
}

static struct str id_of(const struct question *q, uint32_t index)
{
	return cedar_policy_id(cedar_policies_at(q->set, index));
}

static enum rc show_json(const struct question *q, struct buf *out, struct err *e)
{
	struct json_out w = json_out_to(out);

	json_out_object(&w);
	json_out_key_str(&w, "decision", q->response.decision ? STR("allow") : STR("deny"));
	json_out_key(&w, STR("reason"));
	json_out_array(&w);
	for (size_t i = 0; i < q->response.n_determining; i++) {
		json_out_str(&w, id_of(q, q->response.determining[i]));
	}
	json_out_close(&w);
	json_out_key(&w, STR("errors"));
	json_out_array(&w);
	for (size_t i = 0; i < q->response.n_errors; i++) {
		AUTO_BUF message = BUF_INIT(65536);

		TRY(cedar_error_print(&message, &q->response.errors[i].error));
		json_out_object(&w);
		json_out_key_str(&w, "policy", id_of(q, q->response.errors[i].policy));
		json_out_key(&w, STR("message"));
		json_out_text(&w, buf_view(&message));
		json_out_close(&w);
	}
	json_out_close(&w);
	json_out_close(&w);
	TRY(json_out_end(&w, e));
	return buf_add_char(out, '\n');
}

static enum rc show_text(const struct question *q, bool verbose, struct buf *out)
{
	TRY(buf_add(out, q->response.decision ? STR("ALLOW\n") : STR("DENY\n")));
	for (size_t i = 0; verbose && i < q->response.n_determining; i++) {
		TRY(buf_addf(out, "  by policy " STR_FMT "\n",
			     STR_ARG(id_of(q, q->response.determining[i]))));
	}
	for (size_t i = 0; i < q->response.n_errors; i++) {
		TRY(buf_addf(out, "  policy " STR_FMT " failed: ",
			     STR_ARG(id_of(q, q->response.errors[i].policy))));
		TRY(cedar_error_print(out, &q->response.errors[i].error));
		TRY(buf_add_char(out, '\n'));
	}
	return RC_OK;
}

int cedarc_authorize(const struct options *o)
{
	struct question q = {.arena = ARENA_INIT(CEDAR_LIMIT_SET_BYTES)};
	AUTO_BUF out = BUF_INIT(CEDARC_FILE_BYTES);
	struct err e = ERR_INIT;
	enum rc rc = decide(&q, o, &e);
	int status = q.response.decision == CEDAR_ALLOW ? STATUS_YES : STATUS_DENY;

	rc = rc != RC_OK  ? rc
	     : o->as_json ? show_json(&q, &out, &e)
			  : show_text(&q, o->verbose, &out);
	if (rc != RC_OK) {
		status = cedarc_fail(&e);
	} else if (cedarc_print(buf_view(&out)) != STATUS_YES) {
		status = STATUS_ERROR;
	}
	cedar_policies_unref(q.set);
	cedar_schema_unref(q.schema);
	arena_fini(&q.arena);
	return status;
}
