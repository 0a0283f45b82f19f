/* SPDX-License-Identifier: Apache-2.0 */
/* tlog/checkpoint.c - the three lines a log signs (C2SP tlog-checkpoint).
 *
 * Trust:  texts are hostile.
 * Holds:  (1) parse(print(c)) == c and print(parse(t)) == t: there is one spelling, and no
 *             extension line, which deployed cosigners disagree about.
 */
#include <tlog.h>

#include "base/num.h"
#include "codec/base64.h"
#include "tlog/exact.h"

enum rc tlog_checkpoint_parse(struct str text, struct tlog_checkpoint *ret, struct err *e)
{
	struct str rest = text;
	struct tlog_checkpoint c = {0};

	c.origin = str_cut(&rest, '\n');
	if (!tlog_name_is_valid(c.origin)) {
		FAIL(e, RC_INPUT, "checkpoint has no valid origin");
	}
	if (!num_u64(str_cut(&rest, '\n'), UINT64_MAX, &c.size)) {
		FAIL(e, RC_INPUT, "checkpoint has no valid tree size");
	}
	if (!exact_base64(str_cut(&rest, '\n'), c.root.bytes, TLOG_HASH_BYTES)) {
		FAIL(e, RC_INPUT, "checkpoint has no root hash in canonical base64");
	}
	/* An empty rest that points somewhere: the last newline was there and nothing after it. */
	if (!rest.p || rest.n > 0) {
		FAIL(e, RC_INPUT, "checkpoint does not have exactly three lines");
	}
	*ret = c;
	return RC_OK;
}

enum rc tlog_checkpoint_print(const struct tlog_checkpoint *c, struct buf *b, struct err *e)
{
	if (!tlog_name_is_valid(c->origin)) {
		FAIL(e, RC_INPUT, "not an origin");
	}
	if (buf_addf(b, STR_FMT "\n%ju\n", STR_ARG(c->origin), (uintmax_t)c->size) != RC_OK ||
	    base64_encode(b, str_of(c->root.bytes, TLOG_HASH_BYTES)) != RC_OK ||
	    buf_add_char(b, '\n') != RC_OK) {
		FAIL(e, RC_LIMIT, "no room for a checkpoint");
	}
	return RC_OK;
}

enum rc tlog_checkpoint_open(struct str note, const struct tlog_vkey *key,
			     struct tlog_checkpoint *ret, struct err *e)
{
	struct tlog_note parsed;
	struct tlog_checkpoint c;

	TRY(tlog_note_parse(note, &parsed, e));
	TRY(tlog_note_verify(&parsed, key, 1, NULL, e));
	TRY(tlog_checkpoint_parse(parsed.text, &c, e));
	if (!str_eq(c.origin, str_from(key->name))) {
		FAIL(e, RC_DENIED, "checkpoint is of log '" STR_FMT "', not of '%s'",
		     STR_ARG(c.origin), key->name);
	}
	*ret = c;
	return RC_OK;
}
