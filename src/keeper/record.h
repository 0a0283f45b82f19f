/* SPDX-License-Identifier: Apache-2.0 */
/* keeper/record.h - the anti-rollback record: what the keeper has last signed, or meant to.
 *
 * Kept apart from the log, durably, and written before each signature: in a directory of its own,
 * the anchor, which may be on another disk than the log. It must never be restored from a backup:
 * together with the log it would hide what was signed since. Format: docs/formats/keeper.md.
 */
#pragma once

#include <tlog.h>

struct record {
	uint64_t size;
	struct tlog_hash root; /* all zero while size is 0 */
};

/* The record of a log that has signed nothing. RC_DENIED when there is one already of a log that
 * has signed something, RC_BROKEN when one is there that cannot be read, or of another origin. */
enum rc record_create(const char *dir, struct str origin, struct err *e);
/* RC_BROKEN when it is missing, malformed or of another origin. */
enum rc record_load(const char *dir, struct str origin, struct record *ret, struct err *e);
/* Makes the anchor this process's own until *ret_fd is closed. RC_DENIED when another one has it:
 * two instances of one log would both sign. */
enum rc record_lock(const char *dir, int *ret_fd, struct err *e);
/* Durable when it returns. */
enum rc record_store(const char *dir, struct str origin, const struct record *r, struct err *e);
