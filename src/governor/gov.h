/* SPDX-License-Identifier: Apache-2.0 */
/* governor/gov.h - what the files of the governor share.
 *
 * One thread, one order. A handler turns a message into facts (book_record) and messages
 * (channel_send). Facts are applied to the state at once and made durable together at the end of
 * the loop's round (LOOP_COMMIT); messages leave only after that (LOOP_FLUSH). So nothing is ever
 * said to anybody that is not on disk, and a failed commit says nothing at all: the role ends.
 *
 * Two kinds of work in progress live here and not in the log: requests (somebody is waiting for an
 * answer) and flights (an allowed call whose outcome is not known yet). Both can be lost with the
 * process: requests are asked again, flights are closed as unknown at the next start.
 */
#pragma once

#include <tlog.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/vec.h"
#include "codec/json.h"
#include "config/deployment.h"
#include "core/command.h"
#include "core/decide.h"
#include "core/incident.h"
#include "core/known.h"
#include "core/recompute.h"
#include "governor/book.h"
#include "governor/governor.h"
#include "governor/prune.h"
#include "governor/refusal_pace.h"
#include "governor/vault.h"
#include "net/channel.h"
#include "net/loop.h"
#include "net/role.h"

enum {
	GOVERNOR_MAX_REQUESTS = 65536, /* live ones; beyond it a call is refused with `limit` */
	GOVERNOR_MAX_FLIGHTS = 65536,
	GOVERNOR_TICK_MS = 50,	    /* how late a deadline may be noticed */
	GOVERNOR_SEND_BY_MS = 2000, /* life of an admission */
	GOVERNOR_DRAIN_MS = 2000,   /* how long a task's end waits for calls under way */
	GOVERNOR_LEASE_CREATE_MS = 10000,
	GOVERNOR_ESCALATION_MS = 250, /* between looks at ladders and rotas */
	GOVERNOR_KILL_WAIT_MS = 2000, /* for senders to say what was already sent */
	GOVERNOR_HANDOVER_MS = 2000,  /* for senders of an earlier life to say what they have */
	GOVERNOR_ROLLBACK_MS = 30 * 60 * 1000, /* a rollback that is not done then has failed */
	GOVERNOR_ROLLBACKS = 16,	       /* with a call under way at a time */
	GOVERNOR_READ_BACK_MS = 120 * 1000,    /* how long it is tried to read an effect back */
	GOVERNOR_SETTLE_MS = 500,	       /* between looks at an effect that may still show */
	GOVERNOR_RETRY_MOST_MS = 60 * 1000,    /* between attempts, at most */
	GOVERNOR_ROUND_BYTES = 64 * 1024 * 1024, /* scratch memory of one round */
};

enum waiting {
	WAITING_NONE = 0,
	WAITING_CAPTURE,
	WAITING_EVIDENCE,
	WAITING_APPROVAL,
	WAITING_LEASE,
	WAITING_OUTCOME
};

/* A call that somebody is waiting for. Owned by the list in struct governor. */
struct request {
	struct request *next;
	struct request *prev;
	struct governor *g;
	uint64_t id;	    /* ours, never reused in one life */
	uint64_t req;	    /* the front's number */
	struct arena arena; /* all strings below */
	struct str agent;
	struct digest key;
	uint64_t task;
	struct str tool;
	struct str args_text; /* canonical */
	const struct json *args;
	struct digest tag;
	struct str trace; /* as it goes on; a leaf has its id only */
	struct str trace_state;
	struct str source;
	struct str person; /* who acts by break-glass; "" = an agent asks, and reads the answer */
	struct str cited;  /* the approval that the agent says it has, "" = none */
	enum waiting waiting;
	uint64_t approval;   /* it waits for, or last asked for */
	uint64_t lease;	     /* it waits for */
	struct str pre_text; /* captured state, JSON; p == NULL = not captured */
	const struct json *pre;
	const struct json
	    *use;	   /* what was read about whether the target is in use; NULL = nothing */
	uint64_t evidence; /* the capture call */
	uint64_t use_call; /* that read `use` */
	uint64_t leaf;	   /* the decision, when it is recorded, */
	struct tlog_hash leaf_hash; /* and that leaf's hash in the tree */
	uint64_t judged_unix_ms;    /* when it was judged last, */
	uint64_t judged_on;	    /* and how many leaves the state had */
	bool is_preserved;	    /* the tool's `preserve` reads were made for it */
	uint64_t hold_until_ns;	    /* boot clock */
	struct loop_timer hold;
};

enum purpose {
	PURPOSE_AGENT = 0,
	PURPOSE_CAPTURE,
	PURPOSE_VERIFY,
	PURPOSE_ROLLBACK,
	PURPOSE_PRESERVE,
	PURPOSE_REHEARSE,
};

