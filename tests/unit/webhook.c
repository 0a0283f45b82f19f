/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "api/api.h"

static const struct str classes[] = {{"credential-abuse", 16}};
static const struct source_severity severities[] = {{{"critical", 8}, 1}, {{"high", 4}, 2}};

static struct source source(void)
{
	return (struct source){
	    .name = STR("main"),
	    .type = SOURCE_ALERTMANAGER,
	    .environment = STR("production"),
	    .classes = {.p = classes, .n = 1},
	    .class_label = STR("incident_class"),
	    .severity_label = STR("severity"),
	    .service_label = STR("service"),
	    .assets_label = STR("assets"),
	    .regulated_label = STR("regulated"),
	    .severities = severities,
	    .n_severities = 2,
	};
}

static enum rc convert(const char *body, char out[1024])
{
	struct source s = source();
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	AUTO_BUF event = BUF_INIT(1024);
	enum rc rc = api_alertmanager(&s, str_from(body), &arena, &event, NULL);

	(void)snprintf(out, 1024, "%.*s", (int)event.n, event.p ? event.p : "");
	return rc;
}

#define LABELS(class, severity)                                                                    \
	"\"commonLabels\":{\"incident_class\":\"" class "\",\"severity\":\"" severity              \
							"\",\"service\":\"shop\",\"assets\":\"pg-" \
							"role:a, ip:192.0.2.1\"}"

static void a_firing_group_is_an_open_incident(void **state)
{
	(void)state;
	char out[1024];

	assert_ok(convert("{\"version\":\"4\",\"groupKey\":\"g1\",\"status\":\"firing\"," LABELS(
			      "credential-abuse", "high") "}",
			  out));
	assert_non_null(strstr(out, "\"source_id\":\"g1\""));
	assert_non_null(strstr(out, "\"severity\":2"));
	assert_non_null(strstr(out, "\"status\":\"open\""));
	assert_non_null(strstr(out, "\"environment\":\"production\""));
	assert_non_null(strstr(out, "\"assets\":[\"pg-role:a\",\"ip:192.0.2.1\"]"));
	assert_ok(convert("{\"version\":\"4\",\"groupKey\":\"g1\",\"status\":\"resolved\"," LABELS(
			      "credential-abuse", "critical") "}",
			  out));
	assert_non_null(strstr(out, "\"status\":\"closed\""));
}

static void what_the_source_may_not_say_is_refused(void **state)
{
	(void)state;
	char out[1024];

	assert_rc(convert("{\"version\":\"4\",\"groupKey\":\"g1\",\"status\":\"firing\"," LABELS(
			      "data-loss", "high") "}",
			  out),
		  RC_DENIED);
	assert_rc(convert("{\"version\":\"4\",\"groupKey\":\"g1\",\"status\":\"firing\"," LABELS(
			      "credential-abuse", "page-me") "}",
			  out),
		  RC_INPUT);
	assert_rc(convert("{\"version\":\"3\",\"groupKey\":\"g1\",\"status\":\"firing\"," LABELS(
			      "credential-abuse", "high") "}",
			  out),
		  RC_INPUT);
	assert_rc(convert("{\"version\":\"4\",\"groupKey\":\"\",\"status\":\"firing\"," LABELS(
			      "credential-abuse", "high") "}",
			  out),
		  RC_INPUT);
	assert_rc(convert("{\"version\":\"4\",\"groupKey\":\"g1\",\"status\":\"maybe\"," LABELS(
			      "credential-abuse", "high") "}",
			  out),
		  RC_INPUT);
	assert_rc(convert("[]", out), RC_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_firing_group_is_an_open_incident),
	    cmocka_unit_test(what_the_source_may_not_say_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
