/* SPDX-License-Identifier: Apache-2.0 */
/* governor/snapshots.c - taking, covering, loading and removing snapshots.
 *
 * Trust:  the directory was ours and may hold anything; the checkpoint's signature and the tiles'
 *         proof decide what of it is believed.
 * Holds:  (1) no snapshot is loaded but one whose digest is a leaf under the published checkpoint.
 *         (2) what is written was folded from leaves under a signed checkpoint, whose root they
 *             gave.
 *         (3) a covered snapshot goes only when two newer ones are covered, and no shard begins
 *             with it.
 * States: IDLE -enough leaves-> FOLDING -written-> TAKEN -its leaf is recorded-> NOTED
 *         -under a checkpoint-> COVERING -renamed-> IDLE;  an error -> IDLE, and the next comes
 *         when as many leaves have followed again.
 */
#include "governor/snapshots.h"

#include <errno.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "core/leaf.h"
#include "governor/batch.h"
#include "governor/helper.h"

enum { KEPT = 2 };

enum turn { TURN_IDLE = 0, TURN_FOLDING, TURN_TAKEN, TURN_NOTED, TURN_COVERING };

struct snapshots {
	struct snapshots_world world;
	struct helper *helper; /* FOLDING and COVERING are its jobs */
	enum turn turn;
	struct snapshot made;
	uint64_t leaf;	 /* that says so */
	uint64_t last;	 /* published size at the last attempt */
	uint64_t oldest; /* of the two that stay */
	struct snapshots_ref newest;
	bool is_wanted;
	VEC(uint64_t) kept;
};

/* ---- what is there ---- */

struct found {
	uint64_t size;
	uint64_t leaf; /* 0: not covered */
};

struct listing {
	VEC(struct found) found;
};

static int note_name(void *arg, const char *name)
{
	struct listing *l = arg;
	struct found f;

	if (!snapshot_name_parse(name, &f.size, &f.leaf)) {
		return 0;
	}
	return vec_push(&l->found, f) == RC_OK ? 0 : -ENOMEM;
}

static int newest_first(const void *a, const void *b)
{
	const struct found *x = a;
	const struct found *y = b;

	return (x->size < y->size) - (x->size > y->size);
}

static void listing_cleanup(struct listing *l)
{
	vec_fini(&l->found);
}

static enum rc list(const struct log_io *io, struct listing *l, struct err *e)
{
	int result = io->list(io->ctx, note_name, l);

	if (result != 0) {
		return batch_io_error(e, __func__, result, "list", "the snapshots");
	}
	if (l->found.n > 1) {
		qsort(l->found.p, l->found.n, sizeof(l->found.p[0]), newest_first);
	}
	return RC_OK;
}

static void remove_file(const struct log_io *io, const struct found *f)
{
	char name[SNAPSHOT_NAME_BYTES];

	snapshot_name(f->size, f->leaf, name);
	(void)io->unlink(io->ctx, name); /* what stays is room lost, and is tried again */
}

/* ---- the checkpoint ---- */

struct published {
	struct tlog_dir *dir;
	struct tlog_hasher *hasher;
	struct tlog_checkpoint checkpoint;
};

static void published_fini(struct published *p)
{
	tlog_dir_free(p->dir);
	tlog_hasher_free(p->hasher);
}

static enum rc open_published(const struct snapshots_world *w, struct published *p, struct err *e)
{
	AUTO_BUF note = BUF_INIT(TLOG_NOTE_MAX_BYTES);
	struct tlog_vkey key;

	TRY(tlog_vkey_parse(w->vkey, &key, e));
	p->hasher = tlog_hasher_new();
	if (!p->hasher) {
		FAIL(e, RC_NOMEM, "no memory for a snapshot");
	}
	TRY(tlog_dir_open(w->publish_dir, &p->dir, e));
	TRY(tlog_dir_read_checkpoint(p->dir, &note, e));
	TRY(tlog_checkpoint_open(buf_view(&note), &key, &p->checkpoint, e));
	if (!str_eq(p->checkpoint.origin, w->origin)) {
		FAIL(e, RC_BROKEN, "the published checkpoint is of another log");
	}
	p->checkpoint.origin = w->origin; /* the note goes */
	tlog_dir_set_size(p->dir, p->checkpoint.size);
	return RC_OK;
}

