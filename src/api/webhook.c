/* SPDX-License-Identifier: Apache-2.0 */
/* api/webhook.c - incident sources' own forms to the normal form.
 *
 * Trust: the sender showed the source's secret; the fields that bind are those the configuration
 *        names. Titles, annotations and other labels are free text.
 */
#include "api/api_impl.h"

#include "base/limits.h"
#include "base/num.h"

enum rc api_parse(struct str body, struct arena *arena, const struct json **ret, struct err *e)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;

	TRY(json_parse(arena, body, &limits, ret, e));
	if (json_type(*ret) != JSON_OBJECT) {
		FAIL(e, RC_INPUT, "the body must be a JSON object");
	}
	return RC_OK;
}

enum rc api_check_class(const struct source *s, struct str class, struct err *e)
{
	if (!str_list_has(&s->classes, class)) {
		FAIL(e, RC_DENIED,
		     "source '" STR_FMT "' may not open incidents of class '" STR_FMT "'",
		     STR_ARG(s->name), STR_ARG(class));
	}
	return RC_OK;
}

static enum rc label(const struct json *labels, struct str name, struct str *ret, struct err *e)
{
	if (!json_str(json_get(labels, name), ret) || ret->n == 0) {
		FAIL(e, RC_INPUT, "commonLabels has no '" STR_FMT "'", STR_ARG(name));
	}
	return RC_OK;
}

static enum rc severity_of(const struct source *s, struct str value, uint64_t *ret, struct err *e)
{
	for (size_t i = 0; i < s->n_severities; i++) {
		if (str_eq(s->severities[i].value, value)) {
			*ret = s->severities[i].severity;
			return RC_OK;
		}
	}
	FAIL(e, RC_INPUT, "severity '" STR_FMT "' is not in the table of source '" STR_FMT "'",
	     STR_ARG(value), STR_ARG(s->name));
}

static void write_assets(struct json_out *w, struct str list)
{
	json_out_key(w, STR("assets"));
	json_out_array(w);
	while (list.p && list.n) {
		struct str one = str_trim(str_cut(&list, ','));

		if (one.n) {
			json_out_str(w, one);
		}
	}
	json_out_close(w);
}

/* When the youngest alert of the group began, or the last one ended. A notification has no time of
 * its own and is sent again and again: an old one must not open what has ended since. */
static void write_time(struct json_out *w, const struct json *alerts, bool is_firing)
{
	const char *member = is_firing ? "startsAt" : "endsAt";
	struct str latest = STR_NULL;
	uint64_t latest_ms = 0;

	for (const struct json *a = json_type(alerts) == JSON_ARRAY ? alerts->child : NULL; a;
	     a = a->next) {
		struct str status;
		struct str text;
		uint64_t ms;

		if (is_firing && json_str(json_get(a, STR("status")), &status) &&
		    !str_eq(status, STR("firing"))) {
			continue;
		}
		if (json_str(json_get(a, str_from(member)), &text) && num_time_unix_ms(text, &ms) &&
		    ms >= latest_ms) {
			latest = text;
			latest_ms = ms;
		}
	}
	if (latest.p) {
		json_out_key_str(w, is_firing ? "began_at" : "occurred_at", latest);
	}
}

enum rc api_alertmanager(const struct source *s, struct str body, struct arena *arena,
			 struct buf *ret_event, struct err *e)
{
	struct json_out w = json_out_to(ret_event);
	const struct json *j;
	const struct json *labels;
	const struct json *title;
	struct str version;
	struct str status;
	struct str key;
	struct str class;
	struct str text;
	struct str service = STR("");
	struct str assets = STR("");
	uint64_t severity = 5;
	bool is_firing;

