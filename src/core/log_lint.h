/* SPDX-License-Identifier: Apache-2.0 */
/* core/log_lint.h - is a log whole? What is cited is there, and what was begun has an end.
 *
 * Fed with every leaf of a log in order. It shares nothing with the state that the governor decided
 * by but the leaves and their table: a second opinion.
 *
 *	(1) leaf 0, and no other, is log.opened; time never runs backwards; starts are counted
 *	(2) what a leaf cites is earlier, and of a kind that the table (core/leaf.def) names
 *	(3) what was allowed is recorded to its end: each call has one outcome (one that was unknown
 *	    may become known), in this life or the next; a life that ends within a minute may leave
 *	    it to the one after it, since its senders may not have said yet what they have
 *	(4) a destroy call of an agent rests on an approval or a pre-approval, or a person's
 *	    break-glass
 *	(5) an approval is used once, after it was granted, and ends once
 *	(6) a call's lease was delivered and is not over; a lease ends once
 *	(7) a task's calls come between its opening and its end; it ends once, then is closed once
 *	(8) a term that is over is not begun again
 *	(9) a task that is closed with nothing left has no lease that is not gone
 *	(10) what was asked before another bundle was activated is void from then on, and is so for
 *	     that reason only then
 *	(11) what a read is accounted for is the answer that is recorded before it: as long, and
 *with secrets taken out if it is labelled so
 *
 *	(12) a task is opened by the allowed intent right before it, or for the person who breaks
 *	     glass right behind it
 *	(13) a task moves on to a phase by using it in the call right behind
 *
 * What is open where the log ends is no fault: it is counted.
 */
#pragma once

#include "core/leaf.h"

enum { LOG_LINT_FAULTS = 1000 }; /* kept; all are counted */

struct log_lint;

struct log_lint_fault {
	uint64_t leaf; /* that shows it */
	struct str what;
};

/* How many there were, and how many are open now. */
struct log_lint_count {
	uint64_t all;
	uint64_t open;
};

struct log_lint_counts {
	uint64_t leaves;
	uint64_t faults;
	struct log_lint_count incidents;
	struct log_lint_count tasks; /* open: not closed */
	struct log_lint_count calls; /* allowed ones; open: without an outcome */
	uint64_t denials;
	struct log_lint_count approvals;
	struct log_lint_count leases;
	struct log_lint_count terms;
	struct log_lint_count stops; /* open: not acknowledged */
};

enum rc log_lint_new(struct log_lint **ret, struct err *e);
/* Before the first leaf: the log is pruned, and begins with that one. What is cited from before is
 * not looked for. */
void log_lint_begin(struct log_lint *l, uint64_t first);
void log_lint_free(struct log_lint *l);
/* Leaves in order, from 0. Only memory is an error. leaf may be gone afterwards. Two bytes per leaf
 * are kept, and the leases that are not gone. */
enum rc log_lint_take(struct log_lint *l, uint64_t ix, const struct leaf *leaf, struct err *e);
struct log_lint_counts log_lint_counts(const struct log_lint *l);
/* The first LOG_LINT_FAULTS, borrowed. */
const struct log_lint_fault *log_lint_faults(const struct log_lint *l, size_t *ret_n);
