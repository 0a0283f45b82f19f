/* SPDX-License-Identifier: Apache-2.0 */
/* core/evidence.c - rules over what is preserved.
 *
 * Holds: (1) an item counts for a target only if the item says so, in this incident, while it is
 *            kept; one of another incident, damaged or destroyed counts for nothing.
 *        (2) a legal hold is looked for where it might be, never assumed away.
 */
#include "core/evidence.h"

enum { ITEMS_MAX = 256 }; /* that one call may cite */

struct str evidence_state_name(enum evidence_state s)
{
	switch (s) {
	case EVIDENCE_KEPT:
		return STR("kept");
	case EVIDENCE_DAMAGED:
		return STR("damaged");
	case EVIDENCE_DESTROYED:
		return STR("destroyed");
	case EVIDENCE_KEY_GONE:
		return STR("key_gone");
	case EVIDENCE_REMOVED:
		break;
	}
	return STR("removed");
}

struct str hold_scope_name(enum hold_scope s)
{
	switch (s) {
	case HOLD_EVIDENCE:
		return STR("evidence");
	case HOLD_INCIDENT:
		return STR("incident");
	case HOLD_TARGET:
		return STR("target");
	case HOLD_NONE:
		break;
	}
	return STR("");
}

/* ---- legal holds ---- */

static bool is_id(struct str text, char letter, uint64_t ix)
{
	char id[24];

	return str_eq(text, id_text(letter, ix, id));
}

bool hold_covers(const struct hold *h, const struct evidence *ev)
{
	switch (h->scope) {
	case HOLD_EVIDENCE:
		return is_id(h->subject, 'e', ev->ix);
	case HOLD_INCIDENT:
		return is_id(h->subject, 'i', ev->incident);
	case HOLD_TARGET:
		return str_list_has(&ev->targets, h->subject);
	case HOLD_NONE:
		break;
	}
	return true;
}

const struct hold *hold_on_evidence(const struct state *s, const struct evidence *ev)
{
	const struct hold *h = state_next_hold(s, 0);

	while (h && !hold_covers(h, ev)) {
		h = state_next_hold(s, h->ix + 1);
	}
	return h;
}

const struct hold *hold_on_targets(const struct state *s, uint64_t incident,
				   const struct str_list *targets)
{
	for (const struct hold *h = state_next_hold(s, 0); h; h = state_next_hold(s, h->ix + 1)) {
		if ((h->scope == HOLD_INCIDENT && is_id(h->subject, 'i', incident)) ||
		    (h->scope == HOLD_TARGET && str_list_has(targets, h->subject))) {
			return h;
		}
	}
	return NULL;
}

/* ---- evidence before remediation ---- */

struct looking {
	const struct str_list *kinds;
	const struct str_list *targets;
	bool *is_covered; /* kinds.n rows of targets.n */
	struct str *preserved;
	size_t n_preserved;
	struct arena *arena;
};

static bool is_fresh(const struct evidence *ev, uint64_t max_age_ms, uint64_t now_unix_ms)
{
	return max_age_ms == 0 || now_unix_ms <= ev->captured_unix_ms ||
	       now_unix_ms - ev->captured_unix_ms <= max_age_ms;
}

/* Does the item cover a target that none before it did? */
static bool covers_more(struct looking *l, size_t kind, const struct evidence *ev)
{
	bool *row = l->is_covered + kind * l->targets->n;
	bool more = false;

	for (size_t i = 0; i < l->targets->n; i++) {
		if (!row[i] && str_list_has(&ev->targets, l->targets->p[i])) {
			row[i] = true;
			more = true;
		}
	}
	return more;
}

static enum rc look_at(struct looking *l, const struct evidence *ev, struct err *e)
{
	char id[24];
	struct str copy;