/* An allowed call on its way. Owned by the map in struct governor. */
struct flight {
	uint64_t call;
	enum purpose purpose;
	struct arena arena;
	struct str agent;
	uint64_t task;
	struct str tool;
	uint64_t lease;
	uint64_t request; /* id of the request that waits for it, 0 = none */
	uint64_t about;	  /* verify: the call it checks; rollback and its checks: the term */
	enum way_back_step {
		STEP_NONE = 0,
		STEP_CHECK, /* is the target still in the state we set? */
		STEP_UNDO,
		STEP_CONFIRM, /* is the inverse's effect there? */
	} step;
	bool is_use_look;  /* capture: of whether the target is in use, not of its state */
	bool is_runner;	   /* which sender has it */
	bool is_late;	   /* it is unknown in the log, and now its outcome has come after all */
	bool is_unclaimed; /* an earlier life admitted it, and its sender has not said that it has
			      it */
	uint64_t redacted; /* secrets taken out of its result */
};

/* A person's command that is answered later. */
struct late_reply {
	uint64_t req;
	uint64_t kill; /* kill.set leaf */
	uint64_t fence;
	bool waits_agents;
	bool waits_runner;
	bool is_answered; /* the person was; the leaf comes once nobody is waited for any more */
	uint64_t give_up_ns;
	struct arena arena;
	VEC(struct str) sent;
};

/* The undelivered result of an approved call, kept for the identical call. */
struct kept_result {
	uint64_t task;
	struct digest tag;
	uint64_t until_unix_ms;
	struct str result; /* heap */
};

struct governor {
	const struct role_env *env;
	struct governor_world world; /* what it was given */
	struct loop_hook commit;
	struct loop *loop;
	const struct clock *clock;
	struct deployment *deployment;
	const struct bundle *bundle;
	struct state *state;
	struct book *book;
	struct vault *vault;
	struct readings *readings; /* of people, that wait for keys; NULL: never any */
	uint64_t forget_keys_ns;   /* when keys are looked through next */
	struct checkpointer *checkpointer;
	struct snapshots *snapshots; /* NULL: none are taken */
	uint64_t kept_for;	     /* shards.c: the pruned size whose snapshots are kept */
	uint64_t pruned;	     /* what is before it was removed in this life, */
	struct prune prune;	     /* or is being removed */
	uint64_t no_news_until;	 /* no leaf of the newest shard but those of shards, up to here */
	uint64_t prune_again_ns; /* it has failed; tried again then. 0 = it has not */
	bool erase_fails;
	uint64_t loaded; /* size of the one that this life began with; 0 = none */
	struct {
		bool is_known;
		uint64_t size;
		struct tlog_hash root;
	} anchor; /* what the keeper signed last, as it says */

	struct channel *agents;
	struct channel *people;
	struct channel *keeper;
	struct channel *runner;
	struct channel *courier;
	struct channel *store;
	/* Is there such a role? If so, a channel that is NULL is being restarted. */
	bool has_agents;
	bool has_runner;
	bool has_people;
	bool has_courier;
	bool has_store;

	struct witnesses *witnesses; /* NULL: nobody cosigns */
	struct evidence_desk *evidence;
	struct arena round; /* scratch; emptied after each round */
	struct request *requests;
	size_t n_requests;
	uint64_t next_request_id;
	struct map flights; /* "c<ix>" -> struct flight */
	VEC(struct late_reply *) late;
	VEC(struct kept_result) kept;
	VEC(struct draining {
		uint64_t task;
		uint64_t until_ns;
	})
	draining;
	VEC(struct revoking {
		uint64_t lease;
		uint64_t again_ns;
		uint32_t tries;
		bool is_asked;
	})
	revoking;
	bool waits_in_flight[2]; /* for the agents' front, for the runner */
	uint64_t handover_until_ns;
	uint64_t began_ix; /* leaf of this life's beginning: calls before it are an earlier one's */
	uint64_t next_fence;
	uint64_t route_again_ns; /* 0 = nothing is to be routed later */
	bool is_routing_late;
	uint64_t next_escalation_ns;
	uint64_t next_note_id;
	VEC(struct note *) notes; /* under way to the courier */
	VEC(struct pace {
		uint64_t tokens;
		uint64_t last_ns;
	})
	paces; /* of sources, in their order */
	struct {
		uint64_t ix;	 /* of the rehearsal under way, 0 = none */
		uint64_t flight; /* its call under way */
		uint64_t next_ns;
		uint32_t tries;
	} rehearsing;
	uint64_t booted_ms;	    /* wall clock minus boot clock, as believed */
	uint64_t clock_followed_ns; /* until then their drift was followed */
	VEC(struct going_back {
		uint64_t term;
		uint64_t next_ns;	  /* not before */
		uint64_t settle_until_ns; /* the inverse's effect may still show */
		uint64_t checked_ns;	  /* the target was as we left it */
		uint32_t tries;		  /* without getting on */
		bool waits_lease;
	})
	going_back; /* rollbacks under way: what of them is not in the state */
	VEC(struct effect_check {
		uint64_t call;
		uint64_t flight; /* the read under way, 0 = none */
		uint64_t next_ns;
		uint64_t settle_until_ns; /* until then the effect may still show */
		uint64_t give_up_ns;	  /* until then it may be impossible to look */
		uint32_t tries;
		bool waits_lease;
	})
	checks; /* effects to be verified */
	struct loop_timer tick;
	struct loop_timer refresh;
	struct refusal_pace refusals;
	bool is_ready;
	bool has_no_room;      /* not even denials are written any more (room.c) */
	bool is_short;	       /* of room for more than reads (room.c) */
	bool is_unsigned;      /* the keeper does not answer (health.c) */
	bool keeper_is_silent; /* as the supervisor says */
	bool is_away;	       /* the log is in its emergency segment (health.c) */
	uint64_t
	    home_ns; /* when the way home is tried next; at home: until when room may be short */
	uint64_t mend_ns;    /* when the vault is mended next */
	struct err home_why; /* why the way home failed last; of no meaning at home */
	bool is_broken;
};

