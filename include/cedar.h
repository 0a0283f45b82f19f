/* SPDX-License-Identifier: Apache-2.0 */
/* cedar.h - the Cedar policy language: parse policies, describe entities, decide requests.
 *
 * Semantics are those of Cedar language 4.5 as released in SDK 4.12.0
 * (https://docs.cedarpolicy.com); no dialect. Five things exist:
 *
 *   policy set	 struct cedar_policies	built from named texts, then immutable and ref-counted
 *   entities	 struct cedar_entities	built in an arena, sealed, then immutable; can be layered
 *   value	 struct cedar_value	immutable, in an arena: attributes and context
 *   request	 struct cedar_request	principal, action, resource, context
 *   response	 struct cedar_response	decision, the policies that made it, and what went wrong
 *
 *	struct cedar_builder *b = NULL;
 *	TRY(cedar_builder_new(&b, e));
 *	TRY(cedar_builder_add(b, STR("policies/base/kill.cedar"), text, e));
 *	TRY(cedar_builder_finish(b, &set, e));		(then cedar_builder_free(b) in any case)
 *
 *	TRY(cedar_entities_new(&arena, NULL, &world, e));
 *	TRY(cedar_entities_add(world, &(struct cedar_entity){.uid = alice, .attrs = attrs}, e));
 *	TRY(cedar_entities_seal(world, e));
 *
 *	TRY(cedar_authorize(set, world, &request, &arena, &response, e));
 *
 * Memory. A policy set owns its memory; texts given to the builder are copied. Everything else
 * lives in an arena that the caller gives and frees: nothing here is freed piece by piece, nothing
 * outlives its arena. Strings given to builders of values, uids and entities are copied into the
 * arena; values and uids given to them are kept by pointer and must live as long. Evaluation
 * allocates from the arena given to cedar_authorize() only, never from the heap directly.
 *
 * Threads. A finished policy set and sealed entities are read-only and may be shared; ref and
 * unref are atomic. Arenas and builders belong to one thread.
 *
 * Errors. Functions return enum rc (base/err.h): RC_INPUT for bad text or values, RC_LIMIT when a
 * bound below is hit, RC_NOMEM. A policy that fails while it is evaluated is not a failure of
 * cedar_authorize(): it is listed in the response.
 *
 * Text is UTF-8; malformed UTF-8 is refused. Lines and columns count from 1, columns in bytes.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct json; /* codec/json.h */

/* Bounds. Reaching one is RC_LIMIT from builders and parsers, CEDAR_ERROR_LIMIT from evaluation. */
enum {
	CEDAR_LIMIT_TEXT_BYTES = 4 * 1024 * 1024,  /* one policy text */
	CEDAR_LIMIT_JSON_BYTES = 64 * 1024 * 1024, /* policies as JSON, which says the same longer */
	CEDAR_LIMIT_JSON_VALUES = 8 * 1024 * 1024, /* in it */
	CEDAR_LIMIT_POLICIES = 65536,		   /* in a set */
	CEDAR_LIMIT_SET_BYTES = 512 * 1024 * 1024, /* memory of a set: texts and trees */
	CEDAR_LIMIT_NESTING = 200,		   /* brackets, conditionals within each other */
	CEDAR_LIMIT_EXPR_DEPTH = 1000,		   /* of an expression tree */
	CEDAR_LIMIT_VALUE_DEPTH = 200,		   /* sets and records within each other */
	CEDAR_LIMIT_STEPS = 1000 * 1000,    /* nodes, elements and blocks of bytes looked at, by
					       one policy in one evaluation */
	CEDAR_LIMIT_ENTITIES = 1000 * 1000, /* in one store, without its base */
	CEDAR_LIMIT_ANCESTORS = 4096,	    /* of one entity */
	CEDAR_LIMIT_SCHEMA_TYPES = 4096,    /* entity types of a schema */
	CEDAR_LIMIT_SCHEMA_ACTIONS = 16384,
	CEDAR_LIMIT_SCHEMA_BYTES = 256 * 1024 * 1024, /* memory of a schema */
	CEDAR_LIMIT_CHECK_STEPS = 200 * 1000 * 1000,  /* of validating one policy */
	CEDAR_LIMIT_FINDINGS = 4096,		      /* of one policy */
};

