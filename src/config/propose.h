/* SPDX-License-Identifier: Apache-2.0 */
/* config/propose.h - from what an upstream lists to a first catalog for a person to edit.
 *
 * Everything an upstream says about itself is a guess here and stands in comments: names, hints and
 * schemas suggest an effect, targets, an inverse and credentials, but every entry that is written
 * is destroy, has no inverse and no read-back, and so asks a person for each call. Editing it down
 * is the person's work. What is written passes `remit check` if the schemas do.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"
#include "core/list.h"

struct proposal {
	struct str name;	  /* of the upstream */
	struct str url;		  /* http; "" = stdio */
	struct str_list command;  /* stdio */
	const struct json *tools; /* array of MCP tool definitions, hostile */
};

/* upstreams/<name>.yaml appended to out. Tools that no catalog can hold (a name that is none, too
 * long) are left out with a comment. RC_INPUT when tools is no list; RC_LIMIT, RC_NOMEM. */
enum rc propose_catalog(const struct proposal *p, struct buf *out, size_t *ret_n, struct err *e);
