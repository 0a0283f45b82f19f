/* SPDX-License-Identifier: Apache-2.0 */
/* The lease engine between a governor, a backend, a runner and an agents' front, all in here. */
#include "test.h"

#include <unistd.h>

#include "base/buf.h"
#include "keeper/lease.h"

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

/* What a party heard, one line each: "issued 7 ok ''". */
struct party {
	struct channel *ours; /* the keeper's end */
	struct channel *theirs;
	struct buf heard;
};

struct scene {
	struct loop *l;
	struct lease_peers peers;
	struct leases *leases;
	struct party governor;
	struct party backend;
	struct party other; /* a second backend */
	struct party runner;
	struct party agents;
};

static void heard(void *ctx, struct channel *c, const struct message *m)
{
	struct party *p = ctx;
	struct buf *b = &p->heard;

	(void)c;
	if (m->kind == MESSAGE_LEASE_ISSUED) {
		assert_ok(buf_addf(b, "issued %d %d '" STR_FMT "' '" STR_FMT "';",
				   (int)m->lease_issued.lease, m->lease_issued.ok,
				   STR_ARG(m->lease_issued.fields),
				   STR_ARG(m->lease_issued.detail)));
	} else if (m->kind == MESSAGE_LEASE_REVOKED) {
		assert_ok(buf_addf(b, "revoked %d %d '" STR_FMT "';", (int)m->lease_revoked.lease,
				   m->lease_revoked.gone, STR_ARG(m->lease_revoked.detail)));
	} else if (m->kind == MESSAGE_LEASE_FOUND) {
		assert_ok(buf_addf(b, "found %d " STR_FMT " '" STR_FMT "';", m->lease_found.ok,
				   STR_ARG(m->lease_found.names), STR_ARG(m->lease_found.detail)));
	} else if (m->kind == MESSAGE_SECRET) {
		assert_ok(buf_addf(b, "secret %d " STR_FMT " " STR_FMT ";", (int)m->secret.lease,
				   STR_ARG(m->secret.task), STR_ARG(m->secret.fields)));
	} else if (m->kind == MESSAGE_SECRET_DROP) {
		assert_ok(buf_addf(b, "drop %d;", (int)m->secret_drop.lease));
	} else {
		assert_ok(buf_addf(b, "%s;", message_name(m->kind)));
	}
}

static void ours(void *ctx, struct channel *c, const struct message *m)
{
	struct scene *s = ctx;

	if (c == s->governor.ours) {
		leases_order(s->leases, m);
	} else {
		leases_answer(s->leases, c == s->backend.ours ? "orders" : "users", m);
	}
}

static void gone(void *ctx, struct channel *c, const char *why)
{
	(void)ctx;
	(void)c;
	(void)why;
}

static void plug(struct scene *s, struct party *p, enum role role)
{
	int fds[2];

	p->heard = (struct buf)BUF_INIT(100000);
	assert_ok(channel_pair(fds, NULL));
	assert_ok(channel_new(s->l, fds[0], R_KEEPER, role, ours, gone, s, &p->ours, NULL));
	assert_ok(channel_new(s->l, fds[1], role, R_KEEPER, heard, gone, p, &p->theirs, NULL));
}

/* Whatever says so, of the leaf that was named. */
static bool is_in_log(void *ctx, struct str receipt, uint64_t leaf_index,
		      const uint8_t leaf_hash_[32])
{
	(void)ctx;
	return str_eq(receipt, STR("good")) && leaf_index == 41 && leaf_hash_[0] == 1;
}

static void open_scene(struct scene *s)
{
	static const struct clock clock = {.unix_ms = fake_unix_ms, .boot_ns = fake_boot_ns};

	memset(s, 0, sizeof(*s));
	s->peers = (struct lease_peers){.n_agents = 1, .n_backends = 2};
	now_ns = 1000000000000;
	assert_ok(loop_new(&clock, &s->l, NULL));
	plug(s, &s->governor, R_GOVERNOR);
	plug(s, &s->backend, R_BACKEND);
	plug(s, &s->other, R_BACKEND);
	plug(s, &s->runner, R_RUNNER);
	plug(s, &s->agents, R_AGENTS);
	s->peers.governor = s->governor.ours;
	s->peers.is_in_log = is_in_log;
	s->peers.runner = (struct lease_user){.channel = s->runner.ours, .generation = 1};
	s->peers.agents[0] = (struct lease_user){.channel = s->agents.ours, .generation = 1};
	s->peers.backends[0].channel = s->backend.ours;
	memcpy(s->peers.backends[0].name, "orders", 7);
	s->peers.backends[1].channel = s->other.ours;
	memcpy(s->peers.backends[1].name, "users", 6);
	assert_ok(leases_new(s->l, &s->peers, &s->leases, NULL));
}

