/* SPDX-License-Identifier: Apache-2.0 */
/* cedar_validation.c - validates the public Cedar integration tests and compares every verdict.
 *
 * usage: cedar-validation ROOT TEST.json...
 *
 * Compared are the strict verdict with the test's shouldValidate, every request's validation, and
 * where ROOT has the reference's answers (corpus-tests-validation, corpus-tests-json-schemas): both
 * modes' verdicts and classes of errors for each policy, every entity and request, and that the
 * JSON form of the schema gives the same verdicts.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "cedar.h"
#include "codec/json.h"

enum { FILE_BYTES = 16 << 20, ARENA_BYTES = 256 << 20, SHOWN = 20, PATH_BYTES = 4096 };

static struct {
	unsigned tests;
	unsigned verdicts;
	unsigned requests;
	unsigned golden_policies;
	unsigned golden_requests;
	unsigned golden_schemas;
	unsigned translations;
	unsigned different;
	unsigned unreadable;
} counts;

struct test {
	const char *root;
	const char *path;
	struct str name; /* without directory and suffix */
	const struct json *spec;
	struct arena *arena;
	struct cedar_policies *set;
	struct cedar_schema *schema;
};

static void differ(const struct test *t, const char *what, const char *want, const char *got)
{
	if (counts.different++ < SHOWN) {
		printf("%s: %s: want %s, got %s\n", t->path, what, want, got);
	}
}

static const char *yes(bool b)
{
	return b ? "valid" : "invalid";
}

/* ---- classes of errors ---- */

/* The class of an error of the reference, by its words. */
static enum cedar_finding_class class_of(struct str message)
{
	static const struct {
		const char *words;
		enum cedar_finding_class class;
	} table[] = {
	    {"empty set literals", CEDAR_FINDING_EMPTY_SET},
	    {"extension function argument validation", CEDAR_FINDING_ARGUMENT},
	    {"safety of access to tag", CEDAR_FINDING_UNSAFE_TAG},
	    {"safety of access to optional attribute", CEDAR_FINDING_UNSAFE_ATTR},
	    {"wrong number of arguments", CEDAR_FINDING_ARITY},
	    {"unrecognized entity type", CEDAR_FINDING_UNKNOWN_TYPE},
	    {"unrecognized action", CEDAR_FINDING_UNKNOWN_ACTION},
	    {"find an applicable action", CEDAR_FINDING_NO_ACTION},
	    {"non-literal expressions", CEDAR_FINDING_NOT_LITERAL},
	    {"are not compatible", CEDAR_FINDING_INCOMPATIBLE},
	    {"unexpected type", CEDAR_FINDING_TYPE},
	    {"is of an enumerated entity type", CEDAR_FINDING_UNKNOWN_ID},
	    {" not found", CEDAR_FINDING_NO_ATTR},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (str_contains(message, str_from(table[i].words))) {
			return table[i].class;
		}
	}
	return CEDAR_FINDING_NONE;
}

static uint32_t classes_wanted(const struct json *errors)
{
	uint32_t classes = 0;

	for (const struct json *c = errors ? errors->child : NULL; c; c = c->next) {
		classes |= 1u << class_of(c->text);
	}
	return classes;
}

static uint32_t classes_found(const struct cedar_validation *v, uint32_t policy)
{
	uint32_t classes = 0;

	for (size_t i = 0; i < v->n_findings; i++) {
		if (v->findings[i].policy == policy && !v->findings[i].is_warning) {
			classes |= 1u << v->findings[i].class;
		}
	}
	return classes;
}

static void name_classes(uint32_t classes, char *text, size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	for (int i = 0; i <= CEDAR_FINDING_IMPOSSIBLE && n < size; i++) {
		if (classes >> i & 1) {
			n +=
			    (size_t)snprintf(text + n, size - n, "%s ",
					     cedar_finding_class_name((enum cedar_finding_class)i));
		}
	}
}

/* ---- one test ---- */

static enum rc read_named(const struct test *t, const char *member, struct buf *b, struct err *e)
{
	char path[PATH_BYTES];
	struct str name;

	if (!json_str(json_get(t->spec, str_from(member)), &name)) {
		FAIL(e, RC_INPUT, "no member %s", member);
	}
	(void)snprintf(path, sizeof(path), "%s/" STR_FMT, t->root, STR_ARG(name));
	return file_read(path, b, e);
}

/* A file of the reference's answers; RC_OK with *ret == NULL when there is none. */
static enum rc read_golden(const struct test *t, const char *directory, const char *suffix,
			   struct buf *b, const struct json **ret, struct err *e)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	char path[PATH_BYTES];

	*ret = NULL;
	(void)snprintf(path, sizeof(path), "%s/%s/" STR_FMT "%s", t->root, directory,
		       STR_ARG(t->name), suffix);
	if (file_read(path, b, NULL) != RC_OK) {
		return RC_OK;
	}
	limits.max_bytes = FILE_BYTES;
	return json_parse(t->arena, buf_view(b), &limits, ret, e);
}

