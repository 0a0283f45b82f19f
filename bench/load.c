/* SPDX-License-Identifier: Apache-2.0 */
/* bench/load.c - an agent's calls, as many as the other side takes.
 *
 *	bench-load ADDRESS TARGET TOOL ARGUMENTS CONNECTIONS SECONDS
 *	bench-load ADDRESS TARGET TOOL ARGUMENTS	one call; prints the text of its result
 *
 * ADDRESS is 127.0.0.1:PORT without TLS, TARGET the path of the MCP endpoint. Each connection opens
 * a session (2025-11-25) and then has one call under way at any time. What ends in the first second
 * is not counted. An answer that is not a tool's result without isError counts as refused, and the
 * first such answer is printed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/vec.h"
#include "codec/http.h"
#include "codec/json.h"
#include "net/address.h"

enum {
	WARM_UP_NS = 1000000000,
	ANSWER_BYTES = 1 << 20,
	READ_BYTES = 65536,
	MAX_CONNECTIONS = 1024
};

enum stage { STAGE_INITIALIZE, STAGE_INITIALIZED, STAGE_CALL };

struct connection {
	int fd;
	enum stage stage;
	struct buf in;
	size_t scanned;
	bool has_head;
	unsigned status;
	struct http_body body;
	struct buf text;
	char session[1024];
	uint64_t id;
	uint64_t sent_ns;
};

struct load {
	struct address address;
	struct str host;
	struct str target;
	struct str tool;
	struct str args;
	bool is_once;
	uint64_t from_ns; /* answers before it do not count */
	uint64_t until_ns;
	uint64_t answered; /* well, at any time */
	uint64_t refused;
	VEC(uint32_t) latencies_us;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	MUST(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static enum rc dial(const struct load *l, struct connection *c, struct err *e)
{
	struct sockaddr_storage to;

	memcpy(&to, l->address.bytes, l->address.n);
	c->fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, l->address.n) != 0 ||
	    fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot connect");
	}
	c->in = (struct buf)BUF_INIT(2 * ANSWER_BYTES);
	c->text = (struct buf)BUF_INIT(ANSWER_BYTES);
	return RC_OK;
}

static enum rc write_message(const struct load *l, struct connection *c, struct buf *out)
{
	switch (c->stage) {
	case STAGE_INITIALIZE:
		return buf_addf(
		    out, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{"
			 "\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},"
			 "\"clientInfo\":{\"name\":\"bench-load\",\"version\":\"1\"}}}");
	case STAGE_INITIALIZED:
		return buf_addf(out,
				"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
	case STAGE_CALL:
		c->id++;
		return buf_addf(
		    out,
		    "{\"jsonrpc\":\"2.0\",\"id\":%ju,\"method\":\"tools/call\",\"params\":{"
		    "\"name\":\"%.*s\",\"arguments\":%.*s}}",
		    (uintmax_t)c->id, STR_ARG(l->tool), STR_ARG(l->args));
	}
	return RC_BROKEN;
}

static enum rc send_message(const struct load *l, struct connection *c, struct err *e)
{
	AUTO_BUF message = BUF_INIT(ANSWER_BYTES);
	AUTO_BUF out = BUF_INIT(2 * ANSWER_BYTES);
	struct http_out w = http_out_request(&out, STR("POST"), l->target, l->host);

	if (write_message(l, c, &message) != RC_OK) {
		FAIL(e, RC_LIMIT, "the arguments are too long");
	}
	http_out_field(&w, STR("Content-Type"), STR("application/json"));
	http_out_field(&w, STR("Accept"), STR("application/json, text/event-stream"));
	if (c->session[0]) {
		http_out_field(&w, STR("Mcp-Session-Id"), str_from(c->session));
		http_out_field(&w, STR("MCP-Protocol-Version"), STR("2025-11-25"));
	}
	http_out_length(&w, message.n);
	TRY(http_out_end(&w, e));
	TRY(buf_add(&out, buf_view(&message)));
	c->scanned = 0;
	c->has_head = false;
	buf_reset(&c->text);
	c->sent_ns = now_ns();
	return file_write_all(c->fd, buf_view(&out), e);
}

/* The JSON-RPC message of an answer: the body, or the last event of a stream. */
static struct str message_of(const struct connection *c)
{
	struct str rest = buf_view(&c->text);
	struct str last = rest;

	if (!str_has_prefix(str_trim(rest), STR("{"))) {
		while (rest.p) {
			struct str line = str_cut(&rest, '\n');

			if (str_has_prefix(line, STR("data: {"))) {
				last = str_slice(line, 6, line.n);
			}
		}
	}
	return last;
}

static bool is_good(const struct connection *c, struct arena *arena, struct str *ret_text)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *j;
	const struct json *is_error;

	if (c->status != 200 || json_parse(arena, message_of(c), &limits, &j, NULL) != RC_OK ||
	    !json_str(json_pointer(j, STR("/result/content/0/text")), ret_text)) {
		*ret_text = buf_view(&c->text);
		return false;
	}
	is_error = json_pointer(j, STR("/result/isError"));
	return json_type(is_error) != JSON_TRUE;
}

static enum rc take_call(struct load *l, const struct connection *c, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(8 << 20);
	uint64_t now = now_ns();
	struct str text;
	bool good = is_good(c, &arena, &text);

	if (l->is_once) {
		printf(STR_FMT "\n", STR_ARG(text));
		l->until_ns = 0;
		return good ? RC_OK : err_set(e, RC_DENIED, __func__, "the call was refused");
	}
	if (!good && l->refused++ == 0) {
		fprintf(stderr, "first refusal: HTTP %u " STR_FMT "\n", c->status, STR_ARG(text));
	}
	l->answered += good;
	if (good && now >= l->from_ns && now < l->until_ns &&
	    vec_push(&l->latencies_us, (uint32_t)((now - c->sent_ns) / 1000)) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for latencies");
	}
	return RC_OK;
}

/* A whole answer is there. */
static enum rc go_on(struct load *l, struct connection *c, struct err *e)
{
	switch (c->stage) {
	case STAGE_INITIALIZE:
		if (c->status != 200) {
			FAIL(e, RC_DENIED, "initialize: HTTP %u " STR_FMT, c->status,
			     STR_ARG(str_slice(buf_view(&c->text), 0, 120)));
		}
		c->stage = STAGE_INITIALIZED;
		break;
	case STAGE_INITIALIZED:
		c->stage = STAGE_CALL;
		break;
	case STAGE_CALL:
		TRY(take_call(l, c, e));
		break;
	}
	return l->until_ns ? send_message(l, c, e) : RC_OK;
}

/* What has been received: more is needed (RC_AGAIN), or an answer is complete. */
static enum rc parse(struct connection *c, struct err *e)
{
	struct http_head head;
	struct str rest;
	enum rc rc;

