/* SPDX-License-Identifier: Apache-2.0 */
/* core/evidence_audit.c - the rules of evidence, read back from the log.
 *
 * Trust:  the leaves are what somebody published; a leaf that cites what is not there is a fault,
 *         never a reason to stop.
 * Holds:  (1) an item counts for a call only if its leaf is earlier, of the same incident, of that
 *             kind and target, not older than was allowed, and neither damaged nor destroyed then.
 *         (2) what is missing needs a waiver of two persons for that task, tool, targets and kinds,
 *             in time, and used by no other call.
 */
#include "core/evidence_audit.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/vec.h"

struct audit_task {
	uint64_t ix;
	uint64_t incident;
};

struct audit_item {
	uint64_t ix;
	uint64_t t;
	uint64_t incident;
	struct str kind;
	struct str_list targets;
	uint64_t keep_until;
	bool is_compliance;
	bool counts; /* kept and not damaged */
	bool is_destroyed;
	bool has_key;
	uint64_t last;
	uint64_t nth;
	uint64_t proposal; /* to destroy */
	struct str proposed_by;
};

struct audit_waiver {
	uint64_t ix;
	uint64_t task;
	struct str tool;
	struct str_list targets;
	struct str_list kinds;
	uint64_t not_after;
	struct str by;
	bool is_granted;
	bool is_used;
};

struct audit_hold {
	uint64_t ix;
	struct str scope;
	struct str subject;
	bool is_released;
};

struct evidence_audit {
	struct arena arena;
	VEC(struct audit_task) tasks;
	VEC(struct audit_item) items;
	VEC(struct audit_waiver) waivers;
	VEC(struct audit_hold) holds;
	VEC(struct evidence_fault) faults;
	struct evidence_counts counts;
};

static const size_t ARENA_MAX = (size_t)1 << 32;

enum rc evidence_audit_new(struct evidence_audit **ret, struct err *e)
{
	struct evidence_audit *a = mem_calloc(1, sizeof(*a));

	if (!a) {
		FAIL(e, RC_NOMEM, "no memory for an audit");
	}
	a->arena = (struct arena)ARENA_INIT(ARENA_MAX);
	*ret = a;
	return RC_OK;
}

void evidence_audit_free(struct evidence_audit *a)
{
	if (!a) {
		return;
	}
	vec_fini(&a->tasks);
	vec_fini(&a->items);
	vec_fini(&a->waivers);
	vec_fini(&a->holds);
	vec_fini(&a->faults);
	arena_fini(&a->arena);
	mem_free(a);
}

struct evidence_counts evidence_audit_counts(const struct evidence_audit *a)
{
	return a->counts;
}

const struct evidence_fault *evidence_audit_faults(const struct evidence_audit *a, size_t *ret_n)
{
	*ret_n = a->faults.n;
	return a->faults.p;
}

/* ---- memory ---- */

static enum rc no_memory(struct err *e)
{
	FAIL(e, RC_NOMEM, "no memory for an audit");
}

static enum rc PRINTF_LIKE(4, 5)
    fault(struct evidence_audit *a, uint64_t leaf, struct err *e, const char *fmt, ...)
{
	char text[512];
	struct evidence_fault f = {.leaf = leaf};
	va_list ap;

	a->counts.faults++;
	if (a->faults.n >= EVIDENCE_AUDIT_FAULTS) {
		return RC_OK;
	}
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* a long one ends early: it is for people */
	va_end(ap);
	f.what = arena_str(&a->arena, str_from(text));
	return f.what.p && vec_push(&a->faults, f) == RC_OK ? RC_OK : no_memory(e);
}

static bool copy_list(struct evidence_audit *a, const struct str_list *l, struct str_list *ret)
{
	*ret = str_list_copy(&a->arena, l);
	return l->n == 0 || ret->p;
}

/* The element whose ix it is: all are in order of it. */
#define FIND(name, type, field)                                                                    \
	static struct type *name(struct evidence_audit *a, uint64_t ix)                            \
	{                                                                                          \
		size_t from = 0;                                                                   \
		size_t to = a->field.n;                                                            \
                                                                                                   \
		while (from < to) {                                                                \
			size_t middle = from + (to - from) / 2;                                    \
                                                                                                   \
			if (a->field.p[middle].ix < ix) {                                          \
				from = middle + 1;                                                 \
			} else {                                                                   \
				to = middle;                                                       \
			}                                                                          \
		}                                                                                  \
		return from < a->field.n && a->field.p[from].ix == ix ? &a->field.p[from] : NULL;  \
	}

