/* SPDX-License-Identifier: Apache-2.0 */
/* tlog_note.c - a note that parses is its text, an empty line and its signature lines, to the byte;
 * verifying it ends, whatever the keys; so do verifier keys, which print as they were. */
#include <tlog.h>

#include "fuzz.h"

static void check_note(struct str bytes)
{
	static const char vkey[] =
	    "audit.example/gw1+a9d7d3ed+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
	AUTO_BUF again = BUF_INIT(TLOG_NOTE_MAX_BYTES + 16);
	struct tlog_note note;
	struct tlog_vkey keys[2];
	struct tlog_verdict verdicts[2];
	enum rc rc;

	if (tlog_note_parse(bytes, &note, NULL) != RC_OK) {
		return;
	}
	MUST(note.n_signatures >= 1 && note.n_signatures <= TLOG_NOTE_MAX_SIGNATURES);
	MUST(buf_add(&again, note.text) == RC_OK && buf_add_char(&again, '\n') == RC_OK);
	for (size_t i = 0; i < note.n_signatures; i++) {
		MUST(buf_addf(&again, "\xE2\x80\x94 " STR_FMT " " STR_FMT "\n",
			      STR_ARG(note.signatures[i].name),
			      STR_ARG(note.signatures[i].base64)) == RC_OK);
	}
	MUST(str_eq(buf_view(&again), bytes));
	MUST(tlog_vkey_parse(str_from(vkey), &keys[0], NULL) == RC_OK);
	/* A cosigner with the name and id of the first signature, so that it is looked at. */
	MUST(tlog_vkey_init(&keys[1], note.signatures[0].name, TLOG_KEY_COSIGNATURE, keys[0].key,
			    NULL) == RC_OK);
	keys[1].id = note.signatures[0].id;
	rc = tlog_note_verify(&note, keys, 2, verdicts, NULL);
	MUST(rc == RC_OK || rc == RC_DENIED);
}

static void check_vkey(struct str bytes)
{
	AUTO_BUF again = BUF_INIT(1024);
	struct tlog_vkey key;

	if (tlog_vkey_parse(bytes, &key, NULL) == RC_OK) {
		MUST(tlog_vkey_print(&key, &again) == RC_OK);
		MUST(str_eq(buf_view(&again), bytes));
	}
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
	check_note(str_of(bytes, n));
	check_vkey(str_of(bytes, n));
	return 0;
}
