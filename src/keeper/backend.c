/* SPDX-License-Identifier: Apache-2.0 */
/* keeper/backend.c - the process of one credential backend: orders in, answers out.
 *
 * Trust:  the keeper's orders; what the server behind the backend says is hostile.
 * Holds:  (1) each order gets exactly one answer, and none waits behind an unbounded one.
 *         (2) a secret is wiped here as soon as it is in the keeper's message.
 */
#include "keeper/backend.h"

#include "base/log.h"
#include "base/secret.h"

enum { FIELDS_BYTES = 4096, NAMES_BYTES = 65536, DETAIL_BYTES = 256 }; /* as in net/message.def */

static const struct backend_kind *const backend_kinds[] = {&backend_postgresql};

struct server {
	const struct role_env *env;
	const struct backend_kind *kind;
	const struct backend *config;
	void *backend;
	struct channel *keeper;
};

const struct backend_kind *backend_kind_of(enum backend_type type)
{
	for (size_t i = 0; i < ARRAY_LEN(backend_kinds); i++) {
		if (backend_kinds[i]->type == type) {
			return backend_kinds[i];
		}
	}
	return NULL;
}

static struct str detail_of(const struct err *e, enum rc rc)
{
	return str_slice(str_from(e->msg[0] ? e->msg : rc_text(rc)), 0, DETAIL_BYTES);
}

static void say(struct server *s, const struct message *m)
{
	enum rc rc = channel_send(s->keeper, m);

	if (rc != RC_OK) {
		/* A keeper that ended: the governor has what was made removed by its name. */
		log_err("cannot send %s: %s", message_name(m->kind), rc_text(rc));
	}
	channel_flush(s->keeper); /* the next order may take its time */
}

static void issue(struct server *s, const struct msg_lease_issue *m)
{
	AUTO_BUF fields = BUF_INIT(FIELDS_BYTES);
	struct err e = ERR_INIT;
	struct message reply = {.kind = MESSAGE_LEASE_ISSUED};
	struct backend_order order = {.name = m->name,
				      .scope = m->scope,
				      .not_after_unix_ms = m->not_after_unix_ms,
				      .create_by_unix_ms = m->create_by_unix_ms};
	enum rc rc = buf_reserve(&fields, FIELDS_BYTES); /* so that it never moves */

	if (rc == RC_OK && clock_unix_ms(&s->env->clock) > m->create_by_unix_ms) {
		rc = err_set(&e, RC_AGAIN, __func__, "too late to create this lease");
	}
	if (rc == RC_OK) {
		rc = s->kind->issue(s->backend, &order, &fields, &e);
	}
	reply.lease_issued = (struct msg_lease_issued){.lease = m->lease, .ok = rc == RC_OK};
	if (rc == RC_OK) {
		reply.lease_issued.fields = buf_view(&fields);
	} else {
		log_warn("lease %llu was not created: %s", (unsigned long long)m->lease,
			 e.msg[0] ? e.msg : rc_text(rc));
		reply.lease_issued.detail = detail_of(&e, rc);
	}
	say(s, &reply);
	secret_wipe(fields.p, fields.cap); /* invariant (2) */
}

static void revoke(struct server *s, const struct msg_lease_revoke *m)
{
	AUTO_BUF read_back = BUF_INIT(DETAIL_BYTES);
	struct err e = ERR_INIT;
	bool is_gone = false;
	struct message reply = {.kind = MESSAGE_LEASE_REVOKED};
	enum rc rc =
	    s->kind->revoke(s->backend, m->name, m->create_by_unix_ms, &is_gone, &read_back, &e);

	reply.lease_revoked = (struct msg_lease_revoked){
	    .lease = m->lease,
	    .gone = rc == RC_OK && is_gone,
	    .detail = rc == RC_OK ? buf_view(&read_back) : detail_of(&e, rc)};
	say(s, &reply);
}

static void sweep(struct server *s)
{
	AUTO_BUF names = BUF_INIT(NAMES_BYTES);
	struct err e = ERR_INIT;
	struct message reply = {.kind = MESSAGE_LEASE_FOUND};
	enum rc rc = s->kind->sweep(s->backend, &names, &e);

	reply.lease_found =
	    (struct msg_lease_found){.backend = s->config->name,
				     .ok = rc == RC_OK,
				     .names = rc == RC_OK ? buf_view(&names) : STR("[]"),
				     .detail = rc == RC_OK ? STR_NULL : detail_of(&e, rc)};
	say(s, &reply);
}

static void on_keeper(void *ctx, struct channel *c, const struct message *m)
{
	struct server *s = ctx;

	(void)c;
	if (m->kind == MESSAGE_LEASE_ISSUE) {
		issue(s, &m->lease_issue);
	} else if (m->kind == MESSAGE_LEASE_REVOKE) {
		revoke(s, &m->lease_revoke);
	} else if (m->kind == MESSAGE_LEASE_SWEEP) {
		sweep(s);
	}
}

static void server_fini(struct server *s)
{
	if (s->backend) {
		s->kind->close(s->backend);
	}
	channel_free(s->keeper);
}

enum rc backend_run(const struct role_env *env, const struct backend *config, struct err *e)
{
	CLEANUP(server_fini)
	struct server s = {.env = env, .config = config, .kind = backend_kind_of(config->type)};
	AUTO_ARENA arena = ARENA_INIT(8192);
	static const struct role_link link = {.on_message = on_keeper};
	struct sandbox_path paths[16] = {0};
	size_t n = 0;

	if (!s.kind) {
		FAIL(e, RC_INPUT, "backend '" STR_FMT "' is of no known type",
		     STR_ARG(config->name));
	}
	TRY(s.kind->open(config, &env->clock, &s.backend, e));
	MUST(s.kind->n_paths < ARRAY_LEN(paths));
	for (size_t i = 0; i < s.kind->n_paths; i++) {
		paths[n++] = s.kind->paths[i];
	}
	if (config->ca_file.n) {
		paths[n].path = arena_cstr(&arena, config->ca_file);
		if (!paths[n].path) {
			FAIL(e, RC_NOMEM, "no memory for a path");
		}
		n++;
	}
	TRY(role_confine(env, s.kind->sandbox, paths, n, e));
	TRY(role_link(env, R_KEEPER, "", &link, &s, &s.keeper, e));
	return role_run(env, e);
}
