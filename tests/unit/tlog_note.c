/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, notes, checkpoints and receipts against published vectors. */
#include "test.h"

#include <tlog.h>

static const char LOG_VKEY[] =
    "audit.example/gw1+a9d7d3ed+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
static const char WITNESS_VKEY[] =
    "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";
static const char CHECKPOINT[] =
    "audit.example/gw1\n"
    "3\n"
    "Wqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=\n"
    "\n"
    "\xE2\x80\x94 audit.example/gw1 qdfT7cscp8USUpy65HFpxhMgXzT4wttv6iO2meEnpDc6HiEMuLK54duCXbHs"
    "/ZXboVeYGXPQz8uH03Vj2gqCCFvWFwo=\n"
    "\xE2\x80\x94 witness.example/w1 IDJKvgAAAABlU/EAhIYkqakWwe22L7AD+siuTVajFl60qtJ1dlJ2LLHjU9Q"
    "lmNFtuKPpVKxUnDVKtkbML9bub6/kMSInmKVloLi/Dw==\n";
static const char RECEIPT_HEAD[] = "c2sp.org/tlog-proof@v1\n"
				   "index 1\n"
				   "0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek=\n"
				   "Zx8UbF5HHooag6PCFM5LqQe486WIjRTMjNPOdbsS75Q=\n"
				   "\n";

static struct tlog_vkey log_key;
static struct tlog_vkey witness_key;
static uint8_t log_seed[32];
static uint8_t witness_seed[32];

static int make_keys(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 32; i++) {
		log_seed[i] = (uint8_t)i;
		witness_seed[i] = (uint8_t)(32 + i);
	}
	return tlog_vkey_parse(str_from(LOG_VKEY), &log_key, NULL) == RC_OK &&
		       tlog_vkey_parse(str_from(WITNESS_VKEY), &witness_key, NULL) == RC_OK
		   ? 0
		   : -1;
}

static void keys_of_the_vectors_come_from_their_seeds(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(512);
	struct tlog_vkey key;

	assert_ok(
	    tlog_vkey_from_seed(&key, STR("audit.example/gw1"), TLOG_KEY_ED25519, log_seed, NULL));
	assert_ok(tlog_vkey_print(&key, &b));
	assert_str(buf_view(&b), LOG_VKEY);
	buf_reset(&b);
	assert_ok(tlog_vkey_from_seed(&key, STR("witness.example/w1"), TLOG_KEY_COSIGNATURE,
				      witness_seed, NULL));
	assert_ok(tlog_vkey_print(&key, &b));
	assert_str(buf_view(&b), WITNESS_VKEY);
}

static void a_verifier_key_has_one_spelling(void **state)
{
	(void)state;
	static const char good[] =
	    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
	char text[sizeof(good)];
	struct tlog_vkey key;

	assert_ok(tlog_vkey_parse(str_from(good), &key, NULL));
	/* Any one bit: of the name or key, the id does not match; of the id, the key does not. */
	for (size_t i = 0; i < sizeof(good) - 1; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(text, good, sizeof(good));
			text[i] = (char)((unsigned char)text[i] ^ 1u << bit);
			if (tlog_vkey_parse(str_of(text, sizeof(good) - 1), &key, NULL) == RC_OK) {
				fail_msg("accepted '%s'", text);
			}
		}
	}
	assert_rc(tlog_vkey_parse(STR(""), &key, NULL), RC_INPUT);
	assert_rc(tlog_vkey_parse(STR("a+b+c"), &key, NULL), RC_INPUT);
}

static void names_without_spaces_and_plus_are_names(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "",
	    "a b",
	    "a+b",
	    "a\nb",
	    "a\tb",
	    "a\xC2\xA0z",
	    "a\xC2\x85",
	    "\xE2\x80\x89",
	    "x\xE3\x80\x80",
	    "\xE1\x9A\x80",
	    "\xE2\x81\x9F",
	    "\xE2\x80\xA8",
	    "\xFF",
	    "a\x7f",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(tlog_name_is_valid(str_from(bad[i])));
	}
	assert_true(tlog_name_is_valid(STR("audit.example/gw1")));
	assert_true(tlog_name_is_valid(STR("gr\xC3\xBC\xC3\x9F"
					   "e.example/\xE2\x80\x94")));
}

