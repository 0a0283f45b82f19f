/* SPDX-License-Identifier: Apache-2.0 */
/* jansson.c - our JSON parser against jansson with JSON_REJECT_DUPLICATES, the only packaged one
 * that refuses what a gateway must refuse.
 *
 * Both accept the same documents and read the same values from them, but for four cases:
 *   - we are stricter in depth: LIMIT_JSON_DEPTH against its 2048;
 *   - it refuses integers beyond 64 bits and doubles beyond their range; we keep the text;
 *   - it swallows a raw NUL byte behind a number or word ("[1<NUL>,2]"); we refuse it anywhere;
 *   - it refuses member names with \u0000; we compare names by length.
 */
#include "test.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/limits.h"
#include "codec/json.h"
#include "jansson_oracle.h"

enum { ROOM = 1 << 20, MUTATIONS = 60000 };

static uint64_t random_state;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void put_string(struct buf *out, struct str s)
{
	assert_ok(buf_addf(out, "S%zu:", s.n));
	assert_ok(buf_add(out, s));
}

static void put_number(struct buf *out, struct str text)
{
	char copy[64];
	int64_t i;

	assert_true(text.n < sizeof(copy));
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	if (strpbrk(copy, ".eE")) {
		assert_ok(buf_addf(out, "R%.17g,", strtod(copy, NULL)));
		return;
	}
	i = strtoll(copy, NULL, 10);
	assert_ok(buf_addf(out, "I%lld,", (long long)i));
}

/* N T F, I<integer>, R<real>, S<length>:<bytes>, [...], {<name><value>...} */
static void put(struct buf *out, const struct json *j)
{
	switch (json_type(j)) {
	case JSON_OBJECT:
	case JSON_ARRAY:
		assert_ok(buf_add_char(out, j->type == JSON_OBJECT ? '{' : '['));
		for (const struct json *c = j->child; c; c = c->next) {
			if (j->type == JSON_OBJECT) {
				put_string(out, c->key);
			}
			put(out, c);
		}
		assert_ok(buf_add_char(out, j->type == JSON_OBJECT ? '}' : ']'));
		return;
	case JSON_STRING:
		put_string(out, j->text);
		return;
	case JSON_NUMBER:
		put_number(out, j->text);
		return;
	case JSON_TRUE:
		assert_ok(buf_add_char(out, 'T'));
		return;
	case JSON_FALSE:
		assert_ok(buf_add_char(out, 'F'));
		return;
	case JSON_NULL:
		assert_ok(buf_add_char(out, 'N'));
		return;
	case JSON_NONE:
		break;
	}
	fail();
}

/* 1 when both accept, 0 when both refuse. */
static int compare(struct str text)
{
	AUTO_ARENA arena = ARENA_INIT(ROOM);
	AUTO_BUF ours = BUF_INIT(ROOM);
	AUTO_BUF theirs = BUF_INIT(ROOM);
	const struct json *j = NULL;
	struct err e = ERR_INIT;
	enum rc rc = json_parse(&arena, text, NULL, &j, &e);
	enum oracle_verdict verdict = jansson_oracle(text, &theirs);

	if (str_find(text, '\0') != text.n) {
		assert_int_not_equal(rc, RC_OK);
		return 0;
	}
	if (verdict == ORACLE_CANNOT_HOLD) {
		return 0; /* it stopped there; what follows is unknown */
	}
	if (rc == RC_LIMIT && strstr(e.msg, "nested too deeply")) {
		return 0;
	}
	if ((rc == RC_OK) != (verdict == ORACLE_ACCEPTS)) {
		fail_msg("we say %s, jansson the opposite: '" STR_FMT "'", rc_text(rc),
			 STR_ARG(text));
	}
	if (rc != RC_OK) {
		return 0;
	}
	put(&ours, j);
	if (!str_eq(buf_view(&ours), buf_view(&theirs))) {
		fail_msg("two readings of '" STR_FMT "'", STR_ARG(text));
	}
	return 1;
}

static const char *const seeds[] = {
    "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{\"a\":[1,2.5,\"x\"]}}",
    "[0,-0,1,-1.5,1e2,1E-2,0.1e+3,9223372036854775807,-9223372036854775808]",
    "{\"a\":1,\"b\":2,\"c\":{\"a\":null,\"b\":[]},\"\":\"\"}",
    ("[\"\\\"\\\\\\/"
     "\\b\\f\\n\\r\\t\\u0000\\u00e9\\ud83d\\ude00\xc3\xa9\xf0\x9f\x98\x80\xe2\x82\xac\"]"),
    "[true,false,null,[[[]]],{\"k\":{}}]",
    " \t\r\n[ 1 , \"a\" ] \n",
    "\"\\ud83d\\ude00\"",
    "{\"aa\":1,\"ab\":2,\"\\u0061c\":3,\"\xc3\xa9\":4}",
};

