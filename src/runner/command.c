/* SPDX-License-Identifier: Apache-2.0 */
/* runner/command.c - run a program for one call, take what it prints, see how it ends.
 *
 * Trust:  output is hostile; it is bounded and only ever read as text or as one JSON value.
 * Holds:  (1) the call is committed after the child was confined and before it execs.
 *         (2) each command is done exactly once, in finish().
 *         (3) it is over when the process has ended and both its outputs are closed or the process
 *             has ended: what its own children would still print is not waited for.
 */
#include "runner/command.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "mcp/outgoing.h"
#include "runner/output.h"

enum { STDERR_BYTES = 64 * 1024, READ_BYTES = 16 * 1024 };

struct command {
	struct commands *all;
	struct command *prev;
	struct command *next;
	const struct tool *tool;
	struct desk_call *call;
	struct child child;
	struct loop_io in;
	struct loop_io out;
	struct loop_io err;
	struct loop_timer late;
	struct str input_left; /* of the tool's text: the bundle's memory */
	struct buf out_bytes;
	struct buf err_bytes;
};

struct commands {
	struct start_host host;
	struct command *first;
};

enum rc commands_new(const struct start_host *host, struct commands **ret)
{
	struct commands *x = mem_calloc(1, sizeof(*x));

	if (!x) {
		return RC_NOMEM;
	}
	x->host = *host;
	*ret = x;
	return RC_OK;
}

/* Kills, if it still runs, and frees. Its call must be done, or be beyond caring. */
static void command_free(struct command *m)
{
	struct commands *x = m->all;

	loop_remove(x->host.loop, &m->in);
	loop_remove(x->host.loop, &m->out);
	loop_remove(x->host.loop, &m->err);
	loop_timer_clear(x->host.loop, &m->late);
	if (m->child.pid > 0) {
		reaper_ignore(x->host.reaper, m->child.pid);
	}
	child_kill(&m->child);
	buf_fini(&m->out_bytes);
	buf_fini(&m->err_bytes);
	if (m->prev) {
		m->prev->next = m->next;
	} else {
		x->first = m->next;
	}
	if (m->next) {
		m->next->prev = m->prev;
	}
	mem_free(m);
}

void commands_free(struct commands *x)
{
	if (!x) {
		return;
	}
	while (x->first) {
		command_free(x->first);
	}
	mem_free(x);
}

/* ---- how it ends ---- */

static void finish(struct command *m, enum outcome_kind kind, struct str result, struct str detail)
{
	struct commands *x = m->all;

	desk_done(x->host.desk, m->call, kind, result, detail);
	command_free(m);
}

static void finish_unknown(struct command *m, const char *why)
{
	finish(m, OUTCOME_UNKNOWN, STR(""), str_from(why));
}

static void finish_ok(struct command *m)
{
	AUTO_BUF result = BUF_INIT(4 * LIMIT_RESULT_BYTES);
	struct err e = ERR_INIT;
	struct str out = buf_view(&m->out_bytes);
	enum rc rc = m->tool->output_is_json ? output_json_result(&result, out, &e)
					     : output_text_result(&result, out, false, &e);

	if (rc == RC_OK) {
		finish(m, OUTCOME_OK, buf_view(&result), STR(""));
	} else {
		finish_unknown(m, "it succeeded, but what it printed is not the JSON it promised");
	}
}

static void finish_error(struct command *m, int exit_status)
{
	AUTO_BUF result = BUF_INIT(4 * LIMIT_RESULT_BYTES);
	AUTO_BUF detail = BUF_INIT(300);
	struct err e = ERR_INIT;
	char line[200];
	struct str said = buf_view(&m->err_bytes);
	struct str last = output_last_line(said, line, sizeof(line));

	if (said.n == 0) {
		said = buf_view(&m->out_bytes);
	}
	if (buf_addf(&detail, "exit status %d: " STR_FMT, exit_status, STR_ARG(last)) != RC_OK ||
	    output_text_result(&result, said.n > 0 ? said : buf_view(&detail), true, &e) != RC_OK) {
		finish_unknown(m, "it failed, and there was no memory to say how");
		return;
	}
	finish(m, OUTCOME_TOOL_ERROR, buf_view(&result), buf_view(&detail));
}

/* Takes what is left in a pipe. False: it is more than there is room for. */
static bool drain(struct loop *l, struct loop_io *io, struct buf *b)
{
	for (;;) {
		ssize_t n;

		if (b->n == b->max || buf_reserve(b, 1) != RC_OK) {
			return false;
		}
		n = read(io->fd, b->p + b->n,
			 b->cap - b->n < READ_BYTES ? b->cap - b->n : READ_BYTES);
		if (n > 0) {
			b->n += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n == 0 || errno != EAGAIN) {
			loop_remove(l, io);
		}
		return true;
	}
}

static void ended(void *ctx, pid_t pid, int status)
{
	struct command *m = ctx;
	struct loop *l = m->all->host.loop;
	bool fits;

	(void)pid;
	fits = drain(l, &m->out, &m->out_bytes);
	(void)drain(l, &m->err, &m->err_bytes); /* more of it would change nothing */
	m->child.pid = 0; /* collected: the number may be somebody else's by now */
	if (!fits) {
		finish_unknown(m, "it printed more than the limit");
	} else if (!WIFEXITED(status)) {
		finish_unknown(m, "it died by a signal");
	} else if (WEXITSTATUS(status) == 0) {
		finish_ok(m);
	} else {
		finish_error(m, WEXITSTATUS(status));
	}
}

