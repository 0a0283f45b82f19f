/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator: the same seed is the same run; crashes and full disks are what they are called. */
#include "test.h"

#include "base/log.h"
#include "drill/disk.h"
#include "drill/play.h"

#define HEAD                                                                                       \
	"scenario: T\ntitle: a test\n"                                                             \
	"fixture:\n"                                                                               \
	"  upstreams:\n"                                                                           \
	"    edr:\n"                                                                               \
	"      tools:\n"                                                                           \
	"        isolate: {effect: contain, on: host, sets: {isolated: true}, undo: release}\n"    \
	"        release: {effect: contain, on: host, sets: {isolated: false}, undo: isolate}\n"   \
	"        look: {effect: read, on: host}\n"                                                 \
	"        wipe: {effect: destroy, on: host, deletes_data: true}\n"                          \
	"  playbooks: {all: {limits: {calls: 100000}}}\n"                                          \
	"incident: {assets: [\"host:a\", \"host:b\"]}\n"                                           \
	"steps:\n"

static void play(const char *text, uint64_t seed, struct play_report *r)
{
	AUTO_SCENARIO s = NULL;
	AUTO_FINDINGS f = FINDINGS_INIT;
	struct err e = ERR_INIT;

	if (scenario_read(STR("test.yaml"), str_from(text), NULL, &s, &f, &e) != RC_OK ||
	    play_run(s, &s->tree, &s->steps, seed, NULL, r, &f, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
}

static void expect_green(const char *text, uint64_t seed)
{
	AUTO_PLAY_REPORT r = PLAY_REPORT_INIT;

	play(text, seed, &r);
	for (size_t i = 0; i < r.steps.n; i++) {
		if (r.steps.p[i].problem.n) {
			fail_msg("step %zu: " STR_FMT, i + 1, STR_ARG(r.steps.p[i].problem));
		}
	}
	assert_str(r.problem, "");
}

static const char story[] = HEAD "  - {call: {edr.isolate: {host: a}}, expect: allow}\n"
				 "  - {crash: power}\n"
				 "  - {call: {edr.wipe: {host: b}}, expect: ask}\n"
				 "  - {approve: alice, expect: ok}\n"
				 "  - {wait: 1h}\n";

static void the_same_seed_gives_the_same_log(void **state)
{
	AUTO_PLAY_REPORT a = PLAY_REPORT_INIT;
	AUTO_PLAY_REPORT b = PLAY_REPORT_INIT;
	AUTO_PLAY_REPORT c = PLAY_REPORT_INIT;

	(void)state;
	play(story, 7, &a);
	play(story, 7, &b);
	play(story, 8, &c);
	assert_true(a.n_leaves > 10);
	assert_memory_equal(&a.log, &b.log, sizeof(a.log));
	assert_memory_not_equal(&a.log, &c.log, sizeof(a.log)); /* other salts, other leaves */
}

static void what_was_acknowledged_survives_a_power_cut(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		expect_green(HEAD "  - {call: {edr.isolate: {host: a}}, expect: allow}\n"
				  "  - {crash: power}\n"
				  "  - {do: term list, expect: ok, result: \"host:a\"}\n"
				  "  - {do: rollback, with: {id: $term}, expect: ok,\n"
				  "     effect: {\"host:a\": {isolated: false}}}\n"
				  "  - {crash: process}\n"
				  "  - {do: term list, expect: ok, result: reverted}\n",
			     seed);
	}
}

static void nothing_happens_without_a_log(void **state)
{
	(void)state;
	expect_green(HEAD "  - {call: {edr.isolate: {host: a}}, expect: allow}\n"
			  "  - {fault: disk failing}\n"
			  "  - {call: {edr.isolate: {host: b}}, expect: deny audit_unavailable,\n"
			  "     effect: none}\n"
			  "  - {fault: disk good}\n"
			  "  - {wait: 2s}\n"
			  "  - {call: {edr.isolate: {host: b}}, expect: allow, effect: once}\n",
		     1);
}

/* What was sent before is heard of, and recorded. */
static void an_outcome_reaches_the_emergency_segment(void **state)
{
	(void)state;
	expect_green(HEAD "  - {fault: upstream edr slow}\n"
			  "  - {call: {edr.look: {host: a}}, log: {call.completed: 0}}\n"
			  "  - {fault: disk failing}\n"
			  "  - {wait: 1m, log: {log.degraded: {why: emergency},\n"
			  "     call.completed: {kind: ok}}}\n"
			  "  - {crash: power}\n"
			  "  - {fault: disk good}\n"
			  "  - {wait: 2s, log: log.recovered}\n",
		     1);
}

/* Nothing is sent while the log is away, not even to undo; but then at once. */
static void a_term_that_ends_while_the_log_is_away_is_undone_when_it_is_home(void **state)
{
	(void)state;
	expect_green(
	    "scenario: T\ntitle: a test\n"
	    "fixture:\n"
	    "  upstreams:\n"
	    "    edr:\n"
	    "      tools:\n"
	    "        isolate: {effect: contain, on: host, sets: {isolated: true}, undo: "
	    "release, term: {length: 10m, end: revert}}\n"
	    "        release: {effect: contain, on: host, sets: {isolated: false}, undo: "
	    "isolate}\n"
	    "incident: {assets: [\"host:a\"]}\n"
	    "steps:\n"
	    "  - {call: {edr.isolate: {host: a}}, expect: allow}\n"
	    "  - {fault: disk failing}\n"
	    "  - {wait: 20m, effect: {\"host:a\": {isolated: true}},\n"
	    "     log: {log.degraded: {why: emergency},\n"
	    "     term.changed: {how: rolling_back}}}\n"
	    "  - {fault: disk good}\n"
	    "  - {wait: 2s, effect: {\"host:a\": {isolated: false}}, log: {log.recovered: 1,\n"
	    "     term.changed: {how: reverted}}}\n",
	    1);
}

/* Refusals, stops and what was under way are on the record; nothing else happens; and it survives.
 */
static void a_log_that_fails_goes_on_in_its_emergency_segment(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		expect_green(
		    HEAD
		    "  - {call: {edr.isolate: {host: a}}, expect: allow}\n"
		    "  - {fault: disk failing}\n"
		    "  - {call: {edr.isolate: {host: b}}, expect: deny audit_unavailable,\n"
		    "     effect: none, log: {log.degraded: {why: emergency},\n"
		    "     call.completed: {kind: not_sent, reason: audit_unavailable}}}\n"
		    "  - {call: {edr.look: {host: b}}, expect: deny audit_unavailable, effect: "
		    "none,\n"
		    "     log: {call.decided: {verdict: deny, reason: audit_unavailable}}}\n"
		    "  - {do: status, expect: ok, result: [\"\\\"health\\\":\\\"emergency\\\"\",\n"
		    "     Input/output error]}\n"
		    "  - {intent: {}, expect: deny audit_unavailable}\n"
		    "  - {do: rollback, with: {id: $term}, expect: deny audit_unavailable, effect: "
		    "none}\n"
		    "  - {kill: all, by: alice, expect: ok, log: kill.set}\n"
		    "  - {crash: power}\n"
		    "  - {call: {edr.look: {host: b}}, expect: deny, effect: none}\n"
		    "  - {do: status, expect: ok, result: \"\\\"health\\\":\\\"emergency\\\"\"}\n"
		    "  - {fault: disk good}\n"
		    "  - {wait: 2s, log: log.recovered}\n"
		    "  - {do: status, expect: ok, result: \"\\\"health\\\":\\\"good\\\"\"}\n"
		    "  - {call: {edr.look: {host: b}}, expect: deny kill_active, effect: none}\n",
		    seed);
	}
}

