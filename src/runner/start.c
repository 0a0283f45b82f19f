/* SPDX-License-Identifier: Apache-2.0 */
/* runner/start.c - put together what a child needs, and fork it.
 *
 * Holds:  the secret exists in one buffer here, which is wiped before returning.
 */
#include "runner/start.h"

#include "base/limits.h"
#include "base/secret.h"
#include "runner/grants.h"

static void wipe_buf(struct buf *b)
{
	secret_wipe(b->p, b->cap);
	buf_fini(b);
}

/* The environment: a fixed, small one, then the catalog's. */
static enum rc environment_of(const struct upstream *u, const struct template_call *call,
			      struct arena *arena, char ***ret, struct err *e)
{
	static const struct str fixed[] = {
	    {"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", 49},
	    {"LANG=C.UTF-8", 12},
	    {"HOME=/nonexistent", 17},
	};
	struct str *all = arena_alloc_n(arena, ARRAY_LEN(fixed) + u->environment.n, sizeof(*all));
	struct str_list list = {.p = all, .n = ARRAY_LEN(fixed) + u->environment.n};

	if (!all) {
		FAIL(e, RC_NOMEM, "no memory for an environment");
	}
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
		all[i] = fixed[i];
	}
	for (size_t i = 0; i < u->environment.n; i++) {
		all[ARRAY_LEN(fixed) + i] = u->environment.p[i];
	}
	return template_words(&list, call, false, arena, ret, e);
}

enum rc start_child(const struct start_host *host, const struct upstream *u,
		    const struct str_list *command, const struct template_call *call,
		    struct str fields, uint32_t cpu_s, struct child *ret, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(1024 * 1024);
	CLEANUP(wipe_buf) struct buf secret = BUF_INIT(LIMIT_SECRET_BYTES);
	CLEANUP(grants_fini) struct grants grants = {0};
	struct template_call words = *call;
	struct child_spec spec = {.cpu_s = cpu_s, .unsafe_no_walls = host->unsafe_no_walls};
	char **argv;
	char **environment;

	if (command->n == 0 || !str_has_prefix(command->p[0], STR("/"))) {
		FAIL(e, RC_INPUT, "the program of '" STR_FMT "' is no absolute path",
		     STR_ARG(u->name));
	}
	if (u->secret_file.n > 0) {
		TRY(buf_reserve(&secret, LIMIT_SECRET_BYTES)); /* never moved, so wiped whole */
		TRY(fields.n > 0 ? template_secret(u->secret_file, fields, &secret, e)
				 : buf_add_char(&secret, '\n'));
		words.has_secret = true;
	}
	TRY(template_words(command, &words, true, &arena, &argv, e));
	words.variables = NULL; /* an agent's values have no place in an environment */
	TRY(environment_of(u, &words, &arena, &environment, e));
	TRY(grants_of_child(u, command->p[0], &arena, &grants, e));
	spec.name = arena_cstr(&arena, u->name);
	spec.argv = argv;
	spec.environment = environment;
	spec.secret = buf_view(&secret);
	spec.needs = grants.needs;
	spec.paths = grants.paths.p;
	spec.n_paths = grants.paths.n;
	if (!spec.name) {
		FAIL(e, RC_NOMEM, "no memory for a child");
	}
	return child_prepare(&spec, ret, e);
}
