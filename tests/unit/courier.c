/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "codec/base64.h"
#include "courier/courier.h"
#include "courier/webhook.h"
#include "http_catcher.h"

static char place[64];
static char out[96];
static char secret_file[96];

enum { WORDS = 4 };
static struct str words[WORDS];
static char url[128];
static struct notifier notifiers[2];

static struct loop *l;
static struct clock clock_;
static struct courier *courier;
static size_t answers;
static uint64_t last_id;
static bool last_ok;
static char last_detail[300];

static void notified(void *ctx, uint64_t id, bool ok, struct str detail)
{
	(void)ctx;
	answers++;
	last_id = id;
	last_ok = ok;
	assert_true(detail.n <= 256);
	memcpy(last_detail, detail.p ? detail.p : "", detail.n);
	last_detail[detail.n] = '\0';
}

static int make_place(void **state)
{
	(void)state;
	(void)signal(SIGPIPE, SIG_IGN); /* as every role does */
	memcpy(place, "/tmp/remit-courier-XXXXXX", 26);
	if (!mkdtemp(place)) {
		return -1;
	}
	(void)snprintf(out, sizeof(out), "%s/out", place);
	(void)snprintf(secret_file, sizeof(secret_file), "%s/secret", place);
	clock_ = clock_system();
	return 0;
}

static int remove_place(void **state)
{
	(void)state;
	courier_free(courier);
	courier = NULL;
	loop_free(l);
	l = NULL;
	(void)unlink(out);
	(void)unlink(secret_file);
	return rmdir(place);
}

/* "pager" runs script in a shell, as an operator's script would be run: with the place of out as
 * its argument. "chat" posts to url. */
