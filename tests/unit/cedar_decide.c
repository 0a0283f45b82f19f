/* SPDX-License-Identifier: Apache-2.0 */
/* The two ways to decide are one: random policies, entities and requests, always the same ones. */
#include "test.h"

#include "cedar/authorize.h"
#include "codec/json.h"

enum { SETS = 400, REQUESTS_PER_SET = 12, TEXT_BYTES = 1 << 20, ARENA_BYTES = 1 << 24, DEEP = 3 };

/* ---- chance, the same each time ---- */

static uint64_t seed = 0x9e3779b97f4a7c15;

static unsigned below(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % n;
}

static const char *pick(const char *const *from, size_t n)
{
	return from[below((unsigned)n)];
}
#define PICK(list) pick(list, ARRAY_LEN(list))

/* Appends a template: %e a uid, %t a type, and one more expression of the given kind for %b (bool),
 * %n (number), %s (string), %l (set), %u (entity), %x (anything). */
static void write_one(struct buf *b, const char *template, unsigned depth);

static const char *const uids[] = {
    "U::\"a\"", "U::\"b\"",    "G::\"g\"",	 "G::\"h\"",	    "R::\"r\"",
    "R::\"q\"", "N::T::\"a\"", "Action::\"do\"", "Action::\"see\"", "Action::\"all\""};
static const char *const types[] = {"U", "G", "R", "N::T", "Action"};
static const char *const atoms[] = {"true", "false", "context.flag", "(context has flag)"};
static const char *const numbers[] = {
    "0",	 "1",		"5",	      "-3",	     "context.n",
    "context.m", "principal.x", "resource.x", "context.r.k", "9223372036854775807"};
static const char *const strings[] = {"\"\"",	    "\"abc\"",	      "\"a*c\"",
				      "context.s",  "principal.name", "principal.getTag(\"t\")",
				      "context.r.s"};
static const char *const sets[] = {"[]",
				   "[1, 2, 3]",
				   "[%n, %n]",
				   "context.l",
				   "[\"abc\", %s]",
				   "[%e, %u]",
				   "[principal, resource]"};
static const char *const entities_of[] = {"principal", "action",	 "resource",
					  "%e",	       "principal.boss", "context.who"};
static const char *const anything[] = {"%n",
				       "%s",
				       "%l",
				       "%u",
				       "%b",
				       "context",
				       "context.r",
				       "{k: %n, \"s\": %s}",
				       "ip(\"10.0.0.1\")",
				       "context.no"};
static const char *const bools[] = {
    "(%b && %b)",
    "(%b && %b && %b)",
    "(%b || %b)",
    "(%b || %b || %b)",
    "!%b",
    "(if %b then %b else %b)",
    "(%n < %n)",
    "(%n <= %n)",
    "(%n > %n)",
    "(%n >= %n)",
    "(%n + %n * 2 - %n == %n)",
    "(-%n != %n)",
    "(%x == %x)",
    "(%x != %x)",
    "(%u == %u)",
    "(%s == %s)",
    "(%u in %u)",
    "(%u in [%u, %u])",
    "(%u in %x)",
    "(principal in %e)",
    "(%u is %t)",
    "(%u is %t in %u)",
    "(principal is %t in %e)",
    "(%s like \"a*\")",
    "(%s like \"*c\")",
    "(%s like \"abc\")",
    "(%s like \"*b*\")",
    "(context.s like \"a\\*c\")",
    "(%x like \"*\")",
    "%l.contains(%x)",
    "%l.containsAll(%l)",
    "%l.containsAny(%l)",
    "%l.isEmpty()",
    "(context has r.k)",
    "(context has r)",
    "(context has r.k.deep)",
    "(context has n.k)",
    "(%u has x)",
    "(%u has boss.x)",
    "(%u has \"name\")",
    "%u.hasTag(\"t\")",
    "%u.hasTag(%s)",
    "(%u.getTag(\"t\") == %s)",
    "context.src.isInRange(ip(\"10.0.0.0/8\"))",
    "context.src.isIpv4()",
    "ip(%s).isLoopback()",
    "decimal(\"1.5\").lessThan(context.dec)",
    "(context.when < datetime(\"2026-01-01\"))",
    "(context.when.durationSince(datetime(\"2025-01-01\")) > duration(\"1d\"))",
    "(context.n > 3)",
    "(context.n > 4)",
    "(context.n > 5)",
    "(context.r.k <= 2)",
    "(context.r.s == \"abc\")",
    "(principal == principal.boss)",
    "(resource.x == principal.x)",
    "(principal.x == context.n)",
    "(context has flag && context.flag)",
    "%x",
};

