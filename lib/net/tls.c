/* SPDX-License-Identifier: Apache-2.0 */
/* net/tls.c - contexts and connections.
 *
 * Trust:  the peer is hostile until the handshake is over.
 * Holds:  (1) no context accepts a peer that nothing decided about: agents' and clients' contexts
 *             always have a verdict to ask for, and people's never ask for a certificate.
 *         (2) OpenSSL's error queue is empty before each call, so an error belongs to its call.
 */
#include "net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

enum { CHAIN_DEPTH = 5, SECURITY_LEVEL = 2 };

struct tls_context {
	unsigned refs;
	SSL_CTX *ssl;
	bool is_server;
	tls_verify_fn *verify;
	char *host;
	char *spiffe_id;
	char *server_name;
};

struct tls {
	struct tls_context *context;
	SSL *ssl;
	void *verify_ctx;
	struct err verdict; /* why the peer's certificate was refused */
};

static void free_ssl_ctx(SSL_CTX **x)
{
	SSL_CTX_free(*x);
}

/* The oldest error of OpenSSL's queue as text behind the caller's. */
static enum rc fail_ssl(struct err *e, enum rc code, const char *what, const char *subject)
{
	unsigned long n = ERR_get_error();
	const char *reason = n ? ERR_reason_error_string(n) : NULL;

	ERR_clear_error();
	return err_set(e, code, "tls", "%s '%s': %s", what, subject,
		       reason ? reason : "unknown reason");
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_n,
			   const unsigned char *in, unsigned in_n, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_n, ours, sizeof(ours) - 1, in, in_n) !=
	    OPENSSL_NPN_NEGOTIATED) {
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	}
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* Exactly one URI among the alternative names, and it is spiffe_id. */
static bool has_spiffe_id(X509 *leaf, struct str spiffe_id)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	bool is_it = false;
	int uris = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_URI) {
			const ASN1_IA5STRING *uri = name->d.uniformResourceIdentifier;

			uris++;
			is_it = str_eq(
			    str_of(ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri)),
			    spiffe_id);
		}
	}
	GENERAL_NAMES_free(names);
	return uris == 1 && is_it;
}

/* OpenSSL's question about the peer's chain: 1 = trust it. */
static int verify_peer(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *t = ssl ? SSL_get_app_data(ssl) : NULL;
	X509 *leaf = X509_STORE_CTX_get0_cert(store);

	(void)arg;
	X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
	if (!t || !leaf) {
		return 0;
	}
	if (t->context->verify) {
		if (t->context->verify(t->verify_ctx, leaf, X509_STORE_CTX_get0_untrusted(store),
				       &t->verdict) != RC_OK) {
			return 0;
		}
	} else if (X509_verify_cert(store) != 1) {
		(void)err_set(&t->verdict, RC_DENIED, __func__, "certificate of '%s': %s",
			      t->context->host ? t->context->host : t->context->spiffe_id,
			      X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
		return 0;
	} else if (t->context->spiffe_id && !has_spiffe_id(leaf, str_from(t->context->spiffe_id))) {
		(void)err_set(&t->verdict, RC_DENIED, __func__, "the peer is not '%s'",
			      t->context->spiffe_id);
		return 0;
	}
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

static enum rc new_context(bool is_server, struct tls_context **ret, struct err *e)
{
	struct tls_context *x = mem_calloc(1, sizeof(*x));
	CLEANUP(free_ssl_ctx) SSL_CTX *ssl = NULL;

	ERR_clear_error();
	ssl = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
	if (!x || !ssl) {
		mem_free(x);
		FAIL(e, RC_NOMEM, "no memory for a TLS context");
	}
	SSL_CTX_set_security_level(ssl, SECURITY_LEVEL);
	(void)SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					   SSL_OP_NO_COMPRESSION); /* returns the new mask */
	(void)SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER); /* the same */
	(void)SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF); /* returns the old one */
	SSL_CTX_set_verify_depth(ssl, CHAIN_DEPTH);
	SSL_CTX_set_read_ahead(ssl, 1); /* a record's head and body in one system call */
	if (SSL_CTX_set_min_proto_version(ssl, is_server ? TLS1_3_VERSION : TLS1_2_VERSION) != 1 ||
	    (is_server && SSL_CTX_set_num_tickets(ssl, 0) != 1)) {
		mem_free(x);
		return fail_ssl(e, RC_BROKEN, "cannot set up", "TLS");
	}
	if (is_server) {
		SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, NULL);
	}
	x->refs = 1;
	x->ssl = TAKE(ssl);
	x->is_server = is_server;
	*ret = x;
	return RC_OK;
}

