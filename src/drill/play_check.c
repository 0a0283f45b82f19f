/* SPDX-License-Identifier: Apache-2.0 */
/* drill/play_check.c - is it as expected?
 *
 * Expected is a decision and any of some reason codes; beside it what was said, what was done to
 * targets, what is in the log and who was told since the step began.
 */
#include <string.h>

#include "core/bundle.h"
#include "drill/play_impl.h"

/* ---- the answer ---- */

static bool has_code(const struct play *p, const struct step *st, const struct step_result *r)
{
	if (st->codes.n == 0 || str_list_has(&st->codes, r->reason)) {
		return true;
	}
	/* An allowed answer has no reason of its own; what is said in it counts. */
	for (size_t i = 0; r->answer != ANSWER_DENY && i < st->codes.n; i++) {
		if (str_contains(p->reply, st->codes.p[i])) {
			return true;
		}
	}
	return false;
}

static void check_answer(struct play *p, const struct step *st, struct step_result *r)
{
	if (st->answer == ANSWER_ANY || r->problem.n) {
		return;
	}
	if (r->answer != st->answer) {
		play_problem(p, r, "expected %s", answer_name(st->answer));
	} else if (!has_code(p, st, r)) {
		play_problem(p, r, "expected another reason");
	}
}

/* ---- what was done ---- */

/* Calls since then that were no reads. */
static size_t acts_since(const struct play *p, size_t first, struct str tool)
{
	size_t n = 0;

	for (size_t i = first; i < sim_n_effects(p->sim); i++) {
		const struct sim_effect *f = sim_effect_at(p->sim, i);
		const struct tool *t = bundle_tool(sim_bundle(p->sim), f->tool);

		if (tool.n ? str_eq(f->tool, tool) : t && t->effect != EFFECT_READ) {
			n++;
		}
	}
	return n;
}

static void check_targets(struct play *p, const struct json *targets, struct step_result *r)
{
	for (const struct json *t = targets->child; t; t = t->next) {
		const struct json *fields = play_world_fields(p, t->key);

		for (const struct json *f = t->child; f; f = f->next) {
			const struct json *got = json_get(fields, f->key);
			bool is_unset = !got && (f->type == JSON_FALSE || f->type == JSON_NULL);

			if (!is_unset && !json_equal(f, got)) {
				play_problem(p, r, STR_FMT ": " STR_FMT " is " STR_FMT,
					     STR_ARG(t->key), STR_ARG(f->key),
					     STR_ARG(got ? play_json(p, got) : STR("not set")));
			}
		}
	}
}

static void check_effect(struct play *p, const struct json *effect, struct step_result *r)
{
	size_t n = acts_since(p, p->effects_before, STR(""));
	struct str word = STR("");

	if (!effect) {
		return;
	}
	if (json_type(effect) == JSON_OBJECT) {
		check_targets(p, effect, r);
	} else if (json_str(effect, &word) && str_eq(word, STR("none"))) {
		if (n != 0) {
			play_problem(p, r, "expected no effect, but %zu calls acted", n);
		}
	} else if (str_eq(word, STR("once"))) {
		if (n != 1) {
			play_problem(p, r, "expected one effect, but %zu calls acted", n);
		}
	} else {
		play_problem(p, r, "'effect': expected none, once or {target: {field: value}}");
	}
}

/* ---- what was written ---- */

/* Counts leaves of a kind whose fields are as wanted. */
struct count {
	struct str kind;
	const struct json *fields; /* NULL or a number: any */
	size_t n;
};

static bool field_is(const struct leaf *l, const struct leaf_field *f, const struct json *want)
{
	const char *at = (const char *)leaf_body(l) + f->offset;
	uint64_t number;
	bool flag;
	struct str text;

	switch (f->type) {
	case LEAF_TYPE_U64:
	case LEAF_TYPE_IX:
		return json_u64(want, &number) && number == *(const uint64_t *)at;
	case LEAF_TYPE_BOOL:
		return json_bool(want, &flag) && flag == *(const bool *)at;
	case LEAF_TYPE_STR:
		return json_str(want, &text) && str_eq(text, *(const struct str *)at);
	case LEAF_TYPE_STRS:
		return json_str(want, &text) && str_list_has((const struct str_list *)at, text);
	case LEAF_TYPE_COMMIT:
	case LEAF_TYPE_DIGEST:
		return false;
	}
	return false;
}

static bool has_fields(const struct leaf *l, const struct json *want)
{
	size_t n;
	const struct leaf_field *fields = leaf_fields(l->kind, &n);

	if (json_type(want) != JSON_OBJECT) {
		return true;
	}
	for (const struct json *w = want->child; w; w = w->next) {
		bool is_right = false;

		for (size_t i = 0; i < n; i++) {
			is_right |= str_eq(fields[i].name, w->key) && field_is(l, &fields[i], w);
		}
		if (!is_right) {
			return false;
		}
	}
	return true;
}

static enum rc count_leaf(void *ctx, uint64_t index, struct str bytes, struct err *e)
{
	struct count *c = ctx;
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	struct leaf l;

	(void)index; /* any */
	TRY(leaf_decode(&arena, bytes, &l, e));
	c->n += str_eq(leaf_kind_name(l.kind), c->kind) && has_fields(&l, c->fields);
	return RC_OK;
}