static void without_either_disk_nothing_happens_at_all(void **state)
{
	(void)state;
	expect_green(HEAD "  - {call: {edr.isolate: {host: a}}, expect: allow}\n"
			  "  - {fault: emergency failing}\n"
			  "  - {fault: disk failing}\n"
			  "  - {call: {edr.isolate: {host: b}}, expect: deny audit_unavailable,\n"
			  "     effect: none}\n"
			  "  - {kill: all, by: alice, expect: deny}\n"
			  "  - {fault: disk good}\n"
			  "  - {call: {edr.isolate: {host: b}}, expect: allow, effect: once}\n",
		     1);
}

static void an_upstream_that_loses_its_answer_is_not_asked_twice(void **state)
{
	(void)state;
	expect_green(HEAD "  - {fault: upstream edr lost}\n"
			  "  - {call: {edr.isolate: {host: a}}, expect: allow outcome_unknown,\n"
			  "     effect: once}\n"
			  "  - {fault: upstream edr up}\n"
			  "  - {wait: 1m, effect: none}\n",
		     1);
}

#define SENT_AND_SLOW                                                                              \
	HEAD "  - {fault: upstream edr slow}\n"                                                    \
	     "  - {call: {edr.look: {host: a}}}\n"                                                 \
	     "  - {wait: 20s}\n"

