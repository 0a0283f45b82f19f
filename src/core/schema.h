/* SPDX-License-Identifier: Apache-2.0 */
/* core/schema.h - do these arguments fit the tool's inputSchema?
 *
 * The subset of JSON Schema (2020-12 words) that describes arguments of tools: type, enum, const,
 * properties, required, additionalProperties, minProperties, maxProperties, items, prefixItems,
 * minItems, maxItems, uniqueItems, minLength, maxLength (code points), pattern (core/pattern.h),
 * minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf (of integers), anyOf, oneOf,
 * allOf, not, and $ref to "#/$defs/name" or "#/definitions/name". true and false are schemas.
 * Numbers compare by value, not by text. `format` constrains nothing, as in the standard.
 *
 * Words that would constrain and are not in the subset (if, patternProperties, contains, ...) are
 * refused by schema_check() when is_strict, and skipped otherwise: strict is for tools that change
 * something, where an argument that only looks checked is worse than none.
 */
#pragma once

#include "base/err.h"
#include "codec/json.h"

enum {
	SCHEMA_DEPTH = 128,	    /* schemas within each other while checking one value */
	SCHEMA_STEPS = 4000 * 1000, /* members looked at, characters matched times pattern size */
};

/* Is the schema itself well formed and in the subset? On RC_INPUT *ret_at (may be NULL) is the
 * node that is wrong, for its position, and the message names it. A pattern or $ref that cannot be
 * used is refused whether strict or not. */
enum rc schema_check(const struct json *schema, bool is_strict, const struct json **ret_at,
		     struct err *e);

/* RC_OK, or RC_INPUT "'/pointer': expected ..., found ..."; RC_LIMIT when a bound above was hit;
 * RC_BROKEN for a schema that schema_check() would have refused. */
enum rc schema_validate(const struct json *schema, const struct json *value, struct err *e);
