/* SPDX-License-Identifier: Apache-2.0 */
/* front/people.c - requests of people and sources, handed to the governor, answered when it
 * answers.
 *
 * Trust:  hostile bytes from the HTTP listener; local users at the socket. Holds the sources'
 *         bearer tokens; no authority: the governor decides what a uid may do.
 * Holds:  (1) a command leaves only from the Unix socket, with the uid the kernel gave.
 *         (2) every request is answered once, also when its governor or index ends.
 */
#include "front/people.h"

#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "codec/json.h"
#include "front/published.h"
#include "front/witnessed.h"
#include "net/http_server.h"

enum { COMMAND_BODY_BYTES = 262144, SIGNALS_BYTES = 65536, SECRET_BYTES = 4096, PATH_BYTES = 4096 };

const struct sandbox_policy people_sandbox = {
    .name = "people",
    .needs = SANDBOX_ACCEPT | SANDBOX_READ, /* of the published log, if that is served */
};

enum {
	HEALTH_BYTES = 16 + 1, /* as the message bounds them */
	/* A page takes some 50 ms. The index is not ended for silence (it reads all of the log when
	 * it is made anew), but people are not to wait for it. */
	QUERY_MS = 10000,
	METRICS_BYTES = 128 * 1024, /* as many witnesses as there may be, with long names */
};

struct people {
	const struct role_env *env;
	struct loop *loop;
	struct deployment *deployment;
	struct channel *governor;
	/* As the governor said last (MESSAGE_LOG_HEALTH). */
	char log_why[HEALTH_BYTES];
	char witnesses[HEALTH_BYTES];
	bool clock_jumped;
	struct witnessed witnessed;
	struct channel *index;
	struct channel *keeper;
	struct http_server *local;
	struct http_server *http;
	struct tls_context *tls;
	struct published *published;  /* NULL: the log is not served */
	struct map waiting;	      /* for the governor: number as text -> struct http_request */
	struct map queries;	      /* the same, for the index */
	struct loop_timer index_late; /* while there are queries */
	uint64_t next_req;
	uint64_t answered;
	uint64_t webhooks;
	uint64_t refused;
	VEC(struct buf) secrets; /* one per source, in its order */
};

static const struct str JSON_TYPE = {"application/json", 16};

/* ---- waiting ---- */

static struct str key_of(uint64_t req, char out[24])
{
	int n = snprintf(out, 24, "%llu", (unsigned long long)req);

	return str_of(out, (size_t)n);
}

static uint64_t wait_in(struct people *p, struct map *waiting, struct http_request *r)
{
	uint64_t req = p->next_req++;
	char key[24];

	if (map_put(waiting, key_of(req, key), r) != RC_OK) {
		return 0;
	}
	http_request_set_data(r, (void *)(uintptr_t)req);
	return req;
}

static uint64_t wait_for(struct people *p, struct http_request *r)
{
	return wait_in(p, &p->waiting, r);
}

/* Nobody could be asked. */
static void answer_unasked(struct map *waiting, struct http_request *r, struct str why)
{
	char key[24];

	/* It may not be in it, for want of memory; what was answered must not be. */
	(void)map_remove(waiting, key_of((uint64_t)(uintptr_t)http_request_data(r), key));
	http_answer_problem(r, 503, why);
}

/* Those that nobody will answer any more. */
static void answer_all(struct map *waiting, struct str why)
{
	const struct map_entry *entry;
	size_t i = 0;

	while ((entry = map_next(waiting, &i))) {
		struct http_request *r = entry->value;
		char key[24];

		(void)map_remove(waiting, /* it is r */
				 key_of((uint64_t)(uintptr_t)http_request_data(r), key));
		http_answer_problem(r, 503, why);
	}
}

static void answer(struct people *p, struct map *waiting, uint64_t req, unsigned status,
		   struct str body)
{
	char key[24];
	struct http_request *r = map_remove(waiting, key_of(req, key));

