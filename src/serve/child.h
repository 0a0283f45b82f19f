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
	uint64_t generation;	 /* that it was last started as */
	unsigned unanswered;	 /* PINGs (watch.h) */
	bool is_silent;		 /* and the others know it */
	/* What follows is alone.c's. */
	void *owner;
	uint64_t started_ns;
	struct loop_timer timer; /* to start it, to be ready, or to end, whichever comes next */
	uint32_t restarts;
	uint32_t tries; /* of late */
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
		      uint64_t generation, struct children *ret, int ret_supervisor[LIMIT_CHILDREN],
		      struct err *e);
/* New pairs for one of them alone, as that generation. ret_ends are the other children's ends (-1
 * = not linked with it), the caller's, also after a failure; its own are closed by children_close.
 */
enum rc child_replug(struct children *all, struct child *c, uint64_t generation,
		     int *ret_supervisor, int ret_ends[LIMIT_CHILDREN], struct err *e);
/* The table's; NULL = none. */
const struct serve_role *child_row(const struct serve_table *table, enum role role);
bool child_is_linked(const struct child *a, const struct child *b);
/* Closes the children's ends, which the supervisor must not keep. */
void children_close(struct children *all);
/* "governor", "backend orders" into out. */
void child_label(enum role role, const char *name, char out[LIMIT_ID_BYTES + 32]);
/* Forks and execs; c->pid is set. common gives deployment, generation, ids and the flag. */
enum rc child_start(struct child *c, const struct serve_args *common, struct err *e);
