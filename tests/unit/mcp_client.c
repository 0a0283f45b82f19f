/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <openssl/sha.h>

#include "codec/json.h"
#include "codec/sse.h"
#include "net/http_server.h"
#include "upstream/mcp_client.h"

/* An MCP server on the same loop, which misbehaves when told to, and notes what it heard. */
enum manners {
	PLAIN,
	STREAM,	       /* answers tools/call on a stream, after asking for sampling */
	SILENT_STREAM, /* ends the stream without an answer */
	FORGETFUL,     /* knows no session but the newest, says 404 */
	FORGETFUL_400, /* the same with 400 */
	BROKEN,	       /* 500 */
	FORBIDDEN,     /* 403 */
	HANGS_UP,      /* closes instead of answering a call */
	NEVER,	       /* does not answer a call */
	NO_GREETING,   /* 401 to initialize */
};

struct world {
	struct loop *loop;
	struct http_server *server;
	struct desk *desk;
	struct mcp_client *client;
	struct upstream upstream;
	enum manners manners;
	int sessions; /* handed out */
	char trace[4096];
	struct http_request *held;
	/* what the desk said */
	unsigned n_said;
	enum message_kind kind;
	unsigned outcome;
	bool ok;
	struct buf result;
	struct buf detail;
};

static struct world w;

PRINTF_LIKE(1, 2) static void note(const char *fmt, ...)
{
	size_t n = strlen(w.trace);
	va_list ap;

	va_start(ap, fmt);
	assert_true(vsnprintf(w.trace + n, sizeof(w.trace) - n, fmt, ap) > 0);
	va_end(ap);
}

static void assert_trace(const char *want)
{
	assert_string_equal(w.trace, want);
	w.trace[0] = '\0';
}

/* ---- the server ---- */

static struct str field(struct http_request *r, const char *name)
{
	struct str v = http_header_get(http_request_head(r), str_from(name));

	return v.p ? v : STR("-");
}

static void answer_json(struct http_request *r, unsigned status, const char *fmt, struct str id)
{
	AUTO_BUF b = BUF_INIT(4096);
	struct http_field session = {STR("Mcp-Session-Id"), STR("")};
	char name[32];

	assert_ok(buf_addf(&b, "{\"jsonrpc\":\"2.0\",\"id\":" STR_FMT ",%s}", STR_ARG(id), fmt));
	assert_true(snprintf(name, sizeof(name), "s%d", w.sessions) > 0);
	session.value = str_from(name);
	http_answer_with(r, status, STR("application/json"), &session,
			 str_contains(str_from(fmt), STR("protocolVersion")), buf_view(&b));
}

static void answer_stream(struct http_request *r, struct str id)
{
	AUTO_BUF b = BUF_INIT(4096);
	AUTO_BUF message = BUF_INIT(4096);
	struct sse_event event = {.data = STR("")};

	assert_ok(http_stream_start(r, 200, STR("text/event-stream"), NULL, 0, NULL));
	assert_ok(sse_write(&b, &event));
	event.data =
	    STR("{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"sampling/createMessage\"}");
	assert_ok(sse_write(&b, &event));
	if (w.manners == STREAM) {
		assert_ok(buf_addf(&message,
				   "{\"jsonrpc\":\"2.0\",\"id\":" STR_FMT
				   ",\"result\":{\"content\":[]}}",
				   STR_ARG(id)));
		event.data = buf_view(&message);
		assert_ok(sse_write(&b, &event));
	}
	assert_ok(http_stream_send(r, buf_view(&b)));
	http_stream_end(r);
}

static void answer_call(struct http_request *r, struct str id)
{
	switch (w.manners) {
	case PLAIN:
	case FORGETFUL:
	case FORGETFUL_400:
	case NO_GREETING:
		answer_json(r, 200, "\"result\":{\"content\":[],\"_meta\":{\"io.remit/x\":1}}", id);
		return;
	case STREAM:
	case SILENT_STREAM:
		answer_stream(r, id);
		return;
	case BROKEN:
		http_answer(r, 502, STR("text/plain"), STR("oops"));
		return;
	case FORBIDDEN:
		http_answer(r, 403, STR("text/plain"), STR("no"));
		return;
	case HANGS_UP:
		http_request_abort(r);
		return;
	case NEVER:
		w.held = r;
		return;
	}
}

