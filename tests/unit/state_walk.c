/* SPDX-License-Identifier: Apache-2.0 */
/* The state as bytes. That every state of every test is read back as it was is asserted in fold.h;
 * here is what bytes must not do. */
#include "base/mem.h"
#include "fold.h"

/* With something of most kinds in it. */
static struct fold full(void)
{
	struct fold f = fold_new();
	uint64_t incident = fold_incident(&f);
	uint64_t task = fold_task(&f, incident);
	uint64_t approval = fold_granted(&f, task, 3);
	struct leaf call = fold_call(task, STR("destroy"), 3);
	uint64_t c;

	call.call_decided.approval = approval;
	call.call_decided.held_until = f.t + 60000;
	c = fold_add(&f, call);
	fold_add(&f, LEAF_OF(TERM_STARTED, term_started, .call = c, .task = task,
			     .tool = STR("db___lock"), .targets = LIST(STR("pg-role:app")),
			     .ends_at = f.t + 1000, .end = STR("reask"), .owner = STR("alice")));
	fold_add(&f, LEAF_OF(CALL_COMPLETED, call_completed, .call = c, .kind = STR("ok"),
			     .labels = LIST(STR("untrusted"))));
	fold_add(&f, fold_call(task, STR("read"), 4));
	fold_add(&f, LEAF_OF(KILL_SET, kill_set, .scope = STR("agent"), .name = FOLD_AGENT,
			     .by = STR("bob"), .why = STR("drill")));
	fold_add(&f, LEAF_OF(SIGNAL_OBSERVED, signal_observed, .name = STR("ping"),
			     .asset = STR("host:db1"), .value = STR("lost"), .source = STR("pager"),
			     .observed_at = f.t));
	fold_add(&f, LEAF_OF(TOOL_OBSERVED, tool_observed, .tool = STR("db___end"),
			     .digest = fold_tag(9)));
	fold_add(&f, LEAF_OF(INVENTORY_CHANGED, inventory_changed, .target = STR("host:db1"),
			     .health = STR("down"), .by = STR("bob")));
	return f;
}

static struct str bytes_of(const struct state *s, struct buf *b)
{
	struct digest d;
	struct err e = ERR_INIT;

	assert_ok(state_write(s, state_bytes_put, b, &d, &e));
	return buf_view(b);
}

static enum rc read_bytes(struct str bytes, struct state **ret)
{
	struct state_bytes source = {.bytes = bytes};
	struct digest d;

	return state_read(state_bytes_get, &source, ret, &d, NULL);
}

static void leaves_go_on_from_a_state_that_was_read_back(void **unused)
{
	struct fold f = full();
	struct fold g = {.t = f.t};
	struct err e = ERR_INIT;
	struct digest mine;
	struct digest other;

	(void)unused;
	assert_ok(state_again(f.s, &g.s, &e));
	for (int i = 0; i < 2; i++) {
		struct fold *x = i ? &g : &f;
		uint64_t last = state_next_unfinished_call(x->s, 0)->ix;

		fold_add(x, LEAF_OF(CALL_COMPLETED, call_completed, .call = last,
				    .kind = STR("unknown")));
		x->t += 2 * 24 * 3600 * 1000; /* most of it is forgotten */
		fold_add(x, LEAF_OF(REFUSALS_COUNTED, refusals_counted, .count = 1));
	}
	mine = fold_digest(&f);
	other = fold_digest(&g);
	assert_true(digest_eq(&mine, &other));
	state_free(f.s);
	state_free(g.s);
}

static void a_state_that_is_cut_short_or_longer_is_none(void **unused)
{
	AUTO_BUF b = BUF_INIT(STATE_BYTES_MAX);
	struct fold f = full();
	struct state *s = NULL;
	struct str bytes = bytes_of(f.s, &b);
	size_t blocks = mem_blocks();

	(void)unused;
	for (size_t n = 0; n < bytes.n; n++) {
		assert_int_equal(read_bytes(str_slice(bytes, 0, n), &s), RC_BROKEN);
	}
	assert_int_equal(mem_blocks(), blocks);
	assert_ok(buf_add(&b, STR("x")));
	assert_int_equal(read_bytes(buf_view(&b), &s), RC_BROKEN);
	assert_int_equal(mem_blocks(), blocks);
	state_free(f.s);
}

static void a_changed_byte_gives_another_digest_or_no_state(void **unused)
{
	AUTO_BUF b = BUF_INIT(STATE_BYTES_MAX);
	struct fold f = full();
	struct digest right = fold_digest(&f);
	size_t n = bytes_of(f.s, &b).n;
	size_t blocks = mem_blocks();

	(void)unused;
	for (size_t i = 0; i < n; i++) {
		struct state_bytes source = {.bytes = buf_view(&b)};
		struct state *s = NULL;
		struct digest d;

		b.p[i] ^= 1;
		if (state_read(state_bytes_get, &source, &s, &d, NULL) == RC_OK) {
			assert_false(digest_eq(&d, &right));
			state_free(s);
		}
		b.p[i] ^= 1;
	}
	assert_int_equal(mem_blocks(), blocks);
	state_free(f.s);
}

static void another_format_is_told_from_damage(void **unused)
{
	AUTO_BUF b = BUF_INIT(STATE_BYTES_MAX);
	struct fold f = full();
	struct state *s = NULL;

	(void)unused;
	(void)bytes_of(f.s, &b);
	b.p[7]++; /* the last byte of the format's number */
	assert_int_equal(read_bytes(buf_view(&b), &s), RC_ABSENT);
	state_free(f.s);
}

static void without_memory_there_is_no_half_state(void **unused)
{
	AUTO_BUF b = BUF_INIT(STATE_BYTES_MAX);
	struct fold f = full();
	struct str bytes = bytes_of(f.s, &b);
	size_t blocks = mem_blocks();
	struct state *s = NULL;
	enum rc rc = RC_NOMEM;

	(void)unused;
	for (size_t n = 1; rc == RC_NOMEM; n++) {
		mem_fail_after(n);
		rc = read_bytes(bytes, &s);
		mem_fail_after(0);
		if (rc == RC_NOMEM) {
			assert_int_equal(mem_blocks(), blocks);
		}
	}
	assert_int_equal(rc, RC_OK);
	state_free(s);
	assert_int_equal(mem_blocks(), blocks);
	state_free(f.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(leaves_go_on_from_a_state_that_was_read_back),
	    cmocka_unit_test(a_state_that_is_cut_short_or_longer_is_none),
	    cmocka_unit_test(a_changed_byte_gives_another_digest_or_no_state),
	    cmocka_unit_test(another_format_is_told_from_damage),
	    cmocka_unit_test(without_memory_there_is_no_half_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
