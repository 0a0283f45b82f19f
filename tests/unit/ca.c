/* SPDX-License-Identifier: Apache-2.0 */
#include "pki.h"

#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "identity/ca.h"
#include "identity/x509_svid.h"

static char dir[] = "/tmp/remit-test-ca-XXXXXX";
static char cert_path[64];
static char key_path[64];
static struct clock the_clock;

static int set_up(void **state)
{
	(void)state;
	the_clock = clock_system();
	assert_non_null(mkdtemp(dir));
	(void)snprintf(cert_path, sizeof(cert_path), "%s/c.pem", dir);
	(void)snprintf(key_path, sizeof(key_path), "%s/c.key", dir);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(cert_path);
	unlink(key_path);
	return rmdir(dir);
}

static struct ca *new_ca(uint64_t valid_s)
{
	struct ca *ca = NULL;
	struct err e = ERR_INIT;

	if (ca_create(STR("remit.test"), &the_clock, valid_s, &ca, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	return ca;
}

static struct x509_trust *trust_of(const struct ca *ca)
{
	struct x509_trust *t = NULL;
	AUTO_BUF pem = BUF_INIT(65536);

	assert_ok(ca_bundle(ca, &pem, NULL));
	assert_ok(x509_trust_new(1, &t, NULL));
	assert_ok(x509_trust_add(t, ca_trust_domain(ca), buf_view(&pem), NULL));
	return t;
}

static X509 *read_cert(void)
{
	FILE *f = fopen(cert_path, "re");
	X509 *x;

	assert_non_null(f);
	x = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	assert_non_null(x);
	return x;
}

static struct ca_request request(const char *id)
{
	return (struct ca_request){
	    .spiffe_id = str_from(id),
	    .valid_s = 600,
	    .cert_path = cert_path,
	    .key_path = key_path,
	};
}

static void what_it_issues_is_accepted_under_its_bundle(void **state)
{
	(void)state;
	static const struct str names[] = {STR("gateway.test"), STR("127.0.0.1"), STR("::1")};
	struct ca *ca = new_ca(3600);
	struct ca *other = new_ca(3600);
	struct x509_trust *t = trust_of(ca);
	struct x509_trust *wrong = trust_of(other);
	struct ca_request r = request("spiffe://remit.test/gateway");
	struct x509_svid svid = {0};
	uint64_t now_s = clock_unix_ms(&the_clock) / 1000;
	struct err e = ERR_INIT;
	X509 *x;

	r.names = names;
	r.n_names = ARRAY_LEN(names);
	assert_ok(ca_issue(ca, &the_clock, &r, &e));
	x = read_cert();
	if (x509_svid_verify(t, X509_SVID_SERVER, x, NULL, now_s, &svid, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	assert_string_equal(svid.id, "spiffe://remit.test/gateway");
	assert_in_range(svid.not_after_unix_s, now_s + 590, now_s + 610);
	assert_int_equal(strlen(svid.serial), 32);
	assert_int_equal(X509_check_host(x, "gateway.test", 0, 0, NULL), 1);
	assert_int_equal(X509_check_ip_asc(x, "127.0.0.1", 0), 1);
	assert_int_equal(X509_check_ip_asc(x, "::1", 0), 1);
	assert_int_equal(X509_check_host(x, "other.test", 0, 0, NULL), 0);
	x509_svid_fini(&svid);
	assert_rc(x509_svid_verify(wrong, X509_SVID_SERVER, x, NULL, now_s, &svid, &e), RC_DENIED);
	X509_free(x);
	x509_trust_unref(t);
	x509_trust_unref(wrong);
	ca_free(ca);
	ca_free(other);
}

static void keys_are_readable_by_their_owner_only(void **state)
{
	(void)state;
	struct ca *ca = new_ca(3600);
	struct ca_request r = request("spiffe://remit.test/a");
	struct stat st;
	mode_t before = umask(0);

	assert_ok(ca_issue(ca, &the_clock, &r, NULL));
	assert_int_equal(stat(key_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(cert_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_ok(ca_save(ca, cert_path, key_path, NULL));
	assert_int_equal(stat(key_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	(void)umask(before);
	ca_free(ca);
}

static void a_saved_ca_goes_on_issuing(void **state)
{
	(void)state;
	struct ca *ca = new_ca(3600);
	struct ca *again = NULL;
	struct x509_trust *t = trust_of(ca);
	struct ca_request r = request("spiffe://remit.test/a");
	struct x509_svid svid = {0};
	struct err e = ERR_INIT;
	X509 *x;

	assert_ok(ca_save(ca, cert_path, key_path, &e));
	assert_ok(ca_load(cert_path, key_path, &again, &e));
	assert_str(ca_trust_domain(again), "remit.test");
	assert_ok(ca_issue(again, &the_clock, &r, &e));
	x = read_cert();
	assert_ok(x509_svid_verify(t, X509_SVID_CLIENT, x, NULL, clock_unix_ms(&the_clock) / 1000,
				   &svid, &e));
	x509_svid_fini(&svid);
	X509_free(x);
	/* What was just issued is no CA. */
	assert_rc(ca_load(cert_path, key_path, &again, &e), RC_INPUT);
	assert_rc(ca_load("/nonexistent", key_path, &again, &e), RC_INPUT);
	x509_trust_unref(t);
	ca_free(ca);
	ca_free(again);
}

static void nothing_is_signed_that_should_not_be(void **state)
{
	(void)state;
	static const char *const bad[] = {"spiffe://other.test/a", "spiffe://remit.test",
					  "spiffe://remit.test/", "https://remit.test/a", ""};
	static const struct str bad_names[] = {STR(""), STR("a b"), STR("-x"), STR("*.test"),
					       STR("a\0b")};
	struct ca *ca = new_ca(3600);
	struct ca_request r = request("spiffe://remit.test/a");
	struct ca *none = NULL;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct ca_request b = request(bad[i]);

		assert_rc(ca_issue(ca, &the_clock, &b, NULL), RC_INPUT);
	}
	r.n_names = 1;
	for (size_t i = 0; i < ARRAY_LEN(bad_names); i++) {
		r.names = &bad_names[i];
		assert_rc(ca_issue(ca, &the_clock, &r, NULL), RC_INPUT);
	}
	r.n_names = 0;
	assert_ok(ca_issue(ca, &the_clock, &r, NULL));
	assert_rc(ca_create(STR("No Domain"), &the_clock, 60, &none, NULL), RC_INPUT);
	ca_free(ca);
}

static void nothing_outlives_the_ca(void **state)
{
	(void)state;
	struct ca *ca = new_ca(100);
	struct x509_trust *t = trust_of(ca);
	struct ca_request r = request("spiffe://remit.test/a");
	uint64_t now_s = clock_unix_ms(&the_clock) / 1000;
	struct x509_svid svid = {0};
	X509 *x;

	assert_ok(ca_issue(ca, &the_clock, &r, NULL));
	x = read_cert();
	assert_ok(x509_svid_verify(t, X509_SVID_CLIENT, x, NULL, now_s, &svid, NULL));
	assert_true(svid.not_after_unix_s <= now_s + 101);
	x509_svid_fini(&svid);
	X509_free(x);
	x509_trust_unref(t);
	ca_free(ca);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_it_issues_is_accepted_under_its_bundle),
	    cmocka_unit_test(keys_are_readable_by_their_owner_only),
	    cmocka_unit_test(a_saved_ca_goes_on_issuing),
	    cmocka_unit_test(nothing_is_signed_that_should_not_be),
	    cmocka_unit_test(nothing_outlives_the_ca),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
