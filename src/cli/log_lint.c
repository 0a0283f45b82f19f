/* SPDX-License-Identifier: Apache-2.0 */
/* cli/log_lint.c - remit log lint.
 *
 * Two passes over the published leaves: what they cite and end (core/log_lint.h), then the state
 * folded leaf by leaf and every decision made again (audit/audit.h). A leaf that does not fit the
 * state ends the second, not the first.
 */
#include "cli/log_lint.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "audit/claimed.h"
#include "base/arena.h"
#include "base/limits.h"
#include "base/vec.h"
#include "cli/log_files.h"
#include "cli/log_state.h"
#include "core/log_lint.h"

enum {
	SHOWN = 1000,	   /* decisions that differ; all are counted */
	PROGRESS = 100000, /* a log that long shows how far it is */
	PROGRESS_STEP = 8192,
	OUT_BYTES = 8 << 20,
	TEXT_BYTES = 64 << 20,
};

struct different {
	uint64_t leaf;
	struct str kind;
	struct str why;
};

struct linting {
	struct log_lint *lint;
	struct claimed *claimed;
	struct arena arena;
	uint64_t wrong_states;
	uint64_t begins; /* with that leaf */
	uint64_t size;
	uint64_t decisions[AUDIT_OUTCOMES];
	struct str first[AUDIT_OUTCOMES]; /* why the first of each kind is not recomputable */
	uint64_t first_leaf[AUDIT_OUTCOMES];
	VEC(struct different) different;
	uint64_t n_applied;
	struct str broken; /* why the walk ended early; p == NULL = it did not */
	bool shows_progress;
};

static void progress(const struct linting *l, uint64_t done)
{
	if (l->shows_progress && (done % PROGRESS_STEP == 0 || done == l->size)) {
		fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " leaves", done, l->size);
		if (done == l->size) {
			fprintf(stderr, "\r%40s\r", "");
		}
	}
}

static enum rc keep(struct linting *l, struct str text, struct str *ret, struct err *e)
{
	*ret = arena_str(&l->arena, text);
	if (!ret->p) {
		FAIL(e, RC_NOMEM, "no memory for what was found");
	}
	return RC_OK;
}

/* ---- the passes ---- */

static enum rc take_leaf(void *ctx, uint64_t ix, const struct leaf *leaf, struct str text,
			 struct err *e)
{
	struct linting *l = ctx;

	(void)text; /* what it says is in leaf */
	TRY(claimed_take(l->claimed, ix, leaf, e));
	return log_lint_take(l->lint, ix, leaf, e);
}

static enum rc follow(void *ctx, uint64_t ix, const struct leaf *leaf, struct err *e)
{
	(void)leaf;
	(void)e;
	progress(ctx, ix + 1);
	return RC_OK;
}

static enum rc differs(struct linting *l, struct different x, struct err *e)
{
	if (l->different.n >= SHOWN) {
		return RC_OK;
	}
	TRY(keep(l, x.why, &x.why, e));
	return vec_push(&l->different, x);
}

static enum rc take_state(void *ctx, const struct state *s, struct err *e)
{
	struct linting *l = ctx;
	struct different x = {.kind = leaf_kind_name(LEAF_SNAPSHOT_TAKEN)};

	TRY(claimed_check(l->claimed, s, &x.leaf, e));
	if (!x.leaf) {
		return RC_OK;
	}
	l->wrong_states++;
	x.why = STR("state: the leaves make another one");
	return differs(l, x, e);
}

static enum rc take_decision(void *ctx, const struct audit_decision *d, struct err *e)
{
	struct linting *l = ctx;
	struct different x = {.leaf = d->ix, .kind = leaf_kind_name(d->leaf->kind)};

	l->decisions[d->outcome]++;
	if (d->outcome == AUDIT_EQUAL) {
		return RC_OK;
	}
	if (d->outcome != AUDIT_DIFFERS) {
		if (l->first[d->outcome].p) {
			return RC_OK;
		}
		l->first_leaf[d->outcome] = d->ix;
		return keep(l, d->why, &l->first[d->outcome], e);
	}
	x.why = d->why;
	return differs(l, x, e);
}

static enum rc decide_again(struct linting *l, struct log_state *s, struct err *e)
{
	const struct audit_watch watch = {
	    .ctx = l, .state = take_state, .leaf = follow, .decision = take_decision};
	struct audit_source source = log_state_source(s);
	struct err why = ERR_INIT;
	enum rc rc = audit_walk(&source, UINT64_MAX, &watch, &l->n_applied, &why);

	if (rc == RC_BROKEN) {
		return keep(l, str_from(why.msg), &l->broken, e);
	}
	return rc == RC_OK ? RC_OK : err_set(e, rc, __func__, "%s", why.msg);
}

/* ---- reports ---- */

