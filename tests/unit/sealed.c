/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/num.h"
#include "governor/crc32c.h"
#include "governor/sealed.h"

static const uint8_t key[SEALED_KEY_BYTES] = {1, 2, 3};
static const struct sealed_place place = {
    .origin = {"test.example/log", 16}, .leaf_index = 42, .slot = 1};

static void what_was_sealed_opens_in_its_place(void **state)
{
	(void)state;
	static const size_t lengths[] = {0, 1, 100, SEALED_PLAIN_MAX_BYTES};
	static char content[SEALED_PLAIN_MAX_BYTES];

	memset(content, 'x', sizeof(content));
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		AUTO_BUF sealed = BUF_INIT(LIMIT_VALUE_BYTES);
		AUTO_BUF plain = BUF_INIT(LIMIT_VALUE_BYTES);
		uint8_t commitment[SEALED_COMMITMENT_BYTES];
		uint8_t again[SEALED_COMMITMENT_BYTES];
		uint8_t salt[SEALED_SALT_BYTES];
		struct str bytes = str_of(content, lengths[i]);

		assert_ok(sealed_seal(key, &place, NULL, bytes, &sealed, commitment, NULL));
		assert_int_equal(sealed.n, lengths[i] + SEALED_OVERHEAD_BYTES);
		assert_ok(
		    sealed_open(key, &place, buf_view(&sealed), commitment, &plain, salt, NULL));
		assert_true(str_eq(buf_view(&plain), bytes));
		assert_ok(sealed_commit(salt, bytes, again, NULL));
		assert_memory_equal(again, commitment, sizeof(again));
	}
}

static void another_key_leaf_slot_or_log_does_not_open_it(void **state)
{
	(void)state;
	AUTO_BUF sealed = BUF_INIT(LIMIT_VALUE_BYTES);
	AUTO_BUF plain = BUF_INIT(LIMIT_VALUE_BYTES);
	uint8_t commitment[SEALED_COMMITMENT_BYTES];
	uint8_t other_key[SEALED_KEY_BYTES] = {1, 2, 4};
	struct sealed_place other = place;

	assert_ok(sealed_seal(key, &place, NULL, STR("secret"), &sealed, commitment, NULL));
	assert_rc(sealed_open(other_key, &place, buf_view(&sealed), NULL, &plain, NULL, NULL),
		  RC_DENIED);
	other.leaf_index++;
	assert_rc(sealed_open(key, &other, buf_view(&sealed), NULL, &plain, NULL, NULL), RC_DENIED);
	other = place;
	other.slot++;
	assert_rc(sealed_open(key, &other, buf_view(&sealed), NULL, &plain, NULL, NULL), RC_DENIED);
	other = place;
	other.origin = STR("test.example/lof");
	assert_rc(sealed_open(key, &other, buf_view(&sealed), NULL, &plain, NULL, NULL), RC_DENIED);
	commitment[5] ^= 1;
	assert_rc(sealed_open(key, &place, buf_view(&sealed), commitment, &plain, NULL, NULL),
		  RC_DENIED);
	assert_int_equal(plain.n, 0);
}

static void every_changed_bit_is_refused(void **state)
{
	(void)state;
	AUTO_BUF sealed = BUF_INIT(LIMIT_VALUE_BYTES);
	AUTO_BUF plain = BUF_INIT(LIMIT_VALUE_BYTES);
	uint8_t commitment[SEALED_COMMITMENT_BYTES];

	assert_ok(sealed_seal(key, &place, NULL, STR("{\"a\":1}"), &sealed, commitment, NULL));
	for (size_t i = 0; i < sealed.n; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			sealed.p[i] = (char)((unsigned char)sealed.p[i] ^ 1u << bit);
			assert_rc(sealed_open(key, &place, buf_view(&sealed), commitment, &plain,
					      NULL, NULL),
				  RC_DENIED);
			sealed.p[i] = (char)((unsigned char)sealed.p[i] ^ 1u << bit);
		}
	}
	for (size_t n = 0; n < sealed.n; n++) {
		assert_rc(sealed_open(key, &place, str_of(sealed.p, n), NULL, &plain, NULL, NULL),
			  RC_DENIED);
	}
	assert_int_equal(plain.n, 0);
}

static void two_seals_of_one_value_have_nothing_in_common(void **state)
{
	(void)state;
	AUTO_BUF a = BUF_INIT(LIMIT_VALUE_BYTES);
	AUTO_BUF b = BUF_INIT(LIMIT_VALUE_BYTES);
	uint8_t commitment_a[SEALED_COMMITMENT_BYTES];
	uint8_t commitment_b[SEALED_COMMITMENT_BYTES];

	assert_ok(sealed_seal(key, &place, NULL, STR("yes"), &a, commitment_a, NULL));
	assert_ok(sealed_seal(key, &place, NULL, STR("yes"), &b, commitment_b, NULL));
	assert_memory_not_equal(commitment_a, commitment_b, sizeof(commitment_a));
	assert_memory_not_equal(a.p + 13, b.p + 13, 16);
}

static void too_long_a_value_is_refused(void **state)
{
	(void)state;
	static char content[SEALED_PLAIN_MAX_BYTES + 1];
	AUTO_BUF sealed = BUF_INIT(2 * LIMIT_VALUE_BYTES);
	uint8_t commitment[SEALED_COMMITMENT_BYTES];

	assert_rc(
	    sealed_seal(key, &place, NULL, str_of(content, sizeof(content)), &sealed, commitment, NULL),
	    RC_LIMIT);
	assert_int_equal(sealed.n, 0);
}

/* RFC 4231 section 4.3 has a short key; ours are 32 bytes, checked against openssl dgst. */
static void a_commitment_is_what_openssl_computes(void **state)
{
	(void)state;
	uint8_t salt[SEALED_SALT_BYTES];
	uint8_t got[SEALED_COMMITMENT_BYTES];
	uint8_t want[SEALED_COMMITMENT_BYTES];

	for (unsigned i = 0; i < sizeof(salt); i++) {
		salt[i] = (uint8_t)i;
	}
	assert_ok(sealed_commit(salt, STR("{\"host\":\"web-7\"}"), got, NULL));
	assert_true(num_hex(STR("5b10493291f9188a5225182eca7a7022283e043f46de4590b9c2080902a931ac"),
			    want, sizeof(want)));
	assert_memory_equal(got, want, sizeof(want));
}

static void both_crc32c_agree_with_the_published_check(void **state)
{
	(void)state;
	uint8_t bytes[1000];
	uint32_t random = 1;

	assert_int_equal(crc32c(0, "123456789", 9), 0xE3069283);
	assert_int_equal(crc32c_portable(0, "123456789", 9), 0xE3069283);
	assert_int_equal(crc32c(0, "", 0), 0);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		random = random * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(random >> 24);
	}
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		uint32_t whole = crc32c_portable(0, bytes, n);

		assert_int_equal(crc32c(0, bytes, n), whole);
		assert_int_equal(crc32c(crc32c(0, bytes, n / 3), bytes + n / 3, n - n / 3), whole);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_sealed_opens_in_its_place),
	    cmocka_unit_test(another_key_leaf_slot_or_log_does_not_open_it),
	    cmocka_unit_test(every_changed_bit_is_refused),
	    cmocka_unit_test(two_seals_of_one_value_have_nothing_in_common),
	    cmocka_unit_test(too_long_a_value_is_refused),
	    cmocka_unit_test(a_commitment_is_what_openssl_computes),
	    cmocka_unit_test(both_crc32c_agree_with_the_published_check),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