/* (1) Does leaf `ix` say that this snapshot was taken, and is it in the tree? */
static enum rc check_covered(struct published *p, uint64_t ix, const struct snapshot *x,
			     struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(16 * LIMIT_LEAF_BYTES);
	AUTO_BUF bytes = BUF_INIT(LIMIT_LEAF_BYTES);
	struct tlog_nodes nodes = tlog_dir_nodes(p->dir);
	struct tlog_proof proof;
	struct tlog_hash hash;
	struct leaf l;

	if (ix >= p->checkpoint.size || ix < x->base.size) {
		FAIL(e, RC_DENIED, "its leaf %ju is not under the checkpoint of %ju leaves",
		     (uintmax_t)ix, (uintmax_t)p->checkpoint.size);
	}
	TRY(tlog_dir_read_leaf(p->dir, ix, &bytes, e));
	hash = tlog_leaf_hash(p->hasher, buf_view(&bytes));
	TRY(tlog_prove_inclusion(p->hasher, &nodes, ix, p->checkpoint.size, &proof, e));
	if (!tlog_inclusion_holds(p->hasher, &proof, ix, p->checkpoint.size, &hash,
				  &p->checkpoint.root)) {
		FAIL(e, RC_DENIED, "leaf %ju is not proven by the checkpoint", (uintmax_t)ix);
	}
	TRY(leaf_decode(&arena, buf_view(&bytes), &l, e));
	if (l.kind != LEAF_SNAPSHOT_TAKEN || l.snapshot_taken.size != x->base.size ||
	    !digest_eq(&l.snapshot_taken.digest, &x->digest) ||
	    !digest_eq(&l.snapshot_taken.state, &x->state)) {
		FAIL(e, RC_BROKEN, "leaf %ju does not say that it was taken", (uintmax_t)ix);
	}
	return RC_OK;
}

static enum rc load_one(const struct snapshots_world *w, struct published *p, const struct found *f,
			struct state **ret, struct segment_base *ret_base, struct err *e)
{
	char name[SNAPSHOT_NAME_BYTES];
	struct snapshot x;

	snapshot_name(f->size, f->leaf, name);
	TRY(snapshot_read(w->io, name, w->origin, &x, e));
	TRY(check_covered(p, f->leaf, &x, e));
	TRY(snapshot_read_state(w->io, name, &x, ret, e));
	*ret_base = x.base;
	return RC_OK;
}

static enum rc load_newest(const struct snapshots_world *w, struct published *p,
			   const struct listing *l, struct state **ret,
			   struct segment_base *ret_base, struct err *e)
{
	for (size_t i = 0; i < l->found.n; i++) {
		struct err why = ERR_INIT;
		enum rc rc;

		if (l->found.p[i].leaf == 0) {
			continue;
		}
		rc = load_one(w, p, &l->found.p[i], ret, ret_base, &why);
		if (rc == RC_OK) {
			return RC_OK;
		}
		if (rc == RC_BROKEN) {
			remove_file(w->io, &l->found.p[i]); /* it must not count as one of two */
		}
		log_warn("the snapshot of %ju leaves is not used: %s",
			 (uintmax_t)l->found.p[i].size, why.msg);
	}
	FAIL(e, RC_ABSENT, "there is no snapshot");
}

enum rc snapshots_load(const struct snapshots_world *w, struct state **ret,
		       struct segment_base *ret_base, struct err *e)
{
	CLEANUP(listing_cleanup) struct listing l = {0};
	CLEANUP(published_fini) struct published p = {0};
	struct err why = ERR_INIT;

	TRY(list(w->io, &l, e));
	if (l.found.n == 0) {
		FAIL(e, RC_ABSENT, "there is no snapshot");
	}
	if (open_published(w, &p, &why) != RC_OK) {
		log_warn("no snapshot is used: %s", why.msg);
		FAIL(e, RC_ABSENT, "there is no checkpoint that a snapshot is under");
	}
	return load_newest(w, &p, &l, ret, ret_base, e);
}

/* ---- folding ---- */

