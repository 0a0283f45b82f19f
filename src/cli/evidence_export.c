/* SPDX-License-Identifier: Apache-2.0 */
/* cli/evidence_export.c - remit evidence export: a bag that a stranger can check.
 *
 * Holds: (1) the payload is complete and its manifest's digest is in the log before the bag is
 *            finished: what was handed over is on the record.
 *        (2) everything in the bag that the log says comes with its leaf and a receipt under one
 *            signed checkpoint.
 */
#include "cli/evidence.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <tlog.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/bag.h"
#include "cli/evidence_ask.h"
#include "cli/log_files.h"
#include "codec/base64.h"
#include "core/leaf.h"

enum { NAME_BYTES = 128, WAIT_MS = 200, WAITS = 150, EVENTS_MAX = 1 << 20, ED25519_BYTES = 32 };

/* docs/formats/bag.md says it in words. Each command is one line that begins with four blanks; a
 * test runs them. */
static const char verify_text[] =
    "This bag (BagIt 1.0) was made by remit evidence export. Five commands check it, with nothing\n"
    "but Debian's coreutils, openssl, grep, sed and xxd; run them in this directory, in bash. "
    "Each\n"
    "prints lines that begin with \"ok\"; one that begins with \"WRONG\" means what it says.\n"
    "\n"
    "1. Nothing was changed, nothing is missing.\n"
    "\n"
    "    sha256sum --strict --quiet -c manifest-sha256.txt tagmanifest-sha256.txt && echo \"ok: "
    "the bag is whole\" || echo \"WRONG: the bag was changed\"\n"
    "\n"
    "2. The log's key. Compare the line that is printed with the key that the log's operator gave\n"
    "   you by a way that you trust; the signature of the checkpoint is checked with it.\n"
    "\n"
    "    [ \"$(openssl pkey -pubin -in log/key.pem -outform DER | tail -c 32 | base64)\" = \"$(cut "
    "-d+ -f3- log/key.vkey | base64 -d | tail -c 32 | base64)\" ] && openssl pkeyutl -verify "
    "-pubin -inkey log/key.pem -rawin -in log/checkpoint.text -sigfile log/checkpoint.signature "
    ">/dev/null && echo \"ok: signed with $(cat log/key.vkey)\" || echo \"WRONG: the checkpoint "
    "was not signed with the key\"\n"
    "\n"
    "3. Every leaf is in the log that was signed. (log/paths.sh is thirty lines; read it.)\n"
    "\n"
    "    bash log/paths.sh\n"
    "\n"
    "4. The custody of each item is a chain without a gap, from its capture to this export.\n"
    "\n"
    "    for d in log/e*; do p=; for f in $(ls -v $d/*.leaf); do q=$(grep -o '\"prior\":[0-9]*' $f "
    "| cut -d: -f2); [ \"$q\" = \"$p\" ] || echo \"WRONG: $f does not follow $p\"; p=$(basename $f "
    ".leaf); done; grep -q '\"type\":\"evidence.captured\"' $(ls -v $d/*.leaf | head -1) && grep "
    "-lq \"$(sha256sum < manifest-sha256.txt | cut -c1-64)\" $d/*.leaf && echo \"ok: $d has $(ls "
    "$d/*.leaf | wc -l) events, this export among them\" || echo \"WRONG: $d does not say that "
    "this "
    "bag was made\"; done\n"
    "\n"
    "5. Each artefact is the one that was captured: the leaf commits to its digest.\n"
    "\n"
    "    for d in data/e*; do c=$(ls -v log/${d#data/}/*.leaf | head -1); [ \"$(sha256sum < "
    "$d/artefact | cut -c1-64 | tr -d '\\n' | openssl dgst -sha256 -mac HMAC -macopt hexkey:$(cat "
    "$d/salt) -r | cut -c1-64)\" = \"$(grep -o '\"plain\":\"[0-9a-f]*' $c | cut -d'\"' -f4)\" ] && "
    "echo \"ok: $d/artefact is what leaf $(basename $c .leaf) says\" || echo \"WRONG: $d/artefact "
    "is not what was captured\"; done\n"
    "\n"
    "What a leaf's members mean is in docs/formats/leaves.md of Remit; what this shows and what "
    "not\n"
    "is in docs/formats/bag.md.\n";

