/* SPDX-License-Identifier: Apache-2.0 */
/* serve/child.c - the children's sockets and their exec.
 *
 * Holds:  (1) two roles share a socket only if the table of links has a row for them.
 *         (2) a child inherits its own ends and the standard streams, nothing else: everything is
 *             close-on-exec, and the mark is taken off after the fork, in the child.
 */
#include "serve/child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

/* Invariant (1). */
static const struct {
	enum role a;
	enum role b;
} links[] = {
    {R_AGENTS, R_GOVERNOR},  {R_PEOPLE, R_GOVERNOR}, {R_GOVERNOR, R_KEEPER}, {R_GOVERNOR, R_RUNNER},
    {R_GOVERNOR, R_COURIER}, {R_KEEPER, R_AGENTS},   {R_KEEPER, R_PEOPLE},   {R_KEEPER, R_RUNNER},
    {R_KEEPER, R_BACKEND},   {R_PEOPLE, R_INDEX},    {R_GOVERNOR, R_STORE},
};

void child_label(enum role role, const char *name, char out[LIMIT_ID_BYTES + 32])
{
	(void)snprintf(out, LIMIT_ID_BYTES + 32, "%s%s%s", role_name(role), name[0] ? " " : "",
		       name); /* names are within LIMIT_ID_BYTES, roles within 31 */
}

static enum rc add_child(struct children *all, enum role role, const char *name, struct err *e)
{
	struct child *c;

	if (all->n == LIMIT_CHILDREN) {
		FAIL(e, RC_LIMIT, "more than %d roles", LIMIT_CHILDREN);
	}
	c = &all->list[all->n++];
	memset(c, 0, sizeof(*c));
	c->role = role;
	memcpy(c->name, name, strnlen(name, LIMIT_ID_BYTES));
	return RC_OK;
}

static enum rc list_children(const struct serve_table *table, const struct serve_plan *plan,
			     struct children *all, struct err *e)
{
	for (size_t i = 0; i < table->n_roles; i++) {
		enum role role = table->roles[i].role;
		size_t n = role == R_AGENTS    ? plan->n_agents
			   : role == R_BACKEND ? plan->n_backends
					       : 1;

		for (size_t k = 0; k < n; k++) {
			char name[LIMIT_ID_BYTES + 1] = "";

			if (role == R_BACKEND) {
				memcpy(name, plan->backends[k], sizeof(name));
			} else if (n > 1) {
				(void)snprintf(name, sizeof(name), "%zu", k + 1); /* fits */
			}
			TRY(add_child(all, role, name, e));
		}
	}
	return RC_OK;
}

static enum rc add_peer(struct child *c, enum role role, const char *name, uint64_t born,
			int take_fd, struct err *e)
{
	struct role_peer *p;

	if (c->n_peers == LIMIT_ROLE_PEERS) {
		file_close(take_fd);
		FAIL(e, RC_LIMIT, "%s talks to more than %d peers", role_name(c->role),
		     LIMIT_ROLE_PEERS);
	}
	p = &c->peers[c->n_peers++];
	*p = (struct role_peer){.role = role, .fd = take_fd, .born = born};
	memcpy(p->name, name, strnlen(name, LIMIT_ID_BYTES));
	return RC_OK;
}

static enum rc plug_pair(struct child *a, struct child *b, struct err *e)
{
	int fds[2];

	TRY(channel_pair(fds, e));
	if (add_peer(a, b->role, b->name, b->generation, fds[0], e) != RC_OK) {
		file_close(fds[1]);
		return e ? e->code : RC_LIMIT;
	}
	return add_peer(b, a->role, a->name, a->generation, fds[1], e);
}

static bool are_linked(enum role a, enum role b)
{
	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		if ((links[i].a == a && links[i].b == b) || (links[i].a == b && links[i].b == a)) {
			return true;
		}
	}
	return false;
}

