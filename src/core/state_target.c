/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_target.c - what is being done to each target, and by whom.
 *
 * One actor at a time: a contain or destroy call holds its targets from its admission until its
 * outcome is known, at the longest until the leaf's held_until; so does a rollback of Remit.
 * Whoever acts gets a token, the index of the leaf that admitted the call: tokens of a target only
 * grow, also when the state has forgotten the target in between.
 *
 * Holds:  (1) a target has a fact exactly as long as a call on it is in the state.
 *         (2) a call stands on its targets from its admission until it was not sent, was rolled
 *             back or is forgotten; whatever its outcome.
 */
#include "base/mem.h"
#include "core/state_impl.h"

/* ---- texts that are kept once ---- */

enum rc state_reserve_words(struct state *s, const struct str_list *texts, struct err *e)
{
	struct pending *p = &s->pending;

	p->targets = mem_calloc(texts->n + 1, sizeof(*p->targets));
	p->target_texts = mem_calloc(texts->n + 1, sizeof(*p->target_texts));
	if (!p->targets || !p->target_texts) {
		FAIL(e, RC_NOMEM, "no memory for targets");
	}
	for (size_t i = 0; i < texts->n; i++) {
		TRY(intern_add(&s->words, texts->p[i], &p->targets[i], e));
		p->target_texts[i] = intern_text(&s->words, p->targets[i]);
		p->n_targets++;
	}
	return RC_OK;
}

struct str_list state_take_words(struct state *s, uint32_t **ret_ids)
{
	struct pending *p = &s->pending;
	const struct str_list texts = {.p = p->target_texts, .n = p->n_targets};

	p->target_texts = NULL;
	*ret_ids = TAKE(p->targets);
	p->n_targets = 0;
	return texts;
}

/* ---- for call.decided ---- */

enum rc state_reserve_targets(struct state *s, const struct leaf_call_decided *c, struct err *e)
{
	struct str hop = str_slice(c->tool, 0, c->tool.n);

	for (size_t i = 0; i + 3 <= hop.n; i++) {
		if (str_eq(str_slice(hop, i, i + 3), STR("___"))) {
			hop.n = i;
		}
	}
	TRY(state_reserve_words(s, &c->targets, e));
	TRY(intern_add(&s->words, c->tool, &s->pending.tool, e));
	TRY(intern_add(&s->words, hop, &s->pending.hop, e));
	if ((s->words.n > s->facts.n && vec_reserve(&s->facts, s->words.n - s->facts.n) != RC_OK) ||
	    vec_reserve(&s->standing, c->targets.n) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for targets");
	}
	return RC_OK;
}

void state_drop_pending_targets(struct state *s)
{
	struct pending *p = &s->pending;

	for (size_t i = 0; i < p->n_targets; i++) {
		intern_drop(&s->words, p->targets[i]);
	}
	if (p->tool) {
		intern_drop(&s->words, p->tool);
	}
	if (p->hop) {
		intern_drop(&s->words, p->hop);
	}
	mem_free(p->targets);
	mem_free(p->target_texts);
	p->targets = NULL;
	p->target_texts = NULL;
	p->n_targets = 0;
	p->tool = 0;
	p->hop = 0;
}

static uint32_t take_place(struct state *s)
{
	uint32_t at = s->unused_standing;

	if (at) {
		s->unused_standing = s->standing.p[at - 1].next;
		return at;
	}
	MUST(s->standing.n < s->standing.cap);
	return (uint32_t)++s->standing.n;
}

static struct standing *place(const struct state *s, uint32_t at)
{
	return &s->standing.p[at - 1];
}

static void stand_on(struct state *s, struct call_object *o, uint32_t target)
{
	uint32_t *first = &s->facts.p[target].standing;
	uint32_t at = take_place(s);

	*place(s, at) =
	    (struct standing){.call = o, .target = target, .next = *first, .also = o->standing};
	if (*first) {
		place(s, *first)->previous = at;
	}
	*first = at;
	o->standing = at;
}

static void act_on(struct state *s, const struct call_object *o, uint32_t target)
{
	struct target_fact *f = &s->facts.p[target];

	f->token = o->o.ix;
	f->holder = o->pub.task;
	f->held_until_unix_ms = o->held_until_unix_ms;
	f->unfinished++;
	if (f->last_tool) {
		intern_drop(&s->words, f->last_tool);
	}
	f->last_tool = o->tool;
	intern_hold(&s->words, f->last_tool);
}

