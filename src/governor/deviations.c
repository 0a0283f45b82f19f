/* SPDX-License-Identifier: Apache-2.0 */
/* governor/deviations.c - what follows from a refusal that says something about its caller.
 *
 * Everything here is appended in the round of the refusal, before its answer leaves: the task is
 * suspended with its leases revoked, the agent's levels fall, an incident on the agent is open when
 * anybody hears of it.
 * Holds: (1) as much out of scope as autonomy.yaml allows in a window, over all tasks, opens one
 *            incident on the agent: class agent-deviation, asset agent:<name>, source remit. While
 *            it is open, more of the same goes on the record of the agent but opens no other.
 *        (2) no agent acts on an incident about itself (core/decide.c, check_incident).
 */
#include "governor/gov.h"

#include <string.h>

#include <openssl/sha.h>

#include "base/limits.h"
#include "base/log.h"
#include "core/deviation.h"

/* ---- expected beside attempted ---- */

static void write_words(struct buf *out, const char *what, const struct str_list *l)
{
	if (buf_addf(out, "\n  %s:%s", what, l->n ? "" : " none") != RC_OK) {
		return; /* the buffer is full: what stands is true, and the page has the rest */
	}
	for (size_t i = 0; i < l->n; i++) {
		if (buf_addf(out, " " STR_FMT, STR_ARG(l->p[i])) != RC_OK) {
			return;
		}
	}
}

struct str deviations_text(struct governor *g, const struct task *t)
{
	AUTO_BUF out = BUF_INIT(16000);
	const struct agent *agent = bundle_agent(g->bundle, t->agent);

	(void)buf_addf(&out, /* as above */
		       "task t%llu of " STR_FMT ": what it was approved for, and what it tried\n"
		       "expected: playbook " STR_FMT ", phase " STR_FMT,
		       (unsigned long long)t->ix, STR_ARG(agent ? agent->name : t->agent),
		       STR_ARG(t->playbook), STR_ARG(t->phase));
	write_words(&out, "tools", &t->tools);
	write_words(&out, "targets", &t->targets);
	write_words(&out, "data", &t->data);
	(void)buf_add(&out, STR("\nattempted:"));
	for (size_t i = 0; i < t->n_tried; i++) {
		const struct deviation *d = &t->tried[i];

		(void)buf_addf(&out, "\n  c%llu " STR_FMT ": %.*s (%.*s)",
			       (unsigned long long)d->call, STR_ARG(d->tool),
			       STR_ARG(reason_code(d->reason)),
			       STR_ARG(attempt_name(attempt_of(d->reason))));
		write_words(&out, "  on", &d->targets);
	}
	(void)buf_addf(
	    &out, "\nremit task show t%llu | remit task resume t%llu | remit task stop t%llu",
	    (unsigned long long)t->ix, (unsigned long long)t->ix, (unsigned long long)t->ix);
	return arena_str(&g->round, buf_view(&out));
}

void view_deviations(const struct governor *g, const struct task *t, struct json_out *w)
{
	(void)g; /* like the other views */
	json_out_object(w);
	json_out_key(w, STR("expected"));
	json_out_object(w);
	json_out_key_str(w, "playbook", t->playbook);
	json_out_key_str(w, "phase", t->phase);
	view_list(w, "tools", &t->tools);
	view_list(w, "targets", &t->targets);
	view_list(w, "data", &t->data);
	json_out_close(w);
	json_out_key(w, STR("attempted"));
	json_out_array(w);
	for (size_t i = 0; i < t->n_tried; i++) {
		const struct deviation *d = &t->tried[i];

		json_out_object(w);
		view_id(w, "call", 'c', d->call);
		view_time(w, "at", d->unix_ms);
		json_out_key_str(w, "tool", d->tool);
		view_list(w, "targets", &d->targets);
		json_out_key_str(w, "reason", reason_code(d->reason));
		json_out_key_str(w, "kind", attempt_name(attempt_of(d->reason)));
		json_out_key_u64(w, "weight", d->weight);
		json_out_close(w);
	}
	json_out_close(w);
	json_out_close(w);
}

/* ---- an incident on the agent itself ---- */

static uint64_t open_incident(struct governor *g, const struct agent *a, uint64_t cause)
{
	struct str asset = arena_strf(&g->round, "agent:" STR_FMT, STR_ARG(a->name));
	struct incident_event ev = {
	    .source_id = arena_strf(&g->round, "agent:" STR_FMT ":%llu", STR_ARG(a->name),
				    (unsigned long long)cause),
	    .class = STR("agent-deviation"),
	    .severity = g->bundle->autonomy.attempts_severity,
	    .service = STR("remit"),
	    .environment = a->environment,
	    .assets = {&asset, 1},
	    .has_assets = true,
	};
	struct err e = ERR_INIT;
	struct digest none = {0};
	uint64_t ix;

	if (!asset.p || !ev.source_id.p) {
		log_err("no memory for an incident on " STR_FMT, STR_ARG(a->name));
		return 0;
	}
	ix = incidents_take(g, STR("remit"), &ev, &none, STR("remit"), &e);
	if (ix == 0) {
		log_err("no incident could be opened on " STR_FMT ": %s", STR_ARG(a->name), e.msg);
	}
	return ix;
}

static bool has_open_incident(const struct governor *g, const struct agent *a)
{
	const struct incident *i;
	uint64_t from = 0;

	while ((i = state_next_incident(g->state, from))) {
		from = i->ix + 1;
		if (i->status == INCIDENT_OPEN && str_eq(i->source, STR("remit")) &&
		    incident_is_about(i, a->name)) {
			return true;
		}
	}
	return false;
}

/* (1) */
static void watch_agent(struct governor *g, const struct agent *a, bool is_severe, uint64_t task,
			uint64_t cause)
{
	uint64_t ix = 0;

	autonomy_breach(g, a, is_severe ? BREACH_SEVERE : BREACH_ATTEMPTS, task, cause);
	if (!has_open_incident(g, a)) {
		ix = open_incident(g, a, cause);
	}
	if (ix) {
		struct str text =
		    arena_strf(&g->round,
			       "agent " STR_FMT
			       " was refused out of its scope again and again; the last time: "
			       "leaf %llu. Incident i%llu is open on it; remit agent show " STR_FMT
			       " says what it may still do, remit kill agent " STR_FMT " stops it",
			       STR_ARG(a->name), (unsigned long long)cause, (unsigned long long)ix,
			       STR_ARG(a->name), STR_ARG(a->name));

		autonomy_tell_owner(g, a, ix, "agent.deviates", text);
	}
}

void deviations_follow(struct governor *g, struct str agent, uint64_t task, enum reason reason,
		       uint32_t attempt, uint64_t cause)
{
	const struct task *t = state_task(g->state, task);
	const struct agent *a = bundle_agent(g->bundle, agent);
	const struct agent_record *r = a ? state_agent_record(g->state, a->id) : NULL;
	uint64_t limit = g->bundle->autonomy.attempts_count;

	if (a && attempt && limit && autonomy_attempts(r, g->bundle, gov_now_ms(g)) >= limit) {
		watch_agent(g, a, attempt >= DEVIATION_SEVERE, task, cause);
		t = state_task(g->state, task);
	}
	if (t && t->state == TASK_RUNNING && t->deviation_weight >= t->max_deviations) {
		tasks_suspend(g, task, reason, cause);
	}
}
