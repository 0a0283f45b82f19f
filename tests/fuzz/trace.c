/* SPDX-License-Identifier: Apache-2.0 */
/* Trace context: first line traceparent, the rest tracestate. What is taken is printable ASCII
 * within its bounds, and is taken again. */
#include <stdlib.h>

#include "core/known.h"
#include "fuzz.h"
#include "mcp/trace.h"

static void must(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void must_be_plain(struct str s, size_t max)
{
	must(s.n <= max);
	for (size_t i = 0; i < s.n; i++) {
		must((s.p[i] >= 0x20 && s.p[i] <= 0x7e) || s.p[i] == '\t');
	}
}

int fuzz_one(const uint8_t *data, size_t size)
{
	struct str state = str_of(data, size);
	struct str line = str_cut(&state, '\n');
	struct str parent = mcp_trace_parent(line);
	struct str taken = mcp_trace_state(state);
	struct str id = known_trace_id(line);

	must_be_plain(parent, MCP_TRACE_PARENT_BYTES);
	must_be_plain(taken, MCP_TRACE_STATE_BYTES);
	must(str_eq(mcp_trace_parent(parent), parent));
	must(str_eq(mcp_trace_state(taken), taken));
	/* What the front takes has an id for the leaf, and an id is nothing but digits. */
	must(parent.n == 0 || id.n == 32);
	must(id.n == 0 || id.n == 32);
	for (size_t i = 0; i < id.n; i++) {
		must((id.p[i] >= '0' && id.p[i] <= '9') || (id.p[i] >= 'a' && id.p[i] <= 'f'));
	}
	return 0;
}
