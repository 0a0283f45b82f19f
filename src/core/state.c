/* SPDX-License-Identifier: Apache-2.0 */
/* core/state.c - the fold: life cycle, dispatch, forgetting, look-ups.
 *
 * Trust:  leaves come from decide and from the log; a leaf that does not fit the state is a defect
 *         of ours or a forged log, and is refused (RC_BROKEN) before anything changes.
 * Holds:  (1) state_apply changes the state exactly as reserved: it cannot fail.
 *         (2) a failed state_reserve changes nothing that anybody can see.
 *         (3) everything that is forgotten depends on the leaves' times only.
 *         (4) an allowed destroy call of an agent cites an approval or a pre-approval.
 *         (5) an allowed call that requires evidence cites it, or a waiver (state_evidence.c).
 *
 * What a leaf changes beside the object it names, and nothing else does:
 *   task.opened	uses up its intent
 *   task.resumed	starts counting deviations anew
 *   call.decided	allow: holds its targets; takes a call and new targets from the task's
 *			budget and what it says from the caps, uses up the approval and the
 *			waiver, takes one use of the pre-approval (purpose agent only);
 *			deny: what it weighs counts against its task and its agent
 *   intent.decided	what a refusal weighs counts against its agent
 *   approval.settled	granted, denied: counts in the tally of its agent
 *   agent.breached	lowers its agent's levels
 *   call.completed	adds its labels to the task, and its tool, if it did not fail; not_sent:
 *			gives back what the call took, and an inverse may be sent again;
 *			frees its targets unless it is unknown
 *   read.accounted	adds to what the call's task and incident have read
 *   evidence.captured	stands in its incident's list
 *   call.verified	frees its targets; marks the task when the effect is not what it should be
 *   term.changed	reverted: the call stands no more on its targets
 *   kill.cleared	lifts every stop of that scope and name
 * An incident that closes ends no task, a task that ends voids no approval and revokes no lease:
 * whoever appends those leaves appends the ones that follow from them.
 */
#include "core/state.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "core/state_impl.h"

enum {
	MAX_OBJECTS = 1 << 21, /* of one kind within the horizon */
	MAX_CAUSES = 16,
	SWEEP_MS = 60 * 1000,
};

static const char *const object_names[OBJECT_KINDS] = {
    [OBJECT_INCIDENT] = "incident i",
    [OBJECT_INTENT] = "intent ",
    [OBJECT_TASK] = "task t",
    [OBJECT_CALL] = "call c",
    [OBJECT_APPROVAL] = "approval a",
    [OBJECT_PREAPPROVAL] = "pre-approval p",
    [OBJECT_LEASE] = "lease l",
    [OBJECT_TERM] = "term m",
    [OBJECT_REHEARSAL] = "rehearsal ",
    [OBJECT_ROLLBACK] = "rollback r",
    [OBJECT_KILL] = "kill ",
    [OBJECT_EVIDENCE] = "evidence e",
    [OBJECT_BREAKER] = "breaker b",
    [OBJECT_HOLD] = "legal hold h",
    [OBJECT_WAIVER] = "waiver w",
    [OBJECT_PAUSE] = "pause ",
    [OBJECT_DUTY] = "duty ",
    [OBJECT_ESCALATION] = "escalation ",
    [OBJECT_BREAK_GLASS] = "break-glass g",
    [OBJECT_PROPOSAL] = "proposal d",
};

/* ---- memory ---- */

enum rc state_copy_string(struct str s, struct str *ret, struct err *e)
{
	char *p = mem_calloc(s.n + 1, 1);

	if (!p) {
		FAIL(e, RC_NOMEM, "no memory for a name in the state");
	}
	if (s.n) {
		memcpy(p, s.p, s.n);
	}
	*ret = str_of(p, s.n);
	return RC_OK;
}

void state_free_string(struct str s)
{
	mem_free((void *)(uintptr_t)s.p);
}

void state_free_strings(struct owned_strings *v)
{
	for (size_t i = 0; i < v->n; i++) {
		state_free_string(v->p[i]);
	}
	vec_fini(v);
}

