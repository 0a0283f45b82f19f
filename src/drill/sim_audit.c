/* SPDX-License-Identifier: Apache-2.0 */
/* drill/sim_audit.c - the log of a simulation, audited like a real one. */
#include <openssl/sha.h>

#include "audit/files.h"
#include "config/deployment.h"
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

static enum rc take(void *ctx, const struct audit_decision *d, struct err *e)
{
	uint64_t *n = ctx;

	(*n)++;
	if (d->outcome == AUDIT_EQUAL) {
		return RC_OK;
	}
	FAIL(e, RC_BROKEN, "leaf %llu (" STR_FMT "), decided again: %s: " STR_FMT,
	     (unsigned long long)d->ix, STR_ARG(leaf_kind_name(d->leaf->kind)),
	     audit_outcome_name(d->outcome), STR_ARG(d->why));
}

enum rc sim_audit(struct sim *s, uint64_t *ret_n, struct err *e)
{
	AUTO_AUDIT_FILES files = NULL;
	const struct audit_watch watch = {.ctx = ret_n, .decision = take};
	const struct audit_files_options o = {
	    .origin = s->o.deployment->bundle->origin,
	    .size = sim_log_size(s),
	    .segments = &s->segments_io,
	    .keys = &s->keys_io,
	    .bundles = &s->bundles_io,
	    .unwrap = unwrap,
	};
	struct audit_source source;
	uint64_t n;

	*ret_n = 0;
	if (o.size == 0) {
		return RC_OK;
	}
	TRY(audit_files_new(&o, &files, e));
	source = audit_files_source(files);
	return audit_walk(&source, UINT64_MAX, &watch, &n, e);
}
