/* SPDX-License-Identifier: Apache-2.0 */
/* bench/http_server.c - processor time per request of the HTTP server, loaded by wrk.
 *
 *	bench-http-server [SECONDS [CONNECTIONS [tls]]]
 *
 * A POST of 208 bytes of JSON is answered with 316 bytes. Wall-clock rates depend on the machine's
 * other work; the time this process spends per request hardly does.
 */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "identity/ca.h"
#include "net/http_server.h"

enum { ANSWER_BYTES = 316, BODY_BYTES = 208 };

static char answer[ANSWER_BYTES + 1];
static uint64_t n_requests;
static struct loop *loop;
static struct http_server *server;
static size_t heap_before;
static size_t heap_per_connection; /* the largest seen, while requests are in flight */

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

static void measure_heap(struct loop_timer *t)
{
	size_t n = http_server_connections(server);
	size_t each = n ? (mallinfo2().uordblks - heap_before) / n : 0;

	if (each > heap_per_connection) {
		heap_per_connection = each;
	}
	(void)loop_timer_in(loop, t, 500); /* the timer has its place in the heap */
}

static enum rc make_tls(struct tls_context **ret, struct err *e)
{
	static const struct str name = STR("localhost");
	struct clock clock = clock_system();
	char dir[] = "/tmp/remit-bench-XXXXXX";
	char cert[64];
	char key[64];
	struct ca_request request = {
	    .spiffe_id = STR("spiffe://bench.test/server"),
	    .names = &name,
	    .n_names = 1,
	    .valid_s = 3600,
	    .cert_path = cert,
	    .key_path = key,
	};
	struct ca *ca = NULL;
	enum rc rc;

	if (!mkdtemp(dir)) {
		return err_set_sys(e, RC_IO, __func__, "cannot create a directory");
	}
	(void)snprintf(cert, sizeof(cert), "%s/c.pem", dir); /* fits */
	(void)snprintf(key, sizeof(key), "%s/c.key", dir);   /* fits */
	rc = ca_create(STR("bench.test"), &clock, 3600, &ca, e);
	if (rc == RC_OK) {
		rc = ca_issue(ca, &clock, &request, e);
	}
	if (rc == RC_OK) {
		rc = tls_server_for_people(&(struct tls_files){cert, key}, ret, e);
	}
	ca_free(ca);
	unlink(cert);
	unlink(key);
	rmdir(dir);
	return rc;
}

static pid_t start_wrk(const char *script, const char *seconds, const char *connections,
		       const char *scheme, uint16_t port)
{
	char url[64];
	pid_t pid;

	(void)snprintf(url, sizeof(url), "%s://localhost:%u/echo", scheme,
		       (unsigned)port); /* fits */
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
	struct loop_timer heap_timer = {.fire = measure_heap};
	bool has_tls = argc > 3 && strcmp(argv[3], "tls") == 0;
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
	if (loop_new(&clock, &loop, &e) != RC_OK || (has_tls && make_tls(&conf.tls, &e) != RC_OK) ||
	    listen_open(STR("127.0.0.1:0"), 0, &fd, &e) != RC_OK ||
	    http_server_new(loop, fd, &conf, &handlers, NULL, &server, &e) != RC_OK ||
	    http_server_address(server, &address, &e) != RC_OK ||
	    loop_timer_in(loop, &heap_timer, 500) != RC_OK) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	signal(SIGCHLD, wrk_is_done);
	write_script(script);
	wrk = start_wrk(script, argc > 1 ? argv[1] : "5", argc > 2 ? argv[2] : "64",
			has_tls ? "https" : "http", address_port(&address));
	heap_before = mallinfo2().uordblks;
	if (wrk < 0 || loop_run(loop, &e) != RC_OK || getrusage(RUSAGE_SELF, &used) != 0) {
		fprintf(stderr, "the run failed: %s\n", e.msg);
		return 1;
	}
	(void)waitpid(wrk, NULL, 0); /* it has ended: that is why the loop stopped */
	unlink(script);
	cpu_us = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
		 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
	printf("%llu requests, %.2f us of processor time each, %zu bytes of heap per connection\n",
	       (unsigned long long)n_requests, n_requests ? cpu_us / (double)n_requests : 0,
	       heap_per_connection);
	tls_context_unref(conf.tls);
	http_server_free(server);
	loop_free(loop);
	return 0;
}
