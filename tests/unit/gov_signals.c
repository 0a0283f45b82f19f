/* SPDX-License-Identifier: Apache-2.0 */
/* Signals on their way into the governor, and the questions that doubt asks. */
#include "gov_scene.h"

#include "core/signal.h"

static struct scene s;
static struct scene_log disk;

static const char *report(const char *source, const char *body)
{
	struct message m = {
	    .kind = MESSAGE_SIGNAL,
	    .signal = {.req = ++s.next_req, .source = str_from(source), .body = str_from(body)}};

	scene_send(&s, PEOPLE, &m);
	return scene_answer(&s, s.next_req)->text;
}

#define STATE_OF(value) "{\"name\":\"login_abused\",\"asset\":\"pg-role:app\",\"value\":" value "}"

static const char *known(void)
{
	return scene_command(&s, ERIN, COMMAND_SIGNAL_LIST, "{\"asset\":\"pg-role:app\"}")->text;
}

/* `mute` demands that two sources say the login is abused. */
static void open_demanding(void)
{
	AUTO_BUF db = BUF_INIT(65536);
	AUTO_BUF remit = BUF_INIT(65536);
	const char *text = NULL;
	const char *at;

	for (size_t i = 0; i < ARRAY_LEN(scene_files); i++) {
		if (strcmp(scene_files[i].path, "upstreams/db.yaml") == 0) {
			text = scene_files[i].text;
		}
	}
	assert_non_null(text);
	at = strstr(text, "  mute:\n");
	assert_non_null(at);
	assert_ok(buf_add(&db, str_of(text, (size_t)(at - text))));
	assert_ok(buf_add(&db, STR("  mute:\n    corroboration: {signals: [{name: login_abused, "
				   "equals: true}], sources: 2, max_age: 5m}\n")));
	assert_ok(buf_add(&db, str_from(at + strlen("  mute:\n"))));
	assert_ok(buf_add_char(&db, '\0'));
	/* `look` says it too, of itself */
	text = "  look:\n";
	at = strstr(db.p, text);
	assert_non_null(at);
	assert_ok(buf_add(&remit, str_of(db.p, (size_t)(at - db.p))));
	assert_ok(buf_add(&remit, STR("  look:\n    signal: {name: login_abused, value: "
				      "/can_login}\n")));
	assert_ok(buf_add(&remit, str_from(at + strlen(text))));
	scene_write("deployment/upstreams/db.yaml", buf_view(&remit));
	scene_open(&s);
}

static void corroborated_calls_run_without_a_person(void **state)
{
	(void)state;
	const char *text;

	open_demanding();
	text = scene_call(&s, "db___mute", LOGIN, 0);
	assert_says(text, "Pending");
	assert_says(report("probe", STATE_OF("true")), "\"taken\":1");
	/* The capture of the state was a governed read, whose upstream is the second source. */
	assert_says(known(), "\"source\":\"db\"");
	assert_says(known(), "\"source\":\"probe\"");
	text = scene_call(&s, "db___mute", LOGIN, 0);
	assert_says(text, "\\\"muted\\\":true");
	scene_close(&s);
	scene_read_log(&disk);
	assert_str(scene_last(&disk, LEAF_SIGNAL_OBSERVED)->signal_observed.asset, "pg-role:app");
	scene_free_log(&disk);
}

static void a_question_about_doubt_shows_the_signals(void **state)
{
	(void)state;
	uint64_t approval;
	char body[64];

	open_demanding();
	(void)report("probe", STATE_OF("false"));
	approval = scene_id(scene_call(&s, "db___mute", LOGIN, 0), "id", 'a');
	(void)snprintf(body, sizeof(body), "{\"id\":\"a%llu\"}", (unsigned long long)approval);
	body[sizeof(body) - 1] = '\0';
	assert_says(scene_command(&s, ALICE, COMMAND_APPROVAL_SHOW, body)->text,
		    "is 'false', says probe");
	assert_says(scene_command(&s, ALICE, COMMAND_APPROVAL_SHOW, body)->text,
		    "\"name\":\"login_abused\",\"value\":\"false\",\"source\":\"probe\"");
	assert_int_equal(scene_decide(&s, BOB, true, approval)->code, 200);
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "\\\"muted\\\":true");
	scene_close(&s);
}

static void a_source_speaks_only_of_what_it_may(void **state)
{
	(void)state;

	open_demanding();
	assert_says(report("probe", "{\"name\":\"weather\",\"asset\":\"pg-role:app\",\"value\":1}"),
		    "may not report");
	assert_says(report("rival", STATE_OF("true")), "may not report");
	assert_says(report("nobody", STATE_OF("true")), "may not report");
	assert_says(report("probe", "{\"signals\":[" STATE_OF(
					"true") ",{\"name\":\"weather\","
						"\"asset\":\"pg-role:app\",\"value\":1}]}"),
		    "may not report"); /* all or nothing */
	assert_says(known(), "\"signals\":[]");
	assert_says(report("probe", STATE_OF("true")), "\"taken\":1"); /* control */
	assert_says(known(), "\"value\":\"true\"");
	scene_close(&s);
}