static void the_note_that_everybody_quotes_verifies(void **state)
{
	(void)state;
	static const char text[] =
	    "If you think cryptography is the answer to your problem,\n"
	    "then you don't know what your problem is.\n"
	    "\n"
	    "\xE2\x80\x94 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC"
	    "2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
	struct tlog_note note;
	struct tlog_vkey key;
	struct tlog_verdict verdict;

	assert_ok(tlog_vkey_parse(
	    STR("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"), &key, NULL));
	assert_ok(tlog_note_parse(str_from(text), &note, NULL));
	assert_ok(tlog_note_verify(&note, &key, 1, &verdict, NULL));
	assert_true(verdict.is_signed);
	assert_rc(tlog_note_verify(&note, &log_key, 1, &verdict, NULL), RC_DENIED);
}

static void the_example_of_the_specification_parses(void **state)
{
	(void)state;
	static const char text[] = "Ognuno sta solo sul cuor della terra\n"
				   "trafitto da un raggio di sole:\n"
				   "\n"
				   "ed \xC3\xA8 subito sera.\n"
				   "\n"
				   "\xE2\x80\x94 quasimodo.example/salvatore "
				   "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+E"
				   "hfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
	struct tlog_note note;

	assert_ok(tlog_note_parse(str_from(text), &note, NULL));
	assert_int_equal(note.n_signatures, 1);
	assert_str(note.signatures[0].name, "quasimodo.example/salvatore");
	assert_true(str_has_suffix(note.text, STR("ed \xC3\xA8 subito sera.\n")));
}

static void log_and_witness_of_the_vectors_verify_with_their_time(void **state)
{
	(void)state;
	struct tlog_vkey keys[] = {log_key, witness_key};
	struct tlog_verdict verdicts[2];
	struct tlog_note note;

	assert_ok(tlog_note_parse(str_from(CHECKPOINT), &note, NULL));
	assert_ok(tlog_note_verify(&note, keys, 2, verdicts, NULL));
	assert_true(verdicts[0].is_signed);
	assert_int_equal(verdicts[0].unix_s, 0);
	assert_true(verdicts[1].is_signed);
	assert_int_equal(verdicts[1].unix_s, 1700000000);
}

static void signing_gives_the_bytes_of_the_vectors(void **state)
{
	(void)state;
	AUTO_BUF text = BUF_INIT(512);
	AUTO_BUF note = BUF_INIT(4096);
	struct tlog_checkpoint c;

	assert_ok(tlog_checkpoint_open(str_from(CHECKPOINT), &log_key, &c, NULL));
	assert_int_equal(c.size, 3);
	assert_ok(tlog_checkpoint_print(&c, &text, NULL));
	assert_ok(tlog_note_sign(&note, buf_view(&text), &log_key, log_seed, NULL));
	assert_ok(
	    tlog_note_cosign(&note, buf_view(&text), &witness_key, witness_seed, 1700000000, NULL));
	assert_str(buf_view(&note), CHECKPOINT);
}

static void every_changed_byte_of_a_signed_checkpoint_is_refused(void **state)
{
	(void)state;
	struct tlog_vkey keys[] = {log_key, witness_key};
	char text[sizeof(CHECKPOINT)];
	size_t n = sizeof(CHECKPOINT) - 1;

	for (size_t i = 0; i < n; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			struct tlog_verdict verdicts[2] = {0};
			struct tlog_note note;

			memcpy(text, CHECKPOINT, sizeof(text));
			text[i] = (char)((unsigned char)text[i] ^ 1u << bit);
			/* A change of name or id makes a key unknown, never valid. */
			if (tlog_note_parse(str_of(text, n), &note, NULL) == RC_OK &&
			    tlog_note_verify(&note, keys, 2, verdicts, NULL) == RC_OK &&
			    verdicts[0].is_signed && verdicts[1].is_signed) {
				fail_msg("bit %u of byte %zu was not noticed", bit, i);
			}
		}
	}
	for (size_t cut = 0; cut < n; cut++) {
		struct tlog_verdict verdicts[2] = {0};
		struct tlog_note note;

		assert_false(tlog_note_parse(str_of(CHECKPOINT, cut), &note, NULL) == RC_OK &&
			     tlog_note_verify(&note, keys, 2, verdicts, NULL) == RC_OK &&
			     verdicts[1].is_signed);
	}
}

