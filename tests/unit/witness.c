/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to witnesses and what their answers come to. */
#include "test.h"

#include <curl/curl.h>

#include "courier/witness.h"
#include "http_catcher.h"

static const char NOTE[] =
    "audit.example/gw1\n"
    "3\n"
    "Wqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=\n"
    "\n"
    "\xE2\x80\x94 audit.example/gw1 qdfT7cscp8USUpy65HFpxhMgXzT4wttv6iO2meEnpDc6HiEMuLK54duCXbHs"
    "/ZXboVeYGXPQz8uH03Vj2gqCCFvWFwo=\n";
static const char COSIGNED[] =
    "\xE2\x80\x94 witness.example/w1 IDJKvgAAAABlU/EAhIYkqakWwe22L7AD+siuTVajFl60qtJ1dlJ2LLHjU9Q"
    "lmNFtuKPpVKxUnDVKtkbML9bub6/kMSInmKVloLi/Dw==\n";
#define VKEY "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"

static struct str text_of_note(void)
{
	struct tlog_note note;

	assert_ok(tlog_note_parse(str_from(NOTE), &note, NULL));
	return note.text;
}

static enum witness_said read_answer(long status, const char *body, struct witness_answer *a)
{
	struct tlog_vkey key;

	assert_ok(tlog_vkey_parse(STR(VKEY), &key, NULL));
	witness_answer_read(status, str_from(body), text_of_note(), &key, a);
	return a->said;
}

static void answers_come_to_one_of_a_few_words(void **state)
{
	(void)state;
	static const struct {
		long status;
		const char *body;
		enum witness_said said;
		const char *detail;
	} cases[] = {
	    {200, COSIGNED, WITNESS_COSIGNED, ""},
	    {200, "", WITNESS_REFUSES, "empty one"},
	    {200, "thanks\n", WITNESS_REFUSES, "dash"},
	    {200, "\n", WITNESS_REFUSES, "empty one"},
	    {409, "17\n", WITNESS_HOLDS, ""},
	    {409, "0\n", WITNESS_HOLDS, ""},
	    {409, "17", WITNESS_REFUSES, "without a size"},
	    {409, "017\n", WITNESS_REFUSES, "without a size"},
	    {409, "17\n\n", WITNESS_REFUSES, "without a size"},
	    {409, "-1\n", WITNESS_REFUSES, "without a size"},
	    {409, "99999999999999999999\n", WITNESS_REFUSES, "without a size"},
	    {409, "", WITNESS_REFUSES, "without a size"},
	    {422, "", WITNESS_DISPUTES, "no extension"},
	    {404, "", WITNESS_REFUSES, "does not know"},
	    {403, "", WITNESS_REFUSES, "no key"},
	    {400, "", WITNESS_REFUSES, "status 400"},
	    {500, COSIGNED, WITNESS_REFUSES, "status 500"},
	    {201, COSIGNED, WITNESS_REFUSES, "status 201"},
	    {302, "", WITNESS_REFUSES, "status 302"},
	};
	struct witness_answer a;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(read_answer(cases[i].status, cases[i].body, &a), cases[i].said);
		if (!strstr(a.detail, cases[i].detail)) {
			fail_msg("case %d: %s", (int)i, a.detail);
		}
	}
	assert_int_equal(read_answer(409, "9223372036854775807\n", &a), WITNESS_HOLDS);
	assert_true(a.size == INT64_MAX);
	assert_int_equal(read_answer(200, COSIGNED, &a), WITNESS_COSIGNED);
	assert_int_equal(a.cosignature.unix_s, 1700000000);
}

static void every_changed_byte_of_a_cosignature_is_no_cosignature(void **state)
{
	(void)state;
	char body[sizeof(COSIGNED)];
	struct witness_answer a;

	for (size_t i = 0; i < sizeof(COSIGNED) - 1; i++) {
		memcpy(body, COSIGNED, sizeof(body));
		body[i] = (char)(body[i] ^ 1);
		assert_int_not_equal(read_answer(200, body, &a), WITNESS_COSIGNED);
	}
}

