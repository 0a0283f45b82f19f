/* SPDX-License-Identifier: Apache-2.0 */
/* runner/child.c - fork, confine, wait at the door, exec.
 *
 * Trust:  the specification is the catalog's; the program is not trusted at all.
 * Holds:  (1) between fork and exec the child closes everything it was not given.
 *         (2) the sandbox is complete before the child says that it is ready.
 *         (3) secrets reach the child through one descriptor only.
 */
#include "runner/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "runner/descendants.h"

enum { SECRET_FD = 3, DOOR_FD = 4 };

/* What the child says at the door: 'R', or 'E' and why not. */
struct door_word {
	char what;
	char why[200];
};

/* All descriptors of a start, closed whatever happens. [0] is read, [1] is written. */
struct pipes {
	int in[2];
	int out[2];
	int err[2];
	int door[2]; /* [0] ours, [1] the child's */
	int secret;
};

static void close_pair(int p[2])
{
	file_close(p[0]);
	file_close(p[1]);
}

static void pipes_fini(struct pipes *p)
{
	close_pair(p->in);
	close_pair(p->out);
	close_pair(p->err);
	close_pair(p->door);
	file_close(p->secret);
}
#define AUTO_PIPES CLEANUP(pipes_fini) struct pipes

/* A descriptor above those that the child's numbers will overwrite. */
static int raise_fd(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, 16);

	file_close(fd);
	return high;
}

static enum rc open_secret(struct str secret, int *ret, struct err *e)
{
	AUTO_FD fd = -1;

	if (secret.n == 0) {
		return RC_OK;
	}
	fd = memfd_create("secret", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || fchmod(fd, 0400) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot make a file for the secret");
	}
	TRY(file_write_all(fd, secret, e));
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0 ||
	    lseek(fd, 0, SEEK_SET) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot seal the secret's file");
	}
	*ret = raise_fd(fd);
	fd = -1;
	return *ret < 0 ? err_set_sys(e, RC_IO, __func__, "no descriptor for the secret") : RC_OK;
}

static enum rc open_pipes(struct str secret, struct pipes *p, struct err *e)
{
	int *const all[] = {&p->in[0],	&p->in[1],  &p->out[0],	 &p->out[1],
			    &p->err[0], &p->err[1], &p->door[0], &p->door[1]};

	if (pipe2(p->in, O_CLOEXEC) != 0 || pipe2(p->out, O_CLOEXEC) != 0 ||
	    pipe2(p->err, O_CLOEXEC) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p->door) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot make pipes for a child");
	}
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		*all[i] = raise_fd(*all[i]);
		if (*all[i] < 0) {
			return err_set_sys(e, RC_IO, __func__, "no descriptors for a child");
		}
	}
	if (fcntl(p->in[1], F_SETFL, O_NONBLOCK) != 0 ||
	    fcntl(p->out[0], F_SETFL, O_NONBLOCK) != 0 ||
	    fcntl(p->err[0], F_SETFL, O_NONBLOCK) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot set up a child's pipes");
	}
	return open_secret(secret, &p->secret, e);
}

/* ---- the child's side ---- */

NORETURN static void give_up(const char *why)
{
	struct door_word w = {.what = 'E'};
	ssize_t n;

	(void)snprintf(w.why, sizeof(w.why), "%s", why); /* a cut reason is a reason */
	n = write(DOOR_FD, &w, sizeof(w));
	_exit(n > 0 ? 126 : 127);
}

static void set_limit(int what, rlim_t most)
{
	struct rlimit have;

	/* Never raise what the operator set lower. */
	if (getrlimit((__rlimit_resource_t)what, &have) != 0) {
		give_up("cannot read limits");
	}
	if (have.rlim_max == RLIM_INFINITY || have.rlim_max > most) {
		have.rlim_max = most;
	}
	have.rlim_cur = have.rlim_max;
	if (setrlimit((__rlimit_resource_t)what, &have) != 0) {
		give_up("cannot set limits");
	}
}

/* Invariant (1). */
static void take_descriptors(const struct pipes *p)
{
	if (dup2(p->in[0], 0) < 0 || dup2(p->out[1], 1) < 0 || dup2(p->err[1], 2) < 0 ||
	    dup3(p->door[1], DOOR_FD, O_CLOEXEC) < 0) {
		_exit(127);
	}
	if (p->secret >= 0 ? dup2(p->secret, SECRET_FD) < 0
			   : close_range(SECRET_FD, SECRET_FD, 0) != 0) {
		_exit(127);
	}
	if (close_range(DOOR_FD + 1, ~0U, 0) != 0) {
		_exit(127);
	}
}