	TRY(api_parse(body, arena, &j, e));
	if (!json_str(json_get(j, STR("version")), &version) || !str_eq(version, STR("4"))) {
		FAIL(e, RC_INPUT, "not an Alertmanager webhook of version \"4\"");
	}
	if (!json_str(json_get(j, STR("groupKey")), &key) || key.n == 0 || key.n > 256) {
		FAIL(e, RC_INPUT, "'groupKey' must be 1 to 256 bytes");
	}
	if (!json_str(json_get(j, STR("status")), &status)) {
		FAIL(e, RC_INPUT, "'status' is missing");
	}
	is_firing = str_eq(status, STR("firing"));
	if (!is_firing && !str_eq(status, STR("resolved"))) {
		FAIL(e, RC_INPUT, "'status' must be firing or resolved");
	}
	labels = json_get(j, STR("commonLabels"));
	TRY(label(labels, s->class_label, &class, e));
	TRY(api_check_class(s, class, e));
	TRY(label(labels, s->severity_label, &text, e));
	TRY(severity_of(s, text, &severity, e));
	if (s->service_label.n) {
		TRY(label(labels, s->service_label, &service, e));
	}
	if (s->assets_label.n) {
		TRY(label(labels, s->assets_label, &assets, e));
	}
	title = json_pointer(j, STR("/commonAnnotations/summary"));
	json_out_object(&w);
	json_out_key_str(&w, "source_id", key);
	json_out_key_str(&w, "class", class);
	json_out_key_u64(&w, "severity", severity);
	json_out_key_str(&w, "status", is_firing ? STR("open") : STR("closed"));
	json_out_key_str(&w, "service", service);
	json_out_key_str(&w, "environment", s->environment);
	write_assets(&w, assets);
	json_out_key_bool(&w, "regulated",
			  s->regulated_label.n &&
			      json_str(json_get(labels, s->regulated_label), &text) &&
			      str_eq(text, STR("true")));
	write_time(&w, json_get(j, STR("alerts")), is_firing);
	api_write_signals(&w, s, j);
	if (json_type(title) == JSON_STRING) {
		api_write_text(&w, "title", title->text);
	}
	api_write_labels(&w, labels);
	json_out_close(&w);
	return json_out_end(&w, e);
}

enum rc api_generic(const struct source *s, struct str body, struct arena *arena,
		    struct buf *ret_event, struct err *e)
{
	struct json_out w = json_out_to(ret_event);
	const struct json *j;
	struct str class;

	TRY(api_parse(body, arena, &j, e));
	if (s->mapping.is_given) {
		return api_mapped(s, j, STR(""), ret_event, e);
	}
	if (!json_str(json_get(j, STR("class")), &class)) {
		FAIL(e, RC_INPUT, "'class' is missing");
	}
	TRY(api_check_class(s, class, e));
	json_out_object(&w);
	for (const struct json *m = j->child; m; m = m->next) {
		if (!str_eq(m->key, STR("environment"))) {
			json_out_key(&w, m->key);
			json_out_raw(&w, m->raw);
		}
	}
	json_out_key_str(&w, "environment", s->environment);
	json_out_close(&w);
	return json_out_end(&w, e);
}

bool api_is_authentic(const struct source *s, const struct http_head *head, struct str body,
		      struct str secret)
{
	if (s->type == SOURCE_PAGERDUTY) {
		return api_pagerduty_is_signed(head, body, secret);
	}
	return api_bearer_is(http_header_get(head, STR("Authorization")), secret);
}

enum rc api_event(const struct source *s, const struct http_head *head, struct str body,
		  struct arena *arena, struct buf *ret_event, struct err *e)
{
	switch (s->type) {
	case SOURCE_ALERTMANAGER:
		return api_alertmanager(s, body, arena, ret_event, e);
	case SOURCE_GENERIC:
		return api_generic(s, body, arena, ret_event, e);
	case SOURCE_PAGERDUTY:
		return api_pagerduty(s, body, arena, ret_event, e);
	case SOURCE_CLOUDEVENTS:
		return api_cloudevents(s, head, body, arena, ret_event, e);
	case SOURCE_SIGNALS:
		FAIL(e, RC_DENIED, "source '" STR_FMT "' opens no incidents", STR_ARG(s->name));
	case SOURCE_NONE:
		break;
	}
	FAIL(e, RC_BROKEN, "source '" STR_FMT "' has no type", STR_ARG(s->name));
}

bool api_bearer_is(struct str authorization, struct str secret)
{
	struct str scheme = str_cut(&authorization, ' ');

	return secret.n > 0 && str_eq_nocase(scheme, STR("Bearer")) && authorization.p &&
	       secret_eq(str_trim(authorization), secret);
}
