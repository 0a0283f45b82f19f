/* SPDX-License-Identifier: Apache-2.0 */
/* identity/ca.c - making certificates with OpenSSL.
 *
 * Trust:  called by people's commands, on files of theirs.
 * Holds:  (1) what it issues, x509_svid_verify accepts under its bundle.
 *         (2) nothing is signed for another trust domain, nor beyond the CA's own end.
 */
#include "identity/ca.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rand.h"
#include "identity/spiffe.h"

enum {
	SERIAL_BYTES = 16,
	BACKDATE_S = 60, /* clocks differ a little */
	PEM_BYTES = 16 * 1024,
	NAME_BYTES = 255,
};

struct ca {
	X509 *cert;
	EVP_PKEY *key;
	char trust_domain[256];
};

static void free_cert(X509 **p)
{
	X509_free(*p);
}

static void free_key(EVP_PKEY **p)
{
	EVP_PKEY_free(*p);
}

static void free_bio(BIO **p)
{
	(void)BIO_free(*p); /* nothing to do about a failure */
}

static void free_names(GENERAL_NAMES **p)
{
	GENERAL_NAMES_free(*p);
}

static void free_ca(struct ca **p)
{
	ca_free(*p);
}

#define AUTO_CERT  CLEANUP(free_cert) X509 *
#define AUTO_KEY   CLEANUP(free_key) EVP_PKEY *
#define AUTO_BIO   CLEANUP(free_bio) BIO *
#define AUTO_NAMES CLEANUP(free_names) GENERAL_NAMES *
#define AUTO_CA	   CLEANUP(free_ca) struct ca *

static enum rc fail_ssl(struct err *e, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_get_error());

	ERR_clear_error();
	return err_set(e, RC_BROKEN, "ca", "cannot %s: %s", what, reason ? reason : "unknown");
}

void ca_free(struct ca *ca)
{
	if (ca) {
		X509_free(ca->cert);
		EVP_PKEY_free(ca->key);
		mem_free(ca);
	}
}

struct str ca_trust_domain(const struct ca *ca)
{
	return str_from(ca->trust_domain);
}

/* Names. */

static bool add_name(GENERAL_NAMES *names, int type, void *take_value)
{
	GENERAL_NAME *name = GENERAL_NAME_new();

	if (!name || !take_value) {
		GENERAL_NAME_free(name);
		ASN1_STRING_free(take_value);
		return false;
	}
	GENERAL_NAME_set0_value(name, type, take_value);
	if (sk_GENERAL_NAME_push(names, name) == 0) {
		GENERAL_NAME_free(name);
		return false;
	}
	return true;
}

static ASN1_STRING *string_of(int type, const void *p, size_t n)
{
	ASN1_STRING *s = ASN1_STRING_type_new(type);

	if (s && ASN1_STRING_set(s, p, (int)n) != 1) {
		ASN1_STRING_free(s);
		return NULL;
	}
	return s;
}

static bool is_dns_name(struct str s)
{
	if (s.n == 0 || s.n > NAME_BYTES || s.p[0] == '.' || s.p[0] == '-') {
		return false;
	}
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '-' || c == '.')) {
			return false;
		}
	}
	return true;
}

static enum rc add_server_name(GENERAL_NAMES *names, struct str text, struct err *e)
{
	char host[NAME_BYTES + 1] = "";
	unsigned char ip[16];
	bool is_ok;

	if (text.n <= NAME_BYTES) {
		memcpy(host, text.p, text.n);
	}
	if (inet_pton(AF_INET, host, ip) == 1) {
		is_ok = add_name(names, GEN_IPADD, string_of(V_ASN1_OCTET_STRING, ip, 4));
	} else if (inet_pton(AF_INET6, host, ip) == 1) {
		is_ok = add_name(names, GEN_IPADD, string_of(V_ASN1_OCTET_STRING, ip, 16));
	} else if (is_dns_name(text)) {
		is_ok = add_name(names, GEN_DNS, string_of(V_ASN1_IA5STRING, text.p, text.n));
	} else {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is neither a DNS name nor an IP address",
		     STR_ARG(text));
	}
	return is_ok ? RC_OK : err_set(e, RC_NOMEM, __func__, "no memory for a name");
}

static enum rc put_names(X509 *x, struct str uri, const struct str *more, size_t n_more,
			 struct err *e)
{
	AUTO_NAMES names = GENERAL_NAMES_new();