struct folding {
	struct state *s;
	struct segment_base base;
	struct segment_reader *reader;
};

static void folding_fini(struct folding *f)
{
	state_free(f->s);
	segment_reader_free(f->reader);
}

static enum rc apply(struct folding *f, struct tlog_hasher *h, uint64_t until, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(16 * LIMIT_LEAF_BYTES);
	struct segment_leaf leaf;
	struct leaf l;

	TRY(segment_reader_next(f->reader, until, &leaf, e));
	if (leaf.index != f->base.size) {
		FAIL(e, RC_BROKEN, "leaf %ju was read where leaf %ju belongs",
		     (uintmax_t)leaf.index, (uintmax_t)f->base.size);
	}
	TRY(leaf_decode(&arena, leaf.bytes, &l, e));
	TRY(state_reserve(f->s, &l, e));
	state_apply(f->s, leaf.index, &l);
	tlog_frontier_append(&f->base.frontier, h, &leaf.hash);
	f->base.last_leaf = leaf.hash;
	f->base.size++;
	return RC_OK;
}

/* (2) */
static enum rc fold(struct snapshots *x, struct published *p, struct folding *f, struct err *e)
{
	const struct snapshots_world *w = &x->world;
	struct tlog_hash root;
	enum rc rc = snapshots_load(w, &f->s, &f->base, e);

	if (rc == RC_ABSENT) {
		rc = state_new(&f->s, e);
	}
	TRY(rc);
	if (f->base.size >= p->checkpoint.size) {
		FAIL(e, RC_AGAIN, "there are no leaves after the last snapshot");
	}
	TRY(segment_reader_open(w->segments, w->origin, f->base.size, &f->reader, e));
	while (f->base.size < p->checkpoint.size) {
		if (f->base.size % 1024 == 0 && helper_is_ending(x->helper)) {
			FAIL(e, RC_AGAIN, "the governor ends");
		}
		TRY(apply(f, p->hasher, p->checkpoint.size, e));
	}
	root = tlog_frontier_root(&f->base.frontier, p->hasher);
	if (!tlog_hash_eq(&root, &p->checkpoint.root)) {
		FAIL(e, RC_BROKEN, "leaves read back give another root than the checkpoint has");
	}
	return RC_OK;
}

static enum rc take(struct snapshots *x, struct err *e)
{
	CLEANUP(published_fini) struct published p = {0};
	CLEANUP(folding_fini) struct folding f = {0};

	TRY(open_published(&x->world, &p, e));
	TRY(fold(x, &p, &f, e));
	return snapshot_write(x->world.io, x->world.origin, f.s, &f.base, &x->made, e);
}

/* ---- covering ---- */

static bool is_kept(const struct snapshots *x, uint64_t size)
{
	for (size_t i = 0; i < x->kept.n; i++) {
		if (x->kept.p[i] == size) {
			return true;
		}
	}
	return false;
}

/* (3) */
static void remove_old(struct snapshots *x, const struct listing *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->found.n; i++) {
		const struct found *f = &l->found.p[i];

		if (f->leaf && n < KEPT) {
			n++;
			x->oldest = n == KEPT ? f->size : 0;
			if (n == 1) {
				x->newest = (struct snapshots_ref){f->size, f->leaf};
			}
		} else if (!f->leaf || !is_kept(x, f->size)) {
			remove_file(x->world.io, f);
		}
	}
}

static enum rc cover(struct snapshots *x, struct err *e)
{
	CLEANUP(listing_cleanup) struct listing l = {0};
	const struct log_io *io = x->world.io;
	char from[SNAPSHOT_NAME_BYTES];
	char to[SNAPSHOT_NAME_BYTES];
	int result;

	snapshot_name(x->made.base.size, 0, from);
	snapshot_name(x->made.base.size, x->leaf, to);
	result = io->rename(io->ctx, from, to);
	if (result == 0) {
		result = io->sync_dir(io->ctx);
	}
	if (result != 0) {
		return batch_io_error(e, __func__, result, "rename", from);
	}
	TRY(list(io, &l, e));
	remove_old(x, &l);
	return RC_OK;
}

/* ---- turns ---- */