static void close_scene(struct scene *s)
{
	struct party *all[] = {&s->governor, &s->backend, &s->other, &s->runner, &s->agents};

	leases_free(s->leases);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		channel_free(all[i]->ours);
		channel_free(all[i]->theirs);
		buf_fini(&all[i]->heard);
	}
	loop_free(s->l);
}

static void settle(struct scene *s)
{
	for (int i = 0; i < 8; i++) {
		assert_ok(loop_step(s->l, 0, NULL));
	}
}

static void assert_heard(struct party *p, const char *what)
{
	assert_str(buf_view(&p->heard), what);
	buf_reset(&p->heard);
}

static void send(struct scene *s, struct party *p, const struct message *m)
{
	assert_ok(channel_send(p->theirs, m));
	settle(s);
}

static const uint8_t leaf_hash[32] = {1};

static void order_issue(struct scene *s, uint64_t lease, const char *backend)
{
	const struct message m = {.kind = MESSAGE_LEASE_ISSUE,
				  .lease_issue = {.lease = lease,
						  .backend = str_from(backend),
						  .name = STR("remit_l1"),
						  .task = STR("t5"),
						  .create_by_unix_ms = fake_unix_ms(NULL) + 10000,
						  .leaf_index = 41,
						  .leaf_hash = str_of(leaf_hash, 32)}};

	send(s, &s->governor, &m);
}

static void answer_issued(struct scene *s, struct party *backend, uint64_t lease, bool ok)
{
	const struct message m = {
	    .kind = MESSAGE_LEASE_ISSUED,
	    .lease_issued = {.lease = lease,
			     .ok = ok,
			     .fields = ok ? STR("{\"password\":\"pw\"}") : STR_NULL,
			     .detail = ok ? STR_NULL : STR("no")}};

	send(s, backend, &m);
}

static void order_deliver(struct scene *s, uint64_t lease, uint8_t to)
{
	const struct message m = {.kind = MESSAGE_LEASE_DELIVER,
				  .lease_deliver = {.lease = lease, .to = to, .generation = 1}};

	send(s, &s->governor, &m);
}

static void order_revoke(struct scene *s, uint64_t lease)
{
	const struct message m = {
	    .kind = MESSAGE_LEASE_REVOKE,
	    .lease_revoke = {.lease = lease, .backend = STR("orders"), .name = STR("remit_l1")}};

	send(s, &s->governor, &m);
}

static void answer_revoked(struct scene *s, uint64_t lease, bool is_gone)
{
	const struct message m = {
	    .kind = MESSAGE_LEASE_REVOKED,
	    .lease_revoked = {.lease = lease, .gone = is_gone, .detail = STR("read back")}};

	send(s, &s->backend, &m);
}

static void a_secret_goes_to_its_user_once_and_to_nobody_else(void **state)
{
	(void)state;
	struct scene s;

	open_scene(&s);
	order_issue(&s, 7, "orders");
	assert_heard(&s.backend, "lease_issue;");
	assert_heard(&s.other, "");
	order_deliver(&s, 7, 2); /* nothing to deliver yet */
	answer_issued(&s, &s.backend, 7, true);
	assert_heard(&s.governor, "issued 7 1 '' '';"); /* without the secret */
	assert_heard(&s.runner, "");
	order_deliver(&s, 7, 2);
	assert_heard(&s.runner, "secret 7 t5 {\"password\":\"pw\"};");
	assert_heard(&s.agents, "");
	order_deliver(&s, 7, 2);
	order_deliver(&s, 7, 1);
	assert_heard(&s.runner, "");
	assert_heard(&s.agents, "");
	close_scene(&s);
}