	if (!c->has_head) {
		struct str session;

		rc = http_parse_response(buf_view(&c->in), &c->scanned, STR("POST"), &head, e);
		if (rc != RC_OK) {
			return rc;
		}
		session = http_header_get(&head, STR("Mcp-Session-Id"));
		if (session.n && session.n < sizeof(c->session)) {
			memcpy(c->session, session.p, session.n);
			c->session[session.n] = '\0';
		}
		c->status = head.status;
		c->body = http_body_of(&head, ANSWER_BYTES);
		c->has_head = true;
		buf_consume(&c->in, head.head_bytes);
	}
	rest = buf_view(&c->in);
	rc = http_body_read(&c->body, &rest, &c->text, e);
	buf_consume(&c->in, c->in.n - rest.n);
	return rc;
}

static enum rc on_readable(struct load *l, struct connection *c, struct err *e)
{
	ssize_t got;
	enum rc rc;

	TRY(buf_reserve(&c->in, READ_BYTES));
	got = read(c->fd, c->in.p + c->in.n, READ_BYTES);
	if (got <= 0) {
		FAIL(e, RC_IO, "the connection was closed");
	}
	c->in.n += (size_t)got;
	rc = parse(c, e);
	if (rc == RC_AGAIN) {
		return RC_OK;
	}
	return rc == RC_OK ? go_on(l, c, e) : rc;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void report(struct load *l, uint64_t seconds)
{
	size_t n = l->latencies_us.n;
	uint32_t *us = l->latencies_us.p;

	if (n == 0) {
		printf("calls 0\nanswered %ju\nrefused %ju\n", (uintmax_t)l->answered,
		       (uintmax_t)l->refused);
		return;
	}
	qsort(us, n, sizeof(*us), compare);
	printf("calls %zu\nanswered %ju\nrefused %ju\ncalls_per_s %.0f\np50_us %u\np99_us "
	       "%u\nmax_us %u\n",
	       n, (uintmax_t)l->answered, (uintmax_t)l->refused, (double)n / (double)seconds,
	       us[n / 2], us[n * 99 / 100], us[n - 1]);
}

static enum rc run(struct load *l, struct connection *all, size_t n, struct err *e)
{
	AUTO_FD poll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[64];

	for (size_t i = 0; i < n; i++) {
		struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &all[i]};

		TRY(dial(l, &all[i], e));
		if (epoll_ctl(poll, EPOLL_CTL_ADD, all[i].fd, &ev) != 0) {
			return err_set_sys(e, RC_IO, __func__, "cannot watch a connection");
		}
		TRY(send_message(l, &all[i], e));
	}
	while (now_ns() < l->until_ns) {
		int got = epoll_wait(poll, events, ARRAY_LEN(events), 100);

		for (int i = 0; i < got; i++) {
			TRY(on_readable(l, events[i].data.ptr, e));
		}
	}
	return RC_OK;
}

int main(int argc, char **argv)
{
	static struct connection all[MAX_CONNECTIONS];
	struct load l = {0};
	struct err e = ERR_INIT;
	uint64_t connections = 1;
	uint64_t seconds = 60;

	l.is_once = argc == 5;
	if ((argc != 5 && argc != 7) ||
	    (argc == 7 && (!num_u64(str_from(argv[5]), MAX_CONNECTIONS, &connections) ||
			   !num_u64(str_from(argv[6]), 3600, &seconds) || !seconds))) {
		fprintf(stderr,
			"usage: bench-load ADDRESS TARGET TOOL ARGUMENTS [CONNECTIONS SECONDS]\n");
		return 2;
	}
	l.host = str_from(argv[1]);
	l.target = str_from(argv[2]);
	l.tool = str_from(argv[3]);
	l.args = str_from(argv[4]);
	l.from_ns = now_ns() + WARM_UP_NS;
	l.until_ns = l.from_ns + seconds * UINT64_C(1000000000);
	if (address_parse(l.host, &l.address, &e) != RC_OK ||
	    run(&l, all, (size_t)connections, &e) != RC_OK) {
		fprintf(stderr, "bench-load: %s\n", e.msg);
		return 1;
	}
	if (!l.is_once) {
		report(&l, seconds);
	}
	return 0;
}