FIND(find_task, audit_task, tasks)
FIND(find_item, audit_item, items)
FIND(find_waiver, audit_waiver, waivers)
FIND(find_hold, audit_hold, holds)

/* ---- what is there ---- */

static enum rc take_item(struct evidence_audit *a, uint64_t ix, const struct leaf *l, struct err *e)
{
	const struct leaf_evidence_captured *c = &l->evidence_captured;
	const struct audit_task *t = find_task(a, c->task);
	struct audit_item item = {
	    .ix = ix,
	    .t = l->t,
	    .incident = c->incident,
	    .kind = arena_str(&a->arena, c->kind),
	    .keep_until = c->keep_until,
	    .is_compliance = str_eq(c->mode, STR("compliance")),
	    .counts = true,
	    .has_key = true,
	    .last = ix,
	    .nth = 1,
	};

	a->counts.items++;
	if (!copy_list(a, &c->targets, &item.targets) || !item.kind.p ||
	    vec_push(&a->items, item) != RC_OK) {
		return no_memory(e);
	}
	if (!t || t->incident != c->incident) {
		return fault(a, ix, e, "evidence of another incident than its task's");
	}
	return RC_OK;
}

/* The item goes on by this leaf, or the chain is broken. */
static enum rc link(struct evidence_audit *a, uint64_t ix, uint64_t evidence, uint64_t prior,
		    uint64_t nth, struct audit_item **ret, struct err *e)
{
	struct audit_item *item = find_item(a, evidence);

	*ret = item;
	if (!item) {
		return fault(a, ix, e, "it is about e%llu, which is no evidence",
			     (unsigned long long)evidence);
	}
	if (item->last != prior || item->nth + 1 != nth) {
		TRY(fault(a, ix, e, "the custody of e%llu goes on from leaf %llu, not %llu",
			  (unsigned long long)evidence, (unsigned long long)item->last,
			  (unsigned long long)prior));
	}
	item->last = ix;
	item->nth++;
	return RC_OK;
}

static enum rc take_custody(struct evidence_audit *a, uint64_t ix, const struct leaf *l,
			    struct err *e)
{
	const struct leaf_evidence_custody *c = &l->evidence_custody;
	struct audit_item *item;

	TRY(link(a, ix, c->evidence, c->prior, c->nth, &item, e));
	if (!item) {
		return RC_OK;
	}
	if (str_eq(c->event, STR("damaged"))) {
		item->counts = false;
	} else if (str_eq(c->event, STR("verified"))) {
		item->counts = !item->is_destroyed;
	} else if (str_eq(c->event, STR("removed")) && item->has_key) {
		return fault(a, ix, e, "e%llu was removed, and its key was not destroyed before",
			     (unsigned long long)item->ix);
	}
	return RC_OK;
}

static enum rc take_proposed(struct evidence_audit *a, uint64_t ix, const struct leaf *l,
			     struct err *e)
{
	const struct leaf_evidence_proposed *p = &l->evidence_proposed;
	struct audit_item *item;

	TRY(link(a, ix, p->evidence, p->prior, p->nth, &item, e));
	if (item) {
		item->proposal = ix;
		item->proposed_by = arena_str(&a->arena, p->by);
		return item->proposed_by.p ? RC_OK : no_memory(e);
	}
	return RC_OK;
}

/* Did two persons agree? */
static bool is_agreed(const struct audit_item *item, uint64_t proposal, struct str by)
{
	return !item->is_compliance && proposal && proposal == item->proposal && by.n &&
	       !str_eq(by, item->proposed_by);
}

static enum rc take_keep(struct evidence_audit *a, uint64_t ix, const struct leaf *l, struct err *e)
{
	const struct leaf_evidence_keep *k = &l->evidence_keep;
	struct audit_item *item;

	TRY(link(a, ix, k->evidence, k->prior, k->nth, &item, e));
	if (!item) {
		return RC_OK;
	}
	if (k->keep_until < item->keep_until && !is_agreed(item, k->proposal, k->by)) {
		TRY(fault(a, ix, e, "the time of e%llu was shortened without authority",
			  (unsigned long long)item->ix));
	}
	item->keep_until = k->keep_until;
	item->proposal = 0;
	return RC_OK;
}

