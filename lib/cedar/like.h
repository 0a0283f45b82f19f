/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/like.h - matching a string with a pattern. */
#pragma once

#include "base/str.h"

/* Does s consist of the n pieces in their order with anything in between? One piece: does it equal
 * s? Works on bytes, which for UTF-8 gives what works on characters. */
bool cedar_like(struct str s, const struct str *pieces, size_t n);
