/* SPDX-License-Identifier: Apache-2.0 */
/* row.c - records of a target's log: every record is read or refused, and all of the file is. */
#include <stdlib.h>

#include "reconcile/row.h"

#include "fuzz.h"

int fuzz_one(const uint8_t *bytes, size_t n)
{
	static const enum row_form forms[] = {ROW_FORM_JSON, ROW_FORM_POSTGRESQL, ROW_FORM_NGINX};
	const struct row_mapping mapping = {
	    .time = STR("/t"), .call = STR("/c"), .what = STR("/w")};

	for (size_t i = 0; i < 3; i++) {
		AUTO_ARENA arena = ARENA_INIT(16 << 20);
		struct str rest = str_of(bytes, n);
		uint64_t line = 1;
		uint64_t newlines = 0;
		size_t seen = 0;
		struct str record;
		struct row row;

		while (row_next_record(forms[i], &rest, &line, &record)) {
			seen += record.n;
			/* Read or refused, it ends, and within the record. */
			(void)row_read(forms[i], &mapping, record, &arena, &row, NULL);
		}
		for (size_t k = 0; k < n; k++) {
			newlines += bytes[k] == '\n';
		}
		if (seen > n || seen + newlines < n || line > newlines + 2) {
			abort();
		}
	}
	return 0;
}
