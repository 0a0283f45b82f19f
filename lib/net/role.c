/* SPDX-License-Identifier: Apache-2.0 */
/* net/role.c - peers by name, links that are taken up again, the sandbox, and running until told
 * to stop.
 *
 * Trust:  the supervisor's word about peers.
 * Holds:  (1) a link's pointer is the one open channel with its peer, or NULL.
 *         (2) what a peer had said before its end is heard before the link is lost, and the link is
 *             lost before it is found again.
 * States of a link: OPEN -channel ends-> LOST -PLUG-> OPEN;  OPEN -PLUG-> (lost) -> OPEN;
 *         LOST -patience is over-> told to the supervisor, which ends that peer or knows better.
 */
#include "net/role.h"

#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/num.h"

enum {
	LIMIT_FD = 1 << 20,
	PATIENCE_MS = 2000, /* for a peer that ended; the supervisor reaps it within milliseconds */
};

bool role_from_name(struct str name, enum role *ret)
{
	for (unsigned r = 1; r & R_ANY; r <<= 1) {
		if (str_eq(name, str_from(role_name((enum role)r)))) {
			*ret = (enum role)r;
			return true;
		}
	}
	return false;
}

static struct role_peer *find_peer(const struct role_env *env, enum role peer, const char *name)
{
	for (size_t i = 0; i < env->n_peers; i++) {
		struct role_peer *p = &env->peers[i];

		if (p->fd >= 0 && p->role == peer && (!name || strcmp(p->name, name) == 0)) {
			return p;
		}
	}
	return NULL;
}

bool role_has_peer(const struct role_env *env, enum role peer, const char *name)
{
	return find_peer(env, peer, name) != NULL;
}

static void pass_message(void *ctx, struct channel *c, const struct message *m)
{
	const struct role_plug *p = ctx;

	p->on_message(p->ctx, c, m);
}

static void pass_gone(void *ctx, struct channel *c, const char *why)
{
	const struct role_plug *p = ctx;

	if (!p->env->is_stopping) {
		p->on_gone(p->ctx, c, why);
	}
}

static struct role_plug *take_plug(const struct role_env *env, struct role_peer *p, void *ctx)
{
	struct role_plug *plug = &env->plugs[p - env->peers];
	uint64_t generation = plug->generation;

	*plug = (struct role_plug){.env = env, .peer = p, .ctx = ctx, .generation = generation};
	if (!plug->generation) {
		plug->generation = env->generation > p->born ? env->generation : p->born;
	}
	return plug;
}

enum rc role_channel(const struct role_env *env, enum role peer, const char *name,
		     channel_fn *on_message, channel_gone_fn *on_gone, void *ctx,
		     struct channel **ret, struct err *e)
{
	struct role_peer *p = find_peer(env, peer, name);
	struct role_plug *plug;
	int fd;

	if (!p) {
		FAIL(e, RC_ABSENT, "there is no %s '%s' to talk to", role_name(peer),
		     name ? name : "");
	}
	fd = p->fd;
	p->fd = -1;
	if (!env->plugs) {
		return channel_new(env->loop, fd, env->role, peer, on_message, on_gone, ctx, ret,
				   e);
	}
	plug = take_plug(env, p, ctx);
	plug->on_message = on_message;
	plug->on_gone = on_gone;
	return channel_new(env->loop, fd, env->role, peer, pass_message, pass_gone, plug, ret, e);
}

/* ---- links ---- */

static void say_lost(const struct role_plug *p, const char *why)
{
	struct message m = {.kind = MESSAGE_LOST};

	m.lost = (struct msg_lost){.role = (uint32_t)p->peer->role,
				   .name = str_from(p->peer->name),
				   .generation = p->generation,
				   .why = str_slice(str_from(why), 0, 128)};
	if (channel_send(p->env->supervisor, &m) != RC_OK) {
		log_err("the supervisor cannot be told that the %s is lost",
			role_name(p->peer->role));
	}
}

static void patience_is_over(struct loop_timer *t)
{
	say_lost(t->ctx, "its channel ended");
}

