/* SPDX-License-Identifier: Apache-2.0 */
/* keeper/keeper.c - the keeper's main: keys in, walls up, orders from the governor.
 *
 * Trust:  the governor's messages are well-formed and may be hostile in meaning; a backend may be
 *         taken over by its upstream.
 * Holds:  (1) keys are read before the sandbox and never leave but as the table allows: data keys
 *             to the governor, the token key to fronts.
 */
#include "keeper/keeper.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "keeper/lease.h"
#include "keeper/signer.h"
#include "keeper/wrap.h"

const struct sandbox_policy keeper_sandbox = {.name = "keeper",
					      .needs = SANDBOX_READ | SANDBOX_WRITE};

struct keeper;

struct backend_link {
	struct keeper *keeper;
	const char *name;
};

/* A sender or the people's front. */
struct user_link {
	struct keeper *keeper;
	enum role role;
	const char *name;
	struct channel **channel;
	uint64_t *generation; /* NULL: it is lent nothing */
};

struct keeper {
	const struct role_env *env;
	struct keeper_keys keys;
	struct signer *signer;
	struct tlog_hasher *hasher;
	struct leases *leases;
	struct channel *people;
	struct lease_peers peers;
	bool is_governor_new;				/* and has not spoken yet */
	struct backend_link backends[LIMIT_ROLE_PEERS]; /* in the order of peers.backends */
	struct user_link users[LIMIT_ROLE_PEERS];
	size_t n_users;
};

static void say(struct channel *c, const struct message *m)
{
	enum rc rc = channel_send(c, m);

	if (rc != RC_OK) {
		log_warn("cannot send %s: %s", message_name(m->kind), rc_text(rc));
	}
}

static void sign(struct keeper *k, const struct msg_sign *m)
{
	AUTO_BUF note = BUF_INIT(4096);
	struct err e = ERR_INIT;
	struct message reply = {.kind = MESSAGE_SIGNATURE};
	enum rc rc = signer_sign(k->signer, m->size, m->root, m->old_size, m->proof, &note, &e);

	if (rc == RC_OK) {
		reply.signature =
		    (struct msg_signature){.size = m->size, .ok = 1, .note = buf_view(&note)};
	} else {
		log_warn("not signed: %s", e.msg);
		reply.signature =
		    (struct msg_signature){.size = signer_size(k->signer),
					   .is_later = rc == RC_IO,
					   .detail = str_slice(str_from(e.msg), 0, 256)};
	}
	say(k->peers.governor, &reply);
}

static void key_ready(struct keeper *k, struct str task, enum rc rc, const struct secret *key,
		      struct str wrapped, const struct err *e)
{
	struct message reply = {.kind = MESSAGE_KEY_READY};

	reply.key_ready = (struct msg_key_ready){.task = task, .ok = rc == RC_OK};
	if (rc == RC_OK) {
		reply.key_ready.key = secret_view(key);
		reply.key_ready.wrapped = wrapped;
	} else {
		reply.key_ready.detail = str_slice(str_from(e->msg), 0, 256);
	}
	say(k->peers.governor, &reply);
}

static void key_new(struct keeper *k, const struct msg_key_new *m)
{
	AUTO_SECRET key = NULL;
	uint8_t wrapped[WRAP_BYTES] = {0};
	struct err e = ERR_INIT;
	enum rc rc = secret_random(WRAP_KEY_BYTES, &key, &e);

	if (rc == RC_OK) {
		rc = wrap_seal(k->keys.wrap_key, m->task, key, wrapped, &e);
	}
	key_ready(k, m->task, rc, key, str_of(wrapped, sizeof(wrapped)), &e);
}

static void key_open(struct keeper *k, const struct msg_key_open *m)
{
	AUTO_SECRET key = NULL;
	struct err e = ERR_INIT;
	enum rc rc = wrap_open(k->keys.wrap_key, m->task, m->wrapped, &key, &e);

	key_ready(k, m->task, rc, key, m->wrapped, &e);
}