static void object_free(struct object *o)
{
	struct task_object *task;
	struct incident_object *incident;
	struct approval_object *approval;
	struct preapproval_object *preapproval;

	if (!o) {
		return;
	}
	switch (o->kind) {
	case OBJECT_TASK:
		task = (struct task_object *)o;
		state_free_string(task->accountable);
		state_free_strings(&task->labels);
		state_free_reads(&task->reads);
		state_free_progress(task);
		vec_fini(&task->label_uses);
		vec_fini(&task->uses);
		mem_free(task->granted);
		mem_free((void *)(uintptr_t)task->pub.targets.p);
		for (size_t i = 0; i < task->pub.n_tried; i++) {
			mem_free(task->tried_text[i]);
		}
		vec_fini(&task->marks);
		vec_fini(&task->notes);
		break;
	case OBJECT_INCIDENT:
		state_free_strings(&((struct incident_object *)o)->routed);
		incident = (struct incident_object *)o;
		vec_fini(&incident->marks);
		state_free_reads(&incident->reads);
		vec_fini(&incident->evidence);
		break;
	case OBJECT_APPROVAL:
		approval = (struct approval_object *)o;
		for (size_t i = 0; i < approval->votes.n; i++) {
			state_free_string(approval->votes.p[i].person);
		}
		vec_fini(&approval->votes);
		break;
	case OBJECT_PREAPPROVAL:
		preapproval = (struct preapproval_object *)o;
		vec_fini(&preapproval->uses);
		break;
	case OBJECT_CALL:
		mem_free(((struct call_object *)o)->targets);
		mem_free((void *)(uintptr_t)((struct call_object *)o)->pub.targets.p);
		break;
	case OBJECT_INTENT:
	case OBJECT_LEASE:
	case OBJECT_TERM:
	case OBJECT_ROLLBACK:
	case OBJECT_REHEARSAL:
	case OBJECT_KILL:
	case OBJECT_EVIDENCE:
	case OBJECT_BREAKER:
	case OBJECT_HOLD:
	case OBJECT_WAIVER:
	case OBJECT_PAUSE:
	case OBJECT_DUTY:
	case OBJECT_ESCALATION:
	case OBJECT_BREAK_GLASS:
	case OBJECT_PROPOSAL:
	case OBJECT_KINDS:
		break;
	}
	mem_free(o->text);
	mem_free(o->changed);
	mem_free(o);
}

/* What an object holds in the tables of the state. */
static void object_release(struct state *s, struct object *o)
{
	if (o->kind == OBJECT_CALL) {
		state_forget_targets(s, (struct call_object *)o);
	} else if (o->kind == OBJECT_TASK) {
		state_free_use(s, (struct task_object *)o);
	}
}

static void pending_drop(struct state *s)
{
	struct pending *p = &s->pending;

	state_drop_pending_targets(s);
	object_free(p->fresh);
	mem_free(p->text);
	state_free_strings(&p->labels);
	state_free_strings(&p->task_classes);
	state_free_strings(&p->incident_classes);
	state_free_strings(&p->completed);
	state_free_record(p->record);
	state_free_string(p->name);
	state_free_signal(p->signal);
	*p = (struct pending){0};
}

enum rc state_new(struct state **ret, struct err *e)
{
	struct state *s = mem_calloc(1, sizeof(*s));

	if (!s) {
		FAIL(e, RC_NOMEM, "no memory for the state");
	}
	*ret = s;
	return RC_OK;
}

void state_free(struct state *s)
{
	if (!s) {
		return;
	}
	pending_drop(s);
	for (unsigned k = 0; k < OBJECT_KINDS; k++) {
		for (size_t i = 0; i < s->tables[k].n; i++) {
			object_release(s, s->tables[k].p[i]);
			object_free(s->tables[k].p[i]);
		}
		vec_fini(&s->tables[k]);
	}
	for (size_t i = 0; i < s->tools.n; i++) {
		state_free_string(s->tools.p[i].name);
	}
	vec_fini(&s->tools);
	for (size_t i = 0; i < s->health.n; i++) {
		state_free_string(s->health.p[i].target);
	}
	vec_fini(&s->health);
	for (size_t i = 0; i < s->signals.n; i++) {
		state_free_signal(s->signals.p[i]);
	}
	vec_fini(&s->signals);
	for (size_t i = 0; i < s->records.n; i++) {
		state_free_record(s->records.p[i]);
	}
	vec_fini(&s->records);
	vec_fini(&s->unfinished);
	state_free_counters(s);
	vec_fini(&s->shards);
	vec_fini(&s->erasing);
	state_drop_motion(&s->erase);
	state_drop_motion(&s->prune);
	vec_fini(&s->facts);
	vec_fini(&s->standing);
	intern_fini(&s->words);
	mem_free(s);
}

