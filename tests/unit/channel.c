/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/channel.h"

/* One end of a channel and what it heard. */
struct end {
	struct channel *c;
	size_t heard;
	uint64_t sum;
	struct message last; /* numbers only: its strings are gone */
	size_t last_n;
	char why[200];
	bool free_in_handler;
	bool reply;
};

struct ends {
	struct loop *l;
	struct end front;
	struct end governor;
};

static void heard(void *ctx, struct channel *c, const struct message *m)
{
	struct end *end = ctx;

	end->heard++;
	end->last = *m;
	if (m->kind == MESSAGE_CALL) {
		end->sum += m->call.req;
		end->last_n = m->call.args.n;
	}
	if (end->reply) {
		struct message r = {
		    .kind = MESSAGE_CALL_REPLY,
		    .call_reply = {.req = m->call.req, .result = m->call.args},
		};

		assert_ok(channel_send(c, &r));
	}
	if (end->free_in_handler) {
		end->c = NULL;
		channel_free(c);
	}
}

static void went(void *ctx, struct channel *c, const char *why)
{
	struct end *end = ctx;

	(void)c;
	assert_string_equal(end->why, ""); /* told once */
	(void)snprintf(end->why, sizeof(end->why), "%s", why);
}

static void set_up_roles(struct ends *s, enum role a, enum role b)
{
	struct clock clock = clock_system();
	struct err e = ERR_INIT;
	int fds[2];

	*s = (struct ends){0};
	assert_ok(loop_new(&clock, &s->l, &e));
	assert_ok(channel_pair(fds, &e));
	assert_ok(channel_new(s->l, fds[0], a, b, heard, went, &s->front, &s->front.c, &e));
	assert_ok(channel_new(s->l, fds[1], b, a, heard, went, &s->governor, &s->governor.c, &e));
}

static void set_up(struct ends *s)
{
	set_up_roles(s, R_AGENTS, R_GOVERNOR);
}

/* The front's end as a bare socket, to say what a channel would never say. */
static int set_up_raw(struct ends *s)
{
	struct clock clock = clock_system();
	struct err e = ERR_INIT;
	int fds[2];

	*s = (struct ends){0};
	assert_ok(loop_new(&clock, &s->l, &e));
	assert_ok(channel_pair(fds, &e));
	assert_ok(channel_new(s->l, fds[1], R_GOVERNOR, R_AGENTS, heard, went, &s->governor,
			      &s->governor.c, &e));
	return fds[0];
}

static void tear_down(struct ends *s)
{
	channel_free(s->front.c);
	channel_free(s->governor.c);
	loop_free(s->l);
}

static void steps(struct ends *s, int n)
{
	for (int i = 0; i < n; i++) {
		assert_ok(loop_step(s->l, 1, NULL));
	}
}

static struct message call(uint64_t req, size_t args_bytes)
{
	static char args[LIMIT_ARGS_BYTES];

	return (struct message){
	    .kind = MESSAGE_CALL,
	    .call = {.req = req, .tool = STR("db___read"), .args = str_of(args, args_bytes)},
	};
}

static void messages_arrive_in_order_and_are_answered(void **state)
{
	(void)state;
	struct ends s;

	set_up(&s);
	s.governor.reply = true;
	for (uint64_t i = 1; i <= 1000; i++) {
		struct message m = call(i, 100);

		assert_ok(channel_send(s.front.c, &m));
	}
	for (int i = 0; i < 100 && s.front.heard < 1000; i++) {
		steps(&s, 1);
	}
	assert_int_equal(s.governor.heard, 1000);
	assert_int_equal(s.governor.sum, 500500);
	assert_int_equal(s.front.heard, 1000);
	assert_int_equal(s.front.last.call_reply.req, 1000);
	tear_down(&s);
}

static void what_a_round_queues_leaves_at_its_end(void **state)
{
	(void)state;
	struct ends s;
	struct message m = call(1, 10);

	set_up(&s);
	steps(&s, 1);
	assert_ok(channel_send(s.front.c, &m));
	assert_true(channel_queued_bytes(s.front.c) > 0);
	assert_ok(loop_step(s.l, 1000, NULL)); /* does not wait, since something is queued */
	assert_int_equal(channel_queued_bytes(s.front.c), 0);
	assert_int_equal(s.governor.heard, 0);
	assert_ok(loop_step(s.l, 1000, NULL));
	assert_int_equal(s.governor.heard, 1);

	assert_ok(channel_send(s.front.c, &m));
	channel_flush(s.front.c);
	assert_int_equal(channel_queued_bytes(s.front.c), 0);
	tear_down(&s);
}

