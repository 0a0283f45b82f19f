/* SPDX-License-Identifier: Apache-2.0 */
/* base/sandbox.h - what a role may still do, as data next to the role.
 *
 * A policy names needs; everything else is refused. sandbox_enter() is the one door: it leaves the
 * root user, capabilities, core dumps and debuggers behind, and then shuts two walls, Landlock
 * (which paths) and seccomp (which system calls), checking each step by reading it back. After it
 * has returned RC_OK nothing in the process or its children can undo any of it.
 *
 * What a forbidden act looks like from inside:
 *	a path that was not listed			EACCES (Landlock)
 *	a system call that was not listed		EPERM
 *	a socket of another family			EPERM
 *	execve, ptrace, mount, bpf and their kin	the process is killed (SIGSYS): only an
 *intruder makes these, and the supervisor will say so A role that starts programs (SANDBOX_SPAWN)
 *hands its filter on to them, and programs make all kinds of calls: its filter is a list of what is
 *refused (EPERM), and Landlock and the socket families carry the weight.
 *
 * Kernels from 6.1 (Landlock ABI 2) are enough; rules of later ABIs are added where they exist.
 */
#pragma once

#include <sys/types.h>

#include "base/err.h"

/* Bits. The base, which every role has: descriptors it holds already, epoll, time, memory that is
 * not executable, its own signals, exit. */
enum sandbox_need {
	SANDBOX_READ = 1 << 0,	 /* open and read files, list directories */
	SANDBOX_WRITE = 1 << 1,	 /* create, write, lock, sync, rename, remove files */
	SANDBOX_UNIX = 1 << 2,	 /* sockets of the local machine */
	SANDBOX_INET = 1 << 3,	 /* outgoing connections; nobody binds or listens in a sandbox */
	SANDBOX_ACCEPT = 1 << 4, /* accept from listeners that were opened before */
	SANDBOX_THREADS = 1 << 5,
	SANDBOX_SPAWN = 1 << 6,	 /* start programs */
	SANDBOX_SIGNAL = 1 << 7, /* signal processes outside the sandbox, as far as the user may */
};

struct sandbox_policy {
	const char *name;    /* of the role, for messages */
	unsigned needs;	     /* enum sandbox_need */
	const int *syscalls; /* further permitted system calls (SYS_...), ended by -1, or NULL */
};

/* Zero is the least. */
enum sandbox_access { SANDBOX_PATH_READ = 0, SANDBOX_PATH_WRITE, SANDBOX_PATH_EXEC };

/* A file, or a directory with all beneath it. WRITE and EXEC include READ. */
struct sandbox_path {
	const char *path;
	enum sandbox_access access;
	bool is_optional; /* fine when it does not exist */
};

/* Whom to become. */
struct sandbox_ids {
	bool is_set; /* false: stay who we are (capabilities go all the same) */
	uid_t uid;
	gid_t gid;
};

/* Only the change of user, read back; nothing when ids are not set. For roles that need nothing of
 * the user they were started as. sandbox_enter does it too. */
enum rc sandbox_become(const struct sandbox_ids *ids, struct err *e);
/* Enters. Any failure means that the role must not run: some doors may be shut already. With
 * unsafe_no_walls Landlock and seccomp are left out, and only they. */
enum rc sandbox_enter(const struct sandbox_policy *p, const struct sandbox_path *paths,
		      size_t n_paths, const struct sandbox_ids *ids, bool unsafe_no_walls,
		      struct err *e);
/* The kernel's Landlock ABI, 0 when it has none. */
int sandbox_landlock_abi(void);
