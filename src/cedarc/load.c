/* SPDX-License-Identifier: Apache-2.0 */
/* cedarc/load.c - files of policies, schemas and entities, in either form. */
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cedarc/cedarc.h"
#include "codec/json.h"

static enum rc read_stdin(struct buf *b, struct err *e)
{
	for (;;) {
		ssize_t got;

		if (buf_reserve(b, 65536) != RC_OK) {
			FAIL(e, RC_LIMIT, "standard input has more than %zu bytes", b->max);
		}
		got = read(STDIN_FILENO, b->p + b->n, 65536);
		if (got < 0) {
			return err_set_sys(e, RC_IO, __func__, "cannot read standard input");
		}
		if (got == 0) {
			return RC_OK;
		}
		b->n += (size_t)got;
	}
}

enum rc cedarc_read(const char *path, struct buf *b, struct err *e)
{
	return !path || !strcmp(path, "-") ? read_stdin(b, e) : file_read(path, b, e);
}

bool cedarc_is_json(struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
			return c == '{' || c == '[';
		}
	}
	return false;
}

static struct str name_of(const char *path)
{
	return !path || !strcmp(path, "-") ? STR("<stdin>") : str_from(path);
}

/* Templates of a text are taken too: they decide nothing, and need not be linked. */
static enum rc add_policies(struct cedar_builder *b, struct str name, struct str text,
			    struct err *e)
{
	AUTO_BUF json = BUF_INIT(CEDARC_FILE_BYTES);

	if (cedarc_is_json(text)) {
		return cedar_builder_add_json(b, name, text, e);
	}
	if (cedar_builder_add(b, name, text, e) == RC_OK) {
		return RC_OK;
	}
	if (!cedar_builder_error(b) ||
	    cedar_text_to_json(&json, name, text, CEDAR_RELEASE_4_12, NULL) != RC_OK) {
		return e->code;
	}
	return cedar_builder_add_json(b, name, buf_view(&json), e);
}

enum rc cedarc_load_policies(const char *path, struct cedar_policies **ret, struct err *e)
{
	AUTO_BUF text = BUF_INIT(CEDARC_FILE_BYTES);
	struct cedar_builder *b = NULL;
	enum rc rc;

	TRY(cedarc_read(path, &text, e));
	TRY(cedar_builder_new(&b, e));
	rc = add_policies(b, name_of(path), buf_view(&text), e);
	rc = rc == RC_OK ? cedar_builder_finish(b, ret, e) : rc;
	cedar_builder_free(b);
	return rc;
}

enum rc cedarc_load_schema(const char *path, struct cedar_schema **ret, struct err *e)
{
	AUTO_BUF text = BUF_INIT(CEDARC_FILE_BYTES);

	TRY(cedarc_read(path, &text, e));
	return cedarc_is_json(buf_view(&text))
		   ? cedar_schema_parse_json(name_of(path), buf_view(&text), ret, e)
		   : cedar_schema_parse(name_of(path), buf_view(&text), ret, e);
}

enum rc cedarc_load_entities(const char *path, const struct cedar_schema *schema,
			     struct arena *arena, struct cedar_entities **ret, struct err *e)
{
	const struct json_limits limits = {
	    .max_bytes = CEDARC_FILE_BYTES,
	    .max_depth = LIMIT_JSON_DEPTH,
	    .max_nodes = CEDAR_LIMIT_JSON_VALUES,
	    .want_positions = true,
	};
	AUTO_BUF text = BUF_INIT(CEDARC_FILE_BYTES);
	const struct json *j;
	struct str copy;
	enum rc rc;

	TRY(cedarc_read(path, &text, e));
	copy = arena_str(arena, buf_view(&text));
	if (!copy.p) {
		FAIL(e, RC_NOMEM, "no memory for entities");
	}
	TRY(cedar_entities_new(arena, NULL, ret, e));
	rc = json_parse(arena, copy, &limits, &j, e);
	if (rc == RC_OK) {
		rc = schema ? cedar_entities_add_json_as(*ret, schema, j, e)
			    : cedar_entities_add_json(*ret, j, e);
	}
	rc = rc == RC_OK ? cedar_entities_seal(*ret, e) : rc;
	rc = rc == RC_OK && schema ? cedar_entities_check(*ret, schema, e) : rc;
	return rc == RC_OK ? rc : err_wrap(e, rc, STR_FMT, STR_ARG(name_of(path)));
}