static void whole_documents_read_the_same(void **state)
{
	(void)state;
	static const char *const more[] = {
	    "",
	    " ",
	    "1",
	    "01",
	    "-",
	    "-0",
	    "1.",
	    ".1",
	    "1e",
	    "+1",
	    "nul",
	    "NaN",
	    "[1,]",
	    "{,}",
	    "{\"a\"}",
	    "[1 2]",
	    "\"\t\"",
	    "\"\x7f\"",
	    "\"\\x\"",
	    "\"\\u12\"",
	    "\"\\ud800\"",
	    "\"\\udc00\"",
	    "\xef\xbb\xbf{}",
	    "\"\xff\"",
	    "\"\xc0\xaf\"",
	    "\"\xed\xa0\x80\"",
	    "{}x",
	    "{}{}",
	    "{\"a\":1,\"a\":2}",
	    "{\"a\":1,\"\\u0061\":2}",
	    "'a'",
	    "[1]/**/",
	    "//\n1",
	    "[1e400]",
	    "18446744073709551616",
	    "{\"\\u0000\":1}",
	};

	for (size_t i = 0; i < ARRAY_LEN(seeds); i++) {
		assert_int_equal(compare(str_from(seeds[i])), 1);
	}
	for (size_t i = 0; i < ARRAY_LEN(more); i++) {
		(void)compare(str_from(more[i])); /* fails by itself */
	}
}

static void every_single_byte_change_reads_the_same(void **state)
{
	(void)state;
	for (size_t s = 0; s < ARRAY_LEN(seeds); s++) {
		char text[512];
		size_t n = strlen(seeds[s]);

		memcpy(text, seeds[s], n);
		for (size_t i = 0; i < n; i++) {
			for (int c = 0; c < 256; c++) {
				text[i] = (char)c;
				(void)compare(str_of(text, n)); /* fails by itself */
			}
			text[i] = seeds[s][i];
		}
	}
}

/* A few pieces are cut, doubled, swapped or replaced by bytes that matter to a parser. */
static size_t mutate(char *text, size_t n, size_t room)
{
	static const char bytes[] = "{}[]:,\"\\u0123456789eE+-. \ntrfalsn\xc3\xa9\xff\x01";

	for (uint64_t edits = 1 + next_random() % 4; edits > 0 && n > 2; edits--) {
		size_t at = next_random() % n;
		size_t len = 1 + next_random() % (n - at < 9 ? n - at : 9);

		switch (next_random() % 3) {
		case 0:
			text[at] = bytes[next_random() % (sizeof(bytes) - 1)];
			break;
		case 1:
			memmove(text + at, text + at + len, n - at - len);
			n -= len;
			break;
		default:
			if (n + len < room) {
				memmove(text + at + len, text + at, n - at);
				n += len;
			}
			break;
		}
	}
	return n;
}

static void random_changes_read_the_same(void **state)
{
	(void)state;
	int accepted = 0;

	random_state = UINT64_C(0x9E3779B97F4A7C15);
	print_message("seed %llx\n", (unsigned long long)random_state);
	for (int i = 0; i < MUTATIONS; i++) {
		const char *seed = seeds[next_random() % ARRAY_LEN(seeds)];
		char text[512];
		size_t n = strlen(seed);

		memcpy(text, seed, n);
		n = mutate(text, n, sizeof(text));
		accepted += compare(str_of(text, n));
	}
	/* Otherwise only refusals were compared. */
	assert_true(accepted > MUTATIONS / 20);
}

static void only_depth_tells_us_apart(void **state)
{
	(void)state;
	char text[2 * (LIMIT_JSON_DEPTH + 1)];
	size_t n = LIMIT_JSON_DEPTH;

	memset(text, '[', n);
	memset(text + n, ']', n);
	assert_int_equal(compare(str_of(text, 2 * n)), 1);
	n++;
	memset(text, '[', n);
	memset(text + n, ']', n);
	assert_int_equal(compare(str_of(text, 2 * n)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whole_documents_read_the_same),
	    cmocka_unit_test(every_single_byte_change_reads_the_same),
	    cmocka_unit_test(random_changes_read_the_same),
	    cmocka_unit_test(only_depth_tells_us_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
