/* SPDX-License-Identifier: Apache-2.0 */
/* drill/sim_impl.h - inside of struct sim, for sim*.c only. */
#pragma once

#include "drill/sim.h"
#include "governor/segment.h"
#include "net/loop.h"
#include "sender/desk.h"

enum { SIM_KEEPER, SIM_AGENTS, SIM_PEOPLE, SIM_RUNNER, SIM_COURIER, SIM_STORE, SIM_PARTIES };

/* What the two senders are. */
struct sim_sender {
	struct sim *s;
	size_t party;
	struct desk *desk;
	uint64_t born; /* generation of its process */
	/* started and waiting, or sent and not answered */
	VEC(struct sim_flight {
		struct desk_call *c; /* NULL: over */
		uint64_t begun_at_ns;
		uint64_t act_at_ns;
		uint64_t answer_at_ns;
		bool is_sent;
		enum outcome_kind kind;
		struct str result; /* heap */
	})
	flights;
};

enum { SIM_OBJECT_BYTES = 64 << 20 };

struct sim_object {
	uint8_t name[32]; /* first: they are sorted by it */
	uint8_t key[32];
	struct str bytes;
};

struct sim_credential {
	uint64_t lease;
	struct str backend;
	struct str name;
	struct str task;
};

struct sim {
	struct sim_options o;
	struct arena arena; /* what was heard */
	uint64_t random;
	struct rand rand;
	struct clock clock;
	uint64_t unix_ms;
	uint64_t boot_ns;
	struct loop *loop;
	struct disk *segments;
	struct disk *keys;
	struct disk *emergency;
	struct log_io emergency_io;
	struct log_io segments_io;
	struct log_io keys_io;
	struct disk *bundles;
	struct log_io bundles_io;
	struct disk *snapshots;
	struct log_io snapshots_io;

	/* of one life */
	struct role_env env;
	struct role_peer peers[SIM_PARTIES];
	struct role_plug plugs[SIM_PARTIES];
	struct governor *governor;
	struct channel *c[SIM_PARTIES];
	struct sim_sender senders[2]; /* agents' front, runner */
	uint64_t handover_ms;
	uint64_t handover_at_ns;
	int handover_fds[SIM_PARTIES]; /* of senders that have not found the governor yet; else 0 */
	uint64_t generation;
	bool is_gone;
	VEC(size_t) said; /* effects whose outcome was said in this settling */

	/* the others */
	struct {
		struct str upstream;
		enum sim_mood mood;
	} moods[SIM_UPSTREAMS_MAX];
	size_t n_moods;
	bool refuses_leases;
	bool refuses_revocation;
	bool refuses_signing;
	VEC(struct sim_credential) credentials;
	VEC(struct sim_definition {
		struct str upstream;
		struct str tool;
		struct str text;
	})
	definitions;

	struct segment_reader *reader; /* behind the last of leaves; NULL = not open */
	VEC(struct str) leaves;	       /* durable ones, as far as somebody looked */
	VEC(struct sim_object) objects;
	uint64_t n_stored; /* ever */
	struct buf arriving;
	uint64_t arriving_req;
	uint64_t arriving_size;
	uint8_t arriving_key[32];

	uint64_t next_req;
	uint64_t next_order;
	bool is_busy; /* somebody did something in this round */
	VEC(struct sim_reply) replies;
	VEC(struct sim_waiting {
		uint64_t req;
		uint64_t since_boot_ns;
		bool is_agents;
	})
	waiting; /* for an answer, the oldest first */
	VEC(struct sim_note) notes;
	VEC(struct sim_effect) effects;
};

enum sim_mood sim_mood_of(const struct sim *s, struct str upstream);
/* A copy that lives as long as the simulation. */
struct str sim_keep(struct sim *s, struct str text);
/* Sends, or finds out in the next round that the governor is gone. */
void sim_say(struct sim *s, size_t party, const struct message *m);

/* ---- sim_keeper.c ---- */
/* It has signed nothing. */
void sim_keeper_begins(struct sim *s);
void sim_keeper_hears(struct sim *s, const struct message *m);
/* ---- sim_store.c ---- */
void sim_store_hears(struct sim *s, const struct message *m);
void sim_store_forget_unfinished(struct sim *s);
/* ---- sim_sender.c ---- */
enum rc sim_senders_start(struct sim *s, struct err *e);
void sim_senders_end(struct sim *s);
enum rc sim_sender_start(struct sim *s, bool is_runner, struct err *e);
void sim_sender_end(struct sim *s, bool is_runner);
bool sim_senders_live(const struct sim *s);
/* The governor ended, and they did not; another one is there, and they speak with it. */
void sim_senders_lost(struct sim *s);
void sim_senders_found(struct sim *s);
/* What was said in this settling was heard, or not, since the governor went. */
void sim_senders_heard(struct sim *s, bool was_heard);
/* What is due now is done and answered. */
void sim_senders_work(struct sim *s);
/* ADMISSION, FENCE, LIST_DEFINITIONS. */
void sim_sender_hears(struct sim *s, size_t party, const struct message *m);
