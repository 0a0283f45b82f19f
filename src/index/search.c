/* SPDX-License-Identifier: Apache-2.0 */
/* index/search.c - answers from rows.
 *
 * Holds:  (1) what a stranger wrote is bound, never part of the SQL.
 *         (2) one index serves each question: the narrowest that was asked for, in the order of
 * time, so that a page costs what it shows and not what there is.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "codec/json.h"
#include "core/leaf.h"
#include "index/fold_impl.h"

enum { ANSWER_ROWS = 1000, SQL_BYTES = 4096 };

static void write_time(struct json_out *w, uint64_t unix_ms)
{
	char stamp[25];

	clock_format_unix_ms(unix_ms, stamp);
	json_out_key_str(w, "time", str_from(stamp));
}

static void write_id(struct json_out *w, const char *name, char letter, uint64_t ix)
{
	char id[24];

	if (ix) {
		json_out_key_str(w, name, id_text(letter, ix, id));
	}
}

/* After the last row. */
static enum rc end(struct fold *f, struct json_out *w, sqlite3_stmt *s, int step, struct err *e)
{
	(void)sqlite3_finalize(s); /* the error was taken from step */
	if (step != SQLITE_DONE) {
		return fold_db_error(f, "the index cannot be read", e);
	}
	return json_out_end(w, e);
}

enum rc fold_timeline(struct fold *f, uint64_t task, struct buf *ret, struct err *e)
{
	struct json_out w = json_out_to(ret);
	sqlite3_stmt *s = NULL;
	size_t n = 0;
	int step;

	if (f->is_bulk) {
		FAIL(e, RC_AGAIN, "the index is being made again: %llu leaves so far",
		     (unsigned long long)f->size);
	}
	TRY(fold_sort(f, e));
	TRY(fold_prepare(
	    f, "SELECT ix, t, type, what FROM leaves WHERE task = ? ORDER BY ix LIMIT 1000", &s,
	    e));
	fold_bind_u64(s, 1, task);
	json_out_object(&w);
	json_out_key(&w, STR("leaves"));
	json_out_array(&w);
	while ((step = sqlite3_step(s)) == SQLITE_ROW) {
		json_out_object(&w);
		json_out_key_u64(&w, "leaf", fold_column_u64(s, 0));
		write_time(&w, fold_column_u64(s, 1));
		json_out_key_str(&w, "type", fold_column(s, 2));
		json_out_key_str(&w, "what", fold_column(s, 3));
		json_out_close(&w);
		n++;
	}
	json_out_close(&w);
	json_out_close(&w);
	TRY(end(f, &w, s, step, e));
	if (n == 0) {
		FAIL(e, RC_ABSENT, "no task 't%llu' in the published log",
		     (unsigned long long)task);
	}
	return RC_OK;
}

/* ---- calls ---- */

/* What walks through the rows, (2): the first that applies. A filter that two of them would serve
 * is served by the one above; its rows are looked at for the other. */
struct walk {
	bool is_wanted;
	const char *from;
};

static const char *choose_walk(const struct fold_filter *x)
{
	/* Whatever is refused has a reason, and only that has another than this one. */
	bool is_denied =
	    str_eq(x->verdict, STR("deny")) || (x->reason.n && !str_eq(x->reason, STR("allowed")));
	const struct walk walks[] = {
	    {x->trace.n, "calls c INDEXED BY calls_trace"},
	    {x->task, "calls c INDEXED BY calls_task"},
	    {x->incident && is_denied, "calls c INDEXED BY denied_incident"},
	    {x->incident, "calls c INDEXED BY calls_incident"},
	    {x->agent.n && is_denied, "calls c INDEXED BY denied_name"},
	    {x->agent.n, "calls c INDEXED BY calls_name"},
	    {x->tool.n && is_denied, "calls c INDEXED BY denied_tool"},
	    {x->tool.n, "calls c INDEXED BY calls_tool"},
	    {x->class.n, "classes k CROSS JOIN calls c ON c.ix = k.call"},
	    {x->reason.n, "calls c INDEXED BY calls_reason"},
	    {x->verdict.n, "calls c INDEXED BY calls_verdict"},
	    {true, "calls c INDEXED BY calls_t"},
	};
	size_t i = 0;

	while (!walks[i].is_wanted) {
		i++;
	}
	return walks[i].from;
}

