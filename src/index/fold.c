/* SPDX-License-Identifier: Apache-2.0 */
/* index/fold.c - SQLite rows from leaves.
 *
 * Every leaf is one row with the task it belongs to: its own, or that of the call, approval, lease
 * or term it cites. Calls have a row of their own to search by.
 *
 * Holds:  (1) what a kill or a power cut may have left half done is never read: rows are written
 *             through a write-ahead log, and the bulk of a new index, which is not, counts only
 *             when it is whole and on the disk (meta.whole).
 *         (2) a damaged file goes at once: the index is built again, and nothing else ends for it.
 */
#include "index/fold.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/json.h"
#include "core/leaf.h"
#include "index/fold_impl.h"

enum {
	SCHEMA_VERSION = 5,
	/* Pages kept in memory, in KiB: the right edges of all indexes and what was read lately. */
	CACHE_KIB = 32768,
	/* An empty index that is so far behind gets its rows first and is sorted then. */
	BULK_LEAVES = 20000,
};

/* (2) Nothing of ours is lost with it. */
static void throw_away(const char *path)
{
	char wal[PATH_MAX + 8];

	(void)snprintf(wal, sizeof(wal), "%s-wal", path); /* it fits */
	(void)unlink(wal);				  /* absent is fine, twice */
	(void)unlink(path);
}

enum rc fold_db_error(struct fold *f, const char *what, struct err *e)
{
	int code = sqlite3_errcode(f->db);

	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
		throw_away(f->path);
		f->is_damaged = true;
	}
	FAIL(e, RC_IO, "%s: %s", what, sqlite3_errmsg(f->db));
}

static enum rc run(struct fold *f, const char *sql, struct err *e)
{
	if (sqlite3_exec(f->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		return fold_db_error(f, "the index cannot be changed", e);
	}
	return RC_OK;
}

enum rc fold_prepare(struct fold *f, const char *sql, sqlite3_stmt **ret, struct err *e)
{
	if (sqlite3_prepare_v2(f->db, sql, -1, ret, NULL) != SQLITE_OK) {
		return fold_db_error(f, "the index cannot be read", e);
	}
	return RC_OK;
}

/* Is the file ours, of this version and this log? */
static bool is_current(struct fold *f, struct str origin)
{
	sqlite3_stmt *s = NULL;
	bool ok = false;

	if (sqlite3_prepare_v2(f->db, "SELECT version, origin, whole FROM meta", -1, &s, NULL) ==
		SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW) {
		ok = sqlite3_column_int64(s, 0) == SCHEMA_VERSION &&
		     str_eq(fold_column(s, 1), origin) && sqlite3_column_int64(s, 2) == 1;
	}
	(void)sqlite3_finalize(s); /* an error was seen by step */
	return ok;
}

static enum rc make_schema(struct fold *f, struct str origin, struct err *e)
{
	sqlite3_stmt *s = NULL;
	enum rc rc;

	TRY(run(f,
		"CREATE TABLE meta(version INTEGER, origin TEXT, whole INTEGER);"
		"CREATE TABLE leaves(ix INTEGER PRIMARY KEY, t INTEGER, type TEXT, task INTEGER,"
		" what TEXT);"
		"CREATE TABLE tasks(ix INTEGER PRIMARY KEY, incident INTEGER);"
		"CREATE TABLE calls(ix INTEGER PRIMARY KEY, t INTEGER, task INTEGER,"
		" incident INTEGER, agent TEXT, name TEXT, tool TEXT, purpose TEXT, effect TEXT,"
		" verdict TEXT, reason TEXT, targets TEXT, data TEXT, outcome TEXT, bytes INTEGER,"
		" trace TEXT);"
		/* Classes of data of allowed calls: known = from the account of what was read, else
		 * as the tool's description has it. */
		"CREATE TABLE classes(class TEXT, t INTEGER, call INTEGER, known INTEGER,"
		" PRIMARY KEY(class, t, call, known)) WITHOUT ROWID;"
		/* What each read was: the account's leaf, which has the objects beside it. */
		"CREATE TABLE reads(call INTEGER PRIMARY KEY, ix INTEGER, described INTEGER,"
		" counts TEXT, bytes INTEGER, redacted INTEGER, withheld INTEGER);",
		e));
	TRY(fold_prepare(f, "INSERT INTO meta VALUES(?, ?, 1)", &s, e));
	fold_bind_u64(s, 1, SCHEMA_VERSION);
	fold_bind_str(s, 2, origin);
	rc = sqlite3_step(s) == SQLITE_DONE ? RC_OK
					    : fold_db_error(f, "the index cannot be made", e);
	(void)sqlite3_finalize(s); /* the error was taken from step */
	return rc;
}

/* search.c names them. Those of denied calls are small, and what people look for most. */
static const char sort_schema[] =
    "CREATE INDEX IF NOT EXISTS leaves_task ON leaves(task, ix);"
    "CREATE INDEX IF NOT EXISTS calls_t ON calls(t);"
    "CREATE INDEX IF NOT EXISTS calls_name ON calls(name, t);"
    "CREATE INDEX IF NOT EXISTS calls_task ON calls(task, t);"
    "CREATE INDEX IF NOT EXISTS calls_incident ON calls(incident, t);"
    "CREATE INDEX IF NOT EXISTS calls_tool ON calls(tool, t);"
    "CREATE INDEX IF NOT EXISTS calls_verdict ON calls(verdict, t);"
    "CREATE INDEX IF NOT EXISTS calls_reason ON calls(reason, t);"
    "CREATE INDEX IF NOT EXISTS calls_trace ON calls(trace, t) WHERE trace <> '';"
    "CREATE INDEX IF NOT EXISTS denied_name ON calls(name, t) WHERE verdict = 'deny';"
    "CREATE INDEX IF NOT EXISTS denied_incident ON calls(incident, t) WHERE verdict = 'deny';"
    "CREATE INDEX IF NOT EXISTS denied_tool ON calls(tool, t) WHERE verdict = 'deny';";

static enum rc open_db(struct fold *f, const char *path, struct err *e)
{
	char cache[64];

