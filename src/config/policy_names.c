/* SPDX-License-Identifier: Apache-2.0 */
/* config/policy_names.c - collects the names that policies may compare with. */
#include "config/policy_names.h"

#include <string.h>

#include "base/vec.h"

struct names {
	VEC(struct str) list;
	enum rc rc;
};

static void names_cleanup(struct names *n)
{
	vec_fini(&n->list);
}
#define AUTO_NAMES CLEANUP(names_cleanup) struct names

static void add(struct names *n, struct str name)
{
	for (size_t i = 0; i < n->list.n; i++) {
		if (str_eq(n->list.p[i], name)) {
			return;
		}
	}
	if (name.n > 0 && n->rc == RC_OK) {
		n->rc = vec_push(&n->list, name);
	}
}

static void add_list(struct names *n, const struct str_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		add(n, list->p[i]);
	}
}

/* The list, which is empty again. */
static enum rc take(struct names *n, struct arena *arena, struct str_list *ret, struct err *e)
{
	struct str *p = arena_alloc_n(arena, n->list.n, sizeof(*p));

	if (!p || n->rc != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for the names of a deployment");
	}
	if (n->list.n > 0) {
		memcpy(p, n->list.p, n->list.n * sizeof(*p));
	}
	*ret = (struct str_list){.p = p, .n = n->list.n};
	n->list.n = 0;
	return RC_OK;
}

static enum rc of_tools(const struct bundle *b, struct names *n, struct arena *arena,
			struct policy_names *ret, struct err *e)
{
	for (size_t i = 0; i < b->n_tools; i++) {
		add(n, b->tools[i].public_name);
	}
	TRY(take(n, arena, &ret->tools, e));
	for (size_t i = 0; i < b->n_tools; i++) {
		add_list(n, &b->tools[i].data);
	}
	TRY(take(n, arena, &ret->data, e));
	add_list(n, &ret->data);
	add(n, STR("untrusted"));
	return take(n, arena, &ret->labels, e);
}

static enum rc of_signals(const struct bundle *b, const struct source *sources, size_t n_sources,
			  struct names *n, struct arena *arena, struct str_list *ret, struct err *e)
{
	for (size_t i = 0; i < n_sources; i++) {
		for (size_t k = 0; k < sources[i].n_signals; k++) {
			add(n, sources[i].signals[k].name);
		}
	}
	for (size_t i = 0; i < b->n_tools; i++) {
		const struct corroboration *c = &b->tools[i].corroboration;

		add(n, b->tools[i].signal_name);
		for (size_t k = 0; k < c->n; k++) {
			add(n, c->signals[k].name);
		}
	}
	return take(n, arena, ret, e);
}

static enum rc of_incidents(const struct bundle *b, const struct source *sources, size_t n_sources,
			    struct names *n, struct arena *arena, struct str_list *ret,
			    struct err *e)
{
	for (size_t i = 0; i < b->n_playbooks; i++) {
		add_list(n, &b->playbooks[i].classes);
	}
	for (size_t i = 0; i < b->n_agents; i++) {
		add_list(n, &b->agents[i].classes);
	}
	for (size_t i = 0; i < n_sources; i++) {
		add_list(n, &sources[i].classes);
	}
	add(n, STR("agent-deviation"));
	return take(n, arena, ret, e);
}

static enum rc of_playbooks(const struct bundle *b, struct names *n, struct arena *arena,
			    struct policy_names *ret, struct err *e)
{
	for (size_t i = 0; i < b->n_playbooks; i++) {
		add(n, b->playbooks[i].name);
	}
	TRY(take(n, arena, &ret->playbooks, e));
	for (size_t i = 0; i < b->n_playbooks; i++) {
		add_list(n, &b->playbooks[i].goals);
	}
	TRY(take(n, arena, &ret->goals, e));
	for (size_t i = 0; i < b->n_playbooks; i++) {
		for (size_t k = 0; k < b->playbooks[i].n_phases; k++) {
			add(n, b->playbooks[i].phases[k].name);
		}
	}
	return take(n, arena, &ret->phases, e);
}

/* "host:db1" -> "host" */
static struct str kind_of(struct str asset)
{
	return str_slice(asset, 0, str_find(asset, ':'));
}

static enum rc of_targets(const struct bundle *b, struct names *n, struct arena *arena,
			  struct str_list *ret, struct err *e)
{
	for (size_t i = 0; i < b->n_tools; i++) {
		for (size_t k = 0; k < b->tools[i].n_targets; k++) {
			struct str kind = b->tools[i].targets[k].kind;

			add(n, kind);
			/* A host that is an address is a target of kind ip. */
			add(n, str_eq(kind, STR("host")) ? STR("ip") : kind);
		}
	}
	for (size_t i = 0; i < b->inventory.n_assets; i++) {
		add(n, kind_of(b->inventory.assets[i].target));
	}
	return take(n, arena, ret, e);
}

enum rc policy_names_of(const struct bundle *b, const struct source *sources, size_t n_sources,
			struct arena *arena, struct policy_names *ret, struct err *e)
{
	AUTO_NAMES n = {.rc = RC_OK};

	TRY(of_tools(b, &n, arena, ret, e));
	TRY(of_signals(b, sources, n_sources, &n, arena, &ret->signals, e));
	TRY(of_incidents(b, sources, n_sources, &n, arena, &ret->classes, e));
	TRY(of_playbooks(b, &n, arena, ret, e));
	return of_targets(b, &n, arena, &ret->kinds, e);
}
