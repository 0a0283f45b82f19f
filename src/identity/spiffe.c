/* SPDX-License-Identifier: Apache-2.0 */
/* identity/spiffe.c - the grammar, read like the specification.
 *
 * Trust: text comes from certificates and requests of anyone.
 */
#include "identity/spiffe.h"

#include "base/limits.h"

enum { TRUST_DOMAIN_BYTES = 255 };

#define SCHEME STR("spiffe://")

/* SPEC SPIFFE-ID 2.1: "lowercase letters, numbers, dots, dashes, and underscores". */
static bool is_trust_domain_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

/* SPEC SPIFFE-ID 2.2: "letters, numbers, dots, dashes, and underscores". */
static bool is_path_char(char c)
{
	return is_trust_domain_char(c) || (c >= 'A' && c <= 'Z');
}

bool spiffe_is_trust_domain(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		if (!is_trust_domain_char(name.p[i])) {
			return false;
		}
	}
	return name.n >= 1 && name.n <= TRUST_DOMAIN_BYTES;
}

static bool is_segment(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!is_path_char(s.p[i])) {
			return false;
		}
	}
	return s.n > 0 && !str_eq(s, STR(".")) && !str_eq(s, STR(".."));
}

/* Empty, or one or more segments, each behind a slash. */
static bool is_path(struct str path)
{
	while (path.n > 0) {
		struct str rest = str_slice(path, 1, path.n);
		size_t end = str_find(rest, '/');

		if (path.p[0] != '/' || !is_segment(str_slice(rest, 0, end))) {
			return false;
		}
		path = str_slice(rest, end, rest.n);
	}
	return true;
}

enum rc spiffe_parse(struct str text, struct spiffe_id *ret, struct err *e)
{
	struct spiffe_id id = {.text = text};
	struct str rest;
	size_t slash;

	if (text.n > LIMIT_SPIFFE_ID_BYTES) {
		FAIL(e, RC_LIMIT, "a SPIFFE ID of %zu bytes; at most %d are accepted", text.n,
		     LIMIT_SPIFFE_ID_BYTES);
	}
	if (!str_has_prefix(text, SCHEME)) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' does not begin with spiffe://", STR_ARG(text));
	}
	rest = str_slice(text, SCHEME.n, text.n);
	slash = str_find(rest, '/');
	id.trust_domain = str_slice(rest, 0, slash);
	id.path = str_slice(rest, slash, rest.n);
	if (!spiffe_is_trust_domain(id.trust_domain)) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' has no valid trust domain", STR_ARG(text));
	}
	if (!is_path(id.path)) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' has no valid path", STR_ARG(text));
	}
	*ret = id;
	return RC_OK;
}

enum rc spiffe_parse_workload(struct str text, struct spiffe_id *ret, struct err *e)
{
	struct spiffe_id id;

	TRY(spiffe_parse(text, &id, e));
	if (id.path.n == 0) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' names a trust domain, not a workload",
		     STR_ARG(text));
	}
	*ret = id;
	return RC_OK;
}
