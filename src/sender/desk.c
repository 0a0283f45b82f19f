/* SPDX-License-Identifier: Apache-2.0 */
/* sender/desk.c - admissions in, outcomes out.
 *
 * Trust:  the governor's word is taken, but checked for what can be checked here: digest, time,
 *         generation, single use.
 * Holds:  (1) one OUTCOME per admission: in answer(), which forgets the call.
 *         (2) a call is started once and committed once; an admission seen before is refused
 *             without an outcome, since its first one has or will have it.
 *         (3) nothing is committed after its send-by, of another generation, or after a fence over
 *             it was answered.
 *         (4) what was committed is never called not sent, unless its transport is certain.
 *         (5) without a governor nothing is committed, and no outcome is lost but its result, when
 *             there are too many.
 */
#include "sender/desk.h"

#include <openssl/sha.h>
#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/vec.h"

enum state { WAITING, STARTED, SENT };

struct held {
	struct desk_call c; /* first: the carrier's view */
	enum state state;
	uint64_t lease;
	struct arena arena; /* holds c's strings */
	struct loop_timer late;
	struct desk *desk;
	struct held *prev;
	struct held *next;
};

struct lease_secret {
	uint64_t lease;
	struct secret *fields;
};

/* An outcome that no governor was there to hear. */
struct kept {
	uint64_t call;
	enum outcome_kind kind;
	struct str result; /* heap */
	char detail[257];
};

struct desk {
	struct loop *loop;
	uint64_t generation;
	struct desk_carrier carrier;
	struct held *first; /* oldest first */
	struct held *last;
	size_t n;
	struct lease_secret secrets[DESK_SECRETS_MAX];
	size_t n_secrets;
	uint64_t last_call; /* the highest number admitted */
	bool is_orphaned;   /* there is no governor just now */
	VEC(struct kept) kept;
	size_t kept_bytes;
};

static struct held *held_of(struct desk_call *c)
{
	return (struct held *)(void *)c;
}

enum rc desk_new(struct loop *l, uint64_t generation, const struct desk_carrier *carrier,
		 struct desk **ret)
{
	struct desk *d = mem_calloc(1, sizeof(*d));

	if (!d) {
		return RC_NOMEM;
	}
	d->loop = l;
	d->generation = generation;
	d->carrier = *carrier;
	*ret = d;
	return RC_OK;
}

static void forget(struct desk *d, struct held *h)
{
	loop_timer_clear(d->loop, &h->late);
	if (h->prev) {
		h->prev->next = h->next;
	} else {
		d->first = h->next;
	}
	if (h->next) {
		h->next->prev = h->prev;
	} else {
		d->last = h->prev;
	}
	d->n--;
	arena_fini(&h->arena);
	mem_free(h);
}

static void drop_kept(struct desk *d)
{
	for (size_t i = 0; i < d->kept.n; i++) {
		mem_free_secret((void *)(uintptr_t)d->kept.p[i].result.p, d->kept.p[i].result.n);
	}
	vec_fini(&d->kept);
	d->kept_bytes = 0;
}

void desk_free(struct desk *d)
{
	if (!d) {
		return;
	}
	while (d->first) {
		forget(d, d->first);
	}
	for (size_t i = 0; i < d->n_secrets; i++) {
		secret_free(d->secrets[i].fields);
	}
	drop_kept(d);
	mem_free(d);
}

/* ---- outcomes ---- */

/* (5) */
static void keep_outcome(struct desk *d, uint64_t call, enum outcome_kind kind, struct str result,
			 struct str detail)
{
	struct kept k = {.call = call, .kind = kind};
	char *copy = NULL;

	detail = str_slice(detail, 0, sizeof(k.detail) - 1);
	if (result.n && d->kept_bytes + result.n <= DESK_KEPT_BYTES) {
		copy = mem_calloc(1, result.n);
	}
	if (copy) {
		memcpy(copy, result.p, result.n);
		k.result = str_of(copy, result.n);
	} else if (result.n) {
		k.kind = OUTCOME_UNKNOWN;
		detail = STR("there was no governor to hear its result, and no room to keep it");
	}
	if (detail.n) {
		memcpy(k.detail, detail.p, detail.n);
	}
	if (d->kept.n == DESK_CALLS_MAX || vec_push(&d->kept, k) != RC_OK) {
		log_err("the outcome of c%llu is lost: no room", (unsigned long long)call);
		mem_free(copy);
		return;
	}
	d->kept_bytes += k.result.n;
}

