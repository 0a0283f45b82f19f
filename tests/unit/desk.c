/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <openssl/sha.h>

#include "sender/desk.h"

static uint64_t now_ns;

static uint64_t fake_unix_ms(void *ctx)
{
	(void)ctx;
	return now_ns / 1000000;
}

static uint64_t fake_boot_ns(void *ctx)
{
	(void)ctx;
	return now_ns;
}

static const struct clock fake_clock = {.unix_ms = fake_unix_ms, .boot_ns = fake_boot_ns};

/* What the carrier was told and what was said, as one line of words. */
static char trace[1024];
static struct desk *desk;
static struct loop *loop;
static struct desk_call *started;
static struct desk_call *dies_at_fence;

PRINTF_LIKE(1, 2) static void note(const char *fmt, ...)
{
	size_t n = strlen(trace);
	va_list ap;

	va_start(ap, fmt);
	assert_true(vsnprintf(trace + n, sizeof(trace) - n, fmt, ap) > 0);
	va_end(ap);
}

static void assert_trace(const char *want)
{
	assert_string_equal(trace, want);
	trace[0] = '\0';
}

static void on_start(void *ctx, struct desk_call *c)
{
	(void)ctx;
	note("start %d;", (int)c->call);
	started = c;
}

static void on_drop(void *ctx, struct desk_call *c)
{
	(void)ctx;
	note("drop %d;", (int)c->call);
}

static void on_fence(void *ctx, enum fence_scope scope, struct str name)
{
	(void)ctx;
	note("fence %d " STR_FMT ";", (int)scope, STR_ARG(name));
	if (dies_at_fence) {
		desk_done(desk, dies_at_fence, OUTCOME_UNKNOWN, STR(""), STR("killed"));
		dies_at_fence = NULL;
	}
}

static void on_list(void *ctx, struct str upstream)
{
	(void)ctx;
	note("list " STR_FMT ";", STR_ARG(upstream));
}

static size_t counted_outcomes;
static size_t counted_unknown;

static void on_say(void *ctx, const struct message *m)
{
	(void)ctx;
	if (m->kind == MESSAGE_OUTCOME) {
		note("outcome %d %d " STR_FMT "|" STR_FMT ";", (int)m->outcome.call,
		     m->outcome.kind, STR_ARG(str_slice(m->outcome.result, 0, 20)),
		     STR_ARG(m->outcome.detail));
		counted_outcomes++;
		counted_unknown += m->outcome.kind == OUTCOME_UNKNOWN;
	} else if (m->kind == MESSAGE_IN_FLIGHT) {
		note("in flight");
		for (size_t i = 7; i < m->in_flight.calls.n; i += 8) {
			note(" %d", m->in_flight.calls.p[i]);
		}
		note(";");
	} else if (m->kind == MESSAGE_FENCED) {
		note("fenced %d", (int)m->fenced.fence);
		for (size_t i = 7; i < m->fenced.calls.n; i += 8) {
			note(" %d", m->fenced.calls.p[i]);
		}
		note(";");
	}
}

static int set_up(void **state)
{
	(void)state;
	const struct desk_carrier carrier = {
	    .start = on_start, .drop = on_drop, .fence = on_fence, .list = on_list, .say = on_say};

	now_ns = 1000;
	trace[0] = '\0';
	started = NULL;
	dies_at_fence = NULL;
	assert_ok(loop_new(&fake_clock, &loop, NULL));
	assert_ok(desk_new(loop, 3, &carrier, &desk));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	desk_free(desk);
	loop_free(loop);
	return 0;
}

static uint8_t digest[SHA256_DIGEST_LENGTH];

static struct message admission(uint64_t call, uint64_t lease)
{
	struct message m = {.kind = MESSAGE_ADMISSION};
	struct str args = STR("{\"a\":1}");

	assert_non_null(SHA256((const uint8_t *)args.p, args.n, digest));
	m.admission = (struct msg_admission){
	    .call = call,
	    .generation = 3,
	    .send_by_boot_ns = 5000,
	    .agent = STR("spiffe://a/x"),
	    .task = STR("t1"),
	    .upstream = STR("pg"),
	    .tool = STR("disable"),
	    .args = args,
	    .args_sha256 = str_of(digest, sizeof(digest)),
	    .lease = lease,
	};
	return m;
}

