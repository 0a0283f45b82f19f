/* SPDX-License-Identifier: Apache-2.0 */
/* governor/leases.c - credentials that live as long as the task.
 *
 * INTENDED -created-> CREATED -delivered-> DELIVERED -revoking-> REVOKING -read back-> GONE; each
 * edge is a leaf, and each leaf is durable before the next order leaves (gov.h). The external
 * name is derived from the lease's index, so a crash at any point leaves a credential that can be
 * found and removed. Revocation is retried for ever, with back-off; only a read-back ends it.
 */
#include "governor/gov.h"

#include <stdio.h>

#include "base/log.h"
#include "governor/checkpoint.h"

enum {
	RETRY_FIRST_MS = 200,
	RETRY_MAX_MS = 30000,
	FRESH_MS = 5000,	 /* after the last moment to create it; it is out long before */
	PROVE_AGAIN_MS = 120000, /* longer than a keeper waits for a proof (keeper/lease.h) */
	TO_AGENTS = 1,
	TO_RUNNER = 2,
};

/* "remit_<first 8 hex digits of the log's name>_l<index>": ours, and this log's. */
static struct str external_name(const struct governor *g, uint64_t lease, char out[64])
{
	uint32_t mark = 2166136261u;
	int n;

	for (size_t i = 0; i < g->bundle->origin.n; i++) {
		mark = (mark ^ (unsigned char)g->bundle->origin.p[i]) * 16777619u;
	}
	n = snprintf(out, 64, "remit_%08x_l%llu", mark, (unsigned long long)lease);
	return str_of(out, (size_t)n);
}

static void order(struct governor *g, const struct message *m)
{
	if (channel_send(g->keeper, m) != RC_OK) {
		log_err("the keeper cannot be reached");
	}
}

uint64_t leases_want(struct governor *g, uint64_t task, const struct credential *c,
		     uint64_t not_after_unix_ms, bool to_runner, struct err *e)
{
	const struct lease *have = state_lease_of(g->state, task, c->backend, c->scope);
	uint64_t create_by = gov_now_ms(g) + GOVERNOR_LEASE_CREATE_MS;
	char name[64];
	uint64_t ix;
	struct leaf l = {
	    .kind = LEAF_LEASE_INTENDED,
	    .lease_intended =
		{
		    .task = task,
		    .backend = c->backend,
		    .scope = c->scope,
		    .not_after = not_after_unix_ms,
		    .create_by = create_by,
		},
	};
	struct message m = {
	    .kind = MESSAGE_LEASE_ISSUE,
	    .lease_issue =
		{
		    .backend = c->backend,
		    .scope = c->scope,
		    .not_after_unix_ms = not_after_unix_ms,
		    .create_by_unix_ms = create_by,
		},
	};

	(void)to_runner; /* the sender is told apart again when it is delivered */
	if (have) {
		return have->ix;
	}
	if (book_record(g->book, &l, VAULT_LIFE_KEY, NULL, 0, &ix, e) != RC_OK) {
		return 0;
	}
	m.lease_issue.lease = ix;
	m.lease_issue.name = external_name(g, ix, name);
	m.lease_issue.leaf_index = ix;
	m.lease_issue.leaf_hash = str_of(book_last_hash(g->book), 32);
	if (g->checkpointer && checkpointer_prove_lease(g->checkpointer, ix, ix) != RC_OK) {
		log_err("no memory to prove the leaf of l%llu", (unsigned long long)ix);
		return ix; /* not ordered: it ends as not issued */
	}
	order(g, &m);
	return ix;
}

/* Which sender uses credentials of this backend: all upstreams of a backend share a transport
 * side, which config checks. */
static bool backend_is_for_runner(const struct governor *g, struct str backend)
{
	for (size_t i = 0; i < g->bundle->n_tools; i++) {
		const struct tool *t = &g->bundle->tools[i];
		const struct credential *c =
		    t->credential.backend.n ? &t->credential : &t->upstream->credential;

		if (str_eq(c->backend, backend)) {
			return definitions_sender_is_runner(t->upstream);
		}
	}
	return true;
}

