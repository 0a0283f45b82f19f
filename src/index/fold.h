/* SPDX-License-Identifier: Apache-2.0 */
/* index/fold.h - leaves to rows, and rows to answers. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct fold;

/* Opens or makes the database; one of another log or version, one that was not finished, and a
 * damaged one is made anew. path is borrowed. */
enum rc fold_open(const char *path, struct str origin, struct fold **ret, struct err *e);
void fold_free(struct fold *f);
/* The index of the next leaf wanted. */
uint64_t fold_size(const struct fold *f);
/* Says how many leaves there are to be in all, before and after they are added. An empty index that
 * is far behind takes them unsorted, which is twice as fast, and answers nothing (RC_AGAIN) until
 * this says that they are all there. Not between begin and commit. */
enum rc fold_expect(struct fold *f, uint64_t size, struct err *e);
/* Leaves between begin and commit become rows together. */
enum rc fold_begin(struct fold *f, struct err *e);
enum rc fold_add(struct fold *f, uint64_t ix, struct str leaf, struct err *e);
enum rc fold_commit(struct fold *f, struct err *e);
/* The log is pruned: what is not there yet of the leaves before that one never will be. */
void fold_skip(struct fold *f, uint64_t first);
/* After an error: nothing was begun, and fold_size says what there is. */
enum rc fold_give_up(struct fold *f, struct err *e);
/* It was found damaged, and thrown away; nothing but fold_free is useful any more. */
bool fold_is_damaged(const struct fold *f);

/* {"leaves": [{"leaf", "time", "type", "what"}]} of a task, oldest first. RC_ABSENT: no such task.
 */
enum rc fold_timeline(struct fold *f, uint64_t task, struct buf *ret, struct err *e);
/* Empty texts and zeros do not filter. */
struct fold_filter {
	struct str agent; /* the last part of its SPIFFE ID, or the whole */
	struct str tool;
	struct str verdict;
	struct str reason;
	struct str class; /* of data */
	struct str trace; /* a W3C trace id */
	uint64_t task;
	uint64_t incident;
	uint64_t since_unix_ms;
	uint64_t until_unix_ms;
	uint64_t before; /* a call: those older than it, the next page */
	uint64_t limit;	 /* at most, and by itself, 1000 */
};
/* {"calls": [...]}, newest first. A class filters what was touched only. */
enum rc fold_calls(struct fold *f, const struct fold_filter *filter, struct buf *ret,
		   struct err *e);
/* {"touched": [...]}: calls that were sent, or may have been, with what their results were. */
enum rc fold_touched(struct fold *f, const struct fold_filter *filter, struct buf *ret,
		     struct err *e);
