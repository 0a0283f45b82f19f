/* SPDX-License-Identifier: Apache-2.0 */
/* mcp/trace.c - strict reading of traceparent and tracestate.
 *
 * Trust:  both are an agent's. */
#include "mcp/trace.h"

#include "base/base.h"

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(struct str s, bool *ret_is_zero)
{
	*ret_is_zero = true;
	for (size_t i = 0; i < s.n; i++) {
		if (!is_digit(s.p[i]) && !(s.p[i] >= 'a' && s.p[i] <= 'f')) {
			return false;
		}
		*ret_is_zero = *ret_is_zero && s.p[i] == '0';
	}
	return true;
}

struct str mcp_trace_parent(struct str s)
{
	bool is_zero;
	bool is_no_trace;
	bool is_no_parent;

	/* SPEC trace-context 3.2.2: 00-<32 hex>-<16 hex>-<2 hex>; all-zero ids are invalid. */
	if (s.n != MCP_TRACE_PARENT_BYTES || !str_has_prefix(s, STR("00-")) || s.p[35] != '-' ||
	    s.p[52] != '-' || !is_hex(str_slice(s, 3, 35), &is_no_trace) ||
	    !is_hex(str_slice(s, 36, 52), &is_no_parent) ||
	    !is_hex(str_slice(s, 53, 55), &is_zero) || is_no_trace || is_no_parent) {
		return STR("");
	}
	return s;
}

/* ---- tracestate ---- */

/* SPEC trace-context 3.3.1.3.1: simple-key, or tenant@system. */
static bool is_name(struct str s, size_t max, bool may_begin_with_digit)
{
	if (s.n == 0 || s.n > max ||
	    !(is_lower(s.p[0]) || (may_begin_with_digit && is_digit(s.p[0])))) {
		return false;
	}
	for (size_t i = 1; i < s.n; i++) {
		char c = s.p[i];

		if (!is_lower(c) && !is_digit(c) && c != '_' && c != '-' && c != '*' && c != '/') {
			return false;
		}
	}
	return true;
}

static bool is_key(struct str s)
{
	struct str system = s;
	struct str tenant = str_cut(&system, '@');

	return system.p ? is_name(tenant, 241, true) && is_name(system, 14, false)
			: is_name(s, 256, false);
}

/* SPEC trace-context 3.3.1.3.2: 1 to 256 printable characters but ',' and '=', no blank at the end.
 */
static bool is_value(struct str s)
{
	if (s.n == 0 || s.n > 256 || s.p[s.n - 1] == ' ') {
		return false;
	}
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < 0x20 || s.p[i] > 0x7e || s.p[i] == ',' || s.p[i] == '=') {
			return false;
		}
	}
	return true;
}

static struct str without_blanks(struct str s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s = str_slice(s, 1, s.n);
	}
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) {
		s.n--;
	}
	return s;
}

struct str mcp_trace_state(struct str s)
{
	struct str keys[MCP_TRACE_STATE_MEMBERS];
	struct str rest = s;
	size_t n = 0;

	if (s.n == 0 || s.n > MCP_TRACE_STATE_BYTES) {
		return STR("");
	}
	while (rest.p) {
		struct str value = without_blanks(str_cut(&rest, ','));
		struct str key;

		if (value.n == 0) {
			continue; /* SPEC trace-context 3.3.1.3: empty members are allowed */
		}
		key = str_cut(&value, '=');
		if (n == MCP_TRACE_STATE_MEMBERS || !is_key(key) || !is_value(value)) {
			return STR("");
		}
		for (size_t i = 0; i < n; i++) {
			if (str_eq(keys[i], key)) {
				return STR("");
			}
		}
		keys[n++] = key;
	}
	return n ? s : STR("");
}