/* ---- Entity uids ------------------------------------------------------------------------------
 *
 * A type, which is a path of identifiers (`Remit::Agent`), and an id, which is any string. */

struct cedar_uid;

/* A uid in arena. RC_INPUT when type is not a path of identifiers that Cedar allows. */
enum rc cedar_uid_new(struct arena *arena, struct str type, struct str id,
		      const struct cedar_uid **ret, struct err *e);
/* From the written form `Type::"id"`, without blanks, escapes as in policies. */
enum rc cedar_uid_parse(struct arena *arena, struct str text, const struct cedar_uid **ret,
			struct err *e);
/* From {"type": "...", "id": "..."} or {"__entity": {...}}. */
enum rc cedar_uid_from_json(struct arena *arena, const struct json *j, const struct cedar_uid **ret,
			    struct err *e);
struct str cedar_uid_type(const struct cedar_uid *u); /* borrowed from u */
struct str cedar_uid_id(const struct cedar_uid *u);   /* borrowed from u */
bool cedar_uid_equal(const struct cedar_uid *a, const struct cedar_uid *b);
/* Appends `Type::"id"`, escaped so that cedar_uid_parse() reads it back. */
enum rc cedar_uid_print(struct buf *b, const struct cedar_uid *u);

/* ---- Values -----------------------------------------------------------------------------------
 *
 * Immutable, in an arena. Sets have no order and no duplicates; records have no order. Equality is
 * structural and false across types. */

enum cedar_type {
	CEDAR_NONE = 0, /* no value */
	CEDAR_BOOL,
	CEDAR_LONG, /* 64 bits, signed */
	CEDAR_STRING,
	CEDAR_ENTITY, /* a uid, whether or not the entity exists */
	CEDAR_SET,
	CEDAR_RECORD,
	CEDAR_IPADDR,	/* address and prefix */
	CEDAR_DECIMAL,	/* in units of 1/10,000 */
	CEDAR_DATETIME, /* milliseconds since 1970-01-01 UTC */
	CEDAR_DURATION, /* milliseconds */
};
const char *cedar_type_name(enum cedar_type t); /* "bool", "long", ..., "record", "ipaddr" */

struct cedar_value;

struct cedar_field {
	struct str name;
	const struct cedar_value *value;
};

enum rc cedar_value_bool(struct arena *arena, bool v, const struct cedar_value **ret,
			 struct err *e);
enum rc cedar_value_long(struct arena *arena, int64_t v, const struct cedar_value **ret,
			 struct err *e);
enum rc cedar_value_string(struct arena *arena, struct str v, const struct cedar_value **ret,
			   struct err *e);
/* u is kept by pointer. */
enum rc cedar_value_entity(struct arena *arena, const struct cedar_uid *u,
			   const struct cedar_value **ret, struct err *e);
/* Duplicates are dropped. The array may go after the call, the values must stay. */
enum rc cedar_value_set(struct arena *arena, const struct cedar_value *const *items, size_t n,
			const struct cedar_value **ret, struct err *e);
/* RC_INPUT when a name occurs twice. Names are copied; fields == NULL with n == 0 gives {}. */
enum rc cedar_value_record(struct arena *arena, const struct cedar_field *fields, size_t n,
			   const struct cedar_value **ret, struct err *e);
/* The result of an extension constructor on a string: fn is "ip", "decimal", "datetime" or
 * "duration". RC_INPUT when the string is not well formed for it. */
enum rc cedar_value_ext(struct arena *arena, struct str fn, struct str arg,
			const struct cedar_value **ret, struct err *e);
enum rc cedar_value_datetime_ms(struct arena *arena, int64_t unix_ms,
				const struct cedar_value **ret, struct err *e);
enum rc cedar_value_duration_ms(struct arena *arena, int64_t ms, const struct cedar_value **ret,
				struct err *e);
/* Cedar's JSON form of values: true/false, integers of 64 bits, strings, arrays as sets, objects
 * as records, {"__entity": {"type", "id"}}, {"__extn": {"fn", "arg" | "args"}}. null, fractions
 * and exponents are refused, as are objects that use an escape's name otherwise. */
enum rc cedar_value_from_json(struct arena *arena, const struct json *j,
			      const struct cedar_value **ret, struct err *e);

