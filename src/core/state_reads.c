/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_reads.c - how much of which data a task, and its incident, have been given.
 *
 * Holds:  (1) an account is of an agent's read that has its outcome, and there is one per call.
 *         (2) a withheld result was not read: it counts as a result, not as objects or bytes.
 */
#include <inttypes.h>

#include "base/mem.h"
#include "core/state_impl.h"

enum { COUNTS = READ_RULES };

void state_free_reads(struct read_totals *r)
{
	state_free_strings(&r->classes);
	vec_fini(&r->totals);
}

static enum rc reserve_totals(struct owned_strings *pending, struct read_totals *r,
			      const struct str_list *classes, struct err *e)
{
	TRY(state_reserve_strings(pending, &r->classes, classes, READ_CLASSES, e));
	if (vec_reserve(&r->totals, pending->n) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for what was read");
	}
	return RC_OK;
}

/* The classes that an account adds to: its own, and those of every account. */
static struct str_list classes_of(const struct leaf_read_accounted *l, struct str room[COUNTS + 1])
{
	size_t n = 0;

	room[n++] = READ_CLASS_ANY;
	if (!l->described) {
		room[n++] = READ_CLASS_UNKNOWN;
	}
	for (size_t i = 0; l->described && i < l->counts.n && n <= COUNTS; i++) {
		room[n++] = str_slice(l->counts.p[i], 0, str_find(l->counts.p[i], '='));
	}
	return (struct str_list){.p = room, .n = n};
}

/* The lists may have moved. */
static void show(struct task_object *task, struct incident_object *incident)
{
	task->pub.read_classes = (struct str_list){task->reads.classes.p, task->reads.classes.n};
	task->pub.read_totals = task->reads.totals.p;
	if (incident) {
		incident->pub.read_classes =
		    (struct str_list){incident->reads.classes.p, incident->reads.classes.n};
		incident->pub.read_totals = incident->reads.totals.p;
	}
}

enum rc state_reserve_read_accounted(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_read_accounted *r = &l->read_accounted;
	struct str room[COUNTS + 1];
	const struct str_list classes = classes_of(r, room);
	struct incident_object *incident;
	struct task_object *task;
	struct call_object *call;
	struct object *o;
	enum rc rc;

	TRY(state_need(s, OBJECT_CALL, r->call, &o, e));
	call = (struct call_object *)o;
	if (call->pub.state != CALL_SETTLED || call->is_accounted) { /* (1) */
		FAIL(e, RC_BROKEN, "call c%" PRIu64 " has no outcome, or its account already",
		     r->call);
	}
	task = (struct task_object *)state_find(s, OBJECT_TASK, call->pub.task);
	if (!task) {
		return RC_OK;
	}
	incident = (struct incident_object *)state_find(s, OBJECT_INCIDENT, task->pub.incident);
	rc = reserve_totals(&s->pending.task_classes, &task->reads, &classes, e);
	if (rc == RC_OK && incident) {
		rc = reserve_totals(&s->pending.incident_classes, &incident->reads, &classes, e);
	}
	show(task, incident);
	return rc;
}

static struct read_total *total_of(struct read_totals *r, struct str class)
{
	for (size_t i = 0; i < r->classes.n; i++) {
		if (str_eq(r->classes.p[i], class)) {
			return &r->totals.p[i];
		}
	}
	return NULL;
}

static void add(struct read_totals *r, struct str class, uint64_t objects,
		const struct leaf_read_accounted *l)
{
	struct read_total *t = total_of(r, class);

	MUST(t != NULL);
	t->results++;
	if (!l->withheld) { /* (2) */
		t->objects += objects;
		t->bytes += l->bytes;
	}
}

static void add_all(struct read_totals *r, struct owned_strings *pending,
		    const struct leaf_read_accounted *l)
{
	struct str room[COUNTS + 1];
	const struct str_list classes = classes_of(l, room);
	uint64_t all = 0;

	for (size_t i = 0; i < pending->n; i++) {
		MUST(r->totals.n < r->totals.cap);
		r->totals.p[r->totals.n++] = (struct read_total){0};
	}
	state_take_strings(pending, &r->classes);
	for (size_t i = 1; i < classes.n; i++) {
		uint64_t objects = reads_count_of(&l->counts, classes.p[i]);

		add(r, classes.p[i], objects, l);
		all += objects;
	}
	add(r, classes.p[0], all, l);
}

void state_apply_read_accounted(struct state *s, const struct leaf *l)
{
	const struct leaf_read_accounted *r = &l->read_accounted;
	struct call_object *call = (void *)state_find(s, OBJECT_CALL, r->call);
	struct task_object *task = (void *)state_find(s, OBJECT_TASK, call->pub.task);
	struct incident_object *incident;

	call->is_accounted = true;
	if (!task) {
		return;
	}
	incident = (void *)state_find(s, OBJECT_INCIDENT, task->pub.incident);
	add_all(&task->reads, &s->pending.task_classes, r);
	if (incident) {
		add_all(&incident->reads, &s->pending.incident_classes, r);
	}
	show(task, incident);
}
