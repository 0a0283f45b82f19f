/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <openssl/sha.h>
#include <stdlib.h>

#include "base/buf.h"
#include "runner/output.h"
#include "runner/runner.h"

/* ---- a catalog in memory ---- */

#define S(literal)                                                                                 \
	{                                                                                          \
		"" literal "", sizeof(literal) - 1                                                 \
	}

static const struct str server_command[] = {S(STDIO_SERVER)};
static const struct str server_environment[] = {S("SECRET_FILE={secret}")};
static const struct upstream upstreams[] = {
    {.name = S("sh"), .transport = TRANSPORT_COMMAND, .timeout_ms = 1500},
    {.name = S("srv"),
     .transport = TRANSPORT_STDIO,
     .timeout_ms = 1500,
     .command = {server_command, 1},
     .environment = {server_environment, 1},
     .secret_file = S("db:{user}:{password}")},
};

#define TOOL(tool_name, script, ...)                                                               \
	{                                                                                          \
		.upstream = &upstreams[0], .name = S(tool_name),                                   \
		.command = {(const struct str[]){S("/bin/sh"), S("-c"), S(script), S("sh"),        \
						 S("{value}"), S("{call}")},                       \
			    6},                                                                    \
		.variables = {(const struct str[]){S("value=/v")}, 1}, __VA_ARGS__                 \
	}

static const struct tool tools[] = {
    TOOL("echo", "echo \"$1 $2\""),
    TOOL("json", "echo '[1, 2]'", .output_is_json = true),
    TOOL("fail", "echo one >&2; echo two >&2; exit 3"),
    TOOL("input", "cat", .input = S("typed in")),
    TOOL("slow", "sleep 60"),
    TOOL("flood", "cat /dev/zero"),
    TOOL("wall", "cat /etc/shadow /etc/hostname; echo $?"),
    TOOL("orphan", "(setsid sh -c 'sleep 77.125 >/dev/null 2>&1 </dev/null & ') ; echo left"),
    TOOL("fds", "for i in 3 4 5 6 7 8 9; do (exec <&$i) 2>/dev/null && echo $i; done; echo end"),
    {.upstream = &upstreams[0],
     .name = S("absent"),
     .command = {(const struct str[]){S("/usr/bin/no-such-program")}, 1}},
};

static const struct bundle bundle = {
    .upstreams = upstreams,
    .n_upstreams = ARRAY_LEN(upstreams),
    .tools = tools,
    .n_tools = ARRAY_LEN(tools),
};

static struct loop *loop;
static struct runner *runner;
static struct message said;
static struct buf said_result = BUF_INIT(1 << 20);
static struct buf said_detail = BUF_INIT(512);
static unsigned n_said;

static void on_say(void *ctx, const struct message *m)
{
	(void)ctx;
	said = *m;
	n_said++;
	buf_reset(&said_result);
	buf_reset(&said_detail);
	if (m->kind == MESSAGE_OUTCOME) {
		assert_ok(buf_add(&said_result, m->outcome.result));
		assert_ok(buf_add(&said_detail, m->outcome.detail));
	} else if (m->kind == MESSAGE_DEFINITIONS) {
		assert_ok(buf_add(&said_result, m->definitions.tools));
		assert_ok(buf_add(&said_detail, m->definitions.detail));
	}
}

static int set_up(void **state)
{
	(void)state;
	struct clock clock = clock_system();
	struct err e = ERR_INIT;
	/* Landlock cannot be undone, so the walls stand in the children only. */
	struct runner_conf conf = {.bundle = &bundle, .generation = 1, .say = on_say};

	n_said = 0;
	assert_ok(loop_new(&clock, &loop, &e));
	assert_ok(runner_new(loop, &conf, &runner, &e));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	runner_free(runner);
	loop_free(loop);
	buf_fini(&said_result);
	buf_fini(&said_detail);
	return 0;
}

static uint64_t last_call;

