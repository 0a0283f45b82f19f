/* SPDX-License-Identifier: Apache-2.0 */
/* serve/serve.h - `remit serve`: the supervisor, and the birth of a role.
 *
 * One table says which roles there are; the supervisor starts each of them as a process of its own
 * (our binary, exec'd anew, so that no two share an address-space layout or a heap), plugs one
 * socketpair between each pair that must talk, and hands a role nothing else. A role that dies is
 * started again alone where the table says so, with back-off and new channels to its neighbours
 * (serve/alone.h). One that does not stay, and any other, takes all with it: all are stopped and
 * started again.
 */
#pragma once

#include "net/role.h"

enum {
	LIMIT_BACKENDS = 16,
	LIMIT_FRONTS = 16,
};

typedef enum rc role_main_fn(const struct role_env *env, struct err *e);

/* A row: which role, what it runs, what it may do. */
struct serve_role {
	enum role role;
	role_main_fn *main;
	bool opens_as_root; /* ports and secret files, before role_confine; others never run as root
			     */
	const struct sandbox_policy *sandbox;
	bool restarts_alone; /* its neighbours live on without it (role_link) */
	unsigned silent_ms;  /* without an answer for so long it is killed (watch.h); 0 = never */
	unsigned told_ms;    /* and for so long the others are told; 0 = they are not */
};

/* What the supervisor itself needs to know of a deployment. */
struct serve_plan {
	struct sandbox_ids ids; /* whom the roles become */
	char pid_file[4096];	/* "" = none */
	size_t n_agents;	/* fronts for agents, 1 to LIMIT_FRONTS */
	size_t n_backends;	/* credential backends: one child each */
	char backends[LIMIT_BACKENDS][LIMIT_ID_BYTES + 1];
};

struct serve_table {
	const struct serve_role *roles;
	size_t n_roles;
	enum rc (*plan)(const char *deployment, struct serve_plan *ret, struct err *e);
	/* Of what the deployment says now; NULL = it never changes. */
	enum rc (*digest)(const char *deployment, uint8_t ret[32], struct err *e);
};

/* The product's table (serve/table.c). */
extern const struct serve_table serve_table;

/* remit serve [--foreground] [--unsafe-no-sandbox] [DIRECTORY], and, for the supervisor's own use,
 * remit serve --role ... Returns the exit status. argv[0] is "serve". */
int serve_main(const struct serve_table *table, int argc, char **argv);