	/* One thread, one process: it needs no locks. */
	if (sqlite3_open_v2(path, &f->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK) {
		return fold_db_error(f, "the index cannot be opened", e);
	}
	(void)snprintf(cache, sizeof(cache), "PRAGMA cache_size=-%d", CACHE_KIB); /* fits */
	TRY(run(f, cache, e));
	return run(f,
		   "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;"
		   "PRAGMA synchronous=NORMAL; PRAGMA trusted_schema=OFF",
		   e);
}

static enum rc read_size(struct fold *f, struct err *e)
{
	sqlite3_stmt *s = NULL;
	int code;

	TRY(fold_prepare(f, "SELECT coalesce(max(ix) + 1, 0) FROM leaves", &s, e));
	code = sqlite3_step(s);
	f->size = code == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
	(void)sqlite3_finalize(s); /* the error was seen by step */
	return code == SQLITE_ROW ? RC_OK : fold_db_error(f, "the index cannot be read", e);
}

static enum rc set_up(struct fold *f, const char *path, struct str origin, struct err *e)
{
	TRY(open_db(f, path, e));
	if (!is_current(f, origin)) {
		(void)sqlite3_close(f->db); /* it is thrown away */
		f->db = NULL;
		throw_away(path);
		TRY(open_db(f, path, e));
		TRY(make_schema(f, origin, e));
	}
	TRY(read_size(f, e));
	TRY(fold_prepare(f, "INSERT INTO leaves VALUES(?, ?, ?, ?, ?)", &f->add_leaf, e));
	TRY(fold_prepare(f,
			 "INSERT INTO calls VALUES(?1, ?2, ?3,"
			 " coalesce((SELECT incident FROM tasks WHERE ix = ?3), 0),"
			 " ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, '', 0, ?13)",
			 &f->add_call, e));
	TRY(fold_prepare(f, "UPDATE calls SET outcome = ?2, bytes = ?3 WHERE ix = ?1",
			 &f->complete_call, e));
	TRY(fold_prepare(f, "INSERT OR REPLACE INTO reads VALUES(?, ?, ?, ?, ?, ?, ?)",
			 &f->add_read, e));
	TRY(fold_prepare(f, "INSERT INTO tasks VALUES(?, ?)", &f->add_task, e));
	TRY(fold_prepare(f, "SELECT task FROM leaves WHERE ix = ?", &f->task_of, e));
	TRY(fold_prepare(
	    f,
	    "INSERT OR IGNORE INTO classes VALUES(?1, (SELECT t FROM calls WHERE ix = ?2), ?2, ?3)",
	    &f->add_class, e));
	TRY(fold_prepare(f, "UPDATE leaves SET task = ? WHERE ix = ?", &f->adopt, e));
	return f->size ? fold_sort(f, e) : RC_OK;
}

/* (1) */
static enum rc begin_bulk(struct fold *f, struct err *e)
{
	TRY(run(f, "UPDATE meta SET whole = 0; PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF",
		e));
	f->is_bulk = true;
	return RC_OK;
}

/* The first update takes all that was written before to the disk. */
static enum rc end_bulk(struct fold *f, struct err *e)
{
	TRY(run(f,
		"PRAGMA synchronous=FULL; UPDATE meta SET whole = 0; PRAGMA journal_mode=WAL;"
		"UPDATE meta SET whole = 1; PRAGMA synchronous=NORMAL",
		e));
	f->is_bulk = false;
	return RC_OK;
}

enum rc fold_expect(struct fold *f, uint64_t size, struct err *e)
{
	if (f->size == 0 && size >= BULK_LEAVES && !f->is_bulk) {
		TRY(begin_bulk(f, e));
	}
	return f->is_bulk && f->size < size ? RC_OK : fold_sort(f, e);
}

enum rc fold_sort(struct fold *f, struct err *e)
{
	if (f->is_sorted) {
		return RC_OK;
	}
	TRY(run(f, sort_schema, e));
	f->is_sorted = true;
	return f->is_bulk ? end_bulk(f, e) : RC_OK;
}

static struct fold *fold_fresh(const char *path)
{
	struct fold *f = mem_calloc(1, sizeof(*f));