void leases_on_issued(struct governor *g, const struct msg_lease_issued *m)
{
	const struct lease *l = state_lease(g->state, m->lease);
	bool to_runner;
	struct leaf created = {.kind = LEAF_LEASE_CREATED, .lease_created = {.lease = m->lease}};
	struct leaf delivered = {.kind = LEAF_LEASE_DELIVERED,
				 .lease_delivered = {.lease = m->lease}};
	struct message deliver = {.kind = MESSAGE_LEASE_DELIVER,
				  .lease_deliver = {.lease = m->lease}};

	if (!l || l->state != LEASE_STATE_INTENDED) {
		return; /* revoked meanwhile: the revocation removes what was made */
	}
	to_runner = backend_is_for_runner(g, l->backend);
	if (m->ok && senders_is_away(g, to_runner)) {
		leases_revoke(g, m->lease, "sender_ended");
		calls_wake_lease(g, m->lease);
		return;
	}
	if (!m->ok) {
		log_warn("l%llu was not issued: %.*s", (unsigned long long)m->lease,
			 STR_ARG(m->detail));
		leases_revoke(g, m->lease, "not_issued");
		calls_wake_lease(g, m->lease);
		return;
	}
	delivered.lease_delivered.to = to_runner ? STR("runner") : STR("agents");
	deliver.lease_deliver.to = to_runner ? TO_RUNNER : TO_AGENTS;
	deliver.lease_deliver.generation = senders_born(g, to_runner);
	if (gov_record(g, &created) && gov_record(g, &delivered)) {
		order(g, &deliver);
		calls_wake_lease(g, m->lease);
		verify_lease_ready(g);
		rollback_lease_ready(g);
	}
}

static struct revoking *find_revoking(struct governor *g, uint64_t lease)
{
	for (size_t i = 0; i < g->revoking.n; i++) {
		if (g->revoking.p[i].lease == lease) {
			return &g->revoking.p[i];
		}
	}
	return NULL;
}

static void ask_revoke(struct governor *g, struct revoking *r)
{
	const struct lease *l = state_lease(g->state, r->lease);
	uint64_t wait_ms = (uint64_t)RETRY_FIRST_MS << (r->tries < 8 ? r->tries : 8);
	char name[64];
	struct message m = {.kind = MESSAGE_LEASE_REVOKE, .lease_revoke = {.lease = r->lease}};

	if (!l) {
		return;
	}
	m.lease_revoke.backend = l->backend;
	m.lease_revoke.name = external_name(g, l->ix, name);
	m.lease_revoke.create_by_unix_ms = l->create_by_unix_ms;
	order(g, &m);
	r->tries++;
	/* An order without an answer is asked again after the longest time. */
	r->again_ns =
	    gov_now_ns(g) + (wait_ms > RETRY_MAX_MS ? RETRY_MAX_MS : wait_ms + 5000) * 1000000;
	r->is_asked = true;
}

void leases_revoke(struct governor *g, uint64_t lease, const char *why)
{
	const struct lease *l = state_lease(g->state, lease);
	struct revoking r = {.lease = lease};
	struct leaf f = {
	    .kind = LEAF_LEASE_REVOKING,
	    .lease_revoking = {.lease = lease, .why = str_from(why)},
	};

	if (!l || l->state == LEASE_STATE_GONE || find_revoking(g, lease)) {
		return;
	}
	if (l->state != LEASE_STATE_REVOKING && !gov_record(g, &f)) {
		return;
	}
	if (vec_push(&g->revoking, r) != RC_OK) {
		return; /* leases_tick finds it in the state again */
	}
	ask_revoke(g, &g->revoking.p[g->revoking.n - 1]);
}

