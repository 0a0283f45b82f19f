/* SPDX-License-Identifier: Apache-2.0 */
/* core/list.h - a list of names whose memory is somebody's arena. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

struct str_list {
	const struct str *p;
	size_t n;
};

bool str_list_has(const struct str_list *l, struct str s);
/* The same elements in the same order? */
bool str_list_eq(const struct str_list *a, const struct str_list *b);
/* Is every element of a in b? */
bool str_list_within(const struct str_list *a, const struct str_list *b);
/* A deep copy in arena; p == NULL with n > 0 when memory ran out. */
struct str_list str_list_copy(struct arena *arena, const struct str_list *l);