static void add(char sql[SQL_BYTES], const char *text)
{
	(void)strncat(sql, text,
		      SQL_BYTES - strlen(sql) - 1); /* constants, shorter than the room */
}

/* The conditions of a filter, behind "WHERE true". */
static void add_conditions(const struct fold_filter *x, bool is_by_class, char sql[SQL_BYTES])
{
	bool is_denied = x->reason.n && !str_eq(x->reason, STR("allowed"));
	const struct {
		bool is_wanted;
		const char *condition;
	} all[] = {
	    {x->agent.n, " AND c.name = ?1"},
	    {x->agent.n && memchr(x->agent.p, '/', x->agent.n), " AND c.agent = ?12"},
	    {x->tool.n, " AND c.tool = ?2"},
	    {str_eq(x->verdict, STR("deny")) || is_denied, " AND c.verdict = 'deny'"},
	    {x->verdict.n, " AND c.verdict = ?3"},
	    {x->trace.n, " AND c.trace = ?13 AND c.trace <> ''"},
	    {x->task, " AND c.task = ?4"},
	    {x->incident, " AND c.incident = ?5"},
	    {x->reason.n, " AND c.reason = ?6"},
	    {x->since_unix_ms, " AND c.t >= ?7"},
	    {x->until_unix_ms, " AND c.t <= ?8"},
	    {x->before, " AND (c.t, c.ix) < ((SELECT t FROM calls WHERE ix <= ?9 ORDER BY ix DESC "
			"LIMIT 1), ?9)"},
	    /* What was described is known; of anything else the tool's own data is the word. */
	    {is_by_class, " AND k.class = ?10 AND (k.known OR coalesce(r.described, 0) = 0)"},
	    {is_by_class && x->since_unix_ms, " AND k.t >= ?7"},
	    {is_by_class && x->until_unix_ms, " AND k.t <= ?8"},
	    {is_by_class && x->before, " AND (k.t, k.call) < ((SELECT t FROM calls WHERE ix <= ?9 "
				       "ORDER BY ix DESC LIMIT 1), ?9)"},
	    {x->class.n && !is_by_class,
	     " AND EXISTS (SELECT 1 FROM classes k WHERE k.class = ?10 AND k.t = c.t AND"
	     " k.call = c.ix AND (k.known OR coalesce(r.described, 0) = 0))"},
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (all[i].is_wanted) {
			add(sql, all[i].condition);
		}
	}
}

/* Rows of calls that a filter lets through, with what they read, newest first. */
static enum rc ask(struct fold *f, const char *columns, const char *condition,
		   const struct fold_filter *x, sqlite3_stmt **ret, struct err *e)
{
	const char *from = choose_walk(x);
	bool is_by_class = str_has_prefix(str_from(from), STR("classes"));
	char sql[SQL_BYTES] = "SELECT ";

	if (f->is_bulk) {
		FAIL(e, RC_AGAIN, "the index is being made again: %llu leaves so far",
		     (unsigned long long)f->size);
	}
	TRY(fold_sort(f, e));
	add(sql, columns);
	add(sql, " FROM ");
	add(sql, from);
	add(sql, " LEFT JOIN reads r ON r.call = c.ix WHERE true");
	add(sql, condition);
	add_conditions(x, is_by_class, sql);
	add(sql, is_by_class ? " ORDER BY k.t DESC, k.call DESC LIMIT ?11"
			     : " ORDER BY c.t DESC, c.ix DESC LIMIT ?11");
	TRY(fold_prepare(f, sql, ret, e));
	fold_bind_str(*ret, 1,
		      fold_short_name(x->agent)); /* (1); what does not stand there is ignored */
	fold_bind_str(*ret, 2, x->tool);
	fold_bind_str(*ret, 3, x->verdict);
	fold_bind_u64(*ret, 4, x->task);
	fold_bind_u64(*ret, 5, x->incident);
	fold_bind_str(*ret, 6, x->reason);
	fold_bind_u64(*ret, 7, x->since_unix_ms);
	fold_bind_u64(*ret, 8, x->until_unix_ms);
	fold_bind_u64(*ret, 9, x->before);
	fold_bind_str(*ret, 10, x->class);
	fold_bind_u64(*ret, 11, x->limit && x->limit < ANSWER_ROWS ? x->limit : ANSWER_ROWS);
	fold_bind_str(*ret, 12, x->agent);
	fold_bind_str(*ret, 13, x->trace);
	return RC_OK;
}

