/* SPDX-License-Identifier: Apache-2.0 */
/* api/cloudevents.c - CloudEvents 1.0 over HTTP, structured or binary.
 *
 * Both modes become one document: the attributes, and the event's JSON under "data". The mapping's
 * pointers go into that, so that /data/severity is the same field in either mode. Batches,
 * data_base64 and data that is no JSON are refused.
 * SPEC CloudEvents HTTP Protocol Binding 1.0.2, 3.1 (binary), 3.2 (structured).
 */
#include "api/api_impl.h"

#include "base/limits.h"
#include "base/num.h"

enum { ATTRIBUTE_BYTES = 2048 };

static const char *const required[] = {"specversion", "id", "source", "type"};

/* SPEC binding 3.1.3.2: percent-decoded once, and then UTF-8. */
static enum rc decode_attribute(struct str value, struct buf *out, struct err *e)
{
	for (size_t i = 0; i < value.n; i++) {
		uint8_t byte = (uint8_t)value.p[i];

		if (value.p[i] == '%') {
			if (!num_hex(str_slice(value, i + 1, i + 3), &byte, 1)) {
				FAIL(e, RC_INPUT, "a broken '%%' in an attribute's header");
			}
			i += 2;
		}
		TRY(buf_add_char(out, (char)byte));
	}
	if (!str_is_utf8(buf_view(out))) {
		FAIL(e, RC_INPUT, "an attribute's header is not UTF-8");
	}
	return RC_OK;
}

/* "ce-Subject" -> "subject" */
static bool attribute_name(struct str header, char out[LIMIT_ID_BYTES], struct str *ret)
{
	if (header.n < 4 || header.n - 3 > LIMIT_ID_BYTES ||
	    !str_eq_nocase(str_slice(header, 0, 3), STR("ce-"))) {
		return false;
	}
	for (size_t i = 3; i < header.n; i++) {
		char c = header.p[i];

		out[i - 3] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	*ret = str_of(out, header.n - 3);
	return !str_eq(*ret, STR("data")) && !str_has_prefix(*ret, STR("remit_"));
}

/* The document of a binary event. */
static enum rc write_binary(const struct http_head *head, const struct json *data, struct buf *out,
			    struct err *e)
{
	struct json_out w = json_out_to(out);

	json_out_object(&w);
	for (size_t i = 0; i < head->n_fields; i++) {
		char name[LIMIT_ID_BYTES];
		struct str key;
		AUTO_BUF value = BUF_INIT(ATTRIBUTE_BYTES);

		if (attribute_name(head->fields[i].name, name, &key)) {
			TRY(decode_attribute(head->fields[i].value, &value, e));
			json_out_key(&w, key);
			json_out_str(&w, buf_view(&value));
		}
	}
	json_out_key(&w, STR("data"));
	json_out_raw(&w, data->raw);
	json_out_close(&w);
	return json_out_end(&w, e);
}

static enum rc check_envelope(const struct json *doc, struct err *e)
{
	struct str text;

	for (size_t i = 0; i < ARRAY_LEN(required); i++) {
		if (!json_str(json_get(doc, str_from(required[i])), &text) || text.n == 0) {
			FAIL(e, RC_INPUT, "the event has no '%s'", required[i]);
		}
		if (i == 0 && !str_eq(text, STR("1.0"))) {
			FAIL(e, RC_INPUT, "not CloudEvents 1.0");
		}
	}
	if (json_get(doc, STR("data_base64"))) {
		FAIL(e, RC_INPUT, "the event's data must be JSON, not data_base64");
	}
	return RC_OK;
}

/* With the id that is unique: source and id together (SPEC CloudEvents 1.0.2, "id"). */
static enum rc add_event_id(const struct json *doc, struct buf *out, struct err *e)
{
	struct json_out w = json_out_to(out);
	struct str source;
	struct str id;

	json_out_object(&w);
	for (const struct json *m = doc->child; m; m = m->next) {
		if (!str_eq(m->key, STR("remit_event_id"))) {
			json_out_key(&w, m->key);
			json_out_raw(&w, m->raw);
		}
	}
	if (!json_str(json_get(doc, STR("source")), &source) ||
	    !json_str(json_get(doc, STR("id")), &id)) {
		FAIL(e, RC_BROKEN, "an event without source or id"); /* check_envelope() saw them */
	}
	json_out_key(&w, STR("remit_event_id"));
	json_out_strf(&w, STR_FMT " " STR_FMT, STR_ARG(source), STR_ARG(id));
	json_out_close(&w);
	return json_out_end(&w, e);
}

static bool is_json(struct str type)
{
	return str_eq_nocase(type, STR("application/json")) ||
	       (type.n > 5 && str_eq_nocase(str_slice(type, type.n - 5, type.n), STR("+json")));
}

enum rc api_cloudevents(const struct source *s, const struct http_head *head, struct str body,
			struct arena *arena, struct buf *ret_event, struct err *e)
{
	struct str type = http_media_type(http_header_get(head, STR("Content-Type")));
	AUTO_BUF binary = BUF_INIT(2 * LIMIT_HTTP_BODY_BYTES);
	AUTO_BUF whole = BUF_INIT(2 * LIMIT_HTTP_BODY_BYTES);
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *doc;
	struct str event;

	limits.max_bytes = 2 * LIMIT_HTTP_BODY_BYTES;
	if (str_eq_nocase(type, STR("application/cloudevents+json"))) {
		TRY(api_parse(body, arena, &doc, e));
	} else if (str_eq_nocase(str_slice(type, 0, 23), STR("application/cloudevents")) ||
		   !is_json(type)) {
		FAIL(e, RC_INPUT,
		     "expected application/cloudevents+json, or JSON with ce- headers");
	} else {
		TRY(json_parse(arena, body, NULL, &doc, e));
		TRY(write_binary(head, doc, &binary, e));
		TRY(json_parse(arena, buf_view(&binary), &limits, &doc, e));
	}
	TRY(check_envelope(doc, e));
	TRY(add_event_id(doc, &whole, e));
	TRY(json_parse(arena, buf_view(&whole), &limits, &doc, e));
	if (!json_str(json_get(doc, STR("type")), &event)) {
		event = STR("");
	}
	return api_mapped(s, doc, event, ret_event, e);
}
