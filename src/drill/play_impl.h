/* SPDX-License-Identifier: Apache-2.0 */
/* drill/play_impl.h - what play*.c share while a scenario is played. */
#pragma once

#include "core/decide.h"
#include "drill/node.h"
#include "drill/play.h"
#include "drill/sim.h"

struct play_target {
	struct str name; /* "kind:value" */
	struct json *fields;
};

struct play_call {
	struct str agent; /* name */
	struct str id;	  /* SPIFFE ID */
	uint8_t key[32];
	struct str task; /* "t12", or "" */
	struct str tool;
	const struct json *args;
	uint32_t hold_ms;
};

struct play {
	const struct scenario *s;
	const struct tree *tree;
	const struct play_watch *watch;
	struct deployment *deployment;
	struct sim *sim;
	struct arena *a; /* of the report */
	struct play_report *report;
	VEC(struct play_target) targets;
	VEC(struct play_named {
		char kind; /* 'i', 't' */
		struct str name;
		uint64_t ix;
	})
	named;
	VEC(struct play_answer {
		struct str tool;
		const struct json *value;
	})
	answers;		    /* of steps `reply` */
	VEC(struct play_call) last; /* one per agent */
	struct str last_agent;
	bool is_held_down; /* a fault keeps the governor from starting */
	/* where things stood when the step began */
	uint64_t log_before;
	size_t effects_before;
	size_t notes_before;
	const struct json *answer; /* the last of a person's command that was done; NULL = none */
	struct str reply;	   /* the last answer that somebody got */
};

/* Notes what is wrong with the step; the first word counts. */
void play_problem(struct play *p, struct step_result *r, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The index behind a name given in the scenario, or 0. */
uint64_t play_named_ix(const struct play *p, char kind, struct str name);
enum rc play_name(struct play *p, char kind, struct str name, uint64_t ix);
/* Values like "$task", "$approval", "$incident:main" become ids; "{n}" the number n. */
const struct json *play_fill(struct play *p, const struct json *j, uint64_t n);
struct str play_json(struct play *p, const struct json *j);

/* ---- play_agent.c ---- */
void play_agent_call(struct play *p, const struct step *st, struct step_result *r);
void play_agent_again(struct play *p, const struct step *st, struct step_result *r);
void play_agent_intent(struct play *p, const struct step *st, struct step_result *r);
void play_agent_note(struct play *p, const struct step *st, struct step_result *r);
/* ---- play_people.c ---- */
void play_people_vote(struct play *p, const struct step *st, struct step_result *r);
void play_people_stop(struct play *p, const struct step *st, struct step_result *r);
void play_people_do(struct play *p, const struct step *st, struct step_result *r);
void play_people_preapprove(struct play *p, const struct step *st, struct step_result *r);
/* Some person's answer to a command; used to ask without doing. "" when there is none. */
struct str play_people_ask(struct play *p, struct str person, enum command_verb verb,
			   struct str body, uint32_t *ret_status);
/* ---- play_world.c ---- */
void play_world_step(struct play *p, const struct step *st, struct step_result *r);
/* Opens, changes or closes an incident from the source drill, or `from`. */
void play_world_incident(struct play *p, struct str name, const struct json *incident,
			 struct str from, struct step_result *r);
enum rc play_world_start(struct play *p, struct err *e);
sim_tool_fn play_world_tool;
struct json *play_world_fields(struct play *p, struct str target);
/* ---- play_check.c ---- */
void play_check_step(struct play *p, const struct step *st, struct step_result *r);
void play_check_end(struct play *p);