/* A copy of the leaf whose strings stand in one block. */
static enum rc own_leaf(const struct leaf *l, struct leaf *ret, char **ret_text, struct err *e)
{
	size_t n_fields;
	const struct leaf_field *f = leaf_fields(l->kind, &n_fields);
	const char *body = leaf_body(l);
	char *own = (char *)&ret->log_opened;
	size_t bytes = 1;
	struct str *lists;
	char *at;

	for (size_t i = 0; i < n_fields; i++) {
		if (f[i].type == LEAF_TYPE_STR) {
			bytes += ((const struct str *)(const void *)(body + f[i].offset))->n;
		} else if (f[i].type == LEAF_TYPE_STRS) {
			const struct str_list *list = (const void *)(body + f[i].offset);

			for (size_t j = 0; j < list->n; j++) {
				bytes += sizeof(struct str) + list->p[j].n;
			}
		}
	}
	*ret_text = mem_calloc(bytes, 1);
	if (!*ret_text) {
		FAIL(e, RC_NOMEM, "no memory for a leaf in the state");
	}
	*ret = *l;
	/* Lists first, which keeps them aligned; then the bytes. */
	lists = (struct str *)(void *)*ret_text;
	for (size_t i = 0; i < n_fields; i++) {
		if (f[i].type == LEAF_TYPE_STRS) {
			struct str_list *list = (void *)(own + f[i].offset);

			if (list->n) {
				memcpy(lists, list->p, list->n * sizeof(*lists));
			}
			list->p = list->n ? lists : NULL;
			lists += list->n;
		}
	}
	at = (char *)lists;
	for (size_t i = 0; i < n_fields; i++) {
		struct str *p = (void *)(own + f[i].offset);
		size_t n = f[i].type == LEAF_TYPE_STR ? 1 : 0;

		if (f[i].type == LEAF_TYPE_STRS) {
			const struct str_list *list = (const void *)(own + f[i].offset);

			p = (struct str *)(uintptr_t)list->p;
			n = list->n;
		}
		for (size_t j = 0; j < n; j++) {
			if (p[j].n) {
				memcpy(at, p[j].p, p[j].n);
			}
			p[j].p = at;
			at += p[j].n;
		}
	}
	return RC_OK;
}

enum rc state_reserve_text(struct state *s, const struct leaf *l, struct err *e)
{
	return own_leaf(l, &s->pending.own, &s->pending.text, e);
}

enum rc state_reserve_object(struct state *s, enum object_kind kind, size_t size,
			     const struct leaf *l, struct err *e)
{
	if (s->tables[kind].n >= MAX_OBJECTS) {
		FAIL(e, RC_LIMIT, "more than %d objects of the kind %sN within the horizon",
		     MAX_OBJECTS, object_names[kind]);
	}
	if (vec_reserve(&s->tables[kind], 1) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for the table of %sN", object_names[kind]);
	}
	s->pending.fresh = mem_calloc(1, size);
	if (!s->pending.fresh) {
		FAIL(e, RC_NOMEM, "no memory for %sN", object_names[kind]);
	}
	s->pending.fresh->kind = kind;
	return state_reserve_text(s, l, e);
}

void *state_take_object(struct state *s)
{
	struct object *o = TAKE(s->pending.fresh);

	MUST(o && s->tables[o->kind].n < s->tables[o->kind].cap);
	o->ix = s->size;
	o->text = TAKE(s->pending.text);
	s->tables[o->kind].p[s->tables[o->kind].n++] = o;
	return o;
}

void state_take_changed(struct state *s, struct object *o)
{
	mem_free(o->changed);
	o->changed = TAKE(s->pending.text);
}

enum rc state_reserve_strings(struct owned_strings *pending, struct owned_strings *have,
			      const struct str_list *more, size_t max, struct err *e)
{
	for (size_t i = 0; i < more->n; i++) {
		const struct str_list old = {have->p, have->n};
		const struct str_list new = {pending->p, pending->n};
		struct str copy;

		if (str_list_has(&old, more->p[i]) || str_list_has(&new, more->p[i])) {
			continue;
		}
		if (have->n + pending->n >= max) {
			FAIL(e, RC_LIMIT, "a task with more than %zu targets or labels", max);
		}
		if (vec_reserve(pending, 1) != RC_OK) {
			FAIL(e, RC_NOMEM, "no memory for a task's list");
		}
		TRY(state_copy_string(more->p[i], &copy, e));
		pending->p[pending->n++] = copy;
	}
	if (vec_reserve(have, pending->n) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a task's list");
	}
	return RC_OK;
}

