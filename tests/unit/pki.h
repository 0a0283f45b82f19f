/* SPDX-License-Identifier: Apache-2.0 */
/* pki.h - certificates for tests, good and bad ones alike, made on the spot. */
#pragma once

#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

#include "test.h"

struct pki_cert {
	X509 *x509;
	EVP_PKEY *key;
};

/* Extensions as openssl.cnf writes them; NULL = none. */
struct pki_spec {
	const char *common_name; /* NULL = empty subject */
	const char *san;	 /* "URI:spiffe://...,DNS:..." or "critical,URI:..." */
	const char *basic;	 /* "critical,CA:FALSE" */
	const char *usage;	 /* "critical,digitalSignature" */
	const char *extended;	 /* "serverAuth,clientAuth" */
	const char *constraints; /* "permitted;URI:..." */
	long from_s;		 /* validity, relative to now; both 0 = -60 to 3600 */
	long to_s;
};

#define PKI_CA_SPEC                                                                                \
	((struct pki_spec){.common_name = "test CA",                                               \
			   .basic = "critical,CA:TRUE",                                            \
			   .usage = "critical,keyCertSign,cRLSign"})
#define PKI_LEAF_SPEC(san_)                                                                        \
	((struct pki_spec){.common_name = "leaf",                                                  \
			   .san = (san_),                                                          \
			   .basic = "critical,CA:FALSE",                                           \
			   .usage = "critical,digitalSignature",                                   \
			   .extended = "serverAuth,clientAuth"})

static inline void pki_extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	if (!value) {
		return;
	}
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(x, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

/* issuer NULL = self-signed. */
static inline struct pki_cert pki_issue(const struct pki_spec *spec, const struct pki_cert *issuer)
{
	static long serial = 1;
	struct pki_cert c = {.x509 = X509_new(), .key = EVP_EC_gen("P-256")};
	const struct pki_cert *by = issuer ? issuer : &c;
	bool has_times = spec->from_s || spec->to_s;

	assert_non_null(c.x509);
	assert_non_null(c.key);
	assert_int_equal(X509_set_version(c.x509, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(c.x509), serial++), 1);
	assert_non_null(
	    X509_gmtime_adj(X509_getm_notBefore(c.x509), has_times ? spec->from_s : -60));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(c.x509), has_times ? spec->to_s : 3600));
	if (spec->common_name) {
		assert_int_equal(
		    X509_NAME_add_entry_by_txt(X509_get_subject_name(c.x509), "CN", MBSTRING_ASC,
					       (const unsigned char *)spec->common_name, -1, -1, 0),
		    1);
	}
	assert_int_equal(X509_set_issuer_name(c.x509, X509_get_subject_name(by->x509)), 1);
	assert_int_equal(X509_set_pubkey(c.x509, c.key), 1);
	pki_extend(c.x509, by->x509, NID_basic_constraints, spec->basic);
	pki_extend(c.x509, by->x509, NID_key_usage, spec->usage);
	pki_extend(c.x509, by->x509, NID_ext_key_usage, spec->extended);
	pki_extend(c.x509, by->x509, NID_subject_alt_name, spec->san);
	pki_extend(c.x509, by->x509, NID_name_constraints, spec->constraints);
	pki_extend(c.x509, by->x509, NID_subject_key_identifier, "hash");
	assert_true(X509_sign(c.x509, by->key, EVP_sha256()) > 0);
	return c;
}

static inline void pki_free(struct pki_cert *c)
{
	X509_free(c->x509);
	EVP_PKEY_free(c->key);
	*c = (struct pki_cert){0};
}

/* Writes certificate and key below dir as <name>.pem and <name>.key. */
static inline void pki_save(const struct pki_cert *c, const char *dir, const char *name)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s.pem", dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(PEM_write_X509(f, c->x509), 1);
	fclose(f);
	(void)snprintf(path, sizeof(path), "%s/%s.key", dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(PEM_write_PrivateKey(f, c->key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
}