static void admit(uint64_t call, uint64_t lease)
{
	struct message m = admission(call, lease);

	assert_true(desk_hear(desk, &m));
}

static void fence(enum fence_scope scope, const char *name)
{
	struct message m = {.kind = MESSAGE_FENCE};

	m.fence = (struct msg_fence){.fence = 8, .scope = (uint8_t)scope, .name = str_from(name)};
	assert_true(desk_hear(desk, &m));
}

static void without_a_governor_nothing_is_sent_and_no_outcome_lost(void **state)
{
	(void)state;
	struct desk_call *sent;
	struct desk_call *late;

	admit(5, 0);
	sent = started;
	assert_true(desk_commit(desk, sent));
	admit(6, 0);
	late = started;
	assert_true(desk_commit(desk, late));
	admit(7, 0);  /* started, not sent */
	admit(8, 77); /* waits for its secret */
	assert_trace("start 5;start 6;start 7;");
	desk_governor_lost(desk);
	assert_trace("drop 7;");
	desk_done(desk, sent, OUTCOME_OK, STR("{}"), STR(""));
	assert_trace(""); /* nobody is there to hear it */
	desk_governor_found(desk, 9);
	assert_trace("in flight 6 7 8 5;outcome 7 1 |the governor ended;"
		     "outcome 8 1 |the governor ended;outcome 5 2 {}|;");
	desk_done(desk, late, OUTCOME_OK, STR("{}"), STR(""));
	assert_trace("outcome 6 2 {}|;");
	/* What the last governor admitted is void; what this one admits is sent. */
	admit(10, 0);
	assert_trace("outcome 10 1 |an admission of another generation;");
	desk_governor_lost(desk);
	desk_governor_found(desk, 3);
	assert_trace("in flight;");
	admit(11, 0);
	assert_trace("start 11;");
	assert_true(desk_commit(desk, started));
	desk_done(desk, started, OUTCOME_OK, STR("{}"), STR(""));
	assert_trace("outcome 11 2 {}|;");
}

static void results_beyond_what_is_kept_are_told_as_unknown(void **state)
{
	(void)state;
	enum { MANY = DESK_KEPT_BYTES / LIMIT_RESULT_BYTES + 2 };
	static char big[LIMIT_RESULT_BYTES];
	struct desk_call *calls[MANY];
	size_t n_unknown = 0;

	memset(big, 'x', sizeof(big));
	for (uint64_t i = 0; i < MANY; i++) {
		admit(100 + i, 0);
		calls[i] = started;
		assert_true(desk_commit(desk, calls[i]));
	}
	desk_governor_lost(desk);
	for (size_t i = 0; i < MANY; i++) {
		desk_done(desk, calls[i], OUTCOME_OK, str_of(big, sizeof(big)), STR(""));
	}
	counted_outcomes = counted_unknown = 0;
	desk_governor_found(desk, 3);
	n_unknown = counted_unknown;
	assert_int_equal(counted_outcomes, MANY); /* none is lost */
	assert_true(n_unknown >= 1 && n_unknown <= 3);
}

static void a_call_is_started_sent_and_answered_once(void **state)
{
	(void)state;
	admit(5, 0);
	assert_trace("start 5;");
	assert_true(desk_commit(desk, started));
	desk_done(desk, started, OUTCOME_OK, STR("{}"), STR(""));
	assert_trace("outcome 5 2 {}|;");
	admit(5, 0);
	assert_trace("");
}

static void a_call_waits_for_its_secret(void **state)
{
	(void)state;
	struct message secret = {.kind = MESSAGE_SECRET};
	struct message drop = {.kind = MESSAGE_SECRET_DROP};

	secret.secret =
	    (struct msg_secret){.lease = 9, .task = STR("t1"), .fields = STR("{\"user\":\"u\"}")};
	drop.secret_drop.lease = 9;
	admit(5, 9);
	assert_trace("");
	assert_true(desk_hear(desk, &secret));
	assert_trace("start 5;");
	assert_str(desk_secret(desk, started), "{\"user\":\"u\"}");
	assert_true(desk_hear(desk, &drop));
	assert_str(desk_secret(desk, started), "");
	assert_false(desk_commit(desk, started));
	desk_done(desk, started, OUTCOME_NOT_SENT, STR(""), STR("late"));
	assert_trace("outcome 5 1 |late;");
}

