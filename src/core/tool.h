/* SPDX-License-Identifier: Apache-2.0 */
/* core/tool.h - the catalog: upstreams and their tools.
 *
 * Part of a bundle: immutable, strings and nodes owned by the bundle's arena.
 */
#pragma once

#include "base/err.h"
#include "codec/json.h"
#include "core/condition.h"
#include "core/effect.h"
#include "core/gate.h"
#include "core/input.h"
#include "core/leaf.h"
#include "core/list.h"
#include "core/signal.h"
#include "core/reads.h"

enum transport {
	TRANSPORT_NONE = 0,
	TRANSPORT_COMMAND, /* Remit's runner starts a program per call */
	TRANSPORT_STDIO,   /* an MCP server child of the runner, one per upstream and task */
	TRANSPORT_HTTP,	   /* an MCP server over Streamable HTTP, called by the agents' front */
};

/* A credential that calls of this upstream run with. */
struct credential {
	struct str backend; /* "" = none */
	struct str scope;   /* what the backend grants; for PostgreSQL the group role */
};

struct upstream {
	struct str name; /* lower case letters, digits, '-', '_' not doubled thrice */
	enum transport transport;
	struct str url;		     /* HTTP: http(s)://host:port/path */
	struct str_list command;     /* stdio: program and arguments, absolute path */
	struct str_list environment; /* NAME=value, nothing secret */
	struct str_list
	    network; /* "127.0.0.1:5432", "unix:/path": what a child may reach; empty = nothing */
	struct str_list readable; /* paths a child may read beside the system's libraries */
	struct str_list writable; /* paths a child may write */
	struct credential credential;
	uint32_t timeout_ms;
	uint32_t refresh_ms; /* how often the definitions are read again */
	struct str ca_file;  /* HTTPS: who the server must be certified by */
	bool is_modern;	     /* speaks MCP 2026-07-28; false: the handshake of 2025-11-25 */
	/* Children: the credential as a file of this text, in memory, {field} replaced; {secret} in
	 * `command` and `environment` is its path. "" = none. docs/formats/upstream.md */
	struct str secret_file;
	bool is_unverified; /* the catalog was never run against the real thing */
	bool may_signal;    /* children: may signal processes outside their sandbox */
};

/* How a value names targets. */
enum target_form {
	TARGET_TEXT = 0, /* a text, or a list of texts */
	TARGET_LIST,	 /* one text, separated by commas or ends of lines */
	TARGET_SELECTOR, /* labels (core/selector.h), looked up in the inventory */
	TARGET_TEMPLATE, /* several texts within an object make one name */
};

/* Where a call's targets are in its arguments. */
struct target_rule {
	struct str kind;    /* "pg-role", "ip", "host", "service", ...: the part before ':' */
	struct str pointer; /* core/argument.h; "" with constant, and for a template of arguments */
	enum target_form form;
	struct str template; /* "{namespace}/{name}": members of what pointer finds, or pointers */
	bool must_be_listed; /* it is an asset of the inventory, or no target of that kind */
	struct str constant; /* a target that does not depend on the arguments, without its kind */
};

/* A call derived from another: capture, verification, inverse. The arguments are a JSON template:
 * an object {"$args": "/pointer"} is replaced by that value of the original arguments,
 * {"$pre": "/pointer"} by that value of the captured state. */
struct derived_call {
	struct str tool;	 /* tool of the same upstream; "" = none */
	const struct json *args; /* template */
	/* verification: the value at `pointer` of the result must equal `equals`;
	 * inverse: the inverse is wanted only if the captured state at `pointer` equals `equals` */
	struct str pointer;
	const struct json *equals; /* NULL = no condition; may be a template */
	uint64_t within_ms;	   /* verification: how long the effect may take to show */
};

/* A read whose results are kept as evidence. */
struct capture_rule {
	struct str kind; /* "" = they are not */
	uint64_t keep_ms;
	bool is_compliance; /* mode of retention; else governance */
};

/* When these conditions hold, the call has this effect and touches this. */
struct effect_case {
	struct conditions when;
	enum effect effect;
	bool changes_access;
	bool deletes_data;
	bool touches_secrets;
};

/* When these conditions hold, or cannot be told, a person is asked. */
struct gate_rule {
	struct conditions when;
	struct str gate;   /* "" = the default gate */
	struct str reason; /* for people */
};

/* What must have happened in the task before: a tool that succeeded, or a label. */
struct prerequisite {
	struct str tool;    /* public name, "" = label */
	struct str label;   /* class of data, "untrusted" */
	bool is_for_target; /* on each target of the call */
};

/* What must hold of an argument, or, for a list, of its length. */
struct invariant {
	struct str pointer;
	bool not_empty;
	bool has_max;
	bool has_min;
	int64_t max;
	int64_t min;
	const struct json *equals; /* NULL = anything */
};

