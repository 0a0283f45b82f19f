/* SPDX-License-Identifier: Apache-2.0 */
/* cli/evidence.c - remit evidence verify and audit. */
#include "cli/evidence.h"

#include <stdio.h>

#include "base/limits.h"
#include "cli/evidence_ask.h"
#include "cli/log_files.h"
#include "core/evidence_audit.h"

/* ---- verify ---- */

static enum rc verify_one(const struct evidence_options *o, struct str id, struct buf *out,
			  bool *ret_holds, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(4 << 20);
	AUTO_BUF path = BUF_INIT(256);
	const struct json *answer;
	struct str detail;

	TRY(buf_addf(&path, "/v1/evidence/" STR_FMT "/verify", STR_ARG(id)));
	TRY(evidence_ask(o, "POST", buf_view(&path), STR("{}"), &arena, &answer, e));
	if (!json_bool(json_get(answer, STR("holds")), ret_holds)) {
		FAIL(e, RC_BROKEN, "Remit does not say whether " STR_FMT " holds", STR_ARG(id));
	}
	if (*ret_holds) {
		return buf_addf(out, STR_FMT " holds\n", STR_ARG(id));
	}
	if (!json_str(json_get(answer, STR("detail")), &detail)) {
		detail = STR("Remit does not say how");
	}
	return buf_addf(out, STR_FMT " is damaged: " STR_FMT "\n", STR_ARG(id), STR_ARG(detail));
}

int cli_evidence_verify(const struct cli_command *c, int argc, char **argv)
{
	struct evidence_options o = {0};
	AUTO_ARENA arena = ARENA_INIT(64 << 20);
	struct err e = ERR_INIT;
	struct str *ids;
	size_t n = 0;
	size_t n_damaged = 0;
	int bad = evidence_parse(c, argc, argv, &o);

	if (bad) {
		return bad;
	}
	if (evidence_items(&o, &arena, &ids, &n, &e) != RC_OK) {
		return cli_fail(c, &e);
	}
	for (size_t i = 0; i < n; i++) {
		AUTO_BUF out = BUF_INIT(4096);
		bool holds = false;

		if (verify_one(&o, ids[i], &out, &holds, &e) != RC_OK) {
			return cli_fail(c, &e);
		}
		n_damaged += !holds;
		bad = cli_print(buf_view(&out));
		if (bad) {
			return bad;
		}
	}
	if (n == 0) {
		return cli_print(STR("there is no evidence\n"));
	}
	return n_damaged ? rc_exit_status(RC_BROKEN) : 0;
}

/* ---- audit ---- */

static enum rc take(void *ctx, uint64_t ix, const struct leaf *l, struct str text, struct err *e)
{
	(void)text; /* what it says is in l */
	return evidence_audit_take(ctx, ix, l, e);
}

static enum rc report_json(const struct evidence_audit *a, uint64_t size, struct buf *out,
			   struct err *e)
{
	struct evidence_counts n = evidence_audit_counts(a);
	struct json_out w = json_out_to(out);
	const struct evidence_fault *faults;
	size_t n_faults;

	faults = evidence_audit_faults(a, &n_faults);
	json_out_object(&w);
	json_out_key_bool(&w, "ok", n.faults == 0);
	json_out_key_u64(&w, "leaves", size);
	json_out_key_u64(&w, "altering_calls", n.altering);
	json_out_key_u64(&w, "with_evidence_required", n.required);
	json_out_key_u64(&w, "preserved", n.preserved);
	json_out_key_u64(&w, "waived", n.waived);
	json_out_key_u64(&w, "items", n.items);
	json_out_key_u64(&w, "destroyed", n.destroyed);
	json_out_key_u64(&w, "n_faults", n.faults);
	json_out_key(&w, STR("faults"));
	json_out_array(&w);
	for (size_t i = 0; i < n_faults; i++) {
		json_out_object(&w);
		json_out_key_u64(&w, "leaf", faults[i].leaf);
		json_out_key_str(&w, "what", faults[i].what);
		json_out_close(&w);
	}
	json_out_close(&w);
	json_out_close(&w);
	TRY(json_out_end(&w, e));
	return buf_add_char(out, '\n');
}

static enum rc report_text(const struct evidence_audit *a, uint64_t size, struct buf *out)
{
	struct evidence_counts n = evidence_audit_counts(a);
	const struct evidence_fault *faults;
	size_t n_faults;

	faults = evidence_audit_faults(a, &n_faults);
	for (size_t i = 0; i < n_faults; i++) {
		TRY(buf_addf(out, "leaf %llu: " STR_FMT "\n", (unsigned long long)faults[i].leaf,
			     STR_ARG(faults[i].what)));
	}
	TRY(buf_addf(out,
		     "%llu leaves, %llu altering calls; evidence was required for %llu, preserved "
		     "for %llu, waived for %llu\n%llu items of evidence, %llu destroyed\n",
		     (unsigned long long)size, (unsigned long long)n.altering,
		     (unsigned long long)n.required, (unsigned long long)n.preserved,
		     (unsigned long long)n.waived, (unsigned long long)n.items,
		     (unsigned long long)n.destroyed));
	return n.faults == 0 ? buf_add(out, STR("no remediation ran without qualifying evidence\n"))
			     : buf_addf(out, "the rules of evidence were broken: %llu fault%s\n",
					(unsigned long long)n.faults, n.faults == 1 ? "" : "s");
}

static enum rc audit_log(const struct evidence_options *o, struct buf *out, bool *ret_holds,
			 struct err *e)
{
	struct tlog_report report = {0};
	struct tlog_vkey key;
	struct evidence_audit *a;
	uint64_t size = 0;
	enum rc rc;

	TRY(log_read_key(o->log, o->key, &key, e));
	rc = tlog_verify_dir(o->log, &key, NULL, NULL, &report, e);
	if (rc != RC_OK || report.n_faults > 0) {
		FAIL(e, RC_BROKEN, "the log itself does not hold: remit log verify says why");
	}
	TRY(evidence_audit_new(&a, e));
	rc = log_walk(o->log, o->key, take, a, &size, e);
	if (rc == RC_OK) {
		rc = o->as_json ? report_json(a, size, out, e) : report_text(a, size, out);
	}
	*ret_holds = evidence_audit_counts(a).faults == 0;
	evidence_audit_free(a);
	return rc;
}

int cli_evidence_audit(const struct cli_command *c, int argc, char **argv)
{
	struct evidence_options o = {0};
	AUTO_BUF out = BUF_INIT(4 << 20);
	struct err e = ERR_INIT;
	bool holds = false;
	int bad = evidence_parse(c, argc, argv, &o);

	if (bad) {
		return bad;
	}
	if (!o.log) {
		return cli_misuse(c,
				  "which log? --log DIRECTORY (or REMIT_LOG in the environment)");
	}
	if (o.n_ids) {
		return cli_misuse(c, "unexpected argument '%s'", o.ids[0]);
	}
	if (audit_log(&o, &out, &holds, &e) != RC_OK) {
		return cli_fail(c, &e);
	}
	bad = cli_print(buf_view(&out));
	return bad ? bad : holds ? 0 : rc_exit_status(RC_BROKEN);
}