static void a_revoked_lease_is_dropped_everywhere_and_read_back(void **state)
{
	(void)state;
	struct scene s;

	open_scene(&s);
	order_issue(&s, 7, "orders");
	answer_issued(&s, &s.backend, 7, true);
	buf_reset(&s.governor.heard);
	buf_reset(&s.backend.heard);
	order_revoke(&s, 7); /* held, never delivered */
	assert_heard(&s.runner, "drop 7;");
	assert_heard(&s.agents, "drop 7;");
	assert_heard(&s.backend, "lease_revoke;");
	assert_heard(&s.governor, "");
	order_deliver(&s, 7, 2);
	assert_heard(&s.runner, "");
	answer_revoked(&s, 7, false);
	assert_heard(&s.governor, "revoked 7 0 'read back';");
	order_revoke(&s, 7); /* the governor does not give up */
	answer_revoked(&s, 7, true);
	assert_heard(&s.governor, "revoked 7 1 'read back';");
	assert_int_equal(leases_count(s.leases), 0);
	close_scene(&s);
}

static void every_order_is_answered_once_when_the_backend_is_silent(void **state)
{
	(void)state;
	const struct message list = {.kind = MESSAGE_LEASE_SWEEP,
				     .lease_sweep = {.backend = STR("orders")}};
	struct scene s;

	open_scene(&s);
	order_issue(&s, 7, "orders");
	now_ns += 11999 * 1000000ULL; /* create_by in 10 s, and grace */
	settle(&s);
	assert_heard(&s.governor, "");
	now_ns += 1000000;
	settle(&s);
	assert_heard(&s.governor, "issued 7 0 '' 'the backend did not answer in time';");
	answer_issued(&s, &s.backend, 7, true); /* too late: wiped */
	order_deliver(&s, 7, 2);
	assert_heard(&s.runner, "");
	assert_heard(&s.governor, "");

	order_revoke(&s, 8);
	send(&s, &s.governor, &list);
	now_ns += 30000 * 1000000ULL;
	settle(&s);
	assert_heard(&s.governor, "revoked 8 0 'the backend did not answer in time';"
				  "found 0 [] 'the backend did not answer in time';");
	answer_revoked(&s, 8, true);
	assert_heard(&s.governor, "");
	assert_int_equal(leases_count(s.leases), 0);
	close_scene(&s);
}

static void a_secret_waits_for_the_process_it_is_for_and_goes_to_no_later_one(void **state)
{
	(void)state;
	struct scene s;
	struct message m = {.kind = MESSAGE_LEASE_DELIVER,
			    .lease_deliver = {.lease = 1, .to = 1, .generation = 5}};
	struct channel *agents;

	/* The governor has heard of the new front before the keeper. */
	open_scene(&s);
	order_issue(&s, 1, "orders");
	answer_issued(&s, &s.backend, 1, true);
	send(&s, &s.governor, &m);
	assert_heard(&s.agents, "");
	agents = s.peers.agents[0].channel;
	s.peers.agents[0].channel = NULL; /* lost */
	leases_user_found(s.leases);	  /* somebody else */
	settle(&s);
	s.peers.agents[0] = (struct lease_user){.channel = agents, .generation = 5};
	leases_user_found(s.leases);
	settle(&s);
	assert_heard(&s.agents, "secret 1 t5 {\"password\":\"pw\"};");
	leases_user_found(s.leases);
	settle(&s);
	assert_heard(&s.agents, ""); /* once */

	/* And the other way round: it meant a front that is no more. */
	order_issue(&s, 2, "orders");
	answer_issued(&s, &s.backend, 2, true);
	m.lease_deliver.lease = 2;
	m.lease_deliver.generation = 4;
	send(&s, &s.governor, &m);
	leases_user_found(s.leases);
	settle(&s);
	assert_heard(&s.agents, "");
	close_scene(&s);
}

