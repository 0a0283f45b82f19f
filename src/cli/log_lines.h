/* SPDX-License-Identifier: Apache-2.0 */
/* cli/log_lines.h - leaves as JSON lines that a reader can follow without a gap.
 *
 * A line is {"leaf": index, "hash": leaf hash, "record": the leaf's exact bytes}; a leaf that is
 * not JSON on one line (of another's log) has "base64" instead of "record". Indices count up by
 * one, so a gap shows; the hash is that of RFC 6962, so whoever has all of them computes the signed
 * root.
 */
#pragma once

#include <tlog.h>

#include "base/buf.h"

enum { LOG_FILTERS = 16 };

/* FIELD=VALUE (equal, or an element that is equal) or FIELD~TEXT (contains it). An index is equal
 * with its letter before it as well ("t5"). A leaf without the field, or that is not JSON, does not
 * match. */
struct log_filter {
	struct str field;
	struct str value;
	bool is_contained;
};

/* RC_INPUT: no such form, or no kind of leaf has such a field. ret borrows from text. */
enum rc log_filter_parse(struct str text, struct log_filter *ret, struct err *e);

/* Where to go on: an index, or index:hash, so that another log is refused. */
struct log_cursor {
	uint64_t ix;
	bool has_hash;
	struct tlog_hash hash;
};
bool log_cursor_parse(struct str text, struct log_cursor *ret) MUST_USE;
/* Is the leaf at the cursor the one that it says? RC_BROKEN if not, RC_ABSENT beyond the log. */
enum rc log_cursor_check(struct tlog_dir *d, struct tlog_hasher *h, const struct log_cursor *c,
			 uint64_t size, struct err *e);

struct log_range {
	uint64_t from;
	uint64_t to;   /* not included */
	uint64_t size; /* of the tree, that of the directory */
};
/* Writes the leaves of a range that match to standard output. */
enum rc log_lines_print(struct tlog_dir *d, struct tlog_hasher *h, const struct log_range *range,
			const struct log_filter *f, size_t n_filters, struct err *e);
/* One line: {"checkpoint": {"origin", "size", "root"}, "note": the signed note}. */
enum rc log_lines_checkpoint(const struct tlog_checkpoint *c, struct str note, struct err *e);