static void too_slow(struct loop_timer *t)
{
	finish_unknown(t->ctx, "it did not end in time and was killed");
}

/* ---- pipes ---- */

static void on_out(struct loop_io *io, uint32_t events)
{
	struct command *m = io->ctx;

	(void)events;
	if (!drain(m->all->host.loop, io, &m->out_bytes)) {
		finish_unknown(m, "it printed more than the limit and was killed");
	}
}

static void on_err(struct loop_io *io, uint32_t events)
{
	struct command *m = io->ctx;
	struct buf *b = &m->err_bytes;

	(void)events;
	if (b->n > b->max / 2) {
		buf_consume(b, b->n - b->max / 2); /* only the end is wanted */
	}
	(void)drain(m->all->host.loop, io, b);
}

static void close_input(struct command *m)
{
	loop_remove(m->all->host.loop, &m->in);
	file_close(m->child.in);
	m->child.in = -1;
}

static void on_in(struct loop_io *io, uint32_t events)
{
	struct command *m = io->ctx;

	(void)events;
	while (m->input_left.n > 0) {
		ssize_t n = write(io->fd, m->input_left.p, m->input_left.n);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0 && errno == EAGAIN) {
			return;
		}
		if (n < 0) {
			break; /* it does not read: its own affair */
		}
		m->input_left = str_slice(m->input_left, (size_t)n, m->input_left.n);
	}
	close_input(m);
}

static enum rc watch(struct command *m, struct err *e)
{
	struct loop *l = m->all->host.loop;

	m->in = (struct loop_io){.fd = m->child.in, .ready = on_in, .ctx = m};
	m->out = (struct loop_io){.fd = m->child.out, .ready = on_out, .ctx = m};
	m->err = (struct loop_io){.fd = m->child.err, .ready = on_err, .ctx = m};
	m->late = (struct loop_timer){.fire = too_slow, .ctx = m};
	m->input_left = m->tool->input;
	TRY(loop_add(l, &m->in, EPOLLOUT, e));
	TRY(loop_add(l, &m->out, EPOLLIN, e));
	TRY(loop_add(l, &m->err, EPOLLIN, e));
	TRY(loop_timer_in(l, &m->late, m->tool->upstream->timeout_ms));
	return reaper_watch(m->all->host.reaper, m->child.pid, ended, m);
}

/* ---- start ---- */

static struct command *command_new(struct commands *x, const struct tool *tool, struct desk_call *c)
{
	struct command *m = mem_calloc(1, sizeof(*m));

	if (!m) {
		return NULL;
	}
	m->all = x;
	m->tool = tool;
	m->call = c;
	m->child = CHILD_NONE;
	m->in.fd = m->out.fd = m->err.fd = -1;
	m->out_bytes = (struct buf)BUF_INIT(LIMIT_RESULT_BYTES);
	m->err_bytes = (struct buf)BUF_INIT(STDERR_BYTES);
	m->next = x->first;
	if (x->first) {
		x->first->prev = m;
	}
	x->first = m;
	return m;
}

static enum rc prepare(struct command *m, struct err *e)
{
	const struct start_host *host = &m->all->host;
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	AUTO_ARENA arena = ARENA_INIT(4 * 1024 * 1024);
	struct template_call words = {.variables = &m->tool->variables, .call = m->call->call};
	/* Processor time has a bound of its own, in case killing should fail. */
	uint32_t cpu_s = m->tool->upstream->timeout_ms / 1000 + 2;

	TRY(json_parse(&arena, m->call->args, &limits, &words.args, e));
	TRY(start_child(host, m->tool->upstream, &m->tool->command, &words,
			desk_secret(host->desk, m->call), cpu_s, &m->child, e));
	return watch(m, e);
}

void commands_start(struct commands *x, const struct tool *tool, struct desk_call *c)
{
	struct command *m = command_new(x, tool, c);
	struct err e = ERR_INIT;

	if (!m) {
		desk_done(x->host.desk, c, OUTCOME_NOT_SENT, STR(""), STR("out of memory"));
		return;
	}
	if (prepare(m, &e) != RC_OK) {
		finish(m, OUTCOME_NOT_SENT, STR(""), str_from(e.msg));
		return;
	}
	/* Invariant (1). */
	if (!desk_commit(x->host.desk, c)) {
		finish(m, OUTCOME_NOT_SENT, STR(""), STR("send-by passed"));
		return;
	}
	if (child_release(&m->child, &e) != RC_OK) {
		AUTO_BUF result = BUF_INIT(4096);

		if (mcp_text_result(&result, str_from(e.msg), true, NULL) != RC_OK) {
			finish_unknown(m, e.msg);
		} else {
			finish(m, OUTCOME_TOOL_ERROR, buf_view(&result), str_from(e.msg));
		}
	}
}

void commands_fence(struct commands *x, enum fence_scope scope, struct str name)
{
	for (struct command *m = x->first; m;) {
		struct command *next = m->next;
		const struct desk_call *c = m->call;

		if (fence_covers(scope, name, c->agent, c->task, c->upstream, c->tool)) {
			finish_unknown(m, "killed by a fence");
		}
		m = next;
	}
}
