/* SPDX-License-Identifier: Apache-2.0 */
/* config/load.h - what the files of the loader share; not for other rooms, but for src/drill, whose
 * scenarios are read in the same way.
 *
 * One struct load goes through all files in the order of what refers to what: people, gates,
 * remit.yaml, upstreams, playbooks, agents, policies. Reading goes on after an error; getters
 * report what is wrong and give a harmless value back, so that callers read straight down. Nodes
 * and texts live in the arena of what they describe: of the bundle, or of the deployment for
 * remit.yaml.
 */
#pragma once

#include "codec/json.h"
#include "config/deployment.h"
#include "config/nearest.h"
#include "config/tree.h"

struct cedar_policy;
struct cedar_uid;

struct load {
	const struct tree *tree;
	struct findings *f;
	struct bundle *b;
	struct deployment *d;
	struct arena *arena; /* where what is read now belongs */
	struct str file;     /* being read */
	uint64_t now_unix_ms;
	bool looks_at_paths; /* secrets and keys must exist, with the right mode */
	bool is_stored;	     /* a bundle as it was kept: it does not say where it ran */
	bool is_out_of_memory;

	struct cap *caps; /* b->caps while they are read */

	/* remit.yaml: defaults */
	uint64_t hold_ms;
	uint64_t deviations;
	uint64_t refresh_ms;
	uint64_t term_ms;
	const struct json *remit; /* the document, for the digest */
	const struct json *gates; /* and these, for what is checked at the end */
	const struct json *people;
};

