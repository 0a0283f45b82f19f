/* SPDX-License-Identifier: Apache-2.0 */
/* serve/table.c - which roles there are: the only file of the supervisor that sees the rooms. */
#include "serve/serve.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "config/deployment.h"
#include "front/people.h"
#include "governor/governor.h"
#include "index/index.h"
#include "keeper/keeper.h"

static enum rc keeper_main(const struct role_env *env, struct err *e)
{
	AUTO_FINDINGS found = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	char dir[4096];

	TRY(deployment_load(env->deployment, &d, &found, e));
	(void)snprintf(dir, sizeof(dir), STR_FMT "/keeper", STR_ARG(d->state_dir));
	return keeper_run(env, dir, d->bundle->origin, e);
}

static enum rc find_user(struct str name, struct sandbox_ids *ret, struct err *e)
{
	char copy[64];
	const struct passwd *pw;

	if (name.n == 0 || geteuid() != 0) {
		return RC_OK; /* stay who started it */
	}
	(void)snprintf(copy, sizeof(copy), STR_FMT, STR_ARG(name)); /* a cut name is not found */
	pw = getpwnam(copy);
	if (!pw) {
		FAIL(e, RC_INPUT, "remit.yaml: user '%s' does not exist", copy);
	}
	if (pw->pw_uid == 0) {
		FAIL(e, RC_INPUT, "remit.yaml: 'user' must not be root");
	}
	*ret = (struct sandbox_ids){.is_set = true, .uid = pw->pw_uid, .gid = pw->pw_gid};
	return RC_OK;
}

static enum rc make_plan(const char *deployment, struct serve_plan *ret, struct err *e)
{
	AUTO_FINDINGS found = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	AUTO_BUF text = BUF_INIT(1 << 20);

	*ret = (struct serve_plan){.n_agents = 1};
	if (deployment_load(deployment, &d, &found, e) != RC_OK) {
		if (findings_print(&found, &text) == RC_OK && text.n) {
			fprintf(stderr, "%.*s", (int)text.n, text.p);
		}
		return e->code;
	}
	TRY(find_user(d->user, &ret->ids, e));
	(void)snprintf(ret->pid_file, sizeof(ret->pid_file), STR_FMT, STR_ARG(d->pid_file));
	ret->n_agents = d->agents.fronts;
	for (size_t i = 0; i < d->n_backends && i < LIMIT_BACKENDS; i++) {
		(void)snprintf(ret->backends[i], sizeof(ret->backends[i]), STR_FMT,
			       STR_ARG(d->backends[i].name)); /* names are shorter: checked at load */
		ret->n_backends = i + 1;
	}
	if (d->n_backends > LIMIT_BACKENDS) {
		FAIL(e, RC_LIMIT, "remit.yaml: at most %d backends", LIMIT_BACKENDS);
	}
	return RC_OK;
}

static const struct serve_role roles[] = {
	{.role = R_KEEPER, .main = keeper_main, .sandbox = &keeper_sandbox},
	{.role = R_GOVERNOR, .main = role_governor_main, .sandbox = &governor_sandbox},
	{.role = R_INDEX, .main = role_index_main, .sandbox = &index_sandbox},
	{.role = R_PEOPLE, .main = role_people_main, .sandbox = &people_sandbox},
};

const struct serve_table serve_table = {
	.roles = roles,
	.n_roles = ARRAY_LEN(roles),
	.plan = make_plan,
};
