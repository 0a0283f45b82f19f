/* SPDX-License-Identifier: Apache-2.0 */
/* cli/log.c - the log, from its files, with the public key alone. Nothing here asks a running
 * Remit. */
#include "cli/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tlog.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/num.h"
#include "cli/log_files.h"
#include "cli/log_lines.h"
#include "cli/log_witness.h"
#include "codec/json.h"
#include "governor/prune.h"

struct log_options {
	const char *log;
	const char *key;
	const char *receipt;
	const char *leaf;
	const char *policy;
	const char *positional;
	bool as_json;
};

static int parse(const struct cli_command *c, int argc, char **argv, struct log_options *o)
{
	o->log = getenv("REMIT_LOG");
	for (int i = 0; i < argc; i++) {
		const char **into = NULL;

		if (!strcmp(argv[i], "--json")) {
			o->as_json = true;
			continue;
		}
		if (!strcmp(argv[i], "--log")) {
			into = &o->log;
		} else if (!strcmp(argv[i], "--key")) {
			into = &o->key;
		} else if (!strcmp(argv[i], "--receipt")) {
			into = &o->receipt;
		} else if (!strcmp(argv[i], "--leaf")) {
			into = &o->leaf;
		} else if (!strcmp(argv[i], "--policy")) {
			into = &o->policy;
		} else if (argv[i][0] == '-') {
			return cli_misuse(c, "unknown option '%s'", argv[i]);
		} else if (o->positional) {
			return cli_misuse(c, "unexpected argument '%s'", argv[i]);
		} else {
			o->positional = argv[i];
			continue;
		}
		if (++i == argc) {
			return cli_misuse(c, "%s needs a value", argv[i - 1]);
		}
		*into = argv[i];
	}
	if (!o->log && !o->receipt) {
		return cli_misuse(c,
				  "which log? --log DIRECTORY (or REMIT_LOG in the environment)");
	}
	return 0;
}

/* ---- verify ---- */

static bool show_progress(void *ctx, uint64_t done, uint64_t size)
{
	(void)ctx; /* nothing is kept */
	if (size >= 100000 && isatty(STDERR_FILENO)) {
		fprintf(stderr, "\r%llu of %llu leaves", (unsigned long long)done,
			(unsigned long long)size);
		if (done == size) {
			fprintf(stderr, "\r%40s\r", "");
		}
	}
	return true;
}

static enum rc report_json(const struct tlog_report *r, const struct log_witnessed *witnessed,
			   struct buf *out, struct err *e)
{
	struct json_out w = json_out_to(out);

	json_out_object(&w);
	json_out_key_bool(&w, "ok", r->n_faults == 0);
	json_out_key_u64(&w, "size", r->size);
	json_out_key_u64(&w, "pruned", r->minimum);
	json_out_key_u64(&w, "leaves", r->leaves);
	json_out_key_u64(&w, "bundles", r->bundles);
	json_out_key_u64(&w, "tiles", r->tiles);
	log_witnessed_json(witnessed, &w);
	json_out_key(&w, STR("faults"));
	json_out_array(&w);
	for (size_t i = 0; i < r->n_faults && i < TLOG_FAULTS; i++) {
		json_out_object(&w);
		json_out_key_str(&w, "file", str_from(r->faults[i].file));
		json_out_key_u64(&w, "offset", r->faults[i].offset);
		if (r->faults[i].index != UINT64_MAX) {
			json_out_key_u64(&w, "leaf", r->faults[i].index);
		}
		json_out_key_str(&w, "what", str_from(r->faults[i].what));
		json_out_close(&w);
	}
	json_out_close(&w);
	json_out_close(&w);
	TRY(json_out_end(&w, e));
	return buf_add_char(out, '\n');
}

static enum rc report_text(const struct tlog_report *r, const struct log_witnessed *witnessed,
			   struct buf *out)
{
	if (r->n_faults == 0) {
		TRY(buf_addf(out,
			     "the log holds: %llu leaves, %llu bundles, %llu tiles, signature and "
			     "root verified\n",
			     (unsigned long long)r->leaves, (unsigned long long)r->bundles,
			     (unsigned long long)r->tiles));
		if (r->minimum) {
			TRY(buf_addf(out,
				     "pruned: leaves before %llu are gone by the log's own word; "
				     "their hashes hold\n",
				     (unsigned long long)r->minimum));
		}
		return log_witnessed_text(witnessed, r->size, out);
	}
	for (size_t i = 0; i < r->n_faults && i < TLOG_FAULTS; i++) {
		TRY(buf_addf(out, "%s: byte %llu: %s", r->faults[i].file,
			     (unsigned long long)r->faults[i].offset, r->faults[i].what));
		if (r->faults[i].index != UINT64_MAX) {
			TRY(buf_addf(out, " (leaf %llu)", (unsigned long long)r->faults[i].index));
		}
		TRY(buf_add_char(out, '\n'));
	}
	return buf_addf(out, "the log does not hold: %zu fault%s\n", r->n_faults,
			r->n_faults == 1 ? "" : "s");
}

