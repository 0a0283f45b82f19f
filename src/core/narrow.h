/* SPDX-License-Identifier: Apache-2.0 */
/* core/narrow.h - less than what was asked: arguments that a person has cut down. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "codec/json.h"

/* Applies a patch (RFC 7386, but nothing can be removed or added) to the arguments of a call and
 * makes sure that what comes out is less and not only different: numbers only fall, and not below
 * zero; lists only lose elements, and not the last; everything else stays. *ret is canonical JSON
 * in arena. RC_INPUT says what is not less, and that nothing has changed. */
enum rc narrow_args(const struct json *args, const struct json *patch, struct arena *arena,
		    struct str *ret, struct err *e);
