/* SPDX-License-Identifier: Apache-2.0 */
/* drill/scenario.h - a story to replay: what is given, what happens, what is expected.
 *
 * One YAML file each, in the format of docs/scenarios.md. Reading reports every mistake with line
 * and column; a scenario with one mistake is not played.
 */
#pragma once

#include "config/load.h"
#include "core/command.h"
#include "drill/fixture.h"

enum step_kind {
	STEP_NONE = 0,
#define STEP(NAME, word, keys, is_agents, text) STEP_##NAME,
#include "drill/step.def"
#undef STEP
	STEP_KINDS
};
const char *step_word(enum step_kind k);

/* "incident close", "incident_close", "incident-close" -> COMMAND_INCIDENT_CLOSE. */
bool scenario_command(struct str word, enum command_verb *ret) MUST_USE;

enum { SCENARIO_STEPS_MAX = 500, SCENARIO_BYTES = 1 << 20, SCENARIO_CODES_MAX = 16 };

/* What a step is expected to be answered with. */
enum answer { ANSWER_ANY = 0, ANSWER_ALLOW, ANSWER_ASK, ANSWER_DENY, ANSWER_OK };
const char *answer_name(enum answer a);

struct step {
	enum step_kind kind;
	const struct json *node;  /* the whole step */
	const struct json *value; /* of its verb */
	struct str by;		  /* agent or person; "" = whoever is meant by default */
	uint64_t times;		  /* 1 */
	uint64_t every_ms;
	uint64_t wait_ms; /* STEP_WAIT */
	enum answer answer;
	struct str_list codes; /* any of these; none = whatever the reason */
	struct str not_due;    /* why it is not played yet; "" = it is */
};

struct steps {
	struct step *p;
	size_t n;
};

struct scenario {
	struct arena arena;
	struct str file;
	struct str name;
	struct str title;
	struct str not_due;
	struct str_list controls;
	uint64_t unix_ms; /* when it begins */
	const struct json *document;
	const struct json *incidents; /* name -> incident; never NULL */
	const struct json *end;	      /* expect at the end; NULL = nothing */
	struct steps steps;
	struct steps twin;
	struct fixture fixture;
	struct tree tree; /* the deployment that it means */
};

/* Reads text (of a file called file) into a new scenario. dir, if not NULL, is a deployment
 * directory whose own files come first. RC_INPUT when there are errors in f. */
enum rc scenario_read(struct str file, struct str text, const char *dir, struct scenario **ret,
		      struct findings *f, struct err *e);
void scenario_free(struct scenario *s);
#define AUTO_SCENARIO CLEANUP(scenario_cleanup) struct scenario *
static inline void scenario_cleanup(struct scenario **s)
{
	scenario_free(*s);
}
/* Builds the deployment of a tree as of the scenario's time. What the loader complains about in
 * documents of the fixture is reported at the scenario's own lines. */
enum rc scenario_deployment(const struct scenario *s, const struct tree *tree,
			    struct deployment **ret, struct findings *f, struct err *e);