static void admit(const char *upstream, const char *tool, const char *args, const char *task,
		  uint64_t lease)
{
	static uint8_t digest[SHA256_DIGEST_LENGTH];
	struct str a = str_from(args);
	struct message m = {.kind = MESSAGE_ADMISSION};

	assert_non_null(SHA256((const uint8_t *)a.p, a.n, digest));
	m.admission = (struct msg_admission){
	    .call = ++last_call,
	    .generation = 1,
	    .send_by_boot_ns = clock_boot_ns(loop_clock(loop)) + 2000000000,
	    .task = str_from(task),
	    .upstream = str_from(upstream),
	    .tool = str_from(tool),
	    .args = a,
	    .args_sha256 = str_of(digest, sizeof(digest)),
	    .lease = lease,
	};
	runner_hear(runner, &m);
}

static void wait_for(unsigned n)
{
	for (int i = 0; i < 500 && n_said < n; i++) {
		assert_ok(loop_step(loop, 20, NULL));
	}
	assert_int_equal(n_said, n);
}

static void outcome_is(enum outcome_kind kind)
{
	assert_int_equal(said.kind, MESSAGE_OUTCOME);
	if (said.outcome.kind != kind) {
		fail_msg("outcome %d, want %d: " STR_FMT " " STR_FMT, said.outcome.kind, kind,
			 STR_ARG(buf_view(&said_detail)), STR_ARG(buf_view(&said_result)));
	}
}

static void result_is(const char *want)
{
	assert_str(buf_view(&said_result), want);
}

/* ---- commands ---- */

static void a_value_is_one_word_whatever_it_holds(void **state)
{
	(void)state;
	admit("sh", "echo", "{\"v\":\"a; rm -rf $HOME {call} `x`\"}", "t1", 0);
	wait_for(1);
	outcome_is(OUTCOME_OK);
	char want[200];

	assert_true(snprintf(want, sizeof(want),
			     "{\"content\":[{\"type\":\"text\",\"text\":\"a; rm -rf $HOME {call} "
			     "`x` c%d\\n\"}]}",
			     (int)last_call) > 0);
	result_is(want);
}

static void a_value_cannot_become_an_option_or_be_missing(void **state)
{
	(void)state;
	admit("sh", "echo", "{\"v\":\"--help\"}", "t1", 0);
	outcome_is(OUTCOME_NOT_SENT);
	admit("sh", "echo", "{}", "t1", 0);
	outcome_is(OUTCOME_NOT_SENT);
	admit("sh", "echo", "{\"v\":\"a\\u0000b\"}", "t1", 0);
	outcome_is(OUTCOME_NOT_SENT);
}

static void json_output_becomes_structured_content(void **state)
{
	(void)state;
	admit("sh", "json", "{\"v\":1}", "t1", 0);
	wait_for(1);
	outcome_is(OUTCOME_OK);
	result_is("{\"content\":[{\"type\":\"text\",\"text\":\"[1, 2]\"}],"
		  "\"structuredContent\":{\"result\":[1, 2]}}");
}

static void a_failure_says_the_status_and_the_last_line(void **state)
{
	(void)state;
	admit("sh", "fail", "{\"v\":1}", "t1", 0);
	wait_for(1);
	outcome_is(OUTCOME_TOOL_ERROR);
	assert_str(buf_view(&said_detail), "exit status 3: two");
	result_is("{\"content\":[{\"type\":\"text\",\"text\":\"one\\ntwo\\n\"}],\"isError\":true}");
}

static void input_is_typed_in(void **state)
{
	(void)state;
	admit("sh", "input", "{\"v\":1}", "t1", 0);
	wait_for(1);
	result_is("{\"content\":[{\"type\":\"text\",\"text\":\"typed in\"}]}");
}

static void a_child_that_had_to_be_killed_leaves_the_outcome_unknown(void **state)
{
	(void)state;
	admit("sh", "slow", "{\"v\":1}", "t1", 0);
	wait_for(1);
	outcome_is(OUTCOME_UNKNOWN);
	admit("sh", "flood", "{\"v\":1}", "t1", 0);
	wait_for(2);
	outcome_is(OUTCOME_UNKNOWN);
}