enum cedar_type cedar_value_type(const struct cedar_value *v); /* CEDAR_NONE for NULL */
/* What is inside; false (and *ret as it was) when v is of another type. Borrowed from v. */
bool cedar_value_get_bool(const struct cedar_value *v, bool *ret) MUST_USE;
bool cedar_value_get_long(const struct cedar_value *v, int64_t *ret) MUST_USE;
bool cedar_value_get_string(const struct cedar_value *v, struct str *ret) MUST_USE;
bool cedar_value_get_entity(const struct cedar_value *v, const struct cedar_uid **ret) MUST_USE;
/* Elements of a set or fields of a record, each in an order of the library's own; else 0. */
size_t cedar_value_count(const struct cedar_value *v);
const struct cedar_value *cedar_value_at(const struct cedar_value *set, size_t i); /* i < count */
struct cedar_field cedar_value_field(const struct cedar_value *record, size_t i);  /* i < count */
const struct cedar_value *cedar_value_get(const struct cedar_value *record, struct str name);
bool cedar_value_equal(const struct cedar_value *a, const struct cedar_value *b);
/* Appends v in Cedar syntax. */
enum rc cedar_value_print(struct buf *b, const struct cedar_value *v);

/* ---- Entities ---------------------------------------------------------------------------------
 *
 * A store is filled, sealed and from then on read-only. Sealing computes every entity's ancestors
 * and refuses cycles. Parents need not be in the store.
 *
 * A store can lie over a sealed base, which it borrows: what the layer holds hides what the base
 * holds under the same uid (attributes, tags and parents as a whole). Ancestors of the base's
 * entities stay as they were sealed. A layer with a few entities costs a few hundred bytes: one per
 * request, in the request's arena, over one base for all. */

struct cedar_entities;

struct cedar_entity {
	const struct cedar_uid *uid;
	const struct cedar_value *attrs;	/* a record; NULL = {} */
	const struct cedar_value *tags;		/* a record; NULL = none */
	const struct cedar_uid *const *parents; /* the array may go after the call */
	size_t n_parents;
};

/* An empty store in arena, over base (NULL = nothing). */
enum rc cedar_entities_new(struct arena *arena, const struct cedar_entities *base,
			   struct cedar_entities **ret, struct err *e);
/* Adds one. A uid that is there already is RC_INPUT unless the two entities are identical. */
enum rc cedar_entities_add(struct cedar_entities *s, const struct cedar_entity *entity,
			   struct err *e);
/* Adds the entities of a JSON array in Cedar's entities form, read without a schema: each has uid,
 * attrs and parents, and may have tags; other members are ignored. */
enum rc cedar_entities_add_json(struct cedar_entities *s, const struct json *array, struct err *e);
/* The same from text. */
enum rc cedar_entities_add_text(struct cedar_entities *s, struct str json_text, struct err *e);
enum rc cedar_entities_seal(struct cedar_entities *s, struct err *e);

size_t cedar_entities_count(const struct cedar_entities *s); /* without the base */
/* The entity, in s or its base; false when there is none. The view is borrowed from the store. */
bool cedar_entities_get(const struct cedar_entities *s, const struct cedar_uid *uid,
			struct cedar_entity *ret);
/* What `descendant in ancestor` says: reflexive, also for entities that are not there. */
bool cedar_entities_in(const struct cedar_entities *s, const struct cedar_uid *descendant,
		       const struct cedar_uid *ancestor);

/* ---- Policies ---------------------------------------------------------------------------------
 */

struct cedar_builder;
struct cedar_policies;
struct cedar_policy;

/* Where something stands in a text. */
struct cedar_pos {
	uint32_t line;
	uint32_t column;
};

enum cedar_error_class {
	CEDAR_ERROR_NONE = 0,
	/* of texts */
	CEDAR_ERROR_PARSE, /* not Cedar: lexing, grammar, names, literals, duplicates */
	/* of evaluation */
	CEDAR_ERROR_TYPE,     /* a value of another type was needed */
	CEDAR_ERROR_OVERFLOW, /* of 64-bit arithmetic */
	CEDAR_ERROR_ATTR,     /* no such attribute */
	CEDAR_ERROR_TAG,      /* no such tag */
	CEDAR_ERROR_ENTITY,   /* no such entity */
	CEDAR_ERROR_EXT,      /* an extension function failed: bad argument, overflow */
	CEDAR_ERROR_ARITY,    /* wrong number of arguments of an extension function */
	CEDAR_ERROR_LIMIT,    /* a bound of this library */
};
const char *cedar_error_class_name(enum cedar_error_class c); /* "parse", "type", ... */