static bool is_held(const struct evidence_audit *a, const struct audit_item *item)
{
	char id[24];

	for (size_t i = 0; i < a->holds.n; i++) {
		const struct audit_hold *h = &a->holds.p[i];

		if (h->is_released) {
			continue;
		}
		if ((str_eq(h->scope, STR("evidence")) &&
		     str_eq(h->subject, id_text('e', item->ix, id))) ||
		    (str_eq(h->scope, STR("incident")) &&
		     str_eq(h->subject, id_text('i', item->incident, id))) ||
		    (str_eq(h->scope, STR("target")) && str_list_has(&item->targets, h->subject))) {
			return true;
		}
	}
	return false;
}

static enum rc take_destroyed(struct evidence_audit *a, uint64_t ix, const struct leaf *l,
			      struct err *e)
{
	const struct leaf_evidence_destroyed *d = &l->evidence_destroyed;
	struct audit_item *item;

	TRY(link(a, ix, d->evidence, d->prior, d->nth, &item, e));
	if (!item) {
		return RC_OK;
	}
	a->counts.destroyed++;
	item->counts = false;
	item->is_destroyed = true;
	if (is_held(a, item)) {
		return fault(a, ix, e, "e%llu was destroyed under a legal hold",
			     (unsigned long long)item->ix);
	}
	if (l->t < item->keep_until && !is_agreed(item, d->proposal, d->by)) {
		return fault(a, ix, e, "e%llu was destroyed before its time without authority",
			     (unsigned long long)item->ix);
	}
	return RC_OK;
}

static enum rc take_key_gone(struct evidence_audit *a, uint64_t ix, const struct leaf *l,
			     struct err *e)
{
	const struct leaf_evidence_key_gone *k = &l->evidence_key_gone;
	struct audit_item *item;

	TRY(link(a, ix, k->evidence, k->prior, k->nth, &item, e));
	if (!item) {
		return RC_OK;
	}
	item->has_key = false;
	return item->is_destroyed ? RC_OK
				  : fault(a, ix, e, "the key of e%llu went without authority",
					  (unsigned long long)item->ix);
}

/* ---- holds and waivers ---- */

static enum rc take_hold(struct evidence_audit *a, uint64_t ix, const struct leaf_hold_placed *p,
			 struct err *e)
{
	struct audit_hold h = {
	    .ix = ix,
	    .scope = arena_str(&a->arena, p->scope),
	    .subject = arena_str(&a->arena, p->subject),
	};

	return h.scope.p && h.subject.p && vec_push(&a->holds, h) == RC_OK ? RC_OK : no_memory(e);
}

static enum rc take_waiver(struct evidence_audit *a, uint64_t ix,
			   const struct leaf_waiver_proposed *p, struct err *e)
{
	struct audit_waiver w = {
	    .ix = ix,
	    .task = p->task,
	    .tool = arena_str(&a->arena, p->tool),
	    .not_after = p->not_after,
	    .by = arena_str(&a->arena, p->by),
	};

	return w.tool.p && w.by.p && copy_list(a, &p->targets, &w.targets) &&
		       copy_list(a, &p->kinds, &w.kinds) && vec_push(&a->waivers, w) == RC_OK
		   ? RC_OK
		   : no_memory(e);
}

static enum rc take_grant(struct evidence_audit *a, uint64_t ix, const struct leaf *l,
			  struct err *e)
{
	struct audit_waiver *w = find_waiver(a, l->waiver_granted.waiver);

	if (!w || l->waiver_granted.by.n == 0 || str_eq(l->waiver_granted.by, w->by)) {
		return fault(a, ix, e, "a waiver that no second person granted");
	}
	w->is_granted = true;
	return RC_OK;
}

/* ---- calls ---- */

/* (1) */
static bool is_evidence_for(struct evidence_audit *a, struct str id, uint64_t incident,
			    struct str kind, struct str target, uint64_t max_age_ms, uint64_t t)
{
	const struct audit_item *item;
	uint64_t ix;

