/* SPDX-License-Identifier: Apache-2.0 */
/* keeper/backends/postgresql.c - leases as PostgreSQL roles, by the functions of
 * packs/postgresql/setup.sql.
 *
 * Trust:  the server may be slow, gone or hostile; what it says ends up in details, cut and
 *         escaped, and decides nothing but about its own leases.
 * Holds:  (1) the clear password of a lease never goes to the server, only its SCRAM verifier.
 *         (2) nothing waits for the server beyond a deadline; a connection that missed one is
 *             dropped, for its next answer would be to an old question.
 *         (3) "gone" is said only after a read-back in a transaction of its own, and only if the
 *             role was there or, by the server's own clock, can no longer be created.
 */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/rand.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "keeper/backend.h"
#include "keeper/scram.h"

enum {
	CONNECT_MS = 5000,
	ISSUE_MS = 10000,
	ISSUE_GRACE_MS = 1000, /* beyond create_by, for the server's refusal to arrive */
	REVOKE_MS = 20000,
	SWEEP_MS = 10000,
	BUSY_MS = 20,		/* between looks at sessions that were told to end */
	BACKOFF_FIRST_MS = 200, /* between attempts to connect */
	BACKOFF_MOST_MS = 10000,
	PASSWORD_BYTES = 24, /* random; 32 characters */
	TEXT_BYTES = 512,
};

#define NS_PER_MS 1000000ULL

struct pg {
	struct clock clock;
	struct arena arena; /* of the strings below */
	const char *host;
	const char *port;
	const char *dbname;
	const char *user;
	const char *ca_file; /* "" = no TLS */
	uint16_t port_number;
	struct secret *password; /* with a NUL at its end: the root credential */
	PGconn *conn;
	uint64_t retry_at_ns;
	uint64_t backoff_ms;
};

static uint64_t now_ns(const struct pg *p)
{
	return clock_boot_ns(&p->clock);
}

static void disconnect(struct pg *p)
{
	PQfinish(p->conn); /* NULL is fine */
	p->conn = NULL;
}

/* Waits for the connection's socket; false when the deadline passed or waiting failed. */
static bool wait_for(struct pg *p, short events, uint64_t deadline_ns)
{
	struct pollfd fd = {.fd = PQsocket(p->conn), .events = events};
	uint64_t now = now_ns(p);
	uint64_t left_ms = deadline_ns > now ? (deadline_ns - now) / NS_PER_MS + 1 : 0;

	return left_ms > 0 && fd.fd >= 0 && poll(&fd, 1, (int)left_ms) > 0;
}

/* The first line of what libpq says, without the newline. */
static struct str first_line(const char *text)
{
	struct str s = str_from(text);

	return str_cut(&s, '\n');
}

static enum rc connect_failed(struct pg *p, struct err *e)
{
	struct str why = p->conn ? first_line(PQerrorMessage(p->conn)) : STR("no memory");

	p->retry_at_ns = now_ns(p) + p->backoff_ms * NS_PER_MS;
	p->backoff_ms = p->backoff_ms * 2 < BACKOFF_MOST_MS ? p->backoff_ms * 2 : BACKOFF_MOST_MS;
	(void)err_set(e, RC_AGAIN, __func__, "cannot connect to '%s': " STR_FMT, p->host,
		      STR_ARG(why.n ? why : STR("no answer in time")));
	disconnect(p);
	return RC_AGAIN;
}

static enum rc start_connecting(struct pg *p)
{
	const char *password = (const char *)secret_view(p->password).p;
	const char *const keys[] = {"host",
				    "port",
				    "dbname",
				    "user",
				    "password",
				    "sslmode",
				    "sslrootcert",
				    "sslcert",
				    "gssencmode",
				    "passfile",
				    "application_name",
				    "client_encoding",
				    "tcp_user_timeout",
				    "target_session_attrs",
				    "options",
				    NULL};
	const char *const values[] = {
	    p->host,
	    p->port,
	    p->dbname,
	    p->user,
	    password,
	    p->ca_file[0] ? "verify-full" : "disable",
	    p->ca_file[0] ? p->ca_file : NULL,
	    "/nonexistent" /* never somebody's own */,
	    "disable",
	    "/dev/null",
	    "remit",
	    "UTF8",
	    "10000",
	    "read-write",
	    "-c statement_timeout=9s -c idle_in_transaction_session_timeout=9s",
	    NULL};

