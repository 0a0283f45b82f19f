/* SPDX-License-Identifier: Apache-2.0 */
/* nginx.c - remit-nginx as the runner starts it, with a real nginx and real requests.
 *
 *	test-nginx REMIT_NGINX PACK_YAML NGINX
 *
 * Skipped (77) without nginx.
 */
#include "test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "access_log.h"
#include "base/file.h"
#include "base/num.h"
#include "deny_list.h"
#include "free_port.h"
#include "tool_scene.h"

static const char *remit_nginx;
static const char *nginx;

static char dir[256];
static unsigned port;

static const char *in_dir(const char *name)
{
	const char *path = arena_strf(&arena, "%s/%s", dir, name).p;

	assert_non_null(path);
	return path;
}

static void put(const char *name, const char *text)
{
	struct err e = ERR_INIT;

	assert_ok(file_replace(in_dir(name), str_from(text), 0644, &e));
}

static void start_nginx(void)
{
	AUTO_BUF conf = BUF_INIT(8192);
	pid_t pid;
	int status;

	assert_ok(buf_addf(
	    &conf,
	    "pid %s/nginx.pid;\nerror_log %s/error.log;\nworker_processes 2;\nevents {}\nhttp {\n"
	    "client_body_temp_path %s/t1; proxy_temp_path %s/t2; fastcgi_temp_path %s/t3;\n"
	    "uwsgi_temp_path %s/t4; scgi_temp_path %s/t5;\naccess_log %s/access.log;\n"
	    "include %s/blocked.conf;\nserver { listen 127.0.0.1:%u; root %s/www; } }\n",
	    dir, dir, dir, dir, dir, dir, dir, dir, dir, port, dir));
	assert_ok(buf_add_char(&conf, '\0'));
	put("nginx.conf", conf.p);
	put("blocked.conf", "# what a person wrote stays\n");
	assert_int_equal(mkdir(in_dir("www"), 0755), 0);
	put("www/index.html", "hello");
	pid = fork();
	if (pid == 0) {
		execl(nginx, nginx, "-c", in_dir("nginx.conf"), "-e", in_dir("error.log"), NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static pid_t master(void)
{
	AUTO_BUF b = BUF_INIT(64);
	struct str text;
	uint64_t pid;

	assert_ok(file_read(in_dir("nginx.pid"), &b, NULL));
	text = buf_view(&b);
	assert_true(num_u64(str_cut(&text, '\n'), INT32_MAX, &pid));
	return (pid_t)pid;
}

/* The status of GET / from a local address. */
static int get_from(const char *address)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	static const char request[] = "GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
	char answer[64] = "";
	AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t status = 0;

	assert_int_equal(inet_pton(AF_INET, address, &from.sin_addr), 1);
	assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &to.sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(write(fd, request, sizeof(request) - 1), (ssize_t)sizeof(request) - 1);
	assert_true(read(fd, answer, 16) >= 12);
	assert_true(num_u64(str_of(answer + 9, 3), 999, &status));
	return (int)status;
}

static int set_up(void **state)
{
	(void)state;
	static struct str command[16];
	static struct str paths[1];

	/* Workers run as somebody else: they must be able to look in. */
	assert_true(snprintf(dir, sizeof(dir), "/tmp/remit-nginx-XXXXXX") > 0);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	port = free_port();
	start_nginx();
	command[0] = str_from(remit_nginx);
	command[1] = STR("--log");
	command[2] = str_from(in_dir("access.log"));
	command[3] = STR("--blocked");
	command[4] = str_from(in_dir("blocked.conf"));
	command[5] = STR("--pid");
	command[6] = str_from(in_dir("nginx.pid"));
	command[7] = STR("--config");
	command[8] = str_from(in_dir("nginx.conf"));
	command[9] = STR("--protect");
	command[10] = STR("127.0.0.3");
	command[11] = STR("--nginx");
	command[12] = str_from(nginx);
	command[13] = STR("--wait");
	command[14] = STR("1500");
	paths[0] = str_from(dir);
	upstream = (struct upstream){
	    .name = STR("nginx"),
	    .transport = TRANSPORT_STDIO,
	    .command = {command, 15},
	    .readable = {paths, 1},
	    .writable = {paths, 1},
	    .may_signal = true,
	    .timeout_ms = 10000,
	};
	start_runner();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	AUTO_BUF command = BUF_INIT(512);

	stop_runner();
	assert_int_equal(kill(master(), SIGTERM), 0);
	assert_ok(buf_addf(&command, "sleep 0.3; rm -rf %s%c", dir, 0));
	assert_int_equal(system(command.p), 0);
	arena_fini(&arena);
	return 0;
}

/* ---- what must hold ---- */

static void blocking_an_address_refuses_it_at_once_and_no_other(void **state)
{
	(void)state;
	AUTO_BUF list = BUF_INIT(4096);

	assert_int_equal(get_from("127.0.0.2"), 200);
	call("blocked", "{\"address\":\"127.0.0.2\"}");
	outcome(OUTCOME_OK, "\"structuredContent\":{\"address\":\"127.0.0.2\",\"blocked\":false}");
	call("block", "{\"address\":\"127.0.0.2\"}");
	outcome(OUTCOME_OK, "\"blocked\":true,\"changed\":true");
	assert_int_equal(get_from("127.0.0.2"), 403);
	assert_int_equal(get_from("127.0.0.4"), 200);
	call("block", "{\"address\":\"127.0.0.2\"}");
	outcome(OUTCOME_OK, "\"blocked\":true,\"changed\":false");
	call("blocked", "{\"address\":\"127.0.0.2\"}");
	outcome(OUTCOME_OK, "\"blocked\":true");
	assert_ok(file_read(in_dir("blocked.conf"), &list, NULL));
	assert_true(str_has_prefix(buf_view(&list), STR("# what a person wrote stays\n"
							"deny 127.0.0.2; # c")));
	call("unblock", "{\"address\":\"127.0.0.2\"}");
	outcome(OUTCOME_OK, "\"blocked\":false,\"changed\":true");
	assert_int_equal(get_from("127.0.0.2"), 200);
	buf_reset(&list);
	assert_ok(file_read(in_dir("blocked.conf"), &list, NULL));
	assert_str(buf_view(&list), "# what a person wrote stays\n");
}

/* nginx writes a line after it has answered. */
static void wait_for_log(const char *text)
{
	for (int i = 0; i < 100; i++) {
		AUTO_BUF log = BUF_INIT(1 << 20);

		assert_ok(file_read(in_dir("access.log"), &log, NULL));
		if (str_contains(buf_view(&log), str_from(text))) {
			return;
		}
		assert_int_equal(usleep(20000), 0);
	}
	fail_msg("no line with '%s' in the log", text);
}

static void the_log_is_searched_for_a_text(void **state)
{
	(void)state;
	assert_int_equal(get_from("127.0.0.5"), 200);
	wait_for_log("127.0.0.5");
	call("log_search", "{\"limit\":1,\"pattern\":\"127.0.0.5\"}");
	outcome(OUTCOME_OK, "\"matched\":1");
	call("log_search", "{\"pattern\":\"127.0.0.5\",\"since\":\"2099-01-01T00:00:00Z\"}");
	outcome(OUTCOME_OK, "\"matched\":0");
	call("log_search", "{\"pattern\":\"\"}");
	outcome(OUTCOME_TOOL_ERROR, "pattern");
}

static void protected_and_senseless_addresses_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "127.0.0.3", "127.0.0.1",  "0.0.0.0",    "0.0.0.0/0", "10.0.0.0/8",
	    "::",	 "::1",	       "224.0.0.1",  "1.2.3",	  "::ffff:1.2.3.4",
	    "a",	 "1.2.3.4; x", "1.2.3.4\\n", "ff02::1",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO_BUF args = BUF_INIT(256);

		assert_ok(buf_addf(&args, "{\"address\":\"%s\"}%c", bad[i], 0));
		call("block", args.p);
		outcome(OUTCOME_TOOL_ERROR, "isError");
	}
}

