/* SPDX-License-Identifier: Apache-2.0 */
/* tlog/verify.h - shared by the two halves of the verifier. */
#pragma once

#include <tlog.h>

/* Counts a fault and keeps it while there is room. */
void verify_fault(struct tlog_report *report, const char *file, uint64_t offset, uint64_t index,
		  const char *fmt, ...) PRINTF_LIKE(5, 6);
/* RC_OK without faults; else RC_BROKEN and e says the first. */
enum rc verify_result(const struct tlog_report *report, struct err *e);