/* ---- Findings at a node (NULL = the whole file) ---- */
void load_error(struct load *l, const struct json *at, const char *fmt, ...) PRINTF_LIKE(3, 4);
void load_warn(struct load *l, const struct json *at, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Reports e, whose message may begin with "line:column: ". */
void load_error_of(struct load *l, const struct json *at, const struct err *e);
/* "no <what> '<word>'; did you mean '<near>'?" */
void load_unknown(struct load *l, const struct json *at, const char *what,
		  const struct nearest *near);
/* Memory; NULL is remembered and ends the loading. */
void *load_alloc(struct load *l, size_t n, size_t size);

/* ---- Documents ---- */
/* The mapping in a file of the tree; NULL (reported) when it is absent or not one. Sets l->file. */
const struct json *load_document(struct load *l, struct str path);
/* "agents/responder.yaml" -> "responder", or reports a bad name. */
struct str load_name_of_file(struct load *l, struct str path);
/* Goes through the files of a directory: *i from 0. NULL at the end. */
const struct tree_file *load_next_file(const struct load *l, const char *dir, size_t *i);
size_t load_count_files(const struct load *l, const char *dir);

/* ---- Values ----
 * obj is a mapping or NULL, in which case nothing is reported again. */
enum presence { OPTIONAL, REQUIRED };

/* Is it a mapping with these keys only? names: "a b c". */
bool load_keys(struct load *l, const struct json *obj, const char *what, const char *names);
const struct json *load_get(struct load *l, const struct json *obj, const char *key,
			    enum presence p);
const struct json *load_map(struct load *l, const struct json *obj, const char *key,
			    enum presence p);
const struct json *load_array(struct load *l, const struct json *obj, const char *key,
			      enum presence p);
struct str load_text(struct load *l, const struct json *obj, const char *key, enum presence p);
bool load_flag(struct load *l, const struct json *obj, const char *key);
uint64_t load_number(struct load *l, const struct json *obj, const char *key, uint64_t from,
		     uint64_t to, uint64_t otherwise);
/* "20s"; at most max_ms. */
uint64_t load_duration(struct load *l, const struct json *obj, const char *key, uint64_t max_ms,
		       uint64_t otherwise_ms);
/* "2026-11-22", to the end of that day in UTC; 0 when absent. */
uint64_t load_date(struct load *l, const struct json *obj, const char *key, enum presence p);
/* "2027-01-31T18:00:00Z", or a date: its begin, or its end; 0 when absent. */
uint64_t load_moment(struct load *l, const struct json *obj, const char *key, bool is_end);
/* Hours of the week (core/calendar.h), a text or a list of them; NULL (reported when REQUIRED). */
const struct week_window *load_windows(struct load *l, const struct json *obj, const char *key,
				       enum presence p, size_t *ret_n);
/* Distinct texts. An empty list is reported when REQUIRED. */
struct str_list load_list(struct load *l, const struct json *obj, const char *key, enum presence p);
/* {NAME: text} as "NAME<separator>text". */
struct str_list load_pairs(struct load *l, const struct json *obj, const char *key, char separator);
/* "severity": {from, to} within 1 (worst) to 5; absent: both ends. */
void load_severity_band(struct load *l, const struct json *obj, uint8_t *ret_from, uint8_t *ret_to);
/* Program and arguments; the program's path is absolute. */
struct str_list load_command(struct load *l, const struct json *obj, const char *key,
			     enum presence p);
/* "host:port", "[::1]:port". */
struct listen_address load_address(struct load *l, const struct json *obj, const char *key,
				   enum presence p);
/* A path, made absolute. A secret must exist and nobody but its owner may touch it. */
enum path_kind { PATH_ANY, PATH_FILE, PATH_SECRET };
struct str load_path(struct load *l, const struct json *obj, const char *key, enum presence p,
		     enum path_kind kind);

/* remit.yaml's `witnesses` and witnesses.policy; then what tools ask of them. */
void load_witnesses(struct load *l);
void load_witness_tools(struct load *l);

/* Of a group: rota, deputy and ladder. */
void load_rota(struct load *l, const struct json *group, struct group *g);
void load_ladder(struct load *l, const struct json *group, struct group *g);
/* safe_alternative: {tool, text}. The tool is checked by load_gates_ends or the catalog's own
 * check. */
void load_instead(struct load *l, const struct json *obj, struct safe_alternative *ret);

/* ---- Names ---- */
/* Lower case letters and digits, then also . - _ within; at most 64 bytes. */
bool name_is_valid(struct str name);
/* As load_text, and a person (group, ...) of that name must be known. */
struct str load_person(struct load *l, const struct json *obj, const char *key, enum presence p);
struct str load_group(struct load *l, const struct json *obj, const char *key, enum presence p);
/* Every text of a list must be the public name of a tool. */
void load_check_tools(struct load *l, const struct json *list);
/* Reports a key that is no valid name. */
/* The text of a text, a number or a flag ("" when reported). */
struct str load_scalar(struct load *l, const struct json *at);
/* Reports what is no name of a signal. */
void load_check_signal(struct load *l, const struct json *at, struct str name);
void load_check_name(struct load *l, const struct json *named);
bool load_check_person(struct load *l, const struct json *at, struct str name);
bool load_check_group(struct load *l, const struct json *at, struct str name);
bool load_check_gate(struct load *l, const struct json *at, struct str name);
bool load_check_backend(struct load *l, const struct json *at, struct str name);
bool load_check_notifier(struct load *l, const struct json *at, struct str name);
bool load_check_tool(struct load *l, const struct json *at, struct str public_name);

/* Is it a class of data, and not a word for all or for unknown results? Reported. */
bool load_read_class(struct load *l, const struct json *at, struct str class);
/* A playbook's `reads`. */
void load_read_budgets(struct load *l, const struct json *playbook, struct playbook *pb);
/* ---- Conditions on arguments (load_condition.c) ---- */
#define CONDITION_KEYS "pointer equals in matches present greater less"
/* keys: CONDITION_KEYS and what else may stand beside them. */
void load_argument_condition(struct load *l, const struct json *node, const char *keys,
			     struct condition *ret);
/* One, or a list of which all must hold. */
void load_argument_conditions(struct load *l, const struct json *node, struct conditions *ret);

/* ---- The steps, in their order ---- */
void load_remit(struct load *l);
void load_routing(struct load *l);			   /* after agents and playbooks */
void load_sources(struct load *l, const struct json *doc); /* a part of it */
void load_people(struct load *l);
void load_inventory(struct load *l);
void load_gates(struct load *l);
void load_never(struct load *l, const struct json *gates); /* within load_gates */
void load_autonomy_rules(struct load *l);
void load_freezes(struct load *l);
void load_upstreams(struct load *l);
void load_playbooks(struct load *l);
void load_limits(struct load *l);
/* The list `caps` of a document: of limits.yaml (playbook "") or of a playbook. */
void load_caps(struct load *l, const struct json *doc, struct str playbook);
void load_agents(struct load *l);
/* Of gates: what can only be checked when tools and agents are known. */
void load_gates_ends(struct load *l);
enum rc load_policies(struct load *l, struct err *e);
/* What is found about a policy, in the order of the set. */
struct policy_fact {
	const struct cedar_policy *policy;
	size_t n_errors; /* so far: what would be said twice is not */
	bool is_dead;	 /* no request satisfies it */
};
/* Within load_policies, when all else is sound: the types of all policies, and the names that they
 * compare with. Sets l->d->policy_schema. */
enum rc load_check_policies(struct load *l, struct policy_fact *facts, struct err *e);
/* Reports an entity that no request has: an agent, team, tool, group or service that is not there.
 */
void load_check_entity(struct load *l, const struct json *at, const struct cedar_uid *uid);
/* people.yaml, authors: after the policies, whose files it names. */
void load_authors(struct load *l);
