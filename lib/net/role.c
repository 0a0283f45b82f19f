/* SPDX-License-Identifier: Apache-2.0 */
/* net/role.c - peers by name, the sandbox, and running until told to stop. */
#include "net/role.h"

#include <string.h>

#include "base/file.h"
#include "base/num.h"

enum { LIMIT_FD = 1 << 20 };

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
	plug = &env->plugs[p - env->peers];
	*plug = (struct role_plug){
	    .env = env, .on_message = on_message, .on_gone = on_gone, .ctx = ctx};
	return channel_new(env->loop, fd, env->role, peer, pass_message, pass_gone, plug, ret, e);
}

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
	uint64_t fd;

	if (!role_from_name(role, &ret->role) || !num_u64(rest, LIMIT_FD, &fd)) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is no peer: expected role[:name]=descriptor",
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
		TRY(buf_addf(b, "%s%s%s%s=%d", i ? "," : "", role_name(peers[i].role),
			     peers[i].name[0] ? ":" : "", peers[i].name, peers[i].fd));
	}
	return RC_OK;
}