static uint64_t n_unknown(const struct linting *l)
{
	return l->decisions[AUDIT_ERASED] + l->decisions[AUDIT_NO_KEYS] +
	       l->decisions[AUDIT_NO_BUNDLE];
}

static bool is_whole(const struct linting *l)
{
	return log_lint_counts(l->lint).faults == 0 && l->decisions[AUDIT_DIFFERS] == 0 &&
	       l->wrong_states == 0 && !l->broken.p;
}

static void count_json(struct json_out *w, const char *name, const struct log_lint_count *c)
{
	json_out_key(w, str_from(name));
	json_out_object(w);
	json_out_key_u64(w, "all", c->all);
	json_out_key_u64(w, "open", c->open);
	json_out_close(w);
}

static void found_json(struct json_out *w, uint64_t leaf, struct str what)
{
	json_out_object(w);
	json_out_key_u64(w, "leaf", leaf);
	json_out_key_str(w, "what", what);
	json_out_close(w);
}

static void decisions_json(const struct linting *l, struct json_out *w)
{
	json_out_key(w, STR("decisions"));
	json_out_object(w);
	for (int i = 0; i < AUDIT_OUTCOMES; i++) {
		json_out_key_u64(w, audit_outcome_name((enum audit_outcome)i), l->decisions[i]);
	}
	json_out_close(w);
	json_out_key(w, STR("not_recomputable"));
	json_out_object(w);
	for (int i = AUDIT_ERASED; i < AUDIT_OUTCOMES; i++) {
		if (l->first[i].p) {
			json_out_key(w, str_from(audit_outcome_name((enum audit_outcome)i)));
			found_json(w, l->first_leaf[i], l->first[i]);
		}
	}
	json_out_close(w);
	json_out_key(w, STR("differences"));
	json_out_array(w);
	for (size_t i = 0; i < l->different.n; i++) {
		found_json(w, l->different.p[i].leaf, l->different.p[i].why);
	}
	json_out_close(w);
}

static enum rc report_json(const struct linting *l, struct str missing, struct buf *out,
			   struct err *e)
{
	struct log_lint_counts n = log_lint_counts(l->lint);
	const struct log_lint_fault *faults;
	struct json_out w = json_out_to(out);
	size_t n_faults;

	faults = log_lint_faults(l->lint, &n_faults);
	json_out_object(&w);
	json_out_key_bool(&w, "ok", is_whole(l));
	json_out_key_u64(&w, "leaves", n.leaves);
	json_out_key_u64(&w, "first", l->begins);
	json_out_key_u64(&w, "states", claimed_checked(l->claimed));
	json_out_key_u64(&w, "wrong_states", l->wrong_states);
	json_out_key_u64(&w, "folded", l->n_applied);
	json_out_key_u64(&w, "n_faults", n.faults);
	json_out_key(&w, STR("faults"));
	json_out_array(&w);
	for (size_t i = 0; i < n_faults; i++) {
		found_json(&w, faults[i].leaf, faults[i].what);
	}
	json_out_close(&w);
	json_out_key_u64(&w, "denials", n.denials);
	count_json(&w, "incidents", &n.incidents);
	count_json(&w, "tasks", &n.tasks);
	count_json(&w, "calls", &n.calls);
	count_json(&w, "approvals", &n.approvals);
	count_json(&w, "leases", &n.leases);
	count_json(&w, "terms", &n.terms);
	count_json(&w, "stops", &n.stops);
	decisions_json(l, &w);
	if (l->broken.p) {
		json_out_key_str(&w, "broken", l->broken);
	}
	json_out_key_str(&w, "missing", missing);
	json_out_close(&w);
	TRY(json_out_end(&w, e));
	return buf_add_char(out, '\n');
}

static enum rc counts_text(const struct log_lint_counts *n, struct buf *out)
{
	const struct {
		const char *what;
		const struct log_lint_count *c;
		const char *open;
	} rows[] = {
	    {"incidents", &n->incidents, "open"},
	    {"tasks", &n->tasks, "not closed"},
	    {"allowed calls", &n->calls, "without an outcome"},
	    {"approvals", &n->approvals, "open or granted"},
	    {"leases", &n->leases, "not gone"},
	    {"terms", &n->terms, "standing"},
	    {"stops", &n->stops, "not acknowledged"},
	};

	TRY(buf_addf(out, "%" PRIu64 " leaves, %" PRIu64 " denials\n", n->leaves, n->denials));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].c->all) {
			TRY(buf_addf(out, "%" PRIu64 " %s, %" PRIu64 " %s at the end\n",
				     rows[i].c->all, rows[i].what, rows[i].c->open, rows[i].open));
		}
	}
	return RC_OK;
}

