/* SPDX-License-Identifier: Apache-2.0 */
/* front/agents.c - connections of agents to the face, messages to the face and the sender.
 *
 * Trust:  nobody before the handshake; then the name in the certificate, and nothing else.
 * Holds:  (1) no request is served whose certificate has ended or whose trust was replaced.
 *         (2) after a fence over an agent, none of its connections serves another request.
 *         (3) a governor that does not answer is asked nothing: what it has not been given is not
 *             made, so that "denied" is true.
 */
#include "front/agents.h"

#include <stdio.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "config/deployment.h"
#include "front/face.h"
#include "front/sender.h"
#include "identity/x509_svid.h"
#include "net/http_server.h"

const struct sandbox_policy agents_sandbox = {
    .name = "agents",
    .needs = SANDBOX_ACCEPT | SANDBOX_INET,
};

struct agents {
	const struct role_env *env;
	const struct deployment *deployment;
	struct arena arena; /* host names, paths */
	struct x509_trust *trust;
	struct http_server *server;
	struct face *face;
	struct sender *sender;
	struct channel *governor;
	bool governor_is_silent;
	struct channel *keeper;
	struct visitor *first;
};

/* A connection: the session memory of the server. */
struct visitor {
	struct agents *agents;
	struct visitor *prev;
	struct visitor *next;
	struct x509_svid svid; /* id NULL: plain, or not verified */
	bool is_cut;
};

/* (3) */
static enum rc say(void *ctx, const struct message *m)
{
	struct agents *a = ctx;

	if (a->governor_is_silent && m->kind != MESSAGE_WITHDRAW) {
		return RC_AGAIN;
	}
	return channel_send(a->governor, m);
}

static void say_refused(struct agents *a, const char *source, const char *reason,
			const char *detail)
{
	struct message m = {.kind = MESSAGE_REFUSED};

	m.refused = (struct msg_refused){.source = str_from(source),
					 .reason = str_from(reason),
					 .detail = str_slice(str_from(detail), 0, 256)};
	if (a->governor && channel_send(a->governor, &m) != RC_OK) {
		log_warn("a refused connection could not be reported");
	}
}

/* ---- connections ---- */

static void on_session_init(void *ctx, void *session)
{
	struct visitor *v = session;

	v->agents = ctx;
	v->next = v->agents->first;
	if (v->next) {
		v->next->prev = v;
	}
	v->agents->first = v;
}

static void on_session_fini(void *ctx, void *session)
{
	struct visitor *v = session;

	(void)ctx;
	if (v->prev) {
		v->prev->next = v->next;
	} else {
		v->agents->first = v->next;
	}
	if (v->next) {
		v->next->prev = v->prev;
	}
	x509_svid_fini(&v->svid);
}

static uint64_t now_s(const struct agents *a)
{
	return clock_unix_ms(&a->env->clock) / 1000;
}

static enum rc verify(void *verify_ctx, X509 *leaf, STACK_OF(X509) * untrusted, struct err *e)
{
	struct visitor *v = verify_ctx;
	struct agents *a = v->agents;
	struct err why = ERR_INIT;
	enum rc rc =
	    x509_svid_verify(a->trust, X509_SVID_CLIENT, leaf, untrusted, now_s(a), &v->svid, &why);

	if (rc != RC_OK) {
		say_refused(a, "tls", "svid_refused", why.msg);
		FAIL(e, rc, "%s", why.msg);
	}
	return RC_OK;
}

static struct str visitor_id(const struct visitor *v)
{
	const struct agents_listener *l = &v->agents->deployment->agents;

	return l->is_plain ? l->assume_agent : str_from(v->svid.id);
}

/* Invariants (1) and (2); answers when not. */
static bool may_ask(struct visitor *v, struct http_request *r)
{
	struct agents *a = v->agents;

	if (v->is_cut) {
		http_answer_and_close(r, 403, STR(""), STR(""));
		return false;
	}
	if (!a->deployment->agents.is_plain &&
	    (!v->svid.id || !x509_svid_is_current(&v->svid, a->trust, now_s(a)))) {
		say_refused(a, http_request_peer(r)->text, "svid_expired",
			    v->svid.id ? v->svid.id : "");
		http_answer_and_close(r, 401, STR(""), STR(""));
		return false;
	}
	return true;
}

