/* SPDX-License-Identifier: Apache-2.0 */
/* front/witnessed.h - when each witness has cosigned the log last, for /metrics and /healthz.
 *
 * The governor verifies cosignatures and says when it took one (MESSAGE_WITNESS_SEEN), by
 * CLOCK_BOOTTIME: neither a witness's clock nor a jump of ours makes one look fresh. What a
 * governor that took the place of another one does not know stays what the last one said.
 */
#pragma once

#include <tlog.h>

#include "net/message.h"

enum { WITNESSED_NAME_BYTES = 256 }; /* as the message bounds it */

struct witnessed_one {
	char name[WITNESSED_NAME_BYTES];
	size_t name_n;
	uint64_t boot_ns; /* 0: not that anybody knows */
};

/* All zero is nobody. */
struct witnessed {
	size_t n;
	struct witnessed_one list[TLOG_POLICY_MAX_WITNESSES];
};

void witnessed_hear(struct witnessed *w, const struct msg_witness_seen *m);
/* Samples in the text format of Prometheus: none of a witness that has not cosigned.
 * RC_LIMIT, RC_NOMEM of `out`. */
enum rc witnessed_metrics(const struct witnessed *w, uint64_t now_boot_ns, struct buf *out);
/* A line for each witness. */
enum rc witnessed_lines(const struct witnessed *w, uint64_t now_boot_ns, struct buf *out);