/* ---- gov.c ---- */
/* A fact without sealed values, by somebody who can only go on or not: a failure is logged. */
bool gov_record(struct governor *g, struct leaf *l);
/* While nobody believes the wall clock, the later of the two: what expires does so early, not late.
 */
uint64_t gov_now_ms(const struct governor *g);
uint64_t gov_now_ns(const struct governor *g);

/* ---- roles.c: peers, and their being restarted alone ---- */
struct role_hearers {
	channel_fn *agents;
	channel_fn *runner;
	channel_fn *people;
	channel_fn *courier;
	channel_fn *store;
};
/* The keeper's link comes first: without its keys nothing else is done. */
enum rc roles_link_keeper(struct governor *g, channel_fn *hear, struct err *e);
/* Opens the other links; what their peers have said meanwhile waits in their sockets. */
enum rc roles_link(struct governor *g, const struct role_hearers *hear, struct err *e);
/* The member `roles` of an open object: those that are away, or were restarted alone. */
void roles_view(const struct governor *g, struct json_out *w);

/* ---- senders.c: the agents' front and the runner, when they end ---- */
/* Is it part of the deployment, and not there just now? */
bool senders_is_away(const struct governor *g, bool is_runner);
/* Of the link with it; in admissions and deliveries, so that they concern this process only. */
uint64_t senders_generation(const struct governor *g, bool is_runner);
/* Of its process. */
uint64_t senders_born(const struct governor *g, bool is_runner);
/* At the start: what was under way when the last life ended is unknown, but for calls of agents
 * with a sender that lives on: it says what it has (IN_FLIGHT), and only the rest is unknown. */
enum rc senders_recover(struct governor *g, struct err *e);
void senders_on_in_flight(struct governor *g, const struct msg_in_flight *m, bool is_runner);
/* A sender says what came of a call that is not under way: the flight to record it for, if the call
 * is unknown and that sender may have had it in hand all along; else NULL. */
struct flight *senders_late(struct governor *g, const struct msg_outcome *m, bool is_runner);
void senders_tick(struct governor *g);
void senders_lost(struct governor *g, bool is_runner);
void senders_found(struct governor *g, bool is_runner);

/* ---- clock_watch.c: is the wall clock to be believed? ---- */
/* Compares the clocks; called before anything that depends on time. */
void clock_watch(struct governor *g);
/* At the start: what this life believes, for its first leaf; then whether that fits. */
enum rc clock_watch_start(struct governor *g, struct leaf_started *l);
void clock_watch_recover(struct governor *g);
/* A person says that the wall clock is right. RC_ABSENT when nobody asked. */
enum rc clock_watch_confirm(struct governor *g, struct str by, struct err *e);
/* What the wall clock should say, by the boot clock. */
uint64_t clock_watch_expected_ms(const struct governor *g);

/* ---- calls.c: the life of a call ---- */
void calls_on_call(struct governor *g, const struct msg_call *m);
/* A call that a person makes by break-glass, under its task; answered later, to them. */
enum rc calls_by_person(struct governor *g, uint64_t req, struct str person, uint64_t task,
			struct str tool, struct str args, struct err *e);
void calls_on_withdraw(struct governor *g, const struct msg_withdraw *m);
void calls_on_tools(struct governor *g, const struct msg_tools *m);
/* From the sender that has the call; another one's word about it counts for nothing. */
void calls_on_outcome(struct governor *g, const struct msg_outcome *m, bool is_runner);
/* Decides r again from scratch; answers, parks or admits. r may be gone afterwards. */
void calls_judge(struct governor *g, struct request *r);
/* A denial of r goes on the record, is counted, and answers r, which is gone afterwards. */
void calls_refuse(struct governor *g, struct request *r, const struct decision *d);
/* wake.c: every request that waits for that approval or lease, or belongs to that task, is judged
 * again. */
