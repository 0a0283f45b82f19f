/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/wait.h>
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

/* ---- every filter, beside a loop over all calls ---- */

enum { TASKS = 6, CALLS = 400, FIRST_CALL = 1 + TASKS };

struct call {
	uint64_t ix;
	uint64_t t;
	uint64_t task; /* its index */
	unsigned agent;
	unsigned tool;
	unsigned class;
	bool is_denied;
	bool is_described; /* then of class + 1 */
};

static struct call calls[CALLS];
static unsigned seed;

static unsigned draw(unsigned n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % n;
}

/* Each call is followed by its account. The clock goes back now and then. */
static void add_calls(struct fold *f)
{
	char leaf[512];
	uint64_t ix = 0;
	uint64_t t = 1000;

	seed = 7;
	assert_ok(fold_begin(f, NULL));
	assert_ok(fold_add(f, ix++, str_from(leaves[0]), NULL));
	while (ix < FIRST_CALL) {
		(void)snprintf(leaf, sizeof(leaf),
			       "{\"incident\":%ju,\"t\":%ju,\"type\":\"task.opened\"}",
			       (uintmax_t)(50 + ix % 3), (uintmax_t)t);
		assert_ok(fold_add(f, ix++, str_from(leaf), NULL));
	}
	for (size_t i = 0; i < CALLS; i++) {
		struct call *c = &calls[i];

		t = draw(20) == 0 ? t - draw(100) : t + draw(3);
		*c = (struct call){.ix = ix,
				   .t = t,
				   .task = 1 + draw(TASKS),
				   .agent = draw(4),
				   .tool = draw(3),
				   .class = draw(3),
				   .is_denied = draw(4) == 0,
				   .is_described = draw(2) == 0};
		(void)snprintf(
		    leaf, sizeof(leaf),
		    "{\"agent\":\"spiffe://x/agent/a%u\",\"data\":[\"d%u\"],\"reason\":\"%s\","
		    "\"t\":%ju,\"task\":%ju,\"tool\":\"u___t%u\",\"type\":\"call.decided\","
		    "\"verdict\":\"%s\"}",
		    c->agent, c->class, c->is_denied ? "limit" : "allowed", (uintmax_t)t,
		    (uintmax_t)c->task, c->tool, c->is_denied ? "deny" : "allow");
		assert_ok(fold_add(f, ix++, str_from(leaf), NULL));
		if (!c->is_denied && c->is_described) {
			(void)snprintf(leaf, sizeof(leaf),
				       "{\"call\":%ju,\"counts\":[\"d%u=1\"],\"described\":true,"
				       "\"t\":%ju,\"type\":\"read.accounted\"}",
				       (uintmax_t)c->ix, c->class + 1, (uintmax_t)t + 1);
			assert_ok(fold_add(f, ix++, str_from(leaf), NULL));
		}
	}
	assert_ok(fold_commit(f, NULL));
}

static bool is_older(const struct call *a, const struct call *b)
{
	return a->t < b->t || (a->t == b->t && a->ix < b->ix);
}

static bool passes(const struct call *c, unsigned which, const struct call *of)
{
	return (!(which & 1) || c->agent == of->agent) && (!(which & 2) || c->tool == of->tool) &&
	       (!(which & 4) || c->is_denied == of->is_denied) &&
	       (!(which & 8) || c->task == of->task) &&
	       (!(which & 16) || c->task % 3 == of->task % 3) &&
	       (!(which & 32) || c->is_denied == of->is_denied) &&
	       (!(which & 64) || c->t >= of->t - 60) && (!(which & 128) || c->t <= of->t + 60) &&
	       (!(which & 256) || is_older(c, of)) &&
	       (!(which & 512) || (!c->is_denied && c->class + c->is_described == of->class));
}

/* Writes "c12 c7 " for the newest that pass. */
static void look(unsigned which, const struct call *of, uint64_t limit, bool touched,
		 struct buf *out)
{
	bool is_taken[CALLS] = {0};

	for (uint64_t n = 0; n < limit; n++) {
		const struct call *best = NULL;

		for (size_t i = 0; i < CALLS; i++) {
			if (!is_taken[i] && !(touched && calls[i].is_denied) &&
			    passes(&calls[i], which, of) && (!best || is_older(best, &calls[i]))) {
				best = &calls[i];
			}
		}
		if (!best) {
			return;
		}
		is_taken[best - calls] = true;
		assert_ok(buf_addf(out, "c%ju ", (uintmax_t)best->ix));
	}
}

