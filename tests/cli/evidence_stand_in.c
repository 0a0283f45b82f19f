/* SPDX-License-Identifier: Apache-2.0 */
/* tests/cli/evidence_stand_in.c - what remit evidence talks to, for scripts:
 *
 *	evidence-stand-in DIR [--without-evidence]
 *
 * Makes a log in DIR/log (key in DIR/log.vkey) with one item of evidence, e5, and a remediation
 * that cites it (or, with --without-evidence, does not), says "ready", and answers requests on
 * DIR/people.sock as Remit does until it is killed. An export is put into the log.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <tlog.h>

#include "base/file.h"
#include "base/num.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "core/leaf.h"

enum { ARTEFACT_BYTES = 150000, PIECE_BYTES = 65536 };

static const uint8_t seed[32] = {9};
static const uint8_t salt[32] = {1, 2, 3};
static uint8_t artefact[ARTEFACT_BYTES];
static char artefact_hex[65];
static struct tlog_vkey key;
static char log_dir[4096];
static uint64_t n_leaves;
static uint64_t last_event;
static uint64_t n_events;

static const struct str targets[] = {{"host:db1", 8}};
static const struct str kinds[] = {{"memory", 6}};
static const struct str cited[] = {{"e5", 2}};

static enum rc add(struct tlog_writer *w, struct leaf l, struct err *e)
{
	AUTO_BUF bytes = BUF_INIT(32768);

	l.t = 1764000000000 + n_leaves++ * 1000;
	TRY(leaf_encode(&bytes, &l, e));
	return tlog_writer_append(w, buf_view(&bytes), e);
}

static enum rc publish(struct tlog_writer *w, struct err *e)
{
	AUTO_BUF text = BUF_INIT(1024);
	AUTO_BUF note = BUF_INIT(4096);
	struct tlog_checkpoint c = {.origin = str_from(key.name), .size = n_leaves};

	TRY(tlog_writer_flush(w, &c.root, e));
	TRY(tlog_checkpoint_print(&c, &text, e));
	TRY(tlog_note_sign(&note, buf_view(&text), &key, seed, e));
	return tlog_writer_publish(w, buf_view(&note), &key, e);
}

static void hex_of(const uint8_t *p, char out[65])
{
	for (int i = 0; i < 32; i++) {
		(void)snprintf(out + 2 * i, 3, "%02x", p[i]);
	}
}

static enum rc write_log(struct tlog_writer *w, bool without_evidence, struct err *e)
{
	struct leaf captured = {.kind = LEAF_EVIDENCE_CAPTURED,
				.evidence_captured = {.incident = 1,
						      .task = 2,
						      .call = 3,
						      .kind = kinds[0],
						      .targets = {targets, 1},
						      .object = {{1}},
						      .size = ARTEFACT_BYTES,
						      .stored_size = ARTEFACT_BYTES + 80,
						      .key = 4,
						      .mode = STR("governance"),
						      .keep_until = 1765000000000}};
	struct leaf reimage = {.kind = LEAF_CALL_DECIDED,
			       .call_decided = {.task = 2,
						.purpose = STR("agent"),
						.tool = STR("edr___reimage"),
						.effect = STR("destroy"),
						.targets = {targets, 1},
						.verdict = STR("allow"),
						.reason = STR("allowed"),
						.requires = {kinds, 1},
						.preserved = {cited, without_evidence ? 0 : 1}}};
	struct leaf read = {.kind = LEAF_CALL_DECIDED,
			    .call_decided = {.task = 2,
					     .purpose = STR("agent"),
					     .tool = STR("edr___dump"),
					     .effect = STR("read"),
					     .targets = {targets, 1},
					     .verdict = STR("allow"),
					     .reason = STR("allowed")}};

	HMAC(EVP_sha256(), salt, sizeof(salt), (const uint8_t *)artefact_hex, 64,
	     captured.evidence_captured.plain.bytes, NULL);
	TRY(add(w, (struct leaf){.kind = LEAF_LOG_OPENED, .log_opened = {.origin = STR("x")}}, e));
	TRY(add(w, (struct leaf){.kind = LEAF_INCIDENT_OPENED, .incident_opened = {.severity = 2}},
		e));
	TRY(add(w, (struct leaf){.kind = LEAF_TASK_OPENED, .task_opened = {.incident = 1}}, e));
	TRY(add(w, read, e));
	TRY(add(w,
		(struct leaf){.kind = LEAF_CALL_COMPLETED,
			      .call_completed = {.call = 3, .kind = STR("ok")}},
		e));
	TRY(add(w, captured, e));
	TRY(add(w, reimage, e));
	last_event = 5;
	n_events = 1;
	return publish(w, e);
}

static enum rc add_event(struct tlog_writer *w, struct leaf_evidence_custody c, struct err *e)
{
	struct leaf l = {.kind = LEAF_EVIDENCE_CUSTODY, .evidence_custody = c};
	uint64_t ix = n_leaves;

	l.evidence_custody.evidence = 5;
	l.evidence_custody.prior = last_event;
	l.evidence_custody.nth = ++n_events;
	l.evidence_custody.by = STR("alice");
	TRY(add(w, l, e));
	last_event = ix;
	return publish(w, e);
}

/* ---- answers ---- */