void calls_wake_approval(struct governor *g, uint64_t approval);
void calls_wake_lease(struct governor *g, uint64_t lease);
/* All that wait for a person, a credential or evidence are judged again. */
void calls_wake_all(struct governor *g);
void calls_wake_task(struct governor *g, uint64_t task);
/* A call of Remit itself. about and step as in struct flight. */
enum rc calls_run_own(struct governor *g, enum purpose purpose, const struct decision *d,
		      const struct json *args, uint64_t task, uint64_t parent, uint64_t lease,
		      struct flight **ret, struct err *e);
/* As calls_run_own; pre: the state captured before, as JSON, "" = none. */
enum rc calls_run_act(struct governor *g, enum purpose purpose, const struct decision *d,
		      const struct json *args, struct str pre, uint64_t task, uint64_t parent,
		      uint64_t lease, struct flight **ret, struct err *e);
struct flight *calls_flight(const struct governor *g, uint64_t call);
bool calls_task_has_flights(const struct governor *g, uint64_t task);
bool calls_lease_has_flights(const struct governor *g, uint64_t lease);
/* True when tool can be called with *ret_lease (0 = it needs none); false when r was parked or
 * answered. */
bool calls_has_lease(struct governor *g, struct request *r, const struct tool *tool,
		     uint64_t *ret_lease);
struct request *calls_find_request(struct governor *g, uint64_t id);
/* A flight for a call that an earlier life allowed and whose outcome may still come. */
enum rc calls_adopt(struct governor *g, const struct call *c, bool is_runner, struct err *e);
void calls_free_all(struct governor *g);

/* ---- preserve.c: evidence that Remit itself reads before a call ---- */
/* Gets the evidence that r's decision wants; r is parked, or answered. */
void preserve_first(struct governor *g, struct request *r, const struct decision *d);
/* Is r denied only because evidence of its task is still being stored? Then it is parked. */
bool preserve_is_waiting(struct governor *g, struct request *r, const struct decision *d);
/* Judges again those of the task that wait for evidence, when nothing of it is on its way. */
void preserve_wake(struct governor *g, uint64_t task);

/* ---- evidence.c: from results to evidence ---- */
enum rc evidence_desk_new(struct governor *g, struct err *e);
void evidence_desk_free(struct evidence_desk *desk);
/* The result of an allowed call that came back ok: when its tool captures evidence, it is on its
 * way to the store from here on. */
void evidence_take(struct governor *g, uint64_t call, struct str result);
/* Never while the store does not answer: then nobody waits for it. */
bool evidence_is_on_its_way(const struct governor *g, uint64_t task);
void evidence_on_store(struct governor *g, const struct message *m);
/* The store ended; another one took its place. */
void evidence_store_lost(struct governor *g);
void evidence_store_found(struct governor *g);
/* It does not answer, or answers again. */
void evidence_store_silent(struct governor *g, bool is_silent);
void evidence_on_key(struct governor *g, const struct msg_key_ready *m);
/* At the start: objects and keys that nobody knows are removed, items whose object is not there are
 * marked, destructions that were under way go on. */
void evidence_recover(struct governor *g);
void evidence_tick(struct governor *g);

/* ---- reads.c: what comes back ---- */
/* The outcome without secrets, for an agent's call; parts live in g->round. */
void reads_clean(struct governor *g, struct flight *f, const struct msg_outcome *m,
		 struct msg_outcome *ret);
/* Records what an agent's read was. May the agent be given it? */
bool reads_account_for(struct governor *g, const struct flight *f, const struct msg_outcome *clean);
/* A result as JSON: its structuredContent, or its first text; NULL when that is none. */
const struct json *reads_value(struct governor *g, struct arena *arena, struct str result);

/* ---- looks.c: what is read before a call ---- */
/* Starts the read that the decision wants first; r waits, or is refused. */
void looks_first(struct governor *g, struct request *r, const struct decision *d);
void looks_on_outcome(struct governor *g, const struct flight *f, const struct msg_outcome *m);

/* ---- taints.c: words that nobody vouches for ---- */
/* Fills q->marks from its task, tool and arguments. They live for the round. */
enum rc taints_of_call(struct governor *g, struct call_request *q, struct err *e);
/* The marks of an untrusted result as its leaf has them. */
enum rc taints_of_result(struct governor *g, struct str result, struct str *ret, bool *ret_over,
			 struct err *e);

/* ---- breakers.c ---- */
/* A decision tripped it; task is whose call that was. */
void breakers_trip(struct governor *g, uint64_t task, const struct breaker_trip *trip);
/* The member `breakers` of an open object: those that are not closed. */
void breakers_view_open(const struct governor *g, struct json_out *w);