const struct serve_role *child_row(const struct serve_table *table, enum role role)
{
	for (size_t i = 0; i < table->n_roles; i++) {
		if (table->roles[i].role == role) {
			return &table->roles[i];
		}
	}
	return NULL;
}

bool child_is_linked(const struct child *a, const struct child *b)
{
	return are_linked(a->role, b->role);
}

enum rc children_plug(const struct serve_table *table, const struct serve_plan *plan,
		      uint64_t generation, struct children *ret, int ret_supervisor[LIMIT_CHILDREN],
		      struct err *e)
{
	ret->n = 0;
	TRY(list_children(table, plan, ret, e));
	for (size_t i = 0; i < ret->n; i++) {
		ret_supervisor[i] = -1;
		ret->list[i].generation = generation;
	}
	for (size_t i = 0; i < ret->n; i++) {
		int fds[2];

		TRY(channel_pair(fds, e));
		ret_supervisor[i] = fds[0];
		TRY(add_peer(&ret->list[i], R_SUPERVISOR, "", generation, fds[1], e));
		for (size_t k = 0; k < i; k++) {
			if (are_linked(ret->list[k].role, ret->list[i].role)) {
				TRY(plug_pair(&ret->list[k], &ret->list[i], e));
			}
		}
	}
	return RC_OK;
}

enum rc child_replug(struct children *all, struct child *c, uint64_t generation,
		     int *ret_supervisor, int ret_ends[LIMIT_CHILDREN], struct err *e)
{
	int fds[2];

	*ret_supervisor = -1;
	for (size_t i = 0; i < LIMIT_CHILDREN; i++) {
		ret_ends[i] = -1;
	}
	c->generation = generation;
	TRY(channel_pair(fds, e));
	*ret_supervisor = fds[0];
	TRY(add_peer(c, R_SUPERVISOR, "", generation, fds[1], e));
	for (size_t i = 0; i < all->n; i++) {
		const struct child *other = &all->list[i];

		if (other != c && child_is_linked(other, c)) {
			TRY(channel_pair(fds, e));
			ret_ends[i] = fds[0];
			TRY(add_peer(c, other->role, other->name, other->generation, fds[1], e));
		}
	}
	return RC_OK;
}

void children_close(struct children *all)
{
	for (size_t i = 0; i < all->n; i++) {
		struct child *c = &all->list[i];

		for (size_t k = 0; k < c->n_peers; k++) {
			file_close(c->peers[k].fd);
		}
		c->n_peers = 0;
	}
}

/* In the child, after the fork: only what is safe there. */
static NORETURN void become_role(const struct child *c, char **argv)
{
	sigset_t none;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	/* Ctrl-C at the terminal is the supervisor's to hear. */
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || setpgid(0, 0) != 0) {
		_exit(126);
	}
	for (size_t i = 0; i < c->n_peers; i++) {
		if (fcntl(c->peers[i].fd, F_SETFD, 0) != 0) {
			_exit(126);
		}
	}
	(void)sigemptyset(&none); /* cannot fail */
	if (sigprocmask(SIG_SETMASK, &none, NULL) != 0) {
		_exit(126);
	}
	(void)execv("/proc/self/exe", argv); /* returns only on failure */
	_exit(127);
}

enum rc child_start(struct child *c, const struct serve_args *common, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(64 * 1024);
	struct serve_args args = *common;
	char *argv[SERVE_ARGV_MAX];
	pid_t pid;

	args.is_role = true;
	args.role = c->role;
	args.n_peers = c->n_peers;
	memcpy(args.name, c->name, sizeof(args.name));
	memcpy(args.peers, c->peers, sizeof(args.peers));
	TRY(serve_args_print(&args, &arena, argv, e));
	pid = fork();
	if (pid < 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot start the %s", role_name(c->role));
	}
	if (pid == 0) {
		become_role(c, argv);
	}
	c->pid = pid;
	return RC_OK;
}