static void a_question_is_what_the_protocol_says(void **state)
{
	(void)state;
	static const uint8_t hashes[64 * 32] = {1};
	AUTO_BUF b = BUF_INIT(65536);

	assert_ok(witness_question(2, str_of(hashes, 64), str_from(NOTE), &b, NULL));
	assert_true(str_has_prefix(buf_view(&b),
				   STR("old 2\nAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
				       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\naudit.")));
	assert_true(str_has_suffix(buf_view(&b), str_from(NOTE)));
	buf_reset(&b);
	assert_ok(witness_question(0, STR(""), str_from(NOTE), &b, NULL));
	assert_true(str_has_prefix(buf_view(&b), STR("old 0\n\naudit.example/gw1\n")));
	assert_rc(witness_question(2, str_of(hashes, 33), str_from(NOTE), &b, NULL), RC_INPUT);
	assert_rc(witness_question(2, str_of(hashes, 64 * 32), str_from(NOTE), &b, NULL), RC_INPUT);
}

/* ---- over HTTP ---- */

static struct {
	size_t n;
	uint64_t id;
	struct witness_answer a;
} got;

static void on_answer(void *ctx, uint64_t id, const struct witness_answer *a)
{
	(void)ctx;
	got.n++;
	got.id = id;
	got.a = *a;
}

/* Asks a witness that answers so (NULL: never, and it is not waited for); what it was sent. */
static void exchange(const char *answer, const char *name, char *sent, size_t size)
{
	struct clock clock = clock_system();
	struct catcher c;
	struct loop *l;
	struct witness_client *client;
	struct witnesses_conf conf = {0};
	char policy[512];
	struct msg_witness_ask ask = {
	    .id = 7, .witness = str_from(name), .old_size = 0, .note = str_from(NOTE)};

	catcher_start(&c, answer);
	(void)snprintf(policy, sizeof(policy),
		       "witness w %s http://127.0.0.1:%d/prefix\nquorum w\n", VKEY, c.port);
	conf.policy = str_from(policy);
	memset(&got, 0, sizeof(got));
	assert_ok(loop_new(&clock, &l, NULL));
	assert_ok(witness_client_new(l, &conf, on_answer, NULL, &client, NULL));
	witness_client_ask(client, &ask);
	for (int i = 0; i < 500 && got.n == 0; i++) {
		assert_ok(loop_step(l, 20, NULL));
	}
	assert_int_equal(got.n, 1);
	assert_int_equal(got.id, 7);
	witness_client_free(client);
	loop_free(l);
	catcher_stop(&c, sent, size);
}

static void a_witness_is_asked_by_one_post_and_understood(void **state)
{
	(void)state;
	char answer[1024];
	char sent[8192];

	(void)snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
		       strlen(COSIGNED), COSIGNED);
	exchange(answer, "w", sent, sizeof(sent));
	assert_int_equal(got.a.said, WITNESS_COSIGNED);
	assert_int_equal(got.a.cosignature.unix_s, 1700000000);
	assert_true(
	    str_has_prefix(str_from(sent), STR("POST /prefix/add-checkpoint HTTP/1.1\r\n")));
	assert_non_null(strstr(sent, "\r\n\r\nold 0\n\naudit.example/gw1\n3\n"));
	exchange("HTTP/1.1 409 Conflict\r\nContent-Type: text/x.tlog.size\r\n"
		 "Content-Length: 3\r\n\r\n12\n",
		 "w", sent, sizeof(sent));
	assert_int_equal(got.a.said, WITNESS_HOLDS);
	assert_int_equal(got.a.size, 12);
}

static void what_cannot_be_understood_or_reached_is_silence(void **state)
{
	(void)state;
	char sent[8192];
	char *large = calloc(1, 40000);

	exchange("nonsense\r\n\r\n", "w", sent, sizeof(sent));
	assert_int_equal(got.a.said, WITNESS_SILENT);
	exchange("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
		 "w", sent, sizeof(sent));
	assert_int_equal(got.a.said, WITNESS_REFUSES); /* and not followed */
	(void)snprintf(large, 40000, "HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n");
	memset(large + strlen(large), 'x', 30000);
	exchange(large, "w", sent, sizeof(sent));
	assert_int_equal(got.a.said, WITNESS_SILENT);
	free(large);
	exchange(NULL, "stranger", sent, sizeof(sent));
	assert_int_equal(got.a.said, WITNESS_SILENT);
	assert_int_equal(sent[0], '\0');
}

static int set_up(void **state)
{
	(void)state;
	(void)signal(SIGPIPE, SIG_IGN); /* as every role does */
	return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	curl_global_cleanup();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(answers_come_to_one_of_a_few_words),
	    cmocka_unit_test(every_changed_byte_of_a_cosignature_is_no_cosignature),
	    cmocka_unit_test(a_question_is_what_the_protocol_says),
	    cmocka_unit_test(a_witness_is_asked_by_one_post_and_understood),
	    cmocka_unit_test(what_cannot_be_understood_or_reached_is_silence),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
