/* SPDX-License-Identifier: Apache-2.0 */
/* identity/x509_svid.c - the rules of X509-SVID.md on top of OpenSSL's path validation.
 *
 * Trust:  leaf and intermediates are hostile; the bundles are ours.
 * Holds:  (1) a chain is built under one trust domain's CAs, that of the leaf's own ID.
 *         (2) what OpenSSL lets pass and SPIFFE forbids is checked here: several URI names, a leaf
 *             that may sign, key usage that is missing or not critical, half an extended key usage,
 *             a signing certificate with a path in its ID.
 */
#include "identity/x509_svid.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "base/map.h"
#include "base/mem.h"

enum { CHAIN_DEPTH = 5, SECURITY_LEVEL = 2, SERIAL_BYTES = 20 };

struct x509_trust {
	unsigned refs;
	uint64_t generation;
	struct map stores; /* trust domain -> X509_STORE */
};

static void free_names(GENERAL_NAMES **p)
{
	GENERAL_NAMES_free(*p);
}

static void free_store(X509_STORE **p)
{
	X509_STORE_free(*p);
}

static void free_bio(BIO **p)
{
	(void)BIO_free(*p); /* nothing to do about a failure */
}

static void free_cert(X509 **p)
{
	X509_free(*p);
}

static void free_store_ctx(X509_STORE_CTX **p)
{
	X509_STORE_CTX_free(*p);
}

/* What both signing certificates of a bundle and intermediates must be. */
static enum rc check_signer(X509 *x, struct err *e)
{
	CLEANUP(free_names)
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	uint32_t flags = X509_get_extension_flags(x);

	if ((flags & EXFLAG_INVALID) || !(flags & EXFLAG_CA)) {
		FAIL(e, RC_DENIED, "a signing certificate is not a CA");
	}
	/* SPEC X509-SVID 4.3: "Signing certificates MUST set the keyCertSign bit". */
	if (!(flags & EXFLAG_KUSAGE) || !(X509_get_key_usage(x) & KU_KEY_CERT_SIGN)) {
		FAIL(e, RC_DENIED, "a signing certificate lacks keyCertSign");
	}
	/* SPEC X509-SVID 3.2: the SPIFFE ID of a signing certificate has no path. */
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		struct spiffe_id id;
		struct str uri;

		if (name->type != GEN_URI) {
			continue;
		}
		uri = str_of(ASN1_STRING_get0_data(name->d.uniformResourceIdentifier),
			     (size_t)ASN1_STRING_length(name->d.uniformResourceIdentifier));
		if (str_has_prefix(uri, STR("spiffe:")) &&
		    (spiffe_parse(uri, &id, NULL) != RC_OK || id.path.n > 0)) {
			FAIL(e, RC_DENIED, "a signing certificate has the ID of a workload");
		}
	}
	return RC_OK;
}

/* Trust. */

enum rc x509_trust_new(uint64_t generation, struct x509_trust **ret, struct err *e)
{
	struct x509_trust *t = mem_calloc(1, sizeof(*t));

	if (!t) {
		FAIL(e, RC_NOMEM, "no memory for a set of trust bundles");
	}
	t->refs = 1;
	t->generation = generation;
	*ret = t;
	return RC_OK;
}

struct x509_trust *x509_trust_ref(struct x509_trust *t)
{
	t->refs++;
	return t;
}

void x509_trust_unref(struct x509_trust *t)
{
	const struct map_entry *entry;
	size_t i = 0;

	if (!t || --t->refs > 0) {
		return;
	}
	while ((entry = map_next(&t->stores, &i))) {
		X509_STORE_free(entry->value);
	}
	map_fini(&t->stores);
	mem_free(t);
}

uint64_t x509_trust_generation(const struct x509_trust *t)
{
	return t->generation;
}

enum rc x509_trust_add(struct x509_trust *t, struct str trust_domain, struct str pem, struct err *e)
{
	CLEANUP(free_store) X509_STORE *store = X509_STORE_new();
	CLEANUP(free_bio) BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	int n = 0;

