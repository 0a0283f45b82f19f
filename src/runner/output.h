/* SPDX-License-Identifier: Apache-2.0 */
/* runner/output.h - what a command printed, as a CallToolResult. Pure. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/* Text: one content of type text, bytes that are no UTF-8 replaced by U+FFFD. */
enum rc output_text_result(struct buf *b, struct str out, bool is_error, struct err *e);
/* JSON: the same as text, and as structuredContent; a value that is no object is its member
 * "result". RC_INPUT when it is not exactly one JSON value. */
enum rc output_json_result(struct buf *b, struct str out, struct err *e);
/* The last line that is not empty, as printable ASCII, at most max bytes: for a detail. */
struct str output_last_line(struct str text, char *to, size_t max);
