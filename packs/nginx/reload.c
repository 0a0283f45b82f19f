/* SPDX-License-Identifier: Apache-2.0 */
/* reload.c - test, signal, look.
 *
 * Holds:  (1) a signal goes only to a process that /proc calls nginx's master, right before.
 *         (2) success means that each worker which was there before has gone or is shutting down,
 *             and that there is a new one.
 */
#include "reload.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/num.h"
#include "base/vec.h"

enum { TEST_MS = 5000, OUTPUT_BYTES = 16 * 1024, CMDLINE_BYTES = 4096 };

static const char master_title[] = "nginx: master process";
static const char worker_title[] = "nginx: worker process";

struct pids {
	pid_t *p;
	size_t n;
	size_t cap;
};

/* ---- the program ---- */

/* Runs argv with its output in out. *ret is its exit status, or -1 when it had to be killed. */
static enum rc run(char *const argv[], struct buf *out, int *ret, struct err *e)
{
	int pipes[2];
	int status = 0;
	pid_t pid;
	struct pollfd p = {.events = POLLIN};
	bool killed = false;

	if (pipe2(pipes, O_CLOEXEC) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot make a pipe");
	}
	pid = fork();
	if (pid == 0) {
		if (dup2(pipes[1], 1) >= 0 && dup2(pipes[1], 2) >= 0) {
			(void)execv(argv[0], argv); /* returns only to fail */
		}
		_exit(127);
	}
	file_close(pipes[1]);
	p.fd = pipes[0];
	while (pid > 0) {
		ssize_t n = -1;

		killed = poll(&p, 1, TEST_MS) <= 0;
		if (!killed && buf_reserve(out, 1024) == RC_OK) {
			n = read(pipes[0], out->p + out->n, 1024);
		}
		if (n <= 0) {
			break;
		}
		out->n += (size_t)n;
	}
	file_close(pipes[0]);
	if (pid < 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot start '%s'", argv[0]);
	}
	if (killed) {
		(void)kill(pid, SIGKILL); /* our own child, not collected yet */
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
		/* again */
	}
	*ret = WIFEXITED(status) && !killed ? WEXITSTATUS(status) : -1;
	return RC_OK;
}

static enum rc test(const struct reload_conf *c, const char *config, struct buf *out, int *ret,
		    struct err *e)
{
	char *argv[] = {(char *)(uintptr_t)c->program,
			(char[]){"-t"},
			(char[]){"-q"},
			(char[]){"-e"},
			(char[]){"stderr"},
			(char[]){"-c"},
			(char *)(uintptr_t)config,
			NULL};

	return run(argv, out, ret, e);
}

enum rc reload_test_include(const struct reload_conf *c, const char *candidate, const char *beside,
			    struct err *e)
{
	AUTO_BUF text = BUF_INIT(8192);
	AUTO_BUF out = BUF_INIT(OUTPUT_BYTES);
	char config[4096];
	char pid[4200];
	int status = -1;
	enum rc rc;

	if (snprintf(config, sizeof(config), "%s.test", beside) >= (int)sizeof(config)) {
		FAIL(e, RC_LIMIT, "path is too long: '%s'", beside);
	}
	TRY(buf_addf(&text,
		     "pid %s.pid;\nerror_log stderr;\nevents {}\nhttp {\n\taccess_log off;\n"
		     "\tinclude %s;\n}\n",
		     config, candidate));
	TRY(file_replace(config, buf_view(&text), 0600, e));
	rc = test(c, config, &out, &status, e);
	/* Left behind, both harm nobody. */
	(void)unlink(config);
	(void)snprintf(pid, sizeof(pid), "%s.pid", config); /* cut, it is not there */
	(void)unlink(pid);
	if (rc == RC_OK && status != 0) {
		FAIL(e, RC_INPUT, "nginx refuses the list: " STR_FMT,
		     STR_ARG(str_slice(buf_view(&out), 0, 200)));
	}
	return rc;
}

enum rc reload_test_all(const struct reload_conf *c, struct err *e)
{
	AUTO_BUF out = BUF_INIT(OUTPUT_BYTES);
	struct str said;
	int status = -1;

	if (!c->config) {
		return RC_OK;
	}
	TRY(test(c, c->config, &out, &status, e));
	said = buf_view(&out);
	if (status == 0 ||
	    ((str_contains(said, STR("socket()")) || str_contains(said, STR("bind()"))) &&
	     (str_contains(said, STR("(1: Operation not permitted)")) ||
	      str_contains(said, STR("(13: Permission denied)"))))) {
		return RC_OK;
	}
	FAIL(e, RC_INPUT, "nginx refuses its configuration: " STR_FMT,
	     STR_ARG(str_slice(said, 0, 200)));
}

