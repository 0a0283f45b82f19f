/* SPDX-License-Identifier: Apache-2.0 */
/* api/mapping.c - any JSON to the normal form, by the pointers and tables of a source's mapping.
 *
 * Trust:  the sender was authenticated; the document is hostile all the same. A field binds only
 *         what the mapping names, and where it has a table only what stands in the table.
 * Holds:  (1) class, severity, status and environment are values of the deployment, or refused.
 *         (2) free text never fails an event: what is too long is cut, and says so.
 */
#include "api/api_impl.h"

#include "base/limits.h"
#include "base/num.h"

enum { LABELS_BYTES = 8 * 1024 }; /* title and labels fit one sealed value */

/* ---- fields ---- */

/* Texts, numbers and flags have one text; everything else is no value. */
static bool text_of(const struct json *j, struct str *ret)
{
	if (json_str(j, ret)) {
		return ret->n > 0;
	}
	switch (json_type(j)) {
	case JSON_NUMBER:
		*ret = j->text;
		return true;
	case JSON_TRUE:
		*ret = STR("true");
		return true;
	case JSON_FALSE:
		*ret = STR("false");
		return true;
	case JSON_NONE:
	case JSON_NULL:
	case JSON_STRING:
	case JSON_ARRAY:
	case JSON_OBJECT:
		break;
	}
	return false;
}

/* What the first pointer that finds something says; *ret.p == NULL when none does. */
static struct str raw_value(const struct json *doc, const struct source_field *f)
{
	struct str text = STR_NULL;

	for (size_t i = 0; i < f->pointers.n; i++) {
		if (text_of(json_pointer(doc, f->pointers.p[i]), &text)) {
			return text;
		}
	}
	return STR_NULL;
}

enum rc api_field(const struct json *doc, const struct source_field *f, const char *what,
		  struct str *ret, struct err *e)
{
	struct str raw = raw_value(doc, f);

	*ret = f->constant.n ? f->constant : STR_NULL;
	if (f->constant.n) {
		return RC_OK;
	}
	if (raw.p && f->n_values == 0) {
		*ret = raw;
		return RC_OK;
	}
	for (size_t i = 0; raw.p && i < f->n_values; i++) {
		if (str_eq(f->values[i].from, raw)) {
			*ret = f->values[i].to;
			return RC_OK;
		}
	}
	if (f->otherwise.n) {
		*ret = f->otherwise;
		return RC_OK;
	}
	if (raw.p) {
		FAIL(e, RC_INPUT, "'%s': '" STR_FMT "' is not in the source's table", what,
		     STR_ARG(str_slice(raw, 0, LIMIT_ID_BYTES)));
	}
	return RC_OK;
}

static enum rc need_value(const struct json *doc, const struct source_field *f, const char *what,
			  struct str *ret, struct err *e)
{
	TRY(api_field(doc, f, what, ret, e));
	if (!ret->p) {
		FAIL(e, RC_INPUT, "'%s' is not where the mapping looks for it", what);
	}
	return RC_OK;
}

/* ---- free text ---- */

/* (2) */
void api_write_text(struct json_out *w, const char *name, struct str text)
{
	static const struct str mark = {" [cut]", 6};
	size_t end = LIMIT_TEXT_BYTES - mark.n;
	char cut[LIMIT_TEXT_BYTES];

	if (text.n <= LIMIT_TEXT_BYTES) {
		json_out_key_str(w, name, text);
		return;
	}
	while (end > 0 && ((unsigned char)text.p[end] & 0xc0) == 0x80) {
		end--; /* not within a character */
	}
	__builtin_memcpy(cut, text.p, end);
	__builtin_memcpy(cut + end, mark.p, mark.n);
	json_out_key_str(w, name, str_of(cut, end + mark.n));
}

void api_write_labels(struct json_out *w, const struct json *labels)
{
	if (json_type(labels) != JSON_OBJECT) {
		return;
	}
	json_out_key(w, STR("labels"));
	if (labels->raw.n && labels->raw.n <= LABELS_BYTES) {
		json_out_raw(w, labels->raw);
		return;
	}
	json_out_object(w);
	json_out_key(w, STR("remit"));
	json_out_strf(w, "%zu bytes of labels are left out", labels->raw.n);
	json_out_close(w);
}

/* ---- the parts ---- */

static void write_asset(struct json_out *w, const struct source_asset *a, struct str text)
{
	if (a->n_values == 0 && a->kind.n) {
		json_out_strf(w, STR_FMT ":" STR_FMT, STR_ARG(a->kind), STR_ARG(text));
		return;
	}
	if (a->n_values == 0) {
		json_out_str(w, text);
	}
	for (size_t i = 0; i < a->n_values; i++) {
		for (size_t k = 0; str_eq(a->values[i].from, text) && k < a->values[i].assets.n;
		     k++) {
			json_out_str(w, a->values[i].assets.p[k]);
		}
	}
}

