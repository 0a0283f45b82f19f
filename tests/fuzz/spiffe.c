/* SPDX-License-Identifier: Apache-2.0 */
/* spiffe.c - an ID that parses is its parts put together again, and nothing hides in them. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "identity/spiffe.h"

#include "fuzz.h"

int fuzz_one(const uint8_t *bytes, size_t n)
{
	AUTO_BUF again = BUF_INIT(LIMIT_SPIFFE_ID_BYTES);
	struct str text = str_of(bytes, n);
	struct spiffe_id id;
	struct err e = ERR_INIT;

	if (spiffe_parse(text, &id, &e) != RC_OK) {
		return 0;
	}
	if (buf_addf(&again, "spiffe://" STR_FMT STR_FMT, STR_ARG(id.trust_domain),
		     STR_ARG(id.path)) != RC_OK ||
	    !str_eq(buf_view(&again), text) || !spiffe_is_trust_domain(id.trust_domain)) {
		abort();
	}
	for (size_t i = 0; i < n; i++) {
		if (text.p[i] < '-' || text.p[i] > 'z' || memchr(";<=>?@[\\]^`", text.p[i], 11)) {
			abort();
		}
	}
	if (str_contains(id.path, STR("//")) || str_contains(id.path, STR("/../")) ||
	    str_has_suffix(id.path, STR("/"))) {
		abort();
	}
	return 0;
}
