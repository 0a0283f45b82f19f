/* SPDX-License-Identifier: Apache-2.0 */
/* tlog/note.c - signed notes and cosignatures (C2SP signed-note, tlog-cosignature).
 *
 * Trust:  notes are hostile.
 * Holds:  (1) what parses has one spelling: changing any byte outside of an unknown key's
 *             signature makes it not parse or not verify.
 */
#include <tlog.h>

#include <string.h>

#include "codec/base64.h"
#include "tlog/exact.h"
#include "tlog/key.h"

enum {
	ID_BYTES = 4,
	PLAIN_BYTES = ID_BYTES + 64,
	COSIGNED_BYTES = ID_BYTES + 8 + 64,
	SIGNATURE_MAX_BYTES = 16384, /* of any kind of key; ML-DSA-44 has 2,432 */
};

static const struct str DASH = {"\xE2\x80\x94 ", 4};

/* Offset just behind the text, at the empty line before the signatures; 0 when there is none. */
static size_t find_split(struct str s)
{
	for (size_t i = s.n; i >= 2; i--) {
		if (s.p[i - 1] == '\n' && s.p[i - 2] == '\n') {
			return i - 1;
		}
	}
	return 0;
}

static enum rc check_characters(struct str s, struct err *e)
{
	if (!str_is_utf8(s)) {
		FAIL(e, RC_INPUT, "note is not UTF-8");
	}
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] < 0x20 && s.p[i] != '\n') {
			FAIL(e, RC_INPUT, "note has a control character at byte %zu", i);
		}
	}
	return RC_OK;
}

/* "— name base64" without its newline. */
static enum rc parse_line(struct str line, size_t number, struct tlog_signature *ret, struct err *e)
{
	uint8_t raw[SIGNATURE_MAX_BYTES];
	size_t n;

	if (!str_has_prefix(line, DASH)) {
		FAIL(e, RC_INPUT, "signature line %zu of the note does not begin with a dash",
		     number);
	}
	line = str_slice(line, DASH.n, line.n);
	ret->name = str_cut(&line, ' ');
	ret->base64 = line;
	if (!tlog_name_is_valid(ret->name)) {
		FAIL(e, RC_INPUT, "signature line %zu of the note has no valid key name", number);
	}
	if (!exact_base64_max(line, raw, sizeof(raw), &n) || n <= ID_BYTES) {
		FAIL(e, RC_INPUT, "signature line %zu of the note is not canonical base64", number);
	}
	ret->id = (uint32_t)raw[0] << 24 | (uint32_t)raw[1] << 16 | (uint32_t)raw[2] << 8 | raw[3];
	return RC_OK;
}

enum rc tlog_note_parse(struct str bytes, struct tlog_note *ret, struct err *e)
{
	size_t split;
	struct str rest;

	ret->n_signatures = 0;
	if (bytes.n > TLOG_NOTE_MAX_BYTES) {
		FAIL(e, RC_LIMIT, "note is larger than %d bytes", (int)TLOG_NOTE_MAX_BYTES);
	}
	TRY(check_characters(bytes, e));
	split = find_split(bytes);
	if (split == 0) {
		FAIL(e, RC_INPUT, "note has no empty line before its signatures");
	}
	rest = str_slice(bytes, split + 1, bytes.n);
	if (rest.n == 0 || rest.p[rest.n - 1] != '\n') {
		FAIL(e, RC_INPUT, "note does not end in a signature line");
	}
	while (rest.n > 0) {
		size_t i = ret->n_signatures;

		if (i == TLOG_NOTE_MAX_SIGNATURES) {
			FAIL(e, RC_LIMIT, "note has more than %zu signatures", i);
		}
		TRY(parse_line(str_cut(&rest, '\n'), i + 1, &ret->signatures[i], e));
		ret->n_signatures++;
	}
	ret->text = str_slice(bytes, 0, split);
	return RC_OK;
}

/* What a cosignature signs, into b. */
static enum rc cosigned_text(struct buf *b, struct str text, uint64_t unix_s)
{
	TRY(buf_addf(b, "cosignature/v1\ntime %ju\n", (uintmax_t)unix_s));
	return buf_add(b, text);
}