	if (!names || !add_name(names, GEN_URI, string_of(V_ASN1_IA5STRING, uri.p, uri.n))) {
		FAIL(e, RC_NOMEM, "no memory for a name");
	}
	for (size_t i = 0; i < n_more; i++) {
		TRY(add_server_name(names, more[i], e));
	}
	if (X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) != 1) {
		return fail_ssl(e, "name a certificate");
	}
	return RC_OK;
}

/* Certificates. */

static bool extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool is_ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	is_ok = ext && X509_add_ext(x, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return is_ok;
}

static bool set_serial(X509 *x)
{
	unsigned char bytes[SERIAL_BYTES];
	BIGNUM *n;
	bool is_ok;

	rand_bytes(bytes, sizeof(bytes));
	bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive, of full length */
	n = BN_bin2bn(bytes, sizeof(bytes), NULL);
	is_ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
	BN_free(n);
	return is_ok;
}

static bool set_times(X509 *x, uint64_t now_s, uint64_t valid_s, const X509 *issuer)
{
	time_t end_s;

	if (valid_s > INT64_MAX - now_s) {
		return false;
	}
	end_s = (time_t)(now_s + valid_s);
	if (!ASN1_TIME_set(X509_getm_notBefore(x), (time_t)now_s - BACKDATE_S)) {
		return false;
	}
	if (issuer && ASN1_TIME_cmp_time_t(X509_get0_notAfter(issuer), end_s) < 0) {
		return X509_set1_notAfter(x, X509_get0_notAfter(issuer)) == 1; /* (2) */
	}
	return ASN1_TIME_set(X509_getm_notAfter(x), end_s) != NULL;
}

/* Version, serial, times, names and key: what is common to all. issuer NULL = itself. */
static X509 *new_cert(EVP_PKEY *key, const char *common_name, uint64_t now_s, uint64_t valid_s,
		      const X509 *issuer)
{
	AUTO_CERT x = X509_new();
	X509_NAME *subject = x ? X509_get_subject_name(x) : NULL;

	if (!subject || X509_set_version(x, X509_VERSION_3) != 1 || !set_serial(x) ||
	    !set_times(x, now_s, valid_s, issuer) ||
	    X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC, (const unsigned char *)"Remit",
				       -1, -1, 0) != 1 ||
	    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
				       (const unsigned char *)common_name, -1, -1, 0) != 1 ||
	    X509_set_issuer_name(x, issuer ? X509_get_subject_name(issuer) : subject) != 1 ||
	    X509_set_pubkey(x, key) != 1) {
		return NULL;
	}
	return TAKE(x);
}

enum rc ca_create(struct str trust_domain, const struct clock *clock, uint64_t valid_s,
		  struct ca **ret, struct err *e)
{
	AUTO_CA ca = mem_calloc(1, sizeof(*ca));
	char uri[300];
	char constraint[300];

	if (!ca) {
		FAIL(e, RC_NOMEM, "no memory for a CA");
	}
	if (!spiffe_is_trust_domain(trust_domain)) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is not a trust domain", STR_ARG(trust_domain));
	}
	memcpy(ca->trust_domain, trust_domain.p, trust_domain.n);
	(void)snprintf(uri, sizeof(uri), "spiffe://%s", ca->trust_domain); /* fits */
	(void)snprintf(constraint, sizeof(constraint), "critical,permitted;URI:%s",
		       ca->trust_domain); /* fits */
	ca->key = EVP_EC_gen("P-256");
	ca->cert = ca->key ? new_cert(ca->key, "development CA", clock_unix_ms(clock) / 1000,
				      valid_s, NULL)
			   : NULL;
	if (!ca->cert) {
		return fail_ssl(e, "make a CA");
	}
	TRY(put_names(ca->cert, str_from(uri), NULL, 0, e));
	if (!extend(ca->cert, ca->cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
	    !extend(ca->cert, ca->cert, NID_key_usage, "critical,keyCertSign,cRLSign") ||
	    !extend(ca->cert, ca->cert, NID_subject_key_identifier, "hash") ||
	    !extend(ca->cert, ca->cert, NID_name_constraints, constraint) ||
	    X509_sign(ca->cert, ca->key, EVP_sha256()) == 0) {
		return fail_ssl(e, "make a CA");
	}
	*ret = TAKE(ca);
	return RC_OK;
}

/* Files. */

static enum rc cert_pem(const X509 *x, struct buf *pem, struct err *e)
{
	AUTO_BIO bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;

	if (!bio || PEM_write_bio_X509(bio, x) != 1) {
		return fail_ssl(e, "write a certificate");
	}
	n = BIO_get_mem_data(bio, &p);
	if (n <= 0 || buf_add(pem, str_of(p, (size_t)n)) != RC_OK) {
		FAIL(e, RC_LIMIT, "no room for a certificate");
	}
	return RC_OK;
}

