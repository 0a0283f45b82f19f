/* SPDX-License-Identifier: Apache-2.0 */
/* deployment.c - files of a deployment directory, each after a line "== path": whatever they say,
 * loading ends, and fails exactly when there are errors to show. */
#include <stdlib.h>

#include "config/load.h"

#include "fuzz.h"

static enum rc add_files(struct tree *tree, struct str rest)
{
	while (rest.n > 0) {
		struct str line = str_cut(&rest, '\n');
		struct str path = str_slice(line, 3, line.n);
		struct str from = rest;
		size_t n = 0;

		if (!str_has_prefix(line, STR("== ")) || !str_is_utf8(path)) {
			return RC_INPUT;
		}
		while (rest.n > 0 && !str_has_prefix(rest, STR("== "))) {
			(void)str_cut(&rest, '\n'); /* a line of this file */
			n = rest.p ? (size_t)(rest.p - from.p) : from.n;
		}
		TRY(tree_add(tree, path, str_slice(from, 0, n), NULL));
	}
	return RC_OK;
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
	AUTO_TREE tree = TREE_INIT;
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	AUTO_BUF out = BUF_INIT(4 << 20);
	enum rc rc;

	if (add_files(&tree, str_of(bytes, n)) != RC_OK) {
		return 0;
	}
	rc = deployment_build(&tree, NULL, 1795392000000, &d, &f, NULL);
	if ((rc == RC_OK) != (d != NULL) || (rc == RC_OK && f.n_errors > 0) ||
	    (rc == RC_INPUT && f.n_errors == 0)) {
		abort();
	}
	if (findings_print(&f, &out) != RC_OK) {
		abort();
	}
	return 0;
}
