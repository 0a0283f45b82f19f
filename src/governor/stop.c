/* SPDX-License-Identifier: Apache-2.0 */
/* governor/stop.c - kill and resume.
 *
 * The stop holds from the moment it is applied: every later decision sees it. It is acknowledged
 * when it is durable and both senders have said what had already left; the leaf that says so
 * (kill.acknowledged) follows. A sender that has not said anything within GOVERNOR_KILL_WAIT_MS is
 * ended by the supervisor. That another process took its place is an answer too: the last one sends
 * nothing any more, and what it had in hand may have left. So is the end of all roles, for the next
 * life.
 * Holds:  (1) a stop that is in force is acknowledged in this life or at the start of the next.
 *         (2) from a person's word to the answer there is one commit: that of the stop itself.
 */
#include "governor/gov.h"

#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/reader.h"

enum { SCOPE_ALL = 0, SCOPE_AGENT, SCOPE_TASK, SCOPE_UPSTREAM, SCOPE_TOOL };
enum {
	SENT_SHOWN = 256, /* calls that one leaf lists */
	NEXT_ROUND_MS = 1
};

static void fence(struct channel *to, uint64_t number, unsigned scope, struct str name)
{
	struct message m = {
	    .kind = MESSAGE_FENCE,
	    .fence = {.fence = number, .scope = (uint8_t)scope, .name = name},
	};

	if (!to || channel_send(to, &m) != RC_OK) {
		log_warn("a sender cannot be reached for a fence");
	}
}

void stop_fence_task(struct governor *g, uint64_t task)
{
	uint64_t number = g->next_fence++;
	char id[24];
	struct str name = id_text('t', task, id);

	fence(g->agents, number, SCOPE_TASK, name);
	fence(g->runner, number, SCOPE_TASK, name);
}

static void late_free(struct late_reply *l)
{
	vec_fini(&l->sent);
	arena_fini(&l->arena);
	mem_free(l);
}

void stop_free_all(struct governor *g)
{
	for (size_t i = 0; i < g->late.n; i++) {
		late_free(g->late.p[i]);
	}
	vec_fini(&g->late);
}

static unsigned scope_number(struct str scope)
{
	static const struct str names[] = {
	    [SCOPE_ALL] = {"all", 3},	[SCOPE_AGENT] = {"agent", 5},
	    [SCOPE_TASK] = {"task", 4}, [SCOPE_UPSTREAM] = {"upstream", 8},
	    [SCOPE_TOOL] = {"tool", 4},
	};

	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		if (str_eq(scope, names[i])) {
			return i;
		}
	}
	return ARRAY_LEN(names);
}

/* Which tasks end with it. */
static bool covers(const struct task *t, struct str scope, struct str name)
{
	char id[24];

	if (str_eq(scope, STR("all"))) {
		return true;
	}
	if (str_eq(scope, STR("agent"))) {
		return str_eq(t->agent, name);
	}
	return str_eq(scope, STR("task")) && str_eq(id_text('t', t->ix, id), name);
}

static bool covers_call(const struct governor *g, const struct kill *k, const struct call *c)
{
	const struct task *t = c ? state_task(g->state, c->task) : NULL;
	const struct tool *tool = c ? bundle_tool(g->bundle, c->tool) : NULL;

	return c && ((t && covers(t, k->scope, k->name)) || str_eq(k->scope, STR("all")) ||
		     (str_eq(k->scope, STR("tool")) && str_eq(k->name, c->tool)) ||
		     (tool && str_eq(k->scope, STR("upstream")) &&
		      str_eq(k->name, tool->upstream->name)));
}

static void end_covered(struct governor *g, uint64_t kill, struct str scope, struct str name,
			struct str by)
{
	const struct task *t;
	uint64_t from = 0;

	while ((t = state_next_task(g->state, from))) {
		from = t->ix + 1;
		if (covers(t, scope, name)) {
			tasks_end(g, t->ix, "killed", by, kill);
		}
	}
}

