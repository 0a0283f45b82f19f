/* SPDX-License-Identifier: Apache-2.0 */
/* extract.c - arguments and every form of target rule: what is found is canonical and distinct, and
 * the never-list's patterns end. */
#include <stdlib.h>

#include "core/never.h"
#include "core/target.h"

#include "fuzz.h"

static const struct target_rule rules[] = {
    {.kind = {"host", 4}, .pointer = {"/a/*/b", 6}},
    {.kind = {"ip", 2}, .pointer = {"/a", 2}, .form = TARGET_LIST},
    {.kind = {"pod", 3}, .pointer = {"/a", 2}, .form = TARGET_SELECTOR},
    {.kind = {"pod", 3}, .form = TARGET_TEMPLATE, .template = {"{a}/{b}", 7}},
    {.kind = {"user", 4}, .pointer = {"/a", 2}},
    {.kind = {"file", 4}, .pointer = {"/a", 2}},
};

int fuzz_one(const uint8_t *bytes, size_t n)
{
	static const struct str labels[] = {{"b=c", 3}};
	static const struct asset asset = {.target = {"pod:x/y", 7}, .labels = {labels, 1}};
	static const struct inventory inventory = {.assets = &asset, .n_assets = 1};
	AUTO_ARENA arena = ARENA_INIT(4 << 20);
	const struct json *args = NULL;

	if (json_parse(&arena, str_of(bytes, n), NULL, &args, NULL) != RC_OK) {
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		const struct tool tool = {.targets = &rules[i], .n_targets = 1};
		struct str_list found = {0};

		(void)target_is_named(&tool, args); /* must only end */
		if (target_resolve(&tool, args, &inventory, &arena, &found) != REASON_NONE) {
			continue;
		}
		for (size_t k = 0; k < found.n; k++) {
			struct str again = STR_NULL;

			if (target_parse(found.p[k], &arena, &again) != REASON_NONE ||
			    !str_eq(found.p[k], again) ||
			    (k > 0 && str_cmp(found.p[k - 1], found.p[k]) >= 0) ||
			    !never_covers(&inventory, again, found.p[k])) {
				abort();
			}
			(void)never_covers(&inventory, STR("host:*a*b?*"), found.p[k]);
		}
	}
	return 0;
}
