/* SPDX-License-Identifier: Apache-2.0 */
/* reconcile/match.c - rows of a target's log against calls of ours.
 *
 * Holds:  (1) calls stand in order of their index.
 *         (2) doubt is an exception: a row that cannot be placed did not go through Remit.
 */
#include "reconcile/match.h"

#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/vec.h"

struct known_call {
	uint64_t ix;
	uint64_t from_unix_ms;
	uint64_t to_unix_ms; /* 0 = its outcome is unknown */
	uint64_t lease;
	bool is_of_upstream;
	bool was_kept_back; /* not_sent */
	bool was_seen;
};

struct match {
	struct match_options o;
	VEC(struct known_call) calls; /* (1) */
	uint64_t first_unix_ms;	      /* of rows that count */
	uint64_t last_unix_ms;
};

const char *row_verdict_text(enum row_verdict v)
{
	switch (v) {
	case ROW_IGNORED:
		return "not asked about";
	case ROW_MATCHED:
		return "went through Remit";
	case ROW_NO_CALL:
		return "carries no call's id";
	case ROW_UNKNOWN_CALL:
		return "no such call was allowed";
	case ROW_OUT_OF_TIME:
		return "that call was not under way then";
	case ROW_OTHER_LEASE:
		return "that call had another credential";
	}
	return "";
}

enum rc match_new(const struct match_options *options, struct match **ret, struct err *e)
{
	struct match *m = mem_calloc(1, sizeof(*m));

	if (!m) {
		FAIL(e, RC_NOMEM, "no memory to match calls");
	}
	m->o = *options;
	*ret = m;
	return RC_OK;
}

void match_free(struct match *m)
{
	if (m) {
		vec_fini(&m->calls);
		mem_free(m);
	}
}

static struct known_call *find_call(struct match *m, uint64_t ix)
{
	size_t from = 0;
	size_t to = m->calls.n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (m->calls.p[middle].ix < ix) {
			from = middle + 1;
		} else {
			to = middle;
		}
	}
	return from < m->calls.n && m->calls.p[from].ix == ix ? &m->calls.p[from] : NULL;
}

enum rc match_add_leaf(struct match *m, uint64_t ix, const struct leaf *l, struct err *e)
{
	struct known_call *c;

	if (l->kind == LEAF_CALL_DECIDED && str_eq(l->call_decided.verdict, STR("allow"))) {
		struct str upstream = m->o.upstream;
		struct str tool = l->call_decided.tool;
		struct known_call new = {
		    .ix = ix,
		    .from_unix_ms = l->t,
		    .lease = l->call_decided.lease,
		    .is_of_upstream =
			upstream.n && str_has_prefix(tool, upstream) &&
			str_has_prefix(str_slice(tool, upstream.n, tool.n), STR("___")),
		};

		if (vec_push(&m->calls, new) != RC_OK) {
			FAIL(e, RC_NOMEM, "no memory to match calls");
		}
	} else if (l->kind == LEAF_CALL_COMPLETED) {
		c = find_call(m, l->call_completed.call);
		if (c && str_eq(l->call_completed.kind, STR("not_sent"))) {
			c->was_kept_back = true;
		} else if (c && !str_eq(l->call_completed.kind, STR("unknown"))) {
			c->to_unix_ms = l->t;
		}
	}
	return RC_OK;
}

/* The lease that "remit_0a1b2c3d_l17" is; 0 when it is none of ours. */
static uint64_t lease_of(struct str principal)
{
	struct str rest = principal;
	uint64_t ix;

	if (!str_eq(str_cut(&rest, '_'), STR("remit")) || str_cut(&rest, '_').n != 8 ||
	    !str_has_prefix(rest, STR("l")) ||
	    !num_u64(str_slice(rest, 1, rest.n), UINT64_MAX >> 1, &ix)) {
		return 0;
	}
	return ix;
}

static bool is_asked_about(const struct match *m, struct str principal)
{
	for (size_t i = 0; i < m->o.n_principals; i++) {
		struct str pattern = str_from(m->o.principals[i]);

		if (str_has_suffix(pattern, STR("*"))
			? str_has_prefix(principal, str_slice(pattern, 0, pattern.n - 1))
			: str_eq(principal, pattern)) {
			return true;
		}
	}
	return m->o.asks_about_all || lease_of(principal) != 0;
}

static bool is_under_way(const struct match *m, const struct known_call *c, uint64_t at)
{
	uint64_t to = c->to_unix_ms ? c->to_unix_ms : c->from_unix_ms + m->o.overrun_ms;

	return at + m->o.skew_ms >= c->from_unix_ms && at <= to + m->o.skew_ms;
}

enum row_verdict match_row(struct match *m, const struct row *row)
{
	struct known_call *c;
	uint64_t lease = lease_of(row->principal);

	if (!row->counts || !is_asked_about(m, row->principal)) {
		return ROW_IGNORED;
	}
	if (m->first_unix_ms == 0 || row->at_unix_ms < m->first_unix_ms) {
		m->first_unix_ms = row->at_unix_ms;
	}
	if (row->at_unix_ms > m->last_unix_ms) {
		m->last_unix_ms = row->at_unix_ms;
	}
	if (row->call == 0) {
		return ROW_NO_CALL;
	}
	c = find_call(m, row->call);
	if (!c || c->was_kept_back) {
		return ROW_UNKNOWN_CALL;
	}
	if (!is_under_way(m, c, row->at_unix_ms)) {
		return ROW_OUT_OF_TIME;
	}
	if (lease && lease != c->lease) {
		return ROW_OTHER_LEASE;
	}
	c->was_seen = true;
	return ROW_MATCHED;
}

bool match_next_missed(struct match *m, size_t *at, uint64_t *ret_call, uint64_t *ret_unix_ms)
{
	for (; *at < m->calls.n; ++*at) {
		const struct known_call *c = &m->calls.p[*at];

		if (c->is_of_upstream && !c->was_seen && !c->was_kept_back && c->to_unix_ms &&
		    c->from_unix_ms >= m->first_unix_ms && c->to_unix_ms <= m->last_unix_ms) {
			*ret_call = c->ix;
			*ret_unix_ms = c->from_unix_ms;
			++*at;
			return true;
		}
	}
	return false;
}
