/* SPDX-License-Identifier: Apache-2.0 */
/* core/never.c - the never-list and the control plane.
 *
 * Trust:  entries are the deployment's, targets are canonical and come from agents.
 * Holds:  (1) a range of addresses is covered when any address of it is.
 */
#include "core/never.h"

#include "core/target.h"

/* Does the pattern match all of s? Goes back to the last '*' only, so it is quadratic at worst, in
 * texts of at most TARGET_VALUE_BYTES. */
static bool matches(struct str pattern, struct str s)
{
	size_t p = 0;
	size_t i = 0;
	size_t star = SIZE_MAX;
	size_t from = 0;

	while (i < s.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			from = i;
		} else if (p < pattern.n && (pattern.p[p] == '?' || pattern.p[p] == s.p[i])) {
			p++;
			i++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			i = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*') {
		p++;
	}
	return p == pattern.n;
}

bool never_covers(const struct inventory *i, struct str entry, struct str target)
{
	if (str_has_prefix(entry, STR("@"))) {
		const struct asset_group *g = inventory_group(i, str_slice(entry, 1, entry.n));

		for (size_t k = 0; g && k < g->n_members; k++) {
			if (never_covers(i, g->members[k]->target, target)) {
				return true;
			}
		}
		return false;
	}
	if (str_eq(entry, target) || target_networks_overlap(entry, target)) { /* (1) */
		return true;
	}
	if (str_find(entry, '*') == entry.n && str_find(entry, '?') == entry.n) {
		return false;
	}
	return str_eq(str_slice(entry, 0, str_find(entry, ':')),
		      str_slice(target, 0, str_find(target, ':'))) &&
	       matches(entry, target);
}

static bool list_covers(const struct inventory *i, const struct str_list *list, struct str target)
{
	for (size_t k = 0; k < list->n; k++) {
		if (never_covers(i, list->p[k], target)) {
			return true;
		}
	}
	return false;
}

enum reason never_reason(const struct bundle *b, struct str target, bool only_reads)
{
	if (list_covers(&b->inventory, &b->never, target)) {
		return REASON_NEVER_LIST;
	}
	if (only_reads) {
		return REASON_NONE;
	}
	if (list_covers(&b->inventory, &b->control_plane, target) ||
	    inventory_asset(&b->inventory, target).is_control_plane) {
		return REASON_CONTROL_PLANE;
	}
	return REASON_NONE;
}

bool never_parse(struct str text, bool is_group, struct arena *arena, struct str *ret)
{
	struct str value = text;
	struct str kind;

	if (is_group) {
		*ret = arena_strf(arena, "@" STR_FMT, STR_ARG(text));
		return ret->p != NULL;
	}
	kind = str_cut(&value, ':');
	if (!value.p || value.n == 0 || !target_kind_is_valid(kind)) {
		return false;
	}
	if (str_find(value, '*') < value.n || str_find(value, '?') < value.n) {
		if (!target_text_is_plain(value)) {
			return false;
		}
		*ret = arena_str(arena, text);
		return ret->p != NULL;
	}
	if (str_eq(kind, STR("ip")) && str_find(value, '/') < value.n) {
		return target_network(value, arena, ret) == REASON_NONE;
	}
	return target_parse(text, arena, ret) == REASON_NONE;
}
