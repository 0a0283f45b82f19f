/* SPDX-License-Identifier: Apache-2.0 */
/* core/effect.h - what a call does to the world. The unknown is the worst: zero is destroy. */
#pragma once

#include "base/str.h"

enum effect { EFFECT_DESTROY = 0, EFFECT_CONTAIN, EFFECT_READ, EFFECTS };

struct str effect_name(enum effect e); /* "read", "contain", "destroy" */
bool effect_from_name(struct str name, enum effect *ret) MUST_USE;
