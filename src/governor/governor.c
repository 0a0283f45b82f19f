/* SPDX-License-Identifier: Apache-2.0 */
/* governor/governor.c - the governor from birth to end, in whatever world it was given.
 *
 * Trust:  holds the log directory, the policies and the open data keys; no socket to the world, no
 *         root credential, no unparsed network bytes.
 * Holds:  (1) messages queued in a round leave only after the round's commit (loop phases).
 *         (2) a failed commit ends it without sending anything of the round.
 *         (3) nobody but the keeper is listened to before governor_begin is through: nothing is
 *             judged before there are keys, before this life is announced and before the last
 *             one's calls are closed.
 *         (4) a log that does not hold what the keeper signed last does nothing: neither an older
 *             image of it nor another one.
 * States: OPEN (keys are on their way) -all keys, governor_begin-> READY;  any failure of the log,
 *         or a peer that ends -> BROKEN.
 */
#include "governor/governor.h"

#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "governor/checkpoint.h"
#include "governor/snapshots.h"
#include "governor/gov.h"

/* ---- messages ---- */

static void on_agents(void *ctx, struct channel *c, const struct message *m)
{
	struct governor *g = ctx;

	(void)c; /* there is one front for agents */
	clock_watch(g);
	if (g->is_broken) {
		return;
	}
	switch ((int)m->kind) {
	case MESSAGE_CALL:
		calls_on_call(g, &m->call);
		break;
	case MESSAGE_WITHDRAW:
		calls_on_withdraw(g, &m->withdraw);
		break;
	case MESSAGE_TOOLS:
		calls_on_tools(g, &m->tools);
		break;
	case MESSAGE_OUTCOME:
		calls_on_outcome(g, &m->outcome, false);
		break;
	case MESSAGE_IN_FLIGHT:
		senders_on_in_flight(g, &m->in_flight, false);
		break;
	case MESSAGE_DEFINITIONS:
		definitions_on_answer(g, &m->definitions);
		break;
	case MESSAGE_FENCED:
		stop_on_fenced(g, &m->fenced, false);
		break;
	case MESSAGE_REFUSED:
		refusals_on_refused(g, &m->refused);
		break;
	default:
		break; /* the channel lets nothing else through */
	}
}

static void on_runner(void *ctx, struct channel *c, const struct message *m)
{
	struct governor *g = ctx;

	(void)c; /* there is one runner */
	clock_watch(g);
	if (g->is_broken) {
		return;
	}
	switch ((int)m->kind) {
	case MESSAGE_OUTCOME:
		calls_on_outcome(g, &m->outcome, true);
		break;
	case MESSAGE_IN_FLIGHT:
		senders_on_in_flight(g, &m->in_flight, true);
		break;
	case MESSAGE_DEFINITIONS:
		definitions_on_answer(g, &m->definitions);
		break;
	case MESSAGE_FENCED:
		stop_on_fenced(g, &m->fenced, true);
		break;
	default:
		break; /* the channel lets nothing else through */
	}
}

/* Sources could fill what is left for refusals and stops; they report again. */
static bool lets_report(struct governor *g, uint64_t req)
{
	if (state_sends_nothing(g->state)) {
		people_reply_unavailable(g, req);
		return false;
	}
	return true;
}

static void on_people(void *ctx, struct channel *c, const struct message *m)
{
	struct governor *g = ctx;

	(void)c; /* there is one front for people */
	clock_watch(g);
	if (g->is_broken) {
		return;
	}
	switch ((int)m->kind) {
	case MESSAGE_COMMAND:
		people_on_command(g, &m->command);
		break;
	case MESSAGE_INCIDENT:
		if (lets_report(g, m->incident.req)) {
			incidents_on_event(g, &m->incident);
		}
		break;
	case MESSAGE_SIGNAL:
		if (lets_report(g, m->signal.req)) {
			signals_on_report(g, &m->signal);
		}
		break;
	case MESSAGE_REFUSED:
		refusals_on_refused(g, &m->refused);
		break;
	default:
		break; /* the channel lets nothing else through */
	}
}