static void say_outcome(struct desk *d, uint64_t call, enum outcome_kind kind, struct str result,
			struct str detail)
{
	struct message m = {.kind = MESSAGE_OUTCOME};

	if (d->is_orphaned) {
		keep_outcome(d, call, kind, result, detail);
		return;
	}
	m.outcome.call = call;
	m.outcome.kind = (uint8_t)kind;
	m.outcome.result = result;
	m.outcome.detail = str_slice(detail, 0, 256);
	d->carrier.say(d->carrier.ctx, &m);
}

void desk_done(struct desk *d, struct desk_call *c, enum outcome_kind kind, struct str result,
	       struct str detail)
{
	struct held *h = held_of(c);

	if (kind == OUTCOME_NOT_SENT && h->state == SENT) {
		kind = OUTCOME_UNKNOWN; /* invariant (4) */
	}
	if (result.n > LIMIT_RESULT_BYTES) {
		kind = OUTCOME_UNKNOWN;
		detail = STR("the result is larger than the limit");
	}
	if (kind == OUTCOME_NOT_SENT || kind == OUTCOME_UNKNOWN) {
		result = STR("");
	}
	say_outcome(d, c->call, kind, result, detail);
	forget(d, h);
}

void desk_recalled(struct desk *d, struct desk_call *c, struct str detail)
{
	held_of(c)->state = STARTED;
	desk_done(d, c, OUTCOME_NOT_SENT, STR(""), detail);
}

/* Ends a call that was not sent, telling the carrier if it had begun. */
static void give_up(struct desk *d, struct held *h, struct str why)
{
	if (h->state == STARTED) {
		d->carrier.drop(d->carrier.ctx, &h->c);
	}
	desk_done(d, &h->c, OUTCOME_NOT_SENT, STR(""), why);
}

void desk_definitions(struct desk *d, struct str upstream, bool ok, struct str tools,
		      struct str detail)
{
	struct message m = {.kind = MESSAGE_DEFINITIONS};

	m.definitions.upstream = upstream;
	m.definitions.ok = ok && tools.n <= LIMIT_RESULT_BYTES;
	m.definitions.tools = m.definitions.ok ? tools : STR("");
	m.definitions.detail = str_slice(detail, 0, 256);
	if (d->is_orphaned) {
		return; /* the next governor asks for itself */
	}
	d->carrier.say(d->carrier.ctx, &m);
}

/* ---- secrets ---- */

static struct secret *find_secret(const struct desk *d, uint64_t lease)
{
	for (size_t i = 0; i < d->n_secrets; i++) {
		if (d->secrets[i].lease == lease) {
			return d->secrets[i].fields;
		}
	}
	return NULL;
}

struct str desk_secret(const struct desk *d, const struct desk_call *c)
{
	const struct held *h = (const struct held *)(const void *)c;
	const struct secret *s = h->lease ? find_secret(d, h->lease) : NULL;

	return s ? secret_view(s) : STR("");
}

static void begin(struct desk *d, struct held *h)
{
	h->state = STARTED;
	d->carrier.start(d->carrier.ctx, &h->c);
}

static void drop_secret(struct desk *d, uint64_t lease)
{
	for (size_t i = 0; i < d->n_secrets; i++) {
		if (d->secrets[i].lease == lease) {
			secret_free(d->secrets[i].fields);
			d->secrets[i] = d->secrets[--d->n_secrets];
			return;
		}
	}
}

static void hear_secret(struct desk *d, const struct msg_secret *m)
{
	struct err e = ERR_INIT;
	struct secret *s = NULL;

	drop_secret(d, m->lease);
	if (d->n_secrets == DESK_SECRETS_MAX || secret_of(m->fields, &s, &e) != RC_OK) {
		/* The calls that wait for it end at their send-by. */
		log_err("no room for the secret of lease %llu", (unsigned long long)m->lease);
		return;
	}
	d->secrets[d->n_secrets++] = (struct lease_secret){.lease = m->lease, .fields = s};
	for (struct held *h = d->first; h;) {
		struct held *next = h->next;

		/* Starting one call may end it, but never another. */
		if (h->state == WAITING && h->lease == m->lease) {
			begin(d, h);
		}
		h = next;
	}
}

/* ---- admissions ---- */

/* Calls are numbered by their leaves, and the governor admits each right after its leaf: an
 * admission that does not rise was handed in before. */
