/* SPDX-License-Identifier: Apache-2.0 */
/* Witness policies: their grammar, whom they need, and which checkpoints they accept. */
#include "test.h"

#include <tlog.h>

#define LOG_NAME "audit.example/gw1"

static uint8_t seed_of_log[32] = {1};

/* The key of witness number i. */
static void seed_of(unsigned i, uint8_t seed[32])
{
	memset(seed, 0, 32);
	seed[0] = (uint8_t)(100 + i);
}

static void key_of(unsigned i, struct tlog_vkey *ret)
{
	uint8_t seed[32];
	char name[32];

	seed_of(i, seed);
	(void)snprintf(name, sizeof(name), "w%u.example", i);
	assert_ok(tlog_vkey_from_seed(ret, str_from(name), TLOG_KEY_COSIGNATURE, seed, NULL));
}

/* Text with %0 to %9 for keys of witnesses and %L for the log's. */
static void expand(struct buf *b, const char *text)
{
	for (const char *p = text; *p; p++) {
		struct tlog_vkey key;

		if (*p != '%') {
			assert_ok(buf_add_char(b, *p));
			continue;
		}
		p++;
		if (*p == 'L') {
			assert_ok(tlog_vkey_from_seed(&key, STR(LOG_NAME), TLOG_KEY_ED25519,
						      seed_of_log, NULL));
		} else {
			key_of((unsigned)(*p - '0'), &key);
		}
		assert_ok(tlog_vkey_print(&key, b));
	}
}

static enum rc parse(const char *text, struct tlog_policy **ret, struct err *e)
{
	AUTO_BUF b = BUF_INIT(65536);

	expand(&b, text);
	return tlog_policy_parse(buf_view(&b), ret, e);
}

static struct tlog_policy *parsed(const char *text)
{
	struct tlog_policy *p = NULL;
	struct err e = ERR_INIT;

