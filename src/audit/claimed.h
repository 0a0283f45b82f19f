/* SPDX-License-Identifier: Apache-2.0 */
/* audit/claimed.h - what the log says its states were, beside what its leaves make of them.
 *
 * A snapshot.taken is behind the leaves that it is of, so the claims are collected in a first pass,
 * and looked at in the second, which has the states.
 */
#pragma once

#include "core/leaf.h"
#include "core/state.h"

struct claimed;

enum rc claimed_new(struct claimed **ret, struct err *e);
void claimed_free(struct claimed *c); /* NULL is fine */
/* Every leaf, in order. */
enum rc claimed_take(struct claimed *c, uint64_t ix, const struct leaf *l, struct err *e);
/* Every state, in order of their sizes. A claim about it that is wrong: *ret_leaf is its leaf, else
 * 0. */
enum rc claimed_check(struct claimed *c, const struct state *s, uint64_t *ret_leaf, struct err *e);
/* How many were looked at. */
uint64_t claimed_checked(const struct claimed *c);
