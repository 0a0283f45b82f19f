/* SPDX-License-Identifier: Apache-2.0 */
/* cli/log_witness.c - checkpoints with cosignatures, from files alone. */
#include "cli/log_witness.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"

/* The newest checkpoint that a quorum cosigned, beside the one published last
 * (docs/formats/witness.md). */
static const char WITNESSED[] = "checkpoint.witnessed";

enum { PATH_BYTES = 4096 };

enum rc log_read_policy(const char *path, struct tlog_policy **ret, struct err *e)
{
	AUTO_BUF text = BUF_INIT(TLOG_POLICY_MAX_BYTES);
	struct err why = ERR_INIT;
	enum rc rc;

	TRY(file_read(path, &text, e));
	rc = tlog_policy_parse(buf_view(&text), ret, &why);
	if (rc != RC_OK) {
		FAIL(e, rc, "%s:%s", path, why.msg);
	}
	return RC_OK;
}

enum rc log_policy_key(const struct tlog_policy *p, struct str origin, struct tlog_vkey *ret,
		       struct err *e)
{
	for (size_t i = 0; i < tlog_policy_logs(p); i++) {
		if (str_eq(origin, str_from(tlog_policy_log(p, i)->name))) {
			*ret = *tlog_policy_log(p, i);
			return RC_OK;
		}
	}
	FAIL(e, RC_DENIED, "the policy knows no log '" STR_FMT "'",
	     STR_ARG(str_slice(origin, 0, 64)));
}

enum rc log_read_witnessed(const char *log, struct buf *note, struct err *e)
{
	char path[PATH_BYTES];
	struct err why = ERR_INIT;
	int n = snprintf(path, sizeof(path), "%s/%s", log, WITNESSED);
	enum rc rc;

	if (n < 0 || (size_t)n >= sizeof(path)) {
		FAIL(e, RC_INPUT, "the log's path is too long");
	}
	rc = file_read(path, note, &why);
	if (rc != RC_OK && rc != RC_ABSENT) {
		FAIL(e, rc, "%s", why.msg);
	}
	return RC_OK;
}

PRINTF_LIKE(3, 4)
static void add_fault(struct tlog_report *report, const char *file, const char *fmt, ...)
{
	struct tlog_fault *f;
	va_list ap;

	if (report->n_faults++ >= TLOG_FAULTS) {
		return;
	}
	f = &report->faults[report->n_faults - 1];
	*f = (struct tlog_fault){.index = UINT64_MAX};
	(void)snprintf(f->file, sizeof(f->file), "%s", file); /* names of ours fit */
	va_start(ap, fmt);
	(void)vsnprintf(f->what, sizeof(f->what), fmt, ap); /* a cut text is still a fault */
	va_end(ap);
}

/* Is root that of the first size leaves? */
static bool has_root(struct tlog_dir *d, uint64_t size, const struct tlog_hash *root)
{
	AUTO_TLOG_HASHER h = tlog_hasher_new();
	struct tlog_nodes nodes = tlog_dir_nodes(d);
	struct tlog_hash got;

	return h && tlog_root_at(h, &nodes, size, &got, NULL) == RC_OK && tlog_hash_eq(&got, root);
}

/* Was it signed by the log, and is it the beginning of what is published? */
static bool is_beginning(struct tlog_dir *d, struct str note, const struct tlog_vkey *key,
			 struct tlog_report *report)
{
	struct tlog_checkpoint c;
	struct err e = ERR_INIT;

	if (tlog_checkpoint_open(note, key, &c, &e) != RC_OK) {
		add_fault(report, WITNESSED, "%s", e.msg);
		return false;
	}
	if (c.size > report->size) {
		add_fault(
		    report, WITNESSED,
		    "%ju leaves were witnessed, and the published checkpoint has %ju: the log "
		    "was put back",
		    (uintmax_t)c.size, (uintmax_t)report->size);
		return false;
	}
	if (!has_root(d, c.size, &c.root)) {
		add_fault(report, WITNESSED,
			  "the tree of %ju leaves that was witnessed is not the beginning of the "
			  "published one",
			  (uintmax_t)c.size);
		return false;
	}
	return true;
}

/* Does the policy accept the checkpoint that is published now? It may have grown since the report;
 * then what was verified must be its beginning. */