static void what_outlives_its_governor_goes_on_or_is_known_late(void **state)
{
	(void)state;
	expect_green(SENT_AND_SLOW "  - {crash: governor}\n"
				   "  - {wait: 5s, log: {call.completed: 0}}\n"
				   "  - {wait: 30s, log: {call.completed: {kind: ok}}}\n",
		     1);
	expect_green(SENT_AND_SLOW "  - {crash: governor slow}\n"
				   "  - {wait: 5s, log: {call.completed: 0}}\n"
				   "  - {wait: 30s, log: {call.completed: {kind: ok}}}\n",
		     1);
	expect_green(SENT_AND_SLOW "  - {crash: governor unheard}\n"
				   "  - {wait: 5s, log: {call.completed: {kind: unknown}}}\n"
				   "  - {wait: 30s, log: {call.completed: {kind: ok}}}\n",
		     1);
	expect_green(SENT_AND_SLOW "  - {crash: process, log: {call.completed: {kind: unknown}}}\n"
				   "  - {wait: 40s, log: {call.completed: 0}}\n",
		     1);
}

static void what_a_sender_had_in_hand_ends_with_it_and_the_next_goes_on(void **state)
{
	(void)state;
	expect_green(SENT_AND_SLOW
		     "  - {crash: runner, log: {call.completed: {kind: unknown}}}\n"
		     "  - {wait: 40s, log: {call.completed: 0}}\n"
		     "  - {fault: upstream edr up}\n"
		     "  - {call: {edr.isolate: {host: a}}, expect: allow, effect: once}\n",
		     1);
	expect_green(SENT_AND_SLOW
		     "  - {crash: front, log: {call.completed: 0}}\n"
		     "  - {wait: 40s, log: {call.completed: {kind: ok}}}\n"
		     "  - {fault: upstream edr up}\n"
		     "  - {call: {edr.isolate: {host: a}}, expect: allow, effect: once}\n",
		     1);
}

static void a_full_disk_leaves_reads_and_the_way_back(void **state)
{
	(void)state;
	expect_green(HEAD
		     "  - {call: {edr.isolate: {host: a}}, expect: allow}\n"
		     "  - {fault: disk full}\n"
		     "  - {call: {edr.look: {host: b}}, times: 2500, every: 50ms, expect: allow}\n"
		     "  - {call: {edr.isolate: {host: b}}, expect: deny audit_unavailable,\n"
		     "     effect: none}\n"
		     "  - {call: {edr.look: {host: b}}, expect: allow, log: {log.degraded: 0}}\n"
		     "  - {crash: power}\n"
		     "  - {call: {edr.isolate: {host: b}}, expect: deny audit_unavailable}\n"
		     "  - {do: rollback, with: {id: $term}, expect: ok,\n"
		     "     effect: {\"host:a\": {isolated: false}}}\n"
		     "  - {fault: disk good}\n"
		     "  - {wait: 1s, log: log.recovered}\n"
		     "  - {call: {edr.isolate: {host: b}}, expect: allow, effect: once}\n",
		     3);
}

static void lives_begin_while_no_key_can_be_stored_in_its_place(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		expect_green(HEAD
			     "  - {call: {edr.isolate: {host: a}}, expect: allow}\n"
			     "  - {fault: keys full}\n"
			     "  - {crash: power}\n"
			     "  - {call: {edr.look: {host: b}}, expect: allow}\n"
			     "  - {crash: power}\n"
			     "  - {call: {edr.isolate: {host: b}}, expect: allow, effect: once}\n"
			     /* Each needs a key of its own: four were left fresh. */
			     "  - {intent: {}, expect: allow}\n"
			     "  - {intent: {}, expect: allow}\n"
			     "  - {intent: {}, expect: allow}\n"
			     "  - {intent: {}, expect: allow}\n"
			     "  - {intent: {}, expect: deny}\n"
			     "  - {fault: keys good}\n"
			     "  - {wait: 3s}\n"
			     "  - {intent: {}, expect: allow}\n"
			     "  - {crash: power}\n"
			     "  - {call: {edr.look: {host: b}}, expect: allow}\n"
			     "  - {do: rollback, with: {id: $term}, expect: ok}\n",
			     seed);
	}
}

static void a_task_is_of_the_key_that_declared_it(void **state)
{
	(void)state;
	expect_green(HEAD "  - {intent: {}, expect: allow}\n"
			  "  - {call: {edr.look: {host: a}}, key: other,\n"
			  "     expect: deny credential_foreign, effect: none}\n"
			  "  - {call: {edr.look: {host: a}}, expect: allow}\n"
			  "  - {crash: power}\n"
			  "  - {call: {edr.look: {host: a}}, key: other,\n"
			  "     expect: deny credential_foreign}\n"
			  "  - {intent: {}, key: other, expect: allow}\n"
			  "  - {call: {edr.look: {host: a}}, key: other, expect: allow}\n",
		     1);
}

