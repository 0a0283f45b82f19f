/* SPDX-License-Identifier: Apache-2.0 */
/* drill/sim.c - clock, lives and rounds of a simulation; both fronts and the courier.
 *
 * Holds: (1) nothing is read from the machine: no clock, no randomness, no file.
 *        (2) what was said to the governor and is unanswered when it goes is answered as the fronts
 *            do it: nothing could be recorded.
 */
#include "drill/sim.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "config/deployment.h"
#include "drill/sim_impl.h"
#include "governor/segment.h"

enum {
	ARENA_BYTES = 1 << 30,
	SEGMENT_BYTES = 4 << 20, /* small, since it is filled with zeros at every start */
	QUIET_ROUNDS = 3,	 /* there, back, and one for what follows */
	ROUNDS_MAX = 200000,	 /* in one settling: beyond it something runs in circles */
	SNAPSHOT_EVERY = 80,	 /* leaves: a story has some hundreds, and a few lives */
	STEPS = 200,		 /* of a long wait */
	STEP_MIN_MS = 50,
};

static const enum role roles[SIM_PARTIES] = {R_KEEPER, R_AGENTS,  R_PEOPLE,
					     R_RUNNER, R_COURIER, R_STORE};

static const char *const mood_names[SIM_MOODS] = {"up", "slow", "stuck", "down", "error", "lost"};

const char *sim_mood_name(enum sim_mood m)
{
	return mood_names[m];
}

bool sim_mood_parse(struct str name, enum sim_mood *ret)
{
	for (int i = 0; i < SIM_MOODS; i++) {
		if (str_eq(name, str_from(mood_names[i]))) {
			*ret = (enum sim_mood)i;
			return true;
		}
	}
	return false;
}

struct str sim_keep(struct sim *s, struct str text)
{
	struct str kept = arena_str(&s->arena, text);

	MUST(kept.p != NULL); /* a drill that large is a mistake of its writer */
	return kept;
}

/* ---- what comes in as parameters ---- */

static uint64_t read_unix_ms(void *ctx)
{
	return ((struct sim *)ctx)->unix_ms;
}

static uint64_t read_boot_ns(void *ctx)
{
	return ((struct sim *)ctx)->boot_ns;
}

