/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/policy_json.h - between policy_json_print.c (trees to JSON) and policy_json_read.c (JSON to
 * text); for nobody else.
 *
 * The JSON form of policies: https://docs.cedarpolicy.com/policies/json-format.html. Members of an
 * expression's object are its operator; operands are named as below.
 */
#pragma once

#include "cedar/ast.h"

struct json;

/* How an operator is written: left and right, arg, or an array of arguments. */
#define CEDAR_JSON_BINARY(OP)                                                                      \
	OP(EQ, "==")                                                                               \
	OP(NE, "!=")                                                                               \
	OP(LT, "<")                                                                                \
	OP(LE, "<=")                                                                               \
	OP(GT, ">")                                                                                \
	OP(GE, ">=")                                                                               \
	OP(ADD, "+")                                                                               \
	OP(SUB, "-")                                                                               \
	OP(MUL, "*")                                                                               \
	OP(IN, "in")                                                                               \
	OP(CONTAINS, "contains")                                                                   \
	OP(CONTAINS_ALL, "containsAll")                                                            \
	OP(CONTAINS_ANY, "containsAny")                                                            \
	OP(GET_TAG, "getTag")                                                                      \
	OP(HAS_TAG, "hasTag")

/* Policies as JSON to a tree with positions. */
enum rc cedar_policy_json_parse(struct arena *arena, struct str source_name, struct str text,
				const struct json **ret, struct err *e);
/* Appends one policy or template as text. */
enum rc cedar_policy_text_from_json(struct buf *b, struct str source_name, const struct json *j,
				    struct err *e);