	p->conn = PQconnectStartParams(keys, values, 0);
	return p->conn && PQstatus(p->conn) != CONNECTION_BAD ? RC_OK : RC_AGAIN;
}

static enum rc connect_anew(struct pg *p, uint64_t deadline_ns, struct err *e)
{
	PostgresPollingStatusType step = PGRES_POLLING_WRITING;

	disconnect(p);
	if (now_ns(p) < p->retry_at_ns) {
		FAIL(e, RC_AGAIN, "cannot connect to '%s': waiting before the next attempt",
		     p->host);
	}
	if (start_connecting(p) != RC_OK) {
		return connect_failed(p, e);
	}
	while (step != PGRES_POLLING_OK) {
		if (step == PGRES_POLLING_FAILED ||
		    !wait_for(p, step == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_ns)) {
			return connect_failed(p, e);
		}
		step = PQconnectPoll(p->conn);
	}
	p->backoff_ms = BACKOFF_FIRST_MS;
	if (PQsetnonblocking(p->conn, 1) != 0) {
		return connect_failed(p, e);
	}
	return RC_OK;
}

/* A connection that the server closed meanwhile is noticed here, before anything is sent. */
static enum rc connected(struct pg *p, uint64_t deadline_ns, struct err *e)
{
	uint64_t by_ns = now_ns(p) + CONNECT_MS * NS_PER_MS;

	if (p->conn && PQconsumeInput(p->conn) && PQstatus(p->conn) == CONNECTION_OK) {
		return RC_OK;
	}
	return connect_anew(p, by_ns < deadline_ns ? by_ns : deadline_ns, e);
}

static enum rc lost(struct pg *p, const char *what, struct err *e)
{
	struct str why = first_line(PQerrorMessage(p->conn));

	(void)err_set(e, RC_AGAIN, __func__, "%s: " STR_FMT, what,
		      STR_ARG(why.n ? why : STR("no answer in time")));
	disconnect(p); /* invariant (2) */
	return RC_AGAIN;
}

static void result_cleanup(PGresult **r)
{
	PQclear(*r);
}
#define AUTO_RESULT CLEANUP(result_cleanup) PGresult *

/* Sends and waits until the answer is here, unread. */
static enum rc ask(struct pg *p, const char *sql, int n, const char *const *values,
		   uint64_t deadline_ns, struct err *e)
{
	int unsent;

	TRY(connected(p, deadline_ns, e));
	if (PQsendQueryParams(p->conn, sql, n, NULL, values, NULL, NULL, 0) != 1) {
		return lost(p, "cannot ask the server", e);
	}
	while ((unsent = PQflush(p->conn)) == 1) {
		if (!wait_for(p, POLLIN | POLLOUT, deadline_ns) || !PQconsumeInput(p->conn)) {
			return lost(p, "cannot ask the server", e);
		}
	}
	while (unsent == 0 && PQisBusy(p->conn)) {
		if (!wait_for(p, POLLIN, deadline_ns) || !PQconsumeInput(p->conn)) {
			return lost(p, "the server did not answer", e);
		}
	}
	return unsent == 0 ? RC_OK : lost(p, "cannot ask the server", e);
}

