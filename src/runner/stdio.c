/* SPDX-License-Identifier: Apache-2.0 */
/* runner/stdio.c - speak MCP with children.
 *
 * Trust:  what a child says is hostile: lines are bounded, answers to nothing are dropped, requests
 *         are refused.
 * Holds:  (1) a call is committed in the same breath as its bytes enter the child's queue, and
 *             never enters it twice.
 *         (2) when a child goes, each of its calls is done: sent ones as unknown.
 * States: STARTING -initialized-> READY -killed, ended, idle-> freed; modern servers begin READY.
 */
#include "runner/stdio.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "mcp/outgoing.h"

enum {
	LINE_BYTES = 2 * LIMIT_RESULT_BYTES,
	QUEUE_BYTES = 4 * 1024 * 1024,
	READ_BYTES = 64 * 1024,
};

/* A request to a child: a call, or (call NULL) one of our own. */
struct asked {
	struct server *server;
	struct asked *next;
	uint64_t id; /* 0: not sent yet */
	struct desk_call *call;
	struct loop_timer late;
};

struct server {
	struct stdio_pool *pool;
	struct server *prev;
	struct server *next;
	const struct upstream *upstream;
	char task[LIMIT_ID_BYTES + 1];
	char agent[LIMIT_SPIFFE_ID_BYTES + 1]; /* of the call that started it */
	bool is_listing;
	bool is_ready;
	enum mcp_version version;
	struct child child;
	struct loop_io in;
	struct loop_io out;
	struct loop_io err;
	bool wants_write;
	struct buf queue; /* to its stdin */
	struct buf heard; /* from its stdout, up to a line */
	struct loop_timer idle;
	uint64_t last_id;
	struct asked *first; /* oldest first */
	struct buf tools;    /* is_listing: elements so far */
	unsigned pages;
};

struct stdio_pool {
	struct start_host host;
	struct server *first;
	size_t n;
};

enum rc stdio_pool_new(const struct start_host *host, struct stdio_pool **ret)
{
	struct stdio_pool *x = mem_calloc(1, sizeof(*x));

	if (!x) {
		return RC_NOMEM;
	}
	x->host = *host;
	*ret = x;
	return RC_OK;
}

/* ---- ends ---- */

static void asked_free(struct asked *a)
{
	struct server *s = a->server;

	for (struct asked **at = &s->first; *at; at = &(*at)->next) {
		if (*at == a) {
			*at = a->next;
			break;
		}
	}
	loop_timer_clear(s->pool->host.loop, &a->late);
	mem_free(a);
}

static void asked_done(struct asked *a, enum outcome_kind kind, struct str result,
		       struct str detail)
{
	struct desk *desk = a->server->pool->host.desk;
	struct desk_call *c = a->call;

	asked_free(a);
	if (c) {
		desk_done(desk, c, kind, result, detail);
	}
}

/* Kills and frees; what it still owed is done. */
static void server_end(struct server *s, const char *why)
{
	struct stdio_pool *x = s->pool;

	while (s->first) {
		bool sent = s->first->call && desk_is_sent(s->first->call);

		asked_done(s->first, sent ? OUTCOME_UNKNOWN : OUTCOME_NOT_SENT, STR(""),
			   str_from(why));
	}
	if (s->is_listing) {
		desk_definitions(x->host.desk, s->upstream->name, false, STR(""), str_from(why));
	}
	loop_remove(x->host.loop, &s->in);
	loop_remove(x->host.loop, &s->out);
	loop_remove(x->host.loop, &s->err);
	loop_timer_clear(x->host.loop, &s->idle);
	if (s->child.pid > 0) {
		reaper_ignore(x->host.reaper, s->child.pid);
	}
	child_kill(&s->child);
	buf_fini(&s->queue);
	buf_fini(&s->heard);
	buf_fini(&s->tools);
	if (s->prev) {
		s->prev->next = s->next;
	} else {
		x->first = s->next;
	}
	if (s->next) {
		s->next->prev = s->prev;
	}
	x->n--;
	mem_free(s);
}

void stdio_pool_free(struct stdio_pool *x)
{
	if (!x) {
		return;
	}
	while (x->first) {
		server_end(x->first, "the runner ends");
	}
	mem_free(x);
}

static void ended(void *ctx, pid_t pid, int status)
{
	struct server *s = ctx;

	(void)pid;
	(void)status;
	s->child.pid = 0; /* collected */
	server_end(s, "the server ended");
}

/* ---- writing ---- */

static void want_write(struct server *s, bool wants)
{
	if (wants != s->wants_write) {
		s->wants_write = wants;
		/* Changing what is added already cannot fail for lack of anything. */
		(void)loop_change(s->pool->host.loop, &s->in, wants ? EPOLLOUT : 0, NULL);
	}
}