void stop_kill(struct governor *g, uint64_t req, struct str scope, struct str name, struct str by,
	       struct str why, bool rollbacks)
{
	struct late_reply *late = mem_calloc(1, sizeof(*late));
	unsigned number = scope_number(scope);
	uint64_t ix;
	struct err e = ERR_INIT;
	struct leaf l = {
	    .kind = LEAF_KILL_SET,
	    .kill_set =
		{
		    .scope = scope,
		    .name = name,
		    .by = by,
		    .why = why,
		    .rollbacks = rollbacks,
		},
	};

	MUST(number < 5);
	if (!late || vec_push(&g->late, late) != RC_OK) {
		mem_free(late);
		late = NULL; /* the stop matters more than its answer */
	}
	if (book_record(g->book, &l, VAULT_LIFE_KEY, NULL, 0, &ix, &e) != RC_OK) {
		if (late) {
			g->late.n--;
			late_free(late);
		}
		people_reply_err(g, req, &e);
		return;
	}
	end_covered(g, ix, scope, name, by);
	approvals_void_stopped(g);
	if (late) {
		late->arena = (struct arena)ARENA_INIT(64 * 1024);
		late->req = req;
		late->kill = ix;
		late->fence = g->next_fence++;
		/* One that is away just now has not answered by that. */
		late->waits_agents = g->has_agents;
		late->waits_runner = g->has_runner;
		late->give_up_ns = gov_now_ns(g) + (uint64_t)GOVERNOR_KILL_WAIT_MS * 1000000;
		fence(g->agents, late->fence, number, name);
		fence(g->runner, late->fence, number, name);
	} else {
		people_reply(g, req, 202, STR("{\"acknowledged\":false}"));
	}
}

/* Whoever does not answer may still be sending: it is ended, which is an answer in the end (1). */
static void end_silent(struct governor *g, enum role role)
{
	const struct message m = {.kind = MESSAGE_SILENT, .silent = {.role = (uint32_t)role}};

	log_err("the %s did not answer a stop: it is ended", role_name(role));
	if (!g->env->supervisor || channel_send(g->env->supervisor, &m) != RC_OK) {
		log_err("the supervisor cannot be told to end it");
	}
}

static struct str_list sent_of(const struct late_reply *late)
{
	return (struct str_list){.p = late->sent.p,
				 .n = late->sent.n > SENT_SHOWN ? SENT_SHOWN : late->sent.n};
}

/* (2): the answer, and not a word about it in the log yet, whose sync would hold the answer back.
 */
static void answer(struct governor *g, const struct late_reply *late)
{
	AUTO_BUF out = BUF_INIT(65536);
	struct json_out w = json_out_to(&out);
	const struct str_list sent = sent_of(late);
	bool is_heard = !late->waits_agents && !late->waits_runner;

	json_out_object(&w);
	view_id(&w, "kill", 'k', late->kill);
	json_out_key_bool(&w, "acknowledged", is_heard);
	view_list(&w, "already_sent", &sent);
	if (!is_heard) {
		json_out_key_str(&w, "silent",
				 late->waits_agents ? STR("agents' front") : STR("runner"));
	}
	json_out_close(&w);
	people_reply(g, late->req, is_heard ? 200 : 202, buf_view(&out));
}

static void forget(struct governor *g, size_t at)
{
	struct late_reply *late = g->late.p[at];

	vec_remove(&g->late, at);
	late_free(late);
}

static void record_acknowledged(struct governor *g, const struct late_reply *late)
{
	struct leaf l = {
	    .kind = LEAF_KILL_ACKNOWLEDGED,
	    .kill_acknowledged = {.kill = late->kill, .sent = sent_of(late)},
	};

	(void)gov_record(g, &l); /* logged; the next life says it again (1) */
}

static void list_sent(struct late_reply *late, uint64_t call)
{
	char id[24];
	struct str copy = arena_str(&late->arena, id_text('c', call, id));

	if (!copy.p || vec_push(&late->sent, copy) != RC_OK) {
		log_warn("not every call under way could be listed");
	}
}