	if (!spiffe_is_trust_domain(trust_domain)) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is not a trust domain", STR_ARG(trust_domain));
	}
	if (map_get(&t->stores, trust_domain)) {
		FAIL(e, RC_INPUT, "trust domain '" STR_FMT "' has two bundles",
		     STR_ARG(trust_domain));
	}
	if (!store || !bio) {
		FAIL(e, RC_NOMEM, "no memory for a trust bundle");
	}
	for (;; n++) {
		CLEANUP(free_cert) X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

		if (!x) {
			break;
		}
		if (check_signer(x, e) != RC_OK) {
			(void)err_wrap(e, RC_INPUT, "bundle of '" STR_FMT "', certificate %d",
				       STR_ARG(trust_domain), n + 1); /* ours is the class */
			return RC_INPUT;
		}
		if (X509_STORE_add_cert(store, x) != 1) {
			FAIL(e, RC_NOMEM, "no memory for a trust bundle");
		}
	}
	/* The end is the only good reason to stop. */
	if (n == 0 || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
		ERR_clear_error();
		FAIL(e, RC_INPUT, "bundle of '" STR_FMT "': certificate %d is not PEM",
		     STR_ARG(trust_domain), n + 1);
	}
	ERR_clear_error();
	if (map_put(&t->stores, trust_domain, store) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a trust bundle");
	}
	store = NULL;
	return RC_OK;
}

/* The leaf. */

void x509_svid_fini(struct x509_svid *s)
{
	if (s) {
		mem_free(s->id);
		*s = (struct x509_svid){0};
	}
}

/* The one URI name, borrowed from *ret_names. */
static enum rc find_id(X509 *leaf, GENERAL_NAMES **ret_names, struct spiffe_id *ret, struct err *e)
{
	int critical = -1;
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, &critical, NULL);
	struct str uri = STR_NULL;
	int uris = 0;

	*ret_names = names;
	if (!names) {
		FAIL(e, RC_DENIED, "the certificate has no readable alternative name");
	}
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_URI) {
			const ASN1_STRING *s = name->d.uniformResourceIdentifier;

			uri = str_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
			uris++;
		}
	}
	/* SPEC X509-SVID 2: "MUST contain exactly one URI SAN". */
	if (uris != 1) {
		FAIL(e, RC_DENIED, "the certificate has %d URI names, not one", uris);
	}
	/* SPEC RFC 5280 4.2.1.6: with an empty subject the names are critical. */
	if (X509_NAME_entry_count(X509_get_subject_name(leaf)) == 0 && critical != 1) {
		FAIL(e, RC_DENIED, "the certificate has neither a subject nor critical names");
	}
	if (spiffe_parse_workload(uri, ret, NULL) != RC_OK) {
		FAIL(e, RC_DENIED, "the certificate's URI name is not the SPIFFE ID of a workload");
	}
	return RC_OK;
}

static enum rc check_leaf(X509 *leaf, struct err *e)
{
	uint32_t flags = X509_get_extension_flags(leaf);
	uint32_t usage = X509_get_key_usage(leaf);
	uint32_t extended = X509_get_extended_key_usage(leaf);
	int critical = -1;

	ASN1_BIT_STRING_free(X509_get_ext_d2i(leaf, NID_key_usage, &critical, NULL));
	if (flags & EXFLAG_INVALID) {
		FAIL(e, RC_DENIED, "the certificate's extensions are malformed");
	}
	/* SPEC X509-SVID 4.1: "Leaf certificates MUST set the cA field to false". */
	if (flags & EXFLAG_CA) {
		FAIL(e, RC_DENIED, "the certificate is that of a CA");
	}
	/* SPEC X509-SVID 4.3: key usage MUST be set, MUST be critical, MUST have digitalSignature
	 * and, on a leaf, neither keyCertSign nor cRLSign. */
	if (!(flags & EXFLAG_KUSAGE) || critical != 1) {
		FAIL(e, RC_DENIED, "the certificate's key usage is missing or not critical");
	}
	if (!(usage & KU_DIGITAL_SIGNATURE) || (usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN))) {
		FAIL(e, RC_DENIED, "the certificate's key usage is not that of a leaf");
	}
	/* SPEC X509-SVID 4.4: if extended key usage is there, both MUST be set. */
	if ((flags & EXFLAG_XKUSAGE) &&
	    (extended & (XKU_SSL_SERVER | XKU_SSL_CLIENT)) != (XKU_SSL_SERVER | XKU_SSL_CLIENT)) {
		FAIL(e, RC_DENIED,
		     "the certificate's extended key usage lacks serverAuth or clientAuth");
	}
	return RC_OK;
}

