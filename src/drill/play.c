/* SPDX-License-Identifier: Apache-2.0 */
/* drill/play.c - one scenario from its first incident to its last expectation. */
#include "drill/play.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/num.h"
#include "config/deployment.h"
#include "core/evidence.h"
#include "drill/play_impl.h"

void play_report_fini(struct play_report *r)
{
	vec_fini(&r->steps);
	arena_fini(&r->arena);
}

void play_problem(struct play *p, struct step_result *r, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* what is longer is cut: it is for people */
	va_end(ap);
	if (!r->problem.n) {
		r->problem = arena_str(p->a, str_from(text));
	}
}

/* ---- names and ids ---- */

uint64_t play_named_ix(const struct play *p, char kind, struct str name)
{
	for (size_t i = p->named.n; i > 0; i--) {
		if (p->named.p[i - 1].kind == kind && str_eq(p->named.p[i - 1].name, name)) {
			return p->named.p[i - 1].ix;
		}
	}
	return 0;
}

enum rc play_name(struct play *p, char kind, struct str name, uint64_t ix)
{
	struct play_named n = {.kind = kind, .name = name, .ix = ix};

	return vec_push(&p->named, n);
}

#define NEWEST(function, type)                                                                     \
	static uint64_t newest_##type(const struct state *s)                                       \
	{                                                                                          \
		const struct type *x;                                                              \
		uint64_t from = 0;                                                                 \
                                                                                                   \
		while ((x = function(s, from))) {                                                  \
			from = x->ix + 1;                                                          \
		}                                                                                  \
		return from ? from - 1 : 0;                                                        \
	}

NEWEST(state_next_incident, incident)
NEWEST(state_next_task, task)
NEWEST(state_next_call, call)
NEWEST(state_next_approval, approval)
NEWEST(state_next_preapproval, preapproval)
NEWEST(state_next_lease, lease)
NEWEST(state_next_term, term)
NEWEST(state_next_evidence, evidence)

/* "$task" -> the newest task's id, "$incident:main" -> the one of that name. */
static struct str id_of(struct play *p, struct str text)
{
	static const struct {
		const char *word;
		char letter;
		uint64_t (*newest)(const struct state *s);
	} kinds[] = {
	    {"$incident", 'i', newest_incident},
	    {"$task", 't', newest_task},
	    {"$call", 'c', newest_call},
	    {"$approval", 'a', newest_approval},
	    {"$preapproval", 'p', newest_preapproval},
	    {"$lease", 'l', newest_lease},
	    {"$term", 'm', newest_term},
	    {"$evidence", 'e', newest_evidence},
	};
	struct str name = text;
	struct str word = str_cut(&name, ':');

	if (str_eq(word, STR("$answer"))) {
		return node_word(json_get(p->answer, name), text);
	}
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		uint64_t ix;

		if (!str_eq(word, str_from(kinds[i].word)) || !sim_state(p->sim)) {
			continue;
		}
		ix = name.p ? play_named_ix(p, kinds[i].letter, name)
			    : kinds[i].newest(sim_state(p->sim));
		return arena_strf(p->a, "%c%llu", kinds[i].letter, (unsigned long long)ix);
	}
	return text;
}

static struct str fill_text(struct play *p, struct str text, uint64_t n)
{
	if (text.n > 0 && text.p[0] == '$') {
		return id_of(p, text);
	}
	for (size_t i = 0; i + 3 <= text.n; i++) {
		if (memcmp(text.p + i, "{n}", 3) == 0) {
			return arena_strf(p->a, STR_FMT "%llu" STR_FMT,
					  STR_ARG(str_slice(text, 0, i)), (unsigned long long)n,
					  STR_ARG(str_slice(text, i + 3, text.n)));
		}
	}
	return text;
}

static void fill(struct play *p, struct json *j, uint64_t n)
{
	if (j->type == JSON_STRING) {
		j->text = fill_text(p, j->text, n);
	}
	for (const struct json *c = j->child; c; c = c->next) {
		fill(p, node_mutable(c), n);
	}
}

const struct json *play_fill(struct play *p, const struct json *j, uint64_t n)
{
	struct json *copy = node_copy(p->a, j);

	if (copy) {
		fill(p, copy, n);
	}
	return copy;
}

struct str play_json(struct play *p, const struct json *j)
{
	AUTO_BUF b = BUF_INIT(LIMIT_ARGS_BYTES);

	return j && json_canonical(&b, j, NULL) == RC_OK ? arena_str(p->a, buf_view(&b))
							 : STR("{}");
}

/* ---- a step ---- */

static void mark(struct play *p)
{
	p->log_before = sim_log_size(p->sim);
	p->effects_before = sim_n_effects(p->sim);
	p->notes_before = sim_n_notes(p->sim);
	p->reply = STR("");
}

/* As the supervisor does it: what ended by itself is started again, after a moment. */
static void bring_back(struct play *p)
{
	enum { BACK_OFF_MS = 200 };
	struct err e = ERR_INIT;

	if (!sim_is_up(p->sim) && !p->is_held_down) {
		sim_pass(p->sim, BACK_OFF_MS);
		if (sim_start(p->sim, &e) != RC_OK) {
			return; /* it stays down: calls are answered as without a governor */
		}
	}
}

