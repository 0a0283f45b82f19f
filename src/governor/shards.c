/* SPDX-License-Identifier: Apache-2.0 */
/* governor/shards.c - when a shard begins, which may be given up, and how they go.
 *
 * A shard is a run of leaves of the one tree. The first is the log's beginning; each other one
 * rests on a snapshot, which stays as long as the shard does: whoever audits the log when what was
 * before is gone begins with it. Leaves go in this order:
 *
 *	log.prune_proposed	one person wants it
 *	log.pruned		another confirms it; from here on they may be gone
 *	prune_step		removes them, once log.pruned is published (governor/prune.h)
 *
 * Holds:  (1) a leaf goes only when it is older than log.keep by a time that is not the clock's
 *             word alone: the log's own, while no jump of the clock waits to be confirmed, and a
 *             quorum of witnesses, where there are any, has seen the shard's end.
 *         (2) a leaf stays that an object of the state is of: what is under a legal hold, evidence
 *             that was not destroyed, an incident that is open.
 *         (3) what was begun is finished in a later life: removing again what is gone does no harm.
 *         (4) nothing more is pruned before that, so each life need not look for all that ever was.
 *         (5) a log in which nothing happens does not grow by its shards.
 *         (6) nor does it keep its leaves for ever because nothing tells its time: when those of a
 *             shard are old enough, a snapshot is taken, unless enough has happened since.
 */
#include "governor/checkpoint.h"
#include "governor/people.h"
#include "governor/snapshots.h"

#include <string.h>

#include "base/limits.h"
#include "base/log.h"

enum { PRUNE_AGAIN_NS = 1000000000 }; /* a disk that fails is asked once a second */

/* ---- what stays ---- */

struct snapshots_kept shards_kept(struct governor *g)
{
	size_t most = 1;
	size_t n = 0;
	uint64_t *sizes;

	while (state_shard(g->state, most - 1)) {
		most++;
	}
	sizes = arena_alloc(&g->round, most * sizeof(*sizes));
	if (!sizes) {
		return (struct snapshots_kept){0};
	}
	if (state_pruned(g->state, NULL, NULL)) {
		sizes[n++] = state_pruned(g->state, NULL, NULL);
	}
	for (size_t i = 0; state_shard(g->state, i); i++) {
		sizes[n++] = state_shard(g->state, i)->first;
	}
	return (struct snapshots_kept){.n = n, .sizes = sizes};
}

static void keep(struct governor *g)
{
	struct snapshots_kept kept = shards_kept(g);

	if (!kept.sizes || snapshots_keep(g->snapshots, &kept) != RC_OK) {
		log_err("no memory to keep what shards begin with");
		g->is_broken = true;
		loop_stop(g->loop);
	}
}

/* ---- a new one ---- */

static uint64_t newest_first(const struct state *s, uint64_t *ret_number)
{
	uint64_t first = state_pruned(s, NULL, NULL);

	*ret_number = state_shard_number(s);
	for (size_t i = 0; state_shard(s, i); i++) {
		first = state_shard(s, i)->first;
	}
	return first;
}

static void record_began(struct governor *g, uint64_t number, const struct snapshots_ref *snap)
{
	struct leaf taken;
	struct tlog_note note;
	struct tlog_checkpoint c;
	struct err e = ERR_INIT;
	struct leaf l = {
	    .kind = LEAF_SHARD_BEGAN,
	    .shard_began = {.number = number + 1, .snapshot = snap->leaf, .first = snap->size}};

	if (!checkpointer_is_idle(g->checkpointer) ||
	    tlog_note_parse(checkpointer_note(g->checkpointer), &note, NULL) != RC_OK ||
	    tlog_checkpoint_parse(note.text, &c, NULL) != RC_OK || c.size <= snap->leaf) {
		return; /* nothing was published in this life yet */
	}
	if (book_leaf_of(g->book, snap->leaf, &g->round, &taken, &e) != RC_OK) {
		log_err("no shard can begin: %s", e.msg);
		return;
	}
	l.shard_began.digest = taken.snapshot_taken.digest;
	l.shard_began.size = c.size;
	memcpy(l.shard_began.root.bytes, c.root.bytes, sizeof(l.shard_began.root.bytes));
	if (book_record(g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, &e) != RC_OK) {
		log_err("no shard can begin: %s", e.msg);
		return;
	}
	log_info("shard %ju of the log begins with leaf %ju", (uintmax_t)(number + 1),
		 (uintmax_t)snap->size);
	keep(g);
}