struct taken {
	struct channel *c;
	size_t n;
	uint64_t sum;
};

static void note_taken(void *ctx, const struct message *m)
{
	struct taken *t = ctx;

	assert_int_equal(m->kind, MESSAGE_CALL);
	t->n++;
	t->sum += m->call.req;
}

static void take_back(void *ctx)
{
	struct taken *t = ctx;

	if (t->c) {
		channel_take_back(t->c, MESSAGE_CALL, note_taken, t);
	}
}

static void send_both(struct ends *s, uint64_t req, size_t bytes)
{
	struct message m = call(req, bytes);
	struct message other = {.kind = MESSAGE_WITHDRAW, .withdraw = {.req = req}};

	assert_ok(channel_send(s->front.c, &m));
	assert_ok(channel_send(s->front.c, &other));
}

static void what_a_round_has_queued_can_be_taken_back(void **state)
{
	(void)state;
	struct taken t = {0};
	struct loop_hook hook = {.run = take_back, .ctx = &t, .phase = LOOP_COMMIT};
	struct ends s;

	set_up(&s);
	loop_hook_add(s.l, &hook);
	send_both(&s, 1, 100);
	steps(&s, 3);
	assert_int_equal(s.governor.heard, 2); /* control: nothing was taken back */
	t.c = s.front.c;
	send_both(&s, 2, 100);
	send_both(&s, 4, 5000);
	steps(&s, 3);
	assert_int_equal(t.n, 2);
	assert_int_equal(t.sum, 6);
	assert_int_equal(s.governor.heard, 4);
	assert_int_equal(s.governor.sum, 1);
	assert_int_equal(s.governor.last.kind, MESSAGE_WITHDRAW);
	loop_hook_remove(s.l, &hook);
	tear_down(&s);
}

/* What earlier rounds queued stays, in whatever state it is: the peer reads slowly. */
static void what_earlier_rounds_queued_is_not_taken_back(void **state)
{
	(void)state;
	struct taken t = {0};
	struct ends s;

	set_up(&s);
	for (uint64_t i = 1; i <= 100; i++) {
		send_both(&s, i, LIMIT_ARGS_BYTES);
	}
	channel_flush(s.front.c); /* a part of it, up to the middle of a message */
	assert_true(channel_queued_bytes(s.front.c) > 100000);
	send_both(&s, 1000, 100);
	channel_take_back(s.front.c, MESSAGE_CALL, note_taken, &t);
	assert_int_equal(t.n, 1);
	assert_int_equal(t.sum, 1000);
	for (int i = 0; i < 300 && s.governor.heard < 201; i++) {
		steps(&s, 1);
	}
	assert_int_equal(s.governor.heard, 201);
	assert_int_equal(s.governor.sum, 5050);
	tear_down(&s);
}

struct commit {
	struct channel *c;
	size_t queued;
};

static void committing(void *ctx)
{
	struct commit *commit = ctx;

	commit->queued = channel_queued_bytes(commit->c);
}

static void what_a_slow_peer_makes_wait_leaves_at_a_rounds_end_too(void **state)
{
	(void)state;
	struct ends s;
	int raw = set_up_raw(&s);
	char *big = mem_calloc(1, LIMIT_RESULT_BYTES);
	struct message m = {
	    .kind = MESSAGE_CALL_REPLY,
	    .call_reply = {.req = 1, .result = str_of(big, LIMIT_RESULT_BYTES)},
	};
	struct commit commit = {.c = s.governor.c};
	struct loop_hook hook = {.run = committing, .ctx = &commit, .phase = LOOP_COMMIT};
	size_t before;

	assert_ok(channel_send(s.governor.c, &m));
	assert_ok(channel_send(s.governor.c, &m));
	steps(&s, 2);
	before = channel_queued_bytes(s.governor.c);
	assert_true(before > 0);
	while (recv(raw, big, LIMIT_RESULT_BYTES, MSG_DONTWAIT) > 0) {
	}
	loop_hook_add(s.l, &hook);
	assert_ok(loop_step(s.l, 1000, NULL));
	assert_int_equal(commit.queued, before); /* nothing overtakes the commit */
	assert_true(channel_queued_bytes(s.governor.c) < before);
	loop_hook_remove(s.l, &hook);
	mem_free(big);
	close(raw);
	tear_down(&s);
}