static void link_is_gone(void *ctx, struct channel *c, const char *why)
{
	struct role_plug *p = ctx;
	bool is_its_end = channel_was_ended(c) || p->is_unplugged;

	if (p->env->is_stopping) {
		return;
	}
	*p->slot = NULL; /* (1) */
	if (!p->env->supervisor) {
		loop_stop(p->env->loop); /* nobody is there to start it again, as in tests */
	} else if (is_its_end) {
		log_info("the %s is gone", role_name(p->peer->role));
		p->patience.fire = patience_is_over;
		p->patience.ctx = p;
		if (loop_timer_in(p->env->loop, &p->patience, PATIENCE_MS) != RC_OK) {
			say_lost(p, why);
		}
	} else {
		log_err("the %s is not listened to any more: %s", role_name(p->peer->role), why);
		say_lost(p, why);
	}
	channel_free(c);
	if (p->link.lost) {
		p->link.lost(p->ctx);
	}
}

static enum rc open_link(struct role_plug *p, int take_fd, struct err *e)
{
	return channel_new(p->env->loop, take_fd, p->env->role, p->peer->role, pass_message,
			   link_is_gone, p, p->slot, e);
}

enum rc role_link(const struct role_env *env, enum role peer, const char *name,
		  const struct role_link *link, void *ctx, struct channel **slot, struct err *e)
{
	struct role_peer *p = find_peer(env, peer, name);
	struct role_plug *plug;
	int fd;

	if (!p) {
		FAIL(e, RC_ABSENT, "there is no %s '%s' to talk to", role_name(peer),
		     name ? name : "");
	}
	MUST(env->plugs != NULL);
	fd = p->fd;
	p->fd = -1;
	plug = take_plug(env, p, ctx);
	plug->on_message = link->on_message;
	plug->link = *link;
	plug->slot = slot;
	return open_link(plug, fd, e);
}

static struct role_peer *known_peer(const struct role_env *env, enum role role, struct str name)
{
	for (size_t i = 0; i < env->n_peers; i++) {
		struct role_peer *p = &env->peers[i];

		if (p->role == role && str_eq(str_from(p->name), name)) {
			return p;
		}
	}
	return NULL;
}

static void reopen(struct role_plug *p, int take_fd)
{
	struct err e = ERR_INIT;

	loop_timer_clear(p->env->loop, &p->patience);
	p->is_unplugged = false;
	if (open_link(p, take_fd, &e) != RC_OK) {
		log_err("the new %s cannot be talked to: %s", role_name(p->peer->role), e.msg);
		say_lost(p, e.msg);
		return;
	}
	if (p->link.found) {
		p->link.found(p->ctx);
	}
}

void role_replug(const struct role_env *env, const struct msg_plug *m, int take_fd)
{
	AUTO_FD fd = take_fd;
	struct role_peer *peer = known_peer(env, (enum role)m->role, m->name);
	struct role_plug *plug;

	if (!peer || fd < 0 || !env->plugs || env->is_stopping) {
		return;
	}
	plug = &env->plugs[peer - env->peers];
	peer->born = m->generation;
	if (peer->fd >= 0) { /* nobody has taken it yet */
		file_close(peer->fd);
		peer->fd = fd;
		fd = -1;
		plug->generation = 0;
	} else if (plug->slot) {
		int taken = fd;

		fd = -1;
		if (*plug->slot) {
			channel_finish(*plug->slot); /* (2) */
		}
		plug->generation = m->generation;
		reopen(plug, taken);
	}
}

void role_unplug(const struct role_env *env, const struct msg_unplug *m)
{
	struct role_peer *peer = known_peer(env, (enum role)m->role, m->name);

	if (peer && env->plugs && !env->is_stopping) {
		struct role_plug *p = &env->plugs[peer - env->peers];

		if (p->slot && *p->slot) {
			p->is_unplugged = true;
			channel_finish(*p->slot); /* what it has said counts, and then it is gone */
		}
	}
}

uint64_t role_generation(const struct role_env *env, enum role peer, const char *name)
{
	for (size_t i = 0; env->plugs && i < env->n_peers; i++) {
		const struct role_peer *p = &env->peers[i];

		if (p->role == peer && (!name || strcmp(p->name, name) == 0)) {
			return env->plugs[i].generation;
		}
	}
	return env->generation;
}

uint64_t role_born(const struct role_env *env, enum role peer, const char *name)
{
	for (size_t i = 0; i < env->n_peers; i++) {
		const struct role_peer *p = &env->peers[i];

		if (p->role == peer && (!name || strcmp(p->name, name) == 0)) {
			return p->born;
		}
	}
	return 0;
}