/* ---- processes ---- */

/* Does the command line of pid begin so? */
static bool is_titled(pid_t pid, const char *title, bool *ret_is_leaving)
{
	char path[64];
	AUTO_BUF b = BUF_INIT(CMDLINE_BYTES);

	if (snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid) < 0 ||
	    file_read(path, &b, NULL) != RC_OK) {
		return false;
	}
	*ret_is_leaving = str_contains(buf_view(&b), STR("is shutting down"));
	return str_has_prefix(buf_view(&b), str_from(title));
}

static pid_t parent_of(pid_t pid)
{
	char path[64];
	AUTO_BUF b = BUF_INIT(CMDLINE_BYTES);
	struct str rest;
	uint64_t parent = 0;
	size_t close = 0;

	if (snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid) < 0 ||
	    file_read(path, &b, NULL) != RC_OK) {
		return 0;
	}
	for (size_t i = 0; i < b.n; i++) {
		close = b.p[i] == ')' ? i : close; /* the name may hold anything */
	}
	rest = str_slice(buf_view(&b), close + 4, b.n);
	return num_u64(str_cut(&rest, ' '), INT32_MAX, &parent) ? (pid_t)parent : 0;
}

/* The workers of a master that serve. */
static enum rc workers_of(pid_t master, struct pids *ret, struct err *e)
{
	DIR *dir = opendir("/proc");
	const struct dirent *d;
	enum rc rc = RC_OK;

	if (!dir) {
		return err_set_sys(e, RC_IO, __func__, "cannot look at processes");
	}
	while (rc == RC_OK && (d = readdir(dir)) != NULL) {
		uint64_t pid;
		bool leaving;

		if (num_u64(str_from(d->d_name), INT32_MAX, &pid) &&
		    parent_of((pid_t)pid) == master &&
		    is_titled((pid_t)pid, worker_title, &leaving) && !leaving) {
			rc = vec_push(ret, (pid_t)pid);
		}
	}
	(void)closedir(dir); /* opened for reading */
	return rc;
}

static bool has(const struct pids *l, pid_t pid)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->p[i] == pid) {
			return true;
		}
	}
	return false;
}

static enum rc find_master(const struct reload_conf *c, pid_t *ret, struct err *e)
{
	AUTO_BUF b = BUF_INIT(64);
	struct str text;
	uint64_t pid;
	bool leaving;

	TRY(file_read(c->pid_file, &b, e));
	text = buf_view(&b);
	if (!num_u64(str_trim(str_cut(&text, '\n')), INT32_MAX, &pid) || pid < 2) {
		FAIL(e, RC_INPUT, "'%s' holds no process id", c->pid_file);
	}
	if (!is_titled((pid_t)pid, master_title, &leaving)) {
		FAIL(e, RC_ABSENT, "process %d of '%s' is not nginx's master", (int)pid,
		     c->pid_file);
	}
	*ret = (pid_t)pid;
	return RC_OK;
}

/* Invariant (2). */
static enum rc have_changed(pid_t master, const struct pids *before, bool *ret, struct err *e)
{
	struct pids now = {0};
	enum rc rc = workers_of(master, &now, e);

	*ret = rc == RC_OK && now.n > 0;
	for (size_t i = 0; i < now.n; i++) {
		*ret = *ret && !has(before, now.p[i]);
	}
	vec_fini(&now);
	return rc;
}

static enum rc signal_and_wait(const struct reload_conf *c, pid_t master, const struct pids *before,
			       struct err *e)
{
	static const struct timespec nap = {.tv_nsec = 10 * 1000 * 1000};
	bool changed = false;

	if (kill(master, SIGHUP) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot signal nginx's master");
	}
	for (unsigned ms = 0; ms < c->wait_ms && !changed; ms += 10) {
		(void)nanosleep(&nap, NULL); /* a shorter nap is one more look */
		TRY(have_changed(master, before, &changed, e));
	}
	if (!changed) {
		FAIL(e, RC_AGAIN, "nginx has no new workers after %u ms", c->wait_ms);
	}
	return RC_OK;
}

enum rc reload_now(const struct reload_conf *c, struct err *e)
{
	struct pids before = {0};
	pid_t master = 0;
	enum rc rc;

	TRY(find_master(c, &master, e));
	rc = workers_of(master, &before, e);
	if (rc == RC_OK) {
		rc = signal_and_wait(c, master, &before, e);
	}
	vec_fini(&before);
	return rc;
}
