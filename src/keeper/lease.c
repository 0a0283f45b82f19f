/* SPDX-License-Identifier: Apache-2.0 */
/* keeper/lease.c - orders to backends, answers to the governor, secrets to who uses them.
 *
 * Trust:  the governor's orders; a backend's answers concern its own leases only; neither is
 *         believed about the other's.
 * Holds:  (1) a secret is in locked pages, or in a message that its channel wipes.
 *         (2) a secret leaves once, and only to whom the governor named after LEASE_ISSUED: that
 * role, in that process. (3) a governor that gave no proof in time, or a false one, is given no
 * more leases. (4) each order is answered once: by the backend or by its deadline.
 */
#include "keeper/lease.h"

#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/vec.h"

enum {
	ISSUE_GRACE_MS = 2000, /* a backend's answer may come this long after create_by */
	ISSUE_MOST_MS = 60000, /* whatever create_by says */
	ANSWER_MS = 30000,     /* to revoke, and to list */
};

enum { TO_AGENTS = 1, TO_RUNNER = 2 }; /* as in net/message.def */
enum state { STATE_ASKED = 0, STATE_HELD, STATE_OUT, STATE_REVOKING };

struct lease {
	struct leases *all;
	uint64_t id;
	enum state state;
	bool is_waiting; /* for the backend's answer to the last order */
	size_t backend;
	char task[LIMIT_ID_BYTES + 1];
	size_t task_n;
	struct secret *fields; /* HELD only */
	uint8_t to;	       /* HELD, and to be delivered to it once it is there; 0 = no */
	uint64_t to_generation;
	struct loop_timer deadline;
};

/* An order whose leaf is yet to be seen in the log. */
struct unproven {
	uint64_t lease;
	uint64_t leaf_index;
	uint8_t leaf_hash[32];
	uint64_t due_ns;
};

struct sweep {
	struct leases *all;
	size_t backend;
	bool is_waiting;
	struct loop_timer deadline;
};

struct leases {
	struct loop *loop;
	const struct lease_peers *peers;
	struct map by_id;
	struct sweep sweeps[LIMIT_ROLE_PEERS]; /* one at a time per backend */
	VEC(struct unproven) unproven;	       /* oldest first */
	bool is_distrustful;		       /* invariant (3): for the rest of this life */
};

static struct str key_of(const uint64_t *id)
{
	return str_of(id, sizeof(*id));
}

static struct lease *find(struct leases *l, uint64_t id)
{
	return map_get(&l->by_id, key_of(&id));
}

static void forget(struct lease *x)
{
	(void)map_remove(&x->all->by_id, key_of(&x->id)); /* returns x itself */
	loop_timer_clear(x->all->loop, &x->deadline);
	secret_free(x->fields);
	mem_free(x);
}

/* A channel that cannot take a message is gone; whoever asks notices by himself. */
static void say(struct channel *to, const struct message *m)
{
	enum rc rc = to ? channel_send(to, m) : RC_BROKEN;

	if (rc != RC_OK) {
		log_warn("cannot send %s: %s", message_name(m->kind), rc_text(rc));
	}
}

static void say_issued(struct leases *l, uint64_t id, bool ok, struct str detail)
{
	const struct message m = {.kind = MESSAGE_LEASE_ISSUED,
				  .lease_issued = {.lease = id, .ok = ok, .detail = detail}};

	say(l->peers->governor, &m);
}

static void say_revoked(struct leases *l, uint64_t id, bool gone, struct str detail)
{
	const struct message m = {.kind = MESSAGE_LEASE_REVOKED,
				  .lease_revoked = {.lease = id, .gone = gone, .detail = detail}};

	say(l->peers->governor, &m);
}

static void say_found(struct leases *l, struct str backend, struct str detail)
{
	const struct message m = {
	    .kind = MESSAGE_LEASE_FOUND,
	    .lease_found = {.backend = backend, .names = STR("[]"), .detail = detail}};

	say(l->peers->governor, &m);
}