/* The first word of a keeper. */
static void take_anchor(struct governor *g, const struct msg_anchor *m)
{
	if (m->root.n == TLOG_HASH_BYTES) {
		g->anchor.is_known = true;
		g->anchor.size = m->size;
		memcpy(g->anchor.root.bytes, m->root.p, TLOG_HASH_BYTES);
	}
}

static void on_keeper(void *ctx, struct channel *c, const struct message *m)
{
	struct governor *g = ctx;

	if (g->is_broken) {
		return;
	}
	switch ((int)m->kind) {
	case MESSAGE_KEY_READY:
		vault_on_key(g->vault, c, &m->key_ready);
		evidence_on_key(g, &m->key_ready);
		keys_on_key(g);
		break;
	case MESSAGE_ANCHOR:
		take_anchor(g, &m->anchor);
		break;
	case MESSAGE_SIGNATURE:
		checkpointer_on_signature(g->checkpointer, &m->signature);
		break;
	case MESSAGE_LEASE_ISSUED:
		leases_on_issued(g, &m->lease_issued);
		break;
	case MESSAGE_LEASE_REVOKED:
		leases_on_revoked(g, &m->lease_revoked);
		break;
	case MESSAGE_LEASE_FOUND:
		leases_on_found(g, &m->lease_found);
		break;
	default:
		break; /* the channel lets nothing else through */
	}
}

static void on_courier(void *ctx, struct channel *c, const struct message *m)
{
	struct governor *g = ctx;

	(void)c; /* there is one courier */
	if (g->is_broken) {
		return;
	}
	if (m->kind == MESSAGE_NOTIFIED) {
		notify_on_notified(g, &m->notified);
	} else if (m->kind == MESSAGE_WITNESS_ANSWER) {
		witness_on_answer(g, &m->witness_answer);
	}
}

static void on_store(void *ctx, struct channel *c, const struct message *m)
{
	struct governor *g = ctx;

	(void)c; /* there is one store */
	if (!g->is_broken) {
		evidence_on_store(g, m);
	}
}

/* ---- rounds and ticks ---- */

static void end_of_round(void *ctx)
{
	struct governor *g = ctx;
	struct err e = ERR_INIT;

	if (book_has_pending(g->book) && !g->is_broken && book_commit(g->book, &e) != RC_OK) {
		log_err("the log cannot be written, so nothing is done any more: %s", e.msg);
		g->is_broken = true;
	}
	health_after_commit(g);
	if (g->is_broken) {
		/* Nothing of this round may leave: the channels are closed before they flush. */
		channel_free(TAKE(g->agents));
		channel_free(TAKE(g->people));
		channel_free(TAKE(g->keeper));
		channel_free(TAKE(g->runner));
		channel_free(TAKE(g->courier));
		channel_free(TAKE(g->store));
		loop_stop(g->loop);
	}
	arena_reset(&g->round);
}

static void tick(struct loop_timer *t)
{
	struct governor *g = t->ctx;

	clock_watch(g);
	approvals_tick(g);
	escalate_tick(g);
	break_glass_tick(g);
	notify_tick(g);
	senders_tick(g);
	leases_tick(g);
	if (!state_sends_nothing(g->state)) {
		terms_tick(g);
		routing_tick(g);
		rollback_all_tick(g);
		rehearsals_tick(g);
		rollback_tick(g);
		verify_tick(g);
	}
	tasks_tick(g);
	stop_tick(g);
	refusals_tick(g);
	room_tick(g);
	witness_tick(g);
	snapshots_look(g);
	shards_tick(g);
	erase_tick(g);
	health_tick(g);
	keys_tick(g);
	kept_tick(g);
	evidence_tick(g);
	if (loop_timer_in(g->loop, &g->tick, GOVERNOR_TICK_MS) != RC_OK) {
		log_err("no memory for the clock: deadlines would be missed");
		g->is_broken = true;
	}
}