static void only_ids(const struct buf *answer, struct buf *out)
{
	static const char key[] = "\"id\":\"";

	for (const char *p = answer->p;
	     (p = memmem(p, answer->n - (size_t)(p - answer->p), key, strlen(key)));) {
		p += strlen(key);
		assert_ok(buf_addf(out, "%.*s ", (int)strcspn(p, "\""), p));
	}
}

static void compare_with_loop(struct fold *f, unsigned which, const struct call *of, bool touched)
{
	AUTO_BUF agent = BUF_INIT(64);
	AUTO_BUF tool = BUF_INIT(64);
	AUTO_BUF class = BUF_INIT(64);
	AUTO_BUF answer = BUF_INIT(1 << 20);
	AUTO_BUF got = BUF_INIT(1 << 16);
	AUTO_BUF want = BUF_INIT(1 << 16);
	struct fold_filter x = {.limit = 10};

	assert_ok(buf_addf(&agent, which & 1024 ? "a%u" : "spiffe://x/agent/a%u", of->agent));
	assert_ok(buf_addf(&tool, "u___t%u", of->tool));
	assert_ok(buf_addf(&class, "d%u", of->class));
	x.agent = which & 1 ? buf_view(&agent) : STR("");
	x.tool = which & 2 ? buf_view(&tool) : STR("");
	x.verdict = which & 4 ? (of->is_denied ? STR("deny") : STR("allow")) : STR("");
	x.task = which & 8 ? of->task : 0;
	x.incident = which & 16 ? 50 + of->task % 3 : 0;
	x.reason = which & 32 ? (of->is_denied ? STR("limit") : STR("allowed")) : STR("");
	x.since_unix_ms = which & 64 ? of->t - 60 : 0;
	x.until_unix_ms = which & 128 ? of->t + 60 : 0;
	x.before = which & 256 ? of->ix : 0;
	x.class = which & 512 ? buf_view(&class) : STR("");
	assert_ok((touched ? fold_touched : fold_calls)(f, &x, &answer, NULL));
	only_ids(&answer, &got);
	look(which, of, x.limit, touched, &want);
	if (!str_eq(buf_view(&got), buf_view(&want))) {
		fail_msg("filters %x of c%ju: " STR_FMT "instead of " STR_FMT, which,
			 (uintmax_t)of->ix, STR_ARG(buf_view(&got)), STR_ARG(buf_view(&want)));
	}
}

static void filters_find_what_a_loop_finds(void **state)
{
	(void)state;
	char path[] = "/tmp/remit-fold-XXXXXX";
	struct fold *f = NULL;

	assert_true(close(mkstemp(path)) == 0);
	assert_ok(fold_open(path, STR("x"), &f, NULL));
	add_calls(f);
	for (unsigned which = 0; which < 2048; which++) {
		const struct call *of = &calls[draw(CALLS)];

		compare_with_loop(f, which & ~512u, of, false);
		compare_with_loop(f, which, of, true);
	}
	fold_free(f);
	(void)unlink(path);
}

static void an_index_made_again_answers_when_it_is_whole(void **state)
{
	(void)state;
	char path[] = "/tmp/remit-fold-XXXXXX";
	struct fold_filter all = {.limit = 10};
	AUTO_BUF out = BUF_INIT(1 << 20);
	struct fold *f = NULL;

	assert_true(close(mkstemp(path)) == 0);
	assert_ok(fold_open(path, STR("x"), &f, NULL));
	assert_ok(fold_expect(f, 1000000, NULL));
	add_calls(f);
	assert_rc(fold_calls(f, &all, &out, NULL), RC_AGAIN);
	assert_rc(fold_touched(f, &all, &out, NULL), RC_AGAIN);
	assert_rc(fold_timeline(f, 1, &out, NULL), RC_AGAIN);
	assert_ok(fold_expect(f, fold_size(f), NULL));
	compare_with_loop(f, 1 + 4, &calls[9], false);
	fold_free(f);

	/* A life that ended in the middle of it. */
	(void)unlink(path);
	assert_ok(fold_open(path, STR("x"), &f, NULL));
	assert_ok(fold_expect(f, 1000000, NULL));
	add_calls(f);
	fold_free(f);
	assert_ok(fold_open(path, STR("x"), &f, NULL));
	assert_int_equal(fold_size(f), 0);
	fold_free(f);
	(void)unlink(path);
}