static void item(struct json_out *w)
{
	json_out_object(w);
	json_out_key_str(w, "id", STR("e5"));
	json_out_key_str(w, "state", STR("kept"));
	json_out_key_str(w, "kind", STR("memory"));
	json_out_key_u64(w, "last_leaf", last_event);
	json_out_close(w);
}

static enum rc piece(struct tlog_writer *log, const struct json *body, struct json_out *w,
		     struct err *e)
{
	AUTO_BUF text = BUF_INIT(2 * PIECE_BYTES);
	char hex[65];
	uint64_t n = 0;
	size_t at;

	if (!json_u64(json_get(body, STR("piece")), &n) || n * PIECE_BYTES >= ARTEFACT_BYTES) {
		FAIL(e, RC_INPUT, "no such piece");
	}
	if (n == 0) {
		TRY(add_event(log, (struct leaf_evidence_custody){.event = STR("read")}, e));
	}
	at = (size_t)n * PIECE_BYTES;
	TRY(base64_encode(&text, str_of(artefact + at, ARTEFACT_BYTES - at < PIECE_BYTES
							   ? ARTEFACT_BYTES - at
							   : PIECE_BYTES)));
	hex_of(salt, hex);
	json_out_object(w);
	json_out_key_bool(w, "more", at + PIECE_BYTES < ARTEFACT_BYTES);
	json_out_key_str(w, "sha256", str_from(artefact_hex));
	json_out_key_str(w, "salt", str_from(hex));
	json_out_key_str(w, "bytes", buf_view(&text));
	json_out_close(w);
	return RC_OK;
}

static enum rc exported(struct tlog_writer *log, const struct json *body, struct json_out *w,
			struct err *e)
{
	struct leaf_evidence_custody c = {.event = STR("exported")};
	struct str manifest = STR("");

	if (!json_str(json_get(body, STR("manifest")), &manifest) ||
	    !num_hex(manifest, c.manifest.bytes, 32)) {
		FAIL(e, RC_INPUT, "no manifest");
	}
	TRY(add_event(log, c, e));
	json_out_object(w);
	json_out_close(w);
	return RC_OK;
}

static enum rc answer(struct tlog_writer *log, struct str path, const struct json *body,
		      struct json_out *w, struct err *e)
{
	if (str_eq(path, STR("/v1/evidence?incident=i1")) || str_eq(path, STR("/v1/evidence"))) {
		json_out_object(w);
		json_out_key(w, STR("evidence"));
		json_out_array(w);
		item(w);
		json_out_close(w);
		json_out_key_u64(w, "not_shown", 0);
		json_out_close(w);
		return RC_OK;
	}
	if (str_eq(path, STR("/v1/evidence/e5"))) {
		item(w);
		return RC_OK;
	}
	if (str_eq(path, STR("/v1/evidence/e5/read"))) {
		return piece(log, body, w, e);
	}
	if (str_eq(path, STR("/v1/evidence/e5/exported"))) {
		return exported(log, body, w, e);
	}
	if (str_eq(path, STR("/v1/evidence/e5/verify"))) {
		json_out_object(w);
		json_out_key_bool(w, "holds", true);
		json_out_close(w);
		return RC_OK;
	}
	FAIL(e, RC_ABSENT, "there is no such path");
}

/* ---- requests ---- */

/* Head and body of one request; the client sends it whole. */
static enum rc read_request(int fd, struct buf *in, struct str *path, struct str *body,
			    struct err *e)
{
	const char *head_end = NULL;
	const char *length;
	size_t want = 0;
	struct str line;