/* One error, as facts; cedar_error_print() makes the sentence. Borrowed strings: from the policy
 * set, the builder or the arena of the evaluation. */
struct cedar_error {
	enum cedar_error_class class;
	struct cedar_pos pos;
	struct str source;	     /* name of the text */
	uint32_t expected;	     /* TYPE: bit 1u << cedar_type of each that would have done */
	enum cedar_type got;	     /* TYPE */
	struct str subject;	     /* PARSE: what was expected and found; ATTR, TAG: its name;
					EXT, ARITY: the function; LIMIT: which; OVERFLOW: the operator */
	const struct cedar_uid *uid; /* ENTITY, and ATTR or TAG of an entity; else NULL */
	struct str detail;	     /* EXT: the argument or reason; ARITY: "expected 2, got 3" */
};

/* Appends "source:line:column: sentence". */
enum rc cedar_error_print(struct buf *b, const struct cedar_error *error);

/* Builds a set from named texts. Static policies are numbered through all texts in the order
 * given and get the ids policy0, policy1, ... */
enum rc cedar_builder_new(struct cedar_builder **ret, struct err *e);
void cedar_builder_free(struct cedar_builder *b);
/* Adds every policy of a text. source_name is for messages and cedar_policy_source(), commonly a
 * path. A failed call leaves the builder as it was. Templates are refused here.
 * The message reads "source:line:column: expected ..., found ...". */
enum rc cedar_builder_add(struct cedar_builder *b, struct str source_name, struct str text,
			  struct err *e);
/* Adds one policy under an id of the caller's choice. */
enum rc cedar_builder_add_as(struct cedar_builder *b, struct str id, struct str source_name,
			     struct str text, struct err *e);
/* Adds one template: a policy whose scope has ?principal, ?resource or both. By itself it decides
 * nothing. */
enum rc cedar_builder_add_template(struct cedar_builder *b, struct str id, struct str source_name,
				   struct str text, struct err *e);
/* Adds the policy that a template becomes when its slots are filled; annotations are the
 * template's. principal and resource must be given exactly when the template has that slot. */
enum rc cedar_builder_link(struct cedar_builder *b, struct str template_id, struct str id,
			   const struct cedar_uid *principal, const struct cedar_uid *resource,
			   struct err *e);
/* Adds what a text in Cedar's JSON form holds: a policy set ({"staticPolicies", "templates",
 * "templateLinks"}), whose policies keep their ids, or one policy ({"effect", ...}), which is
 * numbered. Messages read "source:line:column: ..." for what is wrong with the JSON, and name the
 * policy for what is wrong in its text. A failed call may leave some of its policies added: the
 * builder is then only to be freed. */
enum rc cedar_builder_add_json(struct cedar_builder *b, struct str source_name, struct str text,
			       struct err *e);
/* The last failure of cedar_builder_add() and its kin as facts; CEDAR_ERROR_NONE when it did not
 * concern the text. Borrowed from b until its next call. */
const struct cedar_error *cedar_builder_error(const struct cedar_builder *b);
/* The finished set, with one reference. b is empty afterwards and only to be freed. */
enum rc cedar_builder_finish(struct cedar_builder *b, struct cedar_policies **ret, struct err *e);

struct cedar_policies *cedar_policies_ref(struct cedar_policies *set);
void cedar_policies_unref(struct cedar_policies *set); /* NULL is fine */
size_t cedar_policies_count(const struct cedar_policies *set);
/* The i-th policy, in the order they were added; i < count. Borrowed from the set, as is all that
 * is reached through it. */
const struct cedar_policy *cedar_policies_at(const struct cedar_policies *set, size_t i);
/* By id; NULL when absent. */
const struct cedar_policy *cedar_policies_find(const struct cedar_policies *set, struct str id);

enum cedar_effect { CEDAR_FORBID = 0, CEDAR_PERMIT };

