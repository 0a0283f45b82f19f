/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/policies.h - how a policy set looks inside the library. */
#pragma once

#include "base/map.h"
#include "cedar/ast.h"

struct cedar_index; /* cedar/index.h */

struct cedar_policies {
	struct arena arena; /* texts, trees, the list; never touched after it is finished */
	struct map by_id;
	const struct cedar_policy *const *list;
	size_t n;
	const struct cedar_index *index;
	uint32_t refs; /* atomic */
};