static enum rc validate(const struct test *t, const struct cedar_schema *schema,
			enum cedar_mode mode, struct cedar_validation *ret, struct err *e)
{
	const struct cedar_validate_options options = {.mode = mode};

	return cedar_validate(t->set, schema, &options, t->arena, ret, e);
}

static enum rc check_verdict(const struct test *t, struct err *e)
{
	struct cedar_validation v;
	bool want = false;

	if (!json_bool(json_get(t->spec, STR("shouldValidate")), &want)) {
		FAIL(e, RC_INPUT, "no member shouldValidate");
	}
	TRY(validate(t, t->schema, CEDAR_STRICT, &v, e));
	counts.verdicts++;
	if (v.is_valid != want) {
		differ(t, "verdict", yes(want),
		       v.n_findings ? v.findings[0].message.p : yes(!want));
	}
	return RC_OK;
}

static enum rc check_request(const struct test *t, const struct json *j, struct err *e)
{
	struct cedar_request r = {0};

	TRY(cedar_uid_from_json(t->arena, json_get(j, STR("principal")), &r.principal, e));
	TRY(cedar_uid_from_json(t->arena, json_get(j, STR("action")), &r.action, e));
	TRY(cedar_uid_from_json(t->arena, json_get(j, STR("resource")), &r.resource, e));
	TRY(cedar_context_from_json(t->arena, t->schema, r.action, json_get(j, STR("context")),
				    &r.context, e));
	return cedar_request_check(&r, t->schema, e);
}

static void check_requests(const struct test *t, const struct json *golden)
{
	const struct json *g = golden ? golden->child : NULL;

	for (const struct json *j = json_get(t->spec, STR("requests"))->child; j; j = j->next) {
		struct err e = ERR_INIT;
		bool is_valid = check_request(t, j, &e) == RC_OK;
		bool want = true;

		/* Absent means true. */
		(void)!json_bool(json_get(j, STR("validateRequest")), &want);
		counts.requests++;
		if (is_valid != want) {
			differ(t, "request", yes(want), e.msg);
		}
		if (g && json_bool(json_get(g, STR("strict")), &want)) {
			counts.golden_requests++;
			if (is_valid != want) {
				differ(t, "golden request", yes(want), e.msg);
			}
			g = g->next;
		}
	}
}

static enum rc check_mode(const struct test *t, const struct json *golden, enum cedar_mode mode,
			  struct err *e)
{
	const char *verdict = mode == CEDAR_STRICT ? "strict" : "permissive";
	const char *errors = mode == CEDAR_STRICT ? "strictErrors" : "permissiveErrors";
	const struct json *per = json_get(golden, STR("perPolicy"));
	struct cedar_validation v;
	bool want = false;

	TRY(validate(t, t->schema, mode, &v, e));
	if (!json_bool(json_get(golden, str_from(verdict)), &want) || v.is_valid != want) {
		differ(t, verdict, yes(want), v.n_findings ? v.findings[0].message.p : "valid");
	}
	for (uint32_t i = 0; i < cedar_policies_count(t->set); i++) {
		const struct json *one =
		    json_get(per, cedar_policy_id(cedar_policies_at(t->set, i)));
		uint32_t wanted = classes_wanted(json_get(one, str_from(errors)));
		uint32_t found = classes_found(&v, i);
		char a[256];
		char b[256];

		counts.golden_policies++;
		if (!json_bool(json_get(one, str_from(verdict)), &want) || v.policies[i] != want) {
			differ(t, "policy", yes(want), yes(v.policies[i]));
		}
		if (wanted != found) {
			name_classes(wanted, a, sizeof(a));
			name_classes(found, b, sizeof(b));
			differ(t, verdict, a, b);
		}
	}
	return RC_OK;
}

/* schema's JSON must be what golden is. */
static enum rc same_json(const struct test *t, const struct cedar_schema *schema,
			 const struct json *golden, const char *what, struct err *e)
{
	AUTO_BUF text = BUF_INIT(FILE_BYTES);
	const struct json *j;

	TRY(cedar_schema_print_json(&text, schema, e));
	TRY(json_parse(t->arena, buf_view(&text), &JSON_LIMITS_DEFAULT, &j, e));
	if (!json_equal(j, golden)) {
		differ(t, what, "the reference's JSON", "another");
	}
	return RC_OK;
}

