/* SPDX-License-Identifier: Apache-2.0 */
/* reconcile/match.h - did everything that a target saw go through Remit?
 *
 * Fed with the leaves of the log in their order, then with the rows of a target's own log. A row is
 * matched when it carries the id of an allowed call, happened while that call was under way, and
 * came under the credential that was lent for it. Everything else went round Remit. In the end the
 * calls that the target never saw are left.
 */
#pragma once

#include "base/err.h"
#include "core/leaf.h"
#include "reconcile/row.h"

enum row_verdict {
	ROW_IGNORED = 0, /* does not count, or of a principal that was not asked about */
	ROW_MATCHED,
	ROW_NO_CALL,	  /* carries no call's id */
	ROW_UNKNOWN_CALL, /* no call of that id was allowed */
	ROW_OUT_OF_TIME,  /* the call was not under way then */
	ROW_OTHER_LEASE,  /* under a credential that was lent for another task */
};
const char *row_verdict_text(enum row_verdict v); /* for people */

struct match_options {
	uint64_t skew_ms;    /* between the two clocks */
	uint64_t overrun_ms; /* a call whose end is unknown may have gone on so long */
	/* Whose rows are asked about: everybody's, or leased roles and these patterns ('*' at the
	 * end stands for any rest). */
	bool asks_about_all;
	const char *const *principals;
	size_t n_principals;
	struct str upstream; /* whose calls should have rows; "" = nobody's are missed */
};

struct match;

/* options is copied; what it points at must outlive the match. */
enum rc match_new(const struct match_options *options, struct match **ret, struct err *e);
void match_free(struct match *m);
enum rc match_add_leaf(struct match *m, uint64_t ix, const struct leaf *l, struct err *e);
enum row_verdict match_row(struct match *m, const struct row *row);
/* Allowed calls of the upstream that were sent within the time that the rows span, and have none:
 * the next one from *at on (0 at first). False at the end. */
bool match_next_missed(struct match *m, size_t *at, uint64_t *ret_call, uint64_t *ret_unix_ms);
