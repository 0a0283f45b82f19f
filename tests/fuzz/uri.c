/* SPDX-License-Identifier: Apache-2.0 */
/* uri.c - an accepted address is the sum of its parts; what is encoded decodes to itself; a decoded
 * segment has no second reading. */
#include "codec/uri.h"

#include "base/limits.h"

#include "fuzz.h"

static void check_address(struct str s)
{
	AUTO_BUF sum = BUF_INIT(2 * LIMIT_TEXT_BYTES);
	struct uri u;

	if (uri_parse(s, &u, NULL) != RC_OK) {
		return;
	}
	if (u.scheme == URI_UNIX) {
		MUST(buf_addf(&sum, "unix:" STR_FMT, STR_ARG(u.path)) == RC_OK);
		MUST(str_eq(buf_view(&sum), s));
		return;
	}
	MUST(uri_is_authority(u.authority) && uri_is_target(u.target) && u.port > 0);
	MUST(buf_addf(&sum, "%s://" STR_FMT STR_FMT, uri_scheme_name(u.scheme),
		      STR_ARG(u.authority), STR_ARG(u.target)) == RC_OK);
	/* The path may have been left out. */
	MUST(str_has_prefix(buf_view(&sum), s) && sum.n - s.n <= 1);
}

static void check_coding(struct str s)
{
	AUTO_BUF encoded = BUF_INIT(3 * s.n + 1);
	AUTO_BUF decoded = BUF_INIT(3 * s.n + 1);
	bool has_nul = str_find(s, '\0') != s.n;

	MUST(uri_encode(&encoded, s) == RC_OK);
	MUST(uri_decode_query(&decoded, buf_view(&encoded)) == (has_nul ? RC_INPUT : RC_OK));
	MUST(has_nul || str_eq(buf_view(&decoded), s));
	buf_reset(&decoded);
	if (uri_decode_segment(&decoded, s) != RC_OK) {
		MUST(decoded.n == 0);
		return;
	}
	MUST(str_find(buf_view(&decoded), '/') == decoded.n);
	MUST(str_find(buf_view(&decoded), '\0') == decoded.n);
	MUST(!str_eq(buf_view(&decoded), STR("..")) && !str_eq(buf_view(&decoded), STR(".")));
}

/* Every parameter that appears once is found under its decoded name. */
static void check_query(struct str s)
{
	AUTO_BUF name = BUF_INIT(s.n);
	AUTO_BUF value = BUF_INIT(s.n);
	struct str rest = s;
	struct str n;
	struct str v;

	if (s.n > 512) {
		return; /* quadratic */
	}
	while (uri_next_param(&rest, &n, &v)) {
		enum rc rc;

		buf_reset(&name);
		buf_reset(&value);
		if (uri_decode_query(&name, n) != RC_OK) {
			continue;
		}
		rc = uri_query_get(s, buf_view(&name), &value, NULL);
		MUST(rc == RC_OK || rc == RC_INPUT);
	}
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
	struct str s = str_of(bytes, n);

	check_address(s);
	check_coding(s);
	check_query(s);
	return 0;
}
