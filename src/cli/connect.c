/* SPDX-License-Identifier: Apache-2.0 */
/* cli/connect.c - carries MCP messages between standard input and output and Remit's agents' front.
 *
 * The program holds the agent's key and speaks mTLS; the client (a desktop or model application)
 * starts it as a stdio server. One line in is one POST; every answer, or event of an answer, is one
 * line out. It adds nothing and decides nothing: a message that cannot be delivered is answered
 * with a JSON-RPC error that says whether it may have been sent.
 */
#include "cli/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "codec/json.h"
#include "codec/uri.h"
#include "upstream/client.h"

enum { SESSION_BYTES = 1024, CALL_MS = 10 * 60 * 1000 };

struct bridge {
	struct loop *loop;
	struct client *client;
	struct loop_io input;
	struct buf in;
	char target[512];
	char session[SESSION_BYTES];
	char version[32];
	bool has_ended; /* of standard input */
	size_t under_way;
};

struct bridge_call {
	struct bridge *b;
	struct str id; /* raw JSON, owned; empty for a notification */
	bool is_initialize;
};

static void write_line(struct str s)
{
	struct err e = ERR_INIT;

	/* A message is one line: whatever breaks lines stood outside of strings. */
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n' || s.p[i] == '\r') {
			((char *)(uintptr_t)s.p)[i] = ' ';
		}
	}
	if (file_write_all(STDOUT_FILENO, s, &e) != RC_OK ||
	    file_write_all(STDOUT_FILENO, STR("\n"), &e) != RC_OK) {
		_exit(rc_exit_status(RC_IO)); /* the client is gone */
	}
}

static void write_copy(struct str s)
{
	AUTO_BUF copy = BUF_INIT(2 * LIMIT_HTTP_BODY_BYTES);

	if (buf_add(&copy, str_trim(s)) == RC_OK && copy.n) {
		write_line(buf_view(&copy));
	}
}

static void write_error(struct str id, const char *text)
{
	AUTO_BUF out = BUF_INIT(8192);
	struct json_out w = json_out_to(&out);

	if (!id.n) {
		fprintf(stderr, "remit connect: %s\n", text);
		return;
	}
	json_out_object(&w);
	json_out_key_str(&w, "jsonrpc", STR("2.0"));
	json_out_key(&w, STR("id"));
	json_out_raw(&w, id);
	json_out_key(&w, STR("error"));
	json_out_object(&w);
	json_out_key(&w, STR("code"));
	json_out_i64(&w, -32000);
	json_out_key_str(&w, "message", str_from(text));
	json_out_close(&w);
	json_out_close(&w);
	if (json_out_end(&w, NULL) == RC_OK) {
		write_line(buf_view(&out));
	}
}

static void call_free(struct bridge_call *c)
{
	c->b->under_way--;
	if (c->b->has_ended && c->b->under_way == 0) {
		loop_stop(c->b->loop);
	}
	mem_free((void *)(uintptr_t)c->id.p);
	mem_free(c);
}

static void on_event(void *ctx, struct client_call *call, const struct sse_event *event)
{
	(void)ctx; /* events carry their own ids */
	(void)call;
	write_copy(event->data);
}

static void on_done(void *ctx, struct client_call *call, const struct client_result *r)
{
	struct bridge_call *c = ctx;
	struct bridge *b = c->b;
	struct str session;

	(void)call; /* over */
	if (r->fate != CLIENT_ANSWERED) {
		char text[512];

		(void)snprintf(text, sizeof(text), "%s: %s", client_fate_text(r->fate),
			       r->detail ? r->detail : ""); /* a cut text is still a text */
		write_error(c->id, text);
		call_free(c);
		return;
	}
	session = http_header_get(r->head, STR("Mcp-Session-Id"));
	if (c->is_initialize && session.n && session.n < sizeof(b->session)) {
		memcpy(b->session, session.p, session.n);
		b->session[session.n] = '\0';
	}
	if (r->body.n) {
		write_copy(r->body);
	} else if (!r->was_stream && c->id.n) {
		char text[64];

		(void)snprintf(text, sizeof(text), "HTTP status %u", r->head->status);
		write_error(c->id, text);
	}
	call_free(c);
}

/* What of the message the HTTP request needs: its id, its method, a negotiated version. */
static void look_at(struct bridge *b, struct str line, struct bridge_call *c)
{
	AUTO_ARENA arena = ARENA_INIT(64 << 20);
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *j;
	const struct json *id;
	struct str method;
	struct str version;
	char *copy;

	if (json_parse(&arena, line, &limits, &j, NULL) != RC_OK) {
		return; /* the front says what is wrong with it */
	}
	if (json_str(json_get(j, STR("method")), &method)) {
		c->is_initialize = str_eq(method, STR("initialize"));
		id = json_get(j, STR("id"));
		copy = id ? mem_calloc(id->raw.n + 1, 1) : NULL;
		if (copy) {
			memcpy(copy, id->raw.p, id->raw.n);
			c->id = str_of(copy, id->raw.n);
		}
	}
	if (c->is_initialize &&
	    json_str(json_pointer(j, STR("/params/protocolVersion")), &version) &&
	    version.n < sizeof(b->version)) {
		memcpy(b->version, version.p, version.n);
		b->version[version.n] = '\0';
	}
}

