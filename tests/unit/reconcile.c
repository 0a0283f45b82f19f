/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "codec/yaml.h"
#include "reconcile/match.h"

/* ---- rows ---- */

static struct arena arena;

static struct row row_of(enum row_form form, const struct row_mapping *m, const char *record)
{
	struct row r;
	struct err e = ERR_INIT;

	if (row_read(form, m, str_from(record), &arena, &r, &e) != RC_OK) {
		fail_msg("%s: %s", record, e.msg);
	}
	return r;
}

#define CSV(user, message, application)                                                            \
	"2026-11-22 21:08:26.123 UTC," user ",\"shop\",4711,\"[local]\",6560,1,\"SELECT\","        \
	"2026-11-22 21:08:25 UTC,3/4,0,LOG,00000," message ",,,,,,,,," application                 \
	",\"client backend\",,0"

static void postgresqls_csvlog_is_read(void **state)
{
	struct row r = row_of(
	    ROW_FORM_POSTGRESQL, NULL,
	    CSV("\"remit_0a1b2c3d_l9\"", "\"statement: SELECT \"\"a\"\",\n'b'\"", "\"remit:c17\""));

	(void)state;
	assert_true(r.counts);
	assert_int_equal(r.at_unix_ms, 1795381706123);
	assert_int_equal(r.call, 17);
	assert_true(str_eq(r.principal, STR("remit_0a1b2c3d_l9")));
	assert_true(str_eq(r.what, STR("statement: SELECT \"a\",\n'b'")));
	r = row_of(ROW_FORM_POSTGRESQL, NULL, CSV("\"app\"", "\"connection authorized\"", "\"\""));
	assert_false(r.counts);
	r = row_of(ROW_FORM_POSTGRESQL, NULL, CSV("", "\"statement: x\"", "\"\""));
	assert_false(r.counts); /* the server itself */
	r = row_of(ROW_FORM_POSTGRESQL, NULL,
		   CSV("\"app\"", "\"statement: SELECT 'remit:c5'\"", "\"psql\""));
	assert_int_equal(r.call, 0); /* only where the id belongs */
}

static void nginxs_combined_format_with_the_call_is_read(void **state)
{
	struct row r =
	    row_of(ROW_FORM_NGINX, NULL,
		   "127.0.0.1 - - [22/Nov/2026:23:08:26 +0200] \"POST /v1/x HTTP/1.1\" 200 5 "
		   "\"-\" \"a \\\" c99\" \"c17\"");

	(void)state;
	assert_int_equal(r.at_unix_ms, 1795381706000);
	assert_int_equal(r.call, 17);
	assert_true(str_eq(r.principal, STR("127.0.0.1")));
	assert_true(str_eq(r.what, STR("POST /v1/x HTTP/1.1")));
	r = row_of(
	    ROW_FORM_NGINX, NULL,
	    "::1 - bob [22/Nov/2026:21:08:26 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\" \"-\"");
	assert_int_equal(r.call, 0);
	assert_true(str_eq(r.principal, STR("bob")));
	r = row_of(ROW_FORM_NGINX, NULL,
		   "::1 - - [22/Nov/2026:21:08:26 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\"");
	assert_int_equal(r.call, 0);
}

static void json_lines_are_read_by_a_mapping(void **state)
{
	static const char mapping[] = "time: /ts\ncall: /app\nprincipal: /user\nwhat: /verb\n"
				      "where: [{pointer: /kind, equals: api*}]\n";
	const struct json *doc;
	struct row_mapping m;
	struct row r;

	(void)state;
	assert_ok(yaml_parse(&arena, str_from(mapping), NULL, &doc, NULL));
	assert_ok(row_mapping_read(doc, &m, NULL));
	r = row_of(ROW_FORM_JSON, &m,
		   "{\"ts\":1795381706.9,\"app\":\"x remit:c3 y\",\"user\":\"u\",\"verb\":\"del\","
		   "\"kind\":\"api.call\"}");
	assert_true(r.counts);
	assert_int_equal(r.at_unix_ms, 1795381706000);
	assert_int_equal(r.call, 3);
	r = row_of(ROW_FORM_JSON, &m, "{\"kind\":\"health\"}");
	assert_false(r.counts);
	r = row_of(ROW_FORM_JSON, &m,
		   "{\"ts\":\"2026-11-22T21:08:26Z\",\"app\":\"cat\",\"kind\":\"api\"}");
	assert_true(r.counts);
	assert_int_equal(r.call, 0);
}

