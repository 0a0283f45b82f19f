/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "store/object.h"

static const uint8_t key[OBJECT_KEY_BYTES] = {1, 2, 3};
static const struct object_header two = {.size = OBJECT_CHUNK_BYTES + 5, .prefix = {9, 8, 7}};

static void a_header_reads_back_and_nothing_else_is_one(void **state)
{
	uint8_t bytes[OBJECT_HEADER_BYTES];
	struct object_header h;

	(void)state;
	object_header_print(&two, bytes);
	assert_ok(object_header_parse(str_of(bytes, sizeof(bytes)), &h, NULL));
	assert_true(h.size == two.size);
	assert_memory_equal(h.prefix, two.prefix, sizeof(h.prefix));
	assert_rc(object_header_parse(str_of(bytes, sizeof(bytes) - 1), &h, NULL), RC_BROKEN);
	bytes[31] = 1;
	assert_rc(object_header_parse(str_of(bytes, sizeof(bytes)), &h, NULL), RC_BROKEN);
	bytes[31] = 0;
	bytes[0] ^= 1;
	assert_rc(object_header_parse(str_of(bytes, sizeof(bytes)), &h, NULL), RC_BROKEN);
	bytes[0] ^= 1;
	bytes[16] = 1;
	assert_rc(object_header_parse(str_of(bytes, sizeof(bytes)), &h, NULL), RC_LIMIT);
}

static void lengths_follow_from_the_size(void **state)
{
	(void)state;
	assert_true(object_chunks(0) == 1 && object_chunk_bytes(0, 0) == 0);
	assert_true(object_chunks(OBJECT_CHUNK_BYTES) == 1);
	assert_true(object_chunks(two.size) == 2);
	assert_int_equal(object_chunk_bytes(two.size, 0), OBJECT_CHUNK_BYTES);
	assert_int_equal(object_chunk_bytes(two.size, 1), 5);
	assert_int_equal(object_chunk_bytes(two.size, 2), 0);
	assert_true(object_file_bytes(0) == 48);
	assert_true(object_file_bytes(two.size) == 32 + two.size + 32);
	assert_true(object_chunk_offset(1) == 32 + OBJECT_CHUNK_BYTES + 16);
}

static void a_chunk_opens_only_where_it_was_sealed(void **state)
{
	static const uint8_t other_key[OBJECT_KEY_BYTES] = {1, 2, 4};
	struct object_header other = two;
	uint8_t sealed[5 + OBJECT_TAG_BYTES];
	uint8_t plain[OBJECT_CHUNK_BYTES];

	(void)state;
	assert_ok(object_seal(key, &two, 1, STR("state"), sealed, NULL));
	assert_ok(object_open(key, &two, 1, str_of(sealed, sizeof(sealed)), plain, NULL));
	assert_memory_equal(plain, "state", 5);
	assert_rc(object_open(other_key, &two, 1, str_of(sealed, sizeof(sealed)), plain, NULL),
		  RC_DENIED);
	/* as the last chunk of a longer object, as the first of a short one, in another object */
	other.size = 2 * OBJECT_CHUNK_BYTES + 5;
	assert_rc(object_open(key, &other, 2, str_of(sealed, sizeof(sealed)), plain, NULL),
		  RC_DENIED);
	other.size = 5;
	assert_rc(object_open(key, &other, 0, str_of(sealed, sizeof(sealed)), plain, NULL),
		  RC_DENIED);
	other = two;
	other.prefix[0] ^= 1;
	assert_rc(object_open(key, &other, 1, str_of(sealed, sizeof(sealed)), plain, NULL),
		  RC_DENIED);
	assert_rc(object_open(key, &two, 1, str_of(sealed, sizeof(sealed) - 1), plain, NULL),
		  RC_DENIED);
	for (size_t i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 0x80;
		assert_rc(object_open(key, &two, 1, str_of(sealed, sizeof(sealed)), plain, NULL),
			  RC_DENIED);
		sealed[i] ^= 0x80;
	}
	assert_ok(object_open(key, &two, 1, str_of(sealed, sizeof(sealed)), plain, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_header_reads_back_and_nothing_else_is_one),
	    cmocka_unit_test(lengths_follow_from_the_size),
	    cmocka_unit_test(a_chunk_opens_only_where_it_was_sealed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
