/* SPDX-License-Identifier: Apache-2.0 */
/* mcp/trace.h - W3C trace context that an agent brings, and an upstream is given.
 *
 * It comes in _meta of the request (MCP reserves the names) or in the headers of its POST; the two
 * are independent, so what belongs together is taken from one of them. What is not exactly of the
 * specification's form is as good as absent: the request goes on without.
 */
#pragma once

#include "base/str.h"

enum { MCP_TRACE_PARENT_BYTES = 55, MCP_TRACE_STATE_BYTES = 512, MCP_TRACE_STATE_MEMBERS = 32 };

/* The value when s is a traceparent of version 00 (W3C Trace Context 3.2), else "". */
struct str mcp_trace_parent(struct str s);
/* The value when s is a tracestate (3.3) of at most that many bytes and members, no key twice, else
 * "". */
struct str mcp_trace_state(struct str s);