/* splitmix64 */
uint64_t sim_random(struct sim *s)
{
	uint64_t z = s->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static void draw_bytes(void *ctx, void *p, size_t n)
{
	uint8_t *at = p;

	for (size_t i = 0; i < n; i += 8) {
		uint64_t v = sim_random(ctx);

		memcpy(at + i, &v, n - i < 8 ? n - i : 8);
	}
}

/* ---- hearing ---- */

static void heard(struct sim *s, uint64_t req, uint32_t code, struct str text)
{
	struct sim_reply r = {.req = req, .code = code, .text = sim_keep(s, text)};

	MUST(vec_push(&s->replies, r) == RC_OK);
	for (size_t i = 0; i < s->waiting.n; i++) {
		if (s->waiting.p[i].req == req) {
			vec_remove(&s->waiting, i);
			break;
		}
	}
}

static void note(struct sim *s, const struct msg_notify *m)
{
	struct message told = {.kind = MESSAGE_NOTIFIED, .notified = {.id = m->id, .ok = 1}};
	struct sim_note n = {.notifier = sim_keep(s, m->notifier),
			     .body = sim_keep(s, m->body),
			     .unix_ms = s->unix_ms};

	MUST(vec_push(&s->notes, n) == RC_OK);
	sim_say(s, SIM_COURIER, &told);
}

static void on_message(void *ctx, struct channel *c, const struct message *m)
{
	struct sim *s = ctx;
	size_t party = 0;

	while (s->c[party] != c) {
		party++;
	}
	s->is_busy = true;
	switch ((int)m->kind) {
	case MESSAGE_CALL_REPLY:
		heard(s, m->call_reply.req, m->call_reply.rpc_code, m->call_reply.result);
		break;
	case MESSAGE_COMMAND_REPLY:
		heard(s, m->command_reply.req, m->command_reply.status, m->command_reply.body);
		break;
	case MESSAGE_LOG_HEALTH:
	case MESSAGE_WITNESS_SEEN:
		break; /* people ask for the status */
	case MESSAGE_NOTIFY:
		note(s, &m->notify);
		break;
	default:
		if (party == SIM_KEEPER) {
			sim_keeper_hears(s, m);
		} else if (party == SIM_STORE) {
			sim_store_hears(s, m);
		} else {
			sim_sender_hears(s, party, m);
		}
		break;
	}
}

static void on_gone(void *ctx, struct channel *c, const char *why)
{
	struct sim *s = ctx;

	(void)c;
	(void)why; /* it ended, or we broke its rules: a test sees it in sim_is_up */
	s->is_gone = true;
	s->is_busy = true;
}

void sim_say(struct sim *s, size_t party, const struct message *m)
{
	s->is_busy = true;
	if (s->c[party] && channel_send(s->c[party], m) != RC_OK) {
		s->is_gone = true;
	}
}

/* ---- birth and end ---- */

enum rc sim_new(const struct sim_options *o, struct sim **ret, struct err *e)
{
	struct sim *s = mem_calloc(1, sizeof(*s));

	if (!s) {
		FAIL(e, RC_NOMEM, "no memory for a simulation");
	}
	s->o = *o;
	s->arena = (struct arena)ARENA_INIT(ARENA_BYTES);
	s->random = o->seed;
	s->rand = (struct rand){.bytes = draw_bytes, .ctx = s};
	s->clock = (struct clock){.unix_ms = read_unix_ms, .boot_ns = read_boot_ns, .ctx = s};
	s->unix_ms = o->unix_ms;
	s->boot_ns = 1000000000ull;
	s->segments = disk_new(sim_random(s));
	s->keys = disk_new(sim_random(s));
	s->bundles = disk_new(o->seed); /* nothing is drawn for it: it holds no decision */
	s->snapshots = disk_new(o->seed + 1);
	s->emergency = disk_new(sim_random(s));
	if (!s->segments || !s->keys || !s->bundles || !s->snapshots || !s->emergency) {
		sim_free(s);
		FAIL(e, RC_NOMEM, "no memory for a simulation");
	}
	s->segments_io = disk_io(s->segments);
	s->keys_io = disk_io(s->keys);
	s->bundles_io = disk_io(s->bundles);
	s->snapshots_io = disk_io(s->snapshots);
	s->emergency_io = disk_io(s->emergency);
	if (loop_new(&s->clock, &s->loop, e) != RC_OK) {
		sim_free(s);
		return RC_NOMEM;
	}
	*ret = s;
	return RC_OK;
}

/* (2) */
static void answer_unavailable(struct sim *s, uint64_t req)
{
	heard(s, req, 0,
	      STR("{\"content\":[{\"type\":\"text\",\"text\":\"Denied (audit_unavailable): "
		  "nothing can be recorded now\"}],\"isError\":true,\"_meta\":{"
		  "\"io.remit/decision\":{\"verdict\":\"deny\",\"reason\":"
		  "\"audit_unavailable\"}}}"));
}

/* The governor, and all that is of this life only. */
static void end_governor(struct sim *s)
{
	governor_free(TAKE(s->governor));
	segment_reader_free(TAKE(s->reader));
	sim_store_forget_unfinished(s);
	for (size_t i = 0; i < SIM_PARTIES; i++) {
		channel_free(TAKE(s->c[i]));
		if (s->handover_fds[i] > 0) {
			file_close(s->handover_fds[i]);
			s->handover_fds[i] = 0;
		}
	}
	s->is_gone = false;
	while (s->waiting.n > 0) {
		answer_unavailable(s, s->waiting.p[0].req);
	}
}

static void end_life(struct sim *s)
{
	end_governor(s);
	sim_senders_end(s);
	sim_senders_heard(s, false);
}

void sim_free(struct sim *s)
{
	if (!s) {
		return;
	}
	end_life(s);
	loop_free(s->loop);
	disk_free(s->segments);
	disk_free(s->keys);
	disk_free(s->bundles);
	disk_free(s->snapshots);
	disk_free(s->emergency);
	vec_fini(&s->credentials);
	vec_fini(&s->definitions);
	vec_fini(&s->replies);
	vec_fini(&s->waiting);
	vec_fini(&s->notes);
	vec_fini(&s->effects);
	vec_fini(&s->leaves);
	vec_fini(&s->objects);
	vec_fini(&s->said);
	arena_fini(&s->arena);
	mem_free(s);
}

static enum rc open_channel(struct sim *s, size_t party, int fd, struct err *e)
{
	return channel_new(s->loop, fd, roles[party], R_GOVERNOR, on_message, on_gone, s,
			   &s->c[party], e);
}

static bool is_sender(size_t party)
{
	return party == SIM_AGENTS || party == SIM_RUNNER;
}

/* Senders that lived on have found the new governor, and begin to hear it. */
static void hand_over(struct sim *s)
{
	struct err e = ERR_INIT;

	for (size_t i = 0; i < SIM_PARTIES; i++) {
		if (s->handover_fds[i] > 0) {
			MUST(open_channel(s, i, s->handover_fds[i], &e) == RC_OK);
			s->handover_fds[i] = 0;
		}
	}
	s->is_busy = true;
	sim_senders_found(s);
}

static bool waits_for_handover(const struct sim *s)
{
	return s->handover_fds[SIM_AGENTS] > 0;
}

static enum rc plug(struct sim *s, struct err *e)
{
	bool lives_on = sim_senders_live(s);
	uint64_t born = s->generation;

	s->generation++;
	memset(s->plugs, 0, sizeof(s->plugs));
	s->env = (struct role_env){.role = R_GOVERNOR,
				   .name = "",
				   .deployment = "",
				   .generation = s->generation,
				   .clock = s->clock,
				   .loop = s->loop,
				   .peers = s->peers,
				   .plugs = s->plugs,
				   .n_peers = SIM_PARTIES};
	for (size_t i = 0; i < SIM_PARTIES; i++) {
		int fds[2];

		TRY(channel_pair(fds, e));
		s->peers[i] =
		    (struct role_peer){.role = roles[i],
				       .fd = fds[1],
				       .born = !lives_on      ? s->generation
					       : is_sender(i) ? s->senders[i == SIM_RUNNER].born
							      : born};
		if (lives_on && is_sender(i)) {
			s->handover_fds[i] = fds[0];
		} else {
			TRY(open_channel(s, i, fds[0], e));
		}
	}
	s->handover_at_ns = s->boot_ns + s->handover_ms * 1000000;
	s->handover_ms = 0;
	return lives_on ? RC_OK : sim_senders_start(s, e);
}

/* Descriptors that the governor did not take. */
static void unplug(struct sim *s)
{
	for (size_t i = 0; i < SIM_PARTIES; i++) {
		file_close(s->peers[i].fd);
		s->peers[i].fd = -1;
	}
}

static enum rc start(struct sim *s, struct err *e)
{
	struct governor_world w = {
	    .env = &s->env,
	    .deployment = s->o.deployment,
	    .segments = &s->segments_io,
	    .keys = &s->keys_io,
	    .bundles = &s->bundles_io,
	    .emergency = &s->emergency_io,
	    .segment_bytes = SEGMENT_BYTES,
	    .rand = &s->rand,
	};

	if (s->o.publishing) {
		w.publish_dir = s->o.publishing->dir;
		w.vkey = s->o.publishing->vkey;
		w.snapshots = &s->snapshots_io;
		w.snapshot_every = SNAPSHOT_EVERY;
	}
	TRY(plug(s, e));
	TRY(governor_open(&w, &s->governor, e));
	sim_keeper_begins(s);
	sim_settle(s);
	if (!s->governor || !governor_has_keys(s->governor)) {
		FAIL(e, RC_AGAIN, "the keeper gives no keys");
	}
	TRY(governor_begin(s->governor, e));
	sim_settle(s);
	return sim_is_up(s) ? RC_OK : RC_BROKEN;
}

static void kill_disks(struct sim *s)
{
	disk_kill(s->segments);
	disk_kill(s->keys);
	disk_kill(s->bundles);
	disk_kill(s->snapshots);
	disk_kill(s->emergency);
}

enum rc sim_start(struct sim *s, struct err *e)
{
	enum rc rc;

	if (s->governor) {
		FAIL(e, RC_INPUT, "a governor is up already");
	}
	kill_disks(s); /* locks of a life that did not come up */
	rc = start(s, e);
	unplug(s);
	if (rc != RC_OK) {
		end_life(s);
	}
	return rc;
}

bool sim_is_up(const struct sim *s)
{
	return s->governor && !s->is_gone && !governor_is_broken(s->governor);
}

void sim_set_handover(struct sim *s, uint64_t ms)
{
	s->handover_ms = ms;
}

void sim_crash(struct sim *s, enum sim_end how)
{
	if (how == SIM_END_GOVERNOR && sim_senders_live(s)) {
		end_governor(s);
		sim_senders_lost(s);
		kill_disks(s);
		return;
	}
	end_life(s);
	if (how == SIM_END_POWER) {
		disk_power_cut(s->segments);
		disk_power_cut(s->keys);
		disk_power_cut(s->bundles);
		disk_power_cut(s->snapshots);
		disk_power_cut(s->emergency);
	} else {
		kill_disks(s);
	}
}

/* ---- rounds ---- */

void sim_settle(struct sim *s)
{
	int quiet = 0;

	for (int i = 0; quiet < QUIET_ROUNDS; i++) {
		struct err e = ERR_INIT;

		MUST(i < ROUNDS_MAX);
		s->is_busy = false;
		if (waits_for_handover(s) && s->boot_ns >= s->handover_at_ns) {
			hand_over(s);
		}
		MUST(loop_step(s->loop, 0, &e) == RC_OK);
		if (s->governor) {
			governor_step(s->governor);
		}
		sim_senders_work(s);
		quiet = s->is_busy ? 0 : quiet + 1;
		if (s->governor && !sim_is_up(s)) {
			/* All roles go together, as the supervisor has it. */
			end_life(s);
			kill_disks(s);
		}
	}
	sim_senders_heard(s, s->governor != NULL);
}

void sim_pass(struct sim *s, uint64_t ms)
{
	uint64_t step = ms / STEPS > STEP_MIN_MS ? ms / STEPS : STEP_MIN_MS;

	sim_settle(s);
	while (ms > 0) {
		uint64_t now = step < ms ? step : ms;

		s->unix_ms += now;
		s->boot_ns += now * 1000000;
		ms -= now;
		sim_settle(s);
	}
}

void sim_jump(struct sim *s, int64_t ms)
{
	s->unix_ms = (uint64_t)((int64_t)s->unix_ms + ms);
	sim_settle(s);
}

/* Their connections end with the agents' front. */
static void hang_up_on_agents(struct sim *s)
{
	for (size_t i = 0; i < s->waiting.n;) {
		if (s->waiting.p[i].is_agents) {
			answer_unavailable(s, s->waiting.p[i].req); /* removes it */
		} else {
			i++;
		}
	}
}

void sim_restart_sender(struct sim *s, bool is_runner)
{
	size_t party = is_runner ? SIM_RUNNER : SIM_AGENTS;
	struct msg_plug plug = {.role = (uint32_t)roles[party], .name = STR("")};
	struct err e = ERR_INIT;
	int fds[2];

	sim_settle(s); /* what it had said is heard */
	if (!s->c[party]) {
		return;
	}
	channel_free(TAKE(s->c[party]));
	sim_sender_end(s, is_runner);
	if (!is_runner) {
		hang_up_on_agents(s);
	}
	plug.generation = ++s->generation;
	MUST(channel_pair(fds, &e) == RC_OK);
	MUST(open_channel(s, party, fds[0], &e) == RC_OK);
	MUST(sim_sender_start(s, is_runner, &e) == RC_OK);
	role_replug(&s->env, &plug, fds[1]);
	sim_settle(s);
}

/* ---- how the others behave ---- */

enum sim_mood sim_mood_of(const struct sim *s, struct str upstream)
{
	for (size_t i = 0; i < s->n_moods; i++) {
		if (str_eq(s->moods[i].upstream, upstream)) {
			return s->moods[i].mood;
		}
	}
	return SIM_UP;
}

void sim_set_mood(struct sim *s, struct str upstream, enum sim_mood mood)
{
	size_t i = 0;

	while (i < s->n_moods && !str_eq(s->moods[i].upstream, upstream)) {
		i++;
	}
	MUST(i < SIM_UPSTREAMS_MAX);
	if (i == s->n_moods) {
		s->n_moods++;
		s->moods[i].upstream = sim_keep(s, upstream);
	}
	s->moods[i].mood = mood;
}

void sim_set_keeper(struct sim *s, bool gives_leases, bool revokes)
{
	s->refuses_leases = !gives_leases;
	s->refuses_revocation = !revokes;
}

void sim_set_signing(struct sim *s, bool works)
{
	s->refuses_signing = !works;
}

enum rc sim_redefine(struct sim *s, struct str upstream, struct str tool, struct str definition)
{
	struct sim_definition d = {.upstream = sim_keep(s, upstream),
				   .tool = sim_keep(s, tool),
				   .text = sim_keep(s, definition)};

	for (size_t i = 0; i < s->definitions.n; i++) {
		if (str_eq(s->definitions.p[i].upstream, upstream) &&
		    str_eq(s->definitions.p[i].tool, tool)) {
			s->definitions.p[i] = d;
			return RC_OK;
		}
	}
	return vec_push(&s->definitions, d);
}

/* ---- speaking ---- */

static uint64_t begin(struct sim *s, bool is_agents)
{
	const struct sim_waiting w = {
	    .req = ++s->next_req, .since_boot_ns = s->boot_ns, .is_agents = is_agents};

	MUST(vec_push(&s->waiting, w) == RC_OK);
	return w.req;
}

uint64_t sim_call(struct sim *s, struct str agent, const uint8_t key_sha256[32], struct str task,
		  struct str tool, struct str args, uint32_t hold_ms)
{
	uint64_t req = begin(s, true);
	struct message m = {
	    .kind = MESSAGE_CALL,
	    .call = {.req = req,
		     .agent = agent,
		     .key_sha256 = str_of(key_sha256, 32),
		     .task = task,
		     .tool = tool,
		     .args = args,
		     .hold_ms = hold_ms,
		     .source = STR("simulated")},
	};

	if (s->c[SIM_AGENTS]) {
		sim_say(s, SIM_AGENTS, &m);
	} else {
		answer_unavailable(s, req);
	}
	return req;
}

void sim_lie(struct sim *s, bool is_runner, uint64_t call, enum outcome_kind kind)
{
	bool has_result = kind == OUTCOME_OK || kind == OUTCOME_TOOL_ERROR;
	const struct message m = {
	    .kind = MESSAGE_OUTCOME,
	    .outcome = {.call = call,
			.kind = (uint8_t)kind,
			.result = has_result ? STR("{\"content\":[]}") : STR("")}};

	sim_say(s, is_runner ? SIM_RUNNER : SIM_AGENTS, &m);
}

bool sim_sender_is_elder(const struct sim *s, bool is_runner)
{
	return s->senders[is_runner].born < s->env.generation;
}

uint64_t sim_command(struct sim *s, uint32_t uid, enum command_verb verb, struct str body)
{
	uint64_t req = begin(s, false);
	struct message m = {
	    .kind = MESSAGE_COMMAND,
	    .command = {.req = req, .uid = uid, .verb = (uint8_t)verb, .body = body},
	};

	if (s->governor) {
		sim_say(s, SIM_PEOPLE, &m);
	} else {
		answer_unavailable(s, req);
	}
	return req;
}

uint64_t sim_incident(struct sim *s, struct str source, struct str body)
{
	uint64_t req = begin(s, false);
	struct message m = {.kind = MESSAGE_INCIDENT,
			    .incident = {.req = req, .source = source, .body = body}};

	if (s->governor) {
		sim_say(s, SIM_PEOPLE, &m);
	} else {
		answer_unavailable(s, req);
	}
	return req;
}

uint64_t sim_signal(struct sim *s, struct str source, struct str body)
{
	uint64_t req = begin(s, false);
	struct message m = {.kind = MESSAGE_SIGNAL,
			    .signal = {.req = req, .source = source, .body = body}};

	if (s->governor) {
		sim_say(s, SIM_PEOPLE, &m);
	} else {
		answer_unavailable(s, req);
	}
	return req;
}

uint64_t sim_longest_wait_ms(const struct sim *s)
{
	return s->waiting.n ? (s->boot_ns - s->waiting.p[0].since_boot_ns) / 1000000 : 0;
}

/* ---- looking ---- */

const struct sim_reply *sim_reply_of(const struct sim *s, uint64_t req)
{
	for (size_t i = s->replies.n; i > 0; i--) {
		if (s->replies.p[i - 1].req == req) {
			return &s->replies.p[i - 1];
		}
	}
	return NULL;
}

uint64_t sim_unix_ms(const struct sim *s)
{
	return s->unix_ms;
}

uint64_t sim_boot_ms(const struct sim *s)
{
	return s->boot_ns / 1000000;
}

struct disk *sim_disk(struct sim *s)
{
	return s->segments;
}

struct disk *sim_emergency_disk(struct sim *s)
{
	return s->emergency;
}

struct disk *sim_keys_disk(struct sim *s)
{
	return s->keys;
}

const struct state *sim_state(const struct sim *s)
{
	return s->governor ? governor_state(s->governor) : NULL;
}

const struct bundle *sim_bundle(const struct sim *s)
{
	return s->o.deployment->bundle;
}

void sim_use(struct sim *s, struct deployment *d)
{
	s->o.deployment = d;
}

size_t sim_n_effects(const struct sim *s)
{
	return s->effects.n;
}

const struct sim_effect *sim_effect_at(const struct sim *s, size_t i)
{
	return &s->effects.p[i];
}

size_t sim_n_notes(const struct sim *s)
{
	return s->notes.n;
}

const struct sim_note *sim_note_at(const struct sim *s, size_t i)
{
	return &s->notes.p[i];
}

size_t sim_n_credentials(const struct sim *s)
{
	return s->credentials.n;
}

uint64_t sim_credential_lease(const struct sim *s, size_t i)
{
	MUST(i < s->credentials.n);
	return s->credentials.p[i].lease;
}

uint64_t sim_next_order(struct sim *s)
{
	return s->next_order++;
}

uint64_t sim_log_size(const struct sim *s)
{
	return s->governor ? governor_durable_size(s->governor) : 0;
}

enum rc sim_reread(struct sim *s, sim_leaf_fn *leaf, void *ctx, struct err *e)
{
	AUTO_SEGMENT_READER r = NULL;
	uint64_t size = sim_log_size(s);

	if (size == 0) {
		return RC_OK;
	}
	TRY(segment_reader_open(&s->segments_io, s->o.deployment->bundle->origin, 0, &r, e));
	segment_reader_use_emergency(r, &s->emergency_io);
	for (uint64_t i = 0; i < size; i++) {
		struct segment_leaf got;

		TRY(segment_reader_next(r, size, &got, e));
		TRY(leaf(ctx, got.index, got.bytes, e));
	}
	return RC_OK;
}

/* Leaves are read once and kept: finding a leaf again means reading from the segment's begin. */
static enum rc read_new(struct sim *s, struct err *e)
{
	uint64_t size = sim_log_size(s);

	if (s->leaves.n >= size) {
		return RC_OK;
	}
	if (!s->reader) {
		TRY(segment_reader_open(&s->segments_io, s->o.deployment->bundle->origin,
					s->leaves.n, &s->reader, e));
		segment_reader_use_emergency(s->reader, &s->emergency_io);
	}
	while (s->leaves.n < size) {
		struct segment_leaf got;

		TRY(segment_reader_next(s->reader, size, &got, e));
		TRY(vec_push(&s->leaves, sim_keep(s, got.bytes)));
	}
	return RC_OK;
}

enum rc sim_leaves(struct sim *s, uint64_t first, sim_leaf_fn *leaf, void *ctx, struct err *e)
{
	TRY(read_new(s, e));
	for (uint64_t i = first; i < s->leaves.n; i++) {
		TRY(leaf(ctx, i, s->leaves.p[i], e));
	}
	return RC_OK;
}
