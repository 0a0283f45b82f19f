/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "sources.h"

static struct sources all;

static int load_all(void **state)
{
	(void)state;
	sources_load(&all, sources_yaml);
	return all.f.n_errors == 0 ? 0 : -1;
}

static int free_all(void **state)
{
	(void)state;
	sources_free(&all);
	return 0;
}

/* fields: "Name: value\n..." */
static struct http_head head_of(const char *fields)
{
	struct http_head h = {0};
	struct str rest = str_from(fields);

	while (rest.n) {
		struct str line = str_cut(&rest, '\n');
		struct str name = str_cut(&line, ':');

		h.fields[h.n_fields++] = (struct http_field){name, str_trim(line)};
	}
	return h;
}

static enum rc convert_with(const char *source, const char *fields, const char *body, char *out)
{
	struct http_head head = head_of(fields);
	AUTO_ARENA arena = ARENA_INIT(4 << 20);
	AUTO_BUF event = BUF_INIT(16000);
	struct err e = ERR_INIT;
	enum rc rc =
	    api_event(sources_get(&all, source), &head, str_from(body), &arena, &event, &e);

	if (rc == RC_OK) {
		(void)snprintf(out, 2048, "%.*s", (int)event.n, event.p);
	}
	return rc;
}

static enum rc convert(const char *source, const char *body, char *out)
{
	return convert_with(source, "", body, out);
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part)) {
		fail_msg("'%s' is not in: %s", part, text);
	}
}

/* ---- alertmanager ---- */

#define LABELS(class, severity)                                                                    \
	"\"commonLabels\":{\"incident_class\":\"" class "\",\"severity\":\"" severity              \
							"\",\"service\":\"shop\",\"assets\":\"pg-" \
							"role:a, ip:192.0.2.1\"}"
#define ALERT(version, key, status, ...)                                                           \
	"{\"version\":\"" version "\",\"groupKey\":\"" key "\",\"status\":\"" status               \
	"\"," __VA_ARGS__ "}"

static void a_firing_group_is_an_open_incident(void **state)
{
	(void)state;
	char out[2048];

	assert_ok(
	    convert("alerts", ALERT("4", "g1", "firing", LABELS("credential-abuse", "high")), out));
	assert_has(out, "\"source_id\":\"g1\"");
	assert_has(out, "\"severity\":2");
	assert_has(out, "\"status\":\"open\"");
	assert_has(out, "\"environment\":\"production\"");
	assert_has(out, "\"assets\":[\"pg-role:a\",\"ip:192.0.2.1\"]");
	assert_ok(convert(
	    "alerts", ALERT("4", "g1", "resolved", LABELS("credential-abuse", "critical")), out));
	assert_has(out, "\"status\":\"closed\"");
}

static void a_group_began_with_its_youngest_alert_and_ended_with_its_last(void **state)
{
	(void)state;
	char out[2048];
#define TWO_ALERTS                                                                                 \
	"\"alerts\":[{\"status\":\"firing\",\"startsAt\":\"2026-11-22T08:00:00Z\",\"endsAt\":"     \
	"\"0001-01-01T00:00:00Z\"},{\"status\":\"resolved\",\"startsAt\":"                         \
	"\"2026-11-22T09:30:00Z\",\"endsAt\":\"2026-11-22T09:40:00Z\"}],"

	assert_ok(convert("alerts",
			  ALERT("4", "g1", "firing", TWO_ALERTS LABELS("credential-abuse", "high")),
			  out));
	assert_has(out, "\"began_at\":\"2026-11-22T08:00:00Z\"");
	assert_null(strstr(out, "occurred_at"));
	assert_ok(convert(
	    "alerts", ALERT("4", "g1", "resolved", TWO_ALERTS LABELS("credential-abuse", "high")),
	    out));
	assert_has(out, "\"occurred_at\":\"2026-11-22T09:40:00Z\"");
}

static void what_the_source_may_not_say_is_refused(void **state)
{
	(void)state;
	char out[2048];

	assert_rc(convert("alerts", ALERT("4", "g1", "firing", LABELS("data-loss", "high")), out),
		  RC_DENIED);
	assert_rc(convert("alerts",
			  ALERT("4", "g1", "firing", LABELS("credential-abuse", "page-me")), out),
		  RC_INPUT);
	assert_rc(
	    convert("alerts", ALERT("3", "g1", "firing", LABELS("credential-abuse", "high")), out),
	    RC_INPUT);
	assert_rc(
	    convert("alerts", ALERT("4", "", "firing", LABELS("credential-abuse", "high")), out),
	    RC_INPUT);
	assert_rc(
	    convert("alerts", ALERT("4", "g1", "maybe", LABELS("credential-abuse", "high")), out),
	    RC_INPUT);
	assert_rc(convert("alerts", "[]", out), RC_INPUT);
}

