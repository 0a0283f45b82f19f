/* SPDX-License-Identifier: Apache-2.0 */
/* codec/yaml.h - configuration text to the same tree as JSON, every node with line and column.
 *
 * YAML 1.2 core schema over libyaml, without what lets a file say one thing and mean another:
 * duplicate keys, anchors and aliases, tags, several documents and non-string keys are refused.
 * A plain scalar is null, a boolean (true, false only), an integer or float in JSON's grammar, or
 * else a string; quoted scalars are strings.
 */
#pragma once

#include "codec/json.h"

/* Nodes live in arena and do not point into text. Errors: RC_INPUT "line:column: ...", RC_LIMIT,
 * RC_NOMEM. An empty document gives a null node. */
enum rc yaml_parse(struct arena *arena, struct str text, const struct json_limits *limits,
		   const struct json **ret, struct err *e);