/* The key to check with: as given, or of the policy's log, or beside the log. */
static enum rc choose_key(const struct log_options *o, const struct tlog_policy *policy,
			  struct str note, struct tlog_vkey *ret, struct err *e)
{
	struct tlog_checkpoint c;
	struct tlog_note parsed;

	if (o->key || !policy || tlog_policy_logs(policy) == 0) {
		return log_read_key(o->log, o->key, ret, e);
	}
	TRY(tlog_note_parse(note, &parsed, e));
	TRY(tlog_checkpoint_parse(parsed.text, &c, e));
	return log_policy_key(policy, c.origin, ret, e);
}

static enum rc check_receipt(const struct log_options *o, const struct tlog_receipt *r,
			     struct str leaf, struct tlog_checkpoint *ret,
			     struct log_witnessed *ret_by, struct tlog_policy **ret_policy,
			     struct err *e)
{
	struct tlog_vkey key;

	if (o->policy) {
		TRY(log_read_policy(o->policy, ret_policy, e));
	}
	TRY(choose_key(o, *ret_policy, r->checkpoint, &key, e));
	TRY(tlog_receipt_check(r, leaf, &key, ret, e));
	*ret_by = (struct log_witnessed){.policy = *ret_policy};
	if (*ret_policy) {
		TRY(tlog_policy_check(*ret_policy, r->checkpoint, &key, ret, &ret_by->by, e));
		ret_by->size = ret->size;
	}
	return RC_OK;
}

static int verify_receipt(const struct cli_command *c, const struct log_options *o)
{
	AUTO_BUF receipt = BUF_INIT(LOG_NOTE_BYTES);
	AUTO_BUF leaf = BUF_INIT(LIMIT_LEAF_BYTES);
	AUTO_BUF out = BUF_INIT(65536);
	AUTO_TLOG_POLICY policy = NULL;
	struct log_witnessed by;
	struct tlog_receipt r;
	struct tlog_checkpoint checkpoint;
	struct err e = ERR_INIT;

	if (!o->leaf || (!o->key && !o->policy)) {
		return cli_misuse(c,
				  "--receipt needs --leaf FILE, and --key FILE or --policy FILE");
	}
	if (file_read(o->receipt, &receipt, &e) != RC_OK ||
	    file_read(o->leaf, &leaf, &e) != RC_OK ||
	    tlog_receipt_parse(buf_view(&receipt), &r, &e) != RC_OK ||
	    check_receipt(o, &r, buf_view(&leaf), &checkpoint, &by, &policy, &e) != RC_OK ||
	    buf_addf(&out,
		     "the leaf is number %llu of the log " STR_FMT ", in its tree of %llu leaves\n",
		     (unsigned long long)r.index, STR_ARG(checkpoint.origin),
		     (unsigned long long)checkpoint.size) != RC_OK ||
	    log_witnessed_text(&by, checkpoint.size, &out) != RC_OK) {
		return cli_fail(c, &e);
	}
	return cli_print(buf_view(&out));
}

/* Does the log itself say what the file does? */
static enum rc check_pruned(struct tlog_dir *d, const struct pruned *p, struct tlog_report *report,
			    struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(16 * LIMIT_LEAF_BYTES);
	AUTO_BUF bytes = BUF_INIT(LIMIT_LEAF_BYTES);
	struct err why = ERR_INIT;
	struct leaf leaf;

	tlog_dir_set_size(d, report->size);
	if (tlog_dir_read_leaf(d, p->leaf, &bytes, &why) == RC_OK &&
	    leaf_decode(&arena, buf_view(&bytes), &leaf, &why) == RC_OK &&
	    pruned_check(p, &leaf, &why) == RC_OK) {
		return RC_OK;
	}
	report->faults[0] = (struct tlog_fault){.index = p->leaf};
	(void)snprintf(report->faults[0].file, sizeof(report->faults[0].file), "pruned"); /* fits */
	(void)snprintf(report->faults[0].what, sizeof(report->faults[0].what), "%.150s", why.msg);
	report->n_faults = 1;
	FAIL(e, RC_BROKEN, "%s", why.msg);
}

/* Everything that can be checked from the directory. */
static enum rc verify_log(const struct log_options *o, const struct tlog_policy *policy,
			  struct tlog_report *report, struct log_witnessed *ret, struct err *e)
{
	AUTO_TLOG_DIR d = NULL;
	AUTO_BUF witnessed = BUF_INIT(LOG_NOTE_BYTES);
	AUTO_BUF note = BUF_INIT(LOG_NOTE_BYTES);
	struct tlog_vkey key;
	struct pruned pruned;
	enum rc rc;

	*ret = (struct log_witnessed){.policy = policy};
	TRY(tlog_dir_open(o->log, &d, e));
	if (policy) {
		TRY(tlog_dir_read_checkpoint(d, &note, e));
	}
	TRY(choose_key(o, policy, buf_view(&note), &key, e));
	TRY(log_read_witnessed(o->log, &witnessed, e));
	TRY(prune_hint(o->log, &pruned, e));
	rc = tlog_verify_pruned(o->log, &key, pruned.first, show_progress, NULL, report, e);
	if (rc == RC_OK && pruned.first) {
		TRY(check_pruned(d, &pruned, report, e));
	}
	if (rc == RC_OK) {
		log_check_witnessed(d, buf_view(&witnessed), &key, policy, report, ret);
		if (report->n_faults > 0) {
			FAIL(e, RC_BROKEN, "%s", report->faults[0].what);
		}
	}
	return rc;
}

