/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdlib.h>
#include <unistd.h>

#include "index/fold.h"

static const char *const leaves[] = {
    "{\"origin\":\"x\",\"t\":1,\"type\":\"log.opened\",\"v\":1}",
    "{\"agent\":\"spiffe://x/agent/a\",\"t\":2,\"type\":\"intent.decided\",\"v\":1}",
    "{\"agent\":\"spiffe://x/agent/a\",\"intent\":1,\"t\":3,\"type\":\"task.opened\",\"v\":1}",
    "{\"agent\":\"spiffe://x/agent/a\",\"t\":4,\"targets\":[\"ip:192.0.2.1\"],\"task\":2,"
    "\"tool\":\"u___b\",\"type\":\"call.decided\",\"v\":1,\"verdict\":\"allow\"}",
    "{\"call\":3,\"kind\":\"ok\",\"t\":5,\"type\":\"call.completed\",\"v\":1}",
    "{\"agent\":\"spiffe://x/agent/b\",\"t\":6,\"tool\":\"u___b\",\"type\":\"call.decided\","
    "\"v\":1,\"verdict\":\"deny\"}",
};

static struct fold *filled(const char *path)
{
	struct fold *f = NULL;

	assert_ok(fold_open(path, STR("x"), &f, NULL));
	assert_ok(fold_begin(f, NULL));
	for (size_t i = (size_t)fold_size(f); i < ARRAY_LEN(leaves); i++) {
		assert_ok(fold_add(f, i, str_from(leaves[i]), NULL));
	}
	assert_ok(fold_commit(f, NULL));
	return f;
}

static size_t count(const struct buf *b, const char *what)
{
	size_t n = 0;

	for (size_t i = 0; i + strlen(what) <= b->n; i++) {
		n += memcmp(b->p + i, what, strlen(what)) == 0;
	}
	return n;
}

static void a_timeline_holds_all_that_its_task_caused(void **state)
{
	(void)state;
	char path[] = "/tmp/remit-fold-XXXXXX";
	AUTO_BUF out = BUF_INIT(65536);
	struct fold *f;

	assert_true(close(mkstemp(path)) == 0);
	f = filled(path);
	assert_ok(fold_timeline(f, 2, &out, NULL));
	assert_int_equal(count(&out, "\"leaf\":"), 4); /* intent, task, call, completion */
	assert_int_equal(count(&out, "\"leaf\":5,"), 0);
	buf_reset(&out);
	assert_rc(fold_timeline(f, 7, &out, NULL), RC_ABSENT);
	fold_free(f);
	(void)unlink(path);
}

static void calls_are_filtered(void **state)
{
	(void)state;
	char path[] = "/tmp/remit-fold-XXXXXX";
	struct fold_filter all = {0};
	struct fold_filter of_a = {.agent = STR("a")};
	struct fold_filter denied = {.verdict = STR("deny")};
	struct fold_filter odd = {.agent = STR("' OR 1=1 --")};
	AUTO_BUF out = BUF_INIT(65536);
	struct fold *f;

	assert_true(close(mkstemp(path)) == 0);
	f = filled(path);
	assert_ok(fold_calls(f, &all, &out, NULL));
	assert_int_equal(count(&out, "\"id\":"), 2);
	buf_reset(&out);
	assert_ok(fold_calls(f, &of_a, &out, NULL));
	assert_int_equal(count(&out, "\"id\":\"c3\""), 1);
	assert_int_equal(count(&out, "\"id\":"), 1);
	buf_reset(&out);
	assert_ok(fold_calls(f, &denied, &out, NULL));
	assert_int_equal(count(&out, "\"id\":\"c5\""), 1);
	buf_reset(&out);
	assert_ok(fold_calls(f, &odd, &out, NULL));
	assert_int_equal(count(&out, "\"id\":"), 0);
	fold_free(f);
	(void)unlink(path);
}

