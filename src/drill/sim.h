/* SPDX-License-Identifier: Apache-2.0 */
/* drill/sim.h - a governor in a world that is made up.
 *
 * The governor is the real one (governor/governor.h), with its real log, keys, loop, channels and
 * the real desk of its senders (sender/desk.h). Made up are the clock, the disk, randomness, and
 * who sits at the other ends: the agents' front, the people's front, the keeper with its backends,
 * the courier, and the upstreams, whose tools are a function of the caller (sim_tool_fn).
 *
 * One thread; nothing happens but in sim_settle and sim_pass, which run rounds of the loop. What a
 * simulation does depends on its seed and on what is asked of it, and on nothing else: the same
 * gives the same log, byte for byte.
 *
 * A crash drops the governor where it stands, and the disk forgets a part of what was not synced.
 */
#pragma once

#include "base/arena.h"
#include "base/vec.h"
#include "core/command.h"
#include "core/leaf.h"
#include "drill/disk.h"
#include "governor/governor.h"
#include "net/message.h"

struct deployment;
struct sim;

/* A call that reaches its upstream. Borrowed for the call. */
struct sim_act {
	uint64_t call; /* index of call.decided */
	struct str agent;
	struct str task;
	struct str upstream;
	struct str tool;
	struct str args; /* canonical JSON */
};
/* What the tool does. Appends the text of its answer to result; true when it did its work. */
typedef bool sim_tool_fn(void *ctx, const struct sim_act *a, struct buf *result);

/* How an upstream behaves. */
enum sim_mood {
	SIM_UP = 0,
	SIM_SLOW,  /* does its work at once, answers after SIM_SLOW_MS */
	SIM_STUCK, /* holds what it was given, unsent, and tries when its send-by has passed */
	SIM_DOWN,  /* cannot be reached */
	SIM_ERROR, /* answers that it failed, and did nothing */
	SIM_LOST,  /* does its work; the answer is lost when it changed something */
	SIM_MOODS
};
const char *sim_mood_name(enum sim_mood m);
bool sim_mood_parse(struct str name, enum sim_mood *ret) MUST_USE;

enum { SIM_SLOW_MS = 45000, SIM_UPSTREAMS_MAX = 64 };

/* Where the log is published, on the real disk, and the part of the keeper that signs it. A log
 * that is published has snapshots, which lives begin with. */
struct sim_publishing {
	const char *dir;
	struct str vkey; /* the log's public key */
	/* A keeper speaks with a governor that begins. */
	void (*begins)(void *ctx, struct msg_anchor *ret);
	/* SIGN, LEASE_ISSUE and LEASE_PROOF; true: *ret is its answer, borrowed until the next. */
	bool (*hears)(void *ctx, const struct message *m, struct message *ret);
	void *ctx;
};

struct sim_options {
	struct deployment *deployment; /* borrowed until sim_free */
	uint64_t seed;
	uint64_t unix_ms; /* wall clock at the start */
	sim_tool_fn *tool;
	void *ctx;
	const struct sim_publishing *publishing; /* borrowed; NULL = nothing is published */
};

/* What was heard by somebody; strings are the simulation's, until sim_free. */
struct sim_reply {
	uint64_t req;
	uint32_t code; /* rpc_code, or HTTP status */
	struct str text;
};
struct sim_note {
	struct str notifier;
	struct str body;
	uint64_t unix_ms;
};
/* Something was done to an upstream. */
struct sim_effect {
	uint64_t call;
	uint64_t unix_ms;
	uint64_t order;	       /* counts effects and acknowledgements of stops alike */
	uint64_t durable_size; /* leaves that were durable at that moment */
	struct str tool;       /* public name */
	bool was_done;	       /* the tool did its work */
	bool is_late;	       /* its send-by had passed */
	uint64_t waited_ms;    /* since its sender had it in hand */
	bool is_said;	       /* its sender has said what came of it, */
	uint8_t outcome;       /* enum outcome_kind, namely this, */
	bool is_heard;	       /* and a governor that lived on has heard it */
	struct str agent;
	struct str task;
	struct str args; /* canonical JSON, as they arrived */
};

enum rc sim_new(const struct sim_options *o, struct sim **ret, struct err *e);
void sim_free(struct sim *s);

/* ---- the machine ---- */
/* Starts a governor on what the disk has. RC_BROKEN and the like: it does not come up. */
enum rc sim_start(struct sim *s, struct err *e);
bool sim_is_up(const struct sim *s);
enum sim_end {
	SIM_END_PROCESS,  /* kill -9 of all: what was written stays */
	SIM_END_POWER,	  /* what was not synced may be lost */
	SIM_END_GOVERNOR, /* kill -9 of the governor: its senders live on, with what they sent */
};
void sim_crash(struct sim *s, enum sim_end how);
/* How long senders that live on wait, after the next sim_start, before they say what they have. */
void sim_set_handover(struct sim *s, uint64_t ms);
/* The runner, or the agents' front, is killed alone and started again: what it had sent and was not
 * answered is known to nobody. Nothing while there is no governor that it has found. */