enum rc ca_bundle(const struct ca *ca, struct buf *pem, struct err *e)
{
	return cert_pem(ca->cert, pem, e);
}

static enum rc save(const X509 *x, EVP_PKEY *key, const char *cert_path, const char *key_path,
		    struct err *e)
{
	AUTO_BUF pem = BUF_INIT(PEM_BYTES);
	AUTO_BIO bio = BIO_new(BIO_s_secmem()); /* wiped when freed */
	char *p = NULL;
	long n;

	if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1) {
		return fail_ssl(e, "write a key");
	}
	n = BIO_get_mem_data(bio, &p);
	MUST(n > 0);
	TRY(cert_pem(x, &pem, e));
	/* The key first: a certificate without its key is worth nothing to anyone. */
	TRY(file_replace(key_path, str_of(p, (size_t)n), 0600, e));
	return file_replace(cert_path, buf_view(&pem), 0644, e);
}

enum rc ca_save(const struct ca *ca, const char *cert_path, const char *key_path, struct err *e)
{
	return save(ca->cert, ca->key, cert_path, key_path, e);
}

/* The trust domain from the CA's own SPIFFE ID. */
static enum rc read_trust_domain(struct ca *ca, const char *path, struct err *e)
{
	AUTO_NAMES names = X509_get_ext_d2i(ca->cert, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const ASN1_STRING *uri = name->d.uniformResourceIdentifier;
		struct spiffe_id id;

		if (name->type == GEN_URI &&
		    spiffe_parse(
			str_of(ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri)), &id,
			NULL) == RC_OK &&
		    id.path.n == 0) {
			memcpy(ca->trust_domain, id.trust_domain.p, id.trust_domain.n);
			return RC_OK;
		}
	}
	FAIL(e, RC_INPUT, "'%s' is not the certificate of a trust domain's CA", path);
}

enum rc ca_load(const char *cert_path, const char *key_path, struct ca **ret, struct err *e)
{
	AUTO_CA ca = mem_calloc(1, sizeof(*ca));
	AUTO_BIO cert = BIO_new_file(cert_path, "re");
	AUTO_BIO key = BIO_new_file(key_path, "re");

	if (!ca) {
		FAIL(e, RC_NOMEM, "no memory for a CA");
	}
	ca->cert = cert ? PEM_read_bio_X509(cert, NULL, NULL, NULL) : NULL;
	ca->key = key ? PEM_read_bio_PrivateKey(key, NULL, NULL, NULL) : NULL;
	ERR_clear_error();
	if (!ca->cert) {
		FAIL(e, RC_INPUT, "cannot read a certificate from '%s'", cert_path);
	}
	if (!ca->key || X509_check_private_key(ca->cert, ca->key) != 1) {
		ERR_clear_error();
		FAIL(e, RC_INPUT, "cannot read the key of '%s' from '%s'", cert_path, key_path);
	}
	TRY(read_trust_domain(ca, cert_path, e));
	*ret = TAKE(ca);
	return RC_OK;
}

enum rc ca_issue(const struct ca *ca, const struct clock *clock, const struct ca_request *request,
		 struct err *e)
{
	AUTO_KEY key = NULL;
	AUTO_CERT x = NULL;
	struct spiffe_id id;

	TRY(spiffe_parse_workload(request->spiffe_id, &id, e));
	if (!str_eq(id.trust_domain, ca_trust_domain(ca))) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is not in trust domain '%s'", STR_ARG(id.text),
		     ca->trust_domain); /* (2) */
	}
	ERR_clear_error();
	key = EVP_EC_gen("P-256");
	x = key ? new_cert(key, "workload", clock_unix_ms(clock) / 1000, request->valid_s, ca->cert)
		: NULL;
	if (!x) {
		return fail_ssl(e, "make a certificate");
	}
	TRY(put_names(x, id.text, request->names, request->n_names, e));
	if (!extend(x, ca->cert, NID_basic_constraints, "critical,CA:FALSE") ||
	    !extend(x, ca->cert, NID_key_usage, "critical,digitalSignature") ||
	    !extend(x, ca->cert, NID_ext_key_usage, "serverAuth,clientAuth") ||
	    !extend(x, ca->cert, NID_subject_key_identifier, "hash") ||
	    !extend(x, ca->cert, NID_authority_key_identifier, "keyid") ||
	    X509_sign(x, ca->key, EVP_sha256()) == 0) {
		return fail_ssl(e, "sign a certificate");
	}
	return save(x, key, request->cert_path, request->key_path, e);
}
