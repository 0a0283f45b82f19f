/* SPDX-License-Identifier: Apache-2.0 */
/* The PostgreSQL backend against a real server, started here in a temporary directory. */
#include "test.h"

#include <fcntl.h>
#include <ftw.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sandbox.h"
#include "codec/json.h"
#include "keeper/backend.h"

#define BIN	      "/usr/lib/postgresql/15/bin"
#define ROOT_PASSWORD "the root credential"

static const char *setup_sql;
static char place[64];
static char data[96];
static char password_file[96];
static pid_t server;
static struct clock clock_;
static struct backend config;

/* ---- The server ---- */

/* PostgreSQL refuses to run as root. */
static void become_unprivileged(void)
{
	if (geteuid() == 0 &&
	    (syscall(SYS_setgroups, 0, NULL) != 0 || setresgid(65534, 65534, 65534) != 0 ||
	     setresuid(65534, 65534, 65534) != 0)) {
		_exit(124);
	}
}

static pid_t start(const char *program, const char *const *argv)
{
	pid_t pid = fork();

	if (pid == 0) {
		char path[128];
		char log[128];
		int fd;

		become_unprivileged();
		(void)snprintf(path, sizeof(path), BIN "/%s", program);
		(void)snprintf(log, sizeof(log), "%s/log", place);
		fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
		if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0 ||
		    chdir(place) != 0) {
			_exit(125);
		}
		(void)execv(path, (char *const *)(uintptr_t)argv); /* execv changes nothing */
		_exit(126);
	}
	return pid;
}

