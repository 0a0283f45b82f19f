/* SPDX-License-Identifier: Apache-2.0 */
/* index/fold.c - SQLite rows from leaves.
 *
 * Every leaf is one row with the task it belongs to: its own, or that of the call, approval, lease
 * or term it cites. Calls have a row of their own to search by.
 */
#include "index/fold.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "codec/json.h"
#include "core/leaf.h"

enum { SCHEMA_VERSION = 1, ANSWER_ROWS = 1000 };

struct fold {
	sqlite3 *db;
	sqlite3_stmt *add_leaf;
	sqlite3_stmt *add_call;
	sqlite3_stmt *task_of;
	sqlite3_stmt *adopt;
	uint64_t size;
};

static enum rc db_error(struct fold *f, const char *what, struct err *e)
{
	FAIL(e, RC_IO, "%s: %s", what, sqlite3_errmsg(f->db));
}

static enum rc run(struct fold *f, const char *sql, struct err *e)
{
	if (sqlite3_exec(f->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		return db_error(f, "the index cannot be changed", e);
	}
	return RC_OK;
}

static enum rc prepare(struct fold *f, const char *sql, sqlite3_stmt **ret, struct err *e)
{
	if (sqlite3_prepare_v2(f->db, sql, -1, ret, NULL) != SQLITE_OK) {
		return db_error(f, "the index cannot be read", e);
	}
	return RC_OK;
}

static void bind_str(sqlite3_stmt *s, int at, struct str v)
{
	(void)sqlite3_bind_text(s, at, v.p ? v.p : "", (int)v.n,
				SQLITE_STATIC); /* checked by step */
}

static void bind_u64(sqlite3_stmt *s, int at, uint64_t v)
{
	(void)sqlite3_bind_int64(s, at, (sqlite3_int64)v); /* checked by step */
}

static struct str column(sqlite3_stmt *s, int at)
{
	const unsigned char *p = sqlite3_column_text(s, at);

	return str_of(p, (size_t)sqlite3_column_bytes(s, at));
}

/* Is the file ours, of this version and this log? */
static bool is_current(struct fold *f, struct str origin)
{
	sqlite3_stmt *s = NULL;
	bool ok = false;

	if (sqlite3_prepare_v2(f->db, "SELECT version, origin FROM meta", -1, &s, NULL) ==
		SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW) {
		ok = sqlite3_column_int64(s, 0) == SCHEMA_VERSION && str_eq(column(s, 1), origin);
	}
	(void)sqlite3_finalize(s); /* an error was seen by step */
	return ok;
}

static enum rc make_schema(struct fold *f, struct str origin, struct err *e)
{
	sqlite3_stmt *s = NULL;
	enum rc rc;

	TRY(run(f,
		"CREATE TABLE meta(version INTEGER, origin TEXT);"
		"CREATE TABLE leaves(ix INTEGER PRIMARY KEY, t INTEGER, type TEXT, task INTEGER,"
		" what TEXT);"
		"CREATE INDEX leaves_task ON leaves(task, ix);"
		"CREATE TABLE calls(ix INTEGER PRIMARY KEY, t INTEGER, task INTEGER, agent TEXT,"
		" tool TEXT, purpose TEXT, effect TEXT, verdict TEXT, reason TEXT, targets TEXT);"
		"CREATE INDEX calls_agent ON calls(agent, ix);"
		"CREATE INDEX calls_task ON calls(task, ix);"
		"CREATE INDEX calls_tool ON calls(tool, ix);",
		e));
	TRY(prepare(f, "INSERT INTO meta VALUES(?, ?)", &s, e));
	bind_u64(s, 1, SCHEMA_VERSION);
	bind_str(s, 2, origin);
	rc = sqlite3_step(s) == SQLITE_DONE ? RC_OK : db_error(f, "the index cannot be made", e);
	(void)sqlite3_finalize(s); /* the error was taken from step */
	return rc;
}

static enum rc open_db(struct fold *f, const char *path, struct err *e)
{
	if (sqlite3_open_v2(path, &f->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
	    SQLITE_OK) {
		return db_error(f, "the index cannot be opened", e);
	}
	/* It can be built again at any time: no need to wait for the disk. */
	return run(
	    f, "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; PRAGMA trusted_schema=OFF", e);
}

static enum rc set_up(struct fold *f, const char *path, struct str origin, struct err *e)
{
	sqlite3_stmt *s = NULL;