	if (r) {
		p->answered++;
		http_answer(r, status, JSON_TYPE, body);
	}
}

static void peer_is_gone(void *ctx, struct http_request *r)
{
	struct people *p = ctx;
	char key[24];
	uint64_t req = (uint64_t)(uintptr_t)http_request_data(r);

	(void)map_remove(&p->waiting, key_of(req, key)); /* nobody will read the answer */
	(void)map_remove(&p->queries, key_of(req, key)); /* the same; it is in one of them */
}

static void answer_err(struct http_request *r, const struct err *e)
{
	unsigned status = e->code == RC_DENIED ? 405 : (unsigned)rc_http_status(e->code);

	http_answer_problem(r, status, str_from(e->msg));
}

/* ---- the local socket ---- */

/* It has as long again after each answer. */
static void expect_index(struct people *p)
{
	loop_timer_clear(p->loop, &p->index_late);
	if (p->queries.n && loop_timer_in(p->loop, &p->index_late, QUERY_MS) != RC_OK) {
		log_err("no memory for a timer: the index is waited for");
	}
}

static void index_is_late(struct loop_timer *t)
{
	struct people *p = t->ctx;

	answer_all(&p->queries, STR("the index does not answer; ask again later"));
}

static void ask_index(struct people *p, struct http_request *r)
{
	const struct http_head *head = http_request_head(r);
	struct message m = {
	    .kind = MESSAGE_QUERY,
	    .query = {.path = head->path, .body = head->query},
	};

	m.query.req = wait_in(p, &p->queries, r);
	if (!m.query.req || channel_send(p->index, &m) != RC_OK) {
		answer_unasked(&p->queries, r, STR("the index cannot be asked now"));
		return;
	}
	if (p->queries.n == 1) {
		expect_index(p);
	}
}

static void on_local(void *ctx, struct http_request *r)
{
	struct people *p = ctx;
	const struct http_head *head = http_request_head(r);
	const struct listen_peer *peer = http_request_peer(r);
	AUTO_ARENA arena = ARENA_INIT(16 * COMMAND_BODY_BYTES);
	AUTO_BUF body = BUF_INIT(COMMAND_BODY_BYTES);
	struct err e = ERR_INIT;
	enum command_verb verb;
	struct message m = {.kind = MESSAGE_COMMAND, .command = {.uid = peer->uid}};

	if (!peer->is_unix) {
		http_answer_problem(r, 403, STR("commands come through the local socket only"));
		return;
	}
	if (str_eq(head->method, STR("GET")) && str_has_prefix(head->path, STR("/v1/index/"))) {
		ask_index(p, r);
		return;
	}
	if (api_route(head->method, head->path, http_request_body(r), &arena, &verb, &body, &e) !=
	    RC_OK) {
		answer_err(r, &e);
		return;
	}
	m.command.req = wait_for(p, r);
	m.command.verb = (uint8_t)verb;
	m.command.body = buf_view(&body);
	if (!m.command.req || channel_send(p->governor, &m) != RC_OK) {
		answer_unasked(&p->waiting, r, STR("the governor cannot be asked now"));
	}
}

/* ---- the HTTP listener ---- */

static void refuse(struct people *p, struct http_request *r, const char *reason)
{
	struct message m = {
	    .kind = MESSAGE_REFUSED,
	    .refused =
		{
		    .source = str_slice(str_from(http_request_peer(r)->text), 0, 64),
		    .reason = str_from(reason),
		},
	};

	p->refused++;
	if (channel_send(p->governor, &m) != RC_OK) {
		log_warn("a refusal could not be passed on");
	}
	http_answer_problem(r, 401, STR("the source is not authenticated"));
}

/* The source of that name, if it sent this; NULL: refused. An unknown source and a wrong token look
 * the same from outside. */
static const struct source *authenticate(struct people *p, struct http_request *r, struct str name)
{
	const struct source *s = deployment_source(p->deployment, name);

	if (s && api_is_authentic(s, http_request_head(r), http_request_body(r),
				  buf_view(&p->secrets.p[s - p->deployment->sources]))) {
		return s;
	}
	refuse(p, r, "webhook_auth");
	return NULL;
}