/* Under a checkpoint of our own signature, that is. */
static bool is_in_log(void *ctx, struct str receipt, uint64_t leaf_index,
		      const uint8_t leaf_hash[32])
{
	const struct keeper *k = ctx;
	struct tlog_receipt r;
	struct tlog_checkpoint c;
	struct tlog_hash hash;

	memcpy(hash.bytes, leaf_hash, sizeof(hash.bytes));
	return tlog_receipt_parse(receipt, &r, NULL) == RC_OK && r.index == leaf_index &&
	       tlog_checkpoint_open(r.checkpoint, &k->keys.vkey, &c, NULL) == RC_OK &&
	       tlog_inclusion_holds(k->hasher, &r.path, leaf_index, c.size, &hash, &c.root);
}

static void on_governor(void *ctx, struct channel *c, const struct message *m)
{
	struct keeper *k = ctx;

	(void)c;
	if (k->is_governor_new) { /* it has replayed the log, however long that took */
		k->is_governor_new = false;
		leases_governor_found(k->leases);
	}
	if (m->kind == MESSAGE_SIGN) {
		sign(k, &m->sign);
	} else if (m->kind == MESSAGE_KEY_NEW) {
		key_new(k, &m->key_new);
	} else if (m->kind == MESSAGE_KEY_OPEN) {
		key_open(k, &m->key_open);
	} else {
		leases_order(k->leases, m);
	}
}

static void on_backend(void *ctx, struct channel *c, const struct message *m)
{
	const struct backend_link *b = ctx;

	(void)c;
	leases_answer(b->keeper->leases, b->name, m);
}

static void backend_is_lost(void *ctx)
{
	const struct backend_link *b = ctx;

	leases_backend_lost(b->keeper->leases, b->name);
}

/* The table gives these roles nothing to say to the keeper. */
static void on_listener(void *ctx, struct channel *c, const struct message *m)
{
	(void)ctx;
	(void)c;
	(void)m;
}

static enum rc plug_backends(struct keeper *k, struct err *e)
{
	static const struct role_link link = {.on_message = on_backend, .lost = backend_is_lost};

	for (size_t i = 0; i < k->env->n_peers; i++) {
		const struct role_peer *p = &k->env->peers[i];
		size_t at = k->peers.n_backends;

		if (p->role != R_BACKEND || p->fd < 0) {
			continue;
		}
		memcpy(k->peers.backends[at].name, p->name, sizeof(p->name));
		k->backends[at] =
		    (struct backend_link){.keeper = k, .name = k->peers.backends[at].name};
		TRY(role_link(k->env, R_BACKEND, p->name, &link, &k->backends[at],
			      &k->peers.backends[at].channel, e));
		k->peers.n_backends++;
	}
	return RC_OK;
}

/* Fronts seal tokens, the runner does not. */
static void give_token_key(const struct user_link *u)
{
	const struct message m = {.kind = MESSAGE_TOKEN_KEY,
				  .token_key = {.key = secret_view(u->keeper->keys.token_key)}};

	if (u->role & (R_AGENTS | R_PEOPLE)) {
		say(*u->channel, &m);
	}
}

static void user_is_found(void *ctx)
{
	const struct user_link *u = ctx;

	give_token_key(u);
	if (u->generation) {
		*u->generation = role_born(u->keeper->env, u->role, u->name);
		leases_user_found(u->keeper->leases);
	}
}

static enum rc plug_user(struct keeper *k, const struct role_peer *p, struct channel **channel,
			 uint64_t *generation, struct err *e)
{
	static const struct role_link link = {.on_message = on_listener, .found = user_is_found};
	struct user_link *u = &k->users[k->n_users++];

	*u = (struct user_link){.keeper = k,
				.role = p->role,
				.name = p->name,
				.channel = channel,
				.generation = generation};
	TRY(role_link(k->env, p->role, p->name, &link, u, channel, e));
	if (generation) {
		*generation = p->born;
	}
	return RC_OK;
}

