/* SPDX-License-Identifier: Apache-2.0 */
/* runner/descendants.c - the tree of processes, read from /proc.
 *
 * Holds:  (1) killing repeats until a look at /proc finds nobody new, so a tree that forks while it
 *             is killed loses: each round kills all that exist, and what is dead forks no more.
 *         (2) the number of rounds is bounded; a tree that outlives them is logged.
 */
#include "runner/descendants.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/num.h"
#include "base/vec.h"

enum { ROUNDS = 64, STAT_BYTES = 4096 };

struct process {
	pid_t pid;
	pid_t parent;
	bool is_dead; /* a zombie: nothing to kill */
	bool is_marked;
};

struct table {
	struct process *p;
	size_t n;
	size_t cap;
};

enum rc descendants_adopt(struct err *e)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
		return err_set_sys(e, RC_BROKEN, __func__, "cannot adopt orphans");
	}
	return RC_OK;
}

/* "pid (name) state ppid ...": the name may hold anything, so count from the last ')'. */
static bool read_stat(pid_t pid, struct process *ret)
{
	char path[64];
	AUTO_BUF b = BUF_INIT(STAT_BYTES);
	struct str rest;
	size_t close = 0;
	uint64_t parent;
	char state;

	if (snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid) < 0 ||
	    file_read(path, &b, NULL) != RC_OK) {
		return false; /* it ended meanwhile */
	}
	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] == ')') {
			close = i;
		}
	}
	rest = str_slice(buf_view(&b), close + 2, b.n);
	state = rest.n > 0 ? rest.p[0] : 'X';
	(void)str_cut(&rest, ' '); /* the state */
	if (!num_u64(str_cut(&rest, ' '), INT32_MAX, &parent)) {
		return false;
	}
	*ret = (struct process){
	    .pid = pid, .parent = (pid_t)parent, .is_dead = state == 'Z' || state == 'X'};
	return true;
}

static enum rc read_table(struct table *t)
{
	DIR *dir = opendir("/proc");
	const struct dirent *d;
	enum rc rc = RC_OK;

	if (!dir) {
		return RC_IO;
	}
	while (rc == RC_OK && (d = readdir(dir)) != NULL) {
		struct process one;
		uint64_t pid;

		if (num_u64(str_from(d->d_name), INT32_MAX, &pid) && read_stat((pid_t)pid, &one)) {
			rc = vec_push(t, one);
		}
	}
	(void)closedir(dir); /* opened for reading: nothing to lose */
	return rc;
}

/* Marks all whose chain of parents meets a marked one. */
static void mark_descendants(struct table *t)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (size_t i = 0; i < t->n; i++) {
			for (size_t j = 0; j < t->n && !t->p[i].is_marked; j++) {
				if (t->p[j].is_marked && t->p[i].parent == t->p[j].pid) {
					t->p[i].is_marked = true;
					changed = true;
				}
			}
		}
	}
}

/* Kills the marked; how many were alive? */
static size_t kill_marked(const struct table *t)
{
	size_t alive = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (t->p[i].is_marked && !t->p[i].is_dead) {
			/* Gone meanwhile is as good. */
			(void)kill(t->p[i].pid, SIGKILL);
			alive++;
		}
	}
	return alive;
}

/* Marks with mark(), kills, and looks again. */
static void kill_rounds(void (*mark)(void *ctx, struct table *t), void *ctx)
{
	for (size_t round = 0; round < ROUNDS; round++) {
		struct table t = {0};
		size_t alive = 0;
		enum rc rc = read_table(&t);

		if (rc == RC_OK) {
			mark(ctx, &t);
			mark_descendants(&t);
			alive = kill_marked(&t);
		}
		vec_fini(&t);
		if (rc != RC_OK) {
			log_err("cannot read /proc: descendants of a child may be left");
			return;
		}
		if (alive == 0) {
			return;
		}
		(void)usleep(500); /* the killed need a moment to be dead */
	}
	log_err("descendants of a child are still alive after %d rounds of killing", (int)ROUNDS);
}

static void mark_one(void *ctx, struct table *t)
{
	const pid_t *pid = ctx;

	for (size_t i = 0; i < t->n; i++) {
		if (t->p[i].pid == *pid) {
			t->p[i].is_marked = true;
		}
	}
}

void descendants_kill(pid_t pid)
{
	/* The group first, at once; then who left it. */
	(void)kill(-pid, SIGKILL);
	kill_rounds(mark_one, &pid);
}

struct strays {
	bool (*is_known)(void *ctx, pid_t pid);
	void *ctx;
};

static void mark_strays(void *ctx, struct table *t)
{
	const struct strays *s = ctx;
	pid_t me = getpid();

	for (size_t i = 0; i < t->n; i++) {
		if (t->p[i].parent == me && !s->is_known(s->ctx, t->p[i].pid)) {
			t->p[i].is_marked = true;
		}
	}
}

void descendants_kill_strays(bool (*is_known)(void *ctx, pid_t pid), void *ctx)
{
	struct strays s = {.is_known = is_known, .ctx = ctx};

	kill_rounds(mark_strays, &s);
}