/* Adds calls until it is killed, in transactions that touch pages everywhere. */
static _Noreturn void work_until_killed(const char *path)
{
	char leaf[512];
	struct fold *f = NULL;

	assert_ok(fold_open(path, STR("x"), &f, NULL));
	for (;;) {
		assert_ok(fold_begin(f, NULL));
		for (int i = 0; i < 300; i++) {
			uint64_t ix = fold_size(f);
			uint64_t odd = ix * 2654435761u % 1000003;

			(void)snprintf(
			    leaf, sizeof(leaf),
			    "{\"agent\":\"spiffe://x/agent/a%ju\",\"t\":%ju,"
			    "\"task\":%ju,\"tool\":\"u___t%ju\",\"type\":\"call.decided\","
			    "\"v\":1,\"verdict\":\"allow\"}",
			    (uintmax_t)odd, (uintmax_t)odd, (uintmax_t)odd, (uintmax_t)odd);
			assert_ok(fold_add(f, ix, str_from(leaf), NULL));
		}
		assert_ok(fold_commit(f, NULL));
	}
}

static void assert_is_whole(const char *path)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *s = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(s, 0), "ok");
	assert_int_equal(sqlite3_finalize(s), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_killed_life_leaves_whole_transactions(void **state)
{
	(void)state;
	char path[] = "/tmp/remit-fold-XXXXXX";
	struct fold *f = NULL;
	uint64_t size = 0;

	assert_true(close(mkstemp(path)) == 0);
	for (int i = 0; i < 40; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			work_until_killed(path);
		}
		assert_true(pid > 0);
		(void)usleep((useconds_t)(5000 + draw(40) * 1000));
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		assert_is_whole(path);
		assert_ok(fold_open(path, STR("x"), &f, NULL));
		assert_true(fold_size(f) >= size && fold_size(f) % 300 == 0);
		size = fold_size(f);
		fold_free(f);
	}
	assert_true(size > 0);
	(void)unlink(path);
}

static void a_damaged_one_is_built_again(void **state)
{
	(void)state;
	char path[] = "/tmp/remit-fold-XXXXXX";
	static const char junk[4096] = {7, 7, 7};
	AUTO_BUF out = BUF_INIT(65536);
	struct fold_filter all = {0};
	struct err e = ERR_INIT;
	struct fold *f;
	int fd;

	/* Found at once: its first page. */
	assert_true(close(mkstemp(path)) == 0);
	fold_free(filled(path));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, junk, sizeof(junk), 0), sizeof(junk));
	(void)close(fd);
	assert_ok(fold_open(path, STR("x"), &f, &e));
	assert_int_equal(fold_size(f), 0);
	fold_free(f);

	/* Found later: every page but the first, which has the schema. */
	fold_free(filled(path));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	for (int i = 1; i < 40; i++) {
		assert_int_equal(pwrite(fd, junk, sizeof(junk), i * 4096), sizeof(junk));
	}
	(void)close(fd);
	assert_ok(fold_open(path, STR("x"), &f, &e));
	if (fold_size(f) > 0) {
		assert_rc(fold_calls(f, &all, &out, &e), RC_IO);
		assert_true(fold_is_damaged(f));
	}
	fold_free(f);
	f = filled(path); /* from the first leaf, or it would not be taken */
	assert_int_equal(fold_size(f), ARRAY_LEN(leaves));
	assert_ok(fold_calls(f, &all, &out, &e));
	fold_free(f);
	(void)unlink(path);
}

static void what_cannot_be_written_is_given_up_and_tried_again(void **state)
{
	(void)state;
	char path[] = "/tmp/remit-fold-XXXXXX";
	struct err e = ERR_INIT;
	struct fold *f;

	assert_true(close(mkstemp(path)) == 0);
	f = filled(path);
	assert_ok(fold_begin(f, &e));
	assert_ok(fold_add(f, ARRAY_LEN(leaves), str_from(leaves[5]), &e));
	assert_ok(fold_give_up(f, &e));
	assert_int_equal(fold_size(f), ARRAY_LEN(leaves));
	assert_ok(fold_begin(f, &e));
	assert_ok(fold_add(f, ARRAY_LEN(leaves), str_from(leaves[5]), &e));
	assert_ok(fold_commit(f, &e));
	assert_int_equal(fold_size(f), ARRAY_LEN(leaves) + 1);
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
	    cmocka_unit_test(filters_find_what_a_loop_finds),
	    cmocka_unit_test(an_index_made_again_answers_when_it_is_whole),
	    cmocka_unit_test(a_killed_life_leaves_whole_transactions),
	    cmocka_unit_test(a_damaged_one_is_built_again),
	    cmocka_unit_test(what_cannot_be_written_is_given_up_and_tried_again),
	    cmocka_unit_test(another_logs_database_is_thrown_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
