/* SPDX-License-Identifier: Apache-2.0 */
/* cedar_edges.c - the table of edge cases against the reference's answers.
 *
 * usage: cedar-edges TABLE; skips (77) when it is not there.
 *
 * A line is `EXPRESSION => OUTCOME`, an expression may go over several lines; from one place on the
 * left side is a whole policy text. Classes of errors are compared, not their words. The part of
 * the table that begins with "float attr" names inputs that are not in it; it is not run here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "cedar.h"
#include "codec/json.h"

enum { TABLE_BYTES = 1 << 20, ARENA_BYTES = 1 << 24, SKIP = 77 };

static const char world[] =
    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"x\":1,\"r\":{\"k\":1}},"
    "\"parents\":[{\"type\":\"G\",\"id\":\"g\"}],\"tags\":{\"t1\":\"v\"}},"
    "{\"uid\":{\"type\":\"G\",\"id\":\"g\"},\"attrs\":{},\"parents\":[]}]";
static const char context[] = "{\"n\":5,\"s\":\"abc\",\"rec\":{\"a b\":2,\"in\":1}}";

struct setting {
	struct arena arena;
	struct cedar_entities *entities;
	struct cedar_request request;
};

static enum rc set_up(struct setting *s, struct err *e)
{
	const struct json *j;

	TRY(cedar_entities_new(&s->arena, NULL, &s->entities, e));
	TRY(cedar_entities_add_text(s->entities, str_from(world), e));
	TRY(cedar_entities_seal(s->entities, e));
	TRY(json_parse(&s->arena, str_from(context), &JSON_LIMITS_DEFAULT, &j, e));
	TRY(cedar_value_from_json(&s->arena, j, &s->request.context, e));
	TRY(cedar_uid_parse(&s->arena, STR("U::\"a\""), &s->request.principal, e));
	TRY(cedar_uid_parse(&s->arena, STR("Action::\"do\""), &s->request.action, e));
	return cedar_uid_parse(&s->arena, STR("R::\"missing\""), &s->request.resource, e);
}

/* The outcome in the table's words, with the class in place of the message. */
static const char *class_of(struct str message)
{
	static const struct {
		const char *words;
		const char *class;
	} table[] = {
	    {"type error", "type"},
	    {"integer overflow", "overflow"},
	    {"does not have the tag", "tag"},
	    {"does not have the attribute", "attr"},
	    {"wrong number of arguments", "arity"},
	    {"error while evaluating", "extension"},
	    {"does not exist", "entity"},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (str_contains(message, str_from(table[i].words))) {
			return table[i].class;
		}
	}
	return "?";
}

static const char *outcome_of(const struct setting *s, struct str policy, struct buf *detail)
{
	AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
	struct cedar_builder *b = NULL;
	struct cedar_policies *set = NULL;
	struct cedar_response r = {0};
	struct err e = ERR_INIT;
	const char *outcome = "TRUE";
	enum rc rc = cedar_builder_new(&b, &e);

	rc = rc == RC_OK ? cedar_builder_add(b, STR("t"), policy, &e) : rc;
	if (rc != RC_OK) {
		(void)buf_addf(detail, "%s", e.msg); /* only shown */
		cedar_builder_free(b);
		return "PARSE-ERR";
	}
	rc = cedar_builder_finish(b, &set, &e);
	rc = rc == RC_OK ? cedar_authorize(set, s->entities, &s->request, &arena, &r, &e) : rc;
	if (rc != RC_OK) {
		outcome = "failed";
	} else if (r.n_errors) {
		outcome = cedar_error_class_name(r.errors[0].error.class);
		(void)cedar_error_print(detail, &r.errors[0].error); /* only shown */
	} else if (r.decision != CEDAR_ALLOW) {
		outcome = "FALSE";
	}
	cedar_builder_free(b);
	cedar_policies_unref(set);
	return outcome;
}

static bool run_one(const struct setting *s, struct str left, struct str want, bool is_policy)
{
	AUTO_BUF text = BUF_INIT(TABLE_BYTES);
	AUTO_BUF detail = BUF_INIT(TABLE_BYTES);
	const char *got;
	const char *expected = "PARSE-ERR";

	if (buf_addf(&text,
		     is_policy ? STR_FMT
			       : "permit(principal,action,resource) when { " STR_FMT " };",
		     STR_ARG(left)) != RC_OK) {
		return false;
	}
	if (str_has_prefix(want, STR("TRUE"))) {
		expected = "TRUE";
	} else if (str_has_prefix(want, STR("FALSE"))) {
		expected = "FALSE";
	} else if (str_has_prefix(want, STR("EVAL-ERR"))) {
		expected = class_of(want);
	}
	got = outcome_of(s, buf_view(&text), &detail);
	if (strcmp(got, expected) == 0) {
		return true;
	}
	printf("different: " STR_FMT "\n  want " STR_FMT "\n  got  %s " STR_FMT "\n", STR_ARG(left),
	       STR_ARG(want), got, STR_ARG(buf_view(&detail)));
	return false;
}

static size_t find_arrow(struct str line)
{
	for (size_t i = 0; i + 4 <= line.n; i++) {
		if (memcmp(line.p + i, " => ", 4) == 0) {
			return i;
		}
	}
	return line.n;
}

static int run_table(const struct setting *s, struct str table)
{
	unsigned cases = 0;
	unsigned different = 0;
	bool is_policy = false;
	const char *from = NULL;

	while (table.n) {
		struct str line = str_cut(&table, '\n');
		size_t arrow = find_arrow(line);
		struct str left;

		if (str_has_prefix(line, STR("float attr"))) {
			break;
		}
		is_policy =
		    is_policy || str_has_prefix(line, STR("permit(principal,action,resource,)"));
		from = from ? from : line.p;
		if (arrow == line.n) {
			continue; /* goes on in the next line */
		}
		left = str_trim(str_of(from, (size_t)(line.p + arrow - from)));
		from = NULL;
		cases++;
		different +=
		    run_one(s, left, str_slice(line, arrow + 4, line.n), is_policy) ? 0 : 1;
	}
	printf("%u cases, %u different\n", cases, different);
	return cases > 100 && different == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	AUTO_BUF table = BUF_INIT(TABLE_BYTES);
	struct setting s = {.arena = ARENA_INIT(ARENA_BYTES)};
	const char *dir = getenv("REMIT_CEDAR_CORPUS");
	char path[4096];
	struct err e = ERR_INIT;
	int status = 1;

	(void)snprintf(path, sizeof(path), "%s/edge-cases-4.12.0.txt",
		       dir ? dir : (argc > 1 ? argv[1] : ".")); /* a cut path is not there */
	if (file_read(path, &table, &e) != RC_OK) {
		printf("skipped: %s\n", e.msg);
		return SKIP;
	}
	if (set_up(&s, &e) == RC_OK) {
		status = run_table(&s, buf_view(&table));
	} else {
		printf("%s\n", e.msg);
	}
	arena_fini(&s.arena);
	return status;
}
