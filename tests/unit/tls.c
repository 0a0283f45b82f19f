/* SPDX-License-Identifier: Apache-2.0 */
#include "pki.h"

#include <sys/socket.h>

#include "net/channel.h"
#include "net/tls.h"

static char dir[] = "/tmp/remit-test-tls-XXXXXX";
static struct tls_files server_files = {.cert_path = "s.pem", .key_path = "s.key"};
static const char *ca_path;

static const char *path_of(const char *name)
{
	static char paths[16][256];
	static size_t n;
	char *p = paths[n++ % 16];

	(void)snprintf(p, 256, "%s/%s", dir, name);
	return p;
}

static int make_files(void **state)
{
	(void)state;
	struct pki_cert ca = pki_issue(&PKI_CA_SPEC, NULL);
	struct pki_cert other = pki_issue(&PKI_CA_SPEC, NULL);
	struct pki_cert server = pki_issue(
	    &PKI_LEAF_SPEC("URI:spiffe://remit.test/gateway,DNS:gateway.test,IP:127.0.0.1"), &ca);
	struct pki_cert client = pki_issue(&PKI_LEAF_SPEC("URI:spiffe://remit.test/a"), &ca);

	assert_non_null(mkdtemp(dir));
	pki_save(&ca, dir, "ca");
	pki_save(&other, dir, "other");
	pki_save(&server, dir, "s");
	pki_save(&client, dir, "c");
	server_files.cert_path = strdup(path_of("s.pem"));
	server_files.key_path = strdup(path_of("s.key"));
	ca_path = strdup(path_of("ca.pem"));
	pki_free(&ca);
	pki_free(&other);
	pki_free(&server);
	pki_free(&client);
	return 0;
}

static int remove_files(void **state)
{
	(void)state;
	static const char *const names[] = {"ca", "other", "s", "c"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char file[64];

		(void)snprintf(file, sizeof(file), "%s.pem", names[i]);
		unlink(path_of(file));
		(void)snprintf(file, sizeof(file), "%s.key", names[i]);
		unlink(path_of(file));
	}
	return rmdir(dir);
}

/* What the verifier of agents saw, and what it shall say. */
struct verdict {
	enum rc rc;
	int asked;
	char subject[64];
};

static enum rc verify(void *verify_ctx, X509 *leaf, STACK_OF(X509) * untrusted, struct err *e)
{
	struct verdict *v = verify_ctx;

	(void)untrusted;
	v->asked++;
	X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_commonName, v->subject,
				  sizeof(v->subject));
	return v->rc == RC_OK ? RC_OK : err_set(e, v->rc, "test", "not this one");
}

struct pair {
	int fds[2];
	struct tls *server;
	struct tls *client;
	struct err server_err;
	struct err client_err;
	enum tls_io server_io;
	enum tls_io client_io;
};

static void connect_pair(struct pair *p, struct tls_context *server, struct tls_context *client,
			 struct verdict *v)
{
	char byte;
	size_t n;

	*p = (struct pair){0};
	assert_ok(channel_pair(p->fds, NULL));
	assert_ok(tls_new(server, p->fds[0], v, &p->server, NULL));
	assert_ok(tls_new(client, p->fds[1], NULL, &p->client, NULL));
	p->server_io = TLS_WANT_READ;
	p->client_io = TLS_WANT_READ;
	for (int i = 0; i < 10; i++) {
		if (p->client_io >= TLS_WANT_READ) {
			p->client_io = tls_handshake(p->client, &p->client_err);
		}
		if (p->server_io >= TLS_WANT_READ) {
			p->server_io = tls_handshake(p->server, &p->server_err);
		}
	}
	/* In TLS 1.3 the client learns only by reading that its certificate was refused. */
	if (p->client_io == TLS_OK && p->server_io == TLS_FAILED) {
		p->client_io = tls_read(p->client, &byte, 1, &n, &p->client_err);
	}
}