static enum rc verify_chain(X509_STORE *store, enum x509_svid_use use, X509 *leaf,
			    STACK_OF(X509) * untrusted, uint64_t now_unix_s, struct err *e)
{
	CLEANUP(free_store_ctx) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	const STACK_OF(X509) * chain;
	X509_VERIFY_PARAM *param;

	if (!ctx || X509_STORE_CTX_init(ctx, store, leaf, untrusted) != 1) {
		FAIL(e, RC_NOMEM, "no memory to verify a certificate");
	}
	param = X509_STORE_CTX_get0_param(ctx);
	/* Bundles may hold CAs that are not self-signed. */
	if (X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) != 1 ||
	    X509_STORE_CTX_set_purpose(ctx, use == X509_SVID_CLIENT
						? X509_PURPOSE_SSL_CLIENT
						: X509_PURPOSE_SSL_SERVER) != 1) {
		FAIL(e, RC_BROKEN, "cannot set up the verification of a certificate");
	}
	X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
	X509_VERIFY_PARAM_set_depth(param, CHAIN_DEPTH);
	X509_VERIFY_PARAM_set_time(param, (time_t)now_unix_s);
	if (X509_verify_cert(ctx) != 1) {
		int why = X509_STORE_CTX_get_error(ctx);

		ERR_clear_error();
		FAIL(e, RC_DENIED, "the certificate is not trusted: %s",
		     X509_verify_cert_error_string(why));
	}
	chain = X509_STORE_CTX_get0_chain(ctx);
	for (int i = 1; i < sk_X509_num(chain); i++) {
		TRY(check_signer(sk_X509_value(chain, i), e));
	}
	return RC_OK;
}

static bool unix_s(const ASN1_TIME *time, uint64_t *ret)
{
	struct tm tm;
	time_t t;

	if (ASN1_TIME_to_tm(time, &tm) != 1) {
		return false;
	}
	t = timegm(&tm);
	if (t < 0) {
		return false;
	}
	*ret = (uint64_t)t;
	return true;
}

/* SHA-256 of the SubjectPublicKeyInfo (X509_pubkey_digest leaves out the algorithm). */
static bool digest_key(X509 *leaf, uint8_t ret[static 32])
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der);
	bool is_ok = n > 0 && EVP_Digest(der, (size_t)n, ret, NULL, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	return is_ok;
}

static enum rc describe(X509 *leaf, struct str id, struct x509_svid *ret, struct err *e)
{
	static const char digits[] = "0123456789abcdef";
	const ASN1_INTEGER *serial = X509_get0_serialNumber(leaf);
	const unsigned char *p = ASN1_STRING_get0_data(serial);
	int n = ASN1_STRING_length(serial);

	if (n < 0 || n > SERIAL_BYTES) {
		FAIL(e, RC_DENIED, "the certificate's serial number has more than %d bytes",
		     SERIAL_BYTES);
	}
	for (int i = 0; i < n; i++) {
		ret->serial[2 * i] = digits[p[i] >> 4];
		ret->serial[2 * i + 1] = digits[p[i] & 15];
	}
	if (!unix_s(X509_get0_notBefore(leaf), &ret->not_before_unix_s) ||
	    !unix_s(X509_get0_notAfter(leaf), &ret->not_after_unix_s)) {
		FAIL(e, RC_DENIED, "the certificate's times are malformed");
	}
	if (!digest_key(leaf, ret->key_sha256)) {
		FAIL(e, RC_NOMEM, "cannot digest the certificate's key");
	}
	ret->id = mem_calloc(id.n + 1, 1);
	if (!ret->id) {
		FAIL(e, RC_NOMEM, "no memory for an identity");
	}
	memcpy(ret->id, id.p, id.n);
	return RC_OK;
}

enum rc x509_svid_verify(const struct x509_trust *t, enum x509_svid_use use, X509 *leaf,
			 STACK_OF(X509) * untrusted, uint64_t now_unix_s, struct x509_svid *ret,
			 struct err *e)
{
	CLEANUP(free_names) GENERAL_NAMES *names = NULL;
	struct x509_svid svid = {.generation = t->generation};
	struct spiffe_id id;
	X509_STORE *store;

	ERR_clear_error();
	TRY(find_id(leaf, &names, &id, e));
	TRY(check_leaf(leaf, e));
	store = map_get(&t->stores, id.trust_domain); /* (1) */
	if (!store) {
		FAIL(e, RC_DENIED, "trust domain '" STR_FMT "' is not trusted here",
		     STR_ARG(id.trust_domain));
	}
	TRY(verify_chain(store, use, leaf, untrusted, now_unix_s, e));
	TRY(describe(leaf, id.text, &svid, e));
	*ret = svid;
	return RC_OK;
}

bool x509_svid_is_current(const struct x509_svid *s, const struct x509_trust *t,
			  uint64_t now_unix_s)
{
	return s->id && s->generation == t->generation && now_unix_s >= s->not_before_unix_s &&
	       now_unix_s < s->not_after_unix_s;
}
