/* SPDX-License-Identifier: Apache-2.0 */
/* net/role.h - what a role finds when it is born, and the three steps it takes.
 *
 * The supervisor (src/serve) execs `remit serve --role ...` with one end of a socketpair for each
 * peer the role talks to; serve turns that into a struct role_env and calls the role's main:
 *
 *	enum rc role_index_main(const struct role_env *env, struct err *e)
 *	{
 *		... load the deployment, open listeners and what lies outside the walls ...
 *		TRY(role_confine(env, &index_sandbox, paths, n_paths, e));
 *		TRY(role_channel(env, R_PEOPLE, "", on_message, on_gone, x, &x->people, e));
 *		return role_run(env, e);	(until the supervisor says stop)
 *	}
 *
 * A role never restarts a peer or waits for one. There are two ways to talk to it:
 *
 *	role_channel	when the channel ends, on_gone is called, and the role ends with an error;
 *	role_link	the role lives on. The supervisor starts the peer again, and hands over the
 *			end of a new pair (MESSAGE_PLUG). In between the role's pointer is NULL,
 *			which channel_send refuses like a channel that has ended.
 *
 * Each link has a generation: of the younger of its two processes. What was said under another one
 * concerns a process that is no more.
 */
#pragma once

#include "base/clock.h"
#include "base/sandbox.h"
#include "net/channel.h"

enum { LIMIT_ROLE_PEERS = 64 };

struct role_peer {
	enum role role;
	char name[LIMIT_ID_BYTES + 1]; /* which backend, which of several fronts; else "" */
	int fd;			       /* -1 once taken */
	uint64_t born;		       /* the generation that its process was started as */
};

typedef void role_link_fn(void *ctx);

struct role_link {
	channel_fn *on_message;
	/* The peer is gone, the pointer is NULL; all that it had said was heard before. NULL: no
	 * matter. Without a supervisor to start it again, the role's loop stops as well. */
	role_link_fn *lost;
	/* Another process took its place: what was asked of the last one is not answered any more.
	 * NULL: no matter. */
	role_link_fn *found;
	/* The peer is there and has answered the supervisor nothing for a while; or it answers
	 * again. Of one that is lost that is not said, which ends its silence. NULL: no matter.
	 * Only a role that hears ROLE_STATE (net/message.def) is told. */
	void (*silent)(void *ctx, bool is_silent);
};

/* One per peer: keeps the end of a channel from a role that is being stopped, for which it is no
 * news, and what a link needs to be taken up again. Filled by role_channel and role_link. */
struct role_plug {
	const struct role_env *env;
	const struct role_peer *peer;
	channel_fn *on_message;
	channel_gone_fn *on_gone;
	void *ctx;
	struct role_link link;
	struct channel **slot; /* of a link; NULL = none */
	uint64_t generation;
	bool is_unplugged;	    /* the supervisor ends the peer */
	struct loop_timer patience; /* for a restart of the peer */
};

enum { LIMIT_ROLES = 64 };

/* What the supervisor says of all roles; the people's front and the governor are told. */
struct role_states {
	size_t n;
	struct role_state {
		enum role role;
		char name[LIMIT_ID_BYTES + 1];
		bool is_up;
		bool is_silent;	   /* up, and answers nothing */
		uint32_t restarts; /* alone, since all were started together */
	} list[LIMIT_ROLES];
};

struct role_env {
	enum role role;
	const char *name;	/* which backend, which of several fronts; else "" */
	const char *deployment; /* absolute path of the deployment directory */
	uint64_t generation;	/* of this process; no two starts have the same, later ones more */
	bool unsafe_no_sandbox;
	struct sandbox_ids ids; /* whom to become */
	struct clock clock;
	struct loop *loop;
	struct channel *supervisor; /* NULL in tests */
	struct role_peer *peers;
	size_t n_peers;
	struct role_plug *plugs; /* as many as peers; NULL in tests without links */
	bool is_stopping;	 /* the supervisor said so, or is gone */
	struct role_states states;
};

/* Is there such a peer, not taken yet? name NULL = any. */
bool role_has_peer(const struct role_env *env, enum role peer, const char *name);
/* Takes the descriptor of that peer and opens a channel on it. name NULL = the first one with
 * that role. RC_ABSENT when it is not plugged in. */
enum rc role_channel(const struct role_env *env, enum role peer, const char *name,
		     channel_fn *on_message, channel_gone_fn *on_gone, void *ctx,
		     struct channel **ret, struct err *e);
/* The same, for a peer that may be restarted alone. *slot is the channel while there is one; it is
 * the link's to free until the role frees it itself, as at its end. */
enum rc role_link(const struct role_env *env, enum role peer, const char *name,
		  const struct role_link *link, void *ctx, struct channel **slot, struct err *e);
/* The generation of the link with that peer; the role's own without plugs. */
uint64_t role_generation(const struct role_env *env, enum role peer, const char *name);
/* The generation that the peer's process was started as; 0 = there is no such peer. */
uint64_t role_born(const struct role_env *env, enum role peer, const char *name);
/* Was that peer's process started before this one? Then it has seen another in this one's place. */
bool role_is_elder(const struct role_env *env, enum role peer);
/* For a message of the supervisor: PLUG (take_fd came with it), UNPLUG and ROLE_STATE. */
void role_replug(const struct role_env *env, const struct msg_plug *m, int take_fd);
void role_unplug(const struct role_env *env, const struct msg_unplug *m);
void role_note_state(struct role_env *env, const struct msg_role_state *m);
/* Enters the sandbox (base/sandbox.h) as the user the supervisor named. Taking channels needs no
 * right, so it may come after. */
enum rc role_confine(const struct role_env *env, const struct sandbox_policy *policy,
		     const struct sandbox_path *paths, size_t n_paths, struct err *e);
/* Closes descriptors of peers that nobody took, says READY and runs the loop until loop_stop: by
 * the role itself, or because the supervisor said STOP or is gone. */
enum rc role_run(const struct role_env *env, struct err *e);

/* "governor=5@1,backend:orders=7@3" (descriptor, born) and back: how the supervisor tells a role
 * its descriptors. RC_INPUT for anything else, RC_LIMIT past LIMIT_ROLE_PEERS. */
enum rc role_peers_parse(struct str text, struct role_peer peers[LIMIT_ROLE_PEERS], size_t *ret_n,
			 struct err *e);
enum rc role_peers_print(const struct role_peer *peers, size_t n, struct buf *b);
/* role_name() read backwards. */
bool role_from_name(struct str name, enum role *ret) MUST_USE;
