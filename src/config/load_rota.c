/* SPDX-License-Identifier: Apache-2.0 */
/* config/load_rota.c - of a group: who is on duty when, and the ladder.
 *
 * Holds:  (1) at every minute of the week somebody is on duty: whose turn it is, or the deputy.
 *         (2) a ladder climbs in time, and only its last rung is a safe state.
 */
#include "config/load.h"
#include "core/calendar.h"

enum { LADDER_MAX_MS = 24 * 3600 * 1000, MAX_RUNGS = 16 };

/* ---- rota ---- */

/* The first minute that nobody covers, or WEEK_MINUTES. */
static unsigned first_gap(const struct group *g)
{
	unsigned minute = 0;

	for (; minute < WEEK_MINUTES; minute++) {
		bool is_covered = false;

		for (size_t i = 0; i < g->n_turns && !is_covered; i++) {
			for (size_t k = 0; k < g->turns[i].n_windows && !is_covered; k++) {
				is_covered = week_window_has(&g->turns[i].windows[k], minute);
			}
		}
		if (!is_covered) {
			break;
		}
	}
	return minute;
}

/* (1) */
static void check_gap(struct load *l, const struct json *rota, const struct group *g)
{
	static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
	unsigned gap = g->n_turns ? first_gap(g) : WEEK_MINUTES;

	if (gap < WEEK_MINUTES && !g->deputy.n) {
		load_error(l, rota,
			   "nobody of group '" STR_FMT
			   "' is on duty on %s at %02u:%02u UTC: fill the gap, or name a 'deputy'",
			   STR_ARG(g->name), days[gap / 1440], gap % 1440 / 60, gap % 60);
	}
}

/* A name, or {who, on}. */
static void load_turn(struct load *l, const struct json *item, struct turn *t, bool *ret_has_hours)
{
	static const struct week_window always = {.days = 1, .length_min = WEEK_MINUTES};

	t->windows = &always;
	t->n_windows = 1;
	if (json_str(item, &t->person)) {
		(void)load_check_person(l, item, t->person); /* it reports */
		return;
	}
	if (!load_keys(l, item, "a turn", "who on")) {
		return;
	}
	t->person = load_person(l, item, "who", REQUIRED);
	t->windows = load_windows(l, item, "on", REQUIRED, &t->n_windows);
	*ret_has_hours = true;
}

void load_rota(struct load *l, const struct json *group, struct group *g)
{
	const struct json *rota = load_array(l, group, "rota", REQUIRED);
	struct turn *turns = rota ? load_alloc(l, rota->count, sizeof(*turns)) : NULL;
	struct str *names = rota ? load_alloc(l, rota->count, sizeof(*names)) : NULL;
	bool has_hours = false;

	if (json_get(group, STR("deputy"))) {
		g->deputy = load_person(l, group, "deputy", REQUIRED);
	}
	if (!turns || !names) {
		return;
	}
	if (rota->count == 0) {
		load_error(l, rota, "'rota' is empty");
	}
	for (const struct json *item = rota->child; item; item = item->next) {
		struct turn *t = &turns[g->n_turns++];

		load_turn(l, item, t, &has_hours);
		if (str_list_has(&g->rota, t->person)) {
			if (json_type(item) == JSON_STRING) {
				load_error(l, item, "'rota': '" STR_FMT "' is there twice",
					   STR_ARG(t->person));
			}
			continue;
		}
		names[g->rota.n++] = t->person;
		g->rota.p = names;
	}
	g->turns = turns;
	check_gap(l, rota, g);
	if (!has_hours) {
		g->n_turns = 0; /* the first is always on duty */
	}
}

/* ---- ladder ---- */

static bool read_safe(struct load *l, const struct json *one, struct rung *r)
{
	static const struct {
		struct str name;
		enum safe_step step;
	} steps[] = {{{"deny", 4}, SAFE_DENY},
		     {{"rollback", 8}, SAFE_ROLLBACK},
		     {{"observe", 7}, SAFE_OBSERVE}};
	struct str name = load_text(l, one, "safe", OPTIONAL);

	if (!name.n) {
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		if (str_eq(steps[i].name, name)) {
			r->safe = steps[i].step;
			return true;
		}
	}
	load_error(l, json_get(one, STR("safe")),
		   "'safe': expected deny, rollback or observe, found '" STR_FMT "'",
		   STR_ARG(name));
	return true;
}

static void read_who(struct load *l, const struct json *one, struct rung *r)
{
	struct str who = load_text(l, one, "who", OPTIONAL);

	if (!who.n) {
		load_error(l, one, "a rung says 'who' is told, or what is 'safe'");
	} else if (str_eq(who, STR("on-call"))) {
		r->who = RUNG_ON_CALL;
	} else if (str_eq(who, STR("group"))) {
		r->who = RUNG_GROUP;
	} else if (str_eq(who, STR("owner"))) {
		r->who = RUNG_OWNER;
	} else if (str_eq(who, STR("deputy"))) {
		r->who = RUNG_DEPUTY;
	} else if (load_check_person(l, json_get(one, STR("who")), who)) {
		r->who = RUNG_PERSON;
		r->person = who;
	}
}

/* (2) */
void load_ladder(struct load *l, const struct json *group, struct group *g)
{
	const struct json *list = load_array(l, group, "ladder", OPTIONAL);
	struct rung *rungs = list ? load_alloc(l, MAX_RUNGS, sizeof(*rungs)) : NULL;

	for (const struct json *one = rungs ? list->child : NULL; one; one = one->next) {
		struct rung *r = &rungs[g->n_rungs];
		const struct json *after = json_get(one, STR("after"));

		if (g->n_rungs == MAX_RUNGS) {
			load_error(l, one, "more than %d rungs", MAX_RUNGS);
			break;
		}
		if (!load_keys(l, one, "a rung", "after who safe")) {
			return;
		}
		/* 0s is the begin; a duration is never nothing. */
		if (after && !(json_type(after) == JSON_STRING && str_eq(after->text, STR("0s")))) {
			r->after_ms = load_duration(l, one, "after", LADDER_MAX_MS, 0);
		}
		if (!read_safe(l, one, r)) {
			read_who(l, one, r);
		} else if (one->next) {
			load_error(l, one, "a safe state is the last rung");
		}
		if (g->n_rungs && r->after_ms <= rungs[g->n_rungs - 1].after_ms) {
			load_error(l, one, "a ladder climbs: 'after' must grow from rung to rung");
		}
		g->n_rungs++;
	}
	g->ladder = rungs;
	if (g->n_rungs && rungs[g->n_rungs - 1].safe == SAFE_NONE) {
		load_error(l, list,
			   "the last rung must be a safe state: {after: …, safe: deny, "
			   "rollback or observe}");
	}
}
