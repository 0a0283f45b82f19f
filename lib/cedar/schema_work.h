/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/schema_work.h - between schema_declare.c and schema_resolve.c. */
#pragma once

#include "cedar/schema.h"

enum cedar_progress { CEDAR_UNTOUCHED = 0, CEDAR_BEING_RESOLVED, CEDAR_RESOLVED };

/* What the schema's map of common types holds. */
struct cedar_common {
	const struct cedar_scommon *source; /* NULL: the language's own */
	const struct cedar_snamespace *space;
	const struct cedar_ty *type;
	enum cedar_progress progress;
};

struct cedar_resolver {
	struct cedar_parser *p; /* arena, failing, nesting */
	struct cedar_schema *s;
};

/* The name with its namespace; p == NULL: no memory. */
struct str cedar_schema_full_name(struct cedar_resolver *r, const struct cedar_snamespace *space,
				  struct str name);
/* Fills the schema's types, actions and common types with what is declared, none of it resolved. */
enum rc cedar_schema_declare(struct cedar_resolver *r);
