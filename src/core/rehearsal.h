/* SPDX-License-Identifier: Apache-2.0 */
/* core/rehearsal.h - a containment is only as reversible as its inverse was tried lately. */
#pragma once

#include "core/decide.h"

/* What a rehearsal did stands no longer, even if its undoing is forgotten. */
enum { REHEARSAL_STANDS_MS = 10 * 60 * 1000 };

/* When the way back of a tool was last tried for real: the catalog's date or the log's, whichever
 * is newer; 0 = never. */
uint64_t rehearsal_of(const struct state *s, const struct tool *t);
/* Must this tool be rehearsed to be what it declares? Only containments with an inverse. */
bool rehearsal_is_wanted(const struct tool *t);
bool rehearsal_is_fresh(const struct state *s, const struct bundle *b, const struct tool *t,
			uint64_t now_unix_ms);
/* A call of a person's rehearsal: the act on one of the tool's rehearsal targets, or the capture
 * before it. */
enum rc decide_rehearsal(const struct state *s, const struct bundle *b, const struct tool *t,
			 const struct json *args, struct arena *arena, struct decision *ret,
			 struct err *e);