static void refresh(struct loop_timer *t)
{
	struct governor *g = t->ctx;

	definitions_refresh(g);
	if (loop_timer_in(g->loop, &g->refresh, definitions_interval_ms(g)) != RC_OK) {
		log_err("no memory for a timer: definitions are not read again");
	}
}

/* ---- birth ---- */

static enum rc open_state(struct governor *g, struct err *e)
{
	TRY(state_at_start(g, e));
	return keys_open(g, e);
}

static enum rc connect_keeper(struct governor *g, struct err *e)
{
	return roles_link_keeper(g, on_keeper, e);
}

/* What they have said meanwhile waits in their sockets. */
static enum rc connect_others(struct governor *g, struct err *e)
{
	const struct role_hearers hear = {
	    .agents = on_agents,
	    .runner = on_runner,
	    .people = on_people,
	    .courier = on_courier,
	    .store = on_store,
	};

	TRY(roles_link(g, &hear, e));
	health_tell(g);
	return RC_OK;
}

/* (4) What was signed last must be in the log that was found. */
static enum rc check_anchor(const struct governor *g, struct err *e)
{
	uint64_t size = book_durable_size(g->book);

	if (size < g->anchor.size) {
		FAIL(e, RC_BROKEN,
		     "rollback: the log has %llu leaves, and one of %llu was signed: this is an "
		     "older image of it",
		     (unsigned long long)size, (unsigned long long)g->anchor.size);
	}
	return RC_OK;
}

/* The first facts of this life. */
static enum rc announce(struct governor *g, struct err *e)
{
	struct leaf started = {
	    .kind = LEAF_STARTED,
	    .started = {.generation = state_generation(g->state) + 1,
			.loaded = g->deployment->read_unix_ms,
			.software = STR("remit " REMIT_VERSION)},
	};
	struct leaf bundle = {
	    .kind = LEAF_BUNDLE_ACTIVATED,
	    .bundle_activated =
		{
		    .by = STR("start"),
		    .agents = g->bundle->n_agents,
		    .tools = g->bundle->n_tools,
		},
	};

	memcpy(bundle.bundle_activated.digest.bytes, g->bundle->digest, 32);
	TRY(bundles_keep(g->world.bundles, &bundle.bundle_activated.digest,
			 g->deployment->canonical, e));
	TRY(clock_watch_start(g, &started.started));
	TRY(book_record(g->book, &started, VAULT_LIFE_KEY, NULL, 0, &g->began_ix, e));
	if (memcmp(state_bundle(g->state)->bytes, g->bundle->digest, 32) != 0) {
		TRY(book_record(g->book, &bundle, VAULT_LIFE_KEY, NULL, 0, NULL, e));
		approvals_void_all(g); /* what was approved was approved under other rules */
	}
	TRY(inventory_start(g, e));
	stop_recover(g);
	TRY(senders_recover(g, e));
	return book_commit(g->book, e);
}

static enum rc start_checkpoints(struct governor *g, struct err *e)
{
	const struct governor_world *w = &g->world;

	if (!w->publish_dir) {
		return RC_OK;
	}
	return checkpointer_new(g->loop, g->book, w->publish_dir, w->vkey, &g->keeper,
				w->has_thread, &g->checkpointer, e);
}

static enum rc open_all(struct governor *g, struct err *e)
{
	TRY(open_state(g, e));
	TRY(evidence_desk_new(g, e));
	loop_hook_add(g->loop, &g->commit);
	TRY(connect_keeper(g, e));
	vault_start(g->vault, g->keeper);
	channel_flush(g->keeper);
	return RC_OK;
}

enum rc governor_open(const struct governor_world *w, struct governor **ret, struct err *e)
{
	struct governor *g = mem_calloc(1, sizeof(*g));
	enum rc rc;