static void the_largest_message_arrives(void **state)
{
	(void)state;
	struct ends s;
	char *big = mem_calloc(1, LIMIT_RESULT_BYTES);
	struct message m = {
	    .kind = MESSAGE_CALL_REPLY,
	    .call_reply = {.req = 1, .result = str_of(big, LIMIT_RESULT_BYTES)},
	};

	assert_non_null(big);
	set_up(&s);
	for (int i = 0; i < 5; i++) {
		assert_ok(channel_send(s.governor.c, &m));
	}
	for (int i = 0; i < 1000 && s.front.heard < 5; i++) {
		steps(&s, 1);
	}
	assert_int_equal(s.front.heard, 5);
	assert_int_equal(s.front.last.call_reply.result.n, LIMIT_RESULT_BYTES);
	mem_free(big);
	tear_down(&s);
}

static void a_peer_that_does_not_read_counts_as_gone_when_the_queue_is_full(void **state)
{
	(void)state;
	struct ends s;
	int raw = set_up_raw(&s);
	char *big = mem_calloc(1, LIMIT_RESULT_BYTES);
	struct message m = {
	    .kind = MESSAGE_CALL_REPLY,
	    .call_reply = {.req = 1, .result = str_of(big, LIMIT_RESULT_BYTES)},
	};
	enum rc rc = RC_OK;
	size_t sent = 0;

	while (rc == RC_OK) {
		rc = channel_send(s.governor.c, &m);
		sent += rc == RC_OK;
		steps(&s, 1);
		assert_true(sent < 1000);
	}
	assert_rc(rc, RC_LIMIT);
	assert_true(sent >= 60);
	assert_rc(channel_send(s.governor.c, &m), RC_BROKEN);
	steps(&s, 1);
	assert_string_equal(s.governor.why, "it does not read what we send");
	mem_free(big);
	close(raw);
	tear_down(&s);
}

static void a_field_over_its_limit_leaves_the_channel_good(void **state)
{
	(void)state;
	struct ends s;
	struct message m = call(1, 10);
	struct message bad = call(2, 10);
	static char name[LIMIT_ID_BYTES + 1];

	set_up(&s);
	bad.call.tool = str_of(name, sizeof(name));
	assert_rc(channel_send(s.front.c, &bad), RC_LIMIT);
	assert_ok(channel_send(s.front.c, &m));
	steps(&s, 2);
	assert_int_equal(s.governor.heard, 1);
	assert_int_equal(s.governor.sum, 1);
	tear_down(&s);
}

struct bad_frame {
	const char *bytes;
	size_t n;
	const char *why;
};

static void a_peer_that_breaks_the_rules_ends_the_channel(void **state)
{
	(void)state;
	static const char good[] = "\0\0\0\12\0\2\0\0\0\0\0\0\0\7";
	static const struct bad_frame bad[] = {
	    {"\xff\xff\xff\xff", 4, "it sent a message over the limit"},
	    {"\0\0\0\2\0\0", 6, "unknown message kind 0"},
	    {"\0\0\0\2\xff\xff", 6, "unknown message kind 65535"},
	    {"\0\0\0\13\0\2\0\0\0\0\0\0\0\7x", 15, "message 'withdraw': 1 bytes left over"},
	    {"\0\0\0\3\0\2\0", 7, "message 'withdraw': field 'req' is cut short or over its limit"},
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct ends s;
		int raw = set_up_raw(&s);

		assert_int_equal(write(raw, good, 14), 14);
		steps(&s, 1);
		assert_int_equal(s.governor.heard, 1);
		assert_string_equal(s.governor.why, "");
		assert_int_equal(write(raw, bad[i].bytes, bad[i].n), bad[i].n);
		/* More behind it is not heard any more. */
		assert_int_equal(write(raw, good, 14), 14);
		steps(&s, 2);
		assert_int_equal(s.governor.heard, 1);
		assert_string_equal(s.governor.why, bad[i].why);
		close(raw);
		tear_down(&s);
	}
}