static void on_request(void *ctx, struct http_request *r)
{
	struct agents *a = ctx;
	struct visitor *v = http_request_session(r);
	struct face_agent agent;

	if (may_ask(v, r)) {
		agent.id = visitor_id(v);
		agent.key_sha256 = str_of(v->svid.key_sha256, sizeof(v->svid.key_sha256));
		face_request(a->face, r, &agent);
	}
}

static void on_request_gone(void *ctx, struct http_request *r)
{
	struct agents *a = ctx;

	face_gone(a->face, r);
}

/* ---- messages ---- */

/* Cuts the agent's connections ("" = all): at once what waits, at its next request what is idle. */
static void cut(struct agents *a, struct str agent)
{
	for (struct visitor *v = a->first; v; v = v->next) {
		if (agent.n == 0 || str_eq(visitor_id(v), agent)) {
			v->is_cut = true;
		}
	}
	face_cut(a->face, agent);
}

static void on_message(void *ctx, struct channel *c, const struct message *m)
{
	struct agents *a = ctx;

	(void)c;
	if (m->kind == MESSAGE_TOKEN_KEY) {
		face_set_token_key(a->face, m->token_key.key);
		return;
	}
	if (m->kind == MESSAGE_FENCE && m->fence.scope <= 1) {
		cut(a, m->fence.scope == 0 ? STR("") : m->fence.name);
	}
	if (!face_hear(a->face, m) && !sender_hear(a->sender, m)) {
		log_warn("the front has no use for a message of kind %s", message_name(m->kind));
	}
}

static void governor_is_lost(void *ctx)
{
	struct agents *a = ctx;

	a->governor_is_silent = false;
	sender_governor_lost(a->sender);
	face_governor_lost(a->face);
}

static void governor_is_silent(void *ctx, bool is_silent)
{
	struct agents *a = ctx;

	a->governor_is_silent = is_silent;
	if (is_silent) {
		face_governor_silent(a->face);
	}
}

static void governor_is_found(void *ctx)
{
	struct agents *a = ctx;

	sender_governor_found(a->sender, role_generation(a->env, R_GOVERNOR, NULL));
}

static void say_as_sender(void *ctx, const struct message *m)
{
	struct agents *a = ctx;

	if (channel_send(a->governor, m) != RC_OK) {
		/* The link is lost in a moment; a call whose outcome it was is unclaimed then. */
		log_err("the governor cannot be told of a %s", message_name(m->kind));
	}
}

/* ---- start ---- */

static enum rc load_trust(struct agents *a, struct err *e)
{
	const struct agents_listener *l = &a->deployment->agents;

	TRY(x509_trust_new(a->env->generation, &a->trust, e));
	for (size_t i = 0; i < l->n_clients; i++) {
		AUTO_BUF pem = BUF_INIT(LIMIT_CONFIG_FILE_BYTES);
		const char *path = arena_cstr(&a->arena, l->clients[i].ca_file);

		if (!path) {
			FAIL(e, RC_NOMEM, "no memory for a path");
		}
		TRY(file_read(path, &pem, e));
		TRY(x509_trust_add(a->trust, l->clients[i].trust_domain, buf_view(&pem), e));
	}
	return RC_OK;
}

static enum rc make_tls(struct agents *a, struct tls_context **ret, struct err *e)
{
	const struct agents_listener *l = &a->deployment->agents;
	struct tls_files files = {.cert_path = arena_cstr(&a->arena, l->certificate_file),
				  .key_path = arena_cstr(&a->arena, l->key_file)};

	if (!files.cert_path || !files.key_path) {
		FAIL(e, RC_NOMEM, "no memory for paths");
	}
	TRY(load_trust(a, e));
	return tls_server_for_agents(&files, verify, ret, e);
}