	if (parse(text, &p, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	return p;
}

static bool is_met(const struct tlog_policy *p, const char *who)
{
	bool has[TLOG_POLICY_MAX_WITNESSES] = {false};

	for (; *who; who++) {
		has[*who - '0'] = true;
	}
	return tlog_policy_is_met(p, has);
}

static const char TWO_OF_THREE_AND_ANY[] = "# two organizations\n"
					   "log %L https://log.example/\n"
					   "\n"
					   "\twitness X0 %0 https://x0.example/\n"
					   "witness X1 %1\n"
					   "witness  X2\t%2 \n"
					   "group X 2 X0 X1 X2\n"
					   "  # the others\n"
					   "witness Y3 %3\n"
					   "witness Y4 %4\n"
					   "group Y any Y3 Y4\n"
					   "group both all X Y\n"
					   "quorum both\n";

static void groups_count_their_members(void **state)
{
	(void)state;
	AUTO_TLOG_POLICY p = parsed(TWO_OF_THREE_AND_ANY);

	assert_int_equal(tlog_policy_logs(p), 1);
	assert_string_equal(tlog_policy_log(p, 0)->name, LOG_NAME);
	assert_int_equal(tlog_policy_witnesses(p), 5);
	assert_str(tlog_policy_witness(p, 0)->url, "https://x0.example/");
	assert_str(tlog_policy_witness(p, 2)->name, "X2");
	assert_int_equal(tlog_policy_witness(p, 2)->url.n, 0);
	assert_true(is_met(p, "013"));
	assert_true(is_met(p, "0124"));
	assert_true(is_met(p, "01234"));
	assert_false(is_met(p, "03"));
	assert_false(is_met(p, "012"));
	assert_false(is_met(p, "34"));
	assert_false(is_met(p, ""));
}

static void a_quorum_of_nobody_is_always_met(void **state)
{
	(void)state;
	AUTO_TLOG_POLICY p = parsed("witness a %0\nquorum none\n");
	AUTO_TLOG_POLICY one = parsed("witness a %0\nwitness b %1\nquorum b\n");

	assert_true(is_met(p, ""));
	assert_false(is_met(one, "0"));
	assert_true(is_met(one, "1"));
}

static void what_is_no_policy_is_refused_with_its_line(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *says;
	} bad[] = {
	    {"", "newline"},
	    {"quorum none", "newline"},
	    {"witness a %0\n", "no 'quorum'"},
	    {"quorum none\nquorum none\n", "2: a second"},
	    {"quorum a\nwitness a %0\n", "1: no witness"},
	    {"quorum\n", "1: expected"},
	    {"quorum none none\n", "1: expected"},
	    {"witnes a %0\nquorum none\n", "1: expected 'log'"},
	    {"witness a\nquorum none\n", "1: expected"},
	    {"witness a %0 u v\nquorum none\n", "1: expected"},
	    {"witness a %L\nquorum none\n", "cosign with"},
	    {"witness none %0\nquorum none\n", "'none' is taken"},
	    {"witness a %0\nwitness a %1\nquorum a\n", "2: the name"},
	    {"witness a %0\nwitness b %0\nquorum a\n", "2: the key"},
	    {"log %0\nquorum none\n", "logs sign with"},
	    {"log %L\nlog %L\nquorum none\n", "2: the key"},
	    {"log\nquorum none\n", "1: expected"},
	    {"witness a %0\ngroup g 0 a\nquorum g\n", "2: "},
	    {"witness a %0\ngroup g 2 a\nquorum g\n", "2: expected"},
	    {"witness a %0\ngroup g 01 a\nquorum g\n", "2: expected"},
	    {"witness a %0\ngroup g any\nquorum g\n", "2: expected"},
	    {"witness a %0\ngroup g any g\nquorum g\n", "2: no witness"},
	    {"witness a %0\ngroup g any none\nquorum g\n", "2: no witness"},
	    {"witness a %0\ngroup g any a a\nquorum g\n", "already"},
	    {"witness a %0\ngroup g any a\ngroup h any a\nquorum g\n", "3: 'a'"},
	    {"witness a %0\r\nquorum none\n", "control character"},
	    {"quorum \x7f\n", "control character"},
	    {"quorum none # a comment is a line of its own\n", "1: expected"},
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct tlog_policy *p = NULL;
		struct err e = ERR_INIT;

		if (parse(bad[i].text, &p, &e) == RC_OK) {
			fail_msg("accepted: %s", bad[i].text);
		}
		assert_null(p);
		if (!strstr(e.msg, bad[i].says)) {
			fail_msg("'%s' for: %s", e.msg, bad[i].text);
		}
	}
}

static void as_many_as_the_specification_asks_for_fit_and_there_is_an_end(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(65536);
	struct tlog_policy *p = NULL;

	for (unsigned i = 0; i <= TLOG_POLICY_MAX_WITNESSES; i++) {
		struct tlog_vkey key;

		if (i == 32) { /* and as many groups */
			for (unsigned k = 0; k < 32; k++) {
				assert_ok(buf_addf(&b, "group g%u any n%u\n", k, k));
			}
			assert_ok(buf_add(&b, STR("quorum g31\n")));
			assert_ok(tlog_policy_parse(buf_view(&b), &p, NULL));
			tlog_policy_free(TAKE(p));
		}
		key_of(i, &key);
		assert_ok(buf_addf(&b, "witness n%u ", i));
		assert_ok(tlog_vkey_print(&key, &b));
		assert_ok(buf_add_char(&b, '\n'));
	}
	assert_rc(tlog_policy_parse(buf_view(&b), &p, NULL), RC_LIMIT);
}

/* ---- checkpoints ---- */

/* The checkpoint of a log, cosigned by those witnesses. */
static void make_note(struct buf *b, const char *origin, const char *who)
{
	struct tlog_checkpoint c = {.origin = str_from(origin), .size = 7};
	AUTO_BUF text = BUF_INIT(1024);
	struct tlog_vkey key;

	assert_ok(tlog_vkey_from_seed(&key, str_from(origin), TLOG_KEY_ED25519, seed_of_log, NULL));
	assert_ok(tlog_checkpoint_print(&c, &text, NULL));
	assert_ok(tlog_note_sign(b, buf_view(&text), &key, seed_of_log, NULL));
	for (; *who; who++) {
		uint8_t seed[32];

		seed_of((unsigned)(*who - '0'), seed);
		key_of((unsigned)(*who - '0'), &key);
		assert_ok(tlog_note_cosign(b, buf_view(&text), &key, seed, 1700000000, NULL));
	}
}

static enum rc check(const struct tlog_policy *p, const char *origin, const char *who, bool breaks,
		     struct err *e)
{
	AUTO_BUF note = BUF_INIT(65536);
	struct tlog_checkpoint c;
	struct tlog_witnessed by;
	enum rc rc;