static void write_expr(struct buf *b, char kind, unsigned depth)
{
	const bool is_deep = depth >= DEEP;

	switch (kind) {
	case 'e':
		write_one(b, PICK(uids), depth);
		return;
	case 't':
		write_one(b, PICK(types), depth);
		return;
	case 'b':
		write_one(b, is_deep ? PICK(atoms) : PICK(bools), depth + 1);
		return;
	case 'n':
		write_one(b, PICK(numbers), depth + 1);
		return;
	case 's':
		write_one(b, PICK(strings), depth + 1);
		return;
	case 'l':
		write_one(b, PICK(sets), depth + 1);
		return;
	case 'u':
		write_one(b, PICK(entities_of), depth + 1);
		return;
	default:
		write_one(b, is_deep ? PICK(numbers) : PICK(anything), depth + 1);
		return;
	}
}

static void write_one(struct buf *b, const char *template, unsigned depth)
{
	for (const char *p = template; *p; p++) {
		if (*p == '%') {
			write_expr(b, *++p, depth);
		} else {
			assert_ok(buf_add(b, str_of(p, 1)));
		}
	}
}

/* ---- policies ---- */

static const char *const principals[] = {"principal",
					 "principal",
					 "principal == %e",
					 "principal == U::\"a\"",
					 "principal in %e",
					 "principal in G::\"g\"",
					 "principal is %t",
					 "principal is U in G::\"g\"",
					 "principal is %t in %e"};
static const char *const actions[] = {
    "action",
    "action == Action::\"do\"",
    "action == Action::\"see\"",
    "action in Action::\"all\"",
    "action in []",
    "action in [Action::\"do\"]",
    "action in [Action::\"do\", Action::\"all\"]",
    "action in [Action::\"all\", Action::\"do\", Action::\"all\"]",
    "action in [Action::\"see\", Action::\"other\", Action::\"do\"]"};
static const char *const resources[] = {
    "resource",	      "resource",      "resource == %e",      "resource == R::\"r\"",
    "resource in %e", "resource is R", "resource is %t in %e"};

static void write_policy(struct buf *b)
{
	unsigned n = below(8);

	write_one(b, below(3) ? "permit(" : "forbid(", 0);
	write_one(b, PICK(principals), 0);
	write_one(b, ", ", 0);
	write_one(b, PICK(actions), 0);
	write_one(b, ", ", 0);
	write_one(b, PICK(resources), 0);
	write_one(b, ")", 0);
	/* Shallow ones are often the same. */
	for (n = n < 2 ? 0 : n < 7 ? 1 : 2; n > 0; n--) {
		write_one(b, below(4) ? " when { %b }" : " unless { %b }", below(DEEP + 1));
	}
	write_one(b, ";\n", 0);
}

static struct cedar_policies *make_set(void)
{
	AUTO_BUF text = BUF_INIT(TEXT_BYTES);
	struct cedar_builder *b = NULL;
	struct cedar_policies *set = NULL;
	struct err e = ERR_INIT;
	unsigned n = below(8) ? below(40) : below(300);