static void what_a_backend_that_ended_was_asked_is_answered_with_no(void **state)
{
	(void)state;
	struct scene s;
	const struct message sweep = {.kind = MESSAGE_LEASE_SWEEP,
				      .lease_sweep = {.backend = STR("orders")}};

	open_scene(&s);
	order_issue(&s, 1, "orders"); /* asked */
	order_issue(&s, 2, "users");
	order_issue(&s, 3, "orders"); /* held */
	answer_issued(&s, &s.backend, 3, true);
	order_issue(&s, 4, "orders"); /* out, and being revoked */
	answer_issued(&s, &s.backend, 4, true);
	order_deliver(&s, 4, 1);
	order_revoke(&s, 4);
	send(&s, &s.governor, &sweep);
	buf_reset(&s.governor.heard);
	leases_backend_lost(s.leases, "orders");
	settle(&s);
	assert_true(
	    str_contains(buf_view(&s.governor.heard), STR("issued 1 0 '' 'the backend ended';")));
	assert_true(
	    str_contains(buf_view(&s.governor.heard), STR("revoked 4 0 'the backend ended';")));
	assert_true(
	    str_contains(buf_view(&s.governor.heard), STR("found 0 [] 'the backend ended';")));
	assert_false(str_contains(buf_view(&s.governor.heard), STR("issued 2")));
	buf_reset(&s.governor.heard);
	/* The other backend, and a secret that is here already, are not concerned. */
	answer_issued(&s, &s.other, 2, true);
	assert_heard(&s.governor, "issued 2 1 '' '';");
	buf_reset(&s.agents.heard);
	order_deliver(&s, 3, 1);
	assert_heard(&s.agents, "secret 3 t5 {\"password\":\"pw\"};");
	/* Each was answered once: the deadlines have nothing to add, nor a late answer. */
	answer_issued(&s, &s.backend, 1, true);
	now_ns += 120000000000;
	settle(&s);
	assert_heard(&s.governor, "");
	order_revoke(&s, 4);
	answer_revoked(&s, 4, true);
	assert_heard(&s.governor, "revoked 4 1 'read back';");
	close_scene(&s);
}

static void a_lease_revoked_while_it_is_made_never_comes_out(void **state)
{
	(void)state;
	struct scene s;

	open_scene(&s);
	order_issue(&s, 7, "orders");
	order_revoke(&s, 7);
	assert_heard(&s.governor, "issued 7 0 '' 'revoked before it was made';");
	answer_issued(&s, &s.backend, 7, true); /* the backend works in order */
	order_deliver(&s, 7, 2);
	buf_reset(&s.runner.heard);
	assert_heard(&s.governor, "");
	answer_revoked(&s, 7, true);
	assert_heard(&s.governor, "revoked 7 1 'read back';");
	close_scene(&s);
}

static void a_backend_speaks_for_its_own_leases_only(void **state)
{
	(void)state;
	struct scene s;
	const struct message found = {.kind = MESSAGE_LEASE_FOUND,
				      .lease_found = {.backend = STR("orders"), .ok = 1}};

	open_scene(&s);
	order_issue(&s, 7, "orders");
	answer_issued(&s, &s.other, 7, true);
	send(&s, &s.other, &found);
	assert_heard(&s.governor, "");
	answer_issued(&s, &s.backend, 7, true); /* control */
	assert_heard(&s.governor, "issued 7 1 '' '';");
	close_scene(&s);
}

static void orders_that_make_no_sense_are_refused_with_a_reason(void **state)
{
	(void)state;
	struct scene s;

	open_scene(&s);
	order_issue(&s, 7, "nowhere");
	assert_heard(&s.governor, "issued 7 0 '' 'there is no such backend';");
	order_issue(&s, 7, "orders");
	order_issue(&s, 7, "orders");
	assert_heard(&s.governor, "issued 7 0 '' 'this lease was ordered before';");
	assert_heard(&s.backend, "lease_issue;");
	answer_issued(&s, &s.backend, 7, false);
	assert_heard(&s.governor, "issued 7 0 '' 'no';");
	assert_int_equal(leases_count(s.leases), 0);
	close_scene(&s);
}

static void show_proof(struct scene *s, uint64_t lease, const char *receipt)
{
	const struct message m = {.kind = MESSAGE_LEASE_PROOF,
				  .lease_proof = {.lease = lease, .receipt = str_from(receipt)}};

	send(s, &s->governor, &m);
}

