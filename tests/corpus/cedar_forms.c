/* SPDX-License-Identifier: Apache-2.0 */
/* cedar_forms.c - the public Cedar policies between text, layout and JSON.
 *
 * usage: cedar-forms ROOT TEST.json...
 *
 * Of each test's policies: laying out keeps every token and is stable; text to JSON to text to JSON
 * gives the same JSON; a builder takes the JSON.
 */
#include <cedar.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cedar/lex.h"
#include "codec/json.h"

enum { FILE_BYTES = 16 << 20, SHOWN = 20 };

static unsigned n_files;
static unsigned n_different;

static void differs(const char *name, const char *what, const struct err *e)
{
	if (n_different++ < SHOWN) {
		printf("%s: %s%s%s\n", name, what, e->msg[0] ? ": " : "", e->msg);
	}
}

static bool same_tokens(struct str a, struct str b)
{
	struct cedar_lexer x = cedar_lexer_of(a);
	struct cedar_lexer y = cedar_lexer_of(b);

	for (;;) {
		struct cedar_token s = cedar_lexer_next(&x);
		struct cedar_token t = cedar_lexer_next(&y);

		if (s.kind != t.kind || !str_eq(s.text, t.text)) {
			return false;
		}
		if (s.kind == CEDAR_TOKEN_END) {
			return true;
		}
	}
}

static const char *check_layout(struct str text, struct err *e)
{
	AUTO_BUF once = BUF_INIT(FILE_BYTES);
	AUTO_BUF twice = BUF_INIT(FILE_BYTES);
	AUTO_BUF narrow = BUF_INIT(FILE_BYTES);
	const struct cedar_format_options options = {.width = 30, .indent = 3};

	if (cedar_format(&once, STR(""), text, NULL, e) != RC_OK ||
	    cedar_format(&twice, STR(""), buf_view(&once), NULL, e) != RC_OK ||
	    cedar_format(&narrow, STR(""), text, &options, e) != RC_OK) {
		return "cannot be laid out";
	}
	if (!str_eq(buf_view(&once), buf_view(&twice))) {
		return "the layout is not stable";
	}
	if (!same_tokens(text, buf_view(&once)) || !same_tokens(text, buf_view(&narrow))) {
		return "the layout changes tokens";
	}
	return NULL;
}

static const char *check_json(struct str text, struct err *e)
{
	AUTO_BUF json = BUF_INIT(4 * FILE_BYTES);
	AUTO_BUF again = BUF_INIT(4 * FILE_BYTES);
	AUTO_BUF back = BUF_INIT(FILE_BYTES);
	struct cedar_builder *b = NULL;
	enum rc rc;

	if (cedar_text_to_json(&json, STR(""), text, CEDAR_RELEASE_4_12, e) != RC_OK ||
	    cedar_json_to_text(&back, STR(""), buf_view(&json), e) != RC_OK ||
	    cedar_text_to_json(&again, STR(""), buf_view(&back), CEDAR_RELEASE_4_12, e) != RC_OK) {
		return "cannot be turned into JSON and back";
	}
	if (!str_eq(buf_view(&json), buf_view(&again))) {
		return "the JSON is not the same after text";
	}
	rc = cedar_builder_new(&b, e);
	rc = rc == RC_OK ? cedar_builder_add_json(b, STR("json"), buf_view(&json), e) : rc;
	cedar_builder_free(b);
	return rc == RC_OK ? NULL : "a builder does not take the JSON";
}

static void run(const char *root, const char *path)
{
	AUTO_ARENA arena = ARENA_INIT(64 << 20);
	AUTO_BUF spec = BUF_INIT(FILE_BYTES);
	AUTO_BUF text = BUF_INIT(FILE_BYTES);
	struct err e = ERR_INIT;
	const struct json *j;
	char file[4096];
	struct str name;
	const char *what;

	if (file_read(path, &spec, &e) != RC_OK ||
	    json_parse(&arena, buf_view(&spec), NULL, &j, &e) != RC_OK ||
	    !json_str(json_get(j, STR("policies")), &name)) {
		differs(path, "cannot be read", &e);
		return;
	}
	(void)snprintf(file, sizeof(file), "%s/" STR_FMT, root, STR_ARG(name));
	if (file_read(file, &text, &e) != RC_OK) {
		differs(path, "cannot be read", &e);
		return;
	}
	n_files++;
	what = check_layout(buf_view(&text), &e);
	what = what ? what : check_json(buf_view(&text), &e);
	if (what) {
		differs(file, what, &e);
	}
}

int main(int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		run(argv[1], argv[i]);
	}
	printf("%u files, %u different\n", n_files, n_different);
	return n_files > 0 && n_different == 0 ? 0 : 1;
}