static void answer_source(struct http_request *r, enum rc rc, const struct err *e)
{
	if (rc == RC_ABSENT) {
		http_answer(r, 202, JSON_TYPE, STR("{\"ignored\":true}"));
		return;
	}
	http_answer_problem(r, rc == RC_DENIED ? 403 : (unsigned)rc_http_status(rc),
			    str_from(e->msg));
}

static void pass_on(struct people *p, struct http_request *r, struct message *m, uint64_t *req)
{
	p->webhooks++;
	*req = wait_for(p, r);
	if (!*req || channel_send(p->governor, m) != RC_OK) {
		answer_unasked(&p->waiting, r, STR("the governor cannot be asked now"));
	}
}

static void on_webhook(struct people *p, struct http_request *r, struct str name)
{
	const struct source *s = authenticate(p, r, name);
	AUTO_ARENA arena = ARENA_INIT(16 * LIMIT_HTTP_BODY_BYTES);
	AUTO_BUF event = BUF_INIT(COMMAND_BODY_BYTES);
	struct err e = ERR_INIT;
	enum rc rc;
	struct message m = {.kind = MESSAGE_INCIDENT, .incident = {.source = name}};

	if (!s) {
		return;
	}
	rc = api_event(s, http_request_head(r), http_request_body(r), &arena, &event, &e);
	if (rc != RC_OK) {
		answer_source(r, rc, &e);
		return;
	}
	m.incident.body = buf_view(&event);
	pass_on(p, r, &m, &m.incident.req);
}

static void on_signals(struct people *p, struct http_request *r, struct str name)
{
	const struct source *s = authenticate(p, r, name);
	AUTO_ARENA arena = ARENA_INIT(16 * LIMIT_HTTP_BODY_BYTES);
	AUTO_BUF report = BUF_INIT(SIGNALS_BYTES);
	struct err e = ERR_INIT;
	enum rc rc;
	struct message m = {.kind = MESSAGE_SIGNAL, .signal = {.source = name}};

	if (!s) {
		return;
	}
	rc = api_signals(s, http_request_body(r), &arena, &report, &e);
	if (rc != RC_OK) {
		answer_source(r, rc, &e);
		return;
	}
	m.signal.body = buf_view(&report);
	pass_on(p, r, &m, &m.signal.req);
}

/* Healthy and ready are all roles or none; one that is being restarted makes the whole neither. */
static void show_health(const struct people *p, struct http_request *r)
{
	const struct role_states *all = &p->env->states;
	AUTO_BUF out = BUF_INIT(METRICS_BYTES);
	enum rc rc = RC_OK;

	for (size_t i = 0; i < all->n && rc == RC_OK; i++) {
		const struct role_state *s = &all->list[i];

		if (!s->is_up || s->is_silent) {
			rc = buf_addf(&out, "%s: %s%s%s\n", s->is_up ? "silent" : "restarting",
				      role_name(s->role), s->name[0] ? " " : "", s->name);
		}
	}
	if (rc == RC_OK && p->log_why[0]) {
		rc = buf_addf(&out, "log: %s\n", p->log_why);
	}
	if (rc == RC_OK && p->clock_jumped) {
		rc = buf_addf(&out, "clock: jumped\n");
	}
	if (rc == RC_OK && p->witnesses[0] && strcmp(p->witnesses, "ok") != 0) {
		rc = buf_addf(&out, "witnesses: %s\n", p->witnesses);
		rc = rc == RC_OK
			 ? witnessed_lines(&p->witnessed, clock_boot_ns(&p->env->clock), &out)
			 : rc;
	}
	if (rc == RC_OK && out.n == 0) {
		http_answer(r, 200, STR("text/plain"), STR("ok\n"));
	} else {
		http_answer(r, 503, STR("text/plain"), buf_view(&out));
	}
}

