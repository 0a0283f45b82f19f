/* SPDX-License-Identifier: Apache-2.0 */
/* runner/runner.c - the carrier that knows commands from stdio servers, and the role.
 *
 * Trust:  governor and keeper by their channels; children not at all.
 * Holds:  a call goes to the upstream and tool that its admission names in the bundle that this
 *         role was started with, or nowhere.
 */
#include "runner/runner.h"

#include "base/log.h"
#include "base/mem.h"
#include "runner/command.h"
#include "runner/stdio.h"

const struct sandbox_policy runner_sandbox = {
    .name = "runner",
    .needs =
	SANDBOX_SPAWN | SANDBOX_READ | SANDBOX_WRITE | SANDBOX_UNIX | SANDBOX_INET | SANDBOX_SIGNAL,
};

struct runner {
	struct runner_conf conf;
	struct reaper *reaper;
	struct desk *desk;
	struct commands *commands;
	struct stdio_pool *stdio;
};

static void on_start(void *ctx, struct desk_call *c)
{
	struct runner *r = ctx;
	const struct upstream *u = bundle_upstream(r->conf.bundle, c->upstream);
	const struct tool *tool = u ? bundle_tool_of(r->conf.bundle, u, c->tool) : NULL;

	if (u && u->transport == TRANSPORT_STDIO) {
		stdio_start(r->stdio, u, c);
	} else if (u && tool && u->transport == TRANSPORT_COMMAND) {
		commands_start(r->commands, tool, c);
	} else {
		desk_done(r->desk, c, OUTCOME_NOT_SENT, STR(""),
			  STR("no such tool of a child is configured"));
	}
}

static void on_drop(void *ctx, struct desk_call *c)
{
	struct runner *r = ctx;
	const struct upstream *u = bundle_upstream(r->conf.bundle, c->upstream);

	/* A command is committed or done before its start returns. */
	if (u && u->transport == TRANSPORT_STDIO) {
		stdio_drop(r->stdio, c);
	}
}

static void on_fence(void *ctx, enum fence_scope scope, struct str name)
{
	struct runner *r = ctx;

	commands_fence(r->commands, scope, name);
	stdio_fence(r->stdio, scope, name);
}

static void on_list(void *ctx, struct str upstream)
{
	struct runner *r = ctx;
	const struct upstream *u = bundle_upstream(r->conf.bundle, upstream);

	if (u && u->transport == TRANSPORT_STDIO) {
		stdio_list(r->stdio, u);
	} else {
		desk_definitions(r->desk, upstream, false, STR(""),
				 STR("not a stdio upstream of this deployment"));
	}
}

static void on_say(void *ctx, const struct message *m)
{
	struct runner *r = ctx;

	r->conf.say(r->conf.say_ctx, m);
}

enum rc runner_new(struct loop *l, const struct runner_conf *conf, struct runner **ret,
		   struct err *e)
{
	struct runner *r = mem_calloc(1, sizeof(*r));
	struct start_host host = {.loop = l, .unsafe_no_walls = conf->unsafe_no_walls};
	struct desk_carrier carrier = {.ctx = r,
				       .start = on_start,
				       .drop = on_drop,
				       .fence = on_fence,
				       .list = on_list,
				       .say = on_say};
	enum rc rc;

	if (!r) {
		FAIL(e, RC_NOMEM, "no memory for the runner");
	}
	r->conf = *conf;
	rc = reaper_new(l, &r->reaper, e);
	if (rc == RC_OK) {
		rc = desk_new(l, conf->generation, &carrier, &r->desk);
	}
	host.reaper = r->reaper;
	host.desk = r->desk;
	if (rc == RC_OK) {
		rc = commands_new(&host, &r->commands);
	}
	if (rc == RC_OK) {
		rc = stdio_pool_new(&host, &r->stdio);
	}
	if (rc != RC_OK) {
		runner_free(r);
		return rc;
	}
	*ret = r;
	return RC_OK;
}

void runner_free(struct runner *r)
{
	if (!r) {
		return;
	}
	stdio_pool_free(r->stdio);
	commands_free(r->commands);
	desk_free(r->desk);
	reaper_free(r->reaper);
	mem_free(r);
}

void runner_hear(struct runner *r, const struct message *m)
{
	if (!desk_hear(r->desk, m)) {
		log_warn("the runner has no use for a message of kind %s", message_name(m->kind));
	}
}

void runner_governor_lost(struct runner *r)
{
	desk_governor_lost(r->desk);
}

void runner_governor_found(struct runner *r, uint64_t generation)
{
	desk_governor_found(r->desk, generation);
}
