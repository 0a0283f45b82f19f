/* SPDX-License-Identifier: Apache-2.0 */
/* core/freeze.h - times in which what an approval or a pre-approval allows is refused all the same.
 *
 * Part of a bundle. An empty list of environments, services or tools is every one; effects are
 * never empty. A freeze holds from from_unix_ms to to_unix_ms (0 = no end), and within that in its
 * weekly windows only, when it has some.
 */
#pragma once

#include "core/calendar.h"
#include "core/effect.h"
#include "core/list.h"

struct freeze {
	struct str name;
	uint64_t from_unix_ms; /* 0 = since ever */
	uint64_t to_unix_ms;   /* 0 = for ever */
	const struct week_window *windows;
	size_t n_windows;
	struct str_list environments;
	struct str_list services;
	struct str_list tools; /* public names, or names of upstreams */
	bool effects[EFFECTS];
	struct str gate;   /* who may let a call pass all the same; "" = nobody */
	struct str reason; /* for the agent and the human */
};

bool freeze_is_on(const struct freeze *f, uint64_t unix_ms);
