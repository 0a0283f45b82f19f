/* SPDX-License-Identifier: Apache-2.0 */
/* identity/spiffe.h - SPIFFE IDs (SPIFFE-ID.md section 2), byte for byte.
 *
 * spiffe://trust-domain/path: nothing is normalised or decoded, upper case in the scheme or the
 * trust domain is refused, and two IDs are the same when their bytes are.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct spiffe_id {
	struct str text;	 /* the whole */
	struct str trust_domain; /* 1 to 255 of a-z 0-9 . - _ */
	struct str path;	 /* begins with '/'; empty for the trust domain itself */
};

/* The parts are borrowed from text. RC_INPUT, or RC_LIMIT over LIMIT_SPIFFE_ID_BYTES. */
enum rc spiffe_parse(struct str text, struct spiffe_id *ret, struct err *e);
/* As spiffe_parse, for the ID of a workload: it must have a path. */
enum rc spiffe_parse_workload(struct str text, struct spiffe_id *ret, struct err *e);
bool spiffe_is_trust_domain(struct str name);
