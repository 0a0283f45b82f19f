/* SPDX-License-Identifier: Apache-2.0 */
/* core/argument.c - walking through arguments.
 *
 * Trust:  arguments are hostile; their depth and size are the parser's limits, and a walk looks at
 *         each value at most once per part of the pointer.
 */
#include "core/argument.h"

struct walking {
	argument_fn *visit;
	void *ctx;
	struct argument_walk found;
	bool is_over;
};

static void walk(struct walking *w, const struct json *j, struct str rest)
{
	struct str token;

	if (w->is_over || json_type(j) == JSON_NONE) {
		return;
	}
	if (rest.n == 0) {
		w->found.n++;
		w->is_over = w->visit && !w->visit(w->ctx, j);
		return;
	}
	if (rest.p[0] != '/') {
		w->found.is_confused = true;
		return;
	}
	token = str_slice(rest, 0, 1 + str_find(str_slice(rest, 1, rest.n), '/'));
	rest = str_slice(rest, token.n, rest.n);
	if (!str_eq(token, STR("/*"))) {
		if (j->type != JSON_OBJECT && j->type != JSON_ARRAY) {
			w->found.is_confused = true;
		}
		if (j->type == JSON_ARRAY && token.n > 1 &&
		    (token.p[1] < '0' || token.p[1] > '9')) {
			w->found.is_confused = true; /* a name within a list */
		}
		walk(w, json_pointer(j, token), rest); /* depth: the pointer's parts */
		return;
	}
	if (j->type != JSON_ARRAY) {
		w->found.is_confused = true;
		return;
	}
	for (const struct json *item = j->child; item && !w->is_over; item = item->next) {
		walk(w, item, rest);
	}
}

struct argument_walk argument_each(const struct json *args, struct str pointer, argument_fn *visit,
				   void *ctx)
{
	struct walking w = {.visit = visit, .ctx = ctx};

	walk(&w, args, pointer);
	return w.found;
}
