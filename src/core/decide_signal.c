/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_signal.c - does what is known about the targets support this call?
 *
 * Holds:  (1) doubt never allows: it denies, or asks a person by the default gate.
 *         (2) it is lifted by an approval of this very call, which showed the signals, and by
 *             nothing given in advance; a contradiction that came after the question voids it
 *             (decide_gate.c).
 */
#include "core/decide_impl.h"
#include "core/signal.h"

enum rc check_signals(struct deciding *c, struct err *e)
{
	const struct corroboration *k = &c->d.tool->corroboration;
	struct signal_verdict v;

	if (k->n == 0 || c->d.effect == EFFECT_READ) {
		return RC_OK;
	}
	TRY(signals_judge(c->s, k, &c->d.targets, c->r->now_unix_ms, c->arena, &v, e));
	if (v.reason == REASON_NONE) {
		return RC_OK;
	}
	if (k->denies) {
		c->d.reason = v.reason;
		c->d.detail = v.detail;
		return RC_OK;
	}
	c->contrary_ix = v.newest_ix;
	deciding_hold(c, v.reason, v.detail);
	return RC_OK;
}