void state_take_strings(struct owned_strings *pending, struct owned_strings *have)
{
	for (size_t i = 0; i < pending->n; i++) {
		MUST(have->n < have->cap);
		have->p[have->n++] = pending->p[i];
	}
	pending->n = 0;
}

void state_set_over(struct object *o, uint64_t unix_ms)
{
	o->over_unix_ms = unix_ms ? unix_ms : 1;
}

/* ---- applying ---- */

static enum rc check_causes(const struct state *s, const struct leaf *l, struct err *e)
{
	uint64_t causes[MAX_CAUSES];
	size_t n = leaf_causes(l, causes, MAX_CAUSES);

	MUST(n <= MAX_CAUSES);
	for (size_t i = 0; i < n; i++) {
		if (causes[i] >= s->size) {
			FAIL(e, RC_BROKEN,
			     "leaf %" PRIu64 " cites leaf %" PRIu64 ", which is not earlier",
			     s->size, causes[i]);
		}
	}
	return RC_OK;
}

static enum rc reserve_kind(struct state *s, const struct leaf *l, struct err *e)
{
	switch (l->kind) {
#define LEAF(NAME, name, wire, version, fields)                                                    \
	case LEAF_##NAME:                                                                          \
		return state_reserve_##name(s, l, e);
#include "core/leaf.def"
#undef LEAF
	case LEAF_NONE:
	case LEAF_KINDS:
		break;
	}
	FAIL(e, RC_BROKEN, "a leaf without a kind");
}

enum rc state_reserve(struct state *s, const struct leaf *l, struct err *e)
{
	enum rc rc;

	pending_drop(s);
	if ((s->size == 0) != (l->kind == LEAF_LOG_OPENED)) {
		FAIL(e, RC_BROKEN, "leaf 0, and no other, is log.opened");
	}
	TRY(check_causes(s, l, e));
	rc = reserve_kind(s, l, e);
	if (rc != RC_OK) {
		pending_drop(s);
		return err_wrap(e, rc, "leaf %" PRIu64 " (" STR_FMT ")", s->size,
				STR_ARG(leaf_kind_name(l->kind)));
	}
	s->pending.kind = l->kind;
	return RC_OK;
}

static void apply_kind(struct state *s, const struct leaf *l)
{
	switch (l->kind) {
#define LEAF(NAME, name, wire, version, fields)                                                    \
	case LEAF_##NAME:                                                                          \
		state_apply_##name(s, l);                                                          \
		return;
#include "core/leaf.def"
#undef LEAF
	case LEAF_NONE:
	case LEAF_KINDS:
		break;
	}
	MUST(false);
}

/* A term that stands keeps the call it would undo. */
static bool is_needed(const struct object *o)
{
	return o->kind == OBJECT_CALL && ((const struct call_object *)o)->terms > 0;
}

/* Reads of a task that is over are soon of no more use to any decision; the log and the index have
 * them. While it runs they count towards its limits, which bound them. */
static uint64_t horizon_of(const struct state *s, const struct object *o)
{
	const struct call_object *c = (const struct call_object *)o;
	const struct task *t;

	if (o->kind != OBJECT_CALL || c->pub.effect != EFFECT_READ) {
		return STATE_HORIZON_MS;
	}
	t = state_task(s, c->pub.task);
	return t && (t->state == TASK_RUNNING || t->state == TASK_SUSPENDED)
		   ? STATE_HORIZON_MS
		   : STATE_READ_HORIZON_MS;
}

/* (3) */
static void forget(struct state *s)
{
	if (s->now_unix_ms - s->swept_unix_ms < SWEEP_MS) {
		return;
	}
	s->swept_unix_ms = s->now_unix_ms;
	state_forget_signals(s);
	for (unsigned k = 0; k < OBJECT_KINDS; k++) {
		size_t kept = 0;

		for (size_t i = 0; i < s->tables[k].n; i++) {
			struct object *o = s->tables[k].p[i];

			if (o->over_unix_ms && !is_needed(o) && s->now_unix_ms >= o->over_unix_ms &&
			    s->now_unix_ms - o->over_unix_ms >= horizon_of(s, o)) {
				object_release(s, o);
				object_free(o);
			} else {
				s->tables[k].p[kept++] = o;
			}
		}
		s->tables[k].n = kept;
	}
	state_forget_counters(s);
}