static bool knows_session(struct http_request *r)
{
	char name[32];

	if (w.manners != FORGETFUL && w.manners != FORGETFUL_400) {
		return true;
	}
	assert_true(snprintf(name, sizeof(name), "s%d", w.sessions) > 0);
	return str_eq(field(r, "Mcp-Session-Id"), str_from(name));
}

static void on_request(void *ctx, struct http_request *r)
{
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *m;
	struct str method = STR("(answer)");

	(void)ctx;
	mem_fail_after(0); /* what the test itself needs */
	if (str_eq(http_request_head(r)->method, STR("DELETE"))) {
		note("DELETE " STR_FMT ";", STR_ARG(field(r, "Mcp-Session-Id")));
		http_answer(r, 204, STR(""), STR(""));
		return;
	}
	assert_ok(json_parse(&arena, http_request_body(r), &limits, &m, NULL));
	(void)!json_str(json_get(m, STR("method")), &method);
	note(STR_FMT " " STR_FMT ";", STR_ARG(method), STR_ARG(field(r, "Mcp-Session-Id")));
	if (str_eq(method, STR("initialize")) && w.manners == NO_GREETING) {
		http_answer(r, 401, STR(""), STR(""));
	} else if (str_eq(method, STR("initialize"))) {
		w.sessions++;
		answer_json(r, 200,
			    "\"result\":{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{}}",
			    json_get(m, STR("id"))->raw);
	} else if (str_eq(method, STR("tools/list"))) {
		bool second = json_pointer(m, STR("/params/cursor")) != NULL;

		answer_json(r, 200,
			    second
				? "\"result\":{\"tools\":[{\"name\":\"b\"}]}"
				: "\"result\":{\"tools\":[{\"name\":\"a\"}],\"nextCursor\":\"x\"}",
			    json_get(m, STR("id"))->raw);
	} else if (!str_eq(method, STR("tools/call"))) {
		http_answer(r, 202, STR(""), STR(""));
	} else if (!knows_session(r)) {
		http_answer(r, w.manners == FORGETFUL ? 404 : 400, STR("text/plain"),
			    STR("Session not found"));
	} else {
		note("%s" STR_FMT " " STR_FMT " " STR_FMT " " STR_FMT ";", "",
		     STR_ARG(field(r, "Remit-Call-Id")), STR_ARG(field(r, "MCP-Protocol-Version")),
		     STR_ARG(field(r, "Mcp-Name")), STR_ARG(field(r, "Authorization")));
		answer_call(r, json_get(m, STR("id"))->raw);
	}
}

static void on_gone(void *ctx, struct http_request *r)
{
	(void)ctx;
	(void)r;
	w.held = NULL;
}

/* ---- the desk's carrier ---- */

static void on_start(void *ctx, struct desk_call *c)
{
	(void)ctx;
	mcp_client_start(w.client, c);
}

static void on_drop(void *ctx, struct desk_call *c)
{
	(void)ctx;
	mcp_client_drop(w.client, c);
}

static bool on_recall(void *ctx, struct desk_call *c)
{
	(void)ctx;
	return mcp_client_recall(w.client, c);
}

static void on_fence(void *ctx, enum fence_scope scope, struct str name)
{
	(void)ctx;
	mcp_client_fence(w.client, scope, name);
}

static void on_list(void *ctx, struct str upstream)
{
	(void)ctx;
	(void)upstream;
	mcp_client_list(w.client);
}

static void on_say(void *ctx, const struct message *m)
{
	(void)ctx;
	mem_fail_after(0); /* what the test itself needs */
	w.n_said++;
	w.kind = m->kind;
	buf_reset(&w.result);
	buf_reset(&w.detail);
	if (m->kind == MESSAGE_OUTCOME) {
		w.outcome = m->outcome.kind;
		assert_ok(buf_add(&w.result, m->outcome.result));
		assert_ok(buf_add(&w.detail, m->outcome.detail));
	} else if (m->kind == MESSAGE_DEFINITIONS) {
		w.ok = m->definitions.ok;
		assert_ok(buf_add(&w.result, m->definitions.tools));
		assert_ok(buf_add(&w.detail, m->definitions.detail));
	} else if (m->kind == MESSAGE_FENCED) {
		note("fenced %d;", (int)m->fenced.calls.n);
	}
}