static const char paths_text[] =
    "#!/bin/bash\n"
    "# Follows each leaf's path to the signed root (RFC 6962 section 2.1; the receipts are C2SP\n"
    "# tlog-proof). The hash of a leaf is SHA-256 over a zero byte and the leaf, of a node over a\n"
    "# one byte and the hashes below it.\n"
    "set -u\n"
    "name=$(sed -n 1p log/checkpoint.text)\n"
    "size=$(sed -n 2p log/checkpoint.text)\n"
    "root=$(sed -n 3p log/checkpoint.text | base64 -d | xxd -p -c 32)\n"
    "node() { printf '01%s%s' \"$1\" \"$2\" | xxd -r -p | sha256sum | cut -d' ' -f1; }\n"
    "for leaf in log/e*/*.leaf; do\n"
    "\treceipt=${leaf%.leaf}.proof\n"
    "\tindex=$(sed -n 's/^index //p' \"$receipt\")\n"
    "\thash=$({ printf '\\0'; cat \"$leaf\"; } | sha256sum | cut -d' ' -f1)\n"
    "\there=$index\n"
    "\tlast=$((size - 1))\n"
    "\tfor beside in $(sed -n '/^index /,/^$/p' \"$receipt\" | sed '1d;/^$/d'); do\n"
    "\t\tbeside=$(printf '%s' \"$beside\" | base64 -d | xxd -p -c 32)\n"
    "\t\twhile [ $((here % 2)) = 0 ] && [ $here = $last ] && [ $last -gt 0 ]; do\n"
    "\t\t\there=$((here / 2)) last=$((last / 2))\n"
    "\t\tdone\n"
    "\t\tif [ $((here % 2)) = 1 ]; then\n"
    "\t\t\thash=$(node $beside $hash)\n"
    "\t\telse\n"
    "\t\t\thash=$(node $hash $beside)\n"
    "\t\tfi\n"
    "\t\there=$((here / 2)) last=$((last / 2))\n"
    "\tdone\n"
    "\tif [ \"$hash\" = \"$root\" ] && [ \"$index\" = \"$(basename \"$leaf\" .leaf)\" ] &&\n"
    "\t\t[ \"$index\" -lt \"$size\" ]; then\n"
    "\t\techo \"ok: leaf $index is in the tree of $size leaves of $name\"\n"
    "\telse\n"
    "\t\techo \"WRONG: $leaf is not in the tree\"\n"
    "\tfi\n"
    "done\n";

struct export
{
	const struct evidence_options *o;
	struct bag *bag;
	struct str *ids;
	size_t n_ids;
	struct tlog_vkey key;
};

/* ---- the payload ---- */

static void name_in(char out[NAME_BYTES], struct str id, const char *name)
{
	(void)snprintf(out, NAME_BYTES, STR_FMT "/%s", STR_ARG(id), name); /* both are short */
}

static enum rc add_file(struct export *x, struct str id, const char *name, struct str bytes,
			struct err *e)
{
	char path[NAME_BYTES];

	name_in(path, id, name);
	TRY(bag_begin(x->bag, path, e));
	TRY(bag_write(x->bag, bytes, e));
	return bag_end(x->bag, NULL, e);
}

static enum rc ask_piece(const struct export *x, struct str id, uint64_t piece, struct arena *arena,
			 const struct json **ret, struct err *e)
{
	AUTO_BUF path = BUF_INIT(256);
	AUTO_BUF body = BUF_INIT(2 * LIMIT_TEXT_BYTES);
	struct json_out w = json_out_to(&body);

	TRY(buf_addf(&path, "/v1/evidence/" STR_FMT "/read", STR_ARG(id)));
	json_out_object(&w);
	json_out_key_u64(&w, "piece", piece);
	json_out_key_str(&w, "purpose", str_from(x->o->purpose));
	json_out_close(&w);
	TRY(json_out_end(&w, e));
	return evidence_ask(x->o, "POST", buf_view(&path), buf_view(&body), arena, ret, e);
}

/* One piece into the file; what the first says of the whole goes to said. */
static enum rc copy_piece(struct export *x, struct str id, uint64_t piece, char said[2][65],
			  bool *ret_more, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(8 << 20);
	AUTO_BUF bytes = BUF_INIT(LIMIT_OBJECT_PIECE_BYTES);
	const struct json *answer;
	struct str text = STR("");
	struct str sha256 = STR("");
	struct str salt = STR("");

	TRY(ask_piece(x, id, piece, &arena, &answer, e));
	if (!json_str(json_get(answer, STR("bytes")), &text) ||
	    !json_str(json_get(answer, STR("sha256")), &sha256) || sha256.n != 64 ||
	    !json_str(json_get(answer, STR("salt")), &salt) || salt.n != 64 ||
	    !json_bool(json_get(answer, STR("more")), ret_more) ||
	    base64_decode(&bytes, text) != RC_OK) {
		FAIL(e, RC_BROKEN, "Remit's answer is no piece of evidence");
	}
	(void)snprintf(said[0], 65, STR_FMT, STR_ARG(sha256));
	(void)snprintf(said[1], 65, STR_FMT, STR_ARG(salt));
	return bag_write(x->bag, buf_view(&bytes), e);
}

