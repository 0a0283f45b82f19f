/* SPDX-License-Identifier: Apache-2.0 */
/* tlog_bundle.c - the entries taken from a bundle make up its beginning again; a path that parses
 * is the path of its resource. */
#include <tlog.h>

#include <string.h>

#include "fuzz.h"

static void check_path(struct str bytes)
{
	char path[TLOG_PATH_BYTES];
	struct tlog_resource r;

	if (!tlog_path_parse(bytes, &r)) {
		return;
	}
	if (r.is_bundle) {
		tlog_bundle_path(r.n, r.width, path);
	} else {
		tlog_tile_path(r.level, r.n, r.width, path);
	}
	MUST(str_eq(str_from(path), bytes));
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
	AUTO_BUF again = BUF_INIT(TLOG_BUNDLE_MAX_BYTES);
	struct reader r = reader_of(str_of(bytes, n));
	struct str leaf;

	while (r.n > 0 && tlog_bundle_next(&r, &leaf)) {
		MUST(leaf.n <= TLOG_LEAF_MAX_BYTES);
		if (tlog_bundle_add(&again, leaf) != RC_OK) {
			return 0; /* more than any bundle has */
		}
	}
	MUST(again.n + r.n == n && (again.n == 0 || memcmp(again.p, bytes, again.n) == 0));
	check_path(str_of(bytes, n));
	return 0;
}