static void unref_context(struct tls_context **x)
{
	tls_context_unref(*x);
}
#define AUTO_CONTEXT CLEANUP(unref_context) struct tls_context *

static enum rc use_files(struct tls_context *x, const struct tls_files *files, struct err *e)
{
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(x->ssl, files->cert_path) != 1) {
		return fail_ssl(e, RC_INPUT, "cannot use certificate", files->cert_path);
	}
	if (SSL_CTX_use_PrivateKey_file(x->ssl, files->key_path, SSL_FILETYPE_PEM) != 1) {
		return fail_ssl(e, RC_INPUT, "cannot use key", files->key_path);
	}
	if (SSL_CTX_check_private_key(x->ssl) != 1) {
		return fail_ssl(e, RC_INPUT, "certificate and key do not match", files->key_path);
	}
	return RC_OK;
}

enum rc tls_server_for_agents(const struct tls_files *files, tls_verify_fn *verify,
			      struct tls_context **ret, struct err *e)
{
	AUTO_CONTEXT x = NULL;

	MUST(verify); /* (1) */
	TRY(new_context(true, &x, e));
	TRY(use_files(x, files, e));
	x->verify = verify;
	SSL_CTX_set_verify(x->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(x->ssl, verify_peer, NULL);
	*ret = TAKE(x);
	return RC_OK;
}

enum rc tls_server_for_people(const struct tls_files *files, struct tls_context **ret,
			      struct err *e)
{
	AUTO_CONTEXT x = NULL;

	TRY(new_context(true, &x, e));
	TRY(use_files(x, files, e));
	SSL_CTX_set_verify(x->ssl, SSL_VERIFY_NONE, NULL);
	*ret = TAKE(x);
	return RC_OK;
}

static enum rc copy_text(const char *from, char **to, struct err *e)
{
	size_t n = from ? strlen(from) : 0;

	if (!from) {
		return RC_OK;
	}
	*to = mem_calloc(n + 1, 1);
	if (!*to) {
		FAIL(e, RC_NOMEM, "no memory for a TLS context");
	}
	memcpy(*to, from, n);
	return RC_OK;
}

static bool is_ip_address(const char *host)
{
	unsigned char a[16];

	return inet_pton(AF_INET, host, a) == 1 || inet_pton(AF_INET6, host, a) == 1;
}

enum rc tls_client(const struct tls_client_conf *conf, struct tls_context **ret, struct err *e)
{
	static const unsigned char protocols[] = "\x08http/1.1";
	AUTO_CONTEXT x = NULL;

	MUST((conf->host != NULL) + (conf->spiffe_id != NULL) + (conf->verify != NULL) == 1);
	TRY(new_context(false, &x, e));
	TRY(copy_text(conf->host, &x->host, e));
	TRY(copy_text(conf->spiffe_id, &x->spiffe_id, e));
	TRY(copy_text(conf->host ? conf->host : conf->server_name, &x->server_name, e));
	if (conf->files.cert_path) {
		TRY(use_files(x, &conf->files, e));
	}
	ERR_clear_error();
	if (conf->ca_path ? SSL_CTX_load_verify_file(x->ssl, conf->ca_path) != 1
			  : SSL_CTX_set_default_verify_paths(x->ssl) != 1) {
		return fail_ssl(e, RC_INPUT, "cannot use the CAs of",
				conf->ca_path ? conf->ca_path : "the system");
	}
	if (SSL_CTX_set_alpn_protos(x->ssl, protocols, sizeof(protocols) - 1) != 0) {
		FAIL(e, RC_NOMEM, "no memory for a TLS context");
	}
	x->verify = conf->verify;
	SSL_CTX_set_verify(x->ssl, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(x->ssl, verify_peer, NULL);
	*ret = TAKE(x);
	return RC_OK;
}

struct tls_context *tls_context_ref(struct tls_context *x)
{
	x->refs++;
	return x;
}

void tls_context_unref(struct tls_context *x)
{
	if (!x || --x->refs > 0) {
		return;
	}
	SSL_CTX_free(x->ssl);
	mem_free(x->host);
	mem_free(x->spiffe_id);
	mem_free(x->server_name);
	mem_free(x);
}

/* Who the peer must be, for a client's connection. */
static bool expect_peer(struct tls *t)
{
	const struct tls_context *x = t->context;
	X509_VERIFY_PARAM *param = SSL_get0_param(t->ssl);

	if (x->host && is_ip_address(x->host)) {
		return X509_VERIFY_PARAM_set1_ip_asc(param, x->host) == 1;
	}
	if (x->host) {
		X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
		if (X509_VERIFY_PARAM_set1_host(param, x->host, 0) != 1) {
			return false;
		}
	}
	return !x->server_name || SSL_set_tlsext_host_name(t->ssl, x->server_name) == 1;
}

enum rc tls_new(struct tls_context *x, int fd, void *verify_ctx, struct tls **ret, struct err *e)
{
	struct tls *t = mem_calloc(1, sizeof(*t));