enum term_end { TERM_REASK = 0, TERM_REVERT };

struct tool {
	const struct upstream *upstream;
	struct str name;	/* the upstream's own name */
	struct str public_name; /* "<upstream>___<name>", what agents see and Cedar's action id */
	enum effect
	    effect; /* the worst that a call can be; classify_call() says what this one is */
	enum effect default_effect; /* with cases: when none holds */
	const struct effect_case *cases;
	size_t n_cases;
	/* Declared contain, with a way back, and destroy only because it changes access: a person
	 * may approve of it in advance (never set with cases). */
	bool only_changes_access;
	bool changes_access; /* these three: whatever the arguments */
	bool deletes_data;
	bool touches_secrets;
	const struct gate_rule *gate_rules;
	size_t n_gate_rules;
	struct str_list credential_arguments; /* pointers: denied when an agent supplies one */
	struct str gating;     /* the row of the gating matrix; "" = none of its special ones */
	bool requires_witness; /* denied while no quorum of witnesses has seen the log */
	bool is_owned;	       /* acts on assets of the agent's own team or owner only */
	const struct target_rule *targets;
	size_t n_targets;
	struct str_list data;	       /* data classes of its results; "unknown" when undescribed */
	bool is_untrusted;	       /* its results carry text from outside */
	const struct read_rule *reads; /* how its results become objects; none = unknown */
	size_t n_reads;
	uint64_t reads_objects; /* in one result at most, as declared; 0 = not declared */
	uint64_t reads_bytes;	/* the same */
	struct str_list redact; /* pointers into its results that no agent sees */
	bool accepts_secrets;	/* its arguments may hold secrets */
	struct str egress;	/* where what it writes goes: "external", "public", else "none" */
	const struct prerequisite *prerequisites;
	size_t n_prerequisites;
	const struct invariant *invariants;
	size_t n_invariants;
	struct derived_call in_use; /* a read; the target is in use when it says `equals` */
	struct str fence;	    /* argument that takes the target's token, "/name"; "" = none */
	struct derived_call capture;
	struct derived_call inverse;
	bool inverse_not_needed;
	struct str not_needed_by; /* the person who signed that off */
	struct derived_call verify;
	uint64_t rehearsed_unix_ms; /* by the catalog; 0 = never. The log may know a later one */
	/* Where Remit itself may try it: canonical targets, and a template of arguments in which
	 * {"$args": "/value"} is the target without its kind. Empty: nowhere. */
	struct str_list rehearsal_targets;
	const struct json *rehearsal_args;
	struct digest entry; /* of its own and its inverse's entry: what a rehearsal is good for */
	uint64_t term_ms;    /* 0 = no term */
	enum term_end term_end;
	uint64_t reask_ms;   /* how often it is asked about after its end */
	struct str evidence; /* what is preserved first, and for how long: text for people */
	/* Evidence that must be there before a call (core/evidence.h): kinds, how old it may be
	 * (0 = any age), and the reads by which Remit itself gets what is missing. */
	struct str_list requires;
	uint64_t requires_max_age_ms;
	const struct derived_call *preserve;
	size_t n_preserve;
	struct capture_rule captures;
	bool does_not_alter;		 /* not a change of the target's own state: isolation */
	struct credential credential;	 /* overrides the upstream's when backend is not empty */
	struct safe_alternative instead; /* when a person says no, or nobody says anything */
	/* What must be known of its targets before it runs without a person. */
	struct corroboration corroboration;
	/* A read: its result at this pointer is that signal of its target. "" = none. */
	struct str signal_name;
	struct str signal_pointer;
	uint32_t max_calls_per_task; /* 0 = the playbook's limit only */

	const struct json *definition;	 /* MCP tool definition, its name included */
	const struct json *input_schema; /* definition's inputSchema, or NULL */
	const struct input *arguments;	 /* made of it: what policies see of arguments; NULL = {} */
	uint8_t digest[32]; /* SHA-256 of JCS {name, title, description, inputSchema, outputSchema,
			       annotations} */

	/* TRANSPORT_COMMAND */
	struct str_list command; /* program (absolute) and arguments */
	struct str input;	 /* text given on standard input */
	struct str_list
	    variables;	     /* "name=/pointer": argument values, see docs/formats/upstream.md */
	bool output_is_json; /* stdout is one JSON value, else text */
};

/* SHA-256 of the canonical JSON of {annotations, description, inputSchema, name, outputSchema,
 * title} of an MCP tool definition; absent members are left out, others ignored. RC_INPUT when it
 * has no name or a number that has no canonical form, RC_LIMIT, RC_NOMEM. */
enum rc tool_definition_digest(const struct json *mcp_tool, uint8_t out[32], struct err *e);
