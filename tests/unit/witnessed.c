/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of witnesses' last cosignatures. */
#include "test.h"

#include "front/witnessed.h"

enum { S = 1000000000 };

static struct witnessed w;
static struct buf out = BUF_INIT(1 << 20);

static int fresh(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	buf_reset(&out);
	return 0;
}

static void hear(const char *name, uint64_t boot_ns)
{
	const struct msg_witness_seen m = {.name = str_from(name), .boot_ns = boot_ns};

	witnessed_hear(&w, &m);
}

static void says_metrics(uint64_t now_ns, const char *want)
{
	buf_reset(&out);
	assert_ok(witnessed_metrics(&w, now_ns, &out));
	assert_str(buf_view(&out), want);
}

static void without_witnesses_nothing_is_said(void **state)
{
	(void)state;
	says_metrics(5, "");
	assert_ok(witnessed_lines(&w, 5, &out));
	assert_str(buf_view(&out), "");
}

static void ages_grow_and_who_never_cosigned_has_none(void **state)
{
	(void)state;
	hear("north", 0);
	hear("south", 0);
	hear("north", 10ULL * S);
	says_metrics(10ULL * S, "# TYPE remit_witness_cosigned_age_seconds gauge\n"
				"remit_witness_cosigned_age_seconds{witness=\"north\"} 0\n");
	says_metrics(74ULL * S, "# TYPE remit_witness_cosigned_age_seconds gauge\n"
				"remit_witness_cosigned_age_seconds{witness=\"north\"} 64\n");
	buf_reset(&out);
	assert_ok(witnessed_lines(&w, 74ULL * S, &out));
	assert_str(buf_view(&out), "witness north: cosigned 64 s ago\n"
				   "witness south: has not cosigned\n");
}

static void what_a_new_governor_does_not_know_stays(void **state)
{
	(void)state;
	hear("north", 10ULL * S);
	hear("north", 0);
	says_metrics(12ULL * S, "# TYPE remit_witness_cosigned_age_seconds gauge\n"
				"remit_witness_cosigned_age_seconds{witness=\"north\"} 2\n");
}

static void a_name_breaks_no_line(void **state)
{
	(void)state;
	hear("a\"b\\c", 1);
	says_metrics(1, "# TYPE remit_witness_cosigned_age_seconds gauge\n"
			"remit_witness_cosigned_age_seconds{witness=\"a\\\"b\\\\c\"} 0\n");
	hear("d\ne", 1);
	buf_reset(&out);
	assert_ok(witnessed_lines(&w, 1, &out));
	assert_str(buf_view(&out), "witness a\\\"b\\\\c: cosigned 0 s ago\n"
				   "witness d\\ne: cosigned 0 s ago\n");
}

static void as_many_fit_as_a_policy_has(void **state)
{
	(void)state;
	char name[32];

	for (int i = 0; i < TLOG_POLICY_MAX_WITNESSES + 3; i++) {
		(void)snprintf(name, sizeof(name), "w%d", i);
		hear(name, 1);
	}
	assert_int_equal(w.n, TLOG_POLICY_MAX_WITNESSES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(without_witnesses_nothing_is_said, fresh),
	    cmocka_unit_test_setup(ages_grow_and_who_never_cosigned_has_none, fresh),
	    cmocka_unit_test_setup(what_a_new_governor_does_not_know_stays, fresh),
	    cmocka_unit_test_setup(a_name_breaks_no_line, fresh),
	    cmocka_unit_test_setup(as_many_fit_as_a_policy_has, fresh),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	buf_fini(&out);
	return failed;
}
