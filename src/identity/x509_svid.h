/* SPDX-License-Identifier: Apache-2.0 */
/* identity/x509_svid.h - is this certificate an X.509-SVID of a trust domain we trust?
 *
 * Trust is one store of CAs per trust domain, never merged: an ID is checked under the CAs of its
 * own trust domain only. A struct x509_trust does not change once it is in use; a new set of
 * bundles is a new one with the next generation, and connections that were verified under an older
 * one are verified again or closed (their owner compares generations per request).
 */
#pragma once

#include <openssl/x509.h>

#include "base/err.h"
#include "identity/spiffe.h"

struct x509_trust;

enum rc x509_trust_new(uint64_t generation, struct x509_trust **ret, struct err *e);
/* While it is being built: the bundle of a trust domain, as PEM certificates (at least one, all of
 * them CAs that may sign certificates). Each trust domain once. RC_INPUT, RC_NOMEM. */
enum rc x509_trust_add(struct x509_trust *t, struct str trust_domain, struct str pem,
		       struct err *e);
struct x509_trust *x509_trust_ref(struct x509_trust *t);
void x509_trust_unref(struct x509_trust *t); /* NULL is fine */
uint64_t x509_trust_generation(const struct x509_trust *t);

/* What a good certificate says. */
struct x509_svid {
	char *id;		/* SPIFFE ID, NUL-terminated; owned: x509_svid_fini */
	uint8_t key_sha256[32]; /* of the SubjectPublicKeyInfo */
	char serial[41];	/* lower-case hex */
	uint64_t not_before_unix_s;
	uint64_t not_after_unix_s;
	uint64_t generation; /* of the trust under which it was verified */
};

void x509_svid_fini(struct x509_svid *s); /* zeroed is fine */

enum x509_svid_use { X509_SVID_CLIENT, X509_SVID_SERVER };

/* The whole pipeline: exactly one URI name, a workload's SPIFFE ID, leaf rules, chain to the CAs of
 * its trust domain at that time. untrusted: the intermediates that came along, or NULL. *ret is
 * overwritten on success. RC_DENIED with the reason; RC_NOMEM. */
enum rc x509_svid_verify(const struct x509_trust *t, enum x509_svid_use use, X509 *leaf,
			 STACK_OF(X509) * untrusted, uint64_t now_unix_s, struct x509_svid *ret,
			 struct err *e);
/* Per request: not expired, and verified under the trust in force? */
bool x509_svid_is_current(const struct x509_svid *s, const struct x509_trust *t,
			  uint64_t now_unix_s);
