/* SPDX-License-Identifier: Apache-2.0 */
/* cedar_corpus.c - runs the public Cedar integration tests and compares every answer.
 *
 * usage: cedar-corpus ROOT TEST.json...
 *
 * A test names its policies, entities and requests relative to ROOT. Compared are the decision, the
 * determining policies and the failing ones. Entities and contexts are read by the test's schema.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "cedar/authorize.h"
#include "codec/json.h"

enum { FILE_BYTES = 16 << 20, ARENA_BYTES = 256 << 20, SHOWN = 20 };

struct counts {
	unsigned tests;
	unsigned equal;
	unsigned different;
	unsigned unreadable;
};

struct test {
	const char *root;
	const char *name;
	const struct json *spec;
	struct arena *arena;
	struct cedar_policies *set;
	struct cedar_entities *entities;
	struct cedar_schema *schema;
	struct counts *counts;
};

static enum rc read_named(const struct test *t, const char *member, struct buf *b, struct err *e)
{
	char path[4096];
	struct str name;

	if (!json_str(json_get(t->spec, str_from(member)), &name)) {
		FAIL(e, RC_INPUT, "no member %s", member);
	}
	(void)snprintf(path, sizeof(path), "%s/" STR_FMT, t->root, STR_ARG(name));
	return file_read(path, b, e);
}

static bool same_ids(const struct test *t, const struct json *want, const uint32_t *got, size_t n)
{
	for (const struct json *w = want->child; w; w = w->next) {
		bool is_there = false;

		for (size_t i = 0; i < n; i++) {
			is_there |=
			    str_eq(cedar_policy_id(cedar_policies_at(t->set, got[i])), w->text);
		}
		if (!is_there) {
			return false;
		}
	}
	return want->count == n;
}

static bool is_as_wanted(const struct test *t, const struct json *want,
			 const struct cedar_response *got)
{
	struct str decision;
	uint32_t errors[4096];

	if (!json_str(json_get(want, STR("decision")), &decision) || got->n_errors > 4096) {
		return false;
	}
	for (size_t i = 0; i < got->n_errors; i++) {
		errors[i] = got->errors[i].policy;
	}
	return str_eq_nocase(decision, got->decision ? STR("allow") : STR("deny")) &&
	       same_ids(t, json_get(want, STR("reason")), got->determining, got->n_determining) &&
	       same_ids(t, json_get(want, STR("errors")), errors, got->n_errors);
}

static bool same_list(const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b)
{
	return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a * sizeof(*a)) == 0);
}

/* Policy by policy the answer must be that of the index. */
static enum rc ask_linear(const struct test *t, const struct cedar_request *r,
			  const struct cedar_response *by_index, struct err *e)
{
	struct cedar_response got;
	bool is_same;

	TRY(cedar_authorize_linear(t->set, t->entities, r, t->arena, &got, e));
	is_same = got.decision == by_index->decision && got.n_errors == by_index->n_errors &&
		  same_list(got.permits, got.n_permits, by_index->permits, by_index->n_permits) &&
		  same_list(got.forbids, got.n_forbids, by_index->forbids, by_index->n_forbids);
	for (size_t i = 0; is_same && i < got.n_errors; i++) {
		is_same = got.errors[i].policy == by_index->errors[i].policy &&
			  got.errors[i].error.class == by_index->errors[i].error.class;
	}
	if (!is_same) {
		FAIL(e, RC_BROKEN, "the index and the trees answer differently");
	}
	return RC_OK;
}

/* ---- with parts of the request unknown ---- */

static bool is_satisfied(const struct cedar_response *r, uint32_t policy)
{
	for (size_t i = 0; i < r->n_permits; i++) {
		if (r->permits[i] == policy) {
			return true;
		}
	}
	for (size_t i = 0; i < r->n_forbids; i++) {
		if (r->forbids[i] == policy) {
			return true;
		}
	}
	return false;
}

