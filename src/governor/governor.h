/* SPDX-License-Identifier: Apache-2.0 */
/* governor/governor.h - the role that decides and records.
 *
 * The governor itself is an object on somebody's loop, and everything it knows of the world comes
 * in as a struct governor_world: files, randomness and what is configured; time, the loop and its
 * peers with the struct role_env. The role (role_governor.c) makes the real one. The simulator
 * (src/drill) makes another one and steps it; there is no other difference between the two.
 *
 *	governor_open	opens and replays the log, asks the keeper for the keys
 *	(loop_step until governor_has_keys)
 *	governor_begin	announces this life, closes what the last one left, listens to all peers
 *	(loop_step, until governor_is_broken or nobody wants it any more)
 *	governor_free
 */
#pragma once

#include "base/rand.h"
#include "core/leaf.h"
#include "net/role.h"

struct deployment;
struct governor;
struct log_io;
struct state;

/* Its own directory and a helper thread; no sockets, no programs. */
extern const struct sandbox_policy governor_sandbox;

struct governor_world {
	const struct role_env *env;    /* outlives the governor; its plugs are the peers */
	struct deployment *deployment; /* borrowed; outlives the governor */
	const struct log_io *segments; /* the directories; copied, and what ctx points at */
	const struct log_io *keys;     /* outlives the governor */
	const struct log_io *bundles;  /* likewise; NULL: bundles are not kept (benchmarks) */
	/* Where snapshots lie, as above; NULL: there are none. Only with publish_dir. */
	const struct log_io *snapshots;
	uint64_t snapshot_every; /* leaves; 0 = LIMIT_SNAPSHOT_EVERY */
	uint64_t shard_ms;	 /* how long a shard of the log is; 0 = there is one */
	uint64_t keep_ms;	 /* how long leaves are kept; 0 = for ever */
	/* Where the log goes on when it cannot be written in its place (segment.h); NULL = nowhere
	 */
	const struct log_io *emergency;
	uint64_t segment_bytes;	 /* 0 = LIMIT_SEGMENT_BYTES */
	const struct rand *rand; /* outlives the governor; NULL = rand_system */
	/* Where checkpoint and tiles are published, and the log's public key. dir NULL: nothing is
	 * published and the keeper signs nothing. */
	const char *publish_dir;
	struct str vkey;
	struct digest boot; /* which start of the machine this is (core/leaf.h); zero = not known */
	bool has_thread;    /* publishes in a thread of its own, or when governor_step is called */
};

/* RC_ABSENT without a keeper among the peers. */
enum rc governor_open(const struct governor_world *w, struct governor **ret, struct err *e);
bool governor_has_keys(struct governor *g);
/* A key that this life needs was made and can be stored nowhere: it will not begin. why: borrowed.
 */
bool governor_lacks_keys(const struct governor *g, const char **ret_why);
enum rc governor_begin(struct governor *g, struct err *e);
/* What the helper thread would do next, when has_thread is false. */
void governor_step(struct governor *g);
/* The log failed or a peer is gone: it does nothing any more and says nothing any more. */
bool governor_is_broken(const struct governor *g);
uint64_t governor_durable_size(const struct governor *g);
/* Everything that governs now; borrowed until the next round. */
const struct state *governor_state(const struct governor *g);
/* Drops it where it stands: an uncommitted batch is forgotten, peers see their channels end. */
void governor_free(struct governor *g);

/* Loads the deployment, opens and replays the log, takes its keys from the keeper, and then judges
 * until it is told to stop. Any failure of the log ends it with an error. */
enum rc role_governor_main(const struct role_env *env, struct err *e);