static enum rc accept_newest(struct tlog_dir *d, const struct tlog_vkey *key,
			     const struct tlog_policy *policy, const struct tlog_report *report,
			     struct log_witnessed *ret, struct err *e)
{
	AUTO_BUF newest = BUF_INIT(TLOG_NOTE_MAX_BYTES);
	struct tlog_checkpoint c;

	TRY(tlog_dir_read_checkpoint(d, &newest, e));
	TRY(tlog_policy_check(policy, buf_view(&newest), key, &c, &ret->by, e));
	tlog_dir_set_size(d, c.size);
	if (c.size < report->size || !has_root(d, c.size, &c.root) ||
	    !has_root(d, report->size, &report->root)) {
		FAIL(e, RC_BROKEN,
		     "the checkpoint is of another tree than the one that was verified");
	}
	ret->size = report->size;
	return RC_OK;
}

void log_check_witnessed(struct tlog_dir *d, struct str witnessed, const struct tlog_vkey *key,
			 const struct tlog_policy *policy, struct tlog_report *report,
			 struct log_witnessed *ret)
{
	struct tlog_checkpoint c;
	struct err why = ERR_INIT;
	bool has_witnessed;
	enum rc rc;

	*ret = (struct log_witnessed){.policy = policy};
	tlog_dir_set_size(d, report->size);
	has_witnessed = witnessed.n > 0 && is_beginning(d, witnessed, key, report);
	if (!policy) {
		return;
	}
	rc = accept_newest(d, key, policy, report, ret, &why);
	if (rc != RC_OK && has_witnessed) {
		rc = tlog_policy_check(policy, witnessed, key, &c, &ret->by, &why);
		ret->size = rc == RC_OK ? c.size : 0;
	}
	if (rc != RC_OK && report->n_faults == 0) {
		add_fault(report, has_witnessed ? WITNESSED : "checkpoint", "%s", why.msg);
	}
}

enum rc log_best_note(const char *log, const struct tlog_vkey *key, uint64_t index,
		      struct buf *note, struct tlog_checkpoint *c, struct err *e)
{
	AUTO_BUF witnessed = BUF_INIT(TLOG_NOTE_MAX_BYTES);
	struct tlog_checkpoint found;
	enum rc rc;

	TRY(log_read_witnessed(log, &witnessed, e));
	if (witnessed.n == 0) {
		return RC_OK;
	}
	rc = tlog_checkpoint_open(buf_view(&witnessed), key, &found, e);
	if (rc != RC_OK) {
		return err_wrap(e, rc, "%s", WITNESSED);
	}
	if (index >= found.size || found.size > c->size) {
		return RC_OK;
	}
	buf_reset(note);
	if (buf_add(note, buf_view(&witnessed)) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a checkpoint");
	}
	c->size = found.size;
	c->root = found.root;
	return RC_OK;
}

/* ---- Words ---- */

static void time_text(uint64_t unix_s, char out[32])
{
	time_t t = (time_t)unix_s;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
		(void)snprintf(out, 32, "?"); /* fits */
	}
}

void log_witnessed_json(const struct log_witnessed *w, struct json_out *out)
{
	if (!w->policy) {
		return;
	}
	json_out_key(out, STR("witnessed"));
	json_out_object(out);
	json_out_key_u64(out, "size", w->size);
	json_out_key(out, STR("by"));
	json_out_array(out);
	for (size_t i = 0; i < tlog_policy_witnesses(w->policy); i++) {
		if (w->by.by[i].is_signed) {
			json_out_object(out);
			json_out_key_str(out, "witness", tlog_policy_witness(w->policy, i)->name);
			json_out_key_u64(out, "time", w->by.by[i].unix_s);
			json_out_close(out);
		}
	}
	json_out_close(out);
	json_out_close(out);
}

enum rc log_witnessed_text(const struct log_witnessed *w, uint64_t size, struct buf *out)
{
	if (!w->policy || w->size == 0) {
		return RC_OK;
	}
	TRY(buf_addf(out, "witnessed: %s%llu leaves", w->size == size ? "all " : "the first ",
		     (unsigned long long)w->size));
	for (size_t i = 0; i < tlog_policy_witnesses(w->policy); i++) {
		char when[32];

		if (w->by.by[i].is_signed) {
			time_text(w->by.by[i].unix_s, when);
			TRY(buf_addf(out, ", by " STR_FMT " as of %s",
				     STR_ARG(tlog_policy_witness(w->policy, i)->name), when));
		}
	}
	return buf_add_char(out, '\n');
}
