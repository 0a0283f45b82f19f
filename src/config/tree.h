/* SPDX-License-Identifier: Apache-2.0 */
/* config/tree.h - the files of a deployment directory, in memory, before anybody reads them.
 *
 * Loading works on a tree, so that it is pure and the same for a directory, a test and a fuzzer.
 */
#pragma once

#include "base/arena.h"
#include "codec/json.h"
#include "config/findings.h"

struct tree_file {
	struct str path; /* relative, '/' between parts */
	struct str bytes;
	/* The document that bytes say, with positions of its own; NULL = bytes are still to be
	 * parsed. For files that were made, not read. */
	const struct json *parsed;
};

struct tree {
	struct arena arena;
	VEC(struct tree_file) files; /* sorted by path, distinct */
};

#define TREE_INIT                                                                                  \
	{                                                                                          \
		.arena = ARENA_INIT(TREE_BYTES)                                                    \
	}
#define AUTO_TREE CLEANUP(tree_fini) struct tree

enum { TREE_BYTES = 256 << 20 };

void tree_fini(struct tree *t);
/* Reads what a deployment directory consists of; what does not belong there is a warning, a file
 * that anybody may write an error in f. RC_ABSENT when there is no such directory. */
enum rc tree_read(struct tree *t, const char *dir, struct findings *f, struct err *e);
/* Adds a file; both texts are copied. RC_INPUT when the path is there already. */
enum rc tree_add(struct tree *t, struct str path, struct str bytes, struct err *e);
/* Adds a file, or replaces it; its bytes are the document's canonical JSON. document must outlive
 * the tree. */
enum rc tree_put_document(struct tree *t, struct str path, const struct json *document,
			  struct err *e);
void tree_remove(struct tree *t, struct str path); /* fine when it is absent */
/* NULL when absent. */
const struct tree_file *tree_find(const struct tree *t, struct str path);