	for (size_t k = 0; k < l->kinds->n; k++) {
		if (!str_eq(l->kinds->p[k], ev->kind) || l->n_preserved == ITEMS_MAX ||
		    !covers_more(l, k, ev)) {
			continue;
		}
		copy = arena_str(l->arena, id_text('e', ev->ix, id));
		if (!copy.p) {
			FAIL(e, RC_NOMEM, "no memory for evidence");
		}
		l->preserved[l->n_preserved++] = copy;
	}
	return RC_OK;
}

/* Beyond ITEMS_MAX items the rest counts as missing: a call that needs more acts on too much. */
enum rc evidence_look(const struct state *s, uint64_t incident, const struct str_list *kinds,
		      const struct str_list *targets, uint64_t max_age_ms, uint64_t now_unix_ms,
		      struct arena *arena, struct evidence_found *ret, struct err *e)
{
	struct looking l = {.kinds = kinds, .targets = targets, .arena = arena};
	struct str *missing = arena_alloc_n(arena, kinds->n + 1, sizeof(*missing));
	const struct evidence *ev;
	size_t n_missing = 0;

	l.is_covered = arena_alloc_n(arena, kinds->n * targets->n + 1, sizeof(bool));
	l.preserved = arena_alloc_n(arena, ITEMS_MAX, sizeof(*l.preserved));
	if (!missing || !l.is_covered || !l.preserved) {
		FAIL(e, RC_NOMEM, "no memory for evidence");
	}
	for (size_t i = 0; (ev = state_evidence_of(s, incident, i)); i++) {
		/* (1) */
		if (ev->state == EVIDENCE_KEPT && is_fresh(ev, max_age_ms, now_unix_ms)) {
			TRY(look_at(&l, ev, e));
		}
	}
	for (size_t k = 0; k < kinds->n; k++) {
		bool is_missing = targets->n == 0;

		for (size_t i = 0; i < targets->n; i++) {
			is_missing |= !l.is_covered[k * targets->n + i];
		}
		if (is_missing) {
			missing[n_missing++] = kinds->p[k];
		}
	}
	*ret = (struct evidence_found){
	    .missing = {missing, n_missing},
	    .preserved = {l.preserved, l.n_preserved},
	};
	return RC_OK;
}

uint64_t evidence_waiver(const struct state *s, uint64_t task, struct str tool,
			 const struct str_list *targets, const struct str_list *missing,
			 uint64_t now_unix_ms)
{
	for (const struct waiver *w = state_next_waiver(s, 0); w;
	     w = state_next_waiver(s, w->ix + 1)) {
		if (w->state == WAIVER_GRANTED && w->task == task && str_eq(w->tool, tool) &&
		    now_unix_ms <= w->not_after_unix_ms && str_list_within(targets, &w->targets) &&
		    str_list_within(missing, &w->kinds)) {
			return w->ix;
		}
	}
	return 0;
}

/* ---- people ---- */

bool evidence_is_custodian(const struct bundle *b, const struct person *p)
{
	return b->custodians.n > 0 && str_list_has(&p->groups, b->custodians);
}

bool waiver_has_conflict(const struct bundle *b, const struct task *t, const struct person *p)
{
	const struct agent *agent = bundle_agent(b, t->agent);

	return !agent || str_eq(agent->owner, p->name) || str_eq(agent->deputy, p->name) ||
	       str_eq(t->accountable, p->name);
}

enum reason evidence_may_expire(const struct state *s, const struct evidence *ev,
				uint64_t now_unix_ms)
{
	if (hold_on_evidence(s, ev)) {
		return REASON_LEGAL_HOLD;
	}
	return now_unix_ms >= ev->keep_until_unix_ms ? REASON_NONE : REASON_RETENTION;
}

enum reason evidence_may_override(const struct state *s, const struct evidence *ev, bool destroys)
{
	if (destroys && hold_on_evidence(s, ev)) {
		return REASON_LEGAL_HOLD;
	}
	return ev->is_compliance ? REASON_RETENTION : REASON_NONE;
}