static void do_step(struct play *p, const struct step *st, struct step_result *r)
{
	switch (st->kind) {
	case STEP_CALL:
		play_agent_call(p, st, r);
		break;
	case STEP_AGAIN:
		play_agent_again(p, st, r);
		break;
	case STEP_INTENT:
		play_agent_intent(p, st, r);
		break;
	case STEP_NOTE:
		play_agent_note(p, st, r);
		break;
	case STEP_APPROVE:
	case STEP_DENY:
		play_people_vote(p, st, r);
		break;
	case STEP_KILL:
	case STEP_RESUME:
		play_people_stop(p, st, r);
		break;
	case STEP_PREAPPROVE:
		play_people_preapprove(p, st, r);
		break;
	case STEP_DO:
		play_people_do(p, st, r);
		break;
	case STEP_INCIDENT:
	case STEP_SIGNAL:
	case STEP_WEBHOOK:
	case STEP_WAIT:
	case STEP_CRASH:
	case STEP_FAULT:
	case STEP_REPLY:
	case STEP_CHANGE:
	case STEP_REDEFINE:
		play_world_step(p, st, r);
		break;
	case STEP_NONE:
	case STEP_KINDS:
		play_problem(p, r, "no such step");
		break;
	}
}

static enum rc play_step(struct play *p, const struct step *st)
{
	struct step_result r = {.step = st,
				.is_due = !st->not_due.n,
				.what = str_from(step_word(st->kind)),
				.reason = STR(""),
				.problem = STR("")};

	if (r.is_due) {
		bring_back(p);
		mark(p);
		do_step(p, st, &r);
		if (p->watch) {
			p->watch->step(p->watch->ctx, p->sim, st);
		}
		play_check_step(p, st, &r);
		r.reason = arena_str(p->a, r.reason); /* it was part of somebody's answer */
	}
	p->report->n_failed += r.problem.n > 0;
	p->report->n_not_due += !r.is_due;
	return vec_push(&p->report->steps, r);
}

/* ---- the whole ---- */

static enum rc hash_leaf(void *ctx, uint64_t index, struct str bytes, struct err *e)
{
	(void)index; /* they come in order */
	if (EVP_DigestUpdate(ctx, bytes.p, bytes.n) != 1) {
		FAIL(e, RC_NOMEM, "cannot hash a leaf");
	}
	return RC_OK;
}

static enum rc hash_log(struct play *p, struct err *e)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	enum rc rc = RC_OK;

	if (!c || EVP_DigestInit_ex(c, EVP_sha256(), NULL) != 1) {
		rc = err_set(e, RC_NOMEM, __func__, "cannot hash the log");
	}
	if (rc == RC_OK) {
		rc = sim_leaves(p->sim, 0, hash_leaf, c, e);
	}
	if (rc == RC_OK && EVP_DigestFinal_ex(c, p->report->log.bytes, NULL) != 1) {
		rc = err_set(e, RC_NOMEM, __func__, "cannot hash the log");
	}
	EVP_MD_CTX_free(c);
	return rc;
}

static enum rc begin(struct play *p, uint64_t seed, struct err *e)
{
	struct sim_options o = {.deployment = p->deployment,
				.seed = seed,
				.unix_ms = p->s->unix_ms,
				.tool = play_world_tool,
				.ctx = p,
				.publishing = p->watch ? p->watch->publishing : NULL};
	const struct json *state = p->s->fixture.state;

	TRY(sim_new(&o, &p->sim, e));
	for (const struct json *t = state ? state->child : NULL; t; t = t->next) {
		struct play_target target = {.name = t->key, .fields = node_copy(p->a, t)};

		TRY(vec_push(&p->targets, target));
	}
	return sim_start(p->sim, e);
}

static enum rc tell_story(struct play *p, const struct steps *steps, uint64_t seed, struct err *e)
{
	struct step_result opening = {.reason = STR(""), .problem = STR("")};

	TRY(begin(p, seed, e));
	for (const struct json *i = p->s->incidents->child; i; i = i->next) {
		play_world_incident(p, i->key, i, node_word(json_get(i, STR("from")), STR("")),
				    &opening);
	}
	if (opening.problem.n) {
		FAIL(e, RC_INPUT, "the incident is not opened: " STR_FMT, STR_ARG(opening.problem));
	}
	for (size_t i = 0; i < steps->n; i++) {
		TRY(play_step(p, &steps->p[i]));
	}
	return RC_OK;
}

enum rc play_run(const struct scenario *s, const struct tree *tree, const struct steps *steps,
		 uint64_t seed, const struct play_watch *watch, struct play_report *ret,
		 struct findings *f, struct err *e)
{
	struct play p = {.s = s, .tree = tree, .watch = watch, .a = &ret->arena, .report = ret};
	enum rc rc = scenario_deployment(s, tree, &p.deployment, f, e);

	ret->problem = STR("");
	if (rc == RC_OK) {
		rc = tell_story(&p, steps, seed, e);
	}
	if (rc == RC_OK) {
		if (watch) {
			watch->end(watch->ctx, p.sim);
		}
		play_check_end(&p);
		ret->n_leaves = sim_log_size(p.sim);
		rc = hash_log(&p, e);
	}
	if (rc == RC_OK) {
		rc = sim_audit(p.sim, &ret->n_decisions, e);
	}
	sim_free(p.sim);
	deployment_free(p.deployment);
	vec_fini(&p.targets);
	vec_fini(&p.named);
	vec_fini(&p.answers);
	vec_fini(&p.last);
	return rc;
}