static void a_lease_whose_leaf_is_not_shown_in_time_is_the_last(void **state)
{
	(void)state;
	struct scene s;

	open_scene(&s);
	order_issue(&s, 7, "orders");
	answer_issued(&s, &s.backend, 7, true);
	show_proof(&s, 7, "good");
	now_ns += (LEASE_PROOF_MS + 1000) * 1000000ULL;
	order_issue(&s, 8, "orders"); /* control: 7 was shown */
	answer_issued(&s, &s.backend, 8, true);
	assert_heard(&s.governor, "issued 7 1 '' '';issued 8 1 '' '';");
	now_ns += LEASE_PROOF_MS * 1000000ULL / 2;
	order_issue(&s, 9, "orders"); /* 8 is not late yet */
	answer_issued(&s, &s.backend, 9, true);
	buf_reset(&s.governor.heard);
	now_ns += LEASE_PROOF_MS * 1000000ULL;
	order_issue(&s, 10, "orders");
	assert_heard(&s.governor, "issued 10 0 '' 'an earlier lease is not in the log';");
	show_proof(&s, 8, "good"); /* too late */
	order_issue(&s, 11, "orders");
	assert_heard(&s.governor, "issued 11 0 '' 'an earlier lease is not in the log';");
	order_revoke(&s, 7); /* taking back goes on */
	answer_revoked(&s, 7, true);
	assert_heard(&s.governor, "revoked 7 1 'read back';");
	close_scene(&s);
}

static void a_new_governor_has_time_anew_for_the_proofs_of_the_last_one(void **state)
{
	(void)state;
	struct scene s;

	for (int was_late = 0; was_late < 2; was_late++) {
		open_scene(&s);
		order_issue(&s, 7, "orders");
		answer_issued(&s, &s.backend, 7, true);
		now_ns += (was_late ? LEASE_PROOF_MS + 1000 : 1000) * 1000000ULL;
		settle(&s);
		leases_governor_lost(s.leases);
		now_ns += 10 * LEASE_PROOF_MS * 1000000ULL; /* a long log */
		settle(&s);
		leases_governor_found(s.leases);
		buf_reset(&s.governor.heard);
		order_issue(&s, 8, "orders");
		answer_issued(&s, &s.backend, 8, true);
		if (was_late) {
			assert_true(str_contains(buf_view(&s.governor.heard),
						 STR("an earlier lease is not in the log")));
		} else {
			assert_heard(&s.governor, "issued 8 1 '' '';");
			/* But not for ever. */
			now_ns += (LEASE_PROOF_MS + 1000) * 1000000ULL;
			settle(&s);
			order_issue(&s, 9, "orders");
			assert_true(str_contains(buf_view(&s.governor.heard),
						 STR("an earlier lease is not in the log")));
		}
		close_scene(&s);
	}
}

static void a_false_proof_ends_all_issuing(void **state)
{
	(void)state;
	struct scene s;

	open_scene(&s);
	order_issue(&s, 7, "orders");
	answer_issued(&s, &s.backend, 7, true);
	show_proof(&s, 6, "of something else");
	show_proof(&s, 7, "bad");
	buf_reset(&s.governor.heard);
	order_issue(&s, 8, "orders");
	assert_heard(&s.governor, "issued 8 0 '' 'an earlier lease is not in the log';");
	close_scene(&s);
}

static void nothing_leaks(void **state)
{
	(void)state;
	struct scene s;
	size_t before = mem_blocks();

	open_scene(&s);
	order_issue(&s, 7, "orders");
	order_issue(&s, 8, "orders");
	answer_issued(&s, &s.backend, 7, true);
	close_scene(&s);
	assert_int_equal(mem_blocks(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_secret_goes_to_its_user_once_and_to_nobody_else),
	    cmocka_unit_test(a_revoked_lease_is_dropped_everywhere_and_read_back),
	    cmocka_unit_test(every_order_is_answered_once_when_the_backend_is_silent),
	    cmocka_unit_test(a_secret_waits_for_the_process_it_is_for_and_goes_to_no_later_one),
	    cmocka_unit_test(what_a_backend_that_ended_was_asked_is_answered_with_no),
	    cmocka_unit_test(a_lease_revoked_while_it_is_made_never_comes_out),
	    cmocka_unit_test(a_backend_speaks_for_its_own_leases_only),
	    cmocka_unit_test(orders_that_make_no_sense_are_refused_with_a_reason),
	    cmocka_unit_test(a_lease_whose_leaf_is_not_shown_in_time_is_the_last),
	    cmocka_unit_test(a_new_governor_has_time_anew_for_the_proofs_of_the_last_one),
	    cmocka_unit_test(a_false_proof_ends_all_issuing),
	    cmocka_unit_test(nothing_leaks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
