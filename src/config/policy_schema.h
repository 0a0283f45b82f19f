/* SPDX-License-Identifier: Apache-2.0 */
/* config/policy_schema.h - what policies of a deployment can speak about: its Cedar schema.
 *
 * Namespace Remit, made of the catalog, the sources and what core/policy_case.c puts into requests.
 * docs/formats/policy-schema.md
 */
#pragma once

#include "base/buf.h"
#include "config/policy_names.h"
#include "core/bundle.h"

enum { POLICY_SCHEMA_BYTES = 4 << 20 }; /* what cedar.h takes as one text */

/* Appends the schema in Cedar's syntax to a buffer of POLICY_SCHEMA_BYTES at most. The bundle's
 * policies are not looked at. RC_LIMIT, RC_NOMEM. */
enum rc policy_schema_print(struct buf *out, const struct bundle *b,
			    const struct policy_names *names, struct err *e);