struct cedar_annotation {
	struct str name;
	struct str value; /* empty when written without one */
	bool has_value;
	struct cedar_pos pos;
};

struct str cedar_policy_id(const struct cedar_policy *p);
enum cedar_effect cedar_policy_effect(const struct cedar_policy *p);
struct str cedar_policy_source(const struct cedar_policy *p);	 /* name of its text */
struct cedar_pos cedar_policy_pos(const struct cedar_policy *p); /* of its first annotation or
								    its effect */
struct str cedar_policy_text(const struct cedar_policy *p);	 /* as written, annotations and ';'
								    included */
/* The annotation's value; p == NULL when it is absent. */
struct str cedar_policy_annotation(const struct cedar_policy *p, const char *name);
/* All of them, in the order written. */
const struct cedar_annotation *cedar_policy_annotations(const struct cedar_policy *p,
							size_t *ret_n);

/* The scope: what the head of a policy says about one variable. */
enum cedar_scope_op {
	CEDAR_SCOPE_ANY = 0, /* principal */
	CEDAR_SCOPE_EQ,	     /* principal == uid */
	CEDAR_SCOPE_IN,	     /* principal in uid */
	CEDAR_SCOPE_IN_LIST, /* action in [uid, ...]; only of action; may be empty */
	CEDAR_SCOPE_IS,	     /* principal is Type */
	CEDAR_SCOPE_IS_IN,   /* principal is Type in uid */
};
enum cedar_variable { CEDAR_PRINCIPAL = 0, CEDAR_ACTION, CEDAR_RESOURCE, CEDAR_CONTEXT };

struct cedar_scope {
	enum cedar_scope_op op;
	struct str type;		     /* IS, IS_IN */
	const struct cedar_uid *const *uids; /* EQ, IN, IS_IN: one; IN_LIST: n_uids */
	size_t n_uids;
	struct cedar_pos pos;
};

/* variable is CEDAR_PRINCIPAL, CEDAR_ACTION or CEDAR_RESOURCE. */
const struct cedar_scope *cedar_policy_scope(const struct cedar_policy *p,
					     enum cedar_variable variable);
/* Has it a when or unless clause? */
bool cedar_policy_has_conditions(const struct cedar_policy *p);

/* A name in a condition, which a type checker takes for any other text: a string that an attribute
 * is compared with (==, !=, contains, containsAll, containsAny; alone or in a set), or an entity. */
struct cedar_mention {
	struct cedar_pos pos;
	const struct cedar_uid *uid; /* an entity; else NULL, and: */
	struct str text;	     /* the string */
	enum cedar_variable variable;
	const struct str *path; /* `context.task.phase`: {"task", "phase"} */
	size_t n_path;
};
/* All of them, in the order of the text; in arena, and borrowed from p. RC_NOMEM. */
enum rc cedar_policy_mentions(const struct cedar_policy *p, struct arena *arena,
			      const struct cedar_mention **ret, size_t *ret_n, struct err *e);

/* ---- Policies between text and JSON -----------------------------------------------------------
 *
 * The JSON form (https://docs.cedarpolicy.com/policies/json-format.html) says the same as the text,
 * without its layout and comments: text to JSON to text to JSON gives the same JSON. */

/* As which release writes it: 4.13.0 keeps the path of `has a.b` as a list. Both are read. */
enum cedar_release { CEDAR_RELEASE_4_12 = 0, CEDAR_RELEASE_4_13 };
/* Append a policy, or a set with its links and the templates they came from, as JSON. b is unchanged
 * on failure. */
enum rc cedar_policy_print_json(struct buf *b, const struct cedar_policy *p,
				enum cedar_release release, struct err *e);
enum rc cedar_policies_print_json(struct buf *b, const struct cedar_policies *set,
				  enum cedar_release release, struct err *e);
/* From text: every policy and template of it, numbered policy0, policy1, ... in one row, as a set. */
enum rc cedar_text_to_json(struct buf *b, struct str source_name, struct str text,
			   enum cedar_release release, struct err *e);
/* From JSON, a set or one policy: the text. RC_INPUT for a set with links, which text cannot say. */
enum rc cedar_json_to_text(struct buf *b, struct str source_name, struct str json, struct err *e);

