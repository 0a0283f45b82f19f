/* SPDX-License-Identifier: Apache-2.0 */
/* state.c - any bytes are a state or none; a state that was read is written and read as itself. */
#include <stdlib.h>

#include "../unit/state_bytes.h"

#include "fuzz.h"

int fuzz_one(const uint8_t *bytes, size_t n)
{
	struct state_bytes source = {.bytes = str_of(bytes, n)};
	struct state *s;
	struct state *again;
	struct digest d;
	struct err e = ERR_INIT;

	if (state_read(state_bytes_get, &source, &s, &d, &e) != RC_OK) {
		return 0;
	}
	if (state_again(s, &again, &e) != RC_OK) {
		abort();
	}
	state_free(again);
	state_free(s);
	return 0;
}