/* ---- kept.c: results of approved calls that nobody waited for ---- */
void kept_add(struct governor *g, const struct flight *f, struct str result);
/* True when r was such a call made again, and is answered. */
bool kept_answer(struct governor *g, struct request *r);
/* Drops those past their time. */
void kept_tick(struct governor *g);
void kept_free_all(struct governor *g);

/* ---- replies.c: what an agent reads ---- */
/* A denial or refusal of r; frees r. */
void reply_refusal(struct governor *g, struct request *r, enum reason reason, struct str detail,
		   uint64_t call);
void reply_pending(struct governor *g, struct request *r, const struct approval *a);
/* The upstream's own result with our _meta. */
void reply_result(struct governor *g, struct request *r, uint64_t call, struct str result);
/* JSON text of one of Remit's own tools. */
void reply_own(struct governor *g, struct request *r, bool is_error, struct str json);
/* The same, not an error, with allow and a reason in _meta. */
void reply_own_as(struct governor *g, struct request *r, enum reason reason, struct str json);
void reply_rpc_error(struct governor *g, uint64_t req, uint32_t code, const char *text);
/* Unlinks and frees r without an answer. */
void request_free(struct governor *g, struct request *r);

/* ---- bundles.c: what governed, kept ---- */
/* Keeps a bundle's bytes (struct deployment) under their digest, durably, unless they are there.
 * io NULL: nothing is kept. */
enum rc bundles_keep(const struct log_io *io, const struct digest *digest, struct str canonical,
		     struct err *e);

/* ---- decided.c: the record of a decision ---- */
/* r is judged now, on the state as it is: the time. */
uint64_t decided_begin(const struct governor *g, struct request *r);
/* The call.decided leaf of r as judged since then. */
enum rc decided_record(struct governor *g, struct request *r, const struct decision *d,
		       uint64_t lease, uint64_t *ret_ix, struct err *e);

/* ---- keys.c: which data keys are open ---- */
/* Makes the vault, which knows what the state needs. */
enum rc keys_open(struct governor *g, struct err *e);
/* Nothing else begins before: gives another key to whatever lost its own. */
bool keys_are_there(struct governor *g);
/* Wipes now and then what is needed no more. */
void keys_tick(struct governor *g);
/* Which key seals what belongs to this task or incident (0 = to none). VAULT_NO_KEY where nothing
 * may be sealed. */
uint64_t gov_key_of(const struct governor *g, uint64_t object);
/* A reading has just missed keys: is it done again once they are there? m is copied. */
bool keys_park(struct governor *g, const struct msg_command *m);
/* The keeper has said something of a key. */
void keys_on_key(struct governor *g);
/* Nobody waits for them any more. */
void keys_drop_readings(struct governor *g);

/* ---- own_tools.c: remit___incidents, remit___declare_intent, ... ---- */
bool own_tool_is(struct str public_name);
void own_tool_call(struct governor *g, struct request *r);
/* Appends their definitions to an open JSON array. */
void own_tools_list(const struct governor *g, struct str agent, uint64_t task, struct json_out *w);

/* ---- intents.c ---- */
/* remit___declare_intent: decides, records, opens the task, answers. */
void intents_declare(struct governor *g, struct request *r);
/* For an intent that decide_intent allowed: records it and opens its task, under a data key of its
 * own. by: who or what opened it ("policy", a rule's or a person's name). */
enum rc intents_open_task(struct governor *g, const struct intent_request *q, struct str asked,
			  const struct intent_decision *d, struct str by, uint64_t *ret_task,
			  struct err *e);

/* ---- approvals.c ---- */
/* The question about r as decided; the approval's index, or 0 with e filled. */
uint64_t approvals_open(struct governor *g, const struct request *r, const struct decision *d,
			struct err *e);
/* A question about less than `a` asks (core/narrow.h), which takes its place once somebody has
 * granted it; its index, or 0 with e filled. a must be open. */
uint64_t approvals_narrow(struct governor *g, const struct approval *a, const struct json *patch,
			  struct err *e);
/* Was it cut down so far that what had been captured says nothing about it? Then there is nothing
 * to compare with when it is used. */
bool approvals_has_no_picture(struct governor *g, uint64_t approval);
/* What the agent must call to use it, for the agent; g->round. */
struct str approvals_narrowed_text(struct governor *g, uint64_t approval);
/* The agent has asked more than people can answer: it only reads for a while, and its owner is
 * told, once. */
void approvals_pause(struct governor *g, struct str agent, uint64_t task, struct str why);
/* Everybody who may answer hears of a question, once per group. */
void approvals_tell(struct governor *g, uint64_t approval, const struct str_list *gates,
		    uint64_t decide_by_unix_ms, struct str question);
void approvals_void_task(struct governor *g, uint64_t task, enum reason why);
/* Of its tasks, and of intents on it. */
void approvals_void_incident(struct governor *g, uint64_t incident);
/* Of what is stopped now; and all, when what governs has changed. */
void approvals_void_stopped(struct governor *g);
void approvals_void_all(struct governor *g);
/* Nobody has answered in time. */
void approvals_expire(struct governor *g, uint64_t approval);
void approvals_tick(struct governor *g);