static enum rc write_roles(const struct role_states *all, struct buf *out)
{
	TRY(buf_addf(out, "# TYPE remit_role_up gauge\n"));
	for (size_t i = 0; i < all->n; i++) {
		TRY(buf_addf(out, "remit_role_up{role=\"%s\",name=\"%s\"} %d\n",
			     role_name(all->list[i].role), all->list[i].name,
			     all->list[i].is_up && !all->list[i].is_silent));
	}
	TRY(buf_addf(out, "# TYPE remit_role_restarts_total counter\n"));
	for (size_t i = 0; i < all->n; i++) {
		TRY(buf_addf(out, "remit_role_restarts_total{role=\"%s\",name=\"%s\"} %u\n",
			     role_name(all->list[i].role), all->list[i].name,
			     all->list[i].restarts));
	}
	return RC_OK;
}

static enum rc write_log(const struct people *p, struct buf *out)
{
	TRY(buf_addf(out, "# TYPE remit_log_well gauge\nremit_log_well %d\n",
		     p->log_why[0] == '\0'));
	TRY(buf_addf(out, "# TYPE remit_clock_well gauge\nremit_clock_well %d\n",
		     !p->clock_jumped));
	if (p->witnesses[0] == '\0') {
		return RC_OK;
	}
	TRY(buf_addf(out, "# TYPE remit_witness_quorum_well gauge\nremit_witness_quorum_well %d\n",
		     strcmp(p->witnesses, "ok") == 0));
	return witnessed_metrics(&p->witnessed, clock_boot_ns(&p->env->clock), out);
}

static void show_metrics(struct people *p, struct http_request *r)
{
	AUTO_BUF out = BUF_INIT(METRICS_BYTES);

	if (buf_addf(&out,
		     "# TYPE remit_people_answers_total counter\nremit_people_answers_total %llu\n"
		     "# TYPE remit_webhooks_total counter\nremit_webhooks_total %llu\n"
		     "# TYPE remit_refused_total counter\nremit_refused_total %llu\n",
		     (unsigned long long)p->answered, (unsigned long long)p->webhooks,
		     (unsigned long long)p->refused) != RC_OK ||
	    write_roles(&p->env->states, &out) != RC_OK || write_log(p, &out) != RC_OK) {
		http_answer_problem(r, 503, STR("no memory"));
		return;
	}
	http_answer(r, 200, STR("text/plain; version=0.0.4"), buf_view(&out));
}

static void on_http(void *ctx, struct http_request *r)
{
	struct people *p = ctx;
	const struct http_head *head = http_request_head(r);
	struct str webhooks = STR("/v1/webhooks/");
	struct str signals = STR("/v1/signals/");
	struct str log = STR("/log/");
	bool is_webhook = str_has_prefix(head->path, webhooks);

	if (is_webhook || str_has_prefix(head->path, signals)) {
		if (!str_eq(head->method, STR("POST"))) {
			http_answer_problem(r, 405, STR("sources POST"));
		} else if (is_webhook) {
			on_webhook(p, r, str_slice(head->path, webhooks.n, head->path.n));
		} else {
			on_signals(p, r, str_slice(head->path, signals.n, head->path.n));
		}
	} else if (p->published && str_has_prefix(head->path, log)) {
		published_answer(p->published, r, str_slice(head->path, log.n, head->path.n));
	} else if (!str_eq(head->method, STR("GET"))) {
		http_answer_problem(r, 404, STR("no such path"));
	} else if (str_eq(head->path, STR("/healthz")) || str_eq(head->path, STR("/readyz"))) {
		show_health(p, r);
	} else if (str_eq(head->path, STR("/metrics"))) {
		show_metrics(p, r);
	} else {
		http_answer_problem(r, 404, STR("no such path"));
	}
}

/* ---- peers ---- */

static void note_text(char out[HEALTH_BYTES], struct str text)
{
	MUST(text.n < HEALTH_BYTES);
	memcpy(out, text.n ? text.p : "", text.n);
	out[text.n] = '\0';
}