static struct str host_and_port(struct agents *a, struct str host, uint16_t port)
{
	return str_find(host, ':') < host.n
		   ? arena_strf(&a->arena, "[" STR_FMT "]:%u", STR_ARG(host), port)
		   : arena_strf(&a->arena, STR_FMT ":%u", STR_ARG(host), port);
}

/* What a client of the plain listener may call it. */
static enum rc list_hosts(struct agents *a, struct str_list *ret, struct err *e)
{
	const struct listen_address *at = &a->deployment->agents.address;
	const struct str names[] = {at->host, STR("localhost"), STR("127.0.0.1"), STR("::1")};
	struct str *hosts = arena_alloc_n(&a->arena, ARRAY_LEN(names), sizeof(*hosts));

	for (size_t i = 0; hosts && i < ARRAY_LEN(names); i++) {
		hosts[i] = host_and_port(a, names[i], at->port);
	}
	if (!hosts) {
		FAIL(e, RC_NOMEM, "no memory for host names");
	}
	*ret = (struct str_list){.p = hosts, .n = ARRAY_LEN(names)};
	return RC_OK;
}

static void unref_tls(struct tls_context **x)
{
	tls_context_unref(*x);
}

static enum rc make_server(struct agents *a, struct err *e)
{
	static const struct http_server_handlers on = {
	    .request = on_request,
	    .gone = on_request_gone,
	    .session_init = on_session_init,
	    .session_fini = on_session_fini,
	};
	const struct agents_listener *l = &a->deployment->agents;
	CLEANUP(unref_tls) struct tls_context *tls = NULL;
	struct http_server_conf conf = http_server_conf_default();
	struct str where = host_and_port(a, l->address.host, l->address.port);
	int fd = -1;

	if (!where.p) {
		FAIL(e, RC_NOMEM, "no memory for an address");
	}
	if (!l->is_plain) {
		TRY(make_tls(a, &tls, e));
	}
	TRY(listen_open(where, 0, &fd, e));
	conf.tls = tls;
	conf.session_bytes = sizeof(struct visitor);
	return http_server_new(a->env->loop, fd, &conf, &on, a, &a->server, e);
}

static enum rc make_halves(struct agents *a, struct err *e)
{
	struct face_conf face = {.bundle = a->deployment->bundle,
				 .is_plain = a->deployment->agents.is_plain,
				 .generation = a->env->generation,
				 .say = say,
				 .say_ctx = a};
	struct sender_conf sender = {.bundle = a->deployment->bundle,
				     .generation = a->env->generation,
				     .say = say_as_sender,
				     .say_ctx = a};

	if (face.is_plain) {
		TRY(list_hosts(a, &face.hosts, e));
	}
	TRY(face_new(a->env->loop, &face, &a->face, e));
	return sender_new(a->env->loop, &sender, &a->sender, e);
}

static void agents_fini(struct agents *a)
{
	/* Order: the server tells the face of what is gone, the face withdraws through the channel.
	 */
	face_free(a->face);
	a->face = NULL;
	http_server_free(a->server);
	sender_free(a->sender);
	channel_free(a->governor);
	channel_free(a->keeper);
	x509_trust_unref(a->trust);
	arena_fini(&a->arena);
}

enum rc role_agents_main(const struct role_env *env, struct err *e)
{
	static const struct role_link keeper = {.on_message = on_message};
	static const struct role_link governor = {.on_message = on_message,
						  .lost = governor_is_lost,
						  .found = governor_is_found,
						  .silent = governor_is_silent};
	AUTO_DEPLOYMENT deployment = NULL;
	AUTO_FINDINGS findings = FINDINGS_INIT;
	CLEANUP(agents_fini) struct agents a = {.env = env, .arena = ARENA_INIT(256 * 1024)};

	TRY(deployment_load(env->deployment, &deployment, &findings, e));
	a.deployment = deployment;
	TRY(make_halves(&a, e));
	TRY(make_server(&a, e));
	TRY(role_confine(env, &agents_sandbox, NULL, 0, e));
	TRY(role_link(env, R_GOVERNOR, NULL, &governor, &a, &a.governor, e));
	TRY(role_link(env, R_KEEPER, NULL, &keeper, &a, &a.keeper, e));
	return role_run(env, e);
}
