/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "net/role.h"

static void peers_survive_the_command_line(void **state)
{
	(void)state;
	struct role_peer in[2] = {{.role = R_GOVERNOR, .fd = 5, .born = 1},
				  {.role = R_BACKEND, .name = "orders", .fd = 17, .born = 3}};
	struct role_peer out[LIMIT_ROLE_PEERS];
	AUTO_BUF b = BUF_INIT(1000);
	size_t n;

	assert_ok(role_peers_print(in, 2, &b));
	assert_str(buf_view(&b), "governor=5@1,backend:orders=17@3");
	assert_ok(role_peers_parse(buf_view(&b), out, &n, NULL));
	assert_int_equal(n, 2);
	assert_int_equal(out[0].role, R_GOVERNOR);
	assert_string_equal(out[0].name, "");
	assert_int_equal(out[0].fd, 5);
	assert_int_equal(out[1].role, R_BACKEND);
	assert_string_equal(out[1].name, "orders");
	assert_int_equal(out[1].fd, 17);
	assert_int_equal(out[1].born, 3);
	assert_ok(role_peers_parse(STR_NULL, out, &n, NULL));
	assert_int_equal(n, 0);
}

static void what_is_no_peer_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "governor",	     "governor=",   "governor=-1@1",	      "janitor=3@1",
	    "governor=5x@1", "=5@1",	    "governor=99999999999@1", "governor=5",
	    "governor=5@",   "governor=5@x"};
	struct role_peer out[LIMIT_ROLE_PEERS];
	AUTO_BUF b = BUF_INIT(10000);
	struct err e = ERR_INIT;
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_rc(role_peers_parse(str_from(bad[i]), out, &n, &e), RC_INPUT);
	}
	for (int i = 0; i <= LIMIT_ROLE_PEERS; i++) {
		assert_ok(buf_addf(&b, "keeper=%d@1,", i));
	}
	assert_rc(role_peers_parse(buf_view(&b), out, &n, &e), RC_LIMIT);
}

static void every_role_has_a_name_that_reads_back(void **state)
{
	(void)state;
	enum role r;

	for (unsigned i = 1; i & R_ANY; i <<= 1) {
		assert_true(role_from_name(str_from(role_name((enum role)i)), &r));
		assert_int_equal(r, i);
	}
	assert_false(role_from_name(STR("?"), &r));
	assert_false(role_from_name(STR(""), &r));
}

static void ignore_message(void *ctx, struct channel *c, const struct message *m)
{
	(void)ctx;
	(void)c;
	(void)m;
}

static void note_gone(void *ctx, struct channel *c, const char *why)
{
	bool *gone = ctx;

	(void)c;
	(void)why;
	*gone = true;
}

static void a_peer_is_taken_once_and_the_rest_is_closed_before_running(void **state)
{
	(void)state;
	struct role_peer peers[2] = {{.role = R_GOVERNOR}, {.role = R_COURIER, .name = "x"}};
	struct role_env env = {
	    .role = R_KEEPER, .clock = clock_system(), .peers = peers, .n_peers = 2};
	struct channel *governor = NULL;
	struct err e = ERR_INIT;
	bool gone = false;
	int pairs[2][2];
	int spare;

	assert_ok(loop_new(&env.clock, &env.loop, &e));
	for (int i = 0; i < 2; i++) {
		assert_ok(channel_pair(pairs[i], &e));
		peers[i].fd = pairs[i][0];
	}
	spare = pairs[1][0];
	assert_true(role_has_peer(&env, R_GOVERNOR, NULL));
	assert_ok(
	    role_channel(&env, R_GOVERNOR, "", ignore_message, note_gone, &gone, &governor, &e));
	assert_false(role_has_peer(&env, R_GOVERNOR, NULL));
	assert_rc(
	    role_channel(&env, R_GOVERNOR, NULL, ignore_message, note_gone, &gone, &governor, &e),
	    RC_ABSENT);
	assert_rc(
	    role_channel(&env, R_COURIER, "y", ignore_message, note_gone, &gone, &governor, &e),
	    RC_ABSENT);
	loop_stop(env.loop);
	assert_ok(role_run(&env, &e));
	assert_int_equal(fcntl(spare, F_GETFD), -1);
	assert_int_equal(errno, EBADF);
	assert_false(gone);
	channel_free(governor);
	loop_free(env.loop);
	(void)close(pairs[0][1]);
	(void)close(pairs[1][1]);
}

