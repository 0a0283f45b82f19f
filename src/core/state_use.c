/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_use.c - what a task has done: its tools, its targets, what its results carried.
 *
 * Holds:  (1) pub points at the vectors as they are: every change refreshes it.
 *         (2) a call that was not sent leaves nothing here.
 */
#include "base/mem.h"
#include "core/state_impl.h"

enum { MAX_TOUCHED = 4096, MAX_TOOLS = 1024 };

static struct tool_use *use_of(struct task_object *t, uint32_t tool)
{
	for (size_t i = 0; i < t->uses.n; i++) {
		if (t->uses.p[i].tool_number == tool) {
			return &t->uses.p[i];
		}
	}
	return NULL;
}

/* (1) */
static void refresh(struct task_object *t)
{
	t->pub.uses = t->uses.p;
	t->pub.n_uses = t->uses.n;
	t->pub.label_uses = t->label_uses.p;
	t->pub.n_label_uses = t->label_uses.n;
}

enum rc state_reserve_use(struct state *s, struct task_object *t, const struct leaf_call_decided *c,
			  struct err *e)
{
	size_t more = c->targets.n;
	size_t n = t->touched.n;

	for (size_t i = 0; i < more; i++) {
		n += tally_set_until(&t->touched, s->pending.targets[i]) == 0;
	}
	if (n > MAX_TOUCHED || (t->uses.n >= MAX_TOOLS && !use_of(t, s->pending.tool))) {
		FAIL(e, RC_LIMIT, "a task with more than %d targets or %d tools", MAX_TOUCHED,
		     MAX_TOOLS);
	}
	if (tally_set_reserve(&t->touched, more) != RC_OK || vec_reserve(&t->uses, 1) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for what a task does");
	}
	refresh(t);
	return RC_OK;
}

void state_apply_use(struct state *s, struct task_object *t, struct call_object *o)
{
	struct tool_use *use = use_of(t, o->tool);

	if (!use) {
		MUST(t->uses.n < t->uses.cap);
		use = &t->uses.p[t->uses.n++];
		*use = (struct tool_use){
		    .tool = intern_text(&s->words, o->tool),
		    .tool_number = o->tool,
		};
		intern_hold(&s->words, o->tool);
	}
	o->previous = t->last_call;
	t->last_call = o->o.ix;
	use->allowed++;
	use->allowed_as[o->pub.effect]++;
	t->pub.calls++;
	for (size_t i = 0; i < o->pub.targets.n; i++) {
		if (o->pub.effect == EFFECT_READ) {
			/* Room for the look that its outcome will be. */
			tally_set_note(&t->touched, &s->words, o->targets[i], 1);
		} else {
			t->pub.n_touched += tally_set_takings(&t->touched, o->targets[i]) == 0;
			tally_set_add(&t->touched, &s->words, o->targets[i], o->o.ix);
		}
	}
	refresh(t);
}

/* (2) */
static void give_back(struct state *s, struct task_object *t, const struct call_object *o)
{
	struct tool_use *use = use_of(t, o->tool);

	t->pub.calls--;
	use->allowed--;
	use->allowed_as[o->pub.effect]--;
	for (size_t i = 0; i < o->pub.targets.n && o->pub.effect != EFFECT_READ; i++) {
		t->pub.n_touched -= tally_set_takings(&t->touched, o->targets[i]) == 1;
		tally_set_remove(&t->touched, &s->words, o->targets[i], o->o.ix, 0);
	}
}

static void count_labels(struct task_object *t, const struct leaf *l)
{
	while (t->label_uses.n < t->labels.n) {
		MUST(t->label_uses.n < t->label_uses.cap);
		t->label_uses.p[t->label_uses.n] =
		    (struct label_use){.label = t->labels.p[t->label_uses.n]};
		t->label_uses.n++;
	}
	for (size_t i = 0; i < t->label_uses.n; i++) {
		if (str_list_has(&l->call_completed.labels, t->label_uses.p[i].label)) {
			t->label_uses.p[i].results++;
			t->label_uses.p[i].last_unix_ms = l->t;
		}
	}
}

/* Who has read a target plans on what is there now; it is in the set since the call was allowed. */
static void look_at(struct state *s, struct task_object *t, const struct call_object *o)
{
	for (size_t i = 0; i < o->pub.targets.n; i++) {
		if (tally_set_until(&t->touched, o->targets[i])) {
			tally_set_note(&t->touched, &s->words, o->targets[i], s->size);
		}
	}
}

void state_settle_use(struct state *s, struct task_object *t, const struct call_object *o,
		      const struct leaf *l)
{
	struct tool_use *use = use_of(t, o->tool);

	count_labels(t, l);
	if (o->is_agents && str_eq(o->pub.outcome, STR("not_sent"))) {
		give_back(s, t, o);
	} else if (o->is_agents && str_eq(o->pub.outcome, STR("ok"))) {
		use->ok++;
		use->last_ok_unix_ms[o->pub.effect] = l->t;
		if (o->pub.effect == EFFECT_READ) {
			look_at(s, t, o);
		}
	}
	refresh(t);
}

void state_free_use(struct state *s, struct task_object *t)
{
	for (size_t i = 0; i < t->uses.n; i++) {
		intern_drop(&s->words, t->uses.p[i].tool_number);
	}
	for (size_t i = 0; i < t->pub.targets.n && t->granted; i++) {
		intern_drop(&s->words, t->granted[i]);
	}
	tally_set_fini(&t->touched, &s->words);
}

const struct call *state_previous_call(const struct state *s, const struct task *t,
				       const struct call *after)
{
	uint64_t ix = after ? after->ix : t->ix;
	const struct object *o = state_find(s, after ? OBJECT_CALL : OBJECT_TASK, ix);

	if (!o) {
		return NULL;
	}
	ix = after ? ((const struct call_object *)o)->previous
		   : ((const struct task_object *)o)->last_call;
	return state_call(s, ix);
}

bool state_task_has_touched(const struct state *s, const struct task *t, struct str target)
{
	const struct task_object *o = (const void *)state_find(s, OBJECT_TASK, t->ix);

	return o && tally_set_takings(&o->touched, intern_find(&s->words, target)) > 0;
}

uint64_t state_task_token(const struct state *s, const struct task *t, struct str target)
{
	const struct task_object *o = (const void *)state_find(s, OBJECT_TASK, t->ix);

	return o ? tally_set_until(&o->touched, intern_find(&s->words, target)) : 0;
}

struct str state_next_touched(const struct state *s, const struct task *t, size_t *i)
{
	const struct task_object *o = (const void *)state_find(s, OBJECT_TASK, t->ix);
	const struct tally_node *n = o ? tally_set_next(&o->touched, NULL) : NULL;
	size_t skip = *i;

	while (n && (n->takings == 0 || skip-- > 0)) {
		n = tally_set_next(&o->touched, n);
	}
	(*i)++;
	return n ? intern_text(&s->words, n->value) : STR_NULL;
}