	for (unsigned i = 0; i < n; i++) {
		write_policy(&text);
	}
	assert_ok(cedar_builder_new(&b, &e));
	if (cedar_builder_add(b, STR("t"), buf_view(&text), &e) != RC_OK) {
		fail_msg("%s\n" STR_FMT, e.msg, STR_ARG(buf_view(&text)));
	}
	assert_ok(cedar_builder_finish(b, &set, &e));
	cedar_builder_free(b);
	return set;
}

/* ---- entities and requests ---- */

static const char *const worlds[] = {
    "[]",
    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"x\":1,\"name\":\"abc\",\"boss\":"
    "{\"__entity\":{\"type\":\"U\",\"id\":\"b\"}}},\"parents\":[{\"type\":\"G\",\"id\":\"g\"}],"
    "\"tags\":{\"t\":\"abc\"}},"
    "{\"uid\":{\"type\":\"U\",\"id\":\"b\"},\"attrs\":{\"x\":5,\"boss\":{\"__entity\":"
    "{\"type\":\"U\",\"id\":\"b\"}}},\"parents\":[]},"
    "{\"uid\":{\"type\":\"G\",\"id\":\"g\"},\"attrs\":{},"
    "\"parents\":[{\"type\":\"G\",\"id\":\"h\"}]},"
    "{\"uid\":{\"type\":\"R\",\"id\":\"r\"},\"attrs\":{\"x\":\"no number\"},"
    "\"parents\":[{\"type\":\"R\",\"id\":\"q\"},{\"type\":\"G\",\"id\":\"h\"}]},"
    "{\"uid\":{\"type\":\"Action\",\"id\":\"do\"},\"attrs\":{},"
    "\"parents\":[{\"type\":\"Action\",\"id\":\"all\"}]}]",
    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"x\":9223372036854775807,\"boss\":7},"
    "\"parents\":[{\"type\":\"G\",\"id\":\"h\"},{\"type\":\"R\",\"id\":\"q\"}]},"
    "{\"uid\":{\"type\":\"Action\",\"id\":\"see\"},\"attrs\":{},"
    "\"parents\":[{\"type\":\"Action\",\"id\":\"all\"},{\"type\":\"Action\",\"id\":\"do\"}]}]",
};
static const char *const contexts[] = {
    "{}",
    "{\"n\":5,\"m\":-3,\"s\":\"abc\",\"flag\":true,\"l\":[1,2,\"abc\"],\"r\":{\"k\":1,\"s\":"
    "\"abc\"},\"who\":{\"__entity\":{\"type\":\"U\",\"id\":\"a\"}},\"src\":{\"__extn\":{\"fn\":"
    "\"ip\",\"arg\":\"10.1.2.3\"}},\"dec\":{\"__extn\":{\"fn\":\"decimal\",\"arg\":\"2.0\"}},"
    "\"when\":{\"__extn\":{\"fn\":\"datetime\",\"arg\":\"2025-06-01\"}}}",
    "{\"n\":4,\"m\":0,\"s\":\"a*c\",\"flag\":false,\"l\":[],\"r\":{\"k\":{\"deep\":1}},\"who\":"
    "{\"__entity\":{\"type\":\"G\",\"id\":\"g\"}},\"src\":{\"__extn\":{\"fn\":\"ip\",\"arg\":"
    "\"::1\"}}}",
    "{\"n\":\"four\",\"s\":7,\"flag\":1,\"l\":{},\"r\":3,\"who\":\"me\"}",
};

static struct cedar_entities *make_world(struct arena *arena, const struct cedar_entities *base)
{
	struct cedar_entities *s = NULL;
	struct err e = ERR_INIT;

	assert_ok(cedar_entities_new(arena, base, &s, &e));
	assert_ok(cedar_entities_add_text(s, str_from(PICK(worlds)), &e));
	/* A layer over another world may close a circle; then it is left out. */
	return cedar_entities_seal(s, &e) == RC_OK ? s : NULL;
}

