/* SPDX-License-Identifier: Apache-2.0 */
/* drill/fixture.h - from the short form of a scenario to the files of a deployment directory.
 *
 * What a fixture leaves out is filled in so that a story needs to say only what it is about: people
 * and gates, an agent, a playbook, schemas, inverses and verifications of tools. Every default can
 * be overridden by writing the key as docs/formats/deployment.md has it. The short form is
 * described in docs/scenarios.md, section "fixture".
 *
 * Nothing here decides: the result goes through the real loader, and what that complains about is
 * reported at the scenario's own lines.
 */
#pragma once

#include "config/load.h"
#include "config/tree.h"

/* One tool as simulated: the short form's half that the catalog does not know. */
struct fixture_tool {
	struct str upstream;
	struct str tool;
	const struct json *sets;    /* fields of its targets; NULL = none */
	const struct json *returns; /* NULL = the state of its first target */
};

struct fixture {
	struct arena *arena;
	VEC(struct fixture_tool) tools;
	const struct json *state; /* target -> fields; NULL = none */
	struct str first_agent;	  /* name */
	struct str environment;
};

#define FIXTURE_ORIGIN	     "drill.example/remit"
#define FIXTURE_TRUST_DOMAIN "drill.example"

void fixture_fini(struct fixture *f);
/* Reads the fixture of scenario (an object; it may be absent), reports what is wrong in l, and puts
 * the files that it means into tree. Files that are in tree already, from a directory, stay as they
 * are, but for people, gates and sources that are added; its defences (guardrails, never-list,
 * limits, freezes) then come from there alone. */
enum rc fixture_read(struct load *l, const struct json *scenario, struct tree *tree,
		     struct fixture *f, struct err *e);
const struct fixture_tool *fixture_tool_of(const struct fixture *f, struct str upstream,
					   struct str tool);
