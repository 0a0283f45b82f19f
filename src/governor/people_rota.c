/* SPDX-License-Identifier: Apache-2.0 */
/* governor/people_rota.c - who is on duty, and saying that somebody else is.
 *
 * Holds: (1) duty is given within a group: by one of its members, to one of its members, for at
 * most a week, and everybody who hears about the group hears about that.
 */
#include "governor/people.h"

#include "core/accountable.h"

enum { SET_S = 12 * 3600 };

enum rc people_rota_list(struct asked *a, struct json_out *w, struct err *e)
{
	struct governor *g = a->g;
	uint64_t now = gov_now_ms(g);

	(void)e; /* a list cannot fail but by its length */
	json_out_object(w);
	json_out_key(w, STR("rotas"));
	json_out_array(w);
	for (size_t i = 0; i < g->bundle->n_groups; i++) {
		const struct group *group = &g->bundle->groups[i];
		const struct duty *set = state_duty_of(g->state, group->name, now);

		json_out_object(w);
		json_out_key_str(w, "group", group->name);
		json_out_key_str(w, "on_duty",
				 accountable_now(g->state, g->bundle, group->name, now));
		json_out_key_str(w, "by", set ? set->by : STR("rota"));
		view_time(w, "until", set ? set->until_unix_ms : 0);
		view_list(w, "rota", &group->rota);
		json_out_close(w);
	}
	json_out_close(w);
	json_out_close(w);
	return RC_OK;
}

enum rc people_rota_set(struct asked *a, struct err *e)
{
	struct governor *g = a->g;
	const struct group *group = bundle_group(g->bundle, people_text(a, "group"));
	const struct person *who = bundle_person(g->bundle, people_text(a, "person"));
	uint64_t duration_s;
	uint64_t ix;
	struct leaf l = {.kind = LEAF_ROTA_SET, .rota_set = {.by = a->person->name}};

	if (!group || !who || !str_list_has(&who->groups, group->name)) {
		FAIL(e, RC_INPUT, "'group' must be a group and 'person' one of its members");
	}
	if (!str_list_has(&a->person->groups, group->name)) { /* (1) */
		people_reply_reason(g, a->req, REASON_APPROVER_AUTH,
				    STR("only members of the group say who is on duty"));
		return RC_OK;
	}
	TRY(people_number(a, "duration_s", SET_S, DUTY_MAX_S, &duration_s, e));
	l.rota_set.group = group->name;
	l.rota_set.person = who->name;
	l.rota_set.until = gov_now_ms(g) + duration_s * 1000;
	TRY(book_record(g->book, &l, VAULT_LIFE_KEY, NULL, 0, &ix, e));
	notify_person(g, who->name, ix, "rota.set",
		      arena_strf(&g->round, "%.*s is on duty for group '%.*s', says %.*s",
				 STR_ARG(who->name), STR_ARG(group->name),
				 STR_ARG(a->person->name)));
	people_answer_id(a, "duty", 'd', ix, STR("set"));
	return RC_OK;
}