static enum rc plug_users(struct keeper *k, struct err *e)
{
	for (size_t i = 0; i < k->env->n_peers; i++) {
		const struct role_peer *p = &k->env->peers[i];
		struct lease_user *agents = &k->peers.agents[k->peers.n_agents];

		if (p->fd < 0) {
			continue;
		}
		if (p->role == R_RUNNER) {
			TRY(plug_user(k, p, &k->peers.runner.channel, &k->peers.runner.generation,
				      e));
		} else if (p->role == R_PEOPLE) {
			TRY(plug_user(k, p, &k->people, NULL, e));
		} else if (p->role == R_AGENTS) {
			TRY(plug_user(k, p, &agents->channel, &agents->generation, e));
			k->peers.n_agents++;
		}
	}
	return RC_OK;
}

/* What the governor's log must hold, before it does anything. */
static void tell_anchor(struct keeper *k)
{
	const struct message m = {
	    .kind = MESSAGE_ANCHOR,
	    .anchor = {.size = signer_size(k->signer),
		       .root = str_of(signer_root(k->signer)->bytes, TLOG_HASH_BYTES)}};

	say(k->peers.governor, &m);
}

static void governor_is_found(void *ctx)
{
	struct keeper *k = ctx;

	tell_anchor(k);
}

static void governor_is_lost(void *ctx)
{
	struct keeper *k = ctx;

	leases_governor_lost(k->leases);
	k->is_governor_new = true;
}

static enum rc plug(struct keeper *k, struct err *e)
{
	static const struct role_link governor = {
	    .on_message = on_governor, .lost = governor_is_lost, .found = governor_is_found};

	TRY(role_link(k->env, R_GOVERNOR, "", &governor, k, &k->peers.governor, e));
	TRY(plug_users(k, e));
	return plug_backends(k, e);
}

static void keeper_fini(struct keeper *k)
{
	leases_free(k->leases);
	signer_free(k->signer);
	tlog_hasher_free(k->hasher);
	keeper_keys_fini(&k->keys);
	channel_free(k->peers.governor);
	channel_free(k->people);
	channel_free(k->peers.runner.channel);
	for (size_t i = 0; i < k->peers.n_agents; i++) {
		channel_free(k->peers.agents[i].channel);
	}
	for (size_t i = 0; i < k->peers.n_backends; i++) {
		channel_free(k->peers.backends[i].channel);
	}
}

static void keeper_free(struct keeper **k)
{
	if (*k) {
		keeper_fini(*k);
		mem_free(*k);
	}
}

/* A wrong owner or path is for people to mend before anything runs. A disk that is full or fails is
 * not: nothing is signed on it, and everything else goes on, so that people can stop things. */
static enum rc probe(struct signer *s, struct err *e)
{
	struct err why = ERR_INIT;
	enum rc rc = signer_probe(s, &why);

	if (rc == RC_IO &&
	    (why.sys == ENOSPC || why.sys == EDQUOT || why.sys == EROFS || why.sys == EIO)) {
		log_err("nothing can be signed: %s", why.msg);
		return RC_OK;
	}
	if (rc != RC_OK && e) {
		*e = why;
	}
	return rc;
}

enum rc keeper_run(const struct role_env *env, const char *dir, const char *anchor,
		   struct str origin, struct err *e)
{
	const struct sandbox_path paths[] = {{.path = dir, .access = SANDBOX_PATH_WRITE},
					     {.path = anchor, .access = SANDBOX_PATH_WRITE}};
	CLEANUP(keeper_free) struct keeper *k = mem_calloc(1, sizeof(*k));

	if (!k) {
		FAIL(e, RC_NOMEM, "no memory for the keeper");
	}
	k->env = env;
	k->hasher = tlog_hasher_new();
	if (!k->hasher) {
		FAIL(e, RC_NOMEM, "no memory for the keeper");
	}
	k->peers.is_in_log = is_in_log;
	k->peers.is_in_log_ctx = k;
	TRY(keeper_keys_load(dir, origin, &k->keys, e));
	TRY(role_confine(env, &keeper_sandbox, paths, ARRAY_LEN(paths), e));
	TRY(signer_new(anchor, &k->keys, &k->signer, e));
	TRY(probe(k->signer, e));
	TRY(plug(k, e));
	tell_anchor(k);
	TRY(leases_new(env->loop, &k->peers, &k->leases, e));
	for (size_t i = 0; i < k->n_users; i++) {
		give_token_key(&k->users[i]);
	}
	return role_run(env, e);
}