/* ---- leases.c ---- */
/* Makes sure a lease for this credential exists or is on its way: its index, 0 = failed. */
uint64_t leases_want(struct governor *g, uint64_t task, const struct credential *c,
		     uint64_t not_after_unix_ms, bool to_runner, struct err *e);
void leases_revoke(struct governor *g, uint64_t lease, const char *why);
void leases_revoke_task(struct governor *g, uint64_t task, const char *why);
bool leases_task_settled(const struct governor *g, uint64_t task);
void leases_on_issued(struct governor *g, const struct msg_lease_issued *m);
void leases_on_revoked(struct governor *g, const struct msg_lease_revoked *m);
void leases_on_found(struct governor *g, const struct msg_lease_found *m);
void leases_tick(struct governor *g);
/* Secrets that may not have left the keeper are lost with it: their leases are revoked. */
void leases_keeper_lost(struct governor *g);
/* Revocations are asked for again, at once. */
void leases_keeper_found(struct governor *g);
/* What it was lent is lost with it, or was left behind in a dead process: revoked. */
void leases_sender_lost(struct governor *g, bool is_runner);
/* At the start: everything of an earlier life is revoked, and every backend swept. */
void leases_recover(struct governor *g);

/* ---- tasks.c ---- */
void tasks_end(struct governor *g, uint64_t task, const char *why, struct str by, uint64_t cause);
void tasks_suspend(struct governor *g, uint64_t task, enum reason reason, uint64_t cause);
/* The task enters that phase, as was decided at that time. how as in task.phase. */
enum rc tasks_move_on(struct governor *g, uint64_t task, struct str phase, const char *how,
		      uint64_t at, struct err *e);
/* What the task's phase still wants before it may close as done, as texts in the round's arena. */
enum rc tasks_unmet(struct governor *g, const struct task *t, struct str_list *ret, struct err *e);
void tasks_tick(struct governor *g);

/* ---- deviations.c ---- */
/* What a refusal that is on the record as `cause` brings about: suspension, loss of autonomy, an
 * incident on the agent. attempt as in struct decision. */
void deviations_follow(struct governor *g, struct str agent, uint64_t task, enum reason reason,
		       uint32_t attempt, uint64_t cause);
/* Expected beside attempted, for people; in the round's arena. */
struct str deviations_text(struct governor *g, const struct task *t);
void view_deviations(const struct governor *g, const struct task *t, struct json_out *w);

/* ---- notes.c ---- */
void notes_take(struct governor *g, struct request *r);
void view_notes(struct governor *g, const struct task *t, struct json_out *w);

/* ---- autonomy.c ---- */
void autonomy_breach(struct governor *g, const struct agent *a, enum breach why, uint64_t task,
		     uint64_t cause);
void autonomy_tell_owner(struct governor *g, const struct agent *a, uint64_t about,
			 const char *what, struct str text);
/* Level notify: owner and accountable person hear of an allowed call. */
void autonomy_tell(struct governor *g, const struct decision *d, struct str agent, uint64_t task,
		   uint64_t call);
/* Level propose: decides r's call without doing it, and records that; d is the refusal, which gets
 * the better reason or says where the proposal is. */
void proposals_make(struct governor *g, const struct request *r, const struct call_request *asked,
		    struct decision *d);

/* ---- incidents.c ---- */
void incidents_on_event(struct governor *g, const struct msg_incident *m);
/* Opens, updates or closes; the incident's index, 0 with e filled. by is a person or "". */
uint64_t incidents_take(struct governor *g, struct str source, const struct incident_event *ev,
			const struct digest *raw, struct str by, struct err *e);
void incidents_close(struct governor *g, uint64_t incident, struct str by, struct str reason);

/* ---- incident_views.c ---- */
/* remit___incident_text: what the source said in its own words. Labels the task. */
void incident_text_tool(struct governor *g, struct request *r);

/* ---- pace.c ---- */
/* Takes n events or signals from the source's bucket; RC_AGAIN when it has no more. */
enum rc pace_take(struct governor *g, const struct source *s, size_t n, struct err *e);

/* ---- routing.c ---- */
/* Opens what the rules open for this incident, as it is now. */
void routing_follow(struct governor *g, uint64_t incident);
/* For all that are open: at the start. */
void routing_follow_all(struct governor *g);
void routing_tick(struct governor *g);

/* ---- signals.c ---- */
void signals_on_report(struct governor *g, const struct msg_signal *m);
/* What a taken event of an incident carries. */
void signals_from_event(struct governor *g, const struct source *s, const struct incident_event *ev,
			uint64_t incident);
