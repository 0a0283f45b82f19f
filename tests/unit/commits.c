/* SPDX-License-Identifier: Apache-2.0 */
/* How many commits of the disk a decision takes, counted on the simulated one. */
#include "test.h"

#include "drill/play.h"
#include "drill/sim.h"

static const char story[] = "scenario: T\ntitle: a test\n"
			    "fixture:\n"
			    "  upstreams:\n"
			    "    edr:\n"
			    "      tools:\n"
			    "        look: {effect: read, on: host}\n"
			    "        wipe: {effect: destroy, on: host, deletes_data: true}\n"
			    "incident: {assets: [\"host:a\", \"host:b\"]}\n"
			    "steps:\n"
			    "  - {call: {edr.look: {host: a}}, expect: allow}\n"
			    "  - {call: {edr.look: {host: c}}, expect: deny}\n"	 /* 1 */
			    "  - {call: {edr.look: {host: a}}, expect: allow}\n" /* 2 */
			    "  - {call: {edr.wipe: {host: b}}, expect: ask}\n"	 /* 3 */
			    "  - {kill: agent agent, by: olga, expect: ok}\n";	 /* 4 */

enum { STEPS = 5 };

static struct {
	size_t n;
	uint64_t syncs[STEPS]; /* after each */
} seen;

static void count(void *ctx, struct sim *sim, const struct step *st)
{
	(void)ctx;
	(void)st;
	assert_true(seen.n < STEPS);
	seen.syncs[seen.n++] = disk_n_syncs(sim_disk(sim));
}

static void nothing(void *ctx, struct sim *sim)
{
	(void)ctx;
	(void)sim;
}

static uint64_t of_step(size_t i)
{
	return seen.syncs[i] - seen.syncs[i - 1];
}

static void a_decision_takes_two_commits_at_most(void **state)
{
	(void)state;
	AUTO_PLAY_REPORT r = PLAY_REPORT_INIT;
	AUTO_SCENARIO s = NULL;
	AUTO_FINDINGS f = FINDINGS_INIT;
	const struct play_watch watch = {.step = count, .end = nothing};
	struct err e = ERR_INIT;

	if (scenario_read(STR("test.yaml"), str_from(story), NULL, &s, &f, &e) != RC_OK ||
	    play_run(s, &s->tree, &s->steps, 1, &watch, &r, &f, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	assert_int_equal(r.n_failed, 0);
	assert_int_equal(of_step(1), 1); /* the denial */
	assert_int_equal(of_step(2), 2); /* it may be sent; what came of it */
	assert_true(of_step(3) <= 2);	 /* the question */
	assert_int_equal(of_step(4), 2); /* it stops; all senders have said what was sent */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_decision_takes_two_commits_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