static void a_program_that_is_not_there_was_not_run(void **state)
{
	(void)state;
	admit("sh", "absent", "{}", "t1", 0);
	wait_for(1);
	assert_int_not_equal(said.outcome.kind, OUTCOME_OK);
	assert_int_not_equal(said.outcome.kind, OUTCOME_UNKNOWN);
	admit("sh", "no-such-tool", "{}", "t1", 0);
	outcome_is(OUTCOME_NOT_SENT);
}

static void a_child_sees_only_what_is_granted(void **state)
{
	(void)state;
	admit("sh", "wall", "{\"v\":1}", "t1", 0);
	wait_for(1);
	outcome_is(OUTCOME_OK);
	result_is("{\"content\":[{\"type\":\"text\",\"text\":\"1\\n\"}]}");
}

static void a_child_inherits_no_descriptor(void **state)
{
	(void)state;
	admit("sh", "fds", "{\"v\":1}", "t1", 0);
	wait_for(1);
	result_is("{\"content\":[{\"type\":\"text\",\"text\":\"end\\n\"}]}");
}

static bool is_running(const char *needle)
{
	AUTO_BUF command = BUF_INIT(256);

	/* The pattern is split so that pgrep does not find its own shell. */
	assert_ok(buf_addf(&command, "pgrep -f '%c[%c]%s' >/dev/null%c", needle[0], needle[1],
			   needle + 2, 0));
	return system(command.p) == 0;
}

static void descendants_do_not_outlive_their_command(void **state)
{
	(void)state;
	admit("sh", "orphan", "{\"v\":1}", "t1", 0);
	wait_for(1);
	outcome_is(OUTCOME_OK);
	assert_ok(loop_step(loop, 0, NULL));
	assert_false(is_running("sleep 77.125"));
}

static void fence(uint8_t scope, const char *name)
{
	struct message m = {.kind = MESSAGE_FENCE};

	m.fence = (struct msg_fence){.fence = 1, .scope = scope, .name = str_from(name)};
	runner_hear(runner, &m);
}

static void a_fence_kills_what_runs(void **state)
{
	(void)state;
	admit("sh", "slow", "{\"v\":1}", "t1", 0);
	fence(2, "t1");
	assert_int_equal(n_said, 2);
	assert_int_equal(said.kind, MESSAGE_FENCED);
	assert_int_equal(said.fenced.calls.n, 8);
}

/* ---- stdio servers ---- */

static void give_secret(uint64_t lease)
{
	struct message m = {.kind = MESSAGE_SECRET};

	m.secret = (struct msg_secret){.lease = lease,
				       .task = STR("t1"),
				       .fields = STR("{\"user\":\"u1\",\"password\":\"p:w\"}")};
	runner_hear(runner, &m);
}

static void a_server_is_called_with_the_call_id(void **state)
{
	(void)state;
	admit("srv", "echo", "{\"a\":1}", "t1", 0);
	wait_for(1);
	outcome_is(OUTCOME_OK);
	char want[200];

	assert_true(snprintf(want, sizeof(want),
			     "{\"content\":[],\"structuredContent\":{\"args\":{\"a\":1},"
			     "\"call\":\"c%d\"}}",
			     (int)last_call) > 0);
	result_is(want);
}

static void a_secret_reaches_its_server_as_a_file(void **state)
{
	(void)state;
	admit("srv", "secret", "{}", "t1", 5);
	assert_int_equal(n_said, 0);
	give_secret(5);
	wait_for(1);
	result_is("{\"content\":[{\"type\":\"text\",\"text\":\"db:u1:p:w\"}]}");
}

static void one_server_per_task_kept_until_its_fence(void **state)
{
	(void)state;
	AUTO_BUF first = BUF_INIT(256);

	admit("srv", "pid", "{}", "t1", 0);
	wait_for(1);
	assert_ok(buf_add(&first, buf_view(&said_result)));
	admit("srv", "pid", "{}", "t1", 0);
	wait_for(2);
	assert_true(str_eq(buf_view(&first), buf_view(&said_result)));
	admit("srv", "pid", "{}", "t2", 0);
	wait_for(3);
	assert_false(str_eq(buf_view(&first), buf_view(&said_result)));
	fence(2, "t1");
	assert_int_equal(said.kind, MESSAGE_FENCED);
	assert_int_equal(said.fenced.calls.n, 0);
	admit("srv", "pid", "{}", "t1", 0);
	wait_for(5);
	assert_false(str_eq(buf_view(&first), buf_view(&said_result)));
}

