/* SPDX-License-Identifier: Apache-2.0 */
/* governor/people_rehearse.c - people try the way back before it is needed. */
#include "core/rehearsal.h"
#include "governor/people.h"

/* Has any playbook for this agent's incidents a phase with this tool? */
static bool may_use(const struct bundle *b, const struct agent *a, const struct tool *t)
{
	for (size_t i = 0; i < b->n_playbooks; i++) {
		const struct playbook *p = &b->playbooks[i];
		bool is_meant = false;

		for (size_t k = 0; k < p->classes.n; k++) {
			is_meant |= str_list_has(&a->classes, p->classes.p[k]);
		}
		for (size_t k = 0; is_meant && k < p->n_phases; k++) {
			if (str_list_has(&p->phases[k].tools, t->public_name)) {
				return true;
			}
		}
	}
	return false;
}

static enum rc start_one(struct asked *a, const struct tool *t, struct json_out *w, struct err *e)
{
	uint64_t ix;

	TRY(rehearsals_start(a->g, t, people_text(a, "target"), a->person->name, &ix, e));
	json_out_object(w);
	view_id(w, "rehearsal", 'y', ix);
	json_out_key_str(w, "tool", t->public_name);
	json_out_close(w);
	return RC_OK;
}

/* One tool, or all that are due and have somewhere to be tried. */
enum rc people_rehearse(struct asked *a, struct err *e)
{
	const struct bundle *b = a->g->bundle;
	struct str name = people_text(a, "tool");
	struct str agent_name = people_text(a, "agent");
	const struct agent *agent = bundle_agent_named(b, agent_name);
	const struct tool *one = bundle_tool(b, name);
	AUTO_BUF out = BUF_INIT(262144);
	struct json_out w = json_out_to(&out);

	if ((name.n && !one) || (agent_name.n && !agent)) {
		FAIL(e, RC_ABSENT, "no %s '" STR_FMT "'", name.n && !one ? "tool" : "agent",
		     STR_ARG(name.n && !one ? name : agent_name));
	}
	json_out_object(&w);
	json_out_key(&w, STR("rehearsals"));
	json_out_array(&w);
	for (size_t i = 0; i < b->n_tools; i++) {
		const struct tool *t = &b->tools[i];

		if (one ? t == one
			: t->rehearsal_targets.n > 0 && rehearsal_is_wanted(t) &&
			      !rehearsal_is_fresh(a->g->state, b, t, gov_now_ms(a->g)) &&
			      (!agent || may_use(b, agent, t))) {
			TRY(start_one(a, t, &w, e));
		}
	}
	json_out_close(&w);
	json_out_close(&w);
	people_reply_json(a, &w);
	return RC_OK;
}

enum rc people_rehearsal_list(struct asked *a, struct json_out *w, struct err *e)
{
	(void)e; /* a list cannot fail but by its length */
	json_out_object(w);
	json_out_key(w, STR("rehearsals"));
	json_out_array(w);
	for (size_t i = 0; i < a->g->bundle->n_tools; i++) {
		if (rehearsal_is_wanted(&a->g->bundle->tools[i])) {
			view_rehearsal(a->g, &a->g->bundle->tools[i], w);
		}
	}
	json_out_close(w);
	json_out_close(w);
	return RC_OK;
}
