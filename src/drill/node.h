/* SPDX-License-Identifier: Apache-2.0 */
/* drill/node.h - JSON trees that are made and changed, beside those that are parsed.
 *
 * Nodes live in an arena. A new node has the position of the node that it was made for, so that a
 * complaint about it points at the line that somebody wrote. Memory that runs out gives NULL, which
 * every function here accepts and passes on; whoever writes the tree out finds it missing.
 */
#pragma once

#include "codec/json.h"

/* at may be NULL: no position. */
struct json *node_object(struct arena *a, const struct json *at);
struct json *node_array(struct arena *a, const struct json *at);
struct json *node_text(struct arena *a, const struct json *at, struct str text);
struct json *node_textf(struct arena *a, const struct json *at, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
struct json *node_number(struct arena *a, const struct json *at, uint64_t n);
struct json *node_bool(struct arena *a, const struct json *at, bool is_true);
/* A copy with copies of all children, keys included. */
struct json *node_copy(struct arena *a, const struct json *j);
/* Sets a member: replaces the one that is there, else appends. value is taken, not copied. */
void node_put(struct arena *a, struct json *object, struct str key, struct json *value);
/* As node_put, unless there is one. */
void node_default(struct arena *a, struct json *object, struct str key, struct json *value);
void node_push(struct json *array, struct json *value);
/* Removes a member or an element; false when it is not a child. */
bool node_remove(struct json *parent, const struct json *child);
/* The text of a string, or otherwise. */
struct str node_word(const struct json *j, struct str otherwise);
/* The same node, to be changed. For trees of node_copy only. */
struct json *node_mutable(const struct json *j);