/* ---- the world ---- */

static void begin(enum manners manners, bool is_modern)
{
	static const struct http_server_handlers on = {.request = on_request, .gone = on_gone};
	static const struct desk_carrier carrier = {.start = on_start,
						    .drop = on_drop,
						    .recall = on_recall,
						    .fence = on_fence,
						    .list = on_list,
						    .say = on_say};
	struct clock clock = clock_system();
	struct http_server_conf server_conf = http_server_conf_default();
	struct client_conf conf = client_conf_default();
	int fd;

	w = (struct world){.manners = manners};
	w.result = (struct buf)BUF_INIT(1 << 20);
	w.detail = (struct buf)BUF_INIT(512);
	w.upstream = (struct upstream){.name = STR("up"),
				       .transport = TRANSPORT_HTTP,
				       .timeout_ms = 400,
				       .is_modern = is_modern};
	assert_ok(loop_new(&clock, &w.loop, NULL));
	assert_ok(listen_open(STR("127.0.0.1:0"), 0, &fd, NULL));
	assert_ok(http_server_new(w.loop, fd, &server_conf, &on, NULL, &w.server, NULL));
	assert_ok(http_server_address(w.server, &conf.addresses[0], NULL));
	conf.n_addresses = 1;
	conf.host = "localhost";
	assert_ok(desk_new(w.loop, 1, &carrier, &w.desk));
	assert_ok(mcp_client_new(w.loop, w.desk, &w.upstream, STR("/mcp"), &conf, &w.client, NULL));
}

static void end(void)
{
	mcp_client_free(w.client);
	desk_free(w.desk);
	http_server_free(w.server);
	loop_free(w.loop);
	buf_fini(&w.result);
	buf_fini(&w.detail);
}

static void admit_with(uint64_t call, const char *task, uint64_t lease)
{
	static uint8_t digest[SHA256_DIGEST_LENGTH];
	struct message m = {.kind = MESSAGE_ADMISSION};

	assert_non_null(SHA256((const uint8_t *)"{}", 2, digest));
	m.admission = (struct msg_admission){
	    .call = call,
	    .generation = 1,
	    .send_by_boot_ns = clock_boot_ns(loop_clock(w.loop)) + 2000000000,
	    .task = str_from(task),
	    .upstream = STR("up"),
	    .tool = STR("a"),
	    .args = STR("{}"),
	    .args_sha256 = str_of(digest, sizeof(digest)),
	    .lease = lease,
	};
	assert_true(desk_hear(w.desk, &m));
}

static void admit(uint64_t call, const char *task)
{
	admit_with(call, task, 0);
}

static void turn(int rounds)
{
	for (int i = 0; i < rounds; i++) {
		assert_ok(loop_step(w.loop, 5, NULL));
	}
}

static void wait_for(unsigned n)
{
	for (int i = 0; i < 400 && w.n_said < n; i++) {
		assert_ok(loop_step(w.loop, 10, NULL));
	}
	assert_int_equal(w.n_said, n);
}

static void outcome_is(enum outcome_kind kind)
{
	if (w.kind != MESSAGE_OUTCOME || w.outcome != (unsigned)kind) {
		fail_msg("got %u, want %d: " STR_FMT " (%s)", w.outcome, kind,
			 STR_ARG(buf_view(&w.detail)), w.trace);
	}
}

static void fence(enum fence_scope scope, const char *name)
{
	struct message m = {.kind = MESSAGE_FENCE};

	m.fence = (struct msg_fence){.fence = 1, .scope = (uint8_t)scope, .name = str_from(name)};
	assert_true(desk_hear(w.desk, &m));
}

/* ---- what must hold ---- */

