/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_freeze.c - does the calendar forbid this call now?
 *
 * Holds:  (1) a freeze beats approvals and pre-approvals; only the gate that it names itself lets a
 *             call pass, and then a person answers for this very call.
 *         (2) rollbacks, captures and verifications are Remit's own and are not frozen.
 */
#include "core/decide_impl.h"

bool freeze_is_on(const struct freeze *f, uint64_t unix_ms)
{
	return unix_ms >= f->from_unix_ms && (!f->to_unix_ms || unix_ms < f->to_unix_ms) &&
	       (!f->n_windows || week_windows_have(f->windows, f->n_windows, unix_ms));
}

static bool is_any_or_has(const struct str_list *l, struct str s)
{
	return l->n == 0 || str_list_has(l, s);
}

static bool concerns(const struct freeze *f, const struct deciding *c)
{
	const struct tool *t = c->d.tool;

	return f->effects[c->d.effect] &&
	       is_any_or_has(&f->environments, c->incident->environment) &&
	       is_any_or_has(&f->services, c->incident->service) &&
	       (is_any_or_has(&f->tools, t->public_name) ||
		str_list_has(&f->tools, t->upstream->name));
}

enum rc check_freeze(struct deciding *c, struct err *e)
{
	for (size_t i = 0; i < c->b->n_freezes; i++) {
		const struct freeze *f = &c->b->freezes[i];

		if (!freeze_is_on(f, c->r->now_unix_ms) || !concerns(f, c)) {
			continue;
		}
		if (f->gate.n == 0) {
			return decision_deny(&c->d, REASON_FREEZE_ACTIVE, c->arena, e,
					     "freeze '" STR_FMT "'%s" STR_FMT, STR_ARG(f->name),
					     f->reason.n ? ": " : "", STR_ARG(f->reason));
		}
		c->is_frozen = true;
		TRY(deciding_add_gate(c, f->gate, e));
	}
	return RC_OK;
}