	if (!g) {
		FAIL(e, RC_NOMEM, "no memory for the governor");
	}
	g->world = *w;
	g->env = w->env;
	g->loop = w->env->loop;
	g->clock = &w->env->clock;
	g->deployment = w->deployment;
	g->bundle = w->deployment->bundle;
	g->round = (struct arena)ARENA_INIT(GOVERNOR_ROUND_BYTES);
	g->next_request_id = 1;
	/* Answers that were meant for an earlier governor find nobody here. */
	g->next_fence = g->env->generation << 32 | 1;
	g->next_note_id = g->env->generation << 32;
	g->tick = (struct loop_timer){.fire = tick, .ctx = g};
	g->refresh = (struct loop_timer){.fire = refresh, .ctx = g};
	g->commit = (struct loop_hook){.run = end_of_round, .ctx = g, .phase = LOOP_COMMIT};
	rc = open_all(g, e);
	if (rc != RC_OK) {
		governor_free(g);
		return rc;
	}
	*ret = g;
	return RC_OK;
}

bool governor_has_keys(struct governor *g)
{
	return keys_are_there(g) && g->anchor.is_known;
}

bool governor_lacks_keys(const struct governor *g, const char **ret_why)
{
	return vault_has_failed(g->vault, ret_why);
}

enum rc governor_begin(struct governor *g, struct err *e)
{
	TRY(check_anchor(g, e));
	TRY(announce(g, e));
	TRY(start_checkpoints(g, e));
	if (g->checkpointer) {
		TRY(checkpointer_holds(g->checkpointer, g->anchor.size, &g->anchor.root, e));
	}
	TRY(witness_start(g, e));
	TRY(snapshots_begin(g, e));
	health_start(g);
	TRY(book_commit(g->book, e));
	TRY(connect_others(g, e));
	stop_fence_again(g);
	clock_watch_recover(g);
	leases_recover(g);
	terms_recover(g);
	verify_recover(g);
	routing_follow_all(g);
	evidence_recover(g);
	definitions_refresh(g);
	TRY(loop_timer_in(g->loop, &g->tick, GOVERNOR_TICK_MS));
	TRY(loop_timer_in(g->loop, &g->refresh, definitions_interval_ms(g)));
	g->is_ready = true;
	return RC_OK;
}

void governor_step(struct governor *g)
{
	if (g->checkpointer && !g->is_broken) {
		checkpointer_step(g->checkpointer);
	}
	if (g->snapshots && !g->is_broken) {
		snapshots_step(g->snapshots);
	}
}

bool governor_is_broken(const struct governor *g)
{
	return g->is_broken || (g->checkpointer && checkpointer_is_broken(g->checkpointer));
}

uint64_t governor_durable_size(const struct governor *g)
{
	return book_durable_size(g->book);
}

const struct state *governor_state(const struct governor *g)
{
	return g->state;
}

void governor_free(struct governor *g)
{
	if (!g) {
		return;
	}
	loop_hook_remove(g->loop, &g->commit);
	checkpointer_free(g->checkpointer);
	witness_free(g);
	snapshots_free(g->snapshots);
	refusal_pace_fini(&g->refusals);
	calls_free_all(g);
	kept_free_all(g);
	notify_free_all(g);
	stop_free_all(g);
	loop_timer_clear(g->loop, &g->tick);
	loop_timer_clear(g->loop, &g->refresh);
	channel_free(g->agents);
	channel_free(g->people);
	channel_free(g->keeper);
	channel_free(g->runner);
	channel_free(g->courier);
	channel_free(g->store);
	evidence_desk_free(g->evidence);
	book_free(g->book);
	keys_drop_readings(g);
	mem_free(g->readings);
	vault_free(g->vault);
	state_free(g->state);
	arena_fini(&g->round);
	vec_fini(&g->draining);
	vec_fini(&g->paces);
	vec_fini(&g->revoking);
	vec_fini(&g->going_back);
	vec_fini(&g->checks);
	mem_free(g);
}