/* ---- generic ---- */

static void a_plain_source_speaks_the_normal_form(void **state)
{
	(void)state;
	char out[2048];

	assert_ok(convert("plain",
			  "{\"source_id\":\"1\",\"class\":\"credential-abuse\",\"severity\":2,"
			  "\"status\":\"open\",\"environment\":\"the-moon\"}",
			  out));
	assert_has(out, "\"environment\":\"production\"");
	assert_null(strstr(out, "moon"));
	assert_rc(convert("plain", "{\"class\":\"malware\"}", out), RC_DENIED);
}

static void a_mapping_finds_every_field_in_foreign_json(void **state)
{
	(void)state;
	char out[2048];

	assert_ok(convert(
	    "siem",
	    "{\"delivery\":\"d-1\",\"time\":\"2026-11-22T08:00:00Z\",\"object\":{\"id\":4711,"
	    "\"rule\":\"R2\",\"severity\":\"Medium\",\"status\":\"Active\",\"tenant\":\"lab\","
	    "\"app\":\"shop\",\"pci\":\"yes\",\"title\":\"a \\\"title\\\"\",\"tags\":{\"a\":1},"
	    "\"hosts\":[\"db1\",\"db2\"],\"account\":\"eve\",\"raw\":\"ip:192.0.2.7\"}}",
	    out));
	assert_has(out, "\"source_id\":\"4711\"");
	assert_has(out, "\"class\":\"malware\"");
	assert_has(out, "\"severity\":3");
	assert_has(out, "\"status\":\"open\"");
	assert_has(out, "\"environment\":\"staging\"");
	assert_has(out, "\"service\":\"shop\"");
	assert_has(out, "\"regulated\":true");
	assert_has(out, "\"event_id\":\"d-1\"");
	assert_has(out, "\"occurred_at\":\"2026-11-22T08:00:00Z\"");
	assert_has(out, "\"title\":\"a \\\"title\\\"\"");
	assert_has(out, "\"labels\":{\"a\":1}");
	assert_has(out, "[\"host:db1\",\"host:db2\",\"user:eve\",\"ip:192.0.2.7\"]");
}

#define SIEM(rule, severity, status, more)                                                         \
	"{\"object\":{\"id\":\"1\",\"tenant\":\"prod\",\"rule\":\"" rule                           \
	"\",\"severity\":\"" severity "\",\"status\":\"" status "\"" more "}}"

static void a_value_outside_the_tables_is_refused(void **state)
{
	(void)state;
	char out[2048];

	assert_ok(convert("siem", SIEM("R1", "High", "New", ""), out)); /* control */
	assert_rc(convert("siem", SIEM("R9", "High", "New", ""), out), RC_INPUT);
	assert_rc(convert("siem", SIEM("R1", "Extreme", "New", ""), out), RC_INPUT);
	assert_rc(convert("siem", SIEM("R1", "High", "Sleeping", ""), out), RC_ABSENT);
	assert_rc(convert("siem", SIEM("R1", "High", "New", ",\"pci\":\"perhaps\""), out),
		  RC_INPUT);
	assert_rc(convert("siem", SIEM("R1", "High", "New", ",\"hosts\":[{\"name\":\"x\"}]"), out),
		  RC_INPUT);
	assert_rc(convert("siem", "{\"object\":{\"id\":\"1\"}}", out), RC_ABSENT);
	/* What is over is over, however badly it is described. */
	assert_ok(convert("siem", SIEM("R9", "Extreme", "Closed", ""), out));
	assert_null(strstr(out, "class"));
}

static void only_mapped_fields_bind(void **state)
{
	(void)state;
	char out[2048];

	assert_ok(convert("siem",
			  SIEM("R1", "Low", "New",
			       ",\"title\":\"host:db9 class:malware severity:1\",\"assets\":"
			       "[\"host:db9\"],\"class\":\"malware\",\"environment\":\"x\""),
			  out));
	assert_has(out, "\"assets\":[]");
	assert_has(out, "\"severity\":5");
	assert_has(out, "\"class\":\"credential-abuse\"");
	assert_has(out, "\"environment\":\"production\"");
	assert_has(out, "\"title\":\"host:db9 class:malware severity:1\"");
}