static void a_session_is_made_once_per_task(void **state)
{
	(void)state;
	begin(PLAIN, false);
	admit(1, "t1");
	wait_for(1);
	outcome_is(OUTCOME_OK);
	assert_str(buf_view(&w.result), "{\"content\":[],\"_meta\":{}}");
	assert_trace("initialize -;notifications/initialized s1;tools/call s1;"
		     "c1 2025-06-18 - -;");
	admit(2, "t1");
	wait_for(2);
	assert_trace("tools/call s1;c2 2025-06-18 - -;");
	admit(3, "t2");
	wait_for(3);
	assert_trace("initialize -;notifications/initialized s2;tools/call s2;"
		     "c3 2025-06-18 - -;");
	end();
}

static void a_modern_upstream_needs_no_session(void **state)
{
	(void)state;
	begin(PLAIN, true);
	admit(1, "t1");
	wait_for(1);
	outcome_is(OUTCOME_OK);
	assert_trace("tools/call -;c1 2026-07-28 a -;");
	end();
}

static void a_lost_session_is_made_anew_and_the_refused_call_asked_again(void **state)
{
	(void)state;
	static const enum manners both[] = {FORGETFUL, FORGETFUL_400};

	for (size_t i = 0; i < ARRAY_LEN(both); i++) {
		begin(both[i], false);
		admit(1, "t1");
		wait_for(1);
		w.sessions = 7; /* the server was restarted */
		w.trace[0] = '\0';
		admit(2, "t1");
		wait_for(2);
		outcome_is(OUTCOME_OK);
		assert_trace("tools/call s1;initialize -;notifications/initialized s8;"
			     "tools/call s8;c2 2025-06-18 - -;");
		end();
	}
}

static void an_answer_may_come_on_a_stream(void **state)
{
	(void)state;
	begin(STREAM, false);
	admit(1, "t1");
	wait_for(1);
	outcome_is(OUTCOME_OK);
	turn(20);
	/* What it asked for on the way was refused. */
	assert_true(str_contains(str_from(w.trace), STR("(answer) s1;")));
	end();
}

static void no_answer_means_unknown(void **state)
{
	(void)state;
	static const enum manners rude[] = {SILENT_STREAM, HANGS_UP, NEVER, BROKEN};

	for (size_t i = 0; i < ARRAY_LEN(rude); i++) {
		begin(rude[i], false);
		admit(1, "t1");
		wait_for(1);
		outcome_is(OUTCOME_UNKNOWN);
		turn(5);
		/* and it was sent once */
		assert_false(str_contains(str_from(strstr(w.trace, "c1 ") + 1), STR("c1 ")));
		end();
	}
}

static void a_refusal_is_the_tools_answer(void **state)
{
	(void)state;
	begin(FORBIDDEN, false);
	admit(1, "t1");
	wait_for(1);
	outcome_is(OUTCOME_TOOL_ERROR);
	assert_true(str_contains(buf_view(&w.result), STR("403")));
	end();
}

static void without_a_session_nothing_is_sent(void **state)
{
	(void)state;
	begin(NO_GREETING, false);
	admit(1, "t1");
	admit(2, "t1");
	wait_for(2);
	outcome_is(OUTCOME_NOT_SENT);
	assert_trace("initialize -;");
	end();
	begin(PLAIN, false);
	http_server_free(w.server);
	w.server = NULL;
	admit(1, "t1");
	wait_for(1);
	outcome_is(OUTCOME_NOT_SENT);
	end();
}

static void a_fence_recalls_what_has_not_left_and_ends_sessions(void **state)
{
	(void)state;
	begin(NEVER, false);
	admit(1, "t1");
	fence(FENCE_TASK, "t1");
	assert_int_equal(w.outcome, OUTCOME_NOT_SENT);
	assert_int_equal(w.n_said, 2);
	turn(20);
	assert_trace("fenced 0;");
	w.manners = PLAIN;
	admit(2, "t1");
	wait_for(3);
	w.trace[0] = '\0';
	fence(FENCE_TASK, "t1");
	turn(20);
	assert_trace("fenced 0;DELETE s1;");
	end();
}