static void sources_post_what_their_kind_of_webhook_says(void **state)
{
	(void)state;
	expect_green("scenario: W\ntitle: webhooks\n"
		     "fixture:\n"
		     "  upstreams: {edr: {tools: {look: {effect: read, on: service}}}}\n"
		     "  remit:\n"
		     "    sources:\n"
		     "      pager:\n"
		     "        {type: pagerduty, secret_file: secret, environment: production,\n"
		     "         classes: [incident], mapping: {class: {constant: incident},\n"
		     "         assets: [{kind: service, pointer: /event/data/service/summary}]}}\n"
		     "incidents: {}\n"
		     "steps:\n"
		     "  - {call: {edr.look: {service: web}}, expect: deny}\n"
		     "  - {webhook: {event: {id: e1, resource_type: incident, event_type: "
		     "incident.triggered,\n"
		     "      occurred_at: \"2026-11-02T09:00:00Z\", data: {id: P1, type: incident, "
		     "status: triggered, urgency: high,\n"
		     "      title: it is down, service: {id: S1, summary: web}}}}, from: pager,\n"
		     "     expect: ok, log: {incident.opened: {class: incident}}}\n"
		     "  - {call: {edr.look: {service: web}}, expect: allow}\n"
		     "  - {webhook: {event: {id: e2}}, from: pager, expect: deny}\n",
		     1);
}

/* ---- the disk ---- */

static void put(const struct log_io *io, const char *name, const char *text)
{
	struct err e = ERR_INIT;

	if (log_io_replace_file(io, name, str_from(text), &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
}

static void a_replaced_file_is_old_or_new_after_a_power_cut(void **state)
{
	size_t n_old = 0;
	size_t n_new = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct disk *d = disk_new(seed);
		struct log_io io = disk_io(d);
		AUTO_BUF b = BUF_INIT(64);

		put(&io, "x", "old");
		disk_fail_at(d, DISK_FAULT_POWER, 1 + seed % 5);
		(void)log_io_replace_file(&io, "x", STR("new"), NULL); /* may fail in the middle */
		disk_power_cut(d);
		assert_ok(log_io_read_file(&io, "x", &b, NULL));
		n_old += str_eq(buf_view(&b), STR("old"));
		n_new += str_eq(buf_view(&b), STR("new"));
		disk_free(d);
	}
	assert_int_equal(n_old + n_new, 200);
	assert_true(n_old > 0 && n_new > 0);
}

static void a_full_disk_takes_no_new_file(void **state)
{
	struct disk *d = disk_new(1);
	struct log_io io = disk_io(d);
	AUTO_BUF b = BUF_INIT(64);

	(void)state;
	put(&io, "x", "old");
	disk_set_mood(d, DISK_FULL);
	assert_rc(log_io_replace_file(&io, "x", STR("new"), NULL), RC_IO);
	assert_ok(log_io_read_file(&io, "x", &b, NULL));
	assert_str(buf_view(&b), "old");
	disk_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_same_seed_gives_the_same_log),
	    cmocka_unit_test(what_was_acknowledged_survives_a_power_cut),
	    cmocka_unit_test(nothing_happens_without_a_log),
	    cmocka_unit_test(an_outcome_reaches_the_emergency_segment),
	    cmocka_unit_test(a_term_that_ends_while_the_log_is_away_is_undone_when_it_is_home),
	    cmocka_unit_test(a_log_that_fails_goes_on_in_its_emergency_segment),
	    cmocka_unit_test(without_either_disk_nothing_happens_at_all),
	    cmocka_unit_test(an_upstream_that_loses_its_answer_is_not_asked_twice),
	    cmocka_unit_test(what_outlives_its_governor_goes_on_or_is_known_late),
	    cmocka_unit_test(what_a_sender_had_in_hand_ends_with_it_and_the_next_goes_on),
	    cmocka_unit_test(a_full_disk_leaves_reads_and_the_way_back),
	    cmocka_unit_test(lives_begin_while_no_key_can_be_stored_in_its_place),
	    cmocka_unit_test(a_task_is_of_the_key_that_declared_it),
	    cmocka_unit_test(sources_post_what_their_kind_of_webhook_says),
	    cmocka_unit_test(a_replaced_file_is_old_or_new_after_a_power_cut),
	    cmocka_unit_test(a_full_disk_takes_no_new_file),
	};

	log_set_level(LOG_LEVEL_NONE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