static bool was_seen(struct desk *d, uint64_t call)
{
	if (call <= d->last_call) {
		return true;
	}
	d->last_call = call;
	return false;
}

static bool is_digest_of(struct str digest, struct str args)
{
	uint8_t got[SHA256_DIGEST_LENGTH];

	(void)SHA256((const uint8_t *)args.p, args.n, got); /* returns its last parameter */
	return str_eq(digest, str_of(got, sizeof(got)));
}

static void too_late(struct loop_timer *t)
{
	struct held *h = t->ctx;

	give_up(h->desk, h, STR("send-by passed"));
}

/* A copy of what the message lends us. NULL: no memory. */
static struct held *take_in(struct desk *d, const struct msg_admission *m)
{
	struct held *h = mem_calloc(1, sizeof(*h));

	if (!h) {
		return NULL;
	}
	h->arena = (struct arena)ARENA_INIT(2 * (LIMIT_ARGS_BYTES + LIMIT_SPIFFE_ID_BYTES) + 8192);
	h->desk = d;
	h->lease = m->lease;
	h->late = (struct loop_timer){.fire = too_late, .ctx = h};
	h->c = (struct desk_call){
	    .call = m->call,
	    .send_by_boot_ns = m->send_by_boot_ns,
	    .agent = arena_str(&h->arena, m->agent),
	    .task = arena_str(&h->arena, m->task),
	    .upstream = arena_str(&h->arena, m->upstream),
	    .tool = arena_str(&h->arena, m->tool),
	    .args = arena_str(&h->arena, m->args),
	    .trace = arena_str(&h->arena, m->trace),
	    .trace_state = arena_str(&h->arena, m->trace_state),
	};
	if (!h->c.agent.p || !h->c.task.p || !h->c.upstream.p || !h->c.tool.p || !h->c.args.p ||
	    !h->c.trace.p || !h->c.trace_state.p ||
	    loop_timer_set(d->loop, &h->late, m->send_by_boot_ns) != RC_OK) {
		arena_fini(&h->arena);
		mem_free(h);
		return NULL;
	}
	h->prev = d->last;
	if (d->last) {
		d->last->next = h;
	} else {
		d->first = h;
	}
	d->last = h;
	d->n++;
	return h;
}

static const char *reason_to_refuse(const struct desk *d, const struct msg_admission *m)
{
	if (m->generation != d->generation) {
		return "an admission of another generation";
	}
	if (clock_boot_ns(loop_clock(d->loop)) > m->send_by_boot_ns) {
		return "send-by passed";
	}
	if (!is_digest_of(m->args_sha256, m->args)) {
		return "the arguments are not the admitted ones";
	}
	if (d->n == DESK_CALLS_MAX) {
		return "too many calls in hand";
	}
	return NULL;
}

static void hear_admission(struct desk *d, const struct msg_admission *m)
{
	const char *no;
	struct held *h;

	if (was_seen(d, m->call)) {
		log_err("call c%llu was admitted twice", (unsigned long long)m->call);
		return; /* invariant (2) */
	}
	no = reason_to_refuse(d, m);
	if (no) {
		say_outcome(d, m->call, OUTCOME_NOT_SENT, STR(""), str_from(no));
		return;
	}
	h = take_in(d, m);
	if (!h) {
		say_outcome(d, m->call, OUTCOME_NOT_SENT, STR(""), STR("out of memory"));
		return;
	}
	if (h->lease == 0 || find_secret(d, h->lease)) {
		begin(d, h);
	}
}

bool desk_commit(struct desk *d, struct desk_call *c)
{
	struct held *h = held_of(c);

	MUST(h->state == STARTED && !d->is_orphaned);
	if (clock_boot_ns(loop_clock(d->loop)) > c->send_by_boot_ns ||
	    (h->lease && !find_secret(d, h->lease))) {
		return false;
	}
	h->state = SENT;
	loop_timer_clear(d->loop, &h->late);
	return true;
}

bool desk_is_sent(const struct desk_call *c)
{
	const struct held *h = (const struct held *)(const void *)c;

	return h->state == SENT;
}

/* ---- fences ---- */

/* Is name "<upstream>___<tool>"? */
static bool is_tool_name(struct str name, struct str upstream, struct str tool)
{
	struct str middle = STR("___");

	return name.n == upstream.n + middle.n + tool.n && str_has_prefix(name, upstream) &&
	       str_has_prefix(str_slice(name, upstream.n, name.n), middle) &&
	       str_has_suffix(name, tool);
}