static enum rc decisions_text(const struct linting *l, struct str missing, struct buf *out)
{
	static const char *const whys[AUDIT_OUTCOMES] = {
	    [AUDIT_ERASED] = "what they were decided by is erased",
	    [AUDIT_NO_KEYS] = "what they were decided by is sealed",
	    [AUDIT_NO_BUNDLE] = "what governed is not there",
	};

	TRY(buf_addf(out,
		     "%" PRIu64 " decisions made again: %" PRIu64 " as in the log, %" PRIu64
		     " otherwise; %" PRIu64 " not recomputable\n",
		     l->decisions[AUDIT_EQUAL] + l->decisions[AUDIT_DIFFERS],
		     l->decisions[AUDIT_EQUAL], l->decisions[AUDIT_DIFFERS], n_unknown(l)));
	for (int i = AUDIT_ERASED; i < AUDIT_OUTCOMES; i++) {
		if (l->decisions[i]) {
			TRY(buf_addf(out,
				     "not recomputable: %" PRIu64 ", since %s (leaf %" PRIu64
				     ": " STR_FMT ")\n",
				     l->decisions[i], whys[i], l->first_leaf[i],
				     STR_ARG(l->first[i])));
		}
	}
	return missing.n ? buf_addf(out, STR_FMT "\n", STR_ARG(missing)) : RC_OK;
}

static enum rc report_text(const struct linting *l, struct str missing, struct buf *out)
{
	struct log_lint_counts n = log_lint_counts(l->lint);
	const struct log_lint_fault *faults;
	size_t n_faults;

	faults = log_lint_faults(l->lint, &n_faults);
	for (size_t i = 0; i < n_faults; i++) {
		TRY(buf_addf(out, "leaf %" PRIu64 ": " STR_FMT "\n", faults[i].leaf,
			     STR_ARG(faults[i].what)));
	}
	for (size_t i = 0; i < l->different.n; i++) {
		TRY(buf_addf(out, "leaf %" PRIu64 " (" STR_FMT "): " STR_FMT "\n",
			     l->different.p[i].leaf, STR_ARG(l->different.p[i].kind),
			     STR_ARG(l->different.p[i].why)));
	}
	if (l->broken.p) {
		TRY(buf_addf(out,
			     "the leaves do not make a state: " STR_FMT
			     "; nothing from there on was decided again\n",
			     STR_ARG(l->broken)));
	}
	if (l->begins) {
		TRY(buf_addf(out,
			     "pruned: it begins with leaf %" PRIu64
			     ", and the state before with a snapshot that the log names\n",
			     l->begins));
	}
	TRY(counts_text(&n, out));
	TRY(decisions_text(l, missing, out));
	if (is_whole(l)) {
		return buf_addf(out, "the log is whole%s\n",
				n_unknown(l) ? ", as far as it can be decided again" : "");
	}
	return buf_addf(out,
			"the log is not whole: %" PRIu64 " faults, %" PRIu64
			" decisions that are not what they had to be, %" PRIu64
			" snapshots of another state\n",
			n.faults, l->decisions[AUDIT_DIFFERS], l->wrong_states);
}

static enum rc lint(const struct log_state_options *o, struct linting *l, struct buf *out,
		    struct err *e)
{
	struct log_state *s = NULL;
	uint64_t size;
	enum rc rc;

	TRY(log_lint_new(&l->lint, e));
	TRY(claimed_new(&l->claimed, e));
	TRY(log_state_open(o, &s, e));
	l->size = log_state_size(s);
	l->begins = log_state_first(s);
	log_lint_begin(l->lint, l->begins);
	l->shows_progress = l->size >= PROGRESS && isatty(STDERR_FILENO);
	rc = log_walk(o->log, o->key, take_leaf, l, &size, e);
	if (rc == RC_OK) {
		rc = decide_again(l, s, e);
	}
	if (rc == RC_OK) {
		rc = o->as_json ? report_json(l, log_state_missing(s), out, e)
				: report_text(l, log_state_missing(s), out);
	}
	log_state_free(s);
	return rc;
}

int cli_log_lint(const struct cli_command *c, int argc, char **argv)
{
	struct log_state_options o;
	struct linting l = {.arena = ARENA_INIT(TEXT_BYTES)};
	AUTO_BUF out = BUF_INIT(OUT_BYTES);
	struct err e = ERR_INIT;
	int bad = log_state_parse(c, argc, argv, NULL, &o);

	if (bad) {
		return bad;
	}
	if (lint(&o, &l, &out, &e) != RC_OK) {
		bad = cli_fail(c, &e);
	} else {
		bad = cli_print(buf_view(&out));
		bad = bad ? bad : is_whole(&l) ? 0 : rc_exit_status(RC_BROKEN);
	}
	vec_fini(&l.different);
	log_lint_free(l.lint);
	claimed_free(l.claimed);
	arena_fini(&l.arena);
	return bad;
}
