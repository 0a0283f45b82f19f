/* SPDX-License-Identifier: Apache-2.0 */
/* tlog_receipt.c - a receipt that parses prints as it was, and checking it ends. */
#include <tlog.h>

#include "fuzz.h"

int fuzz_one(const uint8_t *bytes, size_t n)
{
	static const char vkey[] =
	    "audit.example/gw1+a9d7d3ed+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
	AUTO_BUF again = BUF_INIT(TLOG_RECEIPT_MAX_BYTES);
	struct tlog_receipt r;
	struct tlog_vkey key;
	enum rc rc;

	if (tlog_receipt_parse(str_of(bytes, n), &r, NULL) != RC_OK) {
		return 0;
	}
	MUST(tlog_receipt_print(&r, &again, NULL) == RC_OK);
	MUST(str_eq(buf_view(&again), str_of(bytes, n)));
	MUST(tlog_vkey_parse(str_from(vkey), &key, NULL) == RC_OK);
	rc = tlog_receipt_check(&r, STR("two"), &key, NULL, NULL);
	MUST(rc != RC_OK || r.index == 1); /* nobody else has the log's key */
	return 0;
}