static void a_message_from_the_wrong_role_ends_the_channel(void **state)
{
	(void)state;
	struct ends s;
	int raw = set_up_raw(&s);
	AUTO_BUF b = BUF_INIT(1024);
	struct message m = {.kind = MESSAGE_COMMAND, .command = {.body = STR("{}")}};

	/* Well-formed, but the agents' front has no such word. */
	assert_ok(buf_add_u32(&b, 2 + 8 + 4 + 1 + 4 + 2));
	assert_ok(message_encode(&b, &m));
	assert_int_equal(write(raw, b.p, b.n), b.n);
	steps(&s, 1);
	assert_int_equal(s.governor.heard, 0);
	assert_string_equal(s.governor.why, "it sent a message that it must not send");
	close(raw);
	tear_down(&s);

	set_up_roles(&s, R_PEOPLE, R_GOVERNOR); /* control: the people's front has */
	assert_ok(channel_send(s.front.c, &m));
	steps(&s, 2);
	assert_int_equal(s.governor.heard, 1);
	assert_string_equal(s.governor.why, "");
	tear_down(&s);
}

static void what_was_said_before_the_end_is_heard(void **state)
{
	(void)state;
	struct ends s;
	struct message m = call(1, 10);

	set_up(&s);
	assert_ok(channel_send(s.front.c, &m));
	channel_flush(s.front.c);
	channel_free(s.front.c);
	s.front.c = NULL;
	/* We write into the closed end before we read from it. */
	assert_ok(channel_send(s.governor.c, &(struct message){.kind = MESSAGE_CALL_REPLY}));
	channel_flush(s.governor.c);
	steps(&s, 2);
	assert_int_equal(s.governor.heard, 1);
	assert_string_equal(s.governor.why, "it ended");
	assert_rc(channel_send(s.governor.c, &(struct message){.kind = MESSAGE_CALL_REPLY}),
		  RC_BROKEN);
	tear_down(&s);
}

static void half_a_message_at_the_end_is_dropped(void **state)
{
	(void)state;
	struct ends s;
	int raw = set_up_raw(&s);

	assert_int_equal(write(raw, "\0\0\0\12\0\2\0\0", 8), 8);
	close(raw);
	steps(&s, 2);
	assert_int_equal(s.governor.heard, 0);
	assert_string_equal(s.governor.why, "it ended inside a message");
	tear_down(&s);
}

static void a_message_may_arrive_byte_by_byte(void **state)
{
	(void)state;
	static const char two[] = "\0\0\0\12\0\2\0\0\0\0\0\0\0\7\0\0\0\12\0\2\0\0\0\0\0\0\0\10";
	struct ends s;
	int raw = set_up_raw(&s);

	for (size_t i = 0; i < 28; i++) {
		assert_int_equal(write(raw, two + i, 1), 1);
		steps(&s, 1);
		assert_int_equal(s.governor.heard, (i + 1) / 14);
	}
	close(raw);
	tear_down(&s);
}

/* ---- descriptors ---- */

struct plugged {
	int fds[4];
	uint64_t generations[4];
	size_t n;
	bool is_gone;
};

static void take_plug(void *ctx, struct channel *c, const struct message *m)
{
	struct plugged *p = ctx;

	assert_true(p->n < ARRAY_LEN(p->fds));
	p->generations[p->n] = m->plug.generation;
	p->fds[p->n++] = channel_take_fd(c);
}

static void plug_gone(void *ctx, struct channel *c, const char *why)
{
	struct plugged *p = ctx;

	(void)c;
	(void)why;
	p->is_gone = true;
}

static void nothing_is_heard(void *ctx, struct channel *c, const struct message *m)
{
	(void)ctx;
	(void)c;
	fail_msg("heard %s", message_name(m->kind));
}

static struct message plug_of(uint64_t generation)
{
	return (struct message){
	    .kind = MESSAGE_PLUG,
	    .plug = {.role = R_INDEX, .name = STR(""), .generation = generation}};
}