static void free_text_never_fails_an_event(void **state)
{
	(void)state;
	static char body[20000];
	static char long_text[9000];
	char out[2048];
	struct http_head head = {0};
	AUTO_ARENA arena = ARENA_INIT(4 << 20);
	AUTO_BUF event = BUF_INIT(64000);

	memset(long_text, 'x', sizeof(long_text) - 1);
	memcpy(long_text + LIMIT_TEXT_BYTES - 7, "\xc3\xa4", 2); /* where it is cut */
	(void)snprintf(body, sizeof(body),
		       "{\"object\":{\"id\":\"1\",\"tenant\":\"prod\",\"rule\":\"R1\",\"severity\":"
		       "\"Low\",\"status\":\"New\",\"title\":\"%s\",\"tags\":{\"t\":\"%s\"}}}",
		       long_text, long_text);
	assert_ok(
	    api_event(sources_get(&all, "siem"), &head, str_from(body), &arena, &event, NULL));
	assert_true(str_is_utf8(buf_view(&event)));
	assert_true(str_contains(buf_view(&event), STR("x [cut]\"")));
	assert_true(str_contains(buf_view(&event), STR("bytes of labels are left out")));
	assert_ok(convert("siem", SIEM("R1", "Low", "New", ",\"title\":{}"), out));
}

/* ---- pagerduty ---- */

#define PAGE(type, resource, data)                                                                 \
	"{\"event\":{\"id\":\"01ABC\",\"event_type\":\"" type "\",\"resource_type\":\"" resource   \
	"\",\"occurred_at\":\"2026-11-22T08:00:00.123Z\",\"data\":{" data "}}}"
#define PAGE_DATA(status, priority)                                                                \
	"\"id\":\"PINC1\",\"type\":\"incident\",\"status\":\"" status                              \
	"\",\"title\":\"help\",\"urgency\":\"high\",\"priority\":" priority                        \
	",\"service\":{\"id\":\"PSVC1\",\"summary\":\"shop\"}"

static void pagerduty_events_say_what_state_the_incident_is_in(void **state)
{
	(void)state;
	static const struct {
		const char *body;
		const char *has;
	} cases[] = {
	    {PAGE("incident.triggered", "incident", PAGE_DATA("triggered", "null")),
	     "\"status\":\"open\""},
	    {PAGE("incident.acknowledged", "incident", PAGE_DATA("acknowledged", "null")),
	     "\"event\":\"incident.acknowledged\""},
	    {PAGE("incident.priority_updated", "incident",
		  PAGE_DATA("acknowledged", "{\"summary\":\"P4\"}")),
	     "\"severity\":4"},
	    {PAGE("incident.escalated", "incident", PAGE_DATA("triggered", "null")),
	     "\"severity\":2"},
	    {PAGE("incident.resolved", "incident", PAGE_DATA("resolved", "{\"summary\":\"P9\"}")),
	     "\"status\":\"closed\""},
	    {PAGE("incident.reopened", "incident", PAGE_DATA("triggered", "null")),
	     "\"assets\":[\"service:shop\",\"host:db1\",\"pg-role:app\"]"},
	    {PAGE("incident.reassigned", "incident", PAGE_DATA("triggered", "null")),
	     "\"event_id\":\"01ABC\",\"occurred_at\":\"2026-11-22T08:00:00.123Z\""},
	};
	char out[2048];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_ok(convert("pager", cases[i].body, out));
		assert_has(out, cases[i].has);
		assert_has(out, "\"source_id\":\"PINC1\"");
	}
	assert_rc(convert("pager",
			  PAGE("incident.triggered", "incident",
			       PAGE_DATA("triggered", "{\"summary\":\"P9\"}")),
			  out),
		  RC_INPUT);
	/* Acknowledged, so that the subscription is not disabled, and nothing more. */
	assert_rc(convert("pager",
			  PAGE("incident.annotated", "incident", "\"type\":\"incident_note\""),
			  out),
		  RC_ABSENT);
	assert_rc(convert("pager", PAGE("pagey.ping", "pagey", "\"message\":\"hello\""), out),
		  RC_ABSENT);
	assert_rc(convert("pager", "{\"event\":{}}", out), RC_INPUT);
}

