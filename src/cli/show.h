/* SPDX-License-Identifier: Apache-2.0 */
/* cli/show.h - JSON answers as text for people. Control bytes in values are shown, not sent. */
#pragma once

#include "codec/json.h"

/* Rows of a list under the named columns (blank-separated), aligned. An empty list says so. */
enum rc show_table(struct buf *out, const struct json *list, const char *columns, struct err *e);
/* "key: value" lines, nested ones indented. */
enum rc show_object(struct buf *out, const struct json *j, struct err *e);
