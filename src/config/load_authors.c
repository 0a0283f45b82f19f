/* SPDX-License-Identifier: Apache-2.0 */
/* config/load_authors.c - people.yaml, authors: who wrote which rules.
 *
 *	authors:
 *	  policies/base/access.cedar: [alice]
 *	  gates.yaml: [bob]
 *
 * A name is a file, or ends in '*' and means all files that begin so. Whoever wrote a policy that a
 * decision rests on, or a gate, answers no question about it (core/decide_vote.c).
 */
#include <cedar.h>

#include "config/load.h"

struct gathering {
	struct load *l;
	struct authored *items;
	size_t n;
	size_t max;
};

static bool names_file(struct str pattern, struct str path)
{
	return str_has_suffix(pattern, STR("*"))
		   ? str_has_prefix(path, str_slice(pattern, 0, pattern.n - 1))
		   : str_eq(pattern, path);
}

static void add(struct gathering *g, struct str rule, const struct str_list *persons)
{
	for (size_t i = 0; i < persons->n && g->n < g->max; i++) {
		g->items[g->n++] = (struct authored){.rule = rule, .person = persons->p[i]};
	}
}

static struct str name_of(const struct cedar_policy *p)
{
	struct str id = cedar_policy_annotation(p, "id");

	return id.n ? id : cedar_policy_id(p);
}

/* True when the name is that of some file. */
static bool add_rules(struct gathering *g, struct str pattern, const struct str_list *persons)
{
	const struct bundle *b = g->l->b;
	bool is_found = names_file(pattern, STR("gates.yaml"));

	for (size_t i = 0; is_found && i < b->n_gates; i++) {
		add(g, arena_strf(g->l->arena, "gate:" STR_FMT, STR_ARG(b->gates[i].name)),
		    persons);
	}
	for (size_t i = 0; b->policies && i < cedar_policies_count(b->policies); i++) {
		const struct cedar_policy *p = cedar_policies_at(b->policies, i);

		if (names_file(pattern, cedar_policy_source(p))) {
			add(g, name_of(p), persons);
			is_found = true;
		}
	}
	return is_found;
}

void load_authors(struct load *l)
{
	const struct json *map = load_map(l, l->people, "authors", OPTIONAL);
	struct gathering g = {.l = l};

	if (!map) {
		return;
	}
	l->file = STR("people.yaml");
	for (const struct json *one = map->child; one; one = one->next) {
		size_t rules =
		    l->b->n_gates + (l->b->policies ? cedar_policies_count(l->b->policies) : 0);

		g.max += rules * (one->count ? one->count : 1);
	}
	g.items = load_alloc(l, g.max, sizeof(*g.items));
	if (!g.items) {
		return;
	}
	for (const struct json *one = map->child; one; one = one->next) {
		struct str_list persons =
		    load_list(l, map, arena_cstr(l->arena, one->key), REQUIRED);

		for (const struct json *item = one->child; item; item = item->next) {
			struct str name = STR_NULL;

			if (json_str(item, &name)) {
				(void)load_check_person(l, item, name); /* it reports */
			}
		}
		if (!add_rules(&g, one->key, &persons)) {
			load_error(l, one,
				   "no policy's file, nor gates.yaml, is named '" STR_FMT "'",
				   STR_ARG(one->key));
		}
	}
	l->b->authored = g.items;
	l->b->n_authored = g.n;
}
