/* SPDX-License-Identifier: Apache-2.0 */
/* pruned.c - the file `pruned` of a log's directory: what is taken is printed as it was. */
#include <stdlib.h>

#include "core/pruned.h"

#include "fuzz.h"

int fuzz_one(const uint8_t *bytes, size_t n)
{
	char text[PRUNED_TEXT_BYTES];
	struct pruned p;
	struct pruned again;

	if (pruned_parse(str_of(bytes, n), &p, NULL) != RC_OK) {
		return 0;
	}
	if (p.first == 0 || p.leaf < p.first ||
	    pruned_parse(str_of(text, pruned_print(&p, text)), &again, NULL) != RC_OK ||
	    again.first != p.first || again.leaf != p.leaf) {
		abort();
	}
	return 0;
}