	make_note(&note, origin, who);
	if (breaks) {
		note.p[note.n - 20] = note.p[note.n - 20] == 'A' ? 'B' : 'A';
	}
	rc = tlog_policy_check(p, buf_view(&note), NULL, &c, &by, e);
	if (rc == RC_OK) {
		assert_int_equal(c.size, 7);
		assert_int_equal(by.n, strlen(who));
		for (; *who; who++) {
			assert_int_equal(by.by[*who - '0'].unix_s, 1700000000);
		}
	}
	return rc;
}

static void a_checkpoint_needs_its_log_and_a_quorum(void **state)
{
	(void)state;
	AUTO_TLOG_POLICY p = parsed(TWO_OF_THREE_AND_ANY);
	struct err e = ERR_INIT;

	assert_ok(check(p, LOG_NAME, "013", false, NULL));
	assert_rc(check(p, LOG_NAME, "01", false, &e), RC_DENIED);
	assert_non_null(strstr(e.msg, "no quorum: 2 of"));
	assert_rc(check(p, LOG_NAME, "", false, &e), RC_DENIED);
	assert_rc(check(p, "audit.example/other", "013", false, &e), RC_DENIED);
	assert_non_null(strstr(e.msg, "knows no log"));
	/* A witness that nobody knows says nothing; a known one that is wrong refuses all. */
	assert_rc(check(p, LOG_NAME, "018", false, &e), RC_DENIED);
	assert_rc(check(p, LOG_NAME, "0134", true, &e), RC_DENIED);
	assert_non_null(strstr(e.msg, "does not verify"));
}

/* ---- what a witness answers ---- */

static void only_the_cosignature_asked_for_is_found(void **state)
{
	(void)state;
	AUTO_BUF note = BUF_INIT(65536);
	AUTO_BUF again = BUF_INIT(65536);
	struct tlog_cosignature c = {0};
	struct tlog_note parsed_note;
	struct tlog_vkey first;
	struct tlog_vkey second;
	struct tlog_vkey third;
	struct str lines;
	struct str text;

	key_of(0, &first);
	key_of(1, &second);
	key_of(2, &third);
	make_note(&note, LOG_NAME, "01");
	assert_ok(tlog_note_parse(buf_view(&note), &parsed_note, NULL));
	text = parsed_note.text;
	/* Behind the log's own line: what a witness would answer. */
	lines = str_slice(buf_view(&note), text.n + 1, note.n);
	(void)str_cut(&lines, '\n');
	assert_ok(tlog_cosignature_find(lines, text, &second, &c, NULL));
	assert_int_equal(c.unix_s, 1700000000);
	assert_ok(tlog_cosignature_verify(&c, text, &second, NULL));
	assert_rc(tlog_cosignature_verify(&c, text, &first, NULL), RC_DENIED);
	assert_rc(tlog_cosignature_verify(&c, STR("another\n"), &second, NULL), RC_DENIED);
	assert_ok(tlog_note_add_cosignature(&again, &second, &c, NULL));
	assert_true(str_has_suffix(lines, buf_view(&again)));
	c.unix_s++;
	assert_rc(tlog_cosignature_verify(&c, text, &second, NULL), RC_DENIED);
	assert_rc(tlog_cosignature_find(lines, text, &third, &c, NULL), RC_DENIED);
	assert_rc(tlog_cosignature_find(lines, STR("other\n7\n\n"), &second, &c, NULL), RC_DENIED);
	assert_rc(tlog_cosignature_find(STR(""), text, &second, &c, NULL), RC_INPUT);
	assert_rc(tlog_cosignature_find(STR("\n"), text, &second, &c, NULL), RC_INPUT);
	/* A whole note in place of lines would bring its own text. */
	assert_rc(tlog_cosignature_find(buf_view(&note), STR("mine\n"), &second, &c, NULL),
		  RC_INPUT);
	assert_rc(tlog_cosignature_find(str_slice(lines, 0, lines.n - 1), text, &second, &c, NULL),
		  RC_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(groups_count_their_members),
	    cmocka_unit_test(a_quorum_of_nobody_is_always_met),
	    cmocka_unit_test(what_is_no_policy_is_refused_with_its_line),
	    cmocka_unit_test(as_many_as_the_specification_asks_for_fit_and_there_is_an_end),
	    cmocka_unit_test(a_checkpoint_needs_its_log_and_a_quorum),
	    cmocka_unit_test(only_the_cosignature_asked_for_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
