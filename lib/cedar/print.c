/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/print.c - values and errors as text. */
#include <inttypes.h>

#include "cedar/ext.h"
#include "cedar/text.h"
#include "cedar/value.h"

/* ---- values ---- */

static enum rc print_parts(struct buf *b, const struct cedar_value *v)
{
	for (uint32_t i = 0; i < v->n; i++) {
		if (i > 0) {
			TRY(buf_add(b, STR(", ")));
		}
		if (v->type == CEDAR_RECORD) {
			TRY(cedar_print_quoted(b, v->fields[i].name));
			TRY(buf_add(b, STR(": ")));
			TRY(cedar_value_print(b, &v->fields[i].value));
		} else {
			TRY(cedar_value_print(b, &v->items[i]));
		}
	}
	return RC_OK;
}

enum rc cedar_value_print(struct buf *b, const struct cedar_value *v)
{
	switch (cedar_value_type(v)) {
	case CEDAR_NONE:
		return buf_add(b, STR("nothing"));
	case CEDAR_BOOL:
		return buf_add(b, v->b ? STR("true") : STR("false"));
	case CEDAR_LONG:
		return buf_addf(b, "%" PRId64, v->i);
	case CEDAR_STRING:
		return cedar_print_quoted(b, cedar_value_text(v));
	case CEDAR_ENTITY:
		return cedar_uid_print(b, v->uid);
	case CEDAR_SET:
		TRY(buf_add_char(b, '['));
		TRY(print_parts(b, v));
		return buf_add_char(b, ']');
	case CEDAR_RECORD:
		TRY(buf_add_char(b, '{'));
		TRY(print_parts(b, v));
		return buf_add_char(b, '}');
	case CEDAR_IPADDR:
		TRY(buf_add(b, STR("ip(\"")));
		TRY(cedar_ip_print(b, v->ip));
		return buf_add(b, STR("\")"));
	case CEDAR_DECIMAL:
		TRY(buf_add(b, STR("decimal(\"")));
		TRY(cedar_decimal_print(b, v->i));
		return buf_add(b, STR("\")"));
	case CEDAR_DATETIME:
		/* The form that has a writing for every value, years beyond 9999 included. */
		return buf_addf(b, "datetime(\"1970-01-01\").offset(duration(\"%" PRId64 "ms\"))",
				v->i);
	case CEDAR_DURATION:
		return buf_addf(b, "duration(\"%" PRId64 "ms\")", v->i);
	}
	return RC_OK;
}

/* ---- errors ---- */

const char *cedar_error_class_name(enum cedar_error_class c)
{
	static const char *const names[] = {
	    [CEDAR_ERROR_NONE] = "none",     [CEDAR_ERROR_PARSE] = "parse",
	    [CEDAR_ERROR_TYPE] = "type",     [CEDAR_ERROR_OVERFLOW] = "overflow",
	    [CEDAR_ERROR_ATTR] = "attr",     [CEDAR_ERROR_TAG] = "tag",
	    [CEDAR_ERROR_ENTITY] = "entity", [CEDAR_ERROR_EXT] = "extension",
	    [CEDAR_ERROR_ARITY] = "arity",   [CEDAR_ERROR_LIMIT] = "limit",
	};

	return (size_t)c < ARRAY_LEN(names) ? names[c] : "none";
}

static enum rc print_expected(struct buf *b, const struct cedar_error *error)
{
	const char *between = "";

	TRY(buf_add(b, STR("expected ")));
	for (enum cedar_type t = CEDAR_NONE; t <= CEDAR_DURATION; t++) {
		if (error->expected & 1u << t) {
			TRY(buf_addf(b, "%s%s", between, cedar_type_name(t)));
			between = " or ";
		}
	}
	return buf_addf(b, ", found %s", cedar_type_name(error->got));
}

static enum rc print_absent(struct buf *b, const struct cedar_error *error, const char *what)
{
	if (error->uid) {
		TRY(cedar_uid_print(b, error->uid));
	} else {
		TRY(buf_add(b, STR("the record")));
	}
	return buf_addf(b, " has no %s '" STR_FMT "'", what, STR_ARG(error->subject));
}

static enum rc print_sentence(struct buf *b, const struct cedar_error *error)
{
	switch (error->class) {
	case CEDAR_ERROR_NONE:
		return buf_add(b, STR("no error"));
	case CEDAR_ERROR_PARSE:
	case CEDAR_ERROR_LIMIT:
		return buf_add(b, error->subject);
	case CEDAR_ERROR_TYPE:
		return print_expected(b, error);
	case CEDAR_ERROR_OVERFLOW:
		return buf_addf(b, "overflow of '" STR_FMT "'", STR_ARG(error->subject));
	case CEDAR_ERROR_ATTR:
		return print_absent(b, error, "attribute");
	case CEDAR_ERROR_TAG:
		return print_absent(b, error, "tag");
	case CEDAR_ERROR_ENTITY:
		TRY(buf_add(b, STR("entity ")));
		TRY(cedar_uid_print(b, error->uid));
		return buf_add(b, STR(" does not exist"));
	case CEDAR_ERROR_EXT:
		return buf_addf(b, STR_FMT ": " STR_FMT, STR_ARG(error->subject),
				STR_ARG(error->detail));
	case CEDAR_ERROR_ARITY:
		return buf_addf(b, STR_FMT ": wrong number of arguments: " STR_FMT,
				STR_ARG(error->subject), STR_ARG(error->detail));
	}
	return RC_OK;
}

enum rc cedar_error_print(struct buf *b, const struct cedar_error *error)
{
	if (error->source.n) {
		TRY(buf_add(b, error->source));
		TRY(buf_add_char(b, ':'));
	}
	TRY(buf_addf(b, "%u:%u: ", error->pos.line, error->pos.column));
	return print_sentence(b, error);
}