static void make_request(struct arena *arena, struct cedar_request *r)
{
	const struct json *j;

	*r = (struct cedar_request){0};
	assert_ok(cedar_uid_parse(arena, str_from(PICK(uids)), &r->principal, NULL));
	assert_ok(cedar_uid_parse(arena, str_from(uids[7 + below(3)]), &r->action, NULL));
	assert_ok(cedar_uid_parse(arena, str_from(PICK(uids)), &r->resource, NULL));
	if (below(4)) {
		assert_ok(cedar_uid_parse(arena, STR("U::\"a\""), &r->principal, NULL));
		assert_ok(cedar_uid_parse(arena, STR("R::\"r\""), &r->resource, NULL));
	}
	if (below(8)) {
		assert_ok(json_parse(arena, str_from(PICK(contexts)), NULL, &j, NULL));
		assert_ok(cedar_value_from_json(arena, j, &r->context, NULL));
	}
}

/* ---- comparing ---- */

static void assert_same_list(const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b)
{
	assert_int_equal(n_a, n_b);
	for (size_t i = 0; i < n_a; i++) {
		assert_int_equal(a[i], b[i]);
	}
}

static void assert_same_error(const struct cedar_policy_error *a,
			      const struct cedar_policy_error *b)
{
	AUTO_BUF x = BUF_INIT(TEXT_BYTES);
	AUTO_BUF y = BUF_INIT(TEXT_BYTES);

	assert_int_equal(a->policy, b->policy);
	assert_int_equal(a->error.class, b->error.class);
	assert_ok(cedar_error_print(&x, &a->error));
	assert_ok(cedar_error_print(&y, &b->error));
	if (!str_eq(buf_view(&x), buf_view(&y))) {
		fail_msg("'" STR_FMT "' and '" STR_FMT "'", STR_ARG(buf_view(&x)),
			 STR_ARG(buf_view(&y)));
	}
}

static void assert_same(const struct cedar_response *a, const struct cedar_response *b)
{
	assert_int_equal(a->decision, b->decision);
	assert_same_list(a->permits, a->n_permits, b->permits, b->n_permits);
	assert_same_list(a->forbids, a->n_forbids, b->forbids, b->n_forbids);
	assert_same_list(a->determining, a->n_determining, b->determining, b->n_determining);
	assert_int_equal(a->n_errors, b->n_errors);
	for (size_t i = 0; i < a->n_errors; i++) {
		assert_same_error(&a->errors[i], &b->errors[i]);
	}
}

static void ask_both(const struct cedar_policies *set, const struct cedar_entities *world,
		     const struct cedar_request *r, struct arena *arena, size_t counts[3])
{
	struct cedar_response by_index;
	struct cedar_response by_tree;
	struct err e = ERR_INIT;

	assert_ok(cedar_authorize(set, world, r, arena, &by_index, &e));
	assert_ok(cedar_authorize_linear(set, world, r, arena, &by_tree, &e));
	assert_same(&by_index, &by_tree);
	counts[0] += by_index.n_permits;
	counts[1] += by_index.n_forbids;
	counts[2] += by_index.n_errors;
}

static void the_index_answers_as_the_trees_do(void **state)
{
	size_t counts[3] = {0};

	(void)state;
	for (unsigned i = 0; i < SETS; i++) {
		AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
		struct cedar_policies *set = make_set();

		for (unsigned k = 0; k < REQUESTS_PER_SET; k++) {
			struct cedar_entities *base = make_world(&arena, NULL);
			struct cedar_entities *layer = below(3) ? NULL : make_world(&arena, base);
			struct cedar_request r;

			make_request(&arena, &r);
			ask_both(set, layer ? layer : base, &r, &arena, counts);
		}
		cedar_policies_unref(set);
	}
	/* The sample says something only when all kinds of answers are in it. */
	assert_true(counts[0] > 1000 && counts[1] > 1000 && counts[2] > 1000);
}

static struct cedar_policies *set_of(const char *text)
{
	struct cedar_builder *b = NULL;
	struct cedar_policies *set = NULL;