bool fence_covers(enum fence_scope scope, struct str name, struct str agent, struct str task,
		  struct str upstream, struct str tool)
{
	switch (scope) {
	case FENCE_EVERYTHING:
		return true;
	case FENCE_AGENT:
		return agent.n > 0 && str_eq(name, agent);
	case FENCE_TASK:
		return task.n > 0 && str_eq(name, task);
	case FENCE_UPSTREAM:
		return upstream.n > 0 && str_eq(name, upstream);
	case FENCE_TOOL:
		return tool.n > 0 && is_tool_name(name, upstream, tool);
	}
	return true; /* a scope from the future: stop everything */
}

static bool covers(const struct msg_fence *m, const struct held *h)
{
	return fence_covers((enum fence_scope)m->scope, m->name, h->c.agent, h->c.task,
			    h->c.upstream, h->c.tool);
}

static void hear_fence(struct desk *d, const struct msg_fence *m)
{
	AUTO_BUF calls = BUF_INIT(8 * DESK_CALLS_MAX);
	struct message answer = {.kind = MESSAGE_FENCED};
	enum rc rc = RC_OK;

	for (struct held *h = d->first; h;) {
		struct held *next = h->next;

		if (!covers(m, h)) {
			/* goes on */
		} else if (h->state != SENT) {
			give_up(d, h, STR("fenced"));
		} else if (d->carrier.recall && d->carrier.recall(d->carrier.ctx, &h->c)) {
			desk_recalled(d, &h->c, STR("fenced"));
		} else if (rc == RC_OK) {
			rc = buf_add_u64(&calls, h->c.call);
		}
		h = next;
	}
	d->carrier.fence(d->carrier.ctx, (enum fence_scope)m->scope, m->name);
	/* Without the list there is no true answer: the role ends and is counted as killed. */
	MUST(rc == RC_OK);
	answer.fenced.fence = m->fence;
	answer.fenced.calls = buf_view(&calls);
	d->carrier.say(d->carrier.ctx, &answer);
}

/* ---- without a governor ---- */

void desk_governor_lost(struct desk *d)
{
	d->is_orphaned = true;
	for (struct held *h = d->first; h;) {
		struct held *next = h->next;

		if (h->state != SENT) {
			give_up(d, h, STR("the governor ended"));
		}
		h = next;
	}
}

_Static_assert(2 * DESK_CALLS_MAX * 8 <= 65536, "IN_FLIGHT has room for all");

void desk_governor_found(struct desk *d, uint64_t generation)
{
	AUTO_BUF calls = BUF_INIT(65536);
	struct message m = {.kind = MESSAGE_IN_FLIGHT};
	enum rc rc = RC_OK;

	d->generation = generation;
	d->is_orphaned = false;
	for (const struct held *h = d->first; h && rc == RC_OK; h = h->next) {
		rc = h->state == SENT ? buf_add_u64(&calls, h->c.call) : RC_OK;
	}
	for (size_t i = 0; i < d->kept.n && rc == RC_OK; i++) {
		rc = buf_add_u64(&calls, d->kept.p[i].call);
	}
	/* A list that is not whole would call others unknown: true, and all that can be said. */
	if (rc != RC_OK) {
		log_err("not every call in hand could be listed");
	}
	m.in_flight.calls = buf_view(&calls);
	d->carrier.say(d->carrier.ctx, &m);
	for (size_t i = 0; i < d->kept.n; i++) {
		const struct kept *k = &d->kept.p[i];

		say_outcome(d, k->call, k->kind, k->result, str_from(k->detail));
	}
	drop_kept(d);
}

bool desk_hear(struct desk *d, const struct message *m)
{
	if (m->kind == MESSAGE_ADMISSION) {
		hear_admission(d, &m->admission);
	} else if (m->kind == MESSAGE_SECRET) {
		hear_secret(d, &m->secret);
	} else if (m->kind == MESSAGE_SECRET_DROP) {
		drop_secret(d, m->secret_drop.lease);
	} else if (m->kind == MESSAGE_FENCE) {
		hear_fence(d, &m->fence);
	} else if (m->kind == MESSAGE_LIST_DEFINITIONS) {
		d->carrier.list(d->carrier.ctx, m->list_definitions.upstream);
	} else {
		return false;
	}
	return true;
}
