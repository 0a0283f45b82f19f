/* SPDX-License-Identifier: Apache-2.0 */
/* bench/http_server.c - processor time per request of the HTTP server, loaded by wrk.
 *
 *	bench-http-server [SECONDS [CONNECTIONS]]
 *
 * A POST of 208 bytes of JSON is answered with 316 bytes. Wall-clock rates depend on the machine's
 * other work; the time this process spends per request hardly does.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/http_server.h"

enum { ANSWER_BYTES = 316, BODY_BYTES = 208 };

static char answer[ANSWER_BYTES + 1];
static uint64_t n_requests;
static struct loop *loop;

static void handle(void *ctx, struct http_request *r)
{
	(void)ctx;
	n_requests++;
	http_answer(r, 200, STR("application/json"), str_of(answer, ANSWER_BYTES));
}

static const struct http_server_handlers handlers = {.request = handle};

static void wrk_is_done(int sig)
{
	(void)sig;
	loop_stop(loop);
}

static void write_script(char path[static 64])
{
	char body[BODY_BYTES + 1];
	FILE *f;
	int fd;

	(void)snprintf(path, 64, "/tmp/remit-bench-XXXXXX"); /* fits */
	fd = mkstemp(path);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f) {
		perror("cannot write wrk's script");
		exit(1);
	}
	memset(body, 'x', BODY_BYTES);
	body[BODY_BYTES] = '\0';
	memcpy(body, "{\"a\":\"", 6);
	memcpy(body + BODY_BYTES - 2, "\"}", 2);
	fprintf(f,
		"wrk.method = \"POST\"\nwrk.body = '%s'\n"
		"wrk.headers[\"Content-Type\"] = \"application/json\"\n"
		"wrk.headers[\"Authorization\"] = \"Bearer 0123456789abcdef0123456789abcdef\"\n",
		body);
	fclose(f);
}

static pid_t start_wrk(const char *script, const char *seconds, const char *connections,
		       uint16_t port)
{
	char url[64];
	pid_t pid;

	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/echo", (unsigned)port); /* fits */
	pid = fork();
	if (pid == 0) {
		execlp("wrk", "wrk", "-t1", "-c", connections, "-d", seconds, "-s", script,
		       "--latency", url, (char *)NULL);
		perror("wrk");
		_exit(127);
	}
	return pid;
}

int main(int argc, char **argv)
{
	struct http_server_conf conf = http_server_conf_default();
	struct clock clock = clock_system();
	struct http_server *server = NULL;
	struct err e = ERR_INIT;
	struct address address;
	struct rusage used;
	char script[64];
	double cpu_us;
	int fd = -1;
	pid_t wrk;

	memset(answer, 'y', ANSWER_BYTES);
	memcpy(answer, "{\"b\":\"", 6);
	memcpy(answer + ANSWER_BYTES - 2, "\"}", 2);
	if (loop_new(&clock, &loop, &e) != RC_OK ||
	    listen_open(STR("127.0.0.1:0"), 0, &fd, &e) != RC_OK ||
	    http_server_new(loop, fd, &conf, &handlers, NULL, &server, &e) != RC_OK ||
	    http_server_address(server, &address, &e) != RC_OK) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	signal(SIGCHLD, wrk_is_done);
	write_script(script);
	wrk = start_wrk(script, argc > 1 ? argv[1] : "5", argc > 2 ? argv[2] : "64",
			address_port(&address));
	if (wrk < 0 || loop_run(loop, &e) != RC_OK || getrusage(RUSAGE_SELF, &used) != 0) {
		fprintf(stderr, "the run failed: %s\n", e.msg);
		return 1;
	}
	(void)waitpid(wrk, NULL, 0); /* it has ended: that is why the loop stopped */
	unlink(script);
	cpu_us = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
		 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
	printf("%llu requests, %.2f us of processor time each\n", (unsigned long long)n_requests,
	       n_requests ? cpu_us / (double)n_requests : 0);
	http_server_free(server);
	loop_free(loop);
	return 0;
}
