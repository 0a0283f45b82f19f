/* SPDX-License-Identifier: Apache-2.0 */
/* drill/sim_audit.c - the log of a simulation, audited like a real one. */
#include <openssl/sha.h>

#include "audit/files.h"
#include "config/deployment.h"
#include "core/log_lint.h"
#include "drill/sim_impl.h"

/* As sim_keeper.c gives them. */
static enum rc unwrap(void *ctx, struct str name, struct str wrapped, uint8_t ret[32],
		      struct err *e)
{
	(void)ctx; /* a key follows from its name */
	if (!str_eq(name, wrapped)) {
		FAIL(e, RC_BROKEN, "a key that is not the simulator's");
	}
	SHA256((const unsigned char *)name.p, name.n, ret);
	return RC_OK;
}

struct auditing {
	struct log_lint *lint;
	uint64_t n;
};

static enum rc take_leaf(void *ctx, uint64_t ix, const struct leaf *l, struct err *e)
{
	struct auditing *a = ctx;

	return log_lint_take(a->lint, ix, l, e);
}

static enum rc take(void *ctx, const struct audit_decision *d, struct err *e)
{
	struct auditing *a = ctx;

	a->n++;
	if (d->outcome == AUDIT_EQUAL) {
		return RC_OK;
	}
	FAIL(e, RC_BROKEN, "leaf %llu (" STR_FMT "), decided again: %s: " STR_FMT,
	     (unsigned long long)d->ix, STR_ARG(leaf_kind_name(d->leaf->kind)),
	     audit_outcome_name(d->outcome), STR_ARG(d->why));
}

enum rc sim_files(struct sim *s, struct audit_files **ret, struct err *e)
{
	const struct audit_files_options o = {
	    .origin = s->o.deployment->bundle->origin,
	    .size = sim_log_size(s),
	    .segments = &s->segments_io,
	    .keys = &s->keys_io,
	    .bundles = &s->bundles_io,
	    .unwrap = unwrap,
	};

	return audit_files_new(&o, ret, e);
}

enum rc sim_audit(struct sim *s, uint64_t *ret_n, struct err *e)
{
	AUTO_AUDIT_FILES files = NULL;
	struct auditing a = {0};
	const struct audit_watch watch = {.ctx = &a, .leaf = take_leaf, .decision = take};
	const struct log_lint_fault *faults;
	struct audit_source source;
	uint64_t n;
	size_t n_faults;
	enum rc rc;

	*ret_n = 0;
	if (sim_log_size(s) == 0) {
		return RC_OK;
	}
	TRY(sim_files(s, &files, e));
	TRY(log_lint_new(&a.lint, e));
	source = audit_files_source(files);
	rc = audit_walk(&source, UINT64_MAX, &watch, &n, e);
	*ret_n = a.n;
	faults = log_lint_faults(a.lint, &n_faults);
	if (rc == RC_OK && n_faults > 0) {
		rc = err_set(e, RC_BROKEN, __func__, "leaf %llu: " STR_FMT,
			     (unsigned long long)faults[0].leaf, STR_ARG(faults[0].what));
	}
	log_lint_free(a.lint);
	return rc;
}
