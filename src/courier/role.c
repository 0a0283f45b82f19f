/* SPDX-License-Identifier: Apache-2.0 */
/* courier/role.c - the courier's main: secrets in, walls up, orders from the governor. */
#include <curl/curl.h>
#include <netdb.h>
#include <sys/socket.h>

#include "base/log.h"
#include "courier/courier.h"
#include "courier/witness.h"

const struct sandbox_policy courier_sandbox = {.name = "courier",
					       .needs = SANDBOX_READ | SANDBOX_INET | SANDBOX_UNIX |
							SANDBOX_THREADS | SANDBOX_SPAWN};

enum { LIMIT_PATHS = 64 };

struct office {
	const struct role_env *env;
	struct courier *courier;
	struct witness_client *witnesses; /* NULL: nobody cosigns */
	struct channel *governor;
};

static void notified(void *ctx, uint64_t id, bool ok, struct str detail)
{
	struct office *r = ctx;
	const struct message m = {.kind = MESSAGE_NOTIFIED,
				  .notified = {.id = id, .ok = ok, .detail = detail}};
	enum rc rc = channel_send(r->governor, &m);

	if (rc != RC_OK) {
		log_warn("cannot send notified: %s", rc_text(rc));
	}
}

static void witnessed(void *ctx, uint64_t id, const struct witness_answer *a)
{
	struct office *r = ctx;
	const struct message m = {
	    .kind = MESSAGE_WITNESS_ANSWER,
	    .witness_answer = {
		.id = id,
		.said = (uint8_t)a->said,
		.size = a->size,
		.unix_s = a->cosignature.unix_s,
		.signature = str_of(a->cosignature.signature, sizeof(a->cosignature.signature)),
		.detail = str_from(a->detail)}};
	enum rc rc = channel_send(r->governor, &m);

	if (rc != RC_OK) {
		log_warn("cannot send witness_answer: %s", rc_text(rc));
	}
}

static void on_governor(void *ctx, struct channel *c, const struct message *m)
{
	struct office *r = ctx;

	(void)c;
	if (m->kind == MESSAGE_NOTIFY) {
		courier_notify(r->courier, m->notify.id, m->notify.notifier, m->notify.body);
	} else if (m->kind == MESSAGE_WITNESS_ASK && r->witnesses) {
		witness_client_ask(r->witnesses, &m->witness_ask);
	}
}

/* What name resolution, TLS and programs read. /etc file by file, since deployments keep secrets
 * there. */
static const struct sandbox_path standard_paths[] = {
    {.path = "/etc/hosts", .is_optional = true},
    {.path = "/etc/resolv.conf", .is_optional = true},
    {.path = "/etc/nsswitch.conf", .is_optional = true},
    {.path = "/etc/host.conf", .is_optional = true},
    {.path = "/etc/gai.conf", .is_optional = true},
    {.path = "/etc/ssl/certs", .is_optional = true},
    {.path = "/etc/ssl/openssl.cnf", .is_optional = true},
    {.path = "/usr/share/ca-certificates", .is_optional = true},
    {.path = "/usr/local/share/ca-certificates", .is_optional = true},
};
static const struct sandbox_path program_paths[] = {
    {.path = "/usr", .access = SANDBOX_PATH_EXEC},
    {.path = "/bin", .access = SANDBOX_PATH_EXEC, .is_optional = true},
    {.path = "/lib", .access = SANDBOX_PATH_EXEC, .is_optional = true},
    {.path = "/lib64", .access = SANDBOX_PATH_EXEC, .is_optional = true},
    {.path = "/etc/alternatives", .is_optional = true},
    {.path = "/etc/group", .is_optional = true},
    {.path = "/etc/ld.so.cache", .is_optional = true},
    {.path = "/etc/ld.so.conf", .is_optional = true},
    {.path = "/etc/ld.so.conf.d", .is_optional = true},
    {.path = "/etc/localtime", .is_optional = true},
    {.path = "/etc/passwd", .is_optional = true},
    {.path = "/dev/null", .access = SANDBOX_PATH_WRITE},
};