/* Index of the backend, or n_backends. */
static size_t backend_named(const struct leases *l, struct str name)
{
	size_t i = 0;

	while (i < l->peers->n_backends && !str_eq(str_from(l->peers->backends[i].name), name)) {
		i++;
	}
	return i;
}

/* The backend's answer to the last order is not waited for any more. */
static void give_up(struct lease *x, struct str why)
{
	if (!x->is_waiting) {
		return;
	}
	x->is_waiting = false;
	if (x->state == STATE_ASKED) {
		say_issued(x->all, x->id, false, why);
	} else {
		say_revoked(x->all, x->id, false, why);
	}
	forget(x);
}

static void on_deadline(struct loop_timer *t)
{
	give_up(t->ctx, STR("the backend did not answer in time"));
}

/* A new lease in state ASKED; NULL when there is no room. */
static struct lease *add(struct leases *l, uint64_t id, size_t backend, struct str task)
{
	struct lease *x = l->by_id.n < LIMIT_LEASES ? mem_calloc(1, sizeof(*x)) : NULL;

	if (!x) {
		return NULL;
	}
	x->all = l;
	x->id = id;
	x->backend = backend;
	x->deadline.fire = on_deadline;
	x->deadline.ctx = x;
	x->task_n = task.n < LIMIT_ID_BYTES ? task.n : LIMIT_ID_BYTES;
	if (x->task_n) {
		memcpy(x->task, task.p, x->task_n);
	}
	if (map_put(&l->by_id, key_of(&x->id), x) != RC_OK) {
		mem_free(x);
		return NULL;
	}
	return x;
}

/* Passes an order on and starts the clock. */
static bool pass_on(struct lease *x, const struct message *m, uint64_t within_ms)
{
	struct leases *l = x->all;

	x->is_waiting = loop_timer_in(l->loop, &x->deadline, within_ms) == RC_OK &&
			channel_send(l->peers->backends[x->backend].channel, m) == RC_OK;
	return x->is_waiting;
}

static uint64_t issue_within_ms(const struct leases *l, uint64_t create_by_unix_ms)
{
	uint64_t now_ms = clock_unix_ms(loop_clock(l->loop));
	uint64_t left_ms = create_by_unix_ms > now_ms ? create_by_unix_ms - now_ms : 0;

	return (left_ms < ISSUE_MOST_MS ? left_ms : ISSUE_MOST_MS) + ISSUE_GRACE_MS;
}

static void distrust(struct leases *l, uint64_t lease, const char *why)
{
	log_err("lease %llu: %s; no more leases are issued", (unsigned long long)lease, why);
	l->is_distrustful = true;
}

/* Invariant (3). */
static bool is_trusted(struct leases *l)
{
	if (!l->is_distrustful && l->unproven.n > 0 &&
	    loop_now_ns(l->loop) > l->unproven.p[0].due_ns) {
		distrust(l, l->unproven.p[0].lease, "its leaf was never shown to be in the log");
	}
	return !l->is_distrustful;
}

void leases_governor_lost(struct leases *l)
{
	(void)is_trusted(l); /* what it owed for too long is held against the next one too */
}

void leases_governor_found(struct leases *l)
{
	for (size_t i = 0; i < l->unproven.n; i++) {
		l->unproven.p[i].due_ns = loop_now_ns(l->loop) + LEASE_PROOF_MS * 1000000ULL;
	}
}

static bool expect_proof(struct leases *l, const struct msg_lease_issue *order)
{
	struct unproven u = {.lease = order->lease,
			     .leaf_index = order->leaf_index,
			     .due_ns = loop_now_ns(l->loop) + LEASE_PROOF_MS * 1000000ULL};

	memcpy(u.leaf_hash, order->leaf_hash.p, sizeof(u.leaf_hash));
	return l->unproven.n < LIMIT_LEASES && vec_push(&l->unproven, u) == RC_OK;
}

