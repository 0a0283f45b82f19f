/* SPDX-License-Identifier: Apache-2.0 */
/* governor/taints.c - marks of words: the keyed half of core/taint.h. */
#include "governor/gov.h"

/* The key is the log's own, so that marks of earlier lives are still known. */
static enum rc tag(void *ctx, struct str word, uint8_t ret[32], struct err *e)
{
	const struct governor *g = ctx;

	return vault_tag(g->vault, TAINT_TAG, word, ret, e);
}

enum rc taints_of_call(struct governor *g, struct call_request *q, struct err *e)
{
	struct taint_words words;

	TRY(taint_words_of_call(g->state, g->bundle, q->task, q->tool, q->args, &g->round, &words,
				e));
	return taint_mark(&words, tag, g, &g->round, &q->marks, e);
}

enum rc taints_of_result(struct governor *g, struct str result, struct str *ret, bool *ret_over,
			 struct err *e)
{
	return taint_mark_result(result, tag, g, &g->round, ret, ret_over, e);
}