static void what_cannot_be_read_is_an_error(void **state)
{
	struct row_mapping m = {.time = STR("/ts"), .call = STR("/c")};
	struct row r;

	(void)state;
	assert_rc(row_read(ROW_FORM_POSTGRESQL, NULL, STR("a,b,c"), &arena, &r, NULL), RC_INPUT);
	assert_rc(row_read(ROW_FORM_POSTGRESQL, NULL, STR("\"open"), &arena, &r, NULL), RC_INPUT);
	assert_rc(row_read(ROW_FORM_NGINX, NULL, STR("GET / 200"), &arena, &r, NULL), RC_INPUT);
	assert_rc(row_read(ROW_FORM_JSON, &m, STR("{\"ts\":true}"), &arena, &r, NULL), RC_INPUT);
	assert_rc(row_read(ROW_FORM_JSON, &m, STR("no json"), &arena, &r, NULL), RC_INPUT);
}

static void records_keep_their_first_line(void **state)
{
	struct str rest = STR("a,\"b\nc\"\nd\n\ne");
	uint64_t line = 1;
	struct str record;

	(void)state;
	assert_true(row_next_record(ROW_FORM_POSTGRESQL, &rest, &line, &record));
	assert_true(str_eq(record, STR("a,\"b\nc\"")));
	assert_int_equal(line, 3);
	assert_true(row_next_record(ROW_FORM_POSTGRESQL, &rest, &line, &record));
	assert_true(str_eq(record, STR("d")));
	assert_true(row_next_record(ROW_FORM_POSTGRESQL, &rest, &line, &record));
	assert_int_equal(record.n, 0);
	assert_true(row_next_record(ROW_FORM_POSTGRESQL, &rest, &line, &record));
	assert_true(str_eq(record, STR("e")));
	assert_false(row_next_record(ROW_FORM_POSTGRESQL, &rest, &line, &record));
}

static void a_mapping_says_what_is_wrong_with_it(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} bad[] = {
	    {"[]", "expected a mapping"},
	    {"time: /ts\n", "'time' and 'call' are needed"},
	    {"time: ts\ncall: /c\n", "1:7: expected a JSON pointer"},
	    {"time: /t\ncall: /c\ncolour: /x\n", "3:9: unknown key"},
	    {"time: /t\ncall: /c\nwhere: [{pointer: /x}]\n", "expected {pointer, equals}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const struct json_limits limits = {
		    .max_bytes = 4096, .max_depth = 8, .max_nodes = 64, .want_positions = true};
		const struct json *doc;
		struct row_mapping m;
		struct err e = ERR_INIT;

		assert_ok(yaml_parse(&arena, str_from(bad[i].text), &limits, &doc, NULL));
		assert_rc(row_mapping_read(doc, &m, &e), RC_INPUT);
		if (!strstr(e.msg, bad[i].says)) {
			fail_msg("%s: %s", bad[i].text, e.msg);
		}
	}
}

/* ---- matching ---- */

static struct match *log_of_two_calls(const struct match_options *o)
{
	struct match *m;
	struct leaf l = {.kind = LEAF_CALL_DECIDED, .t = 10000};

	assert_ok(match_new(o, &m, NULL));
	l.call_decided.verdict = STR("allow");
	l.call_decided.tool = STR("pg___sessions");
	l.call_decided.lease = 5;
	assert_ok(match_add_leaf(m, 7, &l, NULL));
	l.call_decided.verdict = STR("deny");
	assert_ok(match_add_leaf(m, 8, &l, NULL));
	l.call_decided.verdict = STR("allow");
	l.t = 20000;
	assert_ok(match_add_leaf(m, 9, &l, NULL));
	l = (struct leaf){.kind = LEAF_CALL_COMPLETED, .t = 11000};
	l.call_completed.call = 7;
	l.call_completed.kind = STR("ok");
	assert_ok(match_add_leaf(m, 10, &l, NULL));
	l.t = 21000;
	l.call_completed.call = 9;
	assert_ok(match_add_leaf(m, 11, &l, NULL));
	return m;
}