static void proven(struct leases *l, const struct msg_lease_proof *m)
{
	size_t i = 0;

	while (i < l->unproven.n && l->unproven.p[i].lease != m->lease) {
		i++;
	}
	if (i == l->unproven.n) {
		return; /* refused at once, or shown before */
	}
	if (l->peers->is_in_log(l->peers->is_in_log_ctx, m->receipt, l->unproven.p[i].leaf_index,
				l->unproven.p[i].leaf_hash)) {
		vec_remove(&l->unproven, i);
	} else {
		distrust(l, m->lease, "its leaf is not in the log as it was said to be");
	}
}

static void issue(struct leases *l, const struct message *m)
{
	const struct msg_lease_issue *order = &m->lease_issue;
	size_t backend = backend_named(l, order->backend);
	struct lease *x = find(l, order->lease);

	if (x) {
		/* Asked twice: a governor that forgot. What is held is no answer to a new order. */
		say_issued(l, order->lease, false, STR("this lease was ordered before"));
		return;
	}
	if (backend == l->peers->n_backends) {
		say_issued(l, order->lease, false, STR("there is no such backend"));
		return;
	}
	if (order->leaf_hash.n != 32 || order->name.n == 0) {
		say_issued(l, order->lease, false, STR("a lease needs a name and its leaf"));
		return;
	}
	if (!is_trusted(l)) {
		say_issued(l, order->lease, false, STR("an earlier lease is not in the log"));
		return;
	}
	x = expect_proof(l, order) ? add(l, order->lease, backend, order->task) : NULL;
	if (!x) {
		say_issued(l, order->lease, false, STR("no room for another lease"));
		return;
	}
	if (!pass_on(x, m, issue_within_ms(l, order->create_by_unix_ms))) {
		say_issued(l, order->lease, false, STR("the backend cannot be reached"));
		forget(x);
	}
}

/* Sends m to those of the users that are the process that was meant. Is none of them later, or yet
 * to come? */
static bool send_to(const struct lease_user *users, size_t n, uint64_t generation,
		    const struct message *m)
{
	bool is_early = false;

	for (size_t i = 0; i < n; i++) {
		if (users[i].generation == generation && users[i].channel) {
			say(users[i].channel, m);
		} else if (users[i].generation < generation) {
			is_early = true;
		} else {
			log_warn("lease %llu was for a process that has ended",
				 (unsigned long long)m->secret.lease);
		}
	}
	return !is_early;
}

/* Invariant (2). A lease that was for a process that is no more is revoked by the governor. */
static void hand_over(struct lease *x)
{
	const struct lease_peers *peers = x->all->peers;
	const struct message secret = {.kind = MESSAGE_SECRET,
				       .secret = {.lease = x->id,
						  .task = str_of(x->task, x->task_n),
						  .fields = secret_view(x->fields)}};

	if (x->to == TO_AGENTS ? send_to(peers->agents, peers->n_agents, x->to_generation, &secret)
			       : send_to(&peers->runner, 1, x->to_generation, &secret)) {
		x->state = STATE_OUT;
		secret_free(x->fields);
		x->fields = NULL;
	}
}

static void deliver(struct leases *l, const struct message *m)
{
	struct lease *x = find(l, m->lease_deliver.lease);

	if (!x || x->state != STATE_HELD) {
		/* The sender waits for its secret until send-by and then says not sent. */
		log_warn("lease %llu is not held, so it cannot be delivered",
			 (unsigned long long)m->lease_deliver.lease);
		return;
	}
	if (m->lease_deliver.to != TO_AGENTS && m->lease_deliver.to != TO_RUNNER) {
		log_warn("lease %llu cannot be delivered to %u", (unsigned long long)x->id,
			 m->lease_deliver.to);
		return;
	}
	x->to = m->lease_deliver.to;
	x->to_generation = m->lease_deliver.generation;
	hand_over(x);
}

void leases_user_found(struct leases *l)
{
	const struct map_entry *entry;
	size_t i = 0;

	while ((entry = map_next(&l->by_id, &i))) {
		struct lease *x = entry->value;

		if (x->state == STATE_HELD && x->to) {
			hand_over(x);
		}
	}
}