static void a_known_key_that_fails_refuses_the_whole_note(void **state)
{
	(void)state;
	struct tlog_vkey keys[] = {log_key, witness_key};
	char text[sizeof(CHECKPOINT)];
	struct tlog_note note;

	memcpy(text, CHECKPOINT, sizeof(text));
	text[sizeof(CHECKPOINT) - 20] = text[sizeof(CHECKPOINT) - 20] == 'A' ? 'B' : 'A';
	assert_ok(tlog_note_parse(str_from(text), &note, NULL));
	assert_rc(tlog_note_verify(&note, keys, 2, NULL, NULL), RC_DENIED);
	assert_ok(tlog_note_verify(&note, keys, 1, NULL, NULL)); /* the witness is unknown now */
}

static void malformed_notes_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "",
	    "\n",
	    "\n\n",
	    "text\n",
	    "text\n\n",
	    "text\n\nno dash\n",
	    "text\n\n\xE2\x80\x94 name\n",
	    "text\n\n\xE2\x80\x94 name \n",
	    "text\n\n\xE2\x80\x94 name AAAA\n", /* an id and no signature */
	    "text\n\n\xE2\x80\x94 name AAAAAAA=",
	    "text\n\n\xE2\x80\x94 name AAAAAAB=\n",
	    "text\n\n\xE2\x80\x94  AAAAAAA=\n",
	    "text\n\n\xE2\x80\x94 na+me AAAAAAA=\n",
	    "te\rxt\n\n\xE2\x80\x94 name AAAAAAA=\n",
	    "te\xFFxt\n\n\xE2\x80\x94 name AAAAAAA=\n",
	    "text\n\n\xE2\x80\x94 name AAAAAAA= \n",
	    "text\n\n\xE2\x80\x94 name AAAAAAA=\nx\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct tlog_note note;

		if (tlog_note_parse(str_from(bad[i]), &note, NULL) == RC_OK) {
			fail_msg("'%s' was accepted", bad[i]);
		}
	}
}

static void a_hundred_signatures_are_read_and_not_one_more(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(8192);
	struct tlog_note note;

	assert_ok(buf_add(&b, STR("text\n\n")));
	for (int i = 0; i < TLOG_NOTE_MAX_SIGNATURES; i++) {
		assert_ok(buf_addf(&b, "\xE2\x80\x94 name%d AAAAAAA=\n", i));
	}
	assert_ok(tlog_note_parse(buf_view(&b), &note, NULL));
	assert_int_equal(note.n_signatures, 100);
	assert_ok(buf_add(&b, STR("\xE2\x80\x94 name AAAAAAA=\n")));
	assert_rc(tlog_note_parse(buf_view(&b), &note, NULL), RC_LIMIT);
}

static void a_checkpoint_has_exactly_three_lines(void **state)
{
	(void)state;
	static const char root[] = "Wqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=";
	static const char *const bad[] = {
	    "o\n3\n%s",
	    "o\n3\n%s\nextension\n",
	    "o\n3\n%s\n\n",
	    "o\n03\n%s\n",
	    "o\n\n%s\n",
	    "\n3\n%s\n",
	    "o o\n3\n%s\n",
	    "o\n-3\n%s\n",
	    "o\n18446744073709551616\n%s\n",
	    "o\n3\nx%s\n",
	    "o\n3\n%s \n",
	};
	struct tlog_checkpoint c;
	char text[256];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const char *at = strstr(bad[i], "%s");
		int n = snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - bad[i]), bad[i], root,
				 at + 2);

		if (tlog_checkpoint_parse(str_of(text, (size_t)n), &c, NULL) == RC_OK) {
			fail_msg("'%s' was accepted", text);
		}
	}
	assert_ok(tlog_checkpoint_parse(
	    STR("o\n18446744073709551615\nWqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=\n"), &c,
	    NULL));
	assert_true(c.size == UINT64_MAX);
}