static enum row_verdict at(struct match *m, uint64_t unix_ms, uint64_t call, const char *principal)
{
	const struct row r = {
	    .at_unix_ms = unix_ms, .call = call, .principal = str_from(principal), .counts = true};

	return match_row(m, &r);
}

static void a_row_went_through_remit_only_as_a_call_under_way(void **state)
{
	const struct match_options o = {.asks_about_all = true, .skew_ms = 500, .overrun_ms = 5000};
	struct match *m = log_of_two_calls(&o);

	(void)state;
	assert_int_equal(at(m, 10500, 7, "remit_0a1b2c3d_l5"), ROW_MATCHED);
	assert_int_equal(at(m, 9500, 7, "remit_0a1b2c3d_l5"), ROW_MATCHED);
	assert_int_equal(at(m, 9499, 7, "remit_0a1b2c3d_l5"), ROW_OUT_OF_TIME);
	assert_int_equal(at(m, 11501, 7, "remit_0a1b2c3d_l5"), ROW_OUT_OF_TIME);
	assert_int_equal(at(m, 10500, 7, "remit_0a1b2c3d_l6"), ROW_OTHER_LEASE);
	assert_int_equal(at(m, 10500, 0, "remit_0a1b2c3d_l5"), ROW_NO_CALL);
	assert_int_equal(at(m, 10500, 8, "remit_0a1b2c3d_l5"), ROW_UNKNOWN_CALL); /* denied */
	assert_int_equal(at(m, 10500, 99, "remit_0a1b2c3d_l5"), ROW_UNKNOWN_CALL);
	match_free(m);
}

static void only_principals_that_were_asked_about_count(void **state)
{
	static const char *const principals[] = {"svc-*", "deploy"};
	const struct match_options o = {.principals = principals, .n_principals = 2};
	struct match *m = log_of_two_calls(&o);

	(void)state;
	assert_int_equal(at(m, 10500, 0, "app"), ROW_IGNORED);
	assert_int_equal(at(m, 10500, 0, "deploy"), ROW_NO_CALL);
	assert_int_equal(at(m, 10500, 0, "svc-1"), ROW_NO_CALL);
	assert_int_equal(at(m, 10500, 0, "remit_broker"), ROW_IGNORED);
	assert_int_equal(at(m, 10500, 0, "remit_0a1b2c3d_l5"), ROW_NO_CALL);
	match_free(m);
}

static void a_call_that_the_target_never_saw_is_missed(void **state)
{
	const struct match_options o = {.asks_about_all = true, .upstream = STR("pg")};
	const struct match_options other = {.asks_about_all = true, .upstream = STR("p")};
	struct match *m = log_of_two_calls(&o);
	uint64_t call = 0;
	uint64_t when;
	size_t i = 0;

	(void)state;
	(void)at(m, 1, 0, "early");
	(void)at(m, 10500, 7, "x");
	(void)at(m, 30000, 0, "late");
	assert_true(match_next_missed(m, &i, &call, &when));
	assert_int_equal(call, 9);
	assert_false(match_next_missed(m, &i, &call, &when));
	match_free(m);
	m = log_of_two_calls(&o); /* the target's log does not reach so far */
	(void)at(m, 1, 0, "early");
	(void)at(m, 10500, 7, "x");
	i = 0;
	assert_false(match_next_missed(m, &i, &call, &when));
	match_free(m);
	m = log_of_two_calls(&other);
	(void)at(m, 1, 0, "early");
	(void)at(m, 30000, 0, "late");
	i = 0;
	assert_false(match_next_missed(m, &i, &call, &when));
	match_free(m);
}

static int set_up(void **state)
{
	(void)state;
	arena = (struct arena)ARENA_INIT(16 << 20);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(postgresqls_csvlog_is_read),
	    TEST(nginxs_combined_format_with_the_call_is_read),
	    TEST(json_lines_are_read_by_a_mapping),
	    TEST(what_cannot_be_read_is_an_error),
	    TEST(records_keep_their_first_line),
	    TEST(a_mapping_says_what_is_wrong_with_it),
	    TEST(a_row_went_through_remit_only_as_a_call_under_way),
	    TEST(only_principals_that_were_asked_about_count),
	    TEST(a_call_that_the_target_never_saw_is_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
