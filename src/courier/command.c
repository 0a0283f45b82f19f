/* SPDX-License-Identifier: Apache-2.0 */
/* courier/command.c - fork, feed, wait, kill.
 *
 * Trust:  the program is the operator's; what it is fed is ours and may quote an agent's text.
 * Holds:  (1) every child is reaped, and done is called exactly once unless it is freed before.
 * States: FEEDING -all written, or it does not read any more-> WAITING -exit or deadline-> done.
 */
#include "courier/command.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"

enum { LIMIT_WORDS = 64, WORDS_BYTES = 64 * 1024 };

struct command {
	struct loop *loop;
	command_fn *done;
	void *ctx;
	pid_t pid;
	struct loop_io exit;  /* a pidfd */
	struct loop_io input; /* our end of its standard input */
	struct loop_timer deadline;
	struct buf body;
	size_t fed;
	bool is_late;
};

/* In the child. */
static NORETURN void become(int input, char **argv, char **envp)
{
	const struct sigaction standard = {.sa_handler = SIG_DFL};
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	sigset_t none;

	(void)sigemptyset(&none); /* cannot fail */
	if (dup2(input, STDIN_FILENO) < 0 || null < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(null, STDERR_FILENO) < 0 || setpgid(0, 0) != 0 ||
	    close_range(STDERR_FILENO + 1, UINT_MAX, 0) != 0 ||
	    sigaction(SIGPIPE, &standard, NULL) != 0 ||
	    sigprocmask(SIG_SETMASK, &none, NULL) != 0) {
		_exit(126);
	}
	(void)execve(argv[0], argv, envp); /* returns only on failure */
	_exit(127);
}

/* The words of the command, and its environment, as the kernel wants them. */
static enum rc prepare(const struct notifier *n, struct arena *arena, char *argv[LIMIT_WORDS + 1],
		       char *envp[4], struct err *e)
{
	bool ok = true;

	if (n->command.n == 0 || n->command.n > LIMIT_WORDS) {
		FAIL(e, RC_LIMIT, "a notifier's command has 1 to %d words", LIMIT_WORDS);
	}
	for (size_t i = 0; i < n->command.n; i++) {
		argv[i] = arena_cstr(arena, n->command.p[i]);
		ok &= argv[i] != NULL;
	}
	argv[n->command.n] = NULL;
	envp[0] = arena_cstr(arena, STR("PATH=/usr/bin:/bin"));
	envp[1] = arena_cstr(arena, STR("LANG=C.UTF-8"));
	envp[2] = arena_cstr(arena, arena_strf(arena, "REMIT_NOTIFIER=" STR_FMT, STR_ARG(n->name)));
	envp[3] = NULL;
	if (!ok || !envp[0] || !envp[1] || !envp[2]) {
		FAIL(e, RC_NOMEM, "no memory for a command");
	}
	if (argv[0][0] != '/') {
		FAIL(e, RC_INPUT, "a notifier's program must be an absolute path");
	}
	return RC_OK;
}

static enum rc start(struct command *c, const struct notifier *n, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(WORDS_BYTES);
	char *argv[LIMIT_WORDS + 1];
	char *envp[4];
	AUTO_FD theirs = -1;
	int fds[2];

	TRY(prepare(n, &arena, argv, envp, e));
	if (pipe2(fds, O_CLOEXEC) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot make a pipe");
	}
	theirs = fds[0];
	c->input.fd = fds[1];
	if (fcntl(c->input.fd, F_SETFL, O_NONBLOCK) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot make a pipe");
	}
	c->pid = fork();
	if (c->pid == 0) {
		become(theirs, argv, envp);
	}
	if (c->pid < 0) {
		c->pid = 0;
		return err_set_sys(e, RC_IO, __func__, "cannot start '%s'", argv[0]);
	}
	c->exit.fd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (c->exit.fd < 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot watch '%s'", argv[0]);
	}
	return RC_OK;
}

static void stop_feeding(struct command *c)
{
	loop_remove(c->loop, &c->input);
	file_close(c->input.fd);
	c->input.fd = -1;
}

static void on_input(struct loop_io *io, uint32_t events)
{
	struct command *c = io->ctx;
	ssize_t n;

	(void)events;
	n = write(io->fd, c->body.p + c->fed, c->body.n - c->fed);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	c->fed += n > 0 ? (size_t)n : 0;
	if (n < 0 || c->fed == c->body.n) {
		stop_feeding(c); /* a program that does not read is no failure by itself */
	}
}

static void kill_group(const struct command *c)
{
	(void)kill(-c->pid, SIGKILL); /* the group may not be there yet */
	(void)kill(c->pid, SIGKILL);  /* ours and not reaped */
}

static void on_exit_event(struct loop_io *io, uint32_t events)
{
	struct command *c = io->ctx;
	char detail[128] = "";
	int status = 0;
	bool ok;

	(void)events;
	if (waitpid(c->pid, &status, WNOHANG) != c->pid) {
		return;
	}
	(void)kill(-c->pid, SIGKILL); /* whatever it left behind in its group */
	c->pid = 0;		      /* invariant (1) */
	ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (c->is_late) {
		(void)snprintf(detail, sizeof(detail), "did not end in time and was killed");
	} else if (WIFSIGNALED(status)) {
		(void)snprintf(detail, sizeof(detail), "killed by signal %d", WTERMSIG(status));
	} else if (WEXITSTATUS(status) == 127) {
		(void)snprintf(detail, sizeof(detail), "cannot be executed (status 127)");
	} else if (!ok) {
		(void)snprintf(detail, sizeof(detail), "ended with status %d", WEXITSTATUS(status));
	}
	c->done(c->ctx, ok, str_from(detail));
	command_free(c);
}

static void on_deadline(struct loop_timer *t)
{
	struct command *c = t->ctx;

	c->is_late = true;
	kill_group(c); /* the rest happens when it is seen to end */
}

void command_free(struct command *c)
{
	if (!c) {
		return;
	}
	if (c->pid) {
		kill_group(c);
		(void)waitpid(c->pid, NULL, 0); /* at once, after a SIGKILL */
	}
	loop_timer_clear(c->loop, &c->deadline);
	loop_remove(c->loop, &c->exit);
	loop_remove(c->loop, &c->input);
	file_close(c->exit.fd);
	file_close(c->input.fd);
	buf_fini(&c->body);
	mem_free(c);
}

static void command_cleanup(struct command **c)
{
	command_free(*c);
}

enum rc command_start(struct loop *l, const struct notifier *n, struct str body,
		      uint64_t timeout_ms, command_fn *done, void *ctx, struct command **ret,
		      struct err *e)
{
	CLEANUP(command_cleanup) struct command *c = mem_calloc(1, sizeof(*c));

	if (!c) {
		FAIL(e, RC_NOMEM, "no memory for a command");
	}
	*c = (struct command){
	    .loop = l,
	    .done = done,
	    .ctx = ctx,
	    .exit = {.fd = -1, .ready = on_exit_event, .ctx = c},
	    .input = {.fd = -1, .ready = on_input, .ctx = c},
	    .deadline = {.fire = on_deadline, .ctx = c},
	    .body = BUF_INIT(LIMIT_MESSAGE_BYTES),
	};
	if (buf_add(&c->body, body) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a message");
	}
	TRY(start(c, n, e));
	TRY(loop_add(l, &c->exit, EPOLLIN, e));
	TRY(loop_add(l, &c->input, EPOLLOUT, e));
	TRY(loop_timer_in(l, &c->deadline, timeout_ms ? timeout_ms : COMMAND_MS));
	*ret = TAKE(c);
	return RC_OK;
}