/* Our JSON is the reference's; printed in Cedar's syntax and read again, it still is. */
static enum rc check_translation(const struct test *t, const struct cedar_schema *from_json,
				 const struct json *golden, struct err *e)
{
	AUTO_BUF text = BUF_INIT(FILE_BYTES);
	struct cedar_schema *again = NULL;
	enum rc rc;

	TRY(same_json(t, t->schema, golden, "JSON of the schema", e));
	TRY(cedar_schema_print(&text, from_json, e));
	TRY(cedar_schema_parse(STR("printed"), buf_view(&text), &again, e));
	rc = same_json(t, again, golden, "JSON of the printed schema", e);
	cedar_schema_unref(again);
	counts.translations++;
	return rc;
}

/* The schema in its JSON form says the same. */
static enum rc check_json_schema(const struct test *t, struct err *e)
{
	AUTO_BUF text = BUF_INIT(FILE_BYTES);
	struct cedar_schema *schema = NULL;
	struct cedar_validation ours = {0};
	struct cedar_validation theirs = {0};
	const struct json *golden;
	enum rc rc;

	TRY(read_golden(t, "corpus-tests-json-schemas", ".cedarschema.json", &text, &golden, e));
	if (!golden) {
		return RC_OK;
	}
	TRY(cedar_schema_parse_json(STR("schema.json"), buf_view(&text), &schema, e));
	rc = validate(t, schema, CEDAR_STRICT, &theirs, e);
	rc = rc == RC_OK ? validate(t, t->schema, CEDAR_STRICT, &ours, e) : rc;
	rc = rc == RC_OK ? check_translation(t, schema, golden, e) : rc;
	cedar_schema_unref(schema);
	counts.golden_schemas++;
	if (rc == RC_OK &&
	    (ours.is_valid != theirs.is_valid || ours.n_findings != theirs.n_findings)) {
		differ(t, "verdict by the JSON schema", yes(ours.is_valid), yes(theirs.is_valid));
	}
	return rc;
}

static enum rc check_all(const struct test *t, struct err *e)
{
	AUTO_BUF text = BUF_INIT(FILE_BYTES);
	const struct json *golden;
	const struct json *policies;

	TRY(read_golden(t, "corpus-tests-validation", ".validation.json", &text, &golden, e));
	TRY(check_verdict(t, e));
	check_requests(t, json_get(golden, STR("requestValidation")));
	policies = json_get(golden, STR("policyValidation"));
	if (policies) {
		TRY(check_mode(t, policies, CEDAR_STRICT, e));
		TRY(check_mode(t, policies, CEDAR_PERMISSIVE, e));
	}
	return check_json_schema(t, e);
}

static enum rc load(struct test *t, struct cedar_builder *b, struct err *e)
{
	AUTO_BUF text = BUF_INIT(FILE_BYTES);
	AUTO_BUF schema = BUF_INIT(FILE_BYTES);

	TRY(read_named(t, "policies", &text, e));
	TRY(cedar_builder_add(b, STR("policies"), buf_view(&text), e));
	TRY(cedar_builder_finish(b, &t->set, e));
	TRY(read_named(t, "schema", &schema, e));
	return cedar_schema_parse(STR("schema"), buf_view(&schema), &t->schema, e);
}

static struct str name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct str name = str_from(slash ? slash + 1 : path);

	return str_slice(name, 0, name.n - (sizeof(".json") - 1));
}

static enum rc run(const char *root, const char *path, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
	AUTO_BUF spec = BUF_INIT(FILE_BYTES);
	struct test t = {.root = root, .path = path, .name = name_of(path), .arena = &arena};
	struct cedar_builder *b = NULL;
	enum rc rc;

	TRY(file_read(path, &spec, e));
	TRY(json_parse(&arena, buf_view(&spec), &JSON_LIMITS_DEFAULT, &t.spec, e));
	TRY(cedar_builder_new(&b, e));
	counts.tests++;
	rc = load(&t, b, e);
	rc = rc == RC_OK ? check_all(&t, e) : rc;
	cedar_builder_free(b);
	cedar_policies_unref(t.set);
	cedar_schema_unref(t.schema);
	return rc;
}

int main(int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		struct err e = ERR_INIT;

		if (run(argv[1], argv[i], &e) != RC_OK) {
			printf("%s: %s\n", argv[i], e.msg);
			counts.unreadable++;
		}
	}
	printf(
	    "%u tests: %u verdicts, %u requests; against the reference's answers: %u policies in "
	    "both modes, %u requests, %u JSON schemas, %u translations; %u different, %u tests "
	    "unreadable\n",
	    counts.tests, counts.verdicts, counts.requests, counts.golden_policies,
	    counts.golden_requests, counts.golden_schemas, counts.translations, counts.different,
	    counts.unreadable);
	return counts.tests > 0 && counts.different == 0 && counts.unreadable == 0 ? 0 : 1;
}
