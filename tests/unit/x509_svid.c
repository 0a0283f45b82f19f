/* SPDX-License-Identifier: Apache-2.0 */
#include "pki.h"

#include <time.h>

#include "base/buf.h"
#include "identity/x509_svid.h"

#define ID "spiffe://td.test/agent/a1"

static struct pki_cert ca;	 /* of td.test */
static struct pki_cert other_ca; /* of other.test */
static struct x509_trust *trust;

static void bundle(const struct pki_cert *c, struct buf *pem)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;

	assert_int_equal(PEM_write_bio_X509(bio, c->x509), 1);
	n = BIO_get_mem_data(bio, &p);
	assert_ok(buf_add(pem, str_of(p, (size_t)n)));
	BIO_free(bio);
}

static void trust_one(struct x509_trust *t, const char *domain, const struct pki_cert *c)
{
	AUTO_BUF pem = BUF_INIT(65536);
	struct err e = ERR_INIT;

	bundle(c, &pem);
	if (x509_trust_add(t, str_from(domain), buf_view(&pem), &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
}

static int set_up(void **state)
{
	(void)state;
	ca = pki_issue(&PKI_CA_SPEC, NULL);
	other_ca = pki_issue(&PKI_CA_SPEC, NULL);
	assert_ok(x509_trust_new(7, &trust, NULL));
	trust_one(trust, "td.test", &ca);
	trust_one(trust, "other.test", &other_ca);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	x509_trust_unref(trust);
	pki_free(&ca);
	pki_free(&other_ca);
	return 0;
}

static enum rc verify(const struct pki_cert *c, STACK_OF(X509) * untrusted, struct err *e)
{
	struct x509_svid svid = {0};
	enum rc rc = x509_svid_verify(trust, X509_SVID_CLIENT, c->x509, untrusted,
				      (uint64_t)time(NULL), &svid, e);

	x509_svid_fini(&svid);
	return rc;
}

/* One rule, broken on purpose; the same certificate with the rule kept is accepted. */
struct rule {
	const char *what;
	struct pki_spec spec;
	const char *why; /* part of the reason; NULL = accepted */
};

static const struct rule rules[] = {
    {"the control", PKI_LEAF_SPEC("URI:" ID), NULL},
    {"two URI names", PKI_LEAF_SPEC("URI:" ID ",URI:spiffe://td.test/b"), "2 URI names"},
    {"the same URI name twice", PKI_LEAF_SPEC("URI:" ID ",URI:" ID), "2 URI names"},
    {"a second URI that is no SPIFFE ID", PKI_LEAF_SPEC("URI:" ID ",URI:https://x/"),
     "2 URI names"},
    {"one URI name and DNS names", PKI_LEAF_SPEC("URI:" ID ",DNS:a.test,DNS:b.test"), NULL},
    {"no URI name", PKI_LEAF_SPEC("DNS:a.test"), "0 URI names"},
    {"no names", PKI_LEAF_SPEC(NULL), "no readable alternative name"},
    {"another scheme", PKI_LEAF_SPEC("URI:https://td.test/a"), "not the SPIFFE ID"},
    {"upper case in the trust domain", PKI_LEAF_SPEC("URI:spiffe://TD.test/a"),
     "not the SPIFFE ID"},
    {"no path", PKI_LEAF_SPEC("URI:spiffe://td.test"), "not the SPIFFE ID"},
    {"an unknown trust domain", PKI_LEAF_SPEC("URI:spiffe://unknown.test/a"),
     "'unknown.test' is not trusted"},
    {"a trust domain of another CA", PKI_LEAF_SPEC("URI:spiffe://other.test/a"), "not trusted: "},
    {"a CA",
     {.common_name = "x",
      .san = "URI:" ID,
      .basic = "critical,CA:TRUE",
      .usage = "critical,digitalSignature"},
     "that of a CA"},
    {"no basic constraints",
     {.common_name = "x", .san = "URI:" ID, .usage = "critical,digitalSignature"},
     NULL},
    {"no key usage",
     {.common_name = "x", .san = "URI:" ID, .basic = "critical,CA:FALSE"},
     "key usage is missing"},
    {"key usage not critical",
     {.common_name = "x", .san = "URI:" ID, .basic = "CA:FALSE", .usage = "digitalSignature"},
     "not critical"},
    {"no digitalSignature",
     {.common_name = "x", .san = "URI:" ID, .usage = "critical,keyAgreement"},
     "not that of a leaf"},
    {"keyCertSign",
     {.common_name = "x",
      .san = "URI:" ID,
      .basic = "critical,CA:FALSE",
      .usage = "critical,digitalSignature,keyCertSign"},
     "not that of a leaf"},
    {"cRLSign",
     {.common_name = "x", .san = "URI:" ID, .usage = "critical,digitalSignature,cRLSign"},
     "not that of a leaf"},
    {"more key usage that does no harm",
     {.common_name = "x",
      .san = "URI:" ID,
      .usage = "critical,digitalSignature,keyEncipherment,keyAgreement"},
     NULL},
    {"no extended key usage",
     {.common_name = "x", .san = "URI:" ID, .usage = "critical,digitalSignature"},
     NULL},
    {"serverAuth only",
     {.common_name = "x",
      .san = "URI:" ID,
      .usage = "critical,digitalSignature",
      .extended = "serverAuth"},
     "lacks serverAuth or clientAuth"},
    {"clientAuth only",
     {.common_name = "x",
      .san = "URI:" ID,
      .usage = "critical,digitalSignature",
      .extended = "clientAuth"},
     "lacks serverAuth or clientAuth"},
    {"neither, but something else",
     {.common_name = "x",
      .san = "URI:" ID,
      .usage = "critical,digitalSignature",
      .extended = "codeSigning"},
     "lacks serverAuth or clientAuth"},
    {"empty subject, critical names",
     {.san = "critical,URI:" ID, .usage = "critical,digitalSignature"},
     NULL},
    {"empty subject, names not critical",
     {.san = "URI:" ID, .usage = "critical,digitalSignature"},
     "neither a subject nor critical names"},
    {"expired",
     {.common_name = "x",
      .san = "URI:" ID,
      .usage = "critical,digitalSignature",
      .from_s = -7200,
      .to_s = -3600},
     "expired"},
    {"not yet valid",
     {.common_name = "x",
      .san = "URI:" ID,
      .usage = "critical,digitalSignature",
      .from_s = 3600,
      .to_s = 7200},
     "not yet valid"},
};

static void each_rule_of_a_leaf_is_enforced(void **state)
{
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		struct pki_cert leaf = pki_issue(&rules[i].spec, &ca);
		struct err e = ERR_INIT;
		enum rc rc = verify(&leaf, NULL, &e);

		if (rules[i].why ? rc != RC_DENIED || !strstr(e.msg, rules[i].why) : rc != RC_OK) {
			fail_msg("%s: %s (%s)", rules[i].what, rc_text(rc), e.msg);
		}
		pki_free(&leaf);
	}
}

static void a_good_certificate_is_described(void **state)
{
	(void)state;
	struct pki_cert leaf = pki_issue(&PKI_LEAF_SPEC("URI:" ID), &ca);
	struct pki_cert again = pki_issue(&PKI_LEAF_SPEC("URI:" ID), &ca);
	struct x509_svid svid = {0};
	struct x509_svid other = {0};
	uint64_t now_s = (uint64_t)time(NULL);
	struct err e = ERR_INIT;

	assert_ok(x509_svid_verify(trust, X509_SVID_CLIENT, leaf.x509, NULL, now_s, &svid, &e));
	assert_ok(x509_svid_verify(trust, X509_SVID_SERVER, again.x509, NULL, now_s, &other, &e));
	assert_string_equal(svid.id, ID);
	assert_true(svid.not_after_unix_s > now_s && svid.not_after_unix_s <= now_s + 3600);
	assert_true(svid.not_before_unix_s <= now_s);
	assert_int_equal(svid.generation, 7);
	assert_true(strlen(svid.serial) >= 2);
	assert_string_not_equal(svid.serial, other.serial);
	assert_memory_not_equal(svid.key_sha256, other.key_sha256, 32); /* another key */

	assert_true(x509_svid_is_current(&svid, trust, now_s));
	assert_false(x509_svid_is_current(&svid, trust, svid.not_after_unix_s));
	assert_true(x509_svid_is_current(&svid, trust, svid.not_after_unix_s - 1));
	assert_false(x509_svid_is_current(&svid, trust, svid.not_before_unix_s - 1));
	svid.generation--;
	assert_false(x509_svid_is_current(&svid, trust, now_s));
	x509_svid_fini(&svid);
	x509_svid_fini(&svid);
	assert_false(x509_svid_is_current(&svid, trust, now_s)); /* nothing is not current */
	x509_svid_fini(&other);
	pki_free(&leaf);
	pki_free(&again);
}

/* An intermediate under the CA, and a leaf under it. */
static enum rc verify_through(const struct pki_spec *middle_spec, const char *san, struct err *e)
{
	struct pki_cert middle = pki_issue(middle_spec, &ca);
	struct pki_cert leaf = pki_issue(&PKI_LEAF_SPEC(san), &middle);
	STACK_OF(X509) *untrusted = sk_X509_new_null();
	enum rc rc;

	assert_true(sk_X509_push(untrusted, middle.x509) > 0);
	rc = verify(&leaf, untrusted, e);
	sk_X509_free(untrusted);
	pki_free(&middle);
	pki_free(&leaf);
	return rc;
}

static void intermediates_must_be_allowed_to_sign(void **state)
{
	(void)state;
	struct pki_spec good = PKI_CA_SPEC;
	struct pki_spec spec;
	struct err e = ERR_INIT;

	good.common_name = "middle";
	assert_ok(verify_through(&good, "URI:" ID, &e));
	good.san = "URI:spiffe://td.test";
	assert_ok(verify_through(&good, "URI:" ID, &e));

	spec = good;
	spec.basic = "critical,CA:FALSE";
	assert_rc(verify_through(&spec, "URI:" ID, &e), RC_DENIED);
	spec = good;
	spec.usage = NULL;
	assert_rc(verify_through(&spec, "URI:" ID, &e), RC_DENIED);
	spec = good;
	spec.usage = "critical,cRLSign";
	assert_rc(verify_through(&spec, "URI:" ID, &e), RC_DENIED);
	spec = good;
	spec.san = "URI:spiffe://td.test/path";
	assert_rc(verify_through(&spec, "URI:" ID, &e), RC_DENIED);
	assert_non_null(strstr(e.msg, "ID of a workload"));
	/* A leaf that signs another: the classic. */
	assert_rc(verify_through(&PKI_LEAF_SPEC("URI:" ID), "URI:spiffe://td.test/root", &e),
		  RC_DENIED);
}

static void name_constraints_hold(void **state)
{
	(void)state;
	struct pki_spec spec = PKI_CA_SPEC;
	struct err e = ERR_INIT;

	spec.common_name = "constrained";
	spec.constraints = "critical,permitted;URI:td.test";
	assert_ok(verify_through(&spec, "URI:" ID, &e));
	spec.constraints = "critical,permitted;URI:elsewhere.test";
	assert_rc(verify_through(&spec, "URI:" ID, &e), RC_DENIED);
}

static void trust_domains_are_never_merged(void **state)
{
	(void)state;
	struct pki_cert mine = pki_issue(&PKI_LEAF_SPEC("URI:" ID), &ca);
	struct pki_cert theirs = pki_issue(&PKI_LEAF_SPEC("URI:spiffe://other.test/a"), &other_ca);
	struct pki_cert forged = pki_issue(&PKI_LEAF_SPEC("URI:" ID), &other_ca);
	STACK_OF(X509) *untrusted = sk_X509_new_null();

	assert_true(sk_X509_push(untrusted, other_ca.x509) > 0);
	for (int i = 0; i < 2; i++) { /* in either order, and again */
		assert_ok(verify(&mine, NULL, NULL));
		assert_ok(verify(&theirs, NULL, NULL));
		assert_rc(verify(&forged, NULL, NULL), RC_DENIED);
		assert_rc(verify(&forged, untrusted, NULL), RC_DENIED);
	}
	sk_X509_free(untrusted);
	pki_free(&mine);
	pki_free(&theirs);
	pki_free(&forged);
}

static void a_bundle_may_hold_a_ca_that_is_not_self_signed(void **state)
{
	(void)state;
	struct pki_spec spec = PKI_CA_SPEC;
	struct pki_cert middle;
	struct pki_cert leaf;
	struct x509_trust *t = NULL;
	struct x509_svid svid = {0};

	spec.common_name = "middle";
	middle = pki_issue(&spec, &ca);
	leaf = pki_issue(&PKI_LEAF_SPEC("URI:" ID), &middle);
	assert_ok(x509_trust_new(1, &t, NULL));
	trust_one(t, "td.test", &middle);
	assert_ok(x509_svid_verify(t, X509_SVID_CLIENT, leaf.x509, NULL, (uint64_t)time(NULL),
				   &svid, NULL));
	x509_svid_fini(&svid);
	x509_trust_unref(t);
	pki_free(&middle);
	pki_free(&leaf);
}

static void a_bundle_holds_cas_and_nothing_else(void **state)
{
	(void)state;
	struct pki_cert leaf = pki_issue(&PKI_LEAF_SPEC("URI:" ID), &ca);
	struct x509_trust *t = NULL;
	AUTO_BUF pem = BUF_INIT(65536);
	struct err e = ERR_INIT;

	assert_ok(x509_trust_new(1, &t, NULL));
	assert_rc(x509_trust_add(t, STR("td.test"), STR(""), &e), RC_INPUT);
	assert_rc(x509_trust_add(t, STR("td.test"), STR("rubbish"), &e), RC_INPUT);
	bundle(&leaf, &pem);
	assert_rc(x509_trust_add(t, STR("td.test"), buf_view(&pem), &e), RC_INPUT);
	assert_non_null(strstr(e.msg, "not a CA"));
	buf_reset(&pem);
	bundle(&ca, &pem);
	bundle(&other_ca, &pem);
	assert_rc(x509_trust_add(t, STR("Td.test"), buf_view(&pem), &e), RC_INPUT);
	assert_ok(x509_trust_add(t, STR("td.test"), buf_view(&pem), &e));
	assert_rc(x509_trust_add(t, STR("td.test"), buf_view(&pem), &e), RC_INPUT);
	assert_non_null(strstr(e.msg, "two bundles"));
	/* A good one, then a broken one: nothing is dropped silently. */
	assert_ok(buf_add(&pem, STR("-----BEGIN CERTIFICATE-----\nAAAA\n")));
	assert_rc(x509_trust_add(t, STR("b.test"), buf_view(&pem), &e), RC_INPUT);
	assert_non_null(strstr(e.msg, "certificate 3"));
	x509_trust_unref(t);
	pki_free(&leaf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_rule_of_a_leaf_is_enforced),
	    cmocka_unit_test(a_good_certificate_is_described),
	    cmocka_unit_test(intermediates_must_be_allowed_to_sign),
	    cmocka_unit_test(name_constraints_hold),
	    cmocka_unit_test(trust_domains_are_never_merged),
	    cmocka_unit_test(a_bundle_may_hold_a_ca_that_is_not_self_signed),
	    cmocka_unit_test(a_bundle_holds_cas_and_nothing_else),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
