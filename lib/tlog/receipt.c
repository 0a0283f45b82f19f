/* SPDX-License-Identifier: Apache-2.0 */
/* tlog/receipt.c - portable proofs that a leaf is in a log (C2SP tlog-proof).
 *
 * Trust:  texts are hostile.
 */
#include <tlog.h>

#include "base/num.h"
#include "codec/base64.h"
#include "tlog/exact.h"

static const struct str HEADER = {"c2sp.org/tlog-proof@v1", 22};

/* Is it the one spelling of some bytes? The content is nobody's business here. */
static bool is_base64(struct str s)
{
	uint8_t raw[16384];
	size_t n;

	return exact_base64_max(s, raw, sizeof(raw), &n);
}

static enum rc parse_path(struct str *rest, struct tlog_proof *ret, struct err *e)
{
	ret->n = 0;
	for (;;) {
		struct str line = str_cut(rest, '\n');

		if (!rest->p) {
			FAIL(e, RC_INPUT, "receipt has no empty line before its checkpoint");
		}
		if (line.n == 0) {
			return RC_OK;
		}
		if (ret->n == TLOG_PROOF_MAX_HASHES) {
			FAIL(e, RC_LIMIT, "receipt has more than %u hashes", ret->n);
		}
		if (!exact_base64(line, ret->hashes[ret->n].bytes, TLOG_HASH_BYTES)) {
			FAIL(e, RC_INPUT,
			     "hash %u of the receipt is not canonical base64 of 32 bytes",
			     ret->n + 1);
		}
		ret->n++;
	}
}

enum rc tlog_receipt_parse(struct str text, struct tlog_receipt *ret, struct err *e)
{
	struct tlog_receipt r = {0};
	struct str rest = text;
	struct str line;

	if (text.n > TLOG_RECEIPT_MAX_BYTES) {
		FAIL(e, RC_LIMIT, "receipt is larger than %d bytes", (int)TLOG_RECEIPT_MAX_BYTES);
	}
	if (!str_eq(str_cut(&rest, '\n'), HEADER)) {
		FAIL(e, RC_INPUT, "receipt does not begin with '" STR_FMT "'", STR_ARG(HEADER));
	}
	line = str_cut(&rest, '\n');
	if (str_has_prefix(line, STR("extra "))) {
		r.extra = str_slice(line, 6, line.n);
		if (!is_base64(r.extra)) {
			FAIL(e, RC_INPUT, "extra data of the receipt is not canonical base64");
		}
		line = str_cut(&rest, '\n');
	}
	if (!str_has_prefix(line, STR("index ")) ||
	    !num_u64(str_slice(line, 6, line.n), UINT64_MAX, &r.index)) {
		FAIL(e, RC_INPUT, "receipt has no valid index");
	}
	TRY(parse_path(&rest, &r.path, e));
	r.checkpoint = rest;
	*ret = r;
	return RC_OK;
}

static enum rc print(const struct tlog_receipt *r, struct buf *b)
{
	TRY(buf_addf(b, STR_FMT "\n", STR_ARG(HEADER)));
	if (r->extra.p) {
		TRY(buf_addf(b, "extra " STR_FMT "\n", STR_ARG(r->extra)));
	}
	TRY(buf_addf(b, "index %ju\n", (uintmax_t)r->index));
	for (uint32_t i = 0; i < r->path.n; i++) {
		TRY(base64_encode(b, str_of(r->path.hashes[i].bytes, TLOG_HASH_BYTES)));
		TRY(buf_add_char(b, '\n'));
	}
	TRY(buf_add_char(b, '\n'));
	return buf_add(b, r->checkpoint);
}

enum rc tlog_receipt_print(const struct tlog_receipt *r, struct buf *b, struct err *e)
{
	if (print(r, b) != RC_OK) {
		FAIL(e, RC_LIMIT, "no room for a receipt");
	}
	return RC_OK;
}

enum rc tlog_receipt_check(const struct tlog_receipt *r, struct str leaf,
			   const struct tlog_vkey *key, struct tlog_checkpoint *ret, struct err *e)
{
	AUTO_TLOG_HASHER h = tlog_hasher_new();
	struct tlog_checkpoint c;
	struct tlog_hash leaf_hash;

	if (!h) {
		FAIL(e, RC_NOMEM, "no memory to check a receipt");
	}
	TRY(tlog_checkpoint_open(r->checkpoint, key, &c, e));
	leaf_hash = tlog_leaf_hash(h, leaf);
	if (!tlog_inclusion_holds(h, &r->path, r->index, c.size, &leaf_hash, &c.root)) {
		FAIL(e, RC_DENIED, "the bytes are not leaf %ju of the tree of %ju leaves",
		     (uintmax_t)r->index, (uintmax_t)c.size);
	}
	if (ret) {
		*ret = c;
	}
	return RC_OK;
}
