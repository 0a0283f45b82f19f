/* SPDX-License-Identifier: Apache-2.0 */
/* governor/readback.h - looking at a target: what verification and rollback share.
 *
 * The read that checks a tool (core/verify.h) is made as a call of Remit's own, on the record like
 * any other.
 */
#pragma once

#include "core/verify.h"
#include "governor/gov.h"

/* The JSON of a sealed value, NULL when there is none; scratch of the round. */
const struct json *readback_sealed(struct governor *g, uint64_t ix, uint8_t slot);
/* What has been recorded in this round can be read back. */
void readback_make_durable(struct governor *g);
/* A lease of that task (0 = Remit's own) for the tool: 0 when it needs none. *ret_waits: it is on
 * its way, or could not be ordered. */
uint64_t readback_lease(struct governor *g, uint64_t task, const struct tool *t, bool *ret_waits);
/* Starts the read that checks `of`, which was called with args in the state pre (may be NULL). */
enum rc readback_start(struct governor *g, const struct tool *of, const struct json *args,
		       const struct json *pre, uint64_t task, uint64_t parent, uint64_t lease,
		       enum purpose purpose, struct flight **ret, struct err *e);
/* Does its answer say what `of` promises? verify_judge, in the scratch of the round. */
struct readback readback_judge(struct governor *g, const struct tool *of, const struct json *args,
			       const struct json *pre, const struct msg_outcome *m,
			       const struct json *result);
/* "expected X, found Y", bounded, for the people who are told; scratch. */
struct str readback_text(struct governor *g, const struct readback *r);
/* Leases of Remit's own (task 0) are given back when nobody is left to use them. */
void readback_give_back(struct governor *g);
/* How long to wait before the next attempt after so many in vain. */
uint64_t readback_pause_ns(uint32_t tries);