static int run(const char *program, const char *const *argv)
{
	int status;
	pid_t pid = start(program, argv);

	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		return -1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static PGconn *connect_as(const char *user, const char *password)
{
	const char *const keys[] = {"host", "port", "dbname", "user", "password", NULL};
	const char *const values[] = {place, "5432", "postgres", user, password, NULL};

	return PQconnectdbParams(keys, values, 0);
}

static bool does(PGconn *c, const char *sql)
{
	PGresult *r = PQexec(c, sql);
	ExecStatusType s = PQresultStatus(r);

	if (s != PGRES_TUPLES_OK && s != PGRES_COMMAND_OK) {
		(void)fprintf(stderr, "# %s", PQresultErrorMessage(r));
	}
	PQclear(r);
	return s == PGRES_TUPLES_OK || s == PGRES_COMMAND_OK;
}

/* The first value of the first row, as text. */
static void value_of(const char *sql, char out[256])
{
	PGconn *c = connect_as("postgres", "");
	PGresult *r = PQexec(c, sql);

	out[0] = '\0';
	if (PQntuples(r) > 0) {
		(void)snprintf(out, 256, "%s", PQgetvalue(r, 0, 0));
	}
	PQclear(r);
	PQfinish(c);
}

static void wait_until_ready(void)
{
	for (int i = 0; i < 300; i++) {
		PGconn *c = connect_as("postgres", "");
		bool ok = PQstatus(c) == CONNECTION_OK;

		PQfinish(c);
		if (ok) {
			return;
		}
		(void)usleep(50000);
	}
	fail_msg("the server does not start; see %s/log", place);
}

static void start_server(void)
{
	const char *const argv[] = {"postgres",
				    "-D",
				    data,
				    "-k",
				    place,
				    "-c",
				    "listen_addresses=",
				    "-c",
				    "fsync=off",
				    "-c",
				    "log_statement=all",
				    NULL};

	server = start("postgres", argv);
	assert_true(server > 0);
	wait_until_ready();
}

/* Members of the group may read a table; the broker may do what setup.sql says. Everybody but the
 * superuser must bring a password. */
static void prepare(void)
{
	char hba[128];
	AUTO_BUF sql = BUF_INIT(100000);
	struct str text;
	struct str line;
	AUTO_BUF plain = BUF_INIT(100000);
	PGconn *c;

	(void)snprintf(hba, sizeof(hba), "%s/pg_hba.conf", data);
	assert_ok(file_replace(hba, STR("local all postgres trust\nlocal all all scram-sha-256\n"),
			       0644, NULL));
	assert_ok(file_read(setup_sql, &sql, NULL));
	text = buf_view(&sql);
	while (text.n) { /* without psql's own commands */
		line = str_cut(&text, '\n');
		if (!str_has_prefix(line, STR("\\"))) {
			assert_ok(buf_add(&plain, line));
			assert_ok(buf_add_char(&plain, '\n'));
		}
	}
	assert_ok(buf_add_char(&plain, '\0'));
	start_server();
	c = connect_as("postgres", "");
	assert_true(does(c, plain.p));
	assert_true(does(c, plain.p)); /* safe to run again */
	assert_true(does(c, "CREATE ROLE orders_reader NOLOGIN;"
			    "CREATE TABLE orders AS SELECT 42 AS id;"
			    "GRANT SELECT ON orders TO orders_reader;"
			    "SELECT remit.allow('orders_reader');"
			    "ALTER ROLE remit_broker PASSWORD '" ROOT_PASSWORD "'"));
	PQfinish(c);
}

static int start_all(void **state)
{
	(void)state;
	const char *const initdb[] = {"initdb", "-D",	 data,	      "-U", "postgres",
				      "-A",	"trust", "--no-sync", NULL};
	int fd;

	memcpy(place, "/tmp/remit-pg-XXXXXX", 21);
	if (!mkdtemp(place) || chmod(place, 0777) != 0) {
		return -1;
	}
	(void)snprintf(data, sizeof(data), "%s/data", place);
	(void)snprintf(password_file, sizeof(password_file), "%s/password", place);
	fd = open(password_file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, ROOT_PASSWORD "\n", sizeof(ROOT_PASSWORD)) < 0 || close(fd) != 0) {
		return -1;
	}
	if (run("initdb", initdb) != 0) {
		return -1;
	}
	prepare();
	clock_ = clock_system();
	config = (struct backend){.name = STR("orders"),
				  .type = BACKEND_POSTGRESQL,
				  .host = str_from(place),
				  .port = 5432,
				  .dbname = STR("postgres"),
				  .user = STR("remit_broker"),
				  .password_file = str_from(password_file)};
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static int stop_all(void **state)
{
	(void)state;
	if (server > 0) {
		(void)kill(server, SIGQUIT);
		(void)waitpid(server, NULL, 0);
	}
	return nftw(place, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- Leases ---- */

static const struct backend_kind *const kind = &backend_postgresql;

static void *open_backend(void)
{
	void *b = NULL;
	struct err e = ERR_INIT;

	if (kind->open(&config, &clock_, &b, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	return b;
}

static struct backend_order order_of(const char *name)
{
	uint64_t now_ms = clock_unix_ms(&clock_);

	return (struct backend_order){.name = str_from(name),
				      .scope = STR("orders_reader"),
				      .not_after_unix_ms = now_ms + 60000,
				      .create_by_unix_ms = now_ms + 5000};
}

struct fields {
	char user[64];
	char password[64];
};

static void take(const struct json *all, const char *name, char *out)
{
	struct str s;

	assert_true(json_str(json_get(all, str_from(name)), &s));
	assert_true(s.n < 64);
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
}

static void issue(void *b, const char *name, struct fields *ret)
{
	struct backend_order o = order_of(name);
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	AUTO_ARENA arena = ARENA_INIT(65536);
	AUTO_BUF fields = BUF_INIT(4096);
	const struct json *all;
	struct err e = ERR_INIT;
	uint64_t port;

	if (kind->issue(b, &o, &fields, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	assert_ok(json_parse(&arena, buf_view(&fields), &limits, &all, &e));
	take(all, "user", ret->user);
	take(all, "password", ret->password);
	assert_true(json_u64(json_get(all, STR("port")), &port) && port == 5432);
	assert_true(str_eq(json_get(all, STR("host"))->text, str_from(place)));
	assert_true(str_eq(json_get(all, STR("dbname"))->text, STR("postgres")));
}

static bool end_lease(void *b, const char *name, uint64_t create_by_unix_ms, char read_back[256])
{
	AUTO_BUF text = BUF_INIT(255);
	struct err e = ERR_INIT;
	bool gone = false;

	if (kind->revoke(b, str_from(name), create_by_unix_ms, &gone, &text, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	memcpy(read_back, text.p, text.n);
	read_back[text.n] = '\0';
	return gone;
}

static void assert_names(void *b, const char *want)
{
	AUTO_BUF names = BUF_INIT(65536);
	struct err e = ERR_INIT;

	if (kind->sweep(b, &names, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	assert_str(buf_view(&names), want);
}

static void a_lease_works_and_its_open_session_is_cut(void **state)
{
	(void)state;
	void *b = open_backend();
	struct fields f;
	char text[256];
	PGresult *r;
	PGconn *c;

	issue(b, "remit_0011aabb_l1", &f);
	assert_string_equal(f.user, "remit_0011aabb_l1");
	assert_names(b, "[\"remit_0011aabb_l1\"]");
	c = connect_as(f.user, f.password);
	assert_int_equal(PQstatus(c), CONNECTION_OK);
	assert_true(does(c, "SELECT id FROM orders"));
	assert_false(does(c, "DELETE FROM orders")); /* within the grant, not beyond */
	assert_false(does(c, "SELECT remit.lease_list()"));
	assert_int_equal(PQsendQuery(c, "SELECT pg_sleep(60)"), 1); /* a busy session */

	assert_true(end_lease(b, f.user, 0, text));
	assert_string_equal(text, "pg_roles: 0, pg_stat_activity: 0");
	while ((r = PQgetResult(c))) { /* its last words, then the end of the connection */
		PQclear(r);
	}
	assert_int_equal(PQstatus(c), CONNECTION_BAD);
	PQfinish(c);
	c = connect_as(f.user, f.password);
	assert_int_equal(PQstatus(c), CONNECTION_BAD);
	PQfinish(c);
	assert_names(b, "[]");
	assert_true(end_lease(b, f.user, 0, text)); /* again: still gone */
	kind->close(b);
}

static void a_lease_that_owns_something_can_be_revoked(void **state)
{
	(void)state;
	void *b = open_backend();
	struct fields f;
	char text[256];
	PGconn *c;

	issue(b, "remit_0011aabb_l2", &f);
	c = connect_as(f.user, f.password);
	assert_true(does(c, "CREATE TEMP TABLE mine AS SELECT 1"));
	assert_true(end_lease(b, f.user, 0, text));
	PQfinish(c);
	kind->close(b);
}

static void the_clear_password_never_reaches_the_server(void **state)
{
	(void)state;
	void *b = open_backend();
	struct fields f;
	char text[256];
	char path[128];
	AUTO_BUF log = BUF_INIT(10 * 1024 * 1024);
	struct str rest;

	issue(b, "remit_0011aabb_l3", &f);
	assert_int_equal(strlen(f.password), 32);
	(void)snprintf(path, sizeof(path), "%s/log", place);
	assert_ok(file_read(path, &log, NULL)); /* log_statement=all, with parameters */
	rest = buf_view(&log);
	assert_true(str_contains(rest, STR("SCRAM-SHA-256$4096:"))); /* control: it is all there */
	assert_false(str_contains(rest, str_from(f.password)));
	value_of("SELECT rolpassword LIKE 'SCRAM-SHA-256$4096:%' FROM pg_authid"
		 " WHERE rolname = 'remit_0011aabb_l3'",
		 text);
	assert_string_equal(text, "t");
	assert_true(end_lease(b, f.user, 0, text));
	kind->close(b);
}

static void the_fence_holds_against_a_late_creation(void **state)
{
	(void)state;
	void *b = open_backend();
	AUTO_BUF fields = BUF_INIT(4096);
	struct backend_order o = order_of("remit_0011aabb_l4");
	struct err e = ERR_INIT;
	char text[256];

	/* Never created, and still could be: not gone, whatever the catalog says. */
	assert_false(end_lease(b, "remit_0011aabb_l4", o.create_by_unix_ms, text));
	assert_true(str_has_prefix(str_from(text), STR("not there, but it may still be created")));
	/* Past its deadline: gone, and cannot come. */
	o.create_by_unix_ms = clock_unix_ms(&clock_) - 1;
	assert_true(end_lease(b, "remit_0011aabb_l4", o.create_by_unix_ms, text));
	assert_rc(kind->issue(b, &o, &fields, &e), RC_DENIED);
	assert_non_null(strstr(e.msg, "too late"));
	assert_int_equal(fields.n, 0);
	assert_names(b, "[]");
	kind->close(b);
}

static void what_is_not_ours_is_not_touched(void **state)
{
	(void)state;
	void *b = open_backend();
	PGconn *c = connect_as("postgres", "");
	AUTO_BUF text = BUF_INIT(256);
	AUTO_BUF fields = BUF_INIT(4096);
	struct backend_order o = order_of("remit_0011aabb_l5");
	struct err e = ERR_INIT;
	char left[256];
	bool gone = false;

	/* Our pattern without our mark, and another name altogether. */
	assert_true(does(c, "CREATE ROLE remit_0011aabb_l99 LOGIN; CREATE ROLE alice LOGIN"));
	assert_rc(kind->revoke(b, STR("remit_0011aabb_l99"), 0, &gone, &text, &e), RC_DENIED);
	assert_rc(kind->revoke(b, STR("alice"), 0, &gone, &text, &e), RC_DENIED);
	assert_false(gone);
	assert_names(b, "[]");
	value_of("SELECT count(*) FROM pg_roles WHERE rolname IN ('alice', 'remit_0011aabb_l99')",
		 left);
	assert_string_equal(left, "2");
	/* A group role that was not allowed, a name that is none. */
	o.scope = STR("pg_read_all_data");
	assert_rc(kind->issue(b, &o, &fields, &e), RC_DENIED);
	assert_non_null(strstr(e.msg, "may not be lent"));
	o = order_of("postgres");
	assert_rc(kind->issue(b, &o, &fields, &e), RC_DENIED);
	assert_true(does(c, "DROP ROLE alice; DROP ROLE remit_0011aabb_l99"));
	PQfinish(c);
	kind->close(b);
}

/* The broker's own password, stolen, is worth the three functions and no more. */
static void the_broker_can_do_nothing_else(void **state)
{
	(void)state;
	PGconn *c = connect_as("remit_broker", ROOT_PASSWORD);

	assert_int_equal(PQstatus(c), CONNECTION_OK);
	assert_true(does(c, "SELECT remit.lease_list()")); /* control */
	assert_false(does(c, "CREATE ROLE mallory"));
	assert_false(does(c, "ALTER ROLE postgres PASSWORD 'x'"));
	assert_false(does(c, "SET ROLE remit_owner"));
	assert_false(does(c, "INSERT INTO remit.allowed VALUES ('pg_read_all_data')"));
	assert_false(does(c, "SELECT remit.allow('orders_reader')"));
	assert_false(does(c, "SELECT * FROM orders"));
	assert_false(does(c, "SELECT rolpassword FROM pg_authid"));
	PQfinish(c);
}

static void a_server_that_is_gone_is_an_error_in_time_and_comes_back(void **state)
{
	(void)state;
	void *b = open_backend();
	struct fields f;
	AUTO_BUF fields = BUF_INIT(4096);
	struct backend_order o = order_of("remit_0011aabb_l6");
	struct err e = ERR_INIT;
	char text[256];
	uint64_t before;

	issue(b, "remit_0011aabb_l5", &f);
	(void)kill(server, SIGQUIT);
	assert_int_equal(waitpid(server, NULL, 0), server);
	before = clock_boot_ns(&clock_);
	for (int i = 0; i < 3; i++) { /* the end seen late or at once, no server, back-off */
		assert_rc(kind->issue(b, &o, &fields, &e), RC_AGAIN);
	}
	assert_non_null(strstr(e.msg, "waiting before the next attempt"));
	assert_true(clock_boot_ns(&clock_) - before < 6000000000ULL);
	assert_null(strstr(e.msg, ROOT_PASSWORD));
	start_server();
	(void)usleep(1000000);
	assert_true(end_lease(b, "remit_0011aabb_l5", 0, text));
	kind->close(b);
}

static void a_server_that_hangs_is_given_up(void **state)
{
	(void)state;
	void *b = open_backend();
	AUTO_BUF fields = BUF_INIT(4096);
	struct backend_order o = order_of("remit_0011aabb_l8");
	struct err e = ERR_INIT;
	char pid[256];
	char text[256];
	uint64_t before;

	assert_names(b, "[]"); /* connected */
	value_of("SELECT pid FROM pg_stat_activity WHERE usename = 'remit_broker'", pid);
	assert_int_equal(kill((pid_t)strtol(pid, NULL, 10), SIGSTOP), 0);
	before = clock_boot_ns(&clock_);
	o.create_by_unix_ms = clock_unix_ms(&clock_) + 300;
	assert_rc(kind->issue(b, &o, &fields, &e), RC_AGAIN);
	assert_non_null(strstr(e.msg, "did not answer"));
	assert_in_range((clock_boot_ns(&clock_) - before) / 1000000, 1000, 4000);
	/* The order is still in the server's hands; its fence keeps it from being carried out. */
	assert_int_equal(kill((pid_t)strtol(pid, NULL, 10), SIGCONT), 0);
	assert_true(end_lease(b, "remit_0011aabb_l8", o.create_by_unix_ms, text));
	(void)usleep(200000);
	assert_names(b, "[]");
	kind->close(b);
}

/* ---- The process: killed in the window between creating and answering ---- */

struct heard {
	enum message_kind kind;
	bool ok;
	size_t n;
	char text[4096];
};

static void on_answer(void *ctx, struct channel *c, const struct message *m)
{
	struct heard *h = ctx;
	struct str s = STR_NULL;

	(void)c;
	h->kind = m->kind;
	h->n++;
	if (m->kind == MESSAGE_LEASE_ISSUED) {
		h->ok = m->lease_issued.ok;
		s = m->lease_issued.ok ? m->lease_issued.fields : m->lease_issued.detail;
	} else if (m->kind == MESSAGE_LEASE_REVOKED) {
		h->ok = m->lease_revoked.gone;
		s = m->lease_revoked.detail;
	} else if (m->kind == MESSAGE_LEASE_FOUND) {
		h->ok = m->lease_found.ok;
		s = m->lease_found.names;
	}
	memcpy(h->text, s.p ? s.p : "", s.n);
	h->text[s.n] = '\0';
}

static void on_gone(void *ctx, struct channel *c, const char *why)
{
	(void)ctx;
	(void)c;
	(void)why;
}

struct process {
	pid_t pid;
	struct loop *l;
	struct channel *c;
	struct heard heard;
};

static void start_process(struct process *p)
{
	int fds[2];

	memset(p, 0, sizeof(*p));
	assert_ok(channel_pair(fds, NULL));
	p->pid = fork();
	assert_true(p->pid >= 0);
	if (p->pid == 0) {
		struct role_peer peer = {.role = R_KEEPER, .fd = fds[1]};
		static struct role_plug plug; /* of this process only */
		struct role_env env = {.role = R_BACKEND,
				       .name = "orders",
				       .clock = clock_,
				       .peers = &peer,
				       .plugs = &plug,
				       .n_peers = 1};
		struct err e = ERR_INIT;

		(void)close(fds[0]);
		(void)alarm(100);
		if (geteuid() == 0) {
			env.ids = (struct sandbox_ids){.is_set = true, .uid = 65534, .gid = 65534};
		}
		if (loop_new(&clock_, &env.loop, &e) != RC_OK ||
		    backend_run(&env, &config, &e) != RC_OK) {
			(void)dprintf(STDERR_FILENO, "# backend: %s\n", e.msg);
			_exit(1);
		}
		_exit(0);
	}
	(void)close(fds[1]);
	assert_ok(loop_new(&clock_, &p->l, NULL));
	assert_ok(channel_new(p->l, fds[0], R_KEEPER, R_BACKEND, on_answer, on_gone, &p->heard,
			      &p->c, NULL));
}

static void end_process(struct process *p, int sig)
{
	if (sig) {
		assert_int_equal(kill(p->pid, sig), 0);
	}
	channel_free(p->c);
	loop_free(p->l);
	assert_int_equal(waitpid(p->pid, NULL, 0), p->pid);
}

static void send_order(struct process *p, const struct message *m)
{
	assert_ok(channel_send(p->c, m));
	channel_flush(p->c);
}

static const struct heard *answer(struct process *p, size_t n)
{
	for (int i = 0; i < 1500 && p->heard.n < n; i++) {
		assert_ok(loop_step(p->l, 20, NULL));
	}
	assert_int_equal(p->heard.n, n);
	return &p->heard;
}

static struct message issue_order(const char *name, uint64_t create_by_unix_ms)
{
	static const uint8_t hash[32];

	return (struct message){.kind = MESSAGE_LEASE_ISSUE,
				.lease_issue = {.lease = 7,
						.backend = STR("orders"),
						.name = str_from(name),
						.scope = STR("orders_reader"),
						.not_after_unix_ms = create_by_unix_ms + 60000,
						.create_by_unix_ms = create_by_unix_ms,
						.leaf_hash = str_of(hash, 32)}};
}

static void the_process_lends_and_revokes_in_its_sandbox(void **state)
{
	(void)state;
	struct process p;
	struct message m = issue_order("remit_0011aabb_l7", clock_unix_ms(&clock_) + 5000);
	const struct heard *h;

	start_process(&p);
	send_order(&p, &m);
	h = answer(&p, 1);
	assert_int_equal(h->kind, MESSAGE_LEASE_ISSUED);
	if (!h->ok) {
		fail_msg("%s", h->text);
	}
	assert_non_null(strstr(h->text, "\"user\":\"remit_0011aabb_l7\""));
	m = (struct message){.kind = MESSAGE_LEASE_SWEEP,
			     .lease_sweep = {.backend = STR("orders")}};
	send_order(&p, &m);
	assert_string_equal(answer(&p, 2)->text, "[\"remit_0011aabb_l7\"]");
	m = (struct message){.kind = MESSAGE_LEASE_REVOKE,
			     .lease_revoke = {.lease = 7,
					      .backend = STR("orders"),
					      .name = STR("remit_0011aabb_l7")}};
	send_order(&p, &m);
	h = answer(&p, 3);
	assert_true(h->ok);
	assert_string_equal(h->text, "pg_roles: 0, pg_stat_activity: 0");
	end_process(&p, 0);
}

/* How long it takes from the start of the process to its answer; the lease is revoked again. */
static uint64_t time_to_answer_ms(void)
{
	uint64_t before = clock_boot_ns(&clock_);
	struct message m = issue_order("remit_0011aabb_l99", clock_unix_ms(&clock_) + 9000);
	struct process p;
	uint64_t took_ms;
	char text[256];
	void *b;

	start_process(&p);
	send_order(&p, &m);
	assert_true(answer(&p, 1)->ok);
	took_ms = (clock_boot_ns(&clock_) - before) / 1000000;
	end_process(&p, 0);
	b = open_backend();
	assert_true(end_lease(b, "remit_0011aabb_l99", 0, text));
	kind->close(b);
	return took_ms;
}

/* As after a crash: only the name and the deadline are known. True if there was a role. */
static bool recover(const char *name, uint64_t create_by_unix_ms)
{
	void *b = open_backend();
	char count[256];
	char text[256];
	char sql[160];
	bool gone = false;

	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM pg_roles WHERE rolname = '%s'",
		       name);
	value_of(sql, count);
	for (int tries = 0; tries < 500 && !gone; tries++) {
		gone = end_lease(b, name, create_by_unix_ms, text);
		(void)usleep(gone ? 0 : 20000);
	}
	assert_true(gone);
	kind->close(b);
	return count[0] == '1';
}

/* Killed at many moments, from the order until some time after the usual answer, later and later
 * until a few kills came after the creation. Whatever was made, nothing is left at the end. */
static void a_kill_at_any_moment_leaves_nothing(void **state)
{
	(void)state;
	enum { KILLS = 20, MOST_KILLS = 100, WANTED = 3 };
	uint64_t usual_ms = time_to_answer_ms();
	uint64_t within_ms = 10 * usual_ms + 50;
	unsigned created = 0;
	unsigned i;
	void *b;

	for (i = 0; i < KILLS || (created < WANTED && i < MOST_KILLS); i++) {
		struct process p;
		char name[64];
		uint64_t create_by = clock_unix_ms(&clock_) + within_ms;
		struct message m;

		(void)snprintf(name, sizeof(name), "remit_0011aabb_l%u", 100 + i);
		m = issue_order(name, create_by);
		start_process(&p);
		send_order(&p, &m);
		(void)usleep((useconds_t)(usual_ms * 1000 * 2 * i / KILLS));
		end_process(&p, SIGKILL);
		created += recover(name, create_by);
	}
	(void)usleep((useconds_t)(within_ms * 1000)); /* nothing may have come after all */
	b = open_backend();
	assert_names(b, "[]");
	kind->close(b);
	(void)fprintf(stderr, "# killed after creating: %u, before: %u\n", created, i - created);
	assert_in_range(created, 1, i - 1); /* the window was really crossed */
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_lease_works_and_its_open_session_is_cut),
	    cmocka_unit_test(a_lease_that_owns_something_can_be_revoked),
	    cmocka_unit_test(the_clear_password_never_reaches_the_server),
	    cmocka_unit_test(the_fence_holds_against_a_late_creation),
	    cmocka_unit_test(what_is_not_ours_is_not_touched),
	    cmocka_unit_test(the_broker_can_do_nothing_else),
	    cmocka_unit_test(the_process_lends_and_revokes_in_its_sandbox),
	    cmocka_unit_test(a_kill_at_any_moment_leaves_nothing),
	    cmocka_unit_test(a_server_that_is_gone_is_an_error_in_time_and_comes_back),
	    cmocka_unit_test(a_server_that_hangs_is_given_up),
	};

	if (argc != 2 || access(BIN "/postgres", X_OK) != 0 || access(BIN "/initdb", X_OK) != 0) {
		(void)printf("skipped: no PostgreSQL server in " BIN "\n");
		return 77;
	}
	setup_sql = argv[1];
	return cmocka_run_group_tests(tests, start_all, stop_all);
}