void state_apply_targets(struct state *s, struct call_object *o)
{
	struct pending *p = &s->pending;

	o->pub.targets = state_take_words(s, &o->targets);
	o->tool = p->tool;
	o->hop = p->hop;
	p->tool = 0;
	p->hop = 0;
	while (s->facts.n < s->words.n) {
		MUST(s->facts.n < s->facts.cap);
		s->facts.p[s->facts.n++] = (struct target_fact){0};
	}
	for (size_t i = 0; i < o->pub.targets.n; i++) {
		s->facts.p[o->targets[i]].calls++; /* (1) */
		if (o->pub.effect != EFFECT_READ) {
			act_on(s, o, o->targets[i]);
			if (o->is_agents) {
				stand_on(s, o, o->targets[i]);
			}
		}
	}
	o->stands = o->is_agents && o->pub.effect != EFFECT_READ;
}

/* ---- for a state that is read back ---- */

enum rc state_restore_targets(struct state *s, struct call_object *o, const struct str_list *texts,
			      uint32_t *take_ids, uint8_t *ret_is_first, struct err *e)
{
	if ((s->words.n > s->facts.n && vec_reserve(&s->facts, s->words.n - s->facts.n) != RC_OK) ||
	    vec_reserve(&s->standing, texts->n) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for targets");
	}
	while (s->facts.n < s->words.n) {
		s->facts.p[s->facts.n++] = (struct target_fact){0};
	}
	o->pub.targets = *texts;
	o->targets = take_ids;
	for (size_t i = 0; i < texts->n; i++) {
		struct target_fact *f = &s->facts.p[take_ids[i]];

		ret_is_first[i] = f->calls == 0;
		f->calls++; /* (1) */
		f->unfinished += o->pub.state == CALL_ALLOWED && o->pub.effect != EFFECT_READ;
		if (o->stands) {
			stand_on(s, o, take_ids[i]);
		}
	}
	return RC_OK;
}

/* ---- afterwards ---- */

void state_settle_targets(struct state *s, struct call_object *o, bool is_known)
{
	for (size_t i = 0; i < o->pub.targets.n && o->pub.effect != EFFECT_READ; i++) {
		struct target_fact *f = &s->facts.p[o->targets[i]];

		MUST(f->unfinished > 0);
		f->unfinished--;
		if (is_known && f->token == o->o.ix) {
			f->held_until_unix_ms = 0;
		}
	}
}

void state_free_targets(struct state *s, struct call_object *o)
{
	for (size_t i = 0; i < o->pub.targets.n; i++) {
		struct target_fact *f = &s->facts.p[o->targets[i]];

		if (f->token == o->o.ix) {
			f->held_until_unix_ms = 0;
		}
	}
}

/* (2) A busy target has many that stand, so none is looked for. */
void state_stop_standing(struct state *s, struct call_object *o)
{
	while (o->standing) {
		uint32_t at = o->standing;
		const struct standing was = *place(s, at);

		*(was.previous ? &place(s, was.previous)->next : &s->facts.p[was.target].standing) =
		    was.next;
		if (was.next) {
			place(s, was.next)->previous = was.previous;
		}
		*place(s, at) = (struct standing){.next = s->unused_standing};
		s->unused_standing = at;
		o->standing = was.also;
	}
	o->stands = false;
}

void state_forget_targets(struct state *s, struct call_object *o)
{
	state_stop_standing(s, o);
	for (size_t i = 0; i < o->pub.targets.n && o->targets; i++) {
		struct target_fact *f = &s->facts.p[o->targets[i]];

		if (--f->calls == 0) { /* (1) */
			if (f->last_tool) {
				intern_drop(&s->words, f->last_tool);
			}
			*f = (struct target_fact){0};
		}
		intern_drop(&s->words, o->targets[i]);
	}
	if (o->tool) {
		intern_drop(&s->words, o->tool);
		intern_drop(&s->words, o->hop);
	}
}

/* ---- reading ---- */

static const struct target_fact *fact_of(const struct state *s, struct str target)
{
	static const struct target_fact none;
	uint32_t id = intern_find(&s->words, target);

	return id && id < s->facts.n ? &s->facts.p[id] : &none;
}

struct fence state_fence(const struct state *s, struct str target)
{
	const struct target_fact *f = fact_of(s, target);

	return (struct fence){
	    .token = f->token,
	    .holder = f->holder,
	    .held_until_unix_ms = f->unfinished ? UINT64_MAX : f->held_until_unix_ms,
	    .last_tool = f->last_tool ? intern_text(&s->words, f->last_tool) : STR(""),
	};
}

const struct call *state_next_standing(const struct state *s, struct str target,
				       const struct call *after)
{
	uint32_t id = intern_find(&s->words, target);
	uint32_t at = fact_of(s, target)->standing;

	if (after) {
		at = ((const struct call_object *)state_find(s, OBJECT_CALL, after->ix))->standing;
		while (at && place(s, at)->target != id) {
			at = place(s, at)->also;
		}
		at = at ? place(s, at)->next : 0;
	}
	return at ? &place(s, at)->call->pub : NULL;
}