void leases_revoke_task(struct governor *g, uint64_t task, const char *why)
{
	const struct lease *l;
	uint64_t from = 0;

	while ((l = state_next_lease(g->state, from))) {
		from = l->ix + 1;
		if (l->task == task) {
			leases_revoke(g, l->ix, why);
		}
	}
}

bool leases_task_settled(const struct governor *g, uint64_t task)
{
	const struct lease *l;
	uint64_t from = 0;

	while ((l = state_next_lease(g->state, from))) {
		from = l->ix + 1;
		if (l->task == task && l->state != LEASE_STATE_GONE) {
			return false;
		}
	}
	return true;
}

void leases_on_revoked(struct governor *g, const struct msg_lease_revoked *m)
{
	struct revoking *r = find_revoking(g, m->lease);
	const struct lease *l = state_lease(g->state, m->lease);
	struct leaf gone = {
	    .kind = LEAF_LEASE_GONE,
	    .lease_gone = {.lease = m->lease, .read_back = m->detail},
	};
	uint64_t wait_ms;

	if (!r || !l || l->state != LEASE_STATE_REVOKING) {
		return;
	}
	if (!m->gone) {
		wait_ms = (uint64_t)RETRY_FIRST_MS << (r->tries < 8 ? r->tries : 8);
		r->is_asked = false;
		r->again_ns =
		    gov_now_ns(g) + (wait_ms > RETRY_MAX_MS ? RETRY_MAX_MS : wait_ms) * 1000000;
		log_warn("l%llu is not gone yet: %.*s", (unsigned long long)m->lease,
			 STR_ARG(m->detail));
		return;
	}
	if (gov_record(g, &gone)) {
		vec_remove(&g->revoking, (size_t)(r - g->revoking.p));
		tasks_tick(g);
	}
}

void leases_tick(struct governor *g)
{
	uint64_t now_ns = gov_now_ns(g);
	uint64_t now_ms = gov_now_ms(g);
	const struct lease *l;
	uint64_t from = 0;

	for (size_t i = 0; i < g->revoking.n; i++) {
		if (g->revoking.p[i].again_ns <= now_ns) {
			ask_revoke(g, &g->revoking.p[i]);
		}
	}
	while ((l = state_next_lease(g->state, from))) {
		from = l->ix + 1;
		if (l->state == LEASE_STATE_REVOKING) {
			leases_revoke(g, l->ix, "retry");
		} else if (l->state != LEASE_STATE_GONE && now_ms >= l->not_after_unix_ms) {
			leases_revoke(g, l->ix, "expired");
		} else if (l->state == LEASE_STATE_INTENDED &&
			   now_ms >= l->create_by_unix_ms + 1000) {
			uint64_t ix = l->ix;

			leases_revoke(g, ix, "not_issued");
			calls_wake_lease(g, ix);
		}
	}
}

/* Is it too young to be sure that its secret is out? */
static bool is_fresh(const struct governor *g, const struct lease *l)
{
	return l->state == LEASE_STATE_INTENDED || l->state == LEASE_STATE_CREATED ||
	       gov_now_ms(g) < l->create_by_unix_ms + FRESH_MS;
}

void leases_keeper_lost(struct governor *g)
{
	const struct lease *l;
	uint64_t from = 0;

	while ((l = state_next_lease(g->state, from))) {
		uint64_t ix = l->ix;

		from = ix + 1;
		if (l->state != LEASE_STATE_GONE && l->state != LEASE_STATE_REVOKING &&
		    is_fresh(g, l)) {
			leases_revoke(g, ix, "keeper_ended");
			calls_wake_lease(g, ix);
		}
	}
}

void leases_keeper_found(struct governor *g)
{
	for (size_t i = 0; i < g->revoking.n; i++) {
		g->revoking.p[i].again_ns = 0;
	}
	leases_tick(g);
}