static const char *hmac_hex(const char *secret, const char *body, char out[65])
{
	uint8_t mac[32];
	unsigned n = 0;

	assert_non_null(HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)body,
			     strlen(body), mac, &n));
	for (size_t i = 0; i < 32; i++) {
		(void)snprintf(out + 2 * i, 3, "%02x", mac[i]);
	}
	return out;
}

static bool signed_with(const char *value, const char *body)
{
	char fields[1024];
	struct http_head head;

	(void)snprintf(fields, sizeof(fields), "X-PagerDuty-Signature: %s\n", value);
	head = head_of(fields);
	return api_is_authentic(sources_get(&all, "pager"), &head, str_from(body),
				STR("a secret of PagerDuty"));
}

static void a_pagerduty_body_is_believed_for_its_signature_alone(void **state)
{
	(void)state;
	static const char body[] = "{\"event\":{}}";
	char hex[65];
	char value[512];
	struct http_head bearer = head_of("Authorization: Bearer a secret of PagerDuty\n");
	struct http_head none = {0};
	const struct source *s = sources_get(&all, "pager");

	(void)snprintf(value, sizeof(value), "v1=%s", hmac_hex("a secret of PagerDuty", body, hex));
	assert_true(signed_with(value, body));
	assert_false(signed_with(value, "{\"event\":{} }")); /* the raw bytes count */
	hex[0] ^= 1;
	(void)snprintf(value, sizeof(value), "v1=%s", hex);
	assert_false(signed_with(value, body));
	hex[0] ^= 1;
	/* While the secret is being replaced there are several. */
	(void)snprintf(value, sizeof(value), "v1=%064d, v1=%s", 0, hex);
	assert_true(signed_with(value, body));
	(void)snprintf(value, sizeof(value), "v0=%s", hex);
	assert_false(signed_with(value, body));
	(void)snprintf(value, sizeof(value), "v1=%.63s", hex);
	assert_false(signed_with(value, body));
	(void)snprintf(value, sizeof(value), "v1=%s", hmac_hex("another secret", body, hex));
	assert_false(signed_with(value, body));
	assert_false(signed_with("", body));
	assert_false(api_is_authentic(s, &bearer, str_from(body), STR("a secret of PagerDuty")));
	assert_false(api_is_authentic(s, &none, str_from(body), STR("")));
}

static void the_others_show_their_bearer_token(void **state)
{
	(void)state;
	struct http_head good = head_of("Authorization: bearer 0123456789abcdef\n");
	struct http_head bad = head_of("Authorization: Bearer 0123456789abcdeg\n");
	struct http_head none = {0};
	const struct source *s = sources_get(&all, "events");

	assert_true(api_is_authentic(s, &good, STR("{}"), STR("0123456789abcdef")));
	assert_false(api_is_authentic(s, &bad, STR("{}"), STR("0123456789abcdef")));
	assert_false(api_is_authentic(s, &none, STR("{}"), STR("0123456789abcdef")));
	assert_false(api_is_authentic(s, &good, STR("{}"), STR("")));
}

/* ---- cloudevents ---- */

#define CE_TYPE "Content-Type: application/cloudevents+json; charset=utf-8\n"
#define CE_HEADERS                                                                                 \
	"Content-Type: application/json\nce-specversion: 1.0\nce-id: e%2D1\nCe-Source: "           \
	"/mon\nce-type: com.example.down\nce-subject: d%C3%BCb\nce-time: 2026-11-22T08:00:00Z\n"

static void both_modes_of_cloudevents_are_one_event(void **state)
{
	(void)state;
	static const char body[] =
	    "{\"specversion\":\"1.0\",\"id\":\"e-1\",\"source\":\"/mon\",\"type\":"
	    "\"com.example.down\",\"subject\":\"d\xc3\xbc"
	    "b\",\"time\":\"2026-11-22T08:00:00Z\","
	    "\"data\":{\"severity\":2,\"host\":\"db1\"}}";
	char structured[2048];
	char binary[2048];

	assert_ok(convert_with("events", CE_TYPE, body, structured));
	assert_has(structured, "\"source_id\":\"d\xc3\xbc"
			       "b\"");
	assert_has(structured, "\"event_id\":\"/mon e-1\"");
	assert_has(structured, "\"class\":\"outage\"");
	assert_has(structured, "\"severity\":2");
	assert_has(structured, "\"assets\":[\"host:db1\"]");
	assert_has(structured, "\"event\":\"com.example.down\"");
	assert_ok(convert_with("events", CE_HEADERS, "{\"severity\":2,\"host\":\"db1\"}", binary));
	assert_string_equal(structured, binary);
}