	while (!head_end || in->n < (size_t)(head_end - in->p) + 4 + want) {
		ssize_t got;

		TRY(buf_reserve(in, 4096));
		got = read(fd, in->p + in->n, 4096);
		if (got <= 0) {
			return err_set_sys(e, RC_IO, __func__, "no request");
		}
		in->n += (size_t)got;
		head_end = memmem(in->p, in->n, "\r\n\r\n", 4);
		length = head_end ? memmem(in->p, (size_t)(head_end - in->p), "ontent-", 7) : NULL;
		while (length && strncasecmp(length, "ontent-length: ", 15) != 0) {
			length = memmem(length + 1, (size_t)(head_end - length - 1), "ontent-", 7);
		}
		want = length ? strtoul(length + 15, NULL, 10) : 0;
	}
	*body = str_of(head_end + 4, want);
	line = str_of(in->p, in->n);
	(void)str_cut(&line, ' ');
	*path = str_cut(&line, ' ');
	return RC_OK;
}

static enum rc serve(int fd, struct tlog_writer *log, struct err *e)
{
	AUTO_BUF in = BUF_INIT(1 << 20);
	AUTO_BUF out = BUF_INIT(1 << 20);
	AUTO_BUF head = BUF_INIT(1024);
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	struct json_out w = json_out_to(&out);
	const struct json *json = NULL;
	struct err why = ERR_INIT;
	struct str path;
	struct str body;
	unsigned status = 200;

	TRY(read_request(fd, &in, &path, &body, e));
	if (body.n) {
		TRY(json_parse(&arena, body, NULL, &json, e));
	}
	if (answer(log, path, json, &w, &why) != RC_OK || json_out_end(&w, &why) != RC_OK) {
		status = (unsigned)rc_http_status(why.code);
		buf_reset(&out);
		TRY(buf_addf(&out, "{\"error\":{\"code\":\"x\",\"message\":\"%s\"}}", why.msg));
	}
	TRY(buf_addf(&head,
		     "HTTP/1.1 %u X\r\nContent-Type: application/json\r\nContent-Length: "
		     "%zu\r\nConnection: close\r\n\r\n",
		     status, out.n));
	TRY(file_write_all(fd, buf_view(&head), e));
	return file_write_all(fd, buf_view(&out), e);
}

static enum rc listen_at(const char *path, int *ret, struct err *e)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(at.sun_path)) {
		FAIL(e, RC_INPUT, "too long a path: '%s'", path);
	}
	memcpy(at.sun_path, path, strlen(path) + 1);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 8) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot listen at '%s'", path);
	}
	*ret = fd;
	return RC_OK;
}

static enum rc run(int argc, char **argv, struct err *e)
{
	AUTO_TLOG_WRITER w = NULL;
	AUTO_BUF vkey = BUF_INIT(1024);
	uint8_t sha256[32];
	char path[4096];
	int fd;

	if (argc < 2) {
		FAIL(e, RC_INPUT, "usage: evidence-stand-in DIR [--without-evidence]");
	}
	for (size_t i = 0; i < ARTEFACT_BYTES; i++) {
		artefact[i] = (uint8_t)(i * 7 + i / 300);
	}
	SHA256(artefact, ARTEFACT_BYTES, sha256);
	hex_of(sha256, artefact_hex);
	TRY(tlog_vkey_from_seed(&key, STR("test.example/evidence"), TLOG_KEY_ED25519, seed, e));
	TRY(tlog_vkey_print(&key, &vkey));
	TRY(buf_add_char(&vkey, '\n'));
	(void)snprintf(path, sizeof(path), "%s/log.vkey", argv[1]);
	TRY(file_replace(path, buf_view(&vkey), 0644, e));
	(void)snprintf(log_dir, sizeof(log_dir), "%s/log", argv[1]);
	TRY(file_mkdirs(log_dir, 0755, e));
	TRY(tlog_writer_open(log_dir, 0, &w, e));
	TRY(write_log(w, argc > 2, e));
	(void)snprintf(path, sizeof(path), "%s/people.sock", argv[1]);
	TRY(listen_at(path, &fd, e));
	(void)puts("ready");
	(void)fflush(stdout);
	for (;;) {
		int one = accept(fd, NULL, NULL);

		if (one < 0 || serve(one, w, e) != RC_OK) {
			fprintf(stderr, "stand-in: %s\n", e->msg);
		}
		file_close(one);
	}
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;

	(void)alarm(100);
	if (run(argc, argv, &e) != RC_OK) {
		fprintf(stderr, "evidence-stand-in: %s\n", e.msg);
		return 99;
	}
	return 0;
}