/* Zeros: 100 columns, 2 blanks. */
struct cedar_format_options {
	uint32_t width;
	uint32_t indent;
};
/* Appends the policies and templates of a text, laid out: only white space changes, comments stay
 * with the token they were written at, and laying out again changes nothing. options may be NULL; b
 * is unchanged on failure. */
enum rc cedar_format(struct buf *b, struct str source_name, struct str text,
		     const struct cedar_format_options *options, struct err *e);

/* ---- Deciding ---------------------------------------------------------------------------------
 */

struct cedar_request {
	const struct cedar_uid *principal;
	const struct cedar_uid *action;
	const struct cedar_uid *resource;
	const struct cedar_value *context; /* a record; NULL = {} */
};

enum cedar_decision { CEDAR_DENY = 0, CEDAR_ALLOW };

struct cedar_policy_error {
	uint32_t policy; /* index in the set */
	struct cedar_error error;
};

/* Lists hold indexes into the set, ascending, and live in the arena of the evaluation. */
struct cedar_response {
	enum cedar_decision decision;
	const uint32_t *determining; /* the satisfied forbids if any, else the satisfied permits */
	size_t n_determining;
	const uint32_t *permits; /* all that are satisfied, whatever the decision */
	size_t n_permits;
	const uint32_t *forbids; /* all that are satisfied */
	size_t n_forbids;
	const struct cedar_policy_error *errors; /* all that failed; they count as not satisfied */
	size_t n_errors;
};

/* Evaluates every policy. Allow when a permit is satisfied and no forbid is; else deny. A policy
 * that fails is skipped and listed. One departure on the safe side: when a policy hit a bound of
 * this library (CEDAR_ERROR_LIMIT), the decision is deny, since nobody knows what it would have
 * said.
 *
 * entities may be NULL (no entity exists). Returns RC_LIMIT when the arena's maximum, RC_NOMEM when
 * memory is exhausted, RC_INPUT for an incomplete request; then *ret is a denial without lists.
 */
enum rc cedar_authorize(const struct cedar_policies *set, const struct cedar_entities *entities,
			const struct cedar_request *request, struct arena *arena,
			struct cedar_response *ret, struct err *e);

/* ---- Explaining -------------------------------------------------------------------------------
 *
 * Why each policy said what it said, and what it looked at on the way: for people, beside
 * cedar_authorize(), which is not slowed down by it. */

enum cedar_stance {
	CEDAR_STANCE_OUT_OF_SCOPE = 0, /* its head is about something else */
	CEDAR_STANCE_NOT_SATISFIED,
	CEDAR_STANCE_SATISFIED,
	CEDAR_STANCE_FAILED,
};
const char *cedar_stance_name(enum cedar_stance s); /* "out of scope", "not satisfied", ... */

/* An attribute or tag that was asked for. */
struct cedar_look {
	struct str path;		 /* "context.task.phase", "resource.labels" */
	bool is_there;			 /* what has would say */
	const struct cedar_value *value; /* NULL: only has asked, or it is not there */
};

struct cedar_explanation {
	const struct cedar_policy *policy; /* borrowed from the set */
	enum cedar_stance stance;
	struct cedar_error error; /* CEDAR_STANCE_FAILED */
	const struct cedar_look *looks; /* in the order of first asking, each path once; of records that
					   were gone through only what was asked for in them */
	size_t n_looks;
};

/* One for each policy of the set, in its order; in arena. An evaluation looks at no more than it
 * needs: what stands behind an && that is false already was not looked at. Errors as
 * cedar_authorize(). */
enum rc cedar_explain(const struct cedar_policies *set, const struct cedar_entities *entities,
		      const struct cedar_request *request, struct arena *arena,
		      const struct cedar_explanation **ret, size_t *ret_n, struct err *e);

/* ---- Deciding before all is known -------------------------------------------------------------
 *
 * For two questions: which policies could apply to somebody at all, and what is left to find out?
 * Principal, action and resource may be unknown, or known by their type only; the context may be
 * known in part. Entities are known whole: what is not in the store does not exist. */

struct cedar_partial_request {
	const struct cedar_uid *principal; /* NULL = unknown */
	struct str principal_type;	   /* of an unknown one; empty = unknown too */
	const struct cedar_uid *action;
	const struct cedar_uid *resource;
	struct str resource_type;
	const struct cedar_value *context; /* the fields that are known; NULL = none */
	bool context_is_whole;		   /* it has no others */
};