static enum rc add_path(struct sandbox_path *paths, size_t *n, const struct sandbox_path *path,
			struct err *e)
{
	if (*n == LIMIT_PATHS) {
		FAIL(e, RC_LIMIT, "more than %d paths in the courier's sandbox", LIMIT_PATHS);
	}
	paths[(*n)++] = *path;
	return RC_OK;
}

static enum rc confine(const struct role_env *env, const struct deployment *d, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(256 * 1024);
	struct sandbox_policy policy = courier_sandbox;
	struct sandbox_path paths[LIMIT_PATHS];
	bool has_programs = false;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(standard_paths); i++) {
		TRY(add_path(paths, &n, &standard_paths[i], e));
	}
	if (d->witnesses.ca_file.n) {
		struct sandbox_path authority = {.path = arena_cstr(&arena, d->witnesses.ca_file)};

		if (!authority.path) {
			FAIL(e, RC_NOMEM, "no memory for a path");
		}
		TRY(add_path(paths, &n, &authority, e));
	}
	for (size_t i = 0; i < d->n_notifiers; i++) {
		const struct str_list *command = &d->notifiers[i].command;
		struct sandbox_path program = {.access = SANDBOX_PATH_EXEC};
		struct sandbox_path authority = {0};

		if (d->notifiers[i].ca_file.n) {
			authority.path = arena_cstr(&arena, d->notifiers[i].ca_file);
			if (!authority.path) {
				FAIL(e, RC_NOMEM, "no memory for a path");
			}
			TRY(add_path(paths, &n, &authority, e));
		}
		if (d->notifiers[i].type != NOTIFIER_COMMAND || command->n == 0) {
			continue;
		}
		has_programs = true;
		program.path = arena_cstr(&arena, command->p[0]);
		if (!program.path) {
			FAIL(e, RC_NOMEM, "no memory for a path");
		}
		TRY(add_path(paths, &n, &program, e));
	}
	for (size_t i = 0; has_programs && i < ARRAY_LEN(program_paths); i++) {
		TRY(add_path(paths, &n, &program_paths[i], e));
	}
	if (!has_programs) {
		policy.needs &= ~(unsigned)SANDBOX_SPAWN;
	}
	return role_confine(env, &policy, paths, n, e);
}

/* What libraries load or read once, they shall load and read before the walls are up. */
static enum rc warm_up(struct err *e)
{
	struct addrinfo *found = NULL;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		FAIL(e, RC_BROKEN, "libcurl cannot be set up");
	}
	if (getaddrinfo("localhost", NULL, NULL, &found) == 0) {
		freeaddrinfo(found);
	}
	return RC_OK;
}

static void office_fini(struct office *r)
{
	courier_free(r->courier);
	witness_client_free(r->witnesses);
	channel_free(r->governor);
}

enum rc role_courier_main(const struct role_env *env, struct err *e)
{
	static const struct role_link governor = {.on_message = on_governor};
	AUTO_FINDINGS findings = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	CLEANUP(office_fini) struct office r = {.env = env};
	struct courier_conf conf = {.notified = notified, .ctx = &r};

	TRY(deployment_load(env->deployment, &d, &findings, e));
	conf.notifiers = d->notifiers;
	conf.n_notifiers = d->n_notifiers;
	TRY(warm_up(e));
	TRY(courier_new(env->loop, &conf, &r.courier, e));
	if (d->witnesses.policy.n) {
		TRY(witness_client_new(env->loop, &d->witnesses, witnessed, &r, &r.witnesses, e));
	}
	TRY(confine(env, d, e));
	/* Orders of a governor that ended are carried out; its answers find nobody. */
	TRY(role_link(env, R_GOVERNOR, "", &governor, &r, &r.governor, e));
	return role_run(env, e);
}