static void check_leaf(struct play *p, uint64_t from, struct str kind, const struct json *want,
		       struct step_result *r)
{
	struct count c = {.kind = kind, .fields = want};
	uint64_t number = 0;
	struct err e = ERR_INIT;

	if (sim_leaves(p->sim, from, count_leaf, &c, &e) != RC_OK) {
		play_problem(p, r, "the log cannot be read: %s", e.msg);
	} else if (json_u64(want, &number) && c.n != number) {
		play_problem(p, r, "expected %llu leaves " STR_FMT ", found %zu",
			     (unsigned long long)number, STR_ARG(kind), c.n);
	} else if (json_type(want) != JSON_NUMBER && c.n == 0) {
		play_problem(p, r, "there is no such leaf " STR_FMT, STR_ARG(kind));
	}
}

/* kind, [kind, ...], or {kind: how many | {field: value}} */
static void check_log(struct play *p, uint64_t from, const struct json *log, struct step_result *r)
{
	struct str kind;

	if (json_str(log, &kind)) {
		check_leaf(p, from, kind, NULL, r);
		return;
	}
	for (const struct json *c = log ? log->child : NULL; c; c = c->next) {
		if (json_type(log) == JSON_ARRAY && json_str(c, &kind)) {
			check_leaf(p, from, kind, NULL, r);
		} else {
			check_leaf(p, from, c->key, c, r);
		}
	}
}

/* ---- who was told ---- */

static void check_notified(struct play *p, size_t from, const struct json *want,
			   struct step_result *r)
{
	struct str text = STR("");
	bool is_wanted = true;
	size_t n = 0;

	if (!want) {
		return;
	}
	if (!json_bool(want, &is_wanted) && !json_str(want, &text)) {
		play_problem(p, r, "'notified': expected true, false or a text");
		return;
	}
	for (size_t i = from; i < sim_n_notes(p->sim); i++) {
		const struct sim_note *note = sim_note_at(p->sim, i);

		n += str_eq(note->notifier, text) || str_contains(note->body, text);
	}
	if (is_wanted && n == 0) {
		play_problem(p, r, "nobody was told");
	} else if (!is_wanted && n > 0) {
		play_problem(p, r, "somebody was told");
	}
}

/* ---- a step, and the end ---- */

static void check_result(struct play *p, const struct json *want, struct step_result *r)
{
	struct str text;

	if (json_str(want, &text)) {
		if (!str_contains(p->reply, text)) {
			play_problem(p, r, "the answer does not contain '" STR_FMT "'",
				     STR_ARG(text));
		}
		return;
	}
	for (const struct json *c = want ? want->child : NULL; c; c = c->next) {
		if (!json_str(c, &text) || !str_contains(p->reply, text)) {
			play_problem(p, r, "the answer does not contain '" STR_FMT "'",
				     STR_ARG(node_word(c, STR("?"))));
		}
	}
}

static void check_without(struct play *p, const struct json *unwanted, struct step_result *r)
{
	struct str text;

	if (json_str(unwanted, &text) && str_contains(p->reply, text)) {
		play_problem(p, r, "the answer contains '" STR_FMT "'", STR_ARG(text));
	}
}

void play_check_step(struct play *p, const struct step *st, struct step_result *r)
{
	check_answer(p, st, r);
	check_result(p, json_get(st->node, STR("result")), r);
	check_without(p, json_get(st->node, STR("without")), r);
	check_effect(p, json_get(st->node, STR("effect")), r);
	check_log(p, p->log_before, json_get(st->node, STR("log")), r);
	check_notified(p, p->notes_before, json_get(st->node, STR("notified")), r);
}

static void check_effects(struct play *p, const struct json *want, struct step_result *r)
{
	for (const struct json *t = want ? want->child : NULL; t; t = t->next) {
		struct str rest = t->key;
		struct str upstream = str_cut(&rest, '.');
		struct str name = rest.p ? arena_strf(p->a, STR_FMT "___" STR_FMT,
						      STR_ARG(upstream), STR_ARG(rest))
					 : t->key;
		size_t got = acts_since(p, 0, name);
		uint64_t number = 0;

		if (!json_u64(t, &number) || number != got) {
			play_problem(p, r, "at the end " STR_FMT " was called %zu times",
				     STR_ARG(t->key), got);
		}
	}
}

void play_check_end(struct play *p)
{
	const struct json *end = p->s->end;
	const struct json *credentials = json_get(end, STR("credentials"));
	const struct json *targets = json_get(end, STR("targets"));
	struct step_result r = {.problem = STR("")};
	uint64_t number = 0;

	if (!end) {
		return;
	}
	if (targets) {
		check_targets(p, targets, &r);
	}
	if (credentials &&
	    (!json_u64(credentials, &number) || number != sim_n_credentials(p->sim))) {
		play_problem(p, &r, "at the end %zu credentials exist", sim_n_credentials(p->sim));
	}
	check_log(p, 0, json_get(end, STR("log")), &r);
	check_effects(p, json_get(end, STR("effects")), &r);
	check_notified(p, 0, json_get(end, STR("notified")), &r);
	p->report->problem = r.problem;
	p->report->n_failed += r.problem.n > 0;
}
