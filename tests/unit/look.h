/* SPDX-License-Identifier: Apache-2.0 */
/* look.h - what core/recompute_people.h says of one leaf, for its tests. */
#pragma once

#include "core/recompute_people.h"
#include "scene.h"

/* NULL: as it had to be. */
__attribute__((unused)) static const char *difference(struct scene *w, struct leaf l)
{
	struct str d;

	l.t = w->f.t;
	assert_true(recompute_is_of_people(&l));
	assert_ok(recompute_people(w->f.s, &w->b, &l, 0, &w->arena, &d, NULL));
	return d.p;
}

#define EXPECT_TRUE(w, l)                                                                          \
	do {                                                                                       \
		const char *is = difference((w), (l));                                             \
		if (is) {                                                                          \
			fail_msg("%s", is);                                                        \
		}                                                                                  \
	} while (0)

#define EXPECT_FALSE(w, l, text)                                                                   \
	do {                                                                                       \
		const char *is = difference((w), (l));                                             \
		if (!is || !strstr(is, (text))) {                                                  \
			fail_msg("'%s' instead of '%s'", is ? is : "nothing", (text));             \
		}                                                                                  \
	} while (0)
