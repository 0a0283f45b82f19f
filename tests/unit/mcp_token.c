/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "mcp/token.h"

static const uint8_t key[MCP_TOKEN_KEY_BYTES] = {1, 2, 3};
static const struct mcp_owner owner = {{"spiffe://a/x", 12}, {"t1", 2}};

static struct mcp_session session(void)
{
	return (struct mcp_session){
	    .id = {9, 8, 7}, .version = MCP_2025_06_18, .expires_unix_s = 1000};
}

static void a_session_opens_for_its_owner_only(void **state)
{
	(void)state;
	AUTO_BUF token = BUF_INIT(MCP_TOKEN_MAX_BYTES);
	struct mcp_session s = session();
	struct mcp_session got;
	struct mcp_owner other = owner;
	uint8_t other_key[MCP_TOKEN_KEY_BYTES] = {1, 2, 4};

	assert_ok(mcp_session_seal(key, &owner, &s, &token, NULL));
	assert_ok(mcp_session_open(key, &owner, buf_view(&token), 999, &got, NULL));
	assert_memory_equal(got.id, s.id, sizeof(s.id));
	assert_int_equal(got.version, MCP_2025_06_18);
	other.task = STR("t2");
	assert_rc(mcp_session_open(key, &other, buf_view(&token), 999, &got, NULL), RC_ABSENT);
	other.task = STR("");
	other.agent = STR("spiffe://a/xt1");
	assert_rc(mcp_session_open(key, &other, buf_view(&token), 999, &got, NULL), RC_ABSENT);
	assert_rc(mcp_session_open(other_key, &owner, buf_view(&token), 999, &got, NULL),
		  RC_ABSENT);
}

static void a_session_ends_by_itself(void **state)
{
	(void)state;
	AUTO_BUF token = BUF_INIT(MCP_TOKEN_MAX_BYTES);
	struct mcp_session s = session();

	assert_ok(mcp_session_seal(key, &owner, &s, &token, NULL));
	assert_rc(mcp_session_open(key, &owner, buf_view(&token), 1000, &s, NULL), RC_ABSENT);
}

static void a_changed_token_is_noise(void **state)
{
	(void)state;
	AUTO_BUF token = BUF_INIT(MCP_TOKEN_MAX_BYTES);
	struct mcp_session s = session();
	struct str t;

	assert_ok(mcp_session_seal(key, &owner, &s, &token, NULL));
	t = buf_view(&token);
	for (size_t i = 0; i < t.n; i++) {
		char was = token.p[i];

		token.p[i] = was == 'A' ? 'B' : 'A';
		assert_rc(mcp_session_open(key, &owner, t, 1, &s, NULL), RC_ABSENT);
		token.p[i] = was;
		assert_rc(mcp_session_open(key, &owner, str_slice(t, 0, i), 1, &s, NULL),
			  RC_ABSENT);
	}
	assert_ok(mcp_session_open(key, &owner, t, 1, &s, NULL));
}

static void a_round_is_bound_to_its_owner_and_is_no_session(void **state)
{
	(void)state;
	AUTO_BUF token = BUF_INIT(MCP_TOKEN_MAX_BYTES);
	struct mcp_round r = {.call_sha256 = {5}, .number = 3, .expires_unix_s = 1000};
	struct mcp_round got;
	struct mcp_session s;
	struct mcp_owner other = owner;

	assert_ok(mcp_round_seal(key, &owner, &r, &token, NULL));
	assert_ok(mcp_round_open(key, &owner, buf_view(&token), 999, &got, NULL));
	assert_int_equal(got.number, 3);
	assert_memory_equal(got.call_sha256, r.call_sha256, sizeof(r.call_sha256));
	assert_rc(mcp_round_open(key, &owner, buf_view(&token), 1000, &got, NULL), RC_ABSENT);
	assert_rc(mcp_session_open(key, &owner, buf_view(&token), 1, &s, NULL), RC_ABSENT);
	other.task = STR("t2");
	assert_rc(mcp_round_open(key, &other, buf_view(&token), 1, &got, NULL), RC_ABSENT);
}

static void the_oldest_ended_session_makes_room(void **state)
{
	(void)state;
	struct mcp_ended *x;
	uint8_t id[16] = {0};

	assert_ok(mcp_ended_new(2, &x));
	for (uint8_t i = 1; i <= 3; i++) {
		id[0] = i;
		mcp_ended_add(x, id);
		assert_true(mcp_ended_has(x, id));
	}
	id[0] = 1;
	assert_false(mcp_ended_has(x, id));
	id[0] = 2;
	assert_true(mcp_ended_has(x, id));
	mcp_ended_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_session_opens_for_its_owner_only),
	    cmocka_unit_test(a_session_ends_by_itself),
	    cmocka_unit_test(a_changed_token_is_noise),
	    cmocka_unit_test(a_round_is_bound_to_its_owner_and_is_no_session),
	    cmocka_unit_test(the_oldest_ended_session_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
