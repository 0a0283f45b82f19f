/* SPDX-License-Identifier: Apache-2.0 */
/* selector.c - label selectors: whatever is taken is made of names, and only narrow ones name
 * targets. */
#include <stdlib.h>

#include "core/selector.h"

#include "fuzz.h"

int fuzz_one(const uint8_t *bytes, size_t n)
{
	static const struct str labels[] = {{"app=shop", 8}, {"tier=web", 8}};
	const struct str_list some = {.p = labels, .n = 2};
	const struct str_list none = {0};
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	struct selector s;

	if (selector_parse(str_of(bytes, n), &arena, &s, NULL) != RC_OK) {
		return 0;
	}
	if (s.n == 0 || s.n > SELECTOR_REQUIREMENTS) {
		abort();
	}
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i].op == SELECTOR_NONE || !selector_key_is_valid(s.p[i].key)) {
			abort();
		}
		for (size_t k = 0; k < s.p[i].values.n; k++) {
			if (!selector_value_is_valid(s.p[i].values.p[k])) {
				abort();
			}
		}
	}
	/* What is narrow never matches something without labels. */
	if (selector_is_narrow(&s) && selector_matches(&s, &none)) {
		abort();
	}
	(void)selector_matches(&s, &some); /* must only end */
	return 0;
}