static const char *const read_leaves[] = {
    "{\"origin\":\"x\",\"t\":1,\"type\":\"log.opened\",\"v\":1}",
    "{\"agent\":\"spiffe://x/agent/a\",\"incident\":9,\"t\":3,\"type\":\"task.opened\",\"v\":1}",
    /* described: two orders; its tool could have brought customers too */
    "{\"agent\":\"spiffe://x/agent/a\",\"data\":[\"orders\",\"pii\"],\"t\":4,\"task\":1,"
    "\"tool\":\"u___q\",\"type\":\"call.decided\",\"verdict\":\"allow\"}",
    "{\"call\":2,\"kind\":\"ok\",\"result_bytes\":99,\"t\":5,\"type\":\"call.completed\"}",
    "{\"bytes\":99,\"call\":2,\"counts\":[\"orders=2\"],\"described\":true,\"t\":5,"
    "\"type\":\"read.accounted\"}",
    /* undescribed */
    "{\"agent\":\"spiffe://x/agent/a\",\"data\":[\"pii\"],\"t\":6,\"task\":1,"
    "\"tool\":\"u___r\",\"type\":\"call.decided\",\"verdict\":\"allow\"}",
    "{\"call\":5,\"kind\":\"ok\",\"result_bytes\":7,\"t\":7,\"type\":\"call.completed\"}",
    "{\"bytes\":7,\"call\":5,\"described\":false,\"t\":7,\"type\":\"read.accounted\"}",
    /* never left */
    "{\"agent\":\"spiffe://x/agent/a\",\"data\":[\"pii\"],\"t\":8,\"task\":1,"
    "\"tool\":\"u___r\",\"type\":\"call.decided\",\"verdict\":\"allow\"}",
    "{\"call\":8,\"kind\":\"not_sent\",\"t\":9,\"type\":\"call.completed\"}",
};

static void what_was_touched_is_what_was_sent_and_what_it_was(void **state)
{
	(void)state;
	char path[] = "/tmp/remit-fold-XXXXXX";
	struct fold_filter x = {.agent = STR("a")};
	AUTO_BUF out = BUF_INIT(65536);
	struct fold *f = NULL;

	assert_true(close(mkstemp(path)) == 0);
	assert_ok(fold_open(path, STR("x"), &f, NULL));
	for (size_t i = 0; i < ARRAY_LEN(read_leaves); i++) {
		assert_ok(fold_add(f, i, str_from(read_leaves[i]), NULL));
	}
	assert_ok(fold_touched(f, &x, &out, NULL));
	assert_int_equal(count(&out, "\"id\":"), 2);
	assert_int_equal(count(&out, "\"account\":4"), 1);
	assert_int_equal(count(&out, "\"incident\":\"i9\""), 2);
	x.class = STR("pii"); /* the described one had none */
	buf_reset(&out);
	assert_ok(fold_touched(f, &x, &out, NULL));
	assert_int_equal(count(&out, "\"id\":\"c5\""), 1);
	assert_int_equal(count(&out, "\"id\":"), 1);
	x.class = STR("order_");
	buf_reset(&out);
	assert_ok(fold_touched(f, &x, &out, NULL));
	assert_int_equal(count(&out, "\"id\":"), 0);
	x = (struct fold_filter){.class = STR("orders"), .since_unix_ms = 4, .incident = 9};
	buf_reset(&out);
	assert_ok(fold_touched(f, &x, &out, NULL));
	assert_int_equal(count(&out, "\"id\":\"c2\""), 1);
	x.since_unix_ms = 5;
	buf_reset(&out);
	assert_ok(fold_touched(f, &x, &out, NULL));
	assert_int_equal(count(&out, "\"id\":"), 0);
	x = (struct fold_filter){.before = 5};
	buf_reset(&out);
	assert_ok(fold_calls(f, &x, &out, NULL));
	assert_int_equal(count(&out, "\"id\":\"c2\""), 1);
	assert_int_equal(count(&out, "\"id\":"), 1);
	fold_free(f);
	(void)unlink(path);
}

static void another_logs_database_is_thrown_away(void **state)
{
	(void)state;
	char path[] = "/tmp/remit-fold-XXXXXX";
	struct fold *f;

	assert_true(close(mkstemp(path)) == 0);
	f = filled(path);
	fold_free(f);
	assert_ok(fold_open(path, STR("x"), &f, NULL));
	assert_int_equal(fold_size(f), ARRAY_LEN(leaves));
	fold_free(f);
	assert_ok(fold_open(path, STR("y"), &f, NULL));
	assert_int_equal(fold_size(f), 0);
	fold_free(f);
	(void)unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_timeline_holds_all_that_its_task_caused),
	    cmocka_unit_test(calls_are_filtered),
	    cmocka_unit_test(what_was_touched_is_what_was_sent_and_what_it_was),
	    cmocka_unit_test(another_logs_database_is_thrown_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
