/* SPDX-License-Identifier: Apache-2.0 */
/* Mail to a small SMTP server of the test's own: in clear, by STARTTLS, and in TLS from the start.
 */
#include "test.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "courier/courier.h"
#include "courier/smtp.h"
#include "pki.h"

enum sink_kind { SINK_CLEAR, SINK_STARTTLS, SINK_TLS, SINK_REFUSES };

static char place[64];
static char ca_file[96];
static char password_file[96];
static char url[64];
static struct loop *l;
static struct clock clock_;
static struct courier *courier;
static struct notifier notifier;
static size_t answers;
static bool last_ok;
static char last_detail[300];
static int heard_fd; /* what the server heard */
static pid_t server;

static void notified(void *ctx, uint64_t id, bool ok, struct str detail)
{
	(void)ctx;
	(void)id;
	answers++;
	last_ok = ok;
	memcpy(last_detail, detail.p ? detail.p : "", detail.n);
	last_detail[detail.n] = '\0';
}

/* ---- the server ---- */

struct line_io {
	int fd;
	SSL *ssl;
	int out; /* everything heard goes there */
};

static bool read_line(struct line_io *io, char *line, size_t size)
{
	size_t n = 0;

	while (n + 1 < size) {
		char c;
		ssize_t got = io->ssl ? SSL_read(io->ssl, &c, 1) : read(io->fd, &c, 1);

		if (got != 1) {
			return false;
		}
		line[n++] = c;
		if (c == '\n') {
			break;
		}
	}
	line[n] = '\0';
	return write(io->out, line, n) == (ssize_t)n;
}

static void say(struct line_io *io, const char *text)
{
	size_t n = strlen(text);
	ssize_t sent = io->ssl ? SSL_write(io->ssl, text, (int)n) : write(io->fd, text, n);

	(void)sent; /* a client that is gone shows when it is read from */
}

static void start_tls(struct line_io *io, SSL_CTX *ctx)
{
	(void)dprintf(io->out, "[tls]\n");
	io->ssl = SSL_new(ctx);
	if (!io->ssl || SSL_set_fd(io->ssl, io->fd) != 1 || SSL_accept(io->ssl) != 1) {
		(void)dprintf(io->out, "[no tls]\n");
		_exit(0);
	}
}

static void serve_one(struct line_io *io, enum sink_kind kind, SSL_CTX *ctx)
{
	char line[4096];
	bool in_data = false;
	bool is_signing_in = false;

	if (kind == SINK_TLS) {
		start_tls(io, ctx);
	}
	say(io, "220 sink\r\n");
	while (read_line(io, line, sizeof(line))) {
		if (in_data) {
			if (strcmp(line, ".\r\n") == 0) {
				in_data = false;
				say(io, "250 taken\r\n");
			}
		} else if (is_signing_in) {
			is_signing_in = false; /* \0remit\0open sesame */
			say(io, strcmp(line, "AHJlbWl0AG9wZW4gc2VzYW1l\r\n") == 0
				    ? "235 welcome\r\n"
				    : "535 no\r\n");
		} else if (strncmp(line, "EHLO", 4) == 0) {
			say(io, kind == SINK_STARTTLS && !io->ssl
				    ? "250-sink\r\n250 STARTTLS\r\n"
				    : "250-sink\r\n250 AUTH PLAIN\r\n");
		} else if (strncmp(line, "STARTTLS", 8) == 0) {
			say(io, "220 go\r\n");
			start_tls(io, ctx);
		} else if (strncmp(line, "AUTH", 4) == 0) {
			say(io, "334 \r\n");
			is_signing_in = true;
		} else if (strncmp(line, "RCPT", 4) == 0) {
			say(io, kind == SINK_REFUSES ? "550 nobody here\r\n" : "250 ok\r\n");
		} else if (strncmp(line, "DATA", 4) == 0) {
			in_data = true;
			say(io, "354 go on\r\n");
		} else if (strncmp(line, "QUIT", 4) == 0) {
			say(io, "221 bye\r\n");
			break;
		} else {
			say(io, "250 ok\r\n");
		}
	}
}

static void start_server(enum sink_kind kind, const char *scheme)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int pipes[2];
	char path[128];

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	assert_int_equal(pipe(pipes), 0);
	(void)fflush(NULL);
	server = fork();
	assert_true(server >= 0);
	if (server == 0) {
		SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
		struct line_io io = {.out = pipes[1]};

		(void)alarm(20);
		(void)snprintf(path, sizeof(path), "%s/s.pem", place);
		if (SSL_CTX_use_certificate_file(ctx, path, SSL_FILETYPE_PEM) != 1) {
			_exit(1);
		}
		(void)snprintf(path, sizeof(path), "%s/s.key", place);
		if (SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) != 1) {
			_exit(1);
		}
		io.fd = accept(fd, NULL, NULL);
		serve_one(&io, kind, ctx);
		_exit(0);
	}
	(void)close(fd);
	(void)close(pipes[1]);
	heard_fd = pipes[0];
	(void)snprintf(url, sizeof(url), "%s://127.0.0.1:%u", scheme, ntohs(a.sin_port));
}

/* All that the server heard; it has ended. */
static struct str heard(void)
{
	static char text[65536];
	size_t n = 0;
	ssize_t got;

	while ((got = read(heard_fd, text + n, sizeof(text) - n - 1)) > 0) {
		n += (size_t)got;
	}
	text[n] = '\0';
	(void)close(heard_fd);
	assert_int_equal(waitpid(server, NULL, 0), server);
	return str_of(text, n);
}