/* One statement, one result: rows in *ret. */
static enum rc query(struct pg *p, const char *sql, int n, const char *const *values,
		     uint64_t deadline_ns, PGresult **ret, struct err *e)
{
	AUTO_RESULT r = NULL;
	PGresult *more;
	bool is_good;

	TRY(ask(p, sql, n, values, deadline_ns, e));
	r = PQgetResult(p->conn);
	while ((more = PQgetResult(p->conn))) {
		PQclear(more); /* a hostile server's; one statement has one result */
	}
	is_good = PQresultStatus(r) == PGRES_TUPLES_OK;
	if (!is_good) {
		const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
		const char *text = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;

		if (PQstatus(p->conn) != CONNECTION_OK || !state) {
			return lost(p, "the server did not answer", e);
		}
		FAIL(e, RC_DENIED, "%s (%s)", text ? text : "the server refuses", state);
	}
	*ret = TAKE(r);
	return RC_OK;
}

/* ---- issue ---- */

static enum rc new_password(struct secret **ret, struct err *e)
{
	AUTO_BUF text = BUF_INIT(PASSWORD_BYTES * 2);
	AUTO_SECRET random = NULL;
	enum rc rc;

	TRY(secret_random(PASSWORD_BYTES, &random, e));
	if (buf_reserve(&text, PASSWORD_BYTES * 2) != RC_OK ||
	    base64url_encode(&text, secret_view(random)) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a password");
	}
	rc = secret_of(buf_view(&text), ret, e);
	secret_wipe(text.p, text.cap);
	return rc;
}

static enum rc write_fields(const struct pg *p, struct str name, const struct secret *password,
			    struct buf *b, struct err *e)
{
	struct json_out w = json_out_to(b);

	json_out_object(&w);
	json_out_key_str(&w, "user", name);
	json_out_key_str(&w, "password", secret_view(password));
	json_out_key_str(&w, "host", str_from(p->host));
	json_out_key_u64(&w, "port", p->port_number);
	json_out_key_str(&w, "dbname", str_from(p->dbname));
	json_out_close(&w);
	return json_out_end(&w, e);
}

/* Past create_by the server refuses, so there is little to wait for. */
static uint64_t issue_deadline_ns(const struct pg *p, uint64_t create_by_unix_ms)
{
	uint64_t now_ms = clock_unix_ms(&p->clock);
	uint64_t left_ms = create_by_unix_ms > now_ms ? create_by_unix_ms - now_ms : 0;

	left_ms += ISSUE_GRACE_MS;
	return now_ns(p) + (left_ms < ISSUE_MS ? left_ms : ISSUE_MS) * NS_PER_MS;
}

static const char *number(struct arena *a, uint64_t v)
{
	return arena_strf(a, "%llu", (unsigned long long)v).p;
}

static enum rc pg_issue(void *b, const struct backend_order *o, struct buf *fields, struct err *e)
{
	struct pg *p = b;
	AUTO_ARENA arena = ARENA_INIT(16384);
	AUTO_BUF verifier = BUF_INIT(SCRAM_VERIFIER_BYTES);
	AUTO_SECRET password = NULL;
	AUTO_RESULT r = NULL;
	uint8_t salt[SCRAM_SALT_BYTES];
	const char *values[5];

	TRY(new_password(&password, e));
	rand_bytes(salt, sizeof(salt));
	TRY(scram_verifier(password, salt, SCRAM_ITERATIONS, &verifier, e));
	values[0] = arena_cstr(&arena, o->name);
	values[1] = arena_cstr(&arena, buf_view(&verifier)); /* invariant (1) */
	values[2] = number(&arena, o->not_after_unix_ms);
	values[3] = number(&arena, o->create_by_unix_ms);
	values[4] = arena_cstr(&arena, o->scope);
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		if (!values[i]) {
			FAIL(e, RC_NOMEM, "no memory to create a lease");
		}
	}
	TRY(query(p,
		  "SELECT remit.lease_create($1, $2, to_timestamp($3::float8 / 1000),"
		  " to_timestamp($4::float8 / 1000), $5)",
		  5, values, issue_deadline_ns(p, o->create_by_unix_ms), &r, e));
	return write_fields(p, o->name, password, fields, e);
}

