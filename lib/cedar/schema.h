/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/schema.h - how a schema looks inside the library.
 *
 * Two forms live in one arena. As written: what a text said, names unresolved; both syntaxes give
 * the same form, and both printers start from it. Resolved: entity types and actions that point at
 * each other and at types (cedar/types.h), which is what validation works with.
 */
#pragma once

#include "base/map.h"
#include "cedar/parse.h"
#include "cedar/types.h"

/* ---- as written ---- */

struct cedar_notes {
	const struct cedar_annotation *list;
	size_t n;
};

/* A name with its place, or the id of an enumerated type. */
struct cedar_sname {
	struct str text; /* a path, joined by "::" */
	struct cedar_pos pos;
	struct cedar_sname *next;
};

enum cedar_stype_kind { CEDAR_STYPE_NAME = 0, CEDAR_STYPE_SET, CEDAR_STYPE_RECORD };
/* What a name may stand for. Only JSON knows to ask for one of the two. */
enum cedar_sref { CEDAR_SREF_ANY = 0, CEDAR_SREF_ENTITY, CEDAR_SREF_COMMON };

struct cedar_stype {
	enum cedar_stype_kind kind;
	enum cedar_sref ref; /* NAME */
	struct cedar_pos pos;
	struct str name;		 /* NAME */
	const struct cedar_stype *elem;	 /* SET */
	const struct cedar_sattr *attrs; /* RECORD, in the order written */
	size_t n_attrs;
};

struct cedar_sattr {
	struct str name;
	struct cedar_pos pos;
	bool is_optional;
	const struct cedar_stype *type;
	struct cedar_notes notes;
	struct cedar_sattr *next;
};

struct cedar_sentity {
	struct str name; /* without namespace */
	struct cedar_pos pos;
	struct cedar_notes notes;
	const struct cedar_sname *parents;
	const struct cedar_stype *shape; /* NULL = {} */
	const struct cedar_stype *tags;	 /* NULL = none */
	const struct cedar_sname *ids;	 /* of an enumerated type; else NULL */
	struct cedar_sentity *next;
};

struct cedar_sparent {
	struct str type; /* p == NULL: the actions of this namespace */
	struct str id;
	struct cedar_pos pos;
	struct cedar_sparent *next;
};

struct cedar_saction {
	struct str id;
	struct cedar_pos pos;
	struct cedar_notes notes;
	const struct cedar_sparent *parents;
	const struct cedar_sname *principals;
	const struct cedar_sname *resources;
	const struct cedar_stype *context; /* NULL = {} */
	struct cedar_saction *next;
};

struct cedar_scommon {
	struct str name; /* without namespace */
	struct cedar_pos pos;
	struct cedar_notes notes;
	const struct cedar_stype *type;
	struct cedar_scommon *next;
};

struct cedar_snamespace {
	struct str name; /* n == 0: the empty one */
	struct cedar_pos pos;
	struct cedar_notes notes;
	struct cedar_sentity *entities;
	struct cedar_scommon *commons;
	struct cedar_saction *actions;
	struct cedar_snamespace *next;
};

/* ---- resolved ---- */

struct cedar_action {
	const struct cedar_uid *uid;
	const struct cedar_etype *type;
	const struct cedar_etype *const *principals;
	size_t n_principals;
	const struct cedar_etype *const *resources;
	size_t n_resources;
	const struct cedar_ty *context; /* a closed record */
	/* While resolving: */
	const struct cedar_saction *source;
	const struct cedar_snamespace *space;
};

struct cedar_schema {
	struct arena arena;
	struct str source;
	const struct cedar_snamespace *spaces; /* as written */
	struct cedar_etype **types;	       /* by index; types of actions too */
	size_t n_types;
	struct map types_by_name;
	struct cedar_action **actions; /* in the order written */
	size_t n_actions;
	struct map actions_by_key;	  /* type, NUL, id */
	struct map commons;		  /* while resolving: full name to struct common */
	struct cedar_entities *hierarchy; /* the actions as sealed entities */
	uint32_t refs;			  /* atomic */
};

/* The type of this name, also of actions; NULL when there is none. */
const struct cedar_etype *cedar_schema_type(const struct cedar_schema *s, struct str name);
const struct cedar_action *cedar_schema_action(const struct cedar_schema *s,
					       const struct cedar_uid *uid);
/* Can an entity of type child be in one of type parent? Reflexive; actions by their groups. */
bool cedar_schema_may_be_in(const struct cedar_etype *child, const struct cedar_etype *parent);
/* The same without being reflexive: is child declared to be in parent, directly or not? */
bool cedar_etype_is_below(const struct cedar_etype *child, const struct cedar_etype *parent);
/* Is this the type of actions, in any namespace? */
bool cedar_is_action_type(struct str type);
/* Is id one that the type has? Always, unless it is enumerated. */
bool cedar_etype_has_id(const struct cedar_etype *t, struct str id);

/* Cedar syntax, after p has been set up over the text: fills s->spaces. */
enum rc cedar_schema_read(struct cedar_parser *p, struct cedar_schema *s);
/* JSON; p serves its arena and its error only. */
enum rc cedar_schema_read_json(struct cedar_parser *p, const struct json *j,
			       struct cedar_schema *s);
/* From s->spaces to everything else. */
enum rc cedar_schema_resolve(struct cedar_parser *p, struct cedar_schema *s);
/* May an entity type have this name? Fails with what is wrong. */
enum rc cedar_schema_check_name(struct cedar_parser *p, struct cedar_pos pos, struct str name);
/* The same for namespaces, which are paths. */
enum rc cedar_schema_check_space(struct cedar_parser *p, struct cedar_pos pos, struct str name);
/* The same for common types, which cannot have the names that JSON uses itself. */
enum rc cedar_schema_check_common(struct cedar_parser *p, struct cedar_pos pos, struct str name);