void leases_sender_lost(struct governor *g, bool is_runner)
{
	const struct lease *l;
	uint64_t from = 0;

	while ((l = state_next_lease(g->state, from))) {
		uint64_t ix = l->ix;

		from = ix + 1;
		if (l->state != LEASE_STATE_GONE && l->state != LEASE_STATE_REVOKING &&
		    backend_is_for_runner(g, l->backend) == is_runner) {
			leases_revoke(g, ix, "sender_ended");
			calls_wake_lease(g, ix);
		}
	}
}

/* Of a keeper that has seen an earlier governor: it wants proof of leases that this one did not
 * give. */
static void prove_again(struct governor *g, const struct lease *l)
{
	if (g->checkpointer && role_is_elder(g->env, R_KEEPER) &&
	    gov_now_ms(g) < l->create_by_unix_ms + PROVE_AGAIN_MS &&
	    checkpointer_prove_lease(g->checkpointer, l->ix, l->ix) != RC_OK) {
		log_err("no memory to prove the leaf of l%llu", (unsigned long long)l->ix);
	}
}

/* Lent by an earlier governor to a sender that lives on, perhaps for a call that is under way.
 * Whether the order to deliver it left is not known: it is given again, and done once. */
static bool lives_on(struct governor *g, const struct lease *l)
{
	bool to_runner = backend_is_for_runner(g, l->backend);
	const struct message deliver = {
	    .kind = MESSAGE_LEASE_DELIVER,
	    .lease_deliver = {.lease = l->ix,
			      .to = to_runner ? TO_RUNNER : TO_AGENTS,
			      .generation = senders_born(g, to_runner)}};

	if (l->state != LEASE_STATE_DELIVERED || !role_is_elder(g->env, R_KEEPER) ||
	    !role_is_elder(g->env, to_runner ? R_RUNNER : R_AGENTS)) {
		return false;
	}
	order(g, &deliver);
	return true;
}

void leases_recover(struct governor *g)
{
	const struct lease *l;
	uint64_t from = 0;

	while ((l = state_next_lease(g->state, from))) {
		from = l->ix + 1;
		prove_again(g, l);
		if (l->state != LEASE_STATE_GONE && !lives_on(g, l)) {
			leases_revoke(g, l->ix, "restart");
		}
	}
	for (size_t i = 0; i < g->deployment->n_backends; i++) {
		struct message m = {
		    .kind = MESSAGE_LEASE_SWEEP,
		    .lease_sweep = {.backend = g->deployment->backends[i].name},
		};

		order(g, &m);
	}
}

/* Credentials with our mark that no living lease accounts for are removed. */
void leases_on_found(struct governor *g, const struct msg_lease_found *m)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *names;
	char prefix_text[64];
	struct str prefix = external_name(g, 0, prefix_text);

	prefix.n--; /* without the index */
	if (!m->ok || json_parse(&g->round, m->names, &limits, &names, NULL) != RC_OK) {
		log_warn("backend '%.*s' could not be swept: %.*s", STR_ARG(m->backend),
			 STR_ARG(m->detail));
		return;
	}
	for (const struct json *n = names->child; n; n = n->next) {
		struct message revoke = {
		    .kind = MESSAGE_LEASE_REVOKE,
		    .lease_revoke = {.backend = m->backend},
		};
		const struct lease *l;
		uint64_t ix;

		if (!json_str(n, &revoke.lease_revoke.name) ||
		    !str_has_prefix(revoke.lease_revoke.name, prefix) ||
		    !id_parse(str_slice(revoke.lease_revoke.name, prefix.n - 1,
					revoke.lease_revoke.name.n),
			      'l', &ix)) {
			continue;
		}
		l = state_lease(g->state, ix);
		if (!l || l->state == LEASE_STATE_GONE) {
			revoke.lease_revoke.lease = ix;
			log_warn("removing the orphan '%.*s'", STR_ARG(revoke.lease_revoke.name));
			order(g, &revoke);
		}
	}
}