/* ---- revoke ---- */

enum step { STEP_UNKNOWN = 0, STEP_ON, STEP_BUSY, STEP_ABSENT };

static enum rc revoke_step(struct pg *p, const char *name, uint64_t deadline_ns, enum step *ret,
			   struct err *e)
{
	AUTO_RESULT r = NULL;
	struct str said;

	TRY(query(p, "SELECT remit.lease_revoke($1)", 1, &name, deadline_ns, &r, e));
	said = PQntuples(r) == 1 ? str_from(PQgetvalue(r, 0, 0)) : STR_NULL;
	*ret = str_eq(said, STR("absent"))     ? STEP_ABSENT
	       : str_eq(said, STR("busy"))     ? STEP_BUSY
	       : str_eq(said, STR("disabled")) ? STEP_ON
	       : str_eq(said, STR("dropped"))  ? STEP_ON
					       : STEP_UNKNOWN;
	if (*ret == STEP_UNKNOWN) {
		FAIL(e, RC_BROKEN, "remit.lease_revoke gave an answer that is none of its own");
	}
	return RC_OK;
}

struct seen {
	uint64_t roles;
	uint64_t sessions;
	uint64_t server_unix_ms;
};

static enum rc look(struct pg *p, const char *name, uint64_t deadline_ns, struct seen *ret,
		    struct err *e)
{
	AUTO_RESULT r = NULL;

	TRY(query(p,
		  "SELECT (SELECT count(*) FROM pg_catalog.pg_roles WHERE rolname = $1),"
		  " (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE usename = $1),"
		  " floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint",
		  1, &name, deadline_ns, &r, e));
	if (PQntuples(r) != 1 || PQnfields(r) != 3 ||
	    !num_u64(str_from(PQgetvalue(r, 0, 0)), UINT32_MAX, &ret->roles) ||
	    !num_u64(str_from(PQgetvalue(r, 0, 1)), UINT32_MAX, &ret->sessions) ||
	    !num_u64(str_from(PQgetvalue(r, 0, 2)), UINT64_MAX, &ret->server_unix_ms)) {
		FAIL(e, RC_BROKEN, "the server's catalog cannot be read back");
	}
	return RC_OK;
}

/* Invariant (3). */
static enum rc judge(const struct seen *s, bool was_there, uint64_t create_by_unix_ms,
		     bool *ret_gone, struct buf *read_back)
{
	bool is_absent = s->roles == 0 && s->sessions == 0;
	bool is_too_late = s->server_unix_ms > create_by_unix_ms;

	*ret_gone = is_absent && (was_there || is_too_late);
	if (is_absent && !*ret_gone) {
		return buf_addf(read_back, "not there, but it may still be created for %llu ms",
				(unsigned long long)(create_by_unix_ms - s->server_unix_ms));
	}
	return buf_addf(read_back, "pg_roles: %llu, pg_stat_activity: %llu",
			(unsigned long long)s->roles, (unsigned long long)s->sessions);
}

static enum rc pg_revoke(void *b, struct str name_str, uint64_t create_by_unix_ms, bool *ret_gone,
			 struct buf *read_back, struct err *e)
{
	struct pg *p = b;
	uint64_t deadline_ns = now_ns(p) + REVOKE_MS * NS_PER_MS;
	char name[LIMIT_ID_BYTES + 1] = {0};
	enum step step = STEP_UNKNOWN;
	bool was_there = false;
	struct seen seen;

	if (name_str.n > LIMIT_ID_BYTES) {
		FAIL(e, RC_LIMIT, "the name of a lease is too long");
	}
	memcpy(name, name_str.p, name_str.n);
	while (step != STEP_ABSENT) {
		TRY(revoke_step(p, name, deadline_ns, &step, e));
		was_there |= step != STEP_ABSENT;
		if (step == STEP_BUSY) {
			(void)poll(NULL, 0, BUSY_MS); /* a pause; waking early does no harm */
		}
		if (now_ns(p) > deadline_ns) {
			FAIL(e, RC_AGAIN, "its sessions do not end");
		}
	}
	TRY(look(p, name, deadline_ns, &seen, e));
	if (judge(&seen, was_there, create_by_unix_ms, ret_gone, read_back) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for what was read back");
	}
	return RC_OK;
}

