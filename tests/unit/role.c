/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "net/role.h"

static void peers_survive_the_command_line(void **state)
{
	(void)state;
	struct role_peer in[2] = {{.role = R_GOVERNOR, .fd = 5},
				  {.role = R_BACKEND, .name = "orders", .fd = 17}};
	struct role_peer out[LIMIT_ROLE_PEERS];
	AUTO_BUF b = BUF_INIT(1000);
	size_t n;

	assert_ok(role_peers_print(in, 2, &b));
	assert_str(buf_view(&b), "governor=5,backend:orders=17");
	assert_ok(role_peers_parse(buf_view(&b), out, &n, NULL));
	assert_int_equal(n, 2);
	assert_int_equal(out[0].role, R_GOVERNOR);
	assert_string_equal(out[0].name, "");
	assert_int_equal(out[0].fd, 5);
	assert_int_equal(out[1].role, R_BACKEND);
	assert_string_equal(out[1].name, "orders");
	assert_int_equal(out[1].fd, 17);
	assert_ok(role_peers_parse(STR_NULL, out, &n, NULL));
	assert_int_equal(n, 0);
}

static void what_is_no_peer_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "governor",	   "governor=", "governor=-1",	       "janitor=3",
	    "governor=5x", "=5",	"governor=99999999999"};
	struct role_peer out[LIMIT_ROLE_PEERS];
	AUTO_BUF b = BUF_INIT(10000);
	struct err e = ERR_INIT;
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_rc(role_peers_parse(str_from(bad[i]), out, &n, &e), RC_INPUT);
	}
	for (int i = 0; i <= LIMIT_ROLE_PEERS; i++) {
		assert_ok(buf_addf(&b, "keeper=%d,", i));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(peers_survive_the_command_line),
	    cmocka_unit_test(what_is_no_peer_is_refused),
	    cmocka_unit_test(every_role_has_a_name_that_reads_back),
	    cmocka_unit_test(a_peer_is_taken_once_and_the_rest_is_closed_before_running),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
