/* SPDX-License-Identifier: Apache-2.0 */
/* state_bytes.h - a state to bytes and back, for tests. */
#pragma once

#include <string.h>

#include "base/buf.h"
#include "core/state.h"

enum { STATE_BYTES_MAX = 64 * 1024 * 1024 };

struct state_bytes {
	struct str bytes;
	size_t at;
};

__attribute__((unused)) static enum rc state_bytes_put(void *ctx, const void *p, size_t n,
						       struct err *e)
{
	if (buf_add(ctx, str_of(p, n)) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a test");
	}
	return RC_OK;
}

/* In odd pieces. */
__attribute__((unused)) static enum rc state_bytes_get(void *ctx, void *p, size_t most,
						       size_t *ret_n, struct err *e)
{
	struct state_bytes *b = ctx;
	size_t n = b->bytes.n - b->at;

	(void)e;
	n = n < most ? n : most;
	n = n > 4093 ? 4093 : n;
	if (n) {
		memcpy(p, b->bytes.p + b->at, n);
	}
	b->at += n;
	*ret_n = n;
	return RC_OK;
}

/* What its bytes are read back as. RC_BROKEN when that is another state. */
__attribute__((unused)) static enum rc state_again(const struct state *s, struct state **ret,
						   struct err *e)
{
	AUTO_BUF bytes = BUF_INIT(STATE_BYTES_MAX);
	struct state *again = NULL;
	struct digest written;
	struct digest taken;
	struct digest of_again;
	struct state_bytes source;

	TRY(state_write(s, state_bytes_put, &bytes, &written, e));
	source = (struct state_bytes){.bytes = buf_view(&bytes)};
	TRY(state_read(state_bytes_get, &source, &again, &taken, e));
	if (state_digest(again, &of_again, e) != RC_OK || !digest_eq(&written, &of_again) ||
	    !digest_eq(&written, &taken)) {
		state_free(again);
		FAIL(e, RC_BROKEN, "a state of %llu leaves is read back as another",
		     (unsigned long long)state_size(s));
	}
	*ret = again;
	return RC_OK;
}