/* Whether a policy is satisfied, over all requests that agree with what is known. MAYBE promises
 * nothing: what depends on unknown parts is not searched for contradictions. */
enum cedar_prospect { CEDAR_NEVER = 0, CEDAR_MAYBE, CEDAR_ALWAYS };

struct cedar_condition;
struct cedar_residual {
	const struct cedar_policy *policy; /* borrowed from the set */
	enum cedar_prospect prospect;
	const struct cedar_condition *conditions; /* what is left of them, when MAYBE */
	size_t n_conditions;
};

enum cedar_partial_decision {
	CEDAR_PARTIAL_DENY = 0, /* whatever the unknown parts are */
	CEDAR_PARTIAL_UNKNOWN,
	CEDAR_PARTIAL_ALLOW,
};

struct cedar_partial_response {
	enum cedar_partial_decision decision;
	const struct cedar_residual *residuals; /* one per policy of the set, in its order */
	size_t n;
};

/* Results live in arena, and borrow from set. Errors as cedar_authorize(). */
enum rc cedar_authorize_partial(const struct cedar_policies *set,
				const struct cedar_entities *entities,
				const struct cedar_partial_request *request, struct arena *arena,
				struct cedar_partial_response *ret, struct err *e);
/* Appends what is left of a policy, as text that parses: its head as written, the conditions that
 * depend on what is unknown, laid out. */
enum rc cedar_residual_print(struct buf *b, const struct cedar_residual *r, struct err *e);

/* ---- Schemas ----------------------------------------------------------------------------------
 *
 * What entities, actions and contexts look like. Cedar's syntax and its JSON form say the same and
 * give the same schema. A schema owns its memory; texts given to it are copied. */

struct cedar_schema;

/* A schema from its text, with one reference. source_name is for messages, which read
 * "source:line:column: expected ..., found ...". Names that are unknown come with the nearest that
 * there is. */
enum rc cedar_schema_parse(struct str source_name, struct str text, struct cedar_schema **ret,
			   struct err *e);
enum rc cedar_schema_parse_json(struct str source_name, struct str text, struct cedar_schema **ret,
				struct err *e);
struct cedar_schema *cedar_schema_ref(struct cedar_schema *s);
void cedar_schema_unref(struct cedar_schema *s); /* NULL is fine */
/* Append the schema in Cedar's syntax or in JSON, as it was written in whichever of the two; b is
 * unchanged on failure. RC_INPUT when the syntax cannot say what the JSON did: a reference that only
 * JSON tells from another of the same name, or attributes that are a type's name. RC_LIMIT when b's
 * maximum is reached or types are nested deeper than JSON may be. */
enum rc cedar_schema_print(struct buf *b, const struct cedar_schema *s, struct err *e);
enum rc cedar_schema_print_json(struct buf *b, const struct cedar_schema *s, struct err *e);
/* The actions with their groups, sealed: a base to lay entities over. Borrowed from s. */
const struct cedar_entities *cedar_schema_actions(const struct cedar_schema *s);

/* ---- Data against a schema --------------------------------------------------------------------
 *
 * With a schema, JSON is read as its types say: a plain string where an ipaddr, decimal, datetime
 * or duration is expected is the argument of its constructor, {"type", "id"} where an entity is
 * expected is one. */

/* As cedar_entities_add_json(), by a schema: attributes and tags must be as declared. The schema's
 * actions are added when neither s nor its base has them; an action that is in the array must be
 * just as the schema has it. What concerns ancestors is checked by cedar_entities_check(). */
enum rc cedar_entities_add_json_as(struct cedar_entities *s, const struct cedar_schema *schema,
				   const struct json *array, struct err *e);
/* Is every entity of a sealed store (without its base) as the schema says: its type is known, all
 * required attributes are there and no others, all values are of their types, tags too, ids of
 * enumerated types are among theirs, ancestors are of types it may be in? */
enum rc cedar_entities_check(const struct cedar_entities *s, const struct cedar_schema *schema,
			     struct err *e);
/* The context of a request for this action; RC_INPUT when it is not as the schema says. */
enum rc cedar_context_from_json(struct arena *arena, const struct cedar_schema *schema,
				const struct cedar_uid *action, const struct json *j,
				const struct cedar_value **ret, struct err *e);