bool role_is_elder(const struct role_env *env, enum role peer)
{
	uint64_t born = role_born(env, peer, NULL);

	return born != 0 && born < env->generation;
}

static void tell_silent(const struct role_env *env, const struct msg_role_state *m)
{
	struct role_peer *peer = known_peer(env, (enum role)m->role, m->name);

	if (peer && env->plugs && !env->is_stopping) {
		struct role_plug *p = &env->plugs[peer - env->peers];

		if (p->slot && *p->slot && p->link.silent) {
			p->link.silent(p->ctx, m->is_silent != 0);
		}
	}
}

void role_note_state(struct role_env *env, const struct msg_role_state *m)
{
	struct role_states *all = &env->states;
	bool was_silent;
	size_t i = 0;

	while (i < all->n && ((uint32_t)all->list[i].role != m->role ||
			      !str_eq(str_from(all->list[i].name), m->name))) {
		i++;
	}
	if (i == LIMIT_ROLES || m->name.n > LIMIT_ID_BYTES) {
		return;
	}
	if (i == all->n) {
		all->n++;
		all->list[i] = (struct role_state){.role = (enum role)m->role};
		if (m->name.n) {
			memcpy(all->list[i].name, m->name.p, m->name.n);
		}
	}
	was_silent = all->list[i].is_silent;
	all->list[i].is_up = m->is_up != 0;
	all->list[i].is_silent = m->is_silent != 0;
	all->list[i].restarts = m->restarts;
	if (was_silent != all->list[i].is_silent) {
		tell_silent(env, m);
	}
}

/* ---- walls and life ---- */

enum rc role_confine(const struct role_env *env, const struct sandbox_policy *policy,
		     const struct sandbox_path *paths, size_t n_paths, struct err *e)
{
	return sandbox_enter(policy, paths, n_paths, &env->ids, env->unsafe_no_sandbox, e);
}

enum rc role_run(const struct role_env *env, struct err *e)
{
	const struct message ready = {.kind = MESSAGE_READY};

	for (size_t i = 0; i < env->n_peers; i++) {
		file_close(env->peers[i].fd);
		env->peers[i].fd = -1;
	}
	if (env->supervisor && channel_send(env->supervisor, &ready) != RC_OK) {
		FAIL(e, RC_BROKEN, "cannot tell the supervisor that the %s is ready",
		     role_name(env->role));
	}
	return loop_run(env->loop, e);
}

static enum rc parse_peer(struct str text, struct role_peer *ret, struct err *e)
{
	struct str rest = text;
	struct str who = str_cut(&rest, '=');
	struct str name = who;
	struct str role = str_cut(&name, ':');
	struct str number = str_cut(&rest, '@');
	uint64_t fd;

	if (!role_from_name(role, &ret->role) || !num_u64(number, LIMIT_FD, &fd) ||
	    !num_u64(rest, UINT64_MAX, &ret->born)) {
		FAIL(e, RC_INPUT,
		     "'" STR_FMT "' is no peer: expected role[:name]=descriptor@generation",
		     STR_ARG(text));
	}
	if (name.n > LIMIT_ID_BYTES) {
		FAIL(e, RC_LIMIT, "the name of peer '" STR_FMT "' is too long", STR_ARG(text));
	}
	memset(ret->name, 0, sizeof(ret->name));
	if (name.n) {
		memcpy(ret->name, name.p, name.n);
	}
	ret->fd = (int)fd;
	return RC_OK;
}

enum rc role_peers_parse(struct str text, struct role_peer peers[LIMIT_ROLE_PEERS], size_t *ret_n,
			 struct err *e)
{
	size_t n = 0;

	while (text.n) {
		struct str one = str_cut(&text, ',');

		if (n == LIMIT_ROLE_PEERS) {
			FAIL(e, RC_LIMIT, "a role talks to at most %d peers", LIMIT_ROLE_PEERS);
		}
		TRY(parse_peer(one, &peers[n], e));
		n++;
	}
	*ret_n = n;
	return RC_OK;
}

enum rc role_peers_print(const struct role_peer *peers, size_t n, struct buf *b)
{
	for (size_t i = 0; i < n; i++) {
		TRY(buf_addf(b, "%s%s%s%s=%d@%llu", i ? "," : "", role_name(peers[i].role),
			     peers[i].name[0] ? ":" : "", peers[i].name, peers[i].fd,
			     (unsigned long long)peers[i].born));
	}
	return RC_OK;
}