static void on_governor(void *ctx, struct channel *c, const struct message *m)
{
	struct people *p = ctx;

	(void)c; /* there is one governor */
	if (m->kind == MESSAGE_COMMAND_REPLY) {
		answer(p, &p->waiting, m->command_reply.req, m->command_reply.status,
		       m->command_reply.body);
	} else if (m->kind == MESSAGE_LOG_HEALTH) {
		note_text(p->log_why, m->log_health.why);
		note_text(p->witnesses, m->log_health.witnesses);
		p->clock_jumped = m->log_health.clock_jumped != 0;
	} else if (m->kind == MESSAGE_WITNESS_SEEN) {
		witnessed_hear(&p->witnessed, &m->witness_seen);
	}
}

static void on_index(void *ctx, struct channel *c, const struct message *m)
{
	struct people *p = ctx;

	(void)c; /* there is one index */
	if (m->kind == MESSAGE_QUERY_REPLY) {
		answer(p, &p->queries, m->query_reply.req, m->query_reply.status,
		       m->query_reply.body);
		expect_index(p);
	}
}

static void governor_is_lost(void *ctx)
{
	struct people *p = ctx;

	answer_all(&p->waiting,
		   STR("the governor ended; what was asked may have been recorded: look "
		       "before you ask again"));
}

static void index_is_lost(void *ctx)
{
	struct people *p = ctx;

	answer_all(&p->queries, STR("the index ended; ask again"));
}

static void on_keeper(void *ctx, struct channel *c, const struct message *m)
{
	(void)ctx; /* the token key is for sign-in sessions, which the console will bring */
	(void)c;
	(void)m;
}

/* ---- birth ---- */

static enum rc read_secrets(struct people *p, struct err *e)
{
	for (size_t i = 0; i < p->deployment->n_sources; i++) {
		const struct source *s = &p->deployment->sources[i];
		struct buf secret = BUF_INIT(SECRET_BYTES);

		if (vec_push(&p->secrets, secret) != RC_OK) {
			FAIL(e, RC_NOMEM, "no memory for secrets");
		}
		TRY(file_read(s->secret_file.p, &p->secrets.p[i], e));
		while (p->secrets.p[i].n && p->secrets.p[i].p[p->secrets.p[i].n - 1] == '\n') {
			p->secrets.p[i].n--;
		}
		if (p->secrets.p[i].n < 16) {
			FAIL(e, RC_INPUT, "the secret in '" STR_FMT "' is shorter than 16 bytes",
			     STR_ARG(s->secret_file));
		}
	}
	return RC_OK;
}

static enum rc open_doors(struct people *p, int *ret_local, int *ret_http, struct err *e)
{
	const struct people_listener *l = &p->deployment->people;
	char address[512];
	int n = snprintf(address, sizeof(address), "unix:%.*s", STR_ARG(l->socket));

	TRY(listen_open(str_of(address, (size_t)n), l->socket_mode, ret_local, e));
	if (l->http.host.n) {
		bool is_v6 = str_find(l->http.host, ':') < l->http.host.n;

		n = snprintf(address, sizeof(address), "%s%.*s%s:%u", is_v6 ? "[" : "",
			     STR_ARG(l->http.host), is_v6 ? "]" : "", l->http.port);
		TRY(listen_open(str_of(address, (size_t)n), 0, ret_http, e));
	}
	return RC_OK;
}