	if (!id_parse(id, 'e', &ix)) {
		return false;
	}
	item = find_item(a, ix);
	return item && item->counts && item->incident == incident && str_eq(item->kind, kind) &&
	       str_list_has(&item->targets, target) &&
	       (max_age_ms == 0 || t <= item->t || t - item->t <= max_age_ms);
}

static bool has_kind(struct evidence_audit *a, const struct leaf *l, uint64_t incident,
		     struct str kind)
{
	const struct leaf_call_decided *c = &l->call_decided;

	for (size_t t = 0; t < c->targets.n; t++) {
		bool found = false;

		for (size_t i = 0; i < c->preserved.n && !found; i++) {
			found = is_evidence_for(a, c->preserved.p[i], incident, kind,
						c->targets.p[t], c->max_age_ms, l->t);
		}
		if (!found) {
			return false;
		}
	}
	return c->targets.n > 0;
}

/* (2) */
static bool is_waived(struct evidence_audit *a, const struct leaf *l, struct str kind)
{
	const struct leaf_call_decided *c = &l->call_decided;
	const struct audit_waiver *w = find_waiver(a, c->waiver);

	return w && w->is_granted && !w->is_used && w->task == c->task &&
	       str_eq(w->tool, c->tool) && l->t <= w->not_after &&
	       str_list_within(&c->targets, &w->targets) && str_list_has(&w->kinds, kind);
}

static enum rc take_call(struct evidence_audit *a, uint64_t ix, const struct leaf *l, struct err *e)
{
	const struct leaf_call_decided *c = &l->call_decided;
	const struct audit_task *task = find_task(a, c->task);
	struct audit_waiver *w = find_waiver(a, c->waiver);
	size_t n_missing = 0;
	size_t n_waived = 0;

	if (!str_eq(c->verdict, STR("allow")) || !str_eq(c->purpose, STR("agent")) ||
	    str_eq(c->effect, STR("read"))) {
		return RC_OK;
	}
	a->counts.altering++;
	a->counts.required += c->requires.n > 0;
	for (size_t i = 0; i < c->requires.n; i++) {
		if (task && has_kind(a, l, task->incident, c->requires.p[i])) {
			continue;
		}
		n_missing++;
		if (is_waived(a, l, c->requires.p[i])) {
			n_waived++;
			continue;
		}
		TRY(fault(a, ix, e, "c%llu (" STR_FMT ") ran without evidence of kind " STR_FMT,
			  (unsigned long long)ix, STR_ARG(c->tool), STR_ARG(c->requires.p[i])));
	}
	if (w) {
		w->is_used = true;
	}
	a->counts.preserved += c->requires.n > 0 && n_missing == 0;
	a->counts.waived += n_missing > 0 && n_waived == n_missing;
	return RC_OK;
}

enum rc evidence_audit_take(struct evidence_audit *a, uint64_t ix, const struct leaf *l,
			    struct err *e)
{
	const struct audit_task task = {.ix = ix, .incident = l->task_opened.incident};
	struct audit_hold *h;

	switch ((int)l->kind) {
	case LEAF_TASK_OPENED:
		return vec_push(&a->tasks, task) == RC_OK ? RC_OK : no_memory(e);
	case LEAF_EVIDENCE_CAPTURED:
		return take_item(a, ix, l, e);
	case LEAF_EVIDENCE_CUSTODY:
		return take_custody(a, ix, l, e);
	case LEAF_EVIDENCE_PROPOSED:
		return take_proposed(a, ix, l, e);
	case LEAF_EVIDENCE_KEEP:
		return take_keep(a, ix, l, e);
	case LEAF_EVIDENCE_DESTROYED:
		return take_destroyed(a, ix, l, e);
	case LEAF_EVIDENCE_KEY_GONE:
		return take_key_gone(a, ix, l, e);
	case LEAF_HOLD_PLACED:
		return take_hold(a, ix, &l->hold_placed, e);
	case LEAF_HOLD_RELEASED:
		h = find_hold(a, l->hold_released.hold);
		if (h) {
			h->is_released = true;
		}
		return RC_OK;
	case LEAF_WAIVER_PROPOSED:
		return take_waiver(a, ix, &l->waiver_proposed, e);
	case LEAF_WAIVER_GRANTED:
		return take_grant(a, ix, l, e);
	case LEAF_CALL_DECIDED:
		return take_call(a, ix, l, e);
	default:
		return RC_OK;
	}
}
