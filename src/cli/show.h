/* SPDX-License-Identifier: Apache-2.0 */
/* cli/show.h - JSON answers as text for people. Control, bidirectional and invisible characters in
 * values are shown as what they are, not sent. */
#pragma once

#include "codec/json.h"

/* Rows of a list under the named columns (blank-separated), aligned. An empty list says so. */
enum rc show_table(struct buf *out, const struct json *list, const char *columns, struct err *e);
/* "key: value" lines, nested ones indented. */
enum rc show_object(struct buf *out, const struct json *j, struct err *e);
/* A question (remit approval show) on one screen: what happens first, what the agent says last. */
enum rc show_question(struct buf *out, const struct json *j, struct err *e);