static void a_change_that_nginx_does_not_take_is_undone(void **state)
{
	(void)state;
	AUTO_BUF list = BUF_INIT(4096);
	AUTO_BUF conf = BUF_INIT(8192);

	assert_ok(file_read(in_dir("nginx.conf"), &conf, NULL));
	assert_ok(buf_add_char(&conf, '\0'));
	put("nginx.conf", "nonsense;");
	call("block", "{\"address\":\"127.0.0.6\"}");
	outcome(OUTCOME_TOOL_ERROR, "undone");
	assert_ok(file_read(in_dir("blocked.conf"), &list, NULL));
	assert_str(buf_view(&list), "# what a person wrote stays\n");
	put("nginx.conf", conf.p);
	assert_int_equal(get_from("127.0.0.6"), 200);
}

static void only_nginx_is_signalled(void **state)
{
	(void)state;
	AUTO_BUF pid = BUF_INIT(64);

	assert_ok(file_read(in_dir("nginx.pid"), &pid, NULL));
	assert_ok(buf_add_char(&pid, '\0'));
	put("nginx.pid", "1\n");
	call("block", "{\"address\":\"127.0.0.7\"}");
	outcome(OUTCOME_TOOL_ERROR, "no process id");
	put("nginx.pid", arena_strf(&arena, "%d\n", (int)getpid()).p);
	call("block", "{\"address\":\"127.0.0.7\"}");
	outcome(OUTCOME_TOOL_ERROR, "not nginx's master");
	put("nginx.pid", pid.p);
}