static void what_is_not_sent_by_its_time_is_not_sent(void **state)
{
	(void)state;
	admit(5, 9);
	admit(6, 0);
	assert_trace("start 6;");
	now_ns = 5001;
	assert_false(desk_commit(desk, started));
	assert_ok(loop_step(loop, 0, NULL));
	assert_trace("outcome 5 1 |send-by passed;drop 6;outcome 6 1 |send-by passed;");
	admit(7, 0);
	assert_trace("outcome 7 1 |send-by passed;");
}

static void what_was_committed_is_never_called_not_sent(void **state)
{
	(void)state;
	admit(5, 0);
	assert_true(desk_commit(desk, started));
	now_ns = 100000;
	assert_ok(loop_step(loop, 0, NULL));
	assert_trace("start 5;");
	desk_done(desk, started, OUTCOME_NOT_SENT, STR("x"), STR("?"));
	assert_trace("outcome 5 0 |?;");
}

static void altered_arguments_and_other_generations_are_not_sent(void **state)
{
	(void)state;
	struct message m = admission(5, 0);

	m.admission.args = STR("{\"a\":2}");
	assert_true(desk_hear(desk, &m));
	assert_trace("outcome 5 1 |the arguments are not the admitted ones;");
	m = admission(6, 0);
	m.admission.generation = 2;
	assert_true(desk_hear(desk, &m));
	assert_trace("outcome 6 1 |an admission of another generation;");
}

static void a_fence_drops_what_was_not_sent_and_names_what_was(void **state)
{
	(void)state;
	struct desk_call *sent;

	admit(1, 0);
	assert_true(desk_commit(desk, started));
	sent = started;
	admit(2, 0);
	admit(3, 9);
	trace[0] = '\0';
	fence(FENCE_TASK, "t2");
	assert_trace("fence 2 t2;fenced 8;");
	fence(FENCE_TOOL, "pg___disable");
	assert_trace("drop 2;outcome 2 1 |fenced;outcome 3 1 |fenced;fence 4 pg___disable;"
		     "fenced 8 1;");
	dies_at_fence = sent;
	fence(FENCE_AGENT, "spiffe://a/x");
	assert_trace("fence 1 spiffe://a/x;outcome 1 0 |killed;fenced 8 1;");
	fence(FENCE_EVERYTHING, "");
	assert_trace("fence 0 ;fenced 8;");
}

static void a_result_over_the_limit_leaves_the_outcome_unknown(void **state)
{
	(void)state;
	static char large[LIMIT_RESULT_BYTES + 1];

	admit(5, 0);
	assert_true(desk_commit(desk, started));
	trace[0] = '\0';
	desk_done(desk, started, OUTCOME_OK, str_of(large, sizeof(large)), STR(""));
	assert_trace("outcome 5 0 |the result is larger than the limit;");
}

static void without_memory_a_call_is_not_sent_and_says_so(void **state)
{
	(void)state;
	bool failed = true;

	for (size_t nth = 1; failed; nth++) {
		size_t blocks = mem_blocks();
		uint64_t call = 100 + nth;

		assert_true(nth < 100);
		trace[0] = '\0';
		mem_fail_after(nth);
		admit(call, 0);
		mem_fail_after(0);
		failed = strstr(trace, "out of memory") != NULL;
		if (!failed) {
			desk_done(desk, started, OUTCOME_NOT_SENT, STR(""), STR("enough"));
		}
		/* Either way there is one outcome, and nothing is left. */
		assert_non_null(strstr(trace, "outcome"));
		assert_null(strstr(strstr(trace, "outcome") + 1, "outcome"));
		assert_int_equal(mem_blocks(), blocks);
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(without_a_governor_nothing_is_sent_and_no_outcome_lost),
	    CASE(results_beyond_what_is_kept_are_told_as_unknown),
	    CASE(a_call_is_started_sent_and_answered_once),
	    CASE(a_call_waits_for_its_secret),
	    CASE(what_is_not_sent_by_its_time_is_not_sent),
	    CASE(what_was_committed_is_never_called_not_sent),
	    CASE(altered_arguments_and_other_generations_are_not_sent),
	    CASE(a_fence_drops_what_was_not_sent_and_names_what_was),
	    CASE(without_memory_a_call_is_not_sent_and_says_so),
	    CASE(a_result_over_the_limit_leaves_the_outcome_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