#define assert_heard(text, part)                                                                   \
	do {                                                                                       \
		if (!strstr((text).p, (part))) {                                                   \
			fail_msg("'%s' was not heard in: %s", (part), (text).p);                   \
		}                                                                                  \
	} while (0)

/* ---- the courier ---- */

static struct str recipients[2] = {{"oncall@example.org", 18}, {"second@example.org", 18}};

static void send_mail(enum sink_kind kind, const char *scheme, bool signs_in, bool has_ca)
{
	struct courier_conf conf = {
	    .notifiers = &notifier, .n_notifiers = 1, .timeout_ms = 10000, .notified = notified};
	struct err e = ERR_INIT;

	start_server(kind, scheme);
	notifier = (struct notifier){
	    .name = STR("mail"),
	    .type = NOTIFIER_SMTP,
	    .url = str_from(url),
	    .from = STR("remit@example.org"),
	    .to = {recipients, 2},
	    .user = signs_in ? STR("remit") : STR(""),
	    .secret_file = signs_in ? str_from(password_file) : STR(""),
	    .ca_file = has_ca ? str_from(ca_file) : STR(""),
	};
	assert_ok(loop_new(&clock_, &l, NULL));
	if (courier_new(l, &conf, &courier, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	answers = 0;
	courier_notify(courier, 3, STR("mail"),
		       STR("{\"type\":\"approval.opened\",\"text\":\"first\\r\\n.\\r\\nBcc: x\"}"));
	for (int i = 0; i < 1000 && answers == 0; i++) {
		assert_ok(loop_step(l, 20, NULL));
	}
	assert_int_equal(answers, 1);
	courier_free(courier);
	courier = NULL;
	loop_free(l);
	l = NULL;
}

static void mail_arrives_in_clear_on_this_machine(void **state)
{
	(void)state;
	struct str text;

	send_mail(SINK_CLEAR, "smtp", false, false);
	assert_true(last_ok);
	text = heard();
	assert_heard(text, "MAIL FROM:<remit@example.org>");
	assert_heard(text, "RCPT TO:<oncall@example.org>");
	assert_heard(text, "RCPT TO:<second@example.org>");
	assert_heard(text, "Subject: Remit: approval.opened\r\n");
	assert_heard(text, "To: oncall@example.org,\r\n second@example.org\r\n");
	/* {"type":"approval.opened","text":"first\r\n.\r\nBcc: x"} */
	assert_heard(text, "\r\n\r\neyJ0eXBlIjoiYXBwcm92YWwub3BlbmVkIiwi");
	assert_null(strstr(text.p, "Bcc"));
	assert_null(strstr(text.p, "[tls]"));
}

static void a_password_crosses_in_tls_only(void **state)
{
	(void)state;
	struct str text;
	const char *tls;
	const char *sign_in;

	send_mail(SINK_STARTTLS, "smtp", true, true);
	if (!last_ok) {
		fail_msg("%s; %s", last_detail, heard().p);
	}
	text = heard();
	tls = strstr(text.p, "[tls]");
	sign_in = strstr(text.p, "AUTH");
	assert_non_null(tls);
	assert_non_null(sign_in);
	assert_true(tls < sign_in);
	send_mail(SINK_TLS, "smtps", true, true);
	assert_true(last_ok);
	text = heard();
	assert_int_equal(strncmp(text.p, "[tls]", 5), 0);
	assert_heard(text, "AUTH");
	/* Who does not offer TLS hears no password. */
	send_mail(SINK_CLEAR, "smtp", true, true);
	assert_false(last_ok);
	text = heard();
	assert_null(strstr(text.p, "AUTH"));
	assert_null(strstr(text.p, "MAIL"));
}

static void a_server_with_another_certificate_hears_nothing(void **state)
{
	(void)state;
	struct str text;

	send_mail(SINK_TLS, "smtps", true, false); /* the system knows no such authority */
	assert_false(last_ok);
	text = heard();
	assert_null(strstr(text.p, "AUTH"));
}

static void a_refusal_is_a_failure_with_a_reason(void **state)
{
	(void)state;
	send_mail(SINK_REFUSES, "smtp", false, false);
	assert_false(last_ok);
	assert_true(strlen(last_detail) > 0);
	assert_heard(heard(), "RCPT TO");
}

static int make_place(void **state)
{
	struct pki_cert ca = pki_issue(&PKI_CA_SPEC, NULL);
	struct pki_cert leaf = pki_issue(&PKI_LEAF_SPEC("IP:127.0.0.1"), &ca);

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN); /* as every role does */
	memcpy(place, "/tmp/remit-smtp-XXXXXX", 23);
	if (!mkdtemp(place) || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		return -1;
	}
	pki_save(&leaf, place, "s");
	pki_save(&ca, place, "ca");
	pki_free(&leaf);
	pki_free(&ca);
	(void)snprintf(ca_file, sizeof(ca_file), "%s/ca.pem", place);
	(void)snprintf(password_file, sizeof(password_file), "%s/password", place);
	assert_ok(file_replace(password_file, STR("open sesame"), 0600, NULL));
	clock_ = clock_system();
	return 0;
}

static int remove_place(void **state)
{
	static const char *const names[] = {"s.pem", "s.key", "ca.pem", "ca.key", "password"};
	char path[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", place, names[i]);
		(void)unlink(path);
	}
	return rmdir(place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(mail_arrives_in_clear_on_this_machine),
	    cmocka_unit_test(a_password_crosses_in_tls_only),
	    cmocka_unit_test(a_server_with_another_certificate_hears_nothing),
	    cmocka_unit_test(a_refusal_is_a_failure_with_a_reason),
	};

	return cmocka_run_group_tests(tests, make_place, remove_place);
}