/* ---- pure parts ---- */

static void times_of_log_lines_are_read(void **state)
{
	(void)state;
	uint64_t a = 0;
	uint64_t b = 0;

	assert_true(access_log_time(STR("1.2.3.4 - - [22/Nov/2026:21:08:26 +0000] \"GET"), &a));
	assert_true(access_since(STR("2026-11-22T21:08:26Z"), &b));
	assert_int_equal(a, 1795381706);
	assert_int_equal(b, a);
	assert_true(access_log_time(STR("[22/Nov/2026:23:08:26 +0200]"), &b));
	assert_int_equal(b, a);
	assert_true(access_log_time(STR("[22/Nov/2026:20:38:26 -0030]"), &b));
	assert_int_equal(b, a);
	assert_true(access_since(STR("2000-02-29T00:00:00Z"), &b));
	assert_int_equal(b, 951782400);
	assert_false(access_log_time(STR("no time at all"), &a));
	assert_false(access_log_time(STR("[22/Nov/2026"), &a));
	assert_false(access_since(STR("2026-13-22T21:08:26Z"), &a));
}

static void the_newest_lines_come_first(void **state)
{
	(void)state;
	struct access_query q = {.pattern = STR("x"), .limit = 2};
	struct access_lines found = {0};

	assert_ok(access_log_find(STR("x1\ny\nx2\n\nx3"), &q, &found));
	assert_int_equal(found.matched, 3);
	assert_int_equal(found.n, 2);
	assert_str(found.p[0], "x3");
	assert_str(found.p[1], "x2");
	vec_fini(&found);
}

static void every_spelling_of_an_address_is_one(void **state)
{
	(void)state;
	AUTO_BUF out = BUF_INIT(256);
	char a[DENY_ADDRESS_BYTES];

	assert_ok(deny_canonical(STR("2001:DB8:0:0::1"), a, NULL));
	assert_string_equal(a, "2001:db8::1");
	assert_true(deny_has(STR("x\n  deny  2001:0db8::0001 ; # why\n"), a));
	assert_false(deny_has(STR("# deny 2001:db8::1;\ndenyx 2001:db8::1;\ndeny all;"), a));
	assert_ok(deny_remove(STR("a\ndeny 2001:db8::1;\ndeny 2001:db8::2;"), a, &out));
	assert_str(buf_view(&out), "a\ndeny 2001:db8::2;");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(times_of_log_lines_are_read),
	    cmocka_unit_test(the_newest_lines_come_first),
	    cmocka_unit_test(every_spelling_of_an_address_is_one),
	    cmocka_unit_test(the_catalog_pins_what_the_server_says),
	    cmocka_unit_test(blocking_an_address_refuses_it_at_once_and_no_other),
	    cmocka_unit_test(the_log_is_searched_for_a_text),
	    cmocka_unit_test(protected_and_senseless_addresses_are_refused),
	    cmocka_unit_test(a_change_that_nginx_does_not_take_is_undone),
	    cmocka_unit_test(only_nginx_is_signalled),
	};

	if (argc != 4) {
		return 2;
	}
	remit_nginx = argv[1];
	pack_yaml = argv[2];
	nginx = argv[3];
	if (access(nginx, X_OK) != 0) {
		printf("skipped: no %s\n", nginx);
		return 77;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