	TRY(open_db(f, path, e));
	if (!is_current(f, origin)) {
		(void)sqlite3_close(f->db); /* it is thrown away */
		f->db = NULL;
		(void)unlink(path); /* absent is fine */
		TRY(open_db(f, path, e));
		TRY(make_schema(f, origin, e));
	}
	TRY(prepare(f, "SELECT coalesce(max(ix) + 1, 0) FROM leaves", &s, e));
	if (sqlite3_step(s) == SQLITE_ROW) {
		f->size = (uint64_t)sqlite3_column_int64(s, 0);
	}
	(void)sqlite3_finalize(s); /* an empty answer is size 0 */
	TRY(prepare(f, "INSERT INTO leaves VALUES(?, ?, ?, ?, ?)", &f->add_leaf, e));
	TRY(prepare(f, "INSERT INTO calls VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", &f->add_call, e));
	TRY(prepare(f, "SELECT task FROM leaves WHERE ix = ?", &f->task_of, e));
	return prepare(f, "UPDATE leaves SET task = ? WHERE ix = ?", &f->adopt, e);
}

enum rc fold_open(const char *path, struct str origin, struct fold **ret, struct err *e)
{
	struct fold *f = mem_calloc(1, sizeof(*f));
	enum rc rc;

	if (!f) {
		FAIL(e, RC_NOMEM, "no memory for the index");
	}
	rc = set_up(f, path, origin, e);
	if (rc != RC_OK) {
		fold_free(f);
		return rc;
	}
	*ret = f;
	return RC_OK;
}

void fold_free(struct fold *f)
{
	if (!f) {
		return;
	}
	(void)sqlite3_finalize(f->add_leaf); /* NULL is fine, and so are old errors */
	(void)sqlite3_finalize(f->add_call);
	(void)sqlite3_finalize(f->task_of);
	(void)sqlite3_finalize(f->adopt);
	(void)sqlite3_close(f->db); /* nothing is open on it */
	mem_free(f);
}

uint64_t fold_size(const struct fold *f)
{
	return f->size;
}

enum rc fold_begin(struct fold *f, struct err *e)
{
	return run(f, "BEGIN", e);
}

enum rc fold_commit(struct fold *f, struct err *e)
{
	return run(f, "COMMIT", e);
}

/* ---- rows ---- */

static uint64_t task_of(struct fold *f, uint64_t ix)
{
	uint64_t task = 0;

	(void)sqlite3_reset(f->task_of); /* errors show at the next step */
	bind_u64(f->task_of, 1, ix);
	if (sqlite3_step(f->task_of) == SQLITE_ROW) {
		task = (uint64_t)sqlite3_column_int64(f->task_of, 0);
	}
	(void)sqlite3_reset(f->task_of); /* as above */
	return task;
}

static uint64_t number(const struct json *j, const char *name)
{
	uint64_t v;

	return json_u64(json_get(j, str_from(name)), &v) ? v : 0;
}

static struct str text(const struct json *j, const char *name)
{
	struct str s;

