/* SPDX-License-Identifier: Apache-2.0 */
/* cedarc/translate.c - layout, and the two forms of policies and schemas. */
#include <string.h>

#include "base/file.h"
#include "cedarc/cedarc.h"

static struct str name_of(const char *path)
{
	return path ? str_from(path) : STR("<stdin>");
}

int cedarc_format(const struct options *o)
{
	const struct cedar_format_options options = {.width = (uint32_t)o->width,
						     .indent = (uint32_t)o->indent};
	AUTO_BUF text = BUF_INIT(CEDARC_FILE_BYTES);
	AUTO_BUF out = BUF_INIT(CEDARC_FILE_BYTES);
	struct err e = ERR_INIT;
	bool is_same;

	if (cedarc_read(o->policies, &text, &e) != RC_OK ||
	    cedar_format(&out, name_of(o->policies), buf_view(&text), &options, &e) != RC_OK) {
		return cedarc_fail(&e);
	}
	is_same = str_eq(buf_view(&text), buf_view(&out));
	if (o->check) {
		return is_same ? STATUS_YES : STATUS_INVALID;
	}
	if (!o->write) {
		return cedarc_print(buf_view(&out));
	}
	if (!o->policies) {
		return cedarc_say("--write needs --policies FILE");
	}
	return is_same || file_replace(o->policies, buf_view(&out), 0644, &e) == RC_OK
		   ? STATUS_YES
		   : cedarc_fail(&e);
}

/* Which way? The direction, or what the text is not. */
static enum rc is_to_json(const struct options *o, struct str text, bool *ret, struct err *e)
{
	*ret = !cedarc_is_json(text);
	if (!o->direction) {
		return RC_OK;
	}
	*ret = !strcmp(o->direction, "cedar-to-json");
	if (!*ret && strcmp(o->direction, "json-to-cedar") != 0) {
		FAIL(e, RC_INPUT, "--direction is cedar-to-json or json-to-cedar, not '%s'",
		     o->direction);
	}
	return RC_OK;
}

static enum rc translate_policy(const struct options *o, struct buf *out, struct err *e)
{
	AUTO_BUF text = BUF_INIT(CEDARC_FILE_BYTES);
	AUTO_BUF plain = BUF_INIT(CEDARC_FILE_BYTES);
	bool to_json;

	TRY(cedarc_read(o->policies, &text, e));
	TRY(is_to_json(o, buf_view(&text), &to_json, e));
	if (to_json) {
		TRY(cedar_text_to_json(out, name_of(o->policies), buf_view(&text),
				       o->is_4_13 ? CEDAR_RELEASE_4_13 : CEDAR_RELEASE_4_12, e));
		return buf_add_char(out, '\n');
	}
	TRY(cedar_json_to_text(&plain, name_of(o->policies), buf_view(&text), e));
	return cedar_format(out, STR(""), buf_view(&plain), NULL, e);
}

int cedarc_translate_policy(const struct options *o)
{
	AUTO_BUF out = BUF_INIT(CEDARC_FILE_BYTES);
	struct err e = ERR_INIT;

	return translate_policy(o, &out, &e) == RC_OK ? cedarc_print(buf_view(&out))
						      : cedarc_fail(&e);
}

static enum rc translate_schema(const struct options *o, struct buf *out, struct err *e)
{
	AUTO_BUF text = BUF_INIT(CEDARC_FILE_BYTES);
	struct cedar_schema *schema = NULL;
	bool to_json;
	enum rc rc;

	TRY(cedarc_read(o->schema, &text, e));
	TRY(is_to_json(o, buf_view(&text), &to_json, e));
	TRY(to_json ? cedar_schema_parse(name_of(o->schema), buf_view(&text), &schema, e)
		    : cedar_schema_parse_json(name_of(o->schema), buf_view(&text), &schema, e));
	rc = to_json ? cedar_schema_print_json(out, schema, e) : cedar_schema_print(out, schema, e);
	cedar_schema_unref(schema);
	TRY(rc);
	return out->n && out->p[out->n - 1] == '\n' ? RC_OK : buf_add_char(out, '\n');
}

int cedarc_translate_schema(const struct options *o)
{
	AUTO_BUF out = BUF_INIT(CEDARC_FILE_BYTES);
	struct err e = ERR_INIT;

	return translate_schema(o, &out, &e) == RC_OK ? cedarc_print(buf_view(&out))
						      : cedarc_fail(&e);
}
