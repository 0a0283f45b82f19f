/* SPDX-License-Identifier: Apache-2.0 */
/* checker.c - see its header. */
#include "checker_impl.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "audit/files.h"
#include "base/mem.h"
#include "core/state.h"
#include "drill/play_impl.h"
#include "governor/sealed.h"

#include "excess.h"
#include "refold.h"

enum {
	TERM_SLACK_MS = 60000,
	/* An upstream's slow answer, with the looks before and after it, and what waits for one of
	 * these. */
	ANSWER_MS = 180000,
	EXCESS_EVERY = 60, /* steps */
	LIE_EVERY = 20,
	PUBLISHED_WITHIN_S = 5
};

void checker_breaks(struct checker *c, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut when longer */
	va_end(ap);
	if (!c->broken.n) {
		c->broken = arena_str(&c->arena, str_from(text));
	}
}

/* ---- after each step ---- */

/* (8): what was durable is there again, byte for byte. */
struct reread {
	struct checker *c;
	uint64_t n;
};

static enum rc same_leaf(void *ctx, uint64_t ix, struct str bytes, struct err *e)
{
	struct reread *r = ctx;
	struct digest hash;

	(void)e;
	SHA256((const unsigned char *)bytes.p, bytes.n, hash.bytes);
	if (ix < r->c->hashes.n && !digest_eq(&hash, &r->c->hashes.p[ix])) {
		checker_breaks(r->c, "(8) leaf %" PRIu64 " is another one than before", ix);
	}
	r->n = ix + 1;
	return RC_OK;
}

static void check_lost(struct checker *c, struct sim *sim)
{
	struct reread r = {.c = c};
	struct err e = ERR_INIT;

	if (sim_reread(sim, same_leaf, &r, &e) != RC_OK) {
		checker_breaks(c, "(8) the log cannot be read: %s", e.msg);
	} else if (r.n < c->hashes.n) {
		checker_breaks(c, "(8) %zu leaves were acknowledged, %" PRIu64 " are there",
			       c->hashes.n, r.n);
	}
}

/* (6): time that the governor had, by the clock that does not jump. */
static void check_terms(struct checker *c, struct sim *sim)
{
	const struct state *s = sim_state(sim);

	for (size_t i = 0; i < c->terms.n; i++) {
		const struct term *t = state_term(s, c->terms.p[i].ix);
		uint64_t *since = &c->terms.p[i].overdue_ms;

		/* A clock that jumped and nobody confirmed suspends the ends of terms; while the
		 * log goes on in its emergency place nothing is sent at all. */
		if (state_clock_jump(s) || state_sends_nothing(s) || !t ||
		    t->state != TERM_STANDING || !t->reverts || !t->ends_at_unix_ms ||
		    t->ends_at_unix_ms > sim_unix_ms(sim)) {
			*since = 0;
		} else if (!*since) {
			*since = sim_boot_ms(sim);
		} else if (*since + TERM_SLACK_MS < sim_boot_ms(sim)) {
			checker_breaks(c, "(6) m%" PRIu64 " stands past its end, %" PRIu64 " s now",
				       t->ix, (sim_boot_ms(sim) - *since) / 1000);
		}
	}
}

/* (16) */
static void check_credentials(struct checker *c, struct sim *sim)
{
	for (size_t i = 0; i < sim_n_credentials(sim); i++) {
		uint64_t ix = sim_credential_lease(sim, i);
		const struct lease *l = state_lease(sim_state(sim), ix);

		if (!l || l->state == LEASE_STATE_GONE) {
			checker_breaks(
			    c, "(16) a credential of l%" PRIu64 " exists, which is no lease", ix);
		}
	}
}

static void note_change(struct checker *c, const struct step *st)
{
	const struct json *target = st->value ? st->value->child : NULL;
	bool is_set = false;

	if (st->kind == STEP_CHANGE && target &&
	    json_bool(json_get(target, STR("isolated")), &is_set)) {
		c->isolated[target->key.p[target->key.n - 1] - '0'] = is_set;
	}
}

/* (18) */
static void take_publisher(struct checker *c)
{
	if (publisher_broken(c->publisher)[0]) {
		checker_breaks(c, "%s", publisher_broken(c->publisher));
	}
}

/* (20) */
static void say_too_much(struct checker *c, struct sim *sim)
{
	const struct seen_task *t = NULL;
	const struct agent *agent;
	struct excess_agent who = {0};
	char broken[300];
	bool is_said;
	char id[24];
	char incident[24];

	for (size_t i = 0; i < c->tasks.n; i++) {
		t = digest_is_zero(&c->tasks.p[i].key) ? t : &c->tasks.p[i];
	}
	agent = t ? bundle_agent(sim_bundle(sim), t->agent) : NULL;
	if (!agent) {
		return;
	}
	who = (struct excess_agent){.id = agent->id,
				    .task = id_text('t', t->ix, id),
				    .incident = id_text('i', t->incident, incident),
				    .key_sha256 = t->key.bytes};
	if (!excess_say(sim, c->seed + c->counts.steps / EXCESS_EVERY, &who, &is_said, broken)) {
		checker_breaks(c, "%s", broken);
	}
	c->counts.excess += is_said;
}