static enum rc do_turn(void *ctx, struct err *e)
{
	struct snapshots *x = ctx;

	return x->turn == TURN_FOLDING ? take(x, e) : cover(x, e);
}

static void give(struct snapshots *x, enum turn turn)
{
	x->turn = turn;
	helper_give(x->helper);
}

void snapshots_step(struct snapshots *x)
{
	helper_step(x->helper);
}

static uint64_t every(const struct snapshots *x)
{
	return x->world.every ? x->world.every : LIMIT_SNAPSHOT_EVERY;
}

/* True: a snapshot was taken. */
static bool job_is_over(struct snapshots *x, enum rc rc, const struct err *e)
{
	if (rc != RC_OK) {
		log_warn("no snapshot is taken: %s", e->msg);
	}
	x->turn = rc == RC_OK && x->turn == TURN_FOLDING ? TURN_TAKEN : TURN_IDLE;
	return x->turn == TURN_TAKEN;
}

bool snapshots_tick(struct snapshots *x, uint64_t published, struct snapshot *ret)
{
	struct err e;
	enum rc rc;

	if (helper_take(x->helper, &rc, &e)) {
		if (job_is_over(x, rc, &e)) {
			*ret = x->made;
			return true;
		}
	} else if (x->turn == TURN_NOTED && published > x->leaf) {
		give(x, TURN_COVERING);
	} else if (x->turn == TURN_IDLE && published > x->last &&
		   (x->is_wanted || published - x->last >= every(x))) {
		x->last = published;
		x->is_wanted = false;
		give(x, TURN_FOLDING);
	}
	return false;
}

void snapshots_noted(struct snapshots *x, uint64_t leaf)
{
	MUST(x->turn == TURN_TAKEN);
	x->leaf = leaf;
	x->turn = leaf ? TURN_NOTED : TURN_IDLE;
}

uint64_t snapshots_oldest(struct snapshots *x)
{
	return x->turn == TURN_IDLE ? x->oldest : 0;
}

bool snapshots_is_idle(const struct snapshots *x)
{
	return x->turn == TURN_IDLE;
}

struct snapshots_ref snapshots_newest(const struct snapshots *x)
{
	MUST(x->turn == TURN_IDLE);
	return x->newest;
}

void snapshots_want(struct snapshots *x)
{
	x->is_wanted = true;
}

enum rc snapshots_keep(struct snapshots *x, const struct snapshots_kept *kept)
{
	MUST(x->turn == TURN_IDLE);
	x->kept.n = 0;
	TRY(vec_reserve(&x->kept, kept->n));
	for (size_t i = 0; i < kept->n; i++) {
		x->kept.p[x->kept.n++] = kept->sizes[i];
	}
	return RC_OK;
}

/* ---- life ---- */

/* What a life that ended has left: not covered, so nobody will ever load it. */
static enum rc tidy(struct snapshots *x, struct err *e)
{
	CLEANUP(listing_cleanup) struct listing l = {0};

	(void)x->world.io->unlink(x->world.io->ctx, SNAPSHOT_FRESH); /* usually there is none */
	TRY(list(x->world.io, &l, e));
	remove_old(x, &l);
	return RC_OK;
}

enum rc snapshots_new(const struct snapshots_world *w, uint64_t last,
		      const struct snapshots_kept *kept, struct snapshots **ret, struct err *e)
{
	struct snapshots *x = mem_calloc(1, sizeof(*x));
	enum rc rc;

	if (!x) {
		FAIL(e, RC_NOMEM, "no memory for snapshots");
	}
	x->world = *w;
	x->last = last;
	(void)map_hash(STR("")); /* makes the process's key, before a second thread could */
	rc = snapshots_keep(x, kept);
	if (rc == RC_OK) {
		rc = tidy(x, e);
	}
	if (rc == RC_OK) {
		rc = helper_new(do_turn, x, w->has_thread, &x->helper, e);
	}
	if (rc != RC_OK) {
		snapshots_free(x);
		return rc;
	}
	*ret = x;
	return RC_OK;
}

void snapshots_free(struct snapshots *x)
{
	if (!x) {
		return;
	}
	helper_free(x->helper);
	vec_fini(&x->kept);
	mem_free(x);
}
