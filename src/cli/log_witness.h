/* SPDX-License-Identifier: Apache-2.0 */
/* cli/log_witness.h - what witnesses have said about a published log, checked with a policy. */
#pragma once

#include <tlog.h>

#include "codec/json.h"

/* Reads a policy (C2SP tlog-policy). RC_INPUT names file and line. */
enum rc log_read_policy(const char *path, struct tlog_policy **ret, struct err *e);
/* The key of the policy's log of that origin. RC_DENIED when it knows none. */
enum rc log_policy_key(const struct tlog_policy *p, struct str origin, struct tlog_vkey *ret,
		       struct err *e);

/* Borrows from policy. */
struct log_witnessed {
	const struct tlog_policy *policy;
	uint64_t size; /* leaves under the checkpoint that the policy accepts; 0 = none */
	struct tlog_witnessed by;
};

/* Appends the newest checkpoint that a quorum cosigned; nothing before the first. To be read before
 * the log is verified: a log that grows meanwhile is then never behind it. */
enum rc log_read_witnessed(const char *log, struct buf *note, struct err *e);
/* Looks at the checkpoints of a log that was verified up to what report says: the newest that
 * policy accepts, and that the witnessed one (empty = none) is the beginning of what is published.
 * What is wrong is added to report. policy NULL: only the latter. */
void log_check_witnessed(struct tlog_dir *d, struct str witnessed, const struct tlog_vkey *key,
			 const struct tlog_policy *policy, struct tlog_report *report,
			 struct log_witnessed *ret);
/* The signed note that a receipt of that leaf should end with: the witnessed checkpoint when there
 * is one that covers it, else the published one, which note holds already. */
enum rc log_best_note(const char *log, const struct tlog_vkey *key, uint64_t index,
		      struct buf *note, struct tlog_checkpoint *c, struct err *e);

/* "witnessed": {...} into an open object; sentences for people. */
void log_witnessed_json(const struct log_witnessed *w, struct json_out *out);
enum rc log_witnessed_text(const struct log_witnessed *w, uint64_t size, struct buf *out);