static void a_call_on_its_way_is_named_by_the_fence_and_waited_for(void **state)
{
	(void)state;
	begin(NEVER, false);
	admit(1, "t1");
	for (int i = 0; i < 100 && !w.held; i++) {
		turn(1);
	}
	assert_non_null(w.held);
	w.trace[0] = '\0';
	fence(FENCE_EVERYTHING, "");
	assert_trace("fenced 8;");
	answer_json(TAKE(w.held), 200, "\"result\":{\"content\":[]}", STR("2"));
	wait_for(2);
	outcome_is(OUTCOME_OK);
	end();
}

static void a_credential_is_in_its_calls_only(void **state)
{
	(void)state;
	struct message m = {.kind = MESSAGE_SECRET};

	begin(PLAIN, true);
	m.secret = (struct msg_secret){.lease = 4, .fields = STR("{\"token\":\"abc\"}")};
	admit_with(1, "t1", 4);
	assert_true(desk_hear(w.desk, &m));
	wait_for(1);
	assert_trace("tools/call -;c1 2026-07-28 a Bearer abc;");
	admit(2, "t1");
	wait_for(2);
	assert_trace("tools/call -;c2 2026-07-28 a -;");
	m.secret = (struct msg_secret){.lease = 4, .fields = STR("{\"token\":\"a\\r\\nX: y\"}")};
	assert_true(desk_hear(w.desk, &m));
	admit_with(3, "t1", 4);
	wait_for(3);
	outcome_is(OUTCOME_NOT_SENT);
	end();
}

static void definitions_are_read_page_by_page(void **state)
{
	(void)state;
	struct message m = {.kind = MESSAGE_LIST_DEFINITIONS};

	begin(PLAIN, false);
	m.list_definitions.upstream = STR("up");
	assert_true(desk_hear(w.desk, &m));
	wait_for(1);
	assert_int_equal(w.kind, MESSAGE_DEFINITIONS);
	assert_true(w.ok);
	assert_str(buf_view(&w.result), "[{\"name\":\"a\"},{\"name\":\"b\"}]");
	turn(10);
	assert_trace("initialize -;notifications/initialized s1;tools/list s1;tools/list s1;"
		     "DELETE s1;");
	w.manners = NO_GREETING;
	assert_true(desk_hear(w.desk, &m));
	wait_for(2);
	assert_false(w.ok);
	end();
}

/* Memory fails from the nth allocation on, until the server hears something or the call is done. */
static void without_memory_a_call_ends_once_and_is_never_sent_twice(void **state)
{
	(void)state;
	bool all_went_well = false;

	for (size_t nth = 1; !all_went_well; nth++) {
		const char *first;

		assert_true(nth < 400);
		begin(PLAIN, false);
		mem_fail_after(nth);
		admit(1, "t1");
		/* The server shares our memory: its part of the failure is over soon. */
		for (int i = 0; i < 3; i++) {
			(void)!loop_step(w.loop, 0, NULL);
		}
		mem_fail_after(0);
		wait_for(1);
		assert_int_equal(w.kind, MESSAGE_OUTCOME);
		first = strstr(w.trace, "c1 ");
		if (first) {
			assert_null(strstr(first + 1, "c1 "));
			assert_int_not_equal(w.outcome, OUTCOME_NOT_SENT);
		}
		all_went_well = w.outcome == OUTCOME_OK && nth > 60;
		end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_session_is_made_once_per_task),
	    cmocka_unit_test(a_modern_upstream_needs_no_session),
	    cmocka_unit_test(a_lost_session_is_made_anew_and_the_refused_call_asked_again),
	    cmocka_unit_test(an_answer_may_come_on_a_stream),
	    cmocka_unit_test(no_answer_means_unknown),
	    cmocka_unit_test(a_refusal_is_the_tools_answer),
	    cmocka_unit_test(without_a_session_nothing_is_sent),
	    cmocka_unit_test(a_fence_recalls_what_has_not_left_and_ends_sessions),
	    cmocka_unit_test(a_call_on_its_way_is_named_by_the_fence_and_waited_for),
	    cmocka_unit_test(a_credential_is_in_its_calls_only),
	    cmocka_unit_test(definitions_are_read_page_by_page),
	    cmocka_unit_test(without_memory_a_call_ends_once_and_is_never_sent_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