/* The last call that is unknown and of which its sender cannot know more, or else any that it must
 * not speak of any more; NULL = there is none. */
static const struct seen_call *to_lie_about(const struct checker *c, const struct sim *sim,
					    size_t from)
{
	const struct seen_call *other = NULL;

	for (size_t i = c->calls.n; i > 0; i--) {
		const struct seen_call *x = c->calls.p[i - 1];
		bool is_unknown = x && str_eq(x->outcome, STR("unknown"));
		bool is_runners = x && str_has_prefix(x->tool, STR("edr___"));

		if (is_unknown && !sim_sender_is_elder(sim, is_runners)) {
			return x;
		}
		if (x && !is_unknown && (!other || i % 7 == from % 7)) {
			other = x;
		}
	}
	return other;
}

/* (17): of what is over, and of what is under way at the other sender, nothing is believed. */
static void lie(struct checker *c, struct sim *sim)
{
	static const enum outcome_kind kinds[] = {OUTCOME_OK, OUTCOME_TOOL_ERROR, OUTCOME_NOT_SENT,
						  OUTCOME_UNKNOWN};
	size_t from = c->seed + c->counts.steps;
	const struct seen_call *x = to_lie_about(c, sim, from);
	bool is_runners = x && str_has_prefix(x->tool, STR("edr___"));

	if (!x) {
		return;
	}
	sim_lie(sim, !is_runners, x->ix, kinds[from % ARRAY_LEN(kinds)]);
	if (x->n_outcomes > 0) {
		sim_lie(sim, is_runners, x->ix, kinds[from % ARRAY_LEN(kinds)]);
	}
	sim_settle(sim);
	c->counts.lies++;
}

static void after_step(void *ctx, struct sim *sim, const struct step *st)
{
	struct checker *c = ctx;
	struct err e = ERR_INIT;
	bool is_up = sim_is_up(sim);

	if (c->broken.n) {
		return;
	}
	c->sim = sim;
	c->counts.steps++;
	if (is_up && sim_leaves(sim, c->n_leaves, checker_leaf, c, &e) != RC_OK) {
		checker_breaks(c, "the log cannot be read: %s", e.msg);
	}
	/* What was done before a crash is in the record too; its leaves are read by now, or the
	 * governor is down and they will be. */
	while (is_up && c->n_effects < sim_n_effects(sim)) {
		checker_effect(c, sim_effect_at(sim, c->n_effects++));
	}
	note_change(c, st);
	if (is_up) {
		publisher_step(c->publisher);
	}
	take_publisher(c);
	if (sim_longest_wait_ms(sim) > c->counts.longest_ms) {
		c->counts.longest_ms = sim_longest_wait_ms(sim);
	}
	if (c->counts.longest_ms > ANSWER_MS) { /* (14) */
		checker_breaks(c, "(14) somebody waits for an answer for %" PRIu64 " s",
			       c->counts.longest_ms / 1000);
	}
	if (is_up && (!c->is_up || st->kind == STEP_CRASH)) {
		for (size_t i = 0; i < c->terms.n; i++) {
			c->terms.p[i].overdue_ms = 0;
		}
		check_lost(c, sim);
	}
	c->is_up = is_up;
	if (is_up) {
		check_credentials(c, sim);
		check_terms(c, sim);
	}
	/* Last, since whatever is said may end a governor that has nowhere to write. */
	if (is_up && c->counts.steps % EXCESS_EVERY == 0 && disk_is_good(sim_disk(sim)) &&
	    disk_is_good(sim_emergency_disk(sim))) {
		say_too_much(c, sim);
	}
	if (sim_is_up(sim) && (st->kind == STEP_CRASH || c->counts.steps % LIE_EVERY == 0)) {
		lie(c, sim);
	}
	c->is_up = sim_is_up(sim);
}

/* ---- at the end ---- */

/* (10): also as from a snapshot and what follows it, many times over. */
static void check_replay(struct checker *c, struct sim *sim)
{
	static const uint64_t every[] = {0, 17};
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(every); i++) {
		if (refold_is_same(sim, every[i], &e) != RC_OK) {
			checker_breaks(c, "(10) %s", e.msg);
		}
	}
}

/* The value beside leaf ix is these bytes, and the leaf commits to it. */
static void check_value(struct checker *c, const struct audit_source *source, uint64_t ix,
			const struct digest *commit, struct str bytes)
{
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	uint8_t salt[SEALED_SALT_BYTES];
	uint8_t is[SEALED_COMMITMENT_BYTES];
	struct err e = ERR_INIT;
	struct str value;

	if (source->value(source->ctx, ix, 0, &arena, salt, &value, &e) != RC_OK ||
	    sealed_commit(salt, value, is, &e) != RC_OK) {
		checker_breaks(c, "(12) what leaf %" PRIu64 " commits to cannot be opened: %s", ix,
			       e.msg);
	} else if (memcmp(is, commit->bytes, sizeof(is)) != 0 || !str_eq(value, bytes)) {
		checker_breaks(c, "(12) leaf %" PRIu64 " commits to other bytes than arrived", ix);
	}
	c->counts.compared++;
}

