/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_inventory.c - the health of assets, where it is not what the inventory's files say.
 *
 * States: (as in the file) -up, down-> observed -file-> (as in the file)
 */
#include "base/limits.h"
#include "core/state_impl.h"

/* The first place whose target is not before this one. */
static size_t place_of(const struct state *s, struct str target)
{
	size_t from = 0;
	size_t to = s->health.n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (str_cmp(s->health.p[middle].target, target) < 0) {
			from = middle + 1;
		} else {
			to = middle;
		}
	}
	return from;
}

static bool is_at(const struct state *s, size_t at, struct str target)
{
	return at < s->health.n && str_eq(s->health.p[at].target, target);
}

static bool is_word(struct str word)
{
	return str_eq(word, STR("up")) || str_eq(word, STR("down")) || str_eq(word, STR("file"));
}

enum rc state_reserve_inventory_changed(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_inventory_changed *c = &l->inventory_changed;
	bool is_known = is_at(s, place_of(s, c->target), c->target);

	if (!is_word(c->health) || c->target.n == 0) {
		FAIL(e, RC_BROKEN, "an asset's health is up, down or file, not '" STR_FMT "'",
		     STR_ARG(c->health));
	}
	if (is_known || str_eq(c->health, STR("file"))) {
		return RC_OK;
	}
	if (s->health.n >= LIMIT_ASSETS) {
		FAIL(e, RC_LIMIT, "the health of more than %d assets was set", LIMIT_ASSETS);
	}
	if (vec_reserve(&s->health, 1) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for an asset's health");
	}
	return state_copy_string(c->target, &s->pending.name, e);
}

static void forget(struct state *s, size_t at)
{
	state_free_string(s->health.p[at].target);
	s->health.n--;
	for (size_t i = at; i < s->health.n; i++) {
		s->health.p[i] = s->health.p[i + 1];
	}
}

void state_apply_inventory_changed(struct state *s, const struct leaf *l)
{
	const struct leaf_inventory_changed *c = &l->inventory_changed;
	size_t at = place_of(s, c->target);

	if (str_eq(c->health, STR("file"))) {
		if (is_at(s, at, c->target)) {
			forget(s, at);
		}
		return;
	}
	if (!is_at(s, at, c->target)) {
		MUST(s->health.n < s->health.cap);
		for (size_t i = s->health.n; i > at; i--) {
			s->health.p[i] = s->health.p[i - 1];
		}
		s->health.n++;
		s->health.p[at].target = s->pending.name;
		s->pending.name = STR_NULL;
	}
	s->health.p[at].is_up = str_eq(c->health, STR("up"));
}

bool state_asset_is_up(const struct state *s, const struct asset *a)
{
	size_t at = place_of(s, a->target);

	return is_at(s, at, a->target) ? s->health.p[at].is_up : !a->is_down;
}

size_t state_group_up(const struct state *s, const struct asset_group *g)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n_members; i++) {
		n += state_asset_is_up(s, g->members[i]);
	}
	return n;
}

struct str state_next_health(const struct state *s, size_t i, bool *ret_is_up)
{
	if (i >= s->health.n) {
		return STR_NULL;
	}
	*ret_is_up = s->health.p[i].is_up;
	return s->health.p[i].target;
}