/* What stands in a cosignature's line. */
static struct tlog_cosignature cosignature_of(const uint8_t raw[COSIGNED_BYTES])
{
	struct reader r = reader_of(str_of(raw + ID_BYTES, 8));
	struct tlog_cosignature c;

	MUST(rd_u64(&r, &c.unix_s)); /* 8 bytes are there */
	memcpy(c.signature, raw + ID_BYTES + 8, sizeof(c.signature));
	return c;
}

enum rc tlog_cosignature_verify(const struct tlog_cosignature *c, struct str text,
				const struct tlog_vkey *key, struct err *e)
{
	AUTO_BUF b = BUF_INIT(TLOG_NOTE_MAX_BYTES + 64);

	if (key->type != TLOG_KEY_COSIGNATURE) {
		FAIL(e, RC_DENIED, "key '%s' is not for cosignatures", key->name);
	}
	if (c->unix_s == 0) {
		FAIL(e, RC_DENIED, "cosignature of '%s' has no time", key->name);
	}
	if (cosigned_text(&b, text, c->unix_s) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory to verify a cosignature");
	}
	if (!key_verifies(key, buf_view(&b), c->signature)) {
		FAIL(e, RC_DENIED, "cosignature of '%s' does not verify", key->name);
	}
	return RC_OK;
}

static enum rc verify_one(const struct tlog_signature *s, const struct tlog_vkey *key,
			  struct str text, struct tlog_verdict *ret, struct err *e)
{
	uint8_t raw[COSIGNED_BYTES];
	struct tlog_cosignature c;

	switch (key->type) {
	case TLOG_KEY_ED25519:
		if (!exact_base64(s->base64, raw, PLAIN_BYTES) ||
		    !key_verifies(key, text, raw + ID_BYTES)) {
			FAIL(e, RC_DENIED, "signature of '%s' does not verify", key->name);
		}
		break;
	case TLOG_KEY_COSIGNATURE:
		if (!exact_base64(s->base64, raw, COSIGNED_BYTES)) {
			FAIL(e, RC_DENIED, "cosignature of '%s' has the wrong length", key->name);
		}
		c = cosignature_of(raw);
		TRY(tlog_cosignature_verify(&c, text, key, e));
		ret->unix_s = c.unix_s;
		break;
	case TLOG_KEY_NONE:
		FAIL(e, RC_DENIED, "key '%s' has no type", key->name);
	}
	ret->is_signed = true;
	return RC_OK;
}

enum rc tlog_note_verify(const struct tlog_note *note, const struct tlog_vkey *keys, size_t n_keys,
			 struct tlog_verdict *verdicts, struct err *e)
{
	bool is_known = false;

	for (size_t k = 0; k < n_keys; k++) {
		struct tlog_verdict verdict = {0};

		for (size_t i = 0; i < note->n_signatures; i++) {
			const struct tlog_signature *s = &note->signatures[i];

			if (s->id == keys[k].id && str_eq(s->name, str_from(keys[k].name))) {
				TRY(verify_one(s, &keys[k], note->text, &verdict, e));
				is_known = true;
			}
		}
		if (verdicts) {
			verdicts[k] = verdict;
		}
	}
	if (!is_known) {
		FAIL(e, RC_DENIED, "note is signed by no known key");
	}
	return RC_OK;
}

static bool has_empty_line(struct str lines)
{
	for (size_t i = 0; i < lines.n; i++) {
		if (lines.p[i] == '\n' && (i == 0 || lines.p[i - 1] == '\n')) {
			return true;
		}
	}
	return lines.n == 0;
}

enum rc tlog_cosignature_find(struct str lines, struct str text, const struct tlog_vkey *key,
			      struct tlog_cosignature *ret, struct err *e)
{
	AUTO_BUF whole = BUF_INIT(TLOG_NOTE_MAX_BYTES);
	uint8_t raw[COSIGNED_BYTES];
	struct tlog_note note;