static enum rc add_artefact(struct export *x, struct str id, struct err *e)
{
	char path[NAME_BYTES];
	char said[2][65] = {"", ""}; /* digest, salt */
	char sha256[65];
	bool more = true;

	name_in(path, id, "artefact");
	TRY(bag_begin(x->bag, path, e));
	for (uint64_t piece = 0; more; piece++) {
		TRY(copy_piece(x, id, piece, said, &more, e));
	}
	TRY(bag_end(x->bag, sha256, e));
	if (strcmp(sha256, said[0]) != 0) {
		FAIL(e, RC_BROKEN, STR_FMT " is not what Remit says it is", STR_ARG(id));
	}
	return add_file(x, id, "salt", str_from(said[1]), e);
}

static enum rc ask_item(const struct export *x, struct str id, struct arena *arena,
			const struct json **ret, struct err *e)
{
	AUTO_BUF path = BUF_INIT(256);

	TRY(buf_addf(&path, "/v1/evidence/" STR_FMT, STR_ARG(id)));
	return evidence_ask(x->o, "GET", buf_view(&path), STR(""), arena, ret, e);
}

static enum rc add_item(struct export *x, struct str id, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(8 << 20);
	AUTO_BUF text = BUF_INIT(LIMIT_HTTP_BODY_BYTES + 1);
	const struct json *item;

	TRY(ask_item(x, id, &arena, &item, e));
	TRY(buf_add(&text, item->raw));
	TRY(buf_add_char(&text, '\n'));
	TRY(add_file(x, id, "about.json", buf_view(&text), e));
	return add_artefact(x, id, e);
}

/* ---- on the record ---- */

static enum rc record(const struct export *x, struct str id, const char *manifest, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	AUTO_BUF path = BUF_INIT(256);
	AUTO_BUF body = BUF_INIT(4096);
	struct json_out w = json_out_to(&body);
	const struct json *answer;

	TRY(buf_addf(&path, "/v1/evidence/" STR_FMT "/exported", STR_ARG(id)));
	json_out_object(&w);
	json_out_key_str(&w, "manifest", str_from(manifest));
	json_out_key_str(&w, "to", str_from(x->o->recipient ? x->o->recipient : ""));
	json_out_close(&w);
	TRY(json_out_end(&w, e));
	return evidence_ask(x->o, "POST", buf_view(&path), buf_view(&body), &arena, &answer, e);
}

/* The item's last leaf, with the export among what is before it. */
static enum rc last_leaf(const struct export *x, struct str id, uint64_t *ret, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(8 << 20);
	const struct json *item;

	TRY(ask_item(x, id, &arena, &item, e));
	if (!json_u64(json_get(item, STR("last_leaf")), ret)) {
		FAIL(e, RC_BROKEN, "Remit does not say where the custody of " STR_FMT " ends",
		     STR_ARG(id));
	}
	return RC_OK;
}

/* ---- the log's part ---- */

struct proofs {
	struct tlog_dir *d;
	struct tlog_hasher *h;
	struct tlog_checkpoint checkpoint;
	struct buf note;
};

static void proofs_fini(struct proofs *p)
{
	tlog_dir_free(p->d);
	tlog_hasher_free(p->h);
	buf_fini(&p->note);
}

/* Opens the log once a checkpoint covers that leaf. */
static enum rc wait_for_checkpoint(const struct export *x, uint64_t leaf, struct proofs *p,
				   struct err *e)
{
	const struct timespec pause = {.tv_nsec = WAIT_MS * 1000000};

	for (int i = 0; i < WAITS; i++) {
		tlog_dir_free(TAKE(p->d));
		buf_reset(&p->note);
		TRY(log_open(x->o->log, x->o->key, &p->d, &p->checkpoint, &p->note, e));
		if (p->checkpoint.size > leaf) {
			return RC_OK;
		}
		(void)nanosleep(&pause, NULL); /* shorter is fine */
	}
	FAIL(e, RC_AGAIN, "no signed checkpoint covers leaf %llu yet", (unsigned long long)leaf);
}

