/* SPDX-License-Identifier: Apache-2.0 */
/* index/fold_impl.h - what fold.c (leaves to rows) and search.c (rows to answers) share; for nobody
 * else.
 *
 * Tables: leaves (every leaf, with the task it belongs to), tasks, calls, reads (what a read was),
 * classes (of data, of allowed calls).
 */
#pragma once

#include <sqlite3.h>

#include "base/arena.h"
#include "index/fold.h"

/* Leaves whose task is remembered; most causes are close. */
enum { FOLD_LATELY = 4096 };

struct fold {
	const char *path; /* borrowed */
	sqlite3 *db;
	bool is_damaged;    /* it was thrown away: nothing works any more */
	struct arena arena; /* of one leaf */
	struct buf what;    /* the same */
	bool is_sorted;	    /* the indexes are there */
	bool is_bulk;	    /* and are made when all rows are */
	struct {
		uint64_t ix; /* 0 is log.opened, which has no task */
		uint64_t task;
	} lately[FOLD_LATELY];
	sqlite3_stmt *add_leaf;
	sqlite3_stmt *add_call;
	sqlite3_stmt *complete_call;
	sqlite3_stmt *add_read;
	sqlite3_stmt *add_class;
	sqlite3_stmt *add_task;
	sqlite3_stmt *task_of;
	sqlite3_stmt *adopt;
	uint64_t size;
};

enum rc fold_db_error(struct fold *f, const char *what, struct err *e);
/* The last part of a SPIFFE ID: what people call the agent. */
struct str fold_short_name(struct str id);
/* Makes the indexes, once. */
enum rc fold_sort(struct fold *f, struct err *e);
enum rc fold_prepare(struct fold *f, const char *sql, sqlite3_stmt **ret, struct err *e);

/* Errors of binding show at the next step. v must live until then. */
static inline void fold_bind_str(sqlite3_stmt *s, int at, struct str v)
{
	(void)sqlite3_bind_text(s, at, v.p ? v.p : "", (int)v.n, SQLITE_STATIC);
}

static inline void fold_bind_u64(sqlite3_stmt *s, int at, uint64_t v)
{
	(void)sqlite3_bind_int64(s, at, (sqlite3_int64)v);
}

/* Borrowed until the next step. */
static inline struct str fold_column(sqlite3_stmt *s, int at)
{
	const unsigned char *p = sqlite3_column_text(s, at);

	return str_of(p, (size_t)sqlite3_column_bytes(s, at));
}

static inline uint64_t fold_column_u64(sqlite3_stmt *s, int at)
{
	return (uint64_t)sqlite3_column_int64(s, at);
}
