/* SPDX-License-Identifier: Apache-2.0 */
/* core/reason.h - why a decision is what it is: a closed list (core/reason.def). */
#pragma once

#include "base/str.h"

enum reason {
#define REASON(NAME, code, is_deviation, text) REASON_##NAME,
#include "core/reason.def"
#undef REASON
	REASONS
};

struct str reason_code(enum reason r); /* "target_not_in_incident" */
struct str reason_text(enum reason r);
bool reason_is_deviation(enum reason r);
bool reason_from_code(struct str code, enum reason *ret) MUST_USE;