/* What is left of a policy must hold for the whole request just as the policy does. */
static enum rc ask_residual(const struct test *t, const struct cedar_residual *residual,
			    const struct cedar_request *r, bool want, struct err *e)
{
	AUTO_BUF text = BUF_INIT(FILE_BYTES);
	struct cedar_builder *b = NULL;
	struct cedar_policies *set = NULL;
	struct cedar_response got = {0};
	enum rc rc;

	TRY(cedar_residual_print(&text, residual, e));
	TRY(cedar_builder_new(&b, e));
	rc = cedar_builder_add(b, STR("residual"), buf_view(&text), e);
	rc = rc == RC_OK ? cedar_builder_finish(b, &set, e) : rc;
	rc = rc == RC_OK ? cedar_authorize(set, t->entities, r, t->arena, &got, e) : rc;
	cedar_builder_free(b);
	cedar_policies_unref(set);
	TRY(rc);
	if (is_satisfied(&got, 0) != want) {
		FAIL(e, RC_BROKEN, "the residual differs: " STR_FMT, STR_ARG(buf_view(&text)));
	}
	return RC_OK;
}

static enum rc ask_with(const struct test *t, const struct cedar_partial_request *known,
			const struct cedar_request *r, const struct cedar_response *whole,
			struct err *e)
{
	struct cedar_partial_response got;

	TRY(cedar_authorize_partial(t->set, t->entities, known, t->arena, &got, e));
	for (uint32_t i = 0; i < got.n; i++) {
		bool is = is_satisfied(whole, i);

		if ((got.residuals[i].prospect == CEDAR_ALWAYS && !is) ||
		    (got.residuals[i].prospect == CEDAR_NEVER && is)) {
			FAIL(e, RC_BROKEN, "policy %u is %ssatisfied, against what was foretold", i,
			     is ? "" : "not ");
		}
		if (got.residuals[i].prospect == CEDAR_MAYBE) {
			TRY(ask_residual(t, &got.residuals[i], r, is, e));
		}
	}
	if ((got.decision == CEDAR_PARTIAL_ALLOW && whole->decision != CEDAR_ALLOW) ||
	    (got.decision == CEDAR_PARTIAL_DENY && whole->decision != CEDAR_DENY)) {
		FAIL(e, RC_BROKEN, "another decision than was foretold");
	}
	return RC_OK;
}

/* Every other field of a context. */
static enum rc half_of(const struct test *t, const struct cedar_value *context,
		       const struct cedar_value **ret, struct err *e)
{
	struct cedar_field fields[256];
	size_t n = 0;

	for (size_t i = 0; context && i < cedar_value_count(context) && n < 256; i += 2) {
		fields[n++] = cedar_value_field(context, i);
	}
	return cedar_value_record(t->arena, fields, n, ret, e);
}

/* Bits of what is hidden: principal, action, resource, context; and whether types are told. */
static enum rc ask_partial(const struct test *t, const struct cedar_request *r,
			   const struct cedar_response *whole, struct err *e)
{
	for (unsigned hidden = 0; hidden < 32; hidden++) {
		struct cedar_partial_request known = {
		    .principal = hidden & 1 ? NULL : r->principal,
		    .action = hidden & 2 ? NULL : r->action,
		    .resource = hidden & 4 ? NULL : r->resource,
		    .context = r->context,
		    .context_is_whole = !(hidden & 8),
		};

		if (hidden & 8) {
			TRY(half_of(t, r->context, &known.context, e));
		}
		if (hidden & 16) {
			known.principal_type = cedar_uid_type(r->principal);
			known.resource_type = cedar_uid_type(r->resource);
		}
		TRY(ask_with(t, &known, r, whole, e));
	}
	return RC_OK;
}

static enum rc ask(const struct test *t, const struct json *want, struct cedar_response *ret,
		   struct err *e)
{
	struct cedar_request r = {0};