static void forward(struct bridge *b, struct str line)
{
	static const struct client_handlers handlers = {.event = on_event, .done = on_done};
	struct bridge_call *c = mem_calloc(1, sizeof(*c));
	struct http_field fields[5] = {
	    {STR("Content-Type"), STR("application/json")},
	    {STR("Accept"), STR("application/json, text/event-stream")},
	};
	struct client_request request = {
	    .target = str_from(b->target),
	    .fields = fields,
	    .n_fields = 2,
	    .body = line,
	    .timeout_ms = CALL_MS,
	};
	struct client_call *call;
	struct err e = ERR_INIT;

	if (!c) {
		fprintf(stderr, "remit connect: no memory\n");
		return;
	}
	c->b = b;
	b->under_way++;
	look_at(b, line, c);
	if (!c->is_initialize && b->session[0]) {
		fields[request.n_fields++] =
		    (struct http_field){STR("Mcp-Session-Id"), str_from(b->session)};
	}
	if (!c->is_initialize && b->version[0]) {
		fields[request.n_fields++] =
		    (struct http_field){STR("MCP-Protocol-Version"), str_from(b->version)};
	}
	if (client_call(b->client, &request, &handlers, c, &call, &e) != RC_OK) {
		write_error(c->id, e.msg);
		call_free(c);
	}
}

static void on_input(struct loop_io *io, uint32_t events)
{
	struct bridge *b = io->ctx;
	ssize_t got = -1;

	(void)events; /* readable or closed: read tells */
	if (buf_reserve(&b->in, 65536) == RC_OK) {
		got = read(STDIN_FILENO, b->in.p + b->in.n, 65536);
	}
	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (got <= 0) {
		loop_remove(b->loop, &b->input);
		b->has_ended = true;
		if (b->under_way == 0) {
			loop_stop(b->loop);
		}
		return;
	}
	b->in.n += (size_t)got;
	for (;;) {
		struct str all = buf_view(&b->in);
		size_t end = str_find(all, '\n');
		struct str line = str_trim(str_slice(all, 0, end));

		if (end == all.n) {
			return;
		}
		if (line.n) {
			forward(b, line);
		}
		buf_consume(&b->in, end + 1);
	}
}

struct connect_options {
	const char *url;
	const char *cert;
	const char *key;
	const char *ca;
	const char *task;
};

static int parse(const struct cli_command *c, int argc, char **argv, struct connect_options *o)
{
	for (int i = 0; i < argc; i++) {
		const char **into;

		if (!strcmp(argv[i], "--cert")) {
			into = &o->cert;
		} else if (!strcmp(argv[i], "--key")) {
			into = &o->key;
		} else if (!strcmp(argv[i], "--ca")) {
			into = &o->ca;
		} else if (!strcmp(argv[i], "--task")) {
			into = &o->task;
		} else if (argv[i][0] == '-') {
			return cli_misuse(c, "unknown option '%s'", argv[i]);
		} else if (o->url) {
			return cli_misuse(c, "unexpected argument '%s'", argv[i]);
		} else {
			o->url = argv[i];
			continue;
		}
		if (++i == argc) {
			return cli_misuse(c, "%s needs a value", argv[i - 1]);
		}
		*into = argv[i];
	}
	if (!o->url || !o->cert || !o->key || !o->ca) {
		return cli_misuse(c, "the URL, --cert, --key and --ca are needed");
	}
	return 0;
}

static enum rc set_up(struct bridge *b, const struct connect_options *o, struct err *e)
{
	struct client_conf conf = client_conf_default();
	struct tls_client_conf tls = {
	    .ca_path = o->ca,
	    .files = {.cert_path = o->cert, .key_path = o->key},
	};
	struct uri uri;
	char host[256];
	char authority[300];
	int n;

	TRY(uri_parse(str_from(o->url), &uri, e));
	if (uri.scheme != URI_HTTPS) {
		FAIL(e, RC_INPUT, "'%s' is no https URL", o->url);
	}
	(void)snprintf(host, sizeof(host), "%.*s", STR_ARG(uri.host)); /* a cut name is not found */
	(void)snprintf(authority, sizeof(authority), "%.*s:%u", STR_ARG(uri.host), uri.port);
	tls.host = host;
	TRY(tls_client(&tls, &conf.tls, e));
	TRY(address_look_up(str_from(authority), conf.addresses, LIMIT_CLIENT_ADDRESSES,
			    &conf.n_addresses, e));
	conf.host = authority;
	n = o->task ? snprintf(b->target, sizeof(b->target), "/mcp/t/%s", o->task)
		    : snprintf(b->target, sizeof(b->target), "%.*s",
			       STR_ARG(uri.path.n > 1 ? uri.path : STR("/mcp")));
	if (n < 0 || (size_t)n >= sizeof(b->target)) {
		FAIL(e, RC_INPUT, "the URL's path is too long");
	}
	TRY(client_new(b->loop, &conf, &b->client, e));
	tls_context_unref(conf.tls);
	b->input = (struct loop_io){.fd = STDIN_FILENO, .ready = on_input, .ctx = b};
	if (fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot use standard input");
	}
	return loop_add(b->loop, &b->input, EPOLLIN, e);
}

int cli_connect(const struct cli_command *c, int argc, char **argv)
{
	struct bridge b = {.in = BUF_INIT(2 * LIMIT_HTTP_BODY_BYTES)};
	struct connect_options o = {0};
	struct clock clock = clock_system();
	struct err e = ERR_INIT;
	int bad = parse(c, argc, argv, &o);
	enum rc rc;

	if (bad) {
		return bad;
	}
	rc = loop_new(&clock, &b.loop, &e);
	if (rc == RC_OK) {
		rc = set_up(&b, &o, &e);
	}
	if (rc == RC_OK) {
		rc = loop_run(b.loop, &e);
	}
	client_free(b.client);
	loop_free(b.loop);
	buf_fini(&b.in);
	return rc == RC_OK ? 0 : cli_fail(c, &e);
}
