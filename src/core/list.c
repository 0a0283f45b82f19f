/* SPDX-License-Identifier: Apache-2.0 */
/* core/list.c - lists of names. */
#include "core/list.h"

bool str_list_has(const struct str_list *l, struct str s)
{
	for (size_t i = 0; i < l->n; i++) {
		if (str_eq(l->p[i], s)) {
			return true;
		}
	}
	return false;
}

bool str_list_eq(const struct str_list *a, const struct str_list *b)
{
	bool is_same = a->n == b->n;

	for (size_t i = 0; is_same && i < a->n; i++) {
		is_same = str_eq(a->p[i], b->p[i]);
	}
	return is_same;
}

bool str_list_within(const struct str_list *a, const struct str_list *b)
{
	for (size_t i = 0; i < a->n; i++) {
		if (!str_list_has(b, a->p[i])) {
			return false;
		}
	}
	return true;
}

struct str_list str_list_copy(struct arena *arena, const struct str_list *l)
{
	struct str_list failed = {.p = NULL, .n = l->n};
	struct str *copy;

	if (l->n == 0) {
		return (struct str_list){0};
	}
	copy = arena_alloc_n(arena, l->n, sizeof(*copy));
	if (!copy) {
		return failed;
	}
	for (size_t i = 0; i < l->n; i++) {
		copy[i] = arena_str(arena, l->p[i]);
		if (!copy[i].p) {
			return failed;
		}
	}
	return (struct str_list){.p = copy, .n = l->n};
}
