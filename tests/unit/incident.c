/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "codec/json.h"
#include "core/incident.h"

static enum rc read(struct arena *arena, const char *text, struct incident_event *ret,
		    struct err *e)
{
	const struct json *j;

	assert_ok(json_parse(arena, str_from(text), NULL, &j, e));
	return incident_event_read(j, arena, ret, e);
}

static void the_normal_form_is_read_whole(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	struct incident_event i;
	struct err e = ERR_INIT;

	assert_ok(read(&arena,
		       "{\"source_id\":\"4711\",\"class\":\"db-saturation\",\"severity\":2,"
		       "\"status\":\"open\",\"service\":\"shop\",\"environment\":\"production\","
		       "\"assets\":[\"pg-role:app\",\"host:DB1.\",\"host:db1\"],\"regulated\":true,"
		       "\"title\":\"too many\",\"labels\":{\"a\":\"b\"}}",
		       &i, &e));
	assert_str(i.source_id, "4711");
	assert_str(i.class, "db-saturation");
	assert_int_equal(i.severity, 2);
	assert_false(i.is_closed);
	assert_str(i.service, "shop");
	assert_str(i.environment, "production");
	assert_int_equal(i.assets.n, 2); /* one host under two names */
	assert_str(i.assets.p[0], "pg-role:app");
	assert_str(i.assets.p[1], "host:db1");
	assert_true(i.is_regulated);
	assert_non_null(i.title);
	assert_non_null(i.labels);
	assert_ok(read(&arena, "{\"class\":\"x\",\"severity\":5,\"status\":\"closed\"}", &i, &e));
	assert_true(i.is_closed);
	assert_int_equal(i.assets.n, 0);
	assert_null(i.title);
}

static void each_bad_member_is_named(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *says;
	} bad[] = {
	    {"{\"class\":\"x\",\"severity\":0,\"status\":\"open\"}", "severity"},
	    {"{\"class\":\"x\",\"severity\":6,\"status\":\"open\"}", "severity"},
	    {"{\"class\":\"x\",\"severity\":\"1\",\"status\":\"open\"}", "severity"},
	    {"{\"class\":\"x\",\"severity\":1,\"status\":\"OPEN\"}", "status"},
	    {"{\"class\":\"x\",\"severity\":1}", "status"},
	    {"{\"severity\":1,\"status\":\"open\"}", "class"},
	    {"{\"class\":\"\",\"severity\":1,\"status\":\"open\"}", "class"},
	    {"{\"class\":7,\"severity\":1,\"status\":\"open\"}", "class"},
	    {"{\"class\":\"x\",\"severity\":1,\"status\":\"open\",\"assets\":\"host:a\"}",
	     "assets"},
	    {"{\"class\":\"x\",\"severity\":1,\"status\":\"open\",\"assets\":[\"host\"]}",
	     "assets"},
	    {"{\"class\":\"x\",\"severity\":1,\"status\":\"open\",\"assets\":[\"host:*\"]}",
	     "assets"},
	    {"{\"class\":\"x\",\"severity\":1,\"status\":\"open\",\"assets\":[1]}", "assets"},
	    {"{\"class\":\"x\",\"severity\":1,\"status\":\"open\",\"regulated\":1}", "regulated"},
	    {"{\"class\":\"x\",\"severity\":1,\"status\":\"open\",\"title\":1}", "title"},
	    {"{\"class\":\"x\",\"severity\":1,\"status\":\"open\",\"labels\":[]}", "labels"},
	    {"{\"class\":\"x\",\"severity\":1,\"status\":\"open\",\"extra\":1}", "extra"},
	    {"[]", "object"},
	};

	for (size_t n = 0; n < ARRAY_LEN(bad); n++) {
		AUTO_ARENA arena = ARENA_INIT(1 << 20);
		struct incident_event i;
		struct err e = ERR_INIT;

		if (read(&arena, bad[n].text, &i, &e) != RC_INPUT || !strstr(e.msg, bad[n].says)) {
			fail_msg("%s: %s", bad[n].text, e.msg);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_normal_form_is_read_whole),
	    cmocka_unit_test(each_bad_member_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