/* (5) Has a shard anything in it but what shards themselves write? Looked at once, as far as it is
 * published. */
static bool has_news(struct governor *g, uint64_t first)
{
	uint64_t size = checkpointer_published_size(g->checkpointer);
	struct err e = ERR_INIT;

	if (g->no_news_until < first) {
		g->no_news_until = first;
	}
	for (; g->no_news_until < size; g->no_news_until++) {
		struct leaf l;

		if (book_leaf_of(g->book, g->no_news_until, &g->round, &l, &e) != RC_OK) {
			log_err("no shard can begin: %s", e.msg);
			return false;
		}
		if (l.kind != LEAF_SNAPSHOT_TAKEN && l.kind != LEAF_SHARD_BEGAN) {
			return true;
		}
	}
	return false;
}

/* (6) */
static void date_what_may_go(struct governor *g)
{
	const struct shard *old = NULL;
	uint64_t now = gov_now_ms(g);

	if (!g->world.keep_ms || state_clock_jump(g->state) || g->has_no_room) {
		return;
	}
	for (size_t i = 0; state_shard(g->state, i); i++) {
		const struct shard *s = state_shard(g->state, i);

		old = now >= s->began_unix_ms + g->world.keep_ms ? s : old;
	}
	if (old && (snapshots_oldest(g->snapshots) < old->first ||
		    state_last_unix_ms(g->state) < old->began_unix_ms + g->world.keep_ms)) {
		snapshots_want(g->snapshots);
	}
}

static void begin_when_due(struct governor *g)
{
	struct snapshots_ref snap;
	uint64_t number;
	uint64_t first;

	if (!g->world.shard_ms || state_clock_jump(g->state) || g->has_no_room ||
	    gov_now_ms(g) < state_shard_unix_ms(g->state) + g->world.shard_ms) {
		return;
	}
	snap = snapshots_newest(g->snapshots);
	first = newest_first(g->state, &number);
	if (!has_news(g, first)) {
		return;
	}
	if (snap.size <= first) {
		snapshots_want(g->snapshots);
	} else {
		record_began(g, number, &snap);
	}
}

/* ---- removing ---- */

static void remove_pruned(struct governor *g)
{
	struct err e = ERR_INIT;
	uint64_t from;
	uint64_t ix;
	uint64_t pruned = state_pruned(g->state, &from, &ix);
	enum rc rc;

	if (pruned == g->pruned || checkpointer_published_size(g->checkpointer) <= ix ||
	    gov_now_ns(g) < g->prune_again_ns) {
		return;
	}
	if (g->prune.what.first != pruned) {
		g->prune = (struct prune){.dir = g->world.publish_dir,
					  .what = {.first = pruned, .leaf = ix},
					  .bundle = from / TLOG_TILE_WIDTH}; /* (4) */
	}
	rc = prune_step(&g->prune, book_log(g->book), &e);
	if (rc != RC_OK && rc != RC_AGAIN) {
		if (!g->prune_again_ns) {
			log_warn("leaves before %ju cannot be removed now: %s", (uintmax_t)pruned,
				 e.msg);
		}
		g->prune_again_ns = gov_now_ns(g) + PRUNE_AGAIN_NS;
		return;
	}
	g->prune_again_ns = 0;
	if (rc == RC_OK) {
		g->pruned = pruned;
		log_info("leaves before %ju are gone", (uintmax_t)pruned);
	}
}

void shards_tick(struct governor *g)
{
	if (!g->snapshots) {
		return;
	}
	remove_pruned(g);
	if (snapshots_is_idle(g->snapshots)) {
		if (g->kept_for != state_pruned(g->state, NULL, NULL)) {
			g->kept_for = state_pruned(g->state, NULL, NULL);
			keep(g);
		}
		begin_when_due(g);
		date_what_may_go(g);
	}
}

/* ---- people ---- */

/* Why the leaves before that shard stay; "" = they may go. */
static struct str why_not(struct governor *g, const struct shard *shard)
{
	const char *what;
	uint64_t oldest = state_oldest(g->state, &what);
	uint64_t until = shard->began_unix_ms + g->world.keep_ms;
	struct str quorum = witness_quorum(g);
	char at[25];