static int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static enum rc serve(struct people *p, int *local, int *http, struct err *e)
{
	static const struct http_server_handlers local_handlers = {.request = on_local,
								   .gone = peer_is_gone};
	static const struct http_server_handlers http_handlers = {.request = on_http,
								  .gone = peer_is_gone};
	struct http_server_conf conf = http_server_conf_default();

	conf.max_body_bytes = COMMAND_BODY_BYTES;
	TRY(http_server_new(p->loop, take_fd(local), &conf, &local_handlers, p, &p->local, e));
	if (*http >= 0) {
		if (p->deployment->people.certificate_file.n) {
			struct tls_files files = {
			    .cert_path = p->deployment->people.certificate_file.p,
			    .key_path = p->deployment->people.key_file.p,
			};

			TRY(tls_server_for_people(&files, &p->tls, e));
			conf.tls = p->tls;
		}
		if (p->published) {
			conf.max_answer_bytes = LIMIT_PUBLISHED_FILE_BYTES + 64 * 1024;
		}
		TRY(http_server_new(p->loop, take_fd(http), &conf, &http_handlers, p, &p->http, e));
	}
	return RC_OK;
}

static enum rc log_dir(const struct people *p, char ret[PATH_BYTES], struct err *e)
{
	int n = snprintf(ret, PATH_BYTES, STR_FMT "/log", STR_ARG(p->deployment->state_dir));

	if (n < 0 || n >= PATH_BYTES) {
		FAIL(e, RC_LIMIT, "the state directory's path is too long");
	}
	return RC_OK;
}

static enum rc confine(const struct people *p, const struct role_env *env, const char *dir,
		       struct err *e)
{
	const struct sandbox_path path = {.path = dir, .access = SANDBOX_PATH_READ};
	struct sandbox_policy policy = people_sandbox;

	if (p->published) {
		return role_confine(env, &policy, &path, 1, e);
	}
	policy.needs &= ~(unsigned)SANDBOX_READ;
	return role_confine(env, &policy, NULL, 0, e);
}

static enum rc live(struct people *p, const struct role_env *env, struct err *e)
{
	static const struct role_link keeper = {.on_message = on_keeper};
	static const struct role_link governor = {.on_message = on_governor,
						  .lost = governor_is_lost};
	static const struct role_link index = {.on_message = on_index, .lost = index_is_lost};
	AUTO_FINDINGS found = FINDINGS_INIT;
	AUTO_FD local = -1;
	AUTO_FD http = -1;
	char dir[PATH_BYTES];

	TRY(deployment_load(env->deployment, &p->deployment, &found, e));
	TRY(read_secrets(p, e));
	TRY(open_doors(p, &local, &http, e));
	TRY(log_dir(p, dir, e));
	if (p->deployment->people.serves_log) {
		TRY(published_new(p->loop, dir, &p->published, e));
	}
	TRY(serve(p, &local, &http, e));
	TRY(confine(p, env, dir, e));
	TRY(role_link(env, R_GOVERNOR, NULL, &governor, p, &p->governor, e));
	if (role_has_peer(env, R_KEEPER, NULL)) {
		TRY(role_link(env, R_KEEPER, NULL, &keeper, p, &p->keeper, e));
	}
	if (role_has_peer(env, R_INDEX, NULL)) {
		TRY(role_link(env, R_INDEX, NULL, &index, p, &p->index, e));
	}
	return role_run(env, e);
}

enum rc role_people_main(const struct role_env *env, struct err *e)
{
	struct people p = {
	    .env = env,
	    .loop = env->loop,
	    /* No number of an earlier front's: an answer to it finds nobody here. */
	    .next_req = env->generation << 32 | 1,
	};
	enum rc rc;

	p.index_late = (struct loop_timer){.fire = index_is_late, .ctx = &p};
	rc = live(&p, env, e);
	loop_timer_clear(p.loop, &p.index_late);
	http_server_free(p.local);
	http_server_free(p.http);
	tls_context_unref(p.tls);
	published_free(p.published);
	channel_free(p.governor);
	channel_free(p.index);
	channel_free(p.keeper);
	for (size_t i = 0; i < p.secrets.n; i++) {
		if (p.secrets.p[i].p) {
			explicit_bzero(p.secrets.p[i].p, p.secrets.p[i].cap);
		}
		buf_fini(&p.secrets.p[i]);
	}
	vec_fini(&p.secrets);
	map_fini(&p.waiting);
	map_fini(&p.queries);
	deployment_free(p.deployment);
	return rc;
}
