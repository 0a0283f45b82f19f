/* SPDX-License-Identifier: Apache-2.0 */
/* runner/grants.c - paths and needs of children.
 *
 * Holds:  nothing outside the system's own directories is granted that the catalog does not name;
 *         /etc is granted file by file, since deployments keep keys there.
 */
#include "runner/grants.h"

static const struct sandbox_path system_paths[] = {
    {"/usr", SANDBOX_PATH_EXEC, false},
    {"/bin", SANDBOX_PATH_EXEC, true},
    {"/sbin", SANDBOX_PATH_EXEC, true},
    {"/lib", SANDBOX_PATH_EXEC, true},
    {"/lib64", SANDBOX_PATH_EXEC, true},
    {"/etc/alternatives", SANDBOX_PATH_READ, true},
    {"/etc/gai.conf", SANDBOX_PATH_READ, true},
    {"/etc/group", SANDBOX_PATH_READ, true},
    {"/etc/host.conf", SANDBOX_PATH_READ, true},
    {"/etc/hosts", SANDBOX_PATH_READ, true},
    {"/etc/ld.so.cache", SANDBOX_PATH_READ, true},
    {"/etc/ld.so.conf", SANDBOX_PATH_READ, true},
    {"/etc/ld.so.conf.d", SANDBOX_PATH_READ, true},
    {"/etc/localtime", SANDBOX_PATH_READ, true},
    {"/etc/nsswitch.conf", SANDBOX_PATH_READ, true},
    {"/etc/passwd", SANDBOX_PATH_READ, true},
    {"/etc/protocols", SANDBOX_PATH_READ, true},
    {"/etc/resolv.conf", SANDBOX_PATH_READ, true},
    {"/etc/services", SANDBOX_PATH_READ, true},
    {"/etc/ssl/certs", SANDBOX_PATH_READ, true},
    {"/etc/ssl/openssl.cnf", SANDBOX_PATH_READ, true},
    {"/dev/null", SANDBOX_PATH_WRITE, false},
    {"/dev/random", SANDBOX_PATH_READ, true},
    {"/dev/urandom", SANDBOX_PATH_READ, true},
    {"/dev/zero", SANDBOX_PATH_READ, true},
};

static enum rc add(struct grants *g, const char *path, enum sandbox_access access, struct err *e)
{
	struct sandbox_path p = {.path = path, .access = access};

	if (!path) {
		FAIL(e, RC_NOMEM, "no memory for the paths of a child");
	}
	if (vec_push(&g->paths, p) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for the paths of a child");
	}
	return RC_OK;
}

enum rc grants_add_system(struct grants *g, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(system_paths); i++) {
		if (vec_push(&g->paths, system_paths[i]) != RC_OK) {
			FAIL(e, RC_NOMEM, "no memory for the paths of a child");
		}
	}
	return RC_OK;
}

enum rc grants_add_child(struct grants *g, const struct upstream *u, struct str program,
			 struct arena *arena, struct err *e)
{
	TRY(add(g, arena_cstr(arena, program), SANDBOX_PATH_EXEC, e));
	for (size_t i = 0; i < u->readable.n; i++) {
		TRY(add(g, arena_cstr(arena, u->readable.p[i]), SANDBOX_PATH_READ, e));
	}
	for (size_t i = 0; i < u->writable.n; i++) {
		TRY(add(g, arena_cstr(arena, u->writable.p[i]), SANDBOX_PATH_WRITE, e));
	}
	for (size_t i = 0; i < u->network.n; i++) {
		g->needs |=
		    str_has_prefix(u->network.p[i], STR("unix:")) ? SANDBOX_UNIX : SANDBOX_INET;
	}
	if (u->may_signal) {
		/* Who signals must be able to see whom. */
		g->needs |= SANDBOX_SIGNAL;
		TRY(add(g, "/proc", SANDBOX_PATH_READ, e));
	}
	return RC_OK;
}

enum rc grants_of_child(const struct upstream *u, struct str program, struct arena *arena,
			struct grants *ret, struct err *e)
{
	*ret = (struct grants){0};
	TRY(grants_add_system(ret, e));
	return grants_add_child(ret, u, program, arena, e);
}

void grants_fini(struct grants *g)
{
	vec_fini(&g->paths);
}
