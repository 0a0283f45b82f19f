/* SPDX-License-Identifier: Apache-2.0 */
/* tlog_checkpoint.c - a checkpoint that parses prints as it was. */
#include <tlog.h>

#include "fuzz.h"

int fuzz_one(const uint8_t *bytes, size_t n)
{
	AUTO_BUF again = BUF_INIT(1024);
	struct tlog_checkpoint c;

	if (tlog_checkpoint_parse(str_of(bytes, n), &c, NULL) == RC_OK) {
		MUST(tlog_checkpoint_print(&c, &again, NULL) == RC_OK);
		MUST(str_eq(buf_view(&again), str_of(bytes, n)));
	}
	return 0;
}