static void drop_everywhere(struct leases *l, uint64_t id)
{
	const struct message m = {.kind = MESSAGE_SECRET_DROP, .secret_drop = {.lease = id}};

	for (size_t i = 0; i < l->peers->n_agents; i++) {
		if (l->peers->agents[i].channel) {
			say(l->peers->agents[i].channel, &m);
		}
	}
	if (l->peers->runner.channel) {
		say(l->peers->runner.channel, &m);
	}
}

static void revoke(struct leases *l, const struct message *m)
{
	const struct msg_lease_revoke *order = &m->lease_revoke;
	size_t backend = backend_named(l, order->backend);
	struct lease *x = find(l, order->lease);

	drop_everywhere(l, order->lease);
	if (backend == l->peers->n_backends) {
		say_revoked(l, order->lease, false, STR("there is no such backend"));
		return;
	}
	if (!x) {
		/* From before a restart: the backend knows, we do not need to. */
		x = add(l, order->lease, backend, STR_NULL);
	}
	if (!x) {
		say_revoked(l, order->lease, false, STR("no room for another lease"));
		return;
	}
	if (x->state == STATE_ASKED && x->is_waiting) {
		say_issued(l, x->id, false, STR("revoked before it was made"));
	}
	if (x->state == STATE_REVOKING && x->is_waiting) {
		return; /* the answer to the first order will do */
	}
	secret_free(x->fields);
	x->fields = NULL;
	x->state = STATE_REVOKING;
	x->backend = backend;
	if (!pass_on(x, m, ANSWER_MS)) {
		say_revoked(l, order->lease, false, STR("the backend cannot be reached"));
		forget(x);
	}
}

static void give_up_sweep(struct sweep *s, struct str why)
{
	if (s->is_waiting) {
		s->is_waiting = false;
		loop_timer_clear(s->all->loop, &s->deadline);
		say_found(s->all, str_from(s->all->peers->backends[s->backend].name), why);
	}
}

static void on_sweep_deadline(struct loop_timer *t)
{
	give_up_sweep(t->ctx, STR("the backend did not answer in time"));
}

static void sweep(struct leases *l, const struct message *m)
{
	size_t backend = backend_named(l, m->lease_sweep.backend);
	struct sweep *s;

	if (backend == l->peers->n_backends) {
		say_found(l, m->lease_sweep.backend, STR("there is no such backend"));
		return;
	}
	s = &l->sweeps[backend];
	if (s->is_waiting) {
		return; /* one answer for both */
	}
	s->is_waiting = loop_timer_in(l->loop, &s->deadline, ANSWER_MS) == RC_OK &&
			channel_send(l->peers->backends[backend].channel, m) == RC_OK;
	if (!s->is_waiting) {
		say_found(l, m->lease_sweep.backend, STR("the backend cannot be reached"));
	}
}

void leases_order(struct leases *l, const struct message *m)
{
	if (m->kind == MESSAGE_LEASE_ISSUE) {
		issue(l, m);
	} else if (m->kind == MESSAGE_LEASE_PROOF) {
		proven(l, &m->lease_proof);
	} else if (m->kind == MESSAGE_LEASE_DELIVER) {
		deliver(l, m);
	} else if (m->kind == MESSAGE_LEASE_REVOKE) {
		revoke(l, m);
	} else if (m->kind == MESSAGE_LEASE_SWEEP) {
		sweep(l, m);
	}
}

/* The lease that this backend was asked for and has not answered yet; else NULL. */
static struct lease *awaited(struct leases *l, const char *backend, uint64_t id, enum state state)
{
	struct lease *x = find(l, id);

	if (!x || !x->is_waiting || x->state != state ||
	    strcmp(l->peers->backends[x->backend].name, backend) != 0) {
		log_warn("backend '%s' answers for lease %llu, which nobody waits for", backend,
			 (unsigned long long)id);
		return NULL;
	}
	x->is_waiting = false;
	loop_timer_clear(l->loop, &x->deadline);
	return x;
}