static void open_courier(const char *script, const char *secret, uint64_t timeout_ms)
{
	struct courier_conf conf = {.notifiers = notifiers,
				    .n_notifiers = 2,
				    .timeout_ms = timeout_ms,
				    .notified = notified};
	struct err e = ERR_INIT;

	words[0] = STR("/bin/sh");
	words[1] = STR("-c");
	words[2] = str_from(script);
	words[3] = str_from(out);
	notifiers[0] = (struct notifier){
	    .name = STR("pager"), .type = NOTIFIER_COMMAND, .command = {.p = words, .n = WORDS}};
	notifiers[1] =
	    (struct notifier){.name = STR("chat"), .type = NOTIFIER_WEBHOOK, .url = str_from(url)};
	if (secret) {
		assert_ok(file_replace(secret_file, str_from(secret), 0600, NULL));
		notifiers[1].secret_file = str_from(secret_file);
	}
	assert_ok(loop_new(&clock_, &l, NULL));
	if (courier_new(l, &conf, &courier, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	answers = 0;
}

static void wait_for_answers(size_t n)
{
	for (int i = 0; i < 500 && answers < n; i++) {
		assert_ok(loop_step(l, 20, NULL));
	}
	assert_int_equal(answers, n);
	assert_ok(loop_step(l, 0, NULL)); /* and no more */
	assert_int_equal(answers, n);
}

static void assert_out(const char *want)
{
	AUTO_BUF b = BUF_INIT(1 << 20);

	assert_ok(file_read(out, &b, NULL));
	assert_str(buf_view(&b), want);
}

/* ---- Programs ---- */

static void a_program_gets_the_message_and_little_else(void **state)
{
	(void)state;
	char before[] = "SECRET_OF_THE_SERVICE=1";
	int leak = open("/dev/null", O_RDONLY); /* on purpose without O_CLOEXEC */

	assert_int_equal(putenv(before), 0);
	assert_true(leak > 2);
	open_courier("cat >\"$0\"; env | sort | grep -v -e ^_= -e ^PWD= -e ^SHLVL= >>\"$0\";"
		     "ls /proc/self/fd | tr '\\n' ' ' >>\"$0\"",
		     NULL, 0);
	courier_notify(courier, 5, STR("pager"), STR("{\"about\":1}\n"));
	wait_for_answers(1);
	assert_true(last_ok);
	assert_int_equal(last_id, 5);
	assert_string_equal(last_detail, "");
	/* 3 is what ls opened to look. */
	assert_out(
	    "{\"about\":1}\nLANG=C.UTF-8\nPATH=/usr/bin:/bin\nREMIT_NOTIFIER=pager\n0 1 2 3 ");
	(void)close(leak);
	assert_int_equal(unsetenv("SECRET_OF_THE_SERVICE"), 0);
}

static void a_program_that_fails_is_a_failure_with_a_reason(void **state)
{
	(void)state;
	open_courier("exit 3", NULL, 0);
	courier_notify(courier, 1, STR("pager"), STR("{}"));
	wait_for_answers(1);
	assert_false(last_ok);
	assert_string_equal(last_detail, "ended with status 3");
	words[2] = STR("kill -9 $$");
	courier_notify(courier, 2, STR("pager"), STR("{}"));
	wait_for_answers(2);
	assert_string_equal(last_detail, "killed by signal 9");
	words[0] = STR("/nonexistent/program");
	courier_notify(courier, 3, STR("pager"), STR("{}"));
	wait_for_answers(3);
	assert_string_equal(last_detail, "cannot be executed (status 127)");
	words[0] = STR("sh");
	courier_notify(courier, 4, STR("pager"), STR("{}"));
	wait_for_answers(4);
	assert_string_equal(last_detail, "a notifier's program must be an absolute path");
	courier_notify(courier, 5, STR("nobody"), STR("{}"));
	wait_for_answers(5);
	assert_string_equal(last_detail, "there is no such notifier");
}

static void a_program_that_does_not_end_is_killed_with_its_children(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(100);
	pid_t grandchild;

	open_courier("sleep 60 & echo $! >\"$0\"; wait", NULL, 200);
	courier_notify(courier, 1, STR("pager"), STR("{}"));
	wait_for_answers(1);
	assert_false(last_ok);
	assert_string_equal(last_detail, "did not end in time and was killed");
	assert_ok(file_read(out, &b, NULL));
	assert_ok(buf_add_char(&b, '\0'));
	grandchild = (pid_t)strtol(b.p, NULL, 10);
	assert_true(grandchild > 1);
	for (int i = 0; i < 100 && kill(grandchild, 0) == 0; i++) {
		char stat[64];
		AUTO_BUF s = BUF_INIT(4096);

		/* Killed; whoever is init here may not reap it. */
		(void)snprintf(stat, sizeof(stat), "/proc/%d/stat", (int)grandchild);
		if (file_read(stat, &s, NULL) == RC_OK && str_contains(buf_view(&s), STR(") Z "))) {
			break;
		}
		assert_true(i < 99);
		(void)usleep(10000);
	}
}

static void a_large_message_and_a_program_that_does_not_read(void **state)
{
	(void)state;
	static char large[60000];

	memset(large, 'x', sizeof(large));
	open_courier("exec >\"$0\"; wc -c", NULL, 0);
	courier_notify(courier, 1, STR("pager"), str_of(large, sizeof(large)));
	wait_for_answers(1);
	assert_true(last_ok);
	assert_out("60000\n");
	words[2] = STR("exit 0");
	courier_notify(courier, 2, STR("pager"), str_of(large, sizeof(large)));
	wait_for_answers(2);
	assert_true(last_ok);
}

static void too_many_at_once_are_refused_and_all_are_answered(void **state)
{
	(void)state;
	open_courier("cat >/dev/null; sleep 0.2", NULL, 0);
	for (uint64_t i = 0; i < LIMIT_NOTIFYING + 3; i++) {
		courier_notify(courier, i, STR("pager"), STR("{}"));
	}
	assert_int_equal(answers, 3);
	assert_string_equal(last_detail, "too many messages are under way");
	wait_for_answers(LIMIT_NOTIFYING + 3);
	courier_notify(courier, 99, STR("pager"), STR("{}"));
	wait_for_answers(LIMIT_NOTIFYING + 4);
	assert_true(last_ok);
}

static void ending_kills_what_is_under_way(void **state)
{
	(void)state;
	open_courier("sleep 60", NULL, 0);
	courier_notify(courier, 1, STR("pager"), STR("{}"));
	courier_free(courier);
	courier = NULL;
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
	assert_int_equal(answers, 0);
}

/* ---- Webhooks ---- */

static void post_once(const char *answer, const char *secret, uint64_t timeout_ms, char *text,
		      size_t size)
{
	struct catcher c;

	catcher_start(&c, answer);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/hook?x=1", c.port);
	open_courier("", secret, timeout_ms);
	courier_notify(courier, 7, STR("chat"), STR("{\"about\":1}"));
	wait_for_answers(1);
	catcher_stop(&c, text, size);
}

static void a_webhook_is_one_post_with_a_bearer_token(void **state)
{
	(void)state;
	char text[65536];

	post_once("HTTP/1.1 204 No Content\r\n\r\n", "a token\n", 0, text, sizeof(text));
	assert_true(last_ok);
	assert_string_equal(last_detail, "status 204");
	assert_non_null(strstr(text, "POST /hook?x=1 HTTP/1.1\r\n"));
	assert_non_null(strstr(text, "\r\ncontent-type: application/json\r\n"));
	assert_non_null(strstr(text, "\r\nauthorization: Bearer a token\r\n"));
	assert_non_null(strstr(text, "\r\nwebhook-id: remit_"));
	assert_non_null(strstr(text, "_7\r\n"));
	assert_non_null(strstr(text, "\r\nwebhook-timestamp: 1"));
	assert_null(strstr(text, "webhook-signature"));
	assert_null(strstr(text, "Expect"));
	assert_non_null(strstr(text, "\r\n\r\n{\"about\":1}"));
}

/* The value of that header, cut out of a request. */
static void header(const char *text, const char *name, char value[256])
{
	const char *p = strstr(text, name);

	assert_non_null(p);
	p += strlen(name);
	memcpy(value, p, strcspn(p, "\r"));
	value[strcspn(p, "\r")] = '\0';
}

static void a_webhook_with_a_signing_key_is_signed(void **state)
{
	(void)state;
	char text[65536];
	char id[256];
	char stamp[256];
	char signature[256];
	AUTO_BUF key = BUF_INIT(64);
	AUTO_BUF want = BUF_INIT(256);

	post_once("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		  "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 0, text, sizeof(text));
	assert_true(last_ok);
	assert_null(strstr(text, "whsec_"));
	assert_null(strstr(text, "authorization"));
	header(text, "webhook-id: ", id);
	header(text, "webhook-timestamp: ", stamp);
	header(text, "webhook-signature: ", signature);
	assert_ok(base64_decode(&key, STR("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")));
	assert_ok(webhook_sign(buf_view(&key), str_from(id), strtoull(stamp, NULL, 10),
			       STR("{\"about\":1}"), &want, NULL));
	assert_str(buf_view(&want), signature);
}

/* The example of the Standard Webhooks documentation. */
static void signatures_are_those_of_standard_webhooks(void **state)
{
	(void)state;
	AUTO_BUF key = BUF_INIT(64);
	AUTO_BUF got = BUF_INIT(256);

	assert_ok(base64_decode(&key, STR("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")));
	assert_ok(webhook_sign(buf_view(&key), STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330,
			       STR("{\"test\": 2432232314}"), &got, NULL));
	assert_str(buf_view(&got), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void anything_but_2xx_is_a_failure_and_redirects_are_not_followed(void **state)
{
	(void)state;
	char text[65536];
	struct catcher trap;
	char answer[256];

	post_once("HTTP/1.1 500 Sorry\r\nContent-Length: 0\r\n\r\n", NULL, 0, text, sizeof(text));
	assert_false(last_ok);
	assert_string_equal(last_detail, "status 500");
	courier_free(courier);
	loop_free(l);

	catcher_start(&trap, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	(void)snprintf(answer, sizeof(answer),
		       "HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:%d/\r\n"
		       "Content-Length: 0\r\n\r\n",
		       trap.port);
	post_once(answer, NULL, 0, text, sizeof(text));
	assert_false(last_ok);
	assert_string_equal(last_detail, "status 307");
	catcher_stop(&trap, text, sizeof(text));
	assert_string_equal(text, "");
}

static void a_server_that_is_silent_or_absent_is_a_failure_in_time(void **state)
{
	(void)state;
	char text[65536];

	post_once(NULL, NULL, 300, text, sizeof(text));
	assert_false(last_ok);
	assert_non_null(strstr(last_detail, "timed out"));
	courier_notify(courier, 8, STR("chat"), STR("{}")); /* nobody listens there any more */
	wait_for_answers(2);
	assert_false(last_ok);
	assert_non_null(strstr(last_detail, "connect"));
}

static void a_silent_server_does_not_hold_up_the_others(void **state)
{
	(void)state;
	char text[65536];
	struct catcher c;

	catcher_start(&c, NULL);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/", c.port);
	open_courier("exit 0", NULL, 5000);
	courier_notify(courier, 1, STR("chat"), STR("{}"));
	courier_notify(courier, 2, STR("pager"), STR("{}"));
	wait_for_answers(1);
	assert_int_equal(last_id, 2);
	assert_true(last_ok);
	catcher_stop(&c, text, sizeof(text));
}

static void a_secret_that_cannot_be_used_is_an_error(void **state)
{
	(void)state;
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:1/");
	open_courier("", "whsec_%%%", 0);
	courier_notify(courier, 1, STR("chat"), STR("{}"));
	wait_for_answers(1);
	assert_false(last_ok);
	assert_non_null(strstr(last_detail, "no base64"));
	assert_null(strstr(last_detail, "%%%"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_program_gets_the_message_and_little_else),
	    TEST(a_program_that_fails_is_a_failure_with_a_reason),
	    TEST(a_program_that_does_not_end_is_killed_with_its_children),
	    TEST(a_large_message_and_a_program_that_does_not_read),
	    TEST(too_many_at_once_are_refused_and_all_are_answered),
	    TEST(ending_kills_what_is_under_way),
	    TEST(a_webhook_is_one_post_with_a_bearer_token),
	    TEST(a_webhook_with_a_signing_key_is_signed),
	    TEST(signatures_are_those_of_standard_webhooks),
	    TEST(anything_but_2xx_is_a_failure_and_redirects_are_not_followed),
	    TEST(a_server_that_is_silent_or_absent_is_a_failure_in_time),
	    TEST(a_silent_server_does_not_hold_up_the_others),
	    TEST(a_secret_that_cannot_be_used_is_an_error),
	};
	int failed;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		return 1;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	curl_global_cleanup();
	return failed;
}
