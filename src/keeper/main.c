/* SPDX-License-Identifier: Apache-2.0 */
/* keeper/main.c - from a deployment directory to the keeper and to its backends. */
#include <limits.h>
#include <stdio.h>

#include "config/deployment.h"
#include "keeper/backend.h"
#include "keeper/keeper.h"

enum rc role_keeper_main(const struct role_env *env, struct err *e)
{
	AUTO_FINDINGS findings = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	char dir[PATH_MAX];
	const char *anchor = dir;
	int n;

	TRY(deployment_load(env->deployment, &d, &findings, e));
	n = snprintf(dir, sizeof(dir), STR_FMT "/keeper", STR_ARG(d->state_dir));
	if (n < 0 || (size_t)n >= sizeof(dir)) {
		FAIL(e, RC_LIMIT, "the state directory's path is too long");
	}
	if (d->anchor_dir.n) {
		anchor = arena_cstr(&d->arena, d->anchor_dir);
		if (!anchor) {
			FAIL(e, RC_NOMEM, "no memory for a path");
		}
	}
	return keeper_run(env, dir, anchor, d->bundle->origin, e);
}

enum rc role_backend_main(const struct role_env *env, struct err *e)
{
	AUTO_FINDINGS findings = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	const struct backend *config;

	TRY(deployment_load(env->deployment, &d, &findings, e));
	config = deployment_backend(d, str_from(env->name));
	if (!config) {
		FAIL(e, RC_ABSENT, "there is no backend '%s'", env->name);
	}
	return backend_run(env, config, e);
}
