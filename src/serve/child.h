/* SPDX-License-Identifier: Apache-2.0 */
/* serve/child.h - one process per role: who there is, who talks to whom, and their start. */
#pragma once

#include "serve/args.h"
#include "serve/serve.h"

struct child {
	enum role role;
	char name[LIMIT_ID_BYTES + 1];
	struct role_peer peers[LIMIT_ROLE_PEERS];
	size_t n_peers;
	pid_t pid; /* 0 = not running */
	bool is_ready;
	struct channel *channel; /* the supervisor's end */
};

enum { LIMIT_CHILDREN = 9 + LIMIT_FRONTS + LIMIT_BACKENDS };

struct children {
	struct child list[LIMIT_CHILDREN];
	size_t n;
};

/* Lists the roles of the table, as often as the plan says, and plugs a pair of sockets between
 * those that must talk. The supervisor's ends are in ret_supervisor, one per child. What it opened
 * before a failure is closed by children_close. */
enum rc children_plug(const struct serve_table *table, const struct serve_plan *plan,
		      struct children *ret, int ret_supervisor[LIMIT_CHILDREN], struct err *e);
/* Closes the children's ends, which the supervisor must not keep. */
void children_close(struct children *all);
/* "governor", "backend orders" into out. */
void child_label(enum role role, const char *name, char out[LIMIT_ID_BYTES + 32]);
/* Forks and execs; c->pid is set. common gives deployment, generation, ids and the flag. */
enum rc child_start(struct child *c, const struct serve_args *common, struct err *e);