	assert_ok(cedar_builder_new(&b, NULL));
	assert_ok(cedar_builder_add(b, STR("t"), str_from(text), NULL));
	assert_ok(cedar_builder_finish(b, &set, NULL));
	cedar_builder_free(b);
	return set;
}

/* A condition that a bound cuts short is judged by each policy's own steps. */
static void the_bound_on_steps_is_the_same(void **state)
{
	AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
	AUTO_BUF json = BUF_INIT(TEXT_BYTES);
	struct cedar_policies *set =
	    set_of("permit(principal, action, resource) when { context.l.containsAll(context.l) };"
		   "permit(principal, action, resource) when { context.l.containsAll(context.l) } "
		   "when { context.l.containsAll(context.l) };"
		   "permit(principal, action, resource) when { context.l.containsAll(context.l) } "
		   "when { context.l.containsAll(context.l) } when { !context.l.isEmpty() };");
	struct cedar_request r = {0};
	const struct json *j;
	size_t counts[3] = {0};

	(void)state;
	assert_ok(buf_add(&json, STR("{\"l\":[0")));
	/* One containsAll of these takes more than half of the steps. */
	for (unsigned i = 1; i < 50000; i++) {
		assert_ok(buf_addf(&json, ",%u", i));
	}
	assert_ok(buf_add(&json, STR("]}")));
	make_request(&arena, &r);
	assert_ok(json_parse(
	    &arena, buf_view(&json),
	    &(struct json_limits){.max_bytes = TEXT_BYTES, .max_depth = 8, .max_nodes = 1 << 20},
	    &j, NULL));
	assert_ok(cedar_value_from_json(&arena, j, &r.context, NULL));
	ask_both(set, NULL, &r, &arena, counts);
	assert_int_equal(counts[0], 1);
	assert_int_equal(counts[2], 2);
	cedar_policies_unref(set);
}

static void many_policies_come_out_in_order(void **state)
{
	AUTO_BUF text = BUF_INIT(TEXT_BYTES);
	AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
	struct cedar_request r = {0};
	size_t counts[3] = {0};
	struct cedar_policies *set;

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		assert_ok(buf_addf(&text, "%s(principal%s, action, resource) when { %u > 1 };",
				   i % 3 ? "permit" : "forbid", i % 7 ? "" : " == U::\"a\"",
				   i % 5));
	}
	assert_ok(buf_add(&text, str_of("", 1)));
	set = set_of(text.p);
	assert_ok(cedar_uid_parse(&arena, STR("U::\"a\""), &r.principal, NULL));
	r.action = r.principal;
	r.resource = r.principal;
	ask_both(set, NULL, &r, &arena, counts);
	assert_int_equal(counts[0] + counts[1], 300);
	cedar_policies_unref(set);
}

/* More paths than slots, more groups than a word has bits, types and lists beyond the few, a stack
 * deeper than there is. */
static enum rc write_big(struct buf *text, struct buf *world, struct buf *context)
{
	TRY(buf_add(world,
		    STR("[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{},\"parents\":[")));
	TRY(buf_add(context, STR("{\"a\":{\"n\":1}")));
	for (unsigned i = 0; i < 300; i++) {
		TRY(buf_addf(
		    text,
		    "permit(principal, action, resource) when { context.f%u == %u };"
		    "permit(principal, action, resource) when { context has f%u.n };"
		    "permit(principal in G::\"g%u\", action, resource is T%u) when { %u < 9 };"
		    "forbid(principal is T%u, action, resource);"
		    "permit(principal, action, resource) when { principal in G::\"g%u\" };"
		    "permit(principal, action in [Action::\"x%u\", Action::\"a\", "
		    "Action::\"x%u\", Action::\"all\"], resource);",
		    i, i % 3, i, i, i % 9, i % 11, i % 9, i + 1, i, i + 1));
		TRY(buf_addf(context, ",\"f%u\":%u", i * 2, i % 4));
		TRY(buf_addf(world, "%s{\"type\":\"G\",\"id\":\"g%u\"}", i ? "," : "", i * 3));
	}
	TRY(buf_add(text, STR("permit(principal, action, resource) when { context.a.n == ")));
	for (unsigned i = 0; i < 60; i++) {
		TRY(buf_add(text, STR("(context.a.n + ")));
	}
	TRY(buf_add(text, STR("0")));
	for (unsigned i = 0; i < 60; i++) {
		TRY(buf_add(text, STR(")")));
	}
	TRY(buf_add(text, STR(" };\0")));
	TRY(buf_add(context, STR("}")));
	return buf_add(world, STR("]},{\"uid\":{\"type\":\"Action\",\"id\":\"a\"},\"attrs\":{},"
				  "\"parents\":[{\"type\":\"Action\",\"id\":\"all\"}]}]"));
}

