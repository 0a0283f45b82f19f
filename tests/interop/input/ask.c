/* SPDX-License-Identifier: Apache-2.0 */
/* ask.c - the other half of differ.mjs.
 *
 *	ask tools FILE.yaml...	 the tools of catalogs, a line {"name", "inputSchema"} each
 *	ask			 reads such lines, answers each with a line: the schema for Cedar,
 *as JSON, of namespace Remit with that tool as its one action
 */
#include <cedar.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "codec/yaml.h"
#include "core/input.h"

enum { LINE_BYTES = 1 << 20, ARENA_BYTES = 64 << 20, OUT_BYTES = 64 << 20 };

static enum rc schema_text(const struct input *in, struct str name, struct buf *b)
{
	TRY(buf_add(b, STR("namespace Remit {\n  entity P;\n  entity R;\n")));
	TRY(buf_add(b, in->has_unknown ? STR("  entity Unknown;\n") : STR("")));
	TRY(buf_add(b, in->has_null ? STR("  entity Null;\n") : STR("")));
	TRY(buf_add(b, STR("  action ")));
	TRY(input_print_text(b, name));
	TRY(buf_addf(b,
		     " appliesTo {principal: [P], resource: [R], context: {input: " STR_FMT "}};",
		     STR_ARG(in->name)));
	TRY(input_print(b, in));
	TRY(buf_add(b, STR("\n}\n")));
	return input_print_spaces(b, in);
}

static enum rc answer(struct arena *arena, struct str line, struct buf *out, struct err *e)
{
	AUTO_BUF text = BUF_INIT(OUT_BYTES);
	struct cedar_schema *schema;
	const struct input *in;
	const struct json *j;
	struct str name;
	enum rc rc;

	TRY(json_parse(arena, line, NULL, &j, e));
	if (!json_str(json_get(j, STR("name")), &name)) {
		FAIL(e, RC_INPUT, "a tool without a name");
	}
	TRY(input_of_schema(name, json_get(j, STR("inputSchema")), arena, &in, e));
	TRY(schema_text(in, name, &text));
	TRY(cedar_schema_parse(STR("ours"), buf_view(&text), &schema, e));
	rc = cedar_schema_print_json(out, schema, e);
	cedar_schema_unref(schema);
	return rc;
}

static int answer_all(void)
{
	static char line[LINE_BYTES];

	while (fgets(line, sizeof(line), stdin)) {
		AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
		AUTO_BUF out = BUF_INIT(OUT_BYTES);
		struct err e = ERR_INIT;

		if (answer(&arena, str_trim(str_of(line, strcspn(line, "\n"))), &out, &e) !=
		    RC_OK) {
			printf("null %s\n", e.msg);
			continue;
		}
		for (size_t i = 0; i < out.n; i++) {
			putchar(out.p[i] == '\n' ? ' ' : out.p[i]);
		}
		putchar('\n');
	}
	return 0;
}

static enum rc tools_of(const char *path, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
	AUTO_BUF text = BUF_INIT(LINE_BYTES);
	const struct json *j;
	const struct json *tools;

	TRY(file_read(path, &text, e));
	TRY(yaml_parse(&arena, buf_view(&text), NULL, &j, e));
	tools = json_get(j, STR("tools"));
	for (const struct json *t = json_type(tools) == JSON_OBJECT ? tools->child : NULL; t;
	     t = t->next) {
		AUTO_BUF line = BUF_INIT(LINE_BYTES);
		struct json_out w = json_out_to(&line);

		json_out_object(&w);
		json_out_key_str(&w, "name", t->key);
		json_out_key(&w, STR("inputSchema"));
		json_out_node(&w, json_get(json_get(t, STR("definition")), STR("inputSchema")));
		json_out_close(&w);
		TRY(json_out_end(&w, e));
		printf(STR_FMT "\n", STR_ARG(buf_view(&line)));
	}
	return RC_OK;
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;

	if (argc < 2) {
		return answer_all();
	}
	for (int i = 2; i < argc; i++) {
		if (tools_of(argv[i], &e) != RC_OK) {
			(void)fprintf(stderr, "%s: %s\n", argv[i], e.msg);
			return 1;
		}
	}
	return 0;
}
