/* SPDX-License-Identifier: Apache-2.0 */
/* governor/taints.c - marks of words: the keyed half of core/taint.h. */
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "governor/gov.h"

/* The key is the log's own, so that marks of earlier lives are still known. */
static enum rc mark(struct governor *g, const struct taint_words *words, struct marks *ret,
		    struct err *e)
{
	uint64_t *m = arena_alloc_n(&g->round, words->n + 1, sizeof(*m));

	if (!m) {
		FAIL(e, RC_NOMEM, "no memory for marks");
	}
	for (size_t i = 0; i < words->n; i++) {
		uint8_t tag[32];

		TRY(vault_tag(g->vault, STR("remit___taint"), words->p[i], tag, e));
		memcpy(&m[i], tag, sizeof(m[i]));
	}
	*ret = (struct marks){.p = m, .n = marks_sort(m, words->n), .is_over = words->is_over};
	return RC_OK;
}

enum rc taints_of_call(struct governor *g, struct call_request *q, struct err *e)
{
	struct taint_words words;

	TRY(taint_words_of_call(g->state, g->bundle, q->task, q->tool, q->args, &g->round, &words,
				e));
	return mark(g, &words, &q->marks, e);
}

enum rc taints_of_result(struct governor *g, struct str result, struct str *ret, bool *ret_over,
			 struct err *e)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct taint_words words;
	const struct json *value;
	struct marks m;

	*ret = STR_NULL;
	*ret_over = true; /* what cannot be read taints everything */
	if (json_parse(&g->round, result, &limits, &value, NULL) != RC_OK) {
		return RC_OK;
	}
	TRY(taint_words(value, LIMIT_MARKS_PER_RESULT, &g->round, &words, e));
	TRY(mark(g, &words, &m, e));
	*ret = marks_print(&g->round, &m);
	*ret_over = m.is_over;
	if (!ret->p) {
		FAIL(e, RC_NOMEM, "no memory for marks");
	}
	return RC_OK;
}