/* ---- links ---- */

struct linked {
	size_t heard;
	size_t lost;
	size_t found;
	size_t heard_when_lost;
	struct channel *c;
};

static void count_message(void *ctx, struct channel *c, const struct message *m)
{
	struct linked *l = ctx;

	(void)m;
	assert_ptr_equal(c, l->c);
	l->heard++;
}

static void count_lost(void *ctx)
{
	struct linked *l = ctx;

	assert_null(l->c);
	l->heard_when_lost = l->heard;
	l->lost++;
}

static void count_found(void *ctx)
{
	struct linked *l = ctx;

	assert_non_null(l->c);
	assert_true(l->lost == l->found + 1); /* lost before it is found again */
	l->found++;
}

/* What the role says to the supervisor. */
struct heard_lost {
	size_t n;
	uint64_t generation;
};

static void hear_lost(void *ctx, struct channel *c, const struct message *m)
{
	struct heard_lost *h = ctx;

	(void)c;
	assert_int_equal(m->kind, MESSAGE_LOST);
	assert_int_equal(m->lost.role, R_GOVERNOR);
	h->n++;
	h->generation = m->lost.generation;
}

static void end_is_no_news(void *ctx, struct channel *c, const char *why)
{
	(void)ctx;
	(void)c;
	(void)why;
}

struct linked_scene {
	struct role_peer peers[2];
	struct role_plug plugs[2];
	struct role_env env;
	struct linked linked;
	struct channel *supervisor; /* its end */
	struct heard_lost heard;
	int governor;
};

static uint64_t link_now_ns;

static uint64_t link_boot_ns(void *ctx)
{
	(void)ctx;
	return link_now_ns;
}

static void steps(struct linked_scene *s)
{
	for (int i = 0; i < 6; i++) {
		assert_ok(loop_step(s->env.loop, 0, NULL));
	}
}

static const struct role_link counting = {
    .on_message = count_message, .lost = count_lost, .found = count_found};

static void open_linked(struct linked_scene *s)
{
	struct clock clock = {.unix_ms = link_boot_ns, .boot_ns = link_boot_ns};
	int fds[2];
	struct err e = ERR_INIT;

	memset(s, 0, sizeof(*s));
	link_now_ns = 1000000000;
	s->env = (struct role_env){.role = R_COURIER,
				   .generation = 1,
				   .clock = clock,
				   .peers = s->peers,
				   .plugs = s->plugs,
				   .n_peers = 2};
	assert_ok(loop_new(&s->env.clock, &s->env.loop, &e));
	assert_ok(channel_pair(fds, &e));
	s->peers[0] = (struct role_peer){.role = R_GOVERNOR, .fd = fds[0], .born = 1};
	s->governor = fds[1];
	assert_ok(channel_pair(fds, &e));
	s->peers[1] = (struct role_peer){.role = R_SUPERVISOR, .fd = fds[0], .born = 1};
	assert_ok(channel_new(s->env.loop, fds[1], R_SUPERVISOR, R_COURIER, hear_lost,
			      end_is_no_news, &s->heard, &s->supervisor, &e));
	assert_ok(role_channel(&s->env, R_SUPERVISOR, NULL, ignore_message, end_is_no_news, NULL,
			       &s->env.supervisor, &e));
	assert_ok(role_link(&s->env, R_GOVERNOR, NULL, &counting, &s->linked, &s->linked.c, &e));
}

static void close_linked(struct linked_scene *s)
{
	s->env.is_stopping = true;
	channel_free(s->linked.c);
	channel_free(s->env.supervisor);
	channel_free(s->supervisor);
	loop_free(s->env.loop);
	(void)close(s->governor);
}

/* A message as the governor would write it. */
static void say_notify(int fd)
{
	const struct message m = {.kind = MESSAGE_NOTIFY,
				  .notify = {.id = 1, .notifier = STR("x")}};
	AUTO_BUF body = BUF_INIT(1000);
	AUTO_BUF b = BUF_INIT(1000);

	assert_ok(message_encode(&body, &m));
	assert_ok(buf_add_u32(&b, (uint32_t)body.n));
	assert_ok(buf_add(&b, buf_view(&body)));
	assert_int_equal(write(fd, b.p, b.n), (ssize_t)b.n);
}