/* False: the child is not there any more. */
static bool write_queue(struct server *s)
{
	while (s->queue.n > 0) {
		ssize_t n = write(s->child.in, s->queue.p, s->queue.n);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0 && errno == EAGAIN) {
			break;
		}
		if (n < 0) {
			return false;
		}
		buf_consume(&s->queue, (size_t)n);
	}
	want_write(s, s->queue.n > 0);
	return true;
}

static void on_in(struct loop_io *io, uint32_t events)
{
	struct server *s = io->ctx;

	(void)events;
	if (!write_queue(s)) {
		server_end(s, "the server does not read any more");
	}
}

/* Ends the message that was built in the queue. */
static enum rc send_built(struct server *s)
{
	TRY(buf_add_char(&s->queue, '\n'));
	return write_queue(s) ? RC_OK : RC_IO;
}

/* ---- asking ---- */

static void too_slow(struct loop_timer *t)
{
	struct asked *a = t->ctx;
	struct server *s = a->server;

	if (!a->call) {
		server_end(s, "the server does not answer");
		return;
	}
	asked_done(a, OUTCOME_UNKNOWN, STR(""), STR("the server did not answer in time"));
}

static struct asked *asked_new(struct server *s, struct desk_call *c)
{
	struct asked *a = mem_calloc(1, sizeof(*a));
	struct asked **at = &s->first;

	if (!a) {
		return NULL;
	}
	a->server = s;
	a->call = c;
	a->late = (struct loop_timer){.fire = too_slow, .ctx = a};
	while (*at) {
		at = &(*at)->next;
	}
	*at = a;
	return a;
}

/* A request of our own: initialize, or a page of tools. */
static enum rc ask(struct server *s, struct str cursor, struct err *e)
{
	struct asked *a = asked_new(s, NULL);

	if (!a) {
		return RC_NOMEM;
	}
	a->id = ++s->last_id;
	TRY(loop_timer_in(s->pool->host.loop, &a->late, s->upstream->timeout_ms));
	if (s->is_ready) {
		TRY(mcp_ask_tools(&s->queue, a->id, s->version, cursor, e));
	} else {
		TRY(mcp_ask_initialize(&s->queue, a->id, MCP_LATEST_LEGACY, e));
	}
	return send_built(s);
}

/* Invariant (1). RC_IO: the child went away, and nothing of a may be touched but by server_end. */
static enum rc send_call(struct asked *a, struct err *e)
{
	struct server *s = a->server;
	struct desk_call *c = a->call;
	struct mcp_call_out out = {.tool = c->tool,
				   .args = c->args,
				   .call = c->call,
				   .trace = c->trace,
				   .trace_state = c->trace_state};
	size_t before = s->queue.n;
	uint64_t id = s->last_id + 1;

	if (mcp_ask_call(&s->queue, id, s->version, &out, e) != RC_OK ||
	    buf_add_char(&s->queue, '\n') != RC_OK ||
	    loop_timer_in(s->pool->host.loop, &a->late, s->upstream->timeout_ms) != RC_OK ||
	    !desk_commit(s->pool->host.desk, c)) {
		s->queue.n = before;
		asked_done(a, OUTCOME_NOT_SENT, STR(""), STR("too late, or too much is queued"));
		return RC_OK;
	}
	s->last_id = id;
	a->id = id;
	return write_queue(s) ? RC_OK : RC_IO;
}

/* Sends what waited for the server to be ready. */
static enum rc send_waiting(struct server *s, struct err *e)
{
	for (struct asked *a = s->first; a;) {
		struct asked *next = a->next;

		if (a->id == 0) {
			TRY(send_call(a, e));
		}
		a = next;
	}
	return RC_OK;
}

/* ---- hearing ---- */

static enum rc became_ready(struct server *s, const struct json *result, struct err *e)
{
	if (result) {
		TRY(mcp_read_initialized(result, &s->version, e));
		TRY(mcp_tell_initialized(&s->queue, e));
		TRY(send_built(s));
	} else {
		s->version = MCP_LATEST;
	}
	s->is_ready = true;
	return s->is_listing ? ask(s, STR(""), e) : send_waiting(s, e);
}

/* RC_ABSENT: the list is whole and the server's work done. */
static enum rc heard_tools(struct server *s, const struct json *result, struct err *e)
{
	struct str cursor;

	TRY(mcp_read_tools(result, &s->tools, &cursor, e));
	if (cursor.n > 0) {
		if (++s->pages >= MCP_PAGES_MAX) {
			FAIL(e, RC_LIMIT, "the list of tools has too many pages");
		}
		return ask(s, cursor, e);
	}
	TRY(buf_add_char(&s->tools, ']'));
	s->is_listing = false;
	desk_definitions(s->pool->host.desk, s->upstream->name, true, buf_view(&s->tools), STR(""));
	return RC_ABSENT;
}