static void disconnect_pair(struct pair *p)
{
	tls_free(p->server);
	tls_free(p->client);
	close(p->fds[0]);
	close(p->fds[1]);
}

static struct tls_context *agents(void)
{
	struct tls_context *x = NULL;
	struct err e = ERR_INIT;

	assert_ok(tls_server_for_agents(&server_files, verify, &x, &e));
	return x;
}

static struct tls_context *client(const struct tls_client_conf *conf)
{
	struct tls_context *x = NULL;
	struct err e = ERR_INIT;

	if (tls_client(conf, &x, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	return x;
}

static struct tls_context *client_with_cert(void)
{
	return client(&(struct tls_client_conf){
	    .ca_path = ca_path,
	    .host = "gateway.test",
	    .files = {.cert_path = path_of("c.pem"), .key_path = path_of("c.key")},
	});
}

static void an_agent_and_the_gateway_know_each_other(void **state)
{
	(void)state;
	struct tls_context *s = agents();
	struct tls_context *c = client_with_cert();
	struct verdict v = {.rc = RC_OK};
	struct pair p;
	uint8_t one[32];
	uint8_t other[32];
	char text[16];
	size_t n = 0;

	connect_pair(&p, s, c, &v);
	assert_int_equal(p.server_io, TLS_OK);
	assert_int_equal(p.client_io, TLS_OK);
	assert_int_equal(v.asked, 1);
	assert_string_equal(v.subject, "leaf");
	assert_non_null(tls_peer_leaf(p.server));
	assert_non_null(tls_peer_leaf(p.client));

	assert_int_equal(tls_write(p.client, "hello", 5, &n, NULL), TLS_OK);
	assert_int_equal(tls_read(p.server, text, sizeof(text), &n, NULL), TLS_OK);
	assert_str(str_of(text, n), "hello");
	assert_int_equal(tls_read(p.server, text, sizeof(text), &n, NULL), TLS_WANT_READ);

	assert_true(tls_channel_binding(p.server, one));
	assert_true(tls_channel_binding(p.client, other));
	assert_memory_equal(one, other, 32);

	tls_goodbye(p.client);
	assert_int_equal(tls_read(p.server, text, sizeof(text), &n, NULL), TLS_CLOSED);
	disconnect_pair(&p);
	connect_pair(&p, s, c, &v);
	assert_true(tls_channel_binding(p.client, other));
	assert_memory_not_equal(one, other, 32);
	disconnect_pair(&p);
	tls_context_unref(s);
	tls_context_unref(c);
}

static void a_cut_connection_is_not_a_goodbye(void **state)
{
	(void)state;
	struct tls_context *s = agents();
	struct tls_context *c = client_with_cert();
	struct verdict v = {.rc = RC_OK};
	struct pair p;
	char byte;
	size_t n;

	connect_pair(&p, s, c, &v);
	assert_int_equal(shutdown(p.fds[1], SHUT_WR), 0);
	assert_int_equal(tls_read(p.server, &byte, 1, &n, &p.server_err), TLS_FAILED);
	disconnect_pair(&p);
	tls_context_unref(s);
	tls_context_unref(c);
}

static void the_verifier_decides_and_its_reason_is_told(void **state)
{
	(void)state;
	struct tls_context *s = agents();
	struct tls_context *c = client_with_cert();
	struct verdict v = {.rc = RC_DENIED};
	struct pair p;

	connect_pair(&p, s, c, &v);
	assert_int_equal(v.asked, 1);
	assert_int_equal(p.server_io, TLS_FAILED);
	assert_int_equal(p.server_err.code, RC_DENIED);
	assert_string_equal(p.server_err.msg, "not this one");
	assert_int_equal(p.client_io, TLS_FAILED);
	disconnect_pair(&p);
	tls_context_unref(s);
	tls_context_unref(c);
}

static void an_agent_without_a_certificate_is_refused(void **state)
{
	(void)state;
	struct tls_context *s = agents();
	struct tls_context *c =
	    client(&(struct tls_client_conf){.ca_path = ca_path, .host = "gateway.test"});
	struct verdict v = {.rc = RC_OK};
	struct pair p;

	connect_pair(&p, s, c, &v);
	assert_int_equal(v.asked, 0);
	assert_int_equal(p.server_io, TLS_FAILED);
	assert_int_equal(p.client_io, TLS_FAILED);
	disconnect_pair(&p);
	tls_context_unref(s);

	/* Control: for people it is not asked for. */
	assert_ok(tls_server_for_people(&server_files, &s, NULL));
	connect_pair(&p, s, c, &v);
	assert_int_equal(p.server_io, TLS_OK);
	assert_int_equal(p.client_io, TLS_OK);
	assert_null(tls_peer_leaf(p.server));
	disconnect_pair(&p);
	tls_context_unref(s);
	tls_context_unref(c);
}

struct server_check {
	const char *what;
	const char *ca;
	const char *host;
	const char *spiffe_id;
	bool is_good;
};

static void a_client_checks_who_the_server_is(void **state)
{
	(void)state;
	static const struct server_check checks[] = {
	    {"name", "ca.pem", "gateway.test", NULL, true},
	    {"address", "ca.pem", "127.0.0.1", NULL, true},
	    {"id", "ca.pem", NULL, "spiffe://remit.test/gateway", true},
	    {"wrong name", "ca.pem", "gateway.tes", NULL, false},
	    {"name above", "ca.pem", "test", NULL, false},
	    {"wrong address", "ca.pem", "127.0.0.2", NULL, false},
	    {"wrong id", "ca.pem", NULL, "spiffe://remit.test/gatewa", false},
	    {"id with more", "ca.pem", NULL, "spiffe://remit.test/gateway/x", false},
	    {"another CA, name", "other.pem", "gateway.test", NULL, false},
	    {"another CA, id", "other.pem", NULL, "spiffe://remit.test/gateway", false},
	};
	struct tls_context *s = NULL;

	assert_ok(tls_server_for_people(&server_files, &s, NULL));
	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		struct tls_context *c = client(&(struct tls_client_conf){
		    .ca_path = path_of(checks[i].ca),
		    .host = checks[i].host,
		    .spiffe_id = checks[i].spiffe_id,
		});
		struct pair p;

		connect_pair(&p, s, c, NULL);
		if ((p.client_io == TLS_OK) != checks[i].is_good) {
			fail_msg("%s: %s", checks[i].what, p.client_err.msg);
		}
		disconnect_pair(&p);
		tls_context_unref(c);
	}
	tls_context_unref(s);
}

static void files_that_do_not_fit_are_refused(void **state)
{
	(void)state;
	struct tls_context *x = NULL;
	struct err e = ERR_INIT;
	struct tls_files mixed = {.cert_path = server_files.cert_path,
				  .key_path = path_of("c.key")};
	struct tls_files absent = {.cert_path = "/nonexistent", .key_path = "/nonexistent"};

	assert_rc(tls_server_for_people(&mixed, &x, &e), RC_INPUT);
	assert_rc(tls_server_for_people(&absent, &x, &e), RC_INPUT);
	assert_non_null(strstr(e.msg, "/nonexistent"));
	assert_null(x);
	assert_ok(tls_server_for_people(&server_files, &x, &e));
	tls_context_unref(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_agent_and_the_gateway_know_each_other),
	    cmocka_unit_test(a_cut_connection_is_not_a_goodbye),
	    cmocka_unit_test(the_verifier_decides_and_its_reason_is_told),
	    cmocka_unit_test(an_agent_without_a_certificate_is_refused),
	    cmocka_unit_test(a_client_checks_who_the_server_is),
	    cmocka_unit_test(files_that_do_not_fit_are_refused),
	};
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