static void confine(const struct child_spec *spec)
{
	static const struct sandbox_ids stay = {.is_set = false};
	struct sandbox_policy policy = {.name = spec->name,
					.needs = SANDBOX_SPAWN | SANDBOX_READ | SANDBOX_WRITE |
						 spec->needs};
	struct err e = ERR_INIT;

	set_limit(RLIMIT_CORE, 0);
	set_limit(RLIMIT_NOFILE, 1024);
	set_limit(RLIMIT_FSIZE, 256UL * 1024 * 1024);
	if (spec->cpu_s > 0) {
		set_limit(RLIMIT_CPU, spec->cpu_s);
	}
	if (sandbox_enter(&policy, spec->paths, spec->n_paths, &stay, spec->unsafe_no_walls, &e) !=
	    RC_OK) {
		give_up(e.msg);
	}
}

NORETURN static void be_child(const struct child_spec *spec, const struct pipes *p, pid_t parent)
{
	struct door_word ready = {.what = 'R'};
	sigset_t none;
	char go;

	take_descriptors(p);
	(void)setsid(); /* a fresh child leads no group, so it cannot fail */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
		_exit(127);
	}
	for (int sig = 1; sig < NSIG; sig++) {
		(void)signal(sig, SIG_DFL); /* fails for KILL, STOP and libc's own: fine */
	}
	if (sigemptyset(&none) != 0 || sigprocmask(SIG_SETMASK, &none, NULL) != 0 ||
	    chdir("/") != 0) {
		give_up("cannot reset signals and directory");
	}
	(void)umask(077); /* cannot fail */
	confine(spec);
	if (write(DOOR_FD, &ready, sizeof(ready)) != (ssize_t)sizeof(ready) ||
	    read(DOOR_FD, &go, 1) != 1) {
		_exit(127); /* the parent changed its mind */
	}
	(void)execve(spec->argv[0], spec->argv, spec->environment); /* returns only to fail */
	give_up(strerror(errno));
}

/* ---- our side ---- */

static void take(int *to, int *from)
{
	*to = *from;
	*from = -1;
}

/* Waits for a word or the end of the door. *ret_n is 0 at its end. */
static enum rc hear(int door, struct door_word *w, size_t *ret_n, struct err *e)
{
	struct pollfd p = {.fd = door, .events = POLLIN};
	int ready;
	ssize_t n;

	do {
		ready = poll(&p, 1, CHILD_DOOR_MS);
	} while (ready < 0 && errno == EINTR);
	if (ready <= 0) {
		FAIL(e, RC_IO, "a child did not come to the door");
	}
	n = recv(door, w, sizeof(*w), MSG_WAITALL);
	if (n < 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot hear a child");
	}
	w->why[sizeof(w->why) - 1] = '\0';
	*ret_n = (size_t)n;
	return RC_OK;
}

enum rc child_prepare(const struct child_spec *spec, struct child *ret, struct err *e)
{
	AUTO_PIPES p = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}, -1};
	struct child c = CHILD_NONE;
	struct door_word w = {0};
	pid_t me = getpid();
	size_t n = 0;
	enum rc rc;

	TRY(open_pipes(spec->secret, &p, e));
	c.pid = fork();
	if (c.pid < 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot start a child for '%s'", spec->name);
	}
	if (c.pid == 0) {
		be_child(spec, &p, me);
	}
	take(&c.in, &p.in[1]);
	take(&c.out, &p.out[0]);
	take(&c.err, &p.err[0]);
	take(&c.door, &p.door[0]);
	pipes_fini(&p); /* the child's ends, so that the door can end */
	p = (struct pipes){{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}, -1};
	rc = hear(c.door, &w, &n, e);
	if (rc == RC_OK && (n != sizeof(w) || w.what != 'R')) {
		rc = err_set(e, RC_BROKEN, __func__, "the child for '%s' was not ready: %s",
			     spec->name, n == sizeof(w) ? w.why : "it ended");
	}
	if (rc != RC_OK) {
		child_kill(&c);
		return rc;
	}
	*ret = c;
	return RC_OK;
}

enum rc child_release(struct child *c, struct err *e)
{
	struct door_word w = {0};
	AUTO_FD door = c->door;
	size_t n = 0;

	c->door = -1;
	if (send(door, "g", 1, MSG_NOSIGNAL) != 1) {
		return err_set_sys(e, RC_IO, __func__, "the child is gone");
	}
	TRY(hear(door, &w, &n, e));
	if (n != 0) {
		FAIL(e, RC_IO, "cannot execute the program: %s", w.why);
	}
	return RC_OK;
}

void child_close(struct child *c)
{
	file_close(c->in);
	file_close(c->out);
	file_close(c->err);
	file_close(c->door);
	*c = CHILD_NONE;
}

void child_kill(struct child *c)
{
	if (c->pid > 0) {
		descendants_kill(c->pid);
	}
	child_close(c);
}
