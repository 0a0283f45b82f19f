/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/arena.h"
#include "base/limits.h"
#include "codec/json.h"
#include "core/leaf.h"

enum { ARENA_BYTES = 1 << 20 };

static struct str encode(struct buf *b, const struct leaf *l)
{
	struct err e = ERR_INIT;

	buf_reset(b);
	if (leaf_encode(b, l, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	return buf_view(b);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return *seed >> 33;
}

/* Fills every field, or some, with values that need escapes now and then. */
static struct leaf random_leaf(enum leaf_kind kind, uint64_t *seed, bool all)
{
	static const struct str words[] = {
	    {"a", 1}, {"role:b", 6}, {"\"\\\n\x01", 4}, {"\xc3\xa9", 2}};
	struct leaf l = {.kind = kind, .t = next_random(seed)};
	char *body = (char *)&l.log_opened;
	size_t n;
	const struct leaf_field *f = leaf_fields(kind, &n);

	for (size_t i = 0; i < n; i++) {
		void *at = body + f[i].offset;
		uint64_t r = next_random(seed);

		if (!all && r % 2) {
			continue;
		}
		switch (f[i].type) {
		case LEAF_TYPE_U64:
		case LEAF_TYPE_IX:
			*(uint64_t *)at = r;
			break;
		case LEAF_TYPE_BOOL:
			*(bool *)at = true;
			break;
		case LEAF_TYPE_STR:
			*(struct str *)at = words[r % ARRAY_LEN(words)];
			break;
		case LEAF_TYPE_STRS:
			*(struct str_list *)at = (struct str_list){words, 1 + r % ARRAY_LEN(words)};
			break;
		case LEAF_TYPE_COMMIT:
		case LEAF_TYPE_DIGEST:
			memset(at, (int)(r % 256), sizeof(struct digest));
			break;
		}
	}
	return l;
}

static void a_leaf_has_exactly_these_bytes(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(LIMIT_LEAF_BYTES);
	const struct str targets[] = {STR("pg-role:app"), STR("pg-role:\"x\"")};
	struct leaf l = {
	    .kind = LEAF_CALL_DECIDED,
	    .t = 1764000000000,
	    .call_decided =
		{
		    .task = 7,
		    .purpose = STR("agent"),
		    .agent = STR("spiffe://example.org/responder"),
		    .tool = STR("db___end"),
		    .targets = {targets, 2},
		    .verdict = STR("deny"),
		},
	};

	l.call_decided.tag.bytes[31] = 0xab;
	assert_str(encode(&b, &l),
		   "{\"agent\":\"spiffe://example.org/responder\",\"purpose\":\"agent\","
		   "\"t\":1764000000000,"
		   "\"tag\":\"00000000000000000000000000000000000000000000000000000000000000ab\","
		   "\"targets\":[\"pg-role:app\",\"pg-role:\\\"x\\\"\"],\"task\":7,"
		   "\"tool\":\"db___end\",\"type\":\"call.decided\",\"v\":1,\"verdict\":\"deny\"}");
}

static void every_kind_survives_the_round_trip_full_and_thin(void **state)
{
	(void)state;
	uint64_t seed = 1;

	for (unsigned k = LEAF_NONE + 1; k < LEAF_KINDS; k++) {
		for (int round = 0; round < 50; round++) {
			AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
			AUTO_BUF b = BUF_INIT(LIMIT_LEAF_BYTES);
			AUTO_BUF again = BUF_INIT(LIMIT_LEAF_BYTES);
			struct err e = ERR_INIT;
			struct leaf l = random_leaf((enum leaf_kind)k, &seed, round == 0);
			struct leaf back;

			assert_ok(leaf_decode(&arena, encode(&b, &l), &back, &e));
			assert_int_equal(back.kind, l.kind);
			assert_true(back.t == l.t);
			assert_true(str_eq(encode(&again, &back), buf_view(&b)));
		}
	}
}

static void members_are_in_canonical_order_for_every_kind(void **state)
{
	(void)state;
	uint64_t seed = 2;

	for (unsigned k = LEAF_NONE + 1; k < LEAF_KINDS; k++) {
		AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
		AUTO_BUF b = BUF_INIT(LIMIT_LEAF_BYTES);
		AUTO_BUF canonical = BUF_INIT(LIMIT_LEAF_BYTES);
		struct json_limits limits = JSON_LIMITS_DEFAULT;
		struct leaf l = random_leaf((enum leaf_kind)k, &seed, true);
		const struct json *j;
		struct err e = ERR_INIT;

		assert_ok(json_parse(&arena, encode(&b, &l), &limits, &j, &e));
		assert_ok(json_canonical(&canonical, j, &e));
		assert_true(str_eq(buf_view(&b), buf_view(&canonical)));
	}
}

static void refuse(const char *text)
{
	AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
	struct leaf l = {.t = 99};
	struct err e = ERR_INIT;

	if (leaf_decode(&arena, str_from(text), &l, &e) != RC_INPUT) {
		fail_msg("accepted %s", text);
	}
	assert_true(l.t == 99);
}

static void a_second_form_of_a_fact_is_refused(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
	struct leaf l;
	struct err e = ERR_INIT;

	assert_ok(leaf_decode(
	    &arena, STR("{\"generation\":3,\"t\":5,\"type\":\"governor.started\",\"v\":1}"), &l,
	    &e));
	assert_true(l.started.generation == 3);
	/* order, blank, zero, escape, version, unknown member, unknown kind, missing member, null,
	 * fraction, other type, twice, trailing byte */
	refuse("{\"t\":5,\"generation\":3,\"type\":\"governor.started\",\"v\":1}");
	refuse("{\"generation\": 3,\"t\":5,\"type\":\"governor.started\",\"v\":1}");
	refuse("{\"generation\":0,\"t\":5,\"type\":\"governor.started\",\"v\":1}");
	refuse("{\"generation\":3,\"t\":5,\"type\":\"governor.star\\u0074ed\",\"v\":1}");
	refuse("{\"generation\":3,\"t\":5,\"type\":\"governor.started\",\"v\":2}");
	refuse("{\"generation\":3,\"t\":5,\"type\":\"governor.started\",\"v\":1,\"x\":1}");
	refuse("{\"t\":5,\"type\":\"governor.stopped\",\"v\":1}");
	refuse("{\"generation\":3,\"type\":\"governor.started\",\"v\":1}");
	refuse("{\"generation\":3,\"t\":5,\"type\":\"governor.started\"}");
	refuse("{\"generation\":null,\"t\":5,\"type\":\"governor.started\",\"v\":1}");
	refuse("{\"generation\":3.0,\"t\":5,\"type\":\"governor.started\",\"v\":1}");
	refuse("{\"generation\":\"3\",\"t\":5,\"type\":\"governor.started\",\"v\":1}");
	refuse("{\"generation\":3,\"generation\":3,\"t\":5,\"type\":\"governor.started\",\"v\":1}");
	refuse("{\"generation\":3,\"t\":5,\"type\":\"governor.started\",\"v\":1} ");
	refuse("{\"generation\":9007199254740992,\"t\":5,\"type\":\"governor.started\",\"v\":1}");
	refuse("{\"lease\":1,\"read_back\":\"\",\"t\":5,\"type\":\"lease.gone\",\"v\":1}");
	refuse("{\"lease\":1,\"t\":5,\"to\":\"12345678901234567\",\"type\":\"lease.delivered\","
	       "\"v\":1}");
	refuse("{\"labels\":[],\"t\":5,\"type\":\"call.completed\",\"v\":1}");
	refuse("{\"labels\":[[]],\"t\":5,\"type\":\"call.completed\",\"v\":1}");
	refuse("{\"digest\":\"AB00000000000000000000000000000000000000000000000000000000000000\","
	       "\"t\":5,\"type\":\"bundle.activated\",\"v\":1}");
	refuse("[]");
	refuse("");
}

static void bounds_are_errors_and_leave_the_buffer_as_it_was(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(4 * LIMIT_LEAF_BYTES);
	static char large[3000];
	struct str many[256];
	struct err e = ERR_INIT;
	struct leaf l = {.kind = LEAF_LEASE_DELIVERED, .lease_delivered = {.lease = 1}};

	assert_ok(buf_add(&b, STR("before")));
	l.lease_delivered.to = STR("1234567890123456");
	assert_ok(leaf_encode(&b, &l, &e));
	b.n = 6;
	l.lease_delivered.to = STR("12345678901234567");
	assert_rc(leaf_encode(&b, &l, &e), RC_LIMIT);
	assert_str(buf_view(&b), "before");
	l.lease_delivered.to = STR("\xff");
	assert_rc(leaf_encode(&b, &l, &e), RC_INPUT);
	l.lease_delivered.to = STR("");
	l.t = UINT64_C(1) << 53;
	assert_rc(leaf_encode(&b, &l, &e), RC_LIMIT);
	memset(large, 'x', sizeof(large));
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		many[i] = str_of(large, sizeof(large));
	}
	l = (struct leaf){.kind = LEAF_TERM_STARTED, .term_started = {.targets = {many, 256}}};
	assert_rc(leaf_encode(&b, &l, &e), RC_LIMIT);
	assert_str(buf_view(&b), "before");
	assert_rc(leaf_encode(&b, &(struct leaf){0}, &e), RC_BROKEN);
}

static void causes_are_the_indexes_a_leaf_cites(void **state)
{
	(void)state;
	uint64_t ix[8];
	const struct leaf l = {
	    .kind = LEAF_CALL_DECIDED,
	    .call_decided = {.task = 3, .approval = 9, .lease = 11},
	};

	assert_int_equal(leaf_causes(&l, ix, 8), 3);
	assert_true(ix[0] == 3 && ix[1] == 9 && ix[2] == 11);
	assert_int_equal(leaf_causes(&l, ix, 1), 3);
	assert_int_equal(leaf_causes(&(struct leaf){.kind = LEAF_STARTED}, ix, 8), 0);
}

static void an_id_is_a_letter_and_an_index(void **state)
{
	(void)state;
	char id[24];
	uint64_t ix = 77;

	assert_str(id_text('c', 123, id), "c123");
	assert_str(id_text('t', UINT64_MAX, id), "t18446744073709551615");
	assert_true(id_parse(STR("c123"), 'c', &ix));
	assert_true(ix == 123);
	assert_false(id_parse(STR("c123"), 't', &ix));
	assert_false(id_parse(STR("c"), 'c', &ix));
	assert_false(id_parse(STR(""), 'c', &ix));
	assert_false(id_parse(STR("c012"), 'c', &ix));
	assert_false(id_parse(STR("c-1"), 'c', &ix));
	assert_true(ix == 123);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_leaf_has_exactly_these_bytes),
	    cmocka_unit_test(every_kind_survives_the_round_trip_full_and_thin),
	    cmocka_unit_test(members_are_in_canonical_order_for_every_kind),
	    cmocka_unit_test(a_second_form_of_a_fact_is_refused),
	    cmocka_unit_test(bounds_are_errors_and_leave_the_buffer_as_it_was),
	    cmocka_unit_test(causes_are_the_indexes_a_leaf_cites),
	    cmocka_unit_test(an_id_is_a_letter_and_an_index),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