	return json_str(json_get(j, str_from(name)), &s) ? s : STR("");
}

static uint64_t task_of_leaf(struct fold *f, uint64_t ix, struct str type, const struct json *j)
{
	static const char *const causes[] = {"call", "approval", "lease",
					     "term", "about",	 "parent"};

	if (str_eq(type, STR("task.opened"))) {
		return ix;
	}
	if (number(j, "task")) {
		return number(j, "task");
	}
	for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
		uint64_t task = number(j, causes[i]) ? task_of(f, number(j, causes[i])) : 0;

		if (task) {
			return task;
		}
	}
	return 0;
}

/* The members of a leaf that tell its story, in one line. */
static enum rc describe(const struct json *j, struct buf *out)
{
	static const char *const members[] = {
	    "tool",	   "targets",  "verdict",     "reason",	  "state",     "kind",
	    "how",	   "person",   "grants",      "owner",	  "backend",   "read_back",
	    "class",	   "playbook", "accountable", "phase",	  "why",       "by",
	    "closure",	   "purpose",  "holds",	      "notifier", "delivered", "gates",
	    "policies",	   "scope",    "name",	      "detail",	  "call",      "approval",
	    "preapproval", "lease",    "term",	      "parent",	  "evidence",  "intent",
	    "incident",
	};

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const struct json *m = json_get(j, str_from(members[i]));

		if (!m || str_eq(m->raw, STR("\"\""))) {
			continue;
		}
		TRY(buf_addf(out, "%s%s=", out->n ? " " : "", members[i]));
		TRY(buf_add(out, json_type(m) == JSON_STRING ? m->text : m->raw));
	}
	return RC_OK;
}

static enum rc step_once(struct fold *f, sqlite3_stmt *s, struct err *e)
{
	enum rc rc =
	    sqlite3_step(s) == SQLITE_DONE ? RC_OK : db_error(f, "a leaf cannot be indexed", e);

	(void)sqlite3_reset(s); /* the error was taken from step */
	return rc;
}

static enum rc add_call(struct fold *f, uint64_t ix, const struct json *j, uint64_t task,
			struct err *e)
{
	sqlite3_stmt *s = f->add_call;
	const struct json *targets = json_get(j, STR("targets"));

	bind_u64(s, 1, ix);
	bind_u64(s, 2, number(j, "t"));
	bind_u64(s, 3, task);
	bind_str(s, 4, text(j, "agent"));
	bind_str(s, 5, text(j, "tool"));
	bind_str(s, 6, text(j, "purpose"));
	bind_str(s, 7, text(j, "effect"));
	bind_str(s, 8, text(j, "verdict"));
	bind_str(s, 9, text(j, "reason"));
	bind_str(s, 10, targets ? targets->raw : STR("[]"));
	return step_once(f, s, e);
}

enum rc fold_add(struct fold *f, uint64_t ix, struct str leaf, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(64 * LIMIT_LEAF_BYTES);
	AUTO_BUF what = BUF_INIT(2 * LIMIT_LEAF_BYTES);
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *j;
	struct str type;
	uint64_t task;

	MUST(ix == f->size);
	TRY(json_parse(&arena, leaf, &limits, &j, e));
	type = text(j, "type");
	task = task_of_leaf(f, ix, type, j);
	TRY(describe(j, &what));
	bind_u64(f->add_leaf, 1, ix);
	bind_u64(f->add_leaf, 2, number(j, "t"));
	bind_str(f->add_leaf, 3, type);
	bind_u64(f->add_leaf, 4, task);
	bind_str(f->add_leaf, 5, buf_view(&what));
	TRY(step_once(f, f->add_leaf, e));
	if (str_eq(type, STR("call.decided"))) {
		TRY(add_call(f, ix, j, task, e));
	}
	if (str_eq(type, STR("task.opened"))) {
		bind_u64(f->adopt, 1, ix);
		bind_u64(f->adopt, 2, number(j, "intent"));
		TRY(step_once(f, f->adopt, e));
	}
	f->size = ix + 1;
	return RC_OK;
}

/* ---- answers ---- */

static void write_time(struct json_out *w, uint64_t unix_ms)
{
	char stamp[25];

	clock_format_unix_ms(unix_ms, stamp);
	json_out_key_str(w, "time", str_from(stamp));
}