	/* An empty line among them would make signatures of an earlier text out of these. */
	if (has_empty_line(lines)) {
		FAIL(e, RC_INPUT, "signature lines with an empty one among them");
	}
	if (buf_add(&whole, text) != RC_OK || buf_add_char(&whole, '\n') != RC_OK ||
	    buf_add(&whole, lines) != RC_OK) {
		FAIL(e, RC_LIMIT, "signature lines of %zu bytes are too long", lines.n);
	}
	TRY(tlog_note_parse(buf_view(&whole), &note, e));
	for (size_t i = 0; i < note.n_signatures; i++) {
		const struct tlog_signature *s = &note.signatures[i];
		struct tlog_cosignature c;

		if (s->id != key->id || !str_eq(s->name, str_from(key->name))) {
			continue;
		}
		if (!exact_base64(s->base64, raw, COSIGNED_BYTES)) {
			FAIL(e, RC_DENIED, "cosignature of '%s' has the wrong length", key->name);
		}
		c = cosignature_of(raw);
		TRY(tlog_cosignature_verify(&c, text, key, e));
		*ret = c;
		return RC_OK;
	}
	FAIL(e, RC_DENIED, "no cosignature of '%s'", key->name);
}

/* One line of `id || more` for key; all or nothing. */
static enum rc add_line(struct buf *b, const struct tlog_vkey *key, struct str more, struct err *e)
{
	AUTO_BUF raw = BUF_INIT(COSIGNED_BYTES);
	AUTO_BUF line = BUF_INIT(1024);

	if (buf_add_u32(&raw, key->id) != RC_OK || buf_add(&raw, more) != RC_OK ||
	    buf_add(&line, DASH) != RC_OK || buf_addf(&line, "%s ", key->name) != RC_OK ||
	    base64_encode(&line, buf_view(&raw)) != RC_OK || buf_add_char(&line, '\n') != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a signature line");
	}
	if (buf_add(b, buf_view(&line)) != RC_OK) {
		FAIL(e, RC_LIMIT, "no room for a signature line");
	}
	return RC_OK;
}

enum rc tlog_note_add_signature(struct buf *b, const struct tlog_vkey *key,
				const uint8_t signature[64], struct err *e)
{
	if (key->type != TLOG_KEY_ED25519) {
		FAIL(e, RC_INPUT, "key '%s' is not for plain signatures", key->name);
	}
	return add_line(b, key, str_of(signature, 64), e);
}

enum rc tlog_note_sign(struct buf *b, struct str text, const struct tlog_vkey *key,
		       const uint8_t seed[32], struct err *e)
{
	uint8_t signature[64];

	if (text.n == 0 || text.p[text.n - 1] != '\n') {
		FAIL(e, RC_INPUT, "text of a note must end in a newline");
	}
	TRY(check_characters(text, e));
	TRY(tlog_sign(text, seed, signature, e));
	if (buf_add(b, text) != RC_OK || buf_add_char(b, '\n') != RC_OK) {
		FAIL(e, RC_LIMIT, "no room for a note");
	}
	return tlog_note_add_signature(b, key, signature, e);
}

enum rc tlog_note_add_cosignature(struct buf *b, const struct tlog_vkey *key,
				  const struct tlog_cosignature *c, struct err *e)
{
	AUTO_BUF more = BUF_INIT(72);

	if (key->type != TLOG_KEY_COSIGNATURE) {
		FAIL(e, RC_INPUT, "key '%s' is not for cosignatures", key->name);
	}
	if (buf_add_u64(&more, c->unix_s) != RC_OK ||
	    buf_add(&more, str_of(c->signature, sizeof(c->signature))) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a cosignature");
	}
	return add_line(b, key, buf_view(&more), e);
}

enum rc tlog_note_cosign(struct buf *b, struct str text, const struct tlog_vkey *key,
			 const uint8_t seed[32], uint64_t unix_s, struct err *e)
{
	AUTO_BUF message = BUF_INIT(TLOG_NOTE_MAX_BYTES + 64);
	struct tlog_cosignature c = {.unix_s = unix_s};

	if (key->type != TLOG_KEY_COSIGNATURE || unix_s == 0) {
		FAIL(e, RC_INPUT, "key '%s' is not for cosignatures, or there is no time",
		     key->name);
	}
	TRY(check_characters(text, e));
	if (cosigned_text(&message, text, unix_s) != RC_OK) {
		FAIL(e, RC_LIMIT, "text is too long to cosign");
	}
	TRY(tlog_sign(buf_view(&message), seed, c.signature, e));
	return tlog_note_add_cosignature(b, key, &c, e);
}