static int replug(struct linked_scene *s, uint64_t generation)
{
	const struct msg_plug m = {.role = R_GOVERNOR, .name = STR(""), .generation = generation};
	int fds[2];

	assert_ok(channel_pair(fds, NULL));
	role_replug(&s->env, &m, fds[0]);
	return fds[1];
}

static void a_link_is_taken_up_again_with_all_that_was_said_heard_first(void **state)
{
	(void)state;
	struct linked_scene s;

	open_linked(&s);
	assert_int_equal(role_generation(&s.env, R_GOVERNOR, NULL), 1);
	/* The end of the old channel and the new one are there in the same round, and the
	 * supervisor is heard first. */
	say_notify(s.governor);
	say_notify(s.governor);
	(void)close(s.governor);
	s.governor = replug(&s, 5);
	assert_int_equal(s.linked.lost, 1);
	assert_int_equal(s.linked.found, 1);
	assert_int_equal(s.linked.heard_when_lost, 2);
	assert_int_equal(role_generation(&s.env, R_GOVERNOR, NULL), 5);
	say_notify(s.governor);
	steps(&s);
	assert_int_equal(s.linked.heard, 3);

	/* The other order: lost, and some time later found. */
	(void)close(s.governor);
	steps(&s);
	assert_int_equal(s.linked.lost, 2);
	assert_null(s.linked.c);
	assert_int_equal(s.linked.found, 1);
	s.governor = replug(&s, 6);
	say_notify(s.governor);
	steps(&s);
	assert_int_equal(s.linked.found, 2);
	assert_int_equal(s.linked.heard, 4);
	link_now_ns += 3000000000;
	steps(&s);
	assert_int_equal(s.heard.n, 0); /* no complaint: it came back in time */
	close_linked(&s);
}

static void a_peer_that_does_not_come_back_is_named_to_the_supervisor(void **state)
{
	(void)state;
	struct linked_scene s;

	open_linked(&s);
	(void)close(s.governor);
	steps(&s);
	assert_int_equal(s.heard.n, 0);
	link_now_ns += 3000000000;
	steps(&s);
	assert_int_equal(s.heard.n, 1);
	assert_int_equal(s.heard.generation, 1);
	s.governor = replug(&s, 4);
	/* One that breaks the rules is named at once. */
	assert_int_equal(write(s.governor, "\xff\xff\xff\xff", 4), 4);
	steps(&s);
	assert_int_equal(s.linked.lost, 2);
	assert_int_equal(s.heard.n, 2);
	assert_int_equal(s.heard.generation, 4);
	close_linked(&s);
}

static void a_peer_that_was_not_taken_yet_is_replaced_in_place(void **state)
{
	(void)state;
	struct linked_scene s;
	int first;
	int fds[2];

	open_linked(&s);
	assert_ok(channel_pair(fds, NULL));
	first = fds[0];
	s.peers[1] = (struct role_peer){.role = R_STORE, .fd = first, .born = 1};
	role_replug(&s.env, &(struct msg_plug){.role = R_STORE, .name = STR(""), .generation = 9},
		    dup(fds[1]));
	assert_int_equal(s.peers[1].born, 9);
	assert_int_not_equal(s.peers[1].fd, -1);
	/* Nobody is plugged in who was no peer from the start. */
	role_replug(&s.env, &(struct msg_plug){.role = R_INDEX, .name = STR("")}, dup(fds[1]));
	assert_int_equal(s.env.n_peers, 2);
	(void)close(s.peers[1].fd);
	(void)close(fds[1]);
	close_linked(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(peers_survive_the_command_line),
	    cmocka_unit_test(what_is_no_peer_is_refused),
	    cmocka_unit_test(every_role_has_a_name_that_reads_back),
	    cmocka_unit_test(a_peer_is_taken_once_and_the_rest_is_closed_before_running),
	    cmocka_unit_test(a_link_is_taken_up_again_with_all_that_was_said_heard_first),
	    cmocka_unit_test(a_peer_that_does_not_come_back_is_named_to_the_supervisor),
	    cmocka_unit_test(a_peer_that_was_not_taken_yet_is_replaced_in_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