	if (state_pruned(g->state, NULL, NULL) != g->pruned) { /* (4) */
		return arena_strf(&g->round, "leaves before %ju are still being removed",
				  (uintmax_t)state_pruned(g->state, NULL, NULL));
	}
	if (!g->world.keep_ms) {
		return STR("log.keep is not set in remit.yaml: the log is kept for ever");
	}
	if (state_clock_jump(g->state)) {
		return STR("the clock has jumped, and nobody has confirmed it");
	}
	if (state_last_unix_ms(g->state) < until) {
		clock_format_unix_ms(until, at);
		return arena_strf(&g->round, "they are kept until %s", at);
	}
	if (quorum.n && (!str_eq(quorum, STR("ok")) || witness_seen(g) <= shard->ix)) {
		return STR("no quorum of witnesses has seen that the shard began");
	}
	if (checkpointer_published_size(g->checkpointer) <= shard->ix) {
		return STR("it is not published yet that the shard began");
	}
	if (oldest < shard->first) {
		return arena_strf(&g->round, "%s, from leaf %ju, is still needed", what,
				  (uintmax_t)oldest);
	}
	if (!g->snapshots || !snapshots_is_idle(g->snapshots) ||
	    snapshots_oldest(g->snapshots) < shard->first) {
		return STR("two newer snapshots are needed first");
	}
	return STR("");
}

enum rc people_shard_list(struct asked *a, struct json_out *w, struct err *e)
{
	(void)e; /* a list cannot fail but by its length */
	json_out_object(w);
	json_out_key_u64(w, "pruned", state_pruned(a->g->state, NULL, NULL));
	json_out_key(w, STR("shards"));
	json_out_array(w);
	for (size_t i = 0; state_shard(a->g->state, i); i++) {
		const struct shard *s = state_shard(a->g->state, i);
		struct str why = why_not(a->g, s);

		json_out_object(w);
		json_out_key_u64(w, "number", s->number);
		json_out_key_u64(w, "first", s->first);
		view_time(w, "began", s->began_unix_ms);
		json_out_key_bool(w, "prunable", why.n == 0);
		json_out_key_str(w, "why", why);
		json_out_close(w);
	}
	json_out_close(w);
	json_out_close(w);
	return RC_OK;
}

static const struct shard *numbered(const struct state *s, uint64_t number)
{
	for (size_t i = 0; state_shard(s, i); i++) {
		if (state_shard(s, i)->number == number) {
			return state_shard(s, i);
		}
	}
	return NULL;
}

static void answer(struct asked *a, uint64_t number, uint64_t first, const char *state)
{
	AUTO_BUF out = BUF_INIT(1024);
	struct json_out w = json_out_to(&out);

	json_out_object(&w);
	json_out_key_u64(&w, "shard", number);
	json_out_key_u64(&w, "first", first);
	json_out_key_str(&w, "state", str_from(state));
	json_out_close(&w);
	people_reply_json(a, &w);
}

enum rc people_prune(struct asked *a, struct err *e)
{
	const struct motion *p = state_prune_motion(a->g->state);
	const struct shard *s;
	struct leaf l = {.kind = LEAF_PRUNE_PROPOSED};
	uint64_t number;
	uint64_t first;
	struct str why;

	TRY(people_number(a, "shard", 0, UINT64_MAX, &number, e));
	s = numbered(a->g->state, number);
	if (!s) {
		FAIL(e, RC_ABSENT, "no shard %ju: 'remit log shards' lists them",
		     (uintmax_t)number);
	}
	why = why_not(a->g, s);
	if (why.n) {
		FAIL(e, RC_DENIED, "leaves before shard %ju stay: " STR_FMT, (uintmax_t)number,
		     STR_ARG(why));
	}
	first = s->first;
	if (motion_may_confirm(p, s->ix, a->person->name, gov_now_ms(a->g))) {
		l = (struct leaf){.kind = LEAF_LOG_PRUNED,
				  .log_pruned = {.shard = s->ix,
						 .first = first,
						 .by = a->person->name,
						 .proposed_by = arena_str(&a->g->round, p->by)}};
		TRY(book_record(a->g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e));
		answer(a, number, first, "pruned");
		return RC_OK;
	}
	l.prune_proposed.shard = s->ix;
	l.prune_proposed.by = a->person->name;
	TRY(book_record(a->g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e));
	answer(a, number, first, "proposed");
	return RC_OK;
}
