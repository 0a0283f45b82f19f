/* SPDX-License-Identifier: Apache-2.0 */
/* runner/runner.h - the role that starts children for admissions: command tools, stdio servers.
 *
 * Everything a child may do is in the catalog (docs/formats/upstream.md): program, arguments,
 * environment, secret file, paths, network. The runner itself holds the union of that and nothing
 * more; it opens no socket.
 */
#pragma once

#include "core/bundle.h"
#include "net/role.h"

/* The most it may need; it enters with what the catalog calls for. */
extern const struct sandbox_policy runner_sandbox;

struct runner;

struct runner_conf {
	const struct bundle *bundle; /* borrowed */
	uint64_t generation;
	bool unsafe_no_walls; /* children without Landlock and seccomp too */
	void (*say)(void *ctx, const struct message *m); /* to the governor */
	void *say_ctx;
};

/* One per process: it becomes the subreaper and takes SIGCHLD. */
enum rc runner_new(struct loop *l, const struct runner_conf *conf, struct runner **ret,
		   struct err *e);
/* Kills every child. NULL is fine. */
void runner_free(struct runner *r);
/* A message of the governor or the keeper. */
void runner_hear(struct runner *r, const struct message *m);

/* As struct desk has them. */
void runner_governor_lost(struct runner *r);
void runner_governor_found(struct runner *r, uint64_t generation);

enum rc role_runner_main(const struct role_env *env, struct err *e);