static void heard_call_result(struct asked *a, const struct mcp_heard_message *m)
{
	AUTO_BUF result = BUF_INIT(2 * LIMIT_RESULT_BYTES);
	struct err e = ERR_INIT;
	bool is_error;

	if (m->kind == MCP_HEARD_ERROR) {
		if (mcp_text_result(&result, m->text, true, &e) != RC_OK) {
			asked_done(a, OUTCOME_UNKNOWN, STR(""), str_from(e.msg));
			return;
		}
		asked_done(a, OUTCOME_TOOL_ERROR, buf_view(&result), STR("a JSON-RPC error"));
		return;
	}
	if (mcp_clean_result(m->result, &result, &is_error, &e) != RC_OK) {
		asked_done(a, OUTCOME_UNKNOWN, STR(""), str_from(e.msg));
		return;
	}
	asked_done(a, is_error ? OUTCOME_TOOL_ERROR : OUTCOME_OK, buf_view(&result), STR(""));
}

static enum rc heard_answer(struct server *s, const struct mcp_heard_message *m, struct err *e)
{
	struct asked *a = s->first;

	while (a && (a->id == 0 || a->id != m->id)) {
		a = a->next;
	}
	if (!a) {
		return RC_OK; /* late: its call was done as unknown */
	}
	if (a->call) {
		heard_call_result(a, m);
		return RC_OK;
	}
	asked_free(a);
	if (m->kind == MCP_HEARD_ERROR) {
		FAIL(e, RC_INPUT, "the server refuses us");
	}
	return s->is_ready ? heard_tools(s, m->result, e) : became_ready(s, m->result, e);
}

static enum rc heard_line(struct server *s, struct str line, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(64 * LIMIT_RESULT_BYTES);
	struct mcp_heard_message m;

	if (str_trim(line).n == 0) {
		return RC_OK;
	}
	if (mcp_read_heard(&arena, line, &m, NULL) != RC_OK) {
		return RC_OK; /* servers print banners; what is no message is no answer */
	}
	switch (m.kind) {
	case MCP_HEARD_OTHER:
		return RC_OK;
	case MCP_HEARD_REQUEST:
		TRY(mcp_answer_upstream(&s->queue, m.raw_id, m.method, e));
		return send_built(s);
	case MCP_HEARD_RESULT:
	case MCP_HEARD_ERROR:
		return heard_answer(s, &m, e);
	}
	return RC_OK;
}

/* All whole lines. */
static enum rc heard_bytes(struct server *s, struct err *e)
{
	for (;;) {
		struct str bytes = buf_view(&s->heard);
		size_t end = str_find(bytes, '\n');

		if (end == bytes.n) {
			return RC_OK;
		}
		TRY(heard_line(s, str_slice(bytes, 0, end), e));
		buf_consume(&s->heard, end + 1);
	}
}

static void on_out(struct loop_io *io, uint32_t events)
{
	struct server *s = io->ctx;
	struct err e = ERR_INIT;
	enum rc rc;
	ssize_t n;

	(void)events;
	if (buf_reserve(&s->heard, READ_BYTES) != RC_OK) {
		server_end(s, "the server says too much at once");
		return;
	}
	n = read(io->fd, s->heard.p + s->heard.n, READ_BYTES);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (n <= 0) {
		server_end(s, "the server closed its output");
		return;
	}
	s->heard.n += (size_t)n;
	rc = heard_bytes(s, &e);
	if (rc == RC_ABSENT) {
		server_end(s, "its work is done");
	} else if (rc != RC_OK) {
		server_end(s, e.msg[0] ? e.msg : "the server cannot be spoken to");
	} else if (!s->first) {
		/* Without the timer it lives until its task's fence. */
		(void)loop_timer_in(s->pool->host.loop, &s->idle, STDIO_IDLE_MS);
	}
}

/* Its stderr is for nobody: read, so that it does not block, and forgotten. */
static void on_err(struct loop_io *io, uint32_t events)
{
	struct server *s = io->ctx;
	char waste[4096];
	ssize_t n = read(io->fd, waste, sizeof(waste));

	(void)events;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		loop_remove(s->pool->host.loop, io);
	}
}

static void on_idle(struct loop_timer *t)
{
	server_end(t->ctx, "idle");
}

/* ---- starting ---- */

static enum rc watch(struct server *s, struct err *e)
{
	struct loop *l = s->pool->host.loop;

