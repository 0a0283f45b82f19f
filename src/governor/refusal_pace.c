/* SPDX-License-Identifier: Apache-2.0 */
/* governor/refusal_pace.c - buckets for refusals.
 *
 * Holds: (1) of an agent, and of all addresses together, at most a burst and then a leaf every
 *            LIMIT_REFUSAL_EVERY_S is written, and a counting leaf a second; for however long.
 *        (2) memory is bounded by the registered agents and LIMIT_REFUSED_ADDRESSES.
 *        (3) every refusal is in a leaf of its own or in exactly one count.
 */
#include "governor/refusal_pace.h"

#include <string.h>

#include "base/limits.h"

static const uint64_t SECOND_NS = 1'000'000'000;

void refusal_pace_fini(struct refusal_pace *p)
{
	for (size_t i = 0; i < p->agents.n; i++) {
		mem_free(p->agents.p[i].who);
	}
	for (size_t i = 0; i < p->addresses.n; i++) {
		mem_free(p->addresses.p[i].who);
	}
	vec_fini(&p->agents);
	vec_fini(&p->addresses);
}

static bool take(struct refuser *r, uint64_t burst, uint64_t now_ns)
{
	const uint64_t each_ns = LIMIT_REFUSAL_EVERY_S * SECOND_NS;
	uint64_t more;

	if (r->filled_ns == 0) {
		r->filled_ns = now_ns ? now_ns : 1;
		r->tokens = burst;
	}
	more = now_ns > r->filled_ns ? (now_ns - r->filled_ns) / each_ns : 0;
	r->filled_ns += more * each_ns;
	r->tokens = more >= burst - r->tokens ? burst : r->tokens + more;
	if (r->tokens == 0) {
		return false;
	}
	r->tokens--;
	return true;
}

static void count(struct refuser *r, uint64_t now_ns)
{
	if (r->counted++ == 0) {
		r->since_ns = now_ns;
	}
}

static char *copy(struct str who)
{
	char *p = mem_calloc(who.n + 1, 1);

	if (p && who.n) {
		memcpy(p, who.p, who.n);
	}
	return p;
}

static struct refuser *find(struct refuser *p, size_t n, struct str who)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(str_from(p[i].who), who)) {
			return &p[i];
		}
	}
	return NULL;
}

/* ---- agents ---- */

bool refusal_pace_agent(struct refusal_pace *p, struct str who, uint64_t now_ns)
{
	struct refuser *r = find(p->agents.p, p->agents.n, who);
	struct refuser fresh = {0};

	if (!r) {
		fresh.who = copy(who);
		if (!fresh.who || vec_push(&p->agents, fresh) != RC_OK) {
			mem_free(fresh.who);
			count(&p->all_addresses, now_ns);
			return false;
		}
		r = &p->agents.p[p->agents.n - 1];
	}
	if (take(r, LIMIT_REFUSALS_OF_AGENT, now_ns)) {
		return true;
	}
	count(r, now_ns);
	return false;
}

/* ---- addresses ---- */

/* (2): a new one takes the place of the one that was refused longest ago. Its own bucket is full
 * then, but not the one over all. */
static struct refuser *address_of(struct refusal_pace *p, struct str who)
{
	struct refuser *r = find(p->addresses.p, p->addresses.n, who);
	struct refuser fresh = {0};

	if (r) {
		return r;
	}
	fresh.who = copy(who);
	if (!fresh.who) {
		return NULL;
	}
	if (p->addresses.n < LIMIT_REFUSED_ADDRESSES) {
		if (vec_push(&p->addresses, fresh) != RC_OK) {
			mem_free(fresh.who);
			return NULL;
		}
		return &p->addresses.p[p->addresses.n - 1];
	}
	r = &p->addresses.p[0];
	for (size_t i = 1; i < p->addresses.n; i++) {
		r = p->addresses.p[i].told_ns < r->told_ns ? &p->addresses.p[i] : r;
	}
	mem_free(r->who);
	*r = fresh;
	return r;
}

bool refusal_pace_address(struct refusal_pace *p, struct str who, uint64_t now_ns)
{
	struct refuser *r = address_of(p, who);

	if (r) {
		r->told_ns = now_ns;
	}
	if (r && take(r, LIMIT_REFUSALS_OF_ADDRESS, now_ns) &&
	    take(&p->all_addresses, LIMIT_REFUSALS_OF_ADDRESSES, now_ns)) {
		return true;
	}
	count(&p->all_addresses, now_ns);
	return false;
}

/* ---- counts ---- */

/* (3) */
static bool is_due(struct refuser *r, struct str who, uint64_t now_ns, struct refusal_count *ret)
{
	if (r->counted == 0 || now_ns - r->since_ns < SECOND_NS ||
	    now_ns - r->told_ns < SECOND_NS) {
		return false;
	}
	*ret =
	    (struct refusal_count){.who = who, .count = r->counted, .for_ns = now_ns - r->since_ns};
	r->counted = 0;
	r->told_ns = now_ns;
	return true;
}

bool refusal_pace_next(struct refusal_pace *p, uint64_t now_ns, struct refusal_count *ret)
{
	for (size_t i = 0; i < p->agents.n; i++) {
		struct str who = str_from(p->agents.p[i].who);

		if (is_due(&p->agents.p[i], who.n ? who : STR("unregistered agents"), now_ns,
			   ret)) {
			return true;
		}
	}
	return is_due(&p->all_addresses, STR("many sources"), now_ns, ret);
}
