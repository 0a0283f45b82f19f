/* SPDX-License-Identifier: Apache-2.0 */
/* governor/roles.c - the governor's peers, and their being restarted alone.
 *
 * A peer whose role is restarted alone is a link (net/role.h): its channel is NULL for a while, and
 * then another process is behind it. What was asked of the last one is dealt with here: asked
 * again, or ended as what is not known.
 * Holds: (1) a role that the deployment has and whose channel is NULL is being restarted; it has
 *            not answered anything by being away.
 */
#include "governor/checkpoint.h"
#include "governor/gov.h"

static void agents_are_lost(void *ctx)
{
	senders_lost(ctx, false);
}

static void agents_are_found(void *ctx)
{
	senders_found(ctx, false);
}

static void runner_is_lost(void *ctx)
{
	senders_lost(ctx, true);
}

static void runner_is_found(void *ctx)
{
	senders_found(ctx, true);
}

static void people_are_lost(void *ctx)
{
	keys_drop_readings(ctx);
}

static void people_are_found(void *ctx)
{
	health_tell(ctx);
}

static void courier_is_lost(void *ctx)
{
	notify_courier_lost(ctx);
	witness_courier_lost(ctx);
}

static void store_is_lost(void *ctx)
{
	evidence_store_lost(ctx);
}

static void store_is_silent(void *ctx, bool is_silent)
{
	evidence_store_silent(ctx, is_silent);
}

static void store_is_found(void *ctx)
{
	evidence_store_found(ctx);
}

/* Until there is another one nothing is admitted (calls.c): no keeper, no effect. */
static void keeper_is_lost(void *ctx)
{
	struct governor *g = ctx;

	g->keeper_is_silent = false;
	if (!g->is_broken && g->is_ready) {
		leases_keeper_lost(g);
	}
}

/* What follows is for health.c: nothing is sent while it does not answer. */
static void keeper_is_silent(void *ctx, bool is_silent)
{
	struct governor *g = ctx;

	g->keeper_is_silent = is_silent;
}

static void keeper_is_found(void *ctx)
{
	struct governor *g = ctx;

	if (g->is_broken) {
		return;
	}
	vault_ask_again(g->vault, g->keeper);
	if (g->checkpointer) {
		checkpointer_keeper_found(g->checkpointer);
	}
	if (g->is_ready) {
		leases_keeper_found(g);
	}
}

enum rc roles_link_keeper(struct governor *g, channel_fn *hear, struct err *e)
{
	const struct role_link keeper = {.on_message = hear,
					 .lost = keeper_is_lost,
					 .found = keeper_is_found,
					 .silent = keeper_is_silent};

	return role_link(g->env, R_KEEPER, NULL, &keeper, g, &g->keeper, e);
}

/* Without this peer nothing of the kind is done, and nothing else is lost. */
static enum rc link_optional(struct governor *g, enum role peer, const struct role_link *link,
			     bool *ret_has, struct channel **slot, struct err *e)
{
	*ret_has = role_has_peer(g->env, peer, NULL); /* (1) */
	return *ret_has ? role_link(g->env, peer, NULL, link, g, slot, e) : RC_OK;
}

enum rc roles_link(struct governor *g, const struct role_hearers *hear, struct err *e)
{
	const struct role_link agents = {
	    .on_message = hear->agents, .lost = agents_are_lost, .found = agents_are_found};
	const struct role_link runner = {
	    .on_message = hear->runner, .lost = runner_is_lost, .found = runner_is_found};
	/* Its numbers of requests are its own: an answer to the last one finds nobody. */
	const struct role_link people = {
	    .on_message = hear->people, .lost = people_are_lost, .found = people_are_found};
	const struct role_link courier = {.on_message = hear->courier, .lost = courier_is_lost};
	const struct role_link store = {.on_message = hear->store,
					.lost = store_is_lost,
					.found = store_is_found,
					.silent = store_is_silent};

	TRY(link_optional(g, R_AGENTS, &agents, &g->has_agents, &g->agents, e));
	TRY(link_optional(g, R_PEOPLE, &people, &g->has_people, &g->people, e));
	TRY(link_optional(g, R_RUNNER, &runner, &g->has_runner, &g->runner, e));
	TRY(link_optional(g, R_STORE, &store, &g->has_store, &g->store, e));
	return link_optional(g, R_COURIER, &courier, &g->has_courier, &g->courier, e);
}

void roles_view(const struct governor *g, struct json_out *w)
{
	const struct role_states *all = &g->env->states;

	json_out_key(w, STR("roles"));
	json_out_array(w);
	for (size_t i = 0; i < all->n; i++) {
		const struct role_state *s = &all->list[i];

		if (s->is_up && !s->is_silent && s->restarts == 0) {
			continue;
		}
		json_out_object(w);
		json_out_key_str(w, "role", str_from(role_name(s->role)));
		if (s->name[0]) {
			json_out_key_str(w, "name", str_from(s->name));
		}
		json_out_key_bool(w, "up", s->is_up);
		json_out_key_bool(w, "silent", s->is_silent);
		json_out_key_u64(w, "restarts", s->restarts);
		json_out_close(w);
	}
	json_out_close(w);
}