/* Is the request one that the schema knows: types of principal and resource that the action applies
 * to, and the context of its type? */
enum rc cedar_request_check(const struct cedar_request *request, const struct cedar_schema *schema,
			    struct err *e);

/* ---- Validation -------------------------------------------------------------------------------
 *
 * Checks policies against a schema, for every action with every type of principal and resource that
 * it applies to. A valid policy, evaluated for a request and entities that passed
 * cedar_request_check() and cedar_entities_check(), fails for nothing but overflow, entities that
 * are not there, extension functions on values that are computed, and bounds.
 *
 * Strict mode also demands what makes policies analysable: compared things are of one type, sets
 * are not empty, extension constructors stand on literals. */

enum cedar_mode { CEDAR_STRICT = 0, CEDAR_PERMISSIVE };

enum cedar_finding_class {
	CEDAR_FINDING_NONE = 0,
	CEDAR_FINDING_UNKNOWN_TYPE,
	CEDAR_FINDING_UNKNOWN_ACTION,
	CEDAR_FINDING_UNKNOWN_ID, /* an enumerated type has no such id */
	CEDAR_FINDING_NO_ACTION,  /* no action applies to what the scope allows */
	CEDAR_FINDING_TYPE,	  /* another type was expected */
	CEDAR_FINDING_INCOMPATIBLE, /* two types that should go together do not */
	CEDAR_FINDING_NO_ATTR,
	CEDAR_FINDING_UNSAFE_ATTR, /* optional, and not tested with has */
	CEDAR_FINDING_UNSAFE_TAG,  /* not tested with hasTag */
	CEDAR_FINDING_NO_TAGS,
	CEDAR_FINDING_EMPTY_SET,
	CEDAR_FINDING_NOT_LITERAL, /* the argument of an extension constructor */
	CEDAR_FINDING_ARGUMENT,	   /* an extension constructor would fail */
	CEDAR_FINDING_ARITY,
	CEDAR_FINDING_LEVEL,	     /* an entity too far from the request is read */
	CEDAR_FINDING_LEVEL_LITERAL, /* an entity that the policy names is read */
	CEDAR_FINDING_IMPOSSIBLE, /* a warning: the policy is never satisfied */
	CEDAR_FINDING_ABSENT,	  /* a warning, on demand: nothing has the attribute asked for */
};
const char *cedar_finding_class_name(enum cedar_finding_class c); /* "unknown_type", ... */

struct cedar_finding {
	enum cedar_finding_class class;
	bool is_warning;
	uint32_t policy; /* index in the set */
	struct cedar_pos pos;
	struct str source;  /* name of the text; borrowed from the policy set */
	struct str message; /* what was expected and found; in the arena */
	const struct cedar_uid *action; /* of the first requests it was found for, borrowed from the
					   schema; NULL = whatever the request */
};

struct cedar_validate_options {
	enum cedar_mode mode;
	/* As releases after 4.12 do: a policy whose scope no action fits is only warned about. */
	bool no_action_is_warning;
	/* Demand that entities are read only up to so many steps from the request: 0 reads none, 1
	 * the principal, action and resource, 2 also what their attributes and tags name. */
	bool has_max_level;
	uint32_t max_level;
	/* Also find each attribute that `has` asks for and that no request can have there: it is
	 * valid, and most often misspelt. */
	bool finds_absent;
};

/* Lives in the arena that was given. */
struct cedar_validation {
	bool is_valid;	      /* all policies are */
	const bool *policies; /* is each valid? by index in the set */
	const struct cedar_finding *findings; /* of errors and warnings, by policy */
	size_t n_findings;
};

/* options NULL: strict. RC_LIMIT when validating one policy takes more than CEDAR_LIMIT_CHECK_STEPS
 * or finds more than CEDAR_LIMIT_FINDINGS; nothing is known then. */
enum rc cedar_validate(const struct cedar_policies *set, const struct cedar_schema *schema,
		       const struct cedar_validate_options *options, struct arena *arena,
		       struct cedar_validation *ret, struct err *e);
/* Appends "source:line:column: policy 'id': sentence". */
enum rc cedar_finding_print(struct buf *b, const struct cedar_policies *set,
			    const struct cedar_finding *finding);