/* One of both has spoken, or can speak no more. */
static void is_heard(struct governor *g, struct late_reply *late, bool is_runner)
{
	if (is_runner) {
		late->waits_runner = false;
	} else {
		late->waits_agents = false;
	}
	if (late->waits_agents || late->waits_runner) {
		return;
	}
	if (!late->is_answered) {
		answer(g, late);
		late->is_answered = true;
	}
	if (loop_timer_in(g->loop, &g->tick, NEXT_ROUND_MS) != RC_OK) {
		log_warn("no memory for a timer: a record waits for the next tick");
	}
}

void stop_on_fenced(struct governor *g, const struct msg_fenced *m, bool is_runner)
{
	for (size_t i = 0; i < g->late.n; i++) {
		struct late_reply *late = g->late.p[i];
		struct reader r = reader_of(m->calls);
		uint64_t call;

		if (late->fence != m->fence ||
		    !(is_runner ? late->waits_runner : late->waits_agents)) {
			continue;
		}
		while (rd_u64(&r, &call)) {
			list_sent(late, call);
		}
		is_heard(g, late, is_runner);
		return;
	}
}

void stop_note_unknown(struct governor *g, uint64_t call, bool is_runner)
{
	for (size_t i = 0; i < g->late.n; i++) {
		struct late_reply *late = g->late.p[i];
		const struct kill *k = state_next_kill(g->state, late->kill);

		if ((is_runner ? late->waits_runner : late->waits_agents) && k &&
		    k->ix == late->kill && covers_call(g, k, state_call(g->state, call))) {
			list_sent(late, call);
		}
	}
}

void stop_sender_is_new(struct governor *g, bool is_runner)
{
	for (size_t i = 0; i < g->late.n; i++) {
		struct late_reply *late = g->late.p[i];

		if (is_runner ? late->waits_runner : late->waits_agents) {
			is_heard(g, late, is_runner);
		}
	}
}

void stop_tick(struct governor *g)
{
	for (size_t i = 0; i < g->late.n;) {
		struct late_reply *late = g->late.p[i];

		if (!late->waits_agents && !late->waits_runner) {
			record_acknowledged(g, late);
			forget(g, i);
			continue;
		}
		if (!late->is_answered && gov_now_ns(g) >= late->give_up_ns) {
			answer(g, late);
			late->is_answered = true;
			if (late->waits_agents) {
				end_silent(g, R_AGENTS);
			}
			if (late->waits_runner) {
				end_silent(g, R_RUNNER);
			}
		}
		i++;
	}
}

/* ---- the next life ---- */

/* Calls in its scope that were under way when the last life ended: they may have been sent. */
static struct str_list maybe_sent(struct governor *g, const struct kill *k)
{
	struct str *ids = arena_alloc_n(&g->round, SENT_SHOWN, sizeof(*ids));
	const struct call *c;
	uint64_t from = 0;
	size_t n = 0;

	while (ids && n < SENT_SHOWN && (c = state_next_unfinished_call(g->state, from))) {
		char id[24];

		from = c->ix + 1;
		if (covers_call(g, k, c)) {
			ids[n] = arena_str(&g->round, id_text('c', c->ix, id));
			n += ids[n].p != NULL;
		}
	}
	return (struct str_list){.p = ids, .n = n};
}

void stop_fence_again(struct governor *g)
{
	const struct kill *k;
	uint64_t from = 0;

	while ((k = state_next_kill(g->state, from))) {
		unsigned scope = scope_number(k->scope);

		from = k->ix + 1;
		for (int i = 0; i < 2; i++) {
			if (role_is_elder(g->env, i ? R_RUNNER : R_AGENTS)) {
				fence(i ? g->runner : g->agents, g->next_fence++, scope, k->name);
			}
		}
	}
}

void stop_recover(struct governor *g)
{
	const struct kill *k;
	uint64_t from = 0;

	while ((k = state_next_kill(g->state, from))) {
		struct leaf l = {
		    .kind = LEAF_KILL_ACKNOWLEDGED,
		    .kill_acknowledged = {.kill = k->ix, .sent = maybe_sent(g, k)},
		};

		from = k->ix + 1;
		if (!k->is_acknowledged) {
			(void)gov_record(g, &l); /* logged; it stands either way */
		}
		end_covered(g, k->ix, k->scope, k->name, k->by);
	}
}
