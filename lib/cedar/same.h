/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/same.h - do two expressions always have the same worth?
 *
 * Structural, and blind to where they stand in the text: places only matter for the message of a
 * failure. Two that are the same evaluate to equal values or both fail, for every request; nothing
 * is said about two that are not. Recursion follows the expressions, whose depth the parser bounds.
 */
#pragma once

#include "cedar/ast.h"

bool cedar_same_expr(const struct cedar_expr *a, const struct cedar_expr *b);
/* Equal for the same expressions; keyed, of this process. */
uint64_t cedar_hash_expr(const struct cedar_expr *x);
/* The same for a policy's list of conditions as a whole. */
bool cedar_same_conditions(const struct cedar_policy *a, const struct cedar_policy *b);
uint64_t cedar_hash_conditions(const struct cedar_policy *p);