static void issued(struct leases *l, const char *backend, const struct msg_lease_issued *m)
{
	struct lease *x = awaited(l, backend, m->lease, STATE_ASKED);
	struct err e = ERR_INIT;

	if (!x) {
		return; /* too late; the governor revokes it by name, and the channel wipes this */
	}
	if (!m->ok) {
		say_issued(l, m->lease, false, m->detail);
		forget(x);
		return;
	}
	if (secret_of(m->fields, &x->fields, &e) != RC_OK) {
		say_issued(l, m->lease, false, str_from(e.msg));
		forget(x);
		return;
	}
	x->state = STATE_HELD;
	say_issued(l, m->lease, true, m->detail);
}

static void revoked(struct leases *l, const char *backend, const struct msg_lease_revoked *m)
{
	struct lease *x = awaited(l, backend, m->lease, STATE_REVOKING);

	if (x) {
		say_revoked(l, m->lease, m->gone, m->detail);
		forget(x);
	}
}

static void found(struct leases *l, const char *backend, const struct message *m)
{
	size_t i = backend_named(l, str_from(backend));
	struct sweep *s = i < l->peers->n_backends ? &l->sweeps[i] : NULL;

	if (!s || !s->is_waiting || !str_eq(m->lease_found.backend, str_from(backend))) {
		log_warn("backend '%s' lists what nobody asked for", backend);
		return;
	}
	s->is_waiting = false;
	loop_timer_clear(l->loop, &s->deadline);
	say(l->peers->governor, m);
}

void leases_answer(struct leases *l, const char *backend, const struct message *m)
{
	if (m->kind == MESSAGE_LEASE_ISSUED) {
		issued(l, backend, &m->lease_issued);
	} else if (m->kind == MESSAGE_LEASE_REVOKED) {
		revoked(l, backend, &m->lease_revoked);
	} else if (m->kind == MESSAGE_LEASE_FOUND) {
		found(l, backend, m);
	}
}

void leases_backend_lost(struct leases *l, const char *backend)
{
	size_t at = backend_named(l, str_from(backend));
	const struct map_entry *entry;
	size_t i = 0;

	if (at == l->peers->n_backends) {
		return;
	}
	while ((entry = map_next(&l->by_id, &i))) {
		struct lease *x = entry->value;

		if (x->backend == at && x->is_waiting) {
			give_up(x, STR("the backend ended"));
		}
	}
	give_up_sweep(&l->sweeps[at], STR("the backend ended"));
}

size_t leases_count(const struct leases *l)
{
	return l->by_id.n;
}

enum rc leases_new(struct loop *loop, const struct lease_peers *peers, struct leases **ret,
		   struct err *e)
{
	struct leases *l = mem_calloc(1, sizeof(*l));

	if (!l) {
		FAIL(e, RC_NOMEM, "no memory for leases");
	}
	l->loop = loop;
	l->peers = peers;
	for (size_t i = 0; i < ARRAY_LEN(l->sweeps); i++) {
		l->sweeps[i] = (struct sweep){.all = l, .backend = i};
		l->sweeps[i].deadline.fire = on_sweep_deadline;
		l->sweeps[i].deadline.ctx = &l->sweeps[i];
	}
	*ret = l;
	return RC_OK;
}

void leases_free(struct leases *l)
{
	const struct map_entry *entry;
	size_t i = 0;

	if (!l) {
		return;
	}
	while ((entry = map_next(&l->by_id, &i))) {
		struct lease *x = entry->value;

		loop_timer_clear(l->loop, &x->deadline);
		secret_free(x->fields);
		mem_free(x);
	}
	for (size_t k = 0; k < ARRAY_LEN(l->sweeps); k++) {
		loop_timer_clear(l->loop, &l->sweeps[k].deadline);
	}
	map_fini(&l->by_id);
	vec_fini(&l->unproven);
	mem_free(l);
}