static void write_call(struct json_out *w, sqlite3_stmt *s)
{
	write_id(w, "id", 'c', fold_column_u64(s, 0));
	write_time(w, fold_column_u64(s, 1));
	write_id(w, "task", 't', fold_column_u64(s, 2));
	write_id(w, "incident", 'i', fold_column_u64(s, 3));
	json_out_key_str(w, "agent", fold_column(s, 4));
	json_out_key_str(w, "tool", fold_column(s, 5));
	json_out_key_str(w, "purpose", fold_column(s, 6));
	json_out_key_str(w, "effect", fold_column(s, 7));
	json_out_key_str(w, "verdict", fold_column(s, 8));
	json_out_key_str(w, "reason", fold_column(s, 9));
	json_out_key(w, STR("targets"));
	json_out_raw(w, fold_column(s, 10));
	json_out_key_str(w, "outcome", fold_column(s, 11));
	if (fold_column(s, 12).n > 0) {
		json_out_key_str(w, "trace", fold_column(s, 12));
	}
}

#define CALL_COLUMNS                                                                               \
	"c.ix, c.t, c.task, c.incident, c.agent, c.tool, c.purpose, c.effect, c.verdict,"          \
	" c.reason, c.targets, c.outcome, c.trace"

enum rc fold_calls(struct fold *f, const struct fold_filter *filter, struct buf *ret, struct err *e)
{
	struct json_out w = json_out_to(ret);
	sqlite3_stmt *s = NULL;
	int step;

	TRY(ask(f, CALL_COLUMNS, "", filter, &s, e));
	json_out_object(&w);
	json_out_key(&w, STR("calls"));
	json_out_array(&w);
	while ((step = sqlite3_step(s)) == SQLITE_ROW) {
		json_out_object(&w);
		write_call(&w, s);
		json_out_close(&w);
	}
	json_out_close(&w);
	json_out_close(&w);
	return end(f, &w, s, step, e);
}

/* ---- what was touched ---- */

static void write_touched(struct json_out *w, sqlite3_stmt *s)
{
	bool is_read = sqlite3_column_type(s, 13) != SQLITE_NULL;

	json_out_object(w);
	write_call(w, s);
	json_out_key(w, STR("data"));
	json_out_raw(w, fold_column(s, 19));
	if (is_read) {
		json_out_key_u64(w, "account", fold_column_u64(s, 13));
		json_out_key_bool(w, "described", fold_column_u64(s, 14) != 0);
		json_out_key(w, STR("counts"));
		json_out_raw(w, fold_column(s, 15));
		json_out_key_u64(w, "bytes", fold_column_u64(s, 16));
		json_out_key_u64(w, "redacted", fold_column_u64(s, 17));
		json_out_key_bool(w, "withheld", fold_column_u64(s, 18) != 0);
	}
	json_out_close(w);
}

enum rc fold_touched(struct fold *f, const struct fold_filter *filter, struct buf *ret,
		     struct err *e)
{
	struct json_out w = json_out_to(ret);
	sqlite3_stmt *s = NULL;
	int step;

	/* Allowed and not kept back: a call without an outcome may have happened. */
	TRY(ask(f,
		CALL_COLUMNS
		", r.ix, r.described, r.counts, r.bytes, r.redacted, r.withheld, c.data",
		" AND c.verdict = 'allow' AND c.outcome <> 'not_sent'", filter, &s, e));
	json_out_object(&w);
	json_out_key(&w, STR("touched"));
	json_out_array(&w);
	while ((step = sqlite3_step(s)) == SQLITE_ROW) {
		write_touched(&w, s);
	}
	json_out_close(&w);
	json_out_close(&w);
	return end(f, &w, s, step, e);
}