static enum rc write_assets(struct json_out *w, const struct json *doc,
			    const struct source_mapping *m, struct err *e)
{
	if (m->n_assets == 0) {
		return RC_OK;
	}
	json_out_key(w, STR("assets"));
	json_out_array(w);
	for (size_t i = 0; i < m->n_assets; i++) {
		const struct source_asset *a = &m->assets[i];
		const struct json *at = json_pointer(doc, a->pointer);
		bool is_list = json_type(at) == JSON_ARRAY;

		for (const struct json *one = is_list ? at->child : at; one;
		     one = is_list ? one->next : NULL) {
			struct str text;

			if (json_type(one) == JSON_NULL) {
				continue;
			}
			if (!json_str(one, &text)) {
				FAIL(e, RC_INPUT, "an asset at '" STR_FMT "' is no text",
				     STR_ARG(a->pointer));
			}
			write_asset(w, a, text);
		}
	}
	json_out_close(w);
	return RC_OK;
}

static enum rc write_flag(struct json_out *w, const struct json *doc, const struct source_field *f,
			  struct err *e)
{
	struct str text;

	TRY(api_field(doc, f, "regulated", &text, e));
	if (!text.p) {
		return RC_OK;
	}
	if (!str_eq(text, STR("true")) && !str_eq(text, STR("false"))) {
		FAIL(e, RC_INPUT, "'regulated' must be true or false");
	}
	json_out_key_bool(w, "regulated", str_eq(text, STR("true")));
	return RC_OK;
}

/* A member that may be absent, as it is. */
static enum rc write_value(struct json_out *w, const struct json *doc, const char *name,
			   const struct source_field *f, struct err *e)
{
	struct str text;

	TRY(api_field(doc, f, name, &text, e));
	if (text.p) {
		json_out_key_str(w, name, text);
	}
	return RC_OK;
}

/* An event that closes may lack them: a source does not say again how bad it was. */
static enum rc write_class_and_severity(struct json_out *w, const struct source *s,
					const struct json *doc, bool is_closed, struct err *e)
{
	struct err why = ERR_INIT;
	struct str class = STR_NULL;
	struct str severity = STR_NULL;
	uint64_t number;
	enum rc rc = need_value(doc, &s->mapping.class, "class", &class, &why);

	if (rc == RC_OK) {
		rc = api_check_class(s, class, &why);
	}
	if (rc == RC_OK) {
		rc = need_value(doc, &s->mapping.severity, "severity", &severity, &why);
	}
	if (rc == RC_OK && !num_u64(severity, 5, &number)) {
		rc = err_set(&why, RC_INPUT, __func__, "'severity' must be 1 to 5");
	}
	if (rc != RC_OK) {
		if (is_closed) {
			return RC_OK;
		}
		return err_set(e, rc, why.where, "%s", why.msg);
	}
	json_out_key_str(w, "class", class);
	json_out_key_u64(w, "severity", number);
	return RC_OK;
}

static enum rc write_environment(struct json_out *w, const struct source *s, const struct json *doc,
				 struct err *e)
{
	struct str environment = s->environment;

	if (!environment.n) {
		TRY(need_value(doc, &s->mapping.environment, "environment", &environment, e));
	}
	json_out_key_str(w, "environment", environment);
	return RC_OK;
}

enum rc api_mapped(const struct source *s, const struct json *doc, struct str event,
		   struct buf *ret_event, struct err *e)
{
	const struct source_mapping *m = &s->mapping;
	struct json_out w = json_out_to(ret_event);
	struct str source_id;
	struct str status;
	struct str title;
	bool is_closed;

	TRY(need_value(doc, &m->status, "status", &status, e));
	if (str_eq(status, STR("ignore"))) {
		FAIL(e, RC_ABSENT, "nothing about an incident");
	}
	is_closed = str_eq(status, STR("closed"));
	if (!is_closed && !str_eq(status, STR("open"))) {
		FAIL(e, RC_INPUT, "'status' must be open or closed");
	}
	TRY(need_value(doc, &m->source_id, "source_id", &source_id, e));
	json_out_object(&w);
	json_out_key_str(&w, "source_id", source_id);
	json_out_key_str(&w, "status", status);
	TRY(write_class_and_severity(&w, s, doc, is_closed, e));
	TRY(write_environment(&w, s, doc, e));
	TRY(write_value(&w, doc, "service", &m->service, e));
	TRY(write_assets(&w, doc, m, e));
	TRY(write_flag(&w, doc, &m->regulated, e));
	TRY(write_value(&w, doc, "event_id", &m->event_id, e));
	TRY(write_value(&w, doc, "occurred_at", &m->occurred_at, e));
	if (event.n) {
		json_out_key_str(&w, "event", event);
	}
	api_write_signals(&w, s, doc);
	title = raw_value(doc, &m->title);
	if (title.p) {
		api_write_text(&w, "title", title);
	}
	if (m->labels.n) {
		api_write_labels(&w, json_pointer(doc, m->labels));
	}
	json_out_close(&w);
	return json_out_end(&w, e);
}
