/* SPDX-License-Identifier: Apache-2.0 */
/* governor/prune_read.c - where a published log begins, by its own word.
 *
 * Trust:  the file is anybody's who can write there: it could hide leaves. The leaf it names is
 *         proven by the checkpoint.
 */
#include "governor/prune.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/file.h"
#include "core/leaf.h"

enum { PATH_BYTES = 4096 + 16 };

enum rc prune_hint(const char *dir, struct pruned *ret, struct err *e)
{
	AUTO_BUF text = BUF_INIT(PRUNED_TEXT_BYTES);
	char path[PATH_BYTES];
	enum rc rc;

	*ret = (struct pruned){0};
	if ((size_t)snprintf(path, sizeof(path), "%s/pruned", dir) >= sizeof(path)) {
		FAIL(e, RC_LIMIT, "path is too long: '%s'", dir);
	}
	rc = file_read(path, &text, e);
	if (rc == RC_ABSENT) {
		return RC_OK;
	}
	TRY(rc);
	return pruned_parse(buf_view(&text), ret, e);
}

static enum rc prove(struct tlog_dir *d, const struct tlog_checkpoint *c, uint64_t ix,
		     struct str bytes, struct err *e)
{
	AUTO_TLOG_HASHER h = tlog_hasher_new();
	struct tlog_nodes nodes = tlog_dir_nodes(d);
	struct tlog_proof proof;
	struct tlog_hash hash;

	if (!h) {
		FAIL(e, RC_NOMEM, "no memory to check what was pruned");
	}
	hash = tlog_leaf_hash(h, bytes);
	TRY(tlog_prove_inclusion(h, &nodes, ix, c->size, &proof, e));
	if (!tlog_inclusion_holds(h, &proof, ix, c->size, &hash, &c->root)) {
		FAIL(e, RC_BROKEN,
		     "leaf %" PRIu64
		     ", by which leaves are said to be pruned, is not proven by the checkpoint",
		     ix);
	}
	return RC_OK;
}

enum rc prune_read(const char *dir, struct tlog_dir *d, const struct tlog_checkpoint *c,
		   struct pruned *ret, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(16 * LIMIT_LEAF_BYTES);
	AUTO_BUF bytes = BUF_INIT(LIMIT_LEAF_BYTES);
	struct pruned said;
	struct leaf leaf;

	*ret = (struct pruned){0};
	TRY(prune_hint(dir, &said, e));
	if (!said.first) {
		return RC_OK;
	}
	if (said.leaf >= c->size) {
		FAIL(e, RC_AGAIN,
		     "the file 'pruned' names leaf %" PRIu64
		     ", which is not under the checkpoint of %" PRIu64 " leaves",
		     said.leaf, c->size);
	}
	TRY(tlog_dir_read_leaf(d, said.leaf, &bytes, e));
	TRY(prove(d, c, said.leaf, buf_view(&bytes), e));
	TRY(leaf_decode(&arena, buf_view(&bytes), &leaf, e));
	TRY(pruned_check(&said, &leaf, e));
	*ret = said;
	return RC_OK;
}