static enum rc tag(struct export *x, struct str id, uint64_t ix, const char *suffix,
		   struct str bytes, struct err *e)
{
	char path[NAME_BYTES];

	(void)snprintf(path, sizeof(path), "log/" STR_FMT "/%llu.%s", STR_ARG(id),
		       (unsigned long long)ix, suffix); /* it fits */
	return bag_tag(x->bag, path, bytes, e);
}

/* A leaf with its receipt; where the one before it is, 0 = it is the first. */
static enum rc add_leaf(struct export *x, struct proofs *p, struct str id, uint64_t ix,
			uint64_t *ret_prior, struct err *e)
{
	AUTO_BUF bytes = BUF_INIT(LIMIT_LEAF_BYTES);
	AUTO_BUF receipt = BUF_INIT(131072);
	AUTO_ARENA arena = ARENA_INIT(16 * LIMIT_LEAF_BYTES);
	struct tlog_nodes nodes = tlog_dir_nodes(p->d);
	struct tlog_receipt r = {.index = ix, .checkpoint = buf_view(&p->note)};
	const struct json *leaf;

	TRY(tlog_dir_read_leaf(p->d, ix, &bytes, e));
	TRY(json_parse(&arena, buf_view(&bytes), NULL, &leaf, e));
	if (!json_u64(json_get(leaf, STR("prior")), ret_prior)) {
		*ret_prior = 0;
	}
	TRY(tlog_prove_inclusion(p->h, &nodes, ix, p->checkpoint.size, &r.path, e));
	TRY(tlog_receipt_print(&r, &receipt, e));
	TRY(tag(x, id, ix, "leaf", buf_view(&bytes), e));
	return tag(x, id, ix, "proof", buf_view(&receipt), e);
}

static enum rc add_custody(struct export *x, struct proofs *p, struct str id, uint64_t last,
			   struct err *e)
{
	for (size_t n = 0; last; n++) {
		uint64_t prior;

		if (n == EVENTS_MAX) {
			FAIL(e, RC_LIMIT, "the custody of " STR_FMT " has too many events",
			     STR_ARG(id));
		}
		TRY(add_leaf(x, p, id, last, &prior, e));
		if (prior >= last) {
			FAIL(e, RC_BROKEN, "the custody of " STR_FMT " is no chain", STR_ARG(id));
		}
		last = prior;
	}
	return RC_OK;
}

/* The text that was signed, and the 64 bytes of our signature. */
static enum rc add_checkpoint(struct export *x, const struct proofs *p, struct err *e)
{
	AUTO_BUF prefix = BUF_INIT(1024);
	AUTO_BUF signature = BUF_INIT(256);
	struct str rest = buf_view(&p->note);
	const char *blank = memmem(rest.p, rest.n, "\n\n", 2);
	struct str text = str_of(rest.p, blank ? (size_t)(blank - rest.p) + 1 : 0);

	TRY(buf_addf(&prefix, "\xe2\x80\x94 %s ", x->key.name));
	while (rest.n > 0) {
		struct str line = str_cut(&rest, '\n');

		if (signature.n == 0 && str_has_prefix(line, buf_view(&prefix))) {
			TRY(base64_decode(&signature, str_slice(line, prefix.n, line.n)));
		}
	}
	if (text.n == 0 || signature.n != 4 + 64) {
		FAIL(e, RC_BROKEN, "the checkpoint has no signature of this key");
	}
	TRY(bag_tag(x->bag, "log/checkpoint", buf_view(&p->note), e));
	TRY(bag_tag(x->bag, "log/checkpoint.text", text, e));
	return bag_tag(x->bag, "log/checkpoint.signature",
		       str_slice(buf_view(&signature), 4, signature.n), e);
}

/* The key as a verifier has it, and as openssl reads it. */
static enum rc add_key(struct export *x, struct err *e)
{
	static const uint8_t ed25519[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
					  0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
	AUTO_BUF vkey = BUF_INIT(1024);
	AUTO_BUF der = BUF_INIT(64);
	AUTO_BUF pem = BUF_INIT(512);

	TRY(tlog_vkey_print(&x->key, &vkey));
	TRY(buf_add_char(&vkey, '\n'));
	TRY(buf_add(&der, str_of(ed25519, sizeof(ed25519))));
	TRY(buf_add(&der, str_of(x->key.key, ED25519_BYTES)));
	TRY(buf_add(&pem, STR("-----BEGIN PUBLIC KEY-----\n")));
	TRY(base64_encode(&pem, buf_view(&der)));
	TRY(buf_add(&pem, STR("\n-----END PUBLIC KEY-----\n")));
	TRY(bag_tag(x->bag, "log/key.vkey", buf_view(&vkey), e));
	return bag_tag(x->bag, "log/key.pem", buf_view(&pem), e);
}

/* (2) */
static enum rc add_log(struct export *x, struct err *e)
{
	CLEANUP(proofs_fini) struct proofs p = {.h = tlog_hasher_new(), .note = BUF_INIT(65536)};
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	uint64_t *last = arena_alloc_n(&arena, x->n_ids, sizeof(*last));
	uint64_t newest = 0;

