/* SPDX-License-Identifier: Apache-2.0 */
/* message.c - every message that decodes has one form: encoding it gives the same bytes. */
#include <stdlib.h>

#include "net/message.h"

#include "fuzz.h"

int fuzz_one(const uint8_t *bytes, size_t n)
{
	AUTO_BUF again = BUF_INIT(LIMIT_MESSAGE_BYTES);
	struct message m;
	struct err e = ERR_INIT;

	if (message_decode(str_of(bytes, n), &m, &e) != RC_OK) {
		return 0;
	}
	if (message_encode(&again, &m) != RC_OK || !str_eq(buf_view(&again), str_of(bytes, n))) {
		abort();
	}
	return 0;
}
