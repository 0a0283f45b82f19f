/* SPDX-License-Identifier: Apache-2.0 */
/* core/condition.h - what the catalog asks of a call's arguments: is /replicas 0, is /force there?
 *
 * A condition is true, false, or cannot be told: what is not of the type that it compares with
 * ("true" where true was meant) might be read either way by the tool. Whoever asks takes that as
 * the worse answer. Part of a bundle: immutable.
 */
#pragma once

#include "codec/json.h"

enum truth { TRUTH_UNKNOWN = 0, TRUTH_NO, TRUTH_YES };

struct condition {
	struct str pointer; /* core/argument.h; with "*" it holds when one of the values does it */
	bool asks_presence;
	bool is_present;	   /* asks_presence: wanted there, or wanted absent */
	const struct json *schema; /* else: what a value must fit (core/schema.h) */
	uint32_t types;		   /* bit per enum json_type that can be compared at all */
};

/* All must hold. None is never true. */
struct conditions {
	const struct condition *p;
	size_t n;
};

/* An argument that is absent fits nothing. args may be NULL. */
enum truth condition_truth(const struct condition *c, const struct json *args);
enum truth conditions_truth(const struct conditions *c, const struct json *args);