	if (!t) {
		FAIL(e, RC_NOMEM, "no memory for a TLS connection");
	}
	ERR_clear_error();
	t->context = tls_context_ref(x);
	t->verify_ctx = verify_ctx;
	t->ssl = SSL_new(x->ssl);
	if (!t->ssl || SSL_set_app_data(t->ssl, t) != 1 || SSL_set_fd(t->ssl, fd) != 1 ||
	    (!x->is_server && !expect_peer(t))) {
		tls_free(t);
		FAIL(e, RC_NOMEM, "no memory for a TLS connection");
	}
	if (x->is_server) {
		SSL_set_accept_state(t->ssl);
	} else {
		SSL_set_connect_state(t->ssl);
	}
	*ret = t;
	return RC_OK;
}

void tls_free(struct tls *t)
{
	if (!t) {
		return;
	}
	SSL_free(t->ssl);
	tls_context_unref(t->context);
	mem_free(t);
}

/* What the result of an SSL_ function means. */
static enum tls_io outcome(struct tls *t, int result, struct err *e)
{
	int sys = errno;
	const char *reason;

	switch (SSL_get_error(t->ssl, result)) {
	case SSL_ERROR_NONE:
		return TLS_OK;
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_CLOSED;
	default:
		break;
	}
	if (t->verdict.code != RC_OK) {
		if (e) {
			*e = t->verdict;
		}
		ERR_clear_error();
		return TLS_FAILED;
	}
	reason = ERR_reason_error_string(ERR_get_error());
	ERR_clear_error();
	if (!reason) {
		reason = sys ? strerror(sys) : "connection cut";
	}
	(void)err_set(e, RC_IO, "tls", "TLS: %s", reason);
	return TLS_FAILED;
}

enum tls_io tls_handshake(struct tls *t, struct err *e)
{
	ERR_clear_error();
	errno = 0;
	return outcome(t, SSL_do_handshake(t->ssl), e);
}

enum tls_io tls_read(struct tls *t, void *p, size_t n, size_t *ret_n, struct err *e)
{
	ERR_clear_error();
	errno = 0;
	return outcome(t, SSL_read_ex(t->ssl, p, n, ret_n), e);
}

enum tls_io tls_write(struct tls *t, const void *p, size_t n, size_t *ret_n, struct err *e)
{
	ERR_clear_error();
	errno = 0;
	return outcome(t, SSL_write_ex(t->ssl, p, n, ret_n), e);
}

bool tls_has_pending(struct tls *t)
{
	return SSL_has_pending(t->ssl) == 1;
}

void tls_goodbye(struct tls *t)
{
	ERR_clear_error();
	(void)SSL_shutdown(t->ssl); /* the connection ends either way */
	ERR_clear_error();
}

X509 *tls_peer_leaf(struct tls *t)
{
	return SSL_get0_peer_certificate(t->ssl);
}

bool tls_channel_binding(struct tls *t, uint8_t ret[32])
{
	static const char label[] = "EXPORTER-Channel-Binding";

	/* RFC 9266: zero-length context. */
	return SSL_export_keying_material(t->ssl, ret, 32, label, sizeof(label) - 1, NULL, 0, 1) ==
	       1;
}
