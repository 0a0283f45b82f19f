/* SPDX-License-Identifier: Apache-2.0 */
/* store/store.c - the store's main: orders of the governor, one after another.
 *
 * Trust:  the governor's messages are well-formed; a put that does not keep its order ends the
 * role. Holds:  (1) every order is answered once, in order; nothing is promised before it is
 * durable.
 */
#include "store/store.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "config/deployment.h"
#include "store/depot.h"

const struct sandbox_policy store_sandbox = {.name = "store",
					     .needs = SANDBOX_READ | SANDBOX_WRITE};

struct store {
	const struct role_env *env;
	struct log_io_system *files;
	struct log_io io;
	struct depot *depot;
	struct channel *governor;
	uint64_t put_req; /* the put under way */
	bool has_failed;  /* it failed: its pieces are swallowed */
	uint64_t left;	  /* bytes of it still to come */
	bool is_broken;
};

static void say(struct store *s, const struct message *m)
{
	if (channel_send(s->governor, m) != RC_OK) {
		log_err("the governor cannot be answered"); /* another one will ask for itself */
	}
}

static struct str detail_of(const struct err *e)
{
	return str_slice(str_from(e->msg), 0, 256);
}

/* ---- putting ---- */

static void say_stored(struct store *s, uint64_t req, enum rc rc, const struct depot_object *o,
		       const struct err *e)
{
	struct message m = {.kind = MESSAGE_STORED, .stored = {.req = req, .ok = rc == RC_OK}};

	if (rc == RC_OK) {
		m.stored.object = str_of(o->name, sizeof(o->name));
		m.stored.plain_sha256 = str_of(o->plain, sizeof(o->plain));
		m.stored.size = o->size;
		m.stored.stored_size = o->stored_size;
	} else {
		log_warn("an object is not kept: %s", e->msg);
		m.stored.detail = detail_of(e);
	}
	say(s, &m);
}

static void disorder(struct store *s, const char *what)
{
	log_err("the governor does not keep its order: %s", what);
	s->is_broken = true;
	loop_stop(s->env->loop);
}

/* All of it is there, or it has failed: the answer. */
static void put_ends(struct store *s, enum rc rc, struct err *e)
{
	struct depot_object o = {0};

	if (rc == RC_OK) {
		rc = depot_finish(s->depot, &o, e);
	}
	if (rc != RC_OK && s->left > 0) {
		s->has_failed = true; /* its other pieces are on their way */
	}
	say_stored(s, s->put_req, rc, &o, e);
}

static void put(struct store *s, const struct msg_store_put *m)
{
	struct err e = ERR_INIT;
	enum rc rc;

	if (s->left > 0 || m->key.n != OBJECT_KEY_BYTES) {
		disorder(s, "a put within a put, or without a key");
		return;
	}
	s->put_req = m->req;
	s->has_failed = false;
	s->left = m->size;
	rc = depot_begin(s->depot, (const uint8_t *)m->key.p, m->size, &e);
	if (rc != RC_OK || m->size == 0) {
		put_ends(s, rc, &e);
	}
}

static void piece(struct store *s, const struct msg_store_piece *m)
{
	struct err e = ERR_INIT;
	enum rc rc;

	if (m->req != s->put_req || m->bytes.n == 0 || m->bytes.n > s->left) {
		disorder(s, "a piece of nothing");
		return;
	}
	s->left -= m->bytes.n;
	if (s->has_failed) {
		return;
	}
	rc = depot_add(s->depot, m->bytes, &e);
	if (rc != RC_OK || s->left == 0) {
		put_ends(s, rc, &e);
	}
}

/* ---- the rest ---- */

static bool is_name(struct str name)
{
	return name.n == DEPOT_NAME_BYTES;
}

static void check(struct store *s, const struct msg_store_check *m)
{
	struct depot_object o = {0};
	struct err e = ERR_INIT;
	enum rc rc;

	if (!is_name(m->object) || m->key.n != OBJECT_KEY_BYTES) {
		disorder(s, "a check without a name or a key");
		return;
	}
	rc = depot_check(s->depot, (const uint8_t *)m->object.p, (const uint8_t *)m->key.p, &o, &e);
	say_stored(s, m->req, rc, &o, &e);
}

static void get(struct store *s, const struct msg_store_get *m)
{
	AUTO_BUF bytes = BUF_INIT(LIMIT_OBJECT_PIECE_BYTES);
	struct message r = {.kind = MESSAGE_STORE_GOT, .store_got = {.req = m->req}};
	struct err e = ERR_INIT;
	uint64_t size;

	if (!is_name(m->object) || m->key.n != OBJECT_KEY_BYTES) {
		disorder(s, "a read without a name or a key");
		return;
	}
	if (depot_read(s->depot, (const uint8_t *)m->object.p, (const uint8_t *)m->key.p, m->chunk,
		       &bytes, &size, &e) == RC_OK) {
		r.store_got.ok = 1;
		r.store_got.bytes = buf_view(&bytes);
	} else {
		r.store_got.detail = detail_of(&e);
	}
	say(s, &r);
	if (bytes.n) {
		explicit_bzero(bytes.p, bytes.n);
	}
}

