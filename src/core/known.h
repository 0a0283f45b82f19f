/* SPDX-License-Identifier: Apache-2.0 */
/* core/known.h - which of an agent's words may stand in a leaf: those that Remit knows.
 *
 * A leaf holds no free text. A name that an agent gives - of a tool, a playbook, a class of data -
 * is the deployment's word or it is nobody's, and then "?" stands in its place, and the leaf
 * commits to the sealed words. Targets stand in leaves in their canonical form; what is no target
 * becomes one that is refused for the same reason, so that a decision can be computed again from
 * its leaf.
 */
#pragma once

#include "core/bundle.h"
#include "core/decide.h"

#define KNOWN_NOT STR("?")

/* The tool's name, or "?". */
struct str known_tool(const struct bundle *b, struct str public_name);
/* The trace id of a W3C traceparent: 32 lower-case hexadecimal digits and nothing else, "" when it
 * is none. */
struct str known_trace_id(struct str traceparent);
/* The intent with what is not known replaced; goal is left out. *ret_is_all: nothing was. Lists are
 * in the arena, at most as many as a leaf takes. RC_NOMEM. */
enum rc known_intent(const struct bundle *b, const struct intent_request *q, struct arena *arena,
		     struct intent_request *ret, bool *ret_is_all, struct err *e);