	if (f) {
		f->path = path;
		f->arena = (struct arena)ARENA_INIT(64 * LIMIT_LEAF_BYTES);
		f->what = (struct buf)BUF_INIT(2 * LIMIT_LEAF_BYTES);
	}
	return f;
}

enum rc fold_open(const char *path, struct str origin, struct fold **ret, struct err *e)
{
	enum rc rc = RC_BROKEN;

	for (int tries = 0; tries < 2; tries++) {
		struct fold *f = fold_fresh(path);
		bool is_damaged;

		if (!f) {
			FAIL(e, RC_NOMEM, "no memory for the index");
		}
		rc = set_up(f, path, origin, e);
		if (rc == RC_OK) {
			*ret = f;
			return RC_OK;
		}
		is_damaged = f->is_damaged;
		fold_free(f);
		if (!is_damaged) {
			break;
		}
		log_warn("%s: it is built again", e->msg); /* (2) */
	}
	return rc;
}

void fold_free(struct fold *f)
{
	if (!f) {
		return;
	}
	(void)sqlite3_finalize(f->add_leaf); /* NULL is fine, and so are old errors */
	(void)sqlite3_finalize(f->add_call);
	(void)sqlite3_finalize(f->complete_call);
	(void)sqlite3_finalize(f->add_read);
	(void)sqlite3_finalize(f->add_task);
	(void)sqlite3_finalize(f->task_of);
	(void)sqlite3_finalize(f->add_class);
	(void)sqlite3_finalize(f->adopt);
	(void)sqlite3_close(f->db); /* nothing is open on it */
	arena_fini(&f->arena);
	buf_fini(&f->what);
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

void fold_skip(struct fold *f, uint64_t first)
{
	if (f->size < first) {
		f->size = first;
	}
}

enum rc fold_give_up(struct fold *f, struct err *e)
{
	(void)sqlite3_exec(f->db, "ROLLBACK", NULL, NULL, NULL); /* there may be nothing begun */
	memset(f->lately, 0, sizeof(f->lately));
	return read_size(f, e);
}

bool fold_is_damaged(const struct fold *f)
{
	return f->is_damaged;
}

/* ---- rows ---- */

static void remember_task(struct fold *f, uint64_t ix, uint64_t task)
{
	f->lately[ix % FOLD_LATELY].ix = ix;
	f->lately[ix % FOLD_LATELY].task = task;
}

static uint64_t task_of(struct fold *f, uint64_t ix)
{
	uint64_t task = 0;

	if (f->lately[ix % FOLD_LATELY].ix == ix) {
		return f->lately[ix % FOLD_LATELY].task;
	}
	(void)sqlite3_reset(f->task_of); /* errors show at the next step */
	fold_bind_u64(f->task_of, 1, ix);
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
	enum rc rc = sqlite3_step(s) == SQLITE_DONE
			 ? RC_OK
			 : fold_db_error(f, "a leaf cannot be indexed", e);

	(void)sqlite3_reset(s); /* the error was taken from step */
	return rc;
}

static struct str raw(const struct json *j, const char *name, struct str otherwise)
{
	const struct json *m = json_get(j, str_from(name));

	return m ? m->raw : otherwise;
}

struct str fold_short_name(struct str id)
{
	const char *slash = id.n ? memrchr(id.p, '/', id.n) : NULL;

	return slash ? str_slice(id, (size_t)(slash - id.p) + 1, id.n) : id;
}

/* "pii=3" is of class pii. */
static enum rc add_classes(struct fold *f, uint64_t call, const struct json *list, bool is_known,
			   struct err *e)
{
	for (const struct json *c = list ? list->child : NULL; c; c = c->next) {
		struct str class = c->text;

		if (is_known) {
			struct str rest = class;

			class = str_cut(&rest, '=');
		}
		fold_bind_str(f->add_class, 1, class);
		fold_bind_u64(f->add_class, 2, call);
		fold_bind_u64(f->add_class, 3, is_known);
		TRY(step_once(f, f->add_class, e));
	}
	return RC_OK;
}

static enum rc add_call(struct fold *f, uint64_t ix, const struct json *j, uint64_t task,
			struct err *e)
{
	sqlite3_stmt *s = f->add_call;

	fold_bind_u64(s, 1, ix);
	fold_bind_u64(s, 2, number(j, "t"));
	fold_bind_u64(s, 3, task);
	fold_bind_str(s, 4, text(j, "agent"));
	fold_bind_str(s, 5, fold_short_name(text(j, "agent")));
	fold_bind_str(s, 6, text(j, "tool"));
	fold_bind_str(s, 7, text(j, "purpose"));
	fold_bind_str(s, 8, text(j, "effect"));
	fold_bind_str(s, 9, text(j, "verdict"));
	fold_bind_str(s, 10, text(j, "reason"));
	fold_bind_str(s, 11, raw(j, "targets", STR("[]")));
	fold_bind_str(s, 12, raw(j, "data", STR("[]")));
	fold_bind_str(s, 13, text(j, "trace"));
	TRY(step_once(f, s, e));
	return str_eq(text(j, "verdict"), STR("allow"))
		   ? add_classes(f, ix, json_get(j, STR("data")), false, e)
		   : RC_OK;
}

static enum rc complete_call(struct fold *f, const struct json *j, struct err *e)
{
	fold_bind_u64(f->complete_call, 1, number(j, "call"));
	fold_bind_str(f->complete_call, 2, text(j, "kind"));
	fold_bind_u64(f->complete_call, 3, number(j, "result_bytes"));
	return step_once(f, f->complete_call, e);
}

static enum rc add_read(struct fold *f, uint64_t ix, const struct json *j, struct err *e)
{
	sqlite3_stmt *s = f->add_read;

	fold_bind_u64(s, 1, number(j, "call"));
	fold_bind_u64(s, 2, ix);
	fold_bind_u64(s, 3, json_type(json_get(j, STR("described"))) == JSON_TRUE);
	fold_bind_str(s, 4, raw(j, "counts", STR("[]")));
	fold_bind_u64(s, 5, number(j, "bytes"));
	fold_bind_u64(s, 6, number(j, "redacted"));
	fold_bind_u64(s, 7, json_type(json_get(j, STR("withheld"))) == JSON_TRUE);
	TRY(step_once(f, s, e));
	return add_classes(f, number(j, "call"), json_get(j, STR("counts")), true, e);
}

static enum rc add_task(struct fold *f, uint64_t ix, const struct json *j, struct err *e)
{
	fold_bind_u64(f->add_task, 1, ix);
	fold_bind_u64(f->add_task, 2, number(j, "incident"));
	TRY(step_once(f, f->add_task, e));
	fold_bind_u64(f->adopt, 1, ix);
	fold_bind_u64(f->adopt, 2, number(j, "intent"));
	remember_task(f, number(j, "intent"), ix);
	return step_once(f, f->adopt, e);
}

enum rc fold_add(struct fold *f, uint64_t ix, struct str leaf, struct err *e)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *j;
	struct str type;
	uint64_t task;

	MUST(ix == f->size);
	arena_reset(&f->arena);
	buf_reset(&f->what);
	TRY(json_parse(&f->arena, leaf, &limits, &j, e));
	type = text(j, "type");
	task = task_of_leaf(f, ix, type, j);
	TRY(describe(j, &f->what));
	fold_bind_u64(f->add_leaf, 1, ix);
	fold_bind_u64(f->add_leaf, 2, number(j, "t"));
	fold_bind_str(f->add_leaf, 3, type);
	fold_bind_u64(f->add_leaf, 4, task);
	fold_bind_str(f->add_leaf, 5, buf_view(&f->what));
	TRY(step_once(f, f->add_leaf, e));
	remember_task(f, ix, task);
	if (str_eq(type, STR("call.decided"))) {
		TRY(add_call(f, ix, j, task, e));
	}
	if (str_eq(type, STR("call.completed"))) {
		TRY(complete_call(f, j, e));
	}
	if (str_eq(type, STR("read.accounted"))) {
		TRY(add_read(f, ix, j, e));
	}
	if (str_eq(type, STR("task.opened"))) {
		TRY(add_task(f, ix, j, e));
	}
	f->size = ix + 1;
	return RC_OK;
}