/* What a read that was answered tells, if its entry says that it does. */
void signals_on_outcome(struct governor *g, const struct flight *f, const struct msg_outcome *m);
/* Those of these assets, at most so many, as an array; an asset "" means all. */
void signals_view(const struct governor *g, const struct str_list *assets, size_t most,
		  struct json_out *w);

/* ---- terms.c: the way back ---- */
/* A sent call may have a way back: then a term starts, once. */
void terms_start(struct governor *g, uint64_t call);
/* term.changed; detail and difference ({expected, found} as JSON) may be empty. */
bool terms_change(struct governor *g, uint64_t term, const char *how, struct str by, uint64_t call,
		  struct str detail, struct str difference);
/* It cannot go on by itself: failed, and its owner is told. */
void terms_fail(struct governor *g, uint64_t term, uint64_t call, struct str detail,
		struct str difference);
void terms_hand_over(struct governor *g, uint64_t task, const char *why);
/* Handles ends of terms. */
void terms_tick(struct governor *g);
/* At the start: terms that the last life should have started are started now. */
void terms_recover(struct governor *g);

/* ---- verify.c: is the effect there? ---- */
void verify_start(struct governor *g, uint64_t call);
void verify_on_outcome(struct governor *g, const struct flight *f, const struct msg_outcome *m,
		       const struct json *result);
bool verify_task_is_pending(const struct governor *g, uint64_t task);
void verify_tick(struct governor *g);
/* At the start: what the last life sent and did not verify. */
void verify_recover(struct governor *g);
void verify_lease_ready(struct governor *g);

/* ---- rollback.c: the running of an inverse by Remit ---- */
/* Starts undoing; RC_DENIED when it is not standing. */
enum rc rollback_start(struct governor *g, uint64_t term, struct str by, struct err *e);
void rollback_on_outcome(struct governor *g, struct flight *f, const struct msg_outcome *m,
			 const struct json *result);
void rollback_tick(struct governor *g);
void rollback_lease_ready(struct governor *g);

/* ---- rehearsals.c: a tool and its inverse being tried ---- */
/* On target, one of the tool's rehearsal targets; p == NULL = the first. The rehearsal's index. */
enum rc rehearsals_start(struct governor *g, const struct tool *t, struct str target, struct str by,
			 uint64_t *ret, struct err *e);
void rehearsals_on_outcome(struct governor *g, const struct flight *f, const struct json *result);
bool rehearsals_are_running(const struct governor *g);
void rehearsals_tick(struct governor *g);
/* How a tool stands: when it was rehearsed, until when that is good. */
void view_rehearsal(const struct governor *g, const struct tool *t, struct json_out *w);

/* ---- rollback_all.c: all of a task or an incident ---- */
/* Of task, or (task 0) of all tasks of incident. RC_DENIED when that is under way. */
enum rc rollback_all_start(struct governor *g, uint64_t task, uint64_t incident, struct str by,
			   uint64_t *ret, struct err *e);
/* Is anything that concerns the task being rolled back? */
bool rollback_all_is_running(const struct governor *g, uint64_t task);
void rollback_all_tick(struct governor *g);

/* ---- stop.c ---- */
/* rollbacks: with a stop of everything, Remit's own rollbacks stop too. */
void stop_kill(struct governor *g, uint64_t req, struct str scope, struct str name, struct str by,
	       struct str why, bool rollbacks);
/* At the start, before the last life's calls are closed: stops that were never acknowledged are. */
void stop_recover(struct governor *g);
void stop_on_fenced(struct governor *g, const struct msg_fenced *m, bool is_runner);
void stop_tick(struct governor *g);
void stop_free_all(struct governor *g);
/* At the start: senders that live on hear of all stops that are in force. */
void stop_fence_again(struct governor *g);
/* That call's sender ended before it answered a fence: it may have been sent. */
void stop_note_unknown(struct governor *g, uint64_t call, bool is_runner);
/* The process that a fence was for is no more, and certainly sends nothing: that is an answer. */
void stop_sender_is_new(struct governor *g, bool is_runner);
/* Tells senders to drop what they have of a task and close its children. */
void stop_fence_task(struct governor *g, uint64_t task);

/* ---- people.c: commands ---- */
void people_on_command(struct governor *g, const struct msg_command *m);
void people_reply(struct governor *g, uint64_t req, unsigned status, struct str json);
/* 503: something is wrong with the log (health.c). */
void people_reply_unavailable(struct governor *g, uint64_t req);
void people_reply_err(struct governor *g, uint64_t req, const struct err *e);

/* ---- inventory.c ---- */
/* At the start: forgets the health of what is no longer in an inventory. */
enum rc inventory_start(struct governor *g, struct err *e);

/* ---- escalate.c ---- */
/* Tasks follow the rota; what waits for people climbs its ladder. */
void escalate_tick(struct governor *g);
/* Members "escalations" (open ones) and "paused" (agents that only read), for remit status. */
void escalate_list(const struct governor *g, struct json_out *w);