/* (12) */
static void check_bytes(struct checker *c, struct sim *sim)
{
	AUTO_AUDIT_FILES files = NULL;
	struct audit_source source;
	struct err e = ERR_INIT;

	if (sim_files(sim, &files, &e) != RC_OK) {
		checker_breaks(c, "(12) the log's values cannot be read: %s", e.msg);
		return;
	}
	source = audit_files_source(files);
	for (size_t i = 0; i < c->calls.n; i++) {
		const struct seen_call *x = c->calls.p[i];

		if (!x || !x->sent.p) {
			continue;
		}
		check_value(c, &source, x->ix, &x->args, x->sent);
		for (size_t k = 0; x->approval && k < c->questions.n; k++) {
			if (c->questions.p[k].ix == x->approval) {
				check_value(c, &source, x->approval, &c->questions.p[k].args,
					    x->sent);
			}
		}
	}
}

/* (17): what was heard is on record. */
static void check_outcomes(struct checker *c, struct sim *sim)
{
	for (size_t i = 0; i < sim_n_effects(sim); i++) {
		const struct sim_effect *f = sim_effect_at(sim, i);
		const struct seen_call *x = checker_call(c, f->call);
		/* A call of Remit's own that outlived its governor is read back instead; and by a
		 * clock that was set, a read is over for so long that the state forgot it. */
		bool may_be_unknown = !f->is_heard || (x && !str_eq(x->purpose, STR("agent"))) ||
				      (x && !x->is_change && c->has_jumped);

		if (x && !str_eq(x->outcome, checker_said(f)) &&
		    !(may_be_unknown && str_eq(x->outcome, STR("unknown")))) {
			checker_breaks(
			    c, "(17) c%" PRIu64 " was " STR_FMT " to its sender, not '" STR_FMT "'",
			    x->ix, STR_ARG(checker_said(f)), STR_ARG(x->outcome));
		}
	}
}

/* (18): the last leaves may be of the last moment. */
static void check_published(struct checker *c, struct sim *sim)
{
	struct err e = ERR_INIT;

	for (int i = 0; i < PUBLISHED_WITHIN_S && publisher_given(c->publisher) < sim_log_size(sim);
	     i++) {
		sim_pass(sim, 1000);
	}
	if (sim_leaves(sim, c->n_leaves, checker_leaf, c, &e) != RC_OK) {
		checker_breaks(c, "the log cannot be read: %s", e.msg);
		return;
	}
	publisher_end(c->publisher);
	take_publisher(c);
}

static void at_end(void *ctx, struct sim *sim)
{
	struct checker *c = ctx;

	if (c->broken.n) {
		return;
	}
	if (!sim_is_up(sim)) {
		checker_breaks(c, "the governor did not come back");
		return;
	}
	if (sim_n_credentials(sim) != 0) {
		checker_breaks(c, "(9) %zu credentials are left", sim_n_credentials(sim));
	}
	if (sim_longest_wait_ms(sim) > 0) {
		checker_breaks(c, "(14) somebody was never answered");
	}
	check_bytes(c, sim);
	check_outcomes(c, sim);
	check_lost(c, sim);
	check_published(c, sim);
	check_replay(c, sim);
}

/* ---- life ---- */

struct checker *checker_new(uint64_t seed, struct publisher *p)
{
	struct checker *c = mem_calloc(1, sizeof(*c));

	if (!c) {
		return NULL;
	}
	c->arena = (struct arena)ARENA_INIT(1 << 30);
	c->seed = seed;
	c->publisher = p;
	c->broken = STR("");
	c->watch = (struct play_watch){
	    .step = after_step, .end = at_end, .ctx = c, .publishing = publisher_face(p)};
	return c;
}

void checker_free(struct checker *c)
{
	if (!c) {
		return;
	}
	vec_fini(&c->hashes);
	vec_fini(&c->calls);
	vec_fini(&c->stops);
	vec_fini(&c->tasks);
	vec_fini(&c->leases);
	vec_fini(&c->questions);
	vec_fini(&c->granted);
	vec_fini(&c->used);
	vec_fini(&c->terms);
	vec_fini(&c->evidence);
	arena_fini(&c->arena);
	mem_free(c);
}

const struct play_watch *checker_watch(const struct checker *c)
{
	return &c->watch;
}

struct str checker_broken(const struct checker *c)
{
	return c->broken;
}

struct checker_counts checker_counts(const struct checker *c)
{
	struct checker_counts n = c->counts;

	n.leaves = c->n_leaves;
	n.effects = c->n_effects;
	for (size_t i = 0; i < c->calls.n; i++) {
		const struct seen_call *x = c->calls.p[i];

		n.wiped += x && x->acts && str_eq(x->tool, STR("edr___wipe"));
		n.undone += x && x->acts && x->is_change && str_eq(x->purpose, STR("rollback"));
	}
	for (size_t i = 0; i < c->stops.n; i++) {
		n.stopped += c->stops.p[i].acknowledged != 0;
	}
	return n;
}