	s->in = (struct loop_io){.fd = s->child.in, .ready = on_in, .ctx = s};
	s->out = (struct loop_io){.fd = s->child.out, .ready = on_out, .ctx = s};
	s->err = (struct loop_io){.fd = s->child.err, .ready = on_err, .ctx = s};
	TRY(loop_add(l, &s->in, 0, e));
	TRY(loop_add(l, &s->out, EPOLLIN, e));
	TRY(loop_add(l, &s->err, EPOLLIN, e));
	return reaper_watch(s->pool->host.reaper, s->child.pid, ended, s);
}

static enum rc run(struct server *s, struct str fields, struct err *e)
{
	struct template_call words = {0};

	TRY(start_child(&s->pool->host, s->upstream, &s->upstream->command, &words, fields, 0,
			&s->child, e));
	TRY(watch(s, e));
	TRY(child_release(&s->child, e));
	return s->upstream->is_modern ? became_ready(s, NULL, e) : ask(s, STR(""), e);
}

static struct server *server_new(struct stdio_pool *x, const struct upstream *u, struct str task,
				 struct str agent)
{
	struct server *s = x->n < STDIO_CHILDREN_MAX ? mem_calloc(1, sizeof(*s)) : NULL;

	if (!s) {
		return NULL;
	}
	s->pool = x;
	s->upstream = u;
	/* The message table bounds both; the fields are zeroed. */
	memcpy(s->task, task.p ? task.p : "", task.n);
	memcpy(s->agent, agent.p ? agent.p : "", agent.n);
	s->child = CHILD_NONE;
	s->in.fd = s->out.fd = s->err.fd = -1;
	s->queue = (struct buf)BUF_INIT(QUEUE_BYTES);
	s->heard = (struct buf)BUF_INIT(LINE_BYTES);
	s->tools = (struct buf)BUF_INIT(LIMIT_RESULT_BYTES);
	s->idle = (struct loop_timer){.fire = on_idle, .ctx = s};
	s->next = x->first;
	if (x->first) {
		x->first->prev = s;
	}
	x->first = s;
	x->n++;
	return s;
}

static struct server *find(struct stdio_pool *x, const struct upstream *u, struct str task,
			   struct str agent)
{
	for (struct server *s = x->first; s; s = s->next) {
		if (s->upstream == u && !s->is_listing && str_eq(str_from(s->task), task) &&
		    str_eq(str_from(s->agent), agent)) {
			return s;
		}
	}
	return NULL;
}

void stdio_start(struct stdio_pool *x, const struct upstream *u, struct desk_call *c)
{
	struct server *s = find(x, u, c->task, c->agent);
	bool is_new = !s;
	struct err e = ERR_INIT;
	struct asked *a;
	enum rc rc = RC_OK;

	if (!s) {
		s = server_new(x, u, c->task, c->agent);
	}
	a = s ? asked_new(s, c) : NULL;
	if (!a) {
		desk_done(x->host.desk, c, OUTCOME_NOT_SENT, STR(""),
			  STR("no room for another server"));
		return;
	}
	c->carried = a;
	loop_timer_clear(x->host.loop, &s->idle);
	if (is_new) {
		rc = run(s, desk_secret(x->host.desk, c), &e);
	} else if (s->is_ready) {
		rc = send_call(a, &e);
	}
	if (rc != RC_OK) {
		server_end(s, e.msg[0] ? e.msg : "the server cannot be spoken to");
	}
}

void stdio_drop(struct stdio_pool *x, struct desk_call *c)
{
	struct asked *a = c->carried;

	(void)x;
	asked_free(a); /* the server goes on starting: the next call will find it ready */
}

void stdio_fence(struct stdio_pool *x, enum fence_scope scope, struct str name)
{
	for (struct server *s = x->first; s;) {
		struct server *next = s->next;

		/* A fence over one tool ends the server that is running it. */
		bool is_busy = false;

		for (const struct asked *a = s->first; a; a = a->next) {
			is_busy =
			    is_busy || (a->call && fence_covers(scope, name, STR(""), STR(""),
								s->upstream->name, a->call->tool));
		}
		if (is_busy || fence_covers(scope, name, str_from(s->agent), str_from(s->task),
					    s->upstream->name, STR(""))) {
			server_end(s, "killed by a fence");
		}
		s = next;
	}
}

void stdio_list(struct stdio_pool *x, const struct upstream *u)
{
	struct server *s = server_new(x, u, STR(""), STR(""));
	struct err e = ERR_INIT;
	enum rc rc;

	if (!s) {
		desk_definitions(x->host.desk, u->name, false, STR(""),
				 STR("no room for another server"));
		return;
	}
	s->is_listing = true;
	rc = buf_add_char(&s->tools, '[');
	if (rc == RC_OK) {
		rc = run(s, STR(""), &e);
	}
	if (rc != RC_OK) {
		server_end(s, e.msg[0] ? e.msg : "the server cannot be started");
	}
}
