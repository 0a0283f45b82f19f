/* SPDX-License-Identifier: Apache-2.0 */
/* core/reads.h - what a result was: which objects of which class of data somebody has now seen.
 *
 * The catalog says of a tool how its result becomes objects (struct read_rule). A result that no
 * rule describes, or that does not look as its rules say, is *unknown*: it counts as one result of
 * unknown content, which limits can cap, and never as nothing.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "codec/json.h"
#include "core/list.h"

enum {
	READ_CLASSES = 64,	   /* of data in one deployment, with "any" and "unknown" */
	READ_RULES = 16,	   /* of one tool */
	READ_ITEMS_BYTES = 256000, /* names of objects of one result; a longer list is unknown */
};

/* One kind of object in a tool's results. */
struct read_rule {
	struct str objects; /* pointer into the result: an array of objects, or one object */
	struct str kind;    /* "customer" */
	struct str id;	    /* pointer into each: a text or a number */
	struct str class;   /* data class; one of the tool's */
};

struct read_account {
	bool is_described;
	struct str_list counts; /* "<class>=<distinct objects>", by class; empty when unknown */
	struct str items;	/* canonical JSON {"<class>": ["<kind>:<id>", ...]}; "" = none */
};

/* The JSON of a result of MCP: its structuredContent, or the text of its first content. Lives in
 * arena; scratch may be emptied. NULL when there is none. */
const struct json *reads_value_of(struct str result, struct arena *scratch, struct arena *arena);

/* Accounts for value, the JSON of a result (NULL: it is none). Everything lives in arena. RC_NOMEM
 * and RC_LIMIT only: what a result lacks makes it unknown. */
enum rc reads_account(const struct read_rule *rules, size_t n_rules, const struct json *value,
		      struct arena *arena, struct read_account *ret, struct err *e);

/* What was read of one class so far. */
struct read_total {
	uint64_t results;
	uint64_t objects;
	uint64_t bytes; /* of whole results that had some of the class */
};

/* Classes that every account has beside those of its data: all results, and those of which nobody
 * knows what was in them. */
#define READ_CLASS_ANY	   STR("any")
#define READ_CLASS_UNKNOWN STR("unknown")

/* How much of a class a task, or all tasks of an incident, may be given. UINT64_MAX = no limit. */
struct read_budget {
	struct str class; /* a data class, "any" or "unknown" */
	bool is_of_incident;
	struct read_total most;
};

/* The entry of a class in counts: 0 when it has none. */
uint64_t reads_count_of(const struct str_list *counts, struct str class);