/* ---- sweep ---- */

static enum rc pg_sweep(void *b, struct buf *names, struct err *e)
{
	struct pg *p = b;
	AUTO_RESULT r = NULL;
	struct json_out w = json_out_to(names);

	TRY(query(p, "SELECT remit.lease_list()", 0, NULL, now_ns(p) + SWEEP_MS * NS_PER_MS, &r,
		  e));
	json_out_array(&w);
	for (int i = 0; i < PQntuples(r); i++) {
		json_out_str(&w, str_from(PQgetvalue(r, i, 0)));
	}
	json_out_close(&w);
	return json_out_end(&w, e);
}

/* ---- life ---- */

static void pg_close(void *b)
{
	struct pg *p = b;

	if (p) {
		disconnect(p);
		secret_free(p->password);
		arena_fini(&p->arena);
		mem_free(p);
	}
}

static enum rc take_password(struct pg *p, struct str file, struct err *e)
{
	const char *path = arena_cstr(&p->arena, file);
	AUTO_SECRET read = NULL;

	if (!path) {
		FAIL(e, RC_NOMEM, "no memory for a path");
	}
	TRY(secret_read(path, &read, e));
	TRY(secret_new(secret_size(read) + 1, &p->password, e)); /* libpq wants a NUL */
	memcpy(secret_bytes(p->password), secret_view(read).p, secret_size(read));
	return RC_OK;
}

static enum rc pg_open(const struct backend *config, const struct clock *clock, void **ret,
		       struct err *e)
{
	struct pg *p = mem_calloc(1, sizeof(*p));
	enum rc rc;

	if (!p) {
		FAIL(e, RC_NOMEM, "no memory for a backend");
	}
	p->clock = *clock;
	p->arena = (struct arena)ARENA_INIT(65536);
	p->backoff_ms = BACKOFF_FIRST_MS;
	p->port_number = config->port;
	p->host = arena_cstr(&p->arena, config->host);
	p->port = number(&p->arena, config->port);
	p->dbname = arena_cstr(&p->arena, config->dbname);
	p->user = arena_cstr(&p->arena, config->user);
	p->ca_file = arena_cstr(&p->arena, config->ca_file);
	rc = p->host && p->port && p->dbname && p->user && p->ca_file
		 ? take_password(p, config->password_file, e)
		 : err_set(e, RC_NOMEM, __func__, "no memory for a backend");
	if (rc != RC_OK) {
		pg_close(p);
		return rc;
	}
	*ret = p;
	return RC_OK;
}

const struct sandbox_policy postgresql_sandbox = {
    .name = "backend", .needs = SANDBOX_READ | SANDBOX_UNIX | SANDBOX_INET};

/* What name resolution reads. */
static const struct sandbox_path paths[] = {
    {.path = "/etc/hosts", .is_optional = true},
    {.path = "/etc/resolv.conf", .is_optional = true},
    {.path = "/etc/nsswitch.conf", .is_optional = true},
    {.path = "/etc/host.conf", .is_optional = true},
    {.path = "/etc/gai.conf", .is_optional = true},
    {.path = "/etc/ssl/openssl.cnf", .is_optional = true},
};

const struct backend_kind backend_postgresql = {
    .type = BACKEND_POSTGRESQL,
    .sandbox = &postgresql_sandbox,
    .paths = paths,
    .n_paths = ARRAY_LEN(paths),
    .open = pg_open,
    .close = pg_close,
    .issue = pg_issue,
    .revoke = pg_revoke,
    .sweep = pg_sweep,
};
