/* SPDX-License-Identifier: Apache-2.0 */
/* core/input.h - what a policy sees of a tool's arguments: the Cedar type of `context.input`, and
 * the arguments of a call as a value of it.
 *
 * The type is made from the tool's inputSchema by the rules of the public generator of Cedar
 * schemas for MCP servers, with its options `objectsAsRecords` and `numbersAsDecimal`; where that
 * generator refuses a whole server, the part in question is escaped or unknown instead. Both are
 * described in docs/formats/policy-schema.md. An input is made once, when the catalog is loaded,
 * and is then read only; it lives in the arena it was made in and borrows from the JSON it was made
 * of.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"
#include "core/list.h"

struct cedar_entities;
struct cedar_value;

enum {
	INPUT_TYPES = 2048,	   /* in one schema; larger ones describe no arguments */
	INPUT_DEFS = 256,	   /* $defs and definitions of one schema */
	INPUT_NAME_BYTES = 1024,   /* of a property: it becomes part of a type's name */
	INPUT_PATH_BYTES = 8192,   /* a type's name with all that it is within */
	INPUT_ID_BYTES = 1024,	   /* a longer value is known by its digest */
	INPUT_STEPS = 1000 * 1000, /* types looked at for one call */
	INPUT_DEPTH = 512,	   /* types within each other, in one value */
};

enum input_kind {
	INPUT_UNKNOWN = 0, /* Remit::Unknown: nothing but equality */
	INPUT_BOOL,
	INPUT_LONG,
	INPUT_DECIMAL,	    /* of a number */
	INPUT_DECIMAL_TEXT, /* the rest of the scalars are texts */
	INPUT_STRING,
	INPUT_DATETIME,
	INPUT_DURATION,
	INPUT_IPADDR,
	INPUT_NULL, /* Remit::Null */
	INPUT_ENUM, /* an enumerated entity type */
	INPUT_SET,
	INPUT_TUPLE,  /* a record: proj0, proj1, ... */
	INPUT_UNION,  /* a record with one of typeChoice0, typeChoice1, ... */
	INPUT_RECORD, /* an object with the properties it names */
	INPUT_TAGGED, /* an object with others too: an entity with attributes and tags */
	INPUT_REF,
};

struct input_field {
	struct str name; /* as in the arguments; of a tuple or union as above */
	struct input_type *type;
	bool is_required;
};

struct input_type {
	enum input_kind kind;
	struct str space;	    /* ENUM, RECORD, TAGGED, REF: the namespace it is declared in */
	struct str name;	    /* and its name there; "" = the arguments as a whole */
	struct str path;	    /* both */
	struct input_field *fields; /* TUPLE, UNION, RECORD, TAGGED */
	size_t n_fields;
	struct input_type *item; /* SET: of its elements; TAGGED: of its tags; REF: what it names */
	struct str_list words;	 /* ENUM */
	struct input_type *next; /* of the declared types */
	struct str ref;		 /* REF, while reading */
};

/* A type under a name of its own, from $defs. */
struct input_def {
	struct str key;	 /* its name in the schema */
	struct str ref;	 /* what references to it say: "#/$defs/<key>" */
	struct str name; /* in its namespace */
	struct str path; /* with it */
	bool is_alias;	 /* its type is not declared under this name already */
	struct input_type *type;
};

struct input {
	struct str name;	 /* of the type of context.input, in namespace Remit */
	struct str space;	 /* "Remit::<tool>::Input": what its types are declared in */
	struct input_type *root; /* RECORD without name */
	struct input_def *defs;
	size_t n_defs;
	struct input_type *declared; /* ENUM, RECORD, TAGGED in a list */
	size_t n_declared;
	bool is_shadowing; /* one of them is called as an extension type */
	bool has_null;	   /* Remit::Null occurs */
	bool has_unknown;
};

/* The input of the tool with this public name; schema NULL gives {}. RC_LIMIT when a bound above is
 * reached, RC_NOMEM. */
enum rc input_of_schema(struct str tool, const struct json *schema, struct arena *arena,
			const struct input **ret, struct err *e);

/* An identifier for any text: the text itself when it is one, else with _uXXXX_ for what is not.
 * Different texts have different identifiers. */
enum rc input_identifier(struct str text, struct arena *arena, struct str *ret, struct err *e);

/* Appends a text as Cedar quotes it. */
enum rc input_print_text(struct buf *b, struct str text);
/* Appends the declarations that belong into namespace Remit: `type <name> = {...};` */
enum rc input_print(struct buf *b, const struct input *in);
/* Appends the namespaces of all other types. */
enum rc input_print_spaces(struct buf *b, const struct input *in);

/* Are the arguments, which fit the JSON Schema, values that Cedar has? RC_INPUT names the argument:
 * an integer of more than 64 bits, a text that is not of its format. */
enum rc input_check(const struct input *in, const struct json *args, struct arena *arena,
		    struct err *e);

/* The arguments as a record. Objects that are entities are added to store, which must not be sealed
 * yet. What the schema does not declare is left out, and *ret_undeclared says so. A number that is
 * no decimal to its last digit is its text: no comparison with it holds, and ordering fails. */
enum rc input_value(const struct input *in, const struct json *args, struct arena *arena,
		    struct cedar_entities *store, const struct cedar_value **ret,
		    bool *ret_undeclared, struct err *e);
