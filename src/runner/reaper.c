/* SPDX-License-Identifier: Apache-2.0 */
/* runner/reaper.c - SIGCHLD by signalfd, waitpid, and the end of strays.
 *
 * Holds:  a watched pid is not collected by anybody else, so it cannot be reused while it is
 *         watched, and killing it never hits a stranger.
 */
#include "runner/reaper.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/vec.h"
#include "runner/descendants.h"

struct watched {
	pid_t pid;
	reaper_fn *ended; /* NULL: ignored */
	void *ctx;
};

struct reaper {
	struct loop *loop;
	struct loop_io io;
	VEC(struct watched) watched;
};

static bool is_watched(void *ctx, pid_t pid)
{
	const struct reaper *r = ctx;

	for (size_t i = 0; i < r->watched.n; i++) {
		if (r->watched.p[i].pid == pid) {
			return true;
		}
	}
	return false;
}

/* Takes the entry of pid out; an empty one for a stray. */
static struct watched unwatch(struct reaper *r, pid_t pid)
{
	for (size_t i = 0; i < r->watched.n; i++) {
		struct watched w = r->watched.p[i];

		if (w.pid == pid) {
			vec_remove(&r->watched, i);
			return w;
		}
	}
	return (struct watched){0};
}

static void collect(struct loop_io *io, uint32_t events)
{
	struct reaper *r = io->ctx;
	struct signalfd_siginfo info;
	bool a_child_ended = false;
	int status;
	pid_t pid;

	(void)events;
	while (read(io->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		/* only a wake-up: signals merge, so everybody is asked below */
	}
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct watched w = unwatch(r, pid);

		a_child_ended = a_child_ended || w.pid == pid;
		if (w.ended) {
			w.ended(w.ctx, pid, status);
		}
	}
	if (a_child_ended) {
		descendants_kill_strays(is_watched, r);
	}
}

enum rc reaper_new(struct loop *l, struct reaper **ret, struct err *e)
{
	struct reaper *r;
	sigset_t set;

	TRY(descendants_adopt(e));
	r = mem_calloc(1, sizeof(*r));
	if (!r) {
		FAIL(e, RC_NOMEM, "no memory for the reaper");
	}
	r->loop = l;
	r->io = (struct loop_io){.fd = -1, .ready = collect, .ctx = r};
	if (sigemptyset(&set) == 0 && sigaddset(&set, SIGCHLD) == 0 &&
	    sigprocmask(SIG_BLOCK, &set, NULL) == 0) {
		r->io.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	}
	if (r->io.fd < 0 || loop_add(l, &r->io, EPOLLIN, e) != RC_OK) {
		reaper_free(r);
		return err_set_sys(e, RC_IO, __func__, "cannot watch for children that end");
	}
	*ret = r;
	return RC_OK;
}

void reaper_free(struct reaper *r)
{
	if (!r) {
		return;
	}
	loop_remove(r->loop, &r->io);
	file_close(r->io.fd);
	vec_fini(&r->watched);
	mem_free(r);
}

enum rc reaper_watch(struct reaper *r, pid_t pid, reaper_fn *ended, void *ctx)
{
	struct watched w = {.pid = pid, .ended = ended, .ctx = ctx};

	return vec_push(&r->watched, w);
}

void reaper_ignore(struct reaper *r, pid_t pid)
{
	for (size_t i = 0; i < r->watched.n; i++) {
		if (r->watched.p[i].pid == pid) {
			r->watched.p[i].ended = NULL;
		}
	}
}