enum rc fold_timeline(struct fold *f, uint64_t task, struct buf *ret, struct err *e)
{
	struct json_out w = json_out_to(ret);
	sqlite3_stmt *s = NULL;
	size_t n = 0;
	int step;

	TRY(prepare(f, "SELECT ix, t, type, what FROM leaves WHERE task = ? ORDER BY ix LIMIT 1000",
		    &s, e));
	bind_u64(s, 1, task);
	json_out_object(&w);
	json_out_key(&w, STR("leaves"));
	json_out_array(&w);
	while ((step = sqlite3_step(s)) == SQLITE_ROW) {
		json_out_object(&w);
		json_out_key_u64(&w, "leaf", (uint64_t)sqlite3_column_int64(s, 0));
		write_time(&w, (uint64_t)sqlite3_column_int64(s, 1));
		json_out_key_str(&w, "type", column(s, 2));
		json_out_key_str(&w, "what", column(s, 3));
		json_out_close(&w);
		n++;
	}
	json_out_close(&w);
	json_out_close(&w);
	(void)sqlite3_finalize(s); /* the error was taken from step */
	if (step != SQLITE_DONE) {
		return db_error(f, "the index cannot be read", e);
	}
	if (n == 0) {
		FAIL(e, RC_ABSENT, "no task 't%llu' in the published log",
		     (unsigned long long)task);
	}
	return json_out_end(&w, e);
}

enum rc fold_calls(struct fold *f, const struct fold_filter *filter, struct buf *ret, struct err *e)
{
	struct json_out w = json_out_to(ret);
	sqlite3_stmt *s = NULL;
	char id[24];
	int step;

	TRY(prepare(f,
		    "SELECT ix, t, task, agent, tool, purpose, effect, verdict, reason, targets"
		    " FROM calls WHERE (?1 = '' OR agent = ?1 OR agent LIKE '%/' || ?1)"
		    " AND (?2 = '' OR tool = ?2) AND (?3 = '' OR verdict = ?3)"
		    " AND (?4 = 0 OR task = ?4) ORDER BY ix DESC LIMIT ?5",
		    &s, e));
	bind_str(s, 1, filter->agent);
	bind_str(s, 2, filter->tool);
	bind_str(s, 3, filter->verdict);
	bind_u64(s, 4, filter->task);
	bind_u64(s, 5, filter->limit && filter->limit < ANSWER_ROWS ? filter->limit : ANSWER_ROWS);
	json_out_object(&w);
	json_out_key(&w, STR("calls"));
	json_out_array(&w);
	while ((step = sqlite3_step(s)) == SQLITE_ROW) {
		json_out_object(&w);
		json_out_key_str(&w, "id", id_text('c', (uint64_t)sqlite3_column_int64(s, 0), id));
		write_time(&w, (uint64_t)sqlite3_column_int64(s, 1));
		if (sqlite3_column_int64(s, 2)) {
			json_out_key_str(&w, "task",
					 id_text('t', (uint64_t)sqlite3_column_int64(s, 2), id));
		}
		json_out_key_str(&w, "agent", column(s, 3));
		json_out_key_str(&w, "tool", column(s, 4));
		json_out_key_str(&w, "purpose", column(s, 5));
		json_out_key_str(&w, "effect", column(s, 6));
		json_out_key_str(&w, "verdict", column(s, 7));
		json_out_key_str(&w, "reason", column(s, 8));
		json_out_key(&w, STR("targets"));
		json_out_raw(&w, column(s, 9));
		json_out_close(&w);
	}
	json_out_close(&w);
	json_out_close(&w);
	(void)sqlite3_finalize(s); /* the error was taken from step */
	if (step != SQLITE_DONE) {
		return db_error(f, "the index cannot be read", e);
	}
	return json_out_end(&w, e);
}