static void descriptors_arrive_with_their_messages_and_nowhere_else(void **state)
{
	(void)state;
	for (int takes = 1; takes >= 0; takes--) {
		struct clock clock = clock_system();
		struct plugged to = {0};
		struct plugged from = {0};
		struct channel *ours;
		struct channel *theirs;
		struct loop *l;
		int fds[2];
		int pipes[2][2];
		char byte = 0;

		assert_ok(loop_new(&clock, &l, NULL));
		assert_ok(channel_pair(fds, NULL));
		assert_ok(channel_new(l, fds[0], R_SUPERVISOR, R_PEOPLE, nothing_is_heard,
				      plug_gone, &from, &ours, NULL));
		assert_ok(channel_new(l, fds[1], R_PEOPLE, R_SUPERVISOR, take_plug, plug_gone, &to,
				      &theirs, NULL));
		if (takes) {
			channel_allow_fds(theirs);
		}
		for (uint64_t i = 0; i < 2; i++) {
			struct message m = plug_of(i + 7);

			assert_int_equal(pipe2(pipes[i], O_CLOEXEC), 0);
			assert_ok(channel_send_fd(ours, &m, pipes[i][1]));
		}
		for (int i = 0; i < 4; i++) {
			assert_ok(loop_step(l, 0, NULL));
		}
		assert_int_equal(to.n, 2);
		for (size_t i = 0; i < 2; i++) {
			assert_int_equal(to.generations[i], i + 7);
			if (takes) {
				assert_true(to.fds[i] >= 0);
				assert_int_equal(fcntl(to.fds[i], F_GETFD), FD_CLOEXEC);
				assert_int_equal(write(to.fds[i], "x", 1), 1);
				assert_int_equal(close(to.fds[i]), 0);
			} else {
				assert_int_equal(to.fds[i], -1);
			}
			/* The only writing end was handed over, or closed by the kernel. */
			assert_int_equal(read(pipes[i][0], &byte, 1), takes);
			(void)close(pipes[i][0]);
		}
		assert_false(to.is_gone || from.is_gone);
		channel_free(ours);
		channel_free(theirs);
		loop_free(l);
	}
}

static void a_peer_that_takes_no_descriptors_out_of_its_socket_counts_as_gone(void **state)
{
	(void)state;
	struct clock clock = clock_system();
	struct plugged from = {0};
	struct channel *ours;
	struct loop *l;
	int fds[2];
	enum rc rc = RC_OK;

	assert_ok(loop_new(&clock, &l, NULL));
	assert_ok(channel_pair(fds, NULL));
	assert_ok(channel_new(l, fds[0], R_SUPERVISOR, R_PEOPLE, nothing_is_heard, plug_gone, &from,
			      &ours, NULL));
	for (uint64_t i = 0; i < 100000 && rc == RC_OK; i++) {
		struct message m = plug_of(i);
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		assert_true(fd >= 0);
		rc = channel_send_fd(ours, &m, fd);
	}
	assert_int_equal(rc, RC_BROKEN);
	assert_ok(loop_step(l, 0, NULL));
	assert_true(from.is_gone);
	channel_free(ours);
	loop_free(l);
	(void)close(fds[1]);
}

static void what_a_dead_process_had_said_is_heard_before_it_is_finished(void **state)
{
	(void)state;
	struct ends s;
	struct message m = {.kind = MESSAGE_CALL, .call = {.req = 1, .args = STR("{}")}};

	set_up(&s);
	for (int i = 0; i < 100; i++) {
		assert_ok(channel_send(s.front.c, &m));
	}
	channel_flush(s.front.c);
	channel_free(s.front.c);
	s.front.c = NULL;
	channel_finish(s.governor.c);
	assert_int_equal(s.governor.heard, 100);
	assert_string_equal(s.governor.why, "it ended");
	assert_true(channel_was_ended(s.governor.c));
	tear_down(&s);

	/* One that still lives is cut off all the same. */
	set_up(&s);
	assert_ok(channel_send(s.front.c, &m));
	channel_flush(s.front.c);
	channel_finish(s.governor.c);
	assert_int_equal(s.governor.heard, 1);
	assert_false(channel_was_ended(s.governor.c));
	assert_int_equal(channel_send(NULL, &m), RC_BROKEN);
	tear_down(&s);
}