void sim_restart_sender(struct sim *s, bool is_runner);
/* Runs rounds until nobody has anything left to do at this moment. */
void sim_settle(struct sim *s);
/* Lets time pass, in steps that are small beside it and at least the governor's tick. */
void sim_pass(struct sim *s, uint64_t ms);
/* One of the clocks jumps: wall time by so much, with no time passing. */
void sim_jump(struct sim *s, int64_t ms);
uint64_t sim_unix_ms(const struct sim *s);
uint64_t sim_boot_ms(const struct sim *s); /* does not jump */
struct disk *sim_disk(struct sim *s);	   /* of the log */
struct disk *sim_keys_disk(struct sim *s);
struct disk *sim_emergency_disk(struct sim *s);	    /* where the log goes on when it must */
const struct state *sim_state(const struct sim *s); /* NULL while it is down */
const struct bundle *sim_bundle(const struct sim *s);
/* The deployment of the next sim_start. */
void sim_use(struct sim *s, struct deployment *d);
uint64_t sim_random(struct sim *s);

/* ---- how the others behave ---- */
void sim_set_mood(struct sim *s, struct str upstream, enum sim_mood mood);
void sim_set_keeper(struct sim *s, bool gives_leases, bool revokes);
/* Can it record what it signs? */
void sim_set_signing(struct sim *s, bool works);
/* The upstream lists this definition (JSON) for its tool instead of the catalog's; "" = again the
 * catalog's. Copied. */
enum rc sim_redefine(struct sim *s, struct str upstream, struct str tool, struct str definition);

/* ---- speaking ----
 * Each returns the number under which the answer is found, after sim_settle. While no governor is
 * there an agent's call is answered as the front does it (audit_unavailable), a person's with 503.
 */
uint64_t sim_call(struct sim *s, struct str agent, const uint8_t key_sha256[32], struct str task,
		  struct str tool, struct str args, uint32_t hold_ms);
/* A sender that was taken over says what came of a call that it need not have. Not among what is
 * said (sim_effect.is_said). */
void sim_lie(struct sim *s, bool is_runner, uint64_t call, enum outcome_kind kind);
/* Does that sender know an earlier governor than this? */
bool sim_sender_is_elder(const struct sim *s, bool is_runner);
uint64_t sim_command(struct sim *s, uint32_t uid, enum command_verb verb, struct str body);
uint64_t sim_incident(struct sim *s, struct str source, struct str body);
uint64_t sim_signal(struct sim *s, struct str source, struct str body);
const struct sim_reply *sim_reply_of(const struct sim *s, uint64_t req);

/* How long the oldest that is not answered waits, by the clock that does not jump; 0 = none. */
uint64_t sim_longest_wait_ms(const struct sim *s);

/* ---- looking ---- */
size_t sim_n_effects(const struct sim *s);
const struct sim_effect *sim_effect_at(const struct sim *s, size_t i);
size_t sim_n_notes(const struct sim *s);
const struct sim_note *sim_note_at(const struct sim *s, size_t i);
/* Credentials that exist at the backends now. */
size_t sim_n_credentials(const struct sim *s);
uint64_t sim_credential_lease(const struct sim *s, size_t i); /* that it was made for */
/* Leaves that are durable. */
uint64_t sim_log_size(const struct sim *s);
/* The next order number, as in struct sim_effect. */
uint64_t sim_next_order(struct sim *s);
/* Calls leaf() for each durable leaf from first on; anything but RC_OK ends it and is returned. */
typedef enum rc sim_leaf_fn(void *ctx, uint64_t index, struct str bytes, struct err *e);
enum rc sim_leaves(struct sim *s, uint64_t first, sim_leaf_fn *leaf, void *ctx, struct err *e);
/* Its log for an audit, as far as it is durable; the simulation outlives it. */
struct audit_files;
enum rc sim_files(struct sim *s, struct audit_files **ret, struct err *e);
/* Every decision in the log is made again (audit/audit.h), and what it cites and ends is looked at
 * (core/log_lint.h). RC_BROKEN when something is not as it must be: e says what. *ret_n counts
 * them. Only while it is up. */
enum rc sim_audit(struct sim *s, uint64_t *ret_n, struct err *e);
/* As sim_leaves, from the disk, all of them, whatever was read before. */
enum rc sim_reread(struct sim *s, sim_leaf_fn *leaf, void *ctx, struct err *e);
