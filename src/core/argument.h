/* SPDX-License-Identifier: Apache-2.0 */
/* core/argument.h - values of a call's arguments, by JSON pointers that may go through lists.
 *
 * A pointer is RFC 6901's, and a part that is a single asterisk stands for every element of a
 * list, as in /hosts, asterisk, /name. Arguments are hostile, so a walk says not only what it
 * found but whether something stood in its way that is not what the pointer takes it for.
 */
#pragma once

#include "codec/json.h"

struct argument_walk {
	size_t n;	  /* values found */
	bool is_confused; /* a text, number or list where an object was expected, or the reverse */
};

/* Called for each value, in the order of the document; false ends the walk. */
typedef bool argument_fn(void *ctx, const struct json *value);

/* visit may be NULL: only counts. An element or member that is not there is not found, and is no
 * confusion. A malformed pointer is. */
struct argument_walk argument_each(const struct json *args, struct str pointer, argument_fn *visit,
				   void *ctx);