static void what_was_said_is_heard_though_our_words_were_never_read(void **state)
{
	(void)state;
	struct ends s;
	struct message call = {.kind = MESSAGE_CALL, .call = {.req = 1, .args = STR("{}")}};
	struct message reply = {.kind = MESSAGE_CALL_REPLY,
				.call_reply = {.req = 1, .result = STR("{}")}};

	/* The kernel resets the connection of a process that dies with unread words. */
	set_up(&s);
	assert_ok(channel_send(s.governor.c, &reply));
	channel_flush(s.governor.c);
	assert_ok(channel_send(s.front.c, &call));
	channel_flush(s.front.c);
	channel_free(s.front.c);
	s.front.c = NULL;
	assert_ok(channel_send(s.governor.c, &reply));
	channel_flush(s.governor.c); /* hears of the reset first */
	steps(&s, 3);
	assert_int_equal(s.governor.heard, 1);
	assert_string_equal(s.governor.why, "it ended");
	assert_true(channel_was_ended(s.governor.c));
	tear_down(&s);
}

static void a_handler_may_free_its_channel(void **state)
{
	(void)state;
	struct ends s;
	struct message m = call(1, 10);

	set_up(&s);
	s.governor.free_in_handler = true;
	assert_ok(channel_send(s.front.c, &m));
	assert_ok(channel_send(s.front.c, &m));
	steps(&s, 3);
	assert_int_equal(s.governor.heard, 1);
	assert_string_equal(s.governor.why, "");
	assert_string_equal(s.front.why, "it ended");
	tear_down(&s);
}

static void no_memory_is_reported(void **state)
{
	(void)state;
	struct ends s;
	struct err e = ERR_INIT;
	struct channel *c;
	size_t blocks = mem_blocks();
	int fds[2];

	set_up(&s);
	for (size_t nth = 1;; nth++) {
		enum rc rc;

		assert_ok(channel_pair(fds, &e));
		mem_fail_after(nth);
		rc = channel_new(s.l, fds[0], R_AGENTS, R_GOVERNOR, heard, went, NULL, &c, &e);
		mem_fail_after(0);
		close(fds[1]);
		if (rc == RC_OK) {
			assert_true(nth > 1);
			channel_free(c);
			break;
		}
		assert_rc(rc, RC_NOMEM);
		assert_int_equal(fcntl(fds[0], F_GETFD), -1); /* taken all the same */
	}
	tear_down(&s);
	assert_int_equal(mem_blocks(), blocks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(messages_arrive_in_order_and_are_answered),
	    cmocka_unit_test(what_a_round_queues_leaves_at_its_end),
	    cmocka_unit_test(what_a_round_has_queued_can_be_taken_back),
	    cmocka_unit_test(what_earlier_rounds_queued_is_not_taken_back),
	    cmocka_unit_test(what_a_slow_peer_makes_wait_leaves_at_a_rounds_end_too),
	    cmocka_unit_test(the_largest_message_arrives),
	    cmocka_unit_test(a_peer_that_does_not_read_counts_as_gone_when_the_queue_is_full),
	    cmocka_unit_test(a_field_over_its_limit_leaves_the_channel_good),
	    cmocka_unit_test(a_peer_that_breaks_the_rules_ends_the_channel),
	    cmocka_unit_test(a_message_from_the_wrong_role_ends_the_channel),
	    cmocka_unit_test(what_was_said_before_the_end_is_heard),
	    cmocka_unit_test(half_a_message_at_the_end_is_dropped),
	    cmocka_unit_test(a_message_may_arrive_byte_by_byte),
	    cmocka_unit_test(descriptors_arrive_with_their_messages_and_nowhere_else),
	    cmocka_unit_test(a_peer_that_takes_no_descriptors_out_of_its_socket_counts_as_gone),
	    cmocka_unit_test(what_a_dead_process_had_said_is_heard_before_it_is_finished),
	    cmocka_unit_test(what_was_said_is_heard_though_our_words_were_never_read),
	    cmocka_unit_test(a_handler_may_free_its_channel),
	    cmocka_unit_test(no_memory_is_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
