/* SPDX-License-Identifier: Apache-2.0 */
/* net/tls.h - TLS on a non-blocking descriptor, by OpenSSL.
 *
 * A context holds what all connections of one listener or one upstream share and never changes;
 * a new certificate is a new context. Contexts are counted: a connection keeps its own alive.
 * Servers speak TLS 1.3 only, without tickets, session cache or resumption, so every connection
 * proves its identity afresh. Clients accept TLS 1.2 and later. No renegotiation, no compression,
 * no early data; the only application protocol is http/1.1. OpenSSL writes without MSG_NOSIGNAL:
 * the role must ignore SIGPIPE (loop_new sees to it).
 */
#pragma once

#include <openssl/x509.h>

#include "base/err.h"

struct tls_context;
struct tls;

/* Decides about the peer's certificate, in place of OpenSSL's own check: anything but RC_OK ends
 * the handshake. verify_ctx is that of tls_new. leaf and untrusted are borrowed for the call. */
typedef enum rc tls_verify_fn(void *verify_ctx, X509 *leaf, STACK_OF(X509) * untrusted,
			      struct err *e);

/* A certificate with its chain, and its key: PEM files. */
struct tls_files {
	const char *cert_path;
	const char *key_path;
};

struct tls_client_conf {
	const char
	    *ca_path; /* PEM file with the CAs to trust; NULL = the system's. Unused with verify */
	/* Exactly one of the three says who the peer must be. */
	const char *host;      /* DNS name or IP address in the certificate */
	const char *spiffe_id; /* the one URI in the certificate, under ca_path */
	tls_verify_fn *verify;
	const char *server_name; /* what to ask for (SNI) when host is NULL; NULL = nothing */
	struct tls_files files;	 /* a client certificate; cert_path NULL = none */
};

/* For agents: every client must show a certificate, about which verify decides. */
enum rc tls_server_for_agents(const struct tls_files *files, tls_verify_fn *verify,
			      struct tls_context **ret, struct err *e);
/* For people: no client certificates. */
enum rc tls_server_for_people(const struct tls_files *files, struct tls_context **ret,
			      struct err *e);
enum rc tls_client(const struct tls_client_conf *conf, struct tls_context **ret, struct err *e);
struct tls_context *tls_context_ref(struct tls_context *x);
void tls_context_unref(struct tls_context *x); /* NULL is fine */

/* One connection over fd, which stays the caller's. verify_ctx must outlive it. */
enum rc tls_new(struct tls_context *x, int fd, void *verify_ctx, struct tls **ret, struct err *e);
void tls_free(struct tls *t); /* NULL is fine */

enum tls_io {
	TLS_FAILED = 0, /* e says why; only tls_free is left */
	TLS_OK,
	TLS_WANT_READ,
	TLS_WANT_WRITE,
	TLS_CLOSED, /* the peer said goodbye: a cut connection is TLS_FAILED */
};

enum tls_io tls_handshake(struct tls *t, struct err *e);
/* At most n bytes (n > 0); TLS_OK means that *ret_n > 0. */
enum tls_io tls_read(struct tls *t, void *p, size_t n, size_t *ret_n, struct err *e);
enum tls_io tls_write(struct tls *t, const void *p, size_t n, size_t *ret_n, struct err *e);
/* Decrypted bytes that wait inside: epoll does not know of them. */
bool tls_has_pending(struct tls *t);
/* Says goodbye once, without waiting for the answer. */
void tls_goodbye(struct tls *t);

/* The peer's own certificate, borrowed from t, or NULL. */
X509 *tls_peer_leaf(struct tls *t);
/* RFC 9266 channel binding (EXPORTER-Channel-Binding), the same at both ends of this connection and
 * at no other. After the handshake. */
bool tls_channel_binding(struct tls *t, uint8_t ret[32]) MUST_USE;
