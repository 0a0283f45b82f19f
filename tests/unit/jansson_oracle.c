/* SPDX-License-Identifier: Apache-2.0 */
#include "jansson_oracle.h"

#include <jansson.h>

static void put_string(struct buf *out, const char *p, size_t n)
{
	MUST(buf_addf(out, "S%zu:", n) == RC_OK);
	MUST(buf_add(out, str_of(p, n)) == RC_OK);
}

static void put(struct buf *out, json_t *v);

static void put_object(struct buf *out, json_t *v)
{
	MUST(buf_add_char(out, '{') == RC_OK);
	for (void *i = json_object_iter(v); i; i = json_object_iter_next(v, i)) {
		const char *key = json_object_iter_key(i);

		put_string(out, key, str_from(key).n);
		put(out, json_object_iter_value(i));
	}
	MUST(buf_add_char(out, '}') == RC_OK);
}

static void put(struct buf *out, json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		put_object(out, v);
		return;
	case JSON_ARRAY:
		MUST(buf_add_char(out, '[') == RC_OK);
		for (size_t i = 0; i < json_array_size(v); i++) {
			put(out, json_array_get(v, i));
		}
		MUST(buf_add_char(out, ']') == RC_OK);
		return;
	case JSON_STRING:
		put_string(out, json_string_value(v), json_string_length(v));
		return;
	case JSON_INTEGER:
		MUST(buf_addf(out, "I%lld,", (long long)json_integer_value(v)) == RC_OK);
		return;
	case JSON_REAL:
		MUST(buf_addf(out, "R%.17g,", json_real_value(v)) == RC_OK);
		return;
	case JSON_TRUE:
		MUST(buf_add_char(out, 'T') == RC_OK);
		return;
	case JSON_FALSE:
		MUST(buf_add_char(out, 'F') == RC_OK);
		return;
	case JSON_NULL:
		MUST(buf_add_char(out, 'N') == RC_OK);
		return;
	}
}

enum oracle_verdict jansson_oracle(struct str text, struct buf *out)
{
	json_error_t error;
	json_t *v = json_loadb(text.p, text.n,
			       JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

	if (!v) {
		enum json_error_code code = json_error_code(&error);

		return code == json_error_numeric_overflow || code == json_error_null_byte_in_key
			   ? ORACLE_CANNOT_HOLD
			   : ORACLE_REFUSES;
	}
	put(out, v);
	json_decref(v);
	return ORACLE_ACCEPTS;
}