int cli_log_verify(const struct cli_command *c, int argc, char **argv)
{
	struct log_options o = {0};
	struct tlog_report report = {0};
	struct log_witnessed witnessed;
	AUTO_TLOG_POLICY policy = NULL;
	struct err e = ERR_INIT;
	AUTO_BUF out = BUF_INIT(1 << 20);
	enum rc rc;
	int bad = parse(c, argc, argv, &o);

	if (bad) {
		return bad;
	}
	if (o.receipt) {
		return verify_receipt(c, &o);
	}
	if (o.policy && log_read_policy(o.policy, &policy, &e) != RC_OK) {
		return cli_fail(c, &e);
	}
	rc = verify_log(&o, policy, &report, &witnessed, &e);
	if (rc != RC_OK && report.n_faults == 0) {
		return cli_fail(c, &e);
	}
	if ((o.as_json ? report_json(&report, &witnessed, &out, &e)
		       : report_text(&report, &witnessed, &out)) != RC_OK) {
		return cli_fail(c, &e);
	}
	bad = cli_print(buf_view(&out));
	return bad ? bad : rc_exit_status(rc);
}

/* ---- show, prove ---- */

int cli_log_show(const struct cli_command *c, int argc, char **argv)
{
	struct log_options o = {0};
	AUTO_TLOG_DIR d = NULL;
	AUTO_BUF note = BUF_INIT(LOG_NOTE_BYTES);
	AUTO_BUF leaf = BUF_INIT(LIMIT_LEAF_BYTES + 1);
	struct tlog_checkpoint checkpoint;
	struct err e = ERR_INIT;
	uint64_t ix;
	int bad = parse(c, argc, argv, &o);

	if (bad) {
		return bad;
	}
	if (!o.positional || !num_u64(str_from(o.positional), UINT64_MAX, &ix)) {
		return cli_misuse(c, "which leaf? Its index is a number");
	}
	if (log_open(o.log, o.key, &d, &checkpoint, &note, &e) != RC_OK) {
		return cli_fail(c, &e);
	}
	if (ix >= checkpoint.size) {
		(void)err_set(&e, RC_ABSENT, __func__, "the log has %llu leaves",
			      (unsigned long long)checkpoint.size); /* cli_fail says it */
		return cli_fail(c, &e);
	}
	if (log_is_there(o.log, d, &checkpoint, ix, &e) != RC_OK) {
		return cli_fail(c, &e);
	}
	if (o.as_json) {
		struct log_range one = {.from = ix, .to = ix + 1, .size = checkpoint.size};
		AUTO_TLOG_HASHER h = tlog_hasher_new();

		if (!h) {
			(void)err_set(&e, RC_NOMEM, __func__, "no memory"); /* cli_fail says it */
			return cli_fail(c, &e);
		}
		return log_lines_print(d, h, &one, NULL, 0, &e) == RC_OK ? 0 : cli_fail(c, &e);
	}
	if (tlog_dir_read_leaf(d, ix, &leaf, &e) != RC_OK || buf_add_char(&leaf, '\n') != RC_OK) {
		return cli_fail(c, &e);
	}
	return cli_print(buf_view(&leaf));
}

int cli_log_prove(const struct cli_command *c, int argc, char **argv)
{
	struct log_options o = {0};
	AUTO_TLOG_DIR d = NULL;
	AUTO_TLOG_HASHER h = tlog_hasher_new();
	AUTO_BUF note = BUF_INIT(LOG_NOTE_BYTES);
	AUTO_BUF out = BUF_INIT(2 * LOG_NOTE_BYTES);
	struct tlog_checkpoint checkpoint;
	struct tlog_receipt r = {0};
	struct tlog_vkey key;
	struct tlog_nodes nodes;
	struct err e = ERR_INIT;
	int bad = parse(c, argc, argv, &o);

	if (bad) {
		return bad;
	}
	/* A call's id is its leaf. */
	if (o.positional && o.positional[0] == 'c') {
		o.positional++;
	}
	if (!h || !o.positional || !num_u64(str_from(o.positional), UINT64_MAX, &r.index)) {
		return cli_misuse(c, "which leaf or call?");
	}
	if (log_read_key(o.log, o.key, &key, &e) != RC_OK ||
	    log_open(o.log, o.key, &d, &checkpoint, &note, &e) != RC_OK ||
	    log_best_note(o.log, &key, r.index, &note, &checkpoint, &e) != RC_OK) {
		return cli_fail(c, &e);
	}
	nodes = tlog_dir_nodes(d);
	r.checkpoint = buf_view(&note);
	if (tlog_prove_inclusion(h, &nodes, r.index, checkpoint.size, &r.path, &e) != RC_OK ||
	    tlog_receipt_print(&r, &out, &e) != RC_OK) {
		return cli_fail(c, &e);
	}
	return cli_print(buf_view(&out));
}