static void a_server_that_dies_leaves_the_outcome_unknown(void **state)
{
	(void)state;
	admit("srv", "die", "{}", "t1", 0);
	wait_for(1);
	outcome_is(OUTCOME_UNKNOWN);
	admit("srv", "echo", "{}", "t1", 0);
	wait_for(2);
	outcome_is(OUTCOME_OK);
}

static void a_server_that_hangs_leaves_the_outcome_unknown(void **state)
{
	(void)state;
	admit("srv", "hang", "{}", "t1", 0);
	wait_for(1);
	outcome_is(OUTCOME_UNKNOWN);
}

static void what_a_server_asks_for_is_refused(void **state)
{
	(void)state;
	admit("srv", "noise", "{}", "t1", 0);
	wait_for(1);
	outcome_is(OUTCOME_OK);
	assert_true(str_contains(buf_view(&said_result), STR("-32601")));
	admit("srv", "modern", "{}", "t1", 0);
	wait_for(2);
	outcome_is(OUTCOME_UNKNOWN);
}

static void definitions_are_read_page_by_page(void **state)
{
	(void)state;
	struct message m = {.kind = MESSAGE_LIST_DEFINITIONS};

	m.list_definitions.upstream = STR("srv");
	runner_hear(runner, &m);
	wait_for(1);
	assert_int_equal(said.kind, MESSAGE_DEFINITIONS);
	assert_int_equal(said.definitions.ok, 1);
	result_is("[{\"name\":\"echo\"},{\"name\":\"hang\"}]");
	m.list_definitions.upstream = STR("sh");
	runner_hear(runner, &m);
	assert_int_equal(said.definitions.ok, 0);
}

/* ---- pure parts ---- */

static void output_that_is_no_utf8_is_made_so(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(1024);
	char line[16];

	assert_ok(output_text_result(&b, STR("a\xff\xc3\xa9"), false, NULL));
	assert_str(buf_view(&b), "{\"content\":[{\"type\":\"text\",\"text\":\"a\xef\xbf\xbd\xc3\xa9"
				 "\"}]}");
	assert_rc(output_json_result(&b, STR("1 2"), NULL), RC_INPUT);
	assert_str(output_last_line(STR("a\nb\x01 \n\n"), line, sizeof(line)), "b?");
	assert_str(output_last_line(STR("0123456789abcdefXYZ"), line, sizeof(line)),
		   "0123456789abcdef");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest cases[] = {
	    CASE(a_value_is_one_word_whatever_it_holds),
	    CASE(a_value_cannot_become_an_option_or_be_missing),
	    CASE(json_output_becomes_structured_content),
	    CASE(a_failure_says_the_status_and_the_last_line),
	    CASE(input_is_typed_in),
	    CASE(a_child_that_had_to_be_killed_leaves_the_outcome_unknown),
	    CASE(a_program_that_is_not_there_was_not_run),
	    CASE(a_child_sees_only_what_is_granted),
	    CASE(a_child_inherits_no_descriptor),
	    CASE(descendants_do_not_outlive_their_command),
	    CASE(a_fence_kills_what_runs),
	    CASE(a_server_is_called_with_the_call_id),
	    CASE(a_secret_reaches_its_server_as_a_file),
	    CASE(one_server_per_task_kept_until_its_fence),
	    CASE(a_server_that_dies_leaves_the_outcome_unknown),
	    CASE(a_server_that_hangs_leaves_the_outcome_unknown),
	    CASE(what_a_server_asks_for_is_refused),
	    CASE(definitions_are_read_page_by_page),
	    CASE(output_that_is_no_utf8_is_made_so),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