static void what_is_too_big_for_a_table_is_still_right(void **state)
{
	AUTO_BUF text = BUF_INIT(TEXT_BYTES);
	AUTO_BUF world = BUF_INIT(TEXT_BYTES);
	AUTO_BUF context = BUF_INIT(TEXT_BYTES);
	AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
	struct cedar_entities *entities = NULL;
	struct cedar_request r = {0};
	size_t counts[3] = {0};
	struct cedar_policies *set;
	const struct json *j;

	(void)state;
	assert_ok(write_big(&text, &world, &context));
	set = set_of(text.p);
	assert_ok(cedar_entities_new(&arena, NULL, &entities, NULL));
	assert_ok(cedar_entities_add_text(entities, buf_view(&world), NULL));
	assert_ok(cedar_entities_seal(entities, NULL));
	assert_ok(json_parse(&arena, buf_view(&context), NULL, &j, NULL));
	assert_ok(cedar_value_from_json(&arena, j, &r.context, NULL));
	assert_ok(cedar_uid_parse(&arena, STR("U::\"a\""), &r.principal, NULL));
	assert_ok(cedar_uid_parse(&arena, STR("Action::\"a\""), &r.action, NULL));
	assert_ok(cedar_uid_parse(&arena, STR("T7::\"r\""), &r.resource, NULL));
	ask_both(set, entities, &r, &arena, counts);
	assert_true(counts[0] > 400 && counts[2] > 100);
	assert_ok(cedar_uid_parse(&arena, STR("T8::\"r\""), &r.principal, NULL));
	ask_both(set, entities, &r, &arena, counts);
	assert_true(counts[1] > 30);
	cedar_policies_unref(set);
}

static void a_set_is_made_whole_or_not_at_all_when_memory_ends(void **state)
{
	static const char text[] = "permit(principal in G::\"g\", action in [Action::\"a\", "
				   "Action::\"b\"], resource is R) "
				   "when { context.n > 1 && context.s like \"a*\" };"
				   "forbid(principal, action, resource) when { context.n > 1 };";
	bool is_done = false;
	size_t before = mem_blocks();

	(void)state;
	for (size_t nth = 1; !is_done && nth < 200; nth++) {
		struct cedar_builder *b = NULL;
		struct cedar_policies *set = NULL;

		mem_fail_after(nth);
		is_done = cedar_builder_new(&b, NULL) == RC_OK &&
			  cedar_builder_add(b, STR("t"), str_from(text), NULL) == RC_OK &&
			  cedar_builder_finish(b, &set, NULL) == RC_OK;
		mem_fail_after(0);
		assert_true(is_done == (set != NULL));
		cedar_builder_free(b);
		cedar_policies_unref(set);
		assert_int_equal(mem_blocks(), before);
	}
	assert_true(is_done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_index_answers_as_the_trees_do),
	    cmocka_unit_test(the_bound_on_steps_is_the_same),
	    cmocka_unit_test(many_policies_come_out_in_order),
	    cmocka_unit_test(what_is_too_big_for_a_table_is_still_right),
	    cmocka_unit_test(a_set_is_made_whole_or_not_at_all_when_memory_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