static void an_older_word_never_replaces_a_later_one(void **state)
{
	(void)state;
	char body[256];
	char at[25];

	open_demanding();
	clock_format_unix_ms(scene_unix_ms(NULL) - 60000, at);
	(void)report("probe", STATE_OF("true"));
	(void)snprintf(body, sizeof(body),
		       "{\"name\":\"login_abused\",\"asset\":\"pg-role:app\",\"value\":false,"
		       "\"observed_at\":\"%s\"}",
		       at);
	assert_says(report("probe", body), "\"older\":1");
	assert_says(known(), "\"value\":\"true\"");
	scene_pass(1);
	assert_says(report("probe", STATE_OF("false")), "\"taken\":1"); /* control */
	assert_says(known(), "\"value\":\"false\"");
	scene_close(&s);
	scene_start(&s); /* it is in the log */
	assert_says(known(), "\"value\":\"false\"");
	scene_close(&s);
}

static void an_incident_may_carry_signals_of_its_assets(void **state)
{
	(void)state;
#define CARRIES(value)                                                                             \
	"{\"source_id\":\"E\",\"class\":\"abuse\",\"severity\":3,\"status\":\"open\","             \
	"\"environment\":\"production\",\"assets\":[\"pg-role:app\"],\"signals\":[{\"name\":"      \
	"\"login_abused\",\"value\":" value "},{\"name\":\"weather\",\"value\":\"fair\"}]}"

	open_demanding();
	assert_says(scene_event(&s, "siem", CARRIES("true"))->text, "\"status\":\"open\"");
	assert_says(known(), "\"source\":\"siem\"");
	assert_null(strstr(known(), "weather"));
	/* Another source may not, though the incident is taken. */
	assert_says(scene_event(&s, "rival", CARRIES("true"))->text, "\"status\":\"open\"");
	assert_null(strstr(known(), "rival"));
	scene_close(&s);
}

static void a_source_that_runs_wild_is_told_to_come_again(void **state)
{
	(void)state;
	static char body[16384];
	const char *said = "";
	size_t n = 0;

	open_demanding();
	n = (size_t)snprintf(body, sizeof(body), "{\"signals\":[");
	for (int i = 0; i < SIGNALS_PER_REPORT; i++) {
		n += (size_t)snprintf(body + n, sizeof(body) - n, "%s" STATE_OF("true"),
				      i ? "," : "");
	}
	(void)snprintf(body + n, sizeof(body) - n, "]}");
	/* Tokens come back while this runs; fifteen reports empty the bucket if it is quick. */
	for (int i = 0; i < 60 && !strstr(said, "again later"); i++) {
		said = report("probe", body);
	}
	assert_says(said, "again later");
	assert_says(scene_event(&s, "siem", CARRIES("true"))->text, "open"); /* others are heard */
	scene_pass(1000);
	assert_says(report("probe", body), "\"taken\":64"); /* control */
	scene_close(&s);
}

static void nothing_an_agent_says_is_a_signal(void **state)
{
	(void)state;
	static const enum role others[] = {R_AGENTS, R_RUNNER, R_COURIER, R_KEEPER, R_INDEX};

	open_demanding();
	(void)scene_call(&s, "db___look",
			 "{\"login\":\"app\",\"signals\":[{\"name\":\"login_abused\"}]}", 0);
	(void)scene_wait(&s, scene_ask(&s, RESPONDER, 0, "remit___signal", STATE_OF("true"), 0));
	/* What a tool returns beside its declared value, and a tool that declares none. */
	s.held_tool = "peek";
	(void)scene_ask(&s, RESPONDER, s.task, "db___peek", LOGIN, 0);
	scene_outcome(&s, scene_wait_admission(&s, "peek", 1), OUTCOME_OK,
		      "{\"content\":[{\"type\":\"text\",\"text\":\"{\\\"can_login\\\":true,"
		      "\\\"signals\\\":[{\\\"name\\\":\\\"login_abused\\\"}]}\"}]}");
	scene_settle(&s);
	assert_says(known(), "\"signals\":[]");
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		assert_false(message_is_allowed(MESSAGE_SIGNAL, others[i], R_GOVERNOR));
	}
	(void)scene_call(&s, "db___look", LOGIN, 0); /* control: the upstream's own word */
	assert_says(known(), "\"source\":\"db\"");
	scene_close(&s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_make_place, scene_remove_place)
	const struct CMUnitTest tests[] = {
	    TEST(corroborated_calls_run_without_a_person),
	    TEST(a_question_about_doubt_shows_the_signals),
	    TEST(a_source_speaks_only_of_what_it_may),
	    TEST(an_older_word_never_replaces_a_later_one),
	    TEST(an_incident_may_carry_signals_of_its_assets),
	    TEST(a_source_that_runs_wild_is_told_to_come_again),
	    TEST(nothing_an_agent_says_is_a_signal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
