/* SPDX-License-Identifier: Apache-2.0 */
/* runner/role.c - the runner as a process of its own. */
#include "base/log.h"
#include "config/deployment.h"
#include "runner/grants.h"
#include "runner/runner.h"

/* Where its children are looked up, and whom to answer. */
struct plugs {
	const struct role_env *env;
	struct runner *runner;
	struct channel *governor;
	struct channel *keeper;
};

static void on_message(void *ctx, struct channel *c, const struct message *m)
{
	struct plugs *p = ctx;

	(void)c;
	runner_hear(p->runner, m);
}

static void say(void *ctx, const struct message *m)
{
	struct plugs *p = ctx;

	if (channel_send(p->governor, m) != RC_OK) {
		/* The link is lost in a moment; a call whose outcome it was is unclaimed then. */
		log_err("the governor cannot be told of a %s", message_name(m->kind));
	}
}

static void governor_is_lost(void *ctx)
{
	struct plugs *p = ctx;

	runner_governor_lost(p->runner);
}

static void governor_is_found(void *ctx)
{
	struct plugs *p = ctx;

	runner_governor_found(p->runner, role_generation(p->env, R_GOVERNOR, NULL));
}

/* The union of what all children may touch. */
static enum rc grants_of_all(const struct bundle *b, struct arena *arena, struct grants *g,
			     struct err *e)
{
	static const struct sandbox_path proc = {"/proc", SANDBOX_PATH_READ, false};

	TRY(grants_add_system(g, e));
	if (vec_push(&g->paths, proc) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for the runner's paths");
	}
	for (size_t i = 0; i < b->n_upstreams; i++) {
		const struct upstream *u = &b->upstreams[i];

		if (u->transport == TRANSPORT_STDIO && u->command.n > 0) {
			TRY(grants_add_child(g, u, u->command.p[0], arena, e));
		}
	}
	for (size_t i = 0; i < b->n_tools; i++) {
		const struct tool *t = &b->tools[i];

		if (t->upstream->transport == TRANSPORT_COMMAND && t->command.n > 0) {
			TRY(grants_add_child(g, t->upstream, t->command.p[0], arena, e));
		}
	}
	return RC_OK;
}

static enum rc confine(const struct role_env *env, const struct bundle *b, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(4 * 1024 * 1024);
	CLEANUP(grants_fini) struct grants grants = {0};
	struct sandbox_policy policy = runner_sandbox;

	TRY(grants_of_all(b, &arena, &grants, e));
	policy.needs &= SANDBOX_SPAWN | SANDBOX_READ | SANDBOX_WRITE | grants.needs;
	return role_confine(env, &policy, grants.paths.p, grants.paths.n, e);
}

static void plugs_fini(struct plugs *p)
{
	runner_free(p->runner);
	channel_free(p->governor);
	channel_free(p->keeper);
}

enum rc role_runner_main(const struct role_env *env, struct err *e)
{
	static const struct role_link governor = {
	    .on_message = on_message, .lost = governor_is_lost, .found = governor_is_found};
	static const struct role_link keeper = {.on_message = on_message};
	AUTO_DEPLOYMENT deployment = NULL;
	AUTO_FINDINGS findings = FINDINGS_INIT;
	CLEANUP(plugs_fini) struct plugs plugs = {.env = env};
	struct runner_conf conf = {.generation = env->generation,
				   .unsafe_no_walls = env->unsafe_no_sandbox,
				   .say = say,
				   .say_ctx = &plugs};

	TRY(deployment_load(env->deployment, &deployment, &findings, e));
	conf.bundle = deployment->bundle;
	TRY(confine(env, deployment->bundle, e));
	TRY(runner_new(env->loop, &conf, &plugs.runner, e));
	TRY(role_link(env, R_GOVERNOR, NULL, &governor, &plugs, &plugs.governor, e));
	TRY(role_link(env, R_KEEPER, NULL, &keeper, &plugs, &plugs.keeper, e));
	return role_run(env, e);
}