/* ---- break_glass.c ---- */
void break_glass_tick(struct governor *g);
/* As an array; only_open: those that nobody has reviewed. */
void break_glass_list(const struct governor *g, bool only_open, struct json_out *w);

/* ---- notify.c ---- */
/* Sends again what failed, a few times. */
void notify_tick(struct governor *g);
/* The courier ended: what it had on its way is sent again. */
void notify_courier_lost(struct governor *g);
void notify_free_all(struct governor *g);
/* Tells a group's or person's notifiers; body is JSON. about is the leaf it is about. */
void notify_group(struct governor *g, struct str group, uint64_t about, struct str body);
void notify_person(struct governor *g, struct str person, uint64_t about, const char *what,
		   struct str text);
void notify_on_notified(struct governor *g, const struct msg_notified *m);

/* ---- definitions.c ---- */
void definitions_refresh(struct governor *g);
/* How often that is due: as often as the most impatient upstream wants. */
uint64_t definitions_interval_ms(const struct governor *g);
void definitions_on_answer(struct governor *g, const struct msg_definitions *m);
/* The definition as the agents see it, appended to an open array. */
void definitions_write(const struct tool *t, struct json_out *w);
bool definitions_sender_is_runner(const struct upstream *u);

/* ---- witness.c: others see the log ---- */
/* After this life was announced. */
enum rc witness_start(struct governor *g, struct err *e);
void witness_free(struct governor *g);
void witness_tick(struct governor *g);
void witness_on_answer(struct governor *g, const struct msg_witness_answer *m);
/* What it was asked is asked again, of the next one. */
void witness_courier_lost(struct governor *g);
/* The people's front is told when each has cosigned last. */
void witness_tell(const struct governor *g);
/* "witnesses": {...} into an open object, if there are any. */
void witness_view(const struct governor *g, struct json_out *w);
/* Leaves that a quorum has seen in this life. */
uint64_t witness_seen(const struct governor *g);
/* "ok", "away" or "disputed"; "" = there are none. */
struct str witness_quorum(const struct governor *g);

/* ---- state_at_start.c: the state that a life begins with, and what the next ones begin with ----
 */
enum rc state_at_start(struct governor *g, struct err *e);
enum rc snapshots_begin(struct governor *g, struct err *e);

/* ---- erase.c: what is sealed for a task ---- */
void erase_tick(struct governor *g);

/* ---- shards.c: the log in pieces that are given up as a whole ---- */
struct snapshots_kept;
/* What shards begin with; sizes are the round's, NULL without memory. */
struct snapshots_kept shards_kept(struct governor *g);
void shards_tick(struct governor *g);
void snapshots_look(struct governor *g);

/* ---- room.c ---- */
/* Sets is_short and has_no_room. */
void room_tick(struct governor *g);

/* ---- health.c ---- */
/* At the end of a round, when all of it is durable and nothing of it has left. */
void health_after_commit(struct governor *g);
void health_tick(struct governor *g);
/* Before anybody but the keeper is listened to. */
void health_start(struct governor *g);
/* To the people's front, which is new. */
void health_tell(struct governor *g);
/* May people do this now? */
bool health_allows(const struct governor *g, unsigned verb);
/* The member "log" of an object. */
void health_view(const struct governor *g, struct json_out *w);

/* ---- refusals.c ---- */
/* Does a denial of this agent get a leaf of its own? Otherwise it was counted. */
bool refusals_take(struct governor *g, struct str agent);
void refusals_on_refused(struct governor *g, const struct msg_refused *m);
void refusals_tick(struct governor *g);

/* ---- views.c: state as JSON ---- */
void view_incident(const struct governor *g, const struct incident *i, struct json_out *w);
void view_incident_members(const struct governor *g, const struct incident *i, struct json_out *w);
void view_task(const struct governor *g, const struct task *t, struct json_out *w);
void view_approval(struct governor *g, const struct approval *a, struct json_out *w);
void view_preapproval(const struct governor *g, const struct preapproval *p, struct json_out *w);
void view_rollback(struct governor *g, const struct rollback *r, struct json_out *w);
void view_term(struct governor *g, const struct term *t, struct json_out *w);
void view_lease(const struct governor *g, const struct lease *l, struct json_out *w);
void view_agent(const struct governor *g, const struct agent *a, struct json_out *w);
void view_autonomy(const struct governor *g, const struct agent *a, struct json_out *w);
void view_proposal(struct governor *g, const struct proposal *p, struct json_out *w);
void view_kill(const struct governor *g, const struct kill *k, struct json_out *w);
void view_decision(const struct governor *g, const struct decision *d, struct json_out *w);
void view_call(struct governor *g, const struct call *c, struct json_out *w);
void view_time(struct json_out *w, const char *name, uint64_t unix_ms);
void view_id(struct json_out *w, const char *name, char letter, uint64_t ix);
void view_list(struct json_out *w, const char *name, const struct str_list *l);
