/* SPDX-License-Identifier: Apache-2.0 */
/* core/known.c - names of the deployment, and what stands for all others.
 *
 * Trust:  names are an agent's.
 * Holds:  (1) every text that comes out is the deployment's, a canonical target, or a constant
 * here.
 */
#include "core/known.h"

#include "base/limits.h"
#include "core/list.h"
#include "core/target.h"

enum { MAX_TOOLS = 128, MAX_DATA = 64 }; /* as in leaf.def */

struct knowing {
	const struct bundle *b;
	const struct playbook *playbook; /* NULL: not known */
	struct arena *arena;
	bool is_all;
};

struct str known_tool(const struct bundle *b, struct str public_name)
{
	const struct tool *t = bundle_tool(b, public_name);

	return t ? t->public_name : KNOWN_NOT;
}

struct str known_trace_id(struct str traceparent)
{
	struct str ret = str_slice(traceparent, 3, 35);
	bool is_zero = true;

	/* 00-<trace id>-<parent id>-<flags>; whoever parsed it is another process. */
	if (traceparent.n != 55 || !str_has_prefix(traceparent, STR("00-")) ||
	    traceparent.p[35] != '-') {
		return STR("");
	}
	for (size_t i = 0; i < ret.n; i++) {
		bool is_digit = ret.p[i] >= '0' && ret.p[i] <= '9';

		if (!is_digit && !(ret.p[i] >= 'a' && ret.p[i] <= 'f')) {
			return STR("");
		}
		is_zero = is_zero && ret.p[i] == '0';
	}
	return is_zero ? STR("") : ret;
}

/* One word of a list, (1). */
typedef struct str word_fn(struct knowing *k, struct str word);

static struct str tool_word(struct knowing *k, struct str word)
{
	return known_tool(k->b, word);
}

static struct str data_word(struct knowing *k, struct str word)
{
	return k->playbook && str_list_has(&k->playbook->data, word) ? word : KNOWN_NOT;
}

static struct str target_word(struct knowing *k, struct str word)
{
	struct str target;

	enum reason reason = target_parse(word, k->arena, &target);

	if (reason == REASON_NONE) {
		return target;
	}
	return reason == REASON_SELECTOR_EMPTY_OR_WILDCARD ? STR("host:*") : KNOWN_NOT;
}

static enum rc replace(struct knowing *k, const struct str_list *words, size_t max, word_fn *fn,
		       struct str_list *ret, struct err *e)
{
	size_t n = words->n < max ? words->n : max;
	struct str *items = arena_alloc_n(k->arena, n, sizeof(*items));

	if (!items) {
		FAIL(e, RC_NOMEM, "no memory for an intent's words");
	}
	k->is_all &= n == words->n;
	for (size_t i = 0; i < n; i++) {
		items[i] = fn(k, words->p[i]);
		k->is_all &= str_eq(items[i], words->p[i]);
	}
	*ret = (struct str_list){.p = items, .n = n};
	return RC_OK;
}

enum rc known_intent(const struct bundle *b, const struct intent_request *q, struct arena *arena,
		     struct intent_request *ret, bool *ret_is_all, struct err *e)
{
	struct knowing k = {
	    .b = b, .playbook = bundle_playbook(b, q->playbook), .arena = arena, .is_all = true};
	struct intent_request out = *q;

	out.goal = STR_NULL;
	if (!k.playbook) {
		out.playbook = KNOWN_NOT;
		k.is_all = false;
	}
	if (q->goal_class.n > 0 &&
	    !(k.playbook && str_list_has(&k.playbook->goals, q->goal_class))) {
		out.goal_class = KNOWN_NOT;
		k.is_all = false;
	}
	TRY(replace(&k, &q->tools, MAX_TOOLS, tool_word, &out.tools, e));
	TRY(replace(&k, &q->targets, LIMIT_TARGETS, target_word, &out.targets, e));
	TRY(replace(&k, &q->data, MAX_DATA, data_word, &out.data, e));
	*ret = out;
	*ret_is_all = k.is_all;
	return RC_OK;
}
