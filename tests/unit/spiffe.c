/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/limits.h"
#include "identity/spiffe.h"

struct example {
	const char *text;
	const char *trust_domain; /* NULL = refused */
	const char *path;
};

static void ids_are_parsed_by_the_letter(void **state)
{
	(void)state;
	static const struct example table[] = {
	    {"spiffe://trustdomain", "trustdomain", ""},
	    {"spiffe://trustdomain/path", "trustdomain", "/path"},
	    {"spiffe://trustdomain/path1/path2", "trustdomain", "/path1/path2"},
	    {"spiffe://1.2.3.4/service", "1.2.3.4", "/service"},
	    {"spiffe://_-./x", "_-.", "/x"},
	    {"spiffe://../x", "..", "/x"},
	    {"spiffe://td/...", "td", "/..."},
	    {"spiffe://td/..x", "td", "/..x"},
	    {"spiffe://td/x../A_b-C.9", "td", "/x../A_b-C.9"},
	    {"", NULL, NULL},
	    {"spiffe://", NULL, NULL},
	    {"spiffe:///path", NULL, NULL},
	    {"spiffe:/td/path", NULL, NULL},
	    {"Spiffe://td/path", NULL, NULL},
	    {"SPIFFE://td/path", NULL, NULL},
	    {"http://td/path", NULL, NULL},
	    {"//td/path", NULL, NULL},
	    {"td/path", NULL, NULL},
	    {" spiffe://td/path", NULL, NULL},
	    {"spiffe://td/path ", NULL, NULL},
	    {"spiffe://Td/path", NULL, NULL},
	    {"spiffe://td:80/path", NULL, NULL},
	    {"spiffe://user@td/path", NULL, NULL},
	    {"spiffe://td/path?q", NULL, NULL},
	    {"spiffe://td/path#f", NULL, NULL},
	    {"spiffe://td?q", NULL, NULL},
	    {"spiffe://td%20/path", NULL, NULL},
	    {"spiffe://td/%41", NULL, NULL},
	    {"spiffe://td/", NULL, NULL},
	    {"spiffe://td//", NULL, NULL},
	    {"spiffe://td//path", NULL, NULL},
	    {"spiffe://td/path/", NULL, NULL},
	    {"spiffe://td/path//other", NULL, NULL},
	    {"spiffe://td/.", NULL, NULL},
	    {"spiffe://td/./path", NULL, NULL},
	    {"spiffe://td/..", NULL, NULL},
	    {"spiffe://td/path/../other", NULL, NULL},
	    {"spiffe://[::1]/path", NULL, NULL},
	    {"spiffe://\xc3\xa4/path", NULL, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct spiffe_id id;
		enum rc rc = spiffe_parse(str_from(table[i].text), &id, NULL);

		if ((rc == RC_OK) != (table[i].trust_domain != NULL)) {
			fail_msg("'%s': %s", table[i].text, rc_text(rc));
		}
		if (rc == RC_OK) {
			assert_str(id.text, table[i].text);
			assert_str(id.trust_domain, table[i].trust_domain);
			assert_str(id.path, table[i].path);
		}
	}
}

static bool is_one_of(int c, const char *set)
{
	return c != 0 && strchr(set, c) != NULL;
}

static void every_byte_value_is_judged_in_both_places(void **state)
{
	(void)state;
	static const char lower[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_";
	static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	for (int c = 0; c < 256; c++) {
		char in_domain[] = "spiffe://t?d/path";
		char in_path[] = "spiffe://td/pa?th";
		char last[] = "spiffe://td/path?";
		bool domain_ok = is_one_of(c, lower);
		bool path_ok = domain_ok || is_one_of(c, upper);
		struct spiffe_id id;

		*strchr(in_domain, '?') = (char)c;
		*strchr(in_path, '?') = (char)c;
		*strchr(last, '?') = (char)c;
		/* A slash in the trust domain only begins the path earlier. */
		assert_int_equal(
		    spiffe_parse(str_of(in_domain, sizeof(in_domain) - 1), &id, NULL) == RC_OK,
		    domain_ok || c == '/');
		assert_int_equal(spiffe_parse(str_of(in_path, sizeof(in_path) - 1), &id, NULL) ==
				     RC_OK,
				 path_ok || c == '/');
		assert_int_equal(spiffe_parse(str_of(last, sizeof(last) - 1), &id, NULL) == RC_OK,
				 path_ok);
	}
}

static void lengths_are_bounded(void **state)
{
	(void)state;
	static char text[LIMIT_SPIFFE_ID_BYTES + 2];
	struct spiffe_id id;

	memset(text, 'a', sizeof(text));
	memcpy(text, "spiffe://", 9);
	assert_ok(spiffe_parse(str_of(text, 9 + 255), &id, NULL));
	assert_rc(spiffe_parse(str_of(text, 9 + 256), &id, NULL), RC_INPUT);
	text[9 + 255] = '/';
	assert_ok(spiffe_parse(str_of(text, LIMIT_SPIFFE_ID_BYTES), &id, NULL));
	assert_rc(spiffe_parse(str_of(text, LIMIT_SPIFFE_ID_BYTES + 1), &id, NULL), RC_LIMIT);
}

static void a_workload_has_a_path(void **state)
{
	(void)state;
	struct spiffe_id id;

	assert_ok(spiffe_parse_workload(STR("spiffe://td/a"), &id, NULL));
	assert_rc(spiffe_parse_workload(STR("spiffe://td"), &id, NULL), RC_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ids_are_parsed_by_the_letter),
	    cmocka_unit_test(every_byte_value_is_judged_in_both_places),
	    cmocka_unit_test(lengths_are_bounded),
	    cmocka_unit_test(a_workload_has_a_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
