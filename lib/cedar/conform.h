/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/conform.h - is a value of a type? */
#pragma once

#include "cedar/schema.h"

/* RC_INPUT: v is not of type t; the message says which part of it, what was expected and found.
 * Entities in it are of a declared type, and have an id of it when that is enumerated. */
enum rc cedar_conform_value(const struct cedar_schema *s, const struct cedar_value *v,
			    const struct cedar_ty *t, struct err *e);
/* Is the uid of a declared type or action, with an id that it has? */
enum rc cedar_conform_uid(const struct cedar_schema *s, const struct cedar_uid *uid, struct err *e);
