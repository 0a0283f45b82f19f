/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_impl.h - checks that several decisions share (core/decide*.c); for nobody else.
 *
 * A check answers with a reason, REASON_NONE when it passes.
 */
#pragma once

#include "core/decide.h"
#include "core/signal.h"
#include "core/deviation.h"

/* A call in the making; each step of decide_call fills in more of it. */
struct deciding {
	const struct state *s;
	const struct bundle *b;
	const struct call_request *r;
	struct arena *arena;
	const struct agent *agent;
	const struct task *task;
	const struct incident *incident;
	const struct playbook *playbook;
	const struct phase *phase; /* in which the call counts */
	bool wants_default_gate;
	bool is_frozen; /* but a freeze's own gate can let it pass: what was approved before cannot
			 */
	enum reason hold_reason; /* deciding_hold() */
	struct str hold_detail;
	struct str *takings;  /* d.takings, with room for LIMIT_TAKINGS */
	uint64_t contrary_ix; /* newest signal that contradicts; an approval must be newer */
	bool has_lapsed;      /* destroy only because its inverse was not rehearsed lately */
	struct decision d;
};

/* Denies with "<text> '<subject>'" as detail. */
enum rc deciding_deny(struct deciding *c, enum reason reason, struct err *e, const char *text,
		      struct str subject);

/* This gate is to be passed too. */
enum rc deciding_add_gate(struct deciding *c, struct str gate, struct err *e);
/* Nothing but a person's approval of this very call lets it pass: behind the default gate, or those
 * that the policies ask; no pre-approval is enough. What denies later still denies. The first
 * reason is the one that is told. */
void deciding_hold(struct deciding *c, enum reason reason, struct str detail);

/* Writes down what the call takes from a counter (text: core/cap.h; p == NULL: no memory). */
enum rc deciding_take(struct deciding *c, struct str text, struct err *e);
/* Fills c->d.deviation and c->d.attempt of a denial. */
void weigh_denial(struct deciding *c);

/* ---- steps with a file of their own, in their order (steps[] of decide_call.c) ---- */
enum rc check_stops(struct deciding *c, struct err *e);
enum rc check_identity(struct deciding *c, struct err *e);
enum rc check_ground(struct deciding *c, struct err *e);
enum rc check_key(struct deciding *c, struct err *e);
enum rc check_room(struct deciding *c, struct err *e);
/* decide_witness.c: DESIGN 9 and 8: what needs witnesses of the log */
enum rc check_witness(struct deciding *c, struct err *e);
enum rc check_autonomy(struct deciding *c, struct err *e);
enum rc check_phase(struct deciding *c, struct err *e);
enum rc check_phase_bounds(struct deciding *c, struct err *e);
enum rc check_cited(struct deciding *c, struct err *e);
enum rc check_freeze(struct deciding *c, struct err *e);
/* rehearsal.c: 4. is the effect what it declares, at this moment? */
enum rc check_rehearsed(struct deciding *c, struct err *e);
/* decide_clock.c: 4. is the clock to be believed? */
enum rc check_clock(struct deciding *c, struct err *e);
enum rc check_evidence(struct deciding *c, struct err *e);
enum rc check_breakers(struct deciding *c, struct err *e);
enum rc check_caps(struct deciding *c, struct err *e);
enum rc check_credentials(struct deciding *c, struct err *e);
enum rc check_gate_rules(struct deciding *c, struct err *e);
enum rc check_pause(struct deciding *c, struct err *e);
enum rc check_flow(struct deciding *c, struct err *e);
enum rc check_gates(struct deciding *c, struct err *e);
enum rc check_in_use(struct deciding *c, struct err *e);

/* One more gate to be asked, once. */
enum rc deciding_add_gate(struct deciding *c, struct str gate, struct err *e);

/* Is a stop in force for everything, this agent (by identity or name), this task, tool or its
 * upstream? task 0, an empty tool name and an empty agent are none. */
enum reason check_kill(const struct state *s, const struct bundle *b, struct str agent,
		       uint64_t task, struct str tool);
/* Registered, and not past its review? */
enum reason check_agent(const struct bundle *b, struct str id, uint64_t now_unix_ms,
			const struct agent **ret);
/* Open, in the agent's environment, of a class and severity it is meant for? incident may be
 * NULL. */
enum reason check_incident(const struct incident *incident, const struct agent *agent);
/* Known, and meant for this class and severity? */
enum reason check_playbook(const struct bundle *b, struct str name, const struct incident *incident,
			   const struct playbook **ret);
/* The task: of this agent, running, in time? */
enum reason check_task(const struct state *s, struct str agent, uint64_t task, uint64_t now_unix_ms,
		       const struct task **ret);
/* Is the upstream's definition the catalog's? A command's definition is the catalog itself. */
bool tool_is_pinned(const struct state *s, const struct tool *t);
/* The phase in which a call of this tool with this effect counts: the task's, or one it moves on to
 * (then c->d.phase is its name). NULL with c->d.reason set when there is none. */
enum rc find_phase(struct deciding *c, const struct tool *t, enum effect effect,
		   const struct phase **ret, struct err *e);

/* DESIGN section 5, numbers 4 and 5: pinned, arguments, targets, effect, never-list. Fills tool,
 * effect, targets, reason and detail of ret. Only memory is an error. */
enum rc check_tool(const struct state *s, const struct bundle *b, const struct tool *t,
		   const struct json *args, struct arena *arena, struct decision *ret,
		   struct err *e);

/* Are the decision's targets in the agent's environment and, for a tool that is `owned`, its own?
 */
enum rc check_assets(const struct bundle *b, const struct agent *agent, struct arena *arena,
		     struct decision *d, struct err *e);

/* Do the votes open these gates: every one was asked, and has its quorum among those who may still
 * vote? False for no gates. */
bool approval_covers(const struct state *s, const struct bundle *b, const struct approval *a,
		     const struct str_list *gates);

/* Can these people take one more question of this agent? *ret_why is why not, for people; p == NULL
 * when they can. is_grouped: it is shown with others that are open already. */
enum rc check_questions(const struct state *s, const struct bundle *b, struct str agent,
			const struct str_list *gates, const struct approvers *a, bool is_grouped,
			uint64_t now_unix_ms, struct arena *arena, struct str *ret_why,
			struct err *e);

/* Is what the tool demands known of all targets (decide_signal.c)? */
enum rc check_signals(struct deciding *c, struct err *e);

/* Sets the reason and a detail in arena. */
enum rc decision_deny(struct decision *d, enum reason reason, struct arena *arena, struct err *e,
		      const char *fmt, ...) PRINTF_LIKE(5, 6);
/* Is there anything left of the playbook's budgets that this read may use? ret has tool and effect.
 * Sets read_budget. */
enum rc check_read_budget(const struct state *s, const struct playbook *p, const struct task *task,
			  struct arena *arena, struct decision *ret, struct err *e);
/* An agent holds no secrets, so it has none to pass on. Sets secret_in_args. */
enum rc check_no_secrets(const struct json *args, struct arena *arena, struct decision *ret,
			 struct err *e);