	if (!p.h || !last) {
		FAIL(e, RC_NOMEM, "no memory for receipts");
	}
	for (size_t i = 0; i < x->n_ids; i++) {
		TRY(last_leaf(x, x->ids[i], &last[i], e));
		newest = last[i] > newest ? last[i] : newest;
	}
	TRY(wait_for_checkpoint(x, newest, &p, e));
	for (size_t i = 0; i < x->n_ids; i++) {
		TRY(add_custody(x, &p, x->ids[i], last[i], e));
	}
	TRY(add_checkpoint(x, &p, e));
	return add_key(x, e);
}

/* ---- the bag ---- */

static enum rc add_info(const struct export *x, struct buf *info)
{
	struct clock clock = clock_system();
	time_t now = (time_t)(clock_unix_ms(&clock) / 1000);
	struct tm day;
	char date[16];

	if (!gmtime_r(&now, &day) || strftime(date, sizeof(date), "%Y-%m-%d", &day) == 0) {
		return RC_BROKEN;
	}
	TRY(buf_addf(info, "Bagging-Date: %s\nBag-Software-Agent: remit " REMIT_VERSION "\n",
		     date));
	TRY(buf_addf(info, "External-Description: evidence of the log %s\n", x->key.name));
	for (size_t i = 0; i < x->n_ids; i++) {
		TRY(buf_addf(info, "External-Identifier: " STR_FMT "\n", STR_ARG(x->ids[i])));
	}
	return RC_OK;
}

static enum rc fill(struct export *x, struct err *e)
{
	AUTO_BUF info = BUF_INIT(1 << 20);
	char manifest[65];

	for (size_t i = 0; i < x->n_ids; i++) {
		TRY(add_item(x, x->ids[i], e));
	}
	TRY(bag_seal(x->bag, manifest, e));
	for (size_t i = 0; i < x->n_ids; i++) {
		TRY(record(x, x->ids[i], manifest, e)); /* (1) */
	}
	TRY(add_log(x, e));
	TRY(bag_tag(x->bag, "log/paths.sh", str_from(paths_text), e));
	TRY(bag_tag(x->bag, "VERIFY.txt", str_from(verify_text), e));
	TRY(add_info(x, &info));
	return bag_finish(x->bag, buf_view(&info), e);
}

static enum rc export(const struct evidence_options *o, size_t *ret_n, struct err *e) {
	AUTO_ARENA arena = ARENA_INIT(64 << 20); AUTO_BAG bag = NULL; struct export x = {.o = o};

	TRY(log_read_key(o->log, o->key, &x.key, e));
	TRY(evidence_items(o, &arena, &x.ids, &x.n_ids, e));
	if (x.n_ids == 0){FAIL(e, RC_ABSENT, "there is no evidence");}
TRY(bag_new(o->to, &bag, e));
x.bag = bag;
*ret_n = x.n_ids;
return fill(&x, e);
}

int cli_evidence_export(const struct cli_command *c, int argc, char **argv)
{
	struct evidence_options o = {0};
	AUTO_BUF out = BUF_INIT(8192);
	struct err e = ERR_INIT;
	size_t n = 0;
	int bad = evidence_parse(c, argc, argv, &o);

	if (bad) {
		return bad;
	}
	if (o.n_ids == 0 || !o.to || !o.purpose) {
		return cli_misuse(c, "which items, --to which directory, for what --purpose?");
	}
	if (!o.log) {
		return cli_misuse(c,
				  "which log? --log DIRECTORY (or REMIT_LOG in the environment)");
	}
	if (export(&o, &n, &e) != RC_OK) {
		return cli_fail(c, &e);
	}
	if (buf_addf(&out, "%zu item%s in '%s'; VERIFY.txt there says how to check them\n", n,
		     n == 1 ? "" : "s", o.to) != RC_OK) {
		return rc_exit_status(RC_LIMIT);
	}
	return cli_print(buf_view(&out));
}
