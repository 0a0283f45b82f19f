/* SPDX-License-Identifier: Apache-2.0 */
/* runner/child.h - one confined program, started in two steps.
 *
 * child_prepare forks and confines: own session and process group, no inherited descriptor but
 * stdin, stdout, stderr and (when there is one) the secret, limits, its own sandbox. The child then
 * waits at the door. child_release lets it exec. Between the two the caller commits the call: what
 * fails before is certainly not sent.
 *
 * The secret is a sealed file in memory, mode 0400, whose path for the child is CHILD_SECRET_PATH.
 * It is never an argument or an environment value.
 *
 * Both steps wait for the child, CHILD_DOOR_MS at most: setting up takes milliseconds, and a child
 * that does not come to the door is killed.
 */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "base/sandbox.h"
#include "base/str.h"

#define CHILD_SECRET_PATH "/proc/self/fd/3"
enum { CHILD_DOOR_MS = 3000 };

struct child_spec {
	const char *name;	  /* for messages: the upstream */
	char *const *argv;	  /* NULL-terminated; argv[0] is an absolute path */
	char *const *environment; /* NULL-terminated */
	struct str secret;	  /* content of the secret file; "" = none. Not kept */
	unsigned needs;		  /* SANDBOX_UNIX, SANDBOX_INET, SANDBOX_SIGNAL: beyond the least */
	const struct sandbox_path *paths; /* programs, libraries, and what the catalog grants */
	size_t n_paths;
	uint32_t cpu_s; /* processor time; 0 = no bound */
	bool unsafe_no_walls;
};

struct child {
	pid_t pid; /* 0 = none; also its process group */
	int in;	   /* write end of its stdin; non-blocking, as are the next two; -1 when closed */
	int out;   /* read end of its stdout */
	int err;   /* read end of its stderr */
	int door;  /* -1 once released */
};

#define CHILD_NONE ((struct child){.pid = 0, .in = -1, .out = -1, .err = -1, .door = -1})

/* On failure nothing is left but perhaps a dead process for the reaper. */
enum rc child_prepare(const struct child_spec *spec, struct child *ret, struct err *e);
/* RC_IO: the program could not be executed; it has ended. */
enum rc child_release(struct child *c, struct err *e);
/* Kills the group and every descendant that can be found, and closes the descriptors. The process
 * itself is the reaper's to collect. Fine with CHILD_NONE and again. */
void child_kill(struct child *c);
/* Closes the descriptors of a child that has ended. */
void child_close(struct child *c);