	TRY(cedar_uid_from_json(t->arena, json_get(want, STR("principal")), &r.principal, e));
	TRY(cedar_uid_from_json(t->arena, json_get(want, STR("action")), &r.action, e));
	TRY(cedar_uid_from_json(t->arena, json_get(want, STR("resource")), &r.resource, e));
	TRY(cedar_context_from_json(t->arena, t->schema, r.action, json_get(want, STR("context")),
				    &r.context, e));
	TRY(cedar_authorize(t->set, t->entities, &r, t->arena, ret, e));
	TRY(ask_linear(t, &r, ret, e));
	return ask_partial(t, &r, ret, e);
}

static void count(struct test *t, bool is_equal, const char *why)
{
	struct counts *c = t->counts;

	if (is_equal) {
		c->equal++;
		return;
	}
	if (c->different++ < SHOWN) {
		printf("%s: %s\n", t->name, why);
	}
}

static void run_requests(struct test *t)
{
	for (const struct json *w = json_get(t->spec, STR("requests"))->child; w; w = w->next) {
		struct err e = ERR_INIT;
		struct cedar_response got;
		bool is_equal = false;

		if (ask(t, w, &got, &e) == RC_OK) {
			is_equal = is_as_wanted(t, w, &got);
			(void)snprintf(e.msg, sizeof(e.msg),
				       "answered %s with %zu reasons, %zu errors",
				       got.decision ? "allow" : "deny", got.n_determining,
				       got.n_errors); /* only shown */
		}
		count(t, is_equal, e.msg);
	}
}

static enum rc run_loaded(struct test *t, struct cedar_builder *b, struct err *e)
{
	AUTO_BUF text = BUF_INIT(FILE_BYTES);
	AUTO_BUF schema = BUF_INIT(FILE_BYTES);
	AUTO_BUF world = BUF_INIT(FILE_BYTES);
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *entities;

	limits.max_bytes = FILE_BYTES;
	limits.max_nodes = 1 << 20;
	TRY(read_named(t, "policies", &text, e));
	TRY(cedar_builder_add(b, STR("policies"), buf_view(&text), e));
	TRY(cedar_builder_finish(b, &t->set, e));
	TRY(read_named(t, "schema", &schema, e));
	TRY(cedar_schema_parse(STR("schema"), buf_view(&schema), &t->schema, e));
	TRY(read_named(t, "entities", &world, e));
	TRY(json_parse(t->arena, buf_view(&world), &limits, &entities, e));
	TRY(cedar_entities_new(t->arena, NULL, &t->entities, e));
	TRY(cedar_entities_add_json_as(t->entities, t->schema, entities, e));
	TRY(cedar_entities_seal(t->entities, e));
	TRY(cedar_entities_check(t->entities, t->schema, e));
	run_requests(t);
	return RC_OK;
}

static enum rc run(const char *root, const char *path, struct counts *counts, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
	AUTO_BUF spec = BUF_INIT(FILE_BYTES);
	struct test t = {.root = root, .name = path, .arena = &arena, .counts = counts};
	struct cedar_builder *b = NULL;
	enum rc rc;

	TRY(file_read(path, &spec, e));
	TRY(json_parse(&arena, buf_view(&spec), &JSON_LIMITS_DEFAULT, &t.spec, e));
	TRY(cedar_builder_new(&b, e));
	counts->tests++;
	rc = run_loaded(&t, b, e);
	cedar_builder_free(b);
	cedar_policies_unref(t.set);
	cedar_schema_unref(t.schema);
	return rc;
}

int main(int argc, char **argv)
{
	struct counts c = {0};

	for (int i = 2; i < argc; i++) {
		struct err e = ERR_INIT;

		if (run(argv[1], argv[i], &c, &e) != RC_OK) {
			printf("%s: %s\n", argv[i], e.msg);
			c.unreadable++;
		}
	}
	printf("%u tests: %u requests equal, %u different; %u tests unreadable\n", c.tests, c.equal,
	       c.different, c.unreadable);
	return c.tests > 0 && c.different == 0 && c.unreadable == 0 ? 0 : 1;
}
