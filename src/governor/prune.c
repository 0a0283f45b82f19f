/* SPDX-License-Identifier: Apache-2.0 */
/* governor/prune.c - the order in which pruned leaves go.
 *
 * Holds:  (1) no leaf goes before it is durably said that it may be gone: whoever reads the
 *             directory at any moment, or after a power cut, finds all that it may ask for.
 *         (2) an error is no success: what could not be removed is still to be removed.
 */
#include "governor/prune.h"

#include <stdio.h>

#include "base/file.h"

enum { BUNDLES_A_STEP = 256, PATH_BYTES = 4096 + 16, FILE_MODE = 0644 };

static enum rc say(const struct prune *p, struct err *e)
{
	char path[PATH_BYTES];
	char text[PRUNED_TEXT_BYTES];
	size_t n = pruned_print(&p->what, text);

	if ((size_t)snprintf(path, sizeof(path), "%s/pruned", p->dir) >= sizeof(path)) {
		FAIL(e, RC_LIMIT, "path is too long: '%s'", p->dir);
	}
	return file_replace(path, str_of(text, n), FILE_MODE, e);
}

enum rc prune_step(struct prune *p, struct segment_log *l, struct err *e)
{
	if (!p->is_said) {
		TRY(say(p, e)); /* (1) */
		p->is_said = true;
	}
	if (!p->has_segments_gone) {
		TRY(segment_prune(l, p->what.first, e));
		p->has_segments_gone = true;
	}
	return tlog_prune(p->dir, p->what.first, &p->bundle, BUNDLES_A_STEP, e); /* (2) */
}
