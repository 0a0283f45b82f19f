/* SPDX-License-Identifier: Apache-2.0 */
/* keeper/lease.h - leased credentials between the backend that made them and who uses them.
 *
 * The governor orders, a backend's process does, and the secret rests here, in locked pages, from
 * the moment the backend made it until the governor has the lease on record and says to whom it
 * goes. It goes there once and is forgotten. Every order gets exactly one answer within a
 * deadline, whatever the backend does. The governor names the process that it means by its
 * generation: to a later one the secret does not go, and for one that is just being plugged in it
 * waits.
 *
 * A lease is given on the word that its leaf is durable; the receipt must follow. Once one is
 * LEASE_PROOF_MS late, or shows something else, nothing is issued any more.
 *
 * States: ASKED -backend made it-> HELD -delivered-> OUT;
 *         ASKED -refused, or no answer by the deadline-> gone (a secret that comes later is wiped);
 *         ASKED, HELD, OUT, unknown -LEASE_REVOKE-> REVOKING -gone-> gone;
 *         REVOKING -not gone, or no answer-> unknown, until the governor asks again.
 */
#pragma once

#include "net/role.h"

struct leases;

/* Does this receipt show that the leaf of that index and hash is in the log? */
typedef bool lease_proof_fn(void *ctx, struct str receipt, uint64_t leaf_index,
			    const uint8_t leaf_hash[32]);

/* Where secrets may go, and whence orders come. Channels are borrowed; NULL = not plugged in, or
 * just being restarted. */
struct lease_peers {
	struct channel *governor;
	struct lease_user {
		struct channel *channel;
		uint64_t generation; /* of its process */
	} runner, agents[LIMIT_ROLE_PEERS];
	size_t n_agents;
	struct {
		char name[LIMIT_ID_BYTES + 1];
		struct channel *channel;
	} backends[LIMIT_ROLE_PEERS];
	size_t n_backends;
	lease_proof_fn *is_in_log;
	void *is_in_log_ctx;
};

enum {
	LEASE_PROOF_MS = 60 * 1000, /* checkpoints come several times a second */
	LIMIT_LEASES = 4096, /* known to the keeper at a time; one that is held locks a page */
};

/* peers is borrowed: what changes in it counts from then on. */
enum rc leases_new(struct loop *loop, const struct lease_peers *peers, struct leases **ret,
		   struct err *e);
void leases_free(struct leases *l);
/* LEASE_ISSUE, LEASE_PROOF, LEASE_DELIVER, LEASE_REVOKE, LEASE_SWEEP. */
void leases_order(struct leases *l, const struct message *m);
/* LEASE_ISSUED, LEASE_REVOKED, LEASE_FOUND from the backend of that name. */
void leases_answer(struct leases *l, const char *backend, const struct message *m);
/* The governor ended. Once another one speaks, it has time anew to show the leaves on whose word
 * leases were given; in between nothing is due. */
void leases_governor_lost(struct leases *l);
void leases_governor_found(struct leases *l);
/* A user was plugged in: what waits for it goes there. */
void leases_user_found(struct leases *l);
/* Its process ended: what it was asked for is answered with no, and asked for again by the
 * governor. What it made meanwhile is found by its name. */
void leases_backend_lost(struct leases *l, const char *backend);
size_t leases_count(const struct leases *l);
