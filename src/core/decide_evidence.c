/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_evidence.c - legal holds, and evidence before remediation.
 *
 * Holds:  (1) what alters a target under a legal hold is denied, whatever evidence there is.
 *         (2) a call whose tool requires evidence passes only with items that cover every kind and
 *             every target, with a waiver, or because Remit itself will preserve what is missing
 *             before anything else happens (needs_evidence); then it is decided again.
 */
#include "base/limits.h"
#include "core/decide_impl.h"
#include "core/evidence.h"

static bool is_altering(const struct decision *d)
{
	return d->effect != EFFECT_READ && !d->tool->does_not_alter;
}

/* Is every missing kind one that the tool's own list of reads gives? */
static bool can_preserve(const struct deciding *c, const struct str_list *missing)
{
	for (size_t i = 0; i < missing->n; i++) {
		bool is_given = false;

		for (size_t k = 0; k < c->d.tool->n_preserve && !is_given; k++) {
			const struct tool *t =
			    bundle_tool_of(c->b, c->d.tool->upstream, c->d.tool->preserve[k].tool);

			is_given = t && str_eq(t->captures.kind, missing->p[i]);
		}
		if (!is_given) {
			return false;
		}
	}
	return true;
}

static enum rc deny_missing(struct deciding *c, struct err *e)
{
	AUTO_BUF text = BUF_INIT(1024);
	enum rc rc = buf_add(&text, STR("not preserved:"));

	/* The first few say enough; what does not fit is not said. */
	for (size_t i = 0; rc == RC_OK && i < c->d.missing.n; i++) {
		rc = buf_addf(&text, " " STR_FMT, STR_ARG(c->d.missing.p[i]));
	}
	for (size_t i = 0; rc == RC_OK && i < c->d.targets.n; i++) {
		rc = buf_addf(&text, "%s" STR_FMT, i ? ", " : " of ", STR_ARG(c->d.targets.p[i]));
	}
	return decision_deny(&c->d, REASON_EVIDENCE_REQUIRED, c->arena, e, STR_FMT,
			     STR_ARG(buf_view(&text)));
}

enum rc check_evidence(struct deciding *c, struct err *e)
{
	const struct tool *t = c->d.tool;
	struct evidence_found found;
	const struct hold *h;

	if (!is_altering(&c->d)) {
		return RC_OK;
	}
	h = hold_on_targets(c->s, c->incident->ix, &c->d.targets); /* (1) */
	if (h) {
		return deciding_deny(c, REASON_LEGAL_HOLD, e, "under legal hold", h->name);
	}
	if (t->requires.n == 0) {
		return RC_OK;
	}
	c->d.requires = t->requires;
	TRY(evidence_look(c->s, c->incident->ix, &t->requires, &c->d.targets,
			  t->requires_max_age_ms, c->r->now_unix_ms, c->arena, &found, e));
	c->d.preserved = found.preserved;
	c->d.missing = found.missing;
	if (found.missing.n == 0) {
		return RC_OK;
	}
	c->d.waiver = evidence_waiver(c->s, c->task->ix, t->public_name, &c->d.targets,
				      &found.missing, c->r->now_unix_ms);
	if (c->d.waiver) {
		return RC_OK;
	}
	if (can_preserve(c, &found.missing) && !c->r->is_preserved) { /* (2) */
		c->d.needs_evidence = true;
		return RC_OK;
	}
	return deny_missing(c, e);
}