static void a_cloudevent_that_is_none_is_refused(void **state)
{
	(void)state;
	static const char *const bodies[] = {
	    "{\"specversion\":\"0.3\",\"id\":\"1\",\"source\":\"s\",\"type\":\"com.example.up\","
	    "\"subject\":\"a\"}",
	    "{\"specversion\":\"1.0\",\"id\":\"\",\"source\":\"s\",\"type\":\"com.example.up\","
	    "\"subject\":\"a\"}",
	    "{\"specversion\":\"1.0\",\"id\":\"1\",\"type\":\"com.example.up\",\"subject\":\"a\"}",
	    "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"com.example.up\","
	    "\"subject\":\"a\",\"data_base64\":\"e30=\"}",
	    "[]",
	};
	char out[2048];

	assert_ok(convert_with("events", CE_TYPE,
			       "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":"
			       "\"com.example.up\",\"subject\":\"a\"}",
			       out)); /* control */
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		assert_rc(convert_with("events", CE_TYPE, bodies[i], out), RC_INPUT);
	}
	assert_rc(
	    convert_with("events", "Content-Type: application/cloudevents-batch+json\n", "[]", out),
	    RC_INPUT);
	assert_rc(convert_with("events", "Content-Type: text/plain\n", "{}", out), RC_INPUT);
	assert_rc(convert_with("events", CE_HEADERS "ce-x: %zz\n", "{}", out), RC_INPUT);
	assert_rc(convert_with("events", CE_HEADERS "ce-x: %ff\n", "{}", out), RC_INPUT);
	/* Nobody smuggles in the data, or our own member, beside the body. */
	assert_ok(convert_with("events", CE_HEADERS "ce-data: {}\nce-remit_event_id: 9\n",
			       "{\"severity\":3}", out));
	assert_has(out, "\"event_id\":\"/mon e-1\"");
	assert_has(out, "\"severity\":3");
}

/* ---- signals ---- */

static void a_webhook_carries_the_signals_that_are_mapped(void **state)
{
	(void)state;
	char out[2048];

	assert_ok(convert("siem",
			  SIEM("R1", "Low", "New",
			       ",\"verdict\":true,\"reached\":\"y\",\"peers\":[\"192.0.2.1\","
			       "\"192.0.2.2\"],\"health\":\"down\""),
			  out));
	assert_has(out, "\"signals\":[{\"name\":\"verdict\",\"value\":\"true\"},{\"name\":"
			"\"reached\",\"value\":\"yes\",\"asset\":\"ip:192.0.2.1\"},{\"name\":"
			"\"reached\",\"value\":\"yes\",\"asset\":\"ip:192.0.2.2\"}]");
	/* What is none fails no incident. */
	assert_ok(convert(
	    "siem", SIEM("R1", "Low", "New", ",\"verdict\":{},\"reached\":\"perhaps\""), out));
	assert_has(out, "\"signals\":[]");
}

static enum rc report(const char *source, const char *body, char out[512])
{
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	AUTO_BUF report = BUF_INIT(4096);
	enum rc rc = api_signals(sources_get(&all, source), str_from(body), &arena, &report, NULL);

	(void)snprintf(out, 512, "%.*s", (int)report.n, report.p ? report.p : "");
	return rc;
}

static void a_source_of_signals_reports_its_own_names(void **state)
{
	(void)state;
	char out[512];

	assert_ok(report("probe", "{ \"value\":\"down\",\"asset\":\"host:a\",\"name\":\"health\" }",
			 out));
	assert_string_equal(out, "{\"asset\":\"host:a\",\"name\":\"health\",\"value\":\"down\"}");
	assert_rc(
	    report("probe", "{\"value\":\"x\",\"asset\":\"host:a\",\"name\":\"verdict\"}", out),
	    RC_DENIED);
	assert_rc(report("probe", "{\"value\":\"x\",\"name\":\"health\"}", out), RC_INPUT);
	assert_rc(
	    report("plain", "{\"value\":\"x\",\"asset\":\"host:a\",\"name\":\"health\"}", out),
	    RC_DENIED);
	assert_rc(convert("probe", "{}", out), RC_DENIED); /* it opens no incidents */
}

/* ---- the configuration ---- */