void state_apply(struct state *s, uint64_t index, const struct leaf *l)
{
	MUST(index == s->size && l->kind != LEAF_NONE && s->pending.kind == l->kind);
	apply_kind(s, l);
	pending_drop(s);
	s->size++;
	s->last_unix_ms = l->t;
	s->now_unix_ms = l->t > s->now_unix_ms ? l->t : s->now_unix_ms;
	forget(s);
}

/* ---- look-ups ---- */

/* The first place in the table whose index is at least ix. */
static size_t place_of(const struct state *s, enum object_kind kind, uint64_t ix)
{
	size_t from = 0;
	size_t to = s->tables[kind].n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (s->tables[kind].p[middle]->ix < ix) {
			from = middle + 1;
		} else {
			to = middle;
		}
	}
	return from;
}

void state_take_motion(struct state *s, struct motion *p, uint64_t of, uint64_t unix_ms)
{
	state_drop_motion(p);
	*p = (struct motion){.of = of, .unix_ms = unix_ms, .by = s->pending.name};
	s->pending.name = STR_NULL;
}

void state_drop_motion(struct motion *p)
{
	state_free_string(p->by);
	*p = (struct motion){0};
}

struct object *state_find(const struct state *s, enum object_kind kind, uint64_t ix)
{
	size_t at = place_of(s, kind, ix);

	return at < s->tables[kind].n && s->tables[kind].p[at]->ix == ix ? s->tables[kind].p[at]
									 : NULL;
}

struct object *state_find_next(const struct state *s, enum object_kind kind, uint64_t from)
{
	size_t at = place_of(s, kind, from);

	return at < s->tables[kind].n ? s->tables[kind].p[at] : NULL;
}

enum rc state_need(const struct state *s, enum object_kind kind, uint64_t ix, struct object **ret,
		   struct err *e)
{
	*ret = state_find(s, kind, ix);
	if (!*ret) {
		FAIL(e, RC_BROKEN, "no %s%" PRIu64 " in the state", object_names[kind], ix);
	}
	return RC_OK;
}

uint64_t state_size(const struct state *s)
{
	return s->size;
}

uint64_t state_generation(const struct state *s)
{
	return s->generation;
}

uint64_t state_last_unix_ms(const struct state *s)
{
	return s->last_unix_ms;
}

const struct digest *state_bundle(const struct state *s)
{
	return &s->bundle;
}

/* state_<name> by index and state_next_<name> in order. */
#define LOOKUPS(name, KIND)                                                                        \
	const struct name *state_##name(const struct state *s, uint64_t ix)                        \
	{                                                                                          \
		const struct object *o = state_find(s, OBJECT_##KIND, ix);                         \
		return o ? &((const struct name##_object *)o)->pub : NULL;                         \
	}                                                                                          \
	const struct name *state_next_##name(const struct state *s, uint64_t from)                 \
	{                                                                                          \
		size_t at = place_of(s, OBJECT_##KIND, from);                                      \
		return at < s->tables[OBJECT_##KIND].n                                             \
			   ? &((const struct name##_object *)s->tables[OBJECT_##KIND].p[at])->pub  \
			   : NULL;                                                                 \
	}

LOOKUPS(incident, INCIDENT)
LOOKUPS(task, TASK)
LOOKUPS(call, CALL)
LOOKUPS(approval, APPROVAL)
LOOKUPS(preapproval, PREAPPROVAL)
LOOKUPS(lease, LEASE)
LOOKUPS(term, TERM)
LOOKUPS(rollback, ROLLBACK)
LOOKUPS(breaker, BREAKER)
LOOKUPS(escalation, ESCALATION)
LOOKUPS(break_glass, BREAK_GLASS)
LOOKUPS(proposal, PROPOSAL)
LOOKUPS(rehearsal, REHEARSAL)

const struct kill *state_next_kill(const struct state *s, uint64_t from)
{
	for (size_t i = place_of(s, OBJECT_KILL, from); i < s->tables[OBJECT_KILL].n; i++) {
		const struct kill_object *k = (const void *)s->tables[OBJECT_KILL].p[i];

		if (!k->is_cleared) {
			return &k->pub;
		}
	}
	return NULL;
}