static void remove_object(struct store *s, const struct msg_store_remove *m)
{
	struct message r = {.kind = MESSAGE_STORE_REMOVED, .store_removed = {.req = m->req}};
	struct err e = ERR_INIT;

	if (!is_name(m->object)) {
		disorder(s, "a removal without a name");
		return;
	}
	if (depot_remove(s->depot, (const uint8_t *)m->object.p, &e) == RC_OK) {
		r.store_removed.gone = 1;
	} else {
		r.store_removed.detail = detail_of(&e);
	}
	say(s, &r);
}

static void list(struct store *s, const struct msg_store_list *m)
{
	AUTO_BUF names = BUF_INIT(LIMIT_OBJECT_NAMES_BYTES);
	struct message r = {.kind = MESSAGE_STORE_NAMES};
	struct err e = ERR_INIT;
	bool more = false;

	if (m->after.n && !is_name(m->after)) {
		disorder(s, "a list behind nothing");
		return;
	}
	if (depot_list(s->depot, m->after.n ? (const uint8_t *)m->after.p : NULL, &names, &more,
		       &e) == RC_OK) {
		r.store_names.ok = 1;
		r.store_names.more = more;
		r.store_names.names = buf_view(&names);
	} else {
		r.store_names.detail = detail_of(&e);
	}
	say(s, &r);
}

static void on_governor(void *ctx, struct channel *c, const struct message *m)
{
	struct store *s = ctx;

	(void)c; /* there is one */
	if (s->is_broken) {
		return;
	}
	if (m->kind == MESSAGE_STORE_PIECE) {
		piece(s, &m->store_piece);
	} else if (s->left > 0) {
		disorder(s, "something else within a put");
	} else if (m->kind == MESSAGE_STORE_PUT) {
		put(s, &m->store_put);
	} else if (m->kind == MESSAGE_STORE_CHECK) {
		check(s, &m->store_check);
	} else if (m->kind == MESSAGE_STORE_GET) {
		get(s, &m->store_get);
	} else if (m->kind == MESSAGE_STORE_REMOVE) {
		remove_object(s, &m->store_remove);
	} else if (m->kind == MESSAGE_STORE_LIST) {
		list(s, &m->store_list);
	}
}

/* What it was putting has an end no more. */
static void governor_is_lost(void *ctx)
{
	struct store *s = ctx;

	if (depot_is_putting(s->depot)) {
		depot_abandon(s->depot);
	}
	s->left = 0;
	s->has_failed = false;
}

/* ---- birth ---- */

static enum rc live(struct store *s, const char *dir, struct err *e)
{
	static const struct role_link link = {.on_message = on_governor, .lost = governor_is_lost};
	const struct sandbox_path path = {.path = dir, .access = SANDBOX_PATH_WRITE};

	TRY(role_confine(s->env, &store_sandbox, &path, 1, e));
	TRY(log_io_system_new(dir, &s->files, e));
	s->io = log_io_system_table(s->files);
	TRY(depot_open(&s->io, &s->depot, e));
	TRY(role_link(s->env, R_GOVERNOR, NULL, &link, s, &s->governor, e));
	return role_run(s->env, e);
}

enum rc store_run(const struct role_env *env, const char *dir, struct err *e)
{
	struct store s = {.env = env};
	enum rc rc = live(&s, dir, e);

	channel_free(s.governor);
	depot_free(s.depot);
	log_io_system_free(s.files);
	if (rc == RC_OK && s.is_broken) {
		FAIL(e, RC_BROKEN, "the store ended by itself");
	}
	return rc;
}

enum rc role_store_main(const struct role_env *env, struct err *e)
{
	AUTO_FINDINGS found = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	char dir[4096];
	int n;

	TRY(deployment_load(env->deployment, &d, &found, e));
	n = snprintf(dir, sizeof(dir), STR_FMT "/objects", STR_ARG(d->state_dir));
	if (n < 0 || (size_t)n >= sizeof(dir)) {
		FAIL(e, RC_LIMIT, "the state directory's path is too long");
	}
	TRY(file_mkdirs(dir, 0700, e));
	if (env->ids.is_set && chown(dir, env->ids.uid, env->ids.gid) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot give '%s' to its user", dir);
	}
	return store_run(env, dir, e);
}
