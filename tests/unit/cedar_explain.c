/* SPDX-License-Identifier: Apache-2.0 */
/* What each policy says of a request, and what it looks at. */
#include "test.h"

#include "cedar.h"
#include "codec/json.h"

static const char world[] =
    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"x\":1,\"r\":{\"k\":2}},"
    "\"parents\":[],\"tags\":{\"t\":\"v\"}}]";
static const char context[] = "{\"n\":5,\"task\":{\"phase\":\"read\",\"calls\":3}}";

struct fixture {
	struct arena arena;
	struct cedar_entities *entities;
	struct cedar_policies *set;
	struct cedar_request request;
	struct cedar_response response;
	const struct cedar_explanation *all;
	size_t n;
};

static enum rc ask(struct fixture *f, const char *policies, struct err *e)
{
	struct cedar_builder *b = NULL;
	const struct json *j;
	enum rc rc;

	*f = (struct fixture){.arena = ARENA_INIT(1 << 24)};
	TRY(cedar_builder_new(&b, e));
	rc = cedar_builder_add(b, STR("t.cedar"), str_from(policies), e);
	rc = rc == RC_OK ? cedar_builder_finish(b, &f->set, e) : rc;
	cedar_builder_free(b);
	TRY(rc);
	TRY(cedar_entities_new(&f->arena, NULL, &f->entities, e));
	TRY(cedar_entities_add_text(f->entities, str_from(world), e));
	TRY(cedar_entities_seal(f->entities, e));
	TRY(json_parse(&f->arena, str_from(context), &JSON_LIMITS_DEFAULT, &j, e));
	TRY(cedar_value_from_json(&f->arena, j, &f->request.context, e));
	TRY(cedar_uid_parse(&f->arena, STR("U::\"a\""), &f->request.principal, e));
	TRY(cedar_uid_parse(&f->arena, STR("Action::\"do\""), &f->request.action, e));
	TRY(cedar_uid_parse(&f->arena, STR("R::\"r\""), &f->request.resource, e));
	TRY(cedar_authorize(f->set, f->entities, &f->request, &f->arena, &f->response, e));
	return cedar_explain(f->set, f->entities, &f->request, &f->arena, &f->all, &f->n, e);
}

static void explain(struct fixture *f, const char *policies)
{
	struct err e = ERR_INIT;

	if (ask(f, policies, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
}

static void done(struct fixture *f)
{
	cedar_policies_unref(f->set);
	arena_fini(&f->arena);
}

/* "path=value path=value ..." of one policy. */
static void assert_looks(const struct cedar_explanation *x, const char *expected)
{
	AUTO_BUF text = BUF_INIT(4096);

	for (size_t i = 0; i < x->n_looks; i++) {
		const struct cedar_look *l = &x->looks[i];

		assert_ok(buf_addf(&text, "%s" STR_FMT "=", i ? " " : "", STR_ARG(l->path)));
		if (l->value) {
			assert_ok(cedar_value_print(&text, l->value));
		} else {
			assert_ok(buf_add(&text, l->is_there ? STR("there") : STR("none")));
		}
	}
	assert_str(buf_view(&text), expected);
}

static void each_policy_says_what_it_says_to_authorize(void **state)
{
	struct fixture f;

	(void)state;
	explain(&f, "permit (principal, action, resource) when { context.n == 5 };\n"
		    "permit (principal, action, resource) when { context.n == 6 };\n"
		    "permit (principal == U::\"b\", action, resource);\n"
		    "forbid (principal, action, resource) when { context.gone == 1 };\n"
		    "forbid (principal, action, resource) unless { principal.x == 1 };\n");
	assert_int_equal(f.n, 5);
	assert_int_equal(f.all[0].stance, CEDAR_STANCE_SATISFIED);
	assert_int_equal(f.all[1].stance, CEDAR_STANCE_NOT_SATISFIED);
	assert_int_equal(f.all[2].stance, CEDAR_STANCE_OUT_OF_SCOPE);
	assert_int_equal(f.all[3].stance, CEDAR_STANCE_FAILED);
	assert_int_equal(f.all[4].stance, CEDAR_STANCE_NOT_SATISFIED);
	assert_int_equal(f.response.n_permits, 1);
	assert_int_equal(f.response.n_errors, 1);
	assert_int_equal(f.all[3].error.class, f.response.errors[0].error.class);
	done(&f);
}

static void what_was_looked_at_is_there_with_its_value_once(void **state)
{
	struct fixture f;

	(void)state;
	explain(
	    &f,
	    "permit (principal, action, resource) when { context.task.phase == \"read\" && "
	    "context.task.calls < 4 && context.task.calls > 1 && principal.r.k == 2 };\n"
	    "permit (principal, action, resource) when { context has task && context has m.k };\n"
	    "permit (principal, action, resource) when { context has n && context.n > 1 };\n"
	    "permit (principal, action, resource) when { principal.hasTag(\"t\") && "
	    "principal.getTag(\"t\") == \"v\" };\n"
	    "permit (principal, action, resource) when { context.task has other };\n");
	assert_looks(&f.all[0], "context.task.phase=\"read\" context.task.calls=3 principal.r.k=2");
	assert_looks(&f.all[1], "context.task=there context.m.k=none");
	assert_looks(&f.all[2], "context.n=5");
	assert_looks(&f.all[3], "principal.tag(\"t\")=\"v\"");
	assert_looks(&f.all[4], "context.task.other=none");
	done(&f);
}

static void what_was_not_needed_was_not_looked_at(void **state)
{
	struct fixture f;

	(void)state;
	explain(&f,
		"permit (principal, action, resource) when { context.n == 6 && principal.x == 1 "
		"};\n"
		"permit (principal == U::\"b\", action, resource) when { context.n == 5 };\n"
		"permit (principal, action, resource) when { context.gone };\n");
	assert_looks(&f.all[0], "context.n=5");
	assert_looks(&f.all[1], "");
	assert_looks(&f.all[2], "context.gone=none");
	done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_policy_says_what_it_says_to_authorize),
	    cmocka_unit_test(what_was_looked_at_is_there_with_its_value_once),
	    cmocka_unit_test(what_was_not_needed_was_not_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