static void a_checkpoint_of_another_origin_is_refused(void **state)
{
	(void)state;
	AUTO_BUF note = BUF_INIT(1024);
	struct tlog_checkpoint c;

	assert_ok(tlog_note_sign(
	    &note, STR("other.example/log\n3\nWqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=\n"),
	    &log_key, log_seed, NULL));
	assert_rc(tlog_checkpoint_open(buf_view(&note), &log_key, &c, NULL), RC_DENIED);
}

static void the_receipt_of_the_vectors_checks_and_prints(void **state)
{
	(void)state;
	AUTO_BUF text = BUF_INIT(4096);
	AUTO_BUF again = BUF_INIT(4096);
	struct tlog_checkpoint c;
	struct tlog_receipt r;

	assert_ok(buf_add(&text, str_from(RECEIPT_HEAD)));
	assert_ok(buf_add(&text, str_from(CHECKPOINT)));
	assert_ok(tlog_receipt_parse(buf_view(&text), &r, NULL));
	assert_int_equal(r.index, 1);
	assert_int_equal(r.path.n, 2);
	assert_ok(tlog_receipt_check(&r, STR("two"), &log_key, &c, NULL));
	assert_int_equal(c.size, 3);
	assert_rc(tlog_receipt_check(&r, STR("three"), &log_key, NULL, NULL), RC_DENIED);
	assert_rc(tlog_receipt_check(&r, STR("two"), &witness_key, NULL, NULL), RC_DENIED);
	assert_ok(tlog_receipt_print(&r, &again, NULL));
	assert_true(str_eq(buf_view(&again), buf_view(&text)));
	r.index = 0;
	assert_rc(tlog_receipt_check(&r, STR("two"), &log_key, NULL, NULL), RC_DENIED);
}

static void every_changed_bit_of_a_receipt_is_refused(void **state)
{
	(void)state;
	AUTO_BUF text = BUF_INIT(4096);
	size_t log_signed;

	assert_ok(buf_add(&text, str_from(RECEIPT_HEAD)));
	assert_ok(buf_add(&text, str_from(CHECKPOINT)));
	/* The witness's line is of a key nobody asked about: leave it out. */
	log_signed = (size_t)((char *)memmem(text.p, text.n, "\xE2\x80\x94 witness", 11) - text.p);
	for (size_t i = 0; i < log_signed; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			struct tlog_receipt r;

			text.p[i] = (char)((unsigned char)text.p[i] ^ 1u << bit);
			if (tlog_receipt_parse(str_of(text.p, log_signed), &r, NULL) == RC_OK &&
			    tlog_receipt_check(&r, STR("two"), &log_key, NULL, NULL) == RC_OK) {
				fail_msg("bit %u of byte %zu was not noticed", bit, i);
			}
			text.p[i] = (char)((unsigned char)text.p[i] ^ 1u << bit);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keys_of_the_vectors_come_from_their_seeds),
	    cmocka_unit_test(a_verifier_key_has_one_spelling),
	    cmocka_unit_test(names_without_spaces_and_plus_are_names),
	    cmocka_unit_test(the_note_that_everybody_quotes_verifies),
	    cmocka_unit_test(the_example_of_the_specification_parses),
	    cmocka_unit_test(log_and_witness_of_the_vectors_verify_with_their_time),
	    cmocka_unit_test(signing_gives_the_bytes_of_the_vectors),
	    cmocka_unit_test(every_changed_byte_of_a_signed_checkpoint_is_refused),
	    cmocka_unit_test(a_known_key_that_fails_refuses_the_whole_note),
	    cmocka_unit_test(malformed_notes_are_refused),
	    cmocka_unit_test(a_hundred_signatures_are_read_and_not_one_more),
	    cmocka_unit_test(a_checkpoint_has_exactly_three_lines),
	    cmocka_unit_test(a_checkpoint_of_another_origin_is_refused),
	    cmocka_unit_test(the_receipt_of_the_vectors_checks_and_prints),
	    cmocka_unit_test(every_changed_bit_of_a_receipt_is_refused),
	};
	return cmocka_run_group_tests(tests, make_keys, NULL);
}