static void a_mapping_that_cannot_work_is_an_error_of_the_deployment(void **state)
{
	(void)state;
#define MAPPED(mapping)                                                                            \
	"sources: {x: {type: generic, secret_file: s, environment: e, classes: [a], mapping: {"    \
	"source_id: /i, " mapping "}}}"
	static const struct {
		const char *yaml;
		const char *says;
	} bad[] = {
	    {MAPPED("class: /c, severity: /s"), "'status'"},
	    {MAPPED("class: {constant: b}, severity: /s, status: /t"), "'b' is not one of"},
	    {MAPPED("class: /c, severity: {pointer: /s, values: {x: 6}}, status: /t"),
	     "'6' is not one of"},
	    {MAPPED("class: /c, severity: /s, status: {pointer: /t, values: {x: shut}}"),
	     "'shut' is not one of"},
	    {MAPPED("class: c, severity: /s, status: /t"), "JSON pointer"},
	    {MAPPED("class: /c, severity: /s, status: /t, environment: /e"), "needs 'values'"},
	    {MAPPED("class: /c, severity: /s, status: /t, environment: {constant: f}"),
	     "said twice"},
	    {MAPPED("class: /c, severity: /s, status: /t, assets: [{kind: Host, pointer: /h}]"),
	     "'kind'"},
	    {MAPPED("class: /c, severity: /s, status: /t, assets: [{pointer: /h, values: {a: "
		    "[b]}}]"),
	     "'b': expected an asset"},
	    {MAPPED(
		 "class: /c, severity: /s, status: /t, assets: [{pointer: /h, values: {a: []}}]"),
	     "is empty"},
	    {MAPPED("class: /c, severity: /s, status: /t, assets: [{kind: host, pointer: /h, "
		    "values: {a: [host:b]}}]"),
	     "does not go with it"},
	    {MAPPED("class: /c, severity: /s, status: /t, colour: /x"), "colour"},
	    {"sources: {x: {type: pagerduty, secret_file: s, environment: e, classes: [a]}}",
	     "'mapping' is missing"},
	    {"sources: {person: {type: generic, secret_file: s, environment: e, classes: [a]}}",
	     "Remit's own name"},
	    {"sources: {x: {type: signals, secret_file: s, signals: [Health]}}", "'Health'"},
	    {"sources: {x: {type: signals, secret_file: s, signals: [a], classes: [b]}}",
	     "does not go with"},
	    {"sources: {x: {type: signals, secret_file: s}}", "'signals' is missing"},
	    {"sources: {x: {type: smoke, secret_file: s, environment: e, classes: [a]}}", "smoke"},
	};
	struct sources s;

	sources_load(&s, MAPPED("class: /c, severity: /s, status: /t")); /* control */
	assert_int_equal(s.f.n_errors, 0);
	sources_free(&s);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO_BUF out = BUF_INIT(65536);

		sources_load(&s, bad[i].yaml);
		assert_ok(findings_print(&s.f, &out));
		if (s.f.n_errors == 0 || !str_contains(buf_view(&out), str_from(bad[i].says))) {
			fail_msg("%s: %.*s", bad[i].yaml, (int)out.n, out.p);
		}
		sources_free(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_firing_group_is_an_open_incident),
	    cmocka_unit_test(a_group_began_with_its_youngest_alert_and_ended_with_its_last),
	    cmocka_unit_test(what_the_source_may_not_say_is_refused),
	    cmocka_unit_test(a_plain_source_speaks_the_normal_form),
	    cmocka_unit_test(a_mapping_finds_every_field_in_foreign_json),
	    cmocka_unit_test(a_value_outside_the_tables_is_refused),
	    cmocka_unit_test(only_mapped_fields_bind),
	    cmocka_unit_test(free_text_never_fails_an_event),
	    cmocka_unit_test(pagerduty_events_say_what_state_the_incident_is_in),
	    cmocka_unit_test(a_pagerduty_body_is_believed_for_its_signature_alone),
	    cmocka_unit_test(the_others_show_their_bearer_token),
	    cmocka_unit_test(both_modes_of_cloudevents_are_one_event),
	    cmocka_unit_test(a_cloudevent_that_is_none_is_refused),
	    cmocka_unit_test(a_webhook_carries_the_signals_that_are_mapped),
	    cmocka_unit_test(a_source_of_signals_reports_its_own_names),
	    cmocka_unit_test(a_mapping_that_cannot_work_is_an_error_of_the_deployment),
	};
	return cmocka_run_group_tests(tests, load_all, free_all);
}
