/* SPDX-License-Identifier: Apache-2.0 */
/* codec/yaml.h - configuration text to the same tree as JSON, every node with line and column.
 *
 * YAML 1.2 core schema over libyaml, without what lets a file say one thing and mean another:
 * duplicate keys, anchors and aliases, tags, directives, merge keys, several documents, a
 * byte-order mark and keys that are not strings are refused.
 *
 * A plain scalar is null (null, ~ or nothing), a boolean (true, false), a number in JSON's grammar,
 * or else a string; quoted and block scalars are strings. A plain scalar that is a string to us but
 * not to every reader of the core schema (True, NULL, 0x1f, 0o7, 012, +1, .5, .inf) is refused with
 * the advice to quote it, or for a number to write it plainly.
 *
 * Columns count characters, as editors do.
 */
#pragma once

#include "codec/json.h"

/* Nodes live in arena and do not point into text. limits NULL means JSON_LIMITS_DEFAULT. Errors:
 * RC_INPUT "line:column: ...", RC_LIMIT, RC_NOMEM. An empty document gives a null node. */
enum rc yaml_parse(struct arena *arena, struct str text, const struct json_limits *limits,
		   const struct json **ret, struct err *e);
